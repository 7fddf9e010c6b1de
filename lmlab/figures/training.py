"""Figures of a training: the loss curve that grows while it learns, and the letters in two dimensions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lmlab.figures.counts import rounded
from lmlab.figures.figure import MONO, Figure, Growth, axis, layout, text_safe

Points = list[list[float]]
VOWELS = set("aeiouáàâäãåæéèêëíìîïóòôöõøúùûüœ")
MOST_LETTERS = 120


@dataclass
class Curve:
    """One run's losses: `batch`, `validation` and `train` are lists of [step, nats per character]."""

    name: str
    batch: Points = field(default_factory=list)
    validation: Points = field(default_factory=list)
    train: Points = field(default_factory=list)

    def range(self, baselines: Sequence[Sequence[Any]]) -> tuple[float, float]:
        """(top, bottom) of the loss axis that this run needs, in steps of a fifth so that they seldom move."""
        values = [loss for _, loss in self.batch + self.validation if math.isfinite(loss)]
        top, bottom = loss_range(values, [loss for _, loss in baselines])
        return math.ceil(5 * top) / 5, math.floor(5 * bottom) / 5


def loss_curve(
    run: Curve,
    earlier: Sequence[Curve],
    baselines: Sequence[tuple[str, float]],
    planned: int,
    log_steps: bool,
) -> Figure:
    """Training loss solid, held out dashed, earlier runs faded, baselines dotted with their names.

    Trace 0 is the training curve, trace 1 the held-out one: a live run makes them grow.
    """
    data = [
        {**_curve(run.batch, "training", "solid", log_steps), "opacity": 0.55},  # noisy: held out stays readable
        {**_curve(run.validation, "held out", "5px 4px", log_steps), "mode": "lines+markers", "marker": {"size": 5}},
    ]
    data += [
        {**_curve(old.validation, f"{old.name}, held out", "5px 4px", log_steps), "opacity": 0.45}
        for old in earlier
        if old.validation
    ]
    top, bottom = run.range(baselines)
    x_range = [0, math.log10(max(2, planned))] if log_steps else [0, planned]
    plot = layout(
        axis(
            "training step" + (", logarithmic" if log_steps else ""),
            type="log" if log_steps else "linear",
            range=x_range,
            fixedrange=False,
            nticks=6,
            **({"dtick": 1} if log_steps else {}),
        ),
        axis("nats per character", range=[bottom, top], fixedrange=False, nticks=6),
        shapes=[
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": loss,
                "y1": loss,
                "line": {"color": "--base", "width": 1, "dash": "2px 4px"},
            }
            for _, loss in baselines
        ],
        annotations=[*_baseline_notes(baselines), *end_notes(run, log_steps)],
        margin={"l": 44, "r": 116, "b": 44},
        dragmode="zoom",
        meta={"narrow_margin": 80},
        uirevision=f"{text_safe(run.name)} {log_steps}",  # a zoom stays while this run streams, not beyond it
    )
    return Figure(
        title="Loss while it learns",
        look="Look for the step where the dashed curve crosses the bigram line, and whether the two curves part.",
        plotly={"data": data, "layout": plot},
        table=(["step", "training, nats", "held out, nats"], table_rows(run)),
        said="Solid: training. Dashed: held out. Dotted: baselines. Faded: earlier runs. "
        "Drag to zoom, double-click to go back.",
        height=(0.0, 400.0),
    )


def loss_range(values: Sequence[float], marks: Sequence[float]) -> tuple[float, float]:
    """(top, bottom) of the loss axis: it holds the baselines and every value up to four times the highest one.

    >>> loss_range([2.0, 900.0], [3.3])
    (13.2, 1.9)
    """
    highest = max(marks, default=3.3)
    top = min(max([*values, highest]), 4 * highest)
    bottom = min([*values, *marks, top])
    return round(top + 0.1, 3) if top < 4 * highest else top, round(bottom - 0.1, 3)


def growth(points: Points, validation: Points, run: Curve, log_steps: bool) -> Growth:
    """What new points add to the figure that `loss_curve` made; `run` is the whole run with them."""
    xs = [[_place(step, log_steps) for step, _ in part] for part in (points, validation)]
    ys = [[round(loss, 4) for _, loss in part] for part in (points, validation)]
    rows = [[int(step), rounded(loss), None] for step, loss in points]
    rows += [[int(step), None, rounded(loss)] for step, loss in validation]
    return Growth([0, 1], xs, ys, rows)


