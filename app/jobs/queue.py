"""All SQL on jobs: enqueue, claim, record the outcome, list, retry, discard.

A job is enqueued in the transaction that causes it, and run at least once by `app/jobs/worker.py`. Why no library is
used: docs/decisions/0010-durable-jobs.md.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.jobs.models import Job, JobState
from app.postgres.base import new_id
from app.postgres.database import Database
from app.postgres.rows import to_struct
from app.secret_key import SecretKey

CHANNEL = "ostiary_jobs"
KEEP_DONE = timedelta(days=7)
KEEP_DEAD = timedelta(days=30)

# Single statements outside SQLAlchemy: with two ORM transactions a mail takes 5 ms of the event loop instead of 2.
CLAIM = """
  WITH due AS (
       SELECT id FROM jobs WHERE finished_at IS NULL AND due_at <= $1 AND kind = ANY($2)
        ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)
UPDATE jobs SET state = 'running', attempts = attempts + 1, due_at = $3
  FROM due WHERE jobs.id = due.id
RETURNING jobs.id, kind, payload, attempts, expires_at, created_at
"""
NEXT_DUE = "SELECT min(due_at) FROM jobs WHERE finished_at IS NULL AND due_at > $1 AND kind = ANY($2)"
# The number of attempts identifies the claim: a worker that claims the job later counts one more.
RECORD_OUTCOME = """
UPDATE jobs
   SET state = $3, error = $4, due_at = coalesce($5, due_at), finished_at = $6, attempts = coalesce($7, attempts),
       payload = CASE WHEN $8 THEN NULL ELSE payload END
 WHERE id = $1 AND attempts = $2 AND state = 'running'
