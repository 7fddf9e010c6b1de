"""What the levels share: the job service, the visitor, the corpus, the chosen model, and how to ask for things."""

import asyncio
import contextlib
import functools
import inspect
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from lmlab import strings
from lmlab.data.corpus import BUNDLED
from lmlab.errors import sentence_of
from lmlab.jobs.local import LocalJobs
from lmlab.runs.cards import find_run, list_runs, owner_key, read_card
from lmlab.strings import t
from lmlab.ui.bench import bench_value, default_choice, menu_line, ruler_value
from lmlab.ui.labs.words import experiments
from lmlab.ui.links import Link
from lmlab.ui.visitors import Visitors
from lmlab.ui.widgets.content import h, packed
from lmlab.ui.work import Entry, Score, Work, read_work

Updates = dict[Any, Any]

# Questions whose answer depends on the arguments alone; for the bundled corpora every visitor asks the same.
REMEMBERED = ("corpus", "baselines", "game", "places", "count", "sweep", "names_with")
SMALL = ("corpus", "baselines", "game", "places", "sweep", "lab_number")
MOST_REMEMBERED = 256
MOST_SEEN = 5000
MOST_LISTED = 1000
NAMES: dict[str, Any] = {"source": "names", "name": "names", "longest": 15}


@dataclass(frozen=True)
class Opener:
    """How a level opens with a teacher's link, where setting the controls' values alone is not exactly that view."""

    open: Callable[[Link, str, dict[str, Any]], Awaitable[Updates]]
    """`await open(link, owner, corpus)`: every update that brings the level, as it was built, into the link's state:
    the values of its controls, and all that hangs on them. `link.preset` and `link.values` are checked already."""
    outputs: list[Any]
    """All components that it may change; those of the level's `controls` need not be named."""
    implied: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda values: {}
    """Which values of other controls come with these values when a link does not name them: the drawer that makes a
    link names what differs from them, not from the level as it was built."""


@dataclass(frozen=True)
class Listed:
    """What the menus of a visitor's models held when they were last refreshed."""

    ids: frozenset[str] = frozenset()
    shown: Mapping[int, str] = field(default_factory=dict)
    """The model that each menu was given, by the menu's number."""


