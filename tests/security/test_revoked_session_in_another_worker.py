"""A change of access shows at once in the process that makes it, and within moments in every other one.

`OSTIARY_LONG=1` measures 1,000 revocations, otherwise 20.
"""

import os
import time
from collections.abc import AsyncIterator
from functools import partial
from statistics import quantiles
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
from msgspec import Struct, structs

from app.postgres.listener import CURRENT_SECONDS
from tests.support.app import SECRET, until
from tests.support.mailbox import ask, code_in, flow_of, mailed, token_in
from tests.support.two_workers import TwoWorkers, Worker, two_workers, within

LONG = bool(os.environ.get("OSTIARY_LONG"))
REVOCATIONS = 1_000 if LONG else 20
P99_SECONDS = 0.1
OTHER_SECRET = "nine kites over the old mill"


class Seen(Struct, frozen=True):
    """What a worker shows to a session: who its user is, and one language of theirs."""

    email: str | None = None
    name: str | None = None
    platform_role: str | None = None
    # The roles in the language and its name, as the description of the session has them.
    membership: tuple[str, ...] | None = None
    language: str | int = 401
    stays_authenticated: bool = False


SIGNED_OUT = Seen()


class Scene(Struct, frozen=True):
    """Two workers and the people of one test: a translator with two sessions, and an admin of the platform."""

    workers: TwoWorkers
    code: str
    email: str
    user_id: UUID
    session_id: str
    authenticated_at: str
    token: str
    other_token: str
    admin: str

    async def seen(self, worker: Worker) -> Seen:
        """What the worker shows to the observed session."""
        answer = await worker.ask("GET", "/api/session", self.token)
        assert answer.status_code == 200, answer.text
        language = await worker.ask("GET", f"/api/languages/{self.code}", self.token)
        name = language.json()["name"] if language.status_code == 200 else language.status_code
        body = answer.json()
        if body["user"] is None:
            return Seen(language=name)
        membership = next((item for item in body["memberships"] if item["language"] == self.code), None)
        return Seen(
            email=body["user"]["email"],
            name=body["user"]["name"],
            platform_role=body["user"]["platformRole"],
            membership=(*membership["roles"], membership["languageName"]) if membership else None,
            language=name,
            stays_authenticated=body["session"]["authenticatedAt"] == self.authenticated_at,
        )

    async def kept(self) -> Seen:
        """What both workers show, once both serve the session from memory and have heard of all changes."""
        for worker in self.workers.both:
            await worker.honours(self.token)
            await until(partial(worker.serves_from_memory, self.token))
        await until(self._is_shown_by_both)
        return await self.seen(self.workers.first)

    async def _is_shown_by_both(self) -> bool:
        first, second = [await self.seen(worker) for worker in self.workers.both]
        return first == second


@pytest.fixture(scope="module")
async def workers(server_url: str) -> AsyncIterator[TwoWorkers]:
    """Two workers for all tests of this file."""
    async with two_workers(server_url, "two_workers") as workers:
        yield workers


@pytest.fixture
async def scene(workers: TwoWorkers) -> Scene:
    """A scene with people and a language of its own."""
    app, unique = workers.app, uuid4().hex[:8]
    email = f"grace-{unique}@example.org"
    code = await app.language(f"de-x-{unique}", "German")
    user_id = await app.user(email, name="Grace")
    await app.member(user_id, code, "translator")
    token, other_token = await app.token(user_id), await app.token(user_id)
    admin_id = await app.user(f"admin-{unique}@example.org", admin=True)
    admin = await app.token(admin_id, admin=True)
    session = (await workers.first.ask("GET", "/api/session", token)).json()["session"]
    return Scene(workers, code, email, user_id, session["id"], session["authenticatedAt"], token, other_token, admin)


class Change(NamedTuple):
    """A request that changes what the observed session may do or shows, by whom it is sent, and what differs then.

    `differs` are the fields of `Seen` with other values. None stands for the end of the session.
    """

    method: str
    path: str
    by: str = "admin"
    body: dict[str, object] | None = None
    differs: dict[str, object] | None = None


NEW_NAME: dict[str, object] = {"name": "Grace Hopper"}
NO_MEMBER: dict[str, object] = {"membership": None, "language": 403}
CREDENTIALS: dict[str, object] = {"method": "password", "email": "{email}", "secret": SECRET}
ADMIN_ROLE: dict[str, object] = {"roles": ["admin"]}
OTHER_ROLE: dict[str, object] = {"membership": ("admin", "German")}
RENAMED: dict[str, object] = {"membership": ("translator", "Deutsch"), "language": "Deutsch"}

