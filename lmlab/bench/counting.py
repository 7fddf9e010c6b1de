"""Counting n-grams: how fast, how much faster than `nltk.lm`, and whether both come to the same numbers."""

import math
import statistics
import time
from collections.abc import Iterable, Sequence
from typing import Any

from lmlab.bench.rows import Race, Row, missing, race, seconds
from lmlab.data.corpus import Corpus, load_corpus
from lmlab.evaluation.loss import evaluate
from lmlab.models.counts import count_ngrams
from lmlab.models.ngram import Ngram, NgramConfig, count
from lmlab.tokenizers.characters import CharacterTokenizer

MARK = "<mark>"  # the boundary, where the peer counts; no letter looks like it


def bigrams(runs: int = 9) -> list[Row]:
    """Count all bigrams of all names, from the loaded documents to a model that answers with probabilities.

    All documents count here, the held-out ones too. The first run is not used.
    """
    corpus = load_corpus("names")
    times = tuple(1000 * each for each in seconds(lambda: _bigram_model(corpus), runs))
    what = f"Count all bigrams of the {len(corpus.texts):,} loaded names"
    return [Row("bigrams", what, "ms", statistics.median(times), 20.0, times)]


def kneser_ney(runs: int = 5) -> list[Row]:
    """Count a Kneser-Ney model of order 5 on the training names and take its loss on the validation names.

    The first run is not used.
    """
    corpus = load_corpus("names")
    tokenizer = CharacterTokenizer(corpus.alphabet)

    def work() -> None:
        model = count(corpus, 5, "kneser-ney", tokenizer=tokenizer)
        evaluate(model, corpus.part("validation"), tokenizer)

    times = seconds(work, runs)
    what = "Count Kneser-Ney of order 5 on names and measure its validation loss"
    return [Row("kneser-ney", what, "s", statistics.median(times), 0.3, times)]


def peer(runs: int = 3) -> list[Row]:
    """The same bigrams counted by `nltk.lm` (maximum likelihood, order 2), as a multiple of our time.

    Both read the same list of strings in memory, pad it with marks, and count single tokens and pairs. The two
    alternate; each run is the ratio of a pair, so above 1 means that lmlab is faster.
    """
    what = "Time of nltk.lm for the same bigrams, as a multiple of lmlab's"
    if note := missing("nltk"):
        return [Row("peer", what, "x", None, note=note)]
    from nltk.lm import MLE
    from nltk.lm.preprocessing import padded_everygram_pipeline

    corpus = load_corpus("names")

    def theirs() -> Any:
        grams, vocabulary = padded_everygram_pipeline(2, corpus.texts)
        model = MLE(2)
        model.fit(grams, vocabulary)
        return model

    tokenizer = CharacterTokenizer(corpus.alphabet)
    a, b = tokenizer.encode("an")
    same = theirs().counts[["a"]]["n"] == int(_bigram_model(corpus).table()[a, b])
    result = race(lambda: _bigram_model(corpus), theirs, runs, warm_up=False)
    note = "" if same else "The two count the pair 'an' differently, so the ratio compares different work."
    return [Row("peer", what, "x", result.ratio, None, result.ratios, note)]


def load(runs: int = 5) -> list[Row]:
    """Read, clean, deduplicate and split the bundled names. The first run is not used, so the file is cached."""
    times = seconds(lambda: load_corpus("names"), runs)
    return [Row("load", "Load the bundled names", "s", statistics.median(times), 0.3, times)]


def counting(runs: int = 3, order: int = 5, sample: int = 200, k: float = 0.1, corpus: str = "names") -> list[Row]:
    """Count order 5 with Kneser-Ney and score the validation names, against `nltk.lm.KneserNeyInterpolated`.

    `nltk` scores only `sample` of the validation names, evenly spread over them, and the time of that is scaled up
    to all; we score them all. Both count with order - 1 marks before a name and one after it.

    The two Kneser-Neys are not the same: `nltk` takes one fixed discount of 0.1 and we estimate one an order, so
    the note gives both losses. What must be the same is stated by two rows of their own, each a difference of
    perplexities: maximum likelihood on all training names, and add-k on all validation names. For add-k both need
    a vocabulary of equal size; `nltk` puts one token for the unknown into every vocabulary, and is told here that
    the boundary is that token.
    """
    rows = [
        ("counting", f"Time of nltk.lm for Kneser-Ney of order {order}, as a multiple of lmlab's", "x", 300.0),
        ("counting-mle", "Difference to nltk.lm in training perplexity, maximum likelihood", "perplexity", 1e-6),
        ("counting-add-k", f"Difference to nltk.lm in validation perplexity, add-{k:g}", "perplexity", 1e-6),
    ]
    if note := missing("nltk"):
        return [
            Row(name, what, unit, None, target, note=note, at_least=unit == "x") for name, what, unit, target in rows
        ]
    loaded = load_corpus(corpus)
    result, note = _against_kneser_ney(loaded, runs, order, sample)
    differences = perplexity_differences(loaded, order, k)
    (name, what, unit, target), *same = rows
    return [
        Row(name, what, unit, result.ratio, target, result.ratios, f"{result.times()} {note}", at_least=True),
        *(
            Row(name, what, unit, abs(ours - theirs), target, note=f"Ours {ours:.8f}, theirs {theirs:.8f}.")
            for (name, what, unit, target), (ours, theirs) in zip(same, differences, strict=True)
        ),
    ]


