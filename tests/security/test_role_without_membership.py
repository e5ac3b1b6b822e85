"""Roles without membership: setting the roles of a user who is not a member stores them, or causes a server error."""

import httpx
import pytest

from tests.support.app import RunningApp, id_of, items, problem
from tests.support.races import queued

PATH = "/api/languages/de/members"
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
LOCK_LANGUAGE = "SELECT 1 FROM languages WHERE code = 'de' FOR UPDATE"


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """An admin of German."""
    await app.language("de")
    return await app.signed_in_member("de", "admin", email="admin@example.org")


async def test_setting_the_roles_of_a_user_who_is_not_a_member_is_answered_404(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    ada = await app.signed_in()

    for user_id in (await id_of(ada), UNKNOWN_ID):
        answer = await admin.put(f"{PATH}/{user_id}", json={"roles": ["translator", "admin"]})
        assert (answer.status_code, problem(answer)["code"]) == (404, "not_found")

    assert len(await items(admin, PATH)) == 1
    assert (await ada.get("/api/languages/de/translations")).status_code == 403


@pytest.mark.parametrize(
    "user_id", ["nobody", "0", "me%20", "{" + UNKNOWN_ID, "x" * 500, "%00", "%F0%9F%90%91", "-1", "null"]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_malformed_user_id_is_refused(admin: httpx.AsyncClient, method: str, user_id: str) -> None:
    answer = await admin.request(method, f"{PATH}/{user_id}", json={"roles": []} if method == "PUT" else None)

    assert answer.status_code in (400, 404, 405)
    assert len(await items(admin, PATH)) == 1


async def test_a_member_may_read_with_any_roles(app: RunningApp, admin: httpx.AsyncClient) -> None:
    ada = await app.signed_in_member("de")
    for roles in ([], ["translator"], ["admin"]):
        await admin.put(f"{PATH}/{await id_of(ada)}", json={"roles": roles})
        assert (await ada.get("/api/languages/de/translations")).status_code == 200


async def test_setting_roles_after_a_concurrent_removal_is_answered_404(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    ada = await app.user()
    await app.member(ada, "de")

    async with queued(app, LOCK_LANGUAGE) as queue:
        removal = await queue.add(admin.delete(f"{PATH}/{ada}"))
        change = await queue.add(admin.put(f"{PATH}/{ada}", json={"roles": ["admin"]}))

    assert [(await removal).status_code, (await change).status_code] == [204, 404]
    assert len(await items(admin, PATH)) == 1
