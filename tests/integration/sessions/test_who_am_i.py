"""What `GET /api/session` says of the caller, and of a session that has ended while its client still has the token."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from app.asgi import SWEEPS
from app.audit import OPERATOR
from app.domain.flows.administer_users import delete_user, end_sessions, set_platform_role, suspend_user
from app.jobs import cleanup
from tests.support.app import CREDENTIALS, RunningApp, id_of, is_signed_in, items
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

NEW_SECRET = "nine quiet herons over water"


async def ended(client: httpx.AsyncClient) -> dict[str, str] | None:
    """How the session of the client's token has ended, as the service tells it."""
    body = (await client.get("/api/session")).json()
    assert body["user"] is None
    found: dict[str, str] | None = body["ended"]
    return found


async def test_the_session_has_everything_that_a_page_shows_of_its_user(app: RunningApp) -> None:
    user_id = await app.user()
    for code, name in (("fr", "French"), ("de", "German")):
        await app.language(code, name)
        await app.member(user_id, code, "translator")
    client = app.client()
    signed_in = (await client.post("/api/session", json=CREDENTIALS)).json()
    assert (await client.patch("/api/users/me", json={"phone": "+4915112345678", "locale": "de"})).status_code == 200

    body = (await client.get("/api/session")).json()

    assert body["user"] == {
        "id": str(user_id),
        "email": "ada@example.org",
        "emailVerified": False,
        "name": "Ada",
        "phone": "+4915112345678",
        "locale": "de",
        "platformRole": None,
        "status": "active",
        "hasSecret": True,
        "onboardedAt": "2026-06-01T12:00:00Z",
    }
    now = app.clock()
    told = body["session"]
    times = {name: datetime.fromisoformat(told[name]) for name in told.keys() - {"id", "userId", "method"}}
    assert times == {
        "createdAt": now,
        "authenticatedAt": now,
        "stepUpUntil": now + timedelta(minutes=15),
        "idleExpiresAt": now + timedelta(days=14),
        "expiresAt": now + timedelta(days=30),
    }
    assert body["memberships"] == [
        {"language": "de", "languageName": "German", "roles": ["translator"]},
        {"language": "fr", "languageName": "French", "roles": ["translator"]},
    ]
    assert body["ended"] is None
    assert signed_in == {**body, "user": {**body["user"], "phone": None, "locale": None}}


async def test_has_secret_and_email_verified_follow_the_account(app: RunningApp) -> None:
    await app.user(secret=None)
    token = token_in(await mailed(app, "sign_in"))
    client = app.client()
    body = (await client.post("/api/session", json={"method": "link", "token": token})).json()
    assert (body["user"]["hasSecret"], body["user"]["emailVerified"]) == (False, True)
    assert (await client.put("/api/keys/primary/secret", json={"secret": NEW_SECRET})).status_code == 204
    assert (await client.get("/api/session")).json()["user"]["hasSecret"] is True


async def test_step_up_is_fresh_exactly_until_the_time_that_the_session_names(app: RunningApp) -> None:
    client = await app.signed_in()
    until = datetime.fromisoformat((await client.get("/api/session")).json()["session"]["stepUpUntil"])
    body = {"secret": NEW_SECRET}
    app.clock.now = until
    assert (await client.put("/api/keys/primary/secret", json={**body, "secret": "short"})).status_code == 422
    app.clock.now = until + timedelta(seconds=1)
    assert (await client.put("/api/keys/primary/secret", json=body)).status_code == 403


async def test_expires_at_is_the_absolute_limit_everywhere(app: RunningApp) -> None:
    client = await app.signed_in()
    app.clock.forward(hours=2)
    await client.get("/api/session")
    await app.sessions.flush()
    session = (await client.get("/api/session")).json()["session"]
    (listed,) = await items(client, "/api/sessions")
    for limit in ("expiresAt", "idleExpiresAt"):
        assert listed[limit] == session[limit]
    assert datetime.fromisoformat(session["expiresAt"]) == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert datetime.fromisoformat(session["idleExpiresAt"]) == app.clock() + timedelta(days=14)


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Mobile Safari on iOS"),
        ("curl/8.5.0", "curl"),
        ("", None),
        ("x", None),
        ("<script>alert(1)</script>", None),
        ("(" * 5000, None),
    ],
)
async def test_the_list_of_sessions_names_their_devices(app: RunningApp, user_agent: str, name: str | None) -> None:
    await app.user()
    client = app.client(**{"User-Agent": user_agent})
    assert (await client.post("/api/session", json=CREDENTIALS)).status_code == 201
    (listed,) = await items(client, "/api/sessions")
    assert listed["deviceName"] == name


async def _sign_out(_: RunningApp, browser: httpx.AsyncClient) -> None:
    await browser.delete("/api/session", headers={"X-Tab": "another"})


