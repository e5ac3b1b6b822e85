"""A guard that never runs: it stands on the route, but nobody awaits it, and its refusal is lost."""

import httpx
import pytest
from litestar.routes import HTTPRoute

from app.asgi import build
from app.guards.authorize import SIGNED_IN, Authorize, guards_of, step_up
from tests.support.app import World, problem, settings_for
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
ASKS_THE_POLICY = sorted(route for route in GUARDS if any(isinstance(guard, Authorize) for guard in GUARDS[route]))
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
async def test_every_route_for_all_users_refuses_the_anonymous(world: World, route: str) -> None:
    await _refused(world.client(), route, 401, "not_signed_in")


@pytest.mark.parametrize("route", ASKS_THE_POLICY)
async def test_every_route_that_asks_the_policy_refuses_whom_it_allows_nothing(world: World, route: str) -> None:
    """They have every role there is, but no complete profile: that is a question which guards alone ask."""
    await world.language("de")
    newcomer = await world.user(admin=True, onboarded=False)
    await world.member(newcomer, "de", "admin", "translator")
    client = world.with_cookie(await world.token(newcomer, admin=True))
    await _refused(client, route, 403, "onboarding_required")


@pytest.mark.parametrize("route", SENSITIVE)
async def test_every_sensitive_route_refuses_whose_proof_is_too_old(world: World, route: str) -> None:
    await world.language("de")
    root = await world.signed_in(admin=True)
    world.clock.forward(seconds=world.settings.step_up_seconds + 1)
    await _refused(root, route, 403, "reauthentication_required")


async def test_the_guards_that_a_handler_calls_itself_are_run(world: World) -> None:
    ada, newcomer = await world.signed_in(), await world.signed_in("eve@example.org", onboarded=False)
    world.clock.forward(seconds=world.settings.step_up_seconds + 1)
    answers = [await ask(client, "email_change", "new@example.org") for client in (world.client(), newcomer, ada)]
    codes = [problem(answer)["code"] for answer in answers]
    assert codes == ["not_signed_in", "onboarding_required", "reauthentication_required"]
    assert await world.mails() == []
