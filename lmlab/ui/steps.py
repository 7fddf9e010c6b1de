"""Predict, run, explain the gap: the three steps above the figures of a level."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.ui.context import Updates
from lmlab.ui.widgets.content import h, words


@dataclass
class Steps:
    """A question with a number for an answer. `guess` holds what was locked."""

    words: gr.HTML
    ask: gr.Column
    answer: gr.Slider
    lock: gr.Button
    guess: gr.State
    question: str
    later: tuple[str, str]

    @property
    def outputs(self) -> list[Any]:
        """What `reveal` changes."""
        return [self.words, self.ask, self.guess]

    def reset(self) -> Updates:
        """Back to the question, for another corpus."""
        first = steps_trees(1, self.question, *self.later)
        return {self.words: first, self.ask: gr.update(visible=True), self.guess: None}

    def reveal(self, predicted: str, ran: str, gap: str, guess: dict[str, Any]) -> Updates:
        """The guess in words, what was run, and the gap, which is now the current step."""
        return {
            self.words: steps_trees(3, predicted, ran, gap),
            self.ask: gr.update(visible=False),
            self.guess: guess,
        }


def steps_trees(now: int, predict: str, run: str, gap: str) -> list[Any]:
    """The three columns; the current one has the thick rule."""
    items = []
    for i, (title, text) in enumerate((("Predict", predict), ("Run", run), ("The gap", gap)), start=1):
        state = "now" if i == now else "done" if i < now else "later"
        number = "✓" if i < now else str(i)
        items.append(
            h(
                "li",
                h("h2", h("span", number, cls="n"), title),
                h("p", text, cls="ask" if i == now else ""),
                cls=state,
                **({"aria_current": "step"} if i == now else {}),
            )
        )
    return [h("ol", *items, cls=f"steps at-{now}")]


def question_steps(
    name: str,
    question: str,
    minimum: float,
    maximum: float,
    start: float,
    unit: str,
    later: tuple[str, str],
) -> Steps:
    """Ask for a number before the result is shown. `name` is the level's, for the ids of the components."""
    with gr.Column(elem_classes="predict"):
        said = words(*steps_trees(1, question, *later), elem_id=f"{name}-steps")
        with gr.Column(elem_classes="bet", min_width=200) as ask:
            answer = gr.Slider(
                minimum, maximum, value=start, step=1, label=f"Your guess, {unit}", elem_id=f"{name}-guess"
            )
            lock = gr.Button("Lock my guess", variant="primary", elem_id=f"{name}-lock")
    return Steps(said, ask, answer, lock, gr.State(None), question, later)
