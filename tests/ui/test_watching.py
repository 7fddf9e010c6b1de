"""A live chart and the page it stands on: no faster than the page can draw."""

import asyncio
import time
from types import SimpleNamespace

from lmlab.ui import watching as module
from lmlab.ui.watching import Watching


def request(session):
    return SimpleNamespace(session_hash=session)


def test_the_next_look_waits_until_the_page_has_drawn_the_last_one():
    watching = Watching(None, None)
    page = watching.pages["mine"] = SimpleNamespace(seq=7, drawn=6)

    async def play():
        waiting = asyncio.create_task(watching.until_drawn(page))
        await asyncio.sleep(0.2)
        watching.was_drawn(7, request("another page"))
        watching.was_drawn("7", request("mine"))  # from the page, so anything may come
        watching.was_drawn(6, request("mine"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        watching.was_drawn(7, request("mine"))
        await asyncio.wait_for(waiting, 2)

    asyncio.run(play())


def test_a_page_that_never_answers_is_not_waited_for_long(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    begin = time.monotonic()
    asyncio.run(Watching(None, None).until_drawn(SimpleNamespace(seq=7, drawn=6)))
    assert 0.2 <= time.monotonic() - begin < 5
    asyncio.run(asyncio.wait_for(Watching(None, None).until_drawn(SimpleNamespace(seq=7, drawn=7)), 0.1))
