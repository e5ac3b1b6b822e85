"""What two workers answer from memory, under random changes, is what a model with a window of 2 seconds allows.

`OSTIARY_LONG=1` makes 100,000 operations, otherwise 2,000. `OSTIARY_SEED` repeats the choices of a failure, though not
the order in which the answers come.
"""

import asyncio
import os
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import httpx
import pytest

from app.postgres.listener import CURRENT_SECONDS
from tests.support.access_model import (
    Language,
    Person,
    begin,
    check_language,
    check_session,
    write,
)
from tests.support.app import SECRET
from tests.support.serve_process import frozen
from tests.support.two_workers import LISTENING, TwoWorkers, Worker, two_workers
from tests.support.versions import Fact, acknowledge

LONG = bool(os.environ.get("OSTIARY_LONG"))
OPERATIONS = 100_000 if LONG else 2_000
# How often the connection on which a worker listens is cut, and half of that later frozen, in operations.
CUT_EVERY = 5_000 if LONG else 1_000
FROZEN_SECONDS = CURRENT_SECONDS + 0.5
SEED = int(os.environ.get("OSTIARY_SEED") or secrets.randbelow(10**6))
TASKS = 8
PEOPLE = 6
CODES = ("de", "fr", "sw")
ROLES = ((), ("translator",), ("admin",), ("admin", "translator"))
SECRETS = (SECRET, "nine kites over the old mill", "four ferries past the grey pier")
LIVE_MAX = 6
# Sessions and proofs that stay fresh for the whole test.
SETTINGS = {"STEP_UP_SECONDS": "86400", "ADMIN_SESSION_IDLE_SECONDS": "86400", "DATABASE_STATEMENT_SECONDS": "10"}


@pytest.fixture
async def workers(server_url: str) -> AsyncIterator[TwoWorkers]:
    """Two workers that keep principals."""
    async with two_workers(server_url, "cache_model", **SETTINGS) as workers:
        yield workers


def session_cookie(answer: httpx.Response) -> str:
    """The session token that the answer hands out."""
    values = [cookie.partition(";")[0] for cookie in answer.headers.get_list("set-cookie")]
    return next(value.partition("=")[2] for value in values if value.startswith("auth_session=ost_"))


