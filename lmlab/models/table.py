"""The bigram table, learned by gradient descent: one row of logits for each token, and nothing else.

    ids (B, T) -> row of the table (B, T, V) = logits

Counting finds the best table in one pass over the text; gradient descent finds the same one step by step,
because the loss is convex in the logits and smallest where softmax(row) is the share of each follower. It is
the simplest network there is: every larger one replaces the lookup by something that can look further back.
Source: Jurafsky and Martin, Speech and language processing (3rd edition), section 3.1, for the counted table;
Bishop (2006), Pattern recognition and machine learning, section 4.3.4, for the gradient p - y.
"""

from dataclasses import dataclass

import torch.nn as nn
from torch import Tensor

from lmlab.errors import LabError
from lmlab.models.protocol import State

MOST_TOKENS = 2000  # a table of 2,000 x 2,000 numbers, with its gradient and Adam's two means, is 64 MB


@dataclass(frozen=True)
class BigramTableConfig:
    """Nothing to choose: the vocabulary fixes the table."""


class BigramTable(nn.Module):
    """A (V, V) table of logits; row t says what follows token t.

    >>> import torch
    >>> model = BigramTable(BigramTableConfig(), vocab_size=27)
    >>> model.logits(torch.tensor([[0, 5, 13]])).shape
    torch.Size([1, 3, 27])
    >>> model.probabilities()[0, :3]        # every token is as likely as any other before learning
    tensor([0.0370, 0.0370, 0.0370])

    Raises `LabError` above 2,000 tokens, where a table is mostly zeros that cost memory.
    """

    context: int | None = 1
    block_size: int | None = None

    def __init__(self, config: BigramTableConfig, vocab_size: int) -> None:
        super().__init__()
        if vocab_size > MOST_TOKENS:
            raise LabError(
                f"A table of {vocab_size:,} x {vocab_size:,} pairs is too large: it takes up to {MOST_TOKENS:,}. "
                "Choose characters, fewer merges, or another model."
            )
        self.config = config
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, vocab_size)
        nn.init.zeros_(self.embedding.weight)  # uniform at first: the loss starts at ln V

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V): each position answers with the row of its own token."""
        return self.embedding(ids)

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V); nothing but the last token is needed, so there is no state."""
        return self.logits(ids[:, -1]), None

    def probabilities(self) -> Tensor:
        """(V, V) the table as probabilities, to lay beside the counted one; each row sums to 1."""
        return self.embedding.weight.detach().softmax(dim=-1)

    def hidden_matrices(self) -> list[Tensor]:
        """Weights between hidden layers: what Muon may orthogonalise. A table has none."""
        return []
