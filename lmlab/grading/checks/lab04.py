"""Lab 04, the bigram by gradient: what is checked, the mistakes people make, and the numbers of its README."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from lmlab.data.corpus import Part, load_corpus
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

LETTERS = "abcdefghijklmnopqrstuvwxyz"


# --- the reference ---------------------------------------------------------------------------------------------


def one_hot(ids: np.ndarray, V: int) -> np.ndarray:
    """(n, V) a 1 in each row, at the place of its id."""
    refuse_ids(ids, V)
    return np.eye(V)[ids]


def refuse_ids(ids: np.ndarray, V: int) -> None:
    """Raise `ValueError` where an id is none of 0 to V - 1."""
    wrong = ids[(ids < 0) | (ids >= V)]
    if len(wrong):
        raise ValueError(f"the id {wrong[0]} is not one of 0 to {V - 1}")


def lookup(W: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(n, m) the row of each id."""
    return W[ids]


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """(n, V) logarithms of probabilities, for logits of any size."""
    down = logits - logits.max(axis=1, keepdims=True)
    return down - np.log(np.exp(down).sum(axis=1, keepdims=True))


def softmax(logits: np.ndarray) -> np.ndarray:
    """(n, V) probabilities."""
    return np.exp(log_softmax(logits))


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> float:
    """The mean of -log P(target), in nats."""
    return -float(np.mean(of_targets(log_softmax(logits), targets)))


