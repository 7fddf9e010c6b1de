"""What all commands have in common: the form of their JSON, what goes where, and errors in one sentence."""

import json
import os
import subprocess
import sys
import types

import pytest
from calling import INDIAN, call, check_form, expanded, schema_of, sentence

from lmlab.cli import COMMANDS, app
from lmlab.evaluation.loss import Evaluation


def test_the_check_of_the_form_notices_what_is_wrong():
    schema = {"a": {"integer"}, "b.c": {"number", "null"}, "d[].e": {"string"}}
    good = {"a": 1, "b": {"c": None}, "d": [{"e": "x"}]}
    check_form(good, schema)
    for bad in ({"a": 1.5}, {"a": True}, {"b": {}}, {"b": {"c": 1, "f": 2}}, {"d": [{"e": 1}]}, {"d": {}}, {"g": 1}):
        with pytest.raises(AssertionError):
            check_form({**good, **bad}, schema)
    assert expanded("{a,b}.{c,d}") == ["a.c", "a.d", "b.c", "b.d"]


def test_every_command_writes_down_its_json():
    assert [one.name for one in app.registered_commands] == list(COMMANDS)
    for one in app.registered_commands:
        assert schema_of(one.name)


def test_json_of_app(monkeypatch):
    launched = []

    def launch(host, port):
        launched.append((host, port))
        print("* Running on local URL")  # what a web server says must not follow the JSON

    monkeypatch.setitem(sys.modules, "lmlab.ui.server", types.SimpleNamespace(launch=launch))
    result = call("app", "--host", "0.0.0.0", "--port", 8123, "--json")
    check_form(json.loads(result.stdout.splitlines()[-1]), schema_of("app"))
    assert launched == [("0.0.0.0", 8123)]
    call("app")
    assert launched[1] == (None, None)


def test_results_for_people(trained, tmp_path):
    counted = call("count", *INDIAN, "--smoothing", "mle", "--order", 4)
    assert "perplexity" in counted.stdout
    assert "∞" in counted.stdout
    assert "impossible" in counted.stdout
    assert "mlp with" in call("train", "--model", "mlp", *INDIAN, "--steps", 5, "--out", tmp_path / "a").stdout
    assert "novelty" in call("generate", trained).stdout
    assert "validation" in call("evaluate", trained, *INDIAN).stdout


def test_only_json_is_on_stdout_and_progress_is_on_stderr(tmp_path):
    out = str(tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-m", "lmlab", "train", "--model", "mlp", *INDIAN, "--steps", "20", "--out", out, "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["steps"] == 20
    assert "20/20" in done.stderr
    assert "tokens/s" in done.stderr


def test_help_needs_neither_torch_nor_the_app():
    code = "import sys, lmlab.cli, lmlab.__main__; print({'torch', 'gradio', 'datasets'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_errors_that_nobody_foresaw_have_no_traceback(trained, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("three\nlines\nlong")

    monkeypatch.setattr(Evaluation, "chunks", broken)
    assert "RuntimeError: three\\nlines\\nlong" in sentence("count", *INDIAN)
