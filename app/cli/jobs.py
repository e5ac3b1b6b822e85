"""`ostiary jobs`: mail and other work that waits in the database."""

from collections.abc import Sequence
from uuid import UUID

import click

from app.cli.console import PAGE, fail, row, with_resources
from app.clock import utc_now
from app.domain.resources import Resources
from app.jobs import queue
from app.jobs.models import STATES, Job


@click.group("jobs")
def job_commands() -> None:
    """List, retry and discard jobs."""


@job_commands.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only these; by default all that are not done.")
def list_jobs(state: str | None) -> None:
    """List jobs: id, kind, state, attempts, created, due and last error, separated by tabs."""

    async def run(resources: Resources) -> None:
        after = None
        while page := await _jobs_page(resources, state, after):
            for job in page:
                created, due = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (job.created_at, job.due_at))
                click.echo(row(str(job.id), job.kind, job.state, str(job.attempts), created, due, job.error or "-"))
            after = page[-1].id

    with_resources(run)


@job_commands.command("retry")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=click.UUID)
@click.option("--dead", is_flag=True, help="Every dead job.")
def retry_jobs(ids: tuple[UUID, ...], dead: bool) -> None:
    """Run waiting or dead jobs again at once, with the count of attempts reset.

    A job that has expired cannot run again: what it would send is worthless.
    """
    if bool(ids) == dead:
        raise click.UsageError("name the jobs, or use --dead")

    async def run(resources: Resources) -> list[UUID]:
        async with resources.database.transaction() as transaction:
            return await queue.retry(transaction, None if dead else ids, utc_now())

    _report(ids, with_resources(run), "queued again", "cannot run again (it runs, is done, has expired or is unknown)")


@job_commands.command("discard")
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=click.UUID)
def discard_jobs(ids: tuple[UUID, ...]) -> None:
    """Delete jobs for good. One that is running or scheduled stays."""

    async def run(resources: Resources) -> list[UUID]:
        async with resources.database.transaction() as transaction:
            return await queue.discard(transaction, ids)

    _report(ids, with_resources(run), "discarded", "cannot be discarded (it runs, is scheduled or is unknown)")


async def _jobs_page(resources: Resources, state: str | None, after: UUID | None) -> Sequence[Job]:
    async with resources.database.transaction() as transaction:
        return await queue.list_jobs(transaction, state, after, PAGE)


def _report(asked: Sequence[UUID], done: Sequence[UUID], success: str, failure: str) -> None:
    for job_id in done:
        click.echo(f"{job_id} {success}")
    if left := [job_id for job_id in asked if job_id not in done]:
        fail([f"{job_id} {failure}" for job_id in left])
