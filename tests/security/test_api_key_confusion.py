"""API keys where a session token, a cookie or a link belongs, and the other way around."""

import pytest

from app.auth.tokens import is_api_key, is_link_token, is_session_token, new_api_key, new_link_token, new_session_token
from tests.support.app import SECRET, RunningApp, field_errors, problem


async def test_a_key_counts_as_a_bearer_token_alone(app: RunningApp) -> None:
    key = await app.api_key(await app.service_account())
    assert (await app.with_key(key).get("/api/users/me")).status_code == 200

    elsewhere = [
        await app.with_cookie(key).get("/api/users/me"),
        await app.client(Authorization=f"Basic {key}").get("/api/users/me"),
        await app.client(Authorization=key).get("/api/users/me"),
        await app.client(**{"X-API-Key": key}).get("/api/users/me"),
    ]

    assert [answer.status_code for answer in elsewhere] == [401] * 4
    in_query = await app.client().get("/api/users/me", params={"access_token": key})
    assert in_query.status_code in (401, 422)


async def test_a_key_beside_another_authorization_counts_for_nothing(app: RunningApp) -> None:
    key, token = await app.api_key(await app.service_account()), await app.token(await app.user())
    for first, second in ((key, key), (key, token), (token, key)):
        client = app.client()
        headers = [("Authorization", f"Bearer {first}"), ("Authorization", f"Bearer {second}")]
        assert (await client.get("/api/users/me", headers=headers)).status_code == 401


async def test_a_key_beside_a_session_cookie_is_the_one_that_counts(app: RunningApp) -> None:
    account_id = await app.service_account()
    client = await app.signed_in(admin=True)
    client.headers["Authorization"] = f"Bearer {await app.api_key(account_id)}"
    assert (await client.get("/api/users/me")).json()["id"] == str(account_id)
    assert (await client.get("/api/users")).status_code == 403
    client.headers["Authorization"] = f"Bearer {new_api_key()}"
    assert (await client.get("/api/users/me")).status_code == 401


def test_tokens_of_one_kind_have_the_form_of_no_other() -> None:
    forms = {new_api_key: is_api_key, new_session_token: is_session_token, new_link_token: is_link_token}
    for make, own_form in forms.items():
        assert [form(make()) for form in forms.values()] == [form is own_form for form in forms.values()]


async def test_the_secret_part_of_one_kind_proves_nothing_as_another(app: RunningApp) -> None:
    account_id = await app.service_account()
    key, session = await app.api_key(account_id), await app.token(await app.user())
    link = await app.invitation()
    secrets = [key.removeprefix("ost_key_"), session.removeprefix("ost_"), link.removeprefix("osk_")]
    tries = [f"{prefix}{secret}" for secret in secrets for prefix in ("ost_", "ost_key_", "osk_")]
    for token in set(tries) - {key, session}:
        assert (await app.client(Authorization=f"Bearer {token}").get("/api/users/me")).status_code == 401, token
        assert (await app.with_cookie(token).get("/api/users/me")).status_code == 401, token
    for token in (f"osk_{secrets[0]}", f"osk_{secrets[1]}"):
        body = {"token": token, "name": "Eve", "secret": SECRET}
        assert problem(await app.client().post("/api/keys/redeem", json=body))["code"] == "key_not_usable"
    for token in (key, session):
        answer = await app.client().post("/api/keys/redeem", json={"token": token, "name": "Eve", "secret": SECRET})
        assert field_errors(answer) == {"token": "invalid_token"}


@pytest.mark.parametrize("provider", ["email", "link"])
async def test_a_row_of_another_kind_is_no_key(app: RunningApp, provider: str) -> None:
    account_id = await app.service_account()
    key = await app.api_key(account_id)
    await app.execute("UPDATE keys SET provider = $1", provider)
    assert (await app.with_key(key).get("/api/users/me")).status_code == 401


async def test_a_key_of_a_person_proves_nothing(app: RunningApp) -> None:
    key = await app.api_key(await app.service_account())
    ada = await app.user()
    await app.execute("UPDATE keys SET user_id = $1 WHERE kind = 'api'", ada)
    assert (await app.with_key(key).get("/api/users/me")).status_code == 401


@pytest.mark.parametrize("change", [" ", "\t", "=", "a", "%00"])
async def test_a_key_that_is_almost_right_is_none(app: RunningApp, change: str) -> None:
    key = await app.api_key(await app.service_account())
    for token in (f"{key}{change}x", f"{change}x{key}", key[:-1], key.upper(), key.lower()):
        assert (await app.client(Authorization=f"Bearer {token}").get("/api/users/me")).status_code == 401
