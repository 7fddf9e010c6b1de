"""Lab 10, byte-pair encoding: what is checked, the mistakes people make, and the numbers of its README."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from lmlab.data.corpus import load_corpus
from lmlab.grading.checks import lab02
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

Pair = tuple[int, int]
Word = list[int]
Counts = dict[Pair, int]

BYTES = bytes([*range(33, 127), *range(161, 173), *range(174, 256), *range(33), *range(127, 161), 173])
FIRST = len(BYTES)  # the id that the first merge makes


# --- the reference ---------------------------------------------------------------------------------------------


def cut(text: str) -> list[str]:
    """The words of a text, each with the space or newline before it."""
    return re.findall(r"[ \n][^ \n]*|[^ \n]+", text)


def neighbours(ids: Sequence[int]) -> list[Pair]:
    """Each two that stand side by side.

    >>> neighbours([5, 5, 7])
    [(5, 5), (5, 7)]
    """
    return list(pairwise(ids))


def get_pairs(words: list[Word]) -> Counts:
    """How often each pair stands in the words."""
    return dict(Counter(pair for word in words for pair in neighbours(word)))


def merge(ids: Word, pair: Pair, new: int) -> Word:
    """The word with `new` wherever the pair was, from left to right."""
    merged, i = [], 0
    while i < len(ids):
        here = tuple(ids[i : i + 2]) == tuple(pair)
        merged.append(new if here else ids[i])
        i += 2 if here else 1
    return merged


Choose = Callable[[Counts], Pair]


def most_then_smallest(counts: Counts) -> Pair:
    """lmlab's own rule."""
    return min(counts, key=lambda pair: (-counts[pair], pair))


def train_bpe(words: list[Word], n: int) -> list[Pair]:
    """The first n merges."""
    return trained(words, n, most_then_smallest)


def trained(
    words: list[Word],
    n: int,
    choose: Choose,
    count: Callable[[list[Word]], Counts] = get_pairs,
    first: int = FIRST,
    least: int = 1,
) -> list[Pair]:
    """Merges by another choice, another way to count, another first id, or only of pairs that are there so often."""
    if n < 0:
        raise ValueError(f"n is {n}")
    merges: list[Pair] = []
    while len(merges) < n:
        counts = count(words)
        if not counts or max(counts.values()) < least:
            break
        pair = choose(counts)
        words = [merge(word, pair, first + len(merges)) for word in words]
        merges.append(pair)
    return merges


def byte_ids(word: str) -> Word:
    """The ids of a word's bytes."""
    return [BYTES.index(byte) for byte in word.encode("utf-8")]


def encode(text: str, merges: list[Pair]) -> Word:
    """The ids of a text."""
    return encoded(text, merges)


def encoded(
    text: str,
    merges: list[Pair],
    pick: Callable[[list[tuple[int, int]]], tuple[int, int]] = min,
    words: Callable[[str], list[str]] = cut,
    ids_of: Callable[[str], Word] = byte_ids,
    everywhere: bool = True,
    first: int = FIRST,
) -> Word:
    """The ids of a text, with `pick` to choose among (new id, place) of what can be merged."""
    made = {tuple(pair): first + k for k, pair in enumerate(merges)}
    found: Word = []
    for word in words(text):
        ids = ids_of(word)
        while possible := [(made[pair], place) for place, pair in enumerate(neighbours(ids)) if pair in made]:
            new, place = pick(possible)
            whole = merge(ids, merges[new - first], new)
            ids = whole if everywhere else [*ids[:place], new, *ids[place + 2 :]]
        found += ids
    return found


def texts_of(merges: list[Pair], alphabet: bytes = BYTES) -> list[bytes]:
    """The bytes of each id."""
    texts = [bytes([byte]) for byte in alphabet]
    for a, b in merges:
        texts.append(texts[a] + texts[b])
    return texts


def decode(ids: Word, merges: list[Pair]) -> str:
    """The text of some ids."""
    return spelt(ids, merges).decode("utf-8", "replace")


def spelt(ids: Word, merges: list[Pair], alphabet: bytes = BYTES) -> bytes:
    """The bytes of some ids."""
    strange = [i for i in ids if not 0 <= i < FIRST + len(merges)]
    if strange:
        raise ValueError(f"the id {strange[0]} does not exist; the ids are 0 to {FIRST + len(merges) - 1}")
    texts = texts_of(merges, alphabet)
    return b"".join(texts[i] for i in ids)


def chars_per_token(texts: list[str], encoded: list[Word]) -> float:
    """All characters over all tokens."""
    return sum(map(len, texts)) / tokens_in(encoded)


def tokens_in(encoded: list[Word]) -> int:
    """How many tokens there are."""
    tokens = sum(map(len, encoded))
    if not tokens:
        raise ValueError("there is no token")
    return tokens


