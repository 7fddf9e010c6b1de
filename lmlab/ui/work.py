"""The student's work: what was predicted, what came out, and how the student explains the gap.

It lives in the student's browser and in files that they save, so whatever comes back is checked as a stranger's.
"""

import json
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lmlab.errors import LabError

MOST_ENTRIES = 500
LARGEST_WORK = 1_000_000  # characters of a file that is loaded

Short = Annotated[str, Field(max_length=80)]
Line = Annotated[str, Field(max_length=1000)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Several = Field(max_length=64)
Answer = Annotated[list[Number], Several] | Annotated[list[Short], Several] | Number | Line | None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class Entry(BaseModel):
    """One question that was answered, or skipped; `guess` and `truth` are as plain as the question allows."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] = Field(default_factory=lambda: secrets.token_hex(8))
    level: Short
    question: Short
    """The question's name; `asked` is its text, as the student read it."""
    asked: Line = ""
    guess: Answer = None
    """None: the question was skipped."""
    truth: Answer = None
    said: Line = ""
    """The gap, as the screen told it."""
    why: Line = ""
    """The student's own explanation."""
    at: Short = Field(default_factory=_now)
    """When the guess was locked: UTC, ISO 8601."""
    explained_at: Short = ""


class Score(BaseModel):
    """The student's own loss on a corpus, from the guessing game: mean and half width of a 95 % interval, in nats."""

    model_config = ConfigDict(extra="ignore", strict=True)

    loss: Annotated[float, Field(ge=0, le=20)]
    spread: Annotated[float, Field(ge=0, le=20)] | None = None
    letters: Annotated[int, Field(ge=1, le=1_000_000)]
    names: Annotated[int, Field(ge=0, le=100_000)] = 0


class Work(BaseModel):
    """Everything a student did. `scores` holds the student's loss by the hash of the corpus.

    >>> first = Entry(level="count", question="stop", guess=20.0)
    >>> work = Work(entries=[first]).joined(Work(entries=[first.model_copy(update={"why": "n is common"})]))
    >>> [entry.why for entry in work.entries]
    ['n is common']
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    format: Literal["lmlab work"] = "lmlab work"
    schema_version: Literal[1] = 1
    entries: Annotated[list[Entry], Field(max_length=MOST_ENTRIES)] = []
    scores: Annotated[dict[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], Score], Field(max_length=20)] = {}

    def joined(self, other: "Work") -> "Work":
        """Both works' entries by time; where both have one, `other`'s stands. The oldest go when there are many."""
        entries = {entry.id: entry for entry in (*self.entries, *other.entries)}
        ordered = sorted(entries.values(), key=lambda entry: entry.at)[-MOST_ENTRIES:]
        return Work(entries=ordered, scores={**self.scores, **other.scores})

    def done(self) -> list[str]:
        """Names of the levels where a gap was seen, in the order of the first one."""
        return list(dict.fromkeys(entry.level for entry in self.entries if entry.truth is not None))

    def to_json(self) -> dict[str, Any]:
        """Plain data for the browser and for a file."""
        return self.model_dump(mode="json")


def read_work(stored: Any) -> Work:
    """What a browser held; nothing at all where it is not a work of this or an older version.

    >>> read_work({"entries": "no"}).entries
    []
    """
    if not isinstance(stored, dict):
        return Work()
    try:
        return Work.model_validate(stored)
    except ValidationError:
        return Work()


def load_work(text: str) -> Work:
    """The work in a saved file. Raises `LabError` for any other file.

    >>> load_work("[]")
    Traceback (most recent call last):
    lmlab.errors.LabError: This is not a work file of lmlab. Choose one that "Save work" made.
    """
    if len(text) > LARGEST_WORK:
        raise LabError(f"The file has {len(text):,} characters; a work file has at most {LARGEST_WORK:,}.")
    try:
        return Work.model_validate(json.loads(text))
    except (ValueError, RecursionError):
        raise LabError('This is not a work file of lmlab. Choose one that "Save work" made.') from None
