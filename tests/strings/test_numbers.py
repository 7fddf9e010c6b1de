"""Numbers that stand typed in the sentences, in every language, are those of the constants that own them."""

import re
from pathlib import Path

import pytest

import lmlab
from lmlab import strings
from lmlab.evaluation.guessing import CHIPS, FEWEST_BETS, SMOOTHING
from lmlab.jobs.calls import guess, sampling
from lmlab.runs.ladder import SAMPLES
from lmlab.training.recipe import Recipe
from lmlab.ui import counting
from lmlab.ui.comparing import quiz
from lmlab.ui.comparing.rows import RANKED, RANKED_COUNTED
from lmlab.ui.levels import count, sample
from lmlab.ui.roll_panel import OFTEN
from lmlab.ui.sampling import EXACT, LARGEST_LOGIT, LECTURE, MOST_LOGITS

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
K = count.FIRST_MODEL["k"]

# The numbers of a sentence in their order, without those that are put in.
TYPED = {
    "guess.no_names": [guess.LONGEST],
    "guess.bets.gap_none": [SMOOTHING],
    "guess.score.too_few": [FEWEST_BETS],
    "guess.sum.share": [SMOOTHING, SMOOTHING],
    "guess.sum.zero": [SMOOTHING, CHIPS],
    "widget.guess.keys_bets": [CHIPS],
    "count.ask.order": [K],
    "count.ask.order_run": [count.ALL_TRIED[0], count.ALL_TRIED[-1]],
    "count.told.order_ran": [K],
    "count.losses.printed": [1000 * counting.CELL],
    "widget.die.often": [OFTEN],
    "sample.own_info": [2, MOST_LOGITS, LARGEST_LOGIT, LARGEST_LOGIT],
    "sample.out_of_range": [LARGEST_LOGIT, LARGEST_LOGIT],
    "sample.no_numbers": [*LECTURE],
    "sample.hundred": [sample.HUNDRED],
    "sample.predict.copies": [sample.COPIES_T, sample.HUNDRED],
    "sample.predict.copies_run": [sample.HUNDRED, sample.COPIES_T],
    "sample.predict.copies_ran": [sample.HUNDRED, sample.COPIES_T],
    "sample.predict.copies_unit": [sample.HUNDRED],
    "sample.predict.copies_predicted": [sample.HUNDRED],
    "sample.predict.copies_fact.one": [sample.HUNDRED],
    "sample.predict.copies_fact.other": [sample.HUNDRED],
    "sample.predict.draw": [*LECTURE, sample.DRAWN_T],
    "sample.predict.draw_ran": [sample.DRAWN_T],
    "sample.predict.draw_skipped": [sample.DRAWN_T],
    "figure.over_temperature.title": [len(sample.TEMPERATURES)],
    "figure.over_temperature.waiting": [sample.HUNDRED],
    "compare.ladder.remembered": [SAMPLES],
    "compare.quiz.unit": [quiz.NAMES],
    "compare.quiz.predicted": [quiz.NAMES],
    "compare.quiz.ran_done": [quiz.NAMES],
    "compare.quiz.gap_more.other": [quiz.NAMES],
    "compare.quiz.gap_less.other": [quiz.NAMES],
    "compare.quiz.gap_same": [quiz.NAMES],
    "compare.quiz.gap_skipped": [quiz.NAMES],
}
WORDS = {
    "en": {3: "three", 4: "four", 5: "five", 6: "six", 8: "eight", 10: "ten"},
    "es": {3: "tres", 4: "cuatro", 5: "cinco", 6: "seis", 8: "ocho", 10: "diez"},
}
SPELLED = {
    "count.told.order_ran": [len(count.ALL_TRIED)],
    "count.no_smoothing": [len(counting.SMOOTHINGS)],
    "sample.source_lecture": [len(LECTURE)],
    "sample.predict.draw_skipped": [len(LECTURE)],
    "sample.exact.look": [len(EXACT)],
    "mlp.names.title": [Recipe(steps=1).probe_names],
    "compare.ladder.ask": [len(RANKED)],
    "compare.ladder.ask_counted": [len(RANKED_COUNTED)],
    "compare.quiz.ask": [quiz.NAMES, quiz.NAMES // 2],
    "compare.quiz.later_run": [quiz.NAMES],
    "compare.quiz.ran_done": [quiz.NAMES // 2],
    "compare.quiz.interval": [quiz.NAMES],
    "compare.quiz.again": [quiz.NAMES],
}


def typed(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in NUMBER.findall(re.sub(r"\{[^}]*\}", "", text))]


@pytest.mark.parametrize("language", strings.LANGUAGES)
@pytest.mark.parametrize("name", TYPED)
def test_a_typed_number_is_that_of_its_constant(name, language):
    assert typed(strings.catalogue(language)[name]) == pytest.approx([float(number) for number in TYPED[name]])


@pytest.mark.parametrize("language", strings.LANGUAGES)
@pytest.mark.parametrize("name", SPELLED)
def test_a_number_in_words_is_that_of_its_constant(name, language):
    told = re.findall(r"\w+", strings.catalogue(language)[name].lower())
    for number in SPELLED[name]:
        assert WORDS[language][number] in told


def test_the_page_and_the_worker_agree_on_the_limits_of_own_logits():
    assert (sampling.MOST_LOGITS, sampling.LARGEST_LOGIT) == (MOST_LOGITS, LARGEST_LOGIT)


def test_scripts_group_numbers_by_the_one_rule():
    """Sentences from Python say 23,909 in every language; what asks the browser would say 23.909 beside them."""
    widgets = Path(lmlab.__file__).parent / "ui" / "widgets"
    own = {
        f"{path.name}: {line.strip()}"
        for path in widgets.glob("*.js")
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"toLocaleString|Intl\.NumberFormat", line) and "new Date" not in line
    }
    assert own == {'common.js: const grouped = (n) => n.toLocaleString("en-US");'}
