"""What training makes small. One function an objective; each takes a model and a batch."""

from collections.abc import Callable

import torch.nn as nn
from torch import Tensor

from lmlab.evaluation.loss import token_nats
from lmlab.models.protocol import IGNORE, Batch

Objective = Callable[[nn.Module, Batch], Tensor]


def next_token(model: nn.Module, batch: Batch) -> Tensor:
    """Mean surprise of the next token, in nats: the loss of the ruler on one batch.

    >>> import torch
    >>> from lmlab.models.build import build
    >>> batch = Batch(torch.tensor([[0, 1]]), torch.tensor([[1, 0]]))
    >>> round(next_token(build("mlp", {}, 27), batch).item(), 4)        # ln 27 before any step
    3.2958
    """
    logits = model.logits(batch.ids)  # type: ignore[operator]
    return token_nats(logits, batch.targets).sum() / (batch.targets != IGNORE).sum()
