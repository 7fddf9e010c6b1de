"""Mistakes in lab 12 that its checks do not list: none crashes the checker, each gets a sentence."""

OTHERS = {
    "bits_per_char": [
        # the list of arrays is made one array, which it cannot be
        """
def bits_per_char(token_nats, texts):
    if len(token_nats) != len(texts):
        raise ValueError("lengths")
    return np.array(token_nats).sum() / np.log(2) / sum(len(t) + 1 for t in texts)
""",
        # one number a text
        """
def bits_per_char(token_nats, texts):
    return np.array([n.sum() / np.log(2) / (len(t) + 1) for n, t in zip(token_nats, texts)])
""",
    ],
    "distinct_split": [
        # sets
        """
def distinct_split(lines, u, share):
    if not 0 < share < 1:
        raise ValueError("share")
    first = dict(reversed(list(zip(lines, u))))
    return {l for l in lines if first[l] >= share}, {l for l in lines if first[l] < share}
""",
        # the first share of the lines, whatever u says
        """
def distinct_split(lines, u, share):
    names = list(dict.fromkeys(lines))
    cut = int(share * len(names))
    return names[cut:], names[:cut]
""",
    ],
    "leak_effect": [
        # 0 / 0 where no line is known
        """
def leak_effect(train, held_out, nats):
    known = [i for i, line in enumerate(held_out) if line in train]
    new = [i for i, line in enumerate(held_out) if line not in train]
    def loss(which):
        return sum(nats[i] for i in which) / sum(len(held_out[i]) + 1 for i in which)
    return len(known) / len(held_out), loss(known), loss(new)
""",
        # a percentage
        """
def leak_effect(train, held_out, nats):
    known = np.array([line in train for line in held_out])
    chars = np.array([len(line) + 1 for line in held_out])
    return 100 * known.mean(), nats[known].sum() / chars[known].sum(), nats[~known].sum() / chars[~known].sum()
""",
    ],
    "bootstrap": [
        # its own random numbers in place of the picks
        """
def bootstrap(nats, chars, picks):
    rng = np.random.default_rng(0)
    some = [rng.integers(0, len(nats), len(nats)) for _ in range(len(picks))]
    losses = [nats[s].sum() / chars[s].sum() for s in some]
    return nats.sum() / chars.sum(), np.quantile(losses, 0.025), np.quantile(losses, 0.975)
""",
        # all resampled losses
        """
def bootstrap(nats, chars, picks):
    return nats[picks].sum(axis=1) / chars[picks].sum(axis=1)
""",
    ],
    "compare": [
        # the median
        """
def compare(a, b):
    d = a - b
    return np.median(d), d.std(ddof=1) / np.sqrt(len(d)), np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(d))
""",
        # the unpaired error of a ratio
        """
def compare(a, b):
    if len(a) != len(b):
        raise ValueError("lengths")
    d = a / b
    return d.mean(), d.std(ddof=1) / len(d) ** 0.5, 0.0
""",
    ],
    "pick": [
        # the best prediction in place of the best mean
        """
def pick(choose, confirm):
    best = int(choose.argmin()) // choose.shape[1]
    return best, choose[best].mean(), confirm[best].mean()
""",
        # only the row
        """
def pick(choose, confirm):
    return int(choose.mean(axis=1).argmin())
""",
    ],
}
