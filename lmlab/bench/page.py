"""The app as a process: how soon its page is there, and what it holds in memory."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence

from lmlab.bench.memory import memory_row, resident_megabytes
from lmlab.bench.rows import Row
from lmlab.errors import LabError

SETTLE = 5.0  # seconds between the app's first page and the look at its memory


def app(command: Sequence[str] = (sys.executable, "-m", "lmlab", "app"), timeout: float = 60.0) -> list[Row]:
    """Start the app as a process of its own on a free port, twice.

    The seconds run from the start of the process until `GET /` answers with status 200; the second start is
    quoted, when the files are in the system's cache. The memory is what the web process holds (resident) five
    seconds after its page was fetched, without its workers; the larger of the two starts is quoted.
    """
    starting = "Start the app until its page answers (the second of two starts)"
    holding = "Resident memory of the web process after its page was fetched (the larger of two starts)"
    seconds: list[float] = []
    memory: list[float] = []
    for _ in range(2):
        try:
            with running_app(command, timeout) as (_, process, took):
                time.sleep(SETTLE)
                megabytes = resident_megabytes(process.pid)
        except LabError as error:
            note = f"Could not start: {error}"
            return [
                Row("app-start", starting, "s", None, 6.0, tuple(seconds), note),
                Row("app-memory", holding, "MB", None, 300.0, tuple(memory), note),
            ]
        seconds.append(took)
        if megabytes is not None:
            memory.append(megabytes)
    return [
        Row("app-start", starting, "s", seconds[-1], 6.0, tuple(seconds)),
        memory_row("app-memory", holding, 300.0, memory),
    ]


@contextlib.contextmanager
def running_app(
    command: Sequence[str] = (sys.executable, "-m", "lmlab", "app"), timeout: float = 60.0
) -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    """The app's address, its process, and the seconds until its page answered; it ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
    with tempfile.TemporaryFile() as said:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=said, stderr=said, env=environment
        )
        try:
            while True:
                try:
                    with no_proxy.open(url, timeout=5) as answer:
                        if answer.status == 200:
                            took = time.perf_counter() - begin
                            break
                except (OSError, urllib.error.URLError):
                    pass  # nobody listens yet
                if process.poll() is not None:
                    said.seek(0)
                    lines = said.read().decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
                    raise LabError(f"it ended with code {process.returncode} ({lines[-1][:300]}).")
                if time.perf_counter() - begin > timeout:
                    raise LabError(f"no page after {timeout:g} s.")
                time.sleep(0.02)
            yield url, process, took
        finally:
            process.terminate()  # the workers see their pipes close and end
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
