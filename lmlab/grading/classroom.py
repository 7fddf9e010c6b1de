"""Grade what a class handed in: results.json each, one table, and what most of them got wrong.

A submission is a folder or a zip with lab.py and perhaps weights.safetensors; a class is a folder of those. Zips are
read without unpacking them, links are not followed, and names are treated as what they may be: a formula for whoever
opens the table in a spreadsheet.
"""

import csv
import importlib.util
import io
import itertools
import json
import lzma
import os
import secrets
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lmlab.errors import LabError
from lmlab.grading import experiment, gradescope
from lmlab.grading.check import Report, Result, check_file
from lmlab.grading.exercise import Exercise
from lmlab.grading.experiment import WEIGHTS
from lmlab.grading.labs import EXPERIMENT, Lab
from lmlab.grading.progress import write_whole
from lmlab.grading.student import FILE, LARGEST_FILE, LARGEST_WEIGHTS, Work, decoded

DEEPEST = 3  # folders within a submission
LARGEST_ZIP = 50_000_000  # bytes
MOST_FILES = 2000  # of a submission that are looked at
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # how a spreadsheet's formula begins
SHOWN = 10  # mistakes that are printed


@dataclass(frozen=True)
class Graded:
    """One submission: its name, its report, and a remark where something was odd."""

    name: str
    report: Report
    remark: str = ""


@dataclass(frozen=True)
class Class:
    """All graded submissions of a lab, in the order of their names."""

    lab: Lab
    seed: int
    submissions: list[Graded] = field(default_factory=list)

    @property
    def all_passed(self) -> bool:
        """Whether everybody has everything."""
        return all(one.report.passed and not one.remark for one in self.submissions)

    def mistakes(self) -> list[tuple[str, str, int]]:
        """(exercise, what is wrong, how many students), the commonest first."""
        counted: Counter[tuple[str, str]] = Counter()
        for one in self.submissions:
            failed = [result for result in one.report.results if result.status != "passed"]
            if one.remark:
                counted[FILE, one.remark] += 1
            elif failed and all(result.kind == "loading" for result in failed):
                counted[FILE, topic(failed[0])] += 1
            else:
                counted.update({(result.exercise, topic(result)) for result in failed})
        return [(exercise, said, number) for (exercise, said), number in counted.most_common()]

    def to_json(self, out: str) -> dict[str, Any]:
        """What `grade --json` prints."""
        return {
            "lab": self.lab.id,
            "seed": self.seed,
            "out": out,
            "submissions": [
                {
                    "name": one.name,
                    "score": round(one.report.points, 4),
                    "max_score": one.report.max_points,
                    "seconds": round(one.report.seconds, 2),
                    "loss": one.report.loss,
                    "remark": one.remark,
                }
                for one in self.submissions
            ],
            "mistakes": [
                {"exercise": exercise, "sentence": said, "students": number}
                for exercise, said, number in self.mistakes()
            ],
        }

    def lines(self) -> list[str]:
        """What `grade` prints: the points, and the commonest mistakes."""
        if not self.submissions:
            return ["Nothing was handed in."]
        mean = sum(one.report.points for one in self.submissions) / len(self.submissions)
        most = self.submissions[0].report.max_points
        if len(self.submissions) == 1:
            (one,) = self.submissions
            failed = [result for result in one.report.results if result.status != "passed"]
            return [
                f"{one.report.points:g} of {most:g} points (seed {self.seed}). {one.remark}".strip(),
                *(f"{result.exercise} {result.item} | {result.sentence}" for result in failed),
            ]
        lines = [f"{len(self.submissions)} submissions, on average {mean:.1f} of {most:g} points (seed {self.seed})."]
        if self.mistakes():
            lines.append("What they got wrong, the commonest first:")
        for exercise, said, number in self.mistakes()[:SHOWN]:
            lines.append(f"{number:4} {exercise} | {said}")
        return lines


