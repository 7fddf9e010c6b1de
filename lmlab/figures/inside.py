"""Figures of the inside of a network: the slope of its loss with a walk downhill; and numbers as they are written."""

import math
from collections.abc import Sequence
from typing import Any

from lmlab.figures.figure import Figure, axis, layout, text_safe
from lmlab.strings import t

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def number(value: float | None, digits: int = 3) -> str:
    """A number for a formula: so many digits after the point, more for a small one, a true minus, ∞ for None.

    >>> number(-0.8224), number(0.00206), number(0.0000012), number(0), number(None), number(12.3456, 1)
    ('−0.822', '0.0021', '1.2·10⁻⁶', '0', '∞', '12.3')
    """
    if value is None or math.isinf(value):
        return "∞"
    if value == 0:
        return "0"
    if abs(value) >= 0.5 * 10 ** (1 - digits) or digits < 3:
        text = f"{value:.{digits}f}"
    elif abs(value) >= 1e-4:
        text = f"{value:.2g}"
    else:
        mantissa, power = f"{value:.1e}".split("e")
        text = f"{mantissa}·10{str(int(power)).translate(SUPERSCRIPTS)}"
    return text.replace("-", "−")


def factor(value: float, digits: int = 3) -> str:
    """A number inside a product: a negative one, or one with a power of ten, stands in brackets.

    >>> factor(-0.5), factor(0.5)
    ('(−0.500)', '0.500')
    """
    text = number(value, digits)
    return f"({text})" if text.startswith("−") or "·" in text else text


def index(i: int) -> str:
    """A small number below the line.

    >>> index(124)
    '₁₂₄'
    """
    return str(i).translate(SUBSCRIPTS)


Path = Sequence[Sequence[float | None]]
"""[a, b, loss, gradient along a, gradient along b] before each step of a descent and after its last."""


