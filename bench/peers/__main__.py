"""Measures the service beside what its users could pick instead, in one run, on one PostgreSQL with the same data.

Lucia 2 with CASL on Fastify, Better Auth with and without its cookie cache, and fastapi-users on uvicorn: one process
each; and beside a raw ASGI callable and a bare Litestar route on the service's server. Rounds are interleaved, and
medians are printed.
"""

import argparse
import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from bench.bare import LITESTAR, RAW
from bench.measure import CONNECTIONS, SIGN_IN_TIMES, Load, load, load_sign_ins, require_wrk
from bench.peers.data import HASH_COST, require_equal_hash_costs
from bench.peers.services import (
    BARE,
    COOKIE_CACHE,
    FOLDER,
    LANGUAGE,
    LUCIA,
    OURS,
    SESSION,
    SIGN_IN,
    UNCACHED,
    start,
    write_all_calls,
)
from bench.processes import Running
from bench.report import (
    Target,
    at_least,
    at_most,
    print_loads,
    print_machine,
    print_targets,
    ratios,
)
from bench.service import filled_database

USERS = 100_000

# By kind of work and service, one entry per round.
Seen = Mapping[tuple[str, str], Sequence[Load]]


def main() -> None:
    """Run all measurements and print one table for each kind of request, and the targets."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="duration of each measurement")
    parser.add_argument("--users", type=int, default=USERS)
    arguments = parser.parse_args()
    require_wrk()
    print_machine()
    _print_peers()
    with filled_database(arguments.users) as (directory, dsn, data), ExitStack() as stack:
        services = start(stack, directory, dsn)
        calls = write_all_calls(directory, dsn, data, services)
        print(
            f"{arguments.users:,} users and sessions, {CONNECTIONS} connections, one process each; "
            f"{arguments.rounds} rounds of {arguments.seconds} s after one that warms up",
            flush=True,
        )
        seen: dict[tuple[str, str], list[Load]] = {key: [] for key in calls}
        for number in range(arguments.rounds + 1):
            for (work, name), file in calls.items():
                measured = _measure(services[name], file, work, arguments.seconds)
                if number:
                    seen[work, name].append(measured)
        asyncio.run(require_equal_hash_costs(dsn))
    for work in (BARE, SESSION, LANGUAGE):
        _print(work, seen)
    print(f"\nAt a sign-in all services verify hashes of the same cost, {HASH_COST}.")
    _print(SIGN_IN, seen)
    print_targets(_targets(seen))


def _measure(service: Running, calls: Path, work: str, seconds: int) -> Load:
    if work == SIGN_IN:
        return load_sign_ins(service, calls, SIGN_IN_TIMES * seconds)
    return load(service, calls, seconds)


def _print(work: str, seen: Seen) -> None:
    """The table of one kind of work, with the bare apps of the same rounds."""
    table = {name: rounds for (of, name), rounds in seen.items() if of == work}
    if work != SIGN_IN:
        table |= {name: seen[BARE, name] for name in (RAW, LITESTAR)}
    print_loads(
        work,
        table,
        {
            f"{ours} to this": {name: ratios(table[ours], rounds).rate for name, rounds in table.items()}
            for ours in (OURS, UNCACHED)
            if ours in table
        },
    )


def _targets(seen: Seen) -> list[Target]:
    def to(work: str, ours: str, theirs: str) -> Load:
        return ratios(seen[work, ours], seen[work, theirs])

    language = to(LANGUAGE, OURS, LUCIA)
    lucia = f"of {LUCIA}"
    return [
        at_least(f"{SESSION}, cached", 6, lucia, to(SESSION, OURS, LUCIA).rate),
        at_least(LANGUAGE, 2, lucia, language.rate),
        at_least(f"{LANGUAGE}, its row cached too", 4, lucia, language.rate),
        at_least(f"{SESSION}, uncached", 1.6, lucia, to(SESSION, UNCACHED, LUCIA).rate),
        at_least(f"{SESSION}, cached", 20, f"of {COOKIE_CACHE}", to(SESSION, OURS, COOKIE_CACHE).rate),
        at_most(f"p99 of the {SESSION}, cached", 0.7, lucia, to(SESSION, OURS, LUCIA).p99),
        at_most(f"p99 of the {LANGUAGE}", 0.7, lucia, language.p99),
    ]


def _print_peers() -> None:
    """The versions of what is installed apart from the service."""
    packages = msgspec.json.decode((FOLDER / "package.json").read_bytes())["dependencies"]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    locked = (FOLDER / "requirements.lock").read_text().split()
    of_python = [line for line in locked if line.startswith(("fastapi-users==", "fastapi==", "uvicorn=="))]
    of_node = [f"{name} {version}" for name, version in packages.items()]
    print(", ".join([f"Node {node}", *of_node, *[line.replace("==", " ") for line in of_python]]), flush=True)


if __name__ == "__main__":
    main()
