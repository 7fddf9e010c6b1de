"""The command line: `python -m lmlab COMMAND`, where `--help` lists the commands.

Results go to stdout; progress and errors go to stderr. With `--json` the last line on stdout is one JSON object. Its
form stands in the command's docstring as lines of `path  type`: `a.b` is the field b of the object a, `a[]` an
element of the list a, `{a,b}.c` stands for both a.c and b.c, and `|` separates the types that may occur.

What takes long to import (torch, the app) is imported by the command that needs it, so `--help` answers at once.
"""

import sys
from collections.abc import Callable

import typer

from lmlab.cli.bench import bench_command
from lmlab.cli.compare import compare_command
from lmlab.cli.count import count_command
from lmlab.cli.evaluate import evaluate_command
from lmlab.cli.generate import generate_command
from lmlab.cli.labs import (
    check_command,
    grade_command,
    hint_command,
    labs_command,
    reset_command,
    show_command,
    start_command,
    submit_command,
)
from lmlab.cli.launch import open_app
from lmlab.cli.leaks import leaks_command
from lmlab.cli.models import models_command
from lmlab.cli.tokens import bpe_train_command, tokenize_command
from lmlab.cli.train import train_command
from lmlab.cli.vectors import analogy_command, neighbours_command

app = typer.Typer(add_completion=False, no_args_is_help=True)

COMMANDS: dict[str, Callable[..., None]] = {
    "app": open_app,
    "models": models_command,
    "count": count_command,
    "train": train_command,
    "generate": generate_command,
    "evaluate": evaluate_command,
    "compare": compare_command,
    "leaks": leaks_command,
    "tokenize": tokenize_command,
    "bpe-train": bpe_train_command,
    "neighbours": neighbours_command,
    "analogy": analogy_command,
    "bench": bench_command,
    "labs": labs_command,
    "start": start_command,
    "check": check_command,
    "hint": hint_command,
    "show": show_command,
    "reset": reset_command,
    "submit": submit_command,
    "grade": grade_command,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


@app.callback()
def _prepare() -> None:
    """A lab for learning language modelling, from letter pairs to a small GPT."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter shows its number instead of ending the command.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
