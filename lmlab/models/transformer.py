"""The plain GPT: tokens look back at tokens, then each thinks for itself; four times over.

    ids (B, T) -> token + position embeddings (B, T, C)
      n_layer times:  x = x + attention(norm(x))
                      x = x + mlp(norm(x))
    -> norm -> logits (B, T, V)

Source: Vaswani et al. (2017), Attention is all you need, sections 3.2 and 3.5; Radford et al. (2019),
Language models are unsupervised multitask learners, section 2.3, for the norm before each part (pre-norm).
Dimensions: B batch, T time, C = d_model, H heads, D = C / H per head, V vocabulary.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from lmlab.errors import LabError
from lmlab.models.cache import Cache, within_context
from lmlab.models.options import check_options
from lmlab.models.protocol import State


@dataclass(frozen=True)
class TransformerConfig:
    """`context` tokens at most, `n_layer` blocks of width `d_model` with `n_head` heads each."""

    context: int = 32
    d_model: int = 64
    n_layer: int = 4
    n_head: int = 4
    positions: Literal["learned", "sinusoidal"] = "learned"
    activation: Literal["relu", "gelu"] = "relu"
    """What bends the line in each block: ReLU as in Vaswani et al., or GELU as in GPT-2, smooth and slower."""
    dropout: float = 0.0
    """Share of the numbers added to the stream that is struck out at random while learning, so that a small corpus is
    not learned by heart. Source: Srivastava et al. (2014), Dropout."""

    def __post_init__(self) -> None:
        check_options(self, context=1024, d_model=512, n_layer=12, n_head=16)
        if self.d_model % self.n_head:
            raise LabError(f"d_model {self.d_model} does not divide into {self.n_head} heads: choose a multiple.")
        if not 0 <= self.dropout < 1:
            raise LabError(f"dropout is {self.dropout:g}: choose 0 (none) or more, below 1.")
        if self.positions == "sinusoidal" and self.d_model % 2:
            raise LabError(f"d_model {self.d_model} is odd: sinusoidal positions need pairs. Choose an even one.")


def sinusoidal_positions(length: int, d_model: int) -> Tensor:
    """(T, C): sines and cosines of the position, each pair slower than the one before (section 3.5).

    >>> sinusoidal_positions(2, 4)
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8415, 0.5403, 0.0100, 0.9999]])
    """
    position = torch.arange(length)[:, None]
    speed = torch.exp(-math.log(10_000.0) * torch.arange(0, d_model, 2) / d_model)
    angles = position * speed
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


class CausalSelfAttention(nn.Module):
    """Every token asks (query), offers (key) and hands over (value); it hears only what came before."""

    no_future: Tensor

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.query_key_value = nn.Linear(config.d_model, 3 * config.d_model)
        self.project = nn.Linear(config.d_model, config.d_model)
        # Added to scores: e^-inf = 0. Row k, column t is -inf where key k comes after query t.
        future = torch.full((config.context, config.context), -math.inf).tril(-1)
        self.register_buffer("no_future", future, persistent=False)

    def forward(
        self, x: Tensor, past: Cache | None = None, keep: bool = False
    ) -> tuple[Tensor, Tensor | None, Cache | None]:
        """(B, T, C) -> output (B, T, C), attention weights (B, H, T, P + T), and with `keep` the cache.

        `past` holds the keys and values of the P tokens before x.
        """
        B, T, C = x.shape
        qkv = self.query_key_value(x).view(B, T, 3, self.n_head, C // self.n_head).permute(2, 0, 3, 1, 4)
        q, k, v = qkv  # each (B, H, T, D)
        weights, cache, unseen = None, None, None
        if keep:
            cache = Cache.of(qkv[1:]) if past is None else past.append(qkv[1:])
            k, v = cache.keys, cache.values
        if T > 1:  # a single token is the last one: nothing is in its future
            unseen = self.no_future[: k.shape[2], k.shape[2] - T : k.shape[2]]
        if keep and B == 1:  # writing one text: here fewer calls count for more than the work in them
            heard = F.scaled_dot_product_attention(q, k, v, None if unseen is None else unseen.T)
        else:
            # Each column is one query, each row one key: over short rows torch's softmax takes three times as long.
            scores = k @ q.transpose(-2, -1) / math.sqrt(C // self.n_head)  # (B, H, P + T, T)
            scores = scores if unseen is None else scores + unseen
            weights = scores.softmax(dim=-2).transpose(-2, -1)  # (B, H, T, P + T)
            heard = weights @ v
        return self.project(heard.transpose(1, 2).reshape(B, T, C)), weights, cache


class Block(nn.Module):
    """Look back, then think: attention and a two-layer network, each added to the stream."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        C = config.d_model
        self.norm_1, self.norm_2 = nn.LayerNorm(C), nn.LayerNorm(C)
        self.attention = CausalSelfAttention(config)
        self.widen, self.narrow = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)
        self.bend = torch.relu if config.activation == "relu" else F.gelu
        self.dropout = nn.Dropout(config.dropout) if config.dropout else nn.Identity()

    def forward(
        self, x: Tensor, past: Cache | None = None, keep: bool = False
    ) -> tuple[Tensor, Tensor | None, Cache | None]:
        """(B, T, C) -> (B, T, C), with the attention's weights and cache."""
        heard, weights, cache = self.attention(self.norm_1(x), past, keep)
        x = x + self.dropout(heard)
        thought = self.narrow(self.bend(self.widen(self.norm_2(x))))
        return x + self.dropout(thought), weights, cache


