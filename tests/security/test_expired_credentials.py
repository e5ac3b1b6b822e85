"""Expired credentials: a session, link or reauthentication is still accepted at its expiry time or after it."""

import pytest

from tests.support.app import SECRET, RunningApp

NEW_SECRET = {"secret": "nine quiet herons over water"}


async def test_a_session_is_refused_at_its_idle_limit(app: RunningApp) -> None:
    token = await app.token(await app.user())

    app.clock.forward(seconds=app.settings.session_idle_seconds)

    assert (await app.with_cookie(token).get("/api/languages")).status_code == 401


async def test_a_session_is_accepted_1_second_before_its_idle_limit(app: RunningApp) -> None:
    token = await app.token(await app.user())

    app.clock.forward(seconds=app.settings.session_idle_seconds - 1)

    assert (await app.with_cookie(token).get("/api/languages")).status_code == 200


@pytest.mark.parametrize("admin", [True, False])
async def test_a_session_in_use_ends_at_its_absolute_limit(app: RunningApp, admin: bool) -> None:
    settings = app.settings
    idle, absolute = (
        (settings.admin_session_idle_seconds, settings.admin_session_absolute_seconds)
        if admin
        else (settings.session_idle_seconds, settings.session_absolute_seconds)
    )
    browser = await app.signed_in(admin=admin)

    elapsed = 0
    while elapsed + idle // 2 < absolute:
        elapsed += idle // 2
        app.clock.forward(seconds=idle // 2)
        assert (await browser.get("/api/languages")).status_code == 200
        await app.sessions.flush()

    app.clock.forward(seconds=absolute - elapsed)
    assert (await browser.get("/api/languages")).status_code == 401


async def test_an_expired_session_is_not_listed(app: RunningApp) -> None:
    user = await app.user()
    await app.token(user)
    app.clock.forward(seconds=app.settings.session_idle_seconds)
    current = app.with_cookie(await app.token(user))

    assert len((await current.get("/api/sessions")).json()["items"]) == 1


@pytest.mark.parametrize(("seconds", "status"), [(-1, 201), (0, 410), (1, 410)])
async def test_a_link_is_refused_from_its_expiry_time(app: RunningApp, seconds: int, status: int) -> None:
    body = {"token": await app.invitation(), "name": "Eve", "secret": SECRET}

    app.clock.forward(seconds=app.settings.invitation_seconds + seconds)
    answer = await app.client().post("/api/keys/redeem", json=body)

    assert answer.status_code == status


@pytest.mark.parametrize(("seconds", "status"), [(0, 204), (1, 403)])
async def test_a_reauthentication_is_stale_1_second_after_the_step_up_time(
    app: RunningApp, seconds: int, status: int
) -> None:
    browser = await app.signed_in()

    app.clock.forward(seconds=app.settings.step_up_seconds + seconds)

    assert (await browser.put("/api/keys/primary/secret", json=NEW_SECRET)).status_code == status


async def test_using_a_session_does_not_reauthenticate_it(app: RunningApp) -> None:
    browser = await app.signed_in()
    for _ in range(5):
        app.clock.forward(hours=2)
        assert (await browser.get("/api/session")).json()["user"] is not None
        await app.sessions.flush()

    assert (await browser.put("/api/keys/primary/secret", json=NEW_SECRET)).status_code == 403


async def test_a_refused_reauthentication_renews_nothing(app: RunningApp) -> None:
    browser = await app.signed_in()
    app.clock.forward(hours=1)

    answer = await browser.post("/api/session/reauthentication", json={"method": "password", **NEW_SECRET})

    assert answer.status_code == 401
    assert (await browser.put("/api/keys/primary/secret", json=NEW_SECRET)).status_code == 403


async def test_a_reauthentication_counts_for_its_own_session_only(app: RunningApp) -> None:
    user = await app.user()
    reauthenticated, other = app.with_cookie(await app.token(user)), app.with_cookie(await app.token(user))
    app.clock.forward(hours=1)

    assert (
        await reauthenticated.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET})
    ).status_code == 200

    assert (await other.put("/api/keys/primary/secret", json=NEW_SECRET)).status_code == 403
    assert (await reauthenticated.put("/api/keys/primary/secret", json=NEW_SECRET)).status_code == 204


async def test_the_secret_of_another_user_does_not_reauthenticate(app: RunningApp) -> None:
    mallory = await app.user("mallory@example.org", secret="a very long evil sentence")
    browser = app.with_cookie(await app.token(mallory))
    await app.user()

    answer = await browser.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET})

    assert answer.status_code == 401
