"""Pages are small: at most 4 requests, 12 kB of scripts and 8 kB of styles as they are sent, none to another origin."""

import pytest
from playwright.async_api import Browser, Response

from tests.browser.console_gallery import CONSOLE
from tests.browser.gallery import INVITED, OPEN, Show
from tests.support.browser import Served, watched

SCRIPTS_MAX, STYLES_MAX, REQUESTS_MAX = 12_000, 8_000, 4


async def check(browser: Browser, served: Served, show: Show) -> None:
    """Load the page once more, with an empty cache, and count."""
    loaded: list[Response] = []
    async with watched(browser, served.url) as person:
        page = await show(served, person)
        session = await person.context.new_cdp_session(page)
        await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        page.on("response", lambda response: loaded.append(response))  # noqa: PLW0108 # not a built-in function
        await page.goto(page.url, wait_until="networkidle")
        sizes = {"script": 0, "stylesheet": 0}
        for response in loaded:
            kind = response.request.resource_type
            if kind in sizes:
                assert response.headers["content-encoding"] == "gzip"
                sizes[kind] += int(response.headers["content-length"])
    assert 0 < sizes["script"] <= SCRIPTS_MAX
    assert 0 < sizes["stylesheet"] <= STYLES_MAX
    # The icon is in the page itself, and the address of a refused form leads to its page.
    counted = [response for response in loaded if not response.url.startswith("data:") and response.status != 303]
    assert len(counted) <= REQUESTS_MAX


@pytest.mark.parametrize("name", [*INVITED, *CONSOLE])
async def test_a_page_is_small(browser: Browser, served: Served, name: str) -> None:
    await check(browser, served, {**INVITED, **CONSOLE}[name])


@pytest.mark.parametrize("name", [*OPEN])
async def test_a_page_is_small_where_sign_up_is_open(browser: Browser, open_served: Served, name: str) -> None:
    await check(browser, open_served, OPEN[name])
