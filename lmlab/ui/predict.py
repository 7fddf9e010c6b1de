"""Predict, run, explain the gap: the three steps above the figures of every level, as one component.

A level brings its questions and a function that finds the truth; the component asks, locks or skips, keeps the guess
on the screen, asks for one line of explanation, and writes all of it with the time into the student's work.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Literal

import gradio as gr

from lmlab.errors import LabError
from lmlab.strings import t
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.widgets.content import Tree, h, words
from lmlab.ui.widgets.guesses import answer_of, drawing_value, drawing_widget, ordering_value, ordering_widget
from lmlab.ui.widgets.widget import packed, unpacked
from lmlab.ui.work import Entry, Work

LONGEST_WHY = 1000
TOLERANCE = 0.005
"""By how much of its total a drawing may miss it: the page rounds what it draws."""
Kind = Literal["number", "choice", "order", "drawing"]


@dataclass(frozen=True)
class Question:
    """One thing to predict. `text` is what the student reads; `later` says what steps 2 and 3 will do.

    A number lies in `minimum` to `maximum`; a choice is one of `options`; an order is all of them, `ends` saying what
    its first and last place mean; a drawing has a number for each of `labels` in `minimum` to `maximum`, adding up to
    `total` if there is one, and begins as `drawn` (level without it).
    """

    name: str
    text: str
    kind: Kind = "number"
    later: tuple[str, str] = ("", "")
    minimum: float = 0
    maximum: float = 100
    start: float = 50
    step: float = 1
    unit: str = ""
    options: Sequence[str] = ()
    ends: tuple[str, str] = ("", "")
    labels: Sequence[str] = ()
    mode: Literal["bars", "curve"] = "bars"
    total: float | None = None
    axis: str = ""
    drawn: Sequence[float] | None = None
    veil: str = ""
    """What other parts of the page keep to themselves until it is answered, as words: a baseline's name or "models"
    for ruler and bench, "coin" for the converter."""

    def checked(self, answer: Any) -> Any:
        """An answer as the page sent it, in the form that `kind` promises. Raises `LabError` for any other.

        >>> Question("n", "How often?", unit="%").checked(20)
        20.0
        >>> Question("n", "Which?", "choice", options=("a", "b")).checked("c")
        Traceback (most recent call last):
        lmlab.errors.LabError: 'c' is not one of the answers. Choose one: a, b.
        """
        return {
            "number": self._number,
            "choice": self._choice,
            "order": self._order,
            "drawing": self._drawing,
        }[self.kind](answer)

    def _number(self, answer: Any) -> float:
        if not _finite(answer):
            raise LabError(t("predict.refused.number"))
        if not self.minimum <= answer <= self.maximum:
            value = f"{answer:g} {self.unit}".strip()
            raise LabError(t("predict.refused.range", value=value, minimum=self.minimum, maximum=self.maximum))
        return float(answer)

    def _choice(self, answer: Any) -> str:
        if answer is None:
            raise LabError(t("predict.refused.nothing"))
        if answer not in self.options:
            raise LabError(t("predict.refused.choice", answer=str(answer)[:40], options=", ".join(self.options)))
        return str(answer)

    def _order(self, answer: Any) -> list[str]:
        if not isinstance(answer, list) or sorted(map(str, answer)) != sorted(self.options):
            raise LabError(t("predict.refused.order", n=len(self.options)))
        return list(answer)

    def _drawing(self, answer: Any) -> list[float]:
        if not isinstance(answer, list) or len(answer) != len(self.labels) or not all(map(_finite, answer)):
            raise LabError(t("predict.refused.drawing"))
        highest = self.maximum if self.total is None else max(self.maximum, self.total)
        drawn = [round(min(highest, max(self.minimum, float(y))), 4) for y in answer]
        if self.total is not None and abs(sum(drawn) - self.total) > TOLERANCE * self.total:
            raise LabError(t("predict.refused.total", sum=sum(drawn), total=self.total, unit=self.unit))
        return drawn

    def in_words(self, answer: Any) -> str:
        """An answer as a person reads it.

        >>> Question("n", "How often?", unit="%").in_words(20.0), Question("n", "Which?").in_words(["b", "a"])
        ('20 %', 'b, a')
        """
        if isinstance(answer, list):
            words = [part for part in answer if isinstance(part, str)]
            return ", ".join(words) if len(words) == len(answer) else t("frame.work.drawn", n=len(answer))
        return f"{answer:g} {self.unit}".strip() if _finite(answer) else str(answer)

    def shown(self) -> Updates:
        """What the question's own field shows before it is answered, as properties of its component."""
        if self.kind == "number":
            label = t("predict.guess_in", unit=self.unit) if self.unit else t("predict.guess")
            sides = {"minimum": self.minimum, "maximum": self.maximum, "step": self.step}
            return {**sides, "value": self.start, "label": label}
        if self.kind == "choice":
            return {"choices": list(self.options), "value": None}
        if self.kind == "order":
            return {"value": packed(ordering_value(self.options, *self.ends))}
        return {
            "value": packed(
                drawing_value(
                    self.labels, self.mode, self.minimum, self.maximum, self.unit, self.total, self.axis, self.drawn
                )
            )
        }


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


