"""How documents are cut into what a model reads: `Examples`."""

import pytest
import torch

from lmlab.models.protocol import IGNORE, Examples
from lmlab.tokenizers.characters import CharacterTokenizer

TEXT = "abcdefghij" * 100
TOKENIZER = CharacterTokenizer("abcdefghij")


def predicted(examples):
    batch = examples.batch(torch.arange(len(examples)))
    return int((batch.targets != IGNORE).sum())


@pytest.mark.parametrize("block", [7, 64, 255, 1000, 1001, 2000])
def test_every_token_is_measured_once(block):
    examples = Examples([TEXT], TOKENIZER, block)
    assert predicted(examples) == examples.predictions == len(TEXT) + 1


def test_to_learn_windows_lie_end_to_end_and_move_from_epoch_to_epoch():
    examples = Examples([TEXT], TOKENIZER, 64, learning=True)
    generator = torch.Generator().manual_seed(0)
    assert len(examples) == -(-(len(TEXT) + 1) // 64)
    starts = set()
    for _ in range(5):
        examples.new_epoch(generator)
        batch = examples.batch(torch.arange(len(examples)))
        assert batch.ids.shape == (len(examples), 64)  # all as long as the first
        assert int((batch.targets == IGNORE).sum()) == 0
        starts.add(tuple(batch.ids[1, :3].tolist()))
    assert len(starts) > 2


def test_what_a_short_context_cannot_see_at_a_window_s_start_is_not_learned_from():
    examples = Examples([TEXT], TOKENIZER, 64, learning=True, blind=4)
    examples.new_epoch(torch.Generator().manual_seed(1))
    batch = examples.batch(torch.arange(len(examples)))
    at_start = batch.ids[:, 0] == TOKENIZER.boundary_id
    assert (batch.targets[~at_start, :4] == IGNORE).all()
    assert (batch.targets[~at_start, 4:] != IGNORE).all()


def test_the_first_letters_of_a_cut_name_come_in_every_epoch():
    """A name longer than the block is not shifted: a short window may not hide how names begin."""
    examples = Examples(["abcdefghij", "abc"], TOKENIZER, 4, learning=True)
    for seed in range(5):
        examples.new_epoch(torch.Generator().manual_seed(seed))
        assert predicted(examples) == examples.predictions == 15


def test_a_whole_document_beside_a_long_one_stays_whole():
    examples = Examples([TEXT, "abc"], TOKENIZER, 64, learning=True)
    examples.new_epoch(torch.Generator().manual_seed(0))
    last = examples.batch(torch.tensor([len(examples) - 1]))
    assert last.ids.tolist() == [[0, 1, 2, 3]]
    assert last.targets.tolist() == [[1, 2, 3, 0]]
