"""The transformer with today's choices, each behind a switch; `transformer.py` is the plain one.

    ids (B, T) -> embeddings (+ positions) (B, T, C)
      n_layer times:  x = x + attention(norm(x))          post-norm: x = norm(x + attention(x))
                      x = x + mlp(norm(x))                           x = norm(x + mlp(x))
    -> norm -> logits (B, T, V)

Every switch changes one thing, so that its worth can be measured. Sources stand beside the switches.
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
from lmlab.models.transformer import sinusoidal_positions


@dataclass(frozen=True)
class ModernConfig:
    """`context` tokens at most, `n_layer` blocks of width `d_model` with `n_head` heads each; then the switches."""

    context: int = 32
    d_model: int = 64
    n_layer: int = 4
    n_head: int = 4
    # How a token knows its place: not at all; a learned vector; sines; or queries and keys turned by an angle that
    # grows with the place, so that scores depend on distance (Su et al., 2021, RoFormer).
    positions: Literal["none", "learned", "sinusoidal", "rotary"] = "rotary"
    # Before each part, so that the stream stays untouched (Xiong et al., 2020), or after (Vaswani et al., 2017).
    norm: Literal["pre", "post"] = "pre"
    # Layer norm centres and scales (Ba et al., 2016); RMS norm only scales (Zhang and Sennrich, 2019).
    norm_kind: Literal["layer", "rms"] = "layer"
    # What bends the network's line: GELU (Hendrycks and Gimpel, 2016), or ReLU squared (So et al., 2021, Primer).
    activation: Literal["gelu", "relu2"] = "relu2"
    # Queries and keys of one length times a learned sharpness: scores cannot grow out of hand (Henry et al., 2020).
    qk_norm: bool = True
    # What is added to the stream begins at zero: every block starts as the identity (Zhang et al., 2019, Fixup).
    zero_init: bool = True
    # The head is the embedding: fewer parameters, but logits are no longer zero at first (Press and Wolf, 2017).
    tied: bool = False

    def __post_init__(self) -> None:
        check_options(self, context=1024, d_model=512, n_layer=12, n_head=16)
        if self.d_model % self.n_head:
            raise LabError(f"d_model {self.d_model} does not divide into {self.n_head} heads: choose a multiple.")
        if self.positions == "sinusoidal" and self.d_model % 2:
            raise LabError(f"d_model {self.d_model} is odd: sinusoidal positions need pairs. Choose an even one.")
        if self.positions == "rotary" and self.d_model // self.n_head % 2:
            raise LabError(
                f"A head has {self.d_model // self.n_head} numbers: rotary positions turn pairs. "
                "Choose d_model and n_head so that a head has an even number."
            )


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turn each pair of numbers of x (..., T, D) by its angle; `turns` (T, D / 2) are complex numbers of length 1.

    A pair is read as one complex number, and to multiply is to turn.

    >>> rotate(torch.tensor([[3.0, 4.0]]), torch.tensor([[1j]]))            # a quarter turn
    tensor([[-4.,  3.]])
    """
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turns).flatten(-2)


