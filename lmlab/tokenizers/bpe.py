"""Byte-pair encoding: start from bytes, and again and again glue the most frequent pair of neighbours.

Sennrich, Haddow and Birch (2016), "Neural Machine Translation of Rare Words with Subword Units", section 3.2;
on bytes instead of letters as in Radford et al. (2019), the GPT-2 report, section 2.2. Bytes make every text
of every script encodable with no token for the unknown.

The text is first split into words (with the space before them) and no merge crosses a word's edge, so it is
enough to know each distinct word once and how often it occurs.
"""

import heapq
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from lmlab.errors import LabError
from lmlab.tokenizers.pieces import BYTE_OF_ID, GPT2_PATTERN, ID_OF_BYTE, Splitter, bytes_of, draw, read_card
from lmlab.tokenizers.protocol import IntArray

Pair = tuple[int, int]

MOST_MERGES = 500_000
MOST_BYTES = 50_000_000


class BPETokenizer:
    """Text to ids by merges, in the order in which they were learned.

    Ids 0 to 255 are bytes, then each merge makes the next id, and the boundary comes last, as in GPT-2.

    >>> tokenizer = BPETrainer(["low lower lowest"]).train(3).tokenizer()
    >>> tokenizer.texts[256:]
    [b'lo', b'low', b' low']
    >>> [tokenizer.symbols[i] for i in tokenizer.encode("low slower")]
    ['low', '␣', 's', 'low', 'e', 'r']
    >>> tokenizer.decode(tokenizer.encode("नमस्ते 🙂"))
    'नमस्ते 🙂'
    """

    unknown_id: int | None = None

    def __init__(self, merges: Iterable[Pair], pattern: str | None = GPT2_PATTERN) -> None:
        """`merges` are pairs of ids; `pattern` splits the text into words (None: the whole text is one word).

        Raises `LabError` for a merge of ids that do not exist yet, a repeated one, or a broken pattern.
        """
        self.merges = list(merges)
        self.pattern = pattern
        self._split = Splitter(pattern)
        self.texts: list[bytes] = [bytes([byte]) for byte in BYTE_OF_ID]  # id -> bytes
        total = 0
        for first, second in self.merges:
            if not (0 <= first < len(self.texts) and 0 <= second < len(self.texts)):
                raise LabError(
                    f"Merge {len(self.texts) - 255} joins the ids {first} and {second}, but only 0 to "
                    f"{len(self.texts) - 1} exist by then. The list of merges is damaged; train it again."
                )
            self.texts.append(self.texts[first] + self.texts[second])
            total += len(self.texts[-1])
            if total > MOST_BYTES:  # forty merges that double the token before would fill any memory
                raise LabError(f"The tokens together are longer than {MOST_BYTES:,} bytes. Use fewer merges.")
        if len(set(self.texts)) < len(self.texts):
            raise LabError("Two merges spell the same bytes, which training never does. Train the merges again.")
        self._made = {pair: i for i, pair in enumerate(self.merges, start=256)}  # pair -> the id it becomes
        self.boundary_id = len(self.texts)
        self.vocab_size = len(self.texts) + 1
        self._ids_of_word = _Cache(self._encode_word)

    @cached_property
    def symbols(self) -> list[str]:
        """How each id is drawn: a space as an open box, bytes that are no letter of their own as `\\xe0`."""
        return [*(draw(text) for text in self.texts), "."]

    def encode(self, text: str) -> list[int]:
        """Text -> ids, without boundaries; any text at all, even half a surrogate pair."""
        return self._ids_of(self._split(text))

    def _ids_of(self, words: list[str]) -> list[int]:
        return list(chain.from_iterable(map(self._ids_of_word.__getitem__, words)))

    def encode_many(self, documents: Sequence[str]) -> tuple[IntArray, IntArray]:
        """All documents one after the other, and how many tokens each has; a word is encoded only once.

        Raises `LabError` where the pattern needs more than `SPLIT_SECONDS` for all documents together.

        >>> ids, lengths = BPETokenizer([(64, 65)]).encode_many(["ab", "b"])
        >>> ids.tolist(), lengths.tolist()
        ([256, 65], [1, 1])
        """
        encoded = [np.array(self._ids_of(words), dtype=np.int64) for words in self._split.many(documents)]
        ids = np.concatenate(encoded) if encoded else np.zeros(0, dtype=np.int64)
        return ids, np.array([len(document) for document in encoded], dtype=np.int64)

    def _encode_word(self, word: str) -> tuple[int, ...]:
        """Apply the earliest merge that fits, the leftmost first, until none fits: n log n for n bytes."""
        ids = list(bytes_of(word).translate(ID_OF_BYTE))
        before, after = list(range(-1, len(ids) - 1)), list(range(1, len(ids) + 1))
        made = self._made.get
        waiting = [(made(pair, -1), place) for place, pair in enumerate(pairwise(ids)) if pair in self._made]
        heapq.heapify(waiting)  # earlier merges make lower ids
        while waiting:
            new, left = heapq.heappop(waiting)
            right = after[left]
            if right == len(ids) or made((ids[left], ids[right])) != new:
                continue  # an earlier merge has taken one of the two
            ids[left], ids[right] = new, -1
            after[left] = after[right]
            if after[left] < len(ids):
                before[after[left]] = left
            for place in (before[left], left):
                if place >= 0 and after[place] < len(ids):
                    possible = made((ids[place], ids[after[place]]))
                    if possible is not None:
                        heapq.heappush(waiting, (possible, place))
        return tuple(i for i in ids if i >= 0)

    def decode(self, ids: Sequence[int]) -> str:
        """Ids -> text; boundaries vanish, and bytes that form no character become `�`."""
        content = b"".join(self.texts[i] for i in ids if i != self.boundary_id)
        try:
            return content.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return content.decode("utf-8", "replace")

    def to_json(self) -> dict[str, Any]:
        """What a run's card and `save` store; `from_json` reads it back."""
        return {"kind": "bpe", "pattern": self.pattern, "merges": [list(pair) for pair in self.merges]}

    @classmethod
    def from_json(cls, card: dict[str, Any]) -> "BPETokenizer":
        """Rebuild a tokenizer; the pattern is compiled anew. Raises `LabError` for a damaged card."""
        merges, pattern = card.get("merges"), card.get("pattern")
        if card.get("kind") != "bpe" or not isinstance(merges, list) or not isinstance(pattern, str | None):
            raise LabError("This is not a tokenizer of byte pairs; this version cannot read it.")
        if len(merges) > MOST_MERGES:
            raise LabError(f"The tokenizer has {len(merges):,} merges; at most {MOST_MERGES:,} work here.")
        for merge in merges:
            if not (isinstance(merge, list) and len(merge) == 2 and all(type(i) is int for i in merge)):
                raise LabError(f"A merge should be a pair of ids, but {str(merge)[:40]} is none. Train it again.")
        return cls([(first, second) for first, second in merges], pattern)

    def save(self, path: str | Path) -> None:
        """Write one JSON file, first beside it and then over it, so that a full disk harms nothing."""
        path = Path(path)
        beside = path.with_name(path.name + ".part")
        try:
            beside.write_text(json.dumps(self.to_json()), encoding="utf-8")
            os.replace(beside, path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise LabError(f"{path.name} could not be written: {error.strerror}. Choose another place.") from error

    @classmethod
    def load(cls, path: str | Path) -> "BPETokenizer":
        """Read what `save` wrote. Raises `LabError` for a file that is missing or something else."""
        return cls.from_json(read_card(path))


class BPETrainer:
    """Learns merges one by one; every step shows what it saw and what it chose.

    *Tie rule*: the pair with the highest count is merged, and of equals the one with the lowest ids. A pair is
    counted at every place where it stands, so `aaa` holds `aa` twice although only one merge fits.

    >>> trainer = BPETrainer(["low lower lowest"])
    >>> step = trainer.step(top=2)
    >>> step.symbol, step.count, step.top
    ('lo', 3, [('lo', 3), ('ow', 3)])
    >>> step.pieces
    ['lo', 'w', '␣', 'lo', 'w', 'e', 'r', '␣', 'lo', 'w', 'e', 's', 't']
    >>> round(step.characters_per_token, 2)
    1.23
    """

    def __init__(self, documents: Iterable[str], pattern: str | None = GPT2_PATTERN, shown_words: int = 12) -> None:
        """Split the documents into words and count the pairs; the first `shown_words` are shown at each step.

        Without a pattern every merge reads the whole text, so use one for more than a few pages.
        """
        self.pattern = pattern
        times: Counter[str] = Counter()
        shown: list[str] = []
        for words in Splitter(pattern).many(documents):
            times.update(words)
            shown += words[: shown_words - len(shown)]
        self.characters = sum(len(word) * count for word, count in times.items())
        contents = [bytes_of(word) for word in times]
        self.bytes = sum(len(content) * count for content, count in zip(contents, times.values(), strict=True))
        self.tokens = self.bytes
        self.merges: list[Pair] = []
        self.texts: list[bytes] = [bytes([byte]) for byte in BYTE_OF_ID]
        self._words = [list(content.translate(ID_OF_BYTE)) for content in contents]  # one list of ids a word
        self._times = list(times.values())
        numbers = {word: number for number, word in enumerate(times)}
        self._shown = [numbers[word] for word in shown]
        self._count: Counter[Pair] = Counter()
        self._holders: defaultdict[Pair, set[int]] = defaultdict(set)  # pair -> the words that (may) hold it
        for number, ids in enumerate(self._words):
            for pair in pairwise(ids):
                self._count[pair] += self._times[number]
                self._holders[pair].add(number)
        # The heap may hold counts that are out of date; a fresh entry is pushed whenever a count changes.
        self._heap = [(-count, pair) for pair, count in self._count.items()]
        heapq.heapify(self._heap)

    @property
    def stopped(self) -> str | None:
        """Why no merge is left, or None while there is one."""
        if self._best() is not None:
            return None
        return f"After {len(self.merges):,} merges every word is one token, so no pair is left. Train on more text."

    def top(self, n: int) -> list[tuple[Pair, int]]:
        """The n pairs that would be merged next, with their counts."""
        best = heapq.nsmallest(n, ((-count, pair) for pair, count in self._count.items() if count))
        return [(pair, -count) for count, pair in best]

    def _best(self) -> Pair | None:
        while self._heap:
            count, pair = self._heap[0]
            if self._count[pair] == -count and count:
                return pair
            heapq.heappop(self._heap)
        return None

    def step(self, top: int = 0) -> "Step | None":
        """Merge the best pair in every word that holds it; None when none is left (see `stopped`).

        With `top`, the step also tells that many of the most frequent pairs as they stood before.
        """
        pair = self._best()
        if pair is None:
            return None
        count = self._count[pair]
        candidates = [(self._draw(*one), times) for one, times in self.top(top)] if top else []
        new = len(self.texts)
        self.texts.append(self.texts[pair[0]] + self.texts[pair[1]])
        self.merges.append(pair)
        changes: Counter[Pair] = Counter()
        for number in self._holders.pop(pair):
            self._merge_word(number, pair, new, changes)
        for changed, change in changes.items():
            if change:
                self._count[changed] += change
                heapq.heappush(self._heap, (-self._count[changed], changed))
        return Step(
            number=len(self.merges),
            pair=pair,
            count=count,
            id=new,
            symbol=draw(self.texts[new]),
            parts=(draw(self.texts[pair[0]]), draw(self.texts[pair[1]])),
            top=candidates,
            pieces=[draw(self.texts[i]) for word in self._shown for i in self._words[word]],
            tokens=self.tokens,
            characters_per_token=self.characters / self.tokens,
            bytes_per_token=self.bytes / self.tokens,
        )

    def _merge_word(self, number: int, pair: Pair, new: int, changes: Counter[Pair]) -> None:
        """Replace the pair in one word, left to right, and note by how much each pair's count changes."""
        old, times = self._words[number], self._times[number]
        merged: list[int] = []
        i = 0
        while i < len(old):
            if i + 1 < len(old) and (old[i], old[i + 1]) == pair:
                merged.append(new)
                i += 2
            else:
                merged.append(old[i])
                i += 1
        if len(merged) == len(old):
            return  # an earlier merge has taken one of the two
        for gone in pairwise(old):
            changes[gone] -= times
        for come in pairwise(merged):
            changes[come] += times
            self._holders[come].add(number)
        self._words[number] = merged
        self.tokens -= times * (len(old) - len(merged))

    def _draw(self, first: int, second: int) -> str:
        return draw(self.texts[first] + self.texts[second])

    def train(self, merges: int) -> "BPETrainer":
        """Step until there are `merges` merges, or until none is left; returns itself.

        >>> trainer = BPETrainer(["ab ab"]).train(10)
        >>> trainer.stopped
        'After 2 merges every word is one token, so no pair is left. Train on more text.'
        """
        if not 0 <= merges <= MOST_MERGES:
            raise LabError(f"The number of merges is {merges:,}. Choose one from 0 to {MOST_MERGES:,}.")
        while len(self.merges) < merges and self.step():
            pass
        return self

    def tokenizer(self) -> BPETokenizer:
        """The tokenizer of the merges so far."""
        return BPETokenizer(self.merges, self.pattern)


@dataclass(frozen=True)
class Step:
    """One merge: what was chosen, why, and what it did."""

    number: int
    """1 for the first merge."""
    pair: Pair
    count: int
    """How often the pair stood in the text."""
    id: int
    """The id of the merged token."""
    symbol: str
    parts: tuple[str, str]
    top: list[tuple[str, int]]
    """The most frequent pairs and their counts before the merge, if asked for."""
    pieces: list[str]
    """The first words of the text in their tokens after the merge."""
    tokens: int
    characters_per_token: float
    bytes_per_token: float


class _Cache(dict[str, tuple[int, ...]]):
    """The ids of words that were met before; `chain(map(...))` then runs at the speed of C."""

    def __init__(self, encode: Any) -> None:
        self.encode = encode

    def __missing__(self, word: str) -> tuple[int, ...]:
        ids: tuple[int, ...] = self.encode(word)
        if len(word) <= 100 and len(self) < 100_000:
            self[word] = ids
        return ids
