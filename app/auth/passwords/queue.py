"""The queue before the hash processes: known devices first, and no client network takes all its places."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable

from msgspec import Struct

# Parts of the places. What strangers cannot take is kept for known devices.
NETWORK_PART = 1 / 4
STRANGERS_PART = 3 / 4
# The known devices of one account, in all networks together: accounts cost nothing where everybody can sign up.
ACCOUNT_PART = 1 / 8
# A part of a small queue still has this many places, or one where two would be half of them: the strangers and the
# known devices of one network together must not take all.
PART_MIN = 2
# Whoever has waited so long is told to come again: people and proxies have given up soon after.
WAIT_SECONDS = 5.0


class HashClient(Struct, frozen=True):
    """Who waits for a hash: a client network, and whether the device is known or its user signed in.

    `account` is the account of a known client, such as its normalised address.
    """

    network: str
    known: bool = False
    account: str = ""


# The command line. It is known, and only the whole queue bounds it.
OPERATOR = HashClient("", known=True)


class QueueFullError(Exception):
    """The queue, or the client's part of it, is full."""


class QueueSlowError(Exception):
    """The client has waited for the whole time that a client may wait."""


class FairQueue:
    """Lets `at_work` clients work at a time, known ones first, and each class in the order of arrival.

    Of all `places`, to work and to wait, the strangers of one network take at most `NETWORK_PART`, its known devices as
    many, all strangers together at most `STRANGERS_PART`, and the known devices of one account `ACCOUNT_PART`. With 3
    or more places, no network takes all.
    """

    def __init__(self, *, at_work: int, places: int, wait_seconds: float = WAIT_SECONDS) -> None:
        self._wait_seconds = wait_seconds
        self._free = at_work
        self._places = places
        part_min = min(PART_MIN, max(1, (places - 1) // 2))
        self._places_of_network = max(part_min, int(places * NETWORK_PART))
        self._places_of_strangers = max(part_min, int(places * STRANGERS_PART))
        self._places_of_account = max(part_min, int(places * ACCOUNT_PART))
        self._taken = Counter[HashClient]()
        self._waiting = {known: deque[asyncio.Future[None]]() for known in (True, False)}
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def taken(self) -> int:
        """The number of clients that work or wait."""
        return self._taken.total()

    async def enter(self, client: HashClient) -> None:
        """Wait for a turn to work, which ends with `leave`.

        Raises `QueueFullError`, at once and never later, and `QueueSlowError` after `wait_seconds`.
        """
        if self._is_full_for(client):
            raise QueueFullError
        self._taken[client] += 1
        self._idle.clear()
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[client.known].append(turn)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await turn
        except (TimeoutError, asyncio.CancelledError) as ended:
            if turn.cancelled():
                self._give_back(client)
            else:  # its turn came before the wait could end
                self.leave(client)
            if isinstance(ended, TimeoutError):
                raise QueueSlowError from None
            raise

    def leave(self, client: HashClient) -> None:
        """End the client's turn: the next one works."""
        self._give_back(client)
        for waiting in self._waiting[True], self._waiting[False]:
            while waiting:
                turn = waiting.popleft()
                if not turn.done():  # a cancelled one keeps its place in the list
                    turn.set_result(None)
                    return
        self._free += 1

    async def wait_until_idle(self) -> None:
        """Wait until nobody works or waits."""
        await self._idle.wait()

    def _is_full_for(self, client: HashClient) -> bool:
        if self.taken >= self._places:
            return True
        if client is OPERATOR:
            return False
        if self._count(lambda other: (other.network, other.known) == (client.network, client.known)) >= (
            self._places_of_network
        ):
            return True
        if client.known:
            return self._count(lambda other: other.known and other.account == client.account) >= self._places_of_account
        return self._count(lambda other: not other.known) >= self._places_of_strangers

    def _count(self, which: Callable[[HashClient], bool]) -> int:
        """The places that such clients have taken."""
        return sum(taken for client, taken in self._taken.items() if which(client))

    def _give_back(self, client: HashClient) -> None:
        self._taken[client] -= 1
        if not self._taken[client]:
            del self._taken[client]
        if not self._taken:
            self._idle.set()
