"""The frame around the levels: title bar, level rail, model bench, loss ruler, and what a visit begins with."""

import contextlib
import re
import secrets
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lmlab import strings
from lmlab.errors import LabError, sentence_of
from lmlab.jobs.local import LocalJobs
from lmlab.strings import t
from lmlab.ui.bench import next_seq
from lmlab.ui.bench_actions import build_bench, wire_bench
from lmlab.ui.context import NAMES, Context, Updates, light, live, pack, problem, spoken
from lmlab.ui.drawers import known_of, wire_drawers
from lmlab.ui.levels import LEVELS
from lmlab.ui.links import Link, applied, read_link
from lmlab.ui.visitors import Visitors
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.frame import bar_widget, frame_widget
from lmlab.ui.widgets.ruler import ruler_widget
from lmlab.ui.work import Work

DAY = 86_400
OWNER = re.compile(r"[0-9a-f]{32}")
MAX_THREADS = 128  # more than live streams are expected: it is the number of events that may run at once, too


def build_app(
    jobs: LocalJobs, language: str = "en", visitors: Visitors | None = None, own_machine: bool = False
) -> gr.Blocks:
    """All levels in their frame, in one language. Each language is an app of its own on the same job service, for the
    same `visitors`. On the student's `own_machine` the labs may check a file of theirs."""
    ctx = Context(jobs, visitors or Visitors(), own_machine)
    # Uploads and downloads of the page are removed a day after they were made.
    with (
        strings.speaking(language),
        gr.Blocks(title="lmlab", analytics_enabled=False, fill_width=True, delete_cache=(DAY, DAY)) as app,
    ):
        # The visitor's id is random and stays in the browser: whoever has it reaches the visitor's models.
        browser = gr.BrowserState({"owner": ""}, storage_key="lmlab", secret="lmlab")
        ctx.work = gr.BrowserState(Work().to_json(), storage_key="lmlab-work", secret="lmlab")
        ctx.owner, ctx.corpus = gr.State(""), gr.State(NAMES)
        ctx.chosen, ctx.job = gr.State(None), gr.State(None)
        ctx.parent, ctx.moment = gr.State(None), gr.State(None)
        ctx.level, ctx.page = gr.State(next(iter(LEVELS))), gr.State(lambda: secrets.token_hex(8))
        page = frame_widget([(name, t(f"frame.rail.{name}")) for name in LEVELS], elem_id="frame")
        with gr.Row(elem_classes="bar"):
            words(h("b", "lmlab", cls="mark"), elem_classes="brand")
            ctx.title = words(elem_classes="corpus-line", elem_id="corpus")
            bar = bar_widget(elem_id="bar", elem_classes="bar-end")
        notes = words(elem_classes=["message", "notes"], elem_id="notes")
        with gr.Row(elem_classes="cols"):
            with (
                gr.Column(elem_classes="levels", min_width=280),
                gr.Tabs(elem_classes="rail", elem_id="rail", overflow_behavior="wrap") as tabs,
            ):
                stops, handles = {}, {}
                for name, level in LEVELS.items():
                    with gr.Tab(t(f"frame.rail.{name}"), id=name, elem_id=f"tab-{name}") as stops[name]:
                        handles[name] = level.build(ctx)
            with gr.Column(elem_classes="bench-column", min_width=224):
                files = build_bench(ctx)
        ctx.ruler = ruler_widget(elem_id="ruler")
        # after all levels are built: the menus of models stand on several of them
        for name, level in LEVELS.items():
            level.wire(ctx, handles[name])
        wire_bench(ctx, tabs, *files)
        _wire_frame(ctx, app, browser, Frame(page, notes, tabs, stops))
        wire_drawers(ctx, bar, page)
    app.context = ctx
    app.max_threads = app._queue.max_thread_count = MAX_THREADS
    app.state_session_capacity = 300
    app.queue(default_concurrency_limit=16, max_size=64, api_open=False)
    return app


@dataclass(frozen=True)
class Frame:
    """What stands around the levels."""

    page: gr.HTML
    notes: gr.HTML
    """What does not fit in the link that brought the visitor here."""
    tabs: gr.Tabs
    stops: dict[str, gr.Tab]


