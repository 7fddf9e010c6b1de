"""Level Labs: assignments to take home, with hints, numbers to find, and results to look at."""

import asyncio
import functools
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.grading.gradescope import LARGEST, read_results
from lmlab.grading.labs import Lab, all_labs, find_lab
from lmlab.strings import t
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.labs.own_machine import check_folder, is_own
from lmlab.ui.labs.words import (
    head_trees,
    hints_trees,
    is_right,
    list_trees,
    number_entry,
    results_entries,
    results_trees,
    statement_of,
    verdict_trees,
)
from lmlab.ui.widgets.choose_file import file_chooser
from lmlab.ui.widgets.content import h, words

BOXES = 4  # the most numbers that a lab asks for
FIRST = "lab01"


@dataclass
class Labs:
    """The components of the level."""

    message: gr.HTML
    chosen: gr.State
    list: gr.HTML
    head: gr.HTML
    statement: gr.HTML
    hints: gr.HTML
    numbers: gr.Column
    boxes: list[gr.Number]
    verdicts: gr.HTML
    tell: gr.Button
    load: gr.HTML
    results: gr.HTML
    folder: gr.Textbox | None
    """Where "Check my file" looks; None where the app is not the student's own."""
    check: gr.Button | None

    @property
    def shown(self) -> list[Any]:
        """What another lab changes."""
        return [
            self.message, self.chosen, self.list, self.head, self.statement, self.hints, self.numbers, *self.boxes,
            self.verdicts, self.results,
        ]  # fmt: skip


@functools.cache
def labs() -> tuple[Lab, ...]:
    """All labs, read once."""
    return tuple(all_labs())


def build(ctx: Context) -> Labs:
    """Make the components."""
    words(h("h1", t("labs.title")), h("p", t("labs.lead", n=len(labs()))), elem_classes="lead")
    message = words(elem_classes="message", elem_id="labs-message")
    chosen = gr.State(FIRST)
    listed = words(elem_id="labs-list", label=t("labs.column.lab"))
    with gr.Row(elem_classes="pair"):
        with gr.Column(elem_classes=["main-column", "statement"], min_width=240):
            head = words(elem_id="labs-head")
            statement = words(elem_id="labs-statement")
        with gr.Column(elem_classes="side-column", min_width=240):
            hints = words(elem_id="labs-hints", label=t("labs.exercises"))
            with gr.Column(elem_id="labs-numbers", visible=False) as numbers:
                words(h("h3", t("labs.numbers")), h("p", t("labs.numbers_look"), cls="look"))
                boxes = [gr.Number(None, label="", visible=False, elem_id=f"labs-number-{i}") for i in range(BOXES)]
                tell = gr.Button(t("labs.tell"), elem_id="labs-tell")
                verdicts = words(elem_id="labs-verdicts")
            words(h("h3", t("labs.results")), h("p", t("labs.results_look"), cls="look"))
            load = file_chooser(t("labs.load"), ".json,application/json", LARGEST, elem_id="labs-load")
            folder = check = None
            if ctx.own_machine:
                folder = gr.Textbox(
                    "", label=t("labs.folder"), info=t("labs.folder_info"), max_length=1000, elem_id="labs-folder"
                )
                check = gr.Button(t("labs.check"), elem_id="labs-check")
            results = words(elem_id="labs-results")
    # A teacher's link opens a lab, and may lock the list, or hide the hints during an exam.
    ctx.presets["labs"] = ([lab.id for lab in labs()], lambda name: {chosen: name}, [chosen])
    ctx.controls["labs"] = {"list": listed, "hints": hints, "tell": tell}
    return Labs(
        message, chosen, listed, head, statement, hints, numbers, boxes, verdicts, tell, load, results, folder, check
    )


