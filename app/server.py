"""Runs the service: database, migrations, HTTP workers, and the background worker of `ostiary work`."""

import asyncio
import gc
import os
import resource
import signal
import socket
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec
from advanced_alchemy.exceptions import AdvancedAlchemyError
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server
from litestar.types import ASGIApp
from sqlalchemy.exc import SQLAlchemyError

from app.asgi import create_app, make_worker
from app.audit import OPERATOR
from app.clock import utc_now
from app.domain.flows.accept_invitation import new_setup_link
from app.domain.resources import make_resources
from app.jobs.worker import ATTEMPT_SECONDS
from app.postgres import migrate
from app.postgres.database import Database
from app.postgres.embedded import embedded_postgres, reach_embedded_postgres
from app.postgres.url import DatabaseUrlError
from app.settings.load import load
from app.settings.model import Settings
from app.settings.rules import notices

T = TypeVar("T")

OLDEST_POSTGRES = 15
WORKER_STOP_SECONDS = 10
PARENT_CHECK_SECONDS = 0.5
# How long to wait for the port: the workers of a killed service release it within PARENT_CHECK_SECONDS.
PORT_WAIT_SECONDS = 1.0
PORT_POLL_SECONDS = 0.1
# Connections of the embedded database beside those of the workers: for `ostiary` commands and `psql`.
SPARE_CONNECTIONS = 20
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# Open files of a worker that are no connections of clients or the database and no hash processes: its program, mail.
OTHER_OPEN_FILES = 150
OPEN_FILES_PER_HASH_PROCESS = 4
# `ulimit -n unlimited` is more than Linux allows a process.
OPEN_FILES_MAX = 1_048_576
# Connections that the system accepts before a worker takes them; `net.core.somaxconn` bounds it.
BACKLOG = 4096
# The largest head of a request, and of what the server holds of one answer.
CONNECTION_BUFFER_BYTES = 64 * 1024
# What the system holds of the answers of one connection. It would grow to megabytes for a client that reads nothing.
SEND_BUFFER_BYTES = 128 * 1024
LISTENER_POLL_SECONDS = 0.02


class ServiceError(Exception):
    """The service cannot start, or cannot use its database. The message is one line for the operator."""


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run `ostiary serve` until SIGINT, SIGTERM or SIGHUP: start the database, migrate it, run the workers.

    `announce` is called with each line for the operator. Raises `ServiceError`, `EmbeddedPostgresError` or
    `MigrationError`.
    """
    connections = _connections_left(_raise_open_files(), settings)
    with _interrupt_event() as interrupted, _start_database(settings) as running:
        address = _wait_for_port(settings)
        link = _run_cancellably(_migrate_and_make_setup_link(running))
        announce(
            f"Ostiary serves {settings.public_url} (on {settings.host}:{settings.port}, "
            f"up to {connections:,} connections of each worker; Ctrl-C stops it)"
        )
        for notice in notices(running):
            announce(notice)
        if link:
            announce(f"Setup link: {link}")
        # Each worker reads its settings from the environment, and needs the address of the embedded database.
        os.environ["DATABASE_URL"] = running.database_url or ""
        server = Server(
            "app.server:create_worker",
            factory=True,
            address=address,
            port=settings.port,
            workers=settings.workers,
            interface=Interfaces.ASGI,
            loop=Loops.uvloop,
            # Not HTTP/2, where a request may have a body without Content-Length and Transfer-Encoding. A proxy that
            # terminates TLS may still offer HTTP/2 to its clients.
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            # Granian counts connections. Requests are bounded by the app (`RunningRequests`), connections only by the
            # limit of open files: without this the database and mail would be out of reach at that limit.
            backpressure=connections,
            # Granian closes a connection that sends no complete head for this long, the first one or the next.
            http1_settings=HTTP1Settings(
                header_read_timeout=settings.keep_alive_seconds * 1000, max_buffer_size=CONNECTION_BUFFER_BYTES
            ),
            log_level=LogLevels.warning,
            respawn_failed_workers=True,
            workers_kill_timeout=WORKER_STOP_SECONDS,
        )
        # A closed terminal stops the service. By default, Granian would start new workers on SIGHUP.
        server.on_startup(lambda: signal.signal(signal.SIGHUP, server.signal_handler_interrupt))
        if interrupted.is_set():
            raise KeyboardInterrupt
        server.serve()


def work(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run `ostiary work`, a background worker without HTTP, until SIGINT or SIGTERM.

    `announce` is called with each line for the operator. Raises `ServiceError` or `EmbeddedPostgresError`.
    """
    with reach_database(settings) as running:
        asyncio.run(_work_until_signal(running, announce))


