"""Every number in the README is computed."""

import json
import re
from pathlib import Path

import pytest

from lmlab.data.corpus import load_corpus
from lmlab.evaluation.loss import evaluate
from lmlab.models.ngram import count
from lmlab.runs.cards import BUNDLED
from lmlab.runs.store import load_run
from lmlab.tokenizers.characters import CharacterTokenizer

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| ([^|]+) \| (\d\.\d{3}) \|$", README, re.MULTILINE))
COUNTED = {
    "unigram": (1, "add-k"),
    "bigram, add 0.1": (2, "add-k"),
    "trigram, add 0.1": (3, "add-k"),
    "4-gram, add 0.1": (4, "add-k"),
    "Kneser–Ney 5-gram": (5, "kneser-ney"),
}


@pytest.fixture(scope="module")
def corpus():
    return load_corpus("names")


def test_every_row_of_the_table_is_checked_below():
    assert set(ROWS) == {
        "uniform",
        *COUNTED,
        "`plain-finch`, the bundled MLP",
        "`calm-heron`, the bundled transformer",
    }


@pytest.mark.parametrize("row", COUNTED)
def test_counted_losses(row, corpus):
    order, smoothing = COUNTED[row]
    tokenizer = CharacterTokenizer(corpus.alphabet)
    loss = evaluate(count(corpus, order, smoothing, 0.1, tokenizer), corpus.part("validation"), tokenizer)
    assert ROWS[row] == f"{loss.nll:.3f}"


@pytest.mark.parametrize("name", ["plain-finch", "calm-heron"])
def test_bundled_runs_have_the_loss_that_their_card_and_the_readme_say(name, corpus):
    run = load_run(BUNDLED / name)
    loss = evaluate(run.model, corpus.part("validation"), run.tokenizer)
    said = next(value for row, value in ROWS.items() if name in row)
    assert said == f"{loss.nll:.3f}"
    assert run.card["metrics"]["validation"]["nll"] == pytest.approx(loss.nll, abs=1e-5)
    assert run.card["corpus"]["sha256"] == corpus.sha256
    assert (
        sum(file.stat().st_size for file in (BUNDLED / name).iterdir()) < 4_000_000
    )  # weights, card, and the moments that the scrubber goes back to


def test_the_example_in_python_prints_what_its_comment_says(capsys):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    said = re.search(r"print\(.*\)  # (.*)", code).group(1)
    exec(code, {})
    assert capsys.readouterr().out.strip() == said


def test_the_number_of_names(corpus):
    assert f"{corpus.report.kept:,} real names" in README


def test_the_header_for_spaces_is_valid():
    header = README.split("---")[1]
    fields = dict(line.split(": ", 1) for line in header.strip().splitlines() if ": " in line)
    assert fields["sdk"] == "gradio"
    assert fields["app_file"] == "app.py"
    assert (ROOT / fields["app_file"]).is_file()
    assert fields["python_version"] == '"3.12"'
    assert re.fullmatch(r"6\.\d+\.\d+", fields["sdk_version"])
    assert len(fields["short_description"]) <= 60
    assert fields["title"]


def test_requirements_are_those_of_the_package():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [line for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines() if line]
    assert wanted == project["dependencies"]


def test_cards_hold_plain_json():
    for card in BUNDLED.glob("*/run.json"):
        assert json.loads(card.read_text("utf-8"))["id"] == card.parent.name
