"""Where sign-up is open, asking to sign in with a new address signs up."""

import pytest

from tests.support.app import RunningApp, is_signed_in, problem
from tests.support.mailbox import ask, by_code, code_in, is_accepted, mailed, redeem, text_of, token_in

ADDRESS = "grace@example.org"


@pytest.mark.parametrize("method", ["code", "link"])
async def test_the_code_or_link_makes_the_user_who_then_completes_the_profile(
    open_app: RunningApp, method: str
) -> None:
    message = await mailed(open_app, "sign_in", "Grace@Example.org")
    assert "sign up at" in text_of(message)
    assert await open_app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 0
    client = open_app.client()
    sent = by_code(code_in(message), ADDRESS) if method == "code" else {"method": "link", "token": token_in(message)}
    answer = await client.post("/api/session", json=sent)
    assert (answer.status_code, answer.json()["session"]["method"]) == (201, method)
    assert answer.json()["user"]["email"] == "Grace@example.org"
    assert answer.json()["onboarding"] == {"required": True, "fields": ["name"]}
    assert (await client.patch("/api/users/me", json={"name": "Grace"})).status_code == 200
    assert (await client.get("/api/session")).json()["onboarding"] == {"required": False, "fields": []}
    assert await is_signed_in(client)


async def test_the_second_sign_in_is_that_of_the_same_user(open_app: RunningApp) -> None:
    token = token_in(await mailed(open_app, "sign_in", ADDRESS))
    first = await open_app.client().post("/api/session", json={"method": "link", "token": token})
    open_app.clock.forward(seconds=30)
    message = await mailed(open_app, "sign_in", ADDRESS)
    assert "sign up at" not in text_of(message)
    second = await open_app.client().post("/api/session", json=by_code(code_in(message), ADDRESS))
    assert first.json()["user"]["id"] == second.json()["user"]["id"]


async def test_by_invitation_only_a_new_address_is_mailed_nothing(app: RunningApp) -> None:
    assert is_accepted(await ask(app.client(), "sign_in", ADDRESS))
    assert await app.mails() == []


async def test_an_account_made_after_the_request_is_not_taken_over(open_app: RunningApp) -> None:
    message = await mailed(open_app, "sign_in", ADDRESS)
    user_id = await open_app.user(ADDRESS, name="Grace")
    for sent in ({"method": "link", "token": token_in(message)}, by_code(code_in(message), ADDRESS)):
        answer = await open_app.client().post("/api/session", json=sent)
        assert problem(answer)["code"] == "key_not_usable"
    assert await open_app.resources.database.pool.fetchval("SELECT id FROM users") == user_id


async def test_a_key_of_a_newcomer_is_redeemed_for_no_other_purpose(open_app: RunningApp) -> None:
    code = code_in(await mailed(open_app, "sign_in", ADDRESS))
    answer = await redeem(open_app.client(), purpose="sign_up", email=ADDRESS, code=code)
    assert problem(answer)["code"] == "key_not_usable"
    assert await open_app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_signing_up_by_signing_in_is_recorded_as_the_making_of_an_account(open_app: RunningApp) -> None:
    token = token_in(await mailed(open_app, "sign_in", ADDRESS))
    await open_app.client().post("/api/session", json={"method": "link", "token": token})
    rows = await open_app.resources.database.pool.fetch("SELECT action FROM audit_events ORDER BY id")
    assert [row["action"] for row in rows] == ["key.issue", "key.use", "user.create", "session.start"]
