"""Mistakes in lab 01 that its checks do not list: none crashes the checker, each gets a sentence."""

OTHERS = {
    "build_vocab": [
        # the names are joined with the mark, which then is a letter among others
        """
def build_vocab(names):
    return sorted(set(".".join(names)))
""",
        # a set has no order
        """
def build_vocab(names):
    return {"."} | set("".join(names))
""",
        # one string
        """
def build_vocab(names):
    return "." + "".join(sorted(set("".join(names))))
""",
    ],
    "count_bigrams": [
        # a dict of pairs
        """
def count_bigrams(names, vocab):
    counts = {}
    for name in names:
        for pair in zip("." + name, name + "."):
            counts[pair] = counts.get(pair, 0) + 1
    return counts
""",
        # an unknown letter is a KeyError
        """
def count_bigrams(names, vocab):
    number = {symbol: i for i, symbol in enumerate(vocab)}
    N = np.zeros((len(vocab), len(vocab)))
    for name in names:
        for a, b in zip("." + name, name + "."):
            N[number[a], number[b]] += 1
    return N
""",
        # without room for the mark
        """
def count_bigrams(names, vocab):
    N = np.zeros((len(vocab) - 1, len(vocab) - 1))
    for name in names:
        for a, b in zip(name, name[1:]):
            N[vocab.index(a) - 1, vocab.index(b) - 1] += 1
    return N
""",
    ],
    "to_probs": [
        # whole numbers
        """
def to_probs(N, k):
    return (N + k) // (N + k).sum(axis=1, keepdims=True)
""",
        # a softmax
        """
def to_probs(N, k):
    e = np.exp(N + k)
    return e / e.sum(axis=1, keepdims=True)
""",
        # k is added in place, which no array of whole numbers takes
        """
def to_probs(N, k):
    N += k
    return N / N.sum(axis=1, keepdims=True)
""",
    ],
    "name_prob": [
        # the rows are found by the letter's number in the alphabet
        """
def name_prob(P, name, vocab):
    p = 1
    for a, b in zip(name, name[1:]):
        p *= P[ord(a) - 97, ord(b) - 97]
    return p
""",
        # all factors, not their product
        """
def name_prob(P, name, vocab):
    return [P[vocab.index(a), vocab.index(b)] for a, b in zip("." + name, name + ".")]
""",
    ],
    "sample_name": [
        # its own dice
        """
def sample_name(P, vocab, u):
    name, now = "", 0
    while True:
        now = np.random.default_rng().choice(len(P), p=P[now])
        if now == 0:
            return name
        name += vocab[now]
""",
        # no end without a mark
        """
def sample_name(P, vocab, u):
    name, now, i = "", 0, 0
    while True:
        now = int(np.searchsorted(np.cumsum(P[now]), u[i], side="right"))
        if now == 0:
            return name
        name += vocab[now]
        i += 1
""",
    ],
}
