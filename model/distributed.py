"""Several processes that train one run together, as torchrun starts them.

The first one, rank 0, is in charge: it alone reads files, prints, keeps the run and hears what its
viewers want. Before anything that takes them all, it tells the others what to do, and they do the
same, each with its share. So they know nothing but what they are told, down to the corpus.

There are two groups. What is told goes through one in which a wait may last, since a paused run
tells nothing; what a step exchanges goes through another (NCCL on GPUs, gloo on CPUs), in which a
wait has a limit.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn

from model.alphabet import visible
from model.corpus import Corpus
from model.errors import MakemoreError

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import Tensor, nn

    from model.devices import DeviceChoice
    from model.ngrams import Ngrams

STEP_PATIENCE = timedelta(minutes=10)
"""For which a step may wait for the slowest process: longer, and it does not answer."""
WORD_PATIENCE = timedelta(days=10_000)
"""For which the others wait for a word of the first: a run may be paused for long."""
PART_SECONDS = 3.0


class LostError(MakemoreError):
    """Another process of the run is gone, or does not answer."""


class Processes:
    """A process, and what it shares with the others of its run; there are none in `SOLE`.

    Args:
        rank: which one it is, from 0.
        count: how many there are.
        local_rank: which of those on this machine.
        local_count: how many are on this machine.
    """

    def __init__(
        self, rank: int = 0, count: int = 1, local_rank: int = 0, local_count: int = 1
    ) -> None:
        self.rank, self.count = rank, count
        self.local_rank, self.local_count = local_rank, local_count
        self.lost = False
        """Whether another one is known to be gone: nothing can be done together any more."""
        self.trains = False
        """Whether the first one has told this one to train."""
        self._parted = count == 1
        self._words: Any = None
        self._groups: dict[str, Any] = {}

    def connect(self) -> None:
        """Find the others, where the environment says.

        Raises:
            MakemoreError: they cannot be found.
        """
        import torch.distributed as dist

        try:
            dist.init_process_group("gloo", timeout=STEP_PATIENCE)
            self._words = dist.new_group(backend="gloo", timeout=WORD_PATIENCE)
        except (RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise MakemoreError(
                f"rank {self.rank} of {self.count} does not find the other processes: {reason}"
            ) from None
        self._groups["cpu"] = dist.group.WORLD

    def device(self, name: str) -> DeviceChoice:
        """The device called `name`, of which each process on a machine has one to itself.

        Raises:
            MakemoreError: there are not as many here.
        """
        import torch

        from model.devices import DeviceError, choose

        choice = choose(name)
        if self.count == 1:
            return choice
        if choice.name == "mps":  # it cannot exchange anything
            if name != "auto":
                raise DeviceError("several processes cannot train on mps; choose cpu")
            choice = choose("cpu")
        device = choice.device
        if choice.name == "cuda":
            found = torch.cuda.device_count()
            if found < self.local_count:
                raise DeviceError(
                    f"{self.local_count} processes share {found} CUDA GPUs; start one for each "
                    "GPU, or choose the device cpu"
                )
            device = torch.device("cuda", self.local_rank)
            torch.cuda.set_device(device)
        return replace(choice, device=device, reason=f"{choice.reason}; {self.count} processes")

    def tell(self, name: str, *arguments: object) -> None:
        """Let the others do something; what it comes to, `follow` says.

        If they cannot be told, they are `lost`; nothing is raised, as a run need not fail before it
        needs them.
        """
        if self.rank or self.count == 1 or self.lost:
            return
        try:
            self._broadcast((name, arguments))
        except RuntimeError as error:
            if not self.lost_by(error):
                raise

    def follow(self) -> None:
        """Do what the first process tells, until it ends.

        What cannot be done for a reason that the first process meets as well is left to it.

        Raises:
            LostError: another process is gone.
            DeviceError: the device of this one fails.
        """
        from model.devices import DeviceError
        from model.training import Trainer

        trainer: Trainer | None = None
        while True:
            name, arguments = self._broadcast()
            try:
                match name:
                    case "end":
                        return
                    case "count":
                        self.ngrams(*arguments)
                    case "train":
                        self.trains = True
                        trainer = Trainer(*arguments, processes=self)
                    case _:
                        getattr(trainer, name)(*arguments)
            except (DeviceError, LostError):
                raise
            except MakemoreError:
                pass

    def lost_by(self, error: Exception) -> bool:
        """Whether an error says that another process is gone, which is then remembered."""
        if self.count == 1:
            return False
        import torch.distributed as dist

        # gloo has no class of errors of its own; they begin with the place in its source.
        if isinstance(error, dist.DistError) or "/gloo/" in str(error):
            self.lost = True
            return True
        return False

    def share(self, count: int) -> slice:
        """Which of so many things in a row are for this process."""
        return slice(count * self.rank // self.count, count * (self.rank + 1) // self.count)

    def sum(self, tensor: Tensor) -> Tensor:
        """Replace a tensor by the sum of those of all processes, in place."""
        import torch.distributed as dist

        if self.count > 1:
            dist.all_reduce(tensor, group=self._group(tensor.device.type))
        return tensor

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module, whose gradients are then the means of those of all processes."""
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(
            module,
            process_group=self._group(next(module.parameters()).device.type),
            # The gradients stay where they are: parts of one vector (`Network.flatten`).
            gradient_as_bucket_view=False,
            # Each step uses the same weights, of which WaveNet's last layer leaves some unused.
            static_graph=True,
        )

    def ngrams(self, corpus: Corpus, n: int) -> Ngrams:
        """The n-grams of a corpus, of which each process counts a share.

        All get to know which there are anywhere; then the counts are added up.

        Raises:
            MakemoreError: `n` is no order that the product knows.
        """
        import torch

        from model.ngrams import ContextIndex, Ngrams, count, merge

        if self.count == 1:
            return count(corpus, n)
        own = count(self._own(corpus), n)
        kinds = own.contexts.levels, own.codes
        found = [self._broadcast(kinds, source) for source in range(self.count)]
        size = len(corpus.alphabet)
        parts = [
            Ngrams(n, corpus.alphabet, ContextIndex(size, levels), codes, torch.zeros_like(codes))
            for levels, codes in found
        ]
        parts[self.rank] = own
        merged = merge(parts)
        self.sum(merged.counts)
        return merged

    def part(self) -> None:
        """Let the others end; and if they cannot be told, as a step hangs, hold up nothing."""
        if not self._parted:
            self._parted = True
            parting = threading.Thread(target=self.tell, args=("end",), daemon=True)
            parting.start()
            parting.join(PART_SECONDS)

    def _broadcast(self, value: Any = None, source: int = 0) -> Any:
        """The value that the process of rank `source` gives to all."""
        import ctypes
        import pickle

        import torch
        import torch.distributed as dist

        # torch does the same only where there is NumPy, which nothing else here needs.
        given = pickle.dumps(value) if self.rank == source else b""
        size = torch.tensor([len(given)])
        dist.broadcast(size, source, self._words)
        data = torch.frombuffer(bytearray(given or int(size)), dtype=torch.uint8)
        dist.broadcast(data, source, self._words)
        if self.rank == source:
            return value
        return pickle.loads(ctypes.string_at(data.data_ptr(), data.nbytes))

    def _own(self, corpus: Corpus) -> Corpus:
        """This process's share of the words; cut by characters, at the ends of words."""
        text = corpus.text
        share = self.share(len(text))
        begin, end = (
            text.find("\n", place - 1) + 1 if place else 0 for place in (share.start, share.stop)
        )
        return Corpus(corpus.name, text[begin:end], corpus)

    def _group(self, device: str) -> Any:
        import torch.distributed as dist

        if device not in self._groups:
            self._groups[device] = dist.new_group(backend="nccl", timeout=STEP_PATIENCE)
        return self._groups[device]


