"""The lessons of the training screen: what is asked before a run, and what its numbers say after it.

Everything that is said here is computed from the losses of the run at hand; a lesson that does not come out as
promised (with another seed, other settings) is told as it came out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lmlab.figures.training import Curve
from lmlab.jobs.messages import JobSpec
from lmlab.strings import t
from lmlab.training.presets import PRESETS
from lmlab.ui.predict import Question
from lmlab.ui.recipes import SHOWN

DRAWN_AT = (0.0, 1 / 400, 1 / 100, 1 / 20, 1 / 5, 1.0)
"""The places of a drawn curve, as shares of the planned steps: about even on a logarithmic axis."""
FIRST_STEPS = PRESETS[SHOWN["mlp"][0]].recipe.steps or 1  # of the lesson that the screen opens with
NEAR = 0.03  # nats per character: closer than this is as good as equal
PARTED = 0.15  # nats between training and held-out loss from which the curves have parted

ABOUT: dict[str, str] = {
    "mlp-sensible": "curve",
    "mlp-one-letter": "one_letter",
    "mlp-too-fast": "too_fast",
    "mlp-500-names": "few_names",
    "mlp-too-large": "too_large",
    "mlp-zero": "zero",
    "mlp-batch-norm": "rescue",
    "mlp-window-5": "end",
    "mlp-beat-kneser-ney": "goal",
    "transformer-default": "goal",
    "transformer-one-block": "end",
    "transformer-500-names": "few_names",
}
"""Which question belongs to a preset; for settings of one's own it is `again`."""

CHOICES: dict[str, tuple[str, ...]] = {
    "one_letter": ("below", "at", "above"),
    "too_fast": ("faster", "same", "slower", "breaks"),
    "few_names": ("together", "stops", "rises"),
    "zero": ("well", "letters", "nothing"),
    "goal": ("yes", "no"),
}
SAID: dict[str, dict[str, Any]] = {
    "too_fast": {
        "times": PRESETS["mlp-too-fast"].recipe.learning_rate / PRESETS["mlp-sensible"].recipe.learning_rate
    },
    "few_names": {"names": PRESETS["mlp-500-names"].recipe.train_size},
}
"""The numbers in the text of a question, from the presets that it is asked of."""
NUMBERS: dict[str, tuple[float, float, float, float]] = {
    "too_large": (0.0, 40.0, 3.0, 0.5),
    "rescue": (1.8, 3.4, 2.5, 0.02),
    "end": (1.8, 3.4, 2.5, 0.02),
}
"""(minimum, maximum, start, step) of the slider."""
CURVES = ("curve", "again")


@dataclass(frozen=True)
class Outcome:
    """A run that is over: what was asked for, its losses, and what it is compared with."""

    spec: JobSpec
    run: Curve
    marks: Mapping[str, float]
    """Held-out losses of the baselines by their names; the first is the uniform one."""
    diverged: Mapping[str, Any] | None = None
    bigram_train: float | None = None
    """Loss of the bigram table on the names it was counted from."""
    difference: float | None = None
    """The largest difference between the weights of two hidden units."""
    units: int = 0
    before: bool = False
    """Whether the student has trained another network on this corpus."""
    sensible: tuple[str, float] | None = None
    """(name, held-out loss) of a network with the settings of the first lesson, after as many steps as this one."""

    @property
    def start(self) -> float:
        """The loss before the first step: a short run measures its end alone, but its first batch came before."""
        return float(min([*self.run.validation[:1], *self.run.batch[:1]], key=lambda point: point[0])[1])

    @property
    def end(self) -> float:
        """The held-out loss at the end."""
        return self.run.validation[-1][1]

    @property
    def train(self) -> float:
        """The loss at the end on the names that were learned from."""
        return self.run.train[-1][1] if self.run.train else math.nan

    @property
    def best(self) -> tuple[int, float]:
        """(step, loss) of the lowest held-out loss that was measured."""
        step, loss = min(self.run.validation, key=lambda point: point[1])
        return int(step), loss

    @property
    def uniform(self) -> float:
        """Loss of guessing evenly."""
        return next(iter(self.marks.values()))

    @property
    def broke(self) -> bool:
        """Whether it diverged, or has not even learned how frequent the letters are."""
        return bool(self.diverged) or self.end > self.marks.get("unigram", self.uniform)

    @property
    def goal(self) -> tuple[str, float]:
        """(name, loss) of the best baseline."""
        return min(self.marks.items(), key=lambda mark: mark[1])


# --- questions ---------------------------------------------------------------------------------------------


def questions() -> list[Question]:
    """All questions of the screen, the first one first; made anew for each language."""
    return [_question(name) for name in ("curve", "again", *CHOICES, *NUMBERS)]


