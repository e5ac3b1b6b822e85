"""The OpenAPI document: references, errors and bodies are documented alike everywhere, and error codes are one list."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from app.asgi import build
from app.errors import KINDS
from tests.support.app import settings_for

Node = dict[str, object]

ERRORS_PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
DOCUMENT = cast("Node", build(settings_for("postgresql:///unused")).openapi_schema.to_schema())


def at(*path: str) -> Node:
    """The object at this path in the document."""
    node: object = DOCUMENT
    for name in path:
        node = cast("Node", node)[name]
    return cast("Node", node)


def operations() -> Iterator[tuple[str, Node]]:
    for path in at("paths"):
        for method in at("paths", path):
            yield f"{method.upper()} {path}", at("paths", path, method)


OPERATIONS = dict(operations())


def test_every_reference_resolves() -> None:
    references = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT))
    assert references
    for reference in set(references):
        assert at(*reference.split("/"))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_documents_its_errors_as_problems(operation: str) -> None:
    responses = cast("dict[str, Node]", OPERATIONS[operation]["responses"])
    assert [status for status in responses if status >= "400"] == ["default"]
    problem = cast("Node", responses["default"]["content"])
    assert problem == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_204_and_304_document_no_body_and_201_documents_location(operation: str) -> None:
    responses = cast("dict[str, Node]", OPERATIONS[operation]["responses"])
    for status, response in responses.items():
        assert ("content" in response) is (status not in ("204", "304"))
        headers = cast("dict[str, Node]", response.get("headers", {}))
        assert status != "201" or "Location" in headers
        assert all("schema" in header for header in headers.values())


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name.startswith("GET ")])
def test_a_read_with_an_etag_takes_if_none_match_and_answers_304(operation: str) -> None:
    responses = cast("dict[str, Node]", OPERATIONS[operation]["responses"])
    parameters = cast("list[Node]", OPERATIONS[operation].get("parameters", []))
    has_etag = "ETag" in cast("Node", responses.get("200", {}).get("headers", {}))
    assert ("304" in responses) is has_etag
    assert ("If-None-Match" in [parameter["name"] for parameter in parameters]) is has_etag


def test_every_request_body_refuses_unknown_fields() -> None:
    references = set(
        re.findall(
            r'"requestBody": \{"content": \{"application/json": \{"schema": \{"\$ref": "([^"]+)"', json.dumps(DOCUMENT)
        )
    )
    assert references
    for reference in references:
        assert at(*reference.removeprefix("#/").split("/"))["additionalProperties"] is False


def test_no_field_has_a_default_which_generators_take_for_one_that_is_always_there() -> None:
    assert '"default": ' not in json.dumps(DOCUMENT["components"])
    redeem, text = at("components", "schemas", "RedeemKeyInput"), at("components", "schemas", "NewText")
    assert redeem["required"] == []
    assert cast("Node", redeem["properties"])["switch"] == {
        "type": "boolean", "description": "Without the field: `false`."
    }  # fmt: skip
    assert text["required"] == ["text"]


@pytest.mark.parametrize("schema", ["WhoAmI", "SignedIn", "KeyPage", "KeyRequested", "PolicyTable", "Health"])
def test_a_field_that_is_always_answered_is_required(schema: str) -> None:
    answered = at("components", "schemas", schema)
    assert cast("Node", answered["properties"]).keys() - {"returnTo", "key"} == set(
        cast("list[str]", answered["required"])
    )


def test_the_purposes_that_can_be_asked_for_are_listed() -> None:
    listed = at("components", "schemas", "RequestKeyInput", "properties", "purpose")["enum"]
    assert listed == ["email_change", "password_reset", "sign_in", "sign_up"]


def test_every_operation_id_is_unique_and_named_by_a_person() -> None:
    operation_ids = [str(operation["operationId"]) for operation in OPERATIONS.values()]
    assert len(set(operation_ids)) == len(operation_ids)
    for operation_id in operation_ids:
        # The name of the handler: `list_keys`, not `index`.
        assert re.fullmatch("[a-z]+([A-Z][a-z0-9]*)+|reauthenticate", operation_id), f"{operation_id}: say of what"
        assert not re.match("(api|health[A-Z])", operation_id), operation_id


def test_every_schema_is_named_by_a_person() -> None:
    for name in at("components", "schemas"):
        assert re.fullmatch("([A-Z][a-z0-9]*)+|WhoAmI", name), f"{name}: two classes share a name, or it is generic"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_parameter_is_in_camel_case_and_never_null(operation: str) -> None:
    parameters = cast("list[Node]", OPERATIONS[operation].get("parameters", []))
    in_path = [str(parameter["name"]) for parameter in parameters if parameter["in"] == "path"]
    assert sorted(in_path) == sorted(re.findall(r"{(\w+)}", operation))
    for parameter in parameters:
        assert parameter["in"] == "header" or re.fullmatch("[a-z]+([A-Z][a-z]+)*", str(parameter["name"])), parameter
        assert '"null"' not in json.dumps(parameter), parameter


def test_rules_are_documented_as_raw_rules_of_casl() -> None:
    items = at("components", "schemas", "WhoAmI", "properties", "rules", "items")
    assert items == {"$ref": "#/components/schemas/RawRule"}
    rule = at("components", "schemas", "RawRule")
    assert cast("Node", rule["properties"]).keys() == {
        "action", "subject", "conditions", "fields", "inverted", "reason",
    }  # fmt: skip
    assert rule["required"] == ["action", "subject"]


def test_the_document_lists_exactly_the_error_codes_of_the_app() -> None:
    assert at("components", "schemas", "Problem", "properties", "code")["enum"] == list(KINDS)


def test_the_page_on_errors_lists_exactly_the_error_codes_with_their_statuses() -> None:
    documented = re.findall(r"^\|\s*`(\w+)`\s*\|\s*(\d{3})\s*\|", ERRORS_PAGE.read_text(), re.MULTILINE)
    assert sorted(documented) == sorted((code, str(kind.status)) for code, kind in KINDS.items())
