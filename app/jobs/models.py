"""The table of durable jobs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.postgres.base import Base, new_id

STATES = ("queued", "running", "done", "dead")


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
