"""`train`: its JSON, its recipe, and what Ctrl-C does."""

import errno
import json
import signal
from pathlib import Path

import pytest
from calling import ALONE, INDIAN, MANY_SCRIPTS, answer, call, check_form, quick, schema_of, sentence

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
    data = answer("train", "--model", "mlp-one-letter", *INDIAN, *ALONE, "--seconds", 0.2, "--out", tmp_path / "run")
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


@pytest.mark.parametrize("model", ["mlp", "skip-gram"])
def test_ctrl_c_in_the_measurement_of_the_end_loses_nothing(tmp_path, monkeypatch, model):
    step = Trainer.step
    interrupts = 0

    def interrupted(self):
        nonlocal interrupts
        if self.step_number == 20 and interrupts < most:
            interrupts += 1
            signal.raise_signal(signal.SIGINT)
        return step(self)

    monkeypatch.setattr(Trainer, "step", interrupted)
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    base = ["train", "--model", model, "--corpus", "words" if model == "skip-gram" else "names_indian", *ALONE]
    try:
        most = 2
        skipped = call(*base, "--steps", 20, "--batch-size", 8, "--out", tmp_path / "skipped")
        interrupts, most = 0, 1
        measured = answer(*base, "--steps", 20, "--batch-size", 8, "--out", tmp_path / "measured")
    finally:
        signal.signal(signal.SIGINT, former)
    assert skipped.exit_code == 130
    assert "The run is saved and its loss is being measured; Ctrl-C again skips that." in skipped.stderr
    cards = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("skipped", "measured")]
    assert [card["steps"] for card in cards] == [20, 20]
    assert cards[0]["metrics"] == cards[0].get("objective_losses", {}) == {}
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("skipped", "measured")]
    assert weights[0] == weights[1]
    assert measured["stopped"] is False  # one Ctrl-C alone lets the measurement end
    if model == "mlp":
        assert cards[1]["metrics"]["validation"] == measured["validation"]
        assert answer("evaluate", tmp_path / "skipped")["validation"] == measured["validation"]


def test_divergence_is_told(tmp_path):
    run = [
        "train",
        "--model",
        "mlp",
        *INDIAN,
        "--steps",
        300,
        "--threads",
        1,
        "--optimizer",
        "sgd",
        "--learning-rate",
        5000,
    ]
    data = answer(*run, "--out", tmp_path / "run")
    check_form(data, schema_of("train"))
    assert data["steps"] == data["diverged"]["back_to"] < data["planned_steps"] == 300
    assert "try 0.1" in data["diverged"]["sentence"]
    assert data["diverged"]["sentence"] in call(*run, "--out", tmp_path / "run").stdout


def test_bad_models(tmp_path):
    out = ["--out", tmp_path / "run"]
    assert "Did you mean 'transformer'?" in sentence("train", "--model", "transfromer", *out)
    assert "Did you mean 'mlp-too-fast'?" in sentence("train", "--model", "mlp-to-fast", *out)
    assert "Did you mean" not in sentence("train", "--model", "forest", *out)
    mlp = ["train", "--model", "mlp", *INDIAN, *out]
    assert "has no option 'n_head'" in sentence(*mlp, "--option", "n_head=2")
    assert "write --option name=value" in sentence(*mlp, "--option", "context")
    assert "give a whole number" in sentence(*mlp, "--option", "context=many")
    assert "context is 0: choose" in sentence(*mlp, "--option", "context=0")
    assert "give --steps or --seconds" in sentence(*mlp, "--steps", 5, "--seconds", 1)
    assert "choose sgd, adamw or muon" in sentence(*mlp, "--optimizer", "adam")
    assert "The learning rate is -1" in sentence(*mlp, "--learning-rate", -1)
    assert "The batch size is 0" in sentence(*mlp, "--batch-size", 0)
    assert "The warm-up is -1" in sentence(*mlp, "--warmup", -1)
    assert "The weight decay is -1" in sentence(*mlp, "--weight-decay", -1)
    assert "The clipping norm is 0" in sentence(*mlp, "--clip", 0)
    assert "The training size is 0" in sentence(*mlp, "--train-size", 0)
    assert "learning rate of the matrices is 0" in sentence(*mlp, "--matrix-learning-rate", 0)
    assert "65 threads were asked for" in sentence(*mlp, "--threads", 65)
    assert "give true or false" in sentence(*mlp, "--option", "batch_norm=perhaps")
    assert "Did you mean 'context'?" in sentence(*mlp, "--option", "contxt=3")
    assert "0 steps were asked for" in sentence(*mlp, "--steps", 0)
    assert "The seed is -1" in sentence(*mlp, "--seed", -1)
    assert "Order 9 is out of range" in sentence("count", *INDIAN, "--order", 9)
    assert "Smoothing 'laplace' is unknown" in sentence("count", *INDIAN, "--smoothing", "laplace")
    assert "k is nan" in sentence("count", *INDIAN, "--k", "nan")
    assert not (tmp_path / "run").exists()


