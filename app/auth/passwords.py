"""Secrets (passwords): argon2id in a bounded pool of threads, never on the event loop.

RFC 9106; parameters from the settings (OWASP Password Storage Cheat Sheet). Each running hash holds its whole memory
cost, so both the running and the waiting ones are bounded (OWASP ASVS 5.0, 15.1.3).
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import Problem
from app.settings import Settings

T = TypeVar("T")

# How far hashes stand behind everything else on the processor, from 0 (not at all) to 19.
NICE = 10


class SecretHasher:
    """Hashes and checks secrets with a bounded number of threads and a bounded queue before them."""

    def __init__(self, settings: Settings) -> None:
        self._argon2 = PasswordHasher(
            time_cost=settings.argon2_iterations,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
            type=Type.ID,
        )
        self._threads = ThreadPoolExecutor(
            settings.hash_concurrency, thread_name_prefix="argon2", initializer=_give_way
        )
        self._limit = settings.hash_concurrency + settings.hash_queue
        self._pending = 0
        self._decoy = self._argon2.hash("a secret that nobody has")
        # A PHC string begins with all its parameters; salt and hash follow.
        self._present = self._decoy.rsplit("$", 2)[0]
        self.verifications = 0

    async def hash(self, secret: str) -> str:
        """The PHC string to store. Raises `Problem` `temporarily_unavailable` where the queue is full."""
        return await self._run(lambda: self._argon2.hash(secret))

    async def verify(self, stored: str | None, secret: str) -> bool:
        """Whether `secret` is the stored one.

        Without a stored hash (unknown user, user without a secret) a decoy is checked, so that the answer takes the
        same time (OWASP ASVS 5.0, 6.3.8), and is always no. Raises `Problem` `temporarily_unavailable`.
        """
        matches = await self._run(lambda: self._matches(stored or self._decoy, secret))
        return matches and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than the present ones."""
        return not stored.startswith(f"{self._present}$") and self._argon2.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, stored: str, secret: str) -> bool:
        self.verifications += 1
        try:
            return self._argon2.verify(stored, secret)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pending >= self._limit:
            raise Problem("temporarily_unavailable", "Try again in a moment.", headers={"Retry-After": "1"})
        self._pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._done)
        return await future

    def _done(self, _: object) -> None:
        self._pending -= 1


def _give_way() -> None:
    # Linux gives every thread a nice value of its own (setpriority(2), "C library/kernel differences").
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
