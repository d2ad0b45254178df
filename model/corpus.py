"""A corpus: load it, clean it, describe it; and the built-in gallery."""

import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from model.alphabet import Alphabet, visible
from model.cleaning import BLOCK, blocks, clean, without_blank_lines
from model.errors import MakemoreError

MOST_BYTES = 128 << 20
"""Of a corpus: counting takes up to fifty times as much memory, at a high n above all."""
MOST_CHARACTERS = 1 << 16
"""Of an alphabet; more than any script has."""

STANDARD_INPUT = "-"
DEFAULT = "english-first-names"

MAKEMORE_NAMES = "makemore-names"
MAKEMORE_NAMES_URL = "https://raw.githubusercontent.com/karpathy/makemore/master/names.txt"
MAKEMORE_NAMES_SHA256 = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"

FAKER_LOCALES = {
    "arabic": "ar_AA",
    "czech": "cs_CZ",
    "danish": "da_DK",
    "dutch": "nl_NL",
    "english": "en_US",
    "finnish": "fi_FI",
    "french": "fr_FR",
    "german": "de_DE",
    "greek": "el_GR",
    "hebrew": "he_IL",
    "hindi": "hi_IN",
    "irish": "ga_IE",
    "italian": "it_IT",
    "portuguese": "pt_BR",
    "russian": "ru_RU",
    "spanish": "es_ES",
    "swedish": "sv_SE",
    "ukrainian": "uk_UA",
}

GALLERY = (
    MAKEMORE_NAMES,
    *(f"{language}-{kind}-names" for language in FAKER_LOCALES for kind in ("first", "last")),
)


