import json
import math
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lmlab.data.corpus import names_corpus, text_corpus
from lmlab.evaluation.loss import evaluate
from lmlab.models.build import build
from lmlab.models.protocol import Examples
from lmlab.runs.cards import read_card
from lmlab.runs.store import load_checkpoint, resume, save_checkpoint, save_run, save_stopped, trained_card
from lmlab.tokenizers.bpe import BPETrainer
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.tokenizers.gpt2 import gpt2
from lmlab.tokenizers.words import WordTokenizer
from lmlab.training import trainer as module
from lmlab.training.objectives import next_token
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import Batches, Trainer, measurement_steps, stream_seed

MLP = {"context": 3, "d_embed": 4, "d_hidden": 16}
TINY = {"context": 12, "d_model": 16, "n_layer": 1, "n_head": 2}
OPTIONS = {"mlp": MLP, "transformer": TINY}
EVERY = {
    "mlp": ("mlp", MLP),
    "mlp with batch norm": ("mlp", {**MLP, "batch_norm": True}),
    "transformer": ("transformer", TINY),
    "dropout": ("transformer", {**TINY, "dropout": 0.3}),
    "modern": ("modern", TINY),
    "tied": ("modern", {**TINY, "tied": True, "positions": "learned"}),
    "average": ("average", {"d_embed": 8}),
    "attention in its place": ("average", {"d_embed": 8, "mixing": "attention"}),
    "rnn": ("rnn", {"d_embed": 8, "d_hidden": 16}),
    "gru": ("gru", {"d_embed": 8, "d_hidden": 16}),
    "lstm": ("lstm", {"d_embed": 8, "d_hidden": 16}),
    "table": ("bigram-table", {}),
    "skip-gram": ("skip-gram", {"d_embed": 8}),
}
KINDS = pytest.mark.parametrize("kind", OPTIONS)
EVERY_KIND = pytest.mark.parametrize(
    ("kind", "optimizer"),
    [(kind, optimizer) for kind in OPTIONS for optimizer in ("sgd", "adamw", "muon")]
    + [(kind, "muon") for kind in EVERY if kind not in OPTIONS],
)


def make(corpus, kind="mlp", objective=None, **recipe):
    recipe = Recipe(**{"steps": 24, "batch_size": 8, "learning_rate": 0.01, **recipe})
    family, options = EVERY[kind]
    model = build(family, options, 1 + len(corpus.alphabet), seed=recipe.seed)
    return Trainer(model, corpus, recipe, objective)


def finished(corpus, kind="mlp", **recipe):
    trainer = make(corpus, kind, **recipe)
    trainer.events = list(trainer)
    return trainer


def weights(trainer):
    return torch.cat([weight.detach().flatten() for weight in trainer.model.parameters()])


def run_to(trainer, step):
    while trainer.step_number < step:
        assert not trainer.finished
        trainer.step()
    return trainer


# --- a run can be repeated ------------------------------------------------------------------------------


@EVERY_KIND
def test_the_same_seed_is_the_same_run_bit_for_bit(small, kind, optimizer):
    one, other = (finished(small, kind, optimizer=optimizer) for _ in range(2))
    assert torch.equal(weights(one), weights(other))
    assert one.history == other.history
    assert one.losses == other.losses


def test_another_seed_is_another_run(small):
    assert not torch.equal(weights(finished(small, seed=1)), weights(finished(small, seed=2)))


@pytest.mark.parametrize("kind", EVERY)
def test_looking_changes_nothing(small, kind):
    """Validation and probes have generators of their own: with or without them the weights are the same."""
    recipe = {"batch_size": 256} if kind == "skip-gram" else {}  # pairs are many: a batch of 8 leaves no time to look
    torch.manual_seed(0)
    looked = finished(small, kind, validate=True, **recipe)
    torch.manual_seed(123)
    blind = finished(small, kind, validate=False, **recipe)
    assert len(looked.history["validation"]) > len(blind.history["validation"]) == 1
    assert torch.equal(weights(looked), weights(blind))
    assert looked.history["batch"] == blind.history["batch"]
    assert looked.losses == blind.losses


