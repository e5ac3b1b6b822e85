"""The real app on a real database for tests, with a clock that tests set."""

import asyncio
import atexit
import email
import email.policy
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any, TypedDict, cast
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.types import ASGIApp

from app.asgi import build
from app.audit import OPERATOR
from app.auth.email_addresses import normalise
from app.domain.flows.accept_invitation import new_setup_link
from app.domain.flows.administer_users import create_user_with_link
from app.domain.flows.request_key import JOB_DELAY_MAX
from app.domain.keys.repository import KeyRepository
from app.domain.languages.members.models import LanguageMember
from app.domain.languages.schemas import NewLanguage
from app.domain.languages.service import create_language
from app.domain.resources import Resources
from app.domain.service_accounts.schemas import NewApiKey
from app.domain.service_accounts.service import create_api_key, create_service_account
from app.domain.sessions.service import SessionAuthenticator, start_session
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.http.access_log import AccessLog
from app.http.outermost import outermost
from app.jobs.worker import Worker
from app.settings.load import load
from app.settings.model import Settings
from tests.support.event_streams import leaving_streams
from tests.support.run_jobs import drain

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:8000"
# The default of the setting. `ORIGIN` is another name of the same service.
PUBLIC_URL = "http://localhost:8000"
SECRET = "seven lamps on a quiet harbour"
CREDENTIALS = {"method": "password", "email": "ada@example.org", "secret": SECRET}
# Low costs: tests check that a hash was computed, not how long a hash takes.
FAST_HASHES = {"ARGON2_MEMORY_KIB": "8", "ARGON2_ITERATIONS": "1", "HASH_QUEUE": "1000"}
SECRET_KEY = "a key for tests 4Xw1kQz8vRt6Lm2Ns0Bp"
TOKEN_AUDIENCE = "https://api.example.org"
DATA_DIR = Path(tempfile.mkdtemp(prefix="ostiary-test-data-"))
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)


class Clock:
    """The clock of a test: its time changes only when the test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Move the time forward; `span` takes the keyword arguments of `timedelta`."""
        self.now += timedelta(**span)


class Problem(TypedDict, total=False):
    """The body of an error response (RFC 9457)."""

    type: str
    title: str
    code: str
    status: int
    text: str
    params: dict[str, str | int]
    detail: str
    instance: str
    errors: list[dict[str, Any]]


