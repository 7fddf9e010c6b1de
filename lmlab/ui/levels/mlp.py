"""Level Train: a network learns while you watch."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.figures.training import Curve, growth, loss_curve
from lmlab.jobs.messages import JobSpec, Snapshot, Status
from lmlab.runs.cards import short_name
from lmlab.training.presets import PRESETS, Preset
from lmlab.training.recipe import Recipe
from lmlab.ui.bench import next_seq
from lmlab.ui.context import Context, Updates, guarded, guarded_stream, light, live
from lmlab.ui.panels import inside
from lmlab.ui.training_view import (
    collect,
    curve_of,
    live_letters,
    names_trees,
    planned_of,
    state_key,
    status_trees,
)  # fmt: skip
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget

MODELS = {"MLP": "mlp", "Transformer": "transformer"}
OPTIMIZERS = {"AdamW": "adamw", "SGD": "sgd", "Muon": "muon"}
SCHEDULES = {"Linear": "linear", "Cosine": "cosine", "Constant": "constant"}
EARLIER_RUNS = 5
PERIOD = 0.15  # seconds between two looks at a running job
PAUSED_PERIOD = 1.0
MUON_TIMES = 5.0  # Muon's rate for the matrices is so many times the learning rate of the rest


@dataclass
class Train:
    """The components of the level."""

    message: gr.HTML
    status: gr.HTML
    play: gr.Button
    one: gr.Button
    ten: gr.Button
    hundred: gr.Button
    stop: gr.Button
    again: gr.Button
    new_seed: gr.Button
    loss: gr.HTML
    log_steps: gr.Radio
    names: gr.HTML
    model: gr.Radio
    preset: gr.Radio
    lesson: gr.HTML
    mlp: gr.Column
    transformer: gr.Column
    context: gr.Slider
    d_embed: gr.Slider
    d_hidden: gr.Slider
    n_layer: gr.Slider
    d_model: gr.Slider
    n_head: gr.Radio
    positions: gr.Radio
    learning_rate: gr.Number
    batch: gr.Slider
    steps: gr.Slider
    optimizer: gr.Radio
    schedule: gr.Radio
    seed: gr.Number
    train_size: gr.Number
    inside: inside.Inside

    @property
    def controls(self) -> list[Any]:
        """The inputs that make a recipe, in the order of `spec_of`."""
        return [
            self.model, self.context, self.d_embed, self.d_hidden, self.n_layer, self.d_model, self.n_head,
            self.positions, self.learning_rate, self.batch, self.steps, self.optimizer, self.schedule, self.seed,
            self.train_size,
        ]  # fmt: skip


CONTROLLED = {
    "mlp": {"context", "d_embed", "d_hidden"},
    "transformer": {"context", "n_layer", "d_model", "n_head", "positions"},
}
"""The options of each model that this screen has controls for."""


def presets_of(model: str) -> list[tuple[str, str]]:
    """(title, name) of a model's presets: those that the controls can say in full."""
    return [(preset.title, name) for name, preset in PRESETS.items() if preset.model == model and _on_screen(preset)]


def _on_screen(preset: Preset) -> bool:
    recipe = preset.recipe
    return (
        set(preset.options) <= CONTROLLED[preset.model]
        and preset.corpus == "names"
        and recipe.most_passes is None
        and (recipe.optimizer != "muon" or recipe.matrix_learning_rate == MUON_TIMES * recipe.learning_rate)
    )


