"""`makemore`: what each of its commands says."""

import math
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from command_line import ROOT, WORDS, Makemore, process

from model.corpus import load, parse
from model.counts import CountModel
from model.draws import Draws
from model.ngrams import count
from model.recipe import RECIPES
from model.sampling import sample
from model.scoring import score
from model.training import Trainer

# stats


def test_stats_has_the_fields_of_the_design(makemore: Makemore):
    (line,) = makemore("stats", "-", "-n", "3", "--json").lines
    corpus = parse(WORDS, "words")
    ngrams = count(corpus, 3)
    assert list(line.items()) == [
        ("words", 6),
        ("unique_words", 5),
        ("characters", 24),
        ("examples", 30),
        ("alphabet", "aeilmov"),
        ("n", 3),
        ("contexts", len(ngrams.contexts)),
        ("outcomes", 8),
        ("floor", CountModel(ngrams).floor),
    ]


def test_stats_without_a_corpus_describes_the_default_one(makemore: Makemore):
    (line,) = makemore("stats", "--json").lines
    assert line["words"] == load().word_count
    assert line["n"] == 2


def test_stats_of_the_names_are_the_notebooks(names_path: Path):
    (line,) = process("stats", str(names_path), "--json").lines
    assert (line["words"], line["examples"]) == (32_033, 228_146)
    assert (line["contexts"], line["outcomes"]) == (27, 27)
    assert round(line["floor"], 4) == 2.4540


def test_stats_are_told_to_people_with_units(makemore: Makemore):
    result = makemore("stats", "-")
    floor = CountModel(count(parse(WORDS, "words"), 2)).floor
    assert result.status == 0
    assert "standard input" in result.out
    assert f"{floor:.4f} nats, {floor / math.log(2):.4f} bits" in result.out


# train


def test_train_has_a_line_at_each_report_and_a_closing_one():
    result = process("train", "-", "--steps", "101", "--device", "cpu", "--json")
    *lines, closing = result.lines
    assert [line["step"] for line in lines] == [0, 50, 100]
    assert [list(line) for line in lines] == [["step", "lr", "loss", "samples"]] * 3
    assert [line["lr"] for line in lines] == [100, 0.01, 0.01]
    assert {name: closing[name] for name in lines[-1]} == lines[-1]
    added = ["final", "floor", "seconds", "steps_per_second", "device"]
    assert list(closing) == [*lines[-1], *added]
    assert closing["final"] is True
    assert closing["floor"] == CountModel(count(parse(WORDS, "words"), 2)).floor
    assert closing["seconds"] > 0
    assert closing["steps_per_second"] == pytest.approx(101 / closing["seconds"])
    assert closing["device"] == "cpu"
    assert "Traceback" not in result.err


@pytest.mark.parametrize("recipe", RECIPES)
def test_train_reports_what_the_trainer_reports(makemore: Makemore, recipe: str):
    options = ["--recipe", recipe, "-n", "3", "--steps", "60", "--seed", "5", "--device", "cpu"]
    *lines, _ = makemore("train", "-", *options, "--json").lines
    changes = {"n": 3, "steps": 60, "seed": 5, "device": "cpu"}
    trainer = Trainer(parse(WORDS, "words"), RECIPES[recipe].with_(**changes))
    expected = [asdict(report) for report in trainer.run()]
    assert lines == [
        {name: list(value) if name == "samples" else value for name, value in report.items()}
        for report in (
            {name: value for name, value in report.items() if value is not None}
            for report in expected
        )
    ]


def test_train_takes_the_recipes_501_steps(makemore: Makemore):
    lines = makemore("train", "-", "--json").lines
    assert [line["step"] for line in lines] == [*range(0, 501, 50), 500]
    assert lines[-1]["device"] in {"cpu", "cuda", "mps"}


def test_train_logs_to_people_as_the_notebook_does(makemore: Makemore):
    result = makemore("train", "-", "--steps", "2")
    assert result.status == 0
    first, second, closing = result.out.splitlines()
    assert first.startswith("step 0: lr=100.0000 loss=")
    assert second.startswith("step 1: lr=10.0000 loss=")
    assert "nats above the floor" in closing


