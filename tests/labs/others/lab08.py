"""Mistakes in lab 08 that its checks do not list: each has to get a sentence that helps, and nothing may crash."""

SCORES = """
def scores(q, k):
    if q.shape[1] != k.shape[1]:
        raise ValueError("widths")
    return q @ k.T / np.sqrt(q.shape[1])
"""

OTHERS = {
    "scores": [
        # keys with queries
        """
def scores(q, k):
    return k @ q.T / np.sqrt(q.shape[1])
""",
        # the root of the number of queries
        """
def scores(q, k):
    return q @ k.T / np.sqrt(len(q))
""",
        # number by number
        """
def scores(q, k):
    return (q * k).sum(axis=1) / np.sqrt(q.shape[1])
""",
        # already a softmax
        """
def scores(q, k):
    if q.shape[1] != k.shape[1]:
        raise ValueError("widths")
    s = q @ k.T / np.sqrt(q.shape[1])
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
""",
    ],
    "causal_weights": [
        # multiplied by a mask of 0 and -inf, which makes nan
        """
def causal_weights(s):
    s = s * np.triu(np.full(s.shape, -np.inf), 1)
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
""",
        # np.tril, which leaves 0 above the diagonal
        """
def causal_weights(s):
    if s.shape[0] != s.shape[1]:
        raise ValueError("square")
    s = np.tril(s)
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
""",
        # keepdims forgotten
        """
def causal_weights(s):
    if s.shape[0] != s.shape[1]:
        raise ValueError("square")
    s = np.where(np.triu(np.ones(s.shape), 1) > 0, -np.inf, s)
    e = np.exp(s)
    return e / e.sum(axis=1)
""",
        # cleared after the softmax and made to sum to 1 again: right, but for scores far from 0
        """
def causal_weights(s):
    if s.shape[0] != s.shape[1]:
        raise ValueError("square")
    e = np.exp(s - s.max(axis=1, keepdims=True))
    e = np.tril(e)
    return e / e.sum(axis=1, keepdims=True)
""",
        # the largest of all is taken away, and rows far below it vanish
        """
def causal_weights(s):
    if s.shape[0] != s.shape[1]:
        raise ValueError("square")
    s = np.where(np.triu(np.ones(s.shape), 1) > 0, -np.inf, s)
    e = np.exp(s - s[np.isfinite(s)].max())
    return e / e.sum(axis=1, keepdims=True)
""",
        # an array is changed in place that holds whole numbers, one -inf too many
        """
def causal_weights(s):
    s[np.triu_indices(len(s))] = -np.inf
    e = np.exp(s)
    return e / e.sum(axis=1, keepdims=True)
""",
    ],
    "causal_attention": [
        # the shares come back
        """
def causal_attention(q, k, v):
    return causal_weights(scores(q, k))
""",
        # keys in place of values
        """
def causal_attention(q, k, v):
    s = q @ k.T / np.sqrt(q.shape[1])
    s = np.where(np.triu(np.ones(s.shape), 1) > 0, -np.inf, s)
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True) @ k
""",
        # the shares are turned
        """
def causal_attention(q, k, v):
    s = q @ k.T / np.sqrt(q.shape[1])
    s = np.where(np.triu(np.ones(s.shape), 1) > 0, -np.inf, s)
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True)).T @ v
""",
        # no softmax at all
        """
def causal_attention(q, k, v):
    return np.tril(q @ k.T / np.sqrt(q.shape[1])) @ v
""",
        # a loop that leaves the last position out
        """
def causal_attention(q, k, v):
    out = np.zeros_like(v)
    for t in range(len(q) - 1):
        s = k[: t + 1] @ q[t] / np.sqrt(q.shape[1])
        e = np.exp(s - s.max())
        out[t] = e / e.sum() @ v[: t + 1]
    return out
""",
    ],
    "split_heads": [
        # the heads stay in the middle
        """
def split_heads(x, n_head):
    return x.reshape(len(x), n_head, -1)
""",
        # a list of arrays
        """
def split_heads(x, n_head):
    return np.split(x, n_head, axis=1)
""",
        # columns are left over and thrown away
        """
def split_heads(x, n_head):
    D = x.shape[1] // n_head
    return np.stack([x[:, h * D:(h + 1) * D] for h in range(n_head)])
""",
    ],
    "merge_heads": [
        # one below the other
        """
def merge_heads(heads):
    return np.concatenate(heads, axis=0)
""",
        # the mean of the heads
        """
def merge_heads(heads):
    return heads.mean(axis=0)
""",
        # the sum over the positions is lost in a loop
        """
def merge_heads(heads):
    H, T, D = heads.shape
    out = np.zeros((T, H * D))
    for h in range(H):
        out[:, h:h + D] = heads[h]
    return out
""",
    ],
    "multi_head": [
        # Wo first
        SCORES
        + """
def multi_head(x, Wq, Wk, Wv, Wo, n_head):
    D = x.shape[1] // n_head
    out = []
    for h in range(n_head):
        c = slice(h * D, (h + 1) * D)
        s = (x @ Wq)[:, c] @ (x @ Wk)[:, c].T / np.sqrt(D)
        s = np.where(np.triu(np.ones(s.shape), 1) > 0, -np.inf, s)
        e = np.exp(s - s.max(axis=1, keepdims=True))
        out.append(e / e.sum(axis=1, keepdims=True) @ (x @ Wv @ Wo)[:, c])
    return np.concatenate(out, axis=1)
""",
        # x itself is cut, and each head has only its corner of the weights
        """
def multi_head(x, Wq, Wk, Wv, Wo, n_head):
    D = x.shape[1] // n_head
    out = []
    for h in range(n_head):
        c = slice(h * D, (h + 1) * D)
        q, k, v = x[:, c] @ Wq[c, c], x[:, c] @ Wk[c, c], x[:, c] @ Wv[c, c]
        s = q @ k.T / np.sqrt(D)
        s = np.where(np.triu(np.ones(s.shape), 1) > 0, -np.inf, s)
        e = np.exp(s - s.max(axis=1, keepdims=True))
        out.append(e / e.sum(axis=1, keepdims=True) @ v)
    return np.concatenate(out, axis=1) @ Wo
""",
        # keys made with the weights of the queries, and no error for heads that do not fit
        """
def multi_head(x, Wq, Wk, Wv, Wo, n_head):
    return merge_heads(np.stack([causal_attention(*one) for one in zip(
        *(split_heads(x @ W, n_head) for W in (Wq, Wq, Wv)))])) @ Wo
""",
    ],
    "sees_ahead": [
        # True or False for each
        """
def sees_ahead(model, x):
    return [bool(np.any(model(np.where(np.arange(len(x))[:, None] > t, x + 1, x))[t] != model(x)[t]))
            for t in range(len(x) - 1)]
""",
        # one answer for all
        """
def sees_ahead(model, x):
    other = x.copy()
    other[-1] += 1
    return [t for t in range(len(x) - 1) if np.abs(model(other)[t] - model(x)[t]).max() > 1e-9]
""",
        # an exception of the model's shape
        """
def sees_ahead(model, x):
    out = model(x)
    return [t for t in range(len(x)) if np.abs(out[t] - model(x[:t + 1])[t]).max() > 1e-9]
""",
        # the future is cut away, not changed: for a model that needs all rows this is another question
        """
def sees_ahead(model, x):
    before = model(x)
    if len(before) != len(x):
        raise ValueError("rows")
    return [t for t in range(len(x) - 1) if np.abs(model(x[: t + 1])[t] - before[t]).max() > 1e-9]
""",
        # nothing is ever found
        """
def sees_ahead(model, x):
    before = model(x)
    changed = x
    return [t for t in range(len(x)) if np.abs(model(changed)[t] - before[t]).max() > 1e-9]
""",
    ],
}
