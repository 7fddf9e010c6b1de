"""The networks that ours are timed against: the same sizes, and where it can be the same weights."""

import copy
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor

from lmlab.models.build import build
from lmlab.models.recurrent import Recurrent
from lmlab.models.transformer import Transformer

SAME = 1e-4  # logits that lie closer are called equal: float32, added up in another order


def outspoken(kind: str, options: dict[str, Any], vocab_size: int) -> Any:
    """An untrained network whose head is random and not zero: its logits depend on what it reads."""
    model: Any = build(kind, options, vocab_size, seed=1)
    with torch.no_grad():
        model.head.weight.copy_(torch.randn(model.head.weight.shape, generator=torch.Generator().manual_seed(1)) / 5)
    return model


class GPT2(nn.Module):
    """`transformers`' GPT-2 in the size of one of our transformers, without dropout.

    As it comes (`with_weights=False`) it is GPT-2 as published: GELU by its tanh formula, and a head that shares the
    embedding's weights. With our weights it has our own activation and our head, so that both are one function.
    """

    def __init__(self, model: Transformer, with_weights: bool) -> None:
        super().__init__()
        import transformers

        transformers.logging.set_verbosity_error()  # its advice to library users is nothing for this table
        options = model.config
        self.network: Any = transformers.GPT2LMHeadModel(
            transformers.GPT2Config(
                vocab_size=model.vocab_size,
                n_positions=options.context,
                n_embd=options.d_model,
                n_layer=options.n_layer,
                n_head=options.n_head,
                activation_function=options.activation if with_weights else "gelu_new",
                tie_word_embeddings=not with_weights,
                resid_pdrop=0.0,
                embd_pdrop=0.0,
                attn_pdrop=0.0,
                bos_token_id=0,
                eos_token_id=0,
                pad_token_id=0,
            )
        )
        if with_weights:
            self._take_weights(model)

    @torch.no_grad()
    def _take_weights(self, model: Transformer) -> None:
        theirs = self.network.transformer
        theirs.wte.weight.copy_(model.embedding.weight)
        theirs.wpe.weight.copy_(model.positions)
        theirs.ln_f.load_state_dict(model.norm.state_dict())
        self.network.lm_head = copy.deepcopy(model.head)
        blocks: Any = model.blocks
        for block, ours in zip(theirs.h, blocks, strict=True):
            block.ln_1.load_state_dict(ours.norm_1.state_dict())
            block.ln_2.load_state_dict(ours.norm_2.state_dict())
            for linear, our_linear in (
                (block.attn.c_attn, ours.attention.query_key_value),
                (block.attn.c_proj, ours.attention.project),
                (block.mlp.c_fc, ours.widen),
                (block.mlp.c_proj, ours.narrow),
            ):
                linear.weight.copy_(our_linear.weight.T)  # they keep (in, out), torch.nn.Linear (out, in)
                linear.bias.copy_(our_linear.bias)

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V)."""
        logits: Tensor = self.network(input_ids=ids, use_cache=False).logits
        return logits

    def generate(self, n: int, tokens: int, forbidden: int | None = None) -> Tensor:
        """n texts of at most `tokens` tokens, sampled with the cache: (n, 1 + tokens at most) ids.

        They begin with token 0 and end with it, unless it is forbidden: then all are of full length.
        """
        ids = torch.zeros(n, 1, dtype=torch.long)
        chosen: Tensor = self.network.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=True,
            top_k=0,
            use_cache=True,
            max_new_tokens=tokens,
            pad_token_id=0,
            eos_token_id=0 if forbidden is None else None,
            suppress_tokens=None if forbidden is None else [forbidden],
        )
        return chosen


class SteppedCells(nn.Module):
    """A recurrent network of `torch.nn` cells, stepped by a loop in Python; it begins with our weights."""

    CELLS = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}  # noqa: RUF012

    def __init__(self, kind: str, model: Recurrent) -> None:
        super().__init__()
        self.embedding = copy.deepcopy(model.embedding)
        self.cell: Any = self.CELLS[kind](model.config.d_embed, model.config.d_hidden)
        weights = model.fused.state_dict()
        self.cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in weights.items()})
        self.head = copy.deepcopy(model.head)

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V)."""
        x, state, hidden = self.embedding(ids), None, []
        for t in range(ids.shape[1]):
            state = self.cell(x[:, t], state)
            hidden.append(state[0] if isinstance(state, tuple) else state)
        logits: Tensor = self.head(torch.stack(hidden, dim=1))
        return logits


def difference(ours: Any, theirs: Any, ids: Tensor) -> tuple[float, str]:
    """How far the logits of two models lie apart at most for (B, T) ids, and the same in words."""
    with torch.no_grad():
        apart = float((ours.logits(ids) - theirs.logits(ids)).abs().max())
    words = f"The logits of both networks differ by at most {apart:.0e}."
    if apart > SAME:
        words += " That is too much: the ratio compares different work."
    return apart, words
