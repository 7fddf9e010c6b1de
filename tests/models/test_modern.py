import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from lmlab.evaluation.loss import evaluate, token_nats
from lmlab.models.build import build
from lmlab.models.cache import Cache
from lmlab.models.modern import ModernConfig, rotate
from lmlab.models.options import choices
from lmlab.models.protocol import Examples
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.training.objectives import next_token_loss

SIZES = {"context": 16, "d_model": 16, "n_layer": 2, "n_head": 2}
CLASSIC = {
    "positions": "learned",
    "activation": "gelu",
    "qk_norm": False,
    "zero_init": False,
    "tied": True,
}
POSITIONS = pytest.mark.parametrize("positions", ["none", "learned", "sinusoidal", "rotary"])
SWITCHES = {**choices(ModernConfig), "qk_norm": (False, True), "zero_init": (False, True), "tied": (False, True)}
COMBINATIONS = [dict(zip(SWITCHES, values, strict=True)) for values in itertools.product(*SWITCHES.values())]
IDS = torch.randint(0, 27, (3, 9), generator=torch.Generator().manual_seed(0))


def test_the_defaults_are_the_modern_choices():
    config = ModernConfig()
    assert (config.positions, config.norm, config.activation) == ("rotary", "pre", "relu2")
    assert (config.qk_norm, config.zero_init, config.tied) == (True, True, False)


def test_every_combination_of_switches_is_causal_and_its_cache_changes_nothing(shaken):
    """All 256: a later token moves nothing, bit for bit; token by token equals all at once to 1e-5."""
    assert len(COMBINATIONS) == 4 * 2**6
    changed = IDS.clone()
    changed[:, 5:] = (changed[:, 5:] + 1) % 27
    for switches in COMBINATIONS:
        model = shaken("modern", {**SIZES, **switches}, 27, spread=0.2)
        with torch.inference_mode():
            logits = model.logits(IDS)
            assert torch.equal(logits[:, :5], model.logits(changed)[:, :5]), switches
            _, state = model.next(IDS[:, :4])
            for t in range(4, 9):
                cached, state = model.next(IDS[:, t : t + 1], state)
                assert torch.allclose(cached.log_softmax(-1), logits[:, t].log_softmax(-1), atol=1e-5), switches


def test_every_combination_begins_at_ln_v_or_near_it():
    """Exactly where the head is zero; a tied head repeats the last token a little."""
    for switches in COMBINATIONS:
        logits = build("modern", {**SIZES, **switches}, 27).logits(IDS)
        if switches["tied"]:
            targets = torch.randint(0, 27, IDS.shape, generator=torch.Generator().manual_seed(1))
            assert token_nats(logits, targets).mean().item() == pytest.approx(math.log(27), abs=0.05)
            assert logits.abs().max() > 0
        else:
            assert torch.count_nonzero(logits) == 0


@POSITIONS
@pytest.mark.parametrize("qk_norm", [False, True])
def test_the_attention_that_is_shown_is_the_one_that_is_used(shaken, positions, qk_norm):
    """The weights times the values are what torch's fused attention hands on."""
    model = shaken("modern", {**SIZES, "positions": positions, "qk_norm": qk_norm}, 27)
    looked = model._run(IDS, look=True)[0]
    assert torch.allclose(looked, model.logits(IDS), atol=1e-4)
    maps = model.attention(IDS)
    assert [tuple(weights.shape) for weights in maps] == [(3, 2, 9, 9)] * 2
    x, block = torch.randn(3, 9, 16, generator=torch.Generator().manual_seed(1)), model.blocks[0].attention
    fused, nothing, _ = block(x, None, look=False)
    shown, weights, cache = block(x, None, keep=True, look=True)
    values = cache.values
    assert nothing is None
    assert torch.allclose(fused, shown, atol=1e-5)
    assert torch.allclose(fused, block.project((weights @ values).transpose(1, 2).reshape(3, 9, 16)), atol=1e-5)
    for weights in maps:
        assert torch.allclose(weights.sum(-1), torch.ones(()))
        assert torch.equal(weights, weights.tril())


# --- positions --------------------------------------------------------------------------------------------


def test_without_positions_one_block_does_not_know_the_order_of_the_past(shaken):
    """Attention is a weighted mean: any order of the earlier tokens gives the same last logits."""
    model = shaken("modern", {**SIZES, "n_layer": 1, "positions": "none"}, 27)
    text = torch.tensor([[0, 1, 2, 3, 4]])
    for order in itertools.permutations(range(4)):
        assert torch.allclose(model.logits(text[:, [*order, 4]])[:, -1], model.logits(text)[:, -1], atol=1e-5)
    swapped_last = torch.tensor([[0, 1, 2, 4, 3]])
    assert not torch.allclose(model.logits(swapped_last)[:, -1], model.logits(text)[:, -1], atol=1e-3)


