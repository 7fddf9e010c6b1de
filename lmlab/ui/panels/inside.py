"""The panel "Inside the network": windows, the network with live numbers, one example step by step, the slope."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.figures.inside import number
from lmlab.runs.cards import short_name
from lmlab.strings import t
from lmlab.ui.bench import next_seq
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.panels import slope
from lmlab.ui.panels.steps import letters_of, walk_value
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.network import network_widget
from lmlab.ui.widgets.walk import walk_widget

MOST_LETTERS = 16
RATES = ["0.001", "0.01", "0.1", "1"]
AT_WORK = ("waiting", "running", "paused", "finishing")


@dataclass
class Inside:
    """The components of the panel.

    `view` is what the student looks at: `{"position", "unit", "pick", "fresh"}`; `fresh` before the first look.
    """

    model: gr.Dropdown
    name: gr.Textbox
    another: gr.Button
    message: gr.HTML
    network: gr.HTML
    walk: gr.HTML
    rate: gr.Radio
    view: gr.State
    slope: slope.Slope
    look: tuple[Callable[..., Any], list[Any], list[Any]] | None = None
    """(function, inputs, outputs) that draws the panel anew; `wire` fills it in, for events of the level."""


def build(ctx: Context) -> Inside:
    """Make the components where it is called."""
    with gr.Column(elem_classes="inside", elem_id="mlp-inside"):
        words(h("h2", t("inside.title")), h("p", t("inside.lead")), elem_classes="inside-lead")
        with gr.Row(elem_classes="inside-choose"):
            model = gr.Dropdown([], label=t("inside.network"), elem_id="mlp-inside-model", min_width=200)
            name = gr.Textbox(
                label=t("inside.name", most=MOST_LETTERS), max_lines=1, max_length=MOST_LETTERS,
                elem_id="mlp-inside-name", min_width=160,
            )  # fmt: skip
            another = gr.Button(
                t("inside.another"), elem_classes="link", size="sm", elem_id="mlp-inside-another", min_width=120
            )
        message = words(elem_classes="message", elem_id="mlp-inside-message")
        network = network_widget(elem_id="mlp-network")
        walk = walk_widget(elem_id="mlp-walk")
        rate = gr.Radio(
            RATES, value="0.01", label=t("inside.walk.rate"), info=t("inside.walk.rate_info"), elem_classes="switch",
            elem_id="mlp-walk-rate",
        )  # fmt: skip
        hill = slope.build(ctx)
    ctx.pickers.append((model, lambda card: True))
    view = gr.State({"position": -1, "unit": None, "pick": 0, "fresh": True})
    return Inside(model, name, another, message, network, walk, rate, view, hill)


def controls(ui: Inside) -> dict[str, Any]:
    """What a teacher's link can set, hide or lock: to be put among the controls of the level."""
    return {"name": ui.name, "step-rate": ui.rate, **slope.controls(ui.slope)}


