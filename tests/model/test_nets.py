import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from model.alphabet import Alphabet
from model.batches import Words
from model.corpus import Corpus, parse
from model.language_model import IncrementalModel
from model.nets import network_class
from model.nets.bag_of_words import BagOfWords
from model.nets.mlp import MLP
from model.nets.network import Dropout, Network
from model.nets.recurrent import Recurrent
from model.nets.transformer import Transformer
from model.nets.wavenet import WaveNet
from model.ngrams import count
from model.recipe import RECIPES
from tests.model.networks import READERS, SMALL, ZOO, reader, small

corpora = st.from_type(Corpus)
orders = st.integers(2, 17)
ABC = Alphabet.of("abcdefghijklmnopqrstuvwxyz")
LONG = parse(b"abcabcabcabcabcabca\nb\nabc\ncbacbacbacba\ncb", "long and short words")

each_network = pytest.mark.parametrize("name", ZOO)
each_reader = pytest.mark.parametrize("name", READERS)


def all_of(corpus: Corpus, times: int = 1) -> Tensor:
    """Every word of a corpus, by index."""
    return torch.arange(len(list(corpus.words))).repeat(times)


def beginnings(length: int, rows: int = 5) -> Tensor:
    """Contexts that are beginnings of words: a boundary, then characters. (rows, length)"""
    generator = torch.Generator().manual_seed(length)
    contexts = torch.randint(1, len(ABC), (rows, length), generator=generator)
    contexts[:, 0] = 0
    return contexts


def assert_close(one: Tensor, other: Tensor) -> None:
    assert one.shape == other.shape
    assert float((one - other).detach().abs().max()) < 1e-10


# Each network says what its paper says, told another way


def gates(made: Recurrent, order: list[int]) -> dict[str, Tensor]:
    """The weights of a recurrent network as torch names and orders them."""
    hidden = made.recurrent.in_features
    places = torch.cat([torch.arange(gate * hidden, (gate + 1) * hidden) for gate in order])
    return {
        "weight_ih_l0": made.input.weight[places],
        "bias_ih_l0": made.input.bias[places],
        "weight_hh_l0": made.recurrent.weight[places],
        "bias_hh_l0": torch.zeros(len(places), dtype=torch.float64),
    }


@pytest.mark.parametrize(
    ("name", "torchs", "order"),
    [("rnn", nn.RNN, [0]), ("gru", nn.GRU, [0, 1, 2]), ("lstm", nn.LSTM, [0, 1, 3, 2])],
)
def test_a_recurrent_network_is_torchs(name: str, torchs: type[nn.RNNBase], order: list[int]):
    made = reader(name, ABC, 10)
    assert isinstance(made, Recurrent)
    told = torchs(SMALL["width"], SMALL["hidden"], batch_first=True).double()
    told.load_state_dict(gates(made, order))
    contexts = beginnings(9)
    h, _ = told(made.embedding(contexts))
    assert_close(made.log_probs(contexts), made.head(h[:, -1]).log_softmax(1))


def by_hand(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention in the words of the paper, of one place after the other. (T, hs) each"""
    told: list[Tensor] = []
    for place in range(len(q)):
        scores = [
            float((q[place] @ k[other]).detach()) / math.sqrt(q.shape[1])
            for other in range(place + 1)
        ]
        weights = [math.exp(score) for score in scores]
        shares = torch.tensor(weights, dtype=q.dtype) / sum(weights)
        told.append(shares @ v[: place + 1])
    return torch.stack(told)


def masked(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Torch's attention with a mask of its own. (T, hs) each"""
    earlier = torch.ones(len(q), len(q), dtype=torch.bool).tril()
    return F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=earlier)[0]


