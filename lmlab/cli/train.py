"""`train`: a network, its recipe, and what Ctrl-C does."""

import signal
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from lmlab.cli.shared import (
    CorpusOption,
    Json,
    check_out,
    open_corpus,
    print_json,
    progress_bar,
    say,
    show_losses,
    show_place,
    source_of,
    spoken,
)
from lmlab.errors import LabError, nearest
from lmlab.training.presets import DEFAULT_PRESET, PRESETS, Preset, preset

if TYPE_CHECKING:  # these import torch
    from lmlab.training.recipe import Recipe
    from lmlab.training.trainer import Trainer

MOST_THREADS = 64


@spoken
def train_command(
    model: Annotated[
        str, typer.Option(metavar="M", help=f"{', '.join(DEFAULT_PRESET)}, or a preset: {', '.join(PRESETS)}.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Save the model there.")],
    corpus: CorpusOption = "names",
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
    batch_size: Annotated[int | None, typer.Option(metavar="B", help="Documents a step.")] = None,
    schedule: Annotated[str | None, typer.Option(metavar="L", help="constant, linear or cosine.")] = None,
    threads: Annotated[int | None, typer.Option(metavar="T", help="Threads; one a core when not given.")] = None,
    as_json: Json = False,
) -> None:
    """Train a network. Ctrl-C ends it early and saves what was learned.

    The seconds are those of computing; `planned_steps` fixed the schedule, `stopped` says that Ctrl-C ended the
    run before them, and `diverged` where the loss was lost.

    \b
    JSON:
      model                                                string
      preset                                               string
      options                                              object
      corpus                                               string
      {seed,threads,steps,planned_steps,parameters}        integer
      seconds                                              number
      stopped                                              boolean
      diverged                                             object | null
      diverged.{at,back_to}                                integer
      diverged.sentence                                    string
      out                                                  string
      {train,validation}.{nll,perplexity,bpc}              number | null
      {train,validation}.{predictions,unseen}              integer
      {train,validation}.infinite_at                       object | null
      {train,validation}.infinite_at.{document,after,next} string
    """
    chosen = find_preset(model)
    recipe = changed(
        chosen.recipe,
        seconds=seconds,
        steps=steps,
        seed=seed,
        optimizer=optimizer,
        learning_rate=learning_rate,
        batch_size=batch_size,
        schedule=schedule,
        threads=threads,
    )
    pairs = [split_option(pair) for pair in option or []]
    place = check_out(out)
    loaded = open_corpus(corpus)
    from lmlab.models.build import build
    from lmlab.runs.cards import new_run_id
    from lmlab.runs.store import finite, save_run, trained_card
    from lmlab.training.trainer import Trainer

    options = {**chosen.options, **typed_options(chosen.model, pairs)}
    network = build(chosen.model, options, 1 + len(loaded.alphabet), recipe.seed)
    trainer = Trainer(network, loaded, recipe)
    planned = trainer.scheduled
    stopped = learn(trainer)
    card = trained_card(trainer, chosen.model, new_run_id())
    card["corpus"]["source"] = source_of(corpus)
    save_run(place, network, card)
    about = card["model"]
    if as_json:
        print_json(
            finite(
                {
                    "model": chosen.model,
                    "preset": DEFAULT_PRESET.get(model, model),
                    "options": about["options"],
                    "corpus": corpus,
                    "seed": recipe.seed,
                    "threads": recipe.threads,
                    "steps": trainer.step_number,
                    "planned_steps": planned,
                    "parameters": about["parameters"],
                    "seconds": trainer.seconds,
                    "stopped": stopped,
                    "diverged": trainer.diverged,
                    "out": str(place),
                    **{part: trainer.losses[part].to_json() for part in ("train", "validation")},
                }
            )
        )
        return
    console = Console()
    say(
        console,
        f"{chosen.model} with {about['parameters']:,} parameters: {trainer.step_number:,} of {planned:,} steps in "
        f"{trainer.seconds:.1f} s of computing, {recipe.threads} thread{'s' if recipe.threads > 1 else ''}.",
    )
    if trainer.diverged:
        say(console, trainer.diverged["sentence"])
    if stopped:
        say(console, f"Stopped at step {trainer.step_number:,}; what was learned until then is kept.")
    show_losses(console, {part: trainer.losses[part] for part in ("train", "validation")})
    show_place(console, place)


