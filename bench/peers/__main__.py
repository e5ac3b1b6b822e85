"""Measures the service beside what its users could pick instead, in one run, on one PostgreSQL with the same data.

Lucia 2 with CASL on Fastify, Better Auth with and without its cookie cache, and fastapi-users on uvicorn: one process
each. Rounds are interleaved, and medians are printed.
"""

import argparse
import asyncio
import os
import subprocess
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec

from bench.data import SECRET, Data
from bench.measure import CONNECTIONS, Call, load, load_sign_ins, require_wrk, write_calls
from bench.peers.data import BETTER_AUTH_SECRET, better_auth_cookie, copy_data, make_schemas, tokens_of
from bench.processes import Running, running
from bench.report import print_table
from bench.service import filled_database, serving

USERS = 100_000
# Users whose requests are sent: as many as all take part in turn.
READERS = 5_000
FOLDER = Path(__file__).parent
PYTHON_OF_PEERS = ".bench/peers-venv/bin/python"
OURS, LUCIA, BETTER_AUTH, CACHED, FASTAPI_USERS = (
    "Ostiary", "Lucia 2 + CASL on Fastify", "Better Auth", "Better Auth, cookie cache", "fastapi-users",
)  # fmt: skip
BARE, SESSION, LANGUAGE, SIGN_IN = "bare route", "session check", "authorised read of a language", "sign-in"


class Seen(NamedTuple):
    """One measurement: requests per second, times in ms, CPU time of a request in µs, and memory in MB."""

    rate: float
    p50: float
    p99: float
    cpu: float
    memory: float


