"""Byte-pair encoding: our merges are those of `tokenizers`."""

import pytest
from benching import no_peers, one_core  # noqa: F401

from lmlab.bench import tokenizing

TEXT = "the cat and the other cats sat on the mat; that's the end of the tale, naïve 42 नमस्ते.\n" * 3


def test_the_rows_say_that_both_agree():
    pytest.importorskip("tokenizers")
    rows = tokenizing.bpe(runs=2, merges=30, text=TEXT)
    assert [row.name for row in rows] == ["bpe", "gpt2-encode", "gpt2-decode"]
    assert all(row.value is not None and len(row.runs) == 2 for row in rows)
    assert rows[0].target == 5.0
    assert "its merges are the same" in rows[0].note
    assert all("Ids and text are the same" in row.note for row in rows[1:])


def test_other_merges_are_told(monkeypatch):
    pytest.importorskip("tokenizers")
    monkeypatch.setattr(tokenizing, "trained_by_peer", lambda text, merges: [("t", "h")])
    assert "its merges are NOT the same" in tokenizing.bpe(runs=1, merges=30, text=TEXT)[0].note


@pytest.mark.usefixtures("no_peers")
def test_without_a_peer_our_own_speed_is_measured():
    rows = tokenizing.bpe(runs=1, merges=5, text=TEXT)
    assert all(row.value is not None and "pip install tokenizers" in row.note for row in rows)
