"""Which device a run computes on, and why."""

import os
from dataclasses import dataclass

import torch

from model.errors import MakemoreError

ONE_THREAD = 1 << 20  # elements; up to here a second thread brings little and may cost much


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
        MakemoreError: there is no such device here.
    """
    missing = _missing()
    if name == "auto":
        name = next((gpu for gpu in ("cuda", "mps") if not missing[gpu]), "cpu")
        reason = _gpu_name(name) if name != "cpu" else missing["cuda"]
        return DeviceChoice(torch.device(name), f"auto: {reason}")
    if missing.get(name):
        raise MakemoreError(f"{name} cannot be used: {missing[name]}; choose auto or cpu")
    return DeviceChoice(torch.device(name), "as asked")


def fit_threads(elements: int) -> None:
    """Let torch use as many CPU threads, from this thread, as tensors of this size can feed.

    All threads wait for the last one. Where another program, or the screen, takes a core from one
    of them, a step takes ten times as long: hence half of the cores, and only for large tensors.
    """
    cores = os.cpu_count() or 1
    torch.set_num_threads(1 if elements <= ONE_THREAD else max(1, cores // 2))


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
