"""Change events through nginx and Caddy as they are configured by default: no proxy holds an event back."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.proxies import PROXIES, proxying
from tests.support.two_workers import TwoWorkers, two_workers

ARRIVES_SECONDS = 1.0


@pytest.fixture(scope="module")
async def workers(server_url: str) -> AsyncIterator[TwoWorkers]:
    async with two_workers(server_url, "event_proxies") as running:
        yield running


async def event(lines: AsyncIterator[str]) -> str:
    """The name of the next event."""
    async for line in lines:
        if line.startswith("event: "):
            return line.removeprefix("event: ")
    raise AssertionError("the stream has ended")


@pytest.mark.parametrize("proxy", PROXIES)
async def test_events_arrive_within_a_second_and_so_does_the_end(workers: TwoWorkers, proxy: str) -> None:
    app = workers.app
    code, ada = await app.language(f"de-x-{proxy}"), await app.user(f"ada@{proxy}.example")
    token = await app.token(ada)
    service = urlsplit(workers.first.service.url).netloc
    cookie = {"Cookie": f"auth_session={token}", "Accept-Encoding": "gzip"}
    # The service is the back end of the recipe too.
    with proxying(proxy, service, service) as url:
        async with (
            httpx.AsyncClient(base_url=url, timeout=10) as client,
            client.stream("GET", "/api/session/events", headers=cookie) as answer,
        ):
            assert answer.status_code == 200
            lines = answer.aiter_lines()
            assert await event(lines) == "listening"
            await app.member(ada, code, "translator")
            async with asyncio.timeout(ARRIVES_SECONDS):
                assert await event(lines) == "rules"
            assert (await workers.other(workers.first).ask("DELETE", "/api/session", token)).status_code == 204
            async with asyncio.timeout(ARRIVES_SECONDS):
                assert await event(lines) == "ended"
                assert [line async for line in lines if line.startswith("event")] == []
