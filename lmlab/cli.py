"""The command line: `python -m lmlab app | count | train | generate | evaluate | bench`.

Results go to stdout; progress and errors go to stderr. With `--json` the last line on stdout is one JSON object. Its
form stands in the command's docstring as lines of `path  type`: `a.b` is the field b of the object a, `a[]` an
element of the list a, `{a,b}.c` stands for both a.c and b.c, and `|` separates the types that may occur.

What takes long to import (torch, the app) is imported by the command that needs it, so `--help` answers at once.
"""

import contextlib
import difflib
import functools
import json
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table
from rich.text import Text

from lmlab.data.corpus import BUNDLED, Corpus, load_corpus, normalise_name
from lmlab.errors import LabError
from lmlab.training.presets import DEFAULT_PRESET, PRESETS, Preset, preset

if TYPE_CHECKING:  # these import torch
    from lmlab.evaluation.loss import Loss
    from lmlab.evaluation.novelty import Novelty
    from lmlab.models.protocol import LanguageModel
    from lmlab.tokenizers.characters import CharacterTokenizer
    from lmlab.training.recipe import Recipe
    from lmlab.training.trainer import Trainer

RUN_FILES = {"run.json", "model.safetensors"}
MOST_THREADS = 64

app = typer.Typer(add_completion=False, no_args_is_help=True)

CorpusOption = Annotated[
    str,
    typer.Option(
        metavar="C", help=f"{', '.join(BUNDLED)}, hub:owner/name, or the path of a file with one document a line."
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="DIR", help="A run that `train --out` or `count --out` made.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line on stdout.")]


@app.callback()
def _prepare() -> None:
    """A lab for learning language modelling, from letter pairs to a small GPT."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter shows its number instead of ending the command.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


# --- errors -----------------------------------------------------------------------------------------------

P = ParamSpec("P")


def spoken(command: Callable[P, None]) -> Callable[P, None]:
    """Turn every error of a command into one line on stderr, `Error: sentence`, and exit code 2.

    With `--json` the sentence also ends stdout, as `{"error": sentence}`.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            return
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise  # asked for, or nobody reads us any more
        except LabError as error:
            sentence = str(error)
        except OSError as error:  # a file that may not be read, a port that is taken
            sentence = f"{error}. Check the path, its permissions, and that nothing else uses it."
        except Exception as error:
            if os.environ.get("LMLAB_TRACEBACK"):
                traceback.print_exception(error)
            sentence = (
                f"Something went wrong that lmlab did not foresee ({type(error).__name__}: {error}). "
                "Set LMLAB_TRACEBACK=1 and run the command again to see where."
            )
        line = visible(sentence)
        typer.echo(f"Error: {line}", err=True)
        if kwargs.get("as_json"):
            print_json({"error": line})
        raise typer.Exit(2)

    return run


def visible(text: str) -> str:
    r"""Control characters, line breaks and broken characters as escapes, so that a text stays on its line.

    >>> visible("a\nb \x1b[1m é प्रिया")
    'a\\nb \\x1b[1m é प्रिया'
    """
    hidden = ("Cc", "Cs", "Zl", "Zp")
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in hidden else c for c in text)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question with the nearest known name, or nothing when none is near.

    >>> did_you_mean("transfromer", ["mlp", "transformer"])
    " Did you mean 'transformer'?"
    >>> did_you_mean("lstm", ["mlp", "transformer"])
    ''
    """
    near = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def print_json(data: dict[str, Any]) -> None:
    """One line on stdout, in ASCII, so that no terminal or pipe can spoil it."""
    typer.echo(json.dumps(data, allow_nan=False))


# --- the app ----------------------------------------------------------------------------------------------


@app.command("app")
@spoken
def open_app(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, such as 0.0.0.0 for a whole class.", show_default=False)
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Open the app in the browser; Ctrl-C ends it.

    The JSON comes before the app starts, and nothing follows it on stdout.

    \b
    JSON:
      host  string | null
      port  integer | null
      pid   integer
    """
    from lmlab.ui.app import launch

    if not as_json:
        launch(host, port)
        return
    print_json({"host": host, "port": port, "pid": os.getpid()})
    sys.stdout.flush()
    with contextlib.redirect_stdout(sys.stderr):
        launch(host, port)


# --- count ------------------------------------------------------------------------------------------------


