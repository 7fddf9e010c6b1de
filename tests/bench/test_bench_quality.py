"""Time to quality: a goal is reached at the first loss below it, and never is slower than anything."""

import math

import pytest
from benching import one_core  # noqa: F401

from lmlab.bench import quality
from lmlab.training.presets import preset


def test_goals_are_reached_once_or_never(small):
    training = quality.train_to(preset("mlp"), small, seed=1, goals=[100.0, 0.0], steps=200)
    first, never = training.reached
    assert 0 < first < math.inf
    assert never == math.inf
    assert 0 < training.lowest <= training.final


def test_a_training_that_never_gets_there_is_the_slowest():
    row = quality._time_row("a", "b", [3.0, math.inf, 1.0], 12.0, "c")
    assert (row.value, row.runs, row.met) == (3.0, (3.0, 1.0), True)
    assert "2 of 3 trainings got there" in row.note
    assert quality._time_row("a", "b", [3.0, math.inf, math.inf], 12.0, "c").value is None


def test_every_corpus_has_the_same_three_goals():
    rows = quality.time_to_quality(seeds=[1], name="mlp", steps=10)
    assert [(row.name, row.target) for row in rows] == [
        ("time-to-quality", 12.0),
        ("time-to-quality-0.017", 20.0),
        ("time-to-quality-0.047", 60.0),
        ("time-to-quality-names_indian", 12.0),
        ("time-to-quality-names_indian-0.017", 20.0),
        ("time-to-quality-names_indian-0.047", 60.0),
    ]
    assert all(row.value is None and "0 of 1 trainings" in row.note for row in rows)  # ten steps are too few
    assert all(row.met is False for row in rows)


def test_the_goal_is_what_counting_reaches(names):
    assert quality.counted_loss(names) == pytest.approx(2.0298, abs=1e-4)


def test_the_default_transformer_is_measured_against_counting():
    time, loss = quality.transformer(seeds=[1], steps=2)
    assert time.value is None
    assert loss.value > loss.target


def test_rungs_in_the_wrong_place_are_counted(small):
    """After two steps no network has learned anything: all of them stand above the counts."""
    (row,) = quality.ladder(steps=2, corpus=small)
    assert row.value >= 3
    assert row.met is False
    assert all(name in row.note for name in quality.EXPECTED)
