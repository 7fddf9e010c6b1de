"""The command line: its results, the form of its JSON, and what it says to bad input."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lmlab.cli import app
from lmlab.evaluation.loss import Evaluation
from lmlab.training.trainer import Trainer

INDIAN = ["--corpus", "names_indian"]  # small, so that everything here is quick
MANY_SCRIPTS = ["प्रिया", "अर्जुन", "मीरा", "राम", "सीता", "👩‍🚀", "😀😃", "🦜", "zoë", "привет", "δέλτα", "林"]


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path / "home"))


def call(*arguments) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def answer(*arguments):
    """The JSON of a command that went well."""
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def sentence(*arguments) -> str:
    """The one sentence of a command that went wrong."""
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.stderr.splitlines()[-1] == line
    with_json = call(*arguments, "--json")
    assert with_json.exit_code == 2
    assert json.loads(with_json.stdout.splitlines()[-1]) == {"error": line.removeprefix("Error: ")}
    return line.removeprefix("Error: ")


def quick(out: Path, *more, steps: int = 20):
    return answer("train", "--model", "mlp", *INDIAN, "--steps", steps, "--threads", 1, "--out", out, *more)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "mlp"
    quick(out)
    return out


# --- the form of the JSON ---------------------------------------------------------------------------------


def schema_of(command: str) -> dict[str, set[str]]:
    """`{path: types}` from the lines of the docstring after `JSON:`."""
    (callback,) = [one.callback for one in app.registered_commands if one.name == command]
    block = callback.__doc__.partition("JSON:\n")[2]
    schema = {}
    for line in block.strip().splitlines():
        path, kinds = line.strip().split(maxsplit=1)
        for one in expanded(path):
            schema[one] = {kind.strip() for kind in kinds.split("|")}
    assert schema
    return schema


def expanded(path: str) -> list[str]:
    """`{a,b}.c` as a.c and b.c, as a shell does it."""
    parts = re.split(r"\{([^}]*)\}", path)
    choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*choices)]


def check_form(value, schema: dict[str, set[str]], path: str = "") -> None:
    """Fields are equal and so are types; a list or an object that is not named follows from what it holds."""
    below = {name[len(path) :] for name in schema if name.startswith(path) and name != path}
    fields = {re.match(r"\.?([^.\[]+)", name)[1] for name in below if not name.startswith("[]")} if below else set()
    kinds = schema.get(path) or ({"array"} if any(name.startswith("[]") for name in below) else {"object"})
    kind = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array"}.get(
        type(value), "null"
    )
    assert kind in kinds or (kind == "integer" and "number" in kinds), f"{path} is {value!r}, not {kinds}"
    if isinstance(value, dict) and fields:
        assert set(value) == fields, path
        for field, part in value.items():
            check_form(part, schema, f"{path}.{field}" if path else field)
    elif isinstance(value, list):
        for part in value:
            check_form(part, schema, f"{path}[]")


def test_the_check_of_the_form_notices_what_is_wrong():
    schema = {"a": {"integer"}, "b.c": {"number", "null"}, "d[].e": {"string"}}
    good = {"a": 1, "b": {"c": None}, "d": [{"e": "x"}]}
    check_form(good, schema)
    for bad in ({"a": 1.5}, {"a": True}, {"b": {}}, {"b": {"c": 1, "f": 2}}, {"d": [{"e": 1}]}, {"d": {}}, {"g": 1}):
        with pytest.raises(AssertionError):
            check_form({**good, **bad}, schema)
    assert expanded("{a,b}.{c,d}") == ["a.c", "a.d", "b.c", "b.d"]


def test_every_command_writes_down_its_json():
    assert [one.name for one in app.registered_commands] == ["app", "count", "train", "generate", "evaluate", "bench"]
    for one in app.registered_commands:
        assert schema_of(one.name)


@pytest.mark.parametrize("smoothing", ["mle", "add-k", "kneser-ney"])
def test_json_of_count(smoothing, tmp_path):
    data = answer("count", *INDIAN, "--order", 3, "--smoothing", smoothing, "--out", tmp_path / "run")
    check_form(data, schema_of("count"))
    assert (data["corpus"], data["order"], data["smoothing"]) == ("names_indian", 3, smoothing)
    assert data["k"] == (0.1 if smoothing == "add-k" else None)
    assert data["out"] == str(tmp_path / "run")
    assert (
        (data["validation"]["nll"] is None) == (data["validation"]["infinite_at"] is not None) == (smoothing == "mle")
    )


def test_json_of_train(tmp_path):
    data = quick(tmp_path / "run", "--option", "context=5", "--seed", 7)
    check_form(data, schema_of("train"))
    assert (data["steps"], data["planned_steps"], data["seed"], data["threads"]) == (20, 20, 7, 1)
    assert data["model"] == "mlp"
    assert data["preset"] == "mlp-sensible"
    assert data["options"] == {"context": 5, "d_embed": 10, "d_hidden": 128}
    assert data["validation"]["predictions"] > 0


def test_json_of_generate(trained):
    data = answer("generate", trained, "-n", 5, "--prefix", "An", "--method", "top-k", "--seed", 3)
    check_form(data, schema_of("generate"))
    assert (data["method"], data["top_k"], data["temperature"], data["seed"]) == ("top-k", 5, 1.0, 3)
    assert data["prefix"] == "an"  # lower-cased as the names were
    assert all(sample["text"].startswith("an") for sample in data["samples"])
    assert {sample["novelty"] for sample in data["samples"]} <= {"training", "held out", "new"}
    assert len(answer("generate", trained, "-n", 3)["samples"]) == 3


def test_json_of_evaluate(trained):
    data = answer("evaluate", trained, *INDIAN)
    check_form(data, schema_of("evaluate"))
    card = json.loads((trained / "run.json").read_text())
    assert data["validation"]["nll"] == pytest.approx(card["metrics"]["validation"]["nll"], abs=1e-5)


def test_json_of_app(monkeypatch):
    launched = []

    def launch(host, port):
        launched.append((host, port))
        print("* Running on local URL")  # what a web server says must not follow the JSON

    monkeypatch.setitem(sys.modules, "lmlab.ui.app", types.SimpleNamespace(launch=launch))
    result = call("app", "--host", "0.0.0.0", "--port", 8123, "--json")
    check_form(json.loads(result.stdout.splitlines()[-1]), schema_of("app"))
    assert launched == [("0.0.0.0", 8123)]
    call("app")
    assert launched[1] == (None, None)


def test_json_of_bench():
    data = answer("bench", "--only", "load", "bigrams")
    check_form(data, schema_of("bench"))
    assert [row["name"] for row in data["rows"]] == ["bigrams", "load"]
    assert "load" in call("bench", "--only", "load").stdout


# --- what is printed for people ---------------------------------------------------------------------------


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
    assert "steps/s" in done.stderr


def test_help_needs_neither_torch_nor_the_app():
    code = "import sys, lmlab.cli, lmlab.__main__; print({'torch', 'gradio', 'datasets'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


# --- training ---------------------------------------------------------------------------------------------


def test_the_controls_of_train_arrive_on_the_card(tmp_path):
    more = ["--optimizer", "sgd", "--learning-rate", 0.5, "--batch-size", 16, "--schedule", "constant"]
    quick(tmp_path / "run", *more)
    recipe = json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]
    assert (recipe["optimizer"], recipe["learning_rate"], recipe["batch_size"]) == ("sgd", 0.5, 16)
    assert (recipe["schedule"], recipe["steps"], recipe["threads"]) == ("constant", 20, 1)


def test_seconds_become_steps(tmp_path):
    data = answer("train", "--model", "mlp-one-letter", *INDIAN, "--seconds", 0.2, "--out", tmp_path / "run")
    assert data["steps"] == data["planned_steps"] >= 1
    assert data["options"]["context"] == 1


def test_the_same_seed_gives_the_same_model(tmp_path):
    first, again, other = (quick(tmp_path / str(i), "--seed", seed) for i, seed in enumerate((1, 1, 2)))
    assert first["validation"] == again["validation"] != other["validation"]


@pytest.mark.parametrize("at", [1, 30])
def test_ctrl_c_stops_early_and_saves(tmp_path, monkeypatch, at):
    step = Trainer.step

    def interrupted(self):
        if self.step_number == at and not self._due:
            signal.raise_signal(signal.SIGINT)
        return step(self)

    monkeypatch.setattr(Trainer, "step", interrupted)
    former = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run may be deaf to Ctrl-C
    try:
        data = quick(tmp_path / "run", steps=200)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, former)
    assert data["stopped"] is True
    assert at <= data["steps"] <= at + 1
    assert data["planned_steps"] == 200
    card = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (card["steps"], card["planned_steps"]) == (data["steps"], 200)
    assert data["train"]["nll"] > 0
    assert len(answer("generate", tmp_path / "run", "-n", 2)["samples"]) == 2


def test_ctrl_c_is_answered_in_words(tmp_path, monkeypatch):
    step = Trainer.step

    def interrupted(self):
        if self.step_number >= 5:
            signal.raise_signal(signal.SIGINT)
        return step(self)

    monkeypatch.setattr(Trainer, "step", interrupted)
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        again = call("train", "--model", "mlp", *INDIAN, "--steps", 50, "--out", tmp_path / "run")
    finally:
        signal.signal(signal.SIGINT, former)
    assert "Stopping" in again.stderr
    assert again.exit_code == 130  # the second Ctrl-C, in the measurement of the end, gives up
    assert not (tmp_path / "run").exists()


def test_divergence_is_told(tmp_path):
    run = ["train", "--model", "mlp", *INDIAN, "--steps", 300, "--optimizer", "sgd", "--learning-rate", 5000]
    data = answer(*run, "--out", tmp_path / "run")
    check_form(data, schema_of("train"))
    assert data["steps"] == data["diverged"]["back_to"] < data["planned_steps"] == 300
    assert "try 0.1" in data["diverged"]["sentence"]
    assert data["diverged"]["sentence"] in call(*run, "--out", tmp_path / "run").stdout


# --- generating -------------------------------------------------------------------------------------------


def test_novelty_needs_the_very_corpus_of_the_run(tmp_path):
    names = tmp_path / "names.txt"
    few = ["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"]  # every letter says what follows: nothing can be invented
    names.write_text("\n".join(few), "utf-8")
    run = tmp_path / "run"
    answer("count", "--corpus", names, "--order", 2, "--smoothing", "mle", "--out", run)
    card = json.loads((run / "run.json").read_text())
    assert card["corpus"]["source"] == str(names)
    assert {sample["novelty"] for sample in answer("generate", run)["samples"]} == {"training"}
    names.write_text("\n".join([*few, "qr"]), "utf-8")
    assert {sample["novelty"] for sample in answer("generate", run)["samples"]} == {None}
    assert "not at hand" in call("generate", run).stdout
    names.unlink()
    assert {sample["novelty"] for sample in answer("generate", run)["samples"]} == {None}


def test_novelty_finds_a_bundled_corpus_by_its_name(tmp_path):
    run = tmp_path / "run"
    answer("count", *INDIAN, "--order", 3, "--smoothing", "mle", "--out", run)
    card = json.loads((run / "run.json").read_text())
    del card["corpus"]["source"]
    (run / "run.json").write_text(json.dumps(card))
    assert "training" in {sample["novelty"] for sample in answer("generate", run, "-n", 100)["samples"]}


def test_the_rules_of_sampling_are_applied(trained):
    greedy = answer("generate", trained, "--method", "greedy", "-n", 3)["samples"]
    assert len({sample["text"] for sample in greedy}) == 1
    assert answer("generate", trained, "--temperature", 0, "-n", 1)["samples"][0]["text"] == greedy[0]["text"]
    assert answer("generate", trained, "--top-k", 1, "-n", 1)["samples"][0]["text"] == greedy[0]["text"]
    assert answer("generate", trained, "--seed", 1) != answer("generate", trained, "--seed", 2)
    assert answer("generate", trained, "--top-p", 0.3)["top_p"] == 0.3
    assert answer("generate", trained, "--method", "min-p")["min_p"] == 0.1
    short = answer("generate", trained, "-n", 20, "--limit", 2)["samples"]
    assert all(len(sample["text"]) <= 2 for sample in short)


def test_any_script_works_from_end_to_end(tmp_path):
    names = tmp_path / "नाम.txt"
    names.write_text("\n".join(MANY_SCRIPTS), "utf-8")
    for place, make in (
        (tmp_path / "counted", ["count", "--smoothing", "kneser-ney", "--order", 3]),
        (tmp_path / "मॉडल", ["train", "--model", "transformer-one-block", "--steps", 10, "--batch-size", 4]),
    ):
        assert answer(*make, "--corpus", names, "--out", place)["validation"]["nll"] > 0
        samples = answer("generate", place, "--prefix", "प्रि", "-n", 4)["samples"]
        assert all(sample["text"].startswith("प्रि") for sample in samples)
        assert answer("evaluate", place, "--corpus", names)["train"]["nll"] > 0
        assert "प्रि" in call("generate", place, "--prefix", "प्रि", "-n", 4).stdout
        assert "😀" in call("generate", place, "--prefix", "😀", "-n", 4).stdout


# --- bad input --------------------------------------------------------------------------------------------


def test_bad_corpora(tmp_path):
    empty, latin = tmp_path / "empty.txt", tmp_path / "latin.txt"
    empty.write_bytes(b"")
    latin.write_bytes("zoë\nada\nalan\n".encode("latin-1"))
    assert "no corpus or file called 'nmaes'" in sentence("count", "--corpus", "nmaes")
    assert "Did you mean 'names'?" in sentence("count", "--corpus", "nmaes")
    assert "0 usable lines" in sentence("count", "--corpus", empty)
    assert "latin.txt is not UTF-8: byte 3" in sentence("count", "--corpus", latin)
    assert "no corpus or file" in sentence("count", "--corpus", tmp_path)
    assert "too long" in sentence("count", "--corpus", "x" * 5000)
    for command in (["train", "--model", "mlp", "--out", tmp_path / "run"],):
        assert "0 usable lines" in sentence(*command, "--corpus", empty)
    assert not (tmp_path / "run").exists()


def test_bad_runs(tmp_path, trained):
    assert "is not a run" in sentence("generate", tmp_path)
    assert "is not a run" in sentence("evaluate", tmp_path / "nowhere")
    (tmp_path / "run.json").write_text('{"name": "another program\'s"}')
    assert "damaged or not one of lmlab's" in sentence("generate", tmp_path)
    (tmp_path / "run.json").write_text((trained / "run.json").read_text())
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    assert "damaged" in sentence("evaluate", tmp_path)


def test_bad_models(tmp_path):
    out = ["--out", tmp_path / "run"]
    assert "Did you mean 'transformer'?" in sentence("train", "--model", "transfromer", *out)
    assert "Did you mean 'mlp-too-fast'?" in sentence("train", "--model", "mlp-to-fast", *out)
    assert "Did you mean" not in sentence("train", "--model", "lstm", *out)
    mlp = ["train", "--model", "mlp", *INDIAN, *out]
    assert "has no option 'n_head'" in sentence(*mlp, "--option", "n_head=2")
    assert "write --option name=value" in sentence(*mlp, "--option", "context")
    assert "give a whole number" in sentence(*mlp, "--option", "context=many")
    assert "context is 0: choose" in sentence(*mlp, "--option", "context=0")
    assert "give --steps or --seconds" in sentence(*mlp, "--steps", 5, "--seconds", 1)
    assert "choose sgd, adamw or muon" in sentence(*mlp, "--optimizer", "adam")
    assert "The learning rate is -1" in sentence(*mlp, "--learning-rate", -1)
    assert "The batch size is 0" in sentence(*mlp, "--batch-size", 0)
    assert "0 steps were asked for" in sentence(*mlp, "--steps", 0)
    assert "The seed is -1" in sentence(*mlp, "--seed", -1)
    assert "Order 9 is out of range" in sentence("count", *INDIAN, "--order", 9)
    assert "Smoothing 'laplace' is unknown" in sentence("count", *INDIAN, "--smoothing", "laplace")
    assert "k is nan" in sentence("count", *INDIAN, "--k", "nan")
    assert not (tmp_path / "run").exists()


def test_bad_wishes_for_texts(trained):
    assert "'7' is not in the vocabulary" in sentence("generate", trained, "--prefix", "an7")
    assert "top-p needs 0 < p <= 1" in sentence("generate", trained, "--top-p", 0)
    assert "top-k keeps at least 1" in sentence("generate", trained, "--top-k", 0)
    assert "min-p is 2" in sentence("generate", trained, "--min-p", 2)
    assert "The temperature is -1" in sentence("generate", trained, "--temperature", -1)
    assert "The temperature is nan" in sentence("generate", trained, "--temperature", "nan")
    assert "no method 'beam'" in sentence("generate", trained, "--method", "beam")
    assert "0 texts were asked for" in sentence("generate", trained, "-n", 0)
    assert "The seed is" in sentence("generate", trained, "--seed", 2**64)
    assert "shorten the prefix" in sentence("generate", trained, "--prefix", "a" * 60)


def test_a_corpus_with_characters_that_the_model_does_not_know(trained, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("\n".join(MANY_SCRIPTS), "utf-8")
    assert "is not in the vocabulary" in sentence("evaluate", trained, "--corpus", names)


def test_bad_places(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("mine")
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    count = ["count", *INDIAN, "--out"]
    assert "is a file" in sentence(*count, file)
    assert "cannot be saved" in sentence(*count, file / "run")
    assert "holds other files, such as thesis.txt" in sentence(*count, full)
    assert "the one you work in" in sentence(*count, ".")
    # Saving replaces a run as a whole, so a folder with a run *and* other files is refused too.
    assert call("count", *INDIAN, "--out", tmp_path / "run").exit_code == 0
    assert call("count", *INDIAN, "--out", tmp_path / "run").exit_code == 0
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    assert "thesis.txt" in sentence(*count, tmp_path / "run")
    monkeypatch.setattr(Trainer, "__init__", lambda *arguments: pytest.fail("it was found out after the work"))
    assert "holds other files" in sentence("train", "--model", "mlp", *INDIAN, "--out", full)
    if Path("/proc/self").exists():
        assert "cannot be saved in /proc/lmlab" in sentence(
            "train", "--model", "mlp", *INDIAN, "--out", "/proc/lmlab"
        )


def test_errors_that_nobody_foresaw_have_no_traceback(trained, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("three\nlines\nlong")

    monkeypatch.setattr(Evaluation, "chunks", broken)
    assert "RuntimeError: three\\nlines\\nlong" in sentence("count", *INDIAN)


def test_wrong_use_of_the_command_line():
    assert "Did you mean 'bigrams'?" in sentence("bench", "--only", "bigram")
    for arguments in (["train"], ["count", "--order", "two"], ["generate"], ["nothing"], ["app", "--port", "0"]):
        assert call(*arguments).exit_code == 2