@pytest.mark.parametrize("attention", [by_hand, masked])
def test_a_transformer_attends_as_the_paper_says(attention: Callable[..., Tensor]):
    made = small("transformer", ABC, 10)
    assert isinstance(made, Transformer)
    contexts = beginnings(9)
    told: list[Tensor] = []
    for context in contexts:
        x = made.embedding(context) + made.places(torch.arange(9))
        for block in made.blocks:
            q, k, v = block.qkv(block.norm1(x)).chunk(3, 1)
            size = q.shape[1] // made.heads
            heads = zip(q.split(size, 1), k.split(size, 1), v.split(size, 1), strict=True)
            x = x + block.out(torch.cat([attention(*head) for head in heads], 1))
            x = x + block.mlp(block.norm2(x))
        told.append(made.head(made.norm(x[-1])).log_softmax(0))
    assert_close(made.log_probs(contexts), torch.stack(told))


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 9, 16])
def test_a_wavenet_is_a_dilated_convolution(length: int):
    made = small("wavenet", ABC, length + 1)
    assert isinstance(made, WaveNet)
    contexts = beginnings(length)
    x = made.embedding(contexts)  # (B, T, C)
    skips = made.skip(x)
    for depth, layer in enumerate(made.layers):
        kernel = torch.stack(layer.pair.weight.chunk(2, 1), 2)  # (2C, C, 2)
        padded = F.pad(x.transpose(1, 2), (2**depth, 0))
        told = F.conv1d(padded, kernel, layer.pair.bias, dilation=2**depth).transpose(1, 2)
        filtered, gate = told.chunk(2, 2)
        gated = filtered.tanh() * gate.sigmoid()
        x, skips = x + layer.residual(gated), skips + layer.skip(gated)
    told = made.head(made.hidden(skips.relu()).relu())[:, -1]
    assert_close(made.log_probs(contexts), told.log_softmax(1))


@pytest.mark.parametrize("length", [2, 3, 4, 5, 8, 9, 16])
def test_a_wavenet_looks_at_all_of_its_context(length: int):
    made = small("wavenet", ABC, length + 1)
    contexts = beginnings(length, rows=1)
    changed = contexts.repeat(length, 1)
    changed.fill_diagonal_(26)  # one token at a time
    assert bool((made.log_probs(changed) != made.log_probs(contexts)).any(1).all())


def test_an_mlp_puts_the_embeddings_side_by_side():
    made = small("mlp", ABC, 4)
    assert isinstance(made, MLP)
    for context in ([0, 0, 0], [0, 0, 5], [0, 5, 13], [5, 13, 13]):
        x = torch.cat([made.embedding.weight[token] for token in context])
        h = torch.tanh(made.hidden.weight @ x + made.hidden.bias)
        told = (made.head.weight @ h + made.head.bias).log_softmax(0)
        assert_close(made.log_probs(torch.tensor([context]))[0], told)


def test_a_bag_of_words_takes_the_mean_of_what_it_has_read():
    made = small("bag-of-words", ABC, 5)
    assert isinstance(made, BagOfWords)
    for read in ([0], [0, 5], [0, 5, 13], [0, 5, 13, 13], [5, 13, 13, 1]):
        seen = [
            made.embedding.weight[token] + made.places.weight[place]
            for place, token in enumerate(read)
        ]
        x = seen[-1] + torch.stack(seen).sum(0) / len(seen)
        told = made.head(x + made.back(torch.tanh(made.hidden(x)))).log_softmax(0)
        context = [0] * (4 - len(read)) + read
        assert_close(made.log_probs(torch.tensor([context]))[0], told)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("bag-of-words", 12_827),
        ("mlp", 69_083),
        ("rnn", 11_739),
        ("gru", 28_251),
        ("lstm", 36_507),
        ("wavenet", 111_131),
        ("transformer", 204_544),  # makemore's "205K"
    ],
)
def test_the_sizes_are_those_of_makemore(name: str, size: int):
    assert network_class(name)(ABC, 16).size == size


# Every network is a language model


@each_network
@given(corpus=corpora | st.just(LONG), n=orders, times=st.integers(1, 2))
def test_what_is_trained_is_what_is_asked(name: str, corpus: Corpus, n: int, times: int):
    made = small(name, corpus.alphabet, n)
    batch = Words(corpus).batch(all_of(corpus, times))
    log_probs = made.log_probs(batch.contexts(n - 1))
    assert_close(made.logits(batch).log_softmax(1), log_probs)
    told = -log_probs[torch.arange(len(batch)), batch.outcomes].mean()
    assert_close(made.loss(batch), told)


