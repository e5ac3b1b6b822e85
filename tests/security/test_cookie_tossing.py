"""Cookie tossing: a sibling host plants a second `auth_session` cookie beside the victim's own cookie."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import httpx
import pytest

from tests.support.app import (
    CREDENTIALS,
    SECRET,
    Clock,
    RunningApp,
    is_signed_in,
    problem,
    running,
    settings_for,
)
from tests.support.guesses import known_device, spend
from tests.support.mailbox import ask, code_in, mailed, token_in

Act: TypeAlias = Callable[[RunningApp, httpx.AsyncClient], Awaitable[httpx.Response]]


async def _two_users(app: RunningApp) -> tuple[str, str]:
    return await app.token(await app.user()), await app.token(await app.user("mallory@example.org"))


@pytest.mark.parametrize("cookie", ["auth_session={0}; auth_session={1}", "auth_session={1};auth_session={0}"])
async def test_two_session_cookies_are_anonymous(app: RunningApp, cookie: str) -> None:
    tokens = await _two_users(app)

    answer = await app.client(Cookie=cookie.format(*tokens)).get("/api/session")

    assert answer.json()["user"] is None


FOREIGN = ["", "garbage", '""', "x" * 40, "ost_" + "a" * 43]


@pytest.mark.parametrize("other", FOREIGN)
@pytest.mark.parametrize("first", [True, False])
async def test_a_session_cookie_counts_beside_a_foreign_one(app: RunningApp, other: str, first: bool) -> None:
    token, _ = await _two_users(app)
    values = [token, other] if first else [other, token]
    client = app.client(Cookie="; ".join(f"auth_session={value}" for value in values))

    assert await is_signed_in(client)
    assert (await client.patch("/api/users/me", json={"name": "Ada L."})).status_code == 200
    assert (await client.delete("/api/session")).status_code == 204
    assert not await is_signed_in(app.with_cookie(token))


@pytest.mark.parametrize(("others", "counts"), [(3, True), (4, False)])
async def test_of_up_to_4_session_cookies_the_live_one_counts(app: RunningApp, others: int, counts: bool) -> None:
    token, _ = await _two_users(app)
    values = [f"ost_{str(number) * 43}" for number in range(others)]
    client = app.client(Cookie="; ".join(f"auth_session={value}" for value in [*values, token]))

    assert await is_signed_in(client) == counts


async def test_the_cookie_of_an_ended_session_does_not_hide_the_present_one(app: RunningApp) -> None:
    token, ended = await _two_users(app)
    await app.with_cookie(ended).delete("/api/session")

    answer = await app.client(Cookie=f"auth_session={ended}; auth_session={token}").get("/api/session")

    assert answer.json()["user"]["email"] == "ada@example.org"


async def test_the_present_and_the_replaced_token_of_one_session_are_one_session(app: RunningApp) -> None:
    browser = await app.signed_in()
    old = browser.cookies["auth_session"]
    proof = {"method": "password", "secret": SECRET}
    assert (await browser.post("/api/session/reauthentication", json=proof)).status_code == 200

    both = app.client(Cookie=f"auth_session={old}; auth_session={browser.cookies['auth_session']}")

    assert await is_signed_in(both)
    assert (await both.patch("/api/users/me", json={"name": "Ada L."})).status_code == 200


async def test_signing_in_and_out_clears_the_name_at_every_parent_domain(database_url: str) -> None:
    settings = settings_for(database_url, PUBLIC_URL="https://id.app.example.org")
    async with running(settings, Clock()) as service:
        await service.resources.database.pool.execute("TRUNCATE users CASCADE")
        await service.user()
        client = service.client(Origin="https://id.app.example.org")
        signed_in = (await client.post("/api/session", json=CREDENTIALS)).headers.get_list("set-cookie")
        signed_out = (await client.delete("/api/session")).headers.get_list("set-cookie")

    cleared = [
        f"auth_session=; Max-Age=0; Domain={domain}; Path=/; HttpOnly; SameSite=Lax; Secure"
        for domain in ("id.app.example.org", "app.example.org", "example.org")
    ]
    assert signed_in[:3] == cleared
    assert signed_in[3].startswith("auth_session=ost_")
    assert "Domain" not in signed_in[3]
    assert signed_out == [*cleared, "auth_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure"]


async def test_two_cookie_headers_with_a_session_each_are_anonymous(app: RunningApp) -> None:
    tokens = await _two_users(app)
    headers = [("Cookie", f"auth_session={token}") for token in tokens]

    answer = await app.client().get("/api/session", headers=headers)

    assert answer.json()["user"] is None


async def test_signing_out_with_two_session_cookies_ends_both_sessions(app: RunningApp) -> None:
    tokens = await _two_users(app)
    kept = await app.token(await app.user("eve@example.org"))

    answer = await app.client(Cookie="auth_session={}; auth_session={}".format(*tokens)).delete("/api/session")

    assert answer.status_code == 204
    assert [await is_signed_in(app.with_cookie(token)) for token in (*tokens, kept)] == [False, False, True]
    ended = (await app.with_cookie(tokens[0]).get("/api/session")).json()["ended"]
    assert ended["reason"] == "signed_out"


async def _sign_in(_: RunningApp, client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/api/session", json=CREDENTIALS)


async def _redeem(app: RunningApp, client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/api/keys/redeem", json={"token": token_in(await mailed(app, "sign_in"))})


async def _sign_out(_: RunningApp, client: httpx.AsyncClient) -> httpx.Response:
    return await client.delete("/api/session")


ACTS: dict[Act, tuple[int, str]] = {
    _sign_in: (201, "signed_in_again"),
    _redeem: (201, "signed_in_again"),
    _sign_out: (204, "signed_out"),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("cookies", [2, 4, 5, 40])
async def test_signing_in_and_out_end_the_sessions_of_all_cookies(app: RunningApp, act: Act, cookies: int) -> None:
    tokens = [*await _two_users(app), *(f"ost_{number:043}" for number in range(cookies - 2))]
    kept = await app.token(await app.user("eve@example.org"))

    answer = await act(app, app.client(Cookie="; ".join(f"auth_session={token}" for token in tokens)))

    assert answer.status_code == ACTS[act][0]
    assert [await is_signed_in(app.with_cookie(token)) for token in (*tokens[:2], kept)] == [False, False, True]
    ended = (await app.with_cookie(tokens[1]).get("/api/session")).json()["ended"]
    assert ended["reason"] == ACTS[act][1]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("dead", [None, "garbage", f"ost_{'a' * 43}"])
async def test_signing_in_and_out_end_the_sessions_of_the_bearer_token_and_of_the_cookie(
    app: RunningApp, act: Act, dead: str | None
) -> None:
    cookie, bearer = await _two_users(app)
    client = app.with_cookie(cookie)
    client.headers["Authorization"] = f"Bearer {dead or bearer}"

    assert (await act(app, client)).status_code == ACTS[act][0]

    assert not await is_signed_in(app.with_cookie(cookie))
    assert await is_signed_in(app.with_cookie(bearer)) == (dead is not None)


@pytest.mark.parametrize("act", [_sign_in, _redeem])
async def test_a_session_planted_at_another_path_does_not_hide_the_next_sign_in(app: RunningApp, act: Act) -> None:
    own, planted = await _two_users(app)
    browser = app.with_cookie(own)
    browser.cookies.set("auth_session", planted, domain="127.0.0.1", path="/api")
    assert not await is_signed_in(browser)

    assert (await act(app, browser)).status_code == 201

    assert {cookie.path for cookie in browser.cookies.jar if cookie.name == "auth_session"} == {"/", "/api"}
    assert (await browser.get("/api/session")).json()["user"]["email"] == "ada@example.org"
    assert not await is_signed_in(app.with_cookie(planted))


async def test_signing_out_with_a_replaced_token_and_another_session_ends_both(app: RunningApp) -> None:
    browser = await app.signed_in()
    old = browser.cookies["auth_session"]
    other = await app.token(await app.user("mallory@example.org"))
    await browser.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET})

    await app.client(Cookie=f"auth_session={old}; auth_session={other}").delete("/api/session")

    assert not await is_signed_in(browser)
    assert not await is_signed_in(app.with_cookie(other))


async def test_signing_out_with_an_expired_session_leaves_its_reason(app: RunningApp) -> None:
    token, _ = await _two_users(app)
    app.clock.forward(days=15)

    await app.with_cookie(token).delete("/api/session")

    assert (await app.with_cookie(token).get("/api/session")).json()["ended"]["reason"] == "expired"


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


PLANTED = ["", "garbage", "A" * 48]


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("first", [True, False])
async def test_a_planted_flow_cookie_does_not_hide_the_flow_of_a_code(
    app: RunningApp, planted: str, first: bool
) -> None:
    await app.user()
    addresses = ("ada@example.org", "mallory@example.org")
    flows = [(await ask(app.client(), "sign_in", address)).json()["flow"] for address in addresses]
    code = code_in((await app.mails())[-1])
    values = [planted, flows[1], flows[0]] if first else [flows[0], flows[1], planted]
    client = app.client(Cookie="; ".join(f"auth_flow_sign_in={value}" for value in values))

    again = (await ask(client, "sign_in")).json()["flow"]
    answer = await client.post("/api/session", json={"method": "code", "email": "ada@example.org", "code": code})

    assert again[:21] == flows[0][:21]  # the flow goes on
    assert answer.status_code == 201


async def test_of_two_flow_cookies_for_an_address_the_later_one_counts(app: RunningApp) -> None:
    await app.user()
    old = (await ask(app.client(), "sign_in")).json()["flow"]
    app.clock.forward(minutes=5)
    new = (await ask(app.client(), "sign_in")).json()["flow"]
    code = code_in((await app.mails())[-1])
    client = app.client(Cookie=f"auth_flow_sign_in={old}; auth_flow_sign_in={new}")

    answer = await client.post("/api/session", json={"method": "code", "email": "ada@example.org", "code": code})

    assert answer.status_code == 201


@pytest.mark.parametrize("planted", [*PLANTED, None])
@pytest.mark.parametrize("first", [True, False])
async def test_a_planted_device_cookie_does_not_hide_the_known_device(
    app: RunningApp, planted: str | None, first: bool
) -> None:
    """None stands for the cookie of the attacker's own device."""
    await app.user()
    await app.user("mallory@example.org")
    device = (await known_device(app)).cookies["auth_device"]
    planted = (
        planted if planted is not None else (await known_device(app, "mallory@example.org")).cookies["auth_device"]
    )
    await spend(app, "guess_by_account_consecutive")
    values = [planted, device] if first else [device, planted]
    client = app.client(Cookie="; ".join(f"auth_device={value}" for value in values))

    assert (await client.post("/api/session", json=CREDENTIALS)).status_code == 201
