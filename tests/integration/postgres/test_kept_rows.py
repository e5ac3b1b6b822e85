"""Rows in memory: kept until the database tells of a change, and only while it is sure to tell."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from app.postgres import kept_rows, listener
from app.postgres.database import Database
from app.postgres.kept_rows import Kept, KeptRows
from tests.conftest import make_migrated_database
from tests.support.app import until
from tests.support.pgbouncer import pgbouncer

READ = "SELECT name FROM languages WHERE code = $1"
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE query LIKE '%FROM pg_notify(%' AND pid <> pg_backend_pid() AND datname = current_database()
"""
RENAME = "UPDATE languages SET name = $2 WHERE code = $1"


@pytest.fixture(scope="module")
async def own_url(server_url: str) -> str:
    """The URL of a migrated database that no other test uses."""
    return await make_migrated_database(server_url, "kept_rows")


@pytest.fixture
async def database(own_url: str) -> AsyncIterator[Database]:
    async with Database(own_url, 4).connected() as database:
        yield database


@pytest.fixture
async def languages(database: Database) -> KeptRows[str, str]:
    """The names of languages, in memory that is in use."""
    kept: KeptRows[str, str] = KeptRows(database, 2)
    await until(lambda: hears(database))
    return kept


async def hears(database: Database) -> bool:
    return database.listener.is_current()


async def said(logs: Sequence[object]) -> bool:
    """Whether the log has a line."""
    return bool(logs)


async def new_language(database: Database) -> str:
    """Insert a language with the name "old". Returns its code."""
    code = f"qaa-x-{uuid4().hex[:8]}"
    await database.pool.execute("INSERT INTO languages VALUES ($1, 'old', 'old', 'ltr', now())", code)
    return code


