"""Generating: the check of the cache finds a broken one, and what must not end does not."""

import pytest
import torch
from benching import no_peers, one_core  # noqa: F401

from lmlab.bench import generation
from lmlab.bench.peers import GPT2, outspoken
from lmlab.generation.generate import generate
from lmlab.tokenizers.characters import CharacterTokenizer

TOKENIZER = CharacterTokenizer("abcdefgh")
TINY = {"context": 12, "d_model": 16, "n_layer": 2, "n_head": 2}


@pytest.fixture
def model():
    return outspoken("transformer", TINY, TOKENIZER.vocab_size).eval()


def test_a_sound_cache_agrees(model):
    apart, same = generation.cache_agrees(model, TOKENIZER, n=5, limit=12)
    assert apart < 1e-5
    assert same
    assert "the same 5 texts" in generation._said(model, TOKENIZER, 5, 12)


def test_a_broken_cache_is_found(model, monkeypatch):
    monkeypatch.setattr(model, "next", lambda ids, state=None: (model.logits(ids)[:, -1], ()))  # forgets all
    apart, same = generation.cache_agrees(model, TOKENIZER, n=20, limit=12)
    assert apart > 1e-5
    assert not same
    said = generation._said(model, TOKENIZER, 20, 12)
    assert "NOT within 1e-5" in said
    assert "NOT the same" in said


def test_an_endless_model_never_ends(model):
    assert any(sample.ended for sample in generate(model, TOKENIZER, 50, limit=12))
    endless = generation.Endless(model, TOKENIZER.boundary_id)
    samples = generate(endless, TOKENIZER, 50, limit=12)
    assert all(len(sample.text) == 12 and not sample.ended for sample in samples)
    assert generation.cache_agrees(endless, TOKENIZER, 5, 12)[1]


def test_the_peer_ends_or_must_not(model):
    pytest.importorskip("transformers")
    peer = GPT2(model, with_weights=True).eval()
    torch.manual_seed(0)
    assert peer.generate(3, 11, forbidden=0).shape == (3, 12)
    assert (peer.generate(3, 11, forbidden=0)[:, 1:] != 0).all()
    assert (peer.generate(50, 11)[:, 1:] == 0).any()


@pytest.mark.parametrize("peers", [True, False])
def test_the_rows_of_generating(peers, request):
    if peers:
        pytest.importorskip("transformers")
    else:
        request.getfixturevalue("no_peers")
    rows = generation.generation(names=5, length=10, turns=1)
    names = ["generation-names", "generation-text", "generation-rnn", "generation-gru", "generation-lstm"]
    assert [row.name for row in rows] == names
    assert [row.value is not None for row in rows] == [peers, peers, True, True, True]
    for row in rows:
        assert "NOT" not in row.note
        assert "the same" in row.note
        assert "too much" not in row.note
    assert [row.target for row in rows] == [3.0, 3.0, None, None, None]