def table_rows(run: Curve) -> list[list[Any]]:
    """Both curves by step; at most about a hundred batch points, every held-out one."""
    stride = max(1, len(run.batch) // 100)
    rows: dict[int, list[Any]] = {int(step): [int(step), rounded(loss), None] for step, loss in run.batch[::stride]}
    for step, loss in run.validation:
        rows.setdefault(int(step), [int(step), None, None])[2] = rounded(loss)
    return [rows[step] for step in sorted(rows)]


def end_notes(run: Curve, log_steps: bool) -> list[dict[str, Any]]:
    """The run's name and loss where its held-out curve ends."""
    if not run.validation:
        return []
    step, loss = run.validation[-1]
    x = _place(step, log_steps)
    return [
        {
            "x": math.log10(x) if log_steps else x,
            "y": loss,
            "text": f"<b>{loss:.2f} {text_safe(run.name)}</b>",
            "showarrow": False,
            "xanchor": "left" if len(run.validation) == 1 else "right",
            "yanchor": "bottom",
            "yshift": 14,
            "font": {"color": "--model"},
        }
    ]


def _baseline_notes(baselines: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    return [
        {
            "xref": "paper",
            "x": 1,
            "y": loss,
            "text": f"{text_safe(title)} {loss:.2f}",
            "showarrow": False,
            "xanchor": "left",
            "xshift": 6,
            "font": {"color": "--ink-3"},
        }
        for title, loss in baselines
    ]


def _place(step: float, log_steps: bool) -> float:
    """Where a step stands; a logarithmic axis has no 0, so the start stands at 1."""
    return max(1.0, step) if log_steps else step


def _curve(points: Points, name: str, dash: str, log_steps: bool) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [_place(step, log_steps) for step, _ in points],
        "y": [round(loss, 4) if math.isfinite(loss) else None for _, loss in points],
        "name": text_safe(name),
        "mode": "lines",
        "line": {"color": "--model", "width": 2, "dash": dash},
        "hovertemplate": "step %{x}: %{y:.3f} nats<extra>" + text_safe(name) + "</extra>",
    }


def letters(
    symbols: Sequence[str],
    points: Sequence[Sequence[float]],
    kept: float,
    dimensions: int,
    chosen: int | None = None,
    trails: Sequence[Sequence[Sequence[float]]] = (),
) -> Figure:
    """Each token at its place; vowels blue and bold. `trails` are earlier moments, oldest first."""
    n = min(len(points), MOST_LETTERS)
    data: list[dict[str, Any]] = []
    for i in range(n):
        if trails and symbols[i] in VOWELS:
            way = [*(moment[i] for moment in trails), points[i]]
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": [x for x, _ in way],
                    "y": [y for _, y in way],
                    "line": {"color": "--model", "width": 1},
                    "opacity": 0.45,
                    "hoverinfo": "skip",
                }
            )
    vowel = [symbols[i] in VOWELS for i in range(n)]
    data.append(
        {
            "type": "scatter",
            "mode": "text",
            "x": [round(x, 4) for x, _ in points[:n]],
            "y": [round(y, 4) for _, y in points[:n]],
            "text": [
                f"<b>{text_safe(s)}</b>" if v or i == chosen else text_safe(s)
                for i, (s, v) in enumerate(zip(symbols, vowel, strict=False))
            ],
            "textfont": {
                "family": MONO,
                "size": [17 if v else 14 for v in vowel],
                "color": ["--model" if v else "--ink-2" for v in vowel],
            },
            "customdata": list(range(n)),
            "hovertext": [f"{text_safe(s)}: tap for its neighbours" for s in symbols[:n]],
            "hoverinfo": "text",
        }
    )
    shapes: list[dict[str, Any]] = []
    if chosen is not None and chosen < n:
        x, y = points[chosen]
        shapes.append(
            {
                "type": "circle",
                "xsizemode": "pixel",
                "ysizemode": "pixel",
                "xanchor": x,
                "yanchor": y,
                "x0": -13,
                "x1": 13,
                "y0": -13,
                "y1": 13,
                "line": {"color": "--ink", "width": 1.75},
            }
        )
    of = f" of {dimensions}" if dimensions > 2 else ""
    seen = [place for moment in (*trails, points) for place in moment[:n]]
    span_x, span_y = _span([x for x, _ in seen]), _span([y for _, y in seen])
    plot = layout(
        axis(
            f"{'component' if of else 'dimension'} 1{of}",
            showline=True,
            zeroline=True,
            zerolinecolor="--rule",
            showgrid=False,
            range=span_x,
            nticks=5,
        ),
        axis(
            f"{'component' if of else 'dimension'} 2{of}",
            showline=True,
            zeroline=True,
            zerolinecolor="--rule",
            showgrid=False,
            range=span_y,
            nticks=5,
        ),
        shapes=shapes,
        margin={"l": 52, "r": 8, "b": 44},
        hovermode="closest",
    )
    how = (
        "Two dimensions, drawn as they are."
        if not of
        else f"The two axes hold {100 * kept:.0f} % of the variance; the rest is lost here."
    )
    return Figure(
        title="Where the letters went",
        look="Look for the vowels drawing together. Tap a letter for its neighbours.",
        plotly={"data": data, "layout": plot},
        table=(
            ["letter", "x", "y", "vowel"],
            [
                [symbols[i], round(points[i][0], 3), round(points[i][1], 3), "yes" if vowel[i] else ""]
                for i in range(n)
            ],
        ),
        said=how,
        height=(0.0, 440.0),
    )


def _span(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 1.0
    return [round(low - room, 4), round(high + room, 4)]
