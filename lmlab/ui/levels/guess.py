"""Level Guess: Shannon's game on hidden names, first letter by letter, then with chips."""

import asyncio
import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.evaluation.guessing import CHIPS, SMOOTHING, Estimate, own_loss, shannon_bounds
from lmlab.figures.guessing import PLACES, Pace, where_it_is_hard
from lmlab.runs.cards import short_name
from lmlab.strings import t, tn
from lmlab.ui.bench import default_choice, loss_of, next_seq
from lmlab.ui.context import NAMES, Context, Updates, guarded, light, problem
from lmlab.ui.depths import depths_trees, drawn
from lmlab.ui.predict import Predict, Question, Told, predict_steps
from lmlab.ui.rounds import MODES, Hidden, Mode, Played, Round, Rounds
from lmlab.ui.widgets.content import h, packed, term, words
from lmlab.ui.widgets.figure import figure_widget
from lmlab.ui.widgets.guess import guess_widget
from lmlab.ui.work import Entry, Score, Work

BIT = math.log(2)
AT_ONCE = 4
"""Names that a worker is asked for at once; so the time of an answer says nothing about one name's length."""
REFERENCE = 1
"""Which of the models the sentences compare with: the bigram, which the next level counts."""
FEWEST_GUESSES = 10  # letters before Shannon's bounds are shown
FEW = 30  # bets; fewer are called few
MOST_ROWS = 100  # of the table of bets
CODE = {"letters": ("evaluation/guessing.py", "tries"), "bets": ("evaluation/guessing.py", "surprise")}
BOUNDS_CODE = ("evaluation/guessing.py", "shannon_bounds")


@dataclass
class Guess:
    """The components of the level."""

    message: gr.HTML
    mode: gr.Radio
    before: gr.Column
    predict: Predict
    game: gr.HTML
    score: gr.HTML
    depths: gr.HTML
    places: gr.HTML
    rounds: Rounds = field(default_factory=Rounds)

    @property
    def shown(self) -> list[Any]:
        """What a move may change on the level."""
        return [self.message, self.mode, self.before, self.game, self.score, self.depths, self.places]


@dataclass(frozen=True)
class Name:
    """A name that was played, whole or in part: its letters, what each cost the player, and what the bigram paid."""

    letters: str
    ended: bool
    mine: tuple[float, ...]
    bigram: tuple[float, ...]


def build(ctx: Context) -> Guess:
    """Make the components."""
    with gr.Row(elem_classes="guess-head"):
        words(h("h1", t("guess.title")), h("p", t("guess.lead")), elem_classes="lead")
        mode = gr.Radio(
            [(t(f"guess.mode.{mode}"), mode) for mode in MODES], value=MODES[0], label=t("guess.mode.label"),
            elem_classes="switch", elem_id="guess-mode",
        )  # fmt: skip
    message = words(elem_classes="message")
    with gr.Column(visible=False, elem_classes="guess-before", elem_id="guess-before") as before:
        predict = predict_steps("guess", questions())
    game = guess_widget(elem_id="guess-game")
    score = words(elem_classes="guess-score", elem_id="guess-score")
    depths = words(elem_id="guess-depths")
    places = figure_widget(elem_id="guess-places", visible=False)
    ui = Guess(message, mode, before, predict, game, score, depths, places)
    ctx.controls["guess"] = {"mode": mode}
    ctx.presets["guess"] = (MODES, lambda preset: {mode: preset}, [mode])
    return ui


def questions() -> list[Question]:
    """What the level asks before it sums up."""
    later = (t("guess.ask.run"), t("guess.ask.gap"))
    return [
        Question(
            "hardest-place", t("guess.ask.place"), "choice", later, options=[t(f"guess.place.{p}") for p in PLACES]
        ),
        Question(
            "bigram-bits", t("guess.ask.bits"), "number", later, minimum=0, maximum=6, start=3, step=0.1,
            unit=t("guess.bits"),
        ),
    ]  # fmt: skip


