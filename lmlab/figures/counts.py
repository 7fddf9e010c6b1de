"""Figures of the count models: what each order costs on one axis with what it cannot have seen; two rows compared."""

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from lmlab.figures.figure import MONO, Figure, axis, corner, layout, text_safe
from lmlab.strings import t

LOSSES, UNSEEN, RUNS = (0.5, 1.0), (0.28, 0.4), (0.0, 0.17)
"""The three strips on the axis of n, as shares of the height from below."""


def losses_by_order(
    rows: Sequence[dict[str, Any]], order: int, tried: Collection[int] | None = None, guess: int | None = None
) -> Figure:
    """Loss against the order, below it the share of unseen contexts, below that how many runs there could be.

    `rows` is the answer of the question `sweep`. Only the orders that were `tried` have points (None: all of them);
    `guess` is the order that the student expects to be best. Infinite losses are marked at the top.
    """
    orders = [row["order"] for row in rows]
    tried = set(orders) if tried is None else set(tried) | {order}
    shown = [row if row["order"] in tried else None for row in rows]
    curves: dict[str, list[float | None]] = {
        part: [None if row is None else row[part]["nll"] for row in shown] for part in ("train", "validation")
    }
    finite = [nll for part in curves.values() for nll in part if nll is not None] or [0.0]
    low, top = min(finite) - 0.15, max(finite) + 0.2
    titles = {"train": t("figure.orders.training"), "validation": t("figure.orders.held_out")}
    data = [_curve(orders, curves[part], part == "train", titles[part]) for part in curves]
    data += [_unseen(orders, shown), *_runs(orders, rows)]
    notes = [
        _above(row["order"], top, "<b>∞</b>", size=16)
        for row in shown
        if row is not None and row["validation"]["nll"] is None
    ]
    notes += _line_ends(orders, curves, titles)
    last = rows[-1]
    for name, many, colour in (("possible", "possible", "--ink-3"), ("seen", "grams", "--model")):
        notes.append(
            {"x": orders[-1], "y": math.log10(last[many]), "yref": "y3", "text": t(f"figure.orders.{name}"),
             "showarrow": False, "xanchor": "left", "xshift": 8, "font": {"color": colour}}
        )  # fmt: skip
    here = next(row for row in rows if row["order"] == order)
    if here["validation"]["nll"] is not None:
        data.append(_ring(order, here["validation"]["nll"]))
    shapes = [
        {"type": "line", "x0": order, "x1": order, "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
         "line": {"color": "--rule-2", "width": 1}},
    ]  # fmt: skip
    if guess is not None:
        shapes.append(
            {"type": "rect", "x0": guess - 0.4, "x1": guess + 0.4, "y0": LOSSES[0], "y1": 1, "yref": "paper",
             "line": {"color": "--ink", "width": 1.75}, "fillcolor": "rgba(0,0,0,0)"}
        )  # fmt: skip
        notes.append({**_above(guess, low, f"<b>{t('figure.orders.you', n=guess)}</b>"), "yanchor": "bottom"})
    plot = layout(
        axis(
            t("figure.orders.x"), tickvals=orders, range=[0.6, orders[-1] + 2.6], showgrid=False, anchor="y3",
            ticktext=[f"<b>{n}</b>" if n == order else str(n) for n in orders],
        ),
        axis("", domain=list(LOSSES), range=[low, top], nticks=5),
        yaxis2=axis("", domain=list(UNSEEN), range=[0, max(5.0, 110 * max(map(_share_unseen, rows)))], nticks=3),
        yaxis3=axis("", domain=list(RUNS), type="log", tickvals=[1, 1e4, 1e8, 1e12], ticktext=["0", "4", "8", "12"]),
        annotations=[
            *notes,
            corner(t("figure.orders.loss"), left=34, y=LOSSES[1]),
            corner(t("figure.orders.unseen"), left=34, y=UNSEEN[1]),
            corner(t("figure.orders.runs"), left=34, y=RUNS[1]),
        ],
        shapes=shapes,
        bargap=0.4,
        margin={"l": 34, "r": 0, "t": 24, "b": 40},
    )  # fmt: skip
    return Figure(
        title=t("figure.orders.title"),
        look=t("figure.orders.look"),
        plotly={"data": data, "layout": plot},
        table=(
            [t(f"figure.orders.column_{name}")
             for name in ("order", "training", "held_out", "unseen", "possible", "seen")],
            [_table_row(row, row["order"] in tried) for row in rows],
        ),
        said=_said(rows, here, tried),
        height=(0.0, 430),
    )  # fmt: skip


