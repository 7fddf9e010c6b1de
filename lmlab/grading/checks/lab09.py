"""Lab 09, transformer block and GPT: what is checked, the mistakes people make, and the numbers of its README."""

from collections.abc import Callable
from functools import cache
from math import erf
from typing import Any

import numpy as np

from lmlab.data.corpus import load_corpus
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

Arrays = dict[str, np.ndarray]
EPS = 1e-5
BEND = 0.044715  # the weight of the cube in GPT-2's GELU (Hendrycks and Gimpel, 2016)
SLOWEST = 10_000.0  # of the sinusoidal positions (Vaswani et al., 2017, section 3.5)


# --- the reference ---------------------------------------------------------------------------------------------


def attention(x: np.ndarray, qkv: np.ndarray, out: np.ndarray, n_head: int) -> np.ndarray:
    """(..., T, C) causal self-attention, as it is given in lab.py."""
    *texts, T, C = x.shape
    if C % n_head:
        raise ValueError(f"{C} numbers do not divide into {n_head} heads")
    heads = (x @ qkv).reshape(*texts, T, 3, n_head, C // n_head)
    q, k, v = np.moveaxis(np.swapaxes(heads, -4, -2), -3, 0)
    s = q @ np.swapaxes(k, -1, -2) / np.sqrt(C // n_head)
    heard = softmax(np.where(np.triu(np.ones((T, T), dtype=bool), k=1), -np.inf, s)) @ v
    return np.asarray(np.swapaxes(heard, -3, -2).reshape(*texts, T, C) @ out)


def softmax(s: np.ndarray) -> np.ndarray:
    """Shares that sum to 1 along the last axis."""
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def layer_norm(x: np.ndarray, g: np.ndarray, b: np.ndarray, eps: float) -> np.ndarray:
    """Each position with mean 0 and variance 1, stretched and shifted."""
    if g.shape != x.shape[-1:] or b.shape != x.shape[-1:]:
        raise ValueError(f"g and b need {x.shape[-1]} numbers, they have {len(g)} and {len(b)}")
    return normed(x, eps) * g + b


def normed(x: np.ndarray, eps: float = EPS) -> np.ndarray:
    """Each position with mean 0 and variance 1."""
    return np.asarray((x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + eps))


def gelu(x: np.ndarray) -> np.ndarray:
    """x times a share, in the form with tanh."""
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + BEND * x**3)))


def gelu_of_erf(x: np.ndarray) -> np.ndarray:
    """x times the normal distribution function."""
    return np.asarray(x / 2 * (1 + np.vectorize(erf)(x / np.sqrt(2))))


def mlp(x: np.ndarray, widen: np.ndarray, narrow: np.ndarray) -> np.ndarray:
    """Wider, bent, narrow again."""
    if narrow.shape[1] != x.shape[-1]:
        raise ValueError(f"narrow leads to {narrow.shape[1]} numbers, not back to {x.shape[-1]}")
    return gelu(x @ widen) @ narrow


def look(x: np.ndarray, a: Arrays, n_head: int) -> np.ndarray:
    """What attention adds."""
    return attention(layer_norm(x, a["g1"], a["b1"], EPS), a["qkv"], a["out"], n_head)


def think(x: np.ndarray, a: Arrays) -> np.ndarray:
    """What the network adds."""
    return mlp(layer_norm(x, a["g2"], a["b2"], EPS), a["widen"], a["narrow"])


def block(x: np.ndarray, arrays: Arrays, n_head: int) -> np.ndarray:
    """Look back, then think."""
    x = x + look(x, arrays, n_head)
    return x + think(x, arrays)


def sinusoidal(T: int, C: int) -> np.ndarray:
    """(T, C) sines in the even columns, cosines in the odd ones."""
    if C % 2:
        raise ValueError(f"{C} numbers are no pairs")
    return paired(np.arange(T)[:, None] / SLOWEST ** (np.arange(0, C, 2) / C))


def paired(angles: np.ndarray, first: Any = np.sin, second: Any = np.cos) -> np.ndarray:
    """(T, C / 2) angles -> (T, C), two functions of each in turn."""
    return np.stack([first(angles), second(angles)], axis=-1).reshape(len(angles), -1)


def arrays_of(params: Arrays, i: int) -> Arrays:
    """The arrays of one block."""
    return {name.split(".")[1]: array for name, array in params.items() if name.startswith(f"{i}.")}


def blocks_in(params: Arrays) -> list[Arrays]:
    """The arrays of all blocks, in turn."""
    return [arrays_of(params, i) for i in range(sum(name.endswith(".qkv") for name in params))]


def begin(params: Arrays, ids: np.ndarray) -> np.ndarray:
    """(B, T, C) embeddings plus positions."""
    T, context = ids.shape[1], len(params["P"])
    if context < T:
        raise ValueError(f"{T} positions do not fit a context of {context}")
    return np.asarray(params["E"][ids] + params["P"][:T])


