r"""Back-off models as files in the ARPA format, which KenLM, SRILM and others read and write.

After a header with the number of n-grams of each order comes a section for each order, and in it a
line for each n-gram: the base-10 logarithm of its probability, its tokens, and the logarithm of its
weight as a context, which may be left out. `<s>` is the boundary before a word, `</s>` that after
it, and every other token is a character. A character that is a blank or cannot be printed is
written as its code point, such as `<U+0020>`: any other character stands for itself and is shorter.

A file of another program may know more: tokens of several characters, such as `<unk>`, and n-grams
with them are left out.
"""

import math
import re
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from model.alphabet import BOUNDARY, Alphabet, visible
from model.backoff import BackoffModel, Level
from model.corpus import MOST_CHARACTERS
from model.errors import MakemoreError
from model.files import read_file, replace_file
from model.order import ORDERS

MOST_BYTES = 256 << 20
"""Of a file: a model takes up to ten times as much memory."""
MOST_WEIGHT = 1e30  # so that no sum of weights leaves the numbers

START, END = "<s>", "</s>"
IMPOSSIBLE = -99.0  # what writers put for the probability of what is never predicted


def write(model: BackoffModel, path: Path) -> None:
    """Put a model in the place of the file at `path`, whole or not at all.

    Raises:
        MakemoreError: it cannot be written, or would be larger than what `read` takes.
    """
    name = visible(str(path))
    # A line has a digit of the probability, and each token or number something that parts it from
    # the next: what is certain to be too large is not even composed.
    least = sum(len(level.codes) * (2 * order + 2) for order, level in enumerate(model.levels, 1))
    data = b"" if least > MOST_BYTES else "".join(_parts(model)).encode()
    if max(least, len(data)) > MOST_BYTES:
        raise MakemoreError(
            f"{name} would be larger than {MOST_BYTES >> 20} MiB; take a lower n or fewer words"
        )
    try:
        if path.exists() and not path.is_file():
            raise ValueError("not a file")
        replace_file(path, data)
    except (OSError, ValueError) as error:
        raise _error("written", name, error) from None


def read(path: Path) -> BackoffModel:
    """The model in the file at `path`. Its alphabet are the characters among its 1-grams.

    Raises:
        MakemoreError: the file cannot be read, or is no model of an order that the product knows.
    """
    name = visible(str(path))
    try:
        data = read_file(path.resolve(), MOST_BYTES)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise _error("read", name, error) from None
    return parse(data, str(path))


def parse(data: bytes, name: str) -> BackoffModel:
    """The model in `data`, the content of a file called `name`.

    Raises:
        MakemoreError: `data` is no model of an order that the product knows; it names the line.
    """
    lines = _Lines(BytesIO(data), name)
    counts = _header(lines)
    alphabet, known, unigrams = _unigrams(lines, counts[0])
    sections = [
        _ngrams(lines, order, announced, known) for order, announced in enumerate(counts[1:], 2)
    ]
    lines.expect(b"\\end\\")
    return _assembled(lines, alphabet, [unigrams, *sections])


def _error(what: str, name: str, error: Exception) -> MakemoreError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return MakemoreError(f"{name} cannot be {what}: {visible(str(reason))}; name another file")


# Writing


def _parts(model: BackoffModel) -> Iterator[str]:
    """The header, and the section of each order."""
    sections = list(_sections(model))
    counts = (f"ngram {order}={len(lines)}\n" for order, lines in enumerate(sections, 1))
    yield "\\data\\\n" + "".join(counts)
    for order, lines in enumerate(sections, 1):
        yield f"\n\\{order}-grams:\n" + "".join(lines)
    yield "\n\\end\\\n"


