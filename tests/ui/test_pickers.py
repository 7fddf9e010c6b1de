"""The menus of models follow the bench, and never show a model that has gone. Needs no browser."""

from types import SimpleNamespace

import gradio as gr
import pytest
from playing import in_a_thread

from lmlab.ui.context import Context

SHA = "a" * 64
CORPUS = {"source": "names", "name": "names"}


def card(name, kind="mlp"):
    options = {"order": 2, "smoothing": "mle", "k": 0.1} if kind == "ngram" else {"context": 3}
    return {
        "id": name,
        "model": {"kind": kind, "options": options, "parameters": 5},
        "corpus": {"name": "names", "sha256": SHA},
        "metrics": {"validation": {"nll": 2.0}},
        "recipe": {"seed": 1},
    }


@pytest.fixture
def ctx(monkeypatch):
    async def ask(*args, **more):
        return {"marks": [["uniform", 3.3]], "sha256": SHA, "corpus": "names"}

    ctx = Context(SimpleNamespace(jobs_of=lambda owner: []))
    with gr.Blocks():
        ctx.bench, ctx.ruler, ctx.chosen = gr.HTML(), gr.HTML(), gr.State()
        ctx.pickers = [
            (gr.Dropdown([]), lambda card: card["model"]["kind"] != "ngram"),
            (gr.Dropdown([]), lambda card: True),
        ]
    monkeypatch.setattr(Context, "ask_corpus", ask)
    return ctx


def refreshed(ctx, cards, chosen, owner="ada"):
    """What both menus are told: a value, or "keeps" for none."""
    ctx.cards = lambda owner: cards
    updates = in_a_thread(ctx.refresh(owner, CORPUS, chosen))
    return [updates[picker].get("value", "keeps") for picker, _ in ctx.pickers]


def test_a_new_page_shows_what_fits(ctx):
    assert refreshed(ctx, [card("t", "ngram"), card("n")], None) == ["n", "t"]


def test_a_menu_keeps_its_model_while_another_kind_is_chosen(ctx):
    cards = [card("t", "ngram"), card("n"), card("m")]
    refreshed(ctx, cards, None)
    assert refreshed(ctx, cards, "m") == ["m", "m"]
    assert refreshed(ctx, cards, "t") == ["keeps", "t"]


def test_after_the_only_network_has_gone_its_menu_shows_none(ctx):
    refreshed(ctx, [card("t", "ngram"), card("n")], "n")
    assert refreshed(ctx, [card("t", "ngram")], "n") == [None, "t"]


def test_after_a_network_has_gone_its_menu_shows_the_first_that_fits(ctx):
    refreshed(ctx, [card("t", "ngram"), card("n"), card("m")], "m")
    assert refreshed(ctx, [card("t", "ngram"), card("n")], "t") == ["n", "t"]


def test_another_model_that_goes_does_not_change_the_menu(ctx):
    cards = [card("t", "ngram"), card("n"), card("m")]
    refreshed(ctx, cards, "m")
    refreshed(ctx, cards, "t")
    assert refreshed(ctx, [card("n"), card("m"), card("u", "ngram")], "u") == ["m", "u"]


def test_a_forgotten_visitor_is_not_remembered_by_the_menus(ctx):
    refreshed(ctx, [card("n")], "n")
    with gr.Blocks():
        ctx.work = gr.BrowserState()
    ctx.forget("ada")
    assert not ctx._listed