def build(ctx: Context) -> Train:
    """Make the components."""
    first = PRESETS["mlp-sensible"]
    gpt = PRESETS["transformer-default"]
    words(
        h("h1", "Train a network"),
        h(
            "p",
            "The last letters go in, a guess for the next one comes out. "
            "Every wrong guess nudges the network’s numbers.",
        ),
        elem_classes="lead",
    )
    status = words(*status_trees(None, None), elem_classes="predict", elem_id="mlp-status")
    with gr.Row(elem_classes="act transport"):
        play = gr.Button("Train", variant="primary", elem_id="mlp-play")
        one = gr.Button("+1", elem_id="mlp-one")
        ten = gr.Button("+10", elem_id="mlp-ten")
        hundred = gr.Button("+100", elem_id="mlp-hundred")
        stop = gr.Button("Stop", elem_id="mlp-stop")
        again = gr.Button("Start again", elem_id="mlp-again")
        new_seed = gr.Button("New seed", elem_id="mlp-seed")
    message = words(elem_classes="message", elem_id="mlp-message")
    with gr.Row(elem_classes="pair"):
        with gr.Column(elem_classes="main-column", min_width=240):
            log_steps = gr.Radio(
                ["Linear", "Log steps"],
                value="Linear",
                label="Step axis",
                elem_classes=["switch", "over"],
                elem_id="mlp-log",
            )
            loss = figure_widget(elem_id="mlp-loss")
            names = words(elem_classes="fig", elem_id="mlp-names")
        with gr.Column(elem_classes="side-column", min_width=240):
            model = gr.Radio(
                list(MODELS), value="MLP", label="The network", elem_classes="switch", elem_id="mlp-model"
            )
            preset = gr.Radio(
                presets_of("mlp"), value="mlp-sensible", label="Preset", elem_classes="switch", elem_id="mlp-preset"
            )
            lesson = words(h("p", first.lesson), elem_classes="report", elem_id="mlp-lesson")
            with gr.Column(min_width=200) as mlp:
                context = gr.Slider(
                    1, 8, value=first.options["context"], step=1, label="Context, letters", elem_id="mlp-context"
                )
                d_hidden = gr.Slider(
                    16, 512, value=first.options["d_hidden"], step=16, label="Hidden units", elem_id="mlp-hidden"
                )
                d_embed = gr.Slider(
                    2,
                    32,
                    value=first.options["d_embed"],
                    step=1,
                    label="Numbers a letter",
                    info="2 can be drawn as they are",
                    elem_id="mlp-embed",
                )
            with gr.Column(visible=False, min_width=200) as transformer:
                n_layer = gr.Slider(1, 6, value=gpt.options["n_layer"], step=1, label="Blocks", elem_id="mlp-layers")
                d_model = gr.Slider(
                    16,
                    128,
                    value=gpt.options["d_model"],
                    step=16,
                    label="Width",
                    info="Numbers a letter",
                    elem_id="mlp-width",
                )
                n_head = gr.Radio(
                    [1, 2, 4, 8],
                    value=gpt.options["n_head"],
                    label="Heads",
                    elem_classes="switch",
                    elem_id="mlp-heads",
                )
                positions = gr.Radio(
                    ["learned", "sinusoidal"],
                    value="learned",
                    label="Positions",
                    elem_classes="switch",
                    elem_id="mlp-positions",
                )
            learning_rate = gr.Number(
                first.recipe.learning_rate,
                label="Learning rate",
                info="0.001 is small, 0.1 is large",
                elem_id="mlp-rate",
            )
            steps = gr.Slider(50, 5000, value=first.recipe.steps, step=50, label="Steps", elem_id="mlp-steps")
            with gr.Accordion("More controls", open=False, elem_id="mlp-more"):
                batch = gr.Slider(
                    8, 512, value=first.recipe.batch_size, step=8, label="Batch, names", elem_id="mlp-batch"
                )
                optimizer = gr.Radio(
                    list(OPTIMIZERS),
                    value="AdamW",
                    label="Optimizer",
                    elem_classes="switch",
                    elem_id="mlp-optimizer",
                )
                schedule = gr.Radio(
                    list(SCHEDULES),
                    value="Linear",
                    label="Learning rate over time",
                    elem_classes="switch",
                    elem_id="mlp-schedule",
                )
                seed = gr.Number(42, precision=0, label="Seed", info="Same seed, same run", elem_id="mlp-seed-value")
                train_size = gr.Number(
                    0, precision=0, label="Learn from the first", info="names; 0 = all", elem_id="mlp-size"
                )
    return Train(
        message, status, play, one, ten, hundred, stop, again, new_seed, loss, log_steps, names, model, preset,
        lesson, mlp, transformer, context, d_embed, d_hidden, n_layer, d_model, n_head, positions, learning_rate,
        batch, steps,
        optimizer, schedule, seed, train_size, inside.build(ctx),
    )  # fmt: skip


