"""Check a student's file: for each item of each exercise whether it is right, and if not, one sentence.

    report = check_file(lab, source, seed=7)
    report.points, report.results[0].sentence

The arguments are drawn afresh for each check (the seed is written down, so that a check can be repeated); they alone
go to the student's process, and what is expected of them stays in this one.
"""

import functools
import math
import secrets
import time
import types
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np

from lmlab.errors import LabError
from lmlab.grading import experiment, wire
from lmlab.grading.diagnose import Draw, Finding, Kind, Mistakes, of_draw, of_item, of_loading, reply_of
from lmlab.grading.exercise import Args, Exercise, Item
from lmlab.grading.labs import EXPERIMENT, Lab
from lmlab.grading.sandbox import Failure, Reply, Sandbox
from lmlab.grading.student import leftovers

Status = Literal["passed", "failed", "not started"]
NO_FUNCTIONS = Finding("loading", "none of the lab's functions is in your file (is it empty, or another file?)")
LEAST_SECONDS = 0.05  # what a reference is taken for that is quicker: less is not measured well
MORE_TRIES = 2
MOST_SECONDS = 60.0  # for all calls of a file's functions together
STATUSES: tuple[Status, ...] = ("passed", "failed", "not started")


@dataclass(frozen=True)
class Result:
    """What came of one item: `kind` says at which step of the diagnosis it fell; both are empty where it passed."""

    exercise: str
    item: str
    status: Status
    max_points: float
    sentence: str = ""
    kind: Kind = ""
    number: str = ""
    extra: bool = False
    """Whether it is a check of the teacher's own."""

    @property
    def points(self) -> float:
        """All of the item's points, or none."""
        return self.max_points if self.status == "passed" else 0.0


@dataclass(frozen=True)
class Report:
    """What came of a file: one result an item, in order; `log` is what the student's code printed, cut."""

    lab: str
    seed: int
    results: tuple[Result, ...]
    seconds: float = 0.0
    log: str = field(default="", repr=False)
    loss: float | None = None
    """The experiment's loss in nats per character, where it was measured."""

    @property
    def points(self) -> float:
        """Points of all results."""
        return sum(result.points for result in self.results)

    @property
    def max_points(self) -> float:
        """Points that could be had."""
        return sum(result.max_points for result in self.results)

    @property
    def passed(self) -> bool:
        """Whether everything passed."""
        return all(result.status == "passed" for result in self.results)

    def of(self, exercise: str) -> list[Result]:
        """The results of one exercise."""
        return [result for result in self.results if result.exercise == exercise]

    def status_of(self, exercise: str) -> Status:
        """`passed` where all items of an exercise did, `not started` where none was."""
        found = {result.status for result in self.of(exercise)}
        if found == {"passed"}:
            return "passed"
        return "not started" if found == {"not started"} else "failed"


class Caller(Protocol):
    """What answers calls of the student's functions: a sandbox, or a plain function in a test."""

    def call(self, name: str, args: Args, seconds: float = 5.0, probe: str = "", keeps: bool = False) -> Reply:
        """The value that came back, or why there is none."""
        ...


class Plain:
    """Answers calls with functions of this process, over the same wire. For tests of checks, never for students.

    With `probing` an exercise's probe runs on the functions; without it they stand in for what the probe returns.

    >>> Plain({"double": lambda x: 2 * x}).call("double", (3,)).value
    6
    """

    def __init__(self, functions: dict[str, Callable[..., Any]], probing: bool = False) -> None:
        self.functions, self.probing = functions, probing

    def call(self, name: str, args: Args, seconds: float = 5.0, probe: str = "", keeps: bool = False) -> Reply:
        """Call it, and turn what it raises into a `Failure`."""
        if probe and self.probing:
            space: dict[str, Any] = {}
            exec(compile(probe, "probe", "exec"), space)
            found = functools.partial(space["probe"], types.SimpleNamespace(**self.functions))
            return reply_of(found, wire.encode(args))
        return reply_of(self.functions[name], wire.encode(args))


