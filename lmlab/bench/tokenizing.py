"""Byte-pair encoding: learning merges, and GPT-2's own tokenizer at work, against the library `tokenizers`."""

import json
import statistics
import time
from typing import Any

from lmlab.bench.rows import Race, Row, missing, spoken_time
from lmlab.data.corpus import load_corpus
from lmlab.tokenizers.bpe import BPETokenizer, BPETrainer
from lmlab.tokenizers.gpt2 import gpt2
from lmlab.tokenizers.pieces import ID_OF_BYTE, PRINTABLE

LETTERS = [chr(byte) for byte in PRINTABLE] + [chr(256 + n) for n in range(256 - len(PRINTABLE))]
"""How the library writes the byte of each id from 0 to 255: one that does not print as a letter from 256 on."""


def bpe(runs: int = 3, merges: int = 1000, text: str | None = None) -> list[Row]:
    """Learn 1,000 merges from all of `shakespeare`, and encode and decode it with GPT-2's merges.

    `tokenizers` (in Rust, on all cores) does the same by turns, with the same splitting into words and the same tie
    rule; whether its merges and ids are the same is computed for the note. GPT-2's tokenizer is made anew for every
    run, so that no word has been met before; making it is not counted.
    """
    text = "".join(load_corpus("shakespeare").texts) if text is None else text
    ours, theirs, same = [], [], True
    for _ in range(runs):
        begin = time.perf_counter()
        tokenizer = BPETrainer([text]).train(merges).tokenizer()
        ours.append(time.perf_counter() - begin)
        if not missing("tokenizers"):
            begin = time.perf_counter()
            trained = trained_by_peer(text, merges)
            theirs.append(time.perf_counter() - begin)
            same = same and trained == letters_of(tokenizer)
    what = f"Learn {merges:,} byte-pair merges from {len(text) / 1e6:.2f} MB of Shakespeare"
    note = missing("tokenizers") or (
        f"tokenizers: {spoken_time(statistics.median(theirs))}, "
        f"{Race(tuple(ours), tuple(theirs)).ratio:.2g} times ours; its merges are {'' if same else 'NOT '}the same."
    )
    return [Row("bpe", what, "s", statistics.median(ours), 5.0, tuple(ours), note), *_gpt2(text, runs)]


def trained_by_peer(text: str, merges: int) -> list[tuple[str, str]]:
    """The merges that `tokenizers` learns when it starts from bytes and splits as GPT-2 does."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    peer = Tokenizer(models.BPE())
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + merges, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    peer.train_from_iterator([text], trainer)
    return [(first, second) for first, second in json.loads(peer.to_str())["model"]["merges"]]


def letters_of(tokenizer: BPETokenizer) -> list[tuple[str, str]]:
    """Our merges, spelled as `tokenizers` spells them.

    >>> letters_of(BPETrainer(["low low"]).train(3).tokenizer())
    [('l', 'o'), ('lo', 'w'), ('Ġ', 'low')]
    """
    spelled = [_spell(content) for content in tokenizer.texts]
    return [(spelled[first], spelled[second]) for first, second in tokenizer.merges]


def _spell(content: bytes) -> str:
    return "".join(LETTERS[ID_OF_BYTE[byte]] for byte in content)


def _gpt2(text: str, runs: int) -> list[Row]:
    merges = gpt2().merges
    times: dict[str, list[float]] = {"encode": [], "decode": [], "their encode": [], "their decode": []}

    def timed(name: str, work: Any) -> Any:
        begin = time.perf_counter()
        result = work()
        times[name].append(time.perf_counter() - begin)
        return result

    same = True
    for _ in range(runs):
        tokenizer = BPETokenizer(merges)
        ids = timed("encode", lambda tokenizer=tokenizer: tokenizer.encode(text))
        back = timed("decode", lambda tokenizer=tokenizer, ids=ids: tokenizer.decode(ids))
        same = same and back == text
        if not missing("tokenizers"):
            peer = _peer_gpt2(tokenizer)
            their_ids = timed("their encode", lambda peer=peer: peer.encode(text).ids)
            back = timed("their decode", lambda peer=peer, ids=ids: peer.decode(ids))
            same = same and their_ids == ids and back == text
    rows = []
    for name in ("encode", "decode"):
        speeds = tuple(len(text) / 1e6 / time for time in times[name])
        note = missing("tokenizers") or (
            f"tokenizers: {len(text) / 1e6 / statistics.median(times[f'their {name}']):.3g} million characters/s. "
            f"Ids and text are {'' if same else 'NOT '}the same."
        )
        what = f"Speed of GPT-2's tokenizer, {name}, on Shakespeare: million characters a second"
        rows.append(Row(f"gpt2-{name}", what, "M/s", statistics.median(speeds), runs=speeds, note=note))
    return rows


def _peer_gpt2(tokenizer: BPETokenizer) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {_spell(content): i for i, content in enumerate(tokenizer.texts)}
    peer = Tokenizer(models.BPE(vocab=vocabulary, merges=letters_of(tokenizer)))
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    peer.decoder = decoders.ByteLevel()
    return peer
