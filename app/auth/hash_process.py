"""The service's end of a process that hashes."""

import asyncio
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import Process
from contextlib import suppress
from typing import cast

import msgspec

from app.auth import hashing
from app.auth.hashing import Costs, Work


class HashProcess:
    """A process that hashes: started at the first use, and again where it has been killed; it ends with its owner.

    Calls are answered in turn, and none may be cancelled: its answer would be taken for that to the next one.
    """

    def __init__(self, costs: Costs) -> None:
        # -P: the directory in which the service was started is nowhere to import from.
        self._command = [sys.executable, "-P", "-m", hashing.__name__, *map(str, costs)]
        self._process: Process | None = None
        self._start = asyncio.Lock()
        self._turn = asyncio.Lock()

    async def hash(self, secret: str) -> str:
        """The PHC string to store. Raises `OSError` where no process can be had."""
        return msgspec.json.decode(await self._answer(Work(secret)), type=str)

    async def matches(self, stored: str, secret: str) -> bool:
        """Whether `secret` is the stored one; no where that is no PHC string. Raises `OSError` as `hash` does."""
        return msgspec.json.decode(await self._answer(Work(secret, stored)), type=bool)

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            cast("StreamWriter", process.stdin).close()
            await process.wait()

    async def _answer(self, work: Work) -> bytes:
        line = msgspec.json.encode(work) + b"\n"
        # The second time, another process: the first may have been killed, before or meanwhile.
        answer = await self._ask(line) or await self._ask(line)
        if not answer:
            raise ChildProcessError("no process lives long enough to hash")
        return answer

    async def _ask(self, line: bytes) -> bytes:
        """The line of the answer, or nothing where the process has ended."""
        process = await self._started()
        work, answers = cast("StreamWriter", process.stdin), cast("StreamReader", process.stdout)
        with suppress(RuntimeError):  # what uvloop has for a pipe that nobody reads any more
            work.write(line)
        async with self._turn:
            answer = await answers.readline()
        if not answer and self._process is process:
            await self.close()
        return answer

    async def _started(self) -> Process:
        async with self._start:
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
                )
            return self._process
