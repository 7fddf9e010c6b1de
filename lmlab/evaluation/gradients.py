"""How much does the loss feel each weight, each step back in time, each unit? Read without changing the run.

A gradient that shrinks by a factor w at each step back has lost all but w^n of itself after n steps: with
w = 0.9 and n = 50 half a percent is left, with w = 1.1 it has grown 117-fold. These are the vanishing and the
exploding gradients, and the reason for gates and for attention.
Source: Bengio, Simard and Frasconi (1994), Learning long-term dependencies with gradient descent is difficult,
section 4; Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural networks, section 2.

Everything here asks `torch.autograd.grad` for what it needs, so no `.grad` is written and no optimiser learns of
it; running statistics, modes and the random generator are put back as they were.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor

from lmlab.errors import LabError
from lmlab.evaluation.loss import token_nats
from lmlab.models.protocol import IGNORE, Batch

Objective = Callable[[nn.Module, Batch], Tensor]
"""A model and a batch -> the mean loss, a scalar; `lmlab.training.objectives.next_token` is one."""


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Whatever a forward pass inside leaves behind in the model or in the generator is put back.

    Batch norm moves its running statistics whenever it sees a batch in training mode, and dropout rolls dice: a
    probe that only looks must do neither for the run.

    >>> norm = nn.BatchNorm1d(2)
    >>> with untouched(norm):
    ...     _ = norm.eval(), norm.train()(torch.ones(4, 2))
    >>> norm.running_mean.tolist(), norm.num_batches_tracked.item(), norm.training
    ([0.0, 0.0], 0, True)
    """
    modes = [(module, module.training) for module in model.modules()]
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
        for module, name, buffer, content in buffers:
            setattr(module, name, buffer)  # a model may have bound a new tensor to the name
            with torch.no_grad():
                buffer.copy_(content)


def layer_norms(model: nn.Module, batch: Batch, loss: Objective) -> dict[str, dict[str, float]]:
    """Length (L2 norm) of the gradient of the batch's mean loss, and of the weights themselves, per parameter.

    The model is read in the mode it is in, so in training mode this is the gradient that its next step on this
    batch would take. A parameter that the loss does not depend on, or that is frozen, has gradient 0.

    >>> from lmlab.models.build import build
    >>> batch = Batch(torch.tensor([[0, 1]]), torch.tensor([[1, 0]]))
    >>> def mean(model, batch):
    ...     return token_nats(model.logits(batch.ids), batch.targets).mean()
    >>> norms = layer_norms(build("mlp", {}, 27), batch, mean)
    >>> norms["head.weight"]["parameter"], norms["head.weight"]["gradient"] > 0        # zeros, ready to move
    (0.0, True)
    >>> norms["hidden.weight"]["gradient"]              # nothing gets back through a head of zeros
    0.0
    """
    gradients = _gradients(model, batch, loss)
    return {
        name: {"gradient": float(gradients[name].norm()), "parameter": float(weight.detach().norm())}
        for name, weight in model.named_parameters()
    }


def _gradients(model: nn.Module, batch: Batch, loss: Objective) -> dict[str, Tensor]:
    named = dict(model.named_parameters())
    learning = {name: weight for name, weight in named.items() if weight.requires_grad}
    found: dict[str, Tensor] = {name: torch.zeros_like(weight) for name, weight in named.items()}
    with untouched(model):
        gradients = torch.autograd.grad(loss(model, batch), list(learning.values()), allow_unused=True)
    found.update({name: g for name, g in zip(learning, gradients, strict=True) if g is not None})
    return found