SOLE = Processes()
"""A process that trains by itself."""


def join() -> Processes:
    """This process among those that torchrun has started with it; `SOLE` without torchrun.

    Raises:
        MakemoreError: the others cannot be found, or the environment is not torchrun's.
    """
    names = {"rank": "RANK", "count": "WORLD_SIZE"}
    names |= {"local_rank": "LOCAL_RANK", "local_count": "LOCAL_WORLD_SIZE"}
    found = {field: _number(name) for field, name in names.items() if name in os.environ}
    if "rank" not in found or found.get("count", 1) == 1:
        return SOLE
    processes = Processes(**found)
    processes.connect()
    return processes


def _number(variable: str) -> int:
    value = os.environ[variable]
    try:
        return int(value)
    except ValueError:
        problem = f"{variable}='{visible(value)}' is no number"
        raise MakemoreError(f"{problem}; start with torchrun, or unset it") from None


def together(command: Callable[..., None]) -> Callable[..., None]:
    """A command that rank 0 runs, with the help of the other processes, if there are any.

    It is given them as `processes`.
    """

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        processes = join()
        try:
            if processes.rank:
                _ignore_signals()
                processes.follow()
            else:
                command(*arguments, **options, processes=processes)
        except (MakemoreError, RuntimeError) as error:
            if processes.lost or processes.lost_by(error):
                _end(processes, error)
            if processes.rank and isinstance(error, MakemoreError):
                raise MakemoreError(f"rank {processes.rank}: {error}") from None
            raise
        finally:
            processes.part()
        if processes.count > 1:
            _exit(0)

    return run


def _ignore_signals() -> None:
    """Leave them to the first process, which ends all the others in order."""
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)


def _end(processes: Processes, error: Exception) -> NoReturn:
    """Say that another process is gone, and end."""
    message = ""
    if processes.rank == 0:
        known = isinstance(error, MakemoreError)
        message = str(error) if known else "another process is gone; start again"
    elif processes.rank == 1:  # perhaps there is no rank 0 to say it
        message = "rank 1 ends, as another process is gone; start again"
        if processes.trains:
            message = (
                "rank 1 ends, as another process of the run is gone; `makemore runs resume RUN` "
                "goes on from the last checkpoint"
            )
    with suppress(OSError):
        if message:
            print(f"Error: {message}", file=sys.stderr)
    _exit(1)


def _exit(status: int) -> NoReturn:
    """End at once: threads of gloo that still wait would abort a program at its orderly end."""
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)
