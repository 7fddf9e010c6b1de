"""What belongs to the page as a whole: the title bar's words with their drawers, the rail, keys and history."""

import json
from html import escape
from typing import Any

import gradio as gr

from lmlab import strings
from lmlab.strings import section, t
from lmlab.ui.widgets.widget import widget


def glossary() -> list[tuple[str, str]]:
    """All words of the glossary with what they mean, in alphabetical order.

    >>> dict(glossary())["nats"][:16]
    'The unit of surp'
    """
    found = section("glossary")
    names = [name.removesuffix(".word") for name in found if name.endswith(".word")]
    pairs = [(found[f"{name}.word"], found[f"{name}.means"]) for name in names]
    return sorted(pairs, key=lambda pair: pair[0].casefold())


def frame_widget(levels: list[tuple[str, str]], **options: Any) -> gr.HTML:
    """The page's own script: which level is here, which are done, keys, history, what a link hides and locks.

    `levels` are (name, title) in the order of the rail. The value is any part of `{"seq", "ready", "done": [names],
    "hide": [ids], "lock": [ids], "key", "digest"}`; the page keeps the other parts as they were.
    Event: `sync`, when another tab of this browser has changed the student's work.
    """
    value = {"language": strings.language()}
    template = f"""
<div class="frame" data-seq="0" data-levels="{escape(json.dumps(levels, ensure_ascii=False))}">
  <a class="skip" href="#rail">{escape(t("widget.frame.skip"))}</a>
  <p class="told" role="status" hidden></p>
  <p class="sr" data-live aria-live="polite"></p>
</div>
"""
    return widget("frame", template, value, **options)


def bar_widget(**options: Any) -> gr.HTML:
    """The words at the right of the title bar and the drawers that they open.

    Value: `{"seq", "kind": "link" | "work" | "file" | "forgotten", …}`, see `lmlab.ui.drawers`. Events: `show_link`,
    `show_work`, `save_work`, `load_work` with `{"text"}`, and `forget_me`.
    """
    terms = "".join(f"<div><dt>{escape(word)}</dt><dd>{escape(means)}</dd></div>" for word, means in glossary())
    fixed = {name: escape(t(f"frame.{name}")) for name in ("scheme", "more", "words_lead")}
    words = {name: escape(t(f"frame.bar_{name}")) for name in ("words", "link", "work")}
    near = {name: escape(text) for name, text in section("widget.bar").items()}
    others = "".join(
        f'<a class="link" lang="{code}" hreflang="{code}" href="?lang={code}">{escape(name)}</a>'
        for code, name in strings.LANGUAGES.items()
        if code != strings.language()
    )
    drawers = {
        "words": f"""<p class="look">{fixed["words_lead"]}</p>
  <label class="find"><span class="sr">{near["find"]}</span>
    <input type="search" placeholder="{near["find"]}" autocomplete="off"></label>
  <dl class="glossary">{terms}</dl><p class="none" hidden>{near["nothing"]}</p>""",
        "link": '<div class="filled"></div>',
        "work": '<div class="filled"></div>',
    }
    panels = "".join(
        f"""<section class="drawer" id="drawer-{name}" aria-labelledby="drawer-{name}-title" hidden>
  <header><h2 id="drawer-{name}-title" tabindex="-1">{words[name]}</h2>
    <button type="button" class="link" data-close>{near["close"]}</button></header>
  {inside}</section>"""
        for name, inside in drawers.items()
    )
    buttons = "".join(
        f'<button type="button" class="link" id="bar-{name}" data-drawer="{name}" aria-expanded="false" '
        f'aria-controls="drawer-{name}">{words[name]}</button>'
        for name in drawers
    )
    template = f"""
<div class="bar-words" data-seq="0">
  <nav aria-label="{fixed["more"]}">{buttons}
    <button type="button" class="link" id="scheme">{fixed["scheme"]}</button>{others}</nav>
  {panels}
</div>
"""
    return widget("bar", template, **options)
