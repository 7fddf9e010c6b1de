"""Level Count: a table of letter pairs is already a language model."""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from lmlab.data.corpus import decode_utf8
from lmlab.errors import LabError
from lmlab.figures.counts import die, losses_by_order, pair_table
from lmlab.runs.cards import home, owner_key
from lmlab.ui.bench import next_seq
from lmlab.ui.context import NAMES, Context, Updates, guarded, light
from lmlab.ui.predict import Predict, Question, Told, predict_steps
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget

LARGEST_TEXT = 500_000  # characters of a pasted or uploaded corpus
CORPORA = {"US names": "names", "Indian names": "names_indian"}
SMOOTHINGS = {"None": "mle", "Add k": "add-k", "Kneser–Ney": "kneser-ney"}
FIRST_PAIR = None  # nothing is locked yet: the likeliest first letter is shown
FIRST_MODEL: dict[str, Any] = {"order": 2, "smoothing": "add-k", "k": 0.1}


@dataclass
class Count:
    """The components of the level that others or the tests may need."""

    message: gr.HTML
    source: gr.Radio
    own: gr.Column
    text: gr.Textbox
    upload: gr.File
    use: gr.Button
    hub: gr.Textbox
    report: gr.HTML
    predict: Predict
    guess: gr.State
    """`{"share", "row", "locked"}` of the guess that is drawn on the row."""
    table: gr.HTML
    shown: gr.Radio
    names: gr.HTML
    order: gr.Slider
    smoothing: gr.Radio
    k: gr.Slider
    losses: gr.HTML
    sweep: gr.HTML
    keep: gr.Button
    die: gr.HTML
    word: gr.HTML
    roll: gr.Button
    whole: gr.Button
    again: gr.Button
    pair: gr.State
    rolled: gr.State


def build(ctx: Context) -> Count:
    """Make the components."""
    words(
        h("h1", "Count what follows what"),
        h(
            "p",
            "A table of letter pairs is already a language model. "
            "Count them, then let the counts choose the next letter.",
        ),
        elem_classes="lead",
    )
    stop = Question(
        "stop-after-n", "Of all the names that reach an n, how many percent stop right there?", unit="%",
        later=("Looks up the row of n.", "Opens after your guess."),
    )  # fmt: skip
    predict = predict_steps("count", [stop])
    guess = gr.State(None)
    message = words(elem_classes="message")
    with gr.Row(elem_classes="pair"):
        with gr.Column(elem_classes="main-column", min_width=240):
            shown = gr.Radio(
                ["Count", "Share of row"],
                value="Count",
                label="Shown as",
                elem_classes=["switch", "over"],
                elem_id="count-shown",
            )
            table = figure_widget(elem_id="count-table")
            with gr.Row(elem_classes="act"):
                roll = gr.Button("Roll one letter", elem_id="count-roll")
                whole = gr.Button("Whole name", elem_id="count-whole")
                again = gr.Button("New name", elem_id="count-again")
            word = words(elem_classes="word", elem_id="count-word")
            die_figure = figure_widget(elem_id="count-die")
        with gr.Column(elem_classes="side-column", min_width=240):
            source = gr.Radio(
                [*CORPORA, "Your own"],
                value="US names",
                label="Learn from",
                elem_classes="switch",
                elem_id="count-source",
            )
            report = words(elem_classes="report", elem_id="count-report")
            with gr.Column(visible=False, elem_classes="own", min_width=200) as own:
                text = gr.Textbox(label="Paste names, one on each line", lines=5, max_lines=8, elem_id="count-text")
                upload = gr.File(
                    label="or a text file (UTF-8, at most 500 kB)",
                    file_types=[".txt", ".csv", ".tsv", ".text"],
                    height=140,
                    elem_id="count-upload",
                )
                hub = gr.Textbox(
                    label="or a Hub data set", placeholder="owner/name", max_lines=1, elem_id="count-hub"
                )
                use = gr.Button("Use these", elem_id="count-use")
            names = words(elem_classes="fig names-list", elem_id="count-names")
            order = gr.Slider(
                1,
                8,
                value=2,
                step=1,
                label="Order n",
                info="Looks at n − 1 letters to guess the next",
                elem_id="count-order",
            )
            smoothing = gr.Radio(
                list(SMOOTHINGS), value="Add k", label="Smoothing", elem_classes="switch", elem_id="count-smoothing"
            )
            k = gr.Slider(
                0.01,
                10,
                value=0.1,
                step=0.01,
                label="k",
                info="Added to every count, so nothing is impossible",
                elem_id="count-k",
            )
            losses = words(elem_classes="numbers", elem_id="count-losses")
            keep = gr.Button("Keep this model", elem_id="count-keep")
            sweep = figure_widget(elem_id="count-sweep")
    return Count(
        message, source, own, text, upload, use, hub, report, predict, guess, table, shown, names, order, smoothing,
        k, losses, sweep, keep, die_figure, word, roll, whole, again,
        pair=gr.State(FIRST_PAIR), rolled=gr.State({"trace": [], "at": 0, "seed": 0}),
    )  # fmt: skip


