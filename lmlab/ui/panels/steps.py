"""The walk through one example as steps with their formulas: the numbers of the worker, put into words."""

import math
from typing import Any

from lmlab.figures.inside import factor, index, number
from lmlab.strings import t, tn
from lmlab.ui.depths import depths

TERMS = 3  # products that are written out in a sum
SHOWN = 4  # numbers of a vector that are written out
LETTERS = 5  # of the softmax
PROBABILITIES = (0.95, 0.5, 0.01)  # what a loss costs, for comparison

CODE = {
    "lookup": ("models/mlp.py", "MLP.windows"),
    "join": ("models/mlp.py", "MLP.hidden_activations"),
    "hidden": ("evaluation/walkthrough.py", "forward"),
    "logits": ("models/mlp.py", "MLP.logits"),
    "softmax": ("evaluation/walkthrough.py", "forward"),
    "loss": ("evaluation/loss.py", "token_nats"),
    "gradient": ("evaluation/walkthrough.py", "backward"),
    "update": ("evaluation/walkthrough.py", "updated"),
}
"""The lines of lmlab that do each step, in the order of the steps."""


def letters_of(ids: list[int], symbols: list[str]) -> str:
    """A window as it is written.

    >>> letters_of([0, 0, 1], [".", "a"])
    '..a'
    """
    return "".join(symbols[i] for i in ids)


def walk_value(found: dict[str, Any], name: str, seq: int, renew: bool) -> dict[str, Any]:
    """The value of the walk widget, from the answer to the question "walk"."""
    about = {
        "name": name,
        "context": letters_of(found["window"], found["symbols"]),
        "target": found["symbols"][found["target"]],
    }
    step = found["step"]
    look = t("inside.walk.look", **about) if step is None else t("inside.walk.look_step", step=f"{step:,}", **about)
    makers = {
        "lookup": _lookup, "join": _join, "hidden": _hidden, "logits": _logits,
        "softmax": _softmax, "loss": _loss, "gradient": _gradient, "update": _update,
    }  # fmt: skip
    steps = []
    for key, make in makers.items():
        made = {"lines": [], "table": None, "after": [], "sum": [], **make(found)}
        sums = made.pop("sum")
        steps.append({"key": key, "name": t(f"inside.walk.{key}.name"), **made, **depths(sums, CODE[key])})
    return {"seq": seq, "title": t("inside.walk.title"), "look": look, "steps": steps, "renew": renew}


def vector(values: list[float], most: int = SHOWN) -> str:
    """The first numbers of a vector, and that there are more.

    >>> vector([0.5, -1.0]), vector([0.0] * 10, 2)
    ('(0.500, −1.000)', '(0, 0, …)')
    """
    shown = [number(value) for value in values[:most]]
    return f"({', '.join([*shown, '…'] if len(values) > most else shown)})"


def products(weights: list[float], values: list[float], first: list[int], total: float, bias: float) -> str:
    """A sum of products with the terms `first` written out, the others as one number, and the bias."""
    shown = [f"{factor(weights[i])}·{factor(values[i])}" for i in first]
    rest = total - bias - sum(weights[i] * values[i] for i in first)
    left = len(weights) - len(first)
    if left:
        shown.append(t("inside.walk.more", n=left, sum=number(rest)))
    return f"{' + '.join(shown)} + {factor(bias)}"


def largest(weights: list[float], values: list[float], most: int = TERMS) -> list[int]:
    """Where the products are largest, by size.

    >>> largest([1.0, -3.0, 0.5], [1.0, 1.0, 1.0], 2)
    [1, 0]
    """
    return sorted(range(len(weights)), key=lambda i: -abs(weights[i] * values[i]))[:most]