CHANGES = {
    "signing out": Change("DELETE", "/api/session", "observed"),
    "signing in again": Change("POST", "/api/session", "observed", CREDENTIALS),
    "ending one session": Change("DELETE", "/api/sessions/{session_id}", "other"),
    "ending one's own session by its id": Change("DELETE", "/api/sessions/{session_id}", "observed"),
    "ending other sessions": Change("DELETE", "/api/sessions", "other"),
    "ending all sessions of a user": Change("DELETE", "/api/users/{user_id}/sessions"),
    "changing the secret": Change("PUT", "/api/keys/primary/secret", "other", {"secret": OTHER_SECRET}),
    "suspending": Change("POST", "/api/users/{user_id}/suspension", body={}),
    "deleting a user": Change("DELETE", "/api/users/{user_id}"),
    "deleting oneself": Change("DELETE", "/api/users/me", "other"),
    "granting the platform role": Change("PUT", "/api/users/{user_id}/platform-role", body={"role": "admin"}),
    "proving again who one is": Change(
        "POST", "/api/session/reauthentication", "observed", {"method": "password", "secret": SECRET}, {}
    ),
    "changing one's own name": Change("PATCH", "/api/users/me", "observed", NEW_NAME, NEW_NAME),
    "changing the name of a user": Change("PATCH", "/api/users/{user_id}", "admin", NEW_NAME, NEW_NAME),
    "changing roles": Change("PUT", "/api/languages/{code}/members/{user_id}", "admin", ADMIN_ROLE, OTHER_ROLE),
    "removing a member": Change("DELETE", "/api/languages/{code}/members/{user_id}", differs=NO_MEMBER),
    "leaving a language": Change("DELETE", "/api/languages/{code}/members/me", "observed", differs=NO_MEMBER),
    "changing a language": Change("PATCH", "/api/languages/{code}", "admin", {"name": "Deutsch"}, RENAMED),
    "deleting a language": Change("DELETE", "/api/languages/{code}", differs=NO_MEMBER),
}  # fmt: skip


def filled(text: str, scene: Scene) -> str:
    """The text with the values of the scene in place of their names in braces."""
    return text.format(code=scene.code, email=scene.email, user_id=scene.user_id, session_id=scene.session_id)


async def shows_everywhere(scene: Scene, expected: Seen) -> None:
    """The first worker has made a change. Its next answer must show it, and soon those of the second one."""
    since = time.monotonic()
    assert await scene.seen(scene.workers.first) == expected

    async def shows() -> bool:
        return await scene.seen(scene.workers.second) == expected

    await within(CURRENT_SECONDS, since, shows)
    assert await scene.seen(scene.workers.first) == expected


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_shows_in_the_next_answer_of_its_worker_and_soon_in_the_other(scene: Scene, what: str) -> None:
    change, before = CHANGES[what], await scene.kept()
    token = {"observed": scene.token, "other": scene.other_token, "admin": scene.admin}[change.by]
    body = {
        name: filled(value, scene) if isinstance(value, str) else value for name, value in (change.body or {}).items()
    }
    sent = body if change.body is not None else None
    answer = await scene.workers.first.ask(change.method, filled(change.path, scene), token, sent)
    assert answer.status_code in {200, 201, 204}, answer.text
    expected = SIGNED_OUT if change.differs is None else structs.replace(before, **change.differs)
    await shows_everywhere(scene, expected)


async def test_a_new_membership_shows_in_the_next_answer_of_its_worker_and_soon_in_the_other(scene: Scene) -> None:
    await scene.workers.app.resources.database.pool.execute(
        "DELETE FROM language_members WHERE user_id = $1", scene.user_id
    )
    since = time.monotonic()
    for worker in scene.workers.both:

        async def is_no_member(worker: Worker = worker) -> bool:
            return (await scene.seen(worker)).membership is None

        await within(CURRENT_SECONDS, since, is_no_member)
    before = await scene.kept()
    body = {"email": scene.email, "roles": ["translator"]}
    answer = await scene.workers.first.ask("POST", f"/api/languages/{scene.code}/members", scene.admin, body)
    assert answer.status_code == 202, answer.text
    await shows_everywhere(scene, structs.replace(before, membership=("translator", "German"), language="German"))


async def test_a_lost_platform_role_shows_in_the_next_answer_of_its_worker_and_soon_in_the_other(scene: Scene) -> None:
    path = f"/api/users/{scene.user_id}/platform-role"
    assert (await scene.workers.first.ask("PUT", path, scene.admin, {"role": "admin"})).status_code == 204
    token = await scene.workers.app.token(scene.user_id, admin=True)
    admin = structs.replace(scene, token=token)
    before = await admin.kept()
    assert before.platform_role == "admin"
    assert (await scene.workers.first.ask("PUT", path, scene.admin, {"role": None})).status_code == 204
    await shows_everywhere(admin, structs.replace(before, platform_role=None))


