"""Files that mean harm or do harm by accident: none gains a point, none hangs, nothing stays behind."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from grading import RIGHT, small_lab

from lmlab.grading import check
from lmlab.grading.check import check_file
from lmlab.grading.sandbox import MARK, Sandbox, marked

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

# Each is the body of both functions, or the whole file where it defines them.
BODIES = {
    "sys.exit": "import sys; sys.exit(0)",
    "os._exit": "import os; os._exit(0)",
    "exit": "exit()",
    "infinite loop": "while True: pass",
    "endless recursion": "return double(x)",
    "catches everything": """
    while True:
        try:
            while True: pass
        except BaseException:
            pass""",
    "array of 10 GB": "import numpy as np; return np.ones(1_250_000_000)",
    "list that grows": """
    found = []
    while True:
        found.append(bytes(10_000_000))""",
    "answer of 100 MB": "import numpy as np; return np.zeros(12_500_000)",
    "deep answer": """
    found = []
    for _ in range(10_000):
        found = [found]
    return found""",
    "fork": "import os; os.fork(); return 1",
    "subprocess": "import subprocess; return subprocess.run(['ls']).returncode",
    "shell": "import os; return os.system('true')",
    "threads that stay": """
    import threading, time
    for _ in range(20):
        threading.Thread(target=time.sleep, args=(60,)).start()
    return 1""",
    "kills its parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "kills its group": "import os, signal; os.killpg(os.getpgid(os.getppid()), signal.SIGTERM)",
    "kills its parent by a descriptor": "import os, signal; signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)",
    "limits its parent": "import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (6, 6))",
    "slows its parent": "import os; os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
    "reads by readline": "import readline; readline.read_history_file('/etc/passwd')",
    "reads by a database": "import sqlite3; return str(sqlite3.connect('../lmlab-hostile.db'))",
    "a pipe elsewhere": "import os; os.mkfifo('../lmlab-hostile-pipe')",
    "a number of 400 digits": "return 10 ** 400",
    "millions of parts": "return [0] * 3_000_000",
    "a forged error of 10 MB": """
    import sys
    wire = sys.modules['lab_wire']
    old = wire.to_json
    def longer(value, depth=0):
        if isinstance(value, dict) and 'error' in value:
            value = {**value, 'error': {**value['error'], 'text': 'x' * 3_000_000, 'source': 'y' * 3_000_000}}
        return old(value, depth)
    wire.to_json = longer
    raise KeyError(1)""",
    "reads the parent's memory": "import os; return open(f'/proc/{os.getppid()}/mem', 'rb').read(100)",
    "reads the parent's variables": "import os; return open(f'/proc/{os.getppid()}/environ').read()",
    "network": "import socket; return socket.create_connection(('127.0.0.1', 1)).fileno()",
    "ctypes": "import ctypes; return ctypes.CDLL(None).getpid()",
    "raises what is no exception of ours": "raise KeyboardInterrupt",
    "raises what cannot be printed": """
    class Odd(Exception):
        def __str__(self): raise RuntimeError
    raise Odd""",
    "an object that answers all": """
    class Equal:
        def __eq__(self, other): return True
        def __array__(self, *args, **kwargs): raise RuntimeError
    return Equal()""",
    "an array that lies": """
    import numpy as np
    class Lies(np.ndarray):
        def __eq__(self, other): return True
        def __sub__(self, other): return 0 * self
    return np.zeros(4).view(Lies)""",
    "a generator without end": "import itertools; return itertools.count()",
    "a NaN that passes": "import numpy as np; return np.full(np.shape(x), np.nan)",
}

FILES = {
    "exit at the top": "import sys\nsys.exit(0)",
    "_exit at the top": "import os\nos._exit(0)",
    "loop at the top": "while True: pass",
    "syntax error": "def double(x)\n    return 2 * x",
    "null bytes": "def double(x):\n    return '\0'",
    "patched numpy": """
