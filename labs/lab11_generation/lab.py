# %% [markdown]
# # Lab 11: Generation with a cache
#
# Read README.md first. Write the functions below, and look at them in the last cells. Check yourself at any time:
#
#     python -m lmlab check lab11
#
# Every function is checked alone, so you can begin with any of them. Letters to remember: T tokens, L blocks,
# C numbers a token (the width), H heads of D = C / H numbers, V symbols, N places of context.

# %%
import numpy as np

# %% [markdown]
# ## Given: a GPT
#
# This is the model, as lab 09 builds it. It answers for all tokens at once and keeps nothing. Read it well: in 11.3
# you write what it does for one token.
#
#     weights["heads"]         H, a whole number            weights["norm"]        (2, C) scale and shift
#     weights["embedding"]     (V, C)                       weights["head"]        (C, V)
#     weights["positions"]     (N, C)                       weights["head_bias"]   (V,)
#     weights["blocks"]        list of L dicts: "norm_1" and "norm_2" (2, C), "qkv" (C, 3 C) and "qkv_bias" (3 C,),
#                              "project" (C, C) and "project_bias" (C,), "widen" (C, 4 C) and "widen_bias" (4 C,),
#                              "narrow" (4 C, C) and "narrow_bias" (C,)


# %%
def softmax(x):
    """Probabilities along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def norm(x, scale_shift):
    """Each row with mean 0 and variance 1, then times the scale, plus the shift."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * scale_shift[0] + scale_shift[1]


def forward(weights, ids):
    """The logits after each of the ids: (T, V). There may be at most N ids."""
    T, H = len(ids), weights["heads"]
    x = weights["embedding"][ids] + weights["positions"][:T]  # (T, C)
    for block in weights["blocks"]:
        qkv = norm(x, block["norm_1"]) @ block["qkv"] + block["qkv_bias"]  # (T, 3 C)
        q, k, v = (part.reshape(T, H, -1).transpose(1, 0, 2) for part in np.split(qkv, 3, axis=1))  # each (H, T, D)
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])  # (H, T, T): row = who asks, column = who is asked
        scores[:, np.triu(np.ones((T, T), dtype=bool), 1)] = -np.inf  # nobody looks at what comes later
        heard = (softmax(scores) @ v).transpose(1, 0, 2).reshape(T, -1)  # the heads side by side again: (T, C)
        x = x + heard @ block["project"] + block["project_bias"]
        wide = np.maximum(norm(x, block["norm_2"]) @ block["widen"] + block["widen_bias"], 0)
        x = x + wide @ block["narrow"] + block["narrow_bias"]
    return norm(x, weights["norm"]) @ weights["head"] + weights["head_bias"]


# %% [markdown]
# ## 11.1 One roll (1 point, 5 minutes)


# %%
def choose(logits, u, T):
    """The next id: rolled with a given random number, or the likeliest.

    logits : (V,) float array     u : number, 0 <= u < 1     T : number, 0 or more, the temperature
    ->       int: the first id j with p[0] + ... + p[j] > u, where p is the softmax of logits / T

    At T = 0 it is the id with the largest logit (greedy), whatever u is; of equals the first. Raises ValueError when
    T is negative.

    Example: p of [0.0, ln 2, 0.0] is [0.25, 0.5, 0.25] at T = 1: u = 0.2 gives 0, u = 0.25 gives 1, u = 0.8 gives 2
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 11.2 The loop (1.75 points, 10 minutes)


# %%
def generate(weights, prompt, u, T):
    """Write on, one token after the other.

    weights : of a GPT, see above     prompt : list of at least one id; 0 is the mark, with which a name begins
    u : (R,) float array, the random number of each roll     T : number, 0 or more, the temperature
    ->  list of the new ids, at most R

    Each roll: run the model over all ids so far, take the logits after the last one, choose with T and the next
    number of u, append. The mark ends the text: it is the last id of the list, and nothing is rolled after it (a mark
    in the prompt ends nothing). The model has N places (the rows of "positions"): of more ids it sees only the last
    N. `prompt` itself stays as it is. Raises ValueError when it is empty.

    Example: the model of the package, prompt [0, 1, 14], T = 0 -> [1, 12, 9, 19, 19, 1, 0], which is alissa.
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 11.3 One token with a cache (2.25 points, 25 minutes)


