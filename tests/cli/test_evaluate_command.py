"""`evaluate`: the loss of a saved model, and runs that cannot be read."""

import json
import time

import pytest
from calling import INDIAN, MANY_SCRIPTS, answer, call, check_form, quick, schema_of, sentence

from lmlab.data.corpus import Corpus, load_corpus


def test_json_of_evaluate(trained):
    data = answer("evaluate", trained, *INDIAN)
    check_form(data, schema_of("evaluate"))
    card = json.loads((trained / "run.json").read_text())
    assert data["validation"]["nll"] == pytest.approx(card["metrics"]["validation"]["nll"], abs=1e-5)
    assert data["test"] is None


def test_the_corpus_is_the_runs_own_unless_another_is_named(trained, tmp_path):
    assert answer("evaluate", trained) == answer("evaluate", trained, *INDIAN)
    names = tmp_path / "names.txt"
    names.write_text("ada\nanna\nnina\n", "utf-8")
    quick(tmp_path / "run", "--corpus", names, "--batch-size", 1)
    assert answer("evaluate", tmp_path / "run")["corpus"] == str(names)
    names.unlink()
    assert "is not at hand. Name one with --corpus" in sentence("evaluate", tmp_path / "run")


def test_the_test_part_opens_only_on_request_and_the_card_records_it(tmp_path, monkeypatch):
    run = tmp_path / "run"
    part, asked = Corpus.part, []
    monkeypatch.setattr(Corpus, "part", lambda self, which: asked.append(which) or part(self, which))
    quick(run)
    answer("evaluate", run)
    answer("generate", run, "-n", 2)
    assert set(asked) == {"train", "validation"}
    card = json.loads((run / "run.json").read_text())
    assert "test" not in card["metrics"]
    assert "test_opened" not in card

    begin = time.time()
    data = answer("evaluate", run, "--test")
    assert "test" in asked
    check_form(data, schema_of("evaluate"))
    documents = part(load_corpus("names_indian"), "test")
    assert data["test"]["predictions"] == sum(len(name) + 1 for name in documents)
    card = json.loads((run / "run.json").read_text())
    assert card["metrics"]["test"] == data["test"]
    assert "the card of the run records it" in call("evaluate", run, "--test").stdout
    times = json.loads((run / "run.json").read_text())["test_opened"]
    assert len(times) == 2
    assert begin <= times[0] <= times[1] <= time.time()
    assert answer("evaluate", run)["test"] is None  # a look that was recorded is not repeated by itself


def test_the_test_part_of_another_corpus_stays_closed(tmp_path):
    quick(tmp_path / "run")
    assert "the test part of that corpus only" in sentence(
        "evaluate", tmp_path / "run", "--test", "--corpus", "names"
    )
    assert "test_opened" not in json.loads((tmp_path / "run" / "run.json").read_text())


def test_the_train_part_is_what_the_run_learned_from(tmp_path):
    run = tmp_path / "run"
    trained = quick(run, "--train-size", 50)
    names = load_corpus("names_indian").part("train")
    for more in ([], INDIAN):
        measured = answer("evaluate", run, *more)
        assert measured["train"]["predictions"] == sum(len(name) + 1 for name in names[:50])
        assert measured["train"]["nll"] == pytest.approx(trained["train"]["nll"], abs=1e-5)
        assert measured["validation"] == trained["validation"]
    few = tmp_path / "few.txt"
    few.write_text("\n".join(names[:90]), "utf-8")  # another corpus: all of its training documents count
    other = answer("evaluate", run, "--corpus", few)["train"]
    assert other["predictions"] == sum(len(name) + 1 for name in load_corpus(few).part("train"))
    assert load_corpus(few).split["train"] > 50


def test_looking_at_a_run_never_contacts_the_hub(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("lmlab.data.corpus.hub_lines", lambda name: asked.append(name) or ["ada"] * 9)
    run = tmp_path / "run"
    quick(run)
    card = json.loads((run / "run.json").read_text())
    card["corpus"] |= {"source": "hub:someone/names", "name": "hub:someone/names"}
    (run / "run.json").write_text(json.dumps(card))
    assert {sample["novelty"] for sample in answer("generate", run)["samples"]} == {None}
    assert "is not at hand. Name one with --corpus" in sentence("evaluate", run)
    assert asked == []


def test_bad_runs(tmp_path, trained):
    assert "is not a run" in sentence("generate", tmp_path)
    assert "is not a run" in sentence("evaluate", tmp_path / "nowhere")
    (tmp_path / "run.json").write_text('{"name": "another program\'s"}')
    assert "damaged or not one of lmlab's" in sentence("generate", tmp_path)
    (tmp_path / "run.json").write_text((trained / "run.json").read_text())
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    assert "damaged" in sentence("evaluate", tmp_path)


def test_a_corpus_with_characters_that_the_model_does_not_know(trained, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("\n".join(MANY_SCRIPTS), "utf-8")
    assert "is not in the vocabulary" in sentence("evaluate", trained, "--corpus", names)
