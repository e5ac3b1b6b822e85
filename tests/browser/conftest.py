"""Fixtures of the tests in a browser: Chromium, and the service in its documented deployments."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.support.app import RunningApp
from tests.support.browser import Served, Watched, chromium, serving_pages, watched


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, started once for each test process."""
    async with chromium() as started:
        yield started


@pytest.fixture(scope="session")
async def shared_served(shared_app: RunningApp, database_url: str) -> AsyncIterator[Served]:
    """The service with default settings: passwords, codes and invitations."""
    async with serving_pages(database_url, shared_app.clock) as served:
        yield served


@pytest.fixture
async def served(app: RunningApp, shared_served: Served) -> AsyncIterator[Served]:
    """The service with default settings, on the database and clock of the fixture `app`."""
    assert app.clock is shared_served.app.clock
    shared_served.app.sessions.forget_all()
    yield shared_served
    await shared_served.app.sessions.flush()


@pytest.fixture(scope="session")
async def shared_open_served(shared_app: RunningApp, database_url: str) -> AsyncIterator[Served]:
    """The service with codes alone, and open sign-up."""
    environ = {"SIGN_IN_METHODS": "code", "SIGN_UP": "open", "REQUIRED_PROFILE_FIELDS": "name,phone"}
    async with serving_pages(database_url, shared_app.clock, **environ) as served:
        yield served


@pytest.fixture
async def open_served(app: RunningApp, shared_open_served: Served) -> AsyncIterator[Served]:
    """The service with codes alone, on the database and clock of the fixture `app`."""
    assert app.clock is shared_open_served.app.clock
    shared_open_served.app.sessions.forget_all()
    yield shared_open_served
    await shared_open_served.app.sessions.flush()


@pytest.fixture
async def person(browser: Browser, served: Served) -> AsyncIterator[Watched]:
    """A person at the service with default settings, whose pages must report no error."""
    async with watched(browser, served.url) as watching:
        yield watching


@pytest.fixture
async def newcomer(browser: Browser, open_served: Served) -> AsyncIterator[Watched]:
    """A person at the service with codes alone and open sign-up."""
    async with watched(browser, open_served.url) as watching:
        yield watching
