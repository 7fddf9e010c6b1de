"""The student's process: loads lab.py and answers calls. It never holds an expected value.

Started by `sandbox.py` as `python -s -P worker.py FOLDER...` with the folders of numpy and lmlab; it needs only the
standard library, numpy and `wire.py` beside it. Messages come in on stdin and go out on stdout, both of which are
moved away first, so that a student's `print` cannot end up between two messages: it goes to stderr, which the sandbox
keeps as a log.

    {"id": 0, "do": "load", "source": text, ...}       -> {"id": 0, "value": [names of the functions]}
    {"id": 3, "do": "call", "name": "f", "args": (…)}  -> {"id": 3, "value": …} or {"id": 3, "error": {…}}

An error carries its type, its text and the line of the *student's* file, never a traceback.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any, NoReturn

OPEN_ROOMS = ("lmlab.data", "lmlab.errors", "lmlab.strings")  # what of lmlab a student's file may import
REFUSED = ("torch", "tensorflow", "jax")
# These reach files and limits without a word to the hook.
UNSEEN = ("readline", "sqlite3", "_sqlite3", "dbm", "_dbm", "_gdbm", "curses", "_curses", "resource")
LONGEST_TEXT = 300  # characters of an error that are passed on
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class NotAllowed(PermissionError):
    """What a lab's file may not do, in one sentence."""


class NotImportable(ImportError):
    """What a lab's file may not import, in one sentence."""


