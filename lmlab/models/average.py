"""The prefix average: the past is the plain mean of its embeddings. And the same model with attention.

    ids (B, T) -> embed (B, T, d) -> h_i = sum over k <= i of weight_ik E[t_k] -> logits W h (B, T, V)

    mean        weight_ik = 1 / i                           every token so far counts the same
    attention   weight_ik = softmax over k of q_i . k_k / sqrt(d)     the weights are learned, nothing else changes

A mean does not know what came first, so the order of the past is lost. The boundary at the start counts as a
token like any other. Sources: Iyyer et al. (2015), Deep unordered composition rivals syntactic methods for
text classification, section 2, for the mean; Bahdanau, Cho and Bengio (2015), Neural machine translation by
jointly learning to align and translate, section 3.1, for learning the weights of a sum.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn as nn
from torch import Tensor

from lmlab.models.options import check_options
from lmlab.models.protocol import State


@dataclass(frozen=True)
class AverageConfig:
    """`d_embed` numbers a token; `mixing` says who sets the weights of the past: nobody, or attention."""

    d_embed: int = 32
    mixing: Literal["mean", "attention"] = "mean"

    def __post_init__(self) -> None:
        check_options(self, d_embed=512)


class Average(nn.Module):
    """Two matrices, E (V, d) and W (V, d); with attention also the maps of queries and keys, each (d, d).

    >>> model = Average(AverageConfig(d_embed=2), vocab_size=27)
    >>> model.logits(torch.tensor([[0, 5, 13]])).shape
    torch.Size([1, 3, 27])
    >>> model.weights(torch.tensor([[0, 5, 13]]))
    tensor([[[1.0000, 0.0000, 0.0000],
             [0.5000, 0.5000, 0.0000],
             [0.3333, 0.3333, 0.3333]]])
    """

    context: int | None = None
    block_size: int | None = None

    def __init__(self, config: AverageConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        # What is carried on: two sums, whatever the length; attention keeps every token.
        self.small_state = config.mixing == "mean"
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, config.d_embed)
        self.head = nn.Linear(config.d_embed, vocab_size, bias=False)
        nn.init.zeros_(self.head.weight)  # uniform at first: the loss starts at ln V
        if config.mixing == "attention":
            self.query = nn.Linear(config.d_embed, config.d_embed, bias=False)
            self.key = nn.Linear(config.d_embed, config.d_embed, bias=False)
            # Queries of zero score every token the same, and equal scores are the mean: learning starts there.
            nn.init.zeros_(self.query.weight)

    def weights(self, ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, T): row i says how much each token counts for position i; it sums to 1."""
        x = self.embedding(ids)
        return self._weights(x, x)

    def _weights(self, new: Tensor, seen: Tensor) -> Tensor:
        """The last T of P tokens look back: (B, T, d), (B, P, d) -> (B, T, P)."""
        T, P = new.shape[1], seen.shape[1]
        future = torch.full((T, P), -math.inf).triu(1 + P - T)  # added to scores: e^-inf = 0
        if self.config.mixing == "mean":
            scores = new.new_zeros(new.shape[0], T, P)
        else:
            scores = self.query(new) @ self.key(seen).transpose(1, 2) / math.sqrt(self.config.d_embed)
        return (scores + future).softmax(dim=-1)

    def stream(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> logits (B, T, V), and what the next piece of the same text needs.

        The state of the mean is the sum of the embeddings and their number; attention keeps them all.
        """
        x = self.embedding(ids)  # (B, T, d)
        if self.config.mixing == "attention":
            seen = x if state is None else torch.cat([state, x], dim=1)
            return self.head(self._weights(x, seen) @ seen), seen
        before, count = (torch.zeros_like(x[:, 0]), 0) if state is None else state
        sums = before[:, None] + x.cumsum(dim=1)  # running sums: each mean costs one addition
        counts = torch.arange(count + 1, count + 1 + ids.shape[1])
        return self.head(sums / counts[:, None]), (sums[:, -1], count + ids.shape[1])

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V)."""
        return self.stream(ids)[0]

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V) for the token that follows; the state is that of `stream`."""
        logits, state = self.stream(ids, state)
        return logits[:, -1], state

    def hidden_matrices(self) -> list[Tensor]:
        """Weights between hidden layers: what Muon may orthogonalise. The mean has none."""
        return [self.query.weight, self.key.weight] if self.config.mixing == "attention" else []