async def test_a_redeemed_reset_ends_sessions_in_its_worker_and_soon_in_the_other(scene: Scene) -> None:
    await scene.kept()
    token = token_in(await mailed(scene.workers.app, "password_reset", scene.email))
    body = {"token": token, "secret": OTHER_SECRET}
    assert (await scene.workers.first.ask("POST", "/api/keys/redeem", "", body)).status_code == 201
    await shows_everywhere(scene, SIGNED_OUT)


async def test_a_change_of_address_ends_sessions_in_its_worker_and_soon_in_the_other(scene: Scene) -> None:
    await scene.kept()
    app, address = scene.workers.app, f"new-{scene.email}"
    assert (await ask(app.with_cookie(scene.other_token), "email_change", address)).status_code == 202
    code, flow = code_in((await app.mails())[-1]), flow_of("email_change", address)
    body = {"purpose": "email_change", "email": address, "code": code, "flow": flow}
    answer = await scene.workers.first.ask("POST", "/api/keys/redeem", scene.other_token, body)
    assert answer.status_code == 201, answer.text
    await shows_everywhere(scene, SIGNED_OUT)


# What an operator runs in psql, and what differs then; None stands for the end of the session.
STATEMENTS: dict[str, dict[str, object] | None] = {
    "DELETE FROM sessions WHERE id = '{session_id}'": None,
    "UPDATE sessions SET idle_expires_at = now() WHERE id = '{session_id}'": None,
    "UPDATE sessions SET idle_expires_at = now(), expires_at = now() WHERE id = '{session_id}'": None,
    "UPDATE sessions SET token_hash = sha256(token_hash) WHERE id = '{session_id}'": None,
    "UPDATE users SET status = 'suspended' WHERE id = '{user_id}'": None,
    "DELETE FROM users WHERE id = '{user_id}'": None,
    "UPDATE users SET name = 'Grace Hopper' WHERE id = '{user_id}'": NEW_NAME,
    "UPDATE language_members SET roles = '{{admin}}' WHERE user_id = '{user_id}'": OTHER_ROLE,
    "DELETE FROM language_members WHERE user_id = '{user_id}'": NO_MEMBER,
    "UPDATE language_members SET user_id = (SELECT id FROM users WHERE email = 'root@example.org') "
    "WHERE user_id = '{user_id}'": NO_MEMBER,
    "UPDATE languages SET name = 'Deutsch' WHERE code = '{code}'": RENAMED,
    "DELETE FROM languages WHERE code = '{code}'": NO_MEMBER,
    "MERGE INTO users USING (VALUES ('{user_id}'::uuid)) AS named (id) ON users.id = named.id "
    "WHEN MATCHED THEN UPDATE SET name = 'Grace Hopper'": NEW_NAME,
    "TRUNCATE sessions": None,
    "TRUNCATE language_members": NO_MEMBER,
    "TRUNCATE languages CASCADE": NO_MEMBER,
}


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_a_change_by_plain_sql_shows_soon_in_every_worker(scene: Scene, statement: str) -> None:
    before, differs = await scene.kept(), STATEMENTS[statement]
    expected = SIGNED_OUT if differs is None else structs.replace(before, **differs)
    await scene.workers.operator.execute(filled(statement, scene))
    since = time.monotonic()

    for worker in scene.workers.both:

        async def shows(worker: Worker = worker) -> bool:
            return await scene.seen(worker) == expected

        await within(CURRENT_SECONDS, since, shows)


async def test_a_revoked_session_ends_in_another_worker_within_moments(scene: Scene) -> None:
    first, second = scene.workers.both
    took = list[float]()
    for _ in range(REVOCATIONS):
        token = await scene.workers.app.token(scene.user_id)
        assert await first.honours(token)
        assert await second.honours(token)
        assert await second.honours(token)
        answer = await first.ask("DELETE", f"/api/users/{scene.user_id}/sessions", scene.admin)
        since = time.monotonic()
        assert answer.status_code == 204, answer.text
        assert not await first.honours(token)

        async def has_ended(token: str = token) -> bool:
            return not await second.honours(token)

        took.append(await within(CURRENT_SECONDS, since, has_ended))
    if LONG:
        assert quantiles(took, n=100)[-1] < P99_SECONDS, sorted(took)[-20:]
