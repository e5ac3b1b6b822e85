"""Transports: mail goes to files, for development and tests, or to an SMTP server."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
)
from msgspec import Struct

from app.jobs.worker import PermanentError, TemporaryError
from app.settings.model import FILE_MAIL, Settings
from app.settings.urls import LOOPBACK

COMMAND_SECONDS = 20.0
RESET_SECONDS = 5.0


class Envelope(Struct, frozen=True):
    """A message, its sender and its one recipient. `name` identifies the mail and is the same at every attempt."""

    name: str
    sender: str
    recipient: str
    message: bytes


class Transport(Protocol):
    """A way to send mail."""

    async def send(self, envelope: Envelope) -> None:
        """Send the message. Raises `TemporaryError` if a later attempt may succeed, else `PermanentError`."""
        ...

    async def close(self) -> None:
        """Close all open connections."""
        ...


def transport_for(settings: Settings) -> Transport:
    """The transport for the scheme of MAIL_URL."""
    if settings.mail_url == FILE_MAIL:
        return FileTransport(settings.data_path / "mail")
    return SmtpTransport(settings.mail_url, local_hostname=urlsplit(settings.public_url).hostname or "localhost")


class FileTransport:
    """Writes one .eml file for each mail, which only the service's own account can read."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def send(self, envelope: Envelope) -> None:
        """Write the file atomically. A second attempt replaces the file of the first."""
        await asyncio.to_thread(self._write, envelope)

    async def close(self) -> None:
        """Do nothing: no file stays open."""

    def _write(self, envelope: Envelope) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(dir=self._directory, suffix=".unfinished")
        with os.fdopen(descriptor, "wb") as file:
            file.write(envelope.message)
        Path(unfinished).rename(self._directory / f"{envelope.name}.eml")


class SmtpTransport:
    """Sends to an SMTP server (RFC 5321), over TLS unless the server is on loopback. Connections are reused."""

    def __init__(self, url: str, *, local_hostname: str, command_seconds: float = COMMAND_SECONDS) -> None:
        """`url` is the MAIL_URL: `smtps:` uses TLS from the start, `smtp:` requires STARTTLS (RFC 8314 section 3)."""
        parts = urlsplit(url)
        implicit_tls = parts.scheme == "smtps"
        self._new_client = partial(
            SMTP,
            hostname=parts.hostname,
            port=parts.port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=implicit_tls,
            start_tls=not implicit_tls and parts.hostname not in LOOPBACK,
            local_hostname=_address_literal(local_hostname),
            timeout=command_seconds,
        )
        self._idle: list[SMTP] = []

    async def send(self, envelope: Envelope) -> None:
        """Send the mail. An error is temporary or permanent by the reply code (RFC 5321 section 4.2.1).

        Raises `PermanentError` if the server refuses the recipient or the message with a 5yz reply, or does not
        support SMTPUTF8 if the recipient needs it. Raises `TemporaryError` for a 4yz reply and for every error of
        the connection, the credentials or the sender: the operator can correct these.
        """
        async with self._client() as client:
            await _converse(client, envelope)

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[SMTP]:
        """A connected client: reused after a reply of the server, closed after any other error."""
        try:
            client = await self._connected()
        except (SMTPException, OSError) as error:
            raise TemporaryError(f"mail server: {error}") from error
        try:
            yield client
        except (TemporaryError, PermanentError):
            self._keep(client)
            raise
        except BaseException:
            client.close()
            raise
        self._keep(client)

    async def _connected(self) -> SMTP:
        """An idle client whose connection still answers, else a new one."""
        while self._idle:
            client = self._idle.pop()
            try:
                await client.rset(timeout=RESET_SECONDS)
            except (SMTPException, OSError):
                client.close()
            else:
                return client
        client = self._new_client()
        await client.connect()
        return client

    def _keep(self, client: SMTP) -> None:
        if client.is_connected:
            self._idle.append(client)


async def _converse(client: SMTP, envelope: Envelope) -> None:
    """Send one mail over a connected client, and turn errors of the library into those of the worker."""
    options = [] if envelope.recipient.isascii() else ["SMTPUTF8"]
    try:
        await client.sendmail(envelope.sender, [envelope.recipient], envelope.message, mail_options=options)
    except SMTPRecipientsRefused as error:
        refusal = error.recipients[0]
        raise _refused(refusal.code, f"recipient refused: {refusal.code} {refusal.message}") from error
    except SMTPSenderRefused as error:
        raise TemporaryError(f"sender refused: {error.code} {error.message}") from error
    except SMTPNotSupported as error:
        raise PermanentError("the mail server does not take addresses that are not ASCII (SMTPUTF8)") from error
    # The reason is stored in clear with the job. A reply to DATA may quote the message, so its text is left out.
    except SMTPDataError as error:
        raise _refused(error.code, f"message refused: {error.code}") from error
    except (SMTPException, OSError) as error:
        client.close()  # the next command would read a late reply to this one
        raise TemporaryError(f"mail server: {type(error).__name__}") from error


def _refused(code: int, reason: str) -> PermanentError | TemporaryError:
    """The error for a refusing reply: 5yz is permanent."""
    return PermanentError(reason) if 500 <= code < 600 else TemporaryError(reason)


def _address_literal(host: str) -> str:
    """How EHLO names a host: an address in brackets (RFC 5321 section 4.1.3)."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"
