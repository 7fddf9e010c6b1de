import math
from itertools import pairwise

import pytest
import torch
from scipy.stats import chisquare

from lmlab.generation.generate import generate
from lmlab.generation.sampling import Sampling
from lmlab.models.counts import count_ngrams
from lmlab.models.ngram import Ngram, NgramConfig, count
from lmlab.tokenizers.characters import CharacterTokenizer


@pytest.fixture(scope="module")
def tokenizer(names_indian):
    return CharacterTokenizer(names_indian.alphabet)


@pytest.fixture(scope="module")
def bigram(names_indian):
    return count(names_indian, 2, "mle")


@pytest.fixture(scope="module", params=["bigram", "mlp", "transformer"])
def model(request, names_indian, shaken, bigram):
    options = {"mlp": {}, "transformer": {"context": 24, "d_model": 16, "n_layer": 1, "n_head": 2}}
    if request.param == "bigram":
        return bigram
    return shaken(request.param, options[request.param], bigram.vocab_size)


def texts(*args, **kwargs):
    return [sample.text for sample in generate(*args, **kwargs)]


def test_the_same_seed_is_the_same_text_and_another_seed_another(model, tokenizer):
    assert texts(model, tokenizer, n=5, seed=3) == texts(model, tokenizer, n=5, seed=3)
    assert texts(model, tokenizer, n=5, seed=3) != texts(model, tokenizer, n=5, seed=4)


def test_asking_for_more_keeps_the_first_ones(model, tokenizer):
    assert texts(model, tokenizer, n=20, seed=1)[:4] == texts(model, tokenizer, n=4, seed=1)


def test_a_text_does_not_depend_on_the_texts_beside_it(model, tokenizer):
    """Finished texts leave the batch; the dice of the others stay theirs."""
    many = generate(model, tokenizer, n=30, seed=8, trace=True)
    assert len({sample.rolls for sample in many}) > 3
    for sample in many:
        assert sample.rolls == len(sample.trace) == len(sample.text) + sample.ended
    numbers = torch.rand(30, 50, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    for row, sample in enumerate(many):
        assert [choice.u for choice in sample.trace] == numbers[row, : sample.rolls].tolist()


def test_generating_leaves_other_random_numbers_alone(model, tokenizer):
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    generate(model, tokenizer, n=3, seed=9)
    assert torch.equal(torch.rand(2), expected)


def test_first_letters_come_as_often_as_the_table_says(bigram, tokenizer):
    p = bigram.logits(torch.tensor([[0]]))[0, 0].exp().numpy()
    often = torch.zeros(len(p))
    for text in texts(bigram, tokenizer, n=4000, limit=1, seed=2):
        often[tokenizer.encode(text)[0] if text else 0] += 1
    likely = p * 4000 >= 5
    assert often[torch.from_numpy(p == 0)].sum() == 0
    expected = p[likely] / p[likely].sum() * often[torch.from_numpy(likely)].sum().item()
    assert chisquare(often.numpy()[likely], expected).pvalue > 0.001


def test_a_prefix_is_kept_and_continued(model, tokenizer):
    samples = generate(model, tokenizer, n=8, prefix="pri", limit=12, seed=1)
    assert all(sample.text.startswith("pri") and len(sample.text) <= 12 for sample in samples)
    assert len({sample.text for sample in samples}) > 1


def test_the_limit_cuts_and_says_so():
    tokenizer = CharacterTokenizer("a")
    model = Ngram(NgramConfig(2, "mle"), count_ngrams(["a" * 30], tokenizer, 2))
    (sample,) = generate(model, tokenizer, sampling=Sampling(temperature=0), limit=7)
    assert (sample.text, sample.ended, sample.rolls) == ("a" * 7, False, 7)
    model = Ngram(NgramConfig(2, "mle"), count_ngrams(["a"], tokenizer, 2))
    (sample,) = generate(model, tokenizer, limit=7)
    assert (sample.text, sample.ended, sample.rolls) == ("a", True, 2)


def test_the_surprise_of_a_text_is_that_of_the_model_itself(model, tokenizer):
    """Whatever the temperature and the cuts: nats are -ln p of each roll before the rules."""
    for sample in generate(model, tokenizer, n=6, sampling=Sampling(temperature=1.3, top_k=6), seed=2, trace=True):
        by_hand = -sum(math.log(choice.p[choice.token]) for choice in sample.trace)
        assert sample.nats == pytest.approx(by_hand, rel=1e-4)


def test_a_trace_tells_every_choice(model, tokenizer):
    sampling = Sampling(top_k=3)
    for sample in generate(model, tokenizer, n=4, sampling=sampling, seed=6, trace=True):
        rolled = [choice.token for choice in sample.trace]
        assert tokenizer.decode(rolled) == sample.text
        for choice in sample.trace:
            assert sum(choice.p) == pytest.approx(1, abs=1e-5)
            assert sum(choice.p_final) == pytest.approx(1, abs=1e-5)
            assert sum(share > 0 for share in choice.p_final) <= 3
            before = sum(choice.p_final[: choice.token])
            assert before - 1e-5 <= choice.u <= before + choice.p_final[choice.token] + 1e-5


def test_without_a_trace_none_is_kept(model, tokenizer):
    assert generate(model, tokenizer)[0].trace == []


def test_greedy_says_the_same_whatever_the_seed(model, tokenizer):
    greedy = Sampling(temperature=0)
    assert len(set(texts(model, tokenizer, n=9, sampling=greedy, seed=1))) == 1
    assert texts(model, tokenizer, sampling=greedy, seed=1) == texts(model, tokenizer, sampling=greedy, seed=2)


def test_maximum_likelihood_never_rolls_a_pair_it_has_not_seen(bigram, tokenizer):
    pairs = bigram.table()
    for text in texts(bigram, tokenizer, n=200, seed=4):
        ids = [0, *tokenizer.encode(text), 0]
        assert all(pairs[a, b] for a, b in pairwise(ids))


@pytest.mark.parametrize("order", [4, 6, 8])
def test_a_long_memory_says_training_names_again(names_indian, tokenizer, order):
    """Order n sees n - 1 tokens: a name with fewer letters can only be one of the training names."""
    training = set(names_indian.part("train"))
    said = texts(count(names_indian, order, "mle"), tokenizer, n=200, seed=4)
    assert {text for text in said if len(text) < order - 1} <= training


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n": 0}, "0 texts were asked for"),
        ({"n": 10_001}, "10001 texts were asked for"),
        ({"limit": 0}, "The length limit is 0"),
        ({"limit": 3, "prefix": "ana"}, "The prefix has 3 tokens and the limit is 3"),
        ({"prefix": "ana!"}, "'!' is not in the vocabulary"),
    ],
)
def test_what_cannot_be_generated_is_refused(refused, bigram, tokenizer, options, said):
    with refused(said):
        generate(bigram, tokenizer, **options)
