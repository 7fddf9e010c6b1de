"""The level Compare without a browser: what is said about an order, and a quiz that trusts nobody."""

import json
import math
from collections import OrderedDict
from types import SimpleNamespace

import pytest

from lmlab.errors import LabError
from lmlab.evaluation.comparison import p_value
from lmlab.runs.measured import measured_ladder, rungs_of
from lmlab.ui.comparing import exam, leaks, one_name, quiz
from lmlab.ui.comparing.one_name import converter_value, sums_of
from lmlab.ui.comparing.rows import (
    RANKED,
    RANKED_COUNTED,
    expected,
    gap,
    in_words,
    rows_of,
    said_of,
    titles,
)
from lmlab.ui.comparing.rows import sums_of as ladder_sums


@pytest.fixture(scope="module")
def ladder(names):
    """What a worker tells, from the bundled file."""
    found = measured_ladder(names.sha256)
    rungs = rungs_of(found)
    rows = [
        {
            "name": rung.name, "losses": list(rung.losses), "loss": rung.mean, "deviation": rung.deviation,
            "parameters": rung.parameters, "memorised": rung.memorised, "held_out": rung.held_out,
            "counted": rung.deterministic, "p": None if worse is None else p_value(rung, worse),
        }
        for rung, worse in zip(rungs, [*rungs[1:], None], strict=True)
    ]  # fmt: skip
    return {"rungs": rows, "equal": [["transformer", "modern"]], "more": 4.0, "samples": 1000, "measured": found}


def order_of(ladder, names):
    losses = {rung["name"]: rung["loss"] for rung in ladder["rungs"]}
    return sorted(names, key=losses.get)


@pytest.mark.parametrize("ranked", [RANKED, RANKED_COUNTED])
def test_the_order_that_is_offered_gives_nothing_away(ladder, ranked):
    truth = order_of(ladder, ranked)
    assert list(ranked) not in (truth, truth[::-1])
    said, _ = gap(ladder, ranked, ranked)
    assert not said.startswith("All")


def test_the_gap_counts_the_pairs_that_stand_the_other_way_round(ladder):
    truth = order_of(ladder, RANKED)
    assert gap(ladder, RANKED, truth)[0].startswith("All 15 pairs stand as you said.")
    one = [truth[1], truth[0], *truth[2:]]
    assert gap(ladder, RANKED, one)[0].startswith("1 of 15 pairs stands the other way round")
    said, found = gap(ladder, RANKED, truth[::-1])
    assert said.startswith("15 of 15 pairs stand the other way round")
    assert titles([truth[0]])[0] in said
    assert titles([truth[-1]])[0] in said
    assert found == truth
    assert "Which place" in gap(ladder, RANKED, None)[0]


def test_models_that_cannot_be_told_apart_may_stand_either_way(ladder):
    names = ("modern", "transformer", "bigram")
    for order in (names, ("transformer", "modern", "bigram")):
        assert gap(ladder, names, order)[0].startswith("All 3 pairs")


def test_before_the_order_is_locked_the_figure_knows_no_loss_and_no_order(ladder):
    rows = rows_of(ladder, [], {}, RANKED)
    assert [row.key for row in rows] == [*RANKED, "uniform", "unigram"]
    for row in rows[: len(RANKED)]:
        assert (row.loss, row.deviation, row.memorised, row.expected) == (None,) * 4


def test_the_bench_stands_on_the_ladder_with_what_was_measured_of_it(ladder):
    card = {
        "id": "calm-heron", "metrics": {"validation": {"nll": 1.9}}, "model": {"kind": "mlp", "parameters": 7},
    }  # fmt: skip
    remembered = {"calm-heron": {"shares": {"training": 0.3, "held out": 0.05}}}
    row = rows_of(ladder, [card], remembered, ())[-1]
    assert (row.kind, row.loss, row.memorised, row.expected) == ("mine", 1.9, 0.3, 0.2)
    assert "30.0 % stand in its training data; with no memory at all 20.0 % would" in said_of(
        ladder, [row], "calm-heron"
    )
    assert expected(0.5, 4.0) == 1.0
    assert expected(None, 4.0) is None


def test_a_row_tells_its_sum_with_its_own_numbers(ladder):
    rows = rows_of(ladder, [], {}, ())
    lines = ladder_sums(ladder, rows, "transformer")
    losses = next(rung["losses"] for rung in ladder["rungs"] if rung["name"] == "transformer")
    assert lines[0] == "transformer"
    assert all(f"{loss:.4f}" in lines[1] for loss in losses)
    assert f"= {sum(losses) / 3:.4f} nats" in lines[1]
    assert any("Welch" in line for line in lines)
    assert "no luck" in ladder_sums(ladder, rows, "bigram")[1]
    assert in_words(math.log(27)) == {"loss": "3.296", "perplexity": "27.00", "bits": "4.75"}


