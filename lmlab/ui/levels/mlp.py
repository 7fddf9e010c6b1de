"""Level MLP: a network learns while you watch; the transformer learns on the same screen."""

import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.jobs.messages import Status
from lmlab.strings import t
from lmlab.ui import lessons, recipes
from lmlab.ui.context import Context, Opener, Updates, guarded, guarded_stream, light, live, pack, problem
from lmlab.ui.links import CHOICES, Link
from lmlab.ui.panels import inside
from lmlab.ui.predict import Predict, Question, Told, is_open, predict_steps
from lmlab.ui.recipes import CONTROLS, by_name, spec_of
from lmlab.ui.watching import Parts, Plan, Watching, is_network
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget
from lmlab.ui.widgets.guesses import answer_of, drawing_value
from lmlab.ui.widgets.power import join_to, power_slider
from lmlab.ui.widgets.widget import packed

RATES = (1e-4, 100.0)  # ends of the slider of the learning rate


@dataclass
class Train:
    """The components of the level; `controls` are those that make a recipe, in the order of `recipes.CONTROLS`."""

    parts: Parts
    one: gr.Button
    ten: gr.Button
    hundred: gr.Button
    again: gr.Button
    new_seed: gr.Button
    stop: gr.Button
    log_steps: gr.Radio
    preset: gr.Radio
    columns: dict[str, tuple[gr.Column, ...]]
    """What is visible for each model alone."""
    power: gr.HTML
    controls: dict[str, Any]
    inside: inside.Inside

    @property
    def predict(self) -> Predict:
        """The three steps above the chart."""
        return self.parts.predict

    @property
    def message(self) -> gr.HTML:
        """The level's message line."""
        return self.parts.message


def build(ctx: Context) -> Train:
    """Make the components."""
    words(h("h1", t("mlp.title")), h("p", t("mlp.lead")), elem_classes="lead")
    predict = predict_steps("mlp", lessons.questions())
    with predict.run, gr.Row(elem_classes="act transport"):
        play = gr.Button(t("mlp.pause"), variant="primary", elem_id="mlp-play")
        with gr.Row(elem_classes="group"):
            one = gr.Button("+1", elem_id="mlp-one")
            ten = gr.Button("+10", elem_id="mlp-ten")
            hundred = gr.Button("+100", elem_id="mlp-hundred")
        again = gr.Button(t("mlp.again"), elem_id="mlp-again")
        new_seed = gr.Button(t("mlp.new_seed"), elem_id="mlp-seed")
        stop = gr.Button(t("mlp.stop"), elem_classes="link", size="sm", elem_id="mlp-stop")
    with predict.why, gr.Row(elem_classes="act"):
        halve = gr.Button(t("mlp.halve"), visible=False, elem_id="mlp-halve")
        following = recipes.next_of(recipes.first_of("mlp"))
        next_lesson = gr.Button(t("mlp.next", title=recipes.title_of(following)), elem_id="mlp-next")
    message = words(elem_classes="message", elem_id="mlp-message")
    with gr.Row(elem_classes="pair training"):
        with gr.Column(elem_classes="main-column", min_width=240):
            log_steps = gr.Radio(
                [(t("mlp.log"), "log"), (t("mlp.linear"), "linear")], value="log", label=t("mlp.axis"),
                elem_classes=["switch", "over"], elem_id="mlp-log",
            )  # fmt: skip
            loss = figure_widget(elem_id="mlp-loss", also=["scrubber"])
            names = words(elem_classes="fig", elem_id="mlp-names")
        with gr.Column(elem_classes="side-column", min_width=240):
            controls, preset, columns, power = _controls()
            letters = figure_widget(elem_id="mlp-letters")
    parts = Parts(
        predict, message, play, next_lesson, halve, loss, names, letters, gr.State(None), gr.State(following),
        gr.State([]),
    )  # fmt: skip
    return Train(
        parts, one, ten, hundred, again, new_seed, stop, log_steps, preset, columns, power, controls,
        inside.build(ctx),
    )  # fmt: skip