class Model:
    """Random clients of two workers, and what they may be told."""

    def __init__(self, workers: TwoWorkers, admin: str, people: list[Person], languages: dict[str, Language]) -> None:
        self.workers, self.admin, self.people, self.languages = workers, admin, people, languages
        self.random = random.Random(SEED)  # noqa: S311 # no secret
        self.names = count()
        self.operations = 0
        self.frozen = 0
        # No changes are made through this worker now.
        self.only_read: Worker | None = None
        self.writes: dict[Callable[[Person, Worker], Awaitable[None]], int] = {
            self.sign_in: 8,
            self.sign_in_again: 2,
            self.sign_out: 2,
            self.end_one: 2,
            self.end_others: 2,
            self.end_all: 2,
            self.end_all_by_sql: 1,
            self.change_secret: 1,
            self.suspend_or_restore: 2,
            self.change_platform_role: 2,
            self.change_membership: 8,
            self.remove_member_by_sql: 2,
            self.rename: 4,
            self.rename_by_sql: 2,
        }

    async def run(self) -> None:
        """Operate until there have been enough operations."""
        while self.operations < OPERATIONS:
            self.operations += 1
            person, worker = self.random.choice(self.people), self.random.choice(self.workers.both)
            changing = self.workers.other(worker) if worker is self.only_read else worker
            kind = self.random.random()
            if self.operations % CUT_EVERY == CUT_EVERY // 4:
                await self.cut(worker)
            elif self.operations % CUT_EVERY == CUT_EVERY * 3 // 4:
                await self.freeze(worker)
            elif kind < 0.05:
                await self.rename_language(changing)
            elif kind < 0.25:
                (change,) = self.random.choices([*self.writes], [*self.writes.values()])
                async with person.lock:
                    await change(person, changing)
            else:
                await self.read(person, worker)

    async def read(self, person: Person, worker: Worker) -> None:
        if not person.tokens:
            return
        token = self.random.choice([*person.tokens])
        if self.random.random() < 0.6:
            await check_session(worker, person, token, self.languages)
        else:
            await check_language(worker, person, token, self.languages[self.random.choice(CODES)])

    async def sign_in(self, person: Person, worker: Worker, presented: str = "") -> None:
        if len(person.live) >= LIVE_MAX:
            return
        body = {"method": "password", "email": person.email, "secret": person.secret}
        if person.suspended:
            assert (await worker.ask("POST", "/api/session", "", body)).status_code == 401
            return
        changes = [(person.tokens[presented], "ended")] if presented else []
        person.signed_in(session_cookie(await write(worker, "POST", "/api/session", presented, body, [*changes])))

    async def sign_in_again(self, person: Person, worker: Worker) -> None:
        if person.live:
            await self.sign_in(person, worker, self.random.choice(person.live))

    async def sign_out(self, person: Person, worker: Worker) -> None:
        if person.live:
            token = self.random.choice(person.live)
            await write(worker, "DELETE", "/api/session", token, changes=[(person.tokens[token], "ended")])

    async def end_one(self, person: Person, worker: Worker) -> None:
        if len(person.live) >= 2:
            token, other = self.random.sample(person.live, 2)
            listed = (await worker.ask("GET", "/api/sessions", other)).json()["items"]
            current = next(item["id"] for item in listed if item["current"])
            changes = [(person.tokens[other], "ended")]
            await write(worker, "DELETE", f"/api/sessions/{current}", token, changes=[*changes])

    async def end_others(self, person: Person, worker: Worker) -> None:
        if person.live:
            token = self.random.choice(person.live)
            await write(worker, "DELETE", "/api/sessions", token, changes=person.ends(keep=token))

    async def end_all(self, person: Person, worker: Worker) -> None:
        await write(worker, "DELETE", f"/api/users/{person.id}/sessions", self.admin, changes=person.ends())

    async def change_secret(self, person: Person, worker: Worker) -> None:
        if person.live:
            token, person.secret = self.random.choice(person.live), self.random.choice(SECRETS)
            changes = [*person.ends(keep=token), (person.tokens[token], "replaced")]
            body = {"secret": person.secret}
            answer = await write(worker, "PUT", "/api/keys/primary/secret", token, body, changes)
            person.signed_in(session_cookie(answer))

    async def suspend_or_restore(self, person: Person, worker: Worker) -> None:
        method, body = ("DELETE", None) if person.suspended else ("POST", dict[str, object]())
        changes = person.ends()
        await write(worker, method, f"/api/users/{person.id}/suspension", self.admin, body, changes)
        person.suspended = not person.suspended

    async def change_platform_role(self, person: Person, worker: Worker) -> None:
        role = None if person.platform_role.present else "admin"
        changes = [(person.platform_role, role), *(person.ends() if role else [])]
        await write(worker, "PUT", f"/api/users/{person.id}/platform-role", self.admin, {"role": role}, [*changes])

    async def change_membership(self, person: Person, worker: Worker) -> None:
        code, roles = self.random.choice(CODES), self.random.choice([None, *ROLES])
        membership, path = person.memberships[code], f"/api/languages/{code}/members"
        if membership.present is None:
            roles = roles or ()
            body: dict[str, object] = {"email": person.email, "roles": roles}
            await write(worker, "POST", path, self.admin, body, [(membership, roles)])
        elif roles is None:
            await write(worker, "DELETE", f"{path}/{person.id}", self.admin, changes=[(membership, None)])
        else:
            await write(worker, "PUT", f"{path}/{person.id}", self.admin, {"roles": roles}, [(membership, roles)])

    async def rename(self, person: Person, worker: Worker) -> None:
        name, own = f"Name {next(self.names)}", self.random.choice(["", *person.live])
        path = "/api/users/me" if own else f"/api/users/{person.id}"
        await write(worker, "PATCH", path, own or self.admin, {"name": name}, [(person.name, name)])

    async def rename_language(self, worker: Worker) -> None:
        name, language = f"Language {next(self.names)}", self.languages[self.random.choice(CODES)]
        async with language.lock:
            path = f"/api/languages/{language.code}"
            await write(worker, "PATCH", path, self.admin, {"name": name}, [(language.name, name)])

    async def end_all_by_sql(self, person: Person, _: Worker) -> None:
        versions = begin(person.ends())
        await self.execute("DELETE FROM sessions WHERE user_id = $1", person.id)
        acknowledge(versions, None)

    async def remove_member_by_sql(self, person: Person, _: Worker) -> None:
        code = self.random.choice(CODES)
        versions = begin([(person.memberships[code], None)])
        await self.execute("DELETE FROM language_members WHERE user_id = $1 AND language_code = $2", person.id, code)
        acknowledge(versions, None)

    async def rename_by_sql(self, person: Person, _: Worker) -> None:
        name = f"Name {next(self.names)}"
        versions = begin([(person.name, name)])
        await self.execute("UPDATE users SET name = $2 WHERE id = $1", person.id, name)
        acknowledge(versions, None)

    async def cut(self, worker: Worker) -> None:
        """Cut the connection on which the worker listens."""
        for pid in await self.listening(worker):
            await self.execute("SELECT pg_terminate_backend($1)", pid)

    async def freeze(self, worker: Worker) -> None:
        """Freeze the connection on which the worker listens, while others change and read.

        Every other time nothing is changed through the worker, which would end its use of memory.
        """
        thaw = time.monotonic() + FROZEN_SECONDS
        self.frozen += 1
        self.only_read = worker if self.frozen % 2 else None
        with frozen(await self.listening(worker)):
            while time.monotonic() < thaw:
                await self.read(self.random.choice(self.people), worker)
                # A person without sessions is read without waiting.
                await asyncio.wait(asyncio.all_tasks(), timeout=0.001)
        self.only_read = None

    async def listening(self, worker: Worker) -> list[int]:
        """The server's end of the connection on which the worker listens, if there is one now."""
        return [row["pid"] for row in await self.workers.app.resources.database.pool.fetch(LISTENING, worker.name)]

    async def execute(self, statement: str, *arguments: object) -> None:
        await self.workers.app.resources.database.pool.execute(statement, *arguments)


async def test_random_clients_of_two_workers_are_told_only_what_the_window_allows(workers: TwoWorkers) -> None:
    app = workers.app
    languages = {code: Language(await app.language(code, code), Fact(code)) for code in CODES}
    people = list[Person]()
    for number in range(PEOPLE):
        email = f"person-{number}@example.org"
        memberships = {code: Fact[object, Worker](None) for code in CODES}
        people.append(Person(await app.user(email, name="Grace"), email, Fact("Grace"), memberships))
    admin = await app.token(await app.user("admin@example.org", admin=True), admin=True)
    model = Model(workers, admin, people, languages)
    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(TASKS):
                tasks.create_task(model.run())
    except BaseExceptionGroup as group:
        group.add_note(f"OSTIARY_SEED={SEED}, after {model.operations} operations")
        raise
