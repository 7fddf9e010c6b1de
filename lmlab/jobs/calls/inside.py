"""Questions about the inside of a model: its numbers for one window, one step of learning, a slice of its loss."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lmlab.data.corpus import Corpus, normalise_name
from lmlab.errors import LabError
from lmlab.evaluation.loss import evaluate
from lmlab.evaluation.walkthrough import (
    Forward,
    Slice,
    backward,
    forward,
    one_weight,
    random_direction,
    updated,
    window_pairs,
)
from lmlab.jobs.calls.shelf import Shelf
from lmlab.models.mlp import MLP
from lmlab.runs.store import Run
from lmlab.strings import t

MOST_LETTERS = 16  # of a text whose windows are shown
SHORT = 8  # letters of a held-out name that is offered
MOST_LINKS = 24  # drawn between two layers
UNIT_LINKS = (6, 3)  # strongest inputs and outputs of each unit
MOST_CONTEXTS = 6
SAMPLE = 300  # held-out names that a unit's favourites are looked for in, and an update is tried on
STEPS = 20  # of a walk down the slope
GRID, COARSE_GRID = 25, 17  # points a side of the slope
SMALL = 40_000  # parameters up to which the grid is fine
LARGEST = 1_000_000  # parameters of a network whose slope is drawn
SPANS = {"random": 1.0, "weights": 4.0}
OPERATIONS = 1e10  # of one whole grid: about a second of one core
DIGITS = 5


def rounded(values: Tensor) -> Any:
    """Numbers for the page: five digits after the point.

    Not for probabilities: shown in percent with one digit they would be rounded twice, and two places that show the
    same one could differ.
    """
    return torch.round(values.detach().double(), decimals=DIGITS).tolist()


def picture(
    shelf: Shelf,
    run: Run,
    corpus: str,
    text: str = "",
    pick: int = 0,
    position: int = -1,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """The windows of a text with what the model expects at each, and the model's numbers for one of them.

    An empty `text` is one of the held-out texts, the `pick`-th in a fixed shuffled order; a `position` that is not
    there is the first whose window is full. `layers` is what is drawn of the network: all numbers of a window
    model, the shapes of any other.
    """
    text = chosen_text(shelf.corpus(corpus, corpus_name), text, pick)
    ids = run.tokenizer.encode(text)
    boundary = run.tokenizer.boundary_id
    model: Any = run.model
    if not hasattr(model, "logits"):
        raise LabError(t("error.predicts_nothing"))
    with torch.inference_mode():
        p = model.logits(torch.tensor([[boundary, *ids]]))[0].softmax(-1)
    if isinstance(model, MLP):
        pairs = window_pairs(ids, model.config.context, boundary)
        full = min(model.config.context, len(ids))
    else:  # all that came before, one mark for the start
        whole = [boundary, *ids]
        reach = model.context or len(whole)
        pairs = [(whole[: t + 1][-reach:] if reach else [], target) for t, target in enumerate([*ids, boundary])]
        full = min(3, len(ids))
    at = position if 0 <= position < len(pairs) else full
    windows = []
    for i, (window, target) in enumerate(pairs):
        share = float(p[i, target])
        windows.append(
            {"context": window, "target": target, "p": share, "nats": -math.log(share) if share > 0 else None}
        )
    answer = {
        "kind": kind_of(model),
        "symbols": run.tokenizer.symbols,
        "text": text,
        "windows": windows,
        "position": at,
        "p": p[at].tolist(),
        "step": run.card.get("steps"),
    }
    if isinstance(model, MLP):
        return {**answer, **drawn_layers(model, forward(model, pairs[at][0]))}
    return {**answer, "layers": shapes(model, len(pairs[at][0]))}


def kind_of(model: Any) -> str:
    """What a model is called on the page's side of the pipe: `mlp`, `transformer`, `ngram`, … ."""
    return type(model).__name__.lower()


def chosen_text(corpus: Corpus, typed: str, pick: int = 0) -> str:
    """What was typed, in the form of the corpus, or a short held-out text. Raises `LabError` for what is too long."""
    text = normalise_name(typed) if corpus.kind == "names" else typed.strip()
    if text:
        if len(text) > MOST_LETTERS:
            raise LabError(t("error.long_text", text=text[:40], n=len(text), most=MOST_LETTERS))
        return text
    held_out = corpus.part("validation")
    if corpus.kind == "text":
        held_out = " ".join(held_out)[:100_000].split()
    short = sorted({one for one in held_out if 3 <= len(one) <= SHORT}) or [held_out[0][:SHORT]]
    return random.Random(1).sample(short, len(short))[pick % len(short)]


