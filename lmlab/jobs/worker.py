"""A worker process: shares one core between its trainings and answers calls between their steps.

Each turn goes to the training that has used the least computing time, for at most about 100 ms, and the pipe is
looked at after every step.
"""

import math
import os
import signal
import threading
import time
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from lmlab import strings
from lmlab.errors import LabError, sentence_of
from lmlab.jobs.calls import ABOUT_A_CORPUS, ABOUT_A_MODEL, SLOW, Shelf, plain
from lmlab.jobs.messages import JobSpec, Limits, State, Status, Wanted
from lmlab.models.build import build
from lmlab.models.protocol import LONG_DOCUMENT
from lmlab.runs.cards import home, owner_folder, tidy
from lmlab.runs.moments import Moments, at_moment, load_moments, no_moment
from lmlab.runs.store import Run, load_checkpoint, save_checkpoint, save_run, trained_card
from lmlab.strings import t
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import Progress, Trainer

TURN = 0.1  # seconds of computing before another training has its turn
REPORT = 0.1  # seconds between two reports of a training
CHECKPOINT = 5.0  # seconds of computing between two checkpoints


@dataclass
class Task:
    """One training in this worker."""

    job: str
    owner: str
    spec: JobSpec
    trainer: Trainer
    parameters: int
    moments: Moments
    state: State = "running"
    steps_left: int | None = None
    """Pause after so many more steps; None = run on."""
    used: float = 0.0
    sent: int = 0
    reported: float = 0.0
    saved: float = 0.0
    steps_timed: int = 0
    seconds_timed: float = 0.0
    sentence: str | None = None
    events: list[tuple[str, Any]] | None = None

    def status(self) -> Status:
        """What the page shows."""
        speed = self.steps_timed / self.seconds_timed if self.seconds_timed else 0.0
        trainer = self.trainer
        return Status(
            self.state, trainer.step_number, trainer.planned, trainer.seconds, speed, self.parameters, self.sentence
        )


