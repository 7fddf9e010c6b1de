"""The walk equals autograd, finite differences and the model's own logits; the slice is the real loss."""

import copy
import math

import pytest
import torch

from lmlab.evaluation.loss import evaluate, surprisal
from lmlab.evaluation.walkthrough import (
    Slice,
    backward,
    forward,
    one_weight,
    random_direction,
    updated,
    window_pairs,
)  # fmt: skip
from lmlab.tokenizers.characters import CharacterTokenizer

TOKENIZER = CharacterTokenizer("abcdefghijklmnopqrstuvwxyz")
KINDS = [
    {"activation": "tanh"},
    {"activation": "relu"},
    {"activation": "gelu"},
    {"activation": "tanh", "batch_norm": True},
]


@pytest.fixture(params=KINDS, ids=lambda options: "-".join(str(value) for value in options.values()))
def model(shaken, request):
    model = shaken("mlp", {"context": 3, "d_embed": 4, "d_hidden": 12, **request.param}, 27)
    if request.param.get("batch_norm"):  # running averages that differ from 0 and 1
        model.train()
        model.logits(torch.randint(0, 27, (8, 9), generator=torch.Generator().manual_seed(1)))
    return model.eval()


def pairs(name):
    return window_pairs(TOKENIZER.encode(name), 3)


def test_a_name_of_n_letters_gives_n_plus_1_windows_with_boundaries():
    found = [("".join(TOKENIZER.symbols[i] for i in ids), TOKENIZER.symbols[target]) for ids, target in pairs("emma")]
    assert found == [("...", "e"), ("..e", "m"), (".em", "m"), ("emm", "a"), ("mma", ".")]


