"""What the screen shows of a training: its curves, its state in words, its names. Plain functions of data."""

from collections.abc import Mapping, Sequence
from typing import Any

from lmlab.figures.training import Curve, letters
from lmlab.jobs.messages import Snapshot
from lmlab.runs.cards import name_of, short_name
from lmlab.strings import t
from lmlab.ui.depths import drawn
from lmlab.ui.widgets.content import Tree, h

SHOWN_NAMES = 6  # rows of the table of names
LONGEST_NAME = 12
MOST_TRAIL = 12  # earlier moments of a letter's way
SIDE = (304.0, 330.0)  # pixels of the letters' plot beside the loss chart
LETTERS_CODE = ("evaluation/projection.py", "project")
LOSS_CODE = ("training/objectives.py", "next_token_loss")


def collect(snapshot: Snapshot, run: Curve, probes: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Sort a snapshot's events onto the curve and into `probes`; returns what was new, by kind."""
    new: dict[str, list[Any]] = {
        kind: [] for kind in ("batch", "validation", "train", "embedding", "names", "moment")
    }
    for kind, value in snapshot.events:
        new[kind].append(value)
    run.batch += new["batch"]
    run.validation += new["validation"]
    run.train += new["train"]
    for kind in ("embedding", "names", "moment"):
        probes.setdefault(kind, []).extend(new[kind])
    return new


def curve_of(card: dict[str, Any]) -> Curve:
    """The losses on a card."""
    history, metrics = card["history"], card["metrics"]
    train = metrics.get("train", {}).get("nll")
    return Curve(
        name_of(card), history["batch"], history["validation"], [] if train is None else [[card["steps"], train]]
    )


def probes_of(card: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What was looked at during the training of a card's model, and the steps that one can go back to."""
    history = card["history"]
    return {
        "names": history["names"],
        "embedding": history.get("embedding", []),
        "moment": [step for step in card.get("moments", []) if isinstance(step, int)],
    }


def planned_of(snapshot: Snapshot) -> int:
    """Steps that the axis must hold."""
    return max(snapshot.status.planned, snapshot.spec.recipe.steps or 1)


def state_key(snapshot: Snapshot) -> tuple[Any, ...]:
    """What makes the words of the status change without an event."""
    return snapshot.status.state, snapshot.status.step, snapshot.place


def bold(text: str) -> list[Tree]:
    """A string of the catalogue with **stars** around what is bold; only for strings without words of people.

    >>> bold("Step **5** of 9.")
    ['Step ', ['b', {}, '5'], ' of 9.']
    """
    return [h("b", part) if i % 2 else part for i, part in enumerate(text.split("**"))]


# --- the state in words --------------------------------------------------------------------------------------


def status_tree(snapshot: Snapshot, run: Curve, marks: Mapping[str, float]) -> Tree:
    """The run in words: the sentence, and a line of facts below it."""
    return h(
        "span",
        h("span", *bold(sentence_of_run(snapshot, run, marks)), cls="status"),
        h("small", facts_of(snapshot), cls="facts"),
        data_state=snapshot.status.state,
        data_seq=str(snapshot.seq),
    )


def sentence_of_run(snapshot: Snapshot, run: Curve, marks: Mapping[str, float]) -> str:
    """Where the training stands, and how its held-out loss compares with the table of pairs."""
    status = snapshot.status
    values: dict[str, Any] = {"step": status.step, "planned": planned_of(snapshot), "place": snapshot.place}
    if run.validation:
        values["loss"] = loss = run.validation[-1][1]
        values["train"] = run.train[-1][1] if run.train else float("nan")
        values["by"] = abs(loss - marks["bigram"]) if "bigram" in marks else 0.0
    name: str = status.state
    if name == "running" and status.step >= status.planned > 0:
        name = "finishing"
    elif name == "running" and run.validation and run.validation[-1][0] > 0:
        bigram = marks.get("bigram")
        name = "running" if bigram is None else "running_below" if values["loss"] < bigram else "running_above"
    elif name == "running":
        name = "started"
    elif name == "paused" and run.validation:
        name = "paused_loss"
    elif name in ("done", "failed"):
        early = status.step < (snapshot.spec.recipe.steps or 0)
        name = "ended" if not (run.validation and run.train) else "stopped" if early else "done"
    return t(f"mlp.status.{name}", **values)


def facts_of(snapshot: Snapshot) -> str:
    """Name, size, seed, speed and what is left."""
    status = snapshot.status
    values = {
        "name": short_name(snapshot.job), "parameters": status.parameters, "seed": snapshot.spec.recipe.seed,
    }  # fmt: skip
    if not status.steps_per_second or status.state in ("done", "failed"):
        return t("mlp.facts", **values)
    left = max(0, status.planned - status.step) / status.steps_per_second
    name = "facts_left" if status.state == "running" and left >= 1 else "facts_speed"
    return t(f"mlp.{name}", **values, speed=status.steps_per_second, left=left)


# --- names and letters ---------------------------------------------------------------------------------------


def names_trees(probes: Sequence[Mapping[str, Any]], then: Mapping[str, Any] | None = None) -> list[Any]:
    """The same dice at several steps: a row a step, newest first.

    With `then`, the names of the step that the student has gone back to, the table ends there.
    """
    if then is not None:
        probes = [*(probe for probe in probes if probe["step"] < then["step"]), then]
    rows = []
    for i, probe in enumerate(few(probes, SHOWN_NAMES)[::-1]):
        marks = probe.get("novelty") or ["new"] * len(probe["names"])
        cells = [_name_cell(name, mark) for name, mark in zip(probe["names"], marks, strict=False)]
        rows.append(h("tr", h("td", f"{probe['step']:,}", cls="num"), *cells, cls="now" if i == 0 else ""))
    before, after = t("mlp.names.look", underlined="**").split("**")
    head = h("tr", h("th", t("mlp.names.step")), h("th", t("mlp.names.names"), colspan="5"))
    return [
        h("h3", t("mlp.names.title")),
        h("p", before, h("span", t("mlp.names.underlined"), cls="known"), after, cls="look"),
        h("table", h("thead", head), h("tbody", *rows), cls="table dice"),
    ]


def _name_cell(name: str, mark: str) -> Tree:
    shown = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    known = "known" if mark == "training" else "" if name else "faint"
    return h("td", h("span", shown or t("mlp.names.end"), cls=known, title=name), cls="mono")


def few(things: Sequence[Any], most: int) -> list[Any]:
    """At most so many of them, evenly chosen, the first and the last among them.

    >>> few(range(9), 4)
    [0, 3, 5, 8]
    """
    if len(things) <= most:
        return list(things)
    return [things[round(i * (len(things) - 1) / (most - 1))] for i in range(most)]


def letters_value(
    symbols: Sequence[str],
    history: Sequence[Mapping[str, Any]],
    dimensions: int,
    step: int | None = None,
    size: tuple[float, float] = SIDE,
) -> dict[str, Any] | None:
    """The plot of the letters as they were at `step` (None: the last look), with the way that the vowels came."""
    moments = [probe for probe in history if step is None or probe["step"] <= step]
    if not moments:
        return None
    now = moments[-1]
    trail = [probe["points"] for probe in few(moments[:-1], MOST_TRAIL)]
    figure = letters(symbols[: len(now["points"])], now["points"], now["kept"], dimensions, None, trail, size)
    return drawn(figure, (), LETTERS_CODE)


def dimensions_of(options: Mapping[str, Any]) -> int:
    """How many numbers stand for a letter."""
    return int(options.get("d_embed", options.get("d_model", 10)))