def wire(ctx: Context, ui: Inside) -> None:
    """Connect the events."""
    moment = getattr(ctx, "moment", None) or gr.State(None)
    here = [ctx.owner, ctx.corpus, ui.model, moment]

    def state_of(owner: str, model: str) -> str:
        """`running`, `paused`, …, or `done` for what is no training under way."""
        if model not in ctx.jobs.jobs_of(owner):
            return "done"
        return ctx.jobs.poll(model, owner).status.state

    async def ask(owner: str, corpus: Any, model: str, at: int | None, question: str, **args: Any) -> Any:
        source = ctx.corpus_of(owner, model, corpus)
        step = {} if at is None else {"step": at}
        return await ctx.ask(
            model, owner, question, corpus=source["source"], corpus_name=source["name"], **args, **step
        )

    async def network_of(
        owner: str, corpus: Any, model: str, at: int | None, name: str, view: dict[str, Any], live: bool
    ) -> dict[str, Any]:
        """The value of the network widget."""
        found = await ask(
            owner, corpus, model, at, "picture", text=name, pick=view["pick"], position=view["position"]
        )
        drawn = found["kind"] == "mlp"
        favourites = None
        if drawn and view["unit"] is not None and view["unit"] < found["shape"]["h"]:
            favourites = await ask(owner, corpus, model, at, "unit", unit=view["unit"])
        title = short_name(model)
        step = found["step"] if at is None else at
        return {
            "seq": next_seq(),
            "picture": {**found, "layers": stages_of(found)},
            "said": window_said(found) if drawn else f"{kind_said(found, title)} {window_said(found)}",
            "whole": name_said(found),
            "at": t("inside.at_rest", name=title)
            if step is None
            else t("inside.at_step", name=title, step=f"{step:,}"),
            "live": live,
            "favourites": favourites
            and {
                **favourites,
                "title": t("inside.favourites", unit=favourites["unit"], bias=number(favourites["bias"])),
                "look": t("inside.favourites_look", names=favourites["names"]),
            },
        }

    async def look(
        owner: str, corpus: Any, model: str | None, at: int | None, name: str, view: dict[str, Any], rate: str
    ) -> Updates:
        """The whole panel but the slope: the windows, the network, and the walk for the window at hand."""
        if not model:
            raise LabError(t("inside.no_walk"))
        live = at is None and state_of(owner, model) in AT_WORK
        value = await network_of(owner, corpus, model, at, name or "", view, live)
        found = value["picture"]
        if found["kind"] != "mlp":
            return {ui.network: value, ui.walk: no_walk(), ui.rate: gr.update(visible=False)}
        unit = -1 if view["unit"] is None or view["unit"] >= found["shape"]["h"] else view["unit"]
        walked = await ask(
            owner, corpus, model, at, "walk", text=found["text"], position=found["position"], unit=unit,
            rate=rate_of(rate),
        )  # fmt: skip
        return {
            ui.network: {**value, "followed": walked["unit"]},
            ui.walk: walk_value(walked, short_name(model), next_seq(), live),
            ui.rate: gr.update(visible=True),
        }

    async def see(
        owner: str, corpus: Any, model: str | None, at: int | None, name: str, view: dict[str, Any], rate: str,
        event: gr.EventData,
    ) -> Updates:  # fmt: skip
        """The student goes to another window or unit; or the network is learning and newer numbers are due."""
        seen = {**view, "position": whole_number(event, "position", -1), "unit": whole_number(event, "unit", None)}
        if getattr(event, "why", "") != "tick":
            return {ui.view: seen, **await look(owner, corpus, model, at, name, seen, rate)}
        if not model:
            return {}
        try:
            live = at is None and state_of(owner, model) in AT_WORK
            return {ui.network: await network_of(owner, corpus, model, at, name or "", seen, live)}
        except LabError:  # it waits in line, or has just ended: the next look will find it
            return {}

    async def retype(
        owner: str, corpus: Any, model: str | None, at: int | None, name: str, view: Any, rate: str
    ) -> Any:
        seen = {**view, "position": -1}
        return {ui.view: seen, **await look(owner, corpus, model, at, name, seen, rate)}

    async def another(owner: str, corpus: Any, model: str | None, at: int | None, view: Any, rate: str) -> Updates:
        """The next held-out name, in place of what was typed."""
        seen = {**view, "position": -1, "pick": view["pick"] + 1}
        return {ui.view: seen, ui.name: "", **await look(owner, corpus, model, at, "", seen, rate)}

    async def arrive(
        owner: str, corpus: Any, model: str | None, at: int | None, name: str, view: dict[str, Any], rate: str
    ) -> Updates:
        """Another model is looked at. A new page begins with an MLP, whatever is best on the bench."""
        if not model:
            return {}
        seen = {**view, "fresh": False, "unit": None}
        if view["fresh"]:
            cards = [*ctx.running(owner), *ctx.cards(owner)]
            walkable = [card["id"] for card in cards if card["model"]["kind"] == "mlp"]
            if walkable and model not in walkable:
                return {ui.view: seen, ui.model: walkable[0]}
        return {ui.view: seen, **await look(owner, corpus, model, at, name, seen, rate)}

    async def choose(owner: str, corpus: Any, model: str | None, request: gr.Request) -> Updates:
        """The menu chooses for the whole page, as a click on the bench does."""
        ctx.looks[request.session_hash or ""] = model
        return await ctx.refresh(owner, corpus, model)

    inputs = [*here, ui.name, ui.view, ui.rate]
    outputs = [ui.network, ui.walk, ui.rate, ui.view, ui.message]
    ui.look = (guarded(ui.message, look), inputs, outputs)
    light(ui.model.change, guarded(ui.message, arrive), inputs, [*outputs, ui.model])
    light(ui.model.input, guarded(ui.message, choose), [ctx.owner, ctx.corpus, ui.model], [*ctx.frame, ui.message])
    light(ui.rate.input, *ui.look)
    light(ui.walk.renew, *ui.look)
    light(ui.network.view, guarded(ui.message, see), inputs, outputs, trigger_mode="always_last")
    light(ui.name.submit, guarded(ui.message, retype), inputs, outputs)
    light(ui.name.blur, guarded(ui.message, retype), inputs, outputs)
    light(ui.another.click, guarded(ui.message, another), [*here, ui.view, ui.rate], [*outputs, ui.name])
    slope.wire(ctx, ui.slope, ui.model, moment, state_of, ask)