class Transformer(nn.Module):
    """A GPT.

    >>> model = Transformer(TransformerConfig(context=8, d_model=16, n_layer=2, n_head=2), vocab_size=27)
    >>> model.logits(torch.tensor([[0, 5, 13]])).shape
    torch.Size([1, 3, 27])
    >>> [tuple(weights.shape) for weights in model.attention(torch.tensor([[0, 5, 13]]))]
    [(1, 2, 3, 3), (1, 2, 3, 3)]
    """

    def __init__(self, config: TransformerConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.context: int | None = config.context
        self.block_size: int | None = config.context
        self.embedding = nn.Embedding(vocab_size, config.d_model)
        if config.positions == "learned":
            self.positions = nn.Parameter(torch.empty(config.context, config.d_model))
        else:
            self.register_buffer("positions", sinusoidal_positions(config.context, config.d_model))
        self.dropout = nn.Dropout(config.dropout) if config.dropout else nn.Identity()
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.d_model)
        self.head = nn.Linear(config.d_model, vocab_size)
        self._initialise()

    def _initialise(self) -> None:
        """Small random weights; what is added to the stream starts smaller the more blocks add to it."""
        added_to_stream = ("attention.project.weight", "narrow.weight")
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                shrink = math.sqrt(2 * self.config.n_layer) if name.endswith(added_to_stream) else 1.0
                nn.init.normal_(weight, std=0.02 / shrink)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)
        nn.init.zeros_(self.head.weight)  # uniform at first: the loss starts at ln V

    def _run(
        self, ids: Tensor, past: list[Cache] | None = None, keep: bool = False
    ) -> tuple[Tensor, list[Tensor], list[Cache | None]]:
        start = past[0].length if past else 0
        end = start + ids.shape[1]
        if end > self.config.context:
            raise LabError(f"{end} tokens do not fit the context of {self.config.context}. Shorten the text.")
        x = self.dropout(self.embedding(ids) + self.positions[start:end])
        attention, cache = [], []
        for i, block in enumerate(self.blocks):
            x, weights, kept = block(x, past[i] if past else None, keep)
            attention.append(weights)
            cache.append(kept)
        return self.head(self.norm(x)), attention, cache

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64, T <= context -> (B, T, V)."""
        return self._run(ids)[0]

    def attention(self, ids: Tensor) -> list[Tensor]:
        """Per block (B, H, T, T): who looks at whom; each row is a distribution over the tokens so far."""
        return self._run(ids)[1]

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V); the state is the last ids and their cached keys and values.

        Past the context's length the oldest tokens are forgotten and the cache is made anew.
        """
        seen, ids, past = within_context(ids, state, self.config.context)
        logits, _, cache = self._run(ids, past, keep=True)
        return logits[:, -1], (seen, cache)

    def hidden_matrices(self) -> list[Tensor]:
        """Weights between hidden layers: what Muon may orthogonalise (embeddings and heads stay with Adam)."""
        return [weight for weight in self.blocks.parameters() if weight.ndim == 2]
