"""The assignments on the command line: a student's evening, and a teacher's."""

import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from calling import answer, call, check_form, schema_of, sentence
from safetensors.numpy import save

from lmlab.cli.labs import graded
from lmlab.grading import gradescope, progress
from lmlab.grading.labs import all_labs, find_lab

SOLUTION = Path(__file__).parents[1] / "labs" / "solutions" / "lab01.py"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)


def lab_file() -> Path:
    return Path("lab01_counting") / "lab.py"


def weights() -> bytes:
    from lmlab.data.corpus import load_corpus

    space = {}
    exec(SOLUTION.read_text(), space)
    return save(space["weights"](load_corpus("names").part("train")))


def test_an_evening():
    assert call("labs").exit_code == 0
    started = call("start", "lab1")
    assert "Counting and bigrams" in started.stdout
    result = call("check", "lab01")
    assert result.exit_code == 1
    assert result.stdout.count("not started") == 6
    assert "0 of 10 points" in result.stdout

    stub = lab_file().read_text()
    # The first mistake: the letters are not sorted.
    written = stub.replace(
        "# YOUR CODE HERE\n    raise NotImplementedError", 'return [".", *dict.fromkeys("".join(names))]', 1
    )
    lab_file().write_text(written)
    result = call("check", "lab01")
    assert "failed 1.1 build_vocab" in result.stdout
    assert "almost: the letters stand in the order in which they come up" in result.stdout
    assert "A hint: python -m lmlab hint lab01 build_vocab" in result.stdout
    result = call("check", "lab01")
    assert "(unchanged)" in result.stdout
    assert "not started 1.2" in result.stdout

    lab_file().write_text("def build_vocab(names:\n")
    result = call("check", "lab01")
    (line, _) = result.stdout.splitlines()
    assert line.startswith("failed your file cannot be loaded: Python cannot read it: ")
    assert "(your line 1: def build_vocab(names:)" in line

    shutil.copy(SOLUTION, lab_file())
    result = call("check", "lab01")
    assert result.exit_code == 1
    assert "9 of 10 points" in result.stdout
    assert "weights.safetensors is not beside lab.py" in result.stdout
    (lab_file().parent / "weights.safetensors").write_bytes(weights())
    result = call("check", "lab01")
    assert result.exit_code == 0, result.stdout
    assert result.stdout.count("(unchanged)") == 5
    assert "nats per character" in result.stdout
    assert "python -m lmlab submit lab01" in result.stdout
    assert "10 of 10" in call("labs").stdout

    submitted = answer("submit", "lab01")
    check_form(submitted, schema_of("submit"))
    assert (submitted["score"], submitted["max_score"]) == (10, 10)
    assert set(submitted["files"]) == {"lab.py", "weights.safetensors", "results.json", "versions.json"}
    with zipfile.ZipFile(submitted["out"]) as zipped:
        assert zipped.read("lab.py").decode() == SOLUTION.read_text()
        assert gradescope.problem(json.loads(zipped.read("results.json"))) is None

    # What is graded is what was shown.
    graded_one = answer("grade", submitted["out"], "--lab", "lab01", "--seed", 3)
    check_form(graded_one, schema_of("grade"))
    assert graded_one["submissions"][0]["score"] == 10
    data = json.loads(Path("results.json").read_text())
    assert data["score"] == 10
    assert data["leaderboard"][0]["value"] == pytest.approx(graded_one["submissions"][0]["loss"], abs=1e-4)


def test_the_form_of_the_json():
    check_form(answer("labs"), schema_of("labs"))
    if sys.platform == "linux":
        zipped = answer("labs", "gradescope-zip", "lab01")
        check_form(zipped, schema_of("labs"))
        assert Path(zipped["out"]).stat().st_size == zipped["bytes"]
    check_form(answer("start", "1"), schema_of("start"))
    shutil.copy(SOLUTION, lab_file())
    (lab_file().parent / "weights.safetensors").write_bytes(weights())
    result = call("check", "1", "--json")
    data = json.loads(result.stdout.splitlines()[-1])
    check_form(data, schema_of("check"))
    assert gradescope.problem(data) is None
    check_form(answer("labs"), schema_of("labs"))
    check_form(answer("hint", "1", "to_probs"), schema_of("hint"))
    check_form(answer("show", "1", "to_probs"), schema_of("show"))
    check_form(answer("reset", "1", "to_probs"), schema_of("reset"))


