"""Asking for single-use keys: the same answer, after the same work, for every address."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.addresses import Address, normalise
from app.auth.tokens import code_hash, new_code, new_link_token, token_hash
from app.database import Database
from app.domain.keys.ports import Services
from app.domain.keys.purpose import CODE_ATTEMPTS, Asked, Issue, Notice, Purpose
from app.domain.keys.purposes import PURPOSES
from app.domain.keys.repository import CODE_LIFETIME, KeyRepository
from app.domain.keys.schemas import KeyRequest
from app.errors import Problem, invalid
from app.limits import RateLimits

ISSUE_KEY = "issue_key"
PURPOSES_OF_USERS = frozenset(purpose.name for purpose in PURPOSES.values() if purpose.asked_by_user)

# Queues a job that runs once the transaction has committed, and never if it does not.
Enqueue = Callable[[AsyncSession, str, Mapping[str, str]], Awaitable[None]]


class AskService:
    """Requests for keys. What an address is, is looked up in a job: the request itself never knows."""

    def __init__(
        self, database: Database, services: Services, limits: RateLimits, enqueue: Enqueue, code_keys: tuple[bytes, ...]
    ) -> None:
        self._database = database
        self._services = services
        self._limits = limits
        self._enqueue = enqueue
        self._code_keys = code_keys

    async def ask(self, sent: KeyRequest, client_ip: str, caller: UUID | None) -> None:
        """Accept a request for a key; nothing tells whether anything will be mailed.

        `caller` is the signed-in user. Raises `Problem`: `validation_failed`, `method_disabled`, `too_many_requests`,
        `not_signed_in` for a purpose that only a user can ask for.
        """
        purpose = askable(sent.purpose, self._services)
        if purpose.asked_by_user and caller is None:
            raise Problem("not_signed_in", "Sign in, then ask again.")
        address = normalise(sent.email)
        await self._limits.hit("mail_by_client", client_ip)
        await self._limits.hit("mail_to_address", address.unique)
        asked = {
            "purpose": purpose.name,
            "written": address.written,
            "unique": address.unique,
            "user_id": str(caller) if purpose.asked_by_user else "",
            "name": sent.name or "",
            "phone": sent.phone or "",
        }
        async with self._database.transaction() as transaction:
            await self._enqueue(transaction, ISSUE_KEY, asked)

    async def issue(self, transaction: AsyncSession, job: Mapping[str, str]) -> None:
        """The job: find out what the address is, then issue a key and mail it, or mail a notice, or do nothing."""
        purpose = PURPOSES[job["purpose"]]
        asked = Asked(
            address=Address(job["written"], job["unique"]),
            user_id=UUID(job["user_id"]) if job["user_id"] else None,
            name=job["name"],
            phone=job["phone"] or None,
        )
        answer = await purpose.ask(transaction, self._services, asked) if purpose.ask else None
        if isinstance(answer, Issue):
            await self._issue(transaction, purpose, asked.address.unique, answer)
        elif isinstance(answer, Notice):
            await self._services.send_mail(
                transaction, to=answer.to, template=answer.template, locale=answer.locale, values={}
            )

    async def _issue(self, transaction: AsyncSession, purpose: Purpose, address: str, answer: Issue) -> None:
        keys, now = KeyRepository(session=transaction), self._services.clock()
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
            code_hash=code_hash(self._code_keys[0], address=address, purpose=purpose.name, code=code)
            if has_code
            else None,
            attempts=CODE_ATTEMPTS if has_code else None,
            payload=answer.payload,
            now=now,
            expires_at=now + (link_lifetime or CODE_LIFETIME),
        )
        values = {"code": code} if has_code else {}
        if link_lifetime is not None:
            values["link"] = f"{self._services.settings.public_url}/redeem#token={token}"
        await self._services.send_mail(
            transaction, to=answer.to, template=answer.template, locale=answer.locale, values=values
        )


def askable(name: str, services: Services) -> Purpose:
    """The purpose that anyone may ask keys for. Raises `Problem`: `validation_failed`, `method_disabled`."""
    purpose = PURPOSES.get(name)
    if purpose is None or purpose.ask is None:
        known = sorted(purpose.name for purpose in PURPOSES.values() if purpose.ask)
        raise invalid("purpose", "invalid", f"One of {', '.join(known)}")
    if not purpose.enabled(services.settings):
        raise Problem("method_disabled", "This deployment does not offer it.")
    return purpose
