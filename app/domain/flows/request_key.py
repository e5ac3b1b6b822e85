"""Requesting a single-use key by mail: the same answer, after the same work, for every address.

The request only enqueues a job. The job finds out whether the address has an account, issues the key and mails it.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.auth import flows
from app.auth.cookies import cookie_values, neighbour
from app.auth.devices import Device, known_device
from app.auth.email_addresses import Address, normalise_new
from app.auth.tokens import code_hash, new_code
from app.domain.flows.guess_limits import codes_accepted, is_within_budget
from app.domain.flows.issue_link import CodeBeside, issue_link
from app.domain.flows.mail_budget import WINDOW, Asked, Asker, Mailing, plan_mailing
from app.domain.flows.purpose import IssueKey, KeyRequest, Purpose, SendNotice
from app.domain.flows.purpose_registry import PURPOSES, requestable
from app.domain.flows.schemas import RequestKeyInput
from app.domain.keys.single_use_repository import CodeOf, SingleUseKeyRepository
from app.domain.resources import Resources
from app.domain.sessions.devices import presented_devices
from app.errors import Problem, invalid
from app.jobs import queue
from app.jobs.worker import Attempt, JobHandler
from app.rate_limits import client_network
from app.settings.urls import is_page_of

ISSUE_KEY = "issue_key"

# A request whose job has not run within this time is dropped: the user has asked again by then.
REQUEST_LIFETIME = timedelta(minutes=10)
# The job is due at a random moment before this has passed: it takes longer for an address that has an account, and
# would slow down the next request of whoever wants to know.
JOB_DELAY_MAX = timedelta(seconds=1)

# The fields of the page to return to, and of the mail of the request, in the payload of a key.
RETURN_TO = "return_to"
MAIL = "mail"

# The purpose under which `SecretKey.derive` makes the keys of code hashes.
CODE_KEYS = "one_time_codes"


class KeyJob(Struct, frozen=True):
    """A request for a key, as the job's payload. `devices` are those of the requester's device cookie."""

    purpose: str
    written: str
    unique: str
    user_id: UUID | None
    flow_hash: str
    locale: str | None = None
    return_to: str | None = None
    devices: tuple[Device, ...] = ()
    actor: Actor = Actor()


class AcceptedRequest(Struct, frozen=True):
    """The flow that the mailed code works with, and how many seconds the code works from now on."""

    flow: str
    expires_in: int

    def __repr__(self) -> str:
        return "AcceptedRequest(…)"


async def request_key(actor: Actor, resources: Resources, sent: RequestKeyInput) -> AcceptedRequest:
    """Accept a request for a key. Nothing tells the requester whether anything will be mailed.

    The flow is the one that the request sends, in the body or as a cookie, if this service has made it; else a new one.
    It expires with the code.

    A page to return to is checked here, and stored with the key: whoever redeems it can name no other one.
    Raises `Problem`: `validation_failed`, `method_disabled`, `too_many_requests`, and `not_signed_in` for a purpose
    that is for signed-in users.
    """
    purpose = requestable(sent.purpose, resources.settings)
    user_id = actor.require_user_id() if purpose.for_users else None
    address = normalise_new(sent.email, resources.settings)
    if sent.return_to is not None and not is_page_of(resources.settings.return_origins, sent.return_to):
        raise invalid("returnTo", "invalid", "The whole URL of a page of PUBLIC_URL, APP_URL or ALLOWED_ORIGINS")
    now = resources.clock()
    known_devices = presented_devices(actor, resources)
    await _count_request(actor, resources, known_devices)
    sent_flow = sent.flow or flow_cookie(actor, resources, address.unique, purpose.name)
    lifetime = purpose.code.lifetime if purpose.code else REQUEST_LIFETIME
    flow = flows.continued_or_new(resources.secret_key, sent_flow, address.unique, purpose.name, now + lifetime)
    job = KeyJob(
        purpose=purpose.name,
        written=address.written,
        unique=address.unique,
        user_id=user_id,
        flow_hash=flow.hash,
        locale=sent.locale,
        return_to=sent.return_to,
        devices=known_devices,
        actor=actor.as_recorded(),
    )
    due_at = now + JOB_DELAY_MAX * secrets.SystemRandom().random()
    async with resources.database.transaction() as transaction:
        await resources.jobs.enqueue(transaction, ISSUE_KEY, job, due_at=due_at, expires_at=now + REQUEST_LIFETIME)
    return AcceptedRequest(flow.text, int(lifetime.total_seconds()))


async def _count_request(actor: Actor, resources: Resources, known_devices: Sequence[Device]) -> None:
    """Count the request by the user who signed in last on this device, or else by the network.

    So others in a network, such as an office, cannot keep a known device from being mailed. Whose device it is does not
    matter, so that the answer tells nothing about the address. Raises `Problem` `too_many_requests`.
    """
    if known_devices:
        try:
            await resources.rate_limits.hit("mail_by_device", str(known_devices[0].user_id))
        except Problem as refusal:
            if refusal.code != "too_many_requests":
                raise
        else:
            return
    await resources.rate_limits.hit("mail_by_client", client_network(actor.ip))


def flow_cookie(actor: Actor, resources: Resources, address: str, purpose: str) -> str | None:
    """The flow in the cookie of the actor's request, as it was sent; of several cookies, the one that is for this
    normalised address and purpose."""
    sent = cookie_values(actor.cookies, neighbour(resources.cookie, flows.cookie_name(purpose)).name)
    return flows.latest_flow(resources.secret_key, sent, address, purpose)


def issue_key_handler(resources: Resources) -> JobHandler:
    """The handler of the jobs that `request_key` enqueues."""

    async def run(attempt: Attempt) -> None:
        await issue_requested_key(resources, attempt)

    return JobHandler(run, keep=False)


async def issue_requested_key(resources: Resources, attempt: Attempt) -> None:
    """Issue the requested key and mail it, or mail a notice, or do nothing: as the purpose decides for the address."""
    job = msgspec.json.decode(attempt.payload, type=KeyJob)
    purpose = PURPOSES[job.purpose]
    mail_id = queue.dependent_job_id(attempt.job_id)
    async with resources.database.transaction() as transaction:
        if await queue.exists(transaction, mail_id):
            return  # done by an earlier attempt whose end was not recorded
        request = KeyRequest(Address(job.written, job.unique), job.user_id)
        answer = await purpose.request(resources, transaction, request) if purpose.request else None
        if isinstance(answer, IssueKey):
            asked_by = await _asker(resources, job, purpose, answer)
            mailing = await _plan(resources, transaction, job, purpose, answer, asked_by)
            if mailing is not None:
                await _issue_and_mail(resources, transaction, job, purpose, answer, asked_by, mailing, mail_id)
            elif purpose.code:
                # The code that is in the mailbox leads to where the latest request of its flow wants to be.
                place = CodeOf(job.unique, job.purpose, job.flow_hash, purpose.code.lifetime)
                keys, noted = SingleUseKeyRepository(transaction), _noted(job, mail_id)
                await keys.note_later_request(place, noted, MAIL, RETURN_TO, resources.clock())
        elif isinstance(answer, SendNotice) and await _may_send_notice(resources, job.unique):
            await resources.mail.enqueue(
                transaction,
                to=answer.to,
                template=answer.template,
                locale=answer.locale or job.locale,
                values={},
                job_id=mail_id,
            )


async def _asker(resources: Resources, job: KeyJob, purpose: Purpose, answer: IssueKey) -> Asker:
    """Whose budget the mail is in: a signed-in user, or a device where the user of the key has signed in before, counts
    as a device, until it has guessed wrong too often."""
    device = known_device(job.devices, answer.user_id, answer.devices_since) if answer.user_id else None
    known = device is not None and await is_within_budget(resources, job.unique, device)
    return "device" if purpose.for_users or known else "stranger"


async def _plan(
    resources: Resources,
    transaction: AsyncSession,
    job: KeyJob,
    purpose: Purpose,
    answer: IssueKey,
    asked_by: Asker,
) -> Mailing | None:
    """What to mail. Requests for one address are decided one after the other."""
    now = resources.clock()
    keys = SingleUseKeyRepository(transaction)
    asked = Asked(
        asked_by=asked_by,
        flow_hash=job.flow_hash,
        user_id=answer.user_id,
        code=purpose.code,
        has_link=purpose.link_lifetime is not None,
        codes_stopped=asked_by == "stranger" and not await codes_accepted(resources, job.unique),
        by_user=purpose.for_users,
    )
    await keys.lock_mail(job.unique)
    return plan_mailing(asked, await keys.mailed_since(job.unique, purpose.name, now - WINDOW), now)


async def _issue_and_mail(
    resources: Resources,
    transaction: AsyncSession,
    job: KeyJob,
    purpose: Purpose,
    answer: IssueKey,
    asked_by: Asker,
    mailing: Mailing,
    mail_id: UUID,
) -> None:
    """Issue the key and enqueue its mail, if it has one."""
    now = resources.clock()
    code, code_lifetime, beside = "", None, None
    if mailing.attempts and purpose.code:
        code, code_lifetime = new_code(), purpose.code.lifetime
        hashed = code_hashes(resources, job.unique, purpose.name, code)[0]
        beside = CodeBeside(hashed, mailing.attempts, job.flow_hash, mailing.continued, mailing.displaced)
    link_lifetime = purpose.link_lifetime(resources.settings) if purpose.link_lifetime else None
    lifetimes = [lifetime for lifetime in (code_lifetime, link_lifetime) if lifetime]
    link = await issue_link(
        job.actor,
        resources,
        transaction,
        purpose=purpose.name,
        address=job.unique,
        user_id=answer.user_id,
        expires_at=now + max(lifetimes),
        payload={**answer.payload, **_noted(job, mail_id)},
        code=beside,
        asked_by=asked_by,
    )
    if not answer.mailed:
        return
    values = {"code": code} if purpose.code else {}
    if link_lifetime is not None:
        values["link"] = link
    await resources.mail.enqueue(
        transaction,
        to=answer.to,
        template=answer.template,
        locale=answer.locale or job.locale,
        values=values,
        # The mail expires with the code, or with the link if there is no code.
        expires_at=now + lifetimes[0],
        job_id=mail_id,
    )


def _noted(job: KeyJob, mail_id: UUID) -> dict[str, str]:
    """What the payload of a key has of its request: the mail, whose id sorts by the time of the request, and the page
    to return to."""
    return {MAIL: str(mail_id), **({RETURN_TO: job.return_to} if job.return_to else {})}


async def _may_send_notice(resources: Resources, address: str) -> bool:
    """Whether an address may get another notice. A notice issues no key, so that keys cannot count it."""
    try:
        await resources.rate_limits.hit("notice_to_address", address)
    except Problem:
        return False
    return True


def code_hashes(resources: Resources, address: str, purpose: str, code: str) -> tuple[str, ...]:
    """The hashes of a code under the current and the previous secret key; the first is stored."""
    return tuple(
        code_hash(key, address=address, purpose=purpose, code=code) for key in resources.secret_key.derive(CODE_KEYS)
    )
