"""Level Compare."""

from typing import Any

from lmlab.strings import t
from lmlab.ui.context import Context
from lmlab.ui.widgets.content import h, words


def build(ctx: Context) -> Any:
    """Make the components."""
    words(h("h1", t("compare.title")), h("p", t("compare.lead")), elem_classes="lead")


def wire(ctx: Context, ui: Any) -> None:
    """Connect the events."""
