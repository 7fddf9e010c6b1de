"""The model bench: the visitor's models, and what can be done with each."""

from typing import Any

import gradio as gr

from lmlab.runs.cards import LONGEST_NAME
from lmlab.ui.widgets.widget import widget

TEMPLATE = f"""
<details class="models" data-most="{LONGEST_NAME}" data-seq="0">
  <summary><span class="title"></span><span class="toggle"></span></summary>
  <ul></ul>
  <p class="said"></p>
  <p class="unit"></p>
</details>
<p class="sr" aria-live="polite"></p>
"""


def bench_widget(**options: Any) -> gr.HTML:
    """A component whose value is what `lmlab.ui.bench.bench_value` makes.

    Its event `act` carries `do`: `choose:<id>`, or `pin`, `unpin`, `rename` or `delete` with the model's id as `run`
    (and the new `name`). `duplicate` and `export` are events of their own, with `run`.
    """
    return widget("bench", TEMPLATE, also=("veil",), **options)
