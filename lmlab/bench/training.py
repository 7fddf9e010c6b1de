"""One training step: forward, backward, update, against the same step of a peer on the same batch."""

import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lmlab.bench.peers import GPT2, SteppedCells, difference, outspoken
from lmlab.bench.rows import Race, Row, all_cores, missing, race, seconds, spoken_time
from lmlab.models.build import build
from lmlab.models.protocol import Batch
from lmlab.models.transformer import Transformer, TransformerConfig
from lmlab.training.objectives import next_token_loss
from lmlab.training.optimizers import Muon, make_optimizers
from lmlab.training.recipe import Recipe

VOCABULARY = 27
BATCH, LENGTH = 128, 12
SHAPE = {"context": 32, "d_model": 64, "n_layer": 4, "n_head": 4}
SLOW = 1e-5  # a learning rate at which many steps on one batch change its loss but little


def learning_step(model: Any, recipe: Recipe, batch: Batch) -> Callable[[], None]:
    """A function that makes one step on the batch; model and loss are what the trainer would take."""
    optimizers = make_optimizers(model, recipe)
    model.train()

    def step() -> None:
        loss = next_token_loss(model, batch)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

    return step


def some_batch(size: int = BATCH, length: int = LENGTH) -> Batch:
    """Random tokens without padding: (B, T) ids and targets."""
    ids = torch.randint(VOCABULARY, (size, length + 1), generator=torch.Generator().manual_seed(0))
    return Batch(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())


def train_step(turns: int = 7, calls: int = 10) -> list[Row]:
    """A training step of the plain transformer, 4 blocks of 64 on a batch of 128 x 12, V = 27, on all cores.

    The peer is `transformers`' GPT2LMHeadModel of the same size, without dropout, under the same optimiser (torch's
    fused AdamW) and with the same loss of its logits. It is raced twice: as it comes, and with our weights,
    activation and head, in which case both compute the same function (the note says how close). The third row puts
    Muon, as our presets have it, in place of our AdamW. The last two measure the processor: a large float32 product,
    and our step in multiples of the time that its own matrix products would take at that speed.
    """
    names = [
        ("train-step", "A training step of transformers' GPT-2 as it comes, as a multiple of ours", 1.5),
        ("train-step-same", "The same, GPT-2 with our weights, activation and head", None),
        ("train-step-muon", "GPT-2 under AdamW as it comes, as a multiple of our step under Muon", None),
    ]
    ours = outspoken("transformer", SHAPE, VOCABULARY)
    batch, adamw = some_batch(), Recipe(steps=1, learning_rate=SLOW, matrix_learning_rate=SLOW)
    muon = replace(adamw, optimizer="muon")
    rows = []
    with all_cores():
        if note := missing("transformers"):
            rows = [Row(name, what, "x", None, target, note=note, at_least=True) for name, what, target in names]
        else:
            plain, same = GPT2(ours, with_weights=False), GPT2(ours, with_weights=True)
            _, alike = difference(ours, same, batch.ids)
            notes = ["GPT-2 has its own GELU, and its head shares the embedding's weights.", alike, ""]
            for (name, what, target), peer, recipe, note in zip(
                names, (plain, same, plain), (adamw, adamw, muon), notes, strict=True
            ):
                our_step = learning_step(ours, recipe, batch)
                result = race(our_step, learning_step(peer, adamw, batch), turns, calls)
                rows.append(_ratio(name, what, result, target, note))
        return rows + _limit(
            ours, batch, statistics.median(seconds(learning_step(ours, adamw, batch), turns * calls))
        )


def _ratio(name: str, what: str, result: Race, target: float | None, note: str) -> Row:
    return Row(
        name, what, "x", result.ratio, target, result.ratios, f"{result.times()} {note}".strip(), at_least=True
    )


def _limit(model: Transformer, batch: Batch, step: float) -> list[Row]:
    """How fast this machine multiplies, and how far `step` seconds are from nothing but multiplying."""
    a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
    speeds = tuple(2 * 1024**3 / time / 1e9 for time in seconds(lambda: a @ b, 20))
    speed = statistics.median(speeds)
    products = matrix_products(model.config, model.vocab_size, *batch.ids.shape)
    work = sum(2 * left.numel() * right.shape[-1] for left, right in products) / 1e9

    def multiply() -> None:
        for left, right in products:
            left @ right

    alone = statistics.median(seconds(multiply, 20))
    note = (
        f"A step of {spoken_time(step)} holds {work:.2f} GFLOP of matrix products: {spoken_time(work / speed)} at "
        f"{speed:.0f} GFLOP/s. At their own shapes they take {spoken_time(alone)} ({work / alone:.0f} GFLOP/s)."
    )
    return [
        Row("matmul", "Product of two float32 matrices of 1,024 x 1,024, all cores", "GFLOP/s", speed, runs=speeds),
        Row(
            "train-step-limit",
            "Our training step over its matrix products alone",
            "x",
            step * speed / work,
            note=note,
        ),
    ]


