"""Ambiguous identifiers: ("a:b", "c") equals ("a", "b:c") where provider and identifier are joined into one text."""

from uuid import UUID

import pytest

from app.domain.flows.repository import find_primary_key
from tests.support.app import CREDENTIALS, RunningApp


async def _insert(app: RunningApp, user: UUID, provider: str, identifier: str) -> None:
    await app.execute(
        "INSERT INTO keys (id, user_id, kind, provider, identifier, purpose, address, created_at, expires_at)"
        " VALUES (gen_random_uuid(), $1, 'single_use', $2, $3, 'invitation', $2 || ' ' || $3, $4, $4)",
        user,
        provider,
        identifier,
        app.clock(),
    )


async def test_provider_and_identifier_are_compared_separately(app: RunningApp) -> None:
    user = await app.user()

    for provider, identifier in (("a", "b:c"), ("a:b", "c"), ("a:b:c", ""), ("", "a:b:c")):
        await _insert(app, user, provider, identifier)

    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'single_use'") == 4


@pytest.mark.parametrize("address", ["email:ada@example.org", "primary:ada@example.org", ":ada@example.org"])
async def test_an_address_with_a_provider_prefix_finds_no_key(app: RunningApp, address: str) -> None:
    await app.user()

    answer = await app.client().post("/api/session", json={**CREDENTIALS, "email": address})

    assert answer.status_code in (401, 422)
    assert await find_primary_key(app.resources.database, address) is None


async def test_a_single_use_key_is_never_found_as_a_primary_key(app: RunningApp) -> None:
    user = await app.user("mallory@example.org")
    await _insert(app, user, "email", "ada@example.org")

    assert await find_primary_key(app.resources.database, "ada@example.org") is None
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401
