"""Plotly figures from plain arrays, testable without a browser; `figure.py` says what a figure is."""
