"""A checkpoint: all that the steps to come depend on, as one safetensors file.

The tensors are the weights, what the optimiser remembers and the state of the random generator; the
header, which is JSON, holds the step and the recipe. Reading one runs no code, whoever wrote it.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

import torch
from safetensors import SafetensorError, TensorSpec, deserialize, serialize
from torch import Tensor

from model.alphabet import visible
from model.errors import MakemoreError
from model.files import UNREADABLE
from model.recipe import MOST_STEPS, Recipe

FORMAT = "makemore checkpoint 1"
MOST_REASON = 200  # characters of what an error says, which may repeat the file
DTYPES = {"F32": torch.float32, "I64": torch.int64, "U8": torch.uint8}
NAMES = {torch.float32: "float32", torch.int64: "int64", torch.uint8: "uint8"}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run after some step."""

    step: int
    """Steps done."""
    recipe: Recipe
    """As it is after what was changed while the run went on."""
    tensors: dict[str, Tensor]
    """By name, on the CPU."""

    @property
    def finite(self) -> bool:
        """Whether every number in it is one: a network that has diverged is not worth keeping."""
        return all(bool(tensor.isfinite().all()) for tensor in self.tensors.values())

    def to_bytes(self) -> bytes:
        """What a file of it holds."""
        header = {
            "format": FORMAT,
            "step": str(self.step),
            "recipe": json.dumps(asdict(self.recipe)),
        }
        return tensors_to_bytes(self.tensors, header)

    @classmethod
    def of(cls, data: bytes) -> "Checkpoint":
        """The checkpoint that a file holds.

        Raises:
            MakemoreError: the file is cut off, or holds something else.
        """
        tensors, header = tensors_of(data)
        try:
            if header["format"] != FORMAT:
                raise ValueError(f"its format is not '{FORMAT}'")
            step, recipe = int(header["step"]), Recipe.of(json.loads(header["recipe"]))
            if not 0 <= step <= min(recipe.steps, MOST_STEPS):
                raise ValueError(f"step {step} is none of the recipe's {recipe.steps}")
        except UNREADABLE as error:
            raise _unusable(error) from None
        return cls(step, recipe, tensors)


def tensors_to_bytes(tensors: dict[str, Tensor], header: dict[str, str] | None = None) -> bytes:
    """Tensors on the CPU, and some text, in the safetensors format.

    What `safetensors.torch.save` does, which needs numpy for it.
    """
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    specs = {
        name: TensorSpec(
            dtype=NAMES[tensor.dtype],
            shape=list(tensor.shape),
            data_ptr=tensor.data_ptr(),
            data_len=tensor.nbytes,
        )
        for name, tensor in whole.items()
    }
    return serialize(specs, header)


def tensors_of(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the text in `data`, which is in the safetensors format.

    Raises:
        MakemoreError: the data is cut off, or in no such format.
    """
    try:
        parts = deserialize(data)
        length = int.from_bytes(data[:8], "little")
        header: Any = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        tensors = {
            name: torch.frombuffer(part["data"], dtype=DTYPES[part["dtype"]]).view(part["shape"])
            if part["data"]
            else torch.empty(part["shape"], dtype=DTYPES[part["dtype"]])
            for name, part in parts
        }
    except SafetensorError as error:
        reason = visible(str(error)[:MOST_REASON])
        raise MakemoreError(f"the checkpoint is cut off or broken ({reason})") from None
    except (*UNREADABLE, RuntimeError) as error:
        raise _unusable(error) from None
    return tensors, header


def _unusable(error: Exception) -> MakemoreError:
    return MakemoreError(f"the checkpoint cannot be used: {visible(str(error)[:MOST_REASON])}")
