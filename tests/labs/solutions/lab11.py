"""A full solution of lab 11, written as a student might. Not shipped."""

import numpy as np


def softmax(x):
    """Given in the lab."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def norm(x, scale_shift):
    """Given in the lab."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * scale_shift[0] + scale_shift[1]


def forward(weights, ids):
    """Given in the lab."""
    T, H = len(ids), weights["heads"]
    x = weights["embedding"][ids] + weights["positions"][:T]
    for block in weights["blocks"]:
        qkv = norm(x, block["norm_1"]) @ block["qkv"] + block["qkv_bias"]
        q, k, v = (part.reshape(T, H, -1).transpose(1, 0, 2) for part in np.split(qkv, 3, axis=1))
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
        scores[:, np.triu(np.ones((T, T), dtype=bool), 1)] = -np.inf
        heard = (softmax(scores) @ v).transpose(1, 0, 2).reshape(T, -1)
        x = x + heard @ block["project"] + block["project_bias"]
        wide = np.maximum(norm(x, block["norm_2"]) @ block["widen"] + block["widen_bias"], 0)
        x = x + wide @ block["narrow"] + block["narrow_bias"]
    return norm(x, weights["norm"]) @ weights["head"] + weights["head_bias"]


def choose(logits, u, T):
    if T < 0:
        raise ValueError("a temperature is not negative")
    if T == 0:
        return int(np.argmax(logits))
    total = 0.0
    p = softmax((logits - logits.max()) / T)
    for j in range(len(p)):
        total += p[j]
        if total > u:
            break
    return j


def generate(weights, prompt, u, T):
    if len(prompt) == 0:
        raise ValueError("nothing to begin with")
    ids, N = list(prompt), len(weights["positions"])
    for roll in u:
        ids.append(choose(forward(weights, ids[-N:])[-1], roll, T))
        if ids[-1] == 0:
            break
    return ids[len(prompt) :]


def step_with_cache(weights, i, cache):
    t, H = cache.shape[3], weights["heads"]
    if t == len(weights["positions"]):
        raise ValueError("the cache is full")
    here = weights["embedding"][i] + weights["positions"][t]
    kept = []
    for block, (keys, values) in zip(weights["blocks"], cache, strict=True):
        q, k, v = np.split(norm(here, block["norm_1"]) @ block["qkv"] + block["qkv_bias"], 3)
        q, k, v = q.reshape(H, 1, -1), k.reshape(H, 1, -1), v.reshape(H, 1, -1)
        keys, values = np.concatenate([keys, k], axis=1), np.concatenate([values, v], axis=1)
        kept.append([keys, values])
        shares = softmax((q * keys).sum(axis=2) / np.sqrt(k.shape[2]))
        heard = (shares[:, :, None] * values).sum(axis=1)
        here = here + heard.reshape(-1) @ block["project"] + block["project_bias"]
        bent = np.maximum(norm(here, block["norm_2"]) @ block["widen"] + block["widen_bias"], 0)
        here = here + bent @ block["narrow"] + block["narrow_bias"]
    return norm(here, weights["norm"]) @ weights["head"] + weights["head_bias"], np.array(kept)


def generate_cached(weights, prompt, u, T):
    N, C = weights["positions"].shape
    empty = np.zeros((len(weights["blocks"]), 2, weights["heads"], 0, C // weights["heads"]))
    ids, cache, steps, waiting = list(prompt), empty, 0, list(prompt)
    for roll in u:
        if len(ids) > N:
            cache, waiting = empty, ids[-N:]
        for i in waiting:
            logits, cache = step_with_cache(weights, i, cache)
            steps += 1
        new = choose(logits, roll, T)
        ids.append(new)
        waiting = [new]
        if new == 0:
            break
    return ids[len(prompt) :], steps


def multiplications(t, layers, width, cached):
    if t < 1:
        raise ValueError("the first token is number 1")
    one_token = layers * (12 * width**2 + 2 * t * width)
    return one_token if cached else t * one_token


def cache_bytes(tokens, layers, heads, head_size, texts, number_bytes):
    numbers_a_token = 2 * layers * heads * head_size
    return texts * tokens * numbers_a_token * number_bytes


def beam_search(weights, width, limit):
    if width < 1:
        raise ValueError("at least one path")
    paths, finished = [(0.0, [0])], []
    for _ in range(limit):
        longer = []
        for total, ids in paths:
            p = softmax(forward(weights, ids)[-1])
            longer += [(total + np.log(p[j]), [*ids, j]) for j in range(len(p))]
        longer = sorted(longer, reverse=True)[:width]
        finished += [path for path in longer if path[1][-1] == 0]
        paths = [path for path in longer if path[1][-1] != 0]
        if not paths:
            break
    total, ids = max(finished or paths)
    return ids[1:], total


def predict(weights, contexts):
    return weights["table"][contexts[:, 0], contexts[:, 1], contexts[:, 2]]


def weights(names):
    """Counts of three letters and the next, mixed with those of two letters, one, and none."""
    counts = np.zeros((27, 27, 27, 27))
    for name in names:
        ids = [0, 0, 0] + [ord(letter) - 96 for letter in name] + [0]
        for a, b, c, d in zip(ids, ids[1:], ids[2:], ids[3:], strict=False):
            counts[a, b, c, d] += 1
    p = np.full(27, 1 / 27)
    for shorter in (counts.sum(axis=(0, 1, 2)), counts.sum(axis=(0, 1)), counts.sum(axis=0), counts):
        p = (shorter + 5 * p) / (shorter.sum(axis=-1, keepdims=True) + 5)
    return {"table": np.log(p).astype(np.float32)}
