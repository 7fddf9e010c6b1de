"""Mistakes in lab 06 that its checks do not list: each has to get a sentence that helps, and nothing may crash."""

OTHERS = {
    "windows": [
        # arrays in place of a list of pairs
        """
def windows(name, k):
    ids = [0] * k + [ord(c) - 96 for c in name] + [0]
    X = np.array([ids[i:i + k] for i in range(len(ids) - k)])
    return X, np.array(ids[k:])
""",
        # the letters themselves
        """
def windows(name, k):
    padded = "." * k + name + "."
    return [(padded[i:i + k], padded[i + k]) for i in range(len(name) + 1)]
""",
        # a hyphen gets a negative number
        """
def windows(name, k):
    ids = [ord(c) - 96 for c in name] + [0]
    padded = [0] * k + ids
    return [(padded[i:i + k], ids[i]) for i in range(len(ids))]
""",
    ],
    "forward": [
        # the vectors of a window are added up
        """
def forward(params, X):
    x = params["E"][X].sum(axis=1)
    h = np.tanh(x @ params["W1"] + params["b1"])
    return x, h, h @ params["W2"] + params["b2"]
""",
        # one-hot vectors in place of the table
        """
def forward(params, X):
    x = np.eye(len(params["E"]))[X].reshape(len(X), -1)
    h = np.tanh(x @ params["W1"] + params["b1"])
    return x, h, h @ params["W2"] + params["b2"]
""",
        # only the logits come back
        """
def forward(params, X):
    x = params["E"][X].reshape(len(X), -1)
    h = np.tanh(x @ params["W1"] + params["b1"])
    return h @ params["W2"] + params["b2"]
""",
    ],
    "backward": [
        # only begun
        """
def backward(params, X, y, x, h, logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return {"dlogits": p / len(y)}
""",
        # zeros everywhere
        """
def backward(params, X, y, x, h, logits):
    found = {"d" + name: np.zeros_like(array) for name, array in params.items()}
    return {**found, "dlogits": 0 * logits, "dh": 0 * h, "dz": 0 * h, "dx": 0 * x}
""",
        # a tuple
        """
def backward(params, X, y, x, h, logits):
    return logits, h, x
""",
        # the loss has logarithms to the base of 2, and everything after it is right
        """
def backward(params, X, y, x, h, logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    g = {"dlogits": p / len(y) / np.log(2)}
    g["dW2"], g["db2"], g["dh"] = h.T @ g["dlogits"], g["dlogits"].sum(0), g["dlogits"] @ params["W2"].T
    g["dz"] = g["dh"] * (1 - h ** 2)
    g["dW1"], g["db1"], g["dx"] = x.T @ g["dz"], g["dz"].sum(0), g["dz"] @ params["W1"].T
    g["dE"] = np.zeros_like(params["E"])
    np.add.at(g["dE"], X, g["dx"].reshape(*X.shape, -1))
    return g
""",
        # two slips at once: 1/B forgotten, and tanh's slope without its square
        """
def backward(params, X, y, x, h, logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    g = {"dlogits": p}
    g["dW2"], g["db2"], g["dh"] = h.T @ p, p.sum(0), p @ params["W2"].T
    g["dz"] = g["dh"] * (1 - h)
    g["dW1"], g["db1"], g["dx"] = x.T @ g["dz"], g["dz"].sum(0), g["dz"] @ params["W1"].T
    g["dE"] = np.zeros_like(params["E"])
    g["dE"][X] += g["dx"].reshape(*X.shape, -1)
    return g
""",
        # shapes: matrices the other way round, a bias that kept its axis
        """
def backward(params, X, y, x, h, logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    p /= len(y)
    return {"dlogits": p, "dW2": p.T @ h, "db2": p.sum(0, keepdims=True), "dh": p @ params["W2"]}
""",
    ],
    "initial": [
        # fresh random numbers
        """
def initial(Z1, Z2):
    rng = np.random.default_rng()
    W1, W2 = rng.normal(size=Z1.shape) * (5 / 3) / len(Z1) ** 0.5, 0.01 * rng.normal(size=Z2.shape)
    return W1, np.zeros(Z1.shape[1]), W2, np.zeros(Z2.shape[1])
""",
        # biases of the wrong length
        """
def initial(Z1, Z2):
    return Z1 * (5 / 3) / len(Z1) ** 0.5, np.zeros(Z1.shape[0]), 0.01 * Z2, np.zeros(Z2.shape[0])
""",
        # 5 / 3 inside of the root
        """
def initial(Z1, Z2):
    return Z1 * np.sqrt(5 / 3 / len(Z1)), np.zeros(Z1.shape[1]), 0.01 * Z2, np.zeros(Z2.shape[1])
""",
    ],
    "dead_units": [
        # True and False for each unit
        """
def dead_units(h, edge):
    at_end = np.abs(h) > edge
    return at_end.mean(), at_end.all(axis=0)
""",
        # an array of units, and per cent
        """
def dead_units(h, edge):
    at_end = np.abs(h) > edge
    return 100 * at_end.mean(), np.where(at_end.all(axis=0))[0]
""",
        # right, without the check
        """
def dead_units(h, edge):
    at_end = np.abs(h) > edge
    return at_end.mean(), [int(unit) for unit in np.flatnonzero(at_end.all(axis=0))]
""",
        # the mean of a unit is asked, not each value
        """
def dead_units(h, edge):
    if not 0 < edge < 1:
        raise ValueError("edge")
    return float((np.abs(h) > edge).mean()), [j for j in range(h.shape[1]) if abs(h[:, j].mean()) > edge]
""",
    ],
    "momentum_step": [
        # changed in place, nothing comes back
        """
def momentum_step(params, grads, velocity, lr, mu):
    for name in params:
        velocity[name] = mu * velocity.get(name, 0) + grads[name]
        params[name] -= lr * velocity[name]
""",
        # no velocity at first is a KeyError
        """
def momentum_step(params, grads, velocity, lr, mu):
    v = {name: mu * velocity[name] + grads[name] for name in params}
    return {name: params[name] - lr * v[name] for name in params}, v
""",
        # Nesterov's step
        """
def momentum_step(params, grads, velocity, lr, mu):
    v = {name: mu * velocity.get(name, 0) + grads[name] for name in params}
    return {name: params[name] - lr * (grads[name] + mu * v[name]) for name in params}, v
""",
        # momentum and learning rate exchanged
        """
def momentum_step(params, grads, velocity, lr, mu):
    v = {name: lr * velocity.get(name, 0) + grads[name] for name in params}
    return {name: params[name] - mu * v[name] for name in params}, v
""",
    ],
}
