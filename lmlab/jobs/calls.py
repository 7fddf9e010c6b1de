"""What can be asked of a worker: small questions about a corpus or a model, answered with plain data.

Each function takes what it needs as keyword arguments that came from the page: nothing is trusted. A wrong
value raises `LabError`; the sentence is shown as it is.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lmlab.data.corpus import BUNDLED, Corpus, hub_lines, load_corpus, normalise_name
from lmlab.errors import LabError
from lmlab.evaluation.loss import Loss, evaluate, surprisal
from lmlab.evaluation.novelty import novelty
from lmlab.evaluation.projection import neighbours, project
from lmlab.generation.generate import generate
from lmlab.generation.sampling import Sampling
from lmlab.models.ngram import Ngram, count
from lmlab.runs.cards import new_run_id, owner_folder, short_name, tidy
from lmlab.runs.store import Run, corpus_card, counted_card, load_run, save_run
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.tokenizers.protocol import Tokenizer

MOST_SAMPLES = 1000
MOST_ORDER = 8


class Shelf:
    """What a worker keeps at hand: the corpora and runs that were used last."""

    def __init__(self, corpora: int = 4, runs: int = 8) -> None:
        self._corpora: OrderedDict[tuple[str, float, str | None], Corpus] = OrderedDict()
        self._runs: OrderedDict[tuple[str, float], Run] = OrderedDict()
        self._most = {"corpora": corpora, "runs": runs}

    def corpus(self, source: str, name: str | None = None) -> Corpus:
        """A corpus by its source; files are read again when they changed."""
        try:
            stamp = 0.0 if source in BUNDLED else Path(source).stat().st_mtime
        except OSError:  # the sentence must not tell a path of this machine
            raise LabError(
                f"The corpus {name or 'of this model'} is not here any more. Choose or paste it again."
            ) from None
        key = (source, stamp, name)
        if key not in self._corpora:
            corpus = load_corpus(source)
            self._corpora[key] = replace(corpus, name=name or corpus.name)
        return _used(self._corpora, key, self._most["corpora"])

    def run(self, folder: str) -> Run:
        """A run by its folder."""
        key = (folder, (Path(folder) / "run.json").stat().st_mtime)
        if key not in self._runs:
            try:
                self._runs[key] = load_run(folder)
            except LabError:  # the sentence must not tell a path of this machine
                name = short_name(Path(folder).name)
                raise LabError(f"The model '{name}' is damaged and cannot be read. Train it again.") from None
        return _used(self._runs, key, self._most["runs"])


def _used(shelf: OrderedDict[Any, Any], key: Any, most: int) -> Any:
    shelf.move_to_end(key)
    while len(shelf) > most:
        shelf.popitem(last=False)
    return shelf[key]


# --- questions about a corpus ---------------------------------------------------------------------------


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
    model = _counted(loaded, tokenizer, order, smoothing, k)
    train, validation = (evaluate(model, loaded.part(part), tokenizer) for part in ("train", "validation"))
    pairs = model if order == 2 else count(loaded, 2, tokenizer=tokenizer)
    contexts = np.arange(tokenizer.vocab_size)[:, None]
    probabilities = _counted(loaded, tokenizer, 2, smoothing, k).probabilities(contexts)
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
        model = _counted(loaded, tokenizer, order, smoothing, k)
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


def _counted(corpus: Corpus, tokenizer: Tokenizer, order: int, smoothing: str, k: float) -> Ngram:
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
) -> dict[str, Any]:
    """Save a count model as one of the visitor's runs; returns its card."""
    loaded = shelf.corpus(corpus, corpus_name)
    tokenizer = CharacterTokenizer(loaded.alphabet)
    model = _counted(loaded, tokenizer, order, smoothing, k)
    losses = {part: evaluate(model, loaded.part(part), tokenizer) for part in ("train", "validation")}
    run_id = new_run_id()
    card = counted_card(model, loaded, tokenizer, losses, run_id)
    card["corpus"]["source"] = corpus
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
    model = _counted(loaded, tokenizer, order, smoothing, k)
    return _samples(Run(model, tokenizer, {}), loaded, n=1, prefix=prefix, seed=seed, trace=True)


# --- questions about a model ----------------------------------------------------------------------------


