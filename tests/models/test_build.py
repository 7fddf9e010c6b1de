import pytest
import torch

from lmlab.models.build import build, config_of, describe

OPTIONS = {"mlp": {"d_hidden": 8}, "transformer": {"context": 8, "d_model": 8, "n_layer": 1, "n_head": 2}}
KINDS = pytest.mark.parametrize("kind", OPTIONS)


def weights(kind, seed):
    return torch.cat([weight.flatten() for weight in build(kind, OPTIONS[kind], 9, seed).parameters()])


@KINDS
def test_a_seed_is_a_model_and_another_seed_another_one(kind):
    assert torch.equal(weights(kind, 1), weights(kind, 1))
    assert not torch.equal(weights(kind, 1), weights(kind, 2))


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


def size_and_answer(kind, options):
    """Number of weights, and logits under a head that is not zero (one of zeros hides everything)."""
    model = build(kind, options, 9, seed=1)
    with torch.no_grad():
        model.head.weight[0] = torch.linspace(-1, 1, model.head.weight.shape[1])
        return describe(kind, model)["parameters"], model.logits(torch.tensor([[0, 1, 2]]))[0, -1, 0].item()


@KINDS
def test_every_option_changes_the_model(kind):
    defaults = describe(kind, build(kind, {}, 9))["options"]
    other = {name: value * 2 if isinstance(value, int) else "sinusoidal" for name, value in defaults.items()}
    for name in defaults:
        assert size_and_answer(kind, {name: other[name]}) != size_and_answer(kind, {}), name


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("gpt-5", {}, "There is no model 'gpt-5'. Choose one of: mlp, transformer"),
        ("mlp", {"n_head": 2}, "has no option 'n_head'"),
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
