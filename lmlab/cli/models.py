"""`models`: every model with its size, its idea and its source."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lmlab.cli.shared import Json, print_json, spoken

BYTES_EACH = 4  # a parameter is a 32-bit number


@spoken
def models_command(as_json: Json = False) -> None:
    """List every model: its parameters on the bundled names, its size in memory, its idea and its source.

    A network has the options of its default preset. The parameters of a counted model are the n-grams that it
    stores. `bytes` is 4 for each parameter; `language_model` is false where a model only places tokens in space.

    \b
    JSON:
      models[].{name,kind,idea,source}     string
      models[].preset                      string | null
      models[].options                     object
      models[].{parameters,bytes}          integer
      models[].language_model              boolean
    """
    rows = model_rows()
    if as_json:
        print_json({"models": rows})
        return
    table = Table(box=None)
    table.add_column("model", no_wrap=True)
    table.add_column("parameters", justify="right")
    table.add_column("memory", justify="right")
    table.add_column("idea and source", overflow="fold")
    for row in rows:
        about = Text(row["idea"]).append(f"\n{row['source']}", style="dim")
        table.add_row(row["name"], f"{row['parameters']:,}", memory(row["bytes"]), about)
    Console().print(table)


def model_rows() -> list[dict[str, Any]]:
    """One row a model, the counted ones first."""
    from lmlab.data.corpus import load_corpus
    from lmlab.models.build import MODELS, build
    from lmlab.runs.ladder import COUNTED, make
    from lmlab.training.presets import DEFAULT_PRESET, PRESETS

    corpus = load_corpus("names")
    rows = []
    for name, counted in COUNTED.items():
        parameters = make(name, corpus).parameters
        options = asdict(counted.config) if counted.config else {}
        rows.append(_row(name, "counted", counted.idea, counted.source, None, options, parameters, True))
    for kind, family in MODELS.items():
        preset = DEFAULT_PRESET.get(kind)
        model = build(kind, PRESETS[preset].options if preset else {}, 1 + len(corpus.alphabet))
        parameters = sum(weight.numel() for weight in model.parameters())
        options = asdict(model.config)  # type: ignore[call-overload]
        rows.append(
            _row(kind, "trained", family.idea, family.source, preset, options, parameters, family.language_model)
        )
    return rows


def _row(
    name: str,
    kind: str,
    idea: str,
    source: str,
    preset: str | None,
    options: dict[str, Any],
    parameters: int,
    language_model: bool,
) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "idea": idea,
        "source": source,
        "preset": preset,
        "options": options,
        "parameters": parameters,
        "bytes": BYTES_EACH * parameters,
        "language_model": language_model,
    }


def memory(size: int) -> str:
    """Bytes for people.

    >>> memory(0), memory(30_420), memory(1_600_000)
    ('0 B', '30 kB', '1.6 MB')
    """
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"
