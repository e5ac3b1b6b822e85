"""Deadlines for slow clients, and the bound of running requests, as the app and the server see them."""

import asyncio

import pytest
from litestar.types import HTTPReceiveMessage, Message

from app.errors import Problem
from app.http.slow_clients import PART_BYTES, RunningRequests, SlowReaderError, receive_in_time, send_in_time

SOON = 0.01


def is_refused(running: RunningRequests, request_id: str) -> bool:
    try:
        running.enter(request_id)
    except Problem:
        return True
    return False


def test_one_request_too_many_is_refused_until_another_ends() -> None:
    running = RunningRequests(2)
    assert [is_refused(running, request) for request in "ab"] == [False, False]
    with pytest.raises(Problem) as refused:
        running.enter("c")
    assert (refused.value.code, refused.value.headers) == ("temporarily_unavailable", {"Retry-After": "1"})
    running.leave("c")
    assert is_refused(running, "c")
    running.leave("a")
    assert not is_refused(running, "c")


async def test_a_request_that_waits_for_its_body_is_not_running_and_runs_again_only_within_the_bound() -> None:
    running, arrived = RunningRequests(1), asyncio.Event()

    async def receive() -> HTTPReceiveMessage:
        await arrived.wait()
        return {"type": "http.request", "body": b"{}", "more_body": False}

    running.enter("a")
    waiting = asyncio.create_task(asyncio.wait_for(receive_in_time(receive, running, "a", 60)(), 60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.enter("b")
    arrived.set()
    with pytest.raises(Problem) as refused:
        await waiting
    assert refused.value.code == "temporarily_unavailable"
    running.leave("b")
    assert (await receive_in_time(receive, running, "a", 60)())["type"] == "http.request"
    assert is_refused(running, "b")


async def test_all_messages_of_a_body_have_one_deadline() -> None:
    async def receive() -> HTTPReceiveMessage:
        await asyncio.sleep(SOON / 4)
        return {"type": "http.request", "body": b"{", "more_body": True}

    receive_next = receive_in_time(receive, RunningRequests(1), "a", SOON)
    received = list[object]()

    async def receive_all() -> None:
        while len(received) < 100:
            received.append(await receive_next())

    with pytest.raises(Problem) as late:
        await receive_all()
    assert (late.value.code, late.value.headers) == ("request_timeout", {"Connection": "close"})
    assert len(received) < 5


@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
async def test_a_large_answer_is_sent_whole_in_parts(size: int, more: bool) -> None:
    sent = list[tuple[bytes, bool]]()

    async def send(message: Message) -> None:
        assert message["type"] == "http.response.body"
        sent.append((message["body"], message["more_body"]))

    body = bytes(index % 251 for index in range(size))
    in_time = send_in_time(send, RunningRequests(1), "a", 60)
    await in_time({"type": "http.response.body", "body": body, "more_body": more})

    assert b"".join(part for part, _ in sent) == body
    assert max(len(part) for part, _ in sent) <= PART_BYTES
    assert [following for _, following in sent] == [True] * (len(sent) - 1) + [more]


async def test_a_reader_that_takes_no_part_in_time_ends_the_answer() -> None:
    taken = list[Message]()

    async def send(message: Message) -> None:
        if taken:
            await asyncio.Event().wait()
        taken.append(message)

    running = RunningRequests(1)
    running.enter("a")
    in_time = send_in_time(send, running, "a", SOON)
    with pytest.raises(SlowReaderError):
        await in_time({"type": "http.response.body", "body": bytes(10 * PART_BYTES), "more_body": False})
    assert len(taken) == 1
    assert not is_refused(running, "b")
