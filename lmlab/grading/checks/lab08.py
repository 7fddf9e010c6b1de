"""Lab 08, attention: what is checked, the mistakes people make, and the numbers of its README."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from lmlab.data.corpus import load_corpus
from lmlab.grading.checks import lab02
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

Model = Callable[[np.ndarray], np.ndarray]
Shares = Callable[[np.ndarray], np.ndarray]


# --- the reference ---------------------------------------------------------------------------------------------


def scores(q: np.ndarray, k: np.ndarray) -> np.ndarray:
    """(T, S) dot products over the root of the width."""
    if q.shape[1] != k.shape[1]:
        raise ValueError(f"q has {q.shape[1]} columns and k has {k.shape[1]}")
    return q @ k.T / np.sqrt(q.shape[1])


def softmax(s: np.ndarray, axis: int = -1) -> np.ndarray:
    """Shares that sum to 1 along an axis.

    >>> softmax(np.array([0.0, -np.inf, 0.0])).tolist()
    [0.5, 0.0, 0.5]
    """
    e = np.exp(s - s.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def future(T: int) -> np.ndarray:
    """(T, T) True where the column is later than the row."""
    return np.triu(np.ones((T, T), dtype=bool), k=1)


def masked(s: np.ndarray, low: float = -np.inf) -> np.ndarray:
    """Scores with the future set to a low number."""
    return np.where(future(len(s)), low, s)


def causal_weights(s: np.ndarray) -> np.ndarray:
    """(T, T) shares of the past; each row sums to 1."""
    if s.shape != (len(s), len(s)):
        raise ValueError(f"scores of shape {s.shape} are not square")
    return softmax(masked(s))


def causal_attention(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(T, e) mixtures of the values so far."""
    return causal_weights(scores(q, k)) @ v


def split_heads(x: np.ndarray, n_head: int) -> np.ndarray:
    """(T, C) -> (H, T, C / H)."""
    return cut(x, n_head).transpose(1, 0, 2)


