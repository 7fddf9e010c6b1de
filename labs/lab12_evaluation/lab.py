# %% [markdown]
# # Lab 12: Honest evaluation
#
# Read README.md first. Write the functions below, and look at them in the last cells. Check yourself at any time:
#
#     python -m lmlab check lab12
#
# Every function is checked alone, so you can begin with any of them.

# %%
import numpy as np

# %% [markdown]
# ## 12.1 One ruler for all tokenizers (1.5 points, 10 minutes)


# %%
def bits_per_char(token_nats, texts):
    """How many bits a model needs for a character, whatever its tokens are.

    token_nats : list of n float arrays, one for each text: the loss of each of its tokens in nats, the one that
                 ends the text included. How many tokens a text has is the tokenizer's affair.
    texts      : list of n strings
    -> a number: the bits of all tokens together, divided by the characters of all texts. The end of each text counts
       as one character; é is one character too, though it is two bytes.

    One bit is ln 2 = 0.6931 nats. Raises ValueError when the two lists have different lengths, or none.

    Example: bits_per_char([[1.0, 2.0, 0.5], [0.5, 0.1589]], ["anna", "bo"])
             -> 4.1589 nats = 6.0 bits, over 5 + 3 characters = 0.75   (the items of token_nats are arrays)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 12.2 First distinct, then split (1.25 points, 10 minutes)


# %%
def distinct_split(lines, u, share):
    """Names to train on and names to hold out, with no name on both sides.

    lines : list of n strings, in which a name may come several times
    u     : (n,) float array of random numbers, 0 <= u < 1, one for each line
    share : number between 0 and 1
    -> two lists of strings: train, held_out

    Of a name that comes several times only the first line stays, with its number. A name is held out when its number
    is below share. Within its list a name keeps the order of the lines. Raises ValueError when share is not between
    0 and 1 (both excluded).

    Example: distinct_split(["ann", "bob", "ann", "eve"], [0.9, 0.1, 0.2, 0.5], 0.3) -> (["ann", "eve"], ["bob"])
             (the second ann has a number below 0.3; it is a repeat and does not count. u is an array)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 12.3 What a leak is worth (1.75 points, 15 minutes)


# %%
def leak_effect(train, held_out, nats):
    """How much of the exam was known, and how the model did on what it knew and on what was new to it.

    train, held_out : lists of strings, which may hold the same line several times
    nats            : (n,) float array: what the model lost on each line of held_out, in nats, for the whole line
    -> three numbers: the share (0 to 1) of the lines in held_out that are also a line in train; the loss on those
       lines; the loss on the others

    Both losses are nats per character: the nats of all these lines, divided by the characters of all these lines,
    where the end of each line counts as one. A line that stands twice in held_out counts twice. Where there is no
    such line, the loss is np.nan. Raises ValueError when nats and held_out have different lengths.

    Example: leak_effect(["ann", "bo"], ["ann", "eve", "bo", "al"], [4.0, 8.0, 3.0, 7.0])
             -> (0.5, 7.0 / 7 = 1.0, 15.0 / 7 = 2.1429)   (nats is an array)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 12.4 How sure is a loss? (1.75 points, 20 minutes)


# %%
def bootstrap(nats, chars, picks):
    """A loss, and an interval that says how much of it may be luck with the names.

    nats  : (n,) float array: what a model lost on each name, in nats, for the whole name
    chars : (n,) int array: the characters of each name, its end included
    picks : (R, n) int array, 0 <= pick < n: each row names n of the names, some of them several times
    -> three numbers: the loss in nats per character of the names as they are; the lower and the upper end of its
       interval

    The loss of a list of names is the sum of its nats divided by the sum of its characters. Each row of picks is such
    a list. The ends are the quantiles 0.025 and 0.975 of the R losses, as np.quantile finds them. What they mean: if
    many people each measured names of their own and made such an interval, about 95 in a hundred of these intervals
    would hold the loss on all names of this kind. Raises ValueError when a row of picks does not have n places.

    Example: bootstrap([2.0, 6.0, 4.0], [2, 3, 4], [[0, 0, 1], [2, 1, 1], [0, 1, 2]])
             the three lists lose 10 / 7 = 1.4286, 16 / 10 = 1.6 and 12 / 9 = 1.3333
             -> (1.3333, 1.3381, 1.5914)   (all three are arrays)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 12.5 Two models on the same names (1.75 points, 15 minutes)


