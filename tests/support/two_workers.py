"""Two processes of `ostiary serve` with one worker each on one database, and an app in this process that fills it."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import httpx
from msgspec import Struct

from app.settings.limits import LIMITS
from tests.conftest import make_migrated_database
from tests.support.app import SECRET_KEY, Clock, RunningApp, running, settings_for
from tests.support.serve_process import Service, descendants_of, serving_beside

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

NAMES = ("first", "second")
# A statement that waits for a lock fails in half the time in which memory may be used.
SETTINGS = {
    **{f"LIMIT_{name.upper()}": "off" for name in LIMITS},
    "SECRET_KEY": SECRET_KEY,
    "RUN_JOBS": "off",
    "WORKERS": "1",
    "DATABASE_STATEMENT_SECONDS": "1",
}
# The backends of one worker. `listening` is the statement with which it proves that it hears of changes.
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
LISTENING = f"{BACKENDS} AND query LIKE '%FROM pg_notify(%'"
FROM_MEMORY_SECONDS = 0.7


class Worker:
    """One process that serves requests. Each request names its session token, and cookies of answers are not kept."""

    def __init__(self, name: str, service: Service, operator: Connection) -> None:
        self.name = name
        self.service = service
        self._operator = operator
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self.http = httpx.AsyncClient(
            base_url=service.url, headers={"Origin": service.url}, cookies=no_cookies, timeout=10
        )

    async def ask(
        self, method: str, path: str, token: str = "", body: object = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send a request with this session token, if one, and a JSON body, if one."""
        sent = {**(headers or {}), **({"Cookie": f"auth_session={token}"} if token else {})}
        return await self.http.request(method, path, headers=sent, json=body)

    async def user_of(self, token: str) -> dict[str, object] | None:
        """The user of the session, as the worker describes it. None if the worker honours no such session."""
        answer = await self.ask("GET", "/api/session", token)
        assert answer.status_code == 200, answer.text
        user: dict[str, object] | None = answer.json()["user"]
        return user

    async def honours(self, token: str) -> bool:
        """Whether the worker says that somebody is signed in. A refusal for an outage says nobody is."""
        answer = await self.ask("GET", "/api/session", token)
        assert answer.status_code in {200, 503}, answer.text
        return answer.status_code == 200 and answer.json()["user"] is not None

    async def serves_from_memory(self, token: str) -> bool:
        """Whether the worker describes the session although no statement can read sessions."""
        async with self._operator.transaction():
            await self._operator.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
            try:
                async with asyncio.timeout(FROM_MEMORY_SECONDS):
                    return await self.honours(token)
            except TimeoutError:
                return False

    async def listening_backend(self) -> int:
        """The process id of the server's end of the connection on which the worker listens."""
        pid: int | None = await self._operator.fetchval(LISTENING, self.name)
        assert pid, f"the {self.name} worker does not listen"
        return pid

    async def backends(self) -> list[int]:
        """The process ids of the server's ends of all connections of the worker."""
        return [row["pid"] for row in await self._operator.fetch(BACKENDS, self.name)]

    def processes(self) -> list[int]:
        """The process ids of the service and the processes that it has started."""
        return [self.service.process.pid, *descendants_of(self.service.process.pid)]


class TwoWorkers(Struct, frozen=True):
    """The workers, an app in this process that keeps nothing in memory, and the connection of an operator."""

    first: Worker
    second: Worker
    app: RunningApp
    operator: Connection
    database_url: str

    @property
    def both(self) -> tuple[Worker, Worker]:
        """The two workers."""
        return self.first, self.second

    def other(self, worker: Worker) -> Worker:
        """The worker that is not this one."""
        return self.second if worker is self.first else self.first


@asynccontextmanager
async def two_workers(server_url: str, name: str, **environ: str) -> AsyncIterator[TwoWorkers]:
    """Two ready workers on a database of their own, with rate limits off, until the context ends."""
    url = await make_migrated_database(server_url, name)
    settings = {**SETTINGS, **environ}
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-test-")))
        clock = Clock()
        clock.now = datetime.now(UTC)
        own = {**settings, "PRINCIPAL_CACHE": "0", "DATA_DIR": str(directory / "own")}
        app = await stack.enter_async_context(running(settings_for(url, **own), clock))
        # An admin outside of the tests, so that no setup link is made.
        await app.user("root@example.org", admin=True)
        operator: Connection = await asyncpg.connect(url)
        stack.push_async_callback(operator.close)
        urls = {each: f"{url}{'&' if '?' in url else '?'}application_name={each}" for each in NAMES}
        starts = [
            stack.enter_async_context(serving_beside(directory / each, directory, DATABASE_URL=urls[each], **settings))
            for each in NAMES
        ]
        first, second = [
            Worker(each, service, operator) for each, service in zip(NAMES, await asyncio.gather(*starts), strict=True)
        ]
        for worker in (first, second):
            await stack.enter_async_context(worker.http)
        yield TwoWorkers(first, second, app, operator, url)


async def within(seconds: float, since: float, holds: Callable[[], Awaitable[bool]]) -> float:
    """Ask until the condition holds; returns how many seconds after the time `since` that was.

    A question that was asked `seconds` after `since` must find that it holds.
    """
    while True:
        asked = time.monotonic()
        if await holds():
            return time.monotonic() - since
        assert asked < since + seconds, f"not even {asked - since:.2f} s later"
