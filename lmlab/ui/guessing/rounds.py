"""Rounds of the guessing game, kept in the web process: the page is told a letter only after its bet is locked.

A round is found by a token that cannot be guessed, and only by the visitor it was made for. What comes from the page
is checked as a stranger's; a wrong move is refused with a sentence and changes nothing.
"""

import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from lmlab.errors import LabError
from lmlab.evaluation.guessing import CHIPS, surprise, tries
from lmlab.strings import t

Mode = Literal["letters", "bets"]
MODES: tuple[Mode, ...] = ("letters", "bets")
MOST_ROUNDS = 3000
MOST_OF_A_VISITOR = 6
MOST_VISITORS = 1000
MOST_PLAYED = 500
"""So many names of a corpus do not come again, or half of the corpus where it is small."""
SECONDS = 4 * 3600.0
"""A round that nobody has touched for so long is forgotten."""


@dataclass(frozen=True)
class Hidden:
    """A name as numbers of keys (the end mark, the last key, ends it), and (models, n + 1, V) probabilities."""

    answers: tuple[int, ...]
    p: tuple[Sequence[Sequence[float]], ...] = field(repr=False)


@dataclass(frozen=True)
class Played:
    """One letter that was played. `order` are the keys that were tried, the right one last; empty: given up."""

    answer: int
    chips: tuple[int, ...] | None = None
    """None where nothing was bet: in a game of guesses, and for a skipped bet, which costs as much as an even one."""
    order: tuple[int, ...] = ()
    nats: float | None = None


@dataclass
class Round:
    """One hidden name in play. `keys` are the letters that can be chosen; the end mark comes after them."""

    owner: str
    corpus: str
    mode: Mode
    letters: Sequence[str]
    models: Sequence[str]
    hidden: Hidden = field(repr=False)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    entry: str = field(default_factory=lambda: secrets.token_hex(8))
    """Id of the entry in the student's work."""
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    wrong: list[int] = field(default_factory=list)
    """Keys that were tried for the letter in play and are not it."""
    played: list[Played] = field(default_factory=list)

    @property
    def keys(self) -> int:
        """How many keys there are, the end mark included."""
        return len(self.letters) + 1

    @property
    def over(self) -> bool:
        """Whether the end mark was played."""
        return len(self.played) == len(self.hidden.answers)

    @property
    def known(self) -> str:
        """The letters that were played."""
        return "".join(self.letters[each.answer] for each in self.played if each.answer < len(self.letters))

    def guess(self, position: Any, key: Any) -> bool:
        """Try a key; whether it was right. Raises `LabError` for a move that is not allowed."""
        self._check("letters", position)
        if not _whole(key) or not 0 <= key < self.keys:
            raise LabError(t("guess.refused.key", n=self.keys))
        if key in self.wrong:
            raise LabError(t("guess.refused.again"))
        answer = self.hidden.answers[len(self.played)]
        if key != answer:
            self.wrong.append(key)
            return False
        self.played.append(Played(answer, order=(*self.wrong, key)))
        self.wrong.clear()
        return True

    def bet(self, position: Any, chips: Any) -> Played:
        """Lock the chips on the keys, a whole number for each. Raises `LabError` for a bet that is not allowed."""
        self._check("bets", position)
        if not isinstance(chips, list) or len(chips) != self.keys:
            raise LabError(t("guess.refused.key", n=self.keys))
        if not all(_whole(count) and count >= 0 for count in chips):
            raise LabError(t("guess.refused.chips"))
        if sum(chips) != CHIPS:
            raise LabError(t("guess.refused.total", total=min(sum(chips), 10**6), chips=CHIPS))
        answer = self.hidden.answers[len(self.played)]
        self.played.append(Played(answer, tuple(chips), nats=surprise(chips, answer)))
        return self.played[-1]

    def skip(self, position: Any) -> Played:
        """See the letter without a guess. A skipped bet counts as the even one that it is."""
        self._check(self.mode, position)
        answer = self.hidden.answers[len(self.played)]
        nats = surprise([1] * self.keys, answer) if self.mode == "bets" else None
        self.played.append(Played(answer, nats=nats))
        self.wrong.clear()
        return self.played[-1]

    def expected(self, position: int) -> list[Sequence[float]]:
        """What each model expected at a position that was played: (models, V) probabilities."""
        if not 0 <= position < len(self.played):
            raise IndexError(position)
        return [rows[position] for rows in self.hidden.p]

    def tries(self, position: int) -> list[int]:
        """How many guesses each model would have needed at a position that was played."""
        return [tries(row, self.played[position].answer) for row in self.expected(position)]

    def _check(self, mode: Mode, position: Any) -> None:
        if mode != self.mode:
            raise LabError(t("guess.refused.mode"))
        if self.over:
            raise LabError(t("guess.refused.over"))
        if not _whole(position) or position != len(self.played):
            raise LabError(t("guess.refused.position"))


