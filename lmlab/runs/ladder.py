"""The ladder: model after model on one corpus, each made with several seeds, all on one ruler.

    uniform > unigram > bigram > trigram > ... > transformer

A loss from one seed is one throw of the dice. So each network is trained from several seeds, and two rungs are told
apart only where their difference is larger than the spread of the seeds says (`lmlab.evaluation.comparison`). A
counted model has no dice: it is made once.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lmlab.data.corpus import Corpus
from lmlab.errors import LabError, nearest
from lmlab.evaluation.comparison import Rung
from lmlab.evaluation.loss import Loss, evaluate
from lmlab.evaluation.novelty import novelty
from lmlab.generation.generate import generate
from lmlab.models.build import MODELS, build
from lmlab.models.ngram import NgramConfig, count
from lmlab.models.uniform import Uniform
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.tokenizers.protocol import Tokenizer
from lmlab.training.presets import DEFAULT_PRESET, PRESETS, Preset, preset
from lmlab.training.trainer import Trainer

SAMPLES = 1000  # texts of which the memorised share is taken

Watch = Callable[[str, int, int, int], None]
"""Told how far it is: the name of the rung, the seed, the steps done and the steps planned."""


@dataclass(frozen=True)
class Counted:
    """A model that is counted, not trained; `config` None is the uniform model, which is not even counted."""

    config: NgramConfig | None
    idea: str
    source: str


_SHANNON = "Shannon (1948), A mathematical theory of communication, section 3"
COUNTED: dict[str, Counted] = {
    "uniform": Counted(None, "Every token is equally likely.", _SHANNON),
    "unigram": Counted(NgramConfig(1), "How often each token occurs, whatever stands before it.", _SHANNON),
    "bigram": Counted(NgramConfig(2), "What follows the last token, counted.", _SHANNON),
    "trigram": Counted(NgramConfig(3), "What follows the last two tokens, counted.", _SHANNON),
    "4-gram": Counted(NgramConfig(4), "What follows the last three tokens, counted.", _SHANNON),
    "kneser-ney": Counted(
        NgramConfig(5, "kneser-ney"),
        "What follows the last four tokens; what is rare there is asked of shorter pasts.",
        "Kneser and Ney (1995); Chen and Goodman (1999), An empirical study of smoothing techniques, section 4.1.4",
    ),
}


LADDER: tuple[str, ...] = (
    *COUNTED,
    *("bigram-table", "average", "attention-average", "mlp", "mlp-window-5", "rnn", "gru", "lstm"),
    *("transformer", "modern", "gpt-names"),
)
"""The whole ladder, as the curriculum climbs it."""


def find(name: str) -> Counted | Preset:
    """What stands behind a name on the ladder: a counted model, a model (by its default preset) or a preset.

    >>> find("bigram").config.order, find("transformer").model
    (2, 'transformer')
    >>> find("bigrm")
    Traceback (most recent call last):
    lmlab.errors.LabError: There is no model or preset 'bigrm' to compare. Did you mean 'bigram'?
    """
    if name in COUNTED:
        return COUNTED[name]
    if name not in PRESETS and name not in DEFAULT_PRESET:
        known = [*COUNTED, *DEFAULT_PRESET, *PRESETS]
        hint = nearest(name, known) or f" Choose from: {', '.join(known)}."
        raise LabError(f"There is no model or preset '{name}' to compare.{hint}")
    found = preset(name)
    if not MODELS[found.model].language_model:
        raise LabError(
            f"'{name}' places tokens in space and does not predict the next one, so it has no loss to compare. "
            "Leave it out."
        )
    return found


@dataclass(frozen=True)
class Made:
    """A model that was counted or trained, and what it cost.

    `parameters` are the numbers that it stores; `seconds` is the time of learning (or counting) alone, without
    measurements; `tokens` is what it learned from in that time, from the first `train_size` documents (None: all).
    """

    model: Any
    parameters: int
    seconds: float
    tokens: int
    train_size: int | None = None
    diverged: str | None = None
    """The sentence about a training that lost its loss and went back to its last sound state."""


def make(
    name: str,
    corpus: Corpus,
    seed: int = 0,
    tokenizer: Tokenizer | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    threads: int = 1,
    watch: Watch | None = None,
) -> Made:
    """Count or train one model on the training documents.

    `steps` or `seconds` replace those of a network's preset. Raises `LabError` for an unknown name.

    >>> from lmlab.data.corpus import load_corpus
    >>> made = make("mlp", load_corpus("names_indian"), steps=5)
    >>> made.parameters, made.model.context, made.diverged
    (7582, 3, None)
    """
    entry = find(name)
    tokenizer = tokenizer or CharacterTokenizer(corpus.alphabet)
    if isinstance(entry, Counted):
        return _count(entry, corpus, tokenizer)
    recipe = replace(entry.recipe, seed=seed, threads=threads, validate=False)
    if steps is not None or seconds is not None:
        recipe = replace(recipe, steps=steps, seconds=seconds, most_passes=None)
    entry = entry.fitted(corpus.part("train"), recipe)
    model = build(entry.model, entry.options, tokenizer.vocab_size, seed, tokenizer.boundary_id)
    trainer = Trainer(model, corpus, recipe, tokenizer=tokenizer)
    while trainer.step_number < trainer.planned:  # the trainer's own measurement of the end is left out
        trainer.step()
        if watch is not None:
            watch(name, seed, trainer.step_number, trainer.planned)
    return Made(
        model.eval(),
        sum(weight.numel() for weight in model.parameters()),
        trainer.seconds,
        trainer.tokens,
        recipe.train_size,
        trainer.diverged["sentence"] if trainer.diverged else None,
    )


def _count(entry: Counted, corpus: Corpus, tokenizer: Tokenizer) -> Made:
    if entry.config is None:
        return Made(Uniform(tokenizer.vocab_size), 0, 0.0, 0)
    begin = time.perf_counter()
    model = count(corpus, entry.config.order, entry.config.smoothing, entry.config.k, tokenizer)
    seconds = time.perf_counter() - begin
    longest = model.counts.levels[-1].counts
    return Made(model, int((longest > 0).sum()), seconds, int(longest.sum()))


@dataclass(frozen=True)
class Climb:
    """One model, made once and measured: its held-out loss, and the share of its texts that it knows by heart.

    `memorised` and `held_out` (0 to 1) are the shares of its texts that stand on the training and on a held-out side.
    Both are None where the corpus is one long text, which has no list of texts to know.
    """

    name: str
    seed: int
    made: Made
    loss: Loss
    memorised: float | None
    held_out: float | None = None


def climb(
    name: str,
    corpus: Corpus,
    seed: int = 0,
    tokenizer: Tokenizer | None = None,
    samples: int = SAMPLES,
    **how: Any,
) -> Climb:
    """Make one model and measure it on the validation documents; the test documents stay closed.

    `how` is handed to `make`.

    >>> from lmlab.data.corpus import load_corpus
    >>> corpus = load_corpus("names_indian")
    >>> [round(climb(name, corpus, samples=100).loss.nll, 2) for name in ("uniform", "bigram")]
    [3.26, 2.22]
    """
    tokenizer = tokenizer or CharacterTokenizer(corpus.alphabet)
    made = make(name, corpus, seed, tokenizer, **how)
    loss = evaluate(made.model, corpus.part("validation"), tokenizer)
    known = found = None
    if corpus.kind == "names":
        texts = generate(made.model, tokenizer, samples, limit=corpus.longest + 1, seed=seed)
        marks = novelty([sample.text for sample in texts], corpus, made.train_size)
        known, found = marks.count("training") / samples, marks.count("held out") / samples
    return Climb(name, seed, made, loss, known, found)


def ladder(names: Sequence[str], corpus: Corpus, seeds: int = 3, **how: Any) -> Iterator[list[Climb]]:
    """Each model of `names` with the seeds 0, 1, ...; a counted model once. Yields the climbs of one model at a time.

    `how` is handed to `climb`. All names are looked up before the first model is made.

    >>> from lmlab.data.corpus import load_corpus
    >>> [[each.seed for each in climbs] for climbs in ladder(["bigram"], load_corpus("names_indian"), samples=100)]
    [[0]]
    """
    if not 1 <= seeds <= 20:
        raise LabError(f"{seeds} seeds were asked for: choose 1 to 20.")
    entries = {name: find(name) for name in names}  # named twice is made once
    for name, entry in entries.items():
        yield [climb(name, corpus, seed, **how) for seed in range(1 if isinstance(entry, Counted) else seeds)]


def rung_of(climbs: Sequence[Climb]) -> Rung:
    """What several seeds of one model say together: its place on the ladder, with its mean cost.

    >>> from lmlab.data.corpus import load_corpus
    >>> rung = rung_of([climb("unigram", load_corpus("names_indian"), samples=100)])
    >>> round(rung.mean, 2), rung.deviation
    (2.82, 0.0)
    """
    first = climbs[0]
    known = [each.memorised for each in climbs if each.memorised is not None]
    found = [each.held_out for each in climbs if each.held_out is not None]
    seconds = sum(each.made.seconds for each in climbs)
    return Rung(
        first.name,
        tuple(each.loss.nll for each in climbs),
        first.made.parameters,
        seconds / len(climbs),
        sum(each.made.tokens for each in climbs) / seconds if seconds else None,
        sum(known) / len(known) if known else None,
        held_out=sum(found) / len(found) if found else None,
        deterministic=isinstance(find(first.name), Counted),
    )
