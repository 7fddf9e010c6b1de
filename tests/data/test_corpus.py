import hashlib
import random
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmlab.data.corpus import (
    BUNDLED,
    LARGEST_ALPHABET,
    LARGEST_FILE,
    LONGEST_NAME,
    PARTS,
    hub_lines,
    load_corpus,
    names_corpus,
    normalise_name,
    raw_lines,
    split_names,
    text_corpus,
)
from lmlab.errors import LabError
from lmlab.generation.generate import generate
from lmlab.models.ngram import count
from lmlab.tokenizers.characters import CharacterTokenizer

# --- the split ------------------------------------------------------------------------------------------


def test_no_name_is_on_two_sides_and_none_is_lost(names):
    sides = [set(names.part(part)) for part in PARTS]
    assert sum(len(side) for side in sides) == len(set.union(*sides)) == len(names.texts)
    assert sum(names.split.values()) == names.report.kept


def test_the_sides_hold_about_80_10_and_10_percent(names):
    shares = [names.split[part] / len(names.texts) for part in PARTS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_the_side_of_a_name_is_its_hash_and_nothing_else(names):
    for name, side in random.Random(0).sample(list(zip(names.texts, names.sides, strict=True)), 500):
        bucket = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") % 10
        assert side == ("train" if bucket < 8 else "validation" if bucket == 8 else "test")


@pytest.mark.parametrize("size", [40, 99, 100, 2000])
def test_the_split_does_not_depend_on_the_order_of_the_lines(names, size):
    lines = names.texts[:size]
    shuffled = random.Random(1).sample(lines, len(lines))
    one, other = names_corpus(lines), names_corpus(shuffled)
    for part in PARTS:
        assert set(one.part(part)) == set(other.part(part))


def test_a_name_keeps_its_side_when_names_are_added(names):
    before, after = names_corpus(names.texts[:500]), names_corpus(names.texts[:3000])
    for part in PARTS:
        assert set(before.part(part)) <= set(after.part(part))


@given(st.lists(st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=6), unique=True))
def test_under_100_names_no_part_is_empty(lines):
    distinct = list(dict.fromkeys(normalise_name(line) for line in lines))[:99]
    if len(distinct) < 3:
        return
    corpus = names_corpus(distinct)
    tenth = max(1, round(len(distinct) / 10))
    assert corpus.split == {"train": len(distinct) - 2 * tenth, "validation": tenth, "test": tenth}
    assert corpus.report.by_rank
    assert "by rank" in corpus.report.sentence()


def test_from_100_names_on_the_hash_alone_decides(names):
    assert split_names(names.texts[:99])[1] is True
    assert split_names(names.texts[:100])[1] is False


def test_no_part_is_empty_even_if_every_hash_falls_on_one_side(names):
    """Somebody loads the training part of the names as a corpus of its own: every bucket is one of training."""
    try:
        corpus = names_corpus(names.part("train")[:150])
    except LabError:
        return
    assert all(corpus.split.values()), corpus.split


