"""What the level Count says: its controls as a model, losses, sums and gaps in words. Plain functions of data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmlab.errors import LabError
from lmlab.strings import t
from lmlab.ui.depths import depths_trees
from lmlab.ui.predict import Question, Told
from lmlab.ui.widgets.content import Tree, h, term
from lmlab.ui.widgets.pairs import name_of_context

SMOOTHINGS = ("mle", "add-k", "kneser-ney")
LEAST_K, MOST_K = -4, 1  # powers of ten
CELL = 0.005  # metres: a printed cell of the table
HOLE = "\N{OBJECT REPLACEMENT CHARACTER}"
ROWS_ASKED = ("", "a", "e", "n", "q", "u")
"""Letters whose rows the third question offers; the empty one is the start."""
ALPHABET = [".", *"abcdefghijklmnopqrstuvwxyz"]


# --- controls ----------------------------------------------------------------------------------------------------


def k_of(power: float) -> float:
    """The k of a place on the slider, which goes by powers of ten; half a power is 3 times as much.

    >>> k_of(-1), k_of(-3.5), k_of(1)
    (0.1, 0.0003, 10.0)
    """
    return float(f"{10**power:.0e}")


def power_of(k: float) -> float:
    """The place on the slider that is nearest to a k.

    >>> power_of(0.1), power_of(0.25), power_of(1000)
    (-1.0, -0.5, 1.0)
    """
    return float(min(MOST_K, max(LEAST_K, round(2 * math.log10(k)) / 2)))


@dataclass(frozen=True)
class Asked:
    """What the page's controls say: a corpus, and a count model of it. `before` are the letters before the last one
    of a long context. Raises `LabError` for a smoothing that there is not."""

    corpus: dict[str, Any]
    order: int
    smoothing: str
    power: float
    before: str = ""

    def __post_init__(self) -> None:
        if self.smoothing not in SMOOTHINGS:
            raise LabError(t("count.no_smoothing", name=str(self.smoothing)[:40]))
        object.__setattr__(self, "order", int(self.order))  # a slider's number may be 2.0

    @property
    def smoothed(self) -> dict[str, Any]:
        """The smoothing, as the worker takes it."""
        return {"smoothing": self.smoothing, "k": k_of(self.power) if self.smoothing == "add-k" else 0.0}

    @property
    def how(self) -> dict[str, Any]:
        """The model, as the worker takes it."""
        return {"order": self.order, **self.smoothed}

    @property
    def page(self) -> dict[str, Any]:
        """The model, and which page of its table."""
        return {**self.how, "before": self.before if self.order > 2 else ""}


def gram_of(found: dict[str, Any], order: int, row: int, column: int) -> tuple[int, ...]:
    """The tokens of a cell of the table, its context first."""
    return (*(int(i) for i in found["before"]), row, column) if order > 1 else (column,)


def context_name(found: dict[str, Any], order: int, row: int) -> str:
    """The context of a row as it is read."""
    return name_of_context(found["symbols"], gram_of(found, order, row, 0)[:-1]) if order > 1 else ""


def next_name(symbols: Sequence[str], column: int) -> str:
    """A letter that follows; the boundary is the end."""
    return symbols[column] if column else t("count.end")


def prefix_of(found: dict[str, Any], order: int, row: int) -> str:
    """The text that a name rolled from a row begins with. Raises `LabError` for a row that nothing follows."""
    context = gram_of(found, order, row, 0)[:-1]
    if context and context[-1] == 0 and any(context):
        raise LabError(t("count.after_end"))
    return "".join(found["letters"][i] for i in context)


# --- words ---------------------------------------------------------------------------------------------------------


def sentence(name: str, /, **values: Any) -> list[Tree]:
    """A string of the catalogue with elements among its values, each in its place.

    >>> sentence("count.losses.training", loss=["b", {}, "2.45"], nats="nats")
    [['b', {}, '2.45'], ' nats per character on the training names']
    """
    trees = [(key, value) for key, value in values.items() if isinstance(value, list)]
    text = t(name, **{**values, **{key: f"{HOLE}{i}{HOLE}" for i, (key, _) in enumerate(trees)}})
    parts = text.split(HOLE)
    return [part if i % 2 == 0 else trees[int(part)][1] for i, part in enumerate(parts) if part]


def losses_trees(found: dict[str, Any], order: int, counted: bool = True) -> list[Any]:
    """Both losses of the model at hand, what it met that was new, and how large its table is.

    Until the page has `counted` all names, it says that these numbers are of all of them.
    """
    V = len(found["symbols"])
    lines = []
    nats, held_out = term("nat", t("glossary.nat.word")), term("held-out", t("glossary.held-out.word"))
    train, later = found["train"], found["validation"]
    if train["nll"] is not None:
        lines.append(sentence("count.losses.training", loss=h("b", f"{train['nll']:.3f}"), nats=nats))
    if later["nll"] is None:
        lines.append(sentence("count.losses.infinite", loss=h("b", "∞"), held_out=held_out, **where_infinite(later)))
    else:
        lines.append(
            sentence(
                "count.losses.held_out", loss=h("b", f"{later['nll']:.3f}"), nats=nats, held_out=held_out,
                perplexity=term("perplexity"), times=later["perplexity"], bits=later["bpc"],
            )
        )  # fmt: skip
    share = f"{100 * later['unseen'] / later['predictions']:.1f} %"
    lines.append(sentence("count.losses.unseen", share=h("b", share)))
    grams, possible = found["grams"], found["possible"]
    name = "count.losses.seen" if order > 1 else "count.losses.seen_one"
    lines.append(sentence(name, grams=h("b", f"{grams:,}"), possible=possible, n=order))
    if order > 1:
        lines.append([t("count.losses.printed", side=printed(V**order), filled=filled(grams, possible))])
    listed = h("ul", *(h("li", *line) for line in lines))
    return [listed] if counted else [h("p", t("count.losses.whole", names=found["names"]), cls="look"), listed]


def where_infinite(loss: dict[str, Any]) -> dict[str, str]:
    """Where a loss became infinite, in words: a bare dot would look like the end of the sentence.

    >>> where_infinite({"infinite_at": {"document": "ivy", "after": ".ivy", "next": "."}})["next"]
    'the end'
    """
    at = dict(loss["infinite_at"])
    return {**at, "next": t("count.end") if at["next"] == "." else at["next"]}


def printed(cells: int) -> str:
    """How wide a square of so many cells is.

    >>> printed(27**2), printed(27**4), printed(27**8)
    ('14 cm', '3.6 m', '2.7 km')
    """
    side = CELL * math.sqrt(cells)
    if side < 1:
        return t("count.losses.centimetres", n=100 * side)
    return t("count.losses.metres", n=side) if side < 1000 else t("count.losses.kilometres", n=side / 1000)


def filled(grams: int, possible: int) -> str:
    """How full a table is.

    >>> filled(611, 729), filled(73421, 27**8)
    ('84 of 100 cells', 'one cell in 3,846,713')
    """
    if grams > 0.05 * possible:
        return t("count.losses.most", n=100 * grams / possible)
    return t("count.losses.one_in", n=possible / max(1, grams))


def cell_sums(cell: dict[str, Any], after: str, following: str, how: dict[str, Any]) -> list[str]:
    """The formula of the locked cell with its numbers."""
    said = {**cell, "after": after or "–", "next": following}
    if how["smoothing"] == "kneser-ney":
        if not cell["total"]:
            lines = [t("count.sum.kn_unseen", **said)]
        else:
            share = max(cell["count"] - cell["discount"], 0) / cell["total"]
            said |= {"share": share, "rest": cell["discount"] * cell["kinds"] / cell["total"]}
            lines = [t(f"count.sum.{name}", **said) for name in ("kn_discount", "kn_share", "kn_rest", "kn")]
    elif not cell["total"]:
        lines = [t("count.sum.unseen_plain", **said)]
    elif how["smoothing"] == "add-k":
        lines = [t("count.sum.add_k", **{**said, "k": how["k"]})]
    else:
        lines = [t("count.sum.plain", **said)]
    surprise = t("count.sum.surprise", nats=-math.log(cell["p"])) if cell["p"] else t("count.sum.surprise_infinite")
    return [*lines, surprise]


def loss_sums(row: dict[str, Any], V: int) -> list[str]:
    """How the held-out loss of one order comes about."""
    later = row["validation"]
    possible = t("count.sum.possible", V=V, n=row["order"], possible=row["possible"], grams=row["grams"])
    if later["nll"] is None:
        return [t("count.sum.loss_infinite"), possible]
    nats = later["nll"] * later["predictions"]
    return [t("count.sum.loss_held_out", nats=nats, predictions=later["predictions"], nll=later["nll"]), possible]


def row_trees(found: dict[str, Any], order: int, row: int, sums: Sequence[str]) -> list[Any]:
    """The locked row as a table, the sum of the locked cell, and the code."""
    symbols, counts, p = found["symbols"], np.asarray(found["counts"])[row], np.asarray(found["probabilities"])[row]
    after = context_name(found, order, row)
    columns = [t(f"count.table.column_{name}") for name in ("this", "next", "count", "share")]
    body = [
        h("tr", *(h("td", str(cell)) for cell in (after, symbols[i], f"{counts[i]:,}", f"{100 * p[i]:.2f}")))
        for i in np.argsort(-p, kind="stable")
    ]
    head = h("thead", h("tr", *(h("th", name) for name in columns)))
    table = h("div", h("table", head, h("tbody", *body), cls="table"), cls="scroll")
    further = depths_trees(sums, ("models/ngram.py", "Ngram._discounted"))[0]
    assert isinstance(further, list)
    return [h("div", h("details", h("summary", t("widget.figure.table")), table), *further[2:], cls="depths")]


# --- questions -----------------------------------------------------------------------------------------------------


def questions() -> list[Question]:
    """What the level asks, in this order."""
    rows = [letter or t("count.start") for letter in ROWS_ASKED]
    gap = t("count.ask.stop_gap")
    return [
        Question("stop-after-n", t("count.ask.stop"), unit="%", later=(t("count.ask.stop_run"), gap)),
        Question(
            "row-after-q", t("count.ask.row"), "drawing", (t("count.ask.row_run"), gap), labels=ALPHABET, unit="%",
            total=100, axis=t("count.ask.row_axis"),
        ),
        Question("hardest-row", t("count.ask.hardest"), "choice", (t("count.ask.hardest_run"), gap), options=rows),
        Question(
            "best-order", t("count.ask.order"), "choice", (t("count.ask.order_run"), gap),
            options=[str(n) for n in range(1, 9)],
        ),
    ]  # fmt: skip


def stop_told(found: dict[str, Any], percent: float | None) -> Told:
    """The gap between a guessed and a counted share of names that end after n; `found` is the table of pairs."""
    predicted = t("count.told.stop_predicted", percent=percent or 0)
    ran = t("count.told.ran", names=found["names"], pairs=found["pairs"])
    row = row_of(found, "n")
    if row is None:
        return Told(predicted, ran, t("count.told.absent", letter="n"))
    truth = 100 * row[0] / row.sum()
    off = 0.0 if percent is None else truth - percent
    name = "stop_gap" if abs(off) < 0.05 else "stop_gap_more" if off > 0 else "stop_gap_less"
    return Told(predicted, ran, t(f"count.told.{name}", truth=truth, off=abs(off)), round(float(truth), 2))


def drawn_told(found: dict[str, Any], drawn: Sequence[float] | None) -> Told:
    """The gap between the drawn row after q and the counted one."""
    ran = t("count.told.ran", names=found["names"], pairs=found["pairs"])
    top = 0 if drawn is None else int(np.argmax(drawn))
    percent = 0.0 if drawn is None else drawn[top]
    predicted = t("count.told.row_predicted", letter=next_name(ALPHABET, top), percent=percent)
    row = row_of(found, "q")
    if row is None:
        return Told(predicted, ran, t("count.told.absent", letter="q"))
    truth = 100 * row / row.sum()
    most = int(np.argmax(truth))
    letter = next_name(found["symbols"], most)
    shares = dict(zip(found["symbols"], truth.tolist(), strict=True))
    counted = [shares.get(symbol, 0.0) for symbol in ALPHABET]
    if drawn is None:
        gap = t("count.told.row_gap", letter=letter, truth=truth[most])
    else:
        yours = drawn[ALPHABET.index(found["symbols"][most])] if found["symbols"][most] in ALPHABET else 0.0
        off = sum(abs(a - b) for a, b in zip(drawn, counted, strict=True)) / 2
        gap = t("count.told.row_gap_guess", letter=letter, truth=truth[most], yours=yours, off=off)
    return Told(predicted, ran, gap, [round(share, 3) for share in counted])


def hardest_told(rows: Sequence[tuple[str, float, int]], choice: str | None) -> Told:
    """Which row is hardest to predict among those that were offered; `rows` is the answer of the question `rows`."""
    named = [(t("count.start") if symbol == "." else symbol, nats) for symbol, nats, _ in rows]
    offered = [letter or t("count.start") for letter in ROWS_ASKED]
    there = {name: nats for name, nats in named if name in offered}
    predicted, ran = t("count.told.hardest_predicted", choice=choice or ""), t("count.told.hardest_ran")
    truth, easiest = max(there, key=lambda name: there[name]), min(there, key=lambda name: there[name])
    said = {
        "truth": truth, "nats": there[truth], "letters": math.exp(there[truth]),
        "easiest": easiest, "least": there[easiest], "few": math.exp(there[easiest]),
    }  # fmt: skip
    wrong = choice is not None and choice != truth and choice in there
    if wrong:
        gap = t("count.told.hardest_gap_wrong", **said, choice=choice, yours=there[str(choice)])
    else:
        gap = t("count.told.hardest_gap", **said)
    return Told(predicted, ran, gap, truth)


def order_told(rows: Sequence[dict[str, Any]], choice: str | None) -> Told:
    """At which order the held-out loss is lowest; `rows` is the answer of the question `sweep`."""
    losses = {row["order"]: row["validation"]["nll"] for row in rows if row["validation"]["nll"] is not None}
    best = min(losses, key=lambda n: losses[n])
    predicted, ran = t("count.told.order_predicted", choice=choice or ""), t("count.told.order_ran")
    if best + 1 in losses:
        gap = t("count.told.order_gap", truth=best, loss=losses[best], next=losses[best + 1])
    else:
        gap = t("count.told.order_gap_last", truth=best, loss=losses[best])
    return Told(predicted, ran, gap, str(best))


def row_of(found: dict[str, Any], letter: str) -> np.ndarray | None:
    """The counts after a letter, or None where it never came; `found` is the table of pairs."""
    if letter not in found["symbols"]:
        return None
    row = np.asarray(found["counts"])[found["symbols"].index(letter)]
    return row if row.sum() else None
