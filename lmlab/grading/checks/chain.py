"""Gradients that are found one from the other, each checked by itself.

A student's function returns a dict of gradients, found backwards from the loss: the second from the first, the third
from the second. Each is judged by the step that leads to it, from the *student's own* gradient before it. So one slip
costs one item and not all that come after it, and the item that fails is the one to repair.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmlab.grading.compare import difference
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

Formula = Callable[[Any, Any], np.ndarray]
"""From what the function was given and the gradient before (None for the first) to the next gradient."""

SMALLEST = 1e-2
"""How large a student's gradient must be, as a share of the right one, before the next is judged from it."""

PROBE = """
def probe(lab, *args):
    *arguments, wanted = args
    if not hasattr(lab, "FUNCTION"):
        raise NameError("there is no function FUNCTION in your file (was it renamed or removed?)")
    found = lab.FUNCTION(*arguments)
    return {name: found[name] for name in wanted if name in found} if isinstance(found, dict) else found
"""


@dataclass(frozen=True)
class Link:
    """One gradient: its name, the name of the one that it is found from, how, and how people get it wrong."""

    name: str
    before: str
    formula: Formula
    slips: tuple[tuple[str, Formula], ...] = ()


class Chain:
    """All gradients of one function, in the order in which they are found.

    `given` makes one object of the function's arguments, which the formulas read.

    >>> links = (Link("dy", "", lambda given, _: 2 * given), Link("dx", "dy", lambda given, dy: 3 * dy))
    >>> Chain(lambda x: x, links).gradients(1.0)
    {'dy': 2.0, 'dx': 6.0}
    """

    def __init__(self, given: Callable[..., Any], links: tuple[Link, ...]) -> None:
        self.given = given
        self.links = {link.name: link for link in links}

    def gradients(self, given: Any, name: str = "", slip: Formula | None = None) -> dict[str, np.ndarray]:
        """Every gradient; `slip` takes the place of the formula of one `name`."""
        found: dict[str, np.ndarray] = {}
        for link in self.links.values():
            formula = slip if slip is not None and link.name == name else link.formula
            found[link.name] = formula(given, found.get(link.before))
        return found

    def exercise(self, answer: Callable[..., dict[str, np.ndarray]], items: tuple[Item, ...]) -> Exercise:
        """The exercise; `answer` is the reference, which returns all gradients. Make its items with `item`."""

        @functools.wraps(answer)
        def asked(*args: Any) -> dict[str, np.ndarray]:
            *arguments, wanted = args
            found = answer(*arguments)
            return {key: found[key] for key in wanted}

        wrong = [
            Wrong(says, self._version(link.name, slip)) for link in self.links.values() for says, slip in link.slips
        ]
        name = answer.__name__
        return Exercise(name, asked, items, tuple(wrong), probe=PROBE.replace("FUNCTION", name))

    def item(self, name: str, title: str, points: float, draw: Callable[[np.random.Generator], Args]) -> Item:
        """An item for one gradient; `draw` makes the function's arguments."""
        before = self.links[name].before
        wanted = [before, name] if before else [name]
        return Item(title, points, lambda rng: (*draw(rng), wanted), agrees=self._agrees)

    def _version(self, name: str, slip: Formula) -> Callable[..., Any]:
        def version(*args: Any) -> dict[str, np.ndarray]:
            *arguments, wanted = args
            with np.errstate(all="ignore"):
                found = self.gradients(self.given(*arguments), name, slip)
            return {key: found[key] for key in wanted}

        return version

    def _agrees(self, got: dict[str, Any], expected: dict[str, Any], args: Args) -> bool | str:
        *arguments, wanted = args
        for key in wanted:
            if key not in got:
                return f"the key '{key}' is missing"
        name = wanted[-1]
        link, given = self.links[name], self.given(*arguments)
        if link.before == "" or difference(got[link.before], expected[link.before], 1e-6) is None:
            return difference(got[name], expected[name], 1e-6) or True
        before = np.asarray(got[link.before], dtype=np.float64)
        if not np.isfinite(before).all() or not before.any():
            what = "0 everywhere" if np.isfinite(before).all() else "nan or inf in places"
            return f"your {link.before} is {what}, and {name} is found from it; repair {link.before} first"
        size = float(np.abs(before).max())
        if size < SMALLEST * float(np.abs(expected[link.before]).max()):  # any next one as small would be near
            small = f"the largest number of your {link.before} is {size:.1g}, far too small"
            return f"{small}, and {name} is found from it; repair {link.before} first"
        with np.errstate(all="ignore"):
            said = difference(got[name], link.formula(given, before), 1e-6)
            if said is None:
                return True
            known = (says for says, slip in link.slips if difference(got[name], slip(given, before), 1e-6) is None)
            return next((f"almost: {says}" for says in known), f"{said} (as found from your own {link.before})")
