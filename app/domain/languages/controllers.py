"""Routes on languages."""

from typing import Annotated

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import JSONBody, PathParameter, SkipValidation

from app.ability.sql_filter import allowed_values
from app.domain.languages.schemas import LanguageChange, LanguageView, NewLanguage
from app.domain.languages.service import LanguageService
from app.guards.authorize import Request, ability_of, authorize, caller_id, missing, step_up
from app.http.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, page_of

Languages = NamedDependency[SkipValidation[LanguageService]]
Code = Annotated[
    str, PathParameter(description="The canonical BCP 47 tag of the language.", examples=[Example(value="de")])
]


class LanguageController(Controller):
    """Languages: who may see or change which is the policy's to say."""

    path = "/api/languages"
    tags = ("Languages",)

    @post(guards=[authorize("create", "Language")])
    async def create(self, data: JSONBody[NewLanguage], languages: Languages) -> Response[LanguageView]:
        """Create a language. Its code is brought to its canonical form; autonym and direction may follow from it."""
        created = await languages.create(data)
        return Response(created, status_code=201, headers={"Location": f"/api/languages/{created.code}"})

    @get(guards=[authorize("read", "Language", listing=True)])
    async def index(
        self, request: Request, languages: Languages, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[LanguageView]:
        """The languages that the caller may read, by code."""
        allowed = allowed_values(ability_of(request), "read", "Language", "code")
        codes = None if allowed is None else map(str, allowed)
        rows = await languages.page(codes, decode_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.code, lambda row: row)

    @get("/{code:str}", guards=[authorize("read", "Language", id_from="code")])
    async def read(self, request: Request, languages: Languages, code: Code) -> LanguageView:
        """One language."""
        found = await languages.read(code)
        if found is None:
            raise missing(request, "read", "Language")
        return found

    @patch("/{code:str}", guards=[authorize("administer", "Language", id_from="code")])
    async def change(
        self, request: Request, data: JSONBody[LanguageChange], languages: Languages, code: Code
    ) -> LanguageView:
        """Change a language's name, autonym or text direction. Its code never changes."""
        changed = await languages.change(caller_id(request), code, data)
        if changed is None:
            raise missing(request, "administer", "Language")
        return changed

    @delete("/{code:str}", guards=[authorize("delete", "Language", id_from="code"), step_up])
    async def remove(self, request: Request, languages: Languages, code: Code) -> None:
        """Delete a language with its members, its translations and their history."""
        if not await languages.remove(caller_id(request), code):
            raise missing(request, "delete", "Language")
