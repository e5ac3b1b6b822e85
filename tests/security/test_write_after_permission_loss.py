"""Time of check to time of use: a removed, suspended or demoted user still writes after the check of the guard."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.app import RunningApp, id_of, running, settings_for
from tests.support.races import at_once, queued

TRANSLATIONS, MEMBERS = "/api/languages/de/translations", "/api/languages/de/members"
LOCK_LANGUAGE = "SELECT 1 FROM languages WHERE code = 'de' FOR UPDATE"
LOCK_USER = "SELECT 1 FROM users WHERE email = 'ada@example.org' FOR UPDATE"

Revocation = Callable[[httpx.AsyncClient, str], Coroutine[Any, Any, httpx.Response]]
Write = Callable[[httpx.AsyncClient], Coroutine[Any, Any, httpx.Response]]


async def _remove_member(root: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await root.delete(f"{MEMBERS}/{user_id}")


async def _remove_roles(root: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await root.put(f"{MEMBERS}/{user_id}", json={"roles": []})


async def _suspend_user(root: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await root.post(f"/api/users/{user_id}/suspension", json={})


async def _delete_user(root: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await root.delete(f"/api/users/{user_id}")


async def _put_translation(client: httpx.AsyncClient) -> httpx.Response:
    return await client.put(f"{TRANSLATIONS}/a", json={"text": "new"}, headers={"If-Match": '"1"'})


async def _write_batch(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(f"{TRANSLATIONS}/batch", json={"items": [{"key": "a", "text": "new", "version": 1}]})


async def _delete_translation(client: httpx.AsyncClient) -> httpx.Response:
    return await client.delete(f"{TRANSLATIONS}/a", headers={"If-Match": '"1"'})


async def _invite_member(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(MEMBERS, json={"email": "eve@example.org", "roles": ["admin"]})


async def _rename_language(client: httpx.AsyncClient) -> httpx.Response:
    return await client.patch("/api/languages/de", json={"name": "Deutsch"})


REVOCATIONS = [
    (_remove_member, LOCK_LANGUAGE),
    (_remove_roles, LOCK_LANGUAGE),
    (_suspend_user, LOCK_USER),
    (_delete_user, LOCK_USER),
]
WRITES = [_put_translation, _write_batch, _delete_translation, _invite_member, _rename_language]


async def _admin_and_member(app: RunningApp) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)
    ada = await app.signed_in_member("de", "translator", "admin")
    await ada.put(f"{TRANSLATIONS}/a", json={"text": "old"}, headers={"If-None-Match": "*"})
    return root, ada


async def _rows(app: RunningApp) -> list[str]:
    translations = "SELECT text FROM translations UNION ALL SELECT version::text FROM translation_versions"
    invited_users = " UNION ALL SELECT email FROM users WHERE onboarded_at IS NULL"
    renamed_languages = " UNION ALL SELECT name FROM languages WHERE name <> 'German'"
    return sorted(
        [row[0] for row in await app.resources.database.pool.fetch(translations + invited_users + renamed_languages)]
    )


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("revoke", "lock"), REVOCATIONS)
async def test_a_write_is_refused_if_its_permission_is_revoked_after_the_guard(
    app: RunningApp, revoke: Revocation, lock: str, write: Write
) -> None:
    root, ada = await _admin_and_member(app)
    before, ada_id = await _rows(app), await id_of(ada)

    async with queued(app, lock) as queue:
        revocation = await queue.add(revoke(root, ada_id))
        late_write = await queue.add(write(ada))

    assert (await revocation).is_success
    assert (await late_write).status_code == 403
    assert await _rows(app) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/api/languages/de", None),
        ("PATCH", "/api/users/{eve}", {"name": "Mallory"}),
        ("DELETE", "/api/users/{eve}/sessions", None),
    ],
)
async def test_a_write_of_a_platform_admin_is_refused_if_they_are_demoted_after_the_guard(
    app: RunningApp, method: str, path: str, body: object
) -> None:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)
    ada = await app.signed_in(admin=True)
    eve = await app.signed_in("eve@example.org", name="Eve")
    eve_id, ada_id = await id_of(eve), await id_of(ada)

    async with queued(app, LOCK_USER) as queue:
        revocation = await queue.add(root.put(f"/api/users/{ada_id}/platform-role", json={"role": None}))
        late_write = await queue.add(ada.request(method, path.format(eve=eve_id), json=body))

    assert (await revocation).status_code == 204
    assert (await late_write).status_code == 403
    assert (await eve.get("/api/users/me")).json()["name"] == "Eve"
    assert (await root.get("/api/languages/de")).status_code == 200


@pytest.mark.parametrize(("revoke", "lock"), REVOCATIONS)
async def test_a_write_before_the_revocation_is_complete_and_the_last(
    app: RunningApp, revoke: Revocation, lock: str
) -> None:
    root, ada = await _admin_and_member(app)
    ada_id = await id_of(ada)

    async with queued(app, lock) as queue:
        early_write = await queue.add(_put_translation(ada))
        revocation = await queue.add(revoke(root, ada_id))

    assert (await early_write).status_code == 200
    assert (await revocation).is_success
    assert (await _delete_translation(ada)).status_code in (401, 403)
    assert await _rows(app) == ["1", "2", "new"]


@pytest.mark.parametrize("revoke", [_remove_member, _suspend_user])
async def test_no_concurrent_write_is_stored_after_the_revocation(app: RunningApp, revoke: Revocation) -> None:
    root, ada = await _admin_and_member(app)
    ada_id = await id_of(ada)

    async def send(number: int) -> httpx.Response:
        if number == 7:
            return await revoke(root, ada_id)
        return await ada.put(f"{TRANSLATIONS}/k{number}", json={"text": "x"}, headers={"If-None-Match": "*"})

    answers = await at_once(16, send)

    assert {answer.status_code for answer in answers} <= {200, 201, 204, 401, 403}
    written = sum(answer.status_code == 201 for answer in answers)
    assert len(await _rows(app)) == 2 + 2 * written


async def test_a_removal_at_one_worker_applies_at_every_worker(app: RunningApp, database_url: str) -> None:
    root, ada = await _admin_and_member(app)
    async with running(settings_for(database_url), app.clock) as other_worker:
        client = other_worker.client()
        client.cookies = ada.cookies
        assert (await client.get(TRANSLATIONS)).status_code == 200

        await root.delete(f"{MEMBERS}/{UUID(await id_of(ada))}")

        assert (await client.get(TRANSLATIONS)).status_code == 403
        assert (await _put_translation(client)).status_code == 403
