"""What every widget of our own is made of: a fixed template, one script beside this file, values as JSON text."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from lmlab.strings import section

HERE = Path(__file__).parent


def packed(value: Any) -> str:
    """A widget's value on its way to the page, as JSON text.

    From one yield of a generator to the next, Gradio sends only the difference; for a list that becomes
    shorter its page deletes the wrong elements. A text is replaced as a whole.

    >>> packed({"seq": 1})
    '{"seq":1}'
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def unpacked(value: Any) -> Any:
    """What a widget's script put into its value; None for what is no JSON."""
    try:
        return json.loads(value) if isinstance(value, str) and len(value) < 100_000 else None
    except (ValueError, RecursionError):
        return None


def widget(name: str, template: str, value: Any = None, also: Sequence[str] = (), **options: Any) -> gr.HTML:
    """A component drawn by `{name}.js`; the script finds its strings (`widget.{name}` in the catalogue) with `t`.

    Scripts named in `also` follow it in the same scope and bring their strings: they add to what it draws.
    The template is constant: what people typed travels in the value and reaches the page as text only. (A
    function, not a subclass: Gradio writes a stub file beside every subclass of its components.)
    """
    # The strings stand in the script: properties of our own are lost when an event updates the component.
    strings = {key: text for part in (name, *also) for key, text in section(f"widget.{part}").items()}
    parts = [f"const strings = {packed(strings)};"]
    parts += [(HERE / f"{part}.js").read_text("utf-8") for part in ("common", name, *also)]
    return gr.HTML(
        None if value is None else packed(value),
        html_template=template,
        js_on_load="\n".join(parts),
        apply_default_css=False,
        **options,
    )
