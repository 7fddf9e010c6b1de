"""`evaluate`: the loss of a saved model, and runs that cannot be read."""

import json

import pytest
from calling import INDIAN, MANY_SCRIPTS, answer, check_form, schema_of, sentence


def test_json_of_evaluate(trained):
    data = answer("evaluate", trained, *INDIAN)
    check_form(data, schema_of("evaluate"))
    card = json.loads((trained / "run.json").read_text())
    assert data["validation"]["nll"] == pytest.approx(card["metrics"]["validation"]["nll"], abs=1e-5)


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
