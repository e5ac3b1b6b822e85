"""Mail bombing of strangers by inviting, by inviting again, or by adding and removing."""

import os
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from tests.support.app import RunningApp, items, problem
from tests.support.members import PATH, member_id
from tests.support.races import at_once

VICTIM = "eve@example.org"
Attack = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin, who may use every entrance."""
    await app.language("de", "German")
    return await app.signed_in("root@example.org", admin=True)


async def resend(admin: httpx.AsyncClient) -> httpx.Response:
    return await admin.post(f"{PATH}/{await member_id(admin, VICTIM)}/invitation")


async def resend_for_the_platform(admin: httpx.AsyncClient) -> httpx.Response:
    return await admin.post(f"/api/users/{await member_id(admin, VICTIM)}/invitation")


async def remove_and_add(admin: httpx.AsyncClient) -> httpx.Response:
    answer = await admin.delete(f"{PATH}/{await member_id(admin, VICTIM)}")
    assert answer.status_code == 204
    return await admin.post(PATH, json={"email": VICTIM})


async def mails_to_victim(app: RunningApp) -> int:
    return sum(message["To"].lower() == VICTIM for message in await app.mails())


@pytest.mark.parametrize("account", ["none", "active", "suspended"])
@pytest.mark.parametrize("attack", [resend, remove_and_add])
async def test_an_address_gets_five_mails_an_hour_and_the_answer_is_the_same_with_and_without_an_account(
    app: RunningApp, admin: httpx.AsyncClient, attack: Attack, account: str
) -> None:
    if account != "none":
        await app.user(VICTIM)
    if account == "suspended":
        await app.execute("UPDATE users SET status = 'suspended' WHERE email = $1", VICTIM)
    answers = [await admin.post(PATH, json={"email": VICTIM}), *[await attack(admin) for _ in range(4)]]
    assert [answer.status_code for answer in answers] == [202] * 5

    refused = await attack(admin)

    assert (problem(refused)["code"], refused.headers["retry-after"]) == ("too_many_requests", "3600")
    mails = 1 if account == "active" and attack is resend else 5
    assert await mails_to_victim(app) == (0 if account == "suspended" else mails)


async def test_the_limits_of_an_address_hold_over_all_entrances_inviters_and_spellings(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    await app.language("da", "Danish")
    other = await app.signed_in_member("da", "admin")
    assert (await admin.post("/api/users", json={"email": VICTIM, "name": "Eve"})).status_code == 201
    assert (await admin.post(PATH, json={"email": VICTIM.upper()})).status_code == 202
    assert (await other.post("/api/languages/da/members", json={"email": VICTIM})).status_code == 202
    assert (await resend_for_the_platform(admin)).status_code == 204
    assert (await resend(admin)).status_code == 202
    for attack in (resend, resend_for_the_platform):
        assert (await attack(admin)).status_code == 429
    assert await mails_to_victim(app) == 5


async def test_an_address_gets_twelve_mails_a_day(app: RunningApp, admin: httpx.AsyncClient) -> None:
    await admin.post(PATH, json={"email": VICTIM})
    answers = Counter[int]()
    for _ in range(3):
        app.clock.forward(minutes=60)
        admin = app.with_cookie(await app.token(await _root(app), admin=True))
        answers.update([(await resend(admin)).status_code for _ in range(5)])
    assert answers == {202: 11, 429: 4}
    assert await mails_to_victim(app) == 12


async def _root(app: RunningApp) -> UUID:
    root: UUID = await app.resources.database.pool.fetchval("SELECT id FROM users WHERE email = 'root@example.org'")
    return root


@pytest.mark.skipif(not os.environ.get("OSTIARY_LONG"), reason="OSTIARY_LONG=1 runs it")
async def test_an_inviter_sends_300_mails_a_day(app: RunningApp, admin: httpx.AsyncClient) -> None:
    answers = list[httpx.Response]()
    for minute in range(11):
        for number in range(30):
            body = {"email": f"user{minute}-{number}@example.org", "name": "Eve"}
            answers.append(await admin.post("/api/users", json=body))
        app.clock.forward(seconds=60)
    assert [answer.status_code for answer in answers] == [201] * 300 + [429] * 30
    assert answers[-1].headers["retry-after"] == str(24 * 3600 - 10 * 60)


async def test_a_refused_invitation_changes_nothing(app: RunningApp, admin: httpx.AsyncClient) -> None:
    for number in range(30):
        assert (await admin.post(PATH, json={"email": f"user{number}@example.org"})).status_code == 202
    counts = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM keys), (SELECT count(*) FROM audit_events)"
    before = await app.resources.database.pool.fetchrow(counts)

    for path, body in ((PATH, {}), ("/api/users", {"name": "Eve"})):
        refused = await admin.post(path, json={"email": VICTIM, **body})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")

    assert await app.resources.database.pool.fetchrow(counts) == before
    assert len(await items(admin, PATH)) == 30
    assert await mails_to_victim(app) == 0


async def test_a_refusal_of_another_kind_does_not_count(admin: httpx.AsyncClient) -> None:
    await admin.post(PATH, json={"email": VICTIM})
    for _ in range(5):
        assert (await admin.post(PATH, json={"email": VICTIM})).status_code == 409
        assert (await admin.post("/api/users", json={"email": VICTIM, "name": "Eve"})).status_code == 409
    assert (await resend(admin)).status_code == 202


async def test_a_language_sends_a_hundred_mails_an_hour_whoever_its_admins_are(app: RunningApp) -> None:
    await app.language("de", "German")
    statuses = Counter[int]()
    for number in range(5):
        admin = await app.signed_in_member("de", "admin", email=f"admin{number}@example.org")
        answers = [await admin.post(PATH, json={"email": f"u{number}-{n}@example.org"}) for n in range(21)]
        statuses.update(answer.status_code for answer in answers)
    assert statuses == {202: 100, 429: 5}


async def test_twenty_at_once_send_five_mails(app: RunningApp, admin: httpx.AsyncClient) -> None:
    codes = [await app.language(f"x-t{number}", "Language") for number in range(20)]

    answers = await at_once(20, lambda n: admin.post(f"/api/languages/{codes[n]}/members", json={"email": VICTIM}))

    assert Counter(answer.status_code for answer in answers) == {202: 5, 429: 15}
    assert await mails_to_victim(app) == 5
