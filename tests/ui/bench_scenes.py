"""What the tests of the bench and of the ruler share: cards, and a page with the two widgets alone."""

import json

import gradio as gr

from lmlab.ui import theme
from lmlab.ui.bench import bench_value, ruler_value
from lmlab.ui.context import light
from lmlab.ui.widgets.bench import bench_widget
from lmlab.ui.widgets.ruler import ruler_widget
from lmlab.ui.widgets.widget import packed
from lmlab.ui.work import Score

NAMES, INDIAN = "a" * 64, "b" * 64
MARKS = {
    "sha256": NAMES,
    "corpus": "names",
    "marks": [("uniform", 3.296), ("unigram", 2.817), ("bigram", 2.456), ("Kneser–Ney 5", 2.026)],
}
YOU = Score(loss=2.58, spread=0.21, letters=61, names=10)


def table(run, loss, order=2, k=0.1, smoothing="add-k", **more):
    """The card of a count model."""
    return {
        "id": run,
        "model": {"kind": "ngram", "options": {"order": order, "smoothing": smoothing, "k": k}, "parameters": 611},
        "corpus": {"name": "names", "sha256": NAMES},
        "metrics": {"validation": {"nll": loss}},
        **more,
    }


def network(run, loss, context=3, seed=42, sha256=NAMES, name="names", recipe=None, **more):
    """The card of an MLP."""
    return {
        "id": run,
        "model": {"kind": "mlp", "options": {"context": context, "d_hidden": 128}, "parameters": 7721},
        "recipe": {"steps": 4000, "optimizer": "adamw", "learning_rate": 0.008, "seed": seed, **(recipe or {})},
        "corpus": {"name": name, "sha256": sha256},
        "metrics": {"validation": {"nll": loss}},
        **more,
    }


MANY = [
    network("live-one-0001", 2.31, 1, live=True, parent="slow-otter-0002"),
    network("calm-heron-0003", 2.23, 3, parent="slow-otter-0002"),
    network("slow-otter-0002", 2.46, 1),
    table("long-table-0004", 2.12, 4),
    table("first-table-0005", 2.459, 2),
    table("bare-table-0006", None, 3, smoothing="mle"),
    table("near-table-0007", 2.125, 5),
    network("mild-wren-0008", 1.99, 8, seed=7),
    network("far-lark-0009", 9.5, 8, seed=8),
]
SCENES = {
    "few": ([network("calm-heron-0003", 2.23)], "calm-heron-0003", None),
    "mock": ([network("calm-heron-0003", 2.23), network("mild-wren-0008", 1.99)], "calm-heron-0003", YOU),
    "many": (MANY, "calm-heron-0003", YOU),
    "crowd": ([table(f"keen-wren-{i:04}", 2.0 + i / 50) for i in range(20)], "keen-wren-0003", YOU),
    "lost": ([], None, Score(loss=5.5, spread=0.6, letters=9, names=1)),
    "greyed": (
        [table("first-table-0005", 2.459), *(network(f"other-{i}", 2.1, sha256=INDIAN, name="names_indian")
         for i in "abc")], "first-table-0005", None,
    ),
}  # fmt: skip
"""(cards newest first, the model at hand, the student's score) by name."""


def launch_scenes():
    """A page that shows the scene that `?scene=` names, or the cards that are put into its box; returns the app."""
    with gr.Blocks() as app:
        cards, log = gr.Textbox(elem_id="cards"), gr.Textbox(elem_id="log")
        with gr.Column(elem_classes="bench-column"):
            bench = bench_widget(elem_id="bench", elem_classes="bench")
        ruler = ruler_widget(elem_id="ruler")

        def shown(cards, chosen, score):
            return {
                bench: packed(bench_value(cards, NAMES, chosen, score, {"mlp", "count"})),
                ruler: packed(ruler_value(cards, MARKS, chosen, score)),
            }

        async def show(request: gr.Request):
            return shown(*SCENES[request.query_params.get("scene", "mock")])

        async def put(text):
            cards, chosen = json.loads(text)
            return shown(cards, chosen, None)

        async def note(event: gr.EventData):
            names = ("do", "run", "name")
            return json.dumps({name: getattr(event, name) for name in names if hasattr(event, name)})

        light(app.load, show, None, [bench, ruler])
        light(cards.change, put, [cards], [bench, ruler])
        for event in (bench.act, bench.duplicate, bench.export):
            light(event, note, None, [log])
    app.launch(
        prevent_thread_lock=True, quiet=True, css=theme.css(), head=theme.head(), theme=theme.theme(), ssr_mode=False
    )
    return app


def put(page, widget, cards, chosen):
    """Give the page other cards, as a training does several times a second; wait until `widget` has drawn them."""
    before = page.get_attribute(widget, "data-seq")
    # not `fill`, which would take the focus away
    page.eval_on_selector(
        "#cards textarea, #cards input",
        "(box, text) => { box.value = text; box.dispatchEvent(new Event('input', {bubbles: true})); }",
        json.dumps([cards, chosen]),
    )
    page.wait_for_function(
        "([widget, before]) => document.querySelector(widget).dataset.seq !== before", arg=[widget, before]
    )