def test_without_positions_a_second_block_learns_the_order_from_the_mask(shaken):
    """Each earlier token has seen its own past only, and that differs with the order (Haviv et al., 2022)."""
    model = shaken("modern", {**SIZES, "n_layer": 2, "positions": "none"}, 27)
    forth, back = torch.tensor([[0, 1, 2, 3, 4]]), torch.tensor([[3, 2, 0, 1, 4]])
    assert not torch.allclose(model.logits(forth)[:, -1], model.logits(back)[:, -1], atol=1e-3)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])
def test_with_positions_one_block_knows_the_order(shaken, positions):
    model = shaken("modern", {**SIZES, "n_layer": 1, "positions": positions}, 27)
    forth, back = torch.tensor([[0, 1, 2, 3, 4]]), torch.tensor([[3, 2, 0, 1, 4]])
    assert not torch.allclose(model.logits(forth)[:, -1], model.logits(back)[:, -1], atol=1e-3)


def test_a_turned_pair_keeps_its_length_and_scores_depend_on_distance_alone():
    """q turned by i and k turned by j meet as if only one had been turned, by i - j (RoFormer, section 3.2.2)."""
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 8, generator=generator)
    turns = torch.polar(torch.ones(20, 4), torch.arange(20.0)[:, None] * torch.tensor([1.0, 0.3, 0.1, 0.01]))
    turned_q, turned_k = rotate(q.expand(20, 8), turns), rotate(k.expand(20, 8), turns)
    assert torch.allclose(turned_q.norm(dim=1), q.norm().expand(20))
    scores = turned_q @ turned_k.T
    for distance in range(-19, 20):
        diagonal = scores.diagonal(distance)
        assert torch.allclose(diagonal, diagonal[0].expand(len(diagonal)), atol=1e-4)
    assert scores[0].std() > 0.1
    assert torch.equal(rotate(q[None], turns[:1]), q[None])


def test_rotary_attention_does_not_care_where_a_text_begins(shaken):
    """The same tokens one place later get the same weights among themselves; learned positions do not."""
    x = torch.randn(1, 6, 16, generator=torch.Generator().manual_seed(0))
    rotary, learned = (shaken("modern", {**SIZES, "positions": p}, 27) for p in ("rotary", "learned"))
    attention = rotary.blocks[0].attention
    before = attention(x, None, look=True)[1]
    nothing = torch.zeros(1, 2, 3, 8)
    after = attention(x, Cache.of(torch.stack([nothing, nothing])), keep=True, look=True)[1][
        ..., 3:
    ]  # three tokens stand before it
    assert torch.allclose(after / after.sum(-1, keepdim=True), before, atol=1e-5)
    constant = torch.full((1, 6), 5)
    assert torch.allclose(rotary.logits(constant)[:, 1:], rotary.logits(constant)[:, :-1], atol=1e-4)
    assert not torch.allclose(learned.logits(constant)[:, 1:], learned.logits(constant)[:, :-1], atol=1e-3)


@POSITIONS
def test_past_the_context_the_oldest_tokens_are_forgotten(shaken, positions):
    model = shaken("modern", {**SIZES, "context": 6, "positions": positions}, 27)
    ids = torch.randint(0, 27, (1, 14), generator=torch.Generator().manual_seed(4))
    state = None
    for t in range(14):
        logits, state = model.next(ids[:, t : t + 1], state)
        expected = model.logits(ids[:, max(0, t - 5) : t + 1])[:, -1]
        assert torch.allclose(logits, expected, atol=1e-4)


# --- the other switches -----------------------------------------------------------------------------------


def test_zero_init_makes_every_block_the_identity_at_first():
    for norm in ("pre", "post"):
        model = build("modern", {**SIZES, "norm": norm}, 27, seed=1)
        through = x = torch.randn(3, 9, 16, generator=torch.Generator().manual_seed(0))
        for block in model.blocks:
            through = block(through, None, False)[0]
        unchanged = x if norm == "pre" else F.layer_norm(x, (16,))
        assert torch.allclose(through, unchanged, atol=1e-4)
    model = build("modern", {**SIZES, "zero_init": False}, 27, seed=1)
    assert not torch.allclose(model.blocks[0](x, None, False)[0], x, atol=1e-5)


def test_with_qk_norm_scores_cannot_grow_with_the_weights(shaken):
    """A hundredfold query leaves the attention as it was; without the norm it becomes a hard choice."""
    for qk_norm in (True, False):
        model = shaken("modern", {**SIZES, "qk_norm": qk_norm}, 27)
        before = model.attention(IDS)[0]
        model.blocks[0].attention.query_key_value.weight.data[:16] *= 100
        after = model.attention(IDS)[0]
        assert torch.allclose(before, after, atol=1e-4) == qk_norm


