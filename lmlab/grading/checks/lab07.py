"""Lab 07, RNN, LSTM and vanishing gradients: its checks, the mistakes people make, the numbers of its README."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lmlab.data.corpus import load_corpus
from lmlab.grading.checks.chain import Chain, Link
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

Arrays = dict[str, np.ndarray]
Step = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


# --- the reference ---------------------------------------------------------------------------------------------


def rnn_step(x: np.ndarray, h: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(B, H) the next hidden state."""
    if len(x) != len(h):
        raise ValueError(f"x has {len(x)} rows and h has {len(h)}")
    return np.tanh(x @ Wx + h @ Wh + b)


def unroll(X: np.ndarray, h0: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(B, T, H) the state after each input."""
    hs = np.zeros((*X.shape[:2], h0.shape[1]))
    h = h0
    for t in range(X.shape[1]):
        h = hs[:, t] = rnn_step(X[:, t], h, Wx, Wh, b)
    return hs


@dataclass(frozen=True)
class Given:
    """What `bptt` is given: inputs, states, weights, and the gradient that reaches each state from its own loss."""

    X: np.ndarray
    h0: np.ndarray
    hs: np.ndarray
    Wx: np.ndarray
    Wh: np.ndarray
    dhs: np.ndarray

    @property
    def slope(self) -> np.ndarray:
        """(B, T, H) the slope of tanh at each state."""
        return 1 - self.hs**2

    @property
    def before(self) -> np.ndarray:
        """(B, T, H) the state before each input."""
        return np.concatenate([self.h0[:, None], self.hs[:, :-1]], axis=1)

    def backwards(self, step: Callable[[int, np.ndarray], np.ndarray], order: int = -1) -> np.ndarray:
        """(B, T, H) dz, last step first: `step(t, dz of the step after)`; `order=1` goes the wrong way."""
        dz = np.zeros_like(self.hs)
        later = np.zeros_like(self.h0)
        for t in range(self.hs.shape[1])[::order]:
            later = dz[:, t] = step(t, later)
        return dz


def through_time(given: Given, matrix: np.ndarray | None = None, order: int = -1) -> np.ndarray:
    """dz with the gradient that comes from the step after, through `matrix`."""
    back = given.Wh.T if matrix is None else matrix
    return given.backwards(lambda t, later: (given.dhs[:, t] + later @ back) * given.slope[:, t], order)


def only_the_last_loss(given: Given, _: None) -> np.ndarray:
    """The gradients of the earlier losses are overwritten by what comes from later."""
    last = given.hs.shape[1] - 1
    return given.backwards(
        lambda t, later: (given.dhs[:, t] if t == last else later @ given.Wh.T) * given.slope[:, t]
    )


def one_step_back(given: Given, _: None) -> np.ndarray:
    """What comes from the next step, and nothing from further on."""
    alone = given.dhs * given.slope
    later = np.concatenate([alone[:, 1:], np.zeros_like(alone[:, :1])], axis=1)
    return (given.dhs + later @ given.Wh.T) * given.slope


def summed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(p, q) the products of all rows and steps, added up."""
    return np.einsum("btp,btq->pq", first, second)


LINKS = (
    Link(
        "dz",
        "",
        lambda given, _: through_time(given),
        (
            (
                "dz stops at each step; a state also moves all later losses, so add what comes back from the step "
                "after: dz[t + 1] @ Wh.T",
                lambda given, _: given.dhs * given.slope,
            ),
            (
                "dz reaches back one step and no further; carry the whole dz of the step after on, not only its own "
                "loss's part",
                one_step_back,
            ),
            (
                "dz forgets the losses on the way; each state has a loss of its own, so add dhs[:, t] to what comes "
                "from later",
                only_the_last_loss,
            ),
            (
                "dz comes back through Wh as it is; forward was h @ Wh, so back is dz @ Wh.T",
                lambda given, _: through_time(given, given.Wh),
            ),
            (
                "dz: what comes from later misses the slope of this step's tanh; add it to dhs[:, t] first, then "
                "multiply by 1 - h**2",
                lambda given, _: given.backwards(
                    lambda t, later: given.dhs[:, t] * given.slope[:, t] + later @ given.Wh.T
                ),
            ),
            (
                "dz passes through without the slope of tanh; multiply by 1 - h**2 at each step",
                lambda given, _: given.backwards(lambda t, later: given.dhs[:, t] + later @ given.Wh.T),
            ),
            (
                "dz: the slope is that at the state of the same step, 1 - hs[:, t]**2; yours is the state before",
                lambda given, _: given.backwards(
                    lambda t, later: (given.dhs[:, t] + later @ given.Wh.T) * (1 - given.before[:, t] ** 2)
                ),
            ),
            (
                "dz runs from the first step to the last; gradients come from later losses, so begin at the end",
                lambda given, _: through_time(given, order=1),
            ),
        ),
    ),
    Link(
        "dWx",
        "dz",
        lambda given, dz: summed(given.X, dz),
        (
            (
                "dWx is that of the last step alone; the same Wx serves every step, so add the steps up",
                lambda given, dz: given.X[:, -1].T @ dz[:, -1],
            ),
            (
                "dWx is divided by the number of steps; the steps add up, and dhs has every division in it already",
                lambda given, dz: summed(given.X, dz) / dz.shape[1],
            ),
            (
                "dWx is divided by the number of rows; the rows add up, and dhs has every division in it already",
                lambda given, dz: summed(given.X, dz) / len(dz),
            ),
        ),
    ),
    Link(
        "dWh",
        "dz",
        lambda given, dz: summed(given.before, dz),
        (
            (
                "dWh pairs dz[t] with the state of the same step; Wh was multiplied by the state before it",
                lambda given, dz: summed(given.hs, dz),
            ),
            (
                "dWh: at t = 0 your hs[:, t - 1] is hs[:, -1], the last state; there the state before is h0",
                lambda given, dz: summed(np.roll(given.hs, 1, axis=1), dz),
            ),
            (
                "dWh misses the first step; there the state before is h0",
                lambda given, dz: summed(given.before[:, 1:], dz[:, 1:]),
            ),
            (
                "dWh is that of the last step alone; the same Wh serves every step, so add the steps up",
                lambda given, dz: given.before[:, -1].T @ dz[:, -1],
            ),
            (
                "dWh is turned; it is (state before).T @ dz, with the rows of Wh being the state before",
                lambda given, dz: summed(dz, given.before),
            ),
        ),
    ),
    Link(
        "db",
        "dz",
        lambda given, dz: dz.sum(axis=(0, 1)),
        (
            (
                "db is a mean; b is added at every step of every row, so its gradients add up",
                lambda given, dz: dz.mean(axis=(0, 1)),
            ),
            (
                "db is that of the last step alone; b is added at every step",
                lambda given, dz: dz[:, -1].sum(axis=0),
            ),
        ),
    ),
    Link(
        "dh0",
        "dz",
        lambda given, dz: dz[:, 0] @ given.Wh.T,
        (
            ("dh0 is dz of the first step; one product with Wh.T lies between the two", lambda given, dz: dz[:, 0]),
            (
                "dh0 comes back through Wh as it is; forward was h0 @ Wh, so back is dz[:, 0] @ Wh.T",
                lambda given, dz: dz[:, 0] @ given.Wh,
            ),
            (
                "dh0 is found from the last step; h0 goes into the first one",
                lambda given, dz: dz[:, -1] @ given.Wh.T,
            ),
        ),
    ),
)
CHAIN = Chain(Given, LINKS)


def bptt(
    X: np.ndarray, h0: np.ndarray, hs: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, dhs: np.ndarray
) -> dict[str, np.ndarray]:
    """Every gradient, from the last step back to the first."""
    dz = np.zeros_like(hs)
    later = np.zeros_like(h0)
    for t in reversed(range(hs.shape[1])):
        dz[:, t] = (dhs[:, t] + later) * (1 - hs[:, t] ** 2)
        later = dz[:, t] @ Wh.T
    before = np.concatenate([h0[:, None], hs[:, :-1]], axis=1)
    return {"dz": dz, "dWx": summed(X, dz), "dWh": summed(before, dz), "db": dz.sum(axis=(0, 1)), "dh0": later}


def grad_norm_by_distance(hs: np.ndarray, Wh: np.ndarray, g: np.ndarray) -> np.ndarray:
    """(T,) how long the gradient of the last loss still is, 0 to T - 1 steps back."""
    if not len(hs):
        raise ValueError("there is no state")
    lengths = []
    for t in reversed(range(len(hs))):
        lengths.append(np.linalg.norm(g))
        g = Wh @ (g * (1 - hs[t] ** 2))
    return np.array(lengths)


def clip_global_norm(grads: Arrays, most: float) -> tuple[Arrays, float]:
    """All arrays times one number, so that they are at most `most` long together; and how long they were."""
    norm = global_norm(grads, most)
    return times(grads, min(1.0, most / norm) if norm else 1.0), norm


def global_norm(grads: Arrays, most: float) -> float:
    """The length of all arrays laid end to end."""
    if most <= 0:
        raise ValueError(f"the limit {most:g} is not above 0")
    return float(np.sqrt(sum(np.sum(g**2) for g in grads.values())))


def times(grads: Arrays, factor: float) -> Arrays:
    """Every array times a number."""
    return {name: factor * g for name, g in grads.items()}


def logistic(z: np.ndarray) -> np.ndarray:
    """Between 0 and 1, without overflow."""
    return np.asarray((1 + np.tanh(z / 2)) / 2)


def lstm_step(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(B, H) the next hidden state, (B, H) the next cell."""
    i, f, g, o = np.split(x @ Wx + h @ Wh + b, 4, axis=1)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(c), c


def cell_memory(f: np.ndarray) -> np.ndarray:
    """(T, H) what is left at the end of what the cell held at each step."""
    if (f < 0).any() or (f > 1).any():
        raise ValueError("a gate is not between 0 and 1")
    kept = np.ones_like(f)
    for t in range(len(f) - 1, 0, -1):
        kept[t - 1] = kept[t] * f[t]
    return kept


# --- the arguments ---------------------------------------------------------------------------------------------


def some_weights(rng: np.random.Generator, d: int = 3, H: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wx (d, H), Wh (H, H), b (H,), not symmetric and not small."""
    return rng.normal(size=(d, H)), 0.7 * rng.normal(size=(H, H)), rng.normal(size=H)


def for_step(rng: np.random.Generator) -> Args:
    """One step; inputs and states are equally wide, so that exchanged weights show in the values."""
    return rng.normal(size=(4, 3)), rng.uniform(-0.9, 0.9, (4, 3)), *some_weights(rng, 3, 3)


def other_rows(rng: np.random.Generator) -> Args:
    """One step with a single state or a single input, which numpy would stretch over all rows."""
    x, h, *weights = for_step(rng)
    return (x, h[:1], *weights) if rng.random() < 0.5 else (x[:1], h, *weights)


def for_unroll(rng: np.random.Generator, steps: int = 6) -> Args:
    """Sequences, first states, weights."""
    return rng.normal(size=(4, steps, 3)), rng.uniform(-0.9, 0.9, (4, 5)), *some_weights(rng)


def for_bptt(rng: np.random.Generator) -> Args:
    """What `bptt` is given."""
    X, h0, Wx, Wh, b = for_unroll(rng)
    hs = unroll(X, h0, Wx, Wh, b)
    return X, h0, hs, Wx, Wh, rng.normal(size=hs.shape)


def for_norms(rng: np.random.Generator) -> Args:
    """The states of one sequence, the matrix, the gradient in the last state."""
    X, h0, Wx, Wh, b = for_unroll(rng, 7)
    return unroll(X[:1], h0[:1], Wx, Wh, b)[0], Wh, rng.normal(size=5)


def one_weight(rng: np.random.Generator) -> Args:
    """States of 0, where tanh is as steep as can be, and a matrix that multiplies by one number."""
    return np.zeros((8, 3)), np.eye(3) * rng.choice([0.5, 0.9, 1.1, 1.5]), rng.normal(size=3)


def no_state(rng: np.random.Generator) -> Args:
    """A sequence without a step."""
    return np.zeros((0, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)


def long_gradients(rng: np.random.Generator, share: float = 0.4) -> Args:
    """Gradients that are longer than the limit (share below 1) or shorter."""
    grads = {"Wx": rng.normal(size=(3, 5)), "Wh": 2 * rng.normal(size=(5, 5)), "b": rng.normal(size=5)}
    grads["Wh"][1, 2] = 15.0  # one number is above the limit by itself
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    scale = float(rng.uniform(0.5, 1.5)) / norm
    return times(grads, scale), float(scale * norm * share * rng.uniform(0.8, 1.2))


def no_gradient(rng: np.random.Generator) -> Args:
    """Gradients of 0."""
    return times(long_gradients(rng)[0], 0.0), float(rng.uniform(0.5, 2))


def negative_limit(rng: np.random.Generator) -> Args:
    """A limit of 0, or below it."""
    grads, most = long_gradients(rng)
    return grads, -most if rng.random() < 0.5 else 0.0


def for_lstm(rng: np.random.Generator, size: float = 1.0) -> Args:
    """One step of an LSTM; `size` makes what enters the gates larger."""
    d, H = 3, 4
    return (
        rng.normal(size=(5, d)),
        rng.uniform(-0.9, 0.9, (5, H)),
        rng.normal(size=(5, H)),
        size * rng.normal(size=(d, 4 * H)),
        size * rng.normal(size=(H, 4 * H)),
        size * rng.normal(size=4 * H),
    )


def some_gates(rng: np.random.Generator) -> Args:
    """Forget gates, of which one keeps everything and one nothing."""
    f = rng.uniform(0.3, 1, (6, 4))
    f[3, 0], f[2, 1] = 1, 0
    return (f,)


def no_gate(rng: np.random.Generator) -> Args:
    """What has not been through the logistic function."""
    f = some_gates(rng)[0]
    f[2, 1] = rng.choice([1.5, -0.5])
    return (f,)


# --- the mistakes ----------------------------------------------------------------------------------------------


def forgetful(X: np.ndarray, h0: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Every step begins from h0."""
    return np.tanh(X @ Wx + (h0 @ Wh)[:, None] + b)


def row_after_row(X: np.ndarray, h0: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The state at the end of a row goes on in the next row."""
    if not X.size:
        return unroll(X, h0, Wx, Wh, b)
    hs = unroll(X.reshape(1, -1, X.shape[2]), h0[:1], Wx, Wh, b)
    return hs.reshape(*X.shape[:2], -1)


def states_before(X: np.ndarray, h0: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    """h0 to the last but one."""
    hs = unroll(X, h0, Wx, Wh, b)
    return np.concatenate([h0[:, None], hs], axis=1)[:, : X.shape[1]]


def last_state(X: np.ndarray, h0: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The last state at every place."""
    hs = unroll(X, h0, Wx, Wh, b)
    return np.repeat(hs[:, -1:], X.shape[1], axis=1)


def walked_back(hs: np.ndarray, back: np.ndarray, g: np.ndarray, bent: bool = True, shift: int = 0) -> np.ndarray:
    """(T, H) the gradient in each state, the last state first."""
    found = [g]
    for t in range(len(hs) - 1, 0, -1):
        found.append(back @ (found[-1] * (1 - hs[t - shift] ** 2 if bent else 1.0)))
    return np.array(found)


def slope_last(hs: np.ndarray, Wh: np.ndarray, g: np.ndarray) -> np.ndarray:
    """(Wh g) times the slope, in place of Wh (g times the slope)."""
    found = [g]
    for t in range(len(hs) - 1, 0, -1):
        found.append((Wh @ found[-1]) * (1 - hs[t] ** 2))
    return np.linalg.norm(np.array(found), axis=1)


def clipped_apart(grads: Arrays, most: float) -> tuple[Arrays, float]:
    """Each array by its own length."""
    return {name: clip_global_norm({name: g}, most)[0][name] for name, g in grads.items()}, global_norm(grads, most)


def other_norm(norm: Callable[[Arrays], float]) -> Callable[[Arrays, float], tuple[Arrays, float]]:
    """Clipping by another measure of length."""

    def version(grads: Arrays, most: float) -> tuple[Arrays, float]:
        found = float(norm(grads))
        return times(grads, min(1.0, most / found) if found else 1.0), found

    return version


def always_scaled(grads: Arrays, most: float) -> tuple[Arrays, float]:
    """Small gradients grow to the limit; none at all becomes nan."""
    norm = global_norm(grads, most)
    return times(grads, most / norm if norm else float("nan")), norm


Gates = dict[str, np.ndarray]


def cell_step(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray, order: str = "ifgo"
) -> tuple[np.ndarray, np.ndarray]:
    """An LSTM whose blocks of columns stand in this order."""
    gate = bent_blocks(x @ Wx + h @ Wh + b, order)
    after = gate["f"] * c + gate["i"] * gate["g"]
    return gate["o"] * np.tanh(after), after


def bent_blocks(z: np.ndarray, order: str = "ifgo") -> Gates:
    """The four blocks of columns by name, each through its function."""
    blocks = dict(zip(order, np.split(z, 4, axis=1), strict=True))
    return {name: np.tanh(block) if name == "g" else logistic(block) for name, block in blocks.items()}


def with_cell(
    after: Callable[[Gates, np.ndarray], np.ndarray], out: Callable[[Gates, np.ndarray, np.ndarray], np.ndarray]
) -> Callable[..., Any]:
    """An LSTM with another rule for the cell or for what it shows."""

    def version(x: np.ndarray, h: np.ndarray, c: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> Any:
        gate = bent_blocks(x @ Wx + h @ Wh + b)
        new = after(gate, c)
        return out(gate, c, new), new

    return version


def usual_cell(gate: Gates, c: np.ndarray) -> np.ndarray:
    """f c + i g."""
    return gate["f"] * c + gate["i"] * gate["g"]


def usual_out(gate: Gates, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """o tanh(c)."""
    return gate["o"] * np.tanh(new)


def reordered(order: str) -> Callable[..., Any]:
    """An LSTM whose blocks stand in another order."""
    return lambda x, h, c, Wx, Wh, b: cell_step(x, h, c, Wx, Wh, b, order)


def interleaved(x: np.ndarray, h: np.ndarray, c: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> Any:
    """Every fourth column belongs to a gate."""
    order = np.arange(4 * h.shape[1]).reshape(-1, 4).T.reshape(-1)
    return cell_step(x, h, c, Wx[:, order], Wh[:, order], b[order])


def logistic_candidate(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray
) -> Any:
    """The candidate between 0 and 1."""
    z = x @ Wx + h @ Wh + b
    gate = {**bent_blocks(z), "g": logistic(np.split(z, 4, axis=1)[2])}
    new = usual_cell(gate, c)
    return usual_out(gate, c, new), new


def tanh_gates(x: np.ndarray, h: np.ndarray, c: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> Any:
    """tanh for all four blocks."""
    i, f, g, o = np.split(np.tanh(x @ Wx + h @ Wh + b), 4, axis=1)
    new = usual_cell({"i": i, "f": f, "g": g}, c)
    return o * np.tanh(new), new


def overflowing(x: np.ndarray, h: np.ndarray, c: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> Any:
    """exp(z) / (1 + exp(z))."""
    with np.errstate(all="ignore"):
        e = np.exp(x @ Wx + h @ Wh + b)
        i, f, _, o = np.split(e / (1 + e), 4, axis=1)
        gate = {**bent_blocks(x @ Wx + h @ Wh + b), "i": i, "f": f, "o": o}
        new = usual_cell(gate, c)
        return usual_out(gate, c, new), new


EXERCISES = [
    Exercise(
        "rnn_step",
        rnn_step,
        (
            Item("makes the next state from input and state", 0.75, for_step),
            Item("refuses a state for another number of rows", 0.25, other_rows, times=6),
        ),
        (
            Wrong("b is missing; add it before the tanh", lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh)),
            Wrong(
                "the old state is not used; without h @ Wh the net has no memory",
                lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + b),
            ),
            Wrong(
                "Wx and Wh are exchanged; Wx belongs to the input x, Wh to the state h",
                lambda x, h, Wx, Wh, b: np.tanh(x @ Wh + h @ Wx + b),
            ),
            Wrong(
                "the sum is not bent; without np.tanh the state can grow without end",
                lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh + b,
            ),
            Wrong(
                "Wh is turned; the state is a row here, so it is h @ Wh",
                lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh.T + b),
            ),
            Wrong(
                "the old state is added as it is; it goes through Wh and into the tanh",
                lambda x, h, Wx, Wh, b: h + np.tanh(x @ Wx + h @ Wh + b),
            ),
            Wrong(
                "two tanh are added; input and state are added first and bent together",
                lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + b) + np.tanh(h @ Wh),
            ),
        ),
    ),
    Exercise(
        "unroll",
        unroll,
        (
            Item("hands the state on from step to step", 0.75, for_unroll),
            Item("returns no state for no input", 0.25, lambda rng: for_unroll(rng, 0)),
        ),
        (
            Wrong(
                "every step begins from h0; hand the new state on: h = rnn_step(X[:, t], h, ...)",
                forgetful,
            ),
            Wrong(
                "these are the states before each input; place t is the state after input t, and h0 has no place",
                states_before,
            ),
            Wrong(
                "the inputs are read from the last to the first; time goes forward, t = 0 comes first",
                lambda X, h0, Wx, Wh, b: unroll(X[:, ::-1], h0, Wx, Wh, b)[:, ::-1],
            ),
            Wrong(
                "the state runs on from one row into the next; each row is a sequence of its own and begins at h0",
                row_after_row,
            ),
            Wrong(
                "every place has the last state; store each state when it is new (a copy of it)",
                last_state,
            ),
            Wrong(
                "every step is given the first input; take X[:, t]",
                lambda X, h0, Wx, Wh, b: unroll(np.repeat(X[:, :1], X.shape[1], axis=1), h0, Wx, Wh, b),
            ),
        ),
    ),
    CHAIN.exercise(
        bptt,
        (
            CHAIN.item("dz", "dz, through time", 1.25, for_bptt),
            CHAIN.item("dWx", "dWx", 0.5, for_bptt),
            CHAIN.item("dWh", "dWh", 0.5, for_bptt),
            CHAIN.item("db", "db", 0.25, for_bptt),
            CHAIN.item("dh0", "dh0", 0.25, for_bptt),
        ),
    ),
    Exercise(
        "grad_norm_by_distance",
        grad_norm_by_distance,
        (
            Item("follows the gradient back", 0.75, for_norms),
            Item("is the power of a single weight where tanh is straight", 0.25, one_weight),
            Item("refuses a sequence without states", 0.25, no_state),
        ),
        (
            Wrong(
                "the slope of tanh is missing; on its way from h[t] to h[t - 1] the gradient is multiplied by "
                "1 - h[t]**2 first",
                lambda hs, Wh, g: np.linalg.norm(walked_back(hs, Wh, g, bent=False), axis=1),
            ),
            Wrong(
                "the slope is that of the earlier state; between h[t] and h[t - 1] lies the tanh that made h[t]",
                lambda hs, Wh, g: np.linalg.norm(walked_back(hs, Wh, g, shift=1), axis=1),
            ),
            Wrong(
                "the slope comes after the matrix; forward the tanh came last, so on the way back it comes first",
                slope_last,
            ),
            Wrong(
                "Wh is turned the wrong way; forward was h @ Wh, so back is g @ Wh.T",
                lambda hs, Wh, g: np.linalg.norm(walked_back(hs, Wh.T, g), axis=1),
            ),
            Wrong(
                "the first state comes first; the place is the distance from the end, so begin with the last state",
                lambda hs, Wh, g: grad_norm_by_distance(hs, Wh, g)[::-1],
            ),
            Wrong(
                "these are squares of lengths; take the root of the sum of squares",
                lambda hs, Wh, g: grad_norm_by_distance(hs, Wh, g) ** 2,
            ),
            Wrong(
                "the absolute values are added; a length is the root of the sum of squares",
                lambda hs, Wh, g: np.abs(walked_back(hs, Wh, g)).sum(axis=1),
            ),
            Wrong(
                "every length is divided by the first; return the lengths themselves, so the first is that of g",
                lambda hs, Wh, g: grad_norm_by_distance(hs, Wh, g) / np.linalg.norm(g),
            ),
        ),
    ),
    Exercise(
        "clip_global_norm",
        clip_global_norm,
        (
            Item("shortens a long gradient", 0.5, long_gradients),
            Item("leaves a short gradient alone", 0.25, lambda rng: long_gradients(rng, 2.0)),
            Item("leaves a gradient of 0 alone", 0.25, no_gradient),
            Item("refuses a limit that is not above 0", 0.25, negative_limit, times=6),
        ),
        (
            Wrong(
                "each array is clipped by itself, which turns the direction; one length is taken over all of them",
                clipped_apart,
            ),
            Wrong(
                "each number is cut to the limit, which turns the direction; multiply everything by one factor",
                lambda grads, most: (
                    {name: np.clip(g, -most, most) for name, g in grads.items()},
                    global_norm(grads, most),
                ),
            ),
            Wrong(
                "short gradients are stretched to the limit; multiply only where the length is above it",
                always_scaled,
            ),
            Wrong(
                "the lengths of the arrays are added; that of all together is the root of the sum of all squares",
                other_norm(lambda grads: sum(float(np.linalg.norm(g)) for g in grads.values())),
            ),
            Wrong(
                "the sum of squares has no root; the length is its square root",
                other_norm(lambda grads: sum(np.sum(g**2) for g in grads.values())),
            ),
            Wrong(
                "the gradient is divided by its length and the limit is left out; multiply by limit / length",
                lambda grads, most: (
                    times(grads, 1 / global_norm(grads, most)) if global_norm(grads, most) > most else grads,
                    global_norm(grads, most),
                ),
            ),
            Wrong(
                "the length after clipping is returned; return how long the gradient was, which is what one watches",
                lambda grads, most: (clip_global_norm(grads, most)[0], min(global_norm(grads, most), most)),
            ),
        ),
        keeps=True,
    ),
    Exercise(
        "lstm_step",
        lstm_step,
        (
            Item("makes the next state and cell", 1.0, for_lstm),
            Item("does not overflow with large weights", 0.25, lambda rng: for_lstm(rng, 1000.0)),
        ),
        (
            Wrong(
                "forget and input gate are exchanged; the blocks are input, forget, candidate, output",
                reordered("figo"),
            ),
            Wrong(
                "output gate and candidate are exchanged; the blocks are input, forget, candidate, output",
                reordered("ifog"),
            ),
            Wrong(
                "the second block is taken for the candidate; the blocks are input, forget, candidate, output",
                reordered("igfo"),
            ),
            Wrong(
                "the blocks are interleaved; the first H columns are the input gate, the next H the forget gate",
                interleaved,
            ),
            Wrong(
                "the cell forgets nothing; multiply the old cell by the forget gate",
                with_cell(lambda gate, c: c + gate["i"] * gate["g"], usual_out),
            ),
            Wrong(
                "the forget gate is 1 - input gate; here it is a gate of its own, the second block",
                with_cell(lambda gate, c: (1 - gate["i"]) * c + gate["i"] * gate["g"], usual_out),
            ),
            Wrong(
                "the candidate went through the logistic function; it is a tanh, so that it can also take away",
                logistic_candidate,
            ),
            Wrong(
                "the gates went through tanh; a gate is a share from 0 to 1, which is the logistic function",
                tanh_gates,
            ),
            Wrong(
                "the state is the output gate times the cell; the cell goes through tanh first",
                with_cell(usual_cell, lambda gate, old, new: gate["o"] * new),
            ),
            Wrong(
                "the state is made from the old cell; renew the cell first",
                with_cell(usual_cell, lambda gate, old, new: gate["o"] * np.tanh(old)),
            ),
            Wrong("cell and state are exchanged; return h, then c", lambda *args: lstm_step(*args)[::-1]),
            Wrong(
                "exp of a large number is infinite and inf / inf is nan; 1 / (1 + exp(-z)) ends at 0 and 1",
                overflowing,
            ),
        ),
    ),
    Exercise(
        "cell_memory",
        cell_memory,
        (
            Item("multiplies the gates that are still to come", 0.25, some_gates),
            Item("refuses what is no gate", 0.25, no_gate, times=6),
        ),
        (
            Wrong(
                "the gate of the step itself is in the product; what the cell holds after step t meets the gates of "
                "later steps only",
                lambda f: cell_memory(f) * f,
            ),
            Wrong(
                "the product begins at the first step; it runs from the step after t to the end",
                lambda f: np.cumprod(f, axis=0),
            ),
            Wrong(
                "only the next gate is taken; every later gate multiplies once more",
                lambda f: np.concatenate([f[1:], np.ones_like(f[:1])]),
            ),
            Wrong(
                "the gates are added up; each one leaves a share of what is there, so multiply",
                lambda f: np.concatenate([np.cumsum(f[:0:-1], axis=0)[::-1], np.ones_like(f[:1])]),
            ),
        ),
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------

HIDDEN = 64
FAR = 10  # steps back


@cache
def by_length() -> dict[int, np.ndarray]:
    """The training names by their length: (N, length + 2) ids with a mark at both ends."""
    groups: dict[int, list[list[int]]] = {}
    for name in load_corpus("names").part("train"):
        groups.setdefault(len(name), []).append([0, *(ord(letter) - ord("a") + 1 for letter in name), 0])
    return {length: np.array(rows) for length, rows in sorted(groups.items())}


def orthogonal(seed: int, size: int = HIDDEN) -> np.ndarray:
    """(size, size) a matrix that turns and does not stretch."""
    Q, R = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    return np.asarray(Q * np.sign(np.diag(R)))


@cache
def begin() -> Arrays:
    """An RNN before training."""
    rng = np.random.default_rng(7)
    return {
        "Wx": 0.5 * rng.normal(size=(27, HIDDEN)),
        "Wh": orthogonal(7),
        "b": np.zeros(HIDDEN),
        "Wo": 0.01 * rng.normal(size=(HIDDEN, 27)),
        "bo": np.zeros(27),
    }


def head(params: Arrays, hs: np.ndarray, targets: np.ndarray) -> tuple[float, Arrays, np.ndarray]:
    """The mean loss of all places, the gradients of the last layer, and the one that reaches each state."""
    logits = hs @ params["Wo"] + params["bo"]
    probs = np.exp(logits - logits.max(axis=2, keepdims=True))
    probs /= probs.sum(axis=2, keepdims=True)
    truth = np.eye(27)[targets]
    loss = -float(np.mean(np.log((probs * truth).sum(axis=2))))
    dlogits = (probs - truth) / targets.size
    return loss, {"Wo": summed(hs, dlogits), "bo": dlogits.sum(axis=(0, 1))}, dlogits @ params["Wo"].T


@cache
def trained(steps: int = 1000) -> Arrays:
    """An RNN after some steps of gradient descent with momentum."""
    params, velocity = dict(begin()), {name: np.zeros_like(array) for name, array in begin().items()}
    rng, groups = np.random.default_rng(8), by_length()
    lengths = np.repeat(list(groups), [len(rows) for rows in groups.values()])
    for step in range(steps):
        rows = groups[int(rng.choice(lengths))]
        ids = rows[rng.integers(0, len(rows), 64)]
        X, h0 = np.eye(27)[ids[:, :-1]], np.zeros((64, HIDDEN))
        hs = unroll(X, h0, params["Wx"], params["Wh"], params["b"])
        _, grads, dhs = head(params, hs, ids[:, 1:])
        found = bptt(X, h0, hs, params["Wx"], params["Wh"], dhs)
        grads |= {name: found["d" + name] for name in ("Wx", "Wh", "b")}
        grads, _ = clip_global_norm(grads, 1.0)
        for name, grad in grads.items():
            velocity[name] = 0.9 * velocity[name] + grad
            params[name] = params[name] - 0.2 * (1 - step / steps) * velocity[name]
    return params


def held_out_loss(params: Arrays) -> float:
    """Nats per character on the validation names."""
    total, places = 0.0, 0
    for name in load_corpus("names").part("validation"):
        ids = np.array([[0, *(ord(letter) - ord("a") + 1 for letter in name), 0]])
        hs = unroll(np.eye(27)[ids[:, :-1]], np.zeros((1, HIDDEN)), params["Wx"], params["Wh"], params["b"])
        total += head(params, hs, ids[:, 1:])[0] * (ids.shape[1] - 1)
        places += ids.shape[1] - 1
    return total / places


def left(params: Arrays, stretch: float = 1.0) -> np.ndarray:
    """(12,) the share of the last loss's gradient that is left 0 to 11 steps back, over names of 11 letters."""
    ids = by_length()[11][:200]
    matrix = stretch * params["Wh"]
    hs = unroll(np.eye(27)[ids[:, :-1]], np.zeros((len(ids), HIDDEN)), params["Wx"], matrix, params["b"])
    g = np.random.default_rng(9).normal(size=HIDDEN)
    norms = [grad_norm_by_distance(states, matrix, g) for states in hs]
    return np.asarray(np.mean(norms, axis=0) / np.linalg.norm(g))


def share_left(f: float, steps: int = FAR) -> float:
    """What is left in a cell after some steps, in per cent, when every forget gate is f."""
    return 100 * float(cell_memory(np.full((steps + 1, 1), f))[0, 0])


def blind() -> float:
    """The share of places, in per cent, at which a window of three symbols does not reach the name's beginning."""
    lengths = np.repeat(list(by_length()), [len(rows) for rows in by_length().values()])
    return 100 * float(np.maximum(lengths - 2, 0).sum() / (lengths + 1).sum())


ANSWERS: dict[str, Callable[[], float]] = {
    "longest": lambda: float(max(by_length())),
    "nine_tenths": lambda: share_left(0.9, 20),
    "lstm_numbers": lambda: float(4 * (27 * HIDDEN + HIDDEN * HIDDEN + HIDDEN)),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "blind": lambda: f"{blind():.0f}",
    "half": lambda: f"{100 * 0.5**FAR:.1f}",
    "more": lambda: f"{1.5**FAR:.1f}",
    "kept": lambda: f"{100 * left(begin())[FAR]:.1f}",
    "kept_half": lambda: f"{100 * left(begin(), 0.5)[FAR]:.2f}",
    "kept_more": lambda: f"{left(begin(), 1.5)[FAR]:.2f}",
    "kept_most": lambda: f"{left(begin(), 3.0)[FAR]:.0f}",
    "kept_trained": lambda: f"{100 * left(trained())[FAR]:.0f}",
    "forget_one": lambda: f"{float(logistic(np.array(1.0))):.2f}",
    "cell_one": lambda: f"{share_left(float(logistic(np.array(1.0)))):.1f}",
    "forget_three": lambda: f"{float(logistic(np.array(3.0))):.2f}",
    "cell_three": lambda: f"{share_left(float(logistic(np.array(3.0)))):.0f}",
    "rnn_numbers": lambda: f"{sum(array.size for array in begin().values()):,}",
    "short_loss": lambda: f"{held_out_loss(trained()):.2f}",
}


# --- the picture of the README -----------------------------------------------------------------------------------

INK, MODEL, TRUTH, PALE = "#333333", "#0072b2", "#d55e00", "#e3e3e3"


def picture() -> str:
    """The picture of the README as SVG: what is left of a gradient after so many steps, on a logarithmic scale."""
    steps = np.arange(FAR + 1)
    lines = [
        (f"RNN, Wh × {stretch:g}", left(begin(), stretch)[: FAR + 1], MODEL, "") for stretch in (3.0, 1.5, 1.0, 0.5)
    ]
    lines += [
        (f"cell, gate {gate:.2f}", gate**steps, TRUTH, ' stroke-dasharray="6 4"')
        for gate in (float(logistic(np.array(bias))) for bias in (3.0, 1.0))
    ]
    said = "What is left of a gradient by distance, for four sizes of Wh and two forget gates"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 400" font-family="system-ui, sans-serif" '
        f'font-size="13" role="img" aria-label="{said}">',
        '<rect width="640" height="400" fill="#ffffff"/>',
        f'<text x="14" y="22" fill="{INK}">length of the gradient, as a share of what it was at the end</text>',
    ]

    def place(distance: float, share: float) -> tuple[float, float]:
        return 70 + 42 * distance, 60 + 48 * (2 - np.log10(share))

    for power in range(2, -5, -1):
        x, y = place(0, 10.0**power)
        parts.append(f'<path d="M{x:.0f} {y:.0f}H{place(FAR, 1)[0]:.0f}" stroke="{PALE}"/>')
        name = f"{10**power:g}" if power > -3 else f"{10.0**power:.{-power}f}"
        parts.append(f'<text x="{x - 8:.0f}" y="{y + 4:.0f}" text-anchor="end" fill="{INK}">{name}</text>')
    for distance in steps:
        x = place(float(distance), 1)[0]
        parts.append(f'<text x="{x:.0f}" y="368" text-anchor="middle" fill="{INK}">{distance}</text>')
    parts.append(f'<text x="279" y="391" text-anchor="middle" fill="{INK}">steps back from the loss</text>')
    for name, shares, color, dashes in lines:
        points = [place(float(i), float(share)) for i, share in enumerate(shares)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        parts.append(f'<path d="M{path}" stroke="{color}" stroke-width="2" fill="none"{dashes}/>')
        x, y = points[-1]
        y += 10 if dashes else 1  # two lines end close to two others
        parts.append(f'<text x="{x + 8:.0f}" y="{y:.0f}" fill="{color}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
