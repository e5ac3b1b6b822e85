"""Routes on translations."""

import re
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import unquote

import msgspec
from litestar import Controller, Response, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from msgspec import Meta

from app.domain.languages.translations import service
from app.domain.languages.translations.repository import TranslationFilters
from app.domain.languages.translations.schemas import (
    PREFIX_PATTERN,
    Batch,
    BatchResult,
    NewText,
    State,
    TranslationView,
    VersionView,
)  # fmt: skip
from app.domain.module import ResourcesDependency
from app.errors import Problem, invalid
from app.guards.authorize import Request, authorize
from app.http.bodies import MAX_TEXTS_BYTES
from app.http.pagination import DEFAULT_LIMIT, Page, decode_cursor, page_of
from app.http.parameters import VERSION_ETAG, Cursor, LanguageCode, Limit
from app.http.requests import actor_of

TranslationKey = Annotated[str, PathParameter(description="The key; a slash in it is sent as %2F.")]
Prefix = Annotated[str, QueryParameter(pattern=PREFIX_PATTERN, description="Only keys that begin with this.")]
InState = Annotated[State | None, QueryParameter(name="state", description="Only those in this state.")]
UpdatedAfter = Annotated[
    str | None,
    QueryParameter(name="updatedAfter", format="date-time", description="Only changes after this time (RFC 3339)."),
]
IfMatch = Annotated[str | None, HeaderParameter(name="If-Match", description="The ETag of the version to replace.")]
IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match", description="`*` for a key that is new.")]

MOMENT = Annotated[datetime, Meta(tz=True)]
ENTITY_TAG = re.compile(r'"([1-9][0-9]{0,9})"')
VERSION_MAX = 2**31 - 1

MAY_READ = authorize("read", "Translation", id_from="code")
MAY_TRANSLATE = authorize("translate", "Language", id_from="code")


class TranslationController(Controller):
    """The keyed texts of a language."""

    path = "/api/languages/{code:str}/translations"
    tags = ("Translations",)

    @get(guards=[MAY_READ])
    async def index(
        self,
        resources: ResourcesDependency,
        code: LanguageCode,
        prefix: Prefix = "",
        in_state: InState = None,
        updated_after: UpdatedAfter = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[TranslationView]:
        """The translations of the language, by key."""
        filters = TranslationFilters(prefix, in_state, _moment(updated_after))
        rows = await service.list_translations(resources, code, filters, decode_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.key, lambda row: row)

    @get("/{key:str}", guards=[MAY_READ], response_headers=[VERSION_ETAG])
    async def read(
        self, resources: ResourcesDependency, code: LanguageCode, key: TranslationKey
    ) -> Response[TranslationView]:
        """One translation. Its ETag is what a later write sends as `If-Match`."""
        found = await service.read_translation(resources, code, _key(key))
        return Response(found, headers=_etag(found.version))

    @put(
        "/{key:str}",
        guards=[MAY_TRANSLATE],
        request_max_body_size=MAX_TEXTS_BYTES,
        response_headers=[VERSION_ETAG],
        responses={201: ResponseSpec(TranslationView, description="The key is new.", generate_examples=False)},
    )
    async def write(
        self,
        request: Request,
        data: JSONBody[NewText],
        resources: ResourcesDependency,
        code: LanguageCode,
        key: TranslationKey,
        if_match: IfMatch = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response[TranslationView]:
        """Write a text, or approve it with `"state": "approved"`.

        `If-Match` names the version to replace, `If-None-Match: *` says that the key is new. Without either header:
        428. If the translation is at another version: 412 (RFC 9110 section 13), so that no update is lost.
        """
        replaces = _replaced_version(if_match, if_none_match)
        written = await service.write_translation(actor_of(request), resources, code, _key(key), data, replaces)
        headers = _etag(written.version)
        if replaces is None:
            headers["Location"] = f"/api/languages/{code}/translations/{written.key.replace('/', '%2F')}"
        return Response(written, status_code=200 if replaces else 201, headers=headers)

    @delete("/{key:str}", guards=[MAY_TRANSLATE])
    async def remove(
        self,
        request: Request,
        resources: ResourcesDependency,
        code: LanguageCode,
        key: TranslationKey,
        if_match: IfMatch = None,
    ) -> None:
        """Delete a translation at the version that `If-Match` names. Its history stays."""
        version = _replaced_version(if_match, None)
        await service.delete_translation(actor_of(request), resources, code, _key(key), version or 0)

    @get("/{key:str}/history", guards=[MAY_READ])
    async def history(
        self,
        resources: ResourcesDependency,
        code: LanguageCode,
        key: TranslationKey,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[VersionView]:
        """Every change of a translation with who and when, oldest first."""
        after = decode_cursor(cursor) or "0"
        if not after.isdecimal() or int(after) > VERSION_MAX:
            raise invalid("cursor", "invalid_cursor", "Take nextCursor from the page before, or leave it out")
        rows = await service.read_history(resources, code, _key(key), int(after), limit + 1)
        return page_of(rows, limit, lambda row: row.version, lambda row: row)

    @post("/batch", guards=[MAY_TRANSLATE], request_max_body_size=MAX_TEXTS_BYTES, status_code=200)
    async def write_batch(
        self, request: Request, data: JSONBody[Batch], resources: ResourcesDependency, code: LanguageCode
    ) -> BatchResult:
        """Write up to 500 texts, all or none; 412 lists each item whose `version` is not the current one.

        The body has at most 2 MiB.
        """
        return BatchResult(await service.write_batch(actor_of(request), resources, code, data.items))


def _key(encoded: str) -> str:
    # The outermost layer leaves slashes encoded, so that a key is one segment of the path.
    return unquote(encoded)


def _etag(version: int) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


def _replaced_version(if_match: str | None, if_none_match: str | None) -> int | None:
    if if_none_match == "*" and if_match is None:
        return None
    if if_match is None:
        raise Problem("precondition_required", 'Send If-Match: "version", or If-None-Match: * for a new key.')
    named = ENTITY_TAG.fullmatch(if_match)
    version = int(named[1]) if named else 0
    if not 0 < version <= VERSION_MAX or if_none_match is not None:
        raise Problem("version_conflict", "If-Match takes one ETag that this resource has given.")
    return version


def _moment(text: str | None) -> datetime | None:
    # Read here: as the type of a parameter it would take numbers too, and some of them are a ValueError to msgspec.
    try:
        return None if text is None else msgspec.convert(text, MOMENT).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise invalid(
            "updatedAfter", "invalid", "Expected a time such as 2026-06-01T12:00:00Z", params={"form": "time"}
        ) from None
