"""The service in a process of its own, with people for the tests of the clients."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import Struct

from tests.conftest import make_database
from tests.support.app import SECRET, Clock, running, settings_for
from tests.support.client_package import CaslVersion, install
from tests.support.serve_process import Service, serving_beside

GENEROUS = {"LIMIT_GUESS_BY_CLIENT": "off", "LIMIT_GUESS_BY_DEVICE": "off", "LIMIT_GUESS_BY_SESSION": "off"}
# A test of a limit comes from a client of its own.
PROXY = {"TRUSTED_PROXIES": "127.0.0.1"}
AUDIENCE = "https://reports.example.org"


class Installed(Struct, frozen=True):
    """A folder in which the package is installed, the path of Node.js, and the version of CASL."""

    node: str
    folder: Path
    casl: CaslVersion


@pytest.fixture(scope="session")
async def service(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """The service with German and French.

    ada translates and administers German, root is a platform admin, eve, paul and stale are neither; newcomer, a
    translator of German, has no complete profile.
    """
    url = await make_database(server_url, "clients")
    folder = tmp_path_factory.mktemp("service")
    environ = {**GENEROUS, **PROXY, "TOKEN_AUDIENCES": AUDIENCE}
    async with serving_beside(folder, folder, DATABASE_URL=url, **environ) as process:
        async with running(settings_for(url), Clock()) as app:
            await app.language("de")
            await app.language("fr", "French")
            await app.member(await app.user("ada@example.org", secret=SECRET), "de", "translator", "admin")
            await app.user("root@example.org", secret=SECRET, admin=True, name="Root")
            for name in ("Eve", "Paul", "Stale"):
                await app.user(f"{name.lower()}@example.org", secret=SECRET, name=name)
            newcomer = await app.user("newcomer@example.org", secret=SECRET, onboarded=False, name="")
            await app.member(newcomer, "de", "translator")
        yield process


@pytest.fixture(scope="session", params=["6", "7"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The package beside each version of CASL in turn."""
    version: CaslVersion = request.param
    folder = tmp_path_factory.mktemp(f"casl{version}")
    return Installed(install(folder, version), folder, version)
