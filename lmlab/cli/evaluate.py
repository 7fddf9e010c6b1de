"""`evaluate`: the loss of a saved model; the test part is opened only when it is asked for."""

from typing import Annotated

import typer
from rich.console import Console

from lmlab.cli.shared import (
    CORPUS_HELP,
    Json,
    RunFolder,
    corpus_of,
    evaluations,
    measure,
    open_corpus,
    print_json,
    say,
    show_losses,
    spoken,
    train_size_of,
)
from lmlab.data.corpus import Part
from lmlab.errors import LabError


@spoken
def evaluate_command(
    folder: RunFolder,
    corpus: Annotated[
        str | None, typer.Option(metavar="C", help=f"{CORPUS_HELP} [default: the one that the run learned from]")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="Open the test part too; the run's card records it.")] = False,
    as_json: Json = False,
) -> None:
    """Measure a saved model on the training and validation documents of a corpus.

    Of a run that was trained with `--train-size` and its own corpus, `train` is the documents that it learned from.

    `--test` measures the test part as well. That is for the very end: whoever looks at it twice has begun to choose
    by it. So it is opened only for the corpus that the run learned from, and the card keeps the loss and the times.
    `test` is null, and nothing of that part is scored, where it was not asked for.

    \b
    JSON:
      {model,corpus}                                            string
      {train,validation}.{nll,perplexity,bpc}                   number | null
      {train,validation}.{predictions,characters,unseen,unknown} integer
      {train,validation}.infinite_at                            object | null
      {train,validation}.infinite_at.{document,after,next}      string
      test                                                      object | null
      test.{nll,perplexity,bpc}                                 number | null
      test.{predictions,characters,unseen,unknown}              integer
      test.infinite_at                                          object | null
      test.infinite_at.{document,after,next}                    string
    """
    from lmlab.runs.store import load_run, record_test

    run = load_run(folder)
    about = run.card["corpus"]
    own = corpus_of(run.card) if corpus is None else open_corpus(corpus, about.get("kind"))
    if own is None:
        raise LabError(f"The corpus '{about['name']}' of this run is not at hand. Name one with --corpus.")
    if test and own.sha256 != about["sha256"]:
        raise LabError(
            f"This run learned from '{about['name']}': its card can record the test part of that corpus only. "
            "Leave out --test or --corpus."
        )
    parts: tuple[Part, ...] = ("train", "validation", "test") if test else ("train", "validation")
    train_size = train_size_of(run.card) if own.sha256 == about["sha256"] else None
    losses = measure(evaluations(run.model, own, run.tokenizer, parts, train_size))
    if test:
        record_test(folder, losses["test"])
    if as_json:
        answer = {part: loss.to_json() for part, loss in losses.items()}
        name = corpus or str(about.get("source", about["name"]))
        print_json({"model": run.card["model"]["kind"], "corpus": name, "test": None, **answer})
        return
    console = Console()
    show_losses(console, losses)
    if test:
        say(console, "The test part was opened; the card of the run records it.")
