"""How to train: everything but the model and the data, as one dataclass. Needs no torch."""

from dataclasses import dataclass
from typing import Literal

from lmlab.errors import LabError
from lmlab.strings import t

Optimizer = Literal["sgd", "adamw", "muon"]
Schedule = Literal["constant", "linear", "cosine"]


@dataclass(frozen=True)
class Recipe:
    """A training run. Give `steps`, or `seconds` of computing, which are turned into steps and recorded.

    `learning_rate` is for AdamW or SGD; under `muon` it is for the embeddings, head and vectors, and the
    hidden matrices take `matrix_learning_rate`. The schedule falls over the *planned* steps, so stopping and
    resuming changes nothing. `probe_names` is how many fixed-seed texts are sampled while training.

    >>> Recipe(steps=10, learning_rate=-1)
    Traceback (most recent call last):
    lmlab.errors.LabError: The learning rate is -1: choose a number above 0, up to 10,000.
    """

    steps: int | None = None
    seconds: float | None = None
    optimizer: Optimizer = "adamw"
    learning_rate: float = 4e-3
    matrix_learning_rate: float = 0.02
    schedule: Schedule = "linear"
    warmup: int = 0
    batch_size: int = 128
    weight_decay: float = 0.0
    clip: float | None = None
    seed: int = 42
    threads: int = 1
    most_passes: float | None = None
    """Plan no more steps than read the training documents so many times: a small corpus is soon known by heart."""
    train_size: int | None = None
    """Learn from the first so many training documents only; None = all."""
    probe_names: int = 5
    probe_gradients: bool = False
    """Also note norms of gradients, sizes of updates and saturation now and then; the run stays the same."""
    validate: bool = True
    """Measure the held-out loss and probe while training; the end is always measured."""

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise LabError("A recipe needs either steps or seconds: give exactly one of them.")
        whole = (self.steps, self.warmup, self.batch_size, self.seed, self.threads, self.train_size, self.probe_names)
        if any(number is not None and not isinstance(number, int) for number in whole):
            raise LabError(t("error.whole_recipe"))
        if self.steps is not None and not 1 <= self.steps <= 1_000_000:
            raise LabError(t("error.recipe_steps", n=self.steps))
        if self.seconds is not None and not 0.1 <= self.seconds <= 86_400:
            raise LabError(f"{self.seconds:g} seconds were asked for: choose 0.1 to 86,400.")
        if self.optimizer not in ("sgd", "adamw", "muon"):
            raise LabError(f"The optimizer '{self.optimizer}' is unknown: choose sgd, adamw or muon.")
        if self.schedule not in ("constant", "linear", "cosine"):
            raise LabError(f"The schedule '{self.schedule}' is unknown: choose constant, linear or cosine.")
        for name, rate in (
            ("recipe_rate", self.learning_rate),
            ("recipe_matrix_rate", self.matrix_learning_rate),
        ):
            if not 0 < rate <= 10_000:  # also refuses NaN
                raise LabError(t(f"error.{name}", rate=rate))
        if not 1 <= self.batch_size <= 8192:
            raise LabError(t("error.recipe_batch", n=self.batch_size))
        if not 0 <= self.weight_decay <= 10:
            raise LabError(t("error.recipe_decay", n=self.weight_decay))
        if self.clip is not None and not self.clip > 0:
            raise LabError(f"The clipping norm is {self.clip:g}: choose a number above 0, or none.")
        if self.most_passes is not None and not self.most_passes > 0:
            raise LabError(f"At most {self.most_passes:g} passes were asked for: choose a number above 0, or none.")
        if not 0 <= self.warmup <= 100_000:
            raise LabError(f"The warm-up is {self.warmup} steps: choose 0 to 100,000.")
        if not 0 <= self.seed < 2**63:
            raise LabError(t("error.recipe_seed", n=self.seed))
        if not 1 <= self.threads <= 64:
            raise LabError(f"{self.threads} threads were asked for: choose 1 to 64.")
        if self.train_size is not None and self.train_size < 1:
            raise LabError(t("error.recipe_size", n=self.train_size))
        if not 1 <= self.probe_names <= 20:
            raise LabError(f"{self.probe_names} probe names were asked for: choose 1 to 20.")
