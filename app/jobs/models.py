"""The table of durable jobs."""

from datetime import datetime
from typing import Literal, TypeAlias, get_args
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.postgres.base import Base, new_id, sql_list

JobState: TypeAlias = Literal["queued", "running", "done", "dead"]
STATES: tuple[JobState, ...] = get_args(JobState)


class Job(Base):
    """A piece of work for a background worker.

    A worker may claim a job from `due_at` on; for a running job, `due_at` is the end of its lease. The payload is
    encrypted, and erased when the job is done or has expired, so that a dump of the database holds no usable code or
    link. A dead job that has not expired keeps its payload, so that it can be retried. A scheduled job has no payload;
    its row is queued again after each run and never deleted.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(f"state IN ({sql_list(STATES)})", name="state"),
        CheckConstraint("state <> 'done' OR payload IS NULL", name="payload_erased"),
        CheckConstraint("(finished_at IS NULL) = (state IN ('queued', 'running'))", name="finished"),
        Index("ix_jobs_due_at", "due_at", postgresql_where=text("finished_at IS NULL")),
        Index("ix_jobs_id_dead", "id", postgresql_where=text("state = 'dead'")),
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
