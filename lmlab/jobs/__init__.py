"""Training as jobs in worker processes. `messages.py` and `local.py` need no torch; the workers do the work."""
