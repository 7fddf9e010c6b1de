"""Words on the page: trees of plain data that the browser turns into elements, never into HTML."""

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent
Tree = list[Any] | str


def h(tag: str, *children: Any, **attributes: Any) -> Tree:
    """One element. `cls` is its class, `do` the message that a click on it sends; `_` becomes `-`.

    >>> h("p", "Hello ", h("b", "you"), cls="look")
    ['p', {'class': 'look'}, 'Hello ', ['b', {}, 'you']]
    """
    names = {"cls": "class"}
    return [tag, {names.get(key, key.replace("_", "-")): value for key, value in attributes.items()}, *children]


def words(*trees: Tree, **options: Any) -> gr.HTML:
    """A component whose value is a list of trees made with `h`; its event `act` carries `{"do": …}`."""
    return gr.HTML(
        list(trees),
        html_template='<div class="content"></div>',
        js_on_load=(HERE / "content.js").read_text("utf-8"),
        apply_default_css=False,
        **options,
    )
