"""People, languages and sessions as a model knows them, and the check of what a worker answers about them."""

import asyncio
import time
from collections.abc import Mapping
from typing import Literal
from uuid import UUID

import httpx
from msgspec import Struct, field

from tests.support.app import SECRET
from tests.support.two_workers import Worker
from tests.support.versions import Fact, Version, acknowledge

# A token that its session has replaced serves reads for some seconds: both answers are right.
State = Literal["live", "replaced", "ended"]
Changes = list[tuple[Fact[object, Worker], object]]
TOKENS_KEPT = 12


class Language(Struct, eq=False):
    """A language. Whoever changes it holds the lock."""

    code: str
    name: Fact[object, Worker]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Person(Struct, eq=False):
    """A user, the roles in each language (None for no membership), and the sessions by token.

    Whoever changes one of these holds the lock.
    """

    id: UUID
    email: str
    name: Fact[object, Worker]
    memberships: Mapping[str, Fact[object, Worker]]
    platform_role: Fact[object, Worker] = field(default_factory=lambda: Fact(None))
    tokens: dict[str, Fact[object, Worker]] = field(default_factory=dict)
    secret: str = SECRET
    suspended: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    answers: dict[str, httpx.Response] = field(default_factory=dict)

    @property
    def live(self) -> list[str]:
        """The tokens of live sessions."""
        return [token for token, state in self.tokens.items() if state.present == "live"]

    def ends(self, *, keep: str = "") -> Changes:
        """The changes with which all sessions but one end."""
        return [(state, "ended") for token, state in self.tokens.items() if token != keep]

    def signed_in(self, token: str) -> None:
        """Note a new session, and forget the oldest of those that have ended."""
        self.tokens[token] = Fact("live")
        ended = [token for token, state in self.tokens.items() if state.present != "live"]
        for old in ended[: max(0, len(self.tokens) - TOKENS_KEPT)]:
            del self.tokens[old]
            self.answers.pop(old, None)


def begin(changes: Changes) -> list[Version[object, Worker]]:
    """Note that these changes have begun."""
    return [fact.begin(value) for fact, value in changes if fact.present != value]


async def write(
    worker: Worker, method: str, path: str, token: str, body: object = None, changes: Changes | None = None
) -> httpx.Response:
    """Make changes through a worker, which must accept them."""
    versions = begin(changes or [])
    answer = await worker.ask(method, path, token, body)
    assert answer.status_code in {200, 201, 202, 204}, (method, path, answer.status_code, answer.text)
    acknowledge(versions, worker)
    return answer


class Read(Struct):
    """When a worker was asked, and until when it answered."""

    worker: Worker
    began_at: float
    ended_at: float = 0.0

    def may_be(self, fact: Fact[object, Worker], *values: object) -> bool:
        """Whether the answer may show one of these values of the fact."""
        return fact.may_be(lambda value: value in values, self.worker, self.began_at, self.ended_at)

    def may_not_be(self, fact: Fact[object, Worker], value: object) -> bool:
        """Whether the answer may show another value of the fact."""
        return fact.may_be(lambda present: present != value, self.worker, self.began_at, self.ended_at)


async def check_session(worker: Worker, person: Person, token: str, languages: Mapping[str, Language]) -> None:
    """Ask who is signed in, and check each fact of the answer. A client that knows an answer asks whether it holds."""
    state, known = person.tokens[token], person.answers.get(token)
    read = Read(worker, time.monotonic())
    headers = {"If-None-Match": known.headers["etag"]} if known else None
    answer = await worker.ask("GET", "/api/session", token, headers=headers)
    read.ended_at = time.monotonic()
    assert answer.status_code in {200, 304}, answer.text
    if answer.status_code == 304:
        assert known
        answer = known
    else:
        person.answers[token] = answer
    body = answer.json()
    if body["user"] is None:
        assert read.may_be(state, "ended", "replaced"), ("signed out", state, read)
        return
    assert read.may_be(state, "live", "replaced"), ("signed in", state, read)
    assert read.may_be(person.name, body["user"]["name"]), (body["user"]["name"], person.name, read)
    role = body["user"]["platformRole"]
    assert read.may_be(person.platform_role, role), (role, person.platform_role, read)
    shown = {item["language"]: item for item in body["memberships"]}
    for code, membership in person.memberships.items():
        roles = tuple(shown[code]["roles"]) if code in shown else None
        assert read.may_be(membership, roles), (code, roles, membership, read)
        if code in shown:
            name, names = shown[code]["languageName"], languages[code].name
            assert read.may_be(names, name), (name, names, read)


async def check_language(worker: Worker, person: Person, token: str, language: Language) -> None:
    """Read a language, and check that the answer, or the refusal, is one that the window allows."""
    state, membership = person.tokens[token], person.memberships[language.code]
    read = Read(worker, time.monotonic())
    answer = await worker.ask("GET", f"/api/languages/{language.code}", token)
    read.ended_at = time.monotonic()
    if answer.status_code == 401:
        assert read.may_be(state, "ended", "replaced"), ("401", state, read)
        return
    assert read.may_be(state, "live", "replaced"), (answer.status_code, state, read)
    if answer.status_code == 403:
        assert read.may_be(membership, None), ("403", membership, read)
        assert read.may_be(person.platform_role, None), ("403", person.platform_role, read)
        return
    assert answer.status_code == 200, answer.text
    name = answer.json()["name"]
    assert read.may_be(language.name, name), (name, language.name, read)
    allowed = read.may_not_be(membership, None) or read.may_be(person.platform_role, "admin")
    assert allowed, ("200", membership, person.platform_role, read)
