"""Bringing a run in: what the lab packed comes back with the same loss; whatever else is a sentence."""

import json
import time
import zipfile

import pytest
import torch
from safetensors.torch import load_file, save

from lmlab.data.corpus import load_corpus
from lmlab.evaluation.loss import evaluate
from lmlab.jobs import calls
from lmlab.jobs.calls.comparing import open_test
from lmlab.jobs.calls.runs import MOST_LOOKS, _looks_of, import_run
from lmlab.models.build import build
from lmlab.models.ngram import count
from lmlab.runs.archive import pack_run
from lmlab.runs.cards import BUNDLED, RUN_ID, list_runs, name_of, owner_folder, read_card
from lmlab.runs.store import counted_card, load_run, save_run
from lmlab.tokenizers.characters import CharacterTokenizer


@pytest.fixture(scope="module")
def shelf():
    return calls.Shelf()


@pytest.fixture
def finch(tmp_path):
    """The bundled MLP as a file."""
    return pack_run(BUNDLED / "plain-finch", tmp_path / "finch.zip")


def changed(place, weights=None, **card):
    """The same file with another card or other weights."""
    with zipfile.ZipFile(place) as content:
        old, tensors = json.loads(content.read("run.json")), content.read("model.safetensors")
    with zipfile.ZipFile(place, "w") as content:
        content.writestr("run.json", json.dumps({**old, **card}))
        content.writestr("model.safetensors", tensors if weights is None else weights)
    return str(place)


def test_the_question_is_known_to_the_workers():
    assert calls.ABOUT_A_CORPUS["import_run"] is import_run


def test_a_network_comes_back_with_its_loss_and_its_history(home, shelf, finch):
    card = import_run(shelf, "ada", str(finch), "names")
    old = read_card(BUNDLED / "plain-finch")
    assert card["metrics"]["validation"]["nll"] == pytest.approx(old["metrics"]["validation"]["nll"], abs=1e-6)
    assert card["id"] != old["id"]
    assert RUN_ID.fullmatch(card["id"])
    folder = owner_folder("ada") / card["id"]
    new = read_card(folder)
    for part in ("model", "recipe", "seed", "steps", "planned_steps", "tokens"):
        assert new[part] == old[part], part
    assert new["history"]["validation"] == old["history"]["validation"]
    assert new["history"]["names"] == old["history"]["names"]
    assert new["corpus"] == old["corpus"]
    assert new["imported"] is True
    ids = torch.arange(10)[None]
    assert torch.equal(load_run(folder).model.logits(ids), load_run(BUNDLED / "plain-finch").model.logits(ids))
    assert name_of(new) != "plain-finch"  # one of that name stands on the bench
    assert [run["id"] for run in list_runs("eve") if run.get("imported")] == []


def test_a_count_model_comes_back(home, shelf, tmp_path):
    corpus = load_corpus("names")
    tokenizer = CharacterTokenizer(corpus.alphabet)
    model = count(corpus, 3, "kneser-ney", tokenizer=tokenizer)
    losses = {"validation": evaluate(model, corpus.part("validation"), tokenizer)}
    card = counted_card(model, corpus, tokenizer, losses, "my-table-0001")
    save_run(tmp_path / "run", model, {**card, "title": "<b>mine</b>"})
    back = import_run(shelf, "ada", str(pack_run(tmp_path / "run", tmp_path / "x.zip")), "names_indian")
    assert back["metrics"]["validation"] == card["metrics"]["validation"]
    assert name_of(back) == "<b>mine</b>"
    assert load_run(owner_folder("ada") / back["id"]).card["metrics"]["train"]["nll"] > 0


def test_a_card_cannot_claim_a_loss_a_place_or_an_owner(home, shelf, finch):
    old = read_card(BUNDLED / "plain-finch")
    lies = {
        "metrics": {"validation": {"nll": 0.01}, "test": {"nll": 0.0}},
        "corpus": {**old["corpus"], "source": "/etc/passwd", "split": {"train": 1}},
        "id": "../../eve", "pinned": True, "parent": "x", "title": "a\u202eb", "moments": [1], "strange": {"x": 1},
    }  # fmt: skip
    card = read_card(owner_folder("ada") / import_run(shelf, "ada", changed(finch, **lies), "names")["id"])
    assert card["metrics"]["validation"]["nll"] == pytest.approx(2.119, abs=1e-3)
    assert set(card["metrics"]) == {"validation"}
    assert card["corpus"] == old["corpus"]
    assert "title" not in card
    assert not {"pinned", "parent", "moments", "strange"} & set(card)


