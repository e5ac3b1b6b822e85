"""Every page against every kind of caller, with an empty form: the answers stand in page_access.csv."""

import csv
from pathlib import Path

import httpx
import pytest
from litestar.routes import HTTPRoute

from app.asgi import build
from app.pages.html.controller import PAGE
from tests.support.app import RunningApp, settings_for

TABLE = Path(__file__).with_name("page_access.csv")
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
PARAMETERS = {
    "file_name": "unknown.css",
    "session_id": UNKNOWN_ID,
    "key_id": UNKNOWN_ID,
    "code": "de",
    "user_id": UNKNOWN_ID,
    "job_id": UNKNOWN_ID,
}


def table() -> dict[str, dict[str, int]]:
    """The statuses by route and caller."""
    with TABLE.open(newline="") as file:
        return {
            f"{row.pop('method')} {row.pop('path')}": {who: int(status) for who, status in row.items()}
            for row in csv.DictReader(file)
        }


async def caller(app: RunningApp, who: str) -> httpx.AsyncClient:
    if who == "anonymous":
        return app.client()
    return await app.signed_in(admin=who == "platform admin", onboarded=who != "not onboarded")


def test_the_table_names_every_page_of_the_app() -> None:
    app = build(settings_for("postgresql:///unused"))
    routes = {
        f"{method} {route.path_format}"
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.opt.get(PAGE)
        for method in handler.http_methods - {"OPTIONS"}
    }
    assert table().keys() == routes


@pytest.mark.parametrize(
    ("route", "who", "status"),
    [(route, who, status) for route, statuses in table().items() for who, status in statuses.items()],
)
async def test_a_page_answers_each_caller_as_the_table_says(app: RunningApp, route: str, who: str, status: int) -> None:
    client = await caller(app, who)
    method, path = route.split(" ")
    form: dict[str, str] | None = {} if method == "POST" else None
    answer = await client.request(method, path.format(**PARAMETERS), data=form)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html") or status == 404
