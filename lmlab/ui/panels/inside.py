"""The panel "Inside the network": windows, the network with live numbers, one example step by step, the slope."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.figures.inside import number
from lmlab.strings import t
from lmlab.ui.bench import next_seq
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.panels import slope
from lmlab.ui.panels.looked import Looked, looked
from lmlab.ui.panels.steps import letters_of, walk_value
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.network import network_widget
from lmlab.ui.widgets.walk import walk_widget

MOST_LETTERS = 16
MOST_PAGES = 1000
RATES = ["0.001", "0.01", "0.1", "1"]

View = dict[str, Any]
"""What the student looks at: `{"text", "pick", "position", "unit", "fresh"}`.

`text` is the name that was typed; without one it is the `pick`-th held-out name. `position` is the window, -1 for the
first full one; `unit` a hidden unit or None. `fresh` is true until the first look of a page.
"""


@dataclass
class Inside:
    """The components of the panel."""

    model: gr.Dropdown
    name: gr.Textbox
    another: gr.Button
    message: gr.HTML
    network: gr.HTML
    walk: gr.HTML
    rate: gr.Radio
    view: gr.State
    slope: slope.Slope

    @property
    def controls(self) -> dict[str, Any]:
        """What a teacher's link can set, hide or lock: to be put among the controls of the level."""
        return {"inside-name": self.name, "step-rate": self.rate, **self.slope.controls}

    @property
    def opens(self) -> list[Any]:
        """What a link may change."""
        return [*self.controls.values(), self.view]

    def opened(self, values: Mapping[str, Any]) -> Updates:
        """A link's values, and what is drawn with them: the name is read from the view, not from its box."""
        updates = {self.controls[name]: value for name, value in values.items() if name in self.controls}
        if "inside-name" in values:
            updates[self.view] = {**self.view.value, "text": values["inside-name"]}
        if "slope-directions" in values:
            updates = {self.slope.rate: self.implied(values)["slope-rate"], **updates}
        return updates

    def implied(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The learning rate that comes with the directions of the slope."""
        return {"slope-rate": slope.FIRST_RATE.get(values.get("slope-directions", ""), slope.FIRST_RATE["random"])}


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
        hill = slope.build()
    ctx.pickers.append((model, lambda card: True))
    view = gr.State({"text": "", "pick": 0, "position": -1, "unit": None, "fresh": True})
    return Inside(model, name, another, message, network, walk, rate, view, hill)


def wire(ctx: Context, ui: Inside, shown: gr.State) -> tuple[Callable[..., None], Callable[..., None]]:
    """Connect the events. `shown` is the run on the level's chart: the moment gone back to is one of that run.

    Returns two functions that connect an event of the level: one after which another moment is looked at, and one
    after which a training is over.
    """

    newest: OrderedDict[str, int] = OrderedDict()
    """The number of each page's last question: an answer to an older one comes too late and is dropped."""

    def ask_for(page: str) -> int:
        newest[page] = next_seq()
        newest.move_to_end(page)
        while len(newest) > MOST_PAGES:
            newest.popitem(last=False)
        return newest[page]

    async def draw(seen: Looked, page: str, view: View, rate: str) -> Updates:
        """The whole panel but the slope: the windows, the network, and the walk for the window at hand."""
        turn, view = ask_for(page), {**view, "fresh": False}
        value = await network_value(seen, view)
        found = value["picture"]
        if found["kind"] == "mlp":
            unit = -1 if value["favourites"] is None else view["unit"]
            walked = await seen.ask(
                "walk", text=found["text"], position=found["position"], unit=unit, rate=rate_of(rate)
            )
            value["followed"] = walked["unit"]
            if seen.at is not None:  # the card says where the training ended, not where these numbers are from
                walked = {**walked, "step": seen.at}
            walk = walk_value(walked, seen.name, next_seq(), value["live"])
        else:
            walk = no_walk()
        if newest.get(page) != turn:
            return {}
        return {
            ui.network: value,
            ui.walk: walk,
            ui.rate: gr.update(visible=found["kind"] == "mlp"),
            ui.view: view,
        }

    async def again(
        owner: str, corpus: Any, model: str | None, moment: Any, shown: str | None, page: str, view: View, rate: str
    ) -> Updates:
        """The same window once more: with newer numbers, or another learning rate."""
        return await draw(looked(ctx, owner, corpus, model, moment, shown), page, view, rate)

    async def arrive(
        owner: str, corpus: Any, model: str | None, moment: Any, shown: str | None, page: str, view: View, rate: str
    ) -> Updates:
        """Another model is looked at. A new page begins with an MLP, whatever is best on the bench."""
        if not model:
            return {}
        there = {**view, "unit": None, "fresh": False}
        if view["fresh"]:
            cards = [*ctx.running(owner), *ctx.cards(owner)]
            mlps = [card["id"] for card in cards if card["model"]["kind"] == "mlp"]
            if mlps and model not in mlps:
                return {ui.model: mlps[0], ui.view: there}  # and the menu's change calls this again
        return await draw(looked(ctx, owner, corpus, model, moment, shown), page, there, rate)

    async def scrubbed(
        owner: str, corpus: Any, model: str | None, moment: Any, shown: str | None, page: str, view: View, rate: str
    ) -> Updates:
        """Another moment of the run on the chart: the panel turns to that run."""
        if shown and model != shown:
            return {ui.model: shown}  # and the menu's change draws it
        return await again(owner, corpus, model, moment, shown, page, view, rate)

    async def move(
        owner: str, corpus: Any, model: str | None, moment: Any, shown: str | None, page: str, view: View, rate: str,
        event: gr.EventData,
    ) -> Updates:  # fmt: skip
        """The student goes to another window or unit; or the network is learning and newer numbers are due."""
        seen = looked(ctx, owner, corpus, model, moment, shown)
        there = {**view, "position": whole_number(event, "position", -1), "unit": whole_number(event, "unit", None)}
        if getattr(event, "why", "") != "tick":
            return await draw(seen, page, there, rate)
        turn = newest.get(page)
        try:
            value = await network_value(seen, there)
        except LabError:  # it waits in line, or has just ended: the next tick will find it
            return {}
        return {ui.network: value} if newest.get(page) == turn else {}

    async def retype(
        owner: str,
        corpus: Any,
        model: str | None,
        moment: Any,
        shown: str | None,
        page: str,
        view: View,
        rate: str,
        text: str,
    ) -> Updates:
        """Another name; leaving the box without a change is none."""
        if (text or "") == view["text"]:
            return {}
        there = {**view, "text": text or "", "position": -1}
        return await draw(looked(ctx, owner, corpus, model, moment, shown), page, there, rate)

    async def another(
        owner: str, corpus: Any, model: str | None, moment: Any, shown: str | None, page: str, view: View, rate: str
    ) -> Updates:
        """The next held-out name, in place of what was typed."""
        there = {**view, "text": "", "position": -1, "pick": view["pick"] + 1}
        return {ui.name: "", **await draw(looked(ctx, owner, corpus, model, moment, shown), page, there, rate)}

    async def choose(owner: str, corpus: Any, model: str | None, request: gr.Request) -> Updates:
        """The menu chooses for the whole page, as a click on the bench does."""
        ctx.looks[request.session_hash or ""] = model
        return await ctx.refresh(owner, corpus, model)

    here = [ctx.owner, ctx.corpus, ui.model, ctx.moment, shown]
    inputs = [*here, ctx.page, ui.view, ui.rate]
    outputs = [ui.network, ui.walk, ui.rate, ui.view, ui.message]

    def on(event: Any, function: Any, *more: Any, also: tuple[Any, ...] = (), **options: Any) -> None:
        light(event, guarded(ui.message, function), [*inputs, *more], [*outputs, *also], **options)

    on(ui.model.change, arrive, also=(ui.model,))
    on(ui.rate.input, again)
    on(ui.walk.renew, again)
    on(ui.network.view, move, trigger_mode="always_last")
    on(ui.name.submit, retype, ui.name)
    on(ui.name.blur, retype, ui.name)
    on(ui.another.click, another, also=(ui.name,))
    light(ui.model.input, guarded(ui.message, choose), [ctx.owner, ctx.corpus, ui.model], [*ctx.frame, ui.message])
    return lambda event: on(event, scrubbed, also=(ui.model,)), slope.wire(ctx, ui.slope, here, ui.model)


async def network_value(seen: Looked, view: View) -> dict[str, Any]:
    """The value of the network widget."""
    live = seen.at_work  # before the numbers: what ends in between is drawn once more
    found = await seen.ask("picture", text=view["text"], pick=view["pick"], position=view["position"])
    drawn = found["kind"] == "mlp"
    step = found["step"] if seen.at is None else seen.at
    favourites = None
    if drawn and view["unit"] is not None and view["unit"] < found["shape"]["h"]:
        favourites = await seen.ask("unit", unit=view["unit"])
        favourites["title"] = t("inside.favourites", unit=favourites["unit"], bias=number(favourites["bias"]))
        favourites["look"] = t("inside.favourites_look", names=favourites["names"])
    return {
        "seq": next_seq(),
        "picture": {**found, "layers": stages_of(found)},
        "said": window_said(found) if drawn else f"{kind_said(found, seen.name)} {window_said(found)}",
        "whole": name_said(found),
        "at": seen.name if step is None else t("inside.at_step", name=seen.name, step=f"{step:,}"),
        "live": live,
        "favourites": favourites,
    }


def rate_of(text: Any) -> float:
    """The learning rate that a switch says. Raises `LabError` for what is none of its choices.

    >>> rate_of("0.01")
    0.01
    """
    if text not in RATES:
        raise LabError(t("inside.no_rate", value=str(text)[:20], choices=", ".join(RATES)))
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
    share, nats = number(100 * window["p"], 1), number(window["nats"], 2)
    return t("inside.said", share=share, rank=rank, of=len(p), nats=nats, **about)


def name_said(found: dict[str, Any]) -> str:
    """n letters, n + 1 predictions, and their surprise."""
    nats = [window["nats"] for window in found["windows"]]
    total = None if None in nats else sum(nats)
    mean = None if total is None else total / len(nats)
    return t(
        "inside.whole",
        name=found["text"],
        letters=len(found["text"]),
        predictions=len(nats),
        nats=number(total, 2),
        mean=number(mean, 3),
    )
