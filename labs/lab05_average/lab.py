# %% [markdown]
# # Lab 05: The prefix average and word vectors
#
# Read README.md first. Write the functions below, and look at them in the last cells. Check yourself at any time:
#
#     python -m lmlab check lab05
#
# Every function is checked alone, so you can begin with any of them. In 5.1 to 5.4, T is the number of places of a
# name (the mark and its letters), d how many numbers an embedding has, and V how many symbols there are. Id 0 is the
# mark.

# %%
import numpy as np

# %% [markdown]
# ## 5.1 The mean of everything so far (1.5 points, 10 minutes)


# %%
def prefix_mean(x):
    """For each row the mean of all rows up to it.

    x  : (T, d) float array
    -> (T, d) float array: row i is the mean of the rows 0, 1, ... i

    Adding up every prefix anew takes T * T / 2 additions, and a table of all weights T * T numbers. For 30,000 rows
    that is too slow, or too large; each mean costs only one addition more than the one before it (np.cumsum).
    Raises ValueError when x does not have two axes.

    Example: prefix_mean(np.array([[2., 0.], [4., 0.], [0., 3.]])) -> [[2, 0], [3, 0], [2, 1]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 5.2 A language model made of it (1 point, 5 minutes)


# %%
def average_logits(E, W, ids):
    """The logits for the symbol that follows, at each place of a name.

    E   : (V, d) float array, an embedding for each symbol
    W   : (d, V) float array
    ids : (T,) int array: the mark and the letters of a name
    ->    (T, V) float array: row i is h_i @ W, where h_i is the mean of the embeddings of ids[0] to ids[i]

    Nothing has to be refused here.

    Example: with E = [[1., 0.], [0., 1.]], W = [[1., 2.], [3., 4.]] and ids = np.array([0, 1])
             the means are [1, 0] and [1/2, 1/2] -> [[1, 2], [2, 3]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 5.3 Back through the mean (1.5 points, 15 minutes)


# %%
def backward(dh):
    """The derivative of the loss with respect to x, where h = prefix_mean(x).

    dh : (T, d) float array, the derivative of the loss with respect to h
    -> (T, d) float array: row k is the sum of dh[i] / (i + 1) over all i from k to T - 1

    Row k of x is one of the i + 1 rows in each of the means k, k + 1, ... T - 1, and in no mean before. As in 5.1
    there may be 30,000 rows. Nothing has to be refused here.

    Example: backward(np.array([[1., 0.], [4., 2.]])) -> [[1 + 2, 0 + 1], [2, 1]] = [[3, 1], [2, 1]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 5.4 The loss and both gradients (2 points, 20 minutes)


# %%
def gradients(E, W, ids, targets):
    """The mean loss of one name, and which way it rises with every number of the model.

    E, W    : (V, d) and (d, V) float arrays, as in 5.2
    ids     : (T,) int array: the mark and the letters of a name
    targets : (T,) int array: what follows each of them; the last one is the mark, id 0
    ->        three values: the loss in nats, a number; dE, (V, d) float array; dW, (d, V) float array

    The loss is the mean of -log softmax(logits)[target] over the T places; logits may be in the thousands. Its
    derivative with respect to the logits is (p - y) / T, with p the softmax and y the one-hot targets. From there go
    back through the product h @ W (to dW and dh), through the mean, and through the lookup E[ids], where the rows of
    a symbol that comes twice add up. Nothing has to be refused here.

    Example: with E = [[1., 0.], [0., 1.]], W = zeros of (2, 2), ids = np.array([0, 1]), targets = np.array([1, 0])
             p is 1/2 everywhere -> 0.6931, zeros of (2, 2), [[0.125, -0.125], [-0.125, 0.125]]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 5.5 How alike two vectors are (0.75 points, 5 minutes)


# %%
def cosine(a, b):
    """The cosine of the angle between two vectors.

    a, b : (d,) float arrays
    ->     number from -1 (opposite) over 0 (at right angles) to 1 (the same direction); lengths do not matter

    Raises ValueError when one of them has nothing but zeros.

    Example: cosine(np.array([3., 0.]), np.array([1., 1.])) -> 0.7071
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 5.6 The nearest of many (1.25 points, 10 minutes)


# %%
def neighbours(vectors, v, n, leave_out):
    """The rows whose vectors have the largest cosine to v.

    vectors   : (N, d) float array, none of them zeros; their lengths differ
    v         : (d,) float array, not zeros
    n         : how many
    leave_out : list of row numbers that may not be in the answer
    ->          list of n row numbers, the largest cosine first

    Raises ValueError when fewer than n rows are left.

    Example: with vectors = [[5., 0.], [1., 1.], [0., 2.]] and v = np.array([0., 1.])
             neighbours(vectors, v, 2, []) -> [2, 1]          neighbours(vectors, v, 2, [2]) -> [1, 0]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 5.7 King - man + woman (1 point, 10 minutes)


# %%
def analogy(vectors, a, b, c, n):
    """The rows nearest to a - b + c, as king - man + woman: what is to c as a is to b?

    vectors : (N, d) float array, none of them zeros; their lengths differ
    a, b, c : row numbers          n : how many
    ->        list of n row numbers, the largest cosine to a - b + c first; a, b and c are never among them

    Each of the three vectors is divided by its length before they are added. Nothing has to be refused here.

    Example: with vectors = [[1., 0.], [3., 3.], [0., 2.], [-4., 4.]] and a, b, c = 1, 0, 2
             the sum is [0.71, 0.71] - [1, 0] + [0, 1] = [-0.29, 1.71] -> analogy(vectors, 1, 0, 2, 1) is [3]
    (Lists of numbers stand for arrays here: write np.array([...]) around them.)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 5.8 The open experiment (1 point, 15 minutes)
#
# The plain average gives the first letter of a name as much to say as the last. Find better weights: they need not be
# learned, and they need not be many. At most 3,000 numbers are allowed, and the point is yours with 2.38 nats per
# character or less. `places_that_count` is given; it knows where a name begins.


# %%
def places_that_count(contexts):
    """(B, C) True for the letters of each context and the mark right before them, False for what fills the space."""
    letters = (contexts > 0).sum(axis=1)
    columns = np.arange(contexts.shape[1])
    return columns >= contexts.shape[1] - 1 - letters[:, None]


def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 16) int array, the ids of the symbols before, the last one in column 15; 0 fills the space before
               a name, and the last 0 of it is the mark
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    Each row is answered from its own context alone. Nothing has to be refused here.

    Example: the average takes the mean of weights["E"][contexts] over the places that count, multiplies it with
             weights["W"], and subtracts the logarithm of the sum of the exps from each row
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Train the average: this cell and the next run in your editor, not in the check
if __name__ == "__main__":
    from lmlab.data.corpus import load_corpus

    SYMBOLS = ".abcdefghijklmnopqrstuvwxyz"

    def ids_of(name):
        """The ids of a name between two marks."""
        return np.array([SYMBOLS.index(sign) for sign in "." + name + "."])

    def loss_of(names):
        """The mean loss over all places of some names, in nats."""
        total, places = 0.0, 0
        for ids in map(ids_of, names):
            total += gradients(E, W, ids[:-1], ids[1:])[0] * (len(ids) - 1)
            places += len(ids) - 1
        return total / places

    names, unseen = load_corpus("names").part("train"), load_corpus("names").part("validation")
    rng = np.random.default_rng(1)
    E, W = 0.3 * rng.normal(size=(27, 16)), np.zeros((16, 27))
    print(f"at the beginning  {loss_of(unseen):.3f} nats on unseen names")
    order = np.concatenate([rng.permutation(len(names)), rng.permutation(len(names))])
    for step, which in enumerate(order):
        ids = ids_of(names[which])
        _, dE, dW = gradients(E, W, ids[:-1], ids[1:])
        lr = 1 - step / len(order)
        E -= lr * dE
        W -= lr * dW
    print(f"after two rounds  {loss_of(unseen):.3f}")

    for name in ("mia", "aim"):
        logits = average_logits(E, W, ids_of(name)[:-1])[-1]
        p = np.exp(logits) / np.exp(logits).sum()
        print(f"after {name}: {100 * p[0]:.2f} % that it is over, {100 * p[SYMBOLS.index('n')]:.2f} % for an n")
    for letter in "aetk":
        row = SYMBOLS.index(letter)
        print("nearest to", letter, [SYMBOLS[i] for i in neighbours(E, E[row], 4, [0, row])])

# %% Word vectors: 20,009 English words of 50 numbers, learned by others from six billion words (GloVe)
if __name__ == "__main__":
    from pathlib import Path

    import lmlab.data

    with np.load(Path(lmlab.data.__file__).parent / "files" / "glove50_20k_int8.npz") as file:
        words = file["words"].tobytes().decode().split("\n")
        vectors = file["vectors"] * file["scales"][:, None].astype(float)
    row_of = {word: row for row, word in enumerate(words)}

    for one, other in (("cat", "dog"), ("cat", "democracy"), ("good", "bad")):
        print(f"cosine of {one} and {other}: {cosine(vectors[row_of[one]], vectors[row_of[other]]):.4f}")
    print("nearest to king:", [words[i] for i in neighbours(vectors, vectors[row_of["king"]], 5, [row_of["king"]])])

    QUESTIONS = """king man woman queen, actor man woman actress, uncle man woman aunt, paris france italy rome,
        berlin germany japan tokyo, walking walk swim swimming, swam swim walk walked, cars car dog dogs,
        better good bad worse, bigger big small smaller, puppy dog cat kitten, brother man woman sister"""
    right = right_with_inputs = 0
    for question in QUESTIONS.split(","):
        *given, wanted = question.split()
        a, b, c = (row_of[word] for word in given)
        u = [vectors[row] / np.linalg.norm(vectors[row]) for row in (a, b, c)]
        found = words[analogy(vectors, a, b, c, 1)[0]]
        with_inputs = words[neighbours(vectors, u[0] - u[1] + u[2], 1, [])[0]]
        right += found == wanted
        right_with_inputs += with_inputs == wanted
        print("{:>8} - {:7} + {:5} = ".format(*given) + f"{found:9} (with all words allowed: {with_inputs})")
    print(f"right: {right} of 12, with all words allowed {right_with_inputs}")

# %% The weights of your experiment: first change how the mean weighs the past
if __name__ == "__main__":
    from safetensors.numpy import save_file

    save_file({"E": E.astype(np.float32), "W": W.astype(np.float32)}, "weights.safetensors")
