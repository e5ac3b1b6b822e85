"""The `ostiary` command."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import click

from app import jobs, migrate
from app.asgi import Services, wire
from app.clock import utc_now
from app.domain.languages.importing import ImportFileError, read_languages
from app.embedded import EmbeddedPostgresError
from app.errors import Problem
from app.guards.expectations import InvalidExpectations
from app.migrate import MigrationError
from app.observability import configure_logging
from app.policy_commands import policy
from app.serving import ServiceError, connect, reached_database, serve, work
from app.settings import Settings, SettingsError, load

T = TypeVar("T")

PAGE = 200


def main() -> None:
    """Run the command: exit code 0 for success, 1 for a failure that is told in one line each, 2 for wrong usage."""
    with _unwinding_on_sigterm():
        try:
            cli.main(standalone_mode=False)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (SettingsError, ImportFileError, InvalidExpectations) as error:
            _fail(error.lines)
        except (ServiceError, EmbeddedPostgresError, MigrationError) as error:
            _fail([str(error)])
        except Problem as error:
            _fail([f"{item.field}: {item.message}" for item in error.errors] or [error.detail or error.kind.title])
        except click.Abort:
            sys.exit(130)


@contextmanager
def _unwinding_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command like Ctrl-C does: an embedded database that it runs is stopped."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _fail(lines: list[str]) -> None:
    for line in lines:
        click.echo(_visible(f"ostiary: {line}"), err=True)
    sys.exit(1)


def _visible(text: str) -> str:
    """The text on one line, without what would command the terminal: names come from users."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _row(*values: str) -> str:
    return "\t".join(map(_visible, values))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ostiary", prog_name="ostiary")
def cli() -> None:
    """Ostiary: authentication and access control.

    Settings come from the environment; the README lists them.
    """


cli.add_command(policy)


@cli.command("serve")
def serve_command() -> None:
    """Run the service until Ctrl-C.

    Without DATABASE_URL an embedded PostgreSQL runs from DATA_DIR. Migrations are applied first.
    """
    configure_logging()
    serve(load(os.environ), click.echo)


@cli.command("work")
def work_command() -> None:
    """Deliver mail and clean up until Ctrl-C, without serving requests.

    `ostiary serve` does both by itself, unless RUN_JOBS=off.
    """
    configure_logging()
    work(load(os.environ), click.echo)


@cli.command()
def setup() -> None:
    """Print a new setup link, which makes the first platform admin. It voids the link printed before."""
    link = _with_services(lambda services: services.invitations.setup_link())
    if link is None:
        raise ServiceError("a platform admin exists already: use `ostiary users grant-admin EMAIL`")
    click.echo(f"Setup link: {link}")


@cli.group()
def users() -> None:
    """Administer users."""


@users.command("list")
def list_users() -> None:
    """List all users: id, address, name, platform role and status, separated by tabs."""

    async def run(services: Services) -> None:
        after = None
        while page := await services.users.page(after, PAGE):
            for user in page:
                click.echo(_row(str(user.id), user.email, user.name, user.platform_role or "-", user.status))
            after = page[-1].created_at, page[-1].id

    _with_services(run)


@users.command("create")
@click.argument("email")
@click.option("--name", default="", help="How the person is called.")
@click.option("--admin", is_flag=True, help="Make them a platform admin.")
def create_user(email: str, name: str, admin: bool) -> None:
    """Create a user, and print the invitation link with which they set their secret."""
    link = _with_services(lambda services: services.invitations.create_user(email, name, "admin" if admin else None))
    click.echo(f"Invitation link: {link}")


@users.command()
@click.argument("email")
def suspend(email: str) -> None:
    """Let nobody in as this user; their sessions and links end at once."""
    _change_user(email, lambda services: services.users.suspend)
    click.echo(f"{email} is suspended")


@users.command()
@click.argument("email")
def restore(email: str) -> None:
    """Undo a suspension."""
    _change_user(email, lambda services: services.users.restore)
    click.echo(f"{email} is active")


@users.command("grant-admin")
@click.argument("email")
def grant_admin(email: str) -> None:
    """Make the user a platform admin. Their sessions end: they sign in anew."""
    _change_user(email, lambda services: services.users.grant_admin)
    click.echo(f"{email} is a platform admin")


@users.command("revoke-admin")
@click.argument("email")
def revoke_admin(email: str) -> None:
    """Take the platform role away. The last platform admin stays."""
    _change_user(email, lambda services: services.users.revoke_admin)
    click.echo(f"{email} is no platform admin")


@cli.group()
def languages() -> None:
    """Administer languages."""


