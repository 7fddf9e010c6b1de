"""Moments of a training: the weights at some of its steps, so that one can go back and look at the network there.

Weights are kept as 16-bit floats: enough to look at, half the room. A moment is no checkpoint: nothing can be
trained on from it. Moments lie beside a run, or beside the checkpoint of one that is under way.
"""

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn as nn
from safetensors import safe_open
from torch import Tensor

from lmlab.errors import LabError

MOST_MOMENTS = 20
MOST_BYTES = 4_000_000  # of all moments of one run
FILE = "moments.safetensors"

Weights = dict[str, Tensor]


def moment_steps(planned: int, parameters: int, most_bytes: int = MOST_BYTES) -> list[int]:
    """Which steps to keep: the start, then ever further apart; the end is the model itself and not among them.

    Fewer for a large model, none where not even two fit.

    >>> moment_steps(4000, parameters=7_721)[:8]
    [0, 2, 13, 35, 72, 125, 197, 290]
    >>> len(moment_steps(1000, parameters=205_595)), moment_steps(1000, parameters=5_000_000)
    (9, [])
    """
    number = min(MOST_MOMENTS, most_bytes // (2 * parameters))
    if number < 2:
        return []
    # The power makes them about evenly spread on a logarithmic axis, and not too coarse on a linear one.
    return sorted({round(planned * (i / number) ** 2.5) for i in range(number)})


class Moments:
    """The moments of one training, by their steps.

    >>> moments = Moments(planned=100, parameters=6)
    >>> layer = nn.Linear(2, 2)
    >>> moments.take(0, layer), moments.take(1, layer), moments.steps
    (True, True, [0, 1])
    """

    def __init__(self, planned: int, parameters: int, most_bytes: int = MOST_BYTES) -> None:
        self._planned = set(moment_steps(planned, parameters, most_bytes))
        self.weights: dict[int, Weights] = {}

    @property
    def steps(self) -> list[int]:
        """The steps that are kept, in their order."""
        return sorted(self.weights)

    def take(self, step: int, model: nn.Module) -> bool:
        """Keep the weights if they are wanted at this step; returns whether they were."""
        if step not in self._planned or step in self.weights:
            return False
        weights = {name: _halved(weight) for name, weight in model.state_dict().items()}
        if not all(bool(torch.isfinite(weight).all()) for weight in weights.values()):
            return False  # a run that blew up has nothing to show here
        self.weights[step] = weights
        return True

    def tensors(self) -> Weights:
        """All of them under the names that `load_moments` and `read_moment` know."""
        return {f"{step}/{name}": weight for step, part in self.weights.items() for name, weight in part.items()}


def _halved(weight: Tensor) -> Tensor:
    """A copy in 16 bits; counters, and weights too large for 16 bits, stay as they are."""
    if not weight.is_floating_point():
        return weight.detach().clone()
    half = weight.detach().half()
    return half if bool(torch.isfinite(half).all()) else weight.detach().float().clone()


def at_moment(model: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """A copy of the model with the weights of a moment, ready to be asked."""
    then = copy.deepcopy(model)
    then.load_state_dict({name: weight.float() if weight.is_floating_point() else weight
                          for name, weight in weights.items()})  # fmt: skip
    return then.eval()


def load_moments(folder: str | Path) -> dict[int, Weights]:
    """All moments in a folder; none where there is no such file, or a damaged one."""
    found: dict[int, Weights] = {}
    try:
        with safe_open(Path(folder) / FILE, "pt") as file:
            for key in file.keys():  # noqa: SIM118 - it is no dictionary
                step, _, name = key.partition("/")
                found.setdefault(int(step), {})[name] = file.get_tensor(key)
    except Exception:  # whatever is wrong with it: a run is whole without its moments
        return {}
    return found


def read_moment(folder: str | Path, step: int) -> Weights:
    """The weights of one moment. Raises `LabError` for a step that is not kept."""
    moments = load_moments(folder)
    if step not in moments:
        raise no_moment(step, sorted(moments))
    return moments[step]


def no_moment(step: int, steps: list[int]) -> LabError:
    """What a person is told when the network of a step is not kept."""
    if not steps:
        return LabError(f"No step of this training was kept: step {step:,} cannot be shown. Train it again here.")
    kept = ", ".join(f"{one:,}" for one in steps)
    return LabError(f"The network of step {step:,} was not kept. Choose one of: {kept}.")
