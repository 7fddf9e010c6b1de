"""Beam search: the likeliest whole text, which greedy choices one by one need not find."""

import math
from dataclasses import dataclass

import torch

from lmlab.errors import LabError
from lmlab.generation.generate import check_writes, keep_rows
from lmlab.generation.sampling import Sampling
from lmlab.models.protocol import LanguageModel
from lmlab.tokenizers.protocol import Tokenizer

WIDEST = 1000


@dataclass(frozen=True)
class Path:
    """A text that was searched for. `ids` are its tokens without the prefix, the end mark included where `ended`;
    `log_p` is the sum of their ln p under the rules."""

    text: str
    ids: list[int]
    log_p: float
    ended: bool


def beam(
    model: LanguageModel,
    tokenizer: Tokenizer,
    width: int = 1,
    sampling: Sampling | None = None,
    prefix: list[int] | None = None,
    limit: int = 50,
) -> list[Path]:
    """The likeliest texts that a search with `width` open ends finds, the likeliest first.

    In each step every open end is continued by every token, and the `width` likeliest continuations of all stay;
    those that end are put aside. `width=1` is greedy. `prefix` are ids, `limit` counts the tokens after it. A text
    only loses probability as it grows, so the search is over when no open end is likelier than the best ended text.
    Source: Lowerre (1976), The Harpy speech recognition system.

    >>> from lmlab.models.ngram import Ngram, NgramConfig, count_ngrams
    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> tokenizer = CharacterTokenizer("abcd")
    >>> names = ["ab"] * 2 + ["ac"] * 2 + ["ad"] * 2 + ["b"] * 4
    >>> model = Ngram(NgramConfig(3, "mle"), count_ngrams(names, tokenizer, 3))
    >>> greedy, = beam(model, tokenizer)                # a is the likeliest first letter: 6 of 10
    >>> greedy.text, round(math.exp(greedy.log_p), 3)
    ('ab', 0.2)
    >>> best = beam(model, tokenizer, width=2)[0]       # but b is the likeliest name
    >>> best.text, round(math.exp(best.log_p), 3)
    ('b', 0.4)
    """
    check_writes(model)
    if not 1 <= width <= WIDEST:
        raise LabError(f"The beam is {width} wide: choose 1 to {WIDEST:,}.")
    if limit < 1:
        raise LabError(f"The length limit is {limit}: choose 1 or more.")
    sampling, prefix, boundary = sampling or Sampling(), prefix or [], tokenizer.boundary_id
    ended: list[Path] = []
    paths: list[list[int]] = [[]]
    scores = torch.zeros(1, dtype=torch.float64)
    ids, state = torch.tensor([[boundary, *prefix]]), None
    with torch.inference_mode():
        for _ in range(limit):
            logits, state = model.next(ids, state)
            step = sampling.apply(logits.double()).log_softmax(-1)  # (B, V)
            totals = (scores[:, None] + step).flatten()
            best = totals.argsort(descending=True, stable=True)[:width]
            best = best[totals[best] > -math.inf]  # a cut token continues nothing
            rows, tokens = best // step.shape[1], best % step.shape[1]
            grown = [[*paths[row], token] for row, token in zip(rows.tolist(), tokens.tolist(), strict=True)]
            stops = tokens == boundary
            for i in torch.nonzero(stops)[:, 0].tolist():
                text = tokenizer.decode([*prefix, *grown[i]])
                ended.append(Path(text, grown[i], float(totals[best[i]]), True))
            scores, rows, ids = totals[best[~stops]], rows[~stops], tokens[~stops][:, None]
            paths = [path for path in grown if path[-1] != boundary]
            if not paths or (ended and float(scores[0]) <= max(path.log_p for path in ended)):
                break
            state = keep_rows(state, rows)
    if not ended:  # nothing ended within the limit
        ended = [
            Path(tokenizer.decode([*prefix, *path]), path, score, False)
            for path, score in zip(paths, scores.tolist(), strict=True)
        ]
    return sorted(ended, key=lambda path: -path.log_p)
