"""Figures of a training: the loss curve that grows while it learns, and the letters in two dimensions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lmlab.figures.counts import rounded
from lmlab.figures.figure import MONO, Figure, Growth, axis, layout, text_safe
from lmlab.strings import t

Points = list[list[float]]
VOWELS = set("aeiouáàâäãåæéèêëíìîïóòôöõøúùûüœ")
MOST_LETTERS = 120
BOUNDARY = "."
HEIGHT = 430  # of the loss chart, in pixels; of these BELOW are the step axis, its mark and the key
BELOW = 112
MARK_ROOM = 26
EARLIER = ("12px 4px", "12px 4px 3px 4px", "3px 3px", "20px 6px", "12px 4px 3px 4px 3px 4px")
"""Dashes of earlier runs, the newest first: none is the run's own, and none the baselines' dots."""
LINE = 14  # pixels between the middles of two labels that do not touch


@dataclass
class Curve:
    """One run's losses: `batch`, `validation` and `train` are lists of [step, nats per character]."""

    name: str
    batch: Points = field(default_factory=list)
    validation: Points = field(default_factory=list)
    train: Points = field(default_factory=list)

    def range(self, baselines: Sequence[Sequence[Any]], guess: Sequence[Sequence[float]] = ()) -> tuple[float, float]:
        """(top, bottom) of the loss axis that this run needs, in steps of a fifth so that they seldom move."""
        values = [loss for _, loss in [*self.batch, *self.validation, *guess] if math.isfinite(loss)]
        top, bottom = loss_range(values, [loss for _, loss in baselines])
        return math.ceil(5 * top) / 5, math.floor(5 * bottom) / 5


def loss_curve(
    run: Curve,
    earlier: Sequence[Curve],
    baselines: Sequence[tuple[str, float]],
    planned: int,
    log_steps: bool,
    guess: Sequence[Sequence[float]] = (),
    batch: int | None = None,
) -> Figure:
    """Training loss solid, held out dashed, earlier runs faded, baselines dotted with their names.

    Trace 0 is the training curve, trace 1 the held-out one: a live run makes them grow. `guess` is the curve that the
    student drew, as [step, nats]; `batch` is how many names a step learns from.
    """
    data = [
        {**_curve(run.batch, t("figure.loss.training"), "solid", log_steps), "opacity": 0.55},  # noisy: keep it pale
        {
            **_curve(run.validation, t("figure.loss.held_out"), "5px 4px", log_steps),
            "mode": "lines+markers",
            "marker": {"size": 5},
        },
    ]
    data += [
        {
            **_curve(old.validation, t("figure.loss.earlier", name=old.name), EARLIER[i % len(EARLIER)], log_steps),
            "opacity": 0.45,
        }
        for i, old in enumerate(old for old in earlier if old.validation)
    ]
    if guess:
        data.append(_guessed(guess, log_steps))
    top, bottom = run.range(baselines, guess)
    title = t("figure.loss.steps_of", batch=batch) if batch else t("figure.loss.steps")
    plot = layout(
        axis(
            title,
            **_step_axis(planned, log_steps),
            fixedrange=False,
            # The mark that goes back to a stored step runs between the plot and these numbers.
            ticks="outside",
            ticklen=MARK_ROOM,
            tickcolor="rgba(0,0,0,0)",
        ),
        axis(t("figure.loss.nats"), range=[bottom, top], fixedrange=False, nticks=6),
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
        annotations=[*side_notes(run, baselines, guess), *_guess_note(guess, log_steps, top)],
        margin={"l": 44, "r": 124, "b": BELOW},
        dragmode="zoom",
        showlegend=True,
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": -(BELOW - 34) / (HEIGHT - BELOW - 24),
            "yanchor": "top",
            "font": {"size": 12, "color": "--ink-3"},
            "itemclick": False,
            "itemdoubleclick": False,
            "bgcolor": "rgba(0,0,0,0)",
        },
        meta={"narrow_margin": 84},
        uirevision=f"{text_safe(run.name)} {log_steps}",  # a zoom stays while this run streams, not beyond it
    )
    columns = ["step", "training", "held_out"]
    return Figure(
        title=t("figure.loss.title"),
        look=t("figure.loss.look"),
        plotly={"data": data, "layout": plot},
        table=([t(f"figure.loss.column_{column}") for column in columns], table_rows(run)),
        said=t("figure.loss.said"),
        height=(0.0, float(HEIGHT)),
    )


