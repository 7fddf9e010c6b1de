"""Lab 06, an MLP with manual backpropagation: its checks, the mistakes people make, the numbers of its README."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lmlab.data.corpus import load_corpus
from lmlab.grading.checks import lab01
from lmlab.grading.checks.chain import Chain, Link
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

Params = dict[str, np.ndarray]
Pairs = list[tuple[list[int], int]]
GAIN = 5 / 3  # tanh squeezes; this much more spread at its entrance keeps the spread from layer to layer
SMALL = 0.01  # the last layer's share, so that the first probabilities are nearly equal


# --- the reference ---------------------------------------------------------------------------------------------


def windows(name: str, k: int) -> Pairs:
    """The k symbols before each symbol of a name, and that symbol."""
    if k < 1:
        raise ValueError(f"a window of {k} symbols")
    ids = numbers(name)
    padded = [0] * k + ids
    return [(padded[place : place + k], target) for place, target in enumerate(ids)]


def numbers(name: str) -> list[int]:
    """a to z as 1 to 26, and the mark at the end.

    >>> numbers("bea")
    [2, 5, 1, 0]
    """
    for letter in name:
        if not "a" <= letter <= "z":
            raise ValueError(f"{letter!r} is no letter from a to z")
    return [ord(letter) - ord("a") + 1 for letter in name] + [0]


def forward(params: Params, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The vectors side by side (B, k d), the hidden layer (B, H), the logits (B, V)."""
    x = looked_up(params, X).reshape(len(X), -1)
    h = np.tanh(x @ params["W1"] + params["b1"])
    return x, h, h @ params["W2"] + params["b2"]


def looked_up(params: Params, X: np.ndarray) -> np.ndarray:
    """(B, k, d) the vectors of the ids. Refuses an id that the table does not have."""
    if X.min() < 0 or X.max() >= len(params["E"]):
        raise ValueError("an id is outside the table")
    return params["E"][X]


