"""`tokenize`, `bpe-train`, `neighbours`, `analogy` and `models`."""

import os

import pytest
from calling import INDIAN, answer, call, check_form, schema_of, sentence

from lmlab.models.build import MODELS
from lmlab.tokenizers.bpe import MOST_MERGES, BPETokenizer


def test_json_of_tokenize():
    data = answer("tokenize", "strawberry", "--tokenizer", "gpt2")
    check_form(data, schema_of("tokenize"))
    assert data["ids"] == [301, 1831, 8396]
    assert data["tokens"] == ["st", "raw", "berry"]
    assert answer("tokenize", " strawberry", "--tokenizer", "gpt2")["ids"] == [41236]
    characters = answer("tokenize", "emma")
    assert (characters["tokenizer"], characters["ids"], characters["vocab_size"]) == (
        "characters",
        [5, 13, 13, 1],
        27,
    )
    words = answer("tokenize", "we love you", "--corpus", "words")
    assert (words["tokenizer"], words["tokens"][-1]) == ("words", "you")


def test_tokens_for_people():
    told = call("tokenize", " नमस्ते\n", "--tokenizer", "gpt2").stdout
    assert "Tokens:" in told
    assert "␣" in told


def test_bad_texts_and_tokenizers(tmp_path):
    assert "The character 'H' is not in the vocabulary" in sentence("tokenize", "Hello")
    assert "Did you mean 'gpt2'?" in sentence("tokenize", "hello", "--tokenizer", "gpt")
    broken = tmp_path / "bpe.json"
    broken.write_text("{}")
    assert sentence("tokenize", "hello", "--tokenizer", broken)
    assert "no corpus or file" in sentence("tokenize", "hello", "--corpus", tmp_path / "nowhere")


def test_json_of_bpe_train(tmp_path):
    file = tmp_path / "bpe.json"
    data = answer("bpe-train", *INDIAN, "--merges", 30, "--out", file)
    check_form(data, schema_of("bpe-train"))
    assert len(data["merges"]) == 30
    assert data["stopped"] is None
    tokenizer = BPETokenizer.load(file)
    assert [list(pair) for pair in tokenizer.merges] == [merge["ids"] for merge in data["merges"]]
    assert tokenizer.vocab_size == data["vocab_size"]
    first = data["merges"][0]
    assert first["symbol"] == "".join(first["parts"])
    assert data["characters_per_token"] > 1
    cut = answer("tokenize", "priya", "--tokenizer", file)
    assert (cut["tokenizer"], "".join(cut["tokens"])) == ("bpe", "priya")
    assert "30 merges in" in call("bpe-train", *INDIAN, "--merges", 30, "--out", file).stdout


def test_merges_are_learned_from_the_training_documents_alone(tmp_path, names_indian):
    file = tmp_path / "bpe.json"
    data = answer("bpe-train", *INDIAN, "--merges", 1, "--out", file)
    pair = "".join(data["merges"][0]["parts"])
    assert data["characters"] == sum(len(name) for name in names_indian.part("train"))
    pairs = [name[i : i + 2] for name in names_indian.part("train") for i in range(len(name))]
    assert data["merges"][0]["count"] == pairs.count(pair)


def test_too_few_words_for_the_merges(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("ab\nac\nad\n", "utf-8")
    data = answer("bpe-train", "--corpus", names, "--merges", 50, "--out", tmp_path / "bpe.json")
    assert len(data["merges"]) < 50
    assert "Train on more text" in data["stopped"]


def test_bad_places_for_a_tokenizer(tmp_path):
    base = ["bpe-train", *INDIAN, "--merges", 3, "--out"]
    assert "is a folder" in sentence(*base, tmp_path)
    assert "There is no folder" in sentence(*base, tmp_path / "nowhere" / "bpe.json")
    assert "0 merges were asked for" in sentence("bpe-train", *INDIAN, "--merges", 0, "--out", tmp_path / "bpe.json")
    assert list(tmp_path.iterdir()) == []


def test_only_a_tokenizer_is_replaced(tmp_path):
    base = ["bpe-train", *INDIAN, "--merges", 3, "--out"]
    for name, content in (("keep.txt", "my notes"), ("card.json", '{"kind": "characters", "alphabet": "ab"}')):
        (tmp_path / name).write_text(content)
        assert "is no tokenizer of bpe-train. Choose another file" in sentence(*base, tmp_path / name)
        assert (tmp_path / name).read_text() == content
    answer(*base, tmp_path / "bpe.json")
    assert answer("bpe-train", *INDIAN, "--merges", 5, "--out", tmp_path / "bpe.json")["vocab_size"] == 256 + 5 + 1
    assert len(BPETokenizer.load(tmp_path / "bpe.json").merges) == 5


def test_no_more_merges_than_can_be_loaded_again(tmp_path):
    base = ["bpe-train", *INDIAN, "--out", tmp_path / "bpe.json", "--merges"]
    assert f"choose 1 to {MOST_MERGES:,}." in sentence(*base, MOST_MERGES + 1)


def test_a_full_disk_leaves_the_former_tokenizer(tmp_path, monkeypatch):
    file = tmp_path / "bpe.json"
    answer("bpe-train", *INDIAN, "--merges", 3, "--out", file)
    before = file.read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert "No space left on device" in sentence("bpe-train", *INDIAN, "--merges", 5, "--out", file)
    assert file.read_bytes() == before


def test_json_of_vectors():
    data = answer("neighbours", "king", "-n", 3)
    check_form(data, schema_of("neighbours"))
    assert "queen" in [row["word"] for row in data["neighbours"]]
    cosines = [row["cosine"] for row in data["neighbours"]]
    assert cosines == sorted(cosines, reverse=True)
    data = answer("analogy", "king", "man", "woman")
    check_form(data, schema_of("analogy"))
    assert data["answers"][0]["word"] == "queen"
    assert answer("analogy", "king", "man", "woman", "--inputs")["answers"][0]["word"] == "king"
    assert "queen" in call("analogy", "king", "man", "woman").stdout
    assert "Did you mean 'queen'?" in sentence("neighbours", "quen")
    assert "Ask for 1 or more" in sentence("neighbours", "king", "-n", 0)


@pytest.fixture(scope="module")
def models():
    data = answer("models")
    check_form(data, schema_of("models"))
    return {row["name"]: row for row in data["models"]}


def test_every_model_is_listed_with_its_size_idea_and_source(models):
    assert set(MODELS) < set(models)
    assert {"uniform", "unigram", "bigram", "trigram", "4-gram", "kneser-ney"} < set(models)
    for row in models.values():
        assert row["bytes"] == 4 * row["parameters"]
        assert row["idea"]
        assert row["source"]
    assert models["uniform"]["parameters"] == 0
    assert models["unigram"]["parameters"] == 27
    assert models["bigram-table"]["parameters"] == 27 * 27
    assert [name for name, row in models.items() if not row["language_model"]] == ["skip-gram"]


def test_parameters_are_those_of_a_model_that_is_trained(models, tmp_path):
    mlp = models["mlp"]
    data = answer("train", "--model", "mlp", "--corpus", "names", "--steps", 1, "--out", tmp_path / "run")
    assert (mlp["parameters"], mlp["preset"], mlp["options"]) == (data["parameters"], data["preset"], data["options"])


def test_models_for_people():
    told = call("models").stdout
    for name in MODELS:
        assert name in told
    assert "Shannon (1948)" in told
