# %% [markdown]
# # Lab 04: The bigram by gradient
#
# Read README.md first. Write the functions below, and look at them in the last cells. Check yourself at any time:
#
#     python -m lmlab check lab04
#
# Every function is checked alone, so you can begin with any of them. Symbols have ids here: 0 is the mark that begins
# and ends a name, 1 to 26 are the letters a to z, and V is how many there are.

# %%
import numpy as np

# %% [markdown]
# ## 4.1 One-hot rows (1 point, 10 minutes)


# %%
def one_hot(ids, V):
    """For each id a row of zeros with a single 1.

    ids : (n,) int array, each from 0 to V - 1     V : number of symbols
    ->    (n, V) float array: row i has 1 at place ids[i] and 0 everywhere else

    Raises ValueError when an id is negative, or V or more.

    Example: one_hot(np.array([2, 0]), 3) -> [[0, 0, 1],
                                              [1, 0, 0]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 4.2 What the multiplication does (1 point, 5 minutes)


# %%
def lookup(W, ids):
    """The product one_hot(ids, V) @ W, without ever making the one-hot rows.

    W   : (V, m) float array; for a bigram m = V
    ids : (n,) int array, each from 0 to V - 1
    ->    (n, m) float array: the logits, as they stand in W

    Before you write anything, multiply a one-hot row with a small table on paper. It has to work for 4,000 ids and a
    table of 50,257 rows, as many as GPT-2 has; the one-hot rows of that would take 1.6 GB, and there is 1 GB.
    Nothing has to be refused here.

    Example: lookup(np.array([[1., 2.], [3., 4.]]), np.array([1, 1, 0])) -> [[3, 4], [3, 4], [1, 2]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 4.3 The loss of some logits (2 points, 15 minutes)


# %%
def cross_entropy(logits, targets):
    """The mean of -log P(target), where P is the softmax of each row of logits.

    logits  : (n, V) float array, any size: 1000 and -1000 occur
    targets : (n,) int array of ids, the symbol that did come next
    ->        number, in nats (natural logarithm)

    Softmax is exp(logits) divided by its sum over the row. It stays the same when a number is subtracted from the
    whole row, and that is how a row around 1000 is brought into range. The logarithm of a probability too small for
    the computer must come out right as well: with logits [0, 800] and target 0 the loss is 800, not infinite.
    Raises ValueError when there are not as many targets as rows.

    Example: cross_entropy(np.array([[0., 0.], [0., np.log(3)]]), np.array([0, 1]))
             -> the probabilities are 1/2 and 3/4, so (0.6931 + 0.2877) / 2 = 0.4904
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 4.4 Which way the loss rises (2 points, 15 minutes)


# %%
def dlogits(logits, targets):
    """The derivative of the cross-entropy with respect to each logit: (p - y) / n.

    logits : (n, V) float array, any size     targets : (n,) int array of ids
    ->       (n, V) float array

    p is the softmax of each row and y its one-hot target. In words: what was expected less what came, for each of the
    n rows, which share the mean. Each row sums to 0: what one symbol gains the others lose. Nothing has to be refused
    here.

    Example: dlogits(np.array([[0., 0.], [0., np.log(3)]]), np.array([0, 1])) -> [[-0.25, 0.25],
                                                                                 [0.125, -0.125]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 4.5 From the logits to the table (1.5 points, 10 minutes)


# %%
def weight_gradient(ids, d, V):
    """The derivative of the loss with respect to the table W that `lookup` read.

    ids : (n,) int array of the rows that were read, with repeats
    d   : (n, m) float array, the derivative with respect to what was read, as `dlogits` gives it
    V   : number of rows of W
    ->    (V, m) float array: row v is the sum of all d[i] with ids[i] = v, and 0 where there is none

    A row that was read three times moves three outputs, so its derivatives add up. As a product of matrices it is
    one_hot(ids, V).T @ d, and that is a correct answer. Nothing has to be refused here.

    Example: weight_gradient(np.array([2, 0, 2]), np.array([[1., 0.], [5., 5.], [2., 1.]]), 3) -> [[5, 5],
                                                                                                  [0, 0],
                                                                                                  [3, 1]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 4.6 One step down, from the counts (1.5 points, 20 minutes)
#
# The same pair comes thousands of times, and each time its gradient is the same. So put the pairs into a table of
# counts and add up all gradients of a row at once. What stands there then answers the question of this lab.


# %%
def descend(W, N, lr, l2):
    """The table after one step of gradient descent over all pairs.

    W  : (V, V) float array of logits; row i belongs to symbol i
    N  : (V, V) int array: symbol j came N[i, j] times after symbol i; n = N.sum() pairs in all
    lr : learning rate, above 0         l2 : number, 0 or more
    -> (V, V) float array: W - lr * gradient. W itself is left as it is.

    The loss is the mean cross-entropy of all n pairs, plus l2 times the sum of the squares of all weights. Row i of
    the gradient is p - y added up over the pairs that begin with i, divided by n, plus 2 * l2 * W[i]. A row without
    pairs has nothing but the last part. Raises ValueError when lr is 0 or less.

    Example: descend(np.zeros((2, 2)), np.array([[3, 1], [0, 0]]), lr=2.0, l2=0.0)
             -> row 0: p = [1/2, 1/2], so 4 * p - [3, 1] = [-1, 1], over n = 4: [-1/4, 1/4]
             -> [[0.5, -0.5], [0, 0]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 4.7 The open experiment (1 point, 15 minutes)
#
# Counting needs one table cell for each case. A gradient does not: give every one of the five letters before a table
# of its own, *add* the rows that they point to, and train all tables together. That is 5 x 729 = 3,645 numbers.
# Nobody could count such tables, because each has to make up for what the others say. At most 4,000 numbers are
# allowed, and the point is yours with 2.30 nats per character or less.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 5) int array, the ids of the five symbols before, the last one in column 4; 0 (the mark) fills the
               space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    Each row is answered from its own context alone. Nothing has to be refused here.

    Example: with weights {"near": (27, 27) logits}, a bigram is the log-softmax of weights["near"][contexts[:, 4]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Look at what you wrote: these cells run in your editor, not in the check
if __name__ == "__main__":
    # Is your gradient the slope of your loss? Nudge one logit and see by how much the loss moves.
    rng = np.random.default_rng(1)
    some, right = rng.normal(size=(4, 5)), np.array([0, 2, 2, 4])
    nudged = some.copy()
    nudged[1, 2] += 1e-5
    print("slope measured ", (cross_entropy(nudged, right) - cross_entropy(some, right)) / 1e-5)
    print("slope by dlogits", dlogits(some, right)[1, 2])

# %%
if __name__ == "__main__":
    from lmlab.data.corpus import load_corpus

    names = load_corpus("names").part("train")
    text = "." + ".".join(names) + "."
    symbols = np.array([0 if sign == "." else ord(sign) - ord("a") + 1 for sign in text])
    ids, targets = symbols[:-1], symbols[1:]
    N = np.bincount(27 * ids + targets, minlength=27 * 27).reshape(27, 27)

    W = np.zeros((27, 27))
    for step in range(201):
        if step in (0, 1, 2, 5, 10, 20, 50, 100, 200):
            print(f"step {step:3d}  loss {cross_entropy(lookup(W, ids), targets):.4f}")
        W = descend(W, N, lr=50, l2=0)

    print("          counted   learned")
    for a, b in ("an", "ma", "qu", "xa"):
        i, j = ord(a) - 96, ord(b) - 96
        learned = np.exp(W[i]) / np.exp(W[i]).sum()
        print(f"P({b} | {a})    {N[i, j] / N[i].sum():.3f}     {learned[j]:.3f}")

# %% The weights of your experiment: train something better than this bigram
if __name__ == "__main__":
    from safetensors.numpy import save_file

    save_file({"near": W.astype(np.float32)}, "weights.safetensors")
