"""The one widget that draws every chart: plotly kept alive in the page."""

import functools
import gzip
from collections.abc import Callable
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lmlab.figures.figure import Figure
from lmlab.strings import t
from lmlab.ui.widgets.widget import widget

PLOTLY_URL = f"lmlab/plotly-{version('plotly')}.min.js"  # relative: the app may live below a path


def _template() -> str:
    """The figure's fixed parts; the words come from our own catalogue, never from people."""
    table, sums, code = (t(f"widget.figure.{name}") for name in ("table", "sum", "code"))
    return f"""
<figure class="fig" role="group" data-seq="0">
  <header><h3 data-part="title"></h3></header>
  <p class="look" data-part="look"></p>
  <div class="plot"></div>
  <footer>
    <p class="say" data-part="said" aria-live="polite"></p>
    <details data-depth="table"><summary>{table}</summary>
      <div class="scroll" tabindex="0"><table class="table"></table></div></details>
    <details data-depth="sum" hidden><summary>{sums}</summary><pre class="sum" tabindex="0"></pre></details>
    <details data-depth="code" hidden><summary>{code}</summary>
      <p class="where"></p><pre class="code" tabindex="0"></pre></details>
  </footer>
</figure>
"""


def figure_widget(figure: Figure | None = None, **options: Any) -> gr.HTML:
    """A component whose value is `drawn(figure, …)` (`lmlab.ui.depths`) or `Growth.to_value(seq, after)`.

    Events: `select` with `{"curve", "index", "custom"}` of the point that was clicked, and `resync` when the
    page missed a message and needs the whole figure again. (A function, not a subclass: Gradio writes a stub
    file beside every subclass of its components.)
    """
    value = figure.to_value(seq=1) if figure else None
    return widget("figure", _template(), value, head=f'<script src="{PLOTLY_URL}"></script>', **options)


@functools.cache
def _compressed() -> bytes:
    """plotly.js from the installed package, compressed once."""
    return gzip.compress((files("plotly") / "package_data" / "plotly.min.js").read_bytes(), 6)


async def _plotly(request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_compressed(), media_type="text/javascript", headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(_compressed()), media_type="text/javascript", headers=headers)


def plotly_route() -> Route:
    """The route that serves plotly.js, so that nothing comes from elsewhere and no path of the host shows."""
    handler: Callable[[Request], Any] = _plotly
    return Route("/" + PLOTLY_URL, handler)
