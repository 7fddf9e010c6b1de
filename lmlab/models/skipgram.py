"""Skip-gram with negative sampling: a token's vector is good when it tells the token's neighbours from noise.

    pairs (centre, context) of tokens at most `window` apart, in any order, and K random tokens for each pair
    score = in[centre] . out[other]            two matrices, each (V, d)
    loss  = -ln sigmoid(score of the context) - sum over the K of ln sigmoid(-score of a random token)

It is no language model: it knows who stands near whom, and neither order nor a distribution over what follows.
Its map of the tokens is the rows of the first matrix.
Source: Mikolov, Sutskever, Chen, Corrado and Dean (2013), Distributed representations of words and phrases and
their compositionality, sections 2 and 2.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from lmlab.errors import LabError
from lmlab.models.options import check_options
from lmlab.tokenizers.protocol import Tokenizer, with_boundaries

NOISE_POWER = 0.75  # between uniform (0) and the tokens' own frequencies (1); chosen by trial in section 2.2
POOL = 1 << 20  # random tokens drawn an epoch, so that a long text needs no more memory than a short one


@runtime_checkable
class EmbeddingModel(Protocol):
    """Vectors for tokens, and scores for pairs of them."""

    vocab_size: int

    @property
    def vectors(self) -> Tensor:
        """(V, d) one row a token."""

    def scores(self, centres: Tensor, others: Tensor) -> Tensor:
        """(B,) and (B, K) ids -> (B, K): how well each token goes with its centre."""


@dataclass(frozen=True)
class SkipGramConfig:
    """`d_embed` numbers a token; pairs at most `window` apart; `negatives` random tokens against each pair."""

    d_embed: int = 32
    window: int = 2
    negatives: int = 5

    def __post_init__(self) -> None:
        check_options(self, d_embed=512, window=10, negatives=20)


class SkipGram(nn.Module):
    """A matrix for centres, `embedding`, and one for contexts, `out`.

    >>> model = SkipGram(SkipGramConfig(d_embed=4), vocab_size=27)
    >>> model.vectors.shape, model.scores(torch.tensor([1, 5]), torch.tensor([[2, 3, 4], [1, 1, 0]])).shape
    (torch.Size([27, 4]), torch.Size([2, 3]))
    """

    def __init__(self, config: SkipGramConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, config.d_embed)
        self.out = nn.Embedding(vocab_size, config.d_embed)
        nn.init.normal_(self.embedding.weight, std=config.d_embed**-0.5)
        # Scores of zero call every pair a coin toss: the loss starts at (1 + K) ln 2.
        nn.init.zeros_(self.out.weight)

    @property
    def vectors(self) -> Tensor:
        """(V, d) the rows for centres: the map of the tokens."""
        return self.embedding.weight

    def scores(self, centres: Tensor, others: Tensor) -> Tensor:
        """(B,) and (B, K) ids -> (B, K): in[centre] . out[other]."""
        return (self.out(others) @ self.embedding(centres)[:, :, None])[:, :, 0]

    def hidden_matrices(self) -> list[Tensor]:
        """Weights between hidden layers: what Muon may orthogonalise. Skip-gram has none."""
        return []


@dataclass(frozen=True)
class PairBatch:
    """`centres` (B,), `contexts` (B,) and `negatives` (B, K), all int64."""

    centres: Tensor
    contexts: Tensor
    negatives: Tensor

    @property
    def predictions(self) -> int:
        """How many neighbours are told from noise: one a pair."""
        return len(self.centres)


def negative_sampling_loss(model: EmbeddingModel, centres: Tensor, contexts: Tensor, negatives: Tensor) -> Tensor:
    """Mean loss a pair, in nats of 1 + K yes-or-no questions: (B,), (B,), (B, K) -> a scalar.

    >>> model = SkipGram(SkipGramConfig(d_embed=4), vocab_size=27)
    >>> loss = negative_sampling_loss(model, torch.tensor([1]), torch.tensor([2]), torch.tensor([[3, 4]]))
    >>> round(loss.item(), 4)                                       # 3 ln 2 before any step
    2.0794
    """
    scores = model.scores(centres, torch.cat([contexts[:, None], negatives], dim=1))  # (B, 1 + K)
    yes = torch.zeros_like(scores)
    yes[:, 0] = 1
    return F.binary_cross_entropy_with_logits(scores, yes, reduction="sum") / len(centres)


class SkipGramPairs:
    """All pairs of tokens that stand at most `window` apart within a document, boundaries counted as tokens.

    Negatives come from the tokens' frequencies to the power of 0.75. They are drawn into a pool that the pairs
    read in turn; `new_epoch` draws the pool anew. Raises `LabError` without documents.

    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> pairs = SkipGramPairs(["ab", "c"], CharacterTokenizer("abc"), window=1)
    >>> batch = pairs.batch(torch.arange(len(pairs)))
    >>> sorted(zip(batch.centres.tolist(), batch.contexts.tolist()))      # .ab. and .c.
    [(0, 1), (0, 2), (0, 3), (0, 3), (1, 0), (1, 2), (2, 0), (2, 1), (3, 0), (3, 0)]
    >>> batch.negatives.shape
    torch.Size([10, 5])
    """

    def __init__(
        self, documents: Sequence[str], tokenizer: Tokenizer, window: int = 2, negatives: int = 5, seed: int = 0
    ) -> None:
        if not documents:
            raise LabError("There are no documents to take pairs from. Give at least one.")
        ids, lengths = tokenizer.encode_many(documents)
        stream, starts = with_boundaries(ids, lengths, tokenizer.boundary_id)
        boundaries = np.zeros(len(stream), dtype=np.int64)
        boundaries[starts] = boundaries[-1] = 1
        so_far = np.cumsum(boundaries)
        left, right = [], []
        for distance in range(1, min(window, len(stream) - 1) + 1):
            # Both ends of a pair may be a boundary; one in between would join two documents.
            between = so_far[distance - 1 : -1] - so_far[:-distance]
            first = np.flatnonzero(between == 0)
            left.append(stream[first])
            right.append(stream[first + distance])
        self._centres = torch.from_numpy(np.concatenate(left + right).astype(np.int32))
        self._contexts = torch.from_numpy(np.concatenate(right + left).astype(np.int32))
        noise = np.bincount(stream[1:], minlength=tokenizer.vocab_size) ** NOISE_POWER
        self.noise = torch.from_numpy(noise / noise.sum())
        """(V,) how likely each token is as a negative."""
        self.negatives = negatives
        self.predictions = len(self)
        self.characters = int(sum(len(document) + 1 for document in documents))
        self.new_epoch(torch.Generator().manual_seed(seed))

    def __len__(self) -> int:
        return len(self._centres)

    @property
    def tokens(self) -> Tensor:
        """(N,) ones: each example predicts one neighbour."""
        return torch.ones(len(self), dtype=torch.long)

    def new_epoch(self, generator: torch.Generator) -> None:
        """Draw new negatives for all pairs from this generator."""
        size = min(POOL, len(self) * self.negatives)
        edges = self.noise.cumsum(0)[:-1].float()  # token v owns the numbers between two edges
        self._pool = torch.searchsorted(edges, torch.rand(size, generator=generator), right=True)

    def batch(self, indices: Tensor) -> PairBatch:
        """The pairs `indices` (B,), each with its negatives."""
        place = (indices[:, None] * self.negatives + torch.arange(self.negatives)) % len(self._pool)
        return PairBatch(self._centres[indices].long(), self._contexts[indices].long(), self._pool[place])
