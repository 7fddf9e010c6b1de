"""Mistakes in lab 05 that its checks do not list: none crashes the checker, each gets a sentence."""

OTHERS = {
    "prefix_mean": [
        # right, and every prefix is added up anew
        """
def prefix_mean(x):
    if x.ndim != 2:
        raise ValueError("x")
    return np.array([x[: i + 1].mean(axis=0) for i in range(len(x))])
""",
        # right, and with a table of all weights
        """
def prefix_mean(x):
    if x.ndim != 2:
        raise ValueError("x")
    weights = np.tril(np.ones((len(x), len(x))))
    return weights / weights.sum(axis=1, keepdims=True) @ x
""",
        # the mean of two neighbours only
        """
def prefix_mean(x):
    means = x.copy()
    means[1:] = (x[1:] + x[:-1]) / 2
    return means
""",
        # one place too few
        """
def prefix_mean(x):
    return np.array([x[:i].mean(axis=0) for i in range(1, len(x))])
""",
        # whole numbers, because the array for the answer was made of them
        """
def prefix_mean(x):
    means = np.zeros(x.shape, dtype=int)
    total = 0
    for i, row in enumerate(x):
        total = total + row
        means[i] = total / (i + 1)
    return means
""",
    ],
    "average_logits": [
        # a mean of means
        """
def average_logits(E, W, ids):
    h = E[ids]
    for i in range(1, len(h)):
        h[i] = (h[i - 1] + h[i]) / 2
    return h @ W
""",
        # only the last place
        """
def average_logits(E, W, ids):
    return E[ids].mean(axis=0) @ W
""",
        # W transposed
        """
def average_logits(E, W, ids):
    x = E[ids]
    return np.cumsum(x, axis=0) / np.arange(1, len(x) + 1)[:, None] @ W.T
""",
    ],
    "backward": [
        # each row of x gets the last mean's part only
        """
def backward(dh):
    return np.zeros(dh.shape) + dh[-1] / len(dh)
""",
        # divided by the places that are still to come
        """
def backward(dh):
    T = len(dh)
    return np.cumsum((dh / np.arange(T, 0, -1)[:, None])[::-1], axis=0)[::-1]
""",
    ],
    "gradients": [
        # dW is transposed
        """
def gradients(E, W, ids, targets):
    T = len(ids)
    n = np.arange(1, T + 1)[:, None]
    h = np.cumsum(E[ids], axis=0) / n
    z = h @ W
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    d = np.exp(log_p)
    d[np.arange(T), targets] -= 1
    d /= T
    dE = np.zeros(E.shape)
    np.add.at(dE, ids, np.cumsum((d @ W.T / n)[::-1], axis=0)[::-1])
    return -log_p[np.arange(T), targets].mean(), dE, d.T @ h
""",
        # the two gradients in the wrong order
        """
def gradients(E, W, ids, targets):
    return 1.0, np.zeros(W.shape), np.zeros(E.shape)
""",
        # no loss
        """
def gradients(E, W, ids, targets):
    return np.zeros(E.shape), np.zeros(W.shape)
""",
    ],
    "cosine": [
        # the lengths are added
        """
def cosine(a, b):
    return a @ b / (np.linalg.norm(a) + np.linalg.norm(b))
""",
        # zeros give nan with a warning
        """
def cosine(a, b):
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
""",
    ],
    "neighbours": [
        # the cosines instead of the rows
        """
def neighbours(vectors, v, n, leave_out):
    cosines = vectors @ v / np.linalg.norm(vectors, axis=1) / np.linalg.norm(v)
    return sorted(cosines.tolist(), reverse=True)[:n]
""",
        # an array
        """
def neighbours(vectors, v, n, leave_out):
    cosines = vectors @ v / np.linalg.norm(vectors, axis=1)
    return np.argsort(-cosines)[:n]
""",
        # rows with a cosine below 0 are thought to be no neighbours
        """
def neighbours(vectors, v, n, leave_out):
    cosines = vectors @ v / np.linalg.norm(vectors, axis=1)
    rows = [i for i in np.argsort(-cosines).tolist() if cosines[i] > 0 and i not in leave_out]
    return rows[:n]
""",
        # the columns are divided by the lengths of the rows
        """
def neighbours(vectors, v, n, leave_out):
    unit = vectors / np.linalg.norm(vectors)
    order = [row for row in np.argsort(-(unit @ v)).tolist() if row not in leave_out]
    if len(order) < n:
        raise ValueError("too many")
    return order[:n]
""",
    ],
    "analogy": [
        # words that are near all three
        """
def analogy(vectors, a, b, c, n):
    u = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    score = u @ u[a] * (u @ u[c]) / (u @ u[b])
    score[[a, b, c]] = -np.inf
    return np.argsort(-score)[:n].tolist()
""",
        # one more than is wanted
        """
def analogy(vectors, a, b, c, n):
    u = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    score = u @ (u[a] - u[b] + u[c])
    score[[a, b, c]] = -np.inf
    return np.argsort(-score)[: n + 1].tolist()
""",
        # the nearest word, not a list
        """
def analogy(vectors, a, b, c, n):
    u = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    score = u @ (u[a] - u[b] + u[c])
    score[[a, b, c]] = -np.inf
    return int(np.argmax(score))
""",
    ],
}
