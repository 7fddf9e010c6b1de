"""The loss ruler at the bottom of every screen."""

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent
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
    return gr.HTML(
        None,
        html_template=TEMPLATE,
        js_on_load=(HERE / "ruler.js").read_text("utf-8"),
        apply_default_css=False,
        **options,
    )
