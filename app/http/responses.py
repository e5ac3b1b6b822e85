"""Responses that several controllers build alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from litestar import Response
from litestar.datastructures import Cookie

T = TypeVar("T")


@dataclass(eq=False)
class FormattedCookie(Cookie):
    """A cookie whose value is all of its `Set-Cookie` header: Litestar would quote the `=` in a sealed value."""

    def to_encoded_header(self) -> tuple[bytes, bytes]:
        """The header."""
        return b"set-cookie", (self.value or "").encode("latin-1")


def set_cookies(texts: Iterable[str]) -> list[Cookie]:
    """The values of `Set-Cookie` as cookies of a response. Its headers have room for one only."""
    return [FormattedCookie(key="", value=text) for text in texts]


def encoded_response(
    _: type[T], body: bytes, headers: Mapping[str, str], status: int = 200, cookies: Iterable[str] = ()
) -> Response[T]:
    """A response whose body is the JSON of a `T`, encoded already: its ETag is computed from the bytes.

    `cookies` are the values of `Set-Cookie` beside the one in `headers`.
    """
    response = Response(
        body, status_code=status, headers=dict(headers), cookies=set_cookies(cookies), media_type="application/json"
    )
    return cast("Response[T]", response)


def unchanged_response(headers: Mapping[str, str]) -> Response[Any]:
    """The 304 of a read, with the headers that the 200 would have (RFC 9110 section 15.4.5)."""
    return Response(None, status_code=304, headers=dict(headers))