def test_the_first_name_is_one_that_no_model_has_read(names):
    assert one_name.FIRST_NAME in names.part("validation")


def test_what_answers_the_question_is_not_told_beside_it():
    """A coin's perplexity is that of the probability one half."""
    [question] = one_name.questions()
    answers = [veils for _, nats, veils in one_name.typical(27) if abs(nats + math.log(one_name.HALF)) < 1e-9]
    assert question.veil
    assert answers == [[question.veil]]


def test_the_sum_of_a_name_has_n_plus_1_terms_and_shows_the_classic_mistake():
    nats = [3.0, 1.5, 1.5, 0.5, 1.5]
    lines = sums_of("m", list("emma"), nats)
    assert len([line for line in lines if "−ln" in line]) == 6  # the head names it, too
    assert any("8.0000 / 5 = 1.6000 nats" in line for line in lines)
    assert any(line.startswith("not / 4") and "2.0000" in line for line in lines)
    assert any(line.startswith("not / 3") and "2.6667" in line for line in lines)
    assert sums_of("m", ["a"], [math.inf, 1.0])[-1] == "∞"


def test_the_converter_takes_the_model_whose_surprise_is_finite():
    value = converter_value(["a", "b"], list("ab"), [[math.inf, 1.0, 1.0], [1.0, 2.0, 3.0]], symbols=3)
    assert (value["model"], value["nats"]) == ("b", [1.0, 2.0, 3.0])
    assert [math.log(3)] == [nats for _, nats, _ in value["typical"][2:3]]
    assert converter_value(["a", "b"], ["a"], [[math.inf, 1.0], [math.inf, 1.0]], symbols=3) is None


def test_a_guessed_perplexity_stands_on_the_scales_as_a_loss_and_stays():
    value = converter_value(["a", "b"], ["a"], [[1.0, 1.0], [2.0, 2.0]], 27, guess=14.0)
    assert value["guess"] == pytest.approx(math.log(14))
    assert converter_value(["a", "b"], ["a"], [[1.0, 1.0], [2.0, 2.0]], 27)["guess"] is None
    ui = SimpleNamespace(converter="converter", guess="guess")
    _, updates = one_name.reveal(ui, json.dumps(value), 14.0)
    assert updates["converter"]["guess"] == pytest.approx(math.log(14))
    assert updates["guess"] == 14.0


def test_the_guess_goes_as_far_as_the_alphabet():
    (question,) = one_name.questions()
    assert one_name.field(question, 3)["maximum"] == 3
    assert one_name.field(question, 90)["maximum"] == 90
    assert question.checked(80.0) == 80.0


# --- the quiz ----------------------------------------------------------------------------------------------


@pytest.fixture
def rounds():
    names = [{"name": f"name{i}", "real": i % 2 == 0, "nats": float(i)} for i in range(4)]
    return OrderedDict(token=quiz.Round("owner", "calm-heron", names))


def event(**data):
    return SimpleNamespace(**{"token": "token", "number": 1, "said": "real", **data})


def test_the_page_is_told_only_what_was_judged(rounds):
    state = quiz.state_of("token", rounds["token"])
    assert (state["name"], state["done"]) == ("name0", [])
    assert "name1" not in str(state)
    assert "'real'" not in str(state)
    quiz.judged(rounds, "owner", event(said="generated"))
    state = quiz.state_of("token", rounds["token"], quiz.verdict_of(rounds["token"]))
    assert state["done"] == [{"name": "name0", "real": True, "nats": 0.0, "said": "generated"}]
    assert state["name"] == "name1"
    assert "name2" not in str(state)
    assert state["verdict"] == "name0 is a held-out real name. You said generated."


@pytest.mark.parametrize(
    ("owner", "data", "sentence"),
    [
        ("owner", {"token": "guessed"}, "over or of another page"),
        ("owner", {"token": ["token"]}, "over or of another page"),
        ("somebody else", {}, "over or of another page"),
        ("owner", {"number": 2}, "answered already"),
        ("owner", {"number": 0}, "answered already"),
        ("owner", {"said": "<b>"}, "real or generated"),
        ("owner", {"said": None}, "real or generated"),
    ],
)
def test_an_answer_that_the_page_would_not_send_is_refused(rounds, owner, data, sentence):
    with pytest.raises(LabError, match=sentence):
        quiz.judged(rounds, owner, event(**data))
    assert rounds["token"].said == []


