"""The count table of the page: heat map, row bars and dice line on one letter order, and the names behind a cell."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from lmlab.strings import t
from lmlab.ui.bench import next_seq
from lmlab.ui.widgets.widget import widget

MOST_COLUMNS = 60  # a table of more letters would be a grey square; the most frequent ones are shown
DIGITS = 7  # of a share, on its way to the page
SHOWN = ("count", "share", "surprise")


def pairs_widget(**options: Any) -> gr.HTML:
    """A component whose value is `pairs_value(…)`. Events: `lock` with `{"row", "column"}` token ids, `counted`."""
    template = f"""
<figure class="fig pair-table" role="group" data-seq="0" data-tally="">
  <header><h3 data-part="title"></h3></header>
  <p class="look" data-part="look"></p>
  <div class="tally"><span class="strip" aria-hidden="true" hidden></span><span class="running"></span>
    <button type="button" class="plain" data-do="watch" hidden>{t("widget.pairs.watch")}</button>
    <button type="button" class="plain" data-do="draw" hidden>{t("widget.pairs.draw")}</button>
    <button type="button" class="plain" data-do="undraw" hidden>{t("widget.pairs.undraw")}</button></div>
  <div class="own" hidden><div></div><p aria-live="polite"></p></div>
  <div class="plot"></div>
  <footer><p class="say" data-part="said"></p>
    <details class="whole"><summary>{t("widget.pairs.whole_table")}</summary>
      <div class="scroll" tabindex="0"><table class="table"></table></div></details></footer>
  <p class="sr" aria-live="polite" data-part="spoken"></p>
</figure>
"""
    return widget("pairs", template, also=("marks", "pairs_table", "pairs_tally", "pairs_draw"), **options)


def die_widget(**options: Any) -> gr.HTML:
    """A component whose value is `die_value(…)`. Events: `roll`, `whole` and `often`."""
    buttons = "".join(
        f'<button type="button" class="alt" data-do="{name}">{t(f"widget.die.{name}")}</button>'
        for name in ("roll", "whole", "often")
    )
    template = f"""
<figure class="fig die" role="group" data-seq="0">
  <header><h3>{t("widget.die.title")}</h3><span class="group">{buttons}</span></header>
  <p class="look">{t("widget.die.look")}</p>
  <p class="word"></p>
  <div class="plot"></div>
  <footer><p class="say" data-part="said" aria-live="polite"></p></footer>
</figure>
"""
    return widget("die", template, also=("marks",), **options)


def found_widget(**options: Any) -> gr.HTML:
    """A component whose value is `found_value(…)`."""
    template = (
        '<figure class="fig found"><header><h3></h3></header><p class="look"></p><ul class="names"></ul></figure>'
    )
    return widget("found", template, **options)


# --- values ----------------------------------------------------------------------------------------------------


def most_frequent(counts: np.ndarray) -> np.ndarray:
    """(R, V) counts -> the ids to draw: all of a small alphabet, else the most frequent ones, in their order.

    >>> most_frequent(np.ones((1, 3))).tolist()
    [0, 1, 2]
    """
    if counts.shape[1] <= MOST_COLUMNS:
        return np.arange(counts.shape[1])
    often = counts.sum(axis=0) + (counts.sum(axis=1) if counts.shape[0] == counts.shape[1] else 0)
    often[0] = often.max() + 1  # the boundary always stays
    return np.sort(np.argsort(-often, kind="stable")[:MOST_COLUMNS])


def with_others(table: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The kept columns of a table, and the sum of all others as one more where there are any: rows keep their sums.

    >>> with_others(np.array([[1, 2, 3]]), np.array([0, 2])).tolist()
    [[1, 3, 2]]
    """
    columns = table[:, kept]
    if len(kept) == table.shape[1]:
        return columns
    others = table.sum(axis=1, keepdims=True) - columns.sum(axis=1, keepdims=True)
    return np.concatenate([columns, others], axis=1)


def name_of_context(symbols: Sequence[str], ids: Sequence[int]) -> str:
    """A context as it is read: of the boundaries before a name one is enough, alone they are the start.

    >>> name_of_context([".", "a", "b"], [0, 0, 1]), name_of_context([".", "a"], [0, 0])
    ('.a', 'the start')
    """
    if ids and not any(ids):
        return t("count.start")
    text = "".join(symbols[i] for i in ids)
    first = next((at for at, token in enumerate(ids) if token), 0)
    return text[max(0, first - 1) :]


