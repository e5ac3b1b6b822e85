"""Denial of service by prefetching: a mail scanner opens a link, runs the script of its page, and spends the link."""

import pytest

from app.asgi import TABLES
from tests.support.app import RunningApp, is_signed_in
from tests.support.mailbox import mailed, token_in
from tests.support.pages import browser_at

PURPOSES = ("sign_in", "password_reset")


async def rows(app: RunningApp) -> list[str]:
    every = " UNION ALL ".join(f"SELECT xmin::text || {t}::text FROM {t}" for t in TABLES.tables)  # noqa: S608 # constants
    return sorted([row[0] for row in await app.resources.database.pool.fetch(every)])


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_a_link_changes_no_row(app: RunningApp, purpose: str, method: str) -> None:
    await app.user()
    token = token_in(await mailed(app, purpose))
    before = await rows(app)
    for _ in range(5):
        scanner = browser_at(app)
        await scanner.request(method, "/redeem")
        # What the script of the page does, where a scanner runs it.
        assert (await scanner.post("/redeem/link", data={"token": token})).status_code == 303
        assert (await scanner.request(method, "/redeem")).status_code == 200
        assert not await is_signed_in(scanner)
    assert await rows(app) == before


async def test_the_link_still_works_after_the_scanner(app: RunningApp) -> None:
    await app.user()
    token = token_in(await mailed(app, "sign_in"))
    for browser in (browser_at(app), browser_at(app)):
        await browser.post("/redeem/link", data={"token": token})
        assert (await browser.get("/redeem")).status_code == 200
    assert (await browser.post("/redeem")).status_code == 303
    assert await is_signed_in(browser)
