# %% [markdown]
# # Lab 08: Attention
#
# Read README.md first. Write the functions below, and look at them in the last cells. Check yourself at any time:
#
#     python -m lmlab check lab08
#
# Every function is checked alone, so you can begin with any of them. Letters to remember: T positions, C numbers a
# position, H heads, D = C / H numbers a head.

# %%
import numpy as np

# %% [markdown]
# ## 8.1 Who fits whom (1 point, 10 minutes)


# %%
def scores(q, k):
    """How well every query fits every key.

    q : (T, d) float array, one query a row     k : (S, d) float array, one key a row
    ->  (T, S) float array: the dot product of query t and key s, divided by the square root of d

    Raises ValueError when queries and keys have different widths.

    Example: scores([[1, 1, 1, 1]], [[2, 2, 2, 2], [0, 0, 0, 1]]) -> [[4, 0.5]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 8.2 Nobody sees the future (1.75 points, 15 minutes)


# %%
def causal_weights(s):
    """Scores become shares, and what comes later gets none.

    s : (T, T) float array, row t holds the scores of query t with all keys
    ->  (T, T) float array: row t is a softmax over the keys 0 to t; it sums to 1, and the keys after t have exactly 0

    Scores may be far from 0 and far apart (-20000, -17000): nothing may become nan, and the future stays at 0.
    Raises ValueError when s is not square.

    Example: causal_weights([[0, 9], [1, 1]]) -> [[1, 0], [0.5, 0.5]]
             causal_weights of the 3 x 3 zeros -> [[1, 0, 0], [0.5, 0.5, 0], [0.3333, 0.3333, 0.3333]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 8.3 Causal attention (2 points, 10 minutes)


# %%
def causal_attention(q, k, v):
    """Every position gets a mixture of the values up to its own.

    q, k : (T, d) float arrays     v : (T, e) float array, and e need not be d
    ->     (T, e) float array: row t is the sum of v[0] to v[t], each times its share; the shares are the softmax of
           the scores of query t with the keys 0 to t, and a score is a dot product divided by the square root of d

    Scores may be large. Raises ValueError when q and k have different widths.

    Example: with T = 1 the answer is v. With q all 0 it is the mean of the rows so far:
             q = k = [[0], [0]], v = [[2, 0], [4, 6]] -> [[2, 0], [3, 3]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 8.4 Cut into heads (0.75 points, 10 minutes)


# %%
def split_heads(x, n_head):
    """The numbers of every position, shared out to the heads.

    x : (T, C) float array     n_head : int H
    ->  (H, T, C / H) float array: head h gets the columns h * C / H up to (h + 1) * C / H of every position

    Raises ValueError when C cannot be divided by H without a rest.

    Example: split_heads([[1, 2, 3, 4], [5, 6, 7, 8]], 2) -> [[[1, 2], [5, 6]], [[3, 4], [7, 8]]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 8.5 And put together again (0.75 points, 5 minutes)


# %%
def merge_heads(heads):
    """The heads of every position side by side: what split_heads did is undone.

    heads : (H, T, D) float array
    ->      (T, H D) float array: row t is head 0 at position t, then head 1 at position t, and so on

    Raises ValueError when the array does not have three axes.

    Example: merge_heads([[[1, 2], [5, 6]], [[3, 4], [7, 8]]]) -> [[1, 2, 3, 4], [5, 6, 7, 8]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 8.6 Several heads (1.5 points, 15 minutes)


# %%
def multi_head(x, Wq, Wk, Wv, Wo, n_head):
    """Self-attention with several heads: queries, keys and values are all made of x.

    x : (T, C) float array     Wq, Wk, Wv, Wo : (C, C) float arrays     n_head : int
    ->  (T, C) float array: x Wq, x Wk and x Wv are cut into heads, each head attends for itself (causally), the heads
        are put together again, and the result is multiplied by Wo

    Each head divides its scores by the square root of its own width C / n_head.
    Raises ValueError when C cannot be divided by n_head without a rest.

    Example: x = [[2, 6], [4, 10]], Wq = Wk = zeros, Wv = the identity, Wo = [[0, 1], [1, 0]], 2 heads
             -> [[6, 2], [8, 3]]: the mean of the rows so far, then Wo exchanges the columns
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 8.7 A test that finds cheats (1.25 points, 15 minutes)
#
# A model that peeks ahead has a wonderful loss and is worth nothing. This test needs not know what the model does.


# %%
def sees_ahead(model, x):
    """The positions whose output depends on what comes after them.

    model : a function; model(x) takes a (T, C) float array and returns an array of T rows     x : (T, C) float array
    ->      list of the positions t that see ahead, in rising order; empty for a causal model

    For every t from 0 to T - 2: add 1 to all rows of x after t, and leave the rows 0 to t as they are. Position t
    sees ahead when any number in row t of the output moves by more than 1e-9. Each test begins with x as it came.
    Raises ValueError when the model returns another number of rows than T.

    Example: with x of 3 rows, the model lambda x: x.cumsum(axis=0) gives [], lambda x: x[::-1] gives [0]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 8.8 The open experiment (1 point, 10 minutes)
#
# The average of lab 05 with learned weights: h = attention over the embeddings, logits = h times W. Train it in this
# folder (half a minute, no code needed):
#
#     python -m lmlab train --model attention-average --seconds 30 --out attention
#
# The last cell takes its arrays over. `predict` is yours: only the last position of each context is asked for. With
# at most 5,000 numbers and a minute of training the point is yours with 2.35 nats per character or less.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 16) int array, the ids of the symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    The model was trained with one mark before a name. Here at least three stand before it, and only the last of them
    counts: the others have to be masked. Each row is answered from its own context alone. Nothing has to be refused
    here.

    Example: [0, 0, ..., 0, 0, 1, 14] stands for the name that begins with an; attention sees the ids 0, 1 and 14
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Look at what you wrote: this cell runs in your editor, not in the check
if __name__ == "__main__":
    rng = np.random.default_rng(8)
    for d in (1, 4, 16, 64, 256):
        q, k = rng.normal(size=(500, d)), rng.normal(size=(10, d))
        for name, s in (("q k", scores(q, k) * np.sqrt(d)), ("q k / sqrt(d)", scores(q, k))):
            e = np.exp(s - s.max(axis=1, keepdims=True))
            largest = (e / e.sum(axis=1, keepdims=True)).max(axis=1).mean()
            print(f"d = {d:3}  {name:13}  spread of the scores {s.std():5.2f}  largest of ten shares {largest:.2f}")

    x = rng.normal(size=(6, 4))
    print("attention sees ahead at", sees_ahead(lambda x: causal_attention(x, x, x), x))
    print("a plain mean of everything sees ahead at", sees_ahead(lambda x: x * 0 + x.mean(axis=0), x))
    shuffled = x[[3, 0, 4, 2, 1, 5]]  # the last row stays the last
    print("in order    ", causal_attention(x, x, x)[-1])
    print("out of order", causal_attention(shuffled, shuffled, shuffled)[-1])

# %% The weights of your experiment
if __name__ == "__main__":
    from safetensors.numpy import load_file, save_file

    run = load_file("attention/model.safetensors")
    arrays = {"E": run["embedding.weight"], "W": run["head.weight"].T}
    arrays |= {"Wq": run["query.weight"].T, "Wk": run["key.weight"].T}  # x @ Wq makes queries, x @ Wk keys
    # A transposed array has its numbers in another order in memory, and the file is written in that order.
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, "weights.safetensors")
    print({name: array.shape for name, array in arrays.items()})
