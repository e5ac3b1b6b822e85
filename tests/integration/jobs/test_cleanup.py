"""The clean-up deletes expired rows, all of them, and no others."""

from uuid import UUID

from app.audit import OPERATOR
from app.domain.flows.administer_users import create_user_with_link
from app.jobs.cleanup import cleanup_handler
from app.jobs.worker import Attempt, PermanentError
from tests.support.app import RunningApp
from tests.support.fake_jobs import FakeHandler, enqueue, fake_worker
from tests.support.run_jobs import drain


async def test_the_clean_up_deletes_expired_rows_only(app: RunningApp) -> None:
    pool = app.resources.database.pool
    user_id = await app.user()
    await app.token(user_id)
    await create_user_with_link(OPERATOR, app.resources, "invited@example.org", "", None)
    done = await enqueue(app)
    await drain(fake_worker(app, FakeHandler()))
    dead = await enqueue(app)
    await drain(fake_worker(app, FakeHandler(PermanentError("no"))))

    async def rows_left() -> list[object]:
        await drain(app.worker)
        jobs_left = {row["id"] for row in await pool.fetch("SELECT id FROM jobs")} & {done, dead}
        return [
            await pool.fetchval("SELECT count(*) FROM sessions"),
            await pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'single_use'"),
            jobs_left,
        ]

    assert await rows_left() == [1, 1, {done, dead}]
    app.clock.forward(days=7)
    assert await rows_left() == [1, 1, {dead}]
    app.clock.forward(days=6)
    assert await rows_left() == [1, 1, {dead}]
    app.clock.forward(days=1)
    assert await rows_left() == [0, 0, {dead}]
    app.clock.forward(days=16)
    assert await rows_left() == [0, 0, set()]
    assert await pool.fetchval("SELECT count(*) FROM keys") == 2


async def test_a_sweep_is_repeated_until_no_expired_row_is_left(app: RunningApp) -> None:
    left = 2500

    async def sweep(_: object, __: object, limit: int) -> int:
        nonlocal left
        batch = min(limit, left)
        left -= batch
        return batch

    handler = cleanup_handler(app.resources.database, app.clock, [sweep])
    await handler.run(Attempt(UUID(int=0), b"", app.clock()))
    assert left == 0
