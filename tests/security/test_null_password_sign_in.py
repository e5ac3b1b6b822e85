"""Empty password: an account without a secret is signed in with any secret, or with an empty one."""

import pytest

from app.auth.passwords.hasher import SecretHasher
from tests.support.app import CREDENTIALS, SECRET, RunningApp

SECRETS = ("", " ", SECRET, "null", "None", "\u200b", "a secret that nobody has", "x" * 15)


@pytest.mark.parametrize("secret", SECRETS)
async def test_no_secret_signs_in_a_user_without_a_secret(app: RunningApp, secret: str) -> None:
    await app.user(secret=None)

    answer = await app.client().post("/api/session", json={**CREDENTIALS, "secret": secret})

    assert answer.status_code == 401


@pytest.mark.parametrize("secret", SECRETS)
async def test_no_secret_signs_in_an_invited_user(app: RunningApp, secret: str) -> None:
    await app.invitation("ada@example.org")

    answer = await app.client().post("/api/session", json={**CREDENTIALS, "secret": secret})

    assert answer.status_code == 401


@pytest.mark.parametrize("secret", [None, 0, False, [], {}])
async def test_a_secret_that_is_not_text_is_refused(app: RunningApp, secret: object) -> None:
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
async def test_a_stored_value_that_is_not_a_hash_matches_no_secret(app: RunningApp, stored: str) -> None:
    await app.user()
    await app.execute("UPDATE keys SET secret_hash = $1", stored)

    for secret in ("", stored, SECRET):
        answer = await app.client().post("/api/session", json={**CREDENTIALS, "secret": secret})
        assert answer.status_code == 401


async def test_the_decoy_hash_matches_no_secret(app: RunningApp) -> None:
    hasher: SecretHasher = app.resources.hasher

    assert not await hasher.verify(None, "a secret that nobody has")
