"""Level Embeddings: letters as places, and who is near whom."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.figures.training import letters
from lmlab.ui.bench import next_seq
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget


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
    words(
        h("h1", "Letters as places"),
        h(
            "p",
            "A network gives every letter a few numbers. "
            "Letters that are followed by the same letters are pulled to the same place.",
        ),
        elem_classes="lead",
    )
    message = words(elem_classes="message")
    with gr.Row(elem_classes="pair"):
        with gr.Column(elem_classes="main-column", min_width=240):
            plot = ctx.letters = figure_widget(elem_id="embed-plot")
        with gr.Column(elem_classes="side-column", min_width=240):
            model = gr.Dropdown([], label="Model", elem_id="embed-model", filterable=False)
            trails = gr.Checkbox(True, label="Show the way the vowels came", elem_id="embed-trails")
            near = words(elem_classes="fig", elem_id="embed-near")
    ctx.pickers.append((model, lambda card: card["model"]["kind"] != "ngram"))
    ctx.controls["embed"] = {"model": model, "trails": trails}
    return Embeddings(message, model, plot, near, trails, gr.State(None))


def wire(ctx: Context, ui: Embeddings) -> None:
    """Connect the events."""

    async def show(owner: str, model: str | None, trails: bool, letter: int | None, request: gr.Request) -> Updates:
        """The plot of the chosen network and the neighbours of the chosen letter."""
        if not model:
            raise LabError("There is no network yet. Train one first.")
        ctx.looks[request.session_hash or ""] = model
        way = past(owner, model)
        found = await ctx.ask(model, owner, "embeddings", row=letter, like=way[-1] if way else None)
        way = way if trails else []
        figure = letters(found["symbols"], found["points"], found["kept"], found["dimensions"], letter, way)
        return {ui.plot: figure.to_value(next_seq()), ui.near: near_trees(found, letter), ui.letter: letter}

    def past(owner: str, model: str) -> list[Any]:
        """Earlier places, a dozen at most, from the card of a finished run."""
        if model in ctx.jobs.jobs_of(owner):
            return []
        probes = ctx.card(model, owner).get("history", {}).get("embedding", [])
        stride = max(1, len(probes) // 12)
        return [probe["points"] for probe in [*probes[:-1:stride], *probes[-1:]]]

    async def pick(owner: str, model: str | None, trails: bool, event: gr.EventData, request: gr.Request) -> Updates:
        letter = getattr(event, "custom", None)
        if not isinstance(letter, int):
            raise LabError("That is not a letter of the plot. Tap one of the letters.")
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
    """The neighbours of a letter in the original space."""
    if letter is None or letter >= len(found["symbols"]):
        return [h("h3", "Neighbours"), h("p", "Tap a letter: its nearest letters are listed here.", cls="look")]
    name = found["symbols"][letter] if letter else "the boundary"
    rows = [
        h("tr", h("td", symbol, cls="mono"), h("td", f"{distance:.3f}", cls="num"))
        for symbol, distance in found["near"]
    ]
    return [
        h("h3", f"Nearest to {name}"),
        h(
            "p",
            f"Measured with all {found['dimensions']} numbers, before anything is lost in the drawing.",
            cls="look",
        ),
        h("table", h("thead", h("tr", h("th", "letter"), h("th", "distance"))), h("tbody", *rows), cls="table"),
    ]
