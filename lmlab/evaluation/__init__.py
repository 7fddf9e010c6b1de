"""The ruler: one loss for every model, per-character surprise, novelty, and projections of embeddings."""
