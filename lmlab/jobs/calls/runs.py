"""Bringing in a run that was taken along: nobody knows who made the file, so all of it is checked and measured."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lmlab.data.corpus import BUNDLED, Corpus
from lmlab.errors import LabError
from lmlab.evaluation.loss import evaluate
from lmlab.jobs.calls.shelf import Shelf
from lmlab.models.build import MODELS, config_of, describe
from lmlab.models.ngram import Ngram
from lmlab.runs.archive import LARGEST_WEIGHTS, unpack_run
from lmlab.runs.cards import check_disk, checked_name, list_runs, name_of, new_run_id, owner_folder, read_card, tidy
from lmlab.runs.store import Run, card_of, counted_card, load_run, save_run
from lmlab.strings import t
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.training.recipe import Recipe

MOST_TOKENS = 10_000  # of a vocabulary: what the card says of it bounds the memory that the weights may take
MOST_LOOKS = 100  # at the test split that a card may tell; one is enough to close it
DAMAGED = "error.damaged"

_Whole = Annotated[int, Field(ge=0, le=1_000_000_000)]
_Number = Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)] | Annotated[float, Field(allow_inf_nan=False)]
_Pair = Annotated[list[_Number], Field(min_length=2, max_length=2)]
_Text = Annotated[str, Field(max_length=1000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Names(_Strict):
    step: _Whole
    names: list[_Text]
    novelty: list[_Text] | None = None


class _Points(_Strict):
    step: _Whole
    points: list[_Pair]
    kept: _Number


class _History(_Strict):
    batch: list[_Pair]
    validation: list[_Pair]
    names: list[_Names] = []
    embedding: list[_Points] = []


class _Divergence(_Strict):
    at: _Whole
    back_to: _Whole
    sentence: _Text


class _Training(_Strict):
    """How a network learned, as its card tells it."""

    objective: _Text
    seed: _Whole
    threads: _Whole
    steps: _Whole
    planned_steps: _Whole
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    tokens: _Whole
    diverged: _Divergence | None = None
    history: _History
    versions: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=40)]] = {}


def import_run(
    shelf: Shelf, visitor: str, archive: str, corpus: str, corpus_name: str | None = None, most: int = 20
) -> dict[str, Any]:
    """Make the run in an archive one of the visitor's own, under a new id; returns its card.

    The held-out loss is measured here again, so that no card can claim one; for that the corpus that the model
    learned from must be bundled, or be the one at hand. A test split that was opened stays opened. Raises `LabError`
    for anything that is no sound run.
    """
    check_disk()
    with tempfile.TemporaryDirectory() as folder:
        unpack_run(archive, folder)
        run = _loaded(Path(folder))
    learned_from, source = _its_corpus(shelf, run.card, corpus, corpus_name)
    own = CharacterTokenizer(learned_from.alphabet)
    if isinstance(run.tokenizer, CharacterTokenizer) and run.tokenizer.symbols != own.symbols:
        raise LabError(t(DAMAGED))  # thousands of letters that no name has would make every question slow
    losses = {"validation": evaluate(run.model, learned_from.part("validation"), run.tokenizer)}
    looks = _looks_of(run.card)
    if looks:  # the split that was opened stays open: the journey through a file must not close it
        losses["test"] = evaluate(run.model, learned_from.part("test"), run.tokenizer)
    run_id = new_run_id()
    if isinstance(run.model, Ngram):
        losses["train"] = evaluate(run.model, learned_from.part("train"), run.tokenizer)  # a table is quick
        card = counted_card(run.model, learned_from, run.tokenizer, losses, run_id)
    else:
        about = describe(run.card["model"]["kind"], run.model)  # type: ignore[arg-type]
        card = {**card_of(about, learned_from, run.tokenizer, losses), "id": run_id, **_training_of(run.card)}
    card["corpus"]["source"] = source
    card["imported"] = True
    if looks:
        card["test_opened"] = looks
    name = _name_of(run.card)
    if name and name not in {name_of(other) for other in list_runs(visitor)}:
        card["title"] = name
    save_run(owner_folder(visitor) / run_id, run.model, card)  # type: ignore[arg-type]
    tidy(visitor, most)
    return card


def _loaded(folder: Path) -> Run:
    """The run in a folder of a stranger's files. What `load_run` would say names the folder, so nobody reads it."""
    try:
        about = read_card(folder)["model"]
        if not 1 <= about["vocab_size"] <= MOST_TOKENS:
            raise LabError(t(DAMAGED))
        if about["kind"] != "ngram":
            _check_size(about)
        return load_run(folder)
    except LabError:
        raise LabError(t(DAMAGED)) from None
    except Exception as error:  # a file made to do harm: whatever it breaks, it is no model
        raise LabError(t(DAMAGED)) from error


def _check_size(about: dict[str, Any]) -> None:
    """Raise `LabError` for a network that is no language model or larger than its file may be, before it is built."""
    if not MODELS[about["kind"]].language_model:
        raise LabError(t(DAMAGED))
    with torch.device("meta"):  # shapes without numbers: they take no memory
        network = MODELS[about["kind"]].model(config_of(about["kind"], about["options"]), about["vocab_size"])
    if 4 * sum(weight.numel() for weight in network.parameters()) > LARGEST_WEIGHTS:
        raise LabError(t(DAMAGED))


def _its_corpus(shelf: Shelf, card: dict[str, Any], corpus: str, corpus_name: str | None) -> tuple[Corpus, str]:
    """The corpus that a run learned from, and its source here; never what the card says about places."""
    about = card["corpus"]
    candidates = [(corpus, corpus_name)]
    if about["name"] in BUNDLED:
        candidates.insert(0, (about["name"], None))
    for source, name in candidates:
        found = shelf.corpus(source, name)
        if found.sha256 == about["sha256"]:
            return found, source
    raise LabError(t("error.import_corpus", name=about["name"][:40]))


def _training_of(card: dict[str, Any]) -> dict[str, Any]:
    """The parts of a network's card that tell how it learned, each of the kind it should be."""
    try:
        recipe = asdict(Recipe(**card["recipe"]))
        return {**_Training.model_validate(card).model_dump(), "recipe": recipe}
    except (ValidationError, LabError, KeyError, TypeError, ValueError):
        raise LabError(t(DAMAGED)) from None


def _looks_of(card: dict[str, Any]) -> list[float]:
    """When the test split was looked at, as the card tells it; what cannot be a time counts as a look just now."""
    looks = card.get("test_opened")
    if not looks:
        return []
    now = time.time()
    times = looks if isinstance(looks, list) else [looks]
    sound = [isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at <= now for at in times]
    return [float(at) if good else now for at, good in zip(times, sound, strict=True)][:MOST_LOOKS]


def _name_of(card: dict[str, Any]) -> str | None:
    try:
        return checked_name(name_of(card))
    except LabError:
        return None


QUESTIONS: dict[str, Callable[..., Any]] = {"import_run": import_run}
