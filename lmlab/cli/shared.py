"""What the commands share: errors in one line, JSON, corpora, places, progress bars and tables."""

import contextlib
import functools
import json
import os
import tempfile
import traceback
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table
from rich.text import Text

from lmlab.data.corpus import BUNDLED, Corpus, Part, load_corpus
from lmlab.errors import LabError, nearest
from lmlab.runs.cards import RUN_FILES

if TYPE_CHECKING:  # these import torch
    from lmlab.evaluation.loss import Loss
    from lmlab.models.protocol import LanguageModel
    from lmlab.tokenizers.protocol import Tokenizer
    from lmlab.training.objectives import Measurement

TOKENIZERS = ("characters", "words", "gpt2", "cl100k", "o200k")
MOST_THREADS = 64
CORPUS_HELP = f"{', '.join(BUNDLED)}, hub:owner/name, or the path of a file."
TOKENIZER_HELP = f"{', '.join(TOKENIZERS)}, or a file of bpe-train; the corpus's own when not given."

CorpusOption = Annotated[str, typer.Option(metavar="C", help=CORPUS_HELP)]
KindOption = Annotated[
    str | None,
    typer.Option(
        metavar="K", help="names: one document a line; text: one long document. The corpus's own when not given."
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="DIR", help="A run that `train --out` or `count --out` made.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line on stdout.")]

P = ParamSpec("P")


