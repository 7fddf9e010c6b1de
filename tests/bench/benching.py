"""Benchmarks in small: one core, so that the tests beside them are not disturbed.

Fixtures to import. No conftest: two of that name in folders that sort before `tests/conftest.py` stop pytest, which
collects them as modules for their doctests.
"""

import pytest


@pytest.fixture(autouse=True)
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPU_CORES", "1")


@pytest.fixture
def no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing of the extra `bench` were installed."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