def through(x: np.ndarray, blocks: list[Arrays], n_head: int) -> np.ndarray:
    """Through some blocks in turn."""
    for arrays in blocks:
        x = block(x, arrays, n_head)
    return x


def head(x: np.ndarray, params: Arrays) -> np.ndarray:
    """(B, T, V) the last norm, and dot products with the embeddings."""
    return layer_norm(x, params["g"], params["b"], EPS) @ params["E"].T


def gpt(params: Arrays, ids: np.ndarray, n_head: int) -> np.ndarray:
    """(B, T, V) logits."""
    return head(through(begin(params, ids), blocks_in(params), n_head), params)


def count_parameters(V: int, context: int, C: int, n_layer: int) -> tuple[int, int]:
    """The numbers of a block, and of all."""
    return counted(V, context, C, n_layer, 12 * C * C + 4 * C)


def counted(V: int, context: int, C: int, n_layer: int, one: int, more: int = 0) -> tuple[int, int]:
    """All of a GPT whose block has `one` numbers."""
    if min(V, context, C) < 1 or n_layer < 0:
        raise ValueError("a size is below 1")
    return one, V * C + context * C + 2 * C + n_layer * one + more


def next_loss(logits: np.ndarray, ids: np.ndarray) -> float:
    """Nats a place that has a next symbol."""
    return float(surprises(logits[:, :-1], follows(ids)).mean())


def follows(ids: np.ndarray) -> np.ndarray:
    """(B, T - 1) what comes next."""
    if ids.shape[1] < 2:
        raise ValueError("a text of one symbol has nothing that comes next")
    return ids[:, 1:]


