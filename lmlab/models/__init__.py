"""One file a model family, one protocol for all (`protocol.py`); `build.py` makes a model from its card."""