# --- the arguments ---------------------------------------------------------------------------------------------

LETTERS = "aabbbccde"  # some more often than others, so that pairs come up again
SIGNS = ("é", "न", "म", "🙂", "ß", "ñ")
GPT2_WORDS = ("strawberry", " strawberry", " raspberry", " Strawberry", " tokenizer", " unbelievable", " 12345",
              " नमस्ते", " blueberry", "\nimport", " naïve", " mississippi", " return", " 🙂")  # fmt: skip


def some_word(rng: np.random.Generator, least: int = 3, most: int = 9, letters: str = LETTERS) -> str:
    """A word of few letters."""
    return "".join(rng.choice(list(letters), int(rng.integers(least, most))))


def a_line(rng: np.random.Generator) -> Args:
    """Words with one space between, and a newline."""
    words = [some_word(rng) for _ in range(5)]
    return (" ".join(words[:3]) + "\n" + " ".join(words[3:]),)


def rows_of_spaces(rng: np.random.Generator) -> Args:
    """Several spaces in a row, also at both ends."""
    return (f" {some_word(rng)}   {some_word(rng)}\t{some_word(rng)} \n{some_word(rng)}  ",)


def some_ids(rng: np.random.Generator, number: int = 8) -> list[Word]:
    """Words of few ids: with a row of three and with a pair twice, so that each way to count gives another number."""
    drawn = [rng.integers(40, 45, int(rng.integers(3, 9))).tolist() for _ in range(number)]
    twice = int(rng.integers(40, 45))
    return [*drawn, [twice] * 3, [41, 43, 41, 43], [44, 40], [40, 44]]


def short_words(rng: np.random.Generator) -> Args:
    """Words of one id and of none among others."""
    return ([[41], [], *some_ids(rng, 3), [42], []],)


def for_merge(rng: np.random.Generator) -> Args:
    """A word in which the pair of two different ids stands several times, also at the end."""
    a, b, c = (int(i) for i in rng.permutation(60)[:3])
    between = rng.choice([a, b, c], 6).tolist()
    return [a, b, c, *between, b, a, a, b], (a, b), int(rng.integers(256, 400))


def rows_of_one(rng: np.random.Generator) -> Args:
    """A word with rows of an odd number of equal ids, and the pair of these."""
    a, b = (int(i) for i in rng.permutation(60)[:2])
    row = [a] * int(rng.choice([3, 5]))
    return [*row, b, *row, b, b, *row[1:], *row], (a, a), int(rng.integers(256, 400))


def nothing_to_merge(rng: np.random.Generator) -> Args:
    """A word without the pair; its two ids stand alone, and the other way round."""
    a, b, c = (int(i) for i in rng.permutation(60)[:3])
    return [b, a, c, b, c, a][: int(rng.integers(0, 7))], (a, b), 256


def tied(words: list[Word], n: int) -> bool:
    """Whether two pairs are equally frequent at one of the first n choices."""
    for k, pair in enumerate(train_bpe(words, n)):
        counts = get_pairs(words)
        if list(counts.values()).count(counts[pair]) > 1:
            return True
        words = [merge(word, pair, FIRST + k) for word in words]
    return False


def without_ties(rng: np.random.Generator) -> Args:
    """Words in which one pair is the most frequent at each choice, and every mistake learns something else."""
    while True:
        words = [byte_ids(some_word(rng, 3, 12)) for _ in range(60)]
        words += [byte_ids("aaa")] * 8
        if not tied(words, 6) and all(wrong(words, 6) != train_bpe(words, 6) for wrong in MISTRAINED):
            return words, 6


def with_ties(rng: np.random.Generator) -> Args:
    """Words in which pairs are equally frequent, and neither the first of them nor the largest is the smallest."""
    while True:
        words = [byte_ids(some_word(rng, 3, 6)) for _ in range(9)]
        answer = train_bpe(words, 4)
        if all(wrong(words, 4) != answer for wrong in (first_met, largest)):
            return words, 4


def to_the_end(rng: np.random.Generator) -> Args:
    """Words that are whole before so many merges are learned."""
    words = [byte_ids(some_word(rng, 4, 7)) for _ in range(3)]
    return words, 60


def some_merges(rng: np.random.Generator, signs: str = "", number: int = 16, behind: str = "") -> list[Pair]:
    """Merges of random words, with some that begin with a space, and with `behind` each of them."""
    words = [" " * int(rng.integers(2)) + some_word(rng, 3, 9, LETTERS + signs) + behind for _ in range(50)]
    return train_bpe([byte_ids(word) for word in words], number)


