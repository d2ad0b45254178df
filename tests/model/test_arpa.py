"""Models as ARPA files: what is written is read again, by us and by others."""

import math
import os
import re
from pathlib import Path

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from model import arpa
from model.backoff import BackoffModel
from model.corpus import Corpus, parse
from model.draws import Draws
from model.errors import MakemoreError
from model.ngrams import count
from model.order import ORDERS
from model.sampling import sample
from model.scoring import score
from model.smoothing import SMOOTHINGS, smooth

corpora = st.from_type(Corpus)
orders = st.integers(2, 10)
methods = st.sampled_from(sorted(SMOOTHINGS))

# As another program may write: a preface of blank lines, no <unk>, no weights where they are 0,
# blanks for tabs, words of several characters, and "b a" left out though "a b a" is there.
FOREIGN = """

\\data\\
ngram 1=6
ngram  2 = 4
ngram 3=2

\\1-grams:
-1.5 </s>
-99 <s> -0.5
-0.3 a -0.25
-0.4\tb
-2 ab -0.1
-0.9\t\u00e9\t0.125

\\2-grams:
-0.6 <s> a
-0.1\ta b\t-0.2
-0.2 ab a -1
-0.7 b </s> -3

\\3-grams:
-0.05 a b a
-0.01\t<s> a b

\\end\\
"""
VALID = FOREIGN.replace("\n\n\\data", "\\data")


def text_of(model: BackoffModel, folder: Path) -> str:
    path = folder / "model.arpa"
    arpa.write(model, path)
    return path.read_bytes().decode()


def token(character: str) -> str:
    """As the module promises to write it."""
    printable = character.isprintable() and not character.isspace()
    return character if printable else f"<U+{ord(character):04X}>"


def plain_scores(text: str, word: list[str]) -> list[float]:
    """What a file says of each token of a word, base 10, n-gram by n-gram."""
    probabilities: dict[tuple[str, ...], float] = {}
    weights: dict[tuple[str, ...], float] = {}
    order = 0
    for line in text.split("\n"):
        if match := re.fullmatch(r"\\(\d+)-grams:", line):
            order = int(match[1])
        elif order and line and line != "\\end\\":
            p, ngram, *weight = line.split("\t")
            tokens = tuple(ngram.split(" "))
            assert len(tokens) == order
            assert tokens not in probabilities
            probabilities[tokens] = float(p)
            weights[tokens] = float(*weight)
    scores: list[float] = []
    tokens = ("<s>", *word, "</s>")
    for end in range(2, len(tokens) + 1):
        ngram, total = tokens[max(0, end - order) : end], 0.0
        while ngram not in probabilities:
            total += weights.get(ngram[:-1], 0.0)
            ngram = ngram[1:]
        scores.append(total + probabilities[ngram])
    return scores


def our_scores(model: BackoffModel, word: str) -> list[float]:
    return [-each.nll / math.log(10) for each in score(model, word).tokens]


@given(corpora, orders, methods, st.data())
@example(parse(b"a b\tc\n", "words"), 3, "absolute", None)
def test_a_model_read_back_says_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: Corpus,
    n: int,
    method: str,
    data: st.DataObject | None,
):
    model = smooth(count(corpus, n), method)
    path = tmp_path_factory.mktemp("arpa") / "model.arpa"
    arpa.write(model, path)
    again = arpa.read(path)
    assert (again.alphabet, again.n) == (model.alphabet, n)
    tokens = st.integers(0, len(corpus.alphabet) - 1)
    rows = st.lists(st.lists(tokens, min_size=n - 1, max_size=n - 1), min_size=1)
    contexts = torch.tensor(data.draw(rows) if data else [[0, 1], [1, 2], [2, 3]])
    assert torch.allclose(again.log_probs(contexts), model.log_probs(contexts), rtol=0, atol=1e-5)
    for word in corpus.words:
        assert our_scores(again, word) == pytest.approx(our_scores(model, word), abs=1e-5)