@pytest.mark.parametrize("kind", EVERY)
def test_a_look_at_the_gradients_changes_nothing(small, kind):
    recipe = {"steps": 300, "optimizer": "muon"}
    looked, blind = finished(small, kind, probe_gradients=True, **recipe), finished(small, kind, **recipe)
    probes = looked.history.pop("gradients")
    torch.manual_seed(5)  # whatever the dice of others
    assert finished(small, kind, probe_gradients=True, **recipe).history["gradients"] == probes
    assert torch.equal(weights(looked), weights(blind))
    assert looked.history == blind.history
    assert [probe["step"] for probe in probes] == sorted({probe["step"] for probe in probes})
    assert len(probes) >= 3
    assert set(probes[0]["parameters"]) == {name for name, _ in looked.model.named_parameters()}
    ratios = [weight["ratio"] for weight in probes[-1]["parameters"].values()]
    assert any(ratio > 0 for ratio in ratios if ratio is not None)
    json.dumps(probes, allow_nan=False)


def test_more_probes_change_no_weight(small):
    one, many = finished(small, probe_names=1), finished(small, probe_names=9)
    assert [len(probe["names"]) for probe in many.history["names"]] == [9] * len(many.history["names"])
    assert torch.equal(weights(one), weights(many))


@EVERY_KIND
def test_a_run_that_is_stopped_again_and_again_equals_one_that_never_stopped(
    small, tmp_path, monkeypatch, kind, optimizer
):
    monkeypatch.setattr(module, "CURVE_POINTS", 8)  # three batches a point: points under way are kept too
    recipe = {"optimizer": optimizer, "warmup": 3, "schedule": "cosine", "clip": 0.5, "weight_decay": 0.01}
    whole = finished(small, kind, **recipe)
    trainer = make(small, kind, **recipe)
    for stop in (0, 1, 5, 13, 14, 23, 24):
        run_to(trainer, stop)
        save_checkpoint(tmp_path / "checkpoint", trainer)
        trainer = make(small, kind, **recipe)
        load_checkpoint(tmp_path / "checkpoint", trainer)
        assert trainer.step_number == stop
    list(trainer)
    assert torch.equal(weights(trainer), weights(whole))
    assert trainer.history == whole.history
    assert len(whole.history["batch"]) == 8
    assert trainer.losses == whole.losses


def test_a_run_stopped_within_a_measurement_goes_on_as_if_nothing_had_been(names_indian, tmp_path, monkeypatch):
    monkeypatch.setattr("lmlab.evaluation.loss.CHUNK", 200)  # a measurement of several chunks
    whole = finished(names_indian, steps=8)
    trainer = make(names_indian, steps=8)
    for _ in range(40):  # stop after every single call
        trainer.step()
        save_checkpoint(tmp_path / "checkpoint", trainer)
        state = make(names_indian, steps=8)
        load_checkpoint(tmp_path / "checkpoint", state)
        assert state.state_dict()["due"] == trainer.state_dict()["due"]
    list(state)
    assert torch.equal(weights(state), weights(whole))
    assert state.history == whole.history


@pytest.mark.parametrize("kind", EVERY)
def test_a_run_that_was_stopped_and_measured_goes_on_as_if_it_had_never_been(small, tmp_path, kind):
    """`train --stop-at 9` and `train --resume`: the measurement of the stop leaves no trace in what follows."""
    family, _ = EVERY[kind]
    whole = finished(small, kind)
    trainer = run_to(make(small, kind), 9)
    trainer.stop()
    list(trainer)
    card = trained_card(trainer, family, "calm-heron-0000")
    card["corpus"]["source"] = "\n".join(small.texts)
    save_stopped(tmp_path / "run", trainer, card)
    assert read_card(tmp_path / "run")["steps"] == 9
    again = resume(tmp_path / "run")
    assert (again.step_number, again.planned) == (9, 24)
    list(again)
    assert torch.equal(weights(again), weights(whole))
    assert again.history == whole.history
    assert again.losses == whole.losses
    assert again.tokens == whole.tokens


LONG = "the cat sat on the mat. the rat sat on the cat, and the hat was on the rat. " * 30
LONG_KINDS = {
    "dropout": ("transformer", {**TINY, "dropout": 0.3}),
    "rnn": ("rnn", {"d_embed": 8, "d_hidden": 16}),
    "mlp": ("mlp", MLP),
    "skip-gram": ("skip-gram", {"d_embed": 8}),
}


