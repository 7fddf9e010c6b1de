"""One loss in every unit, in the page: type in one field and the others follow."""

from typing import Any

import gradio as gr

from lmlab.ui.widgets.widget import widget

TEMPLATE = """
<section class="converter fig" data-seq="0"><header><h3 class="title"></h3></header><p class="look"></p>
<div class="fields"></div><div class="line"></div><p class="typical"></p>
<p class="said" aria-live="polite"></p><div class="sums"></div></section>
"""


def converter_widget(**options: Any) -> gr.HTML:
    """A component whose value is `{"seq", "name", "model", "pieces", "nats", "typical", "at", "guess"}`.

    `nats` has one number a piece and one for the end, `typical` is a list of `[title, nats, veils]` (see
    `lmlab.ui.predict.Question.veil`). It begins `at` so many nats per character, or at the mean of `nats`; a `guess`,
    in nats, is marked on its scales. The script mirrors
    `lmlab.evaluation.units`; a browser test holds the two equal.
    """
    return widget("converter", TEMPLATE, also=("veil",), **options)
