"""One example through a window model by hand: forward, loss, backward, update; and a slice of the loss surface.

    ids (k,) -> rows (k, d) -> x (k d,) -> sums (h,) -> scaled (h,) -> hidden (h,) -> logits (V,) -> p (V,)

The backward pass is written out, one line a tensor, because it is the lesson; tests hold it equal to autograd and to
finite differences. Nothing here changes the model that it is given: an update is made on a copy.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor

from lmlab.evaluation.loss import token_nats
from lmlab.models.mlp import MLP
from lmlab.models.protocol import IGNORE, Examples
from lmlab.tokenizers.protocol import Tokenizer

Point = tuple[float, float]
Direction = dict[str, Tensor]
"""A change of every weight, by the weight's name; a name that is missing does not change."""

SLOPES: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": lambda x: 1 - torch.tanh(x) ** 2,
    "relu": lambda x: (x > 0).to(x.dtype),
    "gelu": lambda x: (1 + torch.erf(x / math.sqrt(2))) / 2 + x * torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
}
"""How much an activation's answer changes when its input does: its derivative."""


def window_pairs(ids: Sequence[int], context: int, boundary: int = 0) -> list[tuple[list[int], int]]:
    """(the last `context` tokens, the token that follows) at each place of a text of n tokens: n + 1 pairs.

    >>> window_pairs([5, 13], context=3)
    [([0, 0, 0], 5), ([0, 0, 5], 13), ([0, 5, 13], 0)]
    """
    framed = [boundary] * context + list(ids)
    return [(framed[t : t + context], target) for t, target in enumerate([*ids, boundary])]


@dataclass(frozen=True)
class Forward:
    """Every tensor on the way from a window to its probabilities."""

    ids: Tensor
    """(k,) the window."""
    rows: Tensor
    """(k, d) the row of the embedding table that each of them looked up."""
    x: Tensor
    """(k d,) the rows side by side."""
    sums: Tensor
    """(h,) weights times inputs, plus bias, of each hidden unit."""
    scaled: Tensor
    """(h,) the sums after batch norm; the sums themselves in a model without it."""
    hidden: Tensor
    """(h,) what the hidden units answer."""
    logits: Tensor
    """(V,) a score for each token."""
    p: Tensor
    """(V,) their softmax: the probabilities of the next token."""

    def loss(self, target: int) -> float:
        """-ln p of the token that came, in nats."""
        return float(token_nats(self.logits[None, None], torch.tensor([[target]])))


@torch.no_grad()
def forward(model: MLP, window: Sequence[int]) -> Forward:
    """Each tensor of the model's own layers, for one window of k ids. The model must be in eval mode.

    >>> from lmlab.models.build import build
    >>> seen = forward(build("mlp", {"context": 3, "d_embed": 2, "d_hidden": 4}, 27).eval(), [0, 0, 5])
    >>> [len(tensor) for tensor in (seen.rows, seen.x, seen.hidden, seen.logits)]
    [3, 6, 4, 27]
    >>> round(seen.loss(13), 4)                                         # an untrained head: ln 27
    3.2958
    """
    ids = torch.tensor(window)
    rows = model.embedding(ids)
    x = rows.flatten()
    sums = model.hidden(x[None])[0]
    scaled = model.norm(sums[None])[0]
    hidden = model.activation(scaled)
    logits = model.head(hidden[None])[0]
    return Forward(ids, rows, x, sums, scaled, hidden, logits, logits.softmax(-1))


@dataclass(frozen=True)
class Backward:
    """How the loss of one example changes with each number of the forward pass, and with each weight."""

    logits: Tensor
    hidden: Tensor
    scaled: Tensor
    sums: Tensor
    x: Tensor
    weights: dict[str, Tensor]
    """By the weights' names, in their shapes."""


@torch.no_grad()
def backward(model: MLP, seen: Forward, target: int) -> Backward:
    """The chain rule from the loss back to every weight. Each line multiplies by one step of the forward pass."""
    logits = seen.p.clone()
    logits[target] -= 1  # d(-ln softmax)/d(logits) = p - onehot(target)
    hidden = model.head.weight.T @ logits
    scaled = hidden * SLOPES[model.config.activation](seen.scaled)
    weights: dict[str, Tensor] = {}
    sums = scaled
    if isinstance(model.norm, nn.BatchNorm1d):  # in eval mode it is one factor and one shift a unit
        mean, variance = model.norm.running_mean, model.norm.running_var
        assert mean is not None
        assert variance is not None
        spread = torch.sqrt(variance + model.norm.eps)
        sums = scaled * model.norm.weight / spread
        weights["norm.weight"] = scaled * (seen.sums - mean) / spread
        weights["norm.bias"] = scaled
    x = model.hidden.weight.T @ sums
    # A token that stands in the window twice is moved by both of its places.
    embedding = torch.zeros_like(model.embedding.weight).index_add(0, seen.ids, x.view_as(seen.rows))
    weights |= {
        "embedding.weight": embedding,
        "hidden.weight": torch.outer(sums, seen.x),
        "hidden.bias": sums,
        "head.weight": torch.outer(logits, seen.hidden),
        "head.bias": logits,
    }
    return Backward(logits, hidden, scaled, sums, x, weights)


