"""`makemore rate`."""

import pytest
from command_line import WORDS, Makemore, process

from model.corpus import parse
from model.rate_finder import Found, find_rate
from model.recipe import RECIPES, Recipe

CORPUS = parse(WORDS, "standard input")
MLP = RECIPES["mlp"].with_(data="train", n=3, batch_size=4, seed=2, device="cpu")


def found(recipe: Recipe) -> Found:
    *_, last = find_rate(CORPUS, recipe)
    return last


def test_json_has_a_line_for_each_rate_and_the_suggestion(makemore: Makemore):
    options = ["--model", "mlp", "-n", "3", "--batch-size", "4", "--seed", "2", "--device", "cpu"]
    *lines, last = makemore("rate", "-", *options, "--json").lines
    test = found(MLP)
    assert last == {"suggested": test.suggested}
    assert [(line["rate"], line["loss"]) for line in lines] == [
        *zip(test.rates, test.losses, strict=True)
    ]


@pytest.mark.parametrize("name", ["notebook", "converge"])
def test_people_get_a_curve_and_an_option_to_train_with(makemore: Makemore, name: str):
    result = makemore("rate", "-", "--recipe", name, "-n", "3", "--device", "cpu")
    assert (result.status, result.err) == (0, "")
    test = found(RECIPES[name].with_(n=3, device="cpu"))
    curve, rates, suggested = result.out.splitlines()
    begin, bars, end = curve.removeprefix("loss: ").split()
    assert (begin, end) == (f"{test.smoothed[0]:.4f}", f"{test.smoothed[-1]:.4f}")
    assert set(bars) <= set("▁▂▃▄▅▆▇█")
    assert "▁" in bars
    assert bars[0] == "█"
    assert rates.endswith(f"lowest at {test.lowest:g}")
    option = suggested.removeprefix("suggested: ").split()
    trained = makemore("train", "-", "--recipe", name, "-n", "3", "--steps", "5", *option)
    assert trained.status == 0


def test_it_works_in_a_process_of_its_own():
    result = process("rate", "-", "--device", "cpu")
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines()[-1].startswith("suggested: --learning-rate ")


def test_what_is_wrong_is_told_in_one_line(makemore: Makemore):
    result = makemore("rate", "-", "--recipe", "converge", "--model", "mlp")
    assert (result.status, result.out) == (1, "")
    assert result.err == "Error: mlp learns from batches: choose a batch size above 0\n"
