"""What a worker answers to the level Compare."""

import math

import numpy as np
import pytest

from lmlab.errors import LabError
from lmlab.evaluation.loss import evaluate, surprisal
from lmlab.evaluation.novelty import novelty
from lmlab.jobs import calls
from lmlab.jobs.calls import comparing
from lmlab.jobs.calls.corpus import keep_count
from lmlab.runs.cards import BUNDLED, find_run, read_card
from lmlab.runs.ladder import COUNTED, LADDER, climb


@pytest.fixture(scope="module")
def shelf():
    return calls.Shelf()


@pytest.fixture(scope="module", params=["plain-finch", "calm-heron"])
def run(request, shelf):
    return shelf.run(str(BUNDLED / request.param))


def test_every_question_can_be_asked():
    assert set(comparing.QUESTIONS) <= set(calls.ABOUT_A_CORPUS)
    assert set(comparing.MODEL_QUESTIONS) <= set(calls.ABOUT_A_MODEL)
    for name, function in comparing.QUESTIONS.items():  # no other subject has taken the name
        assert calls.ABOUT_A_CORPUS[name] is function
    for name, function in comparing.MODEL_QUESTIONS.items():
        assert calls.ABOUT_A_MODEL[name] is function


def test_the_ladder_of_names_is_the_measured_one(shelf):
    found = comparing.ladder(shelf, "names")
    assert found["to_count"] == []
    assert {rung["name"] for rung in found["rungs"]} == set(LADDER)
    losses = [rung["loss"] for rung in found["rungs"]]
    assert losses == sorted(losses)
    split = shelf.corpus("names").split
    assert found["more"] == split["train"] / (split["validation"] + split["test"])
    assert found["rungs"][-1]["p"] is None
    equal = {frozenset(pair) for pair in found["equal"]}
    for better, worse in zip(found["rungs"], found["rungs"][1:], strict=False):
        assert (better["p"] >= 0.05) == (frozenset((better["name"], worse["name"])) in equal)


def test_a_corpus_that_nobody_measured_is_counted(shelf, names_indian):
    found = comparing.ladder(shelf, "names_indian")
    assert found["measured"] is None
    assert found["to_count"] == list(COUNTED)
    for name in ("uniform", "kneser-ney"):
        row = comparing.rung(shelf, "names_indian", which=name)
        again = climb(name, names_indian)
        assert (row["loss"], row["memorised"], row["held_out"]) == (again.loss.nll, again.memorised, again.held_out)


def test_letters_are_the_surprise_of_each_with_its_end(shelf, run):
    found = comparing.letters(shelf, run, "  EmMa ")
    assert found["text"] == "emma"
    assert found["pieces"] == list("emma")
    assert found["nats"] == surprisal(run.model, "emma", run.tokenizer)
    assert found["symbols"] == 27


def test_the_exam_adds_up_to_the_loss(shelf, run, names):
    found = comparing.exam(shelf, run, "names")
    assert found["names"] == names.part("validation")
    loss = evaluate(run.model, names.part("validation"), run.tokenizer)
    assert sum(found["nats"]) == pytest.approx(loss.nats, rel=1e-6)


def test_a_quiz_has_as_many_real_names_as_new_ones(shelf, run, names):
    asked = comparing.quiz(shelf, run, "names", seed=7)
    assert len(asked) == len({one["name"] for one in asked}) == 10
    real = [one["name"] for one in asked if one["real"]]
    rolled = [one["name"] for one in asked if not one["real"]]
    assert len(real) == len(rolled) == 5
    assert set(real) <= set(names.part("validation"))
    assert novelty(rolled, names) == ["new"] * 5
    for one in asked:
        assert one["nats"] == pytest.approx(sum(surprisal(run.model, one["name"], run.tokenizer)))
    assert comparing.quiz(shelf, run, "names", seed=7) == asked
    orders = [tuple(one["real"] for one in comparing.quiz(shelf, run, "names", seed=seed)) for seed in range(6)]
    assert len(set(orders)) > 1


def test_what_a_model_remembers_is_counted_over_a_thousand_names(shelf, run):
    found = comparing.remembered(shelf, run, "names")
    assert found["samples"] == 1000
    assert found["training"] + found["held_out"] + found["new"] == 1000
    assert found["training"] > found["held_out"]


