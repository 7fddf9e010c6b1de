"""Figures of the level Compare: the ladder, one name under two models, and what a leak does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lmlab.figures.figure import MONO, Figure, axis, corner, layout, text_safe
from lmlab.strings import t

ROW = 26  # pixels of a rung
SLOPE = (0.045, 0.12)  # where the lines from the student's order run, as shares of the width
LABELS = {True: 0.135, False: 0.0}  # where the names of the rungs begin, with and without those lines
LOSS = {True: (0.44, 0.77), False: (0.31, 0.77)}
COPIES = (0.81, 1.0)
HIDDEN = 0.55  # of the worst loss: how far the axis reaches while models wait to be revealed
CLOSE_UP = 0.22  # nats per character above the best rung that the close-up shows


PAPER_FROM = 0.48  # of the scale: the number in a cell is paper above and ink below
WIDE_CELLS = 13  # cells that hold numbers of 12 pixels on a phone
MOST_NUMBERS = 20  # beyond so many cells their numbers would touch


@dataclass(frozen=True)
class Row:
    """A rung as it is drawn. `loss` None: not revealed yet. `kind` is `counted`, `trained` or `mine`.

    `memorised` is the share (0 to 1) of training names among what the model writes; `expected` the share that a
    model would have that remembers nothing and finds real names on either side of the split alike.
    """

    key: str
    title: str
    kind: str
    loss: float | None
    deviation: float | None = None
    seeds: int = 1
    memorised: float | None = None
    expected: float | None = None
    parameters: int = 0


def ladder(
    rows: Sequence[Row],
    guess: Sequence[str] = (),
    equal: Sequence[tuple[str, str]] = (),
    chosen: str | None = None,
    close: bool = False,
    said: str = "",
) -> Figure:
    """One row a model, the lowest loss on top: its loss with the spread over seeds, and what it knows by heart.

    `guess` are keys of rows in the student's order: lines lead from the places of that order to where the models
    stand, and each crossing is a pair the wrong way round. `equal` are pairs that cannot be told apart.
    """
    best = min((row.loss for row in rows if row.loss is not None), default=0.0)
    if close:
        rows = [row for row in rows if row.loss is not None and row.loss < best + CLOSE_UP] or rows
    rows = sorted(rows, key=lambda row: math.inf if row.loss is None else row.loss)
    place = {row.key: i for i, row in enumerate(rows)}
    guess = [key for key in guess if key in place] if not close else []
    known = [row for row in rows if row.loss is not None and math.isfinite(row.loss)]
    data = [_dots(known, place, kind, close) for kind in ("counted", "trained", "mine")]
    data.append(_copies(rows, place))
    data.append(_expected(rows, place))
    shapes = [_row_line(i, LABELS[bool(guess)]) for i in range(len(rows))]
    notes = [_row_title(row, place[row.key], LABELS[bool(guess)], row.key == chosen) for row in rows]
    notes += [_hidden(place[row.key], row.loss, LOSS[bool(guess)]) for row in rows if row not in known]
    lines, numbers = _slopes(guess, place)
    shapes, notes = shapes + lines, notes + numbers
    for better, worse in _neighbours(equal, rows):
        shapes.append(_bracket(place[better], place[worse]))
        notes.append(_bracket_sign(place[better], place[worse]))
    worst = max((row.loss for row in known if row.loss is not None), default=3.3)
    if len(known) < len(rows):  # some are not told: the axis must not tell them
        best = HIDDEN * worst
    room = 0.06 * (worst - best) + 0.004
    plot = layout(
        axis(
            t("figure.ladder.loss"),
            domain=list(LOSS[bool(guess)]),
            range=[worst + room, best - room],
            nticks=5,
            anchor="y",
        ),
        axis(visible=False, range=[len(rows) - 0.4, -0.7]),
        xaxis2=axis(t("figure.ladder.copies"), domain=list(COPIES), range=[0, _most(rows)], nticks=3, anchor="y"),
        shapes=shapes,
        annotations=notes,
        margin={"l": 0, "r": 8, "t": 24, "b": 60},
        barmode="overlay",
    )
    if guess:
        plot["annotations"].append({**corner(t("figure.ladder.yours"), left=0, y=1), "x": 0.001})
    return Figure(
        title=t("figure.ladder.close_title") if close else t("figure.ladder.title"),
        look=t("figure.ladder.close_look") if close else t("figure.ladder.look"),
        plotly={"data": data, "layout": plot},
        table=(
            [t(f"figure.ladder.column.{name}") for name in COLUMNS],
            [_table_row(row, list(guess)) for row in rows],
        ),
        said=said or t("figure.ladder.before"),
        height=(0.0, ROW * len(rows) + 84),
    )


COLUMNS = ("model", "loss", "spread", "perplexity", "bits", "parameters", "copies", "expected", "place")


def _table_row(row: Row, guess: list[str]) -> list[Any]:
    loss = row.loss
    finite = loss is not None and math.isfinite(loss)
    return [
        row.title,
        None if loss is None else round(loss, 4) if finite else "∞",
        None if row.deviation is None or row.seeds < 2 else round(row.deviation, 4),
        round(math.exp(loss), 2) if finite and loss is not None else None,
        round(loss / math.log(2), 3) if finite and loss is not None else None,
        row.parameters if loss is not None else None,
        None if row.memorised is None else round(100 * row.memorised, 1),
        None if row.expected is None else round(100 * row.expected, 1),
        guess.index(row.key) + 1 if row.key in guess else None,
    ]


def _dots(known: Sequence[Row], place: dict[str, int], kind: str, close: bool) -> dict[str, Any]:
    rows = [row for row in known if row.kind == kind]
    colour = "--base" if kind == "counted" else "--model"
    bars = [row.deviation if row.deviation and row.seeds > 1 else 0.0 for row in rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": kind,
        "x": [row.loss for row in rows],
        "y": [place[row.key] for row in rows],
        "error_x": {
            "type": "data",
            "array": bars,
            "color": colour,
            "thickness": 2,
            "width": 6 if close else 0,
            "visible": any(bars),
        },
        "marker": {
            "size": 5 if close and kind == "trained" else 9,  # small enough to show the bar that it stands on
            "color": "--paper" if kind == "trained" else colour,
            "line": {"color": colour, "width": 2},
        },
        "customdata": [[row.key] for row in rows],
        "hovertext": [text_safe(hover(row)) for row in rows],
        "hoverinfo": "text",
    }


def hover(row: Row) -> str:
    """A rung in one line."""
    loss = f"{row.loss:.3f}"
    if row.deviation and row.seeds > 1:
        return t("figure.ladder.hover_spread", model=row.title, loss=loss, spread=f"{row.deviation:.4f}", n=row.seeds)
    return t("figure.ladder.hover", model=row.title, loss=loss)


def _copies(rows: Sequence[Row], place: dict[str, int]) -> dict[str, Any]:
    shown = [row for row in rows if row.memorised is not None and row.loss is not None]
    return {
        "type": "bar",
        "orientation": "h",
        "name": "copies",
        "x": [round(100 * (row.memorised or 0), 2) for row in shown],
        "y": [place[row.key] for row in shown],
        "xaxis": "x2",
        "width": 0.42,
        "marker": {"color": "--data"},
        "customdata": [[row.key] for row in shown],
        "hovertext": [
            text_safe(t("figure.ladder.hover_copies", model=row.title, share=f"{100 * (row.memorised or 0):.1f}"))
            for row in shown
        ],
        "hoverinfo": "text",
    }


def _expected(rows: Sequence[Row], place: dict[str, int]) -> dict[str, Any]:
    """What would be copied without any memory: a tick on the bar."""
    shown = [row for row in rows if row.expected is not None and row.loss is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "expected",
        "x": [round(100 * (row.expected or 0), 2) for row in shown],
        "y": [place[row.key] for row in shown],
        "xaxis": "x2",
        "marker": {"symbol": "line-ns", "size": 14, "line": {"color": "--ink-2", "width": 1.5}},
        "customdata": [[row.key] for row in shown],
        "hovertext": [
            text_safe(t("figure.ladder.hover_expected", model=row.title, share=f"{100 * (row.expected or 0):.1f}"))
            for row in shown
        ],
        "hoverinfo": "text",
    }


def _most(rows: Sequence[Row]) -> float:
    shares = [share for row in rows for share in (row.memorised, row.expected) if share is not None]
    return max(10.0, 112 * max(shares, default=0.0))


def _row_line(i: int, x: float) -> dict[str, Any]:
    line = {"color": "--rule", "width": 1}
    return {
        "type": "line",
        "xref": "paper",
        "x0": x,
        "x1": 1,
        "y0": i + 0.5,
        "y1": i + 0.5,
        "line": line,
        "layer": "below",
    }


def _row_title(row: Row, i: int, x: float, chosen: bool) -> dict[str, Any]:
    title = text_safe(row.title)
    return {
        "text": f"<b>{title}</b>" if chosen or row.kind == "mine" else title,
        "xref": "paper",
        "x": x,
        "y": i,
        "xanchor": "left",
        "showarrow": False,
        "font": {"size": 12, "color": "--model" if row.kind == "mine" else "--ink"},
    }


def _hidden(i: int, loss: float | None, domain: tuple[float, float]) -> dict[str, Any]:
    """A sign where no dot can stand: not revealed yet, or infinite."""
    return {
        "text": "?" if loss is None else "∞",
        "xref": "paper",
        "x": sum(domain) / 2 if loss is None else domain[0],
        "y": i,
        "showarrow": False,
        "font": {"size": 15, "color": "--ink-3"},
    }


def _slopes(guess: Sequence[str], place: dict[str, int]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lines from the places of the student's order to the rows of the models, in ink."""
    slots = sorted(place[key] for key in guess)
    left, right = SLOPE
    lines, numbers = [], []
    for number, (key, slot) in enumerate(zip(guess, slots, strict=True), start=1):
        ink = {"color": "--ink", "width": 1.75}
        lines.append(
            {"type": "line", "xref": "paper", "x0": left, "x1": right, "y0": slot, "y1": place[key], "line": ink}
        )
        numbers.append(
            {
                "text": f"<b>{number}</b>",
                "xref": "paper",
                "x": left - 0.012,
                "y": slot,
                "xanchor": "right",
                "showarrow": False,
                "font": {"size": 12, "color": "--ink"},
            }
        )
    return lines, numbers


