"""One name under two models: the surprise of each letter side by side, the sum behind the loss, and its units."""

import asyncio
import math
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.evaluation.units import in_units
from lmlab.figures.comparing import Spelled, surprise
from lmlab.runs.cards import name_of
from lmlab.strings import t
from lmlab.ui.bench import loss_of, menu_line, next_seq
from lmlab.ui.context import Context, Updates, guarded, light, problem
from lmlab.ui.depths import drawn
from lmlab.ui.predict import Question, Told
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.converter import converter_widget
from lmlab.ui.widgets.figure import figure_widget
from lmlab.ui.widgets.widget import unpacked

CODE = ("evaluation/loss.py", "surprisal")
FIRST_NAME = "jade"  # held out: no model has read it
LONGEST = 40  # letters of a typed name: more cells than that cannot be read
LISTED = 4  # names on each side of the list
HALF = 0.5  # the probability in the question
MOST_SYMBOLS = 10_000  # perplexity of the worst guess that is taken, whatever the alphabet


@dataclass
class OneName:
    """The components of the part. `cell` is the letter that is locked."""

    column: gr.Column
    name: gr.Textbox
    first: gr.Dropdown
    second: gr.Dropdown
    figure: gr.HTML
    letters: gr.HTML
    """The letters as buttons: the same as a click on a cell."""
    converter: gr.HTML
    differ: gr.HTML
    cell: gr.State
    guess: gr.State
    """The perplexity that the student said, which the converter keeps; None before, or skipped."""

    @property
    def controls(self) -> list[Any]:
        """What the figure is made from."""
        return [self.name, self.first, self.second, self.cell, self.guess]

    @property
    def outputs(self) -> list[Any]:
        """What showing the part changes."""
        return [self.figure, self.letters, self.converter, self.first, self.second, self.cell, self.guess]


def questions() -> list[Question]:
    """The perplexity of a model that is always half sure."""
    later = (t("compare.name.later_run"), t("compare.name.later_gap"))
    return [
        Question(
            "half", t("compare.name.ask"), later=later, minimum=1, maximum=MOST_SYMBOLS, start=14, step=0.5,
            unit=t("compare.name.unit"), veil="coin",
        )
    ]  # fmt: skip


def field(question: Question, symbols: int) -> Updates:
    """The question's field for an alphabet: nobody can be less sure than among all of its `symbols`.

    >>> field(questions()[0], 60)["maximum"], field(questions()[0], 9)["value"]
    (60, 9)
    """
    return {**question.shown(), "maximum": symbols, "value": min(question.start, symbols)}


def build() -> OneName:
    """Make the components."""
    with gr.Column(elem_classes="part", elem_id="compare-part-name", visible=False, min_width=240) as column:
        with gr.Row(elem_classes="fields-row"):
            name = gr.Textbox(
                FIRST_NAME, label=t("compare.name.name"), placeholder=t("compare.name.placeholder"), max_lines=1,
                max_length=200, elem_id="compare-name",
            )  # fmt: skip
            first = gr.Dropdown([], label=t("compare.name.first"), filterable=False, elem_id="compare-first")
            second = gr.Dropdown([], label=t("compare.name.second"), filterable=False, elem_id="compare-second")
        with gr.Row(elem_classes="pair"):
            with gr.Column(elem_classes="main-column", min_width=240):
                figure = figure_widget(elem_id="compare-surprise")
                letters = words(elem_classes="letters", elem_id="compare-letters")
                converter = converter_widget(elem_id="compare-converter")
            with gr.Column(elem_classes="side-column", min_width=240):
                differ = words(elem_classes="fig", elem_id="compare-differ")
    return OneName(column, name, first, second, figure, letters, converter, differ, gr.State(0), gr.State(None))


async def menus(ctx: Context, ui: OneName, owner: str, corpus: Any, first: Any, second: Any, chosen: Any) -> Updates:
    """The two menus; they keep what they show where it is still there, and never show the same model twice.

    Models of the corpus at hand stand first, the best one on top.
    """
    sha256 = (await ctx.ask_corpus(corpus, owner, "corpus"))["sha256"]
    cards = sorted(ctx.cards(owner), key=lambda card: (card["corpus"]["sha256"] != sha256, loss_of(card)))
    ids = [card["id"] for card in cards]
    here = [card["id"] for card in cards if card["corpus"]["sha256"] == sha256] or ids
    if first not in ids:
        first = chosen if chosen in here else next(iter(here), None)
    if second not in ids or second == first:
        second = next((run for run in here[::-1] if run != first), first)
    choices = [(menu_line(card), card["id"]) for card in cards]
    return {ui.first: gr.update(choices=choices, value=first), ui.second: gr.update(choices=choices, value=second)}


