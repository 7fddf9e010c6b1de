"""What a visitor waits for: the page, a move of the game, a slider, and all of it while two trainings run.

A headless Chromium plays a real app. Times are those of the page's own clock, from the event to the first frame that
shows its effect, so they hold the browser's work, the way to the server and back, and the worker's answer.
"""

import contextlib
import importlib.util
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

from lmlab.bench.page import running_app
from lmlab.bench.rows import Row

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
VISITS = 5
MOVES = 20
SKIPPED = "Skipped: needs Chromium and playwright."

# Runs `act` and waits until `shows` is true in a painted frame; gives the milliseconds in between.
TIMED = """async ([act, shows]) => {
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    const seen = new Function("return " + shows);
    const begin = performance.now();
    new Function(act)();
    while (!seen()) { if (performance.now() - begin > 30000) throw new Error("never: " + shows); await frame(); }
    await frame();
    return performance.now() - begin;
}"""

# Moves a slider to each value and waits for the columns to be drawn anew and painted.
SLIDE = """async (values) => {
    const input = document.querySelector("#sample-temperature input[type=range]");
    const flow = document.querySelector("#sample-columns .sampler .flow");
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
    const times = [];
    for (const value of values) {
        const drawn = new Promise((done) => {
            const seen = new MutationObserver(() => { seen.disconnect(); done(); });
            seen.observe(flow, { childList: true });
        });
        const begin = performance.now();
        set.call(input, value);
        input.dispatchEvent(new Event("input", { bubbles: true }));
        await drawn;
        await new Promise((next) => requestAnimationFrame(next));
        times.push(performance.now() - begin);
    }
    return times;
}"""

# Points at cells of the table of pairs all over it, and waits each time for the frame that shows it.
HOVER = """async (moves) => {
    const cells = [...document.querySelectorAll("#count-table [role=gridcell]")];
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    const channel = new MessageChannel();
    const painted = async () => {
        await frame();
        await new Promise((next) => { channel.port1.onmessage = next; channel.port2.postMessage(0); });
    };
    const times = [];
    for (let i = 0; i < moves; i++) {
        const cell = cells[(i * 131) % cells.length], at = cell.getBoundingClientRect();
        const place = { clientX: at.left + at.width / 2, clientY: at.top + at.height / 2 };
        const begin = performance.now();
        cell.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, pointerType: "mouse", ...place }));
        await painted();
        times.push(performance.now() - begin);
    }
    return times;
}"""


