"""Figures of the count tables: the table of pairs with a row on its columns, the die, losses by order."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lmlab.figures.figure import MONO, Figure, axis, corner, layout, text_safe

MOST_COLUMNS = 60  # a table of more letters would be a grey square; the most frequent ones are shown


def pair_table(
    symbols: Sequence[str],
    counts: np.ndarray,
    probabilities: np.ndarray,
    row: int,
    column: int,
    shown: str = "counts",
    guess: float | None = None,
) -> Figure:
    """The (V, V) table as a heat map, and the row that is locked as bars on the same columns.

    `guess` is what the student said the locked cell's share would be; it stays drawn as an outline.
    """
    kept = most_frequent(counts)
    row = row if row in kept else int(kept[0])
    column = column if column in kept else int(kept[0])
    labels = [text_safe(symbols[i]) for i in kept]
    r, c = int(np.flatnonzero(kept == row)[0]), int(np.flatnonzero(kept == column)[0])
    seen = counts[np.ix_(kept, kept)]
    share = probabilities[np.ix_(kept, kept)]
    by_count = shown == "counts"
    # Counts span four powers of ten: colour goes by the square root, so that rare pairs can be told apart.
    depth = np.sqrt(seen) if by_count else share
    holes = np.where(seen == 0 if by_count else share == 0, np.nan, depth)
    top = float(np.nanmax(depth)) or 1.0
    most = int(seen.max())
    ticks = [1, *(10**i for i in range(3, 7) if 10**i < 0.7 * most), most] if by_count else [0.0, top]
    hover = [
        [
            f"{labels[i]} then {labels[j]}: {seen[i, j]:,} pairs, {100 * share[i, j]:.2f} % of the row"
            for j in range(len(kept))
        ]
        for i in range(len(kept))
    ]
    bars = 100 * share[r]
    n = len(kept)
    data: list[dict[str, Any]] = [
        {
            "type": "heatmap",
            "z": [[None if math.isnan(z) else round(z, 5) for z in line] for line in holes.tolist()],
            "x": list(range(n)),
            "y": list(range(n)),
            "text": hover,
            "hoverinfo": "text",
            "customdata": [[[int(kept[i]), int(kept[j])] for j in range(n)] for i in range(n)],
            "colorscale": "--cividis",
            "zmin": 0,
            "zmax": top * 1.001,  # the last tick must lie inside
            "xgap": 1,
            "ygap": 1,
            "colorbar": {
                "orientation": "h",
                "x": 0.97,  # the last number stands centred under the end
                "xanchor": "right",
                "y": 0,
                "yanchor": "top",
                "ypad": 26,
                "xpad": 0,
                "len": 0.45,
                "thickness": 8,
                "outlinewidth": 0,
                "title": {
                    "text": "pairs" if by_count else "share of the row, %",
                    "side": "bottom",
                    "font": {"size": 12},
                },
                "tickvals": [math.sqrt(tick) for tick in ticks] if by_count else ticks,
                "ticktext": [f"{tick:,}" for tick in ticks] if by_count else ["0", f"{100 * top:.0f}"],
                "tickfont": {"size": 12, "color": "--ink-3"},
                "ticks": "",
            },
        },
        {
            "type": "bar",
            "x": list(range(n)),
            "y": bars.round(4).tolist(),
            "yaxis": "y2",
            "marker": {"color": "--model"},
            "width": 0.68,
            "hovertext": [hover[r][j] for j in range(n)],
            "hoverinfo": "text",
            "customdata": [[int(row), int(j)] for j in kept],
        },
    ]
    shapes: list[dict[str, Any]] = [
        _box(-0.5, r - 0.5, n - 0.5, r + 0.5, 1),
        _box(c - 0.5, r - 0.5, c + 0.5, r + 0.5, 2.5),
    ]
    height = max(float(bars.max()), 100 * (guess or 0)) * 1.25 or 1.0
    left_side = c > 0.8 * n
    notes = [_note(c, float(bars[c]), f"{bars[c]:.1f} %", "--model", left_side)]
    if guess is not None:
        shapes.append({**_box(c - 0.45, 0, c + 0.45, 100 * guess, 1.75), "yref": "y2"})
        notes.append(_note(c, 100 * guess, f"you {100 * guess:.0f} %", "--ink", left_side))
        if abs(100 * guess - bars[c]) < 0.2 * height:  # two labels at one height stand side by side
            notes[-1]["xshift"] = -64 if left_side else 64
    letters = {
        "tickmode": "array",
        "tickvals": list(range(n)),
        "ticktext": labels,
        "tickfont": {"family": MONO, "size": 12, "color": "--ink-3"},
        "tickangle": 0,
        "showgrid": False,
        "ticks": "",
    }
    after = text_safe(symbols[row]) if row else "the start"
    plot = layout(
        axis("", **letters, range=[-0.5, n - 0.5], anchor="y"),
        axis("", **letters, range=[n - 0.5, -0.5], domain=[0, 0.79]),
        yaxis2=axis("", domain=[0.86, 1], range=[0, height], nticks=4),
        shapes=shapes,
        annotations=[
            *notes,
            corner(f"share of pairs after {after}, %", left=48, y=1),
            corner("this letter ↓", left=48, y=0.785),
            {**corner("next letter →  “.” is the end", left=0, y=0), "yshift": -28, "yanchor": "top"},
        ],
        margin={"l": 48, "r": 8, "t": 24, "b": 84},
        bargap=0.3,
        meta={"dense": True},
    )
    order = np.argsort(-probabilities[row], kind="stable")
    return Figure(
        title="What follows what",
        look="Look for rows with one strong cell. Blank means never seen. Tap a cell to lock it.",
        plotly={"data": data, "layout": plot},
        table=(
            ["this letter", "next letter", "pairs", "share of the row, %"],
            [
                [symbols[row], symbols[int(j)], int(counts[row, j]), round(100 * float(probabilities[row, j]), 2)]
                for j in order
            ],
        ),
        said=f"After {symbols[row] if row else 'the start'}, {symbols[column] if column else 'the end'} "
        f"comes {100 * probabilities[row, column]:.1f} % of the time ({counts[row, column]:,} pairs).",
        height=(0.98, 170),
    )


def most_frequent(counts: np.ndarray) -> np.ndarray:
    """The ids to draw: all of a small alphabet, else the most frequent, in the order of the ids."""
    if len(counts) <= MOST_COLUMNS:
        return np.arange(len(counts))
    often = counts.sum(axis=0) + counts.sum(axis=1)
    often[0] = often.max() + 1  # the boundary always stays
    return np.sort(np.argsort(-often, kind="stable")[:MOST_COLUMNS])


def die(symbols: Sequence[str], p: Sequence[float], u: float | None, token: int | None, after: str) -> Figure:
    """One row laid end to end from 0 to 1, and where the random number falls."""
    shares = np.asarray(p)
    begin = np.concatenate([[0.0], np.cumsum(shares)[:-1]])
    plain = [symbol if i else "end" for i, symbol in enumerate(symbols)]
    names = [text_safe(name) for name in plain]  # plotly reads HTML in its labels, the page's own text does not
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "base": begin.round(6).tolist(),
            "x": shares.round(6).tolist(),
            "y": [0] * len(shares),
            "text": [name if share > 0.03 else "" for name, share in zip(names, shares, strict=True)],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "textfont": {
                "family": MONO,
                "size": 12,
                "color": ["--paper" if i == token else "--ink" for i in range(len(shares))],
            },
            "marker": {
                "color": ["--model" if i == token else "--model-soft" for i in range(len(shares))],
                "line": {"color": "--paper", "width": 1},
            },
            "hovertext": [f"{name}: {100 * share:.2f} %" for name, share in zip(names, shares, strict=True)],
            "hoverinfo": "text",
            "width": 0.9,
        }
    ]
    shapes, notes = [], []
    if u is not None:
        shapes.append(
            {"type": "line", "x0": u, "x1": u, "y0": -0.45, "y1": 0.75, "line": {"color": "--ink", "width": 1.5}}
        )
        notes.append(
            {
                "x": u,
                "y": 0.78,
                "text": f"<b>● {u:.3f}</b>",
                "showarrow": False,
                "xanchor": "left" if u < 0.85 else "right",
                "yanchor": "middle",
                "font": {"color": "--ink"},
                "xshift": -4 if u < 0.85 else 4,
            }
        )
    said = "Roll to let a random number choose."
    if u is not None and token is not None:
        said = f"{u:.3f} lands on {plain[token]}, which the table gives {100 * shares[token]:.1f} %."
    plot = layout(
        axis("random number from 0 to 1", range=[0, 1], tickvals=[0, 0.25, 0.5, 0.75, 1], showgrid=False),
        axis(visible=False, range=[-0.5, 0.95]),
        shapes=shapes,
        annotations=notes,
        margin={"l": 8, "r": 8, "t": 4, "b": 40},
        barmode="overlay",
    )
    return Figure(
        title=f"After {after}, laid end to end",
        look="Each letter is as wide as it is likely. The random number picks the one it falls on.",
        plotly={"data": data, "layout": plot},
        table=(
            ["letter", "from", "to", "share, %"],
            [
                [
                    plain[i],
                    round(float(begin[i]), 4),
                    round(float(begin[i] + shares[i]), 4),
                    round(100 * float(shares[i]), 2),
                ]
                for i in range(len(shares))
                if shares[i] > 0
            ],
        ),
        said=said,
        height=(0.0, 120),
    )


def losses_by_order(rows: Sequence[dict[str, Any]], order: int) -> Figure:
    """Training and held-out loss against the order; infinite losses are marked at the top."""
    orders = [row["order"] for row in rows]
    finite = [row[part]["nll"] for row in rows for part in ("train", "validation") if row[part]["nll"] is not None]
    top = max(finite) + 0.15
    curves = {part: [row[part]["nll"] for row in rows] for part in ("train", "validation")}
    data = [
        _line(orders, curves["train"], "solid", "training"),
        _line(orders, curves["validation"], "dash", "held out"),
    ]
    infinite = [row["order"] for row in rows if row["validation"]["nll"] is None]
    notes = [
        {"x": n, "y": top, "text": "<b>∞</b>", "showarrow": False, "font": {"size": 16, "color": "--model"}}
        for n in infinite
    ]
    for part, title in (("train", "training"), ("validation", "held out")):
        last = next((i for i in reversed(range(len(orders))) if curves[part][i] is not None), None)
        if last is not None:
            notes.append(
                {
                    "x": orders[last],
                    "y": curves[part][last],
                    "text": f"<b>{title}</b>",
                    "showarrow": False,
                    "xanchor": "left",
                    "xshift": 8,
                    "font": {"color": "--model"},
                }
            )
    chosen = next((row for row in rows if row["order"] == order), None)
    if chosen is not None and chosen["validation"]["nll"] is not None:
        data.append(
            {
                "type": "scatter",
                "x": [order],
                "y": [chosen["validation"]["nll"]],
                "mode": "markers",
                "marker": {"size": 11, "color": "--paper", "line": {"color": "--model", "width": 2}},
                "hoverinfo": "skip",
            }
        )
    best = min(
        (row for row in rows if row["validation"]["nll"] is not None),
        key=lambda row: row["validation"]["nll"],
        default=None,
    )
    said = (
        "Every order meets a pair it has never seen: the held-out loss is infinite."
        if best is None
        else (f"Held out is lowest at order {best['order']}: {best['validation']['nll']:.3f} nats per character.")
    )
    if infinite and best is not None:
        said += f" From order {infinite[0]} on, a pair never seen makes it infinite."
    plot = layout(
        axis("order n", tickvals=orders, range=[0.8, orders[-1] + 1.7]),
        axis("nats per character", range=[min(finite) - 0.15, top + 0.1], nticks=5),
        annotations=notes,
        margin={"l": 40, "r": 4, "b": 44},
    )
    share = [row["validation"]["unseen"] / row["validation"]["predictions"] for row in rows]
    return Figure(
        title="More letters, then too many",
        look="Look for where the held-out loss turns up while training falls on.",
        plotly={"data": data, "layout": plot},
        table=(
            ["order", "training, nats", "held out, nats", "unseen contexts, %"],
            [
                [
                    row["order"],
                    rounded(row["train"]["nll"]),
                    rounded(row["validation"]["nll"]),
                    round(100 * unseen, 2),
                ]
                for row, unseen in zip(rows, share, strict=True)
            ],
        ),
        said=said,
        height=(0.0, 240),
    )


def rounded(value: float | None) -> Any:
    """A loss for a table: three decimals, or the sign for infinity."""
    return "∞" if value is None else round(value, 3)


def _line(x: Sequence[float], y: Sequence[float | None], dash: str, name: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": list(x),
        "y": list(y),
        "name": name,
        "mode": "lines+markers",
        "line": {"color": "--model", "width": 2, "dash": "solid" if dash == "solid" else "5px 4px"},
        "marker": {"size": 6, "color": "--model"},
        "hovertemplate": "order %{x}: %{y:.3f} nats<extra>" + name + "</extra>",
    }


def _box(x0: float, y0: float, x1: float, y1: float, width: float) -> dict[str, Any]:
    return {
        "type": "rect",
        "x0": x0,
        "x1": x1,
        "y0": y0,
        "y1": y1,
        "line": {"color": "--ink", "width": width},
        "fillcolor": "rgba(0,0,0,0)",
    }


def _note(x: float, y: float, text: str, colour: str, left_side: bool) -> dict[str, Any]:
    """A label at the top of a bar, on the side where there is room."""
    return {
        "x": x,
        "y": y,
        "yref": "y2",
        "text": f"<b>{text}</b>",
        "showarrow": False,
        "xanchor": "right" if left_side else "left",
        "yanchor": "middle",
        "font": {"color": colour, "size": 12},
        "xshift": -14 if left_side else 14,
    }
