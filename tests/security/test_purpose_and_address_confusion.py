"""Confusion: a token made for one thing, person or place is used for another."""

import pytest

from app.auth.tokens import code_hash, new_link_token, new_session_token, token_hash
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from tests.support.app import SECRET, RunningApp

EVE = {"name": "Eve", "secret": SECRET}


async def _issue(app: RunningApp, purpose: str, address: str) -> str:
    token = new_link_token()
    async with app.resources.database.transaction() as transaction:
        await SingleUseKeyRepository(transaction).issue(
            purpose=purpose,
            address=address,
            user_id=None,
            token_hash=token_hash(token),
            code_hash=None,
            attempts=None,
            payload={},
            now=app.clock(),
            expires_at=app.clock().replace(year=2030),
        )
    return token


async def test_an_invitation_is_worthless_to_another_address(app: RunningApp) -> None:
    await app.user("mallory@example.org")
    token = await app.invitation("eve@example.org")

    for email in ("mallory@example.org", "nobody@example.org", "eve@example.com"):
        answer = await app.client().post("/api/keys/redeem", json={**EVE, "token": token, "email": email})
        assert answer.status_code == 410

    rightful = await app.client().post("/api/keys/redeem", json={**EVE, "token": token, "email": "EVE@example.org"})
    assert rightful.json()["user"]["email"] == "eve@example.org"


async def test_an_invitation_never_replaces_a_secret_that_is_set(app: RunningApp) -> None:
    token = await app.invitation("eve@example.org")
    await app.resources.database.pool.execute("UPDATE keys SET secret_hash = 'set' WHERE kind = 'primary'")

    answer = await app.client().post("/api/keys/redeem", json={**EVE, "token": token})

    assert answer.status_code == 410
    assert await app.resources.database.pool.fetchval("SELECT secret_hash FROM keys WHERE kind = 'primary'") == "set"


async def test_an_invitation_to_nobody_makes_nobody(app: RunningApp) -> None:
    token = await _issue(app, "invitation", "eve@example.org")

    answer = await app.client().post("/api/keys/redeem", json={**EVE, "token": token})

    assert answer.status_code == 410
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_a_key_of_a_purpose_that_does_not_exist_is_not_usable(app: RunningApp) -> None:
    token = await _issue(app, "superuser", "")

    answer = await app.client().post("/api/keys/redeem", json={**EVE, "token": token, "email": "eve@example.org"})

    assert answer.status_code == 410
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_consuming_asks_for_the_purpose(app: RunningApp) -> None:
    token = await _issue(app, "password_reset", "eve@example.org")

    async with app.resources.database.transaction() as transaction:
        keys = SingleUseKeyRepository(transaction)
        assert await keys.consume_link(token_hash(token), "invitation", app.clock()) is None
        assert await keys.consume_link(token_hash(token), "password_reset", app.clock()) is not None


async def test_a_session_token_redeems_nothing_and_a_links_token_signs_nobody_in(app: RunningApp) -> None:
    session = await app.token(await app.user())
    link = await app.invitation()

    redeemed = await app.client().post("/api/keys/redeem", json={**EVE, "token": session})
    renamed = await app.client().post("/api/keys/redeem", json={**EVE, "token": "osk_" + session[4:]})

    assert (redeemed.status_code, renamed.status_code) == (422, 410)
    for token in (link, "ost_" + link[4:]):
        assert (await app.with_cookie(token).get("/api/session")).json()["user"] is None


@pytest.mark.parametrize("email", [None, "", " "])
async def test_the_setup_link_needs_an_address_of_its_own(app: RunningApp, email: str | None) -> None:
    token = await app.setup_token()

    answer = await app.client().post("/api/keys/redeem", json={**EVE, "token": token, "email": email})

    assert answer.status_code == 422
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 0


def test_the_parts_of_a_codes_hash_cannot_run_into_each_other() -> None:
    key = b"k" * 32
    hashes = {
        code_hash(key, address="a", purpose="bc", code="d"),
        code_hash(key, address="ab", purpose="c", code="d"),
        code_hash(key, address="a", purpose="b", code="cd"),
        code_hash(b"K" * 32, address="a", purpose="bc", code="d"),
    }

    assert len(hashes) == 4


def test_no_token_is_made_twice() -> None:
    assert len({*(new_session_token() for _ in range(1000)), *(new_link_token() for _ in range(1000))}) == 2000
