"""`app`: open the lab in a browser."""

import contextlib
import os
import sys
from typing import Annotated

import typer

from lmlab.cli.shared import Json, print_json, spoken


@spoken
def open_app(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, such as 0.0.0.0 for a whole class.", show_default=False)
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Open the app in the browser; Ctrl-C ends it.

    The JSON comes before the app starts, and nothing follows it on stdout.

    \b
    JSON:
      host  string | null
      port  integer | null
      pid   integer
    """
    from lmlab.ui.server import launch

    if not as_json:
        launch(host, port)
        return
    print_json({"host": host, "port": port, "pid": os.getpid()})
    sys.stdout.flush()
    with contextlib.redirect_stdout(sys.stderr):
        launch(host, port)
