"""The principals of sessions in use, kept in the memory of this process until the database tells of a change.

They are kept packed: 50,000 of them take some 60 MB.
"""

from datetime import datetime
from sys import intern
from uuid import UUID

import msgspec
from msgspec.structs import force_setattr

from app.auth.principal import KeptAnswer, Principal
from app.domain.sessions.repository import read_principal
from app.postgres.database import Database
from app.postgres.kept_rows import Kept, KeptRows
from app.recent import Recent

# A principal with more memberships takes the place of several.
MEMBERSHIPS_OF_ONE = 32
# The principals of the last requests are kept unpacked too.
UNPACKED_MAX = 6_000

_pack = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_unpack = msgspec.msgpack.Decoder(Principal).decode


class PackedPrincipal(KeptAnswer):
    """A principal, and the first limit of its session in seconds since 1970."""

    packed: bytes = b""
    expires_at: float = 0


class PrincipalCache:
    """Up to `size` principals, by the hash of their token."""

    def __init__(self, database: Database, size: int) -> None:
        self._database = database
        self._principals: KeptRows[bytes, PackedPrincipal] = KeptRows(database, size)
        self._unpacked: Recent[PackedPrincipal, Principal] = Recent(min(size, UNPACKED_MAX))

    @property
    def enabled(self) -> bool:
        """Whether principals are kept at all."""
        return self._principals.enabled

    async def read(self, token_hash: bytes, now: datetime) -> Principal:
        """The principal of the token, with its details; `ANONYMOUS` if it has none.

        Past a limit of the session, the statement decides: another process may have moved the idle limit, of which
        there is no notification.
        """
        packed = self._principals.find(token_hash)
        if packed is None or now.timestamp() >= packed.expires_at:
            packed = await self._principals.read(token_hash, lambda: self._load(token_hash, now))
        principal = self._unpacked.get(packed)
        if principal is None:
            principal = _unpack(packed.packed)
            if packed.expires_at:
                force_setattr(principal, "answer", packed)
                self._unpacked.put(packed, principal, _places_of(principal))
        return principal

    def forget(self, user_id: UUID) -> None:
        """Read the principals of the user again at the next request of each."""
        self._principals.forget(f"user {user_id}")

    def clear(self) -> None:
        """Read every principal again."""
        self._principals.clear()

    async def _load(self, token_hash: bytes, now: datetime) -> Kept[PackedPrincipal]:
        principal = await read_principal(self._database, token_hash, now, detailed=True)
        user, session = principal.user, principal.session
        packed = PackedPrincipal(packed=_pack(principal))
        # Unknown tokens would fill the memory. A replaced token ends after seconds, by the clock of the statement.
        if user is None or session is None or principal.replaced:
            return Kept(packed)
        packed.expires_at = min(session.idle_expires_at, session.expires_at).timestamp()
        # Interned: many principals have the same ones.
        languages = [intern(f"language {membership.language}") for membership in principal.memberships]
        return Kept(packed, (f"user {user.id}", *languages), _places_of(principal))


def _places_of(principal: Principal) -> int:
    return 1 + len(principal.memberships) // MEMBERSHIPS_OF_ONE
