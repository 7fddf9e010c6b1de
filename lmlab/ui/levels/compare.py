"""Level Compare: all models take the same exam. Five parts, one at a time, each with a guess before it is told."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.strings import t
from lmlab.ui.comparing import exam, ladder, leaks, one_name, quiz
from lmlab.ui.context import NAMES, Context, Updates, guarded, light
from lmlab.ui.predict import Predict, Question, Told, is_open, kept_trees, predict_steps
from lmlab.ui.turns import Turns
from lmlab.ui.widgets.content import h, words

PARTS = ("ladder", "name", "quiz", "leaks", "test")
FIRST = PARTS[0]
AGAIN = ("quiz", "test")
"""Parts whose question has another answer each time: another quiz has other names, another model another loss."""


@dataclass
class Compare:
    """The components of the level. `told` is what each part has said on this page: `{part: {"told", "state"}}`."""

    part: gr.Radio
    predict: Predict
    message: gr.HTML
    ladder: ladder.Ladder
    name: one_name.OneName
    quiz: quiz.Quiz
    leaks: leaks.Leaks
    exam: exam.Exam
    looked_at: gr.State
    """The model of the bench that the menus have last taken up."""
    told: gr.State
    shown: gr.State
    """The part that stands on the screen: its answers are kept when another one is opened."""

    @property
    def columns(self) -> dict[str, gr.Column]:
        """Each part's column; one of them is visible."""
        columns = (
            self.ladder.column, self.name.column, self.quiz.column, self.leaks.column, self.exam.column,
        )  # fmt: skip
        return dict(zip(PARTS, columns, strict=True))

    @property
    def outputs(self) -> list[Any]:
        """What opening a part changes."""
        return [
            *self.predict.outputs, *self.columns.values(), *self.ladder.outputs,
            *self.name.outputs, *self.quiz.outputs, *self.leaks.outputs, *self.exam.outputs,
            self.told, self.shown, self.looked_at,
        ]  # fmt: skip


def questions() -> list[Question]:
    """All questions; the ladder has two, for a corpus that was measured and for any other."""
    return [
        *ladder.questions(),
        *one_name.questions(),
        *quiz.questions(),
        *leaks.questions(),
        *exam.questions(),
    ]


def part_of(question: str) -> str:
    """The part that a question belongs to.

    >>> part_of("ladder-counted"), part_of("half"), part_of("leak")
    ('ladder', 'name', 'leaks')
    """
    parts = {"ladder": "ladder", "ladder-counted": "ladder", "half": "name", "leak": "leaks"}
    return parts.get(question, question)


def build(ctx: Context) -> Compare:
    """Make the components."""
    words(h("h1", t("compare.title")), h("p", t("compare.lead")), elem_classes="lead")
    part = gr.Radio(
        [(t(f"compare.parts.{name}"), name) for name in PARTS], value=FIRST, label=t("compare.part"),
        elem_classes=["switch", "parts"], elem_id="compare-part",
    )  # fmt: skip
    predict = predict_steps("compare", questions())
    message = words(elem_classes="message", elem_id="compare-message")
    ui = Compare(
        part, predict, message, ladder.build(), one_name.build(), quiz.build(), leaks.build(), exam.build(predict),
        gr.State(None), gr.State({}), gr.State(FIRST),
    )  # fmt: skip
    ctx.pickers.append((ui.name.first, lambda card: not card.get("live")))
    ctx.controls["compare"] = {
        "part": ui.part,
        "zoom": ui.ladder.zoom,
        "name": ui.name.name,
        "first": ui.name.first,
        "second": ui.name.second,
        "quiz-model": ui.quiz.model,
        "test-model": ui.exam.model,
        "remember": ui.ladder.remember,
    }
    ctx.presets["compare"] = (PARTS, lambda name: {ui.part: name}, [ui.part])
    return ui


