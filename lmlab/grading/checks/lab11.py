"""Lab 11, generation with a cache: what is checked, the mistakes people make, and the numbers of its README."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from lmlab.data.corpus import load_corpus
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

Weights = dict[str, Any]
MARK = 0


# --- the model, as the lab gives it ----------------------------------------------------------------------------


def softmax(x: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def norm(x: np.ndarray, scale_shift: np.ndarray) -> np.ndarray:
    """Each row with mean 0 and variance 1, then scaled and shifted."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return np.asarray(
        centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * scale_shift[0] + scale_shift[1]
    )


def forward(weights: Weights, ids: Sequence[int]) -> np.ndarray:
    """(T, V) the logits after each of the ids."""
    T, H = len(ids), weights["heads"]
    x = weights["embedding"][list(ids)] + weights["positions"][:T]
    for block in weights["blocks"]:
        qkv = norm(x, block["norm_1"]) @ block["qkv"] + block["qkv_bias"]
        q, k, v = (part.reshape(T, H, -1).transpose(1, 0, 2) for part in np.split(qkv, 3, axis=1))
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
        scores[:, np.triu(np.ones((T, T), dtype=bool), 1)] = -np.inf
        x = thought(block, x, (softmax(scores) @ v).transpose(1, 0, 2).reshape(T, -1))
    return out(weights, x)


