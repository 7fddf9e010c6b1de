"""Questions about a corpus: its report, its baselines, its counts; and those that make a corpus or a count model."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lmlab.data.corpus import PARTS, Corpus, Part, hub_lines, normalise_name
from lmlab.errors import LabError
from lmlab.evaluation.counting import cell, counted_loss, of_order
from lmlab.evaluation.loss import Loss
from lmlab.generation.sampling import choose
from lmlab.jobs.calls.model import MOST_SAMPLES, sampled
from lmlab.jobs.calls.shelf import Shelf
from lmlab.models.counts import Counts, count_ngrams
from lmlab.models.ngram import Ngram
from lmlab.runs.cards import new_run_id, owner_folder, tidy
from lmlab.runs.store import Run, corpus_card, counted_card, save_run
from lmlab.strings import t
from lmlab.tokenizers.characters import CharacterTokenizer

MOST_ORDER = 8
FIRST_NAMES = 400  # training documents that the page counts before the student's eyes


@lru_cache(maxsize=4)
def grams(corpus: Corpus, part: Part) -> Counts:
    """All n-grams of one side of a corpus, of every length that the page offers: counted once for all orders."""
    return count_ngrams(corpus.part(part), CharacterTokenizer(corpus.alphabet), MOST_ORDER)


def corpus_report(shelf: Shelf, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """Sizes, alphabet, and what was dropped."""
    loaded = shelf.corpus(corpus, corpus_name)
    return {
        **corpus_card(loaded),
        "report": loaded.report.sentence(),
        "cleaning": asdict(loaded.report),
        "symbols": CharacterTokenizer(loaded.alphabet).symbols,
        "longest": loaded.longest,
    }


def baselines(shelf: Shelf, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """The marks of the ruler: uniform, unigram, bigram and Kneser-Ney of order 5, on held-out documents."""
    loaded = shelf.corpus(corpus, corpus_name)
    marks = [("uniform", float(np.log(1 + len(loaded.alphabet))))]
    for title, order, smoothing in (
        ("unigram", 1, "add-k"),
        ("bigram", 2, "add-k"),
        ("Kneser–Ney 5", 5, "kneser-ney"),
    ):
        marks.append((title, loss_of(loaded, counted(loaded, order, smoothing, 0.1), "validation").nll))
    return {"sha256": loaded.sha256, "corpus": loaded.name, "marks": marks}


def counted(corpus: Corpus, order: int, smoothing: str, k: float) -> Ngram:
    """A count model as the controls of the page describe it; adding 0 is not smoothing."""
    if smoothing == "add-k" and k == 0:
        smoothing = "mle"
    return of_order(grams(corpus, "train"), int(order), smoothing, float(k))  # type: ignore[arg-type]


def loss_of(corpus: Corpus, model: Ngram, part: Part) -> Loss:
    """The loss of a count model on one side of its corpus."""
    return counted_loss(model, grams(corpus, part), corpus.part(part), CharacterTokenizer(corpus.alphabet))


def context_of(corpus: Corpus, before: str, length: int) -> list[int]:
    """The last `length` tokens before the next one; what is missing at the front is the start of the document."""
    tokenizer = CharacterTokenizer(corpus.alphabet)
    ids = tokenizer.encode(normalise_name(before))
    return [*[tokenizer.boundary_id] * max(0, length - len(ids)), *ids[max(0, len(ids) - length) :]]


def count_table(
    shelf: Shelf,
    corpus: str,
    order: int = 2,
    smoothing: str = "add-k",
    k: float = 0.1,
    before: str = "",
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """A row of the model's table for each last letter that the context may have, with what they are made of.

    Of a longer context the letters before the last one are `before`, so that one page of the large table shows. A
    model of order 1 has one row. `counts` and `held_out` say how often each letter followed, in the training and in
    the held-out documents.
    """
    loaded = shelf.corpus(corpus, corpus_name)
    model = counted(loaded, order, smoothing, k)
    V, order = model.vocab_size, model.config.order
    fixed = context_of(loaded, before, max(0, order - 2))
    contexts = np.array([[*fixed, last] for last in range(V)]) if order > 1 else np.zeros((1, 0), dtype=np.int64)
    ngrams = np.concatenate([np.repeat(contexts, V, axis=0), np.tile(np.arange(V), len(contexts))[:, None]], axis=1)
    seen = {part: grams(loaded, part) for part in ("train", "validation")}
    tables = {}
    for part, all_of_them in seen.items():
        place, often = all_of_them.rows(ngrams), all_of_them.levels[order - 1].counts
        tables[part] = np.where(place >= 0, often[place], 0).reshape(len(contexts), V)
    symbols = CharacterTokenizer(loaded.alphabet).symbols
    return {
        "symbols": symbols,
        "letters": ["", *loaded.alphabet],
        "before": fixed,
        "counts": tables["train"],
        "held_out": tables["validation"],
        "probabilities": model.probabilities(contexts),
        "names": loaded.split["train"],
        "first_names": loaded.part("train")[:FIRST_NAMES],
        "pairs": int(seen["train"].levels[0].counts.sum()),
        "train": loss_of(loaded, model, "train").to_json(),
        "validation": loss_of(loaded, model, "validation").to_json(),
        "grams": int((model.counts.levels[-1].counts > 0).sum()),
        "possible": V**order,
        "corpus": corpus_card(loaded),
    }


def sweep(
    shelf: Shelf, corpus: str, smoothing: str = "add-k", k: float = 0.1, corpus_name: str | None = None
) -> list[dict[str, Any]]:
    """Orders 1 to 8 under one smoothing: losses, unseen contexts, and how many n-grams could be and were seen."""
    loaded = shelf.corpus(corpus, corpus_name)
    rows = []
    for order in range(1, MOST_ORDER + 1):
        model = counted(loaded, order, smoothing, k)
        levels = model.counts.levels
        rows.append(
            {
                "order": order,
                "train": loss_of(loaded, model, "train").to_json(),
                "validation": loss_of(loaded, model, "validation").to_json(),
                "grams": int((levels[-1].counts > 0).sum()),
                "possible": model.vocab_size**order,
            }
        )
    return rows


def names_with(
    shelf: Shelf, corpus: str, gram: Sequence[int], most: int = 8, corpus_name: str | None = None
) -> dict[str, Any]:
    """Training documents that hold the tokens one after the other, and how many there are; id 0 is the boundary.

    Each comes with the place of the tokens in the document with a boundary before and behind it: (text, begin, end).
    """
    loaded = shelf.corpus(corpus, corpus_name)
    tokenizer = CharacterTokenizer(loaded.alphabet)
    if not 1 <= len(gram) <= MOST_ORDER or not all(0 <= token < tokenizer.vocab_size for token in gram):
        raise LabError(t("error.no_cell", cell=tuple(gram)))
    mark = "\n"  # no name holds a line break
    wanted = "".join(tokenizer.decode([token]) or mark for token in gram)
    found: list[tuple[str, int, int]] = []
    total = 0
    for name in loaded.part("train"):
        at = (mark * len(gram) + name + mark).find(wanted)
        if at >= 0:
            total += 1
            if len(found) < most:
                begin = at - len(gram) + 1
                found.append((name, max(0, begin), begin + len(gram)))
    return {"names": found, "total": total}


def cell_sum(
    shelf: Shelf,
    corpus: str,
    gram: Sequence[int],
    order: int = 2,
    smoothing: str = "add-k",
    k: float = 0.1,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """The numbers behind the probability of one cell: see `lmlab.evaluation.counting.cell`."""
    model = counted(shelf.corpus(corpus, corpus_name), order, smoothing, k)
    if len(gram) != model.config.order or not all(0 <= token < model.vocab_size for token in gram):
        raise LabError(t("error.no_cell", cell=tuple(gram)))
    return {**asdict(cell(model, list(gram))), "V": model.vocab_size}


def row_surprise(shelf: Shelf, corpus: str, corpus_name: str | None = None) -> list[tuple[str, float, int]]:
    """How hard the letter after each symbol is to predict: (symbol, entropy in nats, how often it was counted)."""
    table = count_table(shelf, corpus, 2, "mle", 0.0, corpus_name=corpus_name)
    rows = []
    for symbol, counts, p in zip(table["symbols"], table["counts"], table["probabilities"], strict=True):
        if counts.sum():
            seen = p[p > 0]
            rows.append((symbol, float(-(seen * np.log(seen)).sum()), int(counts.sum())))
    return rows


def keep_count(
    shelf: Shelf,
    visitor: str,
    corpus: str,
    order: int = 2,
    smoothing: str = "add-k",
    k: float = 0.1,
    corpus_name: str | None = None,
    most: int = 20,
    parent: str | None = None,
) -> dict[str, Any]:
    """Save a count model as one of the visitor's runs; returns its card."""
    loaded = shelf.corpus(corpus, corpus_name)
    model = counted(loaded, order, smoothing, k)
    losses: dict[str, Loss] = {part: loss_of(loaded, model, part) for part in PARTS[:2]}
    run_id = new_run_id()
    card = counted_card(model, loaded, CharacterTokenizer(loaded.alphabet), losses, run_id)
    card["corpus"]["source"] = corpus
    card["parent"] = parent
    save_run(owner_folder(visitor) / run_id, model, card)
    tidy(visitor, most)
    return card


