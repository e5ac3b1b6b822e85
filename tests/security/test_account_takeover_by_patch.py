"""Account takeover: a PATCH without object-level authorization changes the account of another user."""

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
    """A user who may change their own account, and is an admin of a language."""
    await app.language("de")
    return await app.signed_in_member("de", "admin", "translator", email="mallory@example.org")


async def _stored_accounts(app: RunningApp) -> list[str]:
    tables = "SELECT users::text FROM users UNION SELECT keys::text FROM keys"
    return sorted([row[0] for row in await app.resources.database.pool.fetch(tables)])


@pytest.mark.parametrize("change", CHANGES)
async def test_changing_the_account_of_another_user_is_refused(
    app: RunningApp, mallory: httpx.AsyncClient, change: dict[str, str | None]
) -> None:
    victim = await app.user()
    await app.member(victim, "de", "translator")
    before = await _stored_accounts(app)

    answer = await mallory.patch(f"/api/users/{victim}", json=change)

    # The guard answers 403 before the body is read, so that strangers learn nothing about the body either.
    assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    assert await _stored_accounts(app) == before
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


@pytest.mark.parametrize("field", ["id", "userId", "user_id"])
async def test_a_user_id_in_the_body_is_refused(app: RunningApp, mallory: httpx.AsyncClient, field: str) -> None:
    victim = await app.user()
    before = await _stored_accounts(app)

    answer = await mallory.patch("/api/users/me", json={"name": "Mallory", field: str(victim)})

    assert answer.status_code == 422
    assert await _stored_accounts(app) == before


async def test_a_language_admin_cannot_administer_the_accounts_of_members(
    app: RunningApp, mallory: httpx.AsyncClient
) -> None:
    victim = await app.user()
    await app.member(victim, "de")
    before = await _stored_accounts(app)

    answers = [
        await mallory.get(f"/api/users/{victim}"),
        await mallory.delete(f"/api/users/{victim}"),
        await mallory.delete(f"/api/users/{victim}/sessions"),
        await mallory.post(f"/api/users/{victim}/suspension", json={}),
        await mallory.put(f"/api/users/{victim}/platform-role", json={"role": None}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert await _stored_accounts(app) == before


async def test_users_can_change_their_own_account_by_its_id(mallory: httpx.AsyncClient) -> None:
    answer = await mallory.patch(f"/api/users/{await id_of(mallory)}", json={"name": "Mal"})

    assert answer.status_code == 200
