import socket
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from lmlab.data.corpus import FILES
from lmlab.tokenizers import gpt2 as module
from lmlab.tokenizers.gpt2 import gpt2

# The two libraries know other versions of Unicode, so a letter that is new in one is none in the other.
OLD = st.characters(exclude_categories=["Cs"]).filter(lambda c: unicodedata.ucd_3_2_0.category(c) != "Cn")


@pytest.fixture(scope="module")
def peer() -> Tokenizer:
    """The same merges in the library `tokenizers`; its vocabulary is spelled out here on its own."""
    import gzip

    lines = gzip.decompress((FILES / "gpt2_merges.txt.gz").read_bytes()).decode("utf-8").splitlines()[1:]
    merges = [tuple(line.split(" ")) for line in lines]
    tokens = sorted(pre_tokenizers.ByteLevel.alphabet()) + [first + second for first, second in merges]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    return tokenizer


QUIRKS = [
    "strawberry",
    " strawberry",
    "नमस्ते दुनिया, यह एक परीक्षण है।",
    "ગુજરાતી",
    "I love 🍓🍓 and 👩‍👩‍👧!",
    "def f(x):\n    return x ** 2  # squares\n\n\tprint(f(10))\n",
    "3.14159 1234567890 1,000,000 007",
    "a  b   c    d\n\n\ne \t f  ",
    "don't we'll they're I've she'd it's I'm DON'T",
    "<|endoftext|>",
    "SolidGoldMagikarp",
    "\0\x01\x7f\xa0\xad",
    "",
]


@pytest.mark.parametrize("text", QUIRKS)
def test_quirks_equal_an_independent_implementation(peer, text):
    ids = gpt2().encode(text)
    assert ids == peer.encode(text).ids
    assert gpt2().decode(ids) == text


@given(st.text(OLD, max_size=60))
def test_any_text_equals_an_independent_implementation(peer, text):
    assert gpt2().encode(text) == peer.encode(text).ids


def test_a_long_text_equals_an_independent_implementation(peer):
    text = (FILES / "shakespeare.txt").read_text("utf-8")[:150_000]
    assert gpt2().encode(text) == peer.encode(text).ids


def test_the_known_ids_of_gpt2():
    assert gpt2().encode("strawberry") == [301, 1831, 8396]
    assert gpt2().encode(" strawberry") == [41236]
    assert gpt2().encode("Hello world") == [15496, 995]
    assert (gpt2().vocab_size, gpt2().boundary_id, len(gpt2().symbols)) == (50257, 50256, 50257)
    assert gpt2().symbols[50256] == "."


def test_hindi_costs_more_tokens_a_letter_than_english():
    hindi, english = "नमस्ते दुनिया", "hello, world!"
    assert len(hindi) == len(english)
    assert len(gpt2().encode(hindi)) > 3 * len(gpt2().encode(english))


def test_it_needs_no_network_and_is_made_once(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    gpt2.cache_clear()
    assert module.gpt2() is gpt2()


def test_its_card_is_its_name():
    assert gpt2().to_json() == {"kind": "gpt2"}
