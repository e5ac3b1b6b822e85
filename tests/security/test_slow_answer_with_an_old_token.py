"""Rollback of the session token: an answer that is under way while the session is renewed puts the old token back."""

import asyncio

import httpx

from tests.support.app import SECRET, RunningApp, is_signed_in
from tests.support.races import at_once, queued

PROOF = {"method": "password", "secret": SECRET}
READERS = 12


def _session_cookies(answer: httpx.Response) -> list[str]:
    return [cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith("auth_session=")]


async def test_an_answer_that_waits_while_the_session_is_renewed_sets_no_cookie(app: RunningApp) -> None:
    browser = await app.signed_in_member(await app.language(), "translator")
    tab = app.with_cookie(browser.cookies["auth_session"])
    app.clock.forward(hours=2)  # an extension is due
    async with queued(app, "LOCK TABLE translations IN ACCESS EXCLUSIVE MODE") as queue:
        reading = await queue.add(tab.get("/api/languages/de/translations"))
        assert (await browser.post("/api/session/reauthentication", json=PROOF)).status_code == 200

    answer = await reading

    assert answer.status_code == 200
    assert _session_cookies(answer) == []
    assert await is_signed_in(browser)


async def test_no_answer_beside_renewals_sets_a_token_but_those_of_the_renewals(app: RunningApp) -> None:
    browser = await app.signed_in()
    for _ in range(5):
        app.clock.forward(hours=2)
        tabs = [app.with_cookie(browser.cookies["auth_session"]) for _ in range(READERS)]

        async def request(number: int) -> httpx.Response:
            if number == READERS // 2:
                return await browser.post("/api/session/reauthentication", json=PROOF)
            await asyncio.sleep(0)
            return await tabs[number].get("/api/session")  # noqa: B023 # awaited within the round

        answers = await at_once(READERS, request)

        assert [bool(_session_cookies(answer)) for answer in answers] == [
            number == READERS // 2 for number in range(READERS)
        ]
        assert all(answer.json()["user"] for answer in answers)
        assert await is_signed_in(browser)
        await app.sessions.flush()
