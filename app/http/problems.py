"""How every exception becomes an RFC 9457 problem+json answer."""

from collections import Counter
from collections.abc import Mapping
from typing import cast

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import HTTPScope, Send
from msgspec import UNSET, Struct, UnsetType

from app.auth.principal import ANONYMOUS, Principal
from app.errors import CurrentVersion, FieldError, Params, Problem, SubjectNotFound
from app.guards.authorize import Request, may_know_what_exists
from app.http.body_errors import error_beyond_limit
from app.postgres.outages import outage_in, reason_of
from app.words.accept_language import wanted_locale
from app.words.catalogue import FALLBACK_LOCALE
from app.words.problem_texts import field_text, problem_text

PROBLEM_JSON = "application/problem+json"

# Codes of refusals that are no fault of the program: each is one line of the log, without a traceback.
OVERLOAD = ("too_many_requests", "temporarily_unavailable")
# How many requests this process has refused for overload, by code and reason, since its start.
REFUSALS: Counter[tuple[str, str]] = Counter()

logger = structlog.get_logger("ostiary.errors")

# The problem code of each status of a framework error. Any other 4xx is `malformed_request`.
FRAMEWORK_CODES: Mapping[int, str] = {
    401: "not_signed_in",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}


class FieldDetails(Struct, frozen=True, omit_defaults=True):
    """One unacceptable value. `message` is for people, in their language; `hint` is for developers."""

    field: str
    code: str
    message: str
    hint: str = ""
    params: Params = {}
    current: CurrentVersion | UnsetType | None = UNSET


