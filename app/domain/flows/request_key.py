"""Requesting a single-use key by mail: the same answer, after the same work, for every address.

The request only enqueues a job. The job finds out whether the address has an account, issues the key and mails it.
"""

from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.auth.email_addresses import Address, normalise_new
from app.auth.tokens import code_hash, new_code
from app.domain.flows.guess_limits import codes_accepted
from app.domain.flows.issue_link import issue_link
from app.domain.flows.purpose import IssueKey, KeyRequest, Purpose, SendNotice
from app.domain.flows.purpose_registry import PURPOSES, requestable
from app.domain.flows.schemas import RequestKeyInput
from app.domain.resources import Resources
from app.jobs import queue
from app.jobs.worker import Attempt, JobHandler
from app.rate_limits import client_network
from app.text import name_in_nfc

ISSUE_KEY = "issue_key"

# A request whose job has not run within this time is dropped: the user has asked again by then.
REQUEST_LIFETIME = timedelta(minutes=10)

# The purpose under which `SecretKey.derive` makes the keys of code hashes.
CODE_KEYS = "one_time_codes"


class KeyJob(Struct, frozen=True):
    """A request for a key, as the job's payload."""

    purpose: str
    written: str
    unique: str
    user_id: UUID | None
    name: str
    phone: str | None
    actor: Actor = Actor()


async def request_key(actor: Actor, resources: Resources, sent: RequestKeyInput) -> None:
    """Accept a request for a key. Nothing tells the requester whether anything will be mailed.

    Raises `Problem`: `validation_failed`, `method_disabled`, `too_many_requests`, and `not_signed_in` for a purpose
    that is for signed-in users.
    """
    purpose = requestable(sent.purpose, resources.settings)
    user_id = actor.require_user_id() if purpose.for_users else None
    address = normalise_new(sent.email, resources.settings)
    await resources.rate_limits.hit("mail_by_client", client_network(actor.ip))
    await resources.rate_limits.hit("mail_to_address", address.unique)
    job = KeyJob(
        purpose=purpose.name,
        written=address.written,
        unique=address.unique,
        user_id=user_id,
        name=name_in_nfc(sent.name) if sent.name else "",
        phone=sent.phone,
        actor=actor.as_recorded(),
    )
    expires_at = resources.clock() + REQUEST_LIFETIME
    async with resources.database.transaction() as transaction:
        await resources.jobs.enqueue(transaction, ISSUE_KEY, job, expires_at=expires_at)


def issue_key_handler(resources: Resources) -> JobHandler:
    """The handler of the jobs that `request_key` enqueues."""

    async def run(attempt: Attempt) -> None:
        await issue_requested_key(resources, attempt)

    return JobHandler(run, keep=False)


async def issue_requested_key(resources: Resources, attempt: Attempt) -> None:
    """Issue the requested key and mail it, or mail a notice, or do nothing: as the purpose decides for the address."""
    job = msgspec.json.decode(attempt.payload, type=KeyJob)
    purpose = PURPOSES[job.purpose]
    request = KeyRequest(Address(job.written, job.unique), job.user_id, job.name, job.phone)
    mail_id = queue.dependent_job_id(attempt.job_id)
    async with resources.database.transaction() as transaction:
        if await queue.exists(transaction, mail_id):
            return  # done by an earlier attempt whose end was not recorded
        answer = await purpose.request(resources, transaction, request) if purpose.request else None
        if isinstance(answer, IssueKey):
            await _issue_and_mail(job.actor, resources, transaction, purpose, request.address.unique, answer, mail_id)
        elif isinstance(answer, SendNotice):
            await resources.mail.enqueue(
                transaction, to=answer.to, template=answer.template, locale=answer.locale, values={}, job_id=mail_id
            )


async def _issue_and_mail(
    actor: Actor,
    resources: Resources,
    transaction: AsyncSession,
    purpose: Purpose,
    address: str,
    answer: IssueKey,
    mail_id: UUID,
) -> None:
    """Issue the key and enqueue its mail. If no code for the address would be accepted, the mail has a link only."""
    now = resources.clock()
    one_time_code = purpose.code if await codes_accepted(resources, address, device=False) else None
    link_lifetime = purpose.link_lifetime(resources.settings) if purpose.link_lifetime else None
    lifetimes = [part for part in (one_time_code and one_time_code.lifetime, link_lifetime) if part]
    if not lifetimes:
        return
    code = new_code() if one_time_code else ""
    link = await issue_link(
        actor,
        resources,
        transaction,
        purpose=purpose.name,
        address=address,
        user_id=answer.user_id,
        expires_at=now + (link_lifetime or lifetimes[0]),
        payload=answer.payload,
        code_hash=code_hashes(resources, address, purpose.name, code)[0] if one_time_code else None,
        attempts=one_time_code.attempts if one_time_code else None,
    )
    values = {"code": code} if purpose.code else {}
    if link_lifetime is not None:
        values["link"] = link
    await resources.mail.enqueue(
        transaction,
        to=answer.to,
        template=answer.template,
        locale=answer.locale,
        values=values,
        # The mail expires with the code, or with the link if there is no code.
        expires_at=now + lifetimes[0],
        job_id=mail_id,
    )


def code_hashes(resources: Resources, address: str, purpose: str, code: str) -> tuple[str, ...]:
    """The hashes of a code under the current and the previous secret key; the first is stored."""
    return tuple(
        code_hash(key, address=address, purpose=purpose, code=code) for key in resources.secret_key.derive(CODE_KEYS)
    )
