"""Level Count: a table of letter pairs is already a language model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from lmlab.errors import LabError
from lmlab.figures.counts import losses_by_order, two_rows
from lmlab.strings import t, tn
from lmlab.ui.context import NAMES, Context, Opener, Updates, guarded, light
from lmlab.ui.corpora import Corpora, build_corpora, wire_corpora
from lmlab.ui.counting import (
    LEAST_K,
    MOST_K,
    Asked,
    cell_sums,
    context_name,
    drawn_told,
    gram_of,
    hardest_told,
    k_of,
    loss_sums,
    losses_trees,
    next_name,
    order_told,
    power_of,
    questions,
    row_trees,
    stop_told,
)
from lmlab.ui.depths import drawn
from lmlab.ui.links import Link, applied
from lmlab.ui.predict import Predict, Question, Told, predict_steps
from lmlab.ui.roll_panel import Roll, build_roll, wire_roll
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget
from lmlab.ui.widgets.pairs import SHOWN, found_value, found_widget, pairs_value, pairs_widget

LEVEL = "count"
FIRST_MODEL: dict[str, Any] = {"order": 2, "smoothing": "add-k", "k": 0.1}
FIRST_POWER = -1.0
FIRST_TRIED = [1, 2]  # orders that have a point on the chart when the level opens
ALL_TRIED = list(range(1, 9))
NOTHING_LOCKED: dict[str, Any] = {"row": 0, "column": None}  # the likeliest first letter of a name
NOT_WATCHED: dict[str, Any] = {"play": 0, "guess": None}
LONGEST_BEGINNING = 40

PRESETS: dict[str, dict[str, Any]] = {
    "bigram": {"order": 2, "smoothing": "add-k", "k": 0.1},
    "unseen-pair": {"order": 2, "smoothing": "mle", "k": 0.1},
    "too-many-letters": {"order": 6, "smoothing": "add-k", "k": 0.1},
    "kneser-ney": {"order": 5, "smoothing": "kneser-ney", "k": 0.1},
}
"""What a lesson or a teacher's link begins with."""

# The view changes in the page alone: the same arrays, coloured by another number.
CHANGE_VIEW = "(shown, value) => value ? JSON.stringify({ ...JSON.parse(value), shown }) : value"
FINISH = "() => { document.querySelector('#count-table .pair-table').finish(); }"


@dataclass
class Count:
    """The components of the level that others or the tests may need."""

    predict: Predict
    finish: gr.Button
    message: gr.HTML
    shown: gr.Radio
    table: gr.HTML
    depths: gr.HTML
    roll: Roll
    first: gr.Textbox
    second: gr.Textbox
    beginnings: gr.HTML
    found: gr.HTML
    lesson: gr.Radio
    order: gr.Slider
    before: gr.Textbox
    smoothing: gr.Radio
    k: gr.Slider
    losses: gr.HTML
    keep: gr.Button
    sweep: gr.HTML
    all: gr.Button
    corpora: Corpora
    at: gr.State
    """`{"row", "column"}`: the locked cell, as token ids."""
    watched: gr.State
    """`{"play", "guess"}`: how often this page has asked for the counting, and the guess that is drawn on a row."""
    tried: gr.State
    """`{"orders", "guess"}`: which have a point on the chart of losses, and the student's guess there."""


