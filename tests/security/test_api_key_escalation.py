"""A program, or a thief of its key, gains more than the policy gives it: a session, a role, or another key."""

from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from litestar.routes import HTTPRoute

from app.asgi import build
from app.audit import OPERATOR
from app.auth.middleware import SETS_COOKIE
from app.domain.flows.administer_users import set_platform_role
from app.errors import Problem
from app.guards.authorize import guards_of, step_up
from app.pages.html.controller import PAGE
from tests.integration.http.test_routes import BODIES, PARAMETERS
from tests.support.app import CREDENTIALS, SECRET, RunningApp, id_of, problem, running, settings_for

APP = build(settings_for("postgresql:///unused"))
HANDLERS = [
    (method, route.path_format, handler)
    for route in APP.routes
    if isinstance(route, HTTPRoute)
    for handler in route.route_handlers
    for method in handler.http_methods - {"OPTIONS"}
]
NEED_PROOF = sorted([f"{method} {path}" for method, path, handler in HANDLERS if step_up in guards_of(handler)])
SET_COOKIE = sorted([f"{method} {path}" for method, path, handler in HANDLERS if handler.opt.get(SETS_COOKIE)])
PAGES = {f"{method} {path}" for method, path, handler in HANDLERS if handler.opt.get(PAGE)}
REFUSALS = {"session_required", "forbidden"}


def assert_refused(answer: httpx.Response, route: str) -> None:
    """Assert the refusal of a key: on pages it is one to read."""
    assert answer.status_code == 403, answer.text
    assert route in PAGES or problem(answer)["code"] in REFUSALS, answer.text


async def program(app: RunningApp) -> tuple[UUID, httpx.AsyncClient]:
    """A service account with all roles of a language, and its client."""
    await app.language("de")
    account_id = await app.service_account()
    await app.member(account_id, "de", "admin", "translator")
    return account_id, app.with_key(await app.api_key(account_id))


async def ask(client: httpx.AsyncClient, route: str, user_id: UUID) -> httpx.Response:
    method, path = route.split(" ")
    return await client.request(method, path.format(**PARAMETERS, user_id=user_id), json=BODIES.get(route))


@pytest.mark.parametrize("route", NEED_PROOF)
async def test_a_key_never_satisfies_step_up(app: RunningApp, route: str) -> None:
    account_id, client = await program(app)
    for named in (account_id, await app.user("bob@example.org")):
        assert_refused(await ask(client, route, named), route)


@pytest.mark.parametrize("route", NEED_PROOF)
async def test_a_key_never_satisfies_step_up_even_as_a_platform_admin(app: RunningApp, route: str) -> None:
    account_id, client = await program(app)
    await app.execute("ALTER TABLE users DROP CONSTRAINT ck_users_service_shape")
    try:
        await app.execute("UPDATE users SET platform_role = 'admin' WHERE id = $1", account_id)
        answer = await ask(client, route, await app.user("bob@example.org"))
        assert_refused(answer, route)
        assert (await client.get("/api/users")).status_code == 403
    finally:
        await app.execute("UPDATE users SET platform_role = NULL WHERE kind = 'service'")
        await app.execute(
            "ALTER TABLE users ADD CONSTRAINT ck_users_service_shape CHECK "
            "(kind <> 'service' OR (email = '' AND platform_role IS NULL AND email_verified_at IS NULL))"
        )


@pytest.mark.parametrize("route", SET_COOKIE)
async def test_a_key_makes_and_ends_no_session_and_issues_no_key(app: RunningApp, route: str) -> None:
    account_id, client = await program(app)
    await app.user("bob@example.org")

    answer = await ask(client, route, account_id)

    assert_refused(answer, route)
    assert "set-cookie" not in answer.headers
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_a_key_signs_nobody_in_beside_right_credentials(app: RunningApp) -> None:
    _, client = await program(app)
    await app.user()
    answer = await client.post("/api/session", json=CREDENTIALS)
    assert (answer.status_code, problem(answer)["code"]) == (403, "session_required")
    token = await app.invitation()
    body = {"token": token, "name": "Eve", "secret": SECRET, "switch": True}
    assert problem(await client.post("/api/keys/redeem", json=body))["code"] == "session_required"
    assert (await app.client().post("/api/keys/redeem", json=body)).status_code == 201


async def test_a_key_ends_no_session_of_a_cookie_beside_it(app: RunningApp) -> None:
    _, client = await program(app)
    token = await app.token(await app.user())
    answer = await client.delete(
        "/api/session", headers={"Cookie": f"auth_session={token}", "Origin": "http://127.0.0.1:8000"}
    )
    assert answer.status_code == 403
    assert (await app.with_cookie(token).get("/api/users/me")).status_code == 200


async def test_a_key_makes_no_key_of_any_account(app: RunningApp) -> None:
    account_id, client = await program(app)
    for named in (account_id, await app.service_account(), uuid4()):
        answer = await client.post(f"/api/service-accounts/{named}/keys", json={"name": "Mine", "expiresIn": 3600})
        assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    assert (await client.post("/api/service-accounts", json={"name": "Mine"})).status_code == 403
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'api'") == 1


