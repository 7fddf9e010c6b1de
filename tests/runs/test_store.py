import ast
import functools
import json
import math
import platform
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import lmlab
from lmlab.data.corpus import names_corpus
from lmlab.errors import LabError
from lmlab.evaluation.loss import Loss, evaluate
from lmlab.generation.generate import generate
from lmlab.models.build import build
from lmlab.models.ngram import count
from lmlab.runs import cards, store
from lmlab.runs.cards import read_card
from lmlab.runs.store import (
    counted_card,
    finite,
    load_checkpoint,
    load_run,
    save_checkpoint,
    save_run,
    trained_card,
)
from lmlab.tokenizers.load import named_tokenizer
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import Trainer

OPTIONS = {
    "mlp": {"context": 3, "d_embed": 4, "d_hidden": 16},
    "transformer": {"context": 12, "d_model": 16, "n_layer": 1, "n_head": 2},
    "transformer, sinusoidal": {"context": 12, "d_model": 8, "n_layer": 1, "n_head": 2, "positions": "sinusoidal"},
}
COUNTED = {"ngram": (3, "kneser-ney"), "ngram, mle": (2, "mle"), "unigram": (1, "add-k")}


def trained(small, kind="mlp", steps=6):
    family = kind.split(",")[0]
    model = build(family, OPTIONS[kind], 1 + len(small.alphabet), seed=3)
    trainer = Trainer(model, small, Recipe(steps=steps, batch_size=8, seed=3))
    list(trainer)
    return model, trainer, trained_card(trainer, family, "calm-heron-3f2a")


def counted(small, tokenizer, kind="ngram"):
    model = count(small, *COUNTED[kind])
    losses = {part: evaluate(model, small.part(part), tokenizer) for part in ("train", "validation")}
    return model, counted_card(model, small, tokenizer, losses, "bold-otter-0001")


@pytest.fixture(scope="module")
def save_a_run(small, small_tokenizer, tmp_path_factory):
    """kind -> (model, card, folder), each trained or counted once."""

    @functools.cache
    def save(kind):
        if kind in OPTIONS:
            model, _, card = trained(small, kind)
        else:
            model, card = counted(small, small_tokenizer, kind)
        folder = tmp_path_factory.mktemp("runs") / "run"
        save_run(folder, model, card)
        return model, card, folder

    return save


@pytest.fixture(params=[*OPTIONS, *COUNTED])
def saved(request, save_a_run):
    """Every kind of run."""
    return save_a_run(request.param)


@pytest.fixture(params=["mlp", "transformer", "ngram"])
def copy(request, save_a_run, tmp_path):
    """A run that may be damaged."""
    return Path(shutil.copytree(save_a_run(request.param)[2], tmp_path / "copy"))


# --- there and back -------------------------------------------------------------------------------------


def test_a_loaded_model_answers_exactly_as_the_saved_one(saved, small, small_tokenizer):
    model, _, folder = saved
    run = load_run(folder)
    ids = torch.randint(0, model.vocab_size, (4, 10), generator=torch.Generator().manual_seed(0))
    assert torch.equal(run.model.logits(ids), model.logits(ids))
    assert run.tokenizer.symbols == small_tokenizer.symbols
    assert evaluate(run.model, small.texts, run.tokenizer) == evaluate(model, small.texts, small_tokenizer)
    assert generate(run.model, run.tokenizer, n=5) == generate(model, small_tokenizer, n=5)
    assert (run.model.context, run.model.block_size) == (model.context, model.block_size)


def test_a_card_says_what_it_takes_to_do_it_again(saved, small):
    _, card, folder = saved
    read = read_card(folder)
    assert read == json.loads(json.dumps(finite(card)))
    assert read["schema"] == 2
    assert read["corpus"] == {"name": "a few", "kind": "names", "sha256": small.sha256, "split": small.split}
    assert read["model"]["vocab_size"] == 1 + len(small.alphabet)
    assert read["model"]["parameters"] > 0
    assert set(read["metrics"]) == {"train", "validation"}
    assert read["versions"]["lmlab"] == lmlab.__version__
    assert read["versions"]["torch"] == torch.__version__
    assert read["versions"]["python"] == platform.python_version()
    assert read["id"]


