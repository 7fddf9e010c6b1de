"""Widgets of sampling: a word with its surprises, the columns from logits to the choice, and the branches ahead."""

from typing import Any

import gradio as gr

from lmlab.strings import t
from lmlab.ui.widgets.widget import widget

TELL = """(T, k, p, m) => {
  const columns = document.querySelector("#sample-columns .sampler");
  if (columns && columns.tell) columns.tell({ T, k, p, m });
  return [];
}"""
"""What a slider of the rules does in the browser, without the server: it tells the columns."""


def _footer(*depths: str) -> str:
    """What stands under a drawing: what it shows in words, and its further depths."""
    inside = {
        "table": '<div class="scroll" tabindex="0"><table class="table"></table></div>',
        "sum": '<pre class="sum" tabindex="0"></pre>',
        "code": '<div class="sources"></div>',
    }
    details = "".join(
        f'<details data-depth="{name}"><summary>{t(f"widget.figure.{name}")}</summary>{inside[name]}</details>'
        for name in depths
    )
    return f'<footer><p class="say"></p><p class="sr" aria-live="polite"></p>{details}</footer>'


def surprise_widget(value: Any = None, **options: Any) -> gr.HTML:
    """One word, letter by letter, with the surprise of each; below it the heading of what follows.

    Value: `{"seq", "at", "letters": [{"text", "nats", "kind"}], "novelty", "nats", "predictions", "characters",
    "ended"}`; `kind` is given, chosen or rolled. Events: `choose` with `{"at"}`, `fresh` for a new name.
    """
    template = f"""
<section class="surprise" data-seq="0" data-at="0">
  <figure class="fig word-figure">
    <header><h3></h3><span class="novel"></span></header>
    <p class="look"></p>
    <div class="letters" role="group"></div>
    {_footer("table")}
  </figure>
  <header class="next"><h3></h3><p class="look"></p></header>
</section>"""
    return widget("surprise", template, value, also=("marks",), **options)


def sampler_widget(value: Any = None, **options: Any) -> gr.HTML:
    """The columns logit, ÷T, p, cut, p final and the running sum with the random number as a pin.

    Value: `{"seq", "at", "symbols", "boundary", "steps": [{"z", "u", "id"}], "rules": {"T", "k", "p", "m"}, "seed",
    "row", "exact", "guess", "code"}`. `z` is base64 of 32-bit floats or a list; `exact` shows four decimals; `guess`
    is `{token: share}`, drawn as the student's outlines. Events: `force` with `{"token"}`, and `settled` a moment
    after the last move of a slider.
    """
    template = f"""
<figure class="fig sampler" role="group" data-seq="0" data-state="">
  <div class="flow" role="group"></div>
  {_footer("table", "sum", "code")}
</figure>"""
    return widget("sampler", template, value, also=("rules", "marks"), **options)


def tree_widget(value: Any = None, **options: Any) -> gr.HTML:
    """The likeliest branches ahead with their probabilities.

    Value: `{"seq", "root", "boundary", "title", "look", "said", "sum", "code"}` with the nodes of
    `lmlab.jobs.calls.sampling.tree`. Event: `go` with `{"ids"}` of the node that was chosen.
    """
    template = f"""
<figure class="fig tree" role="group" data-seq="0" data-state="">
  <header><h3></h3></header>
  <p class="look"></p>
  <div class="branches" role="group"></div>
  {_footer("table", "sum", "code")}
</figure>"""
    return widget("tree", template, value, also=("marks",), **options)
