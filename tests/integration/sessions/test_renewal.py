"""Renewal of a session as the other tabs of a browser see it, over HTTP from a running service.

`OSTIARY_LONG=1` reads 1,000 times, otherwise 200.
"""

import asyncio
import os
from pathlib import Path

import httpx

from tests.conftest import make_database
from tests.support.app import SECRET, RunningApp, is_signed_in
from tests.support.races import queued
from tests.support.serve_process import serving_beside

PROOF = {"method": "password", "secret": SECRET}
READS = 1000 if os.environ.get("OSTIARY_LONG") else 200
RENEWALS, TABS = 20, 5


async def test_no_read_is_anonymous_beside_20_renewals(server_url: str, tmp_path: Path) -> None:
    url = await make_database(server_url, "renewal")
    async with serving_beside(tmp_path / "data", tmp_path, DATABASE_URL=url) as service:
        token = service.out[-1].partition("#token=")[2]
        # One cookie jar, as the tabs of a browser have it.
        async with httpx.AsyncClient(base_url=service.url, headers={"Origin": service.url}, timeout=30) as browser:
            body = {"token": token, "email": "ada@example.org", "name": "Ada", "secret": SECRET}
            assert (await browser.post("/api/keys/redeem", json=body)).status_code == 201
            replaced, answers = set[str](), list[httpx.Response]()

            async def read() -> None:
                for _ in range(READS // RENEWALS // TABS):
                    answers.append(await browser.get("/api/session"))

            async def renew() -> None:
                replaced.add(browser.cookies["auth_session"])
                assert (await browser.post("/api/session/reauthentication", json=PROOF)).status_code == 200

            for _ in range(RENEWALS):
                await asyncio.gather(renew(), *[read() for _ in range(TABS)])

    anonymous = [answer for answer in answers if answer.status_code != 200 or answer.json()["user"] is None]
    with_cookie = [answer for answer in answers if "set-cookie" in answer.headers]
    assert (len(answers), len(anonymous), len(with_cookie), len(replaced)) == (READS, 0, 0, RENEWALS)


async def test_a_sign_out_that_waits_for_a_renewal_ends_the_renewed_session(app: RunningApp) -> None:
    browser = await app.signed_in()
    tab = app.with_cookie(browser.cookies["auth_session"])

    async with queued(app, "SELECT 1 FROM sessions FOR UPDATE") as queue:
        renewing = await queue.add(browser.post("/api/session/reauthentication", json=PROOF))
        signing_out = await queue.add(tab.delete("/api/session"))

    assert [(await renewing).status_code, (await signing_out).status_code] == [200, 204]
    assert not await is_signed_in(browser)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0