def matrix_products(
    config: TransformerConfig, vocab_size: int, size: int, length: int
) -> list[tuple[Tensor, Tensor]]:
    """Every matrix product of one training step, as pairs of random factors; the attention's are stacked.

    A product forward, X W, brings two backward: of the gradient with W and with X.

    >>> products = matrix_products(TransformerConfig(**SHAPE), 27, 128, 12)
    >>> round(sum(2 * left.numel() * right.shape[-1] for left, right in products) / 1e9, 2)      # GFLOP
    1.88
    """
    C, D, rows, heads = config.d_model, config.d_model // config.n_head, size * length, size * config.n_head
    block = [(rows, C, 3 * C), (rows, C, C), (rows, C, 4 * C), (rows, 4 * C, C)]
    attention = [(length, D, length), (length, length, D)]  # queries by keys, weights by values
    products = []
    for n, k, m in block * config.n_layer + [(rows, C, vocab_size)]:
        products += [(torch.rand(*left), torch.rand(*right)) for left, right in _three(n, k, m)]
    for n, k, m in attention * config.n_layer:
        products += [(torch.rand(heads, *left), torch.rand(heads, *right)) for left, right in _three(n, k, m)]
    return products


def _three(n: int, k: int, m: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    return [((n, k), (k, m)), ((n, m), (m, k)), ((k, n), (n, m))]


def recurrent_step(turns: int = 7, calls: int = 10) -> list[Row]:
    """A training step of our recurrent networks against `torch.nn` cells stepped by a loop in Python.

    Same sizes (32 numbers a token, 128 carried), same weights, same batch of 128 x 12, same optimiser, all cores.
    """
    rows = []
    with all_cores():
        for kind in SteppedCells.CELLS:
            ours, batch = outspoken(kind, {}, VOCABULARY), some_batch()
            theirs = SteppedCells(kind, ours)
            _, note = difference(ours, theirs, batch.ids)
            recipe = Recipe(steps=1, learning_rate=SLOW)
            result = race(learning_step(ours, recipe, batch), learning_step(theirs, recipe, batch), turns, calls)
            what = f"A training step of torch's {kind} cells in a loop, as a multiple of ours"
            rows.append(_ratio(f"recurrent-step-{kind}", what, result, 1.0, note))
    return rows


def muon(turns: int = 7, calls: int = 10) -> list[Row]:
    """One update of all hidden matrices of 4 blocks of 64 by our Muon, which stacks them, and by torch's.

    Both have the same matrices and gradients. `torch.optim.Muon` rounds to bfloat16 on the way and ours does not, so
    the note says how well their first updates agree: 1 is the same direction.
    """
    matrices = {"ours": _with_gradients(), "theirs": _with_gradients()}
    before = [matrix.detach().clone() for matrix in matrices["ours"]]
    ours = Muon(matrices["ours"], lr=0.02, momentum=0.95, weight_decay=0.0)
    theirs = torch.optim.Muon(matrices["theirs"], lr=0.02, momentum=0.95, weight_decay=0.0)
    with all_cores():
        ours.step()
        theirs.step()
        with torch.no_grad():
            alike = min(
                float(torch.cosine_similarity((a - start).flatten(), (b - start).flatten(), dim=0))
                for a, b, start in zip(matrices["ours"], matrices["theirs"], before, strict=True)
            )
        result = race(ours.step, theirs.step, turns, calls)
    note = f"The cosine of their first updates is {alike:.4f} or more."
    return [_ratio("muon", "An update by torch.optim.Muon, as a multiple of ours", result, None, note)]


def _with_gradients() -> list[Tensor]:
    """The hidden matrices of a transformer, each with a random gradient; every time the same."""
    model: Any = build("transformer", SHAPE, VOCABULARY, seed=1)
    generator = torch.Generator().manual_seed(0)
    matrices: list[Tensor] = model.hidden_matrices()
    for matrix in matrices:
        matrix.grad = torch.randn(matrix.shape, generator=generator)
    return matrices
