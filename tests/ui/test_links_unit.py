"""Teacher links as data: what is read, what is refused with a sentence, and what the drawer offers."""

from types import SimpleNamespace
from urllib.parse import parse_qsl

import gradio as gr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playing import in_a_thread

from lmlab import strings
from lmlab.errors import LabError
from lmlab.training.presets import PRESETS
from lmlab.ui import recipes
from lmlab.ui.app import build_app
from lmlab.ui.levels import LEVELS
from lmlab.ui.links import MOST_NOTES, SETTABLE, applied, offer, read_link, read_value, value_of, written
from lmlab.ui.widgets.widget import unpacked

ORDER = ["guess", "count"]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def controls():
    return {
        "count": {
            "order": gr.Slider(1, 8, value=2, step=1, label="Order n", elem_id="count-order"),
            "k": gr.Slider(0.01, 10, value=0.1, step=0.01, label="k", elem_id="count-k"),
            "smoothing": gr.Radio([("None", "mle"), ("Add k", "add-k")], value="add-k", elem_id="count-smoothing"),
            "seed": gr.Number(42, precision=0, minimum=0, label="Seed", elem_id="count-seed"),
            "fast": gr.Checkbox(False, label="Fast", elem_id="count-fast"),
            "marks": gr.CheckboxGroup(["a", "b", "c"], value=["a"], elem_id="count-marks"),
            "text": gr.Textbox("", max_length=20, elem_id="count-text"),
            "roll": gr.Button("Roll", elem_id="count-roll"),
            "model": gr.Dropdown([], elem_id="count-model"),
            "corpus": gr.Radio(["names", "names_indian"], value="names", elem_id="count-corpus"),
        }
    }


def read(query: str, controls, presets=None):
    return read_link(parse_qsl(query, keep_blank_values=True), ORDER, controls, presets or {"count": ["far"]})


def test_a_link_is_read_in_full(controls):
    link = read(
        "level=count&preset=far&set=order:4&set=smoothing:mle&set=fast:yes&set=text:a:b&hide=k,roll&lock=order&"
        "corpus=names_indian&lang=es&__theme=dark&utm_source=x",
        controls,
    )
    assert (link.level, link.about, link.preset, link.corpus) == ("count", "count", "far", "names_indian")
    assert link.values == {"order": 4, "smoothing": "mle", "fast": True, "text": "a:b"}
    assert (link.hide, link.lock) == (["count-k", "count-roll"], ["count-order"])
    assert link.notes == []


def test_without_parameters_the_first_level_opens(controls):
    link = read("", controls)
    assert (link.level, link.values, link.notes) == ("guess", {}, [])


def test_what_a_link_says_of_one_level_is_not_taken_for_another(controls):
    link = read("level=guess&about=count&set=order:4&hide=k&preset=far", controls)
    assert (link.level, link.about, link.values) == ("guess", "count", {"order": 4})
    assert (link.hide, link.preset, link.notes) == (["count-k"], "far", [])


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("level=nowhere", "a level 'nowhere', which is not here; this is Guess."),
        ("level=count&preset=near", "a preset 'near', which Count does not have"),
        ("level=count&corpus=own-1234", "a corpus 'own-1234', which is not here"),
        ("level=count&hide=odrer", "names a control that Count does not have: odrer."),
        ("level=count&hide=x&lock=y&set=z:1", "names controls that Count does not have: z, x, y."),
        ("level=count&set=order:9", "sets Order n to '9', which does not fit: it goes from 1 to 8."),
        ("level=count&set=order:2.5", "it goes in steps of 1 from 1."),
        ("level=count&set=order:nan", "it needs a number."),
        ("level=count&set=order:1e999", "it needs a number."),
        ("level=count&set=order", "sets Order n to '', which does not fit: it needs a number."),
        ("level=count&set=seed:1.5", "it needs a whole number."),
        ("level=count&set=seed:-1", "it goes from 0 to ∞."),
        ("level=count&set=smoothing:magic", "choose one of: mle, add-k."),
        ("level=count&set=fast:maybe", "it is yes or no."),
        ("level=count&set=text:" + "x" * 21, "at most 20 characters fit."),
        ("level=count&set=roll:now", "a link cannot set it."),
        ("level=count&set=model:calm-heron", "a link cannot set it."),
        ("level=guess&set=mode:bet", "a control that Guess does not have: mode."),
    ],
)
def test_what_does_not_fit_is_one_sentence_and_changes_nothing(controls, query, note):
    link = read(query, controls)
    assert len(link.notes) == 1
    assert note in link.notes[0]
    assert (link.values, link.hide, link.lock, link.preset, link.corpus) == ({}, [], [], None, None)


