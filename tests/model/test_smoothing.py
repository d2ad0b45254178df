"""Three ways to smooth counts, against the formulas written out for one n-gram at a time."""

from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from model.cli_options import SMOOTHING_NAMES
from model.corpus import Corpus, parse
from model.counts import CountModel
from model.draws import Draws
from model.evaluation import nll
from model.ngrams import count
from model.sampling import sample
from model.smoothing import SMOOTHINGS, smooth
from model.splits import split

orders = st.integers(2, 10)
corpora = st.from_type(Corpus)
methods = st.sampled_from(sorted(SMOOTHINGS))

Ngram = tuple[str, ...]


def corpus_of(words: str) -> Corpus:
    return parse("\n".join(words.split()).encode(), "words")


def asked(corpus: Corpus, n: int) -> list[list[str]]:
    """Contexts of up to n-1 tokens that occur, some of them changed into others."""
    found = [["<s>", *word[:end]] for word in corpus.words for end in range(len(word) + 1)]
    changed = [context[:1] + context[:0:-1] for context in found]  # backwards
    return [context[-(n - 1) :] for context in (*found, *changed)]


def padded(corpus: Corpus, contexts: list[list[str]], n: int) -> torch.Tensor:
    rows = [[0 if t == "<s>" else corpus.alphabet.encode(t)[0] for t in each] for each in contexts]
    return torch.tensor([[0] * (n - 1 - len(row)) + row for row in rows])


def plain(method: str, corpus: Corpus, n: int) -> Callable[[Ngram], float]:
    """The probability of an n-gram's last token after the others, by the book."""
    raw: list[Counter[Ngram]] = [Counter() for _ in range(n + 1)]
    for word in corpus.words:
        tokens = ("<s>", *word, "</s>")
        for end in range(2, len(tokens) + 1):
            for order in range(1, min(n, end) + 1):
                raw[order][tokens[end - order : end]] += 1
    counts = raw
    if method == "kneser-ney":
        counts = [Counter(each) for each in raw]
        for order in range(1, n):
            before = Counter(ngram[1:] for ngram in raw[order + 1])
            for ngram in raw[order]:
                if ngram[0] != "<s>":
                    counts[order][ngram] = before[ngram]
    discounts: list[tuple[float, ...]] = [()]
    for order in range(1, n + 1):
        n1, n2, n3, n4 = (list(counts[order].values()).count(times) for times in (1, 2, 3, 4))
        one, chosen = 0.5, (0.5, 1.0, 1.5)
        if n1 and n2:
            one = n1 / (n1 + 2 * n2)
            if n3:
                three = (1 - 2 * one * n2 / n1, 2 - 3 * one * n3 / n2, 3 - 4 * one * n4 / n3)
                if three[0] > 0 and three[1] > 0 and three[2] > 0:
                    chosen = three
        discounts.append((0, *(chosen if method == "kneser-ney" else (one, one, one))))

    followers: dict[Ngram, Counter[str]] = {}
    for order in range(1, n + 1):
        for ngram, times in counts[order].items():
            followers.setdefault(ngram[:-1], Counter())[ngram[-1]] = times

    @cache
    def p(ngram: Ngram) -> float:
        if not ngram[1:] and not raw[1]:
            return 1 / len(corpus.alphabet)
        shorter = p(ngram[1:]) if len(ngram) > 1 else 1 / len(corpus.alphabet)
        after = followers.get(ngram[:-1])
        if after is None:
            return shorter
        total, times = sum(after.values()), after[ngram[-1]]
        if method == "witten-bell":
            return (times + len(after) * shorter) / (total + len(after))
        d = discounts[len(ngram)]
        left = sum(d[min(each, 3)] for each in after.values())
        return (times - d[min(times, 3)] + left * shorter) / total

    return p


@given(corpora, orders, methods)
@example(corpus_of("a"), 2, "kneser-ney")
@example(corpus_of("a"), 10, "witten-bell")
@example(corpus_of("aaaaaaaaaaaaaaa"), 10, "absolute")
@example(corpus_of("a a a a a ab ab ab b b abc"), 4, "kneser-ney")
def test_probabilities_are_those_of_the_formulas(corpus: Corpus, n: int, method: str):
    contexts = asked(corpus, n)
    p = plain(method, corpus, n)
    outcomes = ["</s>", *corpus.alphabet.characters]
    rows = smooth(count(corpus, n), method).log_probs(padded(corpus, contexts, n)).exp().tolist()
    for context, row in zip(contexts, rows, strict=True):
        assert row == pytest.approx([p((*context, outcome)) for outcome in outcomes], abs=1e-12)