async def _work_until_signal(settings: Settings, announce: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    async with connect(settings, ATTEMPT_SECONDS) as database:
        resources = make_resources(settings, database, utc_now)
        async with resources.mail.open(), make_worker(resources).working():
            announce("Ostiary works (Ctrl-C stops it)")
            await stopped.wait()
        await resources.close()


def create_worker() -> ASGIApp:
    """The app of one HTTP worker. The worker exits when its parent process is gone, so that the port becomes free."""
    threading.Thread(target=_exit_when_parent_is_gone, args=(os.getppid(),), daemon=True).start()
    settings = load(os.environ)
    limits = (settings.port, settings.reader_timeout_seconds)
    threading.Thread(target=_limit_unread_answers, args=limits, daemon=True).start()
    app = create_app()
    # Exclude the objects of the start from garbage collection, and collect rarely: requests create few cycles. This
    # saves 20 to 33 % of the CPU time of a request.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return app


def _run_cancellably(work: Coroutine[None, None, T]) -> T:
    """Run `work`, which SIGINT and SIGTERM cancel where it awaits. Raises `KeyboardInterrupt` then.

    An exception that a signal raises anywhere could end asyncpg's C code half-way, which crashes the process.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    signalled = threading.Event()

    async def cancellable() -> T:
        running = asyncio.ensure_future(work)

        def cancel() -> None:
            signalled.set()
            running.cancel()

        for number in handlers:
            asyncio.get_running_loop().add_signal_handler(number, cancel)
        return await running

    try:
        outcome = asyncio.run(cancellable())
    except BaseException:
        if signalled.is_set():
            raise KeyboardInterrupt from None
        raise
    else:
        if signalled.is_set():  # the libraries can swallow a cancellation
            raise KeyboardInterrupt
        return outcome
    finally:
        for number, handler in handlers.items():  # the end of the loop has set the defaults
            signal.signal(number, handler)


@contextmanager
def _interrupt_event() -> Iterator[threading.Event]:
    """Let SIGINT and SIGTERM raise `KeyboardInterrupt` and set the event, while the context lasts.

    Python discards an exception that is raised in a finaliser or a callback. The event still shows the signal.
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
def reach_database(settings: Settings) -> Iterator[Settings]:
    """The settings with `database_url` set: DATABASE_URL or, without it, the embedded database (started if necessary).

    Raises `EmbeddedPostgresError`.
    """
    if settings.database_url:
        yield settings
        return
    with reach_embedded_postgres(settings.data_path) as url:
        yield msgspec.structs.replace(settings, database_url=url)


@contextmanager
def _start_database(settings: Settings) -> Iterator[Settings]:
    """The settings with `database_url` set: DATABASE_URL or, without it, the embedded database (started here).

    Raises `EmbeddedPostgresError`, also if another process has started it: one service at a time can use a DATA_DIR.
    """
    if settings.database_url:
        yield settings
        return
    connections = settings.workers * _database_connections(settings) + SPARE_CONNECTIONS
    with embedded_postgres(settings.data_path, connections) as url:
        yield msgspec.structs.replace(settings, database_url=url)


@asynccontextmanager
async def connect(settings: Settings, statement_seconds: float | None = None) -> AsyncIterator[Database]:
    """The connected database of `settings.database_url`. By default its statements may take any time, as migrations do.

    Raises `ServiceError` if the database cannot be reached or is too old, and turns database errors inside the context
    into `ServiceError`.
    """
    try:
        database = Database(
            settings.database_url or "",
            min(settings.database_pool_size, 4),
            acquire_seconds=settings.database_acquire_seconds,
            statement_seconds=statement_seconds,
            transaction_pooler=settings.database_pooler == "transaction",
        )
    except DatabaseUrlError as error:
        raise ServiceError(f"DATABASE_URL: {error}") from None
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(database.connected())
        except (OSError, ValueError, *DRIVER_ERRORS) as error:
            raise ServiceError(f"DATABASE_URL: the database cannot be reached: {_original_message(error)}") from None
        if (major := await database.server_version()) < OLDEST_POSTGRES:
            raise ServiceError(f"DATABASE_URL: PostgreSQL {OLDEST_POSTGRES} or newer is needed, this is {major}")
        try:
            yield database
        except (*DRIVER_ERRORS, SQLAlchemyError, AdvancedAlchemyError) as error:
            raise ServiceError(f"the database refused: {_original_message(error)}") from None


async def _migrate_and_make_setup_link(settings: Settings) -> str | None:
    """Apply the migrations. Returns a setup link if there is no platform admin, else None."""
    async with connect(settings) as database:
        await migrate.upgrade(database.engine)
        resources = make_resources(settings, database, utc_now)
        try:
            return await new_setup_link(OPERATOR, resources)
        finally:
            await resources.close()


def _wait_for_port(settings: Settings) -> str:
    """Wait until PORT is free on HOST, for at most PORT_WAIT_SECONDS. Returns HOST's IP address.

    Raises `ServiceError`.
    """
    deadline = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        try:
            return _resolve_and_bind(settings.host, settings.port)
        except (OSError, UnicodeError) as error:
            if time.monotonic() > deadline:
                reason = error.strerror if isinstance(error, OSError) else "this is not the name of a host"
                raise ServiceError(f"cannot listen on {settings.host}:{settings.port}: {reason}") from None
        time.sleep(PORT_POLL_SECONDS)


def _resolve_and_bind(host: str, port: int) -> str:
    """The IP address of `host`. Raises `OSError` if `port` cannot be bound there, `UnicodeError` for no host name."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    return str(address[0])


def _database_connections(settings: Settings) -> int:
    """Those of a worker: an asyncpg pool, the pool of the SQLAlchemy engine, and a connection that listens for jobs."""
    return 2 * settings.database_pool_size + 1


def _connections_left(open_files: int, settings: Settings) -> int:
    """How many connections of clients a worker may hold. Raises `ServiceError` if that is none."""
    hashing = settings.hash_concurrency * OPEN_FILES_PER_HASH_PROCESS
    needed = _database_connections(settings) + hashing + OTHER_OPEN_FILES
    if open_files <= needed:
        raise ServiceError(f"{open_files} open files are too few (ulimit -n): a worker needs more than {needed}")
    return open_files - needed


def _raise_open_files() -> int:
    """Raise the limit of open files of this process and its workers as far as it may, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(soft, OPEN_FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES_MAX))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def _limit_unread_answers(port: int, seconds: int) -> None:
    """Let the system close connections whose client reads nothing of an answer for so many seconds.

    Granian has no such limit and does not pass its sockets on. It listens only after the app has started; from then on,
    a connection inherits the options of the listening socket (tcp(7), TCP_USER_TIMEOUT).
    """
    while (listener := _listener(port)) is None:
        time.sleep(LISTENER_POLL_SECONDS)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)


def _listener(port: int) -> socket.socket | None:
    """A copy of the socket of this process that listens on the port; None if there is none yet."""
    for entry in Path("/dev/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            if not stat.S_ISSOCK(entry.stat().st_mode):
                continue
            candidate = socket.socket(fileno=os.dup(int(entry.name)))
            is_listening = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if is_listening and candidate.family != socket.AF_UNIX and candidate.getsockname()[1] == port:
                return candidate
            candidate.close()
    return None


def _exit_when_parent_is_gone(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def _original_message(error: BaseException) -> str:
    """The first line of the innermost cause: the message of the database or the system, not of the libraries."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError):
        # Python's message quotes a part of the address, which may contain the password.
        return "the address cannot be read: percent-encode special characters in user and password"
    return (str(error).splitlines() or [type(error).__name__])[0]
