"""The window model: embed the last k tokens, lay the vectors side by side, one hidden layer, logits.

    ids (B, T) -> windows (B, T, k) -> embed (B, T, k, d) -> concatenate (B, T, k d)
               -> hidden tanh (B, T, h) -> logits (B, T, V)

Source: Bengio, Ducharme, Vincent and Jauvin (2003), A neural probabilistic language model, section 2.
With a window of 1 it can only learn what a table of pairs knows.
"""

from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from lmlab.errors import LabError
from lmlab.models.protocol import State


@dataclass(frozen=True)
class MLPConfig:
    """`context` tokens in the window, `d_embed` numbers a token, `d_hidden` hidden units."""

    context: int = 3
    d_embed: int = 10
    d_hidden: int = 128

    def __post_init__(self) -> None:
        for name, value, most in (
            ("context", self.context, 32),
            ("d_embed", self.d_embed, 256),
            ("d_hidden", self.d_hidden, 2048),
        ):
            if not 1 <= value <= most:
                raise LabError(f"{name} is {value}: choose 1 to {most}.")


class MLP(nn.Module):
    """A window of `context` tokens in, logits for the next one out.

    >>> model = MLP(MLPConfig(context=3, d_embed=2, d_hidden=8), vocab_size=27)
    >>> model.logits(torch.tensor([[0, 5, 13]])).shape
    torch.Size([1, 3, 27])
    >>> sum(p.numel() for p in model.parameters())      # 27*2 + (6*8 + 8) + (8*27 + 27)
    353
    """

    block_size: int | None = None
    boundary_id = 0

    def __init__(self, config: MLPConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.context: int | None = config.context
        self.embedding = nn.Embedding(vocab_size, config.d_embed)
        self.hidden = nn.Linear(config.context * config.d_embed, config.d_hidden)
        self.head = nn.Linear(config.d_hidden, vocab_size)
        # Logits of zero are the uniform distribution: an untrained model is exactly as unsure as it should
        # be, and the loss starts at ln V.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def windows(self, ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, k): the last k ids at each position, boundaries before the start."""
        padded = F.pad(ids, (self.config.context - 1, 0), value=self.boundary_id)
        return padded.unfold(1, self.config.context, 1)

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V)."""
        x = self.embedding(self.windows(ids))  # (B, T, k, d)
        h = torch.tanh(self.hidden(x.flatten(2)))  # (B, T, h)
        return self.head(h)

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V); the state is the last k - 1 ids."""
        seen = ids if state is None else torch.cat([state, ids], dim=1)
        window = seen[:, -self.config.context :]
        keep = self.config.context - 1
        return self.logits(window)[:, -1], seen[:, seen.shape[1] - min(keep, seen.shape[1]) :]

    def hidden_matrices(self) -> list[Tensor]:
        """Weights between hidden layers: what Muon may orthogonalise (embeddings and heads stay with Adam)."""
        return [self.hidden.weight]
