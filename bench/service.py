"""The services under measurement: `ostiary serve` and the apps of `bench.bare`, on an embedded PostgreSQL."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from app.postgres import migrate
from app.postgres.database import Database
from app.postgres.embedded import embedded_postgres
from bench import bare
from bench.data import USERS, Data, insert_data
from bench.processes import Running, running

MAX_CONNECTIONS = 500
SECRET_KEY = "a key of the benchmark 4Xw1kQz8vRt6Lm2N"


@contextmanager
def postgres() -> Iterator[tuple[Path, str]]:
    """A directory of this run in .bench/, and the DSN of an empty database in this directory."""
    home = Path(".bench").absolute()
    home.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=home) as directory,
        embedded_postgres(Path(directory), MAX_CONNECTIONS) as dsn,
    ):
        yield Path(directory), dsn


@contextmanager
def filled_database(users_number: int = USERS) -> Iterator[tuple[Path, str, Data]]:
    """A directory of this run in .bench/, the DSN of a database in this directory, and the data of the database."""
    with postgres() as (directory, dsn):
        yield directory, dsn, asyncio.run(_fill(dsn, users_number))


def one_more_database(dsn: str, name: str, users_number: int) -> tuple[str, Data]:
    """Another database of the server of `dsn`: its DSN and its data."""
    asyncio.run(_execute(dsn, f'CREATE DATABASE "{name}"'))
    other = dsn.replace("/postgres?", f"/{name}?")
    return other, asyncio.run(_fill(other, users_number))


# Refused sign-ins are measured too, and come from one network.
MANY_GUESSES = dict.fromkeys(
    ("LIMIT_GUESS_BY_CLIENT", "LIMIT_GUESS_BY_ACCOUNT_STRANGERS", "LIMIT_GUESS_BY_ACCOUNT_CONSECUTIVE"), "999999/day"
)


@contextmanager
def serving(directory: Path, settings: Mapping[str, str]) -> Iterator[Running]:
    """A service with one worker and these settings. Its log is a file in `directory`."""
    command = [str(Path(sys.executable).with_name("ostiary")), "serve"]
    # By default one network gets a quarter of the hash queue, and the load comes from one.
    environ = {"WORKERS": "1", "HASH_QUEUE": "256", "SECRET_KEY": SECRET_KEY, **MANY_GUESSES, **settings}
    with running(command, environ, "/health/ready", directory) as service:
        yield service


@contextmanager
def serving_bare(directory: Path, name: str) -> Iterator[Running]:
    """The app of this name in `bench.bare.FACTORIES`, with one worker."""
    command = [sys.executable, "-m", "bench.bare", name]
    with running(command, {"WORKERS": "1"}, bare.PATH, directory) as service:
        yield service


async def _fill(dsn: str, users_number: int) -> Data:
    async with Database(dsn, 2).connected() as database:
        await migrate.upgrade(database.engine)
    return await insert_data(dsn, users_number)


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
