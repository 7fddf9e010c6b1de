"""The test split of one's own model: opened once, measured, and written on its card with the date."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.runs.cards import is_bundled, name_of
from lmlab.strings import t
from lmlab.ui.bench import loss_of, menu_line
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.depths import depths_trees
from lmlab.ui.predict import Predict, Question, Told
from lmlab.ui.widgets.content import h, words

CODE = ("runs/store.py", "record_test")
ANSWERS = ("lower", "same", "higher")


@dataclass
class Exam:
    """The components of the part. `open` is the button of the Run step."""

    column: gr.Column
    model: gr.Dropdown
    opened: gr.HTML
    open: gr.Button

    @property
    def outputs(self) -> list[Any]:
        """What showing the part changes."""
        return [self.model, self.opened, self.open]


def questions() -> list[Question]:
    """Where the test loss will lie."""
    later = (t("compare.test.later_run"), t("compare.test.later_gap"))
    options = [t(f"compare.test.{answer}") for answer in ANSWERS]
    return [Question("test", t("compare.test.ask"), "choice", later, options=options)]


def build(predict: Predict) -> Exam:
    """Make the components; the button stands in the Run step."""
    with predict.run:
        open_it = gr.Button(t("compare.test.open"), variant="primary", visible=False, elem_id="compare-open")
    with gr.Column(elem_classes="part", elem_id="compare-part-test", visible=False, min_width=240) as column:
        model = gr.Dropdown([], label=t("compare.test.model"), filterable=False, elem_id="compare-test-model")
        opened = words(elem_classes="report", elem_id="compare-opened")
    return Exam(column, model, opened, open_it)


def own(ctx: Context, owner: str, sha256: str) -> list[dict[str, Any]]:
    """Cards of the visitor's own models of a corpus, the best first."""
    cards = (card for card in ctx.cards(owner) if card["corpus"]["sha256"] == sha256)
    return sorted((card for card in cards if not is_bundled(card["id"])), key=loss_of)


async def show(ctx: Context, ui: Exam, owner: str, corpus: Any, model: Any, chosen: Any) -> Updates:
    """The menu of the visitor's own models, and what has been opened."""
    sha256 = (await ctx.ask_corpus(corpus, owner, "corpus"))["sha256"]
    cards = own(ctx, owner, sha256)
    ids = [card["id"] for card in cards]
    if model not in ids:
        model = chosen if chosen in ids else next(iter(ids), None)
    lab = [
        name_of(card) for card in ctx.cards(owner) if card["corpus"]["sha256"] == sha256 and is_bundled(card["id"])
    ]
    return {
        ui.model: gr.update(
            choices=[(menu_line(card), card["id"]) for card in cards], value=model, visible=bool(cards)
        ),
        ui.opened: opened_trees(cards, lab),
    }


def opened_trees(cards: list[dict[str, Any]], lab: list[str]) -> list[Any]:
    """Of each of the visitor's models: its validation loss, and its test loss where the split was opened."""
    rows = []
    for card in cards:
        values = {"model": name_of(card), "validation": nats(card, "validation")}
        if card.get("test_opened"):
            about = {"test": nats(card, "test"), "date": date_of(card)}
            rows.append(h("li", t("compare.test.row_opened", **about, **values), cls="opened"))
        else:
            rows.append(h("li", t("compare.test.row_closed", **values)))
    trees: list[Any] = [h("h3", t("compare.test.title"))]
    if not any(card.get("test_opened") for card in cards):
        trees.append(h("p", t("compare.test.none"), cls="look"))
    trees += [h("ul", *rows, cls="numbers"), h("p", t("compare.test.rule"))]
    if lab:
        trees.append(h("p", t("compare.test.lab", models=", ".join(lab)), cls="faint"))
    return [*trees, *depths_trees(sums_of(cards), CODE)]


def sums_of(cards: list[dict[str, Any]]) -> list[str]:
    """How each loss comes about, and by how much the opened one differs, with the numbers of the cards."""
    lines = []
    for card in cards:
        for part in ("validation", "test") if card.get("test_opened") else ("validation",):
            found = card["metrics"].get(part, {})
            if found.get("nll") is None:
                continue
            predictions = found["predictions"]
            values = {"total": f"{found['nll'] * predictions:,.1f}", "predictions": f"{predictions:,}"}
            title = t(f"compare.test.sum_{part}", model=name_of(card))
            lines.append(t("compare.test.sum", title=title, nats=f"{found['nll']:.4f}", **values))
        if card.get("test_opened") and None not in (losses := losses_of(card)):
            values = {"validation": f"{losses[0]:.4f}", "test": f"{losses[1]:.4f}"}
            lines.append(t("compare.test.sum_difference", difference=f"{losses[1] - losses[0]:+.4f}", **values))
    return lines or [t("compare.test.sum_none")]


