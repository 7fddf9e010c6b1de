"""A full solution of lab 09, written as a student might. Not shipped."""

import math

import numpy as np


def attention(x, qkv, out, n_head):
    *texts, T, C = x.shape
    heads = (x @ qkv).reshape(*texts, T, 3, n_head, C // n_head)
    q, k, v = np.moveaxis(np.swapaxes(heads, -4, -2), -3, 0)
    s = q @ np.swapaxes(k, -1, -2) / (C // n_head) ** 0.5
    s = np.where(np.triu(np.ones((T, T), dtype=bool), k=1), -np.inf, s)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    heard = e / e.sum(axis=-1, keepdims=True) @ v
    return np.swapaxes(heard, -3, -2).reshape(*texts, T, C) @ out


def block_arrays(params, i):
    return {name.split(".")[1]: array for name, array in params.items() if name.startswith(f"{i}.")}


def layer_norm(x, g, b, eps):
    C = x.shape[-1]
    if g.shape != (C,) or b.shape != (C,):
        raise ValueError("g and b need one number for each of the C")
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.sum(centred**2, axis=-1, keepdims=True) / C
    return g * centred / np.sqrt(variance + eps) + b


def gelu(x):
    return x * (0.5 + 0.5 * np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def mlp(x, widen, narrow):
    if narrow.shape[1] != x.shape[-1]:
        raise ValueError("narrow does not lead back")
    hidden = gelu(x @ widen)
    return hidden @ narrow


def block(x, arrays, n_head):
    if x.shape[-1] % n_head != 0:
        raise ValueError("the heads do not share C evenly")
    normed = layer_norm(x, arrays["g1"], arrays["b1"], 1e-5)
    x = x + attention(normed, arrays["qkv"], arrays["out"], n_head)
    normed = layer_norm(x, arrays["g2"], arrays["b2"], 1e-5)
    return x + mlp(normed, arrays["widen"], arrays["narrow"])


def sinusoidal(T, C):
    if C % 2:
        raise ValueError("sines and cosines come in pairs")
    P = np.empty((T, C))
    for t in range(T):
        for i in range(C // 2):
            angle = t / 10000 ** (2 * i / C)
            P[t, 2 * i], P[t, 2 * i + 1] = math.sin(angle), math.cos(angle)
    return P


def gpt(params, ids, n_head):
    T = ids.shape[1]
    if T > len(params["P"]):
        raise ValueError(f"{T} positions are too many")
    x = params["E"][ids] + params["P"][:T]
    blocks = {int(name.split(".")[0]) for name in params if "." in name}
    for i in sorted(blocks):
        x = block(x, block_arrays(params, i), n_head)
    return layer_norm(x, params["g"], params["b"], 1e-5) @ params["E"].T


def count_parameters(V, context, C, n_layer):
    if min(V, context, C) < 1 or n_layer < 0:
        raise ValueError("sizes are positive")
    norms = 2 * (2 * C)
    look = C * 3 * C + C * C
    think = 2 * (C * 4 * C)
    one = norms + look + think
    return one, (V + context + 2) * C + n_layer * one


def next_loss(logits, ids):
    T, V = logits.shape[1:]
    if T < 2:
        raise ValueError("nothing follows")
    guesses = logits[:, :-1].reshape(-1, V)
    wanted = ids[:, 1:].reshape(-1)
    logs = np.logaddexp.reduce(guesses, axis=1) - guesses[np.arange(len(wanted)), wanted]
    return logs.mean()


def predict(weights, contexts):
    B, T = contexts.shape
    letters = (contexts > 0).sum(axis=1)
    # place t of the moved name is place t + (T - 1 - letters) of the context; what is beyond its end does not matter
    places = np.arange(T) + (T - 1 - letters)[:, None]
    moved = np.take_along_axis(contexts, np.minimum(places, T - 1), axis=1)[:, : letters.max() + 1]
    logits = gpt(weights, moved, 4)[np.arange(B), letters]
    return logits - np.logaddexp.reduce(logits, axis=1)[:, None]


def weights(names):
    """What `train --model classic` makes of the names in a few seconds, with smaller batches and a faster start."""
    from lmlab.data.corpus import load_corpus
    from lmlab.models.build import build
    from lmlab.training.presets import preset
    from lmlab.training.recipe import Recipe
    from lmlab.training.trainer import Trainer

    corpus = load_corpus("names")
    assert corpus.part("train") == names
    options = {**preset("classic").options, "context": 16, "d_model": 32, "n_layer": 1, "n_head": 4}
    model = build("modern", options, 27, seed=42)
    recipe = Recipe(steps=500, optimizer="muon", learning_rate=8e-3, batch_size=64, threads=1)
    for _ in Trainer(model, corpus, recipe):
        pass
    run = {name: array.numpy() for name, array in model.state_dict().items()}
    params = {"E": run["embedding.weight"], "P": run["positions"], "g": run["norm.weight"], "b": run["norm.bias"]}
    ours = {"g1": "norm_1.weight", "b1": "norm_1.bias", "g2": "norm_2.weight", "b2": "norm_2.bias"}
    ours |= {"qkv": "attention.query_key_value.weight", "out": "attention.project.weight"}
    ours |= {"widen": "widen.weight", "narrow": "narrow.weight"}
    for name, theirs in ours.items():
        params[f"0.{name}"] = run[f"blocks.0.{theirs}"].T
    return {name: np.ascontiguousarray(array) for name, array in params.items()}
