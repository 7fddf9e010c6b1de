"""Level Sample: from a model's logits to a letter, to a name, to a hundred names."""

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from lmlab.data.corpus import BUNDLED, normalise_name
from lmlab.errors import LabError
from lmlab.figures.sampling import over_temperature, rolled_first
from lmlab.runs.cards import is_bundled
from lmlab.strings import t, tn
from lmlab.ui.bench import next_seq
from lmlab.ui.context import Context, Opener, Updates, guarded, light
from lmlab.ui.depths import drawn
from lmlab.ui.links import Link, applied
from lmlab.ui.predict import Predict, Question, Told, predict_steps
from lmlab.ui.sampling import (
    EXACT,
    FIRST_PRESET,
    LECTURE,
    PRESETS,
    Rules,
    columns_value,
    exact_trees,
    first_sums,
    names_trees,
    over_sums,
    preset_of,
    read_logits,
    surprise_value,
    tree_value,
    write_csv,
)
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget
from lmlab.ui.widgets.sampler import TELL, sampler_widget, surprise_widget, tree_widget

FIRST = 24  # names that stand there before any click
HUNDRED = 100
FIRST_AT = 3  # the letter whose roll stands there before any click: the first ones are the same for most names
LETTERS = 27  # tokens of the bundled names: the sliders' range before a model is looked at
FIRST_SEED = 41
MOST_ROWS = 1000
TEMPERATURES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0)
COPIES_T = 1.5
DRAWN_T = 2.0
MOST_MEASURED = 32  # answers about T that are kept


@dataclass
class Sample:
    """The components of the level."""

    message: gr.HTML
    predict: Predict
    model: gr.Dropdown
    source: gr.Radio
    own: gr.Textbox
    preset: gr.Radio
    word: gr.HTML
    temperature: gr.Slider
    top_k: gr.Slider
    top_p: gr.Slider
    min_p: gr.Slider
    again: gr.Button
    hundred: gr.Button
    columns: gr.HTML
    exact: gr.HTML
    prefix: gr.Textbox
    seed: gr.Number
    dice: gr.Button
    names: gr.HTML
    download: gr.DownloadButton
    first: gr.HTML
    tree: gr.HTML
    over: gr.HTML
    at: gr.State
    """Where the page stands, see `EMPTY`."""
    measured: gr.State
    """`{"rows", "usual", "guess"}` of the figure over T, to draw it anew when T moves."""

    @property
    def sliders(self) -> list[Any]:
        """Temperature, k, p and min-p, in the order of `Rules`."""
        return [self.temperature, self.top_k, self.top_p, self.min_p]


