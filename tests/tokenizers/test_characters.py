import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.tokenizers.protocol import with_boundaries

ALPHABET = "abcxyz. -'’\n\tßéप्🙂אم…0"
documents = st.lists(st.text(ALPHABET, max_size=12), max_size=8)


@given(st.text(ALPHABET, max_size=40))
def test_decoding_undoes_encoding(text):
    tokenizer = CharacterTokenizer(ALPHABET)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(st.text(max_size=40))
def test_any_text_is_at_home_in_its_own_alphabet(text):
    tokenizer = CharacterTokenizer(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.vocab_size == 1 + len(set(text)) == len(tokenizer.symbols)


@given(st.text(ALPHABET, max_size=40))
def test_no_text_encodes_to_the_boundary(text):
    tokenizer = CharacterTokenizer(ALPHABET)
    ids = tokenizer.encode(text)
    assert len(ids) == len(text)
    assert all(1 <= i < tokenizer.vocab_size for i in ids)
    assert tokenizer.boundary_id not in ids


@given(documents)
def test_many_documents_at_once_equal_one_after_the_other(texts):
    tokenizer = CharacterTokenizer(ALPHABET)
    ids, lengths = tokenizer.encode_many(texts)
    assert ids.tolist() == [i for text in texts for i in tokenizer.encode(text)]
    assert lengths.tolist() == [len(text) for text in texts]


@given(documents)
def test_boundaries_stand_before_between_and_after(texts):
    tokenizer = CharacterTokenizer(ALPHABET)
    stream, starts = with_boundaries(*tokenizer.encode_many(texts), tokenizer.boundary_id)
    expected = [0]
    for text, start in zip(texts, starts, strict=True):
        assert start == len(expected) - 1
        expected += [*tokenizer.encode(text), 0]
    assert stream.tolist() == expected


def test_a_full_stop_in_the_data_is_not_the_end_of_a_document():
    tokenizer = CharacterTokenizer("j.r")
    (stop,) = tokenizer.encode(".")
    assert stop != tokenizer.boundary_id
    assert tokenizer.symbols[stop] != tokenizer.symbols[tokenizer.boundary_id] == "."
    assert tokenizer.decode([0, stop, 0]) == "."


def test_every_symbol_is_drawn_and_no_two_alike():
    symbols = CharacterTokenizer(ALPHABET).symbols
    assert len(set(symbols)) == len(symbols)
    assert all(symbol.strip() for symbol in symbols)


def test_ids_do_not_depend_on_the_order_of_the_alphabet():
    assert CharacterTokenizer("cab").encode("abc") == CharacterTokenizer("abcabc").encode("abc") == [1, 2, 3]


@pytest.mark.parametrize(("text", "stranger"), [("abd", "d"), ("aZ", "Z"), ("ab🙂", "🙂"), ("\u0000", "\u0000")])
def test_a_stranger_is_named_with_the_vocabulary(refused, text, stranger):
    with refused(f"'{stranger}' is not in the vocabulary, which has: abc"):
        CharacterTokenizer("abc").encode(text)


def test_a_large_vocabulary_is_not_read_out(refused):
    with refused(r"… \(500 characters\)"):
        CharacterTokenizer([chr(0x4E00 + i) for i in range(500)]).encode("a")


def test_an_empty_alphabet_knows_the_boundary_alone(refused):
    tokenizer = CharacterTokenizer("")
    assert (tokenizer.vocab_size, tokenizer.encode(""), tokenizer.decode([0, 0])) == (1, [], "")
    with refused("'a' is not in the vocabulary"):
        tokenizer.encode("a")


@given(st.text(max_size=30))
def test_a_tokenizer_comes_back_from_its_card(text):
    tokenizer = CharacterTokenizer(text)
    again = CharacterTokenizer.from_json(tokenizer.to_json())
    assert again.alphabet == tokenizer.alphabet


@pytest.mark.parametrize("card", [{}, {"kind": "bpe"}, {"kind": "characters"}, {"kind": "characters", "alphabet": 5}])
def test_a_foreign_card_is_refused(refused, card):
    with refused("cannot read it"):
        CharacterTokenizer.from_json(card)


def test_ids_are_64_bit_so_that_torch_takes_them_as_they_are():
    ids, lengths = CharacterTokenizer("ab").encode_many(["ab"])
    assert ids.dtype == lengths.dtype == np.int64
