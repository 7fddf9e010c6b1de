"""Level Generate: roll names from any model."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from lmlab.data.corpus import BUNDLED, normalise_name
from lmlab.errors import LabError
from lmlab.figures.sampling import before_and_after
from lmlab.runs.cards import home, owner_key
from lmlab.ui.bench import next_seq
from lmlab.ui.context import Context, Updates, guarded, light
from lmlab.ui.widgets.content import h, words
from lmlab.ui.widgets.figure import figure_widget

METHODS = {"Sample": "sample", "Greedy": "greedy", "Top-k": "top-k", "Top-p": "top-p", "Min-p": "min-p"}
MOST_NAMES = 100


@dataclass
class Generate:
    """The components of the level."""

    message: gr.HTML
    model: gr.Dropdown
    method: gr.Radio
    temperature: gr.Slider
    top_k: gr.Slider
    top_p: gr.Slider
    min_p: gr.Slider
    prefix: gr.Textbox
    number: gr.Slider
    seed: gr.Number
    roll: gr.Button
    download: gr.DownloadButton
    names: gr.HTML
    first: gr.HTML
    made: gr.State

    @property
    def rules(self) -> list[Any]:
        """The inputs of `rules_of`, in its order."""
        return [self.method, self.temperature, self.top_k, self.top_p, self.min_p]


def build(ctx: Context) -> Generate:
    """Make the components."""
    words(
        h("h1", "Roll new names"),
        h(
            "p",
            "The model only gives probabilities. "
            "Your settings decide which letters may be rolled, and random numbers do the rest.",
        ),
        elem_classes="lead",
    )
    message = words(elem_classes="message")
    with gr.Row(elem_classes="pair"):
        with gr.Column(elem_classes="main-column", min_width=240):
            with gr.Row(elem_classes="act"):
                roll = gr.Button("Roll names", variant="primary", elem_id="sample-roll")
                download = gr.DownloadButton("Download as CSV", interactive=False, elem_id="sample-download")
            names = words(elem_classes="fig", elem_id="sample-names")
            first = figure_widget(elem_id="sample-first")
        with gr.Column(elem_classes="side-column", min_width=240):
            model = gr.Dropdown([], label="Model", elem_id="sample-model", filterable=False)
            method = gr.Radio(
                list(METHODS), value="Sample", label="Method", elem_classes="switch", elem_id="sample-method"
            )
            temperature = gr.Slider(
                0,
                5,
                value=1.0,
                step=0.05,
                label="Temperature T",
                info="0 always takes the top letter",
                elem_id="sample-temperature",
            )
            top_k = gr.Slider(
                1,
                27,
                value=5,
                step=1,
                label="k",
                info="Keeps the k likeliest letters",
                visible=False,
                elem_id="sample-k",
            )
            top_p = gr.Slider(
                0.05,
                1,
                value=0.9,
                step=0.05,
                label="p",
                info="Keeps letters until their sum reaches p",
                visible=False,
                elem_id="sample-p",
            )
            min_p = gr.Slider(
                0,
                1,
                value=0.1,
                step=0.01,
                label="min-p",
                info="Keeps letters at least this share of the top one",
                visible=False,
                elem_id="sample-min-p",
            )
            prefix = gr.Textbox(
                label="Begins with", placeholder="nothing: from the start", max_lines=1, elem_id="sample-prefix"
            )
            number = gr.Slider(1, MOST_NAMES, value=24, step=1, label="How many", elem_id="sample-number")
            seed = gr.Number(
                41, precision=0, label="Seed", info="The same seed rolls the same dice", elem_id="sample-seed"
            )
    ctx.pickers.append((model, lambda card: True))
    return Generate(
        message,
        model,
        method,
        temperature,
        top_k,
        top_p,
        min_p,
        prefix,
        number,
        seed,
        roll,
        download,
        names,
        first,
        gr.State([]),
    )


def rules_of(method: str, temperature: float, top_k: float, top_p: float, min_p: float) -> dict[str, Any]:
    """What the controls say, for the worker; a control that is hidden has no say.

    >>> rules_of("Top-k", 0.8, 5, 0.9, 0.1)
    {'method': 'top-k', 'temperature': 0.8, 'top_k': 5}
    """
    if method not in METHODS:
        raise LabError(f"There is no method '{str(method)[:40]}'. Choose one of: {', '.join(METHODS)}.")
    name = METHODS[method]
    values = {"top-k": ("top_k", int(top_k)), "top-p": ("top_p", float(top_p)), "min-p": ("min_p", float(min_p))}
    rules: dict[str, Any] = {"method": name, "temperature": float(temperature)}
    if name in values:
        key, value = values[name]
        rules[key] = value
    return rules


def wire(ctx: Context, ui: Generate) -> None:
    """Connect the events."""

    async def show_first(owner: str, model: str | None, prefix: str, *controls: Any) -> Updates:
        """The distribution of the next letter, before and after the rules."""
        found = await ctx.ask(need(model), owner, "distribution", prefix=prefix or "", **rules_of(*controls))
        figure = before_and_after(found["symbols"], found["p"], found["p_final"], normalise_name(prefix or ""))
        return {ui.first: figure.to_value(next_seq())}

    async def roll(
        owner: str, corpus: Any, model: str | None, prefix: str, number: float, seed: float | None, *controls: Any
    ) -> Updates:
        """Roll the names, and show the first letter's distribution under the same rules."""
        if seed is None:
            raise LabError("The seed is empty: give a whole number.")
        if not 1 <= number <= MOST_NAMES:
            raise LabError(f"{number:g} names were asked for: choose 1 to {MOST_NAMES}.")
        source = corpus_of(owner, model, corpus)
        made = await ctx.ask(
            need(model), owner, "generate", corpus=source["source"], corpus_name=source["name"], n=int(number),
            prefix=prefix or "", seed=int(seed), **rules_of(*controls),
        )  # fmt: skip
        samples = made["samples"]
        return {
            ui.names: names_trees(samples),
            ui.made: samples,
            ui.download: gr.update(interactive=True, value=str(write_csv(samples, owner))),
            **await show_first(owner, model, prefix, *controls),
        }

    def corpus_of(owner: str, model: str | None, corpus: dict[str, Any]) -> dict[str, Any]:
        """The corpus a model learned from, if it is still here: it says which names are new."""
        if model and model in ctx.jobs.jobs_of(owner):
            spec = ctx.jobs.poll(model, owner).spec
            return {"source": spec.corpus, "name": spec.corpus_name or corpus["name"]}
        if model:
            about = ctx.card(model, owner)["corpus"]
            source = about.get("source", about["name"])
            if source in BUNDLED or Path(source).is_file():
                return {"source": source, "name": about["name"]}
        return corpus

    async def choose(owner: str, corpus: Any, model: str | None, request: gr.Request) -> Updates:
        ctx.looks[request.session_hash or ""] = model
        return await ctx.refresh(owner, corpus, model)

    async def show_controls(method: str) -> Updates:
        if method not in METHODS:
            raise LabError(f"There is no method '{str(method)[:40]}'.")
        return {
            ui.top_k: gr.update(visible=method == "Top-k"),
            ui.top_p: gr.update(visible=method == "Top-p"),
            ui.min_p: gr.update(visible=method == "Min-p"),
            ui.temperature: gr.update(visible=method != "Greedy"),
        }

    inputs = [ctx.owner, ctx.corpus, ui.model, ui.prefix, ui.number, ui.seed, *ui.rules]
    outputs = [ui.names, ui.made, ui.download, ui.first, ui.message]
    first_inputs, first_outputs = [ctx.owner, ui.model, ui.prefix, *ui.rules], [ui.first, ui.message]
    light(ui.roll.click, guarded(ui.message, roll), inputs, outputs)
    light(ui.prefix.submit, guarded(ui.message, roll), inputs, outputs)
    light(
        ui.method.input,
        guarded(ui.message, show_controls),
        [ui.method],
        [ui.top_k, ui.top_p, ui.min_p, ui.temperature, ui.message],
    )
    light(ui.method.input, guarded(ui.message, show_first), first_inputs, first_outputs)
    for slider in (ui.temperature, ui.top_k, ui.top_p, ui.min_p):
        light(slider.change, guarded(ui.message, show_first), first_inputs, first_outputs, trigger_mode="always_last")
    light(ui.prefix.change, guarded(ui.message, show_first), first_inputs, first_outputs, trigger_mode="always_last")
    light(ui.model.input, guarded(ui.message, choose), [ctx.owner, ctx.corpus, ui.model], [*ctx.frame, ui.message])
    # the menu's value changes with a click on the bench, too, and when the page opens
    light(ui.model.change, guarded(ui.message, roll), inputs, outputs)


