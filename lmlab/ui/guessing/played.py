"""What a student has played: each name with the price of its letters, as the work keeps it and as it is summed up."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lmlab.figures.guessing import PLACES
from lmlab.strings import t
from lmlab.ui.guessing.rounds import Played, Round
from lmlab.ui.work import Entry, Work

BIT = math.log(2)
REFERENCE = 1
"""Which of the models the sentences compare with: the bigram, which the next level counts."""


@dataclass(frozen=True)
class Name:
    """A name that was played, whole or in part: its letters, what each cost the player, and what the bigram paid."""

    letters: str
    ended: bool
    mine: tuple[float, ...]
    bigram: tuple[float, ...]


def question_of(mode: str, sha256: str) -> str:
    """The name under which a game's entries stand in the student's work."""
    return f"{mode}-{sha256[:16]}"


def entry_of(round: Round) -> Entry:
    """A played name as the student's work keeps it: the price of each letter beside the bigram's.

    In nats for bets; in guesses (0: given up) for a game of guesses.
    """
    name = name_of(round)
    return Entry(
        id=round.entry,
        level="guess",
        question=question_of(round.mode, round.corpus),
        asked=f".{name.letters}{'.' if name.ended else '…'}",
        guess=list(name.mine),
        truth=list(name.bigram),
        said=total_said(round) if name.ended else "",
        at=round.at,
    )


def name_of(round: Round) -> Name:
    """What was played of a round."""
    if round.mode == "bets":
        mine = [each.nats or 0.0 for each in round.played]
        bigram = [-math.log(row[each.answer]) for row, each in _reference(round)]
    else:
        mine = [float(len(each.order)) for each in round.played]
        bigram = [float(round.tries(i)[REFERENCE]) for i in range(len(round.played))]
    return Name(round.known, round.over, tuple(mine), tuple(bigram))


def _reference(round: Round) -> list[tuple[Sequence[float], Played]]:
    return [(round.expected(i)[REFERENCE], each) for i, each in enumerate(round.played)]


def names_of(
    work: Work, sha256: str, mode: str, open_rounds: Sequence[Round], current: Round | None = None
) -> list[Name]:
    """The names played on a corpus, oldest first: those in the work, then those still in play.

    The work comes from the student's browser: an entry that is not one of ours is passed over.
    """
    found = []
    rounds = [*open_rounds, *([current] if current and current not in open_rounds else [])]
    playing = {round.entry for round in rounds}
    for entry in work.entries:
        mine, bigram = entry.guess, entry.truth
        if entry.level != "guess" or entry.question != question_of(mode, sha256) or entry.id in playing:
            continue
        if not (isinstance(mine, list) and isinstance(bigram, list) and len(mine) == len(bigram)):
            continue
        if len(entry.asked) < 2:
            continue
        ended = not entry.asked.endswith("…")
        letters = entry.asked[1:-1]
        if len(mine) != len(letters) + ended or not all(
            isinstance(value, float) and 0 <= value <= 60 for value in [*mine, *bigram]
        ):
            continue
        found.append(Name(letters, ended, tuple(mine), tuple(bigram)))  # type: ignore[arg-type]
    return found + [name_of(round) for round in rounds if round.mode == mode and round.played]


def guesses_of(names: Sequence[Name]) -> list[int]:
    """How many guesses each letter took; letters that were given up are left out."""
    return [int(tries) for name in names for tries in name.mine if tries]


def by_place(names: Sequence[Name]) -> dict[str, list[float]]:
    """The student's bets by the place in the name, in bits."""
    found: dict[str, list[float]] = {place: [] for place in PLACES}
    for name in names:
        for i, nats in enumerate(name.mine):
            place = "end" if name.ended and i == len(name.mine) - 1 else "middle" if i else "first"
            found[place].append(nats / BIT)
    return found


def symbol(round: Round, key: int) -> str:
    """How a key is drawn."""
    return drawn_as(round.letters[key]) if key < len(round.letters) else t("guess.end")


def drawn_as(letter: str) -> str:
    """A letter as a sign that can be seen; a full stop is in quotes, because a bare one is the end."""
    return {" ": "␣", ".": "‘.’"}.get(letter, letter)


def total_said(round: Round) -> str:
    """What a whole name came to."""
    name = name_of(round)
    if round.mode == "letters":
        theirs = sum(round.tries(i)[-1] for i in range(len(round.played)))
        return t(
            "guess.letters.total", name=name.letters, you=int(sum(name.mine)), bigram=int(sum(name.bigram)),
            model=round.models[-1], best=theirs,
        )  # fmt: skip
    best = [-math.log(round.expected(i)[-1][each.answer]) for i, each in enumerate(round.played)]
    n = len(name.mine)
    per = {
        who: f"{sum(nats) / n / BIT:.2f}"
        for who, nats in (("mean", name.mine), ("bigram", name.bigram), ("best", best))
    }
    return t(
        "guess.bets.total", name=name.letters, n=n, total=f"{sum(name.mine) / BIT:.1f}", model=round.models[-1], **per
    )
