"""A live chart and the page it stands on: no faster than the page can draw."""

import asyncio
import math
import time
from types import SimpleNamespace

import pytest
from playing import in_a_thread

from lmlab.figures.training import Curve, loss_curve
from lmlab.ui import lessons
from lmlab.ui import watching as module
from lmlab.ui.watching import Plan, Watching


def request(session):
    return SimpleNamespace(session_hash=session)


def test_the_next_look_waits_until_the_page_has_drawn_the_last_one():
    watching = Watching(None, None)
    page = watching.pages["mine"] = SimpleNamespace(seq=7, drawn=6)

    async def play():
        waiting = asyncio.create_task(watching.until_drawn(page))
        await asyncio.sleep(0.2)
        watching.was_drawn(7, request("another page"))
        watching.was_drawn("7", request("mine"))  # from the page, so anything may come
        watching.was_drawn(6, request("mine"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        watching.was_drawn(7, request("mine"))
        await asyncio.wait_for(waiting, 2)

    in_a_thread(play())


def test_a_page_that_never_answers_is_not_waited_for_long(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    begin = time.monotonic()
    in_a_thread(Watching(None, None).until_drawn(SimpleNamespace(seq=7, drawn=6)))
    assert 0.2 <= time.monotonic() - begin < 5
    in_a_thread(asyncio.wait_for(Watching(None, None).until_drawn(SimpleNamespace(seq=7, drawn=7)), 0.1))


# --- the guess stays on the chart --------------------------------------------------------------------------------

MARKS = [("uniform", math.log(27)), ("bigram", 2.46)]
QUESTIONS = {question.name: question for question in lessons.questions()}


def chart_with(name, answer, log=True):
    guess = Watching(None, None).guess_of(Plan(QUESTIONS[name], answer, None), 4000)
    run = Curve("calm-heron", [[1, 3.3], [4000, 2.2]], [[0, 3.3], [4000, 2.2]])
    figure = loss_curve(run, [], MARKS, 4000, log, guess).plotly
    ink = [trace for trace in figure["data"] if trace["line"]["color"] == "--ink"]
    notes = [note for note in figure["layout"]["annotations"] if note["font"]["color"] == "--ink"]
    return ink, notes, figure["layout"]["yaxis"]["range"]


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("name", ["end", "rescue", "too_large"])
def test_a_guessed_loss_is_a_labelled_line_of_ink_from_the_first_step_to_the_last(name, log):
    (line,), (note,), (low, high) = chart_with(name, 2.9, log)
    assert (line["x"][0], line["x"][-1], set(line["y"])) == (1 if log else 0, 4000, {2.9})
    assert "your guess: 2.90" in note["text"]
    assert low < 2.9 < high


def test_a_guess_above_the_axis_is_named_at_its_top():
    _, (note,), (_, high) = chart_with("too_large", 35.0)
    assert "35.00 ↑" in note["text"]
    assert note["y"] <= high < 35.0


def test_a_drawn_guess_keeps_its_name_and_a_skipped_or_chosen_one_has_no_line():
    drawn = [3.2, 3.0, 2.8, 2.6, 2.4, 2.2]
    (line,), (note,), _ = chart_with("curve", drawn)
    assert (line["y"], note["text"]) == (drawn, "<b>your guess</b>")
    assert chart_with("end", None)[:2] == ([], [])
    assert chart_with("goal", "Yes")[:2] == ([], [])


@pytest.mark.parametrize("planned", [50, 400, 500, 4000])
def test_a_drawn_guess_has_no_two_values_at_one_place_of_the_axis(planned):
    guess = Watching(None, None).guess_of(Plan(QUESTIONS["curve"], [3.2, 3.0, 2.8, 2.6, 2.4, 2.2], None), planned)
    for log in (True, False):
        trace = loss_curve(Curve("x"), [], MARKS, planned, log, guess).plotly["data"][-1]
        assert len(set(trace["x"])) == len(trace["x"])
        assert (trace["y"][0], trace["y"][-1]) == (3.2, 2.2)  # what was drawn for the start stands at the start
