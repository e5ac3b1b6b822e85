"""The service's side of a hash process: starts the program in `program.py`, and exchanges lines of JSON with it."""

import asyncio
import os
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import msgspec

from app.auth.passwords import program
from app.auth.passwords.program import Costs, HashRequest

# Argon2 reads all over its memory, which needs fewer address translations in huge pages. glibc 2.35 and newer.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
ANSWER = msgspec.json.Decoder(tuple[int, str | bool])


class HashProcess:
    """One hash process. It starts at the first use, is replaced if it is killed, and ends with the service."""

    def __init__(self, costs: Costs) -> None:
        # -P: Python imports nothing from the directory in which the service was started.
        self._command = [sys.executable, "-P", "-m", program.__name__, *map(str, costs)]
        self._process: Process | None = None
        self._last_number = 0
        self._start_lock = asyncio.Lock()
        self._read_lock = asyncio.Lock()

    async def hash(self, secret: str) -> str:
        """The hash of the secret, as a PHC string. Raises `OSError` if no process can be started."""
        return str(await self._answer(HashRequest(self._next_number(), secret)))

    async def matches(self, stored: str, secret: str) -> bool:
        """Whether the stored hash is of `secret`; False if it is no PHC string. Raises `OSError` like `hash`."""
        return await self._answer(HashRequest(self._next_number(), secret, stored)) is True

    async def why_guessable(self, secret: str, words: Sequence[str], guesses_min: int) -> str:
        """As the function of this name. Raises `OSError` like `hash`."""
        request = HashRequest(self._next_number(), secret, guesses_min=guesses_min, words=words)
        return str(await self._answer(request))

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            cast("StreamWriter", process.stdin).close()
            await process.wait()

    def _next_number(self) -> int:
        self._last_number += 1
        return self._last_number

    async def _answer(self, request: HashRequest) -> str | bool:
        # The process may be killed while it hashes. A second one tries again.
        for _ in range(2):
            answer = await self._ask(request)
            if answer is not None:
                return answer
        raise ChildProcessError("two hash processes ended before they answered")

    async def _ask(self, request: HashRequest) -> str | bool | None:
        """The answer; None if the process has ended."""
        process = await self._started()
        requests, answers = cast("StreamWriter", process.stdin), cast("StreamReader", process.stdout)
        with suppress(RuntimeError):  # uvloop's error for a pipe without a reader
            requests.write(msgspec.json.encode(request) + b"\n")
        async with self._read_lock:
            while line := await answers.readline():
                number, answer = ANSWER.decode(line)
                if number == request.number:  # otherwise the answer is to a call that was cancelled
                    return answer
        if self._process is process:
            await self.close()
        return None

    async def _started(self) -> Process:
        async with self._start_lock:
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                    env=HUGE_PAGES | os.environ,
                )
            return self._process
