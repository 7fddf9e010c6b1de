"""Benchmarks: how fast lmlab is on this machine, against its targets. `python -m lmlab bench` prints them.

One function a measurement; its docstring says what is measured and how. Each returns rows; a row's value is the
median of its runs unless its sentence says otherwise. A figure that cannot be measured here has no value and a note
that says why. A missed target is a result like any other.
"""

import contextlib
import importlib.metadata
import importlib.util
import math
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lmlab.data.corpus import Corpus, load_corpus
from lmlab.errors import LabError
from lmlab.evaluation.loss import evaluate
from lmlab.jobs.local import OVER, LocalJobs, cores
from lmlab.jobs.messages import JobSpec, Limits
from lmlab.jobs.worker import Task, Worker
from lmlab.models.build import build
from lmlab.models.counts import count_ngrams
from lmlab.models.ngram import Ngram, NgramConfig, count
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.training.presets import preset
from lmlab.training.trainer import Progress, Trainer

OWNER = "bench"
MOST_THREADS = 64
SETTLE = 5.0  # seconds between the app's first page and the look at its memory


@dataclass(frozen=True)
class Machine:
    """Where the figures come from: without it they mean nothing."""

    cpu: str
    cores: int
    system: str
    python: str
    torch: str
    numpy: str


@dataclass(frozen=True)
class Row:
    """One figure. `value` and `target` are in `unit`; the target is the most that the value may be.

    >>> Row("load", "Load the names", "s", 0.1, target=0.3).met
    True
    >>> Row("peer", "A ratio without a target", "x", 3.0).met is None
    True
    """

    name: str
    what: str
    unit: str
    value: float | None
    target: float | None = None
    runs: tuple[float, ...] = ()
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target or a value."""
        return None if self.value is None or self.target is None else self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        """Plain data for `bench --json`."""
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "value": self.value,
            "target": self.target,
            "met": self.met,
            "runs": list(self.runs),
            "note": self.note,
        }


def machine() -> Machine:
    """The processor, the cores this process may use, and the versions that matter."""
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    versions = (importlib.metadata.version(package) for package in ("torch", "numpy"))
    return Machine(cpu, cores(), platform.platform(terse=True), platform.python_version(), *versions)


def run(only: Sequence[str] = (), tell: Callable[[str], object] = lambda name: None) -> list[Row]:
    """Measure everything, or what is named, in the order of `BENCHES`; `tell` hears each name before it begins.

    >>> [row.unit for row in run(["bigrams"])]
    ['ms']
    """
    rows: list[Row] = []
    for name, measurement in BENCHES.items():
        if only and name not in only:
            continue
        tell(name)
        with _home_of_its_own():
            rows += measurement()
    return rows


# --- counting ---------------------------------------------------------------------------------------------


def bigrams(runs: int = 9) -> list[Row]:
    """Count all bigrams of all names, from the loaded documents to a model that answers with probabilities.

    All documents count here, the held-out ones too. The first run is not used.
    """
    corpus = load_corpus("names")
    times = _milliseconds(lambda: _bigram_model(corpus), runs)
    what = f"Count all bigrams of the {len(corpus.texts):,} loaded names"
    return [Row("bigrams", what, "ms", statistics.median(times), 20.0, times)]


def kneser_ney(runs: int = 5) -> list[Row]:
    """Count a Kneser-Ney model of order 5 on the training names and take its loss on the validation names.

    The first run is not used.
    """
    corpus = load_corpus("names")
    tokenizer = CharacterTokenizer(corpus.alphabet)

    def work() -> None:
        model = count(corpus, 5, "kneser-ney", tokenizer=tokenizer)
        evaluate(model, corpus.part("validation"), tokenizer)

    times = tuple(each / 1000 for each in _milliseconds(work, runs))
    what = "Count Kneser-Ney of order 5 on names and measure its validation loss"
    return [Row("kneser-ney", what, "s", statistics.median(times), 0.3, times)]


def peer(runs: int = 3) -> list[Row]:
    """The same bigrams counted by `nltk.lm` (maximum likelihood, order 2), as a multiple of our time.

    Both read the same list of strings in memory, pad it with marks, and count single tokens and pairs. The two
    alternate; each run is the ratio of a pair, so above 1 means that lmlab is faster.
    """
    what = "Time of nltk.lm for the same bigrams, as a multiple of lmlab's"
    if importlib.util.find_spec("nltk") is None:
        return [Row("peer", what, "x", None, note="Peer not installed: pip install nltk, then run this again.")]
    from nltk.lm import MLE
    from nltk.lm.preprocessing import padded_everygram_pipeline

    corpus = load_corpus("names")

    def theirs() -> Any:
        grams, vocabulary = padded_everygram_pipeline(2, corpus.texts)
        model = MLE(2)
        model.fit(grams, vocabulary)
        return model

    tokenizer = CharacterTokenizer(corpus.alphabet)
    a, b = tokenizer.encode("an")
    same = theirs().counts[["a"]]["n"] == int(_bigram_model(corpus).table()[a, b])
    ratios = []
    for _ in range(runs):
        ours = statistics.median(_milliseconds(lambda: _bigram_model(corpus), 3))
        ratios.append(_milliseconds(theirs, 1, warm_up=False)[0] / ours)
    note = "" if same else "The two count the pair 'an' differently, so the ratio compares different work."
    return [Row("peer", what, "x", statistics.median(ratios), None, tuple(ratios), note)]


def load(runs: int = 5) -> list[Row]:
    """Read, clean, deduplicate and split the bundled names. The first run is not used, so the file is cached."""
    times = tuple(each / 1000 for each in _milliseconds(lambda: load_corpus("names"), runs))
    return [Row("load", "Load the bundled names", "s", statistics.median(times), 0.3, times)]


def _bigram_model(corpus: Corpus) -> Ngram:
    tokenizer = CharacterTokenizer(corpus.alphabet)
    return Ngram(NgramConfig(2, "mle"), count_ngrams(corpus.texts, tokenizer, 2))


def _milliseconds(work: Callable[[], object], runs: int, warm_up: bool = True) -> tuple[float, ...]:
    if warm_up:
        work()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begin))
    return tuple(times)


# --- the app ----------------------------------------------------------------------------------------------


def app(command: Sequence[str] = (sys.executable, "-m", "lmlab", "app"), timeout: float = 60.0) -> list[Row]:
    """Start the app as a process of its own on a free port, twice.

    The seconds run from the start of the process until `GET /` answers with status 200; the second start is
    quoted, when the files are in the system's cache. The memory is what the web process holds (resident) five
    seconds after its page was fetched, without its workers; the larger of the two starts is quoted.
    """
    starting = "Start the app until its page answers (the second of two starts)"
    holding = "Resident memory of the web process after its page was fetched (the larger of two starts)"
    seconds: list[float] = []
    memory: list[float] = []
    for _ in range(2):
        try:
            with _running_app(command, timeout) as (_, process, took):
                time.sleep(SETTLE)
                megabytes = resident_megabytes(process.pid)
        except LabError as error:
            note = f"Could not start: {error}"
            return [
                Row("app-start", starting, "s", None, 6.0, tuple(seconds), note),
                Row("app-memory", holding, "MB", None, 300.0, tuple(memory), note),
            ]
        seconds.append(took)
        if megabytes is not None:
            memory.append(megabytes)
    return [
        Row("app-start", starting, "s", seconds[-1], 6.0, tuple(seconds)),
        _memory_row("app-memory", holding, 300.0, memory),
    ]


@contextlib.contextmanager
def _running_app(
    command: Sequence[str], timeout: float = 60.0
) -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    """The app's address, its process, and the seconds until its page answered; it ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
    with tempfile.TemporaryFile() as said:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=said, stderr=said, env=environment
        )
        try:
            while True:
                try:
                    with no_proxy.open(url, timeout=5) as answer:
                        if answer.status == 200:
                            took = time.perf_counter() - begin
                            break
                except (OSError, urllib.error.URLError):
                    pass  # nobody listens yet
                if process.poll() is not None:
                    said.seek(0)
                    lines = said.read().decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
                    raise LabError(f"it ended with code {process.returncode} ({lines[-1][:300]}).")
                if time.perf_counter() - begin > timeout:
                    raise LabError(f"no page after {timeout:g} s.")
                time.sleep(0.02)
            yield url, process, took
        finally:
            process.terminate()  # the workers see their pipes close and end
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def figure_tick(points: int = 600, ticks: int = 200) -> list[Row]:
    """Browser time of one tick of the loss curve: the main thread's work for one more point on a long curve.

    A headless Chromium opens the Train level of a real app. Its figure is brought to `points` points, and
    then points come one at a time through plotly's `extendTraces`, as the figure widget adds them, 33 ms
    apart. Quoted is what the browser's own accounting (`TaskDuration`) grew by, a tick.
    """
    what = f"Browser time a tick of the loss curve at {points} points"
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None or importlib.util.find_spec("playwright") is None:
        return [Row("figure-tick", what, "ms", None, 40.0, note="Skipped: needs Chromium and playwright.")]
    from playwright.sync_api import sync_playwright

    extend = """async ([number, pause]) => {
        const plot = document.querySelector("#train-loss .plot");
        for (let i = 0; i < number; i++) {
            const step = plot.data[0].x.length;
            await Plotly.extendTraces(plot, {x: [[step], []], y: [[2 + Math.random() / 10], []]}, [0, 1]);
            if (pause) await new Promise((next) => setTimeout(next, pause));
        }
    }"""
    clear = "() => { for (const t of document.querySelector('#train-loss .plot').data) { t.x = []; t.y = []; } }"
    command = (sys.executable, "-m", "lmlab", "app")
    with _running_app(command) as (url, _, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(url)
        page.wait_for_selector("#bench li", timeout=60_000)
        page.click("#tab-train-button")
        page.wait_for_selector("#train-loss .fig[data-state=drawn]")
        page.evaluate(clear)
        page.evaluate(extend, [points - ticks // 2, 0])
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")

        def busy() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

        runs = []
        for _ in range(5):
            begin = busy()
            page.evaluate(extend, [ticks // 5, 33])
            runs.append(1000 * (busy() - begin) / (ticks // 5))
        browser.close()
    return [Row("figure-tick", what, "ms", statistics.median(runs), 40.0, tuple(runs))]


def resident_megabytes(pid: int | None) -> float | None:
    """Memory of a process that is in RAM, in units of 1,000,000 bytes; None where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6
    if importlib.util.find_spec("psutil") is not None:
        import psutil

        with contextlib.suppress(psutil.Error):
            return float(psutil.Process(pid).memory_info().rss) / 1e6
    return None


def _memory_row(name: str, what: str, target: float, megabytes: list[float]) -> Row:
    if not megabytes:
        note = "Skipped: this system has no /proc and psutil is not installed (pip install psutil)."
        return Row(name, what, "MB", None, target, note=note)
    return Row(name, what, "MB", max(megabytes), target, tuple(megabytes))


# --- jobs -------------------------------------------------------------------------------------------------


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
    return [_memory_row("worker-memory", what, 450.0, list(most.values()))]


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


# --- learning ---------------------------------------------------------------------------------------------


def transformer(seeds: Sequence[int] = (42, 43, 44)) -> list[Row]:
    """The default transformer against Kneser-Ney of order 5: when it is better, and how good it gets.

    One training a seed, on all cores. The seconds are those of computing (steps, measurements and probes) until
    the first held-out loss below that of Kneser-Ney, counted and measured on the same corpus; a held-out loss is
    only taken now and then, so the crossing itself was a little earlier. The second row is the held-out loss after
    the last step, and its target is the loss of Kneser-Ney.
    """
    corpus = load_corpus("names")
    tokenizer = CharacterTokenizer(corpus.alphabet)
    held_out = corpus.part("validation")
    goal = evaluate(count(corpus, 5, "kneser-ney", tokenizer=tokenizer), held_out, tokenizer).nll
    chosen = preset("transformer")
    reached: list[float] = []
    final: list[float] = []
    for seed in seeds:
        recipe = replace(chosen.recipe, seed=seed, threads=min(MOST_THREADS, cores()))
        trainer = Trainer(
            build(chosen.model, chosen.options, tokenizer.vocab_size, seed),
            corpus,
            recipe,
        )
        first = math.inf
        for progress in trainer:
            if progress.kind != "validation" or progress.loss is None:
                continue
            if progress.loss < goal:
                first = min(first, progress.seconds)
            if progress.step >= trainer.planned:
                final.append(progress.loss)
                break
        if math.isfinite(first):
            reached.append(first)
    note = f"Kneser-Ney: {goal:.4f} nats per character. {len(reached)} of {len(seeds)} trainings got below it."
    # A training that never gets there counts as the slowest of all.
    median = statistics.median([*reached, *[math.inf] * (len(seeds) - len(reached))])
    return [
        Row(
            "transformer-time",
            "Computing until the default transformer's held-out loss is below that of Kneser-Ney of order 5",
            "s",
            median if math.isfinite(median) else None,
            60.0,
            tuple(reached),
            note,
        ),
        Row(
            "transformer-loss",
            "Held-out loss of the default transformer after its last step, against that of Kneser-Ney of order 5",
            "nats",
            statistics.median(final),
            goal,
            tuple(final),
        ),
    ]


BENCHES: dict[str, Callable[[], list[Row]]] = {
    "bigrams": bigrams,
    "kneser-ney": kneser_ney,
    "peer": peer,
    "load": load,
    "app": app,
    "figure-tick": figure_tick,
    "worker-memory": worker_memory,
    "first-point": first_point,
    "live-cost": live_cost,
    "transformer": transformer,
}


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


@contextlib.contextmanager
def _home_of_its_own() -> Iterator[None]:
    """Runs and checkpoints of a measurement go to a folder that is thrown away."""
    former = os.environ.get("LMLAB_HOME")
    with tempfile.TemporaryDirectory(prefix="lmlab-bench-") as folder:
        os.environ["LMLAB_HOME"] = folder
        try:
            yield
        finally:
            if former is None:
                del os.environ["LMLAB_HOME"]
            else:
                os.environ["LMLAB_HOME"] = former
