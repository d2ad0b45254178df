from collections.abc import Iterable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model import trie
from model.corpus import Corpus, load, parse
from model.counts import CountModel
from model.draws import Draws
from model.errors import MakemoreError
from model.ngrams import count
from model.recipe import OPTIMISERS, RECIPES, Recipe
from model.reports import Report
from model.sampling import sample
from model.training import Trainer

NOTEBOOK = RECIPES["notebook"].with_(device="cpu")
CONVERGE = RECIPES["converge"].with_(device="cpu")

cuda = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


def trained(corpus: Corpus, recipe: Recipe) -> tuple[Trainer, list[Report]]:
    trainer = Trainer(corpus, recipe)
    return trainer, list(trainer.run())


def drive(trainer: Trainer, chunk: int) -> list[Report]:
    """The reports of a run that is advanced by `chunk` steps at a time."""
    reports: list[Report] = []
    while not trainer.finished:
        if report := trainer.advance(chunk):
            reports.append(report)
    return reports


# The notebook's run


@pytest.mark.parametrize(
    ("n", "steps", "losses"),
    [
        (
            2,
            range(0, 501, 50),
            [
                *[3.7677, 2.5871, 2.5762, 2.5625, 2.5523, 2.5456],
                *[2.5446, 2.5429, 2.5406, 2.5380, 2.5352],
            ],
        ),
        (3, [0, 50, 100, 250, 500], [3.7206, 2.9587, 2.9463, 2.8711, 2.8481]),
    ],
)
def test_the_names_have_the_notebooks_losses(
    names: Corpus, n: int, steps: Iterable[int], losses: list[float]
):
    trainer, reports = trained(names, NOTEBOOK.with_(n=n))
    assert [report.step for report in reports] == list(range(0, 501, 50))
    assert trainer.losses[list(steps)].tolist() == pytest.approx(losses, abs=1e-4)


def test_the_notebooks_way_through_every_example_has_the_same_losses(names: Corpus):
    recipe = NOTEBOOK.with_(steps=4)
    exact, _ = trained(names, recipe)
    one_hot, _ = trained(names, recipe.with_(one_hot=True))
    assert one_hot.losses.tolist() == pytest.approx(exact.losses.tolist(), abs=1e-4)


def test_the_names_converge_to_the_floor(names: Corpus):
    trainer, _ = trained(names, CONVERGE)
    assert trainer.step <= 501
    assert float(trainer.losses[-1]) - trainer.floor == pytest.approx(0, abs=1e-4)


# Runs