@dataclass(frozen=True)
class Told:
    """What a level says after the lock. Without `gap` something still runs: the level calls `finish` at its end.

    `predicted` is the guess in words (ignored when it was skipped), `ran` what was looked up or computed, `gap` how
    far the guess was off, ending in a question that asks why; `truth` is the answer, as plain as the guess.
    """

    predicted: str
    ran: str
    gap: str = ""
    truth: Any = None


Reveal = Callable[..., Awaitable[tuple[Told, Updates]]]
"""`reveal(question, answer or None, owner, corpus, *inputs)`; None is a question that was skipped."""


@dataclass
class Predict:
    """The component. `state` is `{"at": "ask" | "run" | "gap" | "kept", "index", "entry"}` for one page."""

    level: str
    questions: Sequence[Question]
    said: gr.HTML
    ask: gr.Column
    answers: dict[Kind, Any]
    """The fields for the kinds of questions that the level asks; one of them is visible."""
    lock: gr.Button
    skip: gr.Button
    run: gr.Column
    """Empty: a level puts the buttons of a run that takes time in here; it is shown while the run is under way."""
    why: gr.Column
    text: gr.Textbox
    keep: gr.Button
    reply: gr.HTML
    """That the explanation is kept, and where."""
    another: gr.Button
    state: gr.State
    """As it is made, with `"new": True`, until a question is asked or answered."""

    @property
    def outputs(self) -> list[Any]:
        """What the component's own events and `asked`, `told` and `finish` change."""
        return [
            self.said, self.ask, self.run, self.why, self.text, self.keep, self.reply, self.another, self.state,
            *self.answers.values(),
        ]  # fmt: skip

    def asked(self, index: int = 0, entry: str | None = None) -> Updates:
        """Ask a question, with nothing said yet; also the way back after the corpus has changed.

        `entry` is the id of an entry that the answer will replace.
        """
        question = self.questions[index]
        return {
            self.said: steps_trees(1, question.text, *question.later, veil=question.veil),
            self.ask: gr.update(visible=True),
            **{
                field: gr.update(visible=True, **question.shown())
                if kind == question.kind
                else gr.update(visible=False)
                for kind, field in self.answers.items()
            },
            self.why: gr.update(visible=False),
            self.text: "",
            self.reply: [],
            self.run: gr.update(visible=False),
            self.state: {"at": "ask", "index": index, "entry": None, "replaces": entry},
        }

    # --- where the student left off ---------------------------------------------------------------------------------

    def answered(self, work: Work, corpus: Any, names: Sequence[str] = ()) -> list[Entry]:
        """What was said of these questions (none: all) on this corpus, oldest first, skipped or not."""
        asked = {question.name for question in self.questions if not names or question.name in names}
        return [
            entry for entry in work.entries
            if entry.level == self.level and entry.question in asked and entry.corpus == mark_of(corpus)
        ]  # fmt: skip

    def resumed(self, work: Work, corpus: Any) -> Updates:
        """After a reload: the gap that waits for its explanation, else the first question that is not answered yet.

        A question whose run was not seen to its end is asked again, and its entry is written anew. No updates where
        nothing was answered on this corpus.
        """
        mine = self.answered(work, corpus)
        if not mine:
            return {}
        last = mine[-1]
        if is_open(last):
            return self.asked(self.index_of(last), last.id)
        done = {entry.question for entry in mine if not is_open(entry)}
        waiting = next((i for i, question in enumerate(self.questions) if question.name not in done), None)
        return self.at_gap(last) if not last.explained_at or waiting is None else self.asked(waiting)

    def index_of(self, entry: Entry) -> int:
        """The number of an entry's question."""
        return next(i for i, question in enumerate(self.questions) if question.name == entry.question)

    def guess_of(self, entry: Entry) -> Any:
        """An entry's guess as its question takes it; None where it was skipped or is none (in another language)."""
        try:
            return None if entry.guess is None else self.questions[self.index_of(entry)].checked(entry.guess)
        except LabError:
            return None

    def state_at(self, entry: Entry) -> dict[str, Any]:
        """The state of a page on which an entry was answered, and perhaps explained."""
        at = "kept" if entry.explained_at else "gap"
        return {"at": at, "index": self.index_of(entry), "entry": entry.model_dump()}

    def at_gap(self, entry: Entry) -> Updates:
        """An answered question, with its explanation or the field for it."""
        state = self.state_at(entry)
        updates = self.told(self.retold(entry), state)
        if entry.explained_at:
            updates |= {
                self.text: gr.update(value=entry.why, interactive=False),
                self.keep: gr.update(visible=False),
                self.reply: kept_trees(),
                self.state: state,
            }
        return updates

    def retold(self, entry: Entry) -> Told:
        """What can be said of an entry alone: the guess and the gap, not how the truth was found."""
        guess = self.questions[self.index_of(entry)].in_words(entry.guess)
        said = entry.said or str(entry.truth)
        return Told(t("predict.resumed_guess", guess=guess), t("predict.resumed_run"), said, entry.truth)

    # --- the steps --------------------------------------------------------------------------------------------------

    def told(self, told: Told, state: dict[str, Any]) -> Updates:
        """The guess in words, then the run that is under way, or the gap."""
        predicted = told.predicted if state["entry"]["guess"] is not None else t("predict.skipped")
        over = bool(told.gap)
        later = self.questions[state["index"]].later[1]
        return {
            self.said: steps_trees(3 if over else 2, predicted, told.ran, told.gap or later),
            self.ask: gr.update(visible=False),
            self.run: gr.update(visible=not over),
            self.why: gr.update(visible=over),
            self.text: gr.update(value="", interactive=True),
            self.keep: gr.update(visible=True),
            self.reply: [],
            self.another: gr.update(visible=over and len(self.questions) > 1),
            self.state: {**state, "at": "gap" if over else "run"},
        }

    def finish(self, ctx: Context, owner: str, stored: Any, state: dict[str, Any], told: Told) -> Updates:
        """The run that the guess waited for is over: show the gap and write the truth down."""
        if state.get("at") != "run" or not state.get("entry"):
            return {}
        entry = {**state["entry"], "truth": told.truth, "said": told.gap}
        return {**self.told(told, {**state, "entry": entry}), **ctx.keep(owner, stored, Entry(**entry))}

    def wire(
        self,
        ctx: Context,
        message: gr.HTML,
        reveal: Reveal,
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        resume: bool = True,
    ) -> list[Any]:
        """Connect the events; `reveal` finds the truth, `outputs` are what its updates change.

        A page that has just opened goes on where the student left off, unless the level sees to that itself and says
        `resume=False`.

        Returns the events of lock and skip: a level chains to them what follows a run that they began.
        """
        kinds = list(self.answers)

        async def lock(owner: str, corpus: Any, stored: Any, state: Any, *values: Any) -> Updates:
            question = self.questions[state["index"]]
            answer = values[kinds.index(question.kind)]
            if question.kind in ("order", "drawing"):
                answer = answer_of(answer)
            return await answered(owner, corpus, stored, state, question.checked(answer), *values[len(kinds) :])

        async def skip(owner: str, corpus: Any, stored: Any, state: Any, *values: Any) -> Updates:
            return await answered(owner, corpus, stored, state, None, *values[len(kinds) :])

        async def answered(owner: str, corpus: Any, stored: Any, state: Any, answer: Any, *more: Any) -> Updates:
            question = self.questions[state["index"]]
            told, updates = await reveal(question, answer, owner, corpus, *more)
            replaced = {"id": state["replaces"]} if state.get("replaces") else {}
            entry = Entry(
                level=self.level, question=question.name, asked=question.text, guess=answer, truth=told.truth,
                said=told.gap, corpus=mark_of(corpus), **replaced,
            )  # fmt: skip
            state = {"at": "ask", "index": state["index"], "entry": entry.model_dump()}
            return {**self.told(told, state), **updates, **ctx.keep(owner, stored, entry)}

        async def explain(owner: str, stored: Any, state: dict[str, Any], text: str) -> Updates:
            why = (text or "").strip()
            if not why:
                raise LabError(t("predict.say_why"))
            if len(why) > LONGEST_WHY:
                raise LabError(t("predict.too_long", length=len(why), most=LONGEST_WHY))
            now = datetime.now(UTC).isoformat(timespec="seconds")
            entry = {**state["entry"], "why": why, "explained_at": now}
            return {
                self.text: gr.update(interactive=False),
                self.keep: gr.update(visible=False),
                self.reply: kept_trees(),
                self.state: {**state, "at": "kept", "entry": entry},
                **ctx.keep(owner, stored, Entry(**entry)),
            }

        async def another(state: dict[str, Any]) -> Updates:
            return self.asked((state["index"] + 1) % len(self.questions))

        async def go_on(owner: str, corpus: Any, stored: Any, state: dict[str, Any]) -> Updates:
            return self.resumed(ctx.work_of(owner, stored), corpus) if state.get("new") else {}

        if resume:
            known = [ctx.owner, ctx.corpus, ctx.work, self.state]
            ctx.show(self.level, guarded(message, go_on), known, [*self.outputs, message])
        here = [ctx.owner, ctx.corpus, ctx.work, self.state, *self.answers.values(), *inputs]
        changed = [*self.outputs, ctx.work, *outputs, message]
        answers = [
            light(self.lock.click, guarded(message, lock), here, changed),
            light(self.skip.click, guarded(message, skip), here, changed),
        ]
        for event in (self.keep.click, self.text.submit):
            light(
                event, guarded(message, explain), [ctx.owner, ctx.work, self.state, self.text],
                [self.text, self.keep, self.reply, self.state, ctx.work, message],
            )  # fmt: skip
        light(self.another.click, guarded(message, another), [self.state], [*self.outputs, message])
        return answers


