"""The open experiment: weights that a student trained at home, measured here on names that were held out.

The student's `predict(weights, contexts)` runs in the sandbox and sees contexts only, and no corpus; which letter
follows stays with the checker, and so does the ruler. Nothing is trained here.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from lmlab.data.corpus import Part, load_corpus
from lmlab.grading.compare import form
from lmlab.grading.diagnose import Finding, of_failure
from lmlab.grading.labs import ExperimentText, Lab
from lmlab.grading.sandbox import Sandbox

WEIGHTS = "weights.safetensors"
VOCAB = 27  # the mark, and a to z
ROWS = 8192  # contexts a call
SECONDS = 20.0  # a call of predict
SUM = 1e-4  # how far the probabilities of a row may be from 1
ALONE = 1e-3  # how far a row may move when other rows stand around it
MOST_ARRAYS = 1000
LONGEST_SOURCE = 60_000  # characters of lab.py; a table of numbers could hide in more
BYTES_LEFT_OVER = 100_000  # of a file beyond its numbers: names, shapes


@dataclass(frozen=True)
class Outcome:
    """The loss in nats per character where it could be measured, and what is wrong where it could not."""

    loss: float | None = None
    finding: Finding = field(default_factory=Finding)


def item(text: ExperimentText) -> str:
    """What the experiment's point is for, in words."""
    return f"reaches {text.target:g} nats per character on unseen names"


def windows(names: Sequence[str], context: int) -> tuple[np.ndarray, np.ndarray]:
    """Every place of every name: (N, context) the ids before it, 0 where there is nothing, and (N,) the id there.

    >>> contexts, targets = windows(["ab"], 3)
    >>> contexts.tolist(), targets.tolist()
    ([[0, 0, 0], [0, 0, 1], [0, 1, 2]], [1, 2, 0])
    """
    contexts, targets = [], []
    for name in names:
        ids = [0] * context + [ord(letter) - ord("a") + 1 for letter in name] + [0]
        for place in range(context, len(ids)):
            contexts.append(ids[place - context : place])
            targets.append(ids[place])
    return np.array(contexts, dtype=np.int64), np.array(targets, dtype=np.int64)


