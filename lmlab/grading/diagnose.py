"""From what came back to one sentence that helps, in a fixed order.

    not started → the file cannot be loaded → an exception, with the student's own line → too slow, died, too large →
    type → shape → equals a known mistake → nan or inf → the worst value → arguments that were changed

The kinds of a `Finding` are these steps; a class's summary counts them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from lmlab.grading.compare import difference, form, kind_of, same, shown
from lmlab.grading.exercise import Args, Exercise, Item
from lmlab.grading.sandbox import Failure, Reply
from lmlab.grading.wire import decode, fresh

Kind = Literal["", "not started", "loading", "exception", "limit", "form", "known", "values", "changed"]

ORDER: tuple[Kind, ...] = ("not started", "loading", "exception", "limit", "form", "known", "values", "changed")

NOT_ITS_OWN = ("NotAllowed", "NotImportable")  # errors that the sandbox raises, in sentences of its own


@dataclass(frozen=True)
class Finding:
    """What is wrong, in a sentence; an empty kind where nothing is."""

    kind: Kind = ""
    sentence: str = ""

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.kind


@dataclass(frozen=True)
class Draw:
    """One set of arguments, the student's reply, and what was expected: a value, or a ValueError with this text.

    `args` are those that were sent; `expected` never was.
    """

    args: Args
    reply: Reply
    expected: Any = None
    refuses: str | None = None
    times: float | None = None
    """How many times as long as the reference the reply took, where the item has a pace."""
    sent: bytes = b""
    """The message with the arguments, to make copies of them."""


class Mistakes:
    """Which known mistakes explain the answers of one exercise.

    A mistake explains an item when it gives the student's answer for every draw of it and would not fail where the
    student is right: somebody who multiplies correctly has not added instead. Where several mistakes do (in a special
    case two may coincide), the one that explains most other draws too is named.

    To refuse bad arguments is a matter of its own: a mistake is written without it, and the student may have thought
    of it, or not, whatever else is wrong. So items that ask for an error count only for the mistakes that are right
    everywhere else, and such an item is explained by these alone.
    """

    def __init__(self, exercise: Exercise, draws: dict[str, list[Draw]]) -> None:
        self.exercise, self.draws = exercise, draws
        self.items = [item for item in exercise.items if draws.get(item.name)]
        self.right = [item for item in self.items if all(of_draw(draw, item).right for draw in draws[item.name])]
        self._replies: dict[tuple[int, str], list[Reply]] = {}

    def named(self, item: Item) -> str | None:
        """The sentence of the mistake that explains the item, if one does."""
        explains = [
            i for i in range(len(self.exercise.wrong)) if all(self.fits(i, item)) and self.is_possible(i, item)
        ]
        if _all_nan(self.draws[item.name]):  # nan equals nan, so many mistakes agree here: another item must tell
            others = [other for other in self.items if other is not item and not _all_nan(self.draws[other.name])]
            explains = [i for i in explains if any(all(self.fits(i, other)) for other in others)]
        if not explains:
            return None
        best = max(explains, key=lambda i: (sum(sum(self.fits(i, one)) for one in self.items), -i))
        return self.exercise.wrong[best].says

    def is_possible(self, which: int, item: Item) -> bool:
        """Whether the student may have made the mistake, by all that is right."""
        answers = [other for other in self.items if not self.refuses(other)]
        if all(self.would_pass(which, other) for other in answers):  # it is a mistake about refusing
            return all(self.would_pass(which, other) for other in self.right)
        return not self.refuses(item) and all(
            self.would_pass(which, other) for other in self.right if not self.refuses(other)
        )

    def refuses(self, item: Item) -> bool:
        """Whether every draw of the item asks for an error."""
        return all(draw.refuses is not None for draw in self.draws[item.name])

    def replies(self, which: int, item: Item) -> list[Reply]:
        """What the mistake answers to each draw of the item."""
        key = which, item.name
        if key not in self._replies:
            version = self.exercise.wrong[which].version
            self._replies[key] = [reply_of(version, draw.sent) for draw in self.draws[item.name]]
        return self._replies[key]

    def fits(self, which: int, item: Item) -> list[bool]:
        """For each draw of the item whether the mistake's answer equals the student's."""
        pairs = zip(self.replies(which, item), self.draws[item.name], strict=True)
        return [_equal(reply, draw.reply, item.tolerance) for reply, draw in pairs]

    def would_pass(self, which: int, item: Item) -> bool:
        """Whether the mistake is none for this item."""
        pairs = zip(self.replies(which, item), self.draws[item.name], strict=True)
        return all(of_draw(replace(draw, reply=reply), item).right for reply, draw in pairs)


def _all_nan(draws: Sequence[Draw]) -> bool:
    """Whether every reply is a number or an array of numbers, all nan."""
    values = [draw.reply.value for draw in draws if draw.reply.failure is None]
    floats = [np.asarray(value) for value in values if isinstance(value, float | np.floating | np.ndarray)]
    return len(floats) == len(draws) > 0 and all(
        value.dtype.kind == "f" and value.size and np.isnan(value).all() for value in floats
    )


def reply_of(function: Callable[..., Any], sent: bytes) -> Reply:
    """What a function of ours answers to the arguments in a message, over the same wire as a student's."""
    try:
        with np.errstate(all="ignore"):  # a mistake may well divide by zero; the student need not hear of it
            return Reply(fresh(function(*decode(sent))))
    except Exception as error:
        kinds = tuple(kind.__name__ for kind in type(error).__mro__)
        return Reply(failure=Failure("error", type(error).__name__, kinds, str(error)))


