"""Running the `ostiary` command in the test's own process, with settings in its environment."""

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
    """Exit code and what was printed, by lines."""

    code: int
    out: list[str]
    err: list[str]

    @property
    def mistakes(self) -> list[str]:
        """What a failed command says, without the prefix that each line has."""
        assert (self.code, self.out) == (1, []), self
        assert all(line.startswith("ostiary: ") for line in self.err), self.err
        return [line.removeprefix("ostiary: ") for line in self.err]


Run = Callable[..., Done]


def settings(monkeypatch: pytest.MonkeyPatch, **environ: str) -> None:
    """Set these variables, and those that every command of a test needs."""
    for name, value in {**FAST_HASHES, "DATA_DIR": "/nowhere/that/may/be/made", **environ}.items():
        monkeypatch.setenv(name, value)


def execute(url: str, statement: str) -> None:
    """Run one statement on this database."""

    async def work() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(work())
