"""Query parameters that a route does not take are refused on every route, by name and without their values."""

import re

import httpx
import pytest
from litestar.routes import HTTPRoute

from app.asgi import build
from app.pages.html.controller import PAGE
from tests.support.app import RunningApp, field_errors, problem, settings_for

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
VALUES = {"code": "de", "key": "greeting"}


def routes() -> list[tuple[str, str]]:
    """The method and path of every route of the API, with values for its path parameters."""
    return [
        (method, re.sub(r"{(\w+)}", lambda found: VALUES.get(found[1], UNKNOWN_ID), route.path_format))
        for route in build(settings_for("postgresql:///unused")).routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if not handler.opt.get(PAGE)
        for method in handler.http_methods - {"OPTIONS"}
    ]


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin who translates German, so that no guard refuses."""
    await app.language("de")
    user_id = await app.user(admin=True)
    await app.member(user_id, "de", "translator")
    return app.with_cookie(await app.token(user_id, admin=True))


async def test_every_route_refuses_an_unknown_parameter(admin: httpx.AsyncClient) -> None:
    for method, path in routes():
        answer = await admin.request(method, path, params={"limti": "hunter2"})
        assert field_errors(answer) == {"limti": "unknown_parameter"}, (method, path)
        assert "hunter2" not in answer.text


async def test_every_parameter_of_one_value_is_refused_twice(admin: httpx.AsyncClient) -> None:
    twice: dict[str, str | list[str]] = {"limit": ["2", "hunter2"], "cursor": ""}
    for path in ("/api/languages", "/api/users", "/api/languages/de/translations", "/api/sessions"):
        answer = await admin.get(path, params=twice)
        assert field_errors(answer) == {"limit": "duplicate"}, path
        assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("Limit=1", {"Limit": "unknown_parameter"}),
        ("updated_after=2026-06-01T12:00:00Z", {"updated_after": "unknown_parameter"}),
        ("a=1&a=2&b=3", {"a": "unknown_parameter", "b": "unknown_parameter"}),
        ("a=1&limit=1&limit=2", {"a": "unknown_parameter", "limit": "duplicate"}),
        ("flag", {"flag": "unknown_parameter"}),
        ("limit%00=1", {"limit\0": "unknown_parameter"}),
        ("limit[]=1", {"limit[]": "unknown_parameter"}),
        ("a" * 500, {"a" * 100: "unknown_parameter"}),
    ],
)
async def test_all_refused_parameters_are_named(admin: httpx.AsyncClient, query: str, fields: dict[str, str]) -> None:
    answer = await admin.get(f"/api/languages/de/translations?{query}")
    assert field_errors(answer) == fields


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/users", "status"),
        ("/api/users", "role"),
        ("/api/audit-events", "actorId"),
        ("/api/languages/de/translations", "state"),
    ],
)
@pytest.mark.parametrize("value", ["null", "NULL"])
async def test_null_is_no_value_of_a_filter(admin: httpx.AsyncClient, path: str, name: str, value: str) -> None:
    assert field_errors(await admin.get(path, params={name: value})) == {name: "invalid"}


@pytest.mark.parametrize(
    ("path", "name", "value", "code", "params"),
    [
        ("/api/users", "limit", "0", "out_of_range", {"min": 1}),
        ("/api/languages", "limit", "101000", "out_of_range", {"max": 200}),
        ("/api/languages", "limit", "9" * 400, "out_of_range", {"max": 200}),
        ("/api/languages/de/translation-changes", "after", "-1", "out_of_range", {"min": 0}),
        ("/api/languages", "search", "hunter2" * 30, "too_long", {"max": 200}),
        ("/api/users", "search", "hunter2" * 30, "too_long", {"max": 200}),
        ("/api/languages/de/translations", "prefix", "hunter2" * 30, "too_long", {"max": 200}),
        ("/api/languages", "cursor", "hunter2" * 60, "too_long", {"max": 400}),
        ("/api/languages", "limit", "hunter2", "invalid", {}),
        ("/api/languages/de/translations", "prefix", "hunter 2", "invalid", {}),
    ],
)
async def test_a_value_beyond_a_limit_is_refused_as_in_a_body(
    admin: httpx.AsyncClient, path: str, name: str, value: str, code: str, params: dict[str, int]
) -> None:
    answer = await admin.get(path, params={name: value})
    assert field_errors(answer) == {name: code}
    assert problem(answer)["errors"][0].get("params", {}) == params
    assert "hunter" not in answer.text


async def test_null_is_a_text_to_search_for(admin: httpx.AsyncClient) -> None:
    answer = await admin.get("/api/users", params={"search": "null"})
    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize("query", ["", "limit=5", "limit=5&cursor=", "prefix=a&state=draft&limit=5"])
async def test_parameters_that_the_route_takes_pass(admin: httpx.AsyncClient, query: str) -> None:
    assert (await admin.get(f"/api/languages/de/translations?{query}")).status_code == 200


async def test_a_caller_whom_the_guard_refuses_learns_no_names(app: RunningApp) -> None:
    assert (await app.client().get("/api/users", params={"limti": 1})).status_code == 401
    assert (await app.client().get("/api/nowhere", params={"limti": 1})).status_code == 404


@pytest.mark.parametrize("path", ["/api/audit-events?actorId=null", "/api/users?status=NULL", "/api/jobs?state=null"])
async def test_the_word_null_is_no_value_of_a_filter_that_takes_no_text(app: RunningApp, path: str) -> None:
    client = await app.signed_in(admin=True)
    assert list(field_errors(await client.get(path)).values()) == ["invalid"]
    assert (await client.get("/api/users?search=null")).status_code == 200