def drawn_layers(model: MLP, seen: Forward) -> dict[str, Any]:
    """What the picture of a window model shows: activations, and the strongest contributions weight times input."""
    hidden, head = model.hidden.weight.detach(), model.head.weight.detach()  # (h, k d), (V, h)
    into, out = hidden * seen.x, head * seen.hidden
    most_in, most_out = UNIT_LINKS
    return {
        "shape": {"k": len(seen.ids), "d": seen.rows.shape[1], "h": len(seen.hidden), "V": len(seen.p)},
        "activation": model.config.activation,
        "rows": rounded(seen.rows),
        "row_range": float(model.embedding.weight.detach().abs().max()),
        "hidden": rounded(seen.hidden),
        "hidden_range": 1.0 if model.config.activation == "tanh" else float(seen.hidden.abs().max()),
        "into": strongest(into),
        "out": strongest(out),
        "unit_into": [links(row, weights, most_in) for row, weights in zip(into, hidden, strict=True)],
        "unit_out": [links(row, weights, most_out) for row, weights in zip(out.T, head.T, strict=True)],
    }


def strongest(contributions: Tensor, most: int = MOST_LINKS) -> list[list[Any]]:
    """[to, from, weight times input] of the largest entries of a (to, from) matrix, by size.

    >>> strongest(torch.tensor([[0.5, -2.0], [0.0, 1.0]]), most=2)
    [[0, 1, -2.0], [1, 1, 1.0]]
    """
    columns = contributions.shape[1]
    flat = contributions.flatten()
    order = flat.abs().topk(min(most, len(flat))).indices.tolist()
    return [[i // columns, i % columns, round(float(flat[i]), DIGITS)] for i in order]


def links(contributions: Tensor, weights: Tensor, most: int) -> list[list[Any]]:
    """[which, weight, weight times input] of a unit's largest contributions, by size."""
    order = contributions.abs().topk(min(most, len(contributions))).indices.tolist()
    return [[i, round(float(weights[i]), DIGITS), round(float(contributions[i]), DIGITS)] for i in order]


def shapes(model: Any, tokens: int) -> list[dict[str, Any]]:
    """The stages of a model that is not drawn number by number: what each is, and the shape it hands on."""
    width = getattr(getattr(model, "embedding", None), "embedding_dim", None)
    if width is None:
        return [{"what": "table", "shape": [model.vocab_size]}]
    config = model.config
    stages: list[dict[str, Any]] = [{"what": "embedding", "shape": [tokens, width]}]
    blocks = getattr(config, "n_layer", 0)
    stages += [
        {"what": "block", "number": i + 1, "heads": getattr(config, "n_head", 0), "shape": [tokens, width]}
        for i in range(blocks)
    ]
    return [*stages, {"what": "logits", "shape": [model.vocab_size]}]


def unit(shelf: Shelf, run: Run, corpus: str, unit: int, corpus_name: str | None = None) -> dict[str, Any]:
    """A hidden unit: its weights, and the contexts of some held-out names to which it answers most and least."""
    model = window_model(run)
    check_unit(model, unit)
    names = sample_of(shelf.corpus(corpus, corpus_name), model)
    k = model.config.context
    pairs = {
        (tuple(window), target, name)
        for name in names
        for window, target in window_pairs(run.tokenizer.encode(name), k, run.tokenizer.boundary_id)
    }
    found: dict[tuple[int, ...], tuple[int, str]] = {}
    for window, target, name in sorted(pairs, key=lambda pair: pair[2]):
        found.setdefault(window, (target, name))
    contexts = list(found)
    with torch.inference_mode():
        answers = model.hidden_activations(torch.tensor(contexts))[:, -1, unit]
    order = answers.argsort(descending=True, stable=True).tolist()

    def told(indices: Sequence[int]) -> list[dict[str, Any]]:
        return [
            {"context": list(contexts[i]), "name": found[contexts[i]][1], "value": round(float(answers[i]), DIGITS)}
            for i in indices
        ]

    return {
        "unit": unit,
        "weights": rounded(model.hidden.weight[unit].view(k, -1)),
        "bias": round(model.hidden.bias[unit].item(), DIGITS),
        "out": rounded(model.head.weight[:, unit]),
        "names": len(names),
        "contexts": len(contexts),
        "most": told(order[:MOST_CONTEXTS]),
        "least": told(order[::-1][:MOST_CONTEXTS]),
    }


def walk(
    shelf: Shelf,
    run: Run,
    corpus: str,
    text: str,
    position: int,
    unit: int = -1,
    rate: float = 0.01,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """Every number of one example's way: forward, loss, backward, and one step of plain gradient descent on a copy.

    Follows one hidden `unit`; -1 is the one whose sum the loss feels most.
    """
    model = window_model(run)
    if not 0 < rate <= 100 or not math.isfinite(rate):
        raise LabError(t("error.step_rate", rate=rate))
    loaded = shelf.corpus(corpus, corpus_name)
    text = chosen_text(loaded, text)
    pairs = window_pairs(run.tokenizer.encode(text), model.config.context, run.tokenizer.boundary_id)
    if not 0 <= position < len(pairs):
        raise LabError(t("error.no_window", text=text, n=len(pairs), at=position))
    window, target = pairs[position]
    seen = forward(model, window)
    back = backward(model, seen, target)
    if unit < 0:
        unit = int(back.sums.abs().argmax())
    check_unit(model, unit)
    after = updated(model, back.weights, rate)
    seen_after = forward(after, window)
    others = [one for one in sample_of(loaded, model) if one != text]
    j = int((model.hidden.weight[unit] * seen.x).abs().argmax())
    place, number = divmod(j, model.config.d_embed)
    moved = [
        ("head.weight", (target, unit)),
        ("head.bias", (target,)),
        ("hidden.weight", (unit, j)),
        ("embedding.weight", (window[place], number)),
    ]
    old, new = dict(model.named_parameters()), dict(after.named_parameters())
    return {
        "symbols": run.tokenizer.symbols,
        "text": text,
        "position": position,
        "step": run.card.get("steps"),
        "window": window,
        "target": target,
        "activation": model.config.activation,
        "batch_norm": model.config.batch_norm,
        "rows": rounded(seen.rows),
        "x": rounded(seen.x),
        "unit": unit,
        "unit_weights": rounded(model.hidden.weight[unit]),
        "unit_bias": model.hidden.bias[unit].item(),
        "sum": float(seen.sums[unit]),
        "scaled": float(seen.scaled[unit]),
        "hidden": rounded(seen.hidden),
        "head_weights": rounded(model.head.weight[target]),
        "head_bias": model.head.bias[target].item(),
        "logits": rounded(seen.logits),
        "p": seen.p.tolist(),
        "loss": seen.loss(target),
        "gradient": {
            "logits": rounded(back.logits),
            "hidden": float(back.hidden[unit]),
            "sum": float(back.sums[unit]),
            "scaled": float(back.scaled[unit]),
        },
        "column": rounded(model.head.weight[:, unit]),
        "rate": rate,
        "input": j,
        "moved": [
            {"weight": weight, "place": list(at), "old": old[weight][at].item(),
             "gradient": float(back.weights[weight][at]), "new": new[weight][at].item()}
            for weight, at in moved
        ],
        "changed": sum(int((gradient != 0).sum()) for gradient in back.weights.values()),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "p_after": float(seen_after.p[target]),
        "loss_after": seen_after.loss(target),
        "others": len(others),
        "others_before": finite(evaluate(model, others, run.tokenizer).nll),
        "others_after": finite(evaluate(after, others, run.tokenizer).nll),
    }  # fmt: skip


def window_model(run: Run) -> MLP:
    """The run's model. Raises `LabError` for one whose numbers do not go through windows and one hidden layer."""
    if not isinstance(run.model, MLP):
        raise LabError(t("error.only_mlp"))
    return run.model


def check_unit(model: MLP, unit: int) -> None:
    """Raises `LabError` for a hidden unit that is not there."""
    if not 0 <= unit < model.config.d_hidden:
        raise LabError(t("error.no_unit", unit=unit, n=model.config.d_hidden))


def sample_of(corpus: Corpus, model: MLP) -> list[str]:
    """Some held-out texts, the same each time; fewer for a large network, so that an answer stays quick."""
    held_out = corpus.part("validation")
    if corpus.kind == "text":
        held_out = [word for word in " ".join(held_out)[:100_000].split() if len(word) <= MOST_LETTERS]
    parameters = sum(weight.numel() for weight in model.parameters())
    return held_out[: max(10, min(SAMPLE, int(SAMPLE * 200_000 / parameters)))]


def finite(value: float) -> float | None:
    """A loss, or None where it is infinite."""
    return value if math.isfinite(value) else None


# --- the slope -----------------------------------------------------------------------------------------------


def grid_of(parameters: int) -> tuple[int, int]:
    """(points a side, names) of a slope that takes about a second.

    >>> grid_of(7_721), grid_of(145_000)
    ((25, 64), (17, 11))
    """
    side = GRID if parameters <= SMALL else COARSE_GRID
    return side, int(max(8, min(64, OPERATIONS / (2 * parameters * side**2 * 10))))


def slope(
    shelf: Shelf,
    run: Run,
    corpus: str,
    token: str,
    directions: str = "random",
    seed: int = 0,
    first: int = 0,
    rows: int = 5,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """Some rows of the grid of losses on a slice through the network as it was when `token` was first heard of.

    A grid is asked for in parts, so that the trainings of this worker have their turns in between. `centre` is the
    network's own loss on the names: where two parts differ in it, the network has moved between them.
    """
    cut, about = sliced(shelf, run, corpus, token, directions, seed, corpus_name)
    axis = about["axis"]
    if not (0 <= first < len(axis) and 1 <= rows <= GRID):
        raise LabError(t("error.no_slope_part"))
    losses = [[finite(cut.loss(a, b)) for a in axis] for b in axis[first : first + rows]]
    return {**about, "first": first, "losses": losses}


def descent(
    shelf: Shelf,
    run: Run,
    corpus: str,
    token: str,
    centre: float,
    start: Sequence[float],
    rate: float,
    directions: str = "random",
    seed: int = 0,
    corpus_name: str | None = None,
) -> dict[str, Any]:
    """Gradient descent on the slice, 20 steps: `path` is that of `Slice.descend`."""
    if len(start) != 2 or not all(isinstance(value, int | float) and abs(value) <= 100 for value in start):
        raise LabError(t("error.no_slope_start"))
    if not 0 < rate <= 1000:
        raise LabError(t("error.slope_rate", rate=rate))
    cut, about = sliced(shelf, run, corpus, token, directions, seed, corpus_name)
    if abs(about["centre"] - centre) > 1e-5:
        raise LabError(t("error.slope_old"))
    path = cut.descend((float(start[0]), float(start[1])), rate, STEPS, edge=10 * SPANS[directions])
    return {"path": [[finite(value) for value in point] for point in path], "steps": STEPS, "rate": rate}


def sliced(
    shelf: Shelf, run: Run, corpus: str, token: str, directions: str, seed: int, corpus_name: str | None
) -> tuple[Slice, dict[str, Any]]:
    """The slice that belongs to a token; the network is copied when it is first asked for."""
    model = window_model(run)
    if directions not in SPANS:
        raise LabError(f"There are no directions '{str(directions)[:40]}'. Choose one of: {', '.join(SPANS)}.")
    if not isinstance(token, str) or len(token) > 64 or not 0 <= seed < 2**31:
        raise LabError(t("error.slope_unknown"))

    def make() -> tuple[Slice, dict[str, Any]]:
        parameters = sum(weight.numel() for weight in model.parameters())
        if parameters > LARGEST:
            raise LabError(t("error.slope_large", n=parameters, most=LARGEST))
        side, most = grid_of(parameters)
        names = shelf.corpus(corpus, corpus_name).part("train")[:most]
        weights: list[dict[str, Any]] = []
        if directions == "random":
            first, second = random_direction(model, 2 * seed), random_direction(model, 2 * seed + 1)
        else:
            weights = two_weights(model, seed)
            first, second = (one_weight(model, one["weight"], tuple(one["place"])) for one in weights)
        cut = Slice(model, names, run.tokenizer, first, second)
        half = (side - 1) // 2
        axis = [SPANS[directions] * i / half for i in range(-half, half + 1)]
        return cut, {
            "axis": axis, "names": len(names), "weights": weights, "centre": cut.loss(0.0, 0.0),
            "symbols": run.tokenizer.symbols, "directions": directions, "seed": seed, "step": run.card.get("steps"),
        }  # fmt: skip

    return shelf.kept((token, directions, seed), make)


def two_weights(model: MLP, seed: int) -> list[dict[str, Any]]:
    """Two single weights, by chance: a number of a letter's embedding, and the weight from a unit to a letter."""
    dice = random.Random(seed)
    token, number = dice.randrange(1, model.vocab_size), dice.randrange(model.config.d_embed)
    letter, unit = dice.randrange(1, model.vocab_size), dice.randrange(model.config.d_hidden)
    return [
        {"weight": "embedding.weight", "place": [token, number]},
        {"weight": "head.weight", "place": [letter, unit]},
    ]


QUESTIONS: dict[str, Callable[..., Any]] = {
    "picture": picture,
    "unit": unit,
    "walk": walk,
    "slope": slope,
    "descent": descent,
}