def spoken(command: Callable[P, None]) -> Callable[P, None]:
    """Turn every error of a command into one line on stderr, `Error: sentence`, and exit code 2.

    With `--json` the sentence also ends stdout, as `{"error": sentence}`.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            return
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise  # asked for, or nobody reads us any more
        except LabError as error:
            sentence = str(error)
        except OSError as error:  # a file that may not be read, a port that is taken
            sentence = f"{error}. Check the path, its permissions, and that nothing else uses it."
        except Exception as error:
            if os.environ.get("LMLAB_TRACEBACK"):
                traceback.print_exception(error)
            sentence = (
                f"Something went wrong that lmlab did not foresee ({type(error).__name__}: {error}). "
                "Set LMLAB_TRACEBACK=1 and run the command again to see where."
            )
        line = visible(sentence)
        typer.echo(f"Error: {line}", err=True)
        if kwargs.get("as_json"):
            print_json({"error": line})
        raise typer.Exit(2)

    return run


def visible(text: str) -> str:
    r"""Control characters, line breaks and broken characters as escapes, so that a text stays on its line.

    >>> visible("a\nb \x1b[1m é प्रिया")
    'a\\nb \\x1b[1m é प्रिया'
    """
    hidden = ("Cc", "Cs", "Zl", "Zp")
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in hidden else c for c in text)


def print_json(data: dict[str, Any]) -> None:
    """One line on stdout, in ASCII, so that no terminal or pipe can spoil it."""
    typer.echo(json.dumps(data, allow_nan=False))


def open_corpus(source: str, kind: str | None = None) -> Corpus:
    """Load a corpus; the error about an unknown name suggests the nearest one."""
    if kind not in (None, "names", "text"):
        raise LabError(
            f"There is no kind of corpus '{kind}': choose names or text.{nearest(kind, ('names', 'text'))}"
        )
    try:
        return load_corpus(source, kind)  # type: ignore[arg-type]  # it checks the kind
    except LabError as error:
        hint = "" if source in BUNDLED or "\n" in source or os.path.exists(source) else nearest(source, BUNDLED)
        raise LabError(f"{error}{hint}") from None


def corpus_of(card: dict[str, Any]) -> Corpus | None:
    """The corpus that a run learned from, or None where it is gone, was changed or is on the Hub.

    A card may be a stranger's, and looking at a run should contact nobody: a data set of the Hub is not fetched.
    """
    about = card["corpus"]
    for source in (about.get("source"), about.get("name")):
        if not isinstance(source, str) or (source != about.get("source") and source not in BUNDLED):
            continue
        if source.startswith("hub:"):
            continue
        try:
            corpus = load_corpus(source, about.get("kind", "names"))
        except (LabError, OSError):
            continue
        if corpus.sha256 == about["sha256"]:
            return corpus
    return None


def train_size_of(card: dict[str, Any]) -> int | None:
    """How many of its corpus's training documents a run learned from, the first ones; None: all of them.

    >>> train_size_of({"recipe": {"train_size": 50}}), train_size_of({"model": {"kind": "ngram"}})
    (50, None)
    """
    recipe = card.get("recipe")
    size = recipe.get("train_size") if isinstance(recipe, dict) else None
    return size if isinstance(size, int) and size >= 1 else None


def threads_of(threads: int | None) -> int:
    """The threads that were asked for, or one a core."""
    from lmlab.jobs.local import cores

    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise LabError(f"{threads} threads were asked for: choose 1 to {MOST_THREADS}.")
    return threads or min(MOST_THREADS, cores())


def source_of(corpus: str) -> str:
    """What a card remembers of a corpus: its name, or the absolute path of its file.

    >>> source_of("names"), source_of("hub:owner/name")
    ('names', 'hub:owner/name')
    """
    named = corpus in BUNDLED or corpus.startswith("hub:") or "\n" in corpus
    return corpus if named else os.path.abspath(corpus)


def check_out(out: Path) -> Path:
    """The absolute path of a folder that a run may be written to, found out *before* the work is done.

    Raises `LabError` where something else is or where nothing can be written.
    """
    place = Path(os.path.abspath(out))
    if Path.cwd().is_relative_to(place):
        raise LabError(f"The folder {place} is the one you work in. Choose a new folder for the run.")
    try:
        if place.is_dir():
            # Saving replaces the whole folder, so there must be nothing in it but a run.
            others = sorted({path.name for path in place.iterdir()} - RUN_FILES)
            if others:
                raise LabError(f"{place} holds other files, such as {others[0]}. Choose a new folder for the run.")
        elif place.exists():
            raise LabError(f"{place} is a file. Choose a new folder for the run.")
        nearest = next(folder for folder in place.parents if folder.exists())
        with tempfile.TemporaryDirectory(dir=nearest, prefix=".lmlab-"):
            return place
    except OSError as error:
        why = error.strerror or str(error)
        raise LabError(f"The run cannot be saved in {place}: {why}. Choose another place.") from None


def measure(measurements: Mapping[str, "Measurement"]) -> dict[str, "Loss"]:
    """Make each measurement, with a progress bar on stderr."""
    losses: dict[str, Loss] = {}
    with progress_bar() as bar:
        for part, measurement in measurements.items():
            task = bar.add_task(f"Measuring {part}", total=measurement.predictions)
            for done in measurement.chunks():
                bar.update(task, completed=done)
            assert measurement.loss is not None
            losses[part] = measurement.loss
    return losses


def evaluations(
    model: "LanguageModel",
    corpus: Corpus,
    tokenizer: "Tokenizer",
    parts: Sequence[Part] = ("train", "validation"),
    train_size: int | None = None,
) -> dict[str, "Measurement"]:
    """The measurements of a model on parts of a corpus; the test part only where it is named.

    Of the training part the first `train_size` documents count (None: all).
    """
    from lmlab.evaluation.loss import Evaluation

    sizes = {"train": train_size}
    return {part: Evaluation(model, corpus.part(part)[: sizes.get(part)], tokenizer) for part in parts}


def open_tokenizer(name: str | None, corpus: Corpus) -> "Tokenizer":
    """A tokenizer by its name or its file, or the one that suits the corpus.

    Words come from the training documents alone: a held-out word that never occurs there is unknown.
    """
    from lmlab.tokenizers.load import named_tokenizer

    name = name or corpus.tokens
    return named_tokenizer(name, corpus.texts if name == "characters" else corpus.part("train"))


def split_names(models: str) -> list[str]:
    """The names in `--models a,b,c`.

    >>> split_names("bigram, mlp,,bigram")
    ['bigram', 'mlp']
    """
    names = list(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    if not names:
        raise LabError("No model is named: write --models bigram,mlp.")
    return names


@contextlib.contextmanager
def progress_bar(*fields: str) -> Iterator[ProgressBar]:
    """A progress bar on stderr with further fields between the count and the time that is left."""
    columns = [TextColumn(field) for field in fields]
    with ProgressBar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *columns,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        refresh_per_second=5,
    ) as bar:
        yield bar


def show_losses(console: Console, losses: dict[str, "Loss"]) -> None:
    """A table with the one loss in its three units."""
    table = Table(box=None)
    table.add_column("")
    for column in ("nats per character", "perplexity", "bits per character"):
        table.add_column(column, justify="right")
    for part, loss in losses.items():
        table.add_row(part, *(f"{value:.4f}".replace("inf", "∞") for value in (loss.nll, loss.perplexity, loss.bpc)))
    console.print(table)
    for part, loss in losses.items():
        if loss.infinite_at is not None:
            at = loss.infinite_at
            say(
                console,
                f"Infinite on {part}: after '{at['after']}' the model holds '{at['next']}' impossible, and "
                f"'{at['document']}' has it.",
            )
        if loss.unknown:
            say(console, f"On {part} {too_low(loss)}")


def too_low(loss: "Loss") -> str:
    """What to know about a loss that leaves out what it could not spell; the end of a sentence.

    >>> from lmlab.evaluation.loss import Loss
    >>> too_low(Loss(nats=9.0, predictions=20, characters=80, unknown=3))
    'the loss is too low: 3 of 20 tokens are words outside the vocabulary, whose letters nobody pays for.'
    """
    are = "is a word" if loss.unknown == 1 else "are words"
    return (
        f"the loss is too low: {loss.unknown:,} of {loss.predictions:,} tokens {are} outside the vocabulary, whose "
        "letters nobody pays for."
    )


def show_place(console: Console, place: Path | None) -> None:
    """Where the run was saved, if it was."""
    if place is not None:
        say(console, f"Saved in {place}")


def say(console: Console, sentence: str) -> None:
    """A sentence as it is, on one line whatever the terminal's width: it may be searched for or copied."""
    console.print(Text(visible(sentence)), soft_wrap=True)