def spec_of(controls: Sequence[Any], corpus: dict[str, Any], first: int | None = None) -> JobSpec:
    """What the values of `Train.controls` say, as a job. Raises `LabError` for what cannot be trained."""
    model, context, d_embed, d_hidden, n_layer, d_model, n_head, positions, *rest = controls
    learning_rate, batch, steps, optimizer, schedule, seed, train_size = rest
    for name, value, known in (
        ("network", model, MODELS),
        ("optimizer", optimizer, OPTIMIZERS),
        ("schedule", schedule, SCHEDULES),
    ):
        if value not in known:
            raise LabError(f"There is no {name} '{str(value)[:40]}'. Choose one of: {', '.join(known)}.")
    if learning_rate is None or seed is None:
        raise LabError("The learning rate and the seed need a number each. Fill in the empty one.")
    options: dict[str, Any]
    if MODELS[model] == "mlp":
        options = {"context": int(context), "d_embed": int(d_embed), "d_hidden": int(d_hidden)}
    else:
        block = 32 if corpus.get("longest", 100) < 32 else 128
        options = {
            "context": block,
            "n_layer": int(n_layer),
            "d_model": int(d_model),
            "n_head": int(n_head),
            "positions": positions,
        }
    recipe = Recipe(
        steps=int(steps),
        optimizer=OPTIMIZERS[optimizer],  # type: ignore[arg-type]
        learning_rate=float(learning_rate),
        matrix_learning_rate=min(10_000.0, MUON_TIMES * float(learning_rate)),
        schedule=SCHEDULES[schedule],  # type: ignore[arg-type]
        batch_size=int(batch),
        seed=int(seed),
        train_size=int(train_size) if train_size else None,
    )
    return JobSpec(MODELS[model], options, recipe, corpus["source"], corpus["name"], first)


def controls_of(preset: Preset, ui: Train) -> Updates:
    """Put a preset's values into the controls."""
    named = {ui.context: "context", ui.d_embed: "d_embed", ui.d_hidden: "d_hidden"}
    if preset.model == "transformer":
        named = {ui.n_layer: "n_layer", ui.d_model: "d_model", ui.n_head: "n_head", ui.positions: "positions"}
    recipe = preset.recipe
    by_value = {value: title for table in (OPTIMIZERS, SCHEDULES) for title, value in table.items()}
    return {
        ui.lesson: [h("p", preset.lesson)],
        **{control: preset.options[name] for control, name in named.items()},
        ui.learning_rate: recipe.learning_rate,
        ui.batch: recipe.batch_size,
        ui.steps: recipe.steps,
        ui.optimizer: by_value[recipe.optimizer],
        ui.schedule: by_value[recipe.schedule],
        ui.train_size: recipe.train_size or 0,
    }


