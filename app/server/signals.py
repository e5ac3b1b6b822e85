"""Signals of a starting service: they end its work, and are never lost."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def run_cancellably(work: Coroutine[None, None, T]) -> T:
    """Run `work`, which SIGINT and SIGTERM cancel where it awaits. Raises `KeyboardInterrupt` then.

    An exception that a signal raises anywhere could end asyncpg's C code half-way, which crashes the process.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    signalled = threading.Event()

    async def cancellable() -> T:
        running = asyncio.ensure_future(work)

        def cancel() -> None:
            signalled.set()
            running.cancel()

        for number in handlers:
            asyncio.get_running_loop().add_signal_handler(number, cancel)
        return await running

    try:
        outcome = asyncio.run(cancellable())
    except BaseException:
        if signalled.is_set():
            raise KeyboardInterrupt from None
        raise
    else:
        if signalled.is_set():  # the libraries can swallow a cancellation
            raise KeyboardInterrupt
        return outcome
    finally:
        for number, handler in handlers.items():  # the end of the loop has set the defaults
            signal.signal(number, handler)


def call_on_sigterm(end_answers: Callable[[], None]) -> None:
    """Call `end_answers` in the running event loop of a worker on SIGTERM, and let Granian stop the worker then.

    Granian waits for all answers before it ends the lifespan, and has no hook before. It stops on SIGINT as on SIGTERM,
    and the main process sends SIGTERM in any case.
    """

    def stop() -> None:
        end_answers()
        os.kill(os.getpid(), signal.SIGINT)

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)


@contextmanager
def interrupt_event() -> Iterator[threading.Event]:
    """Let SIGINT and SIGTERM raise `KeyboardInterrupt` and set the event, while the context lasts.

    Python discards an exception that is raised in a finaliser or a callback. The event still shows the signal.
    """
    interrupted = threading.Event()

    def interrupt(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
