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


# --- the classic lessons ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer(names_indian):
    return CharacterTokenizer(names_indian.alphabet)


def trained(corpus, vocab_size, options, steps=300, learning_rate=0.02):
    model = build("mlp", {"d_hidden": 32, **options}, vocab_size, seed=1)
    trainer = Trainer(model, corpus, Recipe(steps=steps, learning_rate=learning_rate, validate=False))
    list(trainer)
    return model.eval(), trainer


def test_the_plain_one_has_the_weights_that_it_always_had():
    """The options of the lessons draw no random number: a seed is the same model as before there were any."""
    model = build("mlp", {"context": 2, "d_embed": 3, "d_hidden": 4}, 9, seed=5)
    torch.manual_seed(5)
    embedding, hidden = torch.nn.Embedding(9, 3), torch.nn.Linear(6, 4)
    assert torch.equal(model.embedding.weight, embedding.weight)
    assert torch.equal(model.hidden.weight, hidden.weight)
    assert torch.equal(model.hidden.bias, hidden.bias)
    assert set(model.state_dict()) == {
        "embedding.weight",
        "hidden.weight",
        "hidden.bias",
        "head.weight",
        "head.bias",
    }


def test_too_large_weights_begin_sure_and_wrong_with_tanh_at_its_ends(names_indian, tokenizer):
    good, large = (build("mlp", {"init": init}, tokenizer.vocab_size, seed=1) for init in ("good", "too-large"))
    documents = names_indian.part("train")
    batch = Examples(documents, tokenizer).batch(torch.arange(64))
    assert next_token(good, batch).item() == pytest.approx(math.log(tokenizer.vocab_size), abs=1e-6)
    assert next_token(large, batch).item() > 3 * math.log(tokenizer.vocab_size)
    saturated = [(model.hidden_activations(batch.ids).abs() > 0.97).float().mean().item() for model in (good, large)]
    assert saturated[0] < 0.05
    assert saturated[1] > 0.5


def test_good_weights_learn_more_in_the_same_steps_than_too_large_ones(names_indian, tokenizer):
    validation = names_indian.part("validation")
    good, large = (
        evaluate(trained(names_indian, tokenizer.vocab_size, {"init": init})[0], validation, tokenizer).nll
        for init in ("good", "too-large")
    )
    assert good < large - 0.1


@pytest.mark.parametrize("options", [{}, {"activation": "relu"}, {"activation": "gelu"}, {"batch_norm": True}])
def test_weights_of_zero_never_get_beyond_the_frequencies(names_indian, tokenizer, options):
    """Hidden units of zero pass nothing on: only the head's bias learns, and that is the unigram."""
    model, _ = trained(names_indian, tokenizer.vocab_size, {"init": "zero", **options}, 150, learning_rate=0.1)
    ids = torch.tensor([[0, 3, 9, 1]])
    activations = model.hidden_activations(ids)
    assert torch.count_nonzero(activations) == 0
    assert torch.count_nonzero(model.hidden.weight) == torch.count_nonzero(model.embedding.weight) == 0
    assert torch.equal(model.logits(ids)[0], model.head.bias.expand(4, -1))
    training = names_indian.part("train")
    floor = evaluate(count(names_indian, 1, "mle"), training, tokenizer).nll
    assert floor - 1e-6 <= evaluate(model, training, tokenizer).nll < floor + 0.01


@pytest.mark.parametrize(("name", "function"), [("tanh", torch.tanh), ("relu", torch.relu)])
def test_hidden_activations_are_what_the_head_reads(shaken, name, function):
    model = shaken("mlp", {"context": 2, "activation": name}, 27)
    ids = torch.tensor([[0, 5, 13], [0, 1, 2]])
    windows = torch.tensor([[[0, 0], [0, 5], [5, 13]], [[0, 0], [0, 1], [1, 2]]])
    expected = function(model.hidden(model.embedding(windows).flatten(2)))
    activations = model.hidden_activations(ids)
    assert activations.shape == (2, 3, 128)
    assert torch.allclose(activations, expected, atol=1e-5)
    assert torch.allclose(model.logits(ids), model.head(activations))


def test_batch_norm_centres_and_scales_each_unit_in_training():
    model = build("mlp", {"batch_norm": True, "init": "too-large"}, 27, seed=1).train()
    seen = []
    model.norm.register_forward_hook(lambda module, inputs, output: seen.append(output.detach()))
    model.logits(torch.randint(0, 27, (32, 9), generator=torch.Generator().manual_seed(0)))
    assert torch.allclose(seen[0].mean(dim=0), torch.zeros(128), atol=1e-5)
    assert torch.allclose(seen[0].std(dim=0, correction=0), torch.ones(128), atol=1e-3)


def test_batch_norm_heals_a_saturated_start(names_indian, tokenizer):
    """Far fewer units at their ends under weights that are too large."""
    batch = Examples(names_indian.part("train"), tokenizer).batch(torch.arange(64))
    shares = []
    for batch_norm in (False, True):
        model = build("mlp", {"init": "too-large", "batch_norm": batch_norm}, tokenizer.vocab_size, seed=1).train()
        shares.append((model.hidden_activations(batch.ids).abs() > 0.97).float().mean().item())
    assert shares[1] < shares[0] / 5


def test_batch_norm_lets_positions_hear_each_other_in_training_and_not_after(shaken):
    model = shaken("mlp", {"batch_norm": True}, 27)
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
    changed = ids.clone()
    changed[1, 3] = 20
    for training in (True, False):
        model.train(training)
        same = torch.equal(model.logits(ids)[0, 0], model.logits(changed)[0, 0])
        assert same != training


def test_batch_norm_takes_a_single_position(shaken):
    """One row has no spread: it is measured by the running averages, in training as well."""
    model = shaken("mlp", {"batch_norm": True}, 27)
    one = torch.tensor([[5]])
    expected = model.logits(one)
    before = model.norm.running_mean.clone()
    assert torch.allclose(model.train().logits(one), expected, atol=1e-6)
    assert torch.equal(model.norm.running_mean, before)


def test_batch_norm_learns_names(names_indian, tokenizer):
    """Its running averages are sound: measured without the batch it is as good as the plain one, within 0.1."""
    validation = names_indian.part("validation")
    plain, normed = (
        evaluate(
            trained(names_indian, tokenizer.vocab_size, {"batch_norm": batch_norm}, 200)[0], validation, tokenizer
        ).nll
        for batch_norm in (False, True)
    )
    assert normed == pytest.approx(plain, abs=0.1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"activation": "swish"}, "activation 'swish' is unknown: choose tanh, relu or gelu"),
        ({"init": "small"}, "init 'small' is unknown: choose good, too-large or zero"),
    ],
)
def test_a_word_that_is_no_choice_is_refused(refused, options, said):
    with refused(said):
        MLPConfig(**options)
