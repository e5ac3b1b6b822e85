"""Expired by a second: at the very moment of its expiry, and after it, something still works."""

import pytest

from tests.support.app import SECRET, RunningApp

NEW_SECRET = {"secret": "nine quiet herons over water"}


async def test_a_session_is_dead_at_the_moment_of_its_idle_limit(app: RunningApp) -> None:
    token = await app.token(await app.user())

    app.clock.forward(seconds=app.settings.session_idle_seconds)

    assert (await app.with_cookie(token).get("/api/languages")).status_code == 401


async def test_a_session_lives_a_second_before_its_idle_limit(app: RunningApp) -> None:
    token = await app.token(await app.user())

    app.clock.forward(seconds=app.settings.session_idle_seconds - 1)

    assert (await app.with_cookie(token).get("/api/languages")).status_code == 200


@pytest.mark.parametrize("admin", [True, False])
async def test_no_use_keeps_a_session_past_its_absolute_limit(app: RunningApp, admin: bool) -> None:
    settings = app.settings
    idle, absolute = (
        (settings.admin_session_idle_seconds, settings.admin_session_absolute_seconds)
        if admin
        else (settings.session_idle_seconds, settings.session_absolute_seconds)
    )
    browser = await app.signed_in(admin=admin)

    spent = 0
    while spent + idle // 2 < absolute:
        spent += idle // 2
        app.clock.forward(seconds=idle // 2)
        assert (await browser.get("/api/languages")).status_code == 200
        await app.sessions.flush()

    app.clock.forward(seconds=absolute - spent)
    assert (await browser.get("/api/languages")).status_code == 401


async def test_an_expired_session_is_not_listed_and_proves_nothing(app: RunningApp) -> None:
    user = await app.user()
    await app.token(user)
    app.clock.forward(seconds=app.settings.session_idle_seconds)
    current = app.with_cookie(await app.token(user))

    assert len((await current.get("/api/sessions")).json()["items"]) == 1


@pytest.mark.parametrize(("seconds", "status"), [(-1, 201), (0, 410), (1, 410)])
async def test_a_link_is_dead_at_the_moment_of_its_expiry(app: RunningApp, seconds: int, status: int) -> None:
    body = {"token": await app.invitation(), "name": "Eve", "secret": SECRET}

    app.clock.forward(seconds=app.settings.invitation_seconds + seconds)
    answer = await app.client().post("/api/keys/redeem", json=body)

    assert answer.status_code == status


@pytest.mark.parametrize(("seconds", "status"), [(0, 204), (1, 403)])
async def test_a_proof_is_worth_nothing_a_second_after_its_time(app: RunningApp, seconds: int, status: int) -> None:
    browser = await app.signed_in()

    app.clock.forward(seconds=app.settings.step_up_seconds + seconds)

    assert (await browser.put("/api/keys/primary/secret", json=NEW_SECRET)).status_code == status


async def test_using_a_session_is_no_proof(app: RunningApp) -> None:
    browser = await app.signed_in()
    for _ in range(5):
        app.clock.forward(hours=2)
        assert (await browser.get("/api/session")).json()["user"] is not None
        await app.sessions.flush()

    assert (await browser.put("/api/keys/primary/secret", json=NEW_SECRET)).status_code == 403


async def test_a_proof_with_a_wrong_secret_renews_nothing(app: RunningApp) -> None:
    browser = await app.signed_in()
    app.clock.forward(hours=1)

    wrong = await browser.post("/api/session/reauthentication", json={"method": "password", **NEW_SECRET})

    assert wrong.status_code == 401
    assert (await browser.put("/api/keys/primary/secret", json=NEW_SECRET)).status_code == 403


async def test_a_proof_of_one_session_is_none_for_another(app: RunningApp) -> None:
    user = await app.user()
    mine, other = app.with_cookie(await app.token(user)), app.with_cookie(await app.token(user))
    app.clock.forward(hours=1)

    assert (
        await mine.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET})
    ).status_code == 200

    assert (await other.put("/api/keys/primary/secret", json=NEW_SECRET)).status_code == 403
    assert (await mine.put("/api/keys/primary/secret", json=NEW_SECRET)).status_code == 204


async def test_the_proof_of_another_user_is_worth_nothing(app: RunningApp) -> None:
    mallory = await app.user("mallory@example.org", secret="a very long evil sentence")
    browser = app.with_cookie(await app.token(mallory))
    await app.user()

    answer = await browser.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET})

    assert answer.status_code == 401
