"""Optimisers and learning-rate schedules, from a recipe."""

import math
from collections.abc import Iterable

import torch
import torch.nn as nn
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer

from lmlab.training.recipe import Recipe


def orthogonalise(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Turn every singular value of a stack of matrices (N, rows, columns) into about 1, keeping the directions.

    An exact answer takes a singular value decomposition; this takes a few products instead (Newton-Schulz): the
    odd polynomial a x + b x^3 + c x^5 pushes any x in (0, 1] to between about 0.7 and 1.2, which is close enough.
    The coefficients are those of Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks.

    >>> wide = torch.tensor([[[3.0, 0.0, 0.0], [0.0, 0.5, 0.0]]])
    >>> torch.linalg.svdvals(wide).tolist()
    [[3.0, 0.5]]
    >>> values = torch.linalg.svdvals(orthogonalise(wide))
    >>> bool((values > 0.65).all() and (values < 1.25).all())
    True
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices  # the products below are of the shorter side
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(iterations):
        square = x @ x.mT
        rest = torch.baddbmm(square, square, square, beta=b, alpha=c)  # b S + c S S
        x = torch.baddbmm(x, rest, x, beta=a)  # a x + (b S + c S S) x
    return x.mT if tall else x


class Muon(Optimizer):
    """Momentum whose every step is orthogonalised, so that no direction of a matrix dominates.

    For the matrices between hidden layers only; embeddings, heads and vectors stay with Adam. The step of a tall
    matrix is longer by sqrt(rows / columns). Source: Jordan et al. (2024), as above. `torch.optim.Muon` does the
    same one matrix after the other; here those of one shape are stacked, which saves a small network much of the
    time (`lmlab bench --only muon`). The momentum is 0.9, since the source's 0.95 is no better on names.
    """

    def __init__(self, matrices: Iterable[Tensor], lr: float, momentum: float = 0.9, weight_decay: float = 0.0):
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step with the gradients that the matrices hold."""
        for group in self.param_groups:
            of_shape: dict[torch.Size, list[Tensor]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    of_shape.setdefault(matrix.shape, []).append(matrix)
            for (rows, columns), matrices in of_shape.items():
                directions = torch.stack([self._direction(matrix, group["momentum"]) for matrix in matrices])
                steps = orthogonalise(directions) * (group["lr"] * math.sqrt(max(1, rows / columns)))
                for matrix, step in zip(matrices, steps.unbind(), strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).sub_(step)

    def _direction(self, matrix: Tensor, momentum: float) -> Tensor:
        """The running mean of the gradients, looked at one step ahead (Nesterov)."""
        state = self.state[matrix]
        if not state:
            state["mean"] = torch.zeros_like(matrix)
        assert matrix.grad is not None
        mean = state["mean"].lerp_(matrix.grad, 1 - momentum)
        return matrix.grad.lerp(mean, momentum)


def make_optimizers(model: nn.Module, recipe: Recipe) -> list[Optimizer]:
    """One optimiser, or two under `muon`: Muon for the hidden matrices, AdamW for all the rest."""
    if recipe.optimizer == "sgd":
        return [SGD(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)]
    matrices: list[Tensor] = model.hidden_matrices() if recipe.optimizer == "muon" else []  # type: ignore[operator]
    chosen = {id(weight) for weight in matrices}
    rest = [weight for weight in model.parameters() if id(weight) not in chosen]
    optimizers: list[Optimizer] = [
        AdamW(rest, lr=recipe.learning_rate, betas=(0.9, 0.99), weight_decay=recipe.weight_decay, fused=True)
    ]
    if matrices:
        optimizers.append(Muon(matrices, lr=recipe.matrix_learning_rate, weight_decay=recipe.weight_decay))
    return optimizers


def rate(recipe: Recipe, step: int, planned: int) -> float:
    """Share of the learning rate at a step: a linear warm-up, then the schedule down to 0 at the last one.

    >>> recipe = Recipe(steps=100, schedule="linear", warmup=10)
    >>> [round(rate(recipe, step, 100), 2) for step in (0, 9, 10, 55, 99)]
    [0.1, 1.0, 1.0, 0.5, 0.01]
    """
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    left = (planned - step) / max(1, planned - recipe.warmup)
    if recipe.schedule == "linear":
        return left
    if recipe.schedule == "cosine":
        return 0.5 * (1 - math.cos(math.pi * left))
    return 1.0
