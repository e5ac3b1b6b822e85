"""Mail: how fast one worker delivers what is queued, and what signed-in readers feel of it. `python -m bench.mail`"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Self

import msgspec

from app import migrate
from app.asgi import wire
from app.auth.addresses import normalise
from app.clock import utc_now
from app.database import Database
from app.domain.keys.repository import KeyRepository
from app.domain.sessions.schemas import Client
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.embedded import embedded_postgres
from app.settings import Settings, load

MAILS = 1000
IDLE_SECONDS = 5.0
SECRET_KEY = "a key of the benchmark 4Xw1kQz8vRt6Lm2N"
FLOOR = 50


class Readers:
    """Signed-in reads, one after the other, until stopped; their times in milliseconds."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._stop = Event()
        self._thread = Thread(target=self._read)
        self.times: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def p(self, percentile: int) -> float:
        """A percentile of the times."""
        return statistics.quantiles(self.times, n=100)[percentile - 1]

    def _read(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port)
        while not self._stop.is_set():
            started = time.perf_counter()
            connection.request("GET", "/api/session", headers={"Authorization": f"Bearer {self._token}"})
            response = connection.getresponse()
            response.read()
            self.times.append((time.perf_counter() - started) * 1000)
            if response.status != 200:
                raise RuntimeError(f"answered {response.status}")


def main() -> None:
    """Print mails per second, and the reads' times before and meanwhile."""
    home = Path(".bench").absolute()
    home.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=home) as directory,
        embedded_postgres(Path(directory)) as dsn,
        _process("-m", "bench.sink", str(MAILS)) as sink,
    ):
        port = _free_port()
        environ = {
            "PATH": os.defpath,
            "DATABASE_URL": dsn,
            "PORT": str(port),
            "SECRET_KEY": SECRET_KEY,
            "MAIL_URL": f"smtp://127.0.0.1:{_line(sink)}",
            "MAIL_FROM": "Ostiary <no-reply@example.org>",
            "ACCESS_LOG": "off",
        }
        settings = load(environ)
        token = asyncio.run(_prepare(settings))
        with _process("-c", "from app.cli import main; main()", "serve", environ=environ) as service:
            _line(service)
            _wait_until_ready(port)
            with Readers(port, token) as idle:
                time.sleep(IDLE_SECONDS)
            started = time.perf_counter()
            asyncio.run(_enqueue(settings))
            queued = time.perf_counter()
            with Readers(port, token) as busy:
                _line(sink)
                delivered = time.perf_counter()
    rate = MAILS / (delivered - queued)
    print(f"mails queued    {MAILS / (queued - started):8.0f} /s  in one transaction")
    print(f"mails delivered {rate:8.0f} /s  (floor {FLOOR})")
    print(f"signed-in reads, idle      p50 {idle.p(50):6.2f} ms  p99 {idle.p(99):6.2f} ms")
    print(f"signed-in reads, meanwhile p50 {busy.p(50):6.2f} ms  p99 {busy.p(99):6.2f} ms")
    print(f"p99 meanwhile to idle {busy.p(99) / idle.p(99):9.2f}")


async def _prepare(settings: Settings) -> str:
    """Migrate, and sign one user in; gives the token."""
    async with Database(settings.database_url or "", 2).connected() as database:
        await migrate.upgrade(database.engine)
        services, now = wire(settings, database, utc_now), utc_now()
        async with database.transaction() as transaction:
            user = await UserRepository(session=transaction).add(
                User(email="ada@example.org", name="Ada", onboarded_at=now, created_at=now, updated_at=now)
            )
            await KeyRepository(session=transaction).add_primary(user.id, normalise(user.email).unique, None, now)
            started = await services.sessions.start(
                transaction, user_id=user.id, platform_role=None, method="code", client=Client(), replaces=None
            )
        services.hasher.close()
        return started.token


async def _enqueue(settings: Settings) -> None:
    async with Database(settings.database_url or "", 2).connected() as database:
        mail = wire(settings, database, utc_now).mail
        async with database.transaction() as transaction:
            for number in range(MAILS):
                await mail.enqueue(
                    transaction,
                    to=f"user{number}@example.org",
                    template="sign_in",
                    values={"code": f"{number:08}", "link": f"{settings.public_url}/redeem#token=osk_{number:043}"},
                    locale=("en", "de")[number % 2],
                    expires_at=utc_now() + timedelta(minutes=10),
                )


@contextmanager
def _process(*arguments: str, environ: dict[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    environ = {**(environ or {}), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, *arguments], env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _line(process: "subprocess.Popen[str]") -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError(f"{msgspec.json.encode(process.args).decode()} has ended")
    return line.strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(port: int) -> None:
    for _ in range(300):
        try:
            connection = HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the service did not start")


if __name__ == "__main__":
    main()
