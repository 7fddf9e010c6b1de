"""The ladder: rank first, then see every model on one axis, with its luck and what it knows by heart."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.figures.comparing import Row
from lmlab.figures.comparing import ladder as ladder_figure
from lmlab.strings import t, tn
from lmlab.ui.comparing.rows import RANKED, RANKED_COUNTED, gap, rows_of, said_of, sums_of, titles
from lmlab.ui.context import Context, Updates, guarded, guarded_stream, light, live
from lmlab.ui.depths import drawn
from lmlab.ui.predict import Question, Told
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget

CODE = ("evaluation/comparison.py", "p_value")
MOST_MEASURED = 20  # models of a bench whose memory is measured at one click


@dataclass
class Ladder:
    """The components of the part. `state` is the ladder as the worker told it, with what the student did to it:
    `{"order", "open", "chosen", "remembered"}`; None before the first look."""

    column: gr.Column
    zoom: gr.Radio
    figure: gr.HTML
    look: gr.Dropdown
    """Which row is told in words and with its sum: the same as a click on its dot."""
    remember: gr.Button
    about: gr.HTML
    state: gr.State

    @property
    def outputs(self) -> list[Any]:
        """What showing the part changes."""
        return [self.figure, self.zoom, self.look, self.remember, self.about, self.state]


def questions() -> list[Question]:
    """The order of the measured models, and that of those that are counted for any corpus."""
    common: dict[str, Any] = {
        "kind": "order",
        "later": (t("compare.ladder.later_run"), t("compare.ladder.later_gap")),
        "ends": (t("compare.ladder.first"), t("compare.ladder.last")),
    }
    return [
        Question(
            "ladder", t("compare.ladder.ask"), options=titles(RANKED), veil="bigram kneser-ney models", **common
        ),
        Question(
            "ladder-counted",
            t("compare.ladder.ask_counted"),
            options=titles(RANKED_COUNTED),
            veil="uniform unigram bigram kneser-ney models",
            **common,
        ),
    ]


def build() -> Ladder:
    """Make the components."""
    with gr.Column(elem_classes=["main-column", "part"], elem_id="compare-part-ladder", min_width=240) as column:
        zoom = gr.Radio(
            [(t("compare.ladder.whole"), "whole"), (t("compare.ladder.close"), "close")],
            value="whole", label=t("compare.ladder.zoom"), elem_classes=["switch", "over"], elem_id="compare-zoom",
            visible=False,
        )  # fmt: skip
        figure = figure_widget(elem_id="compare-ladder")
        with gr.Row(elem_classes="act"):
            look = gr.Dropdown(
                [], label=t("compare.ladder.look_at"), filterable=False, elem_id="compare-look", visible=False,
                min_width=200, scale=0,
            )  # fmt: skip
            remember = gr.Button(t("compare.ladder.remember"), elem_id="compare-remember", visible=False)
        about = words(elem_classes="report", elem_id="compare-about")
    return Ladder(column, zoom, figure, look, remember, about, gr.State(None))


async def open_ladder(ctx: Context, owner: str, corpus: dict[str, Any]) -> dict[str, Any]:
    """The ladder of a corpus: as it was measured, or counted now."""
    found: dict[str, Any] = await ctx.ask_corpus(corpus, owner, "ladder")
    if found["to_count"]:
        asked = (ctx.ask_corpus(corpus, owner, "rung", which=name) for name in found["to_count"])
        found["rungs"] = sorted(await asyncio.gather(*asked), key=lambda rung: rung["loss"])
    return {**found, "order": [], "open": False, "chosen": None, "remembered": {}}


def ranked(state: dict[str, Any]) -> tuple[str, ...]:
    """The names that the student puts in order."""
    return RANKED if state["measured"] else RANKED_COUNTED


def mine(ctx: Context, owner: str, state: dict[str, Any]) -> list[dict[str, Any]]:
    """Cards of the visitor's models that learned from the corpus at hand."""
    return [card for card in ctx.cards(owner) if card["corpus"]["sha256"] == state["sha256"]]


def draw(ctx: Context, ui: Ladder, owner: str, state: dict[str, Any], zoom: str) -> Updates:
    """The ladder as it stands: with question marks before the student's order, whole after it."""
    hidden = () if state["open"] else ranked(state)
    rows = rows_of(state, mine(ctx, owner, state), state["remembered"], hidden)
    if state["open"]:
        figure = ladder_figure(
            rows, state["order"], [tuple(pair) for pair in state["equal"]], state["chosen"], zoom == "close",
            said_of(state, rows, state["chosen"]),
        )  # fmt: skip
        value = drawn(figure, sums_of(state, rows, state["chosen"]), CODE)
    else:
        value = drawn(ladder_figure(rows), (), CODE)
    return {
        ui.figure: value,
        ui.about: about_trees(state) if state["open"] else [],
        ui.state: state,
        ui.remember: gr.update(visible=state["open"] and state["kind"] == "names"),
        ui.zoom: gr.update(visible=state["open"]),
        ui.look: gr.update(
            visible=state["open"],
            choices=[(t("compare.ladder.no_one"), ""), *((row.title, row.key) for row in by_loss(rows))],
            value=state["chosen"] or "",
        ),
    }


