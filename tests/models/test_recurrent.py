import math

import pytest
import torch

from lmlab.models.build import build
from lmlab.models.protocol import Batch
from lmlab.models.recurrent import RecurrentConfig
from lmlab.training.objectives import next_token_loss

SIZES = {"d_embed": 5, "d_hidden": 7}
KINDS = pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
IDS = torch.randint(0, 27, (3, 9), generator=torch.Generator().manual_seed(0))
TARGETS = torch.randint(0, 27, (3, 9), generator=torch.Generator().manual_seed(1))


def hidden_of(states):
    return torch.stack([state[0] if isinstance(state, tuple) else state for state in states], dim=1)


@KINDS
def test_the_equations_written_out_equal_the_fused_path(shaken, kind):
    model = shaken(kind, SIZES, 27)
    assert torch.allclose(model.head(hidden_of(model.states(IDS))), model.logits(IDS), atol=1e-5)


@KINDS
def test_their_gradients_are_equal_too(shaken, kind):
    model = shaken(kind, SIZES, 27)
    weights = list(model.parameters())
    fused = torch.autograd.grad(next_token_loss(model, Batch(IDS, TARGETS)), weights)
    logits = model.head(hidden_of(model.states(IDS)))
    written = torch.autograd.grad(torch.nn.functional.cross_entropy(logits.flatten(0, 1), TARGETS.flatten()), weights)
    for a, b in zip(fused, written, strict=True):
        assert torch.allclose(a, b, atol=1e-5)
        assert a.abs().max() > 1e-4


def test_an_elman_step_by_hand():
    """One unit, one number a token: h = tanh(A x + a + B h + b), twice."""
    model = build("rnn", {"d_embed": 1, "d_hidden": 1}, 2)
    A, B, a, b = (weight.item() for weight in model.fused.parameters())
    x0, x1 = model.embedding.weight[:, 0].tolist()
    first = math.tanh(A * x0 + a + b)
    second = math.tanh(A * x1 + a + B * first + b)
    assert [h.item() for h in model.states(torch.tensor([[0, 1]]))] == pytest.approx([first, second], abs=1e-6)


def test_a_closed_update_gate_renews_everything_and_an_open_one_keeps_everything(shaken):
    model = shaken("gru", SIZES, 27)
    bias = model.fused.bias_ih_l0.data
    bias[7:14] = -100  # z = 0
    gates = model.gates(IDS)
    assert torch.allclose(gates["hidden"], gates["candidate"], atol=1e-6)
    bias[7:14] = 100  # z = 1
    assert model.gates(IDS)["hidden"].abs().max() < 1e-6  # it began at zero and never changed


def test_a_cell_with_open_forget_gate_and_closed_input_gate_forgets_nothing(shaken):
    model = shaken("lstm", SIZES, 27)
    _, state = model.stream(IDS[:, :4])
    bias = model.fused.bias_ih_l0.data
    bias[:7], bias[7:14] = -100, 100
    _, (_, cell) = model.stream(IDS[:, 4:], state)
    assert torch.allclose(cell, state[1], atol=1e-5)


@KINDS
def test_gates_have_names_shapes_and_ranges(shaken, kind):
    names = {
        "rnn": ["hidden"],
        "gru": ["reset", "update", "candidate", "hidden"],
        "lstm": ["input", "forget", "candidate", "output", "cell", "hidden"],
    }
    gates = shaken(kind, SIZES, 27).gates(IDS)
    assert list(gates) == names[kind]
    for name, gate in gates.items():
        assert gate.shape == (3, 9, 7)
        low = 0 if name in ("reset", "update", "input", "forget", "output") else -1
        assert name == "cell" or (low <= gate.min() and gate.max() <= 1)
        assert gate.std() > 0


