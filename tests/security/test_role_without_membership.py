"""Roles without membership: changing the roles of who is no member, or nobody at all, makes half a member or a 500."""

import httpx
import pytest

from tests.support.app import RunningApp, id_of, items, problem
from tests.support.races import queued

PATH = "/api/languages/de/members"
NOBODY = "01890000-0000-7000-8000-000000000000"
LOCK_LANGUAGE = "SELECT 1 FROM languages WHERE code = 'de' FOR UPDATE"


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """An admin of German."""
    await app.language("de")
    return await app.signed_in_member("de", "admin", email="admin@example.org")


async def test_roles_are_changed_of_members_only(app: RunningApp, admin: httpx.AsyncClient) -> None:
    ada = await app.signed_in()

    for user_id in (await id_of(ada), NOBODY):
        answer = await admin.put(f"{PATH}/{user_id}", json={"roles": ["translator", "admin"]})
        assert (answer.status_code, problem(answer)["code"]) == (404, "not_found")

    assert len(await items(admin, PATH)) == 1
    assert (await ada.get("/api/languages/de/translations")).status_code == 403


@pytest.mark.parametrize(
    "user_id", ["nobody", "0", "me%20", "{" + NOBODY, "x" * 500, "%00", "%F0%9F%90%91", "-1", "null"]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_what_is_no_id_is_nobody_s(admin: httpx.AsyncClient, method: str, user_id: str) -> None:
    answer = await admin.request(method, f"{PATH}/{user_id}", json={"roles": []} if method == "PUT" else None)

    assert answer.status_code in (400, 404, 405)
    assert len(await items(admin, PATH)) == 1


async def test_every_role_comes_with_reading(app: RunningApp, admin: httpx.AsyncClient) -> None:
    ada = await app.signed_in_member("de")
    for roles in ([], ["translator"], ["admin"]):
        await admin.put(f"{PATH}/{await id_of(ada)}", json={"roles": roles})
        assert (await ada.get("/api/languages/de/translations")).status_code == 200


async def test_a_member_who_is_removed_while_their_roles_change_is_no_member(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    ada = await app.user()
    await app.member(ada, "de")

    async with queued(app, LOCK_LANGUAGE) as queue:
        removal = await queue.add(admin.delete(f"{PATH}/{ada}"))
        change = await queue.add(admin.put(f"{PATH}/{ada}", json={"roles": ["admin"]}))

    assert [(await removal).status_code, (await change).status_code] == [204, 404]
    assert len(await items(admin, PATH)) == 1
