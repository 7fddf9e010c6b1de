"""Lab 05, the prefix average and word vectors: what is checked, the mistakes people make, the README's numbers."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from lmlab.data.corpus import Part, load_corpus
from lmlab.evaluation.vectors import glove
from lmlab.grading.checks.lab04 import counts, log_softmax, softmax
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

SYMBOLS = ".abcdefghijklmnopqrstuvwxyz"
Gradients = tuple[float, np.ndarray, np.ndarray]


# --- the reference ---------------------------------------------------------------------------------------------


def prefix_mean(x: np.ndarray) -> np.ndarray:
    """(T, d) row i is the mean of the rows 0 to i."""
    if x.ndim != 2:
        raise ValueError(f"x has {x.ndim} axes and not 2")
    return np.cumsum(x, axis=0) / numbers(x)


def numbers(x: np.ndarray) -> np.ndarray:
    """(T, 1) how many rows there are so far: 1, 2, 3."""
    return np.arange(1, len(x) + 1)[:, None]


def average_logits(E: np.ndarray, W: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(T, V) the logits after each id."""
    return prefix_mean(E[ids]) @ W


def backward(dh: np.ndarray) -> np.ndarray:
    """(T, d) what the derivatives of the means are worth for the rows that went into them."""
    return from_here_on(dh / numbers(dh))


def from_here_on(x: np.ndarray) -> np.ndarray:
    """(T, d) row k is the sum of the rows from k to the last."""
    return np.cumsum(x[::-1], axis=0)[::-1]


def gradients(E: np.ndarray, W: np.ndarray, ids: np.ndarray, targets: np.ndarray) -> Gradients:
    """The loss and its derivatives with respect to both matrices."""
    return by_parts(E, W, ids, targets)


def by_parts(
    E: np.ndarray,
    W: np.ndarray,
    ids: np.ndarray,
    targets: np.ndarray,
    to_rows: Callable[[np.ndarray], np.ndarray] = backward,
    to_table: Callable[[np.ndarray, np.ndarray, int], np.ndarray] | None = None,
    seen_by_W: Callable[[np.ndarray], np.ndarray] = prefix_mean,
    over: int | None = None,
) -> Gradients:
    """`gradients` with parts that can be exchanged for wrong ones."""
    x = E[ids]
    log_p = log_softmax(prefix_mean(x) @ W)
    loss = -float(np.mean(log_p[np.arange(len(ids)), targets]))
    d = (np.exp(log_p) - np.eye(W.shape[1])[targets]) / (over or len(ids))
    return loss, (to_table or add_rows)(ids, to_rows(d @ W.T), len(E)), seen_by_W(x).T @ d


def add_rows(ids: np.ndarray, rows: np.ndarray, V: int) -> np.ndarray:
    """(V, d) for each id the sum of its rows."""
    table = np.zeros((V, rows.shape[1]))
    np.add.at(table, ids, rows)
    return table


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of the angle between two vectors."""
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    if lengths == 0:
        raise ValueError("a vector of zeros has no direction")
    return float(a @ b) / lengths


def neighbours(vectors: np.ndarray, v: np.ndarray, n: int, leave_out: Sequence[int]) -> list[int]:
    """The n rows with the largest cosine to v."""
    return best_of(unit(vectors) @ v, n, leave_out)


def best_of(scores: np.ndarray, n: int, leave_out: Sequence[int]) -> list[int]:
    """The rows of the n largest scores, the largest first."""
    found = [int(row) for row in np.argsort(-scores, kind="stable") if row not in set(leave_out)]
    if n > len(found):
        raise ValueError(f"{n} rows are wanted and {len(found)} are there")
    return found[:n]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Each vector, or the only one, divided by its length."""
    lengths: np.ndarray = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


def analogy(vectors: np.ndarray, a: int, b: int, c: int, n: int) -> list[int]:
    """The n rows nearest to a - b + c, all of length 1."""
    return mixed(vectors, (a, b, c), n, (1, -1, 1))


def mixed(
    vectors: np.ndarray,
    rows: tuple[int, int, int],
    n: int,
    signs: Sequence[int],
    leave_out: Sequence[int] | None = None,
) -> list[int]:
    """The n rows nearest to a sum of three, with these signs; without the three, or without `leave_out`."""
    u = unit(vectors)
    target = sum((sign * u[row] for sign, row in zip(signs, rows, strict=True)), np.zeros(vectors.shape[1]))
    return neighbours(vectors, target, n, rows if leave_out is None else leave_out)


