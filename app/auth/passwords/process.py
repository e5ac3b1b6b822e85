"""The service's end of a process that hashes."""

import asyncio
import os
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import Process
from contextlib import suppress
from typing import cast

import msgspec

from app.auth.passwords import program
from app.auth.passwords.program import Costs, Work

# Argon2 reads all over its memory: with huge pages a hash is faster by a twentieth. glibc 2.35 and newer take the hint.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
ANSWER = msgspec.json.Decoder(tuple[int, str | bool])


class HashProcess:
    """A process that hashes: started at the first use, and again where it has been killed; it ends with its owner."""

    def __init__(self, costs: Costs) -> None:
        # -P: the directory in which the service was started is nowhere to import from.
        self._command = [sys.executable, "-P", "-m", program.__name__, *map(str, costs)]
        self._process: Process | None = None
        self._asked = 0
        self._start = asyncio.Lock()
        self._turn = asyncio.Lock()

    async def hash(self, secret: str) -> str:
        """The PHC string to store. Raises `OSError` where no process can be had."""
        return str(await self._answer(secret))

    async def matches(self, stored: str, secret: str) -> bool:
        """Whether `secret` is the stored one; no where that is no PHC string. Raises `OSError` as `hash` does."""
        return await self._answer(secret, stored) is True

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            cast("StreamWriter", process.stdin).close()
            await process.wait()

    async def _answer(self, secret: str, stored: str | None = None) -> str | bool:
        self._asked += 1
        work = Work(self._asked, secret, stored)
        # The second time, another process: the first may have been killed, before or meanwhile.
        for _ in range(2):
            answer = await self._ask(work)
            if answer is not None:
                return answer
        raise ChildProcessError("no process lives long enough to hash")

    async def _ask(self, work: Work) -> str | bool | None:
        """The answer, or None where the process has ended."""
        process = await self._started()
        questions, answers = cast("StreamWriter", process.stdin), cast("StreamReader", process.stdout)
        with suppress(RuntimeError):  # what uvloop has for a pipe that nobody reads any more
            questions.write(msgspec.json.encode(work) + b"\n")
        async with self._turn:
            while line := await answers.readline():
                number, answer = ANSWER.decode(line)
                if number == work.number:  # and not of a call that was cancelled
                    return answer
        if self._process is process:
            await self.close()
        return None

    async def _started(self) -> Process:
        async with self._start:
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                    env=HUGE_PAGES | os.environ,
                )
            return self._process
