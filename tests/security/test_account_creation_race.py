"""Race condition: an account is deleted while it is added to a language, or concurrent requests create it twice."""

import pytest

from tests.support.app import RunningApp, items
from tests.support.races import at_once, queued

PATH = "/api/languages/de/members"
LOCK_USER = "SELECT 1 FROM users WHERE email = 'ada@example.org' FOR UPDATE"


@pytest.mark.parametrize("deleted_first", [True, False])
async def test_deleting_a_user_and_adding_their_address_succeed_in_either_order(
    app: RunningApp, deleted_first: bool
) -> None:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)
    ada = await app.user()

    async with queued(app, LOCK_USER) as queue:
        requests = [root.delete(f"/api/users/{ada}"), root.post(PATH, json={"email": "ada@example.org"})]
        tasks = [await queue.add(request) for request in (requests if deleted_first else reversed(requests))]
    deletion, addition = tasks if deleted_first else reversed(tasks)

    assert [(await deletion).status_code, (await addition).status_code] == [204, 202]
    members = await items(root, PATH)
    # After the deletion the address is added as a new account; after the addition the deletion removes the member.
    assert [member["email"] for member in members] == (["ada@example.org"] if deleted_first else [])
    assert all(member["userId"] != str(ada) for member in members)


async def test_adding_an_unknown_address_to_many_languages_at_once_creates_one_account(app: RunningApp) -> None:
    codes = ["de", "da", "fi", "sv"]
    for code in codes:
        await app.language(code)
    root = await app.signed_in("root@example.org", admin=True)

    answers = await at_once(
        4, lambda n: root.post(f"/api/languages/{codes[n]}/members", json={"email": "eve@example.org"})
    )

    assert [answer.status_code for answer in answers] == [202] * 4
    user_ids = {(await items(root, f"/api/languages/{code}/members"))[0]["userId"] for code in codes}
    assert len(user_ids) == 1
    counts = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM keys WHERE kind = 'single_use')"
    assert tuple(await app.resources.database.pool.fetchrow(counts) or ()) == (2, 4)


async def test_adding_an_address_many_times_at_once_creates_one_member(app: RunningApp) -> None:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)

    answers = await at_once(6, lambda _: root.post(PATH, json={"email": "eve@example.org"}))

    assert sorted(answer.status_code for answer in answers) == [202, *[409] * 5]
    assert [member["email"] for member in await items(root, PATH)] == ["eve@example.org"]


async def test_creating_a_user_and_adding_their_address_at_once_creates_one_account(app: RunningApp) -> None:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)

    answers = await at_once(
        2,
        lambda n: (
            root.post(PATH, json={"email": "eve@example.org"})
            if n
            else root.post("/api/users", json={"email": "eve@example.org", "name": "Eve"})
        ),
    )

    assert [answer.status_code for answer in answers] in ([201, 202], [409, 202])
    assert len(await items(root, "/api/users")) == 2
