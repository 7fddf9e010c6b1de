import json
import sys

import pytest

from lmlab.tokenizers.bpe import BPETokenizer, BPETrainer
from lmlab.tokenizers.gpt2 import gpt2
from lmlab.tokenizers.load import named_tokenizer, tokenizer_from_json

DOCUMENTS = ["we love deep learning", "we love data."]


@pytest.mark.parametrize("name", ["characters", "words", "gpt2"])
def test_a_named_tokenizer_comes_back_from_its_card_as_plain_json(name):
    tokenizer = named_tokenizer(name, DOCUMENTS)
    again = tokenizer_from_json(json.loads(json.dumps(tokenizer.to_json())))
    assert type(again) is type(tokenizer)
    assert again.symbols == tokenizer.symbols
    assert again.boundary_id == tokenizer.boundary_id
    assert len(tokenizer.symbols) == tokenizer.vocab_size
    for text in DOCUMENTS:
        assert again.encode(text) == tokenizer.encode(text)
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_file_is_a_tokenizer_too(tmp_path):
    trained = BPETrainer(DOCUMENTS).train(9).tokenizer()
    trained.save(tmp_path / "mine.json")
    loaded = named_tokenizer(str(tmp_path / "mine.json"), [])
    assert isinstance(loaded, BPETokenizer)
    assert loaded.to_json() == trained.to_json()


def test_characters_are_those_of_the_documents():
    assert named_tokenizer("characters", ["ba", "c"]).symbols == [".", "a", "b", "c"]


def test_gpt2_is_one_object():
    assert named_tokenizer("gpt2", []) is tokenizer_from_json({"kind": "gpt2"}) is gpt2()


@pytest.mark.parametrize("name", ["gpt", "word", "GPT2"])
def test_an_unknown_name_is_answered_with_the_nearest(refused, name):
    with refused("no tokenizer or file called.*Did you mean"):
        named_tokenizer(name, [])


@pytest.mark.parametrize("name", ["", ".", "/", "nul\0byte", "two\nlines", "x" * 5000])
def test_what_is_no_name_and_no_file_is_refused(refused, name):
    with refused("no tokenizer or file called"):
        named_tokenizer(name, [])


@pytest.mark.parametrize("name", ["cl100k", "o200k"])
def test_gpt4_without_its_package_is_a_sentence(refused, monkeypatch, name):
    from lmlab.tokenizers.gpt4 import gpt4

    gpt4.cache_clear()
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    with refused("Install it with"):
        named_tokenizer(name, [])


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({}, "no tokenizer of the kind 'None'"),
        (None, "no tokenizer of the kind"),
        ([], "no tokenizer of the kind"),
        ({"kind": "byte"}, "kind 'byte'"),
        ({"kind": ["bpe"]}, "no tokenizer of the kind"),
        ({"kind": "characters", "alphabet": 3}, "cannot read it"),
        ({"kind": "words", "words": {"a": 1}}, "cannot read it"),
        ({"kind": "words", "words": ["a"] * 1_000_001}, "at most 1,000,000"),
        ({"kind": "bpe", "merges": 3}, "cannot read it"),
        ({"kind": "gpt4", "name": "gpt5"}, "no vocabulary called 'gpt5'"),
    ],
)
def test_a_damaged_card_is_refused(refused, card, message):
    with refused(message):
        tokenizer_from_json(card)
