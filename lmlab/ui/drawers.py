"""What stands behind the words of the title bar: a link to hand out, the student's work, and being forgotten."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from lmlab.errors import sentence_of
from lmlab.runs.cards import PINNED_DAYS, owner_key, short_name
from lmlab.runs.forget import forget_owner
from lmlab.strings import t, tn
from lmlab.ui.bench import kind_of, next_seq, shown_loss
from lmlab.ui.context import Context, Updates, light, pack
from lmlab.ui.levels import LEVELS
from lmlab.ui.links import SETTABLE, has_value, name_of, offer, value_of
from lmlab.ui.work import Answer, Entry, Work, card_of, cards_elsewhere, load_work, work_file

PATIENCE = 5.0  # seconds that forgetting waits for trainings to end
Value = dict[str, Any]


# --- the student's work --------------------------------------------------------------------------------------


def known_of(owner: str, work: Work) -> Value:
    """Whose page it is and what it knows of the work: tabs of one browser compare it. Neither can be turned back."""
    digest = hashlib.sha256(work.model_dump_json().encode("utf-8")).hexdigest()[:16]
    return {"key": owner_key(owner)[:16] if owner else "", "digest": digest, "done": work.done()}


def work_value(work: Work, cards: Sequence[dict[str, Any]], days: float, told: str = "") -> Value:
    """What the drawer shows of the work: where it lies, and all that was predicted and explained, newest first."""
    by_level: dict[str, list[Value]] = {}
    for entry in reversed(work.entries):
        by_level.setdefault(entry.level, []).append(entry_value(entry))
    ordered = sorted(by_level, key=lambda level: list(LEVELS).index(level) if level in LEVELS else len(LEVELS))
    own = [card.model_dump() for card in map(card_of, cards) if card is not None]
    return {
        "seq": next_seq(),
        "kind": "work",
        "where": t("frame.work.where", days=f"{days:g}", pinned=f"{PINNED_DAYS:g}"),
        "told": told,
        "levels": [[name_of(level) if level in LEVELS else level, by_level[level]] for level in ordered],
        "scores": [
            t("frame.work.score", loss=score.loss, spread=score.spread, letters=score.letters)
            if score.spread is not None
            else t("frame.work.score_alone", loss=score.loss, letters=score.letters)
            for score in work.scores.values()
        ],
        "models": [
            *(model_line("frame.work.model_line", card) for card in own),
            *(model_line("frame.work.model_elsewhere", card.model_dump()) for card in cards_elsewhere(work, cards)),
        ],
    }


def entry_value(entry: Entry) -> Value:
    """One answer in words."""
    return {
        "asked": entry.asked or entry.question,
        "guess": answer_text(entry.guess),
        "truth": entry.said or answer_text(entry.truth),
        "why": entry.why,
        "at": entry.at,
    }


def answer_text(answer: Answer) -> str | None:
    """An answer as a person reads it; None for none.

    >>> answer_text(20.0), answer_text(["e", "a"]), answer_text([0.5, 0.25])
    ('20', 'e, a', 'a drawing of 2 values')
    """
    if isinstance(answer, list):
        words = [part for part in answer if isinstance(part, str)]
        return ", ".join(words) if len(words) == len(answer) else t("frame.work.drawn", n=len(answer))
    return f"{answer:g}" if isinstance(answer, float) else answer


def model_line(name: str, card: dict[str, Any]) -> str:
    """A model in one line. A stranger's card may lack what its kind should have; then the kind is named as it is."""
    try:
        kind = kind_of(card)
    except (KeyError, TypeError, ValueError):
        kind = card["model"]["kind"]
    return t(name, name=card.get("name") or short_name(card["id"]), kind=kind, loss=shown_loss(card))


async def forget_visitor(ctx: Context, owner: str) -> None:
    """End the visitor's trainings, then remove everything of theirs from the disk and from memory."""
    for job in ctx.jobs.jobs_of(owner):
        ctx.jobs.command(job, owner, "discard")
    waited = 0.0
    while ctx.jobs.jobs_of(owner) and waited < PATIENCE:  # one that is being saved would write itself anew
        await asyncio.sleep(0.05)
        waited += 0.05
    await asyncio.to_thread(forget_owner, owner)
    ctx.forget(owner)


# --- the events ----------------------------------------------------------------------------------------------


