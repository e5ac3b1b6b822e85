"""`ostiary jobs`: an operator sees what waits and what failed, runs it again or drops it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest
from click.testing import CliRunner, Result

from app.cli.main import cli
from app.postgres.base import new_id
from tests.support.app import DATA_DIR, SECRET_KEY

ADD = """
INSERT INTO jobs (id, kind, state, payload, attempts, error, due_at, created_at, finished_at)
VALUES ($1, 'mail', $2, $3, 3, $4, now(), '2026-06-01T12:00:00Z', CASE WHEN $2 IN ('done', 'dead') THEN now() END)
"""


Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Database = Callable[[Callable[[Connection], Awaitable[object]]], object]


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Runs a function on a connection to the database that the commands use; the table of jobs is empty."""
    for name, value in {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "DATA_DIR": str(DATA_DIR)}.items():
        monkeypatch.setenv(name, value)

    def run(work: Callable[[Connection], Awaitable[object]]) -> object:
        async def connected() -> object:
            connection: Connection = await asyncpg.connect(database_url)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(connected())

    run(lambda connection: connection.execute("TRUNCATE jobs"))
    return run


def add(database: Database, state: str, *, payload: bytes | None = b"sealed", error: str | None = None) -> UUID:
    job_id = new_id()
    stored = None if state == "done" else payload
    database(lambda connection: connection.execute(ADD, job_id, state, stored, error))
    return job_id


def state_of(database: Database, job_id: UUID) -> object:
    return database(lambda connection: connection.fetchval("SELECT state FROM jobs WHERE id = $1", job_id))


def ostiary(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["jobs", *arguments])


def test_the_list_shows_all_that_is_not_done_and_tells_why_it_failed(database: Database) -> None:
    waiting = add(database, "queued", error="mail server: 421 busy")
    dead = add(database, "dead", error="recipient refused: 550")
    done = add(database, "done")
    listed = ostiary("list")
    assert listed.exit_code == 0, listed.output
    lines = [line.split("\t") for line in listed.output.splitlines()]
    assert [line[:5] + line[6:] for line in lines] == [
        [str(waiting), "mail", "queued", "3", "2026-06-01T12:00:00Z", "mail server: 421 busy"],
        [str(dead), "mail", "dead", "3", "2026-06-01T12:00:00Z", "recipient refused: 550"],
    ]
    assert ostiary("list", "--state", "done").output.split("\t")[0] == str(done)
    assert "sealed" not in listed.output


def test_dead_jobs_are_queued_again_one_by_one_or_all(database: Database) -> None:
    first, second, third = (add(database, "dead") for _ in range(3))
    assert ostiary("retry", str(first)).output == f"{first} queued again\n"
    assert [state_of(database, job_id) for job_id in (first, second)] == ["queued", "dead"]
    assert ostiary("retry", "--dead").exit_code == 0
    assert [state_of(database, job_id) for job_id in (second, third)] == ["queued", "queued"]


@pytest.mark.parametrize("state", ["running", "done", "erased", "unknown"])
def test_what_cannot_run_again_is_named(database: Database, state: str) -> None:
    if state == "unknown":
        job_id = new_id()
    elif state == "erased":
        job_id = add(database, "dead", payload=None)
    else:
        job_id = add(database, state)
    tried = ostiary("retry", str(job_id))
    assert tried.exit_code == 1
    assert tried.output.startswith(f"ostiary: {job_id} cannot run again")


def test_jobs_are_discarded_for_good_except_running_ones(database: Database) -> None:
    dead, running = add(database, "dead"), add(database, "running")
    tried = ostiary("discard", str(dead), str(running))
    assert tried.exit_code == 1
    assert f"{dead} discarded" in tried.output
    assert f"{running} cannot be discarded" in tried.output
    assert [state_of(database, job_id) for job_id in (dead, running)] == [None, "running"]


def test_a_scheduled_job_is_not_discarded(database: Database) -> None:
    scheduled = add(database, "queued", payload=None)
    assert "it runs, is scheduled or is unknown" in ostiary("discard", str(scheduled)).output
    assert state_of(database, scheduled) == "queued"


@pytest.mark.parametrize("arguments", [("retry",), ("discard",), ("retry", "--dead", str(UUID(int=1))), ("retry", "x")])
def test_wrong_usage_changes_nothing(database: Database, arguments: tuple[str, ...]) -> None:
    dead = add(database, "dead")
    assert ostiary(*arguments).exit_code == 2
    assert state_of(database, dead) == "dead"