def build(ctx: Context) -> Count:
    """Make the components."""
    words(h("h1", t("count.title")), h("p", t("count.lead")), elem_classes="lead")
    predict = predict_steps(LEVEL, questions())
    with predict.run:
        finish = gr.Button(t("count.finish"), variant="primary", elem_id="count-finish")
    message = words(elem_classes="message")
    with gr.Row(elem_classes="pair"):
        with gr.Column(elem_classes="main-column", min_width=240):
            shown = gr.Radio(
                [(t(f"count.shown_{name}"), name) for name in SHOWN], value="count", label=t("count.shown"),
                elem_classes=["switch", "over"], elem_id="count-shown",
            )  # fmt: skip
            table = pairs_widget(elem_id="count-table")
            depths = words(elem_classes="fig", elem_id="count-depths")
            roll = build_roll(LEVEL)
            beginnings = figure_widget(elem_id="count-beginnings")
            with gr.Row(elem_classes="act two-texts"):
                texts = [
                    gr.Textbox(
                        value, label=t(f"count.{name}"), max_lines=1, max_length=LONGEST_BEGINNING, min_width=120,
                        elem_id=f"count-{name}",
                    )
                    for name, value in (("first", "emma"), ("second", "xqza"))
                ]  # fmt: skip
        with gr.Column(elem_classes="side-column", min_width=240):
            found = found_widget(elem_id="count-names")
            lesson = gr.Radio(
                [(t(f"count.preset.{name.replace('-', '_')}"), name) for name in PRESETS], label=t("count.lesson"),
                value=None, elem_classes="switch", elem_id="count-lesson",
            )  # fmt: skip
            order = gr.Slider(
                1, 8, value=2, step=1, label=t("count.order"), info=tn("count.order_info", 1), elem_id="count-order"
            )
            before = gr.Textbox(
                "", label=t("count.before"), visible=False, max_lines=1, max_length=LONGEST_BEGINNING,
                elem_id="count-before",
            )  # fmt: skip
            smoothing = gr.Radio(
                [(t("count.smoothing_none"), "mle"), (t("count.smoothing_add_k"), "add-k"),
                 (t("count.smoothing_kn"), "kneser-ney")],
                value="add-k", label=t("count.smoothing"), elem_classes="switch", elem_id="count-smoothing",
            )  # fmt: skip
            k = gr.Slider(
                LEAST_K, MOST_K, value=FIRST_POWER, step=0.5, label=t("count.k"), info=k_info(0.1), elem_id="count-k"
            )
            losses = words(elem_classes="numbers", elem_id="count-losses")
            keep = gr.Button(t("count.keep"), elem_id="count-keep-model")
            sweep = figure_widget(elem_id="count-sweep")
            all_orders = gr.Button(t("count.tried_all"), elem_id="count-all", elem_classes="link", size="sm")
            corpora = build_corpora(LEVEL)
    return Count(
        predict, finish, message, shown, table, depths, roll, texts[0], texts[1], beginnings, found, lesson, order,
        before, smoothing, k, losses, keep, sweep, all_orders, corpora,
        at=gr.State(NOTHING_LOCKED), watched=gr.State(NOT_WATCHED),
        tried=gr.State({"orders": FIRST_TRIED, "guess": None}),
    )  # fmt: skip


def k_info(k: float) -> str:
    """What stands below the slider of k."""
    return t("count.k_info", k=f"{k:g}")


