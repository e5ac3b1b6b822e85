"""`ostiary jobs`: listing, retrying and discarding jobs."""

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

INSERT_JOB = """
INSERT INTO jobs (id, kind, state, payload, attempts, error, due_at, created_at, finished_at)
VALUES ($1, 'mail', $2, $3, 3, $4, now(), '2026-06-01T12:00:00Z', CASE WHEN $2 IN ('done', 'dead') THEN now() END)
"""


Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
RunOnDatabase = Callable[[Callable[[Connection], Awaitable[object]]], object]


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> RunOnDatabase:
    """Runs a function on a connection to the database of the commands, whose table of jobs is empty."""
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


def add_job(
    database: RunOnDatabase, state: str, *, payload: bytes | None = b"sealed", error: str | None = None
) -> UUID:
    """Insert a job in this state, and return its id."""
    job_id = new_id()
    stored = None if state == "done" else payload
    database(lambda connection: connection.execute(INSERT_JOB, job_id, state, stored, error))
    return job_id


def state_of(database: RunOnDatabase, job_id: UUID) -> object:
    return database(lambda connection: connection.fetchval("SELECT state FROM jobs WHERE id = $1", job_id))


def ostiary(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["jobs", *arguments])


def test_the_list_shows_every_job_that_is_not_done_with_its_last_error(database: RunOnDatabase) -> None:
    waiting = add_job(database, "queued", error="mail server: 421 busy")
    dead = add_job(database, "dead", error="recipient refused: 550")
    done = add_job(database, "done")
    listed = ostiary("list")
    assert listed.exit_code == 0, listed.output
    lines = [line.split("\t") for line in listed.output.splitlines()]
    assert [line[:5] + line[6:] for line in lines] == [
        [str(waiting), "mail", "queued", "3", "2026-06-01T12:00:00Z", "mail server: 421 busy"],
        [str(dead), "mail", "dead", "3", "2026-06-01T12:00:00Z", "recipient refused: 550"],
    ]
    assert ostiary("list", "--state", "done").output.split("\t")[0] == str(done)
    assert "sealed" not in listed.output


def test_one_dead_job_or_all_dead_jobs_can_be_queued_again(database: RunOnDatabase) -> None:
    first, second, third = (add_job(database, "dead") for _ in range(3))
    assert ostiary("retry", str(first)).output == f"{first} queued again\n"
    assert [state_of(database, job_id) for job_id in (first, second)] == ["queued", "dead"]
    assert ostiary("retry", "--dead").exit_code == 0
    assert [state_of(database, job_id) for job_id in (second, third)] == ["queued", "queued"]


@pytest.mark.parametrize("state", ["running", "done", "erased", "unknown"])
def test_a_job_that_cannot_run_again_is_reported_with_its_id(database: RunOnDatabase, state: str) -> None:
    if state == "unknown":
        job_id = new_id()
    elif state == "erased":
        job_id = add_job(database, "dead", payload=None)
    else:
        job_id = add_job(database, state)
    result = ostiary("retry", str(job_id))
    assert result.exit_code == 1
    assert result.output.startswith(f"ostiary: {job_id} cannot run again")


def test_discarded_jobs_are_deleted_and_a_running_job_cannot_be_discarded(database: RunOnDatabase) -> None:
    dead, running = add_job(database, "dead"), add_job(database, "running")
    result = ostiary("discard", str(dead), str(running))
    assert result.exit_code == 1
    assert f"{dead} discarded" in result.output
    assert f"{running} cannot be discarded" in result.output
    assert [state_of(database, job_id) for job_id in (dead, running)] == [None, "running"]


def test_a_scheduled_job_cannot_be_discarded(database: RunOnDatabase) -> None:
    scheduled = add_job(database, "queued", payload=None)
    assert "it runs, is scheduled or is unknown" in ostiary("discard", str(scheduled)).output
    assert state_of(database, scheduled) == "queued"


@pytest.mark.parametrize("arguments", [("retry",), ("discard",), ("retry", "--dead", str(UUID(int=1))), ("retry", "x")])
def test_wrong_usage_exits_with_2_and_changes_nothing(database: RunOnDatabase, arguments: tuple[str, ...]) -> None:
    dead = add_job(database, "dead")
    assert ostiary(*arguments).exit_code == 2
    assert state_of(database, dead) == "dead"
