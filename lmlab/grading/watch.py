"""Notice that a file was saved, by looking at it twice a second.

No notifications of the system are used: they get lost on network drives, in containers and under WSL.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

INTERVAL = 0.5  # seconds


def changes(
    files: Sequence[Path], interval: float = INTERVAL, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Yield at once and then each time one of the files has changed. Ends when `sleep` raises, as Ctrl-C does."""
    seen: list[tuple[int, int] | None] | None = None
    while True:
        now = [stamp(file) for file in files]
        # An editor may put the new file in place of the old one: while the first file is away, nothing has happened.
        if now != seen and now[0] is not None:
            seen = now
            yield
        else:
            sleep(interval)


def stamp(file: Path) -> tuple[int, int] | None:
    """When a file was changed and how long it is; None where it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
