"""The labs travel in the package: they can be started where there is no checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_lab_can_be_started_from_what_is_installed(tmp_path):
    pytest.importorskip("setuptools")
    built = tmp_path / "built"
    build = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(built)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    here = tmp_path / "here"
    here.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(built), "COLUMNS": "100"}
    for command, code in ((["start", "lab01"], 0), (["check", "lab01"], 1), (["labs"], 0)):
        words = [sys.executable, "-m", "lmlab", *command]
        done = subprocess.run(words, cwd=here, capture_output=True, text=True, env=environment)
        assert done.returncode == code, done.stderr
    assert (here / "lab01_counting" / "lab.py").read_bytes() == (ROOT / "labs/lab01_counting/lab.py").read_bytes()
    packed = {path.relative_to(built / "lmlab").as_posix() for path in (built / "lmlab" / "labs").rglob("*")}
    assert packed >= {f"labs/{path.name}/lab.toml" for path in (ROOT / "labs").glob("lab*")}
    assert not [name for name in packed if "solution" in name or "__pycache__" in name or "/." in name]
