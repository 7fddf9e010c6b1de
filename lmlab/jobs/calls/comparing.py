"""Questions of the level Compare: the ladder, one name under a model, real or made up, leaks, and the test split."""

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from lmlab.data.corpus import Corpus, normalise_name, raw_lines
from lmlab.errors import LabError
from lmlab.evaluation.chance import SURE, loss_error
from lmlab.evaluation.comparison import Rung, distinguishable, p_value, rank
from lmlab.evaluation.leaks import leak_report, leaky_corpus
from lmlab.evaluation.loss import evaluate, surprisal, surprisals
from lmlab.evaluation.memorisation import memorised
from lmlab.evaluation.novelty import novelty
from lmlab.generation.generate import generate
from lmlab.jobs.calls.shelf import Shelf
from lmlab.runs.cards import BUNDLED, find_run, read_card, short_name
from lmlab.runs.ladder import COUNTED, SAMPLES, climb, rung_of
from lmlab.runs.leaking import with_and_without
from lmlab.runs.measured import measured_ladder, measured_leaks, rungs_of
from lmlab.runs.store import Run, record_test
from lmlab.strings import t

LEAK_SEED = 0  # of the careless shuffle, as `lmlab leaks` has it
MOST_ROLLS = 400  # names that a model rolls for a quiz, before it has to be one that invents too little


# --- the ladder --------------------------------------------------------------------------------------------


