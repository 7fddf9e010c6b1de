"""The slope: the real loss on a two-parameter slice through a network, and gradient descent on it."""

import math
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.figures.inside import number, rate_name, step_sums
from lmlab.figures.inside import slope as slope_figure
from lmlab.strings import t
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.depths import drawn
from lmlab.ui.panels.looked import Looked, looked
from lmlab.ui.predict import Predict, Question, Told, predict_steps
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget

RATES = ["0.01", "0.03", "0.1", "0.3", "1", "3", "10", "30"]
FIRST_RATE = {"random": "0.1", "weights": "10"}  # a single weight feels the loss far less than all of them together
ROWS = 5  # of the grid asked for at once: a worker's trainings have their turns in between
STEPS = 20
TIMES = 3  # as large is the rate that is tried after the guess
ALIKE = 0.005  # nats that count as no difference
MOST_GRIDS = 64
STARTS = [(0.8, 0.7), (-0.8, 0.6), (0.7, -0.8), (-0.6, -0.7), (0.1, 0.9), (0.9, -0.1)]  # shares of the half width

ANSWERS = ("lower", "higher", "same")
CODE = ("evaluation/walkthrough.py", "Slice.descend")


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
    predict: Predict
    """What three times the rate will do."""
    state: gr.State

    @property
    def controls(self) -> dict[str, Any]:
        """What a teacher's link can set, hide or lock."""
        return {"slope-directions": self.directions, "slope-rate": self.rate, "slope-guess": self.predict.ask}


def build() -> Slope:
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
            draw = gr.Button(t("inside.slope.draw"), elem_classes="link", size="sm", elem_id="mlp-slope-draw")
    predict = predict_steps("slope", [question()])
    predict.ask.elem_id = "slope-ask"
    predict.level = "mlp"  # for the student's work: the level that they know
    predict.lock.variant = predict.keep.variant = "secondary"  # the one filled button is that of the training
    return Slope(message, figure, directions, rate, another, new, draw, predict, gr.State(None))


def question() -> Question:
    """What is predicted, in the spoken language."""
    later = (t("inside.slope.then_run"), t("inside.slope.then_gap"))
    options = [t(f"inside.slope.{answer}") for answer in ANSWERS]
    return Question("slope", t("inside.slope.asked", times=TIMES, steps=STEPS), "choice", later, options=options)


