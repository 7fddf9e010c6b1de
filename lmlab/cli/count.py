"""`count`: n-grams of a corpus, counted and measured."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lmlab.cli.shared import (
    TOKENIZER_HELP,
    CorpusOption,
    Json,
    KindOption,
    check_out,
    evaluations,
    measure,
    open_corpus,
    open_tokenizer,
    print_json,
    say,
    show_losses,
    show_place,
    source_of,
    spoken,
)


@spoken
def count_command(
    corpus: CorpusOption = "names",
    kind: KindOption = None,
    tokenizer: Annotated[str | None, typer.Option(metavar="T", help=TOKENIZER_HELP)] = None,
    order: Annotated[int, typer.Option(metavar="N", help="Length of the n-grams, 1 to 8.")] = 2,
    smoothing: Annotated[str, typer.Option(metavar="S", help="mle, add-k or kneser-ney.")] = "add-k",
    k: Annotated[float, typer.Option(metavar="K", help="What add-k adds to every count.")] = 0.1,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Save the model there.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Count n-grams of the training documents and measure the model.

    The seconds are those of counting; `k` is null where the smoothing has none.

    \b
    JSON:
      {corpus,tokenizer}                                   string
      order                                                integer
      smoothing                                            string
      k                                                    number | null
      parameters                                           integer
      seconds                                              number
      out                                                  string | null
      {train,validation}.{nll,perplexity,bpc}              number | null
      {train,validation}.{predictions,characters,unseen,unknown} integer
      {train,validation}.infinite_at                       object | null
      {train,validation}.infinite_at.{document,after,next} string
    """
    place = None if out is None else check_out(out)
    loaded = open_corpus(corpus, kind)
    from lmlab.models.ngram import count
    from lmlab.runs.cards import new_run_id
    from lmlab.runs.store import counted_card, save_run

    cut = open_tokenizer(tokenizer, loaded)
    begin = time.perf_counter()
    model = count(loaded, order, smoothing, k, cut)  # type: ignore[arg-type]  # NgramConfig checks it
    seconds = time.perf_counter() - begin
    losses = measure(evaluations(model, loaded, cut))
    card = counted_card(model, loaded, cut, losses, new_run_id())
    card["corpus"]["source"] = source_of(corpus)
    if place is not None:
        save_run(place, model, card)
    parameters = card["model"]["parameters"]
    if as_json:
        print_json(
            {
                "corpus": corpus,
                "tokenizer": card["tokenizer"]["kind"],
                "order": order,
                "smoothing": smoothing,
                "k": k if smoothing == "add-k" else None,
                "parameters": parameters,
                "seconds": seconds,
                "out": None if place is None else str(place),
                **{part: loss.to_json() for part, loss in losses.items()},
            }
        )
        return
    console = Console()
    rule = f"add-k with k = {k:g}" if smoothing == "add-k" else smoothing
    say(console, f"{loaded.name}: {loaded.report.sentence()}")
    say(console, f"Order {order}, {rule}: {parameters:,} parameters, counted in {seconds:.3f} s.")
    show_losses(console, losses)
    show_place(console, place)
