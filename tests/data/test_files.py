"""What the bundled files hold; corpora by name are tested beside `corpus.py`."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from lmlab.data import build
from lmlab.data.corpus import FILES, names_corpus, text_corpus

TEXT = (FILES / "shakespeare.txt").read_text("utf-8")
LICENCES = (FILES / "DATA_LICENSES.md").read_text("utf-8")
SENTENCES = (FILES / "words.txt").read_text("utf-8").splitlines()


# --- words.txt ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def words():
    return names_corpus(SENTENCES, "words")


def test_the_sentences_are_distinct_lower_case_and_over_twelve_words(words):
    assert words.texts == SENTENCES
    assert 20 <= len(SENTENCES) <= 40
    assert len({word for sentence in SENTENCES for word in sentence.split()}) == 12
    assert all(sentence.isascii() and sentence.islower() for sentence in SENTENCES)


def test_the_curriculum_s_sentence_is_a_training_sentence(words):
    assert words.side_of["we love deep learning"] == "train"


def test_held_out_sentences_use_known_words_and_known_pairs_of_words(words):
    def pairs(part):
        return {
            pair for text in words.part(part) for pair in zip(["", *text.split()], [*text.split(), ""], strict=True)
        }

    known = pairs("train")
    assert words.split == {"train": 28, "validation": 4, "test": 4}
    assert pairs("validation") <= known
    assert pairs("test") <= known


@pytest.mark.parametrize(
    ("before", "word", "follow"),
    [("love", "deep", {"learning"}), ("build", "deep", {"models"}), ("need", "large", {"data"})],
)
def test_what_follows_a_word_depends_on_the_word_before(words, before, word, follow):
    found = set()
    for text in words.part("train"):
        tokens = text.split()
        found |= {tokens[i + 2] for i in range(len(tokens) - 2) if (tokens[i], tokens[i + 1]) == (before, word)}
    assert found == follow


# --- shakespeare.txt ------------------------------------------------------------------------------------


def test_shakespeare_has_the_size_and_the_62_characters_that_the_licence_page_states():
    assert len(TEXT) == len(TEXT.encode()) == 1_163_948
    assert "".join(sorted(set(TEXT))) == "\n !',-.:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert f"{len(TEXT):,}" in LICENCES


def test_every_speech_is_a_speaker_and_lines():
    speeches = TEXT.rstrip("\n").split("\n\n")
    assert len(speeches) > 8_000
    assert all(re.fullmatch(r"[A-Z][A-Z ,'-]*:(\n[^\n]+)+", speech) for speech in speeches)
    assert TEXT.startswith("FIRST CITIZEN:\nBefore we proceed any further, hear me speak.\n\nALL:\n")


def test_no_heading_or_direction_is_left():
    assert not re.search(r"\b(Exeunt|ACT|SCENE|Gutenberg)\b", TEXT)


def test_every_part_of_shakespeare_is_over_one_alphabet():
    corpus = text_corpus(TEXT)
    train = set(corpus.part("train")[0])
    assert set(corpus.part("validation")[0]) | set(corpus.part("test")[0]) <= train


def test_a_direction_that_is_never_closed_ends_with_its_paragraph():
    play = "ACT I.\n\n[Enter Kent and\nothers.\n\nKENT.--\nSpeak.\n\nSCENE II. A heath.\n\nLEAR. Howl!\n\nSONG.\n"
    assert build.speeches(play) == ["KENT:\nSpeak.", "LEAR:\nHowl!"]


# --- the other files and their origin -------------------------------------------------------------------


def test_the_merges_are_gpt2_s_and_carry_no_date():
    content = (FILES / "gpt2_merges.txt.gz").read_bytes()
    assert content[4:8] == b"\0\0\0\0"
    lines = gzip.decompress(content).decode("utf-8").splitlines()
    assert len(lines) == 50_001
    assert lines[:2] == ["#version: 0.2", "Ġ t"]


def test_the_vectors_need_no_pickle():
    with np.load(FILES / "glove50_20k_int8.npz", allow_pickle=False) as file:
        assert file["vectors"].shape == (20_009, 50)
        assert file["vectors"].dtype == np.int8
        assert (np.abs(file["vectors"].astype(int)).max(axis=1) == 127).all()
        assert set(build.GLOVE_EXTRAS) <= set(file["words"].tobytes().decode().split("\n")[-9:])


def test_every_bundled_file_has_its_licence_and_size_on_the_page():
    sizes = dict(re.findall(r"^\| `(.+?)` \| ([\d,]+) \|", LICENCES, flags=re.MULTILINE))
    files = {path.name: path.stat().st_size for path in FILES.iterdir() if path.suffix != ".md"}
    assert {name: int(size.replace(",", "")) for name, size in sizes.items()} == files
    assert all(f"\n## {name}\n" in LICENCES for name in files)
    assert "Copyright (c) 2019 OpenAI" in LICENCES


def test_another_archive_than_the_pinned_one_is_not_read(tmp_path):
    name = next(iter(build.ARCHIVES))
    (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(SystemExit, match="SHA-256 differs"):
        build.read_archive(tmp_path, name)


def test_the_licence_page_is_part_of_the_package():
    root = Path(build.__file__).parents[2]
    assert 'license-files = ["LICENSE", "lmlab/data/files/DATA_LICENSES.md"]' in (root / "pyproject.toml").read_text()
