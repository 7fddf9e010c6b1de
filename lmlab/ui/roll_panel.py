"""Rolling names from a count model: one letter, a whole name, or the same row a hundred times."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from lmlab.errors import LabError
from lmlab.strings import t
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.counting import context_name, model_args, next_name, prefix_of
from lmlab.ui.widgets.pairs import die_value, die_widget

OFTEN = 100  # rolls of one row
MOST_SEED = 2**53
NOTHING_ROLLED: dict[str, Any] = {"trace": [], "at": 0}


@dataclass
class Roll:
    """The components of the panel."""

    die: gr.HTML
    seed: gr.Number
    dice: gr.Button
    rolled: gr.State
    """The name under way: every roll of it (`trace`), how many are shown (`at`), and what it was rolled with."""

    @property
    def outputs(self) -> list[Any]:
        """What the panel's own events change of it."""
        return [self.die, self.seed, self.rolled]


def build_roll(level: str) -> Roll:
    """Make the panel where it is called; the ids begin with the level's name."""
    die = die_widget(elem_id=f"{level}-die")
    with gr.Row(elem_classes="act dice-row"):
        seed = gr.Number(
            1, label=t("count.dice"), info=t("count.dice_info"), precision=0, minimum=0, maximum=MOST_SEED - 1,
            min_width=140, elem_id=f"{level}-seed",
        )  # fmt: skip
        dice = gr.Button(t("count.new_dice"), elem_id=f"{level}-dice")
    return Roll(die, seed, dice, gr.State(NOTHING_ROLLED))


def wire_roll(
    ctx: Context,
    ui: Roll,
    message: gr.HTML,
    inputs: Sequence[Any],
    view: Callable[..., Awaitable[Updates]],
    outputs: Sequence[Any],
) -> Callable[..., Awaitable[Updates]]:
    """Connect the events. `inputs` are those of `view` (owner, corpus, four of the model, locked cell, two more);
    `view` shows a cell of the table, and `outputs` is what it changes, the letters before last.

    Returns the function that shows a row which was not rolled yet.
    """
    before_box = outputs[-1]

    async def table_of(owner: str, corpus: Any, how: dict[str, Any], before: str) -> dict[str, Any]:
        found: dict[str, Any] = await ctx.ask_corpus(
            corpus, owner, "count", before=before if how["order"] > 2 else "", **how
        )
        return found

    async def still(
        owner: str, corpus: Any, order: int, smoothing: str, power: float, before: str, locked: Any, seed: Any
    ) -> Updates:
        """The locked row, with no number on it."""
        found = await table_of(owner, corpus, model_args(order, smoothing, power), before)
        p = np.asarray(found["probabilities"])[locked["row"]]
        after = context_name(found, int(order), locked["row"])
        value = die_value(found["symbols"], p, after, t("count.rolled.wait"))
        return {ui.die: value, ui.rolled: NOTHING_ROLLED}

    async def one(*values: Any) -> Updates:
        return await go_on(False, *values)

    async def whole(*values: Any) -> Updates:
        return await go_on(True, *values)

    async def go_on(
        all_of_them: bool, owner: str, corpus: Any, order: int, smoothing: str, power: float, before: str,
        locked: Any, shown: str, watched: Any, seed: Any, rolled: dict[str, Any],
    ) -> Updates:  # fmt: skip
        """The next roll of the name under way, or all that are left; a new name where none is under way.

        The cell that was hit is locked, so that table, names and sum go with the name.
        """
        how, seed = model_args(order, smoothing, power), seed_of(seed)
        made_by = [corpus["source"], *how.values(), seed]
        ended = bool(rolled["trace"]) and rolled["at"] >= len(rolled["trace"])
        if ended and rolled["made_by"] == made_by:  # another name needs other dice
            seed, locked, before = (seed + 1) % MOST_SEED, {"row": 0}, ""
            made_by[-1] = seed
        if not rolled["trace"] or rolled["made_by"] != made_by:
            found = await table_of(owner, corpus, how, before)
            prefix = prefix_of(found, how["order"], locked["row"])
            made = await ctx.ask_corpus(corpus, owner, "roll", prefix=prefix, seed=seed, **how)
            sample = made["samples"][0]
            rolled = {
                "trace": sample["trace"], "at": 0, "prefix": prefix, "made_by": made_by, "letters": found["letters"],
                "symbols": found["symbols"], "novelty": sample["novelty"],
            }  # fmt: skip
        shown_rolls = len(rolled["trace"]) if all_of_them else rolled["at"] + 1
        rolled = {**rolled, "at": shown_rolls}
        tokens = [choice["token"] for choice in rolled["trace"][:shown_rolls]]
        past = rolled["prefix"] + "".join(rolled["letters"][token] for token in tokens[:-1])
        row = rolled["letters"].index(past[-1]) if past and how["order"] > 1 else 0
        before = past[:-1][-(how["order"] - 2) :] if how["order"] > 2 else before
        cell = {"row": row, "column": tokens[-1]}
        updates = await view(owner, corpus, order, smoothing, power, before, cell, shown, watched)
        found = await table_of(owner, corpus, how, before)
        return {
            **updates,
            before_box: gr.update(value=before),
            ui.die: rolled_value(rolled, context_name(found, how["order"], row), how["order"]),
            ui.rolled: rolled,
            ui.seed: seed,
        }

    async def often(
        owner: str, corpus: Any, order: int, smoothing: str, power: float, before: str, locked: Any, shown: str,
        watched: Any, seed: Any, rolled: dict[str, Any],
    ) -> Updates:  # fmt: skip
        """The locked row, a hundred times."""
        how, seed = model_args(order, smoothing, power), seed_of(seed)
        found = await table_of(owner, corpus, how, before)
        prefix = prefix_of(found, how["order"], locked["row"])
        made = await ctx.ask_corpus(corpus, owner, "roll_often", prefix=prefix, n=OFTEN, seed=seed, **how)
        symbols = found["symbols"]
        after = context_name(found, how["order"], locked["row"])
        value = die_value(symbols, made["p"], after, often_said(symbols, made), often=made["tokens"])
        return {ui.die: value, ui.rolled: NOTHING_ROLLED}

    async def other_dice(
        owner: str, corpus: Any, order: int, smoothing: str, power: float, before: str, locked: Any, *rest: Any
    ) -> Updates:
        seed = secrets.randbelow(1_000_000)
        return {**await still(owner, corpus, order, smoothing, power, before, locked, seed), ui.seed: seed}

    events = {ui.die.roll: one, ui.die.whole: whole, ui.die.often: often, ui.dice.click: other_dice}
    for event, function in events.items():
        light(
            event, guarded(message, function), [*inputs, ui.seed, ui.rolled], [*outputs, *ui.outputs, message]
        )  # fmt: skip
    return still


