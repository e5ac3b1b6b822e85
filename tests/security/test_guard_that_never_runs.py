"""Missing authorization: a guard stands on the route but is never awaited, so that its refusal is lost."""

import httpx
import pytest
from litestar.routes import HTTPRoute

from app.asgi import build
from app.guards.authorize import SIGNED_IN, PolicyGuard, authorize_own, guards_of, step_up
from app.pages.html.controller import PAGE
from tests.support.app import RunningApp, problem, settings_for
from tests.support.mailbox import ask

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
PARAMETERS = {
    "user_id": UNKNOWN_ID,
    "session_id": UNKNOWN_ID,
    "key_id": UNKNOWN_ID,
    "account_id": UNKNOWN_ID,
    "job_id": UNKNOWN_ID,
    "code": "de",
    "key": "a",
}
HANDLERS = {
    f"{method} {route.path_format}": handler
    for route in build(settings_for("postgresql:///unused")).routes
    if isinstance(route, HTTPRoute)
    for handler in route.route_handlers
    for method in handler.http_methods - {"OPTIONS"}
}
GUARDS = {route: guards_of(handler) for route, handler in HANDLERS.items()}
PAGES = {route for route, handler in HANDLERS.items() if handler.opt.get(PAGE)}
# Where a page leads, in place of a refusal by the API.
LEADS_TO = {"not_signed_in": "/sign-in", "onboarding_required": "/onboarding"}
# What the policy lets people do before they have completed their profile, on pages about themselves alone.
BEFORE_ONBOARDING = {authorize_own(action, "User") for action in ("update", "delete")}
POLICY_ROUTES = sorted(
    route
    for route in GUARDS
    if any(isinstance(guard, PolicyGuard) for guard in GUARDS[route]) and not BEFORE_ONBOARDING & {*GUARDS[route]}
)
SIGNED_IN_ROUTES = sorted(route for route in GUARDS if SIGNED_IN in GUARDS[route])
STEP_UP_ROUTES = sorted(route for route in GUARDS if step_up in GUARDS[route])


async def _assert_refused_by_guard(client: httpx.AsyncClient, route: str, status: int, code: str) -> None:
    """Assert an answer that only a guard gives: a handler would refuse the malformed JSON of the body with 400."""
    method, path = route.split(" ")
    json = {"Content-Type": "application/json"}
    answer = await client.request(method, path.format(**PARAMETERS), content=b"{", headers=json)
    if route in PAGES:
        leads_to = answer.headers["location"].partition("?")[0]
        assert (answer.status_code, leads_to) == (303, LEADS_TO.get(code, path.format(**PARAMETERS)))
    else:
        assert (answer.status_code, problem(answer)["code"]) == (status, code)


def test_routes_with_each_guard_exist() -> None:
    assert SIGNED_IN_ROUTES
    assert len(POLICY_ROUTES) > 30
    assert len(STEP_UP_ROUTES) > 8


@pytest.mark.parametrize("route", SIGNED_IN_ROUTES)
async def test_every_route_that_requires_a_session_refuses_anonymous_requests(app: RunningApp, route: str) -> None:
    await _assert_refused_by_guard(app.client(), route, 401, "not_signed_in")


@pytest.mark.parametrize("route", POLICY_ROUTES)
async def test_every_route_that_asks_the_policy_refuses_users_before_onboarding(app: RunningApp, route: str) -> None:
    """The user has every role but no complete profile, which only guards check."""
    await app.language("de")
    newcomer = await app.user(admin=True, onboarded=False)
    await app.member(newcomer, "de", "admin", "translator")
    client = app.with_cookie(await app.token(newcomer, admin=True))
    await _assert_refused_by_guard(client, route, 403, "onboarding_required")


@pytest.mark.parametrize("route", STEP_UP_ROUTES)
async def test_every_step_up_route_refuses_a_stale_reauthentication(app: RunningApp, route: str) -> None:
    await app.language("de")
    root = await app.signed_in(admin=True)
    app.clock.forward(seconds=app.settings.step_up_seconds + 1)
    await _assert_refused_by_guard(root, route, 403, "reauthentication_required")


async def test_guards_that_a_handler_calls_refuse_requests(app: RunningApp) -> None:
    stale, newcomer = await app.signed_in(), await app.signed_in("eve@example.org", onboarded=False)
    app.clock.forward(seconds=app.settings.step_up_seconds + 1)
    answers = [await ask(client, "email_change", "new@example.org") for client in (app.client(), newcomer, stale)]
    codes = [problem(answer)["code"] for answer in answers]
    assert codes == ["not_signed_in", "onboarding_required", "reauthentication_required"]
    assert await app.mails() == []
