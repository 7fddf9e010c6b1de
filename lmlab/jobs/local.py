"""Jobs on this machine: one worker process a core, plain pipes, no broker and no database. Needs no torch.

The web process holds a record of each training and a thread that listens to each worker. A worker that dies
is started again and its trainings go on from their last checkpoints.
"""

import asyncio
import concurrent.futures
import itertools
import multiprocessing
import os
import queue
import secrets
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from lmlab import strings
from lmlab.errors import LabError, sentence_of
from lmlab.jobs.messages import Command, JobId, JobSpec, Limits, RunId, Snapshot, Status, Wanted
from lmlab.runs.cards import find_run, home, new_run_id, tidy_old
from lmlab.strings import t

MOST_DEATHS = 2  # a training that takes its worker down twice is not started again
LONGEST_ARGUMENT = 10_000  # characters of a text in a question
MOST_ASKED = 24
"""Questions of one visitor that may wait for an answer at once: more than a page ever asks."""
FETCHES = ("fetch",)
MOST_SLOW_ASKED = 1
MOST_SLOW = 4
"""Questions that fetch something from elsewhere: so many of one visitor, and of everybody."""
TIDY_EVERY = 3600.0
LEFT_ALONE = 5.0  # seconds after which a paused training that no page asks for gives its owner room for another
FORGET_AFTER = 600.0  # seconds a finished training's record stays when nobody asks
OVER = ("done", "failed")


