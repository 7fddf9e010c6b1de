"""Every sentence on the screen, by name, in each language that has a file here. English is complete by definition.

A second language is one more file with the same names: `es.toml` beside `en.toml`. Which language is spoken is a
context variable: the page is built, and its events are answered, inside `speaking(language)`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LANGUAGES: dict[str, str] = {"en": "English", "es": "Español"}
"""Codes and how each language calls itself; the first is what is spoken when no other is wanted."""

_spoken: ContextVar[str] = ContextVar("language", default="en")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All strings of a language, by their full names: `{"count.title": "Count what follows what", …}`."""
    path = HERE / f"{language}.toml"
    found: dict[str, str] = {}
    if path.is_file():
        _flatten(tomllib.loads(path.read_text("utf-8")), "", found)
    return found


def _flatten(table: dict[str, Any], prefix: str, into: dict[str, str]) -> None:
    for name, value in table.items():
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{name}.", into)
        else:
            into[f"{prefix}{name}"] = value


def t(name: str, /, **values: Any) -> str:
    """A string in the spoken language, with its values put in. Raises `KeyError` for a name that English lacks.

    >>> t("frame.better")
    'better to the right'
    >>> t("frame.held_out_line", train=23909, validation=2972, test=3032)
    '23,909 to learn from, 2,972 held out, 3,032 for the final test'
    """
    text = catalogue(_spoken.get()).get(name) or catalogue("en")[name]
    return text.format(**values) if values else text


def tn(name: str, number: float, /, **values: Any) -> str:
    """The same for a number of things: `name.one` for exactly 1, `name.other` for the rest; `{n}` is the number.

    >>> tn("frame.letters", 1), tn("frame.letters", 3)
    ('1 letter', '3 letters')
    """
    return t(f"{name}.{'one' if number == 1 else 'other'}", n=number, **values)


def section(prefix: str) -> dict[str, str]:
    """All strings below a prefix, without it: what a widget's script is given.

    >>> section("widget.figure")["table"]
    'As a table'
    """
    begin = f"{prefix}."
    english = {name: text for name, text in catalogue("en").items() if name.startswith(begin)}
    return {name.removeprefix(begin): catalogue(_spoken.get()).get(name) or text for name, text in english.items()}


def language() -> str:
    """The code of the language that is spoken now."""
    return _spoken.get()


def speak(code: str) -> None:
    """Speak a language from here on, in this task."""
    _spoken.set(code)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak a language inside a `with`.

    >>> with speaking("es"):
    ...     language()
    'es'
    """
    token = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(token)
