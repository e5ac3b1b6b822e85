"""`/admin/languages`: the languages of the reader, and each one's name, direction and end."""

from litestar import Response, get, post
from litestar.params import FromPath

from app.ability.sql_filter import allowed_values
from app.domain.languages import service
from app.domain.languages.schemas import LanguageChange, NewLanguage
from app.domain.module import ResourcesDependency
from app.errors import Problem
from app.guards.authorize import Request, ability_of, authorize, authorize_list, authorize_some, step_up
from app.guards.policy import LANGUAGE_FIELDS
from app.http.pagination import DEFAULT_LIMIT, decode_cursor, page_of
from app.http.parameters import Cursor, Search
from app.http.requests import actor_of
from app.pages.admin.console import ADMIN, CONSOLE, done, prove_first, show
from app.pages.html.controller import PageController
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal

LANGUAGES = f"{ADMIN}/languages"


class AdminLanguagesPage(PageController):
    """The languages."""

    path = LANGUAGES
    opt = CONSOLE

    @get(guards=[authorize_list("read", "Language")])
    async def show_languages(
        self, request: Request, resources: ResourcesDependency, search: Search = None, cursor: Cursor = None
    ) -> Response[bytes]:
        """The languages that the reader may read, as `GET /api/languages` lists them."""
        allowed = allowed_values(ability_of(request), "read", "Language", "code")
        codes = None if allowed is None else map(str, allowed)
        rows = await service.list_languages(resources, codes, decode_cursor(cursor), DEFAULT_LIMIT + 1, search)
        page = page_of(rows, DEFAULT_LIMIT, lambda row: row.code, lambda row: row)
        return await show(
            request,
            resources,
            "admin_languages",
            "languages",
            languages=page.items,
            filters={"search": search or ""},
            next_cursor=page.next_cursor,
            cursor=cursor,
        )

    @get("/new", guards=[authorize_some("create", "Language")])
    async def show_new_language(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """The form for a new language."""
        return await show(request, resources, "admin_language_new", "languages")

    @post("/new", guards=[authorize_some("create", "Language")])
    async def create_language(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Create a language, as `POST /api/languages` does."""
        form = Form()
        try:
            form = await read_form(request)
            created = await service.create_language(actor_of(request), resources, form.decode(NewLanguage))
        except Problem as problem:
            refusal = Refusal(problem, form, about="code")
            return await show(request, resources, "admin_language_new", "languages", refusal=refusal)
        return done(request, resources, f"{LANGUAGES}/{created.code}", "language_created")

    @get("/{code:str}", guards=[authorize("read", "Language", id_from="code")])
    async def show_language(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str]
    ) -> Response[bytes]:
        """One language, with the ways to its members and texts."""
        return await _page(request, resources, code)

    @post("/{code:str}/change", guards=[authorize("update", "Language", id_from="code")])
    async def change_language(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str]
    ) -> Response[bytes]:
        """Change name, autonym and direction, as `PATCH /api/languages/{languageCode}` does."""
        form = Form()
        try:
            form = await read_form(request)
            change = form.decode(LanguageChange, only=LANGUAGE_FIELDS)
            await service.change_language(actor_of(request), resources, code, change)
        except Problem as problem:
            return await _page(request, resources, code, Refusal(problem, form, about="name"))
        return done(request, resources, f"{LANGUAGES}/{code}", "language_saved")

    @get("/{code:str}/delete", guards=[authorize("delete", "Language", id_from="code")])
    async def prove_first(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str]
    ) -> Response[bytes]:
        """The question who the reader is, and then the language again."""
        return await prove_first(request, resources, f"{LANGUAGES}/{code}")

    @post("/{code:str}/delete", guards=[authorize("delete", "Language", id_from="code"), step_up])
    async def delete_language(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str]
    ) -> Response[bytes]:
        """Delete the language with all its texts, as `DELETE /api/languages/{languageCode}` does."""
        await service.delete_language(actor_of(request), resources, code)
        return done(request, resources, LANGUAGES, "language_deleted")


async def _page(
    request: Request, resources: ResourcesDependency, code: str, refusal: Refusal | None = None
) -> Response[bytes]:
    language = await service.read_language(resources, code)
    return await show(request, resources, "admin_language", "languages", refusal=refusal, language=language)
