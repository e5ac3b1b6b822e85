"""Who calls with an API key: the principal of the key, kept in memory as those of sessions are, and its limit."""

from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from msgspec import Struct, structs

from app.auth.principal import Kept, Principal, PrincipalKey
from app.auth.tokens import token_hash
from app.domain.resources import Resources
from app.domain.service_accounts.repository import note_use, read_principal_of_key
from app.errors import Problem
from app.postgres import kept_rows
from app.postgres.kept_rows import KeptRows
from app.recent import Recent

# Machines that call are few. A principal with more memberships takes the place of several.
PRINCIPALS_KEPT = 1000
MEMBERSHIPS_OF_ONE = 32
USES_KEPT = 10_000
NOTE_EVERY = timedelta(minutes=5)
WINDOW = timedelta(minutes=1)


class Uses(Struct):
    """The requests of one key in the present minute, which began with the first of them, and when its use was noted."""

    window_ends: datetime
    requests: int = 0
    noted_at: datetime | None = None


class ApiKeyAuthenticator:
    """The `KeyAuthenticator` of the middleware."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        size = min(PRINCIPALS_KEPT, resources.settings.principal_cache)
        self._principals: KeptRows[bytes, Principal] = KeptRows(resources.database, size)
        self._uses: Recent[UUID, Uses] = Recent(USES_KEPT)

    async def authenticate_key(self, token: str) -> Principal:
        """The principal of an API key; `ANONYMOUS` for one that is unknown or expired, or whose account is suspended.

        Raises `Problem` `too_many_requests` past API_KEY_REQUESTS_PER_MINUTE.
        """
        hashed, now = token_hash(token), self._resources.clock()
        principal = self._principals.find(hashed)
        if principal is None or principal.key is None or principal.key.expires_at <= now:
            principal = await self._principals.read(hashed, lambda: self._load(hashed, now))
        if principal.user is not None and principal.key is not None:
            self._count(principal.user.id, principal.key, now)
        return principal

    async def _load(self, hashed: bytes, now: datetime) -> kept_rows.Kept[Principal]:
        principal = await read_principal_of_key(self._resources.database, hashed, now)
        user = principal.user
        if user is None or not self._principals.enabled:
            return kept_rows.Kept(principal)
        languages = [f"language {membership.language}" for membership in principal.memberships]
        places = 1 + len(languages) // MEMBERSHIPS_OF_ONE
        principal = structs.replace(principal, kept=Kept())
        return kept_rows.Kept(principal, (f"user {user.id}", *languages), places)

    def _count(self, user_id: UUID, key: PrincipalKey, now: datetime) -> None:
        """Count a request. In the memory of this process: a statement for each request would take longer than most."""
        uses = self._uses.get(key.id)
        if uses is None:
            uses = Uses(now + WINDOW)
            self._uses.put(key.id, uses, 1)
        if uses.window_ends <= now:
            uses.window_ends, uses.requests = now + WINDOW, 0
        uses.requests += 1
        most = self._resources.settings.api_key_requests_per_minute
        if most and uses.requests > most:
            raise _too_many(most, uses.window_ends - now)
        if uses.noted_at is None or uses.noted_at <= now - NOTE_EVERY:
            uses.noted_at = now
            noting = note_use(self._resources.database, user_id, key.id, now, NOTE_EVERY)
            self._resources.background.start("key_use_not_noted", noting)


def _too_many(most: int, rest: timedelta) -> Problem:
    """The refusal, with the fields of draft-ietf-httpapi-ratelimit-headers-11."""
    seconds = max(1, ceil(rest.total_seconds()))
    headers = {
        "Retry-After": str(seconds),
        "RateLimit-Policy": f'"requests_by_key";q={most};w={int(WINDOW.total_seconds())}',
        "RateLimit": f'"requests_by_key";r=0;t={seconds}',
    }
    return Problem("too_many_requests", f"Try again in {seconds} seconds.", headers=headers, reason="requests_by_key")
