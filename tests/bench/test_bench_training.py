"""Training steps: what is raced computes the same, and the limit counts every matrix product."""

import re

import pytest
import torch
from benching import no_peers, one_core  # noqa: F401
from torch.utils.flop_counter import FlopCounterMode

from lmlab.bench import training
from lmlab.bench.peers import GPT2, SteppedCells, difference, outspoken
from lmlab.models.build import build
from lmlab.training.objectives import next_token_loss
from lmlab.training.recipe import Recipe

TINY = {"context": 16, "d_model": 16, "n_layer": 2, "n_head": 2}


def test_the_limit_counts_the_products_of_a_step():
    model, batch = build("transformer", TINY, 27), training.some_batch(size=3, length=7)
    with FlopCounterMode(display=False) as counter:
        next_token_loss(model, batch).backward()
    products = training.matrix_products(model.config, 27, 3, 7)
    assert sum(2 * left.numel() * right.shape[-1] for left, right in products) == counter.get_total_flops()


def test_a_step_learns():
    model, batch = outspoken("rnn", {}, 27), training.some_batch(size=4, length=5)
    step = training.learning_step(model, Recipe(steps=1, learning_rate=0.01), batch)
    before = next_token_loss(model, batch).item()
    for _ in range(5):
        step()
    assert next_token_loss(model, batch).item() < before - 0.1


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_stepped_cells_compute_what_ours_do(kind):
    ours, batch = outspoken(kind, {"d_hidden": 16}, 27), training.some_batch(size=4, length=9)
    apart, said = difference(ours, SteppedCells(kind, ours), batch.ids)
    assert apart < 1e-5
    assert "too much" not in said
    assert ours.logits(batch.ids).std() > 0.01


def test_gpt2_with_our_weights_computes_what_ours_does():
    pytest.importorskip("transformers")
    ours, batch = outspoken("transformer", TINY, 27), training.some_batch(size=4, length=16)
    assert difference(ours, GPT2(ours, with_weights=True), batch.ids)[0] < 1e-5
    as_it_comes = GPT2(ours, with_weights=False)
    assert "too much: the ratio compares different work" in difference(ours, as_it_comes, batch.ids)[1]
    block = sum(weight.numel() for weight in ours.blocks.parameters())
    assert sum(weight.numel() for weight in as_it_comes.network.transformer.h.parameters()) == block


def test_the_rows_of_a_training_step():
    pytest.importorskip("transformers")
    rows = {row.name: row for row in training.train_step(turns=1, calls=1)}
    assert list(rows) == ["train-step", "train-step-same", "train-step-muon", "matmul", "train-step-limit"]
    assert all(row.value is not None for row in rows.values())
    assert (rows["train-step"].target, rows["train-step"].at_least) == (1.5, True)
    assert "too much" not in rows["train-step-same"].note
    assert "1.88 GFLOP" in rows["train-step-limit"].note


@pytest.mark.usefixtures("no_peers")
def test_without_transformers_only_the_limit_is_measured():
    rows = training.train_step(turns=1, calls=1)
    assert [row.value is None for row in rows] == [True, True, True, False, False]
    assert all("pip install transformers" in row.note for row in rows[:3])


def test_the_rows_of_recurrent_steps():
    rows = training.recurrent_step(turns=1, calls=1)
    assert [row.name for row in rows] == ["recurrent-step-rnn", "recurrent-step-gru", "recurrent-step-lstm"]
    assert all(row.target == 1.0 and row.at_least for row in rows)
    assert all("too much" not in row.note for row in rows)


def test_our_muon_goes_where_torchs_goes():
    before = torch.get_num_threads()
    (row,) = training.muon(turns=1, calls=1)
    assert row.value is not None
    assert float(re.search(r"updates is (\d\.\d+)", row.note)[1]) > 0.999
    assert torch.get_num_threads() == before
