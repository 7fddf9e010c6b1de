"""Beam search: what is likeliest as a whole."""

import itertools
import math

import pytest

from lmlab.errors import LabError
from lmlab.generation.beam import beam
from lmlab.generation.generate import generate
from lmlab.generation.sampling import Sampling
from lmlab.models.mlp import MLP, MLPConfig
from lmlab.models.ngram import Ngram, NgramConfig, count_ngrams
from lmlab.models.skipgram import SkipGram, SkipGramConfig
from lmlab.models.transformer import Transformer, TransformerConfig
from lmlab.tokenizers.characters import CharacterTokenizer

TOKENIZER = CharacterTokenizer("abc")
NAMES = ["ab", "abc", "ac", "ba", "bca", "c", "cab", "a", "bb"]


@pytest.fixture(params=["ngram", "mlp", "transformer"])
def model(request):
    if request.param == "ngram":
        return Ngram(NgramConfig(3, "add-k", k=0.1), count_ngrams(NAMES, TOKENIZER, 3))
    if request.param == "mlp":
        return MLP(MLPConfig(context=2, d_embed=4, d_hidden=8), TOKENIZER.vocab_size).eval()
    return Transformer(TransformerConfig(context=8, d_model=8, n_layer=1, n_head=2), TOKENIZER.vocab_size).eval()


def log_p(model, text: str, rules: Sampling) -> float:
    """The sum of ln p of a text and its end, token by token."""
    import torch

    ids, total = [0], 0.0
    for token in [*TOKENIZER.encode(text), 0]:
        with torch.inference_mode():
            logits, _ = model.next(torch.tensor([ids]))
        total += float(rules.apply(logits.double()).log_softmax(-1)[0, token])
        ids.append(token)
    return total


@pytest.mark.parametrize("rules", [Sampling(), Sampling(0.7, top_k=3), Sampling(2.0, top_p=0.9)])
def test_a_wide_beam_finds_the_likeliest_of_all_texts(model, rules):
    every = ["".join(text) for n in range(5) for text in itertools.product("abc", repeat=n)]
    best = max(every, key=lambda text: log_p(model, text, rules))
    found = beam(model, TOKENIZER, 500, rules, limit=5)
    assert found[0].log_p == pytest.approx(log_p(model, found[0].text, rules), abs=1e-5)
    assert found[0].log_p >= log_p(model, best, rules) - 1e-5


def test_a_beam_of_one_is_greedy(model):
    (greedy,) = generate(model, TOKENIZER, sampling=Sampling(0.0), limit=20)
    (path,) = beam(model, TOKENIZER, limit=20)
    assert (path.text, path.ended) == (greedy.text, greedy.ended)
    assert path.ids == greedy.ids


def test_a_wider_beam_is_never_worse(model):
    scores = [beam(model, TOKENIZER, width, limit=20)[0].log_p for width in (1, 2, 5, 50)]
    assert scores == sorted(scores)


def test_the_prefix_is_kept_and_not_paid_for(model):
    prefix = TOKENIZER.encode("ca")
    path = beam(model, TOKENIZER, 20, prefix=prefix, limit=10)[0]
    assert path.text.startswith("ca")
    paid = log_p(model, path.text, Sampling())
    begin = log_p(model, "ca", Sampling()) - log_p_of_end(model, "ca")
    assert path.log_p == pytest.approx(paid - begin, abs=1e-5)


def log_p_of_end(model, text: str) -> float:
    import torch

    with torch.inference_mode():
        logits, _ = model.next(torch.tensor([[0, *TOKENIZER.encode(text)]]))
    return float(logits.double().log_softmax(-1)[0, 0])


def test_a_text_that_does_not_end_is_cut_off():
    model = Ngram(NgramConfig(2, "mle"), count_ngrams(["a" * 200], TOKENIZER, 2))
    path = beam(model, TOKENIZER, 1, limit=7)[0]
    assert (path.text, path.ended) == ("a" * 7, False)
    assert math.exp(path.log_p) <= 1


@pytest.mark.parametrize(
    ("width", "limit", "sentence"), [(0, 5, "choose 1 to"), (10**6, 5, "choose 1 to"), (1, 0, "1 or more")]
)
def test_wrong_widths_get_a_sentence(model, width, limit, sentence):
    with pytest.raises(LabError, match=sentence):
        beam(model, TOKENIZER, width, limit=limit)


def test_a_model_that_cannot_write_says_so():
    with pytest.raises(LabError, match="cannot write"):
        beam(SkipGram(SkipGramConfig(), TOKENIZER.vocab_size), TOKENIZER)
