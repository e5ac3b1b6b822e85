"""`make bench`: the authorised request, sign-in, mail and the policy, beside the bare route of the same run."""

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
from bench.mail import MAIL_RATE_MIN, MAILS, Delivery, delivery, mail_sink
from bench.measure import (
    SIGN_INS,
    Call,
    Load,
    WrkMissingError,
    load,
    load_beside,
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
# With as many at once as there are cores, hashes share them with the event loop, PostgreSQL and wrk. With one core left
# to those, what is lost beside the hash is the service's own doing.
ONE_LEFT = max(1, len(os.sched_getaffinity(0)) - 1)
SIGN_IN_ONE_LEFT = f"{SIGN_IN}, HASH_CONCURRENCY={ONE_LEFT}"
WITHOUT_LOG = {BARE: "GET /health/live, ACCESS_LOG=off", SESSION: f"{SESSION}, ACCESS_LOG=off"}

SECRET_KEY = "a key of the benchmark 4Xw1kQz8vRt6Lm2N"
# Sign-ins are few a second, and what is being hashed at the end does not count: they take a longer look.
SIGN_IN_TIMES = 2
TRIES_PER_SECOND = 5
BUSY = 0.5


class Services(NamedTuple):
    """The URLs of one service with default settings, one without access log, and one that leaves a core to the rest."""

    usual: str
    without_log: str
    one_left: str


class Measured(NamedTuple):
    """One entry for each round: loads by route, raw argon2id rates, readers alone and beside sign-ins, mail."""

    loads: dict[str, list[Load]]
    raw: dict[str, list[float]]
    beside: list[tuple[Load, Load]]
    deliveries: list[Delivery]


def main() -> None:
    """Run all measurements and print them. Exits with 1 where wrk is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured; medians are shown")
    parser.add_argument("--seconds", type=int, default=5, help="how long each measurement takes")
    arguments = parser.parse_args()
    try:
        require_wrk()
    except WrkMissingError as error:
        sys.exit(f"bench: {error}")
    if (busy := os.getloadavg()[0]) > BUSY:
        print(f"This machine is busy already (load {busy:.1f}): run this again when it is not.")
    _print_decisions()
    with filled_database() as (directory, dsn, data), mail_sink() as sink:
        print(f"\nOne worker; {USERS:,} users with a session and {FEW} each, {LANGUAGES:,} languages", flush=True)
        database = {"DATABASE_URL": dsn, "SECRET_KEY": SECRET_KEY, "MAIL_FROM": "Ostiary <no-reply@example.org>"}
        settings = {**database, "MAIL_URL": sink.url}
        without_log = {**database, "ACCESS_LOG": "off", "RUN_JOBS": "off"}
        one_left = {**without_log, "ACCESS_LOG": "on", "HASH_CONCURRENCY": str(ONE_LEFT)}
        with ExitStack() as stack:
            services = Services(
                *[stack.enter_context(serving(directory, each)) for each in (settings, without_log, one_left)]
            )
            files = _files(directory, data)
            seconds = arguments.seconds
            measured = _measure(
                files,
                services,
                arguments.rounds,
                seconds,
                lambda: delivery(services.usual, load_settings(settings), sink, files[SESSION], seconds),
            )
            print_loads(measured.loads, BARE)
            tries = TRIES_PER_SECOND * seconds * arguments.rounds
            _print_refusals(refusal_medians(services.usual, data.refused, tries))
    _print_costs(measured)
    print_targets(_targets(measured, list(data.lists)))


def _files(directory: Path, data: Data) -> dict[str, Path]:
    """The requests of each route, in a file for wrk."""
    calls = {
        BARE: [Call("GET", "/health/live")],
        SESSION: _calls_of(data.crowd, "/api/session"),
        LANGUAGE: _language_calls(data.crowd),
        f"GET /api/languages, {FEW}": _calls_of(data.crowd, "/api/languages"),
        f"GET /api/session, {MANY}": _calls_of([data.polyglot], "/api/session"),
        f"GET /api/languages/{{code}}, {MANY}": _language_calls([data.polyglot]),
        f"GET /api/languages, {MANY}": _calls_of([data.polyglot], "/api/languages"),
        **{
            f"{name}, {which} page": [Call("GET", path, paged.reader.token)]
            for name, paged in data.lists.items()
            for which, path in (("first", paged.first), ("last", paged.last))
        },
        SIGN_IN: [Call("POST", "/api/session", body=_credentials(member.email)) for member in data.crowd],
    }
    return {name: write_calls(directory / f"calls-{number}", calls[name]) for number, name in enumerate(calls)}


def _calls_of(members: Iterable[Member], path: str) -> list[Call]:
    return [Call("GET", path, member.token) for member in members]


def _language_calls(members: Iterable[Member]) -> list[Call]:
    return [Call("GET", f"/api/languages/{code}", member.token) for member in members for code in member.codes]


def _credentials(email: str) -> str:
    return msgspec.json.encode({"method": "password", "email": email, "secret": SECRET}).decode()


def _measure(
    files: dict[str, Path], services: Services, rounds: int, seconds: int, deliver: Callable[[], Delivery]
) -> Measured:
    """Everything once in each round, so that a disturbance from outside hits all routes alike."""
    shown = (*files, *WITHOUT_LOG.values(), SIGN_IN_ONE_LEFT)
    measured = Measured({name: [] for name in shown}, {SIGN_IN: [], SIGN_IN_ONE_LEFT: []}, [], [])
    at_once = load_settings({}).hash_concurrency
    sign_ins = ((SIGN_IN, services.usual, at_once), (SIGN_IN_ONE_LEFT, services.one_left, ONE_LEFT))
    for _ in range(rounds):
        for name, file in files.items():
            if name != SIGN_IN:
                measured.loads[name].append(load(services.usual, file, seconds))
        for name, without in WITHOUT_LOG.items():
            measured.loads[without].append(load(services.without_log, files[name], seconds))
        for name, url, hashing in sign_ins:
            before = raw_argon2_rate(SECRET, seconds, hashing)
            measured.loads[name].append(load_sign_ins(url, files[SIGN_IN], SIGN_IN_TIMES * seconds))
            measured.raw[name].append((before + raw_argon2_rate(SECRET, seconds, hashing)) / 2)
        measured.beside.append(load_beside(services.usual, files[SESSION], files[SIGN_IN], seconds))
        measured.deliveries.append(deliver())
    return measured


def _targets(measured: Measured, lists: Iterable[str]) -> list[Target]:
    loads, bare = measured.loads, measured.loads[BARE]
    deliveries = measured.deliveries
    crowded = median([crowded.p99 / alone.p99 for alone, crowded in measured.beside])
    return [
        at_least(SESSION, 0.15, "of the bare route", ratios(loads[SESSION], bare).rate),
        at_least(LANGUAGE, 0.08, "of the bare route", ratios(loads[LANGUAGE], bare).rate),
        *[
            at_least(
                name,
                0.9,
                "of raw argon2id",
                median([one.rate / raw for one, raw in zip(loads[name], rates, strict=True)]),
            )
            for name, rates in measured.raw.items()
        ],
        below(f"p99 of {SESSION}, while {SIGN_INS} sign in", 3, "its p99 alone", crowded),
        at_least(f"delivery of {MAILS:,} mails", MAIL_RATE_MIN, "a second", median([one.rate for one in deliveries])),
        below(
            f"p99 of {SESSION}, while mail is delivered",
            2,
            "its p99 alone",
            median([one.meanwhile.p99 / one.alone.p99 for one in deliveries]),
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
    rows = [[f"raw argon2id, as many at once as {name}", f"{median(raw):.1f}/s"] for name, raw in measured.raw.items()]
    for name, shown in WITHOUT_LOG.items():
        pairs = zip(measured.loads[name], measured.loads[shown], strict=True)
        cost = median([1 - logged.rate / quiet.rate for logged, quiet in pairs])
        rows.append([f"what the access log costs of {name}", f"{cost:.0%}"])
    for index, state in enumerate(("alone", f"while {SIGN_INS} sign in")):
        p99 = median([pair[index].p99 for pair in measured.beside])
        rows.append([f"p99 of {SESSION}, {state}", f"{p99:.1f} ms"])
    rows.append(["mails delivered", f"{median([one.rate for one in measured.deliveries]):.1f}/s"])
    for state in ("alone", "meanwhile"):
        p99 = median([getattr(one, state).p99 for one in measured.deliveries])
        rows.append([f"p99 of {SESSION}, mail being delivered: {state}", f"{p99:.1f} ms"])
    print_table(["beside", ""], rows)


def _print_refusals(medians: dict[str, float]) -> None:
    fastest = min(medians.values())
    rows = [[kind, f"{value:.2f}", f"{value / fastest:.3f}"] for kind, value in medians.items()]
    print_table(["refused sign-in", "p50 ms", "of the fastest"], rows)


def _print_decisions() -> None:
    few, many = decisions_per_second(MEMBERSHIPS), decisions_per_second(MANY_MEMBERSHIPS)
    rows = [[name, f"{few[name]:,.0f}", f"{many[name]:,.0f}", f"{few[name] / many[name]:.2f}"] for name in few]
    print_table(["policy, times per second", FEW, MANY, "slower by"], rows)


if __name__ == "__main__":
    main()
