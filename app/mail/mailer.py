"""Mail: enqueued in the transaction that causes it, composed and sent by the worker."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from email_validator import validate_email
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.jobs.queue import JobQueue
from app.jobs.worker import Attempt
from app.mail.compose import Value, compose, needed_values
from app.mail.transports import Envelope, Transport
from app.settings.mailbox import mailbox_of
from app.settings.model import Settings
from app.words.catalogue import locales, nearest_locale

KIND = "mail"

logger = structlog.get_logger("ostiary.mail")


class Mail(Struct, frozen=True):
    """The payload of a mail job. The message is composed when the job runs."""

    to: str
    template: str
    locale: str
    values: Mapping[str, Value]


class Mailer:
    """Enqueues mail, and sends it when the worker asks."""

    def __init__(self, clock: Clock, settings: Settings, jobs: JobQueue, transport: Transport) -> None:
        """Raises `ValueError` if the words of a language are incomplete, so that the service does not start."""
        locales()
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
        """Enqueue a mail. It is sent after the transaction commits, and never if the transaction rolls back.

        `locale` is the reader's language as a BCP 47 tag; the mail uses the nearest language that has words, else
        English. `expires_at` is when the code or link in the mail expires: the mail is not sent later, and a template
        that needs `expires_in` gets the seconds until then. `job_id` is given by a job that may run twice and must
        send one mail. Raises `ValueError` if `to` is not one bare address or if the names of `values` are not
        exactly those that the template needs, and `jinja2.TemplateNotFound` for an unknown template.
        """
        needed = needed_values(template)
        if expires_at is not None and "expires_in" in needed:
            values = {**values, "expires_in": round((expires_at - self._clock()).total_seconds())}
        if values.keys() != needed:
            raise ValueError(f"the mail {template} takes {sorted(needed)}, not {sorted(values)}")
        mail = Mail(to=_smtp_address(to), template=template, locale=nearest_locale(locale), values=values)
        await self._jobs.enqueue(transaction, KIND, mail, expires_at=expires_at, job_id=job_id)

    async def deliver(self, attempt: Attempt) -> None:
        """Compose and send an enqueued mail; the worker's task for mail jobs. Raises as `Transport.send`."""
        mail = msgspec.json.decode(attempt.payload, type=Mail)
        message = compose(
            to=mail.to,
            template=mail.template,
            locale=mail.locale,
            values=mail.values,
            settings=self._settings,
            job_id=attempt.job_id,
            created_at=attempt.created_at,
        )
        sender = mailbox_of(self._settings.mail_from).addr_spec
        envelope = Envelope(name=str(attempt.job_id), sender=sender, recipient=mail.to, message=message)
        await self._transport.send(envelope)
        logger.info("mail_sent", job=str(attempt.job_id), template=mail.template)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Close the connections to the mail server when the context ends."""
        try:
            yield
        finally:
            await self._transport.close()


def _smtp_address(to: str) -> str:
    """The address with its domain in ASCII (IDNA). The local part keeps other characters, which need SMTPUTF8.

    Raises `email_validator.EmailNotValidError`, a `ValueError`, if `to` is not one bare address.
    """
    checked = validate_email(to, check_deliverability=False, test_environment=True, allow_smtputf8=True)
    return checked.ascii_email or checked.normalized
