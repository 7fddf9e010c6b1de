"""Rolling names from a count model: one letter, a whole name, or the same row a hundred times."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import numpy as np

from lmlab.errors import LabError
from lmlab.strings import t
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.counting import Asked, context_name, next_name, prefix_of
from lmlab.ui.depths import depths_trees
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.pairs import die_value, die_widget

OFTEN = 100  # rolls of one row
MOST_SEED = 2**53
NOTHING_ROLLED: dict[str, Any] = {"trace": [], "at": 0}


@dataclass
class Roll:
    """The components of the panel."""

    die: gr.HTML
    depths: gr.HTML
    """The line, or the many rolls, as a table; the sum of the last roll; the code."""
    seed: gr.Number
    dice: gr.Button
    rolled: gr.State
    """The name under way: every roll of it (`trace`), how many are shown (`at`), what it was rolled with, and the
    letters `before` that the last roll has written."""

    @property
    def outputs(self) -> list[Any]:
        """What the panel's own events change of it."""
        return [self.die, self.depths, self.seed, self.rolled]


def build_roll(level: str) -> Roll:
    """Make the panel where it is called; the ids begin with the level's name."""
    die = die_widget(elem_id=f"{level}-die")
    depths = words(elem_classes="fig", elem_id=f"{level}-die-depths")
    with gr.Row(elem_classes="act dice-row"):
        seed = gr.Number(
            1, label=t("count.dice"), info=t("count.dice_info"), precision=0, minimum=0, maximum=MOST_SEED - 1,
            min_width=140, elem_id=f"{level}-seed",
        )  # fmt: skip
        dice = gr.Button(t("count.new_dice"), elem_id=f"{level}-dice")
    return Roll(die, depths, seed, dice, gr.State(NOTHING_ROLLED))


def wire_roll(
    ctx: Context,
    ui: Roll,
    message: gr.HTML,
    inputs: Sequence[Any],
    view: Callable[..., Awaitable[Updates]],
    outputs: Sequence[Any],
) -> Callable[..., Awaitable[Updates]]:
    """Connect the events. `inputs` are the visitor, the fields of `Asked`, the locked cell, and two more for `view`;
    `view` shows a cell of the table, and `outputs` is what it changes, the letters before last.

    Returns `still(owner, asked, locked)`, which shows a row that was not rolled yet.
    """
    before_box = outputs[-1]

    async def still(owner: str, asked: Asked, locked: dict[str, int]) -> Updates:
        """The locked row, with no number on it."""
        found = await ctx.ask_corpus(asked.corpus, owner, "count", **asked.page)
        p = np.asarray(found["probabilities"])[locked["row"]]
        after = context_name(found, asked.order, locked["row"])
        return {
            ui.die: die_value(found["symbols"], p, after, t("count.rolled.wait")),
            ui.depths: die_trees(found["symbols"], p.tolist()),
            ui.rolled: NOTHING_ROLLED,
        }

    async def one(*values: Any) -> Updates:
        return await go_on(False, *values)

    async def whole(*values: Any) -> Updates:
        return await go_on(True, *values)

    async def go_on(all_of_them: bool, owner: str, *values: Any) -> Updates:
        """The next roll of the name under way, or all that are left; a new name where none is under way.

        The cell that was hit is locked, so that table, names and sum go with the name.
        """
        asked, (locked, shown, watched, seed, rolled) = Asked(*values[:5]), values[5:]
        seed = seed_of(seed)
        made_by = [asked.corpus["source"], *asked.how.values(), seed]
        if rolled["trace"] and rolled["at"] >= len(rolled["trace"]) and rolled["made_by"] == made_by:
            seed = made_by[-1] = (seed + 1) % MOST_SEED  # another name, from its start, needs other dice
            locked, asked = {"row": 0}, replace(asked, before="")
        if not rolled["trace"] or rolled["made_by"] != made_by:
            rolled = {**await name_of(owner, asked, locked["row"], seed), "made_by": made_by}
        rolled = {**rolled, "at": len(rolled["trace"]) if all_of_them else rolled["at"] + 1}
        tokens = [choice["token"] for choice in rolled["trace"][: rolled["at"]]]
        past = rolled["prefix"] + "".join(rolled["letters"][token] for token in tokens[:-1])
        row = rolled["letters"].index(past[-1]) if past and asked.order > 1 else 0
        if asked.order > 2:
            asked = replace(asked, before=past[:-1][-(asked.order - 2) :])
        rolled["before"] = asked.before
        updates = await view(owner, asked, {"row": row, "column": tokens[-1]}, shown, watched)
        found = await ctx.ask_corpus(asked.corpus, owner, "count", **asked.page)
        choice = rolled["trace"][rolled["at"] - 1]
        return {
            **updates,
            before_box: gr.update(value=asked.before),
            ui.die: rolled_value(rolled, context_name(found, asked.order, row), asked.order),
            ui.depths: die_trees(rolled["symbols"], choice["p_final"], choice["u"], choice["token"]),
            ui.rolled: rolled,
            ui.seed: seed,
        }

    async def name_of(owner: str, asked: Asked, row: int, seed: int) -> dict[str, Any]:
        """A name that begins with the context of a row, with every roll of it."""
        found = await ctx.ask_corpus(asked.corpus, owner, "count", **asked.page)
        prefix = prefix_of(found, asked.order, row)
        made = await ctx.ask_corpus(asked.corpus, owner, "roll", prefix=prefix, seed=seed, **asked.how)
        sample = made["samples"][0]
        about = {name: found[name] for name in ("letters", "symbols")}
        return {**about, "trace": sample["trace"], "novelty": sample["novelty"], "at": 0, "prefix": prefix}

    async def often(owner: str, *values: Any) -> Updates:
        """The locked row, a hundred times."""
        asked, (locked, _, _, seed, _) = Asked(*values[:5]), values[5:]
        found = await ctx.ask_corpus(asked.corpus, owner, "count", **asked.page)
        prefix = prefix_of(found, asked.order, locked["row"])
        made = await ctx.ask_corpus(
            asked.corpus, owner, "roll_often", prefix=prefix, n=OFTEN, seed=seed_of(seed), **asked.how
        )
        after = context_name(found, asked.order, locked["row"])
        said = often_said(found["symbols"], made)
        value = die_value(found["symbols"], made["p"], after, said, often=made["tokens"])
        trees = die_trees(found["symbols"], made["p"], often=made["tokens"])
        return {ui.die: value, ui.depths: trees, ui.rolled: NOTHING_ROLLED}

    async def other_dice(owner: str, *values: Any) -> Updates:
        shown = await still(owner, Asked(*values[:5]), values[5])
        return {**shown, ui.seed: secrets.randbelow(1_000_000)}

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


