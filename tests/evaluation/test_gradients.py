"""Looking changes nothing, and what is seen is the gradient: against closed forms and against `backward`."""

import json
import math

import pytest
import torch
import torch.nn as nn

from lmlab.evaluation.gradients import (
    gradient_report,
    influence,
    layer_norms,
    saturation,
    update_ratios,
)
from lmlab.evaluation.loss import token_nats
from lmlab.models.build import MODELS, build
from lmlab.models.protocol import IGNORE, Batch

V = 7
IDS = torch.tensor([[0, 3, 1, 4, 1, 5, 2, 6, 0]])
BATCH = Batch(torch.tensor([[0, 3, 1], [0, 2, 0]]), torch.tensor([[3, 1, 0], [2, 0, IGNORE]]))


def mean_nats(model, batch):
    return token_nats(model.logits(batch.ids), batch.targets).sum() / (batch.targets != IGNORE).sum()


class LinearRNN(nn.Module):
    """h_k = w h_(k-1) + x_k without a squashing function: everything about it can be computed by hand."""

    def __init__(self, w, d=5):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.w, self.d = w, d
        self.embedding = nn.Embedding(V, d, _weight=torch.randn(V, d, generator=generator, dtype=torch.double))
        self.head = nn.Linear(d, V).double()
        nn.init.normal_(self.head.weight, generator=generator)

    def states(self, ids):
        h = torch.zeros(len(ids), self.d, dtype=torch.double)
        states = []
        for x in self.embedding(ids).unbind(1):
            h = self.w * h + x
            states.append(h)
        return states

    def logits(self, ids):
        return self.head(torch.stack(self.states(ids), dim=1))


class TwoStates(LinearRNN):
    """Hands on a hidden state that forgets everything and a cell that forgets nothing, like an LSTM's."""

    def states(self, ids):
        c = torch.zeros(len(ids), self.d, dtype=torch.double)
        states = []
        for x in self.embedding(ids).unbind(1):
            c = c + x
            states.append((0.5 * c, c))
        return states