def rate_of(text: Any) -> float:
    """The learning rate that a switch says. Raises `LabError` for what is none of its choices.

    >>> rate_of("0.01")
    0.01
    """
    if text not in RATES:
        raise LabError(f"There is no learning rate '{str(text)[:20]}'. Choose one of: {', '.join(RATES)}.")
    return float(text)


def whole_number(event: gr.EventData, name: str, otherwise: int | None) -> int | None:
    """A small whole number of an event that the page sent, or `otherwise`."""
    value = getattr(event, name, None)
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10_000
    return value if fits else otherwise


def no_walk() -> dict[str, Any]:
    """The walk of a model that cannot be walked through: a sentence in its place."""
    return {
        "seq": next_seq(),
        "title": t("inside.walk.title"),
        "look": t("inside.no_walk"),
        "steps": [],
        "renew": False,
    }


def stages_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The stages of a model that is not drawn number by number, in words."""
    return [
        {
            "name": t(f"inside.stage.{stage['what']}", number=stage.get("number"), heads=stage.get("heads")),
            "shape": " × ".join(f"{size:,}" for size in stage["shape"]),
        }
        for stage in found.get("layers", [])
    ]


def kind_said(found: dict[str, Any], name: str) -> str:
    """Why the numbers of a model are not drawn."""
    return t("inside.table_only" if found["kind"] == "ngram" else "inside.shapes_only", name=name)


def window_said(found: dict[str, Any]) -> str:
    """The window at hand and what the model expects there, in words."""
    symbols, p = found["symbols"], found["p"]
    window = found["windows"][found["position"]]
    target = window["target"]
    about = {"context": letters_of(window["context"], symbols), "target": symbols[target]}
    if window["nats"] is None:
        return t("inside.said_infinite", **about)
    rank = 1 + sum(other > p[target] for other in p)
    return t(
        "inside.said",
        share=number(100 * window["p"], 1),
        rank=rank,
        of=len(p),
        nats=number(window["nats"], 2),
        **about,
    )


def name_said(found: dict[str, Any]) -> str:
    """n letters, n + 1 predictions, and their surprise."""
    nats = [window["nats"] for window in found["windows"]]
    total = None if None in nats else sum(nats)
    return t(
        "inside.whole",
        name=found["text"],
        letters=len(found["text"]),
        predictions=len(nats),
        nats=number(total, 2),
        mean=number(None if total is None else total / len(nats), 3),
    )
