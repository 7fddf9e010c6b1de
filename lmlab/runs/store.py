"""Save and load runs and checkpoints: safetensors for numbers, JSON for the rest, never pickle.

Whatever is written goes to a new folder beside its place first and is then renamed, so a full disk or a
killed process leaves the former run whole.
"""

import copy
import json
import math
import os
import platform
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
import torch.nn as nn
from safetensors.torch import load_file, save_file
from torch import Tensor

import lmlab
from lmlab.data.corpus import Corpus, load_corpus
from lmlab.errors import LabError
from lmlab.evaluation.loss import Loss
from lmlab.models.build import build, describe
from lmlab.models.counts import Counts, Level
from lmlab.models.ngram import Ngram, NgramConfig
from lmlab.models.protocol import LanguageModel
from lmlab.runs.cards import RUN_FILES, SCHEMA, read_card
from lmlab.tokenizers.load import tokenizer_from_json
from lmlab.tokenizers.protocol import Tokenizer
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import Trainer

LARGEST_VOCABULARY = 60_000  # GPT-2 has 50,257
DAMAGE = (
    OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RuntimeError,
    safetensors.SafetensorError,
)  # fmt: skip
"""What reading a file that somebody has changed may raise."""


@dataclass(frozen=True)
class Run:
    """A model that can be used, with its tokenizer and its card."""

    model: LanguageModel
    tokenizer: Tokenizer
    card: dict[str, Any]


def corpus_card(corpus: Corpus) -> dict[str, Any]:
    """What a card says about a corpus; equal hashes mean that losses may be compared."""
    return {"name": corpus.name, "kind": corpus.kind, "sha256": corpus.sha256, "split": corpus.split}