@dataclass
class Context:
    """One app. Components of the frame are put in when they are made.

    A teacher's link opens a level like this: the frame checks the link against `controls` and `presets`. A level with
    an entry in `openers` then says itself what changes; for any other one, the frame sets the preset's changes and
    the values, and no handler of the level is called. So a level whose screen hangs on its controls' events (columns
    that come and go, a state that is drawn instead of a box) registers an `Opener`.
    """

    jobs: LocalJobs
    visitors: Visitors = field(default_factory=Visitors)
    """What belongs to the visitors: the apps of all languages share it, for a visitor may speak two of them."""
    own_machine: bool = False
    """Whether the app runs on a student's own machine, and for nobody else: only there their code may be run."""
    owner: gr.State = field(init=False)
    """The visitor's id: random, known to their browser alone."""
    corpus: gr.State = field(init=False)
    """`{"source", "name", "longest"}` of the corpus at hand."""
    level: gr.State = field(init=False)
    """Name of the level that is on the screen."""
    page: gr.State = field(init=False)
    """A number for each opened page: two pages of one visitor look at different things."""
    work: gr.BrowserState = field(init=False)
    """The student's work as `Work.to_json()`; it lives in the browser. Change it with `keep`."""
    chosen: gr.State = field(init=False)
    """Id of the model that Embeddings and Generate look at."""
    job: gr.State = field(init=False)
    """Id of the training on the Train screen, or None."""
    moment: gr.State = field(init=False)
    """The step that the student has gone back to on the loss chart, or None for the present: pass it as `step` to a
    question about the model."""
    letters: gr.HTML = field(init=False)
    """The plot of the letters' places: it moves while a network learns."""
    bench: gr.HTML = field(init=False)
    ruler: gr.HTML = field(init=False)
    title: gr.HTML = field(init=False)
    pickers: list[tuple[gr.Dropdown, Callable[[dict[str, Any]], bool]]] = field(default_factory=list)
    """Menus of models, each with the test that a card must pass to stand there."""
    watch: tuple[Callable[..., Any], list[Any], list[Any]] = field(init=False)
    """(function, inputs, outputs) of what shows the training that is under way, for as long as it is."""
    looks: dict[str, str | None] = field(default_factory=dict)
    """Which model each page (by its session) looks at: a training must not take the screen from another one."""
    parent: gr.State = field(init=False)
    """Id of the run that is being duplicated and changed, or None: what is made next names it as its parent."""
    controls: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of each level: the controls that a teacher's link can set, hide or lock, by their names in the link."""
    presets: dict[str, tuple[Sequence[str], Callable[[str], Updates], list[Any]]] = field(default_factory=dict)
    """Of each level: names of its presets, what one changes on the screen, and all that any of them may change."""
    openers: dict[str, Opener] = field(default_factory=dict)
    """Of each level that needs it: how a teacher's link is applied."""
    adopters: dict[str, tuple[Callable[[dict[str, Any]], Updates], list[Any]]] = field(default_factory=dict)
    """Of each level that makes models: how a card's settings come into its controls, and which those are."""
    _shown: list[tuple[str, Callable[..., Any], list[Any], list[Any]]] = field(default_factory=list)
    _seen: OrderedDict[tuple[str, int], str] = field(default_factory=OrderedDict)
    _answers: OrderedDict[Any, Any] = field(default_factory=OrderedDict)
    _listed: OrderedDict[str, "Listed"] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.forgetters.append(self._forget_answers)

    @property
    def forgetters(self) -> list[Callable[[str], None]]:
        """A level that holds something of a visitor in memory puts a function of the visitor's id in here; it removes
        that when they want to be forgotten."""
        return self.visitors.forgetters

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

    # --- the student's work ---------------------------------------------------------------------------

    def work_of(self, owner: str, stored: Any = None) -> Work:
        """What the student has predicted and answered. `stored` is what their browser holds, checked here.

        Two pages of one visitor do not see each other's changes; what either has said is joined here.
        """
        work = self.visitors.works.get(owner, Work()).joined(read_work(stored))
        self.visitors.put(owner, work)
        return work

    def keep(self, owner: str, stored: Any, *entries: Entry) -> Updates:
        """Write entries into the student's work; one with the number of an older entry takes its place."""
        work = self.work_of(owner, stored).joined(Work(entries=list(entries)))
        self.visitors.put(owner, work)
        return {self.work: work.to_json()}

    def keep_score(self, owner: str, stored: Any, sha256: str, score: Score) -> Updates:
        """Write the student's own loss on a corpus into their work; it takes the place of an older one."""
        work = self.work_of(owner, stored).joined(Work(scores={sha256: score}))
        self.visitors.put(owner, work)
        return {self.work: work.to_json()}

    def forget(self, owner: str) -> Updates:
        """Nothing was predicted and nothing answered; whatever is held of the visitor in memory goes."""
        self.visitors.forget(owner)
        return {self.work: Work().to_json()}

    def _forget_answers(self, owner: str) -> None:
        """What was remembered about the visitor's own corpora (their files lie in a folder of theirs) and menus."""
        self._listed.pop(owner, None)
        folder = owner_key(owner)
        for key in [key for key in self._answers if folder in str(dict(key[1]).get("corpus"))]:
            del self._answers[key]

    # --- what stands on the screen --------------------------------------------------------------------

    def show(self, level: str, function: Callable[..., Any], inputs: list[Any], outputs: list[Any]) -> None:
        """Have `function` called when the level comes onto the screen with a corpus that it has not shown yet."""
        self._shown.append((level, function, inputs, outputs))

    def shown_levels(self) -> list[tuple[str, Callable[..., Any], list[Any], list[Any]]]:
        """What `show` was told, each function with a guard before it: the frame calls it with the visitor first and
        the level on the screen, the corpus and the page last, and it acts only where there is something new."""
        return [
            (level, self._when_new(number, level, function), inputs, outputs)
            for number, (level, function, inputs, outputs) in enumerate(self._shown)
        ]

    def _when_new(self, number: int, level: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def run(*values: Any) -> Updates:
            owner, *inputs, here, corpus, page = values
            key, source = (page, number), corpus["source"]
            # The tab that a page opens with may be selected before the visitor is known. Gradio reads the inputs one
            # after the other, and the visitor may become known in between: so this one is read first.
            if not owner or here != level or self._seen.get(key) == source:
                return {}
            self._seen[key] = source
            while len(self._seen) > MOST_SEEN:
                self._seen.popitem(last=False)
            return await function(*inputs)

        # Gradio counts the parameters: there are four more than `function` has.
        signature = inspect.signature(function)
        more = ("_whose", "_here", "_corpus", "_page")
        first, *rest = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in more]
        all_of_them = [first, *signature.parameters.values(), *rest]
        run.__signature__ = signature.replace(parameters=all_of_them)  # type: ignore[attr-defined]
        return run

    async def corpus_line(self, owner: str, corpus: dict[str, Any]) -> list[Any]:
        """The corpus in the title bar."""
        about = await self.ask_corpus(corpus, owner, "corpus")
        sizes = about["split"]
        line = t("frame.held_out_line", train=sizes["train"], validation=sizes["validation"], test=sizes["test"])
        return [
            h("span", corpus_title(about["name"]), cls="corpus"),
            h("span", f": {line}", cls="corpus only-wide"),
        ]

    # --- the bench and the ruler ----------------------------------------------------------------------

    def cards(self, owner: str) -> list[dict[str, Any]]:
        """Cards of the models on the visitor's bench, newest first."""
        return list_runs(owner)[::-1]

    def card(self, run: str, owner: str) -> dict[str, Any]:
        """One card."""
        return read_card(find_run(run, owner))

    def corpus_of(self, owner: str, model: str | None, corpus: dict[str, Any]) -> dict[str, Any]:
        """The corpus that a model learned from, while it is still here; `corpus` for no model or a lost one."""
        if model and model in self.jobs.jobs_of(owner):
            spec = self.jobs.poll(model, owner).spec
            return {"source": spec.corpus, "name": spec.corpus_name or corpus["name"]}
        if model:
            about = self.card(model, owner)["corpus"]
            source = about.get("source", about["name"])
            if source in BUNDLED or Path(source).is_file():
                return {"source": source, "name": about["name"]}
        return corpus

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
                    "parent": snapshot.spec.parent,
                    "recipe": asdict(snapshot.spec.recipe),
                    "planned_steps": snapshot.status.planned,
                    "model": about,
                    "corpus": {"name": snapshot.spec.corpus_name or "", "sha256": snapshot.sha256},
                    "metrics": {"validation": {"nll": losses[-1] if losses else None}},
                }
            )
        return cards

    async def refresh(
        self, owner: str, corpus: dict[str, Any], chosen: str | None, said: str = "", about: str | None = None
    ) -> Updates:
        """The bench, the ruler and the menus of models, as they stand now.

        `said` is a sentence for the bench, `about` the model that it is said of.
        """
        marks = await self.ask_corpus(corpus, owner, "baselines")
        # In a thread: a card may have megabytes, and nobody else should wait until it is read.
        cards = [*self.running(owner), *await asyncio.to_thread(self.cards, owner)]
        new_page = chosen is None
        if chosen not in {card["id"] for card in cards}:
            chosen = default_choice(cards, marks["sha256"])
        score = self.work_of(owner).scores.get(marks["sha256"])
        updates: Updates = {
            self.bench: bench_value(cards, marks["sha256"], chosen, score, self.adopters, said, about),
            self.ruler: ruler_value(cards, marks, chosen, score, experiments(self.work_of(owner))),
            self.chosen: chosen,
        }
        listed = self._listed.get(owner, Listed())
        here = frozenset(card["id"] for card in cards)
        gone = not listed.ids <= here
        shown: dict[int, str] = {}
        for i, (picker, fits) in enumerate(self.pickers):
            choices = [(menu_line(card), card["id"]) for card in cards if fits(card)]
            values = [value for _, value in choices]
            first = next(iter(values), None)
            last = listed.shown.get(i)
            # A menu that cannot show the chosen model keeps the one it shows; on a new page it shows its first. Where
            # models have gone since, the page may show one of them, and its next event would be refused: it is told
            # the last one that it was given here, or the first if that has gone, too, or none.
            value: dict[str, Any] = {}
            if chosen in values:
                value = {"value": chosen}
            elif new_page or not values:
                value = {"value": first}
            elif gone:
                value = {"value": last if last in values else first}
            updates[picker] = gr.update(choices=choices, **value)
            now = value.get("value", last)
            if now is not None:
                shown[i] = now
        if owner:
            self._listed[owner] = Listed(here, shown)
            self._listed.move_to_end(owner)
            while len(self._listed) > MOST_LISTED:
                self._listed.popitem(last=False)
        return updates


