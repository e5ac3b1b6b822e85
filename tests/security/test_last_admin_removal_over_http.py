"""Lockout: the last platform admin is demoted, suspended or deleted, alone or by concurrent requests."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.support.app import RunningApp, id_of, problem
from tests.support.races import at_once

Removal = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]


async def _demote(client: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await client.put(f"/api/users/{user_id}/platform-role", json={"role": None})


async def _suspend(client: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await client.post(f"/api/users/{user_id}/suspension", json={"reason": "Spam"})


async def _delete(client: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await client.delete(f"/api/users/{user_id}")


REMOVALS = [_demote, _suspend, _delete]
# Nobody changes their own platform role or status, the last platform admin or not.
REFUSED: dict[Removal, tuple[int, str]] = {
    _demote: (403, "forbidden"),
    _suspend: (403, "forbidden"),
    _delete: (409, "last_admin"),
}


async def _admins(app: RunningApp, count: int) -> tuple[list[httpx.AsyncClient], list[str]]:
    await app.resources.database.pool.execute("TRUNCATE users CASCADE")
    clients = [await app.signed_in(f"admin{number}@example.org", admin=True) for number in range(count)]
    return clients, [await id_of(client) for client in clients]


async def _remaining(app: RunningApp) -> int:
    count = "SELECT count(*) FROM users WHERE platform_role = 'admin' AND status = 'active'"
    remaining: int = await app.resources.database.pool.fetchval(count)
    return remaining


@pytest.mark.parametrize("alias", ["me", "id"])
@pytest.mark.parametrize("remove", REMOVALS)
async def test_removing_the_last_platform_admin_is_refused(app: RunningApp, remove: Removal, alias: str) -> None:
    (client,), (user_id,) = await _admins(app, 1)

    answer = await remove(client, "me" if alias == "me" else user_id)

    assert (answer.status_code, problem(answer)["code"]) == REFUSED[remove]
    assert (await client.get("/api/users/me")).json()["platformRole"] == "admin"


@pytest.mark.parametrize("remove", REMOVALS)
async def test_suspended_admins_and_ordinary_users_do_not_count_as_other_admins(
    app: RunningApp, remove: Removal
) -> None:
    (client, _), (user_id, suspended) = await _admins(app, 2)
    await _suspend(client, suspended)
    await app.user()

    assert (await remove(client, user_id)).status_code == REFUSED[remove][0]
    assert (await remove(client, suspended)).status_code == 204


@pytest.mark.parametrize("remove", REMOVALS)
async def test_one_of_two_platform_admins_who_remove_each_other_remains(app: RunningApp, remove: Removal) -> None:
    for _ in range(8):
        clients, ids = await _admins(app, 2)

        answers = await at_once(2, lambda number: remove(clients[number], ids[1 - number]))  # noqa: B023

        first, second = sorted(answer.status_code for answer in answers)
        assert (first, second) in ((204, 401), (204, 403))
        assert await _remaining(app) == 1


@pytest.mark.parametrize("remove", REMOVALS)
async def test_the_second_of_two_platform_admins_who_remove_each_other_is_refused_beside_a_third(
    app: RunningApp, remove: Removal
) -> None:
    for _ in range(8):
        clients, ids = await _admins(app, 3)

        answers = await at_once(2, lambda number: remove(clients[number], ids[1 - number]))  # noqa: B023

        first, second = sorted(answer.status_code for answer in answers)
        assert (first, second) in ((204, 401), (204, 403))
        assert await _remaining(app) == 2


async def test_one_of_all_platform_admins_who_delete_themselves_at_once_is_refused(app: RunningApp) -> None:
    clients, _ = await _admins(app, 4)

    answers = await at_once(4, lambda number: _delete(clients[number], "me"))

    assert sorted(answer.status_code for answer in answers) == [204, 204, 204, 409]
    assert await _remaining(app) == 1


@pytest.mark.parametrize("remove", [_demote, _suspend])
async def test_a_platform_admin_cannot_change_their_own_role_or_status(app: RunningApp, remove: Removal) -> None:
    (client, _), _ = await _admins(app, 2)

    answer = await remove(client, "me")

    assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    assert problem(answer)["detail"] == "Nobody changes their own platform role or status"
    assert await _remaining(app) == 2