def test_json_to_a_file():
    call("start", "1")
    for order in (["--json", "results.json"], ["to_probs", "--json", "results.json"]):
        result = call("check", "1", *order)
        assert result.exit_code == 1
        data = json.loads(Path("results.json").read_text())
        assert gradescope.problem(data) is None
        assert "not started" in result.stdout
    assert {test["tags"][0] for test in data["tests"]} == {"to_probs"}


def test_starting_never_overwrites():
    call("start", "lab01")
    lab_file().write_text("mine = 1\n")
    again = answer("start", "lab01")
    assert lab_file().read_text() == "mine = 1\n"
    assert again["file"].endswith("lab.new.py")
    assert Path(again["file"]).read_text() == find_lab("1").stub
    started = answer("start", "lab01", "elsewhere/deep")
    assert Path(started["file"]).parent.name == "deep"
    assert (Path(started["folder"]) / "README.md").is_file()
    assert (Path(started["folder"]) / "picture.svg").is_file()
    assert not (Path(started["folder"]) / "lab.toml").exists()
    Path("a-file").write_text("")
    assert "cannot be started" in sentence("start", "lab01", "a-file")


def test_where_the_file_is_found(monkeypatch):
    assert "Begin with: python -m lmlab start lab01" in sentence("check", "lab01")
    call("start", "lab01")
    assert call("check", "lab01").exit_code == 1
    assert call("check", "lab01", "--folder", "lab01_counting").exit_code == 1
    assert call("check", "lab01", "-C", "lab01_counting/lab.py").exit_code == 1
    assert "There is no lab.py in nowhere" in sentence("check", "lab01", "-C", "nowhere")
    monkeypatch.chdir("lab01_counting")
    assert call("check", "lab01").exit_code == 1
    # The stubs of the package itself are nobody's work.
    monkeypatch.chdir(find_lab("1").folder)
    assert "Begin with" in sentence("check", "lab01")


def test_hints_one_after_the_other():
    call("start", "1")
    hints = find_lab("1").text_of("to_probs").hints
    for number in range(1, 5):
        result = answer("hint", "1", "to_probs")
        assert result["hints"] == list(hints[: min(number, 3)])
        assert result["left"] == max(3 - number, 0)
    assert "The answer: python -m lmlab show lab01 to_probs" in call("hint", "1", "to_probs").stdout


def test_the_answer_is_shown_after_three_attempts_or_when_given_up():
    call("start", "1")
    assert "0 of 3 times" in sentence("show", "1", "to_probs")
    stub = lab_file().read_text()
    begin = stub.index("def to_probs")
    for k in range(3):
        body = stub[begin:].replace("raise NotImplementedError", f"return N + {k}", 1)
        lab_file().write_text(stub[:begin] + body)
        call("check", "1", "to_probs")
    shown = call("show", "1", "to_probs")
    assert "def to_probs" in shown.stdout
    assert "def rows_to_one" in shown.stdout
    assert "def count_bigrams" not in shown.stdout
    lab_file().write_text(SOLUTION.read_text())
    call("check", "1")
    assert progress.load(lab_file().parent, "lab01").points == 7  # nine, and two of to_probs
    listed = answer("labs")["labs"][0]
    assert listed["points"] == 7
    assert {one["name"]: one["status"] for one in listed["exercises"]}["to_probs"] == "revealed"
    given_up = answer("show", "1", "name_prob", "--give-up")
    assert given_up["attempts"] == 1
    # It was solved before, so nothing is lost by comparing.
    assert progress.load(lab_file().parent, "lab01").points == 7


def test_an_exercise_has_a_name_and_a_number_and_the_experiment_several_names():
    call("start", "lab01")
    assert "not started 1.2 count_bigrams" in call("check", "lab01", "1.2").stdout
    for name in ("experiment", "predict", "1.6"):
        assert "not started 1.6 experiment" in call("check", "lab01", name).stdout
        assert "The experiment of lab01 is open" in sentence("hint", "lab01", name)
        assert call("reset", "lab01", name).stdout.startswith("predict is as it was")
    assert "predict" not in sentence("check", "lab01", "nothing")
    assert "experiment" in sentence("check", "lab01", "nothing")


