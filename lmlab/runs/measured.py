"""What was measured once and written down, so that a page need not train seventeen networks to show a ladder.

A file holds what `lmlab compare` or `lmlab leaks` found, and all that is needed to find it again: the command, the
day, the versions and the hash of the corpus. The bundled ones are made with

    python -m lmlab compare --models all --seeds 3 --corpus names --threads 1 --out lmlab/runs/measured/names.json
    python -m lmlab leaks --models mlp --corpus names --out lmlab/runs/measured/names_leaks.json

A counted rung can be counted again in a moment, and a test does. Needs no torch.
"""

import json
import math
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lmlab
from lmlab.data.corpus import Corpus
from lmlab.errors import LabError
from lmlab.evaluation.comparison import Rung

SCHEMA = 1
MEASURED = Path(__file__).parent / "measured"


def stamped(found: dict[str, Any], command: str, corpus: Corpus) -> dict[str, Any]:
    """What was found, with how, when and on what it was found.

    >>> from lmlab.data.corpus import names_corpus
    >>> stamped({"rungs": []}, "lmlab compare", names_corpus(["Ada", "Grace", "Alan"]))["split"]
    {'train': 1, 'validation': 1, 'test': 1}
    """
    return {
        "schema": SCHEMA,
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {
            "lmlab": lmlab.__version__,
            "torch": version("torch"),
            "numpy": version("numpy"),
            "python": platform.python_version(),
        },
        "sha256": corpus.sha256,
        "split": corpus.split,
        **found,
    }


def write_measured(path: str | Path, measured: dict[str, Any]) -> None:
    """Write what was stamped. Raises `LabError` where the disk refuses."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(measured, indent=1, allow_nan=False) + "\n", "utf-8")
    except OSError as error:
        why = error.strerror or str(error)
        raise LabError(f"The measurement cannot be saved in {path}: {why}. Choose another place.") from None


def rungs_of(measured: dict[str, Any]) -> list[Rung]:
    """The rungs as `lmlab.evaluation.comparison` takes them.

    >>> rung, = rungs_of({"rungs": [{"name": "mlp", "losses": [2.1, 2.2], "parameters": 5, "seconds": 1.0,
    ...     "tokens_per_second": None, "memorised": 0.1, "held_out": 0.02, "deviation": 0.07}]})
    >>> round(rung.mean, 2), rung.deterministic
    (2.15, False)
    """
    return [
        Rung(
            rung["name"],
            tuple(math.inf if loss is None else loss for loss in rung["losses"]),
            rung["parameters"],
            rung["seconds"],
            rung["tokens_per_second"],
            rung["memorised"],
            deterministic=rung["deviation"] == 0,
            held_out=rung["held_out"],
        )
        for rung in measured["rungs"]
    ]


def measured_ladder(sha256: str) -> dict[str, Any] | None:
    """The bundled ladder of the corpus with this hash, or None where nobody has measured one.

    >>> measured_ladder("of no corpus") is None
    True
    """
    return _measured(sha256, "rungs")


def measured_leaks(sha256: str) -> dict[str, Any] | None:
    """The bundled leak experiment with networks, of the corpus with this hash; None where nobody has made one.

    >>> measured_leaks("of no corpus") is None
    True
    """
    return _measured(sha256, "leaks")


def _measured(sha256: str, holds: str) -> dict[str, Any] | None:
    """The bundled file about a corpus that holds `rungs` or `leaks`."""
    for path in sorted(MEASURED.glob("*.json")):
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if found["schema"] == SCHEMA and found["sha256"] == sha256 and holds in found:
            return found
    return None
