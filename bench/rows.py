"""The rows of `make bench`: each is a kind of request to one of the services."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench import bare
from bench.bare import LITESTAR, RAW
from bench.data import MANY_MEMBERSHIPS, MEMBERSHIPS, SECRET, Data, Member
from bench.measure import Call, write_calls
from bench.processes import Running
from bench.reads import conditional, read_each
from bench.service import serving, serving_bare

FEW = f"{MEMBERSHIPS} memberships"
MANY = f"{MANY_MEMBERSHIPS:,} memberships"
UNCACHED = "PRINCIPAL_CACHE=0"
NO_LOG = "ACCESS_LOG=off"

HEALTH = "GET /health/live"
SESSION = f"GET /api/session, {FEW}"
UNCHANGED = f"{SESSION}, answered 304"
VERIFY = f"GET /api/verify, {FEW}"
LANGUAGE = f"GET /api/languages/{{code}}, {FEW}"
SIGN_IN = "POST /api/session"
SESSION_UNCACHED, LANGUAGE_UNCACHED = f"{SESSION}, {UNCACHED}", f"{LANGUAGE}, {UNCACHED}"
HEALTH_NO_LOG, SESSION_NO_LOG = f"{HEALTH}, {NO_LOG}", f"{SESSION}, {NO_LOG}"
# With one hash process per core, hashes share the cores with the event loop, PostgreSQL and wrk. With one core free of
# hashes, the difference to the rate of raw argon2id is the cost of the service itself.
ONE_CORE_FREE = max(1, len(os.sched_getaffinity(0)) - 1)
SIGN_IN_ONE_CORE_FREE = f"{SIGN_IN}, HASH_CONCURRENCY={ONE_CORE_FREE}"


class Services(NamedTuple):
    """The services: with default settings, with another setting each, and the two bare apps."""

    default: Running
    uncached: Running
    without_log: Running
    one_core_free: Running
    raw: Running
    litestar: Running


class Row(NamedTuple):
    """A service, and the file of the requests that are sent to the service."""

    service: Running
    calls: Path


def start(stack: ExitStack, directory: Path, settings: Mapping[str, str]) -> Services:
    """Start the services on one database. All but the first run no jobs."""
    quiet = {**settings, "RUN_JOBS": "off"}
    others = ({"PRINCIPAL_CACHE": "0"}, {"ACCESS_LOG": "off"}, {"HASH_CONCURRENCY": str(ONE_CORE_FREE)})
    return Services(
        *[stack.enter_context(serving(directory, each)) for each in (settings, *[quiet | other for other in others])],
        *[stack.enter_context(serving_bare(directory, name)) for name in bare.FACTORIES],
    )


def make_rows(directory: Path, data: Data, services: Services) -> dict[str, Row]:
    """The rows by name. The caches of the services hold the session of every user afterwards."""
    sessions = _calls_of(data.users, "/api/session")
    read_each(services.without_log.url, sessions)
    return {
        name: Row(service, write_calls(directory / f"calls-{number}", calls))
        for number, (name, service, calls) in enumerate(_rows(data, services, sessions))
    }


def _rows(data: Data, services: Services, sessions: list[Call]) -> Iterator[tuple[str, Running, Iterable[Call]]]:
    ours, uncached, without_log, one_core_free, raw, litestar = services
    many = data.multilingual_users
    languages = _language_calls(data.users)
    sign_ins = [Call("POST", "/api/session", body=_credentials(member.email)) for member in data.users]
    health = [Call("GET", "/health/live")]
    yield RAW, raw, [Call("GET", bare.PATH)]
    yield LITESTAR, litestar, [Call("GET", bare.PATH)]
    yield HEALTH, ours, health
    yield HEALTH_NO_LOG, without_log, health
    yield SESSION, ours, sessions
    yield VERIFY, ours, [Call("GET", "/api/verify", (*call.headers, "X-Forwarded-Method: GET")) for call in sessions]
    yield SESSION_NO_LOG, without_log, sessions
    yield SESSION_UNCACHED, uncached, sessions
    yield UNCHANGED, ours, conditional(ours.url, sessions)
    yield LANGUAGE, ours, languages
    yield LANGUAGE_UNCACHED, uncached, languages
    yield f"GET /api/languages, {FEW}", ours, _calls_of(data.users, "/api/languages")
    for service, setting in ((ours, ""), (uncached, f", {UNCACHED}")):
        yield f"GET /api/session, {MANY}{setting}", service, _calls_of(many, "/api/session")
    yield f"GET /api/languages/{{code}}, {MANY}", ours, _language_calls(many)
    yield f"GET /api/languages, {MANY}", ours, _calls_of(many, "/api/languages")
    for name, paged in data.lists.items():
        for which, path in (("first", paged.first), ("last", paged.last)):
            yield f"{name}, {which} page", ours, [Call("GET", path, (paged.reader.cookie,))]
    yield SIGN_IN, ours, sign_ins
    yield SIGN_IN_ONE_CORE_FREE, one_core_free, sign_ins


def _calls_of(members: Iterable[Member], path: str) -> list[Call]:
    return [Call("GET", path, (member.cookie,)) for member in members]


def _language_calls(members: Iterable[Member]) -> list[Call]:
    return [Call("GET", f"/api/languages/{code}", (member.cookie,)) for member in members for code in member.codes]


def _credentials(email: str) -> str:
    return msgspec.json.encode({"method": "password", "email": email, "secret": SECRET}).decode()
