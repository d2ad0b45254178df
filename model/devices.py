"""Which device a run computes on, and why."""

import os
import re
from dataclasses import dataclass

import torch

from model.errors import MakemoreError
from model.parallel import cores

ONE_THREAD = 1 << 20  # elements; up to here a second thread brings little and may cost much


class DeviceError(MakemoreError):
    """A device is not there, or fails."""


@dataclass(frozen=True)
class DeviceChoice:
    """A device, and the reason for it in a few words."""

    device: torch.device
    reason: str

    @property
    def name(self) -> str:
        """Such as "cpu" or "cuda"."""
        return self.device.type

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"


def choose(name: str = "auto") -> DeviceChoice:
    """The device called `name`; "auto" prefers a GPU.

    Raises:
        DeviceError: there is no such device here.
    """
    missing = _missing()
    if name == "auto":
        name = next((gpu for gpu in ("cuda", "mps") if not missing[gpu]), "cpu")
        reason = _gpu_name(name) if name != "cpu" else missing["cuda"]
        return DeviceChoice(torch.device(name), f"auto: {reason}")
    if missing.get(name):
        raise DeviceError(f"{name} cannot be used: {missing[name]}; choose auto or cpu")
    return DeviceChoice(torch.device(name), "as asked")


def fit_threads(elements: int, processes: int = 1) -> None:
    """Let torch use as many CPU threads, from this thread, as tensors of this size can feed.

    All threads wait for the last one. Where another program, or the screen, takes a core from one
    of them, a step takes ten times as long: hence half of the cores, and only for large tensors.
    The cores are shared by all `processes` that compute here together.
    """
    own = cores() // processes
    torch.set_num_threads(1 if elements <= ONE_THREAD else max(1, own // 2))


def explain(error: Exception, device: DeviceChoice) -> str | None:
    """What a device that fails has met with; None where the error says nothing of a device.

    Such as "out of memory on cuda: 20.00 GiB were asked for, 1.2 GiB were free".
    """
    if is_out_of_memory(error):
        tried = re.search(r"[Tt]ried to allocate ([\d.]+ ?[A-Za-z]+)", str(error))
        asked = f"{_bytes(tried[1])} were asked for, " if tried else ""
        return (
            f"out of memory on {device.name}: {asked}{size(free_memory(device.device))} were free"
        )
    if "CUDA error" in str(error):
        reason = str(error).partition("CUDA error:")[2].strip().partition("\n")[0]
        return f"the GPU failed ({reason or 'CUDA error'})"
    return None


def is_out_of_memory(error: Exception) -> bool:
    """Whether there was not enough memory, on whichever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # What torch says on the CPU, and Python where there is no room for a thread's stack.
    signs = "can't allocate memory", "can't start new thread"
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)


def free_memory(device: torch.device) -> int:
    """The bytes that nobody uses."""
    if device.type == "cuda" and torch.cuda.is_available():
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def size(count: int) -> str:
    """A number of bytes, such as "1.2 GiB"."""
    unit = min(max(count, 1).bit_length() // 10, 3)
    return f"{count} B" if not unit else f"{count / 1024**unit:.1f} {'_KMG'[unit]}iB"


def _bytes(text: str) -> str:
    """An amount of memory as torch says it, which is plain bytes on the CPU."""
    number, unit = re.fullmatch(r"([\d.]+) ?(\w+)", text).groups()  # pyright: ignore[reportOptionalMemberAccess]
    return size(int(number)) if unit == "bytes" else f"{number} {unit}"


def _missing() -> dict[str, str]:
    """For each kind of GPU, why it cannot be used; "" where it can."""
    if not torch.backends.cuda.is_built():
        cuda = "this torch is built without CUDA"
    else:
        cuda = "" if torch.cuda.is_available() else "torch sees no CUDA GPU"
    mps = "" if torch.backends.mps.is_available() else "torch sees no Apple GPU"
    return {"cuda": cuda, "mps": mps}


def _gpu_name(name: str) -> str:
    return torch.cuda.get_device_name() if name == "cuda" else "Apple GPU"