def wire_drawers(ctx: Context, bar: gr.HTML, page: gr.HTML) -> None:
    """Connect the words of the title bar. `page` is the frame widget, `bar` the one that holds the drawers."""
    days = ctx.jobs.limits.days

    def shown(work: Work, owner: str, told: str = "") -> Updates:
        return {bar: work_value(work, ctx.cards(owner) if owner else [], days, told)}

    async def show_work(owner: str, stored: Any) -> Updates:
        return pack(shown(ctx.work_of(owner, stored), owner))

    async def save(owner: str, stored: Any) -> Updates:
        """The file is made here and goes straight to the student: none of it stays on the server."""
        work = ctx.work_of(owner, stored)
        name = f"lmlab-work-{datetime.now(UTC):%Y-%m-%d}.json"
        return pack(
            {bar: {"seq": next_seq(), "kind": "file", "name": name, "text": work_file(work, ctx.cards(owner))}}
        )

    async def load(
        owner: str, stored: Any, corpus: dict[str, Any], chosen: str | None, event: gr.EventData
    ) -> Updates:
        text = getattr(event, "text", None)
        work = ctx.work_of(owner, stored)
        try:
            loaded = load_work(text if isinstance(text, str) else "")
        except Exception as error:
            return pack(shown(work, owner, sentence_of(error)))
        told = tn("frame.work.loaded", len(loaded.work.entries))
        if loaded.left_out:
            told += " " + tn("frame.work.left_out", loaded.left_out)
        elsewhere = loaded.work.model_copy(update={"cards": cards_elsewhere(loaded.work, ctx.cards(owner))})
        joined = elsewhere.joined(work)
        ctx.work_of(owner, joined.to_json())
        fresh = await ctx.refresh(owner, corpus, chosen)  # the file may hold a loss of the student's own
        frame = {part: fresh[part] for part in (ctx.bench, ctx.ruler)}
        return pack({ctx.work: joined.to_json(), **shown(joined, owner, told), **frame})

    async def forget(owner: str) -> Updates:
        if owner:
            await forget_visitor(ctx, owner)
        return pack({bar: {"seq": next_seq(), "kind": "forgotten"}})

    async def work_changed(owner: str, stored: Any) -> Updates:
        return pack({page: {"seq": next_seq(), **known_of(owner, ctx.work_of(owner, stored))}})

    async def sync(owner: str, stored: Any) -> Updates:
        """Another tab has changed the work: take over what the server has heard from it."""
        work = ctx.work_of(owner, stored).to_json()
        return {} if work == stored else {ctx.work: work}

    # what a link can set; a file or a drawing would only be sent in vain
    names = [
        (level, name)
        for level, controls in ctx.controls.items()
        for name, control in controls.items()
        if isinstance(control, SETTABLE)
    ]

    async def show_link(level: str, corpus: dict[str, Any], *values: Any) -> Updates:
        controls = ctx.controls.get(level, {})
        now = {name: value for (where, name), value in zip(names, values, strict=True) if where == level}
        more = [ctx.openers[level].implied] if level in ctx.openers else []
        return pack(
            {
                bar: {
                    "seq": next_seq(),
                    "kind": "link",
                    **offer(level, controls, now, presets_of(level), corpus["source"], *more),
                }
            }
        )

    def presets_of(level: str) -> dict[str, dict[str, Any]]:
        """What each preset of a level sets its controls to, by their names in a link."""
        if level not in ctx.presets:
            return {}
        known, change, _ = ctx.presets[level]
        by_control = {id(control): name for name, control in ctx.controls.get(level, {}).items()}
        found = {}
        for preset in known:
            updates = {by_control.get(id(control)): update for control, update in change(preset).items()}
            found[preset] = {name: value_of(update) for name, update in updates.items() if name and has_value(update)}
        return found

    mine = [ctx.owner, ctx.work]
    light(bar.show_work, show_work, mine, [bar])
    light(bar.save_work, save, mine, [bar])
    light(bar.load_work, load, [*mine, ctx.corpus, ctx.chosen], [ctx.work, bar, ctx.bench, ctx.ruler])
    light(bar.forget_me, forget, [ctx.owner], [bar])
    light(ctx.work.change, work_changed, mine, [page])
    light(page.sync, sync, mine, [ctx.work])
    controls = [ctx.controls[level][name] for level, name in names]
    light(bar.show_link, show_link, [ctx.level, ctx.corpus, *controls], [bar])
