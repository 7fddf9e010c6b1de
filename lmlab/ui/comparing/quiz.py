"""Real or generated? Ten names, half of them held out and half rolled by a model. The answers stay on the server."""

import math
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.evaluation.chance import at_least, share_interval
from lmlab.runs.cards import name_of
from lmlab.strings import t, tn
from lmlab.ui.bench import loss_of, menu_line, next_seq
from lmlab.ui.comparing.rows import percent
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.depths import depths_trees
from lmlab.ui.predict import Predict, Question, Told
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.quiz import quiz_widget

CODE = ("evaluation/chance.py", "at_least")
NAMES = 10
MOST_ROUNDS = 1000
SAID = ("real", "generated")


@dataclass
class Round:
    """One quiz: whose it is, the names with their truth, and what was said so far. It never leaves the server."""

    owner: str
    model: str
    names: list[dict[str, Any]]
    said: list[str] = field(default_factory=list)

    @property
    def right(self) -> int:
        """How many were judged rightly."""
        return sum((said == "real") == one["real"] for said, one in zip(self.said, self.names, strict=False))


@dataclass
class Quiz:
    """The components of the part. `rounds` holds the quizzes under way by their tokens."""

    column: gr.Column
    model: gr.Dropdown
    intro: gr.HTML
    quiz: gr.HTML
    rounds: OrderedDict[str, Round] = field(default_factory=OrderedDict)

    @property
    def outputs(self) -> list[Any]:
        """What showing the part changes."""
        return [self.model, self.intro, self.quiz]


def questions() -> list[Question]:
    """How many names the student will tell apart."""
    later = (t("compare.quiz.later_run"), t("compare.quiz.later_gap"))
    return [
        Question(
            "quiz", t("compare.quiz.ask"), later=later, maximum=NAMES, start=NAMES // 2, unit=t("compare.quiz.unit")
        )
    ]


def build() -> Quiz:
    """Make the components."""
    with gr.Column(elem_classes="part", elem_id="compare-part-quiz", visible=False, min_width=240) as column:
        model = gr.Dropdown([], label=t("compare.quiz.model"), filterable=False, elem_id="compare-quiz-model")
        intro = words(*waiting(), elem_classes="report", elem_id="compare-quiz-intro")
        quiz = quiz_widget(elem_id="compare-quiz")
    return Quiz(column, model, intro, quiz)


def waiting() -> list[Any]:
    """Before the guess: what comes, and the code of the coin that it will be compared with."""
    return [h("p", t("compare.quiz.wait")), *depths_trees((), CODE)]


async def show(ctx: Context, ui: Quiz, owner: str, corpus: Any, model: Any, chosen: Any) -> Updates:
    """The menu of models of the corpus at hand; it keeps the one that it shows."""
    sha256 = (await ctx.ask_corpus(corpus, owner, "corpus"))["sha256"]
    cards = sorted((card for card in ctx.cards(owner) if card["corpus"]["sha256"] == sha256), key=loss_of)
    ids = [card["id"] for card in cards]
    if model not in ids:
        model = chosen if chosen in ids else next(iter(ids), None)
    return {ui.model: gr.update(choices=[(menu_line(card), card["id"]) for card in cards], value=model)}


async def reveal(
    ctx: Context, ui: Quiz, owner: str, corpus: dict[str, Any], model: Any, guess: float | None
) -> tuple[Told, Updates]:
    """Begin: the names are drawn, and the first one is shown."""
    if not model:
        raise LabError(t("compare.quiz.need"))
    names = await ctx.ask(
        model, owner, "quiz", corpus=corpus["source"], corpus_name=corpus["name"], n=NAMES,
        seed=secrets.randbelow(2**53),
    )  # fmt: skip
    token = secrets.token_urlsafe(16)
    ui.rounds[token] = Round(owner, name_of(ctx.card(model, owner)), names)
    while len(ui.rounds) > MOST_ROUNDS:
        ui.rounds.popitem(last=False)
    told = Told(t("compare.quiz.predicted", n=f"{guess or 0:.0f}"), t("compare.quiz.ran"))
    return told, {ui.quiz: state_of(token, ui.rounds[token]), ui.intro: depths_trees((), CODE)}


def state_of(token: str, round: Round, verdict: str = "", guess: float | None = None) -> dict[str, Any]:
    """What the page may know: the name to judge, and the truth about those that were judged; in the end the score,
    and the student's `guess` of it."""
    at = len(round.said)
    done = [{**one, "said": said} for one, said in zip(round.names, round.said, strict=False)]
    over = at == len(round.names)
    return {
        "seq": next_seq(),
        "token": token,
        "number": at + 1,
        "of": len(round.names),
        "name": None if over else round.names[at]["name"],
        "verdict": verdict,
        "done": done,
        "again": t("compare.quiz.again") if over else None,
        "score": {"right": round.right, "guess": guess} if over else None,
    }


