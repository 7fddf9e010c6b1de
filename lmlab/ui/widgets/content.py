"""Words on the page: trees of plain data that the browser turns into elements, never into HTML."""

from typing import Any

import gradio as gr

from lmlab.strings import t
from lmlab.ui.widgets.widget import packed as packed
from lmlab.ui.widgets.widget import widget

Tree = list[Any] | str


def h(tag: str, *children: Any, **attributes: Any) -> Tree:
    """One element. `cls` is its class, `do` the message that a click on it sends; `_` becomes `-`.

    >>> h("p", "Hello ", h("b", "you"), cls="look")
    ['p', {'class': 'look'}, 'Hello ', ['b', {}, 'you']]
    """
    names = {"cls": "class"}
    return [tag, {names.get(key, key.replace("_", "-")): value for key, value in attributes.items()}, *children]


def term(name: str, shown: str | None = None) -> Tree:
    """A technical word that explains itself when it is tapped; its definition stands in the glossary.

    >>> term("nat", "nats")[0], term("nat", "nats")[2]
    ('term', 'nats')
    """
    return h("term", shown or t(f"glossary.{name}.word"), means=t(f"glossary.{name}.means"))


def words(*trees: Tree, **options: Any) -> gr.HTML:
    """A component whose value is a list of trees made with `h`; its event `act` carries `{"do": …}`."""
    return widget("content", '<div class="content"></div>', trees, **options)
