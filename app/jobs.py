"""Durable jobs in Postgres: enqueued in the transaction that causes them, run at least once by `app/worker.py`.

Why not a library: docs/decisions/0010-durable-jobs.md.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec
from msgspec import Struct
from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.clock import Clock
from app.database import Base, new_id
from app.keyring import Keyring

STATES = ("queued", "running", "done", "dead")
CHANNEL = "ostiary_jobs"
KEEP_DONE = timedelta(days=7)
KEEP_DEAD = timedelta(days=30)


class Job(Base):
    """A piece of work. `due_at` is when a worker may take it: for a running job, when its lease ends.

    The payload is sealed, and erased when the job is done or has expired: a dump of the database gives away no code
    and no link. A dead job that has not expired keeps it, so that it can be retried. A scheduled job is one row for
    ever, queued again after each run.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'dead')", name="state"),
        CheckConstraint("state <> 'done' OR payload IS NULL", name="payload_erased"),
        CheckConstraint("(finished_at IS NULL) = (state IN ('queued', 'running'))", name="finished"),
        Index("ix_jobs_due_at", "due_at", postgresql_where=text("finished_at IS NULL")),
        Index("ix_jobs_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="queued", server_default="queued")
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Jobs:
    """The queue, as those see it who put work into it and who administer it."""

    def __init__(self, clock: Clock, keyring: Keyring) -> None:
        self._clock = clock
        self._keyring = keyring

    async def enqueue(
        self, transaction: AsyncSession, kind: str, payload: Struct, *, expires_at: datetime | None = None
    ) -> UUID:
        """Have a job run as soon as the transaction commits; if it rolls back there is no job.

        `kind` is a key of the worker's tasks. From `expires_at` on the job is of no use: it is no longer tried, and
        its payload is erased. Gives the job's id.
        """
        now, job_id = self._clock(), new_id()
        sealed = self._keyring.seal(msgspec.json.encode(payload))
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


async def schedule(transaction: AsyncSession, kind: str, now: datetime) -> None:
    """Make the one job of a scheduled kind, due now, where it does not exist yet."""
    await transaction.execute(
        insert(Job)
        .values(id=uuid5(NAMESPACE_OID, f"ostiary/{kind}"), kind=kind, due_at=now, created_at=now)
        .on_conflict_do_nothing()
    )


async def claim(
    transaction: AsyncSession, kinds: Collection[str], *, now: datetime, leased_until: datetime, limit: int
) -> Sequence[Job]:
    """Take up to `limit` due jobs, the longest due first; nobody else is given them before `leased_until`."""
    due = (
        select(Job.id)
        .where(Job.finished_at.is_(None), Job.due_at <= now, Job.kind.in_(kinds))
        .order_by(Job.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        update(Job)
        .where(Job.id == due.c.id)
        .values(state="running", attempts=Job.attempts + 1, due_at=leased_until)
        .returning(Job)
    )
    return (await transaction.execute(statement)).scalars().all()


async def settle(transaction: AsyncSession, job: Job, **columns: object) -> bool:
    """Record what became of a claimed job; False where its lease had ended and somebody else has claimed it since."""
    statement = (
        update(Job)
        .where(Job.id == job.id, Job.state == "running", Job.attempts == job.attempts)
        .values(**columns)
        .returning(Job.id)
    )
    return (await transaction.execute(statement)).scalar_one_or_none() is not None


async def page(transaction: AsyncSession, state: str | None, after: UUID | None, limit: int) -> Sequence[Job]:
    """Jobs in the order of their ids, from after the given one; without a state, all that are not done."""
    statement = select(Job).where(Job.state == state if state else Job.state != "done").order_by(Job.id).limit(limit)
    if after is not None:
        statement = statement.where(Job.id > after)
    return (await transaction.execute(statement)).scalars().all()


async def discard(transaction: AsyncSession, ids: Collection[UUID]) -> list[UUID]:
    """Delete these jobs, except those that are running; gives the deleted ones."""
    statement = delete(Job).where(Job.id.in_(ids), Job.state != "running").returning(Job.id)
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