@app.command("count")
@spoken
def count_command(
    corpus: CorpusOption = "names",
    order: Annotated[int, typer.Option(metavar="N", help="Length of the n-grams, 1 to 8.")] = 2,
    smoothing: Annotated[str, typer.Option(metavar="S", help="mle, add-k or kneser-ney.")] = "add-k",
    k: Annotated[float, typer.Option(metavar="K", help="What add-k adds to every count.")] = 0.1,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Save the model there.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Count n-grams of the training documents and measure the model.

    The seconds are those of counting; `k` is null where the smoothing has none.

    \b
    JSON:
      corpus                                               string
      order                                                integer
      smoothing                                            string
      k                                                    number | null
      parameters                                           integer
      seconds                                              number
      out                                                  string | null
      {train,validation}.{nll,perplexity,bpc}              number | null
      {train,validation}.{predictions,unseen}              integer
      {train,validation}.infinite_at                       object | null
      {train,validation}.infinite_at.{document,after,next} string
    """
    place = None if out is None else check_out(out)
    loaded = open_corpus(corpus)
    from lmlab.models.ngram import count
    from lmlab.runs.cards import new_run_id
    from lmlab.runs.store import counted_card, save_run
    from lmlab.tokenizers.characters import CharacterTokenizer

    tokenizer = CharacterTokenizer(loaded.alphabet)
    begin = time.perf_counter()
    model = count(loaded, order, smoothing, k, tokenizer)  # type: ignore[arg-type]  # NgramConfig checks it
    seconds = time.perf_counter() - begin
    losses = measure(model, loaded, tokenizer)
    card = counted_card(model, loaded, tokenizer, losses, new_run_id())
    card["corpus"]["source"] = source_of(corpus)
    if place is not None:
        save_run(place, model, card)
    parameters = card["model"]["parameters"]
    if as_json:
        print_json(
            {
                "corpus": corpus,
                "order": order,
                "smoothing": smoothing,
                "k": k if smoothing == "add-k" else None,
                "parameters": parameters,
                "seconds": seconds,
                "out": None if place is None else str(place),
                **{part: loss.to_json() for part, loss in losses.items()},
            }
        )
        return
    console = Console()
    rule = f"add-k with k = {k:g}" if smoothing == "add-k" else smoothing
    say(console, f"{loaded.name}: {loaded.report.sentence()}")
    say(console, f"Order {order}, {rule}: {parameters:,} parameters, counted in {seconds:.3f} s.")
    show_losses(console, losses)
    show_place(console, place)


# --- train ------------------------------------------------------------------------------------------------


@app.command("train")
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
        raise LabError(f"{error}{did_you_mean(name, [*DEFAULT_PRESET, *PRESETS])}") from None


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


# --- generate ---------------------------------------------------------------------------------------------


@app.command("generate")
@spoken
def generate_command(
    folder: RunFolder,
    n: Annotated[int, typer.Option("-n", "--number", metavar="N", help="How many texts.")] = 10,
    temperature: Annotated[float, typer.Option(metavar="T", help="0 (greedy) to 100.")] = 1.0,
    method: Annotated[str, typer.Option(metavar="M", help="greedy, sample, top-k, top-p or min-p.")] = "sample",
    top_k: Annotated[int | None, typer.Option(metavar="K", help="Keep the K most likely tokens.")] = None,
    top_p: Annotated[float | None, typer.Option(metavar="P", help="Keep the likeliest until their sum is P.")] = None,
    min_p: Annotated[
        float | None, typer.Option(metavar="Q", help="Keep what is at least Q times as likely as the best.")
    ] = None,
    prefix: Annotated[str, typer.Option(metavar="S", help="How every text begins.")] = "",
    seed: Annotated[int, typer.Option(metavar="K", help="Seed of the dice.")] = 0,
    limit: Annotated[int, typer.Option(metavar="L", help="Characters after which a text is cut off.")] = 60,
    as_json: Json = False,
) -> None:
    """Generate texts with a saved model.

    `temperature`, `top_k`, `top_p` and `min_p` are the rules that were applied. `nats` is the surprise of the
    whole text under the model itself, the prefix not counted; `ended` says that the end mark was rolled before
    the limit. `novelty` is `training`, `held out` or `new`, and null where the run's corpus is not at hand.

    \b
    JSON:
      method               string
      temperature          number
      top_k                integer | null
      {top_p,min_p}        number | null
      prefix               string
      seed                 integer
      samples[].text       string
      samples[].nats       number
      samples[].ended      boolean
      samples[].novelty    string | null
    """
    from lmlab.evaluation.novelty import novelty
    from lmlab.generation.generate import generate
    from lmlab.generation.sampling import Sampling
    from lmlab.runs.store import load_run

    if not 0 <= seed < 2**63:
        raise LabError(f"The seed is {seed}: choose 0 or a positive whole number.")
    rules = Sampling.by_method(method, temperature, top_k, top_p, min_p)  # type: ignore[arg-type]  # checks it
    run = load_run(folder)
    if run.card["corpus"].get("kind", "names") == "names":
        prefix = normalise_name(prefix)  # as the names were that it learned from
    samples = generate(run.model, run.tokenizer, n, rules, prefix, limit=limit, seed=seed)
    known = corpus_of(run.card)
    marks: list[Novelty | None] = [None] * n
    if known is not None:
        marks = list(novelty([sample.text for sample in samples], known))
    if as_json:
        print_json(
            {
                "method": method,
                **asdict(rules),
                "prefix": prefix,
                "seed": seed,
                "samples": [
                    {"text": sample.text, "nats": sample.nats, "ended": sample.ended, "novelty": mark}
                    for sample, mark in zip(samples, marks, strict=True)
                ],
            }
        )
        return
    table = Table(box=None)
    table.add_column("text", overflow="fold")
    table.add_column("nats", justify="right")
    table.add_column("novelty")
    for sample, mark in zip(samples, marks, strict=True):
        table.add_row(Text(visible(sample.text)), f"{sample.nats:.2f}", mark if sample.ended else "cut off")
    console = Console()
    console.print(table)
    if known is None:
        say(console, "The corpus of this run is not at hand, so nothing says which texts are new.")


def corpus_of(card: dict[str, Any]) -> Corpus | None:
    """The corpus that a run learned from, or None where it is gone, was changed, or has no names to look up."""
    about = card["corpus"]
    if about.get("kind", "names") != "names":
        return None
    for source in (about.get("source"), about.get("name")):
        if not isinstance(source, str) or (source != about.get("source") and source not in BUNDLED):
            continue
        try:
            corpus = load_corpus(source)
        except (LabError, OSError):
            continue
        if corpus.sha256 == about["sha256"]:
            return corpus
    return None


# --- evaluate ---------------------------------------------------------------------------------------------


@app.command("evaluate")
@spoken
def evaluate_command(folder: RunFolder, corpus: CorpusOption = "names", as_json: Json = False) -> None:
    """Measure a saved model on the training and validation documents of a corpus.

    \b
    JSON:
      {model,corpus}                                       string
      {train,validation}.{nll,perplexity,bpc}              number | null
      {train,validation}.{predictions,unseen}              integer
      {train,validation}.infinite_at                       object | null
      {train,validation}.infinite_at.{document,after,next} string
    """
    from lmlab.runs.store import load_run

    run = load_run(folder)
    losses = measure(run.model, open_corpus(corpus), run.tokenizer)
    if as_json:
        answer = {part: loss.to_json() for part, loss in losses.items()}
        print_json({"model": run.card["model"]["kind"], "corpus": corpus, **answer})
    else:
        show_losses(Console(), losses)


# --- bench ------------------------------------------------------------------------------------------------


@app.command("bench")
@spoken
def bench_command(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME ...", help="Measure these only; an unknown name lists them all.", show_default=False
        ),
    ] = None,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", hidden=True)] = None,
    as_json: Json = False,
) -> None:
    """Measure the speed of lmlab on this machine against its targets. Everything takes several minutes.

    `met` is null where there is no target or nothing could be measured; `note` then says why.

    \b
    JSON:
      machine.{cpu,system,python,torch,numpy}  string
      machine.cores                            integer
      rows[].{name,what,unit,note}             string
      rows[].{value,target}                    number | null
      rows[].met                               boolean | null
      rows[].runs[]                            number
    """
    from lmlab.bench import BENCHES, Row, machine, run

    wanted = [*(only or []), *(names or [])]
    for name in wanted:
        if name not in BENCHES:
            raise LabError(
                f"There is no figure '{name}'. Choose from: {', '.join(BENCHES)}.{did_you_mean(name, BENCHES)}"
            )
    about = machine()
    rows = run(wanted, lambda name: typer.echo(f"Measuring {name} …", err=True))
    if as_json:
        print_json({"machine": asdict(about), "rows": [row.to_json() for row in rows]})
        return
    table = Table(title=f"{about.cpu}, {about.cores} cores, {about.system}", title_justify="left", show_lines=True)
    table.caption = f"Python {about.python}, torch {about.torch}, numpy {about.numpy}"
    table.add_column("figure", overflow="fold")
    for column in ("measured", "at most"):
        table.add_column(column, justify="right")
    table.add_column("met")
    table.add_column("how", overflow="fold")

    def cell(row: Row, value: float | None) -> str:
        return "–" if value is None else f"{value:.3g} {row.unit}"

    for row in rows:
        met = {True: "yes", False: "NO", None: "–"}[row.met]
        how = f"{row.what}. {row.note}".strip()
        table.add_row(row.name, cell(row, row.value), cell(row, row.target), met, Text(visible(how)))
    Console().print(table)


# --- shared -----------------------------------------------------------------------------------------------


def open_corpus(source: str) -> Corpus:
    """Load a corpus; the error about an unknown name suggests the nearest one."""
    try:
        return load_corpus(source)
    except LabError as error:
        hint = "" if Path(source).exists() else did_you_mean(source, BUNDLED)
        raise LabError(f"{error}{hint}") from None


def source_of(corpus: str) -> str:
    """What a card remembers of a corpus: its name, or the absolute path of its file.

    >>> source_of("names"), source_of("hub:owner/name")
    ('names', 'hub:owner/name')
    """
    named = corpus in BUNDLED or corpus.startswith("hub:") or "\n" in corpus
    return corpus if named else os.path.abspath(corpus)


def check_out(out: Path) -> Path:
    """The absolute path of a folder that a run may be written to, found out *before* the work is done.

    Raises `LabError` where something else is or where nothing can be written.
    """
    place = Path(os.path.abspath(out))
    if Path.cwd().is_relative_to(place):
        raise LabError(f"The folder {place} is the one you work in. Choose a new folder for the run.")
    try:
        if place.is_dir():
            # Saving replaces the whole folder, so there must be nothing in it but a run.
            others = sorted({path.name for path in place.iterdir()} - RUN_FILES)
            if others:
                raise LabError(f"{place} holds other files, such as {others[0]}. Choose a new folder for the run.")
        elif place.exists():
            raise LabError(f"{place} is a file. Choose a new folder for the run.")
        nearest = next(folder for folder in place.parents if folder.exists())
        with tempfile.TemporaryDirectory(dir=nearest, prefix=".lmlab-"):
            return place
    except OSError as error:
        why = error.strerror or str(error)
        raise LabError(f"The run cannot be saved in {place}: {why}. Choose another place.") from None


def measure(model: "LanguageModel", corpus: Corpus, tokenizer: "CharacterTokenizer") -> dict[str, "Loss"]:
    """The loss on the training and on the validation documents, with a progress bar on stderr."""
    from lmlab.evaluation.loss import Evaluation

    evaluations = {part: Evaluation(model, corpus.part(part), tokenizer) for part in ("train", "validation")}
    losses: dict[str, Loss] = {}
    with progress_bar() as bar:
        for part, evaluation in evaluations.items():
            task = bar.add_task(f"Measuring {part}", total=evaluation.examples.predictions)
            for done in evaluation.chunks():
                bar.update(task, completed=done)
            assert evaluation.loss is not None
            losses[part] = evaluation.loss
    return losses


@contextlib.contextmanager
def progress_bar(*fields: str) -> Iterator[ProgressBar]:
    """A progress bar on stderr with further fields between the count and the time that is left."""
    columns = [TextColumn(field) for field in fields]
    with ProgressBar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *columns,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        refresh_per_second=5,
    ) as bar:
        yield bar


def show_losses(console: Console, losses: dict[str, "Loss"]) -> None:
    """A table with the one loss in its three units."""
    table = Table(box=None)
    table.add_column("")
    for column in ("nats per character", "perplexity", "bits per character"):
        table.add_column(column, justify="right")
    for part, loss in losses.items():
        table.add_row(part, *(f"{value:.4f}".replace("inf", "∞") for value in (loss.nll, loss.perplexity, loss.bpc)))
    console.print(table)
    for part, loss in losses.items():
        if loss.infinite_at is not None:
            at = loss.infinite_at
            say(
                console,
                f"Infinite on {part}: after '{at['after']}' the model holds '{at['next']}' impossible, and "
                f"'{at['document']}' has it.",
            )


def show_place(console: Console, place: Path | None) -> None:
    """Where the run was saved, if it was."""
    if place is not None:
        say(console, f"Saved in {place}")


def say(console: Console, sentence: str) -> None:
    """A sentence as it is, on one line whatever the terminal's width: it may be searched for or copied."""
    console.print(Text(visible(sentence)), soft_wrap=True)
