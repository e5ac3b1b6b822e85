"""An SMTP server for tests, on loopback, with faults that a test switches on."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, syntax

HOST = "127.0.0.1"
PATIENCE_SECONDS = 30


class MailServer:
    """Receives mail. A test reads what was received and sets faults at any time.

    `refusals` are replies to RCPT by address, `sender_reply` and `data_reply` refuse every MAIL and DATA,
    `closes_in_data` is how many more connections the server closes during DATA, and replies to DATA wait for
    `may_answer`. Mails whose subject begins with `unwanted` are taken and not kept. `reached` is set by the first DATA.
    """

    def __init__(self, host: str = HOST, tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.port = 0
        self.received: list[tuple[str, EmailMessage]] = []
        self.credentials: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self.refusals: dict[str, str] = {}
        self.sender_reply: str | None = None
        self.data_reply: str | None = None
        self.closes_in_data = 0
        self.unwanted: str | None = None
        self.reached = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._arrival = asyncio.Condition()
        self._tls = tls
        self._sessions: list[asyncio.BaseTransport] = []
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The MAIL_URL of this server."""
        return f"smtp://{self.host}:{self.port}"

    @property
    def recipients(self) -> list[str]:
        """The recipients of the received mails, in order."""
        return [recipient for recipient, _ in self.received]

    async def mail_to(self, recipient: str) -> EmailMessage:
        """Remove and return the first received mail to the recipient; wait up to 30 seconds for one."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._arrival:
            await self._arrival.wait_for(lambda: recipient in self.recipients)
            return self.received.pop(self.recipients.index(recipient))[1]

    async def start(self) -> None:
        """Listen; after a stop, on the same port again."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Conversation(self, self._tls), self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and refuse new ones."""
        self.drop_connections()
        if self._server:
            self._server.close()
            self._server = None

    def drop_connections(self) -> None:
        """Close all connections without a reply."""
        while self._sessions:
            self._sessions.pop().close()

    def connected(self, transport: asyncio.BaseTransport) -> None:
        """Count and keep a new connection."""
        self.connections += 1
        self._sessions.append(transport)

    def authenticate(self, _: SMTP, __: Session, ___: Envelope, ____: str, data: LoginPassword) -> AuthResult:
        """Accept and record any credentials."""
        self.credentials.append((data.login, data.password))
        return AuthResult(success=True)

    async def handle_MAIL(  # noqa: N802 # aiosmtpd's names
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Reply to MAIL: `sender_reply` if it is set."""
        if self.sender_reply:
            return self.sender_reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        """Reply to RCPT: the refusal of this address if there is one."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        """Reply to DATA when `may_answer` is set, and keep the mail unless `data_reply` refuses it."""
        self.reached.set()
        await self.may_answer.wait()
        if self.data_reply:
            return self.data_reply
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        if self.unwanted and message["Subject"].startswith(self.unwanted):
            return "250 OK"
        async with self._arrival:
            self.received.append((envelope.rcpt_tos[0], message))
            self._arrival.notify_all()
        return "250 OK"


class _Conversation(SMTP):
    """The protocol of one connection."""

    def __init__(self, server: MailServer, tls: ssl.SSLContext | None) -> None:
        super().__init__(
            server,
            hostname="mail.test",
            enable_SMTPUTF8=True,
            tls_context=tls,
            authenticator=server.authenticate,
            loop=asyncio.get_running_loop(),
        )
        self._mail_server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._mail_server.connected(transport)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Close the connection during DATA as often as `closes_in_data` says."""
        if not self._mail_server.closes_in_data:
            await super().smtp_DATA(arg)
            return
        self._mail_server.closes_in_data -= 1
        await self.push("354 go on")
        await self._reader.readline()
        assert self.transport is not None
        self.transport.close()


@asynccontextmanager
async def mail_server(host: str = HOST, tls: ssl.SSLContext | None = None) -> AsyncIterator[MailServer]:
    """A server that listens until the context ends."""
    server = MailServer(host, tls)
    await server.start()
    try:
        yield server
    finally:
        server.may_answer.set()
        await server.stop()
