"""Denial of service by deadlock: administrators who change each other at once wait until PostgreSQL aborts one."""

import httpx

from tests.support.app import RunningApp, id_of, items
from tests.support.races import at_once, queued

PATH = "/api/languages/de/members"
LOCK_LANGUAGE = "SELECT 1 FROM languages WHERE code = 'de' FOR UPDATE"


async def _admins(app: RunningApp) -> tuple[list[httpx.AsyncClient], list[str]]:
    clients = [await app.signed_in_member("de", "admin", email=f"a{number}@example.org") for number in range(2)]
    return clients, [await id_of(client) for client in clients]


async def test_the_second_of_two_admins_who_remove_each_others_role_is_refused(app: RunningApp) -> None:
    await app.language("de")
    clients, ids = await _admins(app)

    async with queued(app, LOCK_LANGUAGE) as queue:
        tasks = [await queue.add(clients[n].put(f"{PATH}/{ids[1 - n]}", json={"roles": []})) for n in range(2)]

    assert [(await task).status_code for task in tasks] == [200, 403]
    assert sorted(member["roles"] for member in await items(clients[0], PATH)) == [[], ["admin"]]


async def test_admins_who_remove_each_other_at_once_always_get_an_answer(app: RunningApp) -> None:
    await app.language("de")
    for _ in range(8):
        await app.resources.database.pool.execute("TRUNCATE users CASCADE")
        clients, ids = await _admins(app)

        answers = await at_once(2, lambda n: clients[n].delete(f"{PATH}/{ids[1 - n]}"))  # noqa: B023

        assert sorted(answer.status_code for answer in answers) == [204, 403]


async def test_writes_during_the_deletion_of_their_language_do_not_deadlock(app: RunningApp) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    for _ in range(4):
        await app.language("de")
        emails = [f"t{number}@example.org" for number in range(4)]
        await app.execute("DELETE FROM users WHERE platform_role IS NULL")
        clients = [await app.signed_in_member("de", "translator", email=email) for email in emails]

        async def send(number: int) -> httpx.Response:
            if number == 4:
                return await root.delete("/api/languages/de")
            new = [{"key": f"{number}.{n}", "text": "x", "version": None} for n in range(20)]
            return await clients[number].post("/api/languages/de/translations/batch", json={"items": new})  # noqa: B023

        answers = await at_once(5, send)

        assert answers[4].status_code == 204
        assert {answer.status_code for answer in answers[:4]} <= {200, 403}
        assert await app.resources.database.pool.fetchval("SELECT count(*) FROM translations") == 0


async def test_two_admins_who_add_each_other_to_two_languages_do_not_deadlock(app: RunningApp) -> None:
    for _ in range(8):
        await app.resources.database.pool.execute("TRUNCATE users, languages, rate_limits CASCADE")
        clients = list[httpx.AsyncClient]()
        for number, code in enumerate(("de", "da")):
            await app.language(code)
            clients.append(await app.signed_in_member(code, "admin", email=f"a{number}@example.org"))

        answers = await at_once(
            2,
            lambda n: clients[n].post(  # noqa: B023
                f"/api/languages/{('de', 'da')[n]}/members", json={"email": f"a{1 - n}@example.org"}
            ),
        )

        assert [answer.status_code for answer in answers] == [202, 202]
