"""A home of its own for every test of the command line, and one small run that many of them read."""

from pathlib import Path

import pytest
from calling import quick


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "mlp"
    quick(out)
    return out