# --- stop and go on ---------------------------------------------------------------------------------------


def stop_and_go(tmp_path, *more, at: int = 13, steps: int = 20):
    """The answer of a run that never stopped and of one that did; both folders."""
    base = ["train", *INDIAN, "--steps", steps, *ALONE, "--batch-size", 16, *more]
    whole = answer(*base, "--out", tmp_path / "whole")
    stopped = answer(*base, "--out", tmp_path / "part", "--stop-at", at)
    check_form(stopped, schema_of("train"))
    assert (stopped["steps"], stopped["planned_steps"], stopped["stopped"]) == (at, steps, True)
    assert stopped["resume"] == f"python -m lmlab train --resume {tmp_path / 'part'}"
    gone_on = answer("train", "--resume", tmp_path / "part", "--out", tmp_path / "end")
    check_form(gone_on, schema_of("train"))
    return whole, gone_on


@pytest.mark.parametrize(
    "model",
    [["--model", "mlp"], ["--model", "transformer-one-block"], ["--model", "mlp", "--option", "batch_norm=true"]],
    ids=["mlp", "muon", "batch-norm"],
)
def test_a_run_that_stops_and_goes_on_equals_the_one_that_never_stopped(tmp_path, model):
    whole, gone_on = stop_and_go(tmp_path, *model)
    weights = [(tmp_path / folder / "model.safetensors").read_bytes() for folder in ("whole", "end")]
    assert weights[0] == weights[1]
    for part in ("train", "validation"):
        assert whole[part] == gone_on[part]
    assert (gone_on["steps"], gone_on["stopped"], gone_on["resume"]) == (20, False, None)
    cards = [json.loads((tmp_path / folder / "run.json").read_text()) for folder in ("whole", "end")]
    for what in ("history", "recipe", "model", "corpus", "preset", "tokens"):
        assert cards[0][what] == cards[1][what], what


def test_a_run_goes_on_in_its_own_folder_and_then_is_done(tmp_path):
    quick(tmp_path / "run", "--stop-at", 5)
    before = json.loads((tmp_path / "run" / "run.json").read_text())
    done = answer("train", "--resume", tmp_path / "run")
    assert (done["steps"], done["out"]) == (20, str(tmp_path / "run"))
    after = json.loads((tmp_path / "run" / "run.json").read_text())
    assert after["id"] == before["id"]
    assert (before["steps"], after["steps"]) == (5, 20)
    assert "no checkpoint" in sentence("train", "--resume", tmp_path / "run")


def test_a_run_may_stop_more_than_once(tmp_path):
    quick(tmp_path / "run", "--stop-at", 5)
    told = call("train", "--resume", tmp_path / "run", "--stop-at", 9)
    assert f"Stopped at step 9. Go on with: python -m lmlab train --resume {tmp_path / 'run'}" in told.stdout
    assert "Choose a step between the two" in sentence("train", "--resume", tmp_path / "run", "--stop-at", 9)
    assert answer("train", "--resume", tmp_path / "run", "--stop-at", 10)["steps"] == 10


def test_a_stopped_run_can_be_used(tmp_path):
    stopped = quick(tmp_path / "run", "--stop-at", 5)
    assert answer("evaluate", tmp_path / "run")["validation"] == stopped["validation"]
    assert len(answer("generate", tmp_path / "run", "-n", 2)["samples"]) == 2


def test_stopping_at_the_planned_end_is_no_stop(tmp_path):
    data = quick(tmp_path / "run", "--stop-at", 20)
    assert (data["steps"], data["stopped"], data["resume"]) == (20, False, None)


