"""The slope's figure: real losses, named axes, a path that starts where it says and is told when it is lost."""

import pytest

from lmlab.figures.inside import number, slope, step_sums


@pytest.fixture
def grid():
    places = [-1.0, -0.5, 0.0, 0.5, 1.0]
    return {
        "axis": places,
        "losses": [[2 + a * a + b * b for a in places] for b in places],
        "names": 64,
        "centre": 2.0,
        "symbols": [".", "a", "b"],
        "directions": "random",
        "seed": 3,
        "weights": [],
    }


PATH = [[1.0, 0.5, 3.25, 2.0, 1.0], [0.8, 0.4, 2.8, 1.6, 0.8]]


def test_the_surface_holds_every_loss_and_says_where_each_place_is(grid):
    surface = slope(grid).plotly["data"][0]
    assert surface["z"] == grid["losses"]
    assert surface["customdata"][4][1] == [-0.5, 1.0]
    assert surface["x"] == surface["y"] == grid["axis"]


def test_both_axes_and_the_colour_have_names(grid):
    figure = slope(grid)
    layout = figure.plotly["layout"]
    assert layout["xaxis"]["title"]["text"]
    assert any("direction 2" in note["text"] for note in layout["annotations"])
    assert "nats" in figure.plotly["data"][0]["colorbar"]["title"]["text"]


def test_single_weights_are_named_on_the_axes(grid):
    named = {
        **grid,
        "directions": "weights",
        "weights": [
            {"weight": "embedding.weight", "place": [1, 7]},
            {"weight": "head.weight", "place": [2, 33]},
        ],
    }
    columns, _ = slope(named).table
    assert "7" in columns[2]
    assert "a" in columns[2]
    assert "33" in columns[3]
    assert "b" in columns[3]


def test_a_path_is_drawn_where_it_went_and_told_with_its_losses(grid):
    figure = slope(grid, [(0.1, PATH)])
    line = next(trace for trace in figure.plotly["data"] if trace.get("name") == "0.1")
    assert line["x"] == [1.0, 0.8]
    assert line["y"] == [0.5, 0.4]
    assert "3.250" in figure.said
    assert "2.800" in figure.said
    assert figure.table[1][0] == ["0.1", 0, "1.000", "0.500", "3.250"]


def test_a_lost_path_says_at_which_step(grid):
    lost = [PATH[0], [-3.0, 0.0, 11.0, -6.0, 0.0], [9.0, 0.0, None, None, None]]
    assert "at step 1" in slope(grid, [(30.0, lost)]).said


def test_a_flat_surface_says_why(grid):
    flat = {**grid, "losses": [[3.2958] * 5 for _ in range(5)], "centre": 3.2958}
    assert "same everywhere" in slope(flat).said
    assert "same everywhere" not in slope(grid).said


def test_the_sum_of_a_step_is_the_step(grid):
    lines = step_sums(PATH, 0.1)
    assert f"a ← {number(1.0)} − 0.1 · ({number(2.0)}) = {number(0.8)}" in lines
    assert f"b ← {number(0.5)} − 0.1 · ({number(1.0)}) = {number(0.4)}" in lines
    assert step_sums(PATH[:1], 0.1) == []