# %%
def step_with_cache(weights, i, cache):
    """Run one single token; what it needs of those before it stands in the cache.

    weights : of a GPT, see above     i : int, the id of the token
    cache   : (L, 2, H, t, D) float array: for each block the keys (0) and the values (1) of the t tokens before
    -> logits, cache: (V,) what forward has in its last row for all t + 1 tokens, to 1e-6; and (L, 2, H, t + 1, D),
       the old cache with the new token's keys and values at its end

    The token stands at place t, so its position is row t. Its query meets all keys, its own included. No mask is
    needed: nothing in the cache comes later. Raises ValueError when the cache is full, that is when t is N.

    Example: for the first token of a text the cache has the shape (L, 2, H, 0, D); the logits are
             forward(weights, [i])[0], and the token looks at nothing but itself
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 11.4 The loop with a cache (1.25 points, 10 minutes)


# %%
def generate_cached(weights, prompt, u, T):
    """Write on as in generate, with step_with_cache, and say how often it was called.

    weights, prompt, u, T : as in generate, the prompt not empty
    -> ids, steps: the list that generate returns, and an int, the number of tokens that were run

    Run the prompt token by token and choose from the logits of the last. Run only what a roll needs: each new token
    once, and the last one of all not at all. When the ids so far are more than N, the oldest drops out, every other
    token moves to another position, and so nothing in the cache is true any more: begin with an empty cache and run
    the last N ids again, for every roll from there on. `prompt` itself stays as it is. Nothing has to be refused
    here.

    Example: a prompt of 3 and 5 rolls, N = 32 -> 3 + 4 = 7 steps; without a cache 3 + 4 + 5 + 6 + 7 = 25 tokens are
             run. A prompt of 3 and 3 rolls with N = 4 -> 3 + 1 + 4 = 8 steps
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 11.5 What a token costs (0.75 points, 5 minutes)


# %%
def multiplications(t, layers, width, cached):
    """How many products of two numbers the blocks compute to get the logits after token number t.

    t : whole number, 1 or more, counting the token itself     layers : L     width : C     cached : True or False
    -> int

    In each block, each token that is run costs: 3 C * C for query, key and value, C * C for project, C * 4 C for
    widen and 4 C * C for narrow; C for its scores with each token in sight, and C for that token's values. With a
    cache one token is run and t are in sight. Without, all t are run, and each computes the scores of all t, because
    the mask comes afterwards. Norms, softmax, embedding and head are left out. Raises ValueError when t is below 1.

    Example: multiplications(3, 1, 2, True) -> 12 * 4 + 2 * 3 * 2 = 60
             multiplications(3, 1, 2, False) -> 180
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 11.6 What a cache weighs (0.5 points, 5 minutes)


# %%
def cache_bytes(tokens, layers, heads, head_size, texts, number_bytes):
    """How much memory the keys and values take.

    tokens : in each text     layers : L     heads : H     head_size : D     texts : written side by side
    number_bytes : of one number, 4 for float32, 2 for float16     ->     int, in bytes

    All are whole numbers of 0 or more. Nothing has to be refused here.

    Example: GPT-2's smallest, one text of 1024 tokens: cache_bytes(1024, 12, 12, 64, 1, 2) -> 37748736, 38 MB
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 11.7 The likeliest text (1.5 points, 20 minutes)


