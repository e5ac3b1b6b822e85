"""Argon2id hashing of secrets (passwords) in a bounded number of processes, never on the event loop.

RFC 9106; parameters from the settings (OWASP Password Storage Cheat Sheet). Each running hash holds its whole memory
cost, so the running and the waiting hashes are both bounded (OWASP ASVS 5.0, 15.1.3).
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

from app.auth.passwords.process import HashProcess
from app.auth.passwords.program import Costs, argon2id
from app.auth.passwords.queue import OPERATOR, FairQueue, HashClient, QueueFullError, QueueSlowError
from app.errors import Problem
from app.settings.model import Settings

T = TypeVar("T")

# The requests that one process holds at a time: one to hash, and the next, so that it never waits for the event loop.
REQUESTS_PER_PROCESS = 2


class SecretHasher:
    """Hashes and verifies secrets with a bounded number of processes and a bounded queue before them."""

    def __init__(self, settings: Settings) -> None:
        costs = Costs(settings.argon2_iterations, settings.argon2_memory_kib, settings.argon2_parallelism)
        self._argon2 = argon2id(costs)
        self._loads = {HashProcess(costs): 0 for _ in range(settings.hash_processes)}
        self._queue = FairQueue(
            at_work=settings.hash_processes * REQUESTS_PER_PROCESS,
            places=settings.hash_processes + settings.hash_queue,
        )
        self._decoy_hash = self._argon2.hash("a secret that nobody has")
        # A PHC string begins with all its parameters; salt and hash follow.
        self._current_parameters = self._decoy_hash.rsplit("$", 2)[0]

    async def hash(self, secret: str, client: HashClient = OPERATOR) -> str:
        """The hash of the secret, as a PHC string. `client` is who waits for it.

        Raises `Problem` `temporarily_unavailable` if the queue, or the client's part of it, is full, if the wait is
        too long, or if no process can be started.
        """
        return await self._run(client, lambda process: process.hash(secret))

    async def verify(self, stored: str | None, secret: str, client: HashClient = OPERATOR) -> bool:
        """Whether the stored hash is of `secret`. `client` is who waits for the answer.

        Without a stored hash (unknown user, user without a secret) the answer is False, after a check of a decoy hash
        that takes the same time (OWASP ASVS 5.0, 6.3.8). Raises `Problem` `temporarily_unavailable`, like `hash`.
        """
        matches = await self._run(client, lambda process: process.matches(stored or self._decoy_hash, secret))
        return matches and stored is not None

    async def why_guessable(self, secret: str, words: Sequence[str], guesses_min: int, client: HashClient) -> str:
        """Why the secret is guessed with fewer than `guesses_min` guesses, as `guessability.why_guessable` says; empty
        if it is not. `words` are of the user and the service, `client` is who waits.

        Raises `Problem` `temporarily_unavailable`, like `hash`.
        """
        return await self._run(client, lambda process: process.why_guessable(secret, words, guesses_min))

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than the current ones."""
        return not stored.startswith(f"{self._current_parameters}$") and self._argon2.check_needs_rehash(stored)

    async def close(self) -> None:
        """Wait for all hashes in progress, then end the processes."""
        await self._queue.wait_until_idle()
        for process in self._loads:
            await process.close()

    async def _run(self, client: HashClient, work: Callable[[HashProcess], Coroutine[None, None, T]]) -> T:
        try:
            await self._queue.enter(client)
        except QueueFullError:
            raise _unavailable("hash_queue_full") from None
        except QueueSlowError:
            raise _unavailable("hash_queue_slow") from None
        # The first of the least loaded: while sign-ins are rare, one process is enough and no other is started.
        process = min(self._loads, key=self._loads.__getitem__)
        self._loads[process] += 1
        answer = asyncio.create_task(work(process))
        answer.add_done_callback(lambda _: self._release(process, client))
        try:
            return await asyncio.shield(answer)
        except OSError as error:
            raise _unavailable("no_hash_process") from error

    def _release(self, process: HashProcess, client: HashClient) -> None:
        self._loads[process] -= 1
        self._queue.leave(client)


def _unavailable(reason: str) -> Problem:
    headers = {"Retry-After": "1"}
    return Problem("temporarily_unavailable", "Try again in a moment.", headers=headers, reason=reason)
