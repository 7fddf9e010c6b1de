import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lmlab.models.build import build
from lmlab.models.skipgram import (
    EmbeddingModel,
    SkipGram,
    SkipGramConfig,
    SkipGramPairs,
    negative_sampling_loss,
)
from lmlab.tokenizers.characters import CharacterTokenizer

VOWELS = "aeiou"


def by_loops(documents, tokenizer, window):
    """Every pair of different places at most `window` apart, document by document."""
    pairs = Counter()
    for document in documents:
        ids = [0, *tokenizer.encode(document), 0]
        for i, centre in enumerate(ids):
            for j, context in enumerate(ids):
                if i != j and abs(i - j) <= window:
                    pairs[centre, context] += 1
    return pairs


@given(st.lists(st.text("abc", max_size=7), min_size=1, max_size=6), st.integers(1, 6))
def test_the_pairs_are_those_of_two_loops(documents, window):
    tokenizer = CharacterTokenizer("abc")
    pairs = SkipGramPairs(documents, tokenizer, window, negatives=2)
    batch = pairs.batch(torch.arange(len(pairs)))
    found = Counter(zip(batch.centres.tolist(), batch.contexts.tolist(), strict=True))
    assert found == by_loops(documents, tokenizer, window)
    assert len(pairs) == pairs.predictions == len(pairs.tokens) == sum(found.values())
    assert pairs.characters == sum(len(document) + 1 for document in documents)


