"""What the ladder says: its rows, its sentences and its sums. Plain functions of data."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lmlab.evaluation.ordering import Pair, swapped_pairs
from lmlab.figures.comparing import Row
from lmlab.runs.cards import name_of
from lmlab.strings import t, tn
from lmlab.ui.bench import loss_of

RANKED = ("lstm", "bigram", "kneser-ney", "average", "transformer", "mlp")
"""The models that the student puts in order, as they first stand; their measured order is another."""
RANKED_COUNTED = ("bigram", "kneser-ney", "uniform", "trigram", "unigram", "4-gram")
"""The same for a corpus that nobody has measured: these can be counted at once."""


def titles(names: Sequence[str]) -> list[str]:
    """Names of rungs as the student reads them.

    >>> titles(["kneser-ney", "mlp"])
    ['Kneser–Ney 5', 'MLP, 3 letters']
    """
    return [t(f"compare.rung.{name}") for name in names]


def rows_of(
    ladder: Mapping[str, Any], cards: Sequence[dict[str, Any]], remembered: Mapping[str, Any], hidden: Sequence[str]
) -> list[Row]:
    """The rows of the ladder: its rungs, and the visitor's models of the same corpus.

    `remembered` is what was measured of the visitor's models, by their ids; the losses of `hidden` are not told yet,
    nor is their order, and while anything is hidden only what everybody knows already stands beside it.
    """
    rows = []
    rungs = ladder["rungs"]
    if hidden:
        told = [name for name in ("uniform", "unigram") if name not in hidden]
        by_name = {rung["name"]: rung for rung in rungs}
        rungs = [by_name[name] for name in (*hidden, *told)]
    for rung in rungs:
        shown = rung["name"] not in hidden
        rows.append(
            Row(
                rung["name"],
                t(f"compare.rung.{rung['name']}"),
                "counted" if rung["counted"] else "trained",
                rung["loss"] if shown else None,
                rung["deviation"] if shown else None,
                len(rung["losses"]),
                rung["memorised"] if shown else None,
                expected(rung["held_out"], ladder["more"]) if shown else None,
                rung["parameters"],
            )
        )
    for card in [] if hidden else cards:
        found = remembered.get(card["id"])
        rows.append(
            Row(
                card["id"],
                name_of(card),
                "mine",
                loss_of(card),
                memorised=found["shares"]["training"] if found else None,
                expected=expected(found["shares"]["held out"], ladder["more"]) if found else None,
                parameters=card["model"]["parameters"],
            )
        )
    return rows


def expected(held_out: float | None, more: float) -> float | None:
    """The share of training names among what a model writes, if it found names of both sides alike.

    >>> round(expected(0.05, 4.0), 2)
    0.2
    """
    return None if held_out is None else min(1.0, held_out * more)


def ties(ladder: Mapping[str, Any]) -> set[Pair]:
    """Pairs of rungs that cannot be told apart."""
    return {frozenset(pair) for pair in ladder["equal"]}


def gap(ladder: Mapping[str, Any], names: Sequence[str], order: Sequence[str] | None) -> tuple[str, list[str]]:
    """What to say about a student's order of `names` (None: skipped), and the measured order."""
    losses = {rung["name"]: rung["loss"] for rung in ladder["rungs"]}
    truth = sorted(names, key=lambda name: losses[name])
    best, worst = titles([truth[0], truth[-1]])
    if order is None:
        return t("compare.ladder.gap_skipped", best=best, worst=worst), truth
    swapped = swapped_pairs(order, truth, ties(ladder))
    pairs = len(names) * (len(names) - 1) // 2
    if not swapped:
        return t("compare.ladder.gap_all", pairs=pairs, best=best), truth
    widest = max(swapped, key=lambda pair: losses[pair[1]] - losses[pair[0]])
    better, worse = titles(widest)
    nats = f"{losses[widest[1]] - losses[widest[0]]:.2f}"
    return tn("compare.ladder.gap", len(swapped), pairs=pairs, best=better, worse=worse, nats=nats), truth


