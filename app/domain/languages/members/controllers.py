"""Routes on the members of a language."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import structs

from app.ability.ability import Subject
from app.domain.languages.members import service
from app.domain.languages.members.repository import MemberFilters, memberships_of
from app.domain.languages.members.schemas import (
    InvitationSent,
    MemberAccepted,
    MemberView,
    NewMember,
    OwnMembershipView,
    RolesChange,
)
from app.domain.module import ResourcesDependency
from app.guards.authorize import FURTHER, Further, Request, ability_of, authorize, authorize_list, resolve_me, step_up
from app.http.pagination import DEFAULT_LIMIT, Page, decode_cursor, decode_time_cursor, page_of, time_cursor
from app.http.parameters import Cursor, LanguageCode, Limit, Search
from app.http.requests import actor_of

InvitedBy = Annotated[
    str | None,
    QueryParameter(
        name="invitedBy",
        pattern=r"^(me|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})(?![\s\S])",
        description="The id of the user who has added or invited the member last, or `me`; for callers who administer.",
    ),
]

# What members who do not administer the language see of each other.
HIDDEN: dict[str, None] = dict.fromkeys(("email", "invited_at", "expires_at", "invited_by"))

MAY_READ = authorize("read", "Language", id_from="code")
MAY_ADMINISTER = authorize("administer", "Language", id_from="code")
# Only an admin of the language may ask who has invited whom.
BY_INVITER = Further("query", "invitedBy", (MAY_ADMINISTER,))


class MemberController(Controller):
    """The members of a language."""

    path = "/api/languages/{code:str}/members"
    tags = ("Members",)

    @get(guards=[MAY_READ], opt={FURTHER: (BY_INVITER,)})
    async def list_members(
        self,
        request: Request,
        resources: ResourcesDependency,
        code: LanguageCode,
        invited_by: InvitedBy = None,
        search: Search = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[MemberView]:
        """The members of the language, the newest first.

        Addresses, inviters and times of invitations are shown to callers who administer the language. `search` looks in
        the names, and in the addresses for these callers.
        """
        shown = ability_of(request).can("administer", Subject("Language", {"code": code}))
        if invited_by:
            await BY_INVITER.require(request)
        inviter = UUID(resolve_me(request, invited_by)) if invited_by else None
        filters = MemberFilters(inviter, search or "", addresses=shown)
        rows = await service.list_members(resources, code, decode_time_cursor(cursor), limit + 1, filters)
        return page_of(
            rows,
            limit,
            lambda row: time_cursor(row.created_at, row.user_id),
            lambda row: row if shown else structs.replace(row, **HIDDEN),
        )

    @post(guards=[MAY_ADMINISTER, step_up], status_code=202)
    async def add_member(
        self, request: Request, data: JSONBody[NewMember], resources: ResourcesDependency, code: LanguageCode
    ) -> Response[MemberAccepted]:
        """Add somebody by their address.

        An address without an account is invited. A user is added and told by mail. The answer is the same. 429 with
        Retry-After if others cause too much mail to the address, or the caller or the language sends too much.
        """
        user_id = await service.add_member(actor_of(request), resources, code, data)
        return Response(MemberAccepted(user_id, data.email, data.roles), status_code=202)

    @put("/{user_id:uuid}", guards=[MAY_ADMINISTER, step_up])
    async def set_member_roles(
        self,
        request: Request,
        data: JSONBody[RolesChange],
        resources: ResourcesDependency,
        code: LanguageCode,
        user_id: FromPath[UUID],
    ) -> MemberView:
        """Replace a member's roles."""
        return await service.set_member_roles(actor_of(request), resources, code, user_id, data.roles)

    @delete("/{user_id:uuid}", guards=[MAY_ADMINISTER])
    async def remove_member(
        self, request: Request, resources: ResourcesDependency, code: LanguageCode, user_id: FromPath[UUID]
    ) -> None:
        """Remove a member, or withdraw their invitation. Access ends at once."""
        await service.remove_member(actor_of(request), resources, code, user_id)

    @delete("/me", guards=[MAY_READ])
    async def leave_language(self, request: Request, resources: ResourcesDependency, code: LanguageCode) -> None:
        """Leave the language."""
        await service.leave_language(actor_of(request), resources, code)

    @post("/{user_id:uuid}/invitation", guards=[MAY_ADMINISTER, step_up], status_code=202)
    async def resend_member_invitation(
        self, request: Request, resources: ResourcesDependency, code: LanguageCode, user_id: FromPath[UUID]
    ) -> InvitationSent:
        """Mail a new invitation to a member who has not accepted yet; the link before it to this language is void.

        429 with Retry-After if others cause too much mail to the address, or the caller or the language sends too much.
        """
        await service.invite_member_again(actor_of(request), resources, code, user_id)
        return InvitationSent()


class MembershipController(Controller):
    """The caller's own memberships."""

    path = "/api/memberships"
    tags = ("Members",)

    @get(guards=[authorize_list("read", "Language")])
    async def list_memberships(
        self, request: Request, resources: ResourcesDependency, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[OwnMembershipView]:
        """The languages that the caller is a member of, by code, with who has added them.

        Whoever has an account is a member at once when they are added, and is told by mail: `DELETE
        /api/languages/{code}/members/me` leaves.
        """
        user_id = actor_of(request).require_user_id()
        rows = await memberships_of(resources.database, user_id, decode_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.language_code, lambda row: row)
