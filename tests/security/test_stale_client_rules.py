"""Stale client rules: the client caches rules that no longer match the roles of its user."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.support.app import RunningApp, id_of

Change = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]


async def _session(client: httpx.AsyncClient, etag: str = "") -> httpx.Response:
    return await client.get("/api/session", headers={"If-None-Match": etag} if etag else {})


CHANGES: list[Change] = [
    lambda root, ada: root.put(f"/api/languages/de/members/{ada}", json={"roles": ["translator"]}),
    lambda root, ada: root.put(f"/api/languages/de/members/{ada}", json={"roles": []}),
    lambda root, ada: root.delete(f"/api/languages/de/members/{ada}"),
    lambda root, _: root.post("/api/languages/da/members", json={"email": "ada@example.org"}),
    lambda root, _: root.delete("/api/languages/de"),
    lambda root, ada: root.patch(f"/api/users/{ada}", json={"name": "Augusta"}),
]


@pytest.mark.parametrize("change", CHANGES)
async def test_every_change_of_roles_or_profile_changes_the_etag_of_the_session(
    app: RunningApp, change: Change
) -> None:
    for code in ("de", "da"):
        await app.language(code)
    ada, root = await app.signed_in_member("de", "admin"), await app.signed_in("root@example.org", admin=True)
    before = await _session(ada)
    assert (await _session(ada, before.headers["etag"])).status_code == 304

    assert (await change(root, await id_of(ada))).is_success

    after = await _session(ada, before.headers["etag"])
    assert after.status_code == 200
    assert after.headers["etag"] != before.headers["etag"]
    assert after.json() != before.json()
    assert (await _session(ada, after.headers["etag"])).status_code == 304


async def test_only_changes_of_what_the_session_shows_change_its_etag(app: RunningApp) -> None:
    await app.language("de")
    ada, root = await app.signed_in_member("de", "admin"), await app.signed_in("root@example.org", admin=True)
    before = await _session(ada)

    await root.post("/api/languages/de/members", json={"email": "eve@example.org"})
    await root.patch("/api/languages/de", json={"autonym": "Hochdeutsch"})
    assert (await _session(ada, before.headers["etag"])).status_code == 304

    await root.patch("/api/languages/de", json={"name": "High German"})
    renamed = await _session(ada, before.headers["etag"])
    assert renamed.json()["memberships"][0]["languageName"] == "High German"


async def test_caches_must_revalidate_the_session(app: RunningApp) -> None:
    answer = await _session(await app.signed_in())

    assert answer.headers["cache-control"] == "private, no-cache"
    assert "Cookie" in answer.headers["vary"]
