"""Lab 01, counting and bigrams: what is checked, the mistakes people make, and the numbers of its README."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from lmlab.data.corpus import load_corpus
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

FEW = "abcdefgh"


# --- the reference ---------------------------------------------------------------------------------------------


def build_vocab(names: list[str]) -> list[str]:
    """The mark, then the letters in order."""
    letters = sorted(set("".join(names)))
    if "." in letters:
        raise ValueError("a name has the mark '.' in it")
    return [".", *letters]


def pairs(name: str) -> list[tuple[str, str]]:
    """Pairs of neighbours, with a mark at both ends.

    >>> pairs("ab")
    [('.', 'a'), ('a', 'b'), ('b', '.')]
    """
    return list(zip("." + name, name + ".", strict=True))


def count_bigrams(names: list[str], vocab: list[str]) -> np.ndarray:
    """(V, V) how often each symbol follows each other one."""
    return tally([pair for name in names for pair in pairs(name)], vocab)


def tally(found: list[tuple[str, str]], vocab: list[str]) -> np.ndarray:
    """(V, V) how often each pair was found."""
    number = {symbol: i for i, symbol in enumerate(vocab)}
    counts = np.zeros((len(vocab), len(vocab)), dtype=np.int64)
    for a, b in found:
        if a not in number or b not in number:
            raise ValueError(f"the letter {a if a not in number else b!r} is not in the vocabulary")
        counts[number[a], number[b]] += 1
    return counts


def to_probs(N: np.ndarray, k: float) -> np.ndarray:
    """(V, V) rows that sum to 1."""
    if k < 0:
        raise ValueError("k is negative")
    return rows_to_one(N + k)


def rows_to_one(counts: np.ndarray) -> np.ndarray:
    """Each row divided by its sum; a row of zeros becomes uniform."""
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / counts.shape[1])


def name_prob(P: np.ndarray, name: str, vocab: list[str]) -> float:
    """The product over the pairs of a name."""
    return float(np.prod(factors(P, pairs(name), vocab)))


def factors(P: np.ndarray, found: list[tuple[str, str]], vocab: list[str]) -> list[float]:
    """The probability of each pair."""
    number = {symbol: i for i, symbol in enumerate(vocab)}
    unknown = [b for pair in found for b in pair if b not in number]
    if unknown:
        raise ValueError(f"the letter {unknown[0]!r} is not in the vocabulary")
    return [float(P[number[a], number[b]]) for a, b in found]


def sample_name(P: np.ndarray, vocab: list[str], u: np.ndarray) -> str:
    """Roll letters until the mark comes, or the numbers are used up."""
    return roll(u, vocab, lambda now, x: first_above(P[now], x))


def first_above(row: np.ndarray, x: float) -> int:
    """The first id at which the sum of the row so far is above x."""
    return min(int(np.searchsorted(np.cumsum(row), x, side="right")), len(row) - 1)


def roll(u: np.ndarray, vocab: list[str], choose: Callable[[int, float], int]) -> str:
    """A name, with `choose(now, x)` for the next id."""
    name, now = "", 0
    for x in u:
        now = choose(now, float(x))
        if now == 0:
            break
        name += vocab[now]
    return name


# --- the arguments ---------------------------------------------------------------------------------------------


def some_names(rng: np.random.Generator, letters: str = FEW) -> list[str]:
    """Names in which pairs come twice, letters do not stand in order, and no two orders of letters look alike."""
    drawn = ["".join(rng.choice(list(letters), rng.integers(3, 8))) for _ in range(6)]
    return [letters[-1] + letters[0] + letters[1], letters[0] + letters[1] + letters[0] + letters[1], *drawn]


def hyphenated(rng: np.random.Generator) -> Args:
    """Names with a hyphen, which is sorted before the mark."""
    names = some_names(rng)
    return ([*names, f"{names[2]}-{names[3]}"],)


def marked(rng: np.random.Generator) -> Args:
    """Names of which one has the mark in it."""
    names = some_names(rng)
    return ([*names, names[2] + "." + names[3]],)


def names_and_vocab(rng: np.random.Generator) -> Args:
    """Names and the vocabulary of a few more letters than they have."""
    return some_names(rng, FEW[:5]), [".", *FEW[:6]]


def often(rng: np.random.Generator) -> Args:
    """Names of which a short one comes so often that a number of one byte does not hold its pairs."""
    names = some_names(rng, FEW[:5])
    return [*names, *[FEW[3] + FEW[1]] * int(rng.integers(310, 400))], [".", *FEW[:6]]


def unknown_letter(rng: np.random.Generator) -> Args:
    """Names of which one has a letter outside the vocabulary."""
    return [*some_names(rng, FEW[:5]), "axe"], [".", *FEW[:6]]


def some_counts(rng: np.random.Generator) -> np.ndarray:
    """(V, V) counts of which no two rows or columns have the same sum."""
    size = int(rng.integers(4, 7))
    return rng.integers(1, 20, (size, size)) + np.arange(size)[:, None] * 25 + np.arange(size) * 7


def with_empty_row(rng: np.random.Generator) -> Args:
    """Counts with an empty row, and k = 0."""
    counts = some_counts(rng)
    counts[int(rng.integers(len(counts)))] = 0
    return counts, 0


def some_table(rng: np.random.Generator, ends: float = 0.2) -> np.ndarray:
    """(7, 7) rows that sum to 1; a name ends with probability `ends` and never at once."""
    P = rng.random((7, 7)) ** 2 + 0.02
    P[:, 0] = 0
    P *= (1 - ends) / P.sum(axis=1, keepdims=True)
    P[1:, 0] = ends
    P[0] /= P[0].sum()
    return P


def a_name(rng: np.random.Generator) -> Args:
    """A table, a name of its letters, and the vocabulary."""
    name = "".join(rng.choice(list(FEW[:6]), rng.integers(3, 7)))
    return some_table(rng), name, [".", *FEW[:6]]


def rolls(rng: np.random.Generator) -> Args:
    """A table, its vocabulary and random numbers, of which the mistakes make different names."""
    return some_table(rng, ends=0.1), [".", *FEW[:6]], rng.random(12)


def roll_of_zero(rng: np.random.Generator) -> Args:
    """Random numbers that begin with 0.0, where the mark has probability 0."""
    P, vocab, u = rolls(rng)
    u[0] = 0.0
    return P, vocab, u


# --- the mistakes ----------------------------------------------------------------------------------------------


def two_marks(names: list[str], vocab: list[str]) -> np.ndarray:
    """All names as one text, each with its own two marks, so that the pair of two marks is counted."""
    text = "".join(f".{name}." for name in names)
    return tally(list(pairwise(text)), vocab)


def one_row(names: list[str], vocab: list[str]) -> np.ndarray:
    """[[0] * V] * V, of which all rows are the same list."""
    return np.tile(count_bigrams(names, vocab).sum(axis=0), (len(vocab), 1))


def once_a_name(names: list[str], vocab: list[str]) -> np.ndarray:
    """N[rows, columns] += 1 for the pairs of one name at once."""
    return tally([pair for name in names for pair in set(pairs(name))], vocab)


def no_keepdims(N: np.ndarray, k: float) -> np.ndarray:
    """counts / counts.sum(axis=1), which divides column j by the sum of row j."""
    counts = N + k
    total = counts.sum(axis=1)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / len(counts))


def numerator_only(N: np.ndarray, k: float) -> np.ndarray:
    """(N + k) / N.sum: the k is missing below."""
    total = N.sum(axis=1, keepdims=True)
    return np.where(total > 0, (N + k) / np.where(total > 0, total, 1), 1 / len(N))


def zero_rows(N: np.ndarray, k: float) -> np.ndarray:
    """A row of zeros stays a row of zeros."""
    counts = N + k
    total = counts.sum(axis=1, keepdims=True)
    return counts / np.where(total > 0, total, 1)


def without_memory(P: np.ndarray, vocab: list[str], u: np.ndarray) -> str:
    """Every roll from row 0."""
    return roll(u, vocab, lambda now, x: first_above(P[0], x))


def likeliest(P: np.ndarray, vocab: list[str], u: np.ndarray) -> str:
    """The largest probability, whatever the random number."""
    return roll(u, vocab, lambda now, x: int(np.argmax(P[now])))


def by_columns(P: np.ndarray, vocab: list[str], u: np.ndarray) -> str:
    """Rolls from a column."""
    return roll(u, vocab, lambda now, x: first_above(P[:, now] / P[:, now].sum(), x))


def at_least(P: np.ndarray, vocab: list[str], u: np.ndarray) -> str:
    """cum >= u instead of cum > u."""
    return roll(u, vocab, lambda now, x: int(np.searchsorted(np.cumsum(P[now]), x, side="left")))


def with_mark(P: np.ndarray, vocab: list[str], u: np.ndarray) -> str:
    """The mark that ended the name is part of it."""
    name = sample_name(P, vocab, u)
    return name if len(name) == len(u) else name + "."


EXERCISES = [
    Exercise(
        "build_vocab",
        build_vocab,
        (
            Item("lists the mark and the letters", 0.75, lambda rng: (some_names(rng),)),
            Item("keeps the mark first where a name has a hyphen", 0.5, hyphenated),
            Item("refuses a name with the mark in it", 0.25, marked),
        ),
        (
            Wrong(
                "the mark is missing; a name's beginning and end are symbols too, so put '.' first",
                lambda names: build_vocab(names)[1:],
            ),
            Wrong(
                "the letters stand in the order in which they come up; sort them, so that everybody has the same "
                "numbers",
                lambda names: [".", *dict.fromkeys("".join(names))],
            ),
            Wrong(
                "the mark stands at the end; it has the number 0, so it comes first",
                lambda names: [*build_vocab(names)[1:], "."],
            ),
            Wrong(
                "the mark was sorted among the letters, and a hyphen comes before it; sort the letters alone and put "
                "the mark in front",
                lambda names: sorted({".", *"".join(names)}),
            ),
            Wrong(
                "each letter is there as often as it occurs; a vocabulary has it once, and set() sees to that",
                lambda names: [".", *sorted("".join(names))],
            ),
        ),
        keeps=True,
    ),
    Exercise(
        "count_bigrams",
        count_bigrams,
        (
            Item("counts every pair", 1.75, names_and_vocab),
            Item("counts a pair that comes hundreds of times", 0.25, often),
            Item("refuses a letter outside the vocabulary", 0.5, unknown_letter),
        ),
        (
            Wrong(
                "the end of the names is missing; the last letter is followed by the mark, and that pair counts",
                lambda names, vocab: tally([pair for name in names for pair in pairs(name)[:-1]], vocab),
            ),
            Wrong(
                "the beginning of the names is missing; the first letter follows the mark, and that pair counts",
                lambda names, vocab: tally([pair for name in names for pair in pairs(name)[1:]], vocab),
            ),
            Wrong(
                "only pairs of letters are counted; put the mark before and after each name",
                lambda names, vocab: tally([pair for name in names for pair in pairs(name)[1:-1]], vocab),
            ),
            Wrong(
                "rows and columns are exchanged; N[i, j] is i first and then j",
                lambda names, vocab: count_bigrams(names, vocab).T,
            ),
            Wrong(
                "a pair that comes twice in a name is counted once; N[rows, columns] += 1 forgets repeats, "
                "np.add.at does not",
                once_a_name,
            ),
            Wrong(
                "the table says whether a pair occurs, not how often; add 1 each time",
                lambda names, vocab: np.minimum(count_bigrams(names, vocab), 1),
            ),
            Wrong(
                "pairs are counted from one name into the next; put a mark between any two names",
                lambda names, vocab: tally(pairs("".join(names)), vocab),
            ),
            Wrong(
                "between two names stand two marks, and you count them as a pair; nothing follows the mark that ends "
                "a name, so go through each name by itself",
                two_marks,
            ),
            Wrong(
                "only the first name is counted; does return stand inside the loop? It ends the function, so move it "
                "to the left, under the for",
                lambda names, vocab: count_bigrams(names[:1], vocab),
            ),
            Wrong(
                "all rows of the table are one and the same list, which [[0] * V] * V makes, so each count is in "
                "every row; make the table with np.zeros((V, V))",
                one_row,
            ),
            Wrong(
                "the counts begin anew after 255, because the numbers of this table have one byte (uint8); make it "
                "with dtype=int",
                lambda names, vocab: count_bigrams(names, vocab).astype(np.uint8),
            ),
        ),
        keeps=True,
    ),
    Exercise(
        "to_probs",
        to_probs,
        (
            Item("makes each row sum to 1", 0.75, lambda rng: (some_counts(rng), 0)),
            Item("adds k to every count", 0.75, lambda rng: (some_counts(rng), float(rng.uniform(0.1, 3)))),
            Item("gives an empty row 1 / V", 0.25, with_empty_row),
            Item("refuses a negative k", 0.25, lambda rng: (some_counts(rng), -float(rng.uniform(0.1, 0.9)))),
        ),
        (
            Wrong(
                "each column sums to 1; what follows symbol i is row i, so sum over axis 1",
                lambda N, k: rows_to_one((N + k).T).T,
            ),
            Wrong(
                "the sums lost their axis, so column j was divided by the sum of row j; sum with keepdims=True",
                no_keepdims,
            ),
            Wrong(
                "the whole table sums to 1; each row must, because it is what can follow one symbol",
                lambda N, k: (N + k) / (N + k).sum(),
            ),
            Wrong(
                "k is added to the counts and not to their sum, so the rows sum to more than 1; divide by the sum of "
                "the row with k in it",
                numerator_only,
            ),
            Wrong("k is not used; add it to every count before dividing", lambda N, k: rows_to_one(N)),
            Wrong("an empty row stays 0; nothing is known there, so every symbol gets 1 / V", zero_rows),
            Wrong(
                "a table of whole numbers cannot hold a probability and cuts it to 0; np.zeros_like(N) makes one, "
                "because N has whole numbers, so write np.zeros(N.shape)",
                lambda N, k: to_probs(N, k).astype(np.int64),
            ),
        ),
    ),
    Exercise(
        "name_prob",
        name_prob,
        (
            Item("multiplies the probabilities of all pairs", 1.25, a_name, tolerance=1e-14),
            Item(
                "refuses a letter outside the vocabulary",
                0.25,
                lambda rng: (some_table(rng), "ax" + a_name(rng)[1], [".", *FEW[:6]]),
            ),
        ),
        (
            Wrong(
                "the end is missing; a name is over when the mark follows its last letter, which is one more factor",
                lambda P, name, vocab: float(np.prod(factors(P, pairs(name)[:-1], vocab))),
            ),
            Wrong(
                "the beginning is missing; the first letter follows the mark, which is one more factor",
                lambda P, name, vocab: float(np.prod(factors(P, pairs(name)[1:], vocab))),
            ),
            Wrong(
                "only pairs of letters are multiplied; put the mark before and after the name, which is two factors "
                "more",
                lambda P, name, vocab: (
                    factors(P, pairs(name), vocab) and float(np.prod(factors(P, pairs(name)[1:-1], vocab)))
                ),
            ),
            Wrong(
                "the probabilities are added; that all pairs happen is their product",
                lambda P, name, vocab: float(np.sum(factors(P, pairs(name), vocab))),
            ),
            Wrong(
                "the root of the product is taken; the probability of a name is the product itself",
                lambda P, name, vocab: name_prob(P, name, vocab) ** (1 / (len(name) + 1)),
            ),
            Wrong(
                "rows and columns are exchanged; P[i, j] is i first and then j",
                lambda P, name, vocab: name_prob(P.T, name, vocab),
            ),
            Wrong(
                "this is the logarithm of the probability; leave it out here, lab 02 takes it",
                lambda P, name, vocab: float(np.sum(np.log(np.maximum(factors(P, pairs(name), vocab), 1e-12)))),
            ),
        ),
    ),
    Exercise(
        "sample_name",
        sample_name,
        (
            Item("rolls the letters that the numbers say", 1.25, rolls, times=6),
            Item("never rolls what has probability 0", 0.25, roll_of_zero, times=6),
        ),
        (
            Wrong(
                "every letter is rolled from row 0; the letter that came last says which row is next",
                without_memory,
            ),
            Wrong("the likeliest letter is taken each time; the random number has to decide", likeliest),
            Wrong("the rolls go down a column; what can follow is the row of the last letter", by_columns),
            Wrong("the mark is part of the name; it only says that the name is over", with_mark),
            Wrong(
                "a sum equal to u is enough for you, so u = 0 rolls the mark although its probability is 0; the sum "
                "must be above u",
                at_least,
            ),
        ),
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------


@cache
def training() -> tuple[list[str], list[str], np.ndarray]:
    """The training names, their vocabulary and the counts of their pairs."""
    corpus = load_corpus("names")
    names = corpus.part("train")
    vocab = [".", *corpus.alphabet]
    return names, vocab, count_bigrams(names, vocab)


@cache
def table(k: float) -> np.ndarray:
    """(27, 27) the bigram of the training names."""
    return to_probs(training()[2], k)


def held_out_loss(k: float) -> float:
    """Nats per character of the bigram on the validation names."""
    names = load_corpus("names").part("validation")
    found = factors(table(k), [pair for name in names for pair in pairs(name)], training()[1])
    return float(-np.mean(np.log(found)))


def after(first: str, second: str) -> float:
    """The probability of a pair in the training names."""
    vocab = training()[1]
    return float(table(0)[vocab.index(first), vocab.index(second)])


ANSWERS: dict[str, Callable[[], float]] = {
    "begin_with_a": lambda: 100 * after(".", "a"),
    "anna_in_a_million": lambda: 1e6 * name_prob(table(0), "anna", training()[1]),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "names": lambda: f"{len(training()[0]):,}",
    "pairs": lambda: f"{training()[2].sum():,}",
    "cells": lambda: str(training()[2].size),
    "empty": lambda: str(int((training()[2] == 0).sum())),
    "qu": lambda: f"{100 * after('q', 'u'):.0f}",
    "na": lambda: f"{training()[2][training()[1].index('n'), training()[1].index('a')]:,}",
    "n": lambda: f"{training()[2][training()[1].index('n')].sum():,}",
    "na_percent": lambda: f"{100 * after('n', 'a'):.1f}",
    "uniform_loss": lambda: f"{np.log(27):.3f}",
    "bigram_loss": lambda: f"{held_out_loss(0.1):.3f}",
    "choices": lambda: f"{np.exp(held_out_loss(0.1)):.1f}",
    "rolled": lambda: ", ".join(rolled(4)),
}


def rolled(number: int) -> list[str]:
    """The first names that the last cell of lab.py rolls."""
    rng = np.random.default_rng(1)
    return [sample_name(table(0.1), training()[1], rng.random(20)) for _ in range(number)]


def picture() -> str:
    """The picture of the README as SVG: the most common rows and columns of the table of counts."""
    _, vocab, counts = training()
    shown: list[Any] = [".", "a", "e", "i", "l", "n", "r", "s"]
    ids = [vocab.index(symbol) for symbol in shown]
    part = counts[np.ix_(ids, ids)]
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 490" font-family="system-ui, sans-serif" '
        'font-size="15" role="img" aria-label="How often a letter (column) follows another (row) in the names">',
        '<rect width="520" height="490" fill="#ffffff"/>',
        '<text x="285" y="24" text-anchor="middle" fill="#333333">next symbol</text>',
        '<text x="18" y="265" text-anchor="middle" fill="#333333" transform="rotate(-90 18 265)">'
        "symbol before</text>",
    ]
    for j, symbol in enumerate(shown):
        parts.append(f'<text x="{85 + 50 * j}" y="52" text-anchor="middle" fill="#333333">{symbol}</text>')
        parts.append(f'<text x="45" y="{95 + 50 * j}" text-anchor="middle" fill="#333333">{symbol}</text>')
    for i in range(len(shown)):
        for j in range(len(shown)):
            share = part[i, j] / part.max()
            fill = "#" + "".join(f"{round(255 - share * (255 - full)):02x}" for full in (0, 114, 178))
            ink = "#ffffff" if share > 0.45 else "#333333"
            parts.append(f'<rect x="{61 + 50 * j}" y="{66 + 50 * i}" width="48" height="48" fill="{fill}"/>')
            parts.append(
                f'<text x="{85 + 50 * j}" y="{95 + 50 * i}" text-anchor="middle" font-size="12" fill="{ink}">'
                f"{part[i, j]:,}</text>"
            )
    return "\n".join([*parts, "</svg>"]) + "\n"
