"""Lab 02, loss, perplexity and bits: what is checked, the mistakes people make, and the numbers of its README."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from lmlab.data.corpus import load_corpus, raw_lines
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

FEW = "abcdef"
VOCAB = [".", *FEW]
SYMBOLS = 27  # a to z and the mark
Split = tuple[list[str], list[str], list[str]]
Steps = Iterator[tuple[str, str]]


# --- the reference ---------------------------------------------------------------------------------------------


def pairs(name: str) -> list[tuple[str, str]]:
    """Pairs of neighbours, with a mark at both ends."""
    return list(zip("." + name, name + ".", strict=True))


def chances(P: np.ndarray, found: list[tuple[str, str]], vocab: list[str]) -> np.ndarray:
    """(n,) the probability of each pair."""
    number = {symbol: i for i, symbol in enumerate(vocab)}
    unknown = [symbol for pair in found for symbol in pair if symbol not in number]
    if unknown:
        raise ValueError(f"the letter {unknown[0]!r} is not in the vocabulary")
    return np.array([P[number[a], number[b]] for a, b in found])


def surprises(P: np.ndarray, found: list[tuple[str, str]], vocab: list[str]) -> np.ndarray:
    """(n,) the loss of each pair in nats, infinite where its probability is 0."""
    with np.errstate(divide="ignore"):
        return -np.log(chances(P, found, vocab))


def all_pairs(names: list[str]) -> list[tuple[str, str]]:
    """The pairs of all names."""
    return [pair for name in names for pair in pairs(name)]


def nll(P: np.ndarray, names: list[str], vocab: list[str]) -> float:
    """The mean over all predictions."""
    return float(surprises(P, all_pairs(names), vocab).mean())


def perplexity(losses: np.ndarray) -> float:
    """e to the power of the mean."""
    return float(np.exp(np.mean(losses)))


def characters(names: list[str]) -> int:
    """Letters and ends."""
    if not names:
        raise ValueError("there are no names")
    return sum(len(name) + 1 for name in names)


def bits_per_char(total: float, names: list[str]) -> float:
    """The total in bits, over letters and ends."""
    return total / math.log(2) / characters(names)


def bucket(name: str) -> int:
    """The number that lab.py gives to a name."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8"), digest_size=8).digest(), "big") % 10


def cleaned(lines: list[str]) -> list[str]:
    """Lines in lower case and without white space around, the empty ones left out."""
    kept = [line.strip().lower() for line in lines if line.strip()]
    if not kept:
        raise ValueError("no name is left")
    return kept


def part_of(number: int) -> int:
    """0 for training, 1 for validation, 2 for test."""
    return max(0, number - 7)


def by_bucket(names: list[str], keys: list[str] | None = None) -> Split:
    """Names on the sides that their keys belong to."""
    parts: Split = ([], [], [])
    for name, key in zip(names, keys or names, strict=True):
        parts[part_of(bucket(key))].append(name)
    return parts


def split(lines: list[str]) -> Split:
    """Distinct names, by their bucket."""
    return by_bucket(list(dict.fromkeys(cleaned(lines))))


def leaked(train: list[str], held_out: list[str]) -> float:
    """The share of held-out lines that stand in train."""
    if not held_out:
        raise ValueError("held_out is empty")
    known = set(train)
    return sum(line in known for line in held_out) / len(held_out)


def steps(name: str, n: int) -> Steps:
    """Each prediction of a name: the n - 1 symbols before it, and the symbol.

    >>> list(steps("ab", 3))
    [('..', 'a'), ('.a', 'b'), ('ab', '.')]
    """
    symbols = "." * (n - 1) + name + "."
    for i in range(n - 1, len(symbols)):
        yield symbols[i - n + 1 : i], symbols[i]


def measure(
    train: list[str],
    held_out: list[str],
    n: int,
    k: float,
    steps: Callable[[str, int], Steps] = steps,
    V: Callable[[list[str]], int] = lambda train: SYMBOLS,
) -> list[list[float]]:
    """The loss of each prediction of each held-out name; `steps` and `V` are there for the mistakes."""
    if n < 1 or k <= 0:
        raise ValueError("n is less than 1" if n < 1 else "k is not above 0")
    seen = Counter(step for name in train for step in steps(name, n))
    total = Counter(context for name in train for context, _ in steps(name, n))
    size = V(train)
    return [
        [-math.log((seen[step] + k) / (total[step[0]] + k * size)) for step in steps(name, n)] for name in held_out
    ]


