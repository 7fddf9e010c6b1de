# %% [markdown]
# # Lab 07: RNN, LSTM and vanishing gradients
#
# Read README.md first. Write the functions below, and train with them in the last cells. Check yourself at any time:
#
#     python -m lmlab check lab07
#
# Every function is checked alone, so you can begin with any of them. Letters to remember: B sequences in a batch,
# T steps in time, d numbers an input, H numbers in the hidden state. A state is a *row*, so a step is h @ Wh.

# %%
import numpy as np

# %% [markdown]
# ## 7.1 One step (1 point, 10 minutes)


# %%
def rnn_step(x, h, Wx, Wh, b):
    """The next hidden state of a plain RNN.

    x : (B, d) float array, the input of this step     h : (B, H) float array, the state before it
    Wx : (d, H)     Wh : (H, H)     b : (H,)     ->     (B, H) float array: tanh of x @ Wx + h @ Wh + b

    Raises ValueError when x and h have different numbers of rows (numpy would stretch a single one).

    Example: rnn_step([[1.0]], [[0.5]], [[2.0]], [[-1.0]], [0.5]) -> [[tanh(2 - 0.5 + 0.5)]] = [[0.9640]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 7.2 A whole sequence (1 point, 10 minutes)


# %%
def unroll(X, h0, Wx, Wh, b):
    """The hidden states of some sequences, one step after the other.

    X : (B, T, d) float array, inputs in order of time     h0 : (B, H) float array, the states before the first input
    Wx, Wh, b : as in rnn_step
    -> (B, T, H) float array hs: hs[:, t] is the state after input t; h0 is not in it

    Every row of the batch is a sequence of its own. With T = 0 the answer has the shape (B, 0, H); nothing else has
    to be refused or treated apart.

    Example: unroll([[[1.0], [0.0]]], [[0.0]], [[2.0]], [[-1.0]], [0.5]) -> [[[0.9866], [-0.4515]]],
             that is tanh(2 + 0.5), then tanh(-0.9866 + 0.5)
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 7.3 Backpropagation through time (2.75 points, 25 minutes)
#
# Each gradient is checked by itself, from *your own* dz, so the first item that fails is the place to look. You can
# return a dict with only dz while you work.


# %%
def bptt(X, h0, hs, Wx, Wh, dhs):
    """The gradient of the loss in everything that the unrolled RNN touched.

    X, h0, Wx, Wh : as in unroll     hs : (B, T, H) what unroll returned, T at least 1
    dhs : (B, T, H) float array, the gradient that reaches each state from the loss of its own step
    ->    dict of float arrays; z being what tanh was given:
          dz (B, T, H), dWx (d, H), dWh (H, H), db (H,), dh0 (B, H)

    A state moves the loss in two ways: that of its own step (dhs), and all later ones through the next state. The
    same Wx, Wh and b serve every step of every row, so their gradients are sums over both. Divide by nothing: what
    there is to divide is in dhs already. Nothing has to be refused here; the arrays fit together.

    Example: X = [[[1.0], [0.0]]], h0 = [[0.0]], hs = [[[0.9866], [-0.4515]]], Wx = [[2.0]], Wh = [[-1.0]] and
             dhs = [[[0.0], [1.0]]] -> dz = [[[-0.0212], [0.7961]]], dWx = [[-0.0212]], dWh = [[0.7855]],
             db = [0.7750], dh0 = [[0.0212]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 7.4 How far a gradient reaches (1.25 points, 10 minutes)


# %%
def grad_norm_by_distance(hs, Wh, g):
    """How long the gradient of the last step's loss still is, when it has come so many steps back.

    hs : (T, H) float array, the states of one sequence     Wh : (H, H)
    g  : (H,) float array, the gradient of the last loss in the last state
    -> (T,) float array: place k is the length (root of the sum of squares) of the gradient in hs[T - 1 - k], so
       place 0 is the length of g

    Only the last step has a loss here. Raises ValueError when T is 0.

    Example: hs = [[0.0], [0.0], [0.6]], Wh = [[0.5]], g = [2.0] -> [2.0, 0.64, 0.32]
             (2 times 0.5 times the slope 1 - 0.36; then times 0.5 times the slope 1)
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 7.5 Clipping (1.25 points, 10 minutes)


