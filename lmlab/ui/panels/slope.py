"""The slope: the real loss on a two-parameter slice through a network, and gradient descent on it."""

import math
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.figures.inside import number, rate_name, step_sums
from lmlab.figures.inside import slope as slope_figure
from lmlab.strings import t
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.depths import drawn
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget
from lmlab.ui.work import Entry

RATES = ["0.01", "0.03", "0.1", "0.3", "1", "3", "10", "30"]
FIRST_RATE = {"random": "0.1", "weights": "10"}  # a single weight feels the loss far less than all of them together
ROWS = 5  # of the grid asked for at once: a worker's trainings have their turns in between
STEPS = 20
ALIKE = 0.005  # nats that count as no difference
MOST_GRIDS = 64
STARTS = [(0.8, 0.7), (-0.8, 0.6), (0.7, -0.8), (-0.6, -0.7), (0.1, 0.9), (0.9, -0.1)]  # shares of the half width

Ask = Callable[..., Awaitable[Any]]


@dataclass
class Slope:
    """The components. `state` is the slope that stands there, or None.

    `{"grid", "token", "model", "at", "start", "starts"}`: the answers to "slope" joined, of which model at which
    moment, and where the descent starts.
    """

    message: gr.HTML
    figure: gr.HTML
    directions: gr.Radio
    rate: gr.Radio
    another: gr.Button
    new: gr.Button
    draw: gr.Button
    guess: gr.Radio
    triple: gr.Button
    state: gr.State


def build(ctx: Context) -> Slope:
    """Make the components where it is called."""
    with gr.Row(elem_classes="pair slope"):
        with gr.Column(elem_classes="main-column", min_width=240):
            message = words(elem_classes="message", elem_id="mlp-slope-message")
            figure = figure_widget(elem_id="mlp-slope")
        with gr.Column(elem_classes="side-column", min_width=240):
            directions = gr.Radio(
                [(t(f"inside.slope.{kind}"), kind) for kind in FIRST_RATE], value="random",
                label=t("inside.slope.directions"), elem_classes="switch", elem_id="mlp-slope-directions",
            )  # fmt: skip
            rate = gr.Radio(
                RATES, value=FIRST_RATE["random"], label=t("inside.slope.rate"), elem_classes="switch",
                elem_id="mlp-slope-rate",
            )  # fmt: skip
            with gr.Row(elem_classes="act"):
                another = gr.Button(t("inside.slope.start"), elem_id="mlp-slope-start")
                new = gr.Button(t("inside.slope.new"), elem_id="mlp-slope-new")
            guess = gr.Radio(
                [(t(f"inside.slope.{answer}"), answer) for answer in ("lower", "higher", "same")], value=None,
                label=t("inside.slope.guess", steps=STEPS), elem_classes="switch", elem_id="mlp-slope-guess",
            )  # fmt: skip
            with gr.Row(elem_classes="act"):
                triple = gr.Button(t("inside.slope.triple"), elem_id="mlp-slope-triple")
            draw = gr.Button(t("inside.slope.draw"), elem_classes="link", size="sm", elem_id="mlp-slope-draw")
    return Slope(message, figure, directions, rate, another, new, draw, guess, triple, gr.State(None))


def controls(ui: Slope) -> dict[str, Any]:
    """What a teacher's link can set, hide or lock."""
    return {"slope-directions": ui.directions, "slope-rate": ui.rate, "slope-guess": ui.guess}


