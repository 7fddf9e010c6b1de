"""What a leak does to a model: make it twice, with and without what leaked, and give both the same exam."""

from typing import Any

from lmlab.data.corpus import Corpus
from lmlab.evaluation.leaks import leak_effect, without_leaks
from lmlab.evaluation.loss import evaluate
from lmlab.runs.cards import finite
from lmlab.runs.ladder import make
from lmlab.tokenizers.characters import CharacterTokenizer


def with_and_without(name: str, leaky: Corpus, seed: int = 0, steps: int | None = None) -> dict[str, Any]:
    """One model of the ladder made with and without the leak, measured on the same validation documents.

    `leaky` is a corpus whose split leaks (`lmlab.evaluation.leaks.leaky_corpus`). All losses are in nats per
    character, None where they are infinite or have no documents: `with_leak` and `without_leak` on all of them,
    `flattery` their difference, `leaked` and `unleaked` the loss with the leak on either kind of document.

    >>> from lmlab.evaluation.leaks import leaky_corpus
    >>> row = with_and_without("kneser-ney", leaky_corpus(["ada", "grace", "alan"] * 10 + ["edsger"], seed=7))
    >>> row["with_leak"] < row["without_leak"], row["leaked"] < row["unleaked"]
    (True, True)
    """
    tokenizer = CharacterTokenizer(leaky.alphabet)
    flattered = leak_effect(make(name, leaky, seed, tokenizer, steps).model, leaky, tokenizer)
    honest = make(name, without_leaks(leaky), seed, tokenizer, steps).model
    fair = evaluate(honest, leaky.part("validation"), tokenizer)
    row: dict[str, Any] = finite(
        {
            "name": name,
            "with_leak": flattered.all.nll,
            "without_leak": fair.nll,
            "flattery": fair.nll - flattered.all.nll,
            "leaked": None if flattered.leaked is None else flattered.leaked.nll,
            "unleaked": None if flattered.clean is None else flattered.clean.nll,
        }
    )
    return row
