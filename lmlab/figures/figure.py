"""A figure: what plotly draws, one line that says what to look for, and the same numbers as a table.

Colours are names of the style sheet's tokens (`--model`, `--ink`, …). The page puts the colours of its light
or dark scheme in; `Figure.resolved` does the same in Python, for tests and for pictures without a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# (light, dark) of every colour on the page; the app's style sheet is given the same ones.
TOKENS: dict[str, tuple[str, str]] = {
    "--paper": ("#ffffff", "#131517"),
    "--wash": ("#f6f6f3", "#1b1e21"),
    "--ink": ("#15171a", "#eff0f0"),
    "--ink-2": ("#4d5259", "#b4b9be"),
    "--ink-3": ("#6c727a", "#8f959c"),
    "--rule": ("#e4e4df", "#2b2f33"),
    "--rule-2": ("#c6c7c2", "#4a5056"),
    "--model": ("#0072b2", "#4ba9dd"),
    "--model-soft": ("#cfe3ef", "#1d3c50"),
    "--data": ("#d55e00", "#f08a3c"),
    "--data-text": ("#b34e00", "#f3a263"),
    "--base": ("#8b9097", "#7f858c"),
}

# Cividis (Nuñez, Anderton and Renslow, 2018). More is further from the paper: dark on white, yellow on black.
_CIVIDIS = [
    "#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838",
]  # fmt: skip


def _cividis(t: float) -> tuple[float, ...]:
    """Colour at t in 0..1, between the ten anchors."""
    place = min(max(t, 0.0), 1.0) * (len(_CIVIDIS) - 1)
    i = min(int(place), len(_CIVIDIS) - 2)
    low, high = (tuple(int(colour[k : k + 2], 16) for k in (1, 3, 5)) for colour in _CIVIDIS[i : i + 2])
    return tuple(a + (b - a) * (place - i) for a, b in zip(low, high, strict=True))


def _scale(dark: bool) -> list[list[Any]]:
    """A plotly colour scale that begins near the paper, so that a rare pair is pale and a hole is blank."""
    paper = (19, 21, 23) if dark else (255, 255, 255)
    stops = []
    for i in range(17):
        v = i / 16
        ink = min(1.0, 0.14 + v * (6.0 if dark else 1.7))
        colour = _cividis(v if dark else 0.9 * (1 - v))
        mixed = [round(c * ink + p * (1 - ink)) for c, p in zip(colour, paper, strict=True)]
        stops.append([v, f"rgb({mixed[0]},{mixed[1]},{mixed[2]})"])
    return stops


SCALES: dict[str, tuple[list[list[Any]], list[list[Any]]]] = {"--cividis": (_scale(False), _scale(True))}

SANS = '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
MONO = 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace'


@dataclass(frozen=True)
class Figure:
    """`plotly` is `{"data": […], "layout": {…}}`; `table` is (columns, rows); `height` is (share of the width, plus).

    >>> figure = Figure("Loss", "Look for the fall.", {"data": [], "layout": {}}, (["step"], [[1]]))
    >>> figure.to_value(seq=3)["seq"]
    3
    """

    title: str
    look: str
    plotly: dict[str, Any]
    table: tuple[Sequence[str], Sequence[Sequence[Any]]]
    said: str = ""
    """What the picture shows now, in words; read out by screen readers."""
    height: tuple[float, float] = (0.0, 320.0)

    def to_value(self, seq: int) -> dict[str, Any]:
        """What the figure widget takes."""
        return {
            "seq": seq,
            "figure": self.plotly,
            "title": self.title,
            "look": self.look,
            "said": self.said,
            "height": list(self.height),
            "table": {"columns": list(self.table[0]), "rows": [list(row) for row in self.table[1]]},
        }

    def resolved(self, dark: bool = False) -> dict[str, Any]:
        """The plotly figure with real colours."""
        return _resolve(self.plotly, int(dark))


def _resolve(value: Any, scheme: int) -> Any:
    if isinstance(value, str) and value in SCALES:
        return SCALES[value][scheme]
    if isinstance(value, str) and value in TOKENS:
        return TOKENS[value][scheme]
    if isinstance(value, dict):
        return {key: _resolve(part, scheme) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve(part, scheme) for part in value]
    return value


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """An axis in the house style: thin grid, quiet numbers, a name with its unit."""
    style: dict[str, Any] = {
        "title": {"text": title, "font": {"size": 12, "color": "--ink-3"}, "standoff": 8},
        "gridcolor": "--rule",
        "zeroline": False,
        "linecolor": "--rule-2",
        "tickfont": {"size": 12, "color": "--ink-3"},
        "fixedrange": True,
    }
    return {**style, **more}


def layout(x: dict[str, Any], y: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A layout in the house style. The name of the y axis stands level above it, where it can be read."""
    name = y.get("title", {}).get("text", "")
    margin = {"l": 44, "r": 12, "t": 24 if name else 8, "b": 40, **more.pop("margin", {})}
    notes = list(more.pop("annotations", []))
    if name:
        notes.append(corner(name, left=margin["l"], y=y.get("domain", [0, 1])[1]))
    style: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": SANS, "size": 12, "color": "--ink-2"},
        "margin": margin,
        "annotations": notes,
        "showlegend": False,
        "hoverlabel": {
            "bgcolor": "--paper",
            "bordercolor": "--rule-2",
            "font": {"family": SANS, "size": 12, "color": "--ink"},
        },
        "dragmode": False,
        "uirevision": "keep",
        "xaxis": x,
        "yaxis": {**y, "title": {"text": ""}},
    }
    return {**style, **more}


def corner(text: str, left: float, y: float) -> dict[str, Any]:
    """The name of a y axis as a note at the upper left of its drawing; `left` is the margin in pixels."""
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": y,
        "xshift": -left,
        "yshift": 6,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12, "color": "--ink-3"},
    }


def text_safe(text: str) -> str:
    """Plotly reads some HTML in its labels; what people wrote must not be read as such.

    >>> text_safe("<b>x")
    '&lt;b&gt;x'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@dataclass(frozen=True)
class Growth:
    """New points for a figure that stands: `x[i]` and `y[i]` go to trace `traces[i]`; `rows` to its table."""

    traces: list[int]
    x: list[list[float]]
    y: list[list[float]]
    rows: list[list[Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    """The figure's annotations from now on; an empty list leaves them as they are."""

    def to_value(self, seq: int, after: int) -> dict[str, Any]:
        """What the figure widget takes: it applies to a figure whose `seq` is `after`, and to no other."""
        return {
            "seq": seq,
            "after": after,
            "traces": self.traces,
            "x": self.x,
            "y": self.y,
            "rows": self.rows,
            "notes": self.notes or None,
        }
