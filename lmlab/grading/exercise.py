"""What is checked of a function: its items, the reference that answers them, and the mistakes people make.

    EXERCISES = [
        Exercise(
            "perplexity",
            answer=lambda nats: np.exp(np.mean(nats)),
            items=(Item("of some losses", 1.0, lambda rng: (rng.random(5),)),),
            wrong=(Wrong("2 to the power of a loss in nats; nats go with e", lambda nats: 2 ** np.mean(nats)),),
        ),
    ]

Arguments and answers are data: numbers, strings, bytes, None, numpy arrays, and lists, tuples, dicts and sets of
them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Args = tuple[Any, ...]
Agrees = Callable[[Any, Any, Args], "bool | str"]


@dataclass(frozen=True)
class Wrong:
    """A plausible wrong version of a function and the sentence that helps.

    The sentence follows "almost: ", so it begins with a small letter and says what the version does, why that is
    wrong, and what to do. The version returns the type and shape of the answer, or it would be told apart before.
    """

    says: str
    version: Callable[..., Any]


@dataclass(frozen=True)
class Item:
    """One thing that is checked of a function, all or nothing.

    `name` reads after the function's name: "is stable for large logits". `draw(rng)` makes fresh arguments, as a
    tuple, each of `times` times. Numbers may differ by `tolerance`, relative above 1 and absolute below. Where
    answers are not unique, `agrees(got, expected, args)` decides: True, False, or the sentence that says what is
    wrong.

    With a `pace`, an answer may take that many times as long as the reference on the same machine, sending included;
    `slow` is the sentence for one that takes longer. Such an item comes last: a call that never ends stops the rest.
    """

    name: str
    points: float
    draw: Callable[[np.random.Generator], Args]
    times: int = 3
    tolerance: float = 1e-6
    agrees: Agrees | None = None
    pace: float | None = None
    slow: str = ""


@dataclass(frozen=True)
class Exercise:
    """A function of lab.py: `answer` is the reference; where it raises ValueError the student must raise one too.

    `seconds` is what one call may take. With `keeps` the function may not change the arguments that it is given. A
    `probe` is source text of a function `probe(lab, *args)` that runs in the
    student's process in place of the function itself, for what cannot be asked by one call with data: `lab` is the
    student's module, and what it returns is compared like any answer.
    """

    name: str
    answer: Callable[..., Any]
    items: tuple[Item, ...]
    wrong: tuple[Wrong, ...] = ()
    seconds: float = 5.0
    probe: str = ""
    keeps: bool = False

    def __post_init__(self) -> None:
        names = [item.name for item in self.items]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"The items of {self.name} need names that differ: {names}.")

    @property
    def points(self) -> float:
        """The points of all items together."""
        return sum(item.points for item in self.items)
