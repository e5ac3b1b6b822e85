"""Cookie tossing: a sibling host plants a second `auth_session` cookie beside the victim's own cookie."""

import pytest

from tests.support.app import Clock, RunningApp, problem, running, settings_for


async def _two_users(app: RunningApp) -> tuple[str, str]:
    return await app.token(await app.user()), await app.token(await app.user("mallory@example.org"))


@pytest.mark.parametrize("cookie", ["auth_session={0}; auth_session={1}", "auth_session={1};auth_session={0}"])
async def test_two_session_cookies_are_anonymous(app: RunningApp, cookie: str) -> None:
    tokens = await _two_users(app)

    answer = await app.client(Cookie=cookie.format(*tokens)).get("/api/session")

    assert answer.json()["user"] is None


@pytest.mark.parametrize("second", ["", "garbage", '""', "ost_" + "a" * 43])
async def test_a_session_cookie_beside_an_invalid_one_is_anonymous(app: RunningApp, second: str) -> None:
    token, _ = await _two_users(app)

    answer = await app.client(Cookie=f"auth_session={token}; auth_session={second}").get("/api/session")

    assert answer.json()["user"] is None


async def test_two_cookie_headers_with_a_session_each_are_anonymous(app: RunningApp) -> None:
    tokens = await _two_users(app)
    headers = [("Cookie", f"auth_session={token}") for token in tokens]

    answer = await app.client().get("/api/session", headers=headers)

    assert answer.json()["user"] is None


async def test_two_session_cookies_still_require_an_allowed_origin(app: RunningApp) -> None:
    tokens = await _two_users(app)
    cookie = "auth_session={}; auth_session={}".format(*tokens)

    answer = await app.client(Cookie=cookie, Origin="https://evil.example").delete("/api/session")

    assert problem(answer)["code"] == "cross_site_request"


async def test_two_bearer_tokens_are_anonymous_even_beside_a_cookie(app: RunningApp) -> None:
    token, other = await _two_users(app)
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {other}")]

    answer = await app.with_cookie(token).get("/api/session", headers=headers)

    assert answer.json()["user"] is None


async def test_a_bearer_token_takes_precedence_over_the_cookie_of_another_user(app: RunningApp) -> None:
    cookie, bearer = await _two_users(app)
    browser = app.with_cookie(cookie)

    for _ in range(2):
        both = await browser.get("/api/session", headers={"Authorization": f"Bearer {bearer}"})
        alone = await browser.get("/api/session")
        assert both.json()["user"]["email"] == "mallory@example.org"
        assert alone.json()["user"]["email"] == "ada@example.org"


async def test_with_the_host_prefix_a_cookie_without_the_prefix_is_ignored(database_url: str) -> None:
    settings = settings_for(database_url, COOKIE_HOST_PREFIX="on", PUBLIC_URL="https://id.example.org")
    async with running(settings, Clock()) as service:
        await service.resources.database.pool.execute("TRUNCATE users CASCADE")
        token, planted = await _two_users(service)
        plain = await service.client(Cookie=f"auth_session={planted}").get("/api/session")
        both = await service.client(Cookie=f"auth_session={planted}; __Host-auth_session={token}").get("/api/session")

    assert plain.json()["user"] is None
    assert both.json()["user"]["email"] == "ada@example.org"
