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

DROP_BELOW = 0.75  # share of a batch that must still be going, or else the finished rows are dropped
MOST_ROLLS = 20_000_000  # of one call: about half a gigabyte of dice and their results
NOT_ROLLED = -1


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
    `rolls` predictions; the prefix is not counted. `ids` are the tokens that were rolled, the end mark included.
    """

    text: str
    ended: bool
    nats: float
    rolls: int
    trace: list[Choice] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)


def generate(
    model: LanguageModel,
    tokenizer: Tokenizer,
    n: int = 1,
    sampling: Sampling | None = None,
    prefix: str = "",
    limit: int = 50,
    seed: int = 0,
    trace: bool = False,
    likeliest_first: bool = False,
) -> list[Sample]:
    """Generate n texts that begin with `prefix`, of at most `limit` tokens.

    The random numbers are a table with a row a text and a column a roll, fixed by the seed: the same dice
    under another model or temperature give texts that can be compared, and asking for more texts keeps the
    first ones. `likeliest_first` says in which order the tokens lie under the dice, see `choose`. Raises `LabError`
    for a prefix with unknown characters.

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
    if n * limit > MOST_ROLLS:
        raise LabError(f"{n:,} texts of {limit:,} tokens are too many at once: their product may be {MOST_ROLLS:,}.")
    check_writes(model)
    boundary = tokenizer.boundary_id
    begin = tokenizer.encode(prefix)
    if len(begin) >= limit:
        raise LabError(f"The prefix has {len(begin)} tokens and the limit is {limit}: shorten the prefix.")
    first = torch.tensor([[boundary, *begin]])
    dice = dice_of(seed, n, limit)

    chosen = torch.full((n, limit), NOT_ROLLED)
    surprise = torch.zeros(n, limit, dtype=torch.float64)
    traces: list[list[Choice]] = [[] for _ in range(n)]
    texts = torch.arange(n)  # which text each row of the batch is
    going = torch.ones(n, dtype=torch.bool)
    since, rolled, costs = 0, [], []  # what was rolled for these rows since that roll
    ids, state = first.expand(n, -1), None
    with torch.inference_mode():
        for roll in range(limit - len(begin)):
            logits, state = model.next(ids, state)
            p_final = sampling.apply(logits).softmax(-1)
            token = choose(p_final, dice[:, roll], likeliest_first)
            rolled.append(token)
            costs.append(token_nats(logits[:, None], token[:, None])[:, 0])
            if trace:
                _record(traces, texts, going, logits.softmax(-1), p_final, dice[:, roll], token)
            going = going & (token != boundary)
            left = int(going.sum())
            # Finished texts ride along until they fill a quarter of the batch: to drop rows copies the state.
            if left <= DROP_BELOW * len(texts) or roll == limit - len(begin) - 1:
                chosen[texts, since : roll + 1] = torch.stack(rolled, dim=1)
                surprise[texts, since : roll + 1] = torch.stack(costs, dim=1).double()
                since, rolled, costs = roll + 1, [], []
                if not left:
                    break
                texts, token, dice, state = texts[going], token[going], dice[going], keep_rows(state, going)
                going = going[going]
            ids = token[:, None]
    ends = chosen == boundary
    ended = ends.any(dim=1)
    rolls = torch.where(ended, ends.int().argmax(dim=1) + 1, (chosen != NOT_ROLLED).sum(dim=1))
    paid = (surprise * (torch.arange(limit) < rolls[:, None])).sum(
        dim=1
    )  # what a finished text rolled does not count
    return [
        Sample(tokenizer.decode([*begin, *tokens[:length]]), end, nats, length, choices, tokens[:length])
        for tokens, end, nats, length, choices in zip(
            chosen.tolist(), ended.tolist(), paid.tolist(), rolls.tolist(), traces, strict=True
        )
    ]


def dice_of(seed: int, n: int, limit: int) -> Tensor:
    """The random numbers of n texts of at most `limit` rolls: (n, limit) in [0, 1), fixed by the seed.

    More texts keep the rows of the first ones.

    >>> torch.equal(dice_of(7, 3, 10)[:2], dice_of(7, 2, 10))
    True
    """
    if not 0 <= seed < 2**63:
        raise LabError(f"The seed is {seed}: choose 0 or a positive whole number below 2 to the power of 63.")
    return torch.rand(n, limit, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def check_writes(model: LanguageModel) -> None:
    """Raise `LabError` for a model that predicts no next token."""
    if not hasattr(model, "next"):
        raise LabError(
            "This model gives tokens a place, not a probability, so it cannot write. "
            "Choose a model that predicts the next token."
        )


def _record(
    traces: list[list[Choice]], texts: Tensor, going: Tensor, p: Tensor, p_final: Tensor, u: Tensor, token: Tensor
) -> None:
    for row in torch.nonzero(going)[:, 0].tolist():
        choice = Choice(p[row].tolist(), p_final[row].tolist(), float(u[row]), int(token[row]))
        traces[int(texts[row])].append(choice)


def keep_rows(state: State, rows: Tensor) -> State:
    """Some texts of a state, which is any nest of tuples and lists whose tensors have B first.

    `rows` is (B,) bool, or the numbers of the rows: a row may come more than once, to branch off.
    """
    if isinstance(state, Tensor):
        return state[rows]
    if isinstance(state, Cache):
        return state.keep(rows)
    if isinstance(state, tuple | list):
        return type(state)(keep_rows(part, rows) for part in state)
    return state
