"""Keys and values of the tokens so far, so that the next token need not compute them again.

Without a cache the n-th token costs n tokens' work; with one it costs its own, and a look at what is kept.
"""

from typing import Any

import torch
from torch import Tensor

LEAST_ROOM = 16  # tokens; most names fit


class Cache:
    """Keys and values (B, H, P, D) of P tokens, in a buffer with room for more.

    To append writes into the free room instead of copying everything before it. A state may be used again after
    others went on from it (two branches of one text); whoever comes second finds the room taken, and copies.

    >>> past = Cache.of(torch.zeros(2, 1, 1, 2, 4))
    >>> one, other = past.append(torch.ones(2, 1, 1, 1, 4)), past.append(2 * torch.ones(2, 1, 1, 1, 4))
    >>> past.length, one.keys[0, 0, :, 0].tolist(), other.keys[0, 0, :, 0].tolist()
    (2, [0.0, 0.0, 1.0], [0.0, 0.0, 2.0])
    """

    def __init__(self, buffer: Tensor, length: int, taken: list[int]) -> None:
        self._buffer = buffer  # (2, B, H, room, D)
        self.length = length
        self._taken = taken  # how much of the buffer is written: one number that all states on it share

    @classmethod
    def of(cls, keys_values: Tensor) -> "Cache":
        """The keys and values (2, B, H, P, D) of a first piece of text."""
        length = keys_values.shape[3]
        return cls(keys_values, length, [length])

    @property
    def keys(self) -> Tensor:
        """(B, H, P, D)."""
        return self._buffer[0, :, :, : self.length]

    @property
    def values(self) -> Tensor:
        """(B, H, P, D)."""
        return self._buffer[1, :, :, : self.length]

    def append(self, keys_values: Tensor) -> "Cache":
        """The cache with the keys and values (2, B, H, T, D) of T more tokens; this one stays as it is."""
        length = self.length + keys_values.shape[3]
        if torch.is_grad_enabled():  # a gradient needs what was there before, untouched
            return Cache.of(torch.cat([self._buffer[:, :, :, : self.length], keys_values], dim=3))
        if self._taken[0] != self.length or length > self._buffer.shape[3]:
            former = self._buffer[:, :, :, : self.length]
            room = former.new_empty(*former.shape[:3], max(LEAST_ROOM, 2 * length), former.shape[4])
            room[:, :, :, : self.length] = former
            self = Cache(room, self.length, [self.length])
        self._buffer[:, :, :, self.length : length] = keys_values
        self._taken[0] = length
        return Cache(self._buffer, length, self._taken)

    def keep(self, rows: Tensor) -> "Cache":
        """The cache of some texts of the batch: `rows` (B,) bool or numbers of rows."""
        buffer = self._buffer[:, rows]
        return Cache(buffer, self.length, [self.length])


def within_context(ids: Tensor, state: Any, context: int) -> tuple[Tensor, Tensor, list[Cache] | None]:
    """All ids (B, P + T) that still count, those to run (B, T), and the caches that go before them.

    `state` is None, or the ids so far with a cache a block. Past the context's length the oldest ids are forgotten,
    and what is left is run anew: every place has changed, and with it every key.

    >>> seen, new, past = within_context(torch.tensor([[4]]), (torch.tensor([[1, 2, 3]]), []), context=3)
    >>> seen.tolist(), new.tolist(), past
    ([[2, 3, 4]], [[2, 3, 4]], None)
    """
    seen, past = (ids, None) if state is None else (torch.cat([state[0], ids], dim=1), state[1])
    if seen.shape[1] > context:
        seen = seen[:, -context:]
        return seen, seen, None
    return seen, ids, past