async def show_name(
    ctx: Context, ui: OneName, owner: str, name: Any, first: Any, second: Any, cell: Any, guess: float | None
) -> Updates:
    """The two spellings, their difference, and the converter with the sum of the first."""
    if not first or not second:
        raise LabError(t("compare.name.none"))
    if len(str(name).strip()) > LONGEST:
        raise LabError(t("compare.name.longest", length=len(str(name).strip()), most=LONGEST))
    spelled = await asyncio.gather(*(ctx.ask(run, owner, "letters", text=str(name)) for run in (first, second)))
    titles = [name_of(ctx.card(run, owner)) for run in (first, second)]
    pieces = spelled[0]["pieces"]
    if spelled[1]["pieces"] != pieces:
        raise LabError(t("compare.name.another_corpus"))
    cell = cell if isinstance(cell, int) and 0 <= cell <= len(pieces) else 0
    figure = surprise(
        pieces, Spelled(titles[0], spelled[0]["nats"]), Spelled(titles[1], spelled[1]["nats"]), cell
    )  # fmt: skip
    sums = [*sums_of(titles[0], pieces, spelled[0]["nats"]), "", *sums_of(titles[1], pieces, spelled[1]["nats"])]
    return {
        ui.figure: drawn(figure, sums, CODE),
        ui.converter: converter_value(titles, pieces, [one["nats"] for one in spelled], spelled[0]["symbols"], guess),
        ui.letters: letters_trees(pieces, cell),
        ui.cell: cell,
    }


def letters_trees(pieces: list[str], cell: int) -> list[Any]:
    """The letters of a name and its end, the locked one pressed."""
    letters = [*pieces, t("figure.surprise.end")]
    buttons = [
        h("button", letter, do=f"cell:{i}", aria_pressed="true" if i == cell else "false")
        for i, letter in enumerate(letters)
    ]
    return [h("p", h("span", t("compare.name.letters")), *buttons)]


def sums_of(model: str, pieces: list[str], nats: list[float]) -> list[str]:
    """The sum of a name, divided as it must be, and as it often is."""
    n, total = len(pieces), sum(nats)
    lines = [t("compare.name.sum_head", model=model, name="".join(pieces))]
    letters = [*pieces, t("figure.surprise.end")]
    lines += [
        t("compare.name.sum_line", letter=letter, nats=f"{each:.4f}", p=f"{math.exp(-each):.4f}")
        for letter, each in zip(letters, nats, strict=True)
    ]
    if not math.isfinite(total):
        return [*lines, "∞"]
    lines.append(t("compare.name.sum_total", total=f"{total:.4f}", predictions=n + 1, letters=n))
    right = {"nats": f"{total / (n + 1):.4f}", "perplexity": f"{math.exp(total / (n + 1)):.2f}"}
    lines.append(t("compare.name.sum_right", total=f"{total:.4f}", predictions=n + 1, **right))
    for divisor in (n, n - 1):
        if divisor > 0:
            wrong = {"nats": f"{total / divisor:.4f}", "perplexity": f"{math.exp(min(700, total / divisor)):.2f}"}
            lines.append(t("compare.name.sum_wrong", divisor=divisor, **wrong))
    return lines


def converter_value(
    titles: list[str], pieces: list[str], nats: list[list[float]], symbols: int, guess: float | None = None
) -> dict[str, Any] | None:
    """What the converter shows: the sum of the first model whose surprise of the name is finite; and the guess of a
    perplexity, as nats."""
    finite = [i for i, each in enumerate(nats) if math.isfinite(sum(each))]
    if not finite:
        return None
    return {
        "seq": next_seq(),
        "name": "".join(pieces),
        "model": titles[finite[0]],
        "pieces": pieces,
        "nats": nats[finite[0]],
        "typical": typical(symbols),
        "guess": None if guess is None else math.log(guess),
    }


def typical(symbols: int) -> list[list[Any]]:
    """Losses to remember, in nats: what a model has that is always sure, tosses a coin, or knows nothing; each with
    the open questions that it answers."""
    return [
        [t("compare.typical.sure"), 0.0, []],
        [t("compare.typical.coin"), math.log(2), ["coin"]],
        [t("compare.typical.uniform"), math.log(symbols), []],
        [t("compare.typical.bytes"), math.log(256), []],
    ]


async def exams(ctx: Context, owner: str, corpus: dict[str, Any], *models: str) -> list[dict[str, Any]]:
    """What each held-out name costs each model."""
    source = {"corpus": corpus["source"], "corpus_name": corpus["name"]}
    return await asyncio.gather(*(ctx.ask(run, owner, "exam", **source) for run in models))