# sample


@pytest.mark.parametrize("model_name", ["counts", "one-layer"])
def test_sample_has_the_fields_of_the_design(makemore: Makemore, model_name: str):
    options = ["--model", model_name, "-n", "3", "--count", "20", "--seed", "4"]
    lines = makemore("sample", "-", *options, "--json").lines
    assert len(lines) == 20
    for line in lines:
        assert list(line) == ["word", "nll", "in_corpus"]
        assert line["in_corpus"] == (line["word"] in {"emma", "olivia", "ava", "mia", "ella"})
        assert line["nll"] is None or line["nll"] > 0


def test_sample_draws_what_the_count_model_draws(makemore: Makemore):
    options = {"count": 7, "seed": 3, "prefix": "m", "temperature": 0.7, "top_k": 3}
    settings = Draws(**options, max_length=5)
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    lines = makemore("sample", "-", *flags, "--max-length=5", "--json").lines
    words = sample(CountModel(count(parse(WORDS, "words"), 2)), settings)
    assert [(line["word"], line["nll"]) for line in lines] == [
        (word.word, word.nll) for word in words
    ]


def test_sample_gives_no_nll_to_a_word_that_cannot_be(makemore: Makemore):
    lines = makemore("sample", "-", "-n", "3", "--prefix", "vv", "--count", "2", "--json").lines
    assert lines == [{"word": "vv", "nll": None, "in_corpus": False}] * 2


def test_sample_composes_the_prefix_as_it_does_the_corpus(makemore: Makemore):
    arguments = ["sample", "-", "--prefix", "zoe\u0308", "--json", "--count", "1"]
    (line,) = makemore(*arguments, stdin="zo\u00eb\n".encode()).lines
    assert line["word"] == "zo\u00eb"


def test_sample_tells_people_which_words_are_new(makemore: Makemore):
    corpus = parse(WORDS, "words")
    words = sample(CountModel(count(corpus, 2)), Draws(count=30)).words
    result = makemore("sample", "-", "--count", "30")
    assert result.status == 0
    for line, word in zip(result.out.splitlines(), words, strict=True):
        assert line.split()[0] == word
        assert line.endswith("in corpus" if word in corpus.vocabulary else "new")


