"""Filling the hash queue: clients who sign in without end, with right secrets, keep everybody else from signing in.

`OSTIARY_LONG=1` floods from 50 networks, otherwise from 12.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.support.app import SECRET, RunningApp, running, settings_for
from tests.support.guesses import guess, known_device, spend
from tests.support.races import at_once

TRIES = 12
NETWORKS = 50 if os.environ.get("OSTIARY_LONG") else 12
FLOODERS = [f"mallory{number}@example.org" for number in range(4)]
# Nine places, two for each network, and hashes of some milliseconds.
SETTINGS = {"HASH_CONCURRENCY": "1", "HASH_QUEUE": "8", "ARGON2_MEMORY_KIB": "8192", "ARGON2_ITERATIONS": "2"}


@pytest.fixture
async def small(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """A service with a small queue, with an owner and some accounts of the attacker, on the database of `app`."""
    async with running(settings_for(database_url, **SETTINGS), app.clock) as small:
        for email in ("ada@example.org", *FLOODERS):
            await small.user(email)
        yield small


@asynccontextmanager
async def flood(app: RunningApp, requests: int, network_of: Callable[[int], str]) -> AsyncIterator[Counter[int]]:
    """Keep so many sign-ins under way. Gives the statuses of their answers."""
    statuses = Counter[int]()

    async def send(number: int) -> None:
        while True:
            email = FLOODERS[number % len(FLOODERS)]
            statuses[(await guess(app.client(ip=network_of(number)), SECRET, email)).status_code] += 1

    async with asyncio.TaskGroup() as tasks:
        senders = [tasks.create_task(send(number)) for number in range(requests)]
        while not statuses[503]:
            await asyncio.wait(senders, timeout=0.001)
        try:
            yield statuses
        finally:
            for sender in senders:
                sender.cancel()


async def _sign_in(client: httpx.AsyncClient) -> int:
    return (await guess(client, SECRET)).status_code


async def test_the_right_secret_signs_in_from_another_network_while_one_network_floods(small: RunningApp) -> None:
    async with flood(small, 12, lambda _: "192.0.2.1") as statuses:
        answers = [await _sign_in(small.client(ip="198.51.100.1")) for _ in range(TRIES)]

    assert answers == [201] * TRIES
    assert statuses.keys() == {201, 503}


async def test_a_known_device_signs_in_while_many_networks_flood(small: RunningApp) -> None:
    device = await known_device(small)
    async with flood(small, NETWORKS, lambda number: f"192.0.2.{number}") as statuses:
        answers = [await _sign_in(device) for _ in range(TRIES)]

    assert answers == [201] * TRIES
    assert statuses.keys() == {201, 503}


async def test_the_known_devices_of_one_account_do_not_take_the_places_of_others(small: RunningApp) -> None:
    device = await known_device(small)
    cookies = (await known_device(small, FLOODERS[0])).cookies

    def mallory(number: int) -> httpx.AsyncClient:
        client = small.client(ip=f"192.0.2.{number}")
        client.cookies.update(cookies)
        return client

    clients = [mallory(number) for number in range(NETWORKS)]
    statuses = Counter[int]()

    async def send(client: httpx.AsyncClient) -> None:
        while True:
            statuses[(await guess(client, SECRET, FLOODERS[0])).status_code] += 1

    senders = [asyncio.create_task(send(client)) for client in clients]
    answers = [await _sign_in(device) for _ in range(TRIES)]
    for sender in senders:
        sender.cancel()
    await asyncio.wait(senders)

    assert answers == [201] * TRIES
    assert 503 in statuses


async def test_refused_requests_count_as_no_guess(small: RunningApp) -> None:
    answers = await at_once(60, lambda number: guess(small.client(ip="192.0.2.1"), SECRET, FLOODERS[number % 4]))
    await small.resources.background.flush()

    assert {answer.status_code for answer in answers} == {201, 503}
    assert [await spend(small, "guess_by_account_strangers", email) for email in FLOODERS] == [25] * len(FLOODERS)
    assert await spend(small, "guess_by_client", "192.0.2.1") == 60
