"""N-grams: count what follows the last n - 1 tokens, and turn the counts into probabilities.

An order-n model looks at the last n - 1 tokens. Three ways to make probabilities of counts c(context, next):

    maximum likelihood        p = c / total                     exact on the training text, 0 for what is new
    add-k                     p = (c + k) / (total + k V)       nothing is impossible
    interpolated Kneser-Ney   p = max(c - D, 0) / total + (D * kinds / total) * p_shorter

Kneser-Ney takes a discount D from every count and hands what it saved to the model one order shorter, whose
counts ask a better question: not how often a token came, but after how many *different* tokens.
Source: Chen and Goodman (1999), An empirical study of smoothing techniques for language modeling,
sections 2.2 and 4.1.4; one discount an order, D = n1 / (n1 + 2 n2).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from lmlab.data.corpus import Corpus, Part
from lmlab.errors import LabError
from lmlab.models.counts import Counts, count_ngrams
from lmlab.models.protocol import State
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.tokenizers.protocol import IntArray, Tokenizer

Smoothing = Literal["mle", "add-k", "kneser-ney"]


@dataclass(frozen=True)
class NgramConfig:
    """`order` 1 to 8; `k` is the count that add-k adds and has no meaning for the other two."""

    order: int = 2
    smoothing: Smoothing = "add-k"
    k: float = 0.1

    def __post_init__(self) -> None:
        if not 1 <= self.order <= 8:
            raise LabError(f"Order {self.order} is out of range: choose 1 to 8.")
        if self.smoothing not in ("mle", "add-k", "kneser-ney"):
            raise LabError(f"Smoothing '{self.smoothing}' is unknown: choose mle, add-k or kneser-ney.")
        if self.smoothing == "add-k" and not 0 < self.k <= 1000:
            raise LabError(f"k is {self.k:g}: add-k needs 0 < k <= 1000; for no smoothing choose mle.")


class Ngram:
    """A table of counts that answers like any language model; make one with `count`.

    Predictions at the start of a document see a context filled up with boundaries.
    """

    block_size: int | None = None

    def __init__(self, config: NgramConfig, counts: Counts) -> None:
        self.config = config
        self.counts = counts
        self.vocab_size = counts.vocab_size
        self.context: int | None = config.order - 1
        self._weights = [self._discounted(order) for order in range(1, config.order + 1)]

    # --- from counts to probabilities -----------------------------------------------------------------

    def _discounted(self, order: int) -> tuple[IntArray, np.ndarray, np.ndarray, np.ndarray]:
        """For one order: where each context's rows begin, each row's share, and each context's rest.

        The probability of a row's token is its share, plus the context's rest times the shorter model.
        """
        level, V = self.counts.levels[order - 1], self.vocab_size
        contexts = 1 if order == 1 else len(self.counts.levels[order - 2].keys)
        begin = np.searchsorted(level.keys, np.arange(contexts + 1) * V)
        context_of = level.keys // V
        counts = self._counts(order)
        total = np.bincount(context_of, counts, minlength=contexts)
        seen = total > 0
        safe = np.where(seen, total, 1.0)
        if self.config.smoothing == "kneser-ney":
            discount = _discount(counts)
            kinds = np.bincount(context_of, counts > 0, minlength=contexts)
            share = np.maximum(counts - discount, 0) / safe[context_of]
            rest = np.where(seen, discount * kinds / safe, 1.0)
        else:
            k = self.config.k if self.config.smoothing == "add-k" else 0.0
            share = counts / (safe + k * V * seen)[context_of]
            rest = np.where(seen, k * V / (safe + k * V), 1.0)
        return begin, level.keys % V, share, rest

    def _counts(self, order: int) -> np.ndarray:
        """(G,) what the n-grams of one order are counted by: how often they came, or Kneser-Ney's continuations."""
        longest = order == self.config.order
        return (self.counts.levels[order - 1].counts if longest else self._continuations(order)).astype(np.float64)

    def discount(self, order: int) -> float:
        """What Kneser-Ney takes from every count of this order."""
        return _discount(self._counts(order))

    def _continuations(self, order: int) -> IntArray:
        """Kneser-Ney's count for the shorter orders: after how many different tokens does this n-gram come?

        Counted over the n-grams one longer. An n-gram that begins a document has nothing before it but the
        boundary, so there the plain count stays (as in SRILM and KenLM).
        """
        level, longer = self.counts.levels[order - 1], self.counts.levels[order]
        suffix = self.counts.rows(self.counts.tokens(order + 1)[longer.counts > 0][:, 1:])
        different = np.bincount(suffix, minlength=len(level.keys))
        if order == 1:
            return different
        begins_document = self.counts.tokens(order)[:, 0] == self.counts.boundary_id
        return np.where(begins_document, level.counts, different)

    def probabilities(self, contexts: IntArray) -> np.ndarray:
        """(N, order - 1) tokens -> (N, V) probabilities.

        Kneser-Ney builds them from the shortest order up; the others use the longest order alone. An unseen
        context answers with the uniform distribution (Kneser-Ney: with the longest context that was seen).
        """
        p = np.full((len(contexts), self.vocab_size), 1.0 / self.vocab_size)
        shortest = 1 if self.config.smoothing == "kneser-ney" else self.config.order
        for order in range(shortest, self.config.order + 1):
            begin, token, share, rest = self._weights[order - 1]
            context = self.counts.rows(contexts[:, contexts.shape[1] - (order - 1) :])
            where = np.flatnonzero(context >= 0)
            context = context[where]
            p[where] *= rest[context, None]
            # The rows of each context lie one after the other: lay all of them end to end.
            length = begin[context + 1] - begin[context]
            offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
            row = np.repeat(begin[context], length) + offset
            p[np.repeat(where, length), token[row]] += share[row]
        return p

    def chances(self, ngrams: IntArray) -> np.ndarray:
        """(N, order) tokens -> (N,) probability of each n-gram's last token after the ones before it.

        The same numbers as in `probabilities`, without the V - 1 others of each row.
        """
        p = np.full(len(ngrams), 1.0 / self.vocab_size)
        shortest = 1 if self.config.smoothing == "kneser-ney" else self.config.order
        for order in range(shortest, self.config.order + 1):
            _, _, share, rest = self._weights[order - 1]
            ending = ngrams[:, ngrams.shape[1] - order :]
            context, row = self.counts.rows(ending[:, :-1]), self.counts.rows(ending)
            p = np.where(context >= 0, p * rest[context], p) + np.where(row >= 0, share[row], 0.0)
        return p

    def unseen(self, ids: Tensor) -> np.ndarray:
        """(B, T) bool: positions whose context never occurred in training."""
        return self.unseen_contexts(self._contexts(ids)).reshape(ids.shape)

    def unseen_contexts(self, contexts: IntArray) -> np.ndarray:
        """(N, order - 1) tokens -> (N,) bool: contexts that never occurred in training."""
        begin = self._weights[-1][0]
        context = self.counts.rows(contexts)
        followed = begin[context + 1] > begin[context]
        return ~((context >= 0) & followed)

    # --- the protocol ---------------------------------------------------------------------------------

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V) float64 log-probabilities; -inf where maximum likelihood says 0."""
        p = self.probabilities(self._contexts(ids))
        with np.errstate(divide="ignore"):  # log 0 = -inf is the lesson of maximum likelihood
            log_p = np.log(p)
        return torch.from_numpy(log_p.reshape(*ids.shape, self.vocab_size))

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V); the state is the last order - 1 ids."""
        seen = ids if state is None else torch.cat([state, ids], dim=1)
        keep = self.config.order - 1
        last = seen[:, -max(1, keep) :]
        return self.logits(last)[:, -1], seen[:, max(0, seen.shape[1] - keep) :]

    def _contexts(self, ids: Tensor) -> IntArray:
        """(B, T) -> (B * T, order - 1): the tokens each position may look at, boundaries before the start."""
        width = self.config.order - 1
        if width == 0:
            return np.zeros((ids.numel(), 0), dtype=np.int64)
        padded = np.pad(ids.numpy(), ((0, 0), (width - 1, 0)), constant_values=self.counts.boundary_id)
        return np.lib.stride_tricks.sliding_window_view(padded, width, axis=1).reshape(-1, width)

    def table(self) -> IntArray:
        """(V, V) the counts of every pair: `table()[a, b]` is how often token b followed token a."""
        if self.config.order == 1:
            raise LabError("A unigram model has no pairs to show. Choose order 2 or more.")
        pairs = np.zeros((self.vocab_size, self.vocab_size), dtype=np.int64)
        tokens = self.counts.tokens(self.config.order)[:, -2:]
        np.add.at(pairs, (tokens[:, 0], tokens[:, 1]), self.counts.levels[-1].counts)
        return pairs


