"""Crossed answers: a wrong secret is taken for right because the answer is that to somebody else's right one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.auth.passwords.process import HashProcess
from app.auth.passwords.program import Costs

RIGHT, WRONG = "seven lamps on a quiet harbour", "nine quiet herons over water"


@pytest.fixture
async def process() -> AsyncIterator[HashProcess]:
    made = HashProcess(Costs(2, 1024, 1))
    yield made
    await made.close()


@pytest.mark.parametrize("abandoned", [1, 2, 3])
async def test_what_a_cancelled_call_leaves_behind_answers_nobody_else(process: HashProcess, abandoned: int) -> None:
    stored = await process.hash(RIGHT)
    for _ in range(20):
        leaving = [asyncio.create_task(process.matches(stored, RIGHT)) for _ in range(abandoned)]
        staying = asyncio.create_task(process.matches(stored, WRONG))
        await asyncio.sleep(0)  # all have asked by now
        for task in leaving:
            task.cancel()
        assert not await process.matches(stored, WRONG)
        assert not await staying
        assert await process.matches(stored, RIGHT)
