"""Teacher links: which level, how its controls are set, and which of them students do not see or cannot change.

`?level=count&preset=…&set=order:4&set=smoothing:none&hide=k,corpus&lock=order`; `corpus=` names a bundled corpus (a
level's menu of corpora is the control "corpus"), and `about=` the level that the rest speaks of, once the reader has
gone to another one. What comes in such a link was typed by anybody: each part is checked by itself, and what does not
fit is said in a sentence and left out.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.strings import t, tn

LONGEST_VALUE = 200  # characters of one value in a link
MOST_PARTS = 100  # parts of a link that are looked at
MOST_NOTES = 4  # sentences about what does not fit
CORPORA = ("names", "names_indian")
"""The corpora that every server has: a student's own text does not travel in a link."""

CHOICES = "link_choices"
"""An attribute of a control whose choices change: all that a link may name, as (words, value)."""
SETTABLE = (gr.Slider, gr.Number, gr.Checkbox, gr.CheckboxGroup, gr.Radio, gr.Dropdown, gr.Textbox)
Controls = Mapping[str, Any]


@dataclass
class Link:
    """What a link asks for, as far as it fits: values by control, ids of what is hidden and locked."""

    level: str
    about: str
    preset: str | None = None
    corpus: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    hide: list[str] = field(default_factory=list)
    lock: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """A sentence on each part that does not fit."""


def read_link(
    query: Iterable[tuple[str, str]],
    levels: Sequence[str],
    controls: Mapping[str, Controls],
    presets: Mapping[str, Sequence[str]],
) -> Link:
    """Read the parameters of the page's address. `controls` and `presets` are what each level has.

    >>> read_link([("level", "nowhere")], ["guess"], {}, {}).notes
    ["The link asks for a level 'nowhere', which is not here; this is Guess."]
    """
    pairs = list(query)[:MOST_PARTS]
    single = dict(reversed(pairs))  # the first of several
    level = single.get("level", levels[0])
    notes = []
    if level not in levels:
        notes.append(t("frame.link.no_level", level=level[:40], here=name_of(levels[0])))
        return Link(levels[0], levels[0], notes=notes)
    about = single.get("about", level)
    link = Link(level, about if about in levels else level)
    wanted = single.get("corpus")
    if wanted is not None and wanted not in CORPORA:
        link.notes.append(t("frame.link.no_corpus", name=wanted[:40]))
    elif wanted is not None:
        link.corpus = wanted
    preset = single.get("preset")
    if preset is not None and preset not in presets.get(link.about, ()):
        link.notes.append(t("frame.link.no_preset", name=preset[:40], level=name_of(link.about)))
    elif preset is not None:
        link.preset = preset
    known, unknown = controls.get(link.about, {}), []
    for name, text in (part.partition(":")[::2] for key, part in pairs if key == "set"):
        if name == "corpus":  # it is everybody's, not one level's: `corpus=` sets it
            continue
        if name not in known:
            unknown.append(name)
            continue
        try:
            link.values[name] = read_value(known[name], text)
        except LabError as error:
            said = {"label": label_of(name, known[name]), "value": text[:40], "why": str(error)}
            link.notes.append(t("frame.link.bad_value", **said))
    for key, ids in (("hide", link.hide), ("lock", link.lock)):
        for name in (name for other, part in pairs if other == key for name in part.split(",")[:MOST_PARTS]):
            if name in known and known[name].elem_id:
                ids.append(known[name].elem_id)
            elif name:
                unknown.append(name)
    if unknown:
        names = [name[:40] for name in dict.fromkeys(unknown)]
        shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        plural = "one" if len(names) == 1 else "other"
        link.notes.append(t(f"frame.link.no_controls.{plural}", level=name_of(link.about), names=shown))
    if len(link.notes) > MOST_NOTES:
        rest = len(link.notes) - MOST_NOTES
        link.notes = [*link.notes[:MOST_NOTES], tn("frame.link.and_more", rest)]
    return link


def name_of(level: str) -> str:
    """What the rail calls a level."""
    return t(f"frame.rail.{level}")


# --- values of controls, as text and back ------------------------------------------------------------------


def read_value(control: Any, text: str) -> Any:
    """The value that a link gives to a control. Raises `LabError` with the reason for one that does not fit.

    >>> read_value(gr.Slider(1, 8, step=1), "4"), read_value(gr.Radio([("None", "mle")]), "mle")
    (4, 'mle')
    >>> read_value(gr.Slider(1, 8, step=1), "9")
    Traceback (most recent call last):
    lmlab.errors.LabError: it goes from 1 to 8.
    """
    if isinstance(control, gr.Slider | gr.Number):
        return _number(control, text)
    if isinstance(control, gr.Checkbox):
        if text not in ("yes", "no"):
            raise LabError(t("frame.link.yes_or_no"))
        return text == "yes"
    if isinstance(control, gr.CheckboxGroup):
        return [_choice(control, part) for part in text.split(",") if part]
    several = getattr(control, "multiselect", None)
    if isinstance(control, gr.Radio | gr.Dropdown) and choices_of(control) and not several:
        return _choice(control, text)
    if isinstance(control, gr.Textbox):
        most = min(control.max_length or LONGEST_VALUE, LONGEST_VALUE)
        if len(text) > most:
            raise LabError(t("frame.link.too_long", most=most))
        return text
    raise LabError(t("frame.link.not_settable"))