def test_the_card_of_a_training_trains_the_same_model_again(small):
    model, _, card = trained(small)
    about, recipe = card["model"], card["recipe"]
    again = build(about["kind"], about["options"], about["vocab_size"], seed=card["seed"])
    list(Trainer(again, small, Recipe(**recipe)))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert card["threads"] == 1
    assert (card["steps"], card["planned_steps"], card["diverged"]) == (6, 6, None)
    assert card["history"]["batch"][-1][0] == 6
    assert card["seconds"] > 0


def test_a_loaded_model_is_ready_to_use_and_not_to_train(small, tmp_path):
    model, _, card = trained(small)
    model.train()
    save_run(tmp_path / "run", model, card)
    assert load_run(tmp_path / "run").model.training is False


def test_an_infinite_loss_is_written_as_null(small, small_tokenizer, tmp_path):
    model, card = counted(small, small_tokenizer, "ngram, mle")
    assert card["metrics"]["validation"]["infinite_at"] is not None
    save_run(tmp_path / "run", model, {**card, "extra": [math.nan, -math.inf, 1.5]})
    text = (tmp_path / "run" / "run.json").read_text("utf-8")
    read = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert read["metrics"]["validation"]["nll"] is None
    assert read["extra"] == [None, None, 1.5]


def test_saving_again_replaces_the_run_and_leaves_nothing_beside_it(small, small_tokenizer, tmp_path):
    model, _, card = trained(small)
    save_run(tmp_path / "deep" / "run", model, card)
    other, other_card = counted(small, small_tokenizer)
    save_run(tmp_path / "deep" / "run", other, other_card)
    assert read_card(tmp_path / "deep" / "run")["id"] == "bold-otter-0001"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["run"]
    assert sorted(path.name for path in (tmp_path / "deep" / "run").iterdir()) == ["model.safetensors", "run.json"]


def test_an_empty_folder_may_become_a_run_and_one_with_other_files_may_not(small, tmp_path, refused):
    model, _, card = trained(small)
    (tmp_path / "empty").mkdir()
    save_run(tmp_path / "empty", model, card)
    load_run(tmp_path / "empty")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("ten years of work")
    with refused("holds other files"):
        save_run(tmp_path / "thesis", model, card)
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "thesis"]


@pytest.mark.parametrize("where", [".", "/", ""])
def test_a_place_that_cannot_be_a_run_is_refused(small, tmp_path, monkeypatch, refused, where):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thesis.txt").write_text("ten years of work")
    model, _, card = trained(small, steps=1)
    with refused():
        save_run(where, model, card)
    assert (tmp_path / "thesis.txt").is_file()


def test_a_place_under_a_file_is_refused(small, tmp_path, refused):
    model, _, card = trained(small, steps=1)
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        with refused("could not be saved"):
            save_run(place, model, card)
    assert (tmp_path / "file").read_text() == "x"


# --- runs of an earlier version --------------------------------------------------------------------------


def old_name(name):
    return name.replace("widen", "mlp.0").replace("narrow", "mlp.2")


def as_of_schema_1(folder, part="model"):
    """Rename the weights of a plain transformer to what they were called, and take out what the card left out."""
    for path in folder.glob("*.safetensors"):
        save_file({old_name(name): tensor.clone() for name, tensor in load_file(path).items()}, path)
    checkpoint = folder / "checkpoint.json"
    if checkpoint.is_file():
        checkpoint.write_text(old_name(checkpoint.read_text("utf-8")), "utf-8")
    card = json.loads((folder / "run.json").read_text("utf-8"))
    card["schema"] = 1
    for option in ("activation", "dropout"):
        del card["model"]["options"][option]
    (folder / "run.json").write_text(json.dumps(card), "utf-8")


def plain_gpt(small, steps=6, **options):
    model = build("transformer", {**OPTIONS["transformer"], **options}, 1 + len(small.alphabet), seed=3)
    return Trainer(model, small, Recipe(steps=steps, batch_size=8, seed=3))


