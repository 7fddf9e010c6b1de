# %% [markdown]
# # Lab 09: Transformer block and GPT
#
# Read README.md first. Write the functions below, and train with them in the last cells. Check yourself at any time:
#
#     python -m lmlab check lab09
#
# Every function is checked alone, so you can begin with any of them. Letters to remember: B texts, T positions,
# C numbers a position, V symbols. The functions take x of any number of axes as long as the last one is C.

# %%
import numpy as np

# %% [markdown]
# ## Given: attention with several heads
#
# You write it in lab 08. Here it stands ready, for many texts at once; nothing to do in this cell.


# %%
def attention(x, qkv, out, n_head):
    """Causal self-attention.

    x : (..., T, C)     qkv : (C, 3 C), the arrays for queries, keys and values side by side     out : (C, C)
    ->  (..., T, C)
    """
    *texts, T, C = x.shape
    heads = (x @ qkv).reshape(*texts, T, 3, n_head, C // n_head)
    q, k, v = np.moveaxis(np.swapaxes(heads, -4, -2), -3, 0)  # three times (..., H, T, D)
    s = q @ np.swapaxes(k, -1, -2) / (C // n_head) ** 0.5
    s = np.where(np.triu(np.ones((T, T), dtype=bool), k=1), -np.inf, s)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    heard = e / e.sum(axis=-1, keepdims=True) @ v
    return np.swapaxes(heard, -3, -2).reshape(*texts, T, C) @ out


def block_arrays(params, i):
    """The arrays of block i of a GPT: "0.qkv" becomes "qkv", and so on."""
    return {name.split(".")[1]: array for name, array in params.items() if name.startswith(f"{i}.")}


# %% [markdown]
# ## 9.1 Layer norm (1.25 points, 10 minutes)


# %%
def layer_norm(x, g, b, eps):
    """Every position made of mean 0 and variance 1, then stretched and shifted by learned numbers.

    x : (..., C) float array     g, b : (C,) float arrays     eps : small positive number
    ->  float array shaped like x: (x - mean) / sqrt(variance + eps) * g + b

    Mean and variance are taken over the C numbers of each position alone. The variance is the mean of the squared
    differences from the mean: divided by C, not by C - 1. Raises ValueError when g or b does not have C numbers.

    Example: layer_norm([[1, 3], [7, 7]], g=[1, 1], b=[0, 5], eps=1e-5) -> [[-1.0000, 6.0000], [0, 5]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 9.2 GELU (0.5 points, 5 minutes)


# %%
def gelu(x):
    """A bend without a corner, in the form of GPT-2.

    x : float array of any shape
    ->  float array of the same shape: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))

    This is an approximation of x times the normal distribution function (erf), and the one that is asked for here.
    Nothing has to be refused here.

    Example: gelu([-3, -1, 0, 1, 3]) -> [-0.0036, -0.1588, 0, 0.8412, 2.9964]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 9.3 The network of a block (0.75 points, 5 minutes)


# %%
def mlp(x, widen, narrow):
    """Every position thinks for itself: wider, bent, and narrow again.

    x : (..., C) float array     widen : (C, M) float array     narrow : (M, C) float array; in a GPT M is 4 C
    ->  (..., C) float array: x times widen, through gelu, times narrow

    There are no biases in this lab. Raises ValueError when narrow does not lead back to C numbers.

    Example: mlp([[1, 2]], [[1, 0], [0, -1]], [[1, 1], [1, 0]]) -> [[0.7958, 0.8412]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 9.4 A block (2 points, 15 minutes)


# %%
def block(x, arrays, n_head):
    """Look back, then think; each time on a normed copy, and what comes of it is added.

    x      : (..., T, C) float array     n_head : int
    arrays : dict of g1, b1, g2, b2 (C,), qkv (C, 3 C), out (C, C), widen (C, 4 C), narrow (4 C, C)
    ->       (..., T, C) float array: first x + attention of the first norm (g1, b1) of x; then, with the x that this
             gives, x + mlp of the second norm (g2, b2) of x. eps is 1e-5 in both norms.

    Raises ValueError when C cannot be divided by n_head without a rest.

    Example: with out and narrow all 0 nothing is added, and the answer is x itself
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 9.5 Positions without learning (0.75 points, 10 minutes)


# %%
def sinusoidal(T, C):
    """A vector for every position, of sines and cosines that turn more and more slowly.

    T : int, positions     C : even int, numbers a position
    ->  (T, C) float array P: P[t, 2 i] = sin(t / 10000**(2 i / C)) and P[t, 2 i + 1] = cos(the same),
        for i from 0 to C / 2 - 1

    Raises ValueError when C is odd.

    Example: sinusoidal(2, 4) -> [[0, 1, 0, 1], [0.8415, 0.5403, 0.0100, 0.9999]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 9.6 GPT (2 points, 15 minutes)


# %%
def gpt(params, ids, n_head):
    """From ids to logits: the whole machine.

    params : dict of E (V, C) embeddings, P (context, C) positions, g, b (C,) of the last norm, and for each block
             i = 0, 1, ... the arrays "i.g1", "i.b1", "i.qkv", "i.out", "i.g2", "i.b2", "i.widen", "i.narrow"
    ids    : (B, T) int array     n_head : int
    ->       (B, T, V) float array of logits: row t of each text is about the symbol after ids[:, t]

    Rows of E plus the first T rows of P; through all blocks in turn; the last norm (eps 1e-5); and the head, which is
    E itself (*weight tying*): the logit of symbol v is the dot product with row v of E.
    Raises ValueError when the text is longer than the context.

    Example: without blocks, with E = [[1, 0], [0, 1]], P = [[0, 2]], g = [1, 1] and b = [0, 0]:
             gpt(params, [[0]], 1) -> [[[-1, 1]]], because [1, 2] normed is [-1, 1]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 9.7 How many numbers (0.75 points, 10 minutes)