class Reader:
    """Reads names of languages, and counts its statements. A statement waits until it `may_answer`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.statements = 0
        self.has_read = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, code: str) -> Kept[str]:
        self.statements += 1
        name: str = await self.database.pool.fetchval(READ, code)
        self.has_read.set()
        await self.may_answer.wait()
        return Kept(name, (f"language {code}",))


async def test_a_value_is_read_once_until_it_changes(database: Database, languages: KeptRows[str, str]) -> None:
    code, reader = await new_language(database), Reader(database)
    for _ in range(3):
        assert await languages.find_or_read(code, lambda: reader(code)) == "old"
    assert reader.statements == 1
    await database.pool.execute(RENAME, code, "new")
    await database.settle()
    assert languages.find(code) is None
    assert await languages.find_or_read(code, lambda: reader(code)) == "new"


async def test_a_value_that_changes_while_it_is_read_is_not_kept(
    database: Database, languages: KeptRows[str, str]
) -> None:
    code, reader = await new_language(database), Reader(database)
    reader.may_answer.clear()
    reading = asyncio.create_task(languages.read(code, lambda: reader(code)))
    await reader.has_read.wait()
    await database.pool.execute(RENAME, code, "new")
    await database.settle()
    reader.may_answer.set()
    assert await reading == "old"
    assert languages.find(code) is None


async def test_a_value_is_kept_although_another_one_changes_while_it_is_read(
    database: Database, languages: KeptRows[str, str]
) -> None:
    code, other, reader = await new_language(database), await new_language(database), Reader(database)
    reader.may_answer.clear()
    reading = asyncio.create_task(languages.read(code, lambda: reader(code)))
    await reader.has_read.wait()
    await database.pool.execute(RENAME, other, "new")
    await database.settle()
    reader.may_answer.set()
    assert await reading == "old"
    assert languages.find(code) == "old"


async def test_requests_at_the_same_time_wait_for_one_statement(
    database: Database, languages: KeptRows[str, str]
) -> None:
    code, reader = await new_language(database), Reader(database)
    names = await asyncio.gather(*[languages.read(code, lambda: reader(code)) for _ in range(20)])
    assert (names, reader.statements) == (["old"] * 20, 1)


async def test_a_statement_that_was_sent_before_a_change_serves_no_request_after_it(
    database: Database, languages: KeptRows[str, str]
) -> None:
    code, before, after = await new_language(database), Reader(database), Reader(database)
    before.may_answer.clear()
    early = asyncio.create_task(languages.read(code, lambda: before(code)))
    await before.has_read.wait()
    await database.pool.execute(RENAME, code, "new")
    await database.settle()
    assert await languages.read(code, lambda: after(code)) == "new"
    before.may_answer.set()
    assert await early == "old"
    assert languages.find(code) == "new"


@pytest.mark.parametrize("ends", ["cancelled", "failed"])
async def test_a_request_that_ends_leaves_those_that_wait_for_its_statement_with_an_answer(
    database: Database, languages: KeptRows[str, str], ends: str
) -> None:
    code, first, second = await new_language(database), Reader(database), Reader(database)
    first.may_answer.clear()

    async def fail() -> Kept[str]:
        await first(code)
        raise ConnectionResetError

    reading = asyncio.create_task(languages.read(code, fail))
    await first.has_read.wait()
    waiting = asyncio.create_task(languages.read(code, lambda: second(code)))
    await asyncio.sleep(0)
    if ends == "cancelled":
        reading.cancel()
        assert await waiting == "old"
    else:
        first.may_answer.set()
        for task in (reading, waiting):
            with pytest.raises(ConnectionResetError):
                await task
    assert await languages.read(code, lambda: second(code)) == "old"


async def test_the_least_recently_used_values_make_room(database: Database, languages: KeptRows[str, str]) -> None:
    codes, reader = [await new_language(database) for _ in range(3)], Reader(database)
    for code in (codes[0], codes[1], codes[0], codes[2]):
        await languages.find_or_read(code, lambda code=code: reader(code))  # type: ignore[misc] # bound here
    assert [languages.find(code) for code in codes] == ["old", None, "old"]
    await languages.read(codes[1], lambda: _of_size(3))
    assert languages.find(codes[1]) is None


async def _of_size(size: int) -> Kept[str]:
    return Kept("large", ("language large",), size)


async def test_a_value_about_nothing_is_not_kept(languages: KeptRows[str, str]) -> None:
    async def unknown() -> Kept[str]:
        return Kept("nobody")

    assert await languages.read("unknown", unknown) == "nobody"
    assert len(languages) == 0


async def test_a_cut_connection_ends_the_use_of_memory_at_once_and_a_new_one_begins_it_again(
    database: Database, languages: KeptRows[str, str], own_url: str
) -> None:
    code, reader = await new_language(database), Reader(database)
    await languages.read(code, lambda: reader(code))
    operator = await asyncpg.connect(own_url)
    with capture_logs() as logs:
        await operator.execute(CUT)

        async def deaf() -> bool:
            return not database.listener.is_current()

        await until(deaf)
        await operator.execute(RENAME, code, "new")
        assert languages.find(code) is None
        assert await languages.read(code, lambda: reader(code)) == "new"
        assert languages.find(code) is None
        await until(lambda: hears(database))
        assert await languages.read(code, lambda: reader(code)) == "new"
        assert languages.find(code) == "new"
    await operator.close()
    assert [line["event"] for line in logs] == ["notifications_lost", "notifications_heard"]


@pytest.mark.usefixtures("languages")
async def test_a_change_that_is_not_heard_of_in_time_ends_the_use_of_memory(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SETTLE_SECONDS", 0)
    assert database.listener.is_current()
    await database.settle()
    assert not database.listener.is_current()
    monkeypatch.undo()
    await until(lambda: hears(database))


async def test_behind_a_pooler_that_is_not_known_nothing_is_kept_and_one_line_of_the_log_says_so(
    own_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CURRENT_SECONDS", 0.2)
    with pgbouncer(own_url) as url, capture_logs() as logs:
        async with Database(url, 2).connected() as database:
            kept: KeptRows[str, str] = KeptRows(database, 2)

            await until(lambda: said(logs))
            assert kept.enabled
            assert not database.listener.is_current()
    [line] = logs
    assert (line["event"], line["effect"]) == ("notifications_lost", "every request reads the database")
    assert "DATABASE_POOLER=transaction" in line["reason"]


async def test_behind_a_pooler_that_is_known_nothing_listens(own_url: str) -> None:
    async with Database(own_url, 2, transaction_pooler=True).connected() as database:
        assert not KeptRows(database, 2).enabled


async def test_a_server_that_takes_no_writes_proves_nothing(server_url: str) -> None:
    url = await make_migrated_database(server_url, "kept_rows_read_only")
    operator = await asyncpg.connect(url)
    name = await operator.fetchval("SELECT quote_ident(current_database())")
    await operator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await operator.close()
    with capture_logs() as logs:
        async with Database(url, 2).connected() as database:
            kept: KeptRows[str, str] = KeptRows(database, 2)

            await until(lambda: said(logs))
            assert kept.enabled
            assert not database.listener.is_current()
    assert [(line["event"], line["reason"]) for line in logs] == [("notifications_lost", "DatabaseReadOnlyError")]


async def test_an_error_that_is_no_outage_does_not_end_the_listening(own_url: str) -> None:
    database = Database(own_url, 2)
    fails, connect = True, database.listener._connect  # no server raises this on demand

    async def refused_once() -> "asyncpg.Connection[asyncpg.Record]":
        nonlocal fails
        if fails:
            fails = False
            raise asyncpg.FeatureNotSupportedError("LISTEN is not supported")
        return await connect()

    database.listener._connect = refused_once
    with capture_logs() as logs:
        async with database.connected():
            kept: KeptRows[str, str] = KeptRows(database, 2)
            await until(lambda: hears(database))
            assert kept.enabled
    assert [line["event"] for line in logs] == ["notifications_lost", "notifications_heard"]


async def test_a_change_of_very_many_values_clears_the_memory(
    languages: KeptRows[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_rows, "ONE_BY_ONE_MAX", 1)

    async def about_both() -> Kept[str]:
        return Kept("value", ("language both",))

    for key in ("one", "two"):
        await languages.read(key, about_both)
    assert len(languages) == 2
    languages.forget("language both")
    assert len(languages) == 0
    assert languages.find("one") is None
