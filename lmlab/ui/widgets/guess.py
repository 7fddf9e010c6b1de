"""The board of the guessing game: the name as far as it is known, the keys with their chips, and the models' bars."""

from typing import Any

import gradio as gr

from lmlab.strings import t
from lmlab.ui.widgets.widget import widget


def _template() -> str:
    """The board's fixed parts; the words come from our own catalogue, never from people."""
    return f"""
<section class="game" data-seq="0" data-state="waiting" aria-label="{t("widget.guess.board")}">
  <ol class="steps at-1"></ol>
  <p class="total"></p>
  <div class="moves"></div>
  <div class="strip"><p class="unit"></p><div class="name"></div></div>
  <div class="ladder"><p class="unit"></p><ul></ul></div>
  <div class="board">
    <div class="over"><p class="unit"></p><span></span></div>
    <span class="axis top" aria-hidden="true"></span><span class="axis half" aria-hidden="true"></span>
    <div class="keys"></div>
  </div>
  <p class="hint"></p>
  <p class="said sr" role="status" aria-live="polite"></p>
</section>
"""


def guess_widget(first: dict[str, Any], **options: Any) -> gr.HTML:
    """A component that begins with `first`; its value is what `lmlab.ui.guessing.board.value_of` makes of a round.

    Its event `play` carries `{"do", "token", "position", "key", "chips"}`: `do` is `guess` (a key), `lock` (a whole
    number of chips for each key), `skip`, `again` (another name) or `bets` (on to the game with chips).
    """
    return widget("guess", _template(), first, **options)
