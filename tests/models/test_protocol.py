"""What holds for every model, whether it counts or learns."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lmlab.data.corpus import text_corpus
from lmlab.evaluation.loss import evaluate, surprisal, token_nats
from lmlab.generation.generate import generate
from lmlab.generation.sampling import Sampling
from lmlab.models import build as build_module
from lmlab.models.average import Average
from lmlab.models.build import build
from lmlab.models.ngram import count
from lmlab.models.protocol import IGNORE, Examples, LanguageModel
from lmlab.models.table import BigramTable
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.training.objectives import next_token_loss

GPT = {"context": 32, "d_model": 16, "n_layer": 2, "n_head": 2}
MODERN = {"context": 32, "d_model": 16, "n_layer": 2, "n_head": 2}
CLASSIC = {"positions": "learned", "norm": "pre", "activation": "gelu", "qk_norm": False, "zero_init": False}
RECURRENT = {"d_embed": 6, "d_hidden": 12}
MODELS = {
    "unigram": (1, "mle"),
    "bigram": (2, "mle"),
    "trigram": (3, "add-k"),
    "4-gram": (4, "kneser-ney"),
    "5-gram": (5, "add-k"),
    "8-gram": (8, "kneser-ney"),
    "mlp of 1": ("mlp", {"context": 1}),
    "mlp of 3": ("mlp", {"context": 3}),
    "mlp of 8": ("mlp", {"context": 8, "d_embed": 4}),
    "transformer": ("transformer", GPT),
    "transformer, sinusoidal": ("transformer", {**GPT, "positions": "sinusoidal"}),
    "transformer, short": ("transformer", {**GPT, "context": 5}),
    "bigram table": ("bigram-table", {}),
    "prefix average": ("average", {"d_embed": 8}),
    "prefix average, attention": ("average", {"d_embed": 8, "mixing": "attention"}),
    "mlp, batch norm": ("mlp", {"d_hidden": 16, "batch_norm": True}),
    "mlp, relu": ("mlp", {"d_hidden": 16, "activation": "relu"}),
    "mlp, gelu, too large": ("mlp", {"d_hidden": 16, "activation": "gelu", "init": "too-large"}),
    "mlp, zero": ("mlp", {"d_hidden": 16, "init": "zero"}),
    "rnn": ("rnn", RECURRENT),
    "gru": ("gru", RECURRENT),
    "lstm": ("lstm", RECURRENT),
    "modern": ("modern", MODERN),
    "modern, short": ("modern", {**MODERN, "context": 5}),
    "modern, classic": ("modern", {**MODERN, **CLASSIC, "tied": True}),
    "modern, no positions": ("modern", {**MODERN, "positions": "none", "norm_kind": "rms"}),
    "modern, sinusoidal, post": ("modern", {**MODERN, "positions": "sinusoidal", "norm": "post"}),
}
NEURAL = [name for name, (one, _) in MODELS.items() if not isinstance(one, int)]
ONLY_THE_LAST_TOKEN = {"bigram", "mlp of 1", "bigram table"}
# Heads that are not zero at first, by option.
NOT_UNIFORM_AT_FIRST = {"mlp, gelu, too large", "modern, classic"}


def test_every_family_stands_here():
    """A new language model is not done before all of this holds for it."""
    families = {kind for kind, family in build_module.MODELS.items() if family.language_model}
    assert families == {MODELS[name][0] for name in NEURAL}


@pytest.fixture(scope="module", params=MODELS)
def model(request, names_indian, shaken):
    one, other = MODELS[request.param]
    if isinstance(one, int):
        return count(names_indian, one, other)
    return shaken(one, other, 1 + len(names_indian.alphabet))


@pytest.fixture(scope="module")
def tokenizer(names_indian):
    return CharacterTokenizer(names_indian.alphabet)


def read(model, ids):
    """(B, T) -> (B, T, V): logits without a cache, of as much as the model can take."""
    if model.block_size is None or ids.shape[1] <= model.block_size:
        return model.logits(ids)
    ends = range(1, ids.shape[1] + 1)
    return torch.stack([model.logits(ids[:, max(0, t - model.block_size) : t])[:, -1] for t in ends], dim=1)


@pytest.fixture(scope="module")
def long_names(names_indian, tokenizer):
    """(3, 14) the first tokens of long training names, so that a count model has seen every context."""
    chosen = sorted(names_indian.part("train"), key=len)[-3:]
    return torch.tensor([[0, *tokenizer.encode(name)][:14] for name in chosen])


def same(one, other):
    """Equal log-probabilities to 1e-5; two minus infinities are equal."""
    return torch.allclose(one.log_softmax(-1), other.log_softmax(-1), atol=1e-5)


def test_it_speaks_the_protocol(model, long_names):
    assert isinstance(model, LanguageModel)
    assert model.context is None or model.context >= 0
    length = min(9, model.block_size or 9)
    logits = model.logits(long_names[:, :length])
    assert logits.shape == (3, length, model.vocab_size)
    assert logits.is_floating_point()
    assert not logits.isnan().any()
    assert torch.allclose(logits.softmax(-1).sum(-1), torch.ones((), dtype=logits.dtype))


def test_the_future_never_moves_the_past(model, long_names):
    """Bit for bit: what is computed for a position has no way to a later token (batch norm: in eval mode)."""
    length = min(12, model.block_size or 12)
    ids = long_names[:, :length]
    before = model.logits(ids)
    for t in range(length - 1):
        changed = ids.clone()
        changed[:, t + 1] = (changed[:, t + 1] + 1) % model.vocab_size
        after = model.logits(changed)
        assert torch.equal(before[:, : t + 1], after[:, : t + 1]), f"position {t + 1} moved an earlier one"


def test_the_last_token_counts_unless_the_model_sees_none(model, long_names):
    ids = long_names[:, :5]
    changed = ids.clone()
    changed[:, -1] = (changed[:, -1] + 1) % model.vocab_size
    moved = not torch.allclose(model.logits(ids)[:, -1], model.logits(changed)[:, -1])
    assert moved == (model.context != 0)


def test_what_came_before_the_last_token_matters_if_it_can_be_seen(model, request, long_names):
    """The state matters: two texts that end alike are told apart, unless the model sees the last token only."""
    name = request.node.callspec.params["model"]
    ids = long_names[:, :4]
    changed = ids.clone()
    changed[:, -2] = (changed[:, -2] + 1) % model.vocab_size
    moved = not torch.allclose(model.logits(ids)[:, -1], model.logits(changed)[:, -1])
    assert moved == (name not in ONLY_THE_LAST_TOKEN and model.context != 0)
    _, one = model.next(ids[:, :-1])
    _, other = model.next(changed[:, :-1])
    moved = not torch.allclose(model.next(ids[:, -1:], one)[0], model.next(ids[:, -1:], other)[0])
    assert moved == (name not in ONLY_THE_LAST_TOKEN and model.context != 0)


def test_a_model_without_an_end_to_its_context_remembers_the_first_token(model, long_names):
    """What it carries reaches back to the first token; a window, however long, drops it."""
    ids = long_names[:, :13]
    changed = ids.clone()
    changed[:, 0] = 3
    reaches = model.context is None or model.context >= 13
    same_answer = torch.equal(read(model, ids)[:, -1], read(model, changed)[:, -1])
    assert same_answer != reaches


def test_a_long_text_token_by_token_stays_sound(model):
    """300 tokens through the state: no blow-up, and where all can be read at once, the same answers."""
    ids = torch.randint(0, model.vocab_size, (2, 300), generator=torch.Generator().manual_seed(2))
    state = None
    for t in range(0, 300, 10):
        logits, state = model.next(ids[:, t : t + 10], state)
        assert not logits.isnan().any()
    ids = ids if model.block_size is None else ids[:, -model.block_size :]
    assert torch.allclose(logits.log_softmax(-1), model.logits(ids)[:, -1].log_softmax(-1), atol=1e-4)


def test_a_shorter_text_gives_the_same_logits_as_the_start_of_a_longer_one(model, long_names):
    length = min(9, model.block_size or 9)
    ids = long_names[:, :length]
    whole = model.logits(ids)
    for t in range(1, length):
        assert torch.allclose(model.logits(ids[:, :t]), whole[:, :t], atol=1e-5)


def test_rows_of_a_batch_do_not_hear_each_other(model, long_names):
    ids = long_names[:, :5]
    together = model.logits(ids)
    for row in range(len(ids)):
        assert torch.allclose(model.logits(ids[row : row + 1])[0], together[row], atol=1e-5)


@pytest.mark.parametrize("prompt", [1, 2, 3, 4, 6, 9])
def test_the_cache_changes_nothing(model, long_names, prompt):
    """A prompt at once, then token by token, equals reading everything again each time."""
    ids = long_names
    expected = read(model, ids)
    logits, state = model.next(ids[:, :prompt])
    assert same(logits, expected[:, prompt - 1])
    for t in range(prompt, ids.shape[1]):
        logits, state = model.next(ids[:, t : t + 1], state)
        assert logits.shape == (len(ids), model.vocab_size)
        assert same(logits, expected[:, t]), f"after {t + 1} tokens"


def test_the_cache_takes_several_tokens_at_once(model, long_names):
    ids = long_names
    expected = read(model, ids)
    state, done = None, 0
    for piece in (2, 3, 1, 4, 4):
        logits, state = model.next(ids[:, done : done + piece], state)
        done += piece
        assert same(logits, expected[:, done - 1]), f"after {done} tokens"


def test_a_state_can_be_used_twice(model, long_names):
    """Trying two continuations of one text must not change the text."""
    ids = long_names
    _, state = model.next(ids[:, :3])
    first, _ = model.next(ids[:, 3:4], state)
    model.next(ids[:, 5:6], state)
    again, _ = model.next(ids[:, 3:4], state)
    assert torch.equal(first, again)


class Forgetful:
    """The same model without a cache: it reads everything again for each token."""

    def __init__(self, model):
        self.model = model

    def next(self, ids, state=None):
        seen = ids if state is None else torch.cat([state, ids], dim=1)
        return read(self.model, seen)[:, -1], seen


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=0.7, top_k=8), Sampling(temperature=0)])
def test_generation_with_the_cache_rolls_the_same_texts(model, tokenizer, sampling):
    options = {"n": 12, "sampling": sampling, "prefix": "ma", "limit": 20, "seed": 5}
    cached = generate(model, tokenizer, **options)
    plain = generate(Forgetful(model), tokenizer, **options)
    assert [sample.text for sample in cached] == [sample.text for sample in plain]
    assert [sample.nats for sample in cached] == pytest.approx([sample.nats for sample in plain], abs=1e-4)


def test_the_ruler_equals_asking_for_every_token_in_turn(model, tokenizer, names_indian):
    """Nats per character by `evaluate`, and by hand: -ln p of each character and of the end."""
    documents = [name for name in names_indian.part("train") if len(name) < 5][:12]
    nats, predictions = 0.0, 0
    for document in documents:
        ids = [0, *tokenizer.encode(document), 0]
        state = None
        for now, following in pairwise(ids):
            with torch.no_grad():
                logits, state = model.next(torch.tensor([[now]]), state)
            nats -= float(logits.double().log_softmax(-1)[0, following])
            predictions += 1
    loss = evaluate(model, documents, tokenizer)
    assert loss.predictions == predictions == sum(len(document) + 1 for document in documents)
    assert loss.nll == pytest.approx(nats / predictions, rel=1e-5)


def test_surprisal_adds_up_to_the_loss(model, tokenizer, names_indian):
    documents = names_indian.part("train")[:10]
    each = [surprisal(model, document, tokenizer) for document in documents]
    assert [len(nats) for nats in each] == [len(document) + 1 for document in documents]
    loss = evaluate(model, documents, tokenizer)
    assert sum(map(sum, each)) == pytest.approx(loss.nats, rel=1e-5)


def test_the_loss_does_not_depend_on_the_order_of_the_documents(model, tokenizer, names_indian):
    documents = names_indian.part("train")[:200]
    assert evaluate(model, documents, tokenizer).nats == pytest.approx(
        evaluate(model, documents[::-1], tokenizer).nats, rel=1e-6
    )


# --- what holds before and after learning ---------------------------------------------------------------


def untrained(name, vocab_size):
    return build(*MODELS[name], vocab_size, seed=2)


@pytest.mark.parametrize("name", NEURAL)
def test_an_untrained_model_is_as_unsure_as_a_fair_die(name, names_indian, tokenizer):
    """ln V exactly where the head is zero; a tied head is small instead, and a too large one is the lesson."""
    model = untrained(name, tokenizer.vocab_size).eval()
    loss = evaluate(model, names_indian.part("validation")[:200], tokenizer).nll
    if name not in NOT_UNIFORM_AT_FIRST:
        assert loss == pytest.approx(math.log(tokenizer.vocab_size), abs=1e-6)
    elif name == "modern, classic":
        assert 0 < loss - math.log(tokenizer.vocab_size) < 0.05
    else:
        assert loss > 2 * math.log(tokenizer.vocab_size)


def by_heart(model, documents, tokenizer):
    """(T,) mean nats of each prediction of these documents, after learning them as one batch."""
    # A model without a hidden layer learns slowly from a single matrix, and takes larger steps without harm.
    steps, learning_rate = (150, 0.1) if isinstance(model, Average | BigramTable) else (100, 0.02)
    batch = Examples(documents, tokenizer).batch(torch.arange(len(documents)))
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        next_token_loss(model, batch).backward()
        optimizer.step()
    return token_nats(model.eval().logits(batch.ids), batch.targets).detach().mean(dim=0)


@pytest.mark.parametrize("name", [name for name in NEURAL if name not in ONLY_THE_LAST_TOKEN])
def test_one_batch_can_be_learned_by_heart_and_a_mean_cannot_tell_its_order(name):
    """Of `abc` and `bad` only the first letter is chance: after `ab` comes c and after `ba` comes d.

    A mean of what came before is the same for `ab` and `ba`, so the prefix average stays at ln 2 there. With
    attention the last token chooses the weights, which tells the two apart; without a hidden layer it still cannot
    hold all of the batch. Weights of zero never learn more than how frequent each letter is (tested with the MLP).
    """
    if name == "mlp, zero":
        pytest.skip("learns the frequencies only")
    tokenizer = CharacterTokenizer("abcd")
    nats = by_heart(untrained(name, tokenizer.vocab_size), ["abc", "bad"], tokenizer)
    if name == "prefix average, attention":
        assert nats[2] < 0.05
        assert math.log(2) <= nats.sum() < 1.5 * math.log(2)
        return
    assert nats[0].item() == pytest.approx(math.log(2), abs=0.02)
    assert nats[[1, 3]].max() < 0.05
    if name == "prefix average":
        assert nats[2].item() == pytest.approx(math.log(2), abs=0.02)
    else:
        assert nats[2] < 0.05


@pytest.mark.parametrize("name", [name for name in NEURAL if name in ONLY_THE_LAST_TOKEN])
def test_a_model_of_the_last_token_learns_the_table_of_pairs_and_no_more(name):
    """In `abc` and `bad` a is followed by b and d, b by c and a: the best table is at ln 2 for all of them."""
    tokenizer = CharacterTokenizer("abcd")
    nats = by_heart(untrained(name, tokenizer.vocab_size), ["abc", "bad"], tokenizer)
    assert nats[:3].tolist() == pytest.approx([math.log(2)] * 3, abs=0.02)
    assert nats[3] < 0.05


@pytest.mark.parametrize("name", NEURAL)
def test_padding_changes_no_loss_and_no_gradient(name):
    """What stands behind the end of a text is not learned from (batch norm in eval mode: see its docstring)."""
    tokenizer = CharacterTokenizer("abcd")
    alone = Examples(["ab"], tokenizer).batch(torch.tensor([0]))
    padded = Examples(["ab", "dcba"], tokenizer).batch(torch.tensor([0, 1]))
    model = untrained(name, tokenizer.vocab_size).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1)
    weights = list(model.parameters())
    one = token_nats(model.logits(alone.ids), alone.targets)[0].sum()
    other = token_nats(model.logits(padded.ids), padded.targets)[0].sum()
    assert one.item() == pytest.approx(other.item(), abs=1e-5)
    for a, b in zip(torch.autograd.grad(one, weights), torch.autograd.grad(other, weights), strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-4)


# --- sequences ------------------------------------------------------------------------------------------


@given(st.lists(st.text("abc", max_size=40), min_size=1, max_size=6), st.integers(1, 45) | st.none())
def test_every_token_is_predicted_exactly_once_whatever_the_block(documents, block_size):
    tokenizer = CharacterTokenizer("abc")
    examples = Examples(documents, tokenizer, block_size)
    predicted = {i: [] for i in range(len(documents))}
    for example in range(len(examples)):
        batch = examples.batch(torch.tensor([example]))
        ids, targets = batch.ids[0], batch.targets[0]
        assert len(ids) <= (block_size or 10**9)
        asked = targets != IGNORE
        predicted[int(examples.document[example])] += targets[asked].tolist()
        # What is asked for is what follows: each target but the last is the next input.
        inside = asked[:-1]
        assert torch.equal(targets[:-1][inside], ids[1:][inside])
    for i, document in enumerate(documents):
        assert predicted[i] == [*tokenizer.encode(document), 0]
    assert examples.predictions == sum(len(document) + 1 for document in documents)


@pytest.mark.parametrize("block_size", [4, 5, 8, 31, 100])
def test_in_a_later_window_a_token_sees_at_least_half_a_block(block_size):
    text = "abcdefgh" * 60
    examples = Examples([text], CharacterTokenizer("abcdefgh"), block_size)
    assert len(examples) > 1
    for example in range(1, len(examples)):
        targets = examples.batch(torch.tensor([example])).targets[0]
        first = int(torch.nonzero(targets != IGNORE)[0])
        assert first + 1 >= block_size / 2


@given(st.lists(st.text("abc", max_size=9), min_size=2, max_size=8), st.randoms())
def test_padding_is_on_the_right_and_never_predicted(documents, random):
    tokenizer = CharacterTokenizer("abc")
    examples = Examples(documents, tokenizer)
    rows = random.sample(range(len(documents)), len(documents))
    batch = examples.batch(torch.tensor(rows))
    for row, i in enumerate(rows):
        ids = tokenizer.encode(documents[i])
        padding = batch.ids.shape[1] - len(ids) - 1
        assert batch.ids[row].tolist() == [0, *ids] + [0] * padding
        assert batch.targets[row].tolist() == [*ids, 0] + [IGNORE] * padding


@pytest.mark.parametrize("kind", ["5-gram", "mlp of 3", "mlp of 8"])
def test_windows_of_a_long_text_change_no_loss(kind, shaken):
    """What a window model sees fits into the half block that windows share, so cutting costs nothing."""
    text = "it was the best of times, it was the worst of times. " * 30
    corpus = text_corpus(text)
    tokenizer = CharacterTokenizer(corpus.alphabet)
    one, other = MODELS[kind]
    model = count(corpus, one, other) if isinstance(one, int) else shaken(one, other, tokenizer.vocab_size)
    document = corpus.part("train")[0]
    assert len(Examples.of(model, [document], tokenizer)) > 1
    ids = torch.tensor([[0, *tokenizer.encode(document)]])
    with torch.inference_mode():
        p = model.logits(ids).double().log_softmax(-1)[0]
    targets = torch.cat([ids[0, 1:], torch.tensor([0])])
    expected = -float(p[torch.arange(len(targets)), targets].sum())
    assert evaluate(model, [document], tokenizer).nats == pytest.approx(expected, rel=1e-5)


def test_a_gpt_reads_a_text_longer_than_its_context(shaken):
    corpus = text_corpus("so long, and thanks for all the fish. " * 20)
    tokenizer = CharacterTokenizer(corpus.alphabet)
    model = shaken("transformer", {**GPT, "context": 16}, tokenizer.vocab_size)
    for part in ("train", "validation", "test"):
        loss = evaluate(model, corpus.part(part), tokenizer)
        assert loss.predictions == len(corpus.part(part)[0]) + 1
        assert math.isfinite(loss.nll)
        assert len(surprisal(model, corpus.part(part)[0], tokenizer)) == loss.predictions
