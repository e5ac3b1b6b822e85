"""Races of a plain write: its one statement waits for another transaction, and sees most rows as they were before."""

from collections.abc import Collection

import pytest

from app.domain.languages.access import Grounds
from app.domain.languages.translations.schemas import TranslationView
from tests.support.app import RunningApp
from tests.support.races import Queue, at_once
from tests.support.translations import NEW, PATH, ROWS, at, batch, item, put_plainly, rows_of, translator_of

LOCK = "SELECT FROM languages WHERE code = 'de' FOR UPDATE"
SEQUENCES = "SELECT sequence FROM translation_versions WHERE language_code = 'de' ORDER BY sequence"

# What another transaction does to the key `a`, which is at version 1 at first.
REPLACE = """
UPDATE translations SET text = 'theirs', version = version + 1 WHERE key = 'a';
INSERT INTO translation_versions (language_code, key, version, text, state, changed_at)
SELECT language_code, key, version, text, state, now() FROM translations WHERE key = 'a';
"""
DELETE = """
INSERT INTO translation_versions (language_code, key, version, changed_at)
SELECT language_code, key, version + 1, now() FROM translations WHERE key = 'a';
DELETE FROM translations WHERE key = 'a';
"""
CREATE = """
INSERT INTO translations (language_code, key, text, state, version, updated_at)
SELECT language_code, key, 'theirs', 'draft', max(version) + 1, now() FROM translation_versions
 WHERE key = 'a' GROUP BY language_code, key;
INSERT INTO translation_versions (language_code, key, version, text, state, changed_at)
SELECT language_code, key, version, text, state, now() FROM translations WHERE key = 'a';
"""
FIRST = """
INSERT INTO translation_versions (language_code, key, version, text, state, changed_at)
VALUES ('de', 'new', 1, 'theirs', 'draft', now());
INSERT INTO translations (language_code, key, text, state, version, updated_at)
VALUES ('de', 'new', 'theirs', 'draft', 1, now());
"""
DELETE_FIRST = """
INSERT INTO translation_versions (language_code, key, version, changed_at) VALUES ('de', 'new', 2, now());
DELETE FROM translations WHERE key = 'new';
"""
DELETE_LANGUAGE = "DELETE FROM languages;"
MAKE_LANGUAGE_AGAIN = """
CREATE TEMPORARY TABLE languages_before ON COMMIT DROP AS SELECT * FROM languages;
CREATE TEMPORARY TABLE members_before ON COMMIT DROP AS SELECT * FROM language_members;
DELETE FROM languages;
INSERT INTO languages SELECT * FROM languages_before;
INSERT INTO language_members SELECT * FROM members_before;
"""
SUSPEND = "UPDATE users SET status = 'suspended';"
PROMOTE = "UPDATE users SET platform_role = 'admin';"
REOPEN_PROFILE = "UPDATE users SET onboarded_at = NULL;"
REMOVE_ROLE = "UPDATE language_members SET roles = '{}';"
ADD_ROLE = "UPDATE language_members SET roles = '{admin,translator}';"
REMOVE_MEMBER = "DELETE FROM language_members;"
DELETE_USER = "DELETE FROM users;"


async def put_after(
    app: RunningApp, grounds: Grounds, key: str, replaced: Collection[str] | None, change: str
) -> tuple[TranslationView | None, bool]:
    """Write a text in one statement, which begins before the transaction that makes the change ends.

    Returns the answer, and whether only the change has left rows.
    """
    pool, queue = app.resources.database.pool, Queue(app)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK)
        write = await queue.add(put_plainly(app, grounds, key, replaced))
        assert not write.done()
        await connection.execute(change)
        left = [await connection.fetch(statement, "de") for statement in ROWS.values()]
    return await write, [await pool.fetch(statement, "de") for statement in ROWS.values()] == left


@pytest.mark.parametrize(
    "change",
    [SUSPEND, PROMOTE, REOPEN_PROFILE, REMOVE_ROLE, ADD_ROLE, REMOVE_MEMBER, DELETE_USER, DELETE_LANGUAGE],
)
@pytest.mark.parametrize(("key", "replaced"), [("a", ["1"]), ("new", None)])
async def test_a_right_that_has_other_grounds_by_now_writes_no_row(
    app: RunningApp, key: str, replaced: list[str] | None, change: str
) -> None:
    grounds = await translator_of(app, "de")
    await put_plainly(app, grounds, "a", None, "before")
    await app.resources.database.pool.execute(change)
    before = await rows_of(app)

    assert await put_plainly(app, grounds, key, replaced) is None
    assert await rows_of(app) == before


