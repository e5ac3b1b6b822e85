"""Routes on jobs: mail and other work that waits in the database."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.params import FromPath, QueryParameter

from app.domain.jobs.schemas import JobView
from app.domain.jobs.service import job_view, list_jobs, retry_job
from app.domain.module import ResourcesDependency
from app.guards.authorize import Request, authorize, authorize_some
from app.http.pagination import DEFAULT_LIMIT, Page, decode_uuid_cursor, page_of
from app.http.parameters import Cursor, Limit
from app.http.requests import actor_of
from app.jobs.models import JobState

# The framework keeps the name `state` for itself.
InState = Annotated[JobState | None, QueryParameter(name="state", description="Only those in this state.")]


class JobController(Controller):
    """Jobs, for platform admins."""

    path = "/api/jobs"
    tags = ("Jobs",)

    @get(guards=[authorize_some("administer", "Job")])
    async def list_jobs(
        self,
        resources: ResourcesDependency,
        in_state: InState = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[JobView]:
        """Jobs, newest first: those in one state, or all that are not done."""
        rows = await list_jobs(resources, in_state, decode_uuid_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id, job_view)

    @post("/{job_id:uuid}/retry", guards=[authorize("administer", "Job", id_from="job_id")], status_code=200)
    async def retry_job(self, request: Request, resources: ResourcesDependency, job_id: FromPath[UUID]) -> JobView:
        """Try a waiting or dead job again at once, with the count of attempts reset. 409 if it cannot run again."""
        return job_view(await retry_job(actor_of(request), resources, job_id))