def _sections(model: BackoffModel) -> Iterator[list[str]]:
    """The lines of each order's n-grams."""
    size = len(model.alphabet)
    characters = [_token(character) for character in model.alphabet.characters]
    oldest, newest = [START, *characters], [END, *characters]
    texts = [""]  # of the contexts of one length, by id, a blank after each token
    for length, level in enumerate(model.levels, 1):
        ngrams = [
            (texts[code // size] + newest[code % size], log_prob)
            for code, log_prob in zip(level.codes.tolist(), _log10(level.log_probs), strict=True)
        ]
        if length == 1:
            ngrams = [("<unk>", IMPOSSIBLE), (START, IMPOSSIBLE), *ngrams]
        weights: dict[str, float] = {}
        if length < model.n:
            longer = model.levels[length]
            codes: list[int] = longer.contexts.tolist()
            texts = [f"{oldest[code % size]} {texts[code // size]}" for code in codes]
            known = {text for text, _ in ngrams}
            weights = dict(zip((t[:-1] for t in texts), _log10(longer.weights), strict=True))
            lacking = [id for id, text in enumerate(texts) if text[:-1] not in known]
            ngrams += zip(
                (texts[id][:-1] for id in lacking), _backed_off(model, length, lacking), strict=True
            )
        yield [
            f"{p:.8g}\t{text}\t{weights[text]:.8g}\n" if text in weights else f"{p:.8g}\t{text}\n"
            for text, p in ngrams
        ]


def _backed_off(model: BackoffModel, length: int, ids: list[int]) -> list[float]:
    """The probabilities of contexts that are no n-grams themselves, base 10.

    KenLM wants every context among the n-grams; other programs may leave some out.
    """
    tokens = model.tokens(length)[ids]
    before = torch.full((len(ids), model.context_length), -1)
    before[:, model.n - length :] = tokens[:, :-1]
    return _log10(model.log_probs(before).gather(1, tokens[:, -1:]).squeeze(1))


def _log10(logarithms: Tensor) -> list[float]:
    """Natural logarithms to base 10."""
    return (logarithms / math.log(10)).tolist()


def _token(character: str) -> str:
    if character.isprintable() and not character.isspace():
        return character
    return f"<U+{ord(character):04X}>"


# Reading


@dataclass
class _Lines:
    """The lines of a file that are not blank, and where one is in it."""

    file: BytesIO
    name: str
    number: int = 0
    """Of the line that was taken last."""

    def next(self) -> bytes:
        """The next line, without the blanks around it; b"" after the last."""
        for line in self.file:
            self.number += 1
            if line := line.strip():
                return line
        return b""

    def expect(self, wanted: bytes) -> None:
        """Take a line that can be no other one."""
        if (line := self.next()) != wanted:
            raise self.error(f"'{wanted.decode()}' should be here, and not {_shown(line)}")

    def error(self, problem: str, number: int | None = None) -> MakemoreError:
        """What is wrong in the last line, or in another."""
        where = f"{visible(self.name)}, line {number or max(1, self.number)}"
        return MakemoreError(f"{where}: {problem}; name a whole file in the ARPA format")

    def ngram(self, order: int, announced: int) -> tuple[float, list[bytes], float]:
        """The probability, tokens and weight of the next line, both to base e."""
        probability, *tokens = self.next().split() or [b""]
        weight = tokens.pop() if len(tokens) == order + 1 else b"0"
        if len(tokens) != order:
            raise self.error(f"{announced:,} {order}-grams were announced, and one should be here")
        p, w = _number(probability), _number(weight)
        if not p <= 0:
            raise self.error(f"{_shown(probability)} is no logarithm of a probability")
        if not -MOST_WEIGHT <= w <= MOST_WEIGHT:
            raise self.error(f"{_shown(weight)} is no logarithm of a weight")
        return p * math.log(10), tokens, w * math.log(10)


def _header(lines: _Lines) -> list[int]:
    """The number of n-grams of each order; it takes the title of the 1-grams, too."""
    lines.expect(b"\\data\\")
    counts: list[int] = []
    while match := re.fullmatch(rb"ngram\s+(\d{1,2})\s*=\s*(\d{1,18})", line := lines.next()):
        if int(match[1]) != len(counts) + 1:
            raise lines.error(f"the number of {len(counts) + 1}-grams should be here")
        counts.append(int(match[2]))
    if len(counts) not in ORDERS:
        raise lines.error(
            f"the orders end at {len(counts)}, and can end at {ORDERS.start} to {ORDERS.stop - 1}"
        )
    if line != b"\\1-grams:":
        raise lines.error(f"'\\1-grams:' should be here, and not {_shown(line)}")
    return counts


# In the place of a token that is no character.
_START, _END, _OTHER = -1, -2, -3


@dataclass(frozen=True)
class _Section:
    """The n-grams of one order that are made of characters and boundaries."""

    tokens: Tensor  # (n-grams, order)
    log_probs: Tensor  # (n-grams,)
    weights: Tensor  # (n-grams,)
    lines: Tensor  # (n-grams,)


def _unigrams(lines: _Lines, announced: int) -> tuple[Alphabet, dict[bytes, int], _Section]:
    """The alphabet, which number stands for which token, and the weights of <s> and characters."""
    found: dict[bytes, tuple[float, float, int]] = {}
    characters: dict[str, bytes] = {}
    for _ in range(announced):
        p, (token,), weight = lines.ngram(1, announced)
        try:
            character = _character(token.decode())
        except UnicodeDecodeError:
            raise lines.error(f"{_shown(token)} is not UTF-8") from None
        if token in found or character in characters:
            raise lines.error(f"{_shown(token)} is among the 1-grams twice")
        found[token] = p, weight, lines.number
        if character is not None:
            characters[character] = token
    if not characters or END.encode() not in found:
        raise lines.error(f"the 1-grams hold no {END if characters else 'single character'}")
    if len(characters) > MOST_CHARACTERS:
        raise lines.error(f"the 1-grams hold more than {MOST_CHARACTERS:,} characters")
    alphabet = Alphabet.of(characters)
    order = [characters[character] for character in alphabet.characters]
    known = dict.fromkeys(found, _OTHER) | {START.encode(): _START, END.encode(): _END}
    known |= {token: place for place, token in enumerate(order, 1)}
    log_probs, weights, numbers = zip(
        *(found[token] for token in (END.encode(), *order)), strict=True
    )
    _, weight, _ = found.get(START.encode(), (0.0, 0.0, 0))
    return (
        alphabet,
        known,
        _Section(
            torch.arange(len(alphabet)).unsqueeze(1),
            torch.tensor(log_probs, dtype=torch.float64),
            torch.tensor((weight, *weights[1:]), dtype=torch.float64),
            torch.tensor(numbers),
        ),
    )


def _ngrams(lines: _Lines, order: int, announced: int, known: dict[bytes, int]) -> _Section:
    """The section of an order above 1."""
    lines.expect(f"\\{order}-grams:".encode())
    ngrams, numbers = array("q"), array("q")
    log_probs, weights = array("d"), array("d")
    for _ in range(announced):
        p, tokens, weight = lines.ngram(order, announced)
        try:
            ids = [known[token] for token in tokens]
        except KeyError as error:
            raise lines.error(f"{_shown(error.args[0])} is not among the 1-grams") from None
        if ids[0] == _START:
            ids[0] = BOUNDARY
        if ids[-1] == _END:
            ids[-1], weight = BOUNDARY, 0.0
        if min(ids) >= 0:
            ngrams.extend(ids)
            log_probs.append(p)
            weights.append(weight)
            numbers.append(lines.number)
    return _Section(
        _tensor(ngrams, torch.int64).view(-1, order),
        _tensor(log_probs, torch.float64),
        _tensor(weights, torch.float64),
        _tensor(numbers, torch.int64),
    )


def _tensor(numbers: "array[int] | array[float]", dtype: torch.dtype) -> Tensor:
    return torch.frombuffer(numbers, dtype=dtype) if numbers else torch.empty(0, dtype=dtype)


@dataclass
class _Contexts:
    """Contexts of one length, whose ids are found token by token, from the newest to the oldest."""

    tokens: Tensor  # (contexts, length)
    ids: Tensor  # (contexts,)

    @classmethod
    def of(cls, tokens: Tensor) -> "_Contexts":
        """None of whose tokens was looked at."""
        return cls(tokens, torch.zeros(len(tokens), dtype=torch.int64))


def _assembled(lines: _Lines, alphabet: Alphabet, sections: list[_Section]) -> BackoffModel:
    """The model with the n-grams of all orders."""
    # An n-gram stands after a context; and what weighs something is a context itself.
    before = [_Contexts.of(section.tokens[:, :-1]) for section in sections]
    weighing = [section.weights.nonzero().squeeze(1) for section in sections]
    themselves = [
        _Contexts.of(section.tokens[heavy])
        for section, heavy in zip(sections, weighing, strict=True)
    ]
    levels: list[Level] = []
    for length, section in enumerate(sections):
        contexts, weights = torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.float64)
        if length:
            groups = [*before[length:], *themselves[length - 1 : -1]]
            contexts = _lengthen(groups, length, len(alphabet))
            heavy = weighing[length - 1]
            weights = torch.zeros(len(contexts), dtype=torch.float64)
            weights[themselves[length - 1].ids] = sections[length - 1].weights[heavy]
        codes = before[length].ids * len(alphabet) + section.tokens[:, -1]
        codes, places = codes.sort(stable=True)
        if len(again := (codes[1:] == codes[:-1]).nonzero()):
            number = int(section.lines[places[1 + int(again[0])]])
            raise lines.error("this n-gram is in the file twice", number)
        levels.append(Level(contexts, weights, codes, section.log_probs[places]))
    return BackoffModel(alphabet, tuple(levels))


def _lengthen(groups: list[_Contexts], length: int, size: int) -> Tensor:
    """Take one more token of each context into its id. The codes of all that there are, sorted."""
    codes = torch.cat([group.ids * size + group.tokens[:, -length] for group in groups])
    contexts, ids = codes.unique(return_inverse=True)
    for group, part in zip(groups, ids.split([len(each.ids) for each in groups]), strict=True):
        group.ids = part
    return contexts


def _number(text: bytes) -> float:
    """NaN for what is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _character(token: str) -> str | None:
    """The character that a token stands for; None where it stands for something else."""
    if match := re.fullmatch(r"<U\+([0-9A-F]{4,6})>", token):
        code = int(match[1], 16)
        if code == ord("\n") or code > sys.maxunicode or 0xD800 <= code < 0xE000:
            return None  # no character of a word: a line's end, or none at all
        return chr(code) if _token(chr(code)) == token else None
    return token if len(token) == 1 else None


def _shown(text: bytes) -> str:
    """What stands in a file, short enough for a line of error."""
    return f"'{visible(text[:40].decode(errors='replace'))}'" if text else "the end of the file"