def seed_of(seed: Any) -> int:
    """The seed as the page sent it. Raises `LabError` for what is none.

    >>> seed_of(3.0)
    3
    """
    if not isinstance(seed, int | float) or seed != seed // 1 or not 0 <= seed < MOST_SEED:
        raise LabError(t("count.no_seed"))
    return int(seed)


def rolled_value(rolled: dict[str, Any], after: str, order: int) -> dict[str, Any]:
    """The die after the last roll that is shown."""
    symbols, choice = rolled["symbols"], rolled["trace"][rolled["at"] - 1]
    tokens = [choice["token"] for choice in rolled["trace"][: rolled["at"]]]
    drawn = dict(zip(rolled["letters"], symbols, strict=True))
    word = [*(drawn[letter] for letter in rolled["prefix"]), *(symbols[token] for token in tokens if token)]
    share = 100 * choice["p_final"][choice["token"]]
    said = t(
        "count.rolled.on" if choice["token"] else "count.rolled.end",
        u=choice["u"], letter=next_name(symbols, choice["token"]), share=share,
    )  # fmt: skip
    verdict = None
    if rolled["at"] == len(rolled["trace"]):
        marks = ("new", "training", "held out", "test", "cut off")
        mark = rolled["novelty"] if rolled["novelty"] in marks else "new"
        verdict = t(f"count.rolled.{mark.replace(' ', '_')}")
    return die_value(
        symbols, choice["p_final"], after, said, choice["u"], choice["token"], word,
        kept=bool(rolled["prefix"]) and order > 1, verdict=verdict,
    )  # fmt: skip


def often_said(symbols: Sequence[str], made: dict[str, Any]) -> str:
    """What many rolls of a row came to: the likeliest letter, and the one that is furthest off."""
    rolls = len(made["tokens"])
    came = np.bincount(made["tokens"], minlength=len(symbols))
    expected = np.asarray(made["p"])
    top, far = int(np.argmax(expected)), int(np.argmax(np.abs(came / rolls - expected)))
    return t(
        "count.rolled.often", n=rolls, letter=next_name(symbols, top), times=int(came[top]),
        share=100 * expected[top], far=next_name(symbols, far), far_times=int(came[far]),
        far_share=100 * expected[far],
    )  # fmt: skip
