# %% [markdown]
# # Lab 02: Loss, perplexity and bits
#
# Read README.md first. Write the functions below, and look at them in the last cells. Check yourself at any time:
#
#     python -m lmlab check lab02
#
# Every function is checked alone, so you can begin with any of them.

# %%
import hashlib

import numpy as np

# %% [markdown]
# ## 2.1 The loss (2 points, 15 minutes)


# %%
def nll(P, names, vocab):
    """The negative log-likelihood: what a table of pairs loses on some names, in nats per character.

    P : (V, V) float array: P[i, j] is the probability that symbol j comes after symbol i; each row sums to 1
    names : list of strings            vocab : list of V strings, the mark "." first
    -> a number, 0 or more: the mean of -ln(probability) over all predictions of all names

    A name of n letters is n + 1 predictions: each letter, and the mark that ends it. The first letter comes after a
    mark. Every prediction counts the same, so a long name counts for more than a short one. Where a prediction had
    the probability 0 the answer is infinite (np.inf). Raises ValueError when a letter is not in the vocabulary.

    Example: with vocab [".", "a"] and P = [[0.2, 0.8], [0.5, 0.5]]
             nll(P, ["aa"], vocab) -> (0.2231 + 0.6931 + 0.6931) / 3 = 0.5365
             nll(P, ["aa", "a"], vocab) -> (0.2231 + 0.6931 + 0.6931 + 0.2231 + 0.6931) / 5 = 0.5051
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 2.2 Perplexity (1 point, 5 minutes)


# %%
def perplexity(losses):
    """Among how many equally likely symbols a model would be as unsure.

    losses : (n,) float array: the loss of each prediction in nats, -ln of the probability it gave to what came
    -> a number, 1 or more: e to the power of the mean loss; infinite where a loss is

    There is at least one loss. Nothing has to be refused here.

    Example: perplexity([0.6931, 0.6931]) -> 2.0
             perplexity([0.0, 1.3863]) -> 2.0
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 2.3 Bits per character (1 point, 5 minutes)


# %%
def bits_per_char(total, names):
    """How many bits a model needs for a character of some names.

    total : number: what it lost on all of these names together, in nats       names : list of strings
    -> a number: bits per character, where the end of each name counts as one character

    One bit is ln 2 = 0.6931 nats. Raises ValueError when there are no names.

    Example: bits_per_char(13.8629, ["ann", "bo", "al"]) -> 20 bits / 10 characters = 2.0
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 2.4 A split that everybody shares (1.75 points, 15 minutes)
#
# `bucket` is given. It depends on the name alone, so a name has the same number on every machine and on every day,
# whatever stands around it.


# %%
def bucket(name):
    """A number from 0 to 9 that belongs to a name: bucket("emma") -> 1, bucket("olivia") -> 9."""
    digest = hashlib.blake2b(name.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 10


# %%
def split(lines):
    """Names to learn from, names to choose by, and names for the last exam.

    lines : list of strings, as they stand in a file
    -> three lists of strings: train, validation, test

    A name is a line without the white space around it, in lower case. Lines with nothing in them are dropped, and of
    a name that comes several times only the first stays. The buckets 0 to 7 train, 8 validates, 9 tests. Within its
    list a name keeps the order of the lines. Raises ValueError when no name is left.

    Example: split(["Emma", "olivia ", "", "nipun", "emma"]) -> (["emma"], ["nipun"], ["olivia"])
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 2.5 How much of the exam was known (1 point, 5 minutes)


# %%
def leaked(train, held_out):
    """The share of held-out lines that a model has already seen.

    train, held_out : lists of strings, which may hold the same line several times
    -> a number from 0 to 1: how many of the lines in held_out are also a line in train, divided by how many there are

    A line that stands twice in held_out counts twice. Raises ValueError when held_out is empty.

    Example: leaked(["ann", "bob", "ann"], ["ann", "eve", "ann", "bo"]) -> 0.5
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 2.6 More letters of context (2.25 points, 25 minutes)


# %%
def ngram_nll(train, held_out, n, k):
    """Count n-grams in some names, and measure them on other names, in nats per character.

    train, held_out : lists of strings of the letters a to z
    n : whole number, 1 or more: a symbol is predicted from the n - 1 symbols before it; 2 is the bigram
    k : number above 0, added to every count
    -> a number: the loss on held_out

        P(symbol after context) = (how often it came there + k) / (how often anything came there + 27 k)

    27 is the number of symbols, a to z and the mark. Before a name stand n - 1 marks, after it one, so a name of m
    letters is m + 1 predictions for every n. A context that was never seen gives 1 / 27. With n = 1 the context is
    empty. Raises ValueError when n is less than 1, or when k is 0 or less.

    Example: ngram_nll(["ab", "b"], ["ab"], 2, 1): a after . is (1 + 1) / (2 + 27), b after a is (1 + 1) / (1 + 27),
             and . after b is (2 + 1) / (2 + 27): (2.6741 + 2.6391 + 2.2687) / 3 = 2.5273
             ngram_nll(["ab", "b"], ["ab"], 3, 1) -> 2.6507
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 2.7 The open experiment (1 point, 10 minutes)
#
# The best count model: choose n and k by what you measure, then let rare contexts fall back on shorter ones. The
# weights may hold at most 600,000 numbers; a table of four letters has 27 x 27 x 27 x 27 = 531,441. The point is
# yours with 2.12 nats per character or less.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 4) int array, the ids of the four symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    The ids are 0 for the mark and 1 to 26 for a to z. Each row is answered from its own context alone. Nothing has to
    be refused here.

    Example: with weights {"table": (27, 27, 27) log-probabilities}, a 3-gram is
             weights["table"][contexts[:, -2], contexts[:, -1]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Look at what you wrote: this cell runs in your editor, not in the check
if __name__ == "__main__":
    from lmlab.data.corpus import load_corpus, raw_lines
    from lmlab.models.ngram import count

    corpus = load_corpus("names")
    train, validation = corpus.part("train"), corpus.part("validation")
    vocab = [".", *corpus.alphabet]
    P = count(corpus, order=2, k=0.1).probabilities(np.arange(27)[:, None])
    loss = nll(P, validation, vocab)
    bits = bits_per_char(loss * sum(len(name) + 1 for name in validation), validation)
    print(f"bigram: {loss:.4f} nats, {bits:.4f} bits, perplexity {perplexity(np.array([loss])):.3f}")

    lines = raw_lines("names")  # the file as it stands: girls, then boys, each from the commonest to the rarest
    mine = split(lines)
    print("the same split as everybody's:", tuple(mine) == (train, validation, corpus.part("test")))
    first, second = len(lines) * 8 // 10, len(lines) * 9 // 10
    print(f"leaked, cut by place: {leaked(lines[:first], lines[first:second]):.2%}; by bucket:", leaked(*mine[:2]))

    for n in range(1, 8):
        losses = [ngram_nll(train, names, n, 0.1) for names in (train, validation)]
        print(f"n = {n}: train {losses[0]:.3f}, validation {losses[1]:.3f}")

# %% The weights of your experiment: a bigram, for a beginning
if __name__ == "__main__":
    from safetensors.numpy import save_file

    save_file({"table": np.log(P).astype(np.float32)}, "weights.safetensors")
