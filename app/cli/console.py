"""What the commands share: the resources of this process, and lines on the terminal."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import click

from app import logs
from app.clock import utc_now
from app.domain.resources import Resources, make_resources
from app.postgres import migrate
from app.server.databases import connect, reach_database
from app.settings.load import load
from app.settings.model import Settings

T = TypeVar("T")

# How many rows a list reads at a time.
PAGE = 200


def with_resources(work: Callable[[Resources], Awaitable[T]], *, migrated: bool = True) -> T:
    """Run `work` with the resources of this process, connected to the database of the settings.

    The database must be at the current revision, unless `migrated` is False.
    """

    async def run(settings: Settings) -> T:
        async with connect(settings) as database:
            if migrated:
                await migrate.require_current(database.engine)
            resources = make_resources(settings, database, utc_now)
            try:
                return await work(resources)
            finally:
                await resources.close()

    logs.configure_logging()
    with reach_database(load(os.environ)) as settings:
        return asyncio.run(run(settings))


def fail(lines: Iterable[str]) -> None:
    """Print each line on standard error, and end with exit code 1."""
    for line in lines:
        click.echo(_visible(f"ostiary: {line}"), err=True)
    sys.exit(1)


def row(*values: str) -> str:
    """One line of a list, its values separated by tabs."""
    return "\t".join(map(_visible, values))


def _visible(text: str) -> str:
    """The text on one line, with control characters escaped: names come from users, and must not command a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