def die_trees(
    symbols: Sequence[str],
    p: Sequence[float],
    u: float | None = None,
    token: int | None = None,
    often: Sequence[int] | None = None,
) -> list[Any]:
    """What the line of the die shows as a table, the sum of a roll, and the code.

    (V,) probabilities of the row, laid end to end in the order of the letters; `u` fell on `token`; `often` are the
    tokens of many rolls, which stand beside what the row promises.
    """
    ends = np.cumsum(p)
    columns = ["next", "share", "from", "to", *(["times", "expected"] if often is not None else [])]
    came = np.bincount(often, minlength=len(symbols)) if often is not None else None
    rows = []
    for i, share in enumerate(p):
        cells = [next_name(symbols, i), f"{100 * share:.2f}", f"{ends[i] - share:.4f}", f"{ends[i]:.4f}"]
        if came is not None and often is not None:
            cells += [str(came[i]), f"{len(often) * share:.1f}"]
        rows.append(h("tr", *(h("td", cell) for cell in cells)))
    head = h("thead", h("tr", *(h("th", t(f"count.die.column_{name}")) for name in columns)))
    table = h("div", h("table", head, h("tbody", *rows), cls="table"), cls="scroll")
    trees = depths_trees(die_sums(symbols, p, u, token, often), ("generation/sampling.py", "choose"))[0]
    assert isinstance(trees, list)
    return [h("div", h("details", h("summary", t("widget.figure.table")), table), *trees[2:], cls="depths")]


def die_sums(
    symbols: Sequence[str],
    p: Sequence[float],
    u: float | None = None,
    token: int | None = None,
    often: Sequence[int] | None = None,
) -> list[str]:
    """Which letter a number picks, with the numbers of the last roll; of many rolls, what chance does to one.

    >>> die_sums([".", "a", "b"], [0.2, 0.5, 0.3], 0.61, 1)
    ['before a: 0.2000, with a: 0.2000 + 0.5000 = 0.7000', '0.2000 ≤ 0.610 < 0.7000: the number falls on a']
    """
    if often is not None:
        top = int(np.argmax(p))
        n, share, times = len(often), p[top], list(often).count(int(np.argmax(p)))
        said = {"letter": next_name(symbols, top), "n": n, "share": share, "expected": n * share, "times": times}
        return [t("count.die.sum_expected", **said), t("count.die.sum_spread", **said, spread=spread_of(n, share))]
    if u is None or token is None:
        return [t("count.die.sum_wait")]
    before, letter = float(sum(p[:token])), next_name(symbols, token)
    numbers = {"letter": letter, "before": before, "share": p[token], "after": before + p[token], "u": u}
    return [t("count.die.sum_ends", **numbers), t("count.die.sum_falls", **numbers)]


def spread_of(n: int, share: float) -> float:
    """The standard deviation of how often something comes in n rolls.

    >>> spread_of(100, 0.5)
    5.0
    """
    return float(np.sqrt(n * share * (1 - share)))


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