# %%
def count_parameters(V, context, C, n_layer):
    """The numbers of a GPT as in 9.6, by formula.

    V, context, C, n_layer : ints; the network of a block is 4 C wide
    -> block, total: ints, the numbers of one block, and those of the whole GPT

    The head is E and costs nothing; there are no biases but those of the norms.
    Raises ValueError when one of V, context and C is below 1, or n_layer below 0.

    Example: count_parameters(27, 16, 32, 1) -> 12416, 13856
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 9.8 The loss (1 point, 10 minutes)


# %%
def next_loss(logits, ids):
    """What a GPT loses on some texts, when every position guesses the next symbol.

    logits : (B, T, V) float array, row t of a text is about the symbol after ids[:, t]     ids : (B, T) int array
    ->       number: the mean of -log softmax(logits)[the symbol that comes next], natural logarithm, over all places
             that have a next symbol; the last position of each text has none

    Logits may be large (1000): nothing may become nan or infinite. Raises ValueError when T is below 2.

    Example: next_loss of zeros of the shape (1, 3, 27) -> 3.2958, which is ln 27, whatever the ids
             next_loss([[[0, 1], [9, 9]]], [[0, 1]]) -> 0.3133, that of the logits [0, 1] for symbol 1
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 9.9 The open experiment (1 point, 10 minutes)
#
# A GPT of one block, trained in this folder by the lab itself (a minute; the command is one line):
#
#     python -m lmlab train --model classic --seconds 60 --out gpt
#         --option context=16 --option d_model=32 --option n_layer=1 --option n_head=4
#
# "classic" is the GPT of 9.6. The last cell takes its arrays over, and from then on it is numpy and yours. With at
# most 15,000 numbers and a minute of training the point is yours with 2.14 nats per character or less.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 16) int array, the ids of the symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    In training a name began with one mark, at position 0. Here at least three marks stand before it, and only the
    last of them counts: move each name to the left, until its mark stands at position 0. What then stands behind the
    name does not matter, because nobody looks ahead; but read the logits at its last letter.
    Each row is answered from its own context alone. Nothing has to be refused here.

    Example: [0, ..., 0, 0, 1, 14] becomes [0, 1, 14, ...], and the logits at position 2 are the ones that count
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Look at what you wrote: this cell runs in your editor, not in the check
if __name__ == "__main__":

    def first_params(rng, size, V=27, context=16, C=32, n_layer=1):
        """The arrays of a GPT before training: random numbers of a size, and norms that change nothing."""
        shapes = {"qkv": (C, 3 * C), "out": (C, C), "widen": (C, 4 * C), "narrow": (4 * C, C)}
        params = {"E": size * rng.normal(size=(V, C)), "P": size * rng.normal(size=(context, C))}
        params |= {"g": np.ones(C), "b": np.zeros(C)}
        for i in range(n_layer):
            params |= {f"{i}.{name}": size * rng.normal(size=shape) for name, shape in shapes.items()}
            params |= {f"{i}.g1": np.ones(C), f"{i}.b1": np.zeros(C), f"{i}.g2": np.ones(C), f"{i}.b2": np.zeros(C)}
        return params

    rng = np.random.default_rng(9)
    ids = rng.integers(0, 27, (64, 16))
    for size in (0.02, 0.2, 1.0):
        params = first_params(rng, size)
        print("weights of size", size, "loss before training", next_loss(gpt(params, ids, 4), ids))
    print("ln 27 is", np.log(27))
    print("counted", sum(array.size for array in params.values()), "by formula", count_parameters(27, 16, 32, 1)[1])
    print("GPT-2 (small)", count_parameters(50257, 1024, 768, 12))

# %% The weights of your experiment
if __name__ == "__main__":
    from safetensors.numpy import load_file, save_file

    run = load_file("gpt/model.safetensors")
    params = {"E": run["embedding.weight"], "P": run["positions"], "g": run["norm.weight"], "b": run["norm.bias"]}
    ours = {"g1": "norm_1.weight", "b1": "norm_1.bias", "g2": "norm_2.weight", "b2": "norm_2.bias"}
    ours |= {"qkv": "attention.query_key_value.weight", "out": "attention.project.weight"}
    ours |= {"widen": "widen.weight", "narrow": "narrow.weight"}
    for i in range(sum(name.endswith("norm_1.weight") for name in run)):
        for name, theirs in ours.items():
            params[f"{i}.{name}"] = run[f"blocks.{i}.{theirs}"].T  # there W @ x, here x @ W
    # A transposed array has its numbers in another order in memory, and the file is written in that order.
    save_file({name: np.ascontiguousarray(array) for name, array in params.items()}, "weights.safetensors")
    print(len(params), "arrays,", sum(array.size for array in params.values()), "numbers")
