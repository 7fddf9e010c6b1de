"""The mirror of the sampling rules in the browser equals Python's, on many vectors."""

import itertools
import json
import math
from pathlib import Path

import pytest
import torch

from lmlab.generation.sampling import Sampling, choose
from lmlab.jobs.calls.sampling import as_base64
from lmlab.ui.widgets import widget

RULES = (Path(widget.__file__).parent / "rules.js").read_text("utf-8")
INFINITE = -math.inf

LOGITS = [
    [2.0, 1.0, 0.5, 0.1],
    [1.0, 1.0, 1.0, 1.0],  # all equal: the lowest ids are kept
    [0.0, 3.0, 3.0, -2.0, 3.0],
    [INFINITE, 0.0, INFINITE, 2.5, -1.0],  # a count model without smoothing
    [INFINITE, INFINITE, -0.5],
    [700.0, -700.0, 0.0, 1.0],  # exp of these alone would overflow
    [math.log(p) for p in (0.5, 0.3, 0.2)],  # sums that reach p exactly
    [math.log(p) for p in (0.1,) * 10],
    torch.linspace(-7, 4, 27, dtype=torch.float64).tolist()[::-1],
    torch.randn(60, generator=torch.Generator().manual_seed(7), dtype=torch.float64).tolist(),
    (4 * torch.randn(300, generator=torch.Generator().manual_seed(8), dtype=torch.float64)).round().tolist(),
]
TEMPERATURES = [0.0, 0.01, 0.5, 1.0, 5.0]
TOP_K = [None, 1, 3, 27]
TOP_P = [None, 0.01, 0.5, 0.8, 1.0]
MIN_P = [None, 0.1, 1.0]
DICE = [0.0, 0.2, 0.5, 0.827, 0.999999]


def plain(values) -> list:
    """As JSON can say it: a cut token is null."""
    return [None if value == INFINITE else value for value in values]


def vectors() -> list[dict]:
    found = []
    grid = itertools.product(LOGITS, TEMPERATURES, TOP_K, TOP_P, MIN_P)
    for logits, temperature, top_k, top_p, min_p in grid:
        rules = Sampling(temperature, top_k, top_p, min_p)
        z = torch.tensor(logits, dtype=torch.float64)
        kept = rules.apply(z)
        final = kept.softmax(-1)
        lands = choose(final.expand(len(DICE), -1), torch.tensor(DICE, dtype=torch.float64), likeliest_first=True)
        found.append(
            {
                "z": plain(logits),
                "rules": {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p},
                "kept": torch.isfinite(kept).tolist(),
                "final": final.tolist(),
                "lands": lands.tolist(),
            }
        )
    return found


@pytest.fixture(scope="module")
def blank(browser):
    page = browser.new_page()
    yield page
    page.close()


def test_every_rule_equals_python_to_nine_digits(blank):
    sent = vectors()
    assert len(sent) == 3300
    worst, differing = blank.evaluate(
        """([rules, vectors, dice]) => {
            const mirror = new Function(`${rules}; return { applyRules, softmax, choose };`)();
            let worst = 0;
            const differing = [];
            for (const vector of JSON.parse(vectors)) {
                const z = vector.z.map((x) => (x === null ? -Infinity : x));
                const kept = mirror.applyRules(z, vector.rules);
                const final = mirror.softmax(kept);
                const off = Math.max(...final.map((p, i) => Math.abs(p - vector.final[i])));
                const same = kept.every((x, i) => (x > -Infinity) === vector.kept[i])
                    && dice.every((u, i) => mirror.choose(final, u) === vector.lands[i]);
                worst = Math.max(worst, off);
                if (!same || !(off < 1e-9)) differing.push(vector.rules);
            }
            return [worst, differing.slice(0, 5)];
        }""",
        [RULES, json.dumps(sent), DICE],
    )
    assert differing == []
    assert worst < 1e-9


def test_logits_arrive_as_the_worker_has_them(blank):
    logits = torch.tensor([0.1, -2.5, -math.inf, 3e-8])
    found = blank.evaluate(
        "([rules, sent]) => new Function(`${rules}; return logitsOf;`)()(sent)"
        ".map((x) => (x === -Infinity ? null : x))",
        [RULES, as_base64(logits)],
    )
    assert found == plain(logits.tolist())


def test_the_lectures_numbers_by_hand(blank):
    """e to the logits over T, added up by hand: 65.927, 12.861 and 6.702."""
    for temperature, powers, total, expected in (
        (0.5, (54.598, 7.389, 2.718, 1.221), 65.927, [0.8282, 0.1121, 0.0412, 0.0185]),
        (1.0, (7.389, 2.718, 1.649, 1.105), 12.861, [0.5745, 0.2114, 0.1282, 0.0859]),
        (2.0, (2.718, 1.649, 1.284, 1.051), 6.702, [0.4056, 0.2460, 0.1916, 0.1569]),
    ):
        assert sum(powers) == pytest.approx(total, abs=2e-3)
        assert [power / total for power in powers] == pytest.approx(expected, abs=1e-4)
        found = blank.evaluate(
            "([rules, t]) => { const m = new Function(`${rules}; return { temperature, softmax };`)();"
            " return m.softmax(m.temperature([2.0, 1.0, 0.5, 0.1], t)); }",
            [RULES, temperature],
        )
        assert [round(p, 4) for p in found] == expected
