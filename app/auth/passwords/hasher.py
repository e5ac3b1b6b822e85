"""Secrets (passwords): argon2id in a bounded pool of processes, never on the event loop.

RFC 9106; parameters from the settings (OWASP Password Storage Cheat Sheet). Each running hash holds its whole memory
cost, so both the running and the waiting ones are bounded (OWASP ASVS 5.0, 15.1.3).
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from app.auth.passwords.process import HashProcess
from app.auth.passwords.program import TOGETHER, Costs, argon2id
from app.errors import Problem
from app.settings.model import Settings

T = TypeVar("T")

# What each process has at once: what it answers together, and as many to go on with meanwhile.
PLACES = 2 * TOGETHER


class SecretHasher:
    """Hashes and checks secrets with a bounded number of processes and a bounded queue before them."""

    def __init__(self, settings: Settings) -> None:
        costs = Costs(settings.argon2_iterations, settings.argon2_memory_kib, settings.argon2_parallelism)
        self._argon2 = argon2id(costs)
        self._loads = {HashProcess(costs): 0 for _ in range(settings.hash_concurrency)}
        self._places = asyncio.Semaphore(settings.hash_concurrency * PLACES)
        self._limit = settings.hash_concurrency + settings.hash_queue
        self._pending = 0
        self._decoy = self._argon2.hash("a secret that nobody has")
        # A PHC string begins with all its parameters; salt and hash follow.
        self._present = self._decoy.rsplit("$", 2)[0]

    async def hash(self, secret: str) -> str:
        """The PHC string to store.

        Raises `Problem` `temporarily_unavailable`, where the queue is full or no process can be had.
        """
        return await self._run(lambda process: process.hash(secret))

    async def verify(self, stored: str | None, secret: str) -> bool:
        """Whether `secret` is the stored one.

        Without a stored hash (unknown user, user without a secret) a decoy is checked, so that the answer takes the
        same time (OWASP ASVS 5.0, 6.3.8), and is always no. Raises `Problem` `temporarily_unavailable`.
        """
        matches = await self._run(lambda process: process.matches(stored or self._decoy, secret))
        return matches and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than the present ones."""
        return not stored.startswith(f"{self._present}$") and self._argon2.check_needs_rehash(stored)

    async def close(self) -> None:
        """End the processes, once they have answered."""
        for _ in range(len(self._loads) * PLACES):
            await self._places.acquire()
        for process in self._loads:
            await process.close()

    async def _run(self, work: Callable[[HashProcess], Coroutine[None, None, T]]) -> T:
        if self._pending >= self._limit:
            raise _busy()
        self._pending += 1
        try:
            await self._places.acquire()
        except asyncio.CancelledError:
            self._pending -= 1
            raise
        # Of equals the first: at few sign-ins only one is ever started.
        process = min(self._loads, key=self._loads.__getitem__)
        self._loads[process] += 1
        answer = asyncio.create_task(work(process))
        answer.add_done_callback(lambda _: self._release(process))
        try:
            return await asyncio.shield(answer)
        except OSError as error:
            raise _busy() from error

    def _release(self, process: HashProcess) -> None:
        self._pending -= 1
        self._loads[process] -= 1
        self._places.release()


def _busy() -> Problem:
    return Problem("temporarily_unavailable", "Try again in a moment.", headers={"Retry-After": "1"})
