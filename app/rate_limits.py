"""Named rate limits, counted in Postgres: they hold across workers, machines and restarts.

The strings and the strategy are those of the `limits` library; its storage on Postgres is ours, as it has none.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

import asyncpg
from limits import RateLimitItem, parse_many
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter
from sqlalchemy import Text, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.clock import Clock
from app.errors import Problem
from app.postgres.base import Base
from app.postgres.database import Database

# Per address: one mail in 30 seconds and five in an hour. Per client: what an office behind one address needs.
LIMITS: Mapping[str, str] = {
    "mail_to_address": "1 per 30 second; 5 per hour",
    "mail_by_client": "30 per minute; 300 per hour",
    "guess_by_client": "60 per minute; 600 per hour",
}

INCREMENT = """
INSERT INTO rate_limits AS r (key, hits, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (key) DO UPDATE
   SET hits = CASE WHEN r.expires_at <= $4 THEN $2 ELSE r.hits + $2 END,
       expires_at = CASE WHEN r.expires_at <= $4 THEN $3 ELSE r.expires_at END
RETURNING hits
"""
READ = "SELECT hits, expires_at FROM rate_limits WHERE key = $1 AND expires_at > $2"


IPV6_PREFIX = 64  # what one customer of a provider has (RFC 6177)


def client_network(ip: str | None) -> str:
    """Whom a limit by client counts: an IPv4 address, or the network that an IPv6 address can be changed within."""
    try:
        address = ip_address(ip or "")
    except ValueError:
        return ip or ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((int(address), IPV6_PREFIX), strict=False))
    return str(address)


class PostgresStorage(Storage):
    """The `limits` storage contract on the table `rate_limits`; one atomic statement counts a hit."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__()
        self._database = database
        self._clock = clock

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the storage raises where it does not work."""
        return asyncpg.PostgresError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` hits; a window of `expiry` seconds opens with its first hit."""
        now = self._clock()
        hits: int = await self._database.pool.fetchval(INCREMENT, key, amount, now + timedelta(seconds=expiry), now)
        return hits

    async def get(self, key: str) -> int:
        """The hits of the open window."""
        row = await self._database.pool.fetchrow(READ, key, self._clock())
        return int(row["hits"]) if row else 0

    async def get_expiry(self, key: str) -> float:
        """When the open window ends, in seconds of the epoch."""
        row = await self._database.pool.fetchrow(READ, key, self._clock())
        return (row["expires_at"] if row else self._clock()).timestamp()

    async def check(self) -> bool:
        """Whether the storage answers."""
        return bool(await self._database.pool.fetchval("SELECT true"))

    async def reset(self) -> int | None:
        """Forget all windows."""
        await self._database.pool.execute("DELETE FROM rate_limits")
        return None

    async def clear(self, key: str) -> None:
        """Forget one window."""
        await self._database.pool.execute("DELETE FROM rate_limits WHERE key = $1", key)


async def delete_closed(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` windows that have ended; gives their number."""
    ended = select(RateLimit.key).where(RateLimit.expires_at <= now).limit(limit)
    deletion = delete(RateLimit).where(RateLimit.key.in_(ended)).returning(RateLimit.key)
    return len((await transaction.execute(deletion)).all())


class RateLimits:
    """The named limits of the service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._clock = clock
        self._storage = PostgresStorage(database, clock)
        self._strategy = FixedWindowRateLimiter(self._storage)
        self._items = {name: parse_many(text) for name, text in LIMITS.items()}

    async def hit(self, name: str, identifier: str) -> None:
        """Count one use of the limit `name` by `identifier`, of which a digest alone is stored.

        Raises `Problem` `too_many_requests` with Retry-After in seconds. The same for identifiers that exist and that
        do not, so that it tells nothing.
        """
        digest = blake2b(identifier.encode(), digest_size=16).hexdigest()
        for item in self._items[name]:
            if not await self._strategy.hit(item, name, digest):
                raise await self._refusal(item, name, digest)

    async def _refusal(self, item: RateLimitItem, name: str, digest: str) -> Problem:
        ends = (await self._strategy.get_window_stats(item, name, digest)).reset_time
        seconds = max(1, ceil(ends - self._clock().timestamp()))
        return Problem("too_many_requests", f"Try again in {seconds} seconds.", headers={"Retry-After": str(seconds)})


class RateLimit(Base):
    """One open window of a limit."""

    __tablename__ = "rate_limits"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    hits: Mapped[int]
    expires_at: Mapped[datetime]
