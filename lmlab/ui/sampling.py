"""What the level Sample says: rules, words, sums and the values of its widgets. Plain functions of data."""

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmlab.errors import LabError
from lmlab.runs.cards import home, owner_key
from lmlab.strings import t
from lmlab.ui.bench import next_seq
from lmlab.ui.depths import depths
from lmlab.ui.widgets.content import h

LECTURE = (2.0, 1.0, 0.5, 0.1)
EXACT = (0.5, 1.0, 2.0)  # temperatures of the table with four decimals
MOST_LOGITS = 60
LARGEST_LOGIT = 1000.0

# Of each preset: T, top-k (None keeps all), top-p, min-p, and whose logits.
PRESETS: dict[str, tuple[float, int | None, float, float, str]] = {
    "plain": (1.0, None, 1.0, 0.0, "model"),
    "greedy": (0.0, None, 1.0, 0.0, "model"),
    "nucleus": (0.8, None, 0.9, 0.0, "model"),
    "wild": (2.0, None, 1.0, 0.0, "model"),
    "lecture": (1.0, None, 1.0, 0.0, "lecture"),
}
FIRST_PRESET = "nucleus"
RULES_CODE = ("Sampling.apply", "temperature", "top_k", "top_p", "min_p", "choose")


@dataclass(frozen=True)
class Rules:
    """What the sliders say. `k` is None where every letter is kept."""

    T: float
    k: int | None
    p: float
    m: float

    @property
    def asked(self) -> dict[str, Any]:
        """As a worker is asked: what keeps everything is left out.

        >>> Rules(0.8, None, 0.9, 0.0).asked
        {'temperature': 0.8, 'top_k': None, 'top_p': 0.9, 'min_p': None}
        """
        return {
            "temperature": self.T,
            "top_k": self.k,
            "top_p": self.p if self.p < 1 else None,
            "min_p": self.m if self.m > 0 else None,
        }

    def to_value(self, size: int) -> dict[str, Any]:
        """As the columns take it."""
        return {"T": self.T, "k": size if self.k is None else self.k, "p": self.p, "m": self.m}


def preset_of(rules: Rules, source: str) -> str | None:
    """The preset that the sliders stand on, or None.

    >>> preset_of(Rules(0.0, None, 1.0, 0.0), "model"), preset_of(Rules(0.7, None, 1.0, 0.0), "model")
    ('greedy', None)
    """
    stand = (rules.T, rules.k, rules.p, rules.m, source)
    return next((name for name, preset in PRESETS.items() if preset == stand), None)


def read_logits(text: str) -> list[float]:
    """The numbers that a student typed, with commas, semicolons or spaces between them.

    >>> read_logits("2.0, 1, −0.5")
    [2.0, 1.0, -0.5]
    """
    found = []
    for part in re.split(r"[,;\s]+", text.strip()):
        try:
            value = float(part.replace("−", "-"))
        except ValueError:
            raise LabError(t("sample.no_numbers", text=part[:40])) from None
        if not math.isfinite(value) or abs(value) > LARGEST_LOGIT:
            raise LabError(t("sample.out_of_range", value=part[:40]))
        found.append(value)
    if not 2 <= len(found) <= MOST_LOGITS:
        raise LabError(t("sample.few_numbers", n=len(found), most=MOST_LOGITS))
    return found


# --- what the widgets take ----------------------------------------------------------------------------------


def surprise_value(found: dict[str, Any], at: int) -> dict[str, Any]:
    """A word for its widget; a sum with an infinite term has no number."""
    nats = [step["nats"] for step in found["steps"]]
    letters = [
        {
            "text": found["symbols"][step["id"]],
            "nats": step["nats"],
            "kind": "given" if j < found["given"] else "chosen" if step["forced"] else "rolled",
        }
        for j, step in enumerate(found["steps"])
    ]
    return {
        "seq": next_seq(),
        "mode": "word",
        "at": at,
        "letters": letters,
        "novelty": found["novelty"],
        "ended": found["ended"],
        "nats": None if None in nats else sum(nats),
        "predictions": len(nats),
        "characters": len(found["text"]) + found["ended"],
    }


