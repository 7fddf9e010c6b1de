"""The one loop that generates: for each name, roll the next token until the end mark or the limit."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from lmlab.errors import LabError
from lmlab.evaluation.loss import token_nats
from lmlab.generation.sampling import Sampling, choose
from lmlab.models.cache import Cache
from lmlab.models.protocol import LanguageModel, State
from lmlab.tokenizers.protocol import Tokenizer


@dataclass(frozen=True)
class Choice:
    """One roll: every token's probability before (`p`) and after the cut (`p_final`), u, and what it hit."""

    p: list[float]
    p_final: list[float]
    u: float
    token: int


@dataclass(frozen=True)
class Sample:
    """A generated text. `ended` says whether the end mark was rolled or the limit cut it off.

    `nats` is the surprise of what was rolled under the model itself (temperature 1, nothing cut), over
    `rolls` predictions; the prefix is not counted.
    """

    text: str
    ended: bool
    nats: float
    rolls: int
    trace: list[Choice] = field(default_factory=list)


def generate(
    model: LanguageModel,
    tokenizer: Tokenizer,
    n: int = 1,
    sampling: Sampling | None = None,
    prefix: str = "",
    limit: int = 50,
    seed: int = 0,
    trace: bool = False,
) -> list[Sample]:
    """Generate n texts that begin with `prefix`, of at most `limit` tokens.

    The random numbers are a table with a row a text and a column a roll, fixed by the seed: the same dice
    under another model or temperature give texts that can be compared, and asking for more texts keeps the
    first ones. Raises `LabError` for a prefix with unknown characters.

    >>> from lmlab.models.ngram import Ngram, NgramConfig, count_ngrams
    >>> from lmlab.tokenizers.characters import CharacterTokenizer
    >>> tokenizer = CharacterTokenizer("ab")
    >>> model = Ngram(NgramConfig(2, "mle"), count_ngrams(["ab", "ab"], tokenizer, 2))
    >>> sample, = generate(model, tokenizer, trace=True)
    >>> sample.text, sample.ended, [choice.p for choice in sample.trace]
    ('ab', True, [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    """
    sampling = sampling or Sampling()
    if not 1 <= n <= 10_000:
        raise LabError(f"{n} texts were asked for: choose 1 to 10,000.")
    if not 1 <= limit <= 10_000:
        raise LabError(f"The length limit is {limit}: choose 1 to 10,000.")
    if not 0 <= seed < 2**63:
        raise LabError(f"The seed is {seed}: choose 0 or a positive whole number below 2 to the power of 63.")
    if not hasattr(model, "next"):
        raise LabError(
            "This model gives tokens a place, not a probability, so it cannot write. "
            "Choose a model that predicts the next token."
        )
    boundary = tokenizer.boundary_id
    begin = tokenizer.encode(prefix)
    if len(begin) >= limit:
        raise LabError(f"The prefix has {len(begin)} tokens and the limit is {limit}: shorten the prefix.")
    first = torch.tensor([[boundary, *begin]])
    dice = torch.rand(n, limit, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    chosen = torch.full((n, limit), boundary)
    nats = torch.zeros(n, dtype=torch.float64)
    rolls = torch.zeros(n, dtype=torch.long)
    traces: list[list[Choice]] = [[] for _ in range(n)]
    ended = torch.zeros(n, dtype=torch.bool)
    alive = torch.arange(n)
    ids, state = first.expand(n, -1), None
    with torch.inference_mode():
        for roll in range(limit - len(begin)):
            logits, state = model.next(ids, state)
            p_final = sampling.apply(logits).softmax(-1)
            token = choose(p_final, dice[alive, roll])
            nats[alive] += token_nats(logits[:, None], token[:, None])[:, 0].double()
            rolls[alive] += 1
            if trace:
                _record(traces, alive, logits.softmax(-1), p_final, dice[alive, roll], token)
            chosen[alive, roll] = token
            going = token != boundary
            ended[alive[~going]] = True
            if not going.any():
                break
            if not going.all():
                alive, token, state = alive[going], token[going], _keep(state, going)
            ids = token[:, None]
    return [
        Sample(
            tokenizer.decode([*begin, *chosen[i].tolist()]),
            bool(ended[i]),
            float(nats[i]),
            int(rolls[i]),
            traces[i],
        )
        for i in range(n)
    ]


def _record(traces: list[list[Choice]], alive: Tensor, p: Tensor, p_final: Tensor, u: Tensor, token: Tensor) -> None:
    for row, i in enumerate(alive.tolist()):
        choice = Choice(p[row].tolist(), p_final[row].tolist(), float(u[row]), int(token[row]))
        traces[i].append(choice)


def _keep(state: State, rows: Tensor) -> State:
    """Drop the finished texts from a state: any nest of tuples and lists whose tensors have B first."""
    if isinstance(state, Tensor):
        return state[rows]
    if isinstance(state, Cache):
        return state.keep(rows)
    if isinstance(state, tuple | list):
        return type(state)(_keep(part, rows) for part in state)
    return state