@languages.command("list")
def list_languages() -> None:
    """List all languages: code, name, autonym and text direction, separated by tabs."""

    async def run(services: Services) -> None:
        after = ""
        while page := await services.languages.page(None, after, PAGE):
            for language in page:
                click.echo(_row(language.code, language.name, language.autonym, language.text_direction))
            after = page[-1].code

    _with_services(run)


@languages.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_languages(file: Path) -> None:
    """Create the languages of FILE, all or none.

    A CSV file has a header with code, name and, if you like, autonym and textDirection; a JSON Lines file (.jsonl) has
    one object of these fields a line.
    """

    async def run(services: Services) -> int:
        rows = read_languages(file, services.languages.prepare)
        await services.languages.import_all(rows)
        return len(rows)

    click.echo(f"{_with_services(run)} languages created")


@cli.group("jobs")
def jobs_group() -> None:
    """Look after mail and other work that waits in the database."""


@jobs_group.command("list")
@click.option("--state", type=click.Choice(jobs.STATES), help="Only these; by default all that are not done.")
def list_jobs(state: str | None) -> None:
    """List jobs: id, kind, state, attempts, created, due and last error, separated by tabs."""

    async def run(services: Services) -> None:
        after = None
        while page := await _jobs_page(services, state, after):
            for job in page:
                click.echo(
                    "\t".join([
                        str(job.id), job.kind, job.state, str(job.attempts),
                        f"{job.created_at:%Y-%m-%dT%H:%M:%SZ}", f"{job.due_at:%Y-%m-%dT%H:%M:%SZ}", job.error or "-",
                    ])
                )  # fmt: skip
            after = page[-1].id

    _with_services(run)


@jobs_group.command("retry")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=click.UUID)
@click.option("--dead", is_flag=True, help="Every dead job.")
def retry_jobs(ids: tuple[UUID, ...], dead: bool) -> None:
    """Run waiting or dead jobs again at once, with all their attempts before them.

    A job that has expired cannot run again: what it would send is worthless.
    """
    if bool(ids) == dead:
        raise click.UsageError("name the jobs, or use --dead")

    async def run(services: Services) -> list[UUID]:
        async with services.database.transaction() as transaction:
            return await services.jobs.retry(transaction, None if dead else ids)

    _report(ids, _with_services(run), "queued again", "cannot run again (it runs, is done, has expired or is unknown)")


@jobs_group.command("discard")
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=click.UUID)
def discard_jobs(ids: tuple[UUID, ...]) -> None:
    """Delete jobs for good. One that is running stays."""

    async def run(services: Services) -> list[UUID]:
        async with services.database.transaction() as transaction:
            return await jobs.discard(transaction, ids)

    _report(ids, _with_services(run), "discarded", "cannot be discarded (it runs or is unknown)")


@cli.group()
def database() -> None:
    """Migrate the database."""


@database.command()
def upgrade() -> None:
    """Apply all pending migrations, all or none. `ostiary serve` does this by itself."""

    async def run(services: Services) -> str | None:
        await migrate.upgrade(services.database.engine)
        return await migrate.current(services.database.engine)

    click.echo(f"The database is at {_with_services(run, migrated=False)}")


@database.command()
def current() -> None:
    """Print the revision that the database is at."""
    found = _with_services(lambda services: migrate.current(services.database.engine), migrated=False)
    click.echo(found or "empty")


async def _jobs_page(services: Services, state: str | None, after: UUID | None) -> Sequence[jobs.Job]:
    async with services.database.transaction() as transaction:
        return await jobs.page(transaction, state, after, PAGE)


def _report(asked: Sequence[UUID], done: Sequence[UUID], success: str, failure: str) -> None:
    for job_id in done:
        click.echo(f"{job_id} {success}")
    if left := [job_id for job_id in asked if job_id not in done]:
        _fail([f"{job_id} {failure}" for job_id in left])


def _change_user(email: str, operation: Callable[[Services], Callable[[UUID], Awaitable[None]]]) -> None:
    async def run(services: Services) -> None:
        await operation(services)(await services.keys.find_user(email))

    _with_services(run)


def _with_services(work: Callable[[Services], Awaitable[T]], *, migrated: bool = True) -> T:
    """Run `work` with the services of this process, on the database of the settings, which must be migrated."""

    async def run(settings: Settings) -> T:
        async with connect(settings) as database:
            if migrated:
                await migrate.require_current(database.engine)
            services = wire(settings, database, utc_now)
            try:
                return await work(services)
            finally:
                services.hasher.close()

    configure_logging()
    with reached_database(load(os.environ)) as settings:
        return asyncio.run(run(settings))