def problem(response: httpx.Response) -> Problem:
    """The problem in the body of a response, which must be an error response."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = cast("Problem", response.json())
    assert body["status"] == response.status_code
    return body


def field_errors(response: httpx.Response) -> dict[str, str]:
    """The error codes of a 422 response, by field."""
    assert response.status_code == 422, response.text
    return {error["field"]: error["code"] for error in problem(response)["errors"]}


async def is_signed_in(client: httpx.AsyncClient) -> bool:
    """Whether the client has a valid session."""
    response = await client.get("/api/session")
    assert response.status_code == 200, response.text
    return response.json()["user"] is not None


async def id_of(client: httpx.AsyncClient) -> str:
    """The id of the signed-in user."""
    user_id: str = (await client.get("/api/session")).json()["user"]["id"]
    return user_id


async def pages(client: httpx.AsyncClient, path: str, **parameters: str | int) -> list[list[Any]]:
    """The items of each page of a list."""
    found = list[list[Any]]()
    cursor: str | None = ""
    while cursor is not None:
        response = await client.get(path, params={**parameters, "cursor": cursor})
        assert response.status_code == 200, response.text
        found.append(response.json()["items"])
        cursor = response.json()["nextCursor"]
    return found


async def items(client: httpx.AsyncClient, path: str, **parameters: str | int) -> list[Any]:
    """All items of a list, read page by page."""
    return [item for page in await pages(client, path, **parameters) for item in page]


class RunningApp:
    """The service under test, with helpers that create users, sessions, languages and members."""

    def __init__(self, litestar: Litestar, settings: Settings, clock: Clock) -> None:
        self._log_parts: list[bytes] = []
        self._access_log = AccessLog(self._log_parts.append)
        self.asgi: ASGIApp = outermost(litestar, settings, self._access_log)
        self.litestar = litestar
        self.settings = settings
        self.clock = clock
        self.resources = cast("Resources", litestar.state.resources)
        self.sessions = cast("SessionAuthenticator", litestar.state.sessions)
        self.worker = cast("Worker", litestar.state.worker)
        # Each user gets a later `created_at` than the user before, although the clock stands still.
        self._numbers = count()

    async def execute(self, statement: str, *arguments: object) -> None:
        """Execute an SQL statement, as somebody in psql, and wait until the service has heard of the changes."""
        await self.resources.database.pool.execute(statement, *arguments)
        await self.resources.database.settle()

    async def access_log(self) -> list[dict[str, Any]]:
        """The lines of the access log until now."""
        await self._access_log.flush()
        return [json.loads(line) for part in self._log_parts for line in part.splitlines()]

    def client(self, *, ip: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        """An HTTP client at the service's own origin, without a session."""
        # httpx and Litestar name the types of ASGI differently.
        transport = httpx.ASGITransport(
            cast("Any", leaving_streams(self.asgi)), raise_app_exceptions=False, client=(ip, 40_000)
        )
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN, **headers})

    async def user(
        self,
        email: str = "ada@example.org",
        *,
        secret: str | None = SECRET,
        admin: bool = False,
        onboarded: bool = True,
        name: str = "Ada",
    ) -> UUID:
        """Create a user with a primary key and an unverified email address. Returns the id of the user."""
        now = self.clock()
        hashed = await self.resources.hasher.hash(secret) if secret is not None else None
        async with self.resources.database.transaction() as transaction:
            user = await UserRepository(transaction).add(
                User(
                    email=email,
                    name=name,
                    platform_role="admin" if admin else None,
                    onboarded_at=now if onboarded else None,
                    created_at=now + timedelta(microseconds=next(self._numbers)),
                    updated_at=now,
                )
            )
            await KeyRepository(transaction).add_primary(user.id, normalise(email).unique, hashed, now)
        return user.id

    async def invitation(self, email: str = "eve@example.org") -> str:
        """Create a user without a secret. Returns the token of the invitation link."""
        link = await create_user_with_link(OPERATOR, self.resources, email, "", None)
        return link.partition("#token=")[2]

    async def setup_token(self) -> str:
        """Create a setup link, which makes the first platform admin. Returns its token."""
        link = await new_setup_link(OPERATOR, self.resources)
        assert link is not None
        return link.partition("#token=")[2]

    async def token(self, user_id: UUID, *, admin: bool = False) -> str:
        """Start a session of this user. Returns the session token."""
        async with self.resources.database.transaction() as transaction:
            started = await start_session(
                OPERATOR,
                self.resources,
                transaction,
                user_id=user_id,
                platform_role="admin" if admin else None,
                method="password",
            )
        return started.token

    async def signed_in(
        self,
        email: str = "ada@example.org",
        *,
        admin: bool = False,
        onboarded: bool = True,
        name: str = "Ada",
    ) -> httpx.AsyncClient:
        """Create a user and a session. Returns an HTTP client with the session cookie."""
        user_id = await self.user(email, admin=admin, onboarded=onboarded, name=name)
        return self.with_cookie(await self.token(user_id, admin=admin))

    def with_cookie(self, token: str) -> httpx.AsyncClient:
        """An HTTP client with this session token in its cookie."""
        client = self.client()
        client.cookies.set("auth_session", token, domain="127.0.0.1", path="/")
        return client

    async def service_account(self, name: str = "Nightly export") -> UUID:
        """Create a service account. Returns its id."""
        return (await create_service_account(OPERATOR, self.resources, name)).id

    async def api_key(self, account_id: UUID, *, seconds: int = 3600) -> str:
        """Make an API key of a service account. Returns its token."""
        return (await create_api_key(OPERATOR, self.resources, account_id, NewApiKey("Build server", seconds))).token

    def with_key(self, token: str) -> httpx.AsyncClient:
        """An HTTP client that sends this bearer token, and no `Origin`, as programs do."""
        client = self.client(Authorization=f"Bearer {token}")
        del client.headers["Origin"]
        return client

    async def mails(self) -> list[EmailMessage]:
        """Run the jobs of all requests so far. Returns all mails of the test, in the order of their requests."""
        await self.resources.background.flush()
        await drain(self.worker, within=JOB_DELAY_MAX)
        files = sorted((self.settings.data_path / "mail").glob("*.eml"))
        return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]

    async def signed_in_member(self, code: str, *roles: str, email: str = "ada@example.org") -> httpx.AsyncClient:
        """Create a user with these roles in the language. Returns an HTTP client with a session of the user."""
        user_id = await self.user(email)
        await self.member(user_id, code, *roles)
        return self.with_cookie(await self.token(user_id))

    async def language(self, code: str = "de", name: str = "German") -> str:
        """Create a language. Returns its code."""
        await create_language(OPERATOR, self.resources, NewLanguage(code=code, name=name))
        return code

    async def member(self, user_id: UUID, code: str, *roles: str) -> None:
        """Make the user a member of the language, with these roles."""
        async with self.resources.database.transaction() as transaction:
            transaction.add(
                LanguageMember(language_code=code, user_id=user_id, roles=list(roles), created_at=self.clock())
            )


async def keeps_nothing(app: RunningApp) -> bool:
    """Whether the service may not answer from memory, because it has not heard from the database for a while."""
    return not app.resources.database.listener.is_current()


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Poll a condition that another process changes, every 10 ms, until it holds."""
    while not await holds():  # noqa: ASYNC110 # another process sets no event of this process
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(settings: Settings, clock: Clock) -> AsyncIterator[RunningApp]:
    """A service that runs in the test's event loop until the context ends.

    The lifespan of the app runs in its own task: it must start and stop in one task, but fixtures start and stop in
    different tasks.
    """
    litestar = build(settings, clock)
    started, stop = asyncio.Event(), asyncio.Event()

    async def run_lifespan() -> None:
        async with litestar.lifespan():
            started.set()
            await stop.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_lifespan())
        await started.wait()
        try:
            yield RunningApp(litestar, settings, clock)
        finally:
            stop.set()


def settings_for(database_url: str, **environ: str) -> Settings:
    """Settings of a service under test. Jobs run only when the test runs them."""
    defaults = {
        "ACCESS_LOG": "off",
        "RUN_JOBS": "off",
        "SECRET_KEY": SECRET_KEY,
        "TOKEN_AUDIENCES": TOKEN_AUDIENCE,
        "DATA_DIR": str(DATA_DIR),
        # Tests share a machine, fill tables with single statements, and send many requests at once.
        "DATABASE_STATEMENT_SECONDS": "60",
        "DATABASE_ACQUIRE_SECONDS": "30",
    }
    return load({"DATABASE_URL": database_url, **defaults, **FAST_HASHES, **environ})
