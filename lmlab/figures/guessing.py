"""Figures of the guessing game: where in a name models and the student pay most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lmlab.figures.figure import Figure, axis, layout, text_safe
from lmlab.strings import t

PLACES = ("first", "middle", "end")
"""Places in a name: its first letter, the letters after it, the end mark."""
COLOURS = ("--base", "--model-soft", "--model")


@dataclass(frozen=True)
class Pace:
    """A model's mean surprise at each of the places, in bits."""

    model: str
    bits: Sequence[float]


def where_it_is_hard(paces: Sequence[Pace], mine: Mapping[str, Sequence[float]], names: int) -> Figure:
    """Bars of the models at each place, and the mean of the student's bets there as an outline around them.

    `mine` are the surprises of the student's bets at each place, in bits; `names` how many held-out names the models
    were measured on.
    """
    titles = [t(f"guess.place.{place}") for place in PLACES]
    width = 0.8 / len(paces)
    data: list[dict[str, Any]] = []
    for i, (pace, colour) in enumerate(zip(paces, COLOURS, strict=False)):
        data.append(
            {
                "type": "bar",
                "x": [place - 0.4 + (i + 0.5) * width for place in range(len(PLACES))],
                "y": [round(value, 4) for value in pace.bits],
                "width": 0.9 * width,
                "name": text_safe(pace.model),
                "marker": {"color": colour},
                "hovertemplate": t("figure.places.hover", model=text_safe(pace.model)),
            }
        )
    played = [(i, mine[place]) for i, place in enumerate(PLACES) if mine[place]]
    data.append(
        {
            "type": "bar",
            "x": [i for i, _ in played],
            "y": [round(sum(bits) / len(bits), 4) for _, bits in played],
            "width": 0.86,
            "name": t("figure.places.you"),
            "marker": {"color": "rgba(0,0,0,0)", "line": {"color": "--ink", "width": 1.75}},
            "hovertemplate": t("figure.places.hover_you"),
        }
    )
    top = max([value for pace in paces for value in pace.bits] + [sum(bits) / len(bits) for _, bits in played])
    notes: list[dict[str, Any]] = [
        {
            "x": i,
            "y": sum(bits) / len(bits),
            "text": t("figure.places.mark", bits=f"{sum(bits) / len(bits):.1f}", n=len(bits)),
            "showarrow": False,
            "yanchor": "bottom",
            "yshift": 2,
            "bgcolor": "--paper",
            "borderpad": 0,
            "font": {"size": 12, "color": "--ink"},
        }
        for i, bits in played
    ]
    plot = layout(
        axis(
            t("figure.places.x"),
            tickvals=list(range(len(PLACES))),
            ticktext=[t(f"figure.places.{place}") for place in PLACES],
            tickangle=0,
            showgrid=False,
            range=[-0.55, len(PLACES) - 0.45],
        ),
        axis(t("figure.places.y"), range=[0, 1.15 * top], nticks=5),
        barmode="overlay",
        annotations=notes,
    )
    hardest = max(range(len(PLACES)), key=lambda i: paces[-1].bits[i])
    rows = [[pace.model, *(round(value, 2) for value in pace.bits)] for pace in paces]
    rows.append(
        [
            t("figure.places.you"),
            *(round(sum(mine[place]) / len(mine[place]), 2) if mine[place] else None for place in PLACES),
        ]
    )
    return Figure(
        title=t("figure.places.title"),
        look=t("figure.places.look", names=names),
        plotly={"data": data, "layout": plot},
        table=([t("figure.places.who"), *titles], rows),
        said=t(
            "figure.places.said", model=paces[-1].model, place=titles[hardest], bits=f"{paces[-1].bits[hardest]:.2f}"
        ),
        height=(0.0, 300.0),
    )