def test_a_bad_part_leaves_the_good_ones_alone(controls):
    link = read("level=count&set=order:99&set=k:0.5&hide=nothing,k", controls)
    assert (link.values, link.hide, len(link.notes)) == ({"k": 0.5}, ["count-k"], 2)


def test_many_bad_parts_are_few_sentences(controls):
    link = read("level=count&" + "&".join(f"set=order:{i}" for i in range(10, 60)), controls)
    assert len(link.notes) == MOST_NOTES + 1
    assert link.notes[-1] == "46 more things in the link do not fit."
    assert len(read("level=count&hide=" + ",".join("abcdefghijk"), controls).notes) == 1


def test_hostile_names_are_shown_short_and_as_text(controls):
    notes = read(f"level=count&hide={HOSTILE}{'x' * 9000}&preset={HOSTILE}&set=order:{HOSTILE}", controls).notes
    assert all(len(note) < 200 for note in notes)
    assert read(f"level={HOSTILE}", controls).notes[0].count(HOSTILE) == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["level", "set", "hide", "lock", "preset", "about", "corpus"]), st.text())))
def test_no_link_is_a_traceback(pairs):
    slider = gr.Slider(1, 8, step=1, elem_id="count-order")
    link = read_link([("level", "count"), *pairs], ORDER, {"count": {"order": slider}}, {})
    assert link.level == "count"
    assert len(link.notes) <= MOST_NOTES + 1


# --- values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [("order", 8), ("k", 0.3), ("k", 9.99), ("smoothing", "mle"), ("seed", 7), ("fast", True), ("fast", False),
     ("marks", ["a", "c"]), ("marks", []), ("text", "a:b,c")],
)  # fmt: skip
def test_a_value_survives_the_way_through_a_link(controls, name, value):
    control = controls["count"][name]
    assert read_value(control, written(control, value)) == value


def test_what_a_link_cannot_set_is_not_written(controls):
    assert written(controls["count"]["model"], "calm-heron-3f2a") is None
    assert written(controls["count"]["order"], None) is None
    assert written(controls["count"]["text"], "x" * 21) is None


def test_a_preset_comes_first_and_a_value_on_top(controls):
    order, k = controls["count"]["order"], controls["count"]["k"]
    link = read("level=count&preset=far&set=order:4&set=k:0.5", controls)
    updates = applied(link, controls["count"], lambda name: {order: 8, k: gr.update(value=1.0, visible=True)})
    assert updates[order] == 4
    assert (updates[k]["value"], updates[k]["visible"]) == (0.5, True)


# --- the drawer ----------------------------------------------------------------------------------------------


def test_the_drawer_offers_what_is_not_as_the_level_opens(controls):
    values = {"order": 4, "k": 0.1, "smoothing": "mle", "seed": 42, "fast": False, "marks": ["a"], "text": ""}
    offered = offer("count", controls["count"], values, {"far": {"order": 4}}, "names_indian")
    assert [(part["name"], part["text"], part["said"]) for part in offered["settings"][""]] == [
        ("order", "4", "4"), ("smoothing", "mle", "None"),
    ]  # fmt: skip
    assert [part["name"] for part in offered["settings"]["far"]] == ["smoothing"]
    assert offered["presets"] == [{"name": "far", "title": "far"}]
    assert (offered["corpus"], offered["own"]) == ("names_indian", False)
    assert {"name": "roll", "label": "Roll"} in offered["controls"]
    assert {"name": "order", "label": "Order n"} in offered["controls"]


