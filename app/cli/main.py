"""The `ostiary` command."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import click

from app import logs
from app.asgi import Services
from app.cli.console import PAGE, fail, row, with_services
from app.cli.jobs import job_commands
from app.cli.policy import policy
from app.domain.languages.importing import ImportFileError, read_languages
from app.errors import Problem
from app.guards.policy_expectations import InvalidExpectations
from app.postgres import migrate
from app.postgres.embedded import EmbeddedPostgresError
from app.postgres.migrate import MigrationError
from app.server import ServiceError, serve, work
from app.settings.load import SettingsError, load


def main() -> None:
    """Run the command: exit code 0 for success, 1 for a failure that is told in one line each, 2 for wrong usage."""
    with _unwinding_on_sigterm():
        try:
            cli.main(standalone_mode=False)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (SettingsError, ImportFileError, InvalidExpectations) as error:
            fail(error.lines)
        except (ServiceError, EmbeddedPostgresError, MigrationError) as error:
            fail([str(error)])
        except Problem as error:
            fail([f"{item.field}: {item.message}" for item in error.errors] or [error.detail or error.kind.title])
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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ostiary", prog_name="ostiary")
def cli() -> None:
    """Ostiary: authentication and access control.

    Settings come from the environment; the README lists them.
    """


cli.add_command(policy)
cli.add_command(job_commands)


@cli.command("serve")
def serve_command() -> None:
    """Run the service until Ctrl-C.

    Without DATABASE_URL an embedded PostgreSQL runs from DATA_DIR. Migrations are applied first.
    """
    logs.configure_logging()
    serve(load(os.environ), click.echo)


@cli.command("work")
def work_command() -> None:
    """Deliver mail and clean up until Ctrl-C, without serving requests.

    `ostiary serve` does both by itself, unless RUN_JOBS=off.
    """
    logs.configure_logging()
    work(load(os.environ), click.echo)


@cli.command()
def setup() -> None:
    """Print a new setup link, which makes the first platform admin. It voids the link printed before."""
    link = with_services(lambda services: services.invitations.setup_link())
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
                click.echo(row(str(user.id), user.email, user.name, user.platform_role or "-", user.status))
            after = page[-1].created_at, page[-1].id

    with_services(run)


@users.command("create")
@click.argument("email")
@click.option("--name", default="", help="How the person is called.")
@click.option("--admin", is_flag=True, help="Make them a platform admin.")
def create_user(email: str, name: str, admin: bool) -> None:
    """Create a user, and print the invitation link with which they set their secret."""
    link = with_services(lambda services: services.invitations.create_user(email, name, "admin" if admin else None))
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
                click.echo(row(language.code, language.name, language.autonym, language.text_direction))
            after = page[-1].code

    with_services(run)


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

    click.echo(f"{with_services(run)} languages created")


@cli.group()
def database() -> None:
    """Migrate the database."""


@database.command()
def upgrade() -> None:
    """Apply all pending migrations, all or none. `ostiary serve` does this by itself."""

    async def run(services: Services) -> str | None:
        await migrate.upgrade(services.database.engine)
        return await migrate.current(services.database.engine)

    click.echo(f"The database is at {with_services(run, migrated=False)}")


@database.command()
def current() -> None:
    """Print the revision that the database is at."""
    found = with_services(lambda services: migrate.current(services.database.engine), migrated=False)
    click.echo(found or "empty")


def _change_user(email: str, operation: Callable[[Services], Callable[[UUID], Awaitable[None]]]) -> None:
    async def run(services: Services) -> None:
        await operation(services)(await services.keys.find_user(email))

    with_services(run)
