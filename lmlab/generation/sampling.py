"""Which tokens may be rolled: rules that take logits and return logits, so they compose in any order.

A cut token gets the logit -inf: probability 0 after the softmax, which spreads the rest to 1 again.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lmlab.errors import LabError

Method = Literal["greedy", "sample", "top-k", "top-p", "min-p"]


def temperature(logits: Tensor, t: float) -> Tensor:
    """Divide by t: below 1 sharpens, above 1 flattens; 0 keeps only the most likely token.

    (…, V) -> (…, V). Source: Ackley, Hinton and Sejnowski (1985), A learning algorithm for Boltzmann machines.

    >>> temperature(torch.tensor([2.0, 1.0]), 0.5).softmax(-1)
    tensor([0.8808, 0.1192])
    """
    if t == 0:
        return greedy(logits)
    if t == 1:
        return logits
    top = logits.max(dim=-1, keepdim=True).values  # subtracted first, so that a tiny t cannot overflow
    return ((logits - top).double() / t).to(logits.dtype)


def greedy(logits: Tensor) -> Tensor:
    """Keep only the most likely token; of equals the one with the lowest id.

    >>> greedy(torch.tensor([1.0, 3.0, 3.0])).softmax(-1)
    tensor([0., 1., 0.])
    """
    best = logits.argmax(dim=-1, keepdim=True)
    return torch.full_like(logits, -math.inf).scatter(-1, best, 0.0)


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k most likely tokens, never more: at a tie the lower ids stay.

    Source: Fan, Lewis and Dauphin (2018), Hierarchical neural story generation, section 5.4.

    >>> top_k(torch.tensor([2.0, 1.0, 0.5, 0.1]), 3).softmax(-1)
    tensor([0.6285, 0.2312, 0.1402, 0.0000])
    """
    return logits.where(_rank(logits) < k, -math.inf)


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the most likely tokens until their sum reaches p; the token that crosses p is kept.

    Source: Holtzman et al. (2020), The curious case of neural text degeneration, section 3.1.

    >>> top_p(torch.tensor([0.5, 0.3, 0.2]).log(), 0.6).softmax(-1)
    tensor([0.6250, 0.3750, 0.0000])
    """
    probabilities, order = logits.double().softmax(-1).sort(dim=-1, descending=True, stable=True)
    before = probabilities.cumsum(-1) - probabilities
    # A sum that is p up to rounding has reached p; the first token is always kept.
    keep = (before < p - 1e-9).scatter(-1, order[..., :1].new_zeros(order[..., :1].shape), True)
    return logits.where(torch.empty_like(keep).scatter(-1, order, keep), -math.inf)


def min_p(logits: Tensor, p: float) -> Tensor:
    """Keep the tokens that are at least p times as likely as the most likely one.

    Source: Nguyen et al. (2024), Turning up the heat: min-p sampling.

    >>> min_p(torch.tensor([0.5, 0.3, 0.2]).log(), 0.5).softmax(-1)
    tensor([0.6250, 0.3750, 0.0000])
    """
    top = logits.max(dim=-1, keepdim=True).values
    return logits.where(logits >= top + math.log(p) - 1e-9, -math.inf) if p > 0 else logits


def _rank(logits: Tensor) -> Tensor:
    """Place of each token when sorted by logit, the most likely first: (…, V) -> (…, V) int64."""
    order = logits.argsort(dim=-1, descending=True, stable=True)
    places = torch.arange(logits.shape[-1]).expand_as(order)
    return torch.empty_like(order).scatter(-1, order, places)


@dataclass(frozen=True)
class Sampling:
    """The rules in the order they are applied: temperature, then top-k, top-p, min-p; `None` = not used.

    >>> Sampling(temperature=0.5, top_k=2).apply(torch.tensor([2.0, 1.0, 0.0])).softmax(-1)
    tensor([0.8808, 0.1192, 0.0000])
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 100:
            raise LabError(f"The temperature is {self.temperature:g}: choose 0 (greedy) to 100.")
        if self.top_k is not None and self.top_k < 1:
            raise LabError(f"k is {self.top_k}: top-k keeps at least 1 token. Choose a k of 1 or more.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise LabError(f"p is {self.top_p:g}: top-p needs 0 < p <= 1.")
        if self.min_p is not None and not 0 <= self.min_p <= 1:
            raise LabError(f"min-p is {self.min_p:g}: choose 0 (keeps all) to 1.")

    @classmethod
    def by_method(
        cls,
        method: Method,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
    ) -> "Sampling":
        """The rules that a method's name stands for.

        `greedy` takes no other rule; `top-k`, `top-p` and `min-p` use 5, 0.9 and 0.1 unless a value is
        given. `sample` applies whatever rules are given.

        >>> Sampling.by_method("top-p")
        Sampling(temperature=1.0, top_k=None, top_p=0.9, min_p=None)
        """
        if method == "greedy":
            return cls(temperature=0.0)
        if method == "top-k":
            top_k = 5 if top_k is None else top_k
        elif method == "top-p":
            top_p = 0.9 if top_p is None else top_p
        elif method == "min-p":
            min_p = 0.1 if min_p is None else min_p
        elif method != "sample":
            raise LabError(f"There is no method '{method}'. Choose greedy, sample, top-k, top-p or min-p.")
        return cls(temperature, top_k, top_p, min_p)

    def apply(self, logits: Tensor) -> Tensor:
        """(…, V) logits -> (…, V) logits with the cut tokens at -inf."""
        logits = temperature(logits, self.temperature)
        if self.top_k is not None:
            logits = top_k(logits, self.top_k)
        if self.top_p is not None:
            logits = top_p(logits, self.top_p)
        if self.min_p is not None:
            logits = min_p(logits, self.min_p)
        return logits


def choose(probabilities: Tensor, u: Tensor, likeliest_first: bool = False) -> Tensor:
    """The token on which the random number u lands when the probabilities are laid end to end.

    (B, V) probabilities, (B,) u in [0, 1) -> (B,) ids. The tokens lie in the order of their ids, or with the
    likeliest first (equals in the order of their ids). Each token has the same chance in both orders; with the
    likeliest first, a smaller u always lands on a token that is at least as likely.

    >>> choose(torch.tensor([[0.2, 0.0, 0.8]]), torch.tensor([0.2]))
    tensor([2])
    >>> choose(torch.tensor([[0.2, 0.0, 0.8]]), torch.tensor([0.9]), likeliest_first=True)
    tensor([0])
    """
    if likeliest_first:
        sorted_, order = probabilities.double().sort(dim=-1, descending=True, stable=True)
        return order.gather(-1, choose(sorted_, u)[:, None])[:, 0]
    line = probabilities.double().cumsum(-1)
    total = line[:, -1:]
    # Rounding may carry u * total onto the very end of the line, which belongs to no token: stay just before it.
    place = torch.minimum(u[:, None].double() * total, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(line, place, right=True)[:, 0]