def wire(ctx: Context, ui: Slope, here: list[Any], model: gr.Dropdown) -> Callable[..., None]:
    """Connect the events. `here` are the inputs of `looked`; `model` is the menu among them.

    Returns a function that connects an event after which a training is over.
    """
    grids: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()
    """Grids of finished networks: the same for everybody who looks at the same one."""

    async def grid_of(seen: Looked, directions: str, seed: int) -> tuple[str, dict[str, Any]]:
        """(token, the answers to "slope" joined). A network that is learning is copied at the first of them."""
        rests = not seen.at_work and seen.model not in ctx.jobs.jobs_of(seen.owner)
        if rests:
            ctx.card(seen.model, seen.owner)  # refuses what is not the visitor's: the grids below are shared
        key = (seen.model, seen.at, directions, seed)
        token = f"{seen.model} {seen.at}" if rests else secrets.token_hex(16)
        if rests and key in grids:
            grids.move_to_end(key)
            return token, grids[key]
        about = {"token": token, "directions": directions, "seed": seed, "rows": ROWS}
        grid = await seen.ask("slope", **about)
        while len(grid["losses"]) < len(grid["axis"]):
            part = await seen.ask("slope", first=len(grid["losses"]), **about)
            if part["centre"] != grid["centre"]:
                raise LabError(t("inside.slope.ended"))
            grid = {**grid, "losses": grid["losses"] + part["losses"]}
        if rests:
            grids[key] = grid
            while len(grids) > MOST_GRIDS:
                grids.popitem(last=False)
        return token, grid

    async def descend(owner: str, corpus: Any, state: dict[str, Any], rate: float) -> Any:
        """A path from the slope's start, on the network that the slope was drawn from."""
        grid = state["grid"]
        seen = Looked(ctx, owner, corpus, state["model"], state["at"])
        found = await seen.ask(
            "descent", token=state["token"], centre=grid["centre"], start=state["start"], rate=rate,
            directions=grid["directions"], seed=grid["seed"],
        )  # fmt: skip
        return found["path"]

    async def walked(owner: str, corpus: Any, state: dict[str, Any], rate: str) -> Updates:
        """The slope with a descent from its start; an earlier comparison is over."""
        path = await descend(owner, corpus, state, rate_of(rate))
        figure = slope_figure(state["grid"], [(rate_of(rate), path)])
        return {
            ui.figure: drawn(figure, step_sums(path, rate_of(rate)), CODE),
            ui.state: state,
            **ui.predict.asked(),
        }

    async def drawn_anew(seen: Looked, directions: str, rate: str, seed: int) -> Updates:
        if directions not in FIRST_RATE:
            value, choices = str(directions)[:40], ", ".join(FIRST_RATE)
            raise LabError(t("inside.slope.no_directions", value=value, choices=choices))
        token, grid = await grid_of(seen, directions, seed)
        state = {
            "grid": grid, "token": token, "model": seen.model, "at": seen.at, "start": start_at(grid, seed),
            "starts": seed,
        }  # fmt: skip
        return await walked(seen.owner, seen.corpus, state, rate)

    async def arrive(
        owner: str, corpus: Any, model: str | None, moment: Any, shown: str | None, state: Any, directions: str,
        rate: str,
    ) -> Updates:  # fmt: skip
        """Another network: a finished one is drawn at once, one that learns when the student says so."""
        if not model:
            return {}
        seen = looked(ctx, owner, corpus, model, moment, shown)
        if seen.kind != "mlp":
            return {}
        if seen.at_work:
            return {ui.message: [h("p", t("inside.slope.waiting"))]}
        return await drawn_anew(seen, directions, rate, 0)

    async def ended(
        owner: str, corpus: Any, model: str | None, moment: Any, shown: str | None, state: Any
    ) -> Updates:
        """The network that was learning has learned: the line that says so goes, and what may stand on the slope, a
        guess among it, stays until the student draws."""
        if not model or (state and state["model"] == model):
            return {}
        seen = looked(ctx, owner, corpus, model, moment, shown)
        if seen.at_work or seen.kind != "mlp":
            return {}
        return {ui.message: [h("p", t("inside.slope.over"))]}

    async def draw(
        owner: str, corpus: Any, model: str | None, moment: Any, shown: str | None, state: Any, directions: str,
        rate: str,
    ) -> Updates:  # fmt: skip
        """A new grid through the network as it is now, along the same directions."""
        seen = looked(ctx, owner, corpus, model, moment, shown)
        return await drawn_anew(seen, directions, rate, state["grid"]["seed"] if state else 0)

    async def turn(
        owner: str, corpus: Any, model: str | None, moment: Any, shown: str | None, state: Any, directions: str,
        rate: str,
    ) -> Updates:  # fmt: skip
        """Other directions, by chance."""
        seen = looked(ctx, owner, corpus, model, moment, shown)
        return await drawn_anew(seen, directions, rate, state["grid"]["seed"] + 1 if state else 0)

    async def choose(
        owner: str, corpus: Any, model: str | None, moment: Any, shown: str | None, state: Any, directions: str
    ) -> Updates:
        """The other kind of directions, with the learning rate that suits it."""
        rate = FIRST_RATE.get(directions, RATES[0])
        seen = looked(ctx, owner, corpus, model, moment, shown)
        return {ui.rate: rate, **await drawn_anew(seen, directions, rate, 0)}

    async def step(owner: str, corpus: Any, state: Any, rate: str) -> Updates:
        """Another learning rate, from the same start."""
        return await walked(owner, corpus, there(state), rate)

    async def restart(owner: str, corpus: Any, state: Any, rate: str) -> Updates:
        """The next of a few places to start at: the way to another start without a mouse."""
        turn = there(state)["starts"] + 1
        new = {**state, "starts": turn, "start": start_at(state["grid"], turn)}
        return await walked(owner, corpus, new, rate)

    async def click(owner: str, corpus: Any, state: Any, rate: str, event: gr.EventData) -> Updates:
        """Start where the student clicked; a click on a path or a word has no place and changes nothing."""
        place = getattr(event, "custom", None)
        if not isinstance(place, list) or len(place) != 2:
            return {}
        return await walked(owner, corpus, {**there(state), "start": place}, rate)

    async def reveal(
        question: Question, answer: Any, owner: str, corpus: Any, state: Any, rate: str
    ) -> tuple[Told, Updates]:
        """The same start with three times the rate; the gap between the guess and what came."""
        slow, fast = rate_of(rate), TIMES * rate_of(rate)
        paths = [(each, await descend(owner, corpus, there(state), each)) for each in (slow, fast)]
        ends = [path[-1][2] for _, path in paths]
        truth = t(f"inside.slope.{compared(*ends)}")
        about = {
            "rate": rate_name(slow), "other": rate_name(fast), "truth": truth, "guess": answer,
            "first": loss_said(ends[0]), "second": loss_said(ends[1]),
        }  # fmt: skip
        kind = "none" if answer is None else "right" if answer == truth else "wrong"
        gap = f"{t(f'inside.slope.gap_{kind}', **about)} {t('inside.slope.why')}"
        told = Told(t("mlp.predicted.choice", answer=answer), t("inside.slope.ran", **about), gap, truth)
        return told, {ui.figure: drawn(slope_figure(state["grid"], paths), step_sums(paths[1][1], fast), CODE)}

    inputs = [*here, ui.state, ui.directions, ui.rate]
    stands = [ctx.owner, ctx.corpus, ui.state, ui.rate]
    outputs = [ui.figure, ui.state, ui.rate, ui.message, *ui.predict.outputs]

    def on(event: Any, function: Any, inputs: list[Any]) -> None:
        light(event, guarded(ui.message, function), inputs, outputs)

    on(model.change, arrive, inputs)
    on(ui.draw.click, draw, inputs)
    on(ui.new.click, turn, inputs)
    on(ui.directions.input, choose, inputs[:-1])
    on(ui.rate.input, step, stands)
    on(ui.another.click, restart, stands)
    on(ui.figure.select, click, stands)
    # A page that opens draws a slope of its own, so it begins with the question.
    ui.predict.wire(ctx, ui.message, reveal, [ui.state, ui.rate], [ui.figure], resume=False)

    def after(event: Any) -> None:
        light(event, guarded(ui.message, ended), [*here, ui.state], [ui.message])

    return after


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
        raise LabError(t("inside.no_rate", value=str(text)[:20], choices=", ".join(RATES)))
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