async def show_differences(ctx: Context, ui: OneName, owner: str, corpus: Any, first: Any, second: Any) -> Updates:
    """Held-out names on which one model is far less surprised than the other."""
    if not first or not second or first == second:
        return {ui.differ: [h("h3", t("compare.name.differ")), h("p", t("compare.name.same"), cls="look")]}
    try:
        a, b = await exams(ctx, owner, corpus, first, second)
    except LabError as error:
        return {ui.differ: [h("h3", t("compare.name.differ")), *problem(str(error))]}
    gains = [
        (other - own, name)
        for name, own, other in zip(a["names"], a["nats"], b["nats"], strict=True)
        if math.isfinite(own) and math.isfinite(other)
    ]
    gains.sort()
    titles = [name_of(ctx.card(run, owner)) for run in (first, second)]
    trees = [h("h3", t("compare.name.differ")), h("p", t("compare.name.differ_look"), cls="look")]
    for title, best in ((titles[0], gains[::-1][:LISTED]), (titles[1], gains[:LISTED])):
        rows = [
            h(
                "li",
                h("button", name, do=f"name:{name}"),
                h("span", t("compare.name.row", nats=f"{abs(gain):.1f}"), cls="num faint"),
            )
            for gain, name in best
            if (gain > 0) == (title == titles[0]) and gain
        ]
        if rows:
            trees += [h("p", t("compare.name.better", model=title), cls="better"), h("ul", *rows, cls="differ")]
    trees.append(h("span", cls="sr", data_seq=next_seq(), data_state="listed"))
    return {ui.differ: trees}


def reveal(ui: OneName, converter: Any, guess: float | None) -> tuple[Told, Updates]:
    """The perplexity of a coin, with the converter put there."""
    nats = -math.log(HALF)
    truth = in_units(nats)["perplexity"]
    words_of = {"truth": f"{truth:g}", "guess": f"{guess or 0:g}"}
    kind = "skipped" if guess is None else "right" if guess == truth else "wrong"
    told = Told(
        t("compare.name.predicted", guess=words_of["guess"]),
        t("compare.name.ran", nats=f"{nats:.3f}"),
        t(f"compare.name.gap_{kind}", **words_of),
        truth,
    )
    shown = unpacked(converter)
    if not isinstance(shown, dict):
        return told, {ui.guess: guess}
    mark = None if guess is None else math.log(guess)
    return told, {ui.converter: {**shown, "seq": next_seq(), "at": nats, "guess": mark}, ui.guess: guess}


def wire(ctx: Context, ui: OneName, message: gr.HTML) -> None:
    """Connect the events."""
    spell = [ctx.owner, *ui.controls]
    by_event = [ctx.owner, ui.name, ui.first, ui.second, ui.guess]  # the event says which letter
    spelled = [ui.figure, ui.letters, ui.converter, ui.cell, message]

    async def show(owner: str, name: Any, first: Any, second: Any, cell: Any, guess: Any) -> Updates:
        return await show_name(ctx, ui, owner, name, first, second, cell, guess) if first and second else {}

    async def another_name(owner: str, name: Any, first: Any, second: Any, cell: Any, guess: Any) -> Updates:
        return await show(owner, name, first, second, 0, guess)

    async def differ(owner: str, corpus: Any, first: Any, second: Any) -> Updates:
        return await show_differences(ctx, ui, owner, corpus, first, second)

    async def lock(owner: str, name: Any, first: Any, second: Any, guess: Any, event: gr.EventData) -> Updates:
        """A click on a cell: its letter in words."""
        custom = getattr(event, "custom", None)
        if not (isinstance(custom, list) and len(custom) == 1 and isinstance(custom[0], int)):
            raise LabError("That is no letter of the name. Tap one of the cells.")
        return await show(owner, name, first, second, custom[0], guess)

    async def press(owner: str, name: Any, first: Any, second: Any, guess: Any, event: gr.EventData) -> Updates:
        """The same with a button."""
        number = str(getattr(event, "do", "")).removeprefix("cell:")
        cell = int(number) if number.isdecimal() and len(number) < 4 else 0
        return await show(owner, name, first, second, cell, guess)

    async def take(event: gr.EventData) -> Updates:
        """A click on a name of the list spells it out."""
        what = str(getattr(event, "do", ""))
        return {ui.name: what.removeprefix("name:")[:LONGEST]} if what.startswith("name:") else {}

    async def choose(owner: str, corpus: Any, first: Any, second: Any) -> Updates:
        """The first model has changed: the second one gives way where it is the same."""
        return {} if first != second else await menus(ctx, ui, owner, corpus, first, second, first)

    last = {"trigger_mode": "always_last"}
    models = [ctx.owner, ctx.corpus, ui.first, ui.second]
    light(ui.first.change, guarded(message, choose), models, [ui.first, ui.second, message], **last)
    light(ui.name.change, guarded(message, another_name), spell, spelled, **last)
    light(ui.differ.act, guarded(message, take), [], [ui.name, message])
    light(ui.figure.select, guarded(message, lock), by_event, spelled)
    light(ui.letters.act, guarded(message, press), by_event, spelled)
    for menu in (ui.first, ui.second):
        light(menu.change, guarded(message, show), spell, spelled, **last)
        light(menu.change, guarded(message, differ), models, [ui.differ, message], **last)
