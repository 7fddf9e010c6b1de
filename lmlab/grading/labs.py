"""Find the labs and read what their lab.toml says.

    labs/lab01_counting/lab.toml, lab.py, README.md and a picture

`labs/` stands beside the package in a checkout and inside it where it is installed, so that a lab can be started
without a clone.
"""

import ast
import importlib
import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import lmlab
from lmlab.errors import LabError, nearest
from lmlab.grading.exercise import Exercise

HINTS = 3


@dataclass(frozen=True)
class ExerciseText:
    """What lab.toml says of an exercise: its name, its number ("1.2") and three hints."""

    name: str
    number: str
    hints: tuple[str, ...]


@dataclass(frozen=True)
class ExperimentText:
    """The open experiment: the limits of what is handed in, and the loss that earns the points.

    `context` is how many letters `predict` is shown, `parameters` how many numbers the weights may have, `target`
    the highest loss in nats per character that earns `points`, `seconds` how long training may take at home.
    """

    task: str
    context: int
    parameters: int
    target: float
    points: float = 1.0
    seconds: int = 60
    number: str = ""


@dataclass(frozen=True)
class NumberAnswer:
    """A box for a number: `value` names the function in the checks module's ANSWERS that computes the right one."""

    question: str
    unit: str
    tolerance: float
    value: str


@dataclass(frozen=True)
class Lab:
    """One lab, as its folder describes it."""

    id: str
    folder: Path
    title: str
    minutes: int
    points: float
    summary: str
    exercises: tuple[ExerciseText, ...]
    experiment: ExperimentText | None = None
    answers: tuple[NumberAnswer, ...] = ()
    needs: tuple[str, ...] = ()
    """Libraries beyond numpy that the file imports."""
    late: tuple[str, ...] = ()
    """Those that it imports inside a function only: most processes of a check do without them."""
    memory: int = 1024
    network: bool = False
    files: tuple[str, ...] = field(default=(), repr=False)

    @property
    def number(self) -> int:
        """7 for lab07."""
        return int(self.id.removeprefix("lab"))

    @property
    def stub(self) -> str:
        """The text of lab.py as students get it."""
        return (self.folder / "lab.py").read_text("utf-8")

    @property
    def readme(self) -> str:
        """The statement."""
        return (self.folder / "README.md").read_text("utf-8")

    @cached_property
    def checks(self) -> ModuleType:
        """The module with `EXERCISES`, `NUMBERS` and `ANSWERS`; importing it may take a moment."""
        return importlib.import_module(f"lmlab.grading.checks.{self.id}")

    @cached_property
    def checked(self) -> tuple[Exercise, ...]:
        """What is checked, in the order of lab.toml. Raises `LabError` where the two files disagree."""
        by_name = {exercise.name: exercise for exercise in self.checks.EXERCISES}
        names = [text.name for text in self.exercises]
        if set(by_name) != set(names):
            raise LabError(
                f"{self.id}: lab.toml has the exercises {', '.join(names)} and the checks have "
                f"{', '.join(by_name)}. Give both the same names."
            )
        total = sum(exercise.points for exercise in by_name.values())
        total += self.experiment.points if self.experiment else 0
        if abs(total - self.points) > 1e-9:
            raise LabError(
                f"{self.id}: lab.toml says {self.points:g} points, the items and the experiment add up to {total:g}. "
                "Change one of them."
            )
        return tuple(by_name[name] for name in names)

    def number_of(self, exercise: str) -> str:
        """The number of an exercise ("1.2"), empty where lab.toml does not know it."""
        return next((text.number for text in self.exercises if text.name == exercise), "")

    def text_of(self, exercise: str) -> ExerciseText:
        """What lab.toml says of an exercise. Raises `LabError` where there is no such exercise."""
        for text in self.exercises:
            if text.name == exercise:
                return text
        names = [text.name for text in self.exercises]
        raise LabError(
            f"{self.id} has no exercise '{exercise}': choose {', '.join(names)}.{nearest(exercise, names)}"
        )


def labs_folder() -> Path:
    """Where the labs are: beside the package in a checkout, inside it where it is installed."""
    package = Path(lmlab.__file__).parent
    for place in (package.parent / "labs", package / "labs"):
        if any(place.glob("lab*/lab.toml")):
            return place
    raise LabError("The labs are not there: install lmlab again, or work in a checkout of its repository.")


