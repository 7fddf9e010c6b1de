"""Moments: weights that were kept on the way, and what happens where none were."""

import pytest
import torch

from lmlab.models.build import build
from lmlab.runs.moments import (
    FILE,
    MOST_BYTES,
    MOST_MOMENTS,
    Moments,
    at_moment,
    load_moments,
    moment_steps,
    read_moment,
)
from lmlab.runs.store import load_checkpoint, load_run, save_checkpoint, save_run, trained_card
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import Trainer


@pytest.mark.parametrize("planned", [1, 7, 50, 4000, 20_000])
@pytest.mark.parametrize("parameters", [100, 7_721, 205_595, 900_000, 3_000_000])
def test_moments_are_few_small_and_begin_with_the_start(planned, parameters):
    steps = moment_steps(planned, parameters)
    assert len(steps) <= MOST_MOMENTS
    assert 2 * parameters * len(steps) <= MOST_BYTES
    assert steps == sorted(set(steps))
    assert steps == [] or (steps[0] == 0 and steps[-1] < planned) or planned == 1


@pytest.fixture
def trained(names_indian):
    """A small network that learned for 30 steps, and its moments."""
    model = build("mlp", {"d_hidden": 16, "batch_norm": True}, 1 + len(names_indian.alphabet), seed=1)
    trainer = Trainer(model, names_indian, Recipe(steps=30, batch_size=32))
    moments = Moments(30, sum(weight.numel() for weight in model.parameters()))
    weights = {0: {name: weight.clone() for name, weight in model.state_dict().items()}}
    moments.take(0, model)
    while not trainer.finished:
        before = trainer.step_number
        trainer.step()
        if trainer.step_number > before and moments.take(trainer.step_number, model):
            weights[trainer.step_number] = {name: weight.clone() for name, weight in model.state_dict().items()}
    return trainer, moments, weights


def test_a_moment_is_the_network_of_its_step_to_16_bits(trained, tmp_path):
    trainer, moments, weights = trained
    assert len(moments.steps) > 5
    save_run(tmp_path / "run", trainer.model, trained_card(trainer, "mlp", "run"), moments)
    run = load_run(tmp_path / "run")
    assert run.card["moments"] == moments.steps
    ids = torch.tensor([[0, 3, 5]])
    for step in moments.steps:
        then = at_moment(run.model, read_moment(tmp_path / "run", step))
        for name, weight in then.state_dict().items():
            assert torch.allclose(weight.float(), weights[step][name].float(), atol=2e-3, rtol=2e-3), (step, name)
    first = at_moment(run.model, read_moment(tmp_path / "run", 0))
    assert not torch.allclose(first.logits(ids), run.model.logits(ids), atol=0.1)


def test_moments_survive_a_checkpoint(trained, tmp_path, names_indian):
    trainer, moments, _ = trained
    save_checkpoint(tmp_path / "checkpoint", trainer, moments)
    found = load_moments(tmp_path / "checkpoint")
    assert sorted(found) == moments.steps
    assert all(torch.equal(found[2][name], weight) for name, weight in moments.weights[2].items())
    model = build("mlp", {"d_hidden": 16, "batch_norm": True}, 1 + len(names_indian.alphabet), seed=1)
    load_checkpoint(tmp_path / "checkpoint", Trainer(model, names_indian, Recipe(steps=30, batch_size=32)))


def test_a_step_that_was_not_kept_gets_a_sentence(trained, tmp_path, refused):
    trainer, moments, _ = trained
    save_run(tmp_path / "run", trainer.model, trained_card(trainer, "mlp", "run"), moments)
    with refused("The network of step 29 was not kept. Choose one of: 0, "):
        read_moment(tmp_path / "run", 29)
    save_run(tmp_path / "plain", trainer.model, trained_card(trainer, "mlp", "plain"))
    with refused("No step of this training was kept"):
        read_moment(tmp_path / "plain", 0)


def test_damaged_moments_are_as_good_as_none(trained, tmp_path):
    trainer, moments, _ = trained
    save_run(tmp_path / "run", trainer.model, trained_card(trainer, "mlp", "run"), moments)
    (tmp_path / "run" / FILE).write_bytes(b"nonsense")
    assert load_moments(tmp_path / "run") == {}
    load_run(tmp_path / "run")


def test_weights_that_do_not_fit_16_bits_are_kept_whole_and_no_numbers_are_not_kept():
    moments, layer = Moments(100, 6), torch.nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.fill_(1e6)
    assert moments.take(0, layer)
    assert torch.equal(moments.weights[0]["weight"], layer.weight.detach())
    with torch.no_grad():
        layer.weight.fill_(float("nan"))
    assert not moments.take(1, layer)
