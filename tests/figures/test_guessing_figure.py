"""The chart of where names are hard."""

import pytest

from lmlab.figures.guessing import Pace, Said, where_it_is_hard

PACES = [Pace("unigram", [4.9, 4.1, 2.8, 4.1], "--base", asked=True), Pace("4-gram", [4.2, 3.1, 1.7, 3.0])]


def test_bars_of_the_models_and_the_student_around_them():
    figure = where_it_is_hard(PACES, {"first": [4.0, 6.0], "middle": [2.5], "end": []}, 2972)
    *models, you = figure.plotly["data"]
    assert [bar["y"] for bar in models] == [list(pace.bits) for pace in PACES]
    assert you["x"] == [0, 1, 3]  # no bet on an end mark yet: no outline there, rather than one of height 0
    assert you["y"] == [5.0, 2.5, pytest.approx(12.5 / 3, abs=1e-4)]
    assert you["marker"]["color"] == "rgba(0,0,0,0)"
    columns, rows = figure.table
    assert len(columns) == 5
    assert rows[-1][1:] == [5.0, 2.5, None, 4.17]
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


def test_the_guessed_place_and_the_guessed_bits_stand_on_it_in_ink():
    figure = where_it_is_hard(PACES, {"first": [], "middle": [], "end": []}, 10, Said("end", 3.2))
    triangle, layout = figure.plotly["data"][-1], figure.plotly["layout"]
    assert triangle["x"] == [2]
    assert triangle["marker"]["color"] == "--ink"
    (line,) = layout["shapes"]
    assert line["y0"] == line["y1"] == 3.2
    assert line["line"]["color"] == "--ink"
    assert line["x0"] < 3 - 0.2 < line["x1"]  # over the bar of the model that was asked about
    texts = [note["text"] for note in layout["annotations"]]
    assert "your guess" in texts
    assert "guess 3.2" in texts
    assert layout["yaxis"]["range"][1] > triangle["y"][0]
    assert "You said: the end mark. For the unigram over all letters you said 3.2 bits." in figure.said
    assert [row[1:] for row in figure.table[1][-2:]] == [[None, None, "hardest", None], [None, None, None, 3.2]]


def test_until_it_was_asked_about_a_model_does_not_stand_there():
    figure = where_it_is_hard(PACES[1:], {"first": [], "middle": [], "end": []}, 10, Said("end"))
    assert "comes after your next guess" in figure.look
    assert figure.plotly["layout"]["shapes"] == []


def test_labels_of_the_guess_and_of_the_bets_do_not_touch():
    def label(bits):
        mine = {"first": [3.0], "middle": [3.0], "end": [3.0]}
        notes = where_it_is_hard(PACES, mine, 10, Said(None, bits)).plotly["layout"]["annotations"]
        return next(note for note in notes if note["text"].startswith("guess"))

    assert label(2.9)["yanchor"] == "top"  # below its line: the label of the bets stands above theirs
    assert label(3.1)["yshift"] > 16  # over the label of the bets
    assert label(4.5)["yshift"] == 2