def test_a_transformer_of_schema_1_answers_as_it_did(small, tmp_path):
    trainer = plain_gpt(small, activation="gelu")
    list(trainer)
    save_run(tmp_path / "run", trainer.model, trained_card(trainer, "transformer", "calm-heron-3f2a"))
    as_of_schema_1(tmp_path / "run")
    assert "blocks.0.mlp.2.bias" in load_file(tmp_path / "run" / "model.safetensors")
    run = load_run(tmp_path / "run")
    ids = torch.arange(10)[None]
    assert torch.equal(run.model.logits(ids), trainer.model.eval().logits(ids))
    relu = build("transformer", OPTIONS["transformer"], 1 + len(small.alphabet))
    relu.load_state_dict(trainer.model.state_dict())
    assert not torch.allclose(run.model.logits(ids), relu.logits(ids))  # the activation is told apart
    looked = store.record_test(tmp_path / "run", Loss(30.0, 10))
    assert looked["metrics"]["test"]["nll"] == 3.0
    assert torch.equal(load_run(tmp_path / "run").model.logits(ids), run.model.logits(ids))


def test_a_card_of_schema_1_with_names_of_today_is_read_too(small, tmp_path):
    """The versions between the two wrote this."""
    trainer = plain_gpt(small)
    list(trainer)
    save_run(tmp_path / "run", trainer.model, trained_card(trainer, "transformer", "calm-heron-3f2a"))
    edited(tmp_path / "run", schema=1)
    run = load_run(tmp_path / "run")
    assert torch.equal(run.model.logits(torch.arange(10)[None]), trainer.model.eval().logits(torch.arange(10)[None]))
    assert run.card["model"]["options"]["activation"] == "relu"


def test_a_training_of_schema_1_that_stopped_goes_on(names_indian, tmp_path):
    def trainer():
        options = {**OPTIONS["transformer"], "activation": "gelu"}
        model = build("transformer", options, 1 + len(names_indian.alphabet), seed=3)
        return Trainer(model, names_indian, Recipe(steps=8, batch_size=8, seed=3, validate=False))

    whole, stopped = trainer(), trainer()
    list(whole)
    while stopped.step_number < 4:
        stopped.step()
    stopped.stop()
    list(stopped)
    store.save_stopped(tmp_path / "run", stopped, trained_card(stopped, "transformer", "calm-heron-3f2a"))
    as_of_schema_1(tmp_path / "run")
    again = store.resume(tmp_path / "run")
    assert (again.step_number, again.planned) == (4, 8)
    list(again)
    assert all(torch.equal(a, b) for a, b in zip(whole.model.parameters(), again.model.parameters(), strict=True))


def test_the_weights_of_schema_1_are_damaged_in_a_card_of_schema_2(small, tmp_path, refused):
    trainer = plain_gpt(small, steps=1)
    list(trainer)
    save_run(tmp_path / "run", trainer.model, trained_card(trainer, "transformer", "calm-heron-3f2a"))
    as_of_schema_1(tmp_path / "run")
    edited(tmp_path / "run", schema=2)
    with refused("is damaged"):
        load_run(tmp_path / "run")


# --- what is too large -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gpt2", "cl100k"])
def test_a_run_with_a_vocabulary_of_gpt_comes_back(tmp_path, name):
    if name == "cl100k":
        pytest.importorskip("bpe_openai", reason="the extra `tokenizers` is optional")
    tokenizer = named_tokenizer(name, [])
    options = {"context": 2, "d_embed": 1, "d_hidden": 1}
    model = build("mlp", options, tokenizer.vocab_size, boundary_id=tokenizer.boundary_id)
    corpus = names_corpus(["anna", "bob", "carla", "dave", "eve", "frank", "gina", "hugo", "ida", "jack"], "ten")
    trainer = Trainer(model, corpus, Recipe(steps=1, batch_size=2, probe_names=1, validate=False), None, tokenizer)
    list(trainer)
    save_run(tmp_path / "run", model, trained_card(trainer, "mlp", "calm-heron-3f2a"))
    run = load_run(tmp_path / "run")
    assert run.tokenizer is tokenizer
    assert torch.equal(run.model.embedding.weight, model.embedding.weight)


