import math

import pytest
import torch
import torch.nn.functional as F

from lmlab.evaluation.loss import evaluate, token_nats
from lmlab.models.build import build
from lmlab.models.protocol import Examples
from lmlab.models.transformer import TransformerConfig, sinusoidal_positions
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.training.objectives import next_token

SIZES = {"context": 16, "d_model": 16, "n_layer": 2, "n_head": 2}
POSITIONS = pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
IDS = torch.randint(0, 27, (3, 9), generator=torch.Generator().manual_seed(0))


@POSITIONS
def test_an_untrained_model_is_exactly_as_unsure_as_a_fair_die(names_indian, positions):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    model = build("transformer", {**SIZES, "positions": positions}, tokenizer.vocab_size, seed=5)
    loss = evaluate(model, names_indian.part("validation"), tokenizer)
    assert loss.nll == pytest.approx(math.log(tokenizer.vocab_size), abs=1e-6)
    assert torch.count_nonzero(model.logits(IDS[:, :5] % tokenizer.vocab_size)) == 0


@POSITIONS
def test_attention_rows_are_distributions_over_the_past(shaken, positions):
    model = shaken("transformer", {**SIZES, "n_layer": 3, "positions": positions}, 27)
    maps = model.attention(IDS)
    assert [tuple(weights.shape) for weights in maps] == [(3, 2, 9, 9)] * 3
    for weights in maps:
        assert torch.allclose(weights.sum(-1), torch.ones(()))
        assert (weights >= 0).all()
        assert torch.equal(weights, weights.tril())
        assert torch.equal(weights[:, :, 0, 0], torch.ones(3, 2))
        assert (weights[:, :, -1] > 0).all()


@POSITIONS
def test_the_order_of_what_came_before_matters(shaken, positions):
    model = shaken("transformer", {**SIZES, "positions": positions}, 27)
    forth, back = torch.tensor([[0, 1, 2, 3, 4]]), torch.tensor([[0, 3, 2, 1, 4]])
    assert not torch.allclose(model.logits(forth)[:, -1], model.logits(back)[:, -1], atol=1e-3)


def test_without_positions_one_block_cannot_tell_the_order(shaken):
    """Attention is a weighted mean, and a mean does not know who came first: that is what positions are for."""
    model = shaken("transformer", {**SIZES, "n_layer": 1}, 27)
    model.positions.data.zero_()
    forth, back = torch.tensor([[0, 1, 2, 3, 4]]), torch.tensor([[3, 2, 0, 1, 4]])
    assert torch.allclose(model.logits(forth)[:, -1], model.logits(back)[:, -1], atol=1e-5)


def test_attention_equals_the_one_of_torch(shaken):
    block = shaken("transformer", SIZES, 27).blocks[0].attention
    x = torch.randn(2, 7, 16, generator=torch.Generator().manual_seed(0))
    q, k, v = block.query_key_value(x).chunk(3, dim=-1)
    split = [part.view(2, 7, 2, 8).transpose(1, 2) for part in (q, k, v)]
    heard = F.scaled_dot_product_attention(*split, is_causal=True).transpose(1, 2).reshape(2, 7, 16)
    assert torch.allclose(block(x)[0], block.project(heard), atol=1e-5)


def test_the_stream_is_a_sum_of_what_every_block_adds(shaken):
    """Blocks whose last matrices are zero add nothing: then the model is embedding, norm and head alone."""
    model = shaken("transformer", SIZES, 27)
    with torch.no_grad():
        for block in model.blocks:
            for last in (block.attention.project, block.narrow):
                last.weight.zero_()
                last.bias.zero_()
    alone = model.head(model.norm(model.embedding(IDS) + model.positions[:9]))
    assert torch.allclose(model.logits(IDS), alone, atol=1e-6)


def test_sinusoidal_positions_are_not_learned_and_are_all_different():
    positions = sinusoidal_positions(64, 16)
    assert torch.cdist(positions, positions).fill_diagonal_(1).min() > 0.1
    assert torch.allclose(positions.norm(dim=1), torch.full((64,), math.sqrt(8)))
    model = build("transformer", {**SIZES, "positions": "sinusoidal"}, 27)
    assert "positions" not in dict(model.named_parameters())
    assert "positions" in dict(build("transformer", SIZES, 27).named_parameters())


def test_a_longer_text_than_the_context_is_refused_and_one_that_fits_is_not(refused, shaken):
    model = shaken("transformer", SIZES, 27)
    assert model.logits(torch.zeros(1, 16, dtype=torch.long)).shape == (1, 16, 27)
    with refused("17 tokens do not fit the context of 16"):
        model.logits(torch.zeros(1, 17, dtype=torch.long))


def test_past_the_context_the_oldest_tokens_are_forgotten(shaken):
    model = shaken("transformer", {**SIZES, "context": 6}, 27)
    ids = torch.randint(0, 27, (1, 14), generator=torch.Generator().manual_seed(4))
    state = None
    for t in range(14):
        logits, state = model.next(ids[:, t : t + 1], state)
        expected = model.logits(ids[:, max(0, t - 5) : t + 1])[:, -1]
        assert torch.allclose(logits, expected, atol=1e-5)
    assert torch.allclose(model.next(ids)[0], expected, atol=1e-5)


def test_one_batch_can_be_learned_by_heart():
    tokenizer = CharacterTokenizer("abdeilmnorvy")
    batch = Examples(["dylan", "amir", "boe"], tokenizer).batch(torch.arange(3))
    model = build("transformer", {**SIZES, "context": 8, "d_model": 32}, tokenizer.vocab_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(120):
        optimizer.zero_grad()
        next_token(model, batch).backward()
        optimizer.step()
    nats = token_nats(model.logits(batch.ids), batch.targets)
    assert nats[:, 1:].sum() < 0.05
    assert nats[:, 0].mean().item() == pytest.approx(math.log(3), abs=0.01)


def test_hidden_matrices_are_those_between_hidden_layers():
    model = build("transformer", SIZES, 27)
    matrices = {id(weight) for weight in model.hidden_matrices()}
    names = {name for name, weight in model.named_parameters() if id(weight) in matrices}
    assert len(names) == 2 * 4
    assert not any(name.startswith(("embedding", "head", "positions", "norm")) for name in names)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"context": 0}, "context is 0"),
        ({"context": 1025}, "context is 1025"),
        ({"n_layer": 13}, "n_layer is 13"),
        ({"n_head": 0}, "n_head is 0"),
        ({"d_model": 30, "n_head": 4}, "does not divide into 4 heads"),
        ({"positions": "none"}, "positions 'none' is unknown"),
        ({"d_model": 15, "n_head": 3, "positions": "sinusoidal"}, "d_model 15 is odd"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(refused, options, said):
    with refused(said):
        TransformerConfig(**options)