def _wire_frame(ctx: Context, app: gr.Blocks, browser: gr.BrowserState, ui: Frame) -> None:
    frame = ctx.frame
    preset_names = {level: names for level, (names, _, _) in ctx.presets.items()}
    linked = {control for controls in ctx.controls.values() for control in controls.values()}
    linked |= {component for _, _, outputs in ctx.presets.values() for component in outputs}
    linked |= {component for opener in ctx.openers.values() for component in opener.outputs}
    arrived_at = [
        browser, ctx.owner, ctx.work, ctx.corpus, ctx.job, ctx.level, ui.tabs, ui.notes, ui.page,
    ]  # fmt: skip

    async def arrive(stored: Any, work: Any, request: gr.Request) -> Updates:
        """Know the visitor again, or give a new id; find the training under way; open what the link asks for."""
        updates: Updates = {}
        owner = stored.get("owner", "") if isinstance(stored, dict) else ""
        if not (isinstance(owner, str) and OWNER.fullmatch(owner)):
            owner = secrets.token_hex(16)
            updates[browser] = {"owner": owner}
        running = ctx.jobs.jobs_of(owner)
        link = read_link(request.query_params.multi_items(), list(LEVELS), ctx.controls, preset_names)
        if link.corpus is not None:
            updates |= await corpus_of(link, owner)
        try:
            opened = await opened_by(link, owner, updates.get(ctx.corpus, NAMES))
        except Exception as error:
            opened = {}
            link.notes.append(sentence_of(error))
        joined = ctx.work_of(owner, work)
        return pack(
            {
                **updates,
                **opened,
                ctx.owner: owner,
                ctx.work: joined.to_json(),
                ctx.job: running[-1] if running else None,
                ctx.level: link.level,
                ui.tabs: gr.update(selected=link.level),
                ui.notes: [h("p", note, role="alert") for note in link.notes],
                ui.page: {"seq": next_seq(), "ready": True, "hide": link.hide, "lock": link.lock}
                | known_of(owner, joined),
            }
        )

    async def opened_by(link: Link, owner: str, corpus: dict[str, Any]) -> Updates:
        """What a link changes on its level."""
        opener = ctx.openers.get(link.about)
        if opener is not None:
            return await opener.open(link, owner, corpus) if link.preset is not None or link.values else {}
        change = ctx.presets[link.about][1] if link.preset is not None else None
        return applied(link, ctx.controls.get(link.about, {}), change)

    async def corpus_of(link: Link, owner: str) -> Updates:
        """The corpus of a link, and the menu of corpora that shows it where a level has one."""
        about = await ctx.ask_corpus({"source": link.corpus, "name": link.corpus}, owner, "corpus")
        updates: Updates = {ctx.corpus: {"source": link.corpus, "name": link.corpus, "longest": about["longest"]}}
        for controls in ctx.controls.values():
            if link.corpus in [value for _, value in getattr(controls.get("corpus"), "choices", None) or []]:
                updates[controls["corpus"]] = link.corpus
        return updates

    async def refresh(owner: str, corpus: Any, chosen: str | None) -> Updates:
        try:
            return pack({**await ctx.refresh(owner, corpus, chosen), ctx.title: await ctx.corpus_line(owner, corpus)})
        except Exception as error:
            return pack({ui.notes: problem(sentence_of(error))})

    def went_to(level: str) -> Any:
        async def go() -> str:
            return level

        return go

    known = app.load(
        spoken(arrive), [browser, ctx.work],
        [*arrived_at, *(component for component in linked if component not in arrived_at)],
        show_progress="hidden", show_progress_on=[ui.notes], api_visibility="private",
    )  # fmt: skip
    arrived = light(known.then, refresh, [ctx.owner, ctx.corpus, ctx.chosen], [*frame, ctx.title, ui.notes])
    went = {name: light(stop.select, went_to(name), [], [ctx.level]) for name, stop in ui.stops.items()}
    for level, function, inputs, outputs in ctx.shown_levels():
        inputs = [ctx.owner, *inputs, ctx.level, ctx.corpus, ctx.page]
        for event in (arrived.then, ctx.corpus.change, went[level].then):
            light(event, function, inputs, outputs)
    light(ctx.corpus.change, refresh, [ctx.owner, ctx.corpus, ctx.chosen], [*frame, ctx.title, ui.notes])
    function, inputs, outputs = ctx.watch
    for event in (arrived.then, ctx.corpus.change):
        live(event, function, inputs, outputs)


async def warm(ctx: Context) -> None:
    """Ask once for what every visitor sees first, so that the first page is there at once."""
    with contextlib.suppress(LabError):  # a visitor will ask again
        for level in LEVELS.values():
            if hasattr(level, "warm"):
                await level.warm(ctx)
        await ctx.ask_corpus(NAMES, "warm-up", "baselines")