@given(corpora, orders, methods)
def test_a_file_says_what_the_model_says(
    tmp_path_factory: pytest.TempPathFactory, corpus: Corpus, n: int, method: str
):
    model = smooth(count(corpus, n), method)
    text = text_of(model, tmp_path_factory.mktemp("arpa"))
    for word in [*corpus.words, corpus.text.replace("\n", "")[::-1]]:
        expected = plain_scores(text, [token(character) for character in word])
        assert our_scores(model, word) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("method", SMOOTHINGS)
@pytest.mark.parametrize("n", [2, 3, 6])
@pytest.mark.parametrize(
    "words", ["emma olivia ava mia", "a", "a\u00a0b \\ <s> .x' \u00e9\u0301\x1b"]
)
def test_kenlm_says_what_the_model_says(tmp_path: Path, words: str, n: int, method: str):
    kenlm = pytest.importorskip("kenlm")
    corpus = parse("\n".join(words.split(" ")).encode(), "words")
    model = smooth(count(corpus, n), method)
    arpa.write(model, tmp_path / "model.arpa")
    theirs = kenlm.Model(str(tmp_path / "model.arpa"))
    assert theirs.order == n
    for word in [*corpus.words, corpus.text.replace("\n", "")[::-1]]:
        sentence = " ".join(map(token, word))
        found = [p for p, *_ in theirs.full_scores(sentence, bos=True, eos=True)]
        assert our_scores(model, word) == pytest.approx(found, abs=1e-4)


def test_a_file_is_laid_out_as_the_format_wants_it(tmp_path: Path):
    text = text_of(smooth(count(parse(b"ab\n", "words"), 2), "kneser-ney"), tmp_path)
    assert re.sub(r"-?\d\.\d+(e-\d+)?", "x", text) == (
        "\\data\\\nngram 1=5\nngram 2=3\n\n"
        "\\1-grams:\n-99\t<unk>\n-99\t<s>\tx\nx\t</s>\nx\ta\tx\nx\tb\tx\n\n"
        "\\2-grams:\nx\t<s> a\nx\ta b\nx\tb </s>\n\n\\end\\\n"
    )


def test_what_is_no_token_is_written_as_its_code_point(tmp_path: Path):
    words = "a b\tc\u2028d\x00e\x1bf\u00a0g\u200bh<s>\U0001f600."
    model = smooth(count(parse(words.encode(), "words"), 2), "kneser-ney")
    text = text_of(model, tmp_path)
    for code in ("0020", "0009", "2028", "0000", "001B", "00A0", "200B"):
        assert f"\t<U+{code}>\t" in text
    for character in "<>.\U0001f600":
        assert f"\t{character}\t" in text
    assert arpa.read(tmp_path / "model.arpa").alphabet == model.alphabet


def test_the_file_of_another_program_is_read(tmp_path: Path):
    model = arpa.parse(FOREIGN.encode(), "foreign.arpa")
    assert (model.n, model.alphabet.characters) == (3, "ab\u00e9")
    rows = {
        "": [-0.5 - 1.5, -0.6, -0.5 - 0.4, -0.5 - 0.9],
        "a": [-0.25 - 1.5, -0.25 - 0.3, -0.01, -0.25 - 0.9],
        "ab": [-0.2 - 0.7, -0.05, -0.2 - 0.4, -0.2 - 0.9],
        "aba": [-0.25 - 1.5, -0.25 - 0.3, -0.1, -0.25 - 0.9],  # after b a: as after a
        "\u00e9": [0.125 - 1.5, 0.125 - 0.3, 0.125 - 0.4, 0.125 - 0.9],
    }
    for word, expected in rows.items():
        context = torch.tensor([[0, 0, *model.alphabet.encode(word)][-2:]])
        assert (model.log_probs(context)[0] / math.log(10)).tolist() == pytest.approx(expected)
    after_the_end_of_b, at_the_beginning = model.log_probs(torch.tensor([[2, 0], [0, 0]])).tolist()
    assert after_the_end_of_b == at_the_beginning
    assert sample(model, Draws(count=50)).words


