"""`makemore`: smoothed counts, and models in files."""

from pathlib import Path

import pytest
from command_line import WORDS, Makemore, process

from model import arpa
from model.corpus import parse
from model.draws import Draws
from model.ngrams import count
from model.sampling import sample
from model.scoring import score
from model.smoothing import SMOOTHINGS, smooth


@pytest.fixture
def exported(makemore: Makemore, tmp_path: Path) -> Path:
    path = tmp_path / "model.arpa"
    result = makemore("arpa", "export", "-", "-n", "4", "--output", str(path))
    assert (result.status, result.err) == (0, "")
    ngrams = sum(len(level.codes) for level in arpa.read(path).levels)
    assert result.out == f"{path}: {ngrams} n-grams of standard input, n=4\n"
    return path


@pytest.mark.parametrize("name", SMOOTHINGS)
def test_score_smooths_the_counts(makemore: Makemore, name: str):
    options = ["--corpus", "-", "-n", "3", "--smoothing", name, "--json"]
    (line,) = makemore("score", "vvma", *options).lines
    expected = score(smooth(count(parse(WORDS, "words"), 3), name), "vvma")
    assert [token["p"] for token in line["tokens"]] == [token.p for token in expected.tokens]
    assert all(token["p"] > 0 for token in line["tokens"])


@pytest.mark.parametrize("name", SMOOTHINGS)
def test_sample_smooths_the_counts(makemore: Makemore, name: str):
    options = ["-n", "3", "--count", "20", "--seed", "2", "--prefix", "vv", "--json"]
    lines = makemore("sample", "-", *options, "--smoothing", name).lines
    model = smooth(count(parse(WORDS, "words"), 3), name)
    words = sample(model, Draws(count=20, seed=2, prefix="vv"))
    assert [(line["word"], line["nll"]) for line in lines] == [(it.word, it.nll) for it in words]


@pytest.mark.parametrize("name", [None, *SMOOTHINGS])
def test_arpa_export_writes_the_smoothed_model(
    makemore: Makemore, tmp_path: Path, name: str | None
):
    ours, theirs = tmp_path / "ours.arpa", tmp_path / "theirs.arpa"
    options = ["--smoothing", name] if name else []
    makemore("arpa", "export", "-", "-n", "3", *options, "--output", str(theirs))
    arpa.write(smooth(count(parse(WORDS, "words"), 3), name or "kneser-ney"), ours)
    assert ours.read_bytes() == theirs.read_bytes()


def test_sample_draws_from_the_model_in_a_file(makemore: Makemore, exported: Path):
    options = ["--arpa", str(exported), "--count", "30", "--json"]
    lines = makemore("sample", "-", *options, stdin=b"emma\nzoe\n").lines
    words = sample(arpa.read(exported), Draws(count=30))
    assert [(line["word"], line["nll"]) for line in lines] == [(it.word, it.nll) for it in words]
    assert [line["in_corpus"] for line in lines] == [it.word == "emma" for it in words]
    assert {line["in_corpus"] for line in lines} == {True, False}


def test_score_asks_the_model_in_a_file_and_no_corpus(makemore: Makemore, exported: Path):
    options = ["--arpa", str(exported), "--json"]
    (line,) = makemore("score", "vmaz", *options, stdin=b"").lines
    expected = score(arpa.read(exported), "vmaz")
    assert [token["p"] for token in line["tokens"]] == [token.p for token in expected.tokens]
    assert [token["p"] > 0 for token in line["tokens"]] == [True, True, True, False, False]


def test_a_file_that_is_no_model_is_one_line_of_error_and_status_1(tmp_path: Path):
    (tmp_path / "words.txt").write_bytes(WORDS)
    result = process("score", "emma", "--arpa", str(tmp_path / "words.txt"))
    assert (result.status, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert "words.txt, line 1: '\\data\\' should be here" in result.err


def test_a_place_that_cannot_be_written_is_one_line_of_error_and_status_1(
    makemore: Makemore, tmp_path: Path
):
    result = makemore("arpa", "export", "-", "--output", str(tmp_path / "none" / "x.arpa"))
    assert (result.status, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert "x.arpa cannot be written: No such file or directory" in result.err


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["score", "a", "--corpus", "-", "--smoothing", "absolute", "--add-k", "1"], "--smoothing"),
        (["score", "a", "--corpus", "-", "--smoothing", "add-k"], "--smoothing"),
        (["sample", "-", "--smoothing", "absolute", "--model", "one-layer"], "--smoothing"),
        (["sample", "-", "--arpa", "x", "--smoothing", "absolute"], "--smoothing"),
        (["sample", "-", "--arpa", "x", "--add-k", "1"], "--add-k"),
        (["sample", "-", "--arpa", "x", "--model", "one-layer"], "--model"),
        (["sample", "-", "--arpa", "x", "-n", "3"], "-n"),
        (["score", "a", "--arpa", "x", "--corpus", "-"], "--corpus"),
        (["arpa", "export", "-"], "--output"),
        (["arpa", "export", "-", "--output", "x", "--smoothing", "none"], "--smoothing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_contradict_each_other_are_wrong_usage(
    makemore: Makemore, arguments: list[str], option: str
):
    result = makemore(*arguments)
    assert (result.status, result.out) == (2, "")
    usage, error = result.err[:-1].split("\n\n")
    assert usage.startswith(f"Usage: makemore {arguments[0]} ")
    assert error.startswith("Error: ")
    assert error.isprintable()
    assert option in error


def test_an_add_k_of_zero_is_no_contradiction(makemore: Makemore):
    options = ["--corpus", "-", "--smoothing", "absolute", "--json"]
    assert (
        makemore("score", "emma", *options, "--add-k", "0").lines
        == makemore("score", "emma", *options).lines
    )
