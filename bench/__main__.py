"""`make bench`: the service beside a raw ASGI callable and a bare Litestar route, on one server and in one run."""

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack

from app.settings.load import load as load_settings
from bench.bare import LITESTAR, RAW
from bench.data import LANGUAGES, MANY_MEMBERSHIPS, MEMBERSHIPS, SECRET, USERS
from bench.decisions import decisions_per_second
from bench.mail import Delivery, mail_sink, measure_delivery
from bench.measure import (
    CONNECTIONS,
    SIGN_IN_TIMES,
    WrkMissingError,
    load,
    load_alone_and_during_sign_ins,
    load_sign_ins,
    raw_argon2_rate,
    refusal_medians,
    require_wrk,
)
from bench.report import print_loads, print_machine, print_table, print_targets, rates_to
from bench.rows import FEW, MANY, ONE_CORE_FREE, SESSION, SIGN_IN, SIGN_IN_ONE_CORE_FREE, Row, make_rows, start
from bench.service import SECRET_KEY, filled_database
from bench.targets import Measured, print_layers, print_others, print_refusals, targets_of

TRIES_PER_SECOND = 5
WARM_UP_SECONDS = 1


def main() -> None:
    """Run all measurements and print the results. Exits with 1 if wrk is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="number of repetitions; medians are printed")
    parser.add_argument("--seconds", type=int, default=5, help="duration of each measurement")
    parser.add_argument("--users", type=int, default=USERS)
    arguments = parser.parse_args()
    try:
        require_wrk()
    except WrkMissingError as error:
        sys.exit(f"bench: {error}")
    print_machine()
    _print_decisions()
    with filled_database(arguments.users) as (directory, dsn, data), mail_sink() as sink, ExitStack() as stack:
        settings = {
            "DATABASE_URL": dsn,
            "SECRET_KEY": SECRET_KEY,
            "MAIL_FROM": "Ostiary <no-reply@example.org>",
            "MAIL_URL": sink.url,
        }
        services = start(stack, directory, settings)
        rows = make_rows(directory, data, services)
        seconds = arguments.seconds
        print(
            f"\nOne worker, {CONNECTIONS} connections; {arguments.users:,} users with a session and {FEW} each, "
            f"{LANGUAGES:,} languages; {arguments.rounds} rounds of {seconds} s",
            flush=True,
        )
        measured = _measure(
            rows,
            arguments.rounds,
            seconds,
            lambda: measure_delivery(services.default, load_settings(settings), sink, rows[SESSION].calls, seconds),
        )
        loads = measured.loads
        print_loads("requests", loads, {f"to {base}": rates_to(loads, base) for base in (RAW, LITESTAR)})
        tries = TRIES_PER_SECOND * seconds * arguments.rounds
        print_refusals(refusal_medians(services.default.url, data.refused, tries))
    print_layers(measured)
    print_others(measured)
    print_targets(targets_of(measured, list(data.lists)))


def _measure(rows: dict[str, Row], rounds: int, seconds: int, measure_mail: Callable[[], Delivery]) -> Measured:
    """Measure everything once in each round, so that a disturbance from outside affects all rows alike."""
    sign_ins = {SIGN_IN: load_settings({}).hash_processes, SIGN_IN_ONE_CORE_FREE: ONE_CORE_FREE}
    reads = {name: row for name, row in rows.items() if name not in sign_ins}
    measured = Measured({name: [] for name in (*reads, *sign_ins)}, {name: [] for name in sign_ins}, [], [])
    for row in reads.values():
        load(*row, WARM_UP_SECONDS)
    for _ in range(rounds):
        for name, row in reads.items():
            measured.loads[name].append(load(*row, seconds))
        for name, hashing in sign_ins.items():
            before = raw_argon2_rate(SECRET, seconds, hashing)
            measured.loads[name].append(load_sign_ins(*rows[name], SIGN_IN_TIMES * seconds))
            measured.raw[name].append((before + raw_argon2_rate(SECRET, seconds, hashing)) / 2)
        measured.during_sign_ins.append(load_alone_and_during_sign_ins(*rows[SESSION], rows[SIGN_IN].calls, seconds))
        measured.deliveries.append(measure_mail())
    return measured


def _print_decisions() -> None:
    few, many = decisions_per_second(MEMBERSHIPS), decisions_per_second(MANY_MEMBERSHIPS)
    rows = [[name, f"{few[name]:,.0f}", f"{many[name]:,.0f}", f"{few[name] / many[name]:.2f}"] for name in few]
    print_table(["policy, calls per second", FEW, MANY, "ratio"], rows)


if __name__ == "__main__":
    main()
