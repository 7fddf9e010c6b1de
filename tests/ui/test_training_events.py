"""What the controls of the training screen ask for and change: their events on the app as it is built, with the
answers of the real questions. Needs no browser."""

import asyncio
from types import SimpleNamespace

import pytest
from playing import in_a_thread

from lmlab import strings
from lmlab.errors import LabError
from lmlab.jobs import calls
from lmlab.jobs.messages import JobSpec
from lmlab.runs.cards import BUNDLED
from lmlab.training.recipe import Recipe
from lmlab.ui import lessons, recipes
from lmlab.ui.app import build_app
from lmlab.ui.links import has_value, value_of
from lmlab.ui.panels import inside, slope, steps
from lmlab.ui.watching import Watching
from lmlab.ui.widgets.widget import unpacked

OWNER = "0" * 32
FINCH = "plain-finch"


class Jobs:
    """Answers in this process, and remembers what was asked and begun."""

    def __init__(self):
        self.limits = SimpleNamespace(days=14.0, runs_per_owner=20)
        self.calls = None
        self.shelf = calls.Shelf()
        self.asked, self.begun, self.specs = [], [], {}

    def jobs_of(self, owner):
        return []

    def poll(self, job, owner, since=0):
        if job not in self.specs:
            raise LabError("It may have ended long ago.")
        return SimpleNamespace(spec=self.specs[job])

    def submit(self, spec, owner):
        self.begun.append(spec)
        return "calm-heron-0001"

    async def call(self, model, owner, name, args):
        self.asked.append((name, args))
        if model is None:
            return calls.plain(calls.ABOUT_A_CORPUS[name](self.shelf, **args))
        return calls.plain(calls.ABOUT_A_MODEL[name](self.shelf, self.shelf.run(str(BUNDLED / model)), **args))


class Page:
    """The values of all components, and their events."""

    def __init__(self, language="en"):
        self.jobs = Jobs()
        self.app = build_app(self.jobs, language)
        self.ctx = self.app.context
        self.values = {part: getattr(part, "value", None) for part in self.app.blocks.values()}
        self.values |= {self.ctx.owner: OWNER, self.ctx.page: "page", self["mlp-inside-model"]: FINCH}

    def __getitem__(self, elem_id):
        return next(part for part in self.app.blocks.values() if getattr(part, "elem_id", None) == elem_id)

    def fire(self, elem_id, event, value=None, **data):
        """The event of a component, which has the value then; what it changes is kept and returned."""
        if value is not None:
            self.values[self[elem_id]] = value
        self.jobs.asked.clear()
        changed = {}
        for function in self.app.fns.values():
            if (self[elem_id]._id, event) in function.targets and function.fn is not None:
                inputs = [self.values[part] for part in function.inputs]
                updates = in_a_thread(function.fn(*inputs, *([SimpleNamespace(**data)] if data else [])))
                changed |= {part: value_of(update) for part, update in updates.items() if has_value(update)}
        assert changed, f"nothing is connected to {elem_id}.{event}, or it changes nothing"
        self.values |= changed
        return changed

    def asked(self, name):
        return [args for question, args in self.jobs.asked if question == name]

    def text(self, elem_id):
        """What stands in a widget, as the page gets it."""
        return str(unpacked(self.values[self[elem_id]]))

    @property
    def slope(self):
        """The state of the slope."""
        return next(value for value in self.values.values() if isinstance(value, dict) and "grid" in value)

    def entries(self):
        return self.ctx.work_of(OWNER).entries


@pytest.fixture
def page():
    return Page()


@pytest.fixture
def standing(page):
    """A page on which a slope stands."""
    page.fire("mlp-slope-draw", "click")
    return page


# --- inside the network ------------------------------------------------------------------------------------------


def test_the_menu_decides_which_network_is_drawn(page):
    page.fire("mlp-inside-model", "change", FINCH)
    assert "plain-finch" in page.text("mlp-network")
    other = next(path.name for path in sorted(BUNDLED.iterdir()) if path.is_dir() and path.name != FINCH)
    page.fire("mlp-inside-model", "change", other)
    assert other.rpartition("-")[0] in page.text("mlp-network") or other in page.text("mlp-network")
    assert page.asked("picture")


