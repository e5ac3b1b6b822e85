"""Durable jobs in Postgres: enqueued in the transaction that causes them, run at least once by `app/worker.py`.

Why not a library: docs/decisions/0010-durable-jobs.md.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec
from msgspec import Struct
from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.jobs.models import Job
from app.postgres.base import new_id
from app.postgres.database import Database
from app.secret_key import SecretKey

CHANNEL = "ostiary_jobs"
KEEP_DONE = timedelta(days=7)
KEEP_DEAD = timedelta(days=30)


# One statement each, its own transaction, and without the ORM: a worker does little else.
CLAIM = """
  WITH due AS (
       SELECT id FROM jobs WHERE finished_at IS NULL AND due_at <= $1 AND kind = ANY($2)
        ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)
UPDATE jobs SET state = 'running', attempts = attempts + 1, due_at = $3
  FROM due WHERE jobs.id = due.id
RETURNING jobs.id, kind, payload, attempts, expires_at, created_at
"""
SETTLE = """
UPDATE jobs
   SET state = $3, error = $4, due_at = coalesce($5, due_at), finished_at = $6, attempts = coalesce($7, attempts),
       payload = CASE WHEN $8 THEN NULL ELSE payload END
 WHERE id = $1 AND attempts = $2 AND state = 'running'
RETURNING id
"""


class Claimed(Struct, frozen=True):
    """A job that a worker has taken. `attempts` counts this one, and tells this claim from every other of the job."""

    id: UUID
    kind: str
    payload: bytes | None
    attempts: int
    expires_at: datetime | None
    created_at: datetime


class Outcome(Struct, frozen=True):
    """What became of an attempt; None leaves a column as it is."""

    state: str
    error: str | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int | None = None
    erase_payload: bool = False


class Jobs:
    """The queue, as those see it who put work into it and who administer it."""

    def __init__(self, clock: Clock, secret_key: SecretKey) -> None:
        self._clock = clock
        self._secret_key = secret_key

    async def enqueue(
        self,
        transaction: AsyncSession,
        kind: str,
        payload: Struct,
        *,
        expires_at: datetime | None = None,
        job_id: UUID | None = None,
    ) -> UUID:
        """Have a job run as soon as the transaction commits; if it rolls back there is no job.

        `kind` is a key of the worker's tasks. From `expires_at` on the job is of no use: it is no longer tried, and
        its payload is erased. Gives the job's id, which is `job_id` where that is given.
        """
        now, job_id = self._clock(), job_id or new_id()
        sealed = self._secret_key.seal(msgspec.json.encode(payload))
        await transaction.execute(
            insert(Job)
            .values(id=job_id, kind=kind, payload=sealed, due_at=now, expires_at=expires_at, created_at=now)
            .returning(func.pg_notify(CHANNEL, ""))
        )
        return job_id

    async def retry(self, transaction: AsyncSession, ids: Collection[UUID] | None) -> list[UUID]:
        """Make waiting and dead jobs due at once, with all their attempts before them; None: every dead one.

        Gives the jobs that this was done to: not those that run, are done, or have expired.
        """
        now = self._clock()
        statement = (
            update(Job)
            .where(
                Job.state == "dead" if ids is None else Job.id.in_(ids),
                Job.state.in_(("queued", "dead")),
                Job.payload.is_not(None),
                or_(Job.expires_at.is_(None), Job.expires_at > now),
            )
            .values(state="queued", attempts=0, due_at=now, finished_at=None)
            .returning(Job.id, func.pg_notify(CHANNEL, ""))
        )
        return [row.id for row in await transaction.execute(statement)]


def follower_of(job_id: UUID) -> UUID:
    """The id for the job that a job makes: next to its own in time, and the same at every try."""
    return UUID(int=job_id.int ^ 1)


async def exists(transaction: AsyncSession, job_id: UUID) -> bool:
    """Whether there is a job of this id, done or not."""
    return (await transaction.execute(select(Job.id).where(Job.id == job_id))).scalar_one_or_none() is not None


async def schedule(transaction: AsyncSession, kind: str, now: datetime) -> None:
    """Make the one job of a scheduled kind, due now, where it does not exist yet."""
    await transaction.execute(
        insert(Job)
        .values(id=uuid5(NAMESPACE_OID, f"ostiary/{kind}"), kind=kind, due_at=now, created_at=now)
        .on_conflict_do_nothing()
    )


async def claim(
    database: Database, kinds: Collection[str], *, now: datetime, leased_until: datetime, limit: int
) -> list[Claimed]:
    """Take up to `limit` due jobs, the longest due first; nobody else is given them before `leased_until`."""
    rows = await database.pool.fetch(CLAIM, now, list(kinds), leased_until, limit)
    return [Claimed(*row) for row in rows]


async def settle(database: Database, job: Claimed, outcome: Outcome) -> bool:
    """Record what became of a claimed job; False where its lease had ended and somebody else has claimed it since."""
    values = msgspec.structs.astuple(outcome)
    return await database.pool.fetchval(SETTLE, job.id, job.attempts, *values) is not None


async def page(transaction: AsyncSession, state: str | None, after: UUID | None, limit: int) -> Sequence[Job]:
    """Jobs in the order of their ids, from after the given one; without a state, all that are not done."""
    statement = select(Job).where(Job.state == state if state else Job.state != "done").order_by(Job.id).limit(limit)
    if after is not None:
        statement = statement.where(Job.id > after)
    return (await transaction.execute(statement)).scalars().all()


async def discard(transaction: AsyncSession, ids: Collection[UUID]) -> list[UUID]:
    """Delete these jobs, except those that are running or scheduled (without payload); gives the deleted ones."""
    scheduled = and_(Job.state == "queued", Job.payload.is_(None))
    statement = delete(Job).where(Job.id.in_(ids), Job.state != "running", ~scheduled).returning(Job.id)
    return list((await transaction.execute(statement)).scalars())


async def delete_finished(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` jobs that were done a week ago or dead for a month; gives their number."""
    old = (
        select(Job.id)
        .where(
            Job.finished_at <= now - KEEP_DONE,
            or_(Job.state == "done", Job.finished_at <= now - KEEP_DEAD),
        )
        .limit(limit)
    )
    deleted = await transaction.execute(delete(Job).where(Job.id.in_(old)).returning(Job.id))
    return len(deleted.all())
