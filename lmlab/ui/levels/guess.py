"""Level Guess: Shannon's game on hidden names, first letter by letter, then with chips."""

import asyncio
import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.evaluation.guessing import own_loss
from lmlab.figures.guessing import PLACES, where_it_is_hard
from lmlab.runs.cards import name_of
from lmlab.strings import t
from lmlab.ui.bench import default_choice, loss_of
from lmlab.ui.context import NAMES, Context, Updates, guarded, light, problem
from lmlab.ui.depths import drawn
from lmlab.ui.guessing.board import first_board, value_of
from lmlab.ui.guessing.played import by_place, entry_of, guesses_of, names_of
from lmlab.ui.guessing.rounds import MODES, Hidden, Mode, Round, Rounds
from lmlab.ui.guessing.told import (
    FEWEST_GUESSES,
    bet_sum,
    bets_said,
    depths_of,
    guess_sum,
    guesses_said,
    paces_of,
    places_sum,
    said_of,
    tell_bits,
    tell_place,
)
from lmlab.ui.predict import Predict, Question, Told, is_open, predict_steps
from lmlab.ui.widgets.content import h, packed, words
from lmlab.ui.widgets.figure import figure_widget
from lmlab.ui.widgets.guess import guess_widget
from lmlab.ui.work import Score

AT_ONCE = 4
"""Names that a worker is asked for at once; so the time of an answer says nothing about one name's length."""
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
    guesses: gr.State
    """What was guessed on this page, by question; None: skipped."""
    rounds: Rounds = field(default_factory=Rounds)

    @property
    def shown(self) -> list[Any]:
        """What a move may change on the level."""
        return [self.message, self.mode, self.before, self.game, self.score, self.depths, self.places, self.guesses]


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
    game = guess_widget(first_board(models_of(best_of_the_lab(ctx))), elem_id="guess-game")
    score = words(elem_classes="guess-score", elem_id="guess-score")
    depths = words(elem_id="guess-depths")
    places = figure_widget(elem_id="guess-places", visible=False)
    ui = Guess(message, mode, before, predict, game, score, depths, places, gr.State({}))
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
            unit=t("guess.bits"), veil="bigram",
        ),
    ]  # fmt: skip