def build(ctx: Context) -> Sample:
    """Make the components."""
    words(h("h1", t("sample.title")), h("p", t("sample.lead")), elem_classes="lead")
    predict = predict_steps("sample", questions())
    message = words(elem_classes="message")
    start_t, _, start_p, start_m, _ = PRESETS[FIRST_PRESET]
    with gr.Row(elem_classes="setup"):
        model = gr.Dropdown([], label=t("sample.model"), elem_id="sample-model", filterable=False)
        source = gr.Radio(
            [(t(f"sample.source_{name}"), name) for name in ("model", "lecture", "own")], value="model",
            label=t("sample.source"), elem_classes="switch", elem_id="sample-source",
        )  # fmt: skip
        own = gr.Textbox(
            ", ".join(map(str, LECTURE)), label=t("sample.own"), info=t("sample.own_info"), max_lines=1,
            max_length=1000, visible=False, elem_id="sample-own",
        )  # fmt: skip
        preset = gr.Radio(
            [(t(f"sample.presets.{name}"), name) for name in PRESETS], value=FIRST_PRESET,
            label=t("sample.preset"), elem_classes="switch", elem_id="sample-preset",
        )  # fmt: skip
    word = surprise_widget(elem_id="sample-word")
    with gr.Row(elem_classes="knobs"):
        temperature = gr.Slider(
            0, 5, value=start_t, step=0.01, label=t("sample.temperature"), info=t("sample.temperature_info"),
            elem_id="sample-temperature",
        )  # fmt: skip
        top_k = gr.Slider(
            1, LETTERS, value=LETTERS, step=1, label=t("sample.top_k"), info=t("sample.top_k_info", size=LETTERS),
            elem_id="sample-k",
        )  # fmt: skip
        top_p = gr.Slider(
            0.01, 1, value=start_p, step=0.01, label=t("sample.top_p"), info=t("sample.top_p_info"),
            elem_id="sample-p",
        )  # fmt: skip
        with gr.Row(elem_classes="group"):
            again = gr.Button(t("sample.again"), elem_id="sample-again")
            hundred = gr.Button(t("sample.hundred"), elem_id="sample-hundred")
    columns = sampler_widget(elem_id="sample-columns")
    exact = words(elem_classes="fig", elem_id="sample-exact")
    with (
        gr.Accordion(t("sample.more"), open=False, elem_id="sample-more", elem_classes="more"),
        gr.Row(elem_classes="setup"),
    ):
        min_p = gr.Slider(
            0, 1, value=start_m, step=0.01, label=t("sample.min_p"), info=t("sample.min_p_info"),
            elem_id="sample-min-p",
        )  # fmt: skip
        prefix = gr.Textbox(
            label=t("sample.prefix"), info=t("sample.prefix_info"), placeholder=t("sample.prefix_placeholder"),
            max_lines=1, max_length=100, elem_id="sample-prefix",
        )  # fmt: skip
        seed = gr.Number(
            FIRST_SEED, precision=0, label=t("sample.seed"), info=t("sample.seed_info"), elem_id="sample-seed"
        )
        dice = gr.Button(t("sample.dice"), elem_id="sample-dice")
    names = words(elem_classes="fig", elem_id="sample-names")
    download = gr.DownloadButton(
        t("sample.download"), interactive=False, size="sm", elem_classes="link", elem_id="sample-download"
    )
    first = figure_widget(elem_id="sample-first")
    tree = tree_widget(elem_id="sample-tree")
    over = figure_widget(elem_id="sample-over")
    ctx.pickers.append((model, lambda card: card["model"]["kind"] != "skipgram"))
    ui = Sample(
        message, predict, model, source, own, preset, word, temperature, top_k, top_p, min_p, again, hundred,
        columns, exact, prefix, seed, dice, names, download, first, tree, over,
        at=gr.State(EMPTY), measured=gr.State(None),
    )  # fmt: skip
    ctx.controls["sample"] = {
        "temperature": temperature, "top-k": top_k, "top-p": top_p, "min-p": min_p, "prefix": prefix, "seed": seed,
        "dice": dice, "model": model, "logits": source, "own-logits": own, "settings": preset, "again": again,
        "hundred": hundred, "download": download, "word": word, "columns": columns, "names": names,
        "first": first, "tree": tree, "over": over,
    }  # fmt: skip
    ctx.presets["sample"] = (
        list(PRESETS),
        lambda name: preset_updates(ui, name),
        [ui.preset, ui.source, ui.own, *ui.sliders],
    )

    async def open_link(link: Link, owner: str, corpus: dict[str, Any]) -> Updates:
        return opened(ui, ctx.controls["sample"], link)

    ctx.openers["sample"] = Opener(open_link, [ui.preset, ui.source, ui.own, *ui.sliders], implied)
    return ui


def opened(ui: Sample, controls: Mapping[str, Any], link: Link) -> Updates:
    """What a teacher's link changes: as if its settings had been chosen and then each of its values been set by hand.

    The box of own logits stands there with them, and the settings are underlined that the sliders then stand on.
    """
    before = {name: control.value for name, control in controls.items()}
    named = link.values.get("settings", link.preset)
    values = {**before, **(implied({"settings": named}) if named else {}), **link.values}
    source = values["logits"]
    size = size_for(source, values["own-logits"])
    every = "top-k" not in link.values or values["top-k"] >= size
    k = None if every else int(values["top-k"])
    rules = Rules(float(values["temperature"]), k, float(values["top-p"]), float(values["min-p"]))
    return {
        **applied(link, controls, None),
        ui.source: source,
        ui.own: gr.update(value=values["own-logits"], visible=source == "own"),
        ui.temperature: rules.T,
        ui.top_k: k_slider(rules, size),
        ui.top_p: rules.p,
        ui.min_p: rules.m,
        ui.preset: preset_of(rules, source),
    }


