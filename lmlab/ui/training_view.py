"""What the Train level shows of a training: its curves, its state in words, its names. Plain functions of data."""

from typing import Any

from lmlab.figures.training import Curve, letters
from lmlab.jobs.messages import Snapshot
from lmlab.runs.cards import short_name
from lmlab.ui.bench import next_seq
from lmlab.ui.widgets.content import h

SHOWN_NAMES = 8


def collect(snapshot: Snapshot, run: Curve, probes: list[Any]) -> dict[str, list[Any]]:
    """Sort a snapshot's events onto the curves; returns what was new, by kind."""
    new: dict[str, list[Any]] = {"batch": [], "validation": [], "train": [], "embedding": [], "names": []}
    for kind, value in snapshot.events:
        new[kind].append(value)
    run.batch += new["batch"]
    run.validation += new["validation"]
    run.train += new["train"]
    probes += new["names"]
    return new


def curve_of(card: dict[str, Any]) -> Curve:
    """The losses on a card."""
    history = card["history"]
    return Curve(short_name(card["id"]), history["batch"], history["validation"])


def planned_of(snapshot: Snapshot) -> int:
    """Steps that the axis must hold."""
    return max(snapshot.status.planned, snapshot.spec.recipe.steps or 1)


def state_key(snapshot: Snapshot) -> tuple[Any, ...]:
    """What makes the words of the status change without an event."""
    return snapshot.status.state, snapshot.status.step, snapshot.place


def live_letters(snapshot: Snapshot, probe: dict[str, Any]) -> dict[str, Any]:
    """The embedding plot of a network that is learning."""
    options = snapshot.spec.options
    dimensions = options.get("d_embed", options.get("d_model", 2))
    return letters(snapshot.symbols[: len(probe["points"])], probe["points"], probe["kept"], dimensions).to_value(
        next_seq()
    )


def status_trees(snapshot: Snapshot | None, name: str | None, run: Curve | None = None, marks: Any = ()) -> list[Any]:
    """The step that is under way, in words."""
    if snapshot is None:
        idle = "Choose a network and press Train."
        if name:
            idle += f" Until then you see {name}, the newest network on the bench."
        return [
            h(
                "ol",
                h("li", h("h2", h("span", "1", cls="n"), "Run"), h("p", idle, cls="ask"), cls="now"),
                cls="steps at-all",
                data_state="idle",
            )
        ]
    status = snapshot.status
    total = planned_of(snapshot)
    measured, loss = run.validation[-1] if run and run.validation else (0, None)
    titles = {
        "waiting": f"Waiting for a free place: number {snapshot.place} in line.",
        "running": "Learning.",
        "paused": "Paused.",
        "finishing": "Measuring the end.",
        "done": "Stopped." if status.sentence or status.step < (snapshot.spec.recipe.steps or 0) else "Done.",
        "failed": "Stopped.",
    }
    words: list[Any] = [f"{titles[status.state]} Step ", h("b", f"{status.step:,}"), f" of {total:,}"]
    if status.state == "running" and status.step >= status.planned > 0:
        words[0] = "Measuring every training name. Step "
    if loss is not None:
        bigram = dict(marks).get("bigram")
        words += [", held-out loss ", h("b", f"{loss:.3f}")]
        if measured < status.step:
            words.append(f" at step {measured:,}")
        if bigram is not None:
            words.append(f", {abs(bigram - loss):.2f} {'below' if loss < bigram else 'above'} the bigram table")
    if status.state == "done" and run and run.train:
        words += ["; on the names it learned from ", h("b", f"{run.train[-1][1]:.3f}")]
    words.append(".")
    facts = [f"{name}", f"{status.parameters:,} parameters"]
    if status.steps_per_second:
        facts.append(f"{status.steps_per_second:,.0f} steps a second")
        left = max(0, status.planned - status.step) / status.steps_per_second
        if status.state == "running" and left:
            facts.append(f"about {left:,.0f} s left")
    facts.append(f"seed {snapshot.spec.recipe.seed}")
    return [
        h(
            "ol",
            h(
                "li",
                h("h2", h("span", "1", cls="n"), "Run"),
                h("p", *words, cls="ask"),
                h("p", " · ".join(facts), cls="facts"),
                cls="now",
            ),
            cls="steps at-all",
            data_state=status.state,
            data_seq=snapshot.seq,
        )
    ]


def names_trees(probes: list[dict[str, Any]]) -> list[Any]:
    """The same dice at several steps: a row a step, newest first."""
    rows = []
    stride = max(1, (len(probes) - 1) // (SHOWN_NAMES - 1) or 1)
    chosen = [probes[-1], *probes[:-1][::-1][stride - 1 :: stride][: SHOWN_NAMES - 1]] if probes else []
    for i, probe in enumerate(chosen):
        cells = []
        marks = probe.get("novelty") or ["new"] * len(probe["names"])
        for place, (name, mark) in enumerate(zip(probe["names"], marks, strict=True)):
            shown = name if len(name) <= 12 else name[:11] + "…"
            cells.append(
                h(
                    "td",
                    h("span", shown or "end", cls="known" if mark == "training" else "" if name else "faint"),
                    cls="mono" if place < 3 else "mono only-wide",  # a phone has room for three
                )
            )
        rows.append(h("tr", h("td", f"{probe['step']:,}", cls="num"), *cells, cls="now" if i == 0 else ""))
    return [
        h("h3", "The same five dice, as it learns"),
        h(
            "p",
            "Same random numbers in every row. ",
            h("span", "Underlined", cls="known"),
            ": a real training name.",
            cls="look",
        ),
        h(
            "div",
            h(
                "table",
                h("thead", h("tr", h("th", "step"), h("th", "five names", colspan=5))),
                h("tbody", *rows),
                cls="table",
            ),
            cls="scroll",
        ),
    ]
