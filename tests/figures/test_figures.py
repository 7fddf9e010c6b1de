import importlib
import inspect
import json
import math
import pkgutil
import re

import numpy as np
import plotly.graph_objects as go
import pytest

import lmlab.figures
from lmlab.figures.comparing import Leak, Row, Spelled, ladder, leaks, surprise
from lmlab.figures.counts import losses_by_order, two_rows
from lmlab.figures.figure import SCALES, TOKENS, Figure, text_safe
from lmlab.figures.sampling import over_temperature, rolled_first
from lmlab.figures.training import Curve, growth, letters, loss_curve, loss_range, table_rows

EVIL = "<img src=x onerror=alert(1)>"
SYMBOLS = [".", "a", EVIL, "b&b", "<b>"]
COUNTS = np.array([[0, 6664, 3, 1, 7], [4, 0, 9, 2, 0], [5, 5, 5, 5, 5], [8, 1, 0, 0, 1], [2, 0, 0, 0, 0]])
SHARES = COUNTS / COUNTS.sum(axis=1, keepdims=True)
P = [0.4, 0.3, 0.15, 0.1, 0.05]
CUT = [4 / 7, 3 / 7, 0.0, 0.0, 0.0]
MEASURED = [
    {"temperature": 0.0, "n": 100, "known": 1.0, "length": 4.0, "nats": 1.5},
    {"temperature": 1.0, "n": 100, "known": 0.1, "length": 6.5, "nats": None},
]
USUAL = {"length": 6.1, "nats": 2.03}
RUN = Curve(EVIL, [[1, 3.2], [2, 2.9], [3, 2.7]], [[0, 3.3], [3, 2.8]], [[3, 2.7]])
EARLIER = [Curve(EVIL, [[1, 3.1]], [[0, 3.3], [9, 2.5]]), Curve("calm-heron")]
BASELINES = [("uniform", 3.3), (EVIL, 2.45)]
POINTS = [[0.0, 1.0], [1.0, 0.5], [2.0, -1.0], [0.5, 0.5], [-1.0, 0.0]]
WIDE = np.random.default_rng(0).dirichlet(np.ones(90), size=2)


def losses(train, validation):
    """What a count model of one order scored."""
    held_out = {"nll": validation, "unseen": 3, "predictions": 100}
    return {"train": {"nll": train, "unseen": 0, "predictions": 900}, "validation": held_out}


def of_order(n, train, validation):
    """A row of the sweep: 27 letters, of whose runs a part came up."""
    return {"order": n, **losses(train, validation), "possible": 27**n, "grams": min(27**n, 5000 * n)}


ORDERS = [of_order(n, 2.5 - n / 10, 2.6 - n / 20 if n < 4 else None) for n in (1, 2, 3, 4, 5)]
HOPELESS = [of_order(n, 2.0, None) for n in (1, 2)]

RUNGS = [
    Row("gpt", EVIL, "trained", 1.96, 0.003, 3, 0.25, 0.16, 200_000),
    Row("lstm", "LSTM", "trained", 1.97, 0.001, 3, 0.24, 0.18, 80_000),
    Row("bigram", "bigram", "counted", 2.46, 0.0, 1, 0.09, 0.08, 611),
    Row("calm-heron", EVIL, "mine", 2.1),
    Row("table", "no smoothing", "mine", math.inf),
]
WAITING = [
    Row("lstm", "LSTM", "trained", None),
    Row("bigram", "bigram", "counted", None),
    Row("u", "u", "counted", 3.3),
]
SPELLED = (Spelled(EVIL, [1.0, 2.0, 0.5]), Spelled("b", [0.5, math.inf, 0.0]))

