"""Questions about a corpus: its report, its baselines, its counts; and those that make a corpus or a count model."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lmlab.data.corpus import Corpus, hub_lines
from lmlab.errors import LabError
from lmlab.evaluation.loss import evaluate
from lmlab.jobs.calls.model import sampled
from lmlab.jobs.calls.shelf import Shelf
from lmlab.models.ngram import Ngram, count
from lmlab.runs.cards import new_run_id, owner_folder, tidy
from lmlab.runs.store import Run, corpus_card, counted_card, save_run
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.tokenizers.protocol import Tokenizer

MOST_ORDER = 8


def corpus_report(shelf: Shelf, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """Sizes, alphabet, and what was dropped."""
    loaded = shelf.corpus(corpus, corpus_name)
    return {
        **corpus_card(loaded),
        "report": loaded.report.sentence(),
        "symbols": CharacterTokenizer(loaded.alphabet).symbols,
        "longest": loaded.longest,
    }


def baselines(shelf: Shelf, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """The marks of the ruler: uniform, unigram, bigram and Kneser-Ney of order 5, on held-out documents."""
    loaded = shelf.corpus(corpus, corpus_name)
    tokenizer = CharacterTokenizer(loaded.alphabet)
    held_out = loaded.part("validation")
    marks = [("uniform", float(np.log(tokenizer.vocab_size)))]
    for title, order, smoothing in (
        ("unigram", 1, "add-k"),
        ("bigram", 2, "add-k"),
        ("Kneser–Ney 5", 5, "kneser-ney"),
    ):
        model = count(loaded, order, smoothing, tokenizer=tokenizer)  # type: ignore[arg-type]
        marks.append((title, evaluate(model, held_out, tokenizer).nll))
    return {"sha256": loaded.sha256, "corpus": loaded.name, "marks": marks}


def count_table(
    shelf: Shelf,
    corpus: str,
    order: int = 2,
    smoothing: str = "add-k",
    k: float = 0.1,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """The table of pairs, the model's losses, and what it would take to store every context."""
    loaded = shelf.corpus(corpus, corpus_name)
    tokenizer = CharacterTokenizer(loaded.alphabet)
    model = counted(loaded, tokenizer, order, smoothing, k)
    train, validation = (evaluate(model, loaded.part(part), tokenizer) for part in ("train", "validation"))
    pairs = model if order == 2 else count(loaded, 2, tokenizer=tokenizer)
    contexts = np.arange(tokenizer.vocab_size)[:, None]
    probabilities = counted(loaded, tokenizer, 2, smoothing, k).probabilities(contexts)
    return {
        "symbols": tokenizer.symbols,
        "counts": pairs.table(),
        "probabilities": probabilities,
        "train": train.to_json(),
        "validation": validation.to_json(),
        "contexts": 1 if order == 1 else len(model.counts.levels[order - 2].keys),
        "grams": int((model.counts.levels[-1].counts > 0).sum()),
        "possible": tokenizer.vocab_size**order,
        "corpus": corpus_card(loaded),
    }


def sweep(
    shelf: Shelf, corpus: str, smoothing: str = "add-k", k: float = 0.1, corpus_name: str | None = None
) -> list[dict[str, Any]]:
    """Training and held-out loss for orders 1 to 8 under one smoothing, with the share of unseen contexts."""
    loaded = shelf.corpus(corpus, corpus_name)
    tokenizer = CharacterTokenizer(loaded.alphabet)
    rows = []
    for order in range(1, MOST_ORDER + 1):
        model = counted(loaded, tokenizer, order, smoothing, k)
        train, validation = (evaluate(model, loaded.part(part), tokenizer) for part in ("train", "validation"))
        rows.append({"order": order, "train": train.to_json(), "validation": validation.to_json()})
    return rows


def names_with(
    shelf: Shelf, corpus: str, first: int, second: int, most: int = 8, corpus_name: str | None = None
) -> dict[str, Any]:
    """Training documents that hold the pair of tokens, and how many there are; id 0 is the boundary."""
    loaded = shelf.corpus(corpus, corpus_name)
    tokenizer = CharacterTokenizer(loaded.alphabet)
    if not (0 <= first < tokenizer.vocab_size and 0 <= second < tokenizer.vocab_size):
        raise LabError(f"There is no pair ({first}, {second}) in this table. Click a cell of it.")
    a, b = (tokenizer.decode([token]) for token in (first, second))
    found: list[tuple[str, int]] = []
    total = 0
    for name in loaded.part("train"):
        if first == 0:
            at = 0 if name.startswith(b) and b else -1
        elif second == 0:
            at = len(name) - 1 if name.endswith(a) else -1
        else:
            at = name.find(a + b)
        if at >= 0:
            total += 1
            if len(found) < most:
                found.append((name, at - (1 if first == 0 else 0)))
    return {"names": found, "total": total}


def counted(corpus: Corpus, tokenizer: Tokenizer, order: int, smoothing: str, k: float) -> Ngram:
    """A count model as the controls of the page describe it; adding 0 is not smoothing."""
    if smoothing == "add-k" and k == 0:
        smoothing = "mle"
    return count(corpus, int(order), smoothing, float(k), tokenizer)  # type: ignore[arg-type]


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
    tokenizer = CharacterTokenizer(loaded.alphabet)
    model = counted(loaded, tokenizer, order, smoothing, k)
    losses = {part: evaluate(model, loaded.part(part), tokenizer) for part in ("train", "validation")}
    run_id = new_run_id()
    card = counted_card(model, loaded, tokenizer, losses, run_id)
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
    tokenizer = CharacterTokenizer(loaded.alphabet)
    model = counted(loaded, tokenizer, order, smoothing, k)
    return sampled(Run(model, tokenizer, {}), loaded, n=1, prefix=prefix, seed=seed, trace=True)


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
    "keep_count": keep_count,
    "roll": roll_row,
}
