"""The loss ruler at the bottom of every screen."""

from typing import Any

import gradio as gr

from lmlab.ui.widgets.widget import widget

TEMPLATE = """
<section class="ruler" aria-label="Loss ruler" data-seq="0"><div class="wrap">
  <div class="what"><b>Held-out loss</b><span>nats per character,<br>better to the right</span></div>
  <div class="line"><span class="unit">nats per character</span><div class="marks"></div></div>
  <p class="said sr" aria-live="polite"></p>
</div></section>
"""


def ruler_widget(**options: Any) -> gr.HTML:
    """A component whose value is `{"seq", "baselines": [[title, loss]], "models": [{title, loss, kind, said}]}`.

    A model's `kind` is `now` (the one at hand) or `model`.
    """
    return widget("ruler", TEMPLATE, **options)
