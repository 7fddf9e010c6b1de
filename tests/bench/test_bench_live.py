"""The live loop and the plain one are compared."""

import math
import time

from benching import one_core  # noqa: F401

from lmlab.bench import live
from lmlab.jobs.worker import Worker


def test_the_live_loop_and_the_plain_one_are_compared(tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path))
    (row,) = live.live_cost(runs=2, presets=["mlp"], steps=60, corpus="names_indian")
    assert row.name == "live-cost-mlp"
    assert len(row.runs) == 2
    assert all(-100 < cost < math.inf for cost in row.runs)  # no run takes less than no time


def test_a_live_loop_that_dawdles_costs_what_it_dawdles(tmp_path, monkeypatch):
    """Each event of the live loop burns the time of several steps of this small network."""
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path))
    note = Worker._note

    def dawdle(self, task, progress):
        begin = time.thread_time()
        while time.thread_time() - begin < 0.01:
            pass
        note(self, task, progress)

    monkeypatch.setattr(Worker, "_note", dawdle)
    (row,) = live.live_cost(runs=1, presets=["mlp"], steps=60, corpus="names_indian")
    assert row.value > 100
    assert row.met is False
