"""Tools of others read the OpenAPI document: three validators without an error, and two generators of clients."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.asgi import build
from tests.conftest import make_database
from tests.support.app import ORIGIN, SECRET, Clock, RunningApp, running, settings_for
from tests.support.node_packages import node_with
from tests.support.serve_process import Service, serving

TOOLS = Path(__file__).parent / "openapi"
EMAIL = "ada@example.org"
DOCUMENT = build(settings_for("postgresql:///unused")).openapi_schema.to_schema()
# Neither asks the network whether there is a newer version of itself.
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true"}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the document."""
    file = tmp_path_factory.mktemp("openapi") / "openapi.json"
    file.write_text(json.dumps(DOCUMENT))
    return file


@pytest.fixture(scope="module")
def node() -> str:
    """The path of Node.js, with the linters and generators of `TOOLS` installed."""
    return node_with(TOOLS)


def run(*command: str | Path, cwd: Path = TOOLS) -> str:
    """The output of a program, which must end without an error."""
    environ = {**os.environ, **QUIET}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed(name: str) -> Path:
    return TOOLS / "node_modules" / ".bin" / name


def test_openapi_spec_validator_finds_no_error() -> None:
    errors = OpenAPIV31SpecValidator(json.loads(json.dumps(DOCUMENT))).iter_errors()
    assert [error.message for error in errors] == []


def test_redocly_finds_no_error(node: str, document: Path) -> None:
    run(node, installed("redocly"), "lint", "--extends=recommended", document)


def test_spectral_finds_no_error(node: str, document: Path) -> None:
    run(node, installed("spectral"), "lint", "--fail-severity=error", "--ruleset=spectral.yaml", document)


@pytest.fixture
def generated(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the package that openapi-python-client generates, which can be imported."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    program = Path(sys.executable).with_name("openapi-python-client")
    name = "generated_client"
    options = ("--meta", "none", "--fail-on-warning", "--output-path", tmp_path / name)
    run(program, "generate", "--path", document, *options, cwd=tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


async def test_a_client_of_openapi_python_client_signs_in(app: RunningApp, generated: str) -> None:
    await app.user(EMAIL, secret=SECRET)
    package, models = importlib.import_module(generated), importlib.import_module(f"{generated}.models")
    sign_in = importlib.import_module(f"{generated}.api.sessions.sign_in")
    get_session = importlib.import_module(f"{generated}.api.sessions.get_session")
    client = package.Client(base_url=ORIGIN).set_async_httpx_client(app.client())

    refused = await sign_in.asyncio(client=client, body=models.PasswordSignIn(EMAIL, f"not {SECRET}", "password"))
    assert isinstance(refused, models.Problem)
    assert refused.code == "invalid_credentials"

    body = models.PasswordSignIn(EMAIL, SECRET, "password")
    assert isinstance(await sign_in.asyncio(client=client, body=body), models.SignedIn)
    session = await get_session.asyncio(client=client)
    assert session.user.email == EMAIL
    assert isinstance(session.rules[0], models.RawRule)


@pytest.fixture
async def service(server_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """The service in a process of its own, with one user."""
    url = await make_database(server_url, "generated")
    with serving(tmp_path, tmp_path, DATABASE_URL=url) as process:
        async with running(settings_for(url), Clock()) as app:
            await app.user(EMAIL, secret=SECRET)
        yield process


@pytest.mark.skipif(not os.environ.get("OSTIARY_LONG"), reason="generates and compiles a client: make test-long")
def test_a_client_of_openapi_typescript_signs_in(node: str, document: Path, tmp_path: Path, service: Service) -> None:
    assert httpx.get(f"{service.url}/api/openapi.json").json() == json.loads(document.read_text())
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    for name in ("sign_in.ts", "tsconfig.json", "package.json"):
        (tmp_path / name).write_text((TOOLS / name).read_text())
    run(node, installed("openapi-typescript"), document, "--output", tmp_path / "api.d.ts", cwd=tmp_path)
    run(node, installed("tsc"), "--project", "tsconfig.json", cwd=tmp_path)
    told = json.loads(run(node, tmp_path / "sign_in.js", service.url, EMAIL, SECRET, cwd=tmp_path))
    assert told == {
        "code": "invalid_credentials",
        "email": EMAIL,
        "actions": True,
        "keys": 1,
        "minimal": [202, "key_not_usable", 1],
        "ended": None,
        "statuses": [201, 200, 200, 204],
    }
