"""`/admin/languages/{code}/members`: who reads, translates and administers a language, and whom it waits for."""

from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import structs

from app.domain.languages.members import service
from app.domain.languages.members.controllers import HIDDEN, MAY_ADMINISTER, MAY_READ
from app.domain.languages.members.repository import MemberFilters
from app.domain.languages.members.schemas import NewMember, RolesChange
from app.domain.languages.service import read_language
from app.domain.module import ResourcesDependency
from app.errors import Problem
from app.guards.authorize import Request, step_up
from app.guards.roles import LANGUAGE_ROLES
from app.http.pagination import DEFAULT_LIMIT, decode_time_cursor, page_of, time_cursor
from app.http.parameters import Cursor, Search
from app.http.requests import actor_of
from app.pages.admin.console import CONSOLE, done, may, prove_first, query_of, show
from app.pages.admin.languages import LANGUAGES
from app.pages.html.controller import PageController
from app.pages.html.forms import Form, read_form
from app.pages.html.locales import locale_choices
from app.pages.html.refusals import Refusal


class AdminMembersPage(PageController):
    """The members of a language."""

    path = f"{LANGUAGES}/{{code:str}}/members"
    opt = CONSOLE

    @get(guards=[MAY_READ])
    async def show_members(
        self,
        request: Request,
        resources: ResourcesDependency,
        code: FromPath[str],
        search: Search = None,
        cursor: Cursor = None,
    ) -> Response[bytes]:
        """The members, the newest first, as `GET /api/languages/{languageCode}/members` lists them."""
        return await _page(request, resources, code, search, cursor)

    @get(["/add", "/{user_id:uuid}/roles", "/{user_id:uuid}/invite"], guards=[MAY_ADMINISTER])
    async def prove_first(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str]
    ) -> Response[bytes]:
        """The question who the reader is, and then the members again."""
        return await prove_first(request, resources, _members(code))

    @post("/add", guards=[MAY_ADMINISTER, step_up])
    async def add_member(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str]
    ) -> Response[bytes]:
        """Add somebody by their address, as `POST /api/languages/{languageCode}/members` does."""
        form = Form()
        try:
            form = await read_form(request)
            await service.add_member(actor_of(request), resources, code, form.decode(NewMember))
        except Problem as problem:
            return await _page(request, resources, code, refusal=Refusal(problem, form, about="email"))
        return done(request, resources, _members(code), "member_added")

    @post("/{user_id:uuid}/roles", guards=[MAY_ADMINISTER, step_up])
    async def set_roles(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str], user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """Replace the roles of a member."""
        try:
            roles = (await read_form(request)).decode(RolesChange).roles
            await service.set_member_roles(actor_of(request), resources, code, user_id, roles)
        except Problem as problem:
            return await _page(request, resources, code, refusal=Refusal(problem))
        return done(request, resources, _members(code) + query_of(request), "roles_saved")

    @post("/{user_id:uuid}/invite", guards=[MAY_ADMINISTER, step_up])
    async def invite_again(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str], user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """Mail a new invitation to a member who has not accepted yet."""
        try:
            await service.invite_member_again(actor_of(request), resources, code, user_id)
        except Problem as problem:
            return await _page(request, resources, code, refusal=Refusal(problem))
        return done(request, resources, _members(code) + query_of(request), "member_invited")

    @post("/{user_id:uuid}/remove", guards=[MAY_ADMINISTER])
    async def remove_member(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str], user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """Remove a member, or withdraw their invitation."""
        await service.remove_member(actor_of(request), resources, code, user_id)
        return done(request, resources, _members(code) + query_of(request), "member_removed")


def _members(code: str) -> str:
    return f"{LANGUAGES}/{code}/members"


async def _page(
    request: Request,
    resources: ResourcesDependency,
    code: str,
    search: str | None = None,
    cursor: str | None = None,
    refusal: Refusal | None = None,
) -> Response[bytes]:
    language = await read_language(resources, code)
    # Addresses, inviters and times are for those who administer, as in the API.
    shown = may(request, "administer", "Language", code)
    filters = MemberFilters(None, search or "", addresses=shown)
    rows = await service.list_members(resources, code, decode_time_cursor(cursor), DEFAULT_LIMIT + 1, filters)
    page = page_of(
        rows,
        DEFAULT_LIMIT,
        lambda row: time_cursor(row.created_at, row.user_id),
        lambda row: row if shown else structs.replace(row, **HIDDEN),
    )
    return await show(
        request,
        resources,
        "admin_members",
        "languages",
        refusal=refusal,
        language=language,
        administering=shown,
        members=page.items,
        roles=LANGUAGE_ROLES,
        locales=locale_choices(None),
        filters={"search": search or ""},
        next_cursor=page.next_cursor,
        cursor=cursor,
    )
