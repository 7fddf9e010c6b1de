"""`train`: its JSON, its recipe, and what Ctrl-C does."""

import json
import signal

import pytest
from calling import INDIAN, answer, call, check_form, quick, schema_of, sentence

from lmlab.training.trainer import Trainer


def test_json_of_train(tmp_path):
    data = quick(tmp_path / "run", "--option", "context=5", "--seed", 7)
    check_form(data, schema_of("train"))
    assert (data["steps"], data["planned_steps"], data["seed"], data["threads"]) == (20, 20, 7, 1)
    assert data["model"] == "mlp"
    assert data["preset"] == "mlp-sensible"
    assert {"context": 5, "d_embed": 10, "d_hidden": 128}.items() <= data["options"].items()
    assert data["validation"]["predictions"] > 0


def test_the_controls_of_train_arrive_on_the_card(tmp_path):
    more = ["--optimizer", "sgd", "--learning-rate", 0.5, "--batch-size", 16, "--schedule", "constant"]
    quick(tmp_path / "run", *more)
    recipe = json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]
    assert (recipe["optimizer"], recipe["learning_rate"], recipe["batch_size"]) == ("sgd", 0.5, 16)
    assert (recipe["schedule"], recipe["steps"], recipe["threads"]) == ("constant", 20, 1)


def test_seconds_become_steps(tmp_path):
    data = answer("train", "--model", "mlp-one-letter", *INDIAN, "--seconds", 0.2, "--out", tmp_path / "run")
    assert data["steps"] == data["planned_steps"] >= 1
    assert data["options"]["context"] == 1


def test_the_same_seed_gives_the_same_model(tmp_path):
    first, again, other = (quick(tmp_path / str(i), "--seed", seed) for i, seed in enumerate((1, 1, 2)))
    assert first["validation"] == again["validation"] != other["validation"]


@pytest.mark.parametrize("at", [1, 30])
def test_ctrl_c_stops_early_and_saves(tmp_path, monkeypatch, at):
    step = Trainer.step

    def interrupted(self):
        if self.step_number == at and not self._due:
            signal.raise_signal(signal.SIGINT)
        return step(self)

    monkeypatch.setattr(Trainer, "step", interrupted)
    former = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run may be deaf to Ctrl-C
    try:
        data = quick(tmp_path / "run", steps=200)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, former)
    assert data["stopped"] is True
    assert at <= data["steps"] <= at + 1
    assert data["planned_steps"] == 200
    card = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (card["steps"], card["planned_steps"]) == (data["steps"], 200)
    assert data["train"]["nll"] > 0
    assert len(answer("generate", tmp_path / "run", "-n", 2)["samples"]) == 2


def test_ctrl_c_is_answered_in_words(tmp_path, monkeypatch):
    step = Trainer.step

    def interrupted(self):
        if self.step_number >= 5:
            signal.raise_signal(signal.SIGINT)
        return step(self)

    monkeypatch.setattr(Trainer, "step", interrupted)
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        again = call("train", "--model", "mlp", *INDIAN, "--steps", 50, "--out", tmp_path / "run")
    finally:
        signal.signal(signal.SIGINT, former)
    assert f"Go on with: python -m lmlab train --resume {tmp_path / 'run'}" in again.stderr
    assert again.exit_code == 130  # the second Ctrl-C, in the measurement of the end, skips it
    card = json.loads((tmp_path / "run" / "run.json").read_text())
    assert card["metrics"] == {}  # saved all the same, and nothing is claimed that was not measured
    monkeypatch.setattr(Trainer, "step", step)
    assert answer("train", "--resume", tmp_path / "run", "--stop-at", 9)["steps"] == 9


def test_divergence_is_told(tmp_path):
    run = ["train", "--model", "mlp", *INDIAN, "--steps", 300, "--optimizer", "sgd", "--learning-rate", 5000]
    data = answer(*run, "--out", tmp_path / "run")
    check_form(data, schema_of("train"))
    assert data["steps"] == data["diverged"]["back_to"] < data["planned_steps"] == 300
    assert "try 0.1" in data["diverged"]["sentence"]
    assert data["diverged"]["sentence"] in call(*run, "--out", tmp_path / "run").stdout


def test_bad_models(tmp_path):
    out = ["--out", tmp_path / "run"]
    assert "Did you mean 'transformer'?" in sentence("train", "--model", "transfromer", *out)
    assert "Did you mean 'mlp-too-fast'?" in sentence("train", "--model", "mlp-to-fast", *out)
    assert "Did you mean" not in sentence("train", "--model", "lstm", *out)
    mlp = ["train", "--model", "mlp", *INDIAN, *out]
    assert "has no option 'n_head'" in sentence(*mlp, "--option", "n_head=2")
    assert "write --option name=value" in sentence(*mlp, "--option", "context")
    assert "give a whole number" in sentence(*mlp, "--option", "context=many")
    assert "context is 0: choose" in sentence(*mlp, "--option", "context=0")
    assert "give --steps or --seconds" in sentence(*mlp, "--steps", 5, "--seconds", 1)
    assert "choose sgd, adamw or muon" in sentence(*mlp, "--optimizer", "adam")
    assert "The learning rate is -1" in sentence(*mlp, "--learning-rate", -1)
    assert "The batch size is 0" in sentence(*mlp, "--batch-size", 0)
    assert "0 steps were asked for" in sentence(*mlp, "--steps", 0)
    assert "The seed is -1" in sentence(*mlp, "--seed", -1)
    assert "Order 9 is out of range" in sentence("count", *INDIAN, "--order", 9)
    assert "Smoothing 'laplace' is unknown" in sentence("count", *INDIAN, "--smoothing", "laplace")
    assert "k is nan" in sentence("count", *INDIAN, "--k", "nan")
    assert not (tmp_path / "run").exists()
