"""Cleaning up: what has expired goes, and nothing else."""

from uuid import UUID

from app.audit import OPERATOR
from app.domain.flows.invite import create_user_with_link
from app.jobs.cleanup import clean_up
from app.jobs.worker import Attempt, PermanentError
from tests.support.app import RunningApp
from tests.support.fake_jobs import Runs, enqueue, worker_of


async def test_clean_up_deletes_what_has_expired_and_nothing_else(app: RunningApp) -> None:
    pool = app.resources.database.pool
    user_id = await app.user()
    await app.token(user_id)
    await create_user_with_link(OPERATOR, app.resources, "invited@example.org", "", None)
    done = await enqueue(app)
    await worker_of(app, Runs()).drain()
    dead = await enqueue(app)
    await worker_of(app, Runs(PermanentError("no"))).drain()

    async def left() -> list[object]:
        await app.worker.drain()
        jobs_left = {row["id"] for row in await pool.fetch("SELECT id FROM jobs")} & {done, dead}
        return [
            await pool.fetchval("SELECT count(*) FROM sessions"),
            await pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'single_use'"),
            jobs_left,
        ]

    assert await left() == [1, 1, {done, dead}]
    app.clock.forward(days=7)
    assert await left() == [1, 1, {dead}]
    app.clock.forward(days=1)
    assert await left() == [1, 0, {dead}]
    app.clock.forward(days=6)
    assert await left() == [0, 0, {dead}]
    app.clock.forward(days=16)
    assert await left() == [0, 0, set()]
    assert await pool.fetchval("SELECT count(*) FROM keys") == 2


async def test_clean_up_goes_on_until_nothing_is_left(app: RunningApp) -> None:
    left = 2500

    async def sweep(_: object, __: object, limit: int) -> int:
        nonlocal left
        batch = min(limit, left)
        left -= batch
        return batch

    task = clean_up(app.resources.database, app.clock, [sweep])
    await task.run(Attempt(UUID(int=0), b"", app.clock()))
    assert left == 0
