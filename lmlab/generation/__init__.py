"""Sampling rules as pure functions on logits, and the one loop that generates."""
