import io
import os
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.corpus import FAKER_LOCALES, GALLERY, MAKEMORE_NAMES, Corpus, fetch, load, parse
from model.errors import MakemoreError

BOM = b"\xef\xbb\xbf"


def words_of(data: bytes) -> list[str]:
    return parse(data, "words").words


def message_of(data: bytes, name: str = "words.txt") -> str:
    with pytest.raises(MakemoreError) as error:
        parse(data, name)
    return str(error.value)


def is_one_line(message: str) -> bool:
    """Whether a message is one line that a terminal shows as it is."""
    return message.isprintable() and bool(message)


# Lines and words


def test_a_word_is_a_line():
    assert words_of(b"emma\nolivia\nava\n") == ["emma", "olivia", "ava"]


def test_the_last_line_needs_no_line_feed():
    assert parse(b"emma\nava", "words") == parse(b"emma\nava\n", "words")


@pytest.mark.parametrize(
    "data",
    [
        b"emma\r\nava\r\n",
        BOM + b"emma\nava\n",
        BOM + b"\n " + BOM + b" emma\nava\n",
        b"\n\nemma\n\n\nava\n\n",
        b"  emma\t\n \t \nava  \n",
        b"emma\r\n\r\nava",
        "\u00a0emma\u2003\n\u3000\nava".encode(),
    ],
    ids=["CRLF", "BOM", "two BOMs", "blank lines", "blanks", "blank CRLF", "blanks of Unicode"],
)
def test_what_surrounds_the_words_is_dropped(data: bytes):
    assert words_of(data) == ["emma", "ava"]


@pytest.mark.parametrize(
    "inside", ["\r", "\x85", "\u2028", "\u2029", "\v", "\f", "\x1c", "\t", " "]
)
def test_a_line_ends_at_a_line_feed_only(inside: str):
    assert words_of(f"em{inside}ma\nava\n".encode()) == [f"em{inside}ma", "ava"]


def test_a_long_list_is_taken_apart_like_a_short_one():
    words = [f"w{number}" for number in range(400_000)]
    for blank in ("", " "):
        corpus = parse("".join(f"{word}{blank}\n" for word in words).encode(), "words")
        assert corpus.words == words
        assert corpus.vocabulary == set(words)
        assert corpus.lengths[7] == 300_000
        assert corpus.longest == words[100_000:100_004]


def test_words_are_composed():
    assert words_of("Zoe\u0308\n".encode()) == ["Zo\u00eb"]


def test_a_line_of_ten_thousand_characters_is_a_word():
    long = "ab" * 5000
    assert words_of(f"{long}\nava".encode()) == [long, "ava"]


def test_a_word_may_hold_the_character_that_the_boundary_is_shown_as():
    assert parse(b"st.john\n", "words").alphabet.characters == ".hjnost"


@given(st.from_type(Corpus))
def test_words_of_any_characters_come_back_in_their_order(corpus: Corpus):
    data = "\n".join(corpus.words).encode()
    assert parse(data, corpus.name) == corpus


# Descriptions


def test_duplicates_are_kept_and_counted():
    corpus = parse(b"ava\nemma\nava\nava\n", "words")
    assert corpus.words == ["ava", "emma", "ava", "ava"]
    assert (corpus.word_count, corpus.duplicates) == (4, 2)
    assert corpus.vocabulary == {"ava", "emma"}


def test_words_that_differ_in_their_encoding_only_are_duplicates():
    assert parse("zo\u00eb\nzoe\u0308\n".encode(), "words").duplicates == 1


@given(st.from_type(Corpus))
def test_the_figures_of_a_corpus_are_those_of_its_words(corpus: Corpus):
    words = corpus.words
    assert corpus.word_count == len(words)
    assert corpus.characters == sum(map(len, words))
    assert corpus.examples == sum(len(word) + 1 for word in words)
    assert corpus.duplicates == len(words) - len(set(words))
    assert set(corpus.alphabet.characters) == set("".join(words))
    assert dict(corpus.lengths) == {
        length: sum(len(word) == length for word in words) for length in set(map(len, words))
    }


def test_the_longest_and_the_shortest_words_are_distinct_and_in_order():
    corpus = parse(b"olivia\nava\nemma\nolivia\nal\n", "words")
    assert corpus.longest == ["olivia", "emma", "ava", "al"]
    assert corpus.shortest == ["al", "ava", "emma", "olivia"]


def test_the_first_words_are_four_at_most_and_may_be_the_same():
    assert parse(b"ava\nava", "words").first == ["ava", "ava"]
    assert parse(b"e\nd\nc\nb\na", "words").first == ["e", "d", "c", "b"]


def test_the_longest_and_the_shortest_words_are_four_at_most():
    corpus = parse("\n".join("a" * length for length in range(1, 21)).encode(), "words")
    assert list(map(len, corpus.longest)) == [20, 19, 18, 17]
    assert list(map(len, corpus.shortest)) == [1, 2, 3, 4]


def test_the_notebooks_names_are_loaded_whole(names: Corpus):
    assert names.words[:5] == ["emma", "olivia", "ava", "isabella", "sophia"]
    assert names.word_count == 32_033
    assert names.examples == 228_146
    assert names.alphabet.characters == "abcdefghijklmnopqrstuvwxyz"


# What cannot be loaded


@pytest.mark.parametrize(
    ("data", "line", "byte"),
    [
        (b"emma\nava\n\xff\n", "line 3", "0xff"),
        (b"\xe9mma", "line 1", "0xe9"),
        (b"emma\r\na\xc3", "line 2", "0xc3"),
        (BOM + b"a\n\xff", "line 2", "0xff"),
        (BOM + b"\xfe", "line 1", "0xfe"),
    ],
    ids=["a line", "the first byte", "a cut character", "after a BOM", "at once after a BOM"],
)
def test_what_is_not_utf8_is_named_by_file_line_and_byte(data: bytes, line: str, byte: str):
    message = message_of(data)
    assert "words.txt" in message
    assert line in message
    assert byte in message