def _against_kneser_ney(corpus: Corpus, runs: int, order: int, sample: int) -> tuple[Race, str]:
    """The race, and what is to be said about it."""
    from nltk.lm import KneserNeyInterpolated

    tokenizer = CharacterTokenizer(corpus.alphabet)
    held_out = corpus.part("validation")
    chosen = held_out[:: max(1, len(held_out) // sample)][:sample]
    ours, theirs, losses = [], [], []
    for _ in range(runs):
        begin = time.perf_counter()
        model = count(corpus, order, "kneser-ney", tokenizer=tokenizer)
        evaluate(model, held_out, tokenizer)
        ours.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        peer_model = _fitted(
            KneserNeyInterpolated(order, vocabulary=_vocabulary(corpus)), corpus.part("train"), order
        )
        counted = time.perf_counter() - begin
        begin = time.perf_counter()
        bits = peer_model.entropy(list(_ngrams(chosen, order)))
        scored = (time.perf_counter() - begin) * len(held_out) / len(chosen)
        theirs.append(counted + scored)
        losses = [evaluate(model, chosen, tokenizer).nll, bits * math.log(2)]
    note = (
        f"Theirs: {counted:.3g} s to count, {scored:.3g} s to score (from {len(chosen)} of {len(held_out):,} names). "
        f"On those, ours reaches {losses[0]:.4f} nats a character, theirs with its fixed discount {losses[1]:.4f}."
    )
    return Race(tuple(ours), tuple(theirs)), note


def perplexity_differences(corpus: Corpus, order: int, k: float) -> list[tuple[float, float]]:
    """Perplexities by us and by `nltk.lm`: maximum likelihood in training, add-k in validation."""
    from nltk.lm import MLE, Lidstone

    tokenizer = CharacterTokenizer(corpus.alphabet)
    train, held_out = corpus.part("train"), corpus.part("validation")
    likelihood = _fitted(MLE(order, vocabulary=_vocabulary(corpus)), train, order)
    add_k = Lidstone(k, order, vocabulary=likelihood.vocab, counter=likelihood.counts)
    ours = (count(corpus, order, "mle", tokenizer=tokenizer), count(corpus, order, "add-k", k, tokenizer))
    return [
        (evaluate(our, documents, tokenizer).perplexity, their.perplexity(list(_ngrams(documents, order))))
        for our, their, documents in zip(ours, (likelihood, add_k), (train, held_out), strict=True)
    ]


def _vocabulary(corpus: Corpus) -> Any:
    """The letters, and the mark as the token for the unknown, so that it has as many tokens as ours."""
    from nltk.lm import Vocabulary

    return Vocabulary(corpus.alphabet, unk_label=MARK)


def _marked(document: str, order: int) -> list[str]:
    return [MARK] * max(1, order - 1) + list(document) + [MARK]


def _fitted(model: Any, documents: Sequence[str], order: int) -> Any:
    """A model of `nltk.lm` that has counted the documents."""
    from nltk.util import everygrams

    model.fit(everygrams(_marked(document, order), max_len=order) for document in documents)
    return model


def _ngrams(documents: Sequence[str], order: int) -> Iterable[tuple[str, ...]]:
    """Each prediction with the order - 1 tokens before it: those of the letters and of one end mark."""
    for document in documents:
        tokens = _marked(document, order)
        first = len(tokens) - len(document) - 1
        for i in range(first, len(tokens)):
            yield tuple(tokens[i - order + 1 : i + 1])


def _bigram_model(corpus: Corpus) -> Ngram:
    tokenizer = CharacterTokenizer(corpus.alphabet)
    return Ngram(NgramConfig(2, "mle"), count_ngrams(corpus.texts, tokenizer, 2))
