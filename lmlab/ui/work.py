"""The student's work: what was predicted, what came out, and how the student explains the gap.

It lives in the student's browser and in files that they save, so whatever comes back is checked as a stranger's:
what is sound stays, the rest is left out.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lmlab import __version__
from lmlab.errors import LabError
from lmlab.strings import t

SCHEMA = 2
"""The version of the format that is written. 1 had no cards of models, and its scores had no time."""
READABLE = (1, SCHEMA)
MOST_ENTRIES = 500
MOST_CARDS = 50
MOST_SCORES = 20
MOST_OPTIONS = 64
LARGEST_WORK = 3_000_000  # characters of a file that is loaded; the fullest work that can be saved has fewer

Short = Annotated[str, Field(max_length=80)]
Line = Annotated[str, Field(max_length=1000)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Several = Field(max_length=64)
Answer = Annotated[list[Number], Several] | Annotated[list[Short], Several] | Number | Line | None
Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")]
"""UTC, ISO 8601, to the second: the order of the texts is the order of the times."""
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Options = Annotated[dict[Short, bool | int | Number | Short | None], Field(max_length=MOST_OPTIONS)]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class Part(BaseModel):
    """A part of the work. Unknown fields are dropped; a text is never taken for a number."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Entry(Part):
    """One question that was answered, or skipped; `guess` and `truth` are as plain as the question allows."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] = Field(default_factory=lambda: secrets.token_hex(8))
    level: Short
    question: Short
    """The question's name; `asked` is its text, as the student read it."""
    asked: Line = ""
    corpus: Short = ""
    """On which corpus it was asked, as `lmlab.ui.predict.mark_of` names it; empty for what an older version wrote."""
    guess: Answer = None
    """None: the question was skipped."""
    truth: Answer = None
    said: Line = ""
    """The gap, as the screen told it."""
    why: Line = ""
    """The student's own explanation."""
    at: Time = Field(default_factory=_now)
    """When the guess was locked."""
    explained_at: Time | Literal[""] = ""


class Score(Part):
    """The student's own loss on a corpus, from the guessing game: mean and half width of a 95 % interval, in nats."""

    loss: Annotated[float, Field(ge=0, le=20)]
    spread: Annotated[float, Field(ge=0, le=20)] | None = None
    letters: Annotated[int, Field(ge=1, le=1_000_000)]
    names: Annotated[int, Field(ge=0, le=100_000)] = 0
    at: Time | Literal[""] = Field(default_factory=_now)


class About(Part):
    """What kind of model it is; `parameters` is how many numbers it has learned."""

    kind: Short
    options: Options = {}
    parameters: Annotated[int, Field(ge=0)] = 0


class Learned(Part):
    """What a model learned from."""

    name: Short
    sha256: Hash


