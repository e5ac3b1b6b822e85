"""Named rate limits, counted in Postgres, so that they hold across workers, machines and restarts."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import NamedTuple

from sqlalchemy import Text, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.clock import Clock
from app.errors import Problem
from app.postgres.base import Base
from app.postgres.database import Database

# The network that a provider assigns to one customer (RFC 6177).
IPV6_PREFIX = 64

WINDOW_FORM = re.compile(r"([1-9][0-9]{0,5})/(?:([1-9][0-9]{0,5}) )?(second|minute|hour|day)s?")
UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


class Window(NamedTuple):
    """At most `hits` in `seconds`; a window opens with its first hit."""

    hits: int
    seconds: int


def parse_windows(text: str) -> tuple[Window, ...]:
    """The windows of a limit such as `5/minute;50/day` or `1/30 seconds`, shortest first.

    Raises `ValueError` for a text of another form and for two windows of the same length.
    """
    windows: dict[int, Window] = {}
    for part in text.split(";"):
        form = WINDOW_FORM.fullmatch(part)
        if form is None:
            raise ValueError(f"{part!r} is not a limit such as 5/minute or 1/30 seconds")
        hits, count, unit = form.groups()
        seconds = int(count or 1) * UNIT_SECONDS[unit]
        if seconds in windows:
            raise ValueError(f"{text!r} has two windows of {seconds} seconds")
        windows[seconds] = Window(int(hits), seconds)
    return tuple(windows[seconds] for seconds in sorted(windows))


# Limits by client allow for an office whose people share one address.
LIMITS: Mapping[str, tuple[Window, ...]] = {
    "mail_to_address": parse_windows("1/30 seconds;5/hour"),
    "mail_by_client": parse_windows("30/minute;300/hour"),
    "guess_by_client": parse_windows("60/minute;600/hour"),
}

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
SELECT r.key, r.expires_at FROM rate_limits r JOIN unnest($2::text[], $3::int[]) AS w (key, maximum) ON w.key = r.key
 WHERE r.expires_at > $1 AND r.hits >= w.maximum ORDER BY r.expires_at DESC LIMIT 1
"""
# Rows are locked in the order of their keys, as hits lock them.
REFUND = """
UPDATE rate_limits r SET hits = r.hits - 1
  FROM (SELECT key FROM rate_limits WHERE key = ANY($2) AND expires_at > $1 AND hits > 0 ORDER BY key FOR UPDATE) held
 WHERE r.key = held.key
"""
RESET = "DELETE FROM rate_limits WHERE key = ANY($1)"


@cache
def count_statement(windows: int) -> str:
    """The statement that counts one hit in each of so many windows, unless one of them refuses it.

    The parameters are the current time, then the key, the end and the maximum of hits of each window. The result is
    the key and the end of the window that refuses the hit, or no row. A hit that loses a race for the last place in a
    window is not counted in the windows after it.
    """
    full, counts, refusals = [], [], ["SELECT key, expires_at FROM full_window"]
    unless_refused = "WHERE NOT EXISTS (SELECT FROM full_window)"
    for number in range(windows):
        key, end, maximum = f"${3 * number + 2}::text", f"${3 * number + 3}::timestamptz", f"${3 * number + 4}::int"
        full.append(f"key = {key} AND hits >= {maximum}")
        counts.append(COUNT_IN_WINDOW.format(number=number, key=key, end=end, unless_refused=unless_refused))
        unless_refused = f"FROM window_{number} WHERE hits <= {maximum}"
        refusals.append(f"SELECT key, expires_at FROM window_{number} WHERE hits > {maximum}")  # noqa: S608 # no values
    full_window = FULL_WINDOW.format(is_full=" OR ".join(full))
    return f"WITH {','.join([full_window, *counts])} {' UNION ALL '.join(refusals)}"


def client_network(ip: str | None) -> str:
    """The client that a limit by client counts: an IPv4 address, or the /64 network of an IPv6 address.

    The holder of an IPv6 network can use each of its addresses. A text that is not an address is given back as it is.
    """
    try:
        address = ip_address(ip or "")
    except ValueError:
        return ip or ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((int(address), IPV6_PREFIX), strict=False))
    return str(address)


class Use(NamedTuple):
    """One use of the limit `name` by `identifier`: an address, a client network, a user id. Only a digest is stored."""

    name: str
    identifier: str


class RateLimits:
    """The named limits of the service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def hit(self, name: str, identifier: str) -> None:
        """Count one use of the limit `name` by `identifier`. Raises `Problem` as `hit_all` does."""
        await self.hit_all(Use(name, identifier))

    async def hit_all(self, *uses: Use) -> None:
        """Count several uses in one statement. If one of the limits refuses, none is counted.

        Raises `Problem` `too_many_requests` with Retry-After in seconds. The answer does not depend on whether an
        account with this identifier exists.
        """
        now = self._clock()
        parameters: list[object] = [now]
        for key, window in _windows(uses):
            parameters += [key, now + timedelta(seconds=window.seconds), window.hits]
        statement = count_statement(len(parameters) // 3)
        refusal = await self._database.pool.fetchrow(statement, *parameters)
        if refusal is not None:
            raise _too_many(refusal["expires_at"] - now, refusal["key"].partition("/")[0])

    async def allows(self, name: str, identifier: str) -> bool:
        """Whether a use would be accepted now. Counts nothing."""
        windows = _windows([Use(name, identifier)])
        keys, maxima = [key for key, _ in windows], [window.hits for _, window in windows]
        return await self._database.pool.fetchrow(FIND_FULL, self._clock(), keys, maxima) is None

    async def refund(self, *uses: Use) -> None:
        """Take back uses that `hit_all` counted: a guess is counted before it is compared, and a right one is free."""
        await self._database.pool.execute(REFUND, self._clock(), [key for key, _ in _windows(uses)])

    async def reset(self, *uses: Use) -> None:
        """Forget all uses of these limits by these identifiers."""
        await self._database.pool.execute(RESET, [key for key, _ in _windows(uses)])


def _windows(uses: Iterable[Use]) -> list[tuple[str, Window]]:
    """The rows that these uses count in, in the one order in which all statements lock rows."""
    return sorted(
        (f"{use.name}/{_digest(use.identifier)}/{window.seconds}", window)
        for use in uses
        for window in LIMITS[use.name]
    )


def _digest(identifier: str) -> str:
    return blake2b(identifier.encode(), digest_size=16).hexdigest()


def _too_many(wait: timedelta, limit: str) -> Problem:
    seconds = str(ceil(wait.total_seconds()))
    headers = {"Retry-After": seconds}
    return Problem("too_many_requests", f"Try again in {seconds} seconds.", headers=headers, reason=limit)


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