def columns_value(
    symbols: list[str], steps: list[dict[str, Any]], place: dict[str, Any], rules: Rules, exact: bool = False
) -> dict[str, Any]:
    """The columns for their widget."""
    return {
        "seq": next_seq(),
        "at": place["at"],
        "symbols": symbols,
        "boundary": place["boundary"],
        "steps": [{name: step[name] for name in ("z", "u", "id", "forced")} for step in steps],
        "rules": rules.to_value(len(symbols)),
        "seed": place["dice"][0],
        "row": place["row"],
        "exact": exact,
        "guess": place["guess"],
        "code": [depths(code=("generation/sampling.py", name))["code"] for name in RULES_CODE],
    }


def tree_value(found: dict[str, Any]) -> dict[str, Any]:
    """The branches for their widget, with what they show in words."""
    root, boundary, begin = found["root"], found["boundary"], found["begin"]

    def leaves(node: dict[str, Any]) -> list[list[dict[str, Any]]]:
        if not node["children"]:
            return [[]]
        return [[child, *path] for child in node["children"] for path in leaves(child)]

    def spelled(path: list[dict[str, Any]]) -> str:
        letters = begin + "".join(node["symbol"] for node in path if node["id"] != boundary)
        if path[-1]["id"] != boundary:
            return letters
        return t("sample.tree.ends", letters=letters) if letters else t("sample.tree.nothing")

    paths = leaves(root)
    first, best = paths[0], max(paths, key=lambda path: path[-1]["path"])
    differs = first != best
    said = t(
        "sample.tree.best_differs" if differs else "sample.tree.best_same",
        best=spelled(best), best_p=100 * best[-1]["path"], first=spelled(first), first_p=100 * first[-1]["path"],
    )  # fmt: skip
    greedy, likeliest = found["greedy"], found["best"]
    whole = t(
        "sample.tree.whole_same" if greedy["text"] == likeliest["text"] else "sample.tree.whole_differs",
        greedy=greedy["text"] or t("sample.tree.nothing"), greedy_p=100 * greedy["p"], width=found["width"],
        found=likeliest["text"] or t("sample.tree.nothing"), found_p=100 * likeliest["p"],
    )  # fmt: skip
    factors = " × ".join(f"{node['p']:.4f}" for node in best)
    sums = [t("sample.tree.sum_path", path=spelled(best), factors=factors, product=best[-1]["path"])]
    title = t("sample.tree.title_after", letters=begin) if begin else t("sample.tree.title_first")
    return {
        "seq": next_seq(),
        "root": root,
        "boundary": boundary,
        "title": title,
        "look": t("sample.tree.look"),
        "said": f"{said} {whole}",
        "sum": sums,
        "code": [depths(code=("generation/beam.py", "beam"))["code"]],
    }


def exact_trees(symbols: list[str], logits: list[float], rows: list[list[float]]) -> list[Any]:
    """The softmax of some logits at three temperatures, to four decimals."""
    head = [t("sample.exact.token"), t("sample.exact.logit"), *(t("sample.exact.at", t=at) for at in EXACT)]
    lines = [
        h("tr", h("td", symbol, cls="mono"), h("td", f"{z:g}".replace("-", "−"), cls="num"),
          *(h("td", f"{row[i]:.4f}", cls="num") for row in rows))
        for i, (symbol, z) in enumerate(zip(symbols, logits, strict=True))
    ]  # fmt: skip
    table = h("table", h("thead", h("tr", *(h("th", cell) for cell in head))), h("tbody", *lines), cls="table")
    return [h("h3", t("sample.exact.title")), h("p", t("sample.exact.look"), cls="look"), table]


