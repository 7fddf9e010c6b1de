"""The steps of one example through a network, one at a time, with their real numbers."""

from typing import Any

import gradio as gr

from lmlab.ui.widgets.widget import widget

TEMPLATE = """
<section class="walk" data-seq="0" data-step="0">
  <header><h3 data-part="title"></h3><button type="button" class="renew" hidden></button></header>
  <p class="look" data-part="look"></p>
  <ol class="stops"></ol>
  <div class="step" tabindex="-1" aria-live="polite"></div>
  <div class="plain-buttons"><button type="button" data-go="-1"></button><button type="button" data-go="1"></button>
    <span class="count"></span></div>
  <footer>
    <details data-depth="sum"><summary></summary><pre class="sum" tabindex="0"></pre></details>
    <details data-depth="code"><summary></summary><p class="where"></p><pre class="code" tabindex="0"></pre></details>
  </footer>
</section>
"""


def walk_widget(value: Any = None, **options: Any) -> gr.HTML:
    """A component whose value is `{"seq", "title", "look", "steps": […], "renew"}`.

    A step is `{"key", "name", "title", "text", "lines", "table": {"columns", "rows", "marked"}, "after", "sum",
    "code"}`. With `renew` there is a button for newer numbers: event `renew`.
    """
    return widget("walk", TEMPLATE, value, **options)