def _question(name: str) -> Question:
    text = t(f"mlp.ask.{name}", **SAID.get(name, {}))
    later = (t("mlp.ask.then_run"), t("mlp.ask.then_gap"))
    if name in CURVES:
        return Question(
            name, text, "drawing", later, 1.6, 3.8, unit=t("mlp.ask.nats"), mode="curve",
            labels=[f"{step:,}" for step in drawn_steps(FIRST_STEPS)], axis=t("mlp.ask.axis"),
        )  # fmt: skip
    if name in NUMBERS:
        low, high, start, step = NUMBERS[name]
        return Question(name, text, "number", later, low, high, start, step, unit=t("mlp.ask.nats"))
    return Question(name, text, "choice", later, options=[answer_in_words(name, word) for word in CHOICES[name]])


def answer_in_words(question: str, word: str) -> str:
    """One of the answers of a choice."""
    return t(f"mlp.answer.{question}.{word}")


def drawn_steps(planned: int) -> list[int]:
    """The steps that a drawn curve has a point at: rising, the first 0 and the last the planned end.

    >>> drawn_steps(4000), drawn_steps(50)
    ([0, 10, 40, 200, 800, 4000], [0, 1, 2, 3, 10, 50])
    """
    steps: list[int] = []
    for share in DRAWN_AT:
        steps.append(max(round(share * planned), steps[-1] + 1 if steps else 0))
    return steps


# --- answers -----------------------------------------------------------------------------------------------


def predicted(question: Question, answer: Any, planned: int) -> str:
    """The guess in words, kept beside the run; nothing for a question that was skipped."""
    if answer is None:
        return ""
    if question.kind == "drawing":
        return t("mlp.predicted.curve", loss=answer[-1], steps=planned)
    if question.kind == "number":
        return t("mlp.predicted.number", number=answer)
    return t("mlp.predicted.choice", answer=answer)


def truth_of(question: Question, outcome: Outcome) -> Any:
    """What the guess is compared with, as plain as the guess."""
    name = question.name
    if question.kind == "drawing":
        steps = drawn_steps(outcome.spec.recipe.steps or 1)
        return [round(loss_at(outcome.run, step), 4) for step in steps]
    if name == "too_large":
        return round(outcome.start, 4)
    if question.kind == "number":
        return round(outcome.end, 4)
    word = _word(name, outcome)
    return word and answer_in_words(name, word)


def _word(name: str, outcome: Outcome) -> str | None:
    """Which answer of a choice came true; None where there is nothing to compare with."""
    if name == "one_letter":
        gap = outcome.end - outcome.marks["bigram"]
        return "at" if abs(gap) < NEAR else "below" if gap < 0 else "above"
    if name == "too_fast":
        if outcome.broke or outcome.sensible is None:
            return "breaks" if outcome.broke else None
        off = outcome.end - outcome.sensible[1]
        return "same" if abs(off) < NEAR else "faster" if off < 0 else "slower"
    if name == "few_names":
        rise = outcome.end - outcome.best[1]
        return "rises" if rise > NEAR else "stops" if outcome.end - outcome.train > PARTED else "together"
    if name == "zero":
        near = [abs(outcome.end - outcome.marks[mark]) < NEAR for mark in ("uniform", "unigram")]
        return "nothing" if near[0] else "letters" if near[1] else "well"
    return "yes" if outcome.end < outcome.goal[1] else "no"


def loss_at(run: Curve, step: float) -> float:
    """The held-out loss at a step, between two measurements on a straight line over the logarithm of the steps;
    the training loss where fewer than three were made.

    >>> run = Curve("x", [], [[0, 3.0], [9, 2.0], [99, 1.0]])
    >>> loss_at(run, 0), loss_at(run, 9), round(loss_at(run, 30), 2), loss_at(run, 500)
    (3.0, 2.0, 1.51, 1.0)
    """
    points = run.validation if len(run.validation) > 2 else run.batch or run.validation
    before, after = points[0], points[-1]
    for point in points:
        if point[0] <= step:
            before = point
        else:
            after = point
            break
    if step <= before[0] or after[0] <= before[0] or step >= after[0]:
        return float(after[1] if step >= after[0] else before[1])
    low, high = math.log(before[0] + 1), math.log(after[0] + 1)
    share = (math.log(step + 1) - low) / (high - low)
    return float(before[1] + share * (after[1] - before[1]))


def gap(question: Question, answer: Any, outcome: Outcome) -> str:
    """Step 3: how the run went, how far the guess was off, what the lesson is, and a question that asks why."""
    parts = [_course(outcome)]
    if answer is not None:
        parts.append(_compared(question, answer, outcome))
    if question.name == "too_fast":
        parts.append(_against_sensible(outcome))
    parts.append(insight(outcome))
    first = question.name == "again" and not outcome.before  # then there is no run before it
    parts.append(t(f"mlp.why.{'end' if first else question.name}"))
    return " ".join(part for part in parts if part)


