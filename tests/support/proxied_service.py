"""Two workers of the service, and the proxies of docs/forward-auth.md, which ask the second one for a back end."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from tests.support.proxies import as_wsgi_reads, back_end, proxying
from tests.support.two_workers import TwoWorkers, two_workers

# The origin of the application.
APP_ORIGIN = "https://app.example.org"


class Reached(Struct, frozen=True):
    """What the back end has seen of a request: its first line, and the identity headers as WSGI reads them."""

    request: str
    identity: dict[str, list[str]]


class Proxied(Struct, frozen=True):
    """A proxy in front of the back end."""

    proxy: str
    url: str
    workers: TwoWorkers

    async def send(
        self,
        token: str = "",
        method: str = "GET",
        path: str = "/",
        headers: Iterable[tuple[str, str]] = (),
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send a request with this session token, if one, through the proxy."""
        cookie = [("Cookie", f"auth_session={token}")] if token else []
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
            return await client.request(method, path, headers=[*headers, *cookie], content=content)


class ProxiedService(Struct, frozen=True):
    """The service, and the address of the back end."""

    workers: TwoWorkers
    back_end: str

    @contextmanager
    def behind(self, proxy: str, question: str = "") -> Iterator[Proxied]:
        """The back end behind the proxy, which asks this question to the policy."""
        ostiary = urlsplit(self.workers.second.service.url).netloc
        with proxying(proxy, ostiary, self.back_end, question) as url:
            yield Proxied(proxy, url, self.workers)


def reached(answer: httpx.Response) -> Reached:
    """What the back end has seen. The proxy must have passed the request on."""
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    return Reached(seen["request"], as_wsgi_reads(seen["headers"]))


@asynccontextmanager
async def proxied_service(server_url: str) -> AsyncIterator[ProxiedService]:
    """The service and the back end, until the context ends."""
    async with (
        two_workers(server_url, "proxied", ALLOWED_ORIGINS=APP_ORIGIN) as workers,
        back_end() as address,
    ):
        yield ProxiedService(workers, address)
