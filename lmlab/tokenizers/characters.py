"""Characters as tokens: the simplest tokenizer, and the one the ladder starts with."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from lmlab.errors import LabError
from lmlab.strings import t
from lmlab.tokenizers.protocol import IntArray


class CharacterTokenizer:
    """One token a Unicode character (code point); id 0 is the boundary, the alphabet follows in order.

    >>> tokenizer = CharacterTokenizer("abc")
    >>> tokenizer.vocab_size, tokenizer.encode("cab"), tokenizer.decode([0, 3, 1, 2, 0])
    (4, [3, 1, 2], 'cab')
    >>> tokenizer.symbols
    ['.', 'a', 'b', 'c']
    """

    boundary_id = 0
    unknown_id: int | None = None

    def __init__(self, alphabet: Sequence[str]) -> None:
        self.alphabet = sorted(set(alphabet))
        self.vocab_size = 1 + len(self.alphabet)
        self._codes = np.array([ord(character) for character in self.alphabet], dtype=np.uint32)

    @cached_property
    def symbols(self) -> list[str]:
        """How each id is drawn: the boundary as `.`, a real full stop in quotes, a space as an open box."""
        drawn = {".": "‘.’", " ": "␣", "\n": "⏎", "\t": "⇥"}
        return [".", *(drawn.get(character, character) for character in self.alphabet)]

    def encode(self, text: str) -> list[int]:
        """Text -> ids, without boundaries. Raises `LabError` that names a character outside the vocabulary.

        >>> CharacterTokenizer("abc").encode("bad")
        Traceback (most recent call last):
        lmlab.errors.LabError: The character 'd' is not in the vocabulary, which has: abc. Use only these.
        """
        return self.encode_many([text])[0].tolist()

    def encode_many(self, documents: Sequence[str]) -> tuple[IntArray, IntArray]:
        """All documents one after the other, and the length of each; no Python work per character.

        >>> ids, lengths = CharacterTokenizer("abc").encode_many(["ab", "c"])
        >>> ids.tolist(), lengths.tolist()
        ([1, 2, 3], [2, 1])
        """
        lengths = np.fromiter((len(document) for document in documents), dtype=np.int64, count=len(documents))
        codes = np.frombuffer("".join(documents).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        ids = np.searchsorted(self._codes, codes)
        found = ids < len(self._codes)
        found[found] = self._codes[ids[found]] == codes[found]
        if not found.all():
            unknown = chr(codes[~found][0])
            shown = "".join(self.alphabet)
            shown = shown if len(shown) <= 60 else shown[:60] + f" … ({len(self.alphabet)} characters)"
            raise LabError(t("error.unknown_character", letter=unknown, known=shown))
        return ids.astype(np.int64) + 1, lengths

    def decode(self, ids: Sequence[int]) -> str:
        """Ids -> text; boundaries vanish."""
        return "".join(self.alphabet[i - 1] for i in ids if i != self.boundary_id)

    def to_json(self) -> dict[str, object]:
        """What a run's card stores; `from_json` reads it back."""
        return {"kind": "characters", "alphabet": "".join(self.alphabet)}

    @classmethod
    def from_json(cls, card: dict[str, object]) -> "CharacterTokenizer":
        """Rebuild the tokenizer of a run."""
        if card.get("kind") != "characters" or not isinstance(card.get("alphabet"), str):
            raise LabError("This run's tokenizer is not one of characters; this version cannot read it.")
        return cls(str(card["alphabet"]))