def _equal(one: Reply, other: Reply, tolerance: float) -> bool:
    if one.failure is not None or other.failure is not None:
        failures = (one.failure, other.failure)
        return all(failure is not None and failure.is_a("ValueError") for failure in failures)
    return same(other.value, one.value, tolerance) is None


def of_draw(draw: Draw, item: Item) -> Finding:
    """What is wrong with one reply, known mistakes left aside."""
    failure = draw.reply.failure
    if failure is not None and failure.is_a("NotImplementedError"):
        return Finding("not started", "not started")
    if draw.refuses is not None:
        if failure is not None and failure.is_a("ValueError"):
            return Finding()
        if failure is None:
            got = draw.reply.value
            what = f"got {shown(got)}" if isinstance(got, int | float | str) else f"got {kind_of(got)}"
            return Finding("values", f"expected a ValueError ({draw.refuses.rstrip('.')}), {what}")
        if failure.why == "error" and failure.type not in NOT_ITS_OWN:
            wanted = f"expected a ValueError ({draw.refuses.rstrip('.')})"
            return Finding("exception", f"{wanted}, got {of_failure(failure).sentence}")
    if failure is not None:
        return Finding("limit", _too_slow(failure, item)) if failure.why == "time" else of_failure(failure)
    found = of_value(draw, item)
    if found.right and draw.reply.changed:
        said = "the answer is right, but the function changed what it was given; work on a copy or make something new"
        return Finding("changed", said)
    if found.right and item.pace is not None and draw.times is not None and draw.times > item.pace:
        said = f"right, but {draw.times:,.0f} times as slow as the reference ({item.pace:g} times would do)"
        return Finding("limit", f"{said}; {item.slow}" if item.slow else said)
    return found


def _too_slow(failure: Failure, item: Item) -> str:
    """Why a call was stopped."""
    return f"took longer than {failure.seconds:g} s ({item.slow or 'infinite loop?'})"


def of_value(draw: Draw, item: Item) -> Finding:
    """What is wrong with an answer that came."""
    try:
        return _of_value(draw, item)
    except (OverflowError, RecursionError, MemoryError):  # 10**400, or lists within lists
        return Finding("values", f"{kind_of(draw.reply.value)} that cannot be compared with the answer")


