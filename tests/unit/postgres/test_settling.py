"""A process that has changed a row forgets what it keeps of it before it answers, whatever it hears."""

from typing import TYPE_CHECKING

from app.postgres.listener import Listener

if TYPE_CHECKING:
    import asyncpg


async def unreachable() -> "asyncpg.Connection[asyncpg.Record]":
    raise ConnectionRefusedError


async def told_nobody(_: str) -> None:
    raise ConnectionRefusedError


async def test_a_change_while_nothing_is_heard_makes_the_process_forget_everything_before_it_answers() -> None:
    """A proof that is under way then, and was sent before the change, may let memory be used again."""
    listener, told = Listener(unreachable, told_nobody), list[str | None]()
    listener.subscribe("changes", told.append, proves=True)
    await listener.settle()
    assert told == [None]


async def test_a_change_tells_nothing_to_a_subscriber_who_keeps_nothing() -> None:
    listener, told = Listener(unreachable, told_nobody), list[str | None]()
    listener.subscribe("jobs", told.append)
    await listener.settle()
    assert told == []