def judged(rounds: OrderedDict[str, Round], owner: str, event: gr.EventData) -> tuple[str, Round]:
    """The round that an answer belongs to, with the answer in it. Raises `LabError` for any other event.

    Nothing that comes from the page is trusted: the token must be of this visitor, the number that of the name
    that is asked, so that no name is judged twice.
    """
    token, number, said = (getattr(event, name, None) for name in ("token", "number", "said"))
    round = rounds.get(token) if isinstance(token, str) else None
    if round is None or round.owner != owner or len(round.said) >= len(round.names):
        raise LabError(t("compare.quiz.stale"))
    if number != len(round.said) + 1:
        raise LabError(t("compare.quiz.not_now"))
    if said not in SAID:
        raise LabError(t("compare.quiz.answer"))
    round.said.append(said)
    return str(token), round


def forget(rounds: OrderedDict[str, Round], owner: str) -> None:
    """Forget the quizzes of a visitor."""
    for token in [token for token, round in rounds.items() if round.owner == owner]:
        del rounds[token]


def verdict_of(round: Round) -> str:
    """The last judged name in words."""
    one, said = round.names[len(round.said) - 1], round.said[-1]
    name = "compare.quiz.is_real" if one["real"] else "compare.quiz.is_generated"
    return t(name, name=one["name"], model=round.model, said=t(f"compare.quiz.{said}"))


def told_of(round: Round, guess: float | None) -> Told:
    """The score, what a coin would score, and how far ten names can be trusted."""
    right, tries = round.right, len(round.names)
    values = {"right": right, "coin": percent(at_least(right, tries))}
    if guess is None:
        gap = t("compare.quiz.gap_skipped", **values)
    elif right == guess:
        gap = t("compare.quiz.gap_same", **values)
    else:
        gap = tn(f"compare.quiz.gap_{'more' if right > guess else 'less'}", abs(int(right - guess)), **values)
    predicted = t("compare.quiz.predicted", n=f"{guess or 0:.0f}")
    return Told(predicted, t("compare.quiz.ran_done", model=round.model), gap, float(right))


def interval_trees(round: Round) -> list[Any]:
    """How little ten names say, with the sum of what a coin would score."""
    low, high = share_interval(round.right, len(round.names))
    said = h("p", t("compare.quiz.interval", low=f"{100 * low:.0f}", high=f"{100 * high:.0f}"))
    return [said, *depths_trees(coin_sums(round.right, len(round.names)), CODE)]


def coin_sums(right: int, tries: int) -> list[str]:
    """How often a coin is right so often or more, with the numbers.

    >>> coin_sums(3, 4)[-1]
    '(4 + 1) / 16 = 0.3125 = 31.2 %'
    """
    ways = [math.comb(tries, k) for k in range(right, tries + 1)]
    values = {"right": right, "tries": tries, "all": 2**tries}
    share = at_least(right, tries)
    terms = " + ".join(map(str, ways))
    return [
        t("compare.quiz.sum_all", **values),
        t("compare.quiz.sum_ways", ways=", ".join(f"{k}: {n}" for k, n in enumerate(ways, start=right)), **values),
        t("compare.quiz.sum_share", terms=terms, share=f"{share:.4f}", percent=percent(share), **values),
    ]


def wire(ctx: Context, ui: Quiz, predict: Predict, index: int, told: gr.State, message: gr.HTML) -> None:
    """Connect the events; `index` is the number of this part's question, `told` what each part has said."""
    ctx.forgetters.append(lambda owner: forget(ui.rounds, owner))

    async def answer(owner: str, stored: Any, state: Any, said: Any, event: gr.EventData) -> Updates:
        token, round = judged(ui.rounds, owner, event)
        guess = (state.get("entry") or {}).get("guess")
        updates: Updates = {ui.quiz: state_of(token, round, verdict_of(round), guess)}
        if len(round.said) == len(round.names):
            found = told_of(round, guess)
            updates |= predict.finish(ctx, owner, stored, state, found)
            updates[told] = {**said, "quiz": {"told": vars(found), "state": None}}
            updates[ui.intro] = interval_trees(round)
            updates[predict.another] = gr.update(visible=False)
        return updates

    async def again(said: Any) -> Updates:
        return {
            **predict.asked(index),
            ui.quiz: None,
            ui.intro: waiting(),
            told: {part: one for part, one in said.items() if part != "quiz"},
        }

    outputs = [ui.quiz, ui.intro, told, message]
    light(
        ui.quiz.answer, guarded(message, answer), [ctx.owner, ctx.work, predict.state, told],
        [*outputs, *predict.outputs, ctx.work],
    )  # fmt: skip
    light(ui.quiz.again, guarded(message, again), [told], [*outputs, *predict.outputs])
