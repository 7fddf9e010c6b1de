"""Level Embeddings: letters as places, and who is near whom."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.figures.training import letters
from lmlab.strings import t
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.depths import depths_trees, drawn
from lmlab.ui.training_view import LETTERS_CODE, MOST_TRAIL, few
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget

NEAR_CODE = ("evaluation/projection.py", "neighbours")


@dataclass
class Embeddings:
    """The components of the level."""

    message: gr.HTML
    model: gr.Dropdown
    plot: gr.HTML
    near: gr.HTML
    trails: gr.Checkbox
    letter: gr.State


def build(ctx: Context) -> Embeddings:
    """Make the components."""
    words(h("h1", t("embed.title")), h("p", t("embed.lead")), elem_classes="lead")
    message = words(elem_classes="message")
    with gr.Row(elem_classes="pair"):
        with gr.Column(elem_classes="main-column", min_width=240):
            plot = ctx.letters = figure_widget(elem_id="embed-plot")
        with gr.Column(elem_classes="side-column", min_width=240):
            model = gr.Dropdown([], label=t("embed.model"), elem_id="embed-model", filterable=False)
            trails = gr.Checkbox(True, label=t("embed.trails"), elem_id="embed-trails")
            near = words(elem_classes="fig", elem_id="embed-near")
    ctx.pickers.append((model, lambda card: card["model"]["kind"] != "ngram"))
    ctx.controls["embed"] = {"model": model, "trails": trails}
    return Embeddings(message, model, plot, near, trails, gr.State(None))


def wire(ctx: Context, ui: Embeddings) -> None:
    """Connect the events."""

    async def show(owner: str, model: str | None, trails: bool, letter: int | None, request: gr.Request) -> Updates:
        """The plot of the chosen network and the neighbours of the chosen letter."""
        if not model:
            raise LabError(t("embed.none"))
        ctx.looks[request.session_hash or ""] = model
        way = past(owner, model)
        found = await ctx.ask(model, owner, "embeddings", row=letter, like=way[-1] if way else None)
        way = way if trails else []
        figure = letters(found["symbols"], found["points"], found["kept"], found["dimensions"], letter, way)
        return {ui.plot: drawn(figure, (), LETTERS_CODE), ui.near: near_trees(found, letter), ui.letter: letter}

    def past(owner: str, model: str) -> list[Any]:
        """Earlier places, a dozen at most, from the card of a finished run."""
        if model in ctx.jobs.jobs_of(owner):
            return []
        probes = ctx.card(model, owner).get("history", {}).get("embedding", [])
        return [probe["points"] for probe in few(probes, MOST_TRAIL)]

    async def pick(owner: str, model: str | None, trails: bool, event: gr.EventData, request: gr.Request) -> Updates:
        letter = getattr(event, "custom", None)
        if not isinstance(letter, int):
            raise LabError(t("embed.no_letter"))
        return await show(owner, model, trails, letter, request)

    async def choose(
        owner: str, corpus: Any, model: str | None, trails: bool, letter: int | None, request: gr.Request
    ) -> Updates:
        return {**await ctx.refresh(owner, corpus, model), **await show(owner, model, trails, letter, request)}

    inputs, outputs = [ctx.owner, ui.model, ui.trails], [ui.plot, ui.near, ui.letter, ui.message]
    light(ui.plot.select, guarded(ui.message, pick), inputs, outputs)
    light(
        ui.model.input, guarded(ui.message, choose), [ctx.owner, ctx.corpus, ui.model, ui.trails, ui.letter],
        [*outputs, *ctx.frame],
    )  # fmt: skip
    light(ui.trails.input, guarded(ui.message, show), [*inputs, ui.letter], outputs)
    light(ui.plot.resync, guarded(ui.message, show), [*inputs, ui.letter], outputs)
    # the menu's value changes when a training begins or ends, too
    light(ui.model.change, guarded(ui.message, show), [*inputs, ui.letter], outputs)


def near_trees(found: dict[str, Any], letter: int | None) -> list[Any]:
    """The neighbours of a letter in the original space, and how the distance to the nearest is computed."""
    if letter is None or letter >= len(found["symbols"]):
        return [h("h3", t("embed.neighbours")), h("p", t("embed.tap"), cls="look")]
    name = found["symbols"][letter] if letter else t("embed.boundary")
    rows = [
        h("tr", h("td", symbol, cls="mono"), h("td", f"{distance:.3f}", cls="num"))
        for symbol, distance in found["near"]
    ]
    sums = [t("embed.sum", dimensions=found["dimensions"])]
    if found["near"]:
        nearest, distance = found["near"][0]
        sums.append(t("embed.sum_of", letter=name, other=nearest, distance=distance))
    head = h("tr", h("th", t("embed.letter")), h("th", t("embed.distance")))
    return [
        h("h3", t("embed.nearest", letter=name)),
        h("p", t("embed.measured", dimensions=found["dimensions"]), cls="look"),
        h("table", h("thead", head), h("tbody", *rows), cls="table"),
        *depths_trees(sums, NEAR_CODE),
    ]
