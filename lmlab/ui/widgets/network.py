"""A window that slides over a name, and the network with its live numbers for that window."""

from typing import Any

import gradio as gr

from lmlab.ui.widgets.widget import widget

TEMPLATE = """
<section class="network" data-seq="0" data-state="empty">
  <div class="sliding">
    <h3 data-part="windows"></h3><p class="look" data-part="windows_look"></p>
    <div class="tape"><div class="cells"></div><i class="frame"></i><i class="aim"></i></div>
    <ol class="pairs"></ol>
    <div class="plain-buttons"><button type="button" data-go="-1"></button><button type="button" data-go="1"></button>
      <button type="button" data-go="slide"></button></div>
    <p class="whole" data-part="whole"></p>
  </div>
  <header><h3 data-part="title"></h3><span class="at" data-part="at"></span></header>
  <p class="look" data-part="look"></p>
  <div class="net"><svg class="links" aria-hidden="true"></svg>
    <div class="part letters"><h4></h4><div class="blocks"></div></div>
    <div class="part units"><h4></h4><div class="grid" role="group"></div><ol class="stages"></ol></div>
    <div class="part bars"><h4></h4><ol></ol></div>
  </div>
  <p class="ranges"></p>
  <p class="say" aria-live="polite"></p>
  <div class="favourites" hidden></div>
  <footer><details data-depth="table"><summary></summary>
    <div class="scroll" tabindex="0"><table class="table"></table></div></details></footer>
</section>
"""


def network_widget(value: Any = None, **options: Any) -> gr.HTML:
    """A component whose value is `{"seq", "picture", "said", "whole", "at", "live", "followed", "favourites"}`.

    `picture` is the answer to the question "picture" (`lmlab/jobs/calls/inside.py`) and `favourites` the one to
    "unit", or None. Event `view` with `{"position", "unit", "why"}`: the window and the unit (or None) that the
    student looks at; `why` is "window", "unit", or "tick": the network is learning and the picture is on the screen.
    """
    return widget("network", TEMPLATE, value, **options)