def mark_of(corpus: Any) -> str:
    """A corpus as an entry names it: a bundled one by its name, a student's own by its content, never by its place.

    >>> mark_of({"source": "names"}), mark_of({"source": "/home/ada/corpora/3f2a.txt"})
    ('names', '3f2a')
    """
    return PurePath(corpus["source"]).stem[:80]


def is_open(entry: Entry) -> bool:
    """Whether the truth of an entry was never told: its run was not seen to its end."""
    return entry.truth is None and not entry.said


def predict_steps(level: str, questions: Sequence[Question]) -> Predict:
    """Make the component where it is called, with the first question asked."""
    first = questions[0]
    makers: dict[Kind, Callable[..., Any]] = {
        "number": lambda **shown: gr.Slider(elem_id=f"{level}-guess", **shown),
        "choice": lambda **shown: gr.Radio(
            label=t("predict.guess"), elem_classes="switch", elem_id=f"{level}-choice", **shown
        ),
        "order": lambda value, **shown: ordering_widget(unpacked(value), elem_id=f"{level}-order", **shown),
        "drawing": lambda value, **shown: drawing_widget(unpacked(value), elem_id=f"{level}-drawing", **shown),
    }
    with gr.Column(elem_classes="predict", elem_id=f"{level}-predict"):
        said = words(*steps_trees(1, first.text, *first.later, veil=first.veil), elem_id=f"{level}-steps")
        with gr.Column(elem_classes="bet", min_width=200) as ask:
            answers = {}
            for kind in dict.fromkeys(question.kind for question in questions):
                example = next(question for question in questions if question.kind == kind)
                answers[kind] = makers[kind](visible=kind == first.kind, **example.shown())
            with gr.Row(elem_classes="act"):
                lock = gr.Button(t("predict.lock"), variant="primary", elem_id=f"{level}-lock")
                skip = gr.Button(t("predict.skip"), elem_classes="link", size="sm", elem_id=f"{level}-skip")
        with gr.Column(visible=False, elem_classes="under-way", min_width=200) as run:
            pass
        with gr.Column(visible=False, elem_classes="why", min_width=200) as why:
            text = gr.Textbox(
                label=t("predict.why"), placeholder=t("predict.one_sentence"), max_lines=3, max_length=LONGEST_WHY,
                elem_id=f"{level}-why",
            )  # fmt: skip
            with gr.Row(elem_classes="act"):
                keep = gr.Button(t("predict.keep"), variant="primary", elem_id=f"{level}-keep")
                another = gr.Button(
                    t("predict.another"), elem_classes="link", size="sm", visible=False, elem_id=f"{level}-another"
                )
            reply = words(elem_classes="reply", elem_id=f"{level}-kept")
    state = gr.State({"at": "ask", "index": 0, "entry": None, "new": True})
    return Predict(level, questions, said, ask, answers, lock, skip, run, why, text, keep, reply, another, state)


def kept_trees() -> list[Any]:
    """What is said when an explanation was kept."""
    return [h("p", t("predict.kept"), cls="look")]


def steps_trees(now: int, predict: Tree, run: Tree, gap: Tree, veil: str = "") -> list[Any]:
    """The three columns; the current one has the thick rule. For `veil` see `Question`: the page reads it there."""
    items = []
    titles = (t("predict.step_predict"), t("predict.step_run"), t("predict.step_gap"))
    for i, (title, text) in enumerate(zip(titles, (predict, run, gap), strict=True), start=1):
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
    return [h("ol", *items, cls=f"steps at-{now}", **({"data_veil": veil} if veil else {}))]
