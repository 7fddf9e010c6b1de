from dataclasses import fields

import pytest
import torch

from lmlab.errors import LabError
from lmlab.models.build import MODELS, build, config_of, describe
from lmlab.models.options import choices
from lmlab.models.protocol import LanguageModel
from lmlab.models.skipgram import EmbeddingModel

GPT = {"context": 8, "d_model": 8, "n_layer": 1, "n_head": 2}
OPTIONS = {
    "bigram-table": {},
    "average": {"d_embed": 4, "mixing": "attention"},
    "mlp": {"d_hidden": 8},
    "rnn": {"d_embed": 4, "d_hidden": 8},
    "gru": {"d_embed": 4, "d_hidden": 8},
    "lstm": {"d_embed": 4, "d_hidden": 8},
    "transformer": GPT,
    "modern": GPT,
    "skip-gram": {"d_embed": 4},
}
KINDS = pytest.mark.parametrize("kind", OPTIONS)


def weights(kind, seed):
    return torch.cat([weight.flatten() for weight in build(kind, OPTIONS[kind], 9, seed).parameters()])


@KINDS
def test_a_seed_is_a_model_and_another_seed_another_one(kind):
    assert torch.equal(weights(kind, 1), weights(kind, 1))
    # A table begins with zeros, whatever the seed.
    assert torch.equal(weights(kind, 1), weights(kind, 2)) == (kind == "bigram-table")


@KINDS
def test_building_touches_no_other_random_numbers(kind):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    build(kind, OPTIONS[kind], 9, seed=5)
    assert torch.equal(torch.rand(3), expected)


@KINDS
def test_a_description_builds_the_same_model_again(kind):
    model = build(kind, OPTIONS[kind], 9, seed=1)
    about = describe(kind, model)
    again = build(about["kind"], about["options"], about["vocab_size"], seed=1)
    assert about["parameters"] == sum(weight.numel() for weight in again.parameters())
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_every_family_has_an_idea_and_a_source():
    assert set(OPTIONS) == set(MODELS)
    for family in MODELS.values():
        assert family.idea.endswith(".")
        assert any(character.isdigit() for character in family.source)


def test_a_family_is_a_language_model_or_says_that_it_is_none():
    for kind, family in MODELS.items():
        model = build(kind, OPTIONS[kind], 9)
        assert isinstance(model, LanguageModel) == family.language_model
        assert isinstance(model, EmbeddingModel) != family.language_model
        assert model.embedding.num_embeddings == 9


@KINDS
def test_what_muon_takes_is_two_dimensional_and_neither_embedding_nor_head(kind):
    model = build(kind, OPTIONS[kind], 9)
    names = {id(weight): name for name, weight in model.named_parameters()}
    for weight in model.hidden_matrices():
        assert weight.ndim == 2
        assert not names[id(weight)].startswith(("embedding", "head", "out"))


def answer(kind, options, learning=False):
    """Number of weights, how much it takes at once, and its logits.

    Every weight is moved first: a head of zeros would hide all that stands before it.
    """
    model = build(kind, options, 9, seed=1).train(learning)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
        ids = torch.tensor([[0, 1, 2]])
        seen = model.scores(ids[0], ids.T) if kind == "skip-gram" else model.logits(ids)[0]
        return describe(kind, model)["parameters"], getattr(model, "block_size", None), seen[-1].tolist()


@pytest.mark.parametrize(
    ("kind", "option"), [(kind, option.name) for kind in MODELS for option in fields(MODELS[kind].config)]
)
def test_every_option_changes_the_model(kind, option):
    if kind == "skip-gram" and option in ("window", "negatives"):
        pytest.skip("changes the pairs that it learns from: see test_skipgram")
    default = getattr(MODELS[kind].config(), option)
    if isinstance(default, bool):
        others = [not default]
    elif isinstance(default, float):
        others = [default + 0.5]
    elif isinstance(default, int):
        others = [default * 2]
    else:
        others = [word for word in choices(MODELS[kind].config)[option] if word != default]
    for other in others:
        learning = option == "dropout"  # which rests when the model is used
        assert answer(kind, {option: other}, learning) != answer(kind, {}, learning), other
        assert (answer(kind, {option: other}) == answer(kind, {})) == learning


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("gpt-5", {}, "There is no model 'gpt-5'. Choose one of: bigram-table, average, mlp, rnn"),
        ("mlp", {"n_head": 2}, "has no option 'n_head'"),
        ("mlp", {"batch_norm": 1}, "batch_norm is 1: give true or false"),
        ("mlp", {"context": True}, "context is True: give a whole number"),
        ("modern", {"tied": "yes"}, "tied is 'yes': give true or false"),
        ("mlp", {"context": 2.5}, "context is 2.5: give a whole number"),
        ("mlp", {"context": None}, "context is None"),
        ("mlp", {"context": "wide"}, "context is"),
        ("transformer", {"n_layer": "2"}, "n_layer is"),
        ("transformer", {"positions": 3}, "positions"),
    ],
)
def test_what_cannot_be_built_is_refused(refused, kind, options, said):
    with refused(said):
        config_of(kind, options)


@pytest.mark.parametrize(
    ("kind", "options", "meant"), [("ltsm", {}, "lstm"), ("mlp", {"batchnorm": True}, "batch_norm")]
)
def test_a_slip_of_the_pen_is_understood(kind, options, meant):
    with pytest.raises(LabError, match=f"Did you mean '{meant}'"):
        config_of(kind, options)
