"""Optimisers and learning-rate schedules, from a recipe."""

import math

import torch.nn as nn
from torch import Tensor
from torch.optim import SGD, AdamW, Muon, Optimizer

from lmlab.training.recipe import Recipe


def make_optimizers(model: nn.Module, recipe: Recipe) -> list[Optimizer]:
    """One optimiser, or two under `muon`: Muon for the hidden matrices, AdamW for all the rest.

    Muon makes each step of a matrix nearly orthogonal, so that no direction dominates. Source: Jordan et al.
    (2024), Muon: an optimizer for hidden layers in neural networks.
    """
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
