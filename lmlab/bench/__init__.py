"""Benchmarks: how fast lmlab is on this machine, against its targets. `python -m lmlab bench` prints them.

One function a measurement; its docstring says what is measured and how. Each returns rows; a row's value is the
median of its runs unless its sentence says otherwise. Ratios to a peer are taken by turns in one process, so that
both live through the same minutes. A figure that cannot be measured here has no value and a note that says why; one
whose peer did other work than ours says so. A missed target is a result like any other.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence

from lmlab.bench import counting, generation, grading, live, page, quality, scaling, screen, tokenizing, training
from lmlab.bench.rows import Machine, Row, machine

__all__ = ["BENCHES", "Machine", "Row", "machine", "run"]

BENCHES: dict[str, Callable[[], list[Row]]] = {
    "bigrams": counting.bigrams,
    "kneser-ney": counting.kneser_ney,
    "peer": counting.peer,
    "load": counting.load,
    "counting": counting.counting,
    "bpe": tokenizing.bpe,
    "app": page.app,
    "figure-tick": screen.figure_tick,
    "visit": screen.visit,
    "answers": screen.answers,
    "worker-memory": live.worker_memory,
    "first-point": live.first_point,
    "live-cost": live.live_cost,
    "transformer": quality.transformer,
    "time-to-quality": quality.time_to_quality,
    "ladder": quality.ladder,
    "train-step": training.train_step,
    "recurrent-step": training.recurrent_step,
    "muon": training.muon,
    "generation": generation.generation,
    "scaling": scaling.scaling,
    "check": grading.check,
    "class": grading.class_of,
}


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
