"""`bench`: how fast lmlab is on this machine."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lmlab.cli.shared import Json, print_json, spoken, visible
from lmlab.errors import LabError, nearest


@spoken
def bench_command(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME ...", help="Measure these only; an unknown name lists them all.", show_default=False
        ),
    ] = None,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", hidden=True)] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw `scaling` into this HTML file, which needs no network."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the speed of lmlab on this machine against its targets. Everything takes several minutes.

    A target is the most that a value may be, or with `at_least` the least. `at` is the size where rows of one name
    form a curve. `met` is null where there is no target or nothing could be measured; `note` then says why.

    \b
    JSON:
      machine.{cpu,system,python,torch,numpy}  string
      machine.cores                            integer
      rows[].{name,what,unit,note}             string
      rows[].{at,value,target}                 number | null
      rows[].at_least                          boolean
      rows[].met                               boolean | null
      rows[].runs[]                            number
    """
    from lmlab.bench import BENCHES, Row, machine, run
    from lmlab.bench.scaling import write_plot

    wanted = [*(only or []), *(names or [])]
    for name in wanted:
        if name not in BENCHES:
            raise LabError(f"There is no figure '{name}'. Choose from: {', '.join(BENCHES)}.{nearest(name, BENCHES)}")
    if plot is not None and wanted and "scaling" not in wanted:
        raise LabError("--plot draws the figure 'scaling', which is not among those to be measured. Add scaling.")
    if plot is not None and not plot.parent.is_dir():
        raise LabError(f"There is no folder for {plot.name}. Make it, or choose another place for the plot.")
    about = machine()
    rows = run(wanted, lambda name: typer.echo(f"Measuring {name} …", err=True))
    if plot is not None:
        write_plot(rows, about, plot)
    if as_json:
        print_json({"machine": asdict(about), "rows": [row.to_json() for row in rows]})
        return
    table = Table(title=f"{about.cpu}, {about.cores} cores, {about.system}", title_justify="left", show_lines=True)
    table.caption = f"Python {about.python}, torch {about.torch}, numpy {about.numpy}"
    table.add_column("figure", overflow="fold")
    for column in ("measured", "target"):
        table.add_column(column, justify="right")
    table.add_column("met")
    table.add_column("how", overflow="fold")

    def cell(row: Row, value: float | None) -> str:
        return "–" if value is None else f"{value:.3g} {row.unit}"

    for row in rows:
        met = {True: "yes", False: "NO", None: "–"}[row.met]
        how = f"{row.what}. {row.note}".strip()
        name = row.name if row.at is None else f"{row.name} at {row.at:,.10g}"
        bound = "" if row.target is None else "≥ " if row.at_least else "≤ "
        table.add_row(name, cell(row, row.value), bound + cell(row, row.target), met, Text(visible(how)))
    Console().print(table)
