# %% [markdown]
# # Lab 01: Counting and bigrams
#
# Read README.md first. Write the functions below, and look at them in the last cell. Check yourself at any time:
#
#     python -m lmlab check lab01
#
# Every function is checked alone, so you can begin with any of them.

# %%
import numpy as np

# %% [markdown]
# ## 1.1 The vocabulary (1.5 points, 5 minutes)


# %%
def build_vocab(names):
    """The symbols of some names, in the order of their numbers.

    names : list of strings, each of at least one letter
    ->      list of strings: the mark "." at place 0, then every letter that occurs, once, in sorted order

    The mark begins and ends a name. Names may have other signs than letters (a hyphen); they count as letters.
    Raises ValueError when a name has the mark in it. The list `names` stays as it is.

    Example: build_vocab(["bea", "abe"]) -> [".", "a", "b", "e"]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 1.2 Counting pairs (2.5 points, 15 minutes)


# %%
def count_bigrams(names, vocab):
    """How often each symbol follows each other one.

    names : list of n strings          vocab : list of V strings, the mark "." first, as build_vocab makes it
    ->      (V, V) array N of counts: N[i, j] is how often vocab[j] comes right after vocab[i]

    Every name stands between two marks: "bea" is .bea. and has the pairs .b be ea a. Nothing is counted from the end
    of one name to the beginning of the next. Raises ValueError when a letter of a name is not in the vocabulary.
    Both lists stay as they are.

    Example: count_bigrams(["bea"], [".", "a", "b", "e"]) -> [[0, 0, 1, 0],
                                                             [1, 0, 0, 0],
                                                             [0, 0, 0, 1],
                                                             [0, 1, 0, 0]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 1.3 From counts to probabilities (2 points, 10 minutes)


# %%
def to_probs(N, k):
    """The probability of each next symbol, with k added to every count.

    N : (V, V) int array of counts     k : number, 0 or more
    -> (V, V) float array P: P[i, j] is the probability that symbol j comes after symbol i; each row sums to 1

    A row in which nothing was counted becomes 1 / V everywhere when k is 0. Raises ValueError when k is negative.

    Example: to_probs([[1, 3], [0, 0]], 0) -> [[0.25, 0.75], [0.5, 0.5]]
             to_probs([[1, 3], [0, 0]], 1) -> [[0.3333, 0.6667], [0.5, 0.5]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 1.4 The probability of a name (1.5 points, 10 minutes)


# %%
def name_prob(P, name, vocab):
    """How probable a whole name is, from its first letter to its end.

    P : (V, V) float array, rows sum to 1     name : string     vocab : list of V strings, "." first
    -> a number from 0 to 1: the product over all pairs of .name., so one more factor than the name has letters

    Raises ValueError when the name has a letter that is not in the vocabulary.

    Example: with vocab [".", "a"] and P = [[0.2, 0.8], [0.5, 0.5]]
             name_prob(P, "aa", vocab) -> 0.8 * 0.5 * 0.5 = 0.2
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 1.5 Rolling a name (1.5 points, 15 minutes)


# %%
def sample_name(P, vocab, u):
    """A new name, one letter a roll; the random numbers are given, so everybody rolls the same name.

    P : (V, V) float array, rows sum to 1     vocab : list of V strings, "." first
    u : (T,) float array of random numbers, 0 <= u < 1
    -> string: the letters, without marks

    Begin after the mark (row 0). For each number of u in turn: the next symbol is the first id j with
    P[now, 0] + ... + P[now, j] > u. If it is the mark, the name ends; if not, its letter is added and j is the row
    of the next roll. After T rolls the name ends in any case. Nothing has to be refused here.

    Example: with vocab [".", "a", "b"] and P = [[0, 0.5, 0.5], [0.5, 0, 0.5], [1, 0, 0]]
             sample_name(P, vocab, [0.2, 0.9, 0.3]) -> "ab"
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 1.6 The open experiment (1 point, 5 minutes)
#
# How low can you get with at most 20,000 numbers? A bigram table has 27 x 27 = 729 of them; a table for two letters
# of context has 19,683. Fill the weights with anything you computed from the *training* names, save them, and let
# `predict` turn them into probabilities. The check measures them on names that you have not trained on; the point is
# yours with 2.46 nats per character or less.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 3) int array, the ids of the three symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    The ids are 0 for the mark and 1 to 26 for a to z. Each row is answered from its own context alone. Nothing has to
    be refused here.

    Example: with weights {"table": (27, 27) log-probabilities}, a bigram is weights["table"][contexts[:, -1]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Look at what you wrote: this cell runs in your editor, not in the check
if __name__ == "__main__":
    from lmlab.data.corpus import load_corpus

    names = load_corpus("names").part("train")
    vocab = build_vocab(names)
    N = count_bigrams(names, vocab)
    P = to_probs(N, 0.1)
    print("after the mark comes a with probability", P[0, vocab.index("a")])
    print("anna has probability", name_prob(P, "anna", vocab))
    rng = np.random.default_rng(1)
    print("new names:", *(sample_name(P, vocab, rng.random(20)) for _ in range(10)))

# %% The weights of your experiment
if __name__ == "__main__":
    from safetensors.numpy import save_file

    save_file({"table": np.log(P).astype(np.float32)}, "weights.safetensors")
