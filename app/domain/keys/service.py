"""The rules of keys: signing in with a secret, setting it, and listing and dropping one's own."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import email_addresses as addresses
from app.auth.passwords import rules
from app.auth.passwords.hasher import SecretHasher
from app.auth.principal import PrincipalUser
from app.clock import Clock
from app.domain.keys.models import Key
from app.domain.keys.repository import KeyRepository, SignInKey, find_key_by_address, find_key_by_user, sign_in
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from app.domain.sessions.repository import SessionRepository
from app.domain.sessions.schemas import Client, StartedSession
from app.domain.sessions.service import SessionService
from app.domain.users.repository import UserRepository
from app.errors import Problem, invalid
from app.mail.mailer import SendMail
from app.postgres.database import Database
from app.settings.model import Settings

# The verified hash may have been replaced meanwhile, with the same secret, by a sign-in beside this one.
TRIES = 2
PASSWORD = "password"  # noqa: S105 # the name of a method


async def revoke_everything(transaction: AsyncSession, user_id: UUID) -> None:
    """End every session and void every outstanding single-use key of the user, in the caller's transaction."""
    await SessionRepository(session=transaction).revoke_all_but(user_id, None)
    await SingleUseKeyRepository(session=transaction).void_outstanding(user_id)


class KeyService:
    """Keys. Secrets are hashed outside of transactions, so that no connection waits for a hash."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        hasher: SecretHasher,
        sessions: SessionService,
        send_mail: SendMail,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._hasher = hasher
        self._sessions = sessions
        self._send_mail = send_mail

    async def sign_in(self, email: str, secret: str, client: Client, replaces: str | None) -> StartedSession:
        """Start a session for the owner of this address and secret.

        Unknown address, wrong secret, no secret and suspended user get one answer after the same work: one hash.
        Raises `Problem`: `invalid_credentials`, `validation_failed`, `temporarily_unavailable`.
        """
        address = addresses.normalise(email)
        for _ in range(TRIES):
            key, rehashed = await self._verify(await find_key_by_address(self._database, address.unique), secret)
            token, new = self._sessions.draft(PASSWORD, client, replaces)
            principal = await sign_in(self._database, key, rehashed, new)
            if principal and principal.session:
                max_age = principal.session.idle_expires_at - new.now
                return StartedSession(token, int(max_age.total_seconds()), principal)
        raise _invalid_credentials()

    async def reauthenticate(self, user: PrincipalUser, token: str, secret: str) -> StartedSession:
        """Prove again who is at the session of `token`: it gets a new token, and the old one is dead.

        Raises `Problem` as `sign_in` does, and `not_signed_in` where the session has ended meanwhile.
        """
        for _ in range(TRIES):
            key, rehashed = await self._verify(await find_key_by_user(self._database, user.id), secret)
            async with self._database.transaction() as transaction:
                active, role = await UserRepository(session=transaction).lock_active(key.user_id)
                keys = KeyRepository(session=transaction)
                if active and await keys.note_use(key.id, key.secret_hash or "", rehashed, self._clock()):
                    await SingleUseKeyRepository(session=transaction).forget_failures_of(key.user_id)
                    return await self._renew(transaction, token, role)
        raise _invalid_credentials()

    async def set_secret(self, user: PrincipalUser, session_id: UUID, token: str, secret: str) -> StartedSession:
        """Set or change the user's secret, and tell them by mail (OWASP ASVS 5.0, 6.3.7).

        In one transaction all other sessions and all outstanding single-use keys go, and this session gets a new token.
        Raises `Problem`: `validation_failed` with the reason, `temporarily_unavailable`, `not_signed_in`.
        """
        self._require_passwords()
        hashed = await self._hash_new(secret, user.email, user.name)
        async with self._database.transaction() as transaction:
            keys = KeyRepository(session=transaction)
            account = await UserRepository(session=transaction).lock_account(user.id)
            if account is None:
                raise _ended()
            await keys.set_secret(user.id, hashed)
            await SingleUseKeyRepository(session=transaction).void_outstanding(user.id)
            await SessionRepository(session=transaction).revoke_all_but(user.id, session_id)
            await self._send_mail(
                transaction, to=account.email, template="secret_changed", locale=account.locale, values={}
            )
            return await self._renew(transaction, token, account.platform_role)

    async def find_user(self, email: str) -> UUID:
        """The user whose primary key this address is. Raises `Problem`: `validation_failed`, `not_found`."""
        key = await find_key_by_address(self._database, addresses.normalise(email).unique)
        if key is None:
            raise Problem("not_found", "There is no user with this address.")
        return key.user_id

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Key]:
        """The user's usable keys, oldest first, from after the given id."""
        async with self._database.transaction() as transaction:
            return await KeyRepository(session=transaction).page(user_id, self._clock(), after, limit)

    async def delete(self, key_id: UUID, user_id: UUID) -> bool:
        """Drop one of the user's secondary keys; False where they have no such key.

        Raises `Problem` `primary_key_required`: the primary key goes only with the user.
        """
        async with self._database.transaction() as transaction:
            kind = await KeyRepository(session=transaction).delete_secondary(key_id, user_id)
        if kind == "primary":
            raise Problem("primary_key_required", "A user always keeps a way in. The address can be changed instead.")
        return kind is not None

    async def _verify(self, key: SignInKey | None, secret: str) -> tuple[SignInKey, str]:
        """The key whose secret this is, and the hash to keep of it from now on."""
        self._require_passwords()
        normal = rules.normalise(secret)
        if normal is None:
            raise invalid("secret", "too_long", f"At most {rules.MAX_LENGTH} characters")
        matches = await self._hasher.verify(key.secret_hash if key else None, normal)
        if not matches or key is None or key.secret_hash is None or key.status != "active":
            raise _invalid_credentials()
        if self._hasher.needs_rehash(key.secret_hash):
            return key, await self._hasher.hash(normal)
        return key, key.secret_hash

    def _require_passwords(self) -> None:
        if not self._settings.passwords:
            raise Problem("method_disabled", "This deployment has no passwords: sign in with a code.")

    async def _renew(self, transaction: AsyncSession, token: str, role: str | None) -> StartedSession:
        renewed = await self._sessions.renew(transaction, token=token, platform_role=role)
        if renewed is None:
            raise _ended()
        return renewed

    async def _hash_new(self, secret: str, *context: str) -> str:
        return await self._hasher.hash(
            rules.acceptable(secret, min_length=self._settings.password_min_length, context=context)
        )


def _ended() -> Problem:
    return Problem("not_signed_in", "This session has ended.")


def _invalid_credentials() -> Problem:
    return Problem("invalid_credentials", "Check the address and the secret.")
