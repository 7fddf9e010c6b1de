"""Mistakes in lab 03 that its checks do not list: none crashes the checker, each gets a sentence."""

OTHERS = {
    "softmax": [
        # a small number is added to each
        """
def softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True)) + 1e-8
    return e / e.sum(axis=-1, keepdims=True)
""",
        # axis 1 of one row
        """
def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
""",
        # divided by the largest instead of reduced by it
        """
def softmax(logits):
    e = np.exp(logits / np.abs(logits).max())
    return e / e.sum(axis=-1, keepdims=True)
""",
        # nan is made a 0 afterwards
        """
def softmax(logits):
    e = np.exp(logits)
    return np.nan_to_num(e / e.sum(axis=-1, keepdims=True))
""",
    ],
    "temperature": [
        # T = 0 is refused too
        """
def temperature(logits, T):
    if T <= 0:
        raise ValueError("T must be positive")
    e = np.exp((logits - logits.max()) / T)
    return e / e.sum()
""",
        # the id instead of probabilities
        """
def temperature(logits, T):
    if T == 0:
        return np.argmax(logits)
    e = np.exp((logits - logits.max()) / T)
    return e / e.sum()
""",
        # probabilities to the power of 1 / T
        """
def temperature(logits, T):
    p = np.exp(logits)
    p = (p / p.sum()) ** (1 / T)
    return p / p.sum()
""",
        # one is added so that nothing is divided by zero
        """
def temperature(logits, T):
    e = np.exp(logits / (1 + T))
    return e / e.sum()
""",
    ],
    "top_k": [
        # argpartition needs a k below V
        """
def top_k(p, k):
    ids = np.argpartition(-p, k)[:k]
    out = np.zeros(len(p))
    out[ids] = p[ids]
    return out / out.sum()
""",
        # only what was kept comes back
        """
def top_k(p, k):
    ids = np.argsort(-p)[:k]
    return p[ids] / p[ids].sum()
""",
        # the order of equals is left to chance
        """
def top_k(p, k):
    p[np.argsort(p)[:-k]] = 0
    return p / p.sum()
""",
        # a k above V is refused
        """
def top_k(p, k):
    if not 1 <= k <= len(p):
        raise ValueError("no such k")
    ids = np.argsort(-p, kind="stable")[:k]
    return np.where(np.isin(np.arange(len(p)), ids), p, 0) / p[ids].sum()
""",
    ],
    "top_p": [
        # with q = 1 there is no end
        """
def top_p(p, q):
    out, total = np.zeros(len(p)), 0.0
    while total < q:
        i = np.argmax(p)
        out[i], total = p[i], total + p[i]
        p[i] = 0
    return out / total
""",
        # the first sum that reaches q, where there is none
        """
def top_p(p, q):
    order = np.argsort(-p, kind="stable")
    n = np.flatnonzero(np.cumsum(p[order]) >= q)[0] + 1
    out = np.zeros(len(p))
    out[order[:n]] = p[order[:n]]
    return out / out.sum()
""",
        # what is above 1 - q
        """
def top_p(p, q):
    out = np.where(p >= 1 - q, p, 0)
    return out / out.sum()
""",
    ],
    "min_p": [
        # the first instead of the largest
        """
def min_p(p, m):
    out = np.where(p >= m * p[0], p, 0)
    return out / out.sum()
""",
        # only what was kept comes back
        """
def min_p(p, m):
    return p[p >= m * p.max()]
""",
    ],
    "sample_from": [
        # real dice
        """
def sample_from(p, u):
    return np.random.default_rng(0).choice(len(p), size=len(u), p=p)
""",
        # one number for all
        """
def sample_from(p, u):
    return int(np.argmax(np.cumsum(p) > u[0]))
""",
        # nothing is appended beyond the end
        """
def sample_from(p, u):
    out = []
    for x in u:
        for j in range(len(p)):
            x -= p[j]
            if x < 0:
                out.append(j)
                break
    return np.array(out)
""",
        # the piece whose end is nearest
        """
def sample_from(p, u):
    return np.array([np.argmin(np.abs(np.cumsum(p) - x)) for x in u])
""",
    ],
    "experiment": [
        # probabilities instead of logarithms
        """
def predict(weights, contexts):
    return np.full((len(contexts), 27), 1 / 27)
""",
    ],
}