@pytest.mark.parametrize("kind", LONG_KINDS)
@pytest.mark.parametrize("cut", ["characters", "words", "byte pairs"])
def test_a_run_on_a_long_text_goes_on_as_if_it_had_never_stopped(tmp_path, kind, cut):
    corpus = text_corpus(LONG)
    documents = corpus.part("train")
    tokenizer = {
        "characters": lambda: CharacterTokenizer(corpus.alphabet),
        "words": lambda: WordTokenizer.from_documents(documents),
        "byte pairs": lambda: BPETrainer(documents).train(20).tokenizer(),
    }[cut]()
    family, options = LONG_KINDS[kind]

    def fresh():
        model = build(family, options, tokenizer.vocab_size, 3, tokenizer.boundary_id)
        return Trainer(model, corpus, Recipe(steps=30, batch_size=8, seed=3), tokenizer=tokenizer)

    whole, trainer = fresh(), run_to(fresh(), 17)  # more than one pass over the windows
    list(whole)
    trainer.stop()
    list(trainer)
    card = trained_card(trainer, family, "calm-heron-0000")
    (tmp_path / "text.txt").write_text(LONG)
    card["corpus"]["source"] = str(tmp_path / "text.txt")
    save_stopped(tmp_path / "run", trainer, card)
    again = resume(tmp_path / "run")
    list(again)
    assert torch.equal(weights(again), weights(whole))
    assert again.history == whole.history
    assert again.losses == whole.losses


def test_a_text_shorter_than_one_window_is_refused_and_a_long_enough_one_is_not(refused):
    corpus = text_corpus("to be or not to be, that is the question")  # 32 characters to learn from
    for context, fits in ((33, True), (34, False)):
        model = build("transformer", {**TINY, "context": context}, 1 + len(corpus.alphabet))
        if fits:
            assert list(Trainer(model, corpus, Recipe(steps=1)))[-1].kind == "done"
        else:
            with refused("33 tokens to learn from, fewer than the model's context of 34"):
                Trainer(model, corpus, Recipe(steps=1))


def test_a_picture_shows_the_first_tokens_of_a_large_vocabulary(small):
    tokenizer = gpt2()
    model = build("mlp", {"d_embed": 2, "d_hidden": 2}, tokenizer.vocab_size, 0, tokenizer.boundary_id)
    trainer = Trainer(model, small, Recipe(steps=1, batch_size=4), tokenizer=tokenizer)
    list(trainer)
    assert len(trainer.history["embedding"][-1]["points"]) == module.MOST_POINTS


def test_a_run_that_was_not_stopped_has_nothing_to_go_on_from(small, tmp_path, refused):
    trainer = finished(small)
    card = trained_card(trainer, "mlp", "calm-heron-0000")
    with refused("not stopped early"):
        save_stopped(tmp_path / "run", trainer, card)
    save_run(tmp_path / "run", trainer.model, card)
    with refused("has no checkpoint"):
        resume(tmp_path / "run")


def test_a_run_does_not_go_on_with_another_corpus(small, tmp_path, refused):
    trainer = run_to(make(small), 5)
    trainer.stop()
    list(trainer)
    file = tmp_path / "names.txt"
    file.write_text("\n".join(small.texts))
    card = trained_card(trainer, "mlp", "calm-heron-0000")
    card["corpus"]["source"] = str(file)
    save_stopped(tmp_path / "run", trainer, card)
    assert resume(tmp_path / "run").step_number == 5
    file.write_text("\n".join(small.texts[1:]))
    with refused("has changed since"):
        resume(tmp_path / "run")
    file.unlink()
    with refused("There is no corpus or file"):
        resume(tmp_path / "run")


def test_a_state_is_a_copy_of_the_history_and_not_the_history(small):
    trainer = run_to(make(small), 5)
    state = trainer.state_dict()
    before = json.dumps(state["history"])
    run_to(trainer, 10)
    assert json.dumps(state["history"]) == before


def test_a_checkpoint_of_another_model_is_refused(small, tmp_path, refused):
    save_checkpoint(tmp_path / "checkpoint", run_to(make(small, "mlp"), 2))
    with refused("damaged or of another model"):
        load_checkpoint(tmp_path / "checkpoint", make(small, "transformer"))


# --- it learns ------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_loss_begins_at_ln_v_and_falls(small, kind, optimizer):
    trainer = finished(small, kind, steps=60, optimizer=optimizer)
    batch = [loss for _, loss in trainer.history["batch"]]
    assert batch[0] == pytest.approx(math.log(trainer.tokenizer.vocab_size), abs=1e-5)
    assert sum(batch[-10:]) / 10 < batch[0] - 0.4
    assert trainer.losses["train"].nll < batch[0] - 0.4