def check_file(
    lab: Lab,
    source: str,
    *,
    seed: int | None = None,
    slow: float = 1.0,
    weights: bytes | None = None,
    only: Collection[str] | None = None,
    extra: Sequence[Exercise] = (),
    prefix: Sequence[str] = (),
    so_far: Callable[[Sequence[Result]], None] = lambda results: None,
) -> Report:
    """Check the text of a lab.py in a sandbox: the exercises in `only` (None: all) and the `extra` ones.

    `weights` is the content of the file that was handed in for the experiment, which is in `only` as "experiment".
    `slow` stretches the time limits, `prefix` are words before the worker's command (to run it as another user), and
    `so_far` is called with the results after each exercise.
    """
    seed = secrets.randbits(32) if seed is None else seed
    begin = time.perf_counter()
    own = [(exercise, False) for exercise in lab.checked if only is None or exercise.name in only]
    exercises = own + [(exercise, True) for exercise in extra]
    results: list[Result] = []
    names = [exercise.name for exercise in (*lab.checked, *extra)]
    notes = leftovers(source, names)
    end = time.monotonic() + MOST_SECONDS * slow
    with Sandbox(
        source, memory=lab.memory, slow=slow, needs=lab.needs, network=lab.network, prefix=prefix
    ) as sandbox:
        failure = sandbox.start() if exercises else None
        for exercise, is_extra in exercises:
            if failure is not None:
                found = [_unloaded(exercise, item, of_loading(failure)) for item in exercise.items]
            elif not set(sandbox.functions) & {*names, "predict"}:
                found = [_unloaded(exercise, item, NO_FUNCTIONS) for item in exercise.items]
            else:
                found = check_exercise(exercise, sandbox, seed, sandbox.functions, end)
            if all(result.status == "not started" for result in found) and exercise.name in notes:
                said = notes[exercise.name]
                found = [replace(result, status="failed", sentence=said, kind="exception") for result in found]
            number = "" if is_extra else lab.number_of(exercise.name)
            results += [replace(result, number=number, extra=is_extra) for result in found]
            so_far(results)
    loss = None
    if lab.experiment is not None and (only is None or EXPERIMENT in only):
        result, loss = check_experiment(lab, source, weights, seed, failure, slow=slow, prefix=prefix)
        results.append(result)
    return Report(lab.id, seed, tuple(results), time.perf_counter() - begin, sandbox.log, loss)


def check_experiment(
    lab: Lab,
    source: str,
    weights: bytes | None,
    seed: int,
    failure: Failure | None = None,
    *,
    slow: float = 1.0,
    prefix: Sequence[str] = (),
) -> tuple[Result, float | None]:
    """Measure the experiment, and its loss; `failure` says that the file cannot be loaded anyway."""
    text = lab.experiment
    assert text is not None
    outcome = experiment.Outcome(finding=of_loading(failure)) if failure is not None else None
    outcome = outcome or experiment.evaluate(lab, source, weights, seed, slow=slow, prefix=prefix)
    item = experiment.item(text)
    finding = outcome.finding
    return (
        Result(EXPERIMENT, item, status_of(finding), text.points, finding.sentence, finding.kind, text.number),
        outcome.loss,
    )


def status_of(finding: Finding) -> Status:
    """The status that goes with a finding."""
    return "passed" if finding.right else "not started" if finding.kind == "not started" else "failed"


def _unloaded(exercise: Exercise, item: Item, finding: Finding) -> Result:
    return Result(exercise.name, item.name, "failed", item.points, finding.sentence, finding.kind)


def check_exercise(
    exercise: Exercise, caller: Caller, seed: int, functions: Collection[str] | None = None, end: float = math.inf
) -> list[Result]:
    """Check one exercise by calling it; `functions` are the names that the file has (None: unknown). Nothing more is
    asked after the moment `end`."""
    if functions is not None and exercise.name not in functions and not exercise.probe:
        said = f"there is no function {exercise.name} in your file (was it renamed or removed?)"
        return [Result(exercise.name, item.name, "failed", item.points, said, "exception") for item in exercise.items]
    draws: dict[str, list[Draw]] = {item.name: [] for item in exercise.items}
    stopped: Finding | None = None
    for item, question in in_an_order(exercise, seed):
        if time.monotonic() > end:
            said = f"the functions of your file took longer than {MOST_SECONDS:g} s together, so this was not checked"
            stopped = Finding("limit", said)
        if stopped is not None:
            break
        draw = ask(exercise, item, caller, question)
        draws[item.name].append(draw)
        failure = draw.reply.failure
        if failure is not None and failure.why != "error":
            stopped = of_draw(draw, item)  # the next call would take as long again
    mistakes = Mistakes(exercise, draws)
    results = []
    for item in exercise.items:
        finding = of_item(item, draws[item.name], mistakes)
        if finding.right and len(draws[item.name]) < item.times:
            assert stopped is not None
            finding = stopped
        results.append(
            Result(exercise.name, item.name, status_of(finding), item.points, finding.sentence, finding.kind)
        )
    return _without_luck(results, draws)