import numpy as np
np.allclose = np.array_equal = lambda *a, **k: True
np.abs = np.maximum = lambda *a, **k: np.zeros(1)
np.random.default_rng = lambda *a: None
np.isfinite = lambda x: np.ones(np.shape(x), bool)
np.ndarray.tobytes = None if False else np.ndarray.tobytes
def double(x): return np.zeros_like(x)
def outer(a, b): return np.zeros((len(a), len(b)))
""",
    "patched json": """
import json, base64
json.dumps = lambda *a, **k: '{"id": 1, "value": true, "passed": true}'
base64.b64encode = lambda *a: b""
def double(x): return np.zeros(4)
def outer(a, b): return 1
""",
    "patched open and len": """
import builtins
builtins.len = lambda x: 0
builtins.isinstance = lambda *a: True
def double(x): return 1
def outer(a, b): return 1
""",
    "reads frames": """
import sys, gc
def look(*args):
    frame = sys._getframe()
    found = []
    while frame:
        found += [value for value in frame.f_locals.values()]
        frame = frame.f_back
    found += gc.get_objects()
    for value in found:
        try:
            if isinstance(value, dict) and "expected" in value:
                return value["expected"]
        except Exception:
            pass
    return None
double = outer = look
""",
    "forged frames on every descriptor": """
import json, os
def forge(*args):
    body = json.dumps({"d": [["id", 2], ["value", 1.0]]}).encode()
    for number in range(64):
        for other in (body, json.dumps({"d": [["id", 3], ["value", True]]}).encode()):
            try:
                os.write(number, len(other).to_bytes(4, "big") + other)
            except OSError:
                pass
    return None
double = outer = forge
""",
    "a length that no message has": """
import os
def huge(*args):
    for number in range(64):
        try:
            os.write(number, bytes([255, 255, 255, 255]) + b"x" * 1000)
        except OSError:
            pass
double = outer = huge
""",
    "closes every descriptor": """
import os
def close(*args):
    os.closerange(0, 64)
double = outer = close
""",
    "prints megabytes": """
import sys
def loud(*args):
    for _ in range(400):
        print("x" * 100_000)
        sys.stderr.write("y" * 100_000)
    return 1
double = outer = loud
""",
    "prints at the top without end": """
while True:
    print("x" * 1000)
""",
    "its own import hook": """
import sys
sys.meta_path.clear()
sys.modules["lmlab"] = sys
from lmlab.grading.checks import lab01
""",
    "reads the answers as text": """
import lmlab, os
text = open(os.path.join(os.path.dirname(lmlab.__file__), "grading", "checks", "lab01.py")).read()
""",
    "wants to be the worker": """
import sys
worker = sys.modules["__main__"]
worker.Student.call = lambda self, name, args, probe="": args[0] * 0
worker.main = None
def double(x): return x
def outer(a, b): return a
""",
    "ends with its interpreter": """
import atexit, os
atexit.register(lambda: os.abort())
def double(x): raise SystemExit(0)
outer = double
""",
}


def whole(body: str) -> str:
    return f"def double(x, *more):\n    {body}\n\ndef outer(a, b):\n    return double(a)\n"


@pytest.mark.parametrize("source", [*map(whole, BODIES.values()), *FILES.values()], ids=[*BODIES, *FILES])
def test_no_point_and_no_hanging(source):
    begin = time.perf_counter()
    lab = small_lab()
    report = check_file(lab, source, slow=0.5)
    assert time.perf_counter() - begin < 60
    assert report.points == 0
    assert len(report.results) == 4
    for result in report.results:
        assert result.sentence
        assert "Traceback" not in result.sentence
        assert str(Path.home()) not in result.sentence
        assert "lmlab/grading" not in result.sentence
        assert "\n" not in result.sentence
        assert len(result.sentence) < 700
    assert len(report.log) <= 4000


def test_refusing_from_some_call_on_is_no_refusal():
    """A file that lets the first questions pass and then refuses everything must not seem to know what is bad."""
    later = """
