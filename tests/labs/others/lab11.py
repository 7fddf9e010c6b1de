"""Mistakes in lab 11 that its checks do not list: none crashes the checker, each gets a sentence."""

OTHERS = {
    "choose": [
        # a division by 0
        """
def choose(logits, u, T):
    if T < 0:
        raise ValueError("no")
    return int(np.searchsorted(np.cumsum(softmax(logits / T)), u, side="right"))
""",
        # its own dice
        """
def choose(logits, u, T):
    p = softmax(logits / max(T, 1e-9))
    return int(np.random.default_rng().choice(len(p), p=p))
""",
        # probabilities, not an id
        """
def choose(logits, u, T):
    return softmax(logits / max(T, 1e-9))
""",
    ],
    "generate": [
        # the prompt grows, and the letters come back as a string
        """
def generate(weights, prompt, u, T):
    text = ""
    for roll in u:
        p = softmax(forward(weights, prompt)[-1] / T)
        prompt.append(int(np.searchsorted(np.cumsum(p), roll, side="right")))
        text += ".abcdefghijklmnopqrstuvwxyz"[prompt[-1]]
    return text
""",
        # more ids than places
        """
def generate(weights, prompt, u, T):
    ids = list(prompt)
    for roll in u:
        p = softmax(forward(weights, ids)[-1] / max(T, 1e-9))
        ids.append(int(np.searchsorted(np.cumsum(p), roll, side="right")))
        if ids[-1] == 0:
            break
    return ids[len(prompt):]
""",
        # rolls for every token of the text, not for the last
        """
def generate(weights, prompt, u, T):
    return [int(np.argmax(row)) for row in forward(weights, prompt)]
""",
    ],
    "step_with_cache": [
        # no new cache
        """
def step_with_cache(weights, i, cache):
    return forward(weights, [i])[-1], cache
""",
        # logits only
        """
def step_with_cache(weights, i, cache):
    return forward(weights, [i])[-1]
""",
        # the cache is written in place, where there is no room
        """
def step_with_cache(weights, i, cache):
    t, H = cache.shape[3], weights["heads"]
    x = weights["embedding"][i] + weights["positions"][t]
    for l, block in enumerate(weights["blocks"]):
        q, k, v = np.split(norm(x, block["norm_1"]) @ block["qkv"] + block["qkv_bias"], 3)
        cache[l, 0, :, t] = k.reshape(H, -1)
        cache[l, 1, :, t] = v.reshape(H, -1)
    return x, cache
""",
        # the stream is not handed from block to block
        """
def step_with_cache(weights, i, cache):
    t, H = cache.shape[3], weights["heads"]
    x0 = weights["embedding"][i] + weights["positions"][t]
    kept = []
    for block, old in zip(weights["blocks"], cache):
        qkv = norm(x0, block["norm_1"]) @ block["qkv"] + block["qkv_bias"]
        q, k, v = (part.reshape(H, 1, -1) for part in np.split(qkv, 3))
        keys, values = np.concatenate([old[0], k], axis=1), np.concatenate([old[1], v], axis=1)
        kept.append([keys, values])
        heard = (softmax(q @ keys.transpose(0, 2, 1) / np.sqrt(k.shape[2])) @ values).reshape(-1)
        x = x0 + heard @ block["project"] + block["project_bias"]
        x = x + np.maximum(norm(x, block["norm_2"]) @ block["widen"] + block["widen_bias"], 0) @ block["narrow"]
    return norm(x, weights["norm"]) @ weights["head"] + weights["head_bias"], np.array(kept)
""",
    ],
    "generate_cached": [
        # calls a function that is not written yet
        """
def generate_cached(weights, prompt, u, T):
    return generate(weights, prompt, u, T), len(prompt) + len(u) - 1
""",
        # the list alone
        """
def generate_cached(weights, prompt, u, T):
    return [1, 2, 0]
""",
    ],
    "multiplications": [
        # floating
        """
def multiplications(t, layers, width, cached):
    one = layers * (12 * width**2 + 2 * t * width)
    return float(one if cached else t * one)
""",
        # additions and multiplications
        """
def multiplications(t, layers, width, cached):
    one = 2 * layers * (12 * width**2 + 2 * t * width)
    return one if cached else t * one
""",
    ],
    "cache_bytes": [
        # megabytes
        """
def cache_bytes(tokens, layers, heads, head_size, texts, number_bytes):
    return 2 * tokens * layers * heads * head_size * texts * number_bytes / 1e6
""",
    ],
    "beam_search": [
        # never cut: V to the power of limit paths
        """
def beam_search(weights, width, limit):
    paths = [(0.0, [0])]
    for _ in range(limit):
        longer = []
        for total, ids in paths:
            logp = np.log(softmax(forward(weights, ids)[-1]))
            longer += [(total + logp[j], ids + [j]) for j in range(len(logp))]
        paths = longer
    return max(paths)[1], max(paths)[0]
""",
        # goes on behind the mark
        """
def beam_search(weights, width, limit):
    paths = [(0.0, [0])]
    for _ in range(limit):
        longer = []
        for total, ids in paths:
            logp = np.log(softmax(forward(weights, ids)[-1]))
            longer += [(total + logp[j], ids + [j]) for j in range(len(logp))]
        paths = sorted(longer, reverse=True)[:width]
    return paths[0][1][1:], float(paths[0][0])
""",
        # sorted the wrong way
        """
def beam_search(weights, width, limit):
    paths, done = [(0.0, [0])], []
    for _ in range(limit):
        longer = []
        for total, ids in paths:
            logp = np.log(softmax(forward(weights, ids)[-1]))
            longer += [(total + logp[j], ids + [j]) for j in range(len(logp))]
        best = sorted(longer)[:width]
        done += [path for path in best if path[1][-1] == 0]
        paths = [path for path in best if path[1][-1] != 0]
    return max(done or paths)[1][1:], max(done or paths)[0]
""",
    ],
}
