"""Training behind the page: what a worker holds, when the first point is there, what being watched costs."""

import contextlib
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from lmlab.bench.memory import memory_row, resident_megabytes
from lmlab.bench.rows import Row
from lmlab.data.corpus import load_corpus
from lmlab.errors import LabError
from lmlab.jobs.local import OVER, LocalJobs
from lmlab.jobs.messages import JobSpec, Limits
from lmlab.jobs.worker import Task, Worker
from lmlab.models.build import build
from lmlab.training.presets import preset
from lmlab.training.trainer import Progress, Trainer

OWNER = "bench"


def worker_memory(seconds: float = 8.0) -> list[Row]:
    """Memory of each worker while it trains the default transformer: one training on every worker.

    Each worker's memory is read ten times a second while its training runs; a run is the most that one worker
    held, and the largest of them is quoted.
    """
    what = "Resident memory of a worker while it trains the default transformer (the largest worker)"
    most: dict[int, float] = {}
    with _jobs() as jobs:
        trainings = [
            (jobs.submit(_spec("transformer"), f"{OWNER}-{i}"), f"{OWNER}-{i}") for i in range(len(jobs.processes()))
        ]
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            states = [jobs.poll(job, owner).status.state for job, owner in trainings]
            if any(state in OVER for state in states):
                break
            for process in jobs.processes():
                held = resident_megabytes(process.pid)
                if process.pid is not None and held is not None:
                    most[process.pid] = max(held, most.get(process.pid, 0.0))
            time.sleep(0.1)
    return [memory_row("worker-memory", what, 450.0, list(most.values()))]


def first_point(runs: int = 5, presets: Sequence[str] = ("mlp", "transformer")) -> list[Row]:
    """From `submit` until the first point of the loss curve is there to be drawn, with warm workers.

    Through `LocalJobs` as the page does it, asking every 5 ms; nothing else runs. After each run the training is
    stopped and its end awaited.
    """
    rows = []
    with _jobs() as jobs:
        for name in presets:
            times = []
            for _ in range(runs):
                begin = time.perf_counter()
                job = jobs.submit(_spec(name), OWNER)
                while True:
                    snapshot = jobs.poll(job, OWNER)
                    if any(kind == "batch" for kind, _ in snapshot.events):
                        break
                    if snapshot.status.state in OVER:
                        raise LabError(f"The training ended without a point: {snapshot.status.sentence}")
                    time.sleep(0.005)
                times.append(time.perf_counter() - begin)
                jobs.command(job, OWNER, "stop")
                while jobs.poll(job, OWNER).status.state not in OVER:
                    time.sleep(0.05)
            what = f"From submit to the first point of the default {name}, workers warm"
            rows.append(Row(f"first-point-{name}", what, "s", statistics.median(times), 1.0, tuple(times)))
    return rows


class _SideBySide(Worker):
    """A worker that after every turn lets a plain loop take as many steps, and counts the CPU time of both."""

    def __init__(self, pipe: Connection, plain: Trainer) -> None:
        super().__init__(pipe, Limits())
        self.plain = plain
        self.live_steps: list[float] = []
        self.plain_steps = _timed(plain)
        self.live_seconds = 0.0

    def compare(self, spec: JobSpec) -> float:
        """Run both to the last step; returns how much more CPU time a live step takes, in percent."""
        self._start(OWNER, OWNER, spec, False, "running")
        if OWNER not in self.tasks:
            raise LabError("The training did not start.")
        task = self.tasks[OWNER]
        self.live_steps = _timed(task.trainer)
        self._mark = time.thread_time()
        while task.state == "running":
            while self.pipe.poll(0):
                self._handle(self.pipe.recv())
            self._turn(task)
        if task.sentence is not None:
            raise LabError(task.sentence)
        beside = self.live_seconds / sum(self.live_steps)
        slower = statistics.median(self.live_steps) / statistics.median(self.plain_steps)
        return 100 * (beside * slower - 1)

    def _step(self, task: Task) -> None:
        super()._step(task)
        if task.trainer.step_number >= task.trainer.planned:
            task.state = "paused"  # the measurement of the end belongs to neither loop

    def _turn(self, task: Task) -> None:
        super()._turn(task)
        self.live_seconds += time.thread_time() - self._mark
        while self.plain.step_number < task.trainer.step_number:
            self.plain.step()
        self._mark = time.thread_time()


def _timed(trainer: Trainer) -> list[float]:
    """From now on the trainer notes the CPU seconds of each learning step in the list."""
    seconds: list[float] = []
    step = trainer.step

    def timed() -> list[Progress]:
        before, begin = trainer.step_number, time.thread_time()
        events = step()
        if trainer.step_number > before:
            seconds.append(time.thread_time() - begin)
        return events

    trainer.step = timed  # type: ignore[method-assign]
    return seconds


def live_cost(
    runs: int = 3, presets: Sequence[str] = ("mlp", "transformer"), steps: int | None = None, corpus: str = "names"
) -> list[Row]:
    """What it costs a training to be watched: CPU time a learning step, live against plain, in percent.

    Live is the worker's own loop: validation, probes, looking at its pipe, reports through it to somebody who
    reads them, checkpoints. Plain is `Trainer.step` alone with `validate=False`. Both begin with equal weights,
    train on one thread, and take turns in one process: after every turn of the worker (about 100 ms) the plain loop
    takes as many steps, so both live through the same minute of a noisy machine. CPU time is that of the one
    thread that does all of this (`time.thread_time`), so other programs and the reader of the pipe stay out of it;
    on an undisturbed core a ratio of CPU times is the ratio of steps a second.

    The cost is the product of two ratios: all CPU time of the live loop to that of its own learning steps (what
    is done beside learning), and its median learning step to the plain loop's (whether learning itself became
    slower, by colder caches for instance). Dividing the two sums instead would measure the same, but a neighbour on
    the machine sways it by several percent. The loss at the end, which every training measures, is not counted.
    Each run is one whole training of each kind.
    """
    loaded = load_corpus(corpus)
    rows = []
    for name in presets:
        chosen = preset(name)
        recipe = replace(chosen.recipe, threads=1, steps=steps or chosen.recipe.steps)
        costs = []
        for _ in range(runs):
            network = build(chosen.model, chosen.options, 1 + len(loaded.alphabet), recipe.seed)
            plain = Trainer(network, loaded, replace(recipe, validate=False))
            theirs, ours = Pipe()
            reader = threading.Thread(target=_read_all, args=(theirs,), daemon=True)
            reader.start()
            try:
                costs.append(
                    _SideBySide(ours, plain).compare(JobSpec(chosen.model, chosen.options, recipe, corpus=corpus))
                )
            finally:
                ours.close()
                reader.join(5)
                theirs.close()
        what = f"CPU time that watching adds to a learning step of the default {name}, in percent"
        rows.append(Row(f"live-cost-{name}", what, "%", statistics.median(costs), 5.0, tuple(costs)))
    return rows


def _read_all(pipe: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.recv()


def _spec(name: str) -> JobSpec:
    chosen = preset(name)
    return JobSpec(chosen.model, chosen.options, chosen.recipe)


@contextlib.contextmanager
def _jobs() -> Iterator[LocalJobs]:
    """Warm workers, one a core, that end with the measurement."""
    jobs = LocalJobs()
    try:
        if not jobs.wait_until_warm(120):
            raise LabError("The workers were not ready after two minutes.")
        yield jobs
    finally:
        jobs.close()