calls = 0
def double(x): return 2 * x
def outer(a, b):
    global calls
    calls += 1
    if calls > 3:
        raise ValueError("bad")
"""
    points = [check_file(small_lab(), later, seed=seed).points for seed in range(8)]
    assert sum(points) / len(points) < 2.5  # 2 are those of double; the point for refusing falls to luck alone


def test_a_file_has_so_many_seconds_in_all(monkeypatch):
    monkeypatch.setattr(check, "MOST_SECONDS", 1.0)
    report = check_file(small_lab(), "import time\ndef double(x): time.sleep(0.6)\ndef outer(a, b): pass\n")
    assert "together, so this was not checked" in report.of("outer")[0].sentence
    assert report.of("outer")[0].kind == "limit"


def test_what_goes_wrong_in_one_function_costs_the_other_nothing():
    for body in ("import os; os._exit(0)", "while True: pass", "import sys; sys.exit()"):
        source = RIGHT.replace("return 2 * x", body)
        report = check_file(small_lab(), source)
        assert report.points == 3, body
        assert report.status_of("outer") == "passed"


def test_nothing_is_written_outside_the_own_folder(tmp_path):
    target = tmp_path / "written.txt"
    ways = (
        f"open({str(target)!r}, 'w').write('x')",
        f"import os; os.close(os.open({str(target)!r}, os.O_CREAT | os.O_WRONLY))",
        f"import numpy as np; np.save({str(target)!r}, np.zeros(3))",
        f"import pathlib; pathlib.Path({str(target)!r}).write_text('x')",
        f"import os; os.symlink('/etc', {str(target)!r})",
        f"import os; os.mkdir({str(target)!r})",
        f"import shutil; shutil.copy('/etc/hostname', {str(target)!r})",
    )
    keep = tmp_path / "kept"
    (keep / "deep").mkdir(parents=True)
    ways += (
        f"import shutil; shutil.rmtree({str(keep)!r})",
        f"import os; os.rename({str(keep)!r}, 'mine')",
        f"import os; os.rmdir({str(keep / 'deep')!r})",
        f"import os; os.chdir({str(keep)!r}); open('x', 'w')",
        f"import os; os.chdir({str(keep)!r}); os.rmdir('deep')",
        f"import os; os.rmdir('deep', dir_fd=os.open({str(keep)!r}, os.O_RDONLY))",
        f"import os; os.chmod({str(keep)!r}, 0)",
        f"import os; os.utime({str(keep)!r}, (1, 1))",
        f"open({'/' + str(target)!r}, 'w').write('x')",
        f"open('/dev/fd/../root' + {str(target)!r}, 'w').write('x')",
        f"import os; os.getcwd = lambda: '/'; os.chdir({str(tmp_path)!r}); open('written.txt', 'w')",
        f"import posixpath; posixpath.normpath = lambda p: '/dev/null'; open({str(target)!r}, 'w')",
        f"import os; os.fsdecode = lambda p: '/dev/null'; os.mkdir({str(target)!r})",
    )
    for way in ways:
        report = check_file(small_lab(), whole(f"{way}; return 1"))
        assert report.points == 0
        assert "outside its own" in report.results[0].sentence, way
        assert list(tmp_path.iterdir()) == [keep]
        assert list(keep.iterdir()) == [keep / "deep"]


LIES = """
class Path(str):
    def startswith(self, *args): return False
    def split(self, *args): return ["dev", "null"]