async def test_a_program_with_the_role_of_a_language_admin_lets_nobody_in(app: RunningApp) -> None:
    account_id, client = await program(app)
    eve = await app.user("eve@example.org")
    answers = [
        await client.post("/api/languages/de/members", json={"email": "mallory@example.org", "roles": ["admin"]}),
        await client.put(f"/api/languages/de/members/{eve}", json={"roles": ["admin"]}),
        await client.put(f"/api/languages/de/members/{account_id}", json={"roles": ["admin"]}),
        await client.put(f"/api/languages/de/members/{await app.service_account()}", json={"roles": ["admin"]}),
    ]
    assert [(answer.status_code, problem(answer)["code"]) for answer in answers] == [(403, "forbidden")] * 4
    members = (await client.get("/api/languages/de/members")).json()["items"]
    assert [(member["userId"], member["email"]) for member in members] == [(str(account_id), None)]


async def test_a_program_does_not_change_itself(app: RunningApp) -> None:
    account_id, client = await program(app)
    for named in ("me", str(account_id)):
        assert (await client.patch(f"/api/users/{named}", json={"name": "Root"})).status_code == 403
        assert (await client.put(f"/api/users/{named}/platform-role", json={"role": "admin"})).status_code == 403
        assert (await client.delete(f"/api/users/{named}/suspension")).status_code == 403
        assert (await client.delete(f"/api/users/{named}")).status_code == 403


async def test_a_service_account_gets_no_platform_role(app: RunningApp) -> None:
    account_id, _ = await program(app)
    admin = await app.signed_in(admin=True)
    answer = await admin.put(f"/api/users/{account_id}/platform-role", json={"role": "admin"})
    assert (answer.status_code, problem(answer)["code"]) == (409, "service_account")
    with pytest.raises(Problem, match="administers nobody"):
        await set_platform_role(OPERATOR, app.resources, account_id, "admin")
    with pytest.raises(asyncpg.CheckViolationError):
        await app.execute("UPDATE users SET platform_role = 'admin' WHERE id = $1", account_id)


async def test_service_accounts_do_not_count_as_the_last_platform_admin(app: RunningApp) -> None:
    await program(app)
    admin = await app.signed_in(admin=True)
    answer = await admin.delete("/api/users/me")
    assert (answer.status_code, problem(answer)["code"]) == (409, "last_admin")
    with pytest.raises(Problem) as refused:
        await set_platform_role(OPERATOR, app.resources, UUID(await id_of(admin)), None)
    assert refused.value.code == "last_admin"


async def test_a_service_account_gets_no_way_to_sign_in(app: RunningApp) -> None:
    account_id, _ = await program(app)
    admin = await app.signed_in(admin=True)
    assert (await admin.post(f"/api/users/{account_id}/invitation")).status_code == 409
    for purpose in ("sign_in", "password_reset", "sign_up"):
        answer = await app.client().post("/api/keys", json={"purpose": purpose, "email": ""})
        assert answer.status_code == 422
    await app.mails()
    kinds = await app.resources.database.pool.fetch("SELECT kind FROM keys WHERE user_id = $1", account_id)
    assert [row["kind"] for row in kinds] == ["api"]


async def test_only_platform_admins_with_a_recent_proof_make_keys(app: RunningApp) -> None:
    account_id = await app.service_account()
    await app.language("de")
    path, body = f"/api/service-accounts/{account_id}/keys", {"name": "Mine", "expiresIn": 3600}
    admin, ada = await app.signed_in(admin=True), await app.signed_in_member("de", "admin", email="eve@example.org")
    assert (await ada.post(path, json=body)).status_code == 403
    app.clock.forward(minutes=16)
    for method, named in (("POST", path), ("POST", "/api/service-accounts"), ("DELETE", f"{path}/{uuid4()}")):
        sent = body if named == path else {"name": "Mine"}
        answer = await admin.request(method, named, json=sent if method == "POST" else None)
        assert problem(answer)["code"] == "reauthentication_required"
    cross_site = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert problem(await admin.post(path, json=body, headers=cross_site))["code"] == "cross_site_request"


async def test_a_key_gets_no_token_for_another_back_end(app: RunningApp, database_url: str) -> None:
    async with running(settings_for(database_url, TOKEN_AUDIENCES="https://api.example.org"), app.clock) as issuing:
        key = await issuing.api_key(await issuing.service_account())
        answer = await issuing.with_key(key).post("/api/session/token", json={"audience": "https://api.example.org"})
    assert (answer.status_code, problem(answer)["code"]) == (403, "session_required")


async def test_forward_authentication_tells_a_program_by_its_account_alone(app: RunningApp) -> None:
    account_id = await app.service_account()
    program = app.with_key(await app.api_key(account_id))
    for _ in range(2):
        answer = await program.get("/api/verify", headers={"X-Forwarded-Method": "POST"})
        assert answer.status_code == 204
        told = {name: answer.headers[f"x-ostiary-{name}"] for name in ("user", "email", "platform-role", "session")}
        assert told == {"user": str(account_id), "email": "", "platform-role": "", "session": ""}
    asked = {"action": "read", "subject": "ServiceAccount", "id": str(account_id)}
    assert (await program.get("/api/verify", params=asked)).status_code == 204
    assert (await program.get("/api/verify", params={**asked, "action": "administer"})).status_code == 403
    await app.execute("DELETE FROM keys")
    assert (await program.get("/api/verify")).status_code == 401
