"""Argon2id in processes of their own, one secret at a time, behind everything else on the processor.

Threads of the service could not stay behind: Linux shares a processor between sessions before it looks at what is in
them (sched(7), "The autogroup feature"), so their nice value would count for nothing against the database.
"""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

# How far hashes stand behind everything else, from 0 (not at all) to 19. At 10 they get a tenth of a busy processor.
NICE = 10
AUTOGROUP = Path("/proc/self/autogroup")


class Costs(NamedTuple):
    """What a hash takes (RFC 9106 section 3.1)."""

    iterations: int
    memory_kib: int
    parallelism: int


class Work(msgspec.Struct, array_like=True, frozen=True):
    """What a process is asked for: whether `secret` is the stored one or, with nothing stored, its hash."""

    secret: str
    stored: str | None = None

    def __repr__(self) -> str:
        return "Work()"


def argon2id(costs: Costs) -> PasswordHasher:
    """Argon2id with these costs."""
    return PasswordHasher(costs.iterations, costs.memory_kib, costs.parallelism, type=Type.ID)


class HashProcess:
    """One such process. It is started at the first use, and again where it has been killed; it ends with its owner.

    Calls are answered in turn, and none may be cancelled: its answer would be taken for that to the next one.
    """

    def __init__(self, costs: Costs) -> None:
        # -P: the directory in which the service was started is nowhere to import from.
        self._command = [sys.executable, "-P", "-m", __name__, *map(str, costs)]
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


def main() -> None:
    """Answer each line of work with a line, until there is no more."""
    # Whoever ends the service may signal its whole group: what is being hashed then is still to be answered.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    _give_way()
    argon2 = argon2id(Costs(*map(int, sys.argv[1:])))
    decoder = msgspec.json.Decoder(Work)
    with suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            os.write(sys.stdout.fileno(), msgspec.json.encode(_done(argon2, decoder.decode(line))) + b"\n")


def _done(argon2: PasswordHasher, work: Work) -> str | bool:
    if work.stored is None:
        return argon2.hash(work.secret)
    try:
        return argon2.verify(work.stored, work.secret)
    except (VerificationError, InvalidHashError):
        return False


def _give_way() -> None:
    os.nice(NICE)
    if os.getsid(0) == os.getpid():  # or it would be somebody else's group
        with suppress(OSError):  # no Linux, or one without autogroups
            AUTOGROUP.write_text(str(NICE))


if __name__ == "__main__":
    main()