def for_encode(rng: np.random.Generator) -> Args:
    """A text of which every mistake makes other ids; some merges would reach over the edge of two words."""
    while True:
        merges = some_merges(rng, behind=" ")
        text = " ".join(some_word(rng, 6, 16) for _ in range(5))
        if all(wrong(text, merges) != encode(text, merges) for wrong in MISENCODED):
            return text, merges


def any_text(rng: np.random.Generator) -> Args:
    """A text of several scripts."""
    signs = "".join(rng.permutation(SIGNS))
    return f"{signs} {some_word(rng)}{signs[2]}{signs[0]}\n{signs[::-1]}", some_merges(rng, signs)


def gpt2_merges() -> list[Pair]:
    """The merges of GPT-2, which come with the package."""
    from lmlab.tokenizers.gpt2 import gpt2

    return gpt2().merges


def with_gpt2(rng: np.random.Generator) -> Args:
    """Words of which some are hard, and the merges of GPT-2."""
    return "strawberry strawberry" + "".join(rng.permutation(GPT2_WORDS[2:])[:5]), gpt2_merges()


def for_decode(rng: np.random.Generator) -> Args:
    """The ids of a text, its merges."""
    merges = some_merges(rng)
    return encode(f"{some_word(rng, 6, 12)} {some_word(rng, 6, 12)}\n", merges), merges


def split_signs(rng: np.random.Generator) -> Args:
    """Ids of which a sign's bytes lie in several tokens."""
    text, _ = any_text(rng)
    found = byte_ids(text)
    merges = [(found[1], found[2])]  # the end of one sign, mostly, with the beginning of the next
    return encode(text, merges), merges


def broken_bytes(rng: np.random.Generator) -> Args:
    """The ids of a text from which bytes are missing."""
    found = byte_ids("".join(rng.permutation(SIGNS)) + some_word(rng))
    lost = int(rng.integers(1, 4))
    return [i for place, i in enumerate(found) if place % 5 != lost], []


def strange_id(rng: np.random.Generator) -> Args:
    """Ids of which one was never made."""
    ids, merges = for_decode(rng)
    return [*ids[:4], FIRST + len(merges) + int(rng.integers(3)), *ids[4:]], merges


def negative_id(rng: np.random.Generator) -> Args:
    """Ids of which one is below 0."""
    ids, merges = for_decode(rng)
    return [*ids[:4], -int(rng.integers(1, 5)), *ids[4:]], merges


