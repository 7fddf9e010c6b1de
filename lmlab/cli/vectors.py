"""`neighbours` and `analogy`: meaning as directions, on the bundled word vectors."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lmlab.cli.shared import Json, print_json, spoken, visible

Number = Annotated[int, typer.Option("-n", "--number", metavar="N", help="How many words.")]


@spoken
def neighbours_command(
    word: Annotated[str, typer.Argument(metavar="WORD", help="An English word.")],
    n: Number = 10,
    as_json: Json = False,
) -> None:
    """Show the words whose vectors point most nearly in the same direction.

    `cosine` is 1 for the same direction and 0 for a right angle.

    \b
    JSON:
      word                 string
      neighbours[].word    string
      neighbours[].cosine  number
    """
    from lmlab.evaluation.vectors import glove

    found = glove().neighbours(word, n)
    if as_json:
        print_json({"word": word, "neighbours": rows(found)})
        return
    show(found)


@spoken
def analogy_command(
    a: Annotated[str, typer.Argument(metavar="A", help="king")],
    b: Annotated[str, typer.Argument(metavar="B", help="man")],
    c: Annotated[str, typer.Argument(metavar="C", help="woman")],
    n: Number = 5,
    inputs: Annotated[bool, typer.Option("--inputs", help="Let the three words themselves be answers.")] = False,
    as_json: Json = False,
) -> None:
    """Show the words nearest to A - B + C, as king - man + woman.

    The three words are left out of the answers unless `--inputs` lets them in; then one of them is often first.

    \b
    JSON:
      {a,b,c}           string
      inputs            boolean
      answers[].word    string
      answers[].cosine  number
    """
    from lmlab.evaluation.vectors import glove

    found = glove().analogy(a, b, c, n, inputs)
    if as_json:
        print_json({"a": a, "b": b, "c": c, "inputs": inputs, "answers": rows(found)})
        return
    show(found)


def rows(found: list[tuple[str, float]]) -> list[dict[str, str | float]]:
    """Words with their cosines, as JSON has them.

    >>> rows([("queen", 0.5)])
    [{'word': 'queen', 'cosine': 0.5}]
    """
    return [{"word": word, "cosine": cosine} for word, cosine in found]


def show(found: list[tuple[str, float]]) -> None:
    """A table for people."""
    table = Table(box=None)
    table.add_column("word")
    table.add_column("cosine", justify="right")
    for word, cosine in found:
        table.add_row(Text(visible(word)), f"{cosine:.3f}")
    Console().print(table)
