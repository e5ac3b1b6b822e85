"""The program that hashes: argon2id, one secret after the other, behind everything else on the processor.

Threads of the service could not stay behind: Linux shares a processor between sessions before it looks at what is in
them (sched(7), "The autogroup feature"), so their nice value would count for nothing against the database. It imports
little, because the first sign-in waits for its start.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

# How far hashes stand behind everything else, from 0 (not at all) to 19. At 10 they get a tenth of a busy processor.
NICE = 10
AUTOGROUP = Path("/proc/self/autogroup")
# How often a hash lets go of its core. The kernel would take it away at its next tick only, every 4 ms at 250 Hz.
YIELD_SECONDS = 0.002
# Hashes push what the event loop and PostgreSQL work on out of the processor's caches: four answers that come at once
# cost both a third less than one by one. None comes later than the last of the four would anyway.
TOGETHER = 4
READ_BYTES = 65536


class Costs(NamedTuple):
    """What a hash takes (RFC 9106 section 3.1)."""

    iterations: int
    memory_kib: int
    parallelism: int


class Work(msgspec.Struct, array_like=True, frozen=True):
    """What a process is asked for: whether `secret` is the stored one or, with nothing stored, its hash.

    The answer carries the number, so that it is never taken for that to another question.
    """

    number: int
    secret: str
    stored: str | None = None

    def __repr__(self) -> str:
        return "Work()"


def argon2id(costs: Costs) -> PasswordHasher:
    """Argon2id with these costs."""
    return PasswordHasher(costs.iterations, costs.memory_kib, costs.parallelism, type=Type.ID)


def main() -> None:
    """Answer each line of work with a line, in their order, until there is no more."""
    # Whoever ends the service may signal its whole group: what is being hashed then is still to be answered.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    _give_way()
    _yield_at_alarms()
    argon2 = argon2id(Costs(*map(int, sys.argv[1:])))
    decoder = msgspec.json.Decoder(Work)
    with suppress(BrokenPipeError):
        for lines in batches(iter(partial(os.read, sys.stdin.fileno(), READ_BYTES), b"")):
            with _alarms():
                answers = [_answer(argon2, decoder.decode(line)) for line in lines]
            os.write(sys.stdout.fileno(), b"".join(answers))


def batches(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The lines that are waiting, at most `TOGETHER` at a time; the next chunk is taken when there are none."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for first in range(0, len(lines), TOGETHER):
            yield lines[first : first + TOGETHER]


def _answer(argon2: PasswordHasher, work: Work) -> bytes:
    return msgspec.json.encode((work.number, _done(argon2, work))) + b"\n"


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


def _yield_at_alarms() -> None:
    # In C, because a handler in Python runs only when the hash is done.
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    libc.signal(signal.SIGALRM, ctypes.cast(libc.sched_yield, ctypes.c_void_p))


@contextmanager
def _alarms() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_REAL, YIELD_SECONDS, YIELD_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main()