def wire(ctx: Context, ui: Guess) -> None:
    """Connect the events."""
    rounds = ui.rounds

    # --- rounds ---------------------------------------------------------------------------------------

    async def new_round(owner: str, corpus: Any, mode: Mode) -> Round:
        """A name that the visitor has not had, with what each model expects at each of its letters."""
        about = await ctx.ask_corpus(corpus, owner, "game")
        sha256 = about["sha256"]
        best = best_card(await asyncio.to_thread(ctx.cards, owner), sha256)  # cards may have megabytes
        models = [t("guess.model.unigram"), t("guess.model.bigram"), t("guess.model.fourgram")]
        run = best["id"] if best else ""
        for _ in range(5):  # names with letters that have no key are left out
            hidden = rounds.take(owner, sha256, run)
            if hidden is not None:
                if len(hidden.p) > len(models) and best:
                    models.append(title_of(best))
                return rounds.open(Round(owner, sha256, mode, about["letters"], models, hidden))
            indices = rounds.draw(owner, sha256, about["names"], AT_ONCE)
            rounds.put(owner, sha256, run, await fetch(owner, corpus, about["letters"], indices, run))
        raise LabError(t("guess.no_names"))

    async def fetch(owner: str, corpus: Any, letters: list[str], indices: list[int], run: str) -> list[Hidden]:
        """Hidden names with all that the models expect."""
        found = await ctx.ask_corpus(corpus, owner, "hidden", indices=indices)
        names = [each["name"] for each in found]
        more: list[Any] = []
        if run and names:
            with contextlib.suppress(LabError):  # a model that was deleted or is damaged does not play
                more = await ctx.ask(run, owner, "expectations", names=names, letters=letters)
        return [
            Hidden(
                (*(letters.index(letter) for letter in each["name"]), len(letters)),
                (*each["models"].values(), *more[i : i + 1]),
            )
            for i, each in enumerate(found)
        ]

    # --- what is shown --------------------------------------------------------------------------------

    def show_round(owner: str, stored: Any, round: Round, just: bool = False) -> Updates:
        """The game, what it came to so far, and how that was computed."""
        names = names_of(ctx.work_of(owner, stored), round.corpus, round.mode, rounds.of(owner, round.corpus), round)
        if round.mode == "bets":
            estimate = own_loss([(name.mine, name.ended) for name in names])
            said = bets_said(estimate)
            sums, code = bet_sum(round), CODE["bets"]
        else:
            said = guesses_said(names, round.keys)
            sums, code = guess_sum(round, names), CODE["letters"]
            code = BOUNDS_CODE if len(guesses_of(names)) >= FEWEST_GUESSES else code
        return {
            ui.game: value_of(round, just),
            ui.score: said,
            ui.depths: depths_of(names, round.mode, sums, code),
        }

    async def begin(owner: str, corpus: Any, stored: Any, mode: str) -> Updates:
        """The round in play, or a new one, without the question that stood between two names."""
        if mode not in MODES:
            raise LabError(t("guess.refused.mode"))
        about = await ctx.ask_corpus(corpus, owner, "game")
        mine = [round for round in rounds.of(owner, about["sha256"]) if round.mode == mode]
        round = mine[-1] if mine else await new_round(owner, corpus, mode)
        return {ui.before: gr.update(visible=False), **show_round(owner, stored, round)}

    async def show(owner: str, corpus: Any, stored: Any, mode: str) -> Updates:
        """The level for a page that has just opened, or for a corpus that has just changed."""
        return {
            **ui.predict.asked(),
            ui.places: gr.update(visible=False),
            **await begin(owner, corpus, stored, mode),
        }

    async def play(
        owner: str, corpus: Any, stored: Any, mode: str, chosen: str | None, asked: Any, event: gr.EventData
    ) -> Updates:
        """A move on the board."""
        do, token = (getattr(event, name, None) for name in ("do", "token"))
        try:
            round = rounds.find(token, owner)
        except LabError as error:  # forgotten: there is a new name at once
            return {**await begin(owner, corpus, stored, mode), ui.message: problem(str(error))}
        try:
            return await move(owner, corpus, stored, chosen, asked, round, do, event)
        except LabError as error:
            return {**show_round(owner, stored, round), ui.message: problem(str(error))}

    async def move(
        owner: str,
        corpus: Any,
        stored: Any,
        chosen: str | None,
        asked: Any,
        round: Round,
        do: Any,
        event: gr.EventData,
    ) -> Updates:
        position, key, chips = (getattr(event, name, None) for name in ("position", "key", "chips"))
        if do in ("again", "bets"):
            updates = leave(owner, stored, round)
            if do == "bets":
                return {**updates, ui.mode: "bets"}  # its event begins the round
            new = await new_round(owner, corpus, round.mode)
            return {**updates, ui.before: gr.update(visible=False), **show_round(owner, stored, new)}
        if do == "guess":
            if not round.guess(position, key):
                return show_round(owner, stored, round)
        elif do == "lock":
            round.bet(position, chips)
        elif do == "skip":
            round.skip(position)
        else:
            raise LabError(t("guess.refused.move"))
        updates = {}
        if round.over:
            updates |= ctx.keep(owner, stored, entry_of(round))
            updates |= await sum_up(owner, corpus, stored, round, asked)
        if round.mode == "bets":
            updates |= await score(owner, corpus, stored, chosen, round)
        return {**updates, **show_round(owner, stored, round, just=True)}

    def leave(owner: str, stored: Any, round: Round) -> Updates:
        """A name that is left before its end is written down as far as it went."""
        rounds.close(round)
        return ctx.keep(owner, stored, entry_of(round)) if round.played and not round.over else {}

    async def score(owner: str, corpus: Any, stored: Any, chosen: str | None, round: Round) -> Updates:
        """The student's loss into the work and onto the ruler."""
        names = names_of(ctx.work_of(owner, stored), round.corpus, "bets", rounds.of(owner, round.corpus), round)
        estimate = own_loss([(name.mine, name.ended) for name in names])
        if estimate is None:
            return {}
        found = Score(
            loss=estimate.mean,
            spread=None if estimate.spread is None else min(estimate.spread, 20.0),
            letters=estimate.letters,
            names=estimate.names,
        )
        kept = ctx.keep_score(owner, stored, round.corpus, found)
        fresh = await ctx.refresh(owner, corpus, chosen)
        return {**kept, ctx.ruler: fresh[ctx.ruler]}

    async def sum_up(owner: str, corpus: Any, stored: Any, round: Round, asked: Any) -> Updates:
        """At the end of a name: the next question that was not asked yet, and the chart once one was answered."""
        at, index = asked["at"], asked["index"]
        if at == "ask":
            return {ui.before: gr.update(visible=True)}
        updates: Updates = {ui.places: await places_value(owner, corpus, stored, round.corpus)}
        if index + 1 < len(ui.predict.questions):
            updates |= {ui.before: gr.update(visible=True), **ui.predict.asked(index + 1)}
        return updates

    # --- the question between two names ---------------------------------------------------------------

    async def places_value(owner: str, corpus: Any, stored: Any, sha256: str) -> Any:
        found = await ctx.ask_corpus(corpus, owner, "places")
        names = names_of(ctx.work_of(owner, stored), sha256, "bets", rounds.of(owner, sha256))
        figure = where_it_is_hard(paces_of(found), by_place(names), found["names"])
        return gr.update(visible=True, value=packed(drawn(figure, places_sum(found, names), CODE["bets"])))

    async def reveal(question: Question, answer: Any, owner: str, corpus: Any, stored: Any) -> tuple[Told, Updates]:
        """Where the models pay most, or how much the bigram pays, on held-out names; and what the student paid."""
        about = await ctx.ask_corpus(corpus, owner, "game")
        found = await ctx.ask_corpus(corpus, owner, "places")
        names = names_of(ctx.work_of(owner, stored), about["sha256"], "bets", rounds.of(owner, about["sha256"]))
        tell = tell_place if question.name == "hardest-place" else tell_bits
        told = tell(answer, found, names)
        return told, {ui.places: await places_value(owner, corpus, stored, about["sha256"])}

    here = [ctx.owner, ctx.corpus, ctx.work]
    outputs = [*ui.shown, ctx.work, ctx.ruler, *ui.predict.outputs]
    light(ui.game.play, guarded(ui.message, play), [*here, ui.mode, ctx.chosen, ui.predict.state], outputs)
    light(ui.mode.change, guarded(ui.message, begin), [*here, ui.mode], outputs)
    ui.predict.wire(ctx, ui.message, reveal, [ctx.work], [ui.places])
    ctx.show("guess", guarded(ui.message, show), [*here, ui.mode], outputs)


