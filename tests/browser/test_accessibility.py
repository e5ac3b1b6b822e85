"""Accessibility (WCAG 2.2 AA): axe-core finds nothing on any page in any state, and no page scrolls sideways."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.browser.console_gallery import CONSOLE
from tests.browser.gallery import INVITED, OPEN, Show
from tests.support.browser import Served, watched
from tests.support.node_packages import node_with

AXE = Path(__file__).parent / "axe"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async (tags) => {
    const found = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(", ")}`);
}"""
# The width of WCAG 2.2, 1.4.10, and half of a usual one, which is what 200 % zoom leaves.
LOOKS: Mapping[str, dict[str, object]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "right to left": {},
    "320 px": {"viewport": {"width": 320, "height": 640}},
    "200 % zoom": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
    "forced colours": {"forced_colors": "active"},
}
EVERY_LOOK = bool(os.environ.get("OSTIARY_LONG"))


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core. Evaluated from outside, because the policy of the pages would refuse it as a script."""
    node_with(AXE)
    return (AXE / "node_modules" / "axe-core" / "axe.min.js").read_text()


async def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds, and that the page is wider than the window."""
    await page.evaluate(axe)
    found: list[str] = await page.evaluate(RUN, TAGS)
    wide: bool = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*found, *(["the page scrolls sideways"] if wide else [])]


async def check(browser: Browser, served: Served, show: Show, axe: str, look: str) -> None:
    async with watched(browser, served.url, **LOOKS[look]) as person:
        page = await show(served, person)
        if look == "right to left":
            await page.evaluate("document.documentElement.dir = 'rtl'")
        assert await violations(page, axe) == []


def cases(pages: Mapping[str, Show]) -> list[tuple[str, str]]:
    """Each page in one look, which differ from page to page; in `make test-long`, in all."""
    looks = [*LOOKS]
    return [
        (name, look)
        for number, name in enumerate(pages)
        for look in (looks if EVERY_LOOK else [looks[number % len(looks)]])
    ]


@pytest.mark.parametrize(("name", "look"), cases({**INVITED, **CONSOLE}))
async def test_a_page_has_no_barrier(browser: Browser, served: Served, axe: str, name: str, look: str) -> None:
    await check(browser, served, {**INVITED, **CONSOLE}[name], axe, look)


@pytest.mark.parametrize(("name", "look"), cases(OPEN))
async def test_a_page_has_no_barrier_where_sign_up_is_open(
    browser: Browser, open_served: Served, axe: str, name: str, look: str
) -> None:
    await check(browser, open_served, OPEN[name], axe, look)


async def test_axe_finds_a_barrier_that_is_there(browser: Browser, served: Served, axe: str) -> None:
    async with watched(browser, served.url) as person:
        page = await INVITED["sign-in"](served, person)
        await page.evaluate("document.querySelector('label').remove()")
        assert any(found.startswith("label") for found in await violations(page, axe))
