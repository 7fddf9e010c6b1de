# %% [markdown]
# # Lab 10: Byte-pair encoding
#
# Read README.md first. Write the functions below, and look at them in the last cells. Check yourself at any time:
#
#     python -m lmlab check lab10
#
# Every function is checked alone, so you can begin with any of them. An id below 256 stands for a byte. Which one,
# the next cell says: GPT-2 numbers the bytes that print as a sign first, then the others.

# %%
import numpy as np

# BYTES[i] is the byte with id i, so BYTES.index(b) is the id of byte b: "!" has id 0, "a" has 64, a space has 220.
BYTES = bytes([*range(33, 127), *range(161, 173), *range(174, 256), *range(33), *range(127, 161), 173])

# %% [markdown]
# ## 10.1 Words (0.75 points, 5 minutes)


# %%
def cut(text):
    r"""The words of a text; no merge ever reaches from one word into the next.

    text : string
    ->     list of strings: the text cut before every space and before every newline, so that each of them belongs
           to the word after it

    The pieces joined are the text again, and none is empty. An empty text has no words. Nothing has to be
    refused here.

    Example: cut("low lower") -> ["low", " lower"]
             cut("a  b\nc ") -> ["a", " ", " b", "\nc", " "]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 10.2 Counting neighbours (1.25 points, 10 minutes)


# %%
def get_pairs(words):
    """How often each pair of neighbours stands in the words.

    words : list of lists of ids; a word may be empty, and the same word may come again
    ->      dict from pair (a, b), a tuple of two ids, to how often b comes right after a

    A pair counts at every place where it stands: [5, 5, 5] has (5, 5) twice, although only one of the two could be
    merged. Words are apart: the last id of one is no neighbour of the first of the next. Nothing has to be
    refused here.

    Example: get_pairs([[5, 5, 5], [5, 7]]) -> {(5, 5): 2, (5, 7): 1}
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 10.3 One merge (1.5 points, 15 minutes)


# %%
def merge(ids, pair, new):
    """A word in which a pair has become one id.

    ids : list of ids     pair : (a, b), a tuple of two ids     new : the id that stands for both
    ->    list of ids

    Go from left to right. Where a and b stand side by side write new and go on behind them; everything else stays.
    What was merged is not looked at again. `ids` itself stays as it is. Nothing has to be refused here.

    Example: merge([1, 2, 3, 1, 2], (1, 2), 9) -> [9, 3, 9]
             merge([5, 5, 5], (5, 5), 9) -> [9, 5]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 10.4 Learning the merges (2 points, 15 minutes)


# %%
def train_bpe(words, n):
    """The first n merges that byte-pair encoding learns.

    words : list of lists of ids below 256     n : whole number, 0 or more
    ->      list of pairs (a, b) in the order in which they are merged; merge number k (from 0) makes the id 256 + k

    n times: count the pairs of the words *as they stand now*, take the one with the highest count, and merge it in
    every word. The tie rule is lmlab's own: of pairs that are equally frequent take the smallest, as Python compares
    tuples: (3, 9) before (4, 1) before (4, 2). Stop early when no pair is left, not before. `words` itself stays as
    it is. Raises ValueError when n is negative.

    Example: train_bpe([[1, 2, 3], [1, 2, 3], [2, 3, 1, 2, 3]], 2) -> [(2, 3), (1, 256)]
             ((2, 3) is there 4 times, (1, 2) 3 times; then 1 and the new 256 are neighbours 3 times)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 10.5 From text to ids (2 points, 15 minutes)


