"""Fixtures for tests of real processes and of a real SMTP server."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.app import RunningApp, running, settings_for
from tests.support.mail_queue import FROM, Sending
from tests.support.smtp_server import MailServer, mail_server


@pytest.fixture
def work_dir() -> Iterator[Path]:
    """A directory with mode 711, which other accounts may traverse; the directories of pytest have mode 700."""
    with tempfile.TemporaryDirectory(prefix="ostiary-test-") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    """A running SMTP server."""
    async with mail_server() as server:
        yield server


@pytest.fixture
def sending(app: RunningApp, database_url: str) -> Sending:
    """A function that starts a service whose mail goes to the given SMTP server."""

    @asynccontextmanager
    async def start(server: MailServer, url: str = "", **environ: str) -> AsyncIterator[RunningApp]:
        settings = settings_for(database_url, **{"MAIL_URL": url or server.url, "MAIL_FROM": FROM, **environ})
        async with running(settings, app.clock) as sending_app:
            yield sending_app

    return start