def test_an_own_text_does_not_travel(controls):
    offered = offer("count", controls["count"], {}, {}, "/somewhere/private.txt")
    assert (offered["corpus"], offered["own"]) == ("", True)
    assert "private" not in str(offered)


# --- the levels' own controls ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def apps():
    jobs = SimpleNamespace(limits=SimpleNamespace(days=14.0, runs_per_owner=20), calls=None)
    return {code: build_app(jobs, code).context for code in strings.LANGUAGES}


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_opens_with_values_that_a_link_can_say(apps, level):
    for name, control in apps["en"].controls.get(level, {}).items():
        assert "," not in name
        assert ":" not in name
        settable = isinstance(control, SETTABLE) and (getattr(control, "choices", True) or False)
        if settable and control.value not in (None, []):
            text = written(control, control.value)
            assert text is not None, (level, name, control.value)
            assert read_value(control, text) == control.value


@pytest.mark.parametrize("level", LEVELS)
def test_a_link_means_the_same_in_every_language(apps, level):
    for code, ctx in apps.items():
        controls, english = ctx.controls.get(level, {}), apps["en"].controls.get(level, {})
        assert controls.keys() == english.keys(), code
        assert list(ctx.presets.get(level, [[]])[0]) == list(apps["en"].presets.get(level, [[]])[0])
        for name, control in controls.items():
            values = [value for _, value in getattr(control, "choices", None) or []]
            assert values == [value for _, value in getattr(english[name], "choices", None) or []], (
                code,
                level,
                name,
            )
            assert control.elem_id == english[name].elem_id


@pytest.mark.parametrize("level", LEVELS)
def test_each_preset_changes_only_what_the_page_knows(apps, level):
    ctx = apps["en"]
    names, change, outputs = ctx.presets.get(level, ([], None, []))
    for name in names:
        assert set(change(name)) <= set(outputs), name


def test_a_value_that_does_not_fit_raises_a_reason(controls):
    with pytest.raises(LabError, match="it goes from"):
        read_value(controls["count"]["k"], "11")


# --- how a link opens the training screen: as if each thing had been done by hand --------------------------------


def opened(ctx, query, level="mlp"):
    """What a link changes, by the names of the controls and of the other components at hand."""
    presets = {name: names for name, (names, _, _) in ctx.presets.items()}
    link = read_link(parse_qsl(f"level={level}&{query}"), list(LEVELS), ctx.controls, presets)
    assert link.notes == []
    updates = in_a_thread(ctx.openers[level].open(link, "", {"source": "names", "name": "names"}))
    known = {id(control): name for name, control in ctx.controls[level].items()}
    assert {id(part) for part in updates} <= {id(part) for part in ctx.openers[level].outputs} | set(known)
    by_id = {part.elem_id: value for part, value in updates.items() if getattr(part, "elem_id", None)}
    values = {known[id(part)]: value_of(value) for part, value in updates.items() if id(part) in known}
    return values, by_id, updates


def test_a_link_to_the_transformer_shows_its_columns_its_lessons_and_its_question(apps):
    values, parts, updates = opened(apps["en"], "set=model:transformer")
    assert [name for _, name in parts["mlp-preset"]["choices"]] == list(recipes.SHOWN["transformer"])
    assert values["preset"] == "transformer-default"
    assert values["steps"] == PRESETS["transformer-default"].recipe.steps
    assert "Kneser–Ney" in str(parts["mlp-steps"])
    for name, visible in (("layers", True), ("heads", True), ("context", False), ("init", False)):
        assert updates[apps["en"].controls["mlp"][name].parent.parent]["visible"] is visible, name  # in a form in it


