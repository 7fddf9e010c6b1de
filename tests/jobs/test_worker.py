"""What a worker refuses before it begins."""

import pytest

from lmlab.jobs.messages import Limits
from lmlab.jobs.worker import check_size
from lmlab.training.recipe import Recipe

GPT = {"n_layer": 4, "n_head": 4}


def test_the_default_networks_fit():
    check_size(205_595, GPT, Recipe(steps=1, batch_size=128), 16, Limits())
    check_size(205_595, GPT, Recipe(steps=1, batch_size=64), 128, Limits())


@pytest.mark.parametrize(
    ("parameters", "options", "batch", "tokens", "said"),
    [
        (5_000_000, {}, 512, 100, "billion operations; the limit here is 30"),
        (
            100_000,
            {"n_layer": 2, "n_head": 8},
            512,
            128,
            "403 million attention weights; the limit here is 100 million",
        ),
    ],
)
def test_a_step_that_would_crowd_out_the_others_is_refused(parameters, options, batch, tokens, said, refused):
    with refused(said):
        check_size(parameters, options, Recipe(steps=1, batch_size=batch), tokens, Limits())