async def warm(ctx: Context) -> None:
    """What the level asks first."""
    await ctx.ask_corpus(NAMES, "warm-up", "game")
    await ctx.ask_corpus(NAMES, "warm-up", "hidden", indices=[0])
    await ctx.ask_corpus(NAMES, "warm-up", "places")


# --- who plays ---------------------------------------------------------------------------------------------


def best_card(cards: Sequence[dict[str, Any]], sha256: str) -> dict[str, Any] | None:
    """The card of the best model of letters that learned on this corpus, or None."""
    fitting = [
        card
        for card in cards
        if card["corpus"]["sha256"] == sha256
        and card.get("tokenizer", {}).get("kind") == "characters"
        and math.isfinite(loss_of(card))
    ]
    best = default_choice(fitting, sha256)
    return next((card for card in fitting if card["id"] == best), None)


def title_of(card: dict[str, Any]) -> str:
    """A model's name: the student's own, or the one that it was given."""
    return str(card.get("title") or short_name(card["id"]))


# --- what was played ---------------------------------------------------------------------------------------


def question_of(mode: str, sha256: str) -> str:
    """The name under which a game's entries stand in the student's work."""
    return f"{mode}-{sha256[:16]}"


def entry_of(round: Round) -> Entry:
    """A played name as the student's work keeps it: the price of each letter beside the bigram's.

    In nats for bets; in guesses (0: given up) for a game of guesses.
    """
    name = name_of(round)
    return Entry(
        id=round.entry,
        level="guess",
        question=question_of(round.mode, round.corpus),
        asked=f".{name.letters}{'.' if name.ended else '…'}",
        guess=list(name.mine),
        truth=list(name.bigram),
        said=total_said(round) if name.ended else "",
        at=round.at,
    )


