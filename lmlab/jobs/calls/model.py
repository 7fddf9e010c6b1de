"""Questions about a model: what it generates, expects, attends to and where it puts the letters."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from lmlab.data.corpus import Corpus, normalise_name
from lmlab.errors import LabError
from lmlab.evaluation.loss import Loss, evaluate, surprisal
from lmlab.evaluation.novelty import novelty
from lmlab.evaluation.projection import neighbours, project
from lmlab.generation.generate import generate
from lmlab.generation.sampling import Sampling
from lmlab.jobs.calls.shelf import Shelf
from lmlab.runs.store import Run
from lmlab.strings import t

MOST_SAMPLES = 1000


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
    likeliest_first: bool = False,
) -> dict[str, Any]:
    """Generate texts with their surprise and whether they are new; see `lmlab.generation`."""
    rules = Sampling.by_method(method, temperature, top_k, top_p, min_p)  # type: ignore[arg-type]
    return sampled(run, shelf.corpus(corpus, corpus_name), n, prefix, seed, rules, trace, likeliest_first)


def sampled(
    run: Run,
    corpus: Corpus,
    n: int,
    prefix: str,
    seed: int,
    rules: Sampling | None = None,
    trace: bool = False,
    likeliest_first: bool = False,
) -> dict[str, Any]:
    """Generated texts with their novelty, of any run; `samples` is the question, `roll` asks a count model.

    `first` (V,) counts the tokens that came first after the prefix.
    """
    if not 1 <= n <= MOST_SAMPLES:
        raise LabError(f"{n} names were asked for: choose 1 to {MOST_SAMPLES:,}.")
    if not 0 <= seed < 2**53:
        raise LabError(t("error.recipe_seed", n=seed))
    prefix = normalise_name(prefix)
    made = generate(run.model, run.tokenizer, n, rules, prefix, longest_of(corpus), seed, trace, likeliest_first)
    train_size = run.card.get("recipe", {}).get("train_size")
    marks = novelty([sample.text for sample in made], corpus, train_size)
    first = torch.bincount(torch.tensor([sample.ids[0] for sample in made]), minlength=run.model.vocab_size)
    return {
        "symbols": run.tokenizer.symbols,
        "first": first.tolist(),
        "samples": [
            {**asdict(sample), "novelty": mark if sample.ended else "cut off"}
            for sample, mark in zip(made, marks, strict=True)
        ],
    }


def longest_of(corpus: Corpus) -> int:
    """How many tokens a generated document may have: some more than the longest of the corpus."""
    return min(60, corpus.longest + 10)


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
        raise LabError(t("error.no_attention"))
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
        raise LabError(t("error.no_embeddings"))
    vectors = table.weight.detach().numpy()
    points, kept = project(vectors, None if like is None else np.asarray(like))
    symbols = run.tokenizer.symbols
    near = []
    if row is not None:
        if not 0 <= row < len(symbols):
            raise LabError(t("error.no_token_row", row=row))
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


QUESTIONS: dict[str, Callable[..., Any]] = {
    "generate": samples,
    "distribution": distribution,
    "attention": attention,
    "embeddings": embeddings,
    "evaluate": evaluate_run,
    "surprise": surprise,
}
