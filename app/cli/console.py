"""What the commands share: the services of this process, and lines on the terminal."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import click

from app import logs
from app.asgi import Services, wire
from app.clock import utc_now
from app.postgres import migrate
from app.server import connect, reach_database
from app.settings.load import load
from app.settings.model import Settings

T = TypeVar("T")

# How many rows a list reads at a time.
PAGE = 200


def with_services(work: Callable[[Services], Awaitable[T]], *, migrated: bool = True) -> T:
    """Run `work` with the services of this process, on the database of the settings, which must be migrated."""

    async def run(settings: Settings) -> T:
        async with connect(settings) as database:
            if migrated:
                await migrate.require_current(database.engine)
            services = wire(settings, database, utc_now)
            try:
                return await work(services)
            finally:
                await services.hasher.close()

    logs.configure_logging()
    with reach_database(load(os.environ)) as settings:
        return asyncio.run(run(settings))


def fail(lines: Iterable[str]) -> None:
    """Print what is wrong on standard error, and end with exit code 1."""
    for line in lines:
        click.echo(_visible(f"ostiary: {line}"), err=True)
    sys.exit(1)


def row(*values: str) -> str:
    """One line of a list, its values separated by tabs."""
    return "\t".join(map(_visible, values))


def _visible(text: str) -> str:
    """The text on one line, without what would command the terminal: names come from users."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
