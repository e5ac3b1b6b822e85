"""Chromium on pages of the service, which listens on a port of this process and has the clock of the test."""

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, async_playwright

from app.server.listeners import connection_options
from tests.support.app import Clock, RunningApp, running, settings_for
from tests.support.serve_process import free_port

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CONNECTIONS = 100
PATIENCE_MS = 10_000


class Served:
    """A service that listens at `url`."""

    def __init__(self, app: RunningApp) -> None:
        self.app = app
        self.url = app.settings.public_url


@asynccontextmanager
async def serving_pages(database_url: str, clock: Clock, **environ: str) -> AsyncIterator[Served]:
    """A service that listens on a free port of `localhost` while the context lasts."""
    port = free_port()
    settings = settings_for(database_url, PORT=str(port), PUBLIC_URL=f"http://localhost:{port}", **environ)
    async with running(settings, clock) as app:
        logging.getLogger("_granian").addFilter(lambda line: "is experimental" not in str(line.msg))
        server = Server(app.asgi, "127.0.0.1", port, **connection_options(settings, CONNECTIONS, Interfaces.ASGINL))
        listening = asyncio.create_task(server.serve())
        await _listens(port)
        yield Served(app)
        server.stop()  # type: ignore[no-untyped-call]
        await listening


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Chromium while the context lasts. Skips the test where it is not installed; in CI it fails."""
    if PROGRAM is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs chromium for the pages")
        pytest.skip("there is no chromium here")
    async with async_playwright() as playwright:
        # Without its sandbox, which does not run as root.
        browser = await playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        yield browser
        await browser.close()


class Watched:
    """A browser of one person, and all that its pages report: errors, violations of the policy, foreign requests."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.reports: list[str] = []
        self.requests: list[str] = []
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.reports.append(f"error: {error.error}"))
        context.on("request", self._on_request)
        context.on("response", self._on_response)

    async def page(self) -> Page:
        """A new tab."""
        page = await self.context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        return page

    def _on_console(self, message: ConsoleMessage) -> None:
        # Chromium reports each answer of 400 and above, also where a page shows an error on purpose.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.reports.append(f"{message.type}: {message.text}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.reports.append(f"{response.status}: {response.url}")

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(self.url):
            self.reports.append(f"request to another origin: {request.url}")


@asynccontextmanager
async def watched(browser: Browser, url: str, **options: object) -> AsyncIterator[Watched]:
    """A browser with an empty cookie jar. At the end, its pages must have reported nothing.

    `options` are those of `Browser.new_context`.
    """
    context = await browser.new_context(base_url=url, **{"locale": "en-GB", **options})  # type: ignore[arg-type]
    person = Watched(context, url)
    yield person
    await context.close()
    assert person.reports == []


async def _listens(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            await writer.wait_closed()
            return
