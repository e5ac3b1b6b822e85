"""Adding who is being deleted, or one account twice at once: a foreign key fails, or half an account is left."""

import pytest

from tests.support.app import RunningApp, items
from tests.support.races import at_once, queued

PATH = "/api/languages/de/members"
LOCK_USER = "SELECT 1 FROM users WHERE email = 'ada@example.org' FOR UPDATE"


@pytest.mark.parametrize("deleted_first", [True, False])
async def test_the_owner_of_an_address_is_deleted_while_they_are_added(app: RunningApp, deleted_first: bool) -> None:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)
    ada = await app.user()

    async with queued(app, LOCK_USER) as queue:
        works = [root.delete(f"/api/users/{ada}"), root.post(PATH, json={"email": "ada@example.org"})]
        tasks = [await queue.add(work) for work in (works if deleted_first else reversed(works))]
    deletion, addition = tasks if deleted_first else reversed(tasks)

    assert [(await deletion).status_code, (await addition).status_code] == [204, 202]
    members = await items(root, PATH)
    # Whoever comes second finds what the first has left: an address without an account, or a member to delete.
    assert [member["email"] for member in members] == (["ada@example.org"] if deleted_first else [])
    assert all(member["userId"] != str(ada) for member in members)


async def test_one_unknown_address_is_added_to_many_languages_at_once(app: RunningApp) -> None:
    codes = ["de", "da", "fi", "sv"]
    for code in codes:
        await app.language(code)
    root = await app.signed_in("root@example.org", admin=True)

    answers = await at_once(
        4, lambda n: root.post(f"/api/languages/{codes[n]}/members", json={"email": "eve@example.org"})
    )

    assert [answer.status_code for answer in answers] == [202] * 4
    found = {(await items(root, f"/api/languages/{code}/members"))[0]["userId"] for code in codes}
    assert len(found) == 1
    counts = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM keys WHERE kind = 'single_use')"
    assert tuple(await app.resources.database.pool.fetchrow(counts) or ()) == (2, 1)


async def test_one_address_is_added_many_times_at_once_and_joins_once(app: RunningApp) -> None:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)

    answers = await at_once(6, lambda _: root.post(PATH, json={"email": "eve@example.org"}))

    assert sorted(answer.status_code for answer in answers) == [202, *[409] * 5]
    assert [member["email"] for member in await items(root, PATH)] == ["eve@example.org"]


async def test_an_account_is_created_by_a_platform_admin_and_a_language_admin_at_once(app: RunningApp) -> None:
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