def ladder(shelf: Shelf, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """The measured ladder of a corpus, the lowest loss first, or the names of the rungs that can be counted at once.

    `equal` are pairs of names that the spread of their seeds does not tell apart; `more` is how many times as many
    training documents as held-out ones there are.
    """
    loaded = shelf.corpus(corpus, corpus_name)
    found = measured_ladder(loaded.sha256)
    split = loaded.split
    about = {
        "sha256": loaded.sha256,
        "kind": loaded.kind,
        "samples": SAMPLES,
        "more": split["train"] / max(1, split["validation"] + split["test"]),
        "to_count": [] if found else list(COUNTED),
    }
    if found is None:
        return {**about, "rungs": [], "equal": [], "measured": None}
    places = [place.rung for place in rank(rungs_of(found))]
    return {
        **about,
        "rungs": [
            rung_row(rung, p_value(rung, worse) if worse else None)
            for rung, worse in zip(places, [*places[1:], None], strict=True)
        ],
        "equal": [[a.name, b.name] for a, b in combinations(places, 2) if distinguishable(a, b) is False],
        "measured": {name: found[name] for name in ("command", "date", "versions", "seeds", "threads")},
    }


def rung(shelf: Shelf, corpus: str, which: str, corpus_name: str | None = None) -> dict[str, Any]:
    """One counted rung of the ladder, made now."""
    if which not in COUNTED:
        raise LabError(f"'{str(which)[:40]}' is not counted. Choose one of: {', '.join(COUNTED)}.")
    return rung_row(rung_of([climb(which, shelf.corpus(corpus, corpus_name))]))


def rung_row(rung: Rung, p: float | None = None) -> dict[str, Any]:
    """A rung as plain data; `p` is how often luck alone would tell it from the next one as much."""
    return {
        "name": rung.name,
        "losses": list(rung.losses),
        "loss": rung.mean,
        "deviation": rung.deviation,
        "parameters": rung.parameters,
        "seconds": rung.seconds,
        "memorised": rung.memorised,
        "held_out": rung.held_out,
        "counted": rung.deterministic,
        "p": p,
    }


def remembered(shelf: Shelf, run: Run, corpus: str, corpus_name: str | None = None, seed: int = 0) -> dict[str, Any]:
    """Of 1,000 texts that a model writes: how many stand in its training data, on a held-out side, in neither."""
    loaded = shelf.corpus(corpus, corpus_name)
    _same_corpus(run, loaded)
    made = generate(run.model, run.tokenizer, SAMPLES, limit=loaded.longest + 1, seed=seed)
    size = run.card.get("recipe", {}).get("train_size")
    return memorised([sample.text for sample in made], loaded, size).to_json()


# --- one name ----------------------------------------------------------------------------------------------


def letters(shelf: Shelf, run: Run, text: str) -> dict[str, Any]:
    """-ln p of each token of a text and of its end, with the tokens as they are written; `symbols` is how many there
    are to choose from."""
    name = normalise_name(text)
    if not name:
        raise LabError(t("error.no_name"))
    ids = run.tokenizer.encode(name)
    return {
        "text": name,
        "pieces": [run.tokenizer.decode([token]) for token in ids],
        "nats": surprisal(run.model, name, run.tokenizer),
        "symbols": run.tokenizer.vocab_size,
    }


def exam(shelf: Shelf, run: Run, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """What each held-out document costs a model, in nats."""
    loaded = shelf.corpus(corpus, corpus_name)
    _same_corpus(run, loaded)
    documents = loaded.part("validation")
    each = surprisals(run.model, documents, run.tokenizer)
    return {"names": documents, "nats": [sum(nats) for nats in each]}


def _same_corpus(run: Run, corpus: Corpus) -> None:
    """Losses on another corpus may not be compared. A training under way has no card yet: it is of its own corpus."""
    learned = run.card.get("corpus", {}).get("sha256", corpus.sha256)
    if learned != corpus.sha256:
        name = run.card["corpus"]["name"]
        raise LabError(t("error.other_corpus", name=name, here=corpus.name))


# --- real or made up ---------------------------------------------------------------------------------------


def quiz(shelf: Shelf, run: Run, corpus: str, n: int = 10, seed: int = 0, corpus_name: str | None = None) -> Any:
    """n names in random order, half of them held out and half rolled by the model: `[{name, real, nats}, ...]`.

    What the model rolls is new: neither a training name, nor a held-out one that it found by itself.
    """
    loaded = shelf.corpus(corpus, corpus_name)
    if not (2 <= n <= 40 and n % 2 == 0):
        raise LabError(f"{n} names were asked for: choose an even number from 2 to 40.")
    if not 0 <= seed < 2**53:
        raise LabError(t("error.recipe_seed", n=seed))
    _same_corpus(run, loaded)
    half, dice = n // 2, np.random.default_rng(seed)
    held_out = loaded.part("validation")
    if len(held_out) < half:
        raise LabError(t("error.few_held_out", n=len(held_out), needed=half))
    real = [held_out[i] for i in dice.choice(len(held_out), half, replace=False)]
    rolled = generate(run.model, run.tokenizer, MOST_ROLLS, limit=min(60, loaded.longest + 1), seed=seed)
    texts = list(dict.fromkeys(sample.text for sample in rolled if sample.ended and sample.text))
    new = [text for text, mark in zip(texts, novelty(texts, loaded), strict=True) if mark == "new"][:half]
    if len(new) < half:
        raise LabError(t("error.few_new", n=MOST_ROLLS, new=len(new), needed=half))
    names = [*((name, True) for name in real), *((name, False) for name in new)]
    return [
        {"name": name, "real": real, "nats": sum(surprisal(run.model, name, run.tokenizer))}
        for name, real in (names[i] for i in dice.permutation(n))
    ]


# --- leaks -------------------------------------------------------------------------------------------------


def leak(shelf: Shelf, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """How much of the held-out side stands in the training data, as the lab splits and as a careless split would.

    `measured` are the networks that were trained with and without it, with their seed, the command and the day, and
    the `deviation` of their losses over other seeds where that was measured; None where nobody trained any.
    """
    loaded = shelf.corpus(corpus, corpus_name)
    return {
        "clean": leak_report(loaded).to_json(),
        "careless": leak_report(raw_lines(corpus, loaded.kind), LEAK_SEED).to_json(),
        "measured": _networks(loaded.sha256),
    }


def _networks(sha256: str) -> dict[str, Any] | None:
    found, ladder = measured_leaks(sha256), measured_ladder(sha256)
    if found is None or found["seed"] != LEAK_SEED:
        return None
    deviations = {each["name"]: each["deviation"] for each in (ladder or {"rungs": []})["rungs"]}
    rows = [{**row, "deviation": deviations.get(row["name"])} for row in found["leaks"]]
    return {"rows": rows, **{name: found[name] for name in ("seed", "command", "date", "versions", "threads")}}


def leak_of(shelf: Shelf, corpus: str, which: str, corpus_name: str | None = None) -> dict[str, Any]:
    """A counted model made with and without the leak of a careless split; see `lmlab.runs.leaking`."""
    if which not in COUNTED:
        raise LabError(f"'{str(which)[:40]}' is not counted. Choose one of: {', '.join(COUNTED)}.")
    loaded = shelf.corpus(corpus, corpus_name)
    return with_and_without(which, leaky_corpus(raw_lines(corpus, loaded.kind), LEAK_SEED, loaded.name), LEAK_SEED)


# --- the test split ----------------------------------------------------------------------------------------


def open_test(shelf: Shelf, visitor: str, run: str, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """Measure one of the visitor's models on the test documents and write it on its card; once, and never again.

    Returns the card, in `again` whether the split had been opened before (the number is then the old one), and in
    `luck` by how much the loss on as many other documents would differ from the validation loss in 95 of 100 cases.
    """
    folder = find_run(run, visitor)
    if folder.parent == BUNDLED:
        raise LabError(t("error.labs_test", name=short_name(run)))
    card = read_card(folder)
    loaded = shelf.corpus(corpus, corpus_name)
    opened = shelf.run(str(folder))
    _same_corpus(opened, loaded)
    again = bool(card.get("test_opened"))
    if not again:
        card = record_test(folder, evaluate(opened.model, loaded.part("test"), opened.tokenizer))
    return {"card": without_history(card), "again": again, "luck": luck_of(opened, loaded)}


def luck_of(run: Run, corpus: Corpus) -> float | None:
    """By how much the losses on the validation and the test documents differ by luck, in 95 of 100 cases; in nats
    per character. Only validation documents are looked at; None where one of them is impossible to the model."""
    held_out, tests = corpus.part("validation"), corpus.part("test")
    each = surprisals(run.model, held_out, run.tokenizer)
    nats = [sum(one) for one in each]
    if not math.isfinite(sum(nats)):
        return None
    return SURE * loss_error(nats, [len(one) for one in each]) * math.sqrt(1 + len(held_out) / len(tests))


def without_history(card: dict[str, Any]) -> dict[str, Any]:
    """A card without what only the curves need."""
    return {name: value for name, value in card.items() if name != "history"}


QUESTIONS: dict[str, Callable[..., Any]] = {
    "ladder": ladder,
    "rung": rung,
    "leak": leak,
    "leak_of": leak_of,
    "open_test": open_test,
}
MODEL_QUESTIONS: dict[str, Callable[..., Any]] = {
    "remembered": remembered,
    "letters": letters,
    "exam": exam,
    "quiz": quiz,
}