def test_what_cannot_go_on_says_why(tmp_path, trained):
    assert "no checkpoint to go on from" in sentence("train", "--resume", trained)
    assert "is not a run" in sentence("train", "--resume", tmp_path / "nowhere")
    assert "give --model" in sentence("train")
    assert "give --out" in sentence("train", "--model", "mlp")
    run = tmp_path / "run"
    assert "Choose a step between the two" in sentence(
        "train", "--model", "mlp", *INDIAN, "--steps", 20, "--out", run, "--stop-at", 21
    )
    assert "choose 1 or more" in sentence("train", "--model", "mlp", *INDIAN, "--out", run, "--stop-at", 0)
    quick(run, "--stop-at", 5)
    assert "--learning-rate cannot be changed" in sentence("train", "--resume", run, "--learning-rate", 1)
    assert "--model cannot be changed" in sentence("train", "--resume", run, "--model", "mlp")
    assert "--option cannot be changed" in sentence("train", "--resume", run, "--option", "context=3")


def test_a_corpus_that_changed_ends_the_wish_to_go_on(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("\n".join(MANY_SCRIPTS), "utf-8")
    base = [
        "train",
        "--model",
        "mlp",
        "--corpus",
        names,
        "--steps",
        9,
        "--threads",
        1,
        "--batch-size",
        4,
        "--out",
        tmp_path / "run",
    ]
    answer(*base, "--stop-at", 5)
    names.write_text("\n".join([*MANY_SCRIPTS, "ada"]), "utf-8")
    assert "has changed since" in sentence("train", "--resume", tmp_path / "run")
    names.unlink()
    assert "no corpus or file" in sentence("train", "--resume", tmp_path / "run")


def test_a_checkpoint_of_another_vocabulary(tmp_path):
    quick(tmp_path / "run", "--stop-at", 5)
    names = tmp_path / "names.txt"
    names.write_text("\n".join(MANY_SCRIPTS), "utf-8")
    answer("train", "--model", "mlp", "--corpus", names, "--steps", 9, "--stop-at", 5, "--out", tmp_path / "other")
    for file in ("checkpoint.json", "checkpoint.safetensors"):
        (tmp_path / "run" / file).write_bytes((tmp_path / "other" / file).read_bytes())
    assert "damaged or of another model" in sentence("train", "--resume", tmp_path / "run")
    (tmp_path / "run" / "model.safetensors").write_bytes((tmp_path / "other" / "model.safetensors").read_bytes())
    assert "do not belong together" in sentence("generate", tmp_path / "run")


def test_a_full_disk_leaves_the_former_checkpoint(tmp_path, monkeypatch):
    run = tmp_path / "run"
    quick(run, "--stop-at", 5)
    before = {file.name: file.read_bytes() for file in run.iterdir()}

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("lmlab.runs.store.save_file", full)
        assert "No space left on device" in sentence("train", "--resume", run, "--stop-at", 9)
    assert {file.name: file.read_bytes() for file in run.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["run"]  # no half-written rest
    assert answer("train", "--resume", run, "--stop-at", 9)["steps"] == 9


# --- tokenizers and long texts ----------------------------------------------------------------------------


def test_models_learn_from_words_byte_pairs_and_long_texts(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("to be, or not to be, that is the question:\nwhether 'tis nobler in the mind\n" * 8, "utf-8")
    answer("bpe-train", "--corpus", text, "--kind", "text", "--merges", 20, "--out", tmp_path / "bpe.json")
    base = ["train", "--corpus", text, "--kind", "text", "--steps", 3, "--batch-size", 4, *ALONE]
    for name, model in (("characters", "transformer-one-block"), ("words", "mlp"), (tmp_path / "bpe.json", "mlp")):
        run = tmp_path / f"run-{model}-{Path(name).stem}"
        data = answer(*base, "--model", model, "--tokenizer", name, "--out", run, "--stop-at", 2)
        assert data["tokenizer"] == ("bpe" if isinstance(name, Path) else name)
        held_out = data["validation"]
        assert held_out["characters"] == len(text.read_text("utf-8")) // 10 + 1
        assert (held_out["predictions"] < held_out["characters"]) == (name != "characters")
        assert answer("train", "--resume", run, "--out", tmp_path / "end")["steps"] == 3
        assert answer("evaluate", run)["validation"] == held_out
        (sample,) = answer("generate", run, "-n", 1, "--limit", 10)["samples"]
        assert sample["novelty"] is None
    assert "no tokenizer or file called 'word'" in sentence(
        *base, "--model", "mlp", "--tokenizer", "word", "--out", run
    )


def test_the_bundled_words_are_cut_into_words(tmp_path):
    data = answer("train", "--model", "mlp", "--corpus", "words", "--steps", 3, "--out", tmp_path / "run")
    assert data["tokenizer"] == "words"


def test_texts_that_are_too_short(tmp_path):
    text = tmp_path / "text.txt"
    base = [
        "train",
        "--model",
        "transformer",
        "--corpus",
        text,
        "--kind",
        "text",
        "--steps",
        2,
        "--threads",
        1,
        "--batch-size",
        2,
    ]
    text.write_text("to be, or not to be", "utf-8")
    assert "The text has 19 characters" in sentence(*base, "--out", tmp_path / "run")
    text.write_text(
        "to be, or not to be, that is the question", "utf-8"
    )  # shorter than the window of 32: still works
    assert answer(*base, "--out", tmp_path / "run")["steps"] == 2
    assert "kind of corpus 'prose'" in sentence(*base[:-8], "--kind", "prose", "--out", tmp_path / "run")


def test_a_prefix_longer_than_the_models_context(tmp_path):
    run = tmp_path / "run"
    answer("train", "--model", "transformer-one-block", *INDIAN, "--steps", 2, "--option", "context=4", "--out", run)
    (sample,) = answer("generate", run, "--prefix", "anandamayi", "-n", 1)["samples"]
    assert sample["text"].startswith("anandamayi")
    assert "shorten the prefix" in sentence("generate", run, "--prefix", "a" * 60)


def test_every_flag_of_the_recipe_arrives_on_the_card(tmp_path):
    flags = {"matrix_learning_rate": 0.01, "warmup": 3, "weight_decay": 0.1, "clip": 1.5, "train_size": 50}
    more = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", value)]
    quick(tmp_path / "run", *more)
    recipe = json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]
    assert {name: recipe[name] for name in flags} == flags


def test_gradients_are_probed_on_request(tmp_path):
    cards = []
    for more in ([], ["--probe-gradients"]):
        quick(tmp_path / "run", "--batch-size", 8, *more, steps=200)
        cards.append(json.loads((tmp_path / "run" / "run.json").read_text()))
    plain, probed = cards
    assert (plain["recipe"]["probe_gradients"], probed["recipe"]["probe_gradients"]) == (False, True)
    assert "gradients" not in plain["history"]
    assert len(probed["history"]["gradients"]) >= 2
    assert plain["metrics"] == probed["metrics"]  # looking changes nothing
    assert "--probe-gradients cannot be changed" in sentence(
        "train", "--resume", tmp_path / "run", "--probe-gradients"
    )


def test_a_model_of_words_says_what_it_did_not_pay_for(tmp_path):
    text = tmp_path / "text.txt"
    # The last tenths hold words that the first eight do not.
    text.write_text("to be or not to be " * 40 + "that is the question whether tis nobler in the mind " * 4, "utf-8")
    base = ["--corpus", text, "--kind", "text", "--tokenizer", "words"]
    data = answer("count", *base)
    unknown, tokens = data["validation"]["unknown"], data["validation"]["predictions"]
    assert 1 < unknown < tokens
    assert data["train"]["unknown"] == 0
    sentence_ = (
        f"too low: {unknown} of {tokens} tokens are words outside the vocabulary, whose letters nobody pays for."
    )
    train = ["train", "--model", "mlp", *base, "--steps", 2, "--batch-size", 4, *ALONE, "--out", tmp_path / "run"]
    for told in (call("count", *base).stdout, call(*train).stdout):
        assert f"On validation the loss is {sentence_}" in told
        assert "On train" not in told
    compared = answer("compare", "--models", "bigram,uniform", *base)
    assert [rung["unknown"] for rung in compared["rungs"]] == [unknown, unknown]
    names = ", ".join(rung["name"] for rung in compared["rungs"])
    assert f"{names}: the loss is {sentence_}" in call("compare", "--models", "bigram,uniform", *base).stdout
    letters = answer("compare", "--models", "bigram", *base[:-2])
    assert [rung["unknown"] for rung in letters["rungs"]] == [0]
    assert "too low" not in call("compare", "--models", "bigram", *base[:-2]).stdout
