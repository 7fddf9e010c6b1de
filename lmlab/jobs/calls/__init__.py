"""What can be asked of a worker: small questions about a corpus or a model, answered with plain data.

Each function takes what it needs as keyword arguments that came from the page: nothing is trusted. A wrong
value raises `LabError`; the sentence is shown as it is. One file a subject; here they are put together.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lmlab.jobs.calls import comparing, corpus, guess, inside, labs, model, runs, sampling, training
from lmlab.jobs.calls.shelf import Shelf as Shelf

SLOW = {"fetch": corpus.fetch}
"""Questions that wait for the network: a worker answers them in a thread, beside its trainings."""

ABOUT_A_CORPUS: dict[str, Callable[..., Any]] = {
    **corpus.QUESTIONS,
    **sampling.QUESTIONS,
    **guess.QUESTIONS,
    **comparing.QUESTIONS,
    **runs.QUESTIONS,
    **labs.QUESTIONS,
}
ABOUT_A_MODEL: dict[str, Callable[..., Any]] = {
    **model.QUESTIONS,
    **guess.MODEL_QUESTIONS,
    **comparing.MODEL_QUESTIONS,
    **sampling.MODEL_QUESTIONS,
    **training.QUESTIONS,
    **inside.QUESTIONS,
}


def plain(value: Any) -> Any:
    """Numpy numbers as Python numbers, so that the answer is plain data; arrays stay arrays."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value
