"""Unsafe GET: a GET request, even of an anonymous client, creates, changes or locks rows."""

import httpx
import pytest
from litestar.routes import HTTPRoute

from app.asgi import TABLES, build
from tests.support.app import RunningApp, id_of, settings_for

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"


def _paths() -> list[str]:
    """The path of every route that accepts GET."""
    return [
        route.path_format
        for route in build(settings_for("postgresql:///unused")).routes
        if isinstance(route, HTTPRoute) and "GET" in route.methods
    ]


async def _rows(app: RunningApp) -> list[str]:
    """Every row of every table, with the transactions that wrote or locked it last."""
    every = " UNION ALL ".join(f"SELECT xmin::text || ' ' || xmax || {t}::text FROM {t}" for t in TABLES.tables)  # noqa: S608 # constants
    return sorted([row[0] for row in await app.resources.database.pool.fetch(every)])


@pytest.mark.parametrize("path", _paths())
async def test_get_requests_neither_change_nor_lock_rows(app: RunningApp, path: str) -> None:
    await app.language("de")
    translator = await app.signed_in_member("de", "translator", "admin")
    root = await app.signed_in("root@example.org", admin=True)
    await translator.put("/api/languages/de/translations/a", json={"text": "x"}, headers={"If-None-Match": "*"})
    account_id = await app.service_account()
    await app.api_key(account_id)
    before = await _rows(app)

    callers: list[httpx.AsyncClient] = [app.client(), translator, root]
    for key in ("a", "missing"):
        for code in ("de", "da"):
            for client in callers:
                answer = await client.get(
                    path.format(
                        code=code,
                        key=key,
                        user_id=await id_of(root),
                        session_id=UNKNOWN_ID,
                        account_id=account_id,
                        file_name="a.css",
                    )
                )
                assert answer.status_code < 500

    assert await _rows(app) == before