def _step_axis(planned: int, log_steps: bool) -> dict[str, Any]:
    """A logarithmic axis has no 0, so the start stands at 1; its last number is the planned end."""
    if not log_steps:
        return {"type": "linear", "range": [0, planned], "nticks": 6, "tickformat": ","}
    end = max(2, planned)
    ticks = [10**power for power in range(int(math.log10(end)) + 1)]
    ticks = [tick for tick in ticks if math.log10(end / tick) > 0.65] + [end]
    names = ["0" if tick == 1 else f"{tick:,}" for tick in ticks]
    return {"type": "log", "range": [0, math.log10(end)], "tickvals": ticks, "ticktext": names}


def _guessed(guess: Sequence[Sequence[float]], log_steps: bool) -> dict[str, Any]:
    """The student's own curve: ink, and thinner than data."""
    # Where steps 0 and 1 share a place, the curve begins with its start, which that place is named after.
    if log_steps:
        guess = [point for i, point in enumerate(guess) if not i or _place(point[0], True) > 1]
    curve = _curve(guess, t("figure.loss.your_guess"), "solid", log_steps)
    return {
        **curve,
        "line": {"color": "--ink", "width": 1.75, "shape": "spline", "smoothing": 0.6},
        "showlegend": False,
    }


def _guess_note(guess: Sequence[Sequence[float]], log_steps: bool, top: float) -> list[dict[str, Any]]:
    """A line is labelled where it stands, at the guess's middle; a level one is a number, which stands with it."""
    if not guess:
        return []
    step, loss = guess[len(guess) // 2]
    text = t("figure.loss.your_guess")
    if len({value for _, value in guess}) == 1:
        text = t("figure.loss.your_number", loss=loss) + (" ↑" if loss > top else "")  # above what the axis holds
    x = _place(step, log_steps)
    return [
        {
            "x": math.log10(x) if log_steps else x,
            "y": min(loss, top),
            "text": f"<b>{text}</b>",
            "showarrow": False,
            "xanchor": "left",
            "yanchor": "top" if loss > top else "bottom",
            "xshift": 6,
            "yshift": 4,
            "font": {"color": "--ink"},
        }
    ]


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


def side_notes(
    run: Curve, baselines: Sequence[tuple[str, float]], guess: Sequence[Sequence[float]] = ()
) -> list[dict[str, Any]]:
    """Names beside the drawing: each baseline at its line, the run where its held-out curve stands; none touch.

    The property `name` of a note is its text where the chart is narrow.
    """
    top, bottom = run.range(baselines, guess)
    pixel = (top - bottom) / (HEIGHT - BELOW - 24)
    notes: list[dict[str, Any]] = [
        {
            "y": loss,
            "text": f"{text_safe(title)} {loss:.2f}",
            "name": f"{text_safe(title).replace('Kneser–Ney', 'KN')} {loss:.2f}",
            "font": {"color": "--ink-3"},
        }
        for title, loss in baselines
    ]
    if run.validation:
        loss = run.validation[-1][1]
        notes.append(
            {
                "y": min(loss, top),
                "text": f"<b>{loss:.2f} {text_safe(run.name)}</b>",
                "name": f"<b>{loss:.2f}</b>",
                "font": {"color": "--model"},
            }
        )
    return [
        {**note, "xref": "paper", "x": 1, "showarrow": False, "xanchor": "left", "xshift": 6, "yshift": shift}
        for note, shift in zip(notes, spread([note["y"] / pixel for note in notes], LINE), strict=True)
    ]


def spread(heights: Sequence[float], room: float) -> list[float]:
    """How far to shift each height up so that none is nearer than `room` to the next; the last one stays.

    >>> spread([0, 30, 4], 14)
    [-10, 0, 0]
    >>> spread([0, 5, 30], 14)
    [-9, 0, 0]
    """
    if not heights:
        return []
    shifts = [0.0] * len(heights)
    last = len(heights) - 1
    for direction in (1, -1):
        side = [i for i in range(last) if (heights[i] >= heights[last]) == (direction > 0)]
        edge = heights[last]
        for i in sorted(side, key=lambda i: direction * heights[i]):
            free = edge + direction * room
            place = max(heights[i], free) if direction > 0 else min(heights[i], free)
            shifts[i], edge = round(place - heights[i], 1), place
    return [int(shift) if shift == int(shift) else shift for shift in shifts]


def _place(step: float, log_steps: bool) -> float:
    """Where a step stands; a logarithmic axis has no 0, so the start stands at 1."""
    return max(1.0, step) if log_steps else step


def _curve(points: Sequence[Sequence[float]], name: str, dash: str, log_steps: bool) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [_place(step, log_steps) for step, _ in points],
        "y": [round(loss, 4) if math.isfinite(loss) else None for _, loss in points],
        "name": text_safe(name),
        "mode": "lines",
        "line": {"color": "--model", "width": 2, "dash": dash},
        "hovertemplate": t("figure.loss.hover") + "<extra>" + text_safe(name) + "</extra>",
    }


