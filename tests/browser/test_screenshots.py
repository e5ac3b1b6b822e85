"""Pictures of all pages for `docs/pages/`, taken only by `make screenshots`."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.console_gallery import CONSOLE
from tests.browser.gallery import INVITED, OPEN, REFERENCE, Show
from tests.support.browser import Served, watched

FOLDER = os.environ.get("OSTIARY_SCREENSHOTS", "")
LOOKS: dict[str, dict[str, object]] = {
    "": {"viewport": {"width": 900, "height": 700}},
    "-dark": {"viewport": {"width": 900, "height": 700}, "color_scheme": "dark"},
    "-small": {"viewport": {"width": 320, "height": 640}},
}
# More than one look of each page would be too many files: of these, all.
IN_ALL_LOOKS = ("sign-in", "code", "redeem-setup-refused", "onboarding", "account")

pytestmark = pytest.mark.skipif(not FOLDER, reason="taken by `make screenshots`")


async def take(browser: Browser, served: Served, name: str, show: Show, look: str) -> None:
    async with watched(browser, served.url, **LOOKS[look]) as person:
        page = await show(served, person)
        await page.screenshot(path=Path(FOLDER) / f"{name}{look}.png", full_page=name not in REFERENCE)


def looks_of(names: list[str]) -> list[tuple[str, str]]:
    return [(name, look) for name in names for look in LOOKS if look == "" or name in IN_ALL_LOOKS]


@pytest.mark.parametrize(("name", "look"), looks_of([*INVITED, *CONSOLE, *REFERENCE]))
async def test_a_picture_of_each_page(browser: Browser, served: Served, name: str, look: str) -> None:
    await take(browser, served, name, {**INVITED, **CONSOLE, **REFERENCE}[name], look)


@pytest.mark.parametrize(("name", "look"), looks_of([*OPEN]))
async def test_a_picture_of_each_page_where_sign_up_is_open(
    browser: Browser, open_served: Served, name: str, look: str
) -> None:
    await take(browser, open_served, name, OPEN[name], look)
