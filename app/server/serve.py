"""Runs the service: database, migrations, HTTP workers, and the background worker of `ostiary work`."""

import asyncio
import os
import signal
from collections.abc import Callable

from app.asgi import make_worker
from app.audit import OPERATOR
from app.clock import utc_now
from app.domain.flows.accept_invitation import new_setup_link
from app.domain.resources import make_resources
from app.domain.tokens.service import make_first_key
from app.jobs.worker import ATTEMPT_SECONDS
from app.postgres import migrate
from app.server.databases import connect, fitted_to_database, reach_database, start_database
from app.server.listeners import http_server
from app.server.signals import interrupt_event, run_cancellably
from app.server.sockets import connections_left, raise_open_files, wait_for_port
from app.settings.model import Settings
from app.settings.rules import notices


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run `ostiary serve` until SIGINT, SIGTERM or SIGHUP: start the database, migrate it, run the workers.

    `announce` is called with each line for the operator. Raises `ServiceError`, `EmbeddedPostgresError` or
    `MigrationError`.
    """
    connections = connections_left(raise_open_files(), settings)
    with interrupt_event() as interrupted, start_database(settings) as running:
        listening = wait_for_port(settings)
        fitted, link = run_cancellably(_prepare_database(running))
        announce(
            f"Ostiary serves {settings.public_url} (on {' and '.join(listening)}, port {settings.port}, "
            f"up to {connections:,} connections of each worker; Ctrl-C stops it)"
        )
        for notice in notices(fitted):
            announce(notice)
        if link:
            announce(f"Setup link: {link}")
        # Each worker reads its settings from the environment.
        os.environ["DATABASE_URL"] = fitted.database_url or ""
        os.environ["DATABASE_POOL_SIZE"] = str(fitted.database_pool_size)
        server = http_server("app.server.worker:create_worker", listening[0], settings, connections)
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


async def _prepare_database(settings: Settings) -> tuple[Settings, str | None]:
    """Apply the migrations, and make what is missing.

    Returns the settings with pools that fit, and a setup link if nobody is platform admin.
    """
    async with connect(settings) as database:
        await migrate.upgrade(database.engine)
        resources = make_resources(settings, database, utc_now)
        try:
            await make_first_key(OPERATOR, resources)
            return await fitted_to_database(settings, database), await new_setup_link(OPERATOR, resources)
        finally:
            await resources.close()
