"""`ostiary database`: migrations."""

import click

from app.cli.console import with_resources
from app.domain.resources import Resources
from app.postgres import migrate


@click.group()
def database() -> None:
    """Migrate the database."""


@database.command()
def upgrade() -> None:
    """Apply all pending migrations, all or none. `ostiary serve` does this by itself."""

    async def run(resources: Resources) -> str | None:
        await migrate.upgrade(resources.database.engine)
        return await migrate.current(resources.database.engine)

    click.echo(f"The database is at {with_resources(run, migrated=False)}")


@database.command()
def current() -> None:
    """Print the revision that the database is at."""
    found = with_resources(lambda resources: migrate.current(resources.database.engine), migrated=False)
    click.echo(found or "empty")
