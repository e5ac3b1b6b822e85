"""The samples of docs/back-ends.md run as they are written, for an issuer that runs."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any, cast
from uuid import uuid4
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
from sqlalchemy import Select, text

from tests.support.app import RunningApp
from tests.support.back_ends import DOCUMENT, Issuer, issuing, sample
from tests.support.node_packages import node_with
from tests.support.proxies import proxying
from tests.support.serve_process import free_port, wait_for
from tests.support.tokens import claims_of

EXPRESS = Path(__file__).with_name("express")
LINES_MAX = 20
SAMPLES = (("FastAPI", "python"), ("A table of your own", "python"), ("WSGI", "python"), ("Express", "js"))


@pytest.fixture(scope="module")
async def issuer(server_url: str) -> AsyncIterator[Issuer]:
    """A running issuer of tokens."""
    async with issuing(server_url, "samples") as issuer:
        yield issuer


def module(title: str, name: str, issuer: str = "") -> ModuleType:
    """The module of a Python sample."""
    made = ModuleType(name)
    exec(compile(sample(title, "python", issuer), f"{name}.py", "exec"), made.__dict__)  # noqa: S102 # the sample
    return made


@pytest.mark.parametrize(("title", "language"), SAMPLES)
def test_a_sample_is_short(title: str, language: str) -> None:
    lines = [line for line in sample(title, language).splitlines() if line.strip()]
    assert len(lines) <= LINES_MAX
    assert f"# {title}\n" in DOCUMENT.read_text()


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_fastapi_serves_who_has_a_token_and_refuses_everybody_else(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ostiary_tokens", module("Python", "ostiary_tokens", issuer.url))
    app = module("FastAPI", "sample").app
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://api.example.org") as client:

        async def ask(token: str, language: str = "de") -> httpx.Response:
            return await client.get(f"/recordings/{language}", headers={"Authorization": f"Bearer {token}"})

        token = await issuer.token("translator")
        answer = await ask(token)
        assert answer.json() == {"user": claims_of(token)["sub"], "roles": ["translator"]}
        assert (await ask(token, "fr")).status_code == 403
        assert (await client.get("/recordings/de")).status_code in (401, 403)
        statuses = {
            name: (await ask(forged)).status_code
            for name, forged in (await issuer.forgeries()).items()
            if forged.isascii() and forged.isprintable()
        }
        assert {name: status for name, status in statuses.items() if status != 401} == {}


@contextmanager
def express(issuer: Issuer) -> Iterator[str]:
    """The Express sample in a process of its own; yields its URL."""
    node, port = node_with(EXPRESS), free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {**os.environ, "ISSUER": issuer.url, "PORT": str(port)}
    # From standard input, so that the packages are those of the folder.
    with subprocess.Popen(
        [node, "--input-type=module", "-"], cwd=EXPRESS, env=environ, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        process.stdin.write(sample("Express", "js").encode())
        process.stdin.close()
        try:
            wait_for(lambda: process.poll() is not None or _answers(url))
            assert process.poll() is None, process.stderr and process.stderr.read()
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 401
    except httpx.TransportError:
        return False


async def test_express_serves_who_has_a_token_and_refuses_everybody_else(issuer: Issuer) -> None:
    with express(issuer) as url:
        async with httpx.AsyncClient(base_url=url) as client:

            async def ask(token: str) -> httpx.Response:
                return await client.get("/me", headers={"Authorization": f"Bearer {token}"})

            token = await issuer.token()
            answer = await ask(token)
            assert (answer.status_code, answer.json()) == (200, {"user": claims_of(token)["sub"]})
            statuses = {
                name: (await ask(forged)).status_code
                for name, forged in (await issuer.forgeries()).items()
                if forged.isascii() and forged.isprintable()
            }
            assert len(statuses) >= 60
            assert {name: status for name, status in statuses.items() if status != 401} == {}


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the name of the library
        """Log nothing."""


@contextmanager
def wsgi() -> Iterator[str]:
    """The WSGI sample in a server of Python; yields its address."""
    application = module("WSGI", "sample").application
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
async def test_wsgi_greets_the_user_whom_the_proxy_names(issuer: Issuer, proxy: str) -> None:
    user_id = await issuer.app.user(f"{uuid4()}@example.org", name="Ada Lövelace, 100 %")
    cookie = {"Cookie": f"auth_session={await issuer.app.token(user_id)}"}
    with wsgi() as address, proxying(proxy, issuer.url.removeprefix("http://"), address) as url:
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/", headers=cookie)).text == "Hello, Ada Lövelace, 100 %\n"
            spoofed = {"X_Ostiary_Name": "Eve", "X-Ostiary-Name": "Eve"}
            assert (await client.get("/", headers={**cookie, **spoofed})).text == "Hello, Ada Lövelace, 100 %\n"
            assert (await client.get("/", headers=spoofed)).status_code == 401


async def test_a_table_of_a_team_is_narrowed_by_rules_of_the_team(app: RunningApp) -> None:
    of_sample = module("A table of your own", "sample")
    rows = {"1": ("de", "ada"), "2": ("de", "eve"), "3": ("fr", "ada"), "4": ("fr", "eve")}

    async def ids(claims: dict[str, Any], action: str) -> list[str]:
        async with app.resources.database.engine.connect() as connection:
            await connection.execute(text("CREATE TEMPORARY TABLE recordings (id text, language text, speaker text)"))
            for id_, (language, speaker) in rows.items():
                await connection.execute(
                    of_sample.recordings.insert().values(id=id_, language=language, speaker=speaker)
                )
            query = cast("Select[Any]", of_sample.recordings_for(claims, action))
            found = sorted(row.id for row in await connection.execute(query))
            await connection.rollback()
            return found

    member = {"sub": "ada", "roles": {"de": ["translator"]}}
    assert await ids(member, "read") == ["1", "2"]
    assert await ids(member, "delete") == ["1", "3"]
    assert await ids({"sub": "bob", "roles": {}}, "read") == []
    assert await ids({"sub": "bob", "roles": None}, "read") == []
    assert await ids({"sub": "bob", "roles": {"de": [], "fr": []}}, "read") == ["1", "2", "3", "4"]
