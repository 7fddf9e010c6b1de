"""Real or generated? Names one by one, judged with two buttons or two keys."""

from typing import Any

import gradio as gr

from lmlab.ui.widgets.widget import widget

TEMPLATE = """
<section class="quiz" data-seq="0"><p class="progress"></p><p class="shown" tabindex="-1"></p>
<div class="buttons"></div><p class="verdict" tabindex="-1" role="status" aria-live="polite"></p>
<div class="score"></div>
<div class="scroll" tabindex="0"><table class="table"></table></div></section>
"""


def quiz_widget(**options: Any) -> gr.HTML:
    """A component whose value is one state of a quiz.

    `{"seq", "token", "number", "of", "name" or None, "verdict", "done": [{name, real, said, nats}], "again",
    "score"}`: `name` is the one to be judged, None when all are; of the others only those that were answered
    are ever sent. Then `score` is `{"right", "guess"}`: the right answers, and how many the student said (or None).
    Events:
    `answer` with `{"token", "number", "said": "real" | "generated"}`, and `again`.
    """
    return widget("quiz", TEMPLATE, also=("marks",), **options)
