import copy
import json
import pickle
import time
import unicodedata
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from lmlab.data.corpus import FILES
from lmlab.errors import LabError
from lmlab.tokenizers import pieces
from lmlab.tokenizers.bpe import BPETokenizer, BPETrainer
from lmlab.tokenizers.pieces import BYTE_OF_ID, GPT2_PATTERN, Splitter, bytes_of

TEXT = (FILES / "shakespeare.txt").read_text("utf-8")
HARD = [
    "",
    "\0",
    "\ud83d",
    "\ude42\ud83d",
    "🙂👩‍👩‍👧🏳️‍🌈",
    "नमस्ते दुनिया",
    "שלום مُحَمَّد",
    "naïve Zoë\u0308",
    "def f(x):\n\treturn x**2  # 1234567\n",
    "  two  spaces\n\n ",
    "\x85\x1c\u2028\ufeff\U000e0001",
    "<|endoftext|>.",
]


@pytest.fixture(scope="module")
def trained() -> BPETokenizer:
    return BPETrainer([TEXT[:60_000], *HARD]).train(400).tokenizer()


def peer(documents: list[str], merges: int) -> list[tuple[int, int]]:
    """The merges that the library `tokenizers` learns, as ids."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        documents, trainers.BpeTrainer(vocab_size=256 + merges, initial_alphabet=alphabet, show_progress=False)
    )
    model = json.loads(tokenizer.to_str())["model"]
    return [(model["vocab"][first], model["vocab"][second]) for first, second in model["merges"]]


# --- encoding -------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=[]), max_size=60))
def test_decoding_undoes_encoding_of_any_string(trained, text):
    ids = trained.encode(text)
    assert trained.decode(ids) == text
    assert trained.boundary_id not in ids
    assert b"".join(trained.texts[i] for i in ids) == bytes_of(text)


@pytest.mark.parametrize("text", HARD)
def test_hard_strings_come_back_whole(trained, text):
    assert trained.decode(trained.encode(text)) == text
    assert trained.decode([trained.boundary_id, *trained.encode(text), trained.boundary_id]) == text


@given(st.lists(st.text(max_size=20), max_size=6))
def test_many_documents_at_once_equal_one_after_the_other(trained, texts):
    ids, lengths = trained.encode_many(texts)
    assert ids.tolist() == [i for text in texts for i in trained.encode(text)]
    assert lengths.tolist() == [len(trained.encode(text)) for text in texts]
    assert ids.dtype == lengths.dtype == "int64"


def slowly(tokenizer: BPETokenizer, word: str) -> list[int]:
    """Merges applied the plain way: again and again the earliest that fits, at all its places."""
    ids = [BYTE_OF_ID.index(byte) for byte in bytes_of(word)]
    while True:
        fitting = [tokenizer.merges.index(pair) for pair in pairwise(ids) if pair in tokenizer.merges]
        if not fitting:
            return ids
        pair, place = tokenizer.merges[min(fitting)], 0
        while place < len(ids) - 1:
            if (ids[place], ids[place + 1]) == pair:
                ids[place : place + 2] = [256 + min(fitting)]
            place += 1


@settings(max_examples=40)
@given(st.text("aab c", max_size=40))
def test_the_heap_merges_as_the_plain_rule_does(text):
    tokenizer = BPETrainer(["aab aaab abab cab bacab aaaa", "caabaa"]).train(12).tokenizer()
    assert tokenizer.encode(text) == [i for word in Splitter(GPT2_PATTERN)(text) for i in slowly(tokenizer, word)]


def test_a_word_is_encoded_in_time_that_barely_grows_faster_than_its_length(trained):
    """An attacker's line without spaces: 200,000 letters took 0.2 s; the plain rule would take minutes."""
    line = "thequickbrownfox" * 12_500
    assert trained.decode(trained.encode(line)) == line


def test_with_no_merges_a_tokenizer_is_bytes():
    tokenizer = BPETokenizer([])
    assert tokenizer.vocab_size == 257
    assert tokenizer.boundary_id == 256
    assert tokenizer.encode("a.!") == [64, 13, 0]
    assert len(tokenizer.encode("न")) == 3


def test_the_bytes_are_numbered_as_in_gpt2():
    assert sorted(BYTE_OF_ID) == list(range(256))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    assert [chr(byte) for byte in BYTE_OF_ID[:188]] == alphabet[:188]
    assert [alphabet[188 + n] for n in (0, 32)] == ["Ā", "Ġ"]  # byte 0 is the first that does not print, 32 the space
    assert [BYTE_OF_ID[188], BYTE_OF_ID[188 + 32]] == [0, 32]


