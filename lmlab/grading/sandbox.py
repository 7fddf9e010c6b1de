"""A fresh process for the student's file, with limits, and the end of everything it started.

Use it as a context manager:

    with Sandbox(source) as sandbox:
        reply = sandbox.call("count_bigrams", (ids, 27))

The process is a new interpreter (never a fork of ours, whose memory would hold answers) in its own session, with an
empty folder to work in and an environment of a few harmless variables. It is stopped when a call takes too long, and
whatever it started is stopped with it. This guards against accidents and against forged results; it is no wall
against an attacker, so a server on the internet must never run student code.
"""

import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

import numpy as np

import lmlab
from lmlab.grading import wire

MARK = "LMLAB_SANDBOX"  # the variable by which whatever a worker started is found again
MEMORY = 1024  # MB of address space
FILE_BYTES = 10_000_000
CPU_SECONDS = 30
LOADING_SECONDS = 10.0
LIBRARY_SECONDS = 30.0  # more, where a lab needs a library such as gradio
LONGEST_TEXT = 300  # characters of an error; the worker cuts it, too, but the worker is the student's
LAST_WORDS = 5.0  # seconds that a thread may take to read what is left in a pipe
LONGEST_LOG = 4000  # characters of what the student prints

Why = Literal["error", "time", "died", "garbled", "large"]


@dataclass(frozen=True)
class Failure:
    """Why there is no value.

    `why` is `error` (an exception: `type`, `text`, the student's `line` and its `source`), `time` (took longer than
    `seconds`), `died` (the process ended), `garbled` (bytes that are no message) or `large` (more than travels).
    """

    why: Why
    type: str = ""
    kinds: tuple[str, ...] = ()
    text: str = ""
    line: int | None = None
    source: str = ""
    function: str = ""
    """In which function of the student's that line stands."""
    seconds: float = 0.0

    def is_a(self, name: str) -> bool:
        """Whether the exception is of this type or one that inherits from it."""
        return self.why == "error" and (self.type == name or name in self.kinds)


@dataclass(frozen=True)
class Reply:
    """The value that a call returned, or the failure."""

    value: Any = None
    failure: Failure | None = None
    changed: bool = False
    """Whether the function changed its arguments; known only where it was asked for."""


class Sandbox:
    """One student's file in a process of its own; it is started again after it was stopped.

    `memory` is in MB, `slow` stretches every time limit, `needs` names libraries beyond numpy that the lab allows,
    `network` allows connections within this machine, `sealed` keeps the package's corpora from the file.
    `guarded=False` leaves out the refusals, for tests of the rest.
    """

    def __init__(
        self,
        source: str,
        *,
        memory: int = MEMORY,
        slow: float = 1.0,
        needs: Sequence[str] = (),
        network: bool = False,
        sealed: bool = False,
        guarded: bool = True,
        prefix: Sequence[str] = (),
    ) -> None:
        self.source = source
        self.memory, self.slow, self.needs, self.network, self.guarded = memory, slow, tuple(needs), network, guarded
        self.sealed = sealed
        self.prefix = tuple(prefix)  # words before the command, such as those that change the user
        self.functions: list[str] = []
        self.loading: Failure | None = None
        """Why the file cannot be loaded; then no call is made."""
        self.log = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: str | None = None
        self._replies: queue.Queue[Any] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._number = 0
        self._mark = ""

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Failure | None:
        """Start the process and load the file; the failure, if there is one, is also kept in `loading`."""
        self.stop()
        self._folder = tempfile.mkdtemp(prefix="lmlab-")
        os.chmod(self._folder, 0o777 if self.prefix else 0o700)
        self._mark = uuid.uuid4().hex
        # Not -I, which would ignore the seed of the hashes, too; the environment is clean anyway.
        command = [*self.prefix, sys.executable, "-s", "-P", "-B", "-X", "utf8", str(worker()), *search_path()]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            env=environment(self._folder, self._mark),
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._replies = queue.Queue()
        for work, source in ((self._listen, self._process.stdout), (self._keep_log, self._process.stderr)):
            self._begin(work, source, self._replies)
        reply = self._ask(
            {
                "do": "load",
                "source": self.source,
                "memory": self.memory * 1_000_000,
                "cpu_seconds": int(CPU_SECONDS * self.slow),
                "file_bytes": FILE_BYTES,
                "needs": list(self.needs),
                "early": list(self.needs),
                "guarded": self.guarded,
                "network": self.network,
                "sealed": self.sealed,
                "package": str(Path(lmlab.__file__).parent),
            },
            LOADING_SECONDS + (LIBRARY_SECONDS if self.needs else 0),
        )
        self.loading = reply.failure
        self.functions = list(reply.value or [])
        if reply.failure:
            self.stop()
        return reply.failure

    def call(
        self, name: str, args: tuple[Any, ...], seconds: float = 5.0, probe: str = "", keeps: bool = False
    ) -> Reply:
        """Call a function of the student's with arguments that travel as data, and wait at most `seconds`.

        With `keeps` the reply says whether the function changed them.
        """
        if self._process is None and (self.loading or self.start()):
            return Reply(failure=self.loading)
        return self._ask({"do": "call", "name": name, "args": args, "probe": probe, "keeps": keeps}, seconds)

    def _ask(self, request: dict[str, Any], seconds: float) -> Reply:
        assert self._process is not None
        self._number += 1
        seconds *= self.slow
        message = wire.encode({"id": self._number, **request})
        # A process that does not read would keep us waiting, so the writing is another thread's.
        self._begin(_write, self._process.stdin, message)
        try:
            answer = self._replies.get(timeout=seconds)
        except queue.Empty:
            self.stop()
            return Reply(failure=Failure("time", seconds=seconds))
        if answer is None:
            self._process.wait()
            self.stop()
            return Reply(failure=Failure("died"))
        try:
            found = wire.decode(answer)
            if found["id"] != self._number:
                raise wire.WireError("The message answers another call.")
            if "error" not in found:
                return Reply(found["value"], changed=found.get("changed") is True)
            error = found["error"]
            if error["type"] == "TooLarge":
                return Reply(failure=Failure("large", text=str(error["text"])[:LONGEST_TEXT]))
            return Reply(
                failure=Failure(
                    "error",
                    type=str(error["type"])[:100],
                    kinds=tuple(str(kind)[:100] for kind in error["kinds"][:20]),
                    text=one_line(str(error["text"])[:LONGEST_TEXT]),
                    line=error["line"] if isinstance(error["line"], int) else None,
                    source=str(error["source"])[:LONGEST_TEXT],
                    function=str(error.get("function", ""))[:LONGEST_TEXT],
                )
            )
        except (wire.WireError, TypeError, KeyError):
            self.stop()
            return Reply(failure=Failure("garbled"))

    def _begin(self, work: Callable[..., None], *args: Any) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(threading.Thread(target=work, args=args, daemon=True))
        self._threads[-1].start()

    def _listen(self, source: IO[bytes], replies: "queue.Queue[Any]") -> None:
        try:
            while (message := wire.read(source.read)) is not None:
                replies.put(message)
                if replies.qsize() > 100:  # nobody asked for these
                    break
        except wire.WireError:
            replies.put(b"")
        except (OSError, ValueError):  # closed by us
            pass
        replies.put(None)

    def _keep_log(self, source: IO[bytes], _: "queue.Queue[Any]") -> None:
        # All of it is read, so that a student who prints megabytes does not wait for us; little is kept.
        with contextlib.suppress(OSError, ValueError):
            while part := source.read(1 << 16):
                if len(self.log) < LONGEST_LOG:
                    self.log += part.decode("utf-8", "replace")[: LONGEST_LOG - len(self.log)]

    def stop(self) -> None:
        """Stop the process and all that it started, and remove its folder. Harmless when nothing runs."""
        process, self._process = self._process, None
        if process is not None:
            end(process, self._mark)
            # A pipe is closed when nobody reads it any more. Else its number could be the next sandbox's pipe, and a
            # late reader would take bytes away. With all that wrote to it gone, each reader comes to its end.
            for thread in self._threads:
                thread.join(LAST_WORDS)
            if not any(thread.is_alive() for thread in self._threads):
                for stream in (process.stdin, process.stdout, process.stderr):
                    if stream is not None:
                        with contextlib.suppress(OSError):
                            stream.close()
            self._threads = []
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def one_line(text: str) -> str:
    """An error's text on one line, without the place of a library on this machine.

    >>> one_line("cannot import name 'x' from 'numpy' (/usr/lib/python3/numpy/__init__.py)")
    "cannot import name 'x' from 'numpy'"
    """
    return re.sub(r"\s*\((?:/|[A-Za-z]:\\)[^()]*\)$", "", " ".join(text.split()))


