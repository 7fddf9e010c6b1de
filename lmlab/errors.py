"""The one error that is written for a student: a sentence with the value and the way out."""


class LabError(ValueError):
    """Something a person can mend: what happened, which value, what to do next.

    The app shows the sentence as it is and the command line prints it; neither shows a traceback.

    >>> raise LabError("k is 0: top-k keeps at least 1 token. Choose a k of 1 or more.")
    Traceback (most recent call last):
    lmlab.errors.LabError: k is 0: top-k keeps at least 1 token. Choose a k of 1 or more.
    """
