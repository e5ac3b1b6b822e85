"""Reads that share statements: none is delayed without need, and none gets what is older than the question."""

import asyncio
from collections.abc import Mapping

import pytest

from app.postgres import batched_reads
from app.postgres.batched_reads import BatchedReads


class Rows:
    """Values that change; each statement is answered when the test says so."""

    def __init__(self) -> None:
        self.values = dict.fromkeys(range(1000), 0)
        self.statements = list[tuple[list[int], asyncio.Future[None]]]()

    async def read_all(self, keys: list[int]) -> Mapping[int, int]:
        found = {key: self.values[key] for key in keys if key in self.values}
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.statements.append((keys, answered))
        await answered
        return found

    @property
    def sent(self) -> list[list[int]]:
        return [keys for keys, _ in self.statements]


@pytest.fixture
def rows() -> Rows:
    return Rows()


async def ask(reads: BatchedReads[int, int], *keys: int) -> list[asyncio.Task[int | None]]:
    tasks = [asyncio.create_task(reads.read(key)) for key in keys]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def answer(rows: Rows, number: int, error: Exception | None = None) -> None:
    _, answered = rows.statements[number]
    answered.set_exception(error) if error else answered.set_result(None)
    for _ in range(5):
        await asyncio.sleep(0)


async def test_reads_that_wait_share_the_next_statement(rows: Rows) -> None:
    reads = BatchedReads(rows.read_all)
    first = [*await ask(reads, 1), *await ask(reads, 2)]
    waiting = await ask(reads, 3, 4, 5)
    assert rows.sent == [[1], [2]]
    await answer(rows, 0)
    assert rows.sent == [[1], [2], [3, 4, 5]]
    await answer(rows, 1)
    await answer(rows, 2)
    assert await asyncio.gather(*first, *waiting) == [0] * 5


async def test_a_read_sees_what_changed_before_it_was_asked_for(rows: Rows) -> None:
    reads = BatchedReads(rows.read_all)
    before = [*await ask(reads, 1), *await ask(reads, 2)]
    rows.values[1] = 1
    (after,) = await ask(reads, 1)
    for number in range(3):
        await answer(rows, number)
    assert await asyncio.gather(*before) == [0, 0]
    assert await after == 1


async def test_a_key_without_a_row_has_no_value(rows: Rows) -> None:
    reads = BatchedReads(rows.read_all)
    (unknown,) = await ask(reads, -1)
    await answer(rows, 0)
    assert await unknown is None


async def test_everybody_who_waits_gets_the_error_and_the_next_read_is_sent(rows: Rows) -> None:
    reads = BatchedReads(rows.read_all)
    failed = [*await ask(reads, 1), *await ask(reads, 2)]
    waiting = await ask(reads, 3)
    await answer(rows, 0, OSError())
    await answer(rows, 1, OSError())
    await answer(rows, 2)
    assert [type(error) for error in await asyncio.gather(*failed, return_exceptions=True)] == [OSError, OSError]
    assert await waiting[0] == 0


async def test_a_cancelled_request_takes_nobody_along(rows: Rows) -> None:
    reads = BatchedReads(rows.read_all)
    cancelled, other = await ask(reads, 1, 2)
    assert rows.sent == [[1, 2]]
    cancelled.cancel()
    await answer(rows, 0)
    assert await other == 0
    assert cancelled.cancelled()


async def test_cancelled_requests_alone_send_no_statement(rows: Rows) -> None:
    reads = BatchedReads(rows.read_all)
    await ask(reads, 1)
    await ask(reads, 2)
    (cancelled,) = await ask(reads, 3)
    cancelled.cancel()
    await answer(rows, 0)
    await answer(rows, 1)
    assert rows.sent == [[1], [2]]


async def test_a_statement_that_hangs_keeps_no_others_waiting(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = BatchedReads(rows.read_all)
    await ask(reads, 1)
    await ask(reads, 2)
    monkeypatch.setattr(batched_reads, "PATIENCE_SECONDS", -1)
    (late,) = await ask(reads, 3)
    await answer(rows, 2)
    assert await late == 0


async def test_one_statement_has_so_many_keys_at_most(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batched_reads, "KEYS_MAX", 10)
    reads = BatchedReads(rows.read_all)
    tasks = await ask(reads, *range(25))
    for number in range(3):
        await answer(rows, number)
    assert sorted(map(len, rows.sent)) == [5, 10, 10]
    assert await asyncio.gather(*tasks) == [0] * 25