def name_of(round: Round) -> Name:
    """What was played of a round."""
    if round.mode == "bets":
        mine = [each.nats or 0.0 for each in round.played]
        bigram = [-math.log(row[each.answer]) for row, each in _reference(round)]
    else:
        mine = [float(len(each.order)) for each in round.played]
        bigram = [float(round.tries(i)[REFERENCE]) for i in range(len(round.played))]
    return Name(round.known, round.over, tuple(mine), tuple(bigram))


def _reference(round: Round) -> list[tuple[Sequence[float], Played]]:
    return [(round.expected(i)[REFERENCE], each) for i, each in enumerate(round.played)]


def names_of(
    work: Work, sha256: str, mode: str, open_rounds: Sequence[Round], current: Round | None = None
) -> list[Name]:
    """The names played on a corpus, oldest first: those in the work, then those still in play.

    The work comes from the student's browser: an entry that is not one of ours is passed over.
    """
    found = []
    rounds = [*open_rounds, *([current] if current and current not in open_rounds else [])]
    playing = {round.entry for round in rounds}
    for entry in work.entries:
        mine, bigram = entry.guess, entry.truth
        if entry.level != "guess" or entry.question != question_of(mode, sha256) or entry.id in playing:
            continue
        if not (isinstance(mine, list) and isinstance(bigram, list) and len(mine) == len(bigram)):
            continue
        if len(entry.asked) < 2:
            continue
        ended = not entry.asked.endswith("…")
        letters = entry.asked[1:-1]
        if len(mine) != len(letters) + ended or not all(
            isinstance(value, float) and 0 <= value <= 60 for value in [*mine, *bigram]
        ):
            continue
        found.append(Name(letters, ended, tuple(mine), tuple(bigram)))  # type: ignore[arg-type]
    return found + [name_of(round) for round in rounds if round.mode == mode and round.played]