def _number(control: Any, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise LabError(t("frame.link.no_number"))
    low, high, step = control.minimum, control.maximum, control.step
    if (low is not None and number < low) or (high is not None and number > high):
        low, high = ("−∞" if low is None else f"{low:g}"), ("∞" if high is None else f"{high:g}")
        raise LabError(t("frame.link.outside", low=low, high=high))
    if getattr(control, "precision", None) == 0:
        if number != int(number):
            raise LabError(t("frame.link.whole"))
        return int(number)
    if isinstance(control, gr.Slider) and step:
        steps = (number - low) / step
        if abs(steps - round(steps)) > 1e-6:
            raise LabError(t("frame.link.between", step=f"{step:g}", low=f"{low:g}"))
        if float(step).is_integer() and float(low).is_integer():
            return int(number)
    return number


def _choice(control: Any, text: str) -> Any:
    for _, value in choices_of(control):
        if str(value) == text:
            return value
    raise LabError(t("frame.link.no_choice", choices=", ".join(str(value) for _, value in choices_of(control))))


def choices_of(control: Any) -> list[tuple[str, Any]]:
    """What a control can be set to, as (words, value): the choices it was built with, or all it will ever have."""
    return list(getattr(control, CHOICES, None) or getattr(control, "choices", None) or [])


def written(control: Any, value: Any) -> str | None:
    """A control's value for a link; None where a link cannot set it.

    >>> written(gr.Slider(1, 8, step=1), 4), written(gr.Checkbox(), True), written(gr.Button(), "Go")
    ('4', 'yes', None)
    """
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, int | float):
        text = f"{value:.12g}"
    elif isinstance(value, list):
        text = ",".join(map(str, value))
    else:
        text = "" if value is None else str(value)
    try:
        read_value(control, text)
    except LabError:
        return None
    return text


def label_of(name: str, control: Any) -> str:
    """What a student reads on a control: its label, a button's words, else its name in the link."""
    words = control.value if isinstance(control, gr.Button) else getattr(control, "label", None)
    return str(words or name)


def said(control: Any, value: Any) -> str:
    """A value as the screen shows it: a choice by its words."""
    words = next((str(words) for words, known in choices_of(control) if known == value), None)
    return words or written(control, value) or ""


# --- opening a link ------------------------------------------------------------------------------------------


def applied(link: Link, controls: Controls, change: Callable[[str], dict[Any, Any]] | None) -> dict[Any, Any]:
    """The updates of components that bring a level into the state of a link: the preset first, then the values.

    `change` is what a preset of the level changes.
    """
    updates = dict(change(link.preset)) if link.preset is not None and change is not None else {}
    for name, value in link.values.items():
        before: Any = updates.get(controls[name])
        updates[controls[name]] = {**before, "value": value} if _of_properties(before) else value
    return updates


def _of_properties(update: Any) -> bool:
    """Whether it is `gr.update(…)`, not a plain value."""
    return isinstance(update, dict) and "__type__" in update


def has_value(update: Any) -> bool:
    """Whether an update changes a component's value, not only its other properties."""
    return not _of_properties(update) or "value" in update


def value_of(update: Any) -> Any:
    """What such an update sets the value to."""
    return update["value"] if _of_properties(update) else update


# --- making a link -----------------------------------------------------------------------------------------


def offer(
    level: str,
    controls: Controls,
    values: Mapping[str, Any],
    presets: Mapping[str, Mapping[str, Any]],
    corpus: str,
    implied: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda values: {},
) -> dict[str, Any]:
    """What the drawer "Copy link" offers for a level: its controls and which are not as the level opens.

    `values` are the controls' values now, `presets` what each preset sets them to, and `implied` what comes with
    values that a link names (see `Opener`). `settings` has, for each preset
    and for none (""), the values that differ from it, as the link writes them.
    """
    rows = [{"name": name, "label": label_of(name, control)} for name, control in controls.items() if control.elem_id]
    settings = {}
    for preset, changed in {"": {}, **presets}.items():
        opens = {**implied(values), **changed}
        settings[preset] = [
            {"name": name, "text": text, "label": label_of(name, control), "said": said(control, values[name])}
            for name, control in controls.items()
            if name != "corpus"
            and name in values
            and (text := written(control, values[name])) is not None
            and text != written(control, opens.get(name, control.value))
        ]
    return {
        "level": level,
        "title": name_of(level),
        "controls": rows,
        "settings": settings,
        "presets": [{"name": name, "title": _title(name, controls)} for name in presets],
        "corpus": corpus if corpus in CORPORA[1:] else "",
        "own": corpus not in CORPORA,
    }


def _title(preset: str, controls: Controls) -> str:
    """A preset's words, where a control of the level has it as a choice."""
    for control in controls.values():
        for words, value in choices_of(control):
            if value == preset:
                return str(words)
    return preset.replace("-", " ")
