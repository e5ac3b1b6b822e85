"""The service behind the proxies of docs/forward-auth.md."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.proxied_service import Proxied, ProxiedService, proxied_service
from tests.support.proxies import PROXIES


@pytest.fixture(scope="session")
async def proxied(server_url: str) -> AsyncIterator[ProxiedService]:
    """The service and a back end, started once for each test process."""
    async with proxied_service(server_url) as service:
        yield service


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest, proxied: ProxiedService) -> Iterator[Proxied]:
    """Each proxy in turn, which asks no question to the policy."""
    with proxied.behind(request.param) as running:
        yield running
