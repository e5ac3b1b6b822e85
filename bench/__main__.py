"""`make bench`: the authorised request, sign-in and the policy, beside the bare route of the same run."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from bench.data import LANGUAGES, MANY_MEMBERSHIPS, MEMBERSHIPS, SECRET, USERS, Data, Member
from bench.decisions import decisions_per_second
from bench.measure import (
    SIGN_INS,
    Call,
    Load,
    WrkMissingError,
    load,
    load_beside,
    raw_argon2_rate,
    refusal_medians,
    require_wrk,
    write_calls,
)
from bench.service import filled_database, serving

BARE = "GET /health/live"
SESSION = f"GET /api/session, {MEMBERSHIPS} memberships"
LANGUAGE = f"GET /api/languages/{{code}}, {MEMBERSHIPS} memberships"
SIGN_IN = "POST /api/session"

TARGETS = {SESSION: 0.15, LANGUAGE: 0.08}
SIGN_IN_TARGET = 0.9
CROWDED_TARGET = 3.0


class Target(NamedTuple):
    """A number that the service must reach."""

    what: str
    wanted: str
    measured: float
    met: bool


def main() -> None:
    """Run all measurements and print them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured; medians are shown")
    parser.add_argument("--seconds", type=float, default=5, help="how long each measurement takes")
    arguments = parser.parse_args()
    try:
        require_wrk()
    except WrkMissingError as error:
        sys.exit(f"bench: {error}")
    _print_decisions()
    with filled_database() as (directory, dsn, data):
        print(
            f"\n{USERS:,} users with a session and {MEMBERSHIPS} memberships each, {LANGUAGES:,} languages; one worker"
        )
        with serving(directory, dsn, access_log=True) as url, serving(directory, dsn, access_log=False) as quiet_url:
            targets = _measure_service(directory, data, url, quiet_url, arguments.rounds, arguments.seconds)
    _print_table(
        ("target", "wanted", "measured", ""),
        [(item.what, item.wanted, f"{item.measured:.2f}", "met" if item.met else "NOT MET") for item in targets],
    )


def _measure_service(
    directory: Path, data: Data, url: str, quiet_url: str, rounds: int, seconds: float
) -> list[Target]:
    files = {
        name: write_calls(directory / f"calls-{number}", calls)
        for number, (name, calls) in enumerate(_calls(data).items())
    }
    quiet = {f"{name}, access log off": files[name] for name in (BARE, SESSION)}
    seen: dict[str, list[Load]] = {name: [] for name in (*files, *quiet)}
    raw: list[float] = []
    beside: list[tuple[Load, Load]] = []
    for _ in range(rounds):
        for name, file in files.items():
            seen[name].append(load(url, file, seconds))
        for name, file in quiet.items():
            seen[name].append(load(quiet_url, file, seconds))
        raw.append(raw_argon2_rate(SECRET, seconds))
        beside.append(load_beside(url, files[SESSION], files[SIGN_IN], seconds))
    _print_loads(seen)
    _print_refusals(refusal_medians(url, data.refused, int(10 * seconds * rounds)))
    sign_in = median([sign_in.rate / rate for sign_in, rate in zip(seen[SIGN_IN], raw, strict=True)])
    crowded = median([crowded.p99 / alone.p99 for alone, crowded in beside])
    print(f"\nraw argon2id: {median(raw):.1f}/s")
    print(f"GET /api/session, p99 alone: {median([alone.p99 for alone, _ in beside]):.1f} ms")
    print(f"GET /api/session, p99 while {SIGN_INS} sign in: {median([crowded.p99 for _, crowded in beside]):.1f} ms")
    return [
        *[_at_least(name, "of the bare route", wanted, _ratios(seen, name).rate) for name, wanted in TARGETS.items()],
        _at_least(SIGN_IN, "of raw argon2id", SIGN_IN_TARGET, sign_in),
        Target(f"p99 while {SIGN_INS} sign in", f"< {CROWDED_TARGET:g} times idle", crowded, crowded < CROWDED_TARGET),
    ]


def _calls(data: Data) -> dict[str, list[Call]]:
    many = [data.polyglot]
    few_name, many_name = f"{MEMBERSHIPS} memberships", f"{MANY_MEMBERSHIPS:,} memberships"
    return {
        BARE: [Call("GET", "/health/live")],
        SESSION: [Call("GET", "/api/session", member.token) for member in data.crowd],
        LANGUAGE: _language_calls(data.crowd),
        f"GET /api/languages, {few_name}": [Call("GET", "/api/languages", member.token) for member in data.crowd],
        f"GET /api/session, {many_name}": [Call("GET", "/api/session", member.token) for member in many],
        f"GET /api/languages/{{code}}, {many_name}": _language_calls(many),
        f"GET /api/languages, {many_name}": [Call("GET", "/api/languages", member.token) for member in many],
        SIGN_IN: [
            Call("POST", "/api/session", body=_json(method="password", email=member.email, secret=SECRET))
            for member in data.crowd
        ],
    }


def _language_calls(members: Iterable[Member]) -> list[Call]:
    return [Call("GET", f"/api/languages/{code}", member.token) for member in members for code in member.codes]


def _json(**fields: str) -> str:
    return msgspec.json.encode(fields).decode()


def _ratios(seen: dict[str, list[Load]], name: str) -> Load:
    """The medians of what each round measured, as ratios to the bare route of the same round."""
    pairs = list(zip(seen[name], seen[BARE], strict=True))
    return Load(
        median([item.rate / bare.rate for item, bare in pairs]),
        median([item.p50 / bare.p50 for item, bare in pairs]),
        median([item.p99 / bare.p99 for item, bare in pairs]),
    )


def _at_least(what: str, of: str, wanted: float, measured: float) -> Target:
    return Target(what, f">= {wanted:g} {of}", measured, measured >= wanted)


def _print_loads(seen: dict[str, list[Load]]) -> None:
    rows = []
    for name, loads in seen.items():
        ratios = _ratios(seen, name)
        columns = [(median([load[index] for load in loads]), ratios[index]) for index in range(3)]
        rows.append((name, *[text for value, ratio in columns for text in (f"{value:,.1f}", f"{ratio:.2f}")]))
    _print_table(("route", "req/s", "of bare", "p50 ms", "of bare", "p99 ms", "of bare"), rows)


def _print_refusals(medians: dict[str, float]) -> None:
    fastest = min(medians.values())
    rows = [(kind, f"{value:.2f}", f"{value / fastest:.3f}") for kind, value in medians.items()]
    _print_table(("refused sign-in", "p50 ms", "of fastest"), rows)


def _print_decisions() -> None:
    few, many = decisions_per_second(MEMBERSHIPS), decisions_per_second(MANY_MEMBERSHIPS)
    rows = [(name, f"{few[name]:,.0f}", f"{many[name]:,.0f}", f"{few[name] / many[name]:.2f}") for name in few]
    header = ("decisions/s", f"{MEMBERSHIPS} memberships", f"{MANY_MEMBERSHIPS:,} memberships", "times slower")
    _print_table(header, rows)


def _print_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print()
    for name, *cells in (header, *rows):
        print(
            name.ljust(widths[0]), *[cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)], sep="  "
        )


if __name__ == "__main__":
    main()
