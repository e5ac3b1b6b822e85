"""The principals of sessions in use, kept in the memory of this process until the database tells of a change.

They are kept packed: 50,000 of them take some 60 MB.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from sys import intern
from uuid import UUID

import msgspec
from msgspec.structs import force_setattr

from app.auth.principal import Kept, Principal
from app.http.ready_answers import ReadyAnswer
from app.postgres import kept_rows
from app.postgres.database import Database
from app.postgres.kept_rows import KeptRows

# A principal with more memberships takes the place of several.
MEMBERSHIPS_OF_ONE = 32
# The principals in steady use are kept unpacked too, with their descriptions ready to be sent.
UNPACKED_MAX = 6_000

_pack = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_unpack = msgspec.msgpack.Decoder(Principal).decode


class PackedPrincipal(Kept):
    """A principal, and the first limit of its session in seconds since 1970.

    `etag` and `deflated` are its description as it was answered, compressed; `principal` and `ready` are both as the
    last requests have used them, and `used` says that one has, since somebody has last looked.
    """

    packed: bytes
    expires_at: float = 0
    etag: bytes = b""
    deflated: bytes = b""
    principal: Principal | None = None
    ready: ReadyAnswer | None = None
    used: bool = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class PrincipalCache:
    """Up to `size` principals, by the hash of their token."""

    def __init__(self, database: Database, size: int, read: Callable[[bytes], Awaitable[Principal]]) -> None:
        """`read` reads a principal with its details from the database."""
        self._read = read
        self._principals: KeptRows[bytes, PackedPrincipal] = KeptRows(database, size)
        self._unpacked = deque[tuple[PackedPrincipal, int]]()
        self._unpacked_places = 0

    @property
    def enabled(self) -> bool:
        """Whether principals are kept at all."""
        return self._principals.enabled

    def find(self, token_hash: bytes, now: datetime) -> Principal | None:
        """The principal of the token, with its details, if it is kept.

        Past a limit of the session the database decides: another process may have moved the idle limit, of which there
        is no notification.
        """
        packed = self._principals.find(token_hash)
        if packed is None or now.timestamp() >= packed.expires_at:
            return None
        packed.used = True
        return packed.principal or self._unpack(packed)

    async def read(self, token_hash: bytes) -> Principal:
        """The principal of the token as the database has it; `ANONYMOUS` if the token has none. It is kept from now on.

        Requests for one token at the same time wait for one statement.
        """
        packed = await self._principals.read(token_hash, lambda: self._load(token_hash))
        return packed.principal or self._unpack(packed)

    def forget(self, user_id: UUID) -> None:
        """Read the principals of the user again at the next request of each."""
        self._principals.forget(f"user {user_id}")

    def clear(self) -> None:
        """Read every principal again."""
        self._principals.clear()

    async def _load(self, token_hash: bytes) -> kept_rows.Kept[PackedPrincipal]:
        principal = await self._read(token_hash)
        user, session = principal.user, principal.session
        packed = PackedPrincipal(packed=_pack(principal))
        # Unknown tokens would fill the memory. A replaced token ends after seconds, by the clock of the statement.
        if user is None or session is None or principal.replaced:
            return kept_rows.Kept(packed)
        packed.expires_at = min(session.idle_expires_at, session.expires_at).timestamp()
        # Interned: many principals have the same ones.
        languages = [intern(f"language {membership.language}") for membership in principal.memberships]
        return kept_rows.Kept(packed, (f"user {user.id}", *languages), _places_of(principal))

    def _unpack(self, packed: PackedPrincipal) -> Principal:
        principal = _unpack(packed.packed)
        if not packed.expires_at:  # it is not kept
            return principal
        force_setattr(principal, "kept", packed)
        packed.principal, places = principal, _places_of(principal)
        self._unpacked.append((packed, places))
        self._unpacked_places += places
        while self._unpacked_places > UNPACKED_MAX:
            self._pack_one()
        return principal

    def _pack_one(self) -> None:
        """Drop the oldest unpacked principal, unless a request has used it since it was last looked at here.

        This "second chance" needs no order of all requests, which takes longer to keep than a request otherwise does.
        """
        packed, places = self._unpacked.popleft()
        if packed.used:
            packed.used = False
            self._unpacked.append((packed, places))
        else:
            packed.principal = packed.ready = None
            self._unpacked_places -= places


def _places_of(principal: Principal) -> int:
    return 1 + len(principal.memberships) // MEMBERSHIPS_OF_ONE