def by_loss(rows: Sequence[Row]) -> list[Row]:
    """The rows that are told, the best first."""
    return sorted((row for row in rows if row.loss is not None), key=lambda row: row.loss or 0.0)


def about_trees(state: dict[str, Any]) -> list[Any]:
    """Why a low loss is not enough, and where the numbers come from."""
    trees = []
    if state["kind"] == "names":
        trees.append(h("p", t("compare.ladder.how", samples=f"{state['samples']:,}", more=f"{state['more']:.1f}")))
    found = state["measured"]
    if found:
        about = {"date": found["date"], "threads": found["threads"], "command": found["command"]}
        versions = {name: found["versions"][name] for name in ("lmlab", "torch")}
        trees.append(h("p", t("compare.ladder.about", **about, **versions), cls="faint"))
    else:
        trees.append(h("p", t("compare.ladder.about_counted"), cls="faint"))
    return trees


def reveal(
    ctx: Context, ui: Ladder, owner: str, state: dict[str, Any], zoom: str, order: Any
) -> tuple[Told, Updates]:
    """The student's order against the measured one."""
    names = ranked(state)
    by_title = dict(zip(titles(names), names, strict=True))
    keys = None if order is None else [by_title[title] for title in order]
    said, truth = gap(state, names, keys)
    found = state["measured"]
    ran = t("compare.ladder.ran_counted", rungs=len(state["rungs"]))
    if found:
        seeds = len(found["seeds"])
        ran = tn("compare.ladder.ran_measured", seeds, rungs=len(state["rungs"]), date=found["date"])
    predicted = t("compare.ladder.predicted", first=order[0], last=order[-1]) if order else ""
    state = {**state, "order": keys or [], "open": True}
    return Told(predicted, ran, said, titles(truth)), draw(ctx, ui, owner, state, zoom)


def wire(ctx: Context, ui: Ladder, message: gr.HTML) -> None:
    """Connect the events."""
    here = [ctx.owner, ctx.corpus]
    outputs = [*ui.outputs, message]

    async def redraw(owner: str, corpus: Any, state: Any, zoom: str) -> Updates:
        return draw(ctx, ui, owner, state, zoom) if state else {}

    async def select(owner: str, corpus: Any, state: Any, zoom: str, event: gr.EventData) -> Updates:
        """A click on a dot or a bar: its row in words, and its sum."""
        custom = getattr(event, "custom", None)
        key = custom[0] if isinstance(custom, list) and custom else None
        if not state or not isinstance(key, str):
            raise LabError("That is no model of the ladder. Tap one of its dots.")
        return draw(ctx, ui, owner, {**state, "chosen": key[:80]}, zoom)

    async def look(owner: str, corpus: Any, state: Any, zoom: str, key: Any) -> Updates:
        if not state or not state["open"] or (state["chosen"] or "") == key:
            return {}
        return draw(ctx, ui, owner, {**state, "chosen": str(key)[:80] or None}, zoom)

    async def new_models(owner: str, corpus: Any, state: Any, zoom: str) -> Updates:
        """The bench has changed: a model was added, renamed or deleted."""
        if not state or not state["open"]:
            return {}
        known = [[card["id"], card.get("title")] for card in mine(ctx, owner, state)]
        if known == state.get("known"):
            return {}
        return draw(ctx, ui, owner, {**state, "known": known}, zoom)

    async def remember(owner: str, corpus: Any, state: Any, zoom: str) -> AsyncIterator[Updates]:
        """What the models of the bench know by heart, one after the other: each takes a second or two."""
        if not state or not state["open"]:
            return
        cards = mine(ctx, owner, state)[:MOST_MEASURED]
        if not cards:
            raise LabError(t("compare.ladder.nobody"))
        for card in cards:
            if card["id"] in state["remembered"]:
                continue
            source = {"corpus": corpus["source"], "corpus_name": corpus["name"]}
            found = await ctx.ask(card["id"], owner, "remembered", **source)
            state = {**state, "remembered": {**state["remembered"], card["id"]: found}, "chosen": card["id"]}
            yield draw(ctx, ui, owner, state, zoom)

    inputs = [*here, ui.state, ui.zoom]
    light(ui.zoom.change, guarded(message, redraw), inputs, outputs, trigger_mode="always_last")
    light(ui.figure.select, guarded(message, select), inputs, outputs)
    light(ui.look.change, guarded(message, look), [*inputs, ui.look], outputs, trigger_mode="always_last")
    light(ctx.bench.change, guarded(message, new_models), inputs, outputs, trigger_mode="always_last")
    live(ui.remember.click, guarded_stream(message, remember), inputs, outputs)