def samples(
    shelf: Shelf,
    run: Run,
    corpus: str,
    n: int = 20,
    method: str = "sample",
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    prefix: str = "",
    seed: int = 0,
    trace: bool = False,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """Generate texts with their surprise and whether they are new; see `lmlab.generation`."""
    rules = Sampling.by_method(method, temperature, top_k, top_p, min_p)  # type: ignore[arg-type]
    return _samples(run, shelf.corpus(corpus, corpus_name), n, prefix, seed, rules, trace)


def _samples(
    run: Run,
    corpus: Corpus,
    n: int,
    prefix: str,
    seed: int,
    rules: Sampling | None = None,
    trace: bool = False,
) -> dict[str, Any]:
    if not 1 <= n <= MOST_SAMPLES:
        raise LabError(f"{n} names were asked for: choose 1 to {MOST_SAMPLES:,}.")
    if not 0 <= seed < 2**53:
        raise LabError(f"The seed is {seed}: choose 0 or a positive whole number.")
    prefix = normalise_name(prefix)
    made = generate(
        run.model, run.tokenizer, n, rules, prefix, limit=min(60, corpus.longest + 10), seed=seed, trace=trace
    )
    train_size = run.card.get("recipe", {}).get("train_size")
    marks = novelty([sample.text for sample in made], corpus, train_size)
    return {
        "symbols": run.tokenizer.symbols,
        "samples": [
            {**asdict(sample), "novelty": mark if sample.ended else "cut off"}
            for sample, mark in zip(made, marks, strict=True)
        ],
    }


def distribution(
    shelf: Shelf,
    run: Run,
    method: str = "sample",
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    prefix: str = "",
) -> dict[str, Any]:
    """Probabilities of the token after the prefix: the model's own, and what is left after the rules."""
    rules = Sampling.by_method(method, temperature, top_k, top_p, min_p)  # type: ignore[arg-type]
    ids = [run.tokenizer.boundary_id, *run.tokenizer.encode(normalise_name(prefix))]
    with torch.inference_mode():
        logits, _ = run.model.next(torch.tensor([ids]))
        p, final = logits[0].softmax(-1), rules.apply(logits)[0].softmax(-1)
    return {"symbols": run.tokenizer.symbols, "p": p.tolist(), "p_final": final.tolist()}


def attention(shelf: Shelf, run: Run, text: str) -> dict[str, Any]:
    """Attention weights of a transformer on a text: a (H, T, T) list a block."""
    if not hasattr(run.model, "attention"):
        raise LabError("This model has no attention: only a transformer does. Choose one from the bench.")
    ids = [run.tokenizer.boundary_id, *run.tokenizer.encode(normalise_name(text))]
    with torch.inference_mode():
        weights = run.model.attention(torch.tensor([ids]))
    symbols = run.tokenizer.symbols
    return {"tokens": [symbols[i] for i in ids], "weights": [block[0].tolist() for block in weights]}


def embeddings(
    shelf: Shelf, run: Run, row: int | None = None, like: list[list[float]] | None = None
) -> dict[str, Any]:
    """The tokens' vectors in two dimensions, and the neighbours of one in the original space.

    `like` are points that the axes should be turned towards: those of the training's last moment.
    """
    table = getattr(run.model, "embedding", None)
    if table is None:
        raise LabError("A count table has no embeddings: it knows letters only as letters. Choose a network.")
    vectors = table.weight.detach().numpy()
    points, kept = project(vectors, None if like is None else np.asarray(like))
    symbols = run.tokenizer.symbols
    near = []
    if row is not None:
        if not 0 <= row < len(symbols):
            raise LabError(f"There is no token {row}. Click a letter of the plot.")
        near = [(symbols[i], distance) for i, distance in neighbours(vectors, row, n=5)]
    return {"symbols": symbols, "points": points.tolist(), "kept": kept, "dimensions": vectors.shape[1], "near": near}


def evaluate_run(shelf: Shelf, run: Run, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """Training and held-out loss of a model on a corpus."""
    loaded = shelf.corpus(corpus, corpus_name)
    losses: dict[str, Loss] = {
        part: evaluate(run.model, loaded.part(part), run.tokenizer) for part in ("train", "validation")
    }
    return {part: loss.to_json() for part, loss in losses.items()}


def surprise(shelf: Shelf, run: Run, text: str) -> dict[str, Any]:
    """-ln p of each character of a text and of its end."""
    name = normalise_name(text)
    return {"text": name, "nats": surprisal(run.model, name, run.tokenizer)}


def fetch(shelf: Shelf, name: str, folder: str) -> dict[str, Any]:
    """Download the documents of a Hub data set into a file of the folder; takes as long as the network does."""
    lines = hub_lines(name)
    text = "\n".join(line.replace("\n", " ") for line in lines)
    path = Path(folder) / f"{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "replace"))
    return {"source": str(path), "name": name}


SLOW = {"fetch": fetch}
"""Questions that wait for the network: a worker answers them in a thread, beside its trainings."""

ABOUT_A_CORPUS: dict[str, Callable[..., Any]] = {
    "corpus": corpus_report,
    "baselines": baselines,
    "count": count_table,
    "sweep": sweep,
    "names_with": names_with,
    "keep_count": keep_count,
    "roll": roll_row,
}
ABOUT_A_MODEL: dict[str, Callable[..., Any]] = {
    "generate": samples,
    "distribution": distribution,
    "attention": attention,
    "embeddings": embeddings,
    "evaluate": evaluate_run,
    "surprise": surprise,
}


def plain(value: Any) -> Any:
    """Numpy numbers as Python numbers, so that the answer is plain data; arrays stay arrays."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value