@dataclass(frozen=True)
class Given:
    """What `backward` is given: the arrays, and what the forward pass made of a batch."""

    params: Params
    X: np.ndarray
    y: np.ndarray
    x: np.ndarray
    h: np.ndarray
    logits: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """(B,) the numbers of the rows."""
        return np.arange(len(self.y))

    @property
    def probs(self) -> np.ndarray:
        """(B, V) softmax of the logits."""
        e = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    @property
    def truth(self) -> np.ndarray:
        """(B, V) 1 where the next symbol is, else 0."""
        return np.eye(self.logits.shape[1])[self.y]

    def scattered(self, places: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """(V, d) vectors added up at the rows of their letters."""
        dE = np.zeros_like(self.params["E"])
        np.add.at(dE, places, vectors)
        return dE

    def vectors(self, dx: np.ndarray) -> np.ndarray:
        """(B, k d) -> (B, k, d)."""
        return dx.reshape(*self.X.shape, -1)


def naive_probs(given: Given) -> np.ndarray:
    """Softmax without taking the largest away first."""
    e = np.exp(given.logits)
    return e / e.sum(axis=1, keepdims=True)


def over_rows(given: Given, before: None) -> np.ndarray:
    """Softmax down the columns."""
    e = np.exp(given.logits - given.logits.max(axis=0))
    return (e / e.sum(axis=0) - given.truth) / len(given.y)


def columns_too(given: Given, before: None) -> np.ndarray:
    """p[:, y] -= 1, which touches every row."""
    p = given.probs
    p[:, given.y] -= 1
    return p / len(p)


def assigned(given: Given, dx: np.ndarray) -> np.ndarray:
    """dE[X] += dx, which keeps one of several gradients for the same letter."""
    dE = np.zeros_like(given.params["E"])
    dE[given.X] += given.vectors(dx)
    return dE


def averaged(given: Given, dx: np.ndarray) -> np.ndarray:
    """The mean of a letter's gradients."""
    count = np.bincount(given.X.reshape(-1), minlength=len(given.params["E"]))
    return given.scattered(given.X, given.vectors(dx)) / np.maximum(count, 1)[:, None]


def dimension_first(given: Given, dx: np.ndarray) -> np.ndarray:
    """dx cut as (B, d, k) and turned."""
    size, k = given.X.shape
    return given.scattered(given.X, dx.reshape(size, -1, k).transpose(0, 2, 1))


LINKS = (
    Link(
        "dlogits",
        "",
        lambda given, _: (given.probs - given.truth) / len(given.y),
        (
            (
                "dlogits is not divided by the number of rows; the loss is the mean over the batch, so each row has "
                "1/B of it",
                lambda given, _: given.probs - given.truth,
            ),
            (
                "dlogits has the wrong sign; it is probability minus truth, and the step goes against it",
                lambda given, _: (given.truth - given.probs) / len(given.y),
            ),
            (
                "dlogits is the probabilities alone; take 1 away where the next symbol is",
                lambda given, _: given.probs / len(given.y),
            ),
            (
                "dlogits: p[:, y] -= 1 takes 1 away in whole columns; p[np.arange(B), y] -= 1 touches one cell a row",
                columns_too,
            ),
            (
                "dlogits: the softmax runs down the batch; each row is a guess of its own, so sum over axis 1",
                over_rows,
            ),
            (
                "dlogits is divided by the number of all cells; the loss is a mean over rows, so divide by B alone",
                lambda given, _: (given.probs - given.truth) / given.logits.size,
            ),
            (
                "dlogits: exp of a large logit is infinite and inf / inf is nan; take the largest of each row away "
                "first",
                lambda given, _: (naive_probs(given) - given.truth) / len(given.y),
            ),
        ),
    ),
    Link(
        "dW2",
        "dlogits",
        lambda given, dlogits: given.h.T @ dlogits,
        (
            (
                "dW2 is divided by the number of rows again; dlogits has the 1/B in it already",
                lambda given, dlogits: given.h.T @ dlogits / len(given.y),
            ),
            (
                "dW2 is found from the hidden layer before its tanh; W2 is multiplied by h itself, so use h",
                lambda given, dlogits: (given.x @ given.params["W1"] + given.params["b1"]).T @ dlogits,
            ),
        ),
    ),
    Link(
        "db2",
        "dlogits",
        lambda given, dlogits: dlogits.sum(axis=0),
        (
            (
                "db2 is the mean over the rows; b2 is added to every row, so its gradients add up: sum(axis=0)",
                lambda given, dlogits: dlogits.mean(axis=0),
            ),
        ),
    ),
    Link(
        "dh",
        "dlogits",
        lambda given, dlogits: dlogits @ given.params["W2"].T,
        (
            (
                "dh has the slope of tanh in it already; dh is the gradient in h itself, and the slope comes with dz",
                lambda given, dlogits: dlogits @ given.params["W2"].T * (1 - given.h**2),
            ),
            (
                "dh is found from the sizes of the weights without their signs; multiply by W2.T as it is",
                lambda given, dlogits: dlogits @ np.abs(given.params["W2"].T),
            ),
        ),
    ),
    Link(
        "dz",
        "dh",
        lambda given, dh: dh * (1 - given.h**2),
        (
            (
                "dz passes dh on as if there were no tanh; multiply by its slope, which is 1 - h**2",
                lambda given, dh: dh + 0.0,
            ),
            ("dz: the slope of tanh is 1 - h**2; the square is missing", lambda given, dh: dh * (1 - given.h)),
            (
                "dz: h has been through tanh already, and yours goes through it twice; the slope is 1 - h**2",
                lambda given, dh: dh * (1 - np.tanh(given.h) ** 2),
            ),
            (
                "dz: h * (1 - h) is the slope of the logistic function; that of tanh is 1 - h**2",
                lambda given, dh: dh * given.h * (1 - given.h),
            ),
            (
                "dz: the slope is that at h, so it is 1 - h**2; yours squares the gradient dh in its place",
                lambda given, dh: dh * (1 - dh**2),
            ),
        ),
    ),
    Link(
        "dW1",
        "dz",
        lambda given, dz: given.x.T @ dz,
        (
            (
                "dW1 is divided by the number of rows again; the 1/B came in with dlogits",
                lambda given, dz: given.x.T @ dz / len(given.y),
            ),
        ),
    ),
    Link(
        "db1",
        "dz",
        lambda given, dz: dz.sum(axis=0),
        (
            (
                "db1 is the mean over the rows; b1 is added to every row, so its gradients add up: sum(axis=0)",
                lambda given, dz: dz.mean(axis=0),
            ),
        ),
    ),
    Link(
        "dx",
        "dz",
        lambda given, dz: dz @ given.params["W1"].T,
        (
            (
                "dx is multiplied by the slope 1 - x**2; no tanh lies between the table and W1, so dz @ W1.T is all",
                lambda given, dz: dz @ given.params["W1"].T * (1 - given.x**2),
            ),
        ),
    ),
    Link(
        "dE",
        "dx",
        lambda given, dx: given.scattered(given.X, given.vectors(dx)),
        (
            (
                "dE: a letter that stands in several places keeps the gradient of only one; dE[X] += ... forgets "
                "repeats, np.add.at(dE, X, ...) adds them all",
                assigned,
            ),
            (
                "dE: only the last letter of each window gets its gradient; every place of the window does",
                lambda given, dx: given.scattered(given.X[:, -1], given.vectors(dx)[:, -1]),
            ),
            (
                "dE: a letter's gradients are averaged; they add up, because each of its places moves the loss",
                averaged,
            ),
            (
                "dE: dx is cut in the wrong order; the first d numbers of a row are those of the first letter, so "
                "reshape to (B, k, d)",
                dimension_first,
            ),
            (
                "dE: the places of the window are exchanged; the first d numbers of dx belong to X[:, 0]",
                lambda given, dx: given.scattered(given.X[:, ::-1], given.vectors(dx)),
            ),
        ),
    ),
)
CHAIN = Chain(Given, LINKS)


def backward(
    params: Params, X: np.ndarray, y: np.ndarray, x: np.ndarray, h: np.ndarray, logits: np.ndarray
) -> dict[str, np.ndarray]:
    """Every gradient, from the loss back to the table of vectors."""
    dlogits = np.exp(logits - logits.max(axis=1, keepdims=True))
    dlogits /= dlogits.sum(axis=1, keepdims=True)
    dlogits[np.arange(len(y)), y] -= 1
    dlogits /= len(y)
    dh = dlogits @ params["W2"].T
    dz = dh * (1 - h**2)
    dx = dz @ params["W1"].T
    dE = np.zeros_like(params["E"])
    np.add.at(dE, X, dx.reshape(*X.shape, -1))
    return {
        "dlogits": dlogits,
        "dW2": h.T @ dlogits,
        "db2": dlogits.sum(axis=0),
        "dh": dh,
        "dz": dz,
        "dW1": x.T @ dz,
        "db1": dz.sum(axis=0),
        "dx": dx,
        "dE": dE,
    }


def initial(Z1: np.ndarray, Z2: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights of a sensible size from standard normal numbers."""
    if Z1.shape[1] != Z2.shape[0]:
        raise ValueError(f"Z1 makes {Z1.shape[1]} hidden units and Z2 takes {Z2.shape[0]}")
    return sized(Z1, Z2, GAIN / np.sqrt(len(Z1)), SMALL)


def sized(
    Z1: np.ndarray, Z2: np.ndarray, first: float, second: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Both matrices times a number, and biases of 0."""
    return Z1 * first, np.zeros(Z1.shape[1]), Z2 * second, np.zeros(Z2.shape[1])


def dead_units(h: np.ndarray, edge: float) -> tuple[float, list[int]]:
    """The share of values near -1 or 1, and the units that are there on every row."""
    if not 0 < edge < 1:
        raise ValueError(f"the edge {edge:g} is not between 0 and 1")
    return flat(np.abs(h) > edge)


def flat(at_end: np.ndarray) -> tuple[float, list[int]]:
    """The share of True, and the columns that are True throughout."""
    return float(at_end.mean()), np.flatnonzero(at_end.all(axis=0)).tolist()


def momentum_step(params: Params, grads: Params, velocity: Params, lr: float, mu: float) -> tuple[Params, Params]:
    """One step with momentum: the new arrays and the new velocity."""
    for name in params:
        if grads[name].shape != params[name].shape:
            raise ValueError(f"the gradient of {name} has another shape")
    moved = {name: mu * velocity.get(name, np.zeros_like(grads[name])) + grads[name] for name in params}
    return {name: params[name] - lr * moved[name] for name in params}, moved


# --- the arguments ---------------------------------------------------------------------------------------------


def a_name(rng: np.random.Generator) -> str:
    """A name with a doubled letter and with a and z."""
    letters = rng.choice(list("bcdefghij"), rng.integers(2, 5))
    return "z" + "".join(letters) + letters[-1] + "a"


def some_params(rng: np.random.Generator, k: int = 3, size: float = 1.0) -> Params:
    """Arrays of which no two sizes are the same, so that a wrong axis shows in the shape."""
    V, d, H = 9, 2, 5
    shapes = {"E": (V, d), "W1": (k * d, H), "b1": (H,), "W2": (H, V), "b2": (V,)}
    return {name: rng.normal(size=shape) * (size if name == "W1" else 0.6) for name, shape in shapes.items()}


def some_windows(rng: np.random.Generator, V: int = 9, k: int = 3) -> np.ndarray:
    """(8, k) ids; some stand in several rows, and some twice in one."""
    X = rng.integers(0, V - 2, (8, k))
    X[0] = [3, 5, 3, *X[0, 3:]]
    X[1] = [5, 5, 1, *X[1, 3:]]
    return X


def for_forward(rng: np.random.Generator, size: float = 1.0) -> Args:
    """Arrays and a batch; the window is of three or four letters."""
    k = int(rng.integers(3, 5))
    return some_params(rng, k=k, size=size), some_windows(rng, k=k)


def outside(rng: np.random.Generator) -> Args:
    """A batch with an id that the table does not have; numpy takes -1 for its last row."""
    params, X = for_forward(rng)
    X[int(rng.integers(len(X))), 1] = rng.choice([-1, len(params["E"])])
    return params, X


def for_backward(rng: np.random.Generator, sure: float = 1.0) -> Args:
    """What `backward` is given; `sure` makes the logits larger."""
    params, X = some_params(rng), some_windows(rng)
    params["W2"] *= sure
    y = rng.permutation(9)[: len(X)]
    return params, X, y, *forward(params, X)


def hidden_values(rng: np.random.Generator) -> Args:
    """(B, H) values of tanh: units at either end or at both, one that rests at 0, and rows that are all at an end."""
    h = rng.uniform(-0.9, 0.9, (9, 8))
    h[:4] = rng.choice([-0.999, 0.999], (4, 8))
    order = rng.permutation(8)
    h[:, order[0]] = 0.995
    h[:, order[1]] = -0.997
    h[:, order[2]] = rng.choice([-0.994, 0.994], 9)
    h[:, order[3]] = rng.uniform(-0.004, 0.004, 9)
    h[:, order[4]] = rng.choice([-0.99, 0.99], 9)  # at the edge, not above it
    return h, 0.99


def for_step(rng: np.random.Generator) -> Args:
    """Arrays, gradients, velocities, a learning rate and a momentum."""
    params, grads, velocity = (some_params(rng) for _ in range(3))
    return params, grads, velocity, float(rng.uniform(0.05, 0.3)), float(rng.uniform(0.6, 0.9))


def first_step(rng: np.random.Generator) -> Args:
    """A step before which there is no velocity."""
    params, grads, _, lr, mu = for_step(rng)
    return params, grads, {}, lr, mu


def misshapen(rng: np.random.Generator) -> Args:
    """A step with a gradient that numpy would stretch, or an array that it would."""
    params, grads, velocity, lr, mu = for_step(rng)
    if rng.random() < 0.5:
        grads["b1"] = grads["b1"][:1]
    else:
        params["b1"], velocity["b1"] = params["b1"][:1], velocity["b1"][:1]
    return params, grads, velocity, lr, mu


# --- the mistakes ----------------------------------------------------------------------------------------------


def from_zero(name: str, k: int) -> Pairs:
    """a has the number 0, which is the mark's."""
    pairs = windows(name, k)
    return [([max(one - 1, 0) for one in context], max(target - 1, 0)) for context, target in pairs]


def right_padded(name: str, k: int) -> Pairs:
    """The marks that fill the window stand behind the letters."""
    ids = numbers(name)
    seen = [ids[max(place - k, 0) : place] for place in range(len(ids))]
    return [(one + [0] * (k - len(one)), target) for one, target in zip(seen, ids, strict=True)]


def growing(name: str, k: int) -> Pairs:
    """The window is never cut on its left."""
    ids = numbers(name)
    return [([0] * k + ids[:place], target) for place, target in enumerate(ids)]


def one_list(name: str, k: int) -> Pairs:
    """Every context is the list as it is in the end."""
    pairs = windows(name, k)
    return [([*pairs[-1][0][1:], 0], target) for _, target in pairs]


def target_within(name: str, k: int) -> Pairs:
    """The window ends with the symbol that is to be found."""
    ids = numbers(name)
    padded = [0] * (k - 1) + ids
    return [(padded[place : place + k], target) for place, target in enumerate(ids)]


def layers(
    params: Params, x: np.ndarray, bend: Callable[[np.ndarray], np.ndarray] = np.tanh
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hidden layer and logits over vectors that lie side by side already."""
    h = bend(x @ params["W1"] + params["b1"])
    return x, h, h @ params["W2"] + params["b2"]


def unbent(by: Callable[[np.ndarray], np.ndarray]) -> Callable[[Params, np.ndarray], Any]:
    """The forward pass with another function in place of tanh."""
    return lambda params, X: layers(params, looked_up(params, X).reshape(len(X), -1), by)


def by_hand(z: np.ndarray) -> np.ndarray:
    """tanh from exponentials, which overflow."""
    with np.errstate(all="ignore"):
        return np.asarray((np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)))


def logistic(z: np.ndarray) -> np.ndarray:
    """Between 0 and 1 in place of -1 and 1."""
    return (1 + np.tanh(z / 2)) / 2


def turned(params: Params, X: np.ndarray) -> Any:
    """The first numbers of all letters, then the second ones."""
    return layers(params, looked_up(params, X).transpose(0, 2, 1).reshape(len(X), -1))


def as_probs(params: Params, X: np.ndarray) -> Any:
    """Softmax at the end."""
    x, h, logits = forward(params, X)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return x, h, e / e.sum(axis=1, keepdims=True)


def bias_outside(params: Params, X: np.ndarray) -> Any:
    """tanh(x W1) + b1."""
    x = looked_up(params, X).reshape(len(X), -1)
    h = np.tanh(x @ params["W1"]) + params["b1"]
    return x, h, h @ params["W2"] + params["b2"]


def bent_twice(params: Params, X: np.ndarray) -> Any:
    """tanh of the logits."""
    x, h, logits = forward(params, X)
    return x, h, np.tanh(logits)


def without(name: str) -> Callable[[Params, np.ndarray], Any]:
    """The forward pass with one bias left out."""
    return lambda params, X: forward({**params, name: np.zeros_like(params[name])}, X)


def velocities(params: Params, grads: Params, velocity: Params, mu: float, share: float = 1.0) -> Params:
    """mu times what was, plus a share of the gradients."""
    return {name: mu * velocity.get(name, np.zeros_like(params[name])) + share * grads[name] for name in params}


def stepped(
    direction: Callable[[Params, Params, float, float], Params], mean: bool = False
) -> Callable[[Params, Params, Params, float, float], Any]:
    """A step along `direction(velocity, grads, lr, mu)`; `mean` takes only 1 - mu of the gradients in."""

    def version(params: Params, grads: Params, velocity: Params, lr: float, mu: float) -> Any:
        moved = velocities(params, grads, velocity, mu, 1 - mu if mean else 1.0)
        along = direction(moved, grads, lr, mu)
        return {name: params[name] - along[name] for name in params}, moved

    return version


def rate_within(params: Params, grads: Params, velocity: Params, lr: float, mu: float) -> Any:
    """v = mu v - lr g and params + v."""
    moved = {name: -one for name, one in velocities(params, {k: lr * g for k, g in grads.items()}, {}, mu).items()}
    moved = {name: mu * velocity.get(name, np.zeros_like(one)) + one for name, one in moved.items()}
    return {name: params[name] + moved[name] for name in params}, moved


def stale(params: Params, grads: Params, velocity: Params, lr: float, mu: float) -> Any:
    """The step is taken with the velocity from before."""
    moved = velocities(params, grads, velocity, mu)
    old = {name: velocity.get(name, np.zeros_like(params[name])) for name in params}
    return {name: params[name] - lr * old[name] for name in params}, moved


def forgotten(params: Params, grads: Params, velocity: Params, lr: float, mu: float) -> Any:
    """The velocity that is returned is the old one."""
    after = momentum_step(params, grads, velocity, lr, mu)[0]
    return after, {name: velocity.get(name, np.zeros_like(params[name])) for name in params}


def scaled(numbers: Params, by: float) -> Params:
    """Every array times a number."""
    return {name: by * one for name, one in numbers.items()}


EXERCISES = [
    Exercise(
        "windows",
        windows,
        (
            Item(
                "lists every window with what follows it", 0.625, lambda rng: (a_name(rng), int(rng.integers(2, 5)))
            ),
            Item("lists windows of one symbol", 0.125, lambda rng: (a_name(rng), 1)),
            Item(
                "refuses what is no letter from a to z",
                0.125,
                lambda rng: (a_name(rng) + str(rng.choice(list("-éB "))) + a_name(rng), 3),
                times=6,
            ),
            Item("refuses a k below 1", 0.125, lambda rng: (a_name(rng), -int(rng.integers(2))), times=6),
        ),
        (
            Wrong(
                "the end is missing; after the last letter comes the mark, and the net has to learn that too",
                lambda name, k: windows(name, k)[:-1],
            ),
            Wrong(
                "the first windows are missing; a name begins with a window of marks alone, so fill up with 0 on the "
                "left",
                lambda name, k: windows(name, k)[k:],
            ),
            Wrong(
                "the window is filled up on the right; the nearest symbol stands last, so the marks go to the left",
                right_padded,
            ),
            Wrong(
                "the window runs backwards; its last place is the symbol just before the target",
                lambda name, k: [(context[::-1], target) for context, target in windows(name, k)],
            ),
            Wrong(
                "the target stands in the window; the net would only have to copy it, so end the window before it",
                target_within,
            ),
            Wrong("a has the number 0, which is the mark's; the letters are 1 to 26", from_zero),
            Wrong("the window grows with the name; cut it to its last k symbols", growing),
            Wrong(
                "every window is the same list, which you changed after it was stored; store a copy: context[:]",
                one_list,
            ),
        ),
    ),
    Exercise(
        "forward",
        forward,
        (
            Item("goes from ids to logits", 1.0, for_forward),
            Item("does not overflow with large weights", 0.25, lambda rng: for_forward(rng, 3000.0)),
            Item("refuses an id that the table does not have", 0.25, outside, times=6),
        ),
        (
            Wrong(
                "the hidden layer is not bent; without np.tanh two layers are no more than one matrix",
                unbent(lambda z: z),
            ),
            Wrong(
                "the hidden layer runs from 0 to 1; that is the logistic function, and here it is np.tanh",
                unbent(logistic),
            ),
            Wrong(
                "negative values are cut to 0; that is relu, and here it is np.tanh",
                unbent(lambda z: np.maximum(z, 0)),
            ),
            Wrong(
                "tanh is put together from exponentials, which overflow; np.tanh is safe",
                unbent(by_hand),
            ),
            Wrong(
                "the vectors are interleaved: first the first number of every letter; lay whole vectors side by side "
                "with reshape(B, -1), without turning the axes",
                turned,
            ),
            Wrong(
                "the letters of the window are taken backwards; the oldest one comes first, as in X",
                lambda params, X: forward(params, X[:, ::-1]),
            ),
            Wrong("b1 is missing; add it before the tanh", without("b1")),
            Wrong("b2 is missing; add it to the logits", without("b2")),
            Wrong("b1 is added after the tanh; what is bent is x @ W1 + b1", bias_outside),
            Wrong("the logits went through tanh, too; they may be as large as they like", bent_twice),
            Wrong(
                "softmax is taken at the end; logits are the numbers before it, and the loss will take it",
                as_probs,
            ),
        ),
    ),
    CHAIN.exercise(
        backward,
        (
            CHAIN.item("dlogits", "dlogits", 0.75, for_backward),
            CHAIN.item("dlogits", "dlogits where logits are large", 0.25, lambda rng: for_backward(rng, 2000.0)),
            CHAIN.item("dW2", "dW2", 0.5, for_backward),
            CHAIN.item("db2", "db2", 0.25, for_backward),
            CHAIN.item("dh", "dh", 0.25, for_backward),
            CHAIN.item("dz", "dz", 0.5, for_backward),
            CHAIN.item("dW1", "dW1", 0.25, for_backward),
            CHAIN.item("db1", "db1", 0.25, for_backward),
            CHAIN.item("dx", "dx", 0.25, for_backward),
            CHAIN.item("dE", "dE, repeated letters added up", 0.75, for_backward),
        ),
    ),
    Exercise(
        "initial",
        initial,
        (
            Item(
                "scales the weights",
                0.5,
                lambda rng: (rng.normal(size=(int(rng.integers(6, 9)), 5)), rng.normal(size=(5, 4))),
            ),
            Item(
                "refuses matrices that do not fit together",
                0.25,
                lambda rng: (rng.normal(size=(6, 5)), rng.normal(size=(int(rng.choice([4, 6])), 5))),
                times=6,
            ),
        ),
        (
            Wrong(
                "W1 is left as it is; a sum of n such numbers is about sqrt(n) large, so divide by the root of the "
                "number of inputs",
                lambda Z1, Z2: sized(Z1, Z2, 1.0, SMALL),
            ),
            Wrong(
                "W1 is divided by the number of inputs; a sum of n random numbers grows like sqrt(n), so divide by "
                "the root",
                lambda Z1, Z2: sized(Z1, Z2, GAIN / len(Z1), SMALL),
            ),
            Wrong(
                "W1 is divided by the root of the number of hidden units; what is summed are its inputs, Z1.shape[0]",
                lambda Z1, Z2: sized(Z1, Z2, GAIN / np.sqrt(Z1.shape[1]), SMALL),
            ),
            Wrong(
                "the factor 5/3 is missing, with which tanh keeps the spread of what it is given",
                lambda Z1, Z2: sized(Z1, Z2, 1 / np.sqrt(len(Z1)), SMALL),
            ),
            Wrong(
                "W2 is not made small; with large logits the net is sure before it has seen anything, so take 0.01 "
                "times Z2",
                lambda Z1, Z2: sized(Z1, Z2, GAIN / np.sqrt(len(Z1)), 1.0),
            ),
            Wrong(
                "W1 is all zeros; then every hidden unit does the same and learns the same, so keep the random "
                "numbers",
                lambda Z1, Z2: sized(Z1, Z2, 0.0, SMALL),
            ),
        ),
    ),
    Exercise(
        "dead_units",
        dead_units,
        (
            Item("finds the units at the flat ends", 0.5, hidden_values),
            Item(
                "refuses an edge that tanh cannot pass",
                0.25,
                lambda rng: (hidden_values(rng)[0], float(rng.choice([0.0, 1.0, 1.5, -0.5]))),
                times=8,
            ),
        ),
        (
            Wrong(
                "only the upper end is seen; tanh is as flat near -1, so take the absolute value",
                lambda h, edge: flat(h > edge),
            ),
            Wrong(
                "a unit is listed that is at an end for some rows; it is dead when it is there for all of them",
                lambda h, edge: (
                    dead_units(h, edge)[0],
                    np.flatnonzero((np.abs(h) > edge).any(axis=0)).tolist(),
                ),
            ),
            Wrong(
                "the rows are listed; a unit is a column, so ask along axis 0",
                lambda h, edge: flat((np.abs(h) > edge).T),
            ),
            Wrong(
                "units near 0 are listed; that is where tanh is steepest, and it is flat near -1 and 1",
                lambda h, edge: flat(np.abs(h) < 1 - edge),
            ),
            Wrong(
                "a value that is exactly at the edge counts; only those above it do, or below -edge",
                lambda h, edge: (dead_units(h, edge), flat(np.abs(h) >= edge))[1],
            ),
            Wrong(
                "the share is that of dead units; it is asked for among all values of h",
                lambda h, edge: (len(dead_units(h, edge)[1]) / h.shape[1], dead_units(h, edge)[1]),
            ),
        ),
    ),
    Exercise(
        "momentum_step",
        momentum_step,
        (
            Item("moves every array along its velocity", 0.5, for_step),
            Item("begins without a velocity", 0.25, first_step),
            Item("refuses a gradient of another shape", 0.25, misshapen, times=6),
        ),
        (
            Wrong(
                "the step goes uphill; the gradient points to where the loss grows, so subtract",
                stepped(lambda moved, grads, lr, mu: scaled(moved, -lr)),
            ),
            Wrong(
                "the learning rate is missing; the step is lr times the velocity",
                stepped(lambda moved, grads, lr, mu: scaled(moved, 1.0)),
            ),
            Wrong(
                "the step follows the gradient alone; follow the velocity, which remembers earlier gradients",
                stepped(lambda moved, grads, lr, mu: scaled(grads, lr)),
            ),
            Wrong(
                "the learning rate is inside the velocity; here that is mu * v + g, and lr multiplies the step",
                rate_within,
            ),
            Wrong(
                "the gradient is taken times 1 - mu; here it is added whole: mu * v + g",
                stepped(lambda moved, grads, lr, mu: scaled(moved, lr), mean=True),
            ),
            Wrong("the step is taken with the old velocity; renew it first, then move", stale),
            Wrong("the old velocity is returned; return the new one, or the next step forgets this one", forgotten),
        ),
        keeps=True,
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------

CONTEXT, WIDTH, HIDDEN = 3, 10, 128


@cache
def batch_of(part: Any, k: int = CONTEXT) -> tuple[np.ndarray, np.ndarray]:
    """(N, k) all windows of a part of the names, and (N,) what follows."""
    pairs = [pair for name in load_corpus("names").part(part) for pair in windows(name, k)]
    return np.array([context for context, _ in pairs]), np.array([target for _, target in pairs])


def begin(careless: bool = False) -> Params:
    """The arrays before training; a careless beginning takes the random numbers as they come."""
    rng = np.random.default_rng(6)
    E = rng.normal(size=(27, WIDTH))
    Z1, Z2 = rng.normal(size=(CONTEXT * WIDTH, HIDDEN)), rng.normal(size=(HIDDEN, 27))
    W1, b1, W2, b2 = sized(Z1, Z2, 1.0, 1.0) if careless else initial(Z1, Z2)
    return {"E": E, "W1": W1, "b1": b1, "W2": W2, "b2": b2}


def loss_of(params: Params, X: np.ndarray, y: np.ndarray) -> float:
    """Nats per character."""
    logits = forward(params, X)[2]
    top = logits.max(axis=1)
    return float(np.mean(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - logits[np.arange(len(y)), y]))


@cache
def trained(forgetful: bool = False, steps: int = 2000) -> tuple[float, float]:
    """The loss on the validation names after some steps, right or with dE[X] += ..., and the share of flat values."""
    X, y = batch_of("train")
    params, rng = begin(), np.random.default_rng(7)
    velocity: Params = {}
    for step in range(steps):
        rows = rng.integers(0, len(X), 128)
        arguments = (params, X[rows], y[rows], *forward(params, X[rows]))
        grads = CHAIN.gradients(Given(*arguments), "dE", assigned) if forgetful else backward(*arguments)
        wanted = {name: grads["d" + name] for name in params}
        params, velocity = momentum_step(params, wanted, velocity, 0.1 * (1 - step / steps), 0.9)
    return loss_of(params, *batch_of("validation")), dead_units(forward(params, X[:2000])[1], 0.99)[0]


def at_first(careless: bool) -> tuple[float, float]:
    """The loss on the validation names before training, and the share of hidden values beyond 0.99."""
    X, y = batch_of("validation")
    return loss_of(begin(careless), X, y), dead_units(forward(begin(careless), X)[1], 0.99)[0]


def twice() -> float:
    """The share of windows in which a symbol stands more than once."""
    X = np.sort(batch_of("train")[0], axis=1)
    return float(np.mean((X[:, 1:] == X[:, :-1]).any(axis=1)))


def parameters() -> int:
    """How many numbers the net of the last cell has."""
    return sum(array.size for array in begin().values())


ANSWERS: dict[str, Callable[[], float]] = {
    "windows": lambda: float(len(batch_of("train")[0])),
    "contexts": lambda: float(len(np.unique(batch_of("train")[0], axis=0))),
    "parameters": lambda: float(parameters()),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "windows": lambda: f"{len(batch_of('train')[0]):,}",
    "contexts": lambda: f"{len(np.unique(batch_of('train')[0], axis=0)):,}",
    "possible": lambda: f"{27**CONTEXT:,}",
    "cells": lambda: f"{27 ** (CONTEXT + 1):,}",
    "parameters": lambda: f"{parameters():,}",
    "bigram_loss": lambda: f"{lab01.held_out_loss(0.1):.3f}",
    "uniform_loss": lambda: f"{np.log(27):.3f}",
    "careless_loss": lambda: f"{at_first(True)[0]:.1f}",
    "careless_flat": lambda: f"{100 * at_first(True)[1]:.0f}",
    "first_loss": lambda: f"{at_first(False)[0]:.3f}",
    "first_flat": lambda: f"{100 * at_first(False)[1]:.1f}",
    "twice": lambda: f"{100 * twice():.0f}",
    "short_loss": lambda: f"{trained()[0]:.2f}",
    "forgetful_loss": lambda: f"{trained(forgetful=True)[0]:.2f}",
}


# --- the picture of the README -----------------------------------------------------------------------------------

INK, MODEL, TRUTH, PALE = "#333333", "#0072b2", "#d55e00", "#dbe9f4"
STATIONS = (("X", "(B, 3)"), ("x", "(B, 30)"), ("z", "(B, 128)"), ("h", "(B, 128)"), ("logits", "(B, 27)"))
FORTH = ("E", "W1, b1", "tanh", "W2, b2")
BACK = ("dE", "dW1, db1", "× slope", "dW2, db2")


def label(x: float, y: float, text: str, fill: str = INK, size: int = 14, anchor: str = "middle") -> str:
    """One text of the picture."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="{fill}">{text}</text>'


def arrow(begin: float, end: float, y: float, fill: str) -> str:
    """A level arrow with its head at `end`."""
    tip = 8 if end > begin else -8
    return (
        f'<path d="M{begin:g} {y:g}H{end - tip:g}" stroke="{fill}" stroke-width="2" fill="none"/>'
        f'<path d="M{end:g} {y:g}l{-tip:g} -5v10z" fill="{fill}"/>'
    )


def bars(values: np.ndarray, left: float, title: str) -> list[str]:
    """A histogram of hidden values from -1 to 1."""
    counts = np.histogram(values, bins=20, range=(-1, 1))[0] / values.size
    parts = [label(left + 150, 215, title)]
    for i, share in enumerate(counts):
        height = 230 * share
        parts.append(
            f'<rect x="{left + 15 * i:g}" y="{350 - height:.1f}" width="14" height="{height:.1f}" fill="{MODEL}"/>'
        )
    parts.append(f'<path d="M{left:g} 350.5h300" stroke="{INK}" fill="none"/>')
    for value in (-1, 0, 1):
        parts.append(label(left + 150 + 150 * value, 368, str(value), size=12))
    return parts


def picture() -> str:
    """The picture of the README as SVG: forward and back through the net, and what two beginnings make of h."""
    said = "The net forward and back, and histograms of its hidden values for two sizes of first weights"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 400" font-family="system-ui, sans-serif" '
        f'role="img" aria-label="{said}">',
        '<rect width="720" height="400" fill="#ffffff"/>',
    ]
    for i, (name, shape) in enumerate(STATIONS):
        x = 50 + 130 * i
        parts.append(f'<rect x="{x - 38}" y="60" width="76" height="50" rx="6" fill="{PALE}"/>')
        parts += [label(x, 82, name, size=15), label(x, 101, shape, size=12)]
    for i, (forth, back) in enumerate(zip(FORTH, BACK, strict=True)):
        left, right = 92 + 130 * i, 138 + 130 * i
        parts += [arrow(left, right, 76, MODEL), label((left + right) / 2, 52, forth, MODEL, 13)]
        parts += [arrow(right, left, 96, TRUTH), label((left + right) / 2, 132, back, TRUTH, 13)]
    for i, (name, _) in enumerate(STATIONS[1:], start=1):
        parts.append(label(50 + 130 * i, 157, f"d{name}", TRUTH, 13))
    parts += [arrow(612, 650, 76, MODEL), arrow(650, 612, 96, TRUTH), label(682, 91, "loss", size=15)]
    parts += [label(12, 24, "forward: what the net says", MODEL, 14, "start")]
    parts += [label(12, 180, "back: how the loss changes with each of them", TRUTH, 14, "start")]
    X = batch_of("validation")[0]
    parts += bars(forward(begin(careless=True), X)[1], 40, "h, first weights as they come")
    parts += bars(forward(begin(), X)[1], 390, "h, first weights scaled")
    parts.append(label(190, 390, f"{100 * at_first(True)[1]:.0f} % beyond 0.99, where tanh is flat", size=12))
    parts.append(label(540, 390, f"{100 * at_first(False)[1]:.0f} % beyond 0.99", size=12))
    return "\n".join([*parts, "</svg>"]) + "\n"
