"""What can be done with a model on the bench: look at it, duplicate, pin, rename, delete, take along, bring in."""

import asyncio
from collections.abc import Callable
from typing import Any

import gradio as gr

from lmlab.errors import LabError, sentence_of
from lmlab.runs.archive import pack_run
from lmlab.runs.cards import RUN_ID, delete_run, find_run, home, name_of, owner_key, pin_run, rename_run
from lmlab.strings import t
from lmlab.ui.bench import level_of, shown_loss
from lmlab.ui.context import Context, Updates, light, pack
from lmlab.ui.widgets.bench import bench_widget

LONGEST_IMPORT = 120.0  # seconds: the model is measured, and a full lab is slow

# The browser is told where the file lies; the button that would fetch it is not for people.
FETCH = """(file) => {
  if (!file) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name || "model.zip";
  link.click();
}"""


def build_bench(ctx: Context) -> tuple[gr.UploadButton, gr.DownloadButton]:
    """The bench, the button that brings a model in, and the hidden one that holds what is taken along."""
    ctx.bench = bench_widget(elem_classes="bench", elem_id="bench")
    bring = gr.UploadButton(
        t("bench.import"), file_types=[".zip"], elem_id="bench-import", elem_classes="link", size="sm"
    )
    return bring, gr.DownloadButton(visible=False)


def wire_bench(ctx: Context, tabs: gr.Tabs, bring: gr.UploadButton, taken: gr.DownloadButton) -> None:
    """Connect the events of the bench; after all levels are wired, because their adopters are needed."""
    here = [ctx.owner, ctx.corpus, ctx.chosen]
    adopted = {part: None for _, parts in ctx.adopters.values() for part in parts}

    async def act(owner: str, corpus: Any, chosen: str | None, event: gr.EventData) -> Updates:
        """Choose, pin, unpin, rename or delete a model."""
        what = str(getattr(event, "do", ""))
        if what.startswith("choose:"):
            return await ctx.refresh(owner, corpus, what.removeprefix("choose:"))
        run = run_of(event)
        name = name_of(ctx.card(run, owner))
        if what == "rename":
            name = name_of(await asyncio.to_thread(rename_run, run, owner, getattr(event, "name", None)))
            return await ctx.refresh(owner, corpus, chosen, t("bench.renamed", name=name), run)
        if what in ("pin", "unpin"):
            most = max(1, ctx.jobs.limits.runs_per_owner // 2)
            await asyncio.to_thread(pin_run, run, owner, what == "pin", most)
            said = t("bench.was_pinned" if what == "pin" else "bench.was_unpinned", name=name)
            return await ctx.refresh(owner, corpus, chosen, said, run)
        if what == "delete":
            await asyncio.to_thread(delete_run, run, owner)
            return await ctx.refresh(owner, corpus, chosen, t("bench.deleted", name=name))
        return {}

    async def duplicate(owner: str, corpus: Any, chosen: str | None, event: gr.EventData) -> Updates:
        """Fill the controls of the level that made the model, and go there."""
        run = run_of(event)
        card = ctx.card(run, owner)
        level = level_of(card)
        if level not in ctx.adopters:
            return {}
        fill, _ = ctx.adopters[level]
        said = t("bench.duplicated", name=name_of(card))
        return {
            **fill(card),
            ctx.parent: run,
            ctx.level: level,
            tabs: gr.update(selected=level),
            **await ctx.refresh(owner, corpus, run, said, run),
        }

    async def export(owner: str, corpus: Any, chosen: str | None, event: gr.EventData) -> Updates:
        """Pack the model into one file, which the browser then fetches."""
        run = run_of(event)
        name = name_of(ctx.card(run, owner))
        place = home() / "downloads" / owner_key(owner) / f"{run}.zip"
        await asyncio.to_thread(pack_run, find_run(run, owner), place)
        said = t("bench.exported", name=name, file=place.name)
        return {taken: str(place), **await ctx.refresh(owner, corpus, chosen, said, run)}

    async def bring_in(owner: str, corpus: Any, chosen: str | None, file: str | None) -> Updates:
        """Have a worker look at the file; a sound model stands on the bench then, and is looked at."""
        if not file:
            return {}
        asked = {
            "corpus": corpus["source"], "corpus_name": corpus["name"], "visitor": owner, "archive": file,
            "most": ctx.jobs.limits.runs_per_owner,
        }  # fmt: skip
        # The upload stays for its day: equal files are one file to Gradio, so it may be a neighbour's, too.
        card = await ctx.jobs.call(None, owner, "import_run", asked, timeout=LONGEST_IMPORT)
        said = t("bench.was_imported", name=name_of(card), loss=shown_loss(card))
        return await ctx.refresh(owner, corpus, card["id"], said, card["id"])

    def spoken_on_the_bench(function: Callable[..., Any]) -> Callable[..., Any]:
        """Errors become a sentence on the bench, at the model that was meant."""

        async def with_event(owner: str, corpus: Any, chosen: str | None, event: gr.EventData) -> Updates:
            try:
                return pack(await function(owner, corpus, chosen, event))
            except Exception as error:
                run = getattr(event, "run", None)
                return pack(await ctx.refresh(owner, corpus, chosen, sentence_of(error), str(run)))

        async def with_file(owner: str, corpus: Any, chosen: str | None, file: str | None) -> Updates:
            try:
                return pack(await function(owner, corpus, chosen, file))
            except Exception as error:
                return pack(await ctx.refresh(owner, corpus, chosen, sentence_of(error)))

        return with_file if function is bring_in else with_event

    light(ctx.bench.act, spoken_on_the_bench(act), here, ctx.frame)
    outputs = list(dict.fromkeys([*ctx.frame, tabs, ctx.level, ctx.parent, *adopted]))
    # Queued, because only then does Gradio tell the page that a state has changed.
    light(ctx.bench.duplicate, spoken_on_the_bench(duplicate), here, outputs, queue=True)
    packed = light(ctx.bench.export, spoken_on_the_bench(export), here, [taken, *ctx.frame])
    packed.then(None, [taken], js=FETCH)
    light(bring.upload, spoken_on_the_bench(bring_in), [*here, bring], ctx.frame)


def run_of(event: gr.EventData) -> str:
    """The model that an event is about. Raises `LabError` for what is no id."""
    run = getattr(event, "run", None)
    if not (isinstance(run, str) and RUN_ID.fullmatch(run)):
        raise LabError(t("error.no_bench_model"))
    return run
