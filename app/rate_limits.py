"""Named rate limits, counted where all workers and machines see them: in Postgres, or in Valkey or Redis."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import NamedTuple, Protocol, TypeVar

import structlog

from app.clock import Clock
from app.errors import Problem
from app.postgres.counters import PostgresCounters
from app.postgres.database import Database
from app.postgres.outages import is_outage
from app.settings.limits import LIMITS, Limit, Window
from app.settings.model import Settings

# The network that a provider assigns to one customer (RFC 6177).
IPV6_PREFIX = 64

# How long the counters may take. After that they are unavailable.
COUNTERS_SECONDS = 2.0
RETRY_AFTER_OUTAGE = "5"

T = TypeVar("T")

logger = structlog.get_logger("ostiary.rate_limits")


class Use(NamedTuple):
    """One use of the limit `name` by `identifier`: an address, a client network, a user id. Only a digest is stored."""

    name: str
    identifier: str


class Counters(Protocol):
    """Where hits are counted. A window is its key, the maximum of its hits, and its length in seconds.

    `OSError` and its kind, such as `TimeoutError`, mean that the counters are unavailable.
    """

    async def count(self, now: datetime, windows: Sequence[tuple[str, int, int]]) -> tuple[str, timedelta] | None:
        """Count one hit in each window, or in none if one of them is full.

        Returns the key and the rest of the fullest window, which ends last, or None for a hit that is counted. The
        windows are in the order of their keys.
        """

    async def are_free(self, now: datetime, windows: Sequence[tuple[str, int, int]]) -> bool:
        """Whether a hit would be counted now."""

    async def hits_left(self, now: datetime, windows: Sequence[tuple[str, int, int]]) -> int:
        """How many hits would be counted from now on in the window that has the fewest left."""

    async def refund(self, now: datetime, keys: Sequence[str], forgotten: Sequence[str] = ()) -> None:
        """Take back one hit of each window of `keys` that has not ended, and forget the windows of `forgotten`."""

    async def close(self) -> None:
        """Close the connections."""


class RateLimits:
    """The named limits of the service."""

    def __init__(
        self,
        counters: Counters,
        clock: Clock,
        windows: Mapping[str, Sequence[Window]],
        limits: Mapping[str, Limit] = LIMITS,
    ) -> None:
        """`windows` are the windows of each of the `limits`. A limit without windows accepts every use."""
        self._counters = counters
        self._clock = clock
        self._windows = windows
        self._limits = limits

    async def hit(self, name: str, identifier: str) -> None:
        """Count one use of the limit `name` by `identifier`. Raises `Problem` as `hit_all` does."""
        await self.hit_all(Use(name, identifier))

    async def hit_all(self, *uses: Use) -> None:
        """Count several uses at once. If one of the limits refuses, none is counted.

        Raises `Problem` `too_many_requests` with Retry-After in seconds, and `temporarily_unavailable` if the uses
        cannot be counted. The answer does not depend on whether an
        account with this identifier exists.
        """
        windows = self._windows_of(uses)
        if not windows:
            return
        counting = self._counters.count(self._clock(), [(key, *window) for key, window in windows.items()])
        if refusal := await _answer(counting):
            key, rest = refusal
            raise self._too_many(key.partition("/")[0], windows[key], rest)

    async def allows(self, name: str, identifier: str) -> bool:
        """Whether a use would be accepted now. Raises `Problem` as `allows_all` does."""
        return await self.allows_all(Use(name, identifier))

    async def allows_all(self, *uses: Use) -> bool:
        """Whether `hit_all` would accept these uses now. Counts nothing.

        Raises `Problem` `temporarily_unavailable` as `hit_all` does.
        """
        windows = self._windows_of(uses)
        if not windows:
            return True
        looking = self._counters.are_free(self._clock(), [(key, *window) for key, window in windows.items()])
        return await _answer(looking)

    async def left(self, use: Use, at_most: int) -> int | None:
        """How many more uses would be accepted, if the limit allowed `at_most` in each of its windows, or fewer.

        None if the limit is off, or if the counters are unavailable.
        """
        if not (windows := self._windows_of([use])):
            return None
        bounded = [(key, min(window.hits, at_most), window.seconds) for key, window in windows.items()]
        return await _answer_if_possible(self._counters.hits_left(self._clock(), bounded))

    async def refund(self, *uses: Use, forgotten: Sequence[Use] = ()) -> None:
        """Take back uses that `hit_all` counted: a guess is counted before it is compared, and a right one is free.

        All uses of the limits and identifiers in `forgotten`, which are none of `uses`, are taken back. In an outage of
        the counters the uses stay counted.
        """
        windows, ended = self._windows_of(uses), self._windows_of(forgotten)
        if windows or ended:
            await _answer_if_possible(self._counters.refund(self._clock(), list(windows), list(ended)))

    async def close(self) -> None:
        """Close the connections of the counters."""
        await self._counters.close()

    def _windows_of(self, uses: Iterable[Use]) -> dict[str, Window]:
        """The windows that these uses count in, by key, in the one order in which all statements lock rows.

        A use that is named twice is one use.
        """
        return dict(
            sorted(
                (f"{use.name}/{_digest(use.identifier)}/{window.seconds}", window)
                for use in set(uses)
                for window in self._windows[use.name]
            )
        )

    def _too_many(self, name: str, window: Window, rest: timedelta) -> Problem:
        """The refusal of a window that is full for the time `rest`.

        The fields are those of draft-ietf-httpapi-ratelimit-headers-11.
        """
        seconds = ceil(rest.total_seconds())
        headers = {"Retry-After": str(seconds)}
        if self._limits[name].announced:
            headers["RateLimit-Policy"] = f'"{name}";q={window.hits};w={window.seconds}'
            headers["RateLimit"] = f'"{name}";r=0;t={seconds}'
        return Problem("too_many_requests", f"Try again in {seconds} seconds.", headers=headers, reason=name)


async def _answer(asked: Awaitable[T]) -> T:
    """What the counters answer. Raises `Problem` `temporarily_unavailable` if they are unavailable."""
    try:
        async with asyncio.timeout(COUNTERS_SECONDS):
            return await asked
    except Exception as error:
        if not is_outage(error):
            raise
        reason = f"limits_unavailable: {type(error).__name__}"
        headers = {"Retry-After": RETRY_AFTER_OUTAGE}
        detail = "Requests cannot be counted right now."
        raise Problem("temporarily_unavailable", detail, headers=headers, reason=reason) from error


async def _answer_if_possible(asked: Awaitable[T]) -> T | None:
    """What the counters answer; None, with a line in the log, if they are unavailable."""
    try:
        return await _answer(asked)
    except Problem as unavailable:
        logger.warning("rate_limits_unavailable", reason=unavailable.reason)
        return None


def rate_limits_for(settings: Settings, database: Database, clock: Clock) -> RateLimits:
    """The limits of these settings. They are counted in Valkey or Redis if VALKEY_URL is set, else in the database."""
    counters: Counters = PostgresCounters(database)
    if settings.valkey_url:
        from app.valkey import ValkeyCounters  # noqa: PLC0415 # a package that only this setting needs

        counters = ValkeyCounters(settings.valkey_url, settings.pool_size, COUNTERS_SECONDS)
    return RateLimits(counters, clock, settings.limits)


def client_network(ip: str | None) -> str:
    """The client that a limit by client counts: an IPv4 address, or the /64 network of an IPv6 address.

    The holder of an IPv6 network can use each of its addresses. An IPv4-mapped IPv6 address is its IPv4 address. A text
    that is not an address is given back as it is.
    """
    try:
        address = ip_address(ip or "")
    except ValueError:
        return ip or ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((int(address), IPV6_PREFIX), strict=False))
        address = address.ipv4_mapped
    return str(address)


def _digest(identifier: str) -> str:
    return blake2b(identifier.encode(), digest_size=16).hexdigest()
