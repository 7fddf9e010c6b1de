"""A full solution of lab 03, written as a student might. Not shipped."""

import numpy as np


def softmax(logits):
    largest = np.max(logits, axis=-1, keepdims=True)
    e = np.exp(logits - largest)
    return e / np.sum(e, axis=-1, keepdims=True)


def temperature(logits, T):
    if T < 0:
        raise ValueError(f"the temperature is {T}")
    if T == 0:
        p = np.zeros(len(logits))
        p[np.argmax(logits)] = 1
        return p
    return softmax(logits / T)


def keep(p, ids):
    """p with all but some ids cut, and summing to 1."""
    out = np.zeros(len(p))
    for i in ids:
        out[i] = p[i]
    return out / out.sum()


def likeliest_first(p):
    return sorted(range(len(p)), key=lambda i: -p[i])  # sorted keeps equals in their order


def top_k(p, k):
    if k < 1:
        raise ValueError("k must be at least 1")
    return keep(p, likeliest_first(p)[:k])


def top_p(p, q):
    if q <= 0 or q > 1:
        raise ValueError("q must be above 0 and at most 1")
    ids, total = [], 0.0
    for i in likeliest_first(p):
        ids.append(i)
        total += p[i]
        if total >= q:
            break
    return keep(p, ids)


def min_p(p, m):
    if m < 0 or m > 1:
        raise ValueError("m must be from 0 to 1")
    bar = m * max(p)
    return keep(p, [i for i in range(len(p)) if p[i] >= bar])


def sample_from(p, u):
    chosen = []
    for x in u:
        total = 0.0
        for j in range(len(p)):
            if p[j] == 0:
                continue
            last = j
            total += p[j]
            if total > x:
                break
        chosen.append(last)
    return np.array(chosen)


def predict(weights, contexts):
    tables, common, strength = weights["tables"], weights["common"], weights["strength"]
    logits = tables[0][contexts[:, -1]]
    for distance in range(2, 7):
        logits = logits + strength * (tables[distance - 1][contexts[:, -distance]] - common)
    return np.log(softmax(logits))


def weights(names):
    """A table for each distance, and how much the far ones may add: chosen on names that were not counted."""
    counted = count_tables([name for i, name in enumerate(names) if i % 10])
    contexts, targets = places(names[::10])

    def loss(strength):
        guess = predict(counted | {"strength": np.float32([strength])}, contexts)
        return -guess[np.arange(len(targets)), targets].mean()

    best = min([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0], key=loss)
    return count_tables(names) | {"strength": np.float32([best])}


def places(names):
    contexts, targets = [], []
    for name in names:
        ids = [0] * 6 + [ord(letter) - 96 for letter in name] + [0]
        for i in range(6, len(ids)):
            contexts.append(ids[i - 6 : i])
            targets.append(ids[i])
    return np.array(contexts), np.array(targets)


def count_tables(names):
    contexts, targets = places(names)
    counts = np.ones((6, 27, 27))
    for distance in range(1, 7):
        np.add.at(counts[distance - 1], (contexts[:, -distance], targets), 1)
    tables = np.log(counts / counts.sum(axis=2, keepdims=True))
    common = np.log(np.bincount(targets, minlength=27) / len(targets))
    return {"tables": tables.astype(np.float32), "common": common.astype(np.float32)}