@KINDS
def test_a_text_can_be_learned_too(kind):
    corpus = text_corpus("the cat sat on the mat. the rat sat on the cat. " * 40)
    trainer = finished(corpus, kind, steps=60, batch_size=16)
    assert trainer.losses["validation"].nll < 0.8 * math.log(trainer.tokenizer.vocab_size)
    assert trainer.losses["validation"].predictions == len(corpus.part("validation")[0]) + 1
    assert trainer.history["names"][-1]["names"]


def test_the_measured_losses_are_those_of_the_ruler(small):
    trainer = finished(small)
    for part in ("train", "validation"):
        assert trainer.losses[part] == evaluate(trainer.model, small.part(part), trainer.tokenizer)
    assert trainer.events[-1].kind == "done"
    assert trainer.events[-1].loss == trainer.losses["validation"].nll == trainer.history["validation"][-1][1]


def test_the_objective_is_the_mean_over_predictions_not_over_padding(small):
    trainer = make(small)
    batch = trainer.batches.next()
    each = [len(small.part("train")[i]) + 1 for i in trainer.batches._order[:8].tolist()]
    assert int((batch.targets != -100).sum()) == sum(each)
    assert next_token(trainer.model, batch).item() == pytest.approx(math.log(trainer.tokenizer.vocab_size))


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "sgd"},
        {"optimizer": "muon"},
        {"learning_rate": 0.02},
        {"schedule": "constant"},
        {"schedule": "cosine"},
        {"warmup": 3},
        {"batch_size": 7},
        {"weight_decay": 0.5},
        {"clip": 0.01},
        {"seed": 1},
        {"train_size": 11},
        {"steps": 9},
    ],
    ids=str,
)
def test_every_control_of_a_recipe_changes_the_result(small, change):
    base, other = finished(small, steps=8), finished(small, **{"steps": 8, **change})
    assert not torch.equal(weights(base), weights(other))


def test_the_rate_of_the_matrices_counts_under_muon_alone(small):
    def changed(optimizer):
        one, other = (finished(small, steps=4, optimizer=optimizer, matrix_learning_rate=r) for r in (0.02, 0.05))
        return not torch.equal(weights(one), weights(other))

    assert changed("muon")
    assert not changed("adamw")


def test_train_size_is_the_first_so_many_training_names(small):
    few = names_corpus(small.texts)
    trainer = finished(few, train_size=6)
    assert len(trainer.examples) == 6
    assert trainer.losses["train"].predictions == sum(len(name) + 1 for name in few.part("train")[:6])
    assert trainer.losses["validation"].predictions == sum(len(name) + 1 for name in few.part("validation"))


def test_a_probe_calls_only_those_names_training_names_that_were_trained_on(small, monkeypatch):
    """With `train_size`, a name further down the training part is new to this model."""
    known, unknown = small.part("train")[0], small.part("train")[-1]
    samples = [SimpleNamespace(text=known), SimpleNamespace(text=unknown)]
    monkeypatch.setattr(module, "generate", lambda *_, **__: samples)
    trainer = finished(small, steps=2, train_size=5)
    assert trainer.history["names"][-1]["novelty"] == ["training", "held out"]


# --- epochs ---------------------------------------------------------------------------------------------


def visited(batches, number):
    """Which example each row of the next batches is, by its first letter (every document is one letter)."""
    return [i for _ in range(number) for i in batches.next().targets[:, 0].tolist()]


@pytest.mark.parametrize(("examples", "size"), [(12, 4), (12, 12), (12, 1), (10, 4), (7, 100)])
def test_an_epoch_visits_every_example_once(examples, size):
    letters = "abcdefghijkl"[:examples]
    batches = Batches(Examples(list(letters), CharacterTokenizer(letters)), size, seed=3)
    per_epoch = examples // min(size, examples)
    epochs = [visited(batches, per_epoch) for _ in range(6)]
    for epoch in epochs:
        assert len(set(epoch)) == len(epoch) == per_epoch * min(size, examples)
    if examples % min(size, examples) == 0:
        assert all(sorted(epoch) == list(range(1, examples + 1)) for epoch in epochs)
    assert size == 1 or len({tuple(epoch) for epoch in epochs}) > 1


def test_every_example_is_visited_though_the_last_batch_of_an_epoch_is_left_out():
    letters = "abcdefghij"
    batches = Batches(Examples(list(letters), CharacterTokenizer(letters)), 4, seed=3)
    assert set(visited(batches, 12)) == set(range(1, 11))


