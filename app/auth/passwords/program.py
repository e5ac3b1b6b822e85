"""The program that a hash process runs: argon2id and estimates of guesses, at a low scheduling priority.

Threads of the service would not do: Linux divides a processor between sessions before it regards the nice values in a
session (sched(7), "The autogroup feature"), so a thread's nice value gains PostgreSQL nothing. The program imports
little, because the first sign-in waits for its start.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import msgspec
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

# The nice value of hashes, from 0 to 19. With 10 they get a tenth of a busy processor.
NICE = 10
AUTOGROUP = Path("/proc/self/autogroup")
# A hash yields its core this often. The kernel would preempt the hash at its next tick only, every 4 ms at 250 Hz.
YIELD_SECONDS = 0.002
# The processor time that an estimate may take. Usual ones take some milliseconds; zxcvbn tries all combinations of the
# letters that signs can stand for, which takes seconds for a long secret of many different signs.
ESTIMATE_SECONDS = 0.2


class Costs(NamedTuple):
    """The cost parameters of argon2id (RFC 9106 section 3.1)."""

    iterations: int
    memory_kib: int
    parallelism: int


class HashRequest(msgspec.Struct, array_like=True, frozen=True):
    """A request to a hash process: whether `stored` is a hash of `secret` or, without `stored`, a new hash of `secret`;
    with `guesses_min`, why the secret is easy to guess, as `why_guessable` says for `words`.

    The answer repeats the number, so that it is never taken for the answer to another request.
    """

    number: int
    secret: str
    stored: str | None = None
    guesses_min: int | None = None
    words: Sequence[str] = ()

    def __repr__(self) -> str:
        return "HashRequest()"


def argon2id(costs: Costs) -> PasswordHasher:
    """Argon2id with these costs."""
    return PasswordHasher(costs.iterations, costs.memory_kib, costs.parallelism, type=Type.ID)


def main() -> None:
    """Answer each line with a request by a line, in their order, until standard input ends."""
    # A signal to end the service may go to its whole group. The service still waits for the hashes in progress.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    _lower_priority()
    _yield_on_alarm()
    argon2 = argon2id(Costs(*map(int, sys.argv[1:])))
    decoder = msgspec.json.Decoder(HashRequest)
    with suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            request = decoder.decode(line)
            with _yielding():
                answer = msgspec.json.encode((request.number, _result(argon2, request)))
            os.write(sys.stdout.fileno(), answer + b"\n")


def _result(argon2: PasswordHasher, request: HashRequest) -> str | bool:
    if request.guesses_min is not None:
        return _why_guessable(request.secret, request.words, request.guesses_min)
    if request.stored is None:
        return argon2.hash(request.secret)
    try:
        return argon2.verify(request.stored, request.secret)
    except (VerificationError, InvalidHashError):
        return False


def _why_guessable(secret: str, words: Sequence[str], guesses_min: int) -> str:
    """As `why_guessable`; empty for a secret that cannot be estimated in `ESTIMATE_SECONDS`.

    Such a secret is long and has many different signs. No secret may end the process that other requests wait for.
    """
    from app.auth.passwords.guessability import why_guessable  # noqa: PLC0415 # no sign-in waits for its word lists

    try:
        with _cpu_seconds_limited(ESTIMATE_SECONDS):
            return why_guessable(secret, words, guesses_min)
    except Exception:  # noqa: BLE001 # whatever zxcvbn does with a text that nobody has thought of
        return ""


@contextmanager
def _cpu_seconds_limited(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` after this time of the processor, whatever else the machine does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _lower_priority() -> None:
    os.nice(NICE)
    if os.getsid(0) == os.getpid():  # otherwise the autogroup is not this process's own
        with suppress(OSError):  # another system than Linux, or Linux without autogroups
            AUTOGROUP.write_text(str(NICE))


def _yield_on_alarm() -> None:
    # In C, because a handler in Python runs only when the hash is done.
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    libc.signal(signal.SIGALRM, ctypes.cast(libc.sched_yield, ctypes.c_void_p))


@contextmanager
def _yielding() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_REAL, YIELD_SECONDS, YIELD_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main()
