"""`/admin/jobs`: mail and other work that waits or has failed, and trying it again."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter

from app.domain.jobs.service import job_view, list_jobs, retry_job
from app.domain.module import ResourcesDependency
from app.errors import Problem
from app.guards.authorize import Request, authorize, authorize_some
from app.http.pagination import DEFAULT_LIMIT, decode_uuid_cursor, page_of
from app.http.parameters import Cursor
from app.http.requests import actor_of
from app.jobs.models import STATES
from app.pages.admin.console import ADMIN, CONSOLE, done, query_of, show
from app.pages.html.controller import PageController
from app.pages.html.refusals import Refusal

JOBS = f"{ADMIN}/jobs"
# The framework keeps the name `state` for itself.
InState = Annotated[str, QueryParameter(name="state")]


class AdminJobsPage(PageController):
    """The jobs."""

    path = JOBS
    opt = CONSOLE

    @get(guards=[authorize_some("administer", "Job")])
    async def show_jobs(
        self, request: Request, resources: ResourcesDependency, in_state: InState = "dead", cursor: Cursor = None
    ) -> Response[bytes]:
        """The jobs of one state, newest first, as `GET /api/jobs` lists them: those that have failed, at first."""
        return await _page(request, resources, in_state, cursor)

    @post("/{job_id:uuid}/retry", guards=[authorize("administer", "Job", id_from="job_id")])
    async def retry(
        self, request: Request, resources: ResourcesDependency, job_id: FromPath[UUID], in_state: InState = "dead"
    ) -> Response[bytes]:
        """Try a job again at once, as `POST /api/jobs/{jobId}/retry` does."""
        try:
            await retry_job(actor_of(request), resources, job_id)
        except Problem as problem:
            return await _page(request, resources, in_state, refusal=Refusal(problem))
        return done(request, resources, JOBS + query_of(request), "job_retried")


async def _page(
    request: Request,
    resources: ResourcesDependency,
    in_state: str,
    cursor: str | None = None,
    refusal: Refusal | None = None,
) -> Response[bytes]:
    state = in_state if in_state in STATES else None
    rows = await list_jobs(resources, state, decode_uuid_cursor(cursor), DEFAULT_LIMIT + 1)
    page = page_of(rows, DEFAULT_LIMIT, lambda row: row.id, job_view)
    return await show(
        request,
        resources,
        "admin_jobs",
        "jobs",
        refusal=refusal,
        jobs=page.items,
        states=STATES,
        filters={"state": state or ""},
        next_cursor=page.next_cursor,
        cursor=cursor,
    )
