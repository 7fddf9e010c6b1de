"""Questions of the guessing game: hidden names with what the models expect at each letter.

The answers hold the names: they stay in the web process, which shows a letter when its bet is locked.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch

from lmlab.data.corpus import Corpus
from lmlab.errors import LabError
from lmlab.evaluation.loss import surprisals
from lmlab.jobs.calls.shelf import Shelf
from lmlab.models.ngram import Ngram, count
from lmlab.models.protocol import IGNORE, Examples, LanguageModel
from lmlab.runs.store import Run
from lmlab.strings import t
from lmlab.tokenizers.characters import CharacterTokenizer

MOST_KEYS = 60
"""Letters that can be chosen, the end mark among them: more do not fit a screen."""
LONGEST = 60  # letters of a name that is played
MOST_NAMES = 50  # of one question
ORDERS = (1, 2, 4)
"""The count models that play along, add-0.1: no letter before, one, three."""


@lru_cache(maxsize=4)
def keys_of(corpus: Corpus) -> list[str]:
    """The letters that can be chosen, in the alphabet's order: the most frequent ones where there are too many."""
    often = Counter("".join(corpus.part("train")))
    most = sorted(corpus.alphabet, key=lambda letter: (-often[letter], letter))[: MOST_KEYS - 1]
    return sorted(most)


def game(shelf: Shelf, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """The letters that can be chosen (the end mark comes on top), and how many held-out names there are."""
    loaded = _names(shelf, corpus, corpus_name)
    letters = keys_of(loaded)
    tokenizer = CharacterTokenizer(letters)
    return {
        "sha256": loaded.sha256,
        "letters": letters,
        "symbols": tokenizer.symbols[1:],
        "alphabet": len(loaded.alphabet),
        "names": len(loaded.part("validation")),
    }


def hidden(shelf: Shelf, corpus: str, indices: list[int], corpus_name: str | None = None) -> list[dict[str, Any]]:
    """The held-out names with these numbers, and each count model's (n + 1, V) probabilities, the end mark last.

    Names that are too long or have a letter without a key are left out.
    """
    loaded = _names(shelf, corpus, corpus_name)
    held_out, letters = loaded.part("validation"), set(keys_of(loaded))
    if not (len(indices) <= MOST_NAMES and all(0 <= i < len(held_out) for i in indices)):
        raise LabError(f"There are {len(held_out):,} held-out names, and at most {MOST_NAMES} can be drawn at once.")
    names = [held_out[i] for i in indices if len(held_out[i]) <= LONGEST and set(held_out[i]) <= letters]
    tokenizer = CharacterTokenizer(loaded.alphabet)
    columns = _columns(tokenizer, keys_of(loaded))
    rows = [expected(model, names, tokenizer, columns) for model in count_models(loaded).values()]
    return [
        {"name": name, "models": {order: each[i] for order, each in zip(ORDERS, rows, strict=True)}}
        for i, name in enumerate(names)
    ]


def expectations(shelf: Shelf, run: Run, names: list[str], letters: list[str]) -> list[list[list[float]]]:
    """A trained model's (n + 1, V) probabilities of the same letters for each name, the end mark last."""
    if not isinstance(run.tokenizer, CharacterTokenizer):
        raise LabError(t("error.pieces"))
    if not (len(names) <= MOST_NAMES and all(len(name) <= LONGEST for name in names)):
        raise LabError(f"At most {MOST_NAMES} names of at most {LONGEST} letters can be asked about at once.")
    return expected(run.model, names, run.tokenizer, _columns(run.tokenizer, letters))


def places(shelf: Shelf, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """Where held-out names are hard: each count model's mean surprise in nats at the first letter, later, at the end.

    The middle is every letter after the first. `mean` is the model's loss on the ruler.
    """
    loaded = _names(shelf, corpus, corpus_name)
    tokenizer = CharacterTokenizer(loaded.alphabet)
    held_out = [name for name in loaded.part("validation") if len(name) <= LONGEST]
    found = {order: surprise_by_place(model, held_out, tokenizer) for order, model in count_models(loaded).items()}
    return {"names": len(held_out), "models": found}


@lru_cache(maxsize=4)
def count_models(corpus: Corpus) -> dict[int, Ngram]:
    """The count models of a corpus by their order; counted once."""
    return {order: count(corpus, order, "add-k", 0.1) for order in ORDERS}


def expected(
    model: LanguageModel, names: Sequence[str], tokenizer: CharacterTokenizer, columns: Sequence[int]
) -> list[list[list[float]]]:
    """For each name its (n + 1, len(columns)) probabilities: row t is what the model expects after t letters."""
    if not names:
        return []
    examples = Examples.of(model, names, tokenizer)
    found: list[list[list[float]]] = [[] for _ in names]
    for i, document in enumerate(examples.document.tolist()):
        batch = examples.batch(torch.tensor([i]))
        with torch.inference_mode():
            p = model.logits(batch.ids)[0].double().softmax(-1)[:, columns]
        kept = p[batch.targets[0] != IGNORE]
        found[document] += kept.tolist()
    return found


def surprise_by_place(
    model: LanguageModel, names: Sequence[str], tokenizer: CharacterTokenizer
) -> dict[str, float | None]:
    """Mean surprise in nats at the first letter, at the letters after it, at the end mark, and of all together."""
    each = surprisals(model, names, tokenizer)
    where = {
        "first": [nats[0] for nats in each if len(nats) > 1],
        "middle": [value for nats in each for value in nats[1:-1]],
        "end": [nats[-1] for nats in each],
        "mean": [value for nats in each for value in nats],
    }
    return {place: math.fsum(nats) / len(nats) if nats else None for place, nats in where.items()}


def _columns(tokenizer: CharacterTokenizer, letters: Sequence[str]) -> list[int]:
    """Ids of the letters, then of the end mark."""
    return [*tokenizer.encode("".join(letters)), tokenizer.boundary_id]


def _names(shelf: Shelf, corpus: str, corpus_name: str | None) -> Corpus:
    """A corpus of names. Raises `LabError` for one long text, and for words as tokens."""
    loaded = shelf.corpus(corpus, corpus_name)
    if loaded.kind != "names" or loaded.tokens != "characters":
        raise LabError(t("error.game_of_text", name=loaded.name))
    return loaded


QUESTIONS: dict[str, Callable[..., Any]] = {"game": game, "hidden": hidden, "places": places}
MODEL_QUESTIONS: dict[str, Callable[..., Any]] = {"expectations": expectations}
