"""What the browser tests do on a screen; all waiting is for a state of the page."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context


def seq(page, figure: str) -> int:
    """The number of the drawing that stands on the page; it rises with every new one."""
    return int(page.get_attribute(f"{figure} .fig", "data-seq") or 0)


def wait_for_new(page, figure: str, before: int) -> None:
    """Wait until a newer drawing than `before` stands there."""
    page.wait_for_function(
        "([figure, before]) => Number(document.querySelector(figure + ' .fig').dataset.seq) > before",
        arg=[figure, before],
    )


def open_level(page, level: str) -> None:
    page.click(f"#tab-{level}-button")
    page.wait_for_selector(f"#tab-{level} h1")


def set_slider(page, slider: str, value) -> None:
    page.locator(f"{slider} input[type=range]").fill(str(value))


def set_number(page, box: str, value) -> None:
    field = page.locator(f"{box} input")
    field.fill(str(value))
    field.blur()


def data_of(page, figure: str):
    """What plotly holds: the traces of a figure."""
    return page.eval_on_selector(
        f"{figure} .plot", "plot => plot.data.map(t => ({x: t.x, y: t.y, z: t.z, text: t.text, name: t.name}))"
    )


def click_point(page, figure: str, x: float, y: float) -> None:
    """Click the place (x, y) of a figure, in the units of its axes."""
    box = page.eval_on_selector(
        f"{figure} .plot",
        """(plot, [x, y]) => {
            plot.scrollIntoView({block: 'center'});
            const {xaxis, yaxis} = plot._fullLayout, r = plot.getBoundingClientRect();
            return [r.left + xaxis._offset + xaxis.c2p(x), r.top + yaxis._offset + yaxis.c2p(y)];
        }""",
        [x, y],
    )
    page.mouse.move(*box)
    page.mouse.click(*box)


def in_a_thread(coroutine):
    """Run a coroutine to its end. Playwright keeps an event loop in the main thread, and a thread has only one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, asyncio.run, coroutine).result()