# %%
def clip_global_norm(grads, most):
    """Shorten a gradient that is too long, without turning it.

    grads : dict of float arrays of any shapes     most : number above 0
    -> clipped, norm: norm is the length of all arrays laid end to end (root of the sum of all squares), before
       anything is done; clipped is a dict with the same keys, all arrays times most / norm where norm is above most,
       and as they were where it is not

    A gradient of zeros stays as it is, and so do the arrays that came in: clipped has new ones where they are
    shortened. Raises ValueError when most is 0 or below.

    Example: clip_global_norm({"a": [3.0], "b": [4.0]}, 1.0) -> {"a": [0.6], "b": [0.8]}, 5.0
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 7.6 A cell with gates (1.25 points, 10 minutes)


# %%
def lstm_step(x, h, c, Wx, Wh, b):
    """The next hidden state and the next cell of an LSTM.

    x : (B, d)     h, c : (B, H), state and cell before this step     Wx : (d, 4 H)     Wh : (H, 4 H)     b : (4 H,)
    -> h, c: both (B, H) float arrays

    z = x @ Wx + h @ Wh + b has four blocks of H columns, in this order: input gate i, forget gate f, candidate g,
    output gate o. The three gates go through the logistic function 1 / (1 + exp(-z)), the candidate through tanh.
    Then c = f * c + i * g, and h = o * tanh(c) with the new c. Large z (1000) may not give nan. Nothing has to be
    refused; the arrays fit together.

    Example: B = d = H = 1, all weights and biases 0, c = [[2.0]]: i = f = o = 0.5, g = 0 -> h [[0.3808]], c [[1.0]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 7.7 Why the forget gate helps (0.5 points, 5 minutes)


# %%
def cell_memory(f):
    """What is left at the end of what a cell held after each step; the same share of a gradient comes back.

    f : (T, H) float array of forget gates, 0 to 1
    -> (T, H) float array: place t is the product of the gates f[t + 1], ..., f[T - 1]; the last place is 1

    Raises ValueError when a gate is below 0 or above 1.

    Example: cell_memory([[0.9], [0.5], [0.8]]) -> [[0.4], [0.8], [1.0]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 7.8 The open experiment (1 point, 10 minutes)
#
# A net that reads a name from its beginning, with at most 15,000 numbers and a minute of training: the point is yours
# with 2.12 nats per character or less. The last cells train a plain RNN and save it. Make it better.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 16) int array, the ids of the symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    In training a name began with one mark and a state of zeros. Here up to 16 marks stand before it, and only the
    last of them counts: until then the state stays zero. Each row is answered from its own context alone. Nothing has
    to be refused here.

    Example: [0, 0, 0, ..., 0, 1, 14] stands for the name that begins with an; its state has read 0, 1 and 14
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Names and weights: this runs in your editor, not in the check
if __name__ == "__main__":
    from lmlab.data.corpus import load_corpus

    def as_ids(name):
        """The ids of a name with a mark at both ends."""
        return [0, *(ord(letter) - ord("a") + 1 for letter in name), 0]

    groups = {}  # names of the same length make a batch without any filling
    for name in load_corpus("names").part("train"):
        groups.setdefault(len(name), []).append(as_ids(name))
    groups = {length: np.array(rows) for length, rows in groups.items()}
    lengths = np.repeat(list(groups), [len(rows) for rows in groups.values()])

    H = 64
    rng = np.random.default_rng(7)
    turn = np.linalg.qr(rng.normal(size=(H, H)))[0]  # turns a state and does not stretch it
    params = {"Wx": 0.5 * rng.normal(size=(27, H)), "Wh": turn, "b": np.zeros(H)}
    params |= {"Wo": 0.01 * rng.normal(size=(H, 27)), "bo": np.zeros(27)}

# %% How far back does a gradient reach? Multiply Wh by 0.5, 1.5 and 3 and look again
if __name__ == "__main__":
    states = unroll(np.eye(27)[[as_ids("maximiliana")]], np.zeros((1, H)), params["Wx"], params["Wh"], params["b"])
    print(grad_norm_by_distance(states[0], params["Wh"], rng.normal(size=H)))
    print(cell_memory(np.full((12, 1), 0.73))[:, 0])

# %% Train
if __name__ == "__main__":

    def loss_and_grads(params, ids):
        """The mean loss of a batch of names of one length, and its gradient."""
        X, targets, h0 = np.eye(27)[ids[:, :-1]], ids[:, 1:], np.zeros((len(ids), H))
        hs = unroll(X, h0, params["Wx"], params["Wh"], params["b"])
        logits = hs @ params["Wo"] + params["bo"]
        probs = np.exp(logits - logits.max(axis=2, keepdims=True))
        probs /= probs.sum(axis=2, keepdims=True)
        loss = -np.mean(np.log(np.take_along_axis(probs, targets[..., None], axis=2)))
        dlogits = (probs - np.eye(27)[targets]) / targets.size
        back = bptt(X, h0, hs, params["Wx"], params["Wh"], dlogits @ params["Wo"].T)
        grads = {"Wx": back["dWx"], "Wh": back["dWh"], "b": back["db"], "bo": dlogits.sum(axis=(0, 1))}
        return loss, {**grads, "Wo": np.tensordot(hs, dlogits, axes=((0, 1), (0, 1)))}

    steps, velocity, seen = 4000, dict.fromkeys(params, 0.0), []
    for step in range(steps):
        rows = groups[rng.choice(lengths)]
        loss, grads = loss_and_grads(params, rows[rng.integers(0, len(rows), 64)])
        grads, norm = clip_global_norm(grads, 1.0)
        seen.append(loss)
        for name in params:
            velocity[name] = 0.9 * velocity[name] + grads[name]
            params[name] = params[name] - 0.2 * (1 - step / steps) * velocity[name]
        if step % 500 == 499:
            print(step + 1, "training loss", np.mean(seen[-500:]), "length of the gradient", norm)

# %% The weights of your experiment
if __name__ == "__main__":
    from safetensors.numpy import save_file

    save_file({name: array.astype(np.float32) for name, array in params.items()}, "weights.safetensors")
