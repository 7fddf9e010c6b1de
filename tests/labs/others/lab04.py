"""Mistakes in lab 04 that its checks do not list: none crashes the checker, each gets a sentence."""

OTHERS = {
    "one_hot": [
        # a column vector of ids meets a row of numbers: True and False instead of numbers
        """
def one_hot(ids, V):
    if min(ids) < 0 or max(ids) >= V:
        raise ValueError("not an id")
    return np.arange(V) == ids[:, None]
""",
        # one column a symbol
        """
def one_hot(ids, V):
    out = np.zeros((V, len(ids)))
    out[ids, np.arange(len(ids))] = 1
    return out
""",
        # too large ids are pressed into the table
        """
def one_hot(ids, V):
    return np.eye(V)[np.clip(ids, 0, V - 1)]
""",
    ],
    "lookup": [
        # right, and too large for the memory
        """
def lookup(W, ids):
    return np.eye(len(W))[ids] @ W
""",
        # a list of rows
        """
def lookup(W, ids):
    return [W[i] for i in ids]
""",
    ],
    "cross_entropy": [
        # the perplexity
        """
def cross_entropy(logits, targets):
    z = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(targets)), targets]
    return np.exp(losses.mean())
""",
        # only the rows whose target is the likeliest symbol count
        """
def cross_entropy(logits, targets):
    z = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(targets)), targets]
    return losses[logits.argmax(axis=1) == targets].mean()
""",
        # one loss a row
        """
def cross_entropy(logits, targets):
    z = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(targets)), targets]
""",
        # keepdims forgotten: shapes that do not fit
        """
def cross_entropy(logits, targets):
    z = logits - logits.max(axis=1)
    return -np.log(np.exp(z[np.arange(len(targets)), targets]) / np.exp(z).sum()).mean()
""",
        # the probabilities are clipped
        """
def cross_entropy(logits, targets):
    z = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = np.clip(z / z.sum(axis=1, keepdims=True), 1e-20, 1)
    return -np.log(p[np.arange(len(targets)), targets]).mean()
""",
    ],
    "dlogits": [
        # 1 is subtracted at the target's place of the first rows
        """
def dlogits(logits, targets):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    for t in targets:
        p[t] -= 1
    return p / len(targets)
""",
        # only the right symbols get a derivative
        """
def dlogits(logits, targets):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    y = np.eye(logits.shape[1])[targets]
    return (p - y) * y / len(targets)
""",
    ],
    "weight_gradient": [
        # one row too few, when the last ids do not occur
        """
def weight_gradient(ids, d, V):
    return np.stack([d[ids == v].sum(axis=0) for v in range(max(ids) + 1)])
""",
        # only symbols that occur have a row
        """
def weight_gradient(ids, d, V):
    return np.stack([d[ids == v].sum(axis=0) for v in sorted(set(ids.tolist()))])
""",
    ],
    "descend": [
        # the sums of the columns instead of those of the rows
        """
def descend(W, N, lr, l2):
    if lr <= 0:
        raise ValueError("lr")
    P = np.exp(W) / np.exp(W).sum(axis=1, keepdims=True)
    return W - lr * ((N.sum(axis=0) * P - N) / N.sum() + 2 * l2 * W)
""",
        # l2 makes the weights smaller after the step
        """
def descend(W, N, lr, l2):
    if lr <= 0:
        raise ValueError("lr")
    P = np.exp(W) / np.exp(W).sum(axis=1, keepdims=True)
    W = W - lr * (N.sum(axis=1, keepdims=True) * P - N) / N.sum()
    return W * (1 - 2 * lr * l2)
""",
        # nothing is refused, and W is changed in place
        """
def descend(W, N, lr, l2):
    P = np.exp(W) / np.exp(W).sum(axis=1, keepdims=True)
    W -= lr * ((N.sum(axis=1, keepdims=True) * P - N) / N.sum() + 2 * l2 * W)
""",
    ],
}