def test_the_careless_split_leaks_and_ours_does_not(shelf):
    found = comparing.leak(shelf, "names")
    assert found["clean"]["leaked"] == 0
    assert 0.12 < found["careless"]["share"] < 0.14
    row = comparing.leak_of(shelf, "names", which="kneser-ney")
    assert row["flattery"] > 0.02
    # a network takes too long for a click: its rows were measured once, on this very corpus and this very shuffle
    measured = found["measured"]
    assert [each["name"] for each in measured["rows"]] == ["mlp"]
    assert measured["rows"][0]["with_leak"] < measured["rows"][0]["without_leak"] < row["without_leak"] + 0.2
    assert measured["rows"][0]["deviation"] > 0
    assert measured["seed"] == comparing.LEAK_SEED
    assert measured["command"].startswith("lmlab leaks --models mlp")
    assert comparing.leak(shelf, "names_indian")["measured"] is None


# --- the test split ----------------------------------------------------------------------------------------


@pytest.fixture
def mine(home, shelf):
    return keep_count(shelf, "visitor", "names_indian", order=2)


def test_the_test_split_opens_once(shelf, mine, names_indian):
    first = comparing.open_test(shelf, "visitor", mine["id"], "names_indian")
    assert not first["again"]
    folder = find_run(mine["id"], "visitor")
    model = shelf.run(str(folder))
    loss = evaluate(model.model, names_indian.part("test"), model.tokenizer)
    assert first["card"]["metrics"]["test"]["nll"] == loss.nll
    card = read_card(folder)
    assert len(card["test_opened"]) == 1
    assert card["metrics"]["validation"] == mine["metrics"]["validation"]
    again = comparing.open_test(shelf, "visitor", mine["id"], "names_indian")
    assert again["again"]
    assert again["card"]["test_opened"] == card["test_opened"]
    assert again["luck"] == first["luck"] > 0
    assert read_card(folder) == card


def test_the_test_split_of_the_lab_and_of_others_stays_closed(shelf, mine):
    with pytest.raises(LabError, match="belongs to the lab"):
        comparing.open_test(shelf, "visitor", "calm-heron", "names")
    assert "test" not in read_card(BUNDLED / "calm-heron")["metrics"]
    with pytest.raises(LabError, match="no run"):
        comparing.open_test(shelf, "somebody else", mine["id"], "names_indian")
    with pytest.raises(LabError, match="learned from 'names_indian'"):
        comparing.open_test(shelf, "visitor", mine["id"], "names")
    assert "test_opened" not in read_card(find_run(mine["id"], "visitor"))


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda shelf, run: comparing.letters(shelf, run, "  "), "no name yet"),
        (lambda shelf, run: comparing.letters(shelf, run, "zoë"), "not in the vocabulary"),
        (lambda shelf, run: comparing.exam(shelf, run, "names_indian"), "may not be compared"),
        (lambda shelf, run: comparing.remembered(shelf, run, "names_indian"), "may not be compared"),
        (lambda shelf, run: comparing.quiz(shelf, run, "names", n=7), "even number"),
        (lambda shelf, run: comparing.quiz(shelf, run, "names", n=1000), "even number"),
        (lambda shelf, run: comparing.quiz(shelf, run, "names", seed=-1), "positive whole number"),
        (lambda shelf, run: comparing.rung(shelf, "names", which="lstm"), "not counted"),
        (lambda shelf, run: comparing.leak_of(shelf, "names", which="mlp"), "not counted"),
    ],
)
def test_bad_questions_get_a_sentence(shelf, run, ask, sentence):
    with pytest.raises(LabError, match=sentence):
        ask(shelf, run)


def test_a_model_that_invents_nothing_is_no_quiz(shelf, run, monkeypatch):
    monkeypatch.setattr(comparing, "novelty", lambda texts, corpus: ["training"] * len(texts))
    with pytest.raises(LabError, match="0 were new"):
        comparing.quiz(shelf, run, "names")


def test_numbers_are_plain(shelf, run):
    found = calls.plain(comparing.exam(shelf, run, "names"))
    assert not any(isinstance(value, np.generic) for value in found["nats"])
    assert all(math.isfinite(nats) for nats in found["nats"])
