"""A button that reads a small text file in the browser: the file itself is never uploaded."""

from typing import Any

import gradio as gr

from lmlab.ui.widgets.widget import widget

TEMPLATE = '<div class="choose-file"></div>'


def file_chooser(label: str, accept: str, most: int, **options: Any) -> gr.HTML:
    """A component whose event `chosen` carries `{"text"}`, or `{"problem": "large" | "unreadable"}`.

    `accept` is what a file dialog offers (".json"), `most` the bytes a file may have.
    """
    return widget("choose_file", TEMPLATE, {"label": label, "accept": accept, "most": most}, **options)