# --- events ------------------------------------------------------------------------------------------------


def corpus_title(name: str) -> str:
    """A corpus in the words of the screen.

    >>> corpus_title("names"), corpus_title("my_class")
    ('US names', 'my class')
    """
    return t(f"corpora.{name}") if name in BUNDLED else name.replace("_", " ")


def problem(sentence: str) -> list[Any]:
    """A sentence for a person, in the message line of a level."""
    return [h("p", sentence, role="alert")]


def pack(updates: Updates) -> Updates:
    """The updates with the values of our widgets as JSON text."""
    return {
        component: packed(value) if isinstance(component, gr.HTML) and not _ready(value) else value
        for component, value in updates.items()
    }


def _ready(value: Any) -> bool:
    """Whether Gradio can take it as it is: text, or an update of a component's properties."""
    return isinstance(value, str) or (isinstance(value, dict) and "__type__" in value)


def spoken(function: Callable[..., Any]) -> Callable[..., Any]:
    """Answer in the language that is spoken where the event is connected: that of the page it stands on."""
    code = strings.language()

    @functools.wraps(function)
    async def run(*inputs: Any) -> Any:
        with strings.speaking(code):
            return await function(*inputs)

    @functools.wraps(function)
    async def stream(*inputs: Any) -> AsyncIterator[Any]:
        steps = function(*inputs)
        try:
            while True:
                with strings.speaking(code):  # anew for each step: another task may ask for the next one
                    updates = await anext(steps)
                yield updates
        except StopAsyncIteration:
            return
        finally:
            await steps.aclose()

    return stream if inspect.isasyncgenfunction(function) else run


