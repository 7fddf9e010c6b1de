"""The web server: one app a language on one job service, what they share, and how it is started."""

import asyncio
import contextlib
import errno
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio import processing_utils
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lmlab.errors import LabError
from lmlab.jobs.local import LocalJobs
from lmlab.runs.cards import check_disk, home
from lmlab.strings import LANGUAGES
from lmlab.ui import theme
from lmlab.ui.app import build_app, warm
from lmlab.ui.labs.files import labs_route
from lmlab.ui.labs.own_machine import may_check
from lmlab.ui.visitors import Visitors
from lmlab.ui.widgets.figure import plotly_route

FIRST_PORT = 7860
LARGEST_BODY = 8_000_000  # bytes of a request: more than the largest text that gets a sentence of its own
DEFAULT_LANGUAGE = next(iter(LANGUAGES))


def make_server(jobs: LocalJobs, host: str | None = None) -> FastAPI:
    """All languages' apps: English at `/`, each other one at `/code`. `host` is where the server will listen."""
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    visitors = Visitors()  # a visitor may have a page in each language
    apps = {code: build_app(jobs, code, visitors, may_check(host)) for code in LANGUAGES}
    for code in reversed(apps):  # the app at `/` would answer for everything below it: it is mounted last
        gr.mount_gradio_app(server, apps[code], _path(code), **mount_options())
        # Gradio checks which files an input may name only after `launch`, which we do not call: without this line
        # any input could name any file of the server, and Gradio would copy it to where pages can read it.
        apps[code].has_launched = True
    processing_utils.async_ssrf_protected_download = _no_download
    server.add_middleware(SmallBodies)
    server.add_middleware(ChooseLanguage)
    threading.Thread(target=lambda: asyncio.run(warm(apps[DEFAULT_LANGUAGE].context)), daemon=True).start()
    return server


def _path(code: str) -> str:
    return "/" if code == DEFAULT_LANGUAGE else f"/{code}"


async def _gone(request: Request) -> Response:
    """Gradio's deep links carry the session with the visitor's id: whoever opened one became the sender."""
    return PlainTextResponse("There are no deep links here.", status_code=404)


async def _no_download(url: str, cache_dir: str) -> str:
    """An input may name an address, not a file, and Gradio would fetch it whole; no input of ours needs that."""
    raise ValueError("Files are uploaded, not fetched from an address.")


def mount_options() -> dict[str, Any]:
    """What `gr.mount_gradio_app` gets for each language."""
    return {
        "theme": theme.theme(),
        "css": theme.css(),
        "head": theme.head(),
        "app_kwargs": {"routes": [plotly_route(), labs_route(), Route("/gradio_api/deep_link", _gone)]},
        "allowed_paths": [str(home() / "downloads")],  # what the page hands out was made here
        "max_file_size": "7mb",
        "ssr_mode": False,
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "footer_links": [],
        "mcp_server": False,
        "pwa": False,
    }


# --- what every request passes -----------------------------------------------------------------------------


class ChooseLanguage:
    """`?lang=` chooses the language; without it, at `/`, the browser's first language that we speak does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a page's visitor to the page in their language; let everything else pass."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            here = {_path(code).rstrip("/"): code for code in LANGUAGES}.get(scope["path"].rstrip("/"))
            if here is not None:
                query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
                wanted = dict(query).get("lang")
                if wanted not in LANGUAGES:
                    accepted = Headers(scope=scope).get("accept-language", "")
                    wanted = preferred(accepted) if here == DEFAULT_LANGUAGE else here
                if wanted != here:
                    # a parameter may stand there more than once
                    query = [*((name, value) for name, value in query if name != "lang"), ("lang", wanted)]
                    # relative, because a proxy may have the lab below a path of its own
                    up = "./" if here == DEFAULT_LANGUAGE else "../" if scope["path"].endswith("/") else "./"
                    below = "" if wanted == DEFAULT_LANGUAGE else f"{wanted}/"
                    await RedirectResponse(f"{up}{below}?{urlencode(query)}")(scope, receive, send)
                    return
        await self.app(scope, receive, send)


def preferred(accepted: str) -> str:
    """The first language of an `Accept-Language` header that the lab speaks.

    >>> preferred("fr-CH, es;q=0.9, en;q=0.8"), preferred("de"), preferred("")
    ('es', 'en', 'en')
    """
    ranked = []
    for i, part in enumerate(accepted.split(",")):
        code, _, quality = part.partition(";q=")
        with contextlib.suppress(ValueError):
            ranked.append((-float(quality or 1), i, code.strip().lower().split("-")[0]))
    return next((code for _, _, code in sorted(ranked) if code in LANGUAGES), DEFAULT_LANGUAGE)


class SmallBodies:
    """Refuse a request that is larger than anything the page sends: bodies are read as a whole and kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes of a request on their way in."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            await _too_large(scope, receive, send)
            return
        if scope["path"].endswith("/upload"):  # anybody may send files there, before any handler of ours
            try:
                check_disk()
            except LabError:
                await _disk_is_full(scope, receive, send)
                return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            # A body without a length that goes on and on: as if the visitor had gone away.
            return {"type": "http.disconnect"} if taken > LARGEST_BODY else message

        await self.app(scope, counted, send)


_too_large: Callable[[Scope, Receive, Send], Awaitable[None]] = PlainTextResponse(
    f"The request is too large: at most {LARGEST_BODY:,} bytes work here.", status_code=413
)
_disk_is_full: Callable[[Scope, Receive, Send], Awaitable[None]] = PlainTextResponse(
    "The disk of this lab is almost full: nothing can be uploaded now.", status_code=507
)


# --- starting ----------------------------------------------------------------------------------------------


def quieten() -> None:
    """Settings that Gradio reads from the environment: nothing is sent anywhere, and statistics stay cheap."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "200")
    os.environ.setdefault("GRADIO_TEMP_DIR", str(home() / "page"))


def free_port(host: str, port: int | None) -> int:
    """The port to listen on: the wanted one, or the first free one from 7860 on. Raises `LabError` without one."""
    if port is not None and not 1 <= port <= 65_535:
        raise LabError(f"{port} is not a port: choose a number from 1 to 65535.")
    for candidate in [port] if port is not None else range(FIRST_PORT, FIRST_PORT + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                if error.errno == errno.EADDRINUSE and port is None:
                    continue
                if error.errno == errno.EADDRINUSE:
                    raise LabError(
                        f"Port {port} is in use. Stop what runs there, or choose another with --port."
                    ) from None
                raise LabError(
                    f"The lab cannot listen on {host}, port {candidate}: {error.strerror}. Choose another."
                ) from None
        return candidate
    raise LabError(f"All ports from {FIRST_PORT} to {FIRST_PORT + 99} are in use. Choose one with --port.")


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
        server = make_server(jobs, host)
        print(f"lmlab runs on http://{host}:{port} - press Ctrl-C to stop it.", flush=True)
        uvicorn.run(server, host=host, port=port, log_level="warning", timeout_graceful_shutdown=1, ws="none")
    finally:
        jobs.close()


def main() -> None:
    """`launch` for `python app.py`: what a person can mend is said in one sentence."""
    try:
        launch()
    except LabError as error:
        raise SystemExit(f"Error: {error}") from None
