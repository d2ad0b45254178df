"""Who takes part in the leaderboard, and what each model is judged by."""

from pathlib import Path

import pytest
from running import CORPUS, QUICK, WORDS, kept_run, nll_of

from model.corpus import Corpus, parse
from model.counts import CountModel
from model.errors import MakemoreError
from model.evaluation import nll
from model.judging import Part, weighted_on
from model.language_model import LanguageModel
from model.leaderboard import Progress, judged
from model.leaderboard_table import Entry
from model.ngrams import count
from model.recipe import Recipe, recipe_for
from model.runs import Run, create
from model.smoothing import SMOOTHINGS, smooth
from model.splits import split
from model.trained import trained

RARE = ["zoelia", "mirabel", "eleanora", "ameliette", "zoraya", "abiella"]
REPEATED = parse("\n".join(WORDS * 3 + RARE).encode(), "repeated")
"""In which most held-out words stand in train, too."""
PARTS = split(REPEATED)
ON_TRAIN = QUICK.with_(data="train")
GRU = recipe_for("gru").with_(device="cpu", steps=101, hidden=16, width=8, learning_rate=0.02)


def board(corpus: Corpus = REPEATED, runs: tuple[Run, ...] = (), **how) -> dict[str, Entry]:
    """The entries by kind, name and order."""
    progress = judged(corpus, runs, **{"orders": [3], **how})
    return {f"{e.kind} {e.name} {e.n}": e for _, e in progress if e is not None}


def figure(entry: Entry, name: str) -> float:
    value = getattr(entry, name)
    assert isinstance(value, float)
    return value


def counted(entry: Entry) -> LanguageModel:
    """The count model of an entry."""
    if entry.name in SMOOTHINGS:
        return smooth(count(PARTS.train, entry.n), entry.name)
    return CountModel(count(PARTS.train, entry.n), k_of(entry))


def k_of(entry: Entry) -> float:
    return float(entry.note.removeprefix("k=").split(",")[0])


def run_of(recipe: Recipe, root: Path, name: str = "", corpus: Corpus = REPEATED) -> Run:
    run = kept_run(root, recipe, recipe.steps, corpus=corpus)
    return run.rename(name) if name else run


def test_every_count_model_is_judged_by_the_parts_of_the_split():
    entries = board(orders=[2, 4], test=True)
    assert len(entries) == 2 * (2 + len(SMOOTHINGS))
    for n in (2, 4):
        for name in SMOOTHINGS:
            entry, model = entries[f"counts {name} {n}"], smooth(count(PARTS.train, n), name)
            for part in ("train", "dev", "test"):
                expected = nll(model, count(getattr(PARTS, part), n))
                assert getattr(entry, part) == pytest.approx(expected)
        unsmoothed = entries[f"counts unsmoothed {n}"]
        assert unsmoothed.train == pytest.approx(CountModel(count(PARTS.train, n)).floor)


def test_add_k_is_as_good_on_dev_as_any_k():
    entry = board()["counts add-k 3"]
    train, dev = count(PARTS.train, 3), count(PARTS.dev, 3)
    for k in (0.01, 0.03, 0.1, 0.3, 1.0):
        assert figure(entry, "dev") <= nll(CountModel(train, k), dev) + 1e-3
    assert entry.dev == pytest.approx(nll(CountModel(train, k_of(entry)), dev))


def test_test_is_looked_at_only_when_asked_for():
    assert all(entry.test is None for entry in board().values())
    assert all(entry.test is not None for entry in board(test=True).values())


@pytest.mark.parametrize("test", [False, True])
def test_unseen_is_the_nll_on_held_out_words_that_are_not_in_train(test: bool):
    held_out = PARTS.test if test else PARTS.dev
    unseen = [word for word in held_out.words if word not in PARTS.train.words]
    assert 0 < len(unseen) < len(held_out.words)
    entry = board(test=test)["counts kneser-ney 3"]
    words_alone = Corpus("unseen", "".join(f"{word}\n" for word in unseen), REPEATED)
    expected = nll_of(smooth(count(PARTS.train, 3), "kneser-ney"), words_alone)
    assert entry.unseen == pytest.approx(expected)


def test_where_no_held_out_word_is_new_there_is_no_unseen():
    words = parse("\n".join(["emma"] * 40).encode(), "one word")
    entries = board(words)
    assert entries["counts kneser-ney 3"].unseen is None
    assert entries["counts kneser-ney 3"].dev is not None


def test_a_run_is_judged_as_it_was_when_it_was_best(tmp_path: Path):
    run = run_of(GRU, tmp_path, "mine")
    entry = board(runs=(run,), test=True)["gru mine 17"]
    network, step, _ = trained(run, count(PARTS.train, GRU.n))
    for part in ("train", "dev", "test"):
        assert getattr(entry, part) == pytest.approx(nll_of(network, getattr(PARTS, part)))
    assert entry.parameters == network.size
    assert entry.run == run.id
    assert f"step {step}" in entry.note
    assert "best on dev" in entry.note