async def _sign_in_again(_: RunningApp, browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/api/session", json=CREDENTIALS)).status_code == 201


async def _end_one(_: RunningApp, browser: httpx.AsyncClient) -> None:
    session_id = (await browser.get("/api/session")).json()["session"]["id"]
    assert (await browser.delete(f"/api/sessions/{session_id}")).status_code == 204


async def _end_others(app: RunningApp, _: httpx.AsyncClient) -> None:
    other = app.client()
    await _sign_in_again(app, other)
    assert (await other.delete("/api/sessions")).status_code == 204


async def _revoke(app: RunningApp, browser: httpx.AsyncClient) -> None:
    await end_sessions(OPERATOR, app.resources, UUID(await id_of(browser)))


async def _gain_role(app: RunningApp, browser: httpx.AsyncClient) -> None:
    await set_platform_role(OPERATOR, app.resources, UUID(await id_of(browser)), "admin")


async def _suspend(app: RunningApp, browser: httpx.AsyncClient) -> None:
    await suspend_user(OPERATOR, app.resources, UUID(await id_of(browser)))


async def _delete(app: RunningApp, browser: httpx.AsyncClient) -> None:
    await delete_user(OPERATOR, app.resources, UUID(await id_of(browser)))


async def _change_secret(app: RunningApp, _: httpx.AsyncClient) -> None:
    other = app.client()
    await _sign_in_again(app, other)
    assert (await other.put("/api/keys/primary/secret", json={"secret": NEW_SECRET})).status_code == 204


async def _reset_secret(app: RunningApp, _: httpx.AsyncClient) -> None:
    token = token_in(await mailed(app, "password_reset"))
    assert (await redeem(app.client(), token=token, secret=NEW_SECRET)).status_code == 201


async def _reset_secret_of_verified_address(app: RunningApp, browser: httpx.AsyncClient) -> None:
    await app.execute("UPDATE users SET email_verified_at = created_at")
    await _reset_secret(app, browser)


async def _change_address(app: RunningApp, _: httpx.AsyncClient) -> None:
    new = "ada@new.example.org"
    other = app.client()
    await _sign_in_again(app, other)
    assert (await ask(other, "email_change", new)).status_code == 202
    code = code_in(next(mail for mail in await app.mails() if mail["To"] == new))
    assert (await redeem(other, purpose="email_change", email=new, code=code)).status_code == 201


async def _start_many(app: RunningApp, browser: httpx.AsyncClient) -> None:
    user_id = UUID(await id_of(browser))
    for _ in range(app.settings.sessions_per_user):
        await app.token(user_id)


async def _wait(app: RunningApp, _: httpx.AsyncClient) -> None:
    app.clock.forward(days=14)


End = Callable[[RunningApp, httpx.AsyncClient], Awaitable[None]]
ENDS: dict[End, str] = {
    _sign_out: "signed_out",
    _sign_in_again: "signed_in_again",
    _end_one: "revoked",
    _end_others: "revoked",
    _revoke: "revoked",
    _gain_role: "role_changed",
    _suspend: "suspended",
    _delete: "account_deleted",
    _change_secret: "secret_changed",
    _reset_secret: "secret_changed",
    _reset_secret_of_verified_address: "secret_changed",
    _change_address: "email_changed",
    _start_many: "too_many_sessions",
    _wait: "expired",
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_client_that_presents_the_token_of_an_ended_session_learns_why(app: RunningApp, end: End) -> None:
    browser = app.client()
    await app.user()
    assert (await browser.post("/api/session", json=CREDENTIALS)).status_code == 201
    tab = app.with_cookie(browser.cookies["auth_session"])
    bearer = app.client(Authorization=f"Bearer {browser.cookies['auth_session']}")

    await end(app, browser)

    told = await ended(tab)
    assert told is not None
    assert (told["reason"], datetime.fromisoformat(told["at"])) == (ENDS[end], app.clock())
    assert await ended(bearer) == told
    assert await ended(app.client()) is None


async def _clean_up(app: RunningApp) -> None:
    for sweep in SWEEPS:
        async with app.resources.database.transaction() as transaction:
            await sweep(transaction, app.clock(), cleanup.BATCH)


@pytest.mark.parametrize("swept", [False, True])
async def test_the_end_of_a_session_is_told_for_7_days(app: RunningApp, swept: bool) -> None:
    user_id = await app.user()
    revoked, expired = [app.with_cookie(await app.token(user_id)) for _ in range(2)]
    await _end_one(app, revoked)
    for client, reason in ((revoked, "revoked"), (expired, "expired")):
        ended_at = app.clock()
        app.clock.forward(days=7, seconds=-1)
        if swept:
            await _clean_up(app)
        told = await ended(client)
        assert told is not None
        assert (told["reason"], datetime.fromisoformat(told["at"])) == (reason, ended_at)
        app.clock.now = ended_at + timedelta(days=7)
        if swept:
            await _clean_up(app)
        assert await ended(client) is None
        app.clock.now = ended_at + timedelta(days=14)  # when the other one expires
    if swept:
        assert await app.resources.database.pool.fetchval("SELECT count(*) FROM ended_sessions") == 0


async def test_an_unknown_token_learns_nothing(app: RunningApp) -> None:
    await _end_one(app, await app.signed_in())
    assert await ended(app.client(Cookie=f"auth_session=ost_{'a' * 43}")) is None


async def test_the_latest_end_of_several_cookies_is_told(app: RunningApp) -> None:
    user_id = await app.user()
    first, second = [await app.token(user_id) for _ in range(2)]
    await app.with_cookie(second).delete("/api/session")
    app.clock.forward(minutes=1)
    await _end_one(app, app.with_cookie(first))

    told = await ended(app.client(Cookie=f"auth_session={second}; auth_session={first}"))

    assert told is not None
    assert told["reason"] == "revoked"
    assert not await is_signed_in(app.with_cookie(first))
