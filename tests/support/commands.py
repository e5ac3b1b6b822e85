"""Run `ostiary` commands in the test's own process, with settings from environment variables."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from app.postgres import migrate
from tests.support.app import FAST_HASHES

HEAD = ScriptDirectory(str(migrate.MIGRATIONS)).get_current_head()


class Done(NamedTuple):
    """The exit code of a command, and its lines on standard output and standard error."""

    code: int
    out: list[str]
    err: list[str]

    @property
    def mistakes(self) -> list[str]:
        """The error lines of a command that failed with exit code 1, without the prefix `ostiary: `."""
        assert (self.code, self.out) == (1, []), self
        assert all(line.startswith("ostiary: ") for line in self.err), self.err
        return [line.removeprefix("ostiary: ") for line in self.err]


Run = Callable[..., Done]


def settings(monkeypatch: pytest.MonkeyPatch, **environ: str) -> None:
    """Set these environment variables, and the ones that every command in a test needs."""
    for name, value in {**FAST_HASHES, "DATA_DIR": "/nowhere/that/may/be/made", **environ}.items():
        monkeypatch.setenv(name, value)


def execute(url: str, statement: str) -> None:
    """Run one SQL statement on the database with this URL."""

    async def connect_and_execute() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(connect_and_execute())
