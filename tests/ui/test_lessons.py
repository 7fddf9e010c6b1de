"""What a run teaches is computed from its numbers. Needs no browser."""

import math

import pytest

from lmlab import strings
from lmlab.figures.training import Curve
from lmlab.jobs.messages import JobSpec
from lmlab.training.presets import PRESETS
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
SENSIBLE = {"more": {"sensible": ("plain-finch", 2.25)}}
ZERO = {"init": "zero", "more": {"difference": 0.0, "units": 128}}


@pytest.mark.parametrize(
    ("name", "run", "said"),
    [
        ("one_letter", outcome(2.47, **ONE), "At the bigram table"),
        ("one_letter", outcome(2.6, **ONE), "Above the bigram table"),
        ("too_fast", outcome(3.3, diverged={"at": 10, "back_to": 0}), "It breaks"),
        ("too_fast", outcome(3.25, **SENSIBLE), "It breaks"),  # below uniform, and yet it has learned nothing
        ("too_fast", outcome(2.45, **SENSIBLE), "Slower"),
        ("too_fast", outcome(2.26, **SENSIBLE), "About the same"),
        ("too_fast", outcome(2.15, **SENSIBLE), "Faster"),
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


def test_too_fast_is_told_against_a_sensible_run_or_not_at_all():
    question = BY_NAME["too_fast"]
    assert "After 1,000 steps the sensible network plain-finch had 2.25; this one has 2.45" in gap(
        question, "Faster", outcome(2.45, **SENSIBLE)
    )
    assert "worse than letter frequencies alone (unigram 2.82)" in gap(question, None, outcome(3.25))
    assert truth_of(question, outcome(2.45)) is None
    alone = gap(question, "Faster", outcome(2.45))
    assert "cannot be said" in alone
    assert "it came out" not in alone


def test_the_numbers_in_the_questions_and_titles_are_those_of_the_presets():
    sensible, fast = PRESETS["mlp-sensible"], PRESETS["mlp-too-fast"]
    times = fast.recipe.learning_rate / sensible.recipe.learning_rate
    for code in strings.LANGUAGES:
        with strings.speaking(code):
            asked = {question.name: question.text for question in questions()}
            assert "SGD" in asked["too_fast"]
            assert f"{times:,.0f}" in asked["too_fast"]
            assert f"{PRESETS['mlp-500-names'].recipe.train_size}" in asked["few_names"]
            for name in ("mlp-500-names", "transformer-500-names"):
                assert str(PRESETS[name].recipe.train_size) in strings.t(f"mlp.preset.{name}.title")
    assert (fast.options, fast.recipe.optimizer) == (sensible.options, "sgd")
    assert strings.t("mlp.preset.mlp-window-5.title") == "Five letters"
    assert strings.t("mlp.preset.mlp-one-letter.title") == "One letter"
    assert [PRESETS[name].options["context"] for name in ("mlp-window-5", "mlp-one-letter")] == [5, 1]


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


def test_the_network_is_what_ends_below_a_baseline_whatever_was_said_before():
    drawn = [3.2, 3.0, 2.8, 2.6, 2.4, 2.3]
    for end in (1.98, 2.12, 2.60):
        assert " The network ends " in gap(BY_NAME["curve"], drawn, outcome(end))


def test_a_first_run_is_not_compared_with_one_before():
    again = BY_NAME["again"]
    assert "run before" not in gap(again, None, outcome(2.12))
    assert "run before" in gap(again, None, outcome(2.12, more={"before": True}))
