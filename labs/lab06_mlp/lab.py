# %% [markdown]
# # Lab 06: An MLP with manual backpropagation
#
# Read README.md first. Write the functions below, and train with them in the last cell. Check yourself at any time:
#
#     python -m lmlab check lab06
#
# Every function is checked alone, so you can begin with any of them. Letters to remember: B rows in a batch,
# k symbols in a window, d numbers a symbol, H hidden units, V symbols.

# %%
import numpy as np

# %% [markdown]
# ## 6.1 The sliding window (1 point, 10 minutes)


# %%
def windows(name, k):
    """Every place of a name: the k symbols before it, and the symbol there.

    name : string of n letters a to z     k : int, 1 or more
    ->     list of n + 1 pairs (context, target): context is a list of k ids, oldest first; target is an id

    The mark has the id 0, a to z have 1 to 26. A name ends with the mark, so the last target is 0; before it begins
    there are only marks. Raises ValueError when the name has a sign that is not a to z, and when k is below 1.

    Example: windows("bea", 2) -> [([0, 0], 2), ([0, 2], 5), ([2, 5], 1), ([5, 1], 0)]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 6.2 Forward (1.5 points, 10 minutes)


# %%
def forward(params, X):
    """From the ids of a batch to its logits.

    params : dict of float arrays: E (V, d), W1 (k d, H), b1 (H,), W2 (H, V), b2 (V,)     X : (B, k) int array of ids
    ->       x, h, logits
             x      : (B, k d) float array, the rows of E of the k symbols side by side, oldest first
             h      : (B, H) float array, tanh of x times W1 plus b1
             logits : (B, V) float array, h times W2 plus b2

    Raises ValueError when an id is negative or not below V (numpy would take -1 for the last row of E).

    Example: with E = [[0, 0], [0.5, 1]], X = [[1, 1]], W1 four times 0.5 in a column, W2 = [[1, -1]], biases 0:
             x = [[0.5, 1, 0.5, 1]], h = [[tanh(1.5)]] = [[0.9051]], logits = [[0.9051, -0.9051]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 6.3 Backward (4 points, 35 minutes)
#
# One gradient after the other, from the loss back to the letters. Each is checked by itself, from *your own* gradient
# before it: one slip costs one item, and the first item that fails is the place to look. You can return a dict with
# only the first few while you work.


# %%
def backward(params, X, y, x, h, logits):
    """The gradient of the loss in everything that forward touched.

    params, X    : as in forward     y : (B,) int array, the id that follows each window
    x, h, logits : what forward returned for them
    ->             dict of float arrays, each shaped like what it is the gradient of; z is what tanh was given:
                   dlogits (B, V), dW2 (H, V), db2 (V,), dh (B, H), dz (B, H), dW1 (k d, H), db1 (H,), dx (B, k d),
                   dE (V, d)

    The loss is the mean over the B rows of -log softmax(logits)[y], natural logarithm. Logits may be large (1000):
    nothing may become nan. A symbol may stand in several windows, or twice in one: all its gradients add up in dE.
    Nothing has to be refused here; the arrays fit together.

    Example: go on with that of forward and y = [1]:
             dlogits = [[0.8594, -0.8594]], dh = [[1.7188]], dz = [[0.3106]], dx = [[0.1553, 0.1553, 0.1553, 0.1553]]
             dE = [[0, 0], [0.3106, 0.3106]], because symbol 1 stands in the window twice
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 6.4 Where training begins (0.75 points, 5 minutes)


# %%
def initial(Z1, Z2):
    """Weights of a good size, from random numbers that are given.

    Z1 : (n, H) float array, Z2 : (H, V) float array, both of standard normal numbers
    ->   W1, b1, W2, b2: W1 (n, H) is Z1 * (5/3) / sqrt(n), W2 (H, V) is 0.01 * Z2, b1 (H,) and b2 (V,) are 0

    A sum of n random numbers is about sqrt(n) times as large as one of them; 5/3 makes up for what tanh squeezes.
    Raises ValueError when Z2 does not take as many units as Z1 makes.

    Example: Z1 = [[1, 2], [3, 4], [5, 6], [7, 8]], Z2 = [[1], [2]]
             -> W1[0] = [0.8333, 1.6667], b1 = [0, 0], W2 = [[0.01], [0.02]], b2 = [0]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 6.5 Units that cannot learn (0.75 points, 10 minutes)


# %%
def dead_units(h, edge):
    """How many hidden values are at the flat ends of tanh, and which units are always there.

    h : (B, H) float array of tanh values     edge : number between 0 and 1, such as 0.99
    -> share, dead: the share of all B H values that are below -edge or above edge (0 to 1), and the sorted list of
       the units (columns of h, from 0) that are there on every row

    At the ends the slope 1 - h**2 is nearly 0, so nothing comes back through such a unit.
    Raises ValueError when edge is not between 0 and 1.

    Example: dead_units([[1, 0.2, -1], [1, 1, 1]], 0.99) -> 0.8333, [0, 2]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 6.6 A step (1 point, 10 minutes)


# %%
def momentum_step(params, grads, velocity, lr, mu):
    """One step of gradient descent with momentum; with mu = 0 it is plain gradient descent.

    params, grads : dicts with the same keys and arrays of the same shapes     lr : learning rate     mu : 0 <= mu < 1
    velocity      : dict like params, or {} before the first step, which counts as zeros
    ->              params, velocity: the new dicts; velocity = mu * velocity + grads, params = params - lr * velocity
                    with the new velocity. What came in stays as it is.

    Raises ValueError when a gradient has another shape than its array (numpy would stretch it).

    Example: momentum_step({"w": [1.0]}, {"w": [2.0]}, {"w": [4.0]}, 0.1, 0.5) -> {"w": [0.6]}, {"w": [4.0]}
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 6.7 The open experiment (1 point, 10 minutes)
#
# A window of three letters, at most 12,000 numbers and a minute of training: the point is yours with 2.16 nats per
# character or less. The last cells train a net and save it. Make it better.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 3) int array, the ids of the three symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    Each row is answered from its own context alone. Nothing has to be refused here.

    Example: logits [0, 0] become [-0.6931, -0.6931]; a net gives logits, and log-softmax makes them logarithms
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Data and a net: this runs in your editor, not in the check
if __name__ == "__main__":
    from lmlab.data.corpus import load_corpus

    def all_windows(part):
        """(N, 3) the windows of all names of a part, and (N,) what follows each."""
        pairs = [pair for name in load_corpus("names").part(part) for pair in windows(name, 3)]
        return np.array([context for context, _ in pairs]), np.array([target for _, target in pairs])

    def loss(params, X, y):
        """Nats per character."""
        logits = forward(params, X)[2]
        return np.mean(np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(y)), y])

    X, y = all_windows("train")
    X_val, y_val = all_windows("validation")
    rng = np.random.default_rng(6)
    d, H = 10, 128
    params = {"E": rng.normal(size=(27, d))}
    params["W1"], params["b1"], params["W2"], params["b2"] = initial(
        rng.normal(size=(3 * d, H)), rng.normal(size=(H, 27))
    )
    print("windows", len(X), "numbers", sum(array.size for array in params.values()))
    print("loss before training", loss(params, X_val, y_val), "and ln 27 is", np.log(27))
    print("at the flat ends", dead_units(forward(params, X_val)[1], 0.99)[0])

# %% Train it
if __name__ == "__main__":
    steps, velocity = 10_000, {}
    for step in range(steps):
        rows = rng.integers(0, len(X), 128)
        grads = backward(params, X[rows], y[rows], *forward(params, X[rows]))
        grads = {name: grads["d" + name] for name in params}
        params, velocity = momentum_step(params, grads, velocity, 0.1 * (1 - step / steps), 0.9)
        if step % 1000 == 0:
            print(step, loss(params, X_val, y_val))
    print(steps, loss(params, X_val, y_val))

# %% The weights of your experiment
if __name__ == "__main__":
    from safetensors.numpy import save_file

    save_file({name: array.astype(np.float32) for name, array in params.items()}, "weights.safetensors")
