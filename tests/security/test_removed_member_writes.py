"""Writing with a lost right: a removed member, a suspended translator or a demoted admin slips one more write in."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.app import RunningApp, id_of, running, settings_for
from tests.support.races import at_once, queued

TEXTS, MEMBERS = "/api/languages/de/translations", "/api/languages/de/members"
LOCK_LANGUAGE = "SELECT 1 FROM languages WHERE code = 'de' FOR UPDATE"
LOCK_USER = "SELECT 1 FROM users WHERE email = 'ada@example.org' FOR UPDATE"

Loss = Callable[[httpx.AsyncClient, str], Coroutine[Any, Any, httpx.Response]]
Write = Callable[[httpx.AsyncClient], Coroutine[Any, Any, httpx.Response]]


async def _remove(root: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await root.delete(f"{MEMBERS}/{user_id}")


async def _take_roles(root: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await root.put(f"{MEMBERS}/{user_id}", json={"roles": []})


async def _suspend(root: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await root.post(f"/api/users/{user_id}/suspension", json={})


async def _delete(root: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await root.delete(f"/api/users/{user_id}")


async def _put(client: httpx.AsyncClient) -> httpx.Response:
    return await client.put(f"{TEXTS}/a", json={"text": "new"}, headers={"If-Match": '"1"'})


async def _batch(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(f"{TEXTS}/batch", json={"items": [{"key": "a", "text": "new", "version": 1}]})


async def _erase(client: httpx.AsyncClient) -> httpx.Response:
    return await client.delete(f"{TEXTS}/a", headers={"If-Match": '"1"'})


async def _invite(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(MEMBERS, json={"email": "eve@example.org", "roles": ["admin"]})


async def _rename(client: httpx.AsyncClient) -> httpx.Response:
    return await client.patch("/api/languages/de", json={"name": "Deutsch"})


LOSSES = [(_remove, LOCK_LANGUAGE), (_take_roles, LOCK_LANGUAGE), (_suspend, LOCK_USER), (_delete, LOCK_USER)]
WRITES = [_put, _batch, _erase, _invite, _rename]


async def _people(app: RunningApp) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)
    ada = await app.signed_in_member("de", "translator", "admin")
    await ada.put(f"{TEXTS}/a", json={"text": "old"}, headers={"If-None-Match": "*"})
    return root, ada


async def _rows(app: RunningApp) -> list[str]:
    state = "SELECT text FROM translations UNION ALL SELECT version::text FROM translation_versions"
    invited = " UNION ALL SELECT email FROM users WHERE onboarded_at IS NULL"
    renamed = " UNION ALL SELECT name FROM languages WHERE name <> 'German'"
    return sorted([row[0] for row in await app.resources.database.pool.fetch(state + invited + renamed)])


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("lose", "lock"), LOSSES)
async def test_a_right_that_is_lost_between_guard_and_write_writes_nothing(
    app: RunningApp, lose: Loss, lock: str, write: Write
) -> None:
    root, ada = await _people(app)
    before, ada_id = await _rows(app), await id_of(ada)

    async with queued(app, lock) as queue:
        loss = await queue.add(lose(root, ada_id))
        late = await queue.add(write(ada))

    assert (await loss).is_success
    assert (await late).status_code == 403
    assert await _rows(app) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/api/languages/de", None),
        ("PATCH", "/api/users/{eve}", {"name": "Mallory"}),
        ("DELETE", "/api/users/{eve}/sessions", None),
    ],
)
async def test_a_platform_admin_who_is_demoted_between_guard_and_write_writes_nothing(
    app: RunningApp, method: str, path: str, body: object
) -> None:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)
    ada = await app.signed_in(admin=True)
    eve = await app.signed_in("eve@example.org", name="Eve")
    eve_id, ada_id = await id_of(eve), await id_of(ada)

    async with queued(app, LOCK_USER) as queue:
        loss = await queue.add(root.put(f"/api/users/{ada_id}/platform-role", json={"role": None}))
        late = await queue.add(ada.request(method, path.format(eve=eve_id), json=body))

    assert (await loss).status_code == 204
    assert (await late).status_code == 403
    assert (await eve.get("/api/users/me")).json()["name"] == "Eve"
    assert (await root.get("/api/languages/de")).status_code == 200


@pytest.mark.parametrize(("lose", "lock"), LOSSES)
async def test_a_write_that_came_first_is_whole_and_the_last_one(app: RunningApp, lose: Loss, lock: str) -> None:
    root, ada = await _people(app)
    ada_id = await id_of(ada)

    async with queued(app, lock) as queue:
        early = await queue.add(_put(ada))
        loss = await queue.add(lose(root, ada_id))

    assert (await early).status_code == 200
    assert (await loss).is_success
    assert (await _erase(ada)).status_code in (401, 403)
    assert await _rows(app) == ["1", "2", "new"]


@pytest.mark.parametrize("lose", [_remove, _suspend])
async def test_of_many_writes_beside_the_loss_none_comes_after_it(app: RunningApp, lose: Loss) -> None:
    root, ada = await _people(app)
    ada_id = await id_of(ada)

    async def work(number: int) -> httpx.Response:
        if number == 7:
            return await lose(root, ada_id)
        return await ada.put(f"{TEXTS}/k{number}", json={"text": "x"}, headers={"If-None-Match": "*"})

    answers = await at_once(16, work)

    assert {answer.status_code for answer in answers} <= {200, 201, 204, 401, 403}
    written = sum(answer.status_code == 201 for answer in answers)
    assert len(await _rows(app)) == 2 + 2 * written


async def test_a_removal_in_one_worker_holds_in_every_other(app: RunningApp, database_url: str) -> None:
    root, ada = await _people(app)
    async with running(settings_for(database_url), app.clock) as other:
        there = other.client()
        there.cookies = ada.cookies
        assert (await there.get(TEXTS)).status_code == 200

        await root.delete(f"{MEMBERS}/{UUID(await id_of(ada))}")

        assert (await there.get(TEXTS)).status_code == 403
        assert (await _put(there)).status_code == 403
