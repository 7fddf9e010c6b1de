"""Choosing what to learn from: a bundled corpus, pasted text, an uploaded file, a Hub data set."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from lmlab.data.corpus import decode_utf8
from lmlab.errors import LabError
from lmlab.runs.cards import check_disk, home, owner_key
from lmlab.strings import t, tn
from lmlab.ui.context import NAMES, Context, Updates, guarded, light
from lmlab.ui.widgets.content import h, words

LARGEST_TEXT = 500_000  # characters of a pasted or uploaded corpus
MOST_OWN = 20  # texts of one visitor that are kept; the one that was used longest ago goes first
BUNDLED = ("names", "names_indian")
OWN = "own"


@dataclass
class Corpora:
    """The components of the panel."""

    source: gr.Radio
    report: gr.HTML
    own: gr.Column
    text: gr.Textbox
    upload: gr.File
    hub: gr.Textbox
    use: gr.Button


def build_corpora(level: str) -> Corpora:
    """Make the panel where it is called; the ids begin with the level's name."""
    choices = [(t(f"corpora.{name}"), name) for name in (*BUNDLED, OWN)]
    source = gr.Radio(
        choices, value="names", label=t("corpora.title"), elem_classes="switch", elem_id=f"{level}-source"
    )
    report = words(elem_classes="report", elem_id=f"{level}-report")
    with gr.Column(visible=False, elem_classes="own", min_width=200) as own:
        text = gr.Textbox(label=t("corpora.text"), lines=5, max_lines=8, elem_id=f"{level}-text")
        upload = gr.File(
            label=t("corpora.upload", most=LARGEST_TEXT), file_types=[".txt", ".csv", ".tsv", ".text"], height=140,
            elem_id=f"{level}-upload",
        )  # fmt: skip
        hub = gr.Textbox(
            label=t("corpora.hub"), placeholder=t("corpora.hub_example"), max_lines=1, elem_id=f"{level}-hub"
        )
        use = gr.Button(t("corpora.use"), elem_id=f"{level}-use")
    return Corpora(source, report, own, text, upload, hub, use)


def wire_corpora(
    ctx: Context, level: str, ui: Corpora, message: gr.HTML, changed: Callable[[], Updates], outputs: list[Any]
) -> None:
    """Connect the events; `changed` says what else on the level a new corpus sets back, `outputs` which those are."""

    async def choose(source: str, owner: str) -> Updates:
        """One of the bundled corpora; the fields for an own one open instead when that is chosen."""
        if source not in BUNDLED:
            return {ui.own: gr.update(visible=True)}
        return {ui.own: gr.update(visible=False), **await change(bundled(source), owner)}

    async def use_own(text: str, file: str | None, hub: str, owner: str) -> Updates:
        """Pasted text, an uploaded file or a Hub data set; a download that fails leaves the bundled names."""
        if sum(bool(filled) for filled in (text.strip(), file, hub.strip())) > 1:
            raise LabError(t("corpora.several"))
        if not hub.strip():
            return await change(save_own_corpus(text, file, owner), owner)
        try:
            folder = str(own_folder(owner))
            fetched = await ctx.jobs.call(None, owner, "fetch", {"name": hub.strip(), "folder": folder}, timeout=120)
            keep_newest(own_folder(owner))
            return await change(fetched, owner)
        except LabError as error:
            note = h("p", f"{error} {t('corpora.fell_back')}", role="alert")
            updates = await change(NAMES, owner)
            return {**updates, message: [note], ui.source: "names", ui.own: gr.update(visible=False)}

    async def change(corpus: dict[str, Any], owner: str) -> Updates:
        about = await ctx.ask_corpus(corpus, owner, "corpus")  # refuses a bad one before anything changes
        return {
            **changed(),
            ctx.corpus: {**corpus, "longest": about["longest"]},
            ui.report: report_trees(about["cleaning"]),
        }

    everything = [*outputs, ctx.corpus, ui.own, ui.report, ui.source, message]
    # Queued, because only then does Gradio tell the page that the corpus's state has changed.
    light(ui.source.input, guarded(message, choose), [ui.source, ctx.owner], everything, queue=True)
    light(
        ui.use.click, guarded(message, use_own), [ui.text, ui.upload, ui.hub, ctx.owner], everything, queue=True
    )  # fmt: skip

    async def show_report(owner: str, corpus: Any) -> Updates:
        about = await ctx.ask_corpus(corpus, owner, "corpus")
        own = corpus["source"] not in BUNDLED
        return {
            ui.report: report_trees(about["cleaning"]),
            ui.source: OWN if own else corpus["source"],
            ui.own: gr.update(visible=own),
        }

    shown = [ui.report, ui.source, ui.own, message]
    ctx.show(level, guarded(message, show_report), [ctx.owner, ctx.corpus], shown)


def bundled(source: str) -> dict[str, Any]:
    """A corpus that every server has, under the name that the page gives it."""
    return NAMES if source == "names" else {"source": source, "name": t(f"corpora.{source}")}


def report_trees(cleaning: dict[str, Any]) -> list[Any]:
    """What cleaning did, in words."""
    said = [tn("corpora.read", cleaning["lines"], kept=cleaning["kept"])]
    if cleaning["duplicates"]:
        said.append(t("corpora.duplicates", n=cleaning["duplicates"]))
    said += [
        tn(f"corpora.{name}", cleaning[reason])
        for name, reason in (("empty", "empty"), ("too_long_lines", "too_long"))
        if cleaning[reason]
    ]
    if cleaning["by_rank"]:
        said.append(t("corpora.by_rank"))
    return [h("p", " ".join(said))]


def save_own_corpus(text: str | None, file: str | None, owner: str) -> dict[str, Any]:
    """Keep a visitor's text in a file that the workers can read, named by its content."""
    if file:
        content = Path(file).read_bytes()
        name = Path(file).name
        text = decode_utf8(content[: 4 * LARGEST_TEXT], name)
    else:
        name = t("corpora.own_name")
    text = text or ""
    if len(text) > LARGEST_TEXT:
        raise LabError(t("corpora.too_long", length=len(text), most=LARGEST_TEXT))
    if not text.strip():
        raise LabError(t("corpora.nothing"))
    check_disk()
    folder = own_folder(owner)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}.txt"
    path.write_bytes(text.encode("utf-8", "replace"))
    keep_newest(folder)
    return {"source": str(path), "name": name}


def keep_newest(folder: Path, most: int = MOST_OWN) -> None:
    """Remove the oldest texts of a visitor where there are more than `most`."""
    files = sorted(folder.glob("*.txt"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    for path in files[: max(0, len(files) - most)]:
        path.unlink(missing_ok=True)


def own_folder(owner: str) -> Path:
    """Where a visitor's corpora lie."""
    return home() / "corpora" / owner_key(owner)
