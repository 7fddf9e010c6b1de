"""Mistakes in lab 09 that its checks do not list: each has to get a sentence that helps, and nothing may crash."""

OTHERS = {
    "layer_norm": [
        # keepdims forgotten
        """
def layer_norm(x, g, b, eps):
    return (x - x.mean(axis=-1)) / np.sqrt(x.var(axis=-1) + eps) * g + b
""",
        # RMS norm
        """
def layer_norm(x, g, b, eps):
    return x / np.sqrt((x ** 2).mean(axis=-1, keepdims=True) + eps) * g + b
""",
        # eps squared away: the root of the variance plus the root of eps
        """
def layer_norm(x, g, b, eps):
    if g.shape != x.shape[-1:] or b.shape != x.shape[-1:]:
        raise ValueError("g or b")
    return (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + np.sqrt(eps)) * g + b
""",
        # a product without the mean's axis, a loop over two axes only
        """
def layer_norm(x, g, b, eps):
    out = []
    for row in x:
        out.append((row - row.mean()) / np.sqrt(row.var() + eps) * g + b)
    return np.array(out)
""",
    ],
    "gelu": [
        # SiLU
        """
def gelu(x):
    return x / (1 + np.exp(-x))
""",
        # math works on one number only
        """
import math
def gelu(x):
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
""",
        # a wrong place of the bracket
        """
def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * x + 0.044715 * x ** 3))
""",
    ],
    "mlp": [
        # its own gelu is not written yet
        """
def mlp(x, widen, narrow):
    return gelu(x @ widen) @ narrow
""",
        # element by element
        """
def mlp(x, widen, narrow):
    return np.tanh(x * widen) * narrow
""",
        # tanh in place of gelu
        """
def mlp(x, widen, narrow):
    if narrow.shape[1] != x.shape[-1]:
        raise ValueError("narrow")
    return np.tanh(x @ widen) @ narrow
""",
    ],
    "block": [
        # x is changed in place, and the norms' names are exchanged
        """
def norm(x, g, b):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * g + b
def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))
def block(x, arrays, n_head):
    x += attention(norm(x, arrays["g2"], arrays["b2"]), arrays["qkv"], arrays["out"], n_head)
    x += gelu(norm(x, arrays["g1"], arrays["b1"]) @ arrays["widen"]) @ arrays["narrow"]
    return x
""",
        # thinks first, looks back afterwards
        """
def norm(x, g, b):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * g + b
def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))
def block(x, arrays, n_head):
    x = x + gelu(norm(x, arrays["g2"], arrays["b2"]) @ arrays["widen"]) @ arrays["narrow"]
    return x + attention(norm(x, arrays["g1"], arrays["b1"]), arrays["qkv"], arrays["out"], n_head)
""",
        # only the second half
        """
def norm(x, g, b):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * g + b
def block(x, arrays, n_head):
    return x + attention(norm(x, arrays["g1"], arrays["b1"]), arrays["qkv"], arrays["out"], n_head)
""",
        # a name that is not there
        """
def block(x, arrays, n_head):
    return x + attention(x, arrays["Wqkv"], arrays["out"], n_head)
""",
    ],
    "sinusoidal": [
        # only sines
        """
def sinusoidal(T, C):
    return np.sin(np.arange(T)[:, None] / 10000 ** (np.arange(C) / C))
""",
        # turned
        """
def sinusoidal(T, C):
    P = np.zeros((C, T))
    angle = np.arange(T) / 10000 ** (np.arange(0, C, 2)[:, None] / C)
    P[0::2], P[1::2] = np.sin(angle), np.cos(angle)
    return P
""",
        # 1000 in place of 10000
        """
def sinusoidal(T, C):
    if C % 2:
        raise ValueError("odd")
    P = np.zeros((T, C))
    angle = np.arange(T)[:, None] / 1000 ** (np.arange(0, C, 2) / C)
    P[:, 0::2], P[:, 1::2] = np.sin(angle), np.cos(angle)
    return P
""",
    ],
    "gpt": [
        # only embeddings and head
        """
def gpt(params, ids, n_head):
    return params["E"][ids] @ params["E"].T
""",
        # the head the other way round
        """
def gpt(params, ids, n_head):
    return (params["E"][ids] + params["P"][: ids.shape[1]]) @ params["E"]
""",
        # all of P is added
        """
def gpt(params, ids, n_head):
    return (params["E"][ids] + params["P"]) @ params["E"].T
""",
        # the last position alone
        """
def gpt(params, ids, n_head):
    x = params["E"][ids] + params["P"][: ids.shape[1]]
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * params["g"] + params["b"]
    return x[:, -1] @ params["E"].T
""",
        # no check of the length, and positions counted again from the start
        """
def gpt(params, ids, n_head):
    x = params["E"][ids] + params["P"][np.arange(ids.shape[1]) % len(params["P"])]
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * params["g"] + params["b"]
    return x @ params["E"].T
""",
    ],
    "count_parameters": [
        # the total alone
        """
def count_parameters(V, context, C, n_layer):
    return V * C + context * C + n_layer * (12 * C * C + 4 * C) + 2 * C
""",
        # a decimal number
        """
def count_parameters(V, context, C, n_layer):
    one = 12 * C ** 2.0 + 4 * C
    return one, V * C + context * C + n_layer * one + 2 * C
""",
        # biases in the block but nowhere else, two mistakes at once
        """
def count_parameters(V, context, C, n_layer):
    one = 12 * C * C + 13 * C
    return one, 2 * V * C + context * C + n_layer * one
""",
    ],
    "next_loss": [
        # one number a place
        """
def next_loss(logits, ids):
    z = logits[:, :-1]
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(p, ids[:, 1:, None], -1))[..., 0]
""",
        # the mean of the probabilities, and then the logarithm
        """
def next_loss(logits, ids):
    z = logits[:, :-1] - logits[:, :-1].max(-1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(p, ids[:, 1:, None], -1).mean())
""",
        # an epsilon against log(0)
        """
def next_loss(logits, ids):
    if ids.shape[1] < 2:
        raise ValueError("short")
    z = logits[:, :-1] - logits[:, :-1].max(-1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(p, ids[:, 1:, None], -1) + 1e-9).mean()
""",
        # softmax over the positions
        """
def next_loss(logits, ids):
    if ids.shape[1] < 2:
        raise ValueError("short")
    z = logits[:, :-1] - logits[:, :-1].max(1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return -np.log(np.take_along_axis(p, ids[:, 1:, None], -1)).mean()
""",
    ],
}
