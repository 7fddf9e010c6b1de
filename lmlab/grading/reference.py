"""The answer to an exercise as text: the reference with the helpers of its module that it calls."""

import ast
import inspect
from pathlib import Path

from lmlab.grading.exercise import Exercise
from lmlab.grading.labs import Lab


def reference(lab: Lab, exercise: Exercise) -> str:
    """The source text of an exercise's reference and of what it uses from its module, in the module's order."""
    source = Path(lab.checks.__file__ or "").read_text("utf-8")
    lines = source.splitlines()
    found: dict[str, ast.stmt] = {}
    for one in ast.parse(source).body:
        if isinstance(one, ast.FunctionDef | ast.ClassDef):
            found[one.name] = one
        elif isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
            found[one.targets[0].id] = one
    name = getattr(exercise.answer, "__name__", "")
    if name not in found:  # a lambda
        return inspect.getsource(exercise.answer).strip()
    wanted, todo = {name}, [name]
    while todo:
        for used in names_from_outside(found[todo.pop()]):
            if used in found and used not in wanted:
                wanted.add(used)
                todo.append(used)
    parts = [one for key, one in found.items() if key in wanted]
    return "\n\n\n".join("\n".join(lines[_first(one) - 1 : one.end_lineno]) for one in parts)


def names_from_outside(statement: ast.stmt) -> set[str]:
    """The names that a statement reads and does not make itself.

    >>> statement = ast.parse("def f(x):\\n    total = g(x)\\n    return total + K").body[0]
    >>> sorted(names_from_outside(statement))
    ['K', 'g']
    """
    nodes = list(ast.walk(statement))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    inside = read - made - {node.arg for node in nodes if isinstance(node, ast.arg)}
    # A default is read outside, also where the argument has the same name: def f(g=g).
    defaults = [
        one for node in nodes if isinstance(node, ast.arguments) for one in (*node.defaults, *node.kw_defaults)
    ]
    names = (node for one in defaults if one is not None for node in ast.walk(one))
    return inside | {node.id for node in names if isinstance(node, ast.Name)}


def _first(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])
