"""Counters of rate limits in Postgres: each hit is one statement, and holds across workers, machines and restarts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import chain

from sqlalchemy import Text, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.postgres.base import Base
from app.postgres.database import Database

# This read alone answers a flood of refused hits: it writes nothing and waits for no lock.
FULL_WINDOW = """
full_window AS (
    SELECT key, expires_at FROM rate_limits WHERE expires_at > $1 AND ({is_full}) ORDER BY expires_at DESC LIMIT 1
)"""
COUNT_IN_WINDOW = """
window_{number} AS (
    INSERT INTO rate_limits AS r (key, hits, expires_at)
    SELECT {key}, 1, {end} {unless_refused}
    ON CONFLICT (key) DO UPDATE
       SET hits = CASE WHEN r.expires_at <= $1 THEN 1 ELSE r.hits + 1 END,
           expires_at = CASE WHEN r.expires_at <= $1 THEN excluded.expires_at ELSE r.expires_at END
    RETURNING key, hits, expires_at
)"""
FIND_FULL = """
SELECT FROM rate_limits r JOIN unnest($2::text[], $3::int[]) AS w (key, maximum) ON w.key = r.key
 WHERE r.expires_at > $1 AND r.hits >= w.maximum LIMIT 1
"""
FIND_HITS_LEFT = """
SELECT min(w.maximum - coalesce(r.hits, 0)) FROM unnest($2::text[], $3::int[]) AS w (key, maximum)
  LEFT JOIN rate_limits r ON r.key = w.key AND r.expires_at > $1
"""
# Rows are locked in the order of their keys, as hits lock them, and not in the order of the database's locale.
REFUND = """
WITH held AS (
         SELECT key FROM rate_limits WHERE key = ANY($2::text[] || $3::text[]) ORDER BY key COLLATE "C" FOR UPDATE
     ),
     forgotten AS (DELETE FROM rate_limits r USING held WHERE r.key = held.key AND r.key = ANY($3))
UPDATE rate_limits r SET hits = r.hits - 1
  FROM held
 WHERE r.key = held.key AND r.key = ANY($2) AND r.expires_at > $1 AND r.hits > 0
"""


@cache
def count_statement(windows: int) -> str:
    """The statement that counts one hit in each of so many windows, unless one of them refuses it.

    The parameters are the current time, then the key, the end and the maximum of hits of each window. The result is
    the key and the end of the window that refuses the hit, or no row. `counted` is 0, or the number of windows that
    have counted a hit that loses the race for the last place: they are the first ones, and have to be taken back.
    """
    full, counts, refusals = [], [], ["SELECT key, expires_at, 0 AS counted FROM full_window"]
    unless_refused = "WHERE NOT EXISTS (SELECT FROM full_window)"
    for number in range(windows):
        key, end, maximum = f"${3 * number + 2}::text", f"${3 * number + 3}::timestamptz", f"${3 * number + 4}::int"
        full.append(f"key = {key} AND hits >= {maximum}")
        counts.append(COUNT_IN_WINDOW.format(number=number, key=key, end=end, unless_refused=unless_refused))
        unless_refused = f"FROM window_{number} WHERE hits <= {maximum}"
        refusals.append(f"SELECT key, expires_at, {number + 1} FROM window_{number} WHERE hits > {maximum}")  # noqa: S608 # no values
    full_window = FULL_WINDOW.format(is_full=" OR ".join(full))
    return f"WITH {','.join([full_window, *counts])} {' UNION ALL '.join(refusals)}"


class PostgresCounters:
    """The `Counters` of rate limits in the table `rate_limits`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, now: datetime, windows: Sequence[tuple[str, int, int]]) -> tuple[str, timedelta] | None:
        """As `Counters.count`. A hit that loses a race for the last place is taken back in a second statement.

        Until then it can make another hit of the same windows wait that would have found a place.
        """
        parameters = [(key, now + timedelta(seconds=seconds), maximum) for key, maximum, seconds in windows]
        refusal = await self._database.pool.fetchrow(count_statement(len(windows)), now, *chain(*parameters))
        if refusal is None:
            return None
        if counted := refusal["counted"]:
            await self.refund(now, [key for key, _, _ in windows[:counted]])
        return refusal["key"], refusal["expires_at"] - now

    async def are_free(self, now: datetime, windows: Sequence[tuple[str, int, int]]) -> bool:
        """As `Counters.are_free`."""
        keys, maxima = [key for key, _, _ in windows], [maximum for _, maximum, _ in windows]
        return await self._database.pool.fetchrow(FIND_FULL, now, keys, maxima) is None

    async def hits_left(self, now: datetime, windows: Sequence[tuple[str, int, int]]) -> int:
        """As `Counters.hits_left`."""
        keys, maxima = [key for key, _, _ in windows], [maximum for _, maximum, _ in windows]
        return max(0, int(await self._database.pool.fetchval(FIND_HITS_LEFT, now, keys, maxima)))

    async def refund(self, now: datetime, keys: Sequence[str], forgotten: Sequence[str] = ()) -> None:
        """As `Counters.refund`, in one statement."""
        await self._database.pool.execute(REFUND, now, keys, forgotten)

    async def close(self) -> None:
        """Nothing to close: the database is not this object's own."""


async def delete_closed(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` windows that have ended, and return their number."""
    # A hit locks several rows one after the other. Rows that it holds are skipped, so that neither waits for the other.
    ended = select(RateLimit.key).where(RateLimit.expires_at <= now).limit(limit).with_for_update(skip_locked=True)
    deletion = delete(RateLimit).where(RateLimit.key.in_(ended)).returning(RateLimit.key)
    return len((await transaction.execute(deletion)).all())


class RateLimit(Base):
    """One window of a limit and of one identifier."""

    __tablename__ = "rate_limits"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    hits: Mapped[int]
    expires_at: Mapped[datetime]