def roll_row(
    shelf: Shelf,
    corpus: str,
    prefix: str = "",
    seed: int = 0,
    order: int = 2,
    smoothing: str = "add-k",
    k: float = 0.1,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """Generate one name from a count model with every roll on record."""
    loaded = shelf.corpus(corpus, corpus_name)
    model, tokenizer = counted(loaded, order, smoothing, k), CharacterTokenizer(loaded.alphabet)
    return sampled(Run(model, tokenizer, {}), loaded, n=1, prefix=prefix, seed=seed, trace=True)


def roll_often(
    shelf: Shelf,
    corpus: str,
    prefix: str = "",
    n: int = 100,
    seed: int = 0,
    order: int = 2,
    smoothing: str = "add-k",
    k: float = 0.1,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """Roll the letter after the prefix n times: the row, the random numbers, and what each landed on."""
    if not 1 <= n <= MOST_SAMPLES:
        raise LabError(f"{n} rolls were asked for: choose 1 to {MOST_SAMPLES:,}.")
    if not 0 <= seed < 2**53:
        raise LabError(t("error.recipe_seed", n=seed))
    found = beginnings(shelf, corpus, [prefix], order, smoothing, k, corpus_name)
    p = torch.tensor(found["probabilities"])
    dice = torch.rand(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    tokens = choose(p.expand(n, -1), dice)
    return {"p": p[0].tolist(), "u": dice.tolist(), "tokens": tokens.tolist()}


def beginnings(
    shelf: Shelf,
    corpus: str,
    texts: Sequence[str],
    order: int = 2,
    smoothing: str = "add-k",
    k: float = 0.1,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """What may follow each of several texts: the letters that the model looks at, its row, whether it knows them."""
    loaded = shelf.corpus(corpus, corpus_name)
    model = counted(loaded, order, smoothing, k)
    contexts = np.array([context_of(loaded, text, model.config.order - 1) for text in texts], dtype=np.int64)
    contexts = contexts.reshape(len(texts), model.config.order - 1)
    symbols = CharacterTokenizer(loaded.alphabet).symbols
    return {
        "symbols": symbols,
        "contexts": ["".join(symbols[i] for i in context) for context in contexts.tolist()],
        "probabilities": model.probabilities(contexts),
        "unseen": model.unseen_contexts(contexts).tolist(),
    }


def fetch(shelf: Shelf, name: str, folder: str) -> dict[str, Any]:
    """Download the documents of a Hub data set into a file of the folder; takes as long as the network does."""
    lines = hub_lines(name)
    text = "\n".join(line.replace("\n", " ") for line in lines)
    path = Path(folder) / f"{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "replace"))
    return {"source": str(path), "name": name}


QUESTIONS: dict[str, Callable[..., Any]] = {
    "corpus": corpus_report,
    "baselines": baselines,
    "count": count_table,
    "sweep": sweep,
    "names_with": names_with,
    "cell": cell_sum,
    "rows": row_surprise,
    "roll_often": roll_often,
    "beginnings": beginnings,
    "keep_count": keep_count,
    "roll": roll_row,
}
