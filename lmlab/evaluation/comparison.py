"""Is one model better than another, or was it luck? Losses over several seeds, and what they allow to say.

The same recipe with another seed ends at another loss, so one number a model compares luck as well as models.
With the mean m, the standard deviation s and the number n of losses of two models, Welch's t-test asks how far
apart the means stand, in units of how uncertain their difference is:

    t = (m1 - m2) / sqrt(s1^2 / n1 + s2^2 / n2)

and how often equal models would stand that far apart by luck: the p-value, from Student's distribution.
Sources: Student (1908), The probable error of a mean; Welch (1947), The generalization of "Student's" problem
when several different population variances are involved, for unequal spreads and their degrees of freedom.

Seeds are the only luck that is looked at: all models answer for the same held-out documents, and another exam
could rank close ones another way.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr  # Student's distribution; scipy.stats takes three times as long to import

from lmlab.errors import LabError

LEVEL = 0.05  # of a hundred pairs of equal models, this test calls at most about five different
NOTES = {True: "", False: "not distinguishable", None: "one seed"}


@dataclass(frozen=True)
class Rung:
    """One model of the ladder: its losses over the seeds, in nats per character, and what it costs.

    `deterministic` marks a model without luck (a count table): its one loss is a fixed number, not a sample of
    size one. `memorised` is the share of its samples that stand in the training data, `held_out` of those that stand
    on a held-out side: it never read them, so they were found and not remembered. An infinite loss is allowed
    (maximum likelihood); raises `LabError` without a loss or with one that is not a number.

    >>> rung = Rung("mlp", (2.10, 2.12, 2.14), parameters=5000, seconds=10.0)
    >>> round(rung.mean, 4), round(rung.deviation, 4)
    (2.12, 0.02)
    """

    name: str
    losses: tuple[float, ...]
    parameters: int
    seconds: float
    tokens_per_second: float | None = None
    memorised: float | None = None
    deterministic: bool = False
    held_out: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "losses", tuple(self.losses))
        if not self.losses or any(math.isnan(loss) for loss in self.losses):
            told = "no loss" if not self.losses else "a loss that is not a number"
            raise LabError(f"{self.name} has {told}: leave out the runs that diverged, or train it again.")

    @property
    def mean(self) -> float:
        """Mean loss over the seeds."""
        return statistics.mean(self.losses)  # exact: equal losses have this very mean

    @property
    def deviation(self) -> float | None:
        """Standard deviation over the seeds (n - 1); 0 for a model without luck, None where one seed says nothing."""
        if self.deterministic:
            return 0.0
        if len(self.losses) < 2 or math.isinf(self.mean):
            return None
        return statistics.stdev(self.losses)

    @property
    def perplexity(self) -> float:
        """e to the mean loss."""
        return math.exp(self.mean) if self.mean < 700 else math.inf

    @property
    def bpc(self) -> float:
        """Mean loss in bits per character."""
        return self.mean / math.log(2)


def p_value(a: Rung, b: Rung) -> float | None:
    """How often two equal models would differ at least this much by luck (two-sided); None where nothing can be said.

    Two samples: Welch's test. A sample and a fixed number: the one-sample t-test, which is the same formula with
    nothing uncertain on one side. Two fixed numbers: equal or not. A single seed of a model that has luck: None.

    >>> rnn = Rung("rnn", (2.10, 2.12, 2.14), parameters=5000, seconds=10.0)
    >>> gru = Rung("gru", (2.01, 2.05, 2.06), parameters=15000, seconds=30.0)
    >>> table = Rung("trigram", (2.12,), parameters=19683, seconds=0.1, deterministic=True)
    >>> round(p_value(rnn, gru), 3), round(p_value(rnn, table), 3)
    (0.016, 1.0)
    """
    if math.isinf(a.mean) or math.isinf(b.mean):
        return 1.0 if a.mean == b.mean else 0.0
    if a.deviation is None or b.deviation is None:
        return None
    difference = abs(a.mean - b.mean)
    # The square of each mean's standard error. A fixed number has none, and drops out of all that follows.
    parts = [(rung.deviation or 0.0) ** 2 / len(rung.losses) for rung in (a, b)]
    uncertain = sum(parts)
    if uncertain == 0:
        return 1.0 if math.isclose(a.mean, b.mean, rel_tol=1e-12) else 0.0
    freedom = uncertain**2 / sum(
        part**2 / (len(rung.losses) - 1) for part, rung in zip(parts, (a, b), strict=True) if part > 0
    )
    return 2 * float(stdtr(freedom, -difference / math.sqrt(uncertain)))


def distinguishable(a: Rung, b: Rung, level: float = LEVEL) -> bool | None:
    """Does the spread over the seeds allow to call the two different? None: too few seeds to say.

    >>> a = Rung("a", (2.10, 2.12, 2.14), parameters=1, seconds=1.0)
    >>> b = Rung("b", (2.11, 2.12, 2.15), parameters=1, seconds=1.0)
    >>> once = Rung("once", (1.5,), parameters=1, seconds=1.0)
    >>> distinguishable(a, b), distinguishable(a, once)
    (False, None)
    """
    p = p_value(a, b)
    return None if p is None else p < level


@dataclass(frozen=True)
class Place:
    """A rung where it stands; `apart` says if it can be told from the next one, which is worse (last: None)."""

    rung: Rung
    apart: bool | None
    note: str
    """Nothing, `not distinguishable` (from the next one), or `one seed` where nothing can be said."""


def rank(rungs: Sequence[Rung], level: float = LEVEL) -> list[Place]:
    """The ladder by mean loss, lowest first, each rung compared with the one after it.

    Only neighbours are compared, each pair by itself: of twenty pairs of equal models one would pass for
    different by luck alone. Equal losses keep the order that they came in.

    >>> a = Rung("mlp", (2.10, 2.12, 2.14), parameters=1, seconds=1.0)
    >>> b = Rung("rnn", (2.11, 2.12, 2.15), parameters=1, seconds=1.0)
    >>> c = Rung("bigram", (2.45,), parameters=1, seconds=1.0, deterministic=True)
    >>> [(place.rung.name, place.apart, place.note) for place in rank([c, b, a])]
    [('mlp', False, 'not distinguishable'), ('rnn', True, ''), ('bigram', None, '')]
    """
    ladder = sorted(rungs, key=lambda rung: rung.mean)
    places = []
    for rung, worse in zip(ladder, [*ladder[1:], None], strict=True):
        apart = None if worse is None else distinguishable(rung, worse, level)
        places.append(Place(rung, apart, "" if worse is None else NOTES[apart]))
    return places
