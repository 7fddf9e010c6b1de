"""The chart of where names are hard."""

import pytest

from lmlab.figures.guessing import Pace, where_it_is_hard

PACES = [Pace("unigram", [4.9, 4.1, 2.8]), Pace("4-gram", [4.2, 3.1, 1.7])]


def test_bars_of_the_models_and_the_student_around_them():
    figure = where_it_is_hard(PACES, {"first": [4.0, 6.0], "middle": [2.5], "end": []}, 2972)
    *models, you = figure.plotly["data"]
    assert [bar["y"] for bar in models] == [list(pace.bits) for pace in PACES]
    assert you["x"] == [0, 1]  # no bet on an end mark yet: no outline there, rather than one of height 0
    assert you["y"] == [5.0, 2.5]
    assert you["marker"]["color"] == "rgba(0,0,0,0)"
    columns, rows = figure.table
    assert len(columns) == 4
    assert rows[-1][1:] == [5.0, 2.5, None]
    assert "the first letter, 4.20 bits" in figure.said


def test_bars_of_one_place_stand_beside_each_other():
    *models, _ = where_it_is_hard(PACES, {"first": [], "middle": [], "end": []}, 10).plotly["data"]
    left, right = models
    assert left["x"][0] + left["width"] / 2 <= right["x"][0] - right["width"] / 2
    assert left["x"][0] - left["width"] / 2 >= -0.5
    assert right["x"][0] + right["width"] / 2 <= 0.5


def test_without_a_bet_there_is_no_outline():
    figure = where_it_is_hard(PACES, {"first": [], "middle": [], "end": []}, 10)
    assert figure.plotly["data"][-1]["x"] == []
    assert figure.plotly["layout"]["yaxis"]["range"][1] == pytest.approx(1.15 * 4.9)
