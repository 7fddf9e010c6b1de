import math

import pytest
import torch

from lmlab.evaluation.loss import evaluate
from lmlab.models.average import AverageConfig
from lmlab.models.build import build
from lmlab.models.ngram import count
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import Trainer

MIXINGS = pytest.mark.parametrize("mixing", ["mean", "attention"])
IDS = torch.randint(0, 27, (3, 9), generator=torch.Generator().manual_seed(0))


def test_running_sums_equal_a_loop_over_a_long_text(shaken):
    """2,000 tokens: the mean of the first i vectors, taken in double precision one prefix at a time."""
    model = shaken("average", {"d_embed": 8}, 27)
    ids = torch.randint(0, 27, (1, 2000), generator=torch.Generator().manual_seed(1))
    vectors = model.embedding.weight.detach().double()[ids[0]]
    expected = torch.stack([vectors[: i + 1].mean(dim=0) for i in range(2000)]) @ model.head.weight.double().T
    assert torch.allclose(model.logits(ids)[0].double(), expected, atol=1e-5)


@MIXINGS
def test_the_logits_are_the_weighted_mean_through_the_head(shaken, mixing):
    model = shaken("average", {"d_embed": 8, "mixing": mixing}, 27)
    expected = model.head(model.weights(IDS) @ model.embedding(IDS))
    assert torch.allclose(model.logits(IDS), expected, atol=1e-6)


@MIXINGS
def test_weights_are_distributions_over_the_past(shaken, mixing):
    weights = shaken("average", {"mixing": mixing}, 27).weights(IDS)
    assert weights.shape == (3, 9, 9)
    assert torch.allclose(weights.sum(-1), torch.ones(()))
    assert torch.equal(weights, weights.tril())
    one_over_i = torch.ones(9, 9).tril() / torch.arange(1, 10)[:, None]
    assert torch.allclose(weights, one_over_i.expand(3, 9, 9)) == (mixing == "mean")


def test_attention_starts_as_the_mean_and_leaves_it_when_it_learns(names_indian):
    """Scores of zero are equal weights: before the first step both models are the same one."""
    mean, attention = (build("average", {"mixing": mixing}, 26, seed=3) for mixing in ("mean", "attention"))
    head = torch.randn(26, 32, generator=torch.Generator().manual_seed(0))
    for model in (mean, attention):
        model.head.weight.data.copy_(head)
    ids = IDS % 26
    assert torch.equal(mean.embedding.weight, attention.embedding.weight)
    assert torch.allclose(mean.weights(ids), attention.weights(ids))
    assert torch.allclose(mean.logits(ids), attention.logits(ids), atol=1e-5)
    list(Trainer(attention, names_indian, Recipe(steps=50, learning_rate=0.02, validate=False)))
    assert (attention.weights(ids) - mean.weights(ids)).abs().max() > 0.1


def test_a_mean_does_not_know_the_order_and_attention_only_knows_the_last_token(shaken):
    forth, back = torch.tensor([[0, 1, 2, 3, 4]]), torch.tensor([[3, 2, 0, 1, 4]])
    other_last = torch.tensor([[0, 1, 2, 4, 3]])
    mean, attention = (shaken("average", {"mixing": mixing}, 27) for mixing in ("mean", "attention"))
    for model in (mean, attention):
        assert torch.allclose(model.logits(forth)[:, -1], model.logits(back)[:, -1], atol=1e-5)
    assert torch.allclose(mean.logits(forth)[:, -1], mean.logits(other_last)[:, -1], atol=1e-5)
    assert not torch.allclose(attention.logits(forth)[:, -1], attention.logits(other_last)[:, -1], atol=1e-3)


@MIXINGS
@pytest.mark.parametrize("pieces", [(9,), (1, 8), (4, 2, 3), (1,) * 9])
def test_a_stream_in_pieces_is_the_whole_text(shaken, mixing, pieces):
    model = shaken("average", {"mixing": mixing}, 27)
    state, parts = None, []
    for piece in IDS.split(pieces, dim=1):
        logits, state = model.stream(piece, state)
        parts.append(logits)
    assert torch.allclose(torch.cat(parts, dim=1), model.logits(IDS), atol=1e-5)


def test_the_state_of_a_mean_does_not_grow(shaken):
    model = shaken("average", {"d_embed": 8}, 27)
    _, (sums, number) = model.next(IDS)
    assert sums.shape == (3, 8)
    assert number == 9


def test_the_ladder_mean_then_attention(names_indian):
    """On names the mean stands between the unigram and the trigram, and learned weights beat it."""
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    losses = {}
    for mixing in ("mean", "attention"):
        model = build("average", {"mixing": mixing}, tokenizer.vocab_size, seed=1)
        list(Trainer(model, names_indian, Recipe(steps=500, learning_rate=0.03, validate=False)))
        losses[mixing] = evaluate(model, names_indian.part("validation"), tokenizer).nll
    unigram, trigram = (
        evaluate(count(names_indian, order, "add-k"), names_indian.part("validation"), tokenizer).nll
        for order in (1, 3)
    )
    assert trigram < losses["attention"] < losses["mean"] - 0.03
    assert losses["mean"] < unigram - 0.1


def test_two_matrices_and_two_more():
    sizes = {
        mixing: sum(weight.numel() for weight in build("average", {"d_embed": 7, "mixing": mixing}, 27).parameters())
        for mixing in ("mean", "attention")
    }
    assert sizes == {"mean": 2 * 27 * 7, "attention": 2 * 27 * 7 + 2 * 7 * 7}


def test_what_muon_may_take():
    assert build("average", {}, 27).hidden_matrices() == []
    assert [tuple(w.shape) for w in build("average", {"mixing": "attention"}, 27).hidden_matrices()] == [(32, 32)] * 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"d_embed": 0}, "d_embed is 0: choose 1 to 512"),
        ({"d_embed": 513}, "d_embed is 513"),
        ({"mixing": "median"}, "mixing 'median' is unknown: choose mean or attention"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(refused, options, said):
    with refused(said):
        AverageConfig(**options)


def test_the_loss_of_an_untrained_one_is_that_of_a_fair_die(names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    loss = evaluate(build("average", {}, tokenizer.vocab_size), names_indian.part("test"), tokenizer)
    assert loss.nll == pytest.approx(math.log(tokenizer.vocab_size), abs=1e-6)