def test_a_vocabulary_that_no_run_may_have_is_refused_before_and_after(copy, refused, monkeypatch, small, tmp_path):
    model, _, card = trained(small, steps=1)
    monkeypatch.setattr(cards, "LARGEST_VOCABULARY", 26)
    sentence = "The vocabulary has 27 tokens; a run may have at most 26. Use a smaller one"
    with refused(sentence):
        load_run(copy)
    with refused(sentence):
        save_run(tmp_path / "run", model, card)
    assert not (tmp_path / "run").exists()


def test_a_card_that_could_not_be_read_is_refused_before_anything_is_replaced(small, tmp_path, refused):
    model, _, card = trained(small, steps=1)
    save_run(tmp_path / "run", model, card)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    huge = {**card, "history": {**card["history"], "names": [{"step": 0, "names": ["x" * 5_000_000]}]}}
    with refused(r"would have 5\.0 MB, 5\.0 of them its history of names; at most 4 MB"):
        save_run(tmp_path / "run", model, huge)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_pictures_of_the_embedding_give_way_when_a_card_is_too_large(small, tmp_path):
    model, trainer, whole = trained(small)
    assert len(whole["history"]["embedding"]) >= 1
    assert whole["history"] == trainer.history
    probe = {"step": 6, "points": [[0.12345, -1.98765]] * 100_000, "kept": 1.0}
    trainer.history["embedding"] = [{**probe, "step": 5}, {**probe, "step": 5}, probe]
    card = trained_card(trainer, "mlp", "calm-heron-3f2a")
    assert [kept["step"] for kept in card["history"]["embedding"]] == [6]
    assert card["history"]["embedding"][0]["points"][0] == [0.12, -1.99]
    assert card["history"]["batch"] == trainer.history["batch"]
    assert len(trainer.history["embedding"]) == 3  # the trainer's own are left alone
    save_run(tmp_path / "run", model, card)
    assert read_card(tmp_path / "run")["history"]["embedding"] == card["history"]["embedding"]


# --- when the disk refuses ------------------------------------------------------------------------------


@pytest.mark.parametrize("culprit", ["save_file", "write_text", "rename"])
def test_an_interrupted_save_leaves_the_former_run(small, small_tokenizer, tmp_path, monkeypatch, refused, culprit):
    model, _, card = trained(small)
    save_run(tmp_path / "run", model, card)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    renamed = []
    rename = store.os.rename

    def fail(*args, **_):
        if culprit == "rename" and not renamed:  # the former run is put aside, the new one does not come
            renamed.append(args)
            return rename(*args)
        monkeypatch.undo()
        raise OSError(28, "No space left on device")

    owner, name = {
        "save_file": (store, "save_file"),
        "write_text": (Path, "write_text"),
        "rename": (store.os, "rename"),
    }[culprit]
    monkeypatch.setattr(owner, name, fail)
    other, other_card = counted(small, small_tokenizer)
    with refused("could not be saved in .*No space left on device"):
        save_run(tmp_path / "run", other, other_card)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert torch.equal(load_run(tmp_path / "run").model.embedding.weight, model.embedding.weight)


def test_an_interrupted_first_save_leaves_nothing(small, tmp_path, monkeypatch, refused):
    model, _, card = trained(small, steps=1)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "save_file", fail)
    with refused("No space left on device"):
        save_run(tmp_path / "run", model, card)
    assert list(tmp_path.iterdir()) == []


# --- damaged and foreign runs ---------------------------------------------------------------------------


def edited(folder, **changes):
    """Change fields of the card; `model__options` reaches into it."""
    card = json.loads((folder / "run.json").read_text("utf-8"))
    for place, value in changes.items():
        *way, last = place.split("__")
        inner = card
        for key in way:
            inner = inner[key]
        inner[last] = value
    (folder / "run.json").write_text(json.dumps(card), "utf-8")


