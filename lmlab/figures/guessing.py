"""Figures of the guessing game: where in a name models and the student pay most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lmlab.figures.figure import Figure, axis, layout, text_safe
from lmlab.strings import t

PLACES = ("first", "middle", "end")
"""Places in a name: its first letter, the letters after it, the end mark."""
COLUMNS = (*PLACES, "whole")
"""What the bars stand for: each place, and all letters of all names together."""
WHOLE = len(PLACES)


@dataclass(frozen=True)
class Pace:
    """A model's mean surprise at each of `COLUMNS`, in bits. `asked`: the question about the whole is about it."""

    model: str
    bits: Sequence[float]
    colour: str = "--model"
    asked: bool = False


@dataclass(frozen=True)
class Said:
    """What the student has guessed: the hardest of `PLACES`, and the bits of the model that was asked about."""

    place: str | None = None
    bits: float | None = None


def where_it_is_hard(
    paces: Sequence[Pace], mine: Mapping[str, Sequence[float]], names: int, said: Said | None = None
) -> Figure:
    """Bars of the models at each place, and the mean of the student's bets there as an outline around them.

    `mine` are the surprises of the student's bets at each of `PLACES`, in bits; `names` how many held-out names the
    models were measured on. What the student has `said` stands on it in ink: a triangle over the place, a line at the
    bits. While no pace is `asked` about, the question about it is still open, and the chart says so.
    """
    said = said or Said()
    columns = [*(list(mine[place]) for place in PLACES), [bits for place in PLACES for bits in mine[place]]]
    means = [sum(bits) / len(bits) if bits else None for bits in columns]
    width = 0.8 / len(paces)
    data = [_bars(pace, -0.4 + (i + 0.5) * width, 0.9 * width) for i, pace in enumerate(paces)]
    played = [(i, mean) for i, mean in enumerate(means) if mean is not None]
    data.append(_outline(played))
    highest = [value for pace in paces for value in pace.bits] + [mean for _, mean in played]
    top = max([*highest, said.bits or 0.0])
    notes = [_mine(i, mean, len(columns[i])) for i, mean in played]
    shapes: list[dict[str, Any]] = []
    if said.place is not None:
        data.append(_triangle(PLACES.index(said.place), 1.16 * top))
        notes.append(_label(PLACES.index(said.place), 1.16 * top, t("figure.places.guess_place"), 8))
    asked = next((i for i, pace in enumerate(paces) if pace.asked), None)
    if said.bits is not None and asked is not None:
        x = WHOLE - 0.4 + (asked + 0.5) * width
        shapes.append(
            {"type": "line", "x0": x - 0.75 * width, "x1": x + 0.75 * width, "y0": said.bits, "y1": said.bits,
             "line": {"color": "--ink", "width": 1.75}}
        )  # fmt: skip
        notes.append(_line_label(x, said.bits, means[WHOLE], top))
    plot = layout(
        axis(
            t("figure.places.x"),
            tickvals=list(range(len(COLUMNS))),
            ticktext=[t(f"figure.places.{column}") for column in COLUMNS],
            tickangle=0,
            showgrid=False,
            range=[-0.55, len(COLUMNS) - 0.45],
        ),
        axis(t("figure.places.y"), range=[0, (1.15 if said == Said() else 1.32) * top], nticks=5),
        barmode="overlay",
        annotations=notes,
        shapes=shapes,
    )
    hardest = max(range(len(PLACES)), key=lambda i: paces[-1].bits[i])
    words = [
        t(
            "figure.places.said", model=paces[-1].model, place=t(f"guess.place.{PLACES[hardest]}"),
            bits=f"{paces[-1].bits[hardest]:.2f}",
        )
    ]  # fmt: skip
    if said.place is not None:
        words.append(t("figure.places.said_place", place=t(f"guess.place.{said.place}")))
    if said.bits is not None and asked is not None:
        words.append(t("figure.places.said_bits", model=paces[asked].model, bits=f"{said.bits:.1f}"))
    return Figure(
        title=t("figure.places.title"),
        look=t("figure.places.look" if asked is not None else "figure.places.look_asked", names=names),
        plotly={"data": data, "layout": plot},
        table=(
            [t("figure.places.who"), *(t(f"guess.place.{column}") for column in COLUMNS)],
            [*([pace.model, *(round(value, 2) for value in pace.bits)] for pace in paces), *_my_rows(means, said)],
        ),
        said=" ".join(words),
        height=(0.0, 300.0),
    )


def _my_rows(means: Sequence[float | None], said: Said) -> list[list[Any]]:
    """The student's bets, and the guesses in the columns that they are about."""
    rows = [[t("figure.places.you"), *(None if mean is None else round(mean, 2) for mean in means)]]
    if said.place is not None:
        rows.append([
            t("figure.places.guess"),
            *(t("figure.places.hardest") if column == said.place else None for column in COLUMNS),
        ])  # fmt: skip
    if said.bits is not None:
        rows.append([t("figure.places.guess"), *[None] * WHOLE, said.bits])
    return rows


def _bars(pace: Pace, shift: float, width: float) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": [place + shift for place in range(len(COLUMNS))],
        "y": [round(value, 4) for value in pace.bits],
        "width": width,
        "name": text_safe(pace.model),
        "marker": {"color": pace.colour},
        "hovertemplate": t("figure.places.hover", model=text_safe(pace.model)),
    }


def _outline(played: Sequence[tuple[int, float]]) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": [i for i, _ in played],
        "y": [round(mean, 4) for _, mean in played],
        "width": 0.86,
        "name": t("figure.places.you"),
        "marker": {"color": "rgba(0,0,0,0)", "line": {"color": "--ink", "width": 1.75}},
        "hovertemplate": t("figure.places.hover_you"),
    }


def _mine(i: int, mean: float, bets: int) -> dict[str, Any]:
    return _label(i, mean, t("figure.places.mark", bits=f"{mean:.1f}", n=bets), 2)


def _triangle(x: float, y: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x],
        "y": [y],
        "name": t("figure.places.guess"),
        "marker": {
            "symbol": "triangle-down-open", "size": 12, "color": "--ink", "line": {"width": 1.75, "color": "--ink"},
        },
        "hoverinfo": "skip",
    }  # fmt: skip


def _line_label(x: float, bits: float, mine: float | None, top: float) -> dict[str, Any]:
    """The label of the line: above it, or below it where the student's own bets stand higher."""
    text = t("figure.places.guess_bits", bits=f"{bits:.1f}")
    if mine is not None and mine > bits:
        return {**_label(x, bits, text, -2), "yanchor": "top"}
    return _label(x, bits, text, 20 if mine is not None and bits - mine < 0.12 * top else 2)


def _label(x: float, y: float, text: str, shift: int) -> dict[str, Any]:
    return {
        "x": x, "y": y, "text": text, "showarrow": False, "yanchor": "bottom", "yshift": shift, "bgcolor": "--paper",
        "borderpad": 0, "font": {"size": 12, "color": "--ink"},
    }  # fmt: skip
