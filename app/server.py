"""Running the service: the database, its migrations, and the workers."""

import asyncio
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import asyncpg
import msgspec
from advanced_alchemy.exceptions import AdvancedAlchemyError
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server
from litestar.types import ASGIApp
from sqlalchemy.exc import SQLAlchemyError

from app.asgi import create_app, make_worker
from app.clock import utc_now
from app.domain.flows.accept_invitation import new_setup_link
from app.domain.resources import make_resources
from app.postgres import migrate
from app.postgres.database import Database
from app.postgres.embedded import embedded_postgres, reach_embedded_postgres
from app.settings.model import Settings

OLDEST_POSTGRES = 15
WORKER_STOP_SECONDS = 10
PARENT_CHECK_SECONDS = 0.5
# As long as the workers of a service that was killed may hold the port, and a little longer.
PORT_WAIT_SECONDS = 1.0
PORT_POLL_SECONDS = 0.1
# For commands, and for looking at the embedded database, while the service runs.
SPARE_CONNECTIONS = 20


class ServiceError(Exception):
    """The service cannot start, or reach its database; the message is one line for the operator."""


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run the service until SIGINT or SIGTERM: database, migrations, setup link, workers; then stop all of it.

    `announce` gets each line for the operator. Raises `ServiceError`, `EmbeddedPostgresError`, `MigrationError`.
    """
    with _noticed_interrupts() as interrupted, _database_for_serving(settings) as ready:
        address = _free_address(settings)
        link = asyncio.run(_prepare(ready))
        announce(f"Ostiary serves {settings.public_url} (on {settings.host}:{settings.port}; Ctrl-C stops it)")
        if link:
            announce(f"Setup link: {link}")
        # The workers read the environment again: this is how they learn the embedded database's address.
        os.environ["DATABASE_URL"] = ready.database_url or ""
        server = Server(
            "app.server:create_worker",
            factory=True,
            address=address,
            port=settings.port,
            workers=settings.workers,
            interface=Interfaces.ASGI,
            loop=Loops.uvloop,
            # HTTP/2 is for the proxy that ends TLS: there a body may come that no header has told of.
            http=HTTPModes.http1,
            websockets=False,
            log_level=LogLevels.warning,
            respawn_failed_workers=True,
            workers_kill_timeout=WORKER_STOP_SECONDS,
        )
        # A closed terminal ends the service; granian would go on without one, with new workers.
        server.on_startup(lambda: signal.signal(signal.SIGHUP, server.signal_handler_interrupt))
        if interrupted.is_set():
            raise KeyboardInterrupt
        server.serve()


def work(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run jobs until SIGINT or SIGTERM. Raises `ServiceError`, `EmbeddedPostgresError`."""
    with reached_database(settings) as ready:
        asyncio.run(_work(ready, announce))


async def _work(settings: Settings, announce: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    async with connect(settings) as database:
        resources = make_resources(settings, database, utc_now)
        async with resources.mail.open(), make_worker(resources).working():
            announce("Ostiary works (Ctrl-C stops it)")
            await stopped.wait()
        await resources.hasher.close()


def create_worker() -> ASGIApp:
    """The app of one worker, which ends with the process that started it: a killed parent leaves nobody at the port."""
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    app = create_app()
    # What has been made so far stays, and requests leave next to no cycles: with the collector looking elsewhere, and
    # less often, each costs a fifth to a third less.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return app


@contextmanager
def _noticed_interrupts() -> Iterator[threading.Event]:
    """The event that SIGINT and SIGTERM set, beside raising `KeyboardInterrupt`.

    Python drops an exception that comes in a finaliser or a callback: the service would then start all the same.
    """
    interrupted = threading.Event()

    def interrupt(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


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
    # Each worker has one pool for reads, one for writes, and a connection that listens for jobs.
    connections = settings.workers * (2 * settings.database_pool_size + 1) + SPARE_CONNECTIONS
    with embedded_postgres(settings.data_path, connections) as url:
        yield msgspec.structs.replace(settings, database_url=url)


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Database]:
    """The database of these settings, connected.

    Raises `ServiceError` where it does not let us in, and for what it refuses later.
    """
    database = Database(settings.database_url or "", min(settings.database_pool_size, 4))
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(database.connected())
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ServiceError(f"DATABASE_URL: the database cannot be reached: {_reason(error)}") from None
        if (major := await database.server_version()) < OLDEST_POSTGRES:
            raise ServiceError(f"DATABASE_URL: PostgreSQL {OLDEST_POSTGRES} or newer is needed, this is {major}")
        try:
            yield database
        except (asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, AdvancedAlchemyError) as error:
            raise ServiceError(f"the database refused: {_reason(error)}") from None


async def _prepare(settings: Settings) -> str | None:
    """Apply the migrations; gives a setup link where there is no platform admin."""
    async with connect(settings) as database:
        await migrate.upgrade(database.engine)
        resources = make_resources(settings, database, utc_now)
        try:
            return await new_setup_link(resources)
        finally:
            await resources.hasher.close()


def _free_address(settings: Settings) -> str:
    """The IP address of HOST, on which the port can be listened on. Raises `ServiceError`."""
    deadline = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        try:
            return _bound_address(settings.host, settings.port)
        except (OSError, UnicodeError) as error:
            if time.monotonic() > deadline:
                reason = error.strerror if isinstance(error, OSError) else "this is not the name of a host"
                raise ServiceError(f"cannot listen on {settings.host}:{settings.port}: {reason}") from None
        time.sleep(PORT_POLL_SECONDS)


def _bound_address(host: str, port: int) -> str:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    return str(address[0])


def _exit_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def _reason(error: BaseException) -> str:
    """What the database or the system itself said, in one line, without what the libraries wrap around it."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError):
        # Python's own text repeats a piece of the address, which may be of the password.
        return "the address cannot be read: percent-encode special characters in user and password"
    return (str(error).splitlines() or [type(error).__name__])[0]
