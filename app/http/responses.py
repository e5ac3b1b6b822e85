"""Responses that several controllers build alike."""

from collections.abc import Mapping
from typing import TypeVar, cast

from litestar import Response

T = TypeVar("T")


def encoded_response(_: type[T], body: bytes, headers: Mapping[str, str], status: int = 200) -> Response[T]:
    """A response whose body is the JSON of a `T`, encoded already: its ETag is computed from the bytes."""
    response = Response(body, status_code=status, headers=dict(headers), media_type="application/json")
    return cast("Response[T]", response)
