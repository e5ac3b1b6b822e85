"""The service under measurement: `ostiary serve` in its own processes, on an embedded PostgreSQL."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from app.postgres import migrate
from app.postgres.database import Database
from app.postgres.embedded import embedded_postgres
from bench.data import Data, insert_data

START_SECONDS = 30


@contextmanager
def filled_database() -> Iterator[tuple[Path, str, Data]]:
    """A directory of this run in .bench/, the DSN of a database in this directory, and the data of the database."""
    home = Path(".bench").absolute()
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as directory, embedded_postgres(Path(directory)) as dsn:
        asyncio.run(_migrate(dsn))
        yield Path(directory), dsn, asyncio.run(insert_data(dsn))


@contextmanager
def serving(directory: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """The base URL of a service with one worker and these settings. Its log is a file in `directory`."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {"PATH": os.defpath, "PORT": str(port), "WORKERS": "1", **settings}
    log = directory / f"server-{port}.log"
    with log.open("wb") as output:
        command = [str(Path(sys.executable).with_name("ostiary")), "serve"]
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            _wait_until_ready(process, url, log)
            yield url
        finally:
            process.terminate()
            process.wait()


async def _migrate(dsn: str) -> None:
    async with Database(dsn, 2).connected() as database:
        await migrate.upgrade(database.engine)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"{url}/health/ready", timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the service did not start:\n{log.read_text()[-2000:]}")
