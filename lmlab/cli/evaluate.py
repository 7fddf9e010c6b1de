"""`evaluate`: the loss of a saved model."""

from rich.console import Console

from lmlab.cli.shared import CorpusOption, Json, RunFolder, measure, open_corpus, print_json, show_losses, spoken


@spoken
def evaluate_command(folder: RunFolder, corpus: CorpusOption = "names", as_json: Json = False) -> None:
    """Measure a saved model on the training and validation documents of a corpus.

    \b
    JSON:
      {model,corpus}                                       string
      {train,validation}.{nll,perplexity,bpc}              number | null
      {train,validation}.{predictions,unseen}              integer
      {train,validation}.infinite_at                       object | null
      {train,validation}.infinite_at.{document,after,next} string
    """
    from lmlab.runs.store import load_run

    run = load_run(folder)
    losses = measure(run.model, open_corpus(corpus), run.tokenizer)
    if as_json:
        answer = {part: loss.to_json() for part, loss in losses.items()}
        print_json({"model": run.card["model"]["kind"], "corpus": corpus, **answer})
    else:
        show_losses(Console(), losses)
