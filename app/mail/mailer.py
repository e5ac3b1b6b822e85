"""Mail: enqueued with the transaction that causes it, composed from templates and sent by the worker."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from email.charset import QP, Charset
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import SMTPUTF8, compat32
from email.utils import format_datetime, formataddr
from functools import cache, lru_cache
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

import langcodes
import msgspec
import structlog
from email_validator import validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.meta import find_undeclared_variables
from langcodes.tag_parser import LanguageTagError
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.jobs.queue import Jobs
from app.jobs.worker import Attempt
from app.mail.transports import Envelope, Transport
from app.settings.mailbox import mailbox_of
from app.settings.model import Settings
from app.text import one_line

KIND = "mail"
TEMPLATES = Path(__file__).parent / "templates"
FALLBACK = "en"
# What every template may use beside the values that the caller gives.
PROVIDED = frozenset({"service", "host", "public_url", "locale", "subject"})
WITHOUT_PARSING = compat32.clone(linesep="\r\n")
QUOTED_PRINTABLE = Charset("utf-8")
QUOTED_PRINTABLE.body_encoding = QP

Value = str | int

logger = structlog.get_logger("ostiary.mail")


class Mail(Struct, frozen=True):
    """What is enqueued: the message is composed when it is sent."""

    to: str
    template: str
    locale: str
    values: Mapping[str, Value]


class SendMail(Protocol):
    """The port of the domains: sends a mail once the transaction has committed, and never if it rolls back."""

    async def __call__(
        self,
        transaction: AsyncSession,
        *,
        to: str,
        template: str,
        values: Mapping[str, Value],
        locale: str | None = None,
        expires_at: datetime | None = None,
        job_id: UUID | None = None,
    ) -> None:
        """As `Mailer.enqueue`."""
        ...


class Mailer:
    """The way to send mail to a person."""

    def __init__(self, clock: Clock, settings: Settings, jobs: Jobs, transport: Transport) -> None:
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._transport = transport

    async def enqueue(
        self,
        transaction: AsyncSession,
        *,
        to: str,
        template: str,
        values: Mapping[str, Value],
        locale: str | None = None,
        expires_at: datetime | None = None,
        job_id: UUID | None = None,
    ) -> None:
        """Send a mail once the transaction has committed; nothing is sent if it rolls back.

        `locale` is the reader's, as a BCP 47 tag: the nearest shipped one is taken, else English. From `expires_at`
        on, when the code or link inside is worthless, the mail is not sent any more; the template is told the seconds
        until then as `expires_in`. `job_id` is for a job that may run twice, and must mail once. Raises `ValueError`
        where `to` is no address or the values are not exactly those that the template uses: mistakes of the caller.
        """
        wanted = needed(template)
        if expires_at is not None and "expires_in" in wanted:
            values = {**values, "expires_in": round((expires_at - self._clock()).total_seconds())}
        if values.keys() != wanted:
            raise ValueError(f"the mail {template} takes {sorted(wanted)}, not {sorted(values)}")
        mail = Mail(to=_deliverable(to), template=template, locale=nearest_locale(locale), values=values)
        await self._jobs.enqueue(transaction, KIND, mail, expires_at=expires_at, job_id=job_id)

    async def deliver(self, attempt: Attempt) -> None:
        """Send an enqueued mail: the task of the worker. Raises as the transport does."""
        mail = msgspec.json.decode(attempt.payload, type=Mail)
        await self._transport.send(
            Envelope(
                name=str(attempt.id),
                sender=mailbox_of(self._settings.mail_from).addr_spec,
                recipient=mail.to,
                message=compose(mail, self._settings, attempt.id, attempt.created_at),
            )
        )
        logger.info("mail_sent", job=str(attempt.id), template=mail.template)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """At the end of the context, close the connections to the mail server."""
        try:
            yield
        finally:
            await self._transport.close()


def compose(mail: Mail, settings: Settings, job_id: UUID, created_at: datetime) -> bytes:
    """The message, the same at every try; its Message-ID is made from the job's id.

    No value can add a header or a line: line breaks and control characters in it become spaces.
    """
    sender = mailbox_of(settings.mail_from)
    host = urlsplit(settings.public_url).hostname or ""
    values: dict[str, Value] = {
        **{name: one_line(value) if isinstance(value, str) else value for name, value in mail.values.items()},
        "service": one_line(sender.display_name) or host,
        "host": host,
        "public_url": settings.public_url,
        "locale": mail.locale,
    }
    first_line, _, text = _render(mail, "txt", values).partition("\n")
    subject = first_line.removeprefix("Subject:").strip()
    markup = _render(mail, "html", {**values, "subject": subject})
    # The classes without header parsing: they take a seventh of the time, all of it on the event loop.
    message = MIMEMultipart("alternative", boundary=f"=_{job_id}", policy=WITHOUT_PARSING)
    headers = {
        "From": formataddr((sender.display_name, sender.addr_spec)),
        "To": mail.to,
        "Subject": subject,
        "Date": format_datetime(created_at),
        "Message-ID": f"<{job_id}@{sender.domain}>",
        "Content-Language": mail.locale,
        "Auto-Submitted": "auto-generated",  # RFC 3834 section 5
        "X-Auto-Response-Suppress": "All",
    }
    for name, value in headers.items():
        message[name] = one_line(value)
    message.attach(_part(text.strip() + "\n", "plain"))
    message.attach(_part(markup, "html"))
    # An address that is not ASCII is written as it is (RFC 6532); all else is encoded for servers of any age.
    return message.as_bytes(policy=WITHOUT_PARSING if mail.to.isascii() else SMTPUTF8)


def _part(text: str, subtype: str) -> MIMENonMultipart:
    """A body: as it is where it is ASCII, so that a link in an .eml file can be copied, else quoted-printable."""
    part = MIMENonMultipart("text", subtype, policy=WITHOUT_PARSING)
    part.set_payload(text, "us-ascii" if text.isascii() else QUOTED_PRINTABLE)
    return part


@cache
def locales() -> tuple[str, ...]:
    """The locales that mail is written in: the folders of templates."""
    return tuple(sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir()))


@lru_cache(maxsize=1024)
def nearest_locale(wanted: str | None) -> str:
    """The shipped locale that a reader of `wanted` reads best, English where there is none: `de-AT` reads `de`."""
    if not wanted:
        return FALLBACK
    try:
        return langcodes.closest_supported_match(wanted, list(locales())) or FALLBACK
    except LanguageTagError:
        return FALLBACK


@cache
def needed(template: str, locale: str = FALLBACK) -> frozenset[str]:
    """The values that a template uses, beside those it is always given. Raises `OSError` for an unknown one."""
    sources = [(TEMPLATES / locale / f"{template}.{part}").read_text() for part in ("txt", "html")]
    names = [find_undeclared_variables(_environment().parse(source)) for source in sources]
    return frozenset().union(*names) - PROVIDED


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _render(mail: Mail, part: str, values: Mapping[str, Value]) -> str:
    return _environment().get_template(f"{mail.locale}/{mail.template}.{part}").render(values)


def _deliverable(to: str) -> str:
    """The address as SMTP takes it: the domain in ASCII (IDNA), and all of it where the local part is."""
    checked = validate_email(to, check_deliverability=False, test_environment=True, allow_smtputf8=True)
    return checked.ascii_email or checked.normalized