def test_another_name_is_another_name(page):
    page.fire("mlp-inside-model", "change", FINCH)
    first = unpacked(page.values[page["mlp-network"]])["picture"]["text"]
    page.fire("mlp-inside-another", "click")
    assert [args["pick"] for args in page.asked("picture")] == [1]
    assert unpacked(page.values[page["mlp-network"]])["picture"]["text"] != first


def test_a_name_that_was_typed_is_drawn_and_another_takes_its_place(page):
    page.fire("mlp-inside-name", "submit", "priya")
    assert unpacked(page.values[page["mlp-network"]])["picture"]["text"] == "priya"
    page.fire("mlp-inside-another", "click")
    assert page.values[page["mlp-inside-name"]] == ""


# --- the slope ---------------------------------------------------------------------------------------------------


def test_draw_asks_for_the_whole_slope_and_walks_down_it(standing):
    grid = standing.slope["grid"]
    assert len(grid["losses"]) == len(grid["axis"])
    assert standing.asked("slope")
    (descent,) = standing.asked("descent")
    assert (descent["rate"], descent["start"]) == (0.1, slope.start_at(grid, 0))


def test_the_directions_change_what_is_drawn_and_bring_their_rate(standing):
    before = standing.slope["grid"]
    standing.fire("mlp-slope-directions", "input", "weights")
    after = standing.slope["grid"]
    assert {args["directions"] for args in standing.asked("slope")} == {"weights"}
    assert after["losses"] != before["losses"]
    assert standing.values[standing["mlp-slope-rate"]] == "10"
    assert [args["rate"] for args in standing.asked("descent")] == [10.0]


def test_the_rate_changes_the_walk_on_the_same_slope(standing):
    before = standing.text("mlp-slope")
    standing.fire("mlp-slope-rate", "input", "1")
    (descent,) = standing.asked("descent")
    assert (descent["rate"], standing.asked("slope")) == (1.0, [])
    assert standing.text("mlp-slope") != before


def test_another_start_is_another_place_on_the_same_slope(standing):
    before = standing.slope["start"]
    standing.fire("mlp-slope-start", "click")
    (descent,) = standing.asked("descent")
    assert standing.asked("slope") == []
    assert before != standing.slope["start"] == descent["start"]


def test_new_directions_are_another_slope(standing):
    before = standing.slope["grid"]
    standing.fire("mlp-slope-new", "click")
    assert {args["seed"] for args in standing.asked("slope")} == {1}
    assert standing.slope["grid"]["losses"] != before["losses"]


@pytest.mark.parametrize("button", ["slope-lock", "slope-skip"])
def test_three_times_the_rate_is_predicted_once_and_told_with_its_numbers(standing, button):
    standing.values[standing["slope-choice"]] = "lower"
    standing.fire(button, "click")
    assert [args["rate"] for args in standing.asked("descent")] == pytest.approx([0.1, 0.3])
    (entry,) = standing.entries()
    assert (entry.level, entry.question) == ("mlp", "slope")
    assert entry.guess == ("lower" if button == "slope-lock" else None)
    assert entry.truth in ("lower", "higher", "about the same")
    assert ("You said lower" in entry.said) is (button == "slope-lock")
    assert entry.said.endswith("?")
    standing.fire("slope-why", "submit", "It jumps.")
    (entry,) = standing.entries()
    assert entry.why == "It jumps."
    # Another walk is another question: what was told of the last one goes.
    standing.fire("mlp-slope-rate", "input", "1")
    assert strings.t("inside.slope.asked", times=3, steps=20) in standing.text("slope-steps")


def test_the_prediction_waits_for_a_slope(page):
    page.values[page["slope-choice"]] = "lower"
    page.fire("slope-lock", "click")
    assert strings.t("inside.slope.first_draw") in page.text("mlp-slope-message")
    assert page.entries() == []


# --- in the language of the page ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", strings.LANGUAGES)
def test_what_the_panel_refuses_is_said_in_the_language_of_the_page(code):
    with strings.speaking(code):
        for refuse in (inside.rate_of, slope.rate_of):
            with pytest.raises(LabError) as caught:
                refuse("7")
            assert str(caught.value).startswith(strings.catalogue(code)["inside.no_rate"].partition("{")[0])
    page = Page(code)
    page.fire("mlp-slope-directions", "input", "up")
    assert strings.catalogue(code)["inside.slope.no_directions"].partition("{")[0] in page.text("mlp-slope-message")


