"""Words on the page: trees of plain data that the browser turns into elements, never into HTML."""

import json
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


def packed(value: Any) -> str:
    """A widget's value on its way to the page, as JSON text.

    From one yield of a generator to the next, Gradio sends only the difference; for a list that becomes
    shorter its page deletes the wrong elements. A text is replaced as a whole.

    >>> packed({"seq": 1})
    '{"seq":1}'
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def words(*trees: Tree, **options: Any) -> gr.HTML:
    """A component whose value is a list of trees made with `h`; its event `act` carries `{"do": …}`."""
    return gr.HTML(
        packed(trees),
        html_template='<div class="content"></div>',
        js_on_load=(HERE / "content.js").read_text("utf-8"),
        apply_default_css=False,
        **options,
    )
