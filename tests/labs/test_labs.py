"""Every lab, whatever it teaches: its stub, its solution, its mistakes, its hints and its numbers.

LMLAB_LAB_SEEDS=20 checks each solution on twenty seeds instead of one.
"""

import ast
import contextlib
import os
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from lmlab.data.corpus import load_corpus
from lmlab.grading import wire
from lmlab.grading.check import Plain, check_exercise, check_file
from lmlab.grading.labs import HINTS, Lab, all_labs, find_lab, labs_folder, read_lab
from lmlab.grading.reference import reference

SOLUTIONS = Path(__file__).parent / "solutions"
OTHERS = Path(__file__).parent / "others"
SEEDS = range(1, 1 + int(os.environ.get("LMLAB_LAB_SEEDS", "1")))
LABS: dict[str, Lab] = {}
BROKEN: dict[str, Exception] = {}
for folder in sorted(labs_folder().glob("lab[0-9][0-9]_*")):
    # A lab that is half written fails alone, and the others can be tested.
    try:
        found = read_lab(folder)
        assert found.checked
        LABS[found.id] = found
    except Exception as error:
        BROKEN[folder.name[:5]] = error
MISTAKES = [
    pytest.param(lab, exercise, wrong, id=f"{lab.id}-{exercise.name}-{number}")
    for lab in LABS.values()
    for exercise in lab.checked
    for number, wrong in enumerate(exercise.wrong)
]
MOST_SECONDS = 5  # of a check, which `lmlab bench check` measures; a core that two share computes twice as long
WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 8: "eight"}
SHORTEST_LINE = 12  # characters; shorter lines such as `return p` may stand anywhere

each_lab = pytest.mark.parametrize("lab", LABS.values(), ids=LABS)


def solution(lab: Lab) -> str:
    return (SOLUTIONS / f"{lab.id}.py").read_text("utf-8")


@cache
def trained(lab_id: str) -> bytes | None:
    """The weights of the solution's experiment, which its function `weights(names)` makes in a few seconds."""
    lab = LABS[lab_id]
    if lab.experiment is None:
        return None
    space = {}
    exec(compile(solution(lab), "solution", "exec"), space)
    return save(space["weights"](load_corpus("names").part("train")))


def computing() -> float:
    """Seconds of computing by this process and the ones it waited for; a busy machine does not count."""
    return sum(os.times()[:4])


def functions(source: str) -> dict[str, ast.FunctionDef]:
    return {one.name: one for one in ast.parse(source).body if isinstance(one, ast.FunctionDef)}


@pytest.mark.parametrize("name", [*LABS, *BROKEN])
def test_the_lab_can_be_read(name):
    if name in BROKEN:
        raise BROKEN[name]


@each_lab
def test_of_the_stub_nothing_is_started(lab):
    begin = computing()
    report = check_file(lab, lab.stub)
    assert computing() - begin < 2 * MOST_SECONDS
    assert {result.sentence for result in report.results} == {"not started"}
    assert {result.status for result in report.results} == {"not started"}
    assert report.points == 0


@each_lab
@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_gets_full_marks(lab, seed):
    weights = trained(lab.id)
    begin = computing()
    report = check_file(lab, solution(lab), seed=seed, weights=weights)
    assert computing() - begin < 2 * MOST_SECONDS
    assert [result for result in report.results if result.status != "passed"] == []
    assert report.points == pytest.approx(lab.points)
    if lab.experiment:
        assert report.loss <= lab.experiment.target


@each_lab
def test_the_solution_stays_right_however_often_arguments_are_drawn(lab):
    space = {}
    exec(compile(solution(lab), "solution", "exec"), space)
    for seed in range(100, 110):
        for exercise in lab.checked:
            found = check_exercise(exercise, Plain(space, probing=True), seed)
            assert [one for one in found if one.status != "passed"] == []


@pytest.mark.parametrize(("lab", "exercise", "wrong"), MISTAKES)
def test_each_mistake_gets_its_own_sentence_and_no_other(lab, exercise, wrong):
    assert wrong.says
    assert "\n" not in wrong.says
    assert not wrong.says.startswith("almost")
    assert not wrong.says.endswith(".")
    assert [one.says for one in exercise.wrong].count(wrong.says) == 1
    for seed in SEEDS:
        found = check_exercise(exercise, Plain({exercise.name: wrong.version}), seed)
        said = {result.sentence for result in found if result.status != "passed"}
        # Whoever makes it may also have forgotten what has to be refused, and is told so beside it.
        forgotten = {sentence for sentence in said if sentence.startswith("expected a ValueError (")}
        assert said - forgotten == {f"almost: {wrong.says}"}, f"seed {seed}"


@each_lab
def test_mistakes_that_nobody_listed_get_a_sentence_too(lab):
    space = {}
    exec((OTHERS / f"{lab.id}.py").read_text("utf-8"), space)
    tried = 0
    for exercise, versions in space["OTHERS"].items():
        for version in versions:
            tried += 1
            report = check_file(lab, lab.stub + version, only=[exercise], seed=tried)
            assert report.results, exercise
            for result in report.results:
                assert result.kind != "loading", result.sentence
                assert bool(result.sentence) == (result.status != "passed")
                assert not re.search(r"Traceback|lmlab/|/tmp|\n", result.sentence), result.sentence
    assert tried >= 5


