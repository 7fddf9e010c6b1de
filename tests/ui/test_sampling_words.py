"""What the level Sample says in words, and what it reads from the page. Needs no browser."""

import csv

import pytest

from lmlab.errors import LabError
from lmlab.ui import sampling
from lmlab.ui.sampling import PRESETS, Rules

EVIL = "<img src=x onerror=alert(1)>"
SAMPLES = [
    {"text": "emma", "ended": True, "nats": 10.0, "rolls": 5, "novelty": "training"},
    {"text": EVIL, "ended": True, "nats": 2.0, "rolls": 1, "novelty": "new"},
    {"text": "=1+2", "ended": False, "nats": 4.0, "rolls": 4, "novelty": "cut off"},
    {"text": "", "ended": True, "nats": 1.0, "rolls": 1, "novelty": "held out"},
]


def texts(tree) -> list[str]:
    """All words of a tree, in order."""
    if isinstance(tree, str):
        return [tree]
    parts = tree[2:] if tree and isinstance(tree[0], str) and len(tree) > 1 and isinstance(tree[1], dict) else tree
    return [text for part in parts for text in texts(part)]


def test_every_preset_is_found_again():
    for name, (T, k, p, m, source) in PRESETS.items():
        assert sampling.preset_of(Rules(T, k, p, m), source) == name
    assert sampling.preset_of(Rules(0.8, 5, 0.9, 0.0), "model") is None


@pytest.mark.parametrize(("text", "expected"), [("1,2", [1, 2]), (" −1; 2.5\t3 ", [-1, 2.5, 3]), ("1e2 2", [100, 2])])
def test_logits_are_read_as_a_student_writes_them(text, expected):
    assert sampling.read_logits(text) == expected


@pytest.mark.parametrize("text", ["", "1", "1, x", "nan, 1", "inf, 1", "1, 1e9", " ".join(["1"] * 61), EVIL])
def test_other_logits_get_a_sentence(text):
    with pytest.raises(LabError) as error:
        sampling.read_logits(text)
    assert str(error.value).endswith((".", "1000."))


def test_names_are_counted_and_stay_text():
    trees = sampling.names_trees(SAMPLES, Rules(1.5, 3, 0.9, 0.1), guess=2)
    words = texts(trees)
    assert "Rolled before, at T = 1.50, top-k 3, top-p 0.90, min-p 0.10" in words
    assert ": a copy of a training name, 1 of 4. " in words
    assert "You said 2; 1 of 4 are copies." in words
    assert EVIL in words  # a text of its own: the page makes a text node of it
    assert "=1+2…" in words
    assert "(end at once)" in words
    assert {"2.00", "1.00"} <= set(words)


def test_the_file_holds_no_formula(tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path))
    path = sampling.write_csv(SAMPLES, "somebody")
    rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    assert rows[0] == ["name", "nats", "nats per character", "novelty", "ended"]
    assert [row[0] for row in rows[1:]] == ["emma", EVIL, "'=1+2", ""]
    assert rows[1][1:] == ["10.0", "2.0", "training", "True"]


def node(symbol, p, path, *children, id_=1):
    return {"id": id_, "symbol": symbol, "p": p, "path": path, "ids": [], "children": list(children)}


def tree(*children, greedy="aa", best="b"):
    whole = {"greedy": {"text": greedy, "p": 0.1, "ended": True}, "best": {"text": best, "p": 0.4, "ended": True}}
    root = {"id": None, "symbol": "", "p": 1.0, "path": 1.0, "ids": [], "children": list(children)}
    return {"root": root, "boundary": 0, "begin": "", "width": 50, **whole}


def test_the_likeliest_path_need_not_begin_with_the_likeliest_letter():
    first = node("a", 0.6, 0.6, node("x", 0.3, 0.18))
    second = node("b", 0.4, 0.4, node(".", 1.0, 0.4, id_=0))
    value = sampling.tree_value(tree(first, second))
    assert value["said"].startswith("The likeliest of these paths is b and its end, 40 %.")
    assert "gives ax, 18 %" in value["said"]
    assert "greedy spells aa, p = 10 %" in value["said"]
    assert value["sum"] == ["p(b and its end) = 0.4000 × 1.0000 = 0.400000"]


def test_the_likeliest_text_may_be_no_text():
    value = sampling.tree_value(tree(node(".", 1.0, 1.0, id_=0), greedy="", best=""))
    assert value["said"].count("the empty name") == 2
    assert "nothing likelier" in value["said"]


def test_an_infinite_surprise_has_no_sum():
    step = {"id": 1, "nats": None, "forced": True}
    found = {"symbols": [".", "q"], "steps": [step], "given": 0, "novelty": "new", "ended": False, "text": "q"}
    assert sampling.surprise_value(found, 0)["nats"] is None


def test_chance_is_said_with_the_numbers():
    lines = sampling.first_sums([".", "a"], [25, 75], [0.2, 0.8])
    assert lines[0].endswith("100 × 0.8000 = 80.0")
    assert lines[1].endswith("± 4.0")
    assert lines[2] == "rolled: 75 times a"
