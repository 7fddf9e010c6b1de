import json
import math

import pytest
import torch

from lmlab.data.corpus import names_corpus, text_corpus
from lmlab.evaluation import loss as module
from lmlab.evaluation.loss import Evaluation, Loss, evaluate, surprisal, token_nats
from lmlab.models.counts import count_ngrams
from lmlab.models.ngram import Ngram, NgramConfig, count
from lmlab.models.protocol import IGNORE, Examples
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.tokenizers.words import WordTokenizer


def test_a_fair_die_costs_ln_of_its_sides():
    assert token_nats(torch.zeros(1, 1, 27), torch.tensor([[3]])).item() == pytest.approx(math.log(27))


def test_what_is_not_predicted_costs_nothing():
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[1, IGNORE, 4], [IGNORE, IGNORE, 0]])
    nats = token_nats(logits, targets)
    assert torch.equal(nats == 0, targets == IGNORE)
    by_hand = -logits.softmax(-1)[0, 2, 4].log()
    assert nats[0, 2].item() == pytest.approx(by_hand.item(), abs=1e-6)


def test_an_impossible_token_costs_infinitely_much_and_a_certain_one_nothing():
    logits = torch.tensor([[[0.0, -math.inf], [0.0, -math.inf]]])
    assert token_nats(logits, torch.tensor([[1, 0]])).tolist() == [[math.inf, 0.0]]


def test_adding_a_number_to_all_logits_changes_no_loss():
    logits = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(0)).double()
    targets = torch.tensor([[0, 1, 2, 3]])
    assert torch.allclose(token_nats(logits, targets), token_nats(logits + 17, targets))


def test_three_units_of_one_loss():
    loss = Loss(nats=20 * math.log(2), predictions=10)
    assert (loss.nll, loss.bpc, loss.perplexity) == pytest.approx((2 * math.log(2), 2.0, 4.0))


def test_an_infinite_loss_is_null_in_json_with_its_place():
    place = {"document": "jq", "after": "j", "next": "q"}
    card = Loss(math.inf, 3, infinite_at=place).to_json()
    assert (card["nll"], card["bpc"], card["perplexity"], card["infinite_at"]) == (None, None, None, place)
    json.dumps(card, allow_nan=False)


def test_a_huge_but_finite_loss_is_still_json():
    card = Loss(nats=1e6, predictions=1).to_json()
    assert card["nll"] == 1e6
    assert card["perplexity"] is None
    json.dumps(card, allow_nan=False)


