"""Signing keys rotate without a gap: no token is ever signed by a key that a verifier cannot have."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from app.asgi import SWEEPS
from app.audit import OPERATOR
from app.domain.tokens.service import KEYS_MAX_AGE, rotate_keys
from app.settings.model import TOKEN_SECONDS_MAX
from tests.support.app import SECRET_KEY, TOKEN_AUDIENCE, RunningApp, problem, running, settings_for
from tests.support.tokens import claims_of, header_of, kids_published, token_for

OTHER_SECRET_KEY = "another key for tests 8Zr3Tq6Wn1Ye5Ku9"


async def rotate(app: RunningApp, *, at_once: bool = False) -> str:
    """Rotate the keys; returns the id of the new one."""
    return (await rotate_keys(OPERATOR, app.resources, at_once=at_once)).kid


@pytest.fixture
async def another_worker(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """A second worker, whose tokens live longest."""
    async with running(settings_for(database_url, TOKEN_SECONDS=str(TOKEN_SECONDS_MAX)), app.clock) as worker:
        yield worker


async def test_a_new_key_is_published_before_it_signs_and_the_old_one_until_its_last_token_has_ended(
    app: RunningApp, another_worker: RunningApp
) -> None:
    client = await app.signed_in()
    session = client.cookies["auth_session"]
    clients = [client, another_worker.with_cookie(session)]
    first = header_of(await token_for(client))["kid"]
    second = await rotate(app)
    # For each key, since when every cache has had it. A verifier reads the keys at most KEYS_MAX_AGE ago.
    seen: dict[str, datetime] = {}
    signed_by, live = list[str](), list[tuple[str, int]]()
    for _ in range(150):
        now = app.clock()
        published = [await kids_published(each) for each in clients]
        assert published[0] == published[1]
        for kid in published[0]:
            seen.setdefault(kid, now)
        tokens = [await token_for(each) for each in clients]
        signers = {header_of(token)["kid"] for token in tokens}
        assert len(signers) == 1
        signed_by += signers
        assert now == app.clock()
        live += [(header_of(token)["kid"], claims_of(token)["exp"]) for token in tokens]
        assert {kid for kid, ends in live if ends >= now.timestamp()} <= set(published[0])
        if signed_by[-1] == second:
            assert now - seen[second] >= timedelta(seconds=KEYS_MAX_AGE)
        app.clock.forward(seconds=10)
    assert list(dict.fromkeys(signed_by)) == [first, second]
    assert await kids_published(client) == [second]


async def test_the_first_key_signs_also_where_the_clock_is_behind(app: RunningApp) -> None:
    client = await app.signed_in()
    first = header_of(await token_for(client))["kid"]
    app.clock.forward(seconds=-5)
    assert header_of(await token_for(client))["kid"] == first
    assert await kids_published(client) == [first]


async def test_a_second_rotation_waits_for_the_first(app: RunningApp) -> None:
    await rotate(app)
    await rotate(app)
    with pytest.raises(ValueError, match="signs from 2026-06-01T12:10:00Z on already"):
        await rotate(app)
    app.clock.forward(minutes=10)
    await rotate(app)


async def test_a_stolen_key_is_withdrawn_at_once(app: RunningApp) -> None:
    client = await app.signed_in()
    stolen = header_of(await token_for(client))["kid"]
    waiting = await rotate(app)
    new = await rotate(app, at_once=True)
    assert await kids_published(client) == [new]
    assert header_of(await token_for(client))["kid"] == new
    rows = await app.resources.database.pool.fetch("SELECT action, subject FROM audit_events ORDER BY id")
    events = [(row["action"], row["subject"].removeprefix("signing_key:")) for row in rows if "_key." in row["action"]]
    assert events[:2] == [("signing_key.create", stolen), ("signing_key.create", waiting)]
    assert sorted(events[2:4]) == sorted([("signing_key.withdraw", stolen), ("signing_key.withdraw", waiting)])
    assert events[4:] == [("signing_key.create", new)]


async def test_the_algorithm_of_the_setting_is_that_of_the_next_key(app: RunningApp, database_url: str) -> None:
    client = await app.signed_in()
    session = client.cookies["auth_session"]
    first = await token_for(client)
    async with running(settings_for(database_url, TOKEN_ALGORITHM="ES256"), app.clock) as other:
        assert header_of(await token_for(other.with_cookie(session))) == header_of(first)
        second = await rotate(other)
        keys = (await other.client().get("/.well-known/jwks.json")).json()["keys"]
        assert [(key["alg"], key["crv"], "y" in key) for key in keys] == [
            ("EdDSA", "Ed25519", False), ("ES256", "P-256", True),
        ]  # fmt: skip
        app.clock.forward(minutes=10)
        assert header_of(await token_for(other.with_cookie(session))) == {"alg": "ES256", "typ": "JWT", "kid": second}


async def test_keys_outlive_a_change_of_the_secret_key(app: RunningApp, database_url: str) -> None:
    client = await app.signed_in()
    session = client.cookies["auth_session"]
    kid = header_of(await token_for(client))["kid"]
    await rotate(app)
    changed = settings_for(database_url, SECRET_KEY=OTHER_SECRET_KEY, SECRET_KEY_PREVIOUS=SECRET_KEY)
    async with running(changed, app.clock) as between:
        assert header_of(await token_for(between.with_cookie(session)))["kid"] == kid
    async with running(settings_for(database_url, SECRET_KEY=OTHER_SECRET_KEY), app.clock) as after:
        assert header_of(await token_for(after.with_cookie(session)))["kid"] == kid
        app.clock.forward(minutes=10)
        assert header_of(await token_for(after.with_cookie(session)))["kid"] != kid
    with capture_logs() as logs:
        refused = await client.post("/api/session/token", json={"audience": TOKEN_AUDIENCE})
    assert problem(refused)["code"] == "temporarily_unavailable"
    assert any("signing_key_not_decrypted" in str(line.get("reason")) for line in logs)


async def test_no_private_key_is_in_the_database_in_clear_text(app: RunningApp) -> None:
    await token_for(await app.signed_in())
    row = await app.resources.database.pool.fetchrow("SELECT public_key::text, sealed FROM signing_keys")
    assert row
    assert '"d"' not in row["public_key"]
    assert b'"d"' not in row["sealed"]
    assert b'"d"' in app.resources.secret_key.unseal(row["sealed"])


async def test_the_clean_up_deletes_keys_that_are_published_no_more(app: RunningApp) -> None:
    await rotate(app)
    await rotate(app)
    app.clock.forward(minutes=15)

    async def sweep() -> int:
        async with app.resources.database.transaction() as transaction:
            return sum([await each(transaction, app.clock(), 10) for each in SWEEPS])

    assert await sweep() == 0
    app.clock.forward(minutes=1)
    assert await sweep() == 1
    assert len(await kids_published(app.client())) == 1
