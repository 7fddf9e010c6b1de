"""Zips: what a student hands in, and the autograder for Gradescope that needs no network."""

import importlib.metadata
import json
import os
import platform
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import lmlab
from lmlab.errors import LabError
from lmlab.grading import gradescope
from lmlab.grading.check import Report
from lmlab.grading.experiment import WEIGHTS
from lmlab.grading.labs import Lab
from lmlab.grading.student import FILE, Work

CARRIED = ("numpy", "safetensors")  # what grading needs beyond Python
LEFT_OUT = ("ui", "bench", "jobs", "figures", "cli", "runs", "labs")  # rooms that grading does without
OPEN_FILES = (
    "__init__.py",
    "errors.py",
    "strings",
    "data",
    "grading/worker.py",
    "grading/wire.py",
)  # what students may read
OLDEST = (1980, 1, 1, 0, 0, 0)  # the date of every file: the same content is the same zip


def submission_zip(lab: Lab, work: Work, report: Report, target: Path) -> list[str]:
    """Pack lab.py, the weights, results.json and the versions; the names of the files in the zip."""
    versions = {"lmlab": lmlab.__version__, "numpy": np.__version__, "python": platform.python_version()}
    files = {
        FILE: work.source.encode(),
        "results.json": json.dumps(gradescope.results(lab, report), indent=1).encode(),
        "versions.json": json.dumps(versions, indent=1).encode(),
    }
    if work.weights is not None:
        files[WEIGHTS] = work.weights
    write_zip(target, files.items())
    return list(files)


def write_zip(target: Path, files: Any, executable: tuple[str, ...] = ()) -> int:
    """Write (name, content) pairs as a zip, whole or not at all; the size in bytes."""
    place = Path(os.path.abspath(target))
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=".new-")
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path, content in files:
                info = zipfile.ZipInfo(path, OLDEST)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = (0o755 if path in executable else 0o644) << 16
                zipped.writestr(info, content)
        os.chmod(name, 0o644)
        os.replace(name, place)
    except OSError as error:
        why = error.strerror or str(error)
        raise LabError(f"{place.name} cannot be written in {place.parent}: {why}. Choose another place.") from None
    return place.stat().st_size


def gradescope_zip(lab: Lab, target: Path, *, seed: int | None = None, extra: Path | None = None) -> int:
    """Make the autograder of a lab: the checker, numpy and safetensors of this machine, and two scripts.

    It runs without a network where the image has the same version of Python and the same kind of machine as this one.
    Raises `LabError` where this machine is no Linux, because its numpy would not run there.
    """
    if sys.platform != "linux":
        raise LabError("Gradescope runs Linux: make the zip on Linux, whose numpy goes into it.")
    if lab.needs or lab.late:
        needed = " and ".join([*lab.needs, *lab.late])
        raise LabError(
            f"{lab.id} needs {needed}, which does not fit into the zip. Grade it at home "
            f"with: python -m lmlab grade DIR --lab {lab.id}"
        )
    if extra is not None and not extra.is_file():
        raise LabError(f"There is no file {extra}. Name the Python file with your further EXERCISES.")

    def files() -> Iterator[tuple[str, bytes]]:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        yield "setup.sh", SETUP.encode()
        yield "run_autograder", RUN.replace("VERSION", version).replace("MACHINE", platform.machine()).encode()
        settings = {"lab": lab.id, "seed": seed, "extra": extra is not None}
        yield "private/settings.json", json.dumps(settings).encode()
        if extra is not None:
            yield "private/extra.py", extra.read_bytes()
        package = Path(lmlab.__file__).parent
        for path in sorted(package.rglob("*")):
            name = path.relative_to(package).as_posix()
            if not path.is_file() or "__pycache__" in name or name.split("/")[0] in LEFT_OUT:
                continue
            yield f"checker/lmlab/{name}", path.read_bytes()
            if any(name == one or name.startswith(one + "/") for one in OPEN_FILES):
                yield f"packages/lmlab/{name}", path.read_bytes()
        for name in (*lab.files, "lab.toml"):
            yield f"checker/lmlab/labs/{lab.folder.name}/{name}", (lab.folder / name).read_bytes()
        for name in CARRIED:
            yield from installed(name)

    return write_zip(target, files(), executable=("setup.sh", "run_autograder"))


def installed(name: str) -> Iterator[tuple[str, bytes]]:
    """The files of an installed library, its own tests left out."""
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise LabError(f"{name} is not installed as a package here. Install lmlab with pip and try again.") from None
    for file in found.files or ():
        path = file.as_posix()
        if path.startswith(("..", "/")) or "__pycache__" in path or "/tests/" in path:
            continue
        yield f"packages/{path}", Path(str(found.locate_file(file))).read_bytes()


SETUP = """#!/usr/bin/env bash
# Run once when the image is made. Nothing is downloaded.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
open="${LMLAB_STUDENT_PACKAGES:-/opt/lmlab-student}"
rm -rf "$open"
mkdir -p "$open"
cp -r "$here/packages/." "$open/"
chmod -R a+rX "$open"
# Student code runs as a user of its own, who can read neither the checks nor the results.
user="${LMLAB_STUDENT_USER-student}"
[ -z "$user" ] || id "$user" >/dev/null 2>&1 || useradd --system "$user" || true
"""

RUN = """#!/usr/bin/env bash
# Run for each submission.
set -uo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="${LMLAB_AUTOGRADER:-/autograder}"
[ -d "$here/source/checker" ] && here="$here/source"
export LMLAB_STUDENT_PACKAGES="${LMLAB_STUDENT_PACKAGES:-/opt/lmlab-student}"
mkdir -p "$root/results"
chmod 700 "$here" "$root/results"
for python in pythonVERSION python3 python; do
  if "$python" -c 'import platform, sys
sys.exit("%d.%d" % sys.version_info[:2] != "VERSION" or platform.machine() != "MACHINE")' 2>/dev/null; then
    PYTHONPATH="$here/checker:$LMLAB_STUDENT_PACKAGES" exec "$python" -B -m lmlab.grading.autograde "$root" "$here/private"
  fi
done
echo '{"score": 0, "tests": [], "output": "The autograder needs Python VERSION on MACHINE. Tell your teacher: choose an image that has it, or make the zip on such a machine."}' > "$root/results/results.json"
"""  # noqa: E501 - a script
