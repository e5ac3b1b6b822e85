"""Memory of what has been read from the database, until the database tells of a change.

Triggers notify of every change of a row that somebody keeps (migration 0014), also of one that was made in psql. While
a process cannot be sure to hear of the notifications, it keeps nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from msgspec import Struct

from app.postgres.database import Database

CHANNEL: Final = "ostiary_changes"
# The tables with triggers. A transaction that changes one of them ends when its process has heard of the change.
TABLES: Final = ("users", "sessions", "keys", "language_members", "languages")
EVERYTHING: Final = "all"
# To drop more values than this one by one holds up all other requests for longer than to drop everything.
ONE_BY_ONE_MAX: Final = 5_000

K = TypeVar("K")
V = TypeVar("V")


class Kept(Struct, Generic[V], frozen=True):
    """A value, the notifications that make it outdated, such as `user ID`, and how many places it takes.

    A value about nothing is not kept.
    """

    value: V
    about: tuple[str, ...] = ()
    size: int = 1


class Flight(Struct, Generic[V], eq=False):
    """A statement under way, its result, and what has changed since it was sent."""

    landed: asyncio.Future[V]
    changed: set[str]


class KeptRows(Generic[K, V]):
    """Up to `size` values by key. The least recently used ones are dropped first."""

    def __init__(self, database: Database, size: int) -> None:
        """With size 0 nothing is kept, and so behind a transaction pooler, which passes on no notifications."""
        self.enabled: Final = size > 0 and database.notifies
        self._size = size
        self._used = 0
        self._listener = database.listener
        self._rows: OrderedDict[K, Kept[V]] = OrderedDict()
        # A set takes three times the memory of the one key that most changes concern.
        self._keys_about: dict[str, K | set[K]] = {}
        self._flights: dict[K, Flight[V]] = {}
        self._under_way = set[Flight[V]]()
        if self.enabled:
            database.listener.subscribe(CHANNEL, self._on_notification, proves=True)
            database.settle_after_changes_of(TABLES)

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, key: K) -> V | None:
        """The value of the key, if it is kept and nobody can have changed it more than 2 seconds ago."""
        if not self._listener.is_current():
            self.clear()
            return None
        kept = self._rows.get(key)
        if kept is None:
            return None
        self._rows.move_to_end(key)
        return kept.value

    async def find_or_read(self, key: K, load: Callable[[], Awaitable[Kept[V]]]) -> V:
        """The kept value of the key, else what `read` gives."""
        found = self.find(key) if self._rows else None
        return found if found is not None else await self.read(key, load)

    async def read(self, key: K, load: Callable[[], Awaitable[Kept[V]]]) -> V:
        """The value that `load` reads, which is kept unless it has changed meanwhile.

        Requests for one key at the same time wait for one statement. Raises as `load` does.
        """
        if not (self.enabled and self._listener.is_current()):
            return (await load()).value
        flight = self._flights.get(key)
        # A statement that was sent before a change does not serve a request that was sent after the change.
        if flight is None or flight.changed:
            return await self._load(key, load)
        await asyncio.wait([flight.landed])
        return await self._load(key, load) if flight.landed.cancelled() else flight.landed.result()

    async def _load(self, key: K, load: Callable[[], Awaitable[Kept[V]]]) -> V:
        flight: Flight[V] = Flight(asyncio.get_running_loop().create_future(), set())
        self._flights[key] = flight
        self._under_way.add(flight)
        try:
            kept = await load()
        except Exception as error:
            flight.landed.set_exception(error)
            flight.landed.exception()  # or asyncio logs that nobody has waited for it
            raise
        else:
            flight.landed.set_result(kept.value)
            if kept.about and flight.changed.isdisjoint((*kept.about, EVERYTHING)):
                self._keep(key, kept)
            return kept.value
        finally:
            flight.landed.cancel()  # of a cancelled request: whoever waits sends a statement of their own
            self._under_way.discard(flight)
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _keep(self, key: K, kept: Kept[V]) -> None:
        if not self._listener.is_current() or kept.size > self._size:
            return
        self._drop(key)
        self._rows[key] = kept
        self._used += kept.size
        for change in kept.about:
            self._note(change, key)
        while self._used > self._size:
            self._drop(next(iter(self._rows)))

    def forget(self, change: str) -> None:
        """Keep no value longer that this change makes outdated, such as `user ID`."""
        keys = self._keys_about.get(change)
        if isinstance(keys, set):
            if len(keys) > ONE_BY_ONE_MAX:
                self.clear()
            for key in tuple(keys):
                self._drop(key)
        elif keys is not None:
            self._drop(keys)

    def clear(self) -> None:
        """Keep nothing of what is kept now."""
        if self._rows:
            self._rows.clear()
            self._keys_about.clear()
            self._used = 0

    def _drop(self, key: K) -> None:
        kept = self._rows.pop(key, None)
        if kept is None:
            return
        self._used -= kept.size
        for change in kept.about:
            keys = self._keys_about[change]
            if isinstance(keys, set):
                keys.discard(key)
            if not isinstance(keys, set) or not keys:
                del self._keys_about[change]

    def _note(self, change: str, key: K) -> None:
        keys = self._keys_about.setdefault(change, key)
        if isinstance(keys, set):
            keys.add(key)
        elif keys != key:
            self._keys_about[change] = {keys, key}

    def _on_notification(self, change: str | None) -> None:
        for flight in self._under_way:
            flight.changed.add(change or EVERYTHING)
        if change is None or change == EVERYTHING:
            self.clear()
        else:
            self.forget(change)