@each_network
@pytest.mark.parametrize("n", [3, 17])
def test_each_word_of_a_batch_gives_its_part_of_the_gradient(name: str, n: int):
    made = small(name, LONG.alphabet, n)
    words = Words(LONG)
    _, gradient = made.flatten()

    def gradient_of(indices: Tensor) -> Tensor:
        gradient.zero_()
        made.loss(words.batch(indices)).backward()
        return gradient * len(words.batch(indices))

    parts = [gradient_of(index.view(1)) for index in all_of(LONG)]
    whole = gradient_of(all_of(LONG))
    assert float(whole.abs().max()) > 0.01
    assert_close(whole, torch.stack(parts).sum(0))


@each_network
@given(corpus=corpora, n=orders)
def test_the_outcomes_of_every_context_are_a_distribution(name: str, corpus: Corpus, n: int):
    made = small(name, corpus.alphabet, n)
    ngrams = count(corpus, n)
    contexts = ngrams.contexts.tokens(torch.arange(len(ngrams.contexts)))
    log_probs = made.log_probs(contexts)
    assert (made.alphabet, made.context_length) == (corpus.alphabet, n - 1)
    assert log_probs.shape == (len(contexts), len(corpus.alphabet))
    assert not log_probs.requires_grad
    assert_close(log_probs.exp().sum(1), torch.ones(len(contexts), dtype=torch.float64))


@each_network
def test_no_contexts_have_no_distributions(name: str):
    made = small(name, ABC, 4)
    assert made.log_probs(torch.zeros(0, 3, dtype=torch.int64)).shape == (0, 27)


@each_network
def test_no_words_have_no_logits(name: str):
    batch = Words(LONG).batch(torch.tensor([], dtype=torch.int64))
    assert small(name, LONG.alphabet, 4).logits(batch).shape == (0, 4)


@each_network
@pytest.mark.parametrize("n", [2, 5, 17])
def test_a_network_can_tell_the_contexts_of_its_length_apart(name: str, n: int):
    contexts = beginnings(n - 1)
    contexts[:, -1] = torch.arange(1, 6)
    log_probs = small(name, ABC, n).log_probs(contexts)
    assert len({tuple(row) for row in log_probs.tolist()}) == len(contexts)


@each_reader
def test_a_later_token_changes_nothing_before_it(name: str):
    made = reader(name, ABC, 17)
    tokens, own = beginnings(16), torch.arange(5 * 16)
    before = made(tokens, own).view(5, 16, 27)
    for place in range(1, 16):
        changed = tokens.clone()
        changed[:, place:] = 26
        after = made(changed, own).view(5, 16, 27)
        assert_close(after[:, :place], before[:, :place])
        assert bool((after[:, place] != before[:, place]).any())


@each_reader
@given(n=orders, rows=st.integers(1, 4))
def test_reading_token_by_token_is_reading_all_at_once(name: str, n: int, rows: int):
    made = reader(name, ABC, n)
    assert isinstance(made, IncrementalModel)
    contexts, state = beginnings(n - 1, rows), made.start(rows)
    for length in range(1, n):
        log_probs, state = made.read(contexts[:, length - 1], state)
        asked = F.pad(contexts[:, :length], (n - 1 - length, 0))
        assert_close(log_probs, made.log_probs(asked))


@each_reader
def test_a_state_can_be_shared_and_is_left_as_it_is(name: str):
    made = reader(name, ABC, 6)
    contexts = beginnings(5)
    state = made.start(5)
    for column in contexts[:, :3].unbind(1):
        _, state = made.read(column, state)
    chosen = torch.tensor([4, 0, 0])
    shared = tuple(each.index_select(0, chosen) for each in state)
    kept = [each.clone() for each in shared]
    log_probs, _ = made.read(torch.tensor([1, 1, 2]), shared)
    assert all(map(torch.equal, shared, kept))
    asked = torch.cat([contexts[chosen, :3], torch.tensor([[1], [1], [2]])], 1)
    assert_close(log_probs, made.log_probs(F.pad(asked, (1, 0))))