@pytest.mark.parametrize(
    ("key", "replaced", "change"),
    [
        *[
            (key, replaced, change)
            for key, replaced in (("a", ["1"]), ("new", None))
            for change in (
                SUSPEND, PROMOTE, REMOVE_ROLE, REMOVE_MEMBER, DELETE_USER, DELETE_LANGUAGE, MAKE_LANGUAGE_AGAIN,
            )
        ],
        ("a", ["1"], REPLACE),
        ("a", ["1"], DELETE),
        ("a", ["1", "2", "3"], DELETE + CREATE),
        ("a", None, DELETE),
        ("a", None, DELETE + CREATE + DELETE),
        ("new", None, FIRST),
        ("new", None, FIRST + DELETE_FIRST),
    ],
)  # fmt: skip
async def test_a_write_that_waits_for_another_one_writes_no_row_if_that_one_stands_against_it(
    app: RunningApp, key: str, replaced: list[str] | None, change: str
) -> None:
    grounds = await translator_of(app, "de")
    await put_plainly(app, grounds, "a", None, "before")

    assert await put_after(app, grounds, key, replaced, change) == (None, True)


@pytest.mark.parametrize(
    ("key", "replaced", "change", "version"),
    [
        ("a", ["1"], FIRST, 2),
        ("a", ["1"], "UPDATE translations SET updated_by = NULL", 2),
        ("a", ["1", "2"], REPLACE, 3),
        ("new", None, REPLACE, 1),
        ("new", None, "UPDATE users SET last_seen_at = now(); UPDATE languages SET name = 'Deutsch'", 1),
    ],
)
async def test_a_write_that_waits_for_another_one_counts_after_it(
    app: RunningApp, key: str, replaced: list[str] | None, change: str, version: int
) -> None:
    grounds = await translator_of(app, "de")
    await put_plainly(app, grounds, "a", None, "before")

    written, _ = await put_after(app, grounds, key, replaced, change)

    assert written
    assert (written.text, written.version) == ("ours", version)
    rows = await rows_of(app)
    assert [row["sequence"] for row in rows["versions"]] == [*range(1, len(rows["versions"]) + 1)]
    assert (rows["versions"][-1]["key"], rows["versions"][-1]["version"]) == (key, version)


@pytest.mark.parametrize(("key", "replaced"), [("a", ["1"]), ("new", None)])
async def test_exactly_one_of_two_writes_that_wait_for_the_language_leaves_rows(
    app: RunningApp, key: str, replaced: list[str] | None
) -> None:
    grounds, queue = await translator_of(app, "de"), Queue(app)
    await put_plainly(app, grounds, "a", None, "before")

    async with app.resources.database.pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK)
        first = await queue.add(put_plainly(app, grounds, key, replaced, "first"))
        second = await queue.add(put_plainly(app, grounds, key, replaced, "second"))

    texts = [written and written.text for written in (await first, await second)]
    assert texts == ["first", None]
    assert len((await rows_of(app))["versions"]) == 2


async def test_concurrent_writes_of_all_kinds_are_numbered_without_gaps(app: RunningApp) -> None:
    await app.language("de")
    clients = [await app.signed_in_member("de", "translator", email=f"t{number}@example.org") for number in range(3)]

    async def write(number: int) -> None:
        client, key = clients[number % 3], f"k{number}"
        assert (await client.put(f"{PATH}/{key}", json={"text": "x"}, headers=NEW)).status_code == 201
        assert (await client.put(f"{PATH}/{key}", json={"text": "y"}, headers=at(1))).status_code == 200
        assert (await batch(client, item(key, 2), item(f"{key}.b"))).status_code == 200
        assert (await client.delete(f"{PATH}/{key}", headers=at(3))).status_code == 204

    await at_once(12, write)

    sequences = [row["sequence"] for row in await app.resources.database.pool.fetch(SEQUENCES)]
    assert sequences == [*range(1, 12 * 5 + 1)]


async def test_many_writes_that_wait_for_a_lock_leave_connections_for_reads(app: RunningApp) -> None:
    grounds, database = await translator_of(app, "de"), app.resources.database
    half = database.pool.get_max_size() // 2
    queue = Queue(app)
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK)
        waiting = [await queue.add(put_plainly(app, grounds, f"k{number}", None)) for number in range(half)]
        assert await put_plainly(app, grounds, "one more", None) is None
    assert all([await write for write in waiting])
