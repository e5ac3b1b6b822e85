"""Routes on languages."""

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import JSONBody
from litestar.types import Scope

from app.ability.sql_filter import allowed_values
from app.domain.languages import service
from app.domain.languages.kept_languages import kept_answer
from app.domain.languages.schemas import LanguageChange, LanguageView, NewLanguage
from app.domain.module import ResourcesDependency
from app.guards.authorize import Request, ability_of, authorize, authorize_list, authorize_some, step_up
from app.http.direct_answers import DirectAnswers
from app.http.pagination import DEFAULT_LIMIT, Page, decode_cursor, page_of
from app.http.parameters import Cursor, LanguageCode, Limit, Search
from app.http.ready_answers import ReadyAnswer
from app.http.requests import actor_of


def find_kept_answer(scope: Scope) -> ReadyAnswer | None:
    """The answer about the language that the path names, if the language is in memory."""
    return kept_answer(scope["litestar_app"].state.resources, scope["path_params"]["code"])


class LanguageController(Controller):
    """Create, list, read, change and delete languages."""

    path = "/api/languages"
    tags = ("Languages",)

    @post(guards=[authorize_some("create", "Language")])
    async def create_language(
        self, request: Request, data: JSONBody[NewLanguage], resources: ResourcesDependency
    ) -> Response[LanguageView]:
        """Create a language. The code is canonicalised; autonym and direction default to those of the code."""
        created = await service.create_language(actor_of(request), resources, data)
        return Response(created, status_code=201, headers={"Location": f"/api/languages/{created.code}"})

    @get(guards=[authorize_list("read", "Language")])
    async def list_languages(
        self,
        request: Request,
        resources: ResourcesDependency,
        search: Search = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[LanguageView]:
        """The languages that the caller may read, by code. `search` looks in code, name and autonym."""
        allowed = allowed_values(ability_of(request), "read", "Language", "code")
        codes = None if allowed is None else map(str, allowed)
        rows = await service.list_languages(resources, codes, decode_cursor(cursor), limit + 1, search)
        return page_of(rows, limit, lambda row: row.code, lambda row: row)

    @get(
        "/{code:str}",
        guards=[authorize("read", "Language", id_from="code")],
        middleware=[DirectAnswers(find_kept_answer)],
    )
    async def get_language(self, resources: ResourcesDependency, code: LanguageCode) -> LanguageView:
        """One language."""
        return await service.read_language(resources, code)

    @patch("/{code:str}", guards=[authorize("update", "Language", id_from="code")])
    async def update_language(
        self, request: Request, data: JSONBody[LanguageChange], resources: ResourcesDependency, code: LanguageCode
    ) -> LanguageView:
        """Change a language's name, autonym or text direction. Its code never changes."""
        return await service.change_language(actor_of(request), resources, code, data)

    @delete("/{code:str}", guards=[authorize("delete", "Language", id_from="code"), step_up])
    async def delete_language(self, request: Request, resources: ResourcesDependency, code: LanguageCode) -> None:
        """Delete a language with its members, its translations and their history."""
        await service.delete_language(actor_of(request), resources, code)