FIGURES = {
    "ladder": lambda: ladder(RUNGS, said="x"),
    "ladder, ranked": lambda: ladder(RUNGS, ["bigram", "gpt"], [("gpt", "lstm")], chosen="gpt"),
    "ladder, close up": lambda: ladder(RUNGS, ["bigram", "gpt"], [("gpt", "lstm")], close=True),
    "ladder, waiting": lambda: ladder(WAITING),
    "surprise": lambda: surprise(["<b>", "&"], *SPELLED, chosen=1),
    "surprise, an empty name": lambda: surprise([], Spelled("a", [0.0]), Spelled("b", [math.inf]), chosen=9),
    "leaks": lambda: leaks([Leak(EVIL, 2.45, 2.45), Leak("4-gram", 2.15, 2.1), Leak("mlp", 2.1, 2.09, 0.2, 0)]),
    "two_rows": lambda: two_rows(SYMBOLS, (EVIL, "b"), (EVIL, "b"), SHARES[:2], [False, True]),
    "two_rows, the same": lambda: two_rows(SYMBOLS, ("ab", "bb"), ("b", "b"), SHARES[[1, 1]], [False, False]),
    "two_rows, many letters": lambda: two_rows(
        [".", *map(chr, range(200, 289))], ("a", "b"), ("a", "b"), WIDE, [False, False]
    ),
    "losses_by_order": lambda: losses_by_order(ORDERS, 3),
    "losses_by_order, infinite one chosen": lambda: losses_by_order(ORDERS, 5),
    "losses_by_order, all infinite": lambda: losses_by_order(HOPELESS, 2),
    "losses_by_order, some tried, with a guess": lambda: losses_by_order(ORDERS, 3, [1], guess=2),
    "rolled_first": lambda: rolled_first(SYMBOLS, [4, 3, 2, 1, 0], P, EVIL),
    "rolled_first, nothing rolled": lambda: rolled_first(SYMBOLS, [0] * 5, CUT),
    "rolled_first, many letters": lambda: rolled_first([".", *map(chr, range(200, 299))], [1] * 100, [0.01] * 100),
    "rolled_first, tokens": lambda: rolled_first(["1", "2"], [60, 40], [0.5, 0.5], None),
    "over_temperature": lambda: over_temperature(MEASURED, USUAL, 0.8, (1.5, 60)),
    "over_temperature, no guess": lambda: over_temperature(MEASURED[:1], USUAL, 5.0),
    "loss_curve": lambda: loss_curve(RUN, EARLIER, BASELINES, 10, log_steps=False),
    "loss_curve, logarithmic": lambda: loss_curve(RUN, EARLIER, BASELINES, 10, log_steps=True),
    "loss_curve, just begun": lambda: loss_curve(Curve("now", [], [[0, 3.3]]), [], BASELINES, 10, log_steps=False),
    "letters": lambda: letters(SYMBOLS, POINTS, kept=0.6, dimensions=10, chosen=2),
    "letters, on the move": lambda: letters(SYMBOLS, POINTS, 1.0, 2, trails=[POINTS, POINTS[::-1]]),
    "letters, one place": lambda: letters(SYMBOLS, [[0.0, 0.0]] * 5, kept=0.0, dimensions=3),
}
ALL = pytest.mark.parametrize("name", FIGURES)


