"""Mistakes in lab 10 that its checks do not list: none crashes the checker, each gets a sentence."""

OTHERS = {
    "cut": [
        # split with a pattern that drops what it splits at, and empty words
        """
import re
def cut(text):
    return re.split(r"[ \\n]", text)
""",
        # any white space, but two spaces are kept together with the word before
        """
def cut(text):
    words = [""]
    for sign in text:
        if sign.isspace():
            words.append("")
        words[-1] += sign
    return words
""",
    ],
    "get_pairs": [
        # a Counter of what is not a pair of ids
        """
from collections import Counter
def get_pairs(words):
    return Counter(str(a) + " " + str(b) for word in words for a, b in zip(word, word[1:]))
""",
        # lists cannot be keys
        """
def get_pairs(words):
    counts = {}
    for word in words:
        for i in range(len(word) - 1):
            counts[word[i : i + 2]] = counts.get(word[i : i + 2], 0) + 1
    return counts
""",
        # one place too far
        """
def get_pairs(words):
    counts = {}
    for word in words:
        for i in range(len(word)):
            pair = (word[i], word[i + 1])
            counts[pair] = counts.get(pair, 0) + 1
    return counts
""",
        # sorted by frequency, as a list
        """
from collections import Counter
def get_pairs(words):
    return Counter(pair for word in words for pair in zip(word, word[1:])).most_common()
""",
    ],
    "merge": [
        # the list is changed while one walks over it
        """
def merge(ids, pair, new):
    for i in range(len(ids) - 1):
        if (ids[i], ids[i + 1]) == pair:
            ids[i : i + 2] = [new]
    return ids
""",
        # forgets to return
        """
def merge(ids, pair, new):
    out, i = [], 0
    while i < len(ids):
        if ids[i : i + 2] == list(pair):
            out.append(new)
            i += 2
        else:
            out.append(ids[i])
            i += 1
""",
        # never gets on
        """
def merge(ids, pair, new):
    out, i = [], 0
    while i < len(ids):
        if ids[i : i + 2] == list(pair):
            out.append(new)
            i += 2
    return out
""",
    ],
    "train_bpe": [
        # the merged words are thrown away
        """
def train_bpe(words, n):
    merges = []
    for k in range(n):
        counts = {}
        for word in words:
            for pair in zip(word, word[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        merges.append(min(counts, key=lambda pair: (-counts[pair], pair)))
    return merges
""",
        # max over nothing at the end
        """
def train_bpe(words, n):
    merges = []
    for k in range(n):
        counts = {}
        for word in words:
            for pair in zip(word, word[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        merged = []
        for word in words:
            out, i = [], 0
            while i < len(word):
                if tuple(word[i : i + 2]) == best:
                    out.append(256 + k)
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            merged.append(out)
        words = merged
    return merges
""",
        # the new ids, not the pairs
        """
def train_bpe(words, n):
    return [256 + k for k in range(n)]
""",
    ],
    "encode": [
        # letters are no bytes
        """
def encode(text, merges):
    return [BYTES.index(ord(sign)) for sign in text]
""",
        # strings instead of ids
        """
def encode(text, merges):
    return list(text)
""",
        # one pass over neighbours, with whatever merge is there
        """
def encode(text, merges):
    made = {pair: 256 + k for k, pair in enumerate(merges)}
    ids = [BYTES.index(byte) for byte in text.encode("utf-8")]
    out, i = [], 0
    while i < len(ids):
        pair = tuple(ids[i : i + 2])
        if pair in made:
            out.append(made[pair])
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out
""",
    ],
    "decode": [
        # strict
        """
def decode(ids, merges):
    texts = [bytes([byte]) for byte in BYTES]
    for a, b in merges:
        texts.append(texts[a] + texts[b])
    return b"".join(texts[i] for i in ids).decode("utf-8")
""",
        # bytes come back
        """
def decode(ids, merges):
    texts = [bytes([byte]) for byte in BYTES]
    for a, b in merges:
        texts.append(texts[a] + texts[b])
    return b"".join(texts[i] for i in ids)
""",
        # a negative id counts from the end, as Python's lists do
        """
def decode(ids, merges):
    texts = [bytes([byte]) for byte in BYTES]
    for a, b in merges:
        texts.append(texts[a] + texts[b])
    if max(ids) >= len(texts):
        raise ValueError("no such id")
    return b"".join(texts[i] for i in ids).decode("utf-8", "replace")
""",
    ],
    "chars_per_token": [
        # the number of texts
        """
def chars_per_token(texts, encoded):
    return len(texts) / len(encoded)
""",
        # one ratio a text
        """
def chars_per_token(texts, encoded):
    return [len(text) / len(ids) for text, ids in zip(texts, encoded)]
""",
    ],
}
