"""Questions about the inside of a model: equal to lmlab's own numbers, plain data, and a sentence for the rest."""

import copy
import pickle
from dataclasses import replace

import pytest
import torch

from lmlab.errors import LabError
from lmlab.evaluation.loss import evaluate, surprisal
from lmlab.evaluation.walkthrough import forward, window_pairs
from lmlab.jobs import calls
from lmlab.jobs.calls import inside
from lmlab.runs.cards import BUNDLED


@pytest.fixture(scope="module")
def shelf():
    return calls.Shelf()


@pytest.fixture(scope="module")
def run(shelf):
    return shelf.run(str(BUNDLED / "plain-finch"))


def test_the_windows_of_a_name_and_their_surprise(shelf, run):
    found = inside.picture(shelf, run, "names", " Emma ")
    symbols = found["symbols"]
    said = ["".join(symbols[i] for i in one["context"]) + symbols[one["target"]] for one in found["windows"]]
    assert said == ["...e", "..em", ".emm", "emma", "mma."]
    right = surprisal(run.model, "emma", run.tokenizer)
    assert [one["nats"] for one in found["windows"]] == pytest.approx(right, abs=1e-4)
    assert found["position"] == 3  # the first full window
    assert sum(found["p"]) == pytest.approx(1, abs=1e-3)


def test_every_pick_is_a_short_held_out_name(shelf, run):
    texts = [inside.picture(shelf, run, "names", pick=pick)["text"] for pick in range(5)]
    assert set(texts) <= set(shelf.corpus("names").part("validation"))
    assert len(set(texts)) == 5
    assert all(3 <= len(text) <= 8 for text in texts)
    assert inside.picture(shelf, run, "names", pick=10**9)["text"]


def test_the_drawing_shows_the_models_own_numbers(shelf, run):
    found = inside.picture(shelf, run, "names", "emma", position=2)
    window, _ = window_pairs(run.tokenizer.encode("emma"), 3)[2]
    seen = forward(run.model, window)
    assert found["hidden"] == pytest.approx(seen.hidden.tolist(), abs=1e-5)
    assert found["rows"] == [pytest.approx(row, abs=1e-5) for row in seen.rows.tolist()]
    weights = run.model.hidden.weight.detach()
    to, source, size = found["into"][0]
    assert size == pytest.approx(float(weights[to, source] * seen.x[source]), abs=1e-5)
    assert abs(size) == pytest.approx(float((weights * seen.x).abs().max()), abs=1e-5)
    for unit in (0, 77):
        source, weight, size = found["unit_into"][unit][0]
        assert weight == pytest.approx(float(weights[unit, source]), abs=1e-5)
        assert abs(size) == pytest.approx(float((weights[unit] * seen.x).abs().max()), abs=1e-5)
        letter, weight, size = found["unit_out"][unit][0]
        assert weight == pytest.approx(run.model.head.weight[letter, unit].item(), abs=1e-5)
        assert size == pytest.approx(weight * float(seen.hidden[unit]), abs=1e-4)


def test_other_models_show_their_stages_and_their_probabilities(shelf):
    transformer = shelf.run(str(BUNDLED / "calm-heron"))
    found = inside.picture(shelf, transformer, "names", "emma", position=4)
    assert found["kind"] == "transformer"
    assert [stage["what"] for stage in found["layers"]] == ["embedding", *["block"] * 4, "logits"]
    assert found["layers"][1]["shape"] == [5, 64]
    assert found["windows"][4]["nats"] == pytest.approx(
        surprisal(transformer.model, "emma", transformer.tokenizer)[4], abs=1e-4
    )


def test_a_units_favourites_are_the_contexts_that_excite_it_most(shelf, run):
    found = inside.unit(shelf, run, "names", unit=5)
    values = [one["value"] for one in found["most"]]
    assert values == sorted(values, reverse=True)
    assert values[0] > found["least"][0]["value"]
    for one in found["most"]:
        assert one["name"] in shelf.corpus("names").part("validation")
        assert one["value"] == pytest.approx(float(forward(run.model, one["context"]).hidden[5]), abs=1e-4)
    assert found["weights"][2] == pytest.approx(run.model.hidden.weight[5, 20:].tolist(), abs=1e-5)


def test_the_walk_is_one_real_step_on_a_copy(shelf, run):
    before = copy.deepcopy(run.model.state_dict())
    found = inside.walk(shelf, run, "names", "emma", 1, rate=0.05)
    assert all(torch.equal(weight, before[name]) for name, weight in run.model.state_dict().items())
    total = sum(w * x for w, x in zip(found["unit_weights"], found["x"], strict=True)) + found["unit_bias"]
    assert total == pytest.approx(found["sum"], abs=1e-3)
    score = sum(w * h for w, h in zip(found["head_weights"], found["hidden"], strict=True)) + found["head_bias"]
    assert score == pytest.approx(found["logits"][found["target"]], abs=1e-3)
    assert found["gradient"]["logits"][found["target"]] == pytest.approx(found["p"][found["target"]] - 1, abs=1e-4)
    for one in found["moved"]:
        assert one["new"] == pytest.approx(one["old"] - 0.05 * one["gradient"], abs=1e-6)
        assert one["gradient"] != 0
    after = copy.deepcopy(run.model)
    loss = torch.nn.functional.cross_entropy(
        after.logits(torch.tensor([found["window"]]))[:, -1], torch.tensor([found["target"]])
    )
    loss.backward()
    torch.optim.SGD(after.parameters(), lr=0.05).step()
    assert found["loss"] == pytest.approx(loss.item(), abs=1e-5)
    assert found["p_after"] == pytest.approx(float(forward(after, found["window"]).p[found["target"]]), abs=1e-5)
    others = [name for name in shelf.corpus("names").part("validation")[:300] if name != "emma"]
    assert found["others"] == len(others)
    assert found["others_before"] == pytest.approx(evaluate(run.model, others, run.tokenizer).nll)
    assert found["others_after"] == pytest.approx(evaluate(after, others, run.tokenizer).nll, abs=1e-5)


