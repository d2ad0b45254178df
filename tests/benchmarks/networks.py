"""The networks: a step of each, and 10,000 words from a Transformer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from model.alphabet import BOUNDARY
from model.corpus import Corpus, parse
from model.draws import Draws
from model.language_model import LanguageModel
from model.nets import NETWORKS
from model.recipe import ONE_LAYER, RECIPES, Recipe
from model.sampling import sample
from model.training import REPORT_EVERY, Trainer
from tests.benchmarks import makemore
from tests.benchmarks.core import Row, Turn, alternate, faster, seconds_of, timed, torch_threads

RECIPE = RECIPES["makemore"].with_(device="cpu", steps=50_000)  # more than any benchmark comes to
CHUNK = REPORT_EVERY - 1
STEP_GOAL = 2

DRAWS = Draws(count=10_000)
LEARNT = 500  # steps before words are drawn
ONE_BY_ONE = 200  # words in a turn of the plain way
WORDS_GOAL = 20


def rows(names: Path) -> Iterator[Row]:
    """Each network at makemore's sizes, then words from one; both sides on one thread."""
    corpus = parse(names.read_bytes(), "names")
    data = makemore.TrainingSet(names)
    recipe = RECIPE.with_(n=data.size + 1)
    with torch_threads(1):  # a Trainer would leave its own number behind
        for model in NETWORKS:
            if model != ONE_LAYER:
                network = makemore.network(model, len(corpus.alphabet), data.size)
                plain = makemore.train(network, data)
                yield _step(corpus, recipe.with_(model=model), lambda plain=plain: next(plain))
        yield _words(corpus, recipe)


def _step(corpus: Corpus, recipe: Recipe, plain_step: Callable[[], float]) -> Row:
    trainer = Trainer(corpus, recipe)
    ours, plain = alternate(
        _steps(lambda: trainer.advance(1), lambda: trainer.advance(CHUNK), 1),
        _steps(plain_step, plain_step, CHUNK),
        rounds=9,
    )
    what = f"step of the {recipe.model}, {trainer.network.size:,} weights, 1 thread"
    return faster(what, ours, plain, STEP_GOAL)


def _steps(report: Callable[[], object], work: Callable[[], object], times: int) -> Turn:
    """A step, as part of a chunk; the step with the report, before it, is not counted."""

    def turn() -> float:
        with torch_threads(1):
            report()
            return sum(seconds_of(work) for _ in range(times)) / CHUNK

    return turn


def _words(corpus: Corpus, recipe: Recipe) -> Row:
    trainer = Trainer(corpus, recipe)
    while trainer.step < LEARNT:
        trainer.advance(LEARNT - trainer.step)
    model = trainer.network.frozen()
    generator = torch.Generator().manual_seed(0)
    ours, plain = alternate(
        timed(lambda: sample(model, DRAWS), threads=1),
        timed(lambda: [_word(model, generator) for _ in range(ONE_BY_ONE)], threads=1),
        rounds=5,
    )
    what = f"{DRAWS.count:,} words from the {recipe.model}, of the plain way {ONE_BY_ONE} scaled up"
    return faster(what, ours, plain * DRAWS.count / ONE_BY_ONE, WORDS_GOAL)


def _word(model: LanguageModel, generator: torch.Generator) -> str:
    """One word by itself: the whole context goes through the network for each character."""
    context, tokens = [BOUNDARY] * model.context_length, list[int]()
    while len(tokens) < DRAWS.max_length:
        probs = model.log_probs(torch.tensor([context])).exp()
        token = int(torch.multinomial(probs, 1, generator=generator))
        if token == BOUNDARY:
            break
        tokens.append(token)
        context = [*context[1:], token]
    return model.alphabet.decode(tokens)
