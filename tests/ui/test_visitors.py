"""What the server holds of a visitor: once for all languages, and all of it can be forgotten. Needs no browser."""

from collections import OrderedDict
from types import SimpleNamespace

import gradio as gr
import pytest
from playing import in_a_thread

from lmlab.runs.cards import owner_key
from lmlab.strings import LANGUAGES
from lmlab.ui import visitors as visitors_module
from lmlab.ui.app import build_app
from lmlab.ui.comparing import quiz
from lmlab.ui.context import Context
from lmlab.ui.guessing.rounds import Hidden, Round, Rounds
from lmlab.ui.visitors import MOST_WORKS, Visitors
from lmlab.ui.watching import Plan, Watching
from lmlab.ui.work import Entry, Score, Work

ME, OTHER, SHA = "a" * 32, "b" * 32, "c" * 64


def context(visitors=None) -> Context:
    ctx = Context(SimpleNamespace()) if visitors is None else Context(SimpleNamespace(), visitors)
    with gr.Blocks():
        ctx.work = gr.BrowserState()
    return ctx


def test_two_languages_do_not_overwrite_each_other():
    visitors = Visitors()
    english, spanish = context(visitors), context(visitors)
    english.keep(ME, None, Entry(level="count", question="one"))
    [kept] = spanish.keep(ME, None, Entry(level="count", question="two")).values()
    assert {entry["question"] for entry in kept["entries"]} == {"one", "two"}
    spanish.keep_score(ME, None, SHA, Score(loss=2.0, letters=5))
    assert english.work_of(ME).scores[SHA].loss == 2.0
    spanish.forget(ME)
    assert english.work_of(ME) == Work()


def test_contexts_of_their_own_share_nothing():
    one, other = context(), context()
    one.keep(ME, None, Entry(level="count", question="one"))
    assert other.work_of(ME) == Work()


def test_two_looks_of_a_visitor_wait_for_each_other_and_others_do_not():
    visitors = Visitors()

    async def play():
        async with visitors.one_at_a_time(ME):
            assert visitors.one_at_a_time(ME).locked()
            assert not visitors.one_at_a_time(OTHER).locked()
        assert not visitors.one_at_a_time(ME).locked()

    in_a_thread(play())


def test_only_so_many_works_are_held():
    visitors = Visitors()
    for i in range(MOST_WORKS + 3):
        visitors.put(str(i), Work())
    visitors.put("", Work())
    assert len(visitors.works) == MOST_WORKS
    assert "0" not in visitors.works
    assert "" not in visitors.works


def test_a_visitors_answers_are_forgotten_and_everyones_stay():
    ctx = context()
    mine = ("baselines", (("corpus", f"/x/corpora/{owner_key(ME)}/a.txt"), ("corpus_name", "mine")))
    everyones = ("baselines", (("corpus", "names"), ("corpus_name", "names")))
    ctx._answers[mine] = ctx._answers[everyones] = {}
    ctx.forget(ME)
    assert list(ctx._answers) == [everyones]


def test_rounds_quizzes_and_plans_are_forgotten():
    rounds = Rounds()
    hidden = Hidden((0, 26), ())
    for owner in (ME, OTHER):
        rounds.open(Round(owner, SHA, "bets", "abc", (), hidden))
        rounds.draw(owner, SHA, 10, 2)
        rounds.put(owner, SHA, "", [hidden])
    rounds.forget(ME)
    assert rounds.of(ME, SHA) == []
    assert rounds.take(ME, SHA, "") is None
    assert [owner for owner, _ in rounds._had] == [OTHER]
    assert len(rounds.of(OTHER, SHA)) == 1
    quizzes = OrderedDict(x=quiz.Round(ME, "m", []), y=quiz.Round(OTHER, "m", []))
    quiz.forget(quizzes, ME)
    assert list(quizzes) == ["y"]
    watching = Watching(None, None)
    for owner in (ME, OTHER):
        watching.plan(owner, f"run-of-{owner[0]}", Plan(None, None, None))
    watching.forget(ME)
    assert list(watching.plans) == ["run-of-b"]


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_level_that_holds_something_has_joined(language):
    visitors = Visitors()
    build_app(SimpleNamespace(limits=SimpleNamespace(days=7)), language, visitors)
    joined = {forgetter.__module__.removeprefix("lmlab.ui.") for forgetter in visitors.forgetters}
    assert joined >= {"context", "guessing.rounds", "comparing.quiz", "levels.sample", "watching"}


def test_invented_visitors_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(visitors_module, "MOST_TEXT", 1000)
    visitors = Visitors()
    for owner in "abc":
        visitors.put(owner, Work(entries=[Entry(level="count", question="stop", why="x" * 450)]))
    assert list(visitors.works) == ["b", "c"]
    visitors.forget("b")
    visitors.put("d", Work())
    assert list(visitors.works) == ["c", "d"]
