"""The one loss. Everything that trains, compares or prints a loss calls `token_nats`.

The unit of the ruler is nats per character: the sum of -ln p over all predictions, divided by the number of
characters plus one end mark a document. A name of n letters is n + 1 predictions of a model of characters. A
model of longer tokens makes fewer, larger predictions; divided by the same characters they can be compared. For
byte pairs the result is an upper bound: a text can be cut into tokens in more than one way, and only one is scored.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lmlab.errors import LabError
from lmlab.models.protocol import IGNORE, Batch, Examples, LanguageModel
from lmlab.tokenizers.protocol import Tokenizer

LONGEST_SHOWN = 100  # characters of a document that is quoted whole
USUAL_VOCABULARY = 300  # tokens; for more the chunks shrink, so that their logits take no more memory
CHUNK = 4096  # predictions scored at once: about 100 ms of a small network on one core


def token_nats(logits: Tensor, targets: Tensor) -> Tensor:
    """-ln p of each target: (B, T, V) logits, (B, T) targets -> (B, T); 0 where the target is -100.

    >>> token_nats(torch.zeros(1, 2, 27), torch.tensor([[5, -100]]))
    tensor([[3.2958, 0.0000]])
    """
    flat = F.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), reduction="none", ignore_index=IGNORE
    )
    return flat.reshape(targets.shape)


@dataclass(frozen=True)
class Loss:
    """A loss on the ruler. `nll` is in nats per character and may be infinite; `infinite_at` says where.

    >>> loss = Loss(nats=33.0, predictions=10)
    >>> round(loss.nll, 2), round(loss.perplexity, 2), round(loss.bpc, 2)
    (3.3, 27.11, 4.76)
    >>> Loss(nats=33.0, predictions=10, characters=30).nll         # ten tokens of three characters each
    1.1
    """

    nats: float
    predictions: int
    unseen: int = 0
    """Predictions whose context a count model had never seen."""
    infinite_at: dict[str, str] | None = None
    """The first impossible prediction: `document`, `after` and `next`."""
    characters: int | None = None
    """Characters and end marks that were predicted; None: each prediction was one."""
    unknown: int = 0
    """Predicted tokens that stand for anything outside the vocabulary: their spelling is not paid for, so the
    loss is too low where this is not 0."""

    @property
    def nll(self) -> float:
        """Nats per character, the end mark included."""
        return self.nats / (self.characters or self.predictions)

    @property
    def perplexity(self) -> float:
        """As unsure as among this many equally likely tokens: e to the loss in nats."""
        return math.exp(self.nll) if self.nll < 700 else math.inf

    @property
    def bpc(self) -> float:
        """Bits per character: nats / ln 2."""
        return self.nll / math.log(2)

    def to_json(self) -> dict[str, Any]:
        """Finite numbers, or `null` with `infinite_at`.

        >>> Loss(math.inf, 5, infinite_at={"document": "jq", "after": "j", "next": "q"}).to_json()["nll"]
        """
        finite = math.isfinite(self.nll)
        return {
            "nll": self.nll if finite else None,
            "perplexity": self.perplexity if math.isfinite(self.perplexity) else None,
            "bpc": self.bpc if finite else None,
            "predictions": self.predictions,
            "characters": self.characters or self.predictions,
            "unseen": self.unseen,
            "unknown": self.unknown,
            "infinite_at": self.infinite_at,
        }


class Evaluation:
    """The loss of a model on documents, one chunk at a time, so that a live run can put it between steps.

    Every document counts, longest first; equal lengths stand together, so little is padded.
    """

    def __init__(
        self,
        model: LanguageModel,
        documents: Sequence[str],
        tokenizer: Tokenizer,
        examples: Examples | None = None,
    ) -> None:
        if not hasattr(model, "logits"):
            raise LabError(
                "This model gives tokens a place, not a probability, so it has no loss on the ruler. "
                "Choose a model that predicts the next token."
            )
        self.model, self.documents, self.tokenizer = model, documents, tokenizer
        self.examples = examples or Examples.of(model, documents, tokenizer)
        self.predictions = self.examples.predictions
        self.loss: Loss | None = None
        """The result, once the last chunk is done."""

    def chunks(self) -> Iterator[int]:
        """Score chunk after chunk; yields the number of predictions made so far."""
        nats, done, unseen, infinite_at = 0.0, 0, 0, None
        for documents, batch, logits in self._scored():
            each = token_nats(logits, batch.targets)
            predicted = batch.targets != IGNORE
            if infinite_at is None and torch.isinf(each).any():
                row, column = torch.nonzero(torch.isinf(each))[0].tolist()
                infinite_at = self._where(int(documents[row]), batch.ids[row], batch.targets[row], column)
            nats += float(each.double().sum())
            done += int(predicted.sum())
            if hasattr(self.model, "unseen"):
                unseen += int(self.model.unseen(batch.ids)[predicted.numpy()].sum())
            yield done
        self.loss = Loss(nats, done, unseen, infinite_at, self.examples.characters, self.examples.unknown)

    def run(self) -> Loss:
        """All chunks at once."""
        for _ in self.chunks():
            continue
        assert self.loss is not None
        return self.loss

    def _scored(self) -> Iterator[tuple[Tensor, Batch, Tensor]]:
        """Batches, the document of each row, and the model's logits; every prediction comes exactly once."""
        if getattr(self.model, "small_state", False) and len(self.examples) > len(self.documents):
            # A state that does not grow needs no windows: a long document is read from its start to its end.
            stream = self.model.stream  # type: ignore[attr-defined]
            whole = Examples(self.documents, self.tokenizer)
            for document in range(len(whole)):
                batch, state = whole.batch(torch.tensor([document])), None
                for ids, targets in zip(batch.ids.split(CHUNK, 1), batch.targets.split(CHUNK, 1), strict=True):
                    with torch.inference_mode():
                        logits, state = stream(ids, state)
                    yield torch.tensor([document]), Batch(ids, targets), logits
            return
        order = torch.argsort(self.examples.tokens, descending=True, stable=True)
        chunk = max(1, CHUNK * USUAL_VOCABULARY // max(USUAL_VOCABULARY, self.model.vocab_size))
        begin = 0
        while begin < len(order):
            size = max(1, chunk // int(self.examples.tokens[order[begin]]))
            indices = order[begin : begin + size]
            batch = self.examples.batch(indices)
            with torch.inference_mode():
                logits = self.model.logits(batch.ids)
            yield torch.from_numpy(self.examples.document)[indices], batch, logits
            begin += size

    def _where(self, document: int, ids: Tensor, targets: Tensor, column: int) -> dict[str, str]:
        symbols = self.tokenizer.symbols
        context = self.model.context
        first = 0 if context is None else max(0, column + 1 - max(1, context))
        text = self.documents[document]
        if len(text) > LONGEST_SHOWN:
            begin = max(0, column + 1 - LONGEST_SHOWN)
            text = "…" + self.tokenizer.decode([*ids[begin : column + 1].tolist(), int(targets[column])])
        return {
            "document": text,
            "after": "".join(symbols[i] for i in ids[first : column + 1].tolist()),
            "next": symbols[int(targets[column])],
        }


def evaluate(model: LanguageModel, documents: Sequence[str], tokenizer: Tokenizer) -> Loss:
    """The loss of any model on documents; one number for a table and for a GPT.

    >>> from lmlab.models.ngram import Ngram, NgramConfig, count_ngrams
    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> tokenizer = CharacterTokenizer("ab")
    >>> model = Ngram(NgramConfig(2, "mle"), count_ngrams(["ab", "aa"], tokenizer, 2))
    >>> round(evaluate(model, ["ab"], tokenizer).nll, 4)             # (0 + ln 3 + 0) / 3 predictions
    0.3662
    >>> evaluate(model, ["ba"], tokenizer).infinite_at
    {'document': 'ba', 'after': '.', 'next': 'b'}
    """
    return Evaluation(model, documents, tokenizer).run()


def surprisal(model: LanguageModel, document: str, tokenizer: Tokenizer) -> list[float]:
    """-ln p of each token of one document and of its end, in nats: n + 1 numbers for n tokens.

    >>> from lmlab.models.ngram import Ngram, NgramConfig, count_ngrams
    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> tokenizer = CharacterTokenizer("ab")
    >>> model = Ngram(NgramConfig(2, "mle"), count_ngrams(["ab", "aa"], tokenizer, 2))
    >>> [round(nats, 3) for nats in surprisal(model, "aa", tokenizer)]
    [0.0, 1.099, 1.099]
    """
    examples = Examples.of(model, [document], tokenizer)
    nats: list[float] = []
    for i in range(len(examples)):
        batch = examples.batch(torch.tensor([i]))
        with torch.inference_mode():
            each = token_nats(model.logits(batch.ids), batch.targets)[0]
        nats += (each[batch.targets[0] != IGNORE] + 0.0).tolist()  # no minus zero
    return nats


def surprisals(model: LanguageModel, documents: Sequence[str], tokenizer: Tokenizer) -> list[list[float]]:
    """`surprisal` of many documents, many at a time: a list of n + 1 numbers for each.

    >>> from lmlab.models.ngram import Ngram, NgramConfig, count_ngrams
    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> tokenizer = CharacterTokenizer("ab")
    >>> model = Ngram(NgramConfig(2, "mle"), count_ngrams(["ab", "aa"], tokenizer, 2))
    >>> [[round(nats, 3) for nats in each] for each in surprisals(model, ["aa", "ab"], tokenizer)]
    [[0.0, 1.099, 1.099], [0.0, 1.099, 0.0]]
    """
    found: list[list[float]] = [[] for _ in documents]
    # The windows of one long document come in its order: the longest first, equal ones as they stand.
    for rows, batch, logits in Evaluation(model, documents, tokenizer)._scored():
        each = token_nats(logits, batch.targets) + 0.0  # no minus zero
        predicted = batch.targets != IGNORE
        for row, document in enumerate(rows.tolist()):
            found[document] += each[row][predicted[row]].tolist()
    return found
