"""Routes on translations."""

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
    Changes,
    NewText,
    State,
    TranslationView,
    VersionView,
)  # fmt: skip
from app.domain.module import ResourcesDependency
from app.errors import invalid
from app.guards.authorize import Request, authorize
from app.http.bodies import MAX_TEXTS_BYTES
from app.http.pagination import DEFAULT_LIMIT, Page, decode_cursor, page_of
from app.http.parameters import UNCHANGED, VERSION_ETAG, Cursor, IfNoneMatch, LanguageCode, Limit
from app.http.preconditions import is_unchanged, precondition_of_write
from app.http.requests import actor_of
from app.http.responses import unchanged_response

TranslationKey = Annotated[str, PathParameter(description="The key; a slash in it is sent as %2F.")]
Prefix = Annotated[
    str, QueryParameter(max_length=200, pattern=PREFIX_PATTERN, description="Only keys that begin with this.")
]
InState = Annotated[State | None, QueryParameter(name="state", description="Only those in this state.")]
UpdatedAfter = Annotated[
    str | None,
    QueryParameter(
        name="updatedAfter",
        format="date-time",
        description=(
            "Only texts that were changed after this time (RFC 3339): for people who look for recent changes. It "
            "cannot keep a copy in step, because it tells no deletions, and can miss a change that is made meanwhile: "
            "for that there is `translation-changes`."
        ),
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", description="The ETag of the version to replace, a list, or `*` for any."),
]
IsNew = Annotated[str | None, HeaderParameter(name="If-None-Match", description="`*` for a key that is new.")]

MOMENT = Annotated[datetime, Meta(tz=True)]
VERSION_MAX = 2**31 - 1

MAY_READ = authorize("read", "Translation", id_from="code")
MAY_TRANSLATE = authorize("translate", "Language", id_from="code")


After = Annotated[
    int, QueryParameter(ge=0, le=2**63 - 1, description="The `nextAfter` of the answer before; 0 for everything.")
]


class ChangesController(Controller):
    """What becomes of the texts of a language, for programs that keep a copy of them."""

    path = "/api/languages/{code:str}/translation-changes"
    tags = ("Translations",)

    @get(guards=[MAY_READ])
    async def list_translation_changes(
        self, resources: ResourcesDependency, code: LanguageCode, after: After = 0, limit: Limit = DEFAULT_LIMIT
    ) -> Changes:
        """The latest change of each translation that was changed after the change `after`, deletions included.

        Changes have numbers in the order of their commits, without gaps: a copy that asks again and again with
        `nextAfter` misses nothing. A page can have fewer items than `limit`, or none, while `more` is true. 410
        `changes_gone` if `after` is no number of this language, which was deleted and created again, or of a state of
        the database before a backup was restored: drop the copy, and start again from 0.
        """
        return await service.list_changes(resources, code, after, limit)


class TranslationController(Controller):
    """The keyed texts of a language."""

    path = "/api/languages/{code:str}/translations"
    tags = ("Translations",)

    @get(guards=[MAY_READ])
    async def list_translations(
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

    @get("/{key:str}", guards=[MAY_READ], response_headers=[VERSION_ETAG], responses={304: UNCHANGED})
    async def get_translation(
        self,
        resources: ResourcesDependency,
        code: LanguageCode,
        key: TranslationKey,
        if_none_match: IfNoneMatch = None,
    ) -> Response[TranslationView]:
        """One translation. Its ETag is what a later write sends as `If-Match`."""
        found = await service.read_translation(resources, code, _key(key))
        headers = _etag(found.version)
        return (
            unchanged_response(headers)
            if is_unchanged(if_none_match, headers["ETag"])
            else Response(found, headers=headers)
        )

    @put(
        "/{key:str}",
        guards=[MAY_TRANSLATE],
        request_max_body_size=MAX_TEXTS_BYTES,
        response_headers=[VERSION_ETAG],
        responses={201: ResponseSpec(TranslationView, description="The key is new.", generate_examples=False)},
    )
    async def write_translation(
        self,
        request: Request,
        data: JSONBody[NewText],
        resources: ResourcesDependency,
        code: LanguageCode,
        key: TranslationKey,
        if_match: IfMatch = None,
        if_none_match: IsNew = None,
    ) -> Response[TranslationView]:
        """Write a text, or approve it with `"state": "approved"`.

        `If-Match` names the version to replace, `If-None-Match: *` says that the key is new. Without either header:
        428. If the translation is at another version: 412 (RFC 9110 section 13), so that no update is lost.
        """
        precondition = precondition_of_write(if_match, if_none_match)
        written = await service.write_translation(
            actor_of(request), resources, code, _key(key), data, precondition, request.user
        )
        headers = _etag(written.version)
        is_new = if_match is None
        if is_new:
            headers["Location"] = f"/api/languages/{code}/translations/{written.key.replace('/', '%2F')}"
        return Response(written, status_code=201 if is_new else 200, headers=headers)

    @delete("/{key:str}", guards=[MAY_TRANSLATE])
    async def delete_translation(
        self,
        request: Request,
        resources: ResourcesDependency,
        code: LanguageCode,
        key: TranslationKey,
        if_match: IfMatch = None,
    ) -> None:
        """Delete a translation at the version that `If-Match` names. Its history stays."""
        precondition = precondition_of_write(if_match, None)
        await service.delete_translation(actor_of(request), resources, code, _key(key), precondition)

    @get("/{key:str}/history", guards=[MAY_READ])
    async def list_translation_versions(
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
    async def write_translations(
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


def _moment(text: str | None) -> datetime | None:
    # Read here: as the type of a parameter it would take numbers too, and some of them are a ValueError to msgspec.
    try:
        return None if text is None else msgspec.convert(text, MOMENT).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise invalid(
            "updatedAfter", "invalid", "Expected a time such as 2026-06-01T12:00:00Z", params={"form": "time"}
        ) from None
