"""`train`: a network, its recipe, and what Ctrl-C does."""

import shlex
import signal
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from lmlab.cli.shared import (
    CORPUS_HELP,
    TOKENIZER_HELP,
    Json,
    KindOption,
    check_out,
    open_corpus,
    open_tokenizer,
    print_json,
    progress_bar,
    say,
    show_losses,
    show_place,
    source_of,
    spoken,
    threads_of,
)
from lmlab.errors import LabError
from lmlab.training.presets import DEFAULT_PRESET, PRESETS, preset

if TYPE_CHECKING:  # these import torch
    from lmlab.training.recipe import Recipe
    from lmlab.training.trainer import Trainer


@spoken
def train_command(
    model: Annotated[
        str | None,
        typer.Option(metavar="M", help=f"{', '.join(DEFAULT_PRESET)}, or a preset: {', '.join(PRESETS)}."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Save the model there.", show_default=False)] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Go on with a run that stopped, to its planned end.", show_default=False),
    ] = None,
    stop_at: Annotated[
        int | None, typer.Option(metavar="N", help="Stop and save after step N of the plan.", show_default=False)
    ] = None,
    corpus: Annotated[str | None, typer.Option(metavar="C", help=f"{CORPUS_HELP} [default: names]")] = None,
    kind: KindOption = None,
    tokenizer: Annotated[
        str | None, typer.Option(metavar="T", help=f"{TOKENIZER_HELP} [default: characters]")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="Computing time, turned into steps.", show_default=False)
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="How many steps; the preset's when neither is given.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="K", help="Seed; the preset's is 42.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="An option of the model, such as context=5; repeatable."),
    ] = None,
    optimizer: Annotated[str | None, typer.Option(metavar="O", help="sgd, adamw or muon.")] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(metavar="R", help="Of sgd or adamw; under muon, of what is not a hidden matrix."),
    ] = None,
    matrix_learning_rate: Annotated[
        float | None, typer.Option(metavar="R", help="Under muon, of the hidden matrices.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="B", help="Documents a step.")] = None,
    schedule: Annotated[str | None, typer.Option(metavar="L", help="constant, linear or cosine.")] = None,
    warmup: Annotated[int | None, typer.Option(metavar="N", help="Steps over which the learning rate rises.")] = None,
    weight_decay: Annotated[float | None, typer.Option(metavar="W", help="How much weights shrink, 0 to 10.")] = None,
    clip: Annotated[float | None, typer.Option(metavar="G", help="The largest norm of the gradient.")] = None,
    train_size: Annotated[
        int | None, typer.Option(metavar="D", help="Learn from the first D training documents only.")
    ] = None,
    threads: Annotated[int | None, typer.Option(metavar="T", help="Threads; one a core when not given.")] = None,
    probe_gradients: Annotated[
        bool | None,
        typer.Option(
            "--probe-gradients",
            help="Note norms of gradients, sizes of updates and saturation on the run's card now and then.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a network. Ctrl-C stops it and saves what it needs to go on; `--resume DIR` goes on.

    A run that stopped and was resumed ends as the run that never stopped: the planned steps fix the schedule. The
    seconds are those of computing; `planned_steps` is the plan, `stopped` says that Ctrl-C or `--stop-at` ended the
    run before it, `resume` is the command that goes on, and `diverged` where the loss was lost. The losses are those
    of the `objective`: on the ruler for every model that predicts the next token.

    \b
    JSON:
      {model,tokenizer,corpus,objective}                   string
      preset                                               string | null
      options                                              object
      {seed,threads,steps,planned_steps,parameters}        integer
      {seconds,tokens_per_second}                          number
      stopped                                              boolean
      resume                                               string | null
      diverged                                             object | null
      diverged.{at,back_to}                                integer
      diverged.sentence                                    string
      out                                                  string
      {train,validation}.{nll,perplexity,bpc}              number | null
      {train,validation}.{predictions,characters,unseen,unknown} integer
      {train,validation}.infinite_at                       object | null
      {train,validation}.infinite_at.{document,after,next} string
    """
    recipe_flags = {
        "seconds": seconds, "steps": steps, "seed": seed, "optimizer": optimizer, "learning_rate": learning_rate,
        "matrix_learning_rate": matrix_learning_rate, "batch_size": batch_size, "schedule": schedule,
        "warmup": warmup, "weight_decay": weight_decay, "clip": clip, "train_size": train_size, "threads": threads,
        "probe_gradients": probe_gradients,
    }  # fmt: skip
    if stop_at is not None and stop_at < 1:
        raise LabError(f"The run was to stop at step {stop_at}: choose 1 or more.")
    if resume is not None:
        fixed = {"model": model, "corpus": corpus, "kind": kind, "tokenizer": tokenizer, "option": option}
        session = continued(resume, out, {**fixed, **recipe_flags})
    elif model is None:
        raise LabError("There is no model to train: give --model, or --resume DIR to go on with a run that stopped.")
    elif out is None:
        raise LabError("There is no place to save the model: give --out DIR.")
    else:
        session = started(model, out, corpus, kind, tokenizer, option or [], recipe_flags)
    trainer, planned = session.trainer, session.trainer.scheduled
    if stop_at is not None and not trainer.step_number < stop_at <= planned:
        raise LabError(
            f"The run was to stop at step {stop_at}: it stands at {trainer.step_number} of {planned:,} planned "
            "steps. Choose a step between the two."
        )
    stopped = learn(session, stop_at)
    if stopped:
        card = save_for_resume(session)
    else:
        from lmlab.runs.store import save_run

        card = card_of(session)
        save_run(session.place, trainer.model, card)
    command = resume_command(session) if stopped else None
    about = card["model"]
    if as_json:
        from lmlab.runs.store import finite

        print_json(
            finite(
                {
                    "model": about["kind"],
                    "tokenizer": card["tokenizer"]["kind"],
                    "corpus": card["corpus"]["source"],
                    "preset": card.get("preset"),
                    "options": about["options"],
                    "seed": trainer.recipe.seed,
                    "threads": trainer.recipe.threads,
                    "steps": trainer.step_number,
                    "planned_steps": planned,
                    "parameters": about["parameters"],
                    "seconds": trainer.seconds,
                    "tokens_per_second": tokens_per_second(trainer),
                    "stopped": stopped,
                    "resume": command,
                    "diverged": trainer.diverged,
                    "out": str(session.place),
                    "objective": trainer.objective.name,
                    **{part: trainer.losses[part].to_json() for part in ("train", "validation")},
                }
            )
        )
        return
    console = Console()
    threads_used = trainer.recipe.threads
    say(
        console,
        f"{about['kind']} with {about['parameters']:,} parameters: {trainer.step_number:,} of {planned:,} steps in "
        f"{trainer.seconds:.1f} s of computing, {threads_used} thread{'s' if threads_used > 1 else ''}.",
    )
    if trainer.diverged:
        say(console, trainer.diverged["sentence"])
    show_training(console, trainer)
    show_place(console, session.place)
    if command is not None:
        say(console, f"Stopped at step {trainer.step_number:,}. Go on with: {command}")


@dataclass(frozen=True)
class Session:
    """A training under way: the trainer, where it is saved, and what its card says beside what the trainer knows."""

    trainer: "Trainer"
    place: Path
    kind: str
    run_id: str
    preset: str | None
    source: str


def started(
    model: str,
    out: Path,
    corpus: str | None,
    kind: str | None,
    tokenizer: str | None,
    option: list[str],
    flags: dict[str, Any],
) -> Session:
    """A new training as the command line describes it. Everything that can be wrong is found out here."""
    chosen = preset(model)
    recipe = changed(chosen.recipe, **flags)
    pairs = [split_option(pair) for pair in option]
    place = check_out(out)
    corpus = corpus or chosen.corpus
    loaded = open_corpus(corpus, kind)
    chosen = chosen.fitted(loaded.part("train")[: recipe.train_size], recipe)
    from lmlab.models.build import build
    from lmlab.runs.cards import check_vocabulary, new_run_id
    from lmlab.training.trainer import Trainer

    cut = open_tokenizer(tokenizer, loaded)
    check_vocabulary(cut.vocab_size)
    options = {**chosen.options, **typed_options(chosen.model, pairs)}
    network = build(chosen.model, options, cut.vocab_size, recipe.seed, cut.boundary_id)
    trainer = Trainer(network, loaded, recipe, tokenizer=cut)
    return Session(trainer, place, chosen.model, new_run_id(), DEFAULT_PRESET.get(model, model), source_of(corpus))


def continued(folder: Path, out: Path | None, given: dict[str, Any]) -> Session:
    """A run that stopped, where it stopped. What its card fixes cannot be asked for again."""
    for name, value in given.items():
        if value not in (None, []):
            raise LabError(
                f"--{name.replace('_', '-')} cannot be changed in a run that goes on: its card fixes it. "
                "Leave it out, or train a new model with --out."
            )
    from lmlab.runs.cards import read_card
    from lmlab.runs.store import resume

    card = read_card(folder)
    place = check_out(out or folder)
    trainer = resume(folder)
    about = card["corpus"]
    return Session(
        trainer, place, card["model"]["kind"], card["id"], card.get("preset"), about.get("source", about["name"])
    )


def card_of(session: Session) -> dict[str, Any]:
    """The card of the run as it stands."""
    from lmlab.runs.store import trained_card

    card = trained_card(session.trainer, session.kind, session.run_id)
    card["corpus"]["source"] = session.source
    card["preset"] = session.preset
    return card


def save_for_resume(session: Session) -> dict[str, Any]:
    """Save a run that stopped, with what it needs to go on; returns its card."""
    from lmlab.runs.store import save_stopped

    card = card_of(session)
    if not session.trainer.finished:
        card = unmeasured(card)
    save_stopped(session.place, session.trainer, card)
    return card


def save_unmeasured(session: Session) -> None:
    """Save a run that has taken its last step, before its losses are known."""
    from lmlab.runs.store import save_run

    save_run(session.place, session.trainer.model, unmeasured(card_of(session)))


def unmeasured(card: dict[str, Any]) -> dict[str, Any]:
    """A card without losses, for weights that were not measured: those of an earlier step are not theirs.

    >>> unmeasured({"steps": 9, "metrics": {"validation": {"nll": 2.1}}})
    {'steps': 9, 'metrics': {}}
    """
    return {name: {} if name in ("metrics", "objective_losses") else value for name, value in card.items()}


def resume_command(session: Session) -> str:
    """What goes on with the run, to be typed or copied."""
    return f"python -m lmlab train --resume {shlex.quote(str(session.place))}"


def show_training(console: Console, trainer: "Trainer") -> None:
    """The losses at the end: on the ruler, or in words where the objective has another unit."""
    losses = {part: trainer.losses[part] for part in ("train", "validation")}
    if trainer.objective.on_the_ruler:
        show_losses(console, losses)
        return
    for part, loss in losses.items():
        say(
            console,
            f"{trainer.objective.name} on {part}: {loss.nll:.4f} nats for each of {loss.predictions:,} pairs.",
        )


def changed(recipe: "Recipe", seconds: float | None, steps: int | None, **changes: Any) -> "Recipe":
    """The preset's recipe with what the command line says. Raises `LabError` for a wrong value."""
    if seconds is not None and steps is not None:
        raise LabError(f"Both {steps} steps and {seconds:g} seconds were asked for: give --steps or --seconds.")
    if seconds is not None or steps is not None:
        changes |= {"seconds": seconds, "steps": steps}
        recipe = replace(recipe, most_passes=None)  # who names a number of steps means it
    else:
        changes |= {"seconds": recipe.seconds, "steps": recipe.steps}
    given = {name: value for name, value in changes.items() if value is not None or name in ("seconds", "steps")}
    return replace(recipe, **{**given, "threads": threads_of(given.get("threads"))})


def split_option(pair: str) -> tuple[str, str]:
    """Name and value of `--option name=value`.

    >>> split_option("context=5")
    ('context', '5')
    """
    name, equals, value = pair.partition("=")
    if not (name and equals and value):
        raise LabError(f"The option '{pair}' has no name or no value: write --option name=value, such as context=5.")
    return name.strip(), value.strip()


def typed_options(kind: str, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Values as the model wants them: of the type of the option's default.

    >>> typed_options("transformer", [("context", "16"), ("positions", "sinusoidal")])
    {'context': 16, 'positions': 'sinusoidal'}
    >>> typed_options("mlp", [("context", "many")])
    Traceback (most recent call last):
    lmlab.errors.LabError: The option context is 'many': give a whole number.
    """
    from lmlab.models.build import MODELS

    defaults = asdict(MODELS[kind].config())
    # `build` refuses a name that it does not know, so its value may stay text.
    return {name: typed(name, value, type(defaults.get(name, ""))) for name, value in pairs}


def typed(name: str, value: str, wanted: type) -> Any:
    """One value of the command line as a whole number, a decimal, a truth value or a word.

    >>> typed("dropout", "0.1", float), typed("tied", "true", bool), typed("positions", "none", str)
    (0.1, True, 'none')
    >>> typed("tied", "maybe", bool)
    Traceback (most recent call last):
    lmlab.errors.LabError: The option tied is 'maybe': give true or false.
    """
    try:
        if wanted is bool:
            return {"true": True, "false": False}[value.lower()]
        return wanted(value) if wanted in (int, float) else value
    except (KeyError, ValueError):
        what = {bool: "true or false", int: "a whole number", float: "a number"}[wanted]
        raise LabError(f"The option {name} is '{value}': give {what}.") from None


class Interrupts:
    """While it is entered, the first Ctrl-C is a request to stop; the second one interrupts as ever."""

    def __init__(self) -> None:
        self.asked = False
        self._former: Any = None

    def __enter__(self) -> "Interrupts":
        listening = threading.current_thread() is threading.main_thread()
        # A command in a shell's background ignores Ctrl-C, which is meant for another.
        if listening and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self._former = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, self._former)

    def __exit__(self, *error: object) -> None:
        if self._former is not None:
            signal.signal(signal.SIGINT, self._former)


def learn(session: Session, stop_at: int | None = None) -> bool:
    """Run a trainer with a progress bar on stderr; returns whether Ctrl-C or `stop_at` ended it before its plan.

    A run that stops or ends is saved before its loss is measured, so that Ctrl-C in the measurement loses nothing.
    """
    trainer = session.trainer
    stopped = told = False
    saved_at: int | None = None
    with progress_bar("loss {task.fields[loss]}", "{task.fields[speed]} tokens/s") as bar, Interrupts() as interrupts:
        task = bar.add_task("Training", total=trainer.planned, completed=trainer.step_number, loss="–", speed="–")
        drawn = 0.0
        loss = None
        while not trainer.finished:
            asked = interrupts.asked or (stop_at is not None and trainer.step_number >= stop_at)
            if asked and not stopped and trainer.step_number < trainer.planned:
                stopped = True
                trainer.stop()
                save_for_resume(session)
                say(
                    bar.console,
                    f"Stopped at step {trainer.step_number:,} and saved. Go on with: {resume_command(session)}",
                )
                say(bar.console, "Now the loss is measured; Ctrl-C again skips that.")
                saved_at, told = trainer.step_number, True
            # Not just once: a measurement without a number sends the run back to an earlier step.
            if trainer.step_number >= trainer.planned and trainer.step_number != saved_at:
                save_unmeasured(session)
                saved_at = trainer.step_number
            if interrupts.asked and not told:
                told = True
                say(bar.console, "The run is saved and its loss is being measured; Ctrl-C again skips that.")
            for progress in trainer.step():
                if progress.kind == "batch":
                    loss = progress.loss
                elif progress.kind == "diverged":
                    say(bar.console, progress.data["sentence"])
            now = time.perf_counter()
            if now - drawn > 0.1 or trainer.finished:  # drawing at every step would cost the steps time
                drawn = now
                bar.update(
                    task,
                    completed=trainer.step_number,
                    description="Measuring" if trainer.step_number >= trainer.planned else "Training",
                    loss="–" if loss is None else f"{loss:.3f}",
                    speed=f"{tokens_per_second(trainer):,.0f}" if trainer.seconds else "–",
                )
    return stopped


def tokens_per_second(trainer: "Trainer") -> float:
    """Tokens learned from in each second of computing; padding is not counted."""
    return trainer.tokens / trainer.seconds if trainer.seconds else 0.0
