"""The `ostiary` command: serving, working, setting up, and the groups of commands in the files beside this one."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app import logs
from app.audit import OPERATOR
from app.cli.console import fail, with_resources
from app.cli.database import database
from app.cli.jobs import job_commands
from app.cli.languages import languages
from app.cli.policy import policy
from app.cli.service_accounts import service_accounts
from app.cli.signing_keys import signing_keys
from app.cli.users import users
from app.domain.flows.accept_invitation import new_setup_link
from app.domain.languages.importing import ImportFileError
from app.errors import Problem
from app.guards.policy_expectations import InvalidExpectations
from app.postgres.embedded import EmbeddedPostgresError
from app.postgres.migrate import MigrationError
from app.server.errors import ServiceError
from app.server.serve import serve, work
from app.settings.load import SettingsError, load


def main() -> None:
    """Run the command: exit code 0 for success, 1 for a failure with one line for each cause, 2 for wrong usage."""
    with _sigterm_as_interrupt():
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
def _sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does, so that an embedded database that it runs is stopped."""

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


for group in (users, service_accounts, languages, policy, job_commands, signing_keys, database):
    cli.add_command(group)


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
    link = with_resources(lambda resources: new_setup_link(OPERATOR, resources))
    if link is None:
        raise ServiceError("a platform admin exists already: use `ostiary users grant-admin EMAIL`")
    click.echo(f"Setup link: {link}")