def _lookup(found: dict[str, Any]) -> dict[str, Any]:
    symbols = found["symbols"]
    lines = []
    for token, row in zip(found["window"], found["rows"], strict=True):
        line = f"E[{symbols[token]}] = {vector(row)}, {tn('inside.walk.numbers', len(row))}"
        if line not in lines:  # a mark that stands twice is looked up twice, and told once
            lines.append(line)
    last = found["window"][-1]
    onehot = t("inside.walk.lookup.onehot", letter=symbols[last], place=last)
    return {
        "title": t("inside.walk.lookup.title"),
        "text": t("inside.walk.lookup.text"),
        "lines": [*lines, f"{onehot} = {vector(found['rows'][-1])}"],
        "sum": [
            f"E[{symbols[token]}] = {vector(row, len(row))}"
            for token, row in zip(found["window"], found["rows"], strict=True)
        ],
    }


def _join(found: dict[str, Any]) -> dict[str, Any]:
    symbols, rows = found["symbols"], found["rows"]
    names = ", ".join(f"E[{symbols[token]}]" for token in found["window"])
    sizes = t("inside.walk.join.sum", k=len(rows), d=len(rows[0]), n=len(found["x"]))
    parts = ", ".join(", ".join([*(number(value) for value in row[:2]), "…"]) for row in rows)
    return {
        "title": t("inside.walk.join.title"),
        "text": t("inside.walk.join.text"),
        "lines": [f"x = ({names})", f"x = ({parts})", sizes],
        "sum": [f"x = {vector(found['x'], len(found['x']))}"],
    }


def _hidden(found: dict[str, Any]) -> dict[str, Any]:
    unit, weights, x = index(found["unit"]), found["unit_weights"], found["x"]
    first = largest(weights, x)
    answer = found["hidden"][found["unit"]]
    bend = found["activation"]
    general = f"a{unit} = Σ w·x + b,   h{unit} = {bend}(a{unit})"
    line = f"a{unit} = {products(weights, x, first, found['sum'], found['unit_bias'])} = {number(found['sum'])}"
    norm = []
    if found["batch_norm"]:
        change = {"before": number(found["sum"]), "after": number(found["scaled"])}
        norm = [t("inside.walk.hidden.norm", **change)]
    every = " + ".join(f"{factor(w)}·{factor(v)}" for w, v in zip(weights, x, strict=True))
    return {
        "title": t("inside.walk.hidden.title", unit=found["unit"]),
        "text": t("inside.walk.hidden.text", activation=bend, units=len(found["hidden"]), terms=len(first)),
        "lines": [general, line, *norm, f"h{unit} = {bend}({number(found['scaled'])}) = {number(answer)}"],
        "sum": [f"a{unit} = {every} + {factor(found['unit_bias'])} = {number(found['sum'])}"],
    }


def _logits(found: dict[str, Any]) -> dict[str, Any]:
    symbols, target = found["symbols"], found["target"]
    weights, hidden, z = found["head_weights"], found["hidden"], found["logits"]
    letter = symbols[target]
    first = largest(weights, hidden)
    total = products(weights, hidden, first, z[target], found["head_bias"])
    every = " + ".join(f"{factor(w)}·{factor(h)}" for w, h in zip(weights, hidden, strict=True))
    return {
        "title": t("inside.walk.logits.title"),
        "text": t("inside.walk.logits.text", target=letter),
        "lines": [f"z_{letter} = Σ w·h + b", f"z_{letter} = {total} = {number(z[target])}"],
        "sum": [
            f"z_{letter} = {every} + {factor(found['head_bias'])} = {number(z[target])}",
            *(f"z_{symbol} = {number(score)}" for symbol, score in zip(symbols, z, strict=True)),
        ],
    }


def power(z: float) -> float:
    """e to a score; infinite beyond what a float holds."""
    return math.exp(z) if z < 700 else math.inf


def likeliest(found: dict[str, Any]) -> list[int]:
    """The likeliest letters, and the one that came."""
    p = found["p"]
    top = sorted(range(len(p)), key=lambda i: (-p[i], i))[:LETTERS]
    return top if found["target"] in top else [*top, found["target"]]


