"""The closed list of problem codes, and the problem that an exception becomes."""

import re

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

from app.errors import KINDS, FieldError, Problem, invalid
from app.http.problems import FRAMEWORK_CODES, from_exception, render

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
        "detail": "Do this.",
        "instance": "urn:uuid:1",
    }


def test_a_problem_without_detail_and_instance_is_rendered_without_them() -> None:
    assert msgspec.json.decode(render(Problem("forbidden"))).keys() == {"type", "title", "status", "code"}


def test_field_errors_are_listed() -> None:
    body = msgspec.json.decode(render(invalid("email", "invalid_email", "No.")))
    assert body["errors"] == [{"field": "email", "code": "invalid_email", "message": "No."}]


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