def _of_value(draw: Draw, item: Item) -> Finding:
    got, expected = draw.reply.value, draw.expected
    if item.agrees is not None:
        said: bool | str | None = form(got, expected)
        if said is None:
            try:
                said = item.agrees(got, expected, draw.args)
            except Exception:  # an answer that nobody thought of
                said = False
        if said is True:
            return Finding()
        if said is False:
            said = difference(got, expected, item.tolerance) or "the answer does not fit the arguments"
            return Finding("values", said)
        return Finding("form" if form(got, expected) else "values", str(said))
    wrong = form(got, expected)
    if wrong is not None:
        return Finding("form", wrong)
    wrong = difference(got, expected, item.tolerance)
    return Finding() if wrong is None else Finding("values", wrong)


def of_failure(failure: Failure) -> Finding:
    """An exception or an end without an answer, in a sentence.

    >>> of_failure(Failure("error", "KeyError", text="'q'", line=18, source="stoi[c]")).sentence
    "KeyError: 'q' (your line 18: stoi[c])"
    """
    at = f" (your line {failure.line}: {failure.source})" if failure.line else ""
    match failure.why:
        case "time":
            return Finding("limit", f"took longer than {failure.seconds:g} s (infinite loop?)")
        case "died":
            return Finding("limit", "the process ended without an answer (os._exit, or more memory than there is?)")
        case "garbled":
            return Finding("limit", "the answer came back as bytes without meaning (does your file write to a pipe?)")
        case "large":
            return Finding("limit", f"the answer is too large. {failure.text}")
    if failure.type in NOT_ITS_OWN:
        return Finding("exception", f"{failure.text.rstrip('.')}{at}")
    if failure.type == "MemoryError":
        return Finding("limit", f"more memory was asked for than a lab needs: {failure.text or 'MemoryError'}{at}")
    if failure.type == "SystemExit":
        return Finding("exception", f"your code ends the program (exit){at}")
    if failure.type == "EOFError":
        return Finding("exception", f"input() waits for somebody who types, and a check has nobody{at}")
    if failure.type == "RecursionError":
        return Finding("exception", f"RecursionError: the function calls itself without end{at}")
    text = f"{failure.type}: {plain(failure.text)}" if failure.text else failure.type
    return Finding("exception", f"{text}{at}")


def plain(text: str) -> str:
    """What numpy says of a matrix product, without the words of its core.

    >>> plain("matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
    ...       "(n?,k),(k,m?)->(n?,m?) (size 3 is different from 4)")
    'a matrix product of 4 columns with 3 rows, which must be equally many'
    """
    found = re.search(r"^matmul: .* core dimension 0.*\(size (\d+) is different from (\d+)\)$", text)
    if not found:
        return text
    rows, columns = found.groups()
    return f"a matrix product of {columns} columns with {rows} rows, which must be equally many"


def of_loading(failure: Failure) -> Finding:
    """Why a file cannot be loaded at all: one sentence for the whole lab."""
    said = of_failure(failure).sentence
    if failure.why == "time":
        said = f"took longer than {failure.seconds:g} s (put what trains or draws under: if __name__ == '__main__':)"
    elif failure.is_a("NotImplementedError"):
        said = f"it calls a function that is not written yet{said.removeprefix('NotImplementedError')}"
    elif failure.is_a("SyntaxError"):
        said = f"Python cannot read it: {said.partition(': ')[2]}"
    return Finding("loading", f"your file cannot be loaded: {said}")


def of_item(item: Item, draws: Sequence[Draw], mistakes: Mistakes) -> Finding:
    """What is wrong with an item: the earliest step that any draw fell at, or the mistake that explains them all."""
    findings = [finding for finding in (of_draw(draw, item) for draw in draws) if not finding.right]
    first = min(findings, key=lambda finding: ORDER.index(finding.kind), default=Finding())
    if first.kind == "values":
        known = mistakes.named(item)
        if known is not None:
            return Finding("known", f"almost: {known}")
    return first
