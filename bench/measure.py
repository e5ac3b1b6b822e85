"""The measurements: load with wrk, raw argon2id, and the times of refused sign-ins."""

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
from bench.processes import Running

SCRIPT = Path(__file__).with_name("requests.lua")
CONNECTIONS = 16
SIGN_INS = 32
# There are few sign-ins per second, and those that are unfinished at the end do not count: measure them for longer.
SIGN_IN_TIMES = 2
# Few readers during sign-ins: the response time is then that of the service, and not of a queue of readers.
READERS = 2
# wrk does not wait for the last answers, but the service computes their hashes all the same.
SETTLE_SECONDS = 2


class WrkMissingError(Exception):
    """wrk is not on the PATH."""


class Load(NamedTuple):
    """One measurement of a service under load.

    Requests per second; the median and the 99th percentile of response times in ms; the CPU time of a request, of user
    and system in all processes of the service, in µs; and the resident memory of these processes in MB.
    """

    rate: float
    p50: float
    p99: float
    cpu: float
    memory: float


class Call(NamedTuple):
    """One request; `body` is JSON or a form, `headers` are lines such as "Cookie: name=value"."""

    method: str
    path: str
    headers: tuple[str, ...] = ()
    body: str = ""


def require_wrk() -> None:
    """Raise `WrkMissingError` if wrk is not on the PATH."""
    if shutil.which("wrk") is None:
        raise WrkMissingError("wrk is not installed: `apt-get install wrk`, or https://github.com/wg/wrk")


def write_calls(file: Path, calls: Iterable[Call]) -> Path:
    """Write the requests that `load` sends; returns the file."""
    file.write_text("".join(["\t".join([call.method, call.path, call.body, *call.headers]) + "\n" for call in calls]))
    return file


def load(service: Running, calls: Path, seconds: int, connections: int | None = None) -> Load:
    """Send the calls in turn, repeatedly, from one thread over `connections` connections (default `CONNECTIONS`).

    Raises `RuntimeError` if an answer was not a success, because the time of a refusal measures nothing.
    """
    command = [
        "wrk",
        "-t1",
        f"-c{connections or CONNECTIONS}",
        f"-d{seconds}s",
        "--timeout=20s",
        "-s",
        str(SCRIPT),
        service.url,
    ]
    cpu_before = service.cpu_seconds()
    done = subprocess.run([*command, "--", str(calls)], capture_output=True, text=True, check=True)
    cpu_seconds = service.cpu_seconds() - cpu_before
    seen = json.loads(done.stdout.splitlines()[-1])
    if not seen["requests"]:
        raise RuntimeError(f"{calls.name}: no answer within {seconds} s: measure for longer with --seconds")
    if seen["failed"]:
        raise RuntimeError(f"{calls.name}: {seen['failed']} of {seen['requests']} requests failed\n{done.stdout}")
    rate = seen["requests"] / seen["duration"] * 1e6
    cpu = cpu_seconds / seen["requests"] * 1e6
    return Load(rate, seen["p50"] / 1000, seen["p99"] / 1000, cpu, service.memory_bytes() / 1e6)


def load_sign_ins(service: Running, calls: Path, seconds: int) -> Load:
    """The load of `calls` over `SIGN_INS` connections. Returns after the service has computed the last hashes."""
    seen = load(service, calls, seconds, SIGN_INS)
    time.sleep(SETTLE_SECONDS)
    return seen


def load_alone_and_during_sign_ins(service: Running, calls: Path, sign_ins: Path, seconds: int) -> tuple[Load, Load]:
    """The load of `calls` from `READERS` readers: alone, and while `SIGN_INS` connections send `sign_ins`."""
    alone = load(service, calls, seconds, READERS)
    with ThreadPoolExecutor(1) as threads:
        background = threads.submit(load_sign_ins, service, sign_ins, seconds + 2)
        time.sleep(1)
        during = load(service, calls, seconds, READERS)
        background.result()
    return alone, during


def raw_argon2_rate(secret: str, seconds: float, threads: int) -> float:
    """Argon2id verifications per second of this machine, with the default settings and this many threads."""
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
    """The median time in milliseconds of each kind of refused sign-in. The kinds are tried in turn, one at a time."""
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