def main() -> None:
    """Run all measurements and print one table for each kind of request."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="duration of each measurement")
    parser.add_argument("--users", type=int, default=USERS)
    arguments = parser.parse_args()
    require_wrk()
    with filled_database(arguments.users) as (directory, dsn, data), ExitStack() as stack:
        services = _start(stack, directory, dsn)
        calls = _calls(directory, dsn, data, services)
        print(f"{arguments.users:,} users and sessions, {CONNECTIONS} connections, one process each", flush=True)
        seen: dict[tuple[str, str], list[Seen]] = {}
        for number in range(arguments.rounds + 1):  # the first round warms up
            for (work, name), file in calls.items():
                measured = _measure(services[name], file, work, arguments.seconds if number else 2)
                if number:
                    seen.setdefault((work, name), []).append(measured)
        for work in (BARE, SESSION, LANGUAGE, SIGN_IN):
            _print(work, {name: rounds for (of, name), rounds in seen.items() if of == work})


def _start(stack: ExitStack, directory: Path, dsn: str) -> dict[str, Running]:
    asyncio.run(make_schemas(dsn))
    better = {"DATABASE_URL": dsn, "BETTER_AUTH_SECRET": BETTER_AUTH_SECRET, "NODE_ENV": "production"}
    script = str(FOLDER / "better_auth.js")
    migration = {**better, "PATH": os.environ["PATH"], "PORT": "1"}
    subprocess.run(["node", script, "migrate"], env=migration, check=True, stdout=subprocess.DEVNULL)
    asyncio.run(copy_data(dsn))
    programs = {
        LUCIA: (["node", str(FOLDER / "lucia.js")], {"DATABASE_URL": dsn, "NODE_ENV": "production"}, "/bare"),
        BETTER_AUTH: (["node", script], better, "/api/auth/ok"),
        CACHED: (["node", script], {**better, "COOKIE_CACHE": "on"}, "/api/auth/ok"),
        FASTAPI_USERS: ([PYTHON_OF_PEERS, str(FOLDER / "fastapi_users_app.py")], {"DATABASE_URL": dsn}, "/bare"),
    }
    own = {"DATABASE_URL": dsn, "SECRET_KEY": BETTER_AUTH_SECRET, "RUN_JOBS": "off"}
    return {OURS: stack.enter_context(serving(directory, own))} | {
        name: stack.enter_context(running(command, settings, probe, directory))
        for name, (command, settings, probe) in programs.items()
    }


def _calls(directory: Path, dsn: str, data: Data, services: dict[str, Running]) -> dict[tuple[str, str], Path]:
    """The file of requests of each kind and service."""
    members = data.users[:READERS]
    tokens = asyncio.run(tokens_of(dsn, [member.email for member in members]))
    better = [better_auth_cookie(token) for token in tokens]
    cookies = {
        OURS: [member.cookie for member in members],
        LUCIA: [f"auth_session={token}" for token in tokens],
        BETTER_AUTH: better,
        CACHED: [_with_cached_session(services[CACHED].url, cookie) for cookie in better[:READERS // 10]],
        FASTAPI_USERS: [f"fastapiusersauth={token}" for token in tokens],
    }  # fmt: skip
    check = {BETTER_AUTH: "/api/auth/get-session", CACHED: "/api/auth/get-session"}
    bare = {OURS: "/health/live", LUCIA: "/bare", BETTER_AUTH: "/api/auth/ok", FASTAPI_USERS: "/bare"}
    json_of: dict[str, Callable[[str], dict[str, str]]] = {
        OURS: lambda email: {"method": "password", "email": email, "secret": SECRET},
        LUCIA: lambda email: {"email": email, "secret": SECRET},
        BETTER_AUTH: lambda email: {"email": email, "password": SECRET},
    }
    sign_in = {BETTER_AUTH: "/api/auth/sign-in/email"}
    calls: dict[tuple[str, str], Iterable[Call]] = {
        **{(BARE, name): [Call("GET", path)] for name, path in bare.items()},
        **{
            (SESSION, name): [Call("GET", check.get(name, "/api/session"), cookie) for cookie in cookies[name]]
            for name in services
        },
        **{
            (LANGUAGE, name): [
                Call("GET", f"/api/languages/{member.codes[0]}", cookie)
                for member, cookie in zip(members, cookies[name], strict=True)
            ]
            for name in (OURS, LUCIA, FASTAPI_USERS)
        },
        **{
            (SIGN_IN, name): [
                Call("POST", sign_in.get(name, "/api/session"), body=msgspec.json.encode(body(member.email)).decode())
                for member in members
            ]
            for name, body in json_of.items()
        },
        (SIGN_IN, FASTAPI_USERS): [
            Call("POST", "/api/session/login", body=urlencode({"username": member.email, "password": SECRET}))
            for member in members
        ],
    }
    return {
        key: write_calls(directory / f"peer-calls-{number}", requests)
        for number, (key, requests) in enumerate(calls.items())
    }


def _with_cached_session(url: str, cookie: str) -> str:
    """The cookies of a client of Better Auth that has its cached session too."""
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", "/api/auth/get-session", headers={"Cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    set_cookies = [value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    connection.close()
    if not set_cookies:
        raise RuntimeError("Better Auth has set no cookie for its cache")
    return "; ".join([cookie, *set_cookies])


def _measure(service: Running, calls: Path, work: str, seconds: int) -> Seen:
    before = service.cpu_seconds()
    result = load_sign_ins(service.url, calls, seconds) if work == SIGN_IN else load(service.url, calls, seconds)
    cpu = (service.cpu_seconds() - before) / (result.rate * seconds)
    return Seen(*result, cpu * 1e6, service.memory_bytes() / 1e6)


def _print(work: str, seen: dict[str, list[Seen]]) -> None:
    rows = []
    for name, rounds in seen.items():
        medians = [median([one[index] for one in rounds]) for index in range(len(Seen._fields))]
        ratio = median([ours.rate / theirs.rate for ours, theirs in zip(seen[OURS], rounds, strict=True)])
        rows.append([name, *[f"{value:,.1f}" for value in medians], f"{ratio:.2f}"])
    print_table([work, "req/s", "p50 ms", "p99 ms", "CPU µs", "memory MB", "ours to this"], rows)


if __name__ == "__main__":
    main()