def test_no_name_is_judged_twice_and_none_after_the_last(rounds):
    for number in range(1, 5):
        quiz.judged(rounds, "owner", event(number=number))
        with pytest.raises(LabError):
            quiz.judged(rounds, "owner", event(number=number))
    assert rounds["token"].right == 2
    assert quiz.state_of("token", rounds["token"])["name"] is None
    with pytest.raises(LabError, match="over"):
        quiz.judged(rounds, "owner", event(number=5))


@pytest.mark.parametrize(
    ("guess", "said"),
    [(1.0, "1 more than you said"), (2.0, "as you said"), (4.0, "2 less than you said"), (None, "")],
)
def test_the_score_is_told_beside_a_coin(rounds, guess, said):
    for number in range(1, 5):
        quiz.judged(rounds, "owner", event(number=number))
    told = quiz.told_of(rounds["token"], guess)
    assert said in told.gap
    assert "A coin gets 2 or more in 68.8 %" in told.gap  # (6 + 4 + 1) of 16
    assert told.truth == 2.0


def test_in_the_end_the_score_stands_beside_the_guess_and_not_before(rounds):
    for number in range(1, 5):
        assert quiz.state_of("token", rounds["token"], guess=3.0)["score"] is None
        quiz.judged(rounds, "owner", event(number=number))
    assert quiz.state_of("token", rounds["token"], guess=3.0)["score"] == {"right": 2, "guess": 3.0}


def test_the_sum_of_the_coin_is_its_chance():
    lines = quiz.coin_sums(7, 10)
    assert "1024" in lines[0]
    assert "(120 + 45 + 10 + 1) / 1024 = 0.1719 = 17.2 %" in lines[-1]


# --- leaks -------------------------------------------------------------------------------------------------

MEASURED = {
    "rows": [{"name": "mlp", "flattery": 0.007, "deviation": 0.002}],
    "seed": 0, "command": "lmlab leaks", "date": "2026-01-01", "threads": 1, "versions": {"lmlab": "1", "torch": "2"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("flattery", "deviation", "said"),
    [(0.007, 0.002, ["less than", "more than the luck"]), (0.007, 0.005, ["less than", "could explain"]),
     (0.09, 0.002, ["no less than", "more than the luck"])],
)  # fmt: skip
def test_what_is_said_of_the_network_comes_from_its_numbers(flattery, deviation, said):
    row = {"name": "mlp", "flattery": flattery, "deviation": deviation}
    claim, about = leaks.network_trees({**MEASURED, "rows": [row]}, {"flattery": 0.05})
    for words in ("MLP, 3 letters, seed 0", f"{flattery:.3f} nats", *said):
        assert words in claim[-1]
    assert "2026-01-01 with lmlab leaks (1 thread, lmlab 1, torch 2)" in about[-1]


# --- the test split ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("validation", "test", "answer"),
    [(2.0, 2.01, "same"), (2.0, 2.04, "higher"), (2.0, 1.9, "lower"), (2.0, None, "higher"), (None, None, "same")],
)
def test_the_test_loss_lies_beside_the_validation_loss(validation, test, answer):
    metrics = {"validation": {"nll": validation}, "test": {"nll": test}}
    card = {"id": "calm-heron", "test_opened": [0.0], "metrics": metrics}
    assert exam.answer_of(card, luck=0.03) == answer
    found = {"card": card, "again": False, "luck": None if validation is None or test is None else 0.03}
    truth = exam.t(f"compare.test.{answer}")
    assert (truth in exam.told_of(found, truth, 10).gap) == (found["luck"] is not None)
    assert exam.told_of(found, truth, 10).truth == truth
    assert exam.date_of(card) == "1970-01-01"
    (difference,) = [line for line in exam.sums_of([with_counts(card)]) if "test − validation" in line] or [""]
    assert bool(difference) == (validation is not None and test is not None)
    if difference:
        assert difference.endswith(f"= {test - validation:+.4f}")
    assert "The old number stands" in exam.told_of({**found, "again": True}, None, 10).gap


def with_counts(card):
    metrics = {part: {**found, "predictions": 100} for part, found in card["metrics"].items()}
    return {**card, "metrics": metrics}


def test_the_sum_of_a_loss_has_its_own_numbers():
    card = {"id": "calm-heron", "metrics": {"validation": {"nll": 2.5, "predictions": 400}}}
    (line,) = exam.sums_of([card])
    assert "1,000.0 / 400 = 2.5000" in line
    assert "Make a model" in exam.sums_of([])[0]
