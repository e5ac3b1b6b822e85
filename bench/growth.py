"""`make bench-growth`: the session check with more users and sessions, and with more memberships of one user.

There is one database for each number of users, all in one server, and a service with and without its cache on each.
Rounds go through all sizes in turn. At the end a service reads the session of many users once, and the memory of its
worker is printed.
"""

import argparse
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench import bare
from bench.bare import LITESTAR, RAW
from bench.data import MANY_MEMBERSHIPS, MEMBERSHIPS, Data, Member
from bench.measure import CONNECTIONS, Call, Load, load, require_wrk, write_calls
from bench.processes import Running
from bench.reads import read_each
from bench.report import (
    Target,
    at_most,
    print_loads,
    print_machine,
    print_table,
    print_targets,
    rates_to,
    ratios,
)
from bench.service import one_more_database, postgres, serving, serving_bare

SIZES = (10_000, 100_000, 1_000_000)
# The cache holds all of these.
READERS = 5_000
# Without a cache, each round asks for as many others.
UNCACHED_READERS = 20_000
PRINCIPALS = 50_000
MEMORY_MAX_MB = 220
WARM_UP_SECONDS = 2


class Database(NamedTuple):
    """A database with its data."""

    dsn: str
    data: Data


class Row(NamedTuple):
    """A service, and what writes the requests of the next measurement."""

    service: Running
    next_calls: Callable[[], Path]


def main() -> None:
    """Run all measurements and print the results."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of users, each with a session")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="duration of each measurement")
    parser.add_argument("--principals", type=int, default=PRINCIPALS, help="sessions in the cache of the last service")
    arguments = parser.parse_args()
    require_wrk()
    print_machine()
    with postgres() as (directory, dsn):
        databases = {size: _database(dsn, size) for size in sorted(set(arguments.sizes))}
        with ExitStack() as stack:
            rows = _rows(stack, directory, databases)
            print(f"{CONNECTIONS} connections; {arguments.rounds} rounds of {arguments.seconds} s", flush=True)
            seen = _measure(rows, arguments.rounds, arguments.seconds)
        largest = databases[max(databases)]
        memory = _memory(directory, largest, arguments.principals)
    print_loads("session check", seen, {f"to {base}": rates_to(seen, base) for base in (RAW, LITESTAR)})
    print_table(["memory of one service, MB", "first process", "worker"], memory)
    print_targets(_targets(seen, sorted(databases), float(memory[-1][-1])))


def _database(dsn: str, size: int) -> Database:
    print(f"inserting {size:,} users …", flush=True)
    return Database(*one_more_database(dsn, f"users_{size}", size))


def _rows(stack: ExitStack, directory: Path, databases: dict[int, Database]) -> dict[str, Row]:
    """The rows by name. The caches hold the session of every reader afterwards."""

    def fixed(service: Running, name: str, calls: Sequence[Call]) -> Row:
        file = write_calls(directory / f"calls of {name}", calls)
        return Row(service, lambda: file)

    def others(service: Running, size: int, users: Sequence[Member]) -> Row:
        # Others in each round, so that the database reads them for the first time.
        file = directory / f"calls of {size}"
        return Row(service, lambda: write_calls(file, _checks(random.sample(users, min(UNCACHED_READERS, len(users))))))

    bare_call = [Call("GET", bare.PATH)]
    rows = {
        RAW: fixed(stack.enter_context(serving_bare(directory, "raw")), "raw", bare_call),
        LITESTAR: fixed(stack.enter_context(serving_bare(directory, "litestar")), "litestar", bare_call),
    }
    smallest = min(databases)
    for size, (dsn, data) in databases.items():
        settings = {"DATABASE_URL": dsn, "RUN_JOBS": "off"}
        cached = stack.enter_context(serving(directory, settings))
        uncached = stack.enter_context(serving(directory, {**settings, "PRINCIPAL_CACHE": "0"}))
        readers = _checks(random.sample(data.users, min(READERS, size)))
        read_each(cached.url, readers)
        rows[_name(size, MEMBERSHIPS, "uncached")] = others(uncached, size, data.users)
        rows[_name(size, MEMBERSHIPS, "cached")] = fixed(cached, f"{size} cached", readers)
        if size == smallest:
            many = _checks(data.multilingual_users)
            for state, service in (("uncached", uncached), ("cached", cached)):
                rows[_name(size, MANY_MEMBERSHIPS, state)] = fixed(service, f"many {state}", many)
    return rows


def _name(size: int, memberships: int, state: str) -> str:
    return f"{state}, {size:,} users, {memberships:,} memberships"


def _checks(members: Sequence[Member]) -> list[Call]:
    return [Call("GET", "/api/session", (member.cookie,)) for member in members]


def _measure(rows: dict[str, Row], rounds: int, seconds: int) -> dict[str, list[Load]]:
    seen: dict[str, list[Load]] = {name: [] for name in rows}
    for row in rows.values():
        load(row.service, row.next_calls(), WARM_UP_SECONDS)
    for _ in range(rounds):
        for name, row in rows.items():
            seen[name].append(load(row.service, row.next_calls(), seconds))
    return seen


def _memory(directory: Path, database: Database, principals: int) -> list[list[str]]:
    """The memory of a new service: after its start, and with so many principals in its cache."""
    calls = _checks(database.data.users[:principals])
    with serving(directory, {"DATABASE_URL": database.dsn, "RUN_JOBS": "off"}) as service:
        started = _memory_row("after its start", service)
        read_each(service.url, calls)
        return [started, _memory_row(f"after the session checks of {len(calls):,} users", service)]


def _memory_row(name: str, service: Running) -> list[str]:
    worker = service.worker_memory_bytes()
    return [name, f"{(service.memory_bytes() - worker) / 1e6:.0f}", f"{worker / 1e6:.0f}"]


def _targets(seen: dict[str, list[Load]], sizes: Sequence[int], worker: float) -> list[Target]:
    smallest, largest = sizes[0], sizes[-1]
    names = [_name(size, MEMBERSHIPS, "uncached") for size in (largest, smallest)]
    growth = ratios(seen[names[0]], seen[names[1]]).p50
    return [
        at_most(f"p50 of the uncached check with {largest:,} users", 1.2, f"times that with {smallest:,}", growth),
        at_most("memory of a worker with its cache", MEMORY_MAX_MB, "MB", worker),
    ]


if __name__ == "__main__":
    main()
