"""Recurrent networks: one step a token, and what was read is carried along as a vector, the hidden state.

    ids (B, T) -> embed x (B, T, d) -> h_t = step(x_t, h_{t-1}) (B, H), one after the other -> logits (B, T, V)

    rnn    h = tanh(A x + B h)                            multiplies by B at every step: gradients vanish or explode
    gru    h = (1 - z) n + z h                            gates z and r decide what to keep
    lstm   c = f c + i g,  h = o tanh(c)                  a second state c that is added to, not multiplied by B

`step` writes one step out from its equations, so that every gate can be looked at; training takes torch's
fused path over all steps, which holds the very same parameters and gives the same numbers.
Sources: Elman (1990), Finding structure in time; Cho et al. (2014), Learning phrase representations using RNN
encoder-decoder, section 2.3; Hochreiter and Schmidhuber (1997), Long short-term memory, with the forget gate
of Gers, Schmidhuber and Cummins (2000), Learning to forget, section 3.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn as nn
from torch import Tensor

from lmlab.models.options import check_options
from lmlab.models.protocol import State

Step = dict[str, Tensor]
"""Everything that one step computed, each (B, H); `hidden` (and `cell`) are what the next step is given."""


@dataclass(frozen=True)
class RecurrentConfig:
    """`d_embed` numbers a token, `d_hidden` numbers that are carried from step to step."""

    d_embed: int = 32
    d_hidden: int = 128

    def __post_init__(self) -> None:
        check_options(self, d_embed=512, d_hidden=1024)


class Recurrent(nn.Module):
    """What the three share: embedding, head, and two ways through the steps. A kind adds its own `step`."""

    context: int | None = None
    block_size: int | None = None
    small_state = True  # what is carried on does not grow with the text
    fused_kind: ClassVar[Any]
    carried: ClassVar[tuple[str, ...]] = ("hidden",)

    def __init__(self, config: RecurrentConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, config.d_embed)
        self.fused = self.fused_kind(config.d_embed, config.d_hidden, batch_first=True)
        self.head = nn.Linear(config.d_hidden, vocab_size)
        # Orthogonal matrices neither stretch nor shrink what passes through them at every step. Source: Saxe,
        # McClelland and Ganguli (2014), Exact solutions to the nonlinear dynamics of learning, section 3.
        for matrix in self.fused.weight_hh_l0.split(config.d_hidden):
            nn.init.orthogonal_(matrix)
        nn.init.zeros_(self.head.weight)  # uniform at first: the loss starts at ln V
        nn.init.zeros_(self.head.bias)

    # --- the fast path: all steps in one call ---------------------------------------------------------

    def stream(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> logits (B, T, V), and the state: what is carried on, each (B, 1, H)."""
        past = None
        if state is not None:
            past = tuple(part.transpose(0, 1).contiguous() for part in state)  # torch wants (layers, B, H)
        hidden, last = self.fused(self.embedding(ids), past if past is None or len(past) > 1 else past[0])
        carried = last if isinstance(last, tuple) else (last,)
        return self.head(hidden), tuple(part.transpose(0, 1) for part in carried)

    def logits(self, ids: Tensor) -> Tensor:
        """(B, T) int64 -> (B, T, V)."""
        return self.stream(ids)[0]

    def next(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        """(B, T) new ids -> (B, V) for the token that follows; the state is that of `stream`."""
        logits, state = self.stream(ids, state)
        return logits[:, -1], state

    # --- the same written out: one step at a time -----------------------------------------------------

    def step(self, x: Tensor, before: Step) -> Step:
        """One step: x (B, d) and what was carried -> everything that it computed."""
        raise NotImplementedError

    def maps(self, x: Tensor, hidden: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """A x + a and B h + b for each gate, each (B, H); torch keeps the gates' matrices in one."""
        cell, size = self.fused, self.config.d_hidden
        from_input = x @ cell.weight_ih_l0.T + cell.bias_ih_l0
        from_hidden = hidden @ cell.weight_hh_l0.T + cell.bias_hh_l0
        return from_input.split(size, dim=1), from_hidden.split(size, dim=1)

    def unrolled(self, ids: Tensor) -> list[Step]:
        """(B, T) -> one `Step` a token. Gradients flow through them: ask for that of a late loss in an early state.

        `model.head(steps[t]["hidden"])` are the logits at t.
        """
        x = self.embedding(ids)
        steps = [{name: x.new_zeros(len(ids), self.config.d_hidden) for name in self.carried}]
        for t in range(ids.shape[1]):
            steps.append(self.step(x[:, t], steps[-1]))
        return steps[1:]

    def states(self, ids: Tensor) -> list[Any]:
        """(B, T) -> what each of the T steps hands on, with gradients: h (B, H), or the pair (h, c) of an LSTM."""
        steps = [tuple(step[name] for name in self.carried) for step in self.unrolled(ids)]
        return steps if len(self.carried) > 1 else [hidden for (hidden,) in steps]

    def hidden_activations(self, ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, H): the hidden states; near -1 or 1 the tanh behind them is saturated."""
        return self.fused(self.embedding(ids))[0]

    def gates(self, ids: Tensor) -> dict[str, Tensor]:
        """(B, T) -> everything that the steps computed, each (B, T, H), by its name in the equations."""
        steps = self.unrolled(ids)
        return {name: torch.stack([step[name] for step in steps], dim=1) for name in steps[0]}

    def hidden_matrices(self) -> list[Tensor]:
        """Weights between hidden layers: what Muon may orthogonalise (embeddings and heads stay with Adam)."""
        return [self.fused.weight_ih_l0, self.fused.weight_hh_l0]


class RNN(Recurrent):
    """Elman's network: h = tanh(A x + a + B h + b).

    >>> model = RNN(RecurrentConfig(d_embed=4, d_hidden=8), vocab_size=27)
    >>> model.logits(torch.tensor([[0, 5, 13]])).shape
    torch.Size([1, 3, 27])
    >>> [tuple(h.shape) for h in model.states(torch.tensor([[0, 5, 13]]))]
    [(1, 8), (1, 8), (1, 8)]
    """

    fused_kind = nn.RNN

    def step(self, x: Tensor, before: Step) -> Step:
        """x (B, d), the hidden state -> the next one."""
        (from_input,), (from_hidden,) = self.maps(x, before["hidden"])
        return {"hidden": torch.tanh(from_input + from_hidden)}


class GRU(Recurrent):
    """Gated recurrent unit: a candidate n, and a gate z that mixes it with what was.

    >>> model = GRU(RecurrentConfig(d_embed=4, d_hidden=8), vocab_size=27)
    >>> {name: tuple(gate.shape) for name, gate in model.gates(torch.tensor([[0, 5, 13]])).items()}
    {'reset': (1, 3, 8), 'update': (1, 3, 8), 'candidate': (1, 3, 8), 'hidden': (1, 3, 8)}
    """

    fused_kind = nn.GRU

    def step(self, x: Tensor, before: Step) -> Step:
        """x (B, d), the hidden state -> gates, candidate, next hidden state.

        As torch has it, the reset gate acts on B h + b; Cho et al. let it act on h, before the product.
        """
        (x_r, x_z, x_n), (h_r, h_z, h_n) = self.maps(x, before["hidden"])
        reset, update = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
        candidate = torch.tanh(x_n + reset * h_n)
        hidden = (1 - update) * candidate + update * before["hidden"]
        return {"reset": reset, "update": update, "candidate": candidate, "hidden": hidden}


class LSTM(Recurrent):
    """Long short-term memory: a cell that forgets, takes in and shows through three gates.

    >>> model = LSTM(RecurrentConfig(d_embed=4, d_hidden=8), vocab_size=27)
    >>> list(model.gates(torch.tensor([[0, 5, 13]])))
    ['input', 'forget', 'candidate', 'output', 'cell', 'hidden']
    """

    fused_kind = nn.LSTM
    carried = ("hidden", "cell")

    def __init__(self, config: RecurrentConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        # sigmoid(1) = 0.73: the cell starts out remembering, so that early losses reach early tokens. Source:
        # Jozefowicz, Zaremba and Sutskever (2015), An empirical exploration of recurrent network architectures.
        with torch.no_grad():
            for bias, value in ((self.fused.bias_ih_l0, 1.0), (self.fused.bias_hh_l0, 0.0)):
                bias[config.d_hidden : 2 * config.d_hidden] = value  # torch's order: input, forget, candidate, output

    def step(self, x: Tensor, before: Step) -> Step:
        """x (B, d), hidden state and cell -> gates, candidate, next cell, next hidden state."""
        (x_i, x_f, x_g, x_o), (h_i, h_f, h_g, h_o) = self.maps(x, before["hidden"])
        take, forget = torch.sigmoid(x_i + h_i), torch.sigmoid(x_f + h_f)
        candidate, output = torch.tanh(x_g + h_g), torch.sigmoid(x_o + h_o)
        cell = forget * before["cell"] + take * candidate
        hidden = output * torch.tanh(cell)
        steps = {"input": take, "forget": forget, "candidate": candidate, "output": output}
        return {**steps, "cell": cell, "hidden": hidden}
