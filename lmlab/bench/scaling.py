"""How cost grows: tokens a second and peak memory over the size of the model, the length and the corpus."""

import html
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmlab.bench.memory import resident_megabytes
from lmlab.bench.rows import MOST_THREADS, Machine, Row
from lmlab.data.corpus import load_corpus, text_corpus
from lmlab.errors import LabError
from lmlab.figures.figure import Figure, axis, corner, layout
from lmlab.jobs.local import cores
from lmlab.models.build import build
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import Trainer

TOKENS = 2048  # in every batch, so that only one thing changes along a curve


@dataclass(frozen=True)
class Setting:
    """What is trained: a transformer of `n_layer` blocks of `d_model` on windows of `length` characters."""

    d_model: int = 64
    n_layer: int = 4
    length: int = 64
    characters: int = 1_000_000


@dataclass(frozen=True)
class Cost:
    """What a setting costs: parameters, tokens a second, and megabytes before the corpus and at the peak."""

    parameters: int
    tokens_per_second: float
    megabytes_before: float | None
    megabytes: float | None


SWEEPS: dict[str, tuple[Setting, ...]] = {
    "parameters": tuple(Setting(d_model, n_layer) for d_model, n_layer in ((32, 2), (64, 4), (128, 4), (256, 4))),
    "length": tuple(Setting(length=length) for length in (16, 64, 256, 512)),
    "corpus": tuple(Setting(characters=characters) for characters in (10_000, 100_000, 1_000_000, 4_000_000)),
}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; color: #15171a }
td, th { text-align: left; padding: 0.2rem 1.5rem 0.2rem 0 }
"""
NAMES = {
    "parameters": "parameters of the model",
    "length": "tokens of a sequence",
    "corpus": "characters of the corpus",
}


def scaling(
    sweeps: dict[str, tuple[Setting, ...]] | None = None, duration: float = 1.5, threads: int | None = None
) -> list[Row]:
    """Train transformers on Shakespeare's characters and see how speed and memory go with each size.

    Along a curve one size changes: the parameters of the model, the tokens of a sequence, or the characters of the
    corpus (beyond its end the text begins again). Each batch holds 2,048 tokens. Each point is measured in a fresh
    process of its own, because memory that was once taken is seldom given back: the most that it ever held, and the
    tokens a second over about 1.5 seconds of steps after three uncounted ones, on all cores, AdamW. The memory before
    the corpus was read (Python, torch and lmlab) is in the note.
    """
    rows = []
    for name, settings in (sweeps or SWEEPS).items():
        for setting in settings:
            cost = _in_a_fresh_process(setting, duration, threads or min(MOST_THREADS, cores()))
            at = {"parameters": cost.parameters, "length": setting.length, "corpus": setting.characters}[name]
            where = (
                f"{setting.n_layer} blocks of {setting.d_model} ({cost.parameters:,} parameters), "
                f"sequences of {setting.length}, corpus of {setting.characters:,} characters"
            )
            before = "" if cost.megabytes_before is None else f"{cost.megabytes_before:.0f} MB before the corpus."
            rows += [
                Row(f"scaling-{name}-speed", f"Training, {where}", "tokens/s", cost.tokens_per_second, at=at),
                Row(f"scaling-{name}-memory", f"Peak memory, {where}", "MB", cost.megabytes, note=before, at=at),
            ]
    return rows


def _in_a_fresh_process(setting: Setting, duration: float, threads: int) -> Cost:
    fresh = multiprocessing.get_context("spawn")  # a fork would begin with this process's memory
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as process:
        return process.submit(cost_of, setting, duration, threads).result()


def cost_of(setting: Setting, duration: float, threads: int) -> Cost:
    """Train for about `duration` seconds in this process and tell what it cost."""
    before = resident_megabytes(os.getpid(), peak=True)
    text = "".join(load_corpus("shakespeare").texts)
    text *= -(-setting.characters // len(text))
    corpus = text_corpus(text[: setting.characters])
    del text
    options = {"d_model": setting.d_model, "n_layer": setting.n_layer, "context": setting.length}
    model = build("transformer", options, 1 + len(corpus.alphabet))
    recipe = Recipe(steps=100_000, batch_size=max(1, TOKENS // setting.length), threads=threads, validate=False)
    trainer = Trainer(model, corpus, recipe)
    for _ in range(3):
        trainer.step()
    tokens, begin = trainer.tokens, time.perf_counter()
    while time.perf_counter() - begin < duration:
        trainer.step()
    speed = (trainer.tokens - tokens) / (time.perf_counter() - begin)
    parameters = sum(weight.numel() for weight in model.parameters())
    return Cost(parameters, speed, before, resident_megabytes(os.getpid(), peak=True))


def scaling_figure(rows: Sequence[Row]) -> Figure:
    """Speed above, memory below, a column for each size that was changed. Rows of other figures are left out.

    Raises `LabError` when no row is of `scaling`.

    >>> speed = [Row("scaling-length-speed", "Training", "tokens/s", 9.0 - n, at=16.0 * n) for n in (1, 2)]
    >>> figure = scaling_figure(speed)
    >>> [(trace["x"], trace["y"]) for trace in figure.plotly["data"]]
    [([16.0, 32.0], [8.0, 7.0])]
    """
    curves: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        parts = row.name.split("-")
        if parts[0] == "scaling" and row.value is not None:
            curves.setdefault((parts[1], parts[2]), []).append(row)
    if not curves:
        raise LabError("Nothing was measured that can be drawn: --plot draws the figure 'scaling'. Measure it too.")
    measures = {"speed": ("tokens a second", [0.58, 1.0]), "memory": ("peak memory, MB", [0.0, 0.42])}
    names = list(dict.fromkeys(name for name, _ in curves))
    width = 1 / len(names)
    data: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    notes: list[dict[str, Any]] = []
    number = 0
    for row_of_plots, (measure, (title, domain)) in enumerate(measures.items()):
        for column, name in enumerate(names):
            points = curves.get((name, measure), [])
            if not points:
                continue
            number += 1
            suffix = str(number) if number > 1 else ""
            left = column * width
            x_domain = [left, left + 0.82 * width]
            axes[f"xaxis{suffix}"] = axis(
                NAMES.get(name, name) if row_of_plots else "",
                type="log",
                tickvals=[row.at for row in points],
                tickformat="~s" if name == "corpus" else ".2s" if name == "parameters" else "d",
                domain=x_domain,
                anchor=f"y{suffix}",
            )
            axes[f"yaxis{suffix}"] = axis(domain=domain, rangemode="tozero", anchor=f"x{suffix}", nticks=5)
            if column == 0:
                notes.append(corner(title, left=52, y=domain[1]))
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "x": [row.at for row in points],
                    "y": [row.value for row in points],
                    "xaxis": f"x{suffix}",
                    "yaxis": f"y{suffix}",
                    "line": {"color": "--model", "width": 2},
                    "hovertemplate": "%{x:,}: %{y:,.0f} " + points[0].unit + "<extra></extra>",
                }
            )
    plot = layout(axes.pop("xaxis"), axes.pop("yaxis"), annotations=notes, margin={"l": 52, "t": 28}, **axes)
    cells = [[row.name, row.at, round(row.value or 0.0, 1), row.unit] for curve in curves.values() for row in curve]
    return Figure(
        title="How cost grows",
        look="Look for what slows training: larger models and longer sequences do, a larger corpus takes memory.",
        plotly={"data": data, "layout": plot},
        table=(["figure", "size", "measured", "unit"], cells),
        said="Upper row: tokens a second in training. Lower row: the most memory that the process held.",
        height=(0.0, 560.0),
    )


def plot_page(rows: Sequence[Row], about: Machine) -> str:
    """The figure and its table as one page of HTML that needs no network."""
    from plotly.graph_objects import Figure as Plot

    figure = scaling_figure(rows)
    plot = (
        Plot(figure.resolved())
        .update_layout(height=figure.height[1])
        .to_html(full_html=False, include_plotlyjs=True, config={"displayModeBar": False})
    )
    columns, cells = figure.table
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(_number(cell))}</td>' for cell in row)}</tr>" for row in cells)
    where = f"{about.cpu}, {about.cores} cores, {about.system}, Python {about.python}, torch {about.torch}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(figure.title)}</title>'
        f"<style>{STYLE}</style>"
        f"<h1>{html.escape(figure.title)}</h1><p>{html.escape(figure.look)}</p><p>{html.escape(where)}</p>"
        f"{plot}<table><tr>{head}</tr>{body}</table></html>\n"
    )


def write_plot(rows: Sequence[Row], about: Machine, path: str | Path) -> None:
    """Write `plot_page` to a file. Raises `LabError` where that cannot be done."""
    path = Path(path)
    page = plot_page(rows, about)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise LabError(f"{path.name} could not be written: {error.strerror}. Choose another place.") from error


def _number(cell: Any) -> str:
    return f"{cell:,.10g}" if isinstance(cell, int | float) else str(cell)