# %%
def beam_search(weights, width, limit):
    """Look for the most probable text that begins with the mark, along several paths at once.

    weights : of a GPT, see above     width : whole number, 1 or more     limit : most new ids, 1 to N
    -> ids, log_p: the list of new ids, and the sum of the natural logarithms of their probabilities

    Begin with one open path, [0], whose sum is 0. Up to `limit` times: continue each open path by each of the V
    symbols, and of *all* these keep the `width` with the highest sums. Those that end in the mark are finished and
    not continued; they count among the `width`. At the end return the finished path with the highest sum, the mark
    included; if none is finished, the open one with the highest. Width 1 is greedy. Raises ValueError when the width
    is below 1.

    Example: the model of the package, limit 20: width 1 finds alexandro. with a sum of -9.60, width 2 finds alexa.
             with -9.20
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 11.8 The open experiment (1 point, 10 minutes)
#
# A table that sees three letters has 27 x 27 x 27 x 27 = 531,441 cells, far more than there are letters in all names.
# Let a better model write more names for it! The package's GPT writes thousands in a minute. Or mix the table with
# shorter ones. Or both. At most 540,000 numbers are allowed, and the point is yours with 2.105 nats per character or
# less.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 3) int array, the ids of the three symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    The ids are 0 for the mark and 1 to 26 for a to z. Each row is answered from its own context alone. Nothing has to
    be refused here.

    Example: with weights {"table": (27, 27, 27, 27) log-probabilities}, the row of a context [a, b, c] is
             weights["table"][a, b, c]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% The package's own GPT in the form of this lab: these cells run in your editor, not in the check
if __name__ == "__main__":
    import time

    from lmlab.runs.cards import BUNDLED
    from lmlab.runs.store import load_run

    run = load_run(BUNDLED / "calm-heron")
    found = {name: array.double().numpy() for name, array in run.model.state_dict().items()}

    def pair(name):
        """The scale and the shift of a norm."""
        return np.stack([found[name + ".weight"], found[name + ".bias"]])

    blocks = []
    for number in range(run.model.config.n_layer):
        block = {"norm_1": pair(f"blocks.{number}.norm_1"), "norm_2": pair(f"blocks.{number}.norm_2")}
        for ours, theirs in (
            ("qkv", "attention.query_key_value"),
            ("project", "attention.project"),
            ("widen", "widen"),
            ("narrow", "narrow"),
        ):
            block[ours] = found[f"blocks.{number}.{theirs}.weight"].T
            block[ours + "_bias"] = found[f"blocks.{number}.{theirs}.bias"]
        blocks.append(block)
    gpt = {"heads": run.model.config.n_head, "blocks": blocks, "norm": pair("norm"), "head": found["head.weight"].T}
    gpt |= {"head_bias": found["head.bias"], "embedding": found["embedding.weight"], "positions": found["positions"]}

    def spell(ids):
        """The symbols of some ids."""
        return "".join(".abcdefghijklmnopqrstuvwxyz"[i] for i in ids)


# %% Names, and whether the cache changes anything
if __name__ == "__main__":
    for seed in range(8):
        u = np.random.default_rng(seed).random(25)
        ids, steps = generate_cached(gpt, [0], u, 1.0)
        print(spell(ids), "the same without a cache:", ids == generate(gpt, [0], u, 1.0), "steps:", steps)

# %% What a token costs, counted and measured
if __name__ == "__main__":
    for t in (1, 8, 32):
        text = [0, *[1] * (t - 1)]
        empty = np.zeros((len(blocks), 2, gpt["heads"], t - 1, 16))
        counted = [multiplications(t, len(blocks), 64, cached) for cached in (False, True)]
        begin = time.perf_counter()
        for _ in range(50):
            forward(gpt, text)
        middle = time.perf_counter()
        for _ in range(50):
            step_with_cache(gpt, 1, empty)
        end = time.perf_counter()
        print(t, counted, f"{20 * (middle - begin):.2f} ms and {20 * (end - middle):.2f} ms")
    print("the cache of a name:", cache_bytes(32, 4, 4, 16, 1, 4), "bytes")

# %% Likelier and likelier
if __name__ == "__main__":
    for width in (1, 2, 3, 10, 30):
        ids, log_p = beam_search(gpt, width, 20)
        print(f"width {width:2}: {spell(ids):12} {log_p:.2f}")

# %% The weights of your experiment: counts of three letters and the next, and names that the GPT wrote
if __name__ == "__main__":
    from safetensors.numpy import save_file

    from lmlab.data.corpus import load_corpus
    from lmlab.generation.generate import generate as write

    names = load_corpus("names").part("train")
    written = [sample.text for sample in write(run.model, run.tokenizer, n=1000, limit=30, seed=1)]
    counts = np.full((27, 27, 27, 27), 0.1)
    for name in names + written:
        ids = [0, 0, 0, *(ord(letter) - ord("a") + 1 for letter in name), 0]
        for t in range(3, len(ids)):
            counts[ids[t - 3], ids[t - 2], ids[t - 1], ids[t]] += 1
    table = np.log(counts / counts.sum(axis=3, keepdims=True))
    save_file({"table": table.astype(np.float32)}, "weights.safetensors")