def topic(result: Result) -> str:
    """What a class's summary counts a failure as: sentences that hold somebody's own numbers become one.

    >>> topic(Result("f", "i", "failed", 1, "shape (3, 6), expected (6, 3) (transposed?)", "form"))
    'a wrong type or shape'
    """
    if result.exercise == EXPERIMENT and result.kind == "values":
        return "no weights were handed in" if WEIGHTS in result.sentence[: len(WEIGHTS)] else "the target was missed"
    match result.kind:
        case "form":
            return "a wrong type or shape"
        case "values":
            return "wrong values, by no known mistake"
        case "exception":
            said = result.sentence
            said = said.partition("), got ")[2] if said.startswith("expected a ValueError") else said
            return said.partition(":")[0].partition(" (your line")[0]
        case "loading":
            return "the file cannot be loaded"
        case "limit":
            return result.sentence.partition(" (")[0]
    return result.sentence


def is_single(place: Path) -> bool:
    """Whether a path is one submission: a zip, or a folder with a Python file. Raises `LabError` if it is nothing."""
    if place.is_file():
        if not zipfile.is_zipfile(place) and place.suffix != ".py":
            raise LabError(f"{place} is neither a folder, a zip nor a Python file. Name a submission.")
        return True
    if not place.is_dir():
        raise LabError(f"There is no {place}. Name a submission, or a folder of them.")
    if any((place / name).exists() for name in (FILE, WEIGHTS)):
        return True
    inside = [path for path in place.iterdir() if not path.name.startswith(".")]
    scripts = [path for path in inside if path.suffix == ".py"]
    return len(scripts) == 1 and not any(path.is_dir() or path.suffix == ".zip" for path in inside)


def grade(
    lab: Lab,
    place: Path,
    out: Path,
    *,
    seed: int | None = None,
    extra: Sequence[Exercise] = (),
    slow: float = 1.0,
    workers: int | None = None,
    prefix: Sequence[str] = (),
    done: Callable[[str], None] = lambda name: None,
) -> Class:
    """Grade one submission into the file `out`, or a class into the folder `out`.

    Everybody gets the same seed. `done(name)` is called after each submission.
    """
    seed = secrets.randbits(32) if seed is None else seed
    found = Class(lab, seed)
    assert lab.checked  # raises now what is wrong with the lab
    if lab.experiment is not None:
        experiment.held_out(lab.experiment.context)  # read once, not by each thread

    def one(path: Path, target: Path, name: str) -> Graded:
        try:
            return grade_one(lab, path, target, name, seed, extra, slow, prefix)
        finally:
            done(name)

    def one_of_many(path: Path, target: Path, name: str) -> Graded:
        try:
            return one(path, target, name)
        except Exception as error:  # our own fault with one file must not cost the others their grades
            remark = f"The grading itself failed ({type(error).__name__}: {error}). Grade this one by hand."
            return Graded(name, Report(lab.id, seed, tuple(everything(lab, extra))), remark)

    # Even a folder without a Python file is one submission where a file is to be written: there, nobody has failed.
    if out.suffix == ".json" or is_single(place):
        found.submissions.append(one(place, out, place.stem))
        return found
    paths = sorted(path for path in place.iterdir() if not path.name.startswith(".") and not path.is_symlink())
    paths = [path for path in paths if path.is_dir() or path.suffix in (".zip", ".py")]
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        waiting = [
            pool.submit(one_of_many, path, out / name / "results.json", name)
            for path, name in zip(paths, names_of(paths), strict=True)
        ]
        found.submissions.extend(future.result() for future in waiting)
    write_whole(out / "grades.csv", table(found))
    write_whole(out / "summary.json", json.dumps(found.to_json(str(out)), indent=1))
    return found