def guesses_of(names: Sequence[Name]) -> list[int]:
    """How many guesses each letter took; letters that were given up are left out."""
    return [int(tries) for name in names for tries in name.mine if tries]


def by_place(names: Sequence[Name]) -> dict[str, list[float]]:
    """The student's bets by the place in the name, in bits."""
    found: dict[str, list[float]] = {place: [] for place in PLACES}
    for name in names:
        for i, nats in enumerate(name.mine):
            place = "end" if name.ended and i == len(name.mine) - 1 else "middle" if i else "first"
            found[place].append(nats / BIT)
    return found


# --- what the board is told --------------------------------------------------------------------------------


def symbol(round: Round, key: int) -> str:
    """How a key is drawn."""
    return drawn_as(round.letters[key]) if key < len(round.letters) else t("guess.end")


def drawn_as(letter: str) -> str:
    """A letter as a sign that can be seen; a full stop is in quotes, because a bare one is the end."""
    return {" ": "␣", ".": "‘.’"}.get(letter, letter)


def value_of(round: Round, just: bool) -> dict[str, Any]:
    """What the page may know. Of the letters in front of it there is nothing in here: not one, nor how many."""
    return {
        "seq": next_seq(),
        "token": round.token,
        "mode": round.mode,
        "letters": list(round.letters),
        "keys": [symbol(round, key) for key in range(round.keys)],
        "models": list(round.models),
        "reference": REFERENCE,
        "chips": CHIPS,
        "wrong": list(round.wrong),
        "played": [played_value(round, i) for i in range(len(round.played))],
        "over": round.over,
        "just": just,
        "steps": {"open": [] if round.over else open_steps(round), "told": told_steps(round) if round.played else []},
        "total": total_said(round) if round.over else "",
    }


def played_value(round: Round, i: int) -> dict[str, Any]:
    """A letter that was played, with what the models expected there, in the unit of the game."""
    each = round.played[i]
    rows = round.expected(i)
    if round.mode == "bets":
        mine: float = (each.nats or 0.0) / BIT
        models = [-math.log2(row[each.answer]) for row in rows]
    else:
        mine, models = float(len(each.order)), [float(tries) for tries in round.tries(i)]
    return {
        "key": each.answer,
        "chips": list(each.chips or []),
        "order": list(each.order),
        "mine": round_to(mine),
        "theirs": [round_to(value) for value in models],
        "p": [[round_to(p) for p in row] for row in rows],
    }


def round_to(value: float) -> float:
    """Four digits after the point are more than the page shows."""
    return round(value, 4)


def prefix_of(round: Round, upto: int) -> str:
    """The letters before a position, as the app draws them."""
    return "." + "".join(symbol(round, each.answer) for each in round.played[:upto])


def open_steps(round: Round) -> list[str]:
    """The three steps while the student guesses."""
    place = "next" if round.played else "first"
    ask = t(f"guess.{round.mode}.ask_{place}", prefix=prefix_of(round, len(round.played)), chips=CHIPS)
    if round.wrong:
        ask = t("guess.letters.wrong", keys=", ".join(symbol(round, key) for key in round.wrong), ask=ask)
    return [ask, t(f"guess.{round.mode}.later_run"), t(f"guess.{round.mode}.later_gap")]


