"""What a worker keeps at hand between two questions: corpora and runs."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lmlab.data.corpus import BUNDLED, Corpus, load_corpus
from lmlab.errors import LabError
from lmlab.runs.cards import short_name
from lmlab.runs.moments import at_moment, read_moment
from lmlab.runs.store import Run, load_run
from lmlab.strings import t


class Shelf:
    """What a worker keeps at hand: the corpora and runs that were used last."""

    def __init__(self, corpora: int = 4, runs: int = 8, moments: int = 16, kept: int = 8) -> None:
        self._corpora: OrderedDict[tuple[str, float, str | None], Corpus] = OrderedDict()
        self._runs: OrderedDict[tuple[str, float], Run] = OrderedDict()
        self._moments: OrderedDict[tuple[str, float, int], Run] = OrderedDict()
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._most = {"corpora": corpora, "runs": runs, "moments": moments, "kept": kept}

    def corpus(self, source: str, name: str | None = None) -> Corpus:
        """A corpus by its source; files are read again when they changed."""
        try:
            stamp = 0.0 if source in BUNDLED else Path(source).stat().st_mtime
        except OSError:  # the sentence must not tell a path of this machine
            raise LabError(t("error.corpus_gone", name=name or t("error.this_corpus"))) from None
        key = (source, stamp, name)
        if key not in self._corpora:
            corpus = load_corpus(source)
            self._corpora[key] = replace(corpus, name=name or corpus.name)
        return _used(self._corpora, key, self._most["corpora"])

    def run(self, folder: str) -> Run:
        """A run by its folder."""
        key = (folder, (Path(folder) / "run.json").stat().st_mtime)
        if key not in self._runs:
            try:
                self._runs[key] = load_run(folder)
            except LabError:  # the sentence must not tell a path of this machine
                name = short_name(Path(folder).name)
                raise LabError(t("error.model_damaged", name=name)) from None
        return _used(self._runs, key, self._most["runs"])

    def run_at(self, folder: str, step: int) -> Run:
        """A run as it was after so many steps of its training. Raises `LabError` for a step that was not kept."""
        run = self.run(folder)
        if step == run.card.get("steps"):
            return run
        key = (folder, (Path(folder) / "run.json").stat().st_mtime, step)
        if key not in self._moments:
            model: Any = at_moment(run.model, read_moment(folder, step))  # type: ignore[arg-type]
            self._moments[key] = replace(run, model=model)
        return _used(self._moments, key, self._most["moments"])

    def kept(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """Something that took a while to make, and that further questions of the same page ask for again."""
        if key not in self._kept:
            self._kept[key] = make()
        return _used(self._kept, key, self._most["kept"])


def _used(shelf: OrderedDict[Any, Any], key: Any, most: int) -> Any:
    shelf.move_to_end(key)
    while len(shelf) > most:
        shelf.popitem(last=False)
    return shelf[key]