DAMAGE = [
    {"model__kind": "gpt-5"},
    {"model__kind": None},
    {"model__kind": []},
    {"model__kind": "mlp", "model__options": {}},
    {"model__kind": "transformer", "model__options": {}},
    {"model__kind": "ngram", "model__options": {"order": 7}},
    {"model__options": []},
    {"model__options": None},
    {"model__options": "x"},
    {"model__options": 5},
    {"model__options": {"unknown": 1}},
    {"model__options": {"context": "wide"}},
    {"model__options": {"context": 10**400}},
    {"model__options": {"order": 10**400}},
    {"model__options": {"order": 2, "smoothing": "add-k", "k": 10**400}},
    {"model__options": {"order": 2.5}},
    {"model__options": {"order": "2"}},
    {"model__vocab_size": 5},
    {"model__vocab_size": "27"},
    {"model__vocab_size": None},
    {"model__vocab_size": 1e300},
    {"tokenizer__alphabet": "ab"},
    {"tokenizer__alphabet": None},
    {"tokenizer__kind": "bpe"},
    {"tokenizer": []},
    {"tokenizer__alphabet": "".join(map(chr, range(0x4E00, 0x4E00 + 11_000))), "model__vocab_size": 11_001},
    {"model": {"kind": "mlp"}},
    {"schema": 99},
]


@pytest.mark.parametrize("changes", DAMAGE, ids=lambda changes: str(changes)[:60])
def test_a_card_that_does_not_fit_is_refused(copy, refused, changes):
    edited(copy, **changes)
    with refused():
        load_run(copy)


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.7, 0.999])
def test_truncated_weights_are_refused(copy, refused, share):
    path = copy / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with refused("is damaged"):
        load_run(copy)


@pytest.mark.parametrize(
    "content", [b"\xff" * 64, b"\x80\x04\x95", b"{}", (2**62).to_bytes(8, "little") + b"{}", bytes(8)]
)
def test_a_file_that_is_not_safetensors_is_refused(copy, refused, content):
    (copy / "model.safetensors").write_bytes(content)
    with refused("is damaged"):
        load_run(copy)


def test_missing_weights_are_refused(copy, refused):
    (copy / "model.safetensors").unlink()
    with refused("is damaged"):
        load_run(copy)
    (copy / "model.safetensors").mkdir()
    with refused("is damaged"):
        load_run(copy)


def drop_one(tensors):
    return dict(list(tensors.items())[1:])


def add_one(tensors):
    return {**tensors, "stranger": torch.zeros(3)}


def rename_all(tensors):
    return {f"x.{name}": tensor for name, tensor in tensors.items()}


def flatten_and_grow(tensors):
    return {name: torch.cat([tensor.flatten()] * 2) for name, tensor in tensors.items()}


def nothing(tensors):
    return {}


@pytest.mark.parametrize("change", [drop_one, rename_all, flatten_and_grow, nothing])
def test_weights_of_another_shape_or_name_are_refused(copy, refused, change):
    tensors = {name: tensor.clone() for name, tensor in load_file(copy / "model.safetensors").items()}
    save_file(change(tensors), copy / "model.safetensors")
    with refused("is damaged"):
        load_run(copy)


