"""The one error that is written for a student: a sentence with the value and the way out."""

import difflib
import traceback
from collections.abc import Iterable

from lmlab.strings import t


class LabError(ValueError):
    """Something a person can mend: what happened, which value, what to do next.

    The app shows the sentence as it is and the command line prints it; neither shows a traceback. What a student can
    meet on the page comes from the catalogue: `LabError(t("error.…"))`. It is made in the language that is spoken
    there, also in a worker, which is told it with each question and each training.

    >>> raise LabError("k is 0: top-k keeps at least 1 token. Choose a k of 1 or more.")
    Traceback (most recent call last):
    lmlab.errors.LabError: k is 0: top-k keeps at least 1 token. Choose a k of 1 or more.
    """


def sentence_of(error: Exception) -> str:
    """What a person is told; the details of an error that nobody foresaw go to the log only."""
    if isinstance(error, LabError):
        return str(error)
    traceback.print_exception(error)
    return t("error.unforeseen", kind=type(error).__name__)


def nearest(name: str, known: Iterable[str]) -> str:
    """A question with the nearest known name, or nothing when none is near.

    >>> nearest("transfromer", ["mlp", "transformer"])
    " Did you mean 'transformer'?"
    >>> nearest("forest", ["mlp", "transformer"])
    ''
    """
    near = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""