def test_a_network_that_is_given_a_window_does_not_read():
    assert not isinstance(small("mlp", ABC, 4), IncrementalModel)


# Weights


@each_network
def test_a_seed_fixes_the_weights(name: str):
    def weights(seed: int) -> Tensor:
        return small(name, ABC, 5, seed=seed).flatten()[0].clone()

    assert torch.equal(weights(5), weights(5))
    assert not torch.equal(weights(5), weights(6))


@each_network
def test_the_weights_start_as_torchs(name: str):
    """As wide as those that torch's own layers draw, so that none is forgotten."""
    made, torchs = network_class(name)(ABC, 16), network_class(name)(ABC, 16)
    made.initialise(3)
    for layer in torchs.modules():
        if isinstance(layer, nn.Embedding):  # ours draws nothing before it is initialised
            nn.Embedding.reset_parameters(layer)
    for (layer, ours), theirs in zip(made.named_parameters(), torchs.parameters(), strict=True):
        one, other = (float(each.detach().square().mean().sqrt()) for each in (ours, theirs))
        assert one == pytest.approx(other, rel=0.5), layer
        assert torch.equal(ours, theirs) == ("norm" in layer), layer


def test_a_recipe_says_how_large_a_network_is(vowels: Corpus):
    recipe = RECIPES["gru"].with_(n=6, width=5, hidden=7, seed=4, dropout=0.25)
    made = network_class("gru").of(count(vowels, 6), recipe)
    assert (made.context_length, made.dropout.p) == (5, 0.25)
    assert isinstance(made, Recurrent)
    assert (made.input.in_features, made.recurrent.in_features) == (5, 7)
    again = network_class("gru").of(count(vowels, 6), recipe)
    assert torch.equal(made.head.weight, again.head.weight)


@each_network
def test_a_frozen_network_does_not_learn(name: str):
    made = small(name, ABC, 5, dropout=0.5)
    made.dropout.generator = torch.Generator().manual_seed(0)
    weights, _ = made.flatten()
    frozen, asked = made.frozen(), beginnings(4)
    before = frozen.log_probs(asked)
    weights.mul_(2)
    assert torch.equal(frozen.log_probs(asked), before)
    assert not torch.equal(made.frozen().log_probs(asked), before)
    assert frozen.alphabet is made.alphabet
    assert not any(each.requires_grad for each in frozen.parameters())
    assert made.training


# Dropout


@each_network
def test_dropout_follows_its_generator_and_spares_frozen_networks(name: str):
    made = small(name, LONG.alphabet, 5, dropout=0.5)
    made.dropout.generator = torch.Generator()
    batch = Words(LONG).batch(all_of(LONG))

    def loss(network: Network, seed: int) -> float:
        made.dropout.generator = torch.Generator().manual_seed(seed)
        return float(network.loss(batch).detach())

    assert loss(made, 1) == loss(made, 1)
    assert loss(made, 1) != loss(made, 2)
    whole = float(small(name, LONG.alphabet, 5).loss(batch).detach())
    assert loss(made, 1) != whole
    assert float(made.frozen().loss(batch)) == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(p: float):
    dropout = Dropout(p)
    dropout.generator = torch.Generator().manual_seed(1)
    dropped = dropout(torch.full((100_000,), 3.0))
    values = dropped.unique().tolist()
    assert values == pytest.approx([0, 3 / (1 - p)])
    share = float((dropped == 0).float().mean())
    assert share == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / 100_000))


def test_dropout_without_a_share_draws_nothing():
    dropout = Dropout(0.0)
    dropout.generator = torch.Generator().manual_seed(1)
    before = dropout.generator.get_state()
    x = torch.ones(5)
    assert dropout(x) is x
    assert torch.equal(dropout.generator.get_state(), before)
