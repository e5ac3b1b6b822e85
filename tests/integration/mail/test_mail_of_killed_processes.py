"""A mail is not lost when the process that enqueues it, or the process that delivers it, is killed."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.clock import utc_now
from app.jobs.worker import LEASE
from tests.support.app import SECRET_KEY, RunningApp
from tests.support.mail_queue import TO, Sending, enqueue, states
from tests.support.run_jobs import drain
from tests.support.smtp_server import MailServer

WAIT_SECONDS = 30

CAUSE = """
import asyncio, os, sys
from app.domain.resources import make_resources
from app.clock import utc_now
from app.postgres.database import Database
from app.settings.load import load

async def main():
    settings = load(os.environ)
    async with Database(settings.database_url, 2).connected() as database:
        async with database.transaction() as transaction:
            await make_resources(settings, database, utc_now).mail.enqueue(
                transaction, to="grace@example.org", template="secret_changed", values={})
        print("committed", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

WORK = "from app.cli.main import cli; cli(['work'])"


@asynccontextmanager
async def process(app: RunningApp, *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process with the settings of the test's service. The process is killed when the context ends."""
    settings = app.settings
    environ = {
        "DATABASE_URL": settings.database_url or "",
        "MAIL_URL": settings.mail_url,
        "MAIL_FROM": settings.mail_from,
        "SECRET_KEY": SECRET_KEY,
        "DATA_DIR": settings.data_dir,
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    started = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def line_of(started: asyncio.subprocess.Process) -> str:
    assert started.stdout
    return (await started.stdout.readline()).decode().strip()


async def test_a_mail_is_delivered_if_its_process_is_killed_between_commit_and_delivery(
    server: MailServer, sending: Sending
) -> None:
    async with sending(server) as app, asyncio.timeout(WAIT_SECONDS):
        async with process(app, "-c", CAUSE) as cause:
            assert await line_of(cause) == "committed"
            cause.kill()
        async with process(app, "-c", WORK) as delivering:
            assert (await line_of(delivering)).startswith("Ostiary works")
            await server.reached.wait()
            delivering.send_signal(signal.SIGTERM)
            assert await delivering.wait() == 0
        assert await states(app) == [("done", 1)]
    assert server.recipients == [TO]


async def test_a_mail_is_delivered_if_its_worker_is_killed_during_delivery(
    server: MailServer, sending: Sending
) -> None:
    server.may_answer.clear()
    async with sending(server) as app, asyncio.timeout(WAIT_SECONDS):
        await enqueue(app)
        async with process(app, "-c", WORK) as delivering:
            await server.reached.wait()
            delivering.kill()
        assert await states(app) == [("running", 1)]
        app.clock.now = utc_now() + LEASE
        server.drop_connections()
        server.may_answer.set()
        server.received.clear()
        await drain(app.worker)
        assert await states(app) == [("done", 2)]
    assert server.recipients == [TO]
