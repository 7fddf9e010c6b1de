"""`generate`: texts from a saved model."""

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lmlab.cli.shared import Json, RunFolder, corpus_of, print_json, say, spoken, train_size_of, visible
from lmlab.data.corpus import Corpus, normalise_name
from lmlab.errors import LabError

if TYPE_CHECKING:  # this imports torch
    from lmlab.evaluation.memorisation import Memorised
    from lmlab.evaluation.novelty import Novelty


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
    limit: Annotated[int, typer.Option(metavar="L", help="Tokens after which a text is cut off.")] = 60,
    nearest: Annotated[
        bool, typer.Option("--nearest", help="Show the training name that is nearest to each new text.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Generate texts with a saved model.

    `temperature`, `top_k`, `top_p` and `min_p` are the rules that were applied. `nats` is the surprise of the
    whole text under the model itself, the prefix not counted; `ended` says that the end mark was rolled before
    the limit. `novelty` is `training`, `held out` or `new`, and null where the run's corpus is not at hand;
    `shares` is how much of 1 each of the three has. Of a run trained with `--train-size` a training name that it
    never read counts as held out. With `--nearest`, `nearest` is the training name of the fewest edits from a new
    text and `distance` their number, and `memorised` counts all texts: `distinct` ones, new ones a single edit from
    a training name (`near_copies`), the mean distance over all (`distance`) and over the new ones (`distance_new`).

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
      samples[].nearest    object | null
      samples[].nearest.name       string
      samples[].nearest.distance   integer
      shares               object | null
      shares.{training,held_out,new}  number
      memorised            object | null
      memorised.{samples,distinct,training,held_out,new,near_copies}  integer
      memorised.distance   number
      memorised.distance_new  number | null
    """
    from lmlab.evaluation.novelty import novelty
    from lmlab.generation.generate import generate
    from lmlab.generation.sampling import Sampling
    from lmlab.runs.store import load_run

    if not 0 <= seed < 2**63:
        raise LabError(f"The seed is {seed}: choose 0 or a positive whole number.")
    rules = Sampling.by_method(method, temperature, top_k, top_p, min_p)  # type: ignore[arg-type]  # checks it
    run = load_run(folder)
    about = run.card["corpus"]
    of_names = about.get("kind", "names") == "names"
    if nearest and not of_names:
        raise LabError(
            f"This run learned from '{about['name']}', one long text: it has no names to be nearest to. "
            "Leave out --nearest."
        )
    if of_names:
        prefix = normalise_name(prefix)  # as the names were that it learned from
    samples = generate(run.model, run.tokenizer, n, rules, prefix, limit=limit, seed=seed)
    texts = [sample.text for sample in samples]
    known = corpus_of(run.card) if of_names else None  # a long text has no list of texts
    train_size = train_size_of(run.card)
    marks: list[Novelty | None] = [None] * n
    if known is not None:
        marks = list(novelty(texts, known, train_size))
    neighbours: list[tuple[str, int] | None] = [None] * n
    report: Memorised | None = None
    if nearest and known is not None:
        neighbours, report = near(texts, marks, known, train_size)
    counts = Counter(marks)
    shares = None if known is None else {mark: counts[mark] / n for mark in ("training", "held out", "new")}
    if as_json:
        print_json(
            {
                "method": method,
                **asdict(rules),
                "prefix": prefix,
                "seed": seed,
                "samples": [
                    {
                        "text": sample.text,
                        "nats": sample.nats,
                        "ended": sample.ended,
                        "novelty": mark,
                        "nearest": None if neighbour is None else {"name": neighbour[0], "distance": neighbour[1]},
                    }
                    for sample, mark, neighbour in zip(samples, marks, neighbours, strict=True)
                ],
                "shares": None
                if shares is None
                else {mark.replace(" ", "_"): share for mark, share in shares.items()},
                "memorised": None if report is None else asdict(report),
            }
        )
        return
    table = Table(box=None)
    table.add_column("text", overflow="fold")
    table.add_column("nats", justify="right")
    table.add_column("novelty")
    if report is not None:
        table.add_column("nearest training name", overflow="fold")
        table.add_column("edits", justify="right")
    for sample, mark, neighbour in zip(samples, marks, neighbours, strict=True):
        name, edits = ("", "") if neighbour is None else (visible(neighbour[0]), str(neighbour[1]))
        row = [Text(visible(sample.text)), Text(f"{sample.nats:.2f}"), Text(mark or "")]
        if not sample.ended:
            row[2] = Text("cut off")
        table.add_row(*row, *([Text(name), Text(edits)] if report is not None else []))
    console = Console()
    console.print(table)
    if shares is not None:
        parts = ", ".join(f"{share:.1%} {mark}" for mark, share in shares.items())
        say(console, f"Of {n:,} text{'' if n == 1 else 's'}: {parts}.")
    elif of_names:
        say(console, "The corpus of this run is not at hand, so nothing says which texts are new.")
    if report is not None and report.distance_new is not None:
        say(
            console,
            f"A new text is {report.distance_new:.2f} edits from the nearest training name on average; a single edit "
            f"away: {report.near_copies:,} of {report.new:,}.",
        )


def near(
    texts: list[str], marks: "list[Novelty | None]", corpus: Corpus, train_size: int | None
) -> "tuple[list[tuple[str, int] | None], Memorised]":
    """The nearest training name of each new text with its distance (None for the others), and all of them counted."""
    from lmlab.evaluation.memorisation import memorised, nearest

    new = {text for text, mark in zip(texts, marks, strict=True) if mark == "new"}
    found = {text: nearest(text, corpus, train_size=train_size)[0] for text in new}
    return [found.get(text) for text in texts], memorised(texts, corpus, train_size)