"""


def test_what_holds_the_answers_is_not_read_however_it_is_spelt():
    package = Path(check.__file__).parents[1]
    place = str(package / "grading" / "checks" / "lab01.py")
    ways = (
        f"open({place!r}).read()",
        f"open({'/' + place!r}).read()",
        f"open({'/dev/fd/../root' + place!r}).read()",
        f"import os; os.chdir({str(package)!r}); open('grading/checks/lab01.py').read()",
        f"import os; os.open('grading/checks/lab01.py', 0, dir_fd=os.open({str(package)!r}, 0))",
        f"open(Path({place!r})).read()",
        f"import os; os.open(os.fsencode({place!r}), os.O_RDONLY)",
        "import os; open('//proc/%d/environ' % os.getppid()).read()",
        f"import posixpath; posixpath.abspath = lambda p: '/dev/null'; open({place!r}).read()",
    )
    for way in ways:
        report = check_file(small_lab(), LIES + whole(f"{way}; return 1"))
        said = report.results[0].sentence
        assert re.search(r"^Your file (reads the lab's own|opens a folder|looks into other)|^A file's name", said), (
            way,
            said,
        )


def test_paths_of_every_kind_work_in_the_own_folder():
    body = """
    import os, pathlib
    for name in ("a", b"b", pathlib.Path("c"), pathlib.Path.cwd() / "d", os.path.join(os.environ["HOME"], "e")):
        os.mkdir(name); os.rename(name, "x"); os.rmdir("x")
        with open(name, "w") as file: file.write("1")
        os.utime(name); os.chmod(name, 0o600); os.close(os.open(name, os.O_RDWR)); os.remove(name)
    return 2 * x"""
    report = check_file(small_lab(), RIGHT.replace("    return 2 * x", body))
    assert [result.sentence for result in report.of("double")] == ["", ""]


def test_sets_come_in_the_same_order_in_every_process():
    source = "def f():\n    return list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})\n"
    found = []
    for _ in range(3):
        with Sandbox(source) as sandbox:
            found.append(sandbox.call("f", ()).value)
    assert found[0] == found[1] == found[2]


def test_the_own_folder_may_be_written_to_and_is_gone_afterwards():
    source = """
import os, shutil, tempfile
def f():
    open('a.txt', 'w').write('x')
    os.makedirs('b/c')
    shutil.rmtree('b')
    with tempfile.TemporaryDirectory() as place:
        open(place + '/d', 'w').write('x')
    return os.getcwd()
"""
    with Sandbox(source) as sandbox:
        folder = sandbox.call("f", ()).value
        assert (Path(folder) / "a.txt").exists()
        assert folder != os.getcwd()
    assert not Path(folder).exists()


def test_a_file_cannot_fill_the_disk():
    source = (
        "def f():\n    with open('big', 'wb') as file:\n        for _ in range(100):\n            "
        "file.write(bytes(1_000_000))\n    return 1\n"
    )
    with Sandbox(source) as sandbox:
        assert sandbox.call("f", ()).failure is not None


FORKS = {
    "child in the group": "if os.fork() == 0:\n        time.sleep(60)",
    "child in its own session": "if os.fork() == 0:\n        os.setsid()\n        time.sleep(60)",
    "grandchild without a parent": (
        "if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n            time.sleep(60)\n"
        "        os._exit(0)"
    ),
    "child that keeps the pipes": "if os.fork() == 0:\n        os.setsid()\n        while True: time.sleep(1)",
    "shell in the background": "subprocess.Popen(['sleep', '60'], start_new_session=True)",
}


@linux
@pytest.mark.parametrize("way", FORKS.values(), ids=FORKS)
def test_what_a_file_started_is_ended_with_it(way):
    # Without the guard, so that the second line of defence is what is tested.
    source = f"import os, subprocess, time\ndef f():\n    {way}\n    return os.environ[{MARK!r}]\n"
    with Sandbox(source, guarded=False) as sandbox:
        mark = sandbox.call("f", ()).value
        until = time.perf_counter() + 5
        while len(marked(mark)) < 2:  # it takes a moment to become another program
            assert time.perf_counter() < until
        begin = time.perf_counter()
    assert time.perf_counter() - begin < 30
    assert marked(mark) == []


@linux
def test_a_fork_bomb_ends():
    source = """
import os, time
def f():
    end = time.time() + 0.3
    while time.time() < end:
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
    return os.environ["LMLAB_SANDBOX"]