@cache
def held_out(context: int, part: Part = "validation") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(U, context) the distinct contexts of the held-out names, and (N,) the row and the next id of each place."""
    contexts, targets = windows(load_corpus("names").part(part), context)
    distinct, rows = np.unique(contexts, axis=0, return_inverse=True)
    return distinct, rows.reshape(-1), targets


def read_weights(content: bytes, most: int) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file. Raises `ValueError` with a sentence where they are not as a lab asks."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if len(content) > 8 * most + BYTES_LEFT_OVER:
        raise ValueError(f"{WEIGHTS} has {len(content):,} bytes; {most:,} numbers of float32 take {4 * most:,}")
    try:
        weights = load(content)
    except (SafetensorError, KeyError, ValueError, TypeError, struct.error):
        raise ValueError(f"{WEIGHTS} cannot be read; save it with safetensors.numpy.save_file") from None
    if len(weights) > MOST_ARRAYS:
        raise ValueError(f"{WEIGHTS} has {len(weights):,} arrays; put what belongs together into one")
    for name, array in weights.items():
        if array.dtype != np.float32:
            raise ValueError(f"'{name[:40]}' in {WEIGHTS} is {array.dtype}; save it as float32")
    number = sum(array.size for array in weights.values())
    if number > most:
        raise ValueError(f"{WEIGHTS} has {number:,} numbers; at most {most:,} are allowed")
    return weights


def evaluate(
    lab: Lab, source: str, weights: bytes | None, seed: int, *, slow: float = 1.0, prefix: Sequence[str] = ()
) -> Outcome:
    """Measure what was handed in: `source` is the text of lab.py, `weights` the content of its file, if there is one.

    The contexts of one name, seen together, tell how it goes on. So `predict` first answers one context of each name
    in a process of its own; when it then answers all of them, those rows must not have changed.
    """
    text = lab.experiment
    assert text is not None
    arrays: dict[str, np.ndarray] = {}
    if len(source) > LONGEST_SOURCE:
        said = f"lab.py has {len(source):,} characters; what was learned belongs into {WEIGHTS}, not into the code"
        return Outcome(finding=Finding("values", said))
    if weights is not None:
        try:
            arrays = read_weights(weights, text.parameters)
        except ValueError as error:
            return Outcome(finding=Finding("values", str(error)))
    contexts, rows, targets = held_out(text.context)
    rng = np.random.default_rng([seed, 6])
    order = rng.permutation(len(contexts))
    alone = one_a_name(text, rng)

    def ask(wanted: np.ndarray) -> np.ndarray | Finding:
        """(len(wanted), 27) log-probabilities of these contexts, from a fresh process."""
        parts = []
        with Sandbox(
            source, memory=lab.memory, slow=slow, needs=lab.needs, network=lab.network, sealed=True, prefix=prefix
        ) as sandbox:
            for begin in range(0, len(wanted), ROWS):
                sent = contexts[wanted[begin : begin + ROWS]]
                reply = sandbox.call("predict", (arrays, sent), SECONDS)
                if reply.failure is not None:
                    started = not reply.failure.is_a("NotImplementedError")
                    return of_failure(reply.failure) if started else Finding("not started", "not started")
                said = wrong_rows(reply.value, len(sent))
                if said is not None:
                    return said
                parts.append(np.asarray(reply.value, dtype=np.float64))
        return np.concatenate(parts)

    if weights is None:
        found = ask(order[:1])
        if isinstance(found, Finding) and found.kind == "not started":
            return Outcome(finding=found)
        return Outcome(finding=Finding("values", f"{WEIGHTS} is not beside lab.py; save your weights there"))
    first = ask(alone)
    if isinstance(first, Finding):
        return Outcome(finding=first)
    all_of_them = ask(order)
    if isinstance(all_of_them, Finding):
        return Outcome(finding=all_of_them)
    answers = np.empty_like(all_of_them)
    answers[order] = all_of_them
    if np.abs(np.exp(answers[alone]) - np.exp(first)).max() > ALONE:
        said = "a row changes with the rows around it; predict each context from that context alone"
        return Outcome(finding=Finding("values", said))
    loss = float(-answers[rows, targets].mean())
    if not np.isfinite(loss):
        said = "the loss is infinite; a symbol that came next had probability 0. Give every symbol a little"
        return Outcome(finding=Finding("values", said))
    if loss > text.target:
        said = f"the loss is {loss:.4f} nats per character; the point needs {text.target:g} or less"
        return Outcome(loss, Finding("values", said))
    return Outcome(loss)


def one_a_name(text: ExperimentText, rng: np.random.Generator) -> np.ndarray:
    """Rows of `held_out`, one place of each name, in any order."""
    rows, targets = held_out(text.context)[1:]
    ends = np.flatnonzero(targets == 0)
    starts = np.append(0, ends[:-1] + 1)
    return rng.permutation(rows[rng.integers(starts, ends + 1)])


def wrong_rows(got: object, number: int) -> Finding | None:
    """What is wrong with log-probabilities of `number` contexts, if anything.

    >>> wrong_rows(np.zeros((2, 27)), 2).sentence
    'the probabilities of a row sum to 27; predict returns natural logarithms, and exp of each row sums to 1'
    """
    said = form(got, np.zeros((number, VOCAB)))
    if said is not None:
        return Finding("form", f"predict: {said}")
    rows = np.asarray(got, dtype=np.float64)
    if np.isnan(rows).any() or (rows == np.inf).any():
        return Finding("values", f"predict: {int((np.isnan(rows) | (rows == np.inf)).sum())} values are nan or inf")
    with np.errstate(over="ignore"):
        sums = np.exp(rows).sum(axis=1)
    worst = float(sums[np.argmax(np.abs(sums - 1))])
    if abs(worst - 1) > SUM:
        return Finding(
            "values",
            f"the probabilities of a row sum to {worst:.6g}; predict returns natural logarithms, and exp of each row "
            "sums to 1",
        )
    return None
