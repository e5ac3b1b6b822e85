"""A deployment under test from outside: the real process over HTTP, with a mail server that receives its mail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import httpx

from app.postgres.database import Database
from tests.conftest import make_database
from tests.support.app import SECRET, SECRET_KEY, problem, until
from tests.support.mailbox import ask, is_accepted, redeem, secret_for, text_of, token_in
from tests.support.serve_process import PATIENCE_SECONDS, Service, serving_beside
from tests.support.smtp_server import MailServer, mail_server

ACCEPTED = (202, {"status": "accepted"})
NO_JOB_WAITS = "SELECT NOT EXISTS (SELECT FROM jobs WHERE finished_at IS NULL AND payload IS NOT NULL)"


class Deployment:
    """A running service with its mail server, its database and a signed-in platform admin."""

    def __init__(
        self, service: Service, mail: MailServer, database: Database, transport: httpx.AsyncBaseTransport
    ) -> None:
        self.url, self.public_url = service.url, f"http://localhost:{service.port}"
        self.mail = mail
        self.database = database
        # All browsers share one transport, so that no browser has to be closed.
        self._transport = transport
        self.passwords = "password" in service.environ["SIGN_IN_METHODS"]
        self.acceptance = {"name": "Grace", "secret": SECRET} if self.passwords else {"name": "Grace"}
        self.admin = self.browser()

    def browser(self, session: str = "") -> httpx.AsyncClient:
        """An HTTP client at the service's own origin, with or without a session token in its cookie."""
        cookies = httpx.Cookies()
        if session:
            cookies.set("auth_session", session, domain="127.0.0.1", path="/")
        return httpx.AsyncClient(
            transport=self._transport,
            base_url=self.url,
            headers={"Origin": self.url},
            cookies=cookies,
            timeout=PATIENCE_SECONDS,
        )

    async def user(self, address: str) -> httpx.AsyncClient:
        """Invite a user as the platform admin, and accept the invitation. Returns the browser of the new user."""
        created = await self.admin.post("/api/users", json={"email": address, "name": "G."})
        assert created.status_code == 201, created.text
        return await self.accepted(token_in(await self.mail.mail_to(address)))

    async def accepted(self, token: str, **values: str) -> httpx.AsyncClient:
        """Accept an invitation. Returns the browser that the acceptance signed in."""
        browser = self.browser()
        answer = await redeem(browser, token=token, **self.acceptance, **values)
        assert answer.status_code == 201, answer.text
        return browser

    async def users(self, address: str) -> list[str]:
        """The names of the users with this address."""
        found = await self.admin.get("/api/users", params={"search": address})
        return [user["name"] for user in found.json()["items"]]

    async def mailed(
        self, purpose: str, address: str, asker: httpx.AsyncClient | None = None, **sent: str
    ) -> EmailMessage:
        """Request a single-use key. Returns the mail that carries the key."""
        answer = await ask(asker or self.browser(), purpose, address, **sent)
        assert is_accepted(answer)
        return await self.mail.mail_to(address)

    async def unread(self) -> list[str]:
        """The recipients of mails that the test has not read, once no job waits any more."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until(lambda: self.database.pool.fetchval(NO_JOB_WAITS))
        return self.mail.recipients

    async def takes_password(self, address: str, secret: str = SECRET) -> bool:
        """Whether the address and the secret sign in. Without passwords, the refusal must be `method_disabled`."""
        sent = {"method": "password", "email": address, "secret": secret}
        answer = await self.browser().post("/api/session", json=sent)
        if answer.status_code != 201:
            assert problem(answer)["code"] == ("invalid_credentials" if self.passwords else "method_disabled")
        return answer.status_code == 201

    async def mails_sign_in(self, address: str) -> bool:
        """Whether the key of a user is mailed to the address, not that of a newcomer. Rate limits are reset first."""
        await self.database.pool.execute("DELETE FROM rate_limits")
        answer = await ask(self.browser(), "sign_in", address)
        assert is_accepted(answer)
        return address in await self.unread() and "sign up at" not in text_of(await self.mail.mail_to(address))

    async def refuses(self, *keys: dict[str, str]) -> bool:
        """Whether the service refuses all of these keys with the same answer, 410 `key_not_usable`."""
        fields = [secret_for(key["purpose"]) if "purpose" in key else self.acceptance for key in keys]
        answers = [await redeem(self.browser(), **key, **taken) for key, taken in zip(keys, fields, strict=True)]
        return {(answer.status_code, problem(answer)["code"]) for answer in answers} == {(410, "key_not_usable")}


@asynccontextmanager
async def deployed(server_url: str, work_dir: Path, **environ: str) -> AsyncIterator[Deployment]:
    """A running service with these settings and a platform admin, until the context ends."""
    url = await make_database(server_url, f"purposes_{environ['SIGN_UP']}")
    async with mail_server() as mail, AsyncExitStack() as stack:
        environ |= {"MAIL_URL": mail.url, "MAIL_FROM": "no-reply@example.org", "SECRET_KEY": SECRET_KEY}
        # Each browser of a test is a new device.
        mail.unwanted = "New sign-in at"
        service = await stack.enter_async_context(
            serving_beside(work_dir / "data", work_dir, DATABASE_URL=url, **environ)
        )
        database = await stack.enter_async_context(Database(url, 2).connected())
        transport = await stack.enter_async_context(httpx.AsyncHTTPTransport())
        deployment = Deployment(service, mail, database, transport)
        link = service.out[-1]
        deployment.admin = await deployment.accepted(link.partition("#token=")[2], email="root@example.org")
        yield deployment
