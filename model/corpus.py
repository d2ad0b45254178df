"""A corpus: load it, clean it, describe it; and the built-in gallery."""

import stat
import sys
from codecs import BOM_UTF8
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from heapq import nlargest, nsmallest
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from model.alphabet import Alphabet, normalise, visible
from model.errors import MakemoreError

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

    @cached_property
    def words(self) -> list[str]:
        """Every word, in the order of the file."""
        return self.text.split("\n")[:-1]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The distinct words."""
        return frozenset(self.words)

    @cached_property
    def alphabet(self) -> Alphabet:
        """The distinct characters, of a part those of the whole."""
        if self.whole is not None:
            return self.whole.alphabet
        return Alphabet.of(set(self.text) - {"\n"})

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
        return MappingProxyType(dict(sorted(Counter(map(len, self.words)).items())))

    @cached_property
    def longest(self) -> list[str]:
        """The four longest distinct words, the longest first."""
        return nlargest(4, dict.fromkeys(self.words), key=len)

    @cached_property
    def shortest(self) -> list[str]:
        """The four shortest distinct words, the shortest first."""
        return nsmallest(4, dict.fromkeys(self.words), key=len)


def load(source: str = DEFAULT) -> Corpus:
    """The corpus that `source` names: a file, "-" for standard input, or a name of the gallery.

    A file goes before a built-in corpus of the same name.

    Raises:
        MakemoreError: there is no such corpus, or it cannot be read as a list of words.
    """
    if source == STANDARD_INPUT:
        if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
            raise MakemoreError("standard input is closed; name a file instead")
        return parse(sys.stdin.buffer.read(), "standard input")
    try:
        path = Path(source).expanduser()
    except RuntimeError:
        raise MakemoreError(f"{visible(source)}: there is no such user's home") from None
    if source in GALLERY and not path.exists():
        return load_built_in(source)
    return parse(_read(path), path.name)


def parse(data: bytes, name: str) -> Corpus:
    """The corpus in `data`: UTF-8, one word a line.

    Lines end at LF or CRLF. A byte order mark, blanks around a word and blank lines are dropped.

    Raises:
        MakemoreError: the data is not UTF-8, or holds no word.
    """
    data = data.removeprefix(BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MakemoreError(
            f"{visible(name)}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; "
            "convert the file to UTF-8"
        ) from None
    text = _strip_lines(normalise(text))
    if not text:
        raise MakemoreError(f"{visible(name)} holds no words; put one word on each line")
    return Corpus(name, text)


def load_built_in(name: str) -> Corpus:
    """A corpus of the gallery.

    Raises:
        MakemoreError: the makemore list is not at hand and cannot be fetched.
    """
    if name == MAKEMORE_NAMES:
        return parse(_read(fetch(MAKEMORE_NAMES_URL, MAKEMORE_NAMES_SHA256)), name)
    language, kind, _ = name.split("-")
    provider = import_module(f"faker.providers.person.{FAKER_LOCALES[language]}").Provider
    # Some languages have one list for everybody, some one for each gender, some both.
    lists = (getattr(provider, f"{kind}_names{gender}", ()) for gender in ("", "_female", "_male"))
    words = sorted({name.lower() for names in lists for name in names})
    return parse("\n".join(words).encode(), name)


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


def _read(path: Path) -> bytes:
    name = visible(str(path))
    try:
        mode = path.stat().st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise MakemoreError(f"{name} is a device, not a file; name a file of words")
        return path.read_bytes()
    except FileNotFoundError:
        raise MakemoreError(
            f"{name}: no such file, and no built-in corpus has that name "
            f"(such as {DEFAULT}); check the spelling"
        ) from None
    except IsADirectoryError:
        raise MakemoreError(f"{name} is a directory; name a file in it") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise MakemoreError(f"{name} cannot be read: {reason}; check the file") from None


_ASCII_BLANKS = ("\n\n", *" \t\r\v\f\x1c\x1d\x1e\x1f")


def _strip_lines(text: str) -> str:
    """`text` without blank lines and blanks around lines, each line ended by a line feed."""
    if text and not text.endswith("\n"):
        text += "\n"
    if text.isascii() and text[:1] != "\n" and not any(blank in text for blank in _ASCII_BLANKS):
        return text  # the common case, decided ten times faster than by splitting
    words = filter(None, map(str.strip, text.split("\n")))
    return "".join(f"{word}\n" for word in words)