def _card(model: dict[str, Any], corpus: Corpus, tokenizer: Tokenizer, losses: dict[str, Loss]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "created": time.time(),
        "model": model,
        "tokenizer": tokenizer.to_json(),
        "corpus": corpus_card(corpus),
        "metrics": {part: loss.to_json() for part, loss in losses.items()},
        "versions": {
            "lmlab": lmlab.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def trained_card(trainer: Trainer, kind: str, run_id: str) -> dict[str, Any]:
    """The card of a trained model: everything needed to train it again, and how it went."""
    on_the_ruler = trainer.objective.on_the_ruler
    card = _card(
        describe(kind, trainer.model), trainer.corpus, trainer.tokenizer, trainer.losses if on_the_ruler else {}
    )
    if not on_the_ruler:  # a loss of another kind must not be compared with those of the ruler
        card["objective_losses"] = {part: loss.nll for part, loss in trainer.losses.items()}
    return {
        **card,
        "id": run_id,
        "objective": trainer.objective.name,
        "recipe": asdict(trainer.recipe),
        "seed": trainer.recipe.seed,
        "threads": torch.get_num_threads(),
        "steps": trainer.step_number,
        "planned_steps": trainer.scheduled,
        "seconds": trainer.seconds,
        "tokens": trainer.tokens,
        "diverged": trainer.diverged,
        "history": trainer.history,
    }


def counted_card(
    model: Ngram, corpus: Corpus, tokenizer: Tokenizer, losses: dict[str, Loss], run_id: str
) -> dict[str, Any]:
    """The card of a count model."""
    about = {
        "kind": "ngram",
        "options": asdict(model.config),
        "vocab_size": model.vocab_size,
        "parameters": int((model.counts.levels[-1].counts > 0).sum()),
    }
    return {**_card(about, corpus, tokenizer, losses), "id": run_id}


def save_run(folder: str | Path, model: nn.Module | Ngram, card: dict[str, Any]) -> None:
    """Write a run. Raises `LabError` when the disk refuses; the former content then stays."""
    _write(Path(folder), {"model.safetensors": _weights(model)}, {"run.json": card})


def _weights(model: nn.Module | Ngram) -> dict[str, Tensor]:
    if isinstance(model, Ngram):
        return {
            f"{name}.{i}": torch.from_numpy(np.ascontiguousarray(array))
            for i, level in enumerate(model.counts.levels)
            for name, array in (("keys", level.keys), ("counts", level.counts))
        }
    # Weights that two parts share (a tied head) are written twice: the format has no word for sharing.
    return {name: weight.detach().clone().contiguous() for name, weight in model.state_dict().items()}


def load_run(folder: str | Path) -> Run:
    """Read a run back. Raises `LabError` for a damaged or foreign one; sizes are checked before use."""
    card = read_card(folder)
    about = card["model"]
    try:
        tokenizer = tokenizer_from_json(card["tokenizer"])
        if not tokenizer.vocab_size == about["vocab_size"] <= LARGEST_VOCABULARY:
            raise ValueError("vocabulary")
        path = Path(folder) / "model.safetensors"
        model: LanguageModel
        if about["kind"] == "ngram":
            model = _load_ngram(path, NgramConfig(**about["options"]), tokenizer)
        else:
            network = build(about["kind"], about["options"], tokenizer.vocab_size, boundary_id=tokenizer.boundary_id)
            network.load_state_dict(load_file(path))
            model = network.eval()  # type: ignore[assignment]
    except LabError:
        raise
    except DAMAGE:
        raise LabError(
            f"The run {folder} is damaged: its weights and its card do not belong together. Train the model again."
        ) from None
    return Run(model, tokenizer, card)


def _load_ngram(path: Path, config: NgramConfig, tokenizer: Tokenizer) -> Ngram:
    tensors, vocab_size = load_file(path), tokenizer.vocab_size
    levels = [Level(tensors[f"keys.{i}"].numpy(), tensors[f"counts.{i}"].numpy()) for i in range(config.order)]
    contexts = 1
    for level in levels:
        sound = (
            level.keys.shape == level.counts.shape
            and level.keys.dtype == level.counts.dtype == np.int64
            and bool((np.diff(level.keys) > 0).all())
            and level.keys[0] >= 0
            and level.keys[-1] < contexts * vocab_size
            and bool((level.counts >= 0).all())
        )
        if not sound:
            raise ValueError("count table")
        contexts = len(level.keys)
    return Ngram(config, Counts(vocab_size, levels, tokenizer.boundary_id))


def record_test(folder: str | Path, loss: Loss) -> dict[str, Any]:
    """Write the loss on the test split into a run's card, with the time; returns the card.

    Whoever looks at the test split again and again, and picks the best, has made it a second validation split.
    So every look is on record.
    """
    card = read_card(folder)
    card["metrics"]["test"] = loss.to_json()
    card["test_opened"] = [*card.get("test_opened", []), time.time()]
    place = Path(folder) / "run.json"
    new = place.with_name(f".run.json.{os.getpid()}.new")
    try:
        new.write_text(json.dumps(finite(card)), "utf-8")
        os.replace(new, place)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise LabError(f"The look at the test split could not be recorded in {place}: {error}.") from None
    return card


# --- checkpoints ------------------------------------------------------------------------------------------


def save_checkpoint(folder: str | Path, trainer: Trainer) -> None:
    """Write everything that `load_checkpoint` needs to go on."""
    tensors: dict[str, Tensor] = {}
    rest = _pack(trainer.state_dict(), "", tensors)
    _write(Path(folder), {"checkpoint.safetensors": tensors}, {"checkpoint.json": rest})


def save_stopped(folder: str | Path, trainer: Trainer, card: dict[str, Any]) -> None:
    """Write a run that was stopped early and measured, with the checkpoint from which it can go on."""
    if trainer.before_stop is None:
        raise LabError(f"The run {card['id']} was not stopped early: there is nothing to go on from.")
    tensors: dict[str, Tensor] = {}
    rest = _pack(trainer.before_stop, "", tensors)
    _write(
        Path(folder),
        {"model.safetensors": _weights(trainer.model), "checkpoint.safetensors": tensors},
        {"run.json": card, "checkpoint.json": rest},
    )


def resume(folder: str | Path) -> Trainer:
    """A trainer that goes on where `save_stopped` left it; the result equals that of a run that never stopped.

    Raises `LabError` where there is no checkpoint, or the corpus is gone or has changed.
    """
    card = read_card(folder)
    if not (Path(folder) / "checkpoint.json").is_file():
        raise LabError(
            f"The run {folder} was not stopped early: it has no checkpoint to go on from. Train a new one."
        )
    about = card["corpus"]
    try:
        tokenizer = tokenizer_from_json(card["tokenizer"])
        recipe = Recipe(**card["recipe"])
        corpus = load_corpus(about.get("source", about["name"]), about["kind"])
        if corpus.sha256 != about["sha256"]:
            raise LabError(
                f"The corpus '{about['name']}' is not the one that {folder} learned from: it has changed since. "
                "Bring the old one back, or train a new model."
            )
        model = build(
            card["model"]["kind"], card["model"]["options"], tokenizer.vocab_size, recipe.seed, tokenizer.boundary_id
        )
        # The steps were planned when the run began; a rehearsal now might plan others.
        trainer = Trainer(model, corpus, replace(recipe, seconds=None, steps=card["planned_steps"]), None, tokenizer)
    except LabError:
        raise
    except DAMAGE:
        raise LabError(f"The card of the run {folder} is damaged. Train the model again.") from None
    trainer.recipe = recipe
    load_checkpoint(folder, trainer)
    return trainer


def load_checkpoint(folder: str | Path, trainer: Trainer) -> None:
    """Put a trainer of the same model, corpus and recipe where the checkpoint was taken."""
    before = copy.deepcopy(trainer.state_dict())
    try:
        tensors = load_file(Path(folder) / "checkpoint.safetensors")
        rest = json.loads((Path(folder) / "checkpoint.json").read_text("utf-8"))
        trainer.load_state_dict(_unpack(rest, tensors))
    except DAMAGE:
        trainer.load_state_dict(before)
        raise LabError(f"The checkpoint in {folder} is damaged or of another model. Train again.") from None


def _pack(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """Take the tensors out of a nest of dicts and lists; JSON keeps their places."""
    if isinstance(value, Tensor):
        tensors[path] = value.detach().clone().contiguous()
        return {"$tensor": path}
    if isinstance(value, dict):
        # JSON turns the whole-number keys of optimisers into text, so they are stored as pairs.
        return {"$dict": [[key, _pack(part, f"{path}/{key}", tensors)] for key, part in value.items()]}
    if isinstance(value, list | tuple):
        return [_pack(part, f"{path}/{i}", tensors) for i, part in enumerate(value)]
    return value


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, dict):
        if "$tensor" in value:
            return tensors[value["$tensor"]]
        return {key: _unpack(part, tensors) for key, part in value["$dict"]}
    if isinstance(value, list):
        return [_unpack(part, tensors) for part in value]
    return value


def finite(value: Any) -> Any:
    """Numbers that JSON knows: infinities and not-a-numbers become null.

    >>> finite({"loss": math.inf, "steps": [1, 2.5]})
    {'loss': None, 'steps': [1, 2.5]}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return value


def _write(folder: Path, tensors: dict[str, dict[str, Tensor]], documents: dict[str, Any]) -> None:
    folder = folder.resolve()
    if not folder.name:
        raise LabError(f"{folder} cannot be a run's folder. Give it a name of its own.")
    new = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name, content in tensors.items():
            save_file(content, new / name)
        for name, document in documents.items():
            # A checkpoint must keep infinities (a loss may be one); Python reads its own "Infinity" back.
            text = json.dumps(document if name == "checkpoint.json" else finite(document))
            (new / name).write_text(text, "utf-8")
        if folder.exists():
            if any(path.name not in RUN_FILES for path in folder.iterdir()):
                raise LabError(f"{folder} holds other files. Choose a new folder for the run.")
            os.rename(folder, old)
        os.rename(new, folder)
    except (OSError, safetensors.SafetensorError) as error:
        if old.exists() and not folder.exists():
            os.rename(old, folder)
        raise LabError(
            f"The run could not be saved in {folder}: {error}. Free some space or choose another place."
        ) from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