@dataclass(frozen=True)
class Corpus:
    """The list of words that a model learns from, in their order, duplicates kept.

    `text` holds the words in NFC, each followed by one line feed: what the counting reads.
    """

    name: str
    text: str = field(repr=False)
    whole: "Corpus | None" = field(default=None, repr=False)
    """What this is a part of: the parts of a split share its alphabet."""
    source: str = field(default="", repr=False, compare=False)
    """What loads it again: a file, or a name of the gallery; "" where nothing does."""

    @cached_property
    def words(self) -> list[str]:
        """Every word, in the order of the file."""
        return self.text.split("\n")[:-1]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The distinct words."""
        return frozenset(self._each_word())

    @cached_property
    def alphabet(self) -> Alphabet:
        """The distinct characters, of a part those of the whole."""
        if self.whole is not None:
            return self.whole.alphabet
        return Alphabet.of(_characters(self.text) - {"\n"})

    @cached_property
    def word_count(self) -> int:
        """The number of words, duplicates included."""
        return self.text.count("\n")

    @property
    def duplicates(self) -> int:
        """How many words repeat an earlier one."""
        return self.word_count - len(self.vocabulary)

    @property
    def characters(self) -> int:
        """The number of characters in all words together."""
        return len(self.text) - self.word_count

    @property
    def examples(self) -> int:
        """The number of predicted tokens: every character, and the boundary after each word."""
        return len(self.text)

    @cached_property
    def lengths(self) -> MappingProxyType[int, int]:
        """How many words there are of each length in characters."""
        return MappingProxyType(dict(sorted(Counter(map(len, self._each_word())).items())))

    @property
    def first(self) -> list[str]:
        """The first four words."""
        return [line[:-1] for line in islice(blocks(self.text, 1), 4)]

    @cached_property
    def longest(self) -> list[str]:
        """The four longest distinct words, the longest first."""
        return _four(self._each_word(), lambda word: -len(word))

    @cached_property
    def shortest(self) -> list[str]:
        """The four shortest distinct words, the shortest first."""
        return _four(self._each_word(), len)

    def _each_word(self) -> Iterator[str]:
        """Every word, without a list of them all, which takes many times the memory of the text."""
        return chain.from_iterable(block.split("\n")[:-1] for block in blocks(self.text))


@dataclass(frozen=True)
class Source:
    """Where words are read from."""

    name: str
    file: BinaryIO
    size: int | None = None
    """In bytes; None for a pipe, of which nobody knows."""
    path: str = ""
    """What opens it again: a file, or a name of the gallery; "" where nothing does."""


@contextmanager
def opened(source: str = DEFAULT) -> Generator[Source]:
    """What `source` names: a file, "-" for standard input, or a name of the gallery.

    A file goes before a built-in corpus of the same name.

    Raises:
        MakemoreError: there is no such corpus, or it cannot be read.
    """
    if source == STANDARD_INPUT:
        if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
            raise MakemoreError("standard input is closed; name a file instead")
        with _explained(source):
            yield Source("standard input", sys.stdin.buffer)
        return
    try:
        path = Path(source).expanduser()
    except RuntimeError:
        raise MakemoreError(f"{visible(source)}: there is no such user's home") from None
    if source in GALLERY and not path.exists():
        words = load_built_in(source).text.encode()
        yield Source(source, BytesIO(words), len(words), source)
        return
    with _explained(str(path)), _open(path) as file:
        status = os.fstat(file.fileno())
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        yield Source(path.name, file, size, str(path.absolute()))


def load(source: str = DEFAULT) -> Corpus:
    """The corpus that `source` names, as in `opened`.

    Raises:
        MakemoreError: there is no such corpus, it cannot be read as a list of words, or is larger
            than MOST_BYTES.
    """
    with opened(source) as words:
        name = visible(source) if words.path else words.name
        if words.size and words.size > MOST_BYTES:
            raise _too_large(name, f"{words.size:,} bytes")
        data = words.file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise _too_large(name, f"more than {MOST_BYTES:,} bytes")
    return parse(data, words.name, words.path)


def parse(data: bytes, name: str, source: str = "") -> Corpus:
    """The corpus in `data`: UTF-8, one word a line.

    Lines end at LF or CRLF. A byte order mark, blanks around a word and blank lines are dropped.

    Raises:
        MakemoreError: the data is not UTF-8, holds no word, or more characters than an alphabet.
    """
    try:
        text = without_blank_lines(clean(data, beginning=True))
    except UnicodeDecodeError as error:
        raise not_utf8(name, error) from None
    if not text:
        raise no_words(name)
    corpus = Corpus(name, text, source=source)
    check_characters(name, corpus.alphabet)
    return corpus


def not_utf8(name: str, error: UnicodeDecodeError, lines_before: int = 0) -> MakemoreError:
    """What to tell of lines of a file, that many after its beginning, which cannot be decoded."""
    line = lines_before + error.object.count(b"\n", 0, error.start) + 1
    return MakemoreError(
        f"{visible(name)}, line {line}: byte 0x{error.object[error.start]:02x} is not UTF-8; "
        "convert the file to UTF-8"
    )


def no_words(name: str) -> MakemoreError:
    """What to tell of an empty file."""
    return MakemoreError(f"{visible(name)} holds no words; put one word on each line")


def check_characters(name: str, alphabet: Alphabet) -> None:
    """Let the alphabets pass that are one.

    Raises:
        MakemoreError: it has more characters than any script.
    """
    characters = len(alphabet.characters)
    if characters > MOST_CHARACTERS:
        raise MakemoreError(
            f"{visible(name)} holds {characters:,} distinct characters; "
            f"take a list of words with at most {MOST_CHARACTERS:,}"
        )


def load_built_in(name: str) -> Corpus:
    """A corpus of the gallery.

    Raises:
        MakemoreError: the makemore list is not at hand and cannot be fetched.
    """
    if name == MAKEMORE_NAMES:
        path = fetch(MAKEMORE_NAMES_URL, MAKEMORE_NAMES_SHA256)
        with opened(str(path)) as words:
            return parse(words.file.read(), name, name)
    language, kind, _ = name.split("-")
    provider = import_module(f"faker.providers.person.{FAKER_LOCALES[language]}").Provider
    # Some languages have one list for everybody, some one for each gender, some both.
    lists = (getattr(provider, f"{kind}_names{gender}", ()) for gender in ("", "_female", "_male"))
    words = sorted({name.lower() for names in lists for name in names})
    return parse("\n".join(words).encode(), name, name)


def fetch(url: str, sha256: str) -> Path:
    """The path of a file of the web in the user's cache, downloaded once and checked each time.

    Raises:
        MakemoreError: the file is not in the cache and cannot be had unchanged.
    """
    import platformdirs
    import pooch
    import requests

    pooch.get_logger().setLevel("CRITICAL")
    try:
        return Path(
            pooch.retrieve(
                url,
                known_hash=f"sha256:{sha256}",
                fname=url.rsplit("/", 1)[1],
                path=platformdirs.user_cache_path("makemore-tui"),
                downloader=pooch.HTTPDownloader(timeout=15),  # pyright: ignore[reportArgumentType]
            )
        )
    except requests.RequestException:
        problem = f"could not fetch {url}; check the network, or download it and name the file"
    except ValueError:
        problem = f"{url} has changed: its SHA-256 is not {sha256[:12]}...; name a file instead"
    except OSError as error:
        problem = f"could not keep {url}: {error.strerror} ({visible(str(error.filename))})"
    raise MakemoreError(problem)


def _open(path: Path) -> BinaryIO:
    try:
        mode = path.stat().st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            name = visible(str(path))
            raise MakemoreError(f"{name} is a device, not a file; name a file of words")
        return path.open("rb")
    except ValueError as error:  # a NUL in the name
        raise OSError(None, str(error)) from None


@contextmanager
def _explained(path: str) -> Generator[None]:
    """Tells of errors in opening and reading a file in one line."""
    name = visible(path)
    try:
        yield
    except FileNotFoundError:
        raise MakemoreError(
            f"{name}: no such file, and no built-in corpus has that name "
            f"(such as {DEFAULT}); check the spelling"
        ) from None
    except IsADirectoryError:
        raise MakemoreError(f"{name} is a directory; name a file in it") from None
    except OSError as error:
        raise MakemoreError(f"{name} cannot be read: {error.strerror}; check the file") from None


def _too_large(name: str, size: str) -> MakemoreError:
    return MakemoreError(
        f"{name} holds {size}; take a part of it, of at most {MOST_BYTES >> 20} MiB: files of any "
        "size are for stats, sample, score and arpa export, with counts"
    )


def _characters(text: str) -> set[str]:
    if not text.isascii():
        return set(text)
    # Deleting the known ones from the rest is ten times faster than looking at each.
    data = text.encode()
    known = set(data[:BLOCK])
    return set(map(chr, known | set(data.translate(None, bytes(known)))))


def _four(words: Iterable[str], rank: Callable[[str], int]) -> list[str]:
    """The four distinct words of the lowest ranks, of the same rank those that come first."""
    found: list[str] = []
    for word in words:
        if (len(found) < 4 or rank(word) < rank(found[-1])) and word not in found:
            found = sorted([*found, word], key=rank)[:4]
    return found