def names_of(paths: Sequence[Path]) -> list[str]:
    """A name for each submission, which no other one has and no file of ours; what is no text in a name is spelt out.

    >>> names_of([Path("ann.zip"), Path("grades.csv.zip"), Path("bob")])
    ['ann', 'grades.csv-2', 'bob']
    """
    taken = {"grades.csv", "summary.json"}
    names = []
    for path in paths:
        plain = os.fsencode(path.name if path.is_dir() else path.stem).decode("utf-8", "backslashreplace")
        plain = "".join(letter if letter.isprintable() else "_" for letter in plain) or "_"
        name = next(
            one for n in itertools.count(1) if (one := plain if n == 1 else f"{plain}-{n}").lower() not in taken
        )
        taken.add(name.lower())  # there are systems to which A and a are the same file
        names.append(name)
    return names


def grade_one(
    lab: Lab,
    path: Path,
    target: Path,
    name: str,
    seed: int,
    extra: Sequence[Exercise],
    slow: float,
    prefix: Sequence[str],
) -> Graded:
    """Grade one submission; results.json is there from the beginning and grows, whatever happens."""
    every = everything(lab, extra)
    target.parent.mkdir(parents=True, exist_ok=True)

    def write(results: Sequence[Result], report: Report, note: str) -> None:
        rest = every[len(results) :]
        whole = Report(report.lab, report.seed, (*results, *rest), report.seconds, report.log, report.loss)
        write_whole(target, json.dumps(gradescope.results(lab, whole, note=note, private=True), indent=1))

    empty = Report(lab.id, seed, ())
    write((), empty, "The grading did not finish.")
    try:
        work = read_submission(path)
    except LabError as error:
        nothing = Report(lab.id, seed, tuple(every))
        write((), empty, str(error))
        return Graded(name, nothing, str(error))
    report = check_file(
        lab,
        work.source,
        seed=seed,
        slow=slow,
        weights=work.weights,
        extra=extra,
        prefix=prefix,
        so_far=lambda results: write(results, empty, "The grading did not finish."),
    )
    write(report.results, report, "")
    return Graded(name, report)


def everything(lab: Lab, extra: Sequence[Exercise]) -> list[Result]:
    """A result without points for all that will be checked, in the order of the check."""
    said = "not reached"
    results = [
        Result(one.name, item.name, "failed", item.points, said, "limit", lab.number_of(one.name))
        for one in lab.checked
        for item in one.items
    ]
    results += [
        Result(one.name, item.name, "failed", item.points, said, "limit", extra=True)
        for one in extra
        for item in one.items
    ]
    if lab.experiment is not None:
        item = experiment.item(lab.experiment)
        results.append(
            Result(EXPERIMENT, item, "failed", lab.experiment.points, said, "limit", lab.experiment.number)
        )
    return results


def read_submission(place: Path) -> Work:
    """What somebody handed in: a folder, a zip, or lab.py alone. Raises `LabError` where there is no Python file."""
    if place.is_file() and place.suffix == ".py":
        return _chosen(place, [place.name], lambda name, most: _read(place, most))
    if place.is_file():
        return _from_zip(place, place)
    names = _names_in(place)
    zips = [name for name in names if name.endswith(".zip")]
    if not any(name.endswith(".py") for name in names) and len(zips) == 1:
        return _from_zip(place, place / zips[0])
    return _chosen(place, names, lambda name, most: _read(place / name, most))


def _chosen(place: Path, names: list[str], read: Callable[[str, int], bytes]) -> Work:
    """lab.py and its weights among these names: the two files, and no other, are read, and never more than counts."""
    scripts = sorted((name for name in names if name.endswith(".py")), key=lambda name: (name.count("/"), name))
    chosen = [name for name in scripts if name.split("/")[-1] == FILE] or (scripts if len(scripts) == 1 else [])
    if not chosen:
        raise LabError(f"There is no {FILE} in what was handed in.")
    beside = chosen[0].rpartition("/")[0]
    candidates = [name for name in names if name.split("/")[-1] == WEIGHTS]
    weights = next((name for name in candidates if name.rpartition("/")[0] == beside), None)
    weights = weights or next(iter(sorted(candidates)), None)
    source = decoded(read(chosen[0], LARGEST_FILE + 1), FILE)
    return Work(place, source, None if weights is None else read(weights, LARGEST_WEIGHTS + 1))


