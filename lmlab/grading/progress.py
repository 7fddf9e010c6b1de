"""What a student has reached, in `.lmlab/progress.json` beside lab.py.

For each exercise: its last results, how often it was tried, how many hints were shown, and whether the answer was.
A result holds as long as the fingerprint of the code that it depends on does; only what changed is checked again. The
file is a convenience of the student's and nobody grades by it.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import lmlab
from lmlab.errors import LabError
from lmlab.grading.check import STATUSES, Report, Result, check_file
from lmlab.grading.labs import EXPERIMENT, Lab, fingerprint

SCHEMA = 1
PLACE = Path(".lmlab") / "progress.json"
ATTEMPTS = 3  # tries after which the answer is shown without giving up


@dataclass
class Entry:
    """The state of one exercise."""

    fingerprint: str = ""
    attempts: int = 0
    hints: int = 0
    revealed: bool = False
    results: list[Result] = field(default_factory=list)
    loss: float | None = None

    @property
    def status(self) -> str:
        """`passed`, `failed`, `not started`, or `revealed` where the answer was shown."""
        if self.revealed:
            return "revealed"
        found = {result.status for result in self.results}
        return "passed" if found == {"passed"} else "failed" if found - {"not started"} else "not started"

    @property
    def is_unsure(self) -> bool:
        """Whether the same code may come out differently: nothing is known, or a limit of time or memory was met."""
        return not self.results or any(result.kind in ("limit", "loading") for result in self.results)

    @property
    def points(self) -> float:
        """Points of the results; none where the answer was shown."""
        return 0.0 if self.revealed else sum(result.points for result in self.results)


@dataclass
class Progress:
    """The states of a lab's exercises."""

    lab: str
    exercises: dict[str, Entry] = field(default_factory=dict)

    def of(self, exercise: str) -> Entry:
        """The state of an exercise, made where there was none."""
        return self.exercises.setdefault(exercise, Entry())

    @property
    def revealed(self) -> set[str]:
        """The exercises whose answers were shown."""
        return {name for name, entry in self.exercises.items() if entry.revealed}

    @property
    def points(self) -> float:
        """Points of all exercises."""
        return sum(entry.points for entry in self.exercises.values())


def load(folder: Path, lab: str) -> Progress:
    """The progress kept in a student's folder; empty where there is none or where it cannot be read.

    Raises `LabError` where a newer lmlab wrote it.
    """
    try:
        data = json.loads((folder / PLACE).read_text("utf-8"))
        if data["schema"] > SCHEMA:
            raise LabError(f"{folder / PLACE} was written by a newer lmlab. Update lmlab, or delete the file.")
        if data["lab"] != lab:
            return Progress(lab)
        return Progress(lab, {str(name): _entry(entry) for name, entry in data["exercises"].items()})
    except LabError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Progress(lab)


def _entry(data: dict[str, Any]) -> Entry:
    results = [Result(**result) for result in data["results"]]
    if not all(result.status in STATUSES and result.max_points >= 0 for result in results):
        raise ValueError("a result that no check makes")
    loss = data["loss"]
    return Entry(
        str(data["fingerprint"]),
        int(data["attempts"]),
        int(data["hints"]),
        bool(data["revealed"]),
        results,
        None if loss is None else float(loss),
    )


def save(folder: Path, progress: Progress) -> None:
    """Write the progress; a reader sees the old file or the new one, never half of one."""
    place = folder / PLACE
    data = {
        "schema": SCHEMA,
        "lab": progress.lab,
        "exercises": {name: asdict(entry) for name, entry in progress.exercises.items()},
    }
    write_whole(place, json.dumps(data, indent=1))


def write_whole(place: Path, text: str) -> None:
    """Write a file by replacing it. Raises `LabError` where that is not possible."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=".new-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, place)
    except OSError as error:
        why = error.strerror or str(error)
        raise LabError(f"{place.name} cannot be written in {place.parent}: {why}. Choose another folder.") from None


def current(lab: Lab, source: str, weights: bytes | None) -> dict[str, str]:
    """For each exercise a hash of all that its results depend on: the code, the checks and the weights."""
    names = [text.name for text in lab.exercises]
    checks = Path(lab.checks.__file__ or "").read_bytes()
    base = hashlib.sha256(lmlab.__version__.encode() + checks)
    hashes = {}
    for name in [*names, *([EXPERIMENT] if lab.experiment else [])]:
        code = fingerprint(source, "predict" if name == EXPERIMENT else name, [*names, "predict"])
        hashed = base.copy()
        hashed.update(code.encode("utf-8", "surrogatepass"))
        if name == EXPERIMENT:
            hashed.update(weights or b"")
        hashes[name] = hashed.hexdigest()
    return hashes


def check_changed(
    lab: Lab,
    folder: Path,
    source: str,
    weights: bytes | None,
    *,
    only: Collection[str] | None = None,
    again: bool = False,
    seed: int | None = None,
    slow: float = 1.0,
) -> tuple[Report, set[str]]:
    """Check what changed since the last time, keep the results, and return all of them with the names checked now.

    `only` limits it to some exercises, `again` checks them although nothing changed.
    """
    progress = load(folder, lab.id)
    hashes = current(lab, source, weights)
    wanted = [name for name in hashes if only is None or name in only]
    changed = {
        name
        for name in wanted
        if again or progress.of(name).fingerprint != hashes[name] or progress.of(name).is_unsure
    }
    report = check_file(lab, source, seed=seed, slow=slow, weights=weights, only=changed)
    for name in changed:
        entry = progress.of(name)
        entry.results, entry.fingerprint = report.of(name), hashes[name]
        if name == EXPERIMENT:
            entry.loss = report.loss
        if report.status_of(name) != "not started" and entry.results and entry.results[0].kind != "loading":
            entry.attempts += 1
    save(folder, progress)
    results = tuple(result for name in wanted for result in progress.of(name).results)
    loss = progress.of(EXPERIMENT).loss if EXPERIMENT in wanted else None
    return replace(report, results=results, loss=loss), changed
