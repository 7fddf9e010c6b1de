"""Figures of sampling: the next token before and after the cut."""

from collections.abc import Sequence
from typing import Any

from lmlab.figures.figure import MONO, Figure, axis, layout, text_safe

MOST_BARS = 40


def before_and_after(symbols: Sequence[str], p: Sequence[float], final: Sequence[float], prefix: str) -> Figure:
    """The model's own distribution as outlines, what may be rolled as filled bars; likeliest first."""
    order = sorted(range(len(p)), key=lambda i: (-p[i], i))[:MOST_BARS]
    names = [text_safe(symbols[i]) for i in order]
    before, after = [100 * p[i] for i in order], [100 * final[i] for i in order]
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "x": names,
            "y": [round(v, 4) for v in after],
            "name": "after",
            "marker": {"color": "--model"},
            "width": 0.7,
            "hovertemplate": "%{x}: %{y:.2f} % after the rules<extra></extra>",
        },
        {
            "type": "bar",
            "x": names,
            "y": [round(v, 4) for v in before],
            "name": "before",
            "marker": {"color": "rgba(0,0,0,0)", "line": {"color": "--base", "width": 1.25}},
            "width": 0.7,
            "hovertemplate": "%{x}: %{y:.2f} % to the model<extra></extra>",
        },
    ]
    cut = [i for i in range(len(p)) if final[i] == 0 and p[i] > 0]
    lost = sum(p[i] for i in cut)
    top = max(*before, *after) * 1.08
    plot = layout(
        axis(
            "next letter, likeliest first; “.” is the end",
            tickfont={"family": MONO, "size": 12, "color": "--ink-3"},
            tickangle=0,
            showgrid=False,
            type="category",
        ),
        axis("probability, %", range=[0, top], nticks=5),
        barmode="overlay",
        margin={"l": 48, "r": 8, "b": 44},
        meta={"dense": True},
    )
    said = "Nothing is cut: every letter may be rolled."
    if cut:
        letters = f"{len(cut)} letter{'s' if len(cut) > 1 else ''}"
        said = f"Cut: {letters} that held {100 * lost:.1f} % of the probability; the others share it."
    return Figure(
        title=f"After {prefix}, the next letter" if prefix else "The first letter",
        look="Grey outline: what the model says. Blue: what may be rolled after your settings.",
        plotly={"data": data, "layout": plot},
        table=(
            ["letter", "before, %", "after, %"],
            [[symbols[i], round(b, 2), round(a, 2)] for i, b, a in zip(order, before, after, strict=True)],
        ),
        said=said,
        height=(0.0, 260.0),
    )
