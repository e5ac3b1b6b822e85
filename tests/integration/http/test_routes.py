"""Every route against every kind of caller: the answers stand in route_access.csv."""

import csv
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from litestar.routes import HTTPRoute

from app.asgi import build
from app.audit import Actor
from app.domain.languages.translations.schemas import NewText
from app.domain.languages.translations.service import write_translation
from app.guards.authorize import ANYONE, ONBOARDED, SIGNED_IN, PolicyGuard, guards_of
from app.http.preconditions import precondition_of_version
from app.pages.html.controller import PAGE
from tests.support.app import SECRET, TOKEN_AUDIENCE, RunningApp, settings_for

TABLE = Path(__file__).with_name("route_access.csv")
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
PARAMETERS = {
    "account_id": UNKNOWN_ID,
    "code": "de",
    "session_id": UNKNOWN_ID,
    "key_id": UNKNOWN_ID,
    "job_id": UNKNOWN_ID,
    "key": "greeting",
}
# A body that the route accepts, so that nothing but the caller decides.
BODIES = {
    "POST /api/session": {"method": "password", "email": "bob@example.org", "secret": SECRET},
    "POST /api/session/reauthentication": {"method": "password", "secret": SECRET},
    "POST /api/keys": {"purpose": "sign_in", "email": "bob@example.org"},
    "POST /api/keys/inspect": {"token": "osk_" + "a" * 43},
    "POST /api/keys/redeem": {"token": "osk_" + "a" * 43, "name": "Ada", "secret": SECRET},
    "POST /api/sessions/disown": {"token": "no token"},
    "PUT /api/keys/primary/secret": {"secret": "nine gulls above the north pier"},
    "POST /api/languages": {"code": "fi", "name": "Finnish"},
    "POST /api/session/token": {"audience": TOKEN_AUDIENCE},
    "POST /api/policy/can": {"checks": [{"action": "read", "subjectType": "Language"}]},
    "POST /api/policy/explain": {"email": "bob@example.org", "action": "read", "subjectType": "Language", "id": "de"},
    "PATCH /api/languages/{code}": {"name": "High German"},
    "POST /api/service-accounts": {"name": "Export"},
    "POST /api/service-accounts/{account_id}/keys": {"name": "Build", "expiresIn": 3600},
    "POST /api/users": {"email": "eve@example.org", "name": "Eve"},
    "PATCH /api/users/{user_id}": {"name": "Robert"},
    "PUT /api/users/{user_id}/platform-role": {"role": "admin"},
    "POST /api/users/{user_id}/suspension": {"reason": "Spam"},
    "POST /api/languages/{code}/members": {"email": "eve@example.org", "roles": ["translator"]},
    "PUT /api/languages/{code}/members/{user_id}": {"roles": ["translator"]},
    "PUT /api/languages/{code}/translations/{key}": {"text": "Moin"},
    "POST /api/languages/{code}/translations/batch": {"items": [{"key": "farewell", "text": "Bye", "version": None}]},
}
# The roles of a caller in a language, `de` being the one that routes name.
MEMBERSHIPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "member": ("de", ()),
    "translator": ("de", ("translator",)),
    "language admin": ("de", ("admin",)),
    "other member": ("da", ()),
    "other translator": ("da", ("translator",)),
    "other admin": ("da", ("admin",)),
}
HEADERS = {
    "GET /api/verify": {"X-Forwarded-Method": "GET"},
    "PUT /api/languages/{code}/translations/{key}": {"If-Match": '"1"'},
    "DELETE /api/languages/{code}/translations/{key}": {"If-Match": '"1"'},
}
DECISIVE = (ANYONE, SIGNED_IN, ONBOARDED)


def table() -> dict[str, dict[str, int]]:
    """The statuses by route and caller."""
    with TABLE.open(newline="") as file:
        return {
            f"{row.pop('method')} {row.pop('path')}": {who: int(status) for who, status in row.items()}
            for row in csv.DictReader(file)
        }


def routes_of_the_app() -> dict[str, list[object]]:
    """The guards of every route of the API, by method and path. Pages have a table of their own."""
    app = build(settings_for("postgresql:///unused"))
    return {
        f"{method} {route.path_format}": guards_of(handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if not handler.opt.get(PAGE)
        for method in handler.http_methods - {"OPTIONS"}
    }


async def caller(app: RunningApp, who: str) -> httpx.AsyncClient:
    if who == "anonymous":
        return app.client()
    if who == "service account":
        account_id = await app.service_account()
        await app.member(account_id, "de", "translator", "admin")
        return app.with_key(await app.api_key(account_id))
    admin = who == "platform admin"
    user_id = await app.user(admin=admin, onboarded=who != "not onboarded")
    if who in MEMBERSHIPS:
        code, roles = MEMBERSHIPS[who]
        await app.member(user_id, code, *roles)
    client = app.with_cookie(await app.token(user_id, admin=admin))
    if who == "suspended":
        # The session is left standing on purpose: the status alone must keep its holder out.
        await app.execute("UPDATE users SET status = 'suspended' WHERE id = $1", user_id)
    return client


def test_the_table_names_every_route_of_the_app() -> None:
    assert table().keys() == routes_of_the_app().keys()


def test_every_route_is_guarded_or_says_that_it_is_open() -> None:
    for route, guards in routes_of_the_app().items():
        deciding = [guard for guard in guards if guard in DECISIVE or isinstance(guard, PolicyGuard)]
        assert len(deciding) == 1, route


@pytest.mark.parametrize(
    ("route", "who", "status"),
    [(route, who, status) for route, statuses in table().items() for who, status in statuses.items()],
)
async def test_a_route_answers_each_caller_as_the_table_says(
    app: RunningApp, route: str, who: str, status: int
) -> None:
    for code in ("da", "de"):
        await app.language(code)
    bob = await app.user("bob@example.org")
    await app.member(bob, "de", "translator")
    await write_translation(
        Actor(bob), app.resources, "de", "greeting", NewText(text="Hallo"), precondition_of_version(None)
    )
    client = await caller(app, who)
    method, path = route.split(" ")
    response = await client.request(
        method, path.format(**PARAMETERS, user_id=bob), json=BODIES.get(route), headers=HEADERS.get(route)
    )
    assert response.status_code == status, response.text
