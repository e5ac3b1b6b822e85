"""Sign-in by password is one SQL statement, which leaves the same rows in 4 tables as separate steps do."""

from typing import Any, cast
from uuid import UUID

import pytest

from app.audit import Actor
from app.auth.tokens import token_hash
from app.domain.flows.repository import find_primary_key, note_use
from app.domain.flows.sign_in.password import PasswordSignIn, sign_in_by_password
from app.domain.sessions.repository import read_principal
from app.domain.sessions.service import StartedSession, start_session
from tests.support.app import SECRET, RunningApp, is_signed_in, running, settings_for

# Columns whose values differ between two users or between two runs.
VARYING_COLUMNS = {
    "id",
    "email",
    "folded_email",
    "user_id",
    "identifier",
    "secret_hash",
    "token_hash",
    "subject",
    "actor_id",
    "session_id",
    "at",
}
VARYING_COLUMNS |= {"created_at", "updated_at"}
TABLES = {
    "users": "SELECT * FROM users WHERE id = $1",
    "keys": "SELECT * FROM keys WHERE user_id = $1",
    "sessions": "SELECT *, created_at = authenticated_at AS just_made FROM sessions WHERE user_id = $1",
    "ended": "SELECT * FROM ended_sessions WHERE user_id = $1 ORDER BY session_id",
    "events": """
        SELECT *, subject = 'user:' || $1::uuid AS about_them, session_id IN (SELECT id FROM sessions) AS of_session
          FROM audit_events WHERE actor_id = $1 ORDER BY ip NULLS FIRST
    """,
}


async def sign_in_by_steps(actor: Actor, app: RunningApp, user_id: UUID, email: str) -> StartedSession:
    """Sign in with the functions that every other method uses."""
    key = await find_primary_key(app.resources.database, email)
    assert key is not None
    assert key.secret_hash is not None
    async with app.resources.database.transaction() as transaction:
        active, role = await note_use(transaction, key, key.secret_hash, app.clock())
        assert active
        return await start_session(
            actor, app.resources, transaction, user_id=user_id, platform_role=role, method="password"
        )


async def session_of(app: RunningApp, token: str) -> UUID:
    """The id of the session of this token."""
    session = (await app.sessions.authenticate(token)).session
    assert session
    return session.id


async def rows_of(app: RunningApp, user_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """The rows of the user in each table, without `VARYING_COLUMNS`."""
    pool = app.resources.database.pool
    found = {table: await pool.fetch(statement, user_id) for table, statement in TABLES.items()}
    return {
        table: [{name: value for name, value in row.items() if name not in VARYING_COLUMNS} for row in rows]
        for table, rows in found.items()
    }


async def test_the_statement_ends_the_same_oldest_sessions_as_the_separate_steps(
    app: RunningApp, database_url: str
) -> None:
    async with running(settings_for(database_url, SESSIONS_PER_USER="3"), app.clock) as capped:
        left, ended = list[list[bool]](), list[list[str]]()
        for email in ("ada@example.org", "eve@example.org"):
            user_id = await app.user(email)
            tokens = [await app.token(user_id) for _ in range(6)]
            actor = Actor(session_id=await session_of(app, tokens[4]))
            sent = PasswordSignIn(email=email, secret=SECRET)
            if not left:
                started = await sign_in_by_password(actor, capped.resources, sent)
            else:
                started = await sign_in_by_steps(actor, capped, user_id, email)
            reasons = "SELECT reason FROM ended_sessions WHERE user_id = $1 ORDER BY session_id"
            ended.append([row["reason"] for row in await app.resources.database.pool.fetch(reasons, user_id)])
            left.append([await is_signed_in(app.with_cookie(token)) for token in (*tokens, started.token)])
    assert left == [[False, False, False, True, False, True, True]] * 2
    assert ended == [["too_many_sessions"] * 3 + ["signed_in_again"]] * 2


@pytest.mark.parametrize("admin", [False, True])
@pytest.mark.parametrize("has_session", [False, True])
async def test_the_statement_leaves_the_same_rows_as_the_separate_steps(
    app: RunningApp, admin: bool, has_session: bool
) -> None:
    ada, eve = [await app.user(email, admin=admin) for email in ("ada@example.org", "eve@example.org")]
    sessions = dict.fromkeys((ada, eve), cast("UUID | None", None))
    if has_session:
        sessions = {user: await session_of(app, await app.token(user, admin=admin)) for user in sessions}
    app.clock.forward(minutes=5)
    agent = "a browser " * 100

    by_statement = await sign_in_by_password(
        Actor(ip="203.0.113.9", user_agent=agent, session_id=sessions[ada]),
        app.resources,
        PasswordSignIn(email="ada@example.org", secret=SECRET),
    )
    by_steps = await sign_in_by_steps(
        Actor(ip="203.0.113.9", user_agent=agent, session_id=sessions[eve]), app, eve, "eve@example.org"
    )

    rows = await rows_of(app, ada)
    assert rows == await rows_of(app, eve)
    assert (len(rows["users"]), len(rows["keys"]), len(rows["sessions"])) == (1, 1, 1)
    assert [event["action"] for event in rows["events"]] == ["session.start"] * (2 if has_session else 1)
    assert by_statement.max_age == by_steps.max_age
    read = await read_principal(app.resources.database, token_hash(by_statement.token), app.clock())
    assert by_statement.principal == read