def test_every_tensor_of_the_forward_pass_is_the_models_own(model):
    name = "emmae"
    ids = torch.tensor([[0, *TOKENIZER.encode(name)]])
    with torch.inference_mode():
        logits, hidden = model.logits(ids)[0], model.hidden_activations(ids)[0]
    for t, (window, target) in enumerate(pairs(name)):
        seen = forward(model, window)
        assert torch.allclose(seen.logits, logits[t], atol=1e-6)
        assert torch.allclose(seen.hidden, hidden[t], atol=1e-6)
        assert torch.equal(seen.rows, model.embedding.weight[window])
        assert torch.equal(seen.x.view_as(seen.rows), seen.rows)
        assert seen.loss(target) == pytest.approx(surprisal(model, name, TOKENIZER)[t], abs=1e-5)
        assert float(seen.p.sum()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("place", [0, 1, 4])
def test_the_backward_pass_equals_autograd(model, place):
    window, target = pairs("emma")[place]
    found = backward(model, forward(model, window), target).weights
    loss = torch.nn.functional.cross_entropy(model.logits(torch.tensor([window]))[:, -1], torch.tensor([target]))
    named = dict(model.named_parameters())
    for name, right in zip(named, torch.autograd.grad(loss, list(named.values())), strict=True):
        assert torch.allclose(found[name], right, atol=1e-6), name
    assert set(found) == set(named)


def test_the_backward_pass_equals_finite_differences(model):
    window, target = pairs("emma")[2]
    model = model.double()
    found = backward(model, forward(model, window), target)
    step = 1e-5
    for name, gradient in found.weights.items():
        place = tuple(int(i) for i in torch.nonzero(gradient.abs() == gradient.abs().max())[0])
        moved = []
        for sign in (1, -1):
            other = copy.deepcopy(model)
            with torch.no_grad():
                dict(other.named_parameters())[name][place] += sign * step
            moved.append(forward(other, window).loss(target))
        assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(float(gradient[place]), rel=1e-4), name


def test_a_letter_that_stands_twice_is_moved_by_both_places(model):
    window, target = pairs("emma")[0]
    assert window == [0, 0, 0]
    found = backward(model, forward(model, window), target)
    assert torch.allclose(found.weights["embedding.weight"][0], found.x.view(3, 4).sum(0))
    assert not found.weights["embedding.weight"][1:].any()


def test_an_update_moves_a_copy_and_raises_the_targets_probability(model):
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    window, target = pairs("emma")[1]
    seen = forward(model, window)
    gradients = backward(model, seen, target).weights
    after = updated(model, gradients, 0.01)
    assert forward(after, window).p[target] > seen.p[target]
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    for name, weight in after.named_parameters():
        assert torch.equal(weight, before[name] - 0.01 * gradients[name])


NAMES = ["emma", "olivia", "ava", "noah", "li"]


def sliced(model):
    return Slice(model, NAMES, TOKENIZER, random_direction(model, 0), random_direction(model, 1))


def test_the_slice_passes_through_the_models_own_loss(model):
    own = evaluate(model, NAMES, TOKENIZER).nll
    cut = sliced(model)
    assert cut.loss(0, 0) == pytest.approx(own, abs=1e-6)
    assert cut.loss(0.7, -0.4) != pytest.approx(own, abs=1e-3)
    assert cut.loss(0, 0) == pytest.approx(own, abs=1e-6)  # and it comes back


def test_the_slice_measures_the_moved_model(model):
    first, second = random_direction(model, 0), random_direction(model, 1)
    moved = copy.deepcopy(model)
    with torch.no_grad():
        for name, weight in moved.named_parameters():
            weight += 0.5 * first.get(name, torch.tensor(0.0)) - 0.25 * second.get(name, torch.tensor(0.0))
    cut = Slice(model, NAMES, TOKENIZER, first, second)
    assert cut.loss(0.5, -0.25) == pytest.approx(evaluate(moved, NAMES, TOKENIZER).nll, abs=1e-5)


def test_directions_are_as_long_as_the_models_own_rows(model):
    direction = random_direction(model, 7)
    for name, weight in model.named_parameters():
        if weight.dim() < 2:
            assert name not in direction
        else:
            assert torch.allclose(direction[name].norm(dim=1), weight.norm(dim=1), rtol=1e-4)
    assert torch.equal(random_direction(model, 7)["hidden.weight"], direction["hidden.weight"])
    assert not torch.equal(random_direction(model, 8)["hidden.weight"], direction["hidden.weight"])


def test_the_slices_gradient_equals_finite_differences(model):
    cut = sliced(model)
    cut.model.double()
    cut._origin = {name: weight.double() for name, weight in cut._origin.items()}
    loss, (along_a, along_b) = cut.gradient(0.2, 0.1)
    step = 1e-5
    assert loss == pytest.approx(cut.loss(0.2, 0.1))
    assert (cut.loss(0.2 + step, 0.1) - cut.loss(0.2 - step, 0.1)) / (2 * step) == pytest.approx(along_a, rel=1e-3)
    assert (cut.loss(0.2, 0.1 + step) - cut.loss(0.2, 0.1 - step)) / (2 * step) == pytest.approx(along_b, rel=1e-3)


def test_small_steps_go_down_and_each_step_is_rate_times_gradient(model):
    cut = sliced(model)
    path = cut.descend((0.8, 0.6), rate=0.002, steps=5)
    losses = [loss for _, _, loss, _, _ in path]
    assert losses == sorted(losses, reverse=True)
    assert len(path) == 6
    _, (along_a, along_b) = cut.gradient(0.8, 0.6)
    assert path[0][3:] == pytest.approx([along_a, along_b])
    assert path[1][:2] == pytest.approx([0.8 - 0.002 * along_a, 0.6 - 0.002 * along_b], abs=1e-6)


def test_too_high_a_rate_jumps_out_and_ends_there(model):
    path = sliced(model).descend((0.8, 0.6), rate=1e6, steps=20, edge=10)
    assert len(path) < 20
    assert max(abs(path[-1][0]), abs(path[-1][1])) > 10 or not math.isfinite(path[-1][2])


def test_a_single_weight_is_one_number(model):
    direction = one_weight(model, "embedding.weight", (3, 1))
    cut = Slice(model, NAMES, TOKENIZER, direction, one_weight(model, "head.bias", (5,)))
    cut.loss(2.0, -1.0)
    changed = cut.model.state_dict()
    assert changed["embedding.weight"][3, 1] == model.embedding.weight[3, 1] + 2
    assert changed["head.bias"][5] == model.head.bias[5] - 1
    assert torch.equal(changed["hidden.weight"], model.hidden.weight)
