"""The loss ruler at the bottom of every screen."""

from typing import Any

import gradio as gr

from lmlab.ui.widgets.widget import widget

TEMPLATE = """
<section class="ruler" data-seq="0"><div class="wrap">
  <div class="what">
    <b></b><select></select><span class="better"></span><button type="button" class="open"></button>
  </div>
  <div class="line"><div class="marks"></div></div>
  <div class="tip" hidden><p></p><button type="button" class="open"></button></div>
  <p class="sr" aria-live="polite"></p>
  <div class="panel" popover="auto"></div>
</div></section>
"""


def ruler_widget(**options: Any) -> gr.HTML:
    """A component whose value is what `lmlab.ui.bench.ruler_value` makes; all losses in it are nats.

    The unit in which they are told is chosen in the page and remembered by the browser. What an open question on the
    screen asks about is left out until it is answered (`Question.veil`).
    """
    return widget("ruler", TEMPLATE, also=("veil",), **options)