def test_another_folder_is_named_in_what_to_do_next():
    folder = Path("my folder ñ")
    started = call("start", "lab01", folder).stdout
    assert 'python -m lmlab check lab01 --folder "my folder ñ"' in " ".join(started.split())
    assert "not started" in call("check", "lab01", "--folder", folder).stdout


def test_weights_that_lie_in_the_wrong_folder():
    call("start", "lab01")
    Path("weights.safetensors").write_bytes(b"x")
    said = " ".join(call("check", "lab01").stdout.split())
    assert "There is a weights.safetensors here, but it belongs beside lab.py: move it to" in said


def test_reset_puts_back_one_function():
    call("start", "1")
    stub = lab_file().read_text()
    lab_file().write_text(SOLUTION.read_text())
    kept = answer("reset", "1", "to_probs")["kept"]
    assert Path(kept).read_text() == SOLUTION.read_text()
    result = call("check", "1")
    assert "not started 1.3 to_probs" in result.stdout
    assert "passed 1.2" in result.stdout
    lab_file().write_text(stub)
    answer("reset", "1", "name_prob")
    assert lab_file().read_text() == stub
    lab_file().write_text("import numpy\n")
    answer("reset", "1", "name_prob")
    assert "def name_prob" in lab_file().read_text()
    lab_file().write_text("def (")
    assert "Python cannot read your lab.py (line 1)" in sentence("reset", "1", "to_probs")


def test_what_was_not_understood():
    call("start", "1")
    assert "There is no lab 'lab77': choose lab01" in sentence("check", "lab77")
    assert "There is no lab 'lxb01'" in sentence("start", "lxb01")
    assert "Did you mean 'to_probs'?" in sentence("check", "1", "to_prob")
    assert "lab01 has no exercise 'nothing'" in sentence("hint", "1", "nothing")
    assert "choose 0.1 to 100" in sentence("check", "1", "--slow", 0)
    assert "choose 0 or a positive" in sentence("check", "1", "--seed", -1)
    assert "gradescope-zip lab01" in sentence("labs", "something")
    assert "There is no" in sentence("grade", "nowhere", "--lab", "1")
    lab_file().write_bytes(b"\xff\xfe\xff")
    assert "not UTF-8" in sentence("check", "1")
    lab_file().write_bytes(b"x = 1\n" * 1_000_000)
    assert "a lab takes a few kB" in sentence("check", "1")


def test_our_own_fault_has_a_code_of_its_own(capsys):
    import typer

    @graded
    def broken() -> None:
        raise RuntimeError("three\nlines")

    with pytest.raises(typer.Exit) as caught:
        broken()
    assert caught.value.exit_code == 3
    assert "this is not your fault" in capsys.readouterr().err


def test_a_class(tmp_path):
    folder = tmp_path / "class"
    for name, source in (("ann", SOLUTION.read_text()), ("=bob", find_lab("1").stub), ("carl", "x = ")):
        (folder / name).mkdir(parents=True)
        (folder / name / "lab.py").write_text(source)
    result = call("grade", folder, "--lab", "lab01", "--out", "out", "--seed", 4, "--workers", 2)
    assert result.exit_code == 0
    assert "3 submissions, on average 3.0 of 10 points (seed 4)." in result.stdout
    assert "What they got wrong, the commonest first:" in result.stdout
    rows = (Path("out") / "grades.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["'=bob", "0"], ["ann", "9"], ["carl", "0"]]
    assert sorted(path.parent.name for path in Path("out").glob("*/results.json")) == ["=bob", "ann", "carl"]


def test_watching_checks_again_when_the_file_is_saved(monkeypatch):
    from lmlab.grading import watch

    call("start", "1")
    steps = iter([lambda: lab_file().write_text(SOLUTION.read_text()), lambda: lab_file().write_text("x = (")])

    def sleep(seconds):
        step = next(steps, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    monkeypatch.setattr(watch.changes, "__defaults__", (0.5, sleep))
    result = call("check", "1", "--watch")
    assert result.exit_code == 0
    assert "0 of 10 points" in result.stdout
    assert "9 of 10 points" in result.stdout
    assert "your file cannot be loaded" in result.stdout


def test_every_lab_can_be_started():
    for lab in all_labs():
        started = answer("start", lab.id)
        assert Path(started["file"]).read_text() == lab.stub
