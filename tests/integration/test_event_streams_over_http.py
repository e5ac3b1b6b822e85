"""Change events over real HTTP: they arrive at once, in each process, and a stop of the service ends the streams."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.app import CREDENTIALS, ORIGIN, until
from tests.support.serve_process import Service, serving_beside
from tests.support.two_workers import TwoWorkers, Worker, two_workers

ARRIVES_SECONDS = 1.0
STOPS_SECONDS = 5.0


@pytest.fixture(scope="module")
async def workers(server_url: str) -> AsyncIterator[TwoWorkers]:
    async with two_workers(server_url, "events") as running:
        yield running


class Lines:
    """The lines of a stream, without comments and empty ones."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def event(self) -> tuple[str, str] | None:
        """The name and the data of the next event; None at the end of the stream."""
        name = ""
        async for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                return name, value
        return None


@asynccontextmanager
async def opened(http: httpx.AsyncClient, token: str) -> AsyncIterator[Lines]:
    sent = {"Cookie": f"auth_session={token}"}
    async with http.stream("GET", "/api/session/events", headers=sent, timeout=30) as response:
        assert response.status_code == 200
        assert response.headers["transfer-encoding"] == "chunked"
        lines = Lines(response)
        assert await lines.event() == ("listening", "{}")
        yield lines


@pytest.mark.parametrize("same", [True, False])
async def test_changes_arrive_within_a_second(workers: TwoWorkers, same: bool) -> None:
    code = await workers.app.language("de" if same else "fr")
    ada = await workers.app.user(f"ada{same}@example.org")
    token = await workers.app.token(ada)
    own: Worker = workers.first
    other = own if same else workers.other(own)
    admin = await workers.app.token(await workers.app.user(f"admin{same}@example.org", admin=True), admin=True)
    async with opened(own.http, token) as stream:
        started = time.monotonic()
        await workers.app.member(ada, code, "translator")
        assert await stream.event() == ("rules", "{}")
        assert time.monotonic() - started < ARRIVES_SECONDS

        started = time.monotonic()
        answer = await other.ask("DELETE", f"/api/users/{ada}/sessions", admin)
        assert answer.status_code == 204
        assert await stream.event() == ("ended", '{"reason":"revoked"}')
        assert await stream.event() is None
        assert time.monotonic() - started < ARRIVES_SECONDS


async def test_a_closed_connection_gives_its_place_back(workers: TwoWorkers) -> None:
    token = await workers.app.token(await workers.app.user("grace@example.org"))
    for _ in range(4):
        async with AsyncExitStack() as held, httpx.AsyncClient(base_url=workers.first.service.url) as http:
            for _ in range(5):
                await held.enter_async_context(opened(http, token))
        async with asyncio.timeout(ARRIVES_SECONDS):
            await until(lambda: _is_opened(workers.first, token))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
@pytest.mark.usefixtures("app")  # an empty database
async def test_a_stop_of_the_service_ends_open_streams_and_does_not_wait_for_them(
    database_url: str, work_dir: Path, number: signal.Signals, address: str
) -> None:
    async with serving_beside(work_dir, work_dir, DATABASE_URL=database_url, WORKERS="2", PUBLIC_URL=ORIGIN) as service:
        async with httpx.AsyncClient(base_url=f"http://{address}:{service.port}", headers={"Origin": ORIGIN}) as http:
            await _set_up(service, http)
            async with AsyncExitStack() as held:
                token = http.cookies["auth_session"]
                streams = [await held.enter_async_context(opened(http, token)) for _ in range(4)]
                started = time.monotonic()
                stopping = asyncio.create_task(asyncio.to_thread(service.stop, number))
                assert [await stream.event() for stream in streams] == [None] * 4
                assert await stopping == 0
                assert time.monotonic() - started < STOPS_SECONDS
        assert not [line for line in service.err if "Traceback" in line or "ERROR" in line]


async def _is_opened(worker: Worker, token: str) -> bool:
    return (await worker.ask("HEAD", "/api/session/events", token)).status_code == 200


async def _set_up(service: Service, http: httpx.AsyncClient) -> None:
    token = next(line for line in service.out if line.startswith("Setup link")).partition("#token=")[2]
    body = {**CREDENTIALS, "token": token, "name": "Ada"}
    body.pop("method")
    assert (await http.post("/api/keys/redeem", json=body)).status_code == 201
