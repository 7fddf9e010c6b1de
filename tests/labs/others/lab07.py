"""Mistakes in lab 07 that its checks do not list: each has to get a sentence that helps, and nothing may crash."""

OTHERS = {
    "rnn_step": [
        # a loop over rows that returns a list
        """
def rnn_step(x, h, Wx, Wh, b):
    return [np.tanh(x[i] @ Wx + h[i] @ Wh + b) for i in range(len(x))]
""",
        # the logistic function
        """
def rnn_step(x, h, Wx, Wh, b):
    return 1 / (1 + np.exp(-(x @ Wx + h @ Wh + b)))
""",
        # vectors as columns
        """
def rnn_step(x, h, Wx, Wh, b):
    return np.tanh(Wx @ x.T + Wh @ h.T + b[:, None])
""",
        # element by element
        """
def rnn_step(x, h, Wx, Wh, b):
    return np.tanh(x * Wx + h * Wh + b)
""",
    ],
    "unroll": [
        # the one state is changed in place, so every stored state is the last one
        """
def unroll(X, h0, Wx, Wh, b):
    h, hs = h0, []
    for t in range(X.shape[1]):
        h[:] = np.tanh(X[:, t] @ Wx + h @ Wh + b)
        hs.append(h)
    return np.array(hs).transpose(1, 0, 2)
""",
        # time comes first
        """
def unroll(X, h0, Wx, Wh, b):
    h, hs = h0, []
    for t in range(X.shape[1]):
        h = np.tanh(X[:, t] @ Wx + h @ Wh + b)
        hs.append(h)
    return np.array(hs)
""",
        # the loop runs over the rows of the batch
        """
def unroll(X, h0, Wx, Wh, b):
    h, hs = h0, []
    for x in X:
        h = np.tanh(x @ Wx + h @ Wh + b)
        hs.append(h)
    return np.array(hs)
""",
        # h0 is one of the states
        """
def unroll(X, h0, Wx, Wh, b):
    hs = [h0]
    for t in range(X.shape[1]):
        hs.append(np.tanh(X[:, t] @ Wx + hs[-1] @ Wh + b))
    return np.stack(hs, axis=1)
""",
        # stacking nothing
        """
def unroll(X, h0, Wx, Wh, b):
    h, hs = h0, []
    for t in range(X.shape[1]):
        h = np.tanh(X[:, t] @ Wx + h @ Wh + b)
        hs.append(h)
    return np.stack(hs, axis=1)
""",
    ],
    "bptt": [
        # only dz, and right
        """
def bptt(X, h0, hs, Wx, Wh, dhs):
    dz, later = np.zeros_like(hs), 0
    for t in range(hs.shape[1] - 1, -1, -1):
        dz[:, t] = (dhs[:, t] + later) * (1 - hs[:, t] ** 2)
        later = dz[:, t] @ Wh.T
    return {"dz": dz}
""",
        # the last step is left out, and dWh is paired with the same step
        """
def bptt(X, h0, hs, Wx, Wh, dhs):
    B, T, H = hs.shape
    dz, later, dWx, dWh = np.zeros_like(hs), 0, 0, 0
    for t in range(T - 2, -1, -1):
        dz[:, t] = (dhs[:, t] + later) * (1 - hs[:, t] ** 2)
        later = dz[:, t] @ Wh.T
        dWx = dWx + X[:, t].T @ dz[:, t]
        dWh = dWh + hs[:, t].T @ dz[:, t]
    return {"dz": dz, "dWx": dWx, "dWh": dWh, "db": dz.sum(axis=(0, 1)), "dh0": later}
""",
        # the weights' gradients are assigned and not added up
        """
def bptt(X, h0, hs, Wx, Wh, dhs):
    B, T, H = hs.shape
    dz, later = np.zeros_like(hs), 0
    for t in reversed(range(T)):
        dz[:, t] = (dhs[:, t] + later) * (1 - hs[:, t] ** 2)
        later = dz[:, t] @ Wh.T
        dWx = X[:, t].T @ dz[:, t]
        dWh = (hs[:, t - 1] if t else h0).T @ dz[:, t]
        db = dz[:, t].sum(axis=0)
    return {"dz": dz, "dWx": dWx, "dWh": dWh, "db": db, "dh0": later}
""",
        # the sum over time is forgotten
        """
def bptt(X, h0, hs, Wx, Wh, dhs):
    T = hs.shape[1]
    dz, later = np.zeros_like(hs), 0
    for t in reversed(range(T)):
        dz[:, t] = (dhs[:, t] + later) * (1 - hs[:, t] ** 2)
        later = dz[:, t] @ Wh.T
    return {"dz": dz, "dWx": np.einsum("btd,bth->tdh", X, dz), "dWh": Wh, "db": dz.sum(axis=0), "dh0": later}
""",
        # nan: the inverse of tanh's slope
        """
def bptt(X, h0, hs, Wx, Wh, dhs):
    dz = dhs * np.log(-1 - hs ** 2)
    return {"dz": dz, "dWx": X[:, 0].T @ dz[:, 0], "dWh": Wh, "db": dz.sum(axis=(0, 1)), "dh0": h0}
""",
        # the gradients in the wrong container
        """
def bptt(X, h0, hs, Wx, Wh, dhs):
    return dhs, Wx, Wh, h0
""",
    ],
    "grad_norm_by_distance": [
        # one number for all
        """
def grad_norm_by_distance(hs, Wh, g):
    for t in range(len(hs) - 1, 0, -1):
        g = Wh @ (g * (1 - hs[t] ** 2))
    return np.linalg.norm(g)
""",
        # the gradients, not their lengths
        """
def grad_norm_by_distance(hs, Wh, g):
    found = [g]
    for t in range(len(hs) - 1, 0, -1):
        found.append(Wh @ (found[-1] * (1 - hs[t] ** 2)))
    return np.array(found)
""",
        # right, without the check
        """
def grad_norm_by_distance(hs, Wh, g):
    found = [np.linalg.norm(g)]
    for t in range(len(hs) - 1, 0, -1):
        g = Wh @ (g * (1 - hs[t] ** 2))
        found.append(np.linalg.norm(g))
    return np.array(found)
""",
        # one step too many at the beginning: g itself is missing
        """
def grad_norm_by_distance(hs, Wh, g):
    found = []
    for t in range(len(hs) - 1, -1, -1):
        g = Wh @ (g * (1 - hs[t] ** 2))
        found.append(np.linalg.norm(g))
    return np.array(found)
""",
    ],
    "clip_global_norm": [
        # the limit itself counts as the factor
        """
def clip_global_norm(grads, most):
    norm = sum((g ** 2).sum() for g in grads.values()) ** 0.5
    return {name: g * most if norm > most else g for name, g in grads.items()}, norm
""",
        # a small number below the line, which is seen in the sixth digit
        """
def clip_global_norm(grads, most):
    norm = sum((g ** 2).sum() for g in grads.values()) ** 0.5
    return {name: g * min(1, most / (norm + 1e-3)) for name, g in grads.items()}, norm
""",
        # only the clipped arrays
        """
def clip_global_norm(grads, most):
    norm = sum((g ** 2).sum() for g in grads.values()) ** 0.5
    return {name: g * min(1, most / norm) for name, g in grads.items()}
""",
        # the largest number
        """
def clip_global_norm(grads, most):
    norm = max(np.abs(g).max() for g in grads.values())
    return {name: g * min(1, most / norm) for name, g in grads.items()}, norm
""",
    ],
    "lstm_step": [
        # only the state
        """
def lstm_step(x, h, c, Wx, Wh, b):
    i, f, g, o = np.split(x @ Wx + h @ Wh + b, 4, axis=1)
    s = lambda z: 1 / (1 + np.exp(-z))
    return s(o) * np.tanh(s(f) * c + s(i) * np.tanh(g))
""",
        # the bias is left out
        """
def lstm_step(x, h, c, Wx, Wh, b):
    i, f, g, o = np.split(x @ Wx + h @ Wh, 4, axis=1)
    s = lambda z: 1 / (1 + np.exp(-z))
    c = s(f) * c + s(i) * np.tanh(g)
    return s(o) * np.tanh(c), c
""",
        # gates without the logistic function
        """
def lstm_step(x, h, c, Wx, Wh, b):
    i, f, g, o = np.split(x @ Wx + h @ Wh + b, 4, axis=1)
    c = f * c + i * np.tanh(g)
    return o * np.tanh(c), c
""",
        # right, but the gates as one number for all units
        """
def lstm_step(x, h, c, Wx, Wh, b):
    i, f, g, o = np.split(x @ Wx + h @ Wh + b, 4, axis=1)
    s = lambda z: 1 / (1 + np.exp(-z.mean(axis=1, keepdims=True)))
    c = s(f) * c + s(i) * np.tanh(g)
    return s(o) * np.tanh(c), c
""",
        # split along the batch
        """
def lstm_step(x, h, c, Wx, Wh, b):
    i, f, g, o = np.split(x @ Wx + h @ Wh + b, 4)
    s = lambda z: 1 / (1 + np.exp(-z))
    c = s(f) * c + s(i) * np.tanh(g)
    return s(o) * np.tanh(c), c
""",
    ],
    "cell_memory": [
        # only the whole product
        """
def cell_memory(f):
    return f[1:].prod(axis=0)
""",
        # the product of the units
        """
def cell_memory(f):
    later = np.vstack([f[1:], np.ones((1, f.shape[1]))])
    return np.cumprod(later[::-1], axis=1)[::-1]
""",
        # one place too few
        """
def cell_memory(f):
    return np.cumprod(f[:0:-1], axis=0)[::-1]
""",
    ],
}
