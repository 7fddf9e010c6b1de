"""Make the runs that come with the lab, so that no screen is empty. Run by hand: `python -m lmlab.runs.bundle`.

Two small networks on `names`, trained by their presets with seed 42, so that everybody can make them again.
"""

from lmlab.data.corpus import load_corpus
from lmlab.models.build import build
from lmlab.runs.cards import BUNDLED
from lmlab.runs.moments import Moments
from lmlab.runs.store import save_run, trained_card
from lmlab.training.presets import preset
from lmlab.training.trainer import Trainer

RUNS = {"plain-finch": "mlp-sensible", "calm-heron": "transformer-default"}
MOST_BYTES = 2_500_000  # of the moments of one run: they travel with the package


def main() -> None:
    """Train both and write them into the package."""
    corpus = load_corpus("names")
    for run_id, name in RUNS.items():
        chosen = preset(name)
        model = build(chosen.model, chosen.options, 1 + len(corpus.alphabet), chosen.recipe.seed)
        trainer = Trainer(model, corpus, chosen.recipe)
        moments = Moments(trainer.scheduled, sum(weight.numel() for weight in model.parameters()), MOST_BYTES)
        moments.take(0, model)
        for progress in trainer:
            moments.take(trainer.step_number, model)
            if progress.kind == "validation":
                print(f"{run_id}: step {progress.step}, held-out loss {progress.loss:.4f}")
        card = trained_card(trainer, chosen.model, run_id)
        card["corpus"]["source"] = "names"
        save_run(BUNDLED / run_id, model, card, moments)


if __name__ == "__main__":
    main()