def wire(ctx: Context, ui: Count) -> None:
    """Connect the events."""
    here = [ctx.owner, ctx.corpus]
    model = [ui.order, ui.smoothing, ui.k, ui.before]
    looked_at = [ui.at, ui.shown, ui.watched]

    # --- what is on the screen -----------------------------------------------------------------------------

    async def view(owner: str, asked: Asked, locked: Any, shown: str, watched: Any) -> Updates:
        """The table with its locked cell, the names behind it, the sum of it, and the losses of the model."""
        corpus, order = asked.corpus, asked.order
        table = await ctx.ask_corpus(corpus, owner, "count", **asked.page)
        row = locked["row"] if locked["row"] < len(table["counts"]) else 0
        column = locked["column"]
        if column is None or column >= len(table["symbols"]):
            column = int(np.argmax(np.asarray(table["probabilities"])[row]))
        gram = gram_of(table, order, row, column)
        names = await ctx.ask_corpus(corpus, owner, "names_with", gram=gram)
        cell = await ctx.ask_corpus(corpus, owner, "cell", gram=gram, **asked.how)
        after, following = context_name(table, order, row), next_name(table["symbols"], column)
        opened = bool(watched["play"]) or LEVEL in ctx.work_of(owner).done()
        key = f"{table['corpus']['sha256']} {sorted(asked.how.items())} {table['before']}"
        place = (row, column)
        return {
            ui.table: pairs_value(table, order, place, shown, key, opened, watched["play"], watched["guess"]),
            ui.found: found_value(after, following, names),
            ui.depths: row_trees(table, order, row, cell_sums(cell, after, following, asked.how)),
            ui.losses: losses_trees(table, order, opened),
            ui.at: {"row": row, "column": column},
        }

    async def show_model(
        owner: str, corpus: Any, order: int, smoothing: str, power: float, before: str, locked: Any, shown: str,
        watched: Any, first: str, second: str,
    ) -> Updates:  # fmt: skip
        """Everything that the order, the smoothing and the letters before change, but the chart of all orders."""
        asked = Asked(corpus, order, smoothing, power, before)
        updates = await view(owner, asked, locked, shown, watched)
        return {
            **updates,
            **await still(owner, asked, updates[ui.at]),
            **await beginnings_of(owner, asked, first, second),
            **fitting_controls(asked, updates[ui.table]),
        }

    async def turn_page(owner: str, *values: Any) -> Updates:
        """Another page of a long table; rolling turns the pages by itself, and has drawn everything then."""
        *now, rolled = values
        return {} if rolled.get("before") == now[4] else await show_model(owner, *now)

    def fitting_controls(asked: Asked, table: dict[str, Any]) -> Updates:
        """The controls that this order and smoothing have, and what they mean now."""
        order, looks = asked.order, asked.order - 1
        pages = len(table["columns"]) ** max(0, order - 2)
        said = tn("count.before_info", max(1, order - 2), order=order, pages=pages)
        return {
            ui.order: gr.update(info=tn("count.order_info", looks) if looks else t("count.order_info_none")),
            ui.before: gr.update(visible=order > 2, info=said),
            ui.k: gr.update(visible=asked.smoothing == "add-k", info=k_info(k_of(asked.power))),
        }

    async def beginnings_of(owner: str, asked: Asked, *texts: str) -> Updates:
        """The rows after two beginnings; letters that this corpus does not have are left out."""
        about = await ctx.ask_corpus(asked.corpus, owner, "corpus")
        known = set(about["symbols"][1:])
        one, other = ("".join(letter for letter in (text or "").lower() if letter in known) for text in texts)
        rows = await ctx.ask_corpus(asked.corpus, owner, "beginnings", texts=(one, other), **asked.how)
        looks = (rows["contexts"][0], rows["contexts"][1])
        figure = two_rows(rows["symbols"], (one, other), looks, rows["probabilities"], rows["unseen"])
        return {ui.beginnings: drawn(figure, code=("models/ngram.py", "Ngram.probabilities"))}

    async def show_beginnings(owner: str, *values: Any) -> Updates:
        return await beginnings_of(owner, Asked(*values[:5]), *values[5:])

    async def show_sweep(owner: str, corpus: Any, order: int, smoothing: str, power: float, tried: Any) -> Updates:
        """The chart of all orders; the chosen one has its point from now on."""
        return await sweep_of(owner, Asked(corpus, order, smoothing, power), tried)

    async def sweep_of(owner: str, asked: Asked, tried: dict[str, Any]) -> Updates:
        rows = await ctx.ask_corpus(asked.corpus, owner, "sweep", **asked.smoothed)
        tried = {**tried, "orders": sorted({*tried["orders"], asked.order})}
        figure = losses_by_order(rows, asked.order, tried["orders"], tried["guess"])
        sums = loss_sums(rows[asked.order - 1], rows[0]["possible"])
        return {
            ui.sweep: drawn(figure, sums, ("evaluation/counting.py", "counted_loss")),
            ui.all: gr.update(visible=len(tried["orders"]) < len(rows)),
            ui.tried: tried,
        }

    async def try_all(owner: str, corpus: Any, order: int, smoothing: str, power: float, tried: Any) -> Updates:
        asked = Asked(corpus, order, smoothing, power)
        return await sweep_of(owner, asked, {**tried, "orders": ALL_TRIED})

    # --- what the student does -------------------------------------------------------------------------------

    async def lock(
        owner: str, corpus: Any, order: int, smoothing: str, power: float, before: str, shown: str, watched: Any,
        event: gr.EventData,
    ) -> Updates:  # fmt: skip
        """A cell of the table was locked: the names behind it, its sum, and its row for the die."""
        row, column = getattr(event, "row", None), getattr(event, "column", None)
        if not all(isinstance(i, int) and 0 <= i < 10_000 for i in (row, column)):
            raise LabError(t("count.no_cell"))
        asked = Asked(corpus, order, smoothing, power, before)
        updates = await view(owner, asked, {"row": row, "column": column}, shown, watched)
        del updates[ui.table]  # it stands in the page already
        return {**updates, **await still(owner, asked, updates[ui.at])}

    async def begin_with(name: str) -> Updates:
        return preset(name) if name in PRESETS else {}

    def preset(name: str) -> Updates:
        """What a preset sets; the handlers of these controls draw what follows from it."""
        how = PRESETS[name]
        return {
            ui.order: how["order"],
            ui.smoothing: how["smoothing"],
            ui.k: power_of(how["k"]),
            ui.before: "",
            ui.lesson: name,
            ui.tried: {"orders": ALL_TRIED if name == "too-many-letters" else FIRST_TRIED, "guess": None},
        }

    def adopt(card: dict[str, Any]) -> Updates:
        """Bring the settings of a count model into the controls."""
        options = card["model"]["options"]
        k = options.get("k") or FIRST_MODEL["k"]
        return {ui.order: options["order"], ui.smoothing: options["smoothing"], ui.k: power_of(k)}

    async def keep(owner: str, corpus: Any, order: int, smoothing: str, power: float, parent: str | None) -> Updates:
        card = await ctx.ask_corpus(
            corpus, owner, "keep_count", visitor=owner, most=ctx.jobs.limits.runs_per_owner, parent=parent,
            **Asked(corpus, order, smoothing, power).how,
        )  # fmt: skip
        return {**await ctx.refresh(owner, corpus, card["id"]), ctx.parent: None}

    # --- questions -------------------------------------------------------------------------------------------

    async def answer(question: Question, guess: Any, owner: str, corpus: Any) -> tuple[Told, dict[str, Any]]:
        """The gap of a question, and what it shows: `order`, `at`, and the guess for the row or the chart."""
        pairs = await ctx.ask_corpus(corpus, owner, "count", order=2, smoothing="mle", k=0.0)
        symbols = pairs["symbols"]
        if question.name == "stop-after-n":
            told = stop_told(pairs, guess)
            outline = None if guess is None else {"row": "n", "shares": {".": guess / 100}}
            at = {"row": symbols.index("n"), "column": 0} if told.truth is not None else NOTHING_LOCKED
            return told, {"order": 2, "at": at, "guess": outline}
        if question.name == "row-after-q":
            told = drawn_told(pairs, guess)
            shares = {} if guess is None else {a: b / 100 for a, b in zip(question.labels, guess, strict=True)}
            at = {"row": symbols.index("q"), "column": None} if told.truth is not None else NOTHING_LOCKED
            return told, {"order": 2, "at": at, "guess": {"row": "q", "shares": shares} if shares else None}
        if question.name == "hardest-row":
            told = hardest_told(await ctx.ask_corpus(corpus, owner, "rows"), guess)
            row = symbols.index(told.truth) if told.truth in symbols else 0
            mark = None if guess is None else {"hardest": "." if guess == t("count.start") else guess}
            return told, {"order": 2, "at": {"row": row, "column": None}, "guess": mark}
        told = order_told(await ctx.ask_corpus(corpus, owner, "sweep", smoothing="add-k", k=0.1), guess)
        return told, {"order": int(told.truth), "best": guess}

    async def reveal(question: Question, guess: Any, owner: str, corpus: Any, *values: Any) -> tuple[Told, Updates]:
        """Look up what was asked; the first time the table is counted before the student's eyes, then the gap."""
        smoothing, power, before, locked, shown, watched = values
        told, shows = await answer(question, guess, owner, corpus)
        updates: Updates = {}
        asked = Asked(corpus, shows["order"], smoothing, power, before)
        if "best" in shows:  # the question is about adding 0.1
            asked = Asked(corpus, shows["order"], "add-k", FIRST_POWER, before)
            best = None if shows["best"] is None else int(shows["best"])
            updates |= {ui.smoothing: "add-k", **await sweep_of(owner, asked, {"orders": ALL_TRIED, "guess": best})}
        first_time = not watched["play"] and LEVEL not in ctx.work_of(owner).done()
        watched = {"play": watched["play"] + first_time, "guess": shows.get("guess")}
        table = await view(owner, asked, shows.get("at", locked), shown, watched)
        updates |= {**table, ui.watched: watched, **await still(owner, asked, table[ui.at])}
        updates |= fitting_controls(asked, table[ui.table])
        updates[ui.order] = {**updates[ui.order], "value": asked.order}
        updates[ui.k] = {**updates[ui.k], "value": asked.power}
        if first_time:
            told = Told(told.predicted, t("count.told.running"))
        return told, updates

    async def counted(owner: str, corpus: Any, stored: Any, state: Any) -> Updates:
        """The counting has been watched to its end: the gap."""
        if state.get("at") != "run":
            return {}
        told, _ = await answer(ui.predict.questions[state["index"]], state["entry"]["guess"], owner, corpus)
        return ui.predict.finish(ctx, owner, stored, state, told)

    # --- connecting ------------------------------------------------------------------------------------------

    view_outputs = [ui.table, ui.found, ui.depths, ui.losses, ui.at]
    still = wire_roll(ctx, ui.roll, ui.message, [*here, *model, *looked_at], view, [*view_outputs, ui.before])
    model_inputs = [*here, *model, *looked_at, ui.first, ui.second]
    model_outputs = [
        *view_outputs, *ui.roll.outputs, ui.beginnings, ui.order, ui.before, ui.k, ui.message
    ]  # fmt: skip
    sweep_inputs = [*here, ui.order, ui.smoothing, ui.k, ui.tried]
    sweep_outputs = [ui.sweep, ui.all, ui.tried, ui.message]
    last = {"trigger_mode": "always_last"}
    for control in (ui.order, ui.smoothing, ui.k):
        # `change`, not `release`: a slider that is moved with the keyboard is never released
        light(control.change, guarded(ui.message, show_model), model_inputs, model_outputs, **last)
        light(control.change, guarded(ui.message, show_sweep), sweep_inputs, sweep_outputs, **last)
    # `change`, not `input`: that one does not hear what is pasted
    light(
        ui.before.change, guarded(ui.message, turn_page), [*model_inputs, ui.roll.rolled], model_outputs, **last
    )  # fmt: skip
    ui.shown.change(
        None, [ui.shown, ui.table], [ui.table], js=CHANGE_VIEW, show_progress="hidden", api_visibility="private"
    )
    ui.finish.click(None, js=FINISH, api_visibility="private")
    light(
        ui.table.lock, guarded(ui.message, lock),
        [*here, *model, ui.shown, ui.watched],
        [ui.found, ui.depths, ui.losses, ui.at, *ui.roll.outputs, ui.message],
    )  # fmt: skip
    light(
        ui.table.counted, guarded(ui.message, counted), [*here, ctx.work, ui.predict.state],
        [*ui.predict.outputs, ctx.work, ui.message],
    )  # fmt: skip
    for text in (ui.first, ui.second):
        light(
            text.change, guarded(ui.message, show_beginnings),
            [*here, *model, ui.first, ui.second], [ui.beginnings, ui.message], **last,
        )  # fmt: skip
    light(ui.all.click, guarded(ui.message, try_all), sweep_inputs, sweep_outputs)
    preset_outputs = [ui.order, ui.smoothing, ui.k, ui.before, ui.lesson, ui.tried]
    light(ui.lesson.input, guarded(ui.message, begin_with), [ui.lesson], [*preset_outputs, ui.message])
    light(
        ui.keep.click, guarded(ui.message, keep), [*here, ui.order, ui.smoothing, ui.k, ctx.parent],
        [*ctx.frame, ctx.parent, ui.message],
    )  # fmt: skip
    ui.predict.wire(
        ctx, ui.message, reveal, [ui.smoothing, ui.k, ui.before, *looked_at],
        list(dict.fromkeys([*view_outputs, *preset_outputs, *ui.roll.outputs, ui.watched, ui.sweep, ui.all])),
    )  # fmt: skip

    def start_again() -> Updates:
        """What a new corpus sets back."""
        return {
            **ui.predict.asked(), ui.at: NOTHING_LOCKED, ui.watched: NOT_WATCHED, ui.before: "",
            ui.tried: {"orders": FIRST_TRIED, "guess": None},
        }  # fmt: skip

    set_back = [*ui.predict.outputs, ui.at, ui.watched, ui.before, ui.tried]
    wire_corpora(ctx, LEVEL, ui.corpora, ui.message, start_again, set_back)
    ctx.show(LEVEL, guarded(ui.message, show_model), model_inputs, model_outputs)
    ctx.show(LEVEL, guarded(ui.message, show_sweep), sweep_inputs, sweep_outputs)
    ctx.adopters[LEVEL] = (adopt, [ui.order, ui.smoothing, ui.k])
    ctx.presets[LEVEL] = (list(PRESETS), preset, preset_outputs)

    async def opened(link: Link, owner: str, corpus: dict[str, Any]) -> Updates:
        """A teacher's link: as if its lesson had been chosen and then each of its values been set by hand."""
        lesson = link.values.get("lesson", link.preset)
        return {**(preset(lesson) if lesson else {}), **applied(link, ctx.controls[LEVEL], None)}

    def implied(values: Mapping[str, Any]) -> dict[str, Any]:
        """What the lesson that a link names sets besides."""
        how = PRESETS.get(values.get("lesson") or "", {**FIRST_MODEL})
        return {"order": how["order"], "smoothing": how["smoothing"], "k": power_of(how["k"]), "before": ""}

    ctx.openers[LEVEL] = Opener(opened, preset_outputs, implied)
    ctx.controls[LEVEL] = {
        "corpus": ui.corpora.source, "lesson": ui.lesson, "shown": ui.shown, "order": ui.order, "before": ui.before,
        "smoothing": ui.smoothing, "k": ui.k, "seed": ui.roll.seed, "first": ui.first, "second": ui.second,
        "keep": ui.keep, "all": ui.all,
    }  # fmt: skip


async def warm(ctx: Context) -> None:
    """What the level shows first."""
    model = {name: value for name, value in FIRST_MODEL.items() if name != "order"}
    await ctx.ask_corpus(NAMES, "warm-up", "sweep", **model)
    await ctx.ask_corpus(NAMES, "warm-up", "count", before="", **FIRST_MODEL)