@pytest.mark.parametrize("method", SMOOTHINGS)
@pytest.mark.parametrize("n", [2, 4, 7])
def test_probabilities_are_those_of_the_formulas_in_a_list_of_names(
    names: Corpus, n: int, method: str
):
    corpus = parse("\n".join(names.words[:3000]).encode(), "names")
    contexts = asked(corpus, n)[::97]
    p = plain(method, corpus, n)
    rows = smooth(count(corpus, n), method).log_probs(padded(corpus, contexts, n)).exp().tolist()
    outcomes = ["</s>", *corpus.alphabet.characters]
    for context, row in zip(contexts, rows, strict=True):
        assert row == pytest.approx([p((*context, outcome)) for outcome in outcomes], abs=1e-12)


@given(corpora, orders, methods, st.data())
def test_every_row_is_a_distribution_in_which_nothing_is_impossible(
    corpus: Corpus, n: int, method: str, data: st.DataObject
):
    tokens = st.integers(0, len(corpus.alphabet) - 1)
    contexts = data.draw(st.lists(st.lists(tokens, min_size=n - 1, max_size=n - 1), min_size=1))
    P = smooth(count(corpus, n), method).log_probs(torch.tensor(contexts)).exp()
    assert P.sum(1).tolist() == pytest.approx([1] * len(contexts), abs=1e-12)
    assert bool((P > 0).all())


# By hand: after the beginning a twice and b once, after a twice b, after b three times the end.
SMALL = "ab ab b"


def test_witten_bell_leaves_a_context_as_often_as_something_new_followed_it():
    model = smooth(count(corpus_of(SMALL), 2), "witten-bell")
    unigrams = [(3 + 3 / 3) / 11, (2 + 3 / 3) / 11, (3 + 3 / 3) / 11]
    after = [[0, 2, 1, 2], [0, 0, 2, 1], [3, 0, 0, 1]]  # the counts, and how many are distinct
    assert model.log_probs(torch.tensor([[0], [1], [2]])).exp().flatten().tolist() == pytest.approx(
        [
            (times + distinct * shorter) / (sum(row) + distinct)
            for *row, distinct in after
            for times, shorter in zip(row, unigrams, strict=True)
        ]
    )


def test_kneser_ney_asks_after_how_many_tokens_something_came_and_not_how_often():
    # "b" came after a, c, d and f; "e" as often, but always after d. After b came neither.
    corpus = corpus_of("ab cb db fb dede dede")
    b, e = corpus.alphabet.encode("be")
    (by_tokens,) = smooth(count(corpus, 2), "kneser-ney").log_probs(torch.tensor([[b]]))
    (by_counts,) = smooth(count(corpus, 2), "absolute").log_probs(torch.tensor([[b]]))
    assert float(by_tokens[b]) > float(by_tokens[e])
    assert float(by_counts[b]) == pytest.approx(float(by_counts[e]))


@pytest.mark.parametrize(("n", "figure"), [(4, 2.0579), (5, 1.9854), (6, 1.9778)])
def test_kneser_ney_reaches_the_figures_of_kenlm(names: Corpus, n: int, figure: float):
    parts = split(names)
    model = smooth(count(parts.train, n), "kneser-ney")
    assert round(nll(model, count(parts.test, n)), 4) == figure


@pytest.mark.parametrize("method", SMOOTHINGS)
def test_smoothing_beats_adding_to_every_count(names: Corpus, method: str):
    parts = split(names)
    held_out = count(parts.dev, 5)
    added = min(nll(CountModel(count(parts.train, 5), k), held_out) for k in (0.01, 0.1, 1))
    assert nll(smooth(count(parts.train, 5), method), held_out) < added - 0.05


@pytest.mark.parametrize("method", SMOOTHINGS)
@pytest.mark.parametrize("n", [2, 5, 10])
def test_no_word_ends_for_lack_of_a_context(vowels: Corpus, method: str, n: int):
    draws = Draws(count=200, prefix="vv", temperature=3, max_length=30)
    words = sample(smooth(count(vowels, n), method), draws)
    assert {word.ending for word in words} <= {"boundary", "length"}


@pytest.mark.parametrize("method", SMOOTHINGS)
def test_a_part_without_words_makes_all_outcomes_alike(method: str):
    parts = split(corpus_of("ab"))
    assert not parts.dev.words
    P = smooth(count(parts.dev, 3), method).log_probs(torch.tensor([[0, 0], [1, 2]])).exp()
    assert P.flatten().tolist() == pytest.approx([1 / 3] * 6)


@pytest.mark.parametrize("method", SMOOTHINGS)
def test_a_part_knows_the_alphabet_of_the_whole(method: str):
    parts = split(corpus_of("ab cd ef gh ij kl mn op qr st"))
    model = smooth(count(parts.train, 2), method)
    assert model.alphabet.characters == "abcdefghijklmnopqrst"
    assert nll(model, count(parts.test, 2)) < 10


def test_the_command_line_knows_every_smoothing():
    assert tuple(SMOOTHINGS) == SMOOTHING_NAMES
