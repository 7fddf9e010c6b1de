"""The frame around the levels: title bar, level rail, model bench, loss ruler, and what a visit begins with."""

import contextlib
import re
import secrets
from typing import Any

import gradio as gr

from lmlab import strings
from lmlab.errors import LabError
from lmlab.jobs.local import LocalJobs
from lmlab.strings import t
from lmlab.ui.bench_actions import build_bench, wire_bench
from lmlab.ui.context import NAMES, Context, Updates, light, live, pack, spoken
from lmlab.ui.levels import LEVELS
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.ruler import ruler_widget
from lmlab.ui.work import Work

DAY = 86_400
OWNER = re.compile(r"[0-9a-f]{32}")
TOGGLE_SCHEME = "() => { document.body.classList.toggle('dark'); }"
MAX_THREADS = 128  # more than live streams are expected: it is the number of events that may run at once, too


def build_app(jobs: LocalJobs, language: str = "en") -> gr.Blocks:
    """All levels in their frame, in one language. Each language is an app of its own on the same job service."""
    ctx = Context(jobs)
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
        with gr.Row(elem_classes="bar"):
            words(h("a", "lmlab", cls="mark"), elem_classes="brand")
            ctx.title = words(elem_classes="corpus-line", elem_id="corpus")
            scheme = gr.Button(t("frame.scheme"), elem_classes="link", elem_id="scheme", size="sm")
        with gr.Row(elem_classes="cols"):
            with (
                gr.Column(elem_classes="levels", min_width=280),
                gr.Tabs(elem_classes="rail", elem_id="rail") as tabs,
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
        scheme.click(None, js=TOGGLE_SCHEME)
        wire_bench(ctx, tabs, *files)
        _wire_frame(ctx, app, browser, tabs, stops)
    app.context = ctx
    app.max_threads = app._queue.max_thread_count = MAX_THREADS
    app.state_session_capacity = 300
    app.queue(default_concurrency_limit=16, max_size=64, api_open=False)
    return app


def _wire_frame(
    ctx: Context, app: gr.Blocks, browser: gr.BrowserState, tabs: gr.Tabs, stops: dict[str, gr.Tab]
) -> None:
    frame = ctx.frame

    async def arrive(stored: Any, work: Any, request: gr.Request) -> Updates:
        """Know the visitor again, or give a new id; find the training under way; open the level of the link."""
        owner = stored.get("owner", "") if isinstance(stored, dict) else ""
        if not (isinstance(owner, str) and OWNER.fullmatch(owner)):
            owner = secrets.token_hex(16)
        running = ctx.jobs.jobs_of(owner)
        wanted = request.query_params.get("level", "")
        level = wanted if wanted in LEVELS else next(iter(LEVELS))
        return {
            browser: {"owner": owner},
            ctx.owner: owner,
            ctx.work: ctx.work_of(owner, work).to_json(),
            ctx.job: running[-1] if running else None,
            ctx.level: level,
            tabs: gr.update(selected=level),
        }

    async def refresh(owner: str, corpus: Any, chosen: str | None) -> Updates:
        return pack({**await ctx.refresh(owner, corpus, chosen), ctx.title: await ctx.corpus_line(owner, corpus)})

    def went_to(level: str) -> Any:
        async def go() -> str:
            return level

        return go

    known = app.load(
        spoken(arrive), [browser, ctx.work], [browser, ctx.owner, ctx.work, ctx.job, ctx.level, tabs],
        show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    arrived = light(known.then, refresh, [ctx.owner, ctx.corpus, ctx.chosen], [*frame, ctx.title])
    went = {name: light(stop.select, went_to(name), [], [ctx.level]) for name, stop in stops.items()}
    for level, function, inputs, outputs in ctx.shown_levels():
        inputs = [*inputs, ctx.level, ctx.corpus, ctx.page]
        for event in (arrived.then, ctx.corpus.change, went[level].then):
            light(event, function, inputs, outputs)
    light(ctx.corpus.change, refresh, [ctx.owner, ctx.corpus, ctx.chosen], [*frame, ctx.title])
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
