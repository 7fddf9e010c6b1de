"""`leaks`: what a careless split gives away, and how much it flatters each model."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lmlab.cli.shared import CorpusOption, Json, KindOption, open_corpus, print_json, say, split_names, spoken
from lmlab.data.corpus import raw_lines
from lmlab.errors import LabError


@spoken
def leaks_command(
    corpus: CorpusOption = "names",
    kind: KindOption = None,
    models: Annotated[
        str, typer.Option(metavar="A,B", help="The models that are made with and without the leak.")
    ] = "bigram,4-gram,kneser-ney",
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Steps of each network; the preset's if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="K", help="Seed of the careless shuffle and of the networks.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Also write the models to FILE, with how and when."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Report documents that stand on both sides of a split, and what they do to the loss of each model.

    `clean` is the corpus as the lab splits it, `careless` the same lines shuffled and cut with their repeats kept.
    Each model is made twice, from the careless training part (`with_leak`) and from that part without what leaked
    (`without_leak`), and measured on the careless validation part. `flattery` is by how many nats a character the
    leak made the loss look better; `leaked` and `unleaked` are the loss with the leak on either kind of document. One
    long text has no documents to leak: there `careless` is null and no model is made.

    \b
    JSON:
      corpus                                                        string
      seed                                                          integer
      careless                                                      object | null
      {clean,careless}.{corpus,units}                               string
      {clean,careless}.{total,distinct,held_out,leaked,repeated}    integer
      {clean,careless}.share                                        number
      {clean,careless}.examples[]                                   string
      models[].name                                                 string
      models[].{with_leak,without_leak,leaked,unleaked,flattery}    number | null
    """
    if not 0 <= seed < 2**63:
        raise LabError(f"The seed is {seed}: choose 0 or a positive whole number.")
    loaded = open_corpus(corpus, kind)
    from lmlab.evaluation.leaks import leak_report, leaky_corpus
    from lmlab.runs.leaking import with_and_without
    from lmlab.runs.measured import stamped, write_measured

    clean = leak_report(loaded)
    careless, rows = None, []
    if loaded.kind == "names":
        leaky = leaky_corpus(raw_lines(corpus), seed, loaded.name)
        careless = leak_report(leaky)
        rows = [with_and_without(name, leaky, seed, steps) for name in split_names(models)]
    if out is not None:
        if careless is None:
            raise LabError(
                f"'{corpus}' is one long text: no model was made with a leak, so there is nothing to write."
            )
        more = "" if steps is None else f" --steps {steps}"
        command = f"lmlab leaks --models {models} --seed {seed} --corpus {corpus}{more}"
        found = {"corpus": corpus, "seed": seed, "threads": 1, "leaks": rows}
        write_measured(out, stamped(found, command, loaded))
    if as_json:
        print_json(
            {
                "corpus": corpus,
                "seed": seed,
                "clean": clean.to_json(),
                "careless": None if careless is None else careless.to_json(),
                "models": rows,
            }
        )
        return
    console = Console()
    say(console, f"As the lab splits {loaded.name}: {clean.sentence()}")
    if careless is None:
        return
    say(console, f"Shuffled and cut with the repeats kept: {careless.sentence()}")
    table = Table(box=None, title="Loss in nats per character on the careless validation part", title_justify="left")
    table.add_column("model")
    for column in ("with the leak", "without", "flattery", "on what leaked", "on the rest"):
        table.add_column(column, justify="right")
    for row in rows:
        numbers = (row[key] for key in ("with_leak", "without_leak", "flattery", "leaked", "unleaked"))
        table.add_row(row["name"], *("–" if number is None else f"{number:.4f}" for number in numbers))
    console.print(table)
