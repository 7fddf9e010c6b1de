import pytest
import torch

from lmlab.evaluation.loss import evaluate
from lmlab.models.build import build
from lmlab.models.ngram import count
from lmlab.models.protocol import IGNORE, Examples
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.training.objectives import next_token_loss
from lmlab.training.recipe import Recipe
from lmlab.training.trainer import Trainer


@pytest.fixture(scope="module")
def tokenizer(names_indian):
    return CharacterTokenizer(names_indian.alphabet)


@pytest.fixture(scope="module")
def counted(names_indian):
    return count(names_indian, 2, "mle")


@pytest.fixture(scope="module")
def descended(names_indian, tokenizer):
    """Full-batch gradient descent with Adam; the rate falls to 0 so that the last steps settle."""
    model = build("bigram-table", {}, tokenizer.vocab_size)
    batch = Examples(names_indian.part("train"), tokenizer).batch(torch.arange(len(names_indian.part("train"))))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.3, weight_decay=0.0)
    for step in range(300):
        optimizer.param_groups[0]["lr"] = 0.3 * (1 - step / 300)
        optimizer.zero_grad()
        next_token_loss(model, batch).backward()
        optimizer.step()
    return model


def test_gradient_descent_finds_the_counted_table(names_indian, tokenizer, counted, descended):
    """The training loss of the counted table is the smallest there is; descent comes within a thousandth."""
    training = names_indian.part("train")
    floor = evaluate(counted, training, tokenizer).nll
    assert floor - 1e-6 <= evaluate(descended, training, tokenizer).nll < floor + 1e-3


def test_its_probabilities_are_the_shares_of_the_counts(counted, descended):
    table = torch.from_numpy(counted.table()).double()
    often = table.sum(dim=1) > 200
    shares = table / table.sum(dim=1, keepdim=True)
    assert often.sum() > 10
    assert (descended.probabilities().double() - shares)[often].abs().max() < 0.01


def test_the_gradient_is_what_it_believes_minus_what_it_saw(tokenizer):
    """d loss / d logits[a, b] = (p(b | a) - share of b after a) * share of a, from the first step on."""
    model = build("bigram-table", {}, tokenizer.vocab_size)
    batch = Examples(["anna", "nana", "al"], tokenizer).batch(torch.arange(3))
    next_token_loss(model, batch).backward()
    seen = torch.zeros(tokenizer.vocab_size, tokenizer.vocab_size)
    predicted = batch.targets != IGNORE
    for a, b in zip(batch.ids[predicted].tolist(), batch.targets[predicted].tolist(), strict=True):
        seen[a, b] += 1
    expected = (seen.sum(1, keepdim=True) * model.probabilities() - seen) / predicted.sum()
    assert torch.allclose(model.embedding.weight.grad, expected, atol=1e-6)


def test_batches_come_as_close_as_the_whole(names_indian, tokenizer, counted):
    training = names_indian.part("train")
    model = build("bigram-table", {}, tokenizer.vocab_size)
    list(Trainer(model, names_indian, Recipe(steps=600, learning_rate=0.1, validate=False)))
    floor = evaluate(counted, training, tokenizer).nll
    assert floor - 1e-6 <= evaluate(model, training, tokenizer).nll < floor + 0.01


def test_nothing_but_the_last_token_is_seen():
    model = build("bigram-table", {}, 9)
    torch.nn.init.normal_(model.embedding.weight)
    assert torch.equal(model.logits(torch.tensor([[1, 2, 3]]))[:, -1], model.logits(torch.tensor([[7, 7, 3]]))[:, -1])
    assert torch.equal(model.logits(torch.tensor([[4]]))[0, 0], model.embedding.weight[4])


def test_a_table_of_too_many_pairs_is_refused(refused):
    assert build("bigram-table", {}, 2000).embedding.weight.shape == (2000, 2000)
    with refused("A table of 2,001 x 2,001 pairs is too large"):
        build("bigram-table", {}, 2001)


def test_it_has_no_options(refused):
    with refused("no option 'context'. It has: none"):
        build("bigram-table", {"context": 2}, 27)