def all_labs() -> list[Lab]:
    """Every lab, in order."""
    return [read_lab(path.parent) for path in sorted(labs_folder().glob("lab[0-9][0-9]_*/lab.toml"))]


def find_lab(name: str) -> Lab:
    """A lab by its name: `lab07`, `lab7`, `7` or `lab07_recurrent`. Raises `LabError` where there is none.

    >>> find_lab("lab1").id, find_lab("1").folder.name
    ('lab01', 'lab01_counting')
    """
    folders = sorted(path.parent for path in labs_folder().glob("lab[0-9][0-9]_*/lab.toml"))
    wanted = re.fullmatch(r"(?:lab)?_?0*(\d{1,2})(?:_\w+)?", name.strip().lower(), re.ASCII)
    for folder in folders:
        if wanted and int(folder.name[3:5]) == int(wanted[1]):
            return read_lab(folder)
    names = [folder.name[:5] for folder in folders]
    raise LabError(f"There is no lab '{name[:40]}': choose {', '.join(names)}.{nearest(name, names)}")


def read_lab(folder: Path) -> Lab:
    """Read lab.toml. Raises `LabError` that names the file and the field that is missing or wrong."""
    place = f"{folder.name}/lab.toml"
    try:
        data = tomllib.loads((folder / "lab.toml").read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LabError(f"{place} cannot be read: {error}.") from None
    try:
        exercises = tuple(
            ExerciseText(_text(one, "name"), _text(one, "number"), tuple(str(hint).strip() for hint in one["hints"]))
            for one in data["exercise"]
        )
        experiment = data.get("experiment")
        return Lab(
            id=folder.name[:5],
            folder=folder,
            title=_text(data, "title"),
            minutes=int(data["minutes"]),
            points=float(data["points"]),
            summary=_text(data, "summary"),
            exercises=exercises,
            experiment=None if experiment is None else _experiment(experiment),
            answers=tuple(
                NumberAnswer(_text(one, "question"), _text(one, "unit"), float(one["tolerance"]), _text(one, "value"))
                for one in data.get("answer", [])
            ),
            needs=tuple(name for name in data.get("needs", []) if name != "numpy"),
            late=tuple(data.get("late", [])),
            memory=int(data.get("memory", 1024)),
            network=bool(data.get("network", False)),
            files=tuple(sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != "lab.toml")),
        )
    except KeyError as error:
        raise LabError(f"{place} has no field {error}.") from None
    except (TypeError, ValueError) as error:
        raise LabError(f"{place} has a field that cannot be read: {error}.") from None


def _text(table: dict[str, Any], name: str) -> str:
    value = table[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r} and should be a text")
    return value.strip()


def _experiment(table: dict[str, Any]) -> ExperimentText:
    return ExperimentText(
        task=_text(table, "task"),
        context=int(table["context"]),
        parameters=int(table["parameters"]),
        target=float(table["target"]),
        points=float(table.get("points", 1)),
        seconds=int(table.get("seconds", 60)),
        number=str(table.get("number", "")),
    )


def fingerprint(source: str, exercise: str, names: list[str]) -> str:
    """A text that changes when a change of the file can matter to an exercise; comments and layout do not.

    That is its function, everything in the file that is no exercise's function (imports, helpers), and the exercises
    whose names appear in these. A file that Python cannot read is its own fingerprint.

    >>> first = fingerprint("def f(): return 1\\ndef g(): return 2", "f", ["f", "g"])
    >>> first == fingerprint("def f(): return 1  # one\\ndef g(): return 3", "f", ["f", "g"])
    True
    >>> first == fingerprint("def f(): return g()\\ndef g(): return 3", "f", ["f", "g"])
    False
    """
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    functions = {one.name: one for one in statements if isinstance(one, ast.FunctionDef) and one.name in names}
    others = [one for one in statements if not (isinstance(one, ast.FunctionDef) and one.name in names)]
    wanted = {exercise}
    todo: list[ast.AST] = [*others, *([functions[exercise]] if exercise in functions else [])]
    dumped = []
    while todo:
        statement = todo.pop()
        try:
            dumped.append(ast.dump(statement))
        except RecursionError:  # a sum of thousands of terms
            return source
        used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)} - wanted
        for name in sorted(used & set(functions)):
            wanted.add(name)
            todo.append(functions[name])
    return "\n".join(sorted(dumped))
