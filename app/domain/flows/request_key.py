"""Asking for single-use keys: the same answer, after the same work, for every address."""

from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, acting, current_actor
from app.auth.email_addresses import Address, normalise
from app.auth.tokens import code_hash, new_code, new_link_token, token_hash
from app.domain.flows.ports import Services
from app.domain.flows.purpose import CODE_ATTEMPTS, Asked, Issue, Notice, Purpose
from app.domain.flows.registry import PURPOSES
from app.domain.keys.schemas import KeyRequest
from app.domain.keys.single_use_repository import CODE_LIFETIME, SingleUseKeyRepository
from app.errors import Problem, invalid
from app.jobs import queue
from app.jobs.queue import JobQueue
from app.jobs.worker import Attempt
from app.postgres.database import Database
from app.rate_limits import RateLimits, client_network
from app.secret_key import SecretKey

ISSUE_KEY = "issue_key"
PURPOSES_OF_USERS = frozenset(purpose.name for purpose in PURPOSES.values() if purpose.asked_by_user)

# The keys that code hashes are made with are derived for this alone.
CODE_KEYS = "one_time_codes"


class KeyJob(Struct, frozen=True):
    """A request for a key, as it waits for its turn."""

    purpose: str
    written: str
    unique: str
    user_id: UUID | None
    name: str
    phone: str | None
    actor: Actor = Actor()


class AskService:
    """Requests for keys. What an address is, is looked up in a job: the request itself never knows."""

    def __init__(
        self, database: Database, services: Services, limits: RateLimits, jobs: JobQueue, secret_key: SecretKey
    ) -> None:
        self._database = database
        self._services = services
        self._limits = limits
        self._jobs = jobs
        self._secret_key = secret_key

    async def ask(self, sent: KeyRequest, client_ip: str, caller: UUID | None) -> None:
        """Accept a request for a key; nothing tells whether anything will be mailed.

        `caller` is the signed-in user. Raises `Problem`: `validation_failed`, `method_disabled`, `too_many_requests`,
        `not_signed_in` for a purpose that only a user can ask for.
        """
        purpose = askable(sent.purpose, self._services)
        if purpose.asked_by_user and caller is None:
            raise Problem("not_signed_in", "Sign in, then ask again.")
        address = normalise(sent.email)
        await self._limits.hit("mail_by_client", client_network(client_ip))
        await self._limits.hit("mail_to_address", address.unique)
        job = KeyJob(
            purpose=purpose.name,
            written=address.written,
            unique=address.unique,
            user_id=caller if purpose.asked_by_user else None,
            name=sent.name or "",
            phone=sent.phone,
            actor=current_actor(),
        )
        async with self._database.transaction() as transaction:
            await self._jobs.enqueue(transaction, ISSUE_KEY, job, expires_at=self._services.clock() + CODE_LIFETIME)

    async def run(self, attempt: Attempt) -> None:
        """The job: find out what the address is, then issue a key and mail it, or mail a notice, or do nothing."""
        job = msgspec.json.decode(attempt.payload, type=KeyJob)
        purpose = PURPOSES[job.purpose]
        asked = Asked(Address(job.written, job.unique), job.user_id, job.name, job.phone)
        with acting(job.actor):
            await self._answer(purpose, asked, queue.dependent_job_id(attempt.job_id))

    async def _answer(self, purpose: Purpose, asked: Asked, mail_id: UUID) -> None:
        async with self._database.transaction() as transaction:
            if await queue.exists(transaction, mail_id):
                return  # done at a try before this one, whose end was not recorded
            answer = await purpose.ask(transaction, self._services, asked) if purpose.ask else None
            if isinstance(answer, Issue):
                await self._issue(transaction, purpose, asked.address.unique, answer, mail_id)
            elif isinstance(answer, Notice):
                await self._services.send_mail(
                    transaction,
                    to=answer.to,
                    template=answer.template,
                    locale=answer.locale,
                    values={},
                    job_id=mail_id,
                )

    async def _issue(
        self, transaction: AsyncSession, purpose: Purpose, address: str, answer: Issue, mail_id: UUID
    ) -> None:
        keys, now = SingleUseKeyRepository(session=transaction), self._services.clock()
        has_code = purpose.has_code and not await keys.codes_stopped(address, now)
        token, code = new_link_token(), new_code()
        link_lifetime = purpose.link_lifetime(self._services.settings) if purpose.link_lifetime else None
        if not has_code and link_lifetime is None:
            return
        await keys.issue(
            purpose=purpose.name,
            address=address,
            user_id=answer.user_id,
            token_hash=token_hash(token),
            code_hash=self._hash(address, purpose, code) if has_code else None,
            attempts=CODE_ATTEMPTS if has_code else None,
            payload=answer.payload,
            now=now,
            expires_at=now + (link_lifetime or CODE_LIFETIME),
        )
        values = {"code": code if has_code else ""} if purpose.has_code else {}
        if link_lifetime is not None:
            values["link"] = f"{self._services.settings.public_url}/redeem#token={token}"
        await self._services.send_mail(
            transaction,
            to=answer.to,
            template=answer.template,
            locale=answer.locale,
            values=values,
            expires_at=now + (CODE_LIFETIME if has_code or link_lifetime is None else link_lifetime),
            job_id=mail_id,
        )

    def _hash(self, address: str, purpose: Purpose, code: str) -> str:
        key = self._secret_key.derive(CODE_KEYS)[0]
        return code_hash(key, address=address, purpose=purpose.name, code=code)


def askable(name: str, services: Services) -> Purpose:
    """The purpose that anyone may ask keys for. Raises `Problem`: `validation_failed`, `method_disabled`."""
    purpose = PURPOSES.get(name)
    if purpose is None or purpose.ask is None:
        known = sorted(purpose.name for purpose in PURPOSES.values() if purpose.ask)
        raise invalid("purpose", "invalid", f"One of {', '.join(known)}")
    if not purpose.enabled(services.settings):
        raise Problem("method_disabled", "This deployment does not offer it.")
    return purpose
