"""Seeing and retrying jobs. What errors of other programs say is shown without addresses, links and numbers."""

import re
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from app.ability.ability import Subject
from app.audit import Actor, record, subject_of
from app.domain.jobs.schemas import JobView
from app.domain.resources import Resources
from app.domain.users.access import require_in_transaction
from app.errors import Problem, SubjectNotFound
from app.jobs import queue
from app.jobs.queue import ListedJob
from app.postgres.rows import to_struct

# Mail servers repeat addresses, and some of them parts of the mail. What may be a link, a token or a code is left out.
_PRIVATE = re.compile(r"""\w+://\S+|osk_\S*|[0-9]{6,}|[^\s<>"'(:]+(?=@)""")
# Why a job cannot be retried, by its state or another reason.
NOT_RETRYABLE: Mapping[str, str] = {
    "running": "The job is running.",
    "done": "The job is done.",
    "expired": "The job has expired: what it would do is worthless.",
    "scheduled": "The job is scheduled by the service itself, and runs at its time.",
}


async def list_jobs(resources: Resources, state: str | None, before: UUID | None, limit: int) -> list[ListedJob]:
    """Jobs in one state, newest first, from before the given one. With `state` None: all that are not done."""
    async with resources.database.transaction() as transaction:
        return await queue.newest_jobs(transaction, state, before, limit, resources.clock())


async def retry_job(actor: Actor, resources: Resources, job_id: UUID) -> ListedJob:
    """Make a waiting or dead job due now, with no attempts counted.

    Raises `SubjectNotFound`, and `Problem`: `forbidden`, `job_not_retryable`.
    """
    async with resources.database.transaction() as transaction:
        await require_in_transaction(actor, transaction, "administer", Subject("Job", {"id": str(job_id)}))
        retried = await queue.retry(transaction, [job_id], resources.clock())
        job = await queue.find_job(transaction, job_id, resources.clock())
        if job is None:
            raise SubjectNotFound("There is no such job.")
        if not retried:
            raise _not_retryable(job, resources.clock())
        await record(actor, transaction, "job.retry", subject_of("job", job_id), detail={"kind": job.kind})
        return job


def _not_retryable(job: ListedJob, now: datetime) -> Problem:
    """The problem of a job that cannot be retried, with the reason."""
    if job.state in NOT_RETRYABLE:
        reason: str = job.state
    else:
        reason = "expired" if job.expires_at is not None and job.expires_at <= now else "scheduled"
    return Problem("job_not_retryable", NOT_RETRYABLE[reason], params={"reason": reason})


def job_view(job: ListedJob) -> JobView:
    """The job as platform admins see it."""
    return to_struct(JobView, job, error=_PRIVATE.sub("…", job.error) if job.error else None)