def test_a_run_that_has_learnt_all_words_has_no_held_out_figures_and_says_why(tmp_path: Path):
    run = run_of(QUICK, tmp_path, "all")
    entry = board(runs=(run,), test=True)["one-layer all 2"]
    assert (entry.dev, entry.test, entry.unseen) == (None, None, None)
    assert "learnt from all words" in entry.note
    network = trained(run, count(REPEATED, 2)).network
    assert entry.train == pytest.approx(nll_of(network, PARTS.train))


def test_runs_of_other_words_do_not_take_part(tmp_path: Path):
    run = run_of(ON_TRAIN, tmp_path, "other", CORPUS)
    assert not any(entry.run for entry in board(runs=(run,)).values())
    assert any(entry.run for entry in board(CORPUS, runs=(run,)).values())


def test_runs_of_one_name_are_told_apart(tmp_path: Path):
    runs = [run_of(ON_TRAIN, tmp_path, "twin") for _ in range(2)]
    found = [each.entry for each in judged(REPEATED, runs, [2]) if each.entry and each.entry.run]
    assert [entry.run for entry in found] == [run.id for run in runs]
    assert {entry.name for entry in found} == {"twin"}


def test_a_run_that_cannot_be_judged_stays_with_the_reason(tmp_path: Path):
    idle = create(tmp_path, REPEATED, ON_TRAIN, "idle")
    broken = run_of(ON_TRAIN, tmp_path, "broken")
    for path in broken.checkpoints:
        path.write_bytes(b"0" * 100_000)
    entries = board(runs=(idle, broken))
    for name in ("idle", "broken"):
        entry = entries[f"one-layer {name} 2"]
        assert entry.train is None
        assert "no checkpoint" in entry.note
    assert "counts kneser-ney 3" in entries


def test_the_mixture_is_of_the_best_network_and_the_best_counts(tmp_path: Path):
    runs = (
        run_of(GRU, tmp_path, "good"),
        run_of(GRU.with_(steps=1), tmp_path, "hasty"),
        run_of(QUICK, tmp_path, "cheat"),
    )
    entries = board(runs=runs)
    (mixture,) = (entry for entry in entries.values() if entry.kind == "mixture")
    counts = [entry for entry in entries.values() if entry.kind == "counts"]
    best = min(counts, key=lambda entry: figure(entry, "dev"))
    assert mixture.name == f"good + {best.name}"
    assert figure(mixture, "dev") <= figure(best, "dev")
    assert figure(mixture, "dev") <= figure(entries["gru good 17"], "dev")
    network = trained(runs[0], count(PARTS.train, GRU.n)).network
    expected = weighted_on(Part(PARTS.dev), network, counted(best))
    assert mixture.note.startswith(
        f"{expected.share:.2f} good + {1 - expected.share:.2f} {best.name}"
    )
    for part in ("train", "dev"):
        assert getattr(mixture, part) == pytest.approx(nll_of(expected, getattr(PARTS, part)))
    assert mixture.parameters == entries["gru good 17"].parameters + best.parameters + 1


def test_without_a_network_there_is_no_mixture(tmp_path: Path):
    run = run_of(QUICK, tmp_path, "cheat")
    kinds = {entry.kind for entry in board(runs=(run,)).values()}
    assert kinds == {"counts", "one-layer"}


def test_the_parameters_of_counts_are_what_they_store():
    entries = board()
    ngrams = count(PARTS.train, 3)
    assert entries["counts add-k 3"].parameters == len(ngrams.codes)
    model = smooth(count(PARTS.train, 3), "kneser-ney")
    stored = sum(len(level.codes) + len(level.contexts) for level in model.levels)
    assert entries["counts kneser-ney 3"].parameters == stored


def test_every_model_says_how_long_it_took_and_how_quick_it_writes(tmp_path: Path):
    for entry in board(runs=(run_of(GRU, tmp_path),)).values():
        assert figure(entry, "words_per_second") > 0
        assert entry.kind == "gru" or figure(entry, "seconds") > 0


def test_the_share_that_is_done_rises_with_every_word(tmp_path: Path):
    run = run_of(GRU, tmp_path)
    progress: list[Progress] = list(judged(REPEATED, [run], [2, 3]))
    shares = [each.share for each in progress]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert sum(each.entry is not None for each in progress) == 2 * (2 + len(SMOOTHINGS)) + 2
    assert len(progress) > 3 * 12


def test_too_few_words_are_refused_with_their_number():
    with pytest.raises(MakemoreError, match="2 words are too few"):
        list(judged(parse(b"emma\nava\n", "two")))