def test_a_tied_head_is_the_embedding_and_saves_its_parameters():
    tied, untied = (build("modern", {**SIZES, "tied": tied}, 27) for tied in (True, False))
    assert tied.head.weight is tied.embedding.weight
    sizes = [sum(weight.numel() for weight in model.parameters()) for model in (tied, untied)]
    assert sizes[1] - sizes[0] == 27 * 16


def test_the_norm_stands_before_or_after(shaken):
    """After a post-norm block a position's numbers have mean 0 and spread 1 (before its learned scale)."""
    for norm in ("pre", "post"):
        model = build("modern", {**SIZES, "norm": norm, "zero_init": False}, 27, seed=1)
        x = 5 + 3 * torch.randn(2, 7, 16, generator=torch.Generator().manual_seed(0))
        y = model.blocks[0](x, None, False)[0]
        assert torch.allclose(y.mean(-1), torch.zeros(()), atol=1e-4) == (norm == "post")
        assert torch.allclose(y.std(-1, correction=0), torch.ones(()), atol=1e-3) == (norm == "post")
        assert isinstance(model.norm, torch.nn.Identity) == (norm == "post")


def test_relu_squared_is_zero_below_zero_and_grows_with_the_square():
    block = build("modern", SIZES, 27).blocks[0]
    block.narrow.weight.data.normal_(generator=torch.Generator().manual_seed(0))
    x = torch.randn(1, 1, 16, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(block.mlp(3 * x), 9 * block.mlp(x), rtol=1e-3)
    expected = block.narrow(block.widen(x).clamp(min=0) ** 2)
    assert torch.allclose(block.mlp(x), expected)


@pytest.mark.parametrize(
    "switches",
    [{}, CLASSIC, {"norm": "post", "positions": "sinusoidal"}, {"positions": "none", "norm_kind": "rms"}],
)
def test_one_batch_can_be_learned_by_heart(switches):
    tokenizer = CharacterTokenizer("abdeilmnorvy")
    batch = Examples(["dylan", "amir", "boe"], tokenizer).batch(torch.arange(3))
    model = build("modern", {**SIZES, "d_model": 32, **switches}, tokenizer.vocab_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        next_token_loss(model, batch).backward()
        optimizer.step()
    nats = token_nats(model.logits(batch.ids), batch.targets)
    assert nats[:, 1:].sum() < 0.1
    assert nats[:, 0].mean().item() == pytest.approx(math.log(3), abs=0.02)


def test_an_untrained_model_is_exactly_as_unsure_as_a_fair_die(names_indian):
    tokenizer = CharacterTokenizer(names_indian.alphabet)
    loss = evaluate(build("modern", SIZES, tokenizer.vocab_size), names_indian.part("test")[:300], tokenizer)
    assert loss.nll == pytest.approx(math.log(tokenizer.vocab_size), abs=1e-6)


def test_hidden_matrices_are_those_between_hidden_layers():
    model = build("modern", SIZES, 27)
    matrices = {id(weight) for weight in model.hidden_matrices()}
    names = {name for name, weight in model.named_parameters() if id(weight) in matrices}
    assert len(names) == 2 * 4
    assert all(name.startswith("blocks") and name.endswith("weight") and "norm" not in name for name in names)


def test_a_longer_text_than_the_context_is_refused(refused):
    model = build("modern", SIZES, 27)
    assert model.logits(torch.zeros(1, 16, dtype=torch.long)).shape == (1, 16, 27)
    with refused("17 tokens do not fit the context of 16"):
        model.logits(torch.zeros(1, 17, dtype=torch.long))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"context": 1025}, "context is 1025: choose 1 to 1024"),
        ({"n_layer": 0}, "n_layer is 0"),
        ({"d_model": 30, "n_head": 4}, "does not divide into 4 heads"),
        ({"positions": "alibi"}, "positions 'alibi' is unknown: choose none, learned, sinusoidal or rotary"),
        ({"norm": "both"}, "norm 'both' is unknown: choose pre or post"),
        ({"norm_kind": "batch"}, "norm_kind 'batch' is unknown"),
        ({"activation": "tanh"}, "activation 'tanh' is unknown: choose gelu or relu2"),
        ({"d_model": 15, "n_head": 3, "positions": "sinusoidal"}, "d_model 15 is odd"),
        ({"d_model": 15, "n_head": 3}, "A head has 5 numbers: rotary positions turn pairs"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(refused, options, said):
    with refused(said):
        ModernConfig(**options)
