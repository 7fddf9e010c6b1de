"""The network that a student looks at, at one moment of its training."""

from dataclasses import dataclass
from typing import Any

from lmlab.errors import LabError
from lmlab.runs.cards import short_name
from lmlab.strings import t
from lmlab.ui.context import Context

AT_WORK = ("waiting", "running", "paused", "finishing")


@dataclass(frozen=True)
class Looked:
    """Whom to ask, and about what: `at` is a step of the training that one went back to; None: as it is now."""

    ctx: Context
    owner: str
    corpus: dict[str, Any]
    model: str
    at: int | None

    @property
    def name(self) -> str:
        """What the model is called."""
        return short_name(self.model)

    @property
    def at_work(self) -> bool:
        """Whether it is in training: its numbers may be others in a moment."""
        if self.at is not None or self.model not in self.ctx.jobs.jobs_of(self.owner):
            return False
        return self.ctx.jobs.poll(self.model, self.owner).status.state in AT_WORK

    @property
    def kind(self) -> str:
        """`mlp`, `transformer`, `ngram`, …"""
        if self.model in self.ctx.jobs.jobs_of(self.owner):
            return self.ctx.jobs.poll(self.model, self.owner).spec.model
        return str(self.ctx.card(self.model, self.owner)["model"]["kind"])

    async def ask(self, question: str, **args: Any) -> Any:
        """A question about it, with the corpus that it learned from."""
        source = self.ctx.corpus_of(self.owner, self.model, self.corpus)
        step = {} if self.at is None else {"step": self.at}
        about = {"corpus": source["source"], "corpus_name": source["name"]}
        return await self.ctx.ask(self.model, self.owner, question, **about, **args, **step)


def looked(
    ctx: Context, owner: str, corpus: dict[str, Any], model: str | None, moment: int | None, shown: str | None
) -> Looked:
    """The model of the menu; a moment is one of the run on the level's chart. Raises `LabError` for no model."""
    if not model:
        raise LabError(t("inside.no_walk"))
    return Looked(ctx, owner, corpus, model, moment if model == shown else None)
