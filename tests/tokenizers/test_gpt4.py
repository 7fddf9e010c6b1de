import sys

import pytest

from lmlab.tokenizers.gpt4 import GPT4Tokenizer, gpt4

IDS = {"cl100k": [496, 675, 15717], "o200k": [302, 1618, 19772]}


def test_without_the_package_a_sentence_says_what_to_install(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    with refused(r"needs the package bpe-openai.*pip install 'lmlab\[tokenizers\]'"):
        GPT4Tokenizer("cl100k")


def test_another_vocabulary_is_refused_with_the_nearest(refused):
    with refused("Did you mean 'o200k'"):
        gpt4("o200")


@pytest.mark.parametrize("name", IDS)
def test_it_serves_the_protocol(refused, name):
    pytest.importorskip("bpe_openai", reason="the extra `tokenizers` is optional")
    tokenizer = gpt4(name)
    assert tokenizer.encode("strawberry") == IDS[name]
    assert tokenizer.vocab_size == {"cl100k": 100_277, "o200k": 200_019}[name]
    assert len(tokenizer.symbols) == tokenizer.vocab_size
    assert tokenizer.symbols[tokenizer.boundary_id] == "."
    text = "नमस्ते 🙂\n\0 <|endoftext|> 12345"
    assert tokenizer.boundary_id not in tokenizer.encode(text)
    assert tokenizer.decode([tokenizer.boundary_id, *tokenizer.encode(text), tokenizer.boundary_id]) == text
    ids, lengths = tokenizer.encode_many(["strawberry", "", "a"])
    assert ids.tolist() == [*IDS[name], *tokenizer.encode("a")]
    assert lengths.tolist() == [3, 0, 1]
    with refused("half of a pair"):
        tokenizer.encode("a\ud83d")
    with refused("1,000,000 characters"):
        tokenizer.encode("a" * 1_000_000)