def said_of(ladder: Mapping[str, Any], rows: Sequence[Row], chosen: str | None) -> str:
    """The ladder in words: the row that was chosen, else its best end."""
    row = next((row for row in rows if row.key == chosen and row.loss is not None), None)
    if row is None:
        named = [rung for rung in ladder["rungs"] if rung["loss"] is not None]
        best = min(named, key=lambda rung: rung["loss"])
        parts = [t("compare.ladder.said", best=t(f"compare.rung.{best['name']}"), loss=f"{best['loss']:.3f}")]
        for pair in ladder["equal"]:
            first, second = titles(pair)
            parts.append(t("compare.ladder.said_equal", first=first, second=second))
        return " ".join(parts)
    loss = row.loss or 0.0
    parts = [t("compare.ladder.said_chosen", model=row.title, **in_words(loss))]
    if row.kind == "counted":
        parts.append(t("compare.ladder.said_counted"))
    elif row.seeds > 1 and row.deviation is not None:
        parts.append(t("compare.ladder.said_spread", n=row.seeds, spread=f"{row.deviation:.4f}"))
    else:
        parts.append(t("compare.ladder.said_one_seed"))
    if row.memorised is not None and row.expected is not None:
        shares = {"copies": f"{100 * row.memorised:.1f}", "expected": f"{100 * row.expected:.1f}"}
        parts.append(t("compare.ladder.said_copies", samples=f"{ladder['samples']:,}", **shares))
    return " ".join(parts)


def in_words(loss: float) -> dict[str, str]:
    """A loss in its three units, to display precision."""
    if not math.isfinite(loss):
        return {"loss": "∞", "perplexity": "∞", "bits": "∞"}
    return {"loss": f"{loss:.3f}", "perplexity": f"{math.exp(loss):.2f}", "bits": f"{loss / math.log(2):.2f}"}


def sums_of(ladder: Mapping[str, Any], rows: Sequence[Row], chosen: str | None) -> list[str]:
    """How the numbers of a row come about, with its own numbers; of the best one when none is chosen."""
    known = sorted((row for row in rows if row.loss is not None), key=lambda row: row.loss or 0.0)
    row = next((row for row in known if row.key == chosen), known[0] if known else None)
    if row is None or not math.isfinite(row.loss or 0.0):
        return []
    rungs = ladder["rungs"]
    place = next((i for i, rung in enumerate(rungs) if rung["name"] == row.key), None)
    mean = f"{row.loss:.4f}"
    lines = [row.title]
    if place is None:
        lines.append(t("compare.ladder.sum_single", mean=mean))
    elif rungs[place]["counted"]:
        lines.append(t("compare.ladder.sum_one", mean=mean))
    else:
        losses = " + ".join(f"{loss:.4f}" for loss in rungs[place]["losses"])
        lines.append(t("compare.ladder.sum_mean", losses=losses, n=row.seeds, mean=mean))
        if row.deviation is not None:
            lines.append(t("compare.ladder.sum_deviation", n=row.seeds, deviation=f"{row.deviation:.4f}"))
    words = in_words(row.loss or 0.0)
    lines.append(t("compare.ladder.sum_perplexity", mean=mean, perplexity=words["perplexity"], bits=words["bits"]))
    if place is not None and rungs[place]["p"] is not None:
        worse = t(f"compare.rung.{rungs[place + 1]['name']}")
        lines.append(t("compare.ladder.sum_p", worse=worse, p=percent(rungs[place]["p"])))
    if row.memorised is not None and row.expected is not None:
        held_out = row.expected / ladder["more"]
        lines.append(
            t(
                "compare.ladder.sum_expected",
                held_out=percent(held_out),
                more=f"{ladder['more']:.2f}",
                expected=percent(row.expected),
                memorised=percent(row.memorised),
            )
        )
    return lines


def percent(share: float) -> str:
    """A share of 1 in percent, with one decimal; what is smaller says so.

    >>> percent(0.123), percent(0.00001), percent(0.0)
    ('12.3', '<0.1', '0.0')
    """
    return "<0.1" if 0 < share < 0.0005 else f"{100 * share:.1f}"
