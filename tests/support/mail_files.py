"""The mails of a service in another process, which are files."""

import asyncio
import email
import email.policy
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.support.mailbox import code_in


async def code_after(folder: Path, ask: Callable[[], Awaitable[object]]) -> str:
    """The code in the next mail after `ask`."""
    before = _mails(folder)
    await ask()
    async with asyncio.timeout(20):
        while not (new := _mails(folder) - before):  # noqa: ASYNC110 # of another process
            await asyncio.sleep(0.02)
    return code_in(email.message_from_bytes(new.pop().read_bytes(), policy=email.policy.default))


def _mails(folder: Path) -> set[Path]:
    return set(folder.glob("*.eml"))
