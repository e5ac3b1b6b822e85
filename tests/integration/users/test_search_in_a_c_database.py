"""Searching users on a database whose locale, `C`, folds the case of ASCII letters only."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.postgres import migrate
from app.postgres.database import Database
from tests.conftest import make_database
from tests.support.app import Clock, RunningApp, running, settings_for


@pytest.fixture
async def c_app(server_url: str) -> AsyncIterator[RunningApp]:
    """The service on a database with the locale `C`."""
    url = await make_database(server_url, "locale_c")
    name = urlsplit(url).path[1:]
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"DROP DATABASE {name}")
    await connection.execute(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'"
    )
    await connection.close()
    async with Database(url, 2).connected() as database:
        await migrate.upgrade(database.engine)
        assert await database.pool.fetchval("SELECT lower('\u00c9')") == "\u00c9"
    async with running(settings_for(url), Clock()) as app:
        yield app


async def test_letters_outside_ascii_are_found_in_any_case(c_app: RunningApp) -> None:
    admin = await c_app.signed_in("root@example.org", admin=True, name="Root")
    await c_app.user("\u00f6mer@example.org", name="\u00d6mer \u0418\u0432\u0430\u043d")
    for search in ("\u00d6MER", "o\u0308mer", "\u0438\u0432\u0410\u041d", "\u00d6mer@"):
        found = await admin.get("/api/users", params={"search": search})
        assert [user["email"] for user in found.json()["items"]] == ["\u00f6mer@example.org"], search