def _said(rows: Sequence[dict[str, Any]], here: dict[str, Any], tried: Collection[int]) -> str:
    """What the chosen order costs; once all orders were tried, which one is best."""
    sentences = [
        t(
            "figure.orders.said", n=here["order"], training=rounded(here["train"]["nll"]),
            held_out=rounded(here["validation"]["nll"]), unseen=100 * _share_unseen(here),
        )
    ]  # fmt: skip
    finite = [row for row in rows if row["validation"]["nll"] is not None]
    infinite = [row["order"] for row in rows if row["validation"]["nll"] is None]
    if len(tried) < len(rows):
        sentences.append(t("figure.orders.tried"))
    elif not finite:
        sentences.append(t("figure.orders.hopeless"))
    else:
        best = min(finite, key=lambda row: row["validation"]["nll"])
        sentences.append(t("figure.orders.best", n=best["order"], loss=best["validation"]["nll"]))
        if infinite:
            sentences.append(t("figure.orders.infinite", n=infinite[0]))
    sentences.append(t("figure.orders.explodes", possible=here["possible"], n=here["order"], seen=here["grams"]))
    return " ".join(sentences)


def _table_row(row: dict[str, Any], tried: bool) -> list[Any]:
    measured = [rounded(row["train"]["nll"]), rounded(row["validation"]["nll"]), round(100 * _share_unseen(row), 2)]
    return [row["order"], *(measured if tried else [None] * 3), row["possible"], row["grams"]]


def _share_unseen(row: dict[str, Any]) -> float:
    return float(row["validation"]["unseen"] / row["validation"]["predictions"])


def rounded(value: float | None) -> Any:
    """A loss for a table: three decimals, or the sign for infinity."""
    return "∞" if value is None else round(value, 3)


def _curve(orders: Sequence[int], losses: Sequence[float | None], solid: bool, name: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": list(orders),
        "y": list(losses),
        "name": name,
        "mode": "lines+markers",
        "connectgaps": True,  # an order that was not tried yet
        "line": {"color": "--model", "width": 2, "dash": "solid" if solid else "5px 4px"},
        "marker": {"size": 6, "color": "--model"},
        "text": [
            t("figure.orders.hover", n=n, loss=rounded(nll), part=name) for n, nll in zip(orders, losses, strict=True)
        ],
        "hoverinfo": "text",
        "customdata": list(orders),
    }  # fmt: skip


def _unseen(orders: Sequence[int], shown: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": list(orders),
        "y": [None if row is None else round(100 * _share_unseen(row), 3) for row in shown],
        "yaxis": "y2",
        "name": t("figure.orders.unseen"),
        "marker": {"color": "--model-soft", "line": {"color": "--model", "width": 1}},
        "hovertemplate": "%{y:.1f} %<extra></extra>",
    }