def first_sums(symbols: list[str], counts: list[int], final: list[float]) -> list[str]:
    """What chance alone does to the bar of the likeliest letter."""
    n = sum(counts)
    top = max(range(len(final)), key=lambda i: (final[i], -i))
    p = final[top]
    return [
        t("sample.first.expected", n=n, p=p, letter=symbols[top], expected=n * p),
        t("sample.first.spread", n=n, p=p, rest=1 - p, spread=math.sqrt(n * p * (1 - p))),
        t("sample.first.rolled", letter=symbols[top], times=counts[top]),
    ]


def over_sums(rows: list[dict[str, Any]], now: float) -> list[str]:
    """The three means of the measured temperature next to the slider's."""
    row = min(rows, key=lambda row: abs(row["temperature"] - now))
    n, letters = row["n"], row["length"] * row["n"]
    lines = [
        t("sample.over.known", t=row["temperature"], known=row["known"] * n, n=n, share=100 * row["known"]),
        t("sample.over.length", letters=letters, n=n, length=row["length"]),
    ]
    if row["nats"] is not None:
        lines.append(t("sample.over.nats", letters=letters, n=n, nats=row["nats"], total=row["nats"] * (letters + n)))
    return lines


def rules_words(rules: Rules) -> str:
    """The cuts in words, nothing where nothing is cut."""
    cuts = []
    if rules.k is not None:
        cuts.append(t("sample.names.top_k", k=rules.k))
    if rules.p < 1:
        cuts.append(t("sample.names.top_p", p=rules.p))
    if rules.m > 0:
        cuts.append(t("sample.names.min_p", m=rules.m))
    return ", ".join(cuts)


def names_trees(samples: list[dict[str, Any]], rules: Rules, guess: float | None = None) -> list[Any]:
    """Names with their surprise a character and their novelty; a guess of how many are copies stays above them."""
    n = len(samples)
    known = sum(sample["novelty"] == "training" for sample in samples)
    held = sum(sample["novelty"] == "held out" for sample in samples)
    rows = []
    for sample in samples:
        mark = sample["novelty"]
        text = sample["text"] if sample["ended"] else sample["text"] + "…"
        kind = "known" if mark == "training" else "held" if mark == "held out" else ""
        rows.append(
            h(
                "li",
                h("span", text or t("sample.names.empty"), cls=kind),
                h("span", f"{sample['nats'] / sample['rolls']:.2f}", cls="num faint"),
                title=t(f"sample.names.is_{mark.replace(' ', '_')}"),
            )
        )
    cuts = rules_words(rules)
    title = t("sample.names.title_cut", t=rules.T, rules=cuts) if cuts else t("sample.names.title", t=rules.T)
    guessed = (
        [] if guess is None else [h("p", t("sample.names.guessed", guess=guess, known=known, n=n), cls="guessed")]
    )
    return [
        h("h3", title),
        h(
            "p", h("span", t("sample.names.known_word"), cls="known"), t("sample.names.known", known=known, n=n),
            h("span", t("sample.names.held_word"), cls="held"), t("sample.names.held", held=held), cls="look",
        ),
        *guessed,
        h("ul", *rows, cls="rolled", data_state="rolled", data_seq=next_seq()),
    ]  # fmt: skip


def write_csv(samples: list[dict[str, Any]], owner: str) -> Path:
    """The samples as the visitor's file; text that a spreadsheet would run as a formula is quoted."""
    folder = home() / "downloads" / owner_key(owner)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "names.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([t(f"sample.names.column_{name}") for name in ("name", "nats", "per", "novelty", "ended")])
        for sample in samples:
            per_character = round(sample["nats"] / sample["rolls"], 4)
            writer.writerow(
                [
                    harmless(sample["text"]),
                    round(sample["nats"], 4),
                    per_character,
                    sample["novelty"],
                    sample["ended"],
                ]
            )
    return path


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, wherever it cuts the line: a quote before what could begin one.

    >>> harmless("emma"), harmless("=1+2"), harmless("a;＝1")
    ('emma', "'=1+2", "a;'＝1")
    """
    return re.sub(r"(^|[;,\t\r\n|])(?=\s*[=+\-@＝＋－＠\t\r])", r"\1'", text)
