"""What the game came to: the loss with its interval, Shannon's bounds, the sums with their numbers, the summary."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lmlab.evaluation.guessing import CHIPS, SMOOTHING, Estimate, own_loss, shannon_bounds
from lmlab.figures.guessing import PLACES, Pace, Said
from lmlab.strings import t, tn
from lmlab.ui.depths import depths_trees
from lmlab.ui.guessing.played import BIT, REFERENCE, Name, by_place, drawn_as, guesses_of, symbol
from lmlab.ui.guessing.rounds import Round
from lmlab.ui.predict import Told
from lmlab.ui.widgets.content import h, term

FEWEST_GUESSES = 10  # letters before Shannon's bounds are shown
FEW = 30  # bets; fewer are called few
MOST_ROWS = 100  # of the table of bets


def bets_said(estimate: Estimate | None) -> list[Any]:
    """The student's loss with its interval, in words."""
    if estimate is None:
        return []
    mean = estimate.mean / BIT
    values = {"bits": f"{mean:.2f}", "nats": f"{estimate.mean:.2f}"}
    unit = term("nat", t("guess.nats"))
    first = h("p", h("b", t("guess.score.you", **values)), " ", t("guess.score.ruler", **values), " ", unit)
    if estimate.spread is None:
        return [first, h("p", t("guess.score.too_few"), cls="look")]
    low, high = max(0.0, mean - estimate.spread / BIT), mean + estimate.spread / BIT
    over = "names" if estimate.names else "bets"
    few = "few" if estimate.letters < FEW else "many"
    said = tn(
        f"guess.score.{over}_{few}", estimate.names or estimate.letters, low=f"{low:.2f}", high=f"{high:.2f}",
        letters=estimate.letters,
    )  # fmt: skip
    return [first, h("p", said, cls="look")]


def guesses_said(names: Sequence[Name], keys: int) -> list[Any]:
    """Shannon's bounds, once there are letters enough."""
    ranks = guesses_of(names)
    if not ranks:
        return []
    first = h("p", h("b", tn("guess.bounds.so_far", len(ranks), mean=f"{sum(ranks) / len(ranks):.1f}")))
    if len(ranks) < FEWEST_GUESSES:
        return [first, h("p", tn("guess.bounds.wait", FEWEST_GUESSES - len(ranks)), cls="look")]
    lower, upper = shannon_bounds(ranks, keys)
    return [first, h("p", t("guess.bounds.said", lower=f"{lower:.2f}", upper=f"{upper:.2f}"), cls="look")]


# --- the depths --------------------------------------------------------------------------------------------


def bet_sum(round: Round) -> list[str]:
    """The sum of the last bet with its numbers; before the first one, of a bet of seven chips."""
    V, answer, count, letter = round.keys, None, 7, "e"
    if round.played:
        each = round.played[-1]
        answer, letter = each.answer, symbol(round, each.answer)
        if each.chips is None:
            return [t("guess.sum.even", keys=V, bits=f"{math.log2(V):.2f}"), *_models_sum(round)]
        count = each.chips[each.answer]
    share = (count + SMOOTHING) / (CHIPS + SMOOTHING * V)
    lines = [
        t("guess.sum.example") if answer is None else t("guess.sum.bet", letter=letter, n=count, chips=CHIPS),
        t("guess.sum.share"),
        f"  = ({count} + {SMOOTHING}) / ({CHIPS} + {SMOOTHING} · {V}) = {share:.4f}",
        t("guess.sum.surprise", share=f"{share:.4f}", bits=f"{-math.log2(share):.2f}"),
    ]
    return [*lines, *(_models_sum(round) if answer is not None else []), t("guess.sum.zero", **_zero(V))]


def _zero(V: int) -> dict[str, str]:
    """What no chip costs, and all of them."""
    none, all_of_them = SMOOTHING / (CHIPS + SMOOTHING * V), (CHIPS + SMOOTHING) / (CHIPS + SMOOTHING * V)
    return {"none": f"{-math.log2(none):.2f}", "all": f"{-math.log2(all_of_them):.2f}"}


def _models_sum(round: Round) -> list[str]:
    answer = round.played[-1].answer
    return [
        t("guess.sum.model", model=model, p=f"{row[answer]:.4f}", bits=f"{-math.log2(row[answer]):.2f}")
        for model, row in zip(round.models, round.expected(len(round.played) - 1), strict=False)
    ]


def guess_sum(round: Round, names: Sequence[Name]) -> list[str]:
    """How a model guesses, and Shannon's bounds with their numbers."""
    lines = []
    if round.played:
        answer, row = round.played[-1].answer, round.expected(len(round.played) - 1)[REFERENCE]
        order = sorted(range(round.keys), key=lambda key: (-row[key], key))
        order = order[: round.tries(len(round.played) - 1)[REFERENCE]]
        tried = ", ".join(f"{symbol(round, key)} {100 * row[key]:.1f} %" for key in order[-8:])
        lines.append(
            t("guess.sum.order", letter=symbol(round, answer), order=("… " if len(order) > 8 else "") + tried)
        )
    ranks = guesses_of(names)
    if len(ranks) < FEWEST_GUESSES:
        return [*lines, t("guess.sum.bounds_later", n=FEWEST_GUESSES)]
    q = [ranks.count(i) / len(ranks) for i in range(1, round.keys + 1)]
    lower, upper = shannon_bounds(ranks, round.keys)
    shares = ", ".join(f"q{i} = {share:.2f}" for i, share in enumerate(q, start=1) if share)
    return [
        *lines,
        t("guess.sum.shares", n=len(ranks), shares=shares),
        t("guess.sum.upper", bits=f"{upper:.2f}"),
        t("guess.sum.lower", bits=f"{lower:.2f}"),
    ]