def for_ratio(rng: np.random.Generator) -> Args:
    """Texts of different lengths, with signs of several bytes, and some ids for each."""
    texts = [some_word(rng, 2 + 3 * i, 5 + 3 * i) + SIGNS[i] * 3 for i in range(4)]
    return texts, [rng.integers(0, 300, len(text) // 2 + int(rng.integers(1, 9))).tolist() for text in texts]


def no_token(rng: np.random.Generator) -> Args:
    """Empty texts."""
    number = int(rng.integers(1, 4))
    return [""] * number, [[] for _ in range(number)]


# --- the mistakes ----------------------------------------------------------------------------------------------


def space_behind(text: str) -> list[str]:
    """Each space belongs to the word before it."""
    return re.findall(r"[^ \n]*[ \n]|[^ \n]+", text)


def spaces_apart(text: str) -> list[str]:
    """Each space is a word."""
    return re.findall(r"[ \n]|[^ \n]+", text)


def rows_together(text: str) -> list[str]:
    """All spaces before a word belong to it."""
    return re.findall(r"[ \n]*[^ \n]+|[ \n]+", text)


def without_overlap(words: list[Word]) -> Counts:
    """aaa has aa once."""
    counts: Counter[Pair] = Counter()
    for word in words:
        for pair in set(neighbours(word)):
            counts[pair] += len(word) - len(merge(word, pair, -1))
    return dict(counts)


def once_a_word(words: list[Word]) -> Counts:
    """A pair counts once in a word."""
    return dict(Counter(pair for word in words for pair in set(neighbours(word))))


def one_line(words: list[Word]) -> Counts:
    """All words as one."""
    return get_pairs([[i for word in words for i in word]])


def without_order(words: list[Word]) -> Counts:
    """(a, b) and (b, a) are the same."""
    return dict(Counter((min(pair), max(pair)) for word in words for pair in neighbours(word)))


def overlapping(ids: Word, pair: Pair, new: int) -> Word:
    """After a merge the loop goes on by one place, so that its second half is merged again."""
    starts = [i for i, found in enumerate(neighbours(ids)) if found == tuple(pair)]
    return [new if i in starts else one for i, one in enumerate(ids) if i in starts or i - 1 not in starts]


def from_the_right(ids: Word, pair: Pair, new: int) -> Word:
    """From right to left."""
    return merge(ids[::-1], (pair[1], pair[0]), new)[::-1]


def only_the_first(ids: Word, pair: Pair, new: int) -> Word:
    """The first place only."""
    for i, found in enumerate(neighbours(ids)):
        if found == tuple(pair):
            return [*ids[:i], new, *ids[i + 2 :]]
    return list(ids)


def second_stays(ids: Word, pair: Pair, new: int) -> Word:
    """The first of the two becomes the new id, and the second stays."""
    starts = [i for i, found in enumerate(neighbours(ids)) if found == tuple(pair)]
    return [new if i in starts else one for i, one in enumerate(ids)]


def end_is_lost(ids: Word, pair: Pair, new: int) -> Word:
    """The loop ends one place early, so that an id that stands last alone is missing."""
    merged = merge(ids, pair, new)
    return merged[:-1] if merged and merged[-1] != new else merged


def single_ids(ids: Word, pair: Pair, new: int) -> Word:
    """Each a and each b becomes the new id."""
    return [new if i in pair else i for i in ids]


def first_met(words: list[Word], n: int) -> list[Pair]:
    """Of equals the one that was met first, as max() has it."""
    return trained(words, n, lambda counts: max(counts, key=counts.__getitem__))


def largest(words: list[Word], n: int) -> list[Pair]:
    """Of equals the largest pair."""
    return trained(words, n, lambda counts: max(counts, key=lambda pair: (counts[pair], pair)))


def counted_once(words: list[Word], n: int) -> list[Pair]:
    """The n most frequent pairs of the words as they were."""
    if n < 0:
        raise ValueError(f"n is {n}")
    counts = get_pairs(words)
    return sorted(counts, key=lambda pair: (-counts[pair], pair))[:n]


def always_the_same(words: list[Word], n: int) -> list[Pair]:
    """What was merged is thrown away, so that the same pair is found again and again."""
    return train_bpe(words, min(n, 1)) * n


def rarest(words: list[Word], n: int) -> list[Pair]:
    """The rarest pair."""
    return trained(words, n, lambda counts: min(counts, key=lambda pair: (counts[pair], pair)))


def counted_in_words(words: list[Word], n: int) -> list[Pair]:
    """A pair counts once in a word."""
    return trained(words, n, most_then_smallest, count=once_a_word)


def counted_over_edges(words: list[Word], n: int) -> list[Pair]:
    """Merges that reach from one word into the next."""
    return trained([[i for word in words for i in word]], n, most_then_smallest)


def ids_one_late(words: list[Word], n: int) -> list[Pair]:
    """The first new id is 257."""
    return trained(words, n, most_then_smallest, first=FIRST + 1)


MISTRAINED = (counted_once, always_the_same, rarest, counted_in_words, counted_over_edges, ids_one_late)


def leftmost(text: str, merges: list[Pair]) -> Word:
    """The leftmost pair that can be merged."""
    return encoded(text, merges, lambda possible: min(possible, key=lambda one: one[1]), everywhere=False)


def latest(text: str, merges: list[Pair]) -> Word:
    """The merge that was learned last."""
    return encoded(text, merges, max)


def longest(text: str, merges: list[Pair]) -> Word:
    """At each place the longest token that fits."""
    tokens = {content: i for i, content in reversed(list(enumerate(texts_of(merges))))}
    found, most = [], max(map(len, tokens))
    for word in cut(text):
        content = word.encode("utf-8")
        while content:
            size = next(size for size in range(min(most, len(content)), 0, -1) if content[:size] in tokens)
            found.append(tokens[content[:size]])
            content = content[size:]
    return found


def each_once(text: str, merges: list[Pair]) -> Word:
    """Each merge at its first place in a word only, one after the other."""
    found = []
    for word in cut(text):
        ids = byte_ids(word)
        for k, pair in enumerate(merges):
            ids = only_the_first(ids, pair, FIRST + k)
        found += ids
    return found


def in_one_word(text: str, merges: list[Pair]) -> Word:
    """Spaces are thrown away."""
    return encoded(text, merges, words=str.split)


def without_words(text: str, merges: list[Pair]) -> Word:
    """The whole text as one word."""
    return encoded(text, merges, words=lambda text: [text])


def bytes_as_ids(text: str, merges: list[Pair]) -> Word:
    """A byte's own number instead of its place in BYTES."""
    return encoded(text, merges, ids_of=lambda word: list(word.encode("utf-8")))


def one_late(text: str, merges: list[Pair]) -> Word:
    """The first merge makes 257."""
    return [i + 1 if i >= FIRST else i for i in encode(text, merges)]


def only_bytes(text: str, merges: list[Pair]) -> Word:
    """No merge at all."""
    return encode(text, [])


MISENCODED = (leftmost, latest, longest, each_once, in_one_word, without_words, bytes_as_ids, one_late, only_bytes)


def piece_by_piece(ids: Word, merges: list[Pair]) -> str:
    """Each token is read as UTF-8 alone."""
    spelt(ids, merges)
    texts = texts_of(merges)
    return "".join(texts[i].decode("utf-8", "replace") for i in ids)


def mean_of_ratios(texts: list[str], encoded: list[Word]) -> float:
    """Each text counts the same, however long it is."""
    tokens_in(encoded)
    return float(np.mean([len(text) / len(ids) for text, ids in zip(texts, encoded, strict=True)]))


def by_different_ids(texts: list[str], encoded: list[Word]) -> float:
    """Divided by how many different ids there are."""
    tokens_in(encoded)
    return sum(map(len, texts)) / len({i for ids in encoded for i in ids})


EXERCISES = [
    Exercise(
        "cut",
        cut,
        (
            Item("cuts before every space and newline", 0.5, a_line),
            Item("keeps every space where there are many", 0.125, rows_of_spaces),
            Item("makes no word of an empty text", 0.125, lambda rng: ("",), times=1),
        ),
        (
            Wrong(
                "the spaces are gone; the pieces joined must be the text again, so a space stays with the word "
                "after it",
                str.split,
            ),
            Wrong(
                "each space belongs to the word before it; here it begins the word after it, as in GPT-2",
                space_behind,
            ),
            Wrong("each space is a word of its own; join it to the word after it", spaces_apart),
            Wrong(
                "the text is cut before spaces only; a newline begins a new word, too",
                lambda text: re.findall(r" [^ ]*|[^ ]+", text),
            ),
            Wrong(
                "a row of spaces stays together; cut before every single one, so only the last is with the word",
                rows_together,
            ),
        ),
    ),
    Exercise(
        "get_pairs",
        get_pairs,
        (
            Item("counts each pair of neighbours", 1.0, lambda rng: (some_ids(rng),)),
            Item("takes words of one id, or none", 0.25, short_words),
        ),
        (
            Wrong(
                "a row of three equal ids counts one pair; it has two places where they are neighbours, and both "
                "count",
                without_overlap,
            ),
            Wrong("a pair that comes twice in a word is counted once; count every place", once_a_word),
            Wrong(
                "pairs are counted from the end of one word to the beginning of the next; go word by word",
                one_line,
            ),
            Wrong("(a, b) and (b, a) are counted together; which comes first matters, so do not sort", without_order),
            Wrong(
                "the table says whether a pair occurs, not how often; add 1 at each place",
                lambda words: dict.fromkeys(get_pairs(words), 1),
            ),
            Wrong(
                "the last pair of each word is missing; a word of n ids has n - 1 pairs",
                lambda words: get_pairs([word[:-1] for word in words]),
            ),
        ),
    ),
    Exercise(
        "merge",
        merge,
        (
            Item("replaces the pair everywhere", 0.75, for_merge),
            Item("goes from left to right where the two are equal", 0.5, rows_of_one),
            Item("leaves a word without the pair as it is", 0.25, nothing_to_merge, times=6),
        ),
        (
            Wrong("only the first place is merged; go on behind it to the end of the word", only_the_first),
            Wrong(
                "the second of the two stays behind the new id; new stands for both, so go on by two places",
                second_stays,
            ),
            Wrong(
                "an id is used twice: in a row of three the middle one belongs to the first pair already, so go on "
                "by two places after a merge",
                overlapping,
            ),
            Wrong("the merge goes from right to left; in a row of three the first two are merged", from_the_right),
            Wrong(
                "an id that stands alone at the end is lost; the loop has to reach len(ids) - 1, too",
                end_is_lost,
            ),
            Wrong("each of the two ids is replaced wherever it stands; only the two side by side are", single_ids),
        ),
        keeps=True,
    ),
    Exercise(
        "train_bpe",
        train_bpe,
        (
            Item("learns the merges where no two pairs are equally frequent", 1.0, without_ties),
            Item("takes the smallest of equally frequent pairs", 0.5, with_ties),
            Item("stops when every word is one token, and not before", 0.125, to_the_end),
            Item("learns nothing with n = 0", 0.125, lambda rng: (some_ids(rng), 0)),
            Item("refuses a negative n", 0.25, lambda rng: (some_ids(rng), -int(rng.integers(1, 4)))),
        ),
        (
            Wrong(
                "the pairs are counted once and the most frequent n taken; a merge changes its neighbours, so merge "
                "and count anew each time",
                counted_once,
            ),
            Wrong(
                "the same pair is found again and again; keep the merged words, and count in them next time",
                always_the_same,
            ),
            Wrong("the rarest pair is merged; take the one with the highest count", rarest),
            Wrong("a pair counts once in each word; count every place where it stands", counted_in_words),
            Wrong(
                "merges reach from one word into the next; count and merge word by word",
                counted_over_edges,
            ),
            Wrong(
                "the new ids begin at 257; merge number k, from 0, makes the id 256 + k",
                ids_one_late,
            ),
            Wrong(
                "of equally frequent pairs you take the one that was met first; take the smallest, so that everybody "
                "learns the same",
                first_met,
            ),
            Wrong(
                "of equally frequent pairs you take the largest; take the smallest: min over (-count, pair)",
                largest,
            ),
            Wrong(
                "you stop when no pair comes twice; go on to n merges, or until no pair is left",
                lambda words, n: trained(words, n, most_then_smallest, least=2),
            ),
        ),
        keeps=True,
    ),
    Exercise(
        "encode",
        encode,
        (
            Item("applies the merges in the order in which they were learned", 1.0, for_encode),
            Item("takes any text, by its bytes", 0.5, any_text),
            Item("gets GPT-2's own ids with GPT-2's merges", 0.5, with_gpt2, times=1),
        ),
        (
            Wrong(
                "the leftmost pair that fits is merged first; take the merge that was learned earliest, wherever in "
                "the word it fits",
                leftmost,
            ),
            Wrong("the latest merge comes first; the earliest does, because later ones are built on it", latest),
            Wrong(
                "at each place the longest known token is taken; apply the merges in their order, which may end in "
                "shorter tokens",
                longest,
            ),
            Wrong(
                "each merge is applied at one place of a word; replace the pair everywhere in it",
                each_once,
            ),
            Wrong("the spaces are gone; a space is a byte, too, and belongs to the word after it", in_one_word),
            Wrong(
                "the text is not cut into words, so a merge reaches over the edge of two; cut it before every space "
                "and newline, and merge in each word by itself",
                without_words,
            ),
            Wrong(
                "the bytes are taken for ids; the id of byte b is its place in BYTES",
                bytes_as_ids,
            ),
            Wrong("the merged ids are one too high; place k of the list, from 0, makes the id 256 + k", one_late),
            Wrong("no merge is applied; what you return are the ids of the bytes", only_bytes),
        ),
        seconds=15.0,  # 50,000 merges tried one by one on each word take some
    ),
    Exercise(
        "decode",
        decode,
        (
            Item("spells what was merged", 0.25, for_decode),
            Item("joins a sign whose bytes lie in several tokens", 0.25, split_signs),
            Item("puts � for what is no UTF-8", 0.25, broken_bytes),
            Item("refuses an id above the last", 0.125, strange_id),
            Item("refuses an id below 0", 0.125, negative_id),
        ),
        (
            Wrong(
                "each token is read as UTF-8 by itself, which breaks a sign that lies in two; join all bytes first",
                piece_by_piece,
            ),
            Wrong(
                "bytes that are no UTF-8 vanish; decode with 'replace', so that one sees that something was there",
                lambda ids, merges: spelt(ids, merges).decode("utf-8", "ignore"),
            ),
            Wrong(
                "every byte becomes a sign of its own (latin-1); the bytes are UTF-8",
                lambda ids, merges: spelt(ids, merges).decode("latin-1"),
            ),
            Wrong(
                "the ids are taken for bytes; id i is the byte BYTES[i]",
                lambda ids, merges: spelt(ids, merges, bytes(range(256))).decode("utf-8", "replace"),
            ),
        ),
    ),
    Exercise(
        "chars_per_token",
        chars_per_token,
        (
            Item("divides all characters by all tokens", 0.25, for_ratio),
            Item("refuses texts without a token", 0.25, no_token),
        ),
        (
            Wrong(
                "this is the mean of the texts' ratios; a long text counts for more, so divide the sums",
                mean_of_ratios,
            ),
            Wrong(
                "these are bytes a token; a character may have several bytes, and len of the text counts characters",
                lambda texts, encoded: sum(len(text.encode("utf-8")) for text in texts) / tokens_in(encoded),
            ),
            Wrong(
                "these are tokens a character; divide the other way round",
                lambda texts, encoded: 1 / chars_per_token(texts, encoded),
            ),
            Wrong(
                "this counts characters for each different id; every token counts, also one that came before",
                by_different_ids,
            ),
        ),
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------

LENGTH = 200_000  # characters of Shakespeare that merges are learned from
MOST = 2000  # merges
DISTANCES = 8  # symbols of context in the experiment
PIECES = 540
SHARE = 8.0  # of the shorter piece's row


@cache
def learned() -> tuple[list[float], list[str]]:
    """Characters a token after 0 to `MOST` merges of Shakespeare, and what the merges made."""
    from lmlab.tokenizers.bpe import BPETrainer

    text = "".join(load_corpus("shakespeare").part("train"))[:LENGTH]
    trainer = BPETrainer([text], pattern=r"[ \n][^ \n]*|[^ \n]+")
    steps = [step for step in (trainer.step() for _ in range(MOST)) if step is not None]
    return [1.0, *(step.characters_per_token for step in steps)], [step.symbol for step in steps]


def pieces_of(text: str) -> str:
    """The tokens of GPT-2 as a reader sees them."""
    from lmlab.tokenizers.gpt2 import gpt2

    return ", ".join(gpt2().symbols[i] for i in gpt2().encode(text))


def tokens_of(text: str) -> int:
    """How many tokens GPT-2 makes of a text."""
    from lmlab.tokenizers.gpt2 import gpt2

    return len(gpt2().encode(text))


@cache
def pieces_of_names(number: int = PIECES) -> tuple[list[tuple[int, ...]], float]:
    """The pieces that merges make of the training names with the mark before them, as ids of symbols, and how many
    characters a token stands for in the end."""
    names = load_corpus("names").part("train")
    line = np.concatenate([[-1, 0, *(ord(letter) - ord("a") + 1 for letter in name)] for name in names])
    pieces: list[tuple[int, ...]] = [(symbol,) for symbol in range(27)]
    for _ in range(number):
        first, second = line[:-1], line[1:]
        inside = (first >= 0) & (second >= 0)
        a, b = divmod(int(np.bincount(first[inside] * 1000 + second[inside]).argmax()), 1000)
        places = np.flatnonzero((first == a) & (second == b))
        if a == b:  # of two that overlap, the left one
            places = np.array([p for i, p in enumerate(places) if (i - run_start(places, i)) % 2 == 0])
        line[places] = len(pieces)
        line = np.delete(line, places + 1)
        pieces.append(pieces[a] + pieces[b])
    return pieces, sum(len(name) + 1 for name in names) / int((line >= 0).sum())


def run_start(places: np.ndarray, i: int) -> int:
    """Where the row of places without a gap begins that place number i belongs to."""
    while i > 0 and places[i] - places[i - 1] == 1:
        i -= 1
    return i


@cache
def rows_of_pieces() -> dict[tuple[int, ...], np.ndarray]:
    """For each piece of names what comes after it, mixed with the row of the longest other piece in which it ends."""
    pieces = [piece for piece in pieces_of_names()[0] if len(piece) <= DISTANCES]
    counts = {piece: np.zeros(27) for piece in pieces}
    for name in load_corpus("names").part("train"):
        ids = ids_of_name(name)
        for t in range(1, len(ids)):
            for begin in range(max(0, t - DISTANCES), t):
                if ids[begin:t] in counts:
                    counts[ids[begin:t]][ids[t]] += 1
    rows: dict[tuple[int, ...], np.ndarray] = {(): np.full(27, 1 / 27)}
    for piece in sorted(pieces, key=len):
        shorter = next(piece[i:] for i in range(1, len(piece) + 1) if piece[i:] in rows)
        rows[piece] = (counts[piece] + SHARE * rows[shorter]) / (counts[piece].sum() + SHARE)
    return rows


def ids_of_name(name: str) -> tuple[int, ...]:
    """The ids of a name's symbols with a mark at both ends."""
    return (0, *(ord(letter) - ord("a") + 1 for letter in name), 0)


def held_out_loss() -> float:
    """Nats per character of the rows of pieces on the validation names."""
    rows, nats = rows_of_pieces(), []
    for name in load_corpus("names").part("validation"):
        ids = ids_of_name(name)
        for t in range(1, len(ids)):
            piece = next(ids[i:t] for i in range(max(0, t - DISTANCES), t) if ids[i:t] in rows)
            nats.append(-np.log(rows[piece][ids[t]]))
    return float(np.mean(nats))


@cache
def pairs_then() -> np.ndarray:
    """(27, 27, 27) how often each symbol follows two others in the training names."""
    counts = np.zeros((27, 27, 27))
    for name in load_corpus("names").part("train"):
        ids = (0, *ids_of_name(name))
        np.add.at(counts, (ids[:-2], ids[1:-1], ids[2:]), 1)
    return counts


def best_trigram_loss() -> float:
    """Nats per character of two letters of context, smoothed as well as we know (Kneser and Ney's way)."""
    counts, taken = pairs_then(), 0.75
    total = np.maximum(counts.sum(axis=2, keepdims=True), 1)
    kinds = (counts > 0).sum(axis=0) + 0.3  # after how many different symbols a pair came
    shorter = np.broadcast_to(kinds / kinds.sum(axis=1, keepdims=True), counts.shape)
    left = taken * (counts > 0).sum(axis=2, keepdims=True) / total
    P = np.where(left > 0, np.maximum(counts - taken, 0) / total + left * shorter, shorter)
    nats = []
    for name in load_corpus("names").part("validation"):
        ids = (0, *ids_of_name(name))
        nats += (-np.log(P[ids[:-2], ids[1:-1], ids[2:]])).tolist()
    return float(np.mean(nats))


def spelt_pieces(begin: int, end: int) -> str:
    """Some of the pieces of names, the mark as a dot."""
    return ", ".join("".join(".abcdefghijklmnopqrstuvwxyz"[i] for i in piece) for piece in long_pieces()[begin:end])


def long_pieces() -> list[tuple[int, ...]]:
    """What the merges of names made, in their order."""
    return pieces_of_names()[0][27:]


@cache
def names_after(number: int) -> float:
    """Characters a token on the training names, after merges that were learned from them (without the mark)."""
    from lmlab.tokenizers.bpe import BPETrainer

    return BPETrainer(load_corpus("names").part("train")).train(number - 1).step().characters_per_token  # type: ignore[union-attr]


ANSWERS: dict[str, Callable[[], float]] = {
    "hindi": lambda: float(tokens_of("नमस्ते")),
    "gpt2_ids": lambda: float(FIRST + len(gpt2_merges()) + 1),
    "names_200": lambda: names_after(200),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "first_merges": lambda: ", ".join(f"`{symbol}`" for symbol in learned()[1][:8]),
    "after_100": lambda: f"{learned()[0][100]:.2f}",
    "after_1000": lambda: f"{learned()[0][1000]:.2f}",
    "after_2000": lambda: f"{learned()[0][2000]:.2f}",
    "first_saved": lambda: f"{100 * (1 - 1 / learned()[0][100]):.0f}",
    "next_saved": lambda: f"{100 * (1 / learned()[0][100] - 1 / learned()[0][1000]):.0f}",
    "straw": lambda: pieces_of("strawberry"),
    "straw_ids": lambda: str(encode("strawberry", gpt2_merges())),
    "spaced_ids": lambda: str(encode(" strawberry", gpt2_merges())),
    "number": lambda: pieces_of("1234567"),
    "hindi_bytes": lambda: str(len("नमस्ते".encode())),
    "gpt2_merges": lambda: f"{len(gpt2_merges()):,}",
    "name_pieces": lambda: spelt_pieces(0, 8),
    "late_pieces": lambda: spelt_pieces(PIECES - 8, PIECES),
    "trigram_loss": lambda: f"{lab02.held_out_loss(3):.3f}",
    "trigram_best": lambda: f"{best_trigram_loss():.3f}",
    "pieces_loss": lambda: f"{held_out_loss():.2f}",
    "pieces_numbers": lambda: f"{len(rows_of_pieces()) - 1:,}",
    "names_200": lambda: f"{names_after(200):.2f}",
}


# --- the picture of the README -----------------------------------------------------------------------------------

INK, MODEL, PALE = "#333333", "#0072b2", "#e3e3e3"


def picture() -> str:
    """The picture of the README as SVG: characters a token by the number of merges, and what some merges made."""
    ratios, symbols = learned()
    said = "Characters a token against the number of merges, learned from Shakespeare"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 380" font-family="system-ui, sans-serif" '
        f'font-size="13" role="img" aria-label="{said}">',
        '<rect width="640" height="380" fill="#ffffff"/>',
        f'<text x="14" y="22" fill="{INK}">characters a token stands for</text>',
    ]

    def place(merges: float, ratio: float) -> tuple[float, float]:
        return 50 + 160 * np.log10(max(merges, 1)), 320 - 110 * (ratio - 1)

    for ratio in (1.0, 1.5, 2.0, 2.5, 3.0, 3.5):
        x, y = place(1, ratio)
        parts.append(f'<path d="M{x:.0f} {y:.0f}H600" stroke="{PALE}"/>')
        parts.append(f'<text x="{x - 8:.0f}" y="{y + 4:.0f}" text-anchor="end" fill="{INK}">{ratio:g}</text>')
    for merges in (1, 10, 100, 1000):
        x, y = place(merges, 1)
        parts.append(f'<text x="{x:.0f}" y="340" text-anchor="middle" fill="{INK}">{merges:,}</text>')
    parts.append(f'<text x="325" y="365" text-anchor="middle" fill="{INK}">merges (a scale of tens)</text>')
    shown = sorted({round(10 ** (i / 20)) for i in range(67)} | {MOST})
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (place(i, ratios[i]) for i in shown if i <= MOST))
    parts.append(f'<path d="M{path}" stroke="{MODEL}" stroke-width="2" fill="none"/>')
    for merges in (1, 7, 42, 158, 506, 1519):
        x, y = place(merges, ratios[merges])
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{MODEL}"/>')
        left, anchor = (0, "middle") if merges == 1 else (8, "end")  # beside the line, which comes from below
        parts.append(
            f'<text x="{x - left:.0f}" y="{y - 10:.0f}" text-anchor="{anchor}" fill="{INK}">'
            f"{symbols[merges - 1]}</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"
