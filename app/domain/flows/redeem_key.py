"""Using single-use keys: check, consume and do what the purpose does, all or nothing."""

from collections.abc import Mapping
from hmac import compare_digest
from uuid import UUID

from msgspec import Struct

from app.auth.email_addresses import normalise
from app.auth.passwords import rules
from app.auth.passwords.hasher import SecretHasher
from app.auth.principal import PrincipalUser
from app.auth.tokens import code_hash, is_code, is_link_token, token_hash
from app.domain.flows.ports import Services
from app.domain.flows.purpose import LiveKey, Proof, Purpose
from app.domain.flows.purposes import sign_in
from app.domain.flows.registry import PURPOSES
from app.domain.flows.request_key import CODE_KEYS
from app.domain.keys.models import Key
from app.domain.keys.schemas import Inspected, Redemption
from app.domain.keys.single_use_repository import FAILURES_MAX, SingleUseKeyRepository
from app.domain.sessions.schemas import Client, StartedSession
from app.domain.sessions.service import SessionService
from app.domain.users.repository import UserRepository
from app.errors import FieldError, Problem, invalid
from app.postgres.database import Database
from app.rate_limits import RateLimits, client_network
from app.secret_key import SecretKey


class Caller(Struct, frozen=True):
    """Who sends the request: where from, and with which session, if any."""

    client: Client
    token: str | None = None
    user_id: UUID | None = None


class Presented(Struct, frozen=True):
    """A key that was found, and how its holder showed it: by its link's token, or by its code."""

    key: Key
    purpose: Purpose
    method: str
    hashes: tuple[str, ...] = ()

    async def consume(self, keys: SingleUseKeyRepository, services: Services) -> Key | None:
        """Use the key up; None where somebody else has done so meanwhile."""
        now = services.clock()
        if self.method == "link":
            return await keys.consume(bytes.fromhex(self.key.identifier), self.purpose.name, now)
        return await keys.consume_code(self.key.address or "", self.purpose.name, self.hashes, now)