def test_symbols_are_drawn_readably_and_no_two_alike():
    tokenizer = BPETrainer(["a .. b\n\n\tनन"] * 3).train(30).tokenizer()
    symbols = tokenizer.symbols
    assert len(symbols) == tokenizer.vocab_size
    assert len(set(symbols)) == len(symbols)
    assert symbols[tokenizer.boundary_id] == "."
    assert symbols[13] == "‘.’"
    assert {"␣", "⏎", "⇥", "\\x00", "\\xe0", "न"} <= set(symbols)
    assert all(symbol.isprintable() and symbol.strip() for symbol in symbols)


def test_bytes_that_are_no_text_are_shown_as_such():
    tokenizer = BPETokenizer([])
    assert tokenizer.decode(tokenizer.encode("न")[:2]) == "�"
    assert tokenizer.decode(tokenizer.encode("aन")[:-1] + tokenizer.encode("b")) == "a�b"


# --- training -------------------------------------------------------------------------------------------

TEXTS = {
    "names": [" ".join((FILES / "names.txt").read_text("utf-8").split()[:3000])],
    "one name a document": (FILES / "names_indian.txt").read_text("utf-8").splitlines(),
    "shakespeare": [TEXT[:400_000]],
    "runs": ["aaaaaaa aaaa aaa aa a bbbbbb abababab babab  aabbaabb", "xyxyxyx yxyxyx"],
    "scripts": ["नमस्ते दुनिया, नमस्ते! 🙂🙂 123 1234 don't we'll\n\n\n  spaced   out  " * 3],
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_merges_are_those_of_an_independent_implementation(name):
    theirs = peer(TEXTS[name], 600)
    assert BPETrainer(TEXTS[name]).train(len(theirs)).merges == theirs
    assert len(theirs) > 20


@settings(max_examples=60)
@given(st.lists(st.text("aabc 1.", max_size=30), min_size=1, max_size=5), st.integers(1, 40))
def test_the_merges_of_small_texts_full_of_ties_are_theirs_too(documents, merges):
    theirs = peer(documents, merges)
    assert BPETrainer(documents).train(merges).merges == theirs


def recount(trainer: BPETrainer, documents: list[str]) -> Counter[tuple[int, int]]:
    """The pairs of the text under the trainer's merges, counted from nothing."""
    tokenizer = trainer.tokenizer()
    return Counter(
        pair
        for document in documents
        for word in Splitter(trainer.pattern)(document)
        for pair in pairwise(tokenizer.encode(word))
    )


@settings(max_examples=25)
@given(st.lists(st.text("aab c", max_size=25), min_size=1, max_size=4))
def test_every_step_takes_the_highest_count_and_of_equals_the_lowest_ids(documents):
    trainer = BPETrainer(documents)
    while counts := recount(trainer, documents):
        expected = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        assert trainer.top(5) == expected[:5]
        step = trainer.step(top=3)
        assert step is not None
        assert (step.pair, step.count) == expected[0]
        assert [count for _, count in step.top] == [count for _, count in expected[:3]]
    assert trainer.step() is None
    assert "no pair is left" in trainer.stopped


def test_a_step_tells_what_it_did():
    trainer = BPETrainer(["low low lower newest newest newest widest"])
    first = trainer.step(top=2)
    assert (first.number, first.id, first.symbol, first.parts, first.count) == (1, 256, "es", ("e", "s"), 4)
    assert first.top == [("es", 4), ("st", 4)]
    assert first.pieces[:9] == ["l", "o", "w", "␣", "l", "o", "w", "␣", "l"]
    second = trainer.step()
    assert (second.symbol, second.parts, second.top) == ("est", ("es", "t"), [])
    assert second.pieces[-4:] == ["w", "i", "d", "est"]
    assert second.tokens == len("low low lower newest newest newest widest") - 4 - 4


def test_compression_is_characters_and_bytes_a_token():
    trainer = BPETrainer(["नन नन"])
    step = trainer.train(2).step()
    ids = trainer.tokenizer().encode("नन नन")
    assert step.tokens == trainer.tokens == len(ids)
    assert step.characters_per_token == pytest.approx(5 / len(ids))
    assert step.bytes_per_token == pytest.approx(13 / len(ids))


def test_more_merges_compress_more_and_tokens_agree_with_the_tokenizer():
    trainer, tokens = BPETrainer([TEXT[:50_000]]), []
    for merges in (0, 50, 200, 500):
        trainer.train(merges)
        assert trainer.tokens == len(trainer.tokenizer().encode(TEXT[:50_000]))
        tokens.append(trainer.tokens)
    assert tokens == sorted(tokens, reverse=True)
    assert tokens[0] == 50_000
    assert tokens[-1] < 25_000


def test_no_merge_crosses_a_word():
    tokenizer = BPETrainer(["the cat. the cat. the cat."]).train(100).tokenizer()
    assert max(len(text) for text in tokenizer.texts) == len(" the")
    whole = BPETrainer(["the cat. the cat. the cat."], pattern=None).train(100).tokenizer()
    assert b"the cat. the cat. the cat." in whole.texts


@pytest.mark.parametrize("documents", [[], [""], ["a"], ["a b"]])
def test_a_text_without_pairs_stops_at_once(documents):
    trainer = BPETrainer(documents).train(5)
    assert trainer.tokenizer().decode(trainer.tokenizer().encode("a b")) == "a b"
    assert trainer.stopped is not None
    assert trainer.step() is None


@pytest.mark.parametrize("merges", [-1, 10**9])
def test_a_senseless_number_of_merges_is_refused(refused, merges):
    with refused("number of merges"):
        BPETrainer(["ab"]).train(merges)


# --- saving ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, None, r"\w+|\W", r"[^\s]+|\s+"])
def test_a_file_brings_back_the_merges_and_the_pattern(tmp_path, pattern):
    tokenizer = BPETrainer([TEXT[:5_000]], pattern).train(50).tokenizer()
    tokenizer.save(tmp_path / "bpe.json")
    again = BPETokenizer.load(tmp_path / "bpe.json")
    assert (again.merges, again.pattern, again.symbols) == (tokenizer.merges, pattern, tokenizer.symbols)
    assert again.encode(TEXT[:3_000]) == tokenizer.encode(TEXT[:3_000])
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "bpe.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.json", "bpe.json"]


