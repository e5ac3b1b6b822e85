"""`make bench`: authorised requests, sign-in, mail and the policy, compared with `GET /health/live` of the same run."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from app.settings.load import load as load_settings
from bench.data import LANGUAGES, MANY_MEMBERSHIPS, MEMBERSHIPS, SECRET, USERS, Data, Member
from bench.decisions import decisions_per_second
from bench.mail import MAIL_RATE_MIN, MAILS, Delivery, mail_sink, measure_delivery
from bench.measure import (
    SIGN_INS,
    Call,
    Load,
    WrkMissingError,
    load,
    load_alone_and_during_sign_ins,
    load_sign_ins,
    raw_argon2_rate,
    refusal_medians,
    require_wrk,
    write_calls,
)
from bench.report import Target, at_least, below, print_loads, print_table, print_targets, ratios
from bench.service import filled_database, serving

FEW = f"{MEMBERSHIPS} memberships"
MANY = f"{MANY_MEMBERSHIPS:,} memberships"

BARE = "GET /health/live"
SESSION = f"GET /api/session, {FEW}"
LANGUAGE = f"GET /api/languages/{{code}}, {FEW}"
SIGN_IN = "POST /api/session"
# With one hash process per core, hashes share the cores with the event loop, PostgreSQL and wrk. With one core free of
# hashes, the difference to the rate of raw argon2id is the cost of the service itself.
ONE_CORE_FREE = max(1, len(os.sched_getaffinity(0)) - 1)
SIGN_IN_ONE_CORE_FREE = f"{SIGN_IN}, HASH_CONCURRENCY={ONE_CORE_FREE}"
WITHOUT_LOG = {BARE: "GET /health/live, ACCESS_LOG=off", SESSION: f"{SESSION}, ACCESS_LOG=off"}

SECRET_KEY = "a key of the benchmark 4Xw1kQz8vRt6Lm2N"
# There are few sign-ins per second, and those that are unfinished at the end do not count: measure them for longer.
SIGN_IN_TIMES = 2
TRIES_PER_SECOND = 5
BUSY_LOAD = 0.5


class Services(NamedTuple):
    """The URLs of services: with default settings, without access log, and with one core free of hashes."""

    default: str
    without_log: str
    one_core_free: str


class Measured(NamedTuple):
    """One entry per round: loads by route, rates of raw argon2id, reads alone and during sign-ins, delivery of mail."""

    loads: dict[str, list[Load]]
    raw: dict[str, list[float]]
    during_sign_ins: list[tuple[Load, Load]]
    deliveries: list[Delivery]


def main() -> None:
    """Run all measurements and print the results. Exits with 1 if wrk is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="number of repetitions; medians are printed")
    parser.add_argument("--seconds", type=int, default=5, help="duration of each measurement")
    arguments = parser.parse_args()
    try:
        require_wrk()
    except WrkMissingError as error:
        sys.exit(f"bench: {error}")
    if (busy := os.getloadavg()[0]) > BUSY_LOAD:
        print(f"This machine is busy (load {busy:.1f}): repeat the benchmark when its load is below {BUSY_LOAD}.")
    _print_decisions()
    with filled_database() as (directory, dsn, data), mail_sink() as sink:
        print(f"\nOne worker; {USERS:,} users with a session and {FEW} each, {LANGUAGES:,} languages", flush=True)
        database = {"DATABASE_URL": dsn, "SECRET_KEY": SECRET_KEY, "MAIL_FROM": "Ostiary <no-reply@example.org>"}
        settings = {**database, "MAIL_URL": sink.url}
        without_log = {**database, "ACCESS_LOG": "off", "RUN_JOBS": "off"}
        one_core_free = {**without_log, "ACCESS_LOG": "on", "HASH_CONCURRENCY": str(ONE_CORE_FREE)}
        with ExitStack() as stack:
            services = Services(
                *[stack.enter_context(serving(directory, each)).url for each in (settings, without_log, one_core_free)]
            )
            files = _files(directory, data)
            seconds = arguments.seconds
            measured = _measure(
                files,
                services,
                arguments.rounds,
                seconds,
                lambda: measure_delivery(services.default, load_settings(settings), sink, files[SESSION], seconds),
            )
            print_loads(measured.loads, BARE)
            tries = TRIES_PER_SECOND * seconds * arguments.rounds
            _print_refusals(refusal_medians(services.default, data.refused, tries))
    _print_costs(measured)
    print_targets(_targets(measured, list(data.lists)))


def _files(directory: Path, data: Data) -> dict[str, Path]:
    """The file for wrk with the requests of each route, by route."""
    calls = {
        BARE: [Call("GET", "/health/live")],
        SESSION: _calls_of(data.users, "/api/session"),
        LANGUAGE: _language_calls(data.users),
        f"GET /api/languages, {FEW}": _calls_of(data.users, "/api/languages"),
        f"GET /api/session, {MANY}": _calls_of([data.multilingual_user], "/api/session"),
        f"GET /api/languages/{{code}}, {MANY}": _language_calls([data.multilingual_user]),
        f"GET /api/languages, {MANY}": _calls_of([data.multilingual_user], "/api/languages"),
        **{
            f"{name}, {which} page": [Call("GET", path, paged.reader.cookie)]
            for name, paged in data.lists.items()
            for which, path in (("first", paged.first), ("last", paged.last))
        },
        SIGN_IN: [Call("POST", "/api/session", body=_credentials(member.email)) for member in data.users],
    }
    return {name: write_calls(directory / f"calls-{number}", calls[name]) for number, name in enumerate(calls)}