class Measured(Part):
    """A loss in nats per character; None where it is infinite."""

    nll: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Card(Part):
    """A model's card without its history, its vocabulary and its weights: enough to say what was made, and how."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    name: Short = ""
    """What the student called it."""
    created: Number = 0.0
    model: About
    corpus: Learned
    metrics: Annotated[dict[Short, Measured], Field(max_length=8)] = {}
    recipe: Options = {}
    seed: int | None = None
    steps: int | None = None
    seconds: Number | None = None
    parent: Short | None = None


class Work(Part):
    """Everything a student did. `scores` holds the student's loss by the hash of the corpus.

    >>> first = Entry(level="count", question="stop", guess=20.0)
    >>> work = Work(entries=[first]).joined(Work(entries=[first.model_copy(update={"why": "n is common"})]))
    >>> [entry.why for entry in work.entries]
    ['n is common']
    """

    format: Literal["lmlab work"] = "lmlab work"
    schema_version: Literal[2] = 2
    entries: Annotated[list[Entry], Field(max_length=MOST_ENTRIES)] = []
    scores: Annotated[dict[Hash, Score], Field(max_length=MOST_SCORES)] = {}
    cards: Annotated[list[Card], Field(max_length=MOST_CARDS)] = []
    """Models of other servers, from files that were loaded; in a file also those on the bench."""

    def joined(self, other: "Work") -> "Work":
        """Both works' entries by time. Where both have one, the one that got further stands: a page that was left
        open must not undo what was written in another one. The oldest go when there are many."""
        entries = {entry.id: entry for entry in self.entries}
        for entry in other.entries:
            if entry.id not in entries or _far(entry) >= _far(entries[entry.id]):
                entries[entry.id] = entry
        scores = dict(self.scores)
        for corpus, score in other.scores.items():
            if corpus not in scores or score.at >= scores[corpus].at:
                scores[corpus] = score
        cards = {card.id: card for card in (*self.cards, *other.cards)}
        return Work(
            entries=sorted(entries.values(), key=lambda entry: entry.at)[-MOST_ENTRIES:],
            scores=dict(sorted(scores.items(), key=lambda item: item[1].at)[-20:]),
            cards=sorted(cards.values(), key=lambda card: card.created)[-MOST_CARDS:],
        )

    def done(self) -> list[str]:
        """Names of the levels where a gap was seen, in the order of the first one."""
        return list(dict.fromkeys(entry.level for entry in self.entries if entry.truth is not None))

    def to_json(self) -> dict[str, Any]:
        """Plain data for the browser and for a file."""
        return self.model_dump(mode="json")


def _far(entry: Entry) -> tuple[bool, str]:
    return entry.truth is not None, entry.explained_at


# --- what comes back ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loaded:
    """What a file held: the work, and how many of its parts were damaged and are left out."""

    work: Work
    left_out: int


def read_work(stored: Any) -> Work:
    """What a browser held, as far as it is sound; nothing at all where it is not a work.

    >>> read_work({"entries": "no"}).entries
    []
    >>> read_work({"entries": [{"level": 7}, {"level": "count", "question": "stop"}]}).entries[0].question
    'stop'
    """
    return _sound(stored).work if isinstance(stored, dict) else Work()


def load_work(text: str) -> Loaded:
    """The work in a saved file. Raises `LabError` for a file that is none, and for one of a later version.

    >>> load_work("[]")
    Traceback (most recent call last):
    lmlab.errors.LabError: This is not a work file of lmlab. Choose one that "Save work" made.
    """
    if len(text) > LARGEST_WORK:
        raise LabError(t("frame.work.too_large", length=len(text), most=LARGEST_WORK))
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError):
        stored = None
    if not isinstance(stored, dict) or stored.get("format") != "lmlab work":
        raise LabError(t("frame.work.no_work_file"))
    version = stored.get("schema_version")
    if version not in READABLE or isinstance(version, bool):
        raise LabError(t("frame.work.other_version", version=str(version)[:20], first=READABLE[0], last=SCHEMA))
    return _sound(stored)


def _sound(stored: dict[str, Any]) -> Loaded:
    """Each entry, score and card by itself: a bad one does not take the good ones with it."""
    held: dict[str, Any] = {"entries": [], "scores": {}, "cards": []}
    left_out = 0
    for name, kind, most in (("entries", Entry, MOST_ENTRIES), ("cards", Card, MOST_CARDS)):
        parts = stored.get(name)
        parts = parts if isinstance(parts, list) else []
        left_out += max(0, len(parts) - 2 * most)  # to look at millions of bad parts would hold up everybody
        for part in parts[-2 * most :]:
            try:
                held[name].append(kind.model_validate(part))
            except (ValidationError, RecursionError):
                left_out += 1
    scores = stored.get("scores")
    found = list(scores.items()) if isinstance(scores, dict) else []
    left_out += max(0, len(found) - 2 * MOST_SCORES)
    for corpus, score in found[-2 * MOST_SCORES :]:
        try:
            # A score of schema 1 has no time: it is older than any that has one.
            checked = Score.model_validate({"at": "", **score} if isinstance(score, dict) else score)
            held["scores"] |= Work.model_validate({"scores": {corpus: checked}}).scores
        except (ValidationError, RecursionError):
            left_out += 1
    # An entry may stand there more than once, and there may be too many: `joined` has the rule for both.
    whole = Work.model_construct(**held)
    return Loaded(Work().joined(whole), left_out)


# --- what is saved -----------------------------------------------------------------------------------------


def card_of(card: dict[str, Any]) -> Card | None:
    """A run's card as the work keeps it; None for one that says too little."""
    plain = {name: value for name, value in card.items() if name in Card.model_fields}
    plain["model"] = {**card.get("model", {}), "options": _plain(card.get("model", {}).get("options"))}
    plain["recipe"] = _plain(card.get("recipe"))
    plain["metrics"] = {name: value for name, value in (card.get("metrics") or {}).items() if isinstance(value, dict)}
    try:
        return Card.model_validate(plain)
    except ValidationError:
        return None


def _plain(options: Any) -> dict[str, Any]:
    """Options that are single values; lists and nests are left out."""
    if not isinstance(options, dict):
        return {}
    return {name: value for name, value in options.items() if isinstance(value, bool | int | float | str | None)}


def work_file(work: Work, cards: Iterable[dict[str, Any]]) -> str:
    """The text of a file for handing in: the work with the cards of the models on the bench, and who wrote it.

    >>> json.loads(work_file(Work(), []))["format"]
    'lmlab work'
    """
    made = [card for card in map(card_of, cards) if card is not None]
    whole = work.joined(Work.model_construct(cards=made[-MOST_CARDS:]))
    return json.dumps(
        {**whole.to_json(), "app": f"lmlab {__version__}", "saved_at": _now()}, ensure_ascii=False, indent=1
    )


def cards_elsewhere(work: Work, here: Sequence[dict[str, Any]]) -> list[Card]:
    """The work's models that this server does not have."""
    known = {card["id"] for card in here}
    return [card for card in work.cards if card.id not in known]
