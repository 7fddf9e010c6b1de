"""A student's own folder of a lab: starting it, finding it, reading it, and putting a stub back."""

import ast
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lmlab.errors import LabError
from lmlab.grading.experiment import WEIGHTS
from lmlab.grading.labs import Lab, labs_folder

FILE = "lab.py"
LARGEST_FILE = 1_000_000  # bytes of a lab.py
LARGEST_WEIGHTS = 20_000_000


@dataclass(frozen=True)
class Work:
    """What a student has in a folder: the text of lab.py and, if they are there, the weights of the experiment."""

    folder: Path
    source: str
    weights: bytes | None

    @property
    def file(self) -> Path:
        """Where lab.py is."""
        return self.folder / FILE


def start(lab: Lab, folder: Path) -> tuple[Path, list[str]]:
    """Copy a lab's files into a folder; the path of the new lab.py, and the names of the files that were written.

    A student's file is never overwritten: where lab.py is there and was changed, the stub becomes lab.new.py. The
    statement and its picture are ours and are written again.
    """
    target = folder / FILE
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in lab.files:
            if name != FILE:
                shutil.copyfile(lab.folder / name, folder / name)
                written.append(name)
        if target.exists():
            if target.read_bytes() == (lab.folder / FILE).read_bytes():
                return target, [*written, FILE]
            target = folder / "lab.new.py"
        shutil.copyfile(lab.folder / FILE, target)
    except OSError as error:
        why = error.strerror or str(error)
        raise LabError(f"The lab cannot be started in {folder}: {why}. Choose another folder.") from None
    return target, [*written, target.name]


def find(lab: Lab, given: Path | None) -> Path:
    """The folder with the student's lab.py: the given one, this one if it is this lab's, or the one that start made.

    Raises `LabError` with the way to begin where there is none.
    """
    if given is not None:
        folder = given.parent if given.name == FILE else given
        if (folder / FILE).is_file():
            return folder
        raise LabError(f"There is no {FILE} in {folder}. Begin with: python -m lmlab start {lab.id} {folder}")
    here = Path.cwd()
    for folder in (here, here / lab.folder.name, here / lab.id):
        if folder.parent != labs_folder() and (folder / FILE).is_file() and belongs(folder / FILE, lab):
            return folder
    raise LabError(f"There is no {lab.folder.name}/{FILE} here. Begin with: python -m lmlab start {lab.id}")


def belongs(file: Path, lab: Lab) -> bool:
    """Whether a lab.py is this lab's: its folder has the lab's name, or it defines one of the lab's functions."""
    if file.parent.name in (lab.folder.name, lab.id):
        return True
    text = read_text(file)
    return any(f"def {exercise.name}(" in text for exercise in lab.exercises)


def read(folder: Path) -> Work:
    """What a student has in a folder. Raises `LabError` where lab.py cannot be read."""
    place = folder / WEIGHTS
    weights = None
    if place.is_file():
        if place.stat().st_size > LARGEST_WEIGHTS:
            raise LabError(f"{WEIGHTS} has {place.stat().st_size / 1e6:.0f} MB. Save only the arrays that count.")
        weights = place.read_bytes()
    return Work(folder, read_text(folder / FILE), weights)


def read_text(file: Path) -> str:
    """The text of a student's file. Raises `LabError` where it is no text."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise LabError(f"{file} cannot be read: {error.strerror}. Check its permissions.") from None
    return decoded(content, file.name)


def decoded(content: bytes, name: str) -> str:
    """The text of a file's content. Raises `LabError` where it is none, or far too long for a lab."""
    if len(content) > LARGEST_FILE:
        raise LabError(f"{name} has {len(content) / 1e6:.1f} MB: a lab takes a few kB. Is it the right file?")
    if b"\0" in content:
        raise LabError(f"{name} holds zero bytes, as UTF-16 has them. Save it as UTF-8 and check again.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabError(f"{name} is not UTF-8 (byte {error.start + 1}). Save it as UTF-8 and check again.") from None


def reset(source: str, stub: str, function: str) -> str:
    """A student's file with the stub of one function put back; the rest stays as it is.

    >>> print(reset("import os\\ndef f(x):\\n    return x\\ny = 1\\n", "def f(x):\\n    raise Error\\n", "f"), end="")
    import os
    def f(x):
        raise Error
    y = 1

    Where the student's file has no such function, the stub is added at the end. Raises `LabError` where Python cannot
    read the file.
    """
    original = _span(stub, function)
    assert original is not None, f"the stub has no {function}"
    text = stub.splitlines(keepends=True)[slice(*original)]
    if not text[-1].endswith("\n"):
        text[-1] += "\n"
    lines = source.splitlines(keepends=True)
    try:
        found = _span(source, function)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno else ""
        raise LabError(f"Python cannot read your {FILE}{line}, so nothing can be reset. Mend that first.") from None
    if found is None:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        return "".join([*lines, "\n\n", *text])
    return "".join([*lines[: found[0]], *text, *lines[found[1] :]])


def leftovers(source: str, names: Sequence[str]) -> dict[str, str]:
    """What may be wrong with functions that say "not implemented" although there is code in them; nothing is said of
    a file that Python cannot read.

    >>> leftovers("def f(x):\\n    y = x\\n    raise NotImplementedError\\n", ["f"])
    {'f': 'there is code in it, but line 3 still raises NotImplementedError; delete that line'}
    >>> leftovers("def f(x):\\n    return x\\ndef f(x):\\n    raise NotImplementedError\\n", ["f"])
    {'f': 'it is defined twice, in lines 1 and 3, and the last one counts; delete the other one'}
    """
    found: dict[str, str] = {}
    try:
        functions = [one for one in ast.parse(source).body if isinstance(one, ast.FunctionDef)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    for name in names:
        own = [one for one in functions if one.name == name]
        if len(own) > 1:
            first, last = own[0].lineno, own[-1].lineno
            said = f"it is defined twice, in lines {first} and {last}, and the last one counts; delete the other one"
            found[name] = said
        elif own:
            leftover = [one for one in own[0].body if isinstance(one, ast.Raise)]
            written = [one for one in own[0].body if not isinstance(one, ast.Raise | ast.Expr)]
            if leftover and written:
                line = leftover[-1].lineno
                said = f"there is code in it, but line {line} still raises NotImplementedError; delete that line"
                found[name] = said
    return found


def _span(source: str, function: str) -> tuple[int, int] | None:
    """The lines of a function from its first decorator on, counted from 0; None where there is no such function."""
    for one in ast.parse(source).body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == function:
            begin = min([one.lineno, *(decorator.lineno for decorator in one.decorator_list)]) - 1
            return begin, one.end_lineno or one.lineno
    return None
