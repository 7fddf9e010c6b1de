"""The training screen while something learns, and after it: the chart, the words, the names, and the way back."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from lmlab.errors import LabError
from lmlab.figures.training import Curve, growth, loss_curve
from lmlab.jobs.messages import JobSpec, Snapshot
from lmlab.runs.cards import is_bundled, name_of, short_name
from lmlab.strings import t
from lmlab.ui.bench import next_seq
from lmlab.ui.context import Context, Updates, corpus_title, problem
from lmlab.ui.depths import drawn
from lmlab.ui.lessons import Outcome, drawn_steps, gap, loss_at, predicted, sums, truth_of
from lmlab.ui.predict import Predict, Question, Told, is_open, mark_of, steps_trees
from lmlab.ui.recipes import first_of, is_preset, next_of, spec_of_card, title_of, values_of_card, values_of_preset
from lmlab.ui.training_view import (
    LOSS_CODE,
    collect,
    curve_of,
    dimensions_of,
    letters_value,
    names_trees,
    planned_of,
    probes_of,
    sentence_of_run,
    state_key,
    status_tree,
)
from lmlab.ui.turns import Turns
from lmlab.ui.work import Entry

EARLIER_RUNS = 5
PERIOD = 0.2  # seconds between two looks at a running job
PAUSED_PERIOD = 1.0
PATIENCE = 3.0  # seconds that the next look waits for a page that has not drawn the last one
MOST_PLANS = 1000
MOST_PAGES = 1000
OVER = ("done", "failed")


@dataclass
class Parts:
    """The components that a training changes."""

    predict: Predict
    message: gr.HTML
    play: gr.Button
    next: gr.Button
    halve: gr.Button
    loss: gr.HTML
    names: gr.HTML
    letters: gr.HTML
    shown: gr.State
    """Id of the run on the loss chart, running or finished; None for an empty chart."""
    following: gr.State
    """The preset that `next` begins, or None for the settings as they stand."""
    kept: gr.State
    """Ids of the networks whose curves the chart keeps to itself, because they answer the open question."""

    @property
    def outputs(self) -> list[Any]:
        """All of them."""
        return [
            *self.predict.outputs, self.message, self.play, self.next, self.halve, self.loss, self.names,
            self.letters, self.shown, self.following, self.kept,
        ]  # fmt: skip


@dataclass
class Plan:
    """What was guessed about a run, and where its prediction stands."""

    question: Question
    answer: Any
    preset: str | None
    state: dict[str, Any] | None = None
    """The state of the prediction at "run"; None until the page has told it."""
    told: bool = False
    """Whether the gap was shown."""
    owner: str = ""
    """Whose run it is."""


@dataclass
class View:
    """What stands on the chart."""

    id: str
    run: Curve
    probes: dict[str, list[Any]]
    symbols: Sequence[str]
    options: Mapping[str, Any]
    planned: int
    batch: int
    guess: list[list[float]] = field(default_factory=list)


@dataclass
class Page:
    """What one opened page follows: the run, how far the page has seen it, and what it is drawn with."""

    job: str
    view: View
    plan: Plan
    marks: Sequence[Any]
    earlier: Sequence[Curve]
    log: bool
    since: int
    seq: int = 0
    """Number of the chart that was last sent to the page."""
    drawn: int = 0
    """Number of the last one that the page says it has drawn."""
    ends: tuple[float, float] = (0.0, 0.0)
    said: tuple[Any, ...] = ()
    measured: bool = False
    over: bool = False

    def __post_init__(self) -> None:
        self.ends = self.view.run.range(self.marks, self.view.guess)


class Watching:
    """Shows the training of each page. One for an app: it remembers what each page looks at."""

    def __init__(self, ctx: Context, ui: Parts) -> None:
        self.ctx, self.ui = ctx, ui
        self.plans: OrderedDict[str, Plan] = OrderedDict()
        self.pages: dict[str, Page] = {}
        """What each page follows, by its session; a stream ends when its page follows something else."""
        self.lessons: dict[str, str] = {}
        """The last lesson of each page that was played."""
        self.turns = Turns()
        """The last `begin` of each page."""
        self.back: dict[str, int] = {}
        """The step that each page has gone back to: what is learned meanwhile must not take its place."""

    def forget(self, owner: str) -> None:
        """Forget what a visitor has guessed about their runs."""
        for job in [job for job, plan in self.plans.items() if plan.owner == owner]:
            del self.plans[job]

    def plan(self, owner: str, job: str, plan: Plan) -> None:
        """Remember what a visitor guessed about a run."""
        plan.owner = owner
        self.plans[job] = plan
        while len(self.plans) > MOST_PLANS:
            self.plans.popitem(last=False)

    # --- the live run ---------------------------------------------------------------------------------

    async def begin(
        self, owner: str, corpus: Any, job: str | None, log_steps: str, shown: str | None,
        state: dict[str, Any], request: gr.Request,
    ) -> Updates:  # fmt: skip
        """Everything on the screen. Where something learns, the chart says so, and the page asks for `stream`."""
        ctx, ui = self.ctx, self.ui
        session = request.session_hash or ""
        turn = self.turns.take(session)
        self.pages.pop(session, None)  # an older stream of this page ends
        self.back.pop(session, None)
        log = log_steps == "log"
        snapshot = self.snapshot(owner, job)
        # A run may be over before the page looks at it for the first time: its gap is still to be told.
        made = self.plans.get(job or "")
        waits = made is not None and not made.told
        if job is None or snapshot is None or (snapshot.status.state in OVER and not waits):
            wanted = job if snapshot is not None else None
            updates = {ctx.moment: None, **await self.rest(owner, corpus, wanted or shown, log, state)}
            return updates if self.turns.is_last(session, turn) else {}
        # A training stands beside the baselines of its own corpus.
        found = await ctx.ask_corpus(ctx.corpus_of(owner, job, corpus), owner, "baselines")
        earlier = await self.earlier(owner, found["sha256"], job)
        frame = await ctx.refresh(owner, corpus, job)
        if not self.turns.is_last(session, turn):
            return {}
        snapshot = self.snapshot(owner, job) or snapshot  # it has learned while the others were asked
        plan = self.prediction(owner, job, state)
        view = self.view_of(snapshot, plan)
        page = Page(job, view, plan, found["marks"], earlier, log, snapshot.seq)
        chart = self.chart(view, earlier, page.marks, log)
        page.seq = page.drawn = chart["seq"]
        self.pages[session] = page
        while len(self.pages) > MOST_PAGES:
            self.pages.pop(next(iter(self.pages)))
        for remembered in (self.lessons, self.back):
            while len(remembered) > MOST_PAGES:
                remembered.pop(next(iter(remembered)))
        ctx.looks[session] = job  # what begins to learn is looked at, until another model is chosen
        return {
            **ui.predict.told(Told(predicted(plan.question, plan.answer, view.planned), ""), plan.state or {}),
            **self.words(snapshot, page),
            ui.loss: {**chart, "live": page.seq},
            ui.shown: job,
            ui.kept: [],
            ctx.moment: None,
            ui.names: names_trees(view.probes["names"]),
            **self.letters(session, view),
            **frame,
        }

    async def stream(self, owner: str, corpus: Any, request: gr.Request) -> AsyncIterator[Updates]:
        """What is new, several times a second, until the job rests. Few outputs: the page pays for each one."""
        session = request.session_hash or ""
        page = self.pages.get(session)
        yield {self.ui.message: []}
        while page is not None and self.pages.get(session) is page and not page.over:
            snapshot = self.snapshot(owner, page.job)
            if snapshot is None:
                return
            updates = self.news(self.ctx.jobs.poll(page.job, owner, page.since), page, session)
            if page.measured:
                frame = await self.ctx.refresh(owner, corpus, self.ctx.looks.get(session, page.job))
                updates |= {part: frame[part] for part in (self.ctx.bench, self.ctx.ruler)}
                page.measured = False
            if updates and self.pages.get(session) is page:
                yield updates
            if not page.over:
                # A paused training is looked at, too, or it would be taken for abandoned.
                await asyncio.sleep(PAUSED_PERIOD if page.said and page.said[0] == "paused" else PERIOD)
                await self.until_drawn(page)

    async def until_drawn(self, page: Page) -> None:
        """Wait for a slow page: what is sent faster than it draws would only pile up in front of it."""
        waited = 0.0
        while page.drawn < page.seq and waited < PATIENCE:
            await asyncio.sleep(PERIOD / 4)
            waited += PERIOD / 4

    def was_drawn(self, seq: Any, request: gr.Request) -> None:
        """A page says which chart stands on it."""
        page = self.pages.get(request.session_hash or "")
        if page is not None and isinstance(seq, int):
            page.drawn = max(page.drawn, seq)

    def news(self, snapshot: Snapshot, page: Page, session: str) -> Updates:
        """What a snapshot adds to the page."""
        ui = self.ui
        if snapshot.reset and page.since:
            page.view = self.view_of(replace(snapshot, events=[]), page.plan)
        page.since = snapshot.seq
        view = page.view
        new = collect(snapshot, view.run, view.probes)
        view.symbols = snapshot.symbols
        ends, planned = view.run.range(page.marks, view.guess), max(view.planned, planned_of(snapshot))
        updates: Updates = {}
        if snapshot.reset or ends != page.ends or planned != view.planned:
            page.ends, view.planned = ends, planned
            updates[ui.loss] = self.chart(view, page.earlier, page.marks, page.log)
            page.seq = updates[ui.loss]["seq"]
        elif new["batch"] or new["validation"] or new["moment"]:
            after, page.seq = page.seq, next_seq()
            grown = growth(new["batch"], new["validation"], view.run, page.log)
            if new["validation"]:
                grown = replace(grown, notes=self.notes(page))
            updates[ui.loss] = {**grown.to_value(page.seq, after), "scrub": self.scrubber(view)}
        if ui.loss in updates:
            updates[ui.loss]["tell"] = True
        if snapshot.events or state_key(snapshot) != page.said:
            page.said = state_key(snapshot)
            updates |= self.words(snapshot, page)
        if new["names"] and session not in self.back:
            updates[ui.names] = names_trees(view.probes["names"])
        if new["embedding"]:
            updates |= self.letters(session, view)
        page.measured = page.measured or bool(new["validation"])
        page.over = snapshot.status.state in OVER
        return updates

    def snapshot(self, owner: str, job: str | None) -> Snapshot | None:
        """Where a job stands; None for one that is forgotten or another's."""
        if job is None:
            return None
        try:
            return self.ctx.jobs.poll(job, owner)
        except LabError:
            return None

    def prediction(self, owner: str, job: str, state: dict[str, Any]) -> Plan:
        """What was guessed about the run, also after a reload; as skipped where nobody was asked."""
        plan = self.plans.get(job) or Plan(self.ui.predict.questions[1], None, None)
        if plan.state is None:
            if state.get("at") == "run" and state.get("entry"):
                plan.state = state
            else:
                entry = Entry(
                    level="mlp", question=plan.question.name, asked=plan.question.text, guess=plan.answer,
                    corpus=mark_of({"source": self.spec_of(owner, job).corpus}),
                )  # fmt: skip
                index = list(self.ui.predict.questions).index(plan.question)
                plan.state = {"at": "run", "index": index, "entry": entry.model_dump()}
        self.plan(owner, job, plan)
        return plan

    def view_of(self, snapshot: Snapshot, plan: Plan) -> View:
        """A job as it stands."""
        spec = snapshot.spec
        view = View(
            snapshot.job, Curve(short_name(snapshot.job)), {}, snapshot.symbols, spec.options, planned_of(snapshot),
            spec.recipe.batch_size, self.guess_of(plan, spec.recipe.steps),
        )  # fmt: skip
        collect(snapshot, view.run, view.probes)
        return view

    def guess_of(self, plan: Plan | None, planned: int | None) -> list[list[float]]:
        """The curve that was drawn, as points of the chart; a loss that was guessed is a level one."""
        if plan is None or plan.answer is None or planned is None:
            return []
        if plan.question.kind == "number":
            return [[step, plan.answer] for step in (0, *drawn_steps(planned)[2:])]
        if plan.question.kind != "drawing":
            return []
        return [[step, loss] for step, loss in zip(drawn_steps(planned), plan.answer, strict=True)]

    def words(self, snapshot: Snapshot, page: Page) -> Updates:
        """The three steps and the word on the button."""
        ui, view, plan = self.ui, page.view, page.plan
        guess = predicted(plan.question, plan.answer, view.planned)
        status = status_tree(snapshot, view.run, dict(page.marks))
        paused = snapshot.status.state == "paused"
        return {
            ui.predict.said: steps_trees(
                2, guess if plan.answer is not None else t("predict.skipped"), status, plan.question.later[1]
            ),
            ui.play: t("mlp.go_on" if paused else "mlp.pause"),
        }

    def letters(self, session: str, view: View) -> Updates:
        """Both plots of the letters, where the page looks at this run as it is now."""
        if not view.probes["embedding"] or session in self.back or self.ctx.looks.get(session) != view.id:
            return {}
        dimensions = dimensions_of(view.options)
        places = view.probes["embedding"]
        return {
            self.ui.letters: letters_value(view.symbols, places, dimensions),
            self.ctx.letters: letters_value(view.symbols, places, dimensions, size=(530.0, 440.0)),
        }

    # --- its end --------------------------------------------------------------------------------------

    async def finish(self, owner: str, corpus: Any, stored: Any, request: gr.Request) -> Updates:
        """The run is over: the gap, and what to do next."""
        ctx, ui = self.ctx, self.ui
        session = request.session_hash or ""
        page = self.pages.get(session)
        if page is None or not page.over:
            return {}
        del self.pages[session]
        page.plan.told = True
        view, plan, marks = page.view, page.plan, dict(page.marks)
        snapshot = ctx.jobs.poll(page.job, owner)
        frame = await ctx.refresh(owner, corpus, page.job)
        said = snapshot.status.sentence
        if snapshot.status.state == "failed" or not view.run.validation:
            return {**ui.predict.asked(0), ui.message: problem(said) if said else [], **frame}
        card = ctx.card(page.job, owner)
        outcome = await self.outcome(owner, corpus, page.job, snapshot.spec, view.run, marks, card)
        if plan.question.name == "too_fast":
            outcome = replace(outcome, sensible=await self.sensible(owner, card, view.run))
        told = Told(
            predicted(plan.question, plan.answer, view.planned),
            sentence_of_run(snapshot, view.run, marks).replace("**", ""),
            gap(plan.question, plan.answer, outcome),
            truth_of(plan.question, outcome),
        )
        lesson = self.lessons[session] = plan.preset or self.lessons.get(session) or first_of("mlp")
        following = next_of(lesson)  # settings of one's own are a step aside, not a step back
        return {
            **ui.predict.finish(ctx, owner, stored, plan.state or {}, told),
            ui.predict.another: gr.update(visible=False),  # the next lesson takes its place
            ui.next: t("mlp.next", title=title_of(following)),
            ui.following: following,
            ui.halve: gr.update(visible=bool(outcome.diverged)),
            ui.message: problem(said) if said and not outcome.diverged else [],
            **frame,
        }

    async def outcome(
        self, owner: str, corpus: Any, job: str, spec: JobSpec, run: Curve, marks: Mapping[str, float],
        card: Mapping[str, Any],
    ) -> Outcome:  # fmt: skip
        """The run with what its lesson compares it with."""
        own = [other for other in await self.networks(owner, card["corpus"]["sha256"]) if other["id"] != job]
        before = any(not is_bundled(other["id"]) for other in own)
        outcome = Outcome(spec, run, marks, card.get("diverged"), before=before)
        if spec.options.get("context") == 1:
            source = self.ctx.corpus_of(owner, job, corpus)
            table = await self.ctx.ask_corpus(source, owner, "count", order=2, smoothing="add-k", k=0.1)
            outcome = replace(outcome, bigram_train=table["train"]["nll"])
        if spec.options.get("init") == "zero":
            found = await self.ctx.ask(job, owner, "symmetry")
            outcome = replace(outcome, difference=found["difference"], units=found["units"])
        return outcome

    async def sensible(self, owner: str, card: dict[str, Any], run: Curve) -> tuple[str, float] | None:
        """(name, held-out loss) of a sensible network of the same corpus, after as many steps as the run took."""
        steps = run.validation[-1][0]
        for other in await self.networks(owner, card["corpus"]["sha256"]):
            windows = other["model"]["kind"] == "mlp" and other["id"] != card["id"] and other["steps"] >= steps
            if windows and is_preset(first_of("mlp"), values_of_card(other)):
                return name_of(other), loss_at(curve_of(other), steps)
        return None

    # --- at rest --------------------------------------------------------------------------------------

    async def rest(self, owner: str, corpus: Any, wanted: str | None, log: bool, state: Mapping[str, Any]) -> Updates:
        """Nothing learns: the wanted network, or the newest one of the corpus, so that the screen is never empty.

        Where the prediction's `state` asks for a curve, those that would be the answer are left out.
        """
        ui = self.ui
        found = await self.ctx.ask_corpus(corpus, owner, "baselines")
        networks = await self.networks(owner, found["sha256"])
        windows = [card for card in networks if card["model"]["kind"] == "mlp"]  # the level's own kind comes first
        newest = next(iter([*windows, *networks]), None)
        card = next((card for card in networks if card["id"] == wanted), newest)
        if card is None:
            return {
                ui.loss: drawn(loss_curve(Curve(""), [], found["marks"], 1000, log), sums(None), LOSS_CODE),
                ui.shown: None,
                ui.kept: [],
                ui.names: [],
                ui.letters: None,
            }
        view = self.view_of_card(card)
        kept = answers(networks, self.asked(owner, corpus, state))
        shown = [other for other in networks if other is not card and other["id"] not in kept]
        earlier = [curve_of(other) for other in shown][:EARLIER_RUNS]
        about = await self.ctx.ask_corpus(corpus, owner, "corpus")
        view = replace(view, symbols=about["symbols"])
        return {
            ui.loss: self.chart(view, earlier, found["marks"], log, card["id"] in kept),
            ui.shown: card["id"],
            ui.kept: kept,
            ui.names: names_trees(view.probes["names"]),
            ui.letters: letters_value(view.symbols, view.probes["embedding"], dimensions_of(view.options)),
        }

    def asked(self, owner: str, corpus: Any, state: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The settings of the run whose curve is to be drawn; None where no drawing is asked for."""
        predict = self.ui.predict
        if state.get("at") != "ask" or predict.questions[state["index"]].kind != "drawing":
            return None
        if state.get("new"):  # a page that was opened anew may be about to show a gap that waits
            last = next(reversed(predict.answered(self.ctx.work_of(owner), corpus)), None)
            if last is not None and not is_open(last) and not last.explained_at:
                return None
        return state.get("settings") or values_of_preset(first_of("mlp"))

    async def cover(
        self, owner: str, corpus: Any, log_steps: str, shown: str | None, kept: list[str], state: dict[str, Any]
    ) -> Updates:
        """The chart, where another question keeps other curves from it than the last one did."""
        asked = self.asked(owner, corpus, state)
        snapshot = self.snapshot(owner, shown)
        learns = snapshot is not None and snapshot.status.state not in OVER
        if shown is None or learns or (asked is None and not kept):
            return {}
        found = await self.ctx.ask_corpus(corpus, owner, "baselines")
        if answers(await self.networks(owner, found["sha256"]), asked) == kept:
            return {}
        updates = await self.rest(owner, corpus, shown, log_steps == "log", state)
        return {part: updates[part] for part in (self.ui.loss, self.ui.kept)}

    def elsewhere(self, owner: str, chosen: str, shown: str | None, corpus: dict[str, Any]) -> str:
        """Why the chosen network is not the one on the chart."""
        card = self.ctx.card(chosen, owner)
        about = {
            "name": name_of(card),
            "its": corpus_title(card["corpus"]["name"]),
            "corpus": corpus_title(corpus["name"]),
        }
        if shown is None:
            return t("mlp.elsewhere_none", **about)
        return t("mlp.elsewhere", **about, other=name_of(self.ctx.card(shown, owner)))

    def spec_of(self, owner: str, job: str | None) -> JobSpec:
        """What was trained. Raises `LabError` for what is not the visitor's."""
        if job is None:
            raise LabError(t("mlp.over"))
        snapshot = self.snapshot(owner, job)
        return snapshot.spec if snapshot is not None else spec_of_card(self.ctx.card(job, owner))

    def view_of_card(self, card: dict[str, Any]) -> View:
        """A finished run, for the chart."""
        return View(
            card["id"], curve_of(card), probes_of(card), (), card["model"]["options"], card["planned_steps"],
            card["recipe"]["batch_size"], self.guess_of(self.plans.get(card["id"]), card["planned_steps"]),
        )  # fmt: skip

    async def networks(self, owner: str, sha256: str) -> list[dict[str, Any]]:
        """Cards of the networks that learned from this corpus, newest first."""
        cards = await asyncio.to_thread(self.ctx.cards, owner)
        return [card for card in cards if card["corpus"]["sha256"] == sha256 and is_network(card)]

    async def earlier(self, owner: str, sha256: str, job: str) -> list[Curve]:
        """Curves to compare with."""
        networks = await self.networks(owner, sha256)
        return [curve_of(card) for card in networks if card["id"] != job][:EARLIER_RUNS]

    # --- the chart ------------------------------------------------------------------------------------

    def chart(
        self, view: View, earlier: Sequence[Curve], marks: Sequence[Any], log: bool, kept: bool = False
    ) -> dict[str, Any]:
        """The value of the loss chart; with `kept` it says that the run's curve comes after the guess."""
        if kept:
            empty = loss_curve(Curve(view.run.name), earlier, marks, view.planned, log, batch=view.batch)
            told = replace(empty, look=t("figure.loss.kept", name=view.run.name), said="")
            return {**drawn(told, sums(None), LOSS_CODE), "scrub": {"run": view.id, "steps": []}}
        figure = loss_curve(view.run, earlier, marks, view.planned, log, view.guess, view.batch)
        last = view.run.validation[-1][1] if view.run.validation else None
        return {**drawn(figure, sums(last), LOSS_CODE), "scrub": self.scrubber(view)}

    def scrubber(self, view: View) -> dict[str, Any]:
        """The steps that one can go back to."""
        return {"run": view.id, "steps": view.probes["moment"]}

    def notes(self, page: Page) -> list[dict[str, Any]]:
        """The chart's labels as the run stands."""
        view = page.view
        figure = loss_curve(view.run, [], page.marks, view.planned, page.log, view.guess, view.batch)
        return list(figure.plotly["layout"]["annotations"])

    # --- the way back ---------------------------------------------------------------------------------

    async def go_to(
        self, owner: str, corpus: Any, shown: str | None, event: gr.EventData, request: gr.Request
    ) -> Updates:
        """Everything below the chart as it was at a stored step, or as it is now."""
        step = getattr(event, "step", None)
        if shown is None or (step is not None and (not isinstance(step, int) or isinstance(step, bool))):
            return {}
        session = request.session_hash or ""
        if step is None:
            self.back.pop(session, None)
        else:
            self.back[session] = step
        view = await self.find(owner, corpus, shown)
        own = self.ctx.corpus_of(owner, shown, corpus)
        then = None
        if step is not None:
            found = await self.ctx.ask(
                shown, owner, "probe", corpus=own["source"], corpus_name=own["name"], step=step
            )
            then = {"step": step, **found}
        letters = letters_value(view.symbols, view.probes["embedding"], dimensions_of(view.options), step)
        return {
            self.ctx.moment: step,
            self.ui.names: names_trees(view.probes["names"], then),
            **({self.ui.letters: letters} if letters else {}),
        }

    async def find(self, owner: str, corpus: Any, shown: str) -> View:
        """The run on the chart, running or finished."""
        if shown in self.ctx.jobs.jobs_of(owner):
            return self.view_of(self.ctx.jobs.poll(shown, owner), self.prediction(owner, shown, {}))
        own = self.ctx.corpus_of(owner, shown, corpus)
        about = await self.ctx.ask_corpus(own, owner, "corpus")
        return replace(self.view_of_card(self.ctx.card(shown, owner)), symbols=about["symbols"])


def answers(networks: Sequence[Mapping[str, Any]], asked: Mapping[str, Any] | None) -> list[str]:
    """Ids of the networks that learned with the settings asked about: with another seed, or for more or fewer steps,
    the curve is the answer, too."""
    if asked is None:
        return []
    ids = []
    for card in networks:
        with contextlib.suppress(LabError):  # no network of this screen: the controls cannot ask about it
            own = values_of_card(card)
            if all((asked.get(name) or 0) == (own[name] or 0) for name in own if name not in ("seed", "steps")):
                ids.append(card["id"])
    return ids


def is_network(card: Mapping[str, Any]) -> bool:
    """Whether a card is of something that was trained step by step, on the ruler."""
    return card["model"]["kind"] != "ngram" and bool(card.get("history", {}).get("validation"))