def test_a_setting_on_top_of_a_lesson_is_a_setting_of_ones_own(apps):
    values, parts, _ = opened(apps["en"], "set=context:1")
    assert (values["preset"], values["context"]) == (None, 1)
    assert strings.t("mlp.ask.again") in str(parts["mlp-steps"])
    values, parts, _ = opened(apps["en"], "preset=mlp-zero&set=seed:7")
    assert (values["preset"], values["init"], values["seed"]) == (None, "zero", 7)


def test_a_lesson_of_a_link_asks_its_question_and_a_value_that_it_has_anyway_changes_nothing(apps):
    values, parts, _ = opened(apps["en"], "preset=mlp-one-letter&set=context:1")
    assert (values["preset"], values["context"]) == ("mlp-one-letter", 1)
    assert strings.t("mlp.ask.one_letter") in str(parts["mlp-steps"])


@pytest.mark.parametrize("steps", [50, 3000])
def test_the_drawing_of_a_link_goes_to_its_steps(apps, steps):
    _, parts, _ = opened(apps["en"], f"preset=mlp-sensible&set=steps:{steps}")
    drawing = parts["mlp-drawing"]
    assert unpacked(value_of(drawing))["labels"][-1] == f"{steps:,}"


def test_the_name_of_a_link_is_drawn_and_the_directions_bring_their_rate(apps):
    ctx = apps["en"]
    view = next(part for part in ctx.openers["mlp"].outputs if isinstance(getattr(part, "value", None), dict)
                and "pick" in part.value)  # fmt: skip
    presets = {"mlp": ctx.presets["mlp"][0]}
    link = read_link(parse_qsl("level=mlp&set=inside-name:priya"), ["mlp"], ctx.controls, presets)
    updates = in_a_thread(ctx.openers["mlp"].open(link, "", {}))
    assert (updates[view]["text"], updates[view]["fresh"]) == ("priya", True)
    assert opened(ctx, "set=slope-directions:weights")[0]["slope-rate"] == "10"
    assert opened(ctx, "set=slope-directions:weights&set=slope-rate:3")[0]["slope-rate"] == "3"
    assert "preset" not in opened(ctx, "set=slope-directions:weights")[0]  # the training is not asked anew


STATES = [
    {},
    recipes.values_of_preset("mlp-zero") | {"preset": "mlp-zero"},
    recipes.values_of_preset("transformer-default") | {"preset": "transformer-default"},
    recipes.values_of_preset("transformer-one-block") | {"preset": "transformer-one-block", "seed": 5},
    recipes.values_of_preset("transformer-default") | {"preset": None, "rate": 8e-3, "layers": 1},
    {"preset": None, "context": 5, "decay": 0.5, "slope-directions": "weights", "slope-rate": "10"},
    {"slope-directions": "weights", "slope-rate": "0.1", "inside-name": "priya"},
]


@pytest.mark.parametrize("changed", STATES)
@pytest.mark.parametrize("preset", ["", "mlp-zero", "transformer-one-block"])
def test_a_link_that_the_drawer_makes_opens_the_view_it_was_made_from(apps, changed, preset):
    ctx = apps["en"]
    controls = {name: part for name, part in ctx.controls["mlp"].items() if isinstance(part, SETTABLE)}
    start = {name: part.value for name, part in controls.items()}
    now = {**start, **changed}
    presets = {name: recipes.values_of_preset(name) | {"preset": name} for name in ctx.presets["mlp"][0]}
    parts = offer("mlp", controls, now, presets, "names", ctx.openers["mlp"].implied)["settings"][preset]
    query = "&".join([f"preset={preset}", *(f"set={part['name']}:{part['text']}" for part in parts)])
    values = start | opened(ctx, query.removeprefix("preset=&"))[0] if parts or preset else start
    if now["preset"] is None or preset:  # a lesson that was left alone may stand there again
        values, now = values | {"preset": None}, now | {"preset": None}
    hidden = {name for model, names in recipes.OPTIONS.items() if model != now["model"] for name in names.values()}
    assert {name: values[name] for name in values if name not in hidden} == {
        name: now[name] for name in now if name not in hidden
    }


