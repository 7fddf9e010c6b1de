"""`generate`: texts from a saved model."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lmlab.cli.shared import Json, RunFolder, corpus_of, print_json, say, spoken, visible
from lmlab.data.corpus import normalise_name
from lmlab.errors import LabError

if TYPE_CHECKING:  # this imports torch
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
    about = run.card["corpus"]
    known = corpus_of(run.card) if about.get("kind", "names") == "names" else None  # a long text has no list of texts
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
    if known is None and about.get("kind", "names") == "names":
        say(console, "The corpus of this run is not at hand, so nothing says which texts are new.")