def test_a_test_split_that_was_opened_stays_opened_on_the_way_through_a_file(home, shelf, finch, tmp_path):
    first = import_run(shelf, "ada", str(finch), "names")
    assert "test_opened" not in first
    opened = open_test(shelf, "ada", first["id"], "names")["card"]
    taken = pack_run(owner_folder("ada") / first["id"], tmp_path / "again.zip")
    second = import_run(shelf, "ada", str(taken), "names")
    assert read_card(owner_folder("ada") / second["id"])["test_opened"] == opened["test_opened"]
    assert second["metrics"]["test"]["nll"] == pytest.approx(opened["metrics"]["test"]["nll"], abs=1e-6)
    again = open_test(shelf, "ada", second["id"], "names")
    assert again["again"]
    assert again["card"]["test_opened"] == opened["test_opened"]


@pytest.mark.parametrize("looks", [[1.0], True, "x", [None, 1e99, -1, "y"], [1.0] * 1000, {"a": 1}])
def test_what_a_file_says_of_its_looks_becomes_times_or_nothing(looks):
    times = _looks_of({"test_opened": looks})
    assert 1 <= len(times) <= MOST_LOOKS
    assert all(isinstance(at, float) and 0 <= at <= time.time() for at in times)
    assert _looks_of({}) == _looks_of({"test_opened": []}) == []


def test_a_network_of_letters_that_its_corpus_does_not_have_is_refused(home, shelf, tmp_path, refused):
    corpus = load_corpus("names")
    letters = [*corpus.alphabet, *(chr(0x4E00 + i) for i in range(2000))]
    tokenizer = CharacterTokenizer(letters)
    model = count(corpus, 2, "add-k", k=0.1, tokenizer=tokenizer)
    losses = {"validation": evaluate(model, corpus.part("validation"), tokenizer)}
    save_run(tmp_path / "run", model, counted_card(model, corpus, tokenizer, losses, "wide-table-0001"))
    with refused("damaged|no model"):
        import_run(shelf, "ada", str(pack_run(tmp_path / "run", tmp_path / "x.zip")), "names")


def test_the_newest_stay_within_the_quota(home, shelf, finch):
    kept = [import_run(shelf, "ada", str(finch), "names", most=2)["id"] for _ in range(3)]
    mine = {path.name for path in owner_folder("ada").iterdir()}
    assert len(mine) == 2
    assert kept[-1] in mine


def test_a_model_of_a_corpus_that_is_not_here_says_which(home, shelf, finch, refused):
    old = read_card(BUNDLED / "plain-finch")["corpus"]
    for about in ({**old, "sha256": "0" * 64}, {**old, "name": "my class"}, {**old, "name": "/etc/passwd"}):
        wanted = {"corpus": {**about, "sha256": "0" * 64}}
        with refused(r"learned from '.*', which is not at hand"):
            import_run(shelf, "ada", changed(finch, **wanted), "names_indian")
    assert not owner_folder("ada").exists()


def test_an_own_corpus_at_hand_is_enough(home, shelf, finch, tmp_path):
    text = tmp_path / "class.txt"
    text.write_text("\n".join(load_corpus("names").part("train")))
    about = read_card(BUNDLED / "plain-finch")["corpus"]
    same = shelf.corpus(str(text), "class")
    card = import_run(
        shelf, "ada", changed(finch, corpus={**about, "name": "class", "sha256": same.sha256}), str(text), "class"
    )
    assert card["corpus"]["source"] == str(text)
    assert card["corpus"]["name"] == "class"


