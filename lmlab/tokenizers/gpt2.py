"""GPT-2's own tokenizer: the 50,000 merges that OpenAI learned, bundled, and nothing else.

Radford et al. (2019), "Language Models are Unsupervised Multitask Learners", section 2.2. Its vocabulary
needs no file of its own: the ids follow from the order of the merges.
"""

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Any

from lmlab.tokenizers.bpe import BPETokenizer
from lmlab.tokenizers.pieces import BYTE_OF_ID, PRINTABLE

MERGES = Path(__file__).parents[1] / "data" / "files" / "gpt2_merges.txt.gz"


class GPT2Tokenizer(BPETokenizer):
    """A `BPETokenizer` that a card names instead of listing its merges."""

    def to_json(self) -> dict[str, Any]:
        """What a run's card stores."""
        return {"kind": "gpt2"}


@lru_cache(maxsize=1)
def gpt2() -> GPT2Tokenizer:
    """The tokenizer of GPT-2: 50,257 ids, of which 50,256 is the boundary, `<|endoftext|>`.

    >>> gpt2().encode("strawberry"), gpt2().encode(" strawberry")
    ([301, 1831, 8396], [41236])
    >>> [gpt2().symbols[i] for i in gpt2().encode("strawberry")]
    ['st', 'raw', 'berry']
    >>> gpt2().vocab_size, gpt2().boundary_id
    (50257, 50256)
    """
    # The file spells a byte that does not print as a letter from 256 on, in the order of the ids: a space is Ġ.
    letters = [chr(byte) for byte in PRINTABLE] + [chr(256 + n) for n in range(256 - len(PRINTABLE))]
    assert len(letters) == len(BYTE_OF_ID)
    id_of = {letter: i for i, letter in enumerate(letters)}
    merges = []
    for line in gzip.decompress(MERGES.read_bytes()).decode("utf-8").splitlines()[1:]:  # the first is a version
        first, second = line.split(" ")
        merges.append((id_of[first], id_of[second]))
        id_of[first + second] = len(id_of)
    return GPT2Tokenizer(merges)
