"""Two ways to answer a question that is neither a number nor a choice: put things in order, or draw."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from lmlab.ui.bench import next_seq
from lmlab.ui.widgets.widget import unpacked, widget

DRAWING = """
<div class="drawing" role="group" data-seq="0"><svg></svg><p class="said" aria-live="polite"></p></div>
"""
ORDERING = """
<div class="ordering" role="group" data-seq="0"><p class="end first"></p><ol></ol><p class="end last"></p>
<p class="said sr" aria-live="polite"></p></div>
"""


def drawing_widget(value: Any = None, **options: Any) -> gr.HTML:
    """A component whose value is `drawing_value(…)`; read the answer with `answer_of`."""
    return widget("drawing", DRAWING, value, **options)


def drawing_value(
    labels: Sequence[str],
    mode: str,
    minimum: float,
    maximum: float,
    unit: str,
    total: float | None,
    axis: str,
    start: Sequence[float] | None,
) -> dict[str, Any]:
    """A drawing to begin with: level, unless there is a start.

    >>> drawing_value(["a", "b"], "bars", 0, 100, "%", 100, "", None)["answer"]
    [50.0, 50.0]
    """
    level = (minimum + maximum) / 2 if total is None else total / len(labels)
    return {
        "seq": next_seq(),
        "labels": list(labels),
        "mode": mode,
        "minimum": minimum,
        "maximum": maximum,
        "unit": unit,
        "total": total,
        "axis": axis,
        "answer": list(start) if start is not None else [level] * len(labels),
    }


def ordering_widget(value: Any = None, **options: Any) -> gr.HTML:
    """A component whose value is `ordering_value(…)`; read the answer with `answer_of`."""
    return widget("ordering", ORDERING, value, **options)


def ordering_value(options: Sequence[str], first: str, last: str) -> dict[str, Any]:
    """The things as they stand before the student moves them; `first` and `last` say what the ends mean."""
    return {"seq": next_seq(), "first": first, "last": last, "answer": list(options)}


def answer_of(value: Any) -> Any:
    """The answer in what the page sent, unchecked; None where there is none.

    >>> answer_of('{"seq": 1, "answer": [1, 2]}')
    [1, 2]
    """
    found = unpacked(value)
    return found.get("answer") if isinstance(found, dict) else None