def slope(
    grid: dict[str, Any],
    paths: Sequence[tuple[float, Path]] = (),
) -> Figure:
    """The loss on a slice through a network's weights, with descents as lines: (learning rate, path) each.

    `grid` is the answer to the question "slope" with all rows of `losses`. The first path is solid, a second dashed.
    """
    x, y = axis_names(grid)
    places, losses = grid["axis"], grid["losses"]
    hover = [
        [
            t("figure.slope.hover", x=number(a, 2), y=number(b, 2), loss=number(loss))
            for a, loss in zip(places, row, strict=True)
        ]
        for b, row in zip(places, losses, strict=True)
    ]
    data: list[dict[str, Any]] = [
        {
            "type": "contour",
            "x": places,
            "y": places,
            "z": [[None if loss is None else round(loss, 4) for loss in row] for row in losses],
            "text": hover,
            "hoverinfo": "text",
            "customdata": [[[a, b] for a in places] for b in places],
            "colorscale": "--cividis",
            "contours": {"coloring": "heatmap", "showlines": True},
            "line": {"width": 0.75, "color": "--paper", "smoothing": 0.6},
            "ncontours": 14,
            "colorbar": {
                "title": {"text": t("figure.slope.colour"), "side": "top", "font": {"size": 12}},
                "thickness": 8,
                "outlinewidth": 0,
                "tickfont": {"size": 12, "color": "--ink-3"},
                "ticks": "",
                "nticks": 6,
                "xpad": 6,
            },
        }
    ]
    edge = places[-1]
    for i, (rate, path) in enumerate(paths):
        data += path_traces(path, rate, edge, dashed=i > 0)
    notes = [note(0, 0, t("figure.slope.you"), "top")]
    if paths:
        notes.append(note(paths[0][1][0][0], paths[0][1][0][1], t("figure.slope.start"), "bottom"))
    dot = {"type": "scatter", "x": [0], "y": [0], "mode": "markers", "hoverinfo": "skip"}
    data.append({**dot, "marker": {"size": 9, "color": "--model", "line": {"color": "--paper", "width": 2}}})
    plot = layout(
        axis(text_safe(x), range=[-edge, edge], showgrid=False, constrain="domain"),
        axis(text_safe(y), range=[-edge, edge], showgrid=False, scaleanchor="x", constrain="domain"),
        annotations=notes,
        margin={"l": 44, "r": 64, "t": 28, "b": 48},
        uirevision=f"{grid['directions']} {grid['seed']}",
    )
    rows = [
        [rate_name(rate), step, number(a), number(b), number(loss)]
        for rate, path in paths
        for step, (a, b, loss, *_) in enumerate(path)
    ]
    rows += [
        ["", "", number(a, 2), number(b, 2), number(loss)]
        for b, row in list(zip(places, losses, strict=True))[:: max(1, len(places) // 6)]
        for a, loss in list(zip(places, row, strict=True))[:: max(1, len(places) // 6)]
    ]
    names = t("figure.slope.said_names", names=grid["names"], centre=number(grid["centre"]))
    return Figure(
        title=t("figure.slope.title"),
        look=t("figure.slope.look"),
        plotly={"data": data, "layout": plot},
        table=(
            [t("figure.slope.table_path"), t("figure.slope.table_step"), x, y, t("figure.slope.table_loss")],
            rows,
        ),
        said=" ".join([said_flat(grid), *(said_path(path, rate, edge) for rate, path in paths), names]).strip(),
        height=(0.72, 20.0),
    )


def axis_names(grid: dict[str, Any]) -> tuple[str, str]:
    """What the two directions are, with their unit."""
    if grid["directions"] == "random":
        return t("figure.slope.random_x"), t("figure.slope.random_y")
    symbols = grid["symbols"]
    (token, place), (letter, unit) = (one["place"] for one in grid["weights"])
    return (
        t("figure.slope.embedding", number=place, letter=symbols[token]),
        t("figure.slope.head", unit=unit, letter=symbols[letter]),
    )


def path_traces(path: Path, rate: float, edge: float, dashed: bool) -> list[dict[str, Any]]:
    """A descent as an ink line on a band of paper, so that it can be seen on light and on dark ground."""
    x, y = [point[0] for point in path], [point[1] for point in path]
    line: dict[str, Any] = {"type": "scatter", "x": x, "y": y, "hoverinfo": "skip", "mode": "lines"}
    dash = {"dash": "5px 4px"} if dashed else {}
    texts = [t("figure.slope.hover", x=number(a, 2), y=number(b, 2), loss=number(loss)) for a, b, loss, *_ in path]
    return [
        {**line, "line": {"color": "--paper", "width": 5}, "opacity": 0.85},
        {
            **line, "mode": "lines+markers", "name": rate_name(rate), "text": texts, "hoverinfo": "text",
            "line": {"color": "--ink", "width": 1.75, **dash},
            "marker": {"size": [9, *[5] * (len(path) - 1)], "color": "--ink"},
        },
    ]  # fmt: skip


def rate_name(rate: float) -> str:
    """A learning rate as it is written: no more digits than it has.

    >>> rate_name(0.3), rate_name(0.1 * 3), rate_name(30.0)
    ('0.3', '0.3', '30')
    """
    return f"{rate:.6g}"


def note(x: Any, y: Any, text: str, anchor: str) -> dict[str, Any]:
    """A word beside a point of the slope, on a strip of paper."""
    return {
        "x": x, "y": y, "text": text, "showarrow": False, "yanchor": anchor, "bgcolor": "--paper", "opacity": 0.9,
        "yshift": 8 if anchor == "bottom" else -8, "borderpad": 2, "font": {"size": 12, "color": "--ink"},
    }  # fmt: skip


def left_at(path: Path, edge: float) -> int | None:
    """The first step at which a path stands outside of the picture, or None.

    >>> left_at([[0, 0, 1.0], [0, 2, 3.0]], edge=1), left_at([[0, 0, 1.0]], edge=1)
    (1, None)
    """
    return next((i for i, (a, b, *_) in enumerate(path) if max(abs(a or 0), abs(b or 0)) > edge), None)


def said_path(path: Path, rate: float, edge: float) -> str:
    """A descent in words."""
    first, last = number(path[0][2]), number(path[-1][2])
    out = left_at(path, edge)
    if out is not None and left_at(path[-1:], edge) is not None:
        return t("figure.slope.said_lost", first=first, rate=rate_name(rate), step=out)
    return t("figure.slope.said", first=first, last=last, rate=rate_name(rate), steps=len(path) - 1)


def said_flat(grid: dict[str, Any]) -> str:
    """A sentence where every loss is the same."""
    losses = [loss for row in grid["losses"] for loss in row if loss is not None]
    return t("figure.slope.said_flat") if losses and max(losses) - min(losses) < 1e-6 else ""


def step_sums(path: Path, rate: float) -> list[str]:
    """The first step of a descent with its numbers."""
    if len(path) < 2:
        return []
    (a, b, loss, along_a, along_b), (a_new, b_new, after, *_) = path[0], path[1]
    move = {"rate": rate_name(rate)}
    return [
        t("figure.slope.sum_gradient", a=number(a), b=number(b), ga=number(along_a), gb=number(along_b)),
        t("figure.slope.sum_step", a=number(a), ga=number(along_a), a_new=number(a_new), name="a", **move),
        t("figure.slope.sum_step", a=number(b), ga=number(along_b), a_new=number(b_new), name="b", **move),
        t("figure.slope.sum_loss", before=number(loss), after=number(after)),
    ]