def wire(ctx: Context, ui: Compare) -> None:
    """Connect the events."""
    predict = ui.predict
    index = {question.name: i for i, question in enumerate(predict.questions)}
    models = [*ui.name.controls, ui.quiz.model, ui.exam.model]
    inputs = [
        ctx.owner, ctx.corpus, ctx.chosen, ui.part, ui.shown, ui.told, predict.state, ui.ladder.state, ui.ladder.zoom,
        *models,
    ]  # fmt: skip

    def question_of(part: str, state: dict[str, Any] | None) -> int:
        """The number of a part's question; the ladder's depends on whether the corpus was measured."""
        if part == "ladder":
            return index["ladder" if state is None or state["measured"] else "ladder-counted"]
        return next(i for name, i in index.items() if part_of(name) == part)

    def steps(part: str, told: dict[str, Any], state: dict[str, Any] | None) -> Updates:
        """The three steps of a part as the student left them."""
        before = told.get(part)
        if before is None or before["state"] is None:
            return {**predict.asked(question_of(part, state)), predict.another: gr.update(visible=False)}
        at, entry = before["state"]["at"], before["state"]["entry"]
        updates = {**predict.told(Told(**before["told"]), before["state"]), predict.another: gr.update(visible=False)}
        if at == "kept":
            updates |= {
                predict.text: gr.update(value=entry["why"], interactive=False),
                predict.keep: gr.update(visible=False),
                predict.reply: kept_trees(),
                predict.state: before["state"],
            }
        return updates

    async def content(
        part: str, owner: str, corpus: Any, chosen: Any, state: Any, zoom: str, told: dict[str, Any], *values: Any
    ) -> Updates:
        """What a part shows when it is opened."""
        name, first, second, cell, guess, quiz_model, test_model = values
        if part == "ladder":
            return ladder.draw(ctx, ui.ladder, owner, state, zoom)
        if part == "name":
            found = await one_name.menus(ctx, ui.name, owner, corpus, first, second, chosen)
            runs = (found[ui.name.first]["value"], found[ui.name.second]["value"])
            return {**found, **await one_name.show_name(ctx, ui.name, owner, name, *runs, cell, guess)}
        if part == "quiz":
            return await quiz.show(ctx, ui.quiz, owner, corpus, quiz_model, chosen)
        if part == "test":
            waits = told.get("test", {}).get("state", {}).get("at") == "run"
            found = await exam.show(ctx, ui.exam, owner, corpus, test_model, chosen)
            return {**found, ui.exam.open: gr.update(visible=waits and bool(found[ui.exam.model]["value"]))}
        return {}

    async def open_part(
        owner: str, corpus: Any, chosen: Any, part: str, shown: str, told: Any, asked: Any, state: Any, zoom: str,
        *values: Any,
    ) -> Updates:  # fmt: skip
        """Put another part on the screen; what the student said in the last one is there when they come back."""
        if part not in PARTS:
            raise LabError(f"There is no part '{str(part)[:40]}'. Choose one of the five.")
        if shown in told:
            told = {**told, shown: {**told[shown], "state": asked}}
        if state is None:
            state = await ladder.open_ladder(ctx, owner, corpus)
        more: Updates = {}
        if part not in told:
            before, more = await left_off(part, owner, corpus, state, zoom)
            told = {**told, **before}
            state = more.get(ui.ladder.state, state)
        asking = steps(part, told, state)
        if part == "name":
            values = (*values[:4], more.get(ui.name.guess, values[4]), *values[5:])
            if part not in told:
                symbols = (await ctx.ask_corpus(corpus, owner, "corpus"))["symbols"]
                fitting = one_name.field(predict.questions[index["half"]], len(symbols))
                asking[predict.answers["number"]] = gr.update(visible=True, **fitting)
        return {
            **{column: gr.update(visible=name == part) for name, column in ui.columns.items()},
            ui.exam.open: gr.update(visible=False),
            **asking,
            ui.ladder.state: state,
            ui.told: told,
            ui.shown: part,
            ui.looked_at: chosen,
            **await content(part, owner, corpus, chosen, state, zoom, told, *values),
            **more,
        }

    async def left_off(
        part: str, owner: str, corpus: Any, state: dict[str, Any], zoom: str
    ) -> tuple[dict[str, Any], Updates]:
        """What a part said before the page was opened anew, as `told` keeps it, and the figure that shows it."""
        names = [name for name in index if part_of(name) == part]
        entry = next(reversed(predict.answered(ctx.work_of(owner), corpus, names)), None)
        if entry is None or (part in AGAIN and entry.explained_at):
            return {}, {}
        if is_open(entry):  # its run was not seen to its end: the same question, and the same entry
            hidden = {predict.another: gr.update(visible=False)}
            return {}, {**predict.asked(predict.index_of(entry), entry.id), **hidden}
        updates: Updates = {}
        if part == "ladder":
            _, updates = ladder.reveal(ctx, ui.ladder, owner, state, zoom, predict.guess_of(entry))
        elif part == "leaks":
            _, updates = await leaks.reveal(ctx, ui.leaks, owner, corpus, predict.guess_of(entry))
        elif part == "name":
            updates = {ui.name.guess: predict.guess_of(entry)}
        return {part: {"told": vars(predict.retold(entry)), "state": predict.state_at(entry)}}, updates

    async def arrive(
        owner: str, corpus: Any, chosen: Any, part: str, shown: str, told: Any, asked: Any, state: Any, zoom: str,
        name: Any, first: Any, second: Any, cell: Any, guess: Any, quiz_model: Any, test_model: Any,
    ) -> Updates:  # fmt: skip
        """The level comes onto the screen with a corpus that it has not shown: nothing was said about it yet."""
        part = part if part in PARTS else FIRST
        anew = (name, None, None, 0, None, None, None)
        return {
            ui.name.guess: None,
            ui.quiz.quiz: None,
            ui.quiz.intro: quiz.waiting(),
            **leaks.closed(ui.leaks),
            **await open_part(owner, corpus, chosen, part, part, {}, None, None, zoom, *anew),
        }

    async def reveal(
        question: Question, answer: Any, owner: str, corpus: Any, told: Any, state: Any, zoom: str, converter: Any,
        quiz_model: Any, test_model: Any,
    ) -> tuple[Told, Updates]:  # fmt: skip
        """The truth of the part's question."""
        part = part_of(question.name)
        if part == "ladder":
            state = state or await ladder.open_ladder(ctx, owner, corpus)
            found, updates = ladder.reveal(ctx, ui.ladder, owner, state, zoom, answer)
        elif part == "name":
            found, updates = one_name.reveal(ui.name, converter, answer)
        elif part == "quiz":
            found, updates = await quiz.reveal(ctx, ui.quiz, owner, corpus, quiz_model, answer)
        elif part == "leaks":
            found, updates = await leaks.reveal(ctx, ui.leaks, owner, corpus, answer)
        else:
            found, updates = await exam.reveal(ctx, ui.exam, owner, corpus, test_model, answer)
        told = {**told, part: {"told": vars(found), "state": None}}
        return found, {**updates, ui.told: told, predict.another: gr.update(visible=False)}

    async def take_up(
        owner: str, corpus: Any, chosen: Any, part: str, before: Any, quiz_model: Any, test_model: Any
    ) -> Updates:
        """Another model was chosen on the bench: the menu of the part on the screen shows it, where it fits."""
        if chosen == before or part not in ("quiz", "test"):
            return {}
        if part == "quiz":
            found = await quiz.show(ctx, ui.quiz, owner, corpus, chosen, quiz_model)
            return {ui.quiz.model: found[ui.quiz.model], ui.looked_at: chosen}
        found = await exam.show(ctx, ui.exam, owner, corpus, chosen, test_model)
        return {ui.exam.model: found[ui.exam.model], ui.looked_at: chosen}

    light(
        ctx.bench.change, guarded(ui.message, take_up),
        [ctx.owner, ctx.corpus, ctx.chosen, ui.part, ui.looked_at, ui.quiz.model, ui.exam.model],
        [ui.quiz.model, ui.exam.model, ui.looked_at, ui.message], trigger_mode="always_last",
    )  # fmt: skip
    turns = Turns()
    inputs = [ctx.page, *inputs]
    light(ui.part.change, guarded(ui.message, turns.newest(open_part)), inputs, [*ui.outputs, ui.message])
    predict.wire(
        ctx, ui.message, reveal,
        [ui.told, ui.ladder.state, ui.ladder.zoom, ui.name.converter, ui.quiz.model, ui.exam.model],
        [ui.told, *ui.ladder.outputs, ui.name.converter, ui.name.guess, ui.quiz.quiz, ui.quiz.intro,
         *ui.leaks.outputs, ui.exam.open],
        resume=False,
    )  # fmt: skip
    ladder.wire(ctx, ui.ladder, ui.message)
    one_name.wire(ctx, ui.name, ui.message)
    quiz.wire(ctx, ui.quiz, predict, index["quiz"], ui.told, ui.message)
    exam.wire(ctx, ui.exam, predict, ui.told, ui.message)
    ctx.show("compare", guarded(ui.message, turns.newest(arrive)), inputs, [*ui.outputs, ui.message])


async def warm(ctx: Context) -> None:
    """What the level shows first."""
    await ctx.ask_corpus(NAMES, "warm-up", "ladder")