@pytest.mark.parametrize(
    "lab", [one for one in LABS.values() if one.id in ("lab06", "lab07")], ids=lambda lab: lab.id
)
def test_gradients_of_almost_nothing_are_not_taken_for_right_ones(lab):
    """Each is judged from the student's own one before it: from nothing, nothing would follow rightly."""
    (exercise,) = [one for one in lab.checked if one.name in ("backward", "bptt")]

    def tiny(*args):
        return {key: np.full_like(value, 1e-12) for key, value in exercise.answer(*args).items()}

    assert sum(one.points for one in check_exercise(exercise, Plain({exercise.name: tiny}), seed=1)) == 0


@each_lab
def test_each_exercise_lists_mistakes(lab):
    assert all(exercise.wrong for exercise in lab.checked), "an exercise without a known mistake"
    assert len([wrong for exercise in lab.checked for wrong in exercise.wrong]) >= 5


@each_lab
def test_arguments_are_data(lab):
    for exercise in lab.checked:
        for item in exercise.items:
            args = item.draw(np.random.default_rng(1))
            assert isinstance(args, tuple)
            wire.decode(wire.encode(args))
            assert item.points > 0


def sizes(value) -> list[float]:
    """The absolute values of all decimal numbers in an answer."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [size for item in value for size in sizes(item)]
    if isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
        found = np.abs(np.asarray(value, dtype=float)).ravel()
        return found[np.isfinite(found)].tolist()
    return []


@each_lab
def test_the_tolerance_is_far_below_what_is_compared(lab):
    for exercise in lab.checked:
        for item in exercise.items:
            found = []
            for seed in range(5):
                with contextlib.suppress(ValueError):  # what is to be refused
                    found.append(max(sizes(exercise.answer(*item.draw(np.random.default_rng(seed)))), default=0))
            if max(found, default=0) > 0:
                assert max(found) > 1000 * item.tolerance, f"{exercise.name} {item.name}"


@each_lab
def test_lab_toml(lab):
    assert lab.points == pytest.approx(10)
    assert 45 <= lab.minutes <= 90
    assert lab.title
    assert lab.summary.endswith(".")
    assert [text.name for text in lab.exercises] == [exercise.name for exercise in lab.checked]
    for place, text in enumerate(lab.exercises, start=1):
        assert text.number == f"{lab.number}.{place}"
        assert len(text.hints) == HINTS
        assert len(set(text.hints)) == HINTS
        assert all(len(hint) >= 20 for hint in text.hints)
    if lab.experiment is not None:
        assert lab.experiment.points == 1
        assert lab.experiment.parameters > 0
        assert lab.experiment.task.endswith(".")
    for answer in lab.answers:
        assert answer.question.endswith("?")
        assert np.isfinite(lab.checks.ANSWERS[answer.value]())
        assert answer.tolerance > 0
    assert set(getattr(lab.checks, "ANSWERS", {})) == {answer.value for answer in lab.answers}


@each_lab
def test_the_stub_states_its_contracts(lab):
    source = lab.stub
    found = functions(source)
    names = [text.name for text in lab.exercises] + (["predict"] if lab.experiment else [])
    assert [name for name in found if name in names] == names, "the functions stand in the order of lab.toml"
    for name in names:
        said = ast.get_docstring(found[name])
        assert said, name
        assert "->" in said or "Returns" in said, f"{name}: what comes back, with its shape"
        assert "Example" in said, f"{name}: a worked example"
        last = found[name].body[-1]
        assert isinstance(last, ast.Raise), name
        assert ast.unparse(last) == "raise NotImplementedError", name
        assert len(found[name].body) == 2, f"{name}: the body is empty"
    assert source.count("# YOUR CODE HERE") == len(names)
    assert "# %%" in source
    assert max(len(line) for line in source.splitlines()) <= 118


def refuses(exercise) -> bool:
    """Whether an item asks for something that has to be refused."""
    for item in exercise.items:
        for seed in range(3):
            try:
                exercise.answer(*item.draw(np.random.default_rng(seed)))
            except ValueError:
                return True
    return False


@each_lab
def test_every_contract_says_what_is_refused(lab):
    names = {text.name for text in lab.exercises} | {"predict"}
    for name, function in functions(lab.stub).items():
        if name in names:
            said = " ".join((ast.get_docstring(function) or "").split())
            assert re.search(r"Raises|has to be refused", said), f"{name}: what raises ValueError"
            if name != "predict":
                (exercise,) = [one for one in lab.checked if one.name == name]
                assert ("Raises ValueError" in said) == refuses(exercise), f"{name}: says and asks different things"


@each_lab
def test_points_and_minutes_are_the_same_everywhere(lab):
    """The headings of lab.py say points and minutes; those of all exercises and the experiment fit into the lab."""
    pattern = rf"^# ## {lab.number}\.(\d+) .+ \(([\d.]+) points?, (\d+) minutes\)$"
    headings = re.findall(pattern, lab.stub, re.MULTILINE)
    points = [exercise.points for exercise in lab.checked]
    if lab.experiment is not None:
        points.append(lab.experiment.points)
    assert [int(place) for place, _, _ in headings] == list(range(1, 1 + len(points)))
    assert [float(said) for _, said, _ in headings] == pytest.approx(points)
    assert lab.minutes - 15 <= sum(int(minutes) for _, _, minutes in headings) <= lab.minutes
    assert f"\n{lab.minutes} minutes, {lab.points:g} points." in lab.readme


@each_lab
def test_the_limits_of_the_experiment_are_the_same_everywhere(lab):
    """As they stand in lab.toml they stand in README.md and in lab.py: numbers, loss, context, and training time."""
    if lab.experiment is None:
        return
    toml = (lab.folder / "lab.toml").read_text("utf-8")
    (target,) = re.findall(r"^target = (.+)$", toml, re.MULTILINE)
    numbers = f"at most {lab.experiment.parameters:,} numbers"
    readme = " ".join(lab.readme[lab.readme.index("**The experiment.**") :].split())
    begin = lab.stub.index(f"# ## {lab.experiment.number} ")
    stub = " ".join(lab.stub[begin : lab.stub.index("# YOUR CODE HERE", begin)].replace("\n#", "\n").split())
    for name, text in (("README.md", readme), ("lab.py", stub)):
        assert numbers in text.replace("At most", "at most"), f"{name}: {numbers}"
        assert re.search(rf"(?<![\d.,]){re.escape(target)}(?!\d)", text), f"{name}: the point is for {target}"
    assert numbers in lab.experiment.task.replace("At most", "at most")
    assert f"contexts : (B, {lab.experiment.context}) int array" in stub
    context = WORDS.get(lab.experiment.context, str(lab.experiment.context))
    assert f"{context} symbols before each place" in readme.replace("**", "")
    assert lab.experiment.seconds == 60
    timed = ["a minute of training" in text for text in (lab.experiment.task, readme, stub)]
    assert len(set(timed)) == 1, "the training time"
    assert not re.search(r"longer training|train(ing)? longer", lab.readme + lab.stub)


@each_lab
def test_no_line_of_the_solution_stands_in_the_stub(lab):
    stub = {line.strip() for line in lab.stub.splitlines()}
    given = re.compile(r"import |from |def |class |@|#|\"\"\"|else:|return$")
    for name, function in functions(solution(lab)).items():
        if name not in {text.name for text in lab.exercises} | {"predict"}:
            continue
        for statement in function.body:
            for line in ast.unparse(statement).splitlines():
                text = line.strip()
                if len(text) >= SHORTEST_LINE and not given.match(text):
                    assert text not in stub, f"{name}: {text}"


@each_lab
def test_the_numbers_of_the_readme_are_computed(lab):
    said = re.findall(r"<!-- n: (\w+) -->(.*?)<!-- /n -->", lab.readme, re.DOTALL)
    assert said, "the README has computed numbers"
    for name, text in said:
        assert text == lab.checks.NUMBERS[name](), name
    assert {name for name, _ in said} == set(lab.checks.NUMBERS)


@each_lab
def test_the_readme_has_a_picture_and_a_prediction(lab):
    (picture,) = set(re.findall(r"!\[[^\]]{20,}\]\(([\w.]+)\)", lab.readme))
    assert (lab.folder / picture).is_file()
    assert (lab.folder / picture).stat().st_size < 100_000
    if hasattr(lab.checks, "picture"):
        assert (lab.folder / picture).read_text("utf-8") == lab.checks.picture()
    assert "predict" in lab.readme.lower()
    for heading in ("## The idea", "## What to do", "## What you should see", "## Predict first"):
        assert heading in lab.readme, heading
    assert lab.title in lab.readme.splitlines()[0]


def test_what_teachers_are_told_names_exercises_of_the_right_labs():
    readme = (labs_folder() / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (\d\d) \| (.+) \|$", readme, re.MULTILINE))
    assert sorted(rows) == [lab.id.removeprefix("lab") for lab in all_labs()]
    for number, row in rows.items():
        known = {exercise.name for exercise in find_lab(number).exercises}
        named = {word for word in re.findall(r"`(\w+)`", row) if "_" in word or word in known} - {"keepdims"}
        assert named & known
        assert named <= known, (number, named - known)


@each_lab
def test_the_answer_that_is_shown_is_whole_and_right(lab):
    """What `show` prints runs by itself, below the imports of the checks."""
    source = Path(lab.checks.__file__).read_text("utf-8")
    imports = [one for one in ast.parse(source).body if isinstance(one, ast.Import | ast.ImportFrom)]
    for exercise in lab.checked:
        text = reference(lab, exercise)
        if exercise.probe or exercise.answer.__name__ not in functions(text):
            continue  # the probe gives it other arguments; an expression
        space = {}
        exec("\n".join([*map(ast.unparse, imports), text]), space)
        found = check_exercise(exercise, Plain({exercise.name: space[exercise.answer.__name__]}), seed=1)
        assert [one.sentence for one in found if one.status != "passed"] == []