def influence(model: nn.Module, ids: Tensor, t: int) -> list[float]:
    """How strongly the loss at t hangs on each step k = 0..t: the norm of d loss_t / d h_k, t + 1 numbers.

    `ids` (B, T) int64 are tokens with their end; loss_t is the surprise of ids[:, t + 1] after ids[:, : t + 1], so
    0 <= t <= T - 2. Of several rows the mean is given.

    h_k is what step k hands on. A recurrent model has `states(ids)`, one state a step, each (B, H) or a tuple of
    such (an LSTM hands on a hidden state and a cell), and its `head` reads the last of them (of a tuple, the first
    tensor). For every other model h_k is the embedding of token k, caught on its way out of `model.embedding`.
    The model is read in evaluation mode, where no row and no step has to do with another but through the model.

    >>> from lmlab.models.build import build
    >>> model = build("mlp", {"context": 2}, 27)
    >>> _ = nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(0))
    >>> [norm > 0 for norm in influence(model, torch.tensor([[0, 5, 13, 13, 1, 0]]), t=3)]     # a window of 2
    [False, False, True, True]
    """
    if ids.ndim != 2 or not 0 <= t <= ids.shape[1] - 2:
        raise LabError(
            f"There is no loss at step {t} of {ids.shape[-1]} tokens: each step is judged by the token after it. "
            f"Choose 0 to {ids.shape[-1] - 2}."
        )
    past, target = ids[:, : t + 1], ids[:, t + 1]
    with untouched(model):
        model.eval()
        if hasattr(model, "states"):
            recurrent: Any = model
            steps = [state if isinstance(state, tuple) else (state,) for state in recurrent.states(past)]
            of_steps = _by_step(_surprise(recurrent.head(steps[-1][0]), target), steps)
        else:
            logits, vectors = _watch_embedding(model, past)
            (gradient,) = torch.autograd.grad(_surprise(logits[:, -1], target), [vectors])
            of_steps = _of_tokens(gradient)
    return [float(norm) for norm in of_steps.norm(dim=-1).mean(dim=0)]


def _surprise(logits: Tensor, target: Tensor) -> Tensor:
    # A sum, not a mean: each row's gradient is then its own, however many rows there are.
    return token_nats(logits[:, None], target[:, None]).sum()


def _by_step(loss: Tensor, steps: list[tuple[Tensor, ...]]) -> Tensor:
    """Gradients of the loss with respect to every step's state: (B, T, all its numbers)."""
    flat = [tensor for state in steps for tensor in state]
    gradients = torch.autograd.grad(loss, flat, allow_unused=True)
    found = iter(
        torch.zeros_like(tensor) if gradient is None else gradient
        for tensor, gradient in zip(flat, gradients, strict=True)
    )
    return torch.stack([torch.cat([next(found).flatten(1) for _ in state], dim=1) for state in steps], dim=1)


