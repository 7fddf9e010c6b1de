"""What a measurement gives: rows, the machine they come from, and two ways of timing."""

import contextlib
import importlib.metadata
import importlib.util
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lmlab.jobs.local import cores

MOST_THREADS = 64  # as many as a recipe may ask for


@dataclass(frozen=True)
class Machine:
    """Where the figures come from: without it they mean nothing."""

    cpu: str
    cores: int
    system: str
    python: str
    torch: str
    numpy: str


@dataclass(frozen=True)
class Row:
    """One figure. `value` and `target` are in `unit`; the target is the most that the value may be.

    With `at_least` it is the least: so it is with "times as fast as". `at` is the size that was measured, where
    rows of one name form a curve.

    >>> Row("load", "Load the names", "s", 0.1, target=0.3).met
    True
    >>> Row("step", "As fast as the peer", "x", 1.4, target=1.5, at_least=True).met
    False
    >>> Row("peer", "A ratio without a target", "x", 3.0).met is None
    True
    """

    name: str
    what: str
    unit: str
    value: float | None
    target: float | None = None
    runs: tuple[float, ...] = ()
    note: str = ""
    at_least: bool = False
    at: float | None = None
    never: bool = False
    """It was measured, and what was waited for did not happen: no value, and the target is missed."""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target, or where nothing could be measured."""
        if self.target is None or (self.value is None and not self.never):
            return None
        if self.value is None:
            return False
        return self.value >= self.target if self.at_least else self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        """Plain data for `bench --json`."""
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "at": self.at,
            "value": self.value,
            "target": self.target,
            "at_least": self.at_least,
            "met": self.met,
            "runs": list(self.runs),
            "note": self.note,
        }


def machine() -> Machine:
    """The processor, the cores this process may use, and the versions that matter."""
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    versions = (importlib.metadata.version(package) for package in ("torch", "numpy"))
    return Machine(cpu, cores(), platform.platform(terse=True), platform.python_version(), *versions)


def missing(package: str) -> str:
    """The note of a row whose peer is not installed; nothing where it is.

    >>> missing("torch")
    ''
    >>> missing("a_package_of_nobody")
    'Peer not installed: pip install a_package_of_nobody, then run this again.'
    """
    if importlib.util.find_spec(package) is not None:
        return ""
    return f"Peer not installed: pip install {package}, then run this again."


@contextlib.contextmanager
def all_cores() -> Iterator[None]:
    """Let torch use every core that this process may use, as a person at this machine would."""
    former = torch.get_num_threads()
    torch.set_num_threads(min(MOST_THREADS, cores()))
    try:
        yield
    finally:
        torch.set_num_threads(former)


def seconds(work: Callable[[], object], runs: int, warm_up: bool = True) -> tuple[float, ...]:
    """How long the work takes, once for each run; a first time is not counted."""
    if warm_up:
        work()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return tuple(times)


@dataclass(frozen=True)
class Race:
    """Seconds that two took for the same work, turn by turn.

    >>> race = Race(ours=(1.0, 1.0, 2.0), theirs=(3.0, 2.0, 8.0))
    >>> race.ratios, race.ratio
    ((3.0, 2.0, 4.0), 3.0)
    """

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Their time as a multiple of ours, turn by turn: above 1 where we are faster."""
        return tuple(theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    def times(self) -> str:
        """The median times, in words.

        >>> Race(ours=(0.01,), theirs=(0.025,)).times()
        'Ours 10 ms, theirs 25 ms.'
        """
        return (
            f"Ours {spoken_time(statistics.median(self.ours))}, theirs {spoken_time(statistics.median(self.theirs))}."
        )


def race(
    ours: Callable[[], object], theirs: Callable[[], object], turns: int, calls: int = 1, warm_up: bool = True
) -> Race:
    """Time two by turns, so that both live through the same minutes of a noisy machine.

    In a turn each does its work `calls` times in a row; who begins changes from turn to turn. With `warm_up` there
    is one turn more, the first, in which memory is still being found and which is not counted.
    """
    times: dict[Callable[[], object], list[float]] = {ours: [], theirs: []}
    for turn in range(turns + warm_up):
        for one in (ours, theirs) if turn % 2 else (theirs, ours):
            begin = time.perf_counter()
            for _ in range(calls):
                one()
            times[one].append((time.perf_counter() - begin) / calls)
    return Race(tuple(times[ours][int(warm_up) :]), tuple(times[theirs][int(warm_up) :]))


def spoken_time(duration: float) -> str:
    """A duration in the unit that suits it.

    >>> spoken_time(0.0123), spoken_time(72.4)
    ('12.3 ms', '72.4 s')
    """
    return f"{duration:.3g} s" if duration >= 1 else f"{1000 * duration:.3g} ms"