def cores() -> int:
    """How many cores this process may use; `CPU_CORES` is what a Space says it has."""
    if os.environ.get("CPU_CORES", "").isdigit():
        return max(1, int(os.environ["CPU_CORES"]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _enter_worker(pipe: Connection, limits: Limits) -> None:
    from lmlab.jobs.worker import main  # here, so that the web process never imports torch

    main(pipe, limits)


@dataclass
class Record:
    """What the web process knows of one training."""

    job: JobId
    owner: str
    spec: JobSpec
    status: Status = field(default_factory=Status)
    symbols: Sequence[str] = ()
    events: list[tuple[str, Any]] = field(default_factory=list)
    first_seq: int = 0
    """Number of the first event held; it jumps when the events begin anew after a worker died."""
    sha256: str = ""
    worker: int | None = None
    wanted: Wanted = "running"
    """What the owner asked for last; a new worker takes the training up in this state."""
    deaths: int = 0
    started: bool = False
    asleep: bool = False
    """Paused because nobody watched."""
    rested: float | None = None
    """Since when it is paused."""
    watched: float = field(default_factory=time.monotonic)


@dataclass
class Asked:
    """A question that a worker has yet to answer, and whose it is."""

    future: concurrent.futures.Future[Any]
    owner: str
    name: str


@dataclass
class Seat:
    """One worker process, its pipe, and the calls it has yet to answer."""

    process: BaseProcess
    pipe: Connection
    calls: dict[int, Asked] = field(default_factory=dict)
    ready: threading.Event = field(default_factory=threading.Event)
    outbox: queue.SimpleQueue[tuple[Any, ...]] = field(default_factory=queue.SimpleQueue)

    def send(self, message: tuple[Any, ...]) -> None:
        """Hand a message over; never waits. A pipe may be full while its worker computes, and whoever waited for
        it here would be the web process itself."""
        self.outbox.put(message)

    def deliver(self) -> None:
        """Send what is handed over, in order, until the worker is gone; runs in a thread of its own."""
        while True:
            try:
                self.pipe.send(self.outbox.get())
            except OSError:  # the thread that listens notices, too, and starts another worker
                return


class LocalJobs:
    """The job service of one machine. Thread-safe; see `lmlab.jobs.messages.Jobs` for the interface."""

    def __init__(self, workers: int | None = None, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._records: dict[JobId, Record] = {}
        self._lock = threading.RLock()
        self._numbers = itertools.count()
        self._closed = threading.Event()
        tidy_old(self.limits.days)
        self._seats = [self._spawn(i) for i in range(workers or cores())]
        threading.Thread(target=self._watch, name="jobs-watch", daemon=True).start()

    # --- the interface --------------------------------------------------------------------------------

    def submit(self, spec: JobSpec, owner: str) -> JobId:
        """Start a training, or put it in line. Raises `LabError` when a cap is reached."""
        _known(owner)
        if spec.recipe.steps is not None and spec.recipe.steps > self.limits.steps:
            raise LabError(t("error.steps_limit", n=spec.recipe.steps, most=self.limits.steps))
        if spec.recipe.seconds is not None and spec.recipe.seconds > self.limits.seconds:
            raise LabError(t("error.seconds_limit", n=spec.recipe.seconds, most=self.limits.seconds))
        with self._lock:
            mine = [record for record in self._active() if record.owner == owner and record.wanted != "finishing"]
            left = [record for record in mine if _rests(record) and time.monotonic() - record.watched > LEFT_ALONE]
            if len(mine) >= self.limits.jobs_per_owner and left:  # kept as it is: nobody looks at it
                self._abandon(min(left, key=lambda record: record.watched))
            elif len(mine) >= self.limits.jobs_per_owner:
                raise LabError(t("error.own_trainings", n=len(mine)))
            resting = [record for record in self._active() if _rests(record)]
            if len(self._active()) - len(resting) >= self.limits.jobs:
                raise LabError(t("error.full", n=self.limits.jobs))
            if len(resting) >= self.limits.paused:  # the one that was left alone the longest makes room
                self._abandon(min(resting, key=lambda record: record.watched))
            job = new_run_id()
            while job in self._records:
                job = new_run_id()
            self._records[job] = Record(job, owner, spec, wanted="paused" if spec.first else "running")
            self._fill()
            return job

    def poll(self, job: JobId, owner: str, since: int = 0) -> Snapshot:
        """What happened to a job after event number `since`."""
        with self._lock:
            record = self._record(job, owner)
            record.watched = time.monotonic()
            if record.asleep:
                record.asleep = False
                self._wake(record)
            last = record.first_seq + len(record.events)
            reset = not record.first_seq <= since <= last
            begin = 0 if reset else since - record.first_seq
            waiting = [other.job for other in self._records.values() if other.worker is None and not _over(other)]
            place = waiting.index(job) + 1 if job in waiting else 0
            return Snapshot(
                job,
                last,
                reset or since == 0,
                record.status,
                place,
                record.spec,
                record.symbols,
                record.sha256,
                record.events[begin:],
            )

    def command(self, job: JobId, owner: str, command: Command, steps: int = 1) -> None:
        """Pause, resume, take `steps` steps and pause, or stop and keep what was learned."""
        if command not in ("pause", "resume", "step", "stop", "discard"):
            raise LabError(f"There is no command '{command}'.")
        if not 1 <= steps <= self.limits.steps:
            raise LabError(t("error.steps_range", n=steps, most=self.limits.steps))
        with self._lock:
            record = self._record(job, owner)
            record.watched, record.asleep = time.monotonic(), False
            if _over(record):
                return
            wanted: dict[Command, Wanted] = {"resume": "running", "stop": "finishing", "discard": "finishing"}
            record.wanted = wanted.get(command, "paused")
            if record.worker is not None:
                if command in ("resume", "step") and record.status.state == "paused":
                    record.status = replace(record.status, state="running")  # the page need not wait to hear it
                self._tell(record, command, steps)
            elif command in ("stop", "discard"):
                self._end(record, Status("failed", sentence=t("error.before_it_began")))
            elif command == "step":
                record.spec = replace(record.spec, first=steps)

    async def call(
        self, model: JobId | RunId | None, owner: str, name: str, args: dict[str, Any], timeout: float = 30.0
    ) -> Any:
        """Ask about a corpus (`model=None`), a running job or a finished run; see `lmlab.jobs.calls`."""
        future = self._ask(model, owner, name, args, timeout)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout)
        except WorkerStopped:
            raise LabError(t("error.worker_stopped")) from None
        except TimeoutError:
            raise LabError(t("error.too_slow", seconds=timeout)) from None

    def call_and_wait(
        self, model: JobId | RunId | None, owner: str, name: str, args: dict[str, Any], timeout: float = 60.0
    ) -> Any:
        """The same for code without an event loop."""
        try:
            return self._ask(model, owner, name, args, timeout).result(timeout)
        except WorkerStopped:
            raise LabError(t("error.worker_stopped")) from None
        except concurrent.futures.TimeoutError:
            raise LabError(t("error.too_slow", seconds=timeout)) from None

    def jobs_of(self, owner: str) -> list[JobId]:
        """The owner's trainings that are not over, oldest first."""
        with self._lock:
            return [record.job for record in self._active() if record.owner == owner]

    def wait_until_warm(self, timeout: float = 60.0) -> bool:
        """Wait until every worker is ready to train."""
        return all(seat.ready.wait(timeout) for seat in self._seats)

    def processes(self) -> list[BaseProcess]:
        """The worker processes, for tests and benchmarks."""
        return [seat.process for seat in self._seats]

    def close(self) -> None:
        """End the workers."""
        self._closed.set()
        for seat in self._seats:
            seat.process.terminate()
        for seat in self._seats:
            seat.process.join(5)

    # --- the records ----------------------------------------------------------------------------------

    def _active(self) -> list[Record]:
        return [record for record in self._records.values() if not _over(record)]

    def _record(self, job: JobId, owner: str) -> Record:
        record = self._records.get(job)
        if record is None or not secrets.compare_digest(record.owner.encode(), owner.encode()):
            raise LabError(t("error.no_training", job=str(job)[:64]))
        return record

    def _fill(self) -> None:
        """Give waiting trainings to the workers that have the fewest."""
        for record in self._records.values():
            if record.worker is not None or _over(record):
                continue
            busy = [other.worker for other in self._active() if other.status.state != "paused"]
            load = [busy.count(i) for i in range(len(self._seats))]
            seat = min(range(len(load)), key=load.__getitem__)
            if load[seat] >= self.limits.running_per_worker:
                return
            record.worker = seat
            record.status = replace(record.status, state="running")
            self._seats[seat].send(("start", record.job, record.owner, record.spec, record.started, record.wanted))

    def _wake(self, record: Record) -> None:
        if record.worker is not None and record.wanted == "running":
            record.status = replace(record.status, state="running")
            self._tell(record, "resume")

    def _tell(self, record: Record, command: Command, steps: int = 1) -> None:
        if record.worker is not None:
            self._seats[record.worker].send((command, record.job, steps))

    def _end(self, record: Record, status: Status) -> None:
        record.status = status
        record.worker = None
        record.watched = time.monotonic()
        shutil.rmtree(home() / "jobs" / record.job, ignore_errors=True)
        self._fill()

    def _ask(
        self, model: JobId | RunId | None, owner: str, name: str, args: dict[str, Any], timeout: float = 60.0
    ) -> concurrent.futures.Future[Any]:
        _known(owner)
        for key, value in args.items():
            if isinstance(value, str) and len(value) > LONGEST_ARGUMENT:
                raise LabError(t("error.long_argument", name=key, length=len(value), most=LONGEST_ARGUMENT))
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        with self._lock:
            self._check_asked(owner, name)
            target: tuple[str, str] | None = None
            record = self._records.get(model) if model else None
            if record is not None and not _over(record):
                self._record(record.job, owner)
                if record.worker is None:
                    raise LabError(t("error.waits", job=record.job))
                seat = self._seats[record.worker]
                target = ("job", record.job)
            else:
                if model is not None:
                    target = ("run", str(find_run(model, owner)))
                seat = min(self._seats, key=self._load)
            number = next(self._numbers)
            seat.calls[number] = Asked(future, owner, name)
            # A worker passes over what nobody waits for any more; one machine, so one clock.
            seat.send(("call", number, target, name, args, strings.language(), time.time() + timeout + 1))
        return future

    def _check_asked(self, owner: str, name: str) -> None:
        """Raise `LabError` where a visitor has more questions under way than any page asks."""
        waiting = [asked for seat in self._seats for asked in seat.calls.values()]
        mine = [asked for asked in waiting if asked.owner == owner]
        if len(mine) >= MOST_ASKED:
            raise LabError(t("error.own_questions", n=len(mine)))
        if name in FETCHES:
            slow = [asked for asked in waiting if asked.name in FETCHES]
            if len(slow) >= MOST_SLOW or sum(asked.owner == owner for asked in slow) >= MOST_SLOW_ASKED:
                raise LabError(t("error.fetching"))

    def _load(self, seat: Seat) -> tuple[int, int]:
        index = self._seats.index(seat)
        return len(seat.calls), sum(record.worker == index for record in self._active())

    # --- the workers ----------------------------------------------------------------------------------

    def _spawn(self, index: int) -> Seat:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_enter_worker, args=(theirs, self.limits), name=f"lmlab-worker-{index}", daemon=True
        )
        process.start()
        theirs.close()
        seat = Seat(process, ours)
        threading.Thread(target=seat.deliver, name=f"jobs-{index}-out", daemon=True).start()
        threading.Thread(target=self._listen, args=(index, seat), name=f"jobs-{index}", daemon=True).start()
        return seat

    def _listen(self, index: int, seat: Seat) -> None:
        while True:
            try:
                message = seat.pipe.recv()
            except (EOFError, OSError):
                break
            with self._lock:
                try:
                    self._hear(seat, message)
                except Exception as error:  # this thread is the only one that listens: it must go on
                    sentence_of(error)
        if not self._closed.is_set():
            self._revive(index, seat)

    def _hear(self, seat: Seat, message: tuple[Any, ...]) -> None:
        kind, *rest = message
        if kind == "ready":
            seat.ready.set()
        elif kind == "answer":
            number, good, value = rest
            asked = seat.calls.pop(number, None)
            if asked is None or not asked.future.set_running_or_notify_cancel():
                return
            future = asked.future
            if good:
                future.set_result(value)
            else:
                future.set_exception(LabError(value))
        elif kind == "started":
            job, symbols, sha256, status = rest
            record = self._records.get(job)
            if record is not None:
                record.symbols, record.sha256 = symbols, sha256
                record.status, record.started = status, True
        elif kind == "report":
            job, events, status = rest
            record = self._records.get(job)
            if record is not None and not _over(record):
                record.events += events
                record.status = status
                if status.state in OVER:
                    self._end(record, status)
                elif status.state == "paused":
                    self._fill()  # a paused training gives its place to one that waits

    def _revive(self, index: int, seat: Seat) -> None:
        """A worker died: answer its callers, start another one, and let its trainings go on."""
        seat.process.join(5)
        with self._lock:
            for future in (asked.future for asked in seat.calls.values()):
                if future.set_running_or_notify_cancel():
                    future.set_exception(WorkerStopped(t("error.worker_stopped")))
            seat.calls.clear()
            seat.send(("end",))  # wakes the thread that delivers to the dead worker, so that it ends
            self._seats[index] = self._spawn(index)
            for record in self._active():
                if record.worker != index:
                    continue
                record.deaths += record.status.state in ("running", "finishing")  # a paused one is no suspect
                if record.deaths >= MOST_DEATHS:
                    sentence = _in_its_language(record, "error.worker_twice")
                    self._end(record, replace(record.status, state="failed", sentence=sentence))
                else:
                    # The new worker begins at the checkpoint, so the events begin anew, under new numbers.
                    record.first_seq += len(record.events) + 1
                    record.events, record.worker = [], None
            self._fill()

    def _watch(self) -> None:
        """Put trainings that nobody watches to sleep, end them later, and forget what is over."""
        tidied = time.monotonic()
        while not self._closed.wait(1.0):
            now = time.monotonic()
            if now - tidied > TIDY_EVERY:
                tidied = now
                tidy_old(self.limits.days)
            with self._lock:
                for record in list(self._records.values()):
                    alone = now - record.watched
                    if _over(record):
                        if alone > FORGET_AFTER:
                            del self._records[record.job]
                        continue
                    record.rested = (record.rested or now) if _rests(record) else None
                    if alone > self.limits.unwatched_end or (
                        record.rested is not None and now - record.rested > self.limits.paused_end
                    ):
                        self._abandon(record)
                    elif (
                        alone > self.limits.unwatched_pause and record.status.state == "running" and not record.asleep
                    ):
                        record.asleep = True
                        self._tell(record, "pause")

    def _abandon(self, record: Record) -> None:
        if record.worker is None:
            self._end(record, Status("failed", sentence=_in_its_language(record, "error.nobody_waited")))
        elif record.status.state in ("running", "paused"):
            record.wanted = "finishing"
            self._tell(record, "stop")


class WorkerStopped(LabError):
    """The worker died in the middle of a question; whoever asked says so in their language."""


def _in_its_language(record: Record, name: str) -> str:
    """A sentence for a training's status, where no page asks for it."""
    with strings.speaking(record.spec.language):
        return t(name)


def _over(record: Record) -> bool:
    return record.status.state in OVER


def _rests(record: Record) -> bool:
    """Whether it is paused, by its owner or because nobody watched."""
    return record.status.state == "paused"


def _known(owner: str) -> None:
    """Refuse an empty owner: a page that has lost its visitor would share models with every other such page."""
    if not owner:
        raise LabError(t("error.nobody"))
