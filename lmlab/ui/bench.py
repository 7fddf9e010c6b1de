"""What the model bench and the loss ruler show: the visitor's models, by their cards. Plain functions of data."""

import itertools
import math
import time
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from lmlab.runs.cards import is_bundled, name_of
from lmlab.strings import t, tn
from lmlab.ui.work import Score

Card = dict[str, Any]

MOST_CHANGES = 3  # settings that a line tells of a difference; more are counted
FEW_NAMES = 30
"""Below so many guessed names the bench says that they are few."""
FEW_LETTERS = 30  # a student's loss from fewer is shown as provisional
EXPERIMENTS_ON = "names"
"""The corpus on which the labs' experiments are measured."""
UNTOLD = {"threads", "probe_names", "probe_gradients", "validate", "seconds"}
"""Settings of a recipe that do not change what is learned, or that are told as steps."""
SPEAKING = {"smoothing", "optimizer"}
"""Settings whose values say what they are: 'AdamW → SGD' needs no name before it."""

_numbers = itertools.count(int(time.time() * 1000))


def next_seq() -> int:
    """A number larger than every one before, also across restarts: figures are told apart by it."""
    return next(_numbers)


def default_choice(cards: Sequence[Card], sha256: str) -> str | None:
    """The best model of the corpus at hand, else any."""
    fitting = [card for card in cards if card["corpus"]["sha256"] == sha256] or list(cards)
    return min(fitting, key=loss_of, default={"id": None})["id"]


def loss_of(card: Card) -> float:
    """A card's held-out loss; infinity where it is infinite or missing."""
    nll = card["metrics"].get("validation", {}).get("nll")
    return math.inf if nll is None else float(nll)


def shown_loss(card: Card) -> str:
    """The loss with two decimals, or the sign for infinity; a training that has not measured one says so."""
    loss = loss_of(card)
    if card.get("live") and loss == math.inf:
        return "…"
    return "∞" if loss == math.inf else f"{loss:.2f}"


def menu_line(card: Card) -> str:
    """A model in a menu: name, kind, held-out loss."""
    kind = kind_of(card)
    if card.get("live"):
        kind = t("bench.learning_kind", kind=kind)
    return t("bench.menu", name=name_of(card), kind=kind, loss=shown_loss(card))


def kind_of(card: Card) -> str:
    """What a model is, in two words.

    >>> kind_of({"model": {"kind": "ngram", "options": {"order": 2, "smoothing": "add-k", "k": 0.1}}})
    'bigram, k 0.1'
    """
    about = card["model"]
    if about["kind"] != "ngram":
        return _word("bench.kind", about["kind"])
    options = about["options"]
    named = {1: "unigram", 2: "bigram", 3: "trigram"}.get(options["order"], "ngram")
    kind = t(f"bench.kind.{named}", n=options["order"])
    if options["smoothing"] == "add-k":
        return t("bench.kind.smoothed_k", kind=kind, k=options["k"])
    return t("bench.kind.smoothed", kind=kind, smoothing=_word("bench.value", options["smoothing"]))


def level_of(card: Card) -> str:
    """The level that makes models of a card's kind: its controls are those to duplicate the model with."""
    return "count" if card["model"]["kind"] == "ngram" else "mlp"


# --- what makes two models different -----------------------------------------------------------------------


def settings_of(card: Card) -> dict[str, Any]:
    """Everything that was chosen to make a model and had an effect: its options, then its recipe, the seed last.

    >>> settings_of({"model": {"kind": "ngram", "options": {"order": 2, "smoothing": "mle", "k": 0.1}}})
    {'order': 2, 'smoothing': 'mle'}
    """
    settings = dict(card["model"]["options"])
    if settings.get("smoothing") != "add-k":
        settings.pop("k", None)
    recipe = card.get("recipe") or {}
    settings |= {name: value for name, value in recipe.items() if name not in UNTOLD}
    if recipe.get("optimizer") != "muon":
        settings.pop("matrix_learning_rate", None)
    if settings.get("steps", 0) is None:  # a budget of seconds was turned into steps
        settings["steps"] = card.get("planned_steps")
    if "seed" in settings:
        settings["seed"] = settings.pop("seed")
    return settings


def differences(card: Card, parent: Card) -> list[tuple[str, Any, Any]]:
    """What was changed to make `card` from `parent`, as (setting, before, after): only what differs.

    The kind of model and the corpus come first. What only one of the two cards tells (a setting of another kind of
    model, or of a later version) is no change.

    >>> table = {"model": {"kind": "ngram", "options": {"order": 2, "smoothing": "add-k", "k": 0.1}}}
    >>> longer = {"model": {"kind": "ngram", "options": {"order": 4, "smoothing": "add-k", "k": 0.1}}}
    >>> differences(longer, table)
    [('order', 2, 4)]
    """
    found: list[tuple[str, Any, Any]] = []
    kinds = parent["model"]["kind"], card["model"]["kind"]
    if kinds[0] != kinds[1]:
        found.append(("kind", *kinds))
    corpora = parent.get("corpus", {}), card.get("corpus", {})
    if corpora[0].get("sha256") != corpora[1].get("sha256"):
        found.append(("corpus", corpora[0].get("name"), corpora[1].get("name")))
    before, after = settings_of(parent), settings_of(card)
    found += [(name, before[name], after[name]) for name in after if name in before and before[name] != after[name]]
    return found