def surprises(logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(B, T) nats."""
    z = logits - logits.max(axis=-1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(logs, ids[..., None], axis=-1)[..., 0]


# --- the arguments ---------------------------------------------------------------------------------------------


def for_norm(rng: np.random.Generator) -> Args:
    """x of two or three axes, whose mean is not 0, and an eps that can be seen."""
    C = int(rng.integers(4, 7))
    shape = (7, C) if rng.random() < 0.5 else (2, 8, C)
    x = rng.normal(size=shape) * rng.uniform(0.3, 3, (*shape[:-1], 1)) + 2
    return x, rng.normal(size=C), rng.normal(size=C), float(rng.uniform(0.05, 0.2))


def flat_norm(rng: np.random.Generator) -> Args:
    """Positions whose numbers are all alike, with an eps of almost nothing."""
    C = int(rng.integers(4, 7))
    x = np.repeat(np.round(rng.normal(size=(5, 1)), 1), C, axis=1)
    x[1] = rng.normal(size=C)
    return x, rng.normal(size=C), rng.normal(size=C), 1e-5


def unfit_norm(rng: np.random.Generator) -> Args:
    """A g or a b of one number, which numpy would stretch."""
    x, g, b, eps = for_norm(rng)
    return (x, g[:1], b, eps) if rng.random() < 0.5 else (x, g, b[:1], eps)


def for_mlp(rng: np.random.Generator) -> Args:
    """x and two arrays."""
    return rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 11)), rng.normal(size=(11, 4))


def unfit_mlp(rng: np.random.Generator) -> Args:
    """An array that leads to fewer numbers, or to more."""
    x, widen, narrow = for_mlp(rng)
    return x, widen, narrow[:, :-1] if rng.random() < 0.5 else np.concatenate([narrow, narrow[:, :1]], axis=1)


def some_block(rng: np.random.Generator, C: int) -> Arrays:
    """The arrays of a block, norms that matter among them."""
    shapes = {"qkv": (C, 3 * C), "out": (C, C), "widen": (C, 4 * C), "narrow": (4 * C, C)}
    arrays = {name: rng.normal(size=shape) * 0.5 for name, shape in shapes.items()}
    return arrays | {name: rng.normal(size=C) + 0.5 for name in ("g1", "b1", "g2", "b2")}


def for_block(rng: np.random.Generator) -> Args:
    """x, the arrays of a block, and a number of heads."""
    H, D = [(2, 3), (3, 2), (2, 4)][int(rng.integers(3))]
    return rng.normal(size=(2, 5, H * D)) * 2 + 0.3, some_block(rng, H * D), H


def idle_block(rng: np.random.Generator) -> Args:
    """A block that adds nothing."""
    x, arrays, n_head = for_block(rng)
    return x, {**arrays, "out": 0 * arrays["out"], "narrow": 0 * arrays["narrow"]}, n_head


def unfit_block(rng: np.random.Generator) -> Args:
    """Heads that do not fit."""
    return rng.normal(size=(1, 4, 6)), some_block(rng, 6), 4


def for_sines(rng: np.random.Generator) -> Args:
    """A number of positions, and a width."""
    return int(rng.integers(5, 9)), 2 * int(rng.integers(3, 6))


def some_gpt(rng: np.random.Generator, n_layer: int = 2) -> Arrays:
    """A GPT of 9 symbols, a context of 8, and 6 numbers a position."""
    C = 6
    params = {"E": rng.normal(size=(9, C)), "P": rng.normal(size=(8, C)), "g": rng.normal(size=C) + 0.5}
    params["b"] = rng.normal(size=C)
    for i in range(n_layer):
        params |= {f"{i}.{name}": array for name, array in some_block(rng, C).items()}
    return params


def for_gpt(rng: np.random.Generator) -> Args:
    """A GPT of two or three blocks, and texts shorter than its context."""
    return some_gpt(rng, int(rng.integers(2, 4))), rng.integers(0, 9, (2, 5)), int(rng.integers(2, 4))


def no_blocks(rng: np.random.Generator) -> Args:
    """A GPT without blocks, and texts as long as its context."""
    return some_gpt(rng, 0), rng.integers(0, 9, (3, 8)), 2


def too_long(rng: np.random.Generator) -> Args:
    """Texts that do not fit."""
    return some_gpt(rng), rng.integers(0, 9, (2, 9)), 2


def some_sizes(rng: np.random.Generator) -> Args:
    """V, context, C, n_layer."""
    V, context = int(rng.integers(20, 300)), int(rng.integers(8, 64))
    return V, context, int(rng.integers(2, 30)), int(rng.integers(2, 6))


def wrong_sizes(rng: np.random.Generator) -> Args:
    """A size of 0, or a number of blocks below 0."""
    sizes = list(some_sizes(rng))
    which = int(rng.integers(4))
    sizes[which] = -1 if which == 3 else 0
    return tuple(sizes)


def for_loss(rng: np.random.Generator, size: float = 1.0) -> Args:
    """Logits and ids."""
    B, T, V = 3, int(rng.integers(4, 7)), int(rng.integers(7, 10))
    return rng.normal(size=(B, T, V)) * 2 * size, rng.integers(0, V, (B, T))


def one_symbol(rng: np.random.Generator) -> Args:
    """Texts of one symbol."""
    logits, ids = for_loss(rng)
    return logits[:, :1], ids[:, :1]


# --- the mistakes ----------------------------------------------------------------------------------------------


def normed_by(
    spread: Callable[[np.ndarray, float], np.ndarray], centred: bool = True
) -> Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]:
    """Layer norm with another divisor."""

    def version(x: np.ndarray, g: np.ndarray, b: np.ndarray, eps: float) -> np.ndarray:
        mean = x.mean(axis=-1, keepdims=True) if centred else 0.0
        return np.asarray((x - mean) / spread(x, eps) * g + b)

    return version


def variance(x: np.ndarray, ddof: int = 0) -> np.ndarray:
    """That of each position, with its axis kept."""
    return np.asarray(x.var(axis=-1, keepdims=True, ddof=ddof))


def over_positions(x: np.ndarray, g: np.ndarray, b: np.ndarray, eps: float) -> np.ndarray:
    """Mean and variance of each column over the positions."""
    mean, spread = x.mean(axis=-2, keepdims=True), x.var(axis=-2, keepdims=True)
    return np.asarray((x - mean) / np.sqrt(spread + eps) * g + b)


def over_everything(x: np.ndarray, g: np.ndarray, b: np.ndarray, eps: float) -> np.ndarray:
    """One mean and one variance for all."""
    return np.asarray((x - x.mean()) / np.sqrt(x.var() + eps) * g + b)


def with_bend(bend: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """The network with another function in place of gelu."""
    return lambda x, widen, narrow: bend(x @ widen) @ narrow


def post_norm(x: np.ndarray, a: Arrays, n_head: int) -> np.ndarray:
    """Norm after each sum."""
    x = layer_norm(x + attention(x, a["qkv"], a["out"], n_head), a["g1"], a["b1"], EPS)
    return layer_norm(x + mlp(x, a["widen"], a["narrow"]), a["g2"], a["b2"], EPS)


def no_first_stream(x: np.ndarray, a: Arrays, n_head: int) -> np.ndarray:
    """Attention replaces x."""
    x = look(x, a, n_head)
    return x + think(x, a)


def no_second_stream(x: np.ndarray, a: Arrays, n_head: int) -> np.ndarray:
    """The network replaces x."""
    return think(x + look(x, a, n_head), a)


def normed_stream(x: np.ndarray, a: Arrays, n_head: int) -> np.ndarray:
    """x = norm(x); x = x + part(x)."""
    x = layer_norm(x, a["g1"], a["b1"], EPS)
    x = x + attention(x, a["qkv"], a["out"], n_head)
    x = layer_norm(x, a["g2"], a["b2"], EPS)
    return x + mlp(x, a["widen"], a["narrow"])


def exchanged(a: Arrays) -> Arrays:
    """The first norm's arrays for the second, and the other way round."""
    return {**a, "g1": a["g2"], "b1": a["b2"], "g2": a["g1"], "b2": a["b1"]}


def think_first(x: np.ndarray, a: Arrays, n_head: int) -> np.ndarray:
    """The network before attention."""
    x = x + think(x, a)
    return x + look(x, a, n_head)


def without_norms(x: np.ndarray, a: Arrays, n_head: int) -> np.ndarray:
    """No norm at all."""
    x = x + attention(x, a["qkv"], a["out"], n_head)
    return x + mlp(x, a["widen"], a["narrow"])


Gpt = Callable[[Arrays, np.ndarray, int], np.ndarray]


def gpt_with(
    start: Callable[[Arrays, np.ndarray], np.ndarray] = begin,
    chosen: Callable[[list[Arrays]], list[Arrays]] = lambda blocks: blocks,
    end: Callable[[np.ndarray, Arrays], np.ndarray] = head,
) -> Gpt:
    """A GPT of which one part is another."""
    return lambda params, ids, n_head: end(through(start(params, ids), chosen(blocks_in(params)), n_head), params)


def last_positions(params: Arrays, ids: np.ndarray) -> np.ndarray:
    """The last rows of P."""
    return np.asarray(params["E"][ids] + params["P"][len(params["P"]) - ids.shape[1] :])


def one_position(params: Arrays, ids: np.ndarray) -> np.ndarray:
    """The same row of P everywhere."""
    return np.asarray(params["E"][ids] + params["P"][0])


def position_of_id(params: Arrays, ids: np.ndarray) -> np.ndarray:
    """P looked up by the ids, as E is."""
    return np.asarray(params["E"][ids] + params["P"][np.minimum(ids, len(params["P"]) - 1)])


def base_two(logits: np.ndarray, ids: np.ndarray) -> float:
    """Bits."""
    return next_loss(logits, ids) / float(np.log(2))


def overflowing(logits: np.ndarray, ids: np.ndarray) -> float:
    """exp without taking the largest away."""
    e = np.exp(logits[:, :-1])
    p = np.take_along_axis(e / e.sum(axis=-1, keepdims=True), follows(ids)[..., None], axis=-1)
    return float(-np.log(p).mean())


def log_of_mean(logits: np.ndarray, ids: np.ndarray) -> float:
    """The logarithm of the mean probability."""
    return float(-np.log(np.exp(-surprises(logits[:, :-1], follows(ids))).mean()))


def softmax_over_time(logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(B, T) nats, where each symbol shares itself out over the positions."""
    z = logits - logits.max(axis=1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.take_along_axis(logs, ids[..., None], axis=-1)[..., 0]


def against_zero(logits: np.ndarray, ids: np.ndarray) -> float:
    """The last position is asked for a mark that is not there."""
    padded = np.concatenate([follows(ids), 0 * ids[:, :1]], axis=1)
    return float(surprises(logits, padded).mean())


EXERCISES = [
    Exercise(
        "layer_norm",
        layer_norm,
        (
            Item("norms every position by itself", 0.75, for_norm),
            Item("turns a position of equal numbers into b", 0.25, flat_norm),
            Item("refuses a g or b of another length", 0.25, unfit_norm, times=6),
        ),
        (
            Wrong(
                "the variance is divided by C - 1; here it is the mean of the squares, so divide by C (ddof=0)",
                normed_by(lambda x, eps: np.sqrt(variance(x, ddof=1) + eps)),
            ),
            Wrong(
                "eps is added to the standard deviation; it stands under the root, beside the variance",
                normed_by(lambda x, eps: np.sqrt(variance(x)) + eps),
            ),
            Wrong(
                "eps is missing; a position of equal numbers has the variance 0, and 0 / 0 is nan",
                normed_by(lambda x, eps: np.sqrt(variance(x))),
            ),
            Wrong(
                "the differences are divided by the variance; divide by its square root",
                normed_by(lambda x, eps: variance(x) + eps),
            ),
            Wrong(
                "the mean is not taken away; subtract it before you divide",
                normed_by(lambda x, eps: np.sqrt(variance(x) + eps), centred=False),
            ),
            Wrong(
                "this is RMS norm, which leaves the mean where it is; take the mean away first",
                lambda x, g, b, eps: x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps) * g + b,
            ),
            Wrong(
                "mean and variance run over the positions; every position is normed by itself, over the last axis",
                over_positions,
            ),
            Wrong(
                "one mean and one variance serve all positions; take them over the last axis, with keepdims=True",
                over_everything,
            ),
            Wrong(
                "g and b are not used; stretch by g and add b at the end",
                lambda x, g, b, eps: normed(x, eps),
            ),
            Wrong(
                "b is added before g stretches; first times g, then plus b",
                lambda x, g, b, eps: (normed(x, eps) + b) * g,
            ),
        ),
    ),
    Exercise(
        "gelu",
        gelu,
        (
            Item(
                "bends a line",
                0.5,
                lambda rng: (np.append(rng.normal(size=(3, 4)) * 2, [[-40.0, 0, 0.5, 40]], axis=0),),
            ),
        ),
        (
            Wrong("this is ReLU, which has a corner at 0; GELU goes over smoothly", lambda x: np.maximum(x, 0)),
            Wrong(
                "this is the exact form with erf; the contract asks for the one with tanh, as in GPT-2 (they differ "
                "in the fourth digit)",
                gelu_of_erf,
            ),
            Wrong(
                "this is x times the logistic function of 1.702 x, a coarser approximation; use the form with tanh",
                lambda x: x * (1 + np.tanh(0.851 * x)) / 2,
            ),
            Wrong(
                "this is x times the logistic function of x (SiLU); use the form with tanh",
                lambda x: x * (1 + np.tanh(x / 2)) / 2,
            ),
            Wrong(
                "the root multiplies x alone; it stands before the bracket and multiplies the cube as well",
                lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * x + BEND * x**3)),
            ),
            Wrong(
                "the cube is a square; x**2 loses the sign of x, so it is x**3",
                lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + BEND * x**2))),
            ),
            Wrong("the half is missing; (1 + tanh) goes from 0 to 2", lambda x: 2 * gelu(x)),
            Wrong(
                "the 1 is missing; 1 + tanh is a share that is 0 on the far left",
                lambda x: x / 2 * np.tanh(np.sqrt(2 / np.pi) * (x + BEND * x**3)),
            ),
            Wrong(
                "it is 2 / pi without its root; take the square root",
                lambda x: x / 2 * (1 + np.tanh(2 / np.pi * (x + BEND * x**3))),
            ),
        ),
    ),
    Exercise(
        "mlp",
        mlp,
        (
            Item("widens, bends and narrows", 0.5, for_mlp),
            Item("refuses an array that does not lead back", 0.25, unfit_mlp, times=6),
        ),
        (
            Wrong(
                "nothing is bent, and two products in a row are one; gelu stands between them", with_bend(lambda z: z)
            ),
            Wrong("it bends with ReLU; here it is gelu", with_bend(lambda z: np.maximum(z, 0))),
            Wrong("it bends with tanh alone; here it is gelu", with_bend(np.tanh)),
            Wrong(
                "gelu comes at the end too; what a block adds is not bent, so leave the second product as it is",
                lambda x, widen, narrow: gelu(mlp(x, widen, narrow)),
            ),
            Wrong(
                "x is bent before it is widened; bend between the products",
                lambda x, widen, narrow: gelu(x) @ widen @ narrow,
            ),
            Wrong(
                "x is added to the result; the block does that, and this function only returns what is added",
                lambda x, widen, narrow: x + mlp(x, widen, narrow),
            ),
        ),
    ),
    Exercise(
        "block",
        block,
        (
            Item("looks back, thinks, and adds both", 1.5, for_block),
            Item("that adds nothing leaves x as it is", 0.25, idle_block),
            Item("refuses heads that do not fit", 0.25, unfit_block),
        ),
        (
            Wrong(
                "the norm stands after each sum (post-norm); here it stands before each part, and the stream itself "
                "is never normed",
                post_norm,
            ),
            Wrong("attention takes the place of x; what it says is added: x + attention(...)", no_first_stream),
            Wrong("the network takes the place of x; what it says is added: x + mlp(...)", no_second_stream),
            Wrong(
                "the normed copy is kept as x; norm inside the call, x + attention(layer_norm(x, ...), ...), so that "
                "the stream stays what it was",
                normed_stream,
            ),
            Wrong("the norms are missing; each part reads layer_norm of x", without_norms),
            Wrong(
                "the network reads x as it was before attention; first add what attention says, then norm the sum",
                lambda x, arrays, n_head: x + look(x, arrays, n_head) + think(x, arrays),
            ),
            Wrong(
                "both norms use g1 and b1; the second one has g2 and b2",
                lambda x, arrays, n_head: block(x, {**arrays, "g2": arrays["g1"], "b2": arrays["b1"]}, n_head),
            ),
            Wrong(
                "the norms are exchanged; g1 and b1 stand before attention, g2 and b2 before the network",
                lambda x, arrays, n_head: block(x, exchanged(arrays), n_head),
            ),
            Wrong("it thinks first and looks back afterwards; attention comes first", think_first),
            Wrong(
                "the network is missing; after x + attention comes x + mlp",
                lambda x, arrays, n_head: x + look(x, arrays, n_head),
            ),
            Wrong(
                "attention has one head; hand n_head on",
                lambda x, arrays, n_head: block(x, arrays, 1 if x.shape[-1] % n_head == 0 else n_head),
            ),
        ),
    ),
    Exercise(
        "sinusoidal",
        sinusoidal,
        (
            Item("turns a hand for every pair", 0.5, for_sines),
            Item("refuses an odd width", 0.25, lambda rng: (4, 2 * int(rng.integers(2, 5)) + 1)),
        ),
        (
            Wrong(
                "all sines stand in front and all cosines behind; they take turns, sines in the even columns",
                lambda T, C: np.concatenate([sinusoidal(T, C)[:, 0::2], sinusoidal(T, C)[:, 1::2]], axis=1),
            ),
            Wrong(
                "sine and cosine are exchanged; the sine comes first",
                lambda T, C: paired(np.arange(T)[:, None] / SLOWEST ** (np.arange(0, C, 2) / C), np.cos, np.sin),
            ),
            Wrong(
                "the hands slow down half as fast; with i the number of the pair the exponent is 2 i / C",
                lambda T, C: paired(np.arange(T)[:, None] / SLOWEST ** (np.arange(C // 2) / C)),
            ),
            Wrong(
                "each column has a speed of its own; the two of a pair share one, that of 2 i",
                lambda T, C: np.where(
                    np.arange(C) % 2 == 0,
                    np.sin(np.arange(T)[:, None] / SLOWEST ** (np.arange(C) / C)),
                    np.cos(np.arange(T)[:, None] / SLOWEST ** (np.arange(C) / C)),
                ),
            ),
            Wrong(
                "positions count from 1; the first is 0, so row 0 is 0, 1 over and over",
                lambda T, C: sinusoidal(T + 1, C)[1:],
            ),
            Wrong(
                "the position is multiplied by the power of 10000, so the hands race; divide by it",
                lambda T, C: paired(np.arange(T)[:, None] * SLOWEST ** (np.arange(0, C, 2) / C)),
            ),
        ),
    ),
    Exercise(
        "gpt",
        gpt,
        (
            Item("goes from ids to logits", 1.25, for_gpt),
            Item("without blocks still knows places and norms", 0.5, no_blocks),
            Item("refuses texts longer than the context", 0.25, too_long),
        ),
        (
            Wrong(
                "the positions are missing, and without them a text is a bag; add the first T rows of P",
                gpt_with(start=lambda params, ids: params["E"][ids]),
            ),
            Wrong(
                "the positions are the last rows of P; a text begins at position 0", gpt_with(start=last_positions)
            ),
            Wrong("every place gets the first row of P; place t gets row t", gpt_with(start=one_position)),
            Wrong(
                "P is looked up by the ids; it is about places, so its rows are taken in order: P[:T]",
                gpt_with(start=position_of_id),
            ),
            Wrong(
                "the last norm is missing; the stream has grown with every block, so norm it before the head",
                gpt_with(end=lambda x, params: x @ params["E"].T),
            ),
            Wrong(
                "a softmax stands at the end; logits are asked for, and the loss makes probabilities of them",
                gpt_with(end=lambda x, params: softmax(head(x, params))),
            ),
            Wrong(
                "the logits are divided by the root of C; that belongs to attention, and the head is a plain product",
                gpt_with(end=lambda x, params: head(x, params) / np.sqrt(x.shape[-1])),
            ),
            Wrong("only block 0 is used; go through all of them in turn", gpt_with(chosen=lambda blocks: blocks[:1])),
            Wrong(
                "every time it is block 0; take the arrays of block i",
                gpt_with(chosen=lambda blocks: blocks[:1] * len(blocks)),
            ),
            Wrong(
                "the blocks come in the opposite order; begin with block 0",
                gpt_with(chosen=lambda blocks: blocks[::-1]),
            ),
        ),
    ),
    Exercise(
        "count_parameters",
        count_parameters,
        (
            Item("counts a block and all", 0.375, some_sizes),
            Item(
                "counts a GPT without blocks",
                0.125,
                lambda rng: (int(rng.integers(20, 300)), 1, int(rng.integers(2, 30)), 0),
            ),
            Item("refuses a size below 1", 0.25, wrong_sizes, times=12),
        ),
        (
            Wrong(
                "the head is counted as an array of its own; it is E, so it costs nothing",
                lambda V, context, C, n_layer: counted(V, context, C, n_layer, 12 * C * C + 4 * C, V * C),
            ),
            Wrong(
                "the last norm is missing in the total; it has 2 C numbers",
                lambda V, context, C, n_layer: counted(V, context, C, n_layer, 12 * C * C + 4 * C, -2 * C),
            ),
            Wrong(
                "the norms of the block are missing; each of the two has a g and a b of C numbers",
                lambda V, context, C, n_layer: counted(V, context, C, n_layer, 12 * C * C),
            ),
            Wrong(
                "each norm of the block is counted with C numbers; it has a g and a b",
                lambda V, context, C, n_layer: counted(V, context, C, n_layer, 12 * C * C + 2 * C),
            ),
            Wrong(
                "the network is counted once; it is widen and narrow, 4 C x C each",
                lambda V, context, C, n_layer: counted(V, context, C, n_layer, 8 * C * C + 4 * C),
            ),
            Wrong(
                "attention's array out (C x C) is missing in the block",
                lambda V, context, C, n_layer: counted(V, context, C, n_layer, 11 * C * C + 4 * C),
            ),
            Wrong(
                "biases are counted with the arrays of the block; here only the norms have them",
                lambda V, context, C, n_layer: counted(V, context, C, n_layer, 12 * C * C + 13 * C),
            ),
            Wrong(
                "the total has only one block; there are n_layer of them",
                lambda V, context, C, n_layer: counted(
                    V, context, C, n_layer, 12 * C * C + 4 * C, (1 - n_layer) * (12 * C * C + 4 * C)
                ),
            ),
            Wrong(
                "the positions are missing in the total; P has context x C numbers",
                lambda V, context, C, n_layer: counted(V, context, C, n_layer, 12 * C * C + 4 * C, -context * C),
            ),
        ),
    ),
    Exercise(
        "next_loss",
        next_loss,
        (
            Item("compares each guess with the next symbol", 0.375, for_loss),
            Item("takes texts of two symbols", 0.125, lambda rng: tuple(part[:, :2] for part in for_loss(rng))),
            Item("is stable for large logits", 0.25, lambda rng: for_loss(rng, size=1000.0)),
            Item("refuses texts of one symbol", 0.25, one_symbol),
        ),
        (
            Wrong(
                "each guess is compared with the symbol of its own place, which the model has seen; compare "
                "logits[:, :-1] with ids[:, 1:]",
                lambda logits, ids: float(surprises(logits, ids)[:, : len(follows(ids)[0]) + 1].mean()),
            ),
            Wrong(
                "each guess is compared with the symbol before it; the row at t is about t + 1, so cut the last "
                "logits and the first ids",
                lambda logits, ids: float(surprises(logits[:, 1:], ids[:, : len(follows(ids)[0])]).mean()),
            ),
            Wrong(
                "the sum of the places is returned; take their mean, so that long texts compare with short ones",
                lambda logits, ids: float(surprises(logits[:, :-1], follows(ids)).sum()),
            ),
            Wrong(
                "every text's losses are added and then averaged over the texts; take the mean over all places",
                lambda logits, ids: float(surprises(logits[:, :-1], follows(ids)).sum(axis=1).mean()),
            ),
            Wrong("the logarithm has the base 2; nats take the natural one", base_two),
            Wrong(
                "the sign is missing; the logarithm of a probability is negative, and the loss is minus that",
                lambda logits, ids: -next_loss(logits, ids),
            ),
            Wrong(
                "exp of a large logit is infinite; take the largest of each place away first",
                overflowing,
            ),
            Wrong(
                "the mean is taken of the probabilities and the logarithm of that; each place has its own logarithm, "
                "and the mean comes last",
                log_of_mean,
            ),
            Wrong(
                "the softmax runs over the positions; each position is a guess of its own, so sum over the last axis",
                lambda logits, ids: float(softmax_over_time(logits[:, :-1], follows(ids)).mean()),
            ),
            Wrong(
                "the last position is asked as well, for a mark that does not stand there; it has no next symbol, so "
                "leave it out",
                against_zero,
            ),
        ),
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------

# What training takes too long to find in a test, and the command that found it:
#     python -m lmlab train --model classic --steps 2000 --threads 1 --out gpt
#         --option context=16 --option d_model=32 --option n_layer=1 --option n_head=4
TRAINED_STEPS, TRAINED_LOSS = 2000, 2.0359  # nats per character on the validation names

GPT2 = (50257, 1024, 768, 12)
NAMES = (27, 16, 32, 1)


def first_params(size: float) -> Arrays:
    """A GPT for names before training, with random numbers of this size."""
    rng = np.random.default_rng(9)
    V, context, C, n_layer = NAMES
    params = {"E": size * rng.normal(size=(V, C)), "P": size * rng.normal(size=(context, C))}
    params |= {"g": np.ones(C), "b": np.zeros(C)}
    for i in range(n_layer):
        for name, array in some_block(rng, C).items():
            plain = np.ones(C) if name in ("g1", "g2") else np.zeros(C)
            params[f"{i}.{name}"] = plain if array.ndim == 1 else size * rng.normal(size=array.shape)
    return params


@cache
def loss_at_first(size: float) -> float:
    """Nats a character on some of the validation names before training."""
    found = []
    for name in load_corpus("names").part("validation")[:500]:
        ids = np.array([[0, *(ord(letter) - ord("a") + 1 for letter in name), 0]])
        found.append((next_loss(gpt(first_params(size), ids, 4), ids), ids.shape[1] - 1))
    return float(np.average([loss for loss, _ in found], weights=[places for _, places in found]))


def in_blocks() -> float:
    """Per cent of GPT-2's numbers that stand in its blocks."""
    one, total = count_parameters(*GPT2)
    return 100 * GPT2[3] * one / total


def stream_sizes() -> list[float]:
    """The root of the mean square of the stream before and after each of eight blocks of random numbers."""
    rng = np.random.default_rng(9)
    x, found = rng.normal(size=(4, 16, 32)), []
    for _ in range(9):
        found.append(float(np.sqrt(np.mean(x**2))))
        arrays = {
            name: np.zeros(32) if array.ndim == 1 else array / 2.5 for name, array in some_block(rng, 32).items()
        }
        arrays |= {"g1": np.ones(32), "g2": np.ones(32)}
        x = block(x, arrays, 4)
    return found


ANSWERS: dict[str, Callable[[], float]] = {
    "four_blocks": lambda: float(count_parameters(27, 16, 64, 4)[1]),
    "in_blocks": in_blocks,
    "first_loss": lambda: float(np.log(GPT2[0])),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "bend_gap": lambda: (
        f"{np.abs(gelu(np.linspace(-6, 6, 12001)) - gelu_of_erf(np.linspace(-6, 6, 12001))).max():.4f}"
    ),
    "names_block": lambda: f"{count_parameters(*NAMES)[0]:,}",
    "names_total": lambda: f"{count_parameters(*NAMES)[1]:,}",
    "gpt2_total": lambda: f"{count_parameters(*GPT2)[1]:,}",
    "gpt2_embedding": lambda: f"{GPT2[0] * GPT2[2]:,}",
    "uniform_loss": lambda: f"{np.log(27):.3f}",
    "small_loss": lambda: f"{loss_at_first(0.02):.2f}",
    "large_loss": lambda: f"{loss_at_first(1.0):.1f}",
    "stream_last": lambda: f"{stream_sizes()[-1]:.1f}",
    "gpt2_biases": lambda: f"{GPT2[3] * 9 * GPT2[2]:,}",
    "cache": lambda: f"{2 * GPT2[3] * GPT2[2]:,}",
    "trained_steps": lambda: f"{TRAINED_STEPS:,}",
    "trained_loss": lambda: f"{TRAINED_LOSS:.2f}",
}


# --- the picture of the README -----------------------------------------------------------------------------------

INK, MODEL, STREAM, PALE = "#333333", "#0072b2", "#d55e00", "#dbe9f4"


def label(x: float, y: float, text: str, fill: str = INK, size: int = 14, anchor: str = "middle") -> str:
    """One text of the picture."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="{fill}">{text}</text>'


def box(x: float, y: float, width: float, text: str) -> list[str]:
    """A part of the machine, with its middle at (x, y)."""
    left, top = x - width / 2, y - 17
    rect = f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="34" rx="6" fill="{PALE}"/>'
    return [rect, label(x, y + 5, text)]


def line(path: str, fill: str, width: float = 2) -> str:
    """A path without a filling."""
    return f'<path d="{path}" stroke="{fill}" stroke-width="{width:g}" fill="none"/>'


def picture() -> str:
    """The picture of the README as SVG: the stream from ids to logits, and what reads it and adds to it."""
    said = "The stream of a GPT from left to right; attention and the network read normed copies and add to it"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 300" font-family="system-ui, sans-serif" '
        f'role="img" aria-label="{said}">',
        '<rect width="840" height="300" fill="#ffffff"/>',
        '<rect x="182" y="40" width="442" height="218" rx="10" fill="none" stroke="#999999" stroke-dasharray="6 5"/>',
        label(403, 30, "one block, n_layer of them one after the other"),
        line("M150 230H664", STREAM, 5),
        label(403, 280, "the stream x, (T, C): nothing but additions", STREAM),
    ]
    parts += box(40, 230, 56, "ids") + box(116, 230, 68, "E + P")
    parts.append(line("M68 230H82", INK))
    middle = ((225, "g1, b1", "attention", "qkv, out"), (445, "g2, b2", "mlp", "widen, narrow"))
    for left, norm, part, arrays in middle:
        parts.append(line(f"M{left} 230V90H{left + 130}V216", MODEL))
        parts += box(left, 170, 62, "norm") + box(left + 72, 90, 96, part)
        parts += [label(left + 38, 175, norm, MODEL, 12, "start"), label(left + 72, 64, arrays, MODEL, 12)]
        parts.append(f'<path d="M{left + 130} 220l-5 -9h10z" fill="{MODEL}"/>')
        parts.append(f'<circle cx="{left + 130}" cy="230" r="11" fill="#ffffff" stroke="{STREAM}" stroke-width="2"/>')
        parts.append(label(left + 130, 235, "+", STREAM, 16))
    parts += box(692, 230, 62, "norm") + box(780, 230, 76, "times E")
    parts += [line("M723 230H742", INK), label(692, 204, "g, b", MODEL, 12), line("M780 213V176", INK)]
    parts += [label(780, 166, "logits (T, V)"), '<path d="M780 176l-5 9h10z" fill="#333333"/>']
    return "\n".join([*parts, "</svg>"]) + "\n"
