"""Text -> the stream of its tokens, each word closed by the boundary; and back."""

import ctypes

import torch
from torch import Tensor

from model.alphabet import BOUNDARY, Alphabet
from model.cleaning import blocks
from model.corpus import Corpus

ASCII = 128  # code points
UNKNOWN = -1


class Tokeniser:
    """Makes text a stream of tokens."""

    def __init__(self, alphabet: Alphabet) -> None:
        self.alphabet = alphabet
        code_points = [ord(character) for character in alphabet.characters]
        # Of each code point up to the last character's.
        self._tokens = torch.full((max(ASCII, *code_points, 0) + 1,), UNKNOWN, dtype=torch.int32)
        self._tokens[code_points] = torch.arange(1, len(alphabet), dtype=torch.int32)
        self._tokens[ord("\n")] = BOUNDARY

    def __call__(self, points: Tensor) -> Tensor | None:
        """The tokens of code points (length,); None if one is not in the alphabet. (length,)"""
        if not len(points):
            return points.int()
        if int(points.amax()) >= len(self._tokens):
            return None
        tokens = self._tokens.index_select(0, points.int())
        return tokens if int(tokens.amin()) >= 0 else None


def code_points(text: str) -> Tensor:
    """The code point of each character, 8-bit if all are ASCII, 32-bit otherwise. (length,)"""
    if text.isascii():
        return _tensor(text.encode("ascii"), torch.uint8)
    # UTF-32 is the one encoding in which every character has the same size.
    return _tensor(text.encode("utf-32-le"), torch.int32)


def tokenise(corpus: Corpus) -> Tensor:
    """The stream of the corpus's tokens, each word closed by the boundary. (examples,)

    8-bit where the alphabet fits, 32-bit otherwise.
    """
    dtype = torch.uint8 if len(corpus.alphabet) <= 256 else torch.int32
    tokeniser = Tokeniser(corpus.alphabet)
    stream = torch.empty(len(corpus.text), dtype=dtype)
    place = 0
    for block in blocks(corpus.text):
        tokens = tokeniser(code_points(block))
        assert tokens is not None
        stream[place : place + len(tokens)] = tokens
        place += len(tokens)
    return stream


def detokenise(stream: Tensor, alphabet: Alphabet) -> list[str]:
    """The words of a stream of tokens, each word closed by the boundary."""
    code_points = [ord(character) for character in ("\n", *alphabet.characters)]
    encoded = torch.tensor(code_points, dtype=torch.int32).index_select(0, stream)
    text = ctypes.string_at(encoded.data_ptr(), encoded.nbytes).decode("utf-32-le")
    return text.split("\n")[:-1]


def _tensor(data: bytes, dtype: torch.dtype) -> Tensor:
    # A tensor may be written to, so that it has to have its own copy.
    return torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
