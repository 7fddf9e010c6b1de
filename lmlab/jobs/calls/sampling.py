"""Questions about how a model writes: one name roll by roll, the branches ahead, what the temperature changes."""

import base64
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lmlab.data.corpus import Corpus, normalise_name
from lmlab.errors import LabError
from lmlab.evaluation.loss import evaluate
from lmlab.evaluation.novelty import novelty
from lmlab.generation.beam import beam
from lmlab.generation.generate import check_writes, dice_of, generate
from lmlab.generation.sampling import Sampling, choose, temperature
from lmlab.jobs.calls.model import longest_of
from lmlab.jobs.calls.shelf import Shelf
from lmlab.models.ngram import Ngram, count
from lmlab.runs.store import Run
from lmlab.strings import t
from lmlab.tokenizers.characters import CharacterTokenizer

MOST_ROWS = 1000  # rows of dice that a visitor may go through
MOST_NUMBERS = 60_000  # logits of one answer: of a larger vocabulary only the step that is looked at is sent
BEAM = 50
MOST_LOGITS = 60
MOST_REFERENCES = 4
LARGEST_LOGIT = 1000.0


def as_base64(logits: Tensor) -> str:
    """(V,) float32 logits as base64 of their little-endian bytes: short, exact, -inf included.

    >>> as_base64(torch.tensor([1.0]))
    'AACAPw=='
    """
    return base64.b64encode(np.ascontiguousarray(logits.float().numpy(), dtype="<f4").tobytes()).decode()