def cut(x: np.ndarray, n_head: int) -> np.ndarray:
    """(T, C) -> (T, H, C / H)."""
    T, C = x.shape
    if C % n_head:
        raise ValueError(f"{C} columns do not divide into {n_head} heads")
    return x.reshape(T, n_head, C // n_head)


def merge_heads(heads: np.ndarray) -> np.ndarray:
    """(H, T, D) -> (T, H D)."""
    if heads.ndim != 3:
        raise ValueError(f"heads of shape {heads.shape} do not have three axes")
    H, T, D = heads.shape
    return heads.transpose(1, 0, 2).reshape(T, H * D)


Attend = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def with_heads(
    x: np.ndarray, Wq: np.ndarray, Wk: np.ndarray, Wv: np.ndarray, n_head: int, attend: Attend = causal_attention
) -> np.ndarray:
    """(H, T, D) what every head has heard."""
    q, k, v = (split_heads(x @ W, n_head) for W in (Wq, Wk, Wv))
    return np.stack([attend(*one) for one in zip(q, k, v, strict=True)])


def multi_head(
    x: np.ndarray, Wq: np.ndarray, Wk: np.ndarray, Wv: np.ndarray, Wo: np.ndarray, n_head: int
) -> np.ndarray:
    """(T, C) self-attention with several heads."""
    return merge_heads(with_heads(x, Wq, Wk, Wv, n_head)) @ Wo


# A function cannot travel to the student's process, so the models that `sees_ahead` examines are made there, from
# this text; the reference makes its own from the same text.
MODELS_TEXT = """
import numpy as np

def one_ahead(x, steps=1):
    y = x.copy()
    y[:-steps] += 0.5 * x[steps:]
    return y

def late(x):
    y = np.cumsum(x, axis=0)
    y[len(x) // 2:] += x[-1]
    return y

MODELS = {
    "nothing but itself": lambda x: 3 * x,
    "sum so far": lambda x: np.cumsum(x, axis=0),
    "the row before": lambda x: np.concatenate([0 * x[:1], x[:-1]]),
    "mean of everything": lambda x: 0 * x + x.mean(axis=0),
    "one ahead": one_ahead,
    "two ahead": lambda x: one_ahead(x, 2),
    "reversed": lambda x: x[::-1].copy(),
    "the end, from the middle on": late,
    "one row too few": lambda x: x[1:].copy(),
    "one row too many": lambda x: np.concatenate([x, x[:1]]),
}
"""
PROBE = (
    MODELS_TEXT
    + """
def probe(lab, names, x):
    if not hasattr(lab, "sees_ahead"):
        raise NameError("there is no function sees_ahead in your file (was it renamed or removed?)")
    return {name: lab.sees_ahead(MODELS[name], x.copy()) for name in names}
"""
)
SPACE: dict[str, Any] = {}
exec(MODELS_TEXT, SPACE)
MODELS: dict[str, Model] = SPACE["MODELS"]
BLIND = ["nothing but itself", "sum so far", "the row before"]
SEEING = ["mean of everything", "one ahead", "two ahead", "reversed", "the end, from the middle on"]


def sees_ahead(model: Model, x: np.ndarray) -> list[int]:
    """The positions whose output moves when the rows after them do."""
    before = model(x)
    if len(before) != len(x):
        raise ValueError(f"the model makes {len(before)} rows of {len(x)}")
    return [t for t in range(len(x) - 1) if moved(model(nudged(x, t + 1))[t], before[t])]


def nudged(x: np.ndarray, begin: int, end: int | None = None) -> np.ndarray:
    """A copy with 1 added to the rows from `begin` on."""
    other = x.copy()
    other[begin:end] += 1
    return other


def moved(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether any number differs."""
    return bool(np.abs(one - other).max() > 1e-9)


def on_all(test: Callable[[Model, np.ndarray], list[int]]) -> Callable[[list[str], np.ndarray], Any]:
    """What the probe asks: the test on several models."""
    return lambda names, x: {name: test(MODELS[name], x.copy()) for name in names}


# --- the arguments ---------------------------------------------------------------------------------------------


def queries_and_keys(rng: np.random.Generator) -> Args:
    """Different numbers of queries, keys and columns."""
    T, S, d = 4, int(rng.integers(5, 7)), int(rng.integers(7, 10))
    return rng.normal(size=(T, d)), rng.normal(size=(S, d)) * 2


def unfit_queries(rng: np.random.Generator) -> Args:
    """Queries and keys of different widths."""
    q, k = queries_and_keys(rng)
    return q, k[:, :-1]


def some_scores(rng: np.random.Generator) -> Args:
    """(T, T) scores."""
    T = int(rng.integers(5, 8))
    return (rng.normal(size=(T, T)) * 2,)


def far_scores(rng: np.random.Generator) -> Args:
    """Scores that lie around -20000 and far from one another."""
    T = int(rng.integers(5, 8))
    return (rng.normal(size=(T, T)) * 3000 - 20000,)


def oblong_scores(rng: np.random.Generator) -> Args:
    """Scores of more keys than queries, or of fewer."""
    return (rng.normal(size=(4, 6) if rng.random() < 0.5 else (6, 4)),)


def for_attention(rng: np.random.Generator, size: float = 1.0) -> Args:
    """Queries, keys and values; no two of the sizes are the same."""
    T, d, e = int(rng.integers(6, 8)), int(rng.integers(3, 5)), int(rng.integers(8, 10))
    return rng.normal(size=(T, d)) * size, rng.normal(size=(T, d)) * 2 * size, rng.normal(size=(T, e))


def no_queries(rng: np.random.Generator) -> Args:
    """Queries of zero, for which all keys fit the same."""
    q, k, v = for_attention(rng)
    return 0 * q, k, v


def one_position(rng: np.random.Generator) -> Args:
    """A text of one position."""
    return rng.normal(size=(1, 4)), rng.normal(size=(1, 4)), rng.normal(size=(1, 6))


def unfit_attention(rng: np.random.Generator) -> Args:
    """Queries and keys of different widths."""
    q, k, v = for_attention(rng)
    return q, k[:, :-1], v


def to_split(rng: np.random.Generator) -> Args:
    """(T, C) and a number of heads, all of different sizes."""
    H, D = [(2, 4), (3, 2), (4, 3)][int(rng.integers(3))]
    return rng.normal(size=(5, H * D)), H


def unfit_split(rng: np.random.Generator) -> Args:
    """Columns that cannot be shared out."""
    return rng.normal(size=(5, 8)), 3


def to_merge(rng: np.random.Generator) -> Args:
    """(H, T, D)."""
    return (rng.normal(size=(int(rng.integers(2, 4)), 5, 4)),)


def for_heads(rng: np.random.Generator) -> Args:
    """x, four square arrays, and a number of heads."""
    H, D = [(2, 4), (3, 2), (4, 2)][int(rng.integers(3))]
    return (rng.normal(size=(7, H * D)), *(rng.normal(size=(H * D, H * D)) * 0.6 for _ in range(4)), H)


def unfit_heads(rng: np.random.Generator) -> Args:
    """Columns that cannot be shared out."""
    return (rng.normal(size=(4, 6)), *(rng.normal(size=(6, 6)) for _ in range(4)), 4)


def for_test(names: list[str]) -> Callable[[np.random.Generator], Args]:
    """Models by name, and seven rows; the middle one of a reversed text stays where it is."""
    return lambda rng: (names, rng.normal(size=(7, int(rng.integers(2, 5)))))


# --- the mistakes ----------------------------------------------------------------------------------------------


def cleared(s: np.ndarray) -> np.ndarray:
    """Softmax over everything, then zeros for the future."""
    return np.where(future(len(s)), 0.0, softmax(s))


def shared_again(s: np.ndarray) -> np.ndarray:
    """Softmax over everything, zeros for the future, and the rest made to sum to 1."""
    rest = cleared(s)
    return np.asarray(rest / rest.sum(axis=1, keepdims=True))


def row_by_column(s: np.ndarray) -> np.ndarray:
    """e / e.sum(axis=1), which divides column j by the sum of row j."""
    s = masked(s)
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1))


def only_future(s: np.ndarray) -> np.ndarray:
    """The mask on the wrong side: what was before is hidden."""
    return softmax(np.where(future(len(s)).T, -np.inf, s))


def not_itself(s: np.ndarray) -> np.ndarray:
    """The mask hides a position from itself, so the first row has nothing."""
    return softmax(np.where(future(len(s)) | np.eye(len(s), dtype=bool), -np.inf, s))


def overflowing(s: np.ndarray) -> np.ndarray:
    """exp without taking the largest away."""
    e = np.exp(masked(s))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def with_shares(shares: Shares) -> Attend:
    """Attention with other shares."""
    return lambda q, k, v: shares(scores(q, k)) @ v


def scaled_by(factor: Callable[[np.ndarray, np.ndarray], float]) -> Attend:
    """Attention whose scores are multiplied by another factor of (q, v)."""
    return lambda q, k, v: causal_weights(q @ k.T * factor(q, v)) @ v


def interleaved(x: np.ndarray, n_head: int) -> np.ndarray:
    """Head h gets the columns h, h + H, h + 2 H, ..."""
    cut(x, n_head)
    return np.stack([x[:, h::n_head] for h in range(n_head)])


def reshaped(x: np.ndarray, n_head: int) -> np.ndarray:
    """x.reshape(H, T, D)."""
    T, H, D = cut(x, n_head).shape
    return x.reshape(H, T, D)


def poured(heads: np.ndarray) -> np.ndarray:
    """heads.reshape(T, H D)."""
    H, T, D = heads.shape
    return heads.reshape(T, H * D)


def woven(heads: np.ndarray) -> np.ndarray:
    """The first number of every head, then the second ones."""
    H, T, D = heads.shape
    return heads.transpose(1, 2, 0).reshape(T, D * H)


Heads = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]


def heads_with(attend: Attend) -> Heads:
    """Several heads, each with this attention."""
    return lambda x, Wq, Wk, Wv, Wo, n_head: merge_heads(with_heads(x, Wq, Wk, Wv, n_head, attend)) @ Wo


def wide_root(
    x: np.ndarray, Wq: np.ndarray, Wk: np.ndarray, Wv: np.ndarray, Wo: np.ndarray, n_head: int
) -> np.ndarray:
    """Scores divided by the root of C."""
    attend = scaled_by(lambda q, v: float(1 / np.sqrt(x.shape[1])))
    return merge_heads(with_heads(x, Wq, Wk, Wv, n_head, attend)) @ Wo


def one_for_all(
    x: np.ndarray, Wq: np.ndarray, Wk: np.ndarray, Wv: np.ndarray, Wo: np.ndarray, n_head: int
) -> np.ndarray:
    """All heads use the shares of the first."""
    q, k, v = (split_heads(x @ W, n_head) for W in (Wq, Wk, Wv))
    return merge_heads(causal_weights(scores(q[0], k[0])) @ v) @ Wo


def poured_heads(
    x: np.ndarray, Wq: np.ndarray, Wk: np.ndarray, Wv: np.ndarray, Wo: np.ndarray, n_head: int
) -> np.ndarray:
    """Heads put together by reshape alone."""
    return poured(with_heads(x, Wq, Wk, Wv, n_head)) @ Wo


def reshaped_heads(
    x: np.ndarray, Wq: np.ndarray, Wk: np.ndarray, Wv: np.ndarray, Wo: np.ndarray, n_head: int
) -> np.ndarray:
    """Heads cut by reshape alone."""
    q, k, v = (reshaped(x @ W, n_head) for W in (Wq, Wk, Wv))
    return merge_heads(np.stack([causal_attention(*one) for one in zip(q, k, v, strict=True)])) @ Wo


def own_row_too(model: Model, x: np.ndarray) -> list[int]:
    """The rows from t on are changed, t among them."""
    before = model(x)
    return [t for t in range(len(x) - 1) if moved(model(nudged(x, t))[t], before[t])]


def whole_output(model: Model, x: np.ndarray) -> list[int]:
    """The whole output is compared, not row t."""
    before = model(x)
    return [t for t in range(len(x) - 1) if moved(model(nudged(x, t + 1)), before)]


def next_row_only(model: Model, x: np.ndarray) -> list[int]:
    """Only the row right after t is changed."""
    before = model(x)
    return [t for t in range(len(x) - 1) if moved(model(nudged(x, t + 1, t + 2))[t], before[t])]


def in_place(model: Model, x: np.ndarray) -> list[int]:
    """x itself is changed, and stays so for the next test."""
    before, found = model(x), []
    for t in range(len(x) - 1):
        x[t + 1 :] += 1
        if moved(model(x)[t], before[t]):
            found.append(t)
    return found


def past_changed(model: Model, x: np.ndarray) -> list[int]:
    """The rows before t are changed."""
    before = model(x)
    return [t for t in range(len(x) - 1) if moved(model(nudged(x, 0, t))[t], before[t])]


EXERCISES = [
    Exercise(
        "scores",
        scores,
        (
            Item("compares every query with every key", 0.75, queries_and_keys),
            Item("refuses queries and keys of different widths", 0.25, unfit_queries),
        ),
        (
            Wrong(
                "the scores are not divided by the square root of d; without it they grow with the width, and the "
                "softmax gives everything to one key",
                lambda q, k: q @ k.T,
            ),
            Wrong(
                "the scores are divided by d; the spread of a dot product grows like the square root of d, so divide "
                "by that",
                lambda q, k: q @ k.T / q.shape[1],
            ),
            Wrong(
                "the scores are multiplied by the square root of d; divide, so that wide vectors do not get larger "
                "scores",
                lambda q, k: q @ k.T * np.sqrt(q.shape[1]),
            ),
            Wrong(
                "the square root is that of the number of keys; d is the width, the number of columns",
                lambda q, k: q @ k.T / np.sqrt(len(k)),
            ),
            Wrong(
                "the square root is that of the number of queries; d is the width, the number of columns",
                lambda q, k: q @ k.T / np.sqrt(len(q)),
            ),
            Wrong(
                "the scores are cosines, because the lengths are divided out; a long key may well score higher, so "
                "divide by the square root of d alone",
                lambda q, k: q @ k.T / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(k, axis=1),
            ),
        ),
    ),
    Exercise(
        "causal_weights",
        causal_weights,
        (
            Item("gives the past all and the future nothing", 1.0, some_scores),
            Item("holds for scores that are far from 0", 0.5, far_scores),
            Item("refuses scores that are not square", 0.25, oblong_scores, times=6),
        ),
        (
            Wrong(
                "masked scores are set to 0, and exp(0) = 1 still gets weight; use -np.inf, whose exp is 0",
                lambda s: softmax(masked(s, 0.0)),
            ),
            Wrong(
                "masked scores are set to a finite number, and where all scores are lower still it wins; use -np.inf",
                lambda s: softmax(masked(s, -100.0)),
            ),
            Wrong(
                "the future is set to 0 after the softmax, so the rows no longer sum to 1; mask the scores before it",
                cleared,
            ),
            Wrong("the future is not masked; position t may look at positions 0 to t only", softmax),
            Wrong(
                "the future is set to 0 after the softmax and the rest shared out anew; where a future score was far "
                "larger, nothing is left to share. Mask the scores before the softmax",
                shared_again,
            ),
            Wrong(
                "column j is divided by the sum of row j; keep the axis with e.sum(axis=1, keepdims=True)",
                row_by_column,
            ),
            Wrong(
                "the mask is on the wrong side and hides the past; hide where the column is larger than the row",
                only_future,
            ),
            Wrong(
                "a position cannot see itself, so nothing is left for the first row; mask from the column t + 1 on "
                "(np.triu with k=1)",
                not_itself,
            ),
            Wrong(
                "the softmax runs down the columns; each row is one query, so sum over axis 1",
                lambda s: softmax(masked(s), axis=0),
            ),
            Wrong(
                "exp of scores far from 0 is 0 or infinite, and the share becomes nan; take the largest of each row "
                "away first",
                overflowing,
            ),
        ),
    ),
    Exercise(
        "causal_attention",
        causal_attention,
        (
            Item("mixes the values so far", 1.0, for_attention),
            Item("is the mean of the values so far when every key fits the same", 0.25, no_queries),
            Item("of one position is its value", 0.25, one_position),
            Item("is stable for long queries", 0.25, lambda rng: for_attention(rng, size=30.0)),
            Item("refuses queries and keys of different widths", 0.25, unfit_attention),
        ),
        (
            Wrong("the scores are not divided by the square root of d", scaled_by(lambda q, v: 1.0)),
            Wrong(
                "the scores are divided by the root of the values' width; d is the width of queries and keys",
                scaled_by(lambda q, v: float(1 / np.sqrt(v.shape[1]))),
            ),
            Wrong(
                "the scores are divided by the root of the number of positions; d is the width of queries and keys",
                scaled_by(lambda q, v: float(1 / np.sqrt(len(q)))),
            ),
            Wrong(
                "the scores are divided by d; it is the square root of d",
                scaled_by(lambda q, v: 1 / q.shape[1]),
            ),
            Wrong(
                "masked scores are set to 0; exp(0) = 1 still gets weight. Use -np.inf",
                with_shares(lambda s: softmax(masked(s, 0.0))),
            ),
            Wrong("the future is not masked; position t may look at positions 0 to t only", with_shares(softmax)),
            Wrong(
                "the future is set to 0 after the softmax, so the shares of a row do not sum to 1; mask the scores",
                with_shares(cleared),
            ),
            Wrong(
                "the mask is on the wrong side: every position hears only itself and what comes later",
                with_shares(only_future),
            ),
            Wrong(
                "the mask hides each position from itself, and nothing is left for the first; mask from t + 1 on",
                with_shares(not_itself),
            ),
            Wrong(
                "the softmax runs over the queries; each query shares itself out over the keys, so sum over the last "
                "axis",
                with_shares(lambda s: softmax(masked(s), axis=0)),
            ),
            Wrong(
                "there is no softmax; the scores are mixed in as they are, so the shares do not sum to 1",
                lambda q, k, v: np.tril(scores(q, k)) @ v,
            ),
            Wrong(
                "the shares are turned; row t holds the shares of position t, so it is shares @ v",
                lambda q, k, v: causal_weights(scores(q, k)).T @ v,
            ),
            Wrong(
                "queries and keys are exchanged; row t of the scores belongs to query t, so it is q @ k.T",
                lambda q, k, v: causal_attention(k, q, v),
            ),
            Wrong(
                "exp of a large score is infinite and inf / inf is nan; take the largest of each row away first",
                with_shares(overflowing),
            ),
        ),
    ),
    Exercise(
        "split_heads",
        split_heads,
        (
            Item("gives every head its columns", 0.5, to_split),
            Item("refuses columns that cannot be shared out", 0.25, unfit_split),
        ),
        (
            Wrong(
                "reshape to (H, T, D) alone mixes the positions, because it only counts the numbers anew; reshape to "
                "(T, H, D) and then exchange the first two axes",
                reshaped,
            ),
            Wrong(
                "head h gets every H-th column; its columns lie side by side, so cut a row as (H, D), not as (D, H)",
                interleaved,
            ),
            Wrong(
                "the heads come in the opposite order; head 0 gets the first columns",
                lambda x, n_head: split_heads(x, n_head)[::-1].copy(),
            ),
        ),
    ),
    Exercise(
        "merge_heads",
        merge_heads,
        (
            Item("lays the heads of each position side by side", 0.5, to_merge),
            Item(
                "refuses what has not three axes",
                0.25,
                lambda rng: (rng.normal(size=(3, 4) if rng.random() < 0.5 else (1, 2, 3, 4)),),
                times=6,
            ),
        ),
        (
            Wrong(
                "reshape alone puts different positions into one row; bring the positions to the front first, with "
                "transpose(1, 0, 2)",
                poured,
            ),
            Wrong(
                "the numbers of the heads alternate; all of head 0 comes first, so transpose to (T, H, D), not "
                "(T, D, H)",
                woven,
            ),
            Wrong(
                "the heads come in the opposite order; head 0 comes first",
                lambda heads: merge_heads(heads[::-1]),
            ),
        ),
    ),
    Exercise(
        "multi_head",
        multi_head,
        (
            Item("lets every head attend for itself", 1.25, for_heads),
            Item("refuses columns that cannot be shared out", 0.25, unfit_heads),
        ),
        (
            Wrong(
                "the scores are divided by the root of C; a head compares C / n_head numbers, so that width counts",
                wide_root,
            ),
            Wrong(
                "the scores are not divided by the root of a head's width", heads_with(scaled_by(lambda q, v: 1.0))
            ),
            Wrong(
                "there is only one head of full width; cut queries, keys and values before attending",
                lambda x, Wq, Wk, Wv, Wo, n_head: multi_head(x, Wq, Wk, Wv, Wo, 1),
            ),
            Wrong(
                "the heads are put together and left so; multiply by Wo at the end",
                lambda x, Wq, Wk, Wv, Wo, n_head: merge_heads(with_heads(x, Wq, Wk, Wv, n_head)),
            ),
            Wrong("the future is not masked in the heads", heads_with(with_shares(softmax))),
            Wrong("all heads use the shares of head 0; each has queries and keys of its own", one_for_all),
            Wrong(
                "the heads are put together by reshape alone, which mixes positions; transpose to (T, H, D) first",
                poured_heads,
            ),
            Wrong(
                "the heads are cut by reshape alone, which mixes positions; reshape to (T, H, D), then transpose",
                reshaped_heads,
            ),
        ),
    ),
    Exercise(
        "sees_ahead",
        on_all(sees_ahead),
        (
            Item("clears models that are causal", 0.5, for_test(BLIND)),
            Item("finds every position that looks ahead", 0.5, for_test(SEEING)),
            Item("refuses a model that loses rows", 0.125, for_test(["one row too few"])),
            Item("refuses a model that adds rows", 0.125, for_test(["one row too many"])),
        ),
        (
            Wrong(
                "row t itself is changed too, and then its output may move; add 1 from row t + 1 on",
                on_all(own_row_too),
            ),
            Wrong(
                "the whole outputs are compared, and later rows are allowed to move; compare row t alone",
                on_all(whole_output),
            ),
            Wrong(
                "only the row right after t is changed, and a look two rows ahead is missed; change all rows after t",
                on_all(next_row_only),
            ),
            Wrong(
                "x itself is changed and stays changed for the next test; take a copy of x for each t",
                on_all(in_place),
            ),
            Wrong(
                "the rows before t are changed; those it may see, so change the rows after it",
                on_all(past_changed),
            ),
            Wrong(
                "the search ends at the first position that looks ahead; list all of them",
                on_all(lambda model, x: sees_ahead(model, x)[:1]),
            ),
        ),
        probe=PROBE,
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------

SYMBOLS = ".abcdefghijklmnopqrstuvwxyz"
WIDTH, STEPS, ROWS, RATE = 16, 900, 128, 0.06
Weights = dict[str, np.ndarray]


@cache
def padded(part: Any) -> tuple[np.ndarray, np.ndarray]:
    """(N, 16) names with their mark before, filled up with marks, and (N, 16) what follows; -1 where nothing does."""
    names = load_corpus("names").part(part)
    ids, targets = np.zeros((len(names), 16), dtype=int), np.full((len(names), 16), -1)
    for row, name in enumerate(names):
        letters = [SYMBOLS.index(letter) for letter in name]
        ids[row, 1 : 1 + len(letters)] = letters
        targets[row, : 1 + len(letters)] = [*letters, 0]
    return ids, targets


def mixing(weights: Weights, x: np.ndarray, mask: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Queries, keys (B, T, d) and shares (B, T, T) of embeddings; the mean where queries are 0."""
    q, k = x @ weights["Wq"], x @ weights["Wk"]
    s = q @ k.transpose(0, 2, 1) / np.sqrt(x.shape[2])
    return q, k, softmax(np.where(future(x.shape[1]), -np.inf, s) if mask else s)


def log_shares(weights: Weights, ids: np.ndarray, mask: bool = True) -> np.ndarray:
    """(B, T, 27) logarithms of probabilities."""
    x = weights["E"][ids]
    logits = mixing(weights, x, mask)[2] @ x @ weights["W"]
    top = logits.max(axis=2, keepdims=True)
    return np.asarray(logits - top - np.log(np.exp(logits - top).sum(axis=2, keepdims=True)))


def loss_of(weights: Weights, mask: bool = True) -> float:
    """Nats per character on the validation names."""
    ids, targets = padded("validation")
    logs = log_shares(weights, ids, mask)
    at = np.take_along_axis(logs, np.maximum(targets, 0)[:, :, None], axis=2)[:, :, 0]
    return float(-at[targets >= 0].mean())


def gradients(weights: Weights, ids: np.ndarray, targets: np.ndarray, mask: bool) -> Weights:
    """The gradient of the loss, back through the mixture, the shares and the scores."""
    x = weights["E"][ids]
    q, k, shares = mixing(weights, x, mask)
    h = shares @ x
    wanted = targets >= 0
    dlogits = softmax(h @ weights["W"]) - np.eye(27)[np.maximum(targets, 0)]
    dlogits *= wanted[:, :, None] / wanted.sum()
    dh = dlogits @ weights["W"].T
    dshares = dh @ x.transpose(0, 2, 1)
    ds = shares * (dshares - (shares * dshares).sum(axis=2, keepdims=True)) / np.sqrt(x.shape[2])
    dq, dk = ds @ k, ds.transpose(0, 2, 1) @ q
    dx = shares.transpose(0, 2, 1) @ dh + dq @ weights["Wq"].T + dk @ weights["Wk"].T
    dE = np.zeros_like(weights["E"])
    np.add.at(dE, ids, dx)
    over = ([0, 1], [0, 1])
    found = {"E": dE, "W": np.tensordot(h, dlogits, over)}
    return {**found, "Wq": np.tensordot(x, dq, over), "Wk": np.tensordot(x, dk, over)}


@cache
def trained(learned: bool = True, mask: bool = True) -> Weights:
    """The average of lab 05, with shares that are learned or with 1/i; trained with Adam."""
    rng = np.random.default_rng(8)
    weights = {"E": rng.normal(size=(27, WIDTH)), "W": np.zeros((WIDTH, 27)), "Wq": np.zeros((WIDTH, WIDTH))}
    weights["Wk"] = rng.normal(size=(WIDTH, WIDTH)) / np.sqrt(WIDTH)
    ids, targets = padded("train")
    first, second = ({name: np.zeros_like(array) for name, array in weights.items()} for _ in range(2))
    for step in range(1, STEPS + 1):
        rows = rng.integers(0, len(ids), ROWS)
        for name, g in gradients(weights, ids[rows], targets[rows], mask).items():
            if name in ("Wq", "Wk") and not learned:
                continue
            first[name] = 0.9 * first[name] + 0.1 * g
            second[name] = 0.99 * second[name] + 0.01 * g**2
            direction = first[name] / (1 - 0.9**step) / (np.sqrt(second[name] / (1 - 0.99**step)) + 1e-8)
            weights[name] = weights[name] - RATE * (1 - (step - 1) / STEPS) * direction
    return weights


@cache
def ends(name: str) -> str:
    """How likely the name is over, in per cent."""
    ids = np.array([[0, *(SYMBOLS.index(letter) for letter in name)]])
    return f"{100 * np.exp(log_shares(trained(), ids)[0, -1, 0]):.1f}"


@cache
def largest_share(d: int, divided: bool) -> float:
    """The largest of ten shares on the average, for random queries and keys of width d."""
    rng = np.random.default_rng(8)
    s = rng.normal(size=(2000, d)) @ rng.normal(size=(10, d)).T
    return float(softmax(s / np.sqrt(d) if divided else s).max(axis=1).mean())


ANSWERS: dict[str, Callable[[], float]] = {
    "spread": lambda: float(np.sqrt(64)),
    "first_of_two": lambda: 100 * float(softmax(np.array([4.0, 0.0]) / np.sqrt(4))[0]),
    "from_the_future": lambda: 100 * float(softmax(np.zeros((8, 8)))[0, 1:].sum()),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "mean_loss": lambda: f"{loss_of(trained(learned=False)):.2f}",
    "attention_loss": lambda: f"{loss_of(trained()):.2f}",
    "peeking_loss": lambda: f"{loss_of(trained(mask=False), mask=False):.2f}",
    "blindfold_loss": lambda: f"{loss_of(trained(mask=False)):.1f}",
    "uniform_loss": lambda: f"{np.log(27):.2f}",
    "trigram_loss": lambda: f"{lab02.held_out_loss(3):.2f}",
    "undivided": lambda: f"{100 * largest_share(64, divided=False):.0f}",
    "divided": lambda: f"{100 * largest_share(64, divided=True):.0f}",
    "mia": lambda: ends("mia"),
    "ima": lambda: ends("ima"),
    "aim": lambda: ends("aim"),
}


def picture() -> str:
    """The picture of the README as SVG: the shares of the mean for .priya, and those that attention has learned."""
    name = ".priya"
    ids = np.array([[SYMBOLS.index(symbol) for symbol in name]])
    tables = [np.tril(np.ones((6, 6))) / np.arange(1, 7)[:, None]]
    tables.append(mixing(trained(), trained()["E"][ids])[2][0])
    said = "Two triangles of shares for the name priya: one over the number of symbols, and learned by attention"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 400" font-family="system-ui, sans-serif" '
        f'font-size="15" role="img" aria-label="{said}">',
        '<rect width="760" height="400" fill="#ffffff"/>',
    ]
    for table, left, title in zip(tables, (70, 440), ("the mean: everything counts alike", "attention"), strict=True):
        parts.append(f'<text x="{left + 150}" y="24" text-anchor="middle" fill="#333333">{title} (per cent)</text>')
        for i, symbol in enumerate(name):
            y = 90 + 50 * i
            parts.append(f'<text x="{left + 25 + 50 * i}" y="54" text-anchor="middle" fill="#333333">{symbol}</text>')
            parts.append(f'<text x="{left - 10}" y="{y}" text-anchor="end" fill="#333333">{name[: i + 1]}</text>')
            for j in range(6):
                share = float(table[i, j])
                fill = "#" + "".join(f"{round(255 - round(share, 2) * (255 - full)):02x}" for full in (0, 114, 178))
                ink = "#ffffff" if share > 0.45 else "#333333"
                x = left + 25 + 50 * j
                parts.append(f'<rect x="{x - 24}" y="{y - 29}" width="48" height="48" fill="{fill}"/>')
                number = "" if j > i else f"{100 * share:.0f}"
                parts.append(f'<text x="{x}" y="{y}" text-anchor="middle" fill="{ink}">{number}</text>')
    parts.append('<text x="380" y="388" text-anchor="middle" fill="#333333">rows: what was read so far</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
