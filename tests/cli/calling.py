"""Calling the command line in this process, and the form that its JSON promises."""

import itertools
import json
import re
from pathlib import Path

from typer.testing import CliRunner, Result

from lmlab.cli import app

INDIAN = ["--corpus", "names_indian"]  # small, so that everything here is quick
ALONE = ["--threads", 1]  # the cores belong to others too
MANY_SCRIPTS = ["प्रिया", "अर्जुन", "मीरा", "राम", "सीता", "👩‍🚀", "😀😃", "🦜", "zoë", "привет", "δέλτα", "林"]


def call(*arguments) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def answer(*arguments):
    """The JSON of a command that went well."""
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def sentence(*arguments) -> str:
    """The one sentence of a command that went wrong."""
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.stderr.splitlines()[-1] == line
    with_json = call(*arguments, "--json")
    assert with_json.exit_code == 2
    assert json.loads(with_json.stdout.splitlines()[-1]) == {"error": line.removeprefix("Error: ")}
    return line.removeprefix("Error: ")


def quick(out: Path, *more, steps: int = 20):
    return answer("train", "--model", "mlp", *INDIAN, "--steps", steps, "--threads", 1, "--out", out, *more)


def schema_of(command: str) -> dict[str, set[str]]:
    """`{path: types}` from the lines of the docstring after `JSON:`."""
    (callback,) = [one.callback for one in app.registered_commands if one.name == command]
    block = callback.__doc__.partition("JSON:\n")[2]
    schema = {}
    for line in block.strip().splitlines():
        path, kinds = line.strip().split(maxsplit=1)
        for one in expanded(path):
            schema[one] = {kind.strip() for kind in kinds.split("|")}
    assert schema
    return schema


def expanded(path: str) -> list[str]:
    """`{a,b}.c` as a.c and b.c, as a shell does it."""
    parts = re.split(r"\{([^}]*)\}", path)
    choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*choices)]


def check_form(value, schema: dict[str, set[str]], path: str = "") -> None:
    """Fields are equal and so are types; a list or an object that is not named follows from what it holds."""
    below = {name[len(path) :] for name in schema if name.startswith(path) and name != path}
    fields = {re.match(r"\.?([^.\[]+)", name)[1] for name in below if not name.startswith("[]")} if below else set()
    kinds = schema.get(path) or ({"array"} if any(name.startswith("[]") for name in below) else {"object"})
    kind = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array"}.get(
        type(value), "null"
    )
    assert kind in kinds or (kind == "integer" and "number" in kinds), f"{path} is {value!r}, not {kinds}"
    if isinstance(value, dict) and fields:
        assert set(value) == fields, path
        for field, part in value.items():
            check_form(part, schema, f"{path}.{field}" if path else field)
    elif isinstance(value, list):
        for part in value:
            check_form(part, schema, f"{path}[]")