def wire(ctx: Context, ui: Count) -> None:
    """Connect the events."""
    model = [ui.order, ui.smoothing, ui.k]
    here = [ctx.owner, ctx.corpus]

    async def show_table(
        owner: str, corpus: Any, pair: Any, shown: str, order: int, smoothing: str, k: float, guess: Any
    ) -> Updates:
        """The table, the losses of this order, and the names that hold the locked pair."""
        how = model_args(order, smoothing, k)
        counted = await ctx.ask_corpus(corpus, owner, "count", **how)
        symbols = counted["symbols"]
        first, second = pair or (0, int(np.argmax(np.asarray(counted["counts"])[0])))
        found = await ctx.ask_corpus(corpus, owner, "names_with", first=first, second=second)
        asked = guess["share"] if guess and guess["locked"] and first == guess["row"] and second == 0 else None
        figure = pair_table(
            symbols, np.asarray(counted["counts"]), np.asarray(counted["probabilities"]), first, second,
            "counts" if shown == "Count" else "share", asked,
        )  # fmt: skip
        return {
            ui.table: figure.to_value(next_seq()),
            ui.losses: losses_trees(counted, int(order)),
            ui.names: names_trees(symbols, first, second, found),
        }

    async def show_sweep(owner: str, corpus: Any, order: int, smoothing: str, k: float) -> Updates:
        how = model_args(order, smoothing, k)
        del how["order"]
        rows = await ctx.ask_corpus(corpus, owner, "sweep", **how)
        return {
            ui.sweep: losses_by_order(rows, int(order)).to_value(next_seq()),
            ui.k: gr.update(visible=smoothing == "Add k"),
        }

    async def show_report(owner: str, corpus: Any) -> Updates:
        about = await ctx.ask_corpus(corpus, owner, "corpus")
        return {ui.report: [h("p", about["report"])]}

    async def lock_pair(
        owner: str, corpus: Any, shown: str, order: int, smoothing: str, k: float, guess: Any, event: gr.EventData
    ) -> Updates:
        """A click on a cell of the table, or on a bar, locks its pair."""
        custom = getattr(event, "custom", None)
        if not (
            isinstance(custom, list)
            and len(custom) == 2
            and all(isinstance(i, int) and 0 <= i < 10_000 for i in custom)
        ):
            raise LabError("That is not a cell of the table. Tap one of the squares.")
        pair = (custom[0], custom[1])
        return {ui.pair: pair, **await show_table(owner, corpus, pair, shown, order, smoothing, k, guess)}

    async def use_corpus(source: str, owner: str) -> Updates:
        """One of the bundled corpora; the fields for an own one open instead when that is chosen."""
        if source not in CORPORA:
            return {ui.own: gr.update(visible=True)}
        name = CORPORA[source]
        return {ui.own: gr.update(visible=False), **await change_corpus({"source": name, "name": name}, owner)}

    async def use_own(text: str, file: str | None, hub: str, owner: str) -> Updates:
        """Pasted text, an uploaded file or a Hub data set; a download that fails leaves the bundled names."""
        if sum(bool(filled) for filled in (text.strip(), file, hub.strip())) > 1:
            raise LabError("More than one source is filled in. Clear all but the one that you want to learn from.")
        if hub.strip():
            try:
                folder = str(own_folder(owner))
                fetched = await ctx.jobs.call(
                    None, owner, "fetch", {"name": hub.strip(), "folder": folder}, timeout=120
                )
                return await change_corpus(fetched, owner)
            except LabError as error:
                updates = await change_corpus(NAMES, owner)
                note = h("p", f"{error} The bundled US names are in use.", role="alert")
                return {**updates, ui.message: [note], ui.source: "US names", ui.own: gr.update(visible=False)}
        return await change_corpus(save_own_corpus(text, file, owner), owner)

    async def change_corpus(corpus: dict[str, Any], owner: str) -> Updates:
        about = await ctx.ask_corpus(corpus, owner, "corpus")  # refuses a bad one before anything changes
        updates = {
            **ui.predict.asked(),
            ui.guess: None,
            ctx.corpus: {**corpus, "longest": about["longest"]},
            ui.pair: FIRST_PAIR,
            ui.rolled: {"trace": [], "at": 0, "seed": 0},
        }
        return {**updates, **await show_report(owner, corpus)}

    async def roll(owner: str, corpus: Any, rolled: Any, order: int, smoothing: str, k: float) -> Updates:
        """Show one more roll of the name; the first roll of a name fetches all of them."""
        how = model_args(order, smoothing, k)
        made_by = [corpus["source"], *how.values()]
        if not rolled["trace"] or rolled["at"] >= len(rolled["trace"]) or rolled.get("made_by") != made_by:
            rolled = await new_name(owner, corpus, how, made_by)
        rolled = {**rolled, "at": rolled["at"] + 1}
        return show_roll(rolled)

    async def roll_all(owner: str, corpus: Any, rolled: Any, order: int, smoothing: str, k: float) -> Updates:
        how = model_args(order, smoothing, k)
        made_by = [corpus["source"], *how.values()]
        if not rolled["trace"] or rolled["at"] >= len(rolled["trace"]) or rolled.get("made_by") != made_by:
            rolled = await new_name(owner, corpus, how, made_by)
        return show_roll({**rolled, "at": len(rolled["trace"])})

    async def start_name(owner: str, corpus: Any, order: int, smoothing: str, k: float) -> Updates:
        how = model_args(order, smoothing, k)
        return show_roll(await new_name(owner, corpus, how, [corpus["source"], *how.values()]))

    async def new_name(owner: str, corpus: Any, how: dict[str, Any], made_by: list[Any]) -> dict[str, Any]:
        seed = secrets.randbelow(1_000_000)
        made = await ctx.ask_corpus(corpus, owner, "roll", seed=seed, **how)
        sample = made["samples"][0]
        return {
            "trace": sample["trace"],
            "symbols": made["symbols"],
            "at": 0,
            "seed": seed,
            "novelty": sample["novelty"],
            "made_by": made_by,
        }

    def show_roll(rolled: dict[str, Any]) -> Updates:
        trace, symbols, at = rolled["trace"], rolled["symbols"], rolled["at"]
        so_far = [symbols[choice["token"]] for choice in trace[:at] if choice["token"]]
        ended = at == len(trace)
        choice = trace[max(0, at - 1)]
        before = so_far[: max(0, at - 1)]
        figure = die(
            symbols, choice["p_final"], choice["u"] if at else None, choice["token"] if at else None,
            after="".join(before) or "the start",
        )  # fmt: skip
        marks = {"new": "new: not in the data", "training": "a training name", "held out": "a held-out name"}
        trees = [h("span", ".", cls="mark"), *(h("span", letter) for letter in so_far)]
        if ended:
            trees += [
                h("span", ".", cls="mark"),
                h("span", marks.get(rolled["novelty"], rolled["novelty"]), cls="verdict"),
            ]
        return {ui.rolled: rolled, ui.word: trees, ui.die: figure.to_value(next_seq())}

    async def keep(owner: str, corpus: Any, order: int, smoothing: str, k: float) -> Updates:
        card = await ctx.ask_corpus(
            corpus,
            owner,
            "keep_count",
            visitor=owner,
            most=ctx.jobs.limits.runs_per_owner,
            **model_args(order, smoothing, k),
        )
        return await ctx.refresh(owner, corpus, card["id"])

    async def reveal(
        question: Question,
        percent: float | None,
        owner: str,
        corpus: Any,
        shown: str,
        order: int,
        smoothing: str,
        k: float,
    ) -> tuple[Told, Updates]:
        """Look the row of n up, and show the gap."""
        counted = await ctx.ask_corpus(corpus, owner, "count", order=2, smoothing="mle", k=0.0)
        symbols = counted["symbols"]
        often = np.asarray(counted["counts"]).sum(axis=1)
        often[0] = 0  # the start is no letter
        n = symbols.index("n") if "n" in symbols else 0
        row = n if often[n] else int(np.argmax(often))
        ends, pairs = int(counted["counts"][row][0]), int(np.asarray(counted["counts"])[row].sum())
        truth = 100 * ends / pairs
        guess = None if percent is None else {"share": percent / 100, "row": row, "locked": True}
        pair = (row, 0)
        letter = symbols[row]
        gap = f"It is {truth:.1f} %"
        if percent is not None:
            gap += f", {abs(truth - percent):.1f} points {'more' if truth > percent else 'less'} than you said"
        article = "an" if letter in "aefhilmnorsx" else "a"
        told = Told(
            f"After {letter}, you said, a name ends {percent or 0:.0f} % of the time.",
            f"{pairs:,} pairs begin with {letter}; {ends:,} of them end the name.",
            f"{gap}. Why do so many names that reach {article} {letter} stop there?",
            round(truth, 2),
        )
        updates = await show_table(owner, corpus, pair, shown, order, smoothing, k, guess)
        return told, {ui.pair: pair, ui.guess: guess, **updates}

    table_inputs = [*here, ui.pair, ui.shown, *model, ui.guess]
    table_outputs = [ui.table, ui.losses, ui.names, ui.message]
    sweep_outputs = [ui.sweep, ui.k, ui.message]
    corpus_outputs = [
        *ui.predict.outputs,
        ui.guess,
        ctx.corpus,
        ui.pair,
        ui.rolled,
        ui.own,
        ui.report,
        ui.source,
        ui.message,
    ]
    for control in (ui.shown, *model):
        # `change`, not `release`: a slider that is moved with the keyboard is never released
        more = {"trigger_mode": "always_last"}
        light(control.change, guarded(ui.message, show_table), table_inputs, table_outputs, **more)
        if control is not ui.shown:
            light(control.change, guarded(ui.message, show_sweep), [*here, *model], sweep_outputs, **more)
    light(
        ui.table.select,
        guarded(ui.message, lock_pair),
        [*here, ui.shown, *model, ui.guess],
        [ui.pair, *table_outputs],
    )
    # Queued, because only then does Gradio tell the page that the corpus's state has changed.
    light(ui.source.input, guarded(ui.message, use_corpus), [ui.source, ctx.owner], corpus_outputs, queue=True)
    light(
        ui.use.click,
        guarded(ui.message, use_own),
        [ui.text, ui.upload, ui.hub, ctx.owner],
        corpus_outputs,
        queue=True,
    )
    light(
        ui.roll.click, guarded(ui.message, roll), [*here, ui.rolled, *model], [ui.rolled, ui.word, ui.die, ui.message]
    )
    light(
        ui.whole.click,
        guarded(ui.message, roll_all),
        [*here, ui.rolled, *model],
        [ui.rolled, ui.word, ui.die, ui.message],
    )
    light(ui.again.click, guarded(ui.message, start_name), [*here, *model], [ui.rolled, ui.word, ui.die, ui.message])
    light(
        ui.keep.click,
        guarded(ui.message, keep),
        [*here, *model],
        [*ctx.frame, ui.message],
    )
    ui.predict.wire(ctx, ui.message, reveal, [ui.shown, *model], [ui.pair, ui.guess, ui.table, ui.losses, ui.names])

    async def show_all(
        owner: str, corpus: Any, pair: Any, shown: str, order: int, smoothing: str, k: float, guess: Any
    ) -> Updates:
        """Everything on the level, for a page that has just opened or a corpus that has just changed."""
        updates = await show_table(owner, corpus, pair, shown, order, smoothing, k, guess)
        updates |= await start_name(owner, corpus, order, smoothing, k)
        return {**updates, **await show_report(owner, corpus)}

    ctx.show(
        "count", guarded(ui.message, show_all), table_inputs, [*table_outputs, ui.rolled, ui.word, ui.die, ui.report]
    )
    ctx.show("count", guarded(ui.message, show_sweep), [*here, *model], sweep_outputs)