def _runs(orders: Sequence[int], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """27 to the power of n, and what came up."""
    return [
        {
            "type": "scatter",
            "x": list(orders),
            "y": [row[many] for row in rows],
            "yaxis": "y3",
            "name": t(f"figure.orders.{name}"),
            "mode": "lines+markers",
            "line": {"color": colour, "width": width, "dash": dash},
            "marker": {"size": 4, "color": colour},
            "hovertemplate": "%{y:,}<extra></extra>",
        }
        for name, many, colour, width, dash in (
            ("possible", "possible", "--base", 1, "2px 4px"),
            ("seen", "grams", "--model", 2, "solid"),
        )
    ]


def _ring(x: float, y: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [x],
        "y": [y],
        "mode": "markers",
        "marker": {"size": 11, "color": "--paper", "line": {"color": "--model", "width": 2}},
        "hoverinfo": "skip",
    }


def _above(x: float, y: float, text: str, size: int = 12) -> dict[str, Any]:
    colour = "--model" if size > 12 else "--ink"
    return {"x": x, "y": y, "text": text, "showarrow": False, "font": {"size": size, "color": colour}}


def _line_ends(
    orders: Sequence[int], curves: dict[str, list[float | None]], titles: dict[str, str]
) -> list[dict[str, Any]]:
    """The names of the curves at their last points; where they are close, one above the other."""
    ends = []
    for part, curve in curves.items():
        last = max((i for i, nll in enumerate(curve) if nll is not None), default=None)
        if last is not None:
            ends.append((part, orders[last], curve[last]))
    near = len(ends) == 2 and ends[0][1] == ends[1][1] and abs(ends[0][2] - ends[1][2]) < 0.12  # type: ignore[operator]
    return [
        {"x": x, "y": y, "text": f"<b>{titles[part]}</b>", "showarrow": False, "xanchor": "left", "xshift": 10,
         "yshift": (8 if part == "validation" else -8) if near else 0, "font": {"color": "--model"}}
        for part, x, y in ends
    ]  # fmt: skip


def two_rows(
    symbols: Sequence[str],
    texts: tuple[str, str],
    contexts: tuple[str, str],
    probabilities: np.ndarray,
    unseen: Sequence[bool],
) -> Figure:
    """What may follow two beginnings, one row above the other on the same letters; (2, V) probabilities.

    `contexts` is what the model looks at of each text. Of a large alphabet the likeliest letters are drawn.
    """
    p = np.asarray(probabilities)
    kept = np.sort(np.argsort(-p.max(axis=0), kind="stable")[:60])
    letters = [text_safe(symbols[i]) for i in kept]
    most = 100 * float(p.max()) * 1.1
    places = list(range(len(kept)))
    data, notes = [], []
    for row, (shares, domain) in enumerate(zip(p, ((0.58, 1.0), (0.0, 0.42)), strict=True)):
        data.append(
            {"type": "bar", "x": places, "y": (100 * shares[kept]).round(4).tolist(), "marker": {"color": "--model"},
             "yaxis": "y" if row == 0 else "y2", "hoverinfo": "text",
             "hovertext": [f"{letter}: {100 * x:.2f} %" for letter, x in zip(letters, shares[kept], strict=True)]}
        )  # fmt: skip
        notes.append(corner(t("figure.beginnings.share", text=text_safe(texts[row])), left=32, y=domain[1]))
    marks = {"tickmode": "array", "tickvals": places, "ticktext": letters, "ticks": "", "showgrid": False,
             "tickfont": {"family": MONO, "size": 12, "color": "--ink-3"}, "tickangle": 0}  # fmt: skip
    plot = layout(
        axis(t("figure.beginnings.next"), **marks, range=[-0.5, len(kept) - 0.5], anchor="y2"),
        axis("", domain=[0.58, 1.0], range=[0, most], nticks=3),
        yaxis2=axis("", domain=[0.0, 0.42], range=[0, most], nticks=3),
        annotations=notes,
        margin={"l": 32, "r": 0, "t": 24, "b": 44},
        bargap=0.32,
        meta={"dense": True},
    )
    table = (
        [t("figure.beginnings.column_letter"), *(t("figure.beginnings.column_share", text=text) for text in texts)],
        [
            [symbols[i], *(round(100 * float(row[i]), 2) for row in p)]
            for i in np.argsort(-p.sum(axis=0), kind="stable")
        ],
    )
    return Figure(
        title=t("figure.beginnings.title"),
        look=t("figure.beginnings.look"),
        plotly={"data": data, "layout": plot},
        table=table,
        said=_compared(symbols, contexts, p, unseen),
        height=(0.0, 250),
    )


def _compared(symbols: Sequence[str], contexts: tuple[str, str], p: np.ndarray, unseen: Sequence[bool]) -> str:
    if contexts[0] == contexts[1]:
        return t("figure.beginnings.same", context=contexts[0]) if contexts[0] else t("figure.beginnings.same_any")
    apart = np.abs(p[0] - p[1])
    far = int(np.argmax(apart))
    values = {"first": contexts[0], "second": contexts[1]}
    if apart[far] < 1e-9:
        said = t("figure.beginnings.equal", **values)
    else:
        said = t(
            "figure.beginnings.differ", **values, letter=symbols[far], one=100 * p[0][far], other=100 * p[1][far]
        )
    never = [
        t("figure.beginnings.unseen", context=context) for context, new in zip(contexts, unseen, strict=True) if new
    ]
    return " ".join([said, *never])