def pairs_value(
    found: dict[str, Any],
    order: int,
    locked: tuple[int, int],
    shown: str,
    key: str,
    opened: bool = True,
    play: int = 0,
    guess: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What the table draws: `found` is the answer of the question `count`, `locked` (row, column) as token ids.

    Until it is `opened` the tallies of a few names stand there; a `play` larger than before starts the counting.
    `guess` is `{"row": symbol, "shares": {symbol: share}}`, drawn as an outline on the bars of that row, or
    `{"hardest": symbol}`, drawn as an outline around that row. Values with the same `key` have the same arrays.
    """
    symbols, letters = found["symbols"], found["letters"]
    counts, p, held = (np.asarray(found[name]) for name in ("counts", "probabilities", "held_out"))
    kept = most_frequent(counts)
    whole = len(kept) == counts.shape[1]
    rows = kept if counts.shape[0] == counts.shape[1] else np.arange(len(counts))
    columns = [int(i) for i in kept]
    before = [int(i) for i in found["before"]]
    impossible = bool((p[counts.sum(axis=1) > 0] == 0).any())
    look = t("count.table.look_infinite" if shown == "surprise" and impossible else f"count.table.look_{shown}")
    row_ids = [int(i) for i in rows]
    outline = None
    guess = guess if guess is not None and order == 2 else {}
    if guess.get("row") in symbols:
        shares = [guess["shares"].get(symbols[i]) for i in columns] + ([] if whole else [None])
        outline = {"row": _place(row_ids, symbols.index(guess["row"])), "shares": shares}
    names = [name_of_context(symbols, [*before, i]) if order > 1 else "" for i in row_ids]
    return {
        "seq": next_seq(),
        "key": key,
        "order": order,
        "title": title_of(symbols, before, order),
        "look": look,
        "rows": [symbols[i] for i in row_ids],
        "rowIds": row_ids,
        "rowNames": names,
        "rowLetters": [letters[i] for i in row_ids],
        "columns": [symbols[i] for i in columns] + ([] if whole else ["…"]),
        "columnIds": columns + ([] if whole else [-1]),
        "letters": [letters[i] for i in columns] + ([] if whole else [None]),
        "before": [letters[i] for i in before],
        "counts": with_others(counts[rows], kept).tolist(),
        "p": [[float(f"{x:.{DIGITS}g}") for x in line] for line in with_others(p[rows], kept)],
        "held": with_others(held[rows], kept).tolist(),
        "complete": order <= 2 and whole,
        "losses": {
            part: {
                "nats": None if found[part]["nll"] is None else found[part]["nll"] * found[part]["predictions"],
                "predictions": found[part]["predictions"],
            }
            for part in ("train", "validation")
        },
        "locked": [_place(row_ids, locked[0]), _place(columns, locked[1])],
        "shown": shown,
        "guess": outline,
        "guessedRow": row_ids.index(symbols.index(guess["hardest"])) if guess.get("hardest") in symbols else None,
        "names": list(found["first_names"]),
        "totals": {"names": found["names"], "pairs": found["pairs"]},
        "tally": {"open": opened, "play": play},
    }  # fmt: skip


def title_of(symbols: Sequence[str], before: Sequence[int], order: int) -> str:
    """What the table shows, in a few words."""
    if order == 1:
        return t("count.table.title_any")
    if order == 2:
        return t("count.table.title")
    return t("count.table.title_run", before=name_of_context(symbols, before))


def _place(ids: Sequence[int], wanted: int) -> int:
    return ids.index(wanted) if wanted in ids else 0


def die_value(
    symbols: Sequence[str],
    p: Sequence[float],
    after: str,
    said: str,
    u: float | None = None,
    token: int | None = None,
    word: Sequence[str] = (),
    kept: bool = False,
    verdict: str | None = None,
    often: Sequence[int] | None = None,
) -> dict[str, Any]:
    """What the line of the die shows: a row `p`, where `u` fell, and the word that has been rolled.

    `kept` says that the word goes on from a row the student chose, so that its beginning is not known; `verdict` that
    it has ended, and whether it is new. `often` are the tokens of many rolls of the same row.
    """
    return {
        "seq": next_seq(),
        "columns": list(symbols),
        "p": [float(f"{x:.{DIGITS}g}") for x in p],
        "after": after,
        "said": said,
        "u": u,
        "token": token,
        "word": list(word),
        "kept": kept,
        "ended": verdict is not None,
        "verdict": verdict,
        "often": None if often is None else list(often),
    }


def found_value(after: str, following: str, found: dict[str, Any]) -> dict[str, Any]:
    """The answer of the question `names_with`, with what it was asked for in words."""
    return {"seq": next_seq(), "after": after, "next": following, **found}
