"""Any tokenizer by its name, its file, or the card of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lmlab.errors import LabError, nearest
from lmlab.tokenizers.bpe import BPETokenizer
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.tokenizers.gpt2 import gpt2
from lmlab.tokenizers.gpt4 import ENCODINGS, gpt4
from lmlab.tokenizers.pieces import read_card
from lmlab.tokenizers.protocol import Tokenizer
from lmlab.tokenizers.words import WordTokenizer

NAMES = ("characters", "words", "gpt2", *ENCODINGS)
KINDS = ("characters", "words", "bpe", "gpt2", "gpt4")
MOST_WORDS = 1_000_000


def named_tokenizer(name: str, documents: Sequence[str]) -> Tokenizer:
    """`characters` or `words` of these documents, `gpt2`, `cl100k`, `o200k`, or a file that `save` wrote.

    Raises `LabError` for an unknown name, a damaged file, or a package that is not installed.

    >>> named_tokenizer("characters", ["ab", "c"]).vocab_size
    4
    >>> named_tokenizer("word", [])
    Traceback (most recent call last):
    lmlab.errors.LabError: There is no tokenizer or file called 'word'. Did you mean 'words'? Use characters, words,
    gpt2, cl100k, o200k or the path of a file that bpe-train wrote.
    """
    if name == "characters":
        return CharacterTokenizer(sorted(set().union(*documents)))
    if name == "words":
        return WordTokenizer.from_documents(documents)
    if name == "gpt2":
        return gpt2()
    if name in ENCODINGS:
        return gpt4(name)
    try:
        is_file = Path(name).is_file()
    except (OSError, ValueError):  # too long, or with a NUL: not even a possible name
        is_file = False
    if not is_file:
        raise LabError(
            f"There is no tokenizer or file called {name[:80]!r}.{nearest(name[:80], NAMES)} "
            f"Use {', '.join(NAMES)} or the path of a file that bpe-train wrote."
        )
    return tokenizer_from_json(read_card(name))


def tokenizer_from_json(card: dict[str, Any]) -> Tokenizer:
    """The tokenizer that `to_json` described. Raises `LabError` for an unknown kind or damaged content.

    >>> tokenizer_from_json({"kind": "characters", "alphabet": "ab"}).encode("ba")
    [2, 1]
    >>> tokenizer_from_json({"kind": "character"})
    Traceback (most recent call last):
    lmlab.errors.LabError: This version knows no tokenizer of the kind 'character'. Did you mean 'characters'? Use a
    card of this version.
    """
    kind = card.get("kind") if isinstance(card, dict) else None
    if kind == "characters":
        return CharacterTokenizer.from_json(card)
    if kind == "words":
        words = card.get("words")
        if isinstance(words, list) and len(words) > MOST_WORDS:
            raise LabError(f"The tokenizer has {len(words):,} words; at most {MOST_WORDS:,} work here.")
        return WordTokenizer.from_json(card)
    if kind == "bpe":
        return BPETokenizer.from_json(card)
    if kind == "gpt2":
        return gpt2()
    if kind == "gpt4":
        return gpt4(str(card.get("name")))
    shown = str(kind)[:40]
    found = nearest(shown, KINDS)
    raise LabError(f"This version knows no tokenizer of the kind {shown!r}.{found} Use a card of this version.")