class ProblemDetails(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The body of every error answer (RFC 9457). `text` is for people, in their language.

    `title` and `detail` are for developers.
    """

    type: str
    title: str
    status: int
    code: str
    text: str
    params: Params = {}
    detail: str = ""
    instance: str = ""
    errors: list[FieldDetails] = []
    current: CurrentVersion | UnsetType | None = UNSET


def render(problem: Problem, instance: str = "", locale: str = FALLBACK_LOCALE) -> bytes:
    """The problem+json body, with its texts for people in the language `locale`."""
    return msgspec.json.encode(
        ProblemDetails(
            type=f"urn:ostiary:problem:{problem.code}",
            title=problem.kind.title,
            status=problem.kind.status,
            code=problem.code,
            text=problem_text(locale, problem.code, problem.params),
            params=problem.params,
            detail=problem.detail,
            instance=instance,
            errors=[_details(error, locale) for error in problem.errors],
            current=problem.current,
        )
    )


def headers_of(problem: Problem, locale: str) -> dict[str, str]:
    """The headers of the answer, which depends on the language that the client asks for."""
    vary = ", ".join(filter(None, [problem.headers.get("Vary"), "Accept-Language"]))
    return {**problem.headers, "Content-Language": locale, "Vary": vary}


def note_refusal(problem: Problem, request_id: str) -> None:
    """Count a refusal for overload, and write its one line to the log."""
    REFUSALS[problem.code, problem.reason.partition(":")[0]] += 1
    logger.warning("request_refused", request_id=request_id, code=problem.code, reason=problem.reason)


async def send_problem(scope: HTTPScope, send: Send, problem: Problem, request_id: str) -> None:
    """Answer the problem without the app, in a layer outside of it. Nobody is authenticated yet."""
    asked_for = [value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"]
    locale = wanted_locale(", ".join(asked_for))
    body = render(problem, f"urn:uuid:{request_id}", locale)
    headers = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", str(len(body)).encode()),
        *[(name.lower().encode(), value.encode()) for name, value in headers_of(problem, locale).items()],
    ]
    await send({"type": "http.response.start", "status": problem.kind.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _details(error: FieldError, locale: str) -> FieldDetails:
    return FieldDetails(
        error.field,
        error.code,
        field_text(locale, error.code, error.params),
        error.message,
        error.params,
        error.current,
    )


def _parameter_errors(extra: object, sent_as: Mapping[str, str]) -> list[FieldError]:
    """Errors of path and query parameters: only names and limits, because the framework's text can repeat the value."""
    items = extra if isinstance(extra, list) else []
    return [_parameter_error(sent_as.get(key := str(item.get("key", "")), key), item.get("message")) for item in items]


def _parameter_error(name: str, message: object) -> FieldError:
    return error_beyond_limit(name, message) or FieldError(
        name, "invalid", "This value is not acceptable here: see the API's description"
    )


def _sent_as(request: Request) -> dict[str, str]:
    """The names that clients send, by the handler's parameter names: `If-Match` for `if_match`."""
    parameters = request.route_handler.parsed_fn_signature.parameters.values()
    return {field.name: getattr(field.kwarg_definition, "name", None) or field.name for field in parameters}


def from_exception(error: Exception, sent_as: Mapping[str, str] | None = None) -> Problem:
    """The problem that describes `error`. An error that clients must not see becomes `internal_error`.

    `sent_as` maps the handler's parameter names to the names that clients send, if the two differ.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationException):
        errors = _parameter_errors(error.extra, sent_as or {})
        if any(item.field == "data" for item in errors):
            return Problem("malformed_json", "Send a JSON body.")
        return Problem("validation_failed", errors=errors)
    if isinstance(error, HTTPException) and error.status_code < 500:
        headers = {name: _with_head(value) for name, value in (error.headers or {}).items() if name.lower() == "allow"}
        return Problem(FRAMEWORK_CODES.get(error.status_code, "malformed_request"), headers=headers)
    if outage := outage_in(error):
        return Problem(
            "temporarily_unavailable",
            "The database cannot do this right now.",
            headers={"Retry-After": "5"},
            reason=reason_of(outage),
        )
    return Problem("internal_error", "The error has been logged under this instance.")


def _with_head(allowed: str) -> str:
    """The `Allow` header with HEAD wherever GET is: the outermost layer answers HEAD for every GET route."""
    methods = [method.strip() for method in allowed.split(",")]
    return ", ".join([*methods, "HEAD"] if "GET" in methods else methods)


def problem_of(request: Request, error: Exception) -> Problem:
    """The problem that describes the `error` of a request. Logs faults, and counts refusals."""
    if isinstance(error, SubjectNotFound) and not may_know_what_exists(request):
        error = Problem("forbidden")
    problem = from_exception(error, _sent_as(request) if isinstance(error, ValidationException) else None)
    if isinstance(error, RequestEntityTooLarge):
        problem = Problem("body_too_large", f"At most {request.route_handler.resolve_request_max_body_size()} bytes.")
    request_id = str(request.scope.get("request_id", ""))
    if problem.code in OVERLOAD:
        note_refusal(problem, request_id)
    elif problem.kind.status >= 500:
        logger.error("request_failed", request_id=request_id, code=problem.code, exc_info=error)
    return problem


def problem_response(request: Request, error: Exception) -> Response[bytes]:
    """Litestar's exception handler for every exception: logs faults, counts refusals, and answers problem+json."""
    problem, request_id = problem_of(request, error), str(request.scope.get("request_id", ""))
    instance = f"urn:uuid:{request_id}" if request_id else ""
    locale = locale_for(request)
    return Response(
        render(problem, instance, locale),
        status_code=problem.kind.status,
        media_type=PROBLEM_JSON,
        headers=headers_of(problem, locale),
    )


def locale_for(request: Request) -> str:
    """The language of the texts: what the client asks for, then that of the user, if the request has been
    authenticated."""
    asked_for = ", ".join(request.headers.getall("accept-language", []))
    user = principal_of(request).user
    return wanted_locale(asked_for, user.locale if user else None)


def principal_of(request: Request) -> Principal:
    """Who calls; anonymous also where the request has not been authenticated, as on a path without a route."""
    return cast("Principal", request.scope.get("user") or ANONYMOUS)
