"""The live loop and the plain one are compared."""

import math

from benching import one_core  # noqa: F401

from lmlab.bench import live


def test_the_live_loop_and_the_plain_one_are_compared(tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path))
    (row,) = live.live_cost(runs=2, presets=["mlp"], steps=60, corpus="names_indian")
    assert row.name == "live-cost-mlp"
    assert len(row.runs) == 2
    assert all(math.isfinite(cost) for cost in row.runs)
