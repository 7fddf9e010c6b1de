"""Benchmarks run, and say so when they cannot. No speed is asserted here: see `python -m lmlab bench`."""

import math
import sys

import pytest

from lmlab import bench
from lmlab.bench import Row

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

HTTPServer(("127.0.0.1", int(sys.argv[-1])), Page).serve_forever()
"""


def test_a_row_knows_whether_its_target_is_met():
    assert Row("a", "b", "s", 1.0, target=1.0).met is True
    assert Row("a", "b", "s", 1.1, target=1.0).met is False
    assert Row("a", "b", "s", None, target=1.0).met is None
    assert Row("a", "b", "s", 1.0).met is None


def test_every_measurement_says_what_it_measures():
    assert all(measurement.__doc__ for measurement in bench.BENCHES.values())


def test_the_machine_is_described():
    about = bench.machine()
    assert about.cpu
    assert about.cores >= 1
    assert about.torch
    assert about.python.startswith(f"{sys.version_info.major}.")


@pytest.mark.parametrize("name", ["bigrams", "kneser-ney", "load"])
def test_quick_figures(name):
    (row,) = bench.run([name])
    assert row.name == name
    assert row.value is not None
    assert math.isfinite(row.value)
    assert min(row.runs) <= row.value <= max(row.runs)


def test_the_peer_is_compared_or_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: None)
    (row,) = bench.peer()
    assert row.value is None
    assert "Peer not installed" in row.note


def test_the_peer_counts_the_same():
    pytest.importorskip("nltk")
    (row,) = bench.peer(runs=1)
    assert row.value is not None
    assert row.note == ""


def test_an_app_that_ends_at_once_is_a_note():
    rows = bench.app([sys.executable, "-c", "raise SystemExit('no such screen')"])
    assert [row.name for row in rows] == ["app-start", "app-memory"]
    assert all(row.value is None and row.met is None for row in rows)
    assert "Could not start" in rows[0].note
    assert "no such screen" in rows[0].note


def test_an_app_that_never_answers_is_a_note():
    rows = bench.app([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5)
    assert "no page after 0.5 s" in rows[0].note


def test_any_server_that_answers_is_measured(monkeypatch):
    monkeypatch.setattr(bench, "SETTLE", 0.1)
    start, memory = bench.app([sys.executable, "-c", SERVER])
    assert start.value == start.runs[-1] > 0
    assert len(start.runs) == 2
    assert memory.value is None or memory.value == max(memory.runs) > 1


def test_memory_of_a_process_that_is_gone():
    assert bench.resident_megabytes(2**30) is None


def test_the_live_loop_and_the_plain_one_are_compared(tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path))
    (row,) = bench.live_cost(runs=2, presets=["mlp"], steps=60, corpus="names_indian")
    assert row.name == "live-cost-mlp"
    assert len(row.runs) == 2
    assert all(math.isfinite(cost) for cost in row.runs)