def strings(value):
    """Every string in a nest."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list | tuple | np.ndarray):
        for part in value:
            yield from strings(part)


def test_every_figure_of_the_package_is_among_those_tested():
    drawn = set()
    for found in pkgutil.iter_modules(lmlab.figures.__path__):
        module = importlib.import_module(f"lmlab.figures.{found.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            home = function.__module__ == module.__name__ and not name.startswith("_")
            if home and inspect.signature(function).return_annotation in (Figure, "Figure"):
                drawn.add(name)
    elsewhere = {"slope", "where_it_is_hard"}  # test_figures_inside.py, test_guessing_figure.py
    assert drawn - elsewhere == {name.split(",")[0] for name in FIGURES}


@ALL
@pytest.mark.parametrize("dark", [False, True])
def test_plotly_knows_every_property(name, dark):
    figure = FIGURES[name]()
    resolved = figure.resolved(dark=dark)
    go.Figure(resolved)  # raises on a property or a value that plotly does not know
    assert not any(text.startswith("--") for text in strings(resolved))


@ALL
def test_what_people_wrote_is_never_read_as_html(name):
    figure = FIGURES[name]()
    for text in strings(figure.plotly):
        tags = re.findall(r"<[^>]*>?", text)
        assert set(tags) <= {"<b>", "</b>", "<br>", "<extra>", "</extra>"}, text
        assert "<img" not in text


@ALL
def test_what_is_not_drawn_by_plotly_is_plain_text(name):
    """Title, hints and table are put on the page as text: escaped there, they would show as `&lt;`."""
    figure = FIGURES[name]()
    for text in (figure.title, figure.look, figure.said, *strings(figure.table)):
        assert "&lt;" not in text
        assert "&amp;" not in text


@ALL
def test_axes_have_names(name):
    """An axis without a title has its name in a note in the corner, where it can be read."""
    layout = FIGURES[name]().plotly["layout"]
    axes = {key: axis for key, axis in layout.items() if re.match(r"[xy]axis", key)}
    assert {"xaxis", "yaxis"} <= set(axes)
    seen = [axis for axis in axes.values() if axis.get("visible") is not False]
    titles = [axis.get("title", {}).get("text", "").strip() for axis in seen]
    notes = [
        note["text"]
        for note in layout.get("annotations", [])
        if (note.get("xref"), note.get("yref"), note["x"]) == ("paper", "paper", 0)
    ]
    assert all(notes)
    assert len(set(notes)) == titles.count("")


@ALL
def test_every_figure_says_what_to_look_for_and_stands_as_a_table(name):
    figure = FIGURES[name]()
    columns, rows = figure.table
    assert figure.title
    assert figure.look.endswith(".")
    assert figure.said
    assert rows
    assert all(len(row) == len(columns) for row in rows)


@ALL
def test_the_page_can_read_it(name):
    """JSON has no infinity and no numpy."""
    value = FIGURES[name]().to_value(seq=7)
    again = json.loads(json.dumps(value, allow_nan=False))
    assert again["seq"] == 7
    assert again["figure"]["data"]
    assert again["table"]["rows"]


@pytest.mark.parametrize("name", ["--x", "--model", "--"])
def test_a_name_that_looks_like_a_colour_is_still_a_name(name):
    """Symbols and names of runs are text, whatever they begin with."""
    old = Curve(name, [[1, 3.0]], [[1, 3.0]])
    for figure in (
        loss_curve(RUN, [old], [(name, 3.3)], 10, log_steps=False),
        letters([".", name], POINTS[:2], 1.0, 2),
        two_rows([".", name], ("a", "b"), ("a", "b"), SHARES[:2, :2], [False, False]),
    ):
        resolved = figure.resolved()
        assert any(name in text for text in strings(resolved["data"]))


def test_both_schemes_have_every_colour_and_they_differ():
    for light, dark in TOKENS.values():
        assert re.fullmatch("#[0-9a-f]{6}", light)
        assert re.fullmatch("#[0-9a-f]{6}", dark)
        assert light != dark
    for scales in SCALES.values():
        for scale in scales:
            places = [place for place, _ in scale]
            assert places == sorted(places)
            assert (places[0], places[-1]) == (0, 1)


def test_resolving_leaves_the_figure_as_it_was():
    figure = FIGURES["two_rows"]()
    before = json.dumps(figure.plotly)
    figure.resolved(dark=True)
    assert json.dumps(figure.plotly) == before


def test_text_is_safe_and_escaped_once():
    assert text_safe("a<b>&") == "a&lt;b&gt;&amp;"


# --- what the figures say -------------------------------------------------------------------------------


def test_two_beginnings_are_the_same_row_or_differ_where_they_differ_most():
    same = FIGURES["two_rows, the same"]()
    assert same.plotly["data"][0]["y"] == same.plotly["data"][1]["y"]
    assert "Exactly the same row" in same.said
    other = two_rows(
        [".", "a", "b"], ("x", "y"), ("x", "y"), np.array([[0.5, 0.4, 0.1], [0.1, 0.2, 0.7]]), [False, True]
    )
    assert "Furthest apart is b: 10.0 % and 70.0 %" in other.said
    assert "y was never seen" in other.said


def test_only_the_orders_that_were_tried_have_a_point():
    figure = losses_by_order(ORDERS, 3, [1], guess=2)
    train, held_out, unseen, possible, _ = figure.plotly["data"][:5]
    for trace in (train, held_out, unseen):
        assert [y is not None for y in trace["y"]] == [True, False, True, False, False]
    assert possible["y"] == [27**n for n in range(1, 6)]
    assert "lowest" not in figure.said  # the answer to a question that may still be asked
    assert [row[1] is None for row in figure.table[1]] == [False, True, False, True, True]
    box = figure.plotly["layout"]["shapes"][-1]
    assert (box["x0"] + box["x1"]) / 2 == 2


def test_what_was_rolled_stands_in_the_outlines_of_the_rules():
    figure = rolled_first(SYMBOLS, [0, 1, 2, 3, 4], P[::-1], "a")
    rolled, rules = figure.plotly["data"][0]["y"], figure.plotly["data"][1]["y"]
    assert rules == sorted(rules, reverse=True) == pytest.approx([100 * p for p in P])
    assert rolled == [40, 30, 20, 10, 0]
    assert "4 of 10" in figure.said
    assert "40.0 %" in figure.said


def test_the_guess_and_the_present_temperature_stand_on_the_measured_ones():
    figure = over_temperature(MEASURED, USUAL, 0.8, (1.5, 60))
    traces = {trace["name"]: trace for trace in figure.plotly["data"]}
    assert traces["known"]["y"] == [100, 10]
    assert (traces["you"]["x"], traces["you"]["y"]) == ([1.5], [60])
    assert traces["usual nats"]["y"] == [2.03, 2.03]
    assert figure.plotly["layout"]["shapes"][0]["x0"] == 0.8
    assert "At T = 0, 100 %" in over_temperature(MEASURED, USUAL, 0.4).said
    assert "∞" in figure.said
    assert not any(trace["name"] == "you" for trace in over_temperature(MEASURED, USUAL, 0.8).plotly["data"])


def test_the_guess_stands_on_the_leak_that_it_is_about():
    figure = leaks(
        [Leak("bigram", 2.45, 2.449), Leak("kneser-ney", 2.02, 1.98, guess=0.3), Leak("mlp", 2.1, 2.09, seed=0)]
    )
    you = figure.plotly["data"][-1]
    assert (you["x"], you["y"]) == ([pytest.approx(1.72)], [1])
    assert you["marker"]["color"] == "--ink"
    assert "your guess" in [note["text"] for note in figure.plotly["layout"]["annotations"]]
    assert figure.plotly["layout"]["xaxis"]["range"][1] < 1.72  # the axis holds it
    assert figure.plotly["layout"]["yaxis"]["ticktext"][2] == "mlp<br>seed 0"
    assert [row[1] for row in figure.table[1]] == [None, None, 0]
    assert figure.table[1][1][-1] == 0.3


def test_losses_by_order_name_the_best_and_the_first_infinite_one():
    figure = losses_by_order(ORDERS, 3)
    assert "lowest at order 3: 2.450" in figure.said
    assert "From order 4 on" in figure.said
    assert [row[2] for row in figure.table[1]] == [2.55, 2.5, 2.45, "∞", "∞"]
    assert sum(note["text"] == "<b>∞</b>" for note in figure.plotly["layout"]["annotations"]) == 2
    assert "Every order" in losses_by_order(HOPELESS, 1).said


@pytest.mark.parametrize("log_steps", [False, True])
def test_a_growing_curve_equals_one_drawn_at_the_end(log_steps):
    """What a live run adds, point by point, is the figure that a finished run draws."""
    new, seen = [[4, 2.6], [5, 2.55]], [[5, 2.7]]
    begun = loss_curve(RUN, [], BASELINES, 10, log_steps)
    longer = Curve(RUN.name, RUN.batch + new, RUN.validation + seen)
    added = growth(new, seen, longer, log_steps)
    whole = loss_curve(longer, [], BASELINES, 10, log_steps)
    for trace, x, y in zip(added.traces, added.x, added.y, strict=True):
        assert begun.plotly["data"][trace]["x"] + x == whole.plotly["data"][trace]["x"]
        assert begun.plotly["data"][trace]["y"] + y == whole.plotly["data"][trace]["y"]
    assert len(added.rows) == 3
    json.dumps(added.to_value(seq=2, after=1), allow_nan=False)


def test_the_loss_axis_holds_baselines_and_is_not_stretched_by_a_blow_up():
    top, bottom = loss_range([2.0, 2.5], [3.3, 2.45])
    assert bottom < 2.0 < 3.3 < top < 4
    assert loss_range([2.0, 1e9], [3.3])[0] <= 33.0
    assert all(math.isfinite(end) for end in loss_range([], []))


def test_a_logarithmic_axis_begins_at_1():
    figure = loss_curve(RUN, [], [], 1000, log_steps=True)
    assert figure.plotly["layout"]["xaxis"]["range"] == [0, 3]
    assert figure.plotly["data"][1]["x"] == [1.0, 3]


def test_the_table_of_a_run_has_every_held_out_loss_and_about_100_others():
    run = Curve("x", [[i, 2.0] for i in range(1, 1001)], [[i, 2.1] for i in range(0, 1001, 250)])
    rows = table_rows(run)
    assert 90 <= len(rows) <= 120
    assert [row[0] for row in rows if row[2] is not None] == [0, 250, 500, 750, 1000]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_vowels_stand_out_and_the_axes_say_what_they_are():
    figure = letters([".", "a", "b"], POINTS[:3], kept=0.624, dimensions=10)
    text = figure.plotly["data"][-1]["text"]
    assert text == [".", "<b>a</b>", "b"]
    assert "62 % of the variance" in figure.said
    assert figure.plotly["layout"]["xaxis"]["title"]["text"] == "component 1 of 10"
    flat = letters([".", "a", "b"], POINTS[:3], kept=1.0, dimensions=2)
    assert flat.plotly["layout"]["xaxis"]["title"]["text"] == "dimension 1"


def test_no_two_runs_on_the_loss_chart_have_the_same_dash():
    old = [Curve(f"run {i}", [], [[0, 3.3], [9, 2.5]]) for i in range(5)]
    empty = Curve("stopped at once")
    figure = loss_curve(RUN, [old[0], empty, *old[1:]], BASELINES, 10, log_steps=True)
    held_out = [trace["line"]["dash"] for trace in figure.plotly["data"][1:]]
    assert len(set(held_out)) == len(held_out) == 6
    assert not {shape["line"]["dash"] for shape in figure.plotly["layout"]["shapes"]} & set(held_out)
