"""Keys and values of the tokens so far, so that the next token need not compute them again.

Without a cache the n-th token costs n tokens' work; with one it costs its own, and a look at what is kept.
"""

import torch
from torch import Tensor


class Cache:
    """Keys and values (B, H, P, D) of P tokens, in a buffer with room for more.

    To append writes into the free room instead of copying everything before it. A state may be used again after
    others went on from it (two branches of one text); whoever comes second finds the room taken, and copies.

    >>> past = Cache.of(torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 2, 4))
    >>> one = past.append(torch.ones(1, 1, 1, 4), torch.ones(1, 1, 1, 4))
    >>> other = past.append(2 * torch.ones(1, 1, 1, 4), torch.ones(1, 1, 1, 4))
    >>> past.length, one.keys[0, 0, :, 0].tolist(), other.keys[0, 0, :, 0].tolist()
    (2, [0.0, 0.0, 1.0], [0.0, 0.0, 2.0])
    """

    def __init__(self, buffer: Tensor, length: int, taken: list[int]) -> None:
        self._buffer = buffer  # (2, B, H, room, D)
        self.length = length
        self._taken = taken  # how much of the buffer is written: one number that all states on it share

    @classmethod
    def of(cls, keys: Tensor, values: Tensor) -> "Cache":
        """The keys and values (B, H, P, D) of a first piece of text."""
        return cls(torch.stack([keys, values]), keys.shape[2], [keys.shape[2]])

    @property
    def keys(self) -> Tensor:
        """(B, H, P, D)."""
        return self._buffer[0, :, :, : self.length]

    @property
    def values(self) -> Tensor:
        """(B, H, P, D)."""
        return self._buffer[1, :, :, : self.length]

    def append(self, keys: Tensor, values: Tensor) -> "Cache":
        """The cache with the keys and values (B, H, T, D) of T more tokens; this one stays as it is."""
        length = self.length + keys.shape[2]
        if torch.is_grad_enabled():  # a gradient needs what was there before, untouched
            return Cache.of(torch.cat([self.keys, keys], dim=2), torch.cat([self.values, values], dim=2))
        if self._taken[0] != self.length or length > self._buffer.shape[3]:
            former = self._buffer[:, :, :, : self.length]
            room = former.new_empty(*former.shape[:3], 2 * length, former.shape[4])
            room[:, :, :, : self.length] = former
            self = Cache(room, self.length, [self.length])
        self._buffer[0, :, :, self.length : length] = keys
        self._buffer[1, :, :, self.length : length] = values
        self._taken[0] = length
        return Cache(self._buffer, length, self._taken)

    def keep(self, rows: Tensor) -> "Cache":
        """The cache of some texts of the batch: `rows` (B,) bool or numbers of rows."""
        buffer = self._buffer[:, rows]
        return Cache(buffer, self.length, [self.length])