def _neighbours(equal: Sequence[tuple[str, str]], rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Of the pairs that cannot be told apart those with rows that follow each other, apart from the bench."""
    keys = [row.key for row in rows if row.kind != "mine"]
    pairs = {frozenset(pair) for pair in equal}
    return [(a, b) for a, b in pairwise(keys) if frozenset((a, b)) in pairs]


def _bracket(first: int, second: int) -> dict[str, Any]:
    x, line = LOSS[True][1] + 0.008, {"color": "--ink-3", "width": 1.5}
    return {"type": "line", "xref": "paper", "x0": x, "x1": x, "y0": first, "y1": second, "line": line}


def _bracket_sign(first: int, second: int) -> dict[str, Any]:
    return {
        "text": "≈",
        "xref": "paper",
        "x": LOSS[True][1] + 0.012,
        "y": (first + second) / 2,
        "xanchor": "left",
        "showarrow": False,
        "font": {"size": 15, "color": "--ink-3"},
    }


# --- one name ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spelled:
    """One name under one model: -ln p of each piece and of the end, in nats."""

    model: str
    nats: Sequence[float]


def surprise(pieces: Sequence[str], first: Spelled, second: Spelled, chosen: int = 0) -> Figure:
    """The surprise of each letter under two models as cells of one colour scale, and the difference above them."""
    end = t("figure.surprise.end")
    labels = [text_safe(piece) for piece in pieces] + [end]
    plain = [*pieces, end]
    places = list(range(len(labels)))
    chosen = min(max(0, chosen), len(places) - 1)
    spelled = (second, first)  # drawn from the bottom up
    finite = [nats for each in spelled for nats in each.nats if math.isfinite(nats)]
    top = max(finite, default=1.0) or 1.0
    differences = [
        a - b if math.isfinite(a) and math.isfinite(b) else 0.0 for a, b in zip(first.nats, second.nats, strict=True)
    ]
    widest = max(0.1, *(abs(value) for value in differences)) * 1.25
    names = [text_safe(each.model) for each in spelled]
    data: list[dict[str, Any]] = [
        {
            "type": "heatmap",
            "x": places,
            "y": [0, 1],
            "z": [[nats if math.isfinite(nats) else None for nats in each.nats] for each in spelled],
            "hovertext": [
                [
                    t("figure.surprise.hover", model=name, letter=letter, nats=f"{nats:.2f}",
                      share=f"{100 * math.exp(-nats):.1f}")
                    for letter, nats in zip(labels, each.nats, strict=True)
                ]
                for name, each in zip(names, spelled, strict=True)
            ],
            "hoverinfo": "text",
            "customdata": [[[place] for place in places]] * 2,
            "colorscale": "--cividis",
            "zmin": 0,
            "zmax": top * 1.001,
            "xgap": 2,
            "ygap": 2,
            "colorbar": {
                "orientation": "h", "x": 1.0, "xanchor": "right", "y": 0, "yanchor": "top", "ypad": 48, "xpad": 12,
                "len": 0.45, "thickness": 8, "outlinewidth": 0, "ticks": "",
                "title": {"text": t("figure.surprise.scale"), "side": "bottom", "font": {"size": 12}},
                "tickvals": [0, top], "ticktext": ["0", f"{top:.1f}"], "tickfont": {"size": 12, "color": "--ink-3"},
            },
        },
        {
            "type": "bar",
            "x": places,
            "y": [round(value, 4) for value in differences],
            "yaxis": "y2",
            "width": 0.6,
            "marker": {"color": "--model"},
            "customdata": [[place] for place in places],
            "hovertext": [f"{letter}: {value:+.2f}" for letter, value in zip(labels, differences, strict=True)],
            "hoverinfo": "text",
        },
    ]  # fmt: skip
    shapes = [
        {
            "type": "rect", "x0": chosen - 0.5, "x1": chosen + 0.5, "y0": -0.5, "y1": 1.5,
            "line": {"color": "--ink", "width": 2.5}, "fillcolor": "rgba(0,0,0,0)",
        },
        {
            "type": "line", "x0": -0.5, "x1": len(places) - 0.5, "y0": 0, "y1": 0, "yref": "y2",
            "line": {"color": "--rule-2", "width": 1},
        },
    ]  # fmt: skip
    letters = {
        "tickmode": "array", "tickvals": places, "ticktext": labels, "tickangle": 0, "showgrid": False, "ticks": "",
        "tickfont": {"family": MONO, "size": 13, "color": "--ink"},
    }  # fmt: skip
    # a name that begins like a colour stays a name
    rows = {
        "tickmode": "array",
        "tickvals": [0, 1],
        "ticktext": [f" {name}" for name in names],
        "showgrid": False,
        "ticks": "",
    }
    plot = layout(
        axis("", **letters, range=[-0.5, len(places) - 0.5], anchor="y"),
        axis("", **rows, range=[-0.5, 1.5], domain=[0, 0.48]),
        yaxis2=axis("", domain=[0.68, 1], range=[-widest, widest], nticks=3),
        shapes=shapes,
        annotations=[
            corner(t("figure.surprise.difference", first=names[1], second=names[0]), left=88, y=1),
            corner(t("figure.surprise.rows"), left=88, y=0.49),
            {**corner(t("figure.surprise.letters"), left=0, y=0), "yshift": -30, "yanchor": "top"},
            *(
                _cell(place, row, nats, top, len(places))
                for row, each in enumerate(spelled)
                for place, nats in enumerate(each.nats)
            ),
        ],
        margin={"l": 88, "r": 8, "t": 24, "b": 104},
        meta={"dense": True},
    )
    return Figure(
        title=t("figure.surprise.title", name="".join(pieces)),
        look=t("figure.surprise.look"),
        plotly={"data": data, "layout": plot},
        table=(
            [
                t("figure.surprise.letter"), t("figure.surprise.of", model=first.model),
                t("figure.surprise.of", model=second.model), t("figure.surprise.delta"),
            ],
            [
                [letter, nats_cell(a), nats_cell(b), nats_cell(a - b) if math.isfinite(a - b) else ""]
                for letter, a, b in zip(plain, first.nats, second.nats, strict=True)
            ],
        ),
        said=t(
            "figure.surprise.said",
            after="".join(pieces[:chosen]) or t("figure.surprise.start"),
            letter=plain[chosen],
            first=first.model,
            first_share=f"{100 * math.exp(-first.nats[chosen]):.1f}",
            first_nats=f"{first.nats[chosen]:.2f}",
            second=second.model,
            second_share=f"{100 * math.exp(-second.nats[chosen]):.1f}",
            second_nats=f"{second.nats[chosen]:.2f}",
        ),
        height=(0.0, 322),
    )  # fmt: skip


def _cell(place: int, row: int, nats: float, top: float, cells: int) -> dict[str, Any]:
    """The number in a cell: paper on the strong colours, ink on the pale ones, whichever scheme is on."""
    finite = math.isfinite(nats)
    text = "" if cells > MOST_NUMBERS else f"{nats:.1f}" if finite else "∞"
    strong = finite and nats > PAPER_FROM * top
    size = 12 if cells <= WIDE_CELLS else 10
    font = {"size": size, "color": "--paper" if strong else "--ink"}
    return {"x": place, "y": row, "text": text, "showarrow": False, "font": font}


def nats_cell(nats: float) -> Any:
    """A number of nats for a table: three decimals, or the sign for infinity."""
    return round(nats, 3) if math.isfinite(nats) else "∞"


# --- leaks -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leak:
    """One model's loss on the same held-out names: when they did not leak, and when they did."""

    title: str
    honest: float
    leaky: float
    guess: float | None = None
    """By how many nats the student said that the leak flatters this model."""
    seed: int | None = None
    """Of a network; a counted model has none."""


def leaks(rows: Sequence[Leak]) -> Figure:
    """From the honest loss to what a careless split makes of it, a line a model; further right looks better.

    Where the student said by how much, a triangle in ink stands where the loss would be then.
    """
    places = list(range(len(rows)))
    losses = [loss for row in rows for loss in (row.honest, row.leaky)]
    said = [(i, row.honest - row.guess) for i, row in enumerate(rows) if row.guess is not None]
    losses += [loss for _, loss in said]
    best, worst = min(losses), max(losses)
    room = 0.12 * (worst - best) + 0.01
    least, most = (pick(rows, key=lambda row: row.honest - row.leaky) for pick in (min, max))
    shapes = [
        {"type": "line", "x0": row.honest, "x1": row.leaky, "y0": i, "y1": i, "line": {"color": "--data", "width": 2}}
        for i, row in enumerate(rows)
    ]
    data = [
        _ends([row.honest for row in rows], places, "honest", "--paper"),
        _ends([row.leaky for row in rows], places, "leaky", "--data"),
        {
            "type": "scatter", "mode": "markers", "name": "guess",
            "x": [loss for _, loss in said], "y": [i for i, _ in said],
            "marker": {
                "symbol": "triangle-up-open", "size": 12, "color": "--ink", "line": {"color": "--ink", "width": 1.75},
            },
            "hovertemplate": t("figure.leaks.guess") + ": %{x:.3f}<extra></extra>",
        },
    ]  # fmt: skip
    notes = [
        {
            "x": row.leaky, "y": i, "yshift": 16, "showarrow": False,
            "xanchor": "right" if row.leaky < (best + worst) / 2 else "left",
            "font": {"size": 12, "color": "--data-text"},
            "text": t("figure.leaks.flattery", nats=f"{row.honest - row.leaky:.3f}"),
        }
        for i, row in enumerate(rows)
    ]  # fmt: skip
    notes += [
        {
            "x": loss, "y": i, "yshift": -17, "showarrow": False, "text": t("figure.leaks.guess"),
            "xanchor": "right" if loss < (best + worst) / 2 else "left", "font": {"size": 12, "color": "--ink"},
        }
        for i, loss in said
    ]  # fmt: skip
    names = {"tickmode": "array", "tickvals": places, "ticktext": [_leak_title(row) for row in rows], "ticks": ""}
    plot = layout(
        axis(t("figure.leaks.x"), range=[worst + room, best - room], nticks=5),
        axis(t("figure.leaks.y"), **names, range=[len(rows) - 0.5, -0.6], showgrid=False),
        shapes=shapes,
        annotations=notes,
        margin={"l": 92, "r": 12, "b": 60},
    )
    return Figure(
        title=t("figure.leaks.title"),
        look=t("figure.leaks.look"),
        plotly={"data": data, "layout": plot},
        table=(
            [t(f"figure.leaks.column.{name}") for name in ("model", "seed", "honest", "leaky", "flattery", "guess")],
            [
                [
                    row.title,
                    row.seed,
                    *(round(x, 4) for x in (row.honest, row.leaky, row.honest - row.leaky)),
                    row.guess,
                ]
                for row in rows
            ],
        ),
        said=t(
            "figure.leaks.said",
            least=least.title,
            least_nats=f"{least.honest - least.leaky:.3f}",
            most=most.title,
            most_nats=f"{most.honest - most.leaky:.3f}",
        ),
        height=(0.0, 92 + 52 * len(rows)),
    )


def _leak_title(row: Leak) -> str:
    title = text_safe(row.title)
    return title if row.seed is None else f"{title}<br>{t('figure.leaks.seed', seed=row.seed)}"


def _ends(losses: Sequence[float], places: Sequence[int], name: str, fill: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": list(losses),
        "y": list(places),
        "marker": {"size": 11, "color": fill, "line": {"color": "--data", "width": 2}},
        "hovertemplate": t(f"figure.leaks.{name}") + ": %{x:.3f}<extra></extra>",
    }