class Normed(nn.Module):
    """All that a probe may upset: batch norm, dropout, a buffer bound anew at each pass, a frozen layer."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, 4)
        self.hidden = nn.Linear(4, 6)
        self.norm = nn.BatchNorm1d(6)
        self.dropout = nn.Dropout(0.5)
        self.frozen = nn.Linear(6, 6)
        self.frozen.requires_grad_(False)
        self.head = nn.Linear(6, V)
        self.unused = nn.Linear(2, 2)
        self.register_buffer("passes", torch.zeros(()))

    def hidden_activations(self, ids):
        return {"hidden": torch.relu(self.norm(self.hidden(self.embedding(ids)).transpose(1, 2)).transpose(1, 2))}

    def logits(self, ids):
        self.passes = self.passes + 1
        return self.head(self.frozen(self.dropout(self.hidden_activations(ids)["hidden"])))


@pytest.fixture
def normed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Normed()
    model.train()
    model.frozen.eval()  # a mode of its own must be kept too
    return model


def everything(model):
    return (
        {name: value.clone() for name, value in model.state_dict().items()},
        {name: id(buffer) for name, buffer in model.named_buffers()},
        [module.training for module in model.modules()],
        [None if weight.grad is None else weight.grad.clone() for weight in model.parameters()],
        [weight.requires_grad for weight in model.parameters()],
        torch.get_rng_state(),
        len(model.embedding._forward_hooks),
    )


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize(
    "look",
    [
        lambda model: layer_norms(model, BATCH, mean_nats),
        lambda model: influence(model, BATCH.ids, 1),
        lambda model: gradient_report(model, BATCH, mean_nats),
    ],
    ids=["layer_norms", "influence", "gradient_report"],
)
def test_looking_changes_no_weight_no_statistic_no_mode_and_no_dice(normed, look):
    before = everything(normed)
    look(normed)
    assert same(before, everything(normed))
    normed.logits(BATCH.ids)  # ...which the comparison would notice: one careless pass moves statistics and dice
    assert not same(before, everything(normed))


def test_what_an_error_interrupts_is_put_back_too(normed):
    before = everything(normed)

    def fails(model, batch):
        model.eval().train().logits(batch.ids)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        layer_norms(normed, BATCH, fails)
    assert same(before, everything(normed))


def test_gradients_waiting_for_the_optimiser_are_left_alone(normed):
    mean_nats(normed, BATCH).backward()
    before = everything(normed)
    layer_norms(normed, BATCH, mean_nats)
    assert same(before, everything(normed))


def test_a_training_with_probes_equals_one_without(shaken):
    def train(probed):
        model = shaken("mlp", {"context": 2, "d_hidden": 8}, V).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        for _ in range(5):
            if probed:
                gradient_report(model, BATCH, mean_nats)
                influence(model, IDS, 3)
            optimizer.zero_grad()
            mean_nats(model, BATCH).backward()
            optimizer.step()
        return model.state_dict()

    assert same(dict(train(True)), dict(train(False)))


@pytest.mark.parametrize(
    ("kind", "options"), [("mlp", {}), ("transformer", {"d_model": 8, "n_head": 2, "n_layer": 1})]
)
def test_layer_norms_are_those_of_backward(shaken, kind, options):
    model = shaken(kind, options, V)
    norms = layer_norms(model, BATCH, mean_nats)
    mean_nats(model, BATCH).backward()
    assert norms.keys() == dict(model.named_parameters()).keys()
    for name, weight in model.named_parameters():
        assert norms[name]["gradient"] == pytest.approx(weight.grad.norm().item(), rel=1e-5)
        assert norms[name]["parameter"] == pytest.approx(weight.detach().norm().item(), rel=1e-6)


def test_frozen_and_unused_weights_have_gradient_zero(normed):
    norms = layer_norms(normed, BATCH, mean_nats)
    quiet = {name for name, norm in norms.items() if norm["gradient"] == 0}
    assert quiet == {"frozen.weight", "frozen.bias", "unused.weight", "unused.bias"}
    assert norms["frozen.weight"]["parameter"] > 0


# --- influence ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("w", [0.3, 0.9, 1.0, 1.1, 2.0])
def test_the_influence_of_a_linear_recurrence_is_w_to_the_distance(w):
    t = 7
    norms = influence(LinearRNN(w), IDS, t)
    assert len(norms) == t + 1
    assert [norm / norms[t] for norm in norms] == pytest.approx([w ** (t - k) for k in range(t + 1)], rel=1e-12)


def test_it_vanishes_below_one_and_explodes_above():
    ids = torch.arange(102)[None] % V
    vanished, exploded = (influence(LinearRNN(w), ids, 100) for w in (0.9, 1.1))
    assert vanished[0] / vanished[100] == pytest.approx(2.656e-5, rel=1e-3)  # 0.9 ** 100
    assert exploded[0] / exploded[100] == pytest.approx(13780.6, rel=1e-3)  # 1.1 ** 100


def test_a_squashed_recurrence_vanishes_faster_than_a_linear_one():
    class Tanh(LinearRNN):
        def states(self, ids):
            h = torch.zeros(len(ids), self.d, dtype=torch.double)
            states = []
            for x in self.embedding(ids).unbind(1):
                h = torch.tanh(self.w * h + x)
                states.append(h)
            return states

    squashed, linear = influence(Tanh(0.9), IDS, 7), influence(LinearRNN(0.9), IDS, 7)
    assert squashed[0] / squashed[7] < linear[0] / linear[7] / 10


def test_the_nearest_step_feels_the_error_through_the_head_alone():
    """d loss / d h_t = W' (p - onehot): the textbook's gradient of softmax and cross-entropy."""
    model = LinearRNN(0.5)
    p = model.logits(IDS[:, :-1])[0, 7].softmax(-1).detach()
    p[IDS[0, 8]] -= 1
    assert influence(model, IDS, 7)[7] == pytest.approx((p @ model.head.weight.detach()).norm().item())


def test_a_cell_that_forgets_nothing_keeps_its_influence():
    norms = influence(TwoStates(0.0), IDS, 7)
    assert norms[:7] == pytest.approx([norms[0]] * 7)
    # The hidden state matters at the last step only, so there the pair feels more than the cell alone.
    assert norms[7] > norms[6] > 0


def test_several_rows_give_the_mean_of_each(shaken):
    model = shaken("mlp", {"context": 3}, V)
    rows = torch.cat([IDS, IDS.flip(1)])
    apart = [influence(model, row[None], 5) for row in rows]
    assert influence(model, rows, 5) == pytest.approx([(a + b) / 2 for a, b in zip(*apart, strict=True)], rel=1e-5)


@pytest.mark.parametrize("t", [0, 1, 2, 5, 7])
def test_a_window_model_feels_its_window_and_nothing_before(shaken, t):
    norms = influence(shaken("mlp", {"context": 3}, V), IDS, t)
    assert [norm > 0 for norm in norms] == [k > t - 3 for k in range(t + 1)]


def test_the_windows_slots_are_told_apart_as_by_moving_each_embedding():
    """Against finite differences: move the vector of token k alone, in whatever window slot it stands."""
    model = build("mlp", {"context": 3, "d_embed": 2, "d_hidden": 4}, V, seed=1).double()
    nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(0))
    ids, t, step = torch.tensor([[1, 2, 3, 4, 5, 6]]), 4, 1e-6  # all different: a row of the table is one token
    by_hand = []
    for k in range(t + 1):
        slopes = []
        for d in range(2):
            losses = []
            for sign in (1, -1):
                with torch.no_grad():
                    model.embedding.weight[ids[0, k], d] += sign * step
                    losses.append(token_nats(model.logits(ids[:, : t + 1])[:, -1:], ids[:, t + 1 :]).item())
                    model.embedding.weight[ids[0, k], d] -= sign * step
            slopes.append((losses[0] - losses[1]) / (2 * step))
        by_hand.append(math.hypot(*slopes))
    assert influence(model, ids, t) == pytest.approx(by_hand, rel=1e-6, abs=1e-9)


def test_attention_reaches_every_token_however_far(shaken):
    model = shaken("transformer", {"context": 8, "d_model": 8, "n_head": 2, "n_layer": 1}, V)
    norms = influence(model, IDS, 7)
    assert min(norms) > 0.01 * max(norms)


def test_frozen_embeddings_can_be_asked_as_well(shaken):
    model = shaken("mlp", {}, V)
    free = influence(model, IDS, 5)
    model.embedding.requires_grad_(False)
    assert influence(model, IDS, 5) == free


def test_it_can_be_asked_where_gradients_are_off(shaken):
    model = shaken("mlp", {}, V)
    with torch.no_grad():
        assert influence(model, IDS, 5)[5] > 0
        assert layer_norms(model, BATCH, mean_nats)["head.bias"]["gradient"] > 0


@pytest.mark.parametrize("t", [-1, 8, 100])
def test_a_step_without_a_next_token_is_refused(shaken, refused, t):
    with refused(f"no loss at step {t} of 9 tokens.*Choose 0 to 7"):
        influence(shaken("mlp", {}, V), IDS, t)


def test_a_model_without_an_embedding_is_refused(refused):
    class Table(nn.Module):
        def logits(self, ids):
            raise AssertionError("not reached")

    with refused("Table has no embedding"):
        influence(Table(), IDS, 1)


# --- the models of the lab ----------------------------------------------------------------------------

SMALL = {
    "bigram-table": {},
    "average": {"d_embed": 6},
    "mlp": {"d_embed": 4, "d_hidden": 6, "batch_norm": True},
    "rnn": {"d_embed": 4, "d_hidden": 6},
    "gru": {"d_embed": 4, "d_hidden": 6},
    "lstm": {"d_embed": 4, "d_hidden": 6},
    "transformer": {"context": 8, "d_model": 8, "n_layer": 1, "n_head": 2},
    "modern": {"context": 8, "d_model": 8, "n_layer": 1, "n_head": 2},
}


def test_every_language_model_is_looked_at():
    assert set(SMALL) >= {kind for kind, family in MODELS.items() if family.language_model}


@pytest.mark.parametrize("kind", SMALL)
def test_every_model_can_be_looked_at_and_stays_as_it_is(shaken, kind):
    model = shaken(kind, SMALL[kind], V).train()
    before = everything(model)
    norms = influence(model, IDS, 7)
    report = gradient_report(model, BATCH, mean_nats)
    assert same(before, everything(model))
    json.dumps(report, allow_nan=False)
    assert set(report["parameters"]) == {name for name, _ in model.named_parameters()}
    reach = {"bigram-table": 1, "mlp": 3}.get(kind, 8)
    assert [norm > 0 for norm in norms] == [k > 7 - reach for k in range(8)]


def test_a_model_that_predicts_nothing_is_refused(refused):
    with refused("does not predict"):
        influence(build("skip-gram", {}, V), IDS, 1)


@pytest.mark.parametrize("w", [0.5, 1.5])
def test_the_rnn_of_the_lab_vanishes_and_explodes_where_tanh_is_straight(w):
    """Near 0 tanh is the identity, so with a recurrent matrix w I the law of the linear network holds."""
    model = build("rnn", {"d_embed": 4, "d_hidden": 4}, V).double()
    nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for name, weight in model.fused.named_parameters():
            weight.mul_(1e-6 if name.startswith("weight_ih") else 0)
        model.fused.weight_hh_l0.copy_(w * torch.eye(4))
    norms = influence(model, IDS, 7)
    assert [norm / norms[7] for norm in norms] == pytest.approx([w ** (7 - k) for k in range(8)], rel=1e-6)


def test_an_open_forget_gate_keeps_the_influence_that_an_rnn_loses():
    ids = torch.arange(32)[None] % V
    kept = {}
    for kind in ("rnn", "lstm"):
        model = build(kind, {"d_embed": 4, "d_hidden": 8}, V, seed=1)
        nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            model.fused.weight_hh_l0.mul_(0.5)
            if kind == "lstm":
                model.fused.bias_ih_l0[8:16] = 8.0  # the second of torch's four blocks is the forget gate
        norms = influence(model, ids, 30)
        kept[kind] = norms[0] / norms[20]  # far back, where what is felt goes through the carried state alone
    assert kept["rnn"] < 0.5**20
    assert kept["lstm"] > 0.8


# --- updates and activations --------------------------------------------------------------------------


def test_the_update_ratio_of_plain_gradient_descent_is_rate_times_gradient_over_weight(shaken):
    model = shaken("mlp", {"d_hidden": 8}, V)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    norms = layer_norms(model, BATCH, mean_nats)
    mean_nats(model, BATCH).backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    ratios = update_ratios(before, model.state_dict())
    for name, norm in norms.items():
        assert ratios[name] == pytest.approx(0.1 * norm["gradient"] / norm["parameter"], rel=1e-4)


def test_a_step_away_from_zeros_has_no_ratio_and_whole_numbers_are_no_weights():
    before = {"w": torch.zeros(2), "still": torch.ones(2), "count": torch.tensor(3)}
    assert update_ratios(before, {"w": torch.ones(2), "still": torch.ones(2), "count": torch.tensor(4)}) == {
        "w": None,
        "still": 0.0,
    }


def test_too_large_weights_saturate_tanh():
    x = torch.randn(1000, 50, generator=torch.Generator().manual_seed(0))
    shares = [saturation(torch.tanh(scale * x))["saturated"] for scale in (0.1, 1.0, 10.0)]
    beyond = [math.erfc(math.atanh(0.97) / scale / math.sqrt(2)) for scale in (0.1, 1.0, 10.0)]  # P(|N(0,1)| > x)
    assert shares == pytest.approx(beyond, abs=0.005)
    assert shares[0] == 0


def test_a_unit_is_dead_only_if_it_never_fires():
    x = torch.tensor([[[1.0, -1.0, -1.0]], [[-1.0, -2.0, 3.0]]])  # (B, T, H)
    assert saturation(torch.relu(x))["dead"] == pytest.approx(1 / 3)
    assert saturation(torch.tanh(x))["dead"] == 0


def test_the_report_is_json_and_says_what_its_parts_say(normed):
    before = {name: weight.clone() for name, weight in normed.state_dict().items()}
    after = {name: weight * 1.001 for name, weight in before.items()}
    report = gradient_report(normed, BATCH, mean_nats, before, after)
    json.dumps(report, allow_nan=False)
    norms = layer_norms(normed, BATCH, mean_nats)
    assert {name: entry["gradient"] for name, entry in report["parameters"].items()} == {
        name: norm["gradient"] for name, norm in norms.items()
    }
    assert report["total"] == pytest.approx(math.hypot(*(norm["gradient"] for norm in norms.values())))
    assert report["parameters"]["hidden.weight"]["ratio"] == pytest.approx(1e-3, rel=1e-3)
    assert set(report["activations"]) == {"hidden"}


def test_padding_is_no_activation():
    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(1, V)

        def hidden_activations(self, ids):
            return [torch.arange(ids.numel()).reshape(*ids.shape, 1).double()]

        def logits(self, ids):
            return self.head(self.hidden_activations(ids)[0].float())

    report = gradient_report(Positions(), BATCH, mean_nats)  # the sixth of the positions 0 to 5 is padding
    assert report["activations"]["layer 1"]["mean"] == pytest.approx((0 + 1 + 2 + 3 + 4) / 5)


def test_a_diverged_model_still_makes_a_report(shaken):
    model = shaken("mlp", {}, V)
    with torch.no_grad():
        model.head.bias[0] = math.nan
    report = gradient_report(model, BATCH, mean_nats)
    json.dumps(report, allow_nan=False)
    assert report["total"] is None
    assert report["parameters"]["head.bias"]["parameter"] is None
