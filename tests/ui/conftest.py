"""A real Chromium on a real app: one app for all browser tests, a new visitor for each."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)

# The two popups of the address bar are pages of their own, which Chromium would open beside each of ours; the others
# are what Playwright leaves out, too: of two such lists Chromium reads the last.
NOT_NEEDED = "WebUIOmniboxPopup,WebUIOmniboxAimPopup,HttpsUpgrades,PaintHolding,OptimizationHints,MediaRouter"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_page(url: str, process: subprocess.Popen, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the app ended while it started"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no page within {seconds:g} seconds")


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("No Chromium was found, and CI=true wants the browser tests to run.")
        pytest.skip("No Chromium was found: the browser tests are skipped.")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # shared machines are slow at times; a state that never comes still fails
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--no-first-run",
                f"--disable-features={NOT_NEEDED}",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def app(browser, tmp_path_factory):
    """The address of an app that was started as the README says."""
    port = free_port()
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "LMLAB_HOME": str(home),
        "HF_HUB_OFFLINE": "1",
    }
    log = home / "app.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        url = f"http://127.0.0.1:{port}/"
        try:
            wait_for_page(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(15)
    text = log.read_text("utf-8")
    assert "Traceback" not in text, text[-6000:]


def is_wrong(message) -> bool:
    """An error of the page's own; Gradio notes a damaged store and a reload in the middle of a stream, too."""
    harmless = ("Error reading from localStorage", "AbortError", "Unexpected error Connection errored out")
    return message.type == "error" and not message.text.startswith(harmless)


@pytest.fixture
def new_page(browser, app):
    """Open pages as a new visitor; whatever goes wrong in the browser fails the test."""
    contexts, wrong = [], []

    def open_page(width=1400, height=900, path="", level="count", wait=True, context=None, **options):
        if context is None:
            context = browser.new_context(viewport={"width": width, "height": height}, **options)
            context.set_default_timeout(90_000)
            contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"page error: {error}"))
        page.on("console", lambda message: wrong.append(message.text) if is_wrong(message) else None)
        page.on(
            "request",
            lambda request: (
                wrong.append(request.url) if not request.url.startswith((app, "data:", "blob:")) else None
            ),
        )
        page.goto(f"{app}{path}{'&' if '?' in path else '?'}level={level}")
        if wait:
            if level == "count":
                page.wait_for_selector("#count-table .fig[data-state=drawn]")
            page.wait_for_selector("#bench li", state="attached")  # on a phone the bench begins closed
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong, wrong


@pytest.fixture
def page(new_page):
    return new_page()
