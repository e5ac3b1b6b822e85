"""A session that has ended, or a suspended user, asks for tokens, also where a worker has not heard of it yet."""

import pytest

from tests.support.app import TOKEN_AUDIENCE, RunningApp, problem
from tests.support.tokens import claims_of, token_for

ASKED = {"audience": TOKEN_AUDIENCE}
ENDS: dict[str, str] = {
    "deleted sessions": "DELETE FROM sessions",
    "expired sessions": "UPDATE sessions SET idle_expires_at = created_at, expires_at = created_at",
    "replaced tokens": "UPDATE sessions SET token_hash = sha256(token_hash)",
    "suspended users": "UPDATE users SET status = 'suspended'",
    "deleted users": "DELETE FROM users",
}


@pytest.mark.parametrize("end", ENDS)
async def test_what_the_database_says_counts_and_not_what_a_worker_keeps(app: RunningApp, end: str) -> None:
    client = await app.signed_in()
    await token_for(client)
    # Without its notifications, as in the moment before a worker has heard of the change.
    await app.resources.database.pool.execute(
        f"SET session_replication_role = replica; {ENDS[end]}; RESET session_replication_role"
    )
    assert (await client.get("/api/session")).json()["user"] is not None
    answer = await client.post("/api/session/token", json=ASKED)
    assert problem(answer)["code"] == "not_signed_in"


async def test_a_token_that_a_session_has_replaced_gets_none(app: RunningApp) -> None:
    client = await app.signed_in()
    old = client.cookies["auth_session"]
    proof = {"method": "password", "secret": "seven lamps on a quiet harbour"}
    assert (await client.post("/api/session/reauthentication", json=proof)).status_code == 200
    answer = await app.with_cookie(old).post("/api/session/token", json=ASKED)
    assert problem(answer)["code"] == "session_replaced"


async def test_a_lost_role_is_not_in_the_next_token(app: RunningApp) -> None:

    await app.language()
    client = await app.signed_in_member("de", "admin")
    assert claims_of(await token_for(client))["roles"] == {"de": ["admin"]}
    await app.resources.database.pool.execute(
        "SET session_replication_role = replica; UPDATE language_members SET roles = '{}';"
        " RESET session_replication_role"
    )
    assert claims_of(await token_for(client))["roles"] == {"de": []}


async def test_another_site_gets_no_token(app: RunningApp) -> None:
    client = await app.signed_in()
    client.headers["Origin"] = "https://evil.example"
    assert problem(await client.post("/api/session/token", json=ASKED))["code"] == "cross_site_request"