def _calls_of(members: Iterable[Member], path: str) -> list[Call]:
    return [Call("GET", path, member.cookie) for member in members]


def _language_calls(members: Iterable[Member]) -> list[Call]:
    return [Call("GET", f"/api/languages/{code}", member.cookie) for member in members for code in member.codes]


def _credentials(email: str) -> str:
    return msgspec.json.encode({"method": "password", "email": email, "secret": SECRET}).decode()


def _measure(
    files: dict[str, Path], services: Services, rounds: int, seconds: int, measure_mail: Callable[[], Delivery]
) -> Measured:
    """Measure everything once in each round, so that a disturbance from outside affects all routes alike."""
    names = (*files, *WITHOUT_LOG.values(), SIGN_IN_ONE_CORE_FREE)
    measured = Measured({name: [] for name in names}, {SIGN_IN: [], SIGN_IN_ONE_CORE_FREE: []}, [], [])
    at_once = load_settings({}).hash_concurrency
    sign_ins = ((SIGN_IN, services.default, at_once), (SIGN_IN_ONE_CORE_FREE, services.one_core_free, ONE_CORE_FREE))
    for _ in range(rounds):
        for name, file in files.items():
            if name != SIGN_IN:
                measured.loads[name].append(load(services.default, file, seconds))
        for name, without in WITHOUT_LOG.items():
            measured.loads[without].append(load(services.without_log, files[name], seconds))
        for name, url, hashing in sign_ins:
            before = raw_argon2_rate(SECRET, seconds, hashing)
            measured.loads[name].append(load_sign_ins(url, files[SIGN_IN], SIGN_IN_TIMES * seconds))
            measured.raw[name].append((before + raw_argon2_rate(SECRET, seconds, hashing)) / 2)
        measured.during_sign_ins.append(
            load_alone_and_during_sign_ins(services.default, files[SESSION], files[SIGN_IN], seconds)
        )
        measured.deliveries.append(measure_mail())
    return measured


def _targets(measured: Measured, lists: Iterable[str]) -> list[Target]:
    loads, bare = measured.loads, measured.loads[BARE]
    deliveries = measured.deliveries
    slowdown = median([during.p99 / alone.p99 for alone, during in measured.during_sign_ins])
    return [
        at_least(SESSION, 0.15, "of the bare route", ratios(loads[SESSION], bare).rate),
        at_least(LANGUAGE, 0.08, "of the bare route", ratios(loads[LANGUAGE], bare).rate),
        *[
            at_least(
                name,
                0.9,
                "of raw argon2id",
                median([result.rate / raw for result, raw in zip(loads[name], rates, strict=True)]),
            )
            for name, rates in measured.raw.items()
        ],
        below(f"p99 of {SESSION}, during {SIGN_INS} concurrent sign-ins", 3, "its p99 alone", slowdown),
        at_least(
            f"delivery of {MAILS:,} mails",
            MAIL_RATE_MIN,
            "a second",
            median([result.rate for result in deliveries]),
        ),
        below(
            f"p99 of {SESSION}, during delivery of mail",
            2,
            "its p99 alone",
            median([result.during_delivery.p99 / result.alone.p99 for result in deliveries]),
        ),
        *[
            below(
                f"{name}, last page",
                1.2,
                "the first",
                ratios(loads[f"{name}, last page"], loads[f"{name}, first page"]).p50,
            )
            for name in lists
        ],
    ]


def _print_costs(measured: Measured) -> None:
    rows = [
        [f"raw argon2id with the concurrency of {name}", f"{median(raw):.1f}/s"] for name, raw in measured.raw.items()
    ]
    for name, without in WITHOUT_LOG.items():
        pairs = zip(measured.loads[name], measured.loads[without], strict=True)
        cost = median([1 - logged.rate / quiet.rate for logged, quiet in pairs])
        rows.append([f"cost of the access log, {name}", f"{cost:.0%}"])
    for index, state in enumerate(("alone", f"during {SIGN_INS} concurrent sign-ins")):
        p99 = median([pair[index].p99 for pair in measured.during_sign_ins])
        rows.append([f"p99 of {SESSION}, {state}", f"{p99:.1f} ms"])
    rows.append(["mails delivered", f"{median([result.rate for result in measured.deliveries]):.1f}/s"])
    for state in ("alone", "during_delivery"):
        p99 = median([getattr(result, state).p99 for result in measured.deliveries])
        rows.append([f"p99 of {SESSION}, measurement of mail: {state.replace('_', ' ')}", f"{p99:.1f} ms"])
    print_table(["other measurements", ""], rows)


def _print_refusals(medians: dict[str, float]) -> None:
    fastest = min(medians.values())
    rows = [[kind, f"{value:.2f}", f"{value / fastest:.3f}"] for kind, value in medians.items()]
    print_table(["refused sign-in", "p50 ms", "ratio to fastest"], rows)


def _print_decisions() -> None:
    few, many = decisions_per_second(MEMBERSHIPS), decisions_per_second(MANY_MEMBERSHIPS)
    rows = [[name, f"{few[name]:,.0f}", f"{many[name]:,.0f}", f"{few[name] / many[name]:.2f}"] for name in few]
    print_table(["policy, calls per second", FEW, MANY, "ratio"], rows)


if __name__ == "__main__":
    main()