@pytest.mark.parametrize("data", [b"", b"\n\n", b" \t\r\n", BOM, BOM + b"\n"])
def test_a_file_without_words_is_an_error_that_names_it(data: bytes):
    assert "words.txt holds no words" in message_of(data)


@given(st.text())
def test_the_error_is_one_line_whatever_the_name_of_the_file(name: str):
    assert is_one_line(message_of(b"", name))
    assert is_one_line(message_of(b"\xff", name))


# Where a corpus comes from


def test_a_file_is_loaded_by_its_path(tmp_path: Path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"emma\nava\n")
    assert load(str(path)) == Corpus("words.txt", "emma\nava\n")


def test_a_path_may_begin_at_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "words.txt").write_bytes(b"emma\n")
    assert load("~/words.txt").words == ["emma"]


def test_a_file_goes_before_a_built_in_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "german-first-names").write_bytes(b"emma\n")
    assert load("german-first-names").words == ["emma"]


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"emma\r\nava\r\n")))
    assert load("-").words == ["emma", "ava"]


def load_error(source: str) -> str:
    with pytest.raises(MakemoreError) as error:
        load(source)
    assert is_one_line(str(error.value))
    return str(error.value)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path):
    assert f"{tmp_path / 'nowhere.txt'}: no such file" in load_error(str(tmp_path / "nowhere.txt"))


def test_a_misspelt_built_in_corpus_is_an_error_that_names_it():
    assert "german-frist-names" in load_error("german-frist-names")


def test_a_directory_is_an_error_that_names_it(tmp_path: Path):
    assert f"{tmp_path} is a directory" in load_error(str(tmp_path))


@pytest.mark.skipif(os.name != "posix", reason="needs a device file")
def test_a_device_is_an_error_that_names_it():
    assert f"{os.devnull} is a device" in load_error(os.devnull)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_an_error_that_names_it(tmp_path: Path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"emma\n")
    path.chmod(0)
    assert f"{path} cannot be read" in load_error(str(path))


def test_the_home_of_an_unknown_user_is_an_error_that_names_it():
    assert "~no-such-user" in load_error("~no-such-user/words.txt")


@given(st.text())
def test_any_name_of_a_missing_file_is_one_line_of_error(name: str):
    load_error(f"nowhere{name}")


# The gallery


@pytest.mark.parametrize("name", [name for name in GALLERY if name != MAKEMORE_NAMES])
def test_a_built_in_corpus_holds_distinct_lower_case_words(name: str):
    corpus = load(name)
    assert corpus.name == name
    assert corpus.word_count >= 50
    assert corpus.duplicates == 0
    assert corpus.words == [word.lower() for word in corpus.words]


def test_the_gallery_has_first_and_last_names_of_eight_languages_at_least():
    both = [
        language
        for language in FAKER_LOCALES
        if {f"{language}-first-names", f"{language}-last-names"} <= set(GALLERY)
    ]
    assert len(both) >= 8


def test_makemores_names_are_read_from_the_users_cache(names: Corpus, names_path: Path):
    cache = Path(os.environ["XDG_CACHE_HOME"]) / "makemore-tui"
    cache.mkdir(parents=True)
    (cache / "names.txt").write_bytes(names_path.read_bytes())
    assert load(MAKEMORE_NAMES).words == names.words


# Fetching


class Web:
    """A web server on this machine, and a file that it serves."""

    SHA256 = "3b7f8ab100fc7579210ac283cfc2c0628d25a7fab752f232fbdf90f85a3dafaa"

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.file = root / "words.txt"
        self.file.write_bytes(b"emma\nava\n")
        handler = partial(_Handler, directory=str(root))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/words.txt"
        self.thread = Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    web = Web(tmp_path / "web")
    yield web
    web.close()


def fetch_error(url: str, sha256: str = Web.SHA256) -> str:
    with pytest.raises(MakemoreError) as error:
        fetch(url, sha256)
    assert is_one_line(str(error.value))
    return str(error.value)


def test_a_fetched_file_is_kept_in_the_users_cache(web: Web, tmp_path: Path):
    path = fetch(web.url, Web.SHA256)
    assert path.read_bytes() == b"emma\nava\n"
    assert path.is_relative_to(tmp_path / "cache")


def test_a_file_is_fetched_once(web: Web):
    first = fetch(web.url, Web.SHA256)
    web.close()
    assert fetch(web.url, Web.SHA256) == first


def test_a_spoilt_copy_in_the_cache_is_fetched_again(web: Web):
    fetch(web.url, Web.SHA256).write_bytes(b"spoilt")
    assert fetch(web.url, Web.SHA256).read_bytes() == b"emma\nava\n"


def test_a_file_that_has_changed_is_refused_and_not_kept(web: Web, tmp_path: Path):
    web.file.write_bytes(b"changed\n")
    assert "SHA-256" in fetch_error(web.url)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_file_that_the_server_does_not_have_is_an_error_that_names_it(web: Web):
    web.file.unlink()
    assert web.url in fetch_error(web.url)


def test_a_server_that_does_not_answer_is_an_error_that_says_what_to_do(web: Web):
    web.close()
    assert "check the network" in fetch_error(web.url)


def test_a_cache_that_cannot_be_written_is_an_error_that_names_it(web: Web, tmp_path: Path):
    (tmp_path / "cache").write_bytes(b"a file where a directory should be")
    assert str(tmp_path / "cache") in fetch_error(web.url)
