"""Questions about a network while it learns: what it writes at a step, and whether its hidden units differ."""

from collections.abc import Callable
from typing import Any

from lmlab.errors import LabError
from lmlab.jobs.calls.shelf import Shelf
from lmlab.runs.store import Run
from lmlab.strings import t
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import probe_texts


def probe(shelf: Shelf, run: Run, corpus: str, corpus_name: str | None = None) -> dict[str, Any]:
    """The few texts that the training samples from fixed dice, by the network as it is: `names` and `novelty`.

    Asked with `step`, of the network as it was then: equal to the training's own probe of that step, but for what
    16 bits cannot hold.
    """
    if "recipe" not in run.card:
        raise LabError(t("error.no_steps"))
    return probe_texts(run.model, run.tokenizer, shelf.corpus(corpus, corpus_name), Recipe(**run.card["recipe"]))


def symmetry(shelf: Shelf, run: Run) -> dict[str, Any]:
    """How far apart the hidden units of a window model are: `units`, and the largest `difference` of their weights.

    Units with equal weights answer equally to everything, and have equal gradients: they stay equal for ever.
    """
    hidden = getattr(run.model, "hidden", None)
    if hidden is None or not hasattr(hidden, "weight"):
        raise LabError(t("error.no_hidden_layer"))
    weight = hidden.weight.detach()  # (h, k d): a row a unit
    return {"units": len(weight), "difference": float((weight - weight[0]).abs().max())}


QUESTIONS: dict[str, Callable[..., Any]] = {"probe": probe, "symmetry": symmetry}