def difference_line(card: Card, parent: Card) -> str:
    """The same in words: at most three changes, then how many more.

    >>> first = {"model": {"kind": "mlp", "options": {"context": 1}}, "recipe": {"seed": 42}}
    >>> then = {"model": {"kind": "mlp", "options": {"context": 3}}, "recipe": {"seed": 7}}
    >>> difference_line(then, first)
    'context 1 → 3, seed 42 → 7'
    """
    changes = differences(card, parent)
    if not changes:
        return t("bench.unchanged")
    line = t("bench.listed").join(_change(*change) for change in changes[:MOST_CHANGES])
    more = len(changes) - MOST_CHANGES
    return tn("bench.more", more, items=line) if more > 0 else line


def _change(name: str, before: Any, after: Any) -> str:
    if name == "kind":
        return t("bench.exchanged", before=_word("bench.kind", before), after=_word("bench.kind", after))
    if name == "corpus" or name in SPEAKING:
        return t("bench.exchanged", before=_value(name, before), after=_value(name, after))
    setting = _word("bench.setting", name)
    return t("bench.changed", name=setting, before=_value(name, before), after=_value(name, after))


def _value(name: str, value: Any) -> str:
    if value is None:
        return t("bench.value.all" if name == "train_size" else "bench.value.none")
    if isinstance(value, bool):
        return t("bench.value.on" if value else "bench.value.off")
    if isinstance(value, int):
        return str(value) if name == "seed" else f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else _word("bench.value", str(value))


def _word(room: str, name: str) -> str:
    """A name in the catalogue's words, or as it is."""
    try:
        return t(f"{room}.{name}")
    except KeyError:
        return name.replace("_", " ")


def parent_of(card: Card, cards: Sequence[Card]) -> Card | None:
    """The model that a card was made from by changing something: the one it names, else the newest older one of its
    kind and corpus. `cards` are the bench's, newest first."""
    named = card.get("parent")
    for other in cards:
        if named is not None and other["id"] == named and other is not card:
            return other
    at = next((i for i, other in enumerate(cards) if other is card), len(cards))
    for other in cards[at + 1 :]:
        same_kind = other["model"]["kind"] == card["model"]["kind"]
        if same_kind and other["corpus"]["sha256"] == card["corpus"]["sha256"]:
            return other
    return None


# --- the bench ---------------------------------------------------------------------------------------------


def detail_of(card: Card, parent: Card | None = None) -> str:
    """One line on how a model was made: the difference from its parent, or what it is built of; and its seed."""
    about, options = card["model"], card["model"]["options"]
    parts = []
    if card.get("live"):
        parts.append(t("bench.learning"))
    if card.get("pinned") is True:
        parts.append(t("bench.pinned"))
    if card.get("imported") is True:
        parts.append(t("bench.imported"))
    changes = [] if parent is None else [name for name, _, _ in differences(card, parent)]
    if parent is not None:
        parts.append(difference_line(card, parent))
    elif "n_layer" in options:
        parts.append(tn("bench.layers", options["n_layer"], width=options.get("d_model", "")))
    elif about["kind"] == "mlp":
        parts.append(tn("bench.letters_back", options["context"]))
    if about["kind"] == "ngram":
        parts.append(tn("bench.counts", about["parameters"]))
    seed = (card.get("recipe") or {}).get("seed")
    if seed is not None and "seed" not in changes[:MOST_CHANGES]:
        parts.append(t("bench.with_seed", seed=seed))
    return t("bench.between").join(parts)


def in_order(cards: Sequence[Card]) -> list[Card]:
    """Trainings under way, then pinned models, then the rest; each as they come, newest first.

    >>> [card["id"] for card in in_order([{"id": "a"}, {"id": "b", "pinned": True}, {"id": "c", "live": True}])]
    ['c', 'b', 'a']
    """
    return sorted(cards, key=lambda card: 0 if card.get("live") else 1 if card.get("pinned") is True else 2)