# %%
def compare(a, b):
    """By how much two models differ, and how sure that is when one looks name by name, and when one does not.

    a, b : (n,) float arrays: the loss of two models on each of the same n names
    -> three numbers: the mean of a - b; its standard error from the n differences; its standard error if a and b
       were measured on different names

    The standard error of a mean of n numbers is their standard deviation / sqrt(n), where the standard deviation
    divides by n - 1 (ddof=1). Two lists that have nothing to do with each other have the error
    sqrt(error of a ** 2 + error of b ** 2). Raises ValueError when a and b have different lengths, or fewer than 2.

    Example: compare([2.0, 3.0, 4.0], [1.0, 2.5, 3.0]) -> (0.8333, 0.1667, 0.8333)   (both are arrays)
             Name by name the difference is five errors away from 0; otherwise it is one.
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 12.6 The best of many (1 point, 5 minutes)


# %%
def pick(choose, confirm):
    """Choose the best of many models, and find out how good it really is.

    choose  : (M, n) float array: the losses of M models on n predictions
    confirm : (M, m) float array: their losses on m other predictions
    -> three values: the row of the model whose mean loss on choose is smallest, counted from 0; its mean loss on
       choose; its mean loss on confirm

    Raises ValueError when the two arrays have different numbers of models.

    Example: pick([[2.0, 3.0], [1.0, 2.0]], [[1.5, 1.5, 1.5], [2.0, 2.0, 2.3]]) -> (1, 1.5, 2.1)   (arrays)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 12.7 The open experiment (1 point, 15 minutes)
#
# This time everybody looks at two letters only. The best possible model of two letters is not far below a good one,
# so the places at the top of the class will be close to each other. Which of them are different at all? At most
# 25,000 numbers are allowed, and the point is yours with 2.23 nats per character or less.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 2) int array, the ids of the two symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    The ids are 0 for the mark and 1 to 26 for a to z. Each row is answered from its own context alone. Nothing has to
    be refused here.

    Example: with weights {"table": (27, 27) log-probabilities}, a bigram is weights["table"][contexts[:, -1]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Look at what you wrote: these cells run in your editor, not in the check
if __name__ == "__main__":
    from lmlab.data.corpus import load_corpus, raw_lines
    from lmlab.evaluation.leaks import leaky_corpus
    from lmlab.models.ngram import count

    def lengths(names):
        """The characters of each name, its end included."""
        return np.array([len(name) + 1 for name in names])

    def nats_of(source, names, n, k=0.1):
        """What an n-gram that was counted in a corpus loses on each name, in nats."""
        model = count(source, order=n, k=k)
        number = {letter: i for i, letter in enumerate(source.alphabet, start=1)}  # the Indian names have no q
        lost = []
        for name in names:
            ids = np.array([0] * (n - 1) + [number[letter] for letter in name] + [0])
            windows = np.lib.stride_tricks.sliding_window_view(ids, n)
            P = model.probabilities(windows[:, :-1])
            lost.append(-np.log(P[np.arange(len(windows)), windows[:, -1]]).sum())
        return np.array(lost)

    rng = np.random.default_rng(1)
    corpus = load_corpus("names")
    names = corpus.part("validation")
    picks = rng.integers(0, len(names), (1000, len(names)))
    for n in (2, 3):
        lost = nats_of(corpus, names, n)
        print(f"{n}-gram: {bits_per_char([np.array([nats]) for nats in lost], names):.3f} bits;", end=" ")
        loss, low, high = bootstrap(lost, lengths(names), picks)
        print(f"{loss:.3f} nats, between {low:.3f} and {high:.3f}")

# %% Two values of k, on 500 names; and the same on 3,000
if __name__ == "__main__":
    some = rng.permutation(len(names))
    a, b = (nats_of(corpus, names, 4, k)[some] / lengths(names)[some] for k in (0.3, 0.1))
    for number in (500, len(names)):
        print(
            f"{number} names: difference {{:.4f}}, error {{:.4f}} paired, {{:.4f}} apart".format(
                *compare(a[:number], b[:number])
            )
        )

# %% A careless split, and what it does
if __name__ == "__main__":
    lines = raw_lines("names")
    train, held_out = distinct_split(lines, rng.random(len(lines)), 0.1)
    print("known after your split:", len(set(train) & set(held_out)))
    careless = leaky_corpus(lines, seed=1)
    lost = nats_of(careless, careless.part("validation"), 5)
    share, known, new = leak_effect(careless.part("train"), careless.part("validation"), lost)
    print(f"known after a careless one: {share:.1%}; loss {known:.3f} on these, {new:.3f} on the others")

# %% Names from elsewhere: what nobody could have learned from the training names
if __name__ == "__main__":
    away = load_corpus("names_indian")
    here = set(corpus.texts)
    new = [name for name in away.part("validation") + away.part("test") if name not in here]
    for said, source in (("US names", corpus), ("Indian names", away)):
        lost = nats_of(source, new, 2)
        print(f"a bigram of {said} on {len(new)} Indian names: {lost.sum() / lengths(new).sum():.3f} nats")

# %% The weights of your experiment: a bigram, for a beginning
if __name__ == "__main__":
    from safetensors.numpy import save_file

    P = count(corpus, order=2, k=0.1).probabilities(np.arange(27)[:, None])
    save_file({"table": np.log(P).astype(np.float32)}, "weights.safetensors")
