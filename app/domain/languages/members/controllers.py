"""Routes on the members of a language."""

from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from app.ability.ability import Subject
from app.domain.languages.controllers import Languages
from app.domain.languages.members.schemas import Accepted, InvitationSent, MemberView, NewMember, RolesChange
from app.domain.languages.members.service import MemberService
from app.guards.authorize import Request, ability_of, authorize, caller_id, missing, step_up
from app.http.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, decode_uuid_cursor, page_of

Members = NamedDependency[SkipValidation[MemberService]]

MAY_READ = authorize("read", "Language", id_from="code")
MAY_ADMINISTER = authorize("administer", "Language", id_from="code")


class MemberController(Controller):
    """Who belongs to a language."""

    path = "/api/languages/{code:str}/members"
    tags = ("Members",)

    @get(guards=[MAY_READ])
    async def index(
        self,
        request: Request,
        languages: Languages,
        members: Members,
        code: FromPath[str],
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[MemberView]:
        """The members of the language. Addresses are shown to who administers it."""
        rows = await members.page(code, decode_uuid_cursor(cursor), limit + 1)
        if not rows and await languages.read(code) is None:
            raise missing(request, "read", "Language")
        shown = ability_of(request).can("administer", Subject("Language", {"code": code}))
        return page_of(
            rows, limit, lambda row: row.user_id, lambda row: row if shown else msgspec.structs.replace(row, email=None)
        )

    @post(guards=[MAY_ADMINISTER, step_up])
    async def add(
        self, request: Request, data: JSONBody[NewMember], members: Members, code: FromPath[str]
    ) -> Response[Accepted]:
        """Add somebody by their address.

        An address without an account gets an invitation, one with an account is added and told; the answer is the same.
        """
        await members.add(caller_id(request), code, data.email, data.roles)
        return Response(Accepted(data.email, data.roles), status_code=202)

    @put("/{user_id:uuid}", guards=[MAY_ADMINISTER, step_up])
    async def set_roles(
        self,
        request: Request,
        data: JSONBody[RolesChange],
        members: Members,
        code: FromPath[str],
        user_id: FromPath[UUID],
    ) -> MemberView:
        """Replace a member's roles."""
        return await members.set_roles(caller_id(request), code, user_id, data.roles)

    @delete("/{user_id:uuid}", guards=[MAY_ADMINISTER])
    async def remove(self, request: Request, members: Members, code: FromPath[str], user_id: FromPath[UUID]) -> None:
        """Remove a member, or revoke their invitation; access ends at once."""
        await members.remove(caller_id(request), code, user_id)

    @delete("/me", guards=[MAY_READ])
    async def leave(self, request: Request, members: Members, code: FromPath[str]) -> None:
        """Leave the language."""
        if not await members.leave(caller_id(request), code):
            raise missing(request, "read", "Language")

    @post("/{user_id:uuid}/invitation", guards=[MAY_ADMINISTER, step_up], status_code=202)
    async def invite_again(
        self, request: Request, members: Members, code: FromPath[str], user_id: FromPath[UUID]
    ) -> InvitationSent:
        """Mail a new invitation to a member who has not accepted yet; the link before it is void."""
        await members.invite_again(caller_id(request), code, user_id)
        return InvitationSent()
