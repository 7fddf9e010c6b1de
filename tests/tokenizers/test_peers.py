"""CI compares with every peer: there, one that is missing is a failure and not a skip."""

import importlib
import os

import pytest


@pytest.mark.skipif(
    os.environ.get("LMLAB_PEERS") != "1", reason="only LMLAB_PEERS=1 wants every peer to be installed"
)
@pytest.mark.parametrize("peer", ["bpe_openai", "nltk", "tokenizers", "transformers"])
def test_the_peer_is_installed(peer):
    assert importlib.import_module(peer)