@pytest.mark.parametrize("kind", ["mlp", "transformer"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_weights_that_are_no_finite_numbers_are_refused(save_a_run, tmp_path, refused, kind, number):
    folder = Path(shutil.copytree(save_a_run(kind)[2], tmp_path / "copy"))
    tensors = load_file(folder / "model.safetensors")
    name = list(tensors)[-1]
    tensors[name].view(-1)[-1] = number
    save_file(tensors, folder / "model.safetensors")
    with refused(f"is damaged: its weights '{name}' are not all finite"):
        load_run(folder)


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_network_with_a_tensor_too_many_is_refused(small, tmp_path, refused, kind):
    model, _, card = trained(small, kind, steps=1)
    save_run(tmp_path / "run", model, card)
    save_file(add_one(load_file(tmp_path / "run" / "model.safetensors")), tmp_path / "run" / "model.safetensors")
    with refused("is damaged"):
        load_run(tmp_path / "run")


def poisoned(tensors, **changes):
    return {**tensors, **{name.replace("__", "."): tensor for name, tensor in changes.items()}}


@pytest.mark.parametrize(
    "change",
    [
        lambda t: poisoned(t, keys__1=t["keys.1"] + 10**9),
        lambda t: poisoned(t, keys__1=-t["keys.1"].flip(0)),
        lambda t: poisoned(t, keys__1=t["keys.1"].flip(0)),
        lambda t: poisoned(t, keys__1=torch.zeros_like(t["keys.1"])),
        lambda t: poisoned(t, counts__1=-t["counts.1"]),
        lambda t: poisoned(t, counts__1=t["counts.1"][:-1].clone()),
        lambda t: poisoned(t, counts__1=t["counts.1"].double()),
        lambda t: poisoned(t, keys__1=t["keys.1"].int()),
        lambda t: poisoned(t, keys__0=t["keys.0"][:, None].clone(), counts__0=t["counts.0"][:, None].clone()),
        lambda t: poisoned(t, keys__0=torch.zeros(0, dtype=torch.int64), counts__0=torch.zeros(0, dtype=torch.int64)),
        lambda t: poisoned(t, keys__0=torch.tensor(0), counts__0=torch.tensor(1)),
        lambda t: poisoned(t, keys__1=t["keys.1"].bfloat16()),
    ],
    ids=[
        "beyond",
        "negative",
        "descending",
        "repeated",
        "negative counts",
        "lengths",
        "float counts",
        "int32",
        "matrix",
        "empty",
        "scalar",
        "bfloat16",
    ],
)
def test_a_count_table_that_makes_no_sense_is_refused(small, small_tokenizer, tmp_path, refused, change):
    model, card = counted(small, small_tokenizer)
    save_run(tmp_path / "run", model, card)
    tensors = load_file(tmp_path / "run" / "model.safetensors")
    save_file(change(tensors), tmp_path / "run" / "model.safetensors")
    with refused("is damaged"):
        load_run(tmp_path / "run")


def test_a_foreign_folder_is_refused(refused, tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"architectures": ["GPT2LMHeadModel"], "vocab_size": 50257}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with refused("damaged or not one of lmlab's"):
        load_run(tmp_path)


# --- checkpoints ----------------------------------------------------------------------------------------


def fresh(small):
    return Trainer(build("mlp", OPTIONS["mlp"], 1 + len(small.alphabet)), small, Recipe(steps=20, batch_size=8))


@pytest.fixture
def checkpoint(small, tmp_path):
    trainer = fresh(small)
    while trainer.step_number < 6:
        trainer.step()
    save_checkpoint(tmp_path / "checkpoint", trainer)
    return tmp_path / "checkpoint"


def test_a_checkpoint_keeps_an_infinite_loss(small, checkpoint):
    trainer = fresh(small)
    trainer.losses["validation"] = Loss(math.inf, 3, infinite_at={"document": "jq", "after": "j", "next": "q"})
    save_checkpoint(checkpoint, trainer)
    again = fresh(small)
    load_checkpoint(checkpoint, again)
    assert again.losses == trainer.losses


@pytest.mark.parametrize("content", ["", "{", "[]", "5", "null", "{}", '{"$dict": 5}', '{"$dict": [["model", 5]]}'])
def test_a_damaged_checkpoint_is_refused(small, checkpoint, refused, content):
    (checkpoint / "checkpoint.json").write_text(content)
    with refused("damaged or of another model"):
        load_checkpoint(checkpoint, fresh(small))


def alter(checkpoint, part, value):
    """Put something else into a checkpoint; `good/due` reaches into the state that a diverged run goes back to."""
    document = json.loads((checkpoint / "checkpoint.json").read_text("utf-8"))
    *way, last = part.split("/")
    inner = document
    for name in way:
        inner = next(pair[1] for pair in inner["$dict"] if pair[0] == name)
    pair = next(pair for pair in inner["$dict"] if pair[0] == last)
    pair[1] = value
    (checkpoint / "checkpoint.json").write_text(json.dumps(document))


def packed(trainer):
    tensors = {}
    rest = store._pack(trainer.state_dict(), "", tensors)
    return json.dumps(rest), {name: tensor.tolist() for name, tensor in tensors.items()}


PARTS = ["model", "optimizers", "batches", "history", "losses", "due", "bucket", "good", "seconds", "step"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("value", [5, [5], None, {"$dict": []}], ids=str)
def test_a_strange_part_is_refused_or_a_run_with_it_goes_on_to_its_end(small, checkpoint, part, value):
    alter(checkpoint, part, value)
    trainer = fresh(small)
    before = packed(trainer)
    try:
        load_checkpoint(checkpoint, trainer)
    except LabError:
        assert packed(trainer) == before
    assert list(trainer)[-1].kind == "done"
    assert trained_card(trainer, "mlp", "calm-heron-3f2a")["metrics"]["validation"]["nll"] > 0


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("due", ["tea"]),
        ("due", [["train"]]),
        ("due", "train"),
        ("good/due", ["tea"]),
        ("step", 21),
        ("step", -1),
        ("step", 2.5),
        ("step", True),
        ("good/step", 21),
        ("planned", 5),
        ("planned", 21),
        ("scheduled", 10**9),
        ("scheduled", 10**400),
        ("seconds", math.nan),
        ("seconds", -1),
        ("tokens", None),
        ("lost", "x"),
        ("bucket", ["x"]),
        ("first_loss", "x"),
        ("batches/cursor", -5),
        ("history/batch", [[1]]),
        ("history/validation", [[1, "x"]]),
        ("history/names", 5),
        ("diverged", 5),
        ("losses", {"$dict": [["validation", {"$dict": []}]]}),
    ],
    ids=str,
)
def test_a_senseless_value_in_a_checkpoint_is_refused_and_changes_nothing(small, checkpoint, refused, part, value):
    alter(checkpoint, part, value)
    trainer = fresh(small)
    before = packed(trainer)
    with refused("damaged or of another model"):
        load_checkpoint(checkpoint, trainer)
    assert packed(trainer) == before


@pytest.mark.parametrize("losses", [{"$dict": []}, None])
def test_a_checkpoint_of_the_end_without_the_losses_of_the_end_is_refused(small, checkpoint, refused, losses):
    trainer = fresh(small)
    list(trainer)
    save_checkpoint(checkpoint, trainer)
    load_checkpoint(checkpoint, fresh(small))
    alter(checkpoint, "losses", losses)
    with refused("damaged or of another model"):
        load_checkpoint(checkpoint, fresh(small))


def test_averages_of_another_shape_are_refused(small, checkpoint, refused):
    tensors = load_file(checkpoint / "checkpoint.safetensors")
    name = next(name for name in tensors if name.startswith("/optimizers") and "exp_avg" in name)
    save_file({**tensors, name: torch.zeros(3)}, checkpoint / "checkpoint.safetensors")
    with refused("damaged or of another model"):
        load_checkpoint(checkpoint, fresh(small))


def test_a_missing_or_truncated_checkpoint_is_refused(small, checkpoint, refused, tmp_path):
    with refused("damaged or of another model"):
        load_checkpoint(tmp_path / "nothing", fresh(small))
    tensors = checkpoint / "checkpoint.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-10])
    with refused("damaged or of another model"):
        load_checkpoint(checkpoint, fresh(small))


# --- no pickle ------------------------------------------------------------------------------------------


RUN_CODE = ("grading/worker.py", "grading/check.py", "grading/checks/lab08.py", "bench/grading.py")
"""These run the labs' own text, and the first a student's file in its sandbox."""


def test_nothing_in_lmlab_pickles():
    """A pickle runs code when it is read, and runs are read from strangers."""
    banned = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    calls = {("torch", "load"), ("torch", "save"), ("np", "save"), ("pd", "read_pickle")}
    found = []
    for path in Path(lmlab.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if (node.value.id, node.attr) in calls:
                    found.append(f"{path.name}:{node.lineno}")
            elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                if getattr(node.value, "value", True):  # numpy's own default is False
                    found.append(f"{path.name}:{node.value.lineno}")
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("eval", "exec")
                and path.relative_to(Path(lmlab.__file__).parent).as_posix() not in RUN_CODE
            ):
                found.append(f"{path.name}:{node.lineno}")
            found += [f"{path.name}:{node.lineno}" for name in names if name.split(".")[0] in banned]
    assert found == []


def test_what_is_written_holds_numbers_and_json_alone(saved):
    _, _, folder = saved
    assert sorted(path.name for path in folder.iterdir()) == ["model.safetensors", "run.json"]
    header = int.from_bytes((folder / "model.safetensors").read_bytes()[:8], "little")
    json.loads((folder / "model.safetensors").read_bytes()[8 : 8 + header])
    assert all(
        np.isfinite(tensor.double().numpy()).all() for tensor in load_file(folder / "model.safetensors").values()
    )
