"""Race condition in session extension: concurrent requests multiply or end a session, or revive an ended session."""

import httpx

from app.auth.tokens import token_hash
from tests.support.app import RunningApp
from tests.support.races import at_once

CONCURRENT = 16


async def test_concurrent_requests_keep_one_session_and_one_token(app: RunningApp) -> None:
    token = await app.token(await app.user())
    for _ in range(5):
        app.clock.forward(hours=2)

        async def read(_: int) -> httpx.Response:
            return await app.with_cookie(token).get("/api/session")

        answers = await at_once(CONCURRENT, read)
        await app.sessions.flush()

        assert all(answer.json()["user"] for answer in answers)
        cookies = {answer.headers.get("set-cookie", "").partition(";")[0] for answer in answers}
        assert cookies <= {"", f"auth_session={token}"}
        rows = await app.resources.database.pool.fetch("SELECT token_hash FROM sessions")
        assert [row["token_hash"] for row in rows] == [token_hash(token)]


async def test_an_extension_never_revives_an_ended_session(app: RunningApp) -> None:
    for _ in range(5):
        await app.resources.database.pool.execute("TRUNCATE users CASCADE")
        browser = await app.signed_in()
        app.clock.forward(hours=2)

        async def read_or_sign_out(number: int) -> httpx.Response:
            if number == 7:
                return await browser.delete("/api/session")  # noqa: B023 # awaited within the round
            return await browser.get("/api/languages")  # noqa: B023 # awaited within the round

        token = browser.cookies["auth_session"]
        await at_once(CONCURRENT, read_or_sign_out)
        await app.sessions.flush()

        assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0
        assert (await app.with_cookie(token).get("/api/languages")).status_code == 401
