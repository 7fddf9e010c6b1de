"""What the server holds of each visitor while it runs, once for all languages, and how it is forgotten."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from lmlab.ui.work import Work

MOST_WORKS = 500
MOST_TEXT = 50_000_000  # characters of all works together: whoever invents visitors must not fill the memory


@dataclass
class Visitors:
    """One for a server: each language is an app of its own, but its visitors are the same people.

    Whatever else keeps something of a visitor in memory joins `forgetters`.

    >>> visitors = Visitors()
    >>> visitors.put("a", Work())
    >>> visitors.forget("a")
    >>> list(visitors.works)
    []
    """

    works: OrderedDict[str, Work] = field(default_factory=OrderedDict)
    """The work of each visitor as far as their pages have told it; the one touched last at the end."""
    _lengths: dict[str, int] = field(default_factory=dict)
    forgetters: list[Callable[[str], None]] = field(default_factory=list)
    """Functions of a visitor's id; each removes what one part of the lab holds of them in memory."""
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def put(self, owner: str, work: Work) -> None:
        """Hold a visitor's work; nobody's is not held, and the oldest go when there are many."""
        if not owner:
            return
        self.works[owner] = work
        self.works.move_to_end(owner)
        self._lengths[owner] = sum(len(entry.asked) + len(entry.said) + len(entry.why) for entry in work.entries)
        while len(self.works) > MOST_WORKS or (sum(self._lengths.values()) > MOST_TEXT and len(self.works) > 1):
            oldest, _ = self.works.popitem(last=False)
            del self._lengths[oldest]

    def one_at_a_time(self, owner: str) -> asyncio.Lock:
        """A visitor's lock, for what two of their clicks must not do at once; it lives as long as somebody has it."""
        lock = self._locks.get(owner)
        if lock is None:
            lock = self._locks[owner] = asyncio.Lock()
        return lock

    def forget(self, owner: str) -> None:
        """Remove all that is held of a visitor."""
        self.works.pop(owner, None)
        self._lengths.pop(owner, None)
        for forgetter in self.forgetters:
            forgetter(owner)