def depths_of(names: Sequence[Name], mode: str, sums: Sequence[str], code: tuple[str, str]) -> list[Any]:
    """All letters that were played as a table, newest first; then the sum of the last one, and the code."""
    rows = []
    for name in reversed(names):
        for i in reversed(range(len(name.mine))):
            before = "." + "".join(drawn_as(letter) for letter in name.letters[:i])
            letter = drawn_as(name.letters[i]) if i < len(name.letters) else t("guess.end")
            if mode == "bets":
                cells = [f"{name.mine[i] / BIT:.2f}", f"{name.bigram[i] / BIT:.2f}"]
            else:
                cells = [
                    f"{name.mine[i]:.0f}" if name.mine[i] else t("guess.table.given_up"),
                    f"{name.bigram[i]:.0f}",
                ]
            rows.append([before, letter, *cells])
    tag, attributes, *further = depths_trees(sums, code)[0]
    if not rows:
        return [[tag, attributes, *further]]
    head = [t(f"guess.table.{column}") for column in ("after", "letter", f"you_{mode}", f"bigram_{mode}")]
    table = h(
        "table",
        h("thead", h("tr", *(h("th", cell) for cell in head))),
        h("tbody", *(h("tr", *(h("td", cell) for cell in row)) for row in rows[:MOST_ROWS])),
        cls="table",
    )
    details = h("details", h("summary", t("widget.figure.table")), h("div", table, cls="scroll"))
    return [[tag, attributes, details, *further]]


# --- the summary -------------------------------------------------------------------------------------------


TITLES = {1: "unigram", 2: "bigram", 4: "fourgram"}
COLOURS = {1: "--base", 2: "--model-soft", 4: "--model"}
ASKED = 2
"""The order of the model that the second question is about."""


def paces_of(found: dict[str, Any], told: bool) -> list[Pace]:
    """The count models' mean surprise at each place and over all letters, in bits.

    Until it is `told`, the model that the second question asks about is left out.
    """
    return [
        Pace(
            t(f"guess.model.{TITLES[order]}"),
            [(each[place] or 0.0) / BIT for place in (*PLACES, "mean")],
            COLOURS[order],
            order == ASKED,
        )
        for order, each in found["models"].items()
        if told or order != ASKED
    ]


def said_of(guesses: Mapping[str, Any]) -> Said:
    """The student's guesses (None: skipped) as the chart takes them."""
    place = guesses.get("hardest-place")
    titles = {t(f"guess.place.{name}"): name for name in PLACES}
    return Said(titles.get(str(place)), guesses.get("bigram-bits"))


def _mine(names: Sequence[Name]) -> str:
    """What the student paid at each place, as far as there are bets."""
    parts = [
        tn(f"guess.paid.{place}", len(bits), bits=f"{sum(bits) / len(bits):.2f}")
        for place, bits in by_place(names).items()
        if bits
    ]
    return t("guess.paid.all", parts="; ".join(parts)) if parts else t("guess.paid.nothing")


def tell_place(answer: Any, found: dict[str, Any], names: Sequence[Name]) -> Told:
    """Which place is the hardest for the longest count model, and for the student."""
    pays = found["models"][4]
    hardest = max(PLACES, key=lambda place: pays[place] or 0.0)
    truth = t(f"guess.place.{hardest}")
    values = {place: f"{(pays[place] or 0.0) / BIT:.2f}" for place in PLACES}
    right = "right" if answer == truth else "told" if answer is None else "wrong"
    return Told(
        t("guess.ask.predicted", answer=answer or ""),
        t("guess.ask.ran", names=found["names"]),
        " ".join([t(f"guess.ask.place_{right}", place=truth, **values), _mine(names), t(f"guess.ask.why_{hardest}")]),
        truth,
    )


def tell_bits(answer: Any, found: dict[str, Any], names: Sequence[Name]) -> Told:
    """What the bigram pays on all held-out names, and what the student paid."""
    truth = found["models"][2]["mean"] / BIT
    estimate = own_loss([(name.mine, name.ended) for name in names])
    if answer is None:
        gap = t("guess.ask.bits_told", bits=f"{truth:.2f}")
    else:
        off = "more" if truth > answer else "less"
        gap = t(f"guess.ask.bits_{off}", bits=f"{truth:.2f}", off=f"{abs(truth - answer):.2f}")
    mine = (
        t("guess.paid.nothing")
        if estimate is None
        else tn("guess.ask.bits_you", estimate.letters, you=f"{estimate.mean / BIT:.2f}")
    )
    return Told(
        t("guess.ask.predicted_bits", bits=f"{answer or 0:.1f}"),
        t("guess.ask.ran", names=found["names"]),
        " ".join([gap, mine, t("guess.ask.why_bits")]),
        round(truth, 3),
    )


def places_sum(found: dict[str, Any], names: Sequence[Name], told: bool) -> list[str]:
    """The means of the chart with what they were taken over; `told` as in `paces_of`."""
    lines = []
    for order, each in found["models"].items():
        if order == ASKED and not told:
            continue
        title = TITLES[order]
        pays = {place: f"{(each[place] or 0.0) / BIT:.2f}" for place in (*PLACES, "mean")}
        lines.append(t("guess.sum.places", model=t(f"guess.model.{title}"), **pays))
    for place, bits in by_place(names).items():
        if bits:
            terms = " + ".join(f"{value:.2f}" for value in bits[:12]) + (" + …" if len(bits) > 12 else "")
            mean = f"{sum(bits) / len(bits):.2f}"
            lines.append(t("guess.sum.mine", place=t(f"guess.place.{place}"), terms=terms, n=len(bits), bits=mean))
    return lines
