"""The window model: embed the last k tokens, lay the vectors side by side, one hidden layer, logits.

    ids (B, T) -> windows (B, T, k) -> embed (B, T, k, d) -> concatenate (B, T, k d)
               -> hidden tanh (B, T, h) -> logits (B, T, V)

Source: Bengio, Ducharme, Vincent and Jauvin (2003), A neural probabilistic language model, section 2.
With a window of 1 it can only learn what a table of pairs knows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from lmlab.models.options import check_options
from lmlab.models.protocol import State

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu, "gelu": F.gelu}


@dataclass(frozen=True)
class MLPConfig:
    """`context` tokens in the window, `d_embed` numbers a token, `d_hidden` hidden units.

    The rest is for the classic lessons: what bends the line (`activation`), what learning begins with (`init`), and
    `batch_norm`, which centres and scales each hidden unit over the batch before its activation.
    """

    context: int = 3
    d_embed: int = 10
    d_hidden: int = 128
    activation: Literal["tanh", "relu", "gelu"] = "tanh"
    init: Literal["good", "too-large", "zero"] = "good"
    batch_norm: bool = False

    def __post_init__(self) -> None:
        check_options(self, context=32, d_embed=256, d_hidden=2048)


class BatchNorm(nn.BatchNorm1d):
    """Each unit centred and scaled: (N, h) -> (N, h).

    In training the mean and spread are those of the batch, so positions hear each other, even the later ones and the
    padding; in eval mode they are running averages, and only there is a prediction a function of its own past.
    Source: Ioffe and Szegedy (2015), Batch normalization, section 3.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, h) -> (N, h); a single row has no spread, so it is measured by the running averages."""
        if self.training and len(x) == 1:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)
        return super().forward(x)


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
        self.norm = BatchNorm(config.d_hidden) if config.batch_norm else nn.Identity()
        self.activation = ACTIVATIONS[config.activation]
        self.head = nn.Linear(config.d_hidden, vocab_size)
        self._initialise()

    def _initialise(self) -> None:
        """Good, or one of two ways to go wrong."""
        if self.config.init == "good":
            # Hidden weights shrink with the width that they sum over (torch's default). Logits of zero are the
            # uniform distribution: an untrained model is exactly as unsure as it should be, and the loss starts at
            # ln V.
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)
            return
        for layer in (self.embedding, self.hidden, self.head):
            for weight in layer.parameters():
                if self.config.init == "zero":
                    # Every hidden unit is 0, so no weight but the head's bias has a gradient: it learns how frequent
                    # each token is, and nothing more.
                    nn.init.zeros_(weight)
                else:
                    # Sums of many numbers of size 1: tanh is at its flat ends, and the logits are sure and wrong.
                    nn.init.normal_(weight)

    def windows(self, ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, k): the last k ids at each position, boundaries before the start."""
        padded = F.pad(ids, (self.config.context - 1, 0), value=self.boundary_id)
        return padded.unfold(1, self.config.context, 1)

    def hidden_activations(self, ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, h): what the hidden units answer; a tanh near -1 or 1 is saturated and hardly learns."""
        x = self.embedding(self.windows(ids))  # (B, T, k, d)
        h = self.hidden(x.flatten(2)).flatten(0, 1)  # (B T, h)
        return self.activation(self.norm(h)).unflatten(0, ids.shape)

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V)."""
        return self.head(self.hidden_activations(ids))

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V); the state is the last k - 1 ids."""
        seen = ids if state is None else torch.cat([state, ids], dim=1)
        window = seen[:, -self.config.context :]
        keep = self.config.context - 1
        return self.logits(window)[:, -1], seen[:, seen.shape[1] - min(keep, seen.shape[1]) :]

    def hidden_matrices(self) -> list[Tensor]:
        """Weights between hidden layers: what Muon may orthogonalise (embeddings and heads stay with Adam)."""
        return [self.hidden.weight]