def test_each_use_of_randomness_has_a_seed_of_its_own():
    seeds = {stream_seed(seed, stream) for seed in range(50) for stream in ("batches", "names", "other")}
    assert len(seeds) == 150
    assert all(0 <= seed < 2**63 for seed in seeds)


# --- plans ----------------------------------------------------------------------------------------------


@given(st.integers(1, 20_000), st.floats(0.01, 1000), st.floats(0.001, 0.05), st.integers(1, 200))
def test_measurements_stay_within_their_share(planned, cost, share, most):
    steps = measurement_steps(planned, cost, share, most)
    assert len(steps) * cost <= share * planned + 1e-9
    assert len(steps) <= most
    assert all(0 <= step < planned for step in steps)


def test_measurements_are_spread_over_the_run_and_denser_early():
    steps = sorted(measurement_steps(10_000, cost=4.0, share=0.05))
    gaps = [b - a for a, b in pairwise(steps)]
    assert steps[0] == 0
    assert max(*gaps, 10_000 - steps[-1]) <= 10_000 / 50
    assert gaps[0] < max(gaps) / 4
    assert sum(step < 5_000 for step in steps) > len(steps) / 2


def test_validation_and_probes_cost_less_than_a_twentieth(names):
    """Counted in predictions, where one that learns costs three that only look."""
    trainer = make(names, steps=1000, batch_size=128)
    learned = 3 * 1000 * 128 * trainer.examples.predictions / len(trainer.examples)
    looked = len(trainer._steps_to["validation"]) * sum(len(name) + 1 for name in names.part("validation"))
    assert 0 < looked <= 0.05 * learned
    assert module.VALIDATION_SHARE + module.NAMES_SHARE + module.EMBEDDING_SHARE < 0.05


def test_measurements_happen_when_they_are_planned(small):
    trainer = finished(small, steps=24)
    for what, kind in (("validation", "validation"), ("embedding", "embedding"), ("names", "names")):
        at = [event.step for event in trainer.events if event.kind == kind]
        assert at == [*sorted(trainer._steps_to[what]), 24]


def test_a_time_budget_becomes_planned_steps_and_the_rehearsal_leaves_no_trace(small):
    trainer = make(small, steps=None, seconds=0.1)
    assert isinstance(trainer.planned, int)
    assert trainer.planned >= 1
    fresh = build("mlp", OPTIONS["mlp"], trainer.model.vocab_size, seed=42)
    assert all(torch.equal(a, b) for a, b in zip(trainer.model.parameters(), fresh.parameters(), strict=True))
    list(trainer)
    assert trainer.step_number == trainer.planned
    by_steps = finished(small, steps=trainer.planned)
    assert torch.equal(weights(trainer), weights(by_steps))
    assert trainer.history == by_steps.history


def test_a_resumed_time_budget_keeps_its_plan(small, tmp_path):
    trainer = run_to(make(small, steps=None, seconds=0.5), 2)
    save_checkpoint(tmp_path / "checkpoint", trainer)
    again = make(small, steps=None, seconds=5.0)
    load_checkpoint(tmp_path / "checkpoint", again)
    assert again.planned == trainer.planned


def test_a_long_curve_is_averaged_into_about_600_points(small, monkeypatch):
    monkeypatch.setattr(module, "CURVE_POINTS", 10)
    trainer = finished(small, steps=40)
    single = [event.loss for event in trainer.events if event.kind == "batch"]
    assert [step for step, _ in trainer.history["batch"]] == list(range(4, 41, 4))
    means = [sum(single[i : i + 4]) / 4 for i in range(0, 40, 4)]
    assert [loss for _, loss in trainer.history["batch"]] == pytest.approx(means)


def test_stopping_early_measures_the_end(small):
    trainer = run_to(make(small), 7)
    trainer.stop()
    events = list(trainer)
    assert {event.kind for event in events} >= {"validation", "train", "done"}
    assert trainer.step_number == trainer.planned == 7
    assert trainer.losses["train"] == evaluate(trainer.model, small.part("train"), trainer.tokenizer)
    assert trainer.step() == []


def test_a_trainer_of_another_alphabet_is_refused(small, refused):
    with refused("The model has 5 tokens"):
        Trainer(build("mlp", {}, 5), small, Recipe(steps=1))