def mean(losses: list[list[float]]) -> float:
    """The mean over all predictions of all names."""
    return float(np.mean([nats for name in losses for nats in name]))


def ngram_nll(train: list[str], held_out: list[str], n: int, k: float) -> float:
    """Counted in `train`, measured on `held_out`."""
    return mean(measure(train, held_out, n, k))


# --- the arguments ---------------------------------------------------------------------------------------------


def some_names(rng: np.random.Generator, number: int = 6, letters: str = FEW) -> list[str]:
    """Different names, the first of them much longer than the second."""
    lengths = [7, 2, *rng.integers(2, 7, number - 2)]
    names: dict[str, None] = {}
    while len(names) < number:
        names["".join(rng.choice(list(letters), lengths[len(names)]))] = None
    return list(names)


def some_table(rng: np.random.Generator) -> np.ndarray:
    """(7, 7) rows that sum to 1, with small and large probabilities."""
    P = rng.random((len(VOCAB), len(VOCAB))) ** 2 + 0.02
    return P / P.sum(axis=1, keepdims=True)


def table_and_names(rng: np.random.Generator) -> Args:
    """A table, names of its letters, and the vocabulary."""
    return some_table(rng), some_names(rng), VOCAB


def impossible_pair(rng: np.random.Generator) -> Args:
    """A table in which one pair of the names has probability 0, and so have pairs that do not come up in them."""
    P, names, vocab = table_and_names(rng)
    a, b = (vocab.index(symbol) for symbol in pairs(names[0])[int(rng.integers(2, 6))])
    P[a, b] = 0
    for i in range(1, len(vocab)):
        for j in range(1, len(vocab)):
            if (vocab[i], vocab[j]) not in all_pairs(names) and rng.random() < 0.2:
                P[i, j] = 0
    return P / P.sum(axis=1, keepdims=True), names, vocab


def total_and_names(rng: np.random.Generator) -> Args:
    """A number of nats, and names."""
    names = some_names(rng)
    return float(rng.uniform(1.5, 3.5)) * characters(names), names


def of_all_sides(rng: np.random.Generator, each: int = 3) -> list[str]:
    """Names of which `each` validate and as many test, three times as many train; in no order."""
    parts: Split = ([], [], [])
    while any(len(part) < each * (3 if i == 0 else 1) for i, part in enumerate(parts)):
        (name,) = some_names(rng, 3, "abcdefghijklm")[2:]
        side = part_of(bucket(name))
        if len(parts[side]) < each * (3 if side == 0 else 1) and name not in parts[side]:
            parts[side].append(name)
    return [str(name) for name in rng.permutation([name for part in parts for name in part])]


def repeated_lines(rng: np.random.Generator) -> Args:
    """Names of which several come again, near the end."""
    names = of_all_sides(rng)
    again = [next(name for name in names if part_of(bucket(name)) == side) for side in range(3)]
    return ([*names, *again, names[-1], names[0]],)


def untidy_lines(rng: np.random.Generator) -> Args:
    """Names with capitals, spaces and empty lines; some come again in another spelling, one in the same."""
    names = of_all_sides(rng)
    capitals = [name.title() if i % 2 else f" {name.upper()}" for i, name in enumerate(names)]
    again = [f"{name}  " for name in names[:4]]
    return ([*capitals[:3], "", *capitals[3:], "   ", *again, capitals[1]],)


def two_lists(rng: np.random.Generator, repeats: bool) -> Args:
    """Training lines and held-out lines; some are in both, and some are only a part of a training line."""
    names = some_names(rng, 12)
    new = [names[0][:4], names[0][1:6], "xa", "bx"]
    held_out = [*names[1 : 1 + int(rng.integers(2, 5))], *new]
    if repeats:
        held_out += [names[1]] * 3 + [new[2]]
    return [*names, *names[1:4]], [str(line) for line in rng.permutation(held_out)]