def _watch_embedding(model: nn.Module, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (B, T, V) and the embedding's output on the way to them: (B, T, d), or (B, T, k, d) for windows."""
    seen: list[Tensor] = []

    def catch(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        vectors = output.detach().requires_grad_()  # a leaf: frozen embeddings can be asked as well
        seen.append(vectors)
        return vectors

    embedding: Any = getattr(model, "embedding", None)
    if not hasattr(model, "logits"):
        raise LabError(f"The {type(model).__name__} does not predict the next token: it has no loss to trace back.")
    if not isinstance(embedding, nn.Module):
        raise LabError(f"The {type(model).__name__} has no embedding: there is nothing to trace the loss back to.")
    hook = embedding.register_forward_hook(catch)
    try:
        logits = model.logits(ids)  # type: ignore[operator]
    finally:
        hook.remove()
    if len(seen) != 1 or seen[0].shape[:2] != ids.shape:
        raise LabError(
            f"The {type(model).__name__} does not look up each token once: its steps cannot be told apart."
        )
    return logits, seen[0]


def _of_tokens(gradient: Tensor) -> Tensor:
    """Gradient of the last position's loss, (B, T, d) or (B, T, k, d) -> (B, T, d), a row a token.

    A window model embeds the last k tokens at every position. The loss at the last position sees the last window
    alone, whose slots are the tokens T - k to T - 1; those before the start are boundaries, and no token's.
    """
    if gradient.ndim == 3:
        return gradient
    B, T, k, d = gradient.shape
    inside = min(k, T)
    of_tokens = gradient.new_zeros(B, T, d)
    of_tokens[:, T - inside :] = gradient[:, -1, k - inside :]
    return of_tokens


def update_ratios(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> dict[str, float | None]:
    """How far one step moved each parameter: ||after - before|| / ||before||; None for weights that were all zero.

    A rule of thumb says 10^-3: much less and the layer hardly learns, much more and it jumps about.
    `before` and `after` are like `model.state_dict()`; copy `before`, or the step will change it too.

    >>> ratios = update_ratios({"w": torch.tensor([3.0, 4.0])}, {"w": torch.tensor([3.0, 4.005])})
    >>> round(math.log10(ratios["w"]), 3)
    -3.0
    """
    ratios: dict[str, float | None] = {}
    for name, old in before.items():
        if not old.is_floating_point():
            continue
        length = float(old.detach().norm())
        moved = float((after[name].detach() - old.detach()).norm())
        ratios[name] = moved / length if length > 0 else None
    return ratios


def saturation(activations: Tensor, limit: float = 0.97) -> dict[str, float]:
    """Of activations (..., H): the share beyond +-`limit`, and the share of units that are 0 on every example.

    Where tanh is beyond 0.97 its slope, 1 - tanh^2, is under 0.06: little gradient gets through, and a layer that
    starts there learns slowly. A unit behind a ReLU that is 0 for all examples gets no gradient at all: it is
    dead. `saturated` speaks of tanh and `dead` of ReLU; `mean` and `deviation` describe any layer.

    >>> saturation(torch.tensor([[0.99, 0.5], [-0.98, 0.0]]))["saturated"]
    0.5
    >>> saturation(torch.tensor([[1.5, 0.0], [0.0, 0.0]]))["dead"]
    0.5
    """
    units = activations.detach().reshape(-1, activations.shape[-1]).double()
    return {
        "saturated": float((units.abs() > limit).double().mean()),
        "dead": float((units == 0).all(dim=0).double().mean()),
        "mean": float(units.mean()),
        "deviation": float(units.std(correction=0)),
    }


def gradient_report(
    model: nn.Module,
    batch: Batch,
    loss: Objective,
    before: Mapping[str, Tensor] | None = None,
    after: Mapping[str, Tensor] | None = None,
) -> dict[str, Any]:
    """All of this about one batch as plain data that JSON can hold.

    `parameters` has for each name its `gradient` and `parameter` norms, the `ratio` of its last step where the
    parameters `before` and `after` it are given, and null where a number is not finite. `activations` has what
    `saturation` says of each layer where the model offers `hidden_activations(ids)`: a tensor (..., H), or several
    by name or in a list. `total` is the norm of all gradients together.

    >>> from lmlab.models.build import build
    >>> def mean(model, batch):
    ...     return token_nats(model.logits(batch.ids), batch.targets).mean()
    >>> report = gradient_report(build("mlp", {}, 27), Batch(torch.tensor([[0]]), torch.tensor([[1]])), mean)
    >>> sorted(report), sorted(report["parameters"]["hidden.bias"])
    (['activations', 'parameters', 'total'], ['gradient', 'parameter', 'ratio'])
    """
    norms = layer_norms(model, batch, loss)
    ratios = update_ratios(before, after) if before is not None and after is not None else {}
    total = math.sqrt(sum(norm["gradient"] ** 2 for norm in norms.values()))
    return {
        "total": _finite(total),
        "parameters": {
            name: {
                "gradient": _finite(norm["gradient"]),
                "parameter": _finite(norm["parameter"]),
                "ratio": _finite(ratios.get(name)),
            }
            for name, norm in norms.items()
        },
        "activations": {
            name: {what: _finite(value) for what, value in saturation(layer).items()}
            for name, layer in _hidden_layers(model, batch).items()
        },
    }


def _hidden_layers(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """Each layer's activations by name, padding left out where a layer has one row a token."""
    if not hasattr(model, "hidden_activations"):
        return {}
    with untouched(model), torch.no_grad():
        layers: Any = model.hidden_activations(batch.ids)  # type: ignore[operator]
    if isinstance(layers, Tensor):
        layers = [layers]
    if not isinstance(layers, Mapping):
        layers = {f"layer {i + 1}": layer for i, layer in enumerate(layers)}
    predicted = batch.targets != IGNORE
    return {name: layer[predicted] if layer.shape[:2] == predicted.shape else layer for name, layer in layers.items()}


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