@torch.no_grad()
def updated(model: MLP, gradients: dict[str, Tensor], rate: float) -> MLP:
    """A copy of the model after one step of gradient descent: w - rate * gradient for every weight."""
    after = copy.deepcopy(model).eval()
    for name, weight in after.named_parameters():
        weight.sub_(rate * gradients[name])
    return after


# --- a slice of the loss surface -----------------------------------------------------------------------------


def random_direction(model: nn.Module, seed: int) -> Direction:
    """A random direction that fits the model: each row of each matrix is as long as the model's own row.

    Without this, directions would look steep or flat only because weights are small or large. Vectors (biases,
    batch norm) stay as they are. Source: Li, Xu, Taylor, Studer and Goldstein (2018), Visualizing the loss landscape
    of neural nets, section 4.
    """
    dice = torch.Generator().manual_seed(seed)
    direction = {}
    for name, weight in model.named_parameters():
        if weight.dim() < 2:
            continue
        rows = torch.randn(weight.shape, generator=dice).flatten(1)
        length = weight.detach().flatten(1).norm(dim=1, keepdim=True)
        direction[name] = (rows * length / rows.norm(dim=1, keepdim=True)).view_as(weight)
    return direction


def one_weight(model: nn.Module, name: str, place: tuple[int, ...]) -> Direction:
    """The direction in which a single weight grows by 1."""
    direction = torch.zeros_like(dict(model.named_parameters())[name])
    direction[place] = 1.0
    return {name: direction}


class Slice:
    """The mean loss on fixed documents where the weights are `model + a * first + b * second`.

    At (0, 0) it is the model's own loss. The model is copied, in eval mode, so a training may go on meanwhile.
    """

    def __init__(
        self,
        model: Any,
        documents: Sequence[str],
        tokenizer: Tokenizer,
        first: Direction,
        second: Direction,
    ) -> None:
        self.model: Any = copy.deepcopy(model).eval()
        self.first, self.second = first, second
        self._origin = {name: weight.detach().clone() for name, weight in self.model.named_parameters()}
        examples = Examples.of(self.model, documents, tokenizer)
        self._batch = examples.batch(torch.arange(len(examples)))

    def loss(self, a: float, b: float) -> float:
        """Nats a prediction at one point; it may be infinite far away."""
        self._go_to(a, b)
        with torch.inference_mode():
            return float(self._loss())

    def gradient(self, a: float, b: float) -> tuple[float, Point]:
        """The loss at a point, and how it changes along each of the two directions.

        The gradient is taken over all weights and then projected: its product with each direction.
        """
        self._go_to(a, b)
        named = dict(self.model.named_parameters())
        with torch.enable_grad():
            loss = self._loss()
            every = dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))
        along = [
            sum(float((every[name] * change).sum()) for name, change in direction.items())
            for direction in (self.first, self.second)
        ]
        return loss.item(), (along[0], along[1])

    def descend(self, start: Point, rate: float, steps: int, edge: float = math.inf) -> list[list[float]]:
        """Gradient descent from a point: [a, b, loss, gradient along a, along b] before each step and after the last.

        It ends early where a number is none any more, or beyond `edge` in either direction.
        """
        a, b = start
        path = []
        for _ in range(steps + 1):
            loss, (along_a, along_b) = self.gradient(a, b)
            path.append([a, b, loss, along_a, along_b])
            if not math.isfinite(loss + along_a + along_b) or max(abs(a), abs(b)) > edge:
                break
            a, b = a - rate * along_a, b - rate * along_b
        return path

    def _loss(self) -> Tensor:
        nats = token_nats(self.model.logits(self._batch.ids), self._batch.targets)
        return nats.sum() / (self._batch.targets != IGNORE).sum()

    @torch.no_grad()
    def _go_to(self, a: float, b: float) -> None:
        for name, weight in self.model.named_parameters():
            weight.copy_(self._origin[name])
            for share, direction in ((a, self.first), (b, self.second)):
                if name in direction:
                    weight.add_(direction[name], alpha=share)