def _course(outcome: Outcome) -> str:
    if outcome.diverged:
        return ""
    values = {"start": outcome.start, "end": outcome.end, "letters": round(math.exp(outcome.uniform))}
    if abs(outcome.start - outcome.uniform) < 0.01:
        return t("mlp.gap.from_uniform", **values)
    return t("mlp.gap.from", **values)


def _against_sensible(outcome: Outcome) -> str:
    """What makes a run faster or slower: where a sensible one stands after as many steps."""
    if outcome.diverged:
        return ""
    if outcome.broke:
        return t("mlp.gap.broke", end=outcome.end, unigram=outcome.marks.get("unigram", outcome.uniform))
    if outcome.sensible is None:
        return t("mlp.gap.no_sensible", lesson=t("mlp.preset.mlp-sensible.title"))
    name, loss = outcome.sensible
    return t("mlp.gap.sensible", name=name, loss=loss, steps=int(outcome.run.validation[-1][0]), end=outcome.end)


def _compared(question: Question, answer: Any, outcome: Outcome) -> str:
    truth = truth_of(question, outcome)
    if truth is None:
        return ""
    if question.kind == "choice":
        return t("mlp.gap.choice_same" if answer == truth else "mlp.gap.choice", guess=answer, truth=truth)
    if question.kind == "number":
        off = answer - truth
        word = "hit" if abs(off) < 0.01 else "high" if off > 0 else "low"
        return t(f"mlp.gap.number_{word}", guess=answer, truth=truth, off=abs(off))
    if outcome.diverged:
        return ""
    steps = drawn_steps(outcome.spec.recipe.steps or 1)
    reached = [i for i, step in enumerate(steps) if step <= outcome.run.validation[-1][0]]  # stopped early, perhaps
    off = [abs(answer[i] - truth[i]) for i in reached]
    most = max(reached, key=lambda i: off[i])
    return t("mlp.gap.curve", off=sum(off) / len(off), step=steps[most], guess=answer[most], truth=truth[most])


# --- what a run teaches ------------------------------------------------------------------------------------


def insight(outcome: Outcome) -> str:
    """The lesson of a run in one line, from its numbers."""
    options, marks = outcome.spec.options, outcome.marks
    if outcome.diverged:
        rate = outcome.spec.recipe.learning_rate
        return t("mlp.insight.diverged", step=outcome.diverged["at"], rate=rate, back=outcome.diverged["back_to"])
    if options.get("init") == "zero" and outcome.difference is not None:
        return t(
            "mlp.insight.zero", units=outcome.units, difference=outcome.difference, end=outcome.end,
            unigram=marks["unigram"],
        )  # fmt: skip
    if outcome.start > outcome.uniform + 0.2:
        step = next((int(step) for step, loss in outcome.run.batch if loss < outcome.uniform), None)
        name = "too_large" if step is not None else "too_large_still"
        return t(
            f"mlp.insight.{name}", above=outcome.start - outcome.uniform, uniform=outcome.uniform, step=step or 0
        )
    if outcome.end - outcome.best[1] > NEAR and outcome.end - outcome.train > PARTED:
        step, best = outcome.best
        return t("mlp.insight.overfit", step=step, best=best, end=outcome.end, train=outcome.train)
    if options.get("context") == 1 and outcome.bigram_train is not None:
        return t(
            "mlp.insight.one_letter", train=outcome.train, table_train=outcome.bigram_train, end=outcome.end,
            table=marks["bigram"],
        )  # fmt: skip
    goal, best = outcome.goal
    if outcome.end < best:
        return t("mlp.insight.beaten", goal=goal, best=best, end=outcome.end, by=best - outcome.end)
    if outcome.end < marks.get("bigram", -math.inf):
        by = marks["bigram"] - outcome.end
        return t("mlp.insight.below", by=by, bigram=marks["bigram"], goal=goal, left=outcome.end - best)
    return t("mlp.insight.above", by=outcome.end - marks.get("bigram", best), bigram=marks.get("bigram", best))


# --- the sum -----------------------------------------------------------------------------------------------


def sums(loss: float | None, shares: Sequence[float] = (0.95, 0.5, 0.01)) -> list[str]:
    """See the sum: the surprise of three probabilities, and a loss as perplexity and bits.

    >>> for line in sums(None)[:2]: print(line)
    The loss of one letter is −ln p, p being the probability that the network gave it.
    p = 0.95   −ln 0.95 = 0.051 nats
    """
    lines = [t("mlp.sum.what")]
    lines += [t("mlp.sum.share", p=p, nats=-math.log(p)) for p in shares]
    if loss is not None and math.isfinite(loss):
        lines += [
            t("mlp.sum.mean", loss=loss),
            t("mlp.sum.perplexity", loss=loss, perplexity=math.exp(min(loss, 700.0))),
            t("mlp.sum.bits", loss=loss, bits=loss / math.log(2)),
        ]
    return lines