def guarded(
    message: gr.HTML, function: Callable[..., Awaitable[Updates]], clears: bool = True
) -> Callable[..., Awaitable[Updates]]:
    """Show an error as a sentence in the level's message line; nothing else on the screen changes then.

    Without one the line is cleared; not with `clears=False`, for what follows another event and must leave its
    sentence.
    """

    @functools.wraps(function)
    async def run(*inputs: Any) -> Updates:
        try:
            return pack({**({message: []} if clears else {}), **await function(*inputs)})
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
    quick = {"queue": False, "api_visibility": "private", **_unseen(outputs)}
    return event(spoken(_or_nothing(function, outputs)), inputs, outputs, **{**quick, **more})


def _unseen(outputs: Any) -> dict[str, Any]:
    """No spinner. The page still tells an event's state to every output, and for each one it copies all that the
    component holds, at every message of a stream; so one small component is named that bears it for all."""
    small = [part for part in outputs if isinstance(part, gr.Button)]
    drawn = [part for part in outputs if not isinstance(part, gr.State | gr.BrowserState)]
    bearer = (small or drawn[-1:])[:1]
    return {"show_progress": "hidden", **({"show_progress_on": bearer} if bearer else {})}


def _or_nothing(function: Callable[..., Any], outputs: Any) -> Callable[..., Any]:
    """For Gradio no updates at all are an error; one output that keeps its value is not."""

    @functools.wraps(function)
    async def run(*inputs: Any) -> Any:
        updates = await function(*inputs)
        return {outputs[0]: gr.skip()} if updates == {} else updates

    return run


def _quiet_at_its_end(function: Callable[..., Any], outputs: Any) -> Callable[..., Any]:
    """When a generator ends, Gradio sends its last updates once more. By then something else may stand there."""

    @functools.wraps(function)
    async def run(*inputs: Any) -> AsyncIterator[Updates]:
        async with contextlib.aclosing(function(*inputs)) as steps:
            async for updates in steps:
                yield updates
        yield {outputs[0]: gr.skip()}

    return run if inspect.isasyncgenfunction(function) else function


def live(event: Callable[..., Any], function: Callable[..., Any], inputs: Any, outputs: Any) -> Any:
    """Connect a generator that goes on for as long as there is something to see; several may run at once."""
    return event(
        spoken(_quiet_at_its_end(function, outputs)), inputs, outputs, api_visibility="private",
        concurrency_limit=None, trigger_mode="multiple", **_unseen(outputs),
    )  # fmt: skip
