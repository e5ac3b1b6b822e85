"""Insufficient session termination: sessions, links and sign-ins with the old secret survive its change."""

from collections import Counter

import httpx
import pytest

from app.domain.keys.service import user_id_of_email
from tests.support.app import CREDENTIALS, SECRET, RunningApp
from tests.support.races import at_once, queued

NEW_SECRET = "nine quiet herons over water"
CONCURRENT = 16


async def _change(browser: httpx.AsyncClient, secret: str = NEW_SECRET) -> httpx.Response:
    return await browser.put("/api/keys/primary/secret", json={"secret": secret})


async def test_a_secret_change_ends_all_other_sessions(app: RunningApp) -> None:
    user = await app.user()
    attackers = [app.with_cookie(await app.token(user)) for _ in range(3)]
    owner = app.with_cookie(await app.token(user))

    assert (await _change(owner)).status_code == 204

    assert {(await attacker.get("/api/languages")).status_code for attacker in attackers} == {401}
    assert (await owner.get("/api/languages")).status_code == 200
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 1


async def test_the_old_secret_neither_signs_in_nor_reauthenticates(app: RunningApp) -> None:
    owner = await app.signed_in()
    await _change(owner)

    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401
    old_secret = {"method": "password", "secret": SECRET}
    assert (await owner.post("/api/session/reauthentication", json=old_secret)).status_code == 401
    assert (await app.client().post("/api/session", json={**CREDENTIALS, "secret": NEW_SECRET})).status_code == 201


async def test_a_secret_change_voids_all_outstanding_links(app: RunningApp) -> None:
    token = await app.invitation("eve@example.org")
    eve = await user_id_of_email(app.resources, "eve@example.org")
    await app.execute("UPDATE users SET onboarded_at = now() WHERE id = $1", eve)

    assert (await _change(app.with_cookie(await app.token(eve)))).status_code == 204

    outstanding = "SELECT count(*) FROM keys WHERE kind = 'single_use' AND used_at IS NULL"
    assert await app.resources.database.pool.fetchval(outstanding) == 0
    body = {"token": token, "name": "Mallory", "secret": SECRET}
    assert (await app.client().post("/api/keys/redeem", json=body)).status_code == 410


@pytest.mark.parametrize("change_first", [True, False])
async def test_a_sign_in_beside_the_secret_change_leaves_no_session(app: RunningApp, change_first: bool) -> None:
    user = await app.user()
    owner = app.with_cookie(await app.token(user))

    async def sign_in() -> httpx.Response:
        return await app.client().post("/api/session", json=CREDENTIALS)

    requests = [_change(owner), sign_in()]

    async with queued(app, "SELECT 1 FROM users WHERE id = $1 FOR UPDATE", user) as queue:
        tasks = [await queue.add(request) for request in (requests if change_first else reversed(requests))]
    change, signed_in = [await task for task in (tasks if change_first else reversed(tasks))]

    assert change.status_code == 204
    assert signed_in.status_code == (401 if change_first else 201)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 1
    assert (await owner.get("/api/session")).json()["user"] is not None


async def test_exactly_one_of_concurrent_secret_changes_succeeds_and_keeps_its_session(app: RunningApp) -> None:
    for _ in range(5):
        await app.resources.database.pool.execute("TRUNCATE users CASCADE")
        user = await app.user()
        browsers = [app.with_cookie(await app.token(user)) for _ in range(CONCURRENT)]
        secrets = [f"{NEW_SECRET} {number}" for number in range(CONCURRENT)]

        answers = await at_once(CONCURRENT, lambda number: _change(browsers[number], secrets[number]))  # noqa: B023

        assert Counter(answer.status_code for answer in answers) == {204: 1, 401: CONCURRENT - 1}
        accepted = next(number for number, answer in enumerate(answers) if answer.status_code == 204)
        signed_in = await app.client().post("/api/session", json={**CREDENTIALS, "secret": secrets[accepted]})
        assert signed_in.status_code == 201
        assert (await browsers[accepted].get("/api/languages")).status_code == 200
        assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 2


async def test_many_sign_ins_beside_the_secret_change_leave_no_session(app: RunningApp) -> None:
    for _ in range(5):
        await app.resources.database.pool.execute("TRUNCATE users CASCADE")
        owner = await app.signed_in()

        async def request(number: int) -> httpx.Response:
            if number == 7:
                return await _change(owner)  # noqa: B023 # awaited within the round
            return await app.client().post("/api/session", json=CREDENTIALS)

        await at_once(CONCURRENT, request)

        assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 1
        assert (await owner.get("/api/languages")).status_code == 200