def _softmax(found: dict[str, Any]) -> dict[str, Any]:
    symbols, target, z, p = found["symbols"], found["target"], found["logits"], found["p"]
    total = sum(power(score) for score in z)
    letter = symbols[target]
    words = {name: t(f"inside.walk.softmax.{name}") for name in ("letter", "score", "power", "share")}
    every = t("inside.walk.softmax.all", of=len(z))
    rows = [[symbols[i], number(z[i]), number(power(z[i]), 2), number(100 * p[i], 2)] for i in likeliest(found)]
    return {
        "title": t("inside.walk.softmax.title"),
        "text": t("inside.walk.softmax.text", of=len(z)),
        "lines": [
            f"p_{letter} = exp(z_{letter}) / Σ exp(z)",
            f"p_{letter} = {number(power(z[target]), 2)} / {number(total, 2)} = {number(p[target])}",
        ],
        "table": {
            "columns": list(words.values()),
            "rows": [*rows, [every, "", number(total, 2), "100"]],
            "marked": likeliest(found).index(target),
        },
        "sum": [
            f"p_{symbol} = e^({number(score)}) / {number(total, 2)} = {number(share)}"
            for symbol, score, share in zip(symbols, z, p, strict=True)
        ],
    }


def _loss(found: dict[str, Any]) -> dict[str, Any]:
    """The surprise of this example, between what other probabilities cost."""
    target, of = found["symbols"][found["target"]], len(found["p"])
    p, loss = found["p"][found["target"]], found["loss"]
    here = t("inside.walk.loss.here", target=target, p=number(p))
    uniform = t("inside.walk.loss.uniform", p=number(1 / of), of=of)
    costs = [(number(chance, 2), chance, -math.log(chance)) for chance in PROBABILITIES]
    costs += [(uniform, 1 / of, math.log(of)), (here, p, loss)]
    costs.sort(key=lambda cost: cost[2])
    return {
        "title": t("inside.walk.loss.title"),
        "text": t("inside.walk.loss.text"),
        "lines": [t("inside.walk.loss.line", target=target, p=number(p), nats=number(loss))],
        "table": {
            "columns": [t("inside.walk.loss.p"), t("inside.walk.loss.nats"), t("inside.walk.loss.bits")],
            "rows": [[title, number(nats), number(nats / math.log(2))] for title, _, nats in costs],
            "marked": [title for title, *_ in costs].index(here),
        },
        "sum": [t("inside.walk.loss.cost", p=number(chance), nats=number(nats)) for _, chance, nats in costs],
    }


