"""What a run teaches is computed from its numbers. Needs no browser."""

import math

import pytest

from lmlab.figures.training import Curve
from lmlab.jobs.messages import JobSpec
from lmlab.training.recipe import Recipe
from lmlab.ui.lessons import Outcome, gap, insight, predicted, questions, sums, truth_of

EVEN = math.log(27)
MARKS = {"uniform": EVEN, "unigram": 2.82, "bigram": 2.46, "Kneser–Ney 5": 2.03}
BY_NAME = {question.name: question for question in questions()}


def outcome(end, train=None, start=EVEN, between=(), diverged=None, more=(), **options):
    points = [[0, start], *([step, loss] for step, loss in between), [1000, end]]
    run = Curve("x", [[1, start], [500, 2.5], [1000, end]], points, [[1000, end if train is None else train]])
    spec = JobSpec("mlp", {"context": 3, **options}, Recipe(steps=1000, learning_rate=30.0))
    return Outcome(spec, run, MARKS, diverged, **dict(more))


ONE = {"context": 1, "more": {"bigram_train": 2.455}}
ZERO = {"init": "zero", "more": {"difference": 0.0, "units": 128}}


@pytest.mark.parametrize(
    ("name", "run", "said"),
    [
        ("one_letter", outcome(2.47, **ONE), "At the bigram table"),
        ("one_letter", outcome(2.6, **ONE), "Above the bigram table"),
        ("too_fast", outcome(3.3, diverged={"at": 10, "back_to": 0}), "It breaks"),
        ("too_fast", outcome(2.3), "About the same"),
        ("few_names", outcome(3.9, 1.1, between=[(94, 2.58)]), "Fall, then rise"),
        ("few_names", outcome(2.5, 2.0), "Stop falling early"),
        ("few_names", outcome(2.12, 2.10), "Fall like the training loss"),
        ("zero", outcome(2.82, **ZERO), "How frequent letters are"),
        ("zero", outcome(EVEN, **ZERO), "Nothing"),
        ("goal", outcome(1.98), "Yes"),
        ("goal", outcome(2.10), "No"),
    ],
)
def test_the_answer_of_a_choice_is_what_the_numbers_say(name, run, said):
    assert truth_of(BY_NAME[name], run) == said
    assert said in BY_NAME[name].options


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (outcome(2.47, 2.457, **ONE), "training loss is 2.457, the counted table of pairs has 2.455"),
        (outcome(2.82, **ZERO), "All 128 hidden units still have equal weights (largest difference 0.000)"),
        (outcome(2.20, start=20.1), "It began 16.8 above 3.30"),
        (outcome(3.9, 1.1, between=[(94, 2.58)]), "best at step 94 with 2.58 and rose to 3.90"),
        (outcome(1.98), "0.05 below Kneser–Ney 5"),
        (outcome(2.12), "0.34 below the bigram table at 2.46; Kneser–Ney 5 is still 0.09 lower"),
        (outcome(2.60), "0.14 above the bigram table"),
        (outcome(3.3, diverged={"at": 10, "back_to": 0}), "diverged at step 10: with a learning rate of 30"),
    ],
)
def test_the_lesson_is_told_with_the_numbers_of_the_run(run, said):
    assert said in insight(run)


def test_the_gap_of_a_drawn_curve_names_its_largest_distance():
    run = outcome(2.1, between=[(2, 3.0), (10, 2.7), (50, 2.4), (200, 2.2)])
    truth = truth_of(BY_NAME["curve"], run)
    guess = [*truth[:-1], truth[-1] + 0.6]
    said = gap(BY_NAME["curve"], guess, run)
    assert "off by 0.10 nats on average, most at step 1,000: you drew 2.70, it was 2.10" in said
    assert "ln 27" in said
    assert said.endswith("?")


def test_a_skipped_question_is_told_without_a_guess():
    assert "You" not in gap(BY_NAME["goal"], None, outcome(1.98))


@pytest.mark.parametrize(("guess", "said"), [(2.5, "0.38 too high"), (2.0, "0.12 too low"), (2.12, "that is it")])
def test_the_gap_of_a_number(guess, said):
    assert said in gap(BY_NAME["end"], guess, outcome(2.12))


def test_the_sum_goes_from_nats_to_perplexity_and_bits():
    text = "\n".join(sums(2.119))
    for number in ("0.051", "0.693", "4.605", f"{math.exp(2.119):.2f}", f"{2.119 / math.log(2):.3f}"):
        assert number in text


def test_a_short_run_that_measures_its_end_alone_still_began_at_its_first_batch():
    run = Curve("x", [[1, EVEN], [50, 2.5]], [[50, 2.45]], [[50, 2.45]])
    short = Outcome(JobSpec("mlp", {"context": 3}, Recipe(steps=50)), run, MARKS)
    assert short.start == EVEN
    assert "began at 3.30, as unsure as among 27 letters" in gap(BY_NAME["again"], None, short)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_question_can_be_skipped(name):
    assert predicted(BY_NAME[name], None, 1000) == ""
    assert gap(BY_NAME[name], None, outcome(2.3)).endswith("?")
