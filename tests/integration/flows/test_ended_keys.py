"""A link that cannot be used any more: its holder learns for 7 days whether it was used, has expired or was voided."""

from datetime import timedelta

import httpx
import pytest

from app.domain.keys.single_use_repository import delete_expired
from tests.support.app import SECRET, RunningApp, problem
from tests.support.mailbox import ask, by_code, code_in, mailed, redeem, token_in

ADDRESS = "ada@example.org"


def reason_in(answer: httpx.Response) -> object:
    """The reason in a refusal of a key; None without one."""
    assert (answer.status_code, problem(answer)["code"]) == (410, "key_not_usable")
    return answer.json().get("params", {}).get("reason")


async def reasons(app: RunningApp, token: str) -> set[object]:
    """The reasons that each route that takes a link gives."""
    routes = {
        "/api/keys/inspect": {"token": token},
        "/api/keys/redeem": {"token": token},
        "/api/session": {"method": "link", "token": token},
    }
    return {reason_in(await app.client().post(path, json=sent)) for path, sent in routes.items()}


async def test_a_link_that_was_used_says_so(either: RunningApp) -> None:
    await either.user(ADDRESS)
    token = token_in(await mailed(either, "sign_in"))
    assert (await redeem(either.client(), token=token)).status_code == 201
    assert await reasons(either, token) == {"used"}


async def test_a_link_whose_code_was_used_says_so(either: RunningApp) -> None:
    await either.user(ADDRESS)
    message = await mailed(either, "sign_in")
    assert (await either.client().post("/api/session", json=by_code(code_in(message)))).status_code == 201
    assert await reasons(either, token_in(message)) == {"used"}


@pytest.mark.parametrize(("seconds", "reason"), [(600, "expired"), (7 * 24 * 3600, "expired")])
async def test_a_link_that_has_expired_says_so(either: RunningApp, seconds: int, reason: str) -> None:
    await either.user(ADDRESS)
    token = token_in(await mailed(either, "sign_in"))
    either.clock.forward(seconds=seconds)
    assert await reasons(either, token) == {reason}


async def test_a_link_that_a_new_secret_has_voided_says_so(app: RunningApp) -> None:
    ada = await app.signed_in(ADDRESS)
    token = token_in(await mailed(app, "sign_in"))
    assert (await ada.put("/api/keys/primary/secret", json={"secret": "nine gulls above the pier"})).status_code == 204
    assert await reasons(app, token) == {"voided"}


async def test_a_link_that_its_user_has_deleted_says_so(either: RunningApp) -> None:
    ada = await either.signed_in(ADDRESS)
    token = token_in(await mailed(either, "sign_in"))
    (key,) = [key for key in (await ada.get("/api/keys")).json()["items"] if key["purpose"] == "sign_in"]
    assert (await ada.delete(f"/api/keys/{key['id']}")).status_code == 204
    assert await reasons(either, token) == {"voided"}


async def test_an_invitation_that_a_later_one_has_replaced_says_so(either: RunningApp) -> None:
    await either.language("de", "German")
    admin = await either.signed_in("root@example.org", admin=True)
    added = await admin.post("/api/languages/de/members", json={"email": ADDRESS})
    first = token_in((await either.mails())[-1])
    path = f"/api/languages/de/members/{added.json()['userId']}/invitation"
    assert (await admin.post(path)).status_code == 202
    second = token_in((await either.mails())[-1])
    assert await reasons(either, first) == {"voided"}
    secret = {"secret": SECRET} if either.settings.passwords else {}
    assert (await redeem(either.client(), token=second, name="Ada", **secret)).status_code == 201


@pytest.mark.parametrize(("language", "text"), [("en", "has been used"), ("de", "wurde schon benutzt")])
async def test_the_reason_is_told_to_people_in_their_language(either: RunningApp, language: str, text: str) -> None:
    await either.user(ADDRESS)
    token = token_in(await mailed(either, "sign_in"))
    await redeem(either.client(), token=token)
    client = either.client(**{"Accept-Language": language})
    assert text in (await client.post("/api/keys/inspect", json={"token": token})).json()["text"]


async def test_an_unknown_link_has_no_reason(either: RunningApp) -> None:
    assert await reasons(either, f"osk_{'A' * 43}") == {None}


async def test_the_clean_up_keeps_ended_keys_for_7_days(either: RunningApp) -> None:
    await either.user(ADDRESS)
    token = token_in(await mailed(either, "sign_in"))
    expires_at = either.clock() + timedelta(minutes=10)
    for after, deleted in ((timedelta(days=7, seconds=-1), 0), (timedelta(days=7), 1)):
        async with either.resources.database.transaction() as transaction:
            assert await delete_expired(transaction, expires_at + after, 10) == deleted
    assert await reasons(either, token) == {None}


async def test_a_code_that_was_used_is_answered_like_a_wrong_one(either: RunningApp) -> None:
    await either.user(ADDRESS)
    code = code_in(await mailed(either, "sign_in"))
    used = by_code(code)
    assert (await either.client().post("/api/session", json=used)).status_code == 201
    assert reason_in(await either.client().post("/api/session", json=used)) is None


async def test_a_reason_is_told_to_the_holder_of_the_token_alone(either: RunningApp) -> None:
    ada = await either.signed_in(ADDRESS)
    await ask(either.client(), "sign_in")
    await either.mails()
    (key,) = [key for key in (await ada.get("/api/keys")).json()["items"] if key["purpose"] == "sign_in"]
    await ada.delete(f"/api/keys/{key['id']}")
    assert "reason" not in (await ada.get("/api/keys")).text
    eve = await either.signed_in("eve@example.org")
    refused, unknown = [
        await eve.delete(f"/api/keys/{key_id}") for key_id in (key["id"], "01890000-0000-7000-8000-000000000000")
    ]
    assert {**problem(refused), "instance": ""} == {**problem(unknown), "instance": ""}