@KINDS
@pytest.mark.parametrize("pieces", [(9,), (1, 8), (4, 2, 3), (1,) * 9])
def test_a_stream_in_pieces_is_the_whole_text(shaken, kind, pieces):
    model = shaken(kind, SIZES, 27)
    state, parts = None, []
    for piece in IDS.split(pieces, dim=1):
        logits, state = model.stream(piece, state)
        parts.append(logits)
        assert [tuple(part.shape) for part in state] == [(3, 1, 7)] * (2 if kind == "lstm" else 1)
    assert torch.allclose(torch.cat(parts, dim=1), model.logits(IDS), atol=1e-5)


@KINDS
def test_gradients_flow_into_early_states(shaken, kind):
    """The loss at the end asks the hidden state of every step before it."""
    model = shaken(kind, SIZES, 27)
    states = model.states(IDS)
    hidden = [state[0] if isinstance(state, tuple) else state for state in states]
    loss = torch.nn.functional.cross_entropy(model.head(hidden[-1]), TARGETS[:, -1])
    gradients = torch.autograd.grad(loss, hidden)
    assert [tuple(gradient.shape) for gradient in gradients] == [(3, 7)] * 9
    assert all(gradient.abs().max() > 0 for gradient in gradients)


def test_the_gradient_of_an_elman_network_vanishes_or_explodes_with_its_matrix():
    """Near zero tanh is the identity, so the loss at the end feels a state n steps back as B to the power of n."""
    model = build("rnn", {"d_embed": 4, "d_hidden": 16}, 5, seed=1)
    with torch.no_grad():
        model.embedding.weight.mul_(1e-6)
        model.fused.bias_ih_l0.zero_()
        model.fused.bias_hh_l0.zero_()
    orthogonal = model.fused.weight_hh_l0.detach().clone()
    direction = torch.randn(16, generator=torch.Generator().manual_seed(0))
    for factor in (0.5, 1.0, 1.5):
        model.fused.weight_hh_l0.data = factor * orthogonal
        states = model.states(torch.zeros(1, 11, dtype=torch.long))
        gradients = torch.autograd.grad((states[-1] * direction).sum(), states)
        assert (gradients[0].norm() / gradients[-1].norm()).item() == pytest.approx(factor**10, rel=0.01)


@KINDS
def test_it_begins_orthogonal_and_sure_of_nothing(kind):
    model = build(kind, {"d_embed": 5, "d_hidden": 16}, 27)
    matrices = model.fused.weight_hh_l0.detach().split(16)
    assert len(matrices) == GATES[kind]
    for matrix in matrices:
        assert torch.allclose(matrix @ matrix.T, torch.eye(16), atol=1e-5)
    assert torch.count_nonzero(model.logits(IDS)) == 0


def test_an_lstm_begins_by_remembering():
    """The bias of the forget gate is 1, and no other gate's: on average it keeps more than it drops."""
    model = build("lstm", {"d_embed": 32, "d_hidden": 128}, 27)
    bias = (model.fused.bias_ih_l0 + model.fused.bias_hh_l0).detach().view(4, 128).mean(dim=1)
    assert bias[1].item() == pytest.approx(1, abs=1e-6)
    assert bias[[0, 2, 3]].abs().max() < 0.05
    gates = model.gates(IDS)
    assert gates["forget"].mean() > 0.68
    assert gates["input"].mean().item() == pytest.approx(0.5, abs=0.05)


@KINDS
def test_parameters_are_as_many_as_the_formula_says(kind):
    V, d, h, gates = 27, 5, 7, GATES[kind]
    model = build(kind, SIZES, V)
    assert sum(w.numel() for w in model.parameters()) == V * d + gates * (h * d + h * h + 2 * h) + h * V + V
    assert [tuple(w.shape) for w in model.hidden_matrices()] == [(gates * h, d), (gates * h, h)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"d_embed": 0}, "d_embed is 0: choose 1 to 512"),
        ({"d_hidden": 1025}, "d_hidden is 1025: choose 1 to 1024"),
    ],
)
def test_a_size_out_of_range_is_refused(refused, options, said):
    with refused(said):
        RecurrentConfig(**options)