def letters(
    symbols: Sequence[str],
    points: Sequence[Sequence[float]],
    kept: float,
    dimensions: int,
    chosen: int | None = None,
    trails: Sequence[Sequence[Sequence[float]]] = (),
    size: tuple[float, float] = (530.0, 440.0),
) -> Figure:
    """Each token at its place; vowels blue and bold. `trails` are earlier moments, oldest first.

    `size` is about how wide and how high the figure will be, in pixels: letters that would touch are moved apart.
    """
    n = min(len(points), MOST_LETTERS)
    vowel = [symbols[i] in VOWELS for i in range(n)]
    seen = [place for moment in (*trails, points) for place in moment[:n]]
    span_x, span_y = _span([x for x, _ in seen]), _span([y for _, y in seen])
    pixels = (size[0] - 60) / (span_x[1] - span_x[0]), (size[1] - 76) / (span_y[1] - span_y[0])
    shown = apart(points[:n], pixels)
    data: list[dict[str, Any]] = []
    for i in range(n):
        if trails and vowel[i]:
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
    names = [symbols[i] if i or symbols[i] != BOUNDARY else t("figure.letters.boundary") for i in range(n)]
    data.append(
        {
            "type": "scatter",
            "mode": "text",
            "x": [round(x, 4) for x, _ in shown],
            "y": [round(y, 4) for _, y in shown],
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
            "hovertext": [t("figure.letters.tap", letter=text_safe(name)) for name in names],
            "hoverinfo": "text",
        }
    )
    shapes: list[dict[str, Any]] = []
    if chosen is not None and chosen < n:
        x, y = shown[chosen]
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
    flat = dimensions <= 2
    titles = [
        t("figure.letters.dimension", n=i) if flat else t("figure.letters.component", n=i, of=dimensions)
        for i in (1, 2)
    ]
    quiet: dict[str, Any] = {
        "showline": True,
        "zeroline": True,
        "zerolinecolor": "--rule",
        "showgrid": False,
        "nticks": 5,
    }
    plot = layout(
        axis(titles[0], range=span_x, **quiet),
        axis(titles[1], range=span_y, **quiet),
        shapes=shapes,
        margin={"l": 44, "r": 8, "b": 44},
        hovermode="closest",
    )
    how = t("figure.letters.as_they_are") if flat else t("figure.letters.kept", share=100 * kept)
    if trails:
        how = t("figure.letters.trails", how=how)
    columns = [t(f"figure.letters.column_{name}") for name in ("letter", "x", "y", "vowel")]
    return Figure(
        title=t("figure.letters.title"),
        look=t("figure.letters.look"),
        plotly={"data": data, "layout": plot},
        table=(
            columns,
            [
                [
                    names[i],
                    round(points[i][0], 3),
                    round(points[i][1], 3),
                    t("figure.letters.yes") if vowel[i] else "",
                ]
                for i in range(n)
            ],
        ),
        said=how,
        height=(0.0, size[1]),
    )


def apart(
    points: Sequence[Sequence[float]], pixels: tuple[float, float], room: float = 14.0, furthest: float = 16.0
) -> list[list[float]]:
    """Places where letters can be read: those nearer than `room` pixels push each other away, a little at a time.

    `pixels` is how many make one unit along each axis; nobody is moved by more than `furthest` pixels.

    >>> apart([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0]], pixels=(10.0, 10.0))
    [[-0.65, 0.0], [0.75, 0.0], [5.0, 5.0]]
    """
    home = [(x * pixels[0], y * pixels[1]) for x, y in points]
    now = [list(place) for place in home]
    for _ in range(40):
        moved = False
        for i in range(len(now)):
            for k in range(i):
                dx, dy = now[i][0] - now[k][0], now[i][1] - now[k][1]
                distance = math.hypot(dx, dy)
                if distance >= room - 0.01:
                    continue
                # Two at one place part in a direction of their own, the same at every drawing.
                ux, uy = (dx / distance, dy / distance) if distance > 1e-9 else (math.cos(i), math.sin(i))
                push = (room - distance) / 2
                for place, sign in ((now[i], 1), (now[k], -1)):
                    place[0] += sign * push * ux
                    place[1] += sign * push * uy
                moved = True
        for place, (x, y) in zip(now, home, strict=True):
            way = math.hypot(place[0] - x, place[1] - y)
            if way > furthest:
                place[0] = x + (place[0] - x) * furthest / way
                place[1] = y + (place[1] - y) * furthest / way
        if not moved:
            break
    return [[round(x / pixels[0], 4), round(y / pixels[1], 4)] for x, y in now]


def _span(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 1.0
    return [round(low - room, 4), round(high + room, 4)]
