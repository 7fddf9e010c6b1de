"""No level shuts anybody out: axe-core finds no serious fault, and no text is lost on a narrow page."""

import pytest
from playwright.sync_api import expect

from lmlab.ui.levels import LEVELS

SERIOUS = ("serious", "critical")


def faults(page) -> list[str]:
    """What axe-core calls serious, each with the first places where it is."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['help']} at {[node['html'][:160] for node in fault['nodes'][:3]]}"
        for fault in found
        if fault["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("level", LEVELS)
def test_axe_finds_no_serious_fault(new_page, level, scheme):
    page = new_page(level=level, path=f"?__theme={scheme}", color_scheme=scheme)
    page.wait_for_selector(f"#tab-{level} h1")
    for figure in page.locator(f"#tab-{level} .fig[data-seq]:visible").all():
        expect(figure).to_have_attribute("data-state", "drawn")
    assert faults(page) == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_phone_needs_no_sideways_scrolling(new_page, level):
    page = new_page(level=level, width=360)
    page.wait_for_selector(f"#tab-{level} h1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
