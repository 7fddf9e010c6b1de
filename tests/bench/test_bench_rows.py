"""Rows know their targets, races take turns. No speed is asserted anywhere: see `python -m lmlab bench`."""

import os
import sys

import torch
from benching import one_core  # noqa: F401

from lmlab import bench
from lmlab.bench import rows
from lmlab.bench.memory import memory_row, resident_megabytes
from lmlab.bench.rows import Race, Row, all_cores, race


def test_a_row_knows_whether_its_target_is_met():
    assert Row("a", "b", "s", 1.0, target=1.0).met is True
    assert Row("a", "b", "s", 1.1, target=1.0).met is False
    assert Row("a", "b", "s", None, target=1.0).met is None
    assert Row("a", "b", "s", 1.0).met is None


def test_a_target_may_be_the_least():
    assert Row("a", "b", "x", 1.5, target=1.5, at_least=True).met is True
    assert Row("a", "b", "x", 1.4, target=1.5, at_least=True).met is False
    assert Row("a", "b", "x", None, target=1.5, at_least=True).met is None


def test_a_row_as_plain_data():
    data = Row("a", "b", "x", 2.0, 1.5, (1.0, 2.0, 3.0), "c", at_least=True, at=16).to_json()
    assert data["met"] is True
    assert data["at_least"] is True
    assert data["at"] == 16
    assert data["runs"] == [1.0, 2.0, 3.0]


def test_every_measurement_says_what_it_measures():
    assert all(measurement.__doc__ for measurement in bench.BENCHES.values())


def test_every_measurement_is_run_by_name(monkeypatch):
    for name in bench.BENCHES:
        monkeypatch.setitem(bench.BENCHES, name, lambda name=name: [Row(name, "", "", None)])
    told: list[str] = []
    assert [row.name for row in bench.run(["muon", "scaling"], told.append)] == ["muon", "scaling"] == told
    assert len(bench.run()) == len(bench.BENCHES)


def test_the_machine_is_described():
    about = bench.machine()
    assert about.cpu
    assert about.cores == 1
    assert about.torch
    assert about.python.startswith(f"{sys.version_info.major}.")


def test_a_race_takes_turns_and_does_not_count_the_first():
    order: list[str] = []
    result = race(lambda: order.append("ours"), lambda: order.append("theirs"), turns=2, calls=2)
    ours, theirs = ["ours"] * 2, ["theirs"] * 2
    assert order == theirs + ours + ours + theirs + theirs + ours
    assert len(result.ours) == len(result.theirs) == len(result.ratios) == 2


def test_a_ratio_is_above_one_where_we_are_faster(monkeypatch):
    clock = iter([0.0, 6.0, 10.0, 12.0])  # theirs takes 6, ours 2
    monkeypatch.setattr(rows.time, "perf_counter", lambda: next(clock))
    result = race(lambda: None, bool, turns=1, warm_up=False)
    assert result == Race(ours=(2.0,), theirs=(6.0,))
    assert result.ratio == 3.0


def test_all_cores_are_given_back(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setenv("CPU_CORES", str(before + 1))
    with all_cores():
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_memory_of_a_process():
    now, peak = resident_megabytes(os.getpid()), resident_megabytes(os.getpid(), peak=True)
    assert now is None or peak >= now > 1
    assert resident_megabytes(2**30) is None
    assert "psutil" in memory_row("a", "b", 1.0, []).note
    assert memory_row("a", "b", 1.0, [3.0, 5.0]).value == 5.0
