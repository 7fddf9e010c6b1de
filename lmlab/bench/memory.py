"""How much memory a process holds, as the system tells it."""

import contextlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from lmlab.bench.rows import Row


def resident_megabytes(pid: int | None, peak: bool = False) -> float | None:
    """Memory of a process that is in RAM, in units of 1,000,000 bytes; None where the system does not tell.

    With `peak` the most that it ever held. That is `VmHWM` and not `getrusage`'s `ru_maxrss`, which for a child
    begins with what its parent held when it was made.
    """
    field = "VmHWM:" if peak else "VmRSS:"
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
        return int(status.partition(field)[2].split()[0]) * 1024 / 1e6
    if importlib.util.find_spec("psutil") is not None:
        import psutil

        with contextlib.suppress(psutil.Error):
            held = psutil.Process(pid).memory_info()
            # Only Windows keeps a peak there; elsewhere what is held now has to do.
            return float(getattr(held, "peak_wset", held.rss) if peak else held.rss) / 1e6
    return None


def memory_row(name: str, what: str, target: float, megabytes: Sequence[float]) -> Row:
    """The largest of some processes' memories, or a note where there is none."""
    if not megabytes:
        note = "Skipped: this system has no /proc and psutil is not installed (pip install psutil)."
        return Row(name, what, "MB", None, target, note=note)
    return Row(name, what, "MB", max(megabytes), target, tuple(megabytes))
