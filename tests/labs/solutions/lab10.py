"""A full solution of lab 10, written as a student might. Not shipped."""

from collections import Counter
from itertools import pairwise

import numpy as np

BYTES = bytes([*range(33, 127), *range(161, 173), *range(174, 256), *range(33), *range(127, 161), 173])


def cut(text):
    words = []
    for sign in text:
        if sign in " \n" or not words:
            words.append(sign)
        else:
            words[-1] += sign
    return words


def get_pairs(words):
    counts = Counter()
    for word in words:
        for i in range(len(word) - 1):
            counts[word[i], word[i + 1]] += 1
    return dict(counts)


def merge(ids, pair, new):
    merged = []
    for i in ids:
        merged.append(i)
        if tuple(merged[-2:]) == pair:
            merged[-2:] = [new]
    return merged


def train_bpe(words, n):
    if n < 0:
        raise ValueError("n cannot be negative")
    merges = []
    while len(merges) < n:
        counts = get_pairs(words)
        if not counts:
            break
        most = max(counts.values())
        pair = min(p for p, times in counts.items() if times == most)
        words = [merge(word, pair, 256 + len(merges)) for word in words]
        merges.append(pair)
    return merges


def encode(text, merges):
    rank = {tuple(pair): place for place, pair in enumerate(merges)}
    found = []
    for word in cut(text):
        ids = [BYTES.index(byte) for byte in word.encode("utf-8")]
        while True:
            possible = [rank[pair] for pair in pairwise(ids) if pair in rank]
            if not possible:
                break
            ids = merge(ids, merges[min(possible)], 256 + min(possible))
        found.extend(ids)
    return found


def decode(ids, merges):
    meaning = {i: bytes([byte]) for i, byte in enumerate(BYTES)}
    for place, (a, b) in enumerate(merges):
        meaning[256 + place] = meaning[a] + meaning[b]
    for i in ids:
        if i not in meaning:
            raise ValueError(f"there is no id {i}")
    return b"".join(meaning[i] for i in ids).decode("utf-8", errors="replace")


def chars_per_token(texts, encoded):
    tokens = sum(map(len, encoded))
    if tokens == 0:
        raise ValueError("no tokens, no ratio")
    return sum(map(len, texts)) / tokens


def predict(weights, contexts):
    pieces = weights["pieces"].astype(int)
    lengths = (pieces >= 0).sum(axis=1)
    answer = np.zeros((len(contexts), 27))
    for row in np.argsort(lengths):  # a longer piece overwrites what a shorter one said
        n = lengths[row]
        answer[(contexts[:, -n:] == pieces[row, -n:]).all(axis=1)] = weights["table"][row]
    return answer


def learned_pieces(names, number):
    """The pieces of byte-pair encoding on names that begin with the mark, on one long array with -1 between names."""
    line = np.concatenate([[-1, 0, *(ord(letter) - 96 for letter in name)] for name in names])
    pieces = [(symbol,) for symbol in range(27)]
    for _ in range(number):
        a, b = line[:-1], line[1:]
        inside = (a >= 0) & (b >= 0)
        codes = np.bincount(a[inside] * 1000 + b[inside])
        first, second = divmod(int(codes.argmax()), 1000)
        at = np.flatnonzero((a == first) & (b == second))
        if first == second and len(at) > 1:  # they may overlap
            at = at[np.concatenate([[True], np.diff(at) > 1])]
        line[at] = len(pieces)
        line = np.delete(line, at + 1)
        pieces.append(pieces[first] + pieces[second])
    return [piece for piece in pieces if len(piece) <= 8]


def weights(names):
    """A row for each of 567 pieces, mixed with the row of the longest other piece in which it ends."""
    pieces = sorted(learned_pieces(names, 540), key=len)
    place = {piece: row for row, piece in enumerate(pieces)}
    counts = np.zeros((len(pieces), 27))
    for name in names:
        ids = [0] + [ord(letter) - 96 for letter in name] + [0]
        for t in range(1, len(ids)):
            for begin in range(max(0, t - 8), t):
                row = place.get(tuple(ids[begin:t]))
                if row is not None:
                    counts[row, ids[t]] += 1
    p = np.full((len(pieces), 27), 1 / 27)
    for row, piece in enumerate(pieces):
        shorter = [place[piece[i:]] for i in range(1, len(piece)) if piece[i:] in place]
        prior = p[shorter[0]] if shorter else np.full(27, 1 / 27)
        p[row] = (counts[row] + 8 * prior) / (counts[row].sum() + 8)
    filled = np.array([[-1] * (8 - len(piece)) + list(piece) for piece in pieces])
    return {"pieces": filled.astype(np.float32), "table": np.log(p).astype(np.float32)}
