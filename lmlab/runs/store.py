"""Save and load runs and checkpoints: safetensors for numbers, JSON for the rest, never pickle.

Whatever is written goes to a new folder beside its place first and is then renamed, so a full disk or a
killed process leaves the former run whole.
"""

import copy
import json
import os
import platform
import re
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
from lmlab.runs.cards import (
    LARGEST_CARD,
    RUN_FILES,
    SCHEMA,
    card_text,
    check_vocabulary,
    finite,
    read_card,
    write_card,
)
from lmlab.runs.moments import FILE as MOMENTS
from lmlab.runs.moments import Moments
from lmlab.tokenizers.load import tokenizer_from_json
from lmlab.tokenizers.protocol import Tokenizer
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import Trainer

MOST_STEPS = 1_000_000_000  # a day of the smallest model's steps
DAMAGE = (
    OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError, RuntimeError,
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


def card_of(model: dict[str, Any], corpus: Corpus, tokenizer: Tokenizer, losses: dict[str, Loss]) -> dict[str, Any]:
    """What every card begins with: `model` as `describe` tells it, the corpus, the losses by split."""
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
    """The card of a trained model: everything needed to train it again, and how it went.

    Of pictures of the embedding that would make it too large to be read back, the last alone is kept, and coarser.
    """
    on_the_ruler = trainer.objective.on_the_ruler
    card = card_of(
        describe(kind, trainer.model), trainer.corpus, trainer.tokenizer, trainer.losses if on_the_ruler else {}
    )
    if not on_the_ruler:  # a loss of another kind must not be compared with those of the ruler
        card["objective_losses"] = {part: loss.nll for part, loss in trainer.losses.items()}
    card = {
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
    if trainer.history["embedding"] and len(json.dumps(finite(card))) > LARGEST_CARD:
        last = trainer.history["embedding"][-1]
        points = [[round(number, 2) for number in point] for point in last["points"]]
        card["history"] = {**trainer.history, "embedding": [{**last, "points": points}]}
    return card


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
    return {**card_of(about, corpus, tokenizer, losses), "id": run_id}


def save_run(
    folder: str | Path, model: nn.Module | Ngram, card: dict[str, Any], moments: Moments | None = None
) -> None:
    """Write a run, and the moments that were kept of its training; the card says which.

    Raises `LabError` when the disk refuses or nobody could read it; the former content then stays.
    """
    tensors = {"model.safetensors": _weights(model)}
    if moments is not None and moments.steps:
        tensors[MOMENTS] = moments.tensors()
        card = {**card, "moments": moments.steps}
    _write(Path(folder), tensors, {"run.json": card})


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
    """Read a run back, also one of schema 1. Raises `LabError` for a damaged or a foreign one."""
    card = read_card(folder)
    about = card["model"]
    try:
        tokenizer = tokenizer_from_json(card["tokenizer"])
        if tokenizer.vocab_size != about["vocab_size"]:
            raise ValueError("vocabulary")
        check_vocabulary(tokenizer.vocab_size)
        path = Path(folder) / "model.safetensors"
        model: LanguageModel
        if about["kind"] == "ngram":
            model = _load_ngram(path, NgramConfig(**about["options"]), tokenizer)
        else:
            network = build(about["kind"], about["options"], tokenizer.vocab_size, boundary_id=tokenizer.boundary_id)
            weights = load_file(path)
            network.load_state_dict(renamed(weights) if _of_schema_1(card) else weights)
            _check_finite(network, folder)
            model = network.eval()  # type: ignore[assignment]
    except LabError:
        raise
    except DAMAGE:
        raise LabError(
            f"The run {folder} is damaged: its weights and its card do not belong together. Train the model again."
        ) from None
    return Run(model, tokenizer, card)


def _of_schema_1(card: dict[str, Any]) -> bool:
    return bool(card["schema"] == 1 and card["model"]["kind"] == "transformer")


def renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """A plain transformer's weights of schema 1 under the names of today; those that have them keep them.

    >>> list(renamed({"blocks.0.mlp.0.weight": torch.zeros(1), "blocks.0.mlp.2.bias": torch.zeros(1)}))
    ['blocks.0.widen.weight', 'blocks.0.narrow.bias']
    """
    new = {"mlp.0": "widen", "mlp.2": "narrow"}
    return {
        re.sub(r"(?<=\.)mlp\.[02](?=\.)", lambda old: new[old[0]], name): weight for name, weight in weights.items()
    }


def _check_finite(network: nn.Module, folder: str | Path) -> None:
    """One such number makes every answer of the model one, and no loss says where it came from."""
    for name, weight in network.state_dict().items():
        if not bool(torch.isfinite(weight).all()):
            raise LabError(
                f"The run {folder} is damaged: its weights '{name}' are not all finite numbers. "
                "Train the model again."
            )


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
    try:
        write_card(folder, card)
    except OSError as error:
        raise LabError(f"The look at the test split could not be recorded in {folder}: {error}.") from None
    return card


# --- checkpoints ------------------------------------------------------------------------------------------


def save_checkpoint(folder: str | Path, trainer: Trainer, moments: Moments | None = None) -> None:
    """Write everything that `load_checkpoint` needs to go on, and the moments kept so far."""
    tensors: dict[str, Tensor] = {}
    rest = _pack(trainer.state_dict(), "", tensors)
    kept = {} if moments is None else {MOMENTS: moments.tensors()}
    _write(Path(folder), {"checkpoint.safetensors": tensors, **kept}, {"checkpoint.json": rest})


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
    load_checkpoint(folder, trainer, old_names=_of_schema_1(card))
    trainer.recipe = recipe
    return trainer


def load_checkpoint(folder: str | Path, trainer: Trainer, old_names: bool = False) -> None:
    """Put a trainer of the same model, corpus and recipe where the checkpoint was taken.

    With `old_names` its weights are those of a plain transformer of schema 1. Raises `LabError` for a checkpoint that
    is damaged or of another model; the trainer is then as it was.
    """
    before = copy.deepcopy(trainer.state_dict())
    try:
        tensors = load_file(Path(folder) / "checkpoint.safetensors")
        rest = json.loads((Path(folder) / "checkpoint.json").read_text("utf-8"))
        state = _unpack(rest, tensors)
        good = state["good"]
        for weights in (state, good):
            if old_names and weights is not None:
                weights["model"] = renamed(weights["model"])
        # What a run that diverges will go back to is tried now: then it would be too late for a sentence.
        for tried in (state,) if good is None else ({**state, **good, "diverged": None}, state):
            _check_state(tried, trainer)
            trainer.load_state_dict(tried)
            _check_optimizers(trainer)
    except DAMAGE:
        trainer.load_state_dict(before)
        raise LabError(f"The checkpoint in {folder} is damaged or of another model. Train again.") from None


def _check_state(state: dict[str, Any], trainer: Trainer) -> None:
    """Raise one of `DAMAGE` where going on from this state would fail later, or never end."""
    whole = [state[name] for name in ("step", "planned", "scheduled", "tokens", "lost")]
    whole.append(state["batches"]["cursor"])
    numbers = [state["seconds"], *state["bucket"], state["first_loss"] or 0.0]
    history = state["history"]
    for point in (*history["batch"], *history["validation"]):
        step, loss = point
        whole.append(step)
        numbers.append(loss)
    if not all(type(number) is int and number >= 0 for number in whole):
        raise ValueError("a number of steps or tokens")
    if not all(type(number) in (int, float) for number in numbers) or not 0 <= state["seconds"] < float("inf"):
        raise ValueError("a loss or a time")
    most = trainer.recipe.steps or MOST_STEPS
    if not state["step"] <= state["planned"] <= state["scheduled"] <= most:
        raise ValueError("more steps than were planned")
    measures = {"validation", "embedding", "train"} | ({"names"} if trainer.objective.on_the_ruler else set())
    if not isinstance(state["due"], list) or not measures.issuperset(state["due"]):
        raise ValueError("a measurement that does not exist")
    if not all(isinstance(history[name], list) for name in trainer.history):
        raise ValueError("history")
    if state["diverged"] is not None and not isinstance(state["diverged"]["sentence"], str):
        raise ValueError("divergence")
    for loss in state["losses"].values():
        if type(loss["nats"]) not in (int, float) or not loss["predictions"] > 0 or (loss["characters"] or 1) < 1:
            raise ValueError("loss")
    ended = state["step"] == state["planned"] or state["diverged"] is not None
    if ended and not {"validation", "train"} <= {*state["due"], *state["losses"]}:
        raise ValueError("the losses of the end")


def _check_optimizers(trainer: Trainer) -> None:
    """Torch loads averages of any shape and only fails at the next step."""
    for optimizer in trainer.optimizers:
        for weight, kept in optimizer.state.items():
            for value in kept.values():
                if isinstance(value, Tensor) and value.ndim and value.shape != weight.shape:
                    raise ValueError("shape")


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


def _write(folder: Path, tensors: dict[str, dict[str, Tensor]], documents: dict[str, Any]) -> None:
    folder = folder.resolve()
    if not folder.name:
        raise LabError(f"{folder} cannot be a run's folder. Give it a name of its own.")
    if "run.json" in documents:
        check_vocabulary(documents["run.json"]["model"]["vocab_size"])
    # A checkpoint must keep infinities (a loss may be one); Python reads its own "Infinity" back.
    texts = {
        name: card_text(document) if name == "run.json" else json.dumps(document)
        for name, document in documents.items()
    }
    new = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name, content in tensors.items():
            save_file(content, new / name)
        for name, text in texts.items():
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
