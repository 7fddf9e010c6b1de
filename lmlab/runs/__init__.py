"""Trained models on disk, each with its card. `cards.py` needs no torch, `store.py` loads the weights."""
