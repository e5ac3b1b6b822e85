"""The queue before the hash processes: parts of its places, known devices first, and the order of arrival."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.auth.passwords.queue import OPERATOR, FairQueue, HashClient, QueueFullError, QueueSlowError


def stranger(network: int) -> HashClient:
    return HashClient(f"192.0.2.{network}")


def device(network: int) -> HashClient:
    """A known device of another account for each number, in a network of its own."""
    return HashClient(f"192.0.2.{network}", known=True, account=f"user-{network}@example.org")


def colleague(number: int) -> HashClient:
    """A known device of another account for each number, in one network."""
    return HashClient("192.0.2.1", known=True, account=f"user-{number}@example.org")


TASKS = set[asyncio.Future[None]]()


@pytest.fixture(autouse=True)
async def _end_tasks() -> AsyncIterator[None]:
    """Clients that still wait would end in later tests, with an error that nobody reads."""
    yield
    for task in TASKS:
        task.cancel()
    await asyncio.gather(*TASKS, return_exceptions=True)
    TASKS.clear()


async def entered(queue: FairQueue, *clients: HashClient) -> list[bool]:
    """Let clients enter one after the other. Returns for each whether there was a place; none of them leaves."""
    outcomes = []
    for client in clients:
        task = asyncio.ensure_future(queue.enter(client))
        TASKS.add(task)
        await asyncio.wait([task], timeout=0)
        outcomes.append(not (task.done() and task.exception()))
    return outcomes


@pytest.mark.parametrize(("places", "network"), [(40, 10), (9, 2), (8, 2), (5, 2), (4, 1), (3, 1)])
async def test_a_network_gets_a_quarter_of_the_places_and_at_least_2_where_that_is_not_half_of_them(
    places: int, network: int
) -> None:
    for clients in ([stranger(1)] * places, map(colleague, range(places))):
        queue = FairQueue(at_work=1, places=places)
        assert (await entered(queue, *clients)).count(True) == network


@pytest.mark.parametrize("places", range(3, 12))
async def test_one_network_with_strangers_and_known_devices_never_takes_all_places(places: int) -> None:
    queue = FairQueue(at_work=1, places=places)
    await entered(queue, *[stranger(1)] * places, *map(colleague, range(places)))
    assert queue.taken < places
    assert await entered(queue, device(2)) == [True]


async def test_the_known_devices_of_one_account_get_an_eighth_of_the_places_in_all_networks() -> None:
    queue = FairQueue(at_work=1, places=40)
    devices = [HashClient(f"192.0.2.{number}", known=True, account="mallory@example.org") for number in range(12)]
    assert (await entered(queue, *devices)).count(True) == 5
    assert await entered(queue, device(1)) == [True]


@pytest.mark.parametrize(("places", "strangers"), [(40, 30), (9, 6), (4, 3), (3, 2)])
async def test_strangers_together_get_three_quarters_of_the_places_and_devices_the_rest(
    places: int, strangers: int
) -> None:
    queue = FairQueue(at_work=1, places=places)
    assert (await entered(queue, *map(stranger, range(places)))).count(True) == strangers
    assert (await entered(queue, *map(device, range(places)))).count(True) == places - strangers
    assert await entered(queue, OPERATOR) == [False]
    assert queue.taken == places


async def test_known_devices_go_first_and_each_class_in_the_order_of_arrival() -> None:
    queue, order = FairQueue(at_work=1, places=40), list[HashClient]()

    async def work(client: HashClient) -> None:
        await queue.enter(client)
        order.append(client)
        await asyncio.sleep(0)
        queue.leave(client)

    arrivals = [stranger(1), stranger(2), stranger(3), device(4), stranger(5), device(6)]
    await asyncio.gather(*map(work, arrivals))

    assert order == [stranger(1), device(4), device(6), stranger(2), stranger(3), stranger(5)]
    assert queue.taken == 0


async def test_a_cancelled_client_gives_its_place_back_and_takes_no_turn() -> None:
    queue = FairQueue(at_work=1, places=8)
    await queue.enter(OPERATOR)
    for _ in range(20):
        waiting = [asyncio.ensure_future(queue.enter(stranger(1))) for _ in range(2)]
        await asyncio.wait(waiting, timeout=0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert queue.taken == 1

    last = asyncio.ensure_future(queue.enter(stranger(1)))
    await asyncio.wait([last], timeout=0)
    queue.leave(OPERATOR)
    await last
    queue.leave(stranger(1))
    await queue.wait_until_idle()


async def test_a_turn_that_comes_at_the_moment_of_the_cancellation_goes_to_the_next() -> None:
    queue = FairQueue(at_work=1, places=8)
    await queue.enter(OPERATOR)
    first, second = [asyncio.ensure_future(queue.enter(stranger(number))) for number in (1, 2)]
    await asyncio.wait([first, second], timeout=0)

    queue.leave(OPERATOR)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second

    assert queue.taken == 1


async def test_a_full_queue_refuses_at_once() -> None:
    queue = FairQueue(at_work=1, places=1)
    await queue.enter(stranger(1))
    with pytest.raises(QueueFullError):
        await queue.enter(OPERATOR)


async def test_who_waits_for_too_long_gives_the_place_back() -> None:
    queue = FairQueue(at_work=1, places=8, wait_seconds=0.01)
    await queue.enter(stranger(1))
    with pytest.raises(QueueSlowError):
        await queue.enter(stranger(2))
    assert queue.taken == 1

    queue.leave(stranger(1))
    await queue.enter(stranger(2))
    assert queue.taken == 1