def wire(
    ctx: Context, ui: Slope, model: gr.Dropdown, moment: gr.State, state_of: Callable[[str, str], str], ask: Ask
) -> None:
    """Connect the events. `ask(owner, corpus, model, at, question, **args)` asks about the model at a moment."""
    grids: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()
    """Grids of finished networks: the same for everybody who looks at the same one."""

    async def grid_of(
        owner: str, corpus: Any, model: str, at: int | None, directions: str, seed: int
    ) -> tuple[str, dict[str, Any]]:
        """(token, the answers to "slope" joined). A network that is learning is copied at the first of them."""
        finished = state_of(owner, model) == "done"
        if finished:
            ctx.card(model, owner)  # refuses what is not the visitor's: the grids below are shared
        key = (model, at, directions, seed)
        token = "-".join(str(part) for part in (model, at)) if finished else secrets.token_hex(16)
        if finished and key in grids:
            grids.move_to_end(key)
            return token, grids[key]
        about = {"token": token, "directions": directions, "seed": seed, "rows": ROWS}
        first = await ask(owner, corpus, model, at, "slope", **about)
        losses = first["losses"]
        while len(losses) < len(first["axis"]):
            part = await ask(owner, corpus, model, at, "slope", first=len(losses), **about)
            if part["centre"] != first["centre"]:
                raise LabError("The training ended while the slope was drawn. Draw it again.")
            losses = losses + part["losses"]
        grid = {**first, "losses": losses}
        if finished:
            grids[key] = grid
            while len(grids) > MOST_GRIDS:
                grids.popitem(last=False)
        return token, grid

    async def descend(owner: str, corpus: Any, state: dict[str, Any], rate: float) -> Any:
        grid = state["grid"]
        found = await ask(
            owner, corpus, state["model"], state["at"], "descent", token=state["token"], centre=grid["centre"],
            start=state["start"], rate=rate, directions=grid["directions"], seed=grid["seed"],
        )  # fmt: skip
        return found["path"]

    async def walked(owner: str, corpus: Any, state: dict[str, Any], rate: str) -> Updates:
        """The slope with a descent from its start; an earlier comparison is over."""
        path = await descend(owner, corpus, state, rate_of(rate))
        figure = slope_figure(state["grid"], [(rate_of(rate), path)])
        code = ("evaluation/walkthrough.py", "Slice.descend")
        return {
            ui.figure: drawn(figure, step_sums(path, rate_of(rate)), code),
            ui.state: state,
            ui.guess: gr.update(value=None),
        }

    async def draw(
        owner: str, corpus: Any, model: str | None, at: int | None, state: Any, directions: str, rate: str
    ) -> Updates:
        """A new grid through the network as it is now, along the directions that stand there or were chosen."""
        return await drawn_anew(owner, corpus, model, at, directions, rate, state["grid"]["seed"] if state else 0)

    async def drawn_anew(
        owner: str, corpus: Any, model: str | None, at: int | None, directions: str, rate: str, seed: int
    ) -> Updates:
        if not model:
            raise LabError(t("inside.slope.first_draw"))
        if directions not in FIRST_RATE:
            raise LabError(f"There are no directions '{str(directions)[:40]}'.")
        token, grid = await grid_of(owner, corpus, model, at, directions, seed)
        state = {
            "grid": grid,
            "token": token,
            "model": model,
            "at": at,
            "start": start_at(grid, seed),
            "starts": seed,
        }
        return await walked(owner, corpus, state, rate)

    async def arrive(
        owner: str, corpus: Any, model: str | None, at: int | None, state: Any, directions: str, rate: str
    ) -> Updates:
        """Another network: a finished one is drawn at once, one that learns when the student says so."""
        if not model or card_kind(owner, model) != "mlp":
            return {}
        if state_of(owner, model) != "done":
            return {ui.message: [h("p", t("inside.slope.waiting"))]} if state is None else {}
        return await drawn_anew(owner, corpus, model, at, directions, rate, 0)

    def card_kind(owner: str, model: str) -> str:
        if model in ctx.jobs.jobs_of(owner):
            return ctx.jobs.poll(model, owner).spec.model
        return ctx.card(model, owner)["model"]["kind"]

    async def turn(
        owner: str, corpus: Any, model: str | None, at: int | None, state: Any, directions: str, rate: str
    ) -> Updates:
        """Other directions, by chance."""
        seed = state["grid"]["seed"] + 1 if state else 0
        return await drawn_anew(owner, corpus, model, at, directions, rate, seed)

    async def choose(
        owner: str, corpus: Any, model: str | None, at: int | None, state: Any, directions: str
    ) -> Updates:
        """The other kind of directions, with the learning rate that suits it."""
        rate = FIRST_RATE.get(directions, RATES[0])
        return {ui.rate: rate, **await drawn_anew(owner, corpus, model, at, directions, rate, 0)}

    async def step(owner: str, corpus: Any, state: Any, rate: str) -> Updates:
        return await walked(owner, corpus, there(state), rate)

    async def restart(owner: str, corpus: Any, state: Any, rate: str) -> Updates:
        """The next of a few places to start at: the way to another start without a mouse."""
        starts = there(state)["starts"] + 1
        return await walked(
            owner, corpus, {**state, "starts": starts, "start": start_at(state["grid"], starts)}, rate
        )

    async def click(owner: str, corpus: Any, state: Any, rate: str, event: gr.EventData) -> Updates:
        """Start where the student clicked; a click on a path or a word has no place and changes nothing."""
        place = getattr(event, "custom", None)
        if not isinstance(place, list) or len(place) != 2:
            return {}
        return await walked(owner, corpus, {**there(state), "start": place}, rate)

    async def triple(owner: str, corpus: Any, stored: Any, state: Any, rate: str, guess: str | None) -> Updates:
        """The same start with three times the rate; the gap between the guess and what came."""
        slow, fast = rate_of(rate), 3 * rate_of(rate)
        paths = [(each, await descend(owner, corpus, there(state), each)) for each in (slow, fast)]
        ends = [path[-1][2] for _, path in paths]
        truth = compared(*ends)
        figure = slope_figure(state["grid"], paths)
        about = {
            "rate": rate_name(slow), "triple": rate_name(fast),
            "first": loss_said(ends[0]), "second": loss_said(ends[1]), "truth": t(f"inside.slope.{truth}"),
        }  # fmt: skip
        code = ("evaluation/walkthrough.py", "Slice.descend")
        shown = {ui.figure: drawn(figure, step_sums(paths[1][1], fast), code)}
        if guess not in ("lower", "higher", "same"):
            return {**shown, ui.message: [h("p", t("inside.slope.gap_none", **about))]}
        said = t(
            f"inside.slope.gap_{'right' if guess == truth else 'wrong'}", guess=t(f"inside.slope.{guess}"), **about
        )
        asked = t("inside.slope.asked", rate=about["rate"], steps=STEPS, loss=about["first"])
        entry = Entry(level="mlp", question="slope", asked=asked, guess=guess, truth=truth, said=said)
        return {**shown, ui.message: [h("p", said)], **ctx.keep(owner, stored, entry)}

    here = [ctx.owner, ctx.corpus, model, moment, ui.state]
    there_is = [ctx.owner, ctx.corpus, ui.state]
    outputs = [ui.figure, ui.state, ui.guess, ui.rate, ui.message]

    def on(event: Any, function: Any, inputs: list[Any], more: tuple[Any, ...] = ()) -> None:
        light(event, guarded(ui.message, function), inputs, [*outputs, *more])

    on(model.change, arrive, [*here, ui.directions, ui.rate])
    on(ui.draw.click, draw, [*here, ui.directions, ui.rate])
    on(ui.new.click, turn, [*here, ui.directions, ui.rate])
    on(ui.directions.input, choose, [*here, ui.directions])
    on(ui.rate.input, step, [*there_is, ui.rate])
    on(ui.another.click, restart, [*there_is, ui.rate])
    on(ui.figure.select, click, [*there_is, ui.rate])
    on(ui.triple.click, triple, [ctx.owner, ctx.corpus, ctx.work, ui.state, ui.rate, ui.guess], (ctx.work,))