def word(
    shelf: Shelf,
    run: Run,
    corpus: str,
    prefix: str = "",
    stand: Sequence[int] = (),
    at: int = 0,
    row: int = 0,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """One name with the logits behind each of its letters.

    The name begins with `prefix`; then the tokens `stand` are as they are, and what follows is rolled with row `row`
    of the seed's dice (`dice_of`), the column counted from the end of the prefix: with nothing standing it is text
    number `row` of `generate(…, likeliest_first=True)`. A step is `{"z": logits, "id", "u", "nats"}`:
    `u` is None where nothing was rolled, `nats` None where it is infinite, and `z` None where the vocabulary is too
    large to send all steps; the step `at` always has its logits.
    """
    check_writes(run.model)
    loaded = shelf.corpus(corpus, corpus_name)
    rules = Sampling(temperature, top_k, top_p, min_p)
    tokenizer, boundary = run.tokenizer, run.tokenizer.boundary_id
    given = tokenizer.encode(normalise_name(prefix))
    begin = [*given, *tokens_of(run, stand)]
    limit = longest_of(loaded)
    if not 0 <= row < MOST_ROWS:
        raise LabError(t("error.no_dice_row", n=row + 1, most=MOST_ROWS))
    if len(begin) > limit:
        raise LabError(t("error.long_name", n=len(begin), most=limit))
    dice = dice_of(seed, row + 1, limit)[row]
    steps: list[dict[str, Any]] = []
    ids, state, ended = torch.tensor([[boundary]]), None, False
    with torch.inference_mode():
        while not ended and len(steps) < limit:
            j = len(steps)
            logits, state = run.model.next(ids, state)
            u = None if j < len(begin) else float(dice[j - len(given)])
            if u is None:
                token = begin[j]
            else:
                final = rules.apply(logits.double()).softmax(-1)
                token = int(choose(final, torch.tensor([u], dtype=torch.float64), likeliest_first=True))
            nats = -float(logits[0].double().log_softmax(-1)[token]) + 0.0  # no minus zero
            steps.append({"z": logits[0], "id": token, "u": u, "nats": nats if math.isfinite(nats) else None})
            ended = token == boundary
            ids = torch.tensor([[token]])
    every = len(steps) * run.model.vocab_size <= MOST_NUMBERS
    for j, step in enumerate(steps):
        step["z"] = as_base64(step["z"]) if every or j == min(at, len(steps) - 1) else None
    text = tokenizer.decode([step["id"] for step in steps])
    mark = novelty([text], loaded, run.card.get("recipe", {}).get("train_size"))[0]
    return {
        "symbols": tokenizer.symbols,
        "boundary": boundary,
        "given": len(given),
        "steps": steps,
        "text": text,
        "ended": ended,
        "novelty": mark if ended else "cut off",
    }


def tokens_of(run: Run, ids: Sequence[int]) -> list[int]:
    """Token ids that came from the page. Raises `LabError` for no token, or an end with something after it."""
    size, boundary = run.model.vocab_size, run.tokenizer.boundary_id
    if not all(isinstance(token, int) and 0 <= token < size for token in ids):
        raise LabError(t("error.no_token", size=size, last=size - 1))
    if boundary in list(ids)[:-1]:
        raise LabError(t("error.after_end"))
    return list(ids)


def tree(
    shelf: Shelf,
    run: Run,
    ids: Sequence[int] = (),
    wide: int = 3,
    deep: int = 3,
    limit: int = 50,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> dict[str, Any]:
    """The `wide` likeliest continuations of the tokens `ids`, `deep` levels of them, under the rules.

    A node is `{"id", "symbol", "p", "path", "ids", "children"}`: `p` is the branch's own probability, `path` the
    product of all from the root, `ids` the tokens since the root. Branches that may not be rolled (p = 0) are left
    out. `greedy` and `best` are whole texts: the likeliest token again and again, and the likeliest that a beam of
    `width` finds; each is `{"text", "p", "ended"}`.
    """
    check_writes(run.model)
    if not (1 <= wide <= 5 and 1 <= deep <= 4 and 1 <= limit <= 100):
        raise LabError(t("error.large_tree"))
    rules = Sampling(temperature, top_k, top_p, min_p)
    begin = tokens_of(run, ids)
    tokenizer, boundary, symbols = run.tokenizer, run.tokenizer.boundary_id, run.tokenizer.symbols
    if boundary in begin:
        raise LabError(t("error.after_end"))
    root: dict[str, Any] = {"id": None, "symbol": "", "p": 1.0, "path": 1.0, "ids": [], "children": []}
    level = [root]
    for _ in range(deep):
        open_ends = [node for node in level if not node["ids"] or node["ids"][-1] != boundary]
        if not open_ends:
            break
        with torch.inference_mode():
            logits, _ = run.model.next(torch.tensor([[boundary, *begin, *node["ids"]] for node in open_ends]))
            final = rules.apply(logits.double()).softmax(-1)
        likely, tokens = final.sort(dim=-1, descending=True, stable=True)
        for node, ps, found in zip(open_ends, likely.tolist(), tokens.tolist(), strict=True):
            node["children"] = [
                {"id": token, "symbol": symbols[token], "p": p, "path": node["path"] * p,
                 "ids": [*node["ids"], token], "children": []}
                for p, token in zip(ps[:wide], found[:wide], strict=False)
                if p > 0
            ]  # fmt: skip
        level = [child for node in open_ends for child in node["children"]]
    whole = {}
    for name, width in (("greedy", 1), ("best", BEAM)):
        path = beam(run.model, tokenizer, width, rules, begin, max(1, limit - len(begin)))[0]
        whole[name] = {"text": path.text, "p": math.exp(path.log_p), "ended": path.ended}
    return {"root": root, "boundary": boundary, "begin": tokenizer.decode(begin), "width": BEAM, **whole}


@dataclass(frozen=True)
class Reference:
    """What says how usual a text looks: a Kneser-Ney model of order 5, and the held-out documents to it.

    `length` is their mean number of characters, `nats` their mean surprise a character.
    """

    model: Ngram
    tokenizer: CharacterTokenizer
    length: float
    nats: float


_references: OrderedDict[str, Reference] = OrderedDict()


def reference(corpus: Corpus) -> Reference:
    """The reference of a corpus; those of the last corpora are kept."""
    if corpus.sha256 not in _references:
        tokenizer = CharacterTokenizer(corpus.alphabet)
        model = count(corpus, 5, "kneser-ney", tokenizer=tokenizer)
        held_out = corpus.part("validation")
        length = sum(map(len, held_out)) / len(held_out)
        _references[corpus.sha256] = Reference(model, tokenizer, length, evaluate(model, held_out, tokenizer).nll)
        while len(_references) > MOST_REFERENCES:
            _references.popitem(last=False)
    _references.move_to_end(corpus.sha256)
    return _references[corpus.sha256]


def at_temperature(
    shelf: Shelf,
    run: Run,
    corpus: str,
    temperature: float = 1.0,
    n: int = 100,
    seed: int = 0,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """What n names rolled at one temperature are like, with nothing cut.

    `known` is the share that stands in the training set, `length` the mean number of letters, `nats` the mean
    surprise a character (end marks included) of these names to a Kneser-Ney model of order 5 of the same corpus.
    """
    if not 1 <= n <= 1000:
        raise LabError(f"{n} names were asked for: choose 1 to 1,000.")
    loaded = shelf.corpus(corpus, corpus_name)
    made = generate(
        run.model, run.tokenizer, n, Sampling(temperature), limit=longest_of(loaded), seed=seed, likeliest_first=True
    )
    texts = [sample.text for sample in made]
    marks = novelty(texts, loaded, run.card.get("recipe", {}).get("train_size"))
    known = sum(mark == "training" and sample.ended for mark, sample in zip(marks, made, strict=True))
    usual = reference(loaded)
    nats = evaluate(usual.model, texts, usual.tokenizer).nll
    return {
        "temperature": temperature,
        "n": n,
        "known": known / n,
        "length": sum(map(len, texts)) / n,
        "nats": nats if math.isfinite(nats) else None,
    }


def temperature_for(shelf: Shelf, run: Run, share: float = 0.5, ids: Sequence[int] = ()) -> dict[str, Any]:
    """The temperature at which the likeliest token after `ids` has the probability `share`.

    The likeliest token's probability falls steadily as T rises, so halving the interval finds it. `temperature` is
    None where no T does: the share is below 1 / V, or two tokens are equally likely.
    """
    if not 0 < share < 1:
        raise LabError(f"The share is {share:g}: choose more than 0 and less than 1.")
    check_writes(run.model)
    begin = tokens_of(run, ids)
    with torch.inference_mode():
        logits = run.model.next(torch.tensor([[run.tokenizer.boundary_id, *begin]]))[0][0].double()

    def top(t: float) -> float:
        return float(temperature(logits, t).softmax(-1).max())

    low, high = 0.001, 100.0
    found = None
    if top(low) > share > top(high):
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if top(middle) > share else (low, middle)
        found = low
    best = int(logits.argmax())
    return {"temperature": found, "id": best, "symbol": run.tokenizer.symbols[best], "usual": top(1.0)}


def shares(shelf: Shelf, logits: Sequence[float], temperatures: Sequence[float] = (0.5, 1.0, 2.0)) -> dict[str, Any]:
    """The softmax of some logits at each temperature: no model, only the arithmetic.

    >>> [round(p, 4) for p in shares(None, [2.0, 1.0, 0.5, 0.1], [1.0])["p"][0]]
    [0.5745, 0.2114, 0.1282, 0.0859]
    """
    check_logits(logits)
    if len(temperatures) > 20:
        raise LabError(f"{len(temperatures)} temperatures were given: at most 20.")
    rows = torch.tensor(list(logits), dtype=torch.float64)
    return {"p": [Sampling(t).apply(rows).softmax(-1).tolist() for t in temperatures]}


def roll_logits(
    shelf: Shelf,
    logits: Sequence[float],
    row: int = 0,
    n: int = 100,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> dict[str, Any]:
    """Roll logits that no model gave: `u` and `id` of roll number `row` of the seed's dice, and how often each of n
    rolls hit each token (`counts`), beside what the rules promise (`p_final`)."""
    check_logits(logits)
    if not (0 <= row < MOST_ROWS and 1 <= n <= 1000):
        raise LabError(t("error.no_roll", n=row + 1, most=MOST_ROWS))
    rules = Sampling(temperature, top_k, top_p, min_p)
    final = rules.apply(torch.tensor(list(logits), dtype=torch.float64)).softmax(-1)
    dice = dice_of(seed, max(n, row + 1), 1)[:, 0]
    tokens = choose(final.expand(len(dice), -1), dice, likeliest_first=True)
    counts = torch.bincount(tokens[:n], minlength=len(logits))
    return {"u": float(dice[row]), "id": int(tokens[row]), "counts": counts.tolist(), "p_final": final.tolist()}


def check_logits(logits: Sequence[float]) -> None:
    """Raise `LabError` for logits that are too few, too many or out of range."""
    if not 2 <= len(logits) <= MOST_LOGITS:
        raise LabError(t("error.logits", n=len(logits), most=MOST_LOGITS))
    if not all(abs(z) <= LARGEST_LOGIT for z in logits):
        raise LabError(t("error.logit_range", most=LARGEST_LOGIT))


def usual_names(shelf: Shelf, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """What the names that no model saw are like: mean length in letters, and mean surprise a character to the same
    Kneser-Ney model as in `at_temperature`."""
    usual = reference(shelf.corpus(corpus, corpus_name))
    return {"length": usual.length, "nats": usual.nats}


QUESTIONS: dict[str, Callable[..., Any]] = {
    "shares": shares,
    "roll_logits": roll_logits,
    "usual_names": usual_names,
}
MODEL_QUESTIONS: dict[str, Callable[..., Any]] = {
    "word": word,
    "tree": tree,
    "at_temperature": at_temperature,
    "temperature_for": temperature_for,
}