def _write(target: IO[bytes] | None, message: bytes) -> None:
    assert target is not None
    view = memoryview(message)
    with contextlib.suppress(OSError, ValueError):  # it is gone; the reader notices
        while len(view):
            view = view[target.write(view) :]


def environment(folder: str, mark: str) -> dict[str, str]:
    """The variables of the student's process: no tokens, no settings of ours, one thread of arithmetic."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    home = {"HOME": folder, "TMPDIR": folder, "TEMP": folder, "TMP": folder}
    return {**kept, **threads, **home, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", MARK: mark}


def open_packages() -> Path | None:
    """The folder with what students may read, where the checks are kept from them (Gradescope)."""
    place = os.environ.get("LMLAB_STUDENT_PACKAGES")
    return Path(place) if place else None


def worker() -> Path:
    """The file that the student's process runs."""
    place = open_packages()
    return place / "lmlab" / "grading" / "worker.py" if place else Path(__file__).with_name("worker.py")


def search_path() -> list[str]:
    """Where numpy and lmlab are: the student's interpreter does not look into a user's own site-packages."""
    place = open_packages()
    if place is not None:
        return [str(place)]
    return [str(Path(module.__file__ or "").parents[1]) for module in (np, lmlab)]


def end(process: "subprocess.Popen[bytes]", mark: str) -> None:
    """Kill a worker, its process group and, where the system lists them, children that left the group.

    A child that made a session of its own is no longer in the group, and one whose parent is gone is no longer below
    it; but each was born with the mark in its environment.
    """
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        quiet = 0
        for _ in range(40):  # one that forks, or that is becoming another program, is found the next time
            strays = marked(mark)
            for stray in strays:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(stray, signal.SIGKILL)
            quiet = 0 if strays else quiet + 1
            if quiet == 2:
                break
            time.sleep(0.002)
    process.kill()
    process.wait()


def marked(mark: str) -> list[int]:
    """The processes that were started with this mark in their environment; none where the system has no /proc."""
    found = []
    wanted = f"{MARK}={mark}".encode()
    with contextlib.suppress(OSError):
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            with contextlib.suppress(OSError), open(f"/proc/{entry}/environ", "rb") as file:
                if wanted in file.read(1 << 16):
                    found.append(int(entry))
    return found
