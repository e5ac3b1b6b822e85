"""A worker that is cut off from the database honours a revoked session for at most 2 seconds.

It is watched from the revocation on: what it is asked more than 2 seconds after the commit, it must not answer from
before the commit.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from app.auth.tokens import token_hash
from app.postgres.embedded import embedded_postgres
from app.postgres.listener import CURRENT_SECONDS
from tests.support.app import until
from tests.support.serve_process import descendants_of, frozen, parent_of
from tests.support.two_workers import TwoWorkers, Worker, two_workers, within

# From the revocation on. Afterwards, it must not come back when memory is used again.
WATCHED_SECONDS = 2.5


@pytest.fixture(scope="module")
def own_server_url() -> Iterator[str]:
    """The URL of a server that no other test uses."""
    with tempfile.TemporaryDirectory(prefix="ostiary-test-") as directory:
        Path(directory).chmod(0o711)
        with embedded_postgres(Path(directory)) as url:
            yield url


@pytest.fixture(scope="module")
async def workers(own_server_url: str) -> AsyncIterator[TwoWorkers]:
    """Two workers for all tests of this file."""
    async with two_workers(own_server_url, "cut_off") as workers:
        yield workers


async def kept_token(workers: TwoWorkers) -> str:
    """The token of a new session that both workers serve from memory."""
    user_id = await workers.app.user(f"{uuid4().hex}@example.org")
    token = await workers.app.token(user_id)
    for worker in workers.both:
        await until(partial(worker.honours, token))
        await until(partial(worker.serves_from_memory, token))
    return token


async def honoured_seconds(worker: Worker, token: str, since: float) -> float:
    """How long after `since` the last request was sent that the worker honoured."""
    last = 0.0
    while (asked := time.monotonic()) < since + WATCHED_SECONDS:
        with suppress(TimeoutError):
            async with asyncio.timeout(since + WATCHED_SECONDS - asked):
                if await worker.honours(token):
                    last = asked - since
    return last


async def serves_nothing_from_memory(worker: Worker, token: str) -> bool:
    return not await worker.serves_from_memory(token)


Outage = Callable[[TwoWorkers, Worker], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def connection_cut(workers: TwoWorkers, worker: Worker) -> AsyncIterator[None]:
    """The server cuts the connection on which the worker listens."""
    await workers.operator.execute("SELECT pg_terminate_backend($1)", await worker.listening_backend())
    yield


@asynccontextmanager
async def connection_frozen(_: TwoWorkers, worker: Worker) -> AsyncIterator[None]:
    """The server's end of the connection on which the worker listens does nothing, while all others work."""
    with frozen([await worker.listening_backend()]):
        yield


@asynccontextmanager
async def connections_frozen(_: TwoWorkers, worker: Worker) -> AsyncIterator[None]:
    """The server's ends of all connections of the worker do nothing. It gets new ones."""
    with frozen(await worker.backends()):
        yield


OUTAGES: dict[str, Outage] = {
    "its connection is cut": connection_cut,
    "its connection is frozen": connection_frozen,
    "all its connections are frozen": connections_frozen,
}


async def revoke_by_sql(workers: TwoWorkers, token: str) -> None:
    await workers.operator.execute("DELETE FROM sessions WHERE token_hash = $1", token_hash(token))


async def revoke_in_the_other_worker(workers: TwoWorkers, token: str) -> None:
    assert (await workers.first.ask("DELETE", "/api/session", token)).status_code == 204


REVOCATIONS = (revoke_by_sql, revoke_in_the_other_worker)


@pytest.mark.parametrize("outage", OUTAGES)
async def test_a_cut_off_worker_honours_a_revoked_session_for_two_seconds_at_most(
    workers: TwoWorkers, outage: str
) -> None:
    present, worker = await kept_token(workers), workers.second
    tokens = {await kept_token(workers): revoke for revoke in REVOCATIONS}

    async def revoke_and_watch(token: str) -> float:
        await tokens[token](workers, token)
        return await honoured_seconds(worker, token, time.monotonic())

    async with OUTAGES[outage](workers, worker):
        assert max(await asyncio.gather(*map(revoke_and_watch, tokens))) < CURRENT_SECONDS
    await until(partial(worker.serves_from_memory, present))
    assert not any([await worker.honours(token) for token in tokens])


@pytest.mark.parametrize("frozen_after", ["the commit", "the worker"])
async def test_while_the_whole_server_hangs_a_revoked_session_is_honoured_for_two_seconds_at_most(
    workers: TwoWorkers, frozen_after: str
) -> None:
    """The server is frozen before it can tell the worker, or the worker's connection is frozen first."""
    revoked, present, worker = await kept_token(workers), await kept_token(workers), workers.second
    server = parent_of(await worker.listening_backend())
    with ExitStack() as thawed_at_the_end:
        if frozen_after == "the worker":
            thawed_at_the_end.enter_context(frozen([await worker.listening_backend()]))
        await revoke_by_sql(workers, revoked)
        since = time.monotonic()
        thawed_at_the_end.enter_context(frozen([server, *descendants_of(server)]))
        assert await honoured_seconds(worker, revoked, since) < CURRENT_SECONDS
    assert not await worker.honours(revoked)
    await until(partial(worker.serves_from_memory, present))
    assert not await worker.honours(revoked)


async def test_a_worker_that_was_frozen_honours_no_session_that_was_revoked_meanwhile(workers: TwoWorkers) -> None:
    revoked, present, worker = await kept_token(workers), await kept_token(workers), workers.second
    with frozen(worker.processes()):
        await revoke_by_sql(workers, revoked)
        since = time.monotonic()

        async def is_over() -> bool:
            return time.monotonic() > since + CURRENT_SECONDS

        await until(is_over)
    assert not await worker.honours(revoked)
    await until(partial(worker.serves_from_memory, present))


@pytest.mark.parametrize("outage", OUTAGES)
async def test_a_worker_that_hears_nothing_shows_its_own_change_at_once(workers: TwoWorkers, outage: str) -> None:
    revoked, worker = await kept_token(workers), workers.second
    user = await worker.user_of(revoked)
    admin_id = await workers.app.user(f"{uuid4().hex}@example.org", admin=True)
    admin = await workers.app.token(admin_id, admin=True)
    assert user
    async with OUTAGES[outage](workers, worker):

        async def is_done() -> bool:
            return (await worker.ask("DELETE", f"/api/users/{user['id']}/sessions", admin)).status_code == 204

        await until(is_done)
        assert not await worker.honours(revoked)
        assert not await worker.honours(revoked)


async def test_a_worker_that_hears_nothing_uses_no_memory_after_two_seconds(workers: TwoWorkers) -> None:
    token, worker = await kept_token(workers), workers.second
    with frozen([await worker.listening_backend()]):
        since = time.monotonic()
        assert await worker.serves_from_memory(token)

        async def reads_the_database() -> bool:
            return not await worker.serves_from_memory(token)

        assert await within(CURRENT_SECONDS, since, reads_the_database)
    await until(partial(worker.serves_from_memory, token))
