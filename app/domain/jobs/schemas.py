"""Response bodies of the job routes."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.jobs.models import JobState


class JobView(Struct, frozen=True, rename="camel"):
    """A job without what it is about: neither its content nor the address of a mail.

    `dueAt` is when it is tried next; for a running job, when another worker may take it over. From `expiresAt` on it is
    not tried. `error` is that of the last failed attempt.
    """

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