class RedeemService:
    """Redeeming. Every key that cannot be used gets one answer, whatever the cause."""

    def __init__(
        self,
        database: Database,
        services: Services,
        limits: RateLimits,
        hasher: SecretHasher,
        sessions: SessionService,
        secret_key: SecretKey,
    ) -> None:
        self._database = database
        self._services = services
        self._limits = limits
        self._hasher = hasher
        self._sessions = sessions
        self._secret_key = secret_key

    async def redeem(self, sent: Redemption, caller: Caller, only: str | None = None) -> StartedSession:
        """Use a link's token, or a code with its purpose and address; `only` limits it to one purpose.

        Raises `Problem`: `key_not_usable` for every key that cannot be used; `validation_failed`, which leaves the key
        usable; `email_taken`; `too_many_requests`.
        """
        presented = await self._present(sent, caller, only)
        proof = await self._prove(presented, sent, caller)
        async with self._database.transaction() as transaction:
            if presented.key.user_id is not None:
                await UserRepository(session=transaction).lock_active(presented.key.user_id)
            keys = SingleUseKeyRepository(session=transaction)
            key = await presented.consume(keys, self._services)
            if key is None:
                raise _not_usable()
            redeemed = await presented.purpose.redeem(transaction, self._services, _live(key), proof)
            await keys.forget_failures(key.address or "")
            return await self._sessions.start(
                transaction,
                user_id=redeemed.user_id,
                platform_role=redeemed.platform_role,
                method=presented.method,
                client=caller.client,
                replaces=caller.token,
            )

    async def inspect(self, token: str) -> Inspected:
        """What a link is for; nothing is consumed. Raises `Problem`: `validation_failed`, `key_not_usable`."""
        presented = await self._by_link(token)
        key = presented.key
        needs = presented.purpose.needs(self._services.settings, _live(key))
        return Inspected(presented.purpose.name, key.address or None, key.payload.get("language"), list(needs))

    async def reauthenticate(self, user: PrincipalUser, code: str, caller: Caller) -> StartedSession:
        """Prove again who is at the session, with a sign-in code: the session gets a new token.

        Raises `Problem`: `key_not_usable`, `validation_failed`, `too_many_requests`, `not_signed_in`.
        """
        presented = await self._by_code(sign_in.NAME, user.email, code, caller)
        async with self._database.transaction() as transaction:
            active, role = await UserRepository(session=transaction).lock_active(user.id)
            keys = SingleUseKeyRepository(session=transaction)
            key = await presented.consume(keys, self._services)
            if key is None or key.user_id != user.id or not active:
                raise _not_usable()
            await keys.forget_failures(key.address or "")
            renewed = await self._sessions.renew(transaction, token=caller.token or "", platform_role=role)
            if renewed is None:
                raise Problem("not_signed_in", "This session has ended.")
            return renewed

    async def _present(self, sent: Redemption, caller: Caller, only: str | None) -> Presented:
        by_code = {"purpose": sent.purpose, "email": sent.email, "code": sent.code}
        if sent.token is not None:
            if sent.code is not None or sent.purpose is not None:
                raise invalid("token", "ambiguous", "Send a token, or a purpose with email and code")
            presented = await self._by_link(sent.token)
        elif sent.purpose is None or sent.email is None or sent.code is None:
            absent = [name for name, value in by_code.items() if value is None]
            raise Problem(
                "validation_failed", errors=[FieldError(name, "missing", "Or send a token") for name in absent]
            )
        else:
            presented = await self._by_code(sent.purpose, sent.email, sent.code, caller)
        if only is not None and presented.purpose.name != only:
            raise _not_usable()
        return presented

    async def _by_link(self, token: str) -> Presented:
        if not is_link_token(token):
            raise invalid("token", "invalid_token", "This is not the token of a link: copy it whole")
        async with self._database.transaction() as transaction:
            key = await SingleUseKeyRepository(session=transaction).find_live(token_hash(token), self._services.clock())
        purpose = PURPOSES.get(key.purpose or "") if key else None
        if key is None or purpose is None or purpose.link_lifetime is None or not self._enabled(purpose):
            raise _not_usable()
        return Presented(key, purpose, "link")

    async def _by_code(self, name: str, email: str, code: str, caller: Caller) -> Presented:
        """The key of a right code. The attempt is counted and committed before the code is looked at."""
        if not is_code(code):
            raise invalid("code", "invalid_code", "A code is eight digits")
        purpose, address = PURPOSES.get(name), normalise(email)
        await self._limits.hit("guess_by_client", client_network(caller.client.ip))
        if purpose is None or not purpose.has_code or not self._enabled(purpose):
            raise _not_usable()
        now = self._services.clock()
        async with self._database.transaction() as transaction:
            keys = SingleUseKeyRepository(session=transaction)
            key = await keys.count_attempt(address.unique, name, now)
            failures = await keys.count_failure(address.unique, now, guessed=key is not None)
        hashes = tuple(
            code_hash(secret, address=address.unique, purpose=name, code=code)
            for secret in self._secret_key.derive(CODE_KEYS)
        )
        right = any(compare_digest(hashed, key.secret_hash or "") for hashed in hashes) if key else False
        if key is None or not right or failures > FAILURES_MAX:
            raise _not_usable()
        return Presented(key, purpose, "code", hashes)

    async def _prove(self, presented: Presented, sent: Redemption, caller: Caller) -> Proof:
        live = _live(presented.key)
        needed = presented.purpose.needs(self._services.settings, live)
        values: Mapping[str, str | None] = {"email": sent.email, "name": sent.name, "secret": sent.secret}
        missing = [FieldError(name, "missing", "This key needs the field") for name in needed if not values[name]]
        if missing:
            raise Problem("validation_failed", errors=missing)
        address = normalise(sent.email or live.address)
        if live.address not in ("", address.unique):
            raise _not_usable()
        name = sent.name or ""
        hashed = None
        if "secret" in needed:
            minimum = self._services.settings.password_min_length
            context = (address.unique, name, await self._name_of(presented.key.user_id))
            secret = rules.acceptable(sent.secret or "", min_length=minimum, context=context)
            hashed = await self._hasher.hash(secret)
        return Proof(address, name, hashed, caller.user_id, self._services.clock())

    async def _name_of(self, user_id: UUID | None) -> str:
        if user_id is None:
            return ""
        async with self._database.transaction() as transaction:
            account = await UserRepository(session=transaction).account(user_id)
        return account.name if account else ""

    def _enabled(self, purpose: Purpose) -> bool:
        return purpose.enabled(self._services.settings)


def _live(key: Key) -> LiveKey:
    return LiveKey(key.user_id, key.address or "", key.payload, key.created_at)


def _not_usable() -> Problem:
    return Problem("key_not_usable", "Ask for a new one.")