class CausalSelfAttention(nn.Module):
    """Every token asks, offers a key and hands over a value; torch's fused attention, or the weights to look at."""

    no_future: Tensor
    turns: Tensor

    def __init__(self, config: ModernConfig) -> None:
        super().__init__()
        self.config = config
        D = config.d_model // config.n_head
        self.query_key_value = nn.Linear(config.d_model, 3 * config.d_model, bias=False)
        self.project = nn.Linear(config.d_model, config.d_model, bias=False)
        if config.qk_norm:
            # A score is D times a cosine over sqrt(D), times the sharpness, which each head learns.
            self.sharpness = nn.Parameter(torch.ones(config.n_head, 1, 1))
        future = torch.full((config.context, config.context), -math.inf).triu(1)
        self.register_buffer("no_future", future, persistent=False)
        if config.positions == "rotary":
            angles = torch.arange(config.context)[:, None] * 10_000.0 ** (-torch.arange(0, D, 2) / D)
            self.register_buffer("turns", torch.polar(torch.ones_like(angles), angles), persistent=False)

    def forward(
        self, x: Tensor, past: Cache | None = None, keep: bool = False, look: bool = False
    ) -> tuple[Tensor, Tensor | None, Cache | None]:
        """(B, T, C) -> output (B, T, C), weights (B, H, T, P + T) when `look`, keys and values when `keep`."""
        B, T, C = x.shape
        H, start = self.config.n_head, past.length if past is not None else 0
        q, k, v = self.query_key_value(x).view(B, T, 3, H, C // H).permute(2, 0, 3, 1, 4)
        if self.config.qk_norm:
            q, k = F.rms_norm(torch.stack([q, k]), q.shape[-1:])
            q = q * self.sharpness
        if self.config.positions == "rotary":
            q, k = rotate(torch.stack([q, k]), self.turns[start : start + T])
        cache = None
        if keep:
            kept = torch.stack([k, v])
            cache = Cache.of(kept) if past is None else past.append(kept)
            k, v = cache.keys, cache.values
        mask = self.no_future[start : start + T, : start + T]
        weights = (q @ k.transpose(-2, -1) / math.sqrt(C // H) + mask).softmax(dim=-1) if look else None
        heard = F.scaled_dot_product_attention(q, k, v, mask) if weights is None else weights @ v
        return self.project(heard.transpose(1, 2).reshape(B, T, C)), weights, cache


class Block(nn.Module):
    """Look back, then think, each added to the stream; the norm stands before or after."""

    def __init__(self, config: ModernConfig) -> None:
        super().__init__()
        self.config, C = config, config.d_model
        norm = nn.RMSNorm if config.norm_kind == "rms" else nn.LayerNorm
        self.norm_1, self.norm_2 = norm(C), norm(C)
        self.attention = CausalSelfAttention(config)
        self.widen, self.narrow = nn.Linear(C, 4 * C, bias=False), nn.Linear(4 * C, C, bias=False)

    def mlp(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        x = self.widen(x)
        return self.narrow(F.gelu(x) if self.config.activation == "gelu" else F.relu(x).square())

    def forward(
        self, x: Tensor, past: Cache | None = None, keep: bool = False, look: bool = False
    ) -> tuple[Tensor, Tensor | None, Cache | None]:
        """(B, T, C) -> (B, T, C), with the attention's weights and cache."""
        if self.config.norm == "pre":
            heard, weights, cache = self.attention(self.norm_1(x), past, keep, look)
            x = x + heard
            return x + self.mlp(self.norm_2(x)), weights, cache
        heard, weights, cache = self.attention(x, past, keep, look)
        x = self.norm_1(x + heard)
        return self.norm_2(x + self.mlp(x)), weights, cache


class Modern(nn.Module):
    """A GPT of today.

    >>> model = Modern(ModernConfig(context=8, d_model=16, n_layer=2, n_head=2), vocab_size=27)
    >>> model.logits(torch.tensor([[0, 5, 13]])).shape
    torch.Size([1, 3, 27])
    >>> [tuple(weights.shape) for weights in model.attention(torch.tensor([[0, 5, 13]]))]
    [(1, 2, 3, 3), (1, 2, 3, 3)]
    """

    def __init__(self, config: ModernConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.context: int | None = config.context
        self.block_size: int | None = config.context
        self.embedding = nn.Embedding(vocab_size, config.d_model)
        if config.positions == "learned":
            self.positions = nn.Parameter(torch.empty(config.context, config.d_model))
        elif config.positions == "sinusoidal":
            self.register_buffer("positions", sinusoidal_positions(config.context, config.d_model))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        norm = nn.RMSNorm if config.norm_kind == "rms" else nn.LayerNorm
        self.norm = norm(config.d_model) if config.norm == "pre" else nn.Identity()  # post: the blocks end with one
        self.head = nn.Linear(config.d_model, vocab_size, bias=False)
        self._initialise()

    def _initialise(self) -> None:
        """Small random weights; what is added to the stream starts at zero, or smaller the more blocks add to it."""
        shrink = 0.0 if self.config.zero_init else 1 / math.sqrt(2 * self.config.n_layer)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                added_to_stream = name.endswith(("project.weight", "narrow.weight"))
                nn.init.normal_(weight, std=0.02 * (shrink if added_to_stream else 1.0))
        nn.init.zeros_(self.head.weight)  # uniform at first: the loss starts at ln V
        if self.config.tied:
            self.head.weight = self.embedding.weight  # and here it starts only near ln V

    def _run(
        self, ids: Tensor, past: list[Cache] | None = None, keep: bool = False, look: bool = False
    ) -> tuple[Tensor, list[Tensor], list[Cache | None]]:
        start = past[0].length if past else 0
        end = start + ids.shape[1]
        if end > self.config.context:
            raise LabError(f"{end} tokens do not fit the context of {self.config.context}. Shorten the text.")
        x = self.embedding(ids)
        if self.config.positions in ("learned", "sinusoidal"):
            x = x + self.positions[start:end]
        attention, cache = [], []
        for i, block in enumerate(self.blocks):
            x, weights, kept = block(x, past[i] if past else None, keep, look)
            attention.append(weights)
            cache.append(kept)
        return self.head(self.norm(x)), attention, cache

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64, T <= context -> (B, T, V)."""
        return self._run(ids)[0]

    def attention(self, ids: Tensor) -> list[Tensor]:
        """Per block (B, H, T, T): who looks at whom; each row is a distribution over the tokens so far."""
        return self._run(ids, look=True)[1]

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V); the state is the last ids and their cached keys and values.

        Past the context's length the oldest tokens are forgotten and the cache is made anew: every place has
        changed, and with it every key.
        """
        seen, ids, past = within_context(ids, state, self.config.context)
        logits, _, cache = self._run(ids, past, keep=True)
        return logits[:, -1], (seen, cache)

    def hidden_matrices(self) -> list[Tensor]:
        """Weights between hidden layers: what Muon may orthogonalise (embeddings and heads stay with Adam)."""
        return [weight for weight in self.blocks.parameters() if weight.ndim == 2]
