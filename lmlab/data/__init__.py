"""Corpora: bundled files with their licences, loading, cleaning, deduplication and the split."""