class Worker:
    """The loop of one worker process."""

    def __init__(self, pipe: Connection, limits: Limits) -> None:
        self.pipe, self.limits = pipe, limits
        self.shelf = Shelf()
        self._sending = threading.Lock()
        self.tasks: dict[str, Task] = {}

    def run(self) -> None:
        """Serve until the pipe closes."""
        while True:
            runnable = [task for task in self.tasks.values() if task.state in ("running", "finishing")]
            while self.pipe.poll(None if not runnable else 0):
                self._handle(self.pipe.recv())
                runnable = [task for task in self.tasks.values() if task.state in ("running", "finishing")]
            task = min(runnable, key=lambda task: task.used)
            self._turn(task)

    def _send(self, message: tuple[Any, ...]) -> None:
        with self._sending:
            self.pipe.send(message)

    # --- trainings ------------------------------------------------------------------------------------

    def _turn(self, task: Task) -> None:
        begin = time.perf_counter()
        with strings.speaking(task.spec.language):
            try:
                while task.state in ("running", "finishing"):
                    self._step(task)
                    if time.perf_counter() - begin > TURN or self.pipe.poll(0):
                        break
            except Exception as error:
                self._fail(task, error)
        task.used += time.perf_counter() - begin
        if task.job in self.tasks and time.perf_counter() - task.reported > REPORT:
            self._report(task)

    def _step(self, task: Task) -> None:
        trainer = task.trainer
        begin, before = time.perf_counter(), trainer.step_number
        for progress in trainer.step():
            self._note(task, progress)
        if trainer.step_number > before:
            task.steps_timed += 1
            task.seconds_timed += time.perf_counter() - begin
            self._keep_moment(task)
            if task.steps_left is not None:
                task.steps_left -= 1
                if task.steps_left <= 0 and trainer.step_number < trainer.planned:
                    self._pause(task)
        if trainer.finished:
            self._finish(task)
        elif trainer.seconds > self.limits.seconds and task.state == "running":
            task.sentence = t("error.time_is_up", seconds=self.limits.seconds)
            self._stop(task)
        elif trainer.seconds - task.saved > CHECKPOINT:
            task.saved = trainer.seconds
            save_checkpoint(checkpoint_folder(task.job), trainer, task.moments)

    def _keep_moment(self, task: Task) -> None:
        if task.moments.take(task.trainer.step_number, task.trainer.model):
            self._add(task, "moment", task.trainer.step_number)

    def _note(self, task: Task, progress: Progress) -> None:
        if progress.kind in ("validation", "train"):
            self._add(task, progress.kind, [progress.step, progress.loss])
        elif progress.kind in ("embedding", "names"):
            self._add(task, progress.kind, progress.data)
        elif progress.kind == "diverged":
            task.sentence = progress.data["sentence"]

    def _add(self, task: Task, kind: str, value: Any) -> None:
        task.events = task.events or []
        task.events.append((kind, value))

    def _report(self, task: Task) -> None:
        """Send what is new: the points of the batch curve and whatever else happened."""
        points = task.trainer.history["batch"]
        events = [("batch", point) for point in points[task.sent :]] + (task.events or [])
        task.sent, task.events, task.reported = len(points), None, time.perf_counter()
        self._send(("report", task.job, events, task.status()))

    def _pause(self, task: Task) -> None:
        if task.state == "running":
            task.state, task.steps_left = "paused", None
            task.trainer.flush()
            save_checkpoint(checkpoint_folder(task.job), task.trainer, task.moments)
            self._report(task)

    def _stop(self, task: Task) -> None:
        task.trainer.stop()
        task.state, task.steps_left = "finishing", None

    def _finish(self, task: Task) -> None:
        task.trainer.flush()
        card = trained_card(task.trainer, task.spec.model, task.job)
        card["corpus"]["source"] = task.spec.corpus
        card["parent"] = task.spec.parent
        save_run(owner_folder(task.owner) / task.job, task.trainer.model, card, task.moments)
        tidy(task.owner, self.limits.runs_per_owner)
        task.state = "done"
        self._report(task)
        del self.tasks[task.job]

    def _fail(self, task: Task, error: Exception) -> None:
        task.state, task.sentence = "failed", sentence_of(error)
        self._report(task)
        self.tasks.pop(task.job, None)

    def _start(self, job: str, owner: str, spec: JobSpec, resume: bool, wanted: Wanted) -> None:
        try:
            corpus = self.shelf.corpus(spec.corpus, spec.corpus_name)
            recipe = replace(spec.recipe, threads=1)
            model = build(spec.model, spec.options, 1 + len(corpus.alphabet), recipe.seed)
            parameters = sum(weight.numel() for weight in model.parameters())
            block: Any = model.block_size
            tokens = min(corpus.longest + 1, block or LONG_DOCUMENT)
            check_size(parameters, spec.options, recipe, tokens, self.limits)
            trainer = Trainer(model, corpus, recipe)
            if recipe.seconds is not None and trainer.planned > self.limits.steps:  # as much as is allowed
                model = build(spec.model, spec.options, 1 + len(corpus.alphabet), recipe.seed)
                trainer = Trainer(model, corpus, replace(recipe, seconds=None, steps=self.limits.steps))
            moments = Moments(trainer.scheduled, parameters)
            if resume and (checkpoint_folder(job) / "checkpoint.json").is_file():
                load_checkpoint(checkpoint_folder(job), trainer)
                moments.weights = load_moments(checkpoint_folder(job))
            if trainer.planned > self.limits.steps:
                raise LabError(t("error.planned", n=trainer.planned, most=self.limits.steps))
            task = Task(job, owner, spec, trainer, parameters, moments, steps_left=None if resume else spec.first)
            task.used = min((other.used for other in self.tasks.values()), default=0.0)
            task.saved = trainer.seconds
            for kind in ("validation", "embedding", "names"):
                for value in trainer.history[kind]:
                    self._add(task, kind, value)
            for step in moments.steps:
                self._add(task, "moment", step)
            self._keep_moment(task)
            self.tasks[job] = task
            symbols = CharacterTokenizer(corpus.alphabet).symbols
            if wanted == "finishing":
                self._stop(task)
            elif wanted == "paused" and task.steps_left is None:
                task.state = "paused"
            self._send(("started", job, symbols, corpus.sha256, task.status()))
        except Exception as error:
            self._send(("report", job, [], Status("failed", sentence=sentence_of(error))))

    # --- messages -------------------------------------------------------------------------------------

    def _handle(self, message: tuple[Any, ...]) -> None:
        kind, *rest = message
        if kind == "start":
            with strings.speaking(rest[2].language):
                self._start(*rest)
        elif kind == "call":
            self._answer(*rest)
        elif kind in ("pause", "resume", "step", "stop", "discard"):
            job, steps = rest
            task = self.tasks.get(job)
            if task is None:
                return
            if kind == "pause":
                self._pause(task)
            elif kind == "stop":
                if task.state != "finishing":  # pressed again: the last measurement goes on
                    self._stop(task)
            elif kind == "discard":
                task.state, task.sentence = "failed", t("error.started_again")
                del self.tasks[job]
            elif task.state in ("running", "paused"):
                task.state, task.steps_left = "running", steps if kind == "step" else None
                task.used = min(other.used for other in self.tasks.values())
            self._report(task)

    def _answer(
        self,
        call: int,
        model: tuple[str, str] | None,
        name: str,
        args: dict[str, Any],
        language: str = "en",
        until: float = math.inf,
    ) -> None:
        """Answer a question, in the language of the page that asks it; after the time `until` nobody waits for it."""
        if time.time() > until:  # the page has been told already; this only ends the waiting
            self._send(("answer", call, False, t("error.worker_stopped")))
            return
        if name in SLOW and threading.current_thread() is threading.main_thread():
            threading.Thread(target=self._answer, args=(call, None, name, args, language, until), daemon=True).start()
            return
        with strings.speaking(language):
            self._say(call, model, name, args)

    def _say(self, call: int, model: tuple[str, str] | None, name: str, args: dict[str, Any]) -> None:
        """Send the answer. A question about a model may say `step`: then it is about the model as it was then."""
        try:
            if name in SLOW:
                value = SLOW[name](self.shelf, **args)
            elif model is None:
                if name not in ABOUT_A_CORPUS:
                    raise LabError(f"There is no question '{name}' about a corpus.")
                value = ABOUT_A_CORPUS[name](self.shelf, **args)
            else:
                if name not in ABOUT_A_MODEL:
                    raise LabError(f"There is no question '{name}' about a model.")
                step = args.pop("step", None)
                value = ABOUT_A_MODEL[name](self.shelf, self._model(*model, step), **args)
            self._send(("answer", call, True, plain(value)))
        except Exception as error:
            self._send(("answer", call, False, sentence_of(error)))

    def _model(self, kind: str, where: str, step: Any) -> Run:
        if step is not None and (not isinstance(step, int) or isinstance(step, bool)):
            raise LabError(t("error.whole_step"))
        if kind == "run":
            return self.shelf.run(where) if step is None else self.shelf.run_at(where, step)
        if where not in self.tasks:
            raise LabError(t("error.just_ended"))
        task = self.tasks[where]
        model = task.trainer.model
        if step is not None and step != task.trainer.step_number:
            if step not in task.moments.weights:
                raise no_moment(step, task.moments.steps)
            model = at_moment(model, task.moments.weights[step])
        card = {"recipe": asdict(task.trainer.recipe), "steps": task.trainer.step_number if step is None else step}
        return Run(model.eval(), task.trainer.tokenizer, card)  # type: ignore[arg-type]


