"""The `ostiary` command, run in this process, and the databases of its tests."""

import asyncio
import sys
from collections.abc import Iterator

import pytest

from app.cli.main import main
from tests.conftest import EMPTY, make_database, make_migrated_database
from tests.support.commands import HEAD, Done, Run, execute, settings


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, because another process takes about 1 second to start."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["ostiary", *arguments])
        code: object = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        assert isinstance(code, int)
        return Done(code, out.splitlines(), err.splitlines())

    return run


@pytest.fixture(scope="session")
async def cli_url(server_url: str) -> str:
    """The URL of a migrated database for tests of commands."""
    return await make_migrated_database(server_url, "cli")


@pytest.fixture
def database(cli_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A migrated and empty database, which `DATABASE_URL` names."""
    execute(cli_url, EMPTY)
    settings(monkeypatch, DATABASE_URL=cli_url)
    yield cli_url
    execute(cli_url, f"UPDATE alembic_version SET version_num = '{HEAD}'")  # noqa: S608 # a constant


@pytest.fixture
def unmigrated(server_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database without tables, which `DATABASE_URL` names."""
    url = asyncio.run(make_database(server_url, "cli_empty"))
    settings(monkeypatch, DATABASE_URL=url)
    return url
