# %% [markdown]
# # Lab 03: Sampling
#
# Read README.md first. Write the functions below, and look at them in the last cells. Check yourself at any time:
#
#     python -m lmlab check lab03
#
# Every function is checked alone, so you can begin with any of them.

# %%
import numpy as np

# %% [markdown]
# ## 3.1 From logits to probabilities (1.5 points, 10 minutes)


# %%
def softmax(logits):
    """Probabilities that go with logits.

    logits : (V,) or (B, V) float array; a logit of -inf belongs to a symbol that was cut
    -> float array of the same shape: exp(logit) / the sum of exp(logit) over the row; each row sums to 1

    Logits may be large: exp(1000) is more than a float holds, and still the answer has no nan. A cut symbol gets
    exactly 0. In each row at least one logit is finite. Nothing has to be refused here.

    Example: softmax([2.0, 1.0, 0.5, 0.1]) -> [0.5745, 0.2114, 0.1282, 0.0859]
             softmax([1002.0, 1001.0, -np.inf]) -> [0.7311, 0.2689, 0.0]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 3.2 Temperature (1.5 points, 10 minutes)


# %%
def temperature(logits, T):
    """Probabilities at a temperature: below 1 the likely becomes likelier, above 1 all come closer together.

    logits : (V,) float array, all finite         T : number, 0 or more
    -> (V,) float array: the softmax of the logits divided by T

    T = 0 is what small T tend to: 1.0 for the largest logit and 0 for the others; of equals the first has all. A tiny
    T such as 0.000001 gives no nan. Raises ValueError when T is negative.

    Example: temperature([2.0, 1.0, 0.5, 0.1], 0.5) -> [0.8282, 0.1121, 0.0412, 0.0185]
             temperature([2.0, 1.0, 0.5, 0.1], 2) -> [0.4056, 0.2460, 0.1916, 0.1569]
             temperature([1.0, 3.0, 3.0], 0) -> [0.0, 1.0, 0.0]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 3.3 Keep the k likeliest (1.5 points, 15 minutes)


# %%
def top_k(p, k):
    """Cut all but the k likeliest symbols.

    p : (V,) float array of probabilities that sum to 1         k : whole number, 1 or more
    -> (V,) float array: 0 for what is cut; what is kept stays at its place, divided by its sum so that all sum to 1

    Never more than k are kept: of equals the ones with the lower ids stay. With k above V everything is kept. Raises
    ValueError when k is less than 1.

    Example: top_k([0.5745, 0.2114, 0.1282, 0.0859], 3) -> [0.6285, 0.2313, 0.1402, 0.0]
             top_k([0.2, 0.3, 0.2, 0.3], 3) -> [0.25, 0.375, 0.0, 0.375]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 3.4 Keep the likeliest until they are enough (2 points, 20 minutes)


# %%
def top_p(p, q):
    """Cut the tail: keep the likeliest symbols until their sum reaches q.

    p : (V,) float array of probabilities that sum to 1         q : number above 0, at most 1
    -> (V,) float array: 0 for what is cut; what is kept stays at its place, divided by its sum so that all sum to 1

    Go from the likeliest to the least likely (of equals the lower id comes first) and stop as soon as the sum so far
    is q or more. The symbol with which it gets there is kept, so at least one is. With q = 1 everything is kept, also
    where rounding makes all of them sum to 0.9999999. Raises ValueError when q is 0 or less, or above 1.

    Example: top_p([0.5, 0.25, 0.125, 0.125], 0.6) -> [0.6667, 0.3333, 0.0, 0.0]
             top_p([0.125, 0.25, 0.125, 0.5], 0.75) -> [0.0, 0.3333, 0.0, 0.6667]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 3.5 Keep what is not far below the best (1 point, 5 minutes)