def test_negatives_follow_the_frequencies_to_the_power_of_three_quarters(names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    documents = names_indian.part("train")
    pairs = SkipGramPairs(documents, tokenizer, window=2, negatives=5)
    often = torch.zeros(tokenizer.vocab_size, dtype=torch.double)
    for document in documents:
        for token in [*tokenizer.encode(document), 0]:
            often[token] += 1
    assert torch.allclose(pairs.noise, often**0.75 / (often**0.75).sum())
    drawn = pairs.batch(torch.arange(len(pairs))).negatives
    assert drawn.shape == (len(pairs), 5)
    shares = torch.bincount(drawn.flatten(), minlength=tokenizer.vocab_size) / drawn.numel()
    # Four standard errors of a share.
    error = (pairs.noise * (1 - pairs.noise) / drawn.numel()) ** 0.5
    assert ((shares - pairs.noise).abs() <= 4 * error + 1e-6).all()


def test_an_epoch_draws_new_negatives_for_the_same_pairs():
    tokenizer = CharacterTokenizer("abcdef")
    pairs = SkipGramPairs(["fabcde", "bad", "decaf"], tokenizer)
    every = torch.arange(len(pairs))
    first = pairs.batch(every)
    pairs.new_epoch(torch.Generator().manual_seed(1))
    second = pairs.batch(every)
    pairs.new_epoch(torch.Generator().manual_seed(1))
    again = pairs.batch(every)
    assert torch.equal(first.centres, second.centres)
    assert torch.equal(first.contexts, second.contexts)
    assert not torch.equal(first.negatives, second.negatives)
    assert torch.equal(second.negatives, again.negatives)
    some = torch.tensor([5, 0, 5])
    assert torch.equal(pairs.batch(some).negatives, again.negatives[some])


def test_a_pool_smaller_than_all_negatives_serves_every_pair(monkeypatch):
    monkeypatch.setattr("lmlab.models.skipgram.POOL", 16)
    pairs = SkipGramPairs(["abcabcabc"] * 4, CharacterTokenizer("abc"), negatives=3)
    negatives = pairs.batch(torch.arange(len(pairs))).negatives
    assert negatives.shape == (len(pairs), 3)
    assert torch.equal(negatives.flatten()[:16], negatives.flatten()[16:32])


def test_the_loss_is_the_formula():
    model = SkipGram(SkipGramConfig(d_embed=4), 9)
    torch.nn.init.normal_(model.out.weight, generator=torch.Generator().manual_seed(0))
    assert isinstance(model, EmbeddingModel)
    centres, contexts, negatives = torch.tensor([1, 2]), torch.tensor([3, 4]), torch.tensor([[5, 6, 7], [8, 0, 1]])
    expected = 0.0
    for centre, context, others in zip(centres.tolist(), contexts.tolist(), negatives.tolist(), strict=True):
        for other, sign in [(context, 1), *((other, -1) for other in others)]:
            score = float((model.embedding.weight[centre] @ model.out.weight[other]).detach())
            expected += math.log(1 + math.exp(-sign * score)) / 2
    loss = negative_sampling_loss(model, centres, contexts, negatives)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    scores = model.scores(centres, negatives)
    assert scores.shape == (2, 3)
    assert torch.allclose(scores, (model.vectors[centres][:, None] * model.out(negatives)).sum(-1))


@pytest.mark.parametrize("negatives", [1, 5])
def test_it_begins_with_a_coin_toss_for_each_question(negatives):
    model = build("skip-gram", {"negatives": negatives}, 9)
    pairs = SkipGramPairs(["abcdefgh"], CharacterTokenizer("abcdefgh"), negatives=negatives)
    batch = pairs.batch(torch.arange(len(pairs)))
    loss = negative_sampling_loss(model, batch.centres, batch.contexts, batch.negatives)
    assert loss.item() == pytest.approx((1 + negatives) * math.log(2), abs=1e-5)


def learned(corpus, steps=400, **options):
    tokenizer = CharacterTokenizer(corpus.alphabet)
    model = build("skip-gram", options, tokenizer.vocab_size, seed=1)
    pairs = SkipGramPairs(corpus.part("train"), tokenizer, model.config.window, model.config.negatives)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        batch = pairs.batch(torch.randint(len(pairs), (1024,), generator=generator))
        optimizer.zero_grad()
        negative_sampling_loss(model, batch.centres, batch.contexts, batch.negatives).backward()
        optimizer.step()
    return model, tokenizer, pairs


@pytest.fixture(scope="module")
def trained(names_indian):
    return learned(names_indian)


def test_vowels_lie_nearer_to_each_other_than_to_consonants(trained):
    """They keep the same company. Mean cosine of the vectors for centres."""
    model, tokenizer, _ = trained
    vectors = torch.nn.functional.normalize(model.vectors.detach(), dim=1)
    vowels = torch.tensor(tokenizer.encode(VOWELS))
    others = torch.tensor([i for i in range(1, tokenizer.vocab_size) if i not in vowels.tolist()])
    among = (vectors[vowels] @ vectors[vowels].T)[~torch.eye(5, dtype=torch.bool)].mean()
    across = (vectors[vowels] @ vectors[others].T).mean()
    assert among > across + 0.15


def test_the_boundary_is_near_the_letters_that_begin_names(names_indian):
    """In a window of 1 the boundary's neighbours are first and last letters: it scores them highest."""
    model, tokenizer, _ = learned(names_indian, window=1)
    scores = model.scores(torch.tensor([0]), torch.arange(1, tokenizer.vocab_size)[None])[0].detach()
    names = names_indian.part("train")
    at_edges = Counter(name[0] for name in names) + Counter(name[-1] for name in names)
    anywhere = Counter("".join(names))
    letters = tokenizer.symbols[1:]
    usual = torch.tensor([at_edges[letter] / max(1, anywhere[letter]) for letter in letters])
    often = torch.tensor([anywhere[letter] > 200 for letter in letters])
    ranks = torch.stack([scores[often].argsort().argsort(), usual[often].argsort().argsort()]).float()
    assert torch.corrcoef(ranks)[0, 1] > 0.6


def test_scores_approach_the_information_that_a_pair_shares(trained):
    """With enough dimensions score = ln(share of pair / (share of centre * K * noise)): Levy and Goldberg (2014)."""
    model, tokenizer, pairs = trained
    V = tokenizer.vocab_size
    batch = pairs.batch(torch.arange(len(pairs)))
    together = torch.bincount(batch.centres * V + batch.contexts, minlength=V * V).view(V, V).double()
    expected = (together / together.sum(1, keepdim=True) / (pairs.negatives * pairs.noise)).log()
    often = together > 100
    scores = (model.vectors @ model.out.weight.T).detach().double()
    assert often.sum() > 50
    assert torch.corrcoef(torch.stack([scores[often], expected[often]]))[0, 1] > 0.9
    assert (scores - expected)[often].abs().mean() < 0.15


def test_no_documents_are_refused(refused):
    with refused("There are no documents"):
        SkipGramPairs([], CharacterTokenizer("ab"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"d_embed": 0}, "d_embed is 0: choose 1 to 512"),
        ({"window": 11}, "window is 11: choose 1 to 10"),
        ({"negatives": 0}, "negatives is 0: choose 1 to 20"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(refused, options, said):
    with refused(said):
        SkipGramConfig(**options)