def _controls() -> tuple[dict[str, Any], gr.Radio, dict[str, tuple[gr.Column, ...]], gr.HTML]:
    """The controls by name, the menu of presets, the columns of each model, and the slider of the rate."""
    start = {
        "seed": 42,
        **recipes.values_of_preset("transformer-default"),
        **recipes.values_of_preset("mlp-sensible"),
    }
    made: dict[str, Any] = {}

    def choice(name: str, values: tuple[Any, ...], label: str = "", **more: Any) -> None:
        made[name] = gr.Radio(
            [(_choice_word(value), value) for value in values], value=start[name], label=t(f"mlp.{label or name}"),
            elem_classes="switch", elem_id=f"mlp-{name}", **more,
        )  # fmt: skip

    def slider(name: str, low: int, high: int, step: int, **more: Any) -> None:
        made[name] = gr.Slider(
            low, high, value=start[name], step=step, label=t(f"mlp.{name}"), elem_id=f"mlp-{name}", **more
        )

    made["model"] = gr.Radio(
        [(t(f"mlp.model.{name}"), name) for name in recipes.MODELS], value="mlp", label=t("mlp.network"),
        elem_classes=["switch", "network"], elem_id="mlp-model",
    )  # fmt: skip
    preset = gr.Radio(
        _presets("mlp"), value=recipes.first_of("mlp"), label=t("mlp.lesson"), elem_classes="switch",
        elem_id="mlp-preset",
    )  # fmt: skip
    setattr(preset, CHOICES, [choice for model in recipes.MODELS for choice in _presets(model, model != "mlp")])
    with gr.Column(min_width=200) as mlp:
        slider("context", 1, 8, 1)
        slider("hidden", 16, 512, 16)
    with gr.Column(visible=False, min_width=200) as transformer:
        slider("layers", 1, 6, 1)
        slider("width", 16, 128, 16)
    with gr.Column(elem_classes="rate", min_width=200):
        made["rate"] = gr.Number(start["rate"], label=t("mlp.rate"), elem_id="mlp-rate")
        low, high = RATES
        title = t("mlp.rate_slider", low=low, high=high)
        power = power_slider(title, start["rate"], low, high, elem_id="mlp-rate-slider")
    slider("steps", 50, 5000, 50)
    with gr.Accordion(t("mlp.more"), open=False, elem_id="mlp-more"):
        with gr.Column(min_width=200) as more_mlp:
            slider("embed", 2, 32, 1, info=t("mlp.embed_info"))
            choice("activation", ("tanh", "relu", "gelu"))
            choice("init", ("good", "too-large", "zero"))
            made["norm"] = gr.Checkbox(start["norm"], label=t("mlp.norm"), elem_id="mlp-norm")
        with gr.Column(visible=False, min_width=200) as more_transformer:
            choice("heads", (1, 2, 4, 8))
            choice("positions", ("learned", "sinusoidal"))
        slider("batch", 8, 512, 8)
        choice("optimizer", recipes.OPTIMIZERS)
        choice("schedule", recipes.SCHEDULES)
        made["decay"] = gr.Number(start["decay"], label=t("mlp.decay"), elem_id="mlp-decay")
        made["size"] = gr.Number(
            start["size"], precision=0, label=t("mlp.size"), info=t("mlp.size_info"), elem_id="mlp-size"
        )
        made["seed"] = gr.Number(
            start["seed"], precision=0, label=t("mlp.seed"), info=t("mlp.seed_info"), elem_id="mlp-seed-value"
        )
    controls = {name: made[name] for name in CONTROLS}
    return controls, preset, {"mlp": (mlp, more_mlp), "transformer": (transformer, more_transformer)}, power


def _choice_word(value: Any) -> str:
    return t(f"mlp.choice.{value}") if isinstance(value, str) else str(value)


