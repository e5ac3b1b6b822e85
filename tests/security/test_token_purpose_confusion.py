"""Token confusion: a token that was issued for one purpose, address or use is accepted for another."""

import pytest

from app.auth.tokens import code_hash, new_link_token, new_session_token, token_hash
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from tests.support.app import SECRET, RunningApp

PROFILE = {"name": "Eve", "secret": SECRET}


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


async def test_an_invitation_is_refused_with_another_address(app: RunningApp) -> None:
    await app.user("mallory@example.org")
    token = await app.invitation("eve@example.org")

    for email in ("mallory@example.org", "nobody@example.org", "eve@example.com"):
        answer = await app.client().post("/api/keys/redeem", json={**PROFILE, "token": token, "email": email})
        assert answer.status_code == 410

    accepted = await app.client().post("/api/keys/redeem", json={**PROFILE, "token": token, "email": "EVE@example.org"})
    assert accepted.json()["user"]["email"] == "eve@example.org"


async def test_an_invitation_never_replaces_a_stored_secret(app: RunningApp) -> None:
    token = await app.invitation("eve@example.org")
    await app.execute("UPDATE keys SET secret_hash = 'set' WHERE kind = 'primary'")

    answer = await app.client().post("/api/keys/redeem", json={**PROFILE, "token": token})

    assert answer.status_code == 410
    assert await app.resources.database.pool.fetchval("SELECT secret_hash FROM keys WHERE kind = 'primary'") == "set"


async def test_an_invitation_without_a_user_is_refused(app: RunningApp) -> None:
    token = await _issue(app, "invitation", "eve@example.org")

    answer = await app.client().post("/api/keys/redeem", json={**PROFILE, "token": token})

    assert answer.status_code == 410
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_a_key_with_an_unknown_purpose_is_refused(app: RunningApp) -> None:
    token = await _issue(app, "superuser", "")

    answer = await app.client().post("/api/keys/redeem", json={**PROFILE, "token": token, "email": "eve@example.org"})

    assert answer.status_code == 410
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_a_link_is_consumed_for_its_own_purpose_only(app: RunningApp) -> None:
    token = await _issue(app, "password_reset", "eve@example.org")

    async with app.resources.database.transaction() as transaction:
        keys = SingleUseKeyRepository(transaction)
        assert await keys.consume_link(token_hash(token), "invitation", app.clock()) is None
        assert await keys.consume_link(token_hash(token), "password_reset", app.clock()) is not None


async def test_session_tokens_and_link_tokens_are_not_interchangeable(app: RunningApp) -> None:
    session = await app.token(await app.user())
    link = await app.invitation()

    redeemed = await app.client().post("/api/keys/redeem", json={**PROFILE, "token": session})
    with_link_prefix = await app.client().post("/api/keys/redeem", json={**PROFILE, "token": "osk_" + session[4:]})

    assert (redeemed.status_code, with_link_prefix.status_code) == (422, 410)
    for token in (link, "ost_" + link[4:]):
        assert (await app.with_cookie(token).get("/api/session")).json()["user"] is None


@pytest.mark.parametrize("email", [None, "", " "])
async def test_redeeming_the_setup_link_requires_an_address(app: RunningApp, email: str | None) -> None:
    token = await app.setup_token()

    answer = await app.client().post("/api/keys/redeem", json={**PROFILE, "token": token, "email": email})

    assert answer.status_code == 422
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 0


def test_the_hash_of_a_code_separates_address_purpose_and_code() -> None:
    key = b"k" * 32
    hashes = {
        code_hash(key, address="a", purpose="bc", code="d"),
        code_hash(key, address="ab", purpose="c", code="d"),
        code_hash(key, address="a", purpose="b", code="cd"),
        code_hash(b"K" * 32, address="a", purpose="bc", code="d"),
    }

    assert len(hashes) == 4


def test_2000_new_tokens_all_differ() -> None:
    assert len({*(new_session_token() for _ in range(1000)), *(new_link_token() for _ in range(1000))}) == 2000