def test_a_name_of_n_letters_is_n_plus_1_predictions(names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    model = count(names_indian, 2)
    documents = names_indian.part("validation")
    assert evaluate(model, documents, tokenizer).predictions == sum(len(name) + 1 for name in documents)
    assert evaluate(model, ["ab", "c"], tokenizer).predictions == 5


def test_the_size_of_a_chunk_changes_no_loss(names_indian, shaken, monkeypatch):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    model = shaken("mlp", {}, tokenizer.vocab_size)
    documents = names_indian.part("validation")
    whole = evaluate(model, documents, tokenizer)
    monkeypatch.setattr(module, "CHUNK", 10)
    evaluation = Evaluation(model, documents, tokenizer)
    done = list(evaluation.chunks())
    assert len(done) > 50
    assert done == sorted(done)
    assert done[-1] == evaluation.loss.predictions == whole.predictions
    assert evaluation.loss.nll == pytest.approx(whole.nll, rel=1e-6)


def test_evaluating_leaves_no_gradient_and_changes_no_weight(names_indian, shaken):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    model = shaken("mlp", {}, tokenizer.vocab_size)
    before = [weight.clone() for weight in model.parameters()]
    evaluate(model, names_indian.part("test"), tokenizer)
    assert all(weight.grad is None for weight in model.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_surprisal_is_high_where_the_table_is_low():
    tokenizer = CharacterTokenizer("ab")
    model = Ngram(NgramConfig(2, "mle"), count_ngrams(["ab", "aa"], tokenizer, 2))
    assert surprisal(model, "ab", tokenizer) == pytest.approx([0.0, math.log(3), 0.0])
    assert surprisal(model, "b", tokenizer)[0] == math.inf
    assert surprisal(model, "", tokenizer) == [math.inf]


def test_an_unknown_letter_is_refused_by_name(refused):
    tokenizer = CharacterTokenizer("ab")
    model = Ngram(NgramConfig(2, "mle"), count_ngrams(["ab"], tokenizer, 2))
    with refused("'z' is not in the vocabulary"):
        evaluate(model, ["az"], tokenizer)


# --- any tokenizer, any length ------------------------------------------------------------------------------

PROSE = "the cat sat on the mat, and the rat sat on the cat. " * 60


def test_longer_tokens_are_paid_for_by_the_character(names_indian):
    """A uniform guess among V tokens costs ln V a token: spread over the characters that is less a character."""
    words = WordTokenizer.from_documents(["we love deep learning", "we love cats"])

    class Uniform:
        vocab_size, context, block_size = words.vocab_size, None, None

        def logits(self, ids):
            return torch.zeros(*ids.shape, words.vocab_size)

    loss = evaluate(Uniform(), ["we love cats"], words)
    assert (loss.predictions, loss.characters) == (4, 13)
    assert loss.nll == pytest.approx(4 * math.log(words.vocab_size) / 13)
    assert loss.unknown == 0


def test_words_outside_the_vocabulary_are_counted_because_nobody_pays_for_their_letters():
    words = WordTokenizer.from_documents(["we love deep learning"])
    model = count(names_corpus(["we love deep learning", "we love", "deep love"]), 1, tokenizer=words)
    loss = evaluate(model, ["we love extraordinary zebras"], words)
    assert (loss.unknown, loss.to_json()["unknown"]) == (2, 2)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("mlp", {"context": 5}),
        ("rnn", {"d_hidden": 16}),
        ("gru", {"d_hidden": 16}),
        ("lstm", {"d_hidden": 16}),
        ("average", {}),
        ("bigram-table", {}),
    ],
)
def test_a_long_text_in_pieces_has_exactly_the_loss_of_the_whole(shaken, kind, options, monkeypatch):
    tokenizer = CharacterTokenizer(PROSE)
    model = shaken(kind, options, tokenizer.vocab_size)
    ids = torch.tensor([[0, *tokenizer.encode(PROSE)]])
    targets = torch.cat([ids[:, 1:], torch.zeros(1, 1, dtype=torch.long)], dim=1)
    with torch.no_grad():
        at_once = float(token_nats(model.logits(ids), targets).double().sum())
    monkeypatch.setattr(module, "CHUNK", 500)
    loss = evaluate(model, [PROSE], tokenizer)
    assert loss.predictions == loss.characters == len(PROSE) + 1
    assert loss.nats == pytest.approx(at_once, rel=1e-5)


def test_counts_of_a_long_text_in_pieces_have_exactly_the_loss_of_the_whole():
    corpus = text_corpus(PROSE)
    model = count(corpus, 6, "kneser-ney")
    tokenizer = CharacterTokenizer(corpus.alphabet)
    document = corpus.part("train")[0]
    ids = torch.tensor([[0, *tokenizer.encode(document)]])
    targets = torch.cat([ids[:, 1:], torch.zeros(1, 1, dtype=torch.long)], dim=1)
    at_once = float(token_nats(model.logits(ids), targets).sum())
    assert evaluate(model, [document], tokenizer).nats == pytest.approx(at_once, rel=1e-9)


def test_a_transformer_reads_every_token_of_a_long_text_once_with_half_a_block_before_it(shaken):
    tokenizer = CharacterTokenizer(PROSE)
    model = shaken("transformer", {"context": 16, "d_model": 16, "n_layer": 1, "n_head": 2}, tokenizer.vocab_size)
    loss = evaluate(model, [PROSE], tokenizer)
    assert loss.predictions == len(PROSE) + 1
    examples = Examples.of(model, [PROSE], tokenizer)
    rows = examples.batch(torch.arange(len(examples)))
    assert int((rows.targets[1:, :8] != IGNORE).sum()) == 0


def test_an_impossible_pair_in_a_long_text_is_named_with_a_few_words_around_it():
    corpus = text_corpus("abcd " * 400 + "the end of it all comes as a surprise to everyone. " * 4)
    loss = evaluate(count(corpus, 2, "mle"), corpus.part("test"), CharacterTokenizer(corpus.alphabet))
    assert math.isinf(loss.nll)
    assert len(loss.infinite_at["document"]) <= 110
    assert loss.infinite_at["document"].endswith(loss.infinite_at["next"].replace("␣", " "))


def test_a_model_without_probabilities_has_no_place_on_the_ruler(shaken, refused):
    model = shaken("skip-gram", {}, 3)
    with refused("has no loss on the ruler"):
        evaluate(model, ["ab"], CharacterTokenizer("ab"))