def test_a_reader_who_leaves_early_sees_no_traceback():
    command = [sys.executable, "-m", "model", "sample", "--count", "100000"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""


# score


def test_score_has_the_fields_of_the_design(makemore: Makemore):
    result = makemore("score", "emma", "ava", "--corpus", "-", "-n", "3", "--json")
    model = CountModel(count(parse(WORDS, "words"), 3))
    for line, word in zip(result.lines, ["emma", "ava"], strict=True):
        expected = score(model, word)
        assert list(line) == ["word", "nll", "nll_per_token", "tokens"]
        assert (line["word"], line["nll"]) == (word, expected.nll)
        assert line["nll_per_token"] == expected.nll / (len(word) + 1)
        assert line["tokens"] == [
            {"context": token.context, "outcome": token.outcome, "p": token.p, "nll": token.nll}
            for token in expected.tokens
        ]


def test_score_gives_no_nll_to_what_is_impossible(makemore: Makemore):
    (line,) = makemore("score", "mv", "--corpus", "-", "--json").lines
    assert (line["nll"], line["nll_per_token"]) == (None, None)
    assert [(token["p"], token["nll"]) for token in line["tokens"]] == [
        (pytest.approx(1 / 6), pytest.approx(math.log(6))),
        (0, None),
        (0, None),
    ]


def test_score_finds_characters_outside_the_alphabet_impossible(makemore: Makemore):
    (line,) = makemore("score", "e?", "--corpus", "-", "--json").lines
    assert [token["p"] > 0 for token in line["tokens"]] == [True, False, False]


def test_score_can_ask_the_trained_network(makemore: Makemore):
    words = ["score", "emma", "--corpus", "-", "--json"]
    (counted,), (trained,) = (
        makemore(*words, "--model", name).lines for name in ("counts", "one-layer")
    )
    assert trained["nll"] == pytest.approx(counted["nll"], abs=0.01)


def test_score_tells_people_what_is_impossible(makemore: Makemore):
    result = makemore("score", "emma", "--corpus", "-")
    assert result.status == 0
    assert len(result.out.splitlines()) == 6
    assert "impossible" not in result.out
    assert "impossible" in makemore("score", "mv", "--corpus", "-").out


# Smoothing and the penalty on W


@pytest.mark.parametrize("k", [0, 0.5, 3])
def test_score_adds_k_to_every_count(makemore: Makemore, k: float):
    options = ["--corpus", "-", "-n", "3", "--add-k", str(k), "--json"]
    (line,) = makemore("score", "vma", *options).lines
    expected = score(CountModel(count(parse(WORDS, "words"), 3), k), "vma")
    assert [list(token) for token in line["tokens"]] == [["context", "outcome", "p", "nll"]] * 4
    assert [token["p"] for token in line["tokens"]] == [token.p for token in expected.tokens]
    assert line["nll"] == (expected.nll if k else None)


def test_sample_adds_k_to_every_count(makemore: Makemore):
    options = ["-n", "3", "--count", "20", "--seed", "2", "--json"]
    lines = makemore("sample", "-", *options, "--add-k", "0.5").lines
    words = sample(CountModel(count(parse(WORDS, "words"), 3), 0.5), Draws(count=20, seed=2))
    assert [(line["word"], line["nll"]) for line in lines] == [(it.word, it.nll) for it in words]
    assert lines != makemore("sample", "-", *options).lines
    assert (
        makemore("sample", "-", *options, "--add-k", "0").lines
        == makemore("sample", "-", *options).lines
    )


def test_a_network_takes_an_add_k_of_zero(makemore: Makemore):
    options = ["--corpus", "-", "--model", "one-layer", "--add-k", "0", "--json"]
    assert len(makemore("score", "emma", *options).lines) == 1


def test_train_holds_w_back(makemore: Makemore):
    options = ["--recipe", "converge", "--steps", "60", "--device", "cpu", "--json"]
    *lines, closing = makemore("train", "-", *options, "--l2", "2.5").lines
    recipe = RECIPES["converge"].with_(steps=60, device="cpu", l2=2.5)
    trainer = Trainer(parse(WORDS, "words"), recipe)
    reports = list(trainer.run())
    assert [(line["loss"], line["samples"]) for line in lines] == [
        (report.loss, list(report.samples)) for report in reports
    ]
    assert closing["floor"] == trainer.floor
    assert closing["loss"] > makemore("train", "-", *options).lines[-1]["loss"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["score", "emma", "--corpus", "-", "--add-k", "1", "--model", "one-layer"],
        ["sample", "-", "--add-k=-0.5"],
        ["score", "emma", "--add-k=-1e-9"],
        ["score", "emma", "--add-k", "much"],
        ["train", "-", "--l2=-1"],
        ["train", "-", "--l2", "much"],
    ],
    ids=" ".join,
)
def test_an_amount_that_cannot_be_is_one_line_below_the_usage_and_status_2(
    makemore: Makemore, arguments: list[str]
):
    result = makemore(*arguments)
    assert (result.status, result.out) == (2, "")
    usage, error = result.err[:-1].split("\n\n")
    assert usage.startswith(f"Usage: makemore {arguments[0]} ")
    assert error.isprintable()
    assert error.startswith("Error: Invalid value for ")
    assert ("--l2" if arguments[0] == "train" else "--add-k") in error


@pytest.mark.parametrize("k", ["nan", "inf", "1e300"])
def test_a_k_that_would_leave_nothing_of_the_counts_is_refused(makemore: Makemore, k: str):
    result = makemore("sample", "-", "--add-k", k)
    assert (result.status, result.out) == (1, "")
    assert "choose 0 to 1,000,000" in result.err
