import math

import pytest
import torch

from lmlab.evaluation.loss import evaluate, token_nats
from lmlab.models.build import build
from lmlab.models.mlp import MLPConfig
from lmlab.models.ngram import count
from lmlab.models.protocol import Examples
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.training.objectives import next_token
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import Trainer


@pytest.mark.parametrize("context", [1, 2, 5])
def test_nothing_older_than_the_window_is_seen(shaken, context):
    model = shaken("mlp", {"context": context, "d_embed": 4, "d_hidden": 16}, 27)
    ids = torch.randint(0, 27, (4, 12), generator=torch.Generator().manual_seed(0))
    other = ids.clone()
    other[:, : 12 - context] = torch.randint(0, 27, (4, 12 - context), generator=torch.Generator().manual_seed(1))
    assert torch.equal(model.logits(ids)[:, -1], model.logits(other)[:, -1])
    other = ids.clone()
    other[:, 12 - context] = (other[:, 12 - context] + 1) % 27
    assert not torch.allclose(model.logits(ids)[:, -1], model.logits(other)[:, -1])


def test_the_order_within_the_window_matters(shaken):
    model = shaken("mlp", {"context": 3}, 27)
    forth, back = model.logits(torch.tensor([[1, 2, 3]])), model.logits(torch.tensor([[2, 1, 3]]))
    assert not torch.allclose(forth[:, -1], back[:, -1])


def test_before_the_start_there_are_boundaries(shaken):
    model = shaken("mlp", {"context": 4}, 27)
    assert torch.equal(model.logits(torch.tensor([[5, 6]]))[:, -1], model.logits(torch.tensor([[0, 0, 5, 6]]))[:, -1])


def test_an_untrained_model_is_exactly_as_unsure_as_a_fair_die(names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    model = build("mlp", {"context": 3}, tokenizer.vocab_size, seed=3)
    loss = evaluate(model, names_indian.part("validation"), tokenizer)
    assert loss.nll == pytest.approx(math.log(tokenizer.vocab_size), abs=1e-6)
    assert torch.count_nonzero(model.logits(torch.tensor([[0, 3, 9]]))) == 0


def test_one_batch_can_be_learned_by_heart():
    """Three names that begin differently: once the first letter is known, nothing is left to chance."""
    tokenizer = CharacterTokenizer("abdeilmnorvy")
    batch = Examples(["dylan", "amir", "boe"], tokenizer).batch(torch.arange(3))
    model = build("mlp", {"context": 3, "d_embed": 8, "d_hidden": 64}, tokenizer.vocab_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(200):
        optimizer.zero_grad()
        next_token(model, batch).backward()
        optimizer.step()
    nats = token_nats(model.logits(batch.ids), batch.targets)
    assert nats[:, 1:].sum() < 0.05
    assert nats[:, 0].mean().item() == pytest.approx(math.log(3), abs=0.01)


def test_a_window_of_one_comes_close_to_the_bigram_table_and_cannot_beat_it(names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    training = names_indian.part("train")
    floor = evaluate(count(names_indian, 2, "mle"), training, tokenizer).nll
    model = build("mlp", {"context": 1, "d_embed": 16, "d_hidden": 48}, tokenizer.vocab_size, seed=1)
    recipe = Recipe(steps=300, batch_size=256, learning_rate=0.03, validate=False)
    trainer = Trainer(model, names_indian, recipe)
    list(trainer)
    loss = evaluate(model, training, tokenizer).nll
    assert floor - 1e-6 <= loss <= floor + 0.02
    assert trainer.losses["train"].nll == pytest.approx(loss)


def test_parameters_are_as_many_as_the_formula_says():
    V, k, d, h = 30, 4, 7, 11
    model = build("mlp", {"context": k, "d_embed": d, "d_hidden": h}, V)
    assert sum(weight.numel() for weight in model.parameters()) == V * d + (k * d * h + h) + (h * V + V)


@pytest.mark.parametrize("option", ["context", "d_embed", "d_hidden"])
@pytest.mark.parametrize("value", [0, -1, 5000])
def test_a_size_out_of_range_is_refused(refused, option, value):
    with refused(f"{option} is {value}: choose 1 to"):
        MLPConfig(**{option: value})