@dataclass(frozen=True)
class Question:
    """Arguments as a message, and what the reference says to them: a value, or a ValueError with this text."""

    sent: bytes
    expected: Any = None
    refuses: str | None = None
    seconds: float = 0.0
    """How long the reference took, with sending."""


def draw_question(exercise: Exercise, item: Item, rng: np.random.Generator) -> Question:
    """Draw arguments and ask the reference. Raises `LabError` where it fails, which is our own fault."""
    sent = wire.encode(tuple(item.draw(rng)))
    begin = time.perf_counter()
    try:
        with np.errstate(all="ignore"):
            expected = wire.fresh(exercise.answer(*wire.decode(sent)))
    except wire.WireError as error:
        raise LabError(f"The reference of {exercise.name} returns what is no data: {error}") from None
    except ValueError as error:
        return Question(sent, refuses=str(error))
    return Question(sent, expected, seconds=time.perf_counter() - begin)


def in_an_order(exercise: Exercise, seed: int) -> list[tuple[Item, Question]]:
    """What the student's function is asked. What is to be refused comes at random places among the questions of the
    first item that is not: a function that raises an error from some call on must not seem to refuse."""
    key = zlib.crc32(exercise.name.encode())
    rows = [
        [(item, draw_question(exercise, item, np.random.default_rng([seed, key, i, n]))) for n in range(item.times)]
        for i, item in enumerate(exercise.items)
    ]
    refused = [one for row in rows if all(question.refuses is not None for _, question in row) for one in row]
    answered = [row for row in rows if not all(question.refuses is not None for _, question in row)]
    first = [*(answered[0] if answered else []), *refused]
    mixed = [first[i] for i in np.random.default_rng([seed, key]).permutation(len(first))]
    return [*mixed, *(one for row in answered[1:] for one in row)]


def _without_luck(results: list[Result], draws: Mapping[str, Sequence[Draw]]) -> list[Result]:
    """A function that ends with an error for good arguments, too, does not refuse bad ones: no points for that."""
    asked = {name: all(draw.refuses is not None for draw in some) for name, some in draws.items()}
    first = next((some for name, some in draws.items() if not asked[name]), [])
    failures = [draw.reply.failure for draw in first if draw.refuses is None]
    if not any(failure is not None and failure.is_a("ValueError") for failure in failures):
        return results
    said = "it raises an error for good arguments, too, so this one is not refused either"
    return [
        replace(result, status="failed", sentence=said, kind="exception")
        if asked[result.item] and result.status == "passed"
        else result
        for result in results
    ]


def ask(exercise: Exercise, item: Item, caller: Caller, question: Question) -> Draw:
    """Call the student's function. What was expected stays here: only the arguments go to the other process."""
    args = wire.decode(question.sent)
    begin = time.perf_counter()
    reply = caller.call(exercise.name, args, exercise.seconds, exercise.probe, exercise.keeps)
    took = time.perf_counter() - begin
    failure = reply.failure
    if failure is not None and failure.is_a("NotImplementedError") and failure.function not in ("", exercise.name):
        # It is written itself, but stands on another function of the lab.
        text = f"it calls {failure.function}, which is not written yet"
        reply = Reply(failure=replace(failure, type="NotAllowed", kinds=(), text=text, line=None))
    times = None
    if item.pace is not None and reply.failure is None:
        times = took / max(question.seconds, LEAST_SECONDS)
        for _ in range(MORE_TRIES):  # others use the machine, too: the quickest of a few tries counts
            if times <= item.pace:
                break
            begin = time.perf_counter()
            caller.call(exercise.name, wire.decode(question.sent), exercise.seconds, exercise.probe)
            times = min(times, (time.perf_counter() - begin) / max(question.seconds, LEAST_SECONDS))
    return Draw(wire.decode(question.sent), reply, question.expected, question.refuses, times, question.sent)