OLD = read_card(BUNDLED / "plain-finch")
HISTORY = OLD["history"]
BROKEN = {
    "no recipe": {"recipe": None},
    "a recipe of another": {"recipe": {"steps": -1}},
    "a recipe that calls": {"recipe": {"__class__": "x"}},
    "no model": {"model": None},
    "another model": {"model": {**OLD["model"], "kind": "transformer"}},
    "no such model": {"model": {**OLD["model"], "kind": "os.system"}},
    "no language model": {"model": {**OLD["model"], "kind": "skip-gram", "options": {}}},
    "a table that is none": {"model": {"kind": "ngram", "options": {"order": 2, "smoothing": "mle", "k": 0.1},
                                       "parameters": 1, "vocab_size": 27}},
    "a giant": {"model": {**OLD["model"], "kind": "transformer", "options": {"d_model": 512, "n_layer": 12}}},
    "a giant vocabulary": {"model": {**OLD["model"], "vocab_size": 10**12}},
    "other options": {"model": {**OLD["model"], "options": {**OLD["model"]["options"], "d_hidden": 64}}},
    "options of a kind": {"model": {**OLD["model"], "options": {"context": "3"}}},
    "history of texts": {"history": {**HISTORY, "batch": [["<b>", "x"]]}},
    "history of holes": {"history": {**HISTORY, "validation": [[1, None]]}},
    "history without end": {"history": {**HISTORY, "validation": [[1, float("inf")]]}},
    "no history": {"history": []},
    "long names": {"history": {**HISTORY, "names": [{"step": 1, "names": ["x" * 2000]}]}},
    "letters nowhere": {"history": {**HISTORY, "embedding": [{"step": 1, "points": [["a", 1]], "kept": 1.0}]}},
    "steps of text": {"planned_steps": "<b>1</b>"},
    "tokens of the past": {"tokens": -5},
    "another schema": {"schema": 99},
    "a tokenizer of files": {"tokenizer": {"kind": "file", "path": "/etc/passwd"}},
    "a tokenizer too short": {"tokenizer": {"kind": "characters", "alphabet": "ab"}},
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_card_made_to_do_harm_is_refused_and_leaves_nothing(home, shelf, finch, refused, name):
    with refused("The file is damaged"):
        import_run(shelf, "ada", changed(finch, **BROKEN[name]), "names")
    assert not owner_folder("ada").exists()


def weights_of(**changes):
    tensors = {**load_file(BUNDLED / "plain-finch" / "model.safetensors"), **changes}
    return save({name: tensor for name, tensor in tensors.items() if tensor is not None})


@pytest.mark.parametrize(
    "weights",
    [
        b"",
        b"\x80\x04K\x01.",
        b"\xff" * 100,
        (2**40).to_bytes(8, "little") + b"{}",
        (10).to_bytes(8, "little") + b"{" * 10,
    ],
    ids=["nothing", "pickle", "noise", "endless header", "no header"],
)
def test_weights_that_are_none_are_refused(home, shelf, finch, refused, weights):
    with refused("The file is damaged"):
        import_run(shelf, "ada", changed(finch, weights=weights), "names")
    assert not owner_folder("ada").exists()


def test_weights_of_another_shape_or_without_end_are_refused(home, shelf, finch, refused):
    name = next(iter(load_file(BUNDLED / "plain-finch" / "model.safetensors")))
    for tensor in (None, torch.zeros(3, 3), torch.full((27, 10), float("nan"))):
        with refused("The file is damaged"):
            import_run(shelf, "ada", changed(finch, weights=weights_of(**{name: tensor})), "names")


def test_a_giant_is_refused_before_it_is_built(home, shelf, finch, refused, monkeypatch):
    from lmlab.runs import store

    def never(*_, **__):
        raise AssertionError("it was built")

    monkeypatch.setattr(store, "build", never)
    with refused("The file is damaged"):
        import_run(shelf, "ada", changed(finch, **BROKEN["a giant"]), "names")


def test_the_largest_network_of_the_screens_fits(home, shelf, tmp_path):
    """Six blocks of 128: what a student can train can be taken along."""
    options = {"context": 32, "d_model": 128, "n_layer": 6, "n_head": 4}
    model = build("transformer", options, 27)
    save_run(tmp_path / "run", model, {**OLD, "model": {**OLD["model"], "kind": "transformer", "options": options,
                                                        "parameters": 1}})  # fmt: skip
    place = pack_run(tmp_path / "run", tmp_path / "x.zip")
    assert place.stat().st_size < 7_000_000  # the largest upload
    card = import_run(shelf, "ada", str(place), "names")
    assert card["metrics"]["validation"]["nll"] == pytest.approx(3.296, abs=0.05)
    assert card["model"]["parameters"] == sum(weight.numel() for weight in model.parameters())
