"""Authentication bypass: a wrong secret is accepted because it receives the hash result of another request."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.auth.passwords.process import HashProcess
from app.auth.passwords.program import Costs

RIGHT, WRONG = "seven lamps on a quiet harbour", "nine quiet herons over water"


@pytest.fixture
async def process() -> AsyncIterator[HashProcess]:
    running_process = HashProcess(Costs(2, 1024, 1))
    yield running_process
    await running_process.close()


@pytest.mark.parametrize("abandoned", [1, 2, 3])
async def test_the_result_of_a_cancelled_call_reaches_no_other_call(process: HashProcess, abandoned: int) -> None:
    stored = await process.hash(RIGHT)
    for _ in range(20):
        cancelled = [asyncio.create_task(process.matches(stored, RIGHT)) for _ in range(abandoned)]
        concurrent = asyncio.create_task(process.matches(stored, WRONG))
        await asyncio.sleep(0)  # all tasks have sent their request by now
        for task in cancelled:
            task.cancel()
        assert not await process.matches(stored, WRONG)
        assert not await concurrent
        assert await process.matches(stored, RIGHT)