@pytest.mark.parametrize("recipe", [NOTEBOOK, CONVERGE], ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("n", [2, 3])
def test_the_one_hot_way_has_the_losses_of_the_exact_one(vowels: Corpus, recipe: Recipe, n: int):
    recipe = recipe.with_(n=n, steps=120)
    exact, reports = trained(vowels, recipe)
    one_hot, one_hot_reports = trained(vowels, recipe.with_(one_hot=True))
    assert one_hot.losses.tolist() == pytest.approx(exact.losses.tolist(), abs=1e-4)
    assert [report.step for report in one_hot_reports] == [report.step for report in reports]


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("n", [2, 3])
def test_no_step_has_a_loss_below_the_floor(vowels: Corpus, optimiser: str, n: int):
    recipe = CONVERGE.with_(optimiser=optimiser, n=n)
    trainer, _ = trained(vowels, recipe)
    assert trainer.floor == CountModel(count(vowels, n)).floor
    assert float(trainer.losses.min()) >= trainer.floor - 1e-5
    assert trainer.losses[-1] < trainer.losses[0]


def test_a_recipe_fixes_every_loss_and_every_word(vowels: Corpus):
    (first, reports), (second, same_reports) = (trained(vowels, NOTEBOOK) for _ in range(2))
    assert torch.equal(first.losses, second.losses)
    assert reports == same_reports


def test_another_seed_is_another_run(vowels: Corpus):
    (first, _), (second, _) = (trained(vowels, NOTEBOOK.with_(seed=seed)) for seed in (0, 1))
    assert first.losses[0] != second.losses[0]


@pytest.mark.parametrize(
    ("steps", "reported"),
    [
        (1, [0]),
        (2, [0, 1]),
        (50, [0, 49]),
        (51, [0, 50]),
        (52, [0, 50, 51]),
        (120, [0, 50, 100, 119]),
    ],
)
def test_step_0_every_50_steps_and_the_last_are_reported(
    vowels: Corpus, steps: int, reported: list[int]
):
    trainer, reports = trained(vowels, NOTEBOOK.with_(steps=steps))
    assert [report.step for report in reports] == reported
    assert trainer.step == steps
    for report in reports:
        assert report.lr == NOTEBOOK.lr(report.step)
        assert report.loss == float(trainer.losses[report.step])


def test_a_report_holds_what_the_network_writes_after_its_step(vowels: Corpus):
    trainer, reports = trained(vowels, NOTEBOOK.with_(steps=20))
    written = sample(trainer.network, Draws(count=5, max_length=64)).words
    assert list(reports[-1].samples) == written


@given(st.lists(st.integers(1, 130), min_size=1), st.integers(1, 160))
def test_a_chunk_ends_at_a_report_and_changes_nothing_else(chunks: list[int], steps: int):
    corpus, recipe = load("english-last-names"), NOTEBOOK.with_(steps=steps)
    whole, expected = trained(corpus, recipe)
    trainer, reports = Trainer(corpus, recipe), list[Report]()
    reported = {report.step for report in expected}
    for chunk in chunks * steps:
        before = trainer.step
        report = trainer.advance(chunk)
        assert before < trainer.step <= before + chunk
        assert not reported & set(range(before, trainer.step - 1))
        assert (report is not None) == (trainer.step - 1 in reported)
        assert trainer.finished == (trainer.step == steps)
        if report:
            reports.append(report)
        if trainer.finished:
            break
    assert reports == expected
    assert torch.equal(trainer.losses, whole.losses)


def test_a_run_that_was_begun_by_chunks_is_finished_from_there(vowels: Corpus):
    _, expected = trained(vowels, NOTEBOOK.with_(steps=120))
    trainer = Trainer(vowels, NOTEBOOK.with_(steps=120))
    first = trainer.advance(1)
    assert trainer.advance(30) is None
    assert [first, *trainer.run()] == expected


def test_a_finished_run_is_not_advanced_any_more(vowels: Corpus):
    trainer, _ = trained(vowels, NOTEBOOK.with_(steps=3))
    losses, W = trainer.losses.clone(), trainer.network.W.clone()
    assert trainer.advance(5) is None
    assert trainer.step == 3
    assert torch.equal(trainer.losses, losses)
    assert torch.equal(trainer.network.W, W)
    assert list(trainer.run()) == []


# What cannot be trained


@pytest.mark.parametrize("learning_rate", [1e37, 3e38, 1e39, 1e308])
@pytest.mark.parametrize("chunk", [1, 7, 50])
def test_the_first_loss_that_is_no_number_is_an_error_that_names_its_step(
    learning_rate: float, chunk: int
):
    # With these words and 1e37, infinite losses and finite ones take turns at first.
    corpus = parse(b"emma\nolivia\nava\n", "words")
    recipe = NOTEBOOK.with_(schedule="constant", learning_rate=learning_rate)
    trainer = Trainer(corpus, recipe)
    with pytest.raises(MakemoreError) as error:
        drive(trainer, chunk)
    assert bool(trainer.losses[: trainer.step].isfinite().all())
    assert not trainer.losses[trainer.step].isfinite()
    assert f"step {trainer.step};" in str(error.value)
    assert f"{learning_rate:g}" in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_here_is_an_error_that_says_what_to_do(vowels: Corpus):
    with pytest.raises(MakemoreError, match=r"cuda cannot be used: .*; choose auto or cpu"):
        Trainer(vowels, NOTEBOOK.with_(device="cuda"))


def test_a_table_that_does_not_fit_is_an_error_that_says_what_to_do(
    vowels: Corpus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trie, "MOST_DENSE", 10)
    with pytest.raises(MakemoreError, match="choose a lower n"):
        Trainer(vowels, NOTEBOOK)


# On a CUDA device


@pytest.fixture(scope="module")
def surnames() -> Corpus:
    return load("german-last-names")


class TestOnCuda:
    pytestmark = cuda

    @pytest.mark.parametrize("recipe", [NOTEBOOK, CONVERGE], ids=lambda recipe: recipe.name)
    @pytest.mark.parametrize("chunk", [1, 7, 50])
    def test_every_chunk_size_has_the_losses_of_the_cpu(
        self, surnames: Corpus, recipe: Recipe, chunk: int
    ):
        cpu, expected = trained(surnames, recipe)
        trainer = Trainer(surnames, recipe.with_(device="cuda"))
        reports = drive(trainer, chunk)
        assert trainer.losses.tolist() == pytest.approx(cpu.losses.tolist(), abs=1e-4)
        assert [report.step for report in reports] == [report.step for report in expected]

    def test_captured_steps_have_the_losses_of_eager_ones(self, surnames: Corpus):
        recipe = NOTEBOOK.with_(device="cuda", steps=120)
        captured, _ = trained(surnames, recipe)
        eager, _ = trained(surnames, recipe.with_(one_hot=True))
        assert captured.losses.tolist() == pytest.approx(eager.losses.tolist(), abs=1e-4)

    def test_a_run_is_the_same_again(self, surnames: Corpus):
        recipe = NOTEBOOK.with_(device="cuda", steps=120)
        (first, reports), (second, same_reports) = (trained(surnames, recipe) for _ in range(2))
        assert torch.equal(first.losses, second.losses)
        assert reports == same_reports

    @pytest.mark.parametrize("recipe", [NOTEBOOK, CONVERGE], ids=lambda recipe: recipe.name)
    def test_a_penalty_that_is_set_between_captured_chunks_has_the_losses_of_the_cpu(
        self, surnames: Corpus, recipe: Recipe
    ):
        # Chunks of one length again and again, with and without a penalty: each kind of graph is
        # captured once, and replayed with penalties that it was not captured with.
        penalties = [0, 3, 3, 20, 0, 0, 1, 20]
        losses: list[list[float]] = []
        for device in ("cpu", "cuda"):
            trainer = Trainer(surnames, recipe.with_(device=device, steps=401))
            trainer.advance(1)
            for l2 in penalties:
                trainer.adjust(trainer.recipe.with_(l2=l2))
                trainer.advance(50)
            assert trainer.finished
            losses.append(trainer.losses.tolist())
        unpenalised, _ = trained(surnames, recipe.with_(device="cpu", steps=401))
        assert losses[1] == pytest.approx(losses[0], abs=1e-4)
        assert losses[1][-1] > float(unpenalised.losses[-1]) + 1e-3

    def test_a_network_writes_the_same_words_as_its_copy_on_the_cpu(self, surnames: Corpus):
        trainer, _ = trained(surnames, CONVERGE.with_(device="cuda"))
        draws = Draws(count=200, seed=5)
        there, here = sample(trainer.network, draws), sample(trainer.network.frozen(), draws)
        assert there.words == here.words
        assert there.nlls == pytest.approx(here.nlls, abs=1e-4)

    def test_a_finished_run_is_not_advanced_any_more(self, surnames: Corpus):
        trainer, _ = trained(surnames, NOTEBOOK.with_(device="cuda", steps=3))
        losses = trainer.losses.clone()
        trainer.advance(5)
        assert trainer.step == 3
        assert torch.equal(trainer.losses, losses)

    def test_a_loss_that_is_no_number_is_an_error_that_names_its_step(self, surnames: Corpus):
        recipe = NOTEBOOK.with_(device="cuda", schedule="constant", learning_rate=1e39)
        with pytest.raises(MakemoreError, match="step 1;"):
            drive(Trainer(surnames, recipe), 50)