def to_count(rng: np.random.Generator, n: int | None = None, k: float | None = None) -> Args:
    """Names to count, other names to measure, n (3 or 4 where it is None) and k."""
    names = some_names(rng, 18, FEW[:4])
    train, held_out = [*names[1:12], names[3]], [names[0], *names[12:], names[2]]
    n = int(rng.integers(3, 5)) if n is None else n
    return train, held_out, n, float(rng.uniform(0.1, 0.9)) if k is None else k


# --- answers that are judged rather than compared ---------------------------------------------------------------


def infinite(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether the loss of an impossible name is infinite, and if not, what hid it."""
    if got == expected:
        return True
    if np.isnan(got):
        return "yours nan, expected inf; take the mean of the losses of single predictions, one of which is inf"
    return (
        f"yours {float(got):.6g}, expected inf; a pair with probability 0 costs infinitely much, and that must not "
        "be hidden: add nothing to P and clip nothing"
    )


def sides(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether every name is where it belongs; if not, the first that is not."""
    got = [list(part) for part in got]
    if not all(isinstance(name, str) for part in got for name in part):
        return False
    if got == [list(part) for part in expected]:
        return True
    called = ("train", "validation", "test")
    for name in dict.fromkeys(name for part in got for name in part):
        on = [i for i, part in enumerate(got) if name in part]
        if len(on) > 1:
            return f"{name!r} is in {called[on[0]]} and in {called[on[1]]}; the same name is always on the same side"
        if not any(name in part for part in expected):
            return f"{name!r} is no name; strip a line, lower its letters, and drop it where nothing is left"
        if name not in expected[on[0]]:
            number = bucket(name)
            right = called[part_of(number)]
            return f"{name!r} is in {called[on[0]]}; its bucket is {number}, so it belongs to {right}"
        if got[on[0]].count(name) > 1:
            return f"{name!r} is in {called[on[0]]} {got[on[0]].count(name)} times; keep each name once"
    for i, part in enumerate(expected):
        for name in part:
            if name not in got[i]:
                return f"{name!r} is missing; its bucket is {bucket(name)}, so it belongs to {called[i]}"
    return (
        "the right names in another order; keep that of the lines (a set forgets the order, dict.fromkeys keeps it)"
    )


# --- the mistakes ----------------------------------------------------------------------------------------------


def mean_of_means(P: np.ndarray, names: list[str], vocab: list[str]) -> float:
    """A mean for each name, and the mean of these."""
    return float(np.mean([surprises(P, pairs(name), vocab).mean() for name in names]))


def over_letters(P: np.ndarray, names: list[str], vocab: list[str]) -> float:
    """All predictions added, divided by the letters only."""
    return float(surprises(P, all_pairs(names), vocab).sum() / sum(map(len, names)))


def log_of_mean(P: np.ndarray, names: list[str], vocab: list[str]) -> float:
    """-ln of the mean probability."""
    return float(-np.log(chances(P, all_pairs(names), vocab).mean()))


def without(which: slice) -> Callable[[np.ndarray, list[str], list[str]], float]:
    """The loss over some of each name's pairs."""

    def loss(P: np.ndarray, names: list[str], vocab: list[str]) -> float:
        chances(P, all_pairs(names), vocab)  # refuses unknown letters
        return float(surprises(P, [pair for name in names for pair in pairs(name)[which]], vocab).mean())

    return loss


def cut(names: list[str]) -> Split:
    """The first 80 %, the next 10 %, the last 10 %."""
    first, second = len(names) * 8 // 10, len(names) * 9 // 10
    return names[:first], names[first:second], names[second:]


def clean_late(lines: list[str]) -> Split:
    """Repeats are removed from the lines as they stand."""
    cleaned(lines)
    return by_bucket(cleaned(list(dict.fromkeys(lines))))


def as_they_stand(lines: list[str]) -> Split:
    """Lines with their capitals and spaces."""
    cleaned(lines)
    return by_bucket([line for line in dict.fromkeys(lines) if line.strip()])


def bucket_of_line(lines: list[str]) -> Split:
    """The bucket of the line as it stands, and the name cleaned."""
    raw = [line for line in lines if line.strip()]
    first = dict(reversed(list(zip(cleaned(lines), raw, strict=True))))
    names = list(dict.fromkeys(cleaned(lines)))
    return by_bucket(names, [first[name] for name in names])


def exchanged(lines: list[str]) -> Split:
    """Validation and test in each other's place."""
    train, validation, test = split(lines)
    return train, test, validation


def of_distinct(train: list[str], held_out: list[str]) -> float:
    """The share of different held-out lines."""
    return leaked(train, list(dict.fromkeys(held_out)))


def one_mark(name: str, n: int) -> Steps:
    """Windows of n symbols in .name., so with one mark in front for every n."""
    symbols = "." + name + "."
    for i in range(n - 1, len(symbols)):
        yield symbols[i - n + 1 : i], symbols[i]


def endless(name: str, n: int) -> Steps:
    """Without the mark after the name."""
    return (step for step in list(steps(name, n))[:-1])


def whole_past(name: str, n: int) -> Steps:
    """What before[-(n - 1):] gives: with n = 1 that is before[0:], everything."""
    if n > 1:
        yield from steps(name, n)
        return
    for i, symbol in enumerate(name + "."):
        yield name[:i], symbol


def ends_as_contexts(train: list[str], held_out: list[str], n: int, k: float) -> float:
    """How often a context came is counted wherever it stands, also at the end, where nothing follows."""
    measure(train, held_out, n, k)
    seen = Counter(step for name in train for step in steps(name, n))
    total = Counter(
        symbols[i : i + n - 1]
        for symbols in ("." * (n - 1) + name + "." for name in train)
        for i in range(len(symbols) - n + 2)
    )
    losses = [
        -math.log((seen[step] + k) / (total[step[0]] + SYMBOLS * k)) for name in held_out for step in steps(name, n)
    ]
    return float(np.mean(losses))


def only_seen(train: list[str], held_out: list[str], n: int, k: float) -> float:
    """The mean over the predictions whose n-gram was seen."""
    seen = {step for name in train for step in steps(name, n)}
    every = zip(measure(train, held_out, n, k), held_out, strict=True)
    return float(
        np.mean([x for losses, name in every for x, step in zip(losses, steps(name, n), strict=True) if step in seen])
    )


EXERCISES = [
    Exercise(
        "nll",
        nll,
        (
            Item("is the mean over all predictions", 1.25, table_and_names),
            Item("is infinite where a pair has probability 0", 0.5, impossible_pair, agrees=infinite),
            Item(
                "refuses a letter outside the vocabulary",
                0.25,
                lambda rng: (some_table(rng), [*some_names(rng), "axe"], VOCAB),
            ),
        ),
        (
            Wrong(
                "this is in bits, because log2 was taken; a loss in nats takes np.log",
                lambda P, names, vocab: nll(P, names, vocab) / math.log(2),
            ),
            Wrong(
                "this is the sum over all predictions, which grows with the number of names; take the mean",
                lambda P, names, vocab: float(surprises(P, all_pairs(names), vocab).sum()),
            ),
            Wrong(
                "a mean was taken of each name and then the mean of these, so a letter of a short name counts for "
                "more; take one mean over all predictions",
                mean_of_means,
            ),
            Wrong(
                "the end of the names is missing; that the mark follows the last letter is a prediction too, so a "
                "name of n letters has n + 1",
                without(slice(None, -1)),
            ),
            Wrong(
                "the beginning of the names is missing; that the first letter follows the mark is a prediction too, "
                "so a name of n letters has n + 1",
                without(slice(1, None)),
            ),
            Wrong(
                "the names were joined into one, so the end of a name and the beginning of the next are missing; put "
                "a mark between them",
                lambda P, names, vocab: nll(P, ["".join(names)], vocab),
            ),
            Wrong(
                "the sum is right and divided by the number of letters; there are n + 1 predictions in a name of n "
                "letters, so divide by those",
                over_letters,
            ),
            Wrong(
                "the sum is right and divided by the number of names; divide by the number of predictions",
                lambda P, names, vocab: float(surprises(P, all_pairs(names), vocab).sum() / len(names)),
            ),
            Wrong(
                "the logarithm of the mean probability was taken; take the logarithm of each probability and then "
                "the mean, or one impossible pair would not show",
                log_of_mean,
            ),
            Wrong(
                "the sign is missing; the logarithm of a probability is 0 or less, and a loss is minus that",
                lambda P, names, vocab: -nll(P, names, vocab),
            ),
            Wrong(
                "rows and columns are exchanged; P[i, j] is i first and then j",
                lambda P, names, vocab: nll(P.T, names, vocab),
            ),
        ),
    ),
    Exercise(
        "perplexity",
        perplexity,
        (
            Item("is e to the mean loss", 0.5, lambda rng: (rng.uniform(0.1, 4, int(rng.integers(3, 9))),)),
            Item("is V for a guess among V symbols", 0.25, lambda rng: (np.log(np.full(6, rng.integers(3, 40))),)),
            Item(
                "is infinite where a loss is",
                0.25,
                lambda rng: (rng.permutation([np.inf, *rng.uniform(0.1, 4, 4)]),),
            ),
        ),
        (
            Wrong(
                "2 was raised to a loss in nats; nats belong to e (np.exp), and 2 belongs to bits",
                lambda losses: float(2 ** np.mean(losses)),
            ),
            Wrong(
                "this is the probability, e to minus the mean; perplexity is one over it",
                lambda losses: float(np.exp(-np.mean(losses))),
            ),
            Wrong(
                "e was taken of each loss and then the mean, so that one bad prediction outweighs all; take the mean "
                "of the losses first",
                lambda losses: float(np.mean(np.exp(losses))),
            ),
            Wrong(
                "e was taken of the sum of the losses, which is one over the probability of everything together; "
                "take the mean",
                lambda losses: float(np.exp(np.sum(losses))),
            ),
            Wrong(
                "10 was raised to a loss in nats; nats belong to e, so take np.exp",
                lambda losses: float(10 ** np.mean(losses)),
            ),
            Wrong(
                "this is the mean loss itself; perplexity is e to the power of it",
                lambda losses: float(np.mean(losses)),
            ),
        ),
    ),
    Exercise(
        "bits_per_char",
        bits_per_char,
        (
            Item("is bits over letters and ends", 0.75, total_and_names),
            Item("refuses an empty list", 0.25, lambda rng: (float(rng.uniform(5, 9)), [])),
        ),
        (
            Wrong(
                "these are nats per character; divide by ln 2 to have bits",
                lambda total, names: total / characters(names),
            ),
            Wrong(
                "nats were multiplied by ln 2; a bit is less than a nat (0.69 of one), so there are more of them: "
                "divide by ln 2",
                lambda total, names: total * math.log(2) / characters(names),
            ),
            Wrong(
                "the bits are divided by the letters alone; the end of each name was predicted too and counts as one "
                "character",
                lambda total, names: total / math.log(2) / (characters(names) - len(names)),
            ),
            Wrong(
                "one end was counted for all names together; each name has its own",
                lambda total, names: total / math.log(2) / (characters(names) - len(names) + 1),
            ),
            Wrong(
                "two marks were counted for each name; the one before it is given, and only the one after it is "
                "predicted",
                lambda total, names: total / math.log(2) / (characters(names) + len(names)),
            ),
            Wrong(
                "the logarithm of the total was taken; nats are logarithms already, so divide by ln 2",
                lambda total, names: math.log2(total) / characters(names),
            ),
            Wrong(
                "these are bits per name; divide by the number of characters",
                lambda total, names: total / math.log(2) / (len(names) + 0 * characters(names)),
            ),
            Wrong(
                "these are the bits of all names together; divide by the number of characters",
                lambda total, names: total / math.log(2) + 0 * characters(names),
            ),
        ),
    ),
    Exercise(
        "split",
        split,
        (
            Item("puts each name on its side", 0.75, lambda rng: (of_all_sides(rng),), agrees=sides),
            Item("keeps a repeated line once", 0.5, repeated_lines, agrees=sides),
            Item("cleans the lines first", 0.25, untidy_lines, agrees=sides),
            Item("refuses lines without a name", 0.25, lambda rng: ([" " * int(i) for i in rng.integers(0, 4, 5)],)),
        ),
        (
            Wrong(
                "the lines were cut by their place, repeats and all, so a repeated name ends up on two sides and the "
                "exam leaks; remove repeats and ask the bucket of each name",
                lambda lines: cut(cleaned(lines)),
            ),
            Wrong(
                "the names were cut by their place, so a name changes sides when the file is sorted or grows; ask "
                "the bucket of each name",
                lambda lines: cut(list(dict.fromkeys(cleaned(lines)))),
            ),
            Wrong(
                "a repeated name is in its list several times; nothing leaks, but it counts more than once: keep the "
                "first",
                lambda lines: by_bucket(cleaned(lines)),
            ),
            Wrong(
                "repeats were removed before the lines were cleaned, so a name that comes once with a capital is "
                "there twice; clean first",
                clean_late,
            ),
            Wrong(
                "the lines are as they stand in the file; take off the white space and the capitals, which are no "
                "part of a name",
                as_they_stand,
            ),
            Wrong(
                "the bucket is that of the line with its capitals and spaces, so the same name can be on two sides; "
                "clean the line and then ask",
                bucket_of_line,
            ),
            Wrong(
                "the names are sorted; keep the order of the lines",
                lambda lines: by_bucket(sorted(set(cleaned(lines)))),
            ),
            Wrong("validation and test are exchanged; bucket 8 validates and bucket 9 tests", exchanged),
        ),
    ),
    Exercise(
        "leaked",
        leaked,
        (
            Item("is the share of held-out lines", 0.5, lambda rng: two_lists(rng, repeats=False)),
            Item("counts a repeated line each time", 0.25, lambda rng: two_lists(rng, repeats=True)),
            Item("refuses an empty held_out", 0.25, lambda rng: (some_names(rng), [])),
        ),
        (
            Wrong(
                "this is the share of training lines; the question is how much of the exam was known, so divide by "
                "the number of held-out lines",
                lambda train, held_out: leaked(train, held_out) * len(held_out) / len(train),
            ),
            Wrong(
                "this is their number; divide it by the number of held-out lines",
                lambda train, held_out: leaked(train, held_out) * len(held_out),
            ),
            Wrong(
                "held_out became a set, so a line that stands twice counts once; go over the list",
                of_distinct,
            ),
            Wrong(
                "different lines are divided by all lines; a line that stands twice in held_out counts twice above "
                "and below",
                lambda train, held_out: leaked(train, held_out) and len(set(train) & set(held_out)) / len(held_out),
            ),
            Wrong(
                "a line also counts when it is only a part of a training line, as ann is of hannah; compare whole "
                "lines",
                lambda train, held_out: (
                    leaked(train, held_out) and sum(line in " ".join(train) for line in held_out) / len(held_out)
                ),
            ),
            Wrong(
                "this counts how often a held-out line stands in train; it is enough that it stands there, so each "
                "held-out line counts 1 or 0",
                lambda train, held_out: leaked(train, held_out) and sum(map(train.count, held_out)) / len(held_out),
            ),
            Wrong(
                "this is the share in all different lines of both lists; divide by the number of held-out lines",
                lambda train, held_out: (
                    leaked(train, held_out) and len(set(train) & set(held_out)) / len({*train, *held_out})
                ),
            ),
            Wrong(
                "these are percent; the share is a number from 0 to 1",
                lambda train, held_out: 100 * leaked(train, held_out),
            ),
            Wrong(
                "this is the share of lines that are new; take one minus that",
                lambda train, held_out: 1 - leaked(train, held_out),
            ),
        ),
    ),
    Exercise(
        "ngram_nll",
        ngram_nll,
        (
            Item("measures longer contexts", 1.0, to_count),
            Item("measures a bigram", 0.5, lambda rng: to_count(rng, 2)),
            Item("measures n = 1, without context", 0.5, lambda rng: to_count(rng, 1)),
            Item("refuses an n below 1", 0.125, lambda rng: to_count(rng, -int(rng.integers(2))), times=6),
            Item(
                "refuses k = 0, or one below it",
                0.125,
                lambda rng: to_count(rng, k=-0.2 * int(rng.integers(2))),
                times=6,
            ),
        ),
        (
            Wrong(
                "this is the loss on the names that were counted, which every model knows; measure held_out",
                lambda train, held_out, n, k: ngram_nll(train, train, n, k),
            ),
            Wrong(
                "held_out was counted as well, so the exam was known; count in train alone",
                lambda train, held_out, n, k: ngram_nll(train + held_out, held_out, n, k),
            ),
            Wrong(
                "train and held_out are exchanged; count in train and measure held_out",
                lambda train, held_out, n, k: ngram_nll(held_out, train, n, k),
            ),
            Wrong(
                "n symbols of context are used; n counts the predicted symbol too, so the context has n - 1",
                lambda train, held_out, n, k: measure(train, held_out, n, k) and ngram_nll(train, held_out, n + 1, k),
            ),
            Wrong(
                "one mark stands before a name for every n, so predictions are missing or too many; put n - 1 marks "
                "there, none of which is predicted",
                lambda train, held_out, n, k: mean(measure(train, held_out, n, k, steps=one_mark)),
            ),
            Wrong(
                "k was added to the counts and only once to their sum, so a row sums to more than 1; add k for each "
                "of the 27 symbols",
                lambda train, held_out, n, k: mean(measure(train, held_out, n, k, V=lambda train: 1)),
            ),
            Wrong(
                "k was added to the sum for each symbol that came up in train; a symbol that did not is possible "
                "too, so add it 27 times",
                lambda train, held_out, n, k: mean(
                    measure(train, held_out, n, k, V=lambda train: 1 + len(set("".join(train))))
                ),
            ),
            Wrong(
                "the end of the names is missing; the mark after the last letter is counted and predicted too",
                lambda train, held_out, n, k: mean(measure(train, held_out, n, k, steps=endless)),
            ),
            Wrong(
                "the contexts were counted wherever they stand, also at the end of a name, where nothing follows; "
                "count how often anything came after them",
                ends_as_contexts,
            ),
            Wrong(
                "with n = 1 the context is everything before, because [-0:] is the whole string; count the place "
                "where a context begins from the front",
                lambda train, held_out, n, k: mean(measure(train, held_out, n, k, steps=whole_past)),
            ),
            Wrong(
                "k was added to the sum for each of the 27 to the n - 1 contexts; a row has 27 symbols for every n",
                lambda train, held_out, n, k: mean(
                    measure(train, held_out, n, k, V=lambda train: SYMBOLS ** (n - 1))
                ),
            ),
            Wrong(
                "what was never seen in train is left out, and that is where a model is weakest; every prediction "
                "counts, the unseen ones through k",
                only_seen,
            ),
            Wrong(
                "this is in bits, because log2 was taken; a loss in nats takes np.log",
                lambda train, held_out, n, k: ngram_nll(train, held_out, n, k) / math.log(2),
            ),
            Wrong(
                "the sum is right and divided by the number of letters; the end of each name is a prediction too, so "
                "divide by letters and ends",
                lambda train, held_out, n, k: (
                    ngram_nll(train, held_out, n, k) * characters(held_out) / sum(map(len, held_out))
                ),
            ),
            Wrong(
                "a mean was taken of each name and then the mean of these; take one mean over all predictions",
                lambda train, held_out, n, k: float(
                    np.mean([np.mean(name) for name in measure(train, held_out, n, k)])
                ),
            ),
        ),
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------


def names_of(part: str) -> list[str]:
    """The names of one side of the bundled corpus."""
    corpus = load_corpus("names")
    return corpus.part("train") if part == "train" else corpus.part("validation")


@cache
def held_out_loss(n: int) -> float:
    """What an n-gram with k = 0.1 loses on the validation names."""
    return ngram_nll(names_of("train"), names_of("validation"), n, 0.1)


@cache
def losses_of(name: str) -> list[float]:
    """What the bigram with k = 0.1 loses on each prediction of one name."""
    return measure(names_of("train"), [name], 2, 0.1)[0]


def by_place() -> tuple[list[str], list[str]]:
    """Training and validation lines of the bundled file, cut 80/10/10 as it stands."""
    return cut(cleaned(raw_lines("names")))[:2]


def turns_up() -> int:
    """The first n whose held-out loss is higher than that of n - 1."""
    return next(n for n in range(2, 9) if held_out_loss(n) > held_out_loss(n - 1))


ANSWERS: dict[str, Callable[[], float]] = {
    "perplexity_of_the_bigram": lambda: math.exp(held_out_loss(2)),
    "nats_of_zeel": lambda: sum(losses_of("zeel")),
    "turns_up": turns_up,
    "leaked_by_place": lambda: 100 * leaked(*by_place()),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "sure": lambda: f"{-math.log(0.95):.2f}",
    "half": lambda: f"{-math.log(0.5):.2f}",
    "hardly": lambda: f"{-math.log(0.01):.2f}",
    "priya_end": lambda: f"{losses_of('priya')[-1]:.2f}",
    "priya_total": lambda: f"{sum(losses_of('priya')):.2f}",
    "priya_mean": lambda: f"{np.mean(losses_of('priya')):.2f}",
    "uniform": lambda: f"{math.log(SYMBOLS):.3f}",
    "uniform_bits": lambda: f"{math.log2(SYMBOLS):.2f}",
    "unigram": lambda: f"{held_out_loss(1):.3f}",
    "unigram_bits": lambda: f"{held_out_loss(1) / math.log(2):.2f}",
    "unigram_choices": lambda: f"{math.exp(held_out_loss(1)):.1f}",
    "bigram": lambda: f"{held_out_loss(2):.3f}",
    "bigram_bits": lambda: f"{held_out_loss(2) / math.log(2):.2f}",
    "bigram_choices": lambda: f"{math.exp(held_out_loss(2)):.1f}",
    "bytes": lambda: f"{math.log(256):.2f}",
    "letters_only": lambda: f"{held_out_loss(2) * letters_and_ends() / letters():.3f}",
    "lines": lambda: f"{len(raw_lines('names')):,}",
    "distinct": lambda: f"{len(set(cleaned(raw_lines('names')))):,}",
    "contexts": lambda: f"{27**4:,}",
}


def letters_and_ends() -> int:
    """Predictions in the validation names."""
    return characters(names_of("validation"))


def letters() -> int:
    """Letters in the validation names."""
    return len("".join(names_of("validation")))


def picture() -> str:
    """The picture of the README as SVG: what the bigram loses on each prediction of priya."""
    losses = losses_of("priya")
    left, bottom, high, wide, gap = 70, 290, 52, 62, 14
    mean_at = bottom - high * float(np.mean(losses))
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 360" font-family="system-ui, sans-serif" '
        'font-size="15" role="img" aria-label="What the bigram loses on each of the six predictions of priya">',
        '<rect width="560" height="360" fill="#ffffff"/>',
        '<text x="20" y="165" text-anchor="middle" fill="#333333" transform="rotate(-90 20 165)">'
        "loss in nats: −ln P</text>",
    ]
    for tick in range(6):
        y = bottom - high * tick
        parts.append(f'<line x1="{left}" x2="535" y1="{y}" y2="{y}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 10}" y="{y + 5}" text-anchor="end" fill="#333333">{tick}</text>')
    for i, ((a, b), nats) in enumerate(zip(pairs("priya"), losses, strict=True)):
        x, top = left + gap + i * (wide + gap), bottom - high * nats
        middle = x + wide / 2
        parts.append(f'<rect x="{x}" y="{top:.1f}" width="{wide}" height="{bottom - top:.1f}" fill="#0072b2"/>')
        parts.append(f'<text x="{middle}" y="{top + 20:.1f}" text-anchor="middle" fill="#ffffff">{nats:.2f}</text>')
        after = "end" if b == "." else b
        parts.append(f'<text x="{middle}" y="{bottom + 22}" text-anchor="middle" fill="#333333">{a} → {after}</text>')
        parts.append(
            f'<text x="{middle}" y="{bottom + 42}" text-anchor="middle" font-size="12" fill="#666666">'
            f"{100 * math.exp(-nats):.1f} %</text>"
        )
    parts.append(
        f'<line x1="{left}" x2="535" y1="{mean_at:.1f}" y2="{mean_at:.1f}" stroke="#d55e00" stroke-width="2" '
        'stroke-dasharray="6 4"/>'
    )
    parts.append(
        f'<text x="535" y="{mean_at - 7:.1f}" text-anchor="end" fill="#d55e00">mean {np.mean(losses):.2f}</text>'
    )
    parts.append(
        '<text x="302" y="352" text-anchor="middle" font-size="12" fill="#666666">'
        "below each prediction: the probability that the bigram gave to it</text>"
    )
    return "\n".join([*parts, "</svg>"]) + "\n"