def _wanted(name: str) -> bool:
    last = name.split("/")[-1]
    return not last.startswith(".") and "__MACOSX" not in name and (last.endswith((".py", ".zip")) or last == WEIGHTS)


def _names_in(folder: Path) -> list[str]:
    found: list[str] = []
    looked = 0
    for root, inner, names in os.walk(folder, followlinks=False):
        here = Path(root)
        if len(here.relative_to(folder).parts) >= DEEPEST:
            inner.clear()
        for name in sorted(names):
            looked += 1
            path = here / name
            relative = path.relative_to(folder).as_posix()
            if looked <= MOST_FILES and _wanted(relative) and path.is_file() and not path.is_symlink():
                found.append(relative)
    return found


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)


def _from_zip(place: Path, file: Path) -> Work:
    content = _read(file, LARGEST_ZIP + 1)
    if len(content) > LARGEST_ZIP:
        raise LabError(
            f"{file.name} has more than {LARGEST_ZIP / 1e6:.0f} MB: a lab's zip is small. Ask for it again."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as zipped:
            infos = {
                path: info
                for info in zipped.infolist()[:MOST_FILES]
                if _wanted(path := info.filename.replace("\\", "/")) and not (info.is_dir() or path.endswith(".zip"))
            }

            def read(name: str, most: int) -> bytes:
                with zipped.open(infos[name]) as inside:  # reads no more than this, whatever the zip says
                    return inside.read(most)

            return _chosen(place, list(infos), read)
    except LabError:
        raise
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, OSError, EOFError,
            ValueError) as error:  # fmt: skip
        raise LabError(f"{file.name} cannot be unpacked ({type(error).__name__}). Ask for it again.") from None


def load_extra(file: Path, lab: Lab) -> tuple[Exercise, ...]:
    """Your own EXERCISES from a Python file outside the repository. Raises `LabError` where there are none."""
    spec = importlib.util.spec_from_file_location("lmlab_private_checks", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise LabError(f"There is no Python file {file}. Name one with a list EXERCISES.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise LabError(f"{file.name} cannot be loaded ({type(error).__name__}: {error}). Mend it first.") from None
    found = getattr(module, "EXERCISES", None)
    if not isinstance(found, list | tuple) or not all(isinstance(one, Exercise) for one in found) or not found:
        raise LabError(f"{file.name} has no list EXERCISES of exercises. See labs/README.md for its form.")
    return tuple(found)


def table(found: Class) -> str:
    """One line a student as CSV: points in all and of each exercise, the loss, seconds, and the first problem."""
    names = [text.name for text in found.lab.exercises]
    names += [EXPERIMENT] if found.lab.experiment is not None else []
    rest = any(result.extra for one in found.submissions for result in one.report.results)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["name", "points", "of", *names, *(["extra"] if rest else []), "loss", "seconds", "remark"])
    for one in found.submissions:
        report = one.report
        own = [sum(r.points for r in report.of(name) if not r.extra) for name in names]
        extra = [sum(r.points for r in report.results if r.extra)] if rest else []
        first = next((f"{r.exercise}: {r.sentence}" for r in report.results if r.status != "passed"), "")
        writer.writerow(
            [
                harmless(one.name),
                *(f"{number:g}" for number in (report.points, report.max_points, *own, *extra)),
                "" if report.loss is None else f"{report.loss:.4f}",
                f"{report.seconds:.1f}",
                harmless(one.remark or first),
            ]
        )
    return written.getvalue()


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: with an apostrophe in front where it begins like one.

    >>> harmless("=HYPERLINK(1)"), harmless(" +1"), harmless("Ann")
    ("'=HYPERLINK(1)", "' +1", 'Ann')
    """
    text = "".join(letter if letter.isprintable() or letter in "\t\r\n" else " " for letter in text)
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text