# --- when it goes wrong ---------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_a_learning_rate_of_1000_ends_with_a_sound_model_and_a_sentence(small, kind, optimizer):
    trainer = finished(small, kind, steps=60, optimizer=optimizer, learning_rate=1e3, matrix_learning_rate=1e3)
    assert trainer.diverged is not None
    sentence = trainer.diverged["sentence"]
    assert f"at step {trainer.diverged['at']};" in sentence
    assert f"went back to step {trainer.diverged['back_to']}" in sentence
    assert "1000 is too high: try 0.1." in sentence
    assert weights(trainer).isfinite().all()
    assert trainer.losses["validation"].nll <= 3 * math.log(trainer.tokenizer.vocab_size)
    kinds = [event.kind for event in trainer.events]
    assert kinds.count("diverged") == 1
    assert kinds[-1] == "done"


def failing(at):
    """An objective that is as ever and stops being a number at one step."""
    calls = []

    def loss(model, batch):
        calls.append(None)
        return next_token(model, batch) * (math.nan if len(calls) == at + 1 else 1.0)

    return replace(next_token, loss=loss)


@KINDS
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_after_a_nan_the_last_good_weights_are_back(small, kind, optimizer):
    trainer = make(small, kind, failing(at=70), steps=90, optimizer=optimizer)
    events = list(trainer)
    assert (trainer.diverged["at"], trainer.diverged["back_to"]) == (70, 50)
    assert "stopped being a number at step 70; the run went back to step 50" in trainer.diverged["sentence"]
    good = run_to(make(small, kind, steps=90, optimizer=optimizer), 50)
    assert torch.equal(weights(trainer), weights(good))
    assert trainer.step_number == 50
    assert [step for step, _ in trainer.history["batch"]] == list(range(1, 71))  # what happened stays on the curve
    assert [event.kind for event in events][-1] == "done"
    json.dumps(trainer.history, allow_nan=False)


def test_the_last_steps_are_watched_too(small):
    """A short run has no ten steps in which to notice: still it may not end with a loss that is no number."""
    trainer = finished(small, "transformer", steps=4, optimizer="sgd", learning_rate=1e3, schedule="constant")
    assert math.isfinite(trainer.losses["validation"].nll)
    assert math.isfinite(trainer.events[-1].loss)


def test_a_resumed_run_can_diverge_before_it_remembers_a_state(small, tmp_path):
    save_checkpoint(tmp_path / "checkpoint", run_to(make(small, steps=60), 7))
    trainer = make(small, objective=failing(at=5), steps=60)
    load_checkpoint(tmp_path / "checkpoint", trainer)
    events = list(trainer)
    assert "diverged" in [event.kind for event in events]
    assert weights(trainer).isfinite().all()


def test_a_resumed_run_diverges_exactly_as_one_that_never_stopped(small, tmp_path):
    recipe = {"steps": 90, "optimizer": "adamw"}
    whole = make(small, objective=failing(at=70), **recipe)
    list(whole)
    save_checkpoint(tmp_path / "checkpoint", run_to(make(small, **recipe), 60))
    trainer = make(small, objective=failing(at=10), **recipe)
    load_checkpoint(tmp_path / "checkpoint", trainer)
    list(trainer)
    assert trainer.diverged == whole.diverged
    assert torch.equal(weights(trainer), weights(whole))


def test_a_run_that_diverged_still_says_so_after_it_is_resumed(small, tmp_path):
    trainer = make(small, steps=60, learning_rate=1e3)
    while trainer.diverged is None:
        trainer.step()
    save_checkpoint(tmp_path / "checkpoint", trainer)
    again = make(small, steps=60, learning_rate=1e3)
    load_checkpoint(tmp_path / "checkpoint", again)
    assert again.diverged == trainer.diverged


def test_computing_time_never_runs_backwards(small):
    for trainer in (finished(small), finished(small, steps=60, learning_rate=1e3)):
        seconds = [event.seconds for event in trainer.events]
        assert seconds == sorted(seconds)
        assert trainer.seconds >= seconds[-1]


def test_clipping_limits_a_step(small):
    """Under plain gradient descent a step is at most rate times norm."""
    trainer = make(small, steps=2, optimizer="sgd", learning_rate=1.0, clip=0.01, schedule="constant")
    before = weights(trainer)
    run_to(trainer, 1)
    assert 0 < float((weights(trainer) - before).norm()) <= 0.01 + 1e-6
