"""A full solution of lab 12, written as a student might. Not shipped."""

import numpy as np


def bits_per_char(token_nats, texts):
    if len(token_nats) != len(texts) or len(texts) == 0:
        raise ValueError("each text needs its losses")
    nats = 0.0
    chars = 0
    for losses, text in zip(token_nats, texts):
        nats += losses.sum()
        chars += len(text) + 1
    return nats / np.log(2) / chars


def distinct_split(lines, u, share):
    if share <= 0 or share >= 1:
        raise ValueError("share is a number between 0 and 1")
    train, held_out, done = [], [], set()
    for line, x in zip(lines, u):
        if line in done:
            continue
        done.add(line)
        if x < share:
            held_out.append(line)
        else:
            train.append(line)
    return train, held_out


def leak_effect(train, held_out, nats):
    if len(nats) != len(held_out):
        raise ValueError("one loss a line")
    train = set(train)
    lost = {True: 0.0, False: 0.0}
    chars = {True: 0, False: 0}
    known = 0
    for line, x in zip(held_out, nats):
        side = line in train
        known += side
        lost[side] += x
        chars[side] += len(line) + 1
    losses = [lost[side] / chars[side] if chars[side] else np.nan for side in (True, False)]
    return known / len(held_out), losses[0], losses[1]


def bootstrap(nats, chars, picks):
    if picks.shape[1] != len(nats):
        raise ValueError("a row of picks is as long as the list of names")
    losses = [nats[row].sum() / chars[row].sum() for row in picks]
    low, high = np.percentile(losses, [2.5, 97.5])
    return nats.sum() / chars.sum(), low, high


def compare(a, b):
    n = len(a)
    if n != len(b) or n < 2:
        raise ValueError("two lists of the same names")
    d = a - b
    paired = d.std(ddof=1) / n**0.5
    apart = ((a.var(ddof=1) + b.var(ddof=1)) / n) ** 0.5
    return d.mean(), paired, apart


def pick(choose, confirm):
    if len(choose) != len(confirm):
        raise ValueError("the same models, please")
    means = choose.mean(axis=1)
    best = int(means.argmin())
    return best, means[best], confirm[best].mean()


def predict(weights, contexts):
    return weights["three"][contexts[:, 0], contexts[:, 1]]


def weights(names):
    """Two letters before; where they were seldom seen, the one letter before has more to say."""
    two, three = np.zeros((27, 27)), np.zeros((27, 27, 27))
    for name in names:
        ids = [0, 0] + [ord(letter) - 96 for letter in name] + [0]
        for a, b, c in zip(ids, ids[1:], ids[2:]):
            two[b, c] += 1
            three[a, b, c] += 1
    fallback = (two + 0.1) / (two + 0.1).sum(axis=1, keepdims=True)
    mixed = three + 6 * fallback
    return {"three": np.log(mixed / mixed.sum(axis=2, keepdims=True)).astype(np.float32)}
