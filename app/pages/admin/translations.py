"""`/admin/languages/{code}/translations`: the texts of a language, the editor of one, and its history."""

from typing import Annotated
from urllib.parse import quote

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Meta, Struct

from app.domain.languages.service import read_language
from app.domain.languages.translations import service
from app.domain.languages.translations.controllers import MAY_READ, MAY_TRANSLATE, Prefix
from app.domain.languages.translations.repository import TranslationFilters
from app.domain.languages.translations.schemas import KeyText, NewText, TranslationView
from app.domain.module import ResourcesDependency
from app.errors import Problem
from app.guards.authorize import Request
from app.http.bodies import MAX_TEXTS_BYTES
from app.http.pagination import DEFAULT_LIMIT, MAX_LIMIT, decode_cursor, page_of
from app.http.parameters import Cursor
from app.http.preconditions import precondition_of_version
from app.http.requests import actor_of
from app.pages.admin.console import CONSOLE, done, show
from app.pages.admin.languages import LANGUAGES
from app.pages.html.controller import PageController
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal

# The framework keeps the name `state` for itself.
InState = Annotated[str, QueryParameter(name="state")]
STATES = ("draft", "approved")


class Place(Struct, frozen=True):
    """Which text a form is about: its key, and the version that it replaces, null for a new key."""

    key: KeyText
    version: Annotated[int, Meta(ge=1)] | None = None


class AdminTranslationsPage(PageController):
    """The texts of a language."""

    path = f"{LANGUAGES}/{{code:str}}/translations"
    opt = CONSOLE

    @get(guards=[MAY_READ])
    async def show_translations(
        self,
        request: Request,
        resources: ResourcesDependency,
        code: FromPath[str],
        prefix: Prefix = "",
        in_state: InState = "",
        cursor: Cursor = None,
    ) -> Response[bytes]:
        """The texts by key, as `GET /api/languages/{languageCode}/translations` lists them."""
        filters = TranslationFilters(prefix, in_state if in_state in STATES else None)
        rows = await service.list_translations(resources, code, filters, decode_cursor(cursor), DEFAULT_LIMIT + 1)
        page = page_of(rows, DEFAULT_LIMIT, lambda row: row.key, lambda row: row)
        return await show(
            request,
            resources,
            "admin_translations",
            "languages",
            language=await read_language(resources, code),
            translations=page.items,
            filters={"prefix": prefix, "state": in_state},
            next_cursor=page.next_cursor,
            cursor=cursor,
        )

    @get("/edit", guards=[MAY_READ])
    async def show_text(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str], key: FromQuery[str] = ""
    ) -> Response[bytes]:
        """The editor of one text with its history; without a key, of a new one."""
        return await _editor(request, resources, code, key)

    @post("/edit", guards=[MAY_TRANSLATE], request_max_body_size=MAX_TEXTS_BYTES)
    async def write_text(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str]
    ) -> Response[bytes]:
        """Write a text over the version that the form names, as `PUT …/translations/{key}` does.

        A version that is not the present one is answered 409 or 412 with both texts: what was typed, and what is there.
        """
        form, key = Form(), ""
        try:
            form = await read_form(request)
            place = form.decode(Place, only=("key", "version"))
            key = place.key
            new = form.decode(NewText, only=("text", "state"))
            precondition = precondition_of_version(place.version)
            await service.write_translation(actor_of(request), resources, code, key, new, precondition, request.user)
        except Problem as problem:
            return await _editor(request, resources, code, key, Refusal(problem, form, about="text"))
        return done(request, resources, _edit(code, key), "text_saved")

    @post("/delete", guards=[MAY_TRANSLATE])
    async def delete_text(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str]
    ) -> Response[bytes]:
        """Delete a text at the version that the form names, as `DELETE …/translations/{key}` does."""
        form, key = Form(), ""
        try:
            form = await read_form(request)
            place = form.decode(Place)
            key = place.key
            precondition = precondition_of_version(place.version)
            await service.delete_translation(actor_of(request), resources, code, key, precondition)
        except Problem as problem:
            return await _editor(request, resources, code, key, Refusal(problem, form, about="text"))
        return done(request, resources, f"{LANGUAGES}/{code}/translations", "text_deleted")


def _edit(code: str, key: str) -> str:
    return f"{LANGUAGES}/{code}/translations/edit?key={quote(key, safe='')}"


async def _editor(
    request: Request, resources: ResourcesDependency, code: str, key: str, refusal: Refusal | None = None
) -> Response[bytes]:
    present, history = await _present(resources, code, key), []
    if key:
        try:
            # The newest versions: a text has as many as its present number.
            after = max(0, (present.version if present else MAX_LIMIT) - MAX_LIMIT)
            history = await service.read_history(resources, code, key, after, MAX_LIMIT)
        except Problem as problem:
            if problem.code != "not_found" or refusal is None:
                raise
    return await show(
        request,
        resources,
        "admin_translation",
        "languages",
        refusal=refusal,
        language=await read_language(resources, code),
        key=key,
        present=present,
        conflict=refusal is not None and refusal.problem.code == "version_conflict",
        history=history[::-1],
    )


async def _present(resources: ResourcesDependency, code: str, key: str) -> TranslationView | None:
    try:
        return await service.read_translation(resources, code, key) if key else None
    except Problem as problem:
        if problem.code != "not_found":
            raise
        return None