def implied(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the settings that a link names set besides, by the names of the controls; those of the level else.

    >>> implied({"settings": "wild"})["temperature"], implied({"logits": "lecture"})["top-k"]
    (2.0, 4)
    """
    temperature, k, p, m, source = PRESETS.get(values.get("settings") or "", PRESETS[FIRST_PRESET])
    size = size_for(values.get("logits", source), values.get("own-logits", ""))
    top = size if k is None else k
    return {"temperature": temperature, "top-k": top, "top-p": p, "min-p": m, "logits": source}


def size_for(source: str, text: str) -> int:
    """How many tokens there are to choose from, before a model has said how many it has."""
    try:
        return {"lecture": len(LECTURE), "own": len(read_logits(text)) if source == "own" else 0}.get(source, LETTERS)
    except LabError:  # the level says what is wrong with the numbers
        return LETTERS


def questions() -> list[Question]:
    """What the student predicts, in the spoken language."""
    return [
        Question(
            "copies-hot", t("sample.predict.copies"), start=20, unit=t("sample.predict.copies_unit"),
            later=(t("sample.predict.copies_run"), t("sample.predict.copies_gap")),
        ),
        Question(
            "half", t("sample.predict.half"), minimum=0, maximum=5, step=0.05, start=1,
            later=(t("sample.predict.half_run"), t("sample.predict.half_gap")),
        ),
        Question(
            "draw-softmax", t("sample.predict.draw"), "drawing", labels=[f"{z:.1f}" for z in LECTURE], total=100,
            unit="%", axis=t("sample.predict.draw_axis"),
            later=(t("sample.predict.draw_run"), t("sample.predict.draw_gap")),
        ),
    ]  # fmt: skip


def preset_updates(ui: Sample, name: str, size: int = LETTERS) -> Updates:
    """The sliders of a preset; raises `LabError` for a name that is none."""
    if name not in PRESETS:
        raise LabError(t("sample.no_preset", name=str(name)[:40]))
    temperature, k, p, m, source = PRESETS[name]
    return {
        ui.preset: name,
        ui.source: source,
        ui.own: gr.update(visible=source == "own"),
        ui.temperature: temperature,
        ui.top_k: size if k is None else k,
        ui.top_p: p,
        ui.min_p: m,
    }


EMPTY: dict[str, Any] = {
    "of": None, "size": LETTERS, "ids": [], "u": [], "at": 0, "given": 0, "row": 0, "boundary": 0, "dice": None,
    "partial": False, "guess": None,
}  # fmt: skip
"""Where a page stands: whose logits (`of`: a model's id, "lecture" or "own"), the word's tokens, the random number
of each (None: written or chosen), which of them is looked at, how many the student wrote before the dice, and the
row of the dice; `dice` is `[seed, prefix or own logits]` of what stands there, `partial` whether only some steps have
their logits, `guess` the student's outlines on the first roll, as `{token: share}`."""


@dataclass(frozen=True)
class Now:
    """All that stands on the page when an event comes, in the order of the inputs."""

    owner: str
    corpus: dict[str, Any]
    source: str
    model: str | None
    text: str
    prefix: str
    seed: float | None
    place: dict[str, Any]
    preset: str | None
    measured: dict[str, Any] | None
    sliders: tuple[float, float, float, float]

    @property
    def rules(self) -> Rules:
        """What the sliders say about the tokens that stand there."""
        return self.rules_for(self.place["size"])

    def rules_for(self, size: int) -> Rules:
        """The same for a vocabulary of another `size`: what kept every token goes on keeping every one."""
        temperature, k, p, m = self.sliders
        every = k >= self.place["size"] or k >= size
        return Rules(float(temperature), None if every else int(k), float(p), float(m))

    @property
    def dice(self) -> int:
        """The seed. Raises `LabError` for an empty field."""
        if self.seed is None:
            raise LabError(t("sample.no_seed"))
        return int(self.seed)

    @property
    def written(self) -> str:
        """What the student wrote that decides what stands there: the beginning of a name, or logits."""
        return {"model": self.prefix or "", "own": self.text}.get(self.source, "")


Handler = Callable[[Now], Awaitable[Updates]]


def of_page(function: Handler) -> Callable[..., Awaitable[Updates]]:
    """An event's handler with one parameter an input, as Gradio counts them."""

    async def run(
        owner: str, corpus: Any, source: str, model: Any, text: str, prefix: str, seed: Any, place: Any, preset: Any,
        measured: Any, temperature: float, k: float, p: float, m: float,
    ) -> Updates:  # fmt: skip
        sliders = (temperature, k, p, m)
        return await function(Now(owner, corpus, source, model, text, prefix, seed, place, preset, measured, sliders))

    return run


def with_event(function: Callable[[Now, gr.EventData], Awaitable[Updates]]) -> Callable[..., Awaitable[Updates]]:
    """The same for a handler that also takes what the widget tells."""

    async def run(
        owner: str, corpus: Any, source: str, model: Any, text: str, prefix: str, seed: Any, place: Any, preset: Any,
        measured: Any, temperature: float, k: float, p: float, m: float, event: gr.EventData,
    ) -> Updates:  # fmt: skip
        sliders = (temperature, k, p, m)
        now = Now(owner, corpus, source, model, text, prefix, seed, place, preset, measured, sliders)
        return await function(now, event)

    return run


def wire(ctx: Context, ui: Sample) -> None:
    """Connect the events."""
    measurements: OrderedDict[Any, list[dict[str, Any]]] = OrderedDict()

    def forget(owner: str) -> None:
        for key in [key for key in measurements if key[0] == owner]:
            del measurements[key]

    ctx.forgetters.append(forget)

    # --- one word -----------------------------------------------------------------------------------------

    async def word_of(
        now: Now, rules: Rules, before: dict[str, Any], row: int = 0, stand: int = 0, at: int | None = None,
        chosen: Sequence[int] = (),
    ) -> Updates:  # fmt: skip
        """A word: the first `stand` tokens of the one before stay, then come `chosen`, then it is rolled.

        `before` is the place with the word before and its dice. `at` is the letter that is looked at; None: the first
        one that is rolled.
        """
        if row >= MOST_ROWS:
            raise LabError(t("sample.row_is_full", n=MOST_ROWS))
        seed, prefix = before["dice"]
        kept = [*before["ids"][:stand], *chosen]
        found = await ctx.ask(
            before["of"], now.owner, "word", prefix=prefix, stand=kept[before["given"] :], at=at or 0, row=row,
            seed=seed, **learned_from(now, before["of"]), **rules.asked,
        )  # fmt: skip
        steps, given = found["steps"], found["given"]
        for step, u in zip(steps, [*before["u"][:stand], *[None] * len(chosen)], strict=False):
            step["u"] = u
        for j, step in enumerate(steps):
            step["forced"] = step["u"] is None and j >= given
        at = max(0, min(given if at is None else at, len(steps) - 1))
        place = {
            **before,
            "size": len(found["symbols"]),
            "ids": [step["id"] for step in steps],
            "u": [step["u"] for step in steps],
            "at": at,
            "given": given,
            "row": row,
            "boundary": found["boundary"],
            "partial": any(step["z"] is None for step in steps),
        }
        return {
            ui.at: place,
            ui.word: surprise_value(found, at),
            ui.columns: columns_value(found["symbols"], steps, place, rules),
            ui.exact: [],
        }

    async def logits_of(now: Now, rules: Rules, before: dict[str, Any], row: int = 0, token: Any = None) -> Updates:
        """The columns of the lecture's logits, or of the student's own; `token` is the one that was chosen."""
        seed, text = before["dice"]
        logits = list(LECTURE) if before["of"] == "lecture" else read_logits(text)
        found = await ctx.ask(
            None, now.owner, "roll_logits", logits=logits, row=row, n=HUNDRED, seed=seed, **rules.asked
        )
        exact = await ctx.ask(None, now.owner, "shares", logits=logits, temperatures=list(EXACT))
        step = {
            "z": logits,
            "u": found["u"] if token is None else None,
            "id": found["id"] if token is None else token,
            "forced": token is not None,
        }
        symbols = [str(i + 1) for i in range(len(logits))]
        place = {**before, "size": len(logits), "ids": [step["id"]], "u": [step["u"]], "row": row, "boundary": -1}
        figure = rolled_first(symbols, found["counts"], found["p_final"], after=None)
        return {
            ui.at: place,
            ui.word: {"seq": next_seq(), "mode": "logits", "at": 0, "letters": []},
            ui.columns: columns_value(symbols, [step], place, rules, exact=True),
            ui.exact: exact_trees(symbols, logits, exact["p"]),
            ui.first: drawn(
                figure, first_sums(symbols, found["counts"], found["p_final"]), ("generation/sampling.py", "choose")
            ),
            ui.names: [],
            ui.download: gr.update(interactive=False),
            ui.tree: {"seq": next_seq(), "root": None},
        }

    async def tree_of(now: Now, place: dict[str, Any], rules: Rules) -> Updates:
        """The branches from where the page stands."""
        ids = place["ids"][: place["at"]]
        return {ui.tree: tree_value(await ctx.ask(place["of"], now.owner, "tree", ids=ids, **rules.asked))}

    # --- many names -----------------------------------------------------------------------------------------

    async def names_of(
        now: Now, model: str, prefix: str, rules: Rules, n: int, guess: float | None = None
    ) -> tuple[int, Updates]:
        """Roll names; how many copy a training name, and what changes on the screen."""
        made = await ctx.ask(
            model, now.owner, "generate", n=n, prefix=prefix, seed=now.dice, likeliest_first=True,
            **learned_from(now, model), **rules.asked,
        )  # fmt: skip
        final = (await ctx.ask(model, now.owner, "distribution", prefix=prefix, **rules.asked))["p_final"]
        samples, symbols, counts = made["samples"], made["symbols"], made["first"]
        figure = rolled_first(symbols, counts, final, normalise_name(prefix))
        return sum(sample["novelty"] == "training" for sample in samples), {
            ui.names: names_trees(samples, rules, guess),
            ui.first: drawn(figure, first_sums(symbols, counts, final), ("generation/generate.py", "generate")),
            ui.download: gr.update(interactive=True, value=str(write_csv(samples, now.owner))),
        }

    async def measure(now: Now, model: str, rules: Rules, guess: tuple[float, float] | None = None) -> Updates:
        """What the temperature changes: one short question at each T, so that nobody waits for all of them."""
        of, seed = learned_from(now, model), now.dice
        everyones = is_bundled(model) and of["corpus"] in BUNDLED
        key = ("" if everyones else now.owner, model, seed, *of.values())
        rows = measurements.get(key)
        if rows is None:
            rows = [
                await ctx.ask(model, now.owner, "at_temperature", temperature=at, n=HUNDRED, seed=seed, **of)
                for at in TEMPERATURES
            ]
            if model not in ctx.jobs.jobs_of(now.owner):  # one that still learns will answer otherwise
                measurements[key] = rows
                while len(measurements) > MOST_MEASURED:
                    measurements.popitem(last=False)
        usual = await ctx.ask(None, now.owner, "usual_names", **of)
        return over({"rows": rows, "usual": usual, "guess": guess}, rules)

    def over(measured: dict[str, Any], rules: Rules) -> Updates:
        figure = over_temperature(measured["rows"], measured["usual"], rules.T, measured["guess"])
        sums = over_sums(measured["rows"], rules.T)
        return {ui.over: drawn(figure, sums, ("jobs/calls/sampling.py", "at_temperature")), ui.measured: measured}

    def learned_from(now: Now, model: str) -> dict[str, Any]:
        """The corpus a model learned from, if it is still here: it says which names are new."""
        corpus = ctx.corpus_of(now.owner, model, now.corpus)
        return {"corpus": corpus["source"], "corpus_name": corpus["name"]}

    # --- what the page shows --------------------------------------------------------------------------------

    async def everything(now: Now) -> Updates:
        """All of the level anew: another model, other logits, other dice, another beginning."""
        model = now.source if now.source != "model" else need(now.model)
        start = {**EMPTY, "of": model, "dice": [now.dice, now.written]}
        if now.source != "model":
            size = len(LECTURE) if now.source == "lecture" else len(read_logits(now.text))
            rules = now.rules_for(size)
            return {ui.top_k: k_slider(rules, size), **await logits_of(now, rules, start)}
        size = await size_of(now, model)
        rules = now.rules_for(size)
        word = await word_of(now, rules, start, at=None if now.written else FIRST_AT)
        _, names = await names_of(now, model, now.written, rules, FIRST)
        return {ui.top_k: k_slider(rules, size), **word, **names, **await tree_of(now, word[ui.at], rules)}

    async def size_of(now: Now, model: str) -> int:
        if now.place["of"] == model:
            return int(now.place["size"])
        return len((await ctx.ask(model, now.owner, "distribution"))["symbols"])

    async def redraw(now: Now, rules: Rules, row: int, stand: int, at: int, chosen: Sequence[int] = ()) -> Updates:
        """The word and its branches, from one of its letters on; or the columns, where there is no model."""
        place = now.place
        if place["dice"] is None:
            return {}
        if place["of"] in ("lecture", "own"):
            return await logits_of(now, rules, place, row, chosen[0] if chosen else None)
        updates = await word_of(now, rules, place, row, stand, at, chosen)
        return {**updates, **await tree_of(now, updates[ui.at], rules)}

    async def settled(now: Now) -> Updates:
        """The sliders rest: the letters before the one looked at stand, the rest is rolled by the new rules."""
        place, rules = now.place, now.rules
        at = place["at"]
        forced = place["ids"] and at >= place["given"] and place["u"][at] is None
        updates = await redraw(now, rules, place["row"], at, at, place["ids"][at : at + 1] if forced else ())
        if now.measured and now.source == "model":
            updates |= over(now.measured, rules)
        return {**updates, ui.preset: preset_of(rules, now.source)}

    async def again(now: Now) -> Updates:
        """The next row of the dice, from the letter that is looked at on."""
        at = max(now.place["at"], now.place["given"])
        return await redraw(now, now.rules, now.place["row"] + 1, at, at)

    async def fresh(now: Now) -> Updates:
        """The next row of the dice, from the start."""
        return await redraw(now, now.rules, now.place["row"] + 1, now.place["given"], now.place["given"])

    async def look_at(place: dict[str, Any], event: gr.EventData) -> Updates:
        """Another letter of the word is looked at; the columns have followed in the browser."""
        at = getattr(event, "at", None)
        if not isinstance(at, int) or not 0 <= at < len(place["ids"]):
            raise LabError(t("sample.not_a_place"))
        return {ui.at: {**place, "at": at}}

    async def branches(now: Now) -> Updates:
        """The tree of the letter that is looked at; of a large vocabulary also its logits."""
        place, rules = now.place, now.rules
        if place["dice"] is None or place["of"] in ("lecture", "own"):
            return {}
        updates = await tree_of(now, place, rules)
        if place["partial"]:
            updates |= await word_of(now, rules, place, place["row"], len(place["ids"]), place["at"])
        return updates

    async def force(now: Now, event: gr.EventData) -> Updates:
        """A row was chosen: its letter stands, the rest is rolled, and the letter after it is looked at."""
        token, place = getattr(event, "token", None), now.place
        if not isinstance(token, int) or not 0 <= token < place["size"]:
            raise LabError(t("sample.not_a_place"))
        return await put(now, [token])

    async def go(now: Now, event: gr.EventData) -> Updates:
        """A node of the tree was chosen: its letters stand after those before the one looked at."""
        ids = getattr(event, "ids", None)
        if not isinstance(ids, list) or not 1 <= len(ids) <= 10 or not all(isinstance(i, int) for i in ids):
            raise LabError(t("sample.not_a_place"))
        return await put(now, ids)

    async def put(now: Now, ids: list[int]) -> Updates:
        """Tokens that the student chose stand where the page looks; the next one is looked at, or the end."""
        at = now.place["at"]
        if at < now.place["given"]:
            raise LabError(t("sample.stands_written"))
        after = at + len(ids) - (ids[-1] == now.place["boundary"])
        return await redraw(now, now.rules, now.place["row"], at, after, ids)

    async def hundred(now: Now) -> Updates:
        """A hundred names by these rules; a hundred tokens where there is no model."""
        if now.source != "model":
            place = {**now.place, "of": now.source, "dice": [now.dice, now.written]}
            updates = await logits_of(now, now.rules, place, now.place["row"])
            return {ui.first: updates[ui.first]}
        return (await names_of(now, need(now.model), now.written, now.rules, HUNDRED))[1]

    async def new_dice(now: Now) -> Updates:
        seed = secrets.randbelow(1_000_000)
        return {ui.seed: seed, **await everything(replace(now, seed=seed))}

    async def change_source(now: Now) -> Updates:
        return {
            ui.own: gr.update(visible=now.source == "own"),
            **await everything(now),
            ui.preset: preset_of(now.rules, now.source),
        }

    async def choose_preset(now: Now) -> Updates:
        """The sliders of a preset; where the logits change with it, all of the level."""
        if now.preset is None:
            return {}
        updates = preset_updates(ui, now.preset, now.place["size"])
        source = updates[ui.source]
        if source == now.source:
            return updates
        sliders = tuple(updates[slider] for slider in ui.sliders)
        return {**updates, **await everything(replace(now, source=source, sliders=sliders))}

    async def choose_model(owner: str, corpus: Any, model: str | None, request: gr.Request) -> Updates:
        ctx.looks[request.session_hash or ""] = model
        return await ctx.refresh(owner, corpus, model)

    async def another_model(now: Now) -> Updates:
        if now.source != "model" or not now.model or now.place["of"] == now.model:
            return {}
        return await everything(now)

    async def written(now: Now) -> Updates:
        """A field was left, or Enter pressed in it: only what has changed changes anything."""
        return {} if now.place["dice"] == [now.dice, now.written] else await everything(now)

    async def arrive(now: Now) -> Updates:
        return {} if now.source == "model" and not now.model else await everything(now)

    async def show_over(now: Now) -> Updates:
        if now.source != "model" or not now.model:
            return {}
        return await measure(now, now.model, now.rules)

    # --- predict --------------------------------------------------------------------------------------------

    async def reveal(question: Question, answer: Any, owner: str, corpus: Any, *here: Any) -> tuple[Told, Updates]:
        """Run what the question asks about, with the guess on it."""
        *fields, temperature, k, p, m = here
        now = Now(*[owner, corpus, *fields, (temperature, k, p, m)])
        if question.name == "copies-hot":
            told, rules, size, updates = await reveal_copies(now, answer)
        elif question.name == "half":
            told, rules, size, updates = await reveal_half(now, answer)
        else:
            told, rules, size, updates = await reveal_drawing(now, answer)
        source = "lecture" if question.name == "draw-softmax" else "model"
        return told, {
            ui.source: source,
            ui.own: gr.update(visible=False),
            ui.prefix: "",
            ui.temperature: rules.T,
            ui.top_k: k_slider(rules, size),
            ui.top_p: rules.p,
            ui.min_p: rules.m,
            ui.preset: preset_of(rules, source),
            **updates,
        }

    async def reveal_copies(now: Now, guess: float | None) -> tuple[Told, Rules, int, Updates]:
        rules, model = Rules(COPIES_T, None, 1.0, 0.0), need(now.model)
        start = {**EMPTY, "of": model, "dice": [now.dice, ""]}
        known, names = await names_of(now, model, "", rules, HUNDRED, guess)
        word = await word_of(now, rules, start)
        measured = await measure(now, model, rules, None if guess is None else (COPIES_T, guess))
        gap = [tn("sample.predict.copies_fact", known)]
        if guess is not None:
            name = "right" if known == guess else "more" if known > guess else "fewer"
            gap.append(t(f"sample.predict.copies_{name}", off=abs(known - guess)))
        told = Told(
            t("sample.predict.copies_predicted", guess=guess or 0),
            t("sample.predict.copies_ran", seed=now.dice),
            " ".join([*gap, t("sample.predict.copies_why")]),
            float(known),
        )
        updates = {**names, **word, **measured, **await tree_of(now, word[ui.at], rules)}
        return told, rules, word[ui.at]["size"], updates

    async def reveal_half(now: Now, guess: float | None) -> tuple[Told, Rules, int, Updates]:
        rules, model = Rules(1.0 if guess is None else guess, None, 1.0, 0.0), need(now.model)
        found = await ctx.ask(model, now.owner, "temperature_for", share=0.5)
        about = await ctx.ask(model, now.owner, "distribution", **rules.asked)
        top, usual, truth = found["id"], 100 * found["usual"], found["temperature"]
        start = {**EMPTY, "of": model, "dice": [now.dice, ""], "guess": {top: 0.5}}
        word = await word_of(now, rules, start)
        told = Told(
            t("sample.predict.half_predicted", guess=rules.T),
            t("sample.predict.half_ran", t=rules.T, letter=found["symbol"], share=100 * about["p_final"][top]),
            t("sample.predict.half_never", usual=usual)
            if truth is None
            else t("sample.predict.half_told", truth=truth, usual=usual),
            None if truth is None else round(truth, 3),
        )
        return told, rules, word[ui.at]["size"], {**word, **await tree_of(now, word[ui.at], rules)}

    async def reveal_drawing(now: Now, answer: list[float] | None) -> tuple[Told, Rules, int, Updates]:
        rules = Rules(DRAWN_T, None, 1.0, 0.0)
        truth = (await ctx.ask(None, now.owner, "shares", logits=list(LECTURE), temperatures=[DRAWN_T]))["p"][0]
        guess = None if answer is None else {i: share / 100 for i, share in enumerate(answer)}
        start = {**EMPTY, "of": "lecture", "dice": [now.dice, ""], "guess": guess}
        gap = t("sample.predict.draw_skipped")
        if answer is not None:
            off = sum(abs(share - 100 * p) for share, p in zip(answer, truth, strict=True)) / len(LECTURE)
            gap = t("sample.predict.draw_told", off=off)
        told = Told(
            t("sample.predict.draw_predicted", shares=", ".join(f"{share:.0f}" for share in answer or [])),
            t("sample.predict.draw_ran", shares=", ".join(f"{100 * p:.1f}" for p in truth)),
            gap,
            [round(100 * p, 2) for p in truth],
        )
        return told, rules, len(LECTURE), await logits_of(now, rules, start)

    # --- connections ----------------------------------------------------------------------------------------

    page = [ui.source, ui.model, ui.own, ui.prefix, ui.seed, ui.at, ui.preset, ui.measured, *ui.sliders]
    here = [ctx.owner, ctx.corpus, *page]
    word = [ui.at, ui.word, ui.columns, ui.exact, ui.tree]
    names = [ui.names, ui.first, ui.download]
    figure = [ui.over, ui.measured]
    fields = [ui.preset, ui.source, ui.own, *ui.sliders]
    everywhere = [*word, *names, *figure, *fields, ui.prefix, ui.seed]

    def on(event: Any, handler: Handler, *outputs: Any, last: bool = False) -> Any:
        more = {"trigger_mode": "always_last"} if last else {}
        return light(event, guarded(ui.message, of_page(handler)), here, [*outputs, ui.message], **more)

    ui.predict.wire(ctx, ui.message, reveal, page, everywhere)
    for slider in ui.sliders:  # in the browser alone
        slider.change(None, ui.sliders, [], js=TELL, api_visibility="private", show_progress="hidden", queue=False)
    on(ui.columns.settled, settled, *word, *names, *figure, ui.preset, last=True)
    for event, told in ((ui.columns.force, force), (ui.tree.go, go)):
        light(event, guarded(ui.message, with_event(told)), here, [*word, *names, ui.message])
    looked = light(
        ui.word.choose, guarded(ui.message, look_at), [ui.at], [ui.at, ui.message], trigger_mode="always_last"
    )
    on(looked.then, branches, *word, last=True)
    on(ui.word.fresh, fresh, *word, *names)
    on(ui.again.click, again, *word, *names)
    on(ui.hundred.click, hundred, *names)
    on(ui.dice.click, new_dice, *word, *names, ui.top_k, ui.seed)
    for event in (ui.prefix.submit, ui.prefix.blur, ui.seed.submit, ui.seed.blur, ui.own.submit, ui.own.blur):
        on(event, written, *word, *names, ui.top_k, last=True)
    on(ui.source.input, change_source, *word, *names, ui.top_k, ui.own, ui.preset)
    on(ui.preset.input, choose_preset, *word, *names, *fields)
    light(
        ui.model.input, guarded(ui.message, choose_model), [ctx.owner, ctx.corpus, ui.model], [*ctx.frame, ui.message]
    )
    # The menu's value changes with a click on the bench, too, and when the page opens.
    changed = on(ui.model.change, another_model, *word, *names, ui.top_k)
    on(changed.then, show_over, *figure)
    ctx.show("sample", guarded(ui.message, of_page(arrive)), here, [*word, *names, ui.top_k, ui.message])
    ctx.show("sample", guarded(ui.message, of_page(show_over)), here, [*figure, ui.message])


def k_slider(rules: Rules, size: int) -> Any:
    """Top-k reaches as far as the vocabulary."""
    return gr.update(maximum=size, value=size if rules.k is None else rules.k, info=t("sample.top_k_info", size=size))


# --- what came from the page --------------------------------------------------------------------------------


def need(model: str | None) -> str:
    """The chosen model. Raises `LabError` where there is none."""
    if not model:
        raise LabError(t("sample.no_model"))
    return model