def told_steps(round: Round) -> list[str]:
    """The three steps when the letter is known: the guess in words, the letter, the gap."""
    each = round.played[-1]
    letter = symbol(round, each.answer)
    ended = each.answer == len(round.letters)
    ran = t("guess.ran_end", name=round.known) if ended else t("guess.ran", letter=letter)
    if round.mode == "letters":
        if not each.order:
            return [t("guess.letters.given_up"), ran, t("guess.letters.gap_given_up", **_tries(round))]
        order = ", ".join(symbol(round, key) for key in each.order)
        as_quick = round.tries(len(round.played) - 1)[REFERENCE] <= len(each.order)
        gap = t(f"guess.letters.gap_{'table' if as_quick else 'you'}", you=len(each.order), **_tries(round))
        return [tn("guess.letters.predicted", len(each.order), order=order), ran, gap]
    mine, row = (each.nats or 0.0) / BIT, round.expected(len(round.played) - 1)[REFERENCE]
    values = {
        "letter": letter,
        "you": f"{mine:.2f}",
        "bigram": f"{-math.log2(row[each.answer]):.2f}",
        "share": f"{100 * math.exp(-(each.nats or 0.0)):.0f}",
        "p": f"{100 * row[each.answer]:.0f}",
    }
    if each.chips is None:
        return [t("guess.bets.skipped", keys=round.keys), ran, t("guess.bets.gap_skipped", **values)]
    count = each.chips[each.answer]
    predicted = tn("guess.bets.predicted", count, letter=letter, chips=CHIPS)
    if not count:
        gap = t("guess.bets.gap_none", **values)
    else:
        gap = t(f"guess.bets.gap_{'better' if mine < -math.log2(row[each.answer]) else 'worse'}", **values)
    return [predicted, ran, gap]


def _tries(round: Round) -> dict[str, Any]:
    tries = round.tries(len(round.played) - 1)
    return {"bigram": tries[REFERENCE], "best": tries[-1], "model": round.models[-1]}


def total_said(round: Round) -> str:
    """What a whole name came to."""
    name = name_of(round)
    if round.mode == "letters":
        theirs = sum(round.tries(i)[-1] for i in range(len(round.played)))
        return t(
            "guess.letters.total", name=name.letters, you=int(sum(name.mine)), bigram=int(sum(name.bigram)),
            model=round.models[-1], best=theirs,
        )  # fmt: skip
    best = [-math.log(round.expected(i)[-1][each.answer]) for i, each in enumerate(round.played)]
    n = len(name.mine)
    per = {
        who: f"{sum(nats) / n / BIT:.2f}"
        for who, nats in (("mean", name.mine), ("bigram", name.bigram), ("best", best))
    }
    return t(
        "guess.bets.total", name=name.letters, n=n, total=f"{sum(name.mine) / BIT:.1f}", model=round.models[-1], **per
    )


# --- what it came to ---------------------------------------------------------------------------------------


def bets_said(estimate: Estimate | None) -> list[Any]:
    """The student's loss with its interval, in words."""
    if estimate is None:
        return []
    mean = estimate.mean / BIT
    values = {"bits": f"{mean:.2f}", "nats": f"{estimate.mean:.2f}"}
    unit = term("nat", t("guess.nats"))
    first = h("p", h("b", t("guess.score.you", **values)), " ", t("guess.score.ruler", **values), " ", unit)
    if estimate.spread is None:
        return [first, h("p", t("guess.score.too_few"), cls="look")]
    low, high = max(0.0, mean - estimate.spread / BIT), mean + estimate.spread / BIT
    over = "names" if estimate.names else "bets"
    few = "few" if estimate.letters < FEW else "many"
    said = tn(
        f"guess.score.{over}_{few}", estimate.names or estimate.letters, low=f"{low:.2f}", high=f"{high:.2f}",
        letters=estimate.letters,
    )  # fmt: skip
    return [first, h("p", said, cls="look")]


def guesses_said(names: Sequence[Name], keys: int) -> list[Any]:
    """Shannon's bounds, once there are letters enough."""
    ranks = guesses_of(names)
    if not ranks:
        return []
    first = h("p", h("b", tn("guess.bounds.so_far", len(ranks), mean=f"{sum(ranks) / len(ranks):.1f}")))
    if len(ranks) < FEWEST_GUESSES:
        return [first, h("p", tn("guess.bounds.wait", FEWEST_GUESSES - len(ranks)), cls="look")]
    lower, upper = shannon_bounds(ranks, keys)
    return [first, h("p", t("guess.bounds.said", lower=f"{lower:.2f}", upper=f"{upper:.2f}"), cls="look")]


# --- the depths --------------------------------------------------------------------------------------------


