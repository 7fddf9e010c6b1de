"""What `run_autograder` starts on Gradescope: `python -m lmlab.grading.autograde ROOT PRIVATE`.

Reads ROOT/submission, writes ROOT/results/results.json. PRIVATE holds the settings: the lab, the seed, extra checks.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from lmlab.grading.classroom import grade, load_extra
from lmlab.grading.labs import find_lab


def main(root: Path, private: Path) -> None:
    """Grade the one submission; where the grader itself fails, results.json says so."""
    target = root / "results" / "results.json"
    try:
        settings = json.loads((private / "settings.json").read_text("utf-8"))
        lab = find_lab(settings["lab"])
        extra = load_extra(private / "extra.py", lab) if settings["extra"] else ()
        grade(lab, root / "submission", target, seed=settings["seed"], extra=extra, prefix=other_user())
    except Exception as error:
        said = f"The autograder itself failed ({type(error).__name__}). This is not your fault; tell your teacher."
        target.write_text(json.dumps({"score": 0, "tests": [], "output": said}), "utf-8")
        raise


def other_user() -> tuple[str, ...]:
    """The words that run a command as the user `student` (or LMLAB_STUDENT_USER), where there is one and we may."""
    user = os.environ.get("LMLAB_STUDENT_USER", "student")
    if not user or os.name != "posix" or os.getuid() != 0 or shutil.which("runuser") is None:
        return ()
    import pwd

    try:
        pwd.getpwnam(user)
    except KeyError:
        return ()
    return ("runuser", "-u", user, "--")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
