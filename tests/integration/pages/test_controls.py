"""Every operation of the API has its control on a page, behind the same guards, or is without one on purpose."""

import csv
from collections.abc import Mapping
from typing import Any

from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from app.asgi import build
from app.guards.authorize import PolicyGuard, guards_of, step_up
from app.guards.policy import ability_for
from app.guards.policy_expectations import principal_described_by
from app.pages.html.controller import PAGE
from app.pages.html.site import TEMPLATES
from tests.support.app import settings_for
from tests.support.documents import DOCS

DATA = DOCS.parent / "tests" / "data"
APP = build(settings_for("postgresql:///unused"))
# By operation id, what the document says of the operation.
OPERATIONS: Mapping[str, Mapping[str, Any]] = {
    operation["operationId"]: operation
    for item in APP.openapi_schema.to_schema()["paths"].values()
    for operation in item.values()
    if "operationId" in operation
}
PAGES: Mapping[tuple[str, str], HTTPRouteHandler] = {
    (method, route.path_format): handler
    for route in APP.routes
    if isinstance(route, HTTPRoute)
    for handler in route.route_handlers
    if handler.opt.get(PAGE)
    for method in handler.http_methods
}
ORDINARY = ability_for(principal_described_by("member of de"))


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


CONTROLS = rows("operation_controls.csv")
WITHOUT = {row["operation"]: row["reason"] for row in rows("operations_without_control.csv")}


def is_for_ordinary_users(rule: Mapping[str, Any]) -> bool:
    """Whether a member of a language without a role may use an operation with this rule on some subject."""
    return "action" not in rule or ORDINARY.decide_some(rule["action"], rule["subjectType"]).allowed


def test_every_operation_that_ordinary_users_may_use_has_a_control_or_a_reason_for_none() -> None:
    ordinary = {name for name, operation in OPERATIONS.items() if is_for_ordinary_users(operation["x-authorize"])}
    assert {"endSession", "deleteUser", "setSecret", "signIn"} <= ordinary
    assert ordinary <= {row["operation"] for row in CONTROLS} | WITHOUT.keys()


def test_no_operation_has_both_and_each_is_one_of_the_api() -> None:
    controlled = {row["operation"] for row in CONTROLS}
    assert not controlled & WITHOUT.keys()
    assert controlled | WITHOUT.keys() <= OPERATIONS.keys()
    assert all(WITHOUT.values())


def test_the_lists_are_sorted() -> None:
    assert sorted(CONTROLS, key=lambda row: (row["operation"], row["method"], row["path"])) == CONTROLS
    assert [*WITHOUT] == sorted(WITHOUT)


def test_a_control_is_a_page_with_a_form_behind_the_guards_of_its_operation() -> None:
    templates = "".join(file.read_text() for file in TEMPLATES.glob("*.html"))
    for row in CONTROLS:
        rule, handler = OPERATIONS[row["operation"]]["x-authorize"], PAGES[row["method"], row["path"]]
        if row["method"] == "GET":
            continue
        guards = guards_of(handler)
        assert not rule.get("stepUp") or step_up in guards, row
        asked = {(guard.action, guard.subject_type) for guard in guards if isinstance(guard, PolicyGuard)}
        # A page that completes a profile is for those whom the policy lets do nothing else.
        assert "action" not in rule or (rule["action"], rule["subjectType"]) in asked or row["path"] == "/onboarding"
        parts = row["path"].replace("{", "}").split("}")[::2]
        assert f'"{"%s".join(parts)}' in templates, row


def test_every_form_of_the_account_is_the_control_of_an_operation() -> None:
    forms = {path for method, path in PAGES if method == "POST" and path.startswith("/account")}
    assert forms == {row["path"] for row in CONTROLS if row["path"].startswith("/account") and row["method"] == "POST"}


def test_every_operation_that_administers_has_a_control_or_a_reason_for_none() -> None:
    assert {row["operation"] for row in CONTROLS} | WITHOUT.keys() == OPERATIONS.keys()


def test_every_form_of_the_console_is_the_control_of_an_operation() -> None:
    forms = {path for method, path in PAGES if method == "POST" and path.startswith("/admin")}
    assert forms == {row["path"] for row in CONTROLS if row["path"].startswith("/admin") and row["method"] == "POST"}
