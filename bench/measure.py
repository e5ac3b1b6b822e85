"""How each number is measured."""

import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from argon2 import PasswordHasher

from app.settings.model import Settings

SCRIPT = Path(__file__).with_name("requests.lua")
CONNECTIONS = 16
SIGN_INS = 32
# While sign-ins run, readers come one by one: the wait is then the server's, not that of a queue of readers.
READERS = 2
# What wrk has asked for and does not wait for is hashed all the same.
SETTLE_SECONDS = 2


class WrkMissingError(Exception):
    """wrk is not on the PATH."""


class Load(NamedTuple):
    """What wrk saw: requests per second, and the median and 99th percentile of the answers' times in milliseconds."""

    rate: float
    p50: float
    p99: float


class Call(NamedTuple):
    """One request; `body` is JSON."""

    method: str
    path: str
    token: str = ""
    body: str = ""


def require_wrk() -> None:
    """Raise `WrkMissingError` where there is no wrk."""
    if shutil.which("wrk") is None:
        raise WrkMissingError("wrk is not installed: `apt-get install wrk`, or https://github.com/wg/wrk")


def write_calls(file: Path, calls: Iterable[Call]) -> Path:
    """Write what `load` sends."""
    file.write_text("".join(["\t".join(call) + "\n" for call in calls]))
    return file


def load(url: str, calls: Path, seconds: int, connections: int | None = None) -> Load:
    """Send the calls in turn, over and over, from one thread, by default over `CONNECTIONS`.

    Raises `RuntimeError` where an answer was not a success: a fast refusal measures nothing.
    """
    command = [
        "wrk",
        "-t1",
        f"-c{connections or CONNECTIONS}",
        f"-d{seconds}s",
        "--timeout=20s",
        "-s",
        str(SCRIPT),
        url,
    ]
    done = subprocess.run([*command, "--", str(calls)], capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    if seen["failed"] or not seen["requests"]:
        raise RuntimeError(f"{calls.name}: {seen['failed']} of {seen['requests']} requests failed\n{done.stdout}")
    return Load(seen["requests"] / seen["duration"] * 1e6, seen["p50"] / 1000, seen["p99"] / 1000)


def load_sign_ins(url: str, calls: Path, seconds: int) -> Load:
    """The load of `calls` from `SIGN_INS` connections; nothing of it is left to do at the end."""
    seen = load(url, calls, seconds, SIGN_INS)
    time.sleep(SETTLE_SECONDS)
    return seen


def load_beside(url: str, calls: Path, beside: Path, seconds: int) -> tuple[Load, Load]:
    """The load of `calls` from a few readers: alone, and while `SIGN_INS` connections send `beside`."""
    alone = load(url, calls, seconds, READERS)
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(load_sign_ins, url, beside, seconds + 2)
        time.sleep(1)
        crowded = load(url, calls, seconds, READERS)
        other.result()
    return alone, crowded


def raw_argon2_rate(secret: str, seconds: float, threads: int) -> float:
    """Argon2id verifications per second of this machine, with the service's parameters and so many threads."""
    settings = Settings()
    hasher = PasswordHasher(settings.argon2_iterations, settings.argon2_memory_kib, settings.argon2_parallelism)
    stored = hasher.hash(secret)
    started = time.perf_counter()

    def verify_until_the_end(_: int) -> int:
        count = 0
        while time.perf_counter() - started < seconds:
            hasher.verify(stored, secret)
            count += 1
        return count

    with ThreadPoolExecutor(threads) as pool:
        count = sum(pool.map(verify_until_the_end, range(threads)))
    return count / (time.perf_counter() - started)


def refusal_medians(url: str, refused: Mapping[str, tuple[str, str]], tries: int) -> dict[str, float]:
    """The median time in milliseconds of each kind of refused sign-in, tried in turn, one at a time."""
    times: dict[str, list[float]] = {kind: [] for kind in refused}
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port or 80)
    for _ in range(tries):
        for kind, (email, secret) in refused.items():
            body = msgspec.json.encode({"method": "password", "email": email, "secret": secret})
            started = time.perf_counter()
            connection.request("POST", "/api/session", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            times[kind].append((time.perf_counter() - started) * 1000)
            if response.status != 401:
                raise RuntimeError(f"{kind}: answered {response.status}")
    connection.close()
    return {kind: statistics.median(seen) for kind, seen in times.items()}