def test_the_formulas_of_the_walk_speak_the_language_of_the_page():
    jobs = Jobs()
    run = jobs.shelf.run(str(BUNDLED / FINCH))
    found = calls.plain(
        calls.ABOUT_A_MODEL["walk"](jobs.shelf, run, corpus="names", text="emma", position=3, rate=0.01)
    )
    with strings.speaking("es"):
        walked = steps.walk_value(found, "x", 1, False)["steps"]
    said = str([[step[part] for part in ("title", "text", "lines", "after")] for step in walked])
    assert "∂pérdida/∂z" in said
    assert "loss" not in said
    assert f"{steps.TERMS} productos" in said


# --- half the rate, and a network of another corpus --------------------------------------------------------------


def test_half_the_rate_is_half_of_the_run_that_broke_whatever_the_controls_say(page):
    spec = JobSpec("mlp", {"context": 2}, Recipe(steps=700, optimizer="sgd", learning_rate=30.0, seed=5))
    page.jobs.specs["wild-fox-1234"] = spec
    page.values |= {page.ctx.job: "wild-fox-1234", page["mlp-rate"]: 0.008, page["mlp-context"]: 8}
    page.fire("mlp-halve", "click")
    (begun,) = page.jobs.begun
    assert begun == recipes.halved(spec, "wild-fox-1234")
    assert (begun.recipe.learning_rate, begun.options, begun.recipe.steps) == (15.0, {"context": 2}, 700)
    shown = {name: page.values[page.ctx.controls["mlp"][name]] for name in ("rate", "context", "steps", "seed")}
    assert shown == {"rate": 15.0, "context": 2, "steps": 700, "seed": 5}


def test_a_network_of_another_corpus_is_not_replaced_without_a_word(page):
    page.values[page.ctx.corpus] = {"source": "names_indian", "name": "names_indian", "longest": 15}
    page.fire("bench", "act", do=f"choose:{FINCH}")
    said = page.text("mlp-message")
    assert "plain-finch learned from another corpus (US names)" in said
    assert "Indian names" in said


def test_a_network_of_the_corpus_is_drawn_and_nothing_is_said(page):
    page.fire("bench", "act", do=f"choose:{FINCH}")
    assert page.text("mlp-message") in ("[]", "None")


def test_a_run_that_nobody_was_asked_about_is_written_down_with_its_corpus(page):
    page.jobs.specs["calm-heron-0001"] = JobSpec("mlp", {"context": 2}, Recipe(steps=700), "names_indian")
    asked = list(lessons.questions())
    watching = Watching(page.ctx, SimpleNamespace(predict=SimpleNamespace(questions=asked)))
    entry = watching.prediction(OWNER, "calm-heron-0001", {"at": "gap", "entry": None}).state["entry"]
    assert (entry["question"], entry["guess"], entry["corpus"]) == ("again", None, "names_indian")


# --- what the panel says about the network that it shows ------------------------------------------------------------


@pytest.fixture
def past(page):
    """A page on which the mark stands at step 9 of the network on the chart."""
    ask = page.jobs.call

    async def call(model, owner, name, args):
        return await ask(model, owner, name, {key: value for key, value in args.items() if key != "step"})

    page.fire("bench", "act", do=f"choose:{FINCH}")
    page.jobs.call = call
    page.values[page.ctx.moment] = 9
    return page


def test_the_walk_names_the_step_that_its_numbers_are_from(past):
    past.fire("mlp-inside-model", "change", FINCH)
    assert "plain-finch at step 9 for" in unpacked(past.values[past["mlp-walk"]])["look"]
    past.values[past.ctx.moment] = None
    past.fire("mlp-inside-model", "change", FINCH)
    assert "plain-finch at step 4,000 for" in unpacked(past.values[past["mlp-walk"]])["look"]


def test_the_update_says_that_its_other_names_are_not_all_of_them(page):
    page.fire("mlp-inside-model", "change", FINCH)
    update = unpacked(page.values[page["mlp-walk"]])["steps"][-1]
    assert "its loss need not be the one on the chart" in " ".join(update["after"])


