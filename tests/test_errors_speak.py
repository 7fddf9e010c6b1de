"""What a student is told to mend is said in the language of their page, also when a worker found it out."""

import ast
from pathlib import Path

import pytest

import lmlab
from lmlab import strings
from lmlab.data.corpus import names_corpus
from lmlab.errors import LabError, sentence_of
from lmlab.jobs.messages import JobSpec
from lmlab.runs.cards import checked_name, find_run
from lmlab.training.recipe import Recipe

ROOT = Path(lmlab.__file__).parent
ROOMS = ["ui", "jobs", "runs/cards.py", "runs/archive.py"]
"""Whose errors reach the page."""
FORGED = (
    "There is no question", "There is no command", "' is not counted", " names were asked for", " rolls were asked",
    "The share is", " temperatures were given", "There are ", "At most ", "There is no part", "There is no learning",
    "That is no model of the ladder", "That is no letter of the name", " has no number '",
)  # fmt: skip
"""How sentences begin, or go on, that only a request which no page sends can lead to: they may stay English."""
FOR_THE_HOST = ("ui/server.py",)
"""Read on a terminal by whoever starts the lab."""
CARDS = ("is not a run", "The card ", "The run ", "The card would have", "The vocabulary has")
"""About a folder on the command line; the page says something of its own instead."""


def english_in(path: Path) -> list[str]:
    """Sentences that a file's `LabError`s hold themselves."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "LabError":
            texts = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
            if isinstance(node.args[0], ast.Constant | ast.JoinedStr):
                found.append("{}".join(text for text in texts if isinstance(text, str)))
    return found


def test_no_sentence_that_a_student_can_meet_is_only_english():
    paths = [
        path for room in ROOMS for path in ([ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py"))
    ]
    left = {
        f"{path.relative_to(ROOT)}: {sentence}"
        for path in paths
        if str(path.relative_to(ROOT)) not in FOR_THE_HOST
        for sentence in english_in(path)
        if not any(part in sentence for part in (*FORGED, *CARDS))
    }
    assert left == set()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: find_run("nothing-here", "ada"),
        lambda: checked_name(""),
        lambda: names_corpus(["Ada"]),
        lambda: Recipe(steps=10, learning_rate=-1),
    ],
)
def test_the_same_mistake_is_told_in_each_language(wrong):
    told = set()
    for language in strings.LANGUAGES:
        with strings.speaking(language), pytest.raises(LabError) as caught:
            wrong()
        told.add(str(caught.value))
    assert len(told) == len(strings.LANGUAGES)


def test_what_nobody_foresaw_is_told_in_the_language_too(capsys):
    with strings.speaking("es"):
        assert "Algo falló en el laboratorio (KeyError)" in sentence_of(KeyError("x"))
    assert "Something went wrong in the lab (KeyError)" in sentence_of(KeyError("x"))


def test_a_training_speaks_the_language_of_the_page_that_began_it():
    with strings.speaking("es"):
        assert JobSpec("mlp", {}, Recipe(steps=1)).language == "es"
    assert JobSpec("mlp", {}, Recipe(steps=1)).language == "en"