# %%
def encode(text, merges):
    """The ids of a text.

    text : string, any at all     merges : list of pairs (a, b), as train_bpe makes it; place k makes the id 256 + k
    ->     list of ids

    Cut the text before every space and newline. Each word becomes the ids of its UTF-8 bytes (see BYTES), and then
    merges apply *in the order in which they were learned*: the earliest merge that fits anywhere in the word comes
    first, at all its places from left to right, then the earliest that fits now, until none fits. Every text
    has ids, so nothing has to be refused here. There may be 50,000 merges: a few milliseconds a word are fine,
    seconds are not.

    Example: encode("ab", []) -> [64, 65]                        encode("é", []) -> [127, 102], two bytes
             encode("abc", [(65, 66), (64, 65)]) -> [64, 256]    bc was learned first, and then no ab is left
             encode("strawberry strawberry", gpt2().merges) -> [301, 1831, 8396, 41236]   (import it as at the end)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 10.6 And back (1 point, 10 minutes)


# %%
def decode(ids, merges):
    """The text of some ids.

    ids : list of ids     merges : list of pairs (a, b); place k makes the id 256 + k
    ->    string

    An id below 256 is a byte (see BYTES); a merged id has the bytes of its two parts, one after the other. Put all
    bytes together first and read them as UTF-8 then, because a character's bytes may lie in two tokens. Bytes that
    are no UTF-8 become the sign "�", as bytes.decode("utf-8", "replace") has it. Raises ValueError for an id that
    does not exist: below 0, or 256 + len(merges) and above.

    Example: decode([64, 256], [(65, 66)]) -> "abc"             decode([127, 102], []) -> "é"
             decode([127], []) -> "�", half a character
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 10.7 How much it saves (0.5 points, 5 minutes)


# %%
def chars_per_token(texts, encoded):
    """How many characters a token stands for, over all texts together.

    texts : list of n strings     encoded : list of n lists of ids, the tokens of each text
    ->      a number: all characters / all tokens

    Characters are those of Python's len: "é" is one, though it has two bytes. Raises ValueError when there is no
    token at all.

    Example: chars_per_token(["lower", "a"], [[300, 12], [64]]) -> 6 / 3 = 2.0
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 10.8 The open experiment (1 point, 15 minutes)
#
# Which contexts deserve a row of their own? A table for two letters has rows for zx and qj, which nobody needs, and
# none for .mar or lyn. Let byte-pair encoding choose: train it on names that begin with the mark, and give each piece
# that it makes a row: what came after names that end in this piece. At most 20,000 numbers are allowed, and the point
# is yours with 2.21 nats per character or less. No table for two letters that we tried comes as low.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 8) int array, the ids of the eight symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    Here ids are those of symbols: 0 for the mark and 1 to 26 for a to z. Each row is answered from its own context
    alone. Nothing has to be refused here.

    Example: with weights {"pieces": (R, 8) ids, filled with -1 on the left, "table": (R, 27) log-probabilities}, the
             row to take is that of the longest piece with which the context ends
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% Look at what you wrote: these cells run in your editor, not in the check
if __name__ == "__main__":
    from lmlab.data.corpus import load_corpus

    def to_ids(text):
        """The ids of the bytes of a text."""
        return [BYTES.index(byte) for byte in text.encode("utf-8")]

    names = load_corpus("names").part("train")[::8]  # an eighth of them: counting anew for each merge takes its time
    merges = train_bpe([to_ids(name) for name in names], 200)
    print("the first pieces:", *(decode([256 + k], merges) for k in range(20)))
    print("the last pieces:", *(decode([256 + k], merges) for k in range(180, 200)))
    for n in (0, 20, 50, 100, 200):
        encoded = [encode(name, merges[:n]) for name in names]
        print(f"{n:4} merges: {chars_per_token(names, encoded):.2f} characters a token")

# %% Your encode with the 50,000 merges of GPT-2
if __name__ == "__main__":
    from lmlab.tokenizers.gpt2 import gpt2

    for text in ("strawberry", " strawberry", "Strawberry", "नमस्ते", "1234567", "    return x"):
        ids = encode(text, gpt2().merges)
        print(repr(text), ids, [decode([i], gpt2().merges) for i in ids])

# %% The weights of your experiment: a row for each single symbol, for a beginning, which is the bigram
if __name__ == "__main__":
    from safetensors.numpy import save_file

    pieces = [(symbol,) for symbol in range(27)]  # add what your merges make, as ids of symbols
    counts = np.full((len(pieces), 27), 0.1)
    for name in load_corpus("names").part("train"):
        ids = [0, *(ord(letter) - ord("a") + 1 for letter in name), 0]
        for t in range(1, len(ids)):
            counts[pieces.index((ids[t - 1],)), ids[t]] += 1
    filled = np.array([[-1] * (8 - len(piece)) + list(piece) for piece in pieces])
    table = np.log(counts / counts.sum(axis=1, keepdims=True))
    save_file({"pieces": filled.astype(np.float32), "table": table.astype(np.float32)}, "weights.safetensors")