def wire(ctx: Context, ui: Train) -> None:
    """Connect the events."""
    here = [ctx.owner, ctx.corpus]
    watchers: dict[str, int] = {}
    """The number of the newest watch of each page; an older one ends when it sees a newer number."""

    async def choose_model(model: str) -> Updates:
        kind = MODELS.get(model)
        if kind is None:
            raise LabError(f"There is no network '{str(model)[:40]}'. Choose MLP or Transformer.")
        choices = presets_of(kind)
        return {
            ui.preset: gr.update(choices=choices, value=choices[0][1]),
            ui.mlp: gr.update(visible=kind == "mlp"),
            ui.transformer: gr.update(visible=kind == "transformer"),
            **controls_of(PRESETS[choices[0][1]], ui),
        }

    async def choose_preset(name: str) -> Updates:
        if name not in PRESETS:
            raise LabError(f"There is no preset '{str(name)[:40]}'.")
        return controls_of(PRESETS[name], ui)

    async def play(owner: str, corpus: Any, job: str | None, *controls: Any) -> Updates:
        """Train, pause or go on: what the one filled button says."""
        status = status_of(owner, job)
        if job and status and status.state in ("running", "waiting"):
            ctx.jobs.command(job, owner, "pause")
            return {ctx.job: job}
        if job and status and status.state == "paused":
            ctx.jobs.command(job, owner, "resume")
            return {ctx.job: job}
        return {ctx.job: ctx.jobs.submit(spec_of(controls, corpus), owner)}

    def stepper(steps: int) -> Any:
        async def take(owner: str, corpus: Any, job: str | None, *controls: Any) -> Updates:
            status = status_of(owner, job)
            if job and status and status.state in ("running", "paused", "waiting"):
                ctx.jobs.command(job, owner, "step", steps)
                return {ctx.job: job}
            return {ctx.job: ctx.jobs.submit(spec_of(controls, corpus, steps), owner)}

        return take

    async def stop(owner: str, job: str | None) -> Updates:
        if not job or status_of(owner, job) is None:
            raise LabError("Nothing is being trained. Press Train to begin.")
        ctx.jobs.command(job, owner, "stop")
        return {ctx.job: job}

    async def again(owner: str, corpus: Any, job: str | None, *controls: Any) -> Updates:
        """The same seed from the start: the same run, step for step."""
        spec = spec_of(controls, corpus)  # refuses bad values before the old run ends
        if job and status_of(owner, job) is not None:
            ctx.jobs.command(job, owner, "discard")
        return {ctx.job: ctx.jobs.submit(spec, owner)}

    async def reseed(owner: str, corpus: Any, job: str | None, *controls: Any) -> Updates:
        seed = secrets.randbelow(10_000)
        values = [*controls]
        values[ui.controls.index(ui.seed)] = seed
        return {**await again(owner, corpus, job, *values), ui.seed: seed}

    def status_of(owner: str, job: str | None) -> Status | None:
        """Where the job stands; None when it is over or unknown."""
        if not job or job not in ctx.jobs.jobs_of(owner):
            return None
        return ctx.jobs.poll(job, owner).status

    async def watch(
        owner: str, corpus: Any, job: str | None, log_steps: str, chosen: str | None, request: gr.Request
    ) -> AsyncIterator[Updates]:
        """Everything on the screen, then what is new several times a second, until the job rests."""
        session = request.session_hash or ""
        number = watchers[session] = next_seq()
        log = log_steps == "Log steps"
        if job is not None and known(owner, job):  # a training stands beside the baselines of its own corpus
            spec = ctx.jobs.poll(job, owner).spec
            own = {"source": spec.corpus, "name": spec.corpus_name}
            found = await ctx.ask_corpus(own, owner, "baselines")
        else:
            found = await ctx.ask_corpus(corpus, owner, "baselines")
        marks = found["marks"]
        networks = [card for card in ctx.cards(owner) if card["model"]["kind"] != "ngram"]
        comparable = [card for card in networks if card["corpus"]["sha256"] == found["sha256"]]
        earlier = [curve_of(card) for card in comparable if card["id"] != job]
        if job is None or not known(owner, job):
            yield show_last(comparable, marks, log)
            return
        ctx.looks[session] = job  # what begins to learn is looked at, until another model is chosen
        snapshot = ctx.jobs.poll(job, owner)
        run = Curve(short_name(job))
        probes: list[Any] = []
        collect(snapshot, run, probes)
        planned = planned_of(snapshot)
        seq = next_seq()
        ends = run.range(marks)
        yield {
            ui.loss: loss_curve(run, earlier[:EARLIER_RUNS], marks, planned, log).to_value(seq),
            **screen(snapshot, run, probes, marks),
            **await ctx.refresh(owner, corpus, job),
        }
        since, shown = snapshot.seq, state_key(snapshot)
        try:
            while watchers.get(session) == number:
                if snapshot.status.state in ("done", "failed"):
                    break
                # A paused training is looked at, too, or it would be taken for abandoned.
                await asyncio.sleep(PAUSED_PERIOD if snapshot.status.state == "paused" else PERIOD)
                snapshot = ctx.jobs.poll(job, owner, since)
                since = snapshot.seq
                if snapshot.reset:
                    run, probes = Curve(run.name), []
                new = collect(snapshot, run, probes)
                updates: Updates = {}
                needed = run.range(marks)
                if snapshot.reset or needed != ends or planned_of(snapshot) > planned:
                    ends, planned, seq = needed, planned_of(snapshot), next_seq()
                    updates[ui.loss] = loss_curve(run, earlier[:EARLIER_RUNS], marks, planned, log).to_value(seq)
                elif new["batch"] or new["validation"]:
                    after, seq = seq, next_seq()
                    grown = growth(new["batch"], new["validation"], run, log)
                    if new["validation"]:
                        notes = loss_curve(run, [], marks, planned, log).plotly["layout"]["annotations"]
                        grown = replace(grown, notes=notes)
                    updates[ui.loss] = grown.to_value(seq, after)
                if snapshot.events or state_key(snapshot) != shown:
                    shown = state_key(snapshot)
                    updates |= screen(snapshot, run, probes if new["names"] else None, marks)
                if new["validation"]:
                    updates |= await ctx.refresh(owner, corpus, ctx.looks.get(session, job))
                if new["embedding"] and ctx.looks.get(session) == job:
                    updates[ctx.letters] = live_letters(snapshot, new["embedding"][-1])
                if updates:
                    yield updates
        finally:
            if watchers.get(session) == number:
                del watchers[session]
        if snapshot.status.state == "done":
            yield await ctx.refresh(owner, corpus, job)

    def known(owner: str, job: str) -> bool:
        try:
            ctx.jobs.poll(job, owner)
        except LabError:
            return False
        return True

    def show_last(cards: list[dict[str, Any]], marks: Any, log: bool) -> Updates:
        """Nothing is being trained: the newest finished network, so that the screen is never empty."""
        if not cards:
            empty = loss_curve(Curve(""), [], marks, 1000, log)
            return {ui.status: status_trees(None, None), ui.loss: empty.to_value(next_seq()), ui.play: "Train"}
        card, run = cards[0], curve_of(cards[0])
        earlier = [curve_of(old) for old in cards[1 : 1 + EARLIER_RUNS]]
        return {
            ui.loss: loss_curve(run, earlier, marks, card["planned_steps"], log).to_value(next_seq()),
            ui.names: names_trees(card["history"]["names"]),
            ui.status: status_trees(None, short_name(card["id"])),
            ui.play: "Train",
        }

    def screen(snapshot: Snapshot, run: Curve, probes: list[Any] | None, marks: Any) -> Updates:
        """Status, names and the button's word."""
        updates: Updates = {
            ui.status: status_trees(snapshot, run.name, run, marks),
            ui.play: gr.update(
                value={"running": "Pause", "waiting": "Pause", "paused": "Go on"}.get(snapshot.status.state, "Train")
            ),
        }
        if probes is not None:
            updates[ui.names] = names_trees(probes)
        if snapshot.status.sentence:
            updates[ui.message] = [h("p", snapshot.status.sentence, role="alert")]
        return updates

    transport = [*here, ctx.job, *ui.controls]
    view = [*here, ctx.job, ui.log_steps, ctx.chosen]
    shown = [
        ui.loss,
        ui.names,
        ui.status,
        ui.play,
        ui.message,
        ctx.letters,
        *ctx.frame,
    ]

    def then_watch(event: Any) -> Any:
        return live(event.success, guarded_stream(ui.message, watch), view, shown)

    for button, function in (
        (ui.play, play),
        (ui.one, stepper(1)),
        (ui.ten, stepper(10)),
        (ui.hundred, stepper(100)),
        (ui.again, again),
    ):
        then_watch(light(button.click, guarded(ui.message, function), transport, [ctx.job, ui.message]))
    then_watch(light(ui.new_seed.click, guarded(ui.message, reseed), transport, [ctx.job, ui.seed, ui.message]))
    then_watch(light(ui.stop.click, guarded(ui.message, stop), [ctx.owner, ctx.job], [ctx.job, ui.message]))
    for event in (ui.log_steps.input, ui.loss.resync):
        live(event, guarded_stream(ui.message, watch), view, shown)
    preset_outputs = [
        ui.lesson, ui.context, ui.d_embed, ui.d_hidden, ui.n_layer, ui.d_model, ui.n_head, ui.positions,
        ui.learning_rate, ui.batch, ui.steps, ui.optimizer, ui.schedule, ui.train_size, ui.message,
    ]  # fmt: skip
    light(
        ui.model.input,
        guarded(ui.message, choose_model),
        [ui.model],
        [ui.preset, ui.mlp, ui.transformer, *preset_outputs],
    )
    light(ui.preset.input, guarded(ui.message, choose_preset), [ui.preset], preset_outputs)
    ctx.watch = (guarded_stream(ui.message, watch), view, shown)
    inside.wire(ctx, ui.inside)
