"""Null password: an account that has no secret yet is entered with any secret, or with an empty one."""

import pytest

from app.auth.passwords.hasher import SecretHasher
from tests.support.app import CREDENTIALS, SECRET, RunningApp

TRIES = ("", " ", SECRET, "null", "None", "\u200b", "a secret that nobody has", "x" * 15)


@pytest.mark.parametrize("secret", TRIES)
async def test_a_user_without_a_secret_is_entered_with_none(app: RunningApp, secret: str) -> None:
    await app.user(secret=None)

    answer = await app.client().post("/api/session", json={**CREDENTIALS, "secret": secret})

    assert answer.status_code == 401


@pytest.mark.parametrize("secret", TRIES)
async def test_an_invited_user_is_entered_by_the_link_only(app: RunningApp, secret: str) -> None:
    await app.invitation("ada@example.org")

    answer = await app.client().post("/api/session", json={**CREDENTIALS, "secret": secret})

    assert answer.status_code == 401


@pytest.mark.parametrize("secret", [None, 0, False, [], {}])
async def test_a_secret_that_is_no_text_is_refused(app: RunningApp, secret: object) -> None:
    await app.user(secret=None)

    answer = await app.client().post("/api/session", json={**CREDENTIALS, "secret": secret})

    assert answer.status_code == 422


@pytest.mark.parametrize("secret", ["", None])
async def test_an_empty_secret_cannot_be_set(app: RunningApp, secret: str | None) -> None:
    browser = await app.signed_in()
    token = await app.invitation()

    changed = await browser.put("/api/keys/primary/secret", json={"secret": secret})
    redeemed = await app.client().post("/api/keys/redeem", json={"token": token, "name": "Eve", "secret": secret})

    assert (changed.status_code, redeemed.status_code) == (422, 422)


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "$2a$10$" + "a" * 53, "plain text secret"])
async def test_a_stored_value_that_is_no_hash_lets_nobody_in(app: RunningApp, stored: str) -> None:
    await app.user()
    await app.resources.database.pool.execute("UPDATE keys SET secret_hash = $1", stored)

    for secret in ("", stored, SECRET):
        answer = await app.client().post("/api/session", json={**CREDENTIALS, "secret": secret})
        assert answer.status_code == 401


async def test_the_decoy_is_no_way_in(app: RunningApp) -> None:
    hasher: SecretHasher = app.resources.hasher

    assert not await hasher.verify(None, "a secret that nobody has")
