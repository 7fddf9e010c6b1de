"""What byte-pair encoding starts from: a text split into words, the bytes of a word, and how bytes are drawn."""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import regex

from lmlab.errors import LabError

# How GPT-2 splits a text (openai/gpt-2, src/encoder.py): English endings, letters, digits and marks, each with
# the space before them, and white space, whose last space goes to the word that follows.
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

# GPT-2 numbers the bytes that print as one sign of Latin-1 first, then the others.
PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
BYTE_OF_ID = bytes([*PRINTABLE, *(byte for byte in range(256) if byte not in PRINTABLE)])
ID_OF_BYTE = bytes(BYTE_OF_ID.index(byte) for byte in range(256))

LONGEST_PATTERN = 1_000
SPLIT_SECONDS = 20.0  # for all texts of a call together, and a second more for so many characters, which GPT-2's
FAIR_SPEED = 1_000_000  # pattern splits in a sixth of a second
TOO_DEEP = (RuntimeError, MemoryError, OverflowError)  # a RecursionError is a RuntimeError
"""What the library `regex` raises, beside its own error, for a pattern that calls itself or is nested too deep."""
LARGEST_FILE = 20_000_000


class Splitter:
    """Splits texts by a pattern of the library `regex`; without one, a text is a single word.

    >>> Splitter(GPT2_PATTERN)("Hello  world, it's 42!")
    ['Hello', ' ', ' world', ',', ' it', "'s", ' 42', '!']
    >>> Splitter(None)("one piece")
    ['one piece']
    """

    def __init__(self, pattern: str | None) -> None:
        """Compile the pattern. Raises `LabError` where it is broken or has groups, which hide what they skip."""
        self.pattern = pattern
        if pattern is None:
            return
        if len(pattern) > LONGEST_PATTERN:
            raise LabError(f"The pattern has {len(pattern):,} characters; at most {LONGEST_PATTERN:,} work here.")
        try:
            self._compiled = regex.compile(pattern)
        except (regex.error, ValueError) as error:  # ValueError: flags that exclude each other
            raise LabError(
                f"The pattern {pattern[:80]!r} cannot be read: {error}. Mend it, or use GPT-2's."
            ) from None
        except TOO_DEEP:
            raise self._too_deep() from None
        if self._compiled.groups:
            raise LabError(f"The pattern {pattern[:80]!r} has groups. Write (?:…) instead of (…).")

    def __call__(self, text: str) -> list[str]:
        """The words of one text; see `many`."""
        return next(self.many([text]))

    def many(self, texts: Iterable[str], seconds: float | None = None) -> Iterator[list[str]]:
        """The words of each text, which joined are the text.

        Splitting all texts together may take `seconds` (None: `SPLIT_SECONDS`), and one more for each million
        characters. Raises `LabError` beyond, where the words joined are not the text, and where the pattern calls
        itself without an end.

        >>> list(Splitter("[a-z]+|(?s:.)").many(["ab c", "d"]))
        [['ab', ' ', 'c'], ['d']]
        >>> Splitter("[a-z]+")("ab c")
        Traceback (most recent call last):
        lmlab.errors.LabError: The pattern '[a-z]+' leaves out parts of the text. Write |(?s:.) at its end: any
        character.
        """
        left = SPLIT_SECONDS if seconds is None else seconds
        for text in texts:
            if self.pattern is None:
                yield [text] if text else []
                continue
            left += len(text) / FAIR_SPEED
            begin = time.perf_counter()
            try:
                if left <= 0:
                    raise TimeoutError
                words: list[str] = self._compiled.findall(text, timeout=left)
            except TimeoutError:
                raise LabError(
                    f"The pattern {self.pattern[:80]!r} takes too long. Use GPT-2's, or a simpler one."
                ) from None
            except TOO_DEEP:
                raise self._too_deep() from None
            left -= time.perf_counter() - begin
            if "".join(words) != text:
                raise self._not_the_text(words, text)
            yield [word for word in words if word]

    def _too_deep(self) -> LabError:
        return LabError(
            f"The pattern {str(self.pattern)[:80]!r} calls itself without an end or is nested too deep. "
            "Use GPT-2's, or a simpler one."
        )

    def _not_the_text(self, words: list[str], text: str) -> LabError:
        shown = f"The pattern {str(self.pattern)[:80]!r}"
        if sum(map(len, words)) == len(text):
            return LabError(f"{shown} gives the parts of the text in another order. Take (?r) out, or use GPT-2's.")
        if str(self.pattern).endswith("|(?s:.)"):
            return LabError(f"{shown} leaves out parts of the text although any character may match. Use GPT-2's.")
        return LabError(f"{shown} leaves out parts of the text. Write |(?s:.) at its end: any character.")


def bytes_of(word: str) -> bytes:
    """UTF-8; half of a surrogate pair, which a cut emoji leaves behind, gets three bytes of its own."""
    return word.encode("utf-8", "surrogatepass")


def draw(content: bytes) -> str:
    r"""Bytes as a reader sees them: a space as an open box, what does not print as its escape.

    >>> draw(b" the"), draw(b"\n"), draw(b"."), draw("न".encode()), draw("न".encode()[:2]), draw(b"\0")
    ('␣the', '⏎', '‘.’', 'न', '\\xe0\\xa4', '\\x00')
    """
    if content == b".":
        return "‘.’"
    drawn = {" ": "␣", "\n": "⏎", "\t": "⇥"}
    return "".join(
        drawn.get(character) or (character if character.isprintable() else repr(character)[1:-1])
        for character in content.decode("utf-8", "backslashreplace")
    )


def read_card(path: str | Path) -> dict[str, Any]:
    """The JSON object in a tokenizer's file. Raises `LabError` where there is none."""
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise LabError(f"{path.name} is larger than 20 MB, so it is no tokenizer. Choose another file.")
        card = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise LabError(f"{path.name} cannot be read: {error.strerror}. Check the path.") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, LabError):
            raise
        card = None
    if not isinstance(card, dict):
        raise LabError(f"{path.name} holds no tokenizer. Choose a file that bpe-train wrote.")
    return card
