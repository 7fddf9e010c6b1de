"""Words as tokens: what a reader would call the units of a text, at the price of a word for the unknown."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import regex

from lmlab.errors import LabError
from lmlab.tokenizers.protocol import IntArray

# A line break; a word, which may begin with an apostrophe ('tis) and hold some (o'clock, well-known); or a run
# of one mark (--). The library `regex` knows that the vowel signs of Hindi belong to their word, `re` does not.
PIECES = regex.compile(r"\n|['’]?[\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}\p{N}_]+)*|([^\s])\1*")
CLOSING = tuple(".,;:!?)]}…'’”।。，？！%")
OPENING = tuple("([{“‘¿¡")


class WordTokenizer:
    """One token a word, mark or line break; id 0 is the boundary, 1 the unknown word, then the vocabulary.

    Text is not given back letter by letter: spaces are not stored, so `decode` writes one space between words
    and none before a comma or after an opening bracket, and unknown words come back as `<unk>`.

    >>> tokenizer = WordTokenizer.from_documents(["we love deep learning", "we love data"])
    >>> tokenizer.words
    ['love', 'we', 'data', 'deep', 'learning']
    >>> tokenizer.encode("we love you"), tokenizer.decode([3, 2, 1])
    ([3, 2, 1], 'we love <unk>')
    """

    boundary_id = 0
    unknown_id: int | None = 1

    def __init__(self, words: Sequence[str]) -> None:
        """A vocabulary in the order of its ids, which start at 2. Raises `LabError` for what is no single word."""
        self.words = list(words)
        self.vocab_size = 2 + len(self.words)
        self._id_of = {word: i for i, word in enumerate(self.words, start=2)}
        for word in self.words:
            if split_words(word) != [word]:
                raise LabError(f"{word!r} is not one word, so no text could ever hold it. Take it out of the list.")
        if len(self._id_of) < len(self.words):
            twice = next(word for word, times in Counter(self.words).items() if times > 1)
            raise LabError(f"The word {twice!r} stands twice in the vocabulary. Name every word once.")

    @classmethod
    def from_documents(cls, documents: Iterable[str], most: int | None = None, at_least: int = 1) -> "WordTokenizer":
        """The `most` frequent words (None: all) that occur `at_least` so often; of equals the alphabet decides.

        >>> WordTokenizer.from_documents(["b a c", "c"], most=2).words
        ['c', 'a']
        """
        if most is not None and most < 1:
            raise LabError(f"A vocabulary of {most} words is empty. Choose 1 or more.")
        times = Counter(word for document in documents for word in split_words(document))
        frequent = [word for word, count in times.items() if count >= at_least]
        return cls(sorted(frequent, key=lambda word: (-times[word], word))[:most])

    @cached_property
    def _read_back(self) -> list[str]:
        """What each id is written as; nothing for the boundary."""
        return ["", "<unk>", *self.words]

    @cached_property
    def symbols(self) -> list[str]:
        """How each id is drawn: the boundary as `.`, a real full stop in quotes, a line break as an arrow."""
        drawn = {".": "‘.’", "\n": "⏎"}
        return [".", "<unk>", *(drawn.get(word, word) for word in self.words)]

    def encode(self, text: str) -> list[int]:
        """Text -> ids, without boundaries; every word outside the vocabulary becomes id 1."""
        return [self._id_of.get(word, 1) for word in split_words(text)]

    def encode_many(self, documents: Sequence[str]) -> tuple[IntArray, IntArray]:
        """All documents one after the other, and how many tokens each has.

        >>> ids, lengths = WordTokenizer(["deep", "we"]).encode_many(["we love", "deep"])
        >>> ids.tolist(), lengths.tolist()
        ([3, 1, 2], [2, 1])
        """
        encoded = [self.encode(document) for document in documents]
        ids = np.array([i for document in encoded for i in document], dtype=np.int64)
        return ids, np.array([len(document) for document in encoded], dtype=np.int64)

    def decode(self, ids: Sequence[int]) -> str:
        """Ids -> text that reads well; boundaries vanish.

        >>> tokenizer = WordTokenizer.from_documents(["To be, or (perhaps) not to be?"])
        >>> tokenizer.decode(tokenizer.encode("To  be,or ( perhaps ) not?"))
        'To be, or (perhaps) not?'
        """
        text = ""
        for word in (self._read_back[i] for i in ids if i != self.boundary_id):
            together = not text or text.endswith(("\n", *OPENING)) or word == "\n"
            mark_of_the_left = word.startswith(CLOSING) and not word[-1].isalnum()
            text += word if together or mark_of_the_left else " " + word
        return text

    def to_json(self) -> dict[str, object]:
        """What a run's card stores; `from_json` reads it back."""
        return {"kind": "words", "words": self.words}

    @classmethod
    def from_json(cls, card: dict[str, object]) -> "WordTokenizer":
        """Rebuild the tokenizer of a run. Raises `LabError` for a card of another kind or a damaged one."""
        words = card.get("words")
        if card.get("kind") != "words" or not isinstance(words, list) or not all(isinstance(w, str) for w in words):
            raise LabError("This run's tokenizer is not one of words; this version cannot read it.")
        return cls(words)


def split_words(text: str) -> list[str]:
    """The words, marks and line breaks of a text, in order.

    >>> split_words("'Tis well-known: don't--go!\\n")
    ["'Tis", 'well-known', ':', "don't", '--', 'go', '!', '\\n']
    """
    return [match.group() for match in PIECES.finditer(text)]
