"""Parameters and response headers that several controllers share."""

from typing import Annotated

from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from app.http.pagination import CURSOR_MAX, MAX_LIMIT

UserId = Annotated[str, PathParameter(description="The user's id, or `me`.")]
LanguageCode = Annotated[
    str,
    PathParameter(description="The canonical BCP 47 tag of the language, in any case.", examples=[Example(value="de")]),
]

Limit = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="How many items a page has at most.")]
Cursor = Annotated[
    str | None,
    QueryParameter(max_length=CURSOR_MAX, description="The `nextCursor` of the page before; none for the first page."),
]

SEARCH_MAX = 200
Search = Annotated[
    str | None,
    QueryParameter(
        max_length=SEARCH_MAX, pattern=r"^[^\x00]*(?![\s\S])", description="Only those with this text, in any case."
    ),
]

IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(name="If-None-Match", description="The ETags of the copies that the client has, or `*`."),
]

UNCHANGED = ResponseSpec(None, description="The client's copy is the present one.")
SET_COOKIE = ResponseHeader(name="Set-Cookie", description="The session cookie.", documentation_only=True)
SET_FLOW_COOKIE = ResponseHeader(name="Set-Cookie", description="The flow of the code.", documentation_only=True)
BODY_ETAG = ResponseHeader(name="ETag", description="Changes exactly when the body does.", documentation_only=True)
VERSION_ETAG = ResponseHeader(name="ETag", description="The version, for `If-Match`.", documentation_only=True)