def p95(times: Sequence[float]) -> float:
    """The time that 19 of 20 do not exceed.

    >>> p95(range(1, 101))
    95
    """
    return sorted(times)[max(0, -(-95 * len(times) // 100) - 1)]


def chromium() -> str | None:
    """The path of a Chromium that playwright can drive here, or None."""
    if importlib.util.find_spec("playwright") is None:
        return None
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


@contextlib.contextmanager
def _browser() -> Iterator[tuple[str, Any]]:
    """The address of a running app, and a browser; both end with the block."""
    from playwright.sync_api import sync_playwright

    with running_app() as (url, _, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        try:
            yield url, browser
        finally:
            browser.close()


def _visit(browser: Any, url: str, level: str) -> Any:
    """A page of a new visitor, with the level and the bench on it."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(f"{url}?level={level}")
    page.wait_for_selector("#bench li")
    return page


def visit(visits: int = VISITS) -> list[Row]:
    """From the address to the first move: a page is ready when its first game is dealt and its bench is filled.

    Each visit is a new visitor in a new browser context; the first one warms the server and is not counted. The
    first insight is the machine's share of it: ready, then letters in the order of the alphabet until one is right
    and the models' bars stand beside the guesses, with no time to think in between.
    """
    ready = "From opening the page until the first game can be played, server warm"
    insight = "From opening the page until the first letter is guessed and the bars are shown, without thinking"
    if chromium() is None:
        return [
            Row("page-ready", ready, "s", None, 2.5, note=SKIPPED),
            Row("first-insight", insight, "s", None, 30.0, note=SKIPPED),
        ]
    readies, insights = [], []
    with _browser() as (url, browser):
        for i in range(visits + 1):
            begin = time.perf_counter()
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(f"{url}?level=guess")
            page.wait_for_selector(".game[data-state=open]")
            page.wait_for_selector("#bench li")
            at = time.perf_counter() - begin
            _guess_a_letter(page)
            if i:
                readies.append(at)
                insights.append(time.perf_counter() - begin)
            page.close()
    return [
        Row("page-ready", ready, "s", statistics.median(readies), 2.5, tuple(readies)),
        Row("first-insight", insight, "s", statistics.median(insights), 30.0, tuple(insights)),
    ]


def _guess_a_letter(page: Any) -> list[float]:
    """Play one letter of the game to its end; the milliseconds of each move."""
    times = []
    keys = page.locator(".game .key").count()
    for key in range(keys):
        seq = page.get_attribute(".game", "data-seq")
        press = f"document.querySelector('.game [data-key=\"{key}\"]').click()"
        times.append(page.evaluate(TIMED, [press, f"document.querySelector('.game').dataset.seq !== '{seq}'"]))
        if page.get_attribute(".game", "data-state") != "open":
            break
    return times


def answers(moves: int = MOVES, trainings: int = 2) -> list[Row]:
    """How soon the screen answers: a move, a slider and the pointer, alone and while other visitors train.

    A move is a letter on the level Guess, from the click until the board's answer is painted: the page, the server
    and back. A slider is the temperature on the level Sample, one hundred places, from the input event until the new
    columns are painted; the server is not asked. Hovering is the pointer on two hundred cells of the table on the
    level Count, until the frame that shows it. Then `trainings` other visitors each train the default network of the
    level MLP, watching their charts in other tabs of the same browser, and all are measured again. Quoted are medians
    for moves and the 95th percentile for slider and hovering.
    """
    names = {
        "game-move": ("A move of the game, median", 200.0),
        "slider-p95": ("A slider of the level Sample, 95th percentile", 50.0),
        "hover-p95": ("Pointing at the table of the level Count, 95th percentile", 50.0),
        "game-move-busy": (f"A move of the game while {trainings} others train, median", 200.0),
        "slider-p95-busy": (f"A slider of the level Sample while {trainings} others train, 95th percentile", 50.0),
        "hover-p95-busy": (f"Pointing at the table while {trainings} others train, 95th percentile", 50.0),
    }
    if chromium() is None:
        return [Row(name, what, "ms", None, target, note=SKIPPED) for name, (what, target) in names.items()]
    found: dict[str, list[float]] = {}
    with _browser() as (url, browser):
        for busy in ("", "-busy"):
            if busy:
                for _ in range(trainings):
                    _train(_visit(browser, url, "mlp"))
            game = _visit(browser, url, "guess")
            game.wait_for_selector(".game[data-state=open]")
            found[f"game-move{busy}"] = _moves(game, moves)
            game.close()
            sample = _visit(browser, url, "sample")
            sample.wait_for_selector("#sample-columns .flow .row")
            found[f"slider-p95{busy}"] = sample.evaluate(SLIDE, [str(0.5 + i / 100) for i in range(100)])
            sample.close()
            count = _visit(browser, url, "count")
            count.wait_for_selector("#count-table .fig[data-state=drawn]")
            found[f"hover-p95{busy}"] = count.evaluate(HOVER, 200)
            count.close()
    rows = []
    for name, (what, target) in names.items():
        value = p95(found[name]) if "p95" in name else statistics.median(found[name])
        rows.append(Row(name, what, "ms", value, target, tuple(found[name])))
    return rows


def _moves(page: Any, moves: int) -> list[float]:
    """So many moves of the game, over as many letters and names as it takes."""
    times: list[float] = []
    while len(times) < moves:
        times += _guess_a_letter(page)
        if page.get_attribute(".game", "data-state") == "told":
            page.click(".game [data-do=primary]")
        else:
            page.click(".game [data-do=other]:visible, .game [data-do=primary]:visible")
        page.wait_for_selector(".game[data-state=open]")
    return times[:moves]


def _train(page: Any) -> None:
    """Begin a training that is still under way when everything has been measured."""
    page.locator("#mlp-steps input[type=range]").fill("5000")
    page.click("#mlp-skip")
    page.wait_for_selector("[data-state=running]")


def figure_tick(points: int = 600, ticks: int = 200) -> list[Row]:
    """Browser time of one tick of the loss curve: the main thread's work for one more point on a long curve.

    A headless Chromium opens the level MLP of a real app. Its figure is brought to `points` points, and
    then points come one at a time through plotly's `extendTraces`, as the figure widget adds them, 33 ms
    apart. Quoted is what the browser's own accounting (`TaskDuration`) grew by, a tick.
    """
    what = f"Browser time a tick of the loss curve at {points} points"
    if chromium() is None:
        return [Row("figure-tick", what, "ms", None, 40.0, note=SKIPPED)]
    extend = """async ([number, pause]) => {
        const plot = document.querySelector("#mlp-loss .plot");
        for (let i = 0; i < number; i++) {
            const step = plot.data[0].x.length;
            await Plotly.extendTraces(plot, {x: [[step], []], y: [[2 + Math.random() / 10], []]}, [0, 1]);
            if (pause) await new Promise((next) => setTimeout(next, pause));
        }
    }"""
    clear = "() => { for (const t of document.querySelector('#mlp-loss .plot').data) { t.x = []; t.y = []; } }"
    with _browser() as (url, browser):
        page = _visit(browser, url, "mlp")
        page.wait_for_selector("#mlp-loss .fig[data-state=drawn]")
        page.evaluate(clear)
        page.evaluate(extend, [points - ticks // 2, 0])
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")

        def busy() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

        runs = []
        for _ in range(5):
            begin = busy()
            page.evaluate(extend, [ticks // 5, 33])
            runs.append(1000 * (busy() - begin) / (ticks // 5))
    return [Row("figure-tick", what, "ms", statistics.median(runs), 40.0, tuple(runs))]
