"""What travels between the web process and the workers: plain dataclasses, and the interface of a job service."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from lmlab import strings
from lmlab.training.recipe import Recipe

JobId = str
RunId = str
Command = Literal["pause", "resume", "step", "stop", "discard"]
Wanted = Literal["running", "paused", "finishing"]
State = Literal["waiting", "running", "paused", "finishing", "done", "failed"]


@dataclass(frozen=True)
class JobSpec:
    """A training to be done: which model, how, on what. `first` = take so many steps, then pause."""

    model: str
    options: dict[str, Any]
    recipe: Recipe
    corpus: str = "names"
    corpus_name: str | None = None
    first: int | None = None
    parent: str | None = None
    """The run that this one was made from by changing something; it is noted on the card."""
    language: str = field(default_factory=strings.language)
    """In which language the training speaks: that of the page that began it."""


@dataclass(frozen=True)
class Status:
    """Where a training stands."""

    state: State = "waiting"
    step: int = 0
    planned: int = 0
    seconds: float = 0.0
    steps_per_second: float = 0.0
    parameters: int = 0
    sentence: str | None = None
    """What a person should know: why it failed, or where it diverged."""


@dataclass(frozen=True)
class Snapshot:
    """What happened to a job since `since`. With `reset`, `events` is everything from the start.

    An event is a pair: `("batch", [step, loss])`, `("validation", [step, loss])`, `("train", [step, loss])`,
    `("embedding", {"step", "points", "kept"})`, `("names", {"step", "names", "novelty"})` or `("moment", step)`: the
    model can be asked about as it was after that step. `place` is the position in the waiting line, 0 when the job is
    not waiting.
    """

    job: JobId
    seq: int
    reset: bool
    status: Status
    place: int
    spec: JobSpec
    symbols: Sequence[str] = ()
    sha256: str = ""
    """Hash of the corpus: losses of other corpora are not comparable. Empty until the training has begun."""
    events: list[tuple[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Limits:
    """What one visitor and all together may use."""

    jobs_per_owner: int = 2
    jobs: int = 64
    running_per_worker: int = 4
    steps: int = 20_000
    seconds: float = 600.0
    step_operations: float = 3e10
    """Multiplications and additions of one step: about a second on one core."""
    attention_numbers: float = 1e8
    """Attention weights that one step may keep: 400 MB."""
    paused: int = 256
    """Paused trainings of everybody: they compute nothing, so they are not among `jobs`, but they take memory."""
    unwatched_pause: float = 60.0
    unwatched_end: float = 600.0
    paused_end: float = 1800.0
    """A training that rests so long is stopped and kept, watched or not: a forgotten page must not hold a place."""
    runs_per_owner: int = 20
    days: float = 14.0


class Jobs(Protocol):
    """A job service: worker processes on this machine today, a cluster later."""

    def submit(self, spec: JobSpec, owner: str) -> JobId:
        """Start a training. Raises `LabError` when a cap is reached."""

    def poll(self, job: JobId, owner: str, since: int = 0) -> Snapshot:
        """What happened since; also tells the service that somebody watches."""

    def command(self, job: JobId, owner: str, command: Command, steps: int = 1) -> None:
        """Pause, resume, take some steps and pause, stop and keep the result, or discard it."""

    async def call(
        self, model: JobId | RunId | None, owner: str, name: str, args: dict[str, Any], timeout: float = 30.0
    ) -> Any:
        """Ask a model something (generate, attention, embeddings, evaluate, …), running or finished."""