def test_the_slope_in_parts_is_one_surface_through_the_models_own_loss(shelf, run):
    rows = []
    for first in range(0, 25, 5):
        part = inside.slope(shelf, run, "names", "a" * 16, seed=3, first=first)
        rows += part["losses"]
    assert [len(rows), len(rows[0])] == [25, 25]
    names = shelf.corpus("names").part("train")[: part["names"]]
    own = evaluate(run.model, names, run.tokenizer).nll
    assert rows[12][12] == pytest.approx(own, abs=1e-5) == part["centre"]
    assert min(map(min, rows)) >= own - 0.05
    start = [part["axis"][20], part["axis"][3]]
    found = inside.descent(shelf, run, "names", "a" * 16, part["centre"], start, 0.1, seed=3)
    assert found["path"][0][:3] == pytest.approx([*start, rows[3][20]], abs=1e-4)
    assert len(found["path"]) == 21
    assert found["path"][-1][2] < found["path"][0][2]


def test_two_single_weights_are_named(shelf, run):
    part = inside.slope(shelf, run, "names", "b" * 16, directions="weights", seed=2)
    assert [one["weight"] for one in part["weights"]] == ["embedding.weight", "head.weight"]
    assert part["axis"][0] == -4
    other = inside.slope(shelf, run, "names", "c" * 16, directions="weights", seed=3)
    assert other["weights"] != part["weights"]


def test_a_slope_belongs_to_the_network_it_was_drawn_from(shelf, run):
    moved = replace(run, model=copy.deepcopy(run.model))
    part = inside.slope(shelf, moved, "names", "d" * 16, first=12, rows=1)
    with torch.no_grad():
        moved.model.head.bias[3] += 5  # the training goes on
    again = inside.slope(shelf, moved, "names", "d" * 16, first=12, rows=1)
    assert again["losses"] == part["losses"]
    inside.slope(shelf, moved, "names", "e" * 16, first=12, rows=1)
    with pytest.raises(LabError, match="has learned on"):
        inside.descent(shelf, moved, "names", "e" * 16, part["centre"], [0.5, 0.5], 0.1)


def test_answers_are_plain_data(shelf, run):
    for value in (
        inside.picture(shelf, run, "names"),
        inside.unit(shelf, run, "names", 0),
        inside.walk(shelf, run, "names", "emma", 0),
        inside.slope(shelf, run, "names", "f" * 16, rows=1),
    ):
        assert b"torch" not in pickle.dumps(calls.plain(value))


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda s, r: inside.picture(s, r, "names", "x" * 30), "has 30 letters"),
        (lambda s, r: inside.picture(s, r, "names", "zoé"), "'é' is not in the vocabulary"),
        (lambda s, r: inside.unit(s, r, "names", 128), "no hidden unit 128"),
        (lambda s, r: inside.walk(s, r, "names", "emma", 9), "5 windows"),
        (lambda s, r: inside.walk(s, r, "names", "emma", 0, rate=0), "learning rate"),
        (lambda s, r: inside.walk(s, r, "names", "emma", 0, rate=float("nan")), "learning rate"),
        (lambda s, r: inside.walk(s, s.run(str(BUNDLED / "calm-heron")), "names", "emma", 0), "Only an MLP"),
        (lambda s, r: inside.slope(s, r, "names", "g", directions="up"), "no directions 'up'"),
        (lambda s, r: inside.slope(s, r, "names", "g", first=99), "does not exist"),
        (lambda s, r: inside.slope(s, r, "names", 7), "not known"),
        (lambda s, r: inside.descent(s, r, "names", "g", 1.0, ["a", 2], 0.1), "does not lie"),
        (lambda s, r: inside.descent(s, r, "names", "g", 1.0, [0, 0], -1), "learning rate"),
    ],
)
def test_what_cannot_be_is_a_sentence(shelf, run, ask, sentence):
    with pytest.raises(LabError, match=sentence):
        ask(shelf, run)


def test_probabilities_are_not_rounded_before_they_are_shown(shelf, run):
    # 32-bit floats: one window alone and the same window in a batch differ in the last bits.
    found = inside.picture(shelf, run, "names", "emma")
    window, target = found["windows"][3]["context"], found["windows"][3]["target"]
    assert found["p"] == pytest.approx(forward(run.model, window).p.tolist(), abs=1e-6)
    assert found["p"][target] == pytest.approx(found["windows"][3]["p"], abs=1e-6)
    walked = inside.walk(shelf, run, "names", "emma", 3)
    assert walked["p"] == pytest.approx(found["p"], abs=1e-6)