def wire_module() -> types.ModuleType:
    """`wire.py` from beside this file: nothing of lmlab is on the path."""
    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wire.py")
    spec = importlib.util.spec_from_file_location("lab_wire", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["lab_wire"] = module
    spec.loader.exec_module(module)
    return module


class Doorkeeper(importlib.abc.MetaPathFinder):
    """Refuses to import the parts of lmlab that hold the answers, and libraries that do the lab for you."""

    def __init__(self, needs: tuple[str, ...], sealed: bool, network: bool) -> None:
        self.needs, self.sealed, self.network = needs, sealed, network

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Let pass (None) or raise."""
        top = fullname.partition(".")[0]
        if top in UNSEEN and top not in self.needs and not self.network:  # what serves pages imports many of them
            raise NotImportable(f"{top} is not for a lab: a function works on its arguments.")
        if top in REFUSED and top not in self.needs:
            raise NotImportable(f"{top} is not for this lab: write it with numpy alone.")
        if self.sealed and fullname.startswith("lmlab.data"):
            raise NotImportable(
                "predict knows your weights and the contexts, and no corpus: keep what it learned there."
            )
        if top == "lmlab" and fullname != "lmlab" and not is_open(fullname):
            raise NotImportable(f"{fullname} holds what the labs ask you to write: write it with numpy alone.")


def is_open(module: str) -> bool:
    """Whether a module of lmlab may be imported.

    >>> is_open("lmlab.data.corpus"), is_open("lmlab.models"), is_open("lmlab.database")
    (True, False, False)
    """
    return any(module == room or module.startswith(room + ".") for room in OPEN_ROOMS)


def guard(folder: str, package: str, network: bool, sealed: bool) -> Callable[[str, tuple[Any, ...]], None]:
    """A hook that refuses, with a sentence, what no function of a lab needs: other files, processes, the network.

    It catches accidents and the curious. Someone who means harm finds a way around it; that is why nothing in this
    process is worth stealing, and why it is killed with everything it started.
    """

    # Everything a hook needs is bound now: a file that is being checked may replace what a module holds.
    real, readlink, stat, within, nowhere = real_path(), os.readlink, os.stat, os.sep, os.devnull
    folders = {real(folder), real(os.environ.get("HOME", folder))}
    closed = tuple(
        real(os.path.join(package, room)) + within for room in (*CLOSED_ROOMS, *(["data"] if sealed else []))
    )

    def outside(path: Any, below: int | None = None) -> bool:
        if path is None or type(path) is int:
            return False
        place = real(path, opened(below) if below not in (-1, None) else None)
        return place != nowhere and not any(place == one or place.startswith(one + within) for one in folders)

    def opened(number: Any) -> str:
        # The folder behind a descriptor, to which a path may be relative; where the system does not say, the root.
        try:
            return readlink(f"/proc/self/fd/{number}")
        except OSError:
            return within

    def is_folder(place: str) -> bool:
        try:
            return stat(place).st_mode & 0o170000 == 0o040000
        except (OSError, ValueError):
            return False

    writing = WRITING

    def refuse(what: str) -> NoReturn:
        raise NotAllowed(f"{what}: a function of a lab works on its arguments and returns its answer.")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = args
            if type(path) is int:
                return
            writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(flags & writing)
            if writes and outside(path):
                refuse("Your file writes to a file outside its own folder")
            place = real(path)
            # Of what is opened relative to a folder, the hook hears the name alone: no folder elsewhere is opened.
            if mode is None and outside(path) and is_folder(place):
                refuse("Your file opens a folder outside its own")
            if place.startswith(closed):
                refuse("Your file reads the lab's own code")
            if place.startswith("/proc/") and not place.startswith(("/proc/meminfo", "/proc/cpuinfo")):
                refuse("Your file looks into other processes")
        elif event in FILES_CHANGED:
            for at, of in FILES_CHANGED[event]:
                if outside(args[at], None if of is None else args[of]):
                    refuse("Your file changes files outside its own folder")
        elif event in PROCESSES or event.startswith("os.exec"):
            refuse("Your file starts another process")
        elif event in NETWORK and not (network and loopback(args)):
            refuse("Your file uses the network")
        elif event in MACHINERY:
            refuse("Your file calls the machine directly, with ctypes")

    def loopback(args: tuple[Any, ...]) -> bool:
        address = args[-1]
        host = address[0] if isinstance(address, tuple) and address else address
        return host in ("127.0.0.1", "localhost", "::1", "", None) or host == 0

    return hook


def real_path() -> Callable[..., str]:
    """A function that says where a path leads, links followed, with nothing that a checked file could replace."""
    if os.name == "nt":
        absolute, join = os.path.abspath, os.path.join
        return lambda path, below=None: absolute(path if below is None else join(below, path))
    getcwd, readlink = os.getcwd, os.readlink

    def real(path: Any, below: str | None = None) -> str:
        if type(path) is bytes:
            path = path.decode("utf-8", "surrogateescape")
        if type(path) is not str:  # its name may change from one look to the next
            raise NotAllowed("A file's name is a string: a function of a lab works on its arguments.")
        here, left, links = "", path.split("/")[::-1], 0
        if not path.startswith("/"):
            left += (below or getcwd()).split("/")[::-1]
        while left:
            part = left.pop()
            if part in ("", "."):
                continue
            if part == "..":
                here = here.rpartition("/")[0]
                continue
            try:
                link = readlink(f"{here}/{part}") if links < 40 else None
            except (OSError, ValueError):
                link = None
            if link is None:
                here = f"{here}/{part}"
                continue
            links += 1
            here = "" if link.startswith("/") else here
            left += link.split("/")[::-1]
        return here or "/"

    return real


CLOSED_ROOMS = (
    "bench", "cli", "evaluation", "figures", "generation", "grading", "jobs", "models", "runs", "tokenizers",
    "training", "ui",
)  # fmt: skip
# For each event which arguments are paths, and which is the open folder that a path is relative to.
FILES_CHANGED: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((0, None), (1, 2)),
    "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
}
PROCESSES = frozenset({"os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen",
                       "os.kill", "os.killpg", "os.startfile", "pty.spawn"})  # fmt: skip
# What reaches other processes or files without a word to the hook.
UNHEARD = {
    "posix": ("pidfd_open", "setpriority", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "mkfifo",
              "mknod", "nice"),
    "_signal": ("pidfd_send_signal",),
}  # fmt: skip
NETWORK = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo"})
MACHINERY = frozenset({"ctypes.dlopen"})


class Student:
    """The student's file as a module, and calls of its functions."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.module = types.ModuleType("lab")
        self.probes: dict[str, Any] = {}

    def load(self, source: str) -> list[str]:
        """Run the file and return the names of its functions."""
        self.lines = source.splitlines()
        self.module.__file__ = "lab.py"
        sys.modules["lab"] = self.module
        exec(compile(source, "lab.py", "exec"), self.module.__dict__)
        return [name for name, value in vars(self.module).items() if callable(value) and not name.startswith("__")]

    def call(self, name: str, args: tuple[Any, ...], probe: str = "") -> Any:
        """Call a function of the student's, or a probe: a function `probe(lab, *args)` that looks at the module."""
        if not probe:
            return getattr(self.module, name)(*args)
        if probe not in self.probes:
            space: dict[str, Any] = {"__name__": "probe"}
            exec(compile(probe, "probe", "exec"), space)
            self.probes[probe] = space["probe"]
        return self.probes[probe](self.module, *args)

    def describe(self, error: BaseException) -> dict[str, Any]:
        """The error as data: type, text, and the student's last line that it went through, with its function."""
        line, said, function = None, "", ""
        if isinstance(error, SyntaxError) and error.filename == "lab.py":
            line = error.lineno
            said = str(error.msg)
        else:
            with contextlib.suppress(BaseException):
                said = str(error)
            trace = error.__traceback__
            while trace is not None:
                if trace.tb_frame.f_code.co_filename == "lab.py":
                    line, function = trace.tb_lineno, trace.tb_frame.f_code.co_name
                trace = trace.tb_next
        text = self.lines[line - 1].strip() if line and 0 < line <= len(self.lines) else ""
        return {
            "type": type(error).__name__,
            "kinds": [kind.__name__ for kind in type(error).__mro__],
            "text": said[:LONGEST_TEXT],
            "line": line,
            "source": text[:LONGEST_TEXT],
            "function": function[:LONGEST_TEXT],
        }


def silence() -> None:
    """Take away what the hook would not hear of."""
    for module, names in UNHEARD.items():
        facade = {"posix": "os", "_signal": "signal"}[module]
        for name in names:
            for place in (module, facade):
                if place in sys.modules and hasattr(sys.modules[place], name):
                    delattr(sys.modules[place], name)
    sys.modules.pop("resource", None)


def limit(memory: int, cpu_seconds: int, file_bytes: int) -> None:
    """Ask the system to stop what takes too much; Windows has no such limits and macOS ignores that of memory."""
    try:
        import resource
    except ImportError:
        return
    wanted = [(resource.RLIMIT_CPU, cpu_seconds), (resource.RLIMIT_FSIZE, file_bytes), (resource.RLIMIT_CORE, 0)]
    if sys.platform != "darwin":
        wanted.append((resource.RLIMIT_AS, memory))
    for which, most in wanted:
        with contextlib.suppress(ValueError, OSError):  # a lower limit of the machine's own stays
            hard = resource.getrlimit(which)[1]
            resource.setrlimit(which, (most, most) if hard == resource.RLIM_INFINITY else (min(most, hard), hard))


def end_with(parent: int) -> None:
    """End this process when the checker is gone, which can no longer do it."""
    getppid, sleep, leave = os.getppid, time.sleep, os._exit  # the file that is being checked may replace them
    while getppid() == parent:
        sleep(1)
    leave(1)


def main() -> None:
    """Answer messages until stdin ends."""
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    # This interpreter does not look into a user's own site-packages, so the sandbox says where numpy is.
    sys.path.extend(place for place in sys.argv[1:] if place not in sys.path)
    sys.argv[1:] = []
    wire = wire_module()
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):  # what was printed before an endless loop is seen, too
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.stdin = open(os.devnull)  # noqa: SIM115 - open as long as the process
    student = Student()
    encode, decode, read, receive, write = wire.encode, wire.decode, wire.read, os.read, os.write
    too_large, system_exit = wire.WireError, SystemExit

    def answer(reply: dict[str, Any]) -> None:
        message = encode(reply)
        while message:
            message = message[write(outgoing, message) :]

    while (message := read(lambda size: receive(incoming, size))) is not None:
        request = decode(message)
        number = request["id"]
        try:
            if request["do"] == "load":
                limit(request["memory"], request["cpu_seconds"], request["file_bytes"])
                sys.meta_path.insert(0, Doorkeeper(tuple(request["needs"]), request["sealed"], request["network"]))
                for name in request["early"]:  # libraries open files of their own when they are imported
                    importlib.import_module(name)
                if request["guarded"]:
                    silence()
                    sys.addaudithook(guard(os.getcwd(), request["package"], request["network"], request["sealed"]))
                value: Any = student.load(request["source"])
            else:
                value = student.call(request["name"], request["args"], request["probe"])
            reply = {"id": number, "value": value}
            if request.get("keeps") and encode(request["args"]) != encode(decode(message)["args"]):
                reply["changed"] = True
            answer(reply)
            continue
        except too_large as error:
            reply = {"id": number, "error": {"type": "TooLarge", "kinds": [], "text": str(error), "line": None}}
        except system_exit as error:
            reply = {"id": number, "error": student.describe(error)}
        except BaseException as error:
            reply = {"id": number, "error": student.describe(error)}
        answer(reply)


if __name__ == "__main__":
    main()