def thought(block: Weights, x: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """What a block makes of what its attention heard."""
    x = x + heard @ block["project"] + block["project_bias"]
    wide = np.maximum(norm(x, block["norm_2"]) @ block["widen"] + block["widen_bias"], 0)
    return np.asarray(x + wide @ block["narrow"] + block["narrow_bias"])


def out(weights: Weights, x: np.ndarray) -> np.ndarray:
    """The logits of the last block's rows."""
    return np.asarray(norm(x, weights["norm"]) @ weights["head"] + weights["head_bias"])


# --- the reference ---------------------------------------------------------------------------------------------


def choose(logits: np.ndarray, u: float, T: float) -> int:
    """The id that the random number falls on, or the likeliest."""
    if T < 0:
        raise ValueError(f"the temperature is {T:g}")
    if T == 0:
        return int(np.argmax(logits))
    return falls_on(softmax((logits - logits.max()) / T), u)


def falls_on(p: np.ndarray, u: float) -> int:
    """The first id at which the sum so far is above u."""
    return min(int(np.searchsorted(np.cumsum(p), u, side="right")), len(p) - 1)


def generate(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> list[int]:
    """The new ids."""
    return looped(weights, prompt, u, T)


def looped(
    weights: Weights,
    prompt: list[int],
    u: np.ndarray,
    T: float,
    seen: Callable[[list[int], int], list[int]] = lambda ids, N: ids[-N:],
    row: int = -1,
    stops: bool = True,
) -> list[int]:
    """The new ids, with another view of the ids so far, another row of the logits, or without an end."""
    if not prompt:
        raise ValueError("the prompt is empty")
    ids = list(prompt)
    for roll in u:
        logits = forward(weights, seen(ids, len(weights["positions"])))
        ids.append(choose(logits[row], float(roll), T))
        if stops and ids[-1] == MARK:
            break
    return ids[len(prompt) :]


def step_with_cache(weights: Weights, i: int, cache: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(V,) logits, (L, 2, H, t + 1, D) the cache with one token more."""
    return stepped(weights, i, cache)


Part = Callable[[np.ndarray], np.ndarray]


def stepped(
    weights: Weights,
    i: int,
    cache: np.ndarray,
    place: Callable[[int], int] = lambda t: t,
    heads: Callable[[np.ndarray, int], np.ndarray] = lambda part, H: part.reshape(H, 1, -1),
    scale: Callable[[int], float] = np.sqrt,
    joined: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda old, new: np.concatenate([old, new], axis=2),
    seen: Callable[[np.ndarray], np.ndarray] = lambda kept: kept,
    normed: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """One step, with another place, another way to cut heads, to scale, to join the cache, or to look at it."""
    H, t = cache.shape[2:4]
    if t >= len(weights["positions"]):
        raise ValueError(f"the cache is full: it holds {t} tokens")
    x = weights["embedding"][i] + weights["positions"][place(t)]
    kept = []
    for block, old in zip(weights["blocks"], cache, strict=True):
        rows = norm(x, block["norm_1"]) if normed else x
        q, k, v = (heads(part, H) for part in np.split(rows @ block["qkv"] + block["qkv_bias"], 3))
        kept.append(joined(old, np.stack([k, v])))  # (2, H, t + 1, D)
        keys, values = seen(kept[-1])
        shares = softmax(q @ keys.transpose(0, 2, 1) / scale(q.shape[2]))  # (H, 1, t + 1)
        x = thought(block, x, (shares @ values).reshape(-1))
    return out(weights, x), np.stack(kept)


def empty_cache(weights: Weights) -> np.ndarray:
    """(L, 2, H, 0, D)."""
    H = weights["heads"]
    return np.zeros((len(weights["blocks"]), 2, H, 0, weights["embedding"].shape[1] // H))


def generate_cached(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> tuple[list[int], int]:
    """The new ids, and how many tokens were run."""
    return looped_with_cache(weights, prompt, u, T)


def looped_with_cache(
    weights: Weights, prompt: list[int], u: np.ndarray, T: float, keeps: bool = False, skips: bool = False
) -> tuple[list[int], int]:
    """With `keeps` the cache loses its oldest token and lives on when it is full; `skips` runs the last of the prompt
    only."""
    ids, kept, steps = list(prompt), empty_cache(weights), 0
    waiting = ids[-1:] if skips else list(ids)
    N = len(weights["positions"])
    for roll in u:
        if len(ids) > N and not keeps:
            kept, waiting = empty_cache(weights), ids[-N:]
        for i in waiting:
            if kept.shape[3] == N:
                kept = kept[:, :, :, 1:]
            logits, kept = step_with_cache(weights, i, kept)
            steps += 1
        ids.append(choose(logits, float(roll), T))
        waiting = ids[-1:]
        if ids[-1] == MARK:
            break
    return ids[len(prompt) :], steps


def multiplications(t: int, layers: int, width: int, cached: bool) -> int:
    """What the blocks compute for the logits after token number t."""
    return counted(t, layers, 1 if cached else t, 12 * width**2 + 2 * t * width)


def counted(t: int, layers: int, tokens: int, each: float) -> int:
    """So many tokens at so much each, in every block."""
    if t < 1:
        raise ValueError(f"t is {t}")
    return int(layers * tokens * each)


def cache_bytes(tokens: int, layers: int, heads: int, head_size: int, texts: int, number_bytes: int) -> int:
    """The memory of keys and values."""
    return 2 * tokens * layers * heads * head_size * texts * number_bytes


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities."""
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


Path = tuple[float, list[int]]


def beam_search(weights: Weights, width: int, limit: int) -> tuple[list[int], float]:
    """The best path and its sum."""
    finished, paths = beams(weights, width, limit)
    total, ids = max(finished or paths)
    return ids[1:], total


def beams(
    weights: Weights, width: int, limit: int, sums: bool = True, ends: bool = True
) -> tuple[list[Path], list[Path]]:
    """The finished paths and the open ones; without `sums` a path is worth its last step, without
    `ends` the mark ends nothing."""
    if width < 1:
        raise ValueError(f"the width is {width}")
    paths: list[Path] = [(0.0, [MARK])]
    finished: list[Path] = []
    for _ in range(limit):
        longer = [
            (float(step) + (total if sums else 0), [*ids, j])
            for total, ids in paths
            for j, step in enumerate(log_softmax(forward(weights, ids)[-1]))
        ]
        longer.sort(reverse=True)
        finished += [path for path in longer[:width] if ends and path[1][-1] == MARK]
        paths = [path for path in longer[:width] if not ends or path[1][-1] != MARK]
        if not paths:
            break
    return finished, paths


# --- the arguments ---------------------------------------------------------------------------------------------


def a_gpt(rng: np.random.Generator, layers: int = 2, places: int = 14, heads: int = 2, size: int = 3) -> Weights:
    """A small GPT with random weights that are large enough for everything to matter."""
    C, V = heads * size, 7

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape) / np.sqrt(shape[0] if len(shape) > 1 else 4)

    def scale_shift() -> np.ndarray:
        return np.stack([rng.uniform(0.5, 1.5, C), 0.3 * rng.normal(size=C)])

    blocks = [
        {
            "norm_1": scale_shift(),
            "qkv": 1.5 * normal(C, 3 * C),
            "qkv_bias": normal(3 * C),
            "project": normal(C, C),
            "project_bias": normal(C),
            "norm_2": scale_shift(),
            "widen": normal(C, 4 * C),
            "widen_bias": normal(4 * C),
            "narrow": normal(4 * C, C),
            "narrow_bias": normal(C),
        }
        for _ in range(layers)
    ]
    return {
        "heads": heads,
        "embedding": rng.normal(size=(V, C)),
        "positions": rng.normal(size=(places, C)),
        "blocks": blocks,
        "norm": scale_shift(),
        "head": 1.5 * normal(C, V),
        "head_bias": np.array([-1.0, *(0.3 * rng.normal(size=V - 1))]),
    }


def for_choose(rng: np.random.Generator) -> Args:
    """Logits, a random number and a temperature at which every mistake chooses something else."""
    while True:
        args = 1.5 * rng.normal(size=9), float(rng.random()), float(rng.choice([0.5, 2.0, 3.0]))
        if len({choose(*args), *(wrong(*args) for wrong in MISCHOSEN)}) == 1 + len(MISCHOSEN):
            return args


def on_the_joint(rng: np.random.Generator) -> Args:
    """Eight equal logits, and a number that is the end of a piece of the line."""
    return np.zeros(8), int(rng.integers(1, 8)) / 8, 1.0


def for_greedy(rng: np.random.Generator) -> Args:
    """Logits of which two are the largest, and T = 0."""
    logits = rng.normal(size=8)
    logits[1 + rng.permutation(7)[:2]] = 3.0
    return logits, float(rng.random()), 0


def for_generate(rng: np.random.Generator, T: float = 1.0) -> Args:
    """A GPT, a beginning and rolls that end with the mark after some letters, where every mistake shows."""
    while True:
        args = a_gpt(rng), [0, *rng.integers(1, 7, 2).tolist()], rng.random(10), T
        answer = generate(*args)
        if 4 <= len(answer) < 10 and answer[-1] == MARK and all(wrong(*args) != answer for wrong in MISWRITTEN):
            return args


def past_the_context(rng: np.random.Generator) -> Args:
    """More rolls than the GPT has places, without an end; the prompt alone may be longer, too."""
    letters = int(rng.choice([2, 6]))
    while True:
        args = a_gpt(rng, places=5), [0, *rng.integers(1, 7, letters).tolist()], rng.random(9), 1.0
        args[0]["head_bias"][MARK] = -4.0
        answer = generate(*args)
        others = [wrong(*args) for wrong in (first_places, *MISWRITTEN[2:])]
        others.append(looped_with_cache(*args, keeps=True)[0])
        if len(answer) == 9 and answer not in others:
            return args


def greedily(rng: np.random.Generator) -> Args:
    """A GPT at temperature 0; the random numbers are there all the same."""
    return a_gpt(rng), [0, int(rng.integers(1, 7))], rng.random(6), 0


def no_prompt(rng: np.random.Generator) -> Args:
    """An empty prompt."""
    return a_gpt(rng), [], rng.random(4), 1.0


def filled(weights: Weights, ids: Sequence[int]) -> np.ndarray:
    """The cache after some ids."""
    kept = empty_cache(weights)
    for i in ids:
        kept = step_with_cache(weights, int(i), kept)[1]
    return kept


def first_token(rng: np.random.Generator) -> Args:
    """A GPT, an id, and an empty cache."""
    weights = a_gpt(rng)
    return weights, int(rng.integers(7)), empty_cache(weights)


def later_token(rng: np.random.Generator) -> Args:
    """A GPT, an id, and the cache of some others."""
    weights = a_gpt(rng)
    return weights, int(rng.integers(7)), filled(weights, rng.integers(0, 7, int(rng.integers(4, 8))).tolist())


def full_cache(rng: np.random.Generator) -> Args:
    """A cache without room."""
    weights = a_gpt(rng, places=4)
    return weights, int(rng.integers(7)), filled(weights, rng.integers(0, 7, 4).tolist())


def for_cost(rng: np.random.Generator, cached: bool) -> Args:
    """Sizes of which no two products agree."""
    return int(rng.integers(5, 40)), int(rng.integers(3, 12)), 16 * int(rng.integers(2, 9)) + 1, cached


def for_bytes(rng: np.random.Generator) -> Args:
    """Sizes that are all different."""
    sizes = rng.permutation([3, 5, 7, 11, 13]).tolist()
    return *sizes, int(rng.choice([4, 8]))


def for_beam(rng: np.random.Generator) -> Args:
    """A GPT, a width and a limit with which every mistake finds something else."""
    while True:
        weights = a_gpt(rng, layers=1, places=8, heads=1, size=4)
        weights["head_bias"][MARK] = 0.3
        args = weights, 3, 6
        answer = beam_search(*args)
        if all(wrong(*args)[0] != answer[0] for wrong in MISSEARCHED):
            return args


def short_limit(rng: np.random.Generator) -> Args:
    """A limit before which no path is finished."""
    weights = a_gpt(rng, layers=1, places=8, heads=1, size=4)
    weights["head_bias"][MARK] = -30.0
    return weights, 3, 4


# --- the mistakes ----------------------------------------------------------------------------------------------


def warmer(logits: np.ndarray, u: float, T: float) -> int:
    """Multiplied by the temperature."""
    return choose(logits, u, 1 / T if T > 0 else T)


def without_temperature(logits: np.ndarray, u: float, T: float) -> int:
    """T is not used, except for 0."""
    return choose(logits, u, 1.0 if T > 0 else T)


def likeliest(logits: np.ndarray, u: float, T: float) -> int:
    """Greedy at every temperature."""
    return choose(logits, u, min(T, 0))


def from_the_end(logits: np.ndarray, u: float, T: float) -> int:
    """The likeliest symbols lie first on the line."""
    if T <= 0:
        return choose(logits, u, T)
    p = softmax((logits - logits.max()) / T)
    order = np.argsort(-p, kind="stable")
    return int(order[falls_on(p[order], u)])


def last_of_equals(logits: np.ndarray, u: float, T: float) -> int:
    """Of equals the last."""
    return len(logits) - 1 - int(np.argmax(logits[::-1])) if T == 0 else choose(logits, u, T)


def divided_by_zero(logits: np.ndarray, u: float, T: float) -> int:
    """At T = 0 everything is nan, and no sum is above u."""
    return 0 if T == 0 else choose(logits, u, T)


MISCHOSEN = (warmer, without_temperature, likeliest, from_the_end)


def without_the_mark(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> list[int]:
    """The mark at the end is left out."""
    ids = generate(weights, prompt, u, T)
    return ids[:-1] if ids and ids[-1] == MARK else ids


def without_end(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> list[int]:
    """Nothing stops at the mark."""
    return looped(weights, prompt, u, T, stops=False)


def with_prompt(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> list[int]:
    """The prompt is part of the list."""
    return [*prompt, *generate(weights, prompt, u, T)]


def first_row(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> list[int]:
    """The logits after the first id."""
    return looped(weights, prompt, u, T, row=0)


def last_only(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> list[int]:
    """The model sees the last id only."""
    return looped(weights, prompt, u, T, seen=lambda ids, N: ids[-1:])


def one_number(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> list[int]:
    """The first random number for every roll."""
    return generate(weights, prompt, np.full_like(u, u[0]), T)


def always_greedy(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> list[int]:
    """The likeliest at every roll."""
    return generate(weights, prompt, u, 0)


def first_places(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> list[int]:
    """Of too many ids the first are seen."""
    return looped(weights, prompt, u, T, seen=lambda ids, N: ids[:N])


MISWRITTEN = (without_the_mark, without_end, with_prompt, first_row, last_only, one_number, always_greedy)


def interleaved(part: np.ndarray, H: int) -> np.ndarray:
    """Heads take turns instead of standing in blocks."""
    return part.reshape(-1, H).T[:, None]


def with_steps(count: Callable[[int, int, int], int]) -> Callable[..., tuple[list[int], int]]:
    """The right ids with another number of steps, from the lengths of prompt and answer and the places."""

    def version(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> tuple[list[int], int]:
        ids, _ = generate_cached(weights, prompt, u, T)
        return ids, count(len(prompt), len(ids), len(weights["positions"]))

    return version


def ever_anew(prompt: int, new: int, places: int) -> int:
    """All tokens at every roll."""
    return sum(min(prompt + roll, places) for roll in range(new))


def one_too_many(weights: Weights, prompt: list[int], u: np.ndarray, T: float) -> tuple[list[int], int]:
    """The last token is run, too."""
    ids, steps = generate_cached(weights, prompt, u, T)
    N = len(weights["positions"])
    return ids, steps + (1 if len(prompt) + len(ids) <= N else N)


def normalised(weights: Weights, width: int, limit: int) -> tuple[list[int], float]:
    """The best mean instead of the best sum."""
    finished, paths = beams(weights, width, limit)
    total, ids = max(finished or paths, key=lambda path: path[0] / (len(path[1]) - 1))
    return ids[1:], total


def greedy_search(weights: Weights, width: int, limit: int) -> tuple[list[int], float]:
    """A single path."""
    return beam_search(weights, min(width, 1), limit)


def first_finished(weights: Weights, width: int, limit: int) -> tuple[list[int], float]:
    """The path that was finished first."""
    finished, paths = beams(weights, width, limit)
    total, ids = finished[0] if finished else max(paths)
    return ids[1:], total


def by_last_step(weights: Weights, width: int, limit: int) -> tuple[list[int], float]:
    """Paths are compared by their last step."""
    finished, paths = beams(weights, width, limit, sums=False)
    total, ids = max(finished or paths)
    return ids[1:], total


def behind_the_mark(weights: Weights, width: int, limit: int) -> tuple[list[int], float]:
    """Paths that have ended are continued as well."""
    finished, paths = beams(weights, width, limit, ends=False)
    total, ids = max(finished or paths)
    return ids[1:], total


MISSEARCHED = (normalised, greedy_search, first_finished, by_last_step, behind_the_mark)


EXERCISES = [
    Exercise(
        "choose",
        choose,
        (
            Item("takes the id on which the number falls", 0.375, for_choose, times=4),
            Item("goes on to the next id where the sum is just u", 0.125, on_the_joint),
            Item("takes the first of the likeliest at T = 0", 0.25, for_greedy, times=6),
            Item(
                "refuses a negative temperature",
                0.25,
                lambda rng: (rng.normal(size=5), float(rng.random()), -float(rng.uniform(0.1, 2))),
            ),
        ),
        (
            Wrong("the logits are multiplied by T; divide by it, so that a small T sharpens", warmer),
            Wrong("the temperature is not used; divide the logits by T before the softmax", without_temperature),
            Wrong("the likeliest id is taken at every T; above 0 the random number decides", likeliest),
            Wrong(
                "the likeliest symbols lie first on your line; here they lie in the order of their ids",
                from_the_end,
            ),
            Wrong(
                "at T = 0 you divide by 0, and what comes out is no probability; take the largest logit there",
                divided_by_zero,
            ),
            Wrong("of equal logits you take the last; at T = 0 the first of them wins", last_of_equals),
        ),
    ),
    Exercise(
        "generate",
        generate,
        (
            Item("rolls until the mark", 0.75, for_generate, times=4),
            Item("is greedy at T = 0", 0.25, greedily),
            Item("sees the last N ids when there are more", 0.5, past_the_context),
            Item("refuses an empty prompt", 0.25, no_prompt),
        ),
        (
            Wrong("the mark at the end is left out; it was rolled, so it belongs to the list", without_the_mark),
            Wrong("it goes on behind the mark; the mark ends the text, so stop when it is rolled", without_end),
            Wrong("the prompt stands in the list; return the new ids only", with_prompt),
            Wrong(
                "the logits after the first id are used; what comes next is said in the last row, logits[-1]",
                first_row,
            ),
            Wrong(
                "the model sees the last id only; without a cache it has to see all ids so far, every time",
                last_only,
            ),
            Wrong("one random number serves all rolls; take the next one of u each time", one_number),
            Wrong("the likeliest id is taken at every T; above 0 the numbers of u decide", always_greedy),
            Wrong(
                "of more ids than there are places you show the first N; the last ones matter, ids[-N:]",
                first_places,
            ),
        ),
        keeps=True,
    ),
    Exercise(
        "step_with_cache",
        step_with_cache,
        (
            Item("runs the first token of a text", 0.75, first_token),
            Item("gives a later token the logits it has without a cache", 1.25, later_token),
            Item("refuses a full cache", 0.25, full_cache),
        ),
        (
            Wrong(
                "every token gets the position of the first; it stands at place t, the number of tokens in the cache",
                lambda weights, i, cache: stepped(weights, i, cache, place=lambda t: 0),
            ),
            Wrong(
                "the position is one too high; the cache holds the places 0 to t - 1, so the new token stands at t",
                lambda weights, i, cache: stepped(weights, i, cache, place=lambda t: t + 1),
            ),
            Wrong(
                "the scores are not divided by the root of D; do as forward does",
                lambda weights, i, cache: stepped(weights, i, cache, scale=lambda D: 1.0),
            ),
            Wrong(
                "the scores are divided by the root of C; it is the size of a head, D = C / H",
                lambda weights, i, cache: stepped(weights, i, cache, scale=lambda D: np.sqrt(D * cache.shape[2])),
            ),
            Wrong(
                "the heads are interleaved; head 0 has the first D numbers, head 1 the next: reshape to (H, D)",
                lambda weights, i, cache: stepped(weights, i, cache, heads=interleaved),
            ),
            Wrong(
                "the new keys and values stand before the old ones in the cache; append them at its end",
                lambda weights, i, cache: stepped(
                    weights, i, cache, joined=lambda old, new: np.concatenate([new, old], axis=2)
                ),
            ),
            Wrong(
                "the token looks at those before it and not at itself; join the cache first, then look",
                lambda weights, i, cache: stepped(
                    weights, i, cache, seen=lambda kept: kept[:, :, :-1] if kept.shape[2] > 1 else 0 * kept
                ),
            ),
            Wrong(
                "the token looks at itself only; its query meets all keys in the cache",
                lambda weights, i, cache: stepped(weights, i, cache, seen=lambda kept: kept[:, :, -1:]),
            ),
            Wrong(
                "keys and values are exchanged in the cache; the keys stand at 0 and the values at 1",
                lambda weights, i, cache: stepped(
                    weights,
                    i,
                    cache,
                    joined=lambda old, new: np.concatenate([old, new[::-1]], axis=2),
                    seen=lambda kept: np.concatenate([kept[:, :, :-1], kept[::-1, :, -1:]], axis=2),
                ),
            ),
            Wrong(
                "query, key and value come from the stream as it is; it goes through norm_1 first",
                lambda weights, i, cache: stepped(weights, i, cache, normed=False),
            ),
        ),
    ),
    Exercise(
        "generate_cached",
        generate_cached,
        (
            Item("writes what generate writes, and runs each token once", 0.75, for_generate),
            Item("begins anew for every roll past the context", 0.5, past_the_context),
        ),
        (
            Wrong(
                "all tokens are run at every roll, and the cache saves nothing; keep it and run the new token only",
                with_steps(ever_anew),
            ),
            Wrong(
                "the last token is run, too; nothing is rolled after it, so it need not be",
                one_too_many,
            ),
            Wrong(
                "the steps of the prompt are not counted, or the rolls are; count the calls of step_with_cache",
                with_steps(lambda prompt, new, places: new),
            ),
            Wrong(
                "only the last token of the prompt is run; the others have to be in the cache",
                lambda weights, prompt, u, T: looped_with_cache(weights, prompt, u, T, skips=True),
            ),
            Wrong(
                "the full cache drops its oldest token and goes on; but all others move to another position, so what "
                "is kept is not true any more: begin anew",
                lambda weights, prompt, u, T: looped_with_cache(weights, prompt, u, T, keeps=True),
            ),
        ),
        keeps=True,
    ),
    Exercise(
        "multiplications",
        multiplications,
        (
            Item("counts one token with a cache", 0.25, lambda rng: for_cost(rng, True)),
            Item("counts all tokens without one", 0.25, lambda rng: for_cost(rng, False)),
            Item("counts the first token", 0.125, lambda rng: (1, *for_cost(rng, bool(rng.integers(2)))[1:])),
            Item(
                "refuses a token number below 1",
                0.125,
                lambda rng: (-int(rng.integers(3)), *for_cost(rng, bool(rng.integers(2)))[1:]),
            ),
        ),
        (
            Wrong(
                "the scores are counted and the values are not; each token in sight costs C for both",
                lambda t, layers, width, cached: counted(t, layers, 1 if cached else t, 12 * width**2 + t * width),
            ),
            Wrong(
                "widen and narrow are missing; they have 4 C * C products each, twice as many as all the others",
                lambda t, layers, width, cached: counted(t, layers, 1 if cached else t, 4 * width**2 + 2 * t * width),
            ),
            Wrong(
                "this is one block; there are several",
                lambda t, layers, width, cached: counted(t, 1, 1 if cached else t, 12 * width**2 + 2 * t * width),
            ),
            Wrong(
                "with the cache you still count all t tokens; one is run, and looks at t",
                lambda t, layers, width, cached: counted(t, layers, t, 12 * width**2 + 2 * t * width),
            ),
            Wrong(
                "without a cache only the last token's scores are counted; all t tokens look at all t",
                lambda t, layers, width, cached: counted(
                    t, layers, 1, (1 if cached else t) * 12 * width**2 + 2 * t * width
                ),
            ),
            Wrong(
                "without a cache you leave out what the mask hides; here it is computed and hidden afterwards",
                lambda t, layers, width, cached: counted(
                    t, layers, 1 if cached else t, 12 * width**2 + (2 * t if cached else t + 1) * width
                ),
            ),
        ),
    ),
    Exercise(
        "cache_bytes",
        cache_bytes,
        (Item("multiplies what the cache holds", 0.5, for_bytes),),
        (
            Wrong(
                "keys or values are missing; both are kept, so twice",
                lambda *sizes: cache_bytes(*sizes) // 2,
            ),
            Wrong(
                "queries are kept, too; nobody needs an old query again, so it is twice and not three times",
                lambda *sizes: cache_bytes(*sizes) // 2 * 3,
            ),
            Wrong(
                "every pair of tokens is counted; a token has one key and one value in each head, so it is linear",
                lambda *sizes: cache_bytes(*sizes) * sizes[0],
            ),
            Wrong(
                "one text is counted; each text that is written at the same time has a cache of its own",
                lambda *sizes: cache_bytes(*sizes) // sizes[4],
            ),
            Wrong(
                "one block is counted; each block has keys and values of its own",
                lambda *sizes: cache_bytes(*sizes) // sizes[1],
            ),
            Wrong(
                "this counts numbers; times the bytes of a number it is memory",
                lambda *sizes: cache_bytes(*sizes) // sizes[5],
            ),
        ),
    ),
    Exercise(
        "beam_search",
        beam_search,
        (
            Item("finds the best finished path", 1.0, for_beam),
            Item("returns the best open path where none is finished", 0.25, short_limit),
            Item("is greedy with width 1", 0.125, lambda rng: (for_beam(rng)[0], 1, 6)),
            Item(
                "refuses a width below 1", 0.125, lambda rng: (short_limit(rng)[0], -int(rng.integers(2)), 4), times=6
            ),
        ),
        (
            Wrong(
                "the sums are divided by the length before they are compared; here the most probable text wins, and "
                "that is the highest sum",
                normalised,
            ),
            Wrong("one path is followed, whatever the width; keep the `width` best at each step", greedy_search),
            Wrong("the path that is finished first is returned; a later one may be likelier", first_finished),
            Wrong(
                "paths are compared by their last step; add the logarithm to the sum of the path before it",
                by_last_step,
            ),
            Wrong(
                "paths go on behind the mark; who ends in it is finished and is not continued",
                behind_the_mark,
            ),
            Wrong(
                "log_p is a probability; return the sum of logarithms",
                lambda weights, width, limit: (
                    beam_search(weights, width, limit)[0],
                    float(np.exp(beam_search(weights, width, limit)[1])),
                ),
            ),
            Wrong(
                "the logarithms are those to base 2; take natural ones",
                lambda weights, width, limit: (
                    beam_search(weights, width, limit)[0],
                    beam_search(weights, width, limit)[1] / float(np.log(2)),
                ),
            ),
            Wrong(
                "the first mark is in the list; return the new ids only",
                lambda weights, width, limit: (
                    [MARK, *beam_search(weights, width, limit)[0]],
                    beam_search(weights, width, limit)[1],
                ),
            ),
        ),
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------

LETTERS = ".abcdefghijklmnopqrstuvwxyz"
WRITTEN = 10_000  # names that the GPT writes for the experiment's table


@cache
def bundled() -> Weights:
    """The package's own GPT in the form of this lab."""
    from safetensors.numpy import load_file

    from lmlab.runs.cards import BUNDLED

    found = {
        name: array.astype(np.float64) for name, array in load_file(BUNDLED / "calm-heron/model.safetensors").items()
    }

    def pair(name: str) -> np.ndarray:
        return np.stack([found[name + ".weight"], found[name + ".bias"]])

    blocks = []
    for number in range(4):
        block = {"norm_1": pair(f"blocks.{number}.norm_1"), "norm_2": pair(f"blocks.{number}.norm_2")}
        for ours, theirs in (
            ("qkv", "attention.query_key_value"),
            ("project", "attention.project"),
            ("widen", "widen"),
            ("narrow", "narrow"),
        ):
            block[ours] = found[f"blocks.{number}.{theirs}.weight"].T
            block[ours + "_bias"] = found[f"blocks.{number}.{theirs}.bias"]
        blocks.append(block)
    return {
        "heads": 4,
        "blocks": blocks,
        "embedding": found["embedding.weight"],
        "positions": found["positions"],
        "norm": pair("norm"),
        "head": found["head.weight"].T,
        "head_bias": found["head.bias"],
    }


def spell(ids: Sequence[int]) -> str:
    """The symbols of some ids."""
    return "".join(LETTERS[i] for i in ids)


@cache
def found(width: int) -> tuple[str, float]:
    """What beam search of some width finds, and how probable it is."""
    ids, total = beam_search(bundled(), width, 20)
    return spell(ids), total


def written(number: int) -> str:
    """The first names that the last cells write."""
    return ", ".join(
        spell(generate(bundled(), [MARK], np.random.default_rng(seed).random(25), 1.0)).strip(".")
        for seed in range(number)
    )


def usual() -> float:
    """The mean logarithm of the probability of a held-out name."""
    totals = []
    for name in load_corpus("names").part("validation")[:300]:
        ids = [MARK, *(LETTERS.index(letter) for letter in name), MARK]
        logits = forward(bundled(), ids[:-1])
        totals.append(sum(float(log_softmax(row)[i]) for row, i in zip(logits, ids[1:], strict=True)))
    return float(np.mean(totals))


def steps_of(prompt: int, rolls: int, places: int) -> int:
    """How many tokens are run with a cache when no mark ends the text."""
    lengths = range(prompt, prompt + rolls)
    return prompt + sum(1 if length <= places else places for length in lengths[1:])


def table_loss(more: Sequence[str]) -> float:
    """Nats per character of a table for three letters, counted on the training names and some more."""
    counts = np.full((27,) * 4, 0.1)
    np.add.at(counts, tuple(fours([*load_corpus("names").part("train"), *more]).T), 1)
    table = np.log(counts / counts.sum(axis=3, keepdims=True))
    return -float(table[tuple(fours(load_corpus("names").part("validation")).T)].mean())


def fours(names: Sequence[str]) -> np.ndarray:
    """(n, 4) each symbol with the three before it."""
    rows = []
    for name in names:
        ids = [MARK] * 3 + [LETTERS.index(letter) for letter in name] + [MARK]
        rows += [ids[t - 3 : t + 1] for t in range(3, len(ids))]
    return np.array(rows)


@cache
def names_of_the_gpt() -> list[str]:
    """Names that the package's GPT writes."""
    from lmlab.generation.generate import generate as write
    from lmlab.runs.cards import BUNDLED
    from lmlab.runs.store import load_run

    run = load_run(BUNDLED / "calm-heron")
    assert hasattr(run.model, "next")
    return [sample.text for sample in write(run.model, run.tokenizer, n=WRITTEN, limit=30, seed=1)]


ANSWERS: dict[str, Callable[[], float]] = {
    "ratio": lambda: multiplications(32, 4, 64, False) / multiplications(32, 4, 64, True),
    "gpt3_cache": lambda: cache_bytes(2048, 96, 96, 128, 1, 2) / 1e9,
    "steps": lambda: float(steps_of(4, 12, 10)),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "names": lambda: written(4),
    "cost_without": lambda: f"{multiplications(32, 4, 64, False):,}",
    "cost_with": lambda: f"{multiplications(32, 4, 64, True):,}",
    "whole_without": lambda: f"{sum(multiplications(t, 4, 64, False) for t in range(1, 33)) / 1e6:.0f}",
    "whole_with": lambda: f"{sum(multiplications(t, 4, 64, True) for t in range(1, 33)) / 1e6:.1f}",
    "cache_name": lambda: f"{cache_bytes(32, 4, 4, 16, 1, 4):,}",
    "cache_gpt2": lambda: f"{cache_bytes(1024, 12, 12, 64, 1, 2) / 1e6:.0f}",
    "greedy": lambda: found(1)[0],
    "greedy_sum": lambda: f"{found(1)[1]:.2f}",
    "three": lambda: found(3)[0],
    "three_sum": lambda: f"{found(3)[1]:.2f}",
    "thirty_sum": lambda: f"{found(30)[1]:.2f}",
    "usual": lambda: f"{usual():.0f}",
    "table_loss": lambda: f"{table_loss([]):.3f}",
    "written_loss": lambda: f"{table_loss(names_of_the_gpt()):.3f}",
}


# --- the picture of the README -----------------------------------------------------------------------------------

INK, MODEL, PALE = "#333333", "#0072b2", "#e3e3e3"


def picture() -> str:
    """The picture of the README as SVG: which tokens are run at each roll, without a cache and with one."""
    said = "Which tokens are run at each roll, without a cache and with one"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 330" font-family="system-ui, sans-serif" '
        f'font-size="15" role="img" aria-label="{said}">',
        '<rect width="640" height="330" fill="#ffffff"/>',
    ]
    text = ".annal"
    for left, name, cached in ((40, "without a cache", False), (350, "with a cache", True)):
        rolls = len(text)
        run = rolls if cached else rolls * (rolls + 1) // 2
        parts.append(f'<text x="{left}" y="28" fill="{INK}">{name}: {run} tokens are run</text>')
        for roll in range(rolls):
            for place in range(roll + 1):
                fresh = not cached or place == roll
                x, y = left + 40 * place, 46 + 44 * roll
                fill, ink, edge = (MODEL, "#ffffff", MODEL) if fresh else ("#ffffff", INK, PALE)
                parts.append(
                    f'<rect x="{x}" y="{y}" width="36" height="36" fill="{fill}" stroke="{edge}" stroke-width="2"/>'
                    f'<text x="{x + 18}" y="{y + 24}" text-anchor="middle" fill="{ink}">{text[place]}</text>'
                )
    parts.append(f'<text x="40" y="322" font-size="13" fill="{INK}">each line is a roll; blue: run now</text>')
    parts.append(f'<text x="350" y="322" font-size="13" fill="{INK}">white: its keys and values are kept</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
