"""What the level Labs says: the list, the hints, the verdicts on numbers, and a results.json in words."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from lmlab.grading.gradescope import LEADERBOARD
from lmlab.grading.labs import EXPERIMENT, Lab
from lmlab.strings import t, tn
from lmlab.ui.labs.files import address
from lmlab.ui.labs.statement import statement_trees
from lmlab.ui.widgets.content import Tree, h
from lmlab.ui.work import Entry, Work

RESULTS = "results"
MOST_LOSS = 20.0  # nats per character; what is beyond is no loss of a lab
MOST_TESTS = 200  # rows of a results.json that are shown
LONGEST_OUTPUT = 300


# --- the list ------------------------------------------------------------------------------------------------


def list_trees(labs: Sequence[Lab], chosen: str, work: Work) -> list[Tree]:
    """All labs with what the student has reached in each, a row each; a click chooses one."""
    head = h("tr", *(h("th", t(f"labs.column.{name}")) for name in ("lab", "minutes", "points", "reached")))
    rows = [
        h(
            "tr",
            h(
                "td",
                h("button", name_of(lab), do=lab.id, aria_pressed=str(lab.id == chosen).lower()),
            ),
            h("td", str(lab.minutes), cls="num"),
            h("td", f"{lab.points:g}", cls="num"),
            h("td", reached(lab, work)),
            cls="now" if lab.id == chosen else "",
        )
        for lab in labs
    ]
    return [h("table", h("thead", head), h("tbody", *rows), cls="table labs-list")]


def name_of(lab: Lab) -> str:
    """A lab's number and title."""
    return f"{lab.number} · {lab.title}"


def reached(lab: Lab, work: Work) -> str:
    """What is known of a lab: the points of the student's own results.json, and how many numbers were right."""
    said = []
    points = next((entry for entry in work.entries if entry.id == entry_id(lab.id, RESULTS)), None)
    if points is not None and isinstance(points.truth, float):
        said.append(t("labs.reached_points", points=f"{points.truth:g}", most=f"{lab.points:g}"))
    loss = experiments(work).get(lab.id)
    if loss is not None:
        said.append(t("labs.reached_loss", loss=loss))
    ids = {entry_id(lab.id, box.value) for box in lab.answers}
    right = sum(entry.id in ids and entry.truth is not None for entry in work.entries)
    if right:
        said.append(tn("labs.reached_numbers", len(ids), right=right))
    return ", ".join(said) or "–"


def experiments(work: Work) -> dict[str, float]:
    """The loss of the open experiment of each lab whose results were opened, in nats per character."""
    found = {entry.question.removesuffix(f".{EXPERIMENT}"): entry for entry in work.entries if entry.level == "labs"}
    return {
        lab: entry.truth
        for lab, entry in sorted(found.items())
        if entry.id == entry_id(lab, EXPERIMENT) and isinstance(entry.truth, float) and 0 <= entry.truth <= MOST_LOSS
    }


def entry_id(lab: str, what: str) -> str:
    """The id of an entry in the student's work: one a box and one for the results, so a later one replaces it.

    >>> entry_id("lab01", "results") == entry_id("lab01", "results") != entry_id("lab02", "results")
    True
    """
    return hashlib.sha256(f"labs {lab} {what}".encode()).hexdigest()[:16]


# --- one lab -------------------------------------------------------------------------------------------------


def head_trees(lab: Lab) -> list[Tree]:
    """The title, what it takes, and how to begin."""
    starters = [
        h("a", t(f"labs.starter_{kind}"), href=address(lab.id, f"lab.{kind}"), download=f"{lab.id}.{kind}")
        for kind in ("py", "ipynb")
    ]
    return [
        h("h2", name_of(lab)),
        h("p", lab.summary, cls="look"),
        h("p", t("labs.begin"), cls="look"),
        h("pre", f"python -m lmlab start {lab.id}\npython -m lmlab check {lab.id} --watch", cls="code"),
        h("p", t("labs.or"), " ", starters[0], " · ", starters[1], cls="look"),
    ]


def statement_of(lab: Lab) -> list[Tree]:
    """The statement, as it lies in the lab's folder."""
    return statement_trees(lab.readme, address(lab.id))