def _whole(value: Any) -> bool:
    """A whole number; JSON's true is none."""
    return isinstance(value, int) and not isinstance(value, bool)


class Rounds:
    """All rounds of all visitors, the oldest forgotten first; with the names that each visitor has had."""

    def __init__(
        self,
        most: int = MOST_ROUNDS,
        of_a_visitor: int = MOST_OF_A_VISITOR,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rounds: OrderedDict[str, tuple[Round, float]] = OrderedDict()
        self._waiting: OrderedDict[tuple[str, str, str], list[Hidden]] = OrderedDict()
        self._had: OrderedDict[tuple[str, str], deque[int]] = OrderedDict()
        self._most, self._of_a_visitor, self._seconds, self._clock = most, of_a_visitor, seconds, clock

    # --- rounds ---------------------------------------------------------------------------------------

    def open(self, round: Round) -> Round:
        """Keep a new round; the visitor's oldest ones go when there are too many."""
        self._tidy()
        mine = [token for token, (other, _) in self._rounds.items() if other.owner == round.owner]
        for token in mine[: max(0, len(mine) + 1 - self._of_a_visitor)]:
            del self._rounds[token]
        self._rounds[round.token] = (round, self._clock())
        while len(self._rounds) > self._most:
            self._rounds.popitem(last=False)
        return round

    def find(self, token: Any, owner: str) -> Round:
        """A visitor's round. Raises `LabError` for a token that is unknown, forgotten or another visitor's."""
        self._tidy()
        found = self._rounds.get(token) if isinstance(token, str) else None
        if found is None or not owner or found[0].owner != owner:
            raise LabError(t("guess.refused.token"))
        self._rounds[token] = (found[0], self._clock())
        self._rounds.move_to_end(token)
        return found[0]

    def of(self, owner: str, corpus: str) -> list[Round]:
        """A visitor's rounds on a corpus that are not over, oldest first."""
        self._tidy()
        rounds = [round for round, _ in self._rounds.values()]
        return [round for round in rounds if round.owner == owner and round.corpus == corpus and not round.over]

    def close(self, round: Round) -> None:
        """Forget a round."""
        self._rounds.pop(round.token, None)

    def forget(self, owner: str) -> None:
        """Forget a visitor: their rounds, the names that wait for them and those that they have had."""
        for token in [token for token, (round, _) in self._rounds.items() if round.owner == owner]:
            del self._rounds[token]
        for corpus in [key for key in self._had if key[0] == owner]:
            del self._had[corpus]
        for models in [key for key in self._waiting if key[0] == owner]:
            del self._waiting[models]

    def _tidy(self) -> None:
        while self._rounds:
            token, (_, touched) = next(iter(self._rounds.items()))
            if self._clock() - touched <= self._seconds:
                break
            del self._rounds[token]

    # --- names ----------------------------------------------------------------------------------------

    def draw(self, owner: str, corpus: str, names: int, n: int) -> list[int]:
        """Numbers of `n` names out of `names`, by chance, that the visitor has not had lately."""
        had = self._had.setdefault((owner, corpus), deque())
        self._had.move_to_end((owner, corpus))
        while len(self._had) > MOST_VISITORS:
            self._had.popitem(last=False)
        drawn: list[int] = []
        for _ in range(min(n, names)):
            while len(had) > min(MOST_PLAYED, names // 2):
                had.popleft()
            seen = {*had, *drawn}
            free = [i for i in range(names) if i not in seen]
            drawn.append(secrets.choice(free))
            had.append(drawn[-1])
        return drawn

    def put(self, owner: str, corpus: str, models: str, names: Sequence[Hidden]) -> None:
        """Keep names for a visitor's next rounds; `models` says which models' expectations they come with."""
        key = (owner, corpus, models)
        self._waiting[key] = [*self._waiting.pop(key, []), *names]
        while len(self._waiting) > MOST_VISITORS:
            self._waiting.popitem(last=False)

    def take(self, owner: str, corpus: str, models: str) -> Hidden | None:
        """The next name that waits for a visitor, or None."""
        waiting = self._waiting.get((owner, corpus, models))
        return waiting.pop(0) if waiting else None
