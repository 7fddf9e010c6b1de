"""The ruler: one loss for every model; gradients, memorisation, leaks, comparisons, projections and word vectors."""