def find_preset(name: str) -> Preset:
    """A preset by its name or its model's; the error suggests the nearest name."""
    try:
        return preset(name)
    except LabError as error:
        raise LabError(f"{error}{nearest(name, [*DEFAULT_PRESET, *PRESETS])}") from None


def changed(recipe: "Recipe", seconds: float | None, steps: int | None, **changes: Any) -> "Recipe":
    """The preset's recipe with what the command line says. Raises `LabError` for a wrong value."""
    from lmlab.jobs.local import cores

    if seconds is not None and steps is not None:
        raise LabError(f"Both {steps} steps and {seconds:g} seconds were asked for: give --steps or --seconds.")
    if seconds is not None or steps is not None:
        changes |= {"seconds": seconds, "steps": steps}
    else:
        changes |= {"seconds": recipe.seconds, "steps": recipe.steps}
    given = {name: value for name, value in changes.items() if value is not None or name in ("seconds", "steps")}
    return replace(recipe, **{"threads": min(MOST_THREADS, cores()), **given})


def split_option(pair: str) -> tuple[str, str]:
    """Name and value of `--option name=value`.

    >>> split_option("context=5")
    ('context', '5')
    """
    name, equals, value = pair.partition("=")
    if not (name and equals and value):
        raise LabError(f"The option '{pair}' has no name or no value: write --option name=value, such as context=5.")
    return name.strip(), value.strip()


def typed_options(kind: str, pairs: list[tuple[str, str]]) -> dict[str, int | str]:
    """Values as the model wants them: a whole number where its default is one.

    >>> typed_options("transformer", [("context", "16"), ("positions", "sinusoidal")])
    {'context': 16, 'positions': 'sinusoidal'}
    >>> typed_options("mlp", [("context", "many")])
    Traceback (most recent call last):
    lmlab.errors.LabError: The option context is 'many': give a whole number.
    """
    from lmlab.models.build import MODELS

    defaults = asdict(MODELS[kind].config())
    options: dict[str, int | str] = {}
    for name, value in pairs:
        options[name] = value  # `build` refuses a name that it does not know
        if isinstance(defaults.get(name), int):
            try:
                options[name] = int(value)
            except ValueError:
                raise LabError(f"The option {name} is '{value}': give a whole number.") from None
    return options


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


def learn(trainer: "Trainer") -> bool:
    """Run a trainer to its end with a progress bar on stderr; returns whether Ctrl-C ended it early."""
    stopped = False
    with progress_bar("loss {task.fields[loss]}", "{task.fields[speed]} steps/s") as bar, Interrupts() as interrupts:
        task = bar.add_task("Training", total=trainer.planned, loss="–", speed="–")
        drawn = 0.0
        loss = None
        while not trainer.finished:
            for progress in trainer.step():
                if progress.kind == "batch":
                    loss = progress.loss
                elif progress.kind == "diverged":
                    say(bar.console, progress.data["sentence"])
            if interrupts.asked and trainer.step_number < trainer.planned:
                stopped = True
                trainer.stop()
                say(bar.console, "Stopping: the loss is measured and the model saved. Ctrl-C again gives up.")
            now = time.perf_counter()
            if now - drawn > 0.1 or trainer.finished:  # drawing at every step would cost the steps time
                drawn = now
                bar.update(
                    task,
                    completed=trainer.step_number,
                    description="Measuring" if trainer.step_number >= trainer.planned else "Training",
                    loss="–" if loss is None else f"{loss:.3f}",
                    speed=f"{trainer.step_number / trainer.seconds:.1f}" if trainer.seconds else "–",
                )
    return stopped
