"""A slider over powers of ten, for numbers such as a learning rate. The number itself stands in a box beside it."""

import math
from typing import Any

import gradio as gr

from lmlab.ui.widgets.widget import widget

PARTS = 20  # of a power of ten; the same number stands in power.js


def power_slider(label: str, value: float, low: float, high: float, **options: Any) -> gr.HTML:
    """A component whose value is the number as JSON text; `low` and `high` are the ends of the slider.

    `label` comes from the catalogue: it is what a screen reader says.
    """
    ends = f'min="{round(PARTS * math.log10(low))}" max="{round(PARTS * math.log10(high))}"'
    template = f'<div class="power"><input type="range" {ends} step="1" aria-label="{label}"></div>'
    return widget("power", template, value, **options)


def join_to(slider: gr.HTML, box: gr.Number) -> None:
    """Each follows the other, in the browser alone."""
    quick = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    slider.input(None, [slider], [box], js="(value) => JSON.parse(value)", **quick)
    box.change(None, [box], [slider], js="(value) => JSON.stringify(value)", **quick)