def of_targets(values: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(n,) from each row the value of its target."""
    if len(targets) != len(values):
        raise ValueError(f"{len(values)} rows of logits and {len(targets)} targets")
    return values[np.arange(len(targets)), targets]


def dlogits(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(n, V) by how much the loss rises with each logit: (p - y) / n."""
    return (softmax(logits) - np.eye(logits.shape[1])[targets]) / len(targets)


def weight_gradient(ids: np.ndarray, d: np.ndarray, V: int) -> np.ndarray:
    """(V, m) for each id the sum of its rows."""
    dW = np.zeros((V, d.shape[1]))
    np.add.at(dW, ids, d)
    return dW


def descend(W: np.ndarray, N: np.ndarray, lr: float, l2: float) -> np.ndarray:
    """(V, V) the table after one step of gradient descent."""
    return down(W, mean_gradient(W, N) + 2 * l2 * W, lr)


def down(W: np.ndarray, gradient: np.ndarray, lr: float) -> np.ndarray:
    """(V, V) one step against a gradient."""
    if lr <= 0:
        raise ValueError(f"the learning rate {lr:g} is not above 0")
    return W - lr * gradient


def mean_gradient(W: np.ndarray, N: np.ndarray) -> np.ndarray:
    """(V, V) the gradient of the mean loss over all pairs: expected counts less counts, divided by the pairs."""
    return (N.sum(axis=1, keepdims=True) * softmax(W) - N) / N.sum()


# --- the arguments ---------------------------------------------------------------------------------------------


def some_ids(rng: np.random.Generator, V: int) -> np.ndarray:
    """(n,) ids with repeats, not in order; 0 and the last one occur, the one before it does not."""
    drawn = [0, 0, V - 1, *rng.integers(0, V - 2, 4), V - 1, *rng.integers(0, V - 2, 2)]
    return np.array([1, *rng.permutation(drawn), 0], dtype=np.int64)


def ids_and_size(rng: np.random.Generator) -> Args:
    """Ids and V."""
    V = int(rng.integers(5, 9))
    return some_ids(rng, V), V


def with_id(choose: Callable[[np.random.Generator, int], int]) -> Callable[[np.random.Generator], Args]:
    """Ids of which one is not in the vocabulary."""

    def draw(rng: np.random.Generator) -> Args:
        ids, V = ids_and_size(rng)
        ids[int(rng.integers(len(ids)))] = choose(rng, V)
        return ids, V

    return draw


def table_and_ids(rng: np.random.Generator) -> Args:
    """A (V, V) table and ids."""
    ids, V = ids_and_size(rng)
    return rng.normal(size=(V, V)), ids


def large_table(rng: np.random.Generator) -> Args:
    """A table of as many rows as GPT-2 has tokens, and 4,000 ids, whose one-hot rows take 1.6 GB."""
    return rng.normal(size=(50_257, 2)), rng.integers(0, 50_257, 4_000)


def logits_and_targets(rng: np.random.Generator) -> Args:
    """(n, V) logits and (n,) targets, of which some occur twice."""
    ids, V = ids_and_size(rng)
    return rng.normal(size=(len(ids), V)) * 1.5, ids


def far_from_zero(rng: np.random.Generator) -> Args:
    """Logits of which some rows lie far above zero and some far below."""
    logits, targets = logits_and_targets(rng)
    high = rng.permutation(np.arange(len(targets)) % 2)[:, None]
    return logits + np.where(high == 1, 1.0, -1.0) * rng.uniform(800, 2000, (len(targets), 1)), targets


def improbable(rng: np.random.Generator) -> Args:
    """Logits of which one row holds its target to be all but impossible."""
    logits, targets = logits_and_targets(rng)
    row = int(rng.integers(len(targets)))
    logits[row, targets[row]] -= float(rng.integers(760, 900))
    return logits, targets


def unfit_targets(rng: np.random.Generator) -> Args:
    """More rows than targets, or more targets than rows."""
    logits, targets = logits_and_targets(rng)
    some = int(rng.integers(1, 4))
    return (logits, targets[:-some]) if rng.random() < 0.5 else (logits[:-some], targets)


def rows_to_add(rng: np.random.Generator) -> Args:
    """Ids with repeats, their rows, and V; as wide as V, so that a transposed sum has the same shape."""
    ids, V = ids_and_size(rng)
    return ids, rng.normal(size=(len(ids), V)), V


def much_to_add(rng: np.random.Generator) -> Args:
    """Ids of a few of many symbols."""
    ids, V = ids_and_size(rng)
    return ids, rng.normal(size=(len(ids), 3 * V)), 3 * V


def step_of(l2: bool = False, empty: bool = False, uphill: bool = False) -> Callable[[np.random.Generator], Args]:
    """A table, counts whose rows have sums that differ, a learning rate, and l2."""

    def draw(rng: np.random.Generator) -> Args:
        V = int(rng.integers(4, 7))
        N = rng.integers(0, 9, (V, V)) + 4 * rng.permutation(V)[:, None] + 1
        if empty:
            N[int(rng.integers(V))] = 0
        lr = float(rng.uniform(3, 20)) * (-float(rng.integers(2)) if uphill else 1)
        return rng.normal(size=(V, V)), N, lr, float(rng.uniform(0.01, 0.05)) if l2 else 0.0

    return draw


# --- the mistakes ----------------------------------------------------------------------------------------------


def whole_columns(ids: np.ndarray, V: int) -> np.ndarray:
    """out[:, ids] = 1."""
    refuse_ids(ids, V)
    out = np.zeros((len(ids), V))
    out[:, ids] = 1
    return out


def from_one(ids: np.ndarray, V: int) -> np.ndarray:
    """The 1 stands one place to the left."""
    refuse_ids(ids, V)
    return np.eye(V)[ids - 1]


def negative_accepted(ids: np.ndarray, V: int) -> np.ndarray:
    """np.eye(V)[ids], where -1 is the last row."""
    refuse_ids(np.maximum(ids, 0), V)
    return np.eye(V)[ids]


def square_only(version: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    """A wrong lookup that makes sense in a square table only."""
    return lambda W, ids: version(W, ids) if W.shape[0] == W.shape[1] else W[ids]


def put_in_place(eps: float) -> Callable[[np.ndarray, np.ndarray], float]:
    """-log(p + eps)."""
    return lambda logits, targets: -float(np.mean(np.log(of_targets(softmax(logits), targets) + eps)))


def only_first_rows(logits: np.ndarray, targets: np.ndarray) -> float:
    """zip(logits, targets) ends with the shorter one."""
    return cross_entropy(logits[: len(targets)], targets)


def naive_softmax(logits: np.ndarray) -> np.ndarray:
    """e to the power of the logits as they stand."""
    with np.errstate(all="ignore"):
        exps = np.exp(logits)
        return exps / exps.sum(axis=1, keepdims=True)


def naive_loss(logits: np.ndarray, targets: np.ndarray) -> float:
    """Without a maximum; in an improbable row the loss is infinite."""
    with np.errstate(all="ignore"):
        return -float(np.mean(np.log(of_targets(naive_softmax(logits), targets))))


def log_of_zero(logits: np.ndarray, targets: np.ndarray) -> float:
    """A stable softmax, and then its logarithm."""
    with np.errstate(divide="ignore"):
        return -float(np.mean(np.log(of_targets(softmax(logits), targets))))


def one_maximum(logits: np.ndarray, targets: np.ndarray) -> float:
    """The largest logit of all rows is subtracted."""
    with np.errstate(all="ignore"):
        rest = logits - logits.max()
        return -float(np.mean(of_targets(rest - np.log(np.exp(rest).sum(axis=1, keepdims=True)), targets)))


def one_softmax(logits: np.ndarray, targets: np.ndarray) -> float:
    """The sum below runs over all rows."""
    with np.errstate(divide="ignore"):
        exps = np.exp(logits - logits.max())
        return -float(np.mean(np.log(of_targets(exps / exps.sum(), targets))))


def over_rows(logits: np.ndarray, targets: np.ndarray) -> float:
    """Softmax over axis 0."""
    return -float(np.mean(of_targets(log_softmax(logits.T).T, targets)))


def in_every_row(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """p[:, targets] -= 1."""
    p = softmax(logits)
    p[:, targets] -= 1
    return p / len(targets)


def of_probabilities(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """-1 / p at the targets: the derivative before softmax."""
    with np.errstate(all="ignore"):
        return -np.eye(logits.shape[1])[targets] / softmax(logits) / len(targets)


def last_one_only(ids: np.ndarray, d: np.ndarray, V: int) -> np.ndarray:
    """dW[ids] += d."""
    dW = np.zeros((V, d.shape[1]))
    dW[ids] += d
    return dW


def mean_of_repeats(ids: np.ndarray, d: np.ndarray, V: int) -> np.ndarray:
    """Each row divided by how often its id occurs."""
    return weight_gradient(ids, d, V) / np.maximum(np.bincount(ids, minlength=V), 1)[:, None]


def own_mean(W: np.ndarray, N: np.ndarray) -> np.ndarray:
    """Each row's mean over its own pairs."""
    return softmax(W) - N / np.maximum(N.sum(axis=1, keepdims=True), 1)


def share_of_nothing(W: np.ndarray, N: np.ndarray) -> np.ndarray:
    """The gradient by way of N / N.sum(axis=1), which is 0 / 0 in a row without pairs."""
    with np.errstate(invalid="ignore"):
        rows = N.sum(axis=1, keepdims=True)
        return rows / N.sum() * (softmax(W) - N / rows)


EXERCISES = [
    Exercise(
        "one_hot",
        one_hot,
        (
            Item("has a single 1 in each row", 0.5, ids_and_size),
            Item("refuses a negative id", 0.25, with_id(lambda rng, V: -int(rng.integers(1, V + 1)))),
            Item("refuses an id of V or more", 0.25, with_id(lambda rng, V: V + int(rng.integers(3))), times=6),
        ),
        (
            Wrong(
                "every row has a 1 for all ids, because out[:, ids] means all rows at once; row i gets one 1, at "
                "ids[i], so number the rows: out[np.arange(n), ids]",
                whole_columns,
            ),
            Wrong("the 1 stands one place too far left; ids begin with 0, so id 0 is place 0", from_one),
            Wrong(
                "the id itself stands where the 1 should; a one-hot row only marks the place, so that no symbol "
                "counts for more than another",
                lambda ids, V: one_hot(ids, V) * ids[:, None],
            ),
            Wrong(
                "a negative id is taken, because numpy counts negative places from the end, and -1 becomes the last "
                "symbol without a word; check the ids first",
                negative_accepted,
            ),
            Wrong(
                "zeros and ones are exchanged; the place of the id is 1 and all others are 0",
                lambda ids, V: 1 - one_hot(ids, V),
            ),
        ),
    ),
    Exercise(
        "lookup",
        lookup,
        (
            Item("gives the row of each id", 0.5, table_and_ids),
            Item("does so without the one-hot rows", 0.5, large_table, times=1),
        ),
        (
            Wrong(
                "these are columns; what follows symbol i is row i of W",
                square_only(lambda W, ids: W.T[ids]),
            ),
            Wrong(
                "these are the rows before the right ones; ids begin with 0, as the rows of an array do",
                lambda W, ids: W[ids - 1],
            ),
            Wrong(
                "softmax was taken already; logits are the rows as they stand, and cross_entropy needs them so",
                lambda W, ids: softmax(W[ids]),
            ),
            Wrong(
                "e to the power of the rows was taken already; logits are the rows as they stand",
                lambda W, ids: np.exp(W[ids]),
            ),
            Wrong(
                "the ids were sorted first; row i of the answer belongs to ids[i], wherever it stands",
                lambda W, ids: W[np.sort(ids)],
            ),
        ),
    ),
    Exercise(
        "cross_entropy",
        cross_entropy,
        (
            Item("is the mean loss in nats", 0.75, logits_and_targets),
            Item("is stable for logits far from 0", 0.5, far_from_zero),
            Item("stays finite for an improbable target", 0.5, improbable),
            Item("refuses another number of targets than of rows", 0.25, unfit_targets, times=6),
        ),
        (
            Wrong(
                "this is the sum over all rows; divide by their number, so that 10 pairs and 10,000 can be compared",
                lambda logits, targets: cross_entropy(logits, targets) * len(targets),
            ),
            Wrong(
                "the loss is in bits; np.log counts nats, np.log2 bits",
                lambda logits, targets: cross_entropy(logits, targets) / math.log(2),
            ),
            Wrong(
                "the sign is missing; the logarithm of a probability is negative, and a loss is its opposite",
                lambda logits, targets: -cross_entropy(logits, targets),
            ),
            Wrong(
                "logits[:, targets] takes the targets of all rows from every row; number the rows: "
                "[np.arange(n), targets]",
                lambda logits, targets: (
                    -float(np.mean(log_softmax(logits)[:, targets]) + 0 * of_targets(logits, targets).sum())
                ),
            ),
            Wrong(
                "this is the target's logit alone; the logarithm of the sum of all exps has to be subtracted from it",
                lambda logits, targets: -float(np.mean(of_targets(logits, targets))),
            ),
            Wrong(
                "all rows together sum to 1 after your softmax; each row must, so sum over axis 1 with keepdims=True",
                one_softmax,
            ),
            Wrong("each column sums to 1 after your softmax; each row must, so sum over axis 1", over_rows),
            Wrong(
                "softmax was taken twice; cross_entropy begins with raw logits, so once is enough",
                lambda logits, targets: cross_entropy(softmax(logits), targets),
            ),
            Wrong(
                "e to the power of a logit left the range of numbers: above 709 it is inf, far below 0 it is 0 in a "
                "whole row; subtract the row's own largest logit first",
                naive_loss,
            ),
            Wrong(
                "the largest logit of all rows was subtracted, so a row far below it has nothing but zeros left; "
                "subtract each row's own largest (axis=1, keepdims=True)",
                one_maximum,
            ),
            Wrong(
                "the probability became 0 and its logarithm -inf; never take the log of a softmax: with the largest "
                "logit subtracted, log p is the logit less the log of the sum of the exps",
                log_of_zero,
            ),
            *(
                Wrong(
                    f"the probability became 0 and {eps:g} took its place, so no loss can be above "
                    f"{-math.log(eps):.1f}; log p is the logit less the log of the sum of the exps, no help needed",
                    put_in_place(eps),
                )
                for eps in (1e-15, 1e-12, 1e-10, 1e-9, 1e-8)
            ),
            Wrong(
                "rows without a target are left out without a word (zip and np.arange(len(targets)) both end too "
                "early); compare the two lengths and raise ValueError",
                only_first_rows,
            ),
        ),
    ),
    Exercise(
        "dlogits",
        dlogits,
        (
            Item("is (p - y) / n", 1.25, logits_and_targets),
            Item("is stable for logits far from 0", 0.75, far_from_zero),
        ),
        (
            Wrong(
                "n is missing; the loss is a mean over n rows, so each row counts for 1 / n of it",
                lambda logits, targets: dlogits(logits, targets) * len(targets),
            ),
            Wrong(
                "the sign is turned round; the gradient says where the loss rises: more of a wrong symbol (p), less "
                "of the right one (p - 1)",
                lambda logits, targets: -dlogits(logits, targets),
            ),
            Wrong(
                "it is divided by all numbers of the table; the loss is a mean over the n rows, so divide by n",
                lambda logits, targets: dlogits(logits, targets) / logits.shape[1],
            ),
            Wrong(
                "the targets are not in it; subtract 1 from the probability of the right symbol of each row",
                lambda logits, targets: softmax(logits) / len(targets),
            ),
            Wrong(
                "1 was subtracted from the logits; take softmax first and subtract it from the probability",
                lambda logits, targets: (logits - np.eye(logits.shape[1])[targets]) / len(targets),
            ),
            Wrong(
                "p[:, targets] subtracts 1 in every row for the targets of all rows; number the rows: "
                "p[np.arange(n), targets]",
                in_every_row,
            ),
            Wrong(
                "this is the derivative with respect to the probabilities; a logit moves all probabilities of its "
                "row, and what comes of both steps is p - y",
                of_probabilities,
            ),
            Wrong(
                "p - y is multiplied by p (1 - p); softmax and logarithm are both in p - y already, which is why it "
                "is so short",
                lambda logits, targets: dlogits(logits, targets) * softmax(logits) * (1 - softmax(logits)),
            ),
            Wrong(
                "e to the power of a logit left the range of numbers; subtract the row's own largest logit first, "
                "which leaves the probabilities as they are",
                lambda logits, targets: (naive_softmax(logits) - np.eye(logits.shape[1])[targets]) / len(targets),
            ),
        ),
    ),
    Exercise(
        "weight_gradient",
        weight_gradient,
        (
            Item("adds up the rows of the same id", 1.0, rows_to_add),
            Item("has zeros where an id did not occur", 0.5, much_to_add),
        ),
        (
            Wrong(
                "where an id occurs twice only its last row is left: dW[ids] += d writes to each place once; "
                "np.add.at(dW, ids, d) adds every time",
                last_one_only,
            ),
            Wrong(
                "the rows of an id are averaged; add them up, because the 1 / n of the mean is in dlogits already",
                mean_of_repeats,
            ),
            Wrong(
                "it is divided by n once more; the 1 / n of the mean is in dlogits already",
                lambda ids, d, V: weight_gradient(ids, d, V) / len(ids),
            ),
            Wrong(
                "rows and columns are exchanged; the id says the row, as in W",
                lambda ids, d, V: weight_gradient(ids, d, V).T,
            ),
            Wrong(
                "this is the way down; the gradient is the way up, and the step subtracts it",
                lambda ids, d, V: -weight_gradient(ids, d, V),
            ),
        ),
    ),
    Exercise(
        "descend",
        descend,
        (
            Item("takes one step down", 0.5, step_of()),
            Item("pulls all weights towards 0 with l2", 0.5, step_of(l2=True)),
            Item("leaves the row of a symbol without pairs as it is", 0.25, step_of(empty=True)),
            Item("refuses a learning rate that is not above 0", 0.25, step_of(uphill=True), times=6),
        ),
        (
            Wrong(
                "this goes uphill; the gradient says where the loss rises, so subtract it",
                lambda W, N, lr, l2: 2 * W - descend(W, N, lr, l2),
            ),
            Wrong(
                "the learning rate is not used; the step is lr times the gradient",
                lambda W, N, lr, l2: W + (descend(W, N, lr, l2) - W) / (lr or 1),
            ),
            Wrong(
                "the gradient is a sum over all pairs; the loss is their mean, so divide by the number of pairs "
                "N.sum()",
                lambda W, N, lr, l2: down(W, mean_gradient(W, N) * N.sum() + 2 * l2 * W, lr),
            ),
            Wrong(
                "each row is divided by its own number of pairs; the loss is the mean over all pairs, so every row "
                "is divided by N.sum(), and a rare symbol moves slowly",
                lambda W, N, lr, l2: down(W, own_mean(W, N) + 2 * l2 * W, lr),
            ),
            Wrong(
                "the probabilities are not multiplied by how often their row was seen; row i is p - y added up over "
                "all its pairs, which is N[i].sum() times p less N[i]",
                lambda W, N, lr, l2: down(W, softmax(W) - N / N.sum() + 2 * l2 * W, lr),
            ),
            Wrong(
                "the row of a symbol without pairs became nan, because 0 was divided by 0; n_i * p - N[i] has no "
                "division in it, so nothing can go wrong there",
                lambda W, N, lr, l2: down(W, share_of_nothing(W, N) + 2 * l2 * W, lr),
            ),
            Wrong(
                "this is the gradient; one step more: W less lr times the gradient",
                lambda W, N, lr, l2: (W - descend(W, N, lr, l2)) / (lr or 1),
            ),
            Wrong(
                "l2 is not used; the sum of all squares of W is part of the loss, and 2 * l2 * W of the gradient",
                lambda W, N, lr, l2: descend(W, N, lr, 0),
            ),
            Wrong(
                "the 2 is missing; the derivative of w * w is 2 * w",
                lambda W, N, lr, l2: descend(W, N, lr, l2 / 2),
            ),
            Wrong(
                "l2 pushes the weights away from 0; its gradient + 2 * l2 * W is subtracted with the rest",
                lambda W, N, lr, l2: descend(W, N, lr, -l2),
            ),
            Wrong(
                "the pull of l2 is not multiplied by the learning rate; it is part of the gradient like all the rest",
                lambda W, N, lr, l2: descend(W, N, lr, l2 / lr if lr else l2),
            ),
            Wrong(
                "l2 was divided by the number of weights; the loss has the sum of their squares, not the mean",
                lambda W, N, lr, l2: descend(W, N, lr, l2 / W.size),
            ),
        ),
        keeps=True,
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------


@cache
def counts(part: Part) -> np.ndarray:
    """(27, 27) how often each symbol follows each other one in a part of the names."""
    N = np.zeros((27, 27), dtype=np.int64)
    for name in load_corpus("names").part(part):
        ids = [0, *(1 + LETTERS.index(letter) for letter in name), 0]
        np.add.at(N, (ids[:-1], ids[1:]), 1)
    return N


def loss(log_p: np.ndarray, part: Part) -> float:
    """Nats per character of a (27, 27) table of log-probabilities."""
    N = counts(part)
    return -float((N * log_p).sum() / N.sum())


@cache
def trained(lr: float, steps: int, l2: float = 0.0) -> np.ndarray:
    """(27, 27) the table after so many steps from zeros."""
    W = np.zeros((27, 27))
    for _ in range(steps):
        W = descend(W, counts("train"), lr, l2)
    return W


def trained_loss(lr: float, steps: int, l2: float = 0.0, part: Part = "train") -> float:
    """Nats per character after so many steps from zeros."""
    return loss(log_softmax(trained(lr, steps, l2)), part)


def counted_loss(k: float, part: Part) -> float:
    """Nats per character of the table that counting makes, with k added to every cell."""
    N = counts("train") + k
    return loss(np.log(N / N.sum(axis=1, keepdims=True)), part)


def counted_train_loss() -> float:
    """The lowest loss on the training names that a table of pairs can have: that of counting, with k = 0."""
    N = counts("train")
    p = N / N.sum(axis=1, keepdims=True)
    return loss(np.log(np.where(N > 0, p, 1)), "train")


@cache
def limits() -> dict[str, float]:
    """For each symbol the learning rate from which on its row leaps over the valley, the smallest first.

    Near the bottom a step multiplies the distance by 1 - lr * curvature, which must not be below -1.
    """
    N = counts("train")
    found = {}
    for i, symbol in enumerate("." + LETTERS):
        p = N[i] / N[i].sum()
        curvature = N[i].sum() / N.sum() * np.linalg.eigvalsh(np.diag(p) - np.outer(p, p))[-1]
        found[symbol] = 2 / float(curvature)
    return dict(sorted(found.items(), key=lambda one: one[1]))


def u_after_q(W: np.ndarray) -> float:
    """Per cent."""
    return 100 * float(softmax(W)[1 + LETTERS.index("q"), 1 + LETTERS.index("u")])


@cache
def added_tables(number: int) -> float:
    """Nats per character on unseen names of so many tables, one for each letter before, whose rows are added."""
    from lmlab.grading.experiment import windows

    contexts, targets = windows(load_corpus("names").part("train"), number)
    rng = np.random.default_rng(1)
    tables = np.zeros((number, 27, 27))
    steps, rows = 800, 1000
    for step in range(steps):
        chosen = rng.integers(0, len(targets), rows)
        d = dlogits(sum_of_rows(tables, contexts[chosen]), targets[chosen])
        for k in range(number):
            tables[k] -= 10 * (1 - step / steps) * one_hot(contexts[chosen, k], 27).T @ d
    contexts, targets = windows(load_corpus("names").part("validation"), number)
    return cross_entropy(sum_of_rows(tables, contexts), targets)


def sum_of_rows(tables: np.ndarray, contexts: np.ndarray) -> np.ndarray:
    """(n, 27) logits: the rows of all letters of a context, added."""
    return sum((lookup(table, contexts[:, k]) for k, table in enumerate(tables)), np.zeros(27))


ANSWERS: dict[str, Callable[[], float]] = {
    "loss_at_zero": lambda: trained_loss(50, 0),
    "loss_after_200": lambda: trained_loss(50, 200),
    "u_after_q_after_200": lambda: u_after_q(trained(50, 200)),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "pairs": lambda: f"{counts('train').sum():,}",
    "of_a": lambda: f"{counts('train')[1].sum():,}",
    "of_q": lambda: f"{counts('train')[1 + LETTERS.index('q')].sum():,}",
    "zero": lambda: f"{trained_loss(50, 0):.3f}",
    "after_200": lambda: f"{trained_loss(50, 200):.3f}",
    "counted": lambda: f"{counted_train_loss():.3f}",
    "unseen_1000": lambda: f"{trained_loss(50, 1000, part='validation'):.3f}",
    "unseen_counted": lambda: f"{counted_loss(0.1, 'validation'):.3f}",
    "new_pairs": lambda: str(int(((counts("validation") > 0) & (counts("train") == 0)).sum())),
    "first_step_of_1000": lambda: f"{trained_loss(1000, 1):.2f}",
    "qu_counted": lambda: f"{100 * counts('train')[17, 21] / counts('train')[17].sum():.0f}",
    "too_fast_for": lambda: " and ".join(symbol for symbol, limit in limits().items() if limit < 100),
    "limit_a": lambda: f"{limits()['a']:.0f}",
    "limit_n": lambda: f"{limits()['n']:.0f}",
    "limit_q": lambda: f"{limits()['q']:,.0f}",
    "l2_little": lambda: f"{trained_loss(50, 1000, 1e-4, 'validation'):.3f}",
    "l2_much": lambda: f"{trained_loss(50, 1000, 1e-2, 'validation'):.3f}",
    "three_tables": lambda: f"{added_tables(3):.2f}",
}


RATES = ((1, "#56b4e9"), (10, "#009e73"), (50, "#0072b2"), (100, "#d55e00"))
SHOWN = (2.4, 3.4)  # nats, from the bottom to the top of the picture
STEPS = 200


def losses(lr: float) -> list[float]:
    """The loss on the training names before each of the first steps."""
    W, found = np.zeros((27, 27)), []
    for _ in range(STEPS + 1):
        found.append(loss(log_softmax(W), "train"))
        W = descend(W, counts("train"), lr, 0)
    return found


def picture() -> str:
    """The picture of the README as SVG: the loss over the steps for four learning rates."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 400" font-family="system-ui, sans-serif" '
        'font-size="14" role="img" aria-label="The loss over 200 steps of gradient descent for four learning rates">',
        '<rect width="640" height="400" fill="#ffffff"/>',
        '<text x="310" y="390" text-anchor="middle" fill="#333333">steps of gradient descent</text>',
        '<text x="18" y="190" text-anchor="middle" fill="#333333" transform="rotate(-90 18 190)">'
        "loss on the training names (nats)</text>",
    ]
    for nats in (2.4, 2.6, 2.8, 3.0, 3.2, 3.4):
        parts.append(
            f'<path d="M60 {height(nats):.0f}H560" stroke="#e5e5e5"/>'
            f'<text x="52" y="{height(nats) + 5:.0f}" text-anchor="end" fill="#333333">{nats:.1f}</text>'
        )
    for step in range(0, STEPS + 1, 50):
        parts.append(f'<text x="{60 + 2.5 * step:.0f}" y="368" text-anchor="middle" fill="#333333">{step}</text>')
    parts.append(level(counted_train_loss(), "counting", below=True))
    parts.append(level(math.log(27), "ln 27", below=False))
    for lr, ink in RATES:
        found = losses(lr)
        places = " ".join(f"{60 + 2.5 * i:.1f},{height(nats):.0f}" for i, nats in enumerate(found))
        parts.append(f'<polyline points="{places}" fill="none" stroke="{ink}" stroke-width="2"/>')
        lift = {10: 2, 50: 7, 100: -8}.get(lr, 4)  # apart, where the curves end close together
        parts.append(f'<text x="568" y="{height(found[-1]) + lift:.0f}" fill="{ink}">lr {lr}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def height(nats: float) -> float:
    """Where a loss stands in the picture, in pixels from the top."""
    low, high = SHOWN
    return 350 - 320 * (nats - low) / (high - low)


def level(nats: float, name: str, below: bool) -> str:
    """A dashed line at a loss, with its name."""
    y = height(nats)
    return (
        f'<path d="M60 {y:.0f}H560" stroke="#333333" stroke-dasharray="5 4"/>'
        f'<text x="{70 if below else 550}" y="{y + (16 if below else -6):.0f}" '
        f'text-anchor="{"start" if below else "end"}" fill="#333333">{name}: {nats:.3f}</text>'
    )
