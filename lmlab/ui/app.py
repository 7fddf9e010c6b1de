"""The app: the frame around the levels, and how it is started."""

import asyncio
import contextlib
import errno
import os
import re
import secrets
import socket
import threading
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lmlab.errors import LabError
from lmlab.jobs.local import LocalJobs
from lmlab.runs.cards import home
from lmlab.ui import theme
from lmlab.ui.context import NAMES, Context, Updates, light, pack
from lmlab.ui.levels import count, embeddings, generate, train
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import plotly_route
from lmlab.ui.widgets.ruler import ruler_widget

DAY = 86_400
OWNER = re.compile(r"[0-9a-f]{32}")
TOGGLE_SCHEME = "() => { document.body.classList.toggle('dark'); }"


def build_app(jobs: LocalJobs) -> gr.Blocks:
    """All levels in their frame. Each app has a job service of its own."""
    ctx = Context(jobs)
    threading.Thread(target=_warm, args=(ctx,), daemon=True).start()
    # Uploads and downloads of the page are removed a day after they were made.
    with gr.Blocks(title="lmlab", analytics_enabled=False, fill_width=True, delete_cache=(DAY, DAY)) as app:
        # The visitor's id is random and stays in the browser: whoever has it reaches the visitor's models.
        browser = gr.BrowserState({"owner": ""}, storage_key="lmlab", secret="lmlab")
        ctx.owner, ctx.corpus = gr.State(""), gr.State(NAMES)
        ctx.chosen, ctx.job = gr.State(None), gr.State(None)
        with gr.Row(elem_classes="bar"):
            words(h("a", "lmlab", cls="mark"), elem_classes="brand")
            ctx.title = words(elem_classes="corpus-line", elem_id="corpus")
            scheme = gr.Button("Light / dark", elem_classes="link", elem_id="scheme", size="sm")
        with gr.Row(elem_classes="cols"):
            with (
                gr.Column(elem_classes="levels", min_width=280),
                gr.Tabs(elem_classes="rail", elem_id="rail") as tabs,
            ):
                with gr.Tab("Count", id="count", elem_id="tab-count"):
                    count_ui = count.build(ctx)
                with gr.Tab("Train", id="train", elem_id="tab-train"):
                    train_ui = train.build(ctx)
                with gr.Tab("Embeddings", id="embeddings", elem_id="tab-embeddings"):
                    embeddings_ui = embeddings.build(ctx)
                with gr.Tab("Generate", id="generate", elem_id="tab-generate"):
                    generate_ui = generate.build(ctx)
            with gr.Column(elem_classes="bench-column", min_width=224):
                ctx.bench = words(elem_classes="bench", elem_id="bench")
        ctx.ruler = ruler_widget(elem_id="ruler")
        # after all levels are built: the menus of models stand on several of them
        count.wire(ctx, count_ui)
        embeddings.wire(ctx, embeddings_ui)
        train.wire(ctx, train_ui, embeddings_ui)
        generate.wire(ctx, generate_ui)
        _wire_frame(ctx, app, browser, scheme)
    app.tabs = tabs
    return app