def test_a_tokenizer_travels_to_another_process():
    tokenizer = BPETrainer([TEXT[:5_000]]).train(50).tokenizer()
    ids = tokenizer.encode("First Citizen")
    assert pickle.loads(pickle.dumps(tokenizer)).encode("First Citizen, speak") == tokenizer.encode(
        "First Citizen, speak"
    )
    assert copy.deepcopy(tokenizer).encode("First Citizen") == ids


def test_a_failed_save_keeps_the_file_that_was_there(tmp_path, monkeypatch):
    tokenizer = BPETokenizer([(64, 65)])
    tokenizer.save(tmp_path / "bpe.json")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(LabError, match=r"bpe\.json could not be written: No space left"):
        BPETokenizer([]).save(tmp_path / "bpe.json")
    assert BPETokenizer.load(tmp_path / "bpe.json").merges == [(64, 65)]
    assert [path.name for path in tmp_path.iterdir()] == ["bpe.json"]


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"kind": "words", "merges": [], "pattern": None}, "cannot read it"),
        ({"kind": "bpe", "pattern": None}, "cannot read it"),
        ({"kind": "bpe", "merges": [], "pattern": 5}, "cannot read it"),
        ({"kind": "bpe", "merges": [[1, 2, 3]], "pattern": None}, "pair of ids"),
        ({"kind": "bpe", "merges": [[1, True]], "pattern": None}, "pair of ids"),
        ({"kind": "bpe", "merges": ["ab"], "pattern": None}, "pair of ids"),
        ({"kind": "bpe", "merges": [[1, 256]], "pattern": None}, "Merge 1 joins the ids 1 and 256"),
        ({"kind": "bpe", "merges": [[-1, 2]], "pattern": None}, "only 0 to 255 exist"),
        ({"kind": "bpe", "merges": [[1, 2], [1, 2]], "pattern": None}, "spell the same bytes"),
        ({"kind": "bpe", "merges": [[0, 0]] * 500_001, "pattern": None}, "at most 500,000"),
        ({"kind": "bpe", "merges": [], "pattern": "("}, "cannot be read"),
        ({"kind": "bpe", "merges": [], "pattern": "(a)|."}, "has groups"),
        ({"kind": "bpe", "merges": [], "pattern": "a" * 2000}, "2,000 characters"),
    ],
)
def test_a_damaged_card_is_refused(refused, card, message):
    with refused(message):
        BPETokenizer.from_json(card)