def test_a_training_that_is_over_is_not_said_to_be_learning(page):
    """The event has no component of its own: it follows the end of the stream."""
    (ended,) = [one for one in page.app.fns.values() if getattr(one.fn, "__name__", "") == "ended"]

    def said(state):
        inputs = [page.values[part] for part in ended.inputs[:-1]]
        return in_a_thread(ended.fn(*inputs, state)).get(page["mlp-slope-message"])

    assert "The training is over" in str(unpacked(said({"model": "another-network"})))
    assert "The training is over" not in str(said({"model": FINCH}))  # a slope of it stands there


# --- answers that overtake each other ------------------------------------------------------------------------------


def test_the_answer_to_an_older_question_does_not_take_the_place_of_a_newer_one(page):
    """As when one pauses, and steps before the page has heard of the pause."""
    begin, inputs, _ = page.ctx.watch
    values = [page.values[part] for part in inputs]
    ask, first_may_go = page.ctx.ask_corpus, asyncio.Event()
    asked = []

    async def slowly_at_first(*about, **more):
        asked.append(about)
        if len(asked) == 1:
            await first_may_go.wait()
        return await ask(*about, **more)

    page.ctx.ask_corpus = slowly_at_first

    async def play():
        request = SimpleNamespace(session_hash="s")
        older = asyncio.create_task(begin(*values, request))
        while not asked:
            await asyncio.sleep(0)
        newer = await begin(*values, request)
        first_may_go.set()
        return await older, newer

    older, newer = in_a_thread(play())
    assert page["mlp-loss"] not in older
    assert unpacked(newer[page["mlp-loss"]])["figure"]["data"]


def test_a_stream_that_ends_changes_nothing_more(page):
    """Gradio sends the last updates of a generator again when it ends: then they must be none."""
    (function,) = [one for one in page.app.fns.values() if (page["mlp-loss"]._id, "live") in one.targets]

    async def play():
        inputs = [page.values[part] for part in function.inputs]
        return [updates async for updates in function.fn(*inputs, SimpleNamespace(session_hash="s"))]

    first, last = in_a_thread(play())
    assert has_value(first[page["mlp-message"]])
    assert not any(has_value(update) for update in last.values())


# --- the chart keeps the answer to itself ---------------------------------------------------------------------------


def opened(page):
    """What the chart of a page shows that has just been opened."""
    function, inputs, _ = page.ctx.watch
    updates = in_a_thread(function(*(page.values[part] for part in inputs), SimpleNamespace(session_hash="s")))
    page.values |= {part: value_of(update) for part, update in updates.items() if has_value(update)}
    return chart(page)


def chart(page):
    value = unpacked(page.values[page["mlp-loss"]])
    return value["figure"]["data"], value


def covered(page):
    """The event that follows every other question."""
    cover = next(one for one in page.app.fns.values() if getattr(one.fn, "__name__", "") == "cover")
    updates = in_a_thread(cover.fn(*(page.values[part] for part in cover.inputs)))
    changed = {part: value_of(update) for part, update in updates.items() if has_value(update)}
    page.values |= changed
    return bool(changed)


def test_the_curve_of_the_same_settings_comes_after_the_guess(page):
    data, value = opened(page)
    assert [trace["x"] for trace in data[:2]] == [[], []]
    assert not any("plain-finch" in trace["name"] for trace in data)  # nor among the faded ones
    assert value["scrub"]["steps"] == []
    assert "plain-finch has learned with these settings already" in str(value)
    # a choice asks for no curve, so the network stands there again; and goes when the drawing is asked for once more
    page.fire("mlp-preset", "input", "mlp-one-letter")
    assert covered(page)
    assert len(chart(page)[0][0]["x"]) > 100
    page.fire("mlp-preset", "input", "mlp-sensible")
    assert covered(page)
    assert chart(page)[0][0]["x"] == []
    assert not covered(page)  # as it is already


def test_other_settings_are_not_answered_by_the_curve_and_the_same_with_another_seed_are(page):
    opened(page)
    page.fire("mlp-hidden", "input", 64)
    assert covered(page)
    assert len(chart(page)[0][0]["x"]) > 100
    page.fire("mlp-hidden", "input", 128)
    page.fire("mlp-seed-value", "input", 7)
    assert covered(page)
    assert chart(page)[0][0]["x"] == []


def test_a_network_chosen_on_the_bench_does_not_answer_the_open_question(page):
    page.fire("bench", "act", do=f"choose:{FINCH}")
    assert chart(page)[0][0]["x"] == []