# --- the arguments ---------------------------------------------------------------------------------------------


def some_rows(rng: np.random.Generator) -> Args:
    """(T, d) numbers; as many rows as columns, so that a wrong axis has the right shape."""
    size = int(rng.integers(4, 8))
    return (rng.normal(size=(size, size)) + 1,)


TOO_SLOW = (
    "does it begin anew for each row? The sum up to row i is the sum up to the row before, plus one row; np.cumsum "
    "keeps all of these sums"
)


def many_rows(rng: np.random.Generator) -> Args:
    """30,000 rows, too many to add up each prefix anew, or to make a table of (T, T) weights."""
    return (rng.normal(size=(30_000, 2)) + 0.5,)


def no_rows(rng: np.random.Generator) -> Args:
    """A single vector, or a batch of rows, where rows are wanted."""
    T, d = (int(size) for size in rng.integers(3, 7, 2))
    return (rng.normal(size=T) if rng.random() < 0.5 else rng.normal(size=(T, 1, d)),)


def a_model(rng: np.random.Generator, d: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """E (V, d) and W (d, V)."""
    V = int(rng.integers(8, 11))
    d = d or int(rng.integers(3, 6))
    return rng.normal(size=(V, d)), rng.normal(size=(d, V))


def model_and_ids(rng: np.random.Generator) -> Args:
    """A model and ids, of which some come twice."""
    E, W = a_model(rng)
    return E, W, rng.permutation([0, 1, 1, *rng.integers(0, len(E), 4)]).astype(np.int64)


def model_and_one_id(rng: np.random.Generator) -> Args:
    """A model and the mark alone."""
    return *a_model(rng), np.array([0], dtype=np.int64)


def lesson(again: bool = False, large: float = 1.0) -> Callable[[np.random.Generator], Args]:
    """A model, the ids of a name, and those that follow; with `again` an id comes three times."""

    def draw(rng: np.random.Generator) -> Args:
        E, W = a_model(rng)
        letters = rng.permutation(np.arange(1, len(E)))[:6]
        if again:
            letters[[2, 4]] = letters[0]
        return large * E, W, np.append(0, letters), np.append(letters, 0)

    return draw


def two_vectors(sign: int) -> Callable[[np.random.Generator], Args]:
    """Vectors of different lengths whose cosine has this sign."""

    def draw(rng: np.random.Generator) -> Args:
        d = int(rng.integers(3, 7))
        a, b = 3 * rng.normal(size=d), rng.uniform(0.5, 2) * rng.normal(size=d)
        return a, b * np.sign(a @ b) * sign

    return draw


def one_of_zeros(rng: np.random.Generator) -> Args:
    """A vector and zeros, in either order."""
    pair = [rng.normal(size=4), np.zeros(4)]
    first = int(rng.integers(2))
    return pair[first], pair[1 - first]


def some_vectors(rng: np.random.Generator) -> np.ndarray:
    """(20, 3) vectors whose lengths differ much."""
    return unit(rng.normal(size=(20, 3))) * rng.uniform(0.2, 4, (20, 1))


def vectors_and_direction(rng: np.random.Generator) -> Args:
    """Vectors, a direction, how many, and nothing to leave out."""
    return some_vectors(rng), rng.normal(size=3) * 2, int(rng.integers(5, 8)), []


def nearest_left_out(rng: np.random.Generator) -> Args:
    """Vectors of which the nearest and another near one are left out."""
    vectors, v, n, _ = vectors_and_direction(rng)
    nearest = best_of(unit(vectors) @ v, n, [])
    return vectors, v, n, [int(rng.integers(15)), nearest[2], nearest[0]]


def all_that_are_left(rng: np.random.Generator) -> Args:
    """As many rows wanted as there are; the nearest and another one are left out."""
    vectors, v, _, _ = vectors_and_direction(rng)
    nearest = best_of(unit(vectors) @ v, 1, [])[0]
    return vectors, v, len(vectors) - 2, [nearest, (nearest + 3) % len(vectors)]


def too_many_wanted(rng: np.random.Generator) -> Args:
    """One row more wanted than there are, as two are left out."""
    vectors, v, _, _ = vectors_and_direction(rng)
    return vectors, v, len(vectors) - 1, [3, 5]


def quadruples(rng: np.random.Generator) -> Args:
    """Vectors with a - b + c in them, a little off; the given three lie nearer to it than most others.

    Drawn until the order of the answer depends on what the mistakes leave out.
    """
    while True:
        vectors = some_vectors(rng)
        a, b, c, d = (int(row) for row in rng.permutation(len(vectors))[:4])
        u = unit(vectors)
        u[b] = unit(u[a] + 0.7 * rng.normal(size=3))
        u[c] = unit(u[b] + 0.5 * rng.normal(size=3))
        u[d] = unit(u[a] - u[b] + u[c] + 0.1 * rng.normal(size=3))
        vectors = u * np.linalg.norm(vectors, axis=1, keepdims=True)
        args = vectors, a, b, c, 6
        found = [analogy(*args), *(wrong(*args) for wrong in WRONG_ANALOGIES.values())]
        if len(set(map(tuple, found))) == len(found):
            return args


def step_of_nothing(rng: np.random.Generator) -> Args:
    """b and c are the same row, so the answer is near a, but not a."""
    vectors, a, b, _, n = quadruples(rng)
    return vectors, a, b, b, n


# --- the mistakes ----------------------------------------------------------------------------------------------


def future_too(x: np.ndarray) -> np.ndarray:
    """The mean of all rows, in every row."""
    return np.zeros_like(x) + x.mean(axis=0)


def without_itself(x: np.ndarray) -> np.ndarray:
    """The mean of the rows before, and zeros for the first."""
    return np.concatenate([np.zeros((1, x.shape[1])), prefix_mean(x)[:-1]])


def over_the_place(x: np.ndarray) -> np.ndarray:
    """Divided by 0, 1, 2."""
    with np.errstate(all="ignore"):
        return np.cumsum(x, axis=0) / (numbers(x) - 1)


def flat(version: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """A wrong version that refuses what is not (T, d), as the right one does."""
    return lambda x: version(x) if x.ndim == 2 else prefix_mean(x)


def broadcast(x: np.ndarray) -> np.ndarray:
    """np.cumsum(x, axis=0) / np.arange(1, T + 1)[:, None] of a vector is a table."""
    return np.cumsum(x, axis=0) / numbers(x)


def by_rows(x: np.ndarray) -> np.ndarray:
    """cumsum over axis 1; a mean over the columns so far."""
    return np.cumsum(x, axis=1) / np.arange(1, x.shape[1] + 1)


def overwritten(ids: np.ndarray, rows: np.ndarray, V: int) -> np.ndarray:
    """dE[ids] += rows."""
    table = np.zeros((V, rows.shape[1]))
    table[ids] += rows
    return table


def at_targets(E: np.ndarray, W: np.ndarray, ids: np.ndarray, targets: np.ndarray) -> Gradients:
    """The derivatives are added to the rows of the targets."""
    return by_parts(E, W, ids, targets, to_table=lambda _, rows, V: add_rows(targets, rows, V))


def naive(E: np.ndarray, W: np.ndarray, ids: np.ndarray, targets: np.ndarray) -> Gradients:
    """Softmax without a maximum."""
    with np.errstate(all="ignore"):
        h = prefix_mean(E[ids])
        exps = np.exp(h @ W)
        p = exps / exps.sum(axis=1, keepdims=True)
        d = (p - np.eye(W.shape[1])[targets]) / len(ids)
        loss = -float(np.mean(np.log(p[np.arange(len(ids)), targets])))
        return loss, add_rows(ids, backward(d @ W.T), len(E)), h.T @ d


def norm(v: np.ndarray) -> float:
    """The length of a vector."""
    return float(np.linalg.norm(v))


def farthest(vectors: np.ndarray, v: np.ndarray, n: int, leave_out: Sequence[int]) -> list[int]:
    """argsort without a minus."""
    return best_of(-(unit(vectors) @ v), n, leave_out)


def cut_too_early(vectors: np.ndarray, v: np.ndarray, n: int, leave_out: Sequence[int]) -> list[int]:
    """The first n, and then without those that are left out."""
    return [row for row in neighbours(vectors, v, n, []) if row not in leave_out]


def numbers_moved(vectors: np.ndarray, v: np.ndarray, n: int, leave_out: Sequence[int]) -> list[int]:
    """np.delete(vectors, leave_out, axis=0)."""
    return neighbours(np.delete(vectors, list(leave_out), axis=0) if leave_out else vectors, v, n, [])


def as_many_as_there_are(vectors: np.ndarray, v: np.ndarray, n: int, leave_out: Sequence[int]) -> list[int]:
    """A slice does not mind when there are fewer."""
    return neighbours(vectors, v, min(n, len(vectors) - len(set(leave_out))), leave_out)


def without_lengths(vectors: np.ndarray, a: int, b: int, c: int, n: int) -> list[int]:
    """The vectors as they stand are added."""
    return neighbours(vectors, vectors[a] - vectors[b] + vectors[c], n, [a, b, c])


def nearest_point(vectors: np.ndarray, a: int, b: int, c: int, n: int) -> list[int]:
    """The distance to the vectors as they stand."""
    u = unit(vectors)
    return best_of(-np.linalg.norm(vectors - (u[a] - u[b] + u[c]), axis=1), n, [a, b, c])


WRONG_ANALOGIES: dict[str, Callable[..., list[int]]] = {
    "the three given words are among the answers; a lies nearest to a - b + c because the step from b to c is short, "
    "so leave a, b and c out": lambda vectors, a, b, c, n: mixed(vectors, (a, b, c), n, (1, -1, 1), ()),
    "only a is left out; b and c lie near a - b + c, too, so leave out all three": (
        lambda vectors, a, b, c, n: mixed(vectors, (a, b, c), n, (1, -1, 1), (a,))
    ),
    "the signs of b and c are exchanged; king - man + woman takes b away and adds c": (
        lambda vectors, a, b, c, n: mixed(vectors, (a, b, c), n, (1, 1, -1))
    ),
    "this is b - a + c; a is the word that the step from b to c is added to": (
        lambda vectors, a, b, c, n: mixed(vectors, (a, b, c), n, (-1, 1, 1))
    ),
    "all three are added; b is what is taken away": (
        lambda vectors, a, b, c, n: mixed(vectors, (a, b, c), n, (1, 1, 1))
    ),
    "the vectors are added with the lengths they have, so a long one counts for more; divide each by its length "
    "first": without_lengths,
    "the distance to the vectors as they stand decides; compare directions, that is cosines": nearest_point,
}


EXERCISES = [
    Exercise(
        "prefix_mean",
        prefix_mean,
        (
            Item("is the mean of all rows so far", 0.75, some_rows),
            Item("refuses an array that is not (T, d)", 0.25, no_rows, times=6),
            Item("does 30,000 rows in one pass", 0.5, many_rows, times=1, tolerance=1e-5, pace=20, slow=TOO_SLOW),
        ),
        (
            Wrong(
                "this is the sum of the rows so far; divide row i by i + 1",
                flat(lambda x: np.cumsum(x, axis=0)),
            ),
            Wrong(
                "every row is divided by T; row i has i + 1 rows in it, so divide by 1, 2, 3 and so on",
                flat(lambda x: np.cumsum(x, axis=0) / len(x)),
            ),
            Wrong(
                "row i is divided by i; ids begin with 0, so there are i + 1 rows so far",
                flat(over_the_place),
            ),
            Wrong(
                "the mean of all T rows stands everywhere; row i may not know the rows after it, or the model sees "
                "the letter that it is to predict",
                flat(future_too),
            ),
            Wrong(
                "row i is not in its own mean; the rows 0 to i, and i with them, have been read when the next symbol "
                "is predicted",
                flat(without_itself),
            ),
            Wrong(
                "column j is divided by j + 1, because numpy lays a flat array along the columns; make a column of "
                "the divisors with [:, None]",
                flat(lambda x: np.cumsum(x, axis=0) / numbers(x).T if len(x) == x.shape[1] else prefix_mean(x)),
            ),
            Wrong("the sums run along the d numbers of a row; they run down the rows, over axis 0", flat(by_rows)),
            Wrong(
                "these are the means from row i to the end; a model of the next symbol knows what came before",
                flat(lambda x: prefix_mean(x[::-1])[::-1]),
            ),
            Wrong(
                "a single vector went through and became a table, because numpy spreads it over the divisors; look "
                "at x.ndim and raise ValueError",
                broadcast,
            ),
        ),
    ),
    Exercise(
        "average_logits",
        average_logits,
        (
            Item("are those of the mean so far", 0.75, model_and_ids),
            Item("are there for a single id", 0.25, model_and_one_id),
        ),
        (
            Wrong(
                "only the last symbol is used, so this is a bigram; take the mean of all embeddings so far",
                lambda E, W, ids: E[ids] @ W,
            ),
            Wrong(
                "the embeddings are added up; divide by how many there are, or later places get larger logits only "
                "because they are later",
                lambda E, W, ids: np.cumsum(E[ids], axis=0) @ W,
            ),
            Wrong(
                "every place gets the mean of the whole name, and so knows what it is to predict; place i uses the "
                "ids 0 to i",
                lambda E, W, ids: future_too(E[ids]) @ W,
            ),
            Wrong(
                "softmax was taken already; logits are the products as they stand",
                lambda E, W, ids: softmax(average_logits(E, W, ids)),
            ),
            Wrong(
                "the first rows of E were taken, whatever the ids are; look up the row of each id, E[ids], and then "
                "take the means",
                lambda E, W, ids: prefix_mean(E[: len(ids)]) @ W,
            ),
        ),
    ),
    Exercise(
        "backward",
        backward,
        (
            Item("gives each row its part of every mean that it is in", 1.0, some_rows),
            Item("does 30,000 rows in one pass", 0.5, many_rows, times=1, tolerance=1e-5, pace=20, slow=TOO_SLOW),
        ),
        (
            Wrong(
                "the sums run forward; row k went into the means k, k + 1 and so on, so it collects from there to "
                "the end: turn round, cumsum, turn round",
                lambda dh: np.cumsum(dh / numbers(dh), axis=0),
            ),
            Wrong(
                "this is the prefix mean once more; forward, row k was spread over the means from k on, so backward "
                "it collects from k on",
                prefix_mean,
            ),
            Wrong(
                "each row gets its own mean's part only; it went into all later means as well",
                lambda dh: dh / numbers(dh),
            ),
            Wrong(
                "the division is missing; mean i has i + 1 rows and gives each of them 1 / (i + 1) of its derivative",
                from_here_on,
            ),
            Wrong(
                "the sum was divided by how many means came together; divide before you add, because each mean has "
                "its own number of rows",
                lambda dh: from_here_on(dh) / numbers(dh)[::-1],
            ),
            Wrong(
                "the division came after the sum; mean i has its own 1 / (i + 1), so divide each row of dh first",
                lambda dh: from_here_on(dh) / numbers(dh),
            ),
            Wrong(
                "row k does not get its part of mean k; it is in that mean, too",
                lambda dh: backward(dh) - dh / numbers(dh),
            ),
        ),
    ),
    Exercise(
        "gradients",
        gradients,
        (
            Item("are right when no symbol comes twice", 1.0, lesson()),
            Item("add up for a symbol that comes twice", 0.5, lesson(again=True)),
            Item("are stable for large logits", 0.5, lesson(large=1500)),
        ),
        (
            Wrong(
                "where a symbol comes twice only its last place is left in dE: dE[ids] += dx writes to each row "
                "once; np.add.at(dE, ids, dx) adds every time",
                lambda E, W, ids, targets: by_parts(E, W, ids, targets, to_table=overwritten),
            ),
            Wrong(
                "dE leaves out the mean: each place's derivative goes to its own symbol only; it has to go back "
                "through the mean to all symbols so far",
                lambda E, W, ids, targets: by_parts(E, W, ids, targets, to_rows=lambda dh: dh),
            ),
            Wrong(
                "dE takes the means' derivatives forward; going back through a prefix mean, place k collects from k "
                "to the end",
                lambda E, W, ids, targets: by_parts(E, W, ids, targets, to_rows=prefix_mean),
            ),
            Wrong(
                "dW uses the embeddings of the last symbols; W was multiplied with the means, so it is h.T @ dlogits",
                lambda E, W, ids, targets: by_parts(E, W, ids, targets, seen_by_W=lambda x: x),
            ),
            Wrong(
                "both gradients belong to a sum; the loss is a mean over T places, so p - y is divided by T",
                lambda E, W, ids, targets: by_parts(E, W, ids, targets, over=1),
            ),
            Wrong(
                "dE is added to the rows of the targets; E was read at ids, so the derivatives belong there",
                at_targets,
            ),
            Wrong(
                "the loss is the sum over all places; divide by T, as the gradients are",
                lambda E, W, ids, targets: (
                    len(ids) * gradients(E, W, ids, targets)[0],
                    *gradients(E, W, ids, targets)[1:],
                ),
            ),
            Wrong(
                "both gradients point downhill; a gradient says where the loss rises (p - y), and the step subtracts "
                "it",
                lambda E, W, ids, targets: by_parts(E, W, ids, targets, over=-len(ids)),
            ),
            Wrong(
                "e to the power of a logit left the range of numbers; subtract each row's largest logit first, and "
                "never take the logarithm of a softmax",
                naive,
            ),
        ),
    ),
    Exercise(
        "cosine",
        cosine,
        (
            Item("is that of the angle between them", 0.25, two_vectors(1)),
            Item("is negative for vectors that point apart", 0.25, two_vectors(-1)),
            Item("refuses a vector of zeros", 0.25, one_of_zeros, times=6),
        ),
        (
            Wrong(
                "this is the product alone, which grows with the lengths; divide by both of them",
                lambda a, b: cosine(a, b) * norm(a) * norm(b),
            ),
            Wrong("only the length of a is divided out; divide by both", lambda a, b: cosine(a, b) * norm(b)),
            Wrong("only the length of b is divided out; divide by both", lambda a, b: cosine(a, b) * norm(a)),
            Wrong(
                "it is divided by the squares of the lengths; a @ a is the square, and its root the length",
                lambda a, b: cosine(a, b) / norm(a) / norm(b),
            ),
            Wrong(
                "this is 1 less the cosine, a distance; return the cosine itself, 1 for the same direction",
                lambda a, b: 1 - cosine(a, b),
            ),
            Wrong(
                "this is the angle; return its cosine, which needs no arccos",
                lambda a, b: float(np.arccos(cosine(a, b))),
            ),
            Wrong(
                "this is the distance between the two points, and it changes when a vector gets longer; the cosine "
                "does not",
                lambda a, b: norm(a - b) + 0 * cosine(a, b),
            ),
            Wrong(
                "the sign is lost; vectors that point away from each other have a cosine below 0",
                lambda a, b: abs(cosine(a, b)),
            ),
        ),
    ),
    Exercise(
        "neighbours",
        neighbours,
        (
            Item("are the n nearest by cosine, best first", 0.75, vectors_and_direction),
            Item("are as many when some are left out", 0.125, nearest_left_out),
            Item("are all that are left when so many are wanted", 0.125, all_that_are_left),
            Item("refuses to find more than there are", 0.25, too_many_wanted, times=5),
        ),
        (
            Wrong(
                "the product decides, so long vectors win; divide each row by its length first",
                lambda vectors, v, n, leave_out: best_of(vectors @ v, n, leave_out),
            ),
            Wrong(
                "the distance decides; compare directions, that is cosines, whatever the lengths",
                lambda vectors, v, n, leave_out: best_of(-np.linalg.norm(vectors - v, axis=1), n, leave_out),
            ),
            Wrong(
                "these are the farthest; argsort begins with the smallest number, so sort by minus the cosine",
                farthest,
            ),
            Wrong(
                "they are sorted by row number, not by cosine; the best comes first",
                lambda vectors, v, n, leave_out: sorted(neighbours(vectors, v, n, leave_out)),
            ),
            Wrong(
                "the best comes last; turn the list round",
                lambda vectors, v, n, leave_out: neighbours(vectors, v, n, leave_out)[::-1],
            ),
            Wrong(
                "leave_out is not used; its rows may not be in the answer",
                lambda vectors, v, n, leave_out: neighbours(vectors, v, n, []),
            ),
            Wrong(
                "there are fewer than n, because the rows of leave_out were taken away after the cut; take them away "
                "first and cut then",
                cut_too_early,
            ),
            Wrong(
                "the rows of leave_out were deleted first, and that changed the numbers of all rows behind them; "
                "keep the numbers and skip those rows",
                numbers_moved,
            ),
            Wrong(
                "fewer than n come back without a word, because a slice does not mind; compare n with the rows that "
                "are left and raise ValueError",
                as_many_as_there_are,
            ),
        ),
    ),
    Exercise(
        "analogy",
        analogy,
        (
            Item("finds what lies near a - b + c", 0.75, quadruples),
            Item("finds the neighbours of a when b is c", 0.25, step_of_nothing),
        ),
        tuple(Wrong(says, version) for says, version in WRONG_ANALOGIES.items()),
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------


def ids_of(name: str) -> list[int]:
    """The ids of a name between two marks.

    >>> ids_of("ab")
    [0, 1, 2, 0]
    """
    return [0, *(SYMBOLS.index(letter) for letter in name), 0]


def shares(ids: Sequence[int]) -> np.ndarray:
    """(T, 27) how much of the past each symbol is, after each id.

    >>> shares([0, 1])[:, :3].tolist()
    [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]
    """
    return prefix_mean(np.eye(len(SYMBOLS))[list(ids)])


@cache
def pasts(part: Part) -> tuple[np.ndarray, np.ndarray]:
    """(U, 27) all distinct pasts of a part of the names, without their order, and (U, 27) what followed how often."""
    names = [ids_of(name) for name in load_corpus("names").part(part)]
    rows = np.concatenate([shares(ids[:-1]) for ids in names])
    distinct, which = np.unique(np.round(rows, 9), axis=0, return_inverse=True)
    followed = np.zeros(distinct.shape)
    np.add.at(followed, (which.reshape(-1), np.concatenate([ids[1:] for ids in names])), 1)
    return distinct, followed


@cache
def best_average() -> np.ndarray:
    """(27, 27) E @ W of the best plain average: its loss has a single valley, so any way down leads there."""
    from scipy.optimize import minimize

    x, followed = pasts("train")
    n, size = followed.sum(), len(SYMBOLS)

    def loss_and_slope(flat_table: np.ndarray) -> tuple[float, np.ndarray]:
        log_p = log_softmax(x @ flat_table.reshape(size, size))
        d = (followed.sum(axis=1, keepdims=True) * np.exp(log_p) - followed) / n
        return -float((followed * log_p).sum() / n), (x.T @ d).ravel()

    found = minimize(loss_and_slope, np.zeros(size * size), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    table: np.ndarray = found.x.reshape(size, size)
    return table


def average_loss() -> float:
    """Nats per character of the best plain average on unseen names."""
    x, followed = pasts("validation")
    return -float((followed * log_softmax(x @ best_average())).sum() / followed.sum())


@cache
def short_loss() -> float:
    """Nats per character on unseen names after the two rounds of the last cells of lab.py."""
    names = load_corpus("names").part("train")
    rng = np.random.default_rng(1)
    E, W = 0.3 * rng.normal(size=(27, 16)), np.zeros((16, 27))
    order = np.concatenate([rng.permutation(len(names)), rng.permutation(len(names))])
    for step, which in enumerate(order):
        ids = np.array(ids_of(names[which]))
        _, dE, dW = gradients(E, W, ids[:-1], ids[1:])
        lr = 1 - step / len(order)
        E -= lr * dE
        W -= lr * dW
    x, followed = pasts("validation")
    return -float((followed * log_softmax(x @ E @ W)).sum() / followed.sum())


def bigram() -> np.ndarray:
    """(27, 27) the probabilities of lab 01, with k = 0.1."""
    N = counts("train") + 0.1
    table: np.ndarray = N / N.sum(axis=1, keepdims=True)
    return table


def bigram_loss() -> float:
    """Nats per character of the bigram on unseen names."""
    N = counts("validation")
    return -float((N * np.log(bigram())).sum() / N.sum())


def end_after(past: str) -> str:
    """How probable the average holds it to be that a name is over after some letters, in per cent."""
    p = softmax(shares(ids_of(past)[:-1])[-1:] @ best_average())
    return f"{100 * p[0, 0]:.0f}"


def end_after_letter(letter: str) -> str:
    """The same of the bigram, which knows the last letter only."""
    return f"{100 * bigram()[SYMBOLS.index(letter), 0]:.0f}"


def nearest_letters(letter: str, n: int) -> str:
    """The letters whose rows of E @ W, less their mean, point in the most similar directions."""
    table = best_average() - best_average().mean(axis=1, keepdims=True)
    row = SYMBOLS.index(letter)
    return ", ".join(SYMBOLS[i] for i in neighbours(table, table[row], n, [row, 0]))


QUESTIONS = (
    "king man woman queen", "actor man woman actress", "uncle man woman aunt", "paris france italy rome",
    "berlin germany japan tokyo", "walking walk swim swimming", "swam swim walk walked", "cars car dog dogs",
    "better good bad worse", "bigger big small smaller", "puppy dog cat kitten", "brother man woman sister",
)  # fmt: skip


def right_answers(inputs: bool) -> int:
    """How many of the twelve analogies of lab.py come out right, with the three words allowed or not."""
    said = [question.split() for question in QUESTIONS]
    return sum(glove().analogy(a, b, c, n=1, inputs=inputs)[0][0] == d for a, b, c, d in said)


def answer_to(question: str, inputs: bool = False) -> tuple[str, float]:
    """The word nearest to a - b + c, and its cosine."""
    a, b, c = question.split()
    return glove().analogy(a, b, c, n=1, inputs=inputs)[0]


ANSWERS: dict[str, Callable[[], float]] = {
    "first_letter_after_priya": lambda: 100 * float(shares(ids_of("priya")[:-1])[-1, SYMBOLS.index("p")]),
    "cat_and_dog": lambda: glove().similarity("cat", "dog"),
    "man_and_woman": lambda: glove().similarity("man", "woman"),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "average_loss": lambda: f"{average_loss():.2f}",
    "bigram_loss": lambda: f"{bigram_loss():.2f}",
    "short_loss": lambda: f"{short_loss():.2f}",
    "average_mia": lambda: end_after("mia"),
    "average_aim": lambda: end_after("aim"),
    "bigram_a": lambda: end_after_letter("a"),
    "bigram_m": lambda: end_after_letter("m"),
    "near_a": lambda: nearest_letters("a", 4),
    "near_t": lambda: nearest_letters("t", 3),
    "words": lambda: f"{len(glove().words):,}",
    "cat_dog": lambda: f"{glove().similarity('cat', 'dog'):.2f}",
    "cat_democracy": lambda: f"{glove().similarity('cat', 'democracy'):.2f}",
    "good_bad": lambda: f"{glove().similarity('good', 'bad'):.2f}",
    "queen": lambda: "{} ({:.3f})".format(*answer_to("king man woman")),
    "queen_with_inputs": lambda: "{} ({:.3f})".format(*answer_to("king man woman", inputs=True)),
    "nurse": lambda: answer_to("doctor man woman")[0],
    "nurse_with_inputs": lambda: answer_to("doctor man woman", inputs=True)[0],
    "right": lambda: str(right_answers(inputs=False)),
    "questions": lambda: str(len(QUESTIONS)),
    "right_with_inputs": lambda: str(right_answers(inputs=True)),
}


def picture() -> str:
    """The picture of the README as SVG: how much each symbol of .priya counts at each place."""
    name = ".priya"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 430" font-family="system-ui, sans-serif" '
        'font-size="15" role="img" aria-label="The weights of the prefix average for the name priya, row by row">',
        '<rect width="560" height="430" fill="#ffffff"/>',
        '<text x="250" y="24" text-anchor="middle" fill="#333333">how much each symbol counts</text>',
        '<text x="475" y="24" text-anchor="middle" fill="#333333">to predict</text>',
        '<text x="22" y="240" text-anchor="middle" fill="#333333" transform="rotate(-90 22 240)">read so far</text>',
    ]
    for i, symbol in enumerate(name):
        y = 100 + 56 * i
        parts.append(f'<text x="{110 + 56 * i}" y="54" text-anchor="middle" fill="#333333">{symbol}</text>')
        parts.append(f'<text x="70" y="{y}" text-anchor="end" fill="#333333">{name[: i + 1]}</text>')
        parts.append(f'<text x="475" y="{y}" text-anchor="middle" fill="#333333">{(name + ".")[i + 1]}</text>')
        for j in range(len(name)):
            share = 1 / (i + 1) if j <= i else 0.0
            fill = "#" + "".join(f"{round(255 - share * (255 - full)):02x}" for full in (0, 114, 178))
            ink = "#ffffff" if share > 0.45 else "#333333"
            said = "1" if share == 1 else f"1/{i + 1}" if share else "0"
            parts.append(f'<rect x="{83 + 56 * j}" y="{y - 32}" width="54" height="54" fill="{fill}"/>')
            parts.append(f'<text x="{110 + 56 * j}" y="{y}" text-anchor="middle" fill="{ink}">{said}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
