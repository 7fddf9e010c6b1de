"""The app is started and looked at; one that does not come is a note."""

import sys

from benching import one_core  # noqa: F401

from lmlab.bench import page

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

HTTPServer(("127.0.0.1", int(sys.argv[-1])), Page).serve_forever()
"""


def test_an_app_that_ends_at_once_is_a_note():
    rows = page.app([sys.executable, "-c", "raise SystemExit('no such screen')"])
    assert [row.name for row in rows] == ["app-start", "app-memory"]
    assert all(row.value is None and row.met is None for row in rows)
    assert "Could not start" in rows[0].note
    assert "no such screen" in rows[0].note


def test_an_app_that_never_answers_is_a_note():
    rows = page.app([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5)
    assert "no page after 0.5 s" in rows[0].note


def test_any_server_that_answers_is_measured(monkeypatch):
    monkeypatch.setattr(page, "SETTLE", 0.1)
    start, memory = page.app([sys.executable, "-c", SERVER])
    assert start.value == start.runs[-1] > 0
    assert len(start.runs) == 2
    assert memory.value is None or memory.value == max(memory.runs) > 1
