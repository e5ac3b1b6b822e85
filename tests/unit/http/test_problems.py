"""The closed list of problem codes, and the problem that an exception becomes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest
from litestar.exceptions import (
    ClientException,
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from app.errors import FIELD_CODES, KINDS, FieldError, Problem, invalid
from app.http.body_errors import MESSAGE_CODES
from app.http.problems import FRAMEWORK_CODES, from_exception, headers_of, render
from app.words.catalogue import section

APP = Path(__file__).parents[3] / "app"
SECRET_TEXT = "Validation failed for GET /x?token=hunter2"


@pytest.mark.parametrize("code", KINDS)
def test_a_code_is_a_plain_name_with_an_error_status_and_a_title(code: str) -> None:
    kind = KINDS[code]
    assert re.fullmatch("[a-z]+(_[a-z]+)*", code)
    assert 400 <= kind.status < 600
    assert kind.title
    assert not kind.title.endswith(".")


def test_a_framework_status_becomes_a_code_of_the_same_status() -> None:
    assert all(KINDS[code].status == status for status, code in FRAMEWORK_CODES.items())


def test_a_code_outside_the_list_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        Problem("no_such_code")


@pytest.mark.parametrize("code", KINDS)
def test_a_problem_is_rendered_with_type_title_status_and_code(code: str) -> None:
    body = msgspec.json.decode(render(Problem(code, "Do this."), "urn:uuid:1"))
    assert body == {
        "type": f"urn:ostiary:problem:{code}",
        "title": KINDS[code].title,
        "status": KINDS[code].status,
        "code": code,
        "text": section("en", "problem")[code],
        "detail": "Do this.",
        "instance": "urn:uuid:1",
    }


def test_a_problem_without_detail_and_instance_is_rendered_without_them() -> None:
    assert msgspec.json.decode(render(Problem("forbidden"))).keys() == {"type", "title", "status", "code", "text"}


def test_field_errors_are_listed() -> None:
    body = msgspec.json.decode(render(invalid("email", "invalid_email", "No.")))
    message = section("en", "field")["invalid_email"]
    assert body["errors"] == [{"field": "email", "code": "invalid_email", "message": message, "hint": "No."}]


def test_a_code_outside_the_list_of_field_codes_cannot_be_used() -> None:
    with pytest.raises(ValueError, match="no_such_code"):
        FieldError("email", "no_such_code", "No.")


def literals(*names: str) -> Iterator[tuple[str, int, str]]:
    """The literal codes in the calls of these names in the sources: the file, the line and the code.

    A field's code is the second argument, a problem's the first.
    """
    for file in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                place = 0 if node.func.id == "Problem" else 1
                code = node.args[place] if len(node.args) > place else None
                if isinstance(code, ast.Constant):
                    yield str(file.relative_to(APP)), node.lineno, str(code.value)


def test_the_sources_use_codes_of_the_closed_lists_alone() -> None:
    fields, problems = list(literals("invalid", "FieldError")), list(literals("Problem"))
    assert len(fields) > 30
    assert len(problems) > 30
    assert [found for found in fields if found[2] not in FIELD_CODES] == []
    assert [found for found in problems if found[2] not in KINDS] == []
    assert {code for code, _ in MESSAGE_CODES.values()} <= FIELD_CODES


def test_texts_are_in_the_language_that_is_asked_for_and_are_filled_with_the_parameters() -> None:
    problem = invalid("secret", "too_short", "At least 15 characters", params={"min": 15})
    body = msgspec.json.decode(render(problem, locale="de"))
    assert body["text"] == "Bitte prüfen Sie Ihre Eingaben."
    [error] = body["errors"]
    assert (error["message"], error["params"]) == ("Geben Sie mindestens 15 Zeichen ein.", {"min": 15})
    assert (body["title"], error["hint"]) == (KINDS["validation_failed"].title, "At least 15 characters")


def test_the_seconds_to_wait_are_told_to_people_too() -> None:
    problem = Problem("too_many_requests", headers={"Retry-After": "60"})
    body = msgspec.json.decode(render(problem))
    assert (body["params"], "1 minute" in body["text"]) == ({"retryAfter": 60}, True)


def test_a_problem_adds_to_the_vary_of_its_headers() -> None:
    assert headers_of(Problem("forbidden"), "de") == {"Content-Language": "de", "Vary": "Accept-Language"}
    assert headers_of(Problem("forbidden", headers={"Vary": "Cookie"}), "en")["Vary"] == "Cookie, Accept-Language"


@pytest.mark.parametrize("code", [code for code, kind in KINDS.items() if kind.status == 401])
def test_every_401_carries_a_challenge(code: str) -> None:
    assert Problem(code).headers == {"WWW-Authenticate": 'Bearer realm="ostiary"'}


def test_the_message_of_a_problem_without_detail_is_its_title() -> None:
    assert str(Problem("forbidden")) == KINDS["forbidden"].title


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFoundException(), "not_found"),
        (MethodNotAllowedException(), "method_not_allowed"),
        (HTTPException(status_code=413), "body_too_large"),
        (HTTPException(status_code=415), "unsupported_media_type"),
        (ClientException(SECRET_TEXT), "malformed_request"),
        (HTTPException(SECRET_TEXT, status_code=418), "malformed_request"),
        (InternalServerException(SECRET_TEXT), "internal_error"),
        (RuntimeError(SECRET_TEXT), "internal_error"),
        (KeyError(SECRET_TEXT), "internal_error"),
        (asyncpg.DeadlockDetectedError(SECRET_TEXT), "temporarily_unavailable"),
        (ValidationException(SECRET_TEXT, extra=[{"key": "data", "message": SECRET_TEXT}]), "malformed_json"),
        (ValidationException(SECRET_TEXT, extra=[{"key": "limit", "message": SECRET_TEXT}]), "validation_failed"),
        (ValidationException(SECRET_TEXT, extra={"key": SECRET_TEXT}), "validation_failed"),
    ],
)
def test_an_exception_becomes_a_problem_without_the_text_of_the_exception(error: Exception, code: str) -> None:
    result = from_exception(error)
    assert result.code == code
    assert "hunter2" not in render(result).decode()


def test_a_problem_stays_the_same_problem() -> None:
    problem = Problem("last_admin")
    assert from_exception(problem) is problem


def test_a_parameter_error_names_the_parameter() -> None:
    result = from_exception(ValidationException(extra=[{"key": "limit", "message": SECRET_TEXT}, {}]))
    message = "This value is not acceptable here: see the API's description"
    assert result.errors == [FieldError("limit", "invalid", message), FieldError("", "invalid", message)]


def test_a_parameter_error_names_the_query_parameter_and_not_the_argument() -> None:
    error = ValidationException(extra=[{"key": "updated_after"}, {"key": "limit"}])
    result = from_exception(error, {"updated_after": "updatedAfter"})
    assert [item.field for item in result.errors] == ["updatedAfter", "limit"]


def test_only_the_allow_header_of_a_framework_exception_is_kept() -> None:
    error = HTTPException(status_code=405, headers={"Allow": "GET", "X-Secret": "hunter2"})
    assert from_exception(error).headers == {"Allow": "GET, HEAD"}