RETURNING id
"""
FORGET = "DELETE FROM jobs WHERE id = $1 AND attempts = $2 AND state = 'running' RETURNING id"


class ClaimedJob(Struct, frozen=True):
    """A job that a worker has claimed. `attempts` includes the current attempt."""

    id: UUID
    kind: str
    payload: bytes | None
    attempts: int
    expires_at: datetime | None
    created_at: datetime


class ListedJob(Struct, frozen=True):
    """A job without its payload. `retryable` tells whether `retry` makes it due."""

    id: UUID
    kind: str
    state: JobState
    attempts: int
    error: str | None
    retryable: bool
    created_at: datetime
    due_at: datetime
    expires_at: datetime | None
    finished_at: datetime | None


class Outcome(Struct, frozen=True):
    """The columns that an attempt changes. `due_at` and `attempts` stay as they are if they are None.

    With `forget`, the job is deleted instead.
    """

    state: str
    error: str | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int | None = None
    erase_payload: bool = False
    forget: bool = False


class JobQueue:
    """Adds jobs to the queue, with encrypted payloads."""

    def __init__(self, clock: Clock, secret_key: SecretKey) -> None:
        self._clock = clock
        self._secret_key = secret_key

    async def enqueue(
        self,
        transaction: AsyncSession,
        kind: str,
        payload: Struct,
        *,
        due_at: datetime | None = None,
        expires_at: datetime | None = None,
        job_id: UUID | None = None,
    ) -> UUID:
        """Add a job, due at `due_at`, or as soon as the transaction commits. A rollback removes the job.

        `kind` is a key of the worker's handlers. From `expires_at` on the job is not tried any more, and its payload
        is erased. Returns the job's id: `job_id` if given, else a new one.
        """
        now, job_id = self._clock(), job_id or new_id()
        sealed = self._secret_key.seal(msgspec.json.encode(payload))
        await transaction.execute(
            insert(Job)
            .values(id=job_id, kind=kind, payload=sealed, due_at=due_at or now, expires_at=expires_at, created_at=now)
            .returning(func.pg_notify(CHANNEL, ""))
        )
        return job_id


def dependent_job_id(job_id: UUID) -> UUID:
    """The id of the job that the job `job_id` enqueues: the same at every attempt, so that a retry adds no second one.

    It differs from `job_id` in the last bit only, so both sort next to each other by time.
    """
    return UUID(int=job_id.int ^ 1)


async def exists(transaction: AsyncSession, job_id: UUID) -> bool:
    """Whether there is a job with this id, in any state."""
    return (await transaction.execute(select(Job.id).where(Job.id == job_id))).scalar_one_or_none() is not None


async def ensure_scheduled(transaction: AsyncSession, kind: str, now: datetime) -> None:
    """Add the job of a scheduled kind, due now, unless it exists. Its id is derived from the kind."""
    await transaction.execute(
        insert(Job)
        .values(id=uuid5(NAMESPACE_OID, f"ostiary/{kind}"), kind=kind, due_at=now, created_at=now)
        .on_conflict_do_nothing()
    )


async def claim(
    database: Database, kinds: Collection[str], *, now: datetime, leased_until: datetime, limit: int
) -> list[ClaimedJob]:
    """Claim up to `limit` due jobs of these kinds, longest due first. No other worker claims them before
    `leased_until`."""
    rows = await database.pool.fetch(CLAIM, now, list(kinds), leased_until, limit)
    return [to_struct(ClaimedJob, row) for row in rows]


async def next_due(database: Database, kinds: Collection[str], now: datetime) -> datetime | None:
    """When the next job of these kinds is due that is not due yet; None if there is none."""
    due: datetime | None = await database.pool.fetchval(NEXT_DUE, now, list(kinds))
    return due


async def record_outcome(database: Database, job: ClaimedJob, outcome: Outcome) -> bool:
    """Write what an attempt at a claimed job resulted in.

    Returns False, and writes nothing, if the lease has ended and another worker has claimed the job since.
    """
    if outcome.forget:
        return await database.pool.fetchval(FORGET, job.id, job.attempts) is not None
    recorded = await database.pool.fetchval(
        RECORD_OUTCOME,
        job.id, job.attempts,
        outcome.state, outcome.error, outcome.due_at, outcome.finished_at, outcome.attempts, outcome.erase_payload,
    )  # fmt: skip
    return recorded is not None


async def list_jobs(transaction: AsyncSession, state: str | None, after: UUID | None, limit: int) -> Sequence[Job]:
    """Up to `limit` jobs in one state, by id, from after the id `after`. With `state` None: all that are not done."""
    statement = select(Job).where(_in_state(state)).order_by(Job.id).limit(limit)
    if after is not None:
        statement = statement.where(Job.id > after)
    return (await transaction.execute(statement)).scalars().all()


async def newest_jobs(
    transaction: AsyncSession, state: str | None, before: UUID | None, limit: int, now: datetime
) -> list[ListedJob]:
    """Up to `limit` jobs in one state, newest first, from before the id `before`. With `state` None: all not done."""
    statement = _listed(now).where(_in_state(state)).order_by(Job.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Job.id < before)
    return [to_struct(ListedJob, row) for row in await transaction.execute(statement)]


async def find_job(transaction: AsyncSession, job_id: UUID, now: datetime) -> ListedJob | None:
    """One job; None if there is none with this id."""
    row = (await transaction.execute(_listed(now).where(Job.id == job_id))).one_or_none()
    return to_struct(ListedJob, row) if row else None


async def retry(transaction: AsyncSession, ids: Collection[UUID] | None, now: datetime) -> list[UUID]:
    """Make queued and dead jobs due now, with no attempts counted. With `ids` None: every dead job.

    Running, done and expired jobs stay as they are. Returns the ids of the jobs that are due now.
    """
    statement = (
        update(Job)
        .where(Job.state == "dead" if ids is None else Job.id.in_(ids), _is_retryable(now))
        .values(state="queued", attempts=0, due_at=now, finished_at=None)
        .returning(Job.id, func.pg_notify(CHANNEL, ""))
    )
    return [row.id for row in await transaction.execute(statement)]


def _is_retryable(now: datetime) -> ColumnElement[bool]:
    return and_(
        Job.state.in_(("queued", "dead")),
        Job.payload.is_not(None),
        or_(Job.expires_at.is_(None), Job.expires_at > now),
    )


def _listed(now: datetime) -> Select[*tuple[Any, ...]]:
    columns = [getattr(Job, name) for name in ListedJob.__struct_fields__ if name != "retryable"]
    return select(*columns, _is_retryable(now).label("retryable"))


def _in_state(state: str | None) -> ColumnElement[bool]:
    """Jobs in this state, in words for which there are indexes: most jobs are done."""
    unfinished = Job.finished_at.is_(None)
    if state is None:
        return or_(unfinished, Job.state == "dead")
    return and_(unfinished, Job.state == state) if state in ("queued", "running") else Job.state == state


async def discard(transaction: AsyncSession, ids: Collection[UUID]) -> list[UUID]:
    """Delete jobs, except running and scheduled ones. Returns the ids of the deleted jobs."""
    # A queued job without payload is a scheduled one.
    scheduled = and_(Job.state == "queued", Job.payload.is_(None))
    statement = delete(Job).where(Job.id.in_(ids), Job.state != "running", ~scheduled).returning(Job.id)
    return list((await transaction.execute(statement)).scalars())


async def delete_finished(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` jobs that have been done for KEEP_DONE or dead for KEEP_DEAD. Returns their number."""
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
