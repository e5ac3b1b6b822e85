"""Account takeover: a route on users that asks about the type, and not about this user, changes anybody's account."""

import httpx
import pytest

from tests.support.app import CREDENTIALS, RunningApp, id_of, problem

CHANGES = [
    {"name": "Mallory"},
    {"phone": "+4915112345678"},
    {"locale": "xx"},
    {"email": "mallory@example.org"},
    {"secret": "nine quiet herons over water"},
    {"platformRole": None},
    {"status": "suspended"},
    {},
]


@pytest.fixture
async def mallory(app: RunningApp) -> httpx.AsyncClient:
    """Somebody who may change their own account, and is an admin of a language besides."""
    await app.language("de")
    return await app.signed_in_member("de", "admin", "translator", email="mallory@example.org")


async def _rows(app: RunningApp) -> list[str]:
    tables = "SELECT users::text FROM users UNION SELECT keys::text FROM keys"
    return sorted([row[0] for row in await app.resources.database.pool.fetch(tables)])


@pytest.mark.parametrize("change", CHANGES)
async def test_nobody_changes_the_account_of_another(
    app: RunningApp, mallory: httpx.AsyncClient, change: dict[str, str | None]
) -> None:
    victim = await app.user()
    await app.member(victim, "de", "translator")
    before = await _rows(app)

    answer = await mallory.patch(f"/api/users/{victim}", json=change)

    # 403 before the body is read: what is wrong with it is not for strangers either.
    assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    assert await _rows(app) == before
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


@pytest.mark.parametrize("planted", ["id", "userId", "user_id"])
async def test_the_body_does_not_say_whose_account_it_is(
    app: RunningApp, mallory: httpx.AsyncClient, planted: str
) -> None:
    victim = await app.user()
    before = await _rows(app)

    answer = await mallory.patch("/api/users/me", json={"name": "Mallory", planted: str(victim)})

    assert answer.status_code == 422
    assert await _rows(app) == before


async def test_an_admin_of_a_language_administers_no_account_of_its_members(
    app: RunningApp, mallory: httpx.AsyncClient
) -> None:
    victim = await app.user()
    await app.member(victim, "de")
    before = await _rows(app)

    answers = [
        await mallory.get(f"/api/users/{victim}"),
        await mallory.delete(f"/api/users/{victim}"),
        await mallory.delete(f"/api/users/{victim}/sessions"),
        await mallory.post(f"/api/users/{victim}/suspension", json={}),
        await mallory.put(f"/api/users/{victim}/platform-role", json={"role": None}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert await _rows(app) == before


async def test_one_s_own_account_can_be_changed_by_its_id(mallory: httpx.AsyncClient) -> None:
    answer = await mallory.patch(f"/api/users/{await id_of(mallory)}", json={"name": "Mal"})

    assert answer.status_code == 200
