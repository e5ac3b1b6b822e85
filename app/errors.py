"""The closed list of problem codes, and the exceptions that carry them. `http/problems.py` renders the answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class Kind(NamedTuple):
    """What a problem code always means: its status and its title."""

    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    "malformed_json": Kind(400, "The body is not JSON"),
    "malformed_request": Kind(400, "The request cannot be read"),
    "not_signed_in": Kind(401, "Sign in first"),
    "session_replaced": Kind(401, "The session has a newer token"),
    "invalid_credentials": Kind(401, "These credentials do not sign anyone in"),
    "method_disabled": Kind(403, "This way of signing in is switched off"),
    "forbidden": Kind(403, "You may not do this"),
    "cross_site_request": Kind(403, "The request comes from another site"),
    "session_required": Kind(403, "This needs a signed-in person"),
    "session_not_kept": Kind(403, "Your browser would not keep the cookie"),
    "onboarding_required": Kind(403, "Finish your profile first"),
    "reauthentication_required": Kind(403, "Prove again who you are"),
    "not_found": Kind(404, "There is no such resource"),
    "method_not_allowed": Kind(405, "This resource does not take this method"),
    "request_timeout": Kind(408, "The body did not arrive in time"),
    "email_taken": Kind(409, "This address already has an account"),
    "language_exists": Kind(409, "This language exists already"),
    "last_admin": Kind(409, "The last platform admin must stay"),
    "no_invitation": Kind(409, "This user does not wait for an invitation"),
    "primary_key_required": Kind(409, "The primary key cannot be deleted"),
    "signed_in_as_another": Kind(409, "Another user is signed in"),
    "service_account": Kind(409, "This user is a service account"),
    "too_many_keys": Kind(409, "This service account has as many keys as it may"),
    "job_not_retryable": Kind(409, "This job cannot run again"),
    "already_member": Kind(409, "This user is a member already"),
    "key_not_usable": Kind(410, "This key cannot be used"),
    "changes_gone": Kind(410, "These changes are gone"),
    "version_conflict": Kind(412, "The resource has changed meanwhile"),
    "body_too_large": Kind(413, "The body is too large"),
    "unsupported_media_type": Kind(415, "The body must be application/json"),
    "validation_failed": Kind(422, "Some values are not acceptable"),
    "precondition_required": Kind(428, "Say which version you are changing"),
    "too_many_requests": Kind(429, "Too many requests"),
    "internal_error": Kind(500, "Something went wrong on our side"),
    "temporarily_unavailable": Kind(503, "Too busy for this right now"),
}


class CurrentVersion(Struct, frozen=True, rename="camel"):
    """The version that a write has met instead of the expected one, by whom and when.

    `version` is what the next write names; it is null if the resource was deleted then. `updated_by` is null once that
    user is deleted, and `updated_by_name` also where the caller may not know the name.
    """

    version: int | None
    updated_by: UUID | None
    updated_by_name: str | None
    updated_at: datetime


# The closed list of the codes of unacceptable values.
FIELD_CODES = frozenset({
    "ambiguous", "derived_secret", "duplicate", "invalid", "invalid_character", "invalid_code",
    "invalid_cursor", "invalid_email", "invalid_language_tag", "invalid_token", "missing", "out_of_range", "stale",
    "too_guessable", "too_long", "too_short", "unknown_field", "unknown_parameter", "wrong_type",
})  # fmt: skip

# What the text for people depends on, such as `{"min": 15}`: it is filled into the text, or chooses it.
Params = Mapping[str, str | int]


class FieldError(Struct, frozen=True):
    """One unacceptable value: `field` is its path in the body or the parameter's name, `code` is stable.

    `code` is one of `FIELD_CODES`; another one raises `ValueError`. `message` is for developers, in English: the answer
    shows it as the `hint`, beside a text for people, which `code` and `params` choose. Neither repeats the value.
    `current` is for values that expect another version; None if there never was one.
    """

    field: str
    code: str
    message: str
    params: Params = {}
    current: CurrentVersion | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if self.code not in FIELD_CODES:
            raise ValueError(f"{self.code} is not in FIELD_CODES")


class Problem(Exception):  # noqa: N818 # RFC 9457's word
    """An error that the client is told about.

    `code` is a key of `KINDS`; an unknown code raises `KeyError`. `detail` tells developers what to do, in English, and
    never repeats a secret or a query string. The text for people is chosen by `code` and `params`; the seconds of a
    `Retry-After` header are `retryAfter` in `params`. `current` is the version that a refused write has met; None if
    there never was one. `reason` says in a word why a request was refused for overload; only logs and metrics show it.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: list[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
        reason: str = "",
        current: CurrentVersion | UnsetType | None = UNSET,
        params: Params | None = None,
    ) -> None:
        self.kind = KINDS[code]
        super().__init__(detail or self.kind.title)
        self.code = code
        self.detail = detail
        self.reason = reason
        self.current = current
        self.errors = errors or []
        self.headers = dict(headers or {})
        self.params = dict(params or {})
        if "Retry-After" in self.headers:
            self.params["retryAfter"] = int(self.headers["Retry-After"])
        if self.kind.status == 401:
            self.headers["WWW-Authenticate"] = 'Bearer realm="ostiary"'  # RFC 9110 section 11.6.1


class SubjectNotFound(Problem):
    """The subject that a request names does not exist.

    The answer is 404 for callers whom the route's guard lets act on every subject of the type, and 403 for everybody
    else, so that nobody learns which subjects exist.
    """

    def __init__(self, detail: str = "") -> None:
        super().__init__("not_found", detail)


def invalid(field: str, code: str, message: str, *, params: Params | None = None) -> Problem:
    """A 422 about one field. The arguments are those of `FieldError`."""
    return Problem("validation_failed", errors=[FieldError(field, code, message, params or {})])
