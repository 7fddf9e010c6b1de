import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmlab.tokenizers.words import WordTokenizer, split_words

LINES = ["we love deep learning", "we love data", "deep models need data."]


@given(st.text(max_size=60))
def test_no_character_but_white_space_is_lost_by_splitting(text):
    assert "".join("".join(split_words(text)).split()) == "".join(text.split())


@given(st.text("ab'’- .,\n!पिé", max_size=40))
def test_a_known_text_read_back_has_the_same_words(text):
    tokenizer = WordTokenizer.from_documents([text])
    ids = tokenizer.encode(text)
    assert 0 not in ids
    assert 1 not in ids
    assert len(ids) == len(split_words(text))
    assert "".join(tokenizer.decode(ids).split()) == "".join(text.split())


@given(st.lists(st.lists(st.sampled_from(["deep", "we", "data", "o'clock"]), max_size=6).map(" ".join), max_size=5))
def test_plain_sentences_come_back_letter_by_letter(sentences):
    tokenizer = WordTokenizer.from_documents(sentences)
    assert [tokenizer.decode(tokenizer.encode(sentence)) for sentence in sentences] == sentences
    ids, lengths = tokenizer.encode_many(sentences)
    assert ids.tolist() == [i for sentence in sentences for i in tokenizer.encode(sentence)]
    assert lengths.tolist() == [len(sentence.split()) for sentence in sentences]


def test_ids_go_by_frequency_and_of_equals_by_the_alphabet():
    tokenizer = WordTokenizer.from_documents(LINES)
    assert tokenizer.symbols == [".", "<unk>", "data", "deep", "love", "we", "‘.’", "learning", "models", "need"]
    assert tokenizer.vocab_size == 10
    assert WordTokenizer.from_documents(reversed(LINES)).words == tokenizer.words


def test_rare_words_are_unknown():
    assert WordTokenizer.from_documents(LINES, most=2).words == ["data", "deep"]
    tokenizer = WordTokenizer.from_documents(LINES, at_least=2)
    assert tokenizer.words == ["data", "deep", "love", "we"]
    assert tokenizer.encode("we need data") == [5, tokenizer.unknown_id, 2]
    assert tokenizer.decode([0, 5, 1, 2, 0]) == "we <unk> data"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Hello,world !", "Hello, world!"),
        ("( a [b] )", "(a [b])"),
        ("ROMEO:\nBut, soft!\n\nJULIET:\n'Tis", "ROMEO:\nBut, soft!\n\nJULIET:\n'Tis"),
        ("well-known  o'clock -- no...", "well-known o'clock -- no..."),
        ("नमस्ते दुनिया।", "नमस्ते दुनिया।"),
        ("<unk>", "< unk >"),
    ],
)
def test_decoding_reads_well(text, read):
    tokenizer = WordTokenizer.from_documents([text])
    assert tokenizer.decode(tokenizer.encode(text)) == read


def test_vowel_signs_belong_to_their_word():
    assert split_words("प्रिया और ज़ोया") == ["प्रिया", "और", "ज़ोया"]


@given(st.lists(st.text(max_size=20), max_size=4))
def test_a_tokenizer_comes_back_from_its_card(texts):
    tokenizer = WordTokenizer.from_documents(texts)
    assert WordTokenizer.from_json(tokenizer.to_json()).symbols == tokenizer.symbols


@pytest.mark.parametrize(
    "card",
    [{}, {"kind": "bpe"}, {"kind": "words"}, {"kind": "words", "words": "ab"}, {"kind": "words", "words": [1]}],
)
def test_a_foreign_card_is_refused(refused, card):
    with refused("cannot read it"):
        WordTokenizer.from_json(card)


def test_what_no_text_could_hold_is_no_vocabulary(refused):
    with refused("'two words' is not one word"):
        WordTokenizer(["one", "two words"])
    with refused("'one' stands twice"):
        WordTokenizer(["one", "one"])
    with refused("vocabulary of 0 words"):
        WordTokenizer.from_documents(LINES, most=0)


def test_symbols_and_words_to_read_back_are_made_once():
    """A list of the whole vocabulary that is built anew for each token takes more than a second."""
    tokenizer = WordTokenizer([f"w{i}" for i in range(100_000)])
    assert tokenizer.symbols is tokenizer.symbols
    begin = time.perf_counter()
    assert tokenizer.decode([2, 0, 100_001, 1] * 500).split() == ["w0", "w99999", "<unk>"] * 500
    assert time.perf_counter() - begin < 0.5
