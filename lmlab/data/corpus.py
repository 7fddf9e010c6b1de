"""A corpus: documents, cleaned and split once, the same way for everybody.

Every model is compared on the same held-out names, so the split must not depend on a seed, on the order of
the lines or on the machine: a name's side is a hash of the name itself. Repeats are removed *before* the
split; in the well-known names file, where they stay, about one held-out name in eight is also a training
name.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lmlab.errors import LabError
from lmlab.strings import t, tn

if TYPE_CHECKING:
    from datasets import Dataset

Kind = Literal["names", "text"]
Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

FILES = Path(__file__).parent / "files"


@dataclass(frozen=True)
class Bundled:
    """A corpus that comes with the package: its file, its kind, and the tokens that suit it."""

    path: Path
    kind: Kind
    tokenizer: str = "characters"


BUNDLED = {
    "names": Bundled(FILES / "names.txt", "names"),
    "names_indian": Bundled(FILES / "names_indian.txt", "names"),
    "words": Bundled(FILES / "words.txt", "names", "words"),
    "shakespeare": Bundled(FILES / "shakespeare.txt", "text"),
}

FEWEST_FOR_HASH_SPLIT = 100
LARGEST_FILE = 50_000_000  # bytes; the bundled Shakespeare has one million
LONGEST_NAME = 100  # characters; a longer line is prose, not a name
SHORTEST_TEXT = 30  # characters, so that each tenth holds a few
LARGEST_ALPHABET = 1_000  # distinct characters; a softmax over more would not fit a lesson


@dataclass(frozen=True)
class Report:
    """What cleaning did, in numbers: `lines` read, `kept`, and why the others were dropped."""

    lines: int
    kept: int
    empty: int = 0
    duplicates: int = 0
    too_long: int = 0
    by_rank: bool = False
    """The corpus is small, so the split goes by the rank of the hash instead of the hash itself."""

    def sentence(self) -> str:
        """Say it in words.

        >>> Report(lines=5, kept=3, empty=1, duplicates=1, by_rank=True).sentence()
        'Read 5 lines, kept 3; dropped 1 repeated, 1 empty. Too few names for the split by hash, so it goes by rank.'
        """
        dropped = [
            f"{number:,} {why}"
            for number, why in (
                (self.duplicates, "repeated"),
                (self.empty, "empty"),
                (self.too_long, f"longer than {LONGEST_NAME} characters"),
            )
            if number
        ]
        text = f"Read {self.lines:,} lines, kept {self.kept:,}"
        text += f"; dropped {', '.join(dropped)}." if dropped else "; dropped none."
        if self.by_rank:
            text += " Too few names for the split by hash, so it goes by rank."
        return text


@dataclass(frozen=True, eq=False)
class Corpus:
    """Documents with their side of the split.

    `texts` and `sides` are parallel lists; `sha256` is the hash of the cleaned documents, so two corpora
    with the same hash hold the same lines in the same order.
    """

    kind: Kind
    texts: list[str] = field(repr=False)
    sides: list[Part] = field(repr=False)
    report: Report
    sha256: str
    name: str = "your text"
    tokens: str = "characters"
    """The tokenizer that suits it: `characters`, or `words` where the words are the lesson."""

    @cached_property
    def documents(self) -> "Dataset":
        """The corpus as a `datasets.Dataset` with the columns `text` and `part`.

        Made when it is first asked for: importing `datasets` takes a second and 95 MB, which a worker that
        only trains can save.
        """
        from datasets import Dataset

        return Dataset.from_dict({"text": self.texts, "part": self.sides})

    @cached_property
    def _parts(self) -> dict[Part, list[str]]:
        parts: dict[Part, list[str]] = {part: [] for part in PARTS}
        for text, side in zip(self.texts, self.sides, strict=True):
            parts[side].append(text)
        return parts

    def part(self, part: Part) -> list[str]:
        """The documents of one side: `train`, `validation` or `test`."""
        return self._parts[part]

    @property
    def split(self) -> dict[Part, int]:
        """How many documents each side has."""
        return {part: len(self._parts[part]) for part in PARTS}

    @cached_property
    def side_of(self) -> dict[str, Part]:
        """The side of each document."""
        return dict(zip(self.texts, self.sides, strict=True))

    @cached_property
    def alphabet(self) -> list[str]:
        """Every character of every document, sorted by code point."""
        return sorted(set("".join(self.texts)))

    @cached_property
    def longest(self) -> int:
        """Length of the longest document in characters."""
        return max(len(text) for text in self.texts)


def normalise_name(line: str) -> str:
    """Lower-case, strip, compose accents, and fold runs of white space into one space.

    >>> normalise_name("  Zoe\\u0308 ")
    'zoë'
    >>> normalise_name("प्रिया")
    'प्रिया'
    """
    # Composing takes time that grows with the square of the accents; what is far too long stays as it is.
    composed = unicodedata.normalize("NFC", line.lower()) if len(line) <= 4 * LONGEST_NAME else line
    return re.sub(r"\s+", " ", composed).strip()


def hash_of(document: str) -> int:
    """64-bit blake2b of the normalised UTF-8; the split is this number modulo 10.

    >>> hash_of("emma") % 10, hash_of("olivia") % 10
    (1, 9)
    """
    digest = hashlib.blake2b(document.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def split_names(names: list[str]) -> tuple[list[Part], bool]:
    """Side of each distinct name, and whether the rule for small corpora was used.

    Buckets 0 to 7 train, 8 validates, 9 tests. Under 100 names a bucket may be empty (and in a list that was
    picked by the hash it is), so there the names are ranked by hash and the last tenth (at least one) tests,
    the tenth before it validates.

    >>> split_names(["a", "b", "c"])[1]
    True
    """
    sides: list[Part] = [*["train"] * 8, "validation", "test"]  # type: ignore[list-item]
    by_hash = [sides[hash_of(name) % 10] for name in names]
    if len(names) >= FEWEST_FOR_HASH_SPLIT and set(by_hash) == set(PARTS):
        return by_hash, False
    tenth = max(1, round(len(names) / 10))
    ranked = sorted(names, key=hash_of)
    side_of: dict[str, Part] = dict.fromkeys(ranked, "train")
    side_of.update(dict.fromkeys(ranked[-2 * tenth : -tenth], "validation"))
    side_of.update(dict.fromkeys(ranked[-tenth:], "test"))
    return [side_of[name] for name in names], True


def names_corpus(lines: Iterable[str], name: str = "your text") -> Corpus:
    """Clean, deduplicate and split one document a line.

    Raises `LabError` when fewer than three distinct names are left: each side needs one.

    >>> corpus = names_corpus(["Ada", "ada ", "", "Grace", "Alan", "Edsger"])
    >>> corpus.report.sentence()
    'Read 6 lines, kept 4; dropped 1 repeated, 1 empty. Too few names for the split by hash, so it goes by rank.'
    >>> corpus.split
    {'train': 2, 'validation': 1, 'test': 1}
    """
    lines = list(lines)
    cleaned = [normalise_name(line) for line in lines]
    filled = [line for line in cleaned if line]
    short = [line for line in filled if len(line) <= LONGEST_NAME]
    names = list(dict.fromkeys(short))
    if len(names) < 3:
        said = tn("error.few_lines", len(names))
        raise LabError(f"{said} {t('error.long_lines', most=LONGEST_NAME)}" if len(short) < len(filled) else said)
    sides, by_rank = split_names(names)
    report = Report(
        lines=len(lines),
        kept=len(names),
        empty=len(cleaned) - len(filled),
        duplicates=len(short) - len(names),
        too_long=len(filled) - len(short),
        by_rank=by_rank,
    )
    return _assemble("names", names, sides, report, name)


def text_corpus(text: str, name: str = "your text") -> Corpus:
    """One long document in three contiguous pieces, 80/10/10; case and repeats are kept.

    >>> text_corpus("to be or not to be, that is the question").part("validation")
    ['ques']
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) < SHORTEST_TEXT:
        raise LabError(t("error.short_text", n=len(text), least=SHORTEST_TEXT))
    first, second = len(text) * 8 // 10, len(text) * 9 // 10
    pieces = [text[:first], text[first:second], text[second:]]
    report = Report(lines=text.count("\n") + 1, kept=text.count("\n") + 1)
    return _assemble("text", pieces, list(PARTS), report, name)