def _discount(counts: np.ndarray) -> float:
    """n1 / (n1 + 2 n2) of the numbers of n-grams that came once and twice; never more than the largest count."""
    once, twice = np.sum(counts == 1), np.sum(counts == 2)
    return float(min(counts.max(), once / (once + 2 * twice) if once and twice else 0.5))


def count(
    corpus: Corpus,
    order: int = 2,
    smoothing: Smoothing = "add-k",
    k: float = 0.1,
    tokenizer: Tokenizer | None = None,
    part: Part = "train",
) -> Ngram:
    """Make a count model from one side of a corpus.

    >>> model = Ngram(NgramConfig(2, "mle"), count_ngrams(["ab", "aa"], CharacterTokenizer("ab"), 2))
    >>> model.table()                       # rows and columns: boundary, a, b
    array([[0, 2, 0],
           [1, 1, 1],
           [1, 0, 0]])
    >>> model.probabilities(np.array([[1]])).round(3)
    array([[0.333, 0.333, 0.333]])

    >>> from lmlab.data.corpus import load_corpus
    >>> model = count(load_corpus("names_indian"), order=3, smoothing="kneser-ney")
    >>> model.context, model.vocab_size
    (2, 26)
    """
    tokenizer = tokenizer or CharacterTokenizer(corpus.alphabet)
    return Ngram(NgramConfig(order, smoothing, k), count_ngrams(corpus.part(part), tokenizer, order))
