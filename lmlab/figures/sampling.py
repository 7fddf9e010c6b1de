"""Figures of sampling: what was rolled against what the rules promise, and what the temperature changes."""

from collections.abc import Sequence
from typing import Any

from lmlab.figures.figure import MONO, Figure, axis, corner, layout, text_safe
from lmlab.strings import t, tn

MOST_BARS = 40


def rolled_first(
    symbols: Sequence[str], counts: Sequence[int], theory: Sequence[float], after: str | None = ""
) -> Figure:
    """How often each token came where the rolling began, as filled bars; the rules' probabilities as outlines.

    (V,) counts of what was rolled, (V,) probabilities, likeliest first; `after` is what all texts begin with, None
    where no text was rolled but tokens.
    """
    n = sum(counts)
    order = sorted(range(len(theory)), key=lambda i: (-theory[i], i))[:MOST_BARS]
    names = [text_safe(symbols[i]) for i in order]
    seen, promised = [100 * counts[i] / max(n, 1) for i in order], [100 * theory[i] for i in order]
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "x": names,
            "y": [round(v, 4) for v in seen],
            "name": "rolled",
            "marker": {"color": "--model"},
            "width": 0.7,
            "hovertemplate": t("figure.rolled_first.hover_rolled"),
        },
        {
            "type": "bar",
            "x": names,
            "y": [round(v, 4) for v in promised],
            "name": "rules",
            "marker": {"color": "rgba(0,0,0,0)", "line": {"color": "--base", "width": 1.25}},
            "width": 0.7,
            "hovertemplate": t("figure.rolled_first.hover_rules"),
        },
    ]
    plot = layout(
        axis(
            t("figure.rolled_first.x_tokens" if after is None else "figure.rolled_first.x"),
            tickfont={"family": MONO, "size": 12, "color": "--ink-3"},
            tickangle=0,
            showgrid=False,
            type="category",
        ),
        axis(t("figure.rolled_first.y"), range=[0, max(*seen, *promised, 1) * 1.08], nticks=5),
        barmode="overlay",
        margin={"l": 48, "r": 8, "b": 44},
        meta={"dense": True},
    )
    most = max(range(len(counts)), key=lambda i: (counts[i], -i))
    if after is None:
        title = t("figure.rolled_first.title_tokens", n=n)
    elif after:
        title = tn("figure.rolled_first.title_after", n, after=after)
    else:
        title = tn("figure.rolled_first.title_first", n)
    return Figure(
        title=title,
        look=t("figure.rolled_first.look"),
        plotly={"data": data, "layout": plot},
        table=(
            [t("figure.rolled_first.letter"), t("figure.rolled_first.times"), t("figure.rolled_first.promised")],
            [[symbols[i], counts[i], round(100 * theory[i], 2)] for i in order],
        ),
        said=t(
            "figure.rolled_first.said", letter=symbols[most], times=counts[most], n=n, promised=100 * theory[most]
        ),
        height=(0.0, 240.0),
    )


def over_temperature(
    rows: Sequence[dict[str, Any]], usual: dict[str, float], now: float, guess: tuple[float, float] | None = None
) -> Figure:
    """Copies, length and surprise of generated names over T, one above the other on one axis.

    `rows` are answers of `at_temperature`, by rising T; `usual` is the length and surprise of held-out names; `now`
    is the T that the sliders show; `guess` is the student's (T, percent of copies).
    """
    xs = [row["temperature"] for row in rows]
    panels = [
        ("known", [100 * row["known"] for row in rows], None, [0.74, 1.0]),
        ("length", [row["length"] for row in rows], usual["length"], [0.37, 0.63]),
        ("nats", [row["nats"] for row in rows], usual["nats"], [0.0, 0.26]),
    ]
    data: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    notes: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    for number, (name, ys, reference, domain) in enumerate(panels, start=1):
        suffix = "" if number == 1 else str(number)
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": xs,
                "y": [None if v is None else round(v, 4) for v in ys],
                "yaxis": f"y{suffix}",
                "name": name,
                "line": {"color": "--model", "width": 2},
                "marker": {"size": 5},
                "hovertemplate": t(f"figure.over_temperature.hover_{name}"),
            }
        )
        shapes.append(
            {
                "type": "line", "xref": "x", "yref": "paper", "x0": now, "x1": now, "y0": domain[0], "y1": domain[1],
                "line": {"color": "--ink", "width": 1.25},
            }
        )  # fmt: skip
        if reference is not None:
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": [xs[0], xs[-1]],
                    "y": [reference, reference],
                    "yaxis": f"y{suffix}",
                    "name": f"usual {name}",
                    "line": {"color": "--data", "width": 1.5, "dash": "dash"},
                    "hovertemplate": t(f"figure.over_temperature.usual_{name}"),
                }
            )
        finite = [v for v in (*ys, reference) if v is not None]
        style = axis(nticks=4, domain=domain, range=[0, 1.1 * max(finite)])
        axes[f"yaxis{suffix}"] = {**style, "title": {"text": ""}}
        if number > 1:
            notes.append(corner(t(f"figure.over_temperature.y_{name}"), left=44, y=domain[1]))
    if guess is not None:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [guess[0]],
                "y": [guess[1]],
                "yaxis": "y",
                "name": "you",
                "marker": {
                    "symbol": "triangle-down-open",
                    "size": 13,
                    "color": "--ink",
                    "line": {"width": 1.75, "color": "--ink"},
                },
                "hovertemplate": t("figure.over_temperature.hover_you"),
            }
        )
    first = {**axes.pop("yaxis"), "title": {"text": t("figure.over_temperature.y_known")}}
    if guess is not None:
        first["range"] = [0, max(first["range"][1], guess[1] * 1.1)]
    plot = layout(
        axis(t("figure.over_temperature.x"), range=[-0.08, xs[-1] + 0.08], anchor="y3"),
        first,
        shapes=shapes,
        annotations=notes,
        **axes,
    )
    nearest = min(rows, key=lambda row: abs(row["temperature"] - now))
    nats = nearest["nats"]
    return Figure(
        title=t("figure.over_temperature.title", n=rows[0]["n"]),
        look=t("figure.over_temperature.look"),
        plotly={"data": data, "layout": plot},
        table=(
            [
                t("figure.over_temperature.x"),
                *(t(f"figure.over_temperature.y_{name}") for name in ("known", "length", "nats")),
            ],
            [
                [row["temperature"], round(100 * row["known"], 1), round(row["length"], 2),
                 "∞" if row["nats"] is None else round(row["nats"], 3)]
                for row in rows
            ],
        ),
        said=t(
            "figure.over_temperature.said", t=nearest["temperature"], known=100 * nearest["known"],
            length=nearest["length"], nats="∞" if nats is None else f"{nats:.2f}",
        ),
        height=(0.0, 440.0),
    )  # fmt: skip