def _assemble(kind: Kind, texts: list[str], sides: list[Part], report: Report, name: str) -> Corpus:
    # Half of a surrogate pair is no character and cannot be stored as UTF-8.
    texts = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    digest = hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
    corpus = Corpus(kind, texts, sides, report, digest, name)
    if len(corpus.alphabet) > LARGEST_ALPHABET:
        raise LabError(t("error.many_characters", n=len(corpus.alphabet), most=LARGEST_ALPHABET))
    return corpus


def load_corpus(source: str | Path, kind: Kind | None = None) -> Corpus:
    """Load a bundled corpus, a file, pasted text or a Hub data set.

    `source` is the name of a bundled corpus (`names`, `names_indian`, `words`, `shakespeare`), `hub:owner/name`
    (needs a network), the path of a UTF-8 file, or the text itself when it holds a line break. `kind` says
    whether it is one document a line (`names`, the default for anything that is not bundled) or one `text`.

    Raises `LabError` when the source cannot be read or holds too little.

    >>> load_corpus("names_indian").split
    {'train': 924, 'validation': 111, 'test': 110}
    >>> load_corpus("ada\\ngrace\\nalan").name
    'your text'
    >>> load_corpus("to be, or not to be,\\nthat is the question", "text").kind
    'text'
    """
    if kind not in (None, "names", "text"):
        raise LabError(f"The kind of corpus '{kind}' is unknown: choose names (one document a line) or text.")
    if isinstance(source, str) and source in BUNDLED:
        bundled = BUNDLED[source]
        kind = kind or bundled.kind
        return replace(names_or_text(raw_lines(source, kind), source, kind), tokens=bundled.tokenizer)
    kind = kind or "names"
    if isinstance(source, str) and source.startswith("hub:"):
        name = source
    elif isinstance(source, str) and "\n" in source:
        name = "your text"
    else:
        name = Path(source).stem
    return names_or_text(raw_lines(source, kind), name, kind)


