"""Mistakes in lab 02 that its checks do not list: none crashes the checker, each gets a sentence."""

OTHERS = {
    "nll": [
        # a small number hides what is impossible
        """
def nll(P, names, vocab):
    losses = []
    for name in names:
        losses += [-np.log(P[vocab.index(a), vocab.index(b)] + 1e-10) for a, b in zip("." + name, name + ".")]
    return np.mean(losses)
""",
        # counts times logarithms: 0 times -inf is nan
        """
def nll(P, names, vocab):
    ids = {s: i for i, s in enumerate(vocab)}
    N = np.zeros_like(P)
    for name in names:
        for a, b in zip("." + name, name + "."):
            N[ids[a], ids[b]] += 1
    return -(N * np.log(P)).sum() / N.sum()
""",
        # a list of lists of different lengths
        """
def nll(P, names, vocab):
    losses = []
    for name in names:
        losses.append([-np.log(P[vocab.index(a), vocab.index(b)]) for a, b in zip("." + name, name + ".")])
    return np.mean(losses)
""",
        # math.log refuses 0
        """
def nll(P, names, vocab):
    import math
    losses = [-math.log(P[vocab.index(a), vocab.index(b)]) for name in names for a, b in zip("." + name, name + ".")]
    return sum(losses) / len(losses)
""",
    ],
    "perplexity": [
        # one for each prediction
        """
def perplexity(losses):
    return np.exp(losses)
""",
        # ** binds more tightly than /
        """
def perplexity(losses):
    return np.prod(np.exp(losses)) ** 1 / len(losses)
""",
        # the losses taken for probabilities
        """
def perplexity(losses):
    return np.exp(-np.mean(np.log(losses)))
""",
    ],
    "bits_per_char": [
        # ln 2 rounded too soon
        """
def bits_per_char(total, names):
    return total / 0.69 / sum(len(name) + 1 for name in names)
""",
        # names plus one
        """
def bits_per_char(total, names):
    return total / np.log(2) / (len(names) + 1)
""",
    ],
    "split": [
        # Python's own hash is another one in each process
        """
def split(lines):
    names = list(dict.fromkeys(line.strip().lower() for line in lines if line.strip()))
    side = {name: hash(name) % 10 for name in names}
    return ([n for n in names if side[n] < 8], [n for n in names if side[n] == 8], [n for n in names if side[n] == 9])
""",
        # bucket 8 on two sides
        """
def split(lines):
    names = list(dict.fromkeys(line.strip().lower() for line in lines if line.strip()))
    return ([n for n in names if bucket(n) <= 8], [n for n in names if bucket(n) == 8],
            [n for n in names if bucket(n) == 9])
""",
        # a set has no order
        """
def split(lines):
    names = {line.strip().lower() for line in lines if line.strip()}
    return ([n for n in names if bucket(n) < 8], [n for n in names if bucket(n) == 8],
            [n for n in names if bucket(n) == 9])
""",
        # the empty line is a name
        """
def split(lines):
    names = list(dict.fromkeys(line.strip().lower() for line in lines))
    return ([n for n in names if bucket(n) < 8], [n for n in names if bucket(n) == 8],
            [n for n in names if bucket(n) == 9])
""",
        # shuffled and cut
        """
def split(lines):
    names = sorted({line.strip().lower() for line in lines if line.strip()})
    np.random.default_rng(0).shuffle(names)
    first, second = len(names) * 8 // 10, len(names) * 9 // 10
    return names[:first], names[first:second], names[second:]
""",
        # two lists, and what is no name among them
        """
def split(lines):
    return [line for line in lines if bucket(line) < 8] + [[0]], [], [["x"], 1]
""",
    ],
    "leaked": [
        # compared place by place
        """
def leaked(train, held_out):
    return np.mean([a == b for a, b in zip(train, held_out)])
""",
        # nan for an empty list
        """
def leaked(train, held_out):
    return np.mean(np.isin(held_out, train))
""",
    ],
    "ngram_nll": [
        # no smoothing
        """
def ngram_nll(train, held_out, n, k):
    from collections import Counter
    pairs, total = Counter(), Counter()
    losses = []
    for names in (train, held_out):
        for name in names:
            text = "." * (n - 1) + name + "."
            for i in range(n - 1, len(text)):
                context, symbol = text[i - n + 1 : i], text[i]
                if names is train:
                    pairs[context, symbol] += 1
                    total[context] += 1
                else:
                    losses.append(-np.log(pairs[context, symbol] / total[context]))
    return np.mean(losses)
""",
        # all names in one string, with n - 1 marks between them
        """
def ngram_nll(train, held_out, n, k):
    from collections import Counter
    def grams(names):
        text = ("." * (n - 1)).join(["", *names, ""])
        return [text[i - n + 1 : i + 1] for i in range(n - 1, len(text))]
    pairs, total = Counter(grams(train)), Counter(g[:-1] for g in grams(train))
    return np.mean([-np.log((pairs[g] + k) / (total[g[:-1]] + 27 * k)) for g in grams(held_out)])
""",
        # a table of 27 to the power of n cells, and nothing is refused
        """
def ngram_nll(train, held_out, n, k):
    N = np.full((27,) * n, k)
    places = []
    for names in (train, held_out):
        places = []
        for name in names:
            ids = [0] * (n - 1) + [ord(letter) - 96 for letter in name] + [0]
            places += [tuple(ids[i - n + 1 : i + 1]) for i in range(n - 1, len(ids))]
        if names is train:
            for place in places:
                N[place] += 1
    P = N / N.sum(axis=-1, keepdims=True)
    return np.mean([-np.log(P[place]) for place in places])
""",
        # the k in the sum is missing
        """
def ngram_nll(train, held_out, n, k):
    from collections import Counter
    def steps(names):
        return [(("." * (n - 1) + w + ".")[i : i + n - 1], (w + ".")[i]) for w in names for i in range(len(w) + 1)]
    pairs, total = Counter(steps(train)), Counter(context for context, _ in steps(train))
    return np.mean([-np.log((pairs[step] + k) / max(total[step[0]], 1)) for step in steps(held_out)])
""",
    ],
    "experiment": [
        # a table for a context that is not there
        """
def predict(weights, contexts):
    return weights["table"][contexts[:, -3], contexts[:, -2], contexts[:, -1]]
""",
    ],
}
