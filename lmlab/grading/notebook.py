"""A lab as a notebook: the same text as lab.py, one cell for each `# %%`.

Students hand in lab.py: a notebook is only another way to write it. `to_python` brings it back.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from lmlab.errors import LabError

CELL = re.compile(r"^# %%[ \t]*(\[markdown\])?[ \t]*(.*)$")


@dataclass(frozen=True)
class Cell:
    """A cell; `title` is what stands behind its `# %%`."""

    kind: Literal["code", "markdown"]
    title: str
    text: str


def cells_of(source: str) -> list[Cell]:
    """The cells of a file with `# %%` lines; what stands before the first one is a cell of its own.

    >>> cells_of("# %% [markdown]\\n# # Title\\n#\\n# Text\\n\\n# %% Try\\nx = 1\\n")
    [Cell(kind='markdown', title='', text='# Title\\n\\nText'), Cell(kind='code', title='Try', text='x = 1')]
    """
    cells: list[Cell] = []
    kind: Literal["code", "markdown"] = "code"
    title = ""
    lines: list[str] = []

    def close() -> None:
        text = "\n".join(_plain(line) if kind == "markdown" else line for line in lines).strip("\n")
        if text.strip():
            cells.append(Cell(kind, title, text))

    for line in source.splitlines():
        begin = CELL.match(line)
        if begin is None:
            lines.append(line)
            continue
        close()
        kind, title, lines = "markdown" if begin[1] else "code", begin[2].strip(), []
    close()
    return cells


def _plain(line: str) -> str:
    """A comment without its sign."""
    return line.removeprefix("#").removeprefix(" ")


def to_notebook(source: str) -> str:
    """The text of an .ipynb file (format 4.5) with the cells of a lab.py.

    >>> notebook = json.loads(to_notebook("# %% Try\\nx = 1\\n"))
    >>> notebook["nbformat"], notebook["cells"][0]["source"]
    (4, ['# %% Try\\n', 'x = 1'])
    """
    cells: list[dict[str, Any]] = []
    for number, cell in enumerate(cells_of(source)):
        text = f"# %% {cell.title}\n{cell.text}" if cell.title else cell.text
        made: dict[str, Any] = {
            "cell_type": cell.kind,
            "id": f"cell-{number}",
            "metadata": {},
            "source": text.splitlines(keepends=True),
        }
        if cell.kind == "code":
            made |= {"execution_count": None, "outputs": []}
        cells.append(made)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def to_python(notebook: str) -> str:
    """The lab.py in a notebook: its cells in order, each below a `# %%`; lines for the notebook alone are left out.

    Raises `LabError` for a text that is no notebook.

    >>> print(to_python(to_notebook("# %% [markdown]\\n# Hi\\n\\n# %% Try\\nx = 1\\n")), end="")
    # %% [markdown]
    # Hi
    <BLANKLINE>
    # %% Try
    x = 1
    """
    try:
        cells = json.loads(notebook)["cells"]
        parts = [part for cell in cells if (part := _percent(cell["cell_type"], _joined(cell["source"])))]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise LabError("The file is no notebook: save it as .ipynb, or hand in lab.py.") from None
    return "\n\n".join(parts) + "\n"


def _joined(source: Any) -> str:
    return source if isinstance(source, str) else "".join(str(line) for line in source)


def _percent(kind: str, text: str) -> str:
    if kind == "markdown":
        lines = [f"# {line}".rstrip() for line in text.splitlines()]
        return "\n".join(["# %% [markdown]", *lines])
    if kind != "code":
        return ""
    # `%matplotlib inline` and `!pip install` are no Python
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("%", "!"))]
    return "\n".join(lines if lines and CELL.match(lines[0]) else ["# %%", *lines])