def raw_lines(source: str | Path, kind: Kind = "names") -> list[str]:
    """The lines of a source as they stand, before anything is cleaned: repeats, empty lines and all.

    `source` is what `load_corpus` takes. Lines of a `text` end at a line feed alone, so that joining them with line
    feeds gives the text back. Raises `LabError` when the source cannot be read or is a file of more than 50 MB.

    >>> raw_lines("Ada\\n\\nada")
    ['Ada', '', 'ada']
    """
    if isinstance(source, str) and source.startswith("hub:"):
        return hub_lines(source.removeprefix("hub:"))
    if isinstance(source, str) and source in BUNDLED:
        text = BUNDLED[source].path.read_text("utf-8")
    elif isinstance(source, str) and "\n" in source:
        text = source
    else:
        text = _file_text(source)
    return text.splitlines() if kind == "names" else text.split("\n")


def _file_text(source: str | Path) -> str:
    path = Path(source)
    try:
        size = path.stat().st_size if path.is_file() else None
    except (OSError, ValueError):  # a long line, or one with a NUL, is not even a possible name
        size = None
    if size is None:
        raise LabError(t("error.no_corpus", name=str(source)[:80], known=", ".join(BUNDLED)))
    if size > LARGEST_FILE:
        raise LabError(t("error.large_file", name=path.name, size=size / 1e6, most=LARGEST_FILE / 1e6))
    return decode_utf8(path.read_bytes(), path.name)


def decode_utf8(content: bytes, file: str) -> str:
    """Bytes of a file as text; a byte-order mark is dropped.

    >>> decode_utf8(b"caf\\xe9", "names.txt")
    Traceback (most recent call last):
    lmlab.errors.LabError: names.txt is not UTF-8: byte 4 (0xe9) does not fit. Save the file as UTF-8 and load
    it again.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabError(t("error.not_utf8", file=file, at=error.start + 1, byte=content[error.start])) from None


def names_or_text(lines: list[str], name: str, kind: Kind) -> Corpus:
    """Make the corpus of the wanted kind from lines."""
    return names_corpus(lines, name) if kind == "names" else text_corpus("\n".join(lines), name)


def hub_lines(name: str, most: int = 5_000_000) -> list[str]:
    """Lines of a Hub data set's train split, at most `most` characters of them, streamed.

    The column is `text` or `name`, or else the first one of strings. Raises `LabError` where the data set
    cannot be had.
    """
    from datasets import Value, load_dataset_builder

    # `datasets` would read a local folder of that name, so one that exists is refused.
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name) or ".." in name or Path(name).exists():
        raise LabError(t("error.no_hub_name", name=name[:80]))
    try:
        # Never with the server's own token: what only its owner may read is not for visitors.
        builder = load_dataset_builder(name, token=False)
        # A data set says itself where its files are, and it may say: in a folder of this server.
        home = f"hf://datasets/{name}@"
        files = [str(file) for part in (builder.config.data_files or {}).values() for file in part]
        if not files or not all(file.startswith(home) for file in files):
            raise LabError(t("error.no_hub_text", name=name))
        data = builder.as_streaming_dataset(split="train")
        kinds = data.features or {}
        strings = [column for column, kind in kinds.items() if kind in (Value("string"), Value("large_string"))]
        if not strings:
            raise LabError(t("error.no_hub_text", name=name))
        wanted = ("text", "name", "names")
        column = next((column for want in wanted for column in strings if column.lower() == want), strings[0])
        lines: list[str] = []
        length = 0
        for row in data:
            found = (row[column] or "").splitlines()
            lines += found
            length += sum(len(line) + 1 for line in found)  # an empty line takes room, too
            if length > most:
                break
        return lines
    except LabError:
        raise
    except Exception as error:  # many kinds: no network, no such data set, a format datasets cannot read
        raise LabError(t("error.hub", name=name, why=type(error).__name__)) from error