def test_a_split_by_line_number_leaks_and_this_one_does_not(names):
    """Repeats that stay in the file put the same name on both sides; removing them first mends it."""
    lines = BUNDLED["names"].path.read_text("utf-8").splitlines()
    random.Random(42).shuffle(lines)
    training, held_out = set(lines[: len(lines) * 8 // 10]), lines[len(lines) * 9 // 10 :]
    leaked = sum(name in training for name in held_out) / len(held_out)
    assert 0.10 < leaked < 0.14
    ours = set(names.part("train"))
    assert not any(name in ours for part in ("validation", "test") for name in names.part(part))


# --- cleaning -------------------------------------------------------------------------------------------


def test_duplicates_are_removed_before_the_split_and_counted(names):
    lines = BUNDLED["names"].path.read_text("utf-8").splitlines()
    assert len(set(names.texts)) == len(names.texts) == len(set(lines))
    assert names.report.lines == len(lines)
    assert names.report.duplicates == len(lines) - len(set(lines)) > 2000


def test_every_dropped_line_has_a_reason():
    corpus = names_corpus(["Ada", " ada", "", "  ", "x" * (LONGEST_NAME + 1), "Grace", "y" * LONGEST_NAME])
    report = corpus.report
    assert (report.lines, report.kept, report.duplicates, report.empty, report.too_long) == (7, 3, 1, 2, 1)
    assert "1 longer than 100 characters" in report.sentence()


def test_composed_and_decomposed_accents_are_one_name():
    corpus = names_corpus(["Zoë", "zoe\u0308", "José", "ana", "Jose"])
    assert corpus.texts == ["zoë", "josé", "ana", "jose"]


def test_white_space_within_a_name_is_one_space():
    assert normalise_name(" Mary\t \u00a0Ann\n") == "mary ann"


@given(st.text())
def test_cleaning_a_clean_name_changes_nothing(line):
    once = normalise_name(line)
    assert normalise_name(once) == once
    assert unicodedata.is_normalized("NFC", once)


def test_equal_documents_have_equal_hashes_and_others_do_not(small):
    again = names_corpus(small.texts)
    assert again.sha256 == small.sha256
    assert names_corpus(small.texts[::-1]).sha256 != small.sha256
    assert names_corpus([*small.texts, "wilma"]).sha256 != small.sha256


# --- every script ---------------------------------------------------------------------------------------

SCRIPTS = {
    "devanagari": ["प्रिया", "अनन्या", "क़मर", "श्री", "ज़ोया", "ऋषि"],
    "emoji": ["👩‍👩‍👧", "🏳️‍🌈", "👍🏽👍", "🇮🇳🇩🇪", "😀", "🧑🏿‍🚀"],
    "right to left": ["שרה", "דָּוִד", "مُحَمَّد", "فاطمة", "لیلا", "נועם"],
    "accents": ["zoë", "josé", "søren", "åsa", "ñandú", "čeněk", "ı", "ß"],
    "han and hangul": ["美咲", "子涵", "김민준", "서연", "さくら", "𠮷野"],
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_survives_corpus_tokenizer_count_and_generation(script):
    corpus = names_corpus(SCRIPTS[script])
    tokenizer = CharacterTokenizer(corpus.alphabet)
    for text in corpus.texts:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert set(corpus.texts) == {unicodedata.normalize("NFC", text) for text in SCRIPTS[script]}
    # Seven tokens back is the whole past of a short name, so maximum likelihood can only say it again.
    training = set(corpus.part("train"))
    said = {sample.text for sample in generate(count(corpus, 8, "mle", tokenizer=tokenizer), tokenizer, n=60)}
    assert said <= training
    assert len(said) > 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_file_in_any_script_is_the_same_as_pasted_text(script, tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(SCRIPTS[script]).encode("utf-8"))
    assert load_corpus(path).sha256 == load_corpus("\n".join(SCRIPTS[script])).sha256


def test_half_a_surrogate_pair_is_refused_or_works_everywhere():
    """A browser may cut an emoji in two; what the corpus takes, `documents` must take too."""
    try:
        corpus = names_corpus(["a\ud83d", "b", "c", "d"])
    except LabError:
        return
    assert len(corpus.documents) == 4


# --- datasets and the Hub -------------------------------------------------------------------------------


def test_documents_are_a_dataset_with_text_and_part(names):
    documents = names.documents
    assert isinstance(documents, datasets.Dataset)
    assert documents.column_names == ["text", "part"]
    assert documents["text"][:] == names.texts
    assert documents.filter(lambda part: part == "test", input_columns="part").num_rows == names.split["test"]


def hub(monkeypatch, answer, files="hf://datasets/{name}@main/names.csv"):
    """Let the Hub answer with a table or raise; returns the names it was asked for."""
    asked = []

    def load_dataset_builder(name, token):
        assert token is False  # what only the server's owner may read is not for visitors
        asked.append(name)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(
            config=SimpleNamespace(data_files={"train": [files.format(name=name)]}),
            as_streaming_dataset=lambda split: datasets.Dataset.from_dict(answer),
        )

    monkeypatch.setattr(datasets, "load_dataset_builder", load_dataset_builder)
    return asked


@pytest.mark.parametrize(
    "files", ["/srv/lab/corpora/*.txt", "hf://datasets/someone/private@main/x.csv", "https://x.org/names.csv"]
)
def test_a_hub_data_set_whose_files_lie_elsewhere_is_refused(monkeypatch, refused, files):
    hub(monkeypatch, {"text": ["ada", "grace", "alan"]}, files)
    with refused("no column of text"):
        load_corpus("hub:someone/names")


def test_a_hub_data_set_is_read_from_its_column_of_names(monkeypatch):
    asked = hub(monkeypatch, {"country": ["x", "y", "z"], "Name": ["Ada", "Grace\nAlan", None]})
    corpus = load_corpus("hub:someone/names")
    assert asked == ["someone/names"]
    assert corpus.texts == ["ada", "grace", "alan"]
    assert corpus.name == "hub:someone/names"


def test_no_more_of_a_hub_data_set_is_read_than_a_lesson_needs(monkeypatch):
    hub(monkeypatch, {"text": ["x" * 10] * 1000})
    assert len(hub_lines("someone/names", most=95)) == 9
    hub(monkeypatch, {"text": ["\n" * 50] * 1000})  # empty lines take room, too
    assert len(hub_lines("someone/names", most=95)) == 100


def test_a_hub_data_set_without_text_is_refused(monkeypatch, refused):
    hub(monkeypatch, {"number": [1, 2, 3]})
    with refused("no column of text"):
        load_corpus("hub:someone/numbers")


@pytest.mark.parametrize("trouble", [ConnectionError("offline"), FileNotFoundError("no such data set"), OSError()])
def test_an_unknown_or_unreachable_hub_data_set_is_refused_with_a_way_out(monkeypatch, refused, trouble):
    hub(monkeypatch, trouble)
    with refused("could not be loaded from the Hub.*bundled names"):
        load_corpus("hub:nobody/nothing")


@pytest.mark.parametrize("name", ["", "names", "a/b/c", "a b/c", "/etc/passwd", "https://x.org/y"])
def test_what_is_not_a_hub_name_never_reaches_the_hub(monkeypatch, refused, name):
    asked = hub(monkeypatch, ConnectionError())
    with refused("is not the name of a Hub data set"):
        load_corpus(f"hub:{name}")
    assert asked == []


@pytest.mark.parametrize("name", ["../..", "./secrets", "../secrets", "secrets/.."])
def test_a_hub_name_cannot_be_a_folder_of_the_server(monkeypatch, refused, name):
    """`datasets` reads a local folder when its argument is the path of one."""
    asked = hub(monkeypatch, {"text": ["private", "things", "here"]})
    with refused():
        load_corpus(f"hub:{name}")
    assert asked == []


# --- what cannot be loaded ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["\n", " \n \n", "ada\n", "ada\nAda\n ADA ", "ada\ngrace\n", "x" * 101 + "\n" + "y" * 200]
)
def test_too_little_to_split_is_refused(refused, text):
    with refused("at least 3 different names"):
        load_corpus(text)


def test_a_line_that_is_too_long_says_so(refused):
    with refused("at most 100 characters"):
        names_corpus(["x" * 101, "y" * 200])


@pytest.mark.parametrize("source", ["", ".", "no such corpus", "/", "nul\0byte", Path("missing.txt")])
def test_a_missing_file_or_a_folder_is_refused_by_name(refused, source):
    with refused("no corpus or file called"):
        load_corpus(source)


def test_a_folder_is_not_a_corpus(refused, tmp_path):
    with refused("no corpus or file called"):
        load_corpus(tmp_path)


def test_a_long_line_of_pasted_text_is_refused_like_any_other_missing_file(refused):
    with refused():
        load_corpus("emma, olivia, ava, " * 40)


def test_an_empty_file_is_refused(refused, tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")
    with refused("0 usable lines"):
        load_corpus(tmp_path / "empty.txt")


def test_bytes_that_are_not_utf8_are_refused_with_their_place(refused, tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("ana\nzoé\nbob\n".encode("latin-1"))
    with refused(r"latin.txt is not UTF-8: byte 7 \(0xe9\)"):
        load_corpus(path)
    path.write_bytes(bytes(range(128, 256)) * 20)
    with refused("not UTF-8"):
        load_corpus(path)


def test_a_file_that_is_too_large_is_refused_unread(refused, tmp_path, monkeypatch):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1_000_000)  # a hole: takes no space on the disk
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("it was read"))
    for kind in ("names", "text"):
        with refused("huge.txt has 51.0 MB: at most 50 MB are read"):
            load_corpus(path, kind)


def test_raw_lines_are_what_a_corpus_is_made_of(tmp_path):
    content = "Ada\n\nada\u2028Grace\r\nAlan\n"
    path = tmp_path / "names.txt"
    path.write_bytes(b"\xef\xbb\xbf" + content.encode())
    for source in (path, str(path), content):
        assert raw_lines(source) == ["Ada", "", "ada", "Grace", "Alan"]
        assert "\n".join(raw_lines(source, "text")) == content
    for name, bundled in BUNDLED.items():
        assert load_corpus(name).report.lines == len(raw_lines(name, bundled.kind))


def test_an_alphabet_that_no_lesson_can_hold_is_refused(refused):
    with refused("different characters"):
        names_corpus([chr(0x4E00 + i) for i in range(LARGEST_ALPHABET + 1)])


# --- text -----------------------------------------------------------------------------------------------


def test_a_text_is_split_in_three_and_nothing_is_lost():
    text = "To be, or not to be.\n\nTo be, or not to be.\n" * 20
    corpus = load_corpus(text, kind="text")
    assert "".join(corpus.part(part)[0] for part in PARTS) == text
    assert [len(corpus.part(part)[0]) / len(text) for part in PARTS] == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    assert {"T", "\n", "."} <= set(corpus.alphabet)


def test_a_short_text_is_refused(refused):
    with refused("29 characters"):
        text_corpus("x" * 29)
    assert len(text_corpus("x" * 30).texts) == 3


def test_a_line_of_accents_costs_no_more_than_its_length():
    """NFC of 200,000 unordered accents would take minutes; such a line is no name and is dropped."""
    line = "a" + "\u0315" * 100_000 + "\u0300" * 100_000
    corpus = names_corpus(["ada", "grace", "alan", line])
    assert corpus.report.too_long == 1