def _gradient(found: dict[str, Any]) -> dict[str, Any]:
    symbols, target, p = found["symbols"], found["target"], found["p"]
    back, unit, j = found["gradient"], index(found["unit"]), found["input"]
    letter, answer = symbols[target], found["hidden"][found["unit"]]
    loss = t("inside.walk.gradient.loss")  # a word that stands in the formulas
    other = next(i for i in likeliest(found) if i != target)
    head, _, hidden, _ = found["moved"]
    slope = back["scaled"] / back["hidden"] if back["hidden"] else 0.0
    bend = "1 − h²" if found["activation"] == "tanh" else f"{found['activation']}′(a)"
    norm = []
    if found["batch_norm"]:
        norm = [t("inside.walk.gradient.norm", unit=unit, value=number(back["sum"]))]
    lines = [
        f"∂{loss}/∂z_{letter} = p_{letter} − 1 = {number(p[target])} − 1 = {number(back['logits'][target])}",
        f"∂{loss}/∂z_{symbols[other]} = p_{symbols[other]} = {number(back['logits'][other])}",
        f"∂{loss}/∂w(h{unit}→{letter}) = ∂{loss}/∂z_{letter} · h{unit} = "
        f"{factor(back['logits'][target])}·{factor(answer)} = {number(head['gradient'])}",
        f"∂{loss}/∂h{unit} = Σ w(h{unit}→z)·∂{loss}/∂z = {number(back['hidden'])}",
        f"∂{loss}/∂a{unit} = ∂{loss}/∂h{unit} · ({bend}) = {factor(back['hidden'])}·{factor(slope)}"
        f" = {number(back['scaled'])}",
        *norm,
        f"∂{loss}/∂w(x{index(j)}→h{unit}) = ∂{loss}/∂a{unit} · x{index(j)} = {factor(back['sum'])}·"
        f"{factor(found['x'][j])} = {number(hidden['gradient'])}",
    ]  # fmt: skip
    after = []
    if abs(slope) < 0.05:
        flat = {"unit": found["unit"], "activation": found["activation"], "slope": number(slope)}
        after = [t("inside.walk.gradient.flat", **flat)]
    column = found["column"]
    every = " + ".join(f"{factor(w)}·{factor(g)}" for w, g in zip(column, back["logits"], strict=True))
    return {
        "title": t("inside.walk.gradient.title"),
        "text": t("inside.walk.gradient.text"),
        "lines": lines,
        "after": after,
        "sum": [
            f"∂{loss}/∂h{unit} = {every} = {number(back['hidden'])}",
            *(
                f"∂{loss}/∂z_{symbol} = {number(value)}"
                for symbol, value in zip(symbols, back["logits"], strict=True)
            ),
        ],
    }


def weight_name(moved: dict[str, Any], symbols: list[str]) -> str:
    """A weight as the formulas write it."""
    place = moved["place"]
    if moved["weight"] == "head.weight":
        return f"w(h{index(place[1])}→{symbols[place[0]]})"
    if moved["weight"] == "head.bias":
        return f"b_{symbols[place[0]]}"
    if moved["weight"] == "hidden.weight":
        return f"w(x{index(place[1])}→h{index(place[0])})"
    return f"E[{symbols[place[0]]}]{index(place[1])}"


def _update(found: dict[str, Any]) -> dict[str, Any]:
    symbols, rate = found["symbols"], f"{found['rate']:g}"
    columns = [t(f"inside.walk.update.{name}") for name in ("weight", "old", "gradient", "new")]
    rows, sums = [], []
    for moved in found["moved"]:
        name = weight_name(moved, symbols)
        old, gradient, new = (moved[key] for key in ("old", "gradient", "new"))
        rows.append([name, number(old, 5), number(gradient, 5), number(new, 5)])
        sums.append(f"{name} ← {number(old, 5)} − {rate}·{factor(gradient, 5)} = {number(new, 5)}")
    target = found["target"]
    example = t(
        "inside.walk.update.example",
        target=symbols[target],
        context=letters_of(found["window"], symbols),
        before=number(100 * found["p"][target], 1),
        after=number(100 * found["p_after"], 1),
        loss_before=number(found["loss"]),
        loss_after=number(found["loss_after"]),
    )
    before, after = found["others_before"], found["others_after"]
    others: dict[str, Any] = {"n": found["others"], "before": number(before, 4), "after": number(after, 4)}
    if after is None or before is None:
        said = t("inside.walk.update.broken", **others)
    elif abs(after - before) < 5e-5:
        said = t("inside.walk.update.same", **others)
    else:
        kind = "worse" if after > before else "better"
        said = t(f"inside.walk.update.{kind}", difference=number(abs(after - before), 4), **others)
    moved = t("inside.walk.update.moved", changed=f"{found['changed']:,}", parameters=f"{found['parameters']:,}")
    return {
        "title": t("inside.walk.update.title"),
        "text": t("inside.walk.update.text"),
        "lines": [f"w ← w − {rate} · ∂{t('inside.walk.gradient.loss')}/∂w"],
        "table": {"columns": columns, "rows": rows, "marked": None},
        "after": [example, said, t("inside.walk.update.part"), moved],
        "sum": sums,
    }
