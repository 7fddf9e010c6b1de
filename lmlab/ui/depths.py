"""Three depths of every screen: do it; see the sum with its numbers; read the lines of lmlab that computed it."""

import ast
import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lmlab.figures.figure import Figure
from lmlab.strings import t
from lmlab.ui.bench import next_seq
from lmlab.ui.widgets.content import h

PACKAGE = Path(__file__).parents[1]


@cache
def source_of(path: str, name: str) -> str:
    """The source of a function or class without its docstring; `path` is inside `lmlab/`.

    The file is read, not imported: the web process knows no torch. Raises `KeyError` for a name that is not there.

    >>> print(source_of("models/uniform.py", "Uniform.__init__"))
    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size
    """
    text = (PACKAGE / path).read_text("utf-8")
    node: ast.AST = ast.parse(text)
    for part in name.split("."):
        inside = {child.name: child for child in ast.iter_child_nodes(node) if hasattr(child, "name")}
        if part not in inside:
            raise KeyError(f"{path} has no {name}")
        node = inside[part]
    assert isinstance(node, ast.FunctionDef | ast.ClassDef)
    lines = text.splitlines()
    kept = lines[node.lineno - 1 : node.end_lineno]
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        begin, end = first.lineno - node.lineno, (first.end_lineno or first.lineno) - node.lineno
        kept = kept[:begin] + kept[end + 1 :]
    return textwrap.dedent("\n".join(kept)).strip("\n")


def depths(sums: Sequence[str] = (), code: tuple[str, str] | None = None) -> dict[str, Any]:
    """What a figure's value gets besides the figure: lines of a sum, and where the code stands with its text.

    >>> depths(["1 + 1 = 2"], ("models/uniform.py", "Uniform.__init__"))["code"]["where"]
    'lmlab/models/uniform.py, Uniform.__init__'
    """
    found: dict[str, Any] = {"sum": list(sums)}
    if code is not None:
        found["code"] = {"where": f"lmlab/{code[0]}, {code[1]}", "text": source_of(*code)}
    return found


def drawn(figure: Figure, sums: Sequence[str] = (), code: tuple[str, str] | None = None) -> dict[str, Any]:
    """The value of a figure widget: the figure with its two further depths."""
    return {**figure.to_value(next_seq()), **depths(sums, code)}


def depths_trees(sums: Sequence[str] = (), code: tuple[str, str] | None = None) -> list[Any]:
    """The same two depths as words, for what is not drawn by the figure widget."""
    found = depths(sums, code)
    trees = []
    if found["sum"]:
        body = h("pre", "\n".join(found["sum"]), cls="sum")
        trees.append(h("details", h("summary", t("widget.figure.sum")), body))
    if "code" in found:
        where = h("p", found["code"]["where"], cls="where")
        trees.append(h("details", h("summary", t("widget.figure.code")), where, h("pre", found["code"]["text"])))
    return [h("div", *trees, cls="depths")]