# %%
def min_p(p, m):
    """Cut the symbols that are too unlikely beside the likeliest one.

    p : (V,) float array of probabilities that sum to 1         m : number from 0 to 1
    -> (V,) float array: 0 for what is cut; what is kept stays at its place, divided by its sum so that all sum to 1

    A symbol is kept when its probability is at least m times the largest one. So m = 0 keeps everything, and m = 1
    the likeliest and its equals. Raises ValueError when m is below 0 or above 1.

    Example: min_p([0.5, 0.25, 0.125, 0.125], 0.4) -> [0.6667, 0.3333, 0.0, 0.0]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 3.6 Rolling (1.5 points, 10 minutes)


# %%
def sample_from(p, u):
    """The symbols on which random numbers fall; the numbers are given, so everybody rolls the same.

    p : (V,) float array of probabilities that sum to 1         u : (T,) float array of random numbers, 0 <= u < 1
    -> (T,) int array: for each number of u the first id j with p[0] + ... + p[j] > u

    Lay the probabilities side by side on a line from 0 to 1, in the order of the ids: u falls into one of the pieces.
    A symbol with probability 0 has no piece and never comes. Rounding may end the line a little before 1; what falls
    behind its end belongs to the last id with a probability above 0. Nothing has to be refused here.

    Example: sample_from([0.5, 0.0, 0.3, 0.2], [0.1, 0.5, 0.79, 0.99]) -> [0, 2, 2, 3]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 3.7 The open experiment (1 point, 20 minutes)
#
# The letter before says most about what comes next, but the second, third and sixth say something too. A table for
# each distance has only 27 x 27 numbers. How do you add up what they say? The weights may hold at most 5,000 numbers,
# and the point is yours with 2.30 nats per character or less.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 6) int array, the ids of the six symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    The ids are 0 for the mark and 1 to 26 for a to z. Each row is answered from its own context alone. Nothing has to
    be refused here.

    Example: with weights {"tables": (6, 27, 27) log-probabilities, the table of distance d at place d - 1}, a bigram
             is weights["tables"][0][contexts[:, -1]], and weights["tables"][1][contexts[:, -2]] is what the letter
             before that says
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Look at what you wrote: these cells run in your editor, not in the check
if __name__ == "__main__":
    for T in (0, 0.5, 1, 2):
        print(f"T = {T}:", temperature(np.array([2.0, 1.0, 0.5, 0.1]), T).round(4))

# %% Names at several temperatures, from the logits of a bigram
if __name__ == "__main__":
    from lmlab.data.corpus import load_corpus
    from lmlab.models.ngram import count

    corpus = load_corpus("names")
    symbols = [".", *corpus.alphabet]
    logits = np.log(count(corpus, order=2, k=0.1).probabilities(np.arange(27)[:, None]))  # (27, 27), a row a letter

    def roll(rows, u):
        """A name: rows is (27, 27), what may follow each symbol, and u holds a random number for each letter."""
        letters, now = "", 0
        for x in u:
            now = int(sample_from(rows[now], np.array([x]))[0])
            if now == 0:
                break
            letters += symbols[now]
        return letters

    rules = {
        "T = 0": lambda row: temperature(row, 0),
        "T = 0.5": lambda row: temperature(row, 0.5),
        "T = 1": lambda row: temperature(row, 1),
        "T = 2": lambda row: temperature(row, 2),
        "top_k 3": lambda row: top_k(softmax(row), 3),
        "top_p 0.8": lambda row: top_p(softmax(row), 0.8),
        "min_p 0.2": lambda row: min_p(softmax(row), 0.2),
    }
    for said, rule in rules.items():
        rng = np.random.default_rng(1)
        rows = np.stack([rule(row) for row in logits])
        print(f"{said:9}", *(roll(rows, rng.random(20)) for _ in range(8)))

# %% The tree of what top-k leaves: every way to begin a name, and how probable it is
if __name__ == "__main__":

    def tree(before, probability, depth):
        """Print the two likeliest symbols after `before`, and what may follow them."""
        p = top_k(softmax(logits[symbols.index(before[-1])]), 2)
        for j in np.flatnonzero(p):
            print("    " * len(before), before + symbols[j], f"{probability * p[j]:.3f}")
            if j and depth > 1:
                tree(before + symbols[j], probability * p[j], depth - 1)

    tree(".", 1.0, 3)

# %% What temperature does to the loss on names that were not counted
if __name__ == "__main__":
    names = corpus.part("validation")
    text = "." + ".".join(names) + "."  # one mark ends a name and begins the next
    found = np.array([symbols.index(symbol) for symbol in text])
    for T in (0, 0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 4):
        rows = np.stack([temperature(row, T) for row in logits])
        with np.errstate(divide="ignore"):
            print(f"T = {T:4}: {-np.log(rows[found[:-1], found[1:]]).mean():.4f} nats per character")

# %% The weights of your experiment: one table, for a beginning
if __name__ == "__main__":
    from safetensors.numpy import save_file

    save_file({"tables": logits[None].astype(np.float32)}, "weights.safetensors")
