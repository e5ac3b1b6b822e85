"""The service under measurement: `ostiary serve` in its own processes, on an embedded PostgreSQL."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.postgres import migrate
from app.postgres.database import Database
from app.postgres.embedded import embedded_postgres
from bench.data import USERS, Data, insert_data
from bench.processes import Running, running


@contextmanager
def filled_database(users_number: int = USERS) -> Iterator[tuple[Path, str, Data]]:
    """A directory of this run in .bench/, the DSN of a database in this directory, and the data of the database."""
    home = Path(".bench").absolute()
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as directory, embedded_postgres(Path(directory)) as dsn:
        asyncio.run(_migrate(dsn))
        yield Path(directory), dsn, asyncio.run(insert_data(dsn, users_number))


@contextmanager
def serving(directory: Path, settings: Mapping[str, str]) -> Iterator[Running]:
    """A service with one worker and these settings. Its log is a file in `directory`."""
    command = [str(Path(sys.executable).with_name("ostiary")), "serve"]
    # By default one network gets a quarter of the hash queue, and the load comes from one.
    environ = {"WORKERS": "1", "HASH_QUEUE": "256", **settings}
    with running(command, environ, "/health/ready", directory) as service:
        yield service


async def _migrate(dsn: str) -> None:
    async with Database(dsn, 2).connected() as database:
        await migrate.upgrade(database.engine)
