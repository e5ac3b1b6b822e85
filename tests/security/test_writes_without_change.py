"""Writes without change: a request that changes nothing, sent without end, fills the tables and the audit."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from app.asgi import TABLES
from tests.support.app import RunningApp, id_of


async def contents(app: RunningApp) -> dict[str, list[Any]]:
    """All rows of all tables but `sessions`, whose times of use move on."""
    pool = app.resources.database.pool
    rows = {}
    for table in TABLES.tables:
        if table != "sessions":
            rows[table] = [
                str(row["row"])
                for row in await pool.fetch(f'SELECT t::text AS row FROM "{table}" t ORDER BY 1')  # noqa: S608 # constants
            ]
    return rows


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/api/users/{user}", {"name": "Eve", "phone": "+4930123456"}),
        ("PATCH", "/api/users/me", {"name": "Ada"}),
        ("PATCH", "/api/languages/de", {"name": "Deutsch", "textDirection": "ltr"}),
        ("PUT", "/api/languages/de/members/{user}", {"roles": ["translator", "admin"]}),
        ("PUT", "/api/languages/de/translations/greeting", {"text": "e\u0301", "state": "approved"}),
        ("POST", "/api/languages/de/translations/batch", {"items": [{"key": "b", "text": "B"}]}),
        ("PUT", "/api/users/{user}/platform-role", {"role": "admin"}),
        ("POST", "/api/users/{user}/suspension", {"reason": "spam"}),
        ("DELETE", "/api/users/{user}/suspension", None),
    ],
)  # fmt: skip
async def test_a_request_that_changes_nothing_writes_nothing(
    app: RunningApp, method: str, path: str, body: dict[str, Any] | None
) -> None:
    admin = await app.signed_in("ada@example.org", admin=True)
    eve = await app.user("eve@example.org", name="Mallory")
    await app.language("de")
    await app.member(eve, "de")
    await app.member(UUID(await id_of(admin)), "de", "translator")
    path = path.format(user=eve)

    async def send() -> httpx.Response:
        headers = {}
        if "translations" in path and method == "PUT":
            read = await admin.get(path)
            headers = {"If-Match": read.headers["etag"]} if read.status_code == 200 else {"If-None-Match": "*"}
        elif body and "items" in body:
            read = await admin.get("/api/languages/de/translations/b")
            body["items"][0]["version"] = read.json()["version"] if read.status_code == 200 else None
        answer = await admin.request(method, path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer

    await send()
    before = await contents(app)
    app.clock.forward(minutes=1)
    again = await send()
    assert await contents(app) == before
    if method == "PUT" and "translations" in path:
        assert again.json()["version"] == 1


async def test_an_event_names_the_fields_that_changed_and_no_others(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True, name="Ada")
    await admin.patch("/api/users/me", json={"name": "Ada", "phone": "+4930123456"})
    events = (await admin.get("/api/audit-events", params={"action": "user.change"})).json()["items"]
    assert [event["detail"] for event in events] == [{"fields": ["phone"]}]
    assert events[0]["subject"] == f"user:{await id_of(admin)}"
