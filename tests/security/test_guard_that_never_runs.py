"""A guard that never runs: it stands on the route, but nobody awaits it, and its refusal is lost."""

import httpx
import pytest
from litestar.routes import HTTPRoute

from app.asgi import build
from app.guards.authorize import SIGNED_IN, PolicyGuard, guards_of, step_up
from tests.support.app import RunningApp, problem, settings_for
from tests.support.mailbox import ask

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
PARAMETERS = {"user_id": UNKNOWN_ID, "session_id": UNKNOWN_ID, "key_id": UNKNOWN_ID, "code": "de", "key": "a"}
GUARDS = {
    f"{method} {route.path_format}": guards_of(handler)
    for route in build(settings_for("postgresql:///unused")).routes
    if isinstance(route, HTTPRoute)
    for handler in route.route_handlers
    for method in handler.http_methods - {"OPTIONS"}
}
ASKS_THE_POLICY = sorted(route for route in GUARDS if any(isinstance(guard, PolicyGuard) for guard in GUARDS[route]))
FOR_EVERY_USER = sorted(route for route in GUARDS if SIGNED_IN in GUARDS[route])
SENSITIVE = sorted(route for route in GUARDS if step_up in GUARDS[route])


async def _refused(client: httpx.AsyncClient, route: str, status: int, code: str) -> None:
    """Only a guard that ran gives this answer: no handler asks for the same, and whoever reads the body complains."""
    method, path = route.split(" ")
    json = {"Content-Type": "application/json"}
    answer = await client.request(method, path.format(**PARAMETERS), content=b"{", headers=json)
    assert (answer.status_code, problem(answer)["code"]) == (status, code)


def test_there_are_such_routes() -> None:
    assert FOR_EVERY_USER
    assert len(ASKS_THE_POLICY) > 30
    assert len(SENSITIVE) > 8


@pytest.mark.parametrize("route", FOR_EVERY_USER)
async def test_every_route_for_all_users_refuses_the_anonymous(app: RunningApp, route: str) -> None:
    await _refused(app.client(), route, 401, "not_signed_in")


@pytest.mark.parametrize("route", ASKS_THE_POLICY)
async def test_every_route_that_asks_the_policy_refuses_whom_it_allows_nothing(app: RunningApp, route: str) -> None:
    """They have every role there is, but no complete profile: that is a question which guards alone ask."""
    await app.language("de")
    newcomer = await app.user(admin=True, onboarded=False)
    await app.member(newcomer, "de", "admin", "translator")
    client = app.with_cookie(await app.token(newcomer, admin=True))
    await _refused(client, route, 403, "onboarding_required")


@pytest.mark.parametrize("route", SENSITIVE)
async def test_every_sensitive_route_refuses_whose_proof_is_too_old(app: RunningApp, route: str) -> None:
    await app.language("de")
    root = await app.signed_in(admin=True)
    app.clock.forward(seconds=app.settings.step_up_seconds + 1)
    await _refused(root, route, 403, "reauthentication_required")


async def test_the_guards_that_a_handler_calls_itself_are_run(app: RunningApp) -> None:
    ada, newcomer = await app.signed_in(), await app.signed_in("eve@example.org", onboarded=False)
    app.clock.forward(seconds=app.settings.step_up_seconds + 1)
    answers = [await ask(client, "email_change", "new@example.org") for client in (app.client(), newcomer, ada)]
    codes = [problem(answer)["code"] for answer in answers]
    assert codes == ["not_signed_in", "onboarding_required", "reauthentication_required"]
    assert await app.mails() == []