def checkpoint_folder(job: str) -> Path:
    """Where a running job keeps what it needs to survive the death of its worker."""
    return home() / "jobs" / job / "checkpoint"


def check_size(parameters: int, options: dict[str, Any], recipe: Recipe, tokens: int, limits: Limits) -> None:
    """Refuse a step that would keep the core or its memory from everyone else.

    6 operations a parameter and token; and for each block and head a weight from every token to every token, of
    which a step keeps about three.
    """
    attention = options.get("n_layer", 0) * options.get("n_head", 0) * recipe.batch_size * tokens**2
    if 3 * attention > limits.attention_numbers:
        raise LabError(t("error.attention", n=3 * attention / 1e6, most=limits.attention_numbers / 1e6))
    operations = 6.0 * parameters * recipe.batch_size * tokens
    if operations > limits.step_operations:
        raise LabError(t("error.operations", n=operations / 1e9, most=limits.step_operations / 1e9))


def warm_up(shelf: Shelf) -> None:
    """Do once what is slow the first time: read the names, build a model, let every optimiser step."""
    corpus = shelf.corpus("names")
    for optimizer in ("muon", "adamw", "sgd"):
        model = build("transformer", {"d_model": 8, "n_layer": 1, "n_head": 1}, 1 + len(corpus.alphabet))
        trainer = Trainer(model, corpus, Recipe(steps=2, optimizer=optimizer, batch_size=4))
        while trainer.step_number < 1:
            trainer.step()


def main(pipe: Connection, limits: Limits) -> None:
    """Entry point of the process: one thread, polite to the web process, deaf to Ctrl-C (the parent ends us)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)
    torch.set_num_threads(1)
    worker = Worker(pipe, limits)
    try:
        warm_up(worker.shelf)
        pipe.send(("ready",))
        worker.run()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the web process has gone, and so do we
