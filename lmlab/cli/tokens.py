"""`tokenize` and `bpe-train`: text as tokens, and tokens that are learned from text."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lmlab.cli.shared import (
    TOKENIZER_HELP,
    CorpusOption,
    Json,
    KindOption,
    open_corpus,
    open_tokenizer,
    print_json,
    progress_bar,
    say,
    spoken,
    visible,
)
from lmlab.errors import LabError

SHOWN_MERGES = 20


@spoken
def tokenize_command(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is cut into tokens.")],
    tokenizer: Annotated[str | None, typer.Option(metavar="T", help=TOKENIZER_HELP)] = None,
    corpus: CorpusOption = "names",
    as_json: Json = False,
) -> None:
    """Cut a text into tokens and show their ids.

    `tokens` is the text of each token alone, where bytes that are no whole character show as U+FFFD; `symbols` is how
    the lab draws it, with a space as an open box. The corpus matters to characters and words: it is their vocabulary.

    \b
    JSON:
      tokenizer             string
      {vocab_size,characters} integer
      ids[]                 integer
      {tokens,symbols}[]    string
    """
    found = open_tokenizer(tokenizer, open_corpus(corpus))
    ids = found.encode(text)
    symbols = [found.symbols[i] for i in ids]
    if as_json:
        print_json(
            {
                "tokenizer": found.to_json()["kind"],
                "vocab_size": found.vocab_size,
                "characters": len(text),
                "ids": ids,
                "tokens": [found.decode([i]) for i in ids],
                "symbols": symbols,
            }
        )
        return
    console = Console()
    table = Table(box=None)
    table.add_column("id", justify="right")
    table.add_column("token")
    for i, symbol in zip(ids, symbols, strict=True):
        table.add_row(str(i), Text(visible(symbol)))
    console.print(table)
    say(console, f"Characters: {len(text):,}. Tokens: {len(ids):,} of a vocabulary of {found.vocab_size:,}.")


@spoken
def bpe_train_command(
    merges: Annotated[int, typer.Option(metavar="N", help="How many pairs to merge.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Save the tokenizer there.")],
    corpus: CorpusOption = "names",
    kind: KindOption = None,
    as_json: Json = False,
) -> None:
    """Learn byte-pair merges from the training documents of a corpus.

    Only the training part is read: merges learned from held-out text would have seen the exam. The seconds are those
    of splitting, counting and merging; `stopped` says why there are fewer merges than were asked for.

    \b
    JSON:
      {corpus,out}                             string
      seconds                                  number
      {vocab_size,characters}                  integer
      {characters_per_token,bytes_per_token}   number
      stopped                                  string | null
      merges[].ids[]                           integer
      merges[].parts[]                         string
      merges[].symbol                          string
      merges[].count                           integer
    """
    from lmlab.tokenizers.bpe import MOST_MERGES, BPETrainer, Step

    if not 1 <= merges <= MOST_MERGES:
        raise LabError(f"{merges:,} merges were asked for: choose 1 to {MOST_MERGES:,}.")
    check_file(out)
    loaded = open_corpus(corpus, kind)

    begin = time.perf_counter()
    steps: list[Step] = []
    with progress_bar() as bar:
        task = bar.add_task("Merging", total=merges)
        trainer = BPETrainer(loaded.part("train"), shown_words=0)
        while len(steps) < merges and (step := trainer.step()) is not None:
            steps.append(step)
            if len(steps) % 20 == 0:  # drawing at every merge would cost the merges time
                bar.update(task, completed=len(steps))
        bar.update(task, completed=len(steps))
    seconds = time.perf_counter() - begin
    tokenizer = trainer.tokenizer()
    tokenizer.save(out)
    stopped = trainer.stopped if len(steps) < merges else None
    if as_json:
        print_json(
            {
                "corpus": corpus,
                "out": os.path.abspath(out),
                "seconds": seconds,
                "vocab_size": tokenizer.vocab_size,
                "characters": trainer.characters,
                "characters_per_token": trainer.characters / trainer.tokens,
                "bytes_per_token": trainer.bytes / trainer.tokens,
                "stopped": stopped,
                "merges": [
                    {"ids": list(step.pair), "parts": list(step.parts), "symbol": step.symbol, "count": step.count}
                    for step in steps
                ],
            }
        )
        return
    console = Console()
    table = Table(box=None, title=f"The first merges of {loaded.name}", title_justify="left")
    for column in ("merge", "id", "times"):
        table.add_column(column, justify="right")
    table.add_column("pair")
    table.add_column("token")
    for step in steps[:SHOWN_MERGES]:
        pair = " + ".join(step.parts)
        table.add_row(
            str(step.number), str(step.id), f"{step.count:,}", Text(visible(pair)), Text(visible(step.symbol))
        )
    console.print(table)
    say(
        console,
        f"{len(steps):,} merges in {seconds:.2f} s: a token stands for {trainer.characters / trainer.tokens:.2f} "
        f"characters of the training text.",
    )
    if stopped is not None:
        say(console, stopped)
    say(console, f"Saved in {os.path.abspath(out)}")


def check_file(out: Path) -> None:
    """Raise `LabError` where a tokenizer cannot be written, found out *before* the work is done.

    An older tokenizer may be replaced; any other file is somebody's work.
    """
    from lmlab.tokenizers.bpe import BPETokenizer

    place = Path(os.path.abspath(out))
    if place.is_dir():
        raise LabError(f"{place} is a folder. Name a file for the tokenizer.")
    if not place.parent.is_dir():
        raise LabError(f"There is no folder {place.parent}. Make it first, or choose another place.")
    if not os.access(place.parent, os.W_OK):
        raise LabError(f"Nothing can be written to {place.parent}. Choose another place.")
    if place.exists():
        try:
            BPETokenizer.load(place)
        except LabError:
            raise LabError(f"{place} is there and is no tokenizer of bpe-train. Choose another file.") from None