# --- how a link opens Sample and Count -----------------------------------------------------------------------


def test_own_logits_of_a_link_stand_in_their_box(apps):
    values, parts, _ = opened(apps["en"], "set=logits:own&set=own-logits:3, 2, 1", "sample")
    assert parts["sample-own"]["visible"] is True
    assert (values["logits"], values["own-logits"]) == ("own", "3, 2, 1")
    assert values["top-k"] == parts["sample-k"]["maximum"] == 3
    _, parts, _ = opened(apps["en"], "set=logits:lecture", "sample")
    assert parts["sample-own"]["visible"] is False


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ("set=temperature:1.5", None),
        ("set=temperature:1&set=top-p:1", "plain"),
        ("set=temperature:1&set=top-p:1&set=logits:lecture", "lecture"),
        ("set=settings:wild", "wild"),
        ("preset=wild&set=top-k:3", None),
        ("preset=wild&set=top-k:27", "wild"),
        ("set=seed:7", "nucleus"),
        ("set=logits:own&set=own-logits:no numbers", None),
    ],
)
def test_the_settings_are_underlined_that_the_sliders_of_a_link_stand_on(apps, query, settings):
    assert opened(apps["en"], query, "sample")[0]["settings"] == settings


def test_settings_of_a_link_move_the_sliders(apps):
    values, _, _ = opened(apps["en"], "set=settings:wild", "sample")
    assert (values["temperature"], values["top-p"]) == (2.0, 1.0)
    values, _, _ = opened(apps["en"], "preset=wild&set=temperature:1.7", "sample")
    assert (values["temperature"], values["top-p"], values["settings"]) == (1.7, 1.0, None)


def test_a_lesson_of_a_link_sets_its_order_and_a_value_stands_on_top(apps):
    values, _, _ = opened(apps["en"], "set=lesson:kneser-ney", "count")
    assert (values["lesson"], values["order"], values["smoothing"]) == ("kneser-ney", 5, "kneser-ney")
    values, _, _ = opened(apps["en"], "preset=kneser-ney&set=order:3", "count")
    assert (values["order"], values["smoothing"]) == (3, "kneser-ney")
    assert opened(apps["en"], "set=order:4", "count")[0] == {"order": 4}


CHANGED = [
    ("sample", {}),
    ("sample", {"settings": None, "temperature": 1.5}),
    ("sample", {"settings": "plain", "temperature": 1.0, "top-p": 1.0}),
    ("sample", {"settings": None, "logits": "own", "own-logits": "3, 1", "top-k": 2}),
    ("sample", {"settings": None, "logits": "lecture", "top-k": 4, "seed": 3}),
    ("count", {"lesson": "kneser-ney", "order": 5, "smoothing": "kneser-ney"}),
    ("count", {"order": 4, "smoothing": "mle"}),
]


@pytest.mark.parametrize(("level", "changed"), CHANGED)
def test_the_drawer_of_sample_and_count_makes_the_view_it_was_made_from(apps, level, changed):
    ctx = apps["en"]
    start = {name: part.value for name, part in ctx.controls[level].items() if isinstance(part, SETTABLE)}
    now = {**start, **changed}
    parts = offer(level, ctx.controls[level], now, {}, "names", ctx.openers[level].implied)["settings"][""]
    query = "&".join(f"set={part['name']}:{part['text']}" for part in parts)
    values = start | (opened(ctx, query, level)[0] if parts else {})
    assert {name: values[name] for name in start} == now
    assert len(parts) <= len(changed)
