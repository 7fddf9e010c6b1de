import pytest
import torch

from lmlab.models.build import build
from lmlab.models.cache import Cache

IDS = torch.randint(0, 27, (3, 9), generator=torch.Generator().manual_seed(0))


def numbers(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_what_is_appended_piece_by_piece_is_what_is_there():
    keys, values = both = numbers(2, 2, 3, 40, 4)
    with torch.inference_mode():
        cache = Cache.of(both[..., :1, :])
        for begin, end in ((1, 2), (2, 7), (7, 8), (8, 40)):
            cache = cache.append(both[..., begin:end, :])
            assert cache.length == end
            assert torch.equal(cache.keys, keys[:, :, :end])
            assert torch.equal(cache.values, values[:, :, :end])


def test_appending_copies_only_now_and_then():
    with torch.inference_mode():
        cache = Cache.of(numbers(2, 1, 1, 8, 2))
        places = set()
        for _ in range(1000):
            cache = cache.append(numbers(2, 1, 1, 1, 2))
            places.add(cache.keys.data_ptr())
    assert len(places) <= 8  # the room doubles


@pytest.mark.parametrize("kind", ["transformer", "modern"])
def test_two_branches_of_one_text_do_not_disturb_each_other(kind, shaken):
    model = shaken(kind, {"context": 32, "d_model": 16, "n_layer": 2, "n_head": 2}, 27)
    with torch.inference_mode():
        _, state = model.next(IDS)
        _, state = model.next(IDS[:, :1], state)  # now there is room that both could take
        one, one_state = model.next(IDS[:, 1:2], state)
        other, other_state = model.next(IDS[:, 2:3], state)
        for logits, token, after in ((one, 1, one_state), (other, 2, other_state)):
            text = torch.cat([IDS, IDS[:, :1], IDS[:, token : token + 1]], dim=1)
            assert torch.allclose(logits, model.logits(text)[:, -1], atol=1e-5)
            longer, _ = model.next(IDS[:, 4:5], after)
            text = torch.cat([text, IDS[:, 4:5]], dim=1)
            assert torch.allclose(longer, model.logits(text)[:, -1], atol=1e-5)


def test_finished_texts_are_dropped_from_the_cache():
    keys, values = both = numbers(2, 4, 2, 5, 3)
    kept = Cache.of(both).keep(torch.tensor([True, False, True, False]))
    assert torch.equal(kept.keys, keys[[0, 2]])
    assert torch.equal(kept.values, values[[0, 2]])


def test_gradients_flow_through_a_cache():
    """With gradients on, nothing is written over what a gradient still needs."""
    model = build("transformer", {"context": 8, "d_model": 16, "n_layer": 1, "n_head": 2}, 27)
    torch.nn.init.normal_(model.head.weight)
    _, state = model.next(IDS[:, :3])
    _, state = model.next(IDS[:, 3:4], state)
    logits, _ = model.next(IDS[:, 4:5], state)
    cached = torch.autograd.grad(logits.square().sum(), model.embedding.weight)[0]
    whole = torch.autograd.grad(model.logits(IDS[:, :5])[:, -1].square().sum(), model.embedding.weight)[0]
    assert torch.allclose(cached, whole, rtol=1e-4, atol=1e-5)
