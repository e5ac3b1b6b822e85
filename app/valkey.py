"""Counters of rate limits in Valkey or Redis. A hit is one script, which the server runs alone: nothing races."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

# The client knows both servers under one scheme.
SCHEMES = {"valkey": "redis", "valkeys": "rediss"}
PREFIX = "ostiary:"

# A window is a hash of its hits and its end in milliseconds, by the service's clock. The arguments are the current
# time, whether to count, then the maximum and the milliseconds of each window. The result is the number of the full
# window that ends last and the milliseconds to its end, or {0, 0}.
COUNT = """
local now, counting = tonumber(ARGV[1]), ARGV[2] == '1'
local open, full, rest = {}, 0, 0
for number, key in ipairs(KEYS) do
    local window = redis.call('HMGET', key, 'hits', 'ends')
    local left = (tonumber(window[2]) or 0) - now
    open[number] = left > 0
    if open[number] and tonumber(window[1]) >= tonumber(ARGV[2 * number + 1]) and left > rest then
        full, rest = number, left
    end
end
if full > 0 or not counting then return {full, rest} end
for number, key in ipairs(KEYS) do
    if open[number] then
        redis.call('HINCRBY', key, 'hits', 1)
    else
        local length = ARGV[2 * number + 2]
        redis.call('HSET', key, 'hits', 1, 'ends', now + tonumber(length))
        redis.call('PEXPIRE', key, length)
    end
end
return {0, 0}
"""
# The arguments are the current time and the number of keys that lose one hit; the other keys are forgotten.
REFUND = """
for number, key in ipairs(KEYS) do
    local window = redis.call('HMGET', key, 'hits', 'ends')
    if number > tonumber(ARGV[2]) then
        redis.call('DEL', key)
    elseif (tonumber(window[2]) or 0) > tonumber(ARGV[1]) and tonumber(window[1]) > 0 then
        redis.call('HINCRBY', key, 'hits', -1)
    end
end
"""
# The arguments are the current time and the maximum of each window.
HITS_LEFT = """
local fewest
for number, key in ipairs(KEYS) do
    local window = redis.call('HMGET', key, 'hits', 'ends')
    local hits = (tonumber(window[2]) or 0) > tonumber(ARGV[1]) and tonumber(window[1]) or 0
    local left = tonumber(ARGV[number + 1]) - hits
    fewest = math.min(fewest or left, left)
end
return fewest
"""


class ValkeyCounters:
    """The `Counters` of rate limits in one Valkey or Redis server, which may have replicas, but is no cluster."""

    def __init__(self, url: str, connections: int, timeout: float) -> None:
        """`url` is VALKEY_URL. There are at most `connections`; each answer may take `timeout` seconds.

        The constructor opens no connection.
        """
        scheme, _, rest = url.partition("://")
        pool = BlockingConnectionPool.from_url(
            f"{SCHEMES.get(scheme, scheme)}://{rest}",
            max_connections=connections,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 1),  # a connection that the server has closed meanwhile
        )
        self._client = Redis.from_pool(pool)
        self._count = self._client.register_script(COUNT)
        self._refund = self._client.register_script(REFUND)
        self._hits_left = self._client.register_script(HITS_LEFT)

    async def count(self, now: datetime, windows: Sequence[tuple[str, int, int]]) -> tuple[str, timedelta] | None:
        """As `Counters.count`."""
        number, rest = await self._run_count(now, windows, counting=True)
        return (windows[number - 1][0], timedelta(milliseconds=rest)) if number else None

    async def are_free(self, now: datetime, windows: Sequence[tuple[str, int, int]]) -> bool:
        """As `Counters.are_free`."""
        number, _ = await self._run_count(now, windows, counting=False)
        return number == 0

    async def hits_left(self, now: datetime, windows: Sequence[tuple[str, int, int]]) -> int:
        """As `Counters.hits_left`."""
        async with _outages():
            arguments = [_milliseconds(now), *[maximum for _, maximum, _ in windows]]
            left: Any = await self._hits_left(keys=_stored([key for key, _, _ in windows]), args=arguments)
        return max(0, int(left))

    async def refund(self, now: datetime, keys: Sequence[str], forgotten: Sequence[str] = ()) -> None:
        """As `Counters.refund`."""
        async with _outages():
            await self._refund(keys=_stored([*keys, *forgotten]), args=[_milliseconds(now), len(keys)])

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _run_count(
        self, now: datetime, windows: Sequence[tuple[str, int, int]], *, counting: bool
    ) -> tuple[int, int]:
        arguments = [_milliseconds(now), int(counting)]
        for _, maximum, seconds in windows:
            arguments += [maximum, seconds * 1000]
        async with _outages():
            result: Any = await self._count(keys=_stored([key for key, _, _ in windows]), args=arguments)
        return result[0], result[1]


@asynccontextmanager
async def _outages() -> AsyncIterator[None]:
    """Raise `ConnectionError` for every error of the server, such as a lost connection or a full memory."""
    try:
        yield
    except RedisError as error:
        raise ConnectionError(type(error).__name__) from error


def _stored(keys: Sequence[str]) -> list[str]:
    return [PREFIX + key for key in keys]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