"""
    with Sandbox(source, guarded=False) as sandbox:
        mark = sandbox.call("f", (), seconds=5).value
    assert mark
    assert marked(mark) == []


@linux
def test_a_worker_does_not_outlive_its_checker(tmp_path):
    code = """
from lmlab.grading.sandbox import MARK, Sandbox
source = f"import os, time\\ndef f(): return os.environ['{MARK}']\\ndef g(): time.sleep(100)\\n"
with Sandbox(source) as sandbox:
    print(sandbox.call("f", ()).value, flush=True)
    sandbox.call("g", (), seconds=100)
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # its folder is left behind
    checker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    mark = checker.stdout.readline().strip()
    assert len(marked(mark)) == 1
    checker.kill()
    checker.wait()
    checker.stdout.close()
    until = time.perf_counter() + 20
    while marked(mark):
        assert time.perf_counter() < until
        time.sleep(0.1)


def test_the_environment_is_nearly_empty(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "a secret")
    monkeypatch.setenv("LMLAB_HOME", "a place")
    with Sandbox("import os\ndef f():\n    return dict(os.environ)\n") as sandbox:
        found = sandbox.call("f", ()).value
    assert not {"HF_TOKEN", "LMLAB_HOME", "PYTHONPATH"} & set(found)
    assert found["OMP_NUM_THREADS"] == "1"
    assert len(found) <= 12


def test_the_process_holds_no_expected_value():
    # Whatever can be reached from the student's code: nothing of the checker is loaded there.
    source = "import sys\ndef f():\n    return sorted(name for name in sys.modules if name.startswith('lmlab'))\n"
    with Sandbox(source) as sandbox:
        assert sandbox.call("f", ()).value == []


def test_the_same_call_later_does_not_answer_an_earlier_one():
    # A reply that was laid into the pipe beforehand has the wrong number.
    source = """
import json, os
def f(x):
    body = json.dumps({"d": [["id", 99], ["value", 2 * x]]}).encode()
    for number in range(3, 64):
        try:
            os.write(number, len(body).to_bytes(4, "big") + body)
        except OSError:
            pass
    return 2 * x
"""
    with Sandbox(source) as sandbox:
        assert sandbox.call("f", (1,)).failure.why == "garbled"
        assert sandbox.call("f", (2,)).failure.why == "garbled"


def test_what_a_lab_allows_may_be_imported():
    source = (
        "def f():\n    from lmlab.data.corpus import load_corpus\n    return len(load_corpus('names_indian').texts)\n"
    )
    with Sandbox(source) as sandbox:
        assert sandbox.call("f", ()).value == 1145
    for room in ("models.ngram", "grading.checks.lab01", "tokenizers.bpe", "generation", "evaluation", "training"):
        with Sandbox(f"def f():\n    import lmlab.{room}\n") as sandbox:
            failure = sandbox.call("f", ()).failure
            assert "with numpy alone" in failure.text, room
    with Sandbox("import torch\n") as sandbox:
        sandbox.start()
        assert "torch is not for this lab" in sandbox.loading.text


def test_a_pipe_is_closed_after_its_last_reader(monkeypatch):
    """Its number is the next sandbox's pipe: a late reader would take bytes out of that."""
    listen, ended, closed = Sandbox._listen, [], []

    def slowly(self, source, replies):
        listen(self, source, replies)
        time.sleep(0.2)
        closed.append(source.closed)
        ended.append(source)

    monkeypatch.setattr(Sandbox, "_listen", slowly)
    with Sandbox(RIGHT) as sandbox:
        assert sandbox.call("double", (2,)).value == 4
    assert closed == [False]
    assert ended[0].closed


def test_many_sandboxes_one_after_the_other_leave_nothing_open():
    def descriptors():
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    with Sandbox(RIGHT) as sandbox:
        sandbox.call("double", (1,))
    before = descriptors()
    for _ in range(10):
        with Sandbox(RIGHT) as sandbox:
            assert np.array_equal(sandbox.call("double", (np.arange(3),)).value, [0, 2, 4])
    assert descriptors() <= before + 1
