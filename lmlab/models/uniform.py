"""The bottom of the ladder: every token is equally likely, whatever stands before it. ln V nats a token."""

import torch
from torch import Tensor

from lmlab.models.protocol import State


class Uniform:
    """The language model that knows nothing but the vocabulary.

    >>> Uniform(27).logits(torch.tensor([[0, 5]])).shape
    torch.Size([1, 2, 27])
    """

    context: int | None = 0
    block_size: int | None = None

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V) zeros."""
        return torch.zeros(*ids.shape, self.vocab_size)

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V) zeros; there is nothing to remember."""
        return torch.zeros(len(ids), self.vocab_size), ()