async def warm(ctx: Context) -> None:
    """What the level shows first."""
    model = {name: value for name, value in FIRST_MODEL.items() if name != "order"}
    await ctx.ask_corpus(NAMES, "warm-up", "sweep", **model)
    await ctx.ask_corpus(NAMES, "warm-up", "count", **FIRST_MODEL)


def model_args(order: float, smoothing: str, k: float) -> dict[str, Any]:
    """What the page's controls say, for the worker."""
    if smoothing not in SMOOTHINGS:
        raise LabError(f"There is no smoothing '{str(smoothing)[:40]}'. Choose one of the three.")
    how = SMOOTHINGS[smoothing]
    return {"order": int(order), "smoothing": how, "k": float(k) if how == "add-k" else 0.0}


def save_own_corpus(text: str | None, file: str | None, owner: str) -> dict[str, Any]:
    """Keep a visitor's text in a file that the workers can read, named by its content."""
    if file:
        content = Path(file).read_bytes()
        name = Path(file).name
        text = decode_utf8(content[: 4 * LARGEST_TEXT], name)
    else:
        name = "your names"
    text = text or ""
    if len(text) > LARGEST_TEXT:
        raise LabError(
            f"The text has {len(text):,} characters; at most {LARGEST_TEXT:,} work here. Use a part of it."
        )
    if not text.strip():
        raise LabError("There is nothing to learn from yet. Paste some names, one on each line, or choose a file.")
    folder = own_folder(owner)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}.txt"
    path.write_bytes(text.encode("utf-8", "replace"))
    return {"source": str(path), "name": name}


