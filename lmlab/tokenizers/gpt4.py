"""The vocabularies of GPT-4 (`cl100k`) and GPT-4o (`o200k`), through the optional package `bpe-openai`."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from lmlab.errors import LabError, nearest
from lmlab.tokenizers.pieces import draw
from lmlab.tokenizers.protocol import IntArray

ENCODINGS = {"cl100k": "cl100k_base", "o200k": "o200k_base"}
LONGEST = 999_999  # characters; the package takes no more at once


class GPT4Tokenizer:
    """Another library's tokenizer behind our protocol; the boundary is its `<|endoftext|>`.

    Some ids below `vocab_size` were never given out, and some stand for marks of a chat; no text encodes to
    either, and `decode` leaves them out.
    """

    unknown_id: int | None = None

    def __init__(self, name: str) -> None:
        """`name` is cl100k or o200k. Raises `LabError` for another one, or where the package is not installed."""
        if name not in ENCODINGS:
            raise LabError(
                f"There is no vocabulary called {name[:40]!r}.{nearest(name, ENCODINGS)} Use cl100k or o200k."
            )
        try:
            from bpe_openai import get_encoding
        except ImportError:
            raise LabError(
                f"The vocabulary {name} needs the package bpe-openai, which is not installed. "
                "Install it with: pip install 'lmlab[tokenizers]'. The gpt2 tokenizer works without it."
            ) from None
        self.name = name
        self._encoding: Any = get_encoding(ENCODINGS[name])
        self.vocab_size: int = self._encoding.n_vocab
        self.boundary_id: int = self._encoding.eot_token

    @cached_property
    def _texts(self) -> list[bytes | None]:
        texts: list[bytes | None] = []
        for i in range(self.vocab_size):
            try:
                special = self._encoding.is_special_token(i)
                texts.append(None if special else self._encoding.decode_single_token_bytes(i))
            except KeyError:  # an id that was never given out
                texts.append(None)
        return texts

    @cached_property
    def symbols(self) -> list[str]:
        """How each id is drawn, as in `BPETokenizer`; ids without a text as `<100261>`."""
        symbols = [f"<{i}>" if text is None else draw(text) for i, text in enumerate(self._texts)]
        symbols[self.boundary_id] = "."
        return symbols

    def encode(self, text: str) -> list[int]:
        """Text -> ids, without boundaries. Raises `LabError` for half a surrogate pair and beyond `LONGEST`."""
        if len(text) > LONGEST:
            raise LabError(f"The text has {len(text):,} characters; {self.name} takes at most {LONGEST:,} at once.")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise LabError(f"Character {error.start + 1} is half of a pair and no character. Take it out.") from None
        return list(self._encoding.encode_ordinary(text))

    def encode_many(self, documents: Sequence[str]) -> tuple[IntArray, IntArray]:
        """All documents one after the other, and how many tokens each has."""
        encoded = [self.encode(document) for document in documents]
        ids = np.array([i for document in encoded for i in document], dtype=np.int64)
        return ids, np.array([len(document) for document in encoded], dtype=np.int64)

    def decode(self, ids: Sequence[int]) -> str:
        """Ids -> text; boundaries vanish, and bytes that form no character become `�`."""
        return b"".join(self._texts[i] or b"" for i in ids).decode("utf-8", "replace")

    def to_json(self) -> dict[str, Any]:
        """What a run's card stores."""
        return {"kind": "gpt4", "name": self.name}


@lru_cache(maxsize=2)
def gpt4(name: str) -> GPT4Tokenizer:
    """The tokenizer `cl100k` or `o200k`, made once.

    >>> gpt4("cl100")
    Traceback (most recent call last):
    lmlab.errors.LabError: There is no vocabulary called 'cl100'. Did you mean 'cl100k'? Use cl100k or o200k.
    """
    return GPT4Tokenizer(name)