def bet_sum(round: Round) -> list[str]:
    """The sum of the last bet with its numbers; before the first one, of a bet of seven chips."""
    V, answer, count, letter = round.keys, None, 7, "e"
    if round.played:
        each = round.played[-1]
        answer, letter = each.answer, symbol(round, each.answer)
        if each.chips is None:
            return [t("guess.sum.even", keys=V, bits=f"{math.log2(V):.2f}"), *_models_sum(round)]
        count = each.chips[each.answer]
    share = (count + SMOOTHING) / (CHIPS + SMOOTHING * V)
    lines = [
        t("guess.sum.example") if answer is None else t("guess.sum.bet", letter=letter, n=count, chips=CHIPS),
        t("guess.sum.share"),
        f"  = ({count} + {SMOOTHING}) / ({CHIPS} + {SMOOTHING} · {V}) = {share:.4f}",
        t("guess.sum.surprise", share=f"{share:.4f}", bits=f"{-math.log2(share):.2f}"),
    ]
    return [*lines, *(_models_sum(round) if answer is not None else []), t("guess.sum.zero", **_zero(V))]


def _zero(V: int) -> dict[str, str]:
    """What no chip costs, and all of them."""
    none, all_of_them = SMOOTHING / (CHIPS + SMOOTHING * V), (CHIPS + SMOOTHING) / (CHIPS + SMOOTHING * V)
    return {"none": f"{-math.log2(none):.2f}", "all": f"{-math.log2(all_of_them):.2f}"}


def _models_sum(round: Round) -> list[str]:
    answer = round.played[-1].answer
    return [
        t("guess.sum.model", model=model, p=f"{row[answer]:.4f}", bits=f"{-math.log2(row[answer]):.2f}")
        for model, row in zip(round.models, round.expected(len(round.played) - 1), strict=False)
    ]


def guess_sum(round: Round, names: Sequence[Name]) -> list[str]:
    """How a model guesses, and Shannon's bounds with their numbers."""
    lines = []
    if round.played:
        answer, row = round.played[-1].answer, round.expected(len(round.played) - 1)[REFERENCE]
        order = sorted(range(round.keys), key=lambda key: (-row[key], key))
        order = order[: round.tries(len(round.played) - 1)[REFERENCE]]
        tried = ", ".join(f"{symbol(round, key)} {100 * row[key]:.1f} %" for key in order[-8:])
        lines.append(
            t("guess.sum.order", letter=symbol(round, answer), order=("… " if len(order) > 8 else "") + tried)
        )
    ranks = guesses_of(names)
    if len(ranks) < FEWEST_GUESSES:
        return [*lines, t("guess.sum.bounds_later", n=FEWEST_GUESSES)]
    q = [ranks.count(i) / len(ranks) for i in range(1, round.keys + 1)]
    lower, upper = shannon_bounds(ranks, round.keys)
    shares = ", ".join(f"q{i} = {share:.2f}" for i, share in enumerate(q, start=1) if share)
    return [
        *lines,
        t("guess.sum.shares", n=len(ranks), shares=shares),
        t("guess.sum.upper", bits=f"{upper:.2f}"),
        t("guess.sum.lower", bits=f"{lower:.2f}"),
    ]


def depths_of(names: Sequence[Name], mode: str, sums: Sequence[str], code: tuple[str, str]) -> list[Any]:
    """All letters that were played as a table, newest first; then the sum of the last one, and the code."""
    rows = []
    for name in reversed(names):
        for i in reversed(range(len(name.mine))):
            before = "." + "".join(drawn_as(letter) for letter in name.letters[:i])
            letter = drawn_as(name.letters[i]) if i < len(name.letters) else t("guess.end")
            if mode == "bets":
                cells = [f"{name.mine[i] / BIT:.2f}", f"{name.bigram[i] / BIT:.2f}"]
            else:
                cells = [
                    f"{name.mine[i]:.0f}" if name.mine[i] else t("guess.table.given_up"),
                    f"{name.bigram[i]:.0f}",
                ]
            rows.append([before, letter, *cells])
    tag, attributes, *further = depths_trees(sums, code)[0]
    if not rows:
        return [[tag, attributes, *further]]
    head = [t(f"guess.table.{column}") for column in ("after", "letter", f"you_{mode}", f"bigram_{mode}")]
    table = h(
        "table",
        h("thead", h("tr", *(h("th", cell) for cell in head))),
        h("tbody", *(h("tr", *(h("td", cell) for cell in row)) for row in rows[:MOST_ROWS])),
        cls="table",
    )
    details = h("details", h("summary", t("widget.figure.table")), h("div", table, cls="scroll"))
    return [[tag, attributes, details, *further]]


