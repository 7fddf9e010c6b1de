"""The measurements that play the screen: real figures where a browser is, notes where none is."""

import pytest
from benching import one_core  # noqa: F401

from lmlab.bench import screen


def test_without_a_browser_every_figure_is_a_note(monkeypatch):
    monkeypatch.setattr(screen, "chromium", lambda: None)
    rows = [*screen.visit(), *screen.answers(), *screen.figure_tick()]
    assert len({row.name for row in rows}) == 9
    assert all(row.value is None and row.met is None and row.note == screen.SKIPPED for row in rows)


def test_a_visit_is_measured_from_the_address_to_the_insight():
    if screen.chromium() is None:
        pytest.skip("No Chromium was found.")
    ready, insight = screen.visit(visits=1)
    assert 0 < ready.runs[0] < insight.runs[0]
    assert ready.value == ready.runs[0]
