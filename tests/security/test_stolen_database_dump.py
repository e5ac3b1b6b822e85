"""Stolen database dump: an attacker who reads every table signs in with a value found there."""

from collections.abc import AsyncIterator

from app.asgi import TABLES
from tests.support.app import CREDENTIALS, SECRET, RunningApp

FRAGMENT_LENGTH = 12


async def _values(app: RunningApp) -> AsyncIterator[str]:
    """Every value of every table as text, bytes also as the text that they may be."""
    for table in TABLES.tables:
        for row in await app.resources.database.pool.fetch(f"TABLE {table}"):
            for value in row.values():
                if isinstance(value, bytes):
                    yield value.decode("latin-1")
                yield value.hex() if isinstance(value, bytes) else str(value)


async def _create_credentials(app: RunningApp) -> tuple[str, str, str]:
    """Create a user with a session, an invitation and a setup link. Returns the three tokens."""
    setup = await app.setup_token()
    user = await app.user()
    invitation = await app.invitation()
    await app.client().post("/api/session", json=CREDENTIALS)
    return await app.token(user), invitation, setup


async def test_no_table_holds_a_token_or_a_secret(app: RunningApp) -> None:
    session, invitation, setup = await _create_credentials(app)

    dump = [value async for value in _values(app)]

    assert len(dump) > 30
    for credential in (SECRET, session, invitation, setup):
        fragments = [
            credential[start : start + FRAGMENT_LENGTH] for start in range(len(credential) - FRAGMENT_LENGTH + 1)
        ]
        assert not any(fragment in value for fragment in fragments for value in dump)


async def test_no_value_of_the_dump_is_a_valid_credential(app: RunningApp) -> None:
    await _create_credentials(app)
    dump = [value async for value in _values(app)]

    for value in {part for whole in dump for part in (whole, f"ost_{whole}"[:47], f"osk_{whole}"[:47])}:
        text = value.encode("ascii", "ignore").decode()
        by_cookie = await app.client(Cookie=f"auth_session={text}").get("/api/session")
        by_bearer = await app.client(Authorization=f"Bearer {text}").get("/api/session")
        redeemed = await app.client().post(
            "/api/keys/redeem", json={"token": value[:200], "email": "eve@example.org", "name": "x", "secret": SECRET}
        )
        assert by_cookie.json()["user"] is None
        assert by_bearer.json()["user"] is None
        assert redeemed.status_code in (410, 422)


async def test_a_stored_hash_does_not_sign_in_as_the_secret(app: RunningApp) -> None:
    await app.user()
    stored = await app.resources.database.pool.fetchval("SELECT secret_hash FROM keys")

    answer = await app.client().post("/api/session", json={**CREDENTIALS, "secret": stored})

    assert answer.status_code == 401


async def test_the_search_covers_every_table(app: RunningApp) -> None:
    rows = await app.resources.database.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")

    assert {row["tablename"] for row in rows} - {"alembic_version"} == set(TABLES.tables)