# --- the summary -------------------------------------------------------------------------------------------


def paces_of(found: dict[str, Any]) -> list[Pace]:
    """The count models' mean surprise at each place, in bits."""
    titles = {1: "unigram", 2: "bigram", 4: "fourgram"}
    return [
        Pace(t(f"guess.model.{titles[order]}"), [(each[place] or 0.0) / BIT for place in PLACES])
        for order, each in found["models"].items()
    ]


def _mine(names: Sequence[Name]) -> str:
    """What the student paid at each place, as far as there are bets."""
    parts = [
        tn(f"guess.paid.{place}", len(bits), bits=f"{sum(bits) / len(bits):.2f}")
        for place, bits in by_place(names).items()
        if bits
    ]
    return t("guess.paid.all", parts="; ".join(parts)) if parts else t("guess.paid.nothing")


def tell_place(answer: Any, found: dict[str, Any], names: Sequence[Name]) -> Told:
    """Which place is the hardest for the longest count model, and for the student."""
    pays = found["models"][4]
    hardest = max(PLACES, key=lambda place: pays[place] or 0.0)
    truth = t(f"guess.place.{hardest}")
    values = {place: f"{(pays[place] or 0.0) / BIT:.2f}" for place in PLACES}
    right = "right" if answer == truth else "told" if answer is None else "wrong"
    return Told(
        t("guess.ask.predicted", answer=answer or ""),
        t("guess.ask.ran", names=found["names"]),
        " ".join([t(f"guess.ask.place_{right}", place=truth, **values), _mine(names), t(f"guess.ask.why_{hardest}")]),
        truth,
    )


def tell_bits(answer: Any, found: dict[str, Any], names: Sequence[Name]) -> Told:
    """What the bigram pays on all held-out names, and what the student paid."""
    truth = found["models"][2]["mean"] / BIT
    estimate = own_loss([(name.mine, name.ended) for name in names])
    if answer is None:
        gap = t("guess.ask.bits_told", bits=f"{truth:.2f}")
    else:
        off = "more" if truth > answer else "less"
        gap = t(f"guess.ask.bits_{off}", bits=f"{truth:.2f}", off=f"{abs(truth - answer):.2f}")
    mine = (
        t("guess.paid.nothing")
        if estimate is None
        else tn("guess.ask.bits_you", estimate.letters, you=f"{estimate.mean / BIT:.2f}")
    )
    return Told(
        t("guess.ask.predicted_bits", bits=f"{answer or 0:.1f}"),
        t("guess.ask.ran", names=found["names"]),
        " ".join([gap, mine, t("guess.ask.why_bits")]),
        round(truth, 3),
    )


def places_sum(found: dict[str, Any], names: Sequence[Name]) -> list[str]:
    """The means of the chart with what they were taken over."""
    lines = []
    for order, each in found["models"].items():
        title = {1: "unigram", 2: "bigram", 4: "fourgram"}[order]
        pays = {place: f"{(each[place] or 0.0) / BIT:.2f}" for place in (*PLACES, "mean")}
        lines.append(t("guess.sum.places", model=t(f"guess.model.{title}"), **pays))
    for place, bits in by_place(names).items():
        if bits:
            terms = " + ".join(f"{value:.2f}" for value in bits[:12]) + (" + …" if len(bits) > 12 else "")
            mean = f"{sum(bits) / len(bits):.2f}"
            lines.append(t("guess.sum.mine", place=t(f"guess.place.{place}"), terms=terms, n=len(bits), bits=mean))
    return lines
