"""Many names at once say what one name at a time says."""

import pytest

from lmlab.evaluation.loss import evaluate, surprisal, surprisals
from lmlab.models.ngram import count


@pytest.fixture(params=["counted", "mlp", "lstm", "transformer"])
def model(request, small, small_tokenizer, shaken):
    if request.param == "counted":
        return count(small, 3, tokenizer=small_tokenizer)
    options = {"context": 4, "d_model": 8, "n_layer": 1, "n_head": 1} if request.param == "transformer" else {}
    return shaken(request.param, options, small_tokenizer.vocab_size)


def test_each_document_has_its_own_surprises_in_its_order(model, small, small_tokenizer):
    documents = [*small.part("train"), "abracadabra" * 3]  # the last one is longer than a window
    found = surprisals(model, documents, small_tokenizer)
    for document, nats in zip(documents, found, strict=True):
        assert len(nats) == len(document) + 1
        assert nats == pytest.approx(surprisal(model, document, small_tokenizer), abs=1e-5)
    loss = evaluate(model, documents, small_tokenizer)
    assert sum(map(sum, found)) == pytest.approx(loss.nats, rel=1e-6)
