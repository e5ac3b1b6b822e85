"""The services that are measured beside each other, and the requests that each of them gets."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec

from bench import bare
from bench.bare import LITESTAR, RAW
from bench.data import SECRET, Data
from bench.measure import Call, write_calls
from bench.peers.data import BETTER_AUTH_SECRET, better_auth_cookie, copy_data, make_schemas, tokens_of
from bench.processes import Running, running
from bench.reads import read_each
from bench.service import serving, serving_bare

# Users whose requests are sent: as many as all take part in turn.
READERS = 5_000
FOLDER = Path(__file__).parent
PYTHON_OF_PEERS = ".bench/peers-venv/bin/python"
OURS, UNCACHED = "Ostiary", "Ostiary, PRINCIPAL_CACHE=0"
LUCIA, FASTAPI_USERS = "Lucia 2 + CASL on Fastify", "fastapi-users"
BETTER_AUTH, COOKIE_CACHE = "Better Auth", "Better Auth, cookie cache"
BARE, SESSION, LANGUAGE, SIGN_IN = "bare route", "session check", "authorised read of a language", "sign-in"


def start(stack: ExitStack, directory: Path, dsn: str) -> dict[str, Running]:
    """Start all services, on one database with the same data for each; by name."""
    asyncio.run(make_schemas(dsn))
    better = {"DATABASE_URL": dsn, "BETTER_AUTH_SECRET": BETTER_AUTH_SECRET, "NODE_ENV": "production"}
    script = str(FOLDER / "better_auth.js")
    migration = {**better, "PATH": os.environ["PATH"], "PORT": "1"}
    subprocess.run(["node", script, "migrate"], env=migration, check=True, stdout=subprocess.DEVNULL)
    asyncio.run(copy_data(dsn))
    programs = {
        LUCIA: (["node", str(FOLDER / "lucia.js")], {"DATABASE_URL": dsn, "NODE_ENV": "production"}, "/bare"),
        BETTER_AUTH: (["node", script], better, "/api/auth/ok"),
        COOKIE_CACHE: (["node", script], {**better, "COOKIE_CACHE": "on"}, "/api/auth/ok"),
        FASTAPI_USERS: ([PYTHON_OF_PEERS, str(FOLDER / "fastapi_users_app.py")], {"DATABASE_URL": dsn}, "/bare"),
    }
    own = {"DATABASE_URL": dsn, "RUN_JOBS": "off"}
    services = {OURS: serving(directory, own), UNCACHED: serving(directory, {**own, "PRINCIPAL_CACHE": "0"})}
    services |= {
        name: running(command, settings, probe, directory) for name, (command, settings, probe) in programs.items()
    }
    services |= {RAW: serving_bare(directory, "raw"), LITESTAR: serving_bare(directory, "litestar")}
    return {name: stack.enter_context(service) for name, service in services.items()}


def write_all_calls(directory: Path, dsn: str, data: Data, services: dict[str, Running]) -> dict[tuple[str, str], Path]:
    """The file of requests of each kind of work and service. The cache of ours holds every reader afterwards."""
    members = data.users[:READERS]
    tokens = asyncio.run(tokens_of(dsn, [member.email for member in members]))
    better = [better_auth_cookie(token) for token in tokens]
    cookies = {
        OURS: [member.cookie for member in members],
        UNCACHED: [member.cookie for member in members],
        LUCIA: [f"Cookie: auth_session={token}" for token in tokens],
        BETTER_AUTH: better,
        COOKIE_CACHE: [_with_cached_session(services[COOKIE_CACHE].url, cookie) for cookie in better[:READERS // 10]],
        FASTAPI_USERS: [f"Cookie: fastapiusersauth={token}" for token in tokens],
    }  # fmt: skip
    check = {BETTER_AUTH: "/api/auth/get-session", COOKIE_CACHE: "/api/auth/get-session"}
    calls: dict[tuple[str, str], Iterable[Call]] = {
        **{(BARE, name): [Call("GET", path)] for name, path in _bare_paths().items()},
        **{
            (SESSION, name): [Call("GET", check.get(name, "/api/session"), (cookie,)) for cookie in own]
            for name, own in cookies.items()
        },
        **{
            (LANGUAGE, name): [
                Call("GET", f"/api/languages/{member.codes[0]}", (cookie,))
                for member, cookie in zip(members, cookies[name], strict=True)
            ]
            for name in (OURS, UNCACHED, LUCIA, FASTAPI_USERS)
        },
        **{(SIGN_IN, name): calls for name, calls in _sign_ins([member.email for member in members]).items()},
    }
    read_each(services[OURS].url, list(calls[SESSION, OURS]))
    return {
        key: write_calls(directory / f"peer-calls-{number}", requests)
        for number, (key, requests) in enumerate(calls.items())
    }


def _bare_paths() -> dict[str, str]:
    """A route of each service that does nothing."""
    return {
        OURS: "/health/live",
        LUCIA: "/bare",
        BETTER_AUTH: "/api/auth/ok",
        FASTAPI_USERS: "/bare",
        RAW: bare.PATH,
        LITESTAR: bare.PATH,
    }


def _sign_ins(emails: Iterable[str]) -> dict[str, list[Call]]:
    json_of: dict[str, tuple[str, Callable[[str], dict[str, str]]]] = {
        OURS: ("/api/session", lambda email: {"method": "password", "email": email, "secret": SECRET}),
        LUCIA: ("/api/session", lambda email: {"email": email, "secret": SECRET}),
        BETTER_AUTH: ("/api/auth/sign-in/email", lambda email: {"email": email, "password": SECRET}),
    }
    calls = {
        name: [Call("POST", path, body=msgspec.json.encode(body(email)).decode()) for email in emails]
        for name, (path, body) in json_of.items()
    }
    form = [urlencode({"username": email, "password": SECRET}) for email in emails]
    return {**calls, FASTAPI_USERS: [Call("POST", "/api/session/login", body=body) for body in form]}


def _with_cached_session(url: str, cookie: str) -> str:
    """The Cookie header of a client of Better Auth that has its cached session too."""
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", "/api/auth/get-session", headers={"Cookie": cookie.removeprefix("Cookie: ")})
    answer = connection.getresponse()
    answer.read()
    set_cookies = [value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    connection.close()
    if not set_cookies:
        raise RuntimeError("Better Auth has set no cookie for its cache")
    return "; ".join([cookie, *set_cookies])
