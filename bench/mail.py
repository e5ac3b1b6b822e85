"""Mail: the rate at which one worker delivers queued mail, and the load of signed-in readers during the delivery."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from app.clock import utc_now
from app.domain.resources import make_resources
from app.postgres.database import Database
from app.settings.model import Settings
from bench.measure import READERS, Load, load
from bench.processes import Running

MAILS = 1000
MAIL_RATE_MIN = 50
# Readers are measured for less time than the delivery takes, even at twice the required rate.
READ_SECONDS_MAX = MAILS // (2 * MAIL_RATE_MIN)


class Delivery(NamedTuple):
    """Mails per second from the moment they are queued, and the load of readers alone and during the delivery."""

    rate: float
    alone: Load
    during_delivery: Load


class Sink(NamedTuple):
    """An SMTP server that discards mail, and reports when `MAILS` more have arrived."""

    url: str
    process: "subprocess.Popen[str]"

    def wait(self) -> float:
        """Wait for the next `MAILS` mails; returns the time of their arrival, from `time.perf_counter`."""
        _next_line(self.process)
        return time.perf_counter()


@contextmanager
def mail_sink() -> Iterator[Sink]:
    """A sink, in another process."""
    command = [sys.executable, "-m", "bench.sink", str(MAILS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield Sink(f"smtp://127.0.0.1:{_next_line(process)}", process)
    finally:
        process.terminate()
        process.wait()


def measure_delivery(service: Running, settings: Settings, sink: Sink, calls: Path, seconds: int) -> Delivery:
    """Queue `MAILS` mails for the service, which has these settings, while readers send `calls`."""
    seconds = min(seconds, READ_SECONDS_MAX)
    alone = load(service, calls, seconds, READERS)
    asyncio.run(_enqueue(settings))
    queued = time.perf_counter()
    with ThreadPoolExecutor(1) as threads:
        delivered = threads.submit(sink.wait)
        during_delivery = load(service, calls, seconds, READERS)
        rate = MAILS / (delivered.result() - queued)
    return Delivery(rate, alone, during_delivery)


async def _enqueue(settings: Settings) -> None:
    async with Database(settings.database_url or "", 2).connected() as database:
        mail, run = make_resources(settings, database, utc_now).mail, time.time_ns()
        async with database.transaction() as transaction:
            for number in range(MAILS):
                await mail.enqueue(
                    transaction,
                    to=f"user{run}-{number}@example.org",
                    template="sign_in",
                    values={"code": f"{number:08}", "link": f"{settings.public_url}/redeem#token=osk_{number:043}"},
                    locale=("en", "de")[number % 2],
                    expires_at=utc_now() + timedelta(minutes=10),
                )


def _next_line(process: "subprocess.Popen[str]") -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError("the SMTP server has exited")
    return line.strip()
