"""Are the options of a model in range? One check for all configs, so that all of them refuse in the same words."""

from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lmlab.errors import LabError


def check_options(config: Any, **most: int) -> None:
    """Each number that is named goes from 1 to `most`; each `Literal` field holds one of its words.

    Called in a config's `__post_init__`. Raises `LabError`.

    >>> from lmlab.models.average import AverageConfig
    >>> AverageConfig(d_embed=0)
    Traceback (most recent call last):
    lmlab.errors.LabError: d_embed is 0: choose 1 to 512.
    >>> AverageConfig(mixing="blender")
    Traceback (most recent call last):
    lmlab.errors.LabError: mixing 'blender' is unknown: choose mean or attention.
    """
    for name, highest in most.items():
        value = getattr(config, name)
        if not 1 <= value <= highest:
            raise LabError(f"{name} is {value}: choose 1 to {highest}.")
    for name, words in choices(type(config)).items():
        value = getattr(config, name)
        if value not in words:
            raise LabError(f"{name} '{value}' is unknown: choose {', '.join(words[:-1])} or {words[-1]}.")


def choices(config: type[Any]) -> dict[str, tuple[str, ...]]:
    """The words that each `Literal` field of a config takes.

    >>> from lmlab.models.average import AverageConfig
    >>> choices(AverageConfig)
    {'mixing': ('mean', 'attention')}
    """
    hints = get_type_hints(config)
    return {
        field.name: get_args(hints[field.name])
        for field in fields(config)
        if get_origin(hints[field.name]) is Literal
    }