def losses_of(card: dict[str, Any]) -> tuple[Any, Any]:
    """The validation and the test loss on a card; None for an infinite one."""
    return card["metrics"]["validation"].get("nll"), card["metrics"].get("test", {}).get("nll")


def nats(card: dict[str, Any], part: str) -> str:
    """A loss on a card, to display precision."""
    nll = card["metrics"].get(part, {}).get("nll")
    return "∞" if nll is None else f"{nll:.3f}"


def date_of(card: dict[str, Any]) -> str:
    """The day when the test split was first opened (UTC)."""
    return time.strftime("%Y-%m-%d", time.gmtime(card["test_opened"][0]))


def answer_of(card: dict[str, Any], luck: float | None) -> str:
    """Whether the test loss is lower than the validation loss by more than luck, the same, or higher."""
    validation, test = (card["metrics"][part]["nll"] for part in ("validation", "test"))
    if validation is None or test is None:
        return "same" if validation == test else "higher" if test is None else "lower"
    return "same" if abs(test - validation) <= (luck or 0.0) else "lower" if test < validation else "higher"


async def reveal(
    ctx: Context, ui: Exam, owner: str, corpus: Any, model: Any, choice: str | None
) -> tuple[Told, Updates]:
    """Ask in words before the split is opened."""
    ran = t("compare.test.ran", model=name_of(ctx.card(model, owner))) if model else t("compare.test.ran_no_model")
    return Told(t("compare.test.predicted", choice=choice or ""), ran), {ui.open: gr.update(visible=bool(model))}


def told_of(found: dict[str, Any], guess: str | None, names: int) -> Told:
    """The test loss beside the validation loss; `found` is what the worker answers to `open_test`."""
    card, luck = found["card"], found["luck"]
    values = {"model": name_of(card), "validation": nats(card, "validation"), "test": nats(card, "test")}
    truth = t(f"compare.test.{answer_of(card, luck)}")
    if found["again"]:
        gap = t("compare.test.gap_again", date=date_of(card), **values)
    elif luck is None:
        gap = t("compare.test.gap_infinite", **values)
    else:
        kind = "right" if guess == truth else "wrong"
        gap = t(f"compare.test.gap_{kind}", truth=truth, luck=f"{luck:.3f}", **values)
    ran = t("compare.test.ran_done", model=values["model"], names=f"{names:,}")
    return Told(t("compare.test.predicted", choice=guess or ""), ran, gap, truth)


def wire(ctx: Context, ui: Exam, predict: Predict, told: gr.State, message: gr.HTML) -> None:
    """Connect the events; `told` is what each part has said."""

    async def open_split(owner: str, corpus: Any, stored: Any, state: Any, said: Any, model: Any) -> Updates:
        if not model:
            raise LabError(t("compare.test.ran_no_model"))
        async with ctx.visitors.one_at_a_time(owner):  # two clicks must not be two looks
            found = await ctx.ask_corpus(corpus, owner, "open_test", visitor=owner, run=model)
        about = await ctx.ask_corpus(corpus, owner, "corpus")
        guess = (state.get("entry") or {}).get("guess")
        gap = told_of(found, guess, about["split"]["test"])
        return {
            **predict.finish(ctx, owner, stored, state, gap),
            told: {**said, "test": {"told": vars(gap), "state": None}},
            **await show(ctx, ui, owner, corpus, model, None),
            ui.open: gr.update(visible=False),
            predict.another: gr.update(visible=False),
        }

    async def another_model(owner: str, state: Any, said: Any, model: Any) -> Updates:
        """The question of the Run step names the model that is chosen now."""
        entry = state.get("entry") or {}
        if state.get("at") != "run" or entry.get("question") != "test":
            return {}
        asked = Told(t("compare.test.predicted", choice=entry["guess"] or ""), t("compare.test.ran_no_model"))
        if model:
            asked = Told(asked.predicted, t("compare.test.ran", model=name_of(ctx.card(model, owner))))
        return {
            **predict.told(asked, state),
            told: {**said, "test": {"told": vars(asked), "state": None}},
            ui.open: gr.update(visible=bool(model)),
        }

    light(
        ui.open.click, guarded(message, open_split), [ctx.owner, ctx.corpus, ctx.work, predict.state, told, ui.model],
        [*predict.outputs, *ui.outputs, ctx.work, told, message],
    )  # fmt: skip
    light(
        ui.model.change, guarded(message, another_model), [ctx.owner, predict.state, told, ui.model],
        [*predict.outputs, ui.open, told, message], trigger_mode="always_last",
    )  # fmt: skip
