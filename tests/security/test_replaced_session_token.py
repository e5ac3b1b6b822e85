"""Replay of a replaced session token: somebody who has stolen a token uses it after its owner has got a new one."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from litestar.routes import HTTPRoute

from app.audit import OPERATOR
from app.auth.middleware import ACCEPTS_REPLACED
from app.domain.flows.administer_users import end_sessions, set_platform_role, suspend_user
from app.domain.flows.issue_link import issue_link
from tests.support.app import SECRET, RunningApp, id_of, is_signed_in, problem
from tests.support.mailbox import mailed, redeem, token_in

PROOF = {"method": "password", "secret": SECRET}
NEW_SECRET = "nine quiet herons over water"
REPLACED_SERVES_SECONDS = 10


async def renewed(app: RunningApp, browser: httpx.AsyncClient) -> httpx.AsyncClient:
    """Reauthenticate in the browser. Returns a client that has the token from before."""
    old = browser.cookies["auth_session"]
    app.clock.forward(seconds=60)
    assert (await browser.post("/api/session/reauthentication", json=PROOF)).status_code == 200
    return app.with_cookie(old)


async def test_a_replaced_token_reads_for_10_seconds_as_before_the_renewal(app: RunningApp) -> None:
    browser = await app.signed_in()
    before = (await browser.get("/api/session")).json()
    late = await renewed(app, browser)

    app.clock.forward(seconds=REPLACED_SERVES_SECONDS - 1)
    answer = await late.get("/api/session")

    assert answer.json()["user"] == before["user"]
    assert answer.json()["session"]["id"] == before["session"]["id"]
    assert answer.json()["session"]["authenticatedAt"] == before["session"]["authenticatedAt"]
    assert "set-cookie" not in answer.headers
    assert (await late.head("/api/languages")).status_code == 200
    assert (await late.get("/api/sessions")).status_code == 200


async def test_a_replaced_token_is_anonymous_after_10_seconds(app: RunningApp) -> None:
    late = await renewed(app, await app.signed_in())
    app.clock.forward(seconds=REPLACED_SERVES_SECONDS)
    assert not await is_signed_in(late)
    assert (await late.get("/api/languages")).status_code == 401


async def test_only_the_last_replaced_token_reads(app: RunningApp) -> None:
    browser = await app.signed_in()
    app.clock.forward(seconds=1)
    earlier = app.with_cookie(browser.cookies["auth_session"])
    for _ in range(2):
        assert (await browser.post("/api/session/reauthentication", json=PROOF)).status_code == 200
    assert not await is_signed_in(earlier)
    assert await is_signed_in(browser)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/keys/primary/secret", {"secret": NEW_SECRET}),
        ("POST", "/api/session/reauthentication", PROOF),
        ("POST", "/api/session", {**PROOF, "email": "ada@example.org"}),
        ("PATCH", "/api/users/me", {"name": "Mallory"}),
        ("DELETE", "/api/sessions", None),
        ("DELETE", "/api/sessions/01890000-0000-7000-8000-000000000000", None),
    ],
)
async def test_a_replaced_token_changes_nothing(
    app: RunningApp, method: str, path: str, body: dict[str, str] | None
) -> None:
    browser = await app.signed_in()
    late = await renewed(app, browser)

    answer = await late.request(method, path, json=body)

    assert (answer.status_code, problem(answer)["code"]) == (401, "session_replaced")
    assert "set-cookie" not in answer.headers
    assert (await browser.get("/api/session")).json()["user"]["name"] == "Ada"


async def test_a_replaced_bearer_token_is_held_to_the_same_rule(app: RunningApp) -> None:
    browser = await app.signed_in()
    bearer = app.client(Authorization=f"Bearer {browser.cookies['auth_session']}")
    await renewed(app, browser)

    assert await is_signed_in(bearer)
    assert problem(await bearer.patch("/api/users/me", json={"name": "M"}))["code"] == "session_replaced"


async def test_a_replaced_token_still_needs_an_allowed_origin(app: RunningApp) -> None:
    late = await renewed(app, await app.signed_in())
    answer = await late.delete("/api/session", headers={"Origin": "https://evil.example"})
    assert problem(answer)["code"] == "cross_site_request"


async def test_a_route_that_wants_the_present_token_refuses_a_replaced_one_for_get(
    app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await app.signed_in()
    late = await renewed(app, browser)
    (handler,) = [
        handler
        for route in app.litestar.routes
        if isinstance(route, HTTPRoute) and route.path == "/api/languages"
        for handler in route.route_handlers
        if "GET" in handler.http_methods
    ]
    monkeypatch.setitem(handler.opt, ACCEPTS_REPLACED, False)

    answer = await late.get("/api/languages")

    assert (answer.status_code, problem(answer)["code"]) == (401, "session_replaced")
    assert (await browser.get("/api/languages")).status_code == 200


async def test_signing_out_with_a_replaced_token_ends_the_session(app: RunningApp) -> None:
    browser = await app.signed_in()
    late = await renewed(app, browser)

    answer = await late.delete("/api/session")

    assert answer.status_code == 204
    assert not await is_signed_in(browser)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_ending_all_other_sessions_ends_the_replaced_token_too(app: RunningApp) -> None:
    browser = await app.signed_in()
    late = await renewed(app, browser)

    assert (await browser.delete("/api/sessions")).status_code == 204

    assert not await is_signed_in(late)
    assert await is_signed_in(browser)


async def _suspend(app: RunningApp, user_id: UUID) -> None:
    await suspend_user(OPERATOR, app.resources, user_id)


async def _gain_role(app: RunningApp, user_id: UUID) -> None:
    await set_platform_role(OPERATOR, app.resources, user_id, "admin")


async def _revoke(app: RunningApp, user_id: UUID) -> None:
    await end_sessions(OPERATOR, app.resources, user_id)


async def _reset(app: RunningApp, _: UUID) -> None:
    token = token_in(await mailed(app, "password_reset"))
    assert (await redeem(app.client(), token=token, secret=NEW_SECRET)).status_code == 201


async def _undo_change_of_address(app: RunningApp, user_id: UUID) -> None:
    expires_at = app.clock() + timedelta(days=1)
    async with app.resources.database.transaction() as transaction:
        link = await issue_link(
            OPERATOR,
            app.resources,
            transaction,
            purpose="email_change_undo",
            address="earlier@example.org",
            user_id=user_id,
            expires_at=expires_at,
            payload={"email": "earlier@example.org"},
        )
    assert (await redeem(app.client(), token=link.partition("#token=")[2])).status_code == 201


@pytest.mark.parametrize("revoke", [_suspend, _gain_role, _revoke, _reset, _undo_change_of_address])
async def test_a_replaced_token_reads_nothing_after_its_session_has_ended(
    app: RunningApp, revoke: Callable[[RunningApp, UUID], Awaitable[None]]
) -> None:
    browser = await app.signed_in()
    user_id = UUID(await id_of(browser))
    await app.execute("UPDATE users SET email_verified_at = created_at")
    late = await renewed(app, browser)
    assert await is_signed_in(late)

    await revoke(app, user_id)

    assert not await is_signed_in(late)
    assert (await late.get("/api/languages")).status_code == 401


async def test_a_change_of_the_secret_keeps_the_token_before_it_for_reads(app: RunningApp) -> None:
    browser = await app.signed_in()
    late = app.with_cookie(browser.cookies["auth_session"])

    assert (await browser.put("/api/keys/primary/secret", json={"secret": NEW_SECRET})).status_code == 204

    assert await is_signed_in(late)
    app.clock.forward(seconds=REPLACED_SERVES_SECONDS)
    assert not await is_signed_in(late)