def wire(ctx: Context, ui: Labs) -> None:
    """Connect the events."""
    one_check = asyncio.Lock()

    def show_lab(lab: Lab, owner: str, stored: Any) -> Updates:
        """Everything about one lab."""
        updates: Updates = {
            ui.chosen: lab.id,
            ui.list: list_trees(labs(), lab.id, ctx.work_of(owner, stored)),
            ui.head: head_trees(lab),
            ui.statement: statement_of(lab),
            ui.hints: hints_trees(lab),
            ui.numbers: gr.update(visible=bool(lab.answers)),
            ui.verdicts: [],
            ui.results: [],
        }
        for i, box in enumerate(ui.boxes):
            asked = lab.answers[i] if i < len(lab.answers) else None
            updates[box] = gr.update(
                value=None,
                visible=asked is not None,
                label="" if asked is None else asked.question,
                info=None if asked is None else t("labs.unit", unit=asked.unit),
            )
        return updates

    async def show(owner: str, stored: Any, chosen: str) -> Updates:
        lab = await asyncio.to_thread(_lab, chosen)
        await asyncio.to_thread(
            lambda: lab.checked
        )  # the module of the checks is read once, beside the page's events
        return show_lab(lab, owner, stored)

    async def choose(owner: str, stored: Any, event: gr.EventData) -> Updates:
        return await show(owner, stored, str(getattr(event, "do", "")))

    async def tell(owner: str, stored: Any, chosen: str, *given: Any) -> Updates:
        """Which of the numbers are right; the right ones stay with the worker."""
        lab = _lab(chosen)
        verdicts, entries = [], []
        for asked, value in zip(lab.answers, given, strict=False):
            if not isinstance(value, int | float) or isinstance(value, bool):
                verdicts.append((asked.question, "empty"))
                continue
            right = await ctx.ask(None, owner, "lab_number", lab=lab.id, value=asked.value)
            good = is_right(float(value), right, asked.tolerance)
            verdicts.append((asked.question, "right" if good else "wrong"))
            entries.append(number_entry(lab, asked.value, asked.question, value, good))
        kept = ctx.keep(owner, stored, *entries) if entries else {}
        return {
            **kept,
            ui.verdicts: verdict_trees(verdicts),
            ui.list: list_trees(labs(), lab.id, ctx.work_of(owner, stored)),
        }

    async def told(
        data: dict[str, Any], owner: str, stored: Any, chosen: str, corpus: dict[str, Any], model: str | None
    ) -> Updates:
        """A results.json on the page, its points in the student's work, its experiment on the ruler."""
        about = data.get("extra_data")
        name = about.get("lab") if isinstance(about, dict) else None
        lab = next((lab for lab in labs() if lab.id == name), None)
        kept = ctx.keep(owner, stored, *results_entries(lab, data)) if lab is not None else {}
        return {
            **kept,
            **await ctx.refresh(owner, corpus, model),
            ui.results: results_trees(data),
            ui.list: list_trees(labs(), chosen, ctx.work_of(owner, stored)),
        }

    async def load(
        owner: str, stored: Any, chosen: str, corpus: dict[str, Any], model: str | None, event: gr.EventData
    ) -> Updates:
        text = getattr(event, "text", None)
        if not isinstance(text, str):
            raise LabError(
                t("labs.file_large" if getattr(event, "problem", "") == "large" else "labs.file_unreadable")
            )
        try:
            data = read_results(text)
        except LabError:
            raise LabError(t("labs.no_results")) from None
        return await told(data, owner, stored, chosen, corpus, model)

    async def check(
        owner: str, stored: Any, chosen: str, corpus: dict[str, Any], model: str | None, folder: str,
        request: gr.Request,
    ) -> Updates:  # fmt: skip
        """Check the student's file. It runs their code, so it is asked again whose machine this is."""
        if not ctx.own_machine or not is_own(request):
            raise LabError(t("labs.not_here"))
        if one_check.locked():
            raise LabError(t("labs.one_check"))
        async with one_check:
            data = await check_folder(_lab(chosen).id, folder)
            return await told(data, owner, stored, chosen, corpus, model)

    mine = [ctx.owner, ctx.work]
    light(ui.list.act, guarded(ui.message, choose), mine, ui.shown)
    outputs = [ui.verdicts, ui.list, ui.message, ctx.work]
    light(ui.tell.click, guarded(ui.message, tell), [*mine, ui.chosen, *ui.boxes], outputs)
    outputs = [ui.results, ui.list, ui.message, ctx.work, *ctx.frame]
    inputs = [*mine, ui.chosen, ctx.corpus, ctx.chosen]
    light(ui.load.chosen, guarded(ui.message, load), inputs, outputs)
    if ui.check is not None and ui.folder is not None:
        light(ui.check.click, guarded(ui.message, check), [*inputs, ui.folder], outputs)
    ctx.show("labs", guarded(ui.message, show), [*mine, ui.chosen], ui.shown)


def _lab(name: str) -> Lab:
    """A lab by its id. Raises `LabError` for one that is not here."""
    found = next((lab for lab in labs() if lab.id == name), None)
    return found or find_lab(str(name)[:40])