def test_a_doubling_bomb_is_refused(refused):
    """Each merge doubles the token before: 40 of them would fill the memory with one token."""
    merges = [[64, 64], *([255 + n, 255 + n] for n in range(1, 40))]
    with refused("longer than"):
        BPETokenizer.from_json({"kind": "bpe", "merges": merges, "pattern": None})


@pytest.mark.parametrize("pattern", [r"\w+", r"\w+|.", r"(?=\w)", r"\w+|x\K "])
def test_a_pattern_that_loses_text_is_refused_and_the_advice_helps(refused, pattern):
    with refused(r"leaves out parts of the text\. Write \|\(\?s:\.\) at its end"):
        BPETokenizer([], pattern).encode("a \nb")
    mended = BPETokenizer([], pattern + "|(?s:.)")
    assert mended.decode(mended.encode("a \nb")) == "a \nb"


def test_a_pattern_that_loses_text_in_spite_of_the_advice_gets_another(refused):
    with refused("although any character may match. Use GPT-2's"):
        BPETokenizer([], pattern=r"b\Ka|(?s:.)").encode("ba")


def test_a_pattern_that_reads_backwards_is_refused(refused):
    """Its words have all the letters, in another order: `decode` would give another text."""
    with refused("in another order. Take"):
        BPETokenizer([], pattern=r"(?r)\w+|(?s:.)").encode("one two")


def test_a_pattern_that_calls_itself_is_refused(refused):
    with refused("calls itself without an end"):
        BPETokenizer([], pattern=r"(?R)?|(?s:.)").encode("ab")


@pytest.mark.parametrize(
    ("pattern", "message"), [("(?:" * 240 + "a" + ")" * 240, "nested too deep"), ("(?u)(?a)x", "cannot be read")]
)
def test_a_pattern_that_the_library_chokes_on_is_refused(refused, pattern, message):
    with refused(message):
        BPETokenizer([], pattern)


SLOW = r"(?:a|a)*b|(?s:.)"  # tries two ways for each letter before it gives up


def test_a_slow_pattern_is_stopped(refused, monkeypatch):
    monkeypatch.setattr(pieces, "SPLIT_SECONDS", 0.05)
    begin = time.perf_counter()
    with refused("takes too long"):
        BPETokenizer([], SLOW).encode("a" * 40)
    assert time.perf_counter() - begin < 2


def test_all_documents_share_one_budget(refused, monkeypatch):
    """Each of a thousand documents takes less than the time allowed, and all of them together more."""
    monkeypatch.setattr(pieces, "SPLIT_SECONDS", 0.05)
    document = "a" * 11
    for _ in range(3):
        assert len(BPETokenizer([], SLOW).encode(document)) == 11
    for act in (BPETokenizer([], SLOW).encode_many, lambda documents: BPETrainer(documents, SLOW)):
        begin = time.perf_counter()
        with refused("takes too long"):
            act([document] * 1000)
        assert time.perf_counter() - begin < 2


def test_a_large_text_has_more_time():
    """A second for each million characters: what a pattern like GPT-2's needs is never what is missing."""
    words = list(Splitter(GPT2_PATTERN).many([TEXT[:200_000]], seconds=0.0))
    assert "".join(words[0]) == TEXT[:200_000]


@pytest.mark.parametrize("content", ["", "[]", "not json", "[" * 100_000, '{"kind": "bpe"', "null"])
def test_a_file_that_is_no_tokenizer_is_refused(refused, tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with refused("holds no tokenizer"):
        BPETokenizer.load(tmp_path / "x.json")


def test_a_missing_or_binary_file_is_refused(refused, tmp_path):
    with refused("no.json cannot be read"):
        BPETokenizer.load(tmp_path / "no.json")
    with refused("cannot be read"):
        BPETokenizer.load(tmp_path)
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    with refused("holds no tokenizer"):
        BPETokenizer.load(tmp_path / "x.json")


def test_hard_strings_hold_every_kind_of_trouble():
    """The list above is what it claims: surrogates, other planes, marks, controls."""
    kinds = {unicodedata.category(character) for text in HARD for character in text}
    assert {"Cs", "So", "Mn", "Mc", "Cc", "Lo", "Nd", "Zl", "Cf"} <= kinds