def _presets(model: str, named: bool = False) -> list[tuple[str, str]]:
    """The lessons of a model; `named` says of which one where those of several stand in one list."""
    before = t(f"mlp.model.{model}") + ": " if named else ""
    return [(before + recipes.title_of(name), name) for name in recipes.SHOWN[model]]


def wire(ctx: Context, ui: Train) -> None:
    """Connect the events."""
    parts, predict = ui.parts, ui.predict
    watching = Watching(ctx, parts)
    ctx.forgetters.append(watching.forget)
    controls = [ui.controls[name] for name in CONTROLS]
    questions = {question.name: i for i, question in enumerate(predict.questions)}
    drawing = predict.answers["drawing"]

    # --- asking ---------------------------------------------------------------------------------------

    def asked(name: str, values: dict[str, Any], drawn: Any = None) -> Updates:
        """A question with the steps that the controls plan; `drawn` is what the student has drawn already."""
        question = with_steps(predict.questions[questions[name]], values)
        updates = predict.asked(questions[name])
        if question.kind == "drawing":
            value = drawing_value(
                question.labels, question.mode, question.minimum, question.maximum, question.unit, question.total,
                question.axis, drawn,
            )  # fmt: skip
            updates[drawing] = gr.update(visible=True, value=packed(value))
            # The chart keeps to itself what has been learned with these settings.
            updates[predict.state] = {**updates[predict.state], "settings": values}
        return {**updates, predict.another: gr.update(visible=False)}

    def fill(values: dict[str, Any]) -> Updates:
        """Values into the controls; the columns of the other model go away."""
        updates: Updates = {ui.controls[name]: value for name, value in values.items()}
        for model, columns in ui.columns.items():
            updates |= {column: gr.update(visible=model == values["model"]) for column in columns}
        return updates

    def put(preset: str, state: dict[str, Any]) -> Updates:
        """A preset into the controls, and its question where none is being answered."""
        values = recipes.values_of_preset(preset)
        choices = _presets(values["model"])
        updates = {**fill(values), ui.preset: gr.update(choices=choices, value=preset)}
        return {**updates, **then(preset, values, state)}

    def then(preset: str | None, values: dict[str, Any], state: dict[str, Any], drawn: Any = None) -> Updates:
        """After other settings: their question; or, while a run or its gap stands there, how to come to it."""
        if state["at"] == "ask":
            return asked(lessons.ABOUT[preset] if preset else "again", values, drawn)
        if state["at"] == "run":
            return {parts.message: problem(t("mlp.later"))}
        title = recipes.title_of(preset) if preset else None
        return {parts.next: t("mlp.next", title=title) if title else t("mlp.these"), parts.following: preset}

    async def choose_model(model: str, state: dict[str, Any]) -> Updates:
        return put(recipes.first_of(model), state)

    async def choose_preset(preset: str, state: dict[str, Any]) -> Updates:
        return put(preset, state)

    async def changed(state: dict[str, Any], drawn: Any, *values: Any) -> Updates:
        """A control was moved by hand: these are settings of the student's own."""
        now = by_name(values)
        question = predict.questions[state["index"]]
        drawing_now = state["at"] == "ask" and question.kind == "drawing"
        held = question.checked(answer_of(drawn)) if drawing_now else None
        return {ui.preset: None, **then(None, now, state, held)}

    async def go_next(preset: str | None, state: dict[str, Any], *values: Any) -> Updates:
        """The next lesson, or another run with the settings as they stand."""
        if preset is None:
            return asked("again", by_name(values))
        return put(preset, {**state, "at": "ask"})

    def adopt(card: dict[str, Any]) -> Updates:
        """The settings of a model on the bench, to change them."""
        choices = _presets(card["model"]["kind"])
        return {**fill(recipes.values_of_card(card)), ui.preset: gr.update(choices=choices, value=None)}

    async def opened(link: Link, owner: str, corpus: dict[str, Any]) -> Updates:
        """A teacher's link: as if its lesson had been chosen and then each of its values been set by hand."""
        asked_for = {name: value for name, value in link.values.items() if name in CONTROLS}
        updates = ui.inside.opened(link.values)
        lesson = link.values.get("preset", link.preset)
        if lesson is None and not asked_for:
            return updates
        start = {name: control.value for name, control in ui.controls.items()}
        named = {} if link.preset is None else recipes.values_of_preset(link.preset)
        values = {**start, **base({**start, **named, **link.values}), **named, **asked_for}
        lesson = lesson or recipes.first_of(values["model"])
        # A lesson holds for every seed; but who sets a seed on top of one has made settings of their own.
        held = "preset" in link.values or values["seed"] == start["seed"]
        preset = lesson if held and recipes.is_preset(lesson, values) else None
        choices = gr.update(choices=_presets(values["model"]), value=preset)
        asking = asked(lessons.ABOUT[preset] if preset else "again", values)
        return {**updates, **fill(values), ui.preset: choices, **asking}

    def base(values: Mapping[str, Any]) -> dict[str, Any]:
        """What the lesson or the network of a link sets besides."""
        return recipes.values_of_preset(values.get("preset") or recipes.first_of(values["model"]))

    def implied(values: Mapping[str, Any]) -> dict[str, Any]:
        """The same for the drawer, and the rate that suits the slope's directions."""
        found = {**base(values), **ui.inside.implied(values)}
        del found["model"]  # a link names the network itself
        return found

    async def left_off(owner: str, corpus: Any, stored: Any, state: dict[str, Any]) -> Updates:
        """On a page that was opened anew: the gap that still waits for its explanation, unless something learns. The
        question that comes next is that of the lesson in the controls, so none is chosen here."""
        last = next(reversed(predict.answered(ctx.work_of(owner, stored), corpus)), None)
        if not state.get("new") or ctx.jobs.jobs_of(owner) or last is None or is_open(last) or last.explained_at:
            return {}
        return {**predict.at_gap(last), predict.another: gr.update(visible=False)}

    # --- the run --------------------------------------------------------------------------------------

    async def begin(
        question: Question, answer: Any, owner: str, corpus: Any, parent: str | None, preset: str | None, *values: Any
    ) -> tuple[Told, Updates]:
        """A locked guess starts the training at once."""
        spec = spec_of(by_name(values), corpus, parent)
        job = ctx.jobs.submit(spec, owner)
        watching.plan(owner, job, Plan(question, answer, preset))
        said = lessons.predicted(question, answer, spec.recipe.steps or 1)
        return Told(said, t("mlp.status.started", step=0, planned=spec.recipe.steps).replace("**", "")), {
            ctx.job: job,
            ctx.parent: None,
        }

    def status_of(owner: str, job: str | None) -> Status:
        """Where the run stands. Raises `LabError` for one that is over or unknown."""
        if not job or job not in ctx.jobs.jobs_of(owner):
            raise LabError(t("mlp.over"))
        return ctx.jobs.poll(job, owner).status

    async def play(owner: str, job: str | None) -> Updates:
        """Pause or go on: what the one filled button says."""
        state = status_of(owner, job).state
        ctx.jobs.command(str(job), owner, "resume" if state == "paused" else "pause")
        return {ctx.job: job}

    def stepper(steps: int) -> Any:
        async def take(owner: str, job: str | None) -> Updates:
            status_of(owner, job)
            ctx.jobs.command(str(job), owner, "step", steps)
            return {ctx.job: job}

        return take

    async def stop(owner: str, job: str | None) -> Updates:
        status_of(owner, job)
        ctx.jobs.command(str(job), owner, "stop")
        return {ctx.job: job}

    async def again(owner: str, corpus: Any, job: str | None, *values: Any) -> Updates:
        """From the start, with the settings as they stand; the guess stays. The same settings are the same run."""
        old = ctx.jobs.poll(job, owner).spec.parent if job and job in ctx.jobs.jobs_of(owner) else None
        spec = spec_of(by_name(values), corpus, old)  # refuses bad values before the old run ends
        plan = watching.plans.get(job or "")
        if job and job in ctx.jobs.jobs_of(owner):
            ctx.jobs.command(job, owner, "discard")
        new = ctx.jobs.submit(spec, owner)
        if plan is not None:
            watching.plan(owner, new, replace(plan, told=False))
        return {ctx.job: new}

    async def reseed(owner: str, corpus: Any, job: str | None, *values: Any) -> Updates:
        now = {**by_name(values), "seed": secrets.randbelow(10_000)}
        return {**await again(owner, corpus, job, *now.values()), ui.controls["seed"]: now["seed"]}

    async def halve(owner: str, job: str | None) -> Updates:
        """After a run that diverged: the same from the start, with half of its learning rate."""
        spec = recipes.halved(watching.spec_of(owner, job), str(job))
        new = ctx.jobs.submit(spec, owner)
        watching.plan(owner, new, Plan(predict.questions[questions["again"]], None, None))
        # The controls may have been moved since that run began: they show what learns now.
        filled = fill(recipes.values_of(spec.model, spec.options, spec.recipe))
        return {ctx.job: new, **filled, ui.preset: gr.update(choices=_presets(spec.model), value=None)}

    async def look_at(
        owner: str, corpus: Any, job: str | None, log_steps: str, state: dict[str, Any], event: gr.EventData
    ) -> Updates:
        """A network chosen on the bench stands on the chart, unless one learns."""
        what = str(getattr(event, "do", ""))
        if not what.startswith("choose:") or (job and job in ctx.jobs.jobs_of(owner)):
            return {}
        chosen = what.removeprefix("choose:")
        if chosen in ctx.jobs.jobs_of(owner) or not is_network(ctx.card(chosen, owner)):
            return {}  # what was counted has no curve, and what waits has none yet: the chart stays
        updates = await watching.rest(owner, corpus, chosen, log_steps == "log", state)
        shown = updates[parts.shown]
        if shown != chosen:
            updates[parts.message] = problem(watching.elsewhere(owner, chosen, shown, corpus))
        return {ctx.moment: None, **updates}

    # --- events ---------------------------------------------------------------------------------------

    here = [ctx.owner, ctx.corpus, ctx.job]
    view = [*here, ui.log_steps, parts.shown, predict.state]
    shown = [*parts.outputs, ctx.letters, ctx.moment, *ctx.frame]
    own = [component for columns in ui.columns.values() for component in columns]
    asks = [*predict.outputs, parts.message, parts.next, parts.following, ui.preset, *controls, *own]

    def then_watch(event: Any) -> None:
        light(event.success, guarded(parts.message, watching.begin, clears=False), view, shown)

    for event in predict.wire(
        ctx, parts.message, begin, [ctx.parent, ui.preset, *controls], [ctx.job, ctx.parent], resume=False
    ):  # fmt: skip
        then_watch(event)
    for button, function in (
        (parts.play, play), (ui.one, stepper(1)), (ui.ten, stepper(10)), (ui.hundred, stepper(100)), (ui.stop, stop),
    ):  # fmt: skip
        then_watch(
            light(button.click, guarded(parts.message, function), [ctx.owner, ctx.job], [ctx.job, parts.message])
        )
    for button, function in ((ui.again, again), (ui.new_seed, reseed)):
        outputs = [ctx.job, parts.message, ui.controls["seed"]]
        then_watch(light(button.click, guarded(parts.message, function), [*here, *controls], outputs))
    outputs = [ctx.job, parts.message, ui.preset, *controls, *own]
    then_watch(light(parts.halve.click, guarded(parts.message, halve), [ctx.owner, ctx.job], outputs))
    for event in (ui.log_steps.input, parts.loss.resync):
        light(event, guarded(parts.message, watching.begin), view, shown)
    streamed = live(
        parts.loss.live, guarded_stream(parts.message, watching.stream), [ctx.owner, ctx.corpus],
        [parts.loss, predict.said, parts.play, parts.names, parts.letters, parts.message, ctx.letters, ctx.bench,
         ctx.ruler],
    )  # fmt: skip

    async def drawn_on_page(event: gr.EventData, request: gr.Request) -> None:
        watching.was_drawn(getattr(event, "seq", None), request)

    parts.loss.drawn(drawn_on_page, None, None, queue=False, api_visibility="private", show_progress="hidden")
    over = light(
        streamed.then, guarded(parts.message, watching.finish), [ctx.owner, ctx.corpus, ctx.work],
        [*parts.outputs, ctx.work, *ctx.frame],
    )  # fmt: skip
    went = light(
        parts.loss.scrub, guarded(parts.message, watching.go_to), [ctx.owner, ctx.corpus, parts.shown],
        [ctx.moment, parts.names, parts.letters, parts.message], trigger_mode="always_last",
    )  # fmt: skip
    moved_to, ended = inside.wire(ctx, ui.inside, parts.shown)
    moved_to(went.then)
    ended(over.then)
    light(
        ctx.bench.act, guarded(parts.message, look_at), [*here, ui.log_steps, predict.state],
        [parts.loss, parts.shown, parts.kept, parts.names, parts.letters, ctx.moment, parts.message],
    )  # fmt: skip

    async def cover(*inputs: Any) -> Updates:
        with contextlib.suppress(LabError):  # a chart that cannot be drawn stays; what was just said stays, too
            return pack(await watching.cover(*inputs))
        return {}

    covers = [ctx.owner, ctx.corpus, ui.log_steps, parts.shown, parts.kept, predict.state]

    def ask(event: Any, function: Any, inputs: list[Any]) -> None:
        """An event that may ask another question, and the chart that may have to keep other curves to itself."""
        light(
            light(event, guarded(parts.message, function), inputs, asks).then, cover, covers, [parts.loss, parts.kept]
        )

    ask(ui.controls["model"].input, choose_model, [ui.controls["model"], predict.state])
    ask(ui.preset.input, choose_preset, [ui.preset, predict.state])
    ask(parts.next.click, go_next, [parts.following, predict.state, *controls])
    join_to(ui.power, ui.controls["rate"])
    for moved in (*(control for name, control in ui.controls.items() if name != "model"), ui.power):
        ask(moved.input, changed, [predict.state, drawing, *controls])

    ctx.show(
        "mlp", guarded(parts.message, left_off), [ctx.owner, ctx.corpus, ctx.work, predict.state],
        [*predict.outputs, parts.message],
    )  # fmt: skip

    # --- for the frame --------------------------------------------------------------------------------

    ctx.watch = (guarded(parts.message, watching.begin), view, shown)
    ctx.controls["mlp"] = {"preset": ui.preset, **ui.controls, **ui.inside.controls}
    ctx.presets["mlp"] = (
        [name for names in recipes.SHOWN.values() for name in names],
        lambda preset: put(preset, {"at": "ask"}),
        [*predict.outputs, ui.preset, *controls, *own],
    )
    inner = ui.inside.opens
    ctx.openers["mlp"] = Opener(opened, [*predict.outputs, ui.preset, *controls, *own, *inner], implied)
    ctx.adopters["mlp"] = (
        adopt,
        [ui.preset, *controls, *own],
    )


def with_steps(question: Question, values: dict[str, Any]) -> Question:
    """A drawing over the steps that are planned."""
    steps = values.get("steps")
    if question.kind != "drawing" or not isinstance(steps, int | float) or steps < 1:
        return question
    return replace(question, labels=[f"{step:,}" for step in lessons.drawn_steps(int(steps))])