def need(model: str | None) -> str:
    """The chosen model. Raises `LabError` where there is none."""
    if not model:
        raise LabError("There is no model yet. Count or train one first.")
    return model


def names_trees(samples: list[dict[str, Any]]) -> list[Any]:
    """Names with their surprise a character and their novelty."""
    known = sum(sample["novelty"] == "training" for sample in samples)
    held = sum(sample["novelty"] == "held out" for sample in samples)
    rows = []
    for sample in samples:
        mark = sample["novelty"]
        text = sample["text"] if sample["ended"] else sample["text"] + "…"
        rows.append(
            h(
                "li",
                h(
                    "span",
                    text or "(end)",
                    cls="known" if mark == "training" else "held" if mark == "held out" else "",
                ),
                h("span", f"{sample['nats'] / sample['rolls']:.2f}", cls="num faint"),
                title={"training": "a training name", "held out": "a held-out name", "new": "new"}.get(mark, mark),
            )
        )
    return [
        h("h3", f"{len(samples)} name{'s' if len(samples) != 1 else ''}"),
        h(
            "p", h("span", "Underlined", cls="known"), f": copies a training name, {known} of {len(samples)}. ",
            h("span", "Dotted", cls="held"), f": a held-out name, {held}. The rest are new. "
            "The number is the model’s surprise, nats per character.", cls="look",
        ),
        h("ul", *rows, cls="rolled", data_state="rolled", data_seq=next_seq()),
    ]  # fmt: skip


def write_csv(samples: list[dict[str, Any]], owner: str) -> Path:
    """The samples as the visitor's file; text that a spreadsheet would run as a formula is quoted."""
    folder = home() / "downloads" / owner_key(owner)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "names.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "nats", "nats per character", "novelty", "ended"])
        for sample in samples:
            per_character = round(sample["nats"] / sample["rolls"], 4)
            writer.writerow(
                [
                    harmless(sample["text"]),
                    round(sample["nats"], 4),
                    per_character,
                    sample["novelty"],
                    sample["ended"],
                ]
            )
    return path


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, wherever it cuts the line: a quote before what could begin one.

    >>> harmless("emma"), harmless("=1+2"), harmless("a;＝1")
    ('emma', "'=1+2", "a;'＝1")
    """
    return re.sub(r"(^|[;,\t\r\n|])(?=\s*[=+\-@＝＋－＠\t\r])", r"\1'", text)
