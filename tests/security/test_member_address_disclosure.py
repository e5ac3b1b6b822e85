"""Disclosure of members: members without the admin role see addresses, or adding an address reveals its account."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from tests.support.app import RunningApp, id_of, items, problem

PATH = "/api/languages/de/members"


@pytest.fixture(autouse=True)
async def german(app: RunningApp) -> None:
    """German with one member, whose address is confidential, and Danish without members."""
    await app.language("de")
    await app.language("da")
    await app.member(await app.user("secret@example.org"), "de", "translator")


@pytest.mark.parametrize("roles", [(), ("translator",)])
async def test_a_member_without_the_admin_role_sees_no_address_on_any_page(
    app: RunningApp, roles: tuple[str, ...]
) -> None:
    client = await app.signed_in_member("de", *roles)

    for limit in (1, 200):
        members = await items(client, PATH, limit=limit)
        assert [member["email"] for member in members] == [None, None]
        assert "@" not in str(members)


async def test_an_admin_of_another_language_sees_no_address(app: RunningApp) -> None:
    user_id = await app.user()
    await app.member(user_id, "de")
    await app.member(user_id, "da", "admin", "translator")
    client = app.with_cookie(await app.token(user_id))

    assert {member["email"] for member in await items(client, PATH)} == {None}
    assert {member["email"] for member in await items(client, "/api/languages/da/members")} == {"ada@example.org"}


async def test_listing_the_members_of_another_language_is_refused(app: RunningApp) -> None:
    client = await app.signed_in_member("da", "admin")

    answer = await client.get(PATH)

    assert answer.status_code == 403
    assert "secret" not in answer.text


async def test_a_demoted_admin_sees_no_address(app: RunningApp) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    client = await app.signed_in_member("de", "admin")
    assert "secret@example.org" in {member["email"] for member in await items(client, PATH)}

    await root.put(f"{PATH}/{await id_of(client)}", json={"roles": []})

    assert {member["email"] for member in await items(client, PATH)} == {None}


def _visible_answer(answer: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    per_response = {"x-request-id", "date"}
    headers = {name: value for name, value in answer.headers.items() if name not in per_response}
    return answer.status_code, answer.json(), headers


async def test_adding_an_address_gets_the_same_answer_with_and_without_an_account(app: RunningApp) -> None:
    admin = await app.signed_in_member("de", "admin")
    await app.user("known@example.org")
    await app.user("waiting@example.org", onboarded=False, secret=None)
    await suspend_user(OPERATOR, app.resources, await app.user("ousted@example.org"))
    body = {"email": "adam0@example.org", "roles": ["translator"]}
    expected = _visible_answer(await admin.post(PATH, json=body))
    assert UUID(expected[1].pop("userId")).version == 4
    assert expected[:2] == (202, body)

    for email in ("known@example.org", "waiting@example.org", "ousted@example.org", "fresh@example.org"):
        answer = await admin.post(PATH, json={**body, "email": email})
        status, answer_body, headers = _visible_answer(answer)
        assert UUID(answer_body.pop("userId")).version == 4
        assert (status, answer_body) == (202, {**body, "email": email})
        assert {**headers, "content-length": ""} == {**expected[2], "content-length": ""}


async def test_adding_an_address_twice_gets_the_same_answer_with_and_without_an_account(app: RunningApp) -> None:
    admin = await app.signed_in_member("de", "admin")
    await app.user("known@example.org")
    answers = list[httpx.Response]()
    for email in ("known@example.org", "fresh@example.org"):
        await admin.post(PATH, json={"email": email})
        answers.append(await admin.post(PATH, json={"email": email}))

    assert [answer.status_code for answer in answers] == [409, 409]
    first, second = [{**problem(answer), "instance": ""} for answer in answers]
    assert first == second


async def test_resending_an_invitation_gets_the_same_answer_with_and_without_an_account(app: RunningApp) -> None:
    admin = await app.signed_in_member("de", "admin")
    await app.user("known@example.org")
    for email in ("known@example.org", "fresh@example.org"):
        await admin.post(PATH, json={"email": email})
    ids = [member["userId"] for member in await items(admin, PATH) if member["email"] != "ada@example.org"]

    answers = [await admin.post(f"{PATH}/{user_id}/invitation") for user_id in ids]

    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
