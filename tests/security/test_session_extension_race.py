"""Rotation on use: requests side by side multiply a session or sign each other out, or revive one that was ended."""

import httpx

from app.auth.tokens import token_hash
from tests.support.app import RunningApp
from tests.support.races import at_once

RIVALS = 16


async def test_requests_side_by_side_keep_one_session_and_one_token(app: RunningApp) -> None:
    token = await app.token(await app.user())
    for _ in range(5):
        app.clock.forward(hours=2)

        async def read(_: int) -> httpx.Response:
            return await app.with_cookie(token).get("/api/session")

        answers = await at_once(RIVALS, read)
        await app.sessions.flush()

        assert all(answer.json()["user"] for answer in answers)
        cookies = {answer.headers.get("set-cookie", "").partition(";")[0] for answer in answers}
        assert cookies <= {"", f"auth_session={token}"}
        rows = await app.resources.database.pool.fetch("SELECT token_hash FROM sessions")
        assert [row["token_hash"] for row in rows] == [token_hash(token)]


async def test_an_extension_never_revives_a_session_that_was_ended(app: RunningApp) -> None:
    for _ in range(5):
        await app.resources.database.pool.execute("TRUNCATE users CASCADE")
        browser = await app.signed_in()
        app.clock.forward(hours=2)

        async def work(number: int) -> httpx.Response:
            if number == 7:
                return await browser.delete("/api/session")  # noqa: B023 # awaited within the round
            return await browser.get("/api/languages")  # noqa: B023 # awaited within the round

        token = browser.cookies["auth_session"]
        await at_once(RIVALS, work)
        await app.sessions.flush()

        assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0
        assert (await app.with_cookie(token).get("/api/languages")).status_code == 401