def hints_trees(lab: Lab) -> list[Tree]:
    """The exercises with their points, each with three hints that open one after the other."""
    points = {exercise.name: exercise.points for exercise in lab.checked}
    rows = [h("h3", t("labs.exercises")), h("p", t("labs.hints"), cls="look")]
    for text in lab.exercises:
        inner: Tree = ""
        for number in reversed(range(len(text.hints))):
            inner = h(
                "details",
                h("summary", t("labs.hint", n=number + 1, of=len(text.hints), name=text.name)),
                h("p", text.hints[number]),
                *([inner] if inner else []),
            )
        worth = tn("labs.points", points[text.name], points=f"{points[text.name]:g}")
        name = h("p", text.number, " ", h("code", text.name), " ", h("span", worth, cls="faint"))
        rows.append(h("div", name, inner, cls="hints"))
    if lab.experiment is not None:
        task = lab.experiment
        rows.append(h("div", h("p", f"{task.number} ", h("b", t("labs.experiment")), " ", task.task), cls="hints"))
    return rows


# --- numbers -------------------------------------------------------------------------------------------------


def is_right(given: float, right: float, tolerance: float) -> bool:
    """Whether a number is as near as its box asks; the tolerance is in the unit of the box.

    >>> is_right(13.5, 13.47, 0.06), is_right(13.4, 13.47, 0.06)
    (True, False)
    """
    return abs(given - right) <= tolerance + 1e-12


def verdict_trees(verdicts: Sequence[tuple[str, str]]) -> list[Tree]:
    """For each box its question and `right`, `wrong` or `empty`, in words."""
    rows = [h("li", question, " ", h("b", t(f"labs.number_{verdict}"))) for question, verdict in verdicts]
    return [h("ul", *rows, cls="numbers")] if rows else []


def number_entry(lab: Lab, value: str, question: str, given: float, right: bool) -> Entry:
    """What is kept of a number: the right one itself never leaves the worker."""
    return Entry(
        id=entry_id(lab.id, value),
        level="labs",
        question=f"{lab.id}.{value}"[:80],
        asked=question,
        guess=float(given),
        truth=float(given) if right else None,
        said=t(f"labs.number_{'right' if right else 'wrong'}"),
    )


# --- results -------------------------------------------------------------------------------------------------


def results_trees(data: Mapping[str, Any]) -> list[Tree]:
    """A results.json that was checked already: the score, then a row a test."""
    tests = list(data["tests"])
    most = sum(test["max_score"] for test in tests)
    about = data.get("extra_data")
    lab = str(about.get("lab", ""))[:20] if isinstance(about, dict) else ""
    said = t("labs.score", lab=lab or t("labs.some_lab"), points=f"{data['score']:g}", most=f"{most:g}")
    rows = []
    for test in tests[:MOST_TESTS]:
        state = "passed" if test["score"] >= test["max_score"] else "failed"
        rows.append(
            h(
                "tr",
                h("td", h("b", t(f"labs.{state}"))),
                h(
                    "td",
                    h("div", str(test["name"])[:120]),
                    h("div", str(test.get("output", ""))[:LONGEST_OUTPUT], cls="said"),
                ),
                h("td", f"{test['score']:g} / {test['max_score']:g}", cls="num"),
                cls=state,
            )
        )
    trees = [h("p", h("b", said)), h("p", t("labs.only_shown"), cls="look")]
    for row in list(data.get("leaderboard", []))[:3]:
        trees.append(h("p", t("labs.leaderboard", name=str(row["name"])[:80], value=f"{row['value']:g}"), cls="look"))
    head = h("tr", *(h("th", t(f"labs.column.{name}")) for name in ("state", "check", "points")))
    return [*trees, h("div", h("table", h("thead", head), h("tbody", *rows), cls="table"), cls="scroll")]


def results_entries(lab: Lab, data: Mapping[str, Any]) -> list[Entry]:
    """What is kept of a results.json: the points and the experiment's loss, as it tells them."""
    losses = [float(row["value"]) for row in data.get("leaderboard", []) if row["name"] == LEADERBOARD]
    loss = [
        Entry(
            id=entry_id(lab.id, EXPERIMENT),
            level="labs",
            question=f"{lab.id}.{EXPERIMENT}",
            asked=f"{lab.title}: {t('labs.experiment')}",
            truth=value,
            said=t("labs.reached_loss", loss=value),
        )
        for value in losses[:1]
        if 0 <= value <= MOST_LOSS
    ]
    return [points_entry(lab, data), *loss]


def points_entry(lab: Lab, data: Mapping[str, Any]) -> Entry:
    """The points."""
    score = float(data["score"])
    said = t("labs.score", lab=lab.id, points=f"{score:g}", most=f"{lab.points:g}")
    return Entry(
        id=entry_id(lab.id, RESULTS),
        level="labs",
        question=f"{lab.id}.{RESULTS}",
        asked=lab.title,
        truth=score,
        said=said,
    )
