"""The levels of the road, in their order: one module each with `build(ctx) -> handles` and `wire(ctx, handles)`.

A module may have `warm(ctx)`, too: what it asks for when the server starts. Levels do not import each other.
"""

from types import ModuleType

from lmlab.ui.levels import compare, count, embed, guess, labs, mlp, sample

LEVELS: dict[str, ModuleType] = {
    "guess": guess,
    "count": count,
    "embed": embed,
    "mlp": mlp,
    "sample": sample,
    "compare": compare,
    "labs": labs,
}
"""A further level is one more line here; the rail, the links and the keys follow."""