def test_the_model_of_another_program_is_written_with_what_it_left_out(tmp_path: Path):
    model = arpa.parse(FOREIGN.replace("-0.1\ta b\t-0.2\n", "").replace("= 4", "= 3").encode(), "x")
    text = text_of(model, tmp_path)
    assert f"\n{-0.25 - 0.4:.8g}\ta b\t0\n" in text  # the context of "a b a", and no 2-gram before
    for word in ("aba", "ab", "b", "ba", "\u00e9a"):
        assert our_scores(arpa.read(tmp_path / "model.arpa"), word) == pytest.approx(
            our_scores(model, word), abs=1e-6
        )
        assert plain_scores(text, list(word)) == pytest.approx(our_scores(model, word), abs=1e-6)


def test_line_ends_of_windows_are_line_ends():
    ours, theirs = (arpa.parse(text.encode(), "x") for text in (VALID, VALID.replace("\n", "\r\n")))
    assert our_scores(ours, "aba\u00e9") == our_scores(theirs, "aba\u00e9")


@pytest.mark.parametrize(
    ("before", "after", "line", "problem"),
    [
        ("\\data\\", "emma", 1, "'\\data\\' should be here, and not 'emma'"),
        (VALID, "", 1, "and not the end of the file"),
        ("ngram 1=6", "ngram 2=6", 2, "the number of 1-grams"),
        ("ngram  2 = 4", "ngram 4=4", 3, "the number of 2-grams"),
        ("ngram  2 = 4\nngram 3=2\n", "", 4, "the orders end at 1"),
        ("ngram 3=2", "ngram 3=-2", 4, "'\\1-grams:' should be here, and not 'ngram 3=-2'"),
        ("ngram 1=6", f"ngram 1={10**17}", 14, "1-grams were announced"),
        ("ngram 1=6", "ngram 1=" + "9" * 5000, 2, "the orders end at 0"),
        ("ngram 1=6", "ngram 1=5", 12, "'\\2-grams:' should be here"),
        ("-0.3 a", "0.3 a", 9, "'0.3' is no logarithm of a probability"),
        ("-0.3 a", "nan a", 9, "'nan' is no logarithm of a probability"),
        ("-0.3 a", "1e999 a", 9, "'1e999' is no logarithm of a probability"),
        ("-0.3 a", "much a", 9, "'much' is no logarithm of a probability"),
        ("a -0.25", "a inf", 9, "'inf' is no logarithm of a weight"),
        ("a -0.25", "a 1e31", 9, "'1e31' is no logarithm of a weight"),
        ("a -0.25", "a \x1b[1m", 9, "'\u241b[1m' is no logarithm of a weight"),
        ("-0.4\tb", "-0.4\ta", 10, "'a' is among the 1-grams twice"),
        (
            "-0.4\tb\n-2 ab -0.1",
            "-0.4\t\u00a0\n-2 <U+00A0>",
            11,
            "'<U+00A0>' is among the 1-grams twice",
        ),
        ("-0.4\tb", "-0.4\tb b b", 10, "one should be here"),
        ("-0.4\tb", "-0.4", 10, "one should be here"),
        ("-1.5 </s>", "-1.5 ccc", 12, "the 1-grams hold no </s>"),
        ("-0.6 <s> a", "-0.6 <s> q", 15, "'q' is not among the 1-grams"),
        ("-0.7 b </s> -3", "-0.7 a b", 18, "this n-gram is in the file twice"),
        ("\\3-grams:", "\\4-grams:", 20, "'\\3-grams:' should be here, and not '\\4-grams:'"),
        ("\\end\\", "", 24, "'\\end\\' should be here, and not the end of the file"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_that_names_it(
    before: str, after: str, line: int, problem: str
):
    broken = VALID.replace(before, after, 1)
    assert broken != VALID
    with pytest.raises(MakemoreError) as error:
        arpa.parse(broken.encode(), "my\x1b.arpa")
    assert f"my\u241b.arpa, line {line}: " in str(error.value)
    assert problem in str(error.value)
    assert str(error.value).isprintable()


def test_a_file_in_another_encoding_is_told(tmp_path: Path):
    (tmp_path / "latin.arpa").write_bytes(VALID.encode("latin-1"))
    with pytest.raises(MakemoreError, match=r"latin.arpa, line 12: .* is not UTF-8"):
        arpa.read(tmp_path / "latin.arpa")


def test_a_file_without_characters_is_no_model():
    words = re.sub(r"(?<=[\s\d])([ab\u00e9])(?=\s)", r"\1\1\1", VALID)
    with pytest.raises(MakemoreError, match="hold no single character"):
        arpa.parse(words.encode(), "x")


@pytest.mark.parametrize("code", ["000A", "41", "0041", "110000", "D800", "FFFFFF", "020"])
def test_a_code_point_that_we_would_not_write_stands_for_nothing(code: str):
    model = arpa.parse(VALID.replace(" ab", f" <U+{code}>").encode(), "x")
    assert model.alphabet.characters == "ab\u00e9"


# Any file

values = st.sampled_from(["nan", "-inf", "inf", "-1e308", "1e308", "-99", "0", "9" * 400, "", "x"])
pieces = st.sampled_from(
    [*VALID.split("\n"), *"ab\u00e9", "<s>", "</s>", "<unk>", "<U+0020>", "\t", " ", "\r\n", "\n"]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of which something was cut out, or replaced by something else."""
    text = draw(st.sampled_from([VALID, FOREIGN, VALID.replace("\n", "\r\n")])).encode()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)) | st.just(len(text)))
        new = draw(st.binary(max_size=4) | pieces.map(str.encode) | values.map(str.encode))
        text = text[:start] + new + text[end:]
    return text


@given(
    damaged() | st.binary() | st.lists(pieces | values).map("\n".join).map(str.encode), st.text()
)
def test_any_bytes_are_a_model_or_one_line_of_error(data: bytes, name: str):
    try:
        model = arpa.parse(data, name)
    except MakemoreError as error:
        assert str(error).isprintable()
        assert re.search(r", line \d+: ", str(error))
        return
    assert model.n in ORDERS
    assert model.alphabet.characters
    size = len(model.alphabet)
    contexts = torch.randint(size, (20, model.n - 1), generator=torch.Generator().manual_seed(0))
    rows = model.log_probs(contexts)
    assert rows.shape == (20, size)
    assert bool((rows <= 0).all())  # and not NaN


# Files


def test_what_is_no_file_is_neither_read_nor_replaced(tmp_path: Path):
    model = smooth(count(parse(b"ab\n", "words"), 2), "kneser-ney")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "none" / "x", tmp_path / "a\0"):
        with pytest.raises(MakemoreError, match="cannot be written"):
            arpa.write(model, path)
        with pytest.raises(MakemoreError, match="cannot be read"):
            arpa.read(path)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(MakemoreError, match="cannot be read"):
        arpa.read(tmp_path / "circle")
    assert (tmp_path / "pipe").is_fifo()
    assert {path.name for path in tmp_path.iterdir()} == {"circle", "pipe"}


def test_a_link_to_a_file_is_read(tmp_path: Path):
    (tmp_path / "model.arpa").write_text(VALID, encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "model.arpa")
    assert arpa.read(tmp_path / "link").n == 3


def test_a_file_that_is_too_large_is_neither_read_nor_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "model.arpa"
    with path.open("wb") as file:
        file.truncate(arpa.MOST_BYTES + 1)  # takes no room on the disk
    with pytest.raises(MakemoreError, match="more than 268,435,456 bytes"):
        arpa.read(path)
    path.unlink()
    monkeypatch.setattr(arpa, "MOST_BYTES", 1000)
    with pytest.raises(MakemoreError, match="take a lower n or fewer words"):
        arpa.write(smooth(count(parse(b"emma\nolivia\nava\n", "words"), 10), "kneser-ney"), path)
    assert not path.exists()
