"""Deleting one's own account: everything of the user ends, what concerns others stays."""

import pytest

from tests.support.app import CREDENTIALS, RunningApp, id_of, is_signed_in, items, problem
from tests.support.mailbox import mailed, redeem, text_of, token_in
from tests.support.races import at_once

ME = "/api/users/me"
ADDRESS = "ada@example.org"


async def test_a_user_deletes_their_account_with_all_that_signs_in(either: RunningApp) -> None:
    await either.language("de")
    ada = await either.signed_in_member("de", "translator")
    user_id, elsewhere = await id_of(ada), either.with_cookie(await either.token(await either.user("eve@example.org")))
    token = token_in(await mailed(either, "sign_in"))
    answer = await ada.delete(ME)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await is_signed_in(ada)
    assert await is_signed_in(elsewhere)
    assert problem(await redeem(either.client(), token=token))["code"] == "key_not_usable"
    assert (await either.client().post("/api/session", json=CREDENTIALS)).status_code in (401, 403)
    pool = either.resources.database.pool
    for table in ("sessions", "keys", "language_members"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", user_id) == 0  # noqa: S608


async def test_the_answer_clears_the_cookie(app: RunningApp) -> None:
    ada = await app.signed_in()
    answer = await ada.delete(ME)
    assert any("auth_session=;" in cookie for cookie in answer.headers.get_list("set-cookie"))
    admin = await app.signed_in("root@example.org", admin=True)
    other = await app.user("eve@example.org")
    assert "set-cookie" not in (await admin.delete(f"/api/users/{other}")).headers


async def test_a_mail_to_the_address_says_so(either: RunningApp) -> None:
    await (await either.signed_in()).delete(ME)
    (message,) = await either.mails()
    assert (message["To"], message["Subject"]) == (ADDRESS, "Your account at Ostiary has been deleted")
    assert "#token=" not in text_of(message)


async def test_texts_and_audit_events_stay(app: RunningApp) -> None:
    await app.language("de")
    ada = await app.signed_in_member("de", "translator")
    user_id = await id_of(ada)
    path = "/api/languages/de/translations/greeting"
    await ada.put(path, json={"text": "Hallo"}, headers={"If-None-Match": "*"})
    await ada.delete(ME)
    admin = await app.signed_in("root@example.org", admin=True)
    assert (await admin.get(path)).json()["text"] == "Hallo"
    events = await items(admin, "/api/audit-events", actorId=user_id)
    assert (events[0]["action"], events[0]["subject"]) == ("user.delete", f"user:{user_id}")
    assert "session.start" in [event["action"] for event in await items(admin, "/api/audit-events")]


async def test_the_address_can_sign_up_again_as_somebody_new(open_app: RunningApp) -> None:
    ada = await open_app.signed_in()
    user_id = await id_of(ada)
    await ada.delete(ME)
    open_app.clock.forward(seconds=31)
    await open_app.mails()
    token = token_in(await mailed(open_app, "sign_in"))
    answer = await open_app.client().post("/api/session", json={"method": "link", "token": token})
    assert (answer.status_code, answer.json()["user"]["id"] != user_id) == (201, True)


async def test_a_user_without_a_complete_profile_can_leave_too(either: RunningApp) -> None:
    assert (await (await either.signed_in(onboarded=False)).delete(ME)).status_code == 204


async def test_a_proof_of_identity_that_is_not_fresh_is_not_enough(either: RunningApp) -> None:
    ada = await either.signed_in()
    either.clock.forward(minutes=15, seconds=1)
    assert problem(await ada.delete(ME))["code"] == "reauthentication_required"
    assert await is_signed_in(ada)


async def test_nobody_deletes_somebody_else(either: RunningApp) -> None:
    eve, ada = await either.user("eve@example.org"), await either.signed_in()
    assert problem(await ada.delete(f"/api/users/{eve}"))["code"] == "forbidden"


@pytest.mark.parametrize("admins", [1, 2])
async def test_the_last_platform_admin_stays_also_when_all_leave_at_once(app: RunningApp, admins: int) -> None:
    leaving = [await app.signed_in(f"root{number}@example.org", admin=True) for number in range(admins)]
    answers = await at_once(admins, lambda number: leaving[number].delete(ME))
    assert sorted(answer.status_code for answer in answers) == [204] * (admins - 1) + [409]
    (refused,) = [answer for answer in answers if answer.status_code == 409]
    assert problem(refused)["code"] == "last_admin"


async def test_invitations_that_the_user_sent_end(either: RunningApp) -> None:
    await either.language("de")
    ada = await either.signed_in_member("de", "admin")
    await ada.post("/api/languages/de/members", json={"email": "new@example.org"})
    token = token_in((await either.mails())[-1])
    await ada.delete(ME)
    answer = await redeem(either.client(), token=token, name="New")
    assert problem(answer)["code"] == "key_not_usable"