def _wire_frame(ctx: Context, app: gr.Blocks, browser: gr.BrowserState, scheme: gr.Button) -> None:
    frame = ctx.frame

    async def arrive(stored: Any) -> Updates:
        """Know the visitor again, or give a new id; find the training that is still under way."""
        owner = stored.get("owner", "") if isinstance(stored, dict) else ""
        if not (isinstance(owner, str) and OWNER.fullmatch(owner)):
            owner = secrets.token_hex(16)
        running = ctx.jobs.jobs_of(owner)
        return {browser: {"owner": owner}, ctx.owner: owner, ctx.job: running[-1] if running else None}

    async def refresh(owner: str, corpus: Any, chosen: str | None) -> Updates:
        return pack(await ctx.refresh(owner, corpus, chosen))

    async def act(owner: str, corpus: Any, event: gr.EventData) -> Updates:
        """A click on the bench chooses a model."""
        what = str(getattr(event, "do", ""))
        if not what.startswith("choose:"):
            return {}
        return pack(await ctx.refresh(owner, corpus, what.removeprefix("choose:")))

    known = app.load(
        arrive, [browser], [browser, ctx.owner, ctx.job], show_progress="hidden", api_visibility="private"
    )
    arrived = light(known.then, refresh, [ctx.owner, ctx.corpus, ctx.chosen], frame)
    for function, inputs, outputs in ctx.on_corpus:
        light(arrived.then, function, inputs, outputs)
        light(ctx.corpus.change, function, inputs, outputs)
    light(ctx.corpus.change, refresh, [ctx.owner, ctx.corpus, ctx.chosen], frame)
    function, inputs, outputs = ctx.watch
    arrived.then(
        function,
        inputs,
        outputs,
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=None,
        trigger_mode="multiple",
    )
    ctx.corpus.change(
        function,
        inputs,
        outputs,
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=None,
        trigger_mode="multiple",
    )
    light(ctx.bench.act, act, [ctx.owner, ctx.corpus], frame)
    scheme.click(None, js=TOGGLE_SCHEME)


def _warm(ctx: Context) -> None:
    """Ask once for what every visitor sees first, so that the first page is there at once."""

    async def ask() -> None:
        await ctx.ask_corpus(NAMES, "warm-up", "baselines")
        await ctx.ask_corpus(
            NAMES, "warm-up", "sweep", **{k: v for k, v in count.FIRST_MODEL.items() if k != "order"}
        )
        await ctx.ask_corpus(NAMES, "warm-up", "count", **count.FIRST_MODEL)

    with contextlib.suppress(LabError):  # a visitor will ask again
        asyncio.run(ask())


async def _gone(request: Request) -> Response:
    """Gradio's deep links carry the session with the visitor's id: whoever opened one became the sender."""
    return Response("There are no deep links here.", status_code=404)


def launch_options() -> dict[str, Any]:
    """What `Blocks.launch` gets, for the app and for its tests."""
    return {
        "theme": theme.theme(),
        "css": theme.css(),
        "app_kwargs": {"routes": [plotly_route(), Route("/gradio_api/deep_link", _gone)]},
        "max_threads": 128,
        "max_file_size": "1mb",
        "ssr_mode": False,
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "state_session_capacity": 300,
        "footer_links": [],
        "mcp_server": False,
        "pwa": False,
    }


def quieten() -> None:
    """Settings that Gradio reads from the environment: nothing is sent anywhere, and statistics stay cheap."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "200")
    os.environ.setdefault("GRADIO_TEMP_DIR", str(home() / "page"))


def free_port(host: str, port: int | None) -> int | None:
    """The port to listen on. Raises `LabError` when a wanted one is taken."""
    if port is None:
        return None
    if not 1 <= port <= 65_535:
        raise LabError(f"{port} is not a port: choose a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise LabError(
                    f"Port {port} is in use. Stop what runs there, or choose another with --port."
                ) from None
            raise LabError(
                f"The lab cannot listen on {host}, port {port}: {error.strerror}. Choose another."
            ) from None
    return port


def launch(host: str | None = None, port: int | None = None) -> None:
    """Start the workers and the web server; returns when it is stopped.

    Without a port the first free one from 7860 on is taken (or `GRADIO_SERVER_PORT`).
    """
    quieten()
    host = host or os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1")
    if port is None and os.environ.get("GRADIO_SERVER_PORT", "").isdigit():
        port = int(os.environ["GRADIO_SERVER_PORT"])
    port = free_port(host, port)
    jobs = LocalJobs()
    try:
        app = build_app(jobs)
        app.queue(default_concurrency_limit=16, max_size=64, api_open=False)
        app.launch(server_name=host, server_port=port, **launch_options())
    finally:
        jobs.close()


def main() -> None:
    """`launch` for `python app.py`: what a person can mend is said in one sentence."""
    try:
        launch()
    except LabError as error:
        raise SystemExit(f"Error: {error}") from None
