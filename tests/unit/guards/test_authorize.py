"""Routes are closed by default: an app with a route without a sound guard does not start."""

from typing import cast

import pytest
from litestar import Controller, Litestar, Router, asgi, get, post
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler, Guard, HTTPScope, Receive, Scope, Send

from app.auth.principal import ANONYMOUS
from app.guards.authorize import (
    ANYONE,
    SIGNED_IN,
    Request,
    authorize,
    authorize_list,
    authorize_own,
    authorize_some,
    guards_of,
    may_know_what_exists,
    require_guards,
    step_up,
)

TYPE = authorize_some("read", "Language")
LISTING = authorize_list("read", "Language")
ONE = authorize("read", "Language", id_from="code")
OWN = authorize_own("read", "Key")


def guarded(path: str, *guards: Guard) -> ControllerRouterHandler:
    """A GET handler for this path with these guards."""
    if "{" in path:

        @get(path, guards=list(guards))
        async def read_one() -> None: ...

        return read_one

    @get(path, guards=list(guards))
    async def read() -> None: ...

    return read


def app_of(*handlers: ControllerRouterHandler) -> Litestar:
    return Litestar(list(handlers), openapi_config=None)


@pytest.mark.parametrize(
    ("path", "guards"),
    [
        ("/", [ANYONE]),
        ("/", [SIGNED_IN]),
        ("/", [TYPE]),
        ("/", [LISTING]),
        ("/", [OWN, step_up]),
        ("/{code:str}", [ANYONE]),
        ("/{code:str}", [SIGNED_IN]),
        ("/{code:str}", [ONE]),
        ("/{key_id:uuid}", [OWN]),
    ],
)
def test_a_route_with_one_sound_guard_is_accepted(path: str, guards: list[Guard]) -> None:
    require_guards(app_of(guarded(path, *guards)))


@pytest.mark.parametrize(
    ("path", "guards", "fault"),
    [
        ("/a", [], "has 0 guards"),
        ("/a", [step_up], "has 0 guards"),
        ("/a", [ANYONE, TYPE], "has 2 guards"),
        ("/a", [TYPE, TYPE], "has 2 guards"),
        ("/a/{code:str}", [TYPE], "names one subject, and its guard asks about the type"),
        ("/a/{code:str}", [LISTING], "names one subject, and its guard asks about the type"),
        ("/a/{name:str}", [ONE], "its guard reads 'code', which the path does not have"),
        ("/a", [ONE], "its guard reads 'code', which the path does not have"),
    ],
)
def test_a_route_without_a_sound_guard_prevents_the_start_and_is_named(
    path: str, guards: list[Guard], fault: str
) -> None:
    with pytest.raises(RuntimeError) as raised:
        require_guards(app_of(guarded("/open", ANYONE), guarded(path, *guards)))
    heading, *lines = str(raised.value).splitlines()
    assert heading == "routes without a sound guard:"
    assert [line.startswith(f"['GET'] {path}: ") and fault in line for line in lines] == [True]


def test_every_route_without_a_sound_guard_is_named() -> None:
    @post("/b")
    async def write() -> None: ...

    with pytest.raises(RuntimeError) as raised:
        require_guards(app_of(guarded("/a"), write))
    assert len(str(raised.value).splitlines()) == 3


def test_a_route_on_which_guards_have_no_effect_prevents_the_start() -> None:
    @asgi("/mounted", is_mount=True, copy_scope=True)
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None: ...

    with pytest.raises(RuntimeError, match="/mounted: is no HTTP route"):
        require_guards(app_of(guarded("/open", ANYONE), mounted))


def test_guards_of_controllers_and_routers_count_as_guards_of_the_route() -> None:
    class Guarded(Controller):
        path = "/guarded"
        guards = (ANYONE,)

        @get()
        async def read(self) -> None: ...

    require_guards(app_of(Guarded, Router("/router", guards=[SIGNED_IN], route_handlers=[guarded("/a")])))
    with pytest.raises(RuntimeError, match="has 2 guards"):
        require_guards(app_of(Router("/router", guards=[SIGNED_IN], route_handlers=[Guarded])))


def test_guards_are_listed_from_the_router_to_the_handler() -> None:
    app = app_of(Router("/router", guards=[SIGNED_IN], route_handlers=[guarded("/a", ANYONE, step_up)]))
    guards = [
        guards_of(handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if "GET" in handler.http_methods
    ]
    assert guards == [[SIGNED_IN, ANYONE, step_up]]


@pytest.mark.parametrize("guard", [ANYONE, SIGNED_IN])
def test_a_route_without_a_policy_guard_does_not_tell_what_exists(guard: Guard) -> None:
    [route] = app_of(guarded("/", guard)).routes
    assert isinstance(route, HTTPRoute)
    handler = next(handler for handler in route.route_handlers if handler.http_methods != {"OPTIONS"})
    scope = {"type": "http", "route_handler": handler, "user": ANONYMOUS, "state": {}}
    assert may_know_what_exists(Request(cast("HTTPScope", scope))) is False
