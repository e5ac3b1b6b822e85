"""What no route can take, found in the path and the headers of a request before its body is read."""

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache

from litestar.types import HTTPScope

from app.errors import Problem
from app.http.bodies import MAX_TEXTS_BYTES
from app.http.preconditions import lines_combined

# `uri-host [ ":" port ]` (RFC 9112 section 3.2, RFC 3986 section 3.2.2).
HOST = re.compile(rb"([\w.~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?", re.ASCII)

JSON_TYPE = b"application/json"
FORM_TYPE = b"application/x-www-form-urlencoded"

READ = (b"host", b"content-length", b"content-type", b"content-encoding", b"transfer-encoding")
OF_BODY = frozenset({b"content-length", b"transfer-encoding"})


class Body(Enum):
    """The body that a request announces. A chunked one that is announced as neither JSON nor, to a page, as a form must
    turn out to be empty."""

    NONE = "none"
    JSON = "json"
    FORM = "form"
    MUST_BE_EMPTY = "must be empty"


def read_head(scope: HTTPScope) -> Body:
    """The body that the request announces. Of its headers, the lines of each list are combined.

    Raises `Problem` for a request that no route can take.
    """
    path, headers = scope["path"], list(scope["headers"])
    if "\0" in path or not (path.isascii() or _is_text(path)):
        raise Problem("malformed_request", "The path is not UTF-8 text.")
    unique = dict(headers)
    # Most requests: each header once, and no body. What follows would be a twentieth of the time of a short answer.
    if len(unique) == len(headers) and not unique.keys() & OF_BODY and _is_host(unique.get(b"host", b"")):
        return Body.NONE
    scope["headers"] = lines_combined(headers)
    return _announced_body(headers, scope["http_version"], takes_forms=not _is_of_the_api(path))


def _is_of_the_api(path: str) -> bool:
    """Whether the path is below /api, to the router too, which takes several slashes for one."""
    return path.lstrip("/").partition("/")[0] == "api"


def _announced_body(headers: Iterable[tuple[bytes, bytes]], http_version: str, *, takes_forms: bool) -> Body:
    values: dict[bytes, list[bytes]] = {name: [] for name in READ}
    for name, value in headers:
        if name in values:
            values[name].append(value)
    hosts, lengths, media_types, content_encodings, transfer_encodings = values.values()
    if not _names_one_host(hosts, http_version):
        raise Problem("malformed_request", "Send one Host header.")
    if len(lengths) > 1 or not all(map(bytes.isdigit, lengths)):
        raise Problem("malformed_request", "Content-Length must be one number.")
    digits = lengths[0].lstrip(b"0") if lengths else b""
    # Counted first, because `int` refuses a text of thousands of digits.
    if len(digits) > len(str(MAX_TEXTS_BYTES)) or int(digits or b"0") > MAX_TEXTS_BYTES:
        raise Problem("body_too_large", "No route takes as much.")
    if not (digits or transfer_encodings):
        return Body.NONE
    announced = {_without_parameters(media_type) for media_type in media_types}
    is_json, is_form = announced == {JSON_TYPE}, takes_forms and announced == {FORM_TYPE}
    is_read = len(media_types) == 1 and (is_json or is_form)
    if is_read and any(encoding.strip().lower() not in (b"", b"identity") for encoding in content_encodings):
        # RFC 9110 section 12.5.3.
        raise Problem(
            "unsupported_media_type", "Send the body without Content-Encoding.", headers={"Accept-Encoding": "identity"}
        )
    if not is_read and digits and not transfer_encodings:
        raise not_json()
    if not is_read:
        return Body.MUST_BE_EMPTY
    return Body.FORM if is_form else Body.JSON


def not_json() -> Problem:
    """The problem of a body that is not announced as JSON."""
    return Problem("unsupported_media_type", "Send Content-Type: application/json.")


def _names_one_host(hosts: list[bytes], http_version: str) -> bool:
    """Whether the Host headers are one sound value or, in HTTP/1.0, none (RFC 9112 section 3.2).

    Granian gives a request that has none the host of its absolute target, which cannot be told from a Host header, or
    else an empty Host. It names the version 1.0 `1`.
    """
    if http_version in ("1", "1.0") and hosts in ([], [b""]):
        return True
    return len(hosts) == 1 and _is_host(hosts[0])


@lru_cache(256)
def _is_host(value: bytes) -> bool:
    return HOST.fullmatch(value) is not None


def _is_text(path: str) -> bool:
    """Whether the path is without unpaired surrogates, which stand for bytes that are not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_parameters(media_type: bytes) -> bytes:
    """The type and subtype of a media type (RFC 9110 section 8.3.1)."""
    return media_type.partition(b";")[0].strip().lower()