def there(state: Any) -> dict[str, Any]:
    """The slope that stands on the page. Raises `LabError` where there is none yet."""
    if state is None:
        raise LabError(t("inside.slope.first_draw"))
    return state


def start_at(grid: dict[str, Any], turn: int) -> list[float]:
    """One of a few places to start at, on the lattice of the grid."""
    places = grid["axis"]
    half = (len(places) - 1) // 2
    a, b = STARTS[turn % len(STARTS)]
    return [places[half + round(a * half)], places[half + round(b * half)]]


def rate_of(text: Any) -> float:
    """The learning rate that the switch says. Raises `LabError` for what is none of its choices."""
    if text not in RATES:
        raise LabError(f"There is no learning rate '{str(text)[:20]}'. Choose one of: {', '.join(RATES)}.")
    return float(text)


def compared(first: float | None, second: float | None) -> str:
    """Whether the second loss is lower, higher or about the same; None is infinite.

    >>> compared(2.0, 1.0), compared(2.0, None), compared(2.0, 2.001)
    ('lower', 'higher', 'same')
    """
    a, b = (math.inf if loss is None else loss for loss in (first, second))
    if a == b or abs(b - a) < ALIKE:
        return "same"
    return "lower" if b < a else "higher"


def loss_said(loss: float | None) -> str:
    """A loss in a sentence before its unit."""
    return t("inside.slope.infinite") if loss is None else number(loss)
