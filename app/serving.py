"""Running the service: the database, its migrations, and the workers."""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
import msgspec
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server
from litestar.types import ASGIApp

from app import migrate
from app.asgi import create_app, wire
from app.clock import utc_now
from app.database import Database
from app.embedded import embedded_postgres, reach_embedded_postgres
from app.settings import Settings

WORKER_STOP_SECONDS = 10
PARENT_CHECK_SECONDS = 0.5


class ServiceError(Exception):
    """The service cannot start, or reach its database; the message is one line for the operator."""


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run the service until SIGINT or SIGTERM: database, migrations, setup link, workers; then stop all of it.

    `announce` gets each line for the operator. Raises `ServiceError`, `EmbeddedPostgresError`.
    """
    _require_free_port(settings)
    with _stopping_on_sigterm(), _database_for_serving(settings) as ready:
        link = asyncio.run(_prepare(ready))
        announce(f"Ostiary serves {settings.public_url} (on {settings.host}:{settings.port}; Ctrl-C stops it)")
        if link:
            announce(f"Setup link: {link}")
        # The workers read the environment again: this is how they learn the embedded database's address.
        os.environ["DATABASE_URL"] = ready.database_url or ""
        Server(
            "app.serving:create_worker",
            factory=True,
            address=settings.host,
            port=settings.port,
            workers=settings.workers,
            interface=Interfaces.ASGI,
            loop=Loops.uvloop,
            websockets=False,
            log_level=LogLevels.warning,
            respawn_failed_workers=True,
            workers_kill_timeout=WORKER_STOP_SECONDS,
        ).serve()


def work(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run jobs until SIGINT or SIGTERM. Raises `ServiceError`, `EmbeddedPostgresError`."""
    with reached_database(settings) as ready:
        asyncio.run(_work(ready, announce))


async def _work(settings: Settings, announce: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    async with connect(settings) as database:
        services = wire(settings, database, utc_now)
        async with services.mail.open(), services.worker.working():
            announce("Ostiary works (Ctrl-C stops it)")
            await stopped.wait()
        services.hasher.close()


def create_worker() -> ASGIApp:
    """The app of one worker, which ends with the process that started it: a killed parent leaves nobody at the port."""
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    return create_app()


@contextmanager
def reached_database(settings: Settings) -> Iterator[Settings]:
    """Settings with the URL of a database that answers: the one that is set, or the embedded one."""
    if settings.database_url:
        yield settings
        return
    with reach_embedded_postgres(settings.data_path) as url:
        yield msgspec.structs.replace(settings, database_url=url)


@contextmanager
def _database_for_serving(settings: Settings) -> Iterator[Settings]:
    if settings.database_url:
        yield settings
        return
    with embedded_postgres(settings.data_path) as url:
        yield msgspec.structs.replace(settings, database_url=url)


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Database]:
    """The database of these settings, connected. Raises `ServiceError` where it does not let us in."""
    database = Database(settings.database_url or "", min(settings.database_pool_size, 4))
    try:
        async with database.connected():
            yield database
    except (
        OSError,
        asyncpg.PostgresConnectionError,
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
    ) as error:
        raise ServiceError(f"DATABASE_URL: the database cannot be reached: {_first_line(error)}") from None


async def _prepare(settings: Settings) -> str | None:
    """Apply the migrations; gives a setup link where there is no platform admin."""
    async with connect(settings) as database:
        await migrate.upgrade(database.engine)
        services = wire(settings, database, utc_now)
        try:
            return await services.keys.setup_link()
        finally:
            services.hasher.close()


@contextmanager
def _stopping_on_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind the stack like Ctrl-C does, while the workers' own handlers are not in place."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _require_free_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ServiceError(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None


def _exit_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
