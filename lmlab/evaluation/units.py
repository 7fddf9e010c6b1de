"""One loss in several units, and from each unit back to nats. The page's converter mirrors this file.

    bits = nats / ln 2        perplexity = e^nats        total = nats * predictions

Perplexity is the number of equally likely letters among which one would be as unsure. The total is that of a whole
name: a name of n letters is n + 1 predictions, because its end is predicted, too.
"""

import math
from typing import Literal

from lmlab.errors import LabError

Unit = Literal["nats", "bits", "perplexity", "total"]


def nats_of(value: float, unit: Unit, predictions: int = 1) -> float:
    """A loss in nats per character from its value in a unit.

    Raises `LabError` for what no loss can be: below 0, a perplexity below 1, not finite.

    >>> round(nats_of(27, "perplexity"), 4), round(nats_of(14.7, "total", predictions=8), 4)
    (3.2958, 1.8375)
    >>> nats_of(0.5, "perplexity")
    Traceback (most recent call last):
    lmlab.errors.LabError: The perplexity is 0.5: it is at least 1, that of a model that is always sure and right.
    """
    if unit == "perplexity" and value < 1:
        raise LabError(
            f"The perplexity is {value:g}: it is at least 1, that of a model that is always sure and right."
        )
    if not math.isfinite(value) or value < 0:
        raise LabError(f"The loss is {value:g}: it is a number, and 0 or more.")
    if unit == "bits":
        return value * math.log(2)
    if unit == "perplexity":
        return math.log(value)
    return value / predictions if unit == "total" else value


def in_units(nats: float, predictions: int = 1) -> dict[Unit, float]:
    """A loss in nats per character in every unit.

    >>> {unit: round(value, 3) for unit, value in in_units(1.8375, predictions=8).items()}
    {'nats': 1.837, 'bits': 2.651, 'perplexity': 6.281, 'total': 14.7}
    """
    return {
        "nats": nats,
        "bits": nats / math.log(2),
        "perplexity": math.exp(nats) if nats < 700 else math.inf,
        "total": nats * predictions,
    }
