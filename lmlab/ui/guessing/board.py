"""What the board of the game is told: never a letter that is still to come, nor how many there are."""

import math
import string
from collections.abc import Sequence
from typing import Any

from lmlab.evaluation.guessing import CHIPS
from lmlab.strings import t, tn
from lmlab.ui.bench import next_seq
from lmlab.ui.guessing.played import BIT, REFERENCE, symbol, total_said
from lmlab.ui.guessing.rounds import MODES, Hidden, Round


def first_board(models: Sequence[str]) -> dict[str, Any]:
    """The board before the server has dealt a name: what every game begins with, so that no page opens empty.

    >>> board = first_board(["unigram"])
    >>> board["token"], len(board["keys"]), board["played"]
    ('', 27, [])
    """
    empty = Round("", "", MODES[0], string.ascii_lowercase, models, Hidden((), ()), token="")
    return {**value_of(empty, False), "over": False, "total": "", "steps": {"open": open_steps(empty), "told": []}}


def value_of(round: Round, just: bool) -> dict[str, Any]:
    """What the page may know. Of the letters in front of it there is nothing in here: not one, nor how many."""
    return {
        "seq": next_seq(),
        "token": round.token,
        "mode": round.mode,
        "letters": list(round.letters),
        "keys": [symbol(round, key) for key in range(round.keys)],
        "models": list(round.models),
        "reference": REFERENCE,
        "chips": CHIPS,
        "wrong": list(round.wrong),
        "played": [played_value(round, i) for i in range(len(round.played))],
        "over": round.over,
        "just": just,
        "steps": {"open": [] if round.over else open_steps(round), "told": told_steps(round) if round.played else []},
        "total": total_said(round) if round.over else "",
    }


def played_value(round: Round, i: int) -> dict[str, Any]:
    """A letter that was played, with what the models expected there, in the unit of the game."""
    each = round.played[i]
    rows = round.expected(i)
    if round.mode == "bets":
        mine: float = (each.nats or 0.0) / BIT
        models = [-math.log2(row[each.answer]) for row in rows]
    else:
        mine, models = float(len(each.order)), [float(tries) for tries in round.tries(i)]
    return {
        "key": each.answer,
        "chips": list(each.chips or []),
        "order": list(each.order),
        "mine": round_to(mine),
        "theirs": [round_to(value) for value in models],
        "p": [[round_to(p) for p in row] for row in rows],
    }


def round_to(value: float) -> float:
    """Four digits after the point are more than the page shows."""
    return round(value, 4)


def prefix_of(round: Round, upto: int) -> str:
    """The letters before a position, as the app draws them."""
    return "." + "".join(symbol(round, each.answer) for each in round.played[:upto])


def open_steps(round: Round) -> list[str]:
    """The three steps while the student guesses."""
    place = "next" if round.played else "first"
    ask = t(f"guess.{round.mode}.ask_{place}", prefix=prefix_of(round, len(round.played)), chips=CHIPS)
    if round.wrong:
        ask = t("guess.letters.wrong", keys=", ".join(symbol(round, key) for key in round.wrong), ask=ask)
    return [ask, t(f"guess.{round.mode}.later_run"), t(f"guess.{round.mode}.later_gap")]


def told_steps(round: Round) -> list[str]:
    """The three steps when the letter is known: the guess in words, the letter, the gap."""
    each = round.played[-1]
    letter = symbol(round, each.answer)
    ended = each.answer == len(round.letters)
    ran = t("guess.ran_end", name=round.known) if ended else t("guess.ran", letter=letter)
    if round.mode == "letters":
        if not each.order:
            return [t("guess.letters.given_up"), ran, t("guess.letters.gap_given_up", **_tries(round))]
        order = ", ".join(symbol(round, key) for key in each.order)
        ahead = round.tries(len(round.played) - 1)[REFERENCE] - len(each.order)
        who = "you" if ahead > 0 else "same" if ahead == 0 else "table"
        gap = t(f"guess.letters.gap_{who}", you=len(each.order), **_tries(round))
        return [tn("guess.letters.predicted", len(each.order), order=order), ran, gap]
    mine, row = (each.nats or 0.0) / BIT, round.expected(len(round.played) - 1)[REFERENCE]
    values = {
        "letter": letter,
        "you": f"{mine:.2f}",
        "bigram": f"{-math.log2(row[each.answer]):.2f}",
        "share": f"{100 * math.exp(-(each.nats or 0.0)):.0f}",
        "p": f"{100 * row[each.answer]:.0f}",
    }
    if each.chips is None:
        return [t("guess.bets.skipped", keys=round.keys), ran, t("guess.bets.gap_skipped", **values)]
    count = each.chips[each.answer]
    predicted = tn("guess.bets.predicted", count, letter=letter, chips=CHIPS)
    if not count:
        gap = t("guess.bets.gap_none", **values)
    else:
        gap = t(f"guess.bets.gap_{'better' if mine < -math.log2(row[each.answer]) else 'worse'}", **values)
    return [predicted, ran, gap]


def _tries(round: Round) -> dict[str, Any]:
    tries = round.tries(len(round.played) - 1)
    return {"bigram": tries[REFERENCE], "best": tries[-1], "model": round.models[-1]}
