"""What the levels share: the job service, the visitor, the corpus, the chosen model, and how to ask for things."""

import functools
import itertools
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from lmlab.errors import sentence_of
from lmlab.jobs.local import LocalJobs
from lmlab.runs.cards import find_run, list_runs, read_card, short_name
from lmlab.ui.widgets.content import h, packed

Updates = dict[Any, Any]

# Questions whose answer depends on the arguments alone; for the bundled corpora every visitor asks the same.
REMEMBERED = ("corpus", "baselines", "count", "sweep", "names_with")
SMALL = ("corpus", "baselines", "sweep")
MOST_REMEMBERED = 256
NAMES: dict[str, Any] = {"source": "names", "name": "names", "longest": 15}

_numbers = itertools.count(int(time.time() * 1000))


def next_seq() -> int:
    """A number larger than every one before, also across restarts: figures are told apart by it."""
    return next(_numbers)


@dataclass
class Context:
    """One app. Components of the frame are put in when they are made."""

    jobs: LocalJobs
    owner: gr.State = field(init=False)
    corpus: gr.State = field(init=False)
    chosen: gr.State = field(init=False)
    """Id of the model that Embeddings and Generate look at."""
    job: gr.State = field(init=False)
    """Id of the training on the Train screen, or None."""
    bench: gr.HTML = field(init=False)
    ruler: gr.HTML = field(init=False)
    title: gr.HTML = field(init=False)
    pickers: list[tuple[gr.Dropdown, Callable[[dict[str, Any]], bool]]] = field(default_factory=list)
    """Menus of models, each with the test that a card must pass to stand there."""
    on_corpus: list[tuple[Callable[..., Any], list[Any], list[Any]]] = field(default_factory=list)
    """(function, inputs, outputs) of what must be shown anew when the page opens or the corpus changes."""
    watch: tuple[Callable[..., Any], list[Any], list[Any]] = field(init=False)
    """The same for the training that is under way."""
    looks: dict[str, str | None] = field(default_factory=dict)
    """Which model each page (by its session) looks at: a training must not take the screen from another one."""
    _answers: OrderedDict[Any, Any] = field(default_factory=OrderedDict)

    @property
    def frame(self) -> list[Any]:
        """What `refresh` changes."""
        return [self.bench, self.ruler, self.chosen, *(picker for picker, _ in self.pickers)]

    # --- asking ---------------------------------------------------------------------------------------

    async def ask(self, model: str | None, owner: str, name: str, **args: Any) -> Any:
        """Ask a worker; what is the same for everybody is remembered."""
        # A visitor's own corpus is a file that is named by its content; its tables may be large, though.
        bundled = args.get("corpus") in ("names", "names_indian")
        shared = model is None and name in (REMEMBERED if bundled else SMALL)
        key = (name, tuple(sorted(args.items()))) if shared else None
        if key is not None and key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key]
        answer = await self.jobs.call(model, owner, name, args)
        if key is not None:
            self._answers[key] = answer
            while len(self._answers) > MOST_REMEMBERED:
                self._answers.popitem(last=False)
        return answer

    async def ask_corpus(self, corpus: dict[str, Any], owner: str, name: str, **args: Any) -> Any:
        """Ask a worker about the visitor's corpus."""
        return await self.ask(None, owner, name, corpus=corpus["source"], corpus_name=corpus["name"], **args)

    # --- the bench and the ruler ----------------------------------------------------------------------

    def cards(self, owner: str) -> list[dict[str, Any]]:
        """Cards of the models on the visitor's bench, newest first."""
        return list_runs(owner)[::-1]

    def card(self, run: str, owner: str) -> dict[str, Any]:
        """One card."""
        return read_card(find_run(run, owner))

    def running(self, owner: str) -> list[dict[str, Any]]:
        """Cards of the trainings under way, newest first, with the last held-out loss they measured."""
        cards = []
        for job in reversed(self.jobs.jobs_of(owner)):
            snapshot = self.jobs.poll(job, owner)
            losses = [value[1] for kind, value in snapshot.events if kind == "validation"]
            about = {
                "kind": snapshot.spec.model,
                "options": snapshot.spec.options,
                "parameters": snapshot.status.parameters,
            }
            cards.append(
                {
                    "id": job,
                    "live": True,
                    "model": about,
                    "corpus": {"name": snapshot.spec.corpus_name or "", "sha256": snapshot.sha256},
                    "metrics": {"validation": {"nll": losses[-1] if losses else None}},
                }
            )
        return cards

    async def refresh(self, owner: str, corpus: dict[str, Any], chosen: str | None) -> Updates:
        """The bench, the ruler and the menus of models, as they stand now."""
        marks = await self.ask_corpus(corpus, owner, "baselines")
        cards = [*self.running(owner), *self.cards(owner)]
        new_page = chosen is None
        if chosen not in {card["id"] for card in cards}:
            chosen = default_choice(cards, marks["sha256"])
        updates: Updates = {
            self.bench: bench_trees(cards, marks["sha256"], chosen),
            self.ruler: ruler_value(cards, marks, chosen),
            self.chosen: chosen,
        }
        for picker, fits in self.pickers:
            choices = [(menu_line(card), card["id"]) for card in cards if fits(card)]
            values = [value for _, value in choices]
            # A menu that cannot show the chosen model keeps the one it shows; on a new page it shows its first.
            value = chosen if chosen in values else next(iter(values), None) if new_page else None
            updates[picker] = gr.update(choices=choices, **({} if value is None else {"value": value}))
        return updates


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


# --- events ------------------------------------------------------------------------------------------------


def problem(sentence: str) -> list[Any]:
    """A sentence for a person, in the message line of a level."""
    return [h("p", sentence, role="alert")]


def pack(updates: Updates) -> Updates:
    """The updates with the values of our widgets as JSON text."""
    return {
        component: packed(value) if isinstance(component, gr.HTML) and not isinstance(value, str) else value
        for component, value in updates.items()
    }


def guarded(message: gr.HTML, function: Callable[..., Awaitable[Updates]]) -> Callable[..., Awaitable[Updates]]:
    """Show an error as a sentence in the level's message line; nothing else on the screen changes then."""

    @functools.wraps(function)
    async def run(*inputs: Any) -> Updates:
        try:
            return pack({message: [], **await function(*inputs)})
        except Exception as error:
            return pack({message: problem(sentence_of(error))})

    return run


def guarded_stream(
    message: gr.HTML, function: Callable[..., AsyncIterator[Updates]]
) -> Callable[..., AsyncIterator[Updates]]:
    """The same for a generator."""

    @functools.wraps(function)
    async def run(*inputs: Any) -> AsyncIterator[Updates]:
        try:
            async for updates in function(*inputs):
                yield pack(updates)
        except Exception as error:
            yield pack({message: problem(sentence_of(error))})

    return run


def light(event: Callable[..., Any], function: Callable[..., Any], inputs: Any, outputs: Any, **more: Any) -> Any:
    """Connect an event that answers at once: no queue, no spinner, no public endpoint."""
    quick = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    return event(function, inputs, outputs, **{**quick, **more})
