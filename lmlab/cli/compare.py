"""`compare`: the ladder of models on one corpus, and where two rungs cannot be told apart."""

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from lmlab.cli.shared import (
    TOKENIZER_HELP,
    CorpusOption,
    Json,
    KindOption,
    open_corpus,
    open_tokenizer,
    print_json,
    progress_bar,
    say,
    split_names,
    spoken,
    threads_of,
    too_low,
)
from lmlab.errors import LabError

if TYPE_CHECKING:  # these import torch and scipy
    from lmlab.evaluation.comparison import Place
    from lmlab.evaluation.loss import Loss


@spoken
def compare_command(
    models: Annotated[
        str, typer.Option(metavar="A,B", help="Models or presets, counted ones too, or all: the whole ladder.")
    ] = "all",
    seeds: Annotated[int, typer.Option(metavar="K", help="How many seeds each network is trained from.")] = 3,
    corpus: CorpusOption = "names",
    kind: KindOption = None,
    tokenizer: Annotated[str | None, typer.Option(metavar="T", help=TOKENIZER_HELP)] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Steps of each network; its preset's when not given.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="Computing time of each network instead of steps.")
    ] = None,
    threads: Annotated[int | None, typer.Option(metavar="T", help="Threads; one a core when not given.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the result here, too, with how and when it was found.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make each model, measure it on the validation documents, and rank all of them, the lowest loss first.

    `loss` is the mean over the seeds in nats a character, `deviation` their standard deviation, null where one seed
    has none; perplexity and bits are those of the mean. A counted model has no luck: it is made once. `apart` says
    whether a rung can be told from the next, worse one by the spread of the seeds (Welch's test, 5 %), null where
    nothing can be said. `seconds` and `tokens_per_second` are of learning alone. `memorised` is the share of 1,000
    sampled texts that stand in the training data, `held_out` of those that stand on a held-out side, which no model
    has read; both null for one long text. `unknown` counts the predicted tokens that
    stand for words outside the vocabulary: their letters are not paid for, so such a loss is too low. The test
    documents stay closed.

    \b
    JSON:
      corpus                                                     string
      seeds[]                                                    integer
      threads                                                    integer
      rungs[].{name,note}                                        string
      rungs[].losses[]                                           number | null
      rungs[].{loss,deviation,perplexity,bpc}                    number | null
      rungs[].{parameters,unknown}                               integer
      rungs[].seconds                                            number
      rungs[].{tokens_per_second,memorised,held_out}             number | null
      rungs[].apart                                              boolean | null
      rungs[].diverged[]                                         string
    """
    if steps is not None and seconds is not None:
        raise LabError(f"Both {steps} steps and {seconds:g} seconds were asked for: give --steps or --seconds.")
    used = threads_of(threads)
    from lmlab.evaluation.comparison import rank
    from lmlab.runs.cards import finite
    from lmlab.runs.ladder import LADDER, Counted, find, ladder, rung_of
    from lmlab.runs.measured import stamped, write_measured

    names = list(LADDER) if models == "all" else split_names(models)
    entries = [find(name) for name in names]
    loaded = open_corpus(corpus, kind)
    found = open_tokenizer(tokenizer, loaded)
    rungs, diverged = [], {}
    losses: dict[str, Loss] = {}  # of the first seed: what is unknown depends on the documents alone
    with progress_bar() as bar:
        total = sum(1 if isinstance(entry, Counted) else seeds for entry in entries)
        task = bar.add_task("Comparing", total=total)
        drawn = 0.0

        def watch(name: str, seed: int, step: int, planned: int) -> None:
            nonlocal drawn
            if time.perf_counter() - drawn > 0.2 or step == planned:
                drawn = time.perf_counter()
                bar.update(task, description=f"{name}, seed {seed}: step {step:,} of {planned:,}")

        how = {"tokenizer": found, "steps": steps, "seconds": seconds, "threads": used, "watch": watch}
        for climbs in ladder(names, loaded, seeds, **how):
            bar.update(task, advance=len(climbs))
            rungs.append(rung_of(climbs))
            losses[climbs[0].name] = climbs[0].loss
            diverged[climbs[0].name] = [each.made.diverged for each in climbs if each.made.diverged]
    places = rank(rungs)
    found_all = finite(
        {
            "corpus": corpus,
            "seeds": list(range(seeds)),
            "threads": used,
            "rungs": [
                {
                    "name": place.rung.name,
                    "losses": list(place.rung.losses),
                    "loss": place.rung.mean,
                    "deviation": place.rung.deviation,
                    "perplexity": place.rung.perplexity,
                    "bpc": place.rung.bpc,
                    "parameters": place.rung.parameters,
                    "unknown": losses[place.rung.name].unknown,
                    "seconds": place.rung.seconds,
                    "tokens_per_second": place.rung.tokens_per_second,
                    "memorised": place.rung.memorised,
                    "held_out": place.rung.held_out,
                    "apart": place.apart,
                    "note": place.note,
                    "diverged": diverged[place.rung.name],
                }
                for place in places
            ],
        }
    )
    if out is not None:
        options = {"--steps": steps, "--seconds": seconds, "--kind": kind, "--tokenizer": tokenizer}
        more = "".join(f" {option} {value}" for option, value in options.items() if value is not None)
        command = f"lmlab compare --models {models} --seeds {seeds} --corpus {corpus} --threads {used}{more}"
        write_measured(out, stamped(found_all, command, loaded))
    if as_json:
        print_json(found_all)
        return
    show_ladder(Console(), places, loaded.name, seeds)
    too_low_ones: dict[str, list[str]] = {}
    for place in places:
        if losses[place.rung.name].unknown:
            too_low_ones.setdefault(too_low(losses[place.rung.name]), []).append(place.rung.name)
    for sentence, which in too_low_ones.items():
        say(Console(), f"{', '.join(which)}: {sentence}")
    for name, sentences in diverged.items():
        for sentence in sentences:
            say(Console(), f"{name}: {sentence}")


def show_ladder(console: Console, places: "Sequence[Place]", corpus: str, seeds: int) -> None:
    """One table, the lowest loss first, and below it which neighbours cannot be told apart."""
    spread = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    table = Table(box=None, padding=(0, 1, 0, 0), title=f"{corpus}: held-out loss, {spread}", title_justify="left")
    table.add_column("model", overflow="fold")
    for column in ("nats/char", "perplexity", "bits", "params", "seconds", "tokens/s", "memorised"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    for place in places:
        rung = place.rung
        deviation = "" if not rung.deviation else f" ± {rung.deviation:.3f}"
        table.add_row(
            rung.name,
            f"{rung.mean:.3f}{deviation}".replace("inf", "∞"),
            f"{rung.perplexity:.2f}".replace("inf", "∞"),
            f"{rung.bpc:.2f}".replace("inf", "∞"),
            f"{rung.parameters:,}",
            f"{rung.seconds:.2f}",
            "–" if rung.tokens_per_second is None else short(rung.tokens_per_second),
            "–" if rung.memorised is None else f"{rung.memorised:.1%}",
            "≈" if place.note else "",
        )
    console.print(table)
    for place, worse in pairwise(places):
        if place.note == "one seed":
            say(console, f"≈ {place.rung.name} and {worse.rung.name}: one seed cannot tell them apart.")
        elif place.note:
            say(console, f"≈ {place.rung.name} and {worse.rung.name}: {place.note}.")


def short(number: float) -> str:
    """A large number in three figures.

    >>> short(950), short(16_609), short(9_756_000)
    ('950', '16.6k', '9.76M')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"
