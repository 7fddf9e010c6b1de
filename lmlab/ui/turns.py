"""Answers may overtake each other on their way: of two questions of a page only the later one is answered."""

import inspect
import itertools
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from lmlab.ui.context import Updates

MOST_PAGES = 1000


class Turns:
    """Which question of each page was the last.

    >>> turns = Turns()
    >>> first, second = turns.take("page"), turns.take("page")
    >>> turns.is_last("page", first), turns.is_last("page", second), turns.is_last("forgotten", 7)
    (False, True, True)
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._last: OrderedDict[str, int] = OrderedDict()

    def take(self, page: str) -> int:
        """The number of a question that begins."""
        self._last[page] = number = next(self._numbers)
        self._last.move_to_end(page)
        while len(self._last) > MOST_PAGES:
            self._last.popitem(last=False)
        return number

    def is_last(self, page: str, number: int) -> bool:
        """Whether no other question of the page has begun since."""
        return self._last.get(page, number) == number

    def newest(self, function: Callable[..., Awaitable[Updates]]) -> Callable[..., Awaitable[Updates]]:
        """The function with the page (`Context.page`) as its first input; its answer is none where another question
        of the page has begun meanwhile."""

        async def run(page: str, *inputs: Any) -> Updates:
            number = self.take(page)
            updates = await function(*inputs)
            return updates if self.is_last(page, number) else {}

        signature = inspect.signature(function)  # Gradio counts the parameters
        first = inspect.Parameter("_turn_of", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        run.__signature__ = signature.replace(parameters=[first, *signature.parameters.values()])  # type: ignore[attr-defined]
        return run