def own_folder(owner: str) -> Path:
    """Where a visitor's corpora lie."""
    return home() / "corpora" / owner_key(owner)


def losses_trees(counted: dict[str, Any], order: int) -> list[Any]:
    """Both losses of the chosen order, and the number of contexts that explodes."""
    rows = []
    for part, title in (("train", "training"), ("validation", "held out")):
        loss = counted[part]
        if loss["nll"] is None:
            at = loss["infinite_at"]
            rows.append(
                h(
                    "li",
                    h("b", "∞"),
                    f" {title}: after {at['after']} the table has never seen {at['next']} (in {at['document']})",
                )
            )
        else:
            rows.append(
                h(
                    "li",
                    h("b", f"{loss['nll']:.3f}"),
                    f" nats, perplexity {loss['perplexity']:.1f}, {loss['bpc']:.2f} bits: {title}",
                )
            )
    loss = counted["validation"]
    kind = "letters" if order == 1 else f"runs of {order}"
    unseen = 100 * loss["unseen"] / loss["predictions"]
    rows.append(
        h("li", f"{counted['grams']:,} of {counted['possible']:,} possible {kind} were seen; "
                f"{unseen:.1f} % of held-out contexts never.")
    )  # fmt: skip
    return [h("ul", *rows)]


def names_trees(symbols: list[str], first: int, second: int, found: dict[str, Any]) -> list[Any]:
    """Names that hold the locked pair, the pair marked."""
    a = symbols[first] if first else "the start"
    b = symbols[second] if second else "the end"
    items = []
    for name, at in found["names"]:
        word = f".{name}."
        items.append(h("li", word[: at + 1], h("mark", word[at + 1 : at + 3]), word[at + 3 :]))
    if not items:
        line = "None. Smoothing gives this pair a small chance all the same."
    else:
        line = f"Showing {len(items)} of {found['total']:,}."
    return [h("h3", f"Names with {a} then {b}"), h("p", line, cls="look"), h("ul", *items, cls="names")]