def bench_value(
    cards: Sequence[Card],
    sha256: str,
    chosen: str | None,
    score: Score | None = None,
    levels: Collection[str] = (),
    said: str = "",
    about: str | None = None,
) -> dict[str, Any]:
    """What the bench draws. `cards` come newest first; `levels` are those whose controls can take a model's settings.

    `said` is one sentence on what has just happened, `about` the model that it is said of.
    """
    rows = []
    for card in in_order(cards):
        parent = parent_of(card, cards)
        kind, parameters = kind_of(card), card["model"]["parameters"]
        if card["model"]["kind"] != "ngram" and parameters:
            kind = t("bench.with_parameters", kind=kind, parameters=tn("bench.parameters", parameters))
        named = card.get("parent")
        other = not _comparable(card, sha256)
        rows.append(
            {
                "id": card["id"],
                "name": name_of(card),
                "loss": shown_loss(card),
                "kind": kind,
                "detail": t("bench.learned_on", corpus=card["corpus"]["name"]) if other else detail_of(card, parent),
                "other": other,
                "live": bool(card.get("live")),
                "pinned": card.get("pinned") is True,
                "pressed": card["id"] == chosen,
                "made_from": t("bench.made_from", name=name_of(parent)) if parent and parent["id"] == named else "",
                "actions": _actions(card, levels),
                "veils": veils_of(card),
            }
        )
    return {"seq": next_seq(), "rows": rows, "you": _you(score), "said": said, "about": about}


def _comparable(card: Card, sha256: str) -> bool:
    """Whether a model's loss belongs on the ruler of a corpus; what has only just begun will tell later."""
    learned_on = card["corpus"]["sha256"]
    return bool(learned_on == sha256 or (card.get("live") and not learned_on))


def _actions(card: Card, levels: Collection[str]) -> list[str]:
    """What can be done with a model, by the names of the buttons."""
    if card.get("live"):
        return []
    adopted = ["duplicate"] if level_of(card) in levels else []
    if is_bundled(card["id"]):
        return [*adopted, "export"]
    return [*adopted, "unpin" if card.get("pinned") is True else "pin", "rename", "export", "delete"]


def _you(score: Score | None) -> dict[str, Any] | None:
    """The student's own row."""
    if score is None:
        return None
    if is_provisional(score):
        detail = tn("bench.provisional", score.letters)
    elif score.spread is None:
        detail = t("bench.too_few")
    else:
        detail = t("bench.few" if score.names < FEW_NAMES else "bench.spread", spread=score.spread)
    kind = tn("bench.guessed", score.names) if score.names else tn("bench.letters", score.letters)
    few = is_provisional(score)
    return {"name": t("bench.you"), "loss": f"{score.loss:.2f}", "kind": kind, "detail": detail, "few": few}


def is_provisional(score: Score) -> bool:
    """Whether a student's loss comes from so few letters that luck may put it before every model.

    >>> is_provisional(Score(loss=0.97, letters=2)), is_provisional(Score(loss=2.5, letters=61, names=10))
    (True, False)
    """
    return score.letters < FEW_LETTERS


# --- the ruler ---------------------------------------------------------------------------------------------


def ruler_value(
    cards: Sequence[Card],
    marks: dict[str, Any],
    chosen: str | None,
    score: Score | None = None,
    labs: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, Any]:
    """What the ruler draws, all losses in nats: the corpus's baselines, the models that learned on it, the student,
    what the student handed in for the experiments of `labs`, and the models of other corpora without a place."""
    models, others = [], []
    for card in cards:
        mark = {"id": card["id"], "title": name_of(card), "what": kind_of(card)}
        if not _comparable(card, marks["sha256"]):
            others.append({**mark, "corpus": card["corpus"]["name"]})
        elif shown_loss(card) != "…":
            loss = loss_of(card)
            models.append(
                {
                    **mark,
                    "loss": None if loss == math.inf else loss,
                    "now": card["id"] == chosen,
                    "live": bool(card.get("live")),
                    "veils": veils_of(card),
                }
            )
    if marks["corpus"] == EXPERIMENTS_ON:
        models += [
            {
                "id": lab, "title": t("bench.lab", n=int(lab.removeprefix("lab"))), "what": t("bench.lab_kind"),
                "loss": loss, "now": False, "live": False, "veils": ["models"],
            }
            for lab, loss in labs.items()
        ]  # fmt: skip
    you = None
    if score is not None:
        you = {
            "loss": score.loss, "spread": score.spread, "letters": score.letters, "names": score.names,
            "few": is_provisional(score),
        }  # fmt: skip
    return {
        "seq": next_seq(),
        "corpus": marks["corpus"].replace("_", " "),
        "baselines": [_baseline(title, loss) for title, loss in marks["marks"]],
        "models": models,
        "others": others,
        "you": you,
    }


def veils_of(card: Card) -> list[str]:
    """The words of open questions that a model's loss would answer; see `lmlab.ui.predict.Question.veil`.

    >>> veils_of({"model": {"kind": "ngram", "options": {"order": 2}}}), veils_of({"model": {"kind": "mlp"}})
    (['models', 'bigram'], ['models'])
    """
    about = card["model"]
    bigram = about["kind"] == "ngram" and about["options"].get("order") == 2
    return ["models", "bigram"] if bigram else ["models"]


def _baseline(title: str, loss: float) -> dict[str, Any]:
    name = "kneser-ney" if title.startswith("Kneser") else title
    shown = _word("bench.baseline", name)
    short = t("bench.baseline.kneser-ney-short") if name == "kneser-ney" else shown
    return {"name": name, "title": shown, "short": short, "loss": loss}
