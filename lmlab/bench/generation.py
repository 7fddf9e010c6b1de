"""Generating text with a cache or a hidden state, against `transformers.generate`."""

import math
import statistics
from typing import Any

import torch
from torch import Tensor

from lmlab.bench.peers import GPT2, difference, outspoken
from lmlab.bench.rows import Row, all_cores, missing, race, seconds
from lmlab.bench.training import SHAPE
from lmlab.generation.generate import generate
from lmlab.models.protocol import LanguageModel, State
from lmlab.runs.cards import BUNDLED
from lmlab.runs.store import load_run
from lmlab.tokenizers.protocol import Tokenizer

TRAINED = "calm-heron"  # the bundled transformer, 4 blocks of 64


class Endless:
    """A model that never ends its text: the boundary's logit is -inf."""

    def __init__(self, model: LanguageModel, boundary_id: int) -> None:
        self.model, self.boundary_id = model, boundary_id
        self.vocab_size, self.context, self.block_size = model.vocab_size, model.context, model.block_size

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V)."""
        return self._without_end(self.model.logits(ids))

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V), and the model's own state."""
        logits, state = self.model.next(ids, state)
        return self._without_end(logits), state

    def _without_end(self, logits: Tensor) -> Tensor:
        logits = logits.clone()
        logits[..., self.boundary_id] = -math.inf
        return logits


class Uncached:
    """A model that remembers nothing but the ids and reads the whole text again for every token."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self.vocab_size, self.context, self.block_size = model.vocab_size, model.context, model.block_size

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V)."""
        return self.model.logits(ids)

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V); the state is all ids so far."""
        seen = ids if state is None else torch.cat([state, ids], dim=1)
        return self.model.logits(seen)[:, -1], seen


def cache_agrees(model: LanguageModel, tokenizer: Tokenizer, n: int, limit: int) -> tuple[float, bool]:
    """How far the logits with and without a cache lie apart at most, and whether both write the same n texts."""
    ids = torch.randint(model.vocab_size, (8, limit), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        state, stepped = None, []
        for t in range(limit):
            logits, state = model.next(ids[:, t : t + 1], state)
            stepped.append(logits)
        apart = (torch.stack(stepped, dim=1) - model.logits(ids)).nan_to_num(0.0)  # -inf on both sides is equal
    cached, uncached = (
        [sample.text for sample in generate(each, tokenizer, n, limit=limit, seed=1)]
        for each in (model, Uncached(model))
    )
    return float(apart.abs().max()), cached == uncached


def _said(model: LanguageModel, tokenizer: Tokenizer, n: int, limit: int) -> str:
    apart, same = cache_agrees(model, tokenizer, n, limit)
    texts = "the same text" if n == 1 else f"the same {n} texts"
    if not same:
        texts = f"NOT {texts}"
    close = "" if apart <= 1e-5 else ", which is NOT within 1e-5"
    return f"With and without cache: logits differ by at most {apart:.0e}{close}; {texts} at one seed."


def generation(names: int = 1000, length: int = 512, turns: int = 3) -> list[Row]:
    """Generate 1,000 names at once and one text of 512 characters, against `transformers`' `generate`.

    The names come from the bundled transformer (4 blocks of 64, trained), the text from a random one of the same
    size with a context of 512 that may not end its text. The peer is GPT-2 with the very same weights, sampling
    with its cache at temperature 1, at most as many tokens, all cores. So the texts have equal distributions, and
    equal lengths on average. That our cache changes nothing is computed for the note: largest difference of the
    logits, and the texts at one seed.

    The recurrent networks (32 numbers a token, 128 carried, random weights) write a text of 512 characters and as
    many names, all of full length; quoted is the speed for the names. No peer generates with those.
    """
    run = load_run(BUNDLED / TRAINED)
    trained: Any = run.model
    with all_cores():
        long = outspoken("transformer", {**SHAPE, "context": length}, run.tokenizer.vocab_size).eval()
        rows = [
            _against_peer("generation-names", trained, run.tokenizer, names, trained.config.context - 1, turns),
            _against_peer("generation-text", long, run.tokenizer, 1, length, turns, endless=True),
        ]
        for kind in ("rnn", "gru", "lstm"):
            rows.append(_recurrent(kind, run.tokenizer, names, trained.config.context - 1, length, turns))
    return rows


def _against_peer(
    name: str, model: Any, tokenizer: Tokenizer, n: int, limit: int, turns: int, endless: bool = False
) -> Row:
    """n texts of at most `limit` tokens (`endless`: of exactly so many), by us and by GPT-2 with the same weights."""
    ours = Endless(model, tokenizer.boundary_id) if endless else model
    texts = f"{n:,} names" if n > 1 else f"A text of {limit} characters"
    what = f"{texts} by transformers.generate, as a multiple of our time"
    said = _said(ours, tokenizer, min(n, 200), limit)
    if note := missing("transformers"):
        return Row(name, what, "x", None, 3.0, note=f"{note} {said}", at_least=True)
    peer = GPT2(model, with_weights=True).eval()
    written: dict[str, float] = {}

    def we() -> None:
        samples = generate(ours, tokenizer, n, limit=limit, seed=1)
        written["ours"] = statistics.mean(len(sample.text) for sample in samples)

    def they() -> None:
        ids = peer.generate(n, limit, tokenizer.boundary_id if endless else None)[:, 1:]
        written["theirs"] = float((ids != tokenizer.boundary_id).sum(1).double().mean())

    result = race(we, they, turns)
    _, alike = difference(model, peer, torch.arange(min(8, limit)).expand(8, -1) % tokenizer.vocab_size)
    note = f"{result.times()} Mean length: ours {written['ours']:.2f}, theirs {written['theirs']:.2f}. "
    return Row(name, what, "x", result.ratio, 3.0, result.ratios, f"{note}{alike} {said}", at_least=True)


def _recurrent(kind: str, tokenizer: Tokenizer, names: int, limit: int, length: int, turns: int) -> Row:
    model = Endless(outspoken(kind, {}, tokenizer.vocab_size).eval(), tokenizer.boundary_id)
    many = seconds(lambda: generate(model, tokenizer, names, limit=limit), turns)
    one = seconds(lambda: generate(model, tokenizer, 1, limit=length), turns)
    speeds = tuple(names * limit / time for time in many)
    note = f"One text of {length} alone: {length / statistics.median(one):,.0f} characters/s. "
    note += _said(model, tokenizer, min(names, 200), limit)
    what = f"Our {kind} writing {names:,} texts of {limit} characters"
    return Row(f"generation-{kind}", what, "characters/s", statistics.median(speeds), runs=speeds, note=note)
