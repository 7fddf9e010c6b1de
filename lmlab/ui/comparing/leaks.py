"""The leak experiment: the same raw file split with care and without, and what the difference does to a loss."""

import asyncio
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.figures.comparing import Leak
from lmlab.figures.comparing import leaks as leaks_figure
from lmlab.strings import t
from lmlab.ui.comparing.rows import percent
from lmlab.ui.context import Context, Updates
from lmlab.ui.depths import drawn
from lmlab.ui.predict import Question, Told
from lmlab.ui.widgets.content import h, packed, words
from lmlab.ui.widgets.figure import figure_widget

CODE = ("evaluation/leaks.py", "without_leaks")
MODELS = ("bigram", "4-gram", "kneser-ney")
ASKED = "kneser-ney"
LUCK = 2 * 2**0.5  # deviations of a difference of two trainings that luck alone rarely exceeds
SMALLEST = 0.005  # nats; below it the corpus has too few repeats to flatter anything


@dataclass
class Leaks:
    """The components of the part."""

    column: gr.Column
    intro: gr.HTML
    figure: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """What showing the part changes."""
        return [self.intro, self.figure]


def questions() -> list[Question]:
    """By how much the leak flatters."""
    return [
        Question(
            "leak", t("compare.leaks.ask"), later=(t("compare.leaks.later_run"), t("compare.leaks.later_gap")),
            maximum=0.5, start=0.2, step=0.01, unit=t("compare.leaks.unit"),
        )
    ]  # fmt: skip


def build() -> Leaks:
    """Make the components."""
    with gr.Column(elem_classes="part", elem_id="compare-part-leaks", visible=False, min_width=240) as column:
        intro = words(h("p", t("compare.leaks.wait")), elem_classes="report", elem_id="compare-leaks-intro")
        figure = figure_widget(elem_id="compare-leaks", visible=False)
    return Leaks(column, intro, figure)


def closed(ui: Leaks) -> Updates:
    """Before the guess."""
    return {ui.intro: [h("p", t("compare.leaks.wait"))], ui.figure: gr.update(visible=False)}


async def reveal(
    ctx: Context, ui: Leaks, owner: str, corpus: dict[str, Any], guess: float | None
) -> tuple[Told, Updates]:
    """Count the leak, and make each model with and without it."""
    report, *rows = await asyncio.gather(
        ctx.ask_corpus(corpus, owner, "leak"),
        *(ctx.ask_corpus(corpus, owner, "leak_of", which=name) for name in MODELS),
    )
    row = next(row for row in rows if row["name"] == ASKED)
    careless, measured = report["careless"], report["measured"]
    rows += measured["rows"] if measured else []
    least = min(rows, key=lambda row: row["flattery"])
    values = {
        "nats": f"{row['flattery']:.3f}",
        "leaky": f"{row['with_leak']:.3f}",
        "honest": f"{row['without_leak']:.3f}",
        "least": title_of(least, measured),
        "least_nats": f"{least['flattery']:.3f}",
    }
    if row["flattery"] < SMALLEST:
        gap = t("compare.leaks.gap_none", nats=values["nats"])
    elif guess is None:
        gap = t("compare.leaks.gap_skipped", **values)
    else:
        gap = t("compare.leaks.gap", guess=f"{guess:.2f}", **values)
    told = Told(
        t("compare.leaks.predicted", nats=f"{guess or 0:.2f}"),
        t(
            "compare.leaks.ran",
            repeated=f"{careless['repeated']:,}",
            total=f"{careless['total']:,}",
            leaked=f"{careless['leaked']:,}",
            held_out=f"{careless['held_out']:,}",
            share=percent(careless["share"]),
        ),
        gap,
        round(row["flattery"], 4),
    )
    networks = [each["name"] for each in measured["rows"]] if measured else []
    figure = leaks_figure(
        [
            Leak(
                t(f"compare.rung.{each['name']}"),
                each["without_leak"],
                each["with_leak"],
                guess if each["name"] == ASKED else None,
                measured["seed"] if each["name"] in networks else None,
            )
            for each in rows
        ]
    )
    sums = [line for each in (row, *(measured["rows"] if measured else ())) for line in sums_of(each)]
    value = drawn(figure, sums, CODE)
    return told, {
        ui.intro: report_trees(report, row),
        ui.figure: gr.update(visible=True, value=packed(value)),
    }


def title_of(row: dict[str, Any], measured: dict[str, Any] | None) -> str:
    """A model as the student reads it; a network with the seed that it was trained from."""
    title = t(f"compare.rung.{row['name']}")
    if measured is None or row["name"] not in [each["name"] for each in measured["rows"]]:
        return title
    return t("compare.leaks.with_seed", model=title, seed=measured["seed"])


def sums_of(row: dict[str, Any]) -> list[str]:
    """The two losses and their difference."""
    numbers = {
        "leaky": f"{row['with_leak']:.4f}",
        "honest": f"{row['without_leak']:.4f}",
        "flattery": f"{row['flattery']:.4f}",
    }
    return [
        t("compare.leaks.sum_head", model=t(f"compare.rung.{row['name']}")),
        t("compare.leaks.sum_with", **numbers),
        t("compare.leaks.sum_without", **numbers),
        t("compare.leaks.sum_flattery", **numbers),
    ]


def report_trees(report: dict[str, Any], row: dict[str, Any]) -> list[Any]:
    """How many held-out names stand in the training data, with care and without."""
    clean, careless = report["clean"], report["careless"]
    numbers = {"leaked": f"{careless['leaked']:,}", "held_out": f"{careless['held_out']:,}"}
    said = t("compare.leaks.careless_none", **numbers)
    if careless["leaked"]:
        examples = ", ".join(careless["examples"][:4])
        said = t("compare.leaks.careless", share=percent(careless["share"]), examples=examples, **numbers)
    trees = [
        h(
            "dl",
            h("dt", t("compare.leaks.clean_title")),
            h("dd", t("compare.leaks.clean", leaked=f"{clean['leaked']:,}", held_out=f"{clean['held_out']:,}")),
            h("dt", t("compare.leaks.careless_title")),
            h("dd", said),
            cls="facts",
        )
    ]
    if row["leaked"] is not None and row["unleaked"] is not None:
        losses = {"leaked": f"{row['leaked']:.3f}", "unleaked": f"{row['unleaked']:.3f}"}
        trees.append(h("p", t("compare.leaks.on_leaked", **losses)))
    if report["measured"]:
        trees += network_trees(report["measured"], row)
    return trees


def network_trees(measured: dict[str, Any], row: dict[str, Any]) -> list[Any]:
    """What the leak did to the networks, against the model that was asked about and against the luck of their seeds;
    and where these numbers come from."""
    trees = []
    for each in measured["rows"]:
        values = {
            "model": title_of(each, measured), "nats": f"{each['flattery']:.3f}", "asked": t(f"compare.rung.{ASKED}"),
            "most": f"{row['flattery']:.3f}",
        }  # fmt: skip
        than = "less" if each["flattery"] < row["flattery"] else "more"
        said = [t(f"compare.leaks.network_{than}", **values)]
        if each["deviation"]:
            name = "beyond_luck" if each["flattery"] > LUCK * each["deviation"] else "within_luck"
            said.append(t(f"compare.leaks.{name}", deviation=f"{each['deviation']:.4f}"))
        trees.append(h("p", " ".join(said)))
    about = {name: measured[name] for name in ("command", "date", "threads")}
    versions = {name: measured["versions"][name] for name in ("lmlab", "torch")}
    return [*trees, h("p", t("compare.leaks.about", **about, **versions), cls="faint")]
