"""What the model bench and the loss ruler show: the visitor's models, by their cards. Plain functions of data."""

import itertools
import time
from collections.abc import Sequence
from typing import Any

from lmlab.runs.cards import short_name
from lmlab.ui.widgets.content import h

_numbers = itertools.count(int(time.time() * 1000))


def next_seq() -> int:
    """A number larger than every one before, also across restarts: figures are told apart by it."""
    return next(_numbers)


def default_choice(cards: Sequence[dict[str, Any]], sha256: str) -> str | None:
    """The best model of the corpus at hand, else any."""
    fitting = [card for card in cards if card["corpus"]["sha256"] == sha256] or list(cards)
    return min(fitting, key=loss_of, default={"id": None})["id"]


def loss_of(card: dict[str, Any]) -> float:
    """A card's held-out loss; infinity where it is infinite or missing."""
    nll = card["metrics"].get("validation", {}).get("nll")
    return float("inf") if nll is None else float(nll)


def shown_loss(card: dict[str, Any]) -> str:
    """The loss with two decimals, or the sign for infinity; a training that has not measured one says so."""
    loss = loss_of(card)
    if card.get("live") and loss == float("inf"):
        return "…"
    return "∞" if loss == float("inf") else f"{loss:.2f}"


def menu_line(card: dict[str, Any]) -> str:
    """A model in a menu: name, kind, held-out loss."""
    return f"{short_name(card['id'])} · {kind_of(card)} · {shown_loss(card)}"


def kind_of(card: dict[str, Any]) -> str:
    """What a model is, in two words.

    >>> kind_of({"model": {"kind": "ngram", "options": {"order": 2, "smoothing": "add-k", "k": 0.1}}})
    'bigram, k 0.1'
    """
    about = card["model"]
    if about["kind"] != "ngram":
        return {"mlp": "MLP"}.get(about["kind"], about["kind"]) + (", learning" if card.get("live") else "")
    options = about["options"]
    name = {1: "unigram", 2: "bigram", 3: "trigram"}.get(options["order"], f"{options['order']}-gram")
    how = {"mle": "no smoothing", "kneser-ney": "Kneser–Ney"}.get(options["smoothing"], f"k {options['k']:g}")
    return f"{name}, {how}"


def detail_of(card: dict[str, Any]) -> str:
    """One line on how a model was made."""
    about, options = card["model"], card["model"]["options"]
    if about["kind"] == "ngram":
        return f"{about['parameters']:,} counts"
    size = f"{about['parameters']:,} parameters"
    if about["kind"] == "mlp":
        return f"{size}, context {options['context']}"
    return f"{size}, {options['n_layer']} layer{'s' if options['n_layer'] > 1 else ''} of {options['d_model']}"


def bench_trees(cards: Sequence[dict[str, Any]], sha256: str, chosen: str | None) -> list[Any]:
    """The list of models; those of another corpus stand greyed with the reason."""
    rows = []
    for card in cards:
        same = card["corpus"]["sha256"] == sha256
        name = short_name(card["id"])
        rows.append(
            h(
                "li",
                h(
                    "button",
                    h("span", h("span", name), h("span", shown_loss(card), cls="num"), cls="row"),
                    h("span", kind_of(card), cls="kind"),
                    h("span", detail_of(card) if same else f"learned on {card['corpus']['name']}", cls="diff"),
                    do=f"choose:{card['id']}",
                    aria_pressed="true" if card["id"] == chosen else "false",
                ),
                cls="" if same else "other",
            )
        )
    return [
        h(
            "details",
            h("summary", "Model bench"),
            h("ul", *rows),
            h("p", "Loss on the same held-out names, nats per character. Lower is better.", cls="unit"),
            open=True,
        )
    ]


def ruler_value(cards: Sequence[dict[str, Any]], marks: dict[str, Any], chosen: str | None) -> dict[str, Any]:
    """What the ruler draws: the corpus's baselines and every model that learned on it."""
    models = [
        {
            "title": short_name(card["id"]),
            "loss": None if loss_of(card) == float("inf") else loss_of(card),
            "kind": "now" if card["id"] == chosen else "model",
            "said": f"{short_name(card['id'])}, {kind_of(card)}: {shown_loss(card)} nats per character",
        }
        for card in cards
        if card["corpus"]["sha256"] == marks["sha256"] and shown_loss(card) != "…"
    ]
    return {"seq": next_seq(), "baselines": [list(mark) for mark in marks["marks"]], "models": models}