def wire(ctx: Context, ui: Guess) -> None:
    """Connect the events."""
    rounds = ui.rounds
    ctx.forgetters.append(rounds.forget)

    # --- rounds ---------------------------------------------------------------------------------------

    async def new_round(owner: str, corpus: Any, mode: Mode) -> Round:
        """A name that the visitor has not had, with what each model expects at each of its letters."""
        about = await ctx.ask_corpus(corpus, owner, "game")
        sha256 = about["sha256"]
        best = best_card(await asyncio.to_thread(ctx.cards, owner), sha256)  # cards may have megabytes
        models = models_of(None)
        run = best["id"] if best else ""
        for _ in range(5):  # names with letters that have no key are left out
            hidden = rounds.take(owner, sha256, run)
            if hidden is not None:
                if len(hidden.p) > len(models):
                    models = models_of(best)
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
            ui.guesses: {},
            **await begin(owner, corpus, stored, mode),
            **await left_off(owner, corpus, stored),
        }

    async def left_off(owner: str, corpus: Any, stored: Any) -> Updates:
        """The question between two names as it stood before the page was opened anew."""
        work = ctx.work_of(owner, stored)
        updates = ui.predict.resumed(work, corpus)
        told = [entry for entry in ui.predict.answered(work, corpus) if not is_open(entry)]
        if not updates or not told:
            return updates
        about = await ctx.ask_corpus(corpus, owner, "game")
        guesses = {entry.question: ui.predict.guess_of(entry) for entry in told}
        return {
            **updates,
            ui.before: gr.update(visible=updates[ui.predict.state]["at"] == "gap"),  # the next one comes after a name
            ui.guesses: guesses,
            ui.places: await places_value(owner, corpus, stored, about["sha256"], guesses),
        }

    async def play(
        owner: str, corpus: Any, stored: Any, mode: str, chosen: str | None, asked: Any, guesses: Any,
        event: gr.EventData,
    ) -> Updates:  # fmt: skip
        """A move on the board."""
        do, token = (getattr(event, name, None) for name in ("do", "token"))
        try:
            round = rounds.find(token, owner)
        except LabError as error:  # forgotten: there is a new name at once
            return {**await begin(owner, corpus, stored, mode), ui.message: problem(str(error))}
        try:
            return await move(owner, corpus, stored, chosen, asked, guesses, round, do, event)
        except LabError as error:
            return {**show_round(owner, stored, round), ui.message: problem(str(error))}

    async def move(
        owner: str,
        corpus: Any,
        stored: Any,
        chosen: str | None,
        asked: Any,
        guesses: dict[str, Any],
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
        # A gap was seen: written down letter by letter, so that the rail knows, whether the name is finished or not.
        updates = ctx.keep(owner, stored, entry_of(round))
        if round.over:
            updates |= await sum_up(owner, corpus, stored, round, asked, guesses)
        if round.mode == "bets":
            updates |= await score(owner, corpus, stored, chosen, round)
        return {**updates, **show_round(owner, stored, round, just=True)}

    def leave(owner: str, stored: Any, round: Round) -> Updates:
        """A name that is left before its end is written down as far as it went."""
        rounds.close(round)
        return ctx.keep(owner, stored, entry_of(round)) if round.played and not round.over else {}

    async def score(owner: str, corpus: Any, stored: Any, chosen: str | None, round: Round) -> Updates:
        """The student's loss into the work, onto the ruler and onto the bench."""
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
        return {**kept, **{part: fresh[part] for part in (ctx.ruler, ctx.bench)}}

    async def sum_up(
        owner: str, corpus: Any, stored: Any, round: Round, asked: Any, guesses: dict[str, Any]
    ) -> Updates:
        """At the end of a name: the next question that was not asked yet, and the chart once one was answered."""
        at, index = asked["at"], asked["index"]
        if at == "ask":
            return {ui.before: gr.update(visible=True)}
        updates: Updates = {ui.places: await places_value(owner, corpus, stored, round.corpus, guesses)}
        if index + 1 < len(ui.predict.questions):
            updates |= {ui.before: gr.update(visible=True), **ui.predict.asked(index + 1)}
        return updates

    # --- the question between two names ---------------------------------------------------------------

    async def places_value(owner: str, corpus: Any, stored: Any, sha256: str, guesses: dict[str, Any]) -> Any:
        """The chart; the model that is still to be asked about stands on it after its question alone."""
        found = await ctx.ask_corpus(corpus, owner, "places")
        names = names_of(ctx.work_of(owner, stored), sha256, "bets", rounds.of(owner, sha256))
        told = "bigram-bits" in guesses
        figure = where_it_is_hard(paces_of(found, told), by_place(names), found["names"], said_of(guesses))
        return gr.update(visible=True, value=packed(drawn(figure, places_sum(found, names, told), CODE["bets"])))

    async def reveal(
        question: Question, answer: Any, owner: str, corpus: Any, stored: Any, guesses: dict[str, Any]
    ) -> tuple[Told, Updates]:
        """Where the models pay most, or how much the bigram pays, on held-out names; and what the student paid."""
        about = await ctx.ask_corpus(corpus, owner, "game")
        found = await ctx.ask_corpus(corpus, owner, "places")
        names = names_of(ctx.work_of(owner, stored), about["sha256"], "bets", rounds.of(owner, about["sha256"]))
        tell = tell_place if question.name == "hardest-place" else tell_bits
        told = tell(answer, found, names)
        guesses = {**guesses, question.name: answer}
        chart = await places_value(owner, corpus, stored, about["sha256"], guesses)
        return told, {ui.places: chart, ui.guesses: guesses}

    here = [ctx.owner, ctx.corpus, ctx.work]
    outputs = [*ui.shown, ctx.work, ctx.ruler, ctx.bench, *ui.predict.outputs]
    light(
        ui.game.play, guarded(ui.message, play), [*here, ui.mode, ctx.chosen, ui.predict.state, ui.guesses], outputs
    )
    light(ui.mode.change, guarded(ui.message, begin), [*here, ui.mode], outputs)
    ui.predict.wire(ctx, ui.message, reveal, [ctx.work, ui.guesses], [ui.places, ui.guesses], resume=False)
    ctx.show("guess", guarded(ui.message, show), [*here, ui.mode], outputs)


async def warm(ctx: Context) -> None:
    """What the level asks first."""
    await ctx.ask_corpus(NAMES, "warm-up", "game")
    await ctx.ask_corpus(NAMES, "warm-up", "hidden", indices=[0])
    await ctx.ask_corpus(NAMES, "warm-up", "places")


# --- who plays ---------------------------------------------------------------------------------------------


def models_of(best: dict[str, Any] | None) -> list[str]:
    """Whose bars are shown: the count models, and the best model there is."""
    counted = [t(f"guess.model.{name}") for name in ("unigram", "bigram", "fourgram")]
    return [*counted, *([name_of(best)] if best else [])]


def best_of_the_lab(ctx: Context) -> dict[str, Any] | None:
    """The best model that every visitor has on the names that every visitor begins with."""
    cards = [card for card in ctx.cards("") if card["corpus"]["name"] == NAMES["source"]]
    return best_card(cards, cards[0]["corpus"]["sha256"]) if cards else None


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
